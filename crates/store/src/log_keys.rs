//! When the pairs of keys that sign logs were announced, in `control.db`. The keys themselves are in the key store; the first pair
//! has no row, because nothing was announced before it.

use fiducia_policy::Timestamp;
use rusqlite::params;

use crate::connection::{instant, optional_instant};
use crate::outbox::{Announcement, announce};
use crate::{ControlStore, StoreError};

/// The tables of this module, a step of `control.db`.
pub(crate) const TABLES: &str = "
    CREATE TABLE log_keys (
        number INTEGER PRIMARY KEY, announced_at BIGINT NOT NULL, signs_from BIGINT NOT NULL, changed_at BIGINT
    );
";

/// A pair of keys after the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogKeyRecord {
    /// Counted from 2.
    pub number: u32,
    /// Since when it is listed.
    pub announced_at: Timestamp,
    /// From when it is to sign.
    pub signs_from: Timestamp,
    /// Since when it signs.
    pub changed_at: Option<Timestamp>,
}

impl ControlStore {
    /// The pairs after the first, in the order of their numbers.
    pub fn log_keys(&self) -> Result<Vec<LogKeyRecord>, StoreError> {
        self.file.read("log_keys", |connection| {
            connection
                .prepare_cached(
                    "SELECT number, announced_at, signs_from, changed_at FROM log_keys ORDER BY number",
                )?
                .query_map([], |row| {
                    Ok(LogKeyRecord {
                        number: row.get(0)?,
                        announced_at: instant(row, 1)?,
                        signs_from: instant(row, 2)?,
                        changed_at: optional_instant(row, 3)?,
                    })
                })?
                .collect()
        })
    }

    /// Notes that a pair is announced, with the facts about it for every log.
    pub fn announce_log_key(
        &mut self,
        record: &LogKeyRecord,
        announcements: &[Announcement],
    ) -> Result<(), StoreError> {
        self.file.write("announce_log_key", |tx| {
            tx.execute(
                "INSERT INTO log_keys (number, announced_at, signs_from) VALUES (?1, ?2, ?3)",
                params![
                    record.number,
                    record.announced_at.as_microsecond(),
                    record.signs_from.as_microsecond()
                ],
            )?;
            announcements.iter().try_for_each(|announcement| announce(tx, announcement))
        })
    }

    /// Notes that a pair signs, with the facts about it for every log.
    pub fn change_log_key(
        &mut self,
        number: u32,
        at: Timestamp,
        announcements: &[Announcement],
    ) -> Result<(), StoreError> {
        self.file.write("change_log_key", |tx| {
            tx.execute(
                "UPDATE log_keys SET changed_at = ?2 WHERE number = ?1 AND changed_at IS NULL",
                params![number, at.as_microsecond()],
            )?;
            announcements.iter().try_for_each(|announcement| announce(tx, announcement))
        })
    }
}
