//! Letters to people by mail in `control.db`: a campaign's question, its reminders, and what becomes of requests. A letter is
//! queued in the commit of what it tells of, and only where its person has an address.

use fiducia_policy::{
    CampaignId, LetterId, LetterKind, MailKind, OrganizationId, RightsRequestId, SubjectId, Timestamp,
};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::connection::{bytes16, instant};
use crate::control::named;
use crate::mails::{self, MailKey};
use crate::{ControlStore, StoreError};

/// The table of this module, and an index by which an organisation's people are paged. A later step moves where a letter stands
/// to the outbox of mails.
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
            "INSERT INTO letters (id, organization, subject, kind, campaign, request, number, queued_at)
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
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
    if queued > 0 {
        let to = (letter.organization, Some(*letter.subject.as_bytes()));
        mails::queue(tx, &MailKey::Letter(letter.id), to, letter.queued_at)?;
    }
    Ok(queued > 0)
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

    /// Forgets letters that were queued before `before` and wait no more. Gives how many, at most `limit`.
    pub fn forget_letters(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.file.write("forget_letters", |tx| {
            let forgotten: Vec<[u8; 16]> = tx
                .prepare_cached(
                    "DELETE FROM letters WHERE id IN (SELECT l.id FROM letters l WHERE l.queued_at < ?1 AND NOT EXISTS
                        (SELECT 1 FROM mails m WHERE m.kind = 'letter' AND m.about = l.id AND m.next_attempt_at IS NOT NULL)
                        LIMIT ?2) RETURNING id",
                )?
                .query_map(params![before.as_microsecond(), limit], |row| bytes16(row, 0))?
                .collect::<rusqlite::Result<_>>()?;
            mails::forget(tx, MailKind::Letter, &forgotten)?;
            Ok(u64::try_from(forgotten.len()).unwrap_or(u64::MAX))
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
