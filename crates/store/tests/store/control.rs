//! The control file and the index in it.

use fiducia_policy::{PersonId, SubjectId};
use fiducia_store::{BucketName, ControlStore, ConversationMark, ImportJob, IndexEntry};

use crate::samples::{ORGANIZATION, SUBJECT, TERMS, announcement, conversation, find, now, people};

fn control(folder: &std::path::Path) -> ControlStore {
    ControlStore::open(&folder.join("control.db")).unwrap()
}

fn entry(of: u8, prefix: u8, position: u64) -> IndexEntry {
    IndexEntry {
        conversation: conversation(of),
        organization: ORGANIZATION,
        subject: SUBJECT,
        at: now(),
        prefix: Some([prefix; 32]),
        alias: Some([prefix | 0x80; 32]),
        position,
        terms: TERMS,
    }
}

fn import_job() -> ImportJob {
    ImportJob {
        id: [7; 16],
        organization: ORGANIZATION,
        subject: SUBJECT,
        source: "chats-of-a-person.jsonl".to_owned(),
        started_at: now(),
        lines_done: 0,
        accepted: 0,
        rejected: 0,
        finished_at: None,
    }
}

#[test]
fn an_erased_subject_leaves_no_name_no_pseudonym_and_no_name_of_an_import() {
    let folder = tempfile::tempdir().unwrap();
    let mut control = control(folder.path());
    people(&mut control);
    control.begin_import(&import_job()).unwrap();
    let traces: [&[u8]; 3] =
        [b"<pseudonym 0001>", b"<digest of the name of a person>", b"chats-of-a-person.jsonl"];
    for trace in traces {
        assert!(find(folder.path(), trace).is_some(), "the search finds what is there");
    }
    control.erase_subject(SUBJECT, now(), false, Some(&announcement(1))).unwrap();
    control.empty_wal().unwrap();
    for trace in traces {
        assert_eq!(find(folder.path(), trace), None, "{}", String::from_utf8_lossy(trace));
    }
    let erased = control.subject(SUBJECT).unwrap().unwrap();
    assert_eq!((erased.pseudonym, erased.erased_at), (None, Some(now())));
    let named = control.subject_named(ORGANIZATION, *b"<digest of the name of a person>").unwrap();
    assert_eq!(named, None);
    assert_eq!(control.outbox(10).unwrap().len(), 2, "the organisation and the erasure");
}

#[test]
fn a_destroyed_conversation_is_marked_and_not_recognised_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let mut control = control(folder.path());
    people(&mut control);
    control.index(&BucketName::account(), 2, &[entry(1, 11, 1), entry(2, 12, 1)]).unwrap();
    assert_eq!(control.living_conversations_of(SUBJECT).unwrap(), [conversation(1), conversation(2)]);
    control.forget_prefixes(&[[11; 32], [0x8b; 32]]).unwrap();
    control.destroy_conversations(&[conversation(1)], now(), None).unwrap();
    control.empty_wal().unwrap();
    assert_eq!(control.prefix(&[11; 32]).unwrap(), None);
    assert_eq!(control.prefix(&[0x8b; 32]).unwrap(), None);
    assert_eq!(find(folder.path(), &[11; 8]), None, "no half of the digest is left");
    assert_eq!(control.prefix(&[12; 32]).unwrap().unwrap().conversation, conversation(2));
    assert_eq!(control.conversation(conversation(1)).unwrap().unwrap().destroyed_at, Some(now()));
    assert_eq!(control.living_conversations_of(SUBJECT).unwrap(), [conversation(2)]);
    let mut half = [12; 32];
    half[8..].fill(13);
    control.forget_prefixes(&[half]).unwrap();
    assert!(control.prefix(&[12; 32]).unwrap().is_some(), "another digest that only begins the same");
    assert_eq!(control.prefix(&half).unwrap(), None);
}

#[test]
fn a_pass_forgets_the_beginnings_of_what_is_over_and_of_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut control = control(folder.path());
    people(&mut control);
    let entries: Vec<_> = (1..=40).map(|of| entry(of, of, 1)).collect();
    control.index(&BucketName::account(), 40, &entries).unwrap();
    let is_over = |id: &fiducia_policy::ConversationId| (1..=40).step_by(3).any(|of| *id == conversation(of));
    let (mut from, mut steps) = (Some(i64::MIN), 0);
    while let Some(here) = from {
        from = control.forget_prefixes_where(here, 7, is_over).unwrap();
        steps += 1;
    }
    assert_eq!(
        steps,
        80_usize.div_ceil(7) + 1,
        "two rows of each, seven in a step, and one that finds the end"
    );
    control.empty_wal().unwrap();
    for of in 1..=40 {
        let over = is_over(&conversation(of));
        for digest in [[of; 32], [of | 0x80; 32]] {
            assert_eq!(control.prefix(&digest).unwrap().is_none(), over, "{of}");
        }
        assert_eq!(find(folder.path(), &[of | 0x80; 8]).is_none(), over, "{of}: on disk too");
    }
}

#[test]
fn the_index_counts_records_and_its_mark_never_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut control = control(folder.path());
    let bucket = BucketName::account();
    assert_eq!(control.indexed_up_to(&bucket).unwrap(), 0);
    control.index(&bucket, 5, &[entry(1, 11, 1), entry(1, 12, 2)]).unwrap();
    control.index(&bucket, 3, &[entry(1, 13, 3)]).unwrap();
    assert_eq!(control.indexed_up_to(&bucket).unwrap(), 5);
    let found = control.conversation(conversation(1)).unwrap().unwrap();
    assert_eq!((found.records, found.buckets), (3, vec![bucket]));
    control.remove_record(conversation(1), &announcement(1)).unwrap();
    assert_eq!(control.conversation(conversation(1)).unwrap().unwrap().records, 2);
    control.forget_bucket(&bucket).unwrap();
    assert_eq!(control.indexed_up_to(&bucket).unwrap(), 0);
}

#[test]
fn conversations_are_listed_newest_first_page_by_page_and_by_owner() {
    let folder = tempfile::tempdir().unwrap();
    let mut control = control(folder.path());
    let mut other = entry(4, 14, 1);
    other.subject = SubjectId::from_bytes([8; 16]);
    let entries = [entry(1, 11, 1), entry(2, 12, 1), entry(3, 13, 1), other];
    control.index(&BucketName::account(), 4, &entries).unwrap();
    let list = |subject, after, limit| {
        let found = control.conversations(Some(ORGANIZATION), subject, false, after, limit).unwrap();
        found.iter().map(|found| found.id).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, 2), [conversation(4), conversation(3)]);
    assert_eq!(list(None, Some(conversation(3)), 2), [conversation(2), conversation(1)]);
    assert_eq!(list(Some(SUBJECT), None, 1), [conversation(3)]);
    let mark = ConversationMark::Deleted(Some(now()));
    control.mark_conversation(conversation(3), mark, None).unwrap();
    let ids = |deleted| {
        let found = control.conversations(Some(ORGANIZATION), Some(SUBJECT), deleted, None, 2).unwrap();
        found.iter().map(|found| found.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(false), [conversation(2), conversation(1)], "what its person deleted is hidden");
    assert_eq!(ids(true), [conversation(3), conversation(2)]);
}

#[test]
fn an_import_advances_only_forward_and_is_finished_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut control = control(folder.path());
    assert!(control.begin_import(&import_job()).unwrap().1, "it is new");
    control.advance_import([7; 16], 10, 9, 1).unwrap();
    control.advance_import([7; 16], 10, 9, 1).unwrap();
    let (again, is_new) = control.begin_import(&import_job()).unwrap();
    assert!(!is_new);
    assert_eq!((again.lines_done, again.accepted, again.rejected), (10, 9, 1), "it finds itself again");
    control.finish_import(&again, now(), &announcement(1)).unwrap();
    control.finish_import(&again, now(), &announcement(2)).unwrap();
    assert_eq!(control.outbox(10).unwrap().len(), 1);
}

#[test]
fn a_person_keeps_the_id_that_was_given_first() {
    let folder = tempfile::tempdir().unwrap();
    let mut control = control(folder.path());
    let (first, second) = (PersonId::from_bytes([1; 16]), PersonId::from_bytes([2; 16]));
    assert_eq!(control.person("auditor", first, now()).unwrap(), first);
    assert_eq!(control.person("auditor", second, now()).unwrap(), first);
    assert_eq!(control.person("lawyer", second, now()).unwrap(), second);
}

#[test]
fn delivered_facts_leave_the_control_outbox() {
    let folder = tempfile::tempdir().unwrap();
    let mut control = control(folder.path());
    for number in [1, 2, 2] {
        control.announce(&announcement(number)).unwrap();
    }
    control.forget_delivered(&[[1; 16]]).unwrap();
    assert_eq!(control.outbox(10).unwrap().iter().map(|row| row.id[0]).collect::<Vec<_>>(), [2]);
}
