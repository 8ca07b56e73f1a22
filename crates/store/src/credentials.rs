//! Virtual keys in `control.db`.

use fiducia_policy::{OrganizationId, RecordClass, SubjectId, Timestamp, VirtualKeyId, WorkspaceId};
use rusqlite::params;

use crate::connection::{bytes16, fixed, instant, optional_instant};
use crate::control::optional_named;
use crate::outbox::{Announcement, announce};
use crate::{ControlStore, StoreError};

/// A virtual key as stored: with the hash of its secret, never the secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VirtualKeyRecord {
    /// Its id.
    pub id: VirtualKeyId,
    /// SHA-256 of the secret. The secret has 256 random bits, so a plain hash gives nothing away.
    pub secret_hash: [u8; 32],
    /// Whose.
    pub organization: OrganizationId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Name of its workspace.
    pub workspace_name: String,
    /// The subject it speaks for.
    pub subject: SubjectId,
    /// Whether its workspace has agreed to what covered models need.
    pub covered_models: bool,
    /// Scope names, separated by spaces.
    pub scopes: String,
    /// The class of what it captures, where it is not the plan's own.
    pub class: Option<RecordClass>,
    /// Created when.
    pub created_at: Timestamp,
    /// Stops working when.
    pub expires_at: Option<Timestamp>,
    /// Revoked when.
    pub revoked_at: Option<Timestamp>,
}

impl ControlStore {
    /// Stores a virtual key and announces it.
    pub fn create_virtual_key(
        &mut self,
        key: &VirtualKeyRecord,
        announcement: &Announcement,
    ) -> Result<(), StoreError> {
        self.file.write("create_virtual_key", |tx| {
            tx.execute(
                "INSERT INTO virtual_keys (id, secret_hash, organization, workspace, subject, scopes, class,
                    created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    key.id.as_bytes(),
                    key.secret_hash,
                    key.organization.as_bytes(),
                    key.workspace.as_bytes(),
                    key.subject.as_bytes(),
                    key.scopes,
                    key.class.map(RecordClass::name),
                    key.created_at.as_microsecond(),
                    key.expires_at.map(Timestamp::as_microsecond),
                ],
            )?;
            announce(tx, announcement)
        })
    }

    /// Revokes a virtual key and announces it; `false` when it was not alive.
    pub fn revoke_virtual_key(
        &mut self,
        id: VirtualKeyId,
        now: Timestamp,
        announcement: &Announcement,
    ) -> Result<bool, StoreError> {
        self.file.write("revoke_virtual_key", |tx| {
            let changed = tx.execute(
                "UPDATE virtual_keys SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
                params![id.as_bytes(), now.as_microsecond()],
            )?;
            if changed > 0 {
                announce(tx, announcement)?;
            }
            Ok(changed > 0)
        })
    }

    /// All virtual keys, oldest first.
    pub fn virtual_keys(&self) -> Result<Vec<VirtualKeyRecord>, StoreError> {
        self.file.read("virtual_keys", |connection| {
            connection
                .prepare_cached(
                    "SELECT k.id, secret_hash, k.organization, workspace, w.name, subject, scopes, k.created_at,
                        expires_at, revoked_at, k.class, w.covered_models
                     FROM virtual_keys k JOIN workspaces w ON w.id = k.workspace ORDER BY k.id",
                )?
                .query_map([], |row| {
                    Ok(VirtualKeyRecord {
                        id: VirtualKeyId::from_bytes(bytes16(row, 0)?),
                        secret_hash: fixed(row, 1)?,
                        organization: OrganizationId::from_bytes(bytes16(row, 2)?),
                        workspace: WorkspaceId::from_bytes(bytes16(row, 3)?),
                        workspace_name: row.get(4)?,
                        subject: SubjectId::from_bytes(bytes16(row, 5)?),
                        scopes: row.get(6)?,
                        created_at: instant(row, 7)?,
                        expires_at: optional_instant(row, 8)?,
                        revoked_at: optional_instant(row, 9)?,
                        class: optional_named(row, 10)?,
                        covered_models: row.get(11)?,
                    })
                })?
                .collect()
        })
    }
}
