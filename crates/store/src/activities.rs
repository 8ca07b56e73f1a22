//! `activities.db`: the activity feed, a projection of the ledger with what only the feed tells beside it.
//!
//! Rows are entered and, after years, dropped; they are never changed. Names of types, organisations and actors are numbers in a
//! row, so that ten million rows and the indexes for every filter stay small. A page is merged from one stream for each
//! organisation, type and actor that is asked for; each stream is a range of one index, so what a page costs does not depend on how
//! many rows there are.

mod arrivals;
mod page;

use std::path::Path;

use fiducia_policy::{ActivityId, OrganizationId, Timestamp};
use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::StoreError;
use crate::connection::{File, Recovery, fixed};

pub use page::{ActivityFilter, ActivityKey, STREAMS_MAX};

/// Bytes of a page of the file. Rows are some hundred bytes.
const PAGE_BYTES: u32 = 8_192;

const MIGRATIONS: &[&str] = &["
    CREATE TABLE kinds (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE organizations (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE);
    CREATE TABLE actors (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE);
    CREATE TABLE activities (
        created_at BIGINT NOT NULL, id BLOB NOT NULL, organization INTEGER NOT NULL, kind INTEGER NOT NULL, actor INTEGER,
        body BLOB NOT NULL, PRIMARY KEY (created_at, id)
    ) WITHOUT ROWID;
    CREATE INDEX activities_organization ON activities (organization, created_at, id);
    CREATE INDEX activities_kind ON activities (organization, kind, created_at, id);
    CREATE INDEX activities_actor ON activities (organization, actor, created_at, id) WHERE actor IS NOT NULL;
    CREATE INDEX activities_actor_kind ON activities (organization, actor, kind, created_at, id) WHERE actor IS NOT NULL;
    CREATE TABLE reached (organization BLOB PRIMARY KEY, next BIGINT NOT NULL) WITHOUT ROWID;
    CREATE TABLE secrets (name TEXT PRIMARY KEY, secret BLOB NOT NULL) WITHOUT ROWID;
", arrivals::ARRIVALS];

/// One row of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityRecord {
    /// Its id.
    pub id: ActivityId,
    /// When it happened.
    pub created_at: Timestamp,
    /// Who finds it in their feed; `None` for whoever runs the installation.
    pub organization: Option<OrganizationId>,
    /// Its type.
    pub kind: String,
    /// By whom it can be found, where somebody acted: the bytes of a pseudonym or of a member of staff's id.
    pub actor: Option<[u8; 16]>,
    /// Everything else that it says, as its writer spells it.
    pub body: Vec<u8>,
}

/// The feed's file.
#[derive(Debug)]
pub struct ActivityStore {
    file: File,
}

impl ActivityStore {
    /// Opens or creates the file.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { file: File::open(path, PAGE_BYTES, Recovery::WriteAhead, MIGRATIONS)? })
    }

    /// Opens the file for reading.
    pub fn open_for_reading(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { file: File::open_for_reading(path, MIGRATIONS)? })
    }

    /// Enters rows, durably; one that is there already stays as it is. Where they stand for leaves of an organisation's log,
    /// `reached` says up to which index, in the same commit.
    pub fn enter(
        &mut self,
        rows: &[ActivityRecord],
        reached: Option<(OrganizationId, u64)>,
    ) -> Result<(), StoreError> {
        self.file.write("enter_activities", |tx| {
            for row in rows {
                enter(tx, row)?;
            }
            let Some((organization, next)) = reached else { return Ok(()) };
            tx.execute(
                "INSERT INTO reached (organization, next) VALUES (?1, ?2)
                 ON CONFLICT (organization) DO UPDATE SET next = max(next, excluded.next)",
                params![organization.as_bytes(), next],
            )
            .map(drop)
        })
    }

    /// Index of the first leaf of an organisation's log that has no row yet.
    pub fn reached(&self, organization: OrganizationId) -> Result<u64, StoreError> {
        self.file.read("activities_reached", |connection| {
            let next = connection
                .prepare_cached("SELECT next FROM reached WHERE organization = ?1")?
                .query_row([organization.as_bytes()], |row| row.get(0))
                .optional()?;
            Ok(next.unwrap_or(0))
        })
    }

    /// Drops the oldest rows from before `before`, at most `limit`; gives how many.
    pub fn drop_before(&mut self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.file.write("drop_activities", |tx| {
            let dropped = tx.execute(
                "DELETE FROM activities WHERE (created_at, id) IN (
                     SELECT created_at, id FROM activities WHERE created_at < ?1 ORDER BY created_at, id LIMIT ?2)",
                params![before.as_microsecond(), limit],
            )?;
            arrivals::forget(tx, before, limit)?;
            Ok(u64::try_from(dropped).unwrap_or(u64::MAX))
        })
    }

    /// The secret of this name, if it was made.
    pub fn known_secret(&self, name: &str) -> Result<Option<[u8; 32]>, StoreError> {
        self.file.read("activities_secret", |connection| {
            connection
                .prepare_cached("SELECT secret FROM secrets WHERE name = ?1")?
                .query_row([name], |row| fixed(row, 0))
                .optional()
        })
    }

    /// The secret of this name, which is `fresh` unless there is one.
    pub fn secret(&mut self, name: &str, fresh: &[u8; 32]) -> Result<[u8; 32], StoreError> {
        self.file.write("activities_secret", |tx| {
            tx.execute(
                "INSERT INTO secrets (name, secret) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                params![name, fresh],
            )?;
            tx.query_row("SELECT secret FROM secrets WHERE name = ?1", [name], |row| fixed(row, 0))
        })
    }

    /// How many rows there are.
    pub fn count(&self) -> Result<u64, StoreError> {
        self.file.read("count_activities", |connection| {
            connection.query_row("SELECT count(*) FROM activities", [], |row| row.get(0))
        })
    }

    /// SQLite's own check of the file.
    pub fn problem(&self) -> Result<Option<String>, StoreError> {
        self.file.problem()
    }
}

fn enter(tx: &Transaction<'_>, row: &ActivityRecord) -> rusqlite::Result<()> {
    let kind = number(tx, "kinds", "name", &row.kind)?;
    let organization = number(tx, "organizations", "id", &organization_bytes(row.organization))?;
    let actor = row.actor.map(|actor| number(tx, "actors", "id", &actor)).transpose()?;
    tx.prepare_cached(
        "INSERT INTO activities (created_at, id, organization, kind, actor, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![row.created_at.as_microsecond(), row.id.as_bytes(), organization, kind, actor, row.body])
    .map(drop)
}

/// The installation itself has no bytes.
fn organization_bytes(organization: Option<OrganizationId>) -> Vec<u8> {
    organization.map(|id| id.as_bytes().to_vec()).unwrap_or_default()
}

/// The number of a name, made on first use.
fn number(
    tx: &Transaction<'_>,
    table: &str,
    column: &str,
    value: &dyn rusqlite::ToSql,
) -> rusqlite::Result<i64> {
    if let Some(found) = known(tx, table, column, value)? {
        return Ok(found);
    }
    tx.prepare_cached(&format!("INSERT INTO {table} ({column}) VALUES (?1)"))?.execute([value])?;
    Ok(tx.last_insert_rowid())
}

/// The number of a name, if it has one.
fn known(
    connection: &Connection,
    table: &str,
    column: &str,
    value: &dyn rusqlite::ToSql,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(&format!("SELECT number FROM {table} WHERE {column} = ?1"))?
        .query_row([value], |row| row.get(0))
        .optional()
}
