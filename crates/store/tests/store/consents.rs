//! Notices and consents: what the file itself refuses.

use fiducia_policy::{ConsentPurpose, NoticeIdentity, PersonId};
use fiducia_store::{ControlStore, NoticeRecord};

use crate::samples::{announcement, now};

#[test]
fn a_notice_is_published_once_and_nobody_can_change_it_even_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.db");
    let mut control = ControlStore::open(&path).unwrap();
    let identity =
        NoticeIdentity { purpose: ConsentPurpose::Research, language: "en".to_owned(), version: 1 };
    let notice = NoticeRecord {
        identity: identity.clone(),
        document: "{}".to_owned(),
        hash: [7; 32],
        published_at: now(),
        published_by: PersonId::from_bytes([1; 16]),
    };
    assert!(control.publish_notice(&notice, &[announcement(1)]).unwrap());
    let other = NoticeRecord { document: "{\"other\":1}".to_owned(), ..notice.clone() };
    assert!(!control.publish_notice(&other, &[announcement(2)]).unwrap());
    assert_eq!(control.notice(&identity).unwrap(), Some(notice));
    assert_eq!(control.outbox(10).unwrap().len(), 1, "only the first was announced");
    let raw = rusqlite::Connection::open(&path).unwrap();
    for statement in ["UPDATE notices SET document = 'x'", "DELETE FROM notices"] {
        assert!(raw.execute(statement, []).unwrap_err().to_string().contains("published notice"));
    }
}
