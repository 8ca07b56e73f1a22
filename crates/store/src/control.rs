//! `control.db`: organisations, workspaces, subjects, staff and the control outbox.

use std::path::Path;

use fiducia_policy::{
    Agreement, OrganizationId, PersonId, Plan, Pseudonym, RetentionSpan, SubjectId, Tier, Timestamp,
    WorkspaceId,
};
use rusqlite::{OptionalExtension, params};

use crate::StoreError;
use crate::connection::{File, Recovery, bytes16, instant, optional_instant};
use crate::outbox::{Announcement, announce, forget, waiting};

pub(crate) const MIGRATIONS: &[&str] = &["
    CREATE TABLE organizations (
        id BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE, plan TEXT NOT NULL, tier TEXT NOT NULL, agreement TEXT NOT NULL,
        custom_retention TEXT, created_at BIGINT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE workspaces (
        id BLOB PRIMARY KEY, organization BLOB NOT NULL REFERENCES organizations, name TEXT NOT NULL,
        covered_models INTEGER NOT NULL DEFAULT 0, created_at BIGINT NOT NULL, UNIQUE (organization, name)
    ) WITHOUT ROWID;
    CREATE TABLE subjects (
        id BLOB PRIMARY KEY, organization BLOB NOT NULL REFERENCES organizations, pseudonym BLOB,
        name_digest BLOB, plan TEXT, training_allowed INTEGER NOT NULL DEFAULT 0, created_at BIGINT NOT NULL,
        closed_at BIGINT, erased_at BIGINT, UNIQUE (organization, name_digest)
    ) WITHOUT ROWID;
    CREATE TABLE people (
        id BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_at BIGINT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE virtual_keys (
        id BLOB PRIMARY KEY, secret_hash BLOB NOT NULL UNIQUE, organization BLOB NOT NULL REFERENCES organizations,
        workspace BLOB NOT NULL REFERENCES workspaces, subject BLOB NOT NULL REFERENCES subjects,
        scopes TEXT NOT NULL, class TEXT, created_at BIGINT NOT NULL, expires_at BIGINT, revoked_at BIGINT
    ) WITHOUT ROWID;
    CREATE TABLE conversations (
        id BLOB PRIMARY KEY, organization BLOB NOT NULL, subject BLOB NOT NULL, created_at BIGINT NOT NULL,
        last_active_at BIGINT NOT NULL, records BIGINT NOT NULL, buckets TEXT NOT NULL, class TEXT NOT NULL,
        policy INTEGER NOT NULL, covered SMALLINT NOT NULL, deleted_at BIGINT, starred_at BIGINT, warned_at BIGINT,
        destroyed_at BIGINT
    ) WITHOUT ROWID;
    CREATE INDEX conversations_subject ON conversations (subject, id);
    CREATE TABLE prefixes (
        place INTEGER PRIMARY KEY, rest BLOB NOT NULL, conversation BLOB NOT NULL, position BIGINT NOT NULL
    );
    CREATE TABLE indexed (bucket TEXT PRIMARY KEY, sequence BIGINT NOT NULL) WITHOUT ROWID;
    CREATE TABLE import_jobs (
        id BLOB PRIMARY KEY, organization BLOB NOT NULL, subject BLOB NOT NULL, source TEXT NOT NULL,
        started_at BIGINT NOT NULL, lines_done BIGINT NOT NULL, accepted BIGINT NOT NULL, rejected BIGINT NOT NULL,
        finished_at BIGINT
    ) WITHOUT ROWID;
    CREATE TABLE outbox (
        sequence INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, organization BLOB NOT NULL, event BLOB NOT NULL
    );
", crate::retention::TABLES, crate::certificates::TABLES, crate::warnings::TABLES, crate::accounts::TABLES, crate::rights::TABLES, crate::consents::TABLES, crate::letters::TABLES, crate::accesses::TABLES, crate::api::TABLES, crate::audit_report::TABLES, crate::compliance_keys::TABLES, crate::compliance_lists::TABLES, crate::activity_outbox::TABLES, crate::audit::TABLES, crate::evidence::TABLES, crate::access_sessions::TABLES, crate::webhooks::TABLES, crate::accesses::PUBLIC_COLUMNS, crate::log_keys::TABLES, crate::mails::TABLES, crate::bulletins::TABLES, crate::access_remarks::TABLES, crate::access_sessions::NOTICES_OF_KEYS];

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationRecord {
    /// Its id.
    pub id: OrganizationId,
    /// Its name.
    pub name: String,
    /// What it has agreed.
    pub terms: OrganizationTerms,
    /// Created when.
    pub created_at: Timestamp,
}

/// What an organisation has agreed with whoever runs this installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrganizationTerms {
    /// Its plan, for people without one of their own.
    pub plan: Plan,
    /// Its governance tier.
    pub tier: Tier,
    /// What was agreed on retention.
    pub agreement: Agreement,
    /// How long conversations are kept under a custom agreement.
    pub custom_retention: Option<RetentionSpan>,
}

/// An organisation to be created with its first workspace.
#[derive(Debug, Clone)]
pub struct NewOrganization {
    /// The organisation.
    pub organization: OrganizationRecord,
    /// Its workspace named `default`.
    pub workspace: WorkspaceId,
}

/// A subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectRecord {
    /// Its id.
    pub id: SubjectId,
    /// Whose.
    pub organization: OrganizationId,
    /// The ledger's name for it; `None` after erasure, once no safety window keeps records sealed to it.
    pub pseudonym: Option<Pseudonym>,
    /// The person's own plan, where it differs from the organisation's.
    pub plan: Option<Plan>,
    /// Whether the person allows training.
    pub training_allowed: bool,
    /// Created when.
    pub created_at: Timestamp,
    /// Account closed when.
    pub closed_at: Option<Timestamp>,
    /// Erased when.
    pub erased_at: Option<Timestamp>,
    /// Whether the person objected to being looked after for safety, and that was granted.
    pub objects_to_safety: bool,
}

/// The control file.
#[derive(Debug)]
pub struct ControlStore {
    pub(crate) file: File,
}

/// A subject to be created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewSubject {
    /// Its id.
    pub id: SubjectId,
    /// Whose.
    pub organization: OrganizationId,
    /// By which the ledger knows it.
    pub pseudonym: Pseudonym,
    /// The keyed digest of its name.
    pub name_digest: [u8; 32],
    /// Seen first when.
    pub created_at: Timestamp,
}

impl crate::resting::Rest for ControlStore {
    fn rest(&self) -> Result<(), StoreError> {
        self.file.rest()
    }
}

impl ControlStore {
    /// Opens or creates the file.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { file: File::open(path, 4_096, Recovery::WriteAhead, MIGRATIONS)? })
    }

    /// Opens the file for [`ControlStore::index`] alone: its commits are not synced, since the records are the truth.
    pub fn open_for_indexing(path: &Path) -> Result<Self, StoreError> {
        let store = Self::open(path)?;
        store.file.relax_durability()?;
        Ok(store)
    }

    /// Opens the file for reading.
    pub fn open_for_reading(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { file: File::open_for_reading(path, MIGRATIONS)? })
    }

    /// Creates an organisation and announces it.
    pub fn create_organization(
        &mut self,
        new: &NewOrganization,
        announcement: &Announcement,
    ) -> Result<(), StoreError> {
        let organization = &new.organization;
        self.file.write("create_organization", |tx| {
            tx.execute(
                "INSERT INTO organizations (id, name, plan, tier, agreement, custom_retention, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    organization.id.as_bytes(),
                    organization.name,
                    organization.terms.plan.name(),
                    organization.terms.tier.name(),
                    organization.terms.agreement.name(),
                    organization.terms.custom_retention.map(|span| span.to_string()),
                    organization.created_at.as_microsecond(),
                ],
            )?;
            insert_workspace(tx, new.workspace, organization.id, "default", organization.created_at)?;
            announce(tx, announcement)
        })
    }

    /// All organisations, oldest first.
    pub fn organizations(&self) -> Result<Vec<OrganizationRecord>, StoreError> {
        self.file.read("organizations", |connection| {
            connection
                .prepare_cached(
                    "SELECT id, name, plan, tier, agreement, custom_retention, created_at
                     FROM organizations ORDER BY id",
                )?
                .query_map([], |row| {
                    Ok(OrganizationRecord {
                        id: OrganizationId::from_bytes(bytes16(row, 0)?),
                        name: row.get(1)?,
                        terms: OrganizationTerms {
                            plan: named(row, 2)?,
                            tier: named(row, 3)?,
                            agreement: named(row, 4)?,
                            custom_retention: optional_named(row, 5)?,
                        },
                        created_at: instant(row, 6)?,
                    })
                })?
                .collect()
        })
    }

    /// A workspace by name, if there.
    pub fn workspace(
        &self,
        organization: OrganizationId,
        name: &str,
    ) -> Result<Option<WorkspaceId>, StoreError> {
        self.file.read("workspace", |connection| {
            connection
                .prepare_cached("SELECT id FROM workspaces WHERE organization = ?1 AND name = ?2")?
                .query_row(params![organization.as_bytes(), name], |row| {
                    Ok(WorkspaceId::from_bytes(bytes16(row, 0)?))
                })
                .optional()
        })
    }

    /// Creates a workspace.
    pub fn create_workspace(
        &mut self,
        id: WorkspaceId,
        organization: OrganizationId,
        name: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.file.write("create_workspace", |tx| insert_workspace(tx, id, organization, name, now))
    }

    /// Creates subjects, all or none.
    pub fn create_subjects(&mut self, subjects: &[NewSubject]) -> Result<(), StoreError> {
        self.file.write("create_subjects", |tx| {
            let mut insert = tx.prepare_cached(
                "INSERT INTO subjects (id, organization, pseudonym, name_digest, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?;
            for new in subjects {
                insert.execute(params![
                    new.id.as_bytes(),
                    new.organization.as_bytes(),
                    new.pseudonym.as_bytes(),
                    new.name_digest,
                    new.created_at.as_microsecond()
                ])?;
            }
            Ok(())
        })
    }

    /// A subject by the keyed digest of its name.
    pub fn subject_named(
        &self,
        organization: OrganizationId,
        name_digest: [u8; 32],
    ) -> Result<Option<SubjectRecord>, StoreError> {
        self.file.read("subject_named", |connection| {
            connection
                .prepare_cached(&format!("{SUBJECT} WHERE organization = ?1 AND name_digest = ?2"))?
                .query_row(params![organization.as_bytes(), name_digest], subject)
                .optional()
        })
    }

    /// One subject.
    pub fn subject(&self, id: SubjectId) -> Result<Option<SubjectRecord>, StoreError> {
        self.file.read("subject", |connection| {
            connection
                .prepare_cached(&format!("{SUBJECT} WHERE id = ?1"))?
                .query_row([id.as_bytes()], subject)
                .optional()
        })
    }

    /// The subject whom the ledger knows by a pseudonym, as long as that is known.
    pub fn subject_behind(&self, pseudonym: Pseudonym) -> Result<Option<SubjectId>, StoreError> {
        self.file.read("subject_behind", |connection| {
            connection
                .prepare_cached("SELECT id FROM subjects WHERE pseudonym = ?1")?
                .query_row([pseudonym.as_bytes()], |row| Ok(SubjectId::from_bytes(bytes16(row, 0)?)))
                .optional()
        })
    }

    /// The subjects of an organisation, oldest first, with the number of their living conversations and whether there is an
    /// address to which warnings go.
    pub fn subjects(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<(SubjectRecord, u64, bool)>, StoreError> {
        self.file.read("subjects", |connection| {
            connection
                .prepare_cached(
                    "SELECT id, organization, pseudonym, plan, training_allowed, created_at, closed_at, erased_at,
                        EXISTS (SELECT 1 FROM objections o WHERE o.subject = s.id AND o.ground = 'safety-window'),
                        (SELECT count(*) FROM conversations c WHERE c.subject = s.id AND c.destroyed_at IS NULL),
                        EXISTS (SELECT 1 FROM subject_contacts t WHERE t.subject = s.id AND t.key IS NOT NULL)
                     FROM subjects s WHERE organization = ?1 ORDER BY id",
                )?
                .query_map([organization.as_bytes()], |row| Ok((subject(row)?, row.get(9)?, row.get(10)?)))?
                .collect()
        })
    }

    /// Marks a subject erased, forgets its name digest and what its imports were called, revokes its keys, and announces
    /// it. The pseudonym is forgotten too unless a safety window keeps records that are sealed to it. The bytes are gone
    /// from the disk after [`Self::empty_wal`].
    pub fn erase_subject(
        &mut self,
        id: SubjectId,
        now: Timestamp,
        keep_pseudonym: bool,
        announcement: Option<&Announcement>,
    ) -> Result<(), StoreError> {
        self.file.write("erase_subject", |tx| {
            tx.execute(
                "UPDATE subjects SET pseudonym = CASE WHEN ?3 THEN pseudonym END, name_digest = NULL, erased_at = ?2
                 WHERE id = ?1 AND erased_at IS NULL",
                params![id.as_bytes(), now.as_microsecond(), keep_pseudonym],
            )?;
            tx.execute(
                "UPDATE virtual_keys SET revoked_at = ?2 WHERE subject = ?1 AND revoked_at IS NULL",
                params![id.as_bytes(), now.as_microsecond()],
            )?;
            tx.execute("UPDATE import_jobs SET source = '' WHERE subject = ?1", [id.as_bytes()])?;
            crate::certificates::forget_subject(tx, id)?;
            crate::rights::forget_subject(tx, id)?;
            crate::warnings::forget_subject(tx, id)?;
            crate::letters::forget_subject(tx, id)?;
            crate::api::forget_subject(tx, id)?;
            crate::accounts::forget_subject(tx, id)?;
            crate::consents::forget_subject(tx, id)?;
            crate::accesses::forget_subject(tx, id)?;
            announcement.map_or(Ok(()), |announcement| announce(tx, announcement))
        })
    }

    /// Erased subjects whose pseudonym is still known, because a safety window kept records of theirs.
    pub fn erased_with_pseudonym(&self) -> Result<Vec<SubjectId>, StoreError> {
        self.file.read("erased_with_pseudonym", |connection| {
            connection
                .prepare_cached(
                    "SELECT id FROM subjects WHERE erased_at IS NOT NULL AND pseudonym IS NOT NULL",
                )?
                .query_map([], |row| Ok(SubjectId::from_bytes(bytes16(row, 0)?)))?
                .collect()
        })
    }

    /// Forgets the pseudonyms of erased subjects. The bytes are gone from the disk after [`Self::empty_wal`].
    pub fn forget_pseudonyms(&mut self, erased: &[SubjectId]) -> Result<(), StoreError> {
        self.file.write("forget_pseudonyms", |tx| {
            for id in erased {
                tx.prepare_cached(
                    "UPDATE subjects SET pseudonym = NULL WHERE id = ?1 AND erased_at IS NOT NULL",
                )?
                .execute([id.as_bytes()])?;
            }
            Ok(())
        })
    }

    /// The id of a member of staff, made on first use.
    pub fn person(&mut self, name: &str, fresh: PersonId, now: Timestamp) -> Result<PersonId, StoreError> {
        self.file.write("person", |tx| {
            tx.execute(
                "INSERT INTO people (id, name, created_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO NOTHING",
                params![fresh.as_bytes(), name, now.as_microsecond()],
            )?;
            tx.query_row("SELECT id FROM people WHERE name = ?1", [name], |row| {
                Ok(PersonId::from_bytes(bytes16(row, 0)?))
            })
        })
    }

    /// Puts a fact in the control outbox.
    pub fn announce(&mut self, announcement: &Announcement) -> Result<(), StoreError> {
        self.file.write("announce", |tx| announce(tx, announcement))
    }

    /// Facts that the ledger may not have taken yet, oldest first.
    pub fn outbox(&self, limit: u32) -> Result<Vec<Announcement>, StoreError> {
        self.file.read("outbox", |connection| waiting(connection, limit))
    }

    /// Removes facts that the ledger has taken.
    pub fn forget_delivered(&mut self, delivered: &[[u8; 16]]) -> Result<(), StoreError> {
        self.file.write("forget_delivered", |tx| forget(tx, delivered))
    }

    /// SQLite's own check of the file.
    pub fn problem(&self) -> Result<Option<String>, StoreError> {
        self.file.problem()
    }

    /// Empties the write-ahead log.
    pub fn empty_wal(&self) -> Result<(), StoreError> {
        self.file.empty_wal()
    }
}

const SUBJECT: &str = "SELECT id, organization, pseudonym, plan, training_allowed, created_at, closed_at, erased_at,
    EXISTS (SELECT 1 FROM objections o WHERE o.subject = subjects.id AND o.ground = 'safety-window') FROM subjects";

fn insert_workspace(
    tx: &rusqlite::Transaction<'_>,
    id: WorkspaceId,
    organization: OrganizationId,
    name: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO workspaces (id, organization, name, created_at) VALUES (?1, ?2, ?3, ?4)",
        params![id.as_bytes(), organization.as_bytes(), name, now.as_microsecond()],
    )
    .map(drop)
}

pub(crate) fn subject(row: &rusqlite::Row<'_>) -> rusqlite::Result<SubjectRecord> {
    let pseudonym: Option<[u8; 16]> = row.get(2)?;
    Ok(SubjectRecord {
        id: SubjectId::from_bytes(bytes16(row, 0)?),
        organization: OrganizationId::from_bytes(bytes16(row, 1)?),
        pseudonym: pseudonym.map(Pseudonym::from_bytes),
        plan: optional_named(row, 3)?,
        training_allowed: row.get(4)?,
        created_at: instant(row, 5)?,
        closed_at: optional_instant(row, 6)?,
        erased_at: optional_instant(row, 7)?,
        objects_to_safety: row.get(8)?,
    })
}

/// A value that is stored by its name.
pub(crate) fn named<T>(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let name: String = row.get(column)?;
    name.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

/// As [`named`], for a column that may be empty.
pub(crate) fn optional_named<T>(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<T>>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let name: Option<String> = row.get(column)?;
    name.map(|_| named(row, column)).transpose()
}
