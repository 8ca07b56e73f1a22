//! The activity feed: every entry of the log has its row, and every row that tells of an entry has that entry.
//!
//! Rows that no leaf stands behind, such as signing in, are told of by nothing else and are not compared; neither are rows of the
//! installation itself, which are all of that kind. Rows are dropped after six years, so an older entry needs none.

use fiducia_policy::{OrganizationId, Timestamp};
use fiducia_store::{ActivityFilter, ActivityKey, ActivityRecord, ActivityStore, ControlStore};
use serde_json::Value;

use super::comparison::{
    AuditError, CANDIDATES_MAX, Comparison, Entry, Notes, PAGE_ROWS, Rows, Unlogged, event_name,
};
use super::finding::{AuditFinding, ComparedKind};
use crate::compliance::{ActivityBody, is_without_leaf, kept_since, project};

const KIND: ComparedKind = ComparedKind::Activity;
/// The members in which a row says where its leaf lies.
const PLACES: [&str; 2] = ["ledger_index", "transparency_log_leaf_index"];

/// Compares the activity feed. Remembers one bit for each entry.
#[derive(Debug)]
pub(super) struct Activities {
    organization: OrganizationId,
    store: ActivityStore,
    /// The first entry that the feed had not reached when the audit began.
    reached: u64,
    /// Rows from before are dropped sooner or later.
    since: Option<Timestamp>,
    /// Entries whose row was found where it belongs.
    seen: Rows,
}

impl Activities {
    /// # Errors
    /// When the feed cannot be read.
    pub(super) fn of(
        organization: OrganizationId,
        store: ActivityStore,
        now: Timestamp,
    ) -> Result<Self, AuditError> {
        let reached = store.reached(organization)?;
        Ok(Self { organization, store, reached, since: kept_since(now), seen: Rows::default() })
    }

    /// Rows of the organisation behind a place.
    fn rows_after(&self, after: ActivityKey) -> Result<Vec<ActivityRecord>, AuditError> {
        let organizations = Some(vec![Some(self.organization)]);
        let filter = ActivityFilter { organizations, after, ..ActivityFilter::default() };
        // One stream is never too many.
        Ok(self.store.page(&filter, false, PAGE_ROWS)?.unwrap_or_default())
    }
}

impl Comparison for Activities {
    fn entry(
        &mut self,
        _control: &ControlStore,
        Entry { index, bytes, logged }: Entry<'_>,
        notes: &mut Notes,
    ) -> Result<(), AuditError> {
        let missing = || AuditFinding::NotKnown { kind: KIND, index, name: logged.leaf.id.to_string() };
        let expected = project(self.organization, index, bytes);
        let found = match &expected {
            Some(expected) => self.store.activity(expected.key())?,
            None => None,
        };
        match (expected, found) {
            (Some(expected), Some(found)) => {
                notes.count(KIND);
                self.seen.insert(index);
                if let Some(what) = difference(&expected, &found) {
                    notes.find(AuditFinding::Differs { kind: KIND, index, what });
                }
            }
            _ if index >= self.reached => notes.pending += 1,
            (Some(expected), None) if self.since.is_some_and(|since| expected.created_at < since) => {}
            _ => notes.find(missing()),
        }
        Ok(())
    }

    fn rest(&mut self, _control: &ControlStore, _notes: &mut Notes) -> Result<Vec<Unlogged>, AuditError> {
        let (mut found, mut claimed, mut after) = (Vec::new(), Rows::default(), ActivityKey::FIRST);
        loop {
            let rows = self.rows_after(after)?;
            let Some(last) = rows.last() else { return Ok(found) };
            after = last.key();
            for row in &rows {
                let body = serde_json::from_slice::<ActivityBody>(&row.body).ok();
                let place = body.as_ref().and_then(place);
                let is_logged = match place {
                    // Two rows of one entry are one too many.
                    Some(place) if self.seen.contains(place) && !claimed.contains(place) => {
                        claimed.insert(place);
                        true
                    }
                    Some(_) => false,
                    None => body.is_some() && is_without_leaf(&row.kind),
                };
                if !is_logged && found.len() < CANDIDATES_MAX {
                    found.push(unlogged(row, body));
                }
            }
        }
    }
}

/// A row without an entry, unless that was published since.
fn unlogged(row: &ActivityRecord, body: Option<ActivityBody>) -> Unlogged {
    // Public leaves are known by the id that is shown, ours by their event.
    let event = body.and_then(|body| body.id).unwrap_or_else(|| event_name(*row.id.as_bytes()));
    Unlogged { kind: KIND, name: row.id.to_string(), event: Some(event), unconfirmed: false }
}

/// Where a row says that its leaf lies.
fn place(body: &ActivityBody) -> Option<u64> {
    PLACES.iter().find_map(|member| body.details.get(*member).and_then(Value::as_u64))
}

/// In what a row and the one that its entry gives differ, if in anything.
fn difference(expected: &ActivityRecord, found: &ActivityRecord) -> Option<&'static str> {
    let read = |row: &ActivityRecord| serde_json::from_slice::<ActivityBody>(&row.body).ok();
    let (Some(should), Some(is)) = (read(expected), read(found)) else { return Some("text") };
    let checks = [
        (expected.organization == found.organization, "organisation"),
        (expected.kind == found.kind, "type"),
        (expected.actor == found.actor && should.actor == is.actor, "person who acted"),
        (place(&should) == place(&is), "place"),
        (should == is, "text"),
    ];
    checks.iter().find(|(agrees, _)| !agrees).map(|(_, what)| *what)
}
