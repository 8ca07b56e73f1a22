//! Buckets of records.

use fiducia_policy::{ConversationId, RecordId};
use fiducia_store::{Bucket, BucketName, RecordBucket, STEP_BYTES_MAX, StoredWrap};

use crate::samples::{conversation, find, needle, record, safety_key, service_key};

fn bucket(folder: &std::path::Path) -> RecordBucket {
    Bucket::in_directory(folder.to_owned()).open(&BucketName::account()).unwrap()
}

fn records_of(bucket: &RecordBucket, of: u8) -> Vec<i64> {
    bucket.conversation(conversation(of), 0, 100).unwrap().iter().map(|(sequence, _)| *sequence).collect()
}

#[test]
fn what_was_committed_is_read_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let committed = record(1, 1);
    bucket(folder.path()).file(1, &[&committed]).unwrap();
    let again = bucket(folder.path());
    assert_eq!(again.record(committed.id).unwrap().as_ref(), Some(&committed));
    let (sequence, indexed) = again.unindexed(0, 10).unwrap().remove(0);
    assert_eq!((sequence, indexed.prefix), (1, committed.prefix));
    assert!(indexed.ciphertext.is_empty(), "the index needs no ciphertext");
    assert_eq!(again.size().unwrap(), (1, committed.ciphertext.len() as u64));
}

#[test]
fn what_is_filed_twice_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut bucket = bucket(folder.path());
    assert_eq!(bucket.filed_up_to().unwrap(), 0);
    assert_eq!(bucket.file(7, &[&record(1, 1)]).unwrap(), 1);
    let mut again = record(1, 1);
    again.ciphertext = b"something else".to_vec();
    assert_eq!(bucket.file(7, &[&again, &record(2, 1)]).unwrap(), 2);
    assert_eq!(bucket.record(record(1, 1).id).unwrap(), Some(record(1, 1)), "the first one stands");
    assert_eq!(records_of(&bucket, 1), [1, 2], "and leaves no gap");
    bucket.file(5, &[]).unwrap();
    assert_eq!(bucket.filed_up_to().unwrap(), 7, "the mark never goes back");
    assert!(bucket.has(record(2, 1).id).unwrap() && !bucket.has(record(3, 1).id).unwrap());
}

#[test]
fn a_sequence_number_is_never_given_out_twice() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = bucket(folder.path());
    first.file(1, &[&record(1, 1), &record(2, 2)]).unwrap();
    assert_eq!(first.drop_paths(&paths_of(2)).unwrap(), 1, "the newest record goes");
    first.file(1, &[&record(3, 3)]).unwrap();
    assert_eq!(records_of(&first, 3), [3], "above every number there ever was");
    first.drop_paths(&paths_of(3)).unwrap();
    drop(first);
    // The index has seen everything up to 3: what is numbered at or below it would not be indexed after a crash.
    let mut again = bucket(folder.path());
    again.number_after(3);
    again.file(1, &[&record(4, 4)]).unwrap();
    assert_eq!(records_of(&again, 4), [4]);
    assert_eq!(again.unindexed(3, 10).unwrap().len(), 1);
}

fn paths_of(of: u8) -> Vec<(fiducia_policy::ConversationId, fiducia_policy::KeyId)> {
    vec![(conversation(of), service_key(of)), (conversation(of), safety_key(of))]
}

#[test]
fn dropped_paths_take_wraps_first_and_records_without_any_left() {
    let folder = tempfile::tempdir().unwrap();
    let mut bucket = bucket(folder.path());
    bucket.file(1, &[&record(1, 1), &record(2, 1), &record(3, 2)]).unwrap();
    let service_only = &paths_of(1)[..1];
    assert_eq!(bucket.drop_paths(service_only).unwrap(), 0, "the safety window still holds them");
    let left = bucket.record(record(1, 1).id).unwrap().unwrap();
    assert_eq!((left.service, left.safety), (None, record(1, 1).safety));
    assert_eq!(bucket.drop_paths(service_only).unwrap(), 0, "the same again changes nothing");
    let other_conversation = [(conversation(2), safety_key(1))];
    assert_eq!(
        bucket.drop_paths(&other_conversation).unwrap(),
        0,
        "a key counts for its own conversation only"
    );
    assert_eq!(bucket.drop_paths(&paths_of(1)[1..]).unwrap(), 2);
    assert_eq!(records_of(&bucket, 1), Vec::<i64>::new());
    assert_eq!(bucket.record(record(3, 2).id).unwrap(), Some(record(3, 2)), "its neighbour is untouched");
}

#[test]
fn no_byte_of_a_purged_record_or_dropped_wrap_is_left_in_any_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut bucket = bucket(folder.path());
    bucket.file(1, &[&record(1, 1), &record(2, 2)]).unwrap();
    let purged = [needle("ciphertext", 1), needle("service", 1), needle("safety", 1)];
    for bytes in &purged {
        assert!(find(folder.path(), bytes).is_some(), "the search finds what is there");
    }
    bucket.drop_paths(&paths_of(1)).unwrap();
    bucket.empty_wal().unwrap();
    for bytes in &purged {
        assert_eq!(find(folder.path(), bytes), None);
    }
    assert!(find(folder.path(), &needle("ciphertext", 2)).is_some(), "the survivor is there");
    let saved = folder.path().join("account.db-journal");
    assert_eq!(std::fs::metadata(saved).unwrap().len(), 0, "no page that was saved for a rollback is left");
}

#[test]
fn a_large_record_that_spans_many_pages_leaves_none_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut bucket = bucket(folder.path());
    let mut large = record(1, 1);
    large.ciphertext = needle("page", 1).repeat(20_000);
    bucket.file(1, &[&large]).unwrap();
    assert!(find(folder.path(), &needle("page", 1)).is_some());
    bucket.drop_paths(&paths_of(1)).unwrap();
    bucket.empty_wal().unwrap();
    assert_eq!(find(folder.path(), &needle("page", 1)), None);
}

#[test]
fn survivors_are_rewrapped_and_the_removed_record_goes_in_one_step() {
    let folder = tempfile::tempdir().unwrap();
    let mut bucket = bucket(folder.path());
    bucket.file(1, &[&record(1, 1), &record(2, 1)]).unwrap();
    let fresh = StoredWrap { parent: service_key(7), wrap: needle("fresh", 2) };
    let removed = bucket
        .rewrap_and_remove(service_key(1), &[(record(2, 1).id, fresh.clone())], Some(record(1, 1).id))
        .unwrap();
    assert_eq!(removed, 1);
    let survivor = bucket.record(record(2, 1).id).unwrap().unwrap();
    assert_eq!((survivor.service, survivor.safety), (Some(fresh), record(2, 1).safety));
    assert_eq!(bucket.record(record(1, 1).id).unwrap(), None);
}

#[test]
fn a_step_through_a_conversation_is_bounded_by_rows_and_by_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut bucket = bucket(folder.path());
    let records: Vec<_> = (1..=5)
        .map(|number| {
            let mut record = record(number, 1);
            record.ciphertext = vec![number; STEP_BYTES_MAX / 2];
            record
        })
        .collect();
    bucket.file(1, &records.iter().collect::<Vec<_>>()).unwrap();
    let step = |after, limit| {
        let found = bucket.conversation(conversation(1), after, limit).unwrap();
        found.iter().map(|(sequence, _)| *sequence).collect::<Vec<_>>()
    };
    assert_eq!(step(0, 1), [1], "by rows");
    assert_eq!(step(0, 100), [1, 2], "by bytes");
    assert_eq!(step(2, 100), [3, 4]);
    assert_eq!(step(4, 100), [5]);
    assert_eq!(step(5, 100), Vec::<i64>::new());
}

#[test]
fn an_unlinked_bucket_is_gone_with_its_logs() {
    let folder = tempfile::tempdir().unwrap();
    let place = Bucket::in_directory(folder.path().to_owned());
    let day = BucketName::day("2026-02-01").unwrap();
    let mut bucket = place.open(&day).unwrap();
    bucket.file(1, &[&record(1, 1)]).unwrap();
    place.open(&BucketName::account()).unwrap();
    assert_eq!(place.names().unwrap(), [day, BucketName::account()]);
    drop(bucket);
    place.unlink(&day).unwrap();
    place.unlink(&day).unwrap();
    assert_eq!(place.names().unwrap(), [BucketName::account()]);
    assert_eq!(find(folder.path(), &needle("ciphertext", 1)), None);
}

#[test]
fn only_bucket_names_are_taken_for_buckets() {
    let check =
        |name: &str, expected: bool| assert_eq!(BucketName::parse(name).is_some(), expected, "{name}");
    check("account", true);
    check("2026-02-01", true);
    for name in ["", "accounts", "2026-2-1", "2026-02-01x", "../../etc", "2026/02/01"] {
        check(name, false);
    }
}

#[test]
fn moved_rows_leave_nothing_behind_once_the_file_is_scrubbed() {
    let folder = tempfile::tempdir().unwrap();
    let mut bucket = bucket(folder.path());
    let needle = |number: u32| format!("<row {number:06}>").into_bytes();
    let mut rows = Vec::new();
    for number in 0..1_500_u32 {
        let mut row = record(1, 1);
        // Rows of very different sizes, deleted out of order, make the tree balance.
        row.id = RecordId::from_bytes(u128::from(number + 1).to_be_bytes());
        row.conversation = ConversationId::from_bytes(u128::from(number % 97 + 1).to_be_bytes());
        row.ciphertext = needle(number).repeat(10 + usize::try_from(number * 7 % 150).unwrap());
        rows.push(row);
    }
    for (group, rows) in (1..).zip(rows.chunks(50)) {
        bucket.file(group, &rows.iter().collect::<Vec<_>>()).unwrap();
    }
    let mut gone = Vec::new();
    for step in 0..90_u32 {
        let conversation = step * 31 % 97;
        let paths = [service_key(1), safety_key(1)]
            .map(|key| (ConversationId::from_bytes(u128::from(conversation + 1).to_be_bytes()), key));
        bucket.drop_paths(&paths).unwrap();
        gone.extend((0..1_500).filter(|number| number % 97 == conversation));
    }
    let is_left = |number: &u32| find(folder.path(), &needle(*number)).is_some();
    // Whether SQLite left something by itself depends on its version; so something is left on purpose, where it would be.
    drop(bucket);
    leave_behind(&folder.path().join("account.db"), b"<left behind by a move>");
    let mut bucket = self::bucket(folder.path());
    assert!(find(folder.path(), b"<left behind by a move>").is_some());
    let (mut after, mut wiped) = (0, 0);
    loop {
        let scrubbed = bucket.scrub(after, 16).unwrap();
        wiped += scrubbed.wiped;
        let Some(up_to) = scrubbed.up_to else { break };
        after = up_to;
    }
    assert!(wiped > 0);
    assert_eq!(find(folder.path(), b"<left behind by a move>"), None);
    assert_eq!(gone.iter().filter(|number| is_left(number)).count(), 0);
    let kept = (0..1_500).filter(|number| !gone.contains(number));
    assert!(kept.into_iter().all(|number| is_left(&number)), "nothing else is touched");
    assert_eq!(bucket.problem().unwrap(), None);
}

/// Writes bytes into the unused part of a page of rows, as a row that moved away would.
#[expect(clippy::indexing_slicing, reason = "a wrong index fails the test")]
fn leave_behind(path: &std::path::Path, bytes: &[u8]) {
    let mut file = std::fs::read(path).unwrap();
    let page_bytes = 16_384;
    let pages = file.len() / page_bytes;
    let place = (1..pages).map(|page| page * page_bytes).find_map(|page| {
        let number = |at: usize| usize::from(u16::from_be_bytes([file[page + at], file[page + at + 1]]));
        let (unused, content) = (8 + 2 * number(3), number(5));
        (file[page] == 0x0d && content > unused + bytes.len()).then_some(page + unused)
    });
    let place = place.unwrap();
    file[place..place + bytes.len()].copy_from_slice(bytes);
    std::fs::write(path, file).unwrap();
}
