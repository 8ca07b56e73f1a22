//! Paths of consent: what the file itself refuses.

use fiducia_policy::{KeyId, OrganizationId};
use fiducia_store::{Edge, KeyKind, KeyNode, KeyStore, PathChange};

use crate::samples::{ORGANIZATION, SUBJECT, now};

fn key(number: u8, kind: KeyKind, label: &str, parent: Option<u8>) -> (KeyNode, Edge) {
    let id = KeyId::from_bytes([number; 16]);
    let node = KeyNode {
        id,
        kind,
        organization: ORGANIZATION,
        subject: kind.is_subjects().then_some(SUBJECT),
        conversation: None,
        label: label.to_owned(),
        created_at: now(),
        ends_at: None,
        destroyed_at: None,
        replaced_by: None,
    };
    let parent = parent.map(|parent| KeyId::from_bytes([parent; 16]));
    (node, Edge { child: id, parent, wrap: vec![number; 60] })
}

fn id(number: u8) -> KeyId {
    KeyId::from_bytes([number; 16])
}

fn store() -> (tempfile::TempDir, KeyStore) {
    let folder = tempfile::tempdir().unwrap();
    let mut keys = KeyStore::open(&folder.path().join("keys.db")).unwrap();
    keys.add(&[
        key(1, KeyKind::ServiceRoot, "", None),
        key(2, KeyKind::PurposeRoot, "batch-training", None),
        key(3, KeyKind::PurposeRoot, "feedback", None),
        key(4, KeyKind::Subject, "", Some(1)),
        key(5, KeyKind::SubjectFeedback, "", Some(1)),
        key(6, KeyKind::SubjectApart, "", Some(1)),
        key(7, KeyKind::Conversation, "account", Some(4)),
        key(8, KeyKind::ConversationSafety, "2026-02-01", Some(1)),
        key(9, KeyKind::LegalHold, "", None),
    ])
    .unwrap();
    (folder, keys)
}

fn open(child: u8, root: u8) -> PathChange {
    PathChange { open: vec![(id(child), id(root), vec![root; 60])], ..PathChange::default() }
}

#[test]
fn no_path_leads_to_a_key_that_may_not_have_one() {
    let (_folder, mut keys) = store();
    for root in [2, 3] {
        for child in 1..=9 {
            let may = child == 4 || (child == 5 && root == 3);
            assert_eq!(keys.change_paths(&open(child, root)).is_ok(), may, "from {root} to {child}");
        }
    }
    for root in [1, 4, 9] {
        assert!(keys.change_paths(&open(4, root)).is_err(), "{root} is no root of a purpose");
    }
    let mut foreign = key(10, KeyKind::Subject, "", None);
    foreign.0.organization = OrganizationId::from_bytes([9; 16]);
    keys.add(&[foreign]).unwrap();
    assert!(keys.change_paths(&open(10, 2)).is_err(), "another organisation's person");
    assert!(keys.add(&[key(11, KeyKind::Conversation, "account", Some(2))]).is_err(), "an ordinary edge");
    assert_eq!(keys.consent_paths().unwrap(), 3);
}

#[test]
fn a_change_is_whole_or_nothing_and_a_closed_path_is_gone_from_the_disk() {
    let (folder, mut keys) = store();
    let wrap = b"<needle of consent>".repeat(3);
    let change = PathChange { open: vec![(id(4), id(2), wrap.clone())], ..PathChange::default() };
    keys.change_paths(&change).unwrap();
    assert_eq!(keys.consent_edge(id(4), id(2)).unwrap(), Some(wrap.clone()));
    let bad = PathChange {
        close: vec![(id(4), id(2))],
        open: vec![(id(6), id(2), vec![1; 60])],
        ..PathChange::default()
    };
    assert!(keys.change_paths(&bad).is_err());
    assert!(keys.consent_edge(id(4), id(2)).unwrap().is_some(), "nothing of it happened");
    let close = PathChange { close: vec![(id(4), id(2))], ..PathChange::default() };
    keys.change_paths(&close).unwrap();
    assert_eq!(keys.consent_roots(id(4)).unwrap(), []);
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(19).any(|window| window == b"<needle of consent>"));
    }
}

#[test]
fn a_replaced_key_goes_when_nothing_hangs_from_it() {
    let (_folder, mut keys) = store();
    keys.change_paths(&open(4, 2)).unwrap();
    assert!(!keys.destroy_if_bare(id(4), now()).unwrap(), "it was not replaced");
    let change = PathChange {
        keys: vec![key(12, KeyKind::Subject, "", Some(1))],
        replace: vec![(id(4), id(12))],
        ..PathChange::default()
    };
    keys.change_paths(&change).unwrap();
    assert!(!keys.destroy_if_bare(id(4), now()).unwrap(), "a conversation hangs from it");
    let moved = vec![Edge { child: id(7), parent: Some(id(12)), wrap: vec![7; 60] }];
    keys.change_paths(&PathChange { moved, ..PathChange::default() }).unwrap();
    assert_eq!(keys.parent_kind(id(7)).unwrap(), Some(KeyKind::Subject));
    assert!(keys.destroy_if_bare(id(4), now()).unwrap());
    assert_eq!((keys.edge(id(4)).unwrap(), keys.consent_paths().unwrap()), (None, 0));
}
