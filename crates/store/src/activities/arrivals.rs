//! The order in which rows came into the feed, for whoever sends them on.
//!
//! The feed itself is in the order of when things happened, and a row may come in behind later ones. Whoever remembers how far it has
//! come must not pass such a row, so it reads by places of arrival, which only grow.

use fiducia_policy::{ActivityId, OrganizationId, Timestamp};
use rusqlite::{Transaction, params};

use super::{ActivityRecord, ActivityStore, organization_bytes};
use crate::StoreError;
use crate::connection::{bytes16, instant, optional_bytes16};

/// A step of `activities.db`: a place for each row, the rows that are there first, in the order of the feed. Places begin at the time at
/// which this is done, in microseconds: should the file be lost and be made again, every place in it lies behind those of the lost
/// one, so that whoever remembers one of these passes nothing.
pub(super) const ARRIVALS: &str = "
    CREATE TABLE arrivals (
        place INTEGER PRIMARY KEY AUTOINCREMENT, organization INTEGER NOT NULL, created_at BIGINT NOT NULL, id BLOB NOT NULL
    );
    INSERT INTO sqlite_sequence (name, seq) VALUES ('arrivals', CAST(unixepoch('subsec') * 1000000 AS INTEGER));
    CREATE INDEX arrivals_organization ON arrivals (organization, place);
    INSERT INTO arrivals (organization, created_at, id)
        SELECT organization, created_at, id FROM activities ORDER BY created_at, id;
    CREATE TRIGGER activities_arrive AFTER INSERT ON activities BEGIN
        INSERT INTO arrivals (organization, created_at, id) VALUES (NEW.organization, NEW.created_at, NEW.id);
    END;
";

/// Forgets the first places as long as they are of rows from before `before`, at most `limit`.
pub(super) fn forget(tx: &Transaction<'_>, before: Timestamp, limit: u32) -> rusqlite::Result<()> {
    tx.execute(
        "DELETE FROM arrivals WHERE place IN (
             SELECT place FROM (SELECT place, created_at FROM arrivals ORDER BY place LIMIT ?2) WHERE created_at < ?1)",
        params![before.as_microsecond(), limit],
    )
    .map(drop)
}

impl ActivityStore {
    /// Rows behind a place in the order of arrival, each with its own place: of one organisation, or all. At most `limit`.
    pub fn arrived_after(
        &self,
        organization: Option<OrganizationId>,
        place: i64,
        limit: u32,
    ) -> Result<Vec<(i64, ActivityRecord)>, StoreError> {
        // Two statements, because the planner must not choose between two indexes by what is bound.
        let of = if organization.is_some() {
            "r.organization = (SELECT number FROM organizations WHERE id = ?1)"
        } else {
            "?1 = x''"
        };
        self.file.read("arrived_activities", |connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT r.place, a.id, a.created_at, o.id, k.name, c.id, a.body FROM arrivals r
                     JOIN activities a ON a.created_at = r.created_at AND a.id = r.id
                     JOIN organizations o ON o.number = a.organization JOIN kinds k ON k.number = a.kind
                     LEFT JOIN actors c ON c.number = a.actor
                     WHERE {of} AND r.place > ?2 ORDER BY r.place LIMIT ?3"
                ))?
                .query_map(params![organization_bytes(organization), place, limit], |row| {
                    let organization: Vec<u8> = row.get(3)?;
                    let record = ActivityRecord {
                        id: ActivityId::from_bytes(bytes16(row, 1)?),
                        created_at: instant(row, 2)?,
                        organization: organization.try_into().ok().map(OrganizationId::from_bytes),
                        kind: row.get(4)?,
                        actor: optional_bytes16(row, 5)?,
                        body: row.get(6)?,
                    };
                    Ok((row.get(0)?, record))
                })?
                .collect()
        })
    }

    /// The last place in the order of arrival; 0 where nothing has arrived.
    pub fn last_arrival(&self) -> Result<i64, StoreError> {
        self.file.read("last_arrival", |connection| {
            connection.query_row("SELECT coalesce(max(place), 0) FROM arrivals", [], |row| row.get(0))
        })
    }
}
