use fiducia_policy::{GroundKind, KeyId, Pseudonym, RecordId};

use super::*;
use crate::{ExportVolume, NewOrganization, OrganizationRecord, OrganizationTerms};

const ORGANIZATION: OrganizationId = OrganizationId::from_bytes([1; 16]);
const SUBJECT: SubjectId = SubjectId::from_bytes([2; 16]);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn announcement(number: u8) -> Announcement {
    Announcement { id: [number; 16], organization: ORGANIZATION, event: b"{}".to_vec() }
}

fn store() -> (tempfile::TempDir, ControlStore) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = ControlStore::open(&folder.path().join("control.db")).unwrap();
    let terms = OrganizationTerms {
        plan: fiducia_policy::Plan::Pro,
        tier: fiducia_policy::Tier::Private,
        agreement: fiducia_policy::Agreement::Standard,
        custom_retention: None,
    };
    let organization =
        OrganizationRecord { id: ORGANIZATION, name: "o".to_owned(), terms, created_at: at(0) };
    let workspace = fiducia_policy::WorkspaceId::from_bytes([9; 16]);
    store.create_organization(&NewOrganization { organization, workspace }, &announcement(200)).unwrap();
    let subject = crate::NewSubject {
        id: SUBJECT,
        organization: ORGANIZATION,
        pseudonym: Pseudonym::from_bytes([3; 16]),
        name_digest: [4; 32],
        created_at: at(0),
    };
    store.create_subjects(&[subject]).unwrap();
    (folder, store)
}

fn record(number: u8) -> RightsRecord {
    RightsRecord {
        id: RightsRequestId::from_bytes([number; 16]),
        organization: ORGANIZATION,
        subject: Some(SUBJECT),
        kind: RequestKind::Access,
        regimes: vec![Regime::Gdpr, Regime::Ccpa],
        standing: RequestStanding::ARRIVED,
        received_at: at(10),
        confirm_by: Some(at(20)),
        answer_by: at(100 + i64::from(number)),
        extended_by: at(300),
        decided_by: Regime::Ccpa,
        opened_by: PersonId::from_bytes([5; 16]),
        agent: Some(RightsAgent {
            name: "an agent".to_owned(),
            evidence: [6; 32],
            covers: vec![RequestKind::Access, RequestKind::Erasure],
            from: at(1),
            until: Some(at(1_000)),
        }),
        target: Some("conv_1".to_owned()),
        new_name: Some([7; 32]),
        closed_at: None,
        report: None,
    }
}

fn step(number: u32) -> RightsStepRecord {
    RightsStepRecord {
        number,
        step: "open".to_owned(),
        at: at(10),
        by: PersonId::from_bytes([5; 16]),
        state: RequestState::Received,
        reason: Some("complexity".to_owned()),
        note: Some("a note".to_owned()),
        event: [8; 16],
    }
}

fn opened(store: &mut ControlStore, number: u8) -> RightsRecord {
    let record = record(number);
    let submission = Submission { key: [number; 32], content: [1; 32] };
    store.open_request(&record, submission, None, &step(1), &announcement(number)).unwrap();
    record
}

#[test]
fn a_request_comes_back_as_it_went_in_and_is_found_by_its_submission() {
    let (_folder, mut store) = store();
    let first = opened(&mut store, 1);
    assert_eq!(store.request(first.id).unwrap().as_ref(), Some(&first));
    assert_eq!(store.request_submitted(ORGANIZATION, [1; 32]).unwrap(), Some((first.clone(), [1; 32])));
    assert_eq!(store.request_submitted(ORGANIZATION, [2; 32]).unwrap(), None);
    let again = RightsRecord { id: RightsRequestId::from_bytes([50; 16]), ..first.clone() };
    let submission = Submission { key: [1; 32], content: [1; 32] };
    assert!(store.open_request(&again, submission, None, &step(1), &announcement(50)).is_err());
    assert_eq!(store.request_steps(first.id).unwrap(), [step(1)]);
    assert_eq!(store.outbox(100).unwrap().len(), 2);
}

#[test]
fn the_queue_is_in_the_order_of_due_dates_and_counts_who_is_late() {
    let (_folder, mut store) = store();
    let mut all: Vec<_> = (1..=4).map(|number| opened(&mut store, number)).collect();
    all[0].standing.is_extended = true;
    store.step_request(&all[0], &step(2), &RightsEffect::None, &announcement(60)).unwrap();
    all[1].closed_at = Some(at(50));
    store.step_request(&all[1], &step(2), &RightsEffect::None, &announcement(61)).unwrap();
    let open: Vec<_> = store.open_requests(None, 10).unwrap().into_iter().map(|row| row.id).collect();
    assert_eq!(open, [all[2].id, all[3].id, all[0].id]);
    let counts = store.request_counts(at(103), at(104)).unwrap();
    assert_eq!(counts, RightsCounts { open: 3, overdue: 1, due_soon: 1 });
    let filter =
        RightsFilter { organization: Some(ORGANIZATION), after: Some(all[1].id), ..RightsFilter::default() };
    assert_eq!(store.requests(filter, 10).unwrap().len(), 2);
}

#[test]
fn effects_are_kept_and_taken_back_and_an_erased_person_leaves_no_thread() {
    let (_folder, mut store) = store();
    let request = opened(&mut store, 1);
    let statement = RightsStatement {
        request: request.id,
        subject: SUBJECT,
        record: RecordId::from_bytes([11; 16]),
        parent: KeyId::from_bytes([12; 16]),
        wrap: vec![1],
        commitment: [13; 32],
        ciphertext: vec![2, 3],
    };
    let second = record(2);
    let submission = Submission { key: [2; 32], content: [1; 32] };
    store.open_request(&second, submission, Some(&statement), &step(1), &announcement(2)).unwrap();
    assert_eq!(store.statements(SUBJECT, 10).unwrap(), [statement]);
    let mut number = 1;
    let mut apply = |store: &mut ControlStore, effect| {
        number += 1;
        let announced = announcement(100 + u8::try_from(number).unwrap());
        store.step_request(&request, &step(number), &effect, &announced).unwrap();
    };
    apply(&mut store, RightsEffect::Restrict);
    assert_eq!(store.restriction(SUBJECT).unwrap().map(|found| found.request), Some(request.id));
    apply(&mut store, RightsEffect::Lift);
    assert_eq!(store.restriction(SUBJECT).unwrap(), None);
    apply(&mut store, RightsEffect::Restrict);
    apply(&mut store, RightsEffect::Object(vec![GroundKind::SafetyWindow]));
    assert!(store.subject(SUBJECT).unwrap().unwrap().objects_to_safety);
    apply(&mut store, RightsEffect::OptOut { ask_again_at: at(9_000) });
    apply(&mut store, RightsEffect::Rename([77; 32]));
    assert_eq!(store.subject_named(ORGANIZATION, [77; 32]).unwrap().map(|row| row.id), Some(SUBJECT));
    assert!(!store.keeps_datasets().unwrap());
    let volume = ExportVolume {
        request: request.id,
        volume: 1,
        file: "/somewhere/export.zip.age".to_owned(),
        recipients: "age1x".to_owned(),
        last: None,
        conversations: 1,
        records: 2,
        manifest: [3; 32],
        finished_at: at(60),
        is_final: true,
    };
    store.add_export_volume(&volume).unwrap();
    assert_eq!(store.export_volumes(request.id).unwrap(), [volume]);
    store.erase_subject(SUBJECT, at(70), false, None).unwrap();
    let kept = store.request(request.id).unwrap().unwrap();
    let expected =
        RightsRecord { subject: None, agent: None, target: None, new_name: None, ..request.clone() };
    assert_eq!(kept, expected);
    assert!(store.request_steps(request.id).unwrap().iter().all(|step| step.note.is_none()));
    assert_eq!(store.export_volumes(request.id).unwrap()[0].file, "");
    assert_eq!(store.statements(SUBJECT, 10).unwrap(), []);
    assert_eq!(store.restriction(SUBJECT).unwrap(), None);
    assert_eq!(store.opt_out(SUBJECT).unwrap(), None);
    assert_eq!(store.objections(SUBJECT).unwrap(), []);
}
