//! The outbox that lies in each file beside the facts it announces.
//!
//! A fact is put in the outbox by the transaction that makes it true, and taken out when the ledger has it.

use fiducia_policy::OrganizationId;
use rusqlite::{Connection, Transaction, params};

use crate::connection::bytes16;

/// A fact to be put in an outbox, in the transaction that makes it true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The event's id: an event is appended once, whatever crashes.
    pub id: [u8; 16],
    /// Whose log.
    pub organization: OrganizationId,
    /// The event as JSON.
    pub event: Vec<u8>,
}

/// A fact in an outbox that must reach the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Order within its file.
    pub sequence: i64,
    /// The event's id: an event is appended once, whatever crashes.
    pub id: [u8; 16],
    /// Whose log.
    pub organization: OrganizationId,
    /// The event as JSON.
    pub event: Vec<u8>,
}

pub(crate) fn announce(tx: &Transaction<'_>, announcement: &Announcement) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO outbox (id, organization, event) VALUES (?1, ?2, ?3) ON CONFLICT (id) DO NOTHING",
    )?
    .execute(params![announcement.id, announcement.organization.as_bytes(), announcement.event])
    .map(drop)
}

pub(crate) fn forget(tx: &Transaction<'_>, delivered: &[[u8; 16]]) -> rusqlite::Result<()> {
    let mut forget = tx.prepare_cached("DELETE FROM outbox WHERE id = ?1")?;
    for id in delivered {
        forget.execute([id])?;
    }
    Ok(())
}

/// The rows after a sequence number, oldest first.
pub(crate) fn rows(connection: &Connection, after: i64, limit: u32) -> rusqlite::Result<Vec<OutboxRow>> {
    connection
        .prepare_cached(
            "SELECT sequence, id, organization, event FROM outbox WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
        )?
        .query_map(params![after, limit], |row| {
            Ok(OutboxRow {
                sequence: row.get(0)?,
                id: bytes16(row, 1)?,
                organization: OrganizationId::from_bytes(bytes16(row, 2)?),
                event: row.get(3)?,
            })
        })?
        .collect()
}
