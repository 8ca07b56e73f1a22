//! What a report asks about people's reading: who else signed the log, what the audit of it says, emergencies, what customers see, and
//! whose key everything hangs from.

use std::collections::BTreeSet;

use fiducia_ledger::Checkpoint;
use fiducia_policy::{AccessNoticeKind, AccessReview, AccessSession, OrganizationId, Timestamp};
use fiducia_store::{AccessSessionFilter, ActivityStore, ControlStore, DataDirectory, KeyStore};

use super::log_figures::LogFigures;
use super::report::WitnessState;
use crate::audit::{
    AuditError, AuditFinding, AuditSettings, AuditedLog, ComparedKind, RememberedCheckpoint, audit,
};
use crate::reading::Reader;
use crate::{AdminError, WitnessTerms};

/// By how many seconds an entry may be dated before one that stands before it, as `fiducia ledger audit` lets pass.
const TOLERANCE_SECONDS: i64 = 300;
/// Sessions, and looks, that are read at a time.
const ROWS_PER_STEP: u32 = 1_000;

/// Who else signed the log, held against how many must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Witnessing {
    /// How many must have signed.
    pub(super) quorum: usize,
    /// How many of the named ones signed the newest checkpoint that is kept.
    pub(super) signed: usize,
    /// How many are named.
    pub(super) named: usize,
    /// How many entries that checkpoint covers.
    pub(super) size: u64,
    /// When the last one that the quorum needed signed it.
    pub(super) at: Option<Timestamp>,
}

impl Witnessing {
    /// From the witnesses' states; all of them are about one note.
    pub(super) fn of(states: &[WitnessState], quorum: usize) -> Self {
        let mut at: Vec<_> = states.iter().filter_map(|state| state.at).collect();
        at.sort_unstable();
        Self {
            quorum,
            signed: at.len(),
            named: states.len(),
            size: states.iter().filter_map(|state| state.size).max().unwrap_or(0),
            at: at.get(quorum.saturating_sub(1)).copied(),
        }
    }

    /// How many entries a quorum has signed.
    pub(super) const fn covered(&self) -> u64 {
        if self.signed >= self.quorum { self.size } else { 0 }
    }
}

/// What the audit of the log found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Audited {
    /// Accesses that were compared.
    pub(super) accesses: u64,
    /// Accesses that were begun and never confirmed.
    pub(super) unconfirmed: u64,
    /// What is wrong with accesses, in words.
    pub(super) wrong_accesses: Vec<String>,
    /// What else is wrong, in words.
    pub(super) wrong_otherwise: Vec<String>,
}

/// Emergencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Emergencies {
    /// How many were opened.
    pub(super) opened: u64,
    /// Of those: how many opened without two others' word.
    pub(super) without_approvals: u64,
    /// Of those: of how many the administrators were not told.
    pub(super) untold: u64,
    /// Of those: how many were found not to have been justified.
    pub(super) unjustified: u64,
    /// Reviews whose time is over.
    pub(super) overdue: u64,
}

/// What customers and people see of looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Seen {
    /// How many entries of the log the activity feed has taken in.
    pub(super) fed: u64,
    /// Public entries in the log.
    pub(super) public: u64,
    /// Public entries that looks in the index say are there.
    pub(super) public_due: u64,
    /// Of those: how many are not where they must be.
    pub(super) public_missing: u64,
}

/// What the organisation's key hangs from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct OwnKey {
    /// The service that wraps it, and since when; `None` where it hangs from the installation's key.
    pub(super) service: Option<(String, Timestamp)>,
    /// Whether it hangs from the installation's key.
    pub(super) hangs_from_installation: bool,
    /// Whether what it protects can be read now.
    pub(super) is_open: bool,
}

impl OwnKey {
    /// Whether nothing opens because the organisation, or its service, lets nobody.
    pub(super) const fn is_closed_by_its_owner(&self) -> bool {
        self.service.is_some() && !self.is_open
    }
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct AccessFigures {
    /// `None` where no witnesses are named.
    pub(super) witnessing: Option<Witnessing>,
    pub(super) audited: Audited,
    pub(super) emergencies: Emergencies,
    pub(super) seen: Seen,
    pub(super) own_key: OwnKey,
}

impl Reader {
    /// Asks the stores. What is in `log` was in the feed's reach before.
    pub(super) fn access_figures(
        &self,
        organization: OrganizationId,
        log: &LogFigures,
        states: &[WitnessState],
        (control, keys, now): (&ControlStore, &KeyStore, Timestamp),
    ) -> Result<AccessFigures, AdminError> {
        let terms = self.witnesses.as_ref();
        let witnessing = terms.map(|terms| Witnessing::of(states, terms.quorum));
        let activities = ActivityStore::open_for_reading(&DataDirectory::activities(&self.root))?;
        let mut seen = public_looks(control, organization, log)?;
        seen.fed = activities.reached(organization)?;
        let organization_key = keys.organization_key(organization)?;
        let own_key = match organization_key {
            None => OwnKey::default(),
            Some(key) => OwnKey {
                service: keys.service_wrap(key.id)?.map(|wrap| (wrap.service, wrap.wrapped_at)),
                hangs_from_installation: keys.edge(key.id)?.is_some(),
                is_open: self.access.standing(organization).is_some_and(|standing| standing.is_open),
            },
        };
        Ok(AccessFigures {
            audited: self.audited(organization, log, witnessing.as_ref())?,
            witnessing,
            emergencies: emergencies(control, organization, now)?,
            seen,
            own_key,
        })
    }

    /// Audits the log as `fiducia ledger audit` does, with what witnesses signed as somebody's memory of it.
    fn audited(
        &self,
        organization: OrganizationId,
        figures: &LogFigures,
        witnessing: Option<&Witnessing>,
    ) -> Result<Audited, AdminError> {
        let failed =
            |error: AuditError| AdminError::Storage(format!("the log could not be audited: {error}"));
        let keys = self.names.keys_of(organization).map_err(|error| failed(error.into()))?;
        let settings = AuditSettings {
            data_directory: self.root.clone(),
            tolerance_seconds: TOLERANCE_SECONDS,
            pass_ids_max: AuditSettings::PASS_IDS_MAX,
            now: self.clock.now(),
        };
        let signed = witnessing.filter(|witnessing| witnessing.covered() > 0);
        let remembered = self.witnesses.as_ref().filter(|_| signed.is_some());
        let remembered = remembered.and_then(|terms| witnessed_checkpoint(terms, organization));
        let remembered = remembered.and_then(|note| Checkpoint::verify(&note, &keys).ok());
        let remembered: Vec<_> = remembered
            .map(|checkpoint| RememberedCheckpoint { by: "what witnesses signed".to_owned(), checkpoint })
            .into_iter()
            .collect();
        let log = AuditedLog { organization, keys };
        let report = audit(&settings, &log, &remembered, figures.findings.clone(), &mut |_, _| true);
        let report = report.map_err(failed)?;
        let (accesses, others): (Vec<_>, Vec<_>) =
            report.findings.iter().partition(|found| is_of_accesses(found));
        let in_words = |findings: Vec<&AuditFinding>| findings.iter().map(ToString::to_string).collect();
        Ok(Audited {
            accesses: report.compared.get(&ComparedKind::Access).copied().unwrap_or(0),
            unconfirmed: report.unconfirmed,
            wrong_accesses: in_words(accesses),
            wrong_otherwise: in_words(others),
        })
    }
}

/// The note that is kept with witnesses' signatures.
pub(super) fn witnessed_checkpoint(terms: &WitnessTerms, organization: OrganizationId) -> Option<Vec<u8>> {
    std::fs::read(terms.directory.join(format!("{}.checkpoint", organization.uuid()))).ok()
}

fn is_of_accesses(finding: &AuditFinding) -> bool {
    use AuditFinding::{Differs, NotKnown, NotLogged};
    matches!(
        finding,
        NotLogged { kind: ComparedKind::Access, .. }
            | NotKnown { kind: ComparedKind::Access, .. }
            | Differs { kind: ComparedKind::Access, .. }
    )
}

/// Looks at every session of the organisation: few of them are emergencies, and none of those may be missed.
fn emergencies(
    control: &ControlStore,
    organization: OrganizationId,
    now: Timestamp,
) -> Result<Emergencies, AdminError> {
    let mut found = Emergencies::default();
    let mut filter =
        AccessSessionFilter { organization: Some(organization), ..AccessSessionFilter::default() };
    loop {
        let step = control.access_sessions(filter, ROWS_PER_STEP)?;
        let Some(last) = step.last() else { return Ok(found) };
        filter.before = Some(last.id);
        for session in step.iter().filter(|session| session.breaks_glass()) {
            let notices = control.session_notices(session.id)?;
            found.count(session, &notices, now);
        }
    }
}

impl Emergencies {
    fn count(&mut self, session: &AccessSession, notices: &[AccessNoticeKind], now: Timestamp) {
        self.overdue += u64::from(session.review_by().is_some_and(|by| by <= now));
        if session.opened_at.is_none() {
            return;
        }
        self.opened += 1;
        let others: BTreeSet<_> = session
            .approvals
            .iter()
            .map(|approval| approval.by.person)
            .filter(|person| *person != session.reader.person)
            .collect();
        self.without_approvals += u64::from(others.len() < 2);
        self.untold += u64::from(!notices.contains(&AccessNoticeKind::EmergencyOpened));
        let unjustified = matches!(session.review, Some(AccessReview::Done { justified: false, .. }));
        self.unjustified += u64::from(unjustified);
    }
}

/// Holds the public entries that looks in the index say are there against the log.
fn public_looks(
    control: &ControlStore,
    organization: OrganizationId,
    log: &LogFigures,
) -> Result<Seen, AdminError> {
    let mut seen = Seen { public: count(log.public.len()), ..Seen::default() };
    let mut after = 0;
    loop {
        let step = control.public_looks(organization, after, ROWS_PER_STEP)?;
        let Some(last) = step.last() else { return Ok(seen) };
        after = last.sequence;
        // What was looked at since the log was walked is another report's.
        for look in step.iter().filter(|look| look.end <= log.size) {
            seen.public_due += look.end - look.first;
            let present = (look.first..look.end).filter(|index| log.public.binary_search(index).is_ok());
            seen.public_missing += look.end - look.first - count(present.count());
        }
    }
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
