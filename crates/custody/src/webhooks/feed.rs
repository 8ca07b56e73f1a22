//! The feed of activities in the order in which they arrived, for whoever sends them on.

use std::path::Path;
use std::sync::atomic::Ordering;

use fiducia_policy::{OrganizationId, Timestamp};
use fiducia_store::{ActivityStore, DataDirectory};

use crate::reading::Reader;
use crate::webhooks::commands::WebhookCommand;
use crate::writer::Writer;
use crate::{AdminError, Custody};

/// An activity, as the feed shows it. Its `Debug` shows nothing of what it says.
#[derive(Clone, PartialEq, Eq)]
pub struct FeedActivity {
    /// Its place in the order of arrival. Later ones have larger places.
    pub place: i64,
    /// Its id.
    pub id: String,
    /// Its type.
    pub kind: String,
    /// When it happened.
    pub at: Timestamp,
    /// Everything it says, a JSON object.
    pub body: String,
}

impl std::fmt::Debug for FeedActivity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FeedActivity")
            .field("place", &self.place)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Custody {
    /// Activities of every organisation behind a place, in the order in which they arrived, at most `limit`. Blocks.
    ///
    /// # Errors
    /// When the feed cannot be read.
    pub fn activities_after(&self, place: i64, limit: u32) -> Result<Vec<FeedActivity>, AdminError> {
        let _reading = self.reader().reading();
        self.reader().feed_after(None, place, limit)
    }

    /// Up to which place activities were written to a log system of this name. Blocks.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn siem_place(&self, target: &str) -> Result<i64, AdminError> {
        let _reading = self.reader().reading();
        Ok(self.reader().control()?.siem_place(target)?)
    }

    /// Notes that activities up to a place were written to a log system. Blocks.
    ///
    /// # Errors
    /// When the store fails: the same activities are then written once more.
    pub fn note_siem_place(&self, target: &str, place: i64, written: u64) -> Result<(), AdminError> {
        self.change_webhook(WebhookCommand::NoteSiemPlace { target: target.to_owned(), place })?;
        self.0.handle.state.siem_written.fetch_add(written, Ordering::Relaxed);
        Ok(())
    }

    /// Counts that a log system did not take activities, the first of which happened then; `None` when it has them all.
    pub fn note_siem_late(&self, first: Option<Timestamp>) {
        let state = &self.0.handle.state;
        let late = first.map_or(0, |first| self.now().as_second().saturating_sub(first.as_second()));
        state.siem_late_seconds.store(u64::try_from(late).unwrap_or(0), Ordering::Relaxed);
        if first.is_some() {
            state.siem_failures.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Reader {
    /// Activities behind a place, in the order in which they arrived: of one organisation, or all. Whoever calls this holds
    /// destruction off.
    pub(super) fn feed_after(
        &self,
        organization: Option<OrganizationId>,
        place: i64,
        limit: u32,
    ) -> Result<Vec<FeedActivity>, AdminError> {
        let arrived = self.arrived_activities(organization, place, limit)?;
        arrived
            .into_iter()
            .map(|(place, at, activity)| {
                let body = serde_json::to_string(&activity).map_err(|error| {
                    AdminError::Storage(format!("an activity cannot be written: {error}"))
                })?;
                Ok(FeedActivity { place, id: activity.id, kind: activity.kind, at, body })
            })
            .collect()
    }
}

impl Reader {
    /// The last place in the feed.
    pub(super) fn feed_end(&self) -> Result<i64, AdminError> {
        last_place(&self.root)
    }
}

impl Writer {
    /// The last place in the feed, for an endpoint that begins there.
    pub(super) fn feed_end(&self) -> Result<i64, AdminError> {
        last_place(&self.root)
    }
}

fn last_place(root: &Path) -> Result<i64, AdminError> {
    Ok(ActivityStore::open_for_reading(&DataDirectory::activities(root))?.last_arrival()?)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use fiducia_wire::siem::mapped_kinds;

    #[test]
    fn every_type_that_the_feed_shows_has_a_row_for_log_systems() {
        let mapped: BTreeSet<&str> = mapped_kinds().collect();
        let public = ["compliance_api_accessed", "anthropic_access", "cmek_preserve"].map(str::to_owned);
        let shown = crate::activity_names().into_iter().flat_map(|(_, names)| names).chain(public);
        let missing: Vec<String> = shown.filter(|name| !mapped.contains(name.as_str())).collect();
        assert_eq!(missing, Vec::<String>::new(), "crates/wire/src/siem/mapping.rs lacks rows");
    }
}
