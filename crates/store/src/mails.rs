//! The outbox of mails in `control.db`: one row for each mail, with where it stands.
//!
//! What a mail says is made where it is sent, from what it tells of: certificates, warnings, letters and bulletins lie in their own
//! modules. A mail is queued in the commit of what it tells of, and its key is what it tells of, so there is one of each.

use fiducia_policy::{BulletinId, LetterId, MailKind, OrganizationId, Timestamp, WarningId};
use rusqlite::types::Type;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use crate::connection::{bytes16, instant, optional_instant};
use crate::control::named;
use crate::{ControlStore, StoreError};

/// The table of this module, a step of `control.db`. Until then certificates, warnings and letters each had an outbox of their
/// own; what waits or was sent is carried over. `recipient` is the person or account that a mail goes to, and empty where it goes
/// to a contact of the configuration.
pub(crate) const TABLES: &str = "
    CREATE TABLE outgoing (
        kind TEXT NOT NULL, about BLOB NOT NULL, organization BLOB NOT NULL, recipient BLOB, queued_at BIGINT NOT NULL,
        attempts BIGINT NOT NULL DEFAULT 0, next_attempt_at BIGINT, sent_at BIGINT, given_up_at BIGINT, failure TEXT,
        PRIMARY KEY (kind, about)
    ) WITHOUT ROWID;
    INSERT INTO outgoing
        SELECT 'certificate', CAST(reference AS BLOB), organization, NULL, issued_at, attempts, next_attempt_at, sent_at,
            given_up_at, failure FROM mails;
    INSERT INTO outgoing
        SELECT 'warning', id, organization, subject, given_at, attempts, next_attempt_at, sent_at, given_up_at, failure
        FROM warnings WHERE given_at IS NOT NULL;
    INSERT INTO outgoing
        SELECT 'letter', id, organization, subject, queued_at, attempts, next_attempt_at, sent_at, given_up_at, failure
        FROM letters;
    DROP TABLE mails;
    ALTER TABLE outgoing RENAME TO mails;
    CREATE INDEX mails_due ON mails (kind, next_attempt_at) WHERE next_attempt_at IS NOT NULL;
    CREATE INDEX mails_recipient ON mails (recipient) WHERE recipient IS NOT NULL;
    DROP INDEX warnings_due;
    ALTER TABLE warnings DROP COLUMN attempts;
    ALTER TABLE warnings DROP COLUMN next_attempt_at;
    ALTER TABLE warnings DROP COLUMN sent_at;
    ALTER TABLE warnings DROP COLUMN given_up_at;
    ALTER TABLE warnings DROP COLUMN failure;
    DROP INDEX letters_due;
    ALTER TABLE letters DROP COLUMN attempts;
    ALTER TABLE letters DROP COLUMN next_attempt_at;
    ALTER TABLE letters DROP COLUMN sent_at;
    ALTER TABLE letters DROP COLUMN given_up_at;
    ALTER TABLE letters DROP COLUMN failure;
";

/// What a mail tells of, and by which it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailKey {
    /// The certificate with this reference number.
    Certificate(String),
    /// A warning.
    Warning(WarningId),
    /// A letter.
    Letter(LetterId),
    /// A bulletin.
    Bulletin(BulletinId),
}

impl MailKey {
    /// What it carries.
    pub const fn kind(&self) -> MailKind {
        match self {
            Self::Certificate(_) => MailKind::Certificate,
            Self::Warning(_) => MailKind::Warning,
            Self::Letter(_) => MailKind::Letter,
            Self::Bulletin(_) => MailKind::Bulletin,
        }
    }

    fn about(&self) -> &[u8] {
        match self {
            Self::Certificate(reference) => reference.as_bytes(),
            Self::Warning(id) => id.as_bytes(),
            Self::Letter(id) => id.as_bytes(),
            Self::Bulletin(id) => id.as_bytes(),
        }
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(match named(row, 0)? {
            MailKind::Certificate => {
                let reference = String::from_utf8(row.get(1)?).map_err(|error| {
                    rusqlite::Error::FromSqlConversionFailure(1, Type::Blob, Box::new(error))
                })?;
                Self::Certificate(reference)
            }
            MailKind::Warning => Self::Warning(WarningId::from_bytes(bytes16(row, 1)?)),
            MailKind::Letter => Self::Letter(LetterId::from_bytes(bytes16(row, 1)?)),
            MailKind::Bulletin => Self::Bulletin(BulletinId::from_bytes(bytes16(row, 1)?)),
        })
    }
}

/// A mail, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRecord {
    /// What it tells of.
    pub key: MailKey,
    /// Whose.
    pub organization: OrganizationId,
    /// When there was something to tell.
    pub queued_at: Timestamp,
    /// How often sending it was begun.
    pub attempts: u32,
    /// When it is tried next; `None` when it was sent or given up.
    pub next_attempt_at: Option<Timestamp>,
    /// When the mail server took it.
    pub sent_at: Option<Timestamp>,
    /// When it was given up.
    pub given_up_at: Option<Timestamp>,
    /// Why the last attempt failed, or why it was given up.
    pub failure: Option<String>,
}

/// How many mails are in which state, as far as they are remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MailCounts {
    /// Not sent yet.
    pub waiting: u64,
    /// Taken by the mail server.
    pub sent: u64,
    /// Given up.
    pub given_up: u64,
}

/// Queues a mail that is due at once, unless it was queued before.
pub(crate) fn queue(
    tx: &Transaction<'_>,
    key: &MailKey,
    (organization, recipient): (OrganizationId, Option<[u8; 16]>),
    at: Timestamp,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO mails (kind, about, organization, recipient, queued_at, next_attempt_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5) ON CONFLICT DO NOTHING",
    )?
    .execute(params![key.kind().name(), key.about(), organization.as_bytes(), recipient, at.as_microsecond()])
    .map(drop)
}

/// Gives up what waits for a person whose address was taken away.
pub(crate) fn give_up(tx: &Transaction<'_>, recipient: [u8; 16], now: Timestamp) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE mails SET next_attempt_at = NULL, given_up_at = ?2, failure = 'the address was taken away'
         WHERE recipient = ?1 AND next_attempt_at IS NOT NULL",
        params![recipient, now.as_microsecond()],
    )
    .map(drop)
}

/// Forgets the mails to a person who is erased.
pub(crate) fn forget_recipient(tx: &Transaction<'_>, recipient: [u8; 16]) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM mails WHERE recipient = ?1", [recipient]).map(drop)
}

/// Forgets the mails of a kind about what is forgotten itself.
pub(crate) fn forget(tx: &Transaction<'_>, kind: MailKind, about: &[[u8; 16]]) -> rusqlite::Result<()> {
    let mut forget = tx.prepare_cached("DELETE FROM mails WHERE kind = ?1 AND about = ?2")?;
    about.iter().try_for_each(|about| forget.execute(params![kind.name(), about]).map(drop))
}

impl ControlStore {
    /// Mails that are due: at most `limit` of each kind, so that many of one do not hold up another; the longest due first among
    /// each.
    pub fn due_mails(&self, now: Timestamp, limit: u32) -> Result<Vec<MailRecord>, StoreError> {
        self.file.read("due_mails", |connection| {
            let mut due = Vec::new();
            for kind in MailKind::ALL {
                let mut find = connection.prepare_cached(&format!(
                    "{MAIL} WHERE kind = ?1 AND next_attempt_at <= ?2 ORDER BY next_attempt_at, about LIMIT ?3"
                ))?;
                let found = find.query_map(params![kind.name(), now.as_microsecond(), limit], mail)?;
                for mail in found {
                    due.push(mail?);
                }
            }
            Ok(due)
        })
    }

    /// One mail, where there is one.
    pub fn mail(&self, key: &MailKey) -> Result<Option<MailRecord>, StoreError> {
        self.file.read("mail", |connection| {
            connection
                .prepare_cached(&format!("{MAIL} WHERE kind = ?1 AND about = ?2"))?
                .query_row(params![key.kind().name(), key.about()], mail)
                .optional()
        })
    }

    /// Notes what became of a mail. What was sent or given up stays so.
    pub fn note_mail(&mut self, mail: &MailRecord) -> Result<(), StoreError> {
        let micros = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond);
        self.file.write("note_mail", |tx| {
            tx.execute(
                "UPDATE mails SET attempts = ?3, next_attempt_at = ?4, sent_at = ?5, given_up_at = ?6, failure = ?7
                 WHERE kind = ?1 AND about = ?2 AND sent_at IS NULL AND given_up_at IS NULL",
                params![
                    mail.key.kind().name(),
                    mail.key.about(),
                    mail.attempts,
                    micros(mail.next_attempt_at),
                    micros(mail.sent_at),
                    micros(mail.given_up_at),
                    mail.failure,
                ],
            )
            .map(drop)
        })
    }

    /// How many mails of each kind wait, were sent and were given up.
    pub fn mail_counts(&self) -> Result<Vec<(MailKind, MailCounts)>, StoreError> {
        self.file.read("mail_counts", |connection| {
            let mut count = connection.prepare_cached(
                "SELECT count(next_attempt_at), count(sent_at), count(given_up_at) FROM mails WHERE kind = ?1",
            )?;
            MailKind::ALL
                .into_iter()
                .map(|kind| {
                    count.query_row([kind.name()], |row| {
                        let counts =
                            MailCounts { waiting: row.get(0)?, sent: row.get(1)?, given_up: row.get(2)? };
                        Ok((kind, counts))
                    })
                })
                .collect()
        })
    }
}

const MAIL: &str = "SELECT kind, about, organization, queued_at, attempts, next_attempt_at, sent_at, given_up_at, failure FROM mails";

fn mail(row: &Row<'_>) -> rusqlite::Result<MailRecord> {
    Ok(MailRecord {
        key: MailKey::read(row)?,
        organization: OrganizationId::from_bytes(bytes16(row, 2)?),
        queued_at: instant(row, 3)?,
        attempts: row.get(4)?,
        next_attempt_at: optional_instant(row, 5)?,
        sent_at: optional_instant(row, 6)?,
        given_up_at: optional_instant(row, 7)?,
        failure: row.get(8)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{File, Recovery};
    use crate::control::MIGRATIONS;

    const ORGANIZATION: OrganizationId = OrganizationId::from_bytes([1; 16]);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn store() -> (tempfile::TempDir, ControlStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = ControlStore::open(&folder.path().join("control.db")).unwrap();
        (folder, store)
    }

    fn queued(store: &mut ControlStore, key: &MailKey, recipient: Option<u8>, second: i64) {
        let to = (ORGANIZATION, recipient.map(|number| [number; 16]));
        store.file.write("test", |tx| queue(tx, key, to, at(second))).unwrap();
    }

    fn letter(number: u8) -> MailKey {
        MailKey::Letter(LetterId::from_bytes([number; 16]))
    }

    #[test]
    fn what_waited_or_was_sent_before_there_was_one_outbox_is_carried_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control.db");
        let before = MIGRATIONS.iter().position(|step| *step == TABLES).unwrap();
        let mut old = File::open(&path, 4_096, Recovery::WriteAhead, &MIGRATIONS[..before]).unwrap();
        old.write("test", |tx| {
            tx.execute_batch(
                "INSERT INTO certificates VALUES ('FC-1', x'01010101010101010101010101010101', NULL, x'00', 5, '{}', '', NULL);
                 INSERT INTO mails VALUES ('FC-1', x'01010101010101010101010101010101', 5, 2, 90, NULL, NULL, 'no answer');
                 INSERT INTO warnings VALUES
                    (x'02020202020202020202020202020202', x'01010101010101010101010101010101',
                     x'07070707070707070707070707070707', 3, 900, 10, 20, 1, NULL, 30, NULL, NULL),
                    (x'03030303030303030303030303030303', x'01010101010101010101010101010101',
                     x'08080808080808080808080808080808', 1, 900, 10, NULL, 0, NULL, NULL, NULL, NULL);
                 INSERT INTO letters VALUES
                    (x'04040404040404040404040404040404', x'01010101010101010101010101010101',
                     x'07070707070707070707070707070707', 'request-received', NULL, x'09090909090909090909090909090909', 1, 40, 7,
                     NULL, NULL, 50, 'gone');",
            )
        })
        .unwrap();
        drop(old);
        let store = ControlStore::open(&path).unwrap();
        let certificate = store.mail(&MailKey::Certificate("FC-1".to_owned())).unwrap().unwrap();
        let micros = |at: Timestamp| at.as_microsecond();
        assert_eq!((micros(certificate.queued_at), certificate.attempts), (5, 2));
        assert_eq!((certificate.next_attempt_at.map(micros), certificate.sent_at), (Some(90), None));
        assert_eq!(certificate.failure.as_deref(), Some("no answer"));
        let given = MailKey::Warning(WarningId::from_bytes([2; 16]));
        let warning = store.mail(&given).unwrap().unwrap();
        assert_eq!((micros(warning.queued_at), warning.sent_at.map(micros)), (20, Some(30)));
        let gathering = WarningId::from_bytes([3; 16]);
        assert_eq!(store.mail(&MailKey::Warning(gathering)).unwrap(), None, "nothing is told of it yet");
        assert_eq!(store.gathering_warnings(10).unwrap()[0].id, gathering);
        let told = store.mail(&letter(4)).unwrap().unwrap();
        assert_eq!((told.attempts, told.given_up_at.map(micros)), (7, Some(50)));
        assert_eq!(
            store.letter(LetterId::from_bytes([4; 16])).unwrap().unwrap().queued_at.as_microsecond(),
            40
        );
        assert_eq!(
            store.due_mails(at(1), 10).unwrap(),
            [certificate],
            "what was sent or given up is not due"
        );
    }

    #[test]
    fn a_mail_is_due_until_it_is_sent_and_never_again() {
        let (_folder, mut store) = store();
        let key = MailKey::Certificate("FC-1".to_owned());
        queued(&mut store, &key, None, 10);
        assert!(store.due_mails(at(9), 10).unwrap().is_empty());
        let mut mail = store.due_mails(at(10), 10).unwrap().pop().unwrap();
        mail.attempts = 1;
        mail.next_attempt_at = Some(at(70));
        mail.failure = Some("no answer".to_owned());
        store.note_mail(&mail).unwrap();
        queued(&mut store, &key, None, 20);
        assert!(store.due_mails(at(69), 10).unwrap().is_empty(), "queued again it is the same mail");
        assert_eq!(store.due_mails(at(70), 10).unwrap(), [mail.clone()]);
        (mail.next_attempt_at, mail.sent_at) = (None, Some(at(71)));
        store.note_mail(&mail).unwrap();
        let counts = store.mail_counts().unwrap();
        let sent = MailCounts { waiting: 0, sent: 1, given_up: 0 };
        for (kind, counts) in counts {
            let expect = if kind == MailKind::Certificate { sent } else { MailCounts::default() };
            assert_eq!(counts, expect, "{kind}");
        }
        let again = MailRecord { next_attempt_at: Some(at(80)), sent_at: None, ..mail.clone() };
        store.note_mail(&again).unwrap();
        assert_eq!(store.mail(&key).unwrap(), Some(mail), "what was sent stays sent");
    }

    #[test]
    fn many_letters_do_not_hold_up_a_bulletin_and_an_address_taken_away_ends_its_mails_alone() {
        let (_folder, mut store) = store();
        for number in 0..9 {
            queued(&mut store, &letter(number), Some(number % 2), 10);
        }
        let bulletin = MailKey::Bulletin(BulletinId::from_bytes([5; 16]));
        queued(&mut store, &bulletin, Some(7), 20);
        let due = store.due_mails(at(30), 3).unwrap();
        let kinds: Vec<_> = due.iter().map(|mail| mail.key.kind()).collect();
        assert_eq!(kinds, [MailKind::Bulletin, MailKind::Letter, MailKind::Letter, MailKind::Letter]);
        store.file.write("test", |tx| give_up(tx, [1; 16], at(40))).unwrap();
        assert_eq!(store.due_mails(at(50), 99).unwrap().len(), 1 + 5);
        assert_eq!(store.mail(&letter(1)).unwrap().unwrap().given_up_at, Some(at(40)));
        store.file.write("test", |tx| forget_recipient(tx, [0; 16])).unwrap();
        assert_eq!(store.mail(&letter(0)).unwrap(), None);
        assert!(store.mail(&letter(1)).unwrap().is_some() && store.mail(&bulletin).unwrap().is_some());
    }
}
