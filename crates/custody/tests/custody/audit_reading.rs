//! Audits of what is read: sessions against their entries, looks against the public events behind them, the activity feed against the
//! log. Each is planted wrong in both directions.

use fiducia_custody::{AuditFinding, AuditSettings, ComparedKind, LogAuditReport};
use fiducia_ledger::{
    AccessSessionStep, Event, EventId, Leaf, LookTerms, PublicFacts, RecordAccess, SessionStep,
};
use fiducia_policy::{
    AccessAsked, AccessEnd, AccessLimits, AccessNeeds, AccessReason, AccessScope, AccessSession,
    AccessSessionId, AccessStep, ActivityId, ConversationId, GroundKind, Participant, PersonId, RecordId,
    RoleSet, Sight, SubjectId, Timestamp,
};
use fiducia_store::{
    AccessRecord, AccessSessionWrite, ActivityFilter, ActivityRecord, ActivityStore, BeginLook,
    DataDirectory, SessionLook,
};
use serde_json::{Value, json};

use crate::audit::{ACTOR, ORGANIZATION, Stand, at, event_name};
use crate::world::{World, anthropic};

const SESSION: AccessSessionId = AccessSessionId::from_bytes([6; 16]);
const RECORD: RecordId = RecordId::from_bytes([5; 16]);
const LOOK: [u8; 16] = [1; 16];

/// A session that opened at the tenth second.
fn opened() -> AccessSession {
    let asked = AccessAsked {
        id: SESSION,
        organization: ORGANIZATION,
        reader: Participant { person: ACTOR, account: None },
        roles: RoleSet::default(),
        reason: AccessReason::SafetyReview,
        ticket: "CASE-7".to_owned(),
        scope: AccessScope::Conversation(ConversationId::from_bytes([2; 16])),
        ground: GroundKind::Service,
        seconds: 600,
        needs: AccessNeeds::Nothing,
        at: at(10),
    };
    AccessSession::ask(asked, &AccessLimits::default()).unwrap()
}

fn after(session: &AccessSession, step: AccessStep, second: i64) -> AccessSession {
    session.after(step, at(second), &AccessLimits::default()).unwrap()
}

/// What the log is told of a step of a session.
fn told(session: &AccessSession, step: SessionStep) -> AccessSessionStep {
    let count = |number: u64| u32::try_from(number).unwrap();
    AccessSessionStep {
        session: session.id,
        step,
        actor: session.reader.person,
        reason: session.reason,
        ticket: Some(session.ticket.clone()),
        ground: session.ground,
        needs: session.needs,
        seconds: session.seconds_open().map_or(session.seconds, count),
        looks: count(session.looks),
        records: count(session.records),
        end: session.end,
        alert: None,
        remark: None,
        policies: Vec::new(),
    }
}

/// How a look is written, and what is wrong with it.
#[derive(Clone, Copy)]
struct Written {
    /// Public events that lie behind the entry.
    public: u32,
    /// Public events that the database knows of.
    known: u64,
    reason: AccessReason,
    department: Option<&'static str>,
    resource: Option<&'static str>,
}

const RIGHT: Written = Written {
    public: 1,
    known: 1,
    reason: AccessReason::SafetyReview,
    department: None,
    resource: Some("msg_1"),
};

trait Reading {
    fn keep(&mut self, session: &AccessSession);
    fn tell(&mut self, step: AccessSessionStep, event: u8) -> u64;
    fn leaves(&self, written: Written) -> Vec<Leaf>;
    fn enter(&mut self, leaves: Vec<Leaf>) -> u64;
    fn begin(&mut self, known: u64);
    fn found(&self, kind: ComparedKind) -> Vec<AuditFinding>;
    fn looked(written: Written) -> Self;
}

impl Reading for Stand {
    /// Writes a session into the database alone.
    fn keep(&mut self, session: &AccessSession) {
        let write = AccessSessionWrite {
            session: session.clone(),
            announcements: Vec::new(),
            notices: Vec::new(),
            bulletins: Vec::new(),
            remark: None,
            at: at(10),
        };
        self.control.begin_access_session(&write).unwrap();
    }

    /// Writes a step into the log alone.
    fn tell(&mut self, step: AccessSessionStep, event: u8) -> u64 {
        self.append([event; 16], 30, Event::AccessSession(step))
    }

    /// The entry of a look in the session, and its public events.
    fn leaves(&self, written: Written) -> Vec<Leaf> {
        let id = EventId::new(&event_name(LOOK)).unwrap();
        let access = RecordAccess {
            actor: ACTOR,
            reason: AccessReason::SafetyReview,
            ticket: Some("CASE-7".to_owned()),
            records: vec![RECORD],
            ground: GroundKind::Service,
            expires_at: at(900),
            look: Some(LookTerms { session: Some(SESSION), sight: Sight::Plain, policies: Vec::new() }),
        };
        let public = (0..written.public).map(|ordinal| {
            let facts = PublicFacts {
                id: PublicFacts::id_of(&id, ordinal).unwrap(),
                organization: ORGANIZATION,
                at: at(20),
                department: written.department.map(str::to_owned),
                reason: written.reason,
                resource: written.resource.map_or_else(|| RECORD.to_string(), str::to_owned),
                workspace: None,
            };
            facts.access()
        });
        let mut leaves = vec![Leaf { id: id.clone(), at: at(20), event: Event::RecordAccess(access) }];
        leaves.extend(public);
        leaves
    }

    /// Writes leaves into the log; gives the index of the first.
    fn enter(&mut self, leaves: Vec<Leaf>) -> u64 {
        let leaves: Vec<_> = leaves.into_iter().map(|leaf| (ORGANIZATION, leaf)).collect();
        let first = self.ledger.append(&leaves).unwrap()[0].index;
        self.ledger.publish().unwrap();
        first
    }

    /// Writes a look into the database alone.
    fn begin(&mut self, known: u64) {
        let row = AccessRecord {
            sequence: 0,
            event: LOOK,
            organization: ORGANIZATION,
            subject: SubjectId::from_bytes([4; 16]),
            conversation: None,
            records: 1,
            actor: ACTOR,
            reason: AccessReason::SafetyReview,
            ticket: Some("CASE-7".to_owned()),
            ground: GroundKind::Service,
            at: at(20),
            expires_at: at(900),
            ledger_index: None,
            session: Some(SESSION),
            sight: Some(Sight::Plain),
            public_first: 0,
            public_count: known,
        };
        let session = SessionLook { session: SESSION, records: vec![RECORD], sight: Sight::Plain };
        let look = BeginLook { rows: vec![row], session: Some(session), at: at(20) };
        let begun = self.control.begin_looks(&[look], &AccessLimits::default()).unwrap();
        assert_eq!(begun, [Ok(())]);
    }

    fn found(&self, kind: ComparedKind) -> Vec<AuditFinding> {
        findings_of(&self.audit(&[]), kind)
    }

    /// A session with one look, in the log and in the database.
    fn looked(written: Written) -> Self {
        let mut stand = Self::new();
        stand.keep(&opened());
        stand.tell(told(&opened(), SessionStep::Opened), 90);
        stand.begin(written.known);
        let leaves = stand.leaves(written);
        let index = stand.enter(leaves);
        stand.control.place_accesses(&[(LOOK, index)]).unwrap();
        stand
    }
}

fn findings_of(report: &LogAuditReport, wanted: ComparedKind) -> Vec<AuditFinding> {
    let is_wanted = |finding: &&AuditFinding| match finding {
        AuditFinding::NotKnown { kind, .. }
        | AuditFinding::NotLogged { kind, .. }
        | AuditFinding::Differs { kind, .. } => *kind == wanted,
        _ => true,
    };
    report.findings.iter().filter(is_wanted).cloned().collect()
}

fn session_finding(what: &str) -> [AuditFinding; 1] {
    [AuditFinding::NotLogged { kind: ComparedKind::Session, name: format!("{SESSION} ({what})") }]
}

#[test]
fn a_session_and_its_look_in_both_are_no_finding() {
    let stand = Stand::looked(RIGHT);
    let report = stand.audit(&[]);
    assert_eq!(report.findings, []);
    let compared = |kind| report.compared.get(&kind).copied();
    assert_eq!(
        (compared(ComparedKind::Session), compared(ComparedKind::PublicEvent)),
        (Some(1), Some(1)),
        "{report:?}"
    );
    assert!(report.not_compared.iter().any(|what| what.contains("activities.db")), "{report:?}");
    // Without the provider's id the event names our record.
    assert_eq!(Stand::looked(Written { resource: None, ..RIGHT }).audit(&[]).findings, []);
}

#[test]
fn a_session_that_the_log_does_not_tell_of_is_found() {
    let mut stand = Stand::new();
    stand.keep(&opened());
    assert_eq!(stand.found(ComparedKind::Session), session_finding("opened"));
    // Of one for a single look the entry of that look tells.
    let mut stand = Stand::new();
    stand.keep(&AccessSession { is_single: true, ..opened() });
    assert_eq!(stand.found(ComparedKind::Session), []);

    let ended = after(&opened(), AccessStep::End(AccessEnd::Reader), 40);
    let mut stand = Stand::new();
    stand.keep(&ended);
    stand.tell(told(&opened(), SessionStep::Opened), 90);
    assert_eq!(stand.found(ComparedKind::Session), session_finding("ended"));
    stand.tell(told(&ended, SessionStep::Ended), 91);
    assert_eq!(stand.found(ComparedKind::Session), []);
}

#[test]
fn looks_that_a_session_counts_and_the_log_does_not_have_are_found() {
    let looked = after(&opened(), AccessStep::Look(1), 20);
    let mut stand = Stand::new();
    stand.keep(&looked);
    stand.tell(told(&opened(), SessionStep::Opened), 90);
    assert_eq!(stand.found(ComparedKind::Session), session_finding("looks"));
    // One that was begun, and whose entry the program did not live to write, opened nothing.
    let mut stand = Stand::new();
    stand.keep(&opened());
    stand.tell(told(&opened(), SessionStep::Opened), 90);
    stand.begin(1);
    let report = stand.audit(&[]);
    assert_eq!((findings_of(&report, ComparedKind::Session), report.unconfirmed), (vec![], 1));
    // Nor did one that the log refused.
    stand.control.drop_accesses(&[LOOK]).unwrap();
    let session = stand.control.access_session(SESSION).unwrap().unwrap();
    assert_eq!((session.looks, session.unlogged.looks, session.unlogged.records), (1, 1, 1));
    let report = stand.audit(&[]);
    assert_eq!((report.findings.as_slice(), report.unconfirmed), (&[][..], 0));
    // An entry whose place was not noted is an entry all the same.
    let mut stand = Stand::new();
    stand.keep(&opened());
    stand.tell(told(&opened(), SessionStep::Opened), 90);
    stand.begin(1);
    let leaves = stand.leaves(RIGHT);
    stand.enter(leaves);
    assert_eq!(stand.audit(&[]).findings, []);
}

#[test]
fn steps_and_looks_of_a_session_that_the_database_does_not_have_are_found() {
    let mut stand = Stand::new();
    let index = stand.tell(told(&opened(), SessionStep::Opened), 90);
    let name = format!("{SESSION} (opened)");
    assert_eq!(
        stand.found(ComparedKind::Session),
        [AuditFinding::NotKnown { kind: ComparedKind::Session, index, name }]
    );
    let mut stand = Stand::new();
    let leaves = stand.leaves(RIGHT);
    let index = stand.enter(leaves);
    let name = format!("{SESSION} (looks)");
    assert_eq!(
        stand.found(ComparedKind::Session),
        [AuditFinding::NotKnown { kind: ComparedKind::Session, index, name }]
    );
    // A session that says that it is still open, and that nobody looked.
    let ended = after(&opened(), AccessStep::End(AccessEnd::Reader), 40);
    let mut stand = Stand::new();
    stand.keep(&opened());
    stand.tell(told(&opened(), SessionStep::Opened), 90);
    let index = stand.tell(told(&ended, SessionStep::Ended), 91);
    let whats: Vec<_> = stand.found(ComparedKind::Session).into_iter().map(what_of).collect();
    assert_eq!(whats, [(index, "length"), (index, "end")]);
    let mut stand = Stand::new();
    stand.keep(&opened());
    stand.tell(told(&opened(), SessionStep::Opened), 90);
    let leaves = stand.leaves(RIGHT);
    let index = stand.enter(leaves);
    let whats: Vec<_> = stand.found(ComparedKind::Session).into_iter().map(what_of).collect();
    assert_eq!(whats, [(index, "number of looks")]);
}

fn what_of(finding: AuditFinding) -> (u64, &'static str) {
    match finding {
        AuditFinding::Differs { index, what, .. } => (index, what),
        other => panic!("{other}"),
    }
}

#[test]
fn every_field_in_which_a_session_differs_is_found() {
    type Change = fn(&mut AccessSession);
    let changes: [(&str, Change); 6] = [
        ("person who acted", |session| session.reader.person = PersonId::from_bytes([9; 16])),
        ("reason", |session| session.reason = AccessReason::CustomerSupport),
        ("ticket", |session| session.ticket = "CASE-8".to_owned()),
        ("ground", |session| session.ground = GroundKind::SafetyWindow),
        ("length", |session| session.seconds = 60),
        ("agreement that was needed", |session| session.needs = AccessNeeds::TwoOthers),
    ];
    for (what, change) in changes {
        let mut session = opened();
        change(&mut session);
        let mut stand = Stand::new();
        stand.keep(&session);
        let index = stand.tell(told(&opened(), SessionStep::Opened), 90);
        let found = stand.found(ComparedKind::Session);
        let expected = AuditFinding::Differs { kind: ComparedKind::Session, index, what };
        assert!(found.contains(&expected), "{what}: {found:?}");
    }
    // The same of a look.
    let mut stand = Stand::new();
    stand.keep(&AccessSession { ticket: "CASE-8".to_owned(), ..opened() });
    let leaves = stand.leaves(RIGHT);
    let index = stand.enter(leaves);
    let found = stand.found(ComparedKind::Session);
    assert!(
        found.contains(&AuditFinding::Differs { kind: ComparedKind::Session, index, what: "ticket" }),
        "{found:?}"
    );
}

#[test]
fn a_look_without_its_public_events_and_an_event_without_its_look_are_found() {
    let missing = |finding: &AuditFinding| match finding {
        AuditFinding::NotLogged { kind: ComparedKind::PublicEvent, name } => name.ends_with("behind entry 2"),
        _ => false,
    };
    for (public, known) in [(0, 1), (1, 2), (0, 0)] {
        let stand = Stand::looked(Written { public, known, ..RIGHT });
        let found = stand.found(ComparedKind::PublicEvent);
        assert!(found.len() == 1 && missing(&found[0]), "{public} of {known}: {found:?}");
        // Also where other entries follow.
        let mut stand = stand;
        stand.append([80; 16], 30, Event::LockboxChanged { enabled: true, actor: ACTOR });
        let found = stand.found(ComparedKind::PublicEvent);
        assert!(found.len() == 1 && missing(&found[0]), "{public} of {known}: {found:?}");
    }
    // More events than the look has.
    let stand = Stand::looked(Written { public: 2, known: 1, ..RIGHT });
    let kind = ComparedKind::PublicEvent;
    assert_eq!(stand.found(kind), [AuditFinding::Differs { kind, index: 4, what: "number" }]);
    // No look before it, or not directly.
    for between in [false, true] {
        let mut stand = Stand::looked(Written { public: u32::from(between), ..RIGHT });
        let event = stand.leaves(Written { public: 2, ..RIGHT }).pop().unwrap();
        stand.append([80; 16], 30, Event::LockboxChanged { enabled: true, actor: ACTOR });
        let name = event.id.to_string();
        let index = stand.enter(vec![event]);
        assert!(
            stand.found(kind).contains(&AuditFinding::NotKnown { kind, index, name }),
            "{:?}",
            stand.found(kind)
        );
    }
}

#[test]
fn every_field_in_which_a_public_event_differs_from_its_look_is_found() {
    for (written, what) in [
        (Written { reason: AccessReason::CustomerSupport, ..RIGHT }, "reason"),
        (Written { department: Some("legal"), ..RIGHT }, "department"),
        (Written { resource: Some("rec_01890a5d-ac96-774b-bcce-b302099a8057"), ..RIGHT }, "record"),
    ] {
        let kind = ComparedKind::PublicEvent;
        assert_eq!(Stand::looked(written).found(kind), [AuditFinding::Differs { kind, index: 3, what }]);
    }
}

#[test]
fn public_events_that_wait_for_a_checkpoint_are_pending() {
    let mut stand = Stand::looked(Written { public: 0, ..RIGHT });
    let event = stand.leaves(RIGHT).pop().unwrap();
    stand.ledger.append(&[(ORGANIZATION, event)]).unwrap();
    let report = stand.audit(&[]);
    assert_eq!((report.findings.as_slice(), report.pending), (&[][..], 1));
}

/// A world with conversations, looks and whatever else has rows in the feed.
fn world() -> World {
    let mut world = World::new();
    world.exchange(&anthropic(&["hello"]), "hi");
    let conversation = world.conversations()[0];
    world.show(conversation, GroundKind::Service).unwrap();
    crate::console::signed_in(&world, world.organization(), None, "auditor");
    world.exchange(&anthropic(&["and again"]), "yes");
    let report = world.audited();
    assert_eq!(report.findings, []);
    assert_eq!(report.compared[&ComparedKind::Activity], report.entries, "every entry has its row");
    assert_eq!((report.pending, report.unconfirmed), (0, 0));
    world.close();
    world
}

/// Writes the feed anew, with its rows changed, and as far as it says that it had come.
fn rewrite(world: &World, reached: Option<u64>, change: impl FnOnce(&mut Vec<ActivityRecord>)) {
    let path = DataDirectory::activities(&world.data());
    let store = ActivityStore::open(&path).unwrap();
    let mut rows = store.page(&ActivityFilter::default(), false, 10_000).unwrap().unwrap();
    let reached = reached.unwrap_or(store.reached(world.organization()).unwrap());
    drop(store);
    for suffix in ["", "-wal", "-shm"] {
        let mut file = path.clone().into_os_string();
        file.push(suffix);
        // The files beside it are there or not.
        let _ = std::fs::remove_file(file);
    }
    change(&mut rows);
    let mut store = ActivityStore::open(&path).unwrap();
    store.enter(&rows, Some((world.organization(), reached))).unwrap();
}

fn body_of(row: &ActivityRecord) -> Value {
    serde_json::from_slice(&row.body).unwrap()
}

/// The row of the look.
fn of_look(rows: &mut [ActivityRecord]) -> &mut ActivityRecord {
    rows.iter_mut().find(|row| row.kind == "fiducia_record_access").unwrap()
}

fn index_of_look(rows: &mut [ActivityRecord]) -> u64 {
    body_of(of_look(rows))["details"]["ledger_index"].as_u64().unwrap()
}

const ACTIVITY: ComparedKind = ComparedKind::Activity;

#[test]
fn an_event_that_is_hidden_from_the_feed_is_found() {
    for kind in ["fiducia_record_access", "anthropic_access", "fiducia_capture_batch"] {
        let mut world = world();
        rewrite(&world, None, |rows| {
            let place = rows.iter().position(|row| row.kind == kind).unwrap();
            rows.remove(place);
        });
        let found = world.audited().findings;
        assert!(
            matches!(found.as_slice(), [AuditFinding::NotKnown { kind: ACTIVITY, .. }]),
            "{kind}: {found:?}"
        );
    }
}

#[test]
fn a_row_without_an_entry_is_found_and_one_of_signing_in_needs_none() {
    let forged = |kind: &str, details: Value| {
        let body = json!({ "actor": { "type": "system_actor", "service": "fiducia" }, "details": details });
        (kind.to_owned(), body.to_string().into_bytes())
    };
    for (row, is_found) in [
        (forged("fiducia_record_access", json!({ "ledger_index": 1 })), true),
        (forged("fiducia_record_access", json!({ "ledger_index": 100_000 })), true),
        (forged("fiducia_record_access", json!({})), true),
        (forged("anthropic_access", json!({ "transparency_log_leaf_index": 2 })), true),
        (forged("user_logged_out", json!({ "ledger_index": 1 })), true),
        (forged("user_logged_out", json!({})), false),
        (("user_logged_out".to_owned(), b"no row".to_vec()), true),
    ] {
        let mut world = world();
        let (kind, body) = row;
        rewrite(&world, None, |rows| {
            rows.push(ActivityRecord {
                id: ActivityId::from_bytes([9; 16]),
                created_at: Timestamp::from_second(4_000_000_000).unwrap(),
                organization: Some(world.organization()),
                kind: kind.clone(),
                actor: None,
                body: body.clone(),
            });
        });
        let found = world.audited().findings;
        let name = ActivityId::from_bytes([9; 16]).to_string();
        let expected = if is_found { vec![AuditFinding::NotLogged { kind: ACTIVITY, name }] } else { vec![] };
        assert_eq!(found, expected, "{kind} {}", String::from_utf8_lossy(&body));
    }
}

#[test]
fn a_row_that_is_dated_anew_is_missed_where_it_was_and_found_where_it_is() {
    let mut world = world();
    rewrite(&world, None, |rows| {
        let row = of_look(rows);
        row.created_at = Timestamp::from_second(row.created_at.as_second() - 86_400).unwrap();
    });
    let found = world.audited().findings;
    assert!(
        matches!(
            found.as_slice(),
            [AuditFinding::NotKnown { kind: ACTIVITY, .. }, AuditFinding::NotLogged { kind: ACTIVITY, .. }]
        ),
        "{found:?}"
    );
}

#[test]
fn every_field_in_which_a_row_differs_from_its_entry_is_found() {
    type Change = fn(&mut ActivityRecord);
    fn with(row: &mut ActivityRecord, change: impl FnOnce(&mut Value)) {
        let mut body = body_of(row);
        change(&mut body);
        row.body = body.to_string().into_bytes();
    }
    let changes: [(&str, Change); 6] = [
        ("organisation", |row| row.organization = None),
        ("type", |row| row.kind = "fiducia_feedback_given".to_owned()),
        ("person who acted", |row| row.actor = Some([8; 16])),
        ("place", |row| with(row, |body| body["details"]["ledger_index"] = json!(0))),
        ("text", |row| with(row, |body| body["details"]["reason"] = json!("legal_obligation"))),
        ("text", |row| row.body = b"{".to_vec()),
    ];
    for (what, change) in changes {
        let (mut world, mut index) = (world(), 0);
        rewrite(&world, None, |rows| {
            index = index_of_look(rows);
            change(of_look(rows));
        });
        let found = world.audited().findings;
        let expected = AuditFinding::Differs { kind: ACTIVITY, index, what };
        assert!(found.contains(&expected), "{what}: {found:?}");
    }
}

#[test]
fn entries_that_the_feed_has_not_reached_are_pending_and_old_ones_need_no_row() {
    let mut world = world();
    let reached = 1;
    rewrite(&world, Some(reached), |rows| {
        rows.retain(|row| {
            body_of(row)["details"]["ledger_index"].as_u64().is_some_and(|index| index < reached)
        });
    });
    let report = world.audited();
    assert_eq!((report.findings.as_slice(), report.pending), (&[][..], report.entries - reached));

    let world = self::world();
    rewrite(&world, None, Vec::clear);
    let settings = |now| AuditSettings {
        data_directory: world.data(),
        tolerance_seconds: 300,
        now,
        pass_ids_max: AuditSettings::PASS_IDS_MAX,
    };
    let years = |years: i64| Timestamp::from_second(world.now().as_second() + years * 31_557_600).unwrap();
    let audited = |now| {
        let log = fiducia_custody::AuditedLog {
            organization: world.organization(),
            keys: vec![world.verifier_key()],
        };
        fiducia_custody::audit(&settings(now), &log, &[], Vec::new(), &mut |_, _| true).unwrap()
    };
    let young = audited(years(5));
    assert_eq!(u64::try_from(young.findings.len()).unwrap(), young.entries, "{young:?}");
    assert_eq!(audited(years(7)).findings, []);
}
