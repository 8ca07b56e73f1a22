//! What is asked of the stores, once, before any promise is looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use fiducia_ledger::{CosignerKey, Digest};
use fiducia_policy::{OrganizationId, Policy, PolicyVersion, Timestamp};
use fiducia_store::{ControlFigures, DataDirectory, KeyFigures, KeyStore, OrganizationRecord};

use super::access_figures::{AccessFigures, witnessed_checkpoint};
use super::log_figures::LogFigures;
use super::probes::{Trials, try_everything};
use super::report::WitnessState;
use crate::AdminError;
use crate::compliance::Feed;
use crate::consent::commands::ConsentReply;
use crate::keychain::Keychain;
use crate::reading::Reader;
use crate::staging::sha256;

/// Paths of consent that one step looks at.
const PATHS_PER_STEP: u32 = 1_000;

/// Paths of consent, held against where their people stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct PathFigures {
    pub(super) total: u64,
    /// To keys of a kind that may have none.
    pub(super) to_other_kinds: u64,
    /// Of people who do not consent to the purpose now.
    pub(super) unconsented: u64,
    pub(super) by_purpose: BTreeMap<String, u64>,
}

/// Everything a report is made of.
pub(crate) struct Facts {
    pub(super) now: Timestamp,
    pub(super) organization: OrganizationRecord,
    pub(super) policy: (PolicyVersion, Arc<Policy>),
    pub(super) policy_digest: Digest,
    /// How many policies were published here, and how many of them since the organisation came to be.
    pub(super) policies: (u64, u64),
    pub(super) log: LogFigures,
    pub(super) witnesses: Vec<WitnessState>,
    pub(super) access: AccessFigures,
    pub(super) keys: Vec<KeyFigures>,
    pub(super) control: ControlFigures,
    pub(super) paths: PathFigures,
    /// Records that are kept of the organisation.
    pub(super) records: u64,
    /// Notices published here, of how many purposes.
    pub(super) notices: (u64, u64),
    /// The newest certificate, and what checking its file said.
    pub(super) certificate: Option<(String, Result<(), String>)>,
    /// What checking the newest receipt said.
    pub(super) receipt: Option<Result<(), String>>,
    pub(super) trials: Trials,
    /// SHA-256 of the text of the access policies in force, which were asked.
    pub(super) access_policy: Digest,
    /// Earlier reports: reference and when.
    pub(super) reports: Vec<(String, Timestamp)>,
}

impl Facts {
    /// Keys of a kind, by its name.
    pub(super) fn keys_of(&self, kind: &str) -> Option<&KeyFigures> {
        self.keys.iter().find(|figures| figures.kind == kind)
    }

    /// How many keys of a kind live.
    pub(super) fn living(&self, kind: &str) -> u64 {
        self.keys_of(kind).map_or(0, |figures| figures.living)
    }

    /// Keys whose end has passed: how many, and since when the first of them.
    pub(super) fn due(&self) -> Option<(u64, Timestamp)> {
        let due = self.keys.iter().filter_map(|figures| figures.due);
        due.reduce(|(count, first), (more, since)| (count + more, first.min(since)))
    }

    /// Whether the organisation's plan is a commercial one under the policy in force.
    pub(super) fn is_commercial(&self) -> bool {
        let plan = self.policy.1.plan(self.organization.terms.plan);
        plan.is_some_and(fiducia_policy::PlanTerms::is_commercial)
    }
}

impl Reader {
    /// Asks everything. Takes as long as reading the organisation's whole log takes.
    pub(super) fn audit_facts(&self, organization: OrganizationId, feed: &Feed) -> Result<Facts, AdminError> {
        // Whatever is waiting for the log comes under a checkpoint first.
        self.scribe.settle();
        let now = self.clock.now();
        let log = self.audited_log(organization, now)?;
        // The feed follows the log, so that it is asked after it.
        feed.settle();
        let (certificate, receipt) = self.newest_proofs(organization)?;
        let reading = self.reading();
        let (control, keys) = (self.control()?, self.keys()?);
        let witnesses = self.witness_states(organization);
        let access = self.access_figures(organization, &log, &witnesses, (&control, &keys, now))?;
        let organizations = control.organizations()?;
        let found = organizations
            .iter()
            .find(|record| record.id == organization)
            .cloned()
            .ok_or_else(|| AdminError::NotFound(format!("there is no {organization}")))?;
        let policy = self.governance.current();
        let published = control.policies()?;
        let policy_digest = published
            .last()
            .map_or_else(|| sha256(&[Policy::default_text().as_bytes()]), |stored| stored.digest);
        let notices = control.notices(None)?;
        let mut purposes: Vec<_> = notices.iter().map(|notice| notice.identity.purpose).collect();
        purposes.dedup();
        let since = published.iter().filter(|stored| stored.published_at >= found.created_at).count();
        let facts = Facts {
            now,
            organization: found,
            policy,
            policy_digest: Digest(policy_digest),
            policies: (count(published.len()), count(since)),
            log,
            witnesses,
            access,
            keys: keys.key_figures(organization, now)?,
            control: control.control_figures(organization, now)?,
            paths: path_figures(&control, &keys, organization, now)?,
            records: self.records_kept(organization)?,
            notices: (count(notices.len()), count(purposes.len())),
            certificate,
            receipt,
            trials: try_everything(Keychain::new(Arc::clone(&self.access)), &keys, organization, &self.gate)?,
            access_policy: Digest(self.gate.digest),
            reports: control
                .audit_reports(organization, 1_000)?
                .into_iter()
                .map(|report| (report.reference, report.issued_at))
                .collect(),
        };
        drop(reading);
        Ok(facts)
    }

    fn audited_log(&self, organization: OrganizationId, now: Timestamp) -> Result<LogFigures, AdminError> {
        let directory = DataDirectory::ledger(&self.root).join(organization.uuid());
        let keys = self.names.keys_of(organization);
        keys.and_then(|keys| LogFigures::gather(&directory, &keys, now)).map_err(|error| {
            AdminError::Storage(format!(
                "the log of {organization} cannot be read, so nothing can be shown about it: {error}. Run `fiducia ledger verify`"
            ))
        })
    }

    /// The newest certificate and the newest receipt: giving them out checks them as whoever holds them would.
    #[expect(clippy::type_complexity, reason = "two answers, each with what checking it said")]
    fn newest_proofs(
        &self,
        organization: OrganizationId,
    ) -> Result<(Option<(String, Result<(), String>)>, Option<Result<(), String>>), AdminError> {
        let control = self.control()?;
        let newest = control.certificates(Some(organization), None, 1)?;
        let certificate = newest.into_iter().next().map(|record| {
            let checked = record
                .reference
                .parse()
                .map_err(|error: crate::certificate::NotAReference| AdminError::Invalid(error.to_string()))
                .and_then(|reference| self.certificate_file(&reference));
            (record.reference, checked.map(drop).map_err(|error| error.to_string()))
        });
        let newest = control.control_figures(organization, self.clock.now())?.newest_choice;
        drop(control);
        let receipt = newest.map(|id| match self.receipt(fiducia_policy::ConsentId::from_bytes(id)) {
            Ok(ConsentReply::Receipt { .. }) => Ok(()),
            Ok(_) => Err("the store gave an answer to another question".to_owned()),
            Err(error) => Err(error.to_string()),
        });
        Ok((certificate, receipt))
    }

    fn records_kept(&self, organization: OrganizationId) -> Result<u64, AdminError> {
        let place = self.place();
        let mut kept = 0;
        for name in place.names()? {
            let census = place.open_for_reading(&name)?.census()?;
            kept += census.iter().filter(|(id, _)| *id == organization).map(|(_, count)| count).sum::<u64>();
        }
        Ok(kept)
    }

    /// What each witness has signed of the log, by the note that is kept with their cosignatures.
    fn witness_states(&self, organization: OrganizationId) -> Vec<WitnessState> {
        let Some(terms) = &self.witnesses else { return Vec::new() };
        let note = witnessed_checkpoint(terms, organization).unwrap_or_default();
        let keys = self.names.keys_of(organization);
        let checkpoint = keys.and_then(|keys| fiducia_ledger::Checkpoint::verify(&note, &keys)).ok();
        let state = |key: &CosignerKey| {
            let signed = checkpoint
                .as_ref()
                .and_then(|checkpoint| Some((checkpoint.size, key.cosigned_at(&note).ok()?)));
            let (size, at) = signed.unzip();
            WitnessState { name: key.name().to_owned(), size, at }
        };
        terms.keys.iter().map(state).collect()
    }
}

fn path_figures(
    control: &fiducia_store::ControlStore,
    keys: &KeyStore,
    organization: OrganizationId,
    now: Timestamp,
) -> Result<PathFigures, AdminError> {
    let mut figures = PathFigures::default();
    let mut after = None;
    loop {
        let step = keys.consented_after(organization, after, PATHS_PER_STEP)?;
        let Some(last) = step.last() else { return Ok(figures) };
        after = Some((last.key, last.root));
        for path in &step {
            figures.total += 1;
            *figures.by_purpose.entry(path.purpose.clone()).or_default() += 1;
            if !["subject", "subject-feedback"].contains(&path.kind.as_str()) {
                figures.to_other_kinds += 1;
            }
            let purpose = path.purpose.parse().ok();
            let standing = match (path.subject, purpose) {
                (Some(subject), Some(purpose)) => control.consent_standing(subject, purpose)?,
                _ => None,
            };
            if !standing.is_some_and(|standing| standing.permits(now)) {
                figures.unconsented += 1;
            }
        }
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
