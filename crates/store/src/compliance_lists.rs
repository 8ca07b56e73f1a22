//! Lists of the Compliance API over `control.db`: conversations in order of time, and people in order of their making.

use fiducia_policy::{ConversationId, OrganizationId, RoleSet, SubjectId, Timestamp};
use rusqlite::params;

use crate::connection::{bytes16, instant};
use crate::control::optional_named;
use crate::index::{CONVERSATION, conversation};
use crate::{ActivityKey, ControlStore, ConversationRecord, StoreError};

/// The indexes of this module, a step of `control.db`.
pub(crate) const TABLES: &str = "
    CREATE INDEX conversations_created ON conversations (organization, created_at, id) WHERE destroyed_at IS NULL;
    CREATE INDEX conversations_updated ON conversations (organization, last_active_at, id) WHERE destroyed_at IS NULL;
    CREATE INDEX conversations_of_subject ON conversations (subject, created_at, id) WHERE destroyed_at IS NULL;
";

/// Whose conversations are listed, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConversationOrder {
    /// An organisation's, by when they began.
    Created(OrganizationId),
    /// An organisation's, by their last turn.
    Updated(OrganizationId),
    /// A person's, by when they began.
    OfSubject(SubjectId),
}

/// A person or member of staff of an organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationMember {
    /// The bytes of the subject's id, or of the member of staff's.
    pub id: [u8; 16],
    /// Known since when.
    pub created_at: Timestamp,
    /// What the account's owner types to sign in.
    pub login: Option<String>,
    /// What the console calls the account's owner.
    pub name: Option<String>,
    /// What the account's owner may be.
    pub roles: Option<RoleSet>,
}

impl ConversationRecord {
    /// Where it stands in an order of time.
    pub fn key(&self, is_by_update: bool) -> ActivityKey {
        let at = if is_by_update { self.last_active_at } else { self.created_at };
        ActivityKey { at: at.as_microsecond(), id: *self.id.as_bytes() }
    }
}

impl ControlStore {
    /// Conversations that are not destroyed, between two places in their order, both left out: the first from the beginning, or from
    /// the end back. At most `limit`.
    pub fn conversations_between(
        &self,
        order: ConversationOrder,
        (after, before): (ActivityKey, ActivityKey),
        is_backwards: bool,
        limit: u32,
    ) -> Result<Vec<ConversationRecord>, StoreError> {
        let (index, column, time, whose) = match order {
            ConversationOrder::Created(id) => {
                ("conversations_created", "organization", "created_at", *id.as_bytes())
            }
            ConversationOrder::Updated(id) => {
                ("conversations_updated", "organization", "last_active_at", *id.as_bytes())
            }
            ConversationOrder::OfSubject(id) => {
                ("conversations_of_subject", "subject", "created_at", *id.as_bytes())
            }
        };
        let direction = if is_backwards { "DESC" } else { "ASC" };
        self.file.read("conversations_between", |connection| {
            connection
                .prepare_cached(&format!(
                    "{CONVERSATION} INDEXED BY {index} WHERE {column} = ?1 AND destroyed_at IS NULL
                     AND ({time}, id) > (?2, ?3) AND ({time}, id) < (?4, ?5)
                     ORDER BY {time} {direction}, id {direction} LIMIT ?6"
                ))?
                .query_map(params![whose, after.at, after.id, before.at, before.id, limit], conversation)?
                .collect()
        })
    }

    /// People and staff of an organisation who are neither erased nor closed nor disabled, in the order in which they were made:
    /// those behind `after`. At most `limit`.
    pub fn members(
        &self,
        organization: OrganizationId,
        after: Option<[u8; 16]>,
        limit: u32,
    ) -> Result<Vec<OrganizationMember>, StoreError> {
        self.file.read("members", |connection| {
            connection
                .prepare_cached(
                    "SELECT * FROM (
                         SELECT s.id, s.created_at, a.login, a.name, a.roles FROM subjects s
                         LEFT JOIN accounts a ON a.id = (
                             SELECT min(b.id) FROM accounts b WHERE b.subject = s.id AND b.disabled_at IS NULL)
                         WHERE s.organization = ?1 AND s.id > ?2 AND s.erased_at IS NULL AND s.closed_at IS NULL
                         ORDER BY s.id LIMIT ?3)
                     UNION ALL SELECT * FROM (
                         SELECT person, created_at, login, name, roles FROM accounts
                         WHERE organization = ?1 AND subject IS NULL AND person > ?2 AND disabled_at IS NULL
                         ORDER BY person LIMIT ?3)
                     ORDER BY 1 LIMIT ?3",
                )?
                .query_map(params![organization.as_bytes(), after.unwrap_or([0; 16]), limit], |row| {
                    Ok(OrganizationMember {
                        id: bytes16(row, 0)?,
                        created_at: instant(row, 1)?,
                        login: row.get(2)?,
                        name: row.get(3)?,
                        roles: optional_named(row, 4)?,
                    })
                })?
                .collect()
        })
    }

    /// Whether a conversation is one of an organisation's and not destroyed.
    pub fn living_conversation(&self, id: ConversationId) -> Result<Option<ConversationRecord>, StoreError> {
        Ok(self.conversation(id)?.filter(|conversation| conversation.destroyed_at.is_none()))
    }
}
