//! What was said to answers in sessions of reading, in `control.db`: sealed, each under its session's key for that.

use fiducia_policy::{AccessAnswer, AccessSessionId, AccountId, KeyId, Participant, PersonId, Timestamp};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use crate::connection::{bytes16, instant, optional_bytes16};
use crate::control::named;
use crate::{ControlStore, StoreError};

/// The table of this module, a step of `control.db`.
pub(crate) const TABLES: &str = "
    CREATE TABLE access_remarks (
        session BLOB NOT NULL REFERENCES access_sessions ON DELETE CASCADE, number BIGINT NOT NULL, answer TEXT NOT NULL,
        person BLOB NOT NULL, account BLOB, at BIGINT NOT NULL, key BLOB NOT NULL, sealed BLOB NOT NULL,
        PRIMARY KEY (session, number)
    ) WITHOUT ROWID;
";

/// What somebody said to their answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRemarkRecord {
    /// What they answered.
    pub answer: AccessAnswer,
    /// Who.
    pub by: Participant,
    /// When.
    pub at: Timestamp,
    /// The key it is sealed under.
    pub key: KeyId,
    /// The salt of its commitment and the text, sealed.
    pub sealed: Vec<u8>,
}

/// Adds a remark behind those that there are.
pub(crate) fn add(
    tx: &Transaction<'_>,
    session: AccessSessionId,
    remark: &AccessRemarkRecord,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO access_remarks (session, number, answer, person, account, at, key, sealed)
         SELECT ?1, count(*) + 1, ?2, ?3, ?4, ?5, ?6, ?7 FROM access_remarks WHERE session = ?1",
    )?
    .execute(params![
        session.as_bytes(),
        remark.answer.name(),
        remark.by.person.as_bytes(),
        remark.by.account.map(|id| *id.as_bytes()),
        remark.at.as_microsecond(),
        remark.key.as_bytes(),
        remark.sealed,
    ])
    .map(drop)
}

impl ControlStore {
    /// What was said to answers in a session, oldest first: one for each answer at most, and so a few.
    pub fn access_remarks(&self, session: AccessSessionId) -> Result<Vec<AccessRemarkRecord>, StoreError> {
        self.file.read("access_remarks", |connection| {
            connection
                .prepare_cached(
                    "SELECT answer, person, account, at, key, sealed FROM access_remarks WHERE session = ?1 ORDER BY number",
                )?
                .query_map([session.as_bytes()], remark)?
                .collect()
        })
    }

    /// The key under which what is said in a session is sealed, once something was.
    pub fn access_remarks_key(&self, session: AccessSessionId) -> Result<Option<KeyId>, StoreError> {
        self.file.read("access_remarks_key", |connection| {
            connection
                .prepare_cached("SELECT key FROM access_remarks WHERE session = ?1 ORDER BY number LIMIT 1")?
                .query_row([session.as_bytes()], |row| Ok(KeyId::from_bytes(bytes16(row, 0)?)))
                .optional()
        })
    }
}

fn remark(row: &Row<'_>) -> rusqlite::Result<AccessRemarkRecord> {
    Ok(AccessRemarkRecord {
        answer: named(row, 0)?,
        by: Participant {
            person: PersonId::from_bytes(bytes16(row, 1)?),
            account: optional_bytes16(row, 2)?.map(AccountId::from_bytes),
        },
        at: instant(row, 3)?,
        key: KeyId::from_bytes(bytes16(row, 4)?),
        sealed: row.get(5)?,
    })
}
