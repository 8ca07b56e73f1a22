//! The index over the records in `control.db`. All of it can be rebuilt from the records.

use std::collections::BTreeMap;

use fiducia_policy::{ConversationId, OrganizationId, PolicyVersion, SubjectId, Timestamp};
use rusqlite::{OptionalExtension, params};

use crate::connection::{bytes16, instant, optional_instant};
use crate::control::named;
use crate::outbox::{Announcement, announce};
use crate::record::{BucketName, CaptureTerms};
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
    /// The terms under which it began; covered when any record of it is.
    pub terms: CaptureTerms,
    /// Deleted by the person when. It is hidden from then on, and destroyed when the policy says.
    pub deleted_at: Option<Timestamp>,
    /// Marked to be kept by the person when, where the plan allows that.
    pub starred_at: Option<Timestamp>,
    /// Announced to end when.
    pub warned_at: Option<Timestamp>,
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
    /// Captured under which terms.
    pub terms: CaptureTerms,
}

/// A known prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrefixHit {
    /// Its conversation.
    pub conversation: ConversationId,
    /// Messages it covers.
    pub position: u64,
}

/// Where a keyed digest stands in the index: its first half orders, its second half confirms. The other 16 bytes are not
/// needed to tell it from any other.
struct PrefixKey {
    place: i64,
    rest: [u8; 8],
}

impl PrefixKey {
    fn of(digest: &[u8; 32]) -> Self {
        let half = |from: usize| {
            let mut half = [0; 8];
            half.copy_from_slice(digest.get(from..from + 8).unwrap_or(&[0; 8]));
            half
        };
        Self { place: i64::from_be_bytes(half(0)), rest: half(8) }
    }
}

/// What several records add to one conversation.
struct Joined {
    organization: OrganizationId,
    subject: SubjectId,
    first: Timestamp,
    last: Timestamp,
    records: u64,
    terms: CaptureTerms,
}

fn joined_by_conversation(entries: &[IndexEntry]) -> BTreeMap<ConversationId, Joined> {
    let mut joined = BTreeMap::new();
    for entry in entries {
        let into = joined.entry(entry.conversation).or_insert(Joined {
            organization: entry.organization,
            subject: entry.subject,
            first: entry.at,
            last: entry.at,
            records: 0,
            terms: entry.terms,
        });
        into.terms.covered |= entry.terms.covered;
        into.last = into.last.max(entry.at);
        into.records += 1;
    }
    joined
}

impl ControlStore {
    /// Adds filed records of one bucket to the index and moves the bucket's mark to `sequence`.
    ///
    /// On a connection of [`ControlStore::open_for_indexing`] this is not synced: after a crash the records beyond the
    /// mark are indexed again.
    pub fn index(
        &mut self,
        bucket: &BucketName,
        sequence: i64,
        entries: &[IndexEntry],
    ) -> Result<(), StoreError> {
        // In order of their keys, so that neighbours share the work of finding their page.
        let conversations = joined_by_conversation(entries);
        let mut prefixes: Vec<_> = entries
            .iter()
            .flat_map(|entry| entry.prefix.into_iter().chain(entry.alias).map(move |digest| (digest, entry)))
            .map(|(digest, entry)| (PrefixKey::of(&digest), entry))
            .collect();
        // Stable: of two records with the same beginning the later one counts.
        prefixes.sort_by_key(|(key, _)| key.place);
        self.file.write("index", |tx| {
            let mut conversation = tx.prepare_cached(
                "INSERT INTO conversations (id, organization, subject, created_at, last_active_at, records, buckets,
                    class, policy, covered)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT (id) DO UPDATE SET last_active_at = max(last_active_at, ?5), records = records + ?6,
                    covered = max(covered, ?10), warned_at = NULL,
                    buckets = CASE WHEN instr(buckets, ?7) > 0 THEN buckets ELSE buckets || ' ' || ?7 END",
            )?;
            for (id, joined) in &conversations {
                conversation.execute(params![
                    id.as_bytes(),
                    joined.organization.as_bytes(),
                    joined.subject.as_bytes(),
                    joined.first.as_microsecond(),
                    joined.last.as_microsecond(),
                    joined.records,
                    bucket.as_str(),
                    joined.terms.class.name(),
                    joined.terms.policy.0,
                    joined.terms.covered,
                ])?;
            }
            let mut prefix = tx.prepare_cached(
                "INSERT INTO prefixes (place, rest, conversation, position) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (place) DO UPDATE SET rest = ?2, conversation = ?3, position = ?4",
            )?;
            for (key, entry) in &prefixes {
                prefix.execute(params![key.place, key.rest, entry.conversation.as_bytes(), entry.position])?;
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
        let key = PrefixKey::of(digest);
        self.file.read("prefix", |connection| {
            connection
                .prepare_cached("SELECT conversation, position FROM prefixes WHERE place = ?1 AND rest = ?2")?
                .query_row(params![key.place, key.rest], |row| {
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
        deleted: bool,
        after: Option<ConversationId>,
        limit: u32,
    ) -> Result<Vec<ConversationRecord>, StoreError> {
        // One statement for a person's and one for all: a condition that may be absent would keep the index out of it.
        let whose = if subject.is_some() { "subject = ?2 AND" } else { "?2 IS NULL AND" };
        self.file.read("conversations", |connection| {
            connection
                .prepare_cached(&format!(
                    "{CONVERSATION} WHERE {whose} id < ?3 AND (?1 IS NULL OR organization = ?1)
                        AND (?5 OR deleted_at IS NULL) ORDER BY id DESC LIMIT ?4"
                ))?
                .query_map(
                    params![
                        organization.as_ref().map(OrganizationId::as_bytes),
                        subject.as_ref().map(SubjectId::as_bytes),
                        after.map_or(BEYOND_ALL, |id| *id.as_bytes()),
                        limit,
                        deleted
                    ],
                    conversation,
                )?
                .collect()
        })
    }

    /// Conversations that their person deleted and that are not destroyed yet, newest first.
    pub fn deleted_conversations(
        &self,
        subject: SubjectId,
        after: Option<ConversationId>,
        limit: u32,
    ) -> Result<Vec<ConversationRecord>, StoreError> {
        self.file.read("deleted_conversations", |connection| {
            connection
                .prepare_cached(&format!(
                    "{CONVERSATION} WHERE subject = ?1 AND id < ?2 AND deleted_at IS NOT NULL AND destroyed_at IS NULL
                     ORDER BY id DESC LIMIT ?3"
                ))?
                .query_map(
                    params![subject.as_bytes(), after.map_or(BEYOND_ALL, |id| *id.as_bytes()), limit],
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

    /// Forgets beginnings by which conversations are recognised: what they stand for will not all be there any more. The
    /// bytes are gone from the disk after [`ControlStore::empty_wal`].
    pub fn forget_prefixes(&mut self, digests: &[[u8; 32]]) -> Result<(), StoreError> {
        self.file.write("forget_prefixes", |tx| {
            let mut forget = tx.prepare_cached("DELETE FROM prefixes WHERE place = ?1 AND rest = ?2")?;
            // In the order of the table, so that a page is changed once.
            let mut keys: Vec<_> = digests.iter().map(PrefixKey::of).collect();
            keys.sort_unstable_by_key(|key| key.place);
            for key in keys {
                forget.execute(params![key.place, key.rest])?;
            }
            Ok(())
        })
    }

    /// Forgets the beginnings by which conversations that are over are recognised, among at most `limit` rows from the place
    /// `from` on ([`i64::MIN`] to begin). Gives where to go on, or `None` at the end of the table.
    pub fn forget_prefixes_where(
        &mut self,
        from: i64,
        limit: u32,
        is_over: impl Fn(&ConversationId) -> bool,
    ) -> Result<Option<i64>, StoreError> {
        self.file.write("forget_prefixes", |tx| {
            let mut last = None;
            let mut over = Vec::new();
            let mut rows = tx.prepare_cached(
                "SELECT place, conversation FROM prefixes WHERE place >= ?1 ORDER BY place LIMIT ?2",
            )?;
            let mut rows = rows.query(params![from, limit])?;
            while let Some(row) = rows.next()? {
                let place: i64 = row.get(0)?;
                last = Some(place);
                if is_over(&ConversationId::from_bytes(bytes16(row, 1)?)) {
                    over.push(place);
                }
            }
            let mut forget = tx.prepare_cached("DELETE FROM prefixes WHERE place = ?1")?;
            for place in over {
                forget.execute([place])?;
            }
            Ok(last.and_then(|last| last.checked_add(1)))
        })
    }

    /// How many pages the file has.
    pub fn pages(&self) -> Result<u64, StoreError> {
        self.file.read("pages", |connection| connection.query_row("PRAGMA page_count", [], |row| row.get(0)))
    }

    /// Marks conversations destroyed and announces it. Their prefixes were forgotten before their keys were destroyed.
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
            }
            announcement.map_or(Ok(()), |announcement| announce(tx, announcement))
        })
    }

    /// Takes one record off a conversation's count and announces it.
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

/// An id that comes after every other: version 7 ids begin with a time that is far from all ones.
const BEYOND_ALL: [u8; 16] = [0xff; 16];

pub(crate) const CONVERSATION: &str =
    "SELECT id, organization, subject, created_at, last_active_at, records, buckets, class, policy, covered, deleted_at,
        starred_at, warned_at, destroyed_at FROM conversations";

pub(crate) fn conversation(row: &rusqlite::Row<'_>) -> rusqlite::Result<ConversationRecord> {
    let buckets: String = row.get(6)?;
    Ok(ConversationRecord {
        id: ConversationId::from_bytes(bytes16(row, 0)?),
        organization: OrganizationId::from_bytes(bytes16(row, 1)?),
        subject: SubjectId::from_bytes(bytes16(row, 2)?),
        created_at: instant(row, 3)?,
        last_active_at: instant(row, 4)?,
        records: row.get(5)?,
        buckets: buckets.split(' ').filter_map(BucketName::parse).collect(),
        terms: CaptureTerms {
            class: named(row, 7)?,
            policy: PolicyVersion(row.get(8)?),
            covered: row.get(9)?,
        },
        deleted_at: optional_instant(row, 10)?,
        starred_at: optional_instant(row, 11)?,
        warned_at: optional_instant(row, 12)?,
        destroyed_at: optional_instant(row, 13)?,
    })
}
