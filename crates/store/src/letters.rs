//! Letters to people by mail in `control.db`: a campaign's question, its reminders, and what becomes of requests. A letter is
//! queued in the commit of what it tells of, and only where its person has an address.

use fiducia_policy::{
    CampaignId, LetterId, LetterKind, OrganizationId, RightsRequestId, SubjectId, Timestamp,
};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::certificates::{MailCounts, MailRecord};
use crate::connection::{bytes16, instant, optional_instant};
use crate::control::named;
use crate::{ControlStore, StoreError};

/// The table of this module, and an index by which an organisation's people are paged.
pub(crate) const TABLES: &str = "
    CREATE TABLE letters (
        id BLOB PRIMARY KEY, organization BLOB NOT NULL, subject BLOB NOT NULL, kind TEXT NOT NULL, campaign BLOB, request BLOB,
        number BIGINT NOT NULL, queued_at BIGINT NOT NULL, attempts BIGINT NOT NULL DEFAULT 0, next_attempt_at BIGINT,
        sent_at BIGINT, given_up_at BIGINT, failure TEXT
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX letters_campaign ON letters (campaign, subject, number) WHERE campaign IS NOT NULL;
    CREATE UNIQUE INDEX letters_request ON letters (request, number) WHERE request IS NOT NULL;
    CREATE INDEX letters_subject ON letters (subject);
    CREATE INDEX letters_due ON letters (next_attempt_at) WHERE next_attempt_at IS NOT NULL;
    CREATE INDEX letters_queued ON letters (queued_at);
    CREATE INDEX subjects_organization ON subjects (organization, id);
";

/// What a letter tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterSource {
    /// A campaign's question (0), or which of its reminders (from 1).
    Campaign(CampaignId, u32),
    /// A step of a request, by its number.
    Request(RightsRequestId, u32),
}

/// A letter to a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LetterRecord {
    /// Which.
    pub id: LetterId,
    /// Whose organisation.
    pub organization: OrganizationId,
    /// To whom.
    pub subject: SubjectId,
    /// What about.
    pub kind: LetterKind,
    /// What it tells of.
    pub source: LetterSource,
    /// Queued when.
    pub queued_at: Timestamp,
}

/// Queues a letter unless its person has no address, or it was queued before. Gives whether it was queued now.
pub(crate) fn queue(tx: &Transaction<'_>, letter: &LetterRecord) -> rusqlite::Result<bool> {
    let (campaign, request, number) = match letter.source {
        LetterSource::Campaign(campaign, number) => (Some(*campaign.as_bytes()), None, number),
        LetterSource::Request(request, number) => (None, Some(*request.as_bytes()), number),
    };
    let queued = tx
        .prepare_cached(
            "INSERT INTO letters (id, organization, subject, kind, campaign, request, number, queued_at, next_attempt_at)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8
             WHERE EXISTS (SELECT 1 FROM subject_contacts t WHERE t.subject = ?3 AND t.key IS NOT NULL)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            letter.id.as_bytes(),
            letter.organization.as_bytes(),
            letter.subject.as_bytes(),
            letter.kind.name(),
            campaign,
            request,
            number,
            letter.queued_at.as_microsecond(),
        ])?;
    Ok(queued > 0)
}

/// Gives up what waits for an address that was taken away.
pub(crate) fn give_up(tx: &Transaction<'_>, subject: SubjectId, now: Timestamp) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE letters SET next_attempt_at = NULL, given_up_at = ?2, failure = 'the address was taken away'
         WHERE subject = ?1 AND next_attempt_at IS NOT NULL",
        params![subject.as_bytes(), now.as_microsecond()],
    )
    .map(drop)
}

/// Forgets the letters to a person who is erased.
pub(crate) fn forget_subject(tx: &Transaction<'_>, subject: SubjectId) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM letters WHERE subject = ?1", [subject.as_bytes()]).map(drop)
}

impl ControlStore {
    /// One letter.
    pub fn letter(&self, id: LetterId) -> Result<Option<LetterRecord>, StoreError> {
        self.file.read("letter", |connection| {
            connection
                .prepare_cached(
                    "SELECT id, organization, subject, kind, campaign, request, number, queued_at FROM letters WHERE id = ?1",
                )?
                .query_row([id.as_bytes()], letter)
                .optional()
        })
    }

    /// Mails with letters that are due, the longest due first.
    pub fn due_letters(&self, now: Timestamp, limit: u32) -> Result<Vec<MailRecord>, StoreError> {
        self.file.read("due_letters", |connection| {
            connection
                .prepare_cached(&format!(
                    "{MAIL} WHERE next_attempt_at <= ?1 ORDER BY next_attempt_at, id LIMIT ?2"
                ))?
                .query_map(params![now.as_microsecond(), limit], mail)?
                .collect()
        })
    }

    /// The mail with a letter.
    pub fn letter_mail(&self, id: LetterId) -> Result<Option<MailRecord>, StoreError> {
        self.file.read("letter_mail", |connection| {
            connection
                .prepare_cached(&format!("{MAIL} WHERE id = ?1"))?
                .query_row([id.as_bytes()], mail)
                .optional()
        })
    }

    /// Notes what became of a mail with a letter. What was sent or given up stays so.
    pub fn note_letter_mail(&mut self, id: LetterId, mail: &MailRecord) -> Result<(), StoreError> {
        let micros = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond);
        self.file.write("note_letter_mail", |tx| {
            tx.execute(
                "UPDATE letters SET attempts = ?2, next_attempt_at = ?3, sent_at = ?4, given_up_at = ?5, failure = ?6
                 WHERE id = ?1 AND sent_at IS NULL AND given_up_at IS NULL",
                params![
                    id.as_bytes(),
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

    /// How many mails with letters wait, were sent and were given up, as far as they are remembered.
    pub fn letter_mail_counts(&self) -> Result<MailCounts, StoreError> {
        self.file.read("letter_mail_counts", |connection| {
            connection.query_row(
                "SELECT count(next_attempt_at), count(sent_at), count(given_up_at) FROM letters",
                [],
                |row| Ok(MailCounts { waiting: row.get(0)?, sent: row.get(1)?, given_up: row.get(2)? }),
            )
        })
    }

    /// Forgets letters that were queued before `before` and wait no more. Gives how many, at most `limit`.
    pub fn forget_letters(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.file.write("forget_letters", |tx| {
            let forgotten = tx
                .prepare_cached(
                    "DELETE FROM letters WHERE id IN (SELECT id FROM letters WHERE queued_at < ?1
                        AND next_attempt_at IS NULL LIMIT ?2)",
                )?
                .execute(params![before.as_microsecond(), limit])?;
            Ok(u64::try_from(forgotten).unwrap_or(0))
        })
    }
}

fn letter(row: &rusqlite::Row<'_>) -> rusqlite::Result<LetterRecord> {
    let campaign: Option<[u8; 16]> = row.get(4)?;
    let number = row.get(6)?;
    Ok(LetterRecord {
        id: LetterId::from_bytes(bytes16(row, 0)?),
        organization: OrganizationId::from_bytes(bytes16(row, 1)?),
        subject: SubjectId::from_bytes(bytes16(row, 2)?),
        kind: named(row, 3)?,
        source: match campaign {
            Some(campaign) => LetterSource::Campaign(CampaignId::from_bytes(campaign), number),
            None => LetterSource::Request(RightsRequestId::from_bytes(bytes16(row, 5)?), number),
        },
        queued_at: instant(row, 7)?,
    })
}

const MAIL: &str = "SELECT id, organization, queued_at, attempts, next_attempt_at, sent_at, given_up_at, failure FROM letters";

fn mail(row: &rusqlite::Row<'_>) -> rusqlite::Result<MailRecord> {
    Ok(MailRecord {
        reference: LetterId::from_bytes(bytes16(row, 0)?).to_string(),
        organization: OrganizationId::from_bytes(bytes16(row, 1)?),
        issued_at: instant(row, 2)?,
        attempts: row.get(3)?,
        next_attempt_at: optional_instant(row, 4)?,
        sent_at: optional_instant(row, 5)?,
        given_up_at: optional_instant(row, 6)?,
        failure: row.get(7)?,
    })
}
