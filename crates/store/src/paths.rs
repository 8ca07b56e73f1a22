//! The paths of purposes that people are asked about: edges that exist only while consent is given.
//!
//! They lie in a table of their own, so that a key's one edge to the person's own use is never confused with them, and the
//! file itself refuses what must not be: a path to a key that may never train, a path past the subject's key, a key of
//! another organisation, a key that changes its kind.

use fiducia_policy::{KeyId, Timestamp};
use rusqlite::{OptionalExtension, params};

use crate::keys::{Edge, KeyNode, KeyStore, insert};
use crate::{KeyKind, StoreError};

/// The second step of `keys.db`.
///
/// INVARIANT: whatever the program does, no consent edge leads to a key of a kind that may not have one.
pub(crate) const TABLES: &str = "
    CREATE TABLE consent_edges (
        child BLOB NOT NULL, parent BLOB NOT NULL, wrap BLOB NOT NULL, PRIMARY KEY (child, parent)
    ) WITHOUT ROWID;
    CREATE INDEX consent_edges_parent ON consent_edges (parent, child);
    CREATE INDEX nodes_replacing ON nodes (id) WHERE replaced_by IS NOT NULL AND destroyed_at IS NULL;
    CREATE TRIGGER consent_edges_lead_to_subjects BEFORE INSERT ON consent_edges
    WHEN NOT EXISTS (
        SELECT 1 FROM nodes c JOIN nodes p ON p.id = NEW.parent
        WHERE c.id = NEW.child AND c.organization = p.organization AND p.kind = 'purpose-root'
            AND c.destroyed_at IS NULL AND p.destroyed_at IS NULL
            AND (c.kind = 'subject' OR (c.kind = 'subject-feedback' AND p.label = 'feedback'))
    )
    BEGIN SELECT RAISE(ABORT, 'no path of consent may lead to this key'); END;
    CREATE TRIGGER consent_edges_stay BEFORE UPDATE ON consent_edges
    BEGIN SELECT RAISE(ABORT, 'an edge of consent is made or destroyed, never changed'); END;
    CREATE TRIGGER edges_not_from_purposes BEFORE INSERT ON edges
    WHEN EXISTS (SELECT 1 FROM nodes WHERE id = NEW.parent AND kind = 'purpose-root')
    BEGIN SELECT RAISE(ABORT, 'only consent edges lead from the root of a purpose'); END;
    CREATE TRIGGER nodes_keep_their_kind BEFORE UPDATE OF kind, organization, subject, label ON nodes
    BEGIN SELECT RAISE(ABORT, 'a key never changes what it is for'); END;
";

/// Changes of paths that become true together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathChange {
    /// Keys that are made.
    pub keys: Vec<(KeyNode, Edge)>,
    /// Paths that are destroyed: subject's key, root of the purpose.
    pub close: Vec<(KeyId, KeyId)>,
    /// Paths that are made: subject's key, root of the purpose, wrap. One that is there already stays as it is.
    pub open: Vec<(KeyId, KeyId, Vec<u8>)>,
    /// Keys from which nothing new hangs any more, each with the one that takes its place.
    pub replace: Vec<(KeyId, KeyId)>,
    /// Keys that hang from another parent from now on.
    pub moved: Vec<Edge>,
    /// Replaced keys from which nothing hangs: they are destroyed at once, where that is still so.
    pub bare: Vec<(KeyId, Timestamp)>,
}

impl PathChange {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl KeyStore {
    /// Changes paths, durably, all or none. What was destroyed is overwritten, and the write-ahead log emptied.
    ///
    /// # Errors
    /// [`StoreError::WalBusy`] when the change is made but bytes of destroyed edges may linger in the log.
    pub fn change_paths(&mut self, change: &PathChange) -> Result<(), StoreError> {
        self.file.write("change_paths", |tx| {
            insert(tx, &change.keys)?;
            let mut close =
                tx.prepare_cached("DELETE FROM consent_edges WHERE child = ?1 AND parent = ?2")?;
            for (child, root) in &change.close {
                close.execute(params![child.as_bytes(), root.as_bytes()])?;
            }
            let mut open = tx.prepare_cached(
                "INSERT INTO consent_edges (child, parent, wrap) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            )?;
            for (child, root, wrap) in &change.open {
                open.execute(params![child.as_bytes(), root.as_bytes(), wrap])?;
            }
            let mut replace = tx.prepare_cached("UPDATE nodes SET replaced_by = ?2 WHERE id = ?1")?;
            for (old, new) in &change.replace {
                replace.execute(params![old.as_bytes(), new.as_bytes()])?;
            }
            let mut forget = tx.prepare_cached("DELETE FROM edges WHERE child = ?1")?;
            let mut hang =
                tx.prepare_cached("INSERT INTO edges (child, parent, wrap) VALUES (?1, ?2, ?3)")?;
            for edge in &change.moved {
                let Some(parent) = edge.parent else { continue };
                // A key that was destroyed meanwhile stays so.
                if forget.execute([edge.child.as_bytes()])? > 0 {
                    hang.execute(params![edge.child.as_bytes(), parent.as_bytes(), edge.wrap])?;
                }
            }
            for (key, now) in &change.bare {
                let destroyed = tx
                    .prepare_cached(
                        "UPDATE nodes SET destroyed_at = ?2 WHERE id = ?1 AND replaced_by IS NOT NULL
                         AND NOT EXISTS (SELECT 1 FROM edges WHERE parent = ?1)",
                    )?
                    .execute(params![key.as_bytes(), now.as_microsecond()])?;
                if destroyed > 0 {
                    tx.execute("DELETE FROM edges WHERE child = ?1", [key.as_bytes()])?;
                    tx.execute("DELETE FROM consent_edges WHERE child = ?1", [key.as_bytes()])?;
                }
            }
            Ok(())
        })?;
        if change.close.is_empty() && change.moved.is_empty() && change.bare.is_empty() {
            Ok(())
        } else {
            self.file.empty_wal()
        }
    }

    /// The wrap of a subject's key under the root of a purpose, while consent is given.
    pub fn consent_edge(&self, child: KeyId, root: KeyId) -> Result<Option<Vec<u8>>, StoreError> {
        self.file.read("consent_edge", |connection| {
            connection
                .prepare_cached("SELECT wrap FROM consent_edges WHERE child = ?1 AND parent = ?2")?
                .query_row(params![child.as_bytes(), root.as_bytes()], |row| row.get(0))
                .optional()
        })
    }

    /// The roots of purposes from which a path leads to a subject's key.
    pub fn consent_roots(&self, child: KeyId) -> Result<Vec<KeyId>, StoreError> {
        self.file.read("consent_roots", |connection| {
            connection
                .prepare_cached("SELECT parent FROM consent_edges WHERE child = ?1 ORDER BY parent")?
                .query_map([child.as_bytes()], |row| {
                    Ok(KeyId::from_bytes(crate::connection::bytes16(row, 0)?))
                })?
                .collect()
        })
    }

    /// How many paths of consent there are.
    pub fn consent_paths(&self) -> Result<u64, StoreError> {
        self.file.read("consent_paths", |connection| {
            connection.query_row("SELECT count(*) FROM consent_edges", [], |row| row.get(0))
        })
    }

    /// Destroys a subject's key that was replaced, if nothing hangs from it any more. Gives whether it did.
    ///
    /// # Errors
    /// [`StoreError::WalBusy`] when the key is gone but its bytes may linger in the log.
    pub fn destroy_if_bare(&mut self, key: KeyId, now: Timestamp) -> Result<bool, StoreError> {
        let is_bare = self.file.read("is_bare", |connection| {
            connection
                .prepare_cached(
                    "SELECT NOT EXISTS (SELECT 1 FROM edges WHERE parent = ?1)
                        AND EXISTS (SELECT 1 FROM nodes WHERE id = ?1 AND replaced_by IS NOT NULL)",
                )?
                .query_row([key.as_bytes()], |row| row.get(0))
        })?;
        if is_bare {
            self.destroy(&[key], now)?;
        }
        Ok(is_bare)
    }

    /// The kind of the key from which another hangs for the person's own use.
    pub fn parent_kind(&self, child: KeyId) -> Result<Option<KeyKind>, StoreError> {
        let parent = self.edge(child)?.and_then(|edge| edge.parent);
        Ok(parent.map(|parent| self.node(parent)).transpose()?.flatten().map(|node| node.kind))
    }
}
