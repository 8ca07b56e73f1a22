//! What an audit reads from `control.db` to compare it with the logs, a page at a time.

use fiducia_policy::{AccessSessionId, OrganizationId};
use rusqlite::{OptionalExtension, params};

use crate::accesses::{ACCESS, access};
use crate::connection::bytes16;
use crate::consents::{RECORD, record};
use crate::{AccessRecord, ConsentRecord, ControlStore, StoreError};

/// The step of `control.db` that an audit needs: what is left of looks at people who were erased, and finding a consent by its
/// entry in the log.
pub(crate) const TABLES: &str = "
    CREATE TABLE forgotten_accesses (
        sequence INTEGER PRIMARY KEY, event BLOB NOT NULL, organization BLOB NOT NULL, records BIGINT NOT NULL,
        ledger_index BIGINT
    );
    CREATE INDEX forgotten_accesses_event ON forgotten_accesses (event);
    CREATE INDEX consents_event ON consents (event);
";

/// A fact that must have an entry in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedFact {
    /// Its place in its table.
    pub sequence: u64,
    /// The id of its entry.
    pub event: [u8; 16],
    /// Where its entry lies, where that was noted.
    pub ledger_index: Option<u64>,
}

/// What is left of a look at somebody who was erased: that there was one, and at how many records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForgottenAccess {
    /// Its place in its table.
    pub sequence: u64,
    /// How many records of that person.
    pub records: u64,
    /// Where its entry lies, where that was noted.
    pub ledger_index: Option<u64>,
}

impl ControlStore {
    /// Looks of an organisation in the order in which they were begun, after one of them, at most `limit`.
    pub fn audited_accesses(
        &self,
        organization: OrganizationId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditedFact>, StoreError> {
        self.audited(
            "SELECT sequence, event, ledger_index FROM accesses
             WHERE sequence > ?2 AND organization = ?1 ORDER BY sequence LIMIT ?3",
            (organization, after, limit),
        )
    }

    /// As [`ControlStore::audited_accesses`], of what is left of looks at people who were erased.
    pub fn audited_forgotten_accesses(
        &self,
        organization: OrganizationId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditedFact>, StoreError> {
        self.audited(
            "SELECT sequence, event, ledger_index FROM forgotten_accesses
             WHERE sequence > ?2 AND organization = ?1 ORDER BY sequence LIMIT ?3",
            (organization, after, limit),
        )
    }

    /// Consents of an organisation in the order of their commits, after one of them, at most `limit`.
    pub fn audited_consents(
        &self,
        organization: OrganizationId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<AuditedFact>, StoreError> {
        self.audited(
            "SELECT c.sequence, c.event, p.ledger_index FROM consents c LEFT JOIN consent_places p ON p.sequence = c.sequence
             WHERE c.sequence > ?2 AND c.organization = ?1 ORDER BY c.sequence LIMIT ?3",
            (organization, after, limit),
        )
    }

    fn audited(
        &self,
        sql: &str,
        (organization, after, limit): (OrganizationId, u64, u32),
    ) -> Result<Vec<AuditedFact>, StoreError> {
        self.file.read("audited", |connection| {
            connection
                .prepare_cached(sql)?
                .query_map(params![organization.as_bytes(), after, limit], |row| {
                    Ok(AuditedFact {
                        sequence: row.get(0)?,
                        event: bytes16(row, 1)?,
                        ledger_index: row.get(2)?,
                    })
                })?
                .collect()
        })
    }

    /// Looks in a session that the log has not confirmed.
    pub fn unconfirmed_looks(&self, session: AccessSessionId) -> Result<u64, StoreError> {
        self.file.read("unconfirmed_looks", |connection| {
            connection
                .prepare_cached(
                    "SELECT count(DISTINCT event) FROM accesses WHERE session = ?1 AND ledger_index IS NULL",
                )?
                .query_row([session.as_bytes()], |row| row.get(0))
        })
    }

    /// Looks at people who were erased since that the log had not confirmed: in which session they were is not known any more.
    pub fn forgotten_unconfirmed_looks(&self, organization: OrganizationId) -> Result<u64, StoreError> {
        self.file.read("forgotten_unconfirmed_looks", |connection| {
            connection
                .prepare_cached(
                    "SELECT count(DISTINCT event) FROM forgotten_accesses
                     WHERE organization = ?1 AND ledger_index IS NULL",
                )?
                .query_row([organization.as_bytes()], |row| row.get(0))
        })
    }

    /// The looks that one entry of a log is about, one for each person and conversation.
    pub fn accesses_of_event(&self, event: [u8; 16]) -> Result<Vec<AccessRecord>, StoreError> {
        self.file.read("accesses_of_event", |connection| {
            connection
                .prepare_cached(&format!("{ACCESS} WHERE event = ?1 ORDER BY sequence"))?
                .query_map([&event], access)?
                .collect()
        })
    }

    /// What is left of looks at people who were erased, of one entry of a log.
    pub fn forgotten_accesses_of_event(&self, event: [u8; 16]) -> Result<Vec<ForgottenAccess>, StoreError> {
        self.file.read("forgotten_accesses_of_event", |connection| {
            connection
                .prepare_cached(
                    "SELECT sequence, records, ledger_index FROM forgotten_accesses WHERE event = ?1 ORDER BY sequence",
                )?
                .query_map([&event], |row| {
                    Ok(ForgottenAccess {
                        sequence: row.get(0)?,
                        records: row.get(1)?,
                        ledger_index: row.get(2)?,
                    })
                })?
                .collect()
        })
    }

    /// The consent that an entry of a log is about.
    pub fn consent_of_event(&self, event: [u8; 16]) -> Result<Option<ConsentRecord>, StoreError> {
        self.file.read("consent_of_event", |connection| {
            connection
                .prepare_cached(&format!("{RECORD} WHERE event = ?1"))?
                .query_row([&event], record)
                .optional()
        })
    }
}
