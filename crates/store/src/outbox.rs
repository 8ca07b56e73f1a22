//! The outbox that lies in `control.db` beside the facts it announces.
//!
//! A fact is put in the outbox by the transaction that makes it true, and taken out when the ledger has it.

use fiducia_policy::OrganizationId;
use rusqlite::{Connection, Transaction, params};

use crate::connection::bytes16;

/// A fact that must reach the ledger, kept by the commit that makes it true: in an outbox or in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
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

/// The oldest facts that the ledger may not have taken yet.
pub(crate) fn waiting(connection: &Connection, limit: u32) -> rusqlite::Result<Vec<Announcement>> {
    connection
        .prepare_cached("SELECT id, organization, event FROM outbox ORDER BY sequence LIMIT ?1")?
        .query_map([limit], |row| {
            Ok(Announcement {
                id: bytes16(row, 0)?,
                organization: OrganizationId::from_bytes(bytes16(row, 1)?),
                event: row.get(2)?,
            })
        })?
        .collect()
}
