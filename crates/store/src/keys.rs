//! `keys.db`: the key graph alone.

use std::path::Path;

use fiducia_policy::{ConversationId, KeyId, OrganizationId, SubjectId, Timestamp};
use rusqlite::params;

use crate::StoreError;
use crate::connection::{File, Recovery, bytes16, instant, optional_instant};
use crate::scrub::Scrubbed;

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// Root of an organisation's service ground.
    ServiceRoot,
    /// Root of the safety windows of an organisation that end with one day (label: the day).
    SafetyDay,
    /// Root of what an organisation keeps for violations until one day (label: the day).
    ViolationDay,
    /// Root of what an organisation keeps for feedback until one day (label: the day).
    FeedbackDay,
    /// Root of one investigation (label: the case's id).
    Investigation,
    /// Root of one legal hold (label: the hold's id).
    LegalHold,
    /// Root of one purpose that people are asked about, for one organisation (label: the purpose).
    PurposeRoot,
    /// A subject's key under the service root, for what may be used for the purposes the person agrees to. The only kind
    /// that may have a consent edge from every purpose's root.
    Subject,
    /// A subject's key under the service root, for what was sent in as feedback: it may have a consent edge from the root
    /// of that purpose alone.
    SubjectFeedback,
    /// A subject's key under the service root, for what may never be used for any purpose that people are asked about. It
    /// cannot have a consent edge.
    SubjectApart,
    /// A subject's key for keyed digests, under the subject's key.
    Matching,
    /// The key of the address that a subject is written to, under the subject's key.
    Contact,
    /// A conversation's key in one bucket (label: the bucket), under the subject's key.
    Conversation,
    /// A conversation's key of one safety day (label: the day), under that day's root.
    ConversationSafety,
    /// A conversation's key for a violation, feedback, an investigation or a legal hold (label: that of the root), under
    /// that root.
    ConversationHeld,
    /// An organisation's key for keyed digests of subject names.
    NameLookup,
    /// The key of a webhook's secrets (label: the webhook's id).
    Webhook,
    /// The key of what was said to answers in one session of reading (label: the session's id).
    AccessRemarks,
    /// The seed of an organisation's or the program's signing key.
    LedgerSigning,
    /// The key from which an organisation's roots hang. The installation's own (of the organisation of zeros) and those of
    /// organisations with a key at a service of their own are wrapped by that service, the others under the installation's.
    OrganizationKey,
}

impl KeyKind {
    /// All kinds.
    pub const ALL: [Self; 20] = [
        Self::ServiceRoot,
        Self::SafetyDay,
        Self::ViolationDay,
        Self::FeedbackDay,
        Self::Investigation,
        Self::LegalHold,
        Self::PurposeRoot,
        Self::Subject,
        Self::SubjectFeedback,
        Self::SubjectApart,
        Self::Matching,
        Self::Contact,
        Self::Conversation,
        Self::ConversationSafety,
        Self::ConversationHeld,
        Self::NameLookup,
        Self::Webhook,
        Self::AccessRemarks,
        Self::LedgerSigning,
        Self::OrganizationKey,
    ];

    /// The name in the database and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ServiceRoot => "service-root",
            Self::SafetyDay => "safety-day",
            Self::ViolationDay => "violation-day",
            Self::FeedbackDay => "feedback-day",
            Self::Investigation => "investigation",
            Self::LegalHold => "legal-hold",
            Self::PurposeRoot => "purpose-root",
            Self::Subject => "subject",
            Self::SubjectFeedback => "subject-feedback",
            Self::SubjectApart => "subject-apart",
            Self::Matching => "matching",
            Self::Contact => "contact",
            Self::Conversation => "conversation",
            Self::ConversationSafety => "conversation-safety",
            Self::ConversationHeld => "conversation-held",
            Self::NameLookup => "name-lookup",
            Self::Webhook => "webhook",
            Self::AccessRemarks => "access-remarks",
            Self::LedgerSigning => "ledger-signing",
            Self::OrganizationKey => "organization-key",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether conversations' keys of one person hang from keys of this kind, for the person's own use.
    pub const fn is_subjects(self) -> bool {
        matches!(self, Self::Subject | Self::SubjectFeedback | Self::SubjectApart)
    }

    /// Whether conversations' keys of many people hang from one key of this kind, so that destroying it ends them all.
    pub const fn is_shared_root(self) -> bool {
        matches!(
            self,
            Self::SafetyDay | Self::ViolationDay | Self::FeedbackDay | Self::Investigation | Self::LegalHold
        )
    }
}

/// A node of the key graph. The key itself is in the edges, wrapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyNode {
    /// Its id.
    pub id: KeyId,
    /// What it is for.
    pub kind: KeyKind,
    /// Whose.
    pub organization: OrganizationId,
    /// For a subject's keys and below.
    pub subject: Option<SubjectId>,
    /// For a conversation's keys.
    pub conversation: Option<ConversationId>,
    /// Bucket or day, else empty.
    pub label: String,
    /// Made when.
    pub created_at: Timestamp,
    /// When it must be looked at: its ground ends then, unless something happened that makes it last longer. `None` while
    /// nothing but an event ends it.
    pub ends_at: Option<Timestamp>,
    /// Destroyed when.
    pub destroyed_at: Option<Timestamp>,
    /// The key that takes its place: nothing new hangs from this one, and it is destroyed when nothing hangs from it.
    pub replaced_by: Option<KeyId>,
}

/// An edge of the key graph: `child` wrapped under `parent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The wrapped key.
    pub child: KeyId,
    /// The key it is wrapped under; `None` for the keyfile itself, as an earlier version of the program made roots.
    pub parent: Option<KeyId>,
    /// The wrap.
    pub wrap: Vec<u8>,
}

const KMS: [u8; 16] = [0; 16];

const MIGRATIONS: &[&str] = &["
    CREATE TABLE nodes (
        id BLOB PRIMARY KEY, kind TEXT NOT NULL, organization BLOB NOT NULL, subject BLOB, conversation BLOB,
        label TEXT NOT NULL, created_at BIGINT NOT NULL, ends_at BIGINT, destroyed_at BIGINT, purged_at BIGINT,
        replaced_by BLOB
    ) WITHOUT ROWID;
    CREATE INDEX nodes_ends ON nodes (ends_at, id) WHERE ends_at IS NOT NULL AND destroyed_at IS NULL;
    CREATE INDEX nodes_conversation ON nodes (conversation) WHERE conversation IS NOT NULL;
    CREATE INDEX nodes_subject ON nodes (subject) WHERE subject IS NOT NULL;
    CREATE INDEX nodes_root ON nodes (organization, kind, label) WHERE subject IS NULL;
    CREATE INDEX nodes_unpurged ON nodes (destroyed_at) WHERE destroyed_at IS NOT NULL AND purged_at IS NULL;
    CREATE INDEX nodes_replaced ON nodes (replaced_by) WHERE replaced_by IS NOT NULL;
    CREATE TABLE edges (
        child BLOB NOT NULL, parent BLOB NOT NULL, wrap BLOB NOT NULL, PRIMARY KEY (child, parent)
    ) WITHOUT ROWID;
    CREATE INDEX edges_parent ON edges (parent, child);
", crate::paths::TABLES, crate::service_wraps::TABLES];

/// Pages the write-ahead log may hold before a commit folds it: 32 MiB of 4 KiB pages.
const WAL_PAGES_MAX: u32 = 8_192;

const NODE_COLUMNS: &str =
    "id, kind, organization, subject, conversation, label, created_at, ends_at, destroyed_at, replaced_by";

/// The key graph's file.
#[derive(Debug)]
pub struct KeyStore {
    pub(crate) file: File,
}

impl crate::resting::Rest for KeyStore {
    fn rest(&self) -> Result<(), StoreError> {
        self.file.rest()
    }
}

impl KeyStore {
    /// Opens or creates the file. Its write-ahead log is folded by [`KeyStore::fold`], on another connection, and by
    /// commits only when that lags far behind: requests wait for commits.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::open(path, 4_096, Recovery::WriteAhead, MIGRATIONS)?;
        file.fold_at(WAL_PAGES_MAX)?;
        Ok(Self { file })
    }

    /// Folds the write-ahead log into the file as far as nobody is in the way.
    pub fn fold(&self) -> Result<(), StoreError> {
        self.file.fold()
    }

    /// Opens the file for reading.
    pub fn open_for_reading(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { file: File::open_for_reading(path, MIGRATIONS)? })
    }

    /// Adds keys with their edges, durably, all or none.
    pub fn add(&mut self, keys: &[(KeyNode, Edge)]) -> Result<(), StoreError> {
        self.file.write("add_keys", |tx| insert(tx, keys))
    }

    /// Adds a conversation's replacement key and marks the old one as about to be destroyed, in one step, so that an
    /// interrupted rotation is found and finished.
    pub fn replace(&mut self, old: KeyId, new: &(KeyNode, Edge)) -> Result<(), StoreError> {
        self.file.write("replace_key", |tx| {
            insert(tx, std::slice::from_ref(new))?;
            tx.execute(
                "UPDATE nodes SET replaced_by = ?2 WHERE id = ?1",
                params![old.as_bytes(), new.0.id.as_bytes()],
            )
            .map(drop)
        })
    }

    /// Keys whose replacement was begun but which are not destroyed yet, those of conversations first, at most `limit`:
    /// (old, new).
    pub fn unfinished_replacements(&self, limit: u32) -> Result<Vec<(KeyId, KeyId)>, StoreError> {
        self.file.read("unfinished_replacements", |connection| {
            connection
                .prepare_cached(
                    "SELECT id, replaced_by FROM nodes WHERE replaced_by IS NOT NULL AND destroyed_at IS NULL
                     ORDER BY conversation IS NULL, id LIMIT ?1",
                )?
                .query_map([limit], |row| {
                    Ok((KeyId::from_bytes(bytes16(row, 0)?), KeyId::from_bytes(bytes16(row, 1)?)))
                })?
                .collect()
        })
    }

    /// Destroys keys: their edges are overwritten and removed, the write-ahead log emptied; the nodes stay as
    /// tombstones. Gives the number of keys that were alive.
    ///
    /// # Errors
    /// [`StoreError::WalBusy`] when the edges are gone but their bytes may linger in the log.
    pub fn destroy(&mut self, keys: &[KeyId], now: Timestamp) -> Result<u64, StoreError> {
        let destroyed = self.file.write("destroy_keys", |tx| {
            let mut destroyed = 0_u64;
            for key in keys {
                tx.prepare_cached("DELETE FROM edges WHERE child = ?1")?.execute([key.as_bytes()])?;
                tx.prepare_cached("DELETE FROM consent_edges WHERE child = ?1 OR parent = ?1")?
                    .execute([key.as_bytes()])?;
                tx.prepare_cached("DELETE FROM service_wraps WHERE child = ?1")?.execute([key.as_bytes()])?;
                let alive = tx
                    .prepare_cached(
                        "UPDATE nodes SET destroyed_at = ?2 WHERE id = ?1 AND destroyed_at IS NULL",
                    )?
                    .execute(params![key.as_bytes(), now.as_microsecond()])?;
                destroyed += u64::try_from(alive).unwrap_or(0);
            }
            Ok(destroyed)
        })?;
        self.file.empty_wal()?;
        Ok(destroyed)
    }

    /// Marks destroyed keys as dealt with: what they protected has been purged.
    pub fn mark_purged(&mut self, keys: &[KeyId], now: Timestamp) -> Result<(), StoreError> {
        self.file.write("mark_keys_purged", |tx| {
            for key in keys {
                tx.prepare_cached("UPDATE nodes SET purged_at = ?2 WHERE id = ?1")?
                    .execute(params![key.as_bytes(), now.as_microsecond()])?;
            }
            Ok(())
        })
    }

    /// Keys that were destroyed but whose records may still lie in the store, the earliest first, at most `limit`.
    pub fn destroyed_but_unpurged(&self, limit: u32) -> Result<Vec<KeyNode>, StoreError> {
        self.nodes("destroyed_at IS NOT NULL AND purged_at IS NULL ORDER BY destroyed_at LIMIT ?1", [limit])
    }

    /// Conversations whose keys for the person's own use were destroyed and whose records may still lie in the store, at
    /// most `limit`.
    pub fn unpurged_conversations(&self, limit: u32) -> Result<Vec<ConversationId>, StoreError> {
        self.file.read("unpurged_conversations", |connection| {
            connection
                .prepare_cached(
                    "SELECT conversation FROM nodes WHERE destroyed_at IS NOT NULL AND purged_at IS NULL AND kind = ?1
                     ORDER BY destroyed_at LIMIT ?2",
                )?
                .query_map(params![KeyKind::Conversation.name(), limit], |row| {
                    Ok(ConversationId::from_bytes(bytes16(row, 0)?))
                })?
                .collect()
        })
    }

    /// Living keys that must be looked at by `now`, the longest due first, at most `limit`.
    pub fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<KeyNode>, StoreError> {
        self.nodes(
            "ends_at <= ?1 AND destroyed_at IS NULL ORDER BY ends_at LIMIT ?2",
            params![now.as_microsecond(), limit],
        )
    }

    /// Living keys that end after `after` (an instant and, among those of that instant, a key) and at or before `until`, in
    /// that order, at most `limit`.
    pub fn ending_between(
        &self,
        after: (Timestamp, KeyId),
        until: Timestamp,
        limit: u32,
    ) -> Result<Vec<KeyNode>, StoreError> {
        self.nodes(
            "(ends_at, id) > (?1, ?2) AND ends_at <= ?3 AND destroyed_at IS NULL ORDER BY ends_at, id LIMIT ?4",
            params![after.0.as_microsecond(), after.1.as_bytes(), until.as_microsecond(), limit],
        )
    }

    /// How many living keys of each kind must be looked at by `now`, and how long the first has been due.
    pub fn due_census(&self, now: Timestamp) -> Result<Vec<(String, u64, Timestamp)>, StoreError> {
        self.file.read("due_census", |connection| {
            connection
                .prepare_cached(
                    "SELECT kind, count(*), min(ends_at) FROM nodes WHERE ends_at <= ?1 AND destroyed_at IS NULL
                     GROUP BY kind ORDER BY kind",
                )?
                .query_map([now.as_microsecond()], |row| Ok((row.get(0)?, row.get(1)?, instant(row, 2)?)))?
                .collect()
        })
    }

    /// Says when living keys must be looked at.
    pub fn set_ends(&mut self, ends: &[(KeyId, Option<Timestamp>)]) -> Result<(), StoreError> {
        self.file.write("set_key_ends", |tx| {
            let mut set =
                tx.prepare_cached("UPDATE nodes SET ends_at = ?2 WHERE id = ?1 AND destroyed_at IS NULL")?;
            for (key, end) in ends {
                set.execute(params![key.as_bytes(), end.map(Timestamp::as_microsecond)])?;
            }
            Ok(())
        })
    }

    /// Whether a conversation has lost a key for good, and with it a part of its history.
    pub fn has_lost_a_part(&self, conversation: ConversationId) -> Result<bool, StoreError> {
        self.file.read("has_lost_a_part", |connection| {
            connection
                .prepare_cached(
                    "SELECT 1 FROM nodes WHERE conversation = ?1 AND kind = ?2 AND destroyed_at IS NOT NULL
                     AND replaced_by IS NULL",
                )?
                .exists(params![conversation.as_bytes(), KeyKind::Conversation.name()])
        })
    }

    /// One node.
    pub fn node(&self, key: KeyId) -> Result<Option<KeyNode>, StoreError> {
        Ok(self.nodes("id = ?1", [key.as_bytes()])?.into_iter().next())
    }

    /// A living root key of an organisation, by kind and label.
    pub fn root(
        &self,
        organization: OrganizationId,
        kind: KeyKind,
        label: &str,
    ) -> Result<Option<KeyNode>, StoreError> {
        let found = self.nodes(
            "organization = ?1 AND kind = ?2 AND label = ?3 AND subject IS NULL AND destroyed_at IS NULL",
            params![organization.as_bytes(), kind.name(), label],
        )?;
        Ok(found.into_iter().next())
    }

    /// All living keys of a kind without a subject, in every organisation.
    pub fn roots_of_kind(&self, kind: KeyKind) -> Result<Vec<KeyNode>, StoreError> {
        self.nodes("kind = ?1 AND subject IS NULL AND destroyed_at IS NULL", [kind.name()])
    }

    /// The living keys of a subject itself (not of its conversations).
    pub fn subject_keys(&self, subject: SubjectId) -> Result<Vec<KeyNode>, StoreError> {
        self.nodes("subject = ?1 AND conversation IS NULL AND destroyed_at IS NULL", [subject.as_bytes()])
    }

    /// The living keys of a conversation.
    pub fn conversation_keys(&self, conversation: ConversationId) -> Result<Vec<KeyNode>, StoreError> {
        self.nodes("conversation = ?1 AND destroyed_at IS NULL", [conversation.as_bytes()])
    }

    /// Up to `limit` living keys wrapped under `parent`.
    pub fn children(&self, parent: KeyId, limit: u32) -> Result<Vec<KeyNode>, StoreError> {
        self.nodes(
            "destroyed_at IS NULL AND id IN (SELECT child FROM edges WHERE parent = ?1 LIMIT ?2)",
            params![parent.as_bytes(), limit],
        )
    }

    /// The living keys of a subject's conversations.
    pub fn keys_of_conversations_of(&self, subject: SubjectId) -> Result<Vec<KeyNode>, StoreError> {
        self.nodes("subject = ?1 AND conversation IS NOT NULL AND destroyed_at IS NULL", [subject.as_bytes()])
    }

    /// The edge from a key to its parent.
    pub fn edge(&self, child: KeyId) -> Result<Option<Edge>, StoreError> {
        self.file.read("edge", |connection| {
            let mut statement =
                connection.prepare_cached("SELECT parent, wrap FROM edges WHERE child = ?1")?;
            let mut rows = statement.query([child.as_bytes()])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let parent = bytes16(row, 0)?;
            Ok(Some(Edge {
                child,
                parent: (parent != KMS).then(|| KeyId::from_bytes(parent)),
                wrap: row.get(1)?,
            }))
        })
    }

    /// How many keys live, by kind.
    pub fn census(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.file.read("census", |connection| {
            connection
                .prepare(
                    "SELECT kind, count(*) FROM nodes WHERE destroyed_at IS NULL GROUP BY kind ORDER BY kind",
                )?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        })
    }

    /// SQLite's own check of the file.
    pub fn problem(&self) -> Result<Option<String>, StoreError> {
        self.file.problem()
    }

    /// Overwrites what moved rows left behind in at most `limit` pages after page `after` (0 to begin). The bytes are gone
    /// from the disk after [`Self::empty_wal`].
    pub fn scrub(&mut self, after: u32, limit: u32) -> Result<Scrubbed, StoreError> {
        self.file.scrub(after, limit)
    }

    /// Empties the write-ahead log.
    pub fn empty_wal(&self) -> Result<(), StoreError> {
        self.file.empty_wal()
    }

    pub(crate) fn nodes(
        &self,
        condition: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<KeyNode>, StoreError> {
        self.file.read("nodes", |connection| {
            connection
                .prepare_cached(&format!("SELECT {NODE_COLUMNS} FROM nodes WHERE {condition}"))?
                .query_map(parameters, node)?
                .collect()
        })
    }
}

pub(crate) fn insert(tx: &rusqlite::Transaction<'_>, keys: &[(KeyNode, Edge)]) -> rusqlite::Result<()> {
    let mut add_edge = tx.prepare_cached("INSERT INTO edges (child, parent, wrap) VALUES (?1, ?2, ?3)")?;
    for (node, edge) in keys {
        insert_node(tx, node)?;
        let parent = edge.parent.map_or(KMS, |parent| *parent.as_bytes());
        add_edge.execute(params![edge.child.as_bytes(), parent, edge.wrap])?;
    }
    Ok(())
}

pub(crate) fn insert_node(tx: &rusqlite::Transaction<'_>, node: &KeyNode) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO nodes (id, kind, organization, subject, conversation, label, created_at, ends_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        node.id.as_bytes(),
        node.kind.name(),
        node.organization.as_bytes(),
        node.subject.as_ref().map(SubjectId::as_bytes),
        node.conversation.as_ref().map(ConversationId::as_bytes),
        node.label,
        node.created_at.as_microsecond(),
        node.ends_at.map(Timestamp::as_microsecond),
    ])
    .map(drop)
}

fn node(row: &rusqlite::Row<'_>) -> rusqlite::Result<KeyNode> {
    let kind: String = row.get(1)?;
    let kind = KeyKind::parse(&kind).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(
            1,
            rusqlite::types::Type::Text,
            "unknown kind of key".into(),
        )
    })?;
    let subject: Option<[u8; 16]> = row.get(3)?;
    let conversation: Option<[u8; 16]> = row.get(4)?;
    let replaced_by: Option<[u8; 16]> = row.get(9)?;
    Ok(KeyNode {
        id: KeyId::from_bytes(bytes16(row, 0)?),
        kind,
        organization: OrganizationId::from_bytes(bytes16(row, 2)?),
        subject: subject.map(SubjectId::from_bytes),
        conversation: conversation.map(ConversationId::from_bytes),
        label: row.get(5)?,
        created_at: instant(row, 6)?,
        ends_at: optional_instant(row, 7)?,
        destroyed_at: optional_instant(row, 8)?,
        replaced_by: replaced_by.map(KeyId::from_bytes),
    })
}
