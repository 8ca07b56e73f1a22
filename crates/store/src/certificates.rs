//! Certificates of destruction in `control.db`.

use fiducia_policy::{OrganizationId, SubjectId, Timestamp};
use rusqlite::{OptionalExtension, params};

use crate::connection::{bytes16, instant};
use crate::mails::{self, MailKey};
use crate::outbox::{Announcement, announce};
use crate::{ControlStore, StoreError};

/// The tables of this module, the third step of `control.db`. A later one makes `mails` the outbox of all mails.
pub(crate) const TABLES: &str = "
    CREATE TABLE certificates (
        reference TEXT PRIMARY KEY, organization BLOB NOT NULL, subject BLOB, event BLOB NOT NULL, issued_at BIGINT NOT NULL,
        json TEXT NOT NULL, note TEXT NOT NULL, ledger_index BIGINT
    ) WITHOUT ROWID;
    CREATE INDEX certificates_issued ON certificates (issued_at, reference);
    CREATE INDEX certificates_subject ON certificates (subject) WHERE subject IS NOT NULL;
    CREATE TABLE mails (
        reference TEXT PRIMARY KEY REFERENCES certificates, organization BLOB NOT NULL, issued_at BIGINT NOT NULL,
        attempts BIGINT NOT NULL, next_attempt_at BIGINT, sent_at BIGINT, given_up_at BIGINT, failure TEXT
    ) WITHOUT ROWID;
    CREATE INDEX mails_due ON mails (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
";

/// A certificate as it was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateRecord {
    /// Its reference number.
    pub reference: String,
    /// Whose data it is about.
    pub organization: OrganizationId,
    /// Whose data it is about, where it is one person's who is not erased.
    pub subject: Option<SubjectId>,
    /// The id of its ledger entry.
    pub event: [u8; 16],
    /// Issued when.
    pub issued_at: Timestamp,
    /// The certificate in canonical form.
    pub json: String,
    /// The signed note over it.
    pub note: String,
    /// Where its entry lies in the organisation's log, once that is known.
    pub ledger_index: Option<u64>,
}

impl ControlStore {
    /// Stores a certificate with its announcement and, where `mail_at` says when, a mail that tells of it.
    pub fn issue_certificate(
        &mut self,
        certificate: &CertificateRecord,
        mail_at: Option<Timestamp>,
        announcement: &Announcement,
    ) -> Result<(), StoreError> {
        self.file.write("issue_certificate", |tx| {
            tx.execute(
                "INSERT INTO certificates (reference, organization, subject, event, issued_at, json, note, ledger_index)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    certificate.reference,
                    certificate.organization.as_bytes(),
                    certificate.subject.map(|subject| *subject.as_bytes()),
                    certificate.event,
                    certificate.issued_at.as_microsecond(),
                    certificate.json,
                    certificate.note,
                    certificate.ledger_index,
                ],
            )?;
            if let Some(at) = mail_at {
                let key = MailKey::Certificate(certificate.reference.clone());
                mails::queue(tx, &key, (certificate.organization, None), at)?;
            }
            announce(tx, announcement)
        })
    }

    /// Notes where a certificate's entry lies in its log.
    pub fn place_certificate(&mut self, reference: &str, ledger_index: u64) -> Result<(), StoreError> {
        self.file.write("place_certificate", |tx| {
            tx.execute(
                "UPDATE certificates SET ledger_index = ?2 WHERE reference = ?1",
                params![reference, ledger_index],
            )
            .map(drop)
        })
    }

    /// The certificate with this reference number.
    pub fn certificate(&self, reference: &str) -> Result<Option<CertificateRecord>, StoreError> {
        self.file.read("certificate", |connection| {
            connection
                .prepare_cached(&format!("{CERTIFICATE} WHERE reference = ?1"))?
                .query_row([reference], certificate)
                .optional()
        })
    }

    /// Certificates, newest first: of one organisation or of all, those issued before `before`, at most `limit`.
    pub fn certificates(
        &self,
        organization: Option<OrganizationId>,
        before: Option<(Timestamp, &str)>,
        limit: u32,
    ) -> Result<Vec<CertificateRecord>, StoreError> {
        let (at, reference) =
            before.map_or((i64::MAX, ""), |(at, reference)| (at.as_microsecond(), reference));
        self.file.read("certificates", |connection| {
            connection
                .prepare_cached(&format!(
                    "{CERTIFICATE} WHERE (?1 IS NULL OR organization = ?1) AND (issued_at, reference) < (?2, ?3)
                     ORDER BY issued_at DESC, reference DESC LIMIT ?4"
                ))?
                .query_map(
                    params![organization.map(|id| *id.as_bytes()), at, reference, limit],
                    certificate,
                )?
                .collect()
        })
    }

    /// Certificates about a person who is not erased, in the order of their numbers, after `after`, at most `limit`.
    pub fn certificates_of(
        &self,
        subject: SubjectId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<CertificateRecord>, StoreError> {
        self.file.read("certificates_of", |connection| {
            connection
                .prepare_cached(&format!(
                    "{CERTIFICATE} WHERE subject = ?1 AND reference > ?2 ORDER BY reference LIMIT ?3"
                ))?
                .query_map(params![subject.as_bytes(), after, limit], certificate)?
                .collect()
        })
    }
}

/// Takes a person who is erased out of the certificates that were issued before.
pub(crate) fn forget_subject(tx: &rusqlite::Transaction<'_>, subject: SubjectId) -> rusqlite::Result<()> {
    tx.execute("UPDATE certificates SET subject = NULL WHERE subject = ?1", [subject.as_bytes()]).map(drop)
}

pub(crate) const CERTIFICATE: &str =
    "SELECT reference, organization, subject, event, issued_at, json, note, ledger_index FROM certificates";

pub(crate) fn certificate(row: &rusqlite::Row<'_>) -> rusqlite::Result<CertificateRecord> {
    let subject: Option<[u8; 16]> = row.get(2)?;
    Ok(CertificateRecord {
        reference: row.get(0)?,
        organization: OrganizationId::from_bytes(bytes16(row, 1)?),
        subject: subject.map(SubjectId::from_bytes),
        event: bytes16(row, 3)?,
        issued_at: instant(row, 4)?,
        json: row.get(5)?,
        note: row.get(6)?,
        ledger_index: row.get(7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn store() -> (tempfile::TempDir, ControlStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = ControlStore::open(&folder.path().join("control.db")).unwrap();
        (folder, store)
    }

    fn issue(store: &mut ControlStore, number: u8, mail_at: Option<Timestamp>) -> CertificateRecord {
        let record = CertificateRecord {
            reference: format!("FC-{number}"),
            organization: OrganizationId::from_bytes([number % 2; 16]),
            subject: Some(SubjectId::from_bytes([7; 16])),
            event: [number; 16],
            issued_at: at(i64::from(number) / 2),
            json: "{}".to_owned(),
            note: "note".to_owned(),
            ledger_index: None,
        };
        let announcement =
            Announcement { id: [number; 16], organization: record.organization, event: b"{}".to_vec() };
        store.issue_certificate(&record, mail_at, &announcement).unwrap();
        record
    }

    #[test]
    fn certificates_come_with_their_announcement_and_are_listed_newest_first_in_pages() {
        let (_folder, mut store) = store();
        let all: Vec<_> = (0..7).map(|number| issue(&mut store, number, None)).collect();
        assert_eq!(store.outbox(100).unwrap().len(), 7);
        assert_eq!(store.certificate("FC-3").unwrap().as_ref(), all.get(3));
        let mut found = Vec::new();
        loop {
            let before =
                found.last().map(|last: &CertificateRecord| (last.issued_at, last.reference.clone()));
            let before = before.as_ref().map(|(at, reference)| (*at, reference.as_str()));
            let page = store.certificates(None, before, 3).unwrap();
            if page.is_empty() {
                break;
            }
            found.extend(page);
        }
        assert!(found.iter().eq(all.iter().rev()), "{found:?}");
        let mine = store.certificates(Some(OrganizationId::from_bytes([1; 16])), None, 100).unwrap();
        assert_eq!(mine.len(), 3);
        store.place_certificate("FC-3", 9).unwrap();
        assert_eq!(store.certificate("FC-3").unwrap().unwrap().ledger_index, Some(9));
    }

    #[test]
    fn an_erased_person_is_taken_out_of_certificates_that_were_issued_before() {
        let (_folder, mut store) = store();
        issue(&mut store, 1, None);
        store.erase_subject(SubjectId::from_bytes([7; 16]), at(5), false, None).unwrap();
        assert_eq!(store.certificate("FC-1").unwrap().unwrap().subject, None);
    }
}
