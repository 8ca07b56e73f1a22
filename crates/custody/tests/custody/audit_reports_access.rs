//! What audit reports say about reading, and the faults that make each of its checks fail.

use std::path::Path;

use fiducia_custody::{AuditReport, PromiseStanding, Verdict, WitnessTerms};
use fiducia_ledger::{LogReader, TrustedLogs, WitnessKey, cosign, request_for};
use fiducia_policy::{
    AccessAsked, AccessLimits, AccessNeeds, AccessNoticeKind, AccessReason, AccessScope, AccessSession,
    AccessSessionId, AccessStep, GroundKind, Participant, PersonId, RoleSet, SubjectId, Timestamp,
};
use fiducia_store::{AccessRecord, AccessSessionWrite, BeginLook, ControlStore, DataDirectory};

use crate::audit_reports::{standing, verified};
use crate::organization_keys::set;
use crate::world::{World, anthropic};

/// The checks on a promise that failed, and all that was found.
fn failing(report: &AuditReport, promise: &str) -> Vec<String> {
    let shown = report.promises.iter().find(|shown| shown.promise.to_string() == promise).unwrap();
    let failed = shown.evidence.iter().filter(|evidence| evidence.verdict == Verdict::Fails);
    failed.map(|evidence| format!("{}: {}", evidence.what, evidence.found)).collect()
}

fn found(report: &AuditReport, promise: &str, what: &str) -> String {
    let shown = report.promises.iter().find(|shown| shown.promise.to_string() == promise).unwrap();
    let evidence = shown.evidence.iter().find(|evidence| evidence.what.contains(what));
    evidence.unwrap_or_else(|| panic!("{promise} says nothing of {what}")).found.clone()
}

/// A world in which staff looked once.
fn looked_at() -> World {
    let world = World::new();
    world.exchange(&anthropic(&["a question"]), "an answer");
    assert!(world.show(world.conversations()[0], GroundKind::Service).is_ok());
    world
}

fn control(world: &World) -> ControlStore {
    ControlStore::open(&DataDirectory::control(&world.data())).unwrap()
}

#[test]
fn an_access_that_the_log_does_not_have_contradicts_by_name_not_by_number() {
    let world = looked_at();
    let sound = verified(&world).report;
    assert_eq!((failing(&sound, "P24"), failing(&sound, "P25")), (Vec::new(), Vec::new()));
    assert!(found(&sound, "P24", "every look in the index").starts_with("1 access"));
    assert_eq!(found(&sound, "P25", "behind the entry"), "1 of 1 are there");
    // A look that only the index has; as many entries as looks would be counted if another entry had none.
    let row = AccessRecord {
        sequence: 0,
        event: [77; 16],
        organization: world.organization(),
        subject: SubjectId::from_bytes([4; 16]),
        conversation: None,
        records: 1,
        actor: PersonId::from_bytes([3; 16]),
        reason: AccessReason::CustomerSupport,
        ticket: None,
        ground: GroundKind::Service,
        at: world.now(),
        expires_at: world.now(),
        ledger_index: None,
        session: None,
        sight: None,
        public_first: 0,
        public_count: 1,
    };
    let mut store = control(&world);
    let look = BeginLook { rows: vec![row], session: None, at: world.now() };
    store.begin_looks(&[look], &AccessLimits::default()).unwrap()[0].as_ref().unwrap();
    store.place_accesses(&[([77; 16], 0)]).unwrap();
    let report = verified(&world).report;
    let failed = failing(&report, "P24");
    assert!(failed.iter().any(|failed| failed.contains("every look in the index")), "{failed:?}");
    let failed = failing(&report, "P25");
    assert!(failed.len() == 1 && failed[0].contains("1 of 2 are there"), "{failed:?}");
}

fn cosigned_by(world: &World, witnesses: &[&WitnessKey], directory: &Path) {
    let key = world.verifier_key();
    let folder = world.data().join("ledger").join(world.organization().uuid());
    let mut log = LogReader::open(&folder, &key).unwrap();
    let mut logs = TrustedLogs::default();
    logs.add(key);
    let request = request_for(&mut log, 0).unwrap();
    let mut note = String::new();
    for witness in witnesses {
        let cosigned = cosign(witness, &logs, None, &request, world.now()).unwrap();
        note = if note.is_empty() { cosigned.held.note } else { format!("{note}{}", cosigned.cosignature) };
    }
    std::fs::create_dir_all(directory).unwrap();
    std::fs::write(directory.join(format!("{}.checkpoint", world.organization().uuid())), note).unwrap();
}

#[test]
fn one_old_signature_is_no_witness_and_a_quorum_of_new_ones_is() {
    let mut world = looked_at();
    let witness =
        |name: &str, seed| WitnessKey::from_seed(name, zeroize::Zeroizing::new([seed; 32])).unwrap();
    let (one, two) = (witness("one.example/w", 1), witness("two.example/w", 2));
    let directory = world.data().join("witnessed");
    let terms = |quorum| WitnessTerms {
        keys: vec![one.verifier(), two.verifier()],
        quorum,
        directory: directory.clone(),
    };
    world.reopen_witnessed(terms(1));
    assert_eq!(failing(&verified(&world).report, "P24"), Vec::<String>::new(), "nothing is a day old");
    cosigned_by(&world, &[&one], &directory);
    assert!(found(&verified(&world).report, "P24", "a quorum").contains("1 of 2 witnesses signed"));
    // The log goes on, and nobody signs what was added: a cosignature of any age and size is not enough.
    world.exchange(&anthropic(&["another"]), "another answer");
    assert!(world.show(world.conversations()[0], GroundKind::Service).is_ok());
    assert_eq!(failing(&verified(&world).report, "P24"), Vec::<String>::new());
    world.advance_days(2);
    let failed = failing(&verified(&world).report, "P24");
    assert!(failed.len() == 1 && failed[0].contains("older than a day"), "{failed:?}");
    cosigned_by(&world, &[&one], &directory);
    assert_eq!(failing(&verified(&world).report, "P24"), Vec::<String>::new());
    world.reopen_witnessed(terms(2));
    let failed = failing(&verified(&world).report, "P24");
    assert!(failed.len() == 1 && failed[0].contains("2 must"), "one of two is no quorum: {failed:?}");
    cosigned_by(&world, &[&one, &two], &directory);
    assert_eq!(failing(&verified(&world).report, "P24"), Vec::<String>::new());
}

/// Puts an emergency into the database as it is after these steps, whatever was told of it.
fn plant(world: &World, number: u8, steps: &[AccessStep], notices: &[AccessNoticeKind]) {
    let at = world.now();
    let asked = AccessAsked {
        id: AccessSessionId::from_bytes([number; 16]),
        organization: world.organization(),
        reader: Participant { person: PersonId::from_bytes([number; 16]), account: None },
        roles: RoleSet::default(),
        reason: AccessReason::SafetyReview,
        ticket: "CASE-1".to_owned(),
        scope: AccessScope::Conversation(world.conversations()[0]),
        ground: GroundKind::Service,
        seconds: 600,
        needs: AccessNeeds::TwoOthers,
        at,
    };
    let limits = AccessLimits::default();
    let mut session = AccessSession::ask(asked, &limits).unwrap();
    for step in steps {
        session = session.after(step.clone(), at, &limits).unwrap();
    }
    let write = AccessSessionWrite {
        session,
        announcements: Vec::new(),
        notices: notices.to_vec(),
        bulletins: Vec::new(),
        remark: None,
        at,
    };
    control(world).begin_access_session(&write).unwrap();
}

#[test]
fn emergencies_without_word_notice_or_review_contradict_the_promise_about_them() {
    let world = looked_at();
    assert_eq!(standing(&verified(&world).report, "P26"), PromiseStanding::PartlyShown);
    let other = |number: u8| {
        let by = Participant { person: PersonId::from_bytes([number; 16]), account: None };
        AccessStep::Approve { by, remark: None }
    };
    let agreed = [other(101), other(102)];
    plant(&world, 1, &agreed, &[AccessNoticeKind::EmergencyOpened]);
    assert_eq!(failing(&verified(&world).report, "P26"), Vec::<String>::new());
    assert_eq!(found(&verified(&world).report, "P26", "emergencies opened"), "1, 0");
    plant(&world, 2, &agreed, &[AccessNoticeKind::EmergencyAsked]);
    let failed = failing(&verified(&world).report, "P26");
    assert!(failed.len() == 1 && failed[0].contains("a notice"), "{failed:?}");
    // One of the two approvals is taken away afterwards.
    let id = AccessSessionId::from_bytes([1; 16]);
    let cut = control(&world).change_access_session(id, |mut session| {
        session.approvals.truncate(1);
        Ok::<_, ()>(AccessSessionWrite {
            session,
            announcements: Vec::new(),
            notices: Vec::new(),
            bulletins: Vec::new(),
            remark: None,
            at: Timestamp::UNIX_EPOCH,
        })
    });
    assert!(cut.unwrap().unwrap().is_ok());
    let failed = failing(&verified(&world).report, "P26");
    assert!(
        failed.len() == 2 && failed[0].contains("two others' word before it opened: 1 of 2 had"),
        "{failed:?}"
    );
    let ended = [agreed[0].clone(), agreed[1].clone(), AccessStep::End(fiducia_policy::AccessEnd::Reader)];
    plant(&world, 3, &ended, &[AccessNoticeKind::EmergencyOpened]);
    assert_eq!(failing(&verified(&world).report, "P26").len(), 2, "there are three days for the review");
    world.advance_days(4);
    let failed = failing(&verified(&world).report, "P26");
    assert!(failed.iter().any(|failed| failed.contains("overdue")), "{failed:?}");
}

#[test]
fn whose_key_it_is_stands_in_the_report() {
    let world = looked_at();
    let before = verified(&world).report;
    assert!(found(&before, "P27", "own key at a service").starts_with("none"));
    assert_eq!(failing(&before, "P27"), Vec::<String>::new());
    set(&world, "hospital").unwrap();
    let after = verified(&world).report;
    assert!(found(&after, "P27", "own key at a service").starts_with("files, since"));
    assert_eq!(found(&after, "P27", "hangs from one key alone"), "its own service's");
    assert_eq!(failing(&after, "P27"), Vec::<String>::new());
}
