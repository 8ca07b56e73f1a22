//! The key graph with what was destroyed of it. A destroyed key leaves a tombstone: what it was for and when it went, without its
//! wraps, which are overwritten.

use fiducia_policy::{ConversationId, OrganizationId, SubjectId, Timestamp};
use rusqlite::params;

use crate::keys::{KeyNode, KeyStore};
use crate::{KeyKind, StoreError};

impl KeyStore {
    /// The keys of a conversation, living and destroyed, the newest first, at most `limit`.
    pub fn conversation_keys_ever(
        &self,
        conversation: ConversationId,
        limit: u32,
    ) -> Result<Vec<KeyNode>, StoreError> {
        self.nodes(
            "conversation = ?1 ORDER BY created_at DESC, id DESC LIMIT ?2",
            params![conversation.as_bytes(), limit],
        )
    }

    /// The keys of a subject itself (not of its conversations) from which conversations' keys hang for the person's own use, living
    /// and destroyed, the newest first, at most `limit`.
    pub fn subject_keys_ever(&self, subject: SubjectId, limit: u32) -> Result<Vec<KeyNode>, StoreError> {
        self.nodes(
            "subject = ?1 AND conversation IS NULL AND kind IN (?2, ?3, ?4)
             ORDER BY created_at DESC, id DESC LIMIT ?5",
            params![
                subject.as_bytes(),
                KeyKind::Subject.name(),
                KeyKind::SubjectFeedback.name(),
                KeyKind::SubjectApart.name(),
                limit
            ],
        )
    }

    /// The roots of an organisation of one kind with one label, living and destroyed, the newest first, at most `limit`.
    pub fn roots_ever(
        &self,
        organization: OrganizationId,
        kind: KeyKind,
        label: &str,
        limit: u32,
    ) -> Result<Vec<KeyNode>, StoreError> {
        self.nodes(
            "organization = ?1 AND kind = ?2 AND label = ?3 AND subject IS NULL
             ORDER BY created_at DESC, id DESC LIMIT ?4",
            params![organization.as_bytes(), kind.name(), label, limit],
        )
    }

    /// How many living keys of an organisation must be looked at by `now`, and how long the first has been due.
    pub fn due_of(
        &self,
        organization: OrganizationId,
        now: Timestamp,
    ) -> Result<(u64, Option<Timestamp>), StoreError> {
        self.file.read("due_of", |connection| {
            connection
                .prepare_cached(
                    "SELECT count(*), min(ends_at) FROM nodes
                     WHERE ends_at <= ?2 AND destroyed_at IS NULL AND organization = ?1",
                )?
                .query_row(params![organization.as_bytes(), now.as_microsecond()], |row| {
                    Ok((row.get(0)?, crate::connection::optional_instant(row, 1)?))
                })
        })
    }
}
