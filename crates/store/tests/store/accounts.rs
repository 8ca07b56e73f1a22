//! Accounts, sessions and what erasing a person takes with it.

use fiducia_policy::{AccountId, ActivityId, PersonId, SessionId, SubjectId, Timestamp};
use fiducia_store::{AccountRecord, ActivityRecord, ControlStore, PasskeyRecord, SessionRecord};

use crate::samples::{ORGANIZATION, SUBJECT, announcement, find, now, people};

fn control(folder: &std::path::Path) -> ControlStore {
    let mut control = ControlStore::open(&folder.join("control.db")).unwrap();
    people(&mut control);
    control
}

fn activity() -> ActivityRecord {
    ActivityRecord {
        id: ActivityId::from_bytes([8; 16]),
        created_at: now(),
        organization: Some(ORGANIZATION),
        kind: "user_logged_out".to_owned(),
        actor: None,
        body: b"{}".to_vec(),
    }
}

fn account(number: u8, subject: Option<SubjectId>, person: Option<PersonId>) -> AccountRecord {
    AccountRecord {
        id: AccountId::from_bytes([number; 16]),
        organization: ORGANIZATION,
        subject,
        person,
        login: format!("login-{number}@example.org"),
        name: format!("Name of number {number}"),
        roles: "person auditor".parse().unwrap(),
        password: Some("$argon2id$not-a-real-one".to_owned()),
        language: None,
        appearance: Some("dark".to_owned()),
        created_at: now(),
        disabled_at: None,
    }
}

fn session(number: u8, visit: u8, at: i64) -> SessionRecord {
    SessionRecord {
        id: SessionId::from_bytes([number; 16]),
        token_digest: [number; 32],
        visit_digest: [visit; 32],
        account: AccountId::from_bytes([1; 16]),
        method: "password".to_owned(),
        device: "Firefox, Linux".to_owned(),
        created_at: second(at),
        seen_at: second(at),
        idle_seconds: 1_800,
        ends_at: second(at + 43_200),
    }
}

fn second(at: i64) -> Timestamp {
    Timestamp::from_second(now().as_second() + at).unwrap()
}

fn passkey() -> PasskeyRecord {
    PasskeyRecord {
        credential: b"<id of a credential>".to_vec(),
        account: AccountId::from_bytes([1; 16]),
        name: "telephone".to_owned(),
        algorithm: -7,
        public_key: vec![1, 2, 3],
        sign_count: 0,
        created_at: now(),
        last_used_at: None,
    }
}

#[test]
fn an_account_comes_back_as_it_was_stored_and_a_login_is_taken_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut control = control(folder.path());
    let first = account(1, Some(SUBJECT), None);
    assert!(control.create_account(&first, &announcement(1)).unwrap());
    let taken = AccountRecord { login: first.login.clone(), ..account(2, None, None) };
    let waiting = control.outbox(10).unwrap().len();
    assert!(!control.create_account(&taken, &announcement(2)).unwrap());
    assert_eq!(control.outbox(10).unwrap().len(), waiting, "what was not done is not announced");
    assert_eq!(control.account(first.id).unwrap(), Some(first.clone()));
    assert_eq!(control.account_with_login(&first.login).unwrap(), Some(first.clone()));
    assert_eq!(control.accounts(Some(ORGANIZATION)).unwrap(), std::slice::from_ref(&first));
    assert!(
        control.link_identity("https://issuer.example", "sub", first.id, now(), &announcement(3)).unwrap()
    );
    assert!(
        !control.link_identity("https://issuer.example", "sub", first.id, now(), &announcement(4)).unwrap()
    );
    let found = control.account_with_identity("https://issuer.example", "sub").unwrap();
    assert_eq!(found, Some(first));
    assert_eq!(control.account_with_identity("https://other.example", "sub").unwrap(), None);
}

#[test]
fn one_visit_has_one_session_and_an_account_has_no_end_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut control = control(folder.path());
    control.create_account(&account(1, Some(SUBJECT), None), &announcement(1)).unwrap();
    control.start_session(&session(1, 1, 0), [1; 32], 3, &activity()).unwrap();
    control.start_session(&session(2, 1, 1), [2; 32], 3, &activity()).unwrap();
    assert_eq!(control.session([1; 32]).unwrap(), None, "the visit's first session gave way");
    for number in 3..7 {
        control
            .start_session(&session(number, number, i64::from(number)), [number; 32], 3, &activity())
            .unwrap();
    }
    let owner = AccountId::from_bytes([1; 16]);
    let left: Vec<_> = control.sessions(owner).unwrap().iter().map(|found| found.id.as_bytes()[0]).collect();
    assert_eq!(left, [6, 5, 4]);
    assert!(
        !control.is_known_browser([3; 32], owner).unwrap()
            && control.is_known_browser([6; 32], owner).unwrap()
    );
    assert!(!control.is_known_browser([6; 32], AccountId::from_bytes([2; 16])).unwrap());
    // What has ended is dropped when the next begins.
    control.start_session(&session(9, 9, 3_600), [9; 32], 3, &activity()).unwrap();
    assert_eq!(control.sessions(owner).unwrap().len(), 1);
    let id = SessionId::from_bytes([9; 16]);
    control.touch_session(id, second(3_700)).unwrap();
    control.touch_session(id, second(3_650)).unwrap();
    assert_eq!(control.session([9; 32]).unwrap().unwrap().seen_at, second(3_700), "time does not run back");
    assert_eq!(control.end_sessions(owner, None, Some(id), &activity()).unwrap(), 0);
    // Six began and one was ended: each is kept for the feed, and ending none is no activity.
    let waiting = |control: &ControlStore| control.waiting_activities(100).unwrap();
    assert_eq!(waiting(&control).unwrap().1.len(), 7);
    assert_eq!(control.end_sessions(owner, None, None, &activity()).unwrap(), 1);
    let (last, rows) = waiting(&control).unwrap();
    assert_eq!((rows.len(), &rows[7]), (8, &activity()));
    control.forget_activities(last - 1).unwrap();
    assert_eq!(waiting(&control).unwrap().1.len(), 1);
    control.forget_activities(last).unwrap();
    assert_eq!(waiting(&control), None);
}

#[test]
fn an_erased_person_leaves_no_account_and_staff_keeps_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let mut control = control(folder.path());
    let staff = PersonId::from_bytes([9; 16]);
    control.create_account(&account(1, Some(SUBJECT), None), &announcement(1)).unwrap();
    control.create_account(&account(2, Some(SUBJECT), Some(staff)), &announcement(2)).unwrap();
    control.add_passkey(&passkey(), &announcement(3)).unwrap();
    control.start_session(&session(1, 1, 0), [1; 32], 3, &activity()).unwrap();
    control.note_privacy_signal(SUBJECT, now(), &announcement(4)).unwrap();
    control.erase_subject(SUBJECT, now(), false, None).unwrap();
    control.empty_wal().unwrap();
    assert_eq!(control.account(AccountId::from_bytes([1; 16])).unwrap(), None);
    let kept = control.account(AccountId::from_bytes([2; 16])).unwrap().unwrap();
    assert_eq!((kept.subject, kept.person), (None, Some(staff)));
    assert_eq!(control.session([1; 32]).unwrap(), None);
    assert_eq!(control.privacy_signal(SUBJECT).unwrap(), None);
    for trace in [&b"login-1@example.org"[..], b"Name of number 1", b"<id of a credential>"] {
        assert_eq!(find(folder.path(), trace), None, "{}", String::from_utf8_lossy(trace));
    }
}

#[test]
fn the_first_privacy_signal_is_announced_and_the_last_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut control = control(folder.path());
    let before = control.outbox(10).unwrap().len();
    assert!(control.note_privacy_signal(SUBJECT, second(0), &announcement(5)).unwrap());
    assert!(!control.note_privacy_signal(SUBJECT, second(90_000), &announcement(6)).unwrap());
    let signal = control.privacy_signal(SUBJECT).unwrap().unwrap();
    assert_eq!((signal.first_seen_at, signal.last_seen_at), (second(0), second(90_000)));
    assert_eq!(control.outbox(10).unwrap().len(), before + 1);
}
