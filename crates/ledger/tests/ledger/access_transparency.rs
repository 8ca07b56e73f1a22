//! Access entries with the public events behind them.

use fiducia_ledger::{
    AccessBy, AccessEntry, AccessTransparencyEvent, AnswerRead, Event, LeafVersion, LedgerError, LoggedLeaf,
    leaf_hash, verify_log,
};
use fiducia_policy::{RecordId, ReleaseAuthority, WorkspaceId};

use super::{access, noon, open, organization};

fn read_by_staff(answers: &[&str]) -> AccessEntry {
    let end = "2026-11-21T13:00:00Z".parse().unwrap();
    let workspace = Some(WorkspaceId::from_bytes([5; 16]));
    let answers = answers.iter().map(|id| AnswerRead { resource: (*id).to_owned(), workspace }).collect();
    let by = AccessBy::Staff { department: Some("trust-and-safety".to_owned()), answers };
    AccessEntry { by, ..access(vec![RecordId::from_bytes([1; 16]), RecordId::from_bytes([2; 16])], end) }
}

#[test]
fn one_append_holds_the_entry_and_a_public_event_for_each_answer() {
    let root = tempfile::tempdir().unwrap();
    let mut ledger = open(root.path());
    let receipt = ledger.append_access(read_by_staff(&["msg_01A", "chatcmpl-2", "resp_3"])).unwrap();
    assert_eq!(ledger.entries_waiting(), 4);
    // What was acknowledged is there after the process ended without publishing.
    drop(ledger);
    let mut ledger = open(root.path());
    assert_eq!(ledger.recovery().entries_waiting, 4);
    ledger.publish().unwrap();
    let (directory, key) = (ledger.log_directory(organization()), ledger.verifier(organization()).unwrap());
    let log = fiducia_ledger::LogReader::open(&directory, &key).unwrap();
    let own = LoggedLeaf::parse(&log.entry(receipt.entry().index).unwrap()).unwrap();
    assert_eq!((own.version, own.leaf.event.kind()), (LeafVersion::Event, "record_access"));
    let mut ids = std::collections::HashSet::new();
    for ((place, public), resource) in
        (1..).zip(receipt.public_entries()).zip(["msg_01A", "chatcmpl-2", "resp_3"])
    {
        assert_eq!(public.index, receipt.entry().index + place, "directly behind the entry");
        let entry = log.entry(public.index).unwrap();
        assert_eq!(leaf_hash(&entry), public.leaf_hash);
        let leaf = LoggedLeaf::parse(&entry).unwrap();
        assert_eq!((leaf.version, leaf.organization), (LeafVersion::AccessTransparency, organization()));
        assert_eq!(leaf.leaf.at, noon());
        let Event::AccessTransparency(event) = leaf.leaf.event else { panic!("another event") };
        assert_eq!(*event, AccessTransparencyEvent::from_entry(&entry).unwrap());
        assert!(ids.insert(event.id.clone()));
        let json = format!(
            r#"{{"accessed_at":"2026-11-21T12:00:00Z","accessor_department":"trust-and-safety","actor":{{"email_address":null,"type":"anthropic_actor"}},"created_at":"2026-11-21T12:00:00Z","id":"{}","organization_id":"org_11111111-1111-1111-1111-111111111111","organization_uuid":"11111111-1111-1111-1111-111111111111","reason_code":"subject_request","resource_details":{{"id":"{resource}","parent":null,"type":"message"}},"type":"anthropic_access","workspace_id":"wrkspc_05050505-0505-0505-0505-050505050505"}}"#,
            event.id.as_deref().unwrap()
        );
        assert_eq!(std::str::from_utf8(&entry[1..]).unwrap(), json);
    }
    assert_eq!(verify_log(&directory, &key).unwrap().size, 4);
    let known = ledger.recent_event_ids(organization(), 10).unwrap();
    assert_eq!(known.len(), 4);
    assert!(known[1].as_str().starts_with("activity_"));
    assert_eq!(log.locate(&known[2]).unwrap().unwrap().0, receipt.entry().index + 2);
}

#[test]
fn the_person_s_own_reading_has_no_public_event() {
    let root = tempfile::tempdir().unwrap();
    let mut ledger = open(root.path());
    let own = AccessEntry { by: AccessBy::TheirOwn, ..read_by_staff(&["msg_1"]) };
    let receipt = ledger.append_access(own).unwrap();
    assert!(receipt.public_entries().is_empty());
    assert_eq!(ledger.entries_waiting(), 1);
}

#[test]
fn what_the_public_log_could_not_say_is_refused_whole() {
    let root = tempfile::tempdir().unwrap();
    let mut ledger = open(root.path());
    let long = "x".repeat(257);
    let many = vec!["msg_1"; 1_001];
    for answers in [&[][..], &["msg_1", long.as_str()], &many] {
        let refused = ledger.append_access(read_by_staff(answers));
        assert!(matches!(refused, Err(LedgerError::AccessRefused { .. })), "{refused:?}");
    }
    assert_eq!(ledger.entries_waiting(), 0);
}

/// A public leaf that says another organisation, id or instant than where it is appended would mislead.
#[test]
fn a_public_event_is_appended_only_to_its_own_log() {
    let root = tempfile::tempdir().unwrap();
    let mut ledger = open(root.path());
    let receipt = ledger.append_access(read_by_staff(&["msg_1"])).unwrap();
    ledger.publish().unwrap();
    let log = fiducia_ledger::LogReader::open(
        &ledger.log_directory(organization()),
        &ledger.verifier(organization()).unwrap(),
    )
    .unwrap();
    let entry = log.entry(receipt.public_entries()[0].index).unwrap();
    let leaf = LoggedLeaf::parse(&entry).unwrap().leaf;
    let other = fiducia_policy::OrganizationId::from_bytes([9; 16]);
    assert!(matches!(ledger.append(&[(other, leaf.clone())]), Err(LedgerError::Encoding { .. })));
    ledger.append(&[(organization(), leaf)]).unwrap();
}
