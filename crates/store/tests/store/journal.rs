//! The journal: what was appended is found again, what a crash cut off is not, and damage is told from both.

use std::fs;
use std::path::{Path, PathBuf};

use fiducia_store::{Announcement, BucketName, Journal, JournalGroup, StoreError, StoredRecord};
use proptest::prelude::*;

use crate::samples::{announcement, find, needle, record};

/// Records on their way into the bucket of the account.
pub(crate) fn journaled(records: &[StoredRecord]) -> Vec<(BucketName, StoredRecord)> {
    records.iter().map(|record| (BucketName::account(), record.clone())).collect()
}

fn groups(folder: &Path) -> Result<Vec<JournalGroup>, StoreError> {
    let mut found = Vec::new();
    Journal::groups(folder, |group| {
        found.push(group);
        Ok::<(), StoreError>(())
    })?;
    Ok(found)
}

/// The numbers of the groups in a journal.
pub(crate) fn numbers(folder: &Path) -> Vec<u64> {
    groups(folder).unwrap().iter().map(|group| group.number).collect()
}

/// A record that makes a file of the journal full.
fn large(number: u8) -> StoredRecord {
    let mut large = record(number, 1);
    large.ciphertext = vec![number; 9 * 1024 * 1024];
    large
}

fn file(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number:04}.journal"))
}

#[test]
fn what_was_appended_is_given_back_the_same_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), 41).unwrap();
    let mut bare = record(3, 2);
    (bare.answer_id, bare.prefix, bare.alias) = (Some("msg_1".to_owned()), None, Some([9; 32]));
    (bare.service, bare.safety, bare.status) = (None, None, 529);
    let day = BucketName::day("2026-11-21").unwrap();
    let records = [(BucketName::account(), record(1, 1)), (day, bare)];
    assert_eq!(journal.append(&records, &[announcement(1), announcement(2)]).unwrap(), 42);
    assert_eq!(journal.append(&[], &[announcement(3)]).unwrap(), 43);
    let first =
        JournalGroup { number: 42, records: records.to_vec(), facts: vec![announcement(1), announcement(2)] };
    let second = JournalGroup { number: 43, records: vec![], facts: vec![announcement(3)] };
    assert_eq!(groups(folder.path()).unwrap(), [first, second]);
    assert_eq!(journal.last_group(), 43);
}

#[test]
fn full_files_are_left_behind_and_written_over_when_released() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), 0).unwrap();
    for number in 1..=4 {
        journal.append(&journaled(&[large(number)]), &[]).unwrap();
    }
    assert_eq!(numbers(folder.path()), [1, 2, 3, 4]);
    journal.release(2);
    for number in 5..=7 {
        journal.append(&journaled(&[large(number)]), &[]).unwrap();
    }
    assert_eq!(numbers(folder.path()), [3, 4, 5, 6, 7], "in order, though the files are not");
    assert!(file(folder.path(), 4).exists() && !file(folder.path(), 5).exists(), "two were used again");
}

#[test]
fn nothing_of_what_was_released_stays_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), 0).unwrap();
    journal.append(&journaled(&[record(1, 1)]), &[announcement(1)]).unwrap();
    journal.append(&journaled(&[record(2, 1)]), &[]).unwrap();
    journal.release_all(1).unwrap();
    assert!(find(folder.path(), &needle("ciphertext", 1)).is_some(), "group 2 must stay, and 1 before it");
    journal.append(&journaled(&[record(4, 1)]), &[]).unwrap();
    assert_eq!(numbers(folder.path()), [2, 3], "the frame says that 1 has left");
    journal.release_all(3).unwrap();
    for what in [needle("ciphertext", 1), needle("ciphertext", 2), needle("event", 1)] {
        assert_eq!(find(folder.path(), &what), None);
    }
    assert_eq!(journal.append(&journaled(&[record(3, 1)]), &[]).unwrap(), 4);
    assert_eq!(numbers(folder.path()), [4]);
}

#[test]
fn opening_gives_up_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), 0).unwrap();
    for number in 1..=3 {
        journal.append(&journaled(&[large(number)]), &[]).unwrap();
    }
    drop(journal);
    let mut again = Journal::open(folder.path(), 3).unwrap();
    assert_eq!(numbers(folder.path()), [0_u64; 0]);
    assert_eq!(again.append(&journaled(&[record(1, 1)]), &[]).unwrap(), 4);
}

#[test]
fn a_group_that_a_crash_cut_off_anywhere_is_left_out_and_those_before_it_stay() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), 0).unwrap();
    journal.append(&journaled(&[record(1, 1)]), &[]).unwrap();
    let whole = fs::read(file(folder.path(), 0)).unwrap().len();
    journal.append(&journaled(&[record(2, 1)]), &[announcement(2)]).unwrap();
    let mut bytes = fs::read(file(folder.path(), 0)).unwrap();
    // What pads the last block is no part of the group.
    bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1);
    for length in whole..bytes.len() {
        fs::write(file(folder.path(), 0), &bytes[..length]).unwrap();
        assert_eq!(numbers(folder.path()), [1], "cut at {length}");
        // What the disk had not taken may also read as zeros.
        let mut zeros = bytes.clone();
        zeros[length..].fill(0);
        if zeros == bytes {
            continue;
        }
        fs::write(file(folder.path(), 0), &zeros).unwrap();
        assert_eq!(numbers(folder.path()), [1], "zeros from {length}");
    }
}

#[test]
fn a_flipped_byte_before_the_last_group_is_damage_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), 0).unwrap();
    journal.append(&journaled(&[record(1, 1)]), &[announcement(1)]).unwrap();
    let first = fs::read(file(folder.path(), 0)).unwrap().len();
    journal.append(&journaled(&[record(2, 1)]), &[]).unwrap();
    let bytes = fs::read(file(folder.path(), 0)).unwrap();
    let padding = bytes[..first].iter().rev().take_while(|byte| **byte == 0).count();
    for place in 0..first - padding {
        let mut flipped = bytes.clone();
        flipped[place] ^= 0x10;
        fs::write(file(folder.path(), 0), &flipped).unwrap();
        let refused = groups(folder.path()).unwrap_err();
        assert!(matches!(refused, StoreError::Corrupt { .. }), "byte {place}: {refused}");
        assert!(refused.to_string().contains("0000.journal is damaged"), "{refused}");
    }
}

#[test]
fn a_file_that_ends_too_early_is_damage_when_another_comes_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), 0).unwrap();
    journal.append(&journaled(&[record(1, 1)]), &[]).unwrap();
    journal.append(&journaled(&[large(2)]), &[]).unwrap();
    journal.append(&journaled(&[record(3, 1)]), &[]).unwrap();
    let bytes = fs::read(file(folder.path(), 0)).unwrap();
    fs::write(file(folder.path(), 0), &bytes[..bytes.len() - 8_192]).unwrap();
    assert!(matches!(groups(folder.path()).unwrap_err(), StoreError::Corrupt { .. }), "group 2 is missing");
}

#[test]
fn what_was_written_over_is_not_taken_for_new() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), 0).unwrap();
    // Two files full of small groups, then the first again: behind its new groups old ones stand whole.
    let small = |number: u8| {
        let mut small = record(number, 1);
        small.ciphertext = vec![number; 1024 * 1024];
        small
    };
    for number in 1..=20 {
        journal.append(&journaled(&[small(number)]), &[]).unwrap();
        journal.release(u64::from(number) - 1);
    }
    assert_eq!(numbers(folder.path()), [19, 20]);
    for place in [0, 40, 700_000] {
        // Damage to what was released long ago is no damage.
        let mut bytes = fs::read(file(folder.path(), 1)).unwrap();
        bytes[place] ^= 1;
        fs::write(file(folder.path(), 1), &bytes).unwrap();
        assert_eq!(numbers(folder.path()), [19, 20]);
    }
}

proptest! {
    #[test]
    fn bytes_that_are_no_journal_are_never_taken_for_one(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(file(folder.path(), 0), &bytes).unwrap();
        prop_assert!(groups(folder.path()).is_ok_and(|found| found.is_empty()));
    }

    #[test]
    fn any_group_round_trips(
        ciphertexts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..5),
        models in proptest::collection::vec("\\PC{0,20}", 5),
        events in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path(), 0).unwrap();
        let records: Vec<_> = ciphertexts.into_iter().zip(models).zip(1_u8..).map(|((ciphertext, model), number)| {
            (BucketName::account(), StoredRecord { ciphertext, model, ..record(number, 1) })
        }).collect();
        let facts: Vec<_> = events.into_iter().map(|event| Announcement { event, ..announcement(1) }).collect();
        journal.append(&records, &facts).unwrap();
        prop_assert_eq!(groups(folder.path()).unwrap(), [JournalGroup { number: 1, records, facts }]);
    }
}
