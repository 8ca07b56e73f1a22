//! Keys that a key management service wraps: the installation's key, and those of organisations with a key of their own.
//!
//! Such a key has a row here instead of an edge. A new wrap lies beside the old one as a candidate until it was read back
//! and opened; then one transaction puts it in the old one's place. Whatever a crash cuts off, the path that was there is
//! there, and a candidate is dropped when the file is opened next.

use fiducia_policy::{KeyId, OrganizationId, Timestamp};
use rusqlite::{OptionalExtension, params};

use crate::connection::{bytes16, instant};
use crate::keys::{Edge, KeyNode, KeyStore, insert_node};
use crate::{Announcement, KeyKind, StoreError};

/// The third step of `keys.db`.
///
/// INVARIANT: a key has at most one current wrap and at most one candidate. What a change means for the log lies in
/// `key_events` from the transaction that makes it true until `control.db` has it.
pub(crate) const TABLES: &str = "
    CREATE TABLE service_wraps (
        child BLOB NOT NULL, is_candidate INTEGER NOT NULL CHECK (is_candidate IN (0, 1)), service TEXT NOT NULL,
        service_key TEXT NOT NULL, version TEXT NOT NULL, wrap BLOB NOT NULL, wrapped_at BIGINT NOT NULL,
        PRIMARY KEY (child, is_candidate)
    ) WITHOUT ROWID;
    CREATE TABLE key_events (
        sequence INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, organization BLOB NOT NULL, event BLOB NOT NULL
    );
";

/// A key as a key management service wrapped it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceWrap {
    /// The wrapped key.
    pub child: KeyId,
    /// The service's name in the configuration; `keyfile` for the installation's file.
    pub service: String,
    /// The name of the key at the service, empty for a keyfile.
    pub service_key: String,
    /// Which version of that key wrapped it, where the service says so.
    pub version: String,
    /// The wrap.
    pub wrap: Vec<u8>,
    /// When it was made.
    pub wrapped_at: Timestamp,
}

impl KeyStore {
    /// Adds a key that a service wraps.
    pub fn add_service_key(&mut self, node: &KeyNode, wrap: &ServiceWrap) -> Result<(), StoreError> {
        self.file.write("add_service_key", |tx| {
            insert_node(tx, node)?;
            put(tx, wrap, false)
        })
    }

    /// The current wrap of a key, if a service wraps it.
    pub fn service_wrap(&self, child: KeyId) -> Result<Option<ServiceWrap>, StoreError> {
        self.wrap_of(child, false)
    }

    /// The wrap that waits to take the current one's place.
    pub fn candidate_wrap(&self, child: KeyId) -> Result<Option<ServiceWrap>, StoreError> {
        self.wrap_of(child, true)
    }

    fn wrap_of(&self, child: KeyId, is_candidate: bool) -> Result<Option<ServiceWrap>, StoreError> {
        self.file.read("service_wrap", |connection| {
            connection
                .prepare_cached(
                    "SELECT child, service, service_key, version, wrap, wrapped_at FROM service_wraps
                     WHERE child = ?1 AND is_candidate = ?2",
                )?
                .query_row(params![child.as_bytes(), is_candidate], service_wrap)
                .optional()
        })
    }

    /// All current wraps, with whose key it is.
    pub fn service_wraps(&self) -> Result<Vec<(OrganizationId, ServiceWrap)>, StoreError> {
        self.file.read("service_wraps", |connection| {
            connection
                .prepare_cached(
                    "SELECT w.child, w.service, w.service_key, w.version, w.wrap, w.wrapped_at, n.organization
                     FROM service_wraps w JOIN nodes n ON n.id = w.child
                     WHERE w.is_candidate = 0 AND n.destroyed_at IS NULL ORDER BY n.organization",
                )?
                .query_map([], |row| Ok((OrganizationId::from_bytes(bytes16(row, 6)?), service_wrap(row)?)))?
                .collect()
        })
    }

    /// Puts a candidate beside whatever opens the key now; a former candidate goes.
    pub fn stage_service_wrap(&mut self, candidate: &ServiceWrap) -> Result<(), StoreError> {
        self.file.write("stage_service_wrap", |tx| put(tx, candidate, true))
    }

    /// Puts the candidate in the place of the current wrap or of the edge, which is overwritten. Gives whether there was a
    /// candidate; without one nothing changes. Bytes of the former wrap are gone after [`Self::empty_wal`].
    pub fn promote_service_wrap(&mut self, child: KeyId, facts: &[Announcement]) -> Result<bool, StoreError> {
        self.file.write("promote_service_wrap", |tx| {
            let is_there = tx
                .prepare_cached("SELECT 1 FROM service_wraps WHERE child = ?1 AND is_candidate = 1")?
                .exists([child.as_bytes()])?;
            if is_there {
                let child = child.as_bytes();
                tx.execute("DELETE FROM edges WHERE child = ?1", [child])?;
                tx.execute("DELETE FROM service_wraps WHERE child = ?1 AND is_candidate = 0", [child])?;
                tx.execute("UPDATE service_wraps SET is_candidate = 0 WHERE child = ?1", [child])?;
                note(tx, facts)?;
            }
            Ok(is_there)
        })
    }

    /// Puts an edge beside the wrap of a service: the first step of taking the service away.
    pub fn stage_edge(&mut self, edge: &Edge) -> Result<(), StoreError> {
        self.file.write("stage_edge", |tx| put_edge(tx, edge))
    }

    /// Takes the service's wrap away, which is overwritten, where an edge is there to take its place. Gives whether it was.
    /// Bytes of the former wrap are gone after [`Self::empty_wal`].
    pub fn promote_edge(&mut self, child: KeyId, facts: &[Announcement]) -> Result<bool, StoreError> {
        self.file.write("promote_edge", |tx| {
            let is_there =
                tx.prepare_cached("SELECT 1 FROM edges WHERE child = ?1")?.exists([child.as_bytes()])?;
            if is_there {
                tx.execute("DELETE FROM service_wraps WHERE child = ?1", [child.as_bytes()])?;
                note(tx, facts)?;
            }
            Ok(is_there)
        })
    }

    /// What changes of keys mean for the log and `control.db` may not have yet, oldest first.
    pub fn key_events(&self, limit: u32) -> Result<Vec<Announcement>, StoreError> {
        self.file.read("key_events", |connection| {
            connection
                .prepare_cached("SELECT id, organization, event FROM key_events ORDER BY sequence LIMIT ?1")?
                .query_map([limit], |row| {
                    Ok(Announcement {
                        id: bytes16(row, 0)?,
                        organization: OrganizationId::from_bytes(bytes16(row, 1)?),
                        event: row.get(2)?,
                    })
                })?
                .collect()
        })
    }

    /// Removes events that `control.db` has.
    pub fn forget_key_events(&mut self, events: &[Announcement]) -> Result<(), StoreError> {
        self.file.write("forget_key_events", |tx| {
            for event in events {
                tx.prepare_cached("DELETE FROM key_events WHERE id = ?1")?.execute([event.id])?;
            }
            Ok(())
        })
    }

    /// Drops what an interrupted change left: candidates, and edges beside the wrap of a service. Gives how many.
    pub fn drop_staged_paths(&mut self) -> Result<usize, StoreError> {
        let dropped = self.file.write("drop_staged_paths", |tx| {
            let candidates = tx.execute("DELETE FROM service_wraps WHERE is_candidate = 1", [])?;
            let edges =
                tx.execute("DELETE FROM edges WHERE child IN (SELECT child FROM service_wraps)", [])?;
            Ok(candidates + edges)
        })?;
        if dropped > 0 {
            self.file.empty_wal()?;
        }
        Ok(dropped)
    }

    /// Living keys that an earlier version of the program hung from the keyfile itself, at most `limit`.
    pub fn unadopted_roots(&self, limit: u32) -> Result<Vec<KeyNode>, StoreError> {
        self.nodes(
            "destroyed_at IS NULL AND id IN (SELECT child FROM edges WHERE parent = zeroblob(16) LIMIT ?1)",
            [limit],
        )
    }

    /// Hangs keys from other parents than before, all or none. The former wraps are overwritten.
    ///
    /// # Errors
    /// [`StoreError::WalBusy`] when they hang there and bytes of the former wraps may linger in the log.
    pub fn rehang(&mut self, edges: &[Edge]) -> Result<(), StoreError> {
        self.file.write("rehang", |tx| {
            for edge in edges {
                tx.prepare_cached("DELETE FROM edges WHERE child = ?1")?.execute([edge.child.as_bytes()])?;
                put_edge(tx, edge)?;
            }
            Ok(())
        })?;
        self.file.empty_wal()
    }

    /// The key from which an organisation's roots hang, if it was made.
    pub fn organization_key(&self, organization: OrganizationId) -> Result<Option<KeyNode>, StoreError> {
        self.root(organization, KeyKind::OrganizationKey, "")
    }
}

fn note(tx: &rusqlite::Transaction<'_>, facts: &[Announcement]) -> rusqlite::Result<()> {
    for fact in facts {
        tx.prepare_cached("INSERT INTO key_events (id, organization, event) VALUES (?1, ?2, ?3)")?
            .execute(params![fact.id, fact.organization.as_bytes(), fact.event])?;
    }
    Ok(())
}

fn put(tx: &rusqlite::Transaction<'_>, wrap: &ServiceWrap, is_candidate: bool) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO service_wraps
         (child, is_candidate, service, service_key, version, wrap, wrapped_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        wrap.child.as_bytes(),
        is_candidate,
        wrap.service,
        wrap.service_key,
        wrap.version,
        wrap.wrap,
        wrap.wrapped_at.as_microsecond(),
    ])
    .map(drop)
}

fn put_edge(tx: &rusqlite::Transaction<'_>, edge: &Edge) -> rusqlite::Result<()> {
    let parent = edge.parent.map_or([0; 16], |parent| *parent.as_bytes());
    tx.prepare_cached("INSERT OR REPLACE INTO edges (child, parent, wrap) VALUES (?1, ?2, ?3)")?
        .execute(params![edge.child.as_bytes(), parent, edge.wrap])
        .map(drop)
}

fn service_wrap(row: &rusqlite::Row<'_>) -> rusqlite::Result<ServiceWrap> {
    Ok(ServiceWrap {
        child: KeyId::from_bytes(bytes16(row, 0)?),
        service: row.get(1)?,
        service_key: row.get(2)?,
        version: row.get(3)?,
        wrap: row.get(4)?,
        wrapped_at: instant(row, 5)?,
    })
}
