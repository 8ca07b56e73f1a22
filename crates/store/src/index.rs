//! The index over the records in `control.db`. All of it can be rebuilt from the records.

use fiducia_policy::{ConversationId, OrganizationId, SubjectId, Timestamp};
use rusqlite::{OptionalExtension, params};

use crate::connection::{bytes16, instant, optional_instant};
use crate::outbox::{Announcement, announce};
use crate::records::BucketName;
use crate::{ControlStore, StoreError};

/// A conversation in the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationRecord {
    /// Its id.
    pub id: ConversationId,
    /// Whose organisation.
    pub organization: OrganizationId,
    /// Whose.
    pub subject: SubjectId,
    /// First record when.
    pub created_at: Timestamp,
    /// Last record when.
    pub last_active_at: Timestamp,
    /// Records in it.
    pub records: u64,
    /// Buckets its records lie in.
    pub buckets: Vec<BucketName>,
    /// Destroyed when.
    pub destroyed_at: Option<Timestamp>,
}

/// What one committed record adds to the index.
#[derive(Debug, Clone)]
pub struct IndexEntry {
    /// Its conversation.
    pub conversation: ConversationId,
    /// Whose organisation.
    pub organization: OrganizationId,
    /// Whose.
    pub subject: SubjectId,
    /// Captured when.
    pub at: Timestamp,
    /// Keyed digest of the conversation up to here.
    pub prefix: Option<[u8; 32]>,
    /// Keyed digest by which a later request may refer to this record.
    pub alias: Option<[u8; 32]>,
    /// Messages up to here.
    pub position: u64,
}

/// A known prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrefixHit {
    /// Its conversation.
    pub conversation: ConversationId,
    /// Messages it covers.
    pub position: u64,
}

impl ControlStore {
    /// Adds committed records of one bucket to the index and moves the bucket's mark to `sequence`.
    ///
    /// Not synced: after a crash the records beyond the mark are indexed again.
    pub fn index(
        &mut self,
        bucket: &BucketName,
        sequence: i64,
        entries: &[IndexEntry],
    ) -> Result<(), StoreError> {
        self.file.write("index", |tx| {
            let mut conversation = tx.prepare_cached(
                "INSERT INTO conversations (id, organization, subject, created_at, last_active_at, records, buckets)
                 VALUES (?1, ?2, ?3, ?4, ?4, 1, ?5)
                 ON CONFLICT (id) DO UPDATE SET last_active_at = max(last_active_at, ?4), records = records + 1,
                    buckets = CASE WHEN instr(buckets, ?5) > 0 THEN buckets ELSE buckets || ' ' || ?5 END",
            )?;
            let mut prefix = tx.prepare_cached(
                "INSERT INTO prefixes (digest, conversation, position) VALUES (?1, ?2, ?3)
                 ON CONFLICT (digest) DO UPDATE SET conversation = ?2, position = ?3",
            )?;
            for entry in entries {
                conversation.execute(params![
                    entry.conversation.as_bytes(),
                    entry.organization.as_bytes(),
                    entry.subject.as_bytes(),
                    entry.at.as_microsecond(),
                    bucket.as_str(),
                ])?;
                for digest in entry.prefix.into_iter().chain(entry.alias) {
                    prefix.execute(params![digest, entry.conversation.as_bytes(), entry.position])?;
                }
            }
            tx.prepare_cached(
                "INSERT INTO indexed (bucket, sequence) VALUES (?1, ?2)
                 ON CONFLICT (bucket) DO UPDATE SET sequence = max(sequence, ?2)",
            )?
            .execute(params![bucket.as_str(), sequence])
            .map(drop)
        })
    }

    /// Up to which sequence number a bucket is indexed.
    pub fn indexed_up_to(&self, bucket: &BucketName) -> Result<i64, StoreError> {
        self.file.read("indexed_up_to", |connection| {
            Ok(connection
                .prepare_cached("SELECT sequence FROM indexed WHERE bucket = ?1")?
                .query_row([bucket.as_str()], |row| row.get(0))
                .optional()?
                .unwrap_or(0))
        })
    }

    /// The conversation that begins with the prefix of this keyed digest.
    pub fn prefix(&self, digest: &[u8; 32]) -> Result<Option<PrefixHit>, StoreError> {
        self.file.read("prefix", |connection| {
            connection
                .prepare_cached("SELECT conversation, position FROM prefixes WHERE digest = ?1")?
                .query_row([digest], |row| {
                    Ok(PrefixHit {
                        conversation: ConversationId::from_bytes(bytes16(row, 0)?),
                        position: row.get(1)?,
                    })
                })
                .optional()
        })
    }

    /// One conversation.
    pub fn conversation(&self, id: ConversationId) -> Result<Option<ConversationRecord>, StoreError> {
        self.file.read("conversation", |connection| {
            connection
                .prepare_cached(&format!("{CONVERSATION} WHERE id = ?1"))?
                .query_row([id.as_bytes()], conversation)
                .optional()
        })
    }

    /// Conversations, newest first.
    pub fn conversations(
        &self,
        organization: Option<OrganizationId>,
        subject: Option<SubjectId>,
        after: Option<ConversationId>,
        limit: u32,
    ) -> Result<Vec<ConversationRecord>, StoreError> {
        self.file.read("conversations", |connection| {
            connection
                .prepare_cached(&format!(
                    "{CONVERSATION} WHERE (?1 IS NULL OR organization = ?1) AND (?2 IS NULL OR subject = ?2)
                        AND (?3 IS NULL OR id < ?3) ORDER BY id DESC LIMIT ?4"
                ))?
                .query_map(
                    params![
                        organization.as_ref().map(OrganizationId::as_bytes),
                        subject.as_ref().map(SubjectId::as_bytes),
                        after.as_ref().map(ConversationId::as_bytes),
                        limit
                    ],
                    conversation,
                )?
                .collect()
        })
    }

    /// The conversations of a subject that are not marked destroyed.
    pub fn living_conversations_of(&self, subject: SubjectId) -> Result<Vec<ConversationId>, StoreError> {
        self.file.read("living_conversations_of", |connection| {
            connection
                .prepare_cached("SELECT id FROM conversations WHERE subject = ?1 AND destroyed_at IS NULL")?
                .query_map([subject.as_bytes()], |row| Ok(ConversationId::from_bytes(bytes16(row, 0)?)))?
                .collect()
        })
    }

    /// Forgets by which beginnings a conversation is recognised: what they stand for is not all there any more.
    pub fn forget_prefixes(&mut self, conversation: ConversationId) -> Result<(), StoreError> {
        self.file.write("forget_prefixes", |tx| {
            tx.execute("DELETE FROM prefixes WHERE conversation = ?1", [conversation.as_bytes()]).map(drop)
        })
    }

    /// Marks conversations destroyed, forgets their prefixes, and announces it. The bytes are gone from the disk after
    /// [`ControlStore::empty_wal`].
    pub fn destroy_conversations(
        &mut self,
        conversations: &[ConversationId],
        now: Timestamp,
        announcement: Option<&Announcement>,
    ) -> Result<(), StoreError> {
        self.file.write("destroy_conversations", |tx| {
            for id in conversations {
                tx.prepare_cached(
                    "UPDATE conversations SET destroyed_at = ?2 WHERE id = ?1 AND destroyed_at IS NULL",
                )?
                .execute(params![id.as_bytes(), now.as_microsecond()])?;
                tx.prepare_cached("DELETE FROM prefixes WHERE conversation = ?1")?
                    .execute([id.as_bytes()])?;
            }
            announcement.map_or(Ok(()), |announcement| announce(tx, announcement))
        })
    }

    /// Takes one record off a conversation's count, forgets its prefixes, and announces it. The bytes are gone from the
    /// disk after [`ControlStore::empty_wal`].
    pub fn remove_record(
        &mut self,
        conversation: ConversationId,
        announcement: &Announcement,
    ) -> Result<(), StoreError> {
        self.file.write("remove_record", |tx| {
            tx.execute(
                "UPDATE conversations SET records = max(records - 1, 0) WHERE id = ?1",
                [conversation.as_bytes()],
            )?;
            tx.execute("DELETE FROM prefixes WHERE conversation = ?1", [conversation.as_bytes()])?;
            announce(tx, announcement)
        })
    }

    /// Forgets a bucket that was unlinked.
    pub fn forget_bucket(&mut self, bucket: &BucketName) -> Result<(), StoreError> {
        self.file.write("forget_bucket", |tx| {
            tx.execute("DELETE FROM indexed WHERE bucket = ?1", [bucket.as_str()]).map(drop)
        })
    }
}

const CONVERSATION: &str =
    "SELECT id, organization, subject, created_at, last_active_at, records, buckets, destroyed_at
     FROM conversations";

fn conversation(row: &rusqlite::Row<'_>) -> rusqlite::Result<ConversationRecord> {
    let buckets: String = row.get(6)?;
    Ok(ConversationRecord {
        id: ConversationId::from_bytes(bytes16(row, 0)?),
        organization: OrganizationId::from_bytes(bytes16(row, 1)?),
        subject: SubjectId::from_bytes(bytes16(row, 2)?),
        created_at: instant(row, 3)?,
        last_active_at: instant(row, 4)?,
        records: row.get(5)?,
        buckets: buckets.split(' ').filter_map(BucketName::parse).collect(),
        destroyed_at: optional_instant(row, 7)?,
    })
}
