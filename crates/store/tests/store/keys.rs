//! The key graph's file.

use fiducia_policy::KeyId;
use fiducia_store::{KeyKind, KeyStore};

use crate::samples::{ORGANIZATION, SUBJECT, conversation, find, key, needle, now};

fn keys(folder: &std::path::Path) -> KeyStore {
    KeyStore::open(&folder.join("keys.db")).unwrap()
}

#[test]
fn a_destroyed_key_leaves_a_tombstone_and_no_byte_of_its_wrap() {
    let folder = tempfile::tempdir().unwrap();
    let mut keys = keys(folder.path());
    keys.add(&[key(1), key(2)]).unwrap();
    let id = KeyId::from_bytes([1; 16]);
    assert!(find(folder.path(), &needle("wrap", 1)).is_some(), "the search finds what is there");
    assert_eq!(keys.destroy(&[id], now()).unwrap(), 1);
    assert_eq!(find(folder.path(), &needle("wrap", 1)), None);
    assert_eq!(std::fs::metadata(folder.path().join("keys.db-wal")).unwrap().len(), 0);
    assert_eq!(keys.edge(id).unwrap(), None);
    assert_eq!(keys.node(id).unwrap().unwrap().destroyed_at, Some(now()));
    assert_eq!(keys.edge(KeyId::from_bytes([2; 16])).unwrap(), Some(key(2).1), "its neighbour lives");
    assert_eq!(keys.destroy(&[id], now()).unwrap(), 0, "a second time there is nothing to destroy");
}

#[test]
fn a_destruction_is_unfinished_until_it_is_marked() {
    let folder = tempfile::tempdir().unwrap();
    let id = KeyId::from_bytes([1; 16]);
    let mut first = keys(folder.path());
    first.add(&[key(1), key(2)]).unwrap();
    assert!(first.destroyed_but_unpurged(100).unwrap().is_empty());
    first.destroy(&[id], now()).unwrap();
    drop(first);
    let mut again = keys(folder.path());
    let unpurged = again.destroyed_but_unpurged(100).unwrap();
    assert_eq!(unpurged.iter().map(|node| node.id).collect::<Vec<_>>(), [id]);
    again.mark_purged(&[id], now()).unwrap();
    assert!(again.destroyed_but_unpurged(100).unwrap().is_empty());
}

#[test]
fn keys_are_added_all_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut keys = keys(folder.path());
    keys.add(&[key(1)]).unwrap();
    assert!(keys.add(&[key(2), key(1)]).is_err());
    assert_eq!(keys.node(KeyId::from_bytes([2; 16])).unwrap(), None);
    assert_eq!(keys.edge(KeyId::from_bytes([2; 16])).unwrap(), None);
}

#[test]
fn a_replacement_is_unfinished_until_the_old_key_is_destroyed() {
    let folder = tempfile::tempdir().unwrap();
    let (old, new) = (KeyId::from_bytes([1; 16]), KeyId::from_bytes([2; 16]));
    let mut keys = keys(folder.path());
    keys.add(&[key(1)]).unwrap();
    keys.replace(old, &key(2)).unwrap();
    assert_eq!(keys.unfinished_replacements(10).unwrap(), [(old, new)]);
    keys.destroy(&[old], now()).unwrap();
    assert!(keys.unfinished_replacements(10).unwrap().is_empty());
}

#[test]
fn only_living_keys_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut keys = keys(folder.path());
    let root = KeyId::from_bytes([9; 16]);
    let mut day = key(9);
    (day.0.kind, day.0.subject, day.0.conversation) = (KeyKind::SafetyDay, None, None);
    day.0.label = "2026-01-10".to_owned();
    let mut child = key(1);
    child.1.parent = Some(root);
    keys.add(&[day, child]).unwrap();
    let count = |keys: &KeyStore| {
        (
            keys.conversation_keys(conversation(1)).unwrap().len(),
            keys.keys_of_conversations_of(SUBJECT).unwrap().len(),
            keys.children(root, 10).unwrap().len(),
            keys.root(ORGANIZATION, KeyKind::SafetyDay, "2026-01-10").unwrap().is_some(),
            keys.roots_of_kind(KeyKind::SafetyDay).unwrap().len(),
        )
    };
    assert_eq!(count(&keys), (1, 1, 1, true, 1));
    assert!(
        keys.subject_keys(SUBJECT).unwrap().is_empty(),
        "a conversation's keys are not the subject's own"
    );
    keys.destroy(&[root], now()).unwrap();
    assert_eq!(count(&keys), (1, 1, 1, false, 0), "the child is found under the destroyed root");
    keys.destroy(&[KeyId::from_bytes([1; 16])], now()).unwrap();
    assert_eq!(count(&keys), (0, 0, 0, false, 0));
}

#[test]
fn a_reader_that_keeps_the_log_busy_is_reported_and_the_next_try_cleans_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut keys = keys(folder.path());
    keys.add(&[key(1)]).unwrap();
    let reader = rusqlite::Connection::open(folder.path().join("keys.db")).unwrap();
    reader.execute_batch("BEGIN").unwrap();
    reader.query_row("SELECT count(*) FROM edges", [], |row| row.get::<_, i64>(0)).unwrap();
    let busy = keys.destroy(&[KeyId::from_bytes([1; 16])], now()).unwrap_err();
    assert!(busy.to_string().contains("deleted bytes may linger until the next sweep"), "{busy}");
    assert!(keys.edge(KeyId::from_bytes([1; 16])).unwrap().is_none(), "destroyed all the same");
    assert!(find(folder.path(), &needle("wrap", 1)).is_some());
    reader.execute_batch("COMMIT").unwrap();
    keys.empty_wal().unwrap();
    assert_eq!(find(folder.path(), &needle("wrap", 1)), None);
}
