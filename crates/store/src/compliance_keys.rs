//! Compliance access keys, in `control.db`. Of a secret only its SHA-256 is kept, and of a deleted key not even that.

use fiducia_policy::{ComplianceKeyId, ComplianceScopes, OrganizationId, PersonId, Timestamp};
use rusqlite::{OptionalExtension, params};

use crate::connection::{bytes16, fixed, instant, optional_instant};
use crate::control::named;
use crate::outbox::{Announcement, announce};
use crate::{ControlStore, StoreError};

/// The tables of this module, a step of `control.db`.
pub(crate) const TABLES: &str = "
    CREATE TABLE compliance_keys (
        id BLOB PRIMARY KEY, secret_digest BLOB UNIQUE, organization BLOB REFERENCES organizations, name TEXT NOT NULL,
        scopes TEXT NOT NULL, created_at BIGINT NOT NULL, created_by BLOB NOT NULL, deleted_at BIGINT
    ) WITHOUT ROWID;
    CREATE INDEX subjects_pseudonym ON subjects (pseudonym) WHERE pseudonym IS NOT NULL;
    CREATE TRIGGER compliance_keys_keep_their_reach BEFORE UPDATE OF id, organization, scopes, created_at, created_by
    ON compliance_keys
    BEGIN SELECT RAISE(ABORT, 'what a compliance access key reaches and permits never changes'); END;
";

/// A compliance access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComplianceKeyRecord {
    /// Its id.
    pub id: ComplianceKeyId,
    /// SHA-256 of the secret; `None` once the key is deleted.
    pub secret_digest: Option<[u8; 32]>,
    /// The one organisation that it reaches; `None` for every organisation of the installation.
    pub organization: Option<OrganizationId>,
    /// What its owner calls it.
    pub name: String,
    /// What it permits.
    pub scopes: ComplianceScopes,
    /// Created when.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: PersonId,
    /// Deleted when.
    pub deleted_at: Option<Timestamp>,
}

impl ControlStore {
    /// Stores a new key and announces it in the log of every organisation that it reaches.
    pub fn create_compliance_key(
        &mut self,
        key: &ComplianceKeyRecord,
        announcements: &[Announcement],
    ) -> Result<(), StoreError> {
        self.file.write("create_compliance_key", |tx| {
            tx.execute(
                "INSERT INTO compliance_keys (id, secret_digest, organization, name, scopes, created_at, created_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    key.id.as_bytes(),
                    key.secret_digest,
                    key.organization.map(|id| *id.as_bytes()),
                    key.name,
                    key.scopes.to_string(),
                    key.created_at.as_microsecond(),
                    key.created_by.as_bytes(),
                ],
            )?;
            announcements.iter().try_for_each(|announcement| announce(tx, announcement))
        })
    }

    /// The key whose secret has this digest. A deleted key has none.
    pub fn compliance_key_with_secret(
        &self,
        digest: [u8; 32],
    ) -> Result<Option<ComplianceKeyRecord>, StoreError> {
        self.file.read("compliance_key_with_secret", |connection| {
            connection
                .prepare_cached(&format!("{KEY} WHERE secret_digest = ?1"))?
                .query_row([digest], key)
                .optional()
        })
    }

    /// One key, also when it is deleted.
    pub fn compliance_key(&self, id: ComplianceKeyId) -> Result<Option<ComplianceKeyRecord>, StoreError> {
        self.file.read("compliance_key", |connection| {
            connection
                .prepare_cached(&format!("{KEY} WHERE id = ?1"))?
                .query_row([id.as_bytes()], key)
                .optional()
        })
    }

    /// Keys, oldest first: all, or those that reach this organisation.
    pub fn compliance_keys(
        &self,
        organization: Option<OrganizationId>,
    ) -> Result<Vec<ComplianceKeyRecord>, StoreError> {
        self.file.read("compliance_keys", |connection| {
            connection
                .prepare_cached(&format!(
                    "{KEY} WHERE ?1 IS NULL OR organization IS NULL OR organization = ?1 ORDER BY id"
                ))?
                .query_map([organization.map(|id| *id.as_bytes())], key)?
                .collect()
        })
    }

    /// Deletes a key, forgets its secret's digest, and announces it. `false`, and nothing is changed, when it was deleted
    /// before.
    pub fn delete_compliance_key(
        &mut self,
        id: ComplianceKeyId,
        now: Timestamp,
        announcements: &[Announcement],
    ) -> Result<bool, StoreError> {
        self.file.write("delete_compliance_key", |tx| {
            let deleted = tx.execute(
                "UPDATE compliance_keys SET deleted_at = ?2, secret_digest = NULL
                 WHERE id = ?1 AND deleted_at IS NULL",
                params![id.as_bytes(), now.as_microsecond()],
            )?;
            if deleted == 1 {
                announcements.iter().try_for_each(|announcement| announce(tx, announcement))?;
            }
            Ok(deleted == 1)
        })
    }
}

const KEY: &str = "SELECT id, secret_digest, organization, name, scopes, created_at, created_by, deleted_at \
     FROM compliance_keys";

fn key(row: &rusqlite::Row<'_>) -> rusqlite::Result<ComplianceKeyRecord> {
    let is_null = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)? == rusqlite::types::ValueRef::Null);
    Ok(ComplianceKeyRecord {
        id: ComplianceKeyId::from_bytes(bytes16(row, 0)?),
        secret_digest: if is_null(1)? { None } else { Some(fixed(row, 1)?) },
        organization: if is_null(2)? { None } else { Some(OrganizationId::from_bytes(bytes16(row, 2)?)) },
        name: row.get(3)?,
        scopes: named(row, 4)?,
        created_at: instant(row, 5)?,
        created_by: PersonId::from_bytes(bytes16(row, 6)?),
        deleted_at: optional_instant(row, 7)?,
    })
}
