//! Activities that no leaf stands behind and that a commit of `control.db` makes true, such as signing in: kept by that commit until the
//! feed has them.

use fiducia_policy::{ActivityId, OrganizationId};
use rusqlite::{Transaction, params};

use crate::connection::{bytes16, instant};
use crate::{ActivityRecord, ControlStore, StoreError};

/// The table of this module, a step of `control.db`.
pub(crate) const TABLES: &str = "
    CREATE TABLE activity_outbox (
        sequence INTEGER PRIMARY KEY, id BLOB NOT NULL, created_at BIGINT NOT NULL, organization BLOB NOT NULL, kind TEXT NOT NULL,
        actor BLOB, body BLOB NOT NULL
    );
";

/// Keeps an activity until the feed has it. Those of the installation itself have a way of their own.
pub(crate) fn keep(tx: &Transaction<'_>, activity: &ActivityRecord) -> rusqlite::Result<()> {
    let organization = activity.organization.map(|id| *id.as_bytes());
    tx.prepare_cached(
        "INSERT INTO activity_outbox (id, created_at, organization, kind, actor, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        activity.id.as_bytes(),
        activity.created_at.as_microsecond(),
        organization,
        activity.kind,
        activity.actor,
        activity.body
    ])
    .map(drop)
}

impl ControlStore {
    /// The oldest activities that the feed may not have, and the place of the last of them.
    pub fn waiting_activities(&self, limit: u32) -> Result<Option<(i64, Vec<ActivityRecord>)>, StoreError> {
        self.file.read("waiting_activities", |connection| {
            let rows: Vec<(i64, ActivityRecord)> = connection
                .prepare_cached(
                    "SELECT sequence, id, created_at, organization, kind, actor, body FROM activity_outbox
                     ORDER BY sequence LIMIT ?1",
                )?
                .query_map([limit], |row| {
                    let actor = match row.get_ref(5)? {
                        rusqlite::types::ValueRef::Null => None,
                        _ => Some(bytes16(row, 5)?),
                    };
                    let activity = ActivityRecord {
                        id: ActivityId::from_bytes(bytes16(row, 1)?),
                        created_at: instant(row, 2)?,
                        organization: Some(OrganizationId::from_bytes(bytes16(row, 3)?)),
                        kind: row.get(4)?,
                        actor,
                        body: row.get(6)?,
                    };
                    Ok((row.get(0)?, activity))
                })?
                .collect::<rusqlite::Result<_>>()?;
            let last = rows.last().map(|(sequence, _)| *sequence);
            Ok(last.map(|last| (last, rows.into_iter().map(|(_, activity)| activity).collect())))
        })
    }

    /// Removes activities that the feed has, up to a place.
    pub fn forget_activities(&mut self, up_to: i64) -> Result<(), StoreError> {
        self.file.write("forget_activities", |tx| {
            tx.execute("DELETE FROM activity_outbox WHERE sequence <= ?1", [up_to]).map(drop)
        })
    }
}
