//! Logs and databases that disagree in every way that is looked for.

use std::sync::Arc;

use fiducia_custody::{
    AuditError, AuditFinding, AuditSettings, AuditedLog, ComparedKind, LogAuditReport, RememberedCheckpoint,
    audit,
};
use fiducia_ledger::{
    Checkpoint, Digest, Event, EventId, Leaf, Ledger, LogReader, RecordAccess, SigningKey, VerifierKey,
    verify_log,
};
use fiducia_policy::{
    AccessLimits, AccessReason, Agreement, Clock, ExchangeId, GroundKind, OrganizationId, PersonId, Plan,
    RecordId, SubjectId, Tier, Timestamp, WorkspaceId,
};
use fiducia_store::{
    AccessRecord, Announcement, BeginLook, ControlStore, DataDirectory, NewOrganization, OrganizationRecord,
    OrganizationTerms,
};

pub(crate) const ORGANIZATION: OrganizationId = OrganizationId::from_bytes([7; 16]);
pub(crate) const ACTOR: PersonId = PersonId::from_bytes([3; 16]);

pub(crate) fn event_name(event: [u8; 16]) -> String {
    format!("event_{}", ExchangeId::from_bytes(event).uuid())
}

struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_760_000_000 + second).unwrap()
}

/// A data directory with a log and a database that are written apart.
pub(crate) struct Stand {
    folder: tempfile::TempDir,
    pub(crate) ledger: Ledger,
    pub(crate) control: ControlStore,
}

impl Stand {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let signer = SigningKey::from_seed("ledger.test", [9; 32].into()).unwrap();
        let ledger =
            Ledger::open(&DataDirectory::ledger(folder.path()), "ledger.test", signer, Arc::new(Epoch))
                .unwrap();
        let mut control = ControlStore::open(&DataDirectory::control(folder.path())).unwrap();
        let terms = OrganizationTerms {
            plan: Plan::Pro,
            tier: Tier::Private,
            agreement: Agreement::Standard,
            custom_retention: None,
        };
        let organization =
            OrganizationRecord { id: ORGANIZATION, name: "acme".to_owned(), terms, created_at: at(0) };
        let new = NewOrganization { organization, workspace: WorkspaceId::from_bytes([1; 16]) };
        let announcement = Announcement { id: [200; 16], organization: ORGANIZATION, event: Vec::new() };
        control.create_organization(&new, &announcement).unwrap();
        let mut stand = Self { folder, ledger, control };
        stand.append([200; 16], 0, Event::OrganizationCreated {});
        stand
    }

    pub(crate) fn append(&mut self, event: [u8; 16], second: i64, what: Event) -> u64 {
        let leaf = Leaf { id: EventId::new(&event_name(event)).unwrap(), at: at(second), event: what };
        let appended = self.ledger.append(&[(ORGANIZATION, leaf)]).unwrap();
        self.ledger.publish().unwrap();
        appended[0].index
    }

    fn logged(&mut self, event: [u8; 16], second: i64) -> u64 {
        let access = RecordAccess {
            actor: ACTOR,
            reason: AccessReason::CustomerSupport,
            ticket: None,
            records: vec![RecordId::from_bytes([5; 16])],
            ground: GroundKind::Service,
            expires_at: at(second + 900),
            look: None,
        };
        self.append(event, second, Event::RecordAccess(access))
    }

    pub(crate) fn stored(
        &mut self,
        event: [u8; 16],
        second: i64,
        index: Option<u64>,
        change: impl FnOnce(&mut AccessRecord),
    ) {
        let mut row = AccessRecord {
            sequence: 0,
            event,
            organization: ORGANIZATION,
            subject: SubjectId::from_bytes([4; 16]),
            conversation: None,
            records: 1,
            actor: ACTOR,
            reason: AccessReason::CustomerSupport,
            ticket: None,
            ground: GroundKind::Service,
            at: at(second),
            expires_at: at(second + 900),
            ledger_index: None,
            session: None,
            sight: None,
            public_first: 0,
            public_count: 0,
        };
        change(&mut row);
        let look = BeginLook { rows: vec![row], session: None, at: at(second) };
        self.control.begin_looks(&[look], &AccessLimits::default()).unwrap();
        if let Some(index) = index {
            self.control.place_accesses(&[(event, index)]).unwrap();
        }
    }

    /// A look that both know.
    fn looked(&mut self, event: [u8; 16], second: i64) {
        let index = self.logged(event, second);
        self.stored(event, second, Some(index), |_| {});
    }

    fn key(&self) -> VerifierKey {
        self.ledger.verifier(ORGANIZATION).unwrap()
    }

    pub(crate) fn settings(&self) -> AuditSettings {
        let data_directory = self.folder.path().to_owned();
        AuditSettings {
            data_directory,
            tolerance_seconds: 300,
            now: at(100_000),
            pass_ids_max: AuditSettings::PASS_IDS_MAX,
        }
    }

    pub(crate) fn audit(&self, remembered: &[RememberedCheckpoint]) -> LogAuditReport {
        self.audit_with(&self.settings(), remembered)
    }

    fn audit_with(&self, settings: &AuditSettings, remembered: &[RememberedCheckpoint]) -> LogAuditReport {
        let log = AuditedLog { organization: ORGANIZATION, keys: vec![self.key()] };
        let folder = self.ledger.log_directory(ORGANIZATION);
        let verified = verify_log(&folder, &log.keys).err().unwrap_or_default();
        let verified = verified.iter().map(ToString::to_string).collect();
        audit(settings, &log, remembered, verified, &mut |_, _| true).unwrap()
    }

    fn codes(&self) -> Vec<&'static str> {
        self.audit(&[]).findings.iter().map(AuditFinding::code).collect()
    }

    fn checkpoint(&self) -> Checkpoint {
        LogReader::open(&self.ledger.log_directory(ORGANIZATION), &self.key()).unwrap().checkpoint().clone()
    }
}

#[test]
fn what_log_and_database_agree_on_is_no_finding() {
    let mut stand = Stand::new();
    stand.looked([1; 16], 10);
    let early = stand.checkpoint();
    stand.looked([2; 16], 20);
    let report = stand.audit(&[RememberedCheckpoint { by: "kept".to_owned(), checkpoint: early }]);
    assert_eq!(report.findings, []);
    assert_eq!((report.entries, report.compared.get(&ComparedKind::Access)), (3, Some(&2)));
    assert_eq!(report.confirmed_by, ["kept"]);
}

#[test]
fn an_access_without_an_entry_and_an_entry_without_an_access_are_found() {
    let mut stand = Stand::new();
    stand.stored([1; 16], 10, Some(7), |_| {});
    assert_eq!(stand.codes(), ["fact_without_entry"]);
    let mut stand = Stand::new();
    stand.logged([1; 16], 10);
    assert_eq!(stand.codes(), ["entry_without_fact"]);
}

#[test]
fn an_access_that_was_begun_is_counted_and_one_on_its_way_is_pending() {
    let mut stand = Stand::new();
    stand.stored([1; 16], 10, None, |_| {});
    let report = stand.audit(&[]);
    assert_eq!((report.findings.len(), report.unconfirmed, report.pending), (0, 1, 0));
    let waiting = Announcement { id: [1; 16], organization: ORGANIZATION, event: b"{}".to_vec() };
    stand.control.announce(&waiting).unwrap();
    let report = stand.audit(&[]);
    assert_eq!((report.findings.len(), report.unconfirmed, report.pending), (0, 0, 1));
    // Appended and not published yet: it lies in a pending segment.
    let leaf = Leaf {
        id: EventId::new(&event_name([2; 16])).unwrap(),
        at: at(20),
        event: Event::CertificateIssued { reference: "x".to_owned(), certificate: Digest([0; 32]) },
    };
    stand.ledger.append(&[(ORGANIZATION, leaf)]).unwrap();
    stand.stored([2; 16], 20, Some(1), |_| {});
    let report = stand.audit(&[]);
    assert_eq!((report.findings.len(), report.unconfirmed, report.pending), (0, 0, 2));
}

#[test]
fn every_field_that_differs_is_found() {
    type Change = fn(&mut AccessRecord);
    let changes: [(&str, Change); 6] = [
        ("person who read", |row| row.actor = PersonId::from_bytes([8; 16])),
        ("reason", |row| row.reason = AccessReason::LegalObligation),
        ("ticket", |row| row.ticket = Some("CASE".to_owned())),
        ("number of records", |row| row.records = 2),
        ("time", |row| row.at = at(10_000)),
        ("end", |row| row.expires_at = at(10_000)),
    ];
    for (what, change) in changes {
        let mut stand = Stand::new();
        let index = stand.logged([1; 16], 10);
        stand.stored([1; 16], 10, Some(index), change);
        let found = stand.audit(&[]).findings;
        assert_eq!(found, [AuditFinding::Differs { kind: ComparedKind::Access, index, what }]);
    }
}

#[test]
fn repeated_events_and_times_that_run_back_are_found() {
    let mut stand = Stand::new();
    stand.looked([1; 16], 1_000);
    stand.looked([2; 16], 800);
    assert_eq!(stand.codes(), Vec::<&str>::new(), "within the tolerance");
    let index = stand.logged([1; 16], 1_000);
    assert!(stand.codes().contains(&"event_repeated"), "{:?} at {index}", stand.codes());
    let mut stand = Stand::new();
    stand.looked([1; 16], 1_000);
    stand.looked([2; 16], 500);
    assert_eq!(stand.codes(), ["time_runs_back"]);
}

#[test]
fn repeated_events_are_found_in_whatever_part_they_are() {
    let mut stand = Stand::new();
    for number in 0..40 {
        stand.append([number; 16], 10, Event::OrganizationCreated {});
    }
    stand.append([17; 16], 10, Event::OrganizationCreated {});
    for pass_ids_max in [1, 5, 41, 1_000] {
        let report = stand.audit_with(&AuditSettings { pass_ids_max, ..stand.settings() }, &[]);
        let event = event_name([17; 16]);
        assert_eq!(
            report.findings,
            [AuditFinding::Repeated { event, first: 18, again: 41 }],
            "{pass_ids_max}"
        );
    }
}

#[test]
fn other_histories_and_longer_ones_are_found_by_who_remembers_them() {
    let mut one = Stand::new();
    let mut other = Stand::new();
    one.looked([1; 16], 10);
    other.looked([2; 16], 10);
    let kept = |stand: &Stand| RememberedCheckpoint { by: "kept".to_owned(), checkpoint: stand.checkpoint() };
    let codes = |report: LogAuditReport| report.findings.iter().map(AuditFinding::code).collect::<Vec<_>>();
    assert_eq!(codes(one.audit(&[kept(&other)])), ["history_forked"]);
    other.looked([3; 16], 20);
    assert_eq!(codes(one.audit(&[kept(&other)])), ["log_shorter_than_remembered"]);
}

#[test]
fn looks_at_an_erased_person_stay_explained() {
    let mut stand = Stand::new();
    let subject = SubjectId::from_bytes([4; 16]);
    stand.looked([1; 16], 10);
    stand.control.erase_subject(subject, at(20), false, None).unwrap();
    assert_eq!(stand.control.accesses(subject, None, 10).unwrap(), []);
    assert_eq!(stand.audit(&[]).findings, []);
    // And one that is hidden from the log then is missed all the same.
    let control = &mut stand.control;
    assert_eq!(control.audited_forgotten_accesses(ORGANIZATION, 0, 10).unwrap().len(), 1);
    stand.stored([9; 16], 30, Some(50), |_| {});
    stand.control.erase_subject(subject, at(40), false, None).unwrap();
    assert_eq!(stand.codes(), ["fact_without_entry"]);
}

#[test]
fn an_audit_can_be_stopped() {
    let stand = Stand::new();
    let log = AuditedLog { organization: ORGANIZATION, keys: vec![stand.key()] };
    let stopped = audit(&stand.settings(), &log, &[], Vec::new(), &mut |_, _| false);
    assert!(matches!(stopped, Err(AuditError::Stopped)));
}
