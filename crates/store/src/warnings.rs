//! Warnings that conversations will end soon, and the sealed addresses that people are written to at, in `control.db`.

use fiducia_policy::{ConversationId, KeyId, MailKind, OrganizationId, SubjectId, Timestamp, WarningId};
use rusqlite::{OptionalExtension, params};

use crate::connection::{bytes16, instant, optional_instant};
use crate::mails::{self, MailKey};
use crate::outbox::{Announcement, announce};
use crate::{ControlStore, StoreError};

/// The tables of this module, the fourth step of `control.db`. A later one moves where a warning's mail stands to the outbox of
/// mails.
pub(crate) const TABLES: &str = "
    CREATE TABLE subject_contacts (
        subject BLOB PRIMARY KEY, key BLOB, sealed BLOB, stale SMALLINT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX subject_contacts_stale ON subject_contacts (subject) WHERE stale = 1;
    CREATE TABLE warnings (
        id BLOB PRIMARY KEY, organization BLOB NOT NULL, subject BLOB NOT NULL, conversations BIGINT NOT NULL,
        first_ends_at BIGINT NOT NULL, begun_at BIGINT NOT NULL, given_at BIGINT, attempts BIGINT NOT NULL DEFAULT 0,
        next_attempt_at BIGINT, sent_at BIGINT, given_up_at BIGINT, failure TEXT
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX warnings_gathering ON warnings (subject) WHERE given_at IS NULL;
    CREATE INDEX warnings_subject ON warnings (subject);
    CREATE INDEX warnings_due ON warnings (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
    CREATE INDEX warnings_ends ON warnings (first_ends_at);
";

/// Where a subject is written to: sealed, and readable with one key only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedContact {
    /// The key it is sealed under.
    pub key: KeyId,
    /// The sealed address.
    pub sealed: Vec<u8>,
}

/// Conversations of one person that end soon, to be marked and counted into the person's warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndingSoon {
    /// The id of the person's warning, should this begin one.
    pub fresh: WarningId,
    /// Whose organisation.
    pub organization: OrganizationId,
    /// Whose.
    pub subject: SubjectId,
    /// Which, each with its last turn as it was seen: one that went on meanwhile is left alone.
    pub conversations: Vec<(ConversationId, Timestamp)>,
    /// When the first of them ends.
    pub first_ends_at: Timestamp,
}

/// A warning to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarningRecord {
    /// Its id.
    pub id: WarningId,
    /// Whose organisation.
    pub organization: OrganizationId,
    /// Who is warned.
    pub subject: SubjectId,
    /// Of how many conversations.
    pub conversations: u64,
    /// When the first of them ends.
    pub first_ends_at: Timestamp,
    /// When the first of them was marked.
    pub begun_at: Timestamp,
    /// When it was given; `None` while conversations are still counted into it.
    pub given_at: Option<Timestamp>,
}

impl ControlStore {
    /// Sets where a subject is written to, or takes it away, and announces that. Mails that wait for the address that is
    /// taken away are given up. The key of the former address is stale until [`Self::settle_contact`].
    pub fn set_contact(
        &mut self,
        subject: SubjectId,
        contact: Option<&SealedContact>,
        now: Timestamp,
        announcement: &Announcement,
    ) -> Result<(), StoreError> {
        self.file.write("set_contact", |tx| {
            tx.execute(
                "INSERT INTO subject_contacts (subject, key, sealed, stale) VALUES (?1, ?2, ?3, 1)
                 ON CONFLICT (subject) DO UPDATE SET key = ?2, sealed = ?3, stale = 1",
                params![
                    subject.as_bytes(),
                    contact.map(|contact| *contact.key.as_bytes()),
                    contact.map(|contact| contact.sealed.as_slice()),
                ],
            )?;
            if contact.is_none() {
                mails::give_up(tx, *subject.as_bytes(), now)?;
            }
            announce(tx, announcement)
        })
    }

    /// Where a subject is written to.
    pub fn contact(&self, subject: SubjectId) -> Result<Option<SealedContact>, StoreError> {
        self.file.read("contact", |connection| {
            connection
                .prepare_cached(
                    "SELECT key, sealed FROM subject_contacts WHERE subject = ?1 AND key IS NOT NULL",
                )?
                .query_row([subject.as_bytes()], |row| {
                    Ok(SealedContact { key: KeyId::from_bytes(bytes16(row, 0)?), sealed: row.get(1)? })
                })
                .optional()
        })
    }

    /// Subjects whose former address may still have a key, at most `limit`.
    pub fn stale_contacts(&self, limit: u32) -> Result<Vec<SubjectId>, StoreError> {
        self.file.read("stale_contacts", |connection| {
            connection
                .prepare_cached("SELECT subject FROM subject_contacts WHERE stale = 1 LIMIT ?1")?
                .query_map([limit], |row| Ok(SubjectId::from_bytes(bytes16(row, 0)?)))?
                .collect()
        })
    }

    /// Notes that the keys of a subject's former addresses are destroyed. The bytes are gone from the disk after
    /// [`Self::empty_wal`].
    pub fn settle_contact(&mut self, subject: SubjectId) -> Result<(), StoreError> {
        self.file.write("settle_contact", |tx| {
            tx.execute(
                "DELETE FROM subject_contacts WHERE subject = ?1 AND key IS NULL",
                [subject.as_bytes()],
            )?;
            tx.execute("UPDATE subject_contacts SET stale = 0 WHERE subject = ?1", [subject.as_bytes()])
                .map(drop)
        })
    }

    /// Marks conversations as announced and counts them into the warnings of their people, in one commit: what is marked
    /// is in exactly one warning. Gives how many were marked.
    pub fn warn(&mut self, soon: &[EndingSoon], now: Timestamp) -> Result<u64, StoreError> {
        self.file.write("warn", |tx| {
            let mut marked = 0;
            for one in soon {
                let mut mine = 0_u64;
                for (conversation, last_active_at) in &one.conversations {
                    let changed = tx
                        .prepare_cached(
                            "UPDATE conversations SET warned_at = ?2
                             WHERE id = ?1 AND warned_at IS NULL AND deleted_at IS NULL AND last_active_at = ?3",
                        )?
                        .execute(params![
                            conversation.as_bytes(),
                            now.as_microsecond(),
                            last_active_at.as_microsecond()
                        ])?;
                    mine += u64::try_from(changed).unwrap_or(0);
                }
                if mine > 0 {
                    tx.prepare_cached(
                        "INSERT INTO warnings (id, organization, subject, conversations, first_ends_at, begun_at)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                         ON CONFLICT (subject) WHERE given_at IS NULL DO UPDATE SET
                            conversations = conversations + ?4, first_ends_at = min(first_ends_at, ?5)",
                    )?
                    .execute(params![
                        one.fresh.as_bytes(),
                        one.organization.as_bytes(),
                        one.subject.as_bytes(),
                        mine,
                        one.first_ends_at.as_microsecond(),
                        now.as_microsecond(),
                    ])?;
                }
                marked += mine;
            }
            Ok(marked)
        })
    }

    /// Warnings that are not given yet, at most `limit`.
    pub fn gathering_warnings(&self, limit: u32) -> Result<Vec<WarningRecord>, StoreError> {
        self.file.read("gathering_warnings", |connection| {
            connection
                .prepare_cached(&format!("{WARNING} WHERE given_at IS NULL LIMIT ?1"))?
                .query_map([limit], warning)?
                .collect()
        })
    }

    /// Gives a warning, and announces it: by a mail that is due at once, or by the marks in the list alone; then nothing of
    /// it needs to be kept.
    pub fn give_warning(
        &mut self,
        id: WarningId,
        by_mail: bool,
        now: Timestamp,
        announcement: &Announcement,
    ) -> Result<(), StoreError> {
        self.file.write("give_warning", |tx| {
            if by_mail {
                let given = tx
                    .prepare_cached(
                        "UPDATE warnings SET given_at = ?2 WHERE id = ?1 AND given_at IS NULL
                         RETURNING organization, subject",
                    )?
                    .query_row(params![id.as_bytes(), now.as_microsecond()], |row| {
                        Ok((OrganizationId::from_bytes(bytes16(row, 0)?), Some(bytes16(row, 1)?)))
                    })
                    .optional()?;
                if let Some(to) = given {
                    mails::queue(tx, &MailKey::Warning(id), to, now)?;
                }
            } else {
                tx.execute("DELETE FROM warnings WHERE id = ?1 AND given_at IS NULL", [id.as_bytes()])?;
            }
            announce(tx, announcement)
        })
    }

    /// Forgets a warning that there is nobody to give to.
    pub fn forget_warning(&mut self, id: WarningId) -> Result<(), StoreError> {
        self.file.write("forget_warning", |tx| {
            tx.execute("DELETE FROM warnings WHERE id = ?1 AND given_at IS NULL", [id.as_bytes()]).map(drop)
        })
    }

    /// One warning.
    pub fn warning(&self, id: WarningId) -> Result<Option<WarningRecord>, StoreError> {
        self.file.read("warning", |connection| {
            connection
                .prepare_cached(&format!("{WARNING} WHERE id = ?1"))?
                .query_row([id.as_bytes()], warning)
                .optional()
        })
    }

    /// Conversations that a warning was about and that have not gone on, been kept or been deleted since, at most `limit`.
    pub fn warned_conversations(
        &self,
        warning: &WarningRecord,
        limit: u32,
    ) -> Result<Vec<ConversationId>, StoreError> {
        let until = warning.given_at.unwrap_or(Timestamp::MAX);
        self.file.read("warned_conversations", |connection| {
            connection
                .prepare_cached(
                    "SELECT id FROM conversations WHERE subject = ?1 AND warned_at BETWEEN ?2 AND ?3
                     AND deleted_at IS NULL AND destroyed_at IS NULL ORDER BY id LIMIT ?4",
                )?
                .query_map(
                    params![
                        warning.subject.as_bytes(),
                        warning.begun_at.as_microsecond(),
                        until.as_microsecond(),
                        limit
                    ],
                    |row| Ok(ConversationId::from_bytes(bytes16(row, 0)?)),
                )?
                .collect()
        })
    }

    /// Forgets warnings of which the first conversation ended before `before`. Gives how many, at most `limit`.
    pub fn forget_warnings(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.file.write("forget_warnings", |tx| {
            let forgotten: Vec<[u8; 16]> = tx
                .prepare_cached(
                    "DELETE FROM warnings WHERE id IN (SELECT id FROM warnings WHERE first_ends_at < ?1
                        AND given_at IS NOT NULL LIMIT ?2) RETURNING id",
                )?
                .query_map(params![before.as_microsecond(), limit], |row| bytes16(row, 0))?
                .collect::<rusqlite::Result<_>>()?;
            mails::forget(tx, MailKind::Warning, &forgotten)?;
            Ok(u64::try_from(forgotten.len()).unwrap_or(u64::MAX))
        })
    }
}

/// Takes the address of a person who is erased out, the warnings to the person, and every mail.
pub(crate) fn forget_subject(tx: &rusqlite::Transaction<'_>, subject: SubjectId) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM subject_contacts WHERE subject = ?1", [subject.as_bytes()])?;
    mails::forget_recipient(tx, *subject.as_bytes())?;
    tx.execute("DELETE FROM warnings WHERE subject = ?1", [subject.as_bytes()]).map(drop)
}

const WARNING: &str =
    "SELECT id, organization, subject, conversations, first_ends_at, begun_at, given_at FROM warnings";

fn warning(row: &rusqlite::Row<'_>) -> rusqlite::Result<WarningRecord> {
    Ok(WarningRecord {
        id: WarningId::from_bytes(bytes16(row, 0)?),
        organization: OrganizationId::from_bytes(bytes16(row, 1)?),
        subject: SubjectId::from_bytes(bytes16(row, 2)?),
        conversations: row.get(3)?,
        first_ends_at: instant(row, 4)?,
        begun_at: instant(row, 5)?,
        given_at: optional_instant(row, 6)?,
    })
}

#[cfg(test)]
mod tests {
    use fiducia_policy::{PolicyVersion, RecordClass};

    use super::*;
    use crate::{BucketName, CaptureTerms, ConversationMark, IndexEntry};

    const ORGANIZATION: OrganizationId = OrganizationId::from_bytes([1; 16]);
    const ANNA: SubjectId = SubjectId::from_bytes([7; 16]);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn store() -> (tempfile::TempDir, ControlStore) {
        let folder = tempfile::tempdir().unwrap();
        let store = ControlStore::open(&folder.path().join("control.db")).unwrap();
        (folder, store)
    }

    fn converse(store: &mut ControlStore, number: u8, second: i64) -> ConversationId {
        let conversation = ConversationId::from_bytes([number; 16]);
        let entry = IndexEntry {
            conversation,
            organization: ORGANIZATION,
            subject: ANNA,
            at: at(second),
            prefix: None,
            alias: None,
            position: 0,
            terms: CaptureTerms { class: RecordClass::Chat, policy: PolicyVersion(0), covered: false },
        };
        store.index(&BucketName::account(), second, &[entry]).unwrap();
        conversation
    }

    fn soon(number: u8, conversations: &[(ConversationId, i64)], first: i64) -> EndingSoon {
        EndingSoon {
            fresh: WarningId::from_bytes([number; 16]),
            organization: ORGANIZATION,
            subject: ANNA,
            conversations: conversations.iter().map(|(id, second)| (*id, at(*second))).collect(),
            first_ends_at: at(first),
        }
    }

    fn announcement(number: u8) -> Announcement {
        Announcement { id: [number; 16], organization: ORGANIZATION, event: b"{}".to_vec() }
    }

    #[test]
    fn what_is_marked_is_counted_into_one_warning_once_until_it_is_given() {
        let (_folder, mut store) = store();
        let (one, two, three) =
            (converse(&mut store, 1, 10), converse(&mut store, 2, 20), converse(&mut store, 3, 30));
        assert_eq!(store.warn(&[soon(1, &[(one, 10), (two, 20)], 500)], at(100)).unwrap(), 2);
        assert_eq!(store.warn(&[soon(2, &[(one, 10), (two, 20)], 400)], at(101)).unwrap(), 0, "once");
        assert_eq!(store.warn(&[soon(3, &[(three, 29)], 300)], at(102)).unwrap(), 0, "it went on meanwhile");
        assert_eq!(store.warn(&[soon(3, &[(three, 30)], 300)], at(103)).unwrap(), 1);
        let gathered = store.gathering_warnings(10).unwrap();
        assert_eq!(gathered.len(), 1);
        let gathered = gathered[0].clone();
        assert_eq!(
            (gathered.id.as_bytes()[0], gathered.conversations, gathered.first_ends_at),
            (1, 3, at(300))
        );
        store.give_warning(gathered.id, true, at(110), &announcement(1)).unwrap();
        assert!(store.gathering_warnings(10).unwrap().is_empty());
        assert_eq!(store.outbox(10).unwrap().len(), 1);
        assert_eq!(store.due_mails(at(110), 10).unwrap().len(), 1);
        let given = store.warning(gathered.id).unwrap().unwrap();
        assert_eq!(store.warned_conversations(&given, 10).unwrap(), [one, two, three]);

        store.mark_conversation(two, ConversationMark::Starred(Some(at(120))), None).unwrap();
        converse(&mut store, 3, 130);
        assert_eq!(store.warned_conversations(&given, 10).unwrap(), [one], "kept, and gone on");
        assert_eq!(store.warn(&[soon(4, &[(two, 20), (three, 130)], 900)], at(200)).unwrap(), 2, "again");
        let again = store.gathering_warnings(10).unwrap().remove(0);
        store.give_warning(again.id, false, at(210), &announcement(2)).unwrap();
        assert_eq!(store.warning(again.id).unwrap(), None, "the marks are all there is");
        let mails = store.due_mails(at(999), 10).unwrap();
        assert!(mails.iter().map(|mail| &mail.key).eq([&MailKey::Warning(gathered.id)]), "{mails:?}");
    }

    #[test]
    fn an_address_that_is_taken_away_or_erased_ends_its_mails() {
        let (_folder, mut store) = store();
        let contact = SealedContact { key: KeyId::from_bytes([9; 16]), sealed: vec![1, 2, 3] };
        store.set_contact(ANNA, Some(&contact), at(1), &announcement(1)).unwrap();
        assert_eq!(store.contact(ANNA).unwrap(), Some(contact.clone()));
        assert_eq!(store.stale_contacts(10).unwrap(), [ANNA]);
        store.settle_contact(ANNA).unwrap();
        assert!(store.stale_contacts(10).unwrap().is_empty());
        let one = converse(&mut store, 1, 10);
        store.warn(&[soon(1, &[(one, 10)], 500)], at(100)).unwrap();
        let id = WarningId::from_bytes([1; 16]);
        store.give_warning(id, true, at(110), &announcement(2)).unwrap();
        store.set_contact(ANNA, None, at(120), &announcement(3)).unwrap();
        assert_eq!(store.contact(ANNA).unwrap(), None);
        assert!(store.due_mails(at(999), 10).unwrap().is_empty());
        assert_eq!(store.mail(&MailKey::Warning(id)).unwrap().unwrap().given_up_at, Some(at(120)));
        store.settle_contact(ANNA).unwrap();
        assert!(store.stale_contacts(10).unwrap().is_empty());

        assert_eq!(store.forget_warnings(at(500), 10).unwrap(), 0);
        assert_eq!(store.forget_warnings(at(501), 10).unwrap(), 1);
        assert_eq!(store.mail(&MailKey::Warning(id)).unwrap(), None);
        store.set_contact(ANNA, Some(&contact), at(130), &announcement(4)).unwrap();
        store.erase_subject(ANNA, at(140), false, None).unwrap();
        assert_eq!(store.contact(ANNA).unwrap(), None);
    }
}
