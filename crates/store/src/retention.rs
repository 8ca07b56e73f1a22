//! What decides how long things are kept: published policies, what organisations and people chose, what happened to
//! conversations, and the work that follows from a change.

use fiducia_policy::{
    ConversationId, OrganizationId, PersonId, Plan, PolicyVersion, SubjectId, Timestamp, WorkspaceId,
};
use rusqlite::{OptionalExtension, params};

use crate::connection::{bytes16, fixed, instant};
use crate::control::OrganizationTerms;
use crate::index::{CONVERSATION, ConversationRecord, conversation};
use crate::outbox::{Announcement, announce};
use crate::record::BucketName;
use crate::{ControlStore, StoreError};

/// The tables of this module and of [`crate::HoldRecord`], the second step of `control.db`.
pub(crate) const TABLES: &str = "
    CREATE TABLE policies (
        version INTEGER PRIMARY KEY, name TEXT NOT NULL, source TEXT NOT NULL, digest BLOB NOT NULL, note TEXT NOT NULL,
        published_at BIGINT NOT NULL, published_by BLOB NOT NULL
    );
    CREATE TABLE reviews (
        id INTEGER PRIMARY KEY, organization BLOB, subject BLOB, after BLOB, reviewed BIGINT NOT NULL DEFAULT 0,
        requested_at BIGINT NOT NULL
    );
    CREATE TABLE holds (
        id BLOB PRIMARY KEY, organization BLOB NOT NULL, matter TEXT NOT NULL, authority TEXT NOT NULL, scope TEXT NOT NULL,
        root BLOB NOT NULL, placed_at BIGINT NOT NULL, placed_by BLOB NOT NULL, after BLOB, swept INTEGER NOT NULL DEFAULT 0,
        records BIGINT NOT NULL DEFAULT 0, released_at BIGINT, released_by BLOB, ends_at BIGINT, ended_at BIGINT
    ) WITHOUT ROWID;
    CREATE TABLE hold_people (
        hold BLOB NOT NULL REFERENCES holds, role TEXT NOT NULL, name TEXT NOT NULL, told_at BIGINT NOT NULL,
        acknowledged_at BIGINT, PRIMARY KEY (hold, role, name)
    ) WITHOUT ROWID;
    CREATE TABLE cases (
        id BLOB PRIMARY KEY, organization BLOB NOT NULL, name TEXT NOT NULL, root BLOB NOT NULL, opened_at BIGINT NOT NULL,
        opened_by BLOB NOT NULL, closed_at BIGINT, ends_at BIGINT, ended_at BIGINT
    ) WITHOUT ROWID;
    CREATE TABLE flags (
        id BLOB PRIMARY KEY, organization BLOB NOT NULL, subject BLOB NOT NULL, conversation BLOB NOT NULL, record BLOB,
        category TEXT NOT NULL, score REAL, flagged_at BIGINT NOT NULL, flagged_by BLOB NOT NULL, content_until TEXT,
        score_ends_at BIGINT
    ) WITHOUT ROWID;
    CREATE INDEX flags_conversation ON flags (conversation);
    CREATE INDEX flags_ends ON flags (score_ends_at) WHERE score_ends_at IS NOT NULL;
    CREATE TABLE tags (
        conversation BLOB NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (conversation, tag)
    ) WITHOUT ROWID;
    CREATE INDEX conversations_organization ON conversations (organization, id);
";

/// A published policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedPolicy {
    /// Its number, from 1.
    pub version: PolicyVersion,
    /// Its name.
    pub name: String,
    /// Its text.
    pub source: String,
    /// SHA-256 of its text.
    pub digest: [u8; 32],
    /// A signed note over name, version and digest.
    pub note: String,
    /// Published when.
    pub published_at: Timestamp,
    /// By whom.
    pub published_by: PersonId,
}

/// Conversations whose end must be worked out again because something changed for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Review {
    /// Its number.
    pub id: i64,
    /// Only of this organisation.
    pub organization: Option<OrganizationId>,
    /// Only of this person.
    pub subject: Option<SubjectId>,
    /// Done up to this conversation.
    pub after: Option<ConversationId>,
    /// Asked for when.
    pub requested_at: Timestamp,
}

/// What can happen to one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConversationMark {
    /// The person deleted it (`Some`), or took that back in time (`None`).
    Deleted(Option<Timestamp>),
    /// The person wants it kept (`Some`), or no longer (`None`). Whoever keeps one is warned of its new end again.
    Starred(Option<Timestamp>),
}

impl ControlStore {
    /// Publishes a policy, asks for a review of everything and announces it in every organisation's log.
    pub fn publish_policy(
        &mut self,
        policy: &PublishedPolicy,
        announcements: &[Announcement],
    ) -> Result<(), StoreError> {
        self.file.write("publish_policy", |tx| {
            tx.execute(
                "INSERT INTO policies (version, name, source, digest, note, published_at, published_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    policy.version.0,
                    policy.name,
                    policy.source,
                    policy.digest,
                    policy.note,
                    policy.published_at.as_microsecond(),
                    policy.published_by.as_bytes(),
                ],
            )?;
            request_review(tx, None, None, policy.published_at)?;
            announcements.iter().try_for_each(|announcement| announce(tx, announcement))
        })
    }

    /// All published policies, the first first.
    pub fn policies(&self) -> Result<Vec<PublishedPolicy>, StoreError> {
        self.file.read("policies", |connection| {
            connection
                .prepare_cached(
                    "SELECT version, name, source, digest, note, published_at, published_by FROM policies
                     ORDER BY version",
                )?
                .query_map([], |row| {
                    Ok(PublishedPolicy {
                        version: PolicyVersion(row.get(0)?),
                        name: row.get(1)?,
                        source: row.get(2)?,
                        digest: fixed(row, 3)?,
                        note: row.get(4)?,
                        published_at: instant(row, 5)?,
                        published_by: PersonId::from_bytes(bytes16(row, 6)?),
                    })
                })?
                .collect()
        })
    }

    /// Changes what an organisation has agreed, asks for a review of what it keeps and announces it.
    pub fn set_organization_terms(
        &mut self,
        id: OrganizationId,
        terms: OrganizationTerms,
        now: Timestamp,
        announcement: &Announcement,
    ) -> Result<(), StoreError> {
        self.file.write("set_organization_terms", |tx| {
            tx.execute(
                "UPDATE organizations SET plan = ?2, tier = ?3, agreement = ?4, custom_retention = ?5 WHERE id = ?1",
                params![
                    id.as_bytes(),
                    terms.plan.name(),
                    terms.tier.name(),
                    terms.agreement.name(),
                    terms.custom_retention.map(|span| span.to_string()),
                ],
            )?;
            request_review(tx, Some(id), None, now)?;
            announce(tx, announcement)
        })
    }

    /// Says whether a workspace has agreed to what covered models need, and announces it.
    pub fn set_covered_models(
        &mut self,
        workspace: WorkspaceId,
        enabled: bool,
        announcement: &Announcement,
    ) -> Result<(), StoreError> {
        self.file.write("set_covered_models", |tx| {
            tx.execute(
                "UPDATE workspaces SET covered_models = ?2 WHERE id = ?1",
                params![workspace.as_bytes(), enabled],
            )?;
            announce(tx, announcement)
        })
    }

    /// Changes a person's plan, asks for a review of what is kept of the person and announces it.
    pub fn set_subject_plan(
        &mut self,
        subject: SubjectId,
        plan: Option<Plan>,
        now: Timestamp,
        announcement: &Announcement,
    ) -> Result<(), StoreError> {
        self.change_subject(
            "set_subject_plan",
            "UPDATE subjects SET plan = ?2 WHERE id = ?1",
            (subject, plan.map(Plan::name)),
            now,
            announcement,
        )
    }

    /// Closes a person's account: its keys to the gateway are revoked. Asks for a review and announces it.
    pub fn close_subject(
        &mut self,
        subject: SubjectId,
        now: Timestamp,
        announcement: &Announcement,
    ) -> Result<(), StoreError> {
        self.file.write("close_subject", |tx| {
            tx.execute(
                "UPDATE subjects SET closed_at = ?2 WHERE id = ?1 AND closed_at IS NULL",
                params![subject.as_bytes(), now.as_microsecond()],
            )?;
            tx.execute(
                "UPDATE virtual_keys SET revoked_at = ?2 WHERE subject = ?1 AND revoked_at IS NULL",
                params![subject.as_bytes(), now.as_microsecond()],
            )?;
            request_review(tx, None, Some(subject), now)?;
            announce(tx, announcement)
        })
    }

    fn change_subject(
        &mut self,
        name: &'static str,
        statement: &str,
        (subject, value): (SubjectId, impl rusqlite::ToSql),
        now: Timestamp,
        announcement: &Announcement,
    ) -> Result<(), StoreError> {
        self.file.write(name, |tx| {
            tx.execute(statement, params![subject.as_bytes(), value])?;
            request_review(tx, None, Some(subject), now)?;
            announce(tx, announcement)
        })
    }

    /// Notes what happened to a conversation.
    pub fn mark_conversation(
        &mut self,
        id: ConversationId,
        mark: ConversationMark,
        announcement: Option<&Announcement>,
    ) -> Result<(), StoreError> {
        let (statement, at) = match mark {
            ConversationMark::Deleted(at) => ("UPDATE conversations SET deleted_at = ?2 WHERE id = ?1", at),
            ConversationMark::Starred(at) => (
                "UPDATE conversations SET starred_at = ?2, warned_at = CASE WHEN ?2 IS NULL THEN warned_at END WHERE id = ?1",
                at,
            ),
        };
        self.file.write("mark_conversation", |tx| {
            tx.prepare_cached(statement)?
                .execute(params![id.as_bytes(), at.map(Timestamp::as_microsecond)])?;
            announcement.map_or(Ok(()), |announcement| announce(tx, announcement))
        })
    }

    /// The oldest review that is not finished.
    pub fn next_review(&self) -> Result<Option<Review>, StoreError> {
        self.file.read("next_review", |connection| {
            connection
                .prepare_cached(
                    "SELECT id, organization, subject, after, requested_at FROM reviews ORDER BY id LIMIT 1",
                )?
                .query_row([], |row| {
                    let id = |column| row.get::<_, Option<[u8; 16]>>(column);
                    Ok(Review {
                        id: row.get(0)?,
                        organization: id(1)?.map(OrganizationId::from_bytes),
                        subject: id(2)?.map(SubjectId::from_bytes),
                        after: id(3)?.map(ConversationId::from_bytes),
                        requested_at: instant(row, 4)?,
                    })
                })
                .optional()
        })
    }

    /// Moves a review on, or ends it when `after` is `None`.
    pub fn advance_review(&mut self, id: i64, after: Option<ConversationId>) -> Result<(), StoreError> {
        self.file.write("advance_review", |tx| {
            match after {
                Some(after) => {
                    tx.execute("UPDATE reviews SET after = ?2 WHERE id = ?1", params![id, after.as_bytes()])
                }
                None => tx.execute("DELETE FROM reviews WHERE id = ?1", [id]),
            }
            .map(drop)
        })
    }

    /// Conversations in order of their ids, after `after`, at most `limit`: of one person, else of one organisation, else
    /// all, also those that were destroyed.
    pub fn conversations_in_order(
        &self,
        organization: Option<OrganizationId>,
        subject: Option<SubjectId>,
        after: Option<ConversationId>,
        limit: u32,
    ) -> Result<Vec<ConversationRecord>, StoreError> {
        let after = after.map_or([0; 16], |id| *id.as_bytes());
        let ordered = "id > ?2 ORDER BY id LIMIT ?3";
        let (condition, whose) = match (subject, organization) {
            (Some(subject), _) => ("subject = ?1", Some(*subject.as_bytes())),
            (None, Some(organization)) => ("organization = ?1", Some(*organization.as_bytes())),
            (None, None) => ("?1 IS NULL", None),
        };
        self.file.read("conversations_in_order", |connection| {
            connection
                .prepare_cached(&format!("{CONVERSATION} WHERE {condition} AND {ordered}"))?
                .query_map(params![whose, after, limit], conversation)?
                .collect()
        })
    }

    /// Notes that conversations have records in a further bucket.
    pub fn add_bucket(
        &mut self,
        conversations: &[ConversationId],
        bucket: &BucketName,
    ) -> Result<(), StoreError> {
        self.file.write("add_bucket", |tx| {
            let mut add = tx.prepare_cached(
                "UPDATE conversations SET buckets = buckets || ' ' || ?2 WHERE id = ?1 AND instr(buckets, ?2) = 0",
            )?;
            for id in conversations {
                add.execute(params![id.as_bytes(), bucket.as_str()])?;
            }
            Ok(())
        })
    }

    /// Gives a conversation a tag, or takes it away.
    pub fn tag_conversation(
        &mut self,
        id: ConversationId,
        tag: &str,
        present: bool,
    ) -> Result<(), StoreError> {
        let statement = if present {
            "INSERT INTO tags (conversation, tag) VALUES (?1, ?2) ON CONFLICT DO NOTHING"
        } else {
            "DELETE FROM tags WHERE conversation = ?1 AND tag = ?2"
        };
        self.file.write("tag_conversation", |tx| tx.execute(statement, params![id.as_bytes(), tag]).map(drop))
    }

    /// The tags of a conversation.
    pub fn tags(&self, id: ConversationId) -> Result<Vec<String>, StoreError> {
        self.file.read("tags", |connection| {
            connection
                .prepare_cached("SELECT tag FROM tags WHERE conversation = ?1 ORDER BY tag")?
                .query_map([id.as_bytes()], |row| row.get(0))?
                .collect()
        })
    }
}

/// Asks for the ends of conversations to be worked out again.
pub(crate) fn request_review(
    tx: &rusqlite::Transaction<'_>,
    organization: Option<OrganizationId>,
    subject: Option<SubjectId>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO reviews (organization, subject, requested_at) VALUES (?1, ?2, ?3)",
        params![
            organization.as_ref().map(OrganizationId::as_bytes),
            subject.as_ref().map(SubjectId::as_bytes),
            now.as_microsecond()
        ],
    )
    .map(drop)
}
