//! Figures for those who check whether promises are kept, in `control.db`: how often people's records were looked at, counted
//! without saying whose; certificates and findings of one organisation.

use fiducia_policy::{AccessReason, OrganizationId, Timestamp};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::certificates::{CERTIFICATE, certificate};
use crate::connection::bytes16;
use crate::control::named;
use crate::holds::{FLAG, flag};
use crate::{CertificateRecord, ControlStore, FlagRecord, StoreError};

/// The table of this module, a step of `control.db`. What is known of earlier looks is counted into it.
pub(crate) const TABLES: &str = "
    CREATE TABLE access_tally (
        organization BLOB NOT NULL, day BIGINT NOT NULL, reason TEXT NOT NULL, role TEXT NOT NULL, entries BIGINT NOT NULL,
        PRIMARY KEY (organization, day, reason, role)
    ) WITHOUT ROWID;
    INSERT INTO access_tally (organization, day, reason, role, entries)
        SELECT organization, at / 86400000000, reason, 'unknown', count(DISTINCT event) FROM accesses
        WHERE ledger_index IS NOT NULL GROUP BY 1, 2, 3;
    CREATE INDEX accesses_unplaced ON accesses (organization, at) WHERE ledger_index IS NULL;
    CREATE INDEX certificates_organization ON certificates (organization, issued_at, reference);
";

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// How often records were looked at for one reason by people of one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessCount {
    /// Why.
    pub reason: AccessReason,
    /// As what: `oneself`, `operator`, `unknown`, or the roles of the account, separated by spaces.
    pub role: String,
    /// How many entries of the log.
    pub entries: u64,
}

impl ControlStore {
    /// How often records of an organisation were looked at since the day of `since`, by reason and role.
    pub fn access_counts(
        &self,
        organization: OrganizationId,
        since: Timestamp,
    ) -> Result<Vec<AccessCount>, StoreError> {
        let day = since.as_microsecond().div_euclid(DAY);
        self.file.read("access_counts", |connection| {
            connection
                .prepare_cached(
                    "SELECT reason, role, sum(entries) FROM access_tally WHERE organization = ?1 AND day >= ?2
                     GROUP BY reason, role ORDER BY reason, role",
                )?
                .query_map(params![organization.as_bytes(), day], |row| {
                    Ok(AccessCount { reason: named(row, 0)?, role: row.get(1)?, entries: row.get(2)? })
                })?
                .collect()
        })
    }

    /// Looks since `since` of which it was never noted whether the log has their entry: the program ended in between. At most
    /// `limit`.
    pub fn unplaced_accesses(
        &self,
        organization: OrganizationId,
        since: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        self.file.read("unplaced_accesses", |connection| {
            connection
                .prepare_cached(
                    "SELECT count(*) FROM (SELECT DISTINCT event FROM accesses
                     WHERE organization = ?1 AND at >= ?2 AND ledger_index IS NULL LIMIT ?3)",
                )?
                .query_row(params![organization.as_bytes(), since.as_microsecond(), limit], |row| row.get(0))
        })
    }

    /// How many certificates an organisation was given, in all and since `since`.
    pub fn certificate_counts(
        &self,
        organization: OrganizationId,
        since: Timestamp,
    ) -> Result<(u64, u64), StoreError> {
        self.file.read("certificate_counts", |connection| {
            connection
                .prepare_cached(
                    "SELECT count(*), coalesce(sum(issued_at >= ?2), 0) FROM certificates WHERE organization = ?1",
                )?
                .query_row(params![organization.as_bytes(), since.as_microsecond()], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
        })
    }

    /// Certificates of an organisation that were issued at or after `from`, the first first, at most `limit`.
    pub fn certificates_from(
        &self,
        organization: OrganizationId,
        from: Timestamp,
        limit: u32,
    ) -> Result<Vec<CertificateRecord>, StoreError> {
        self.file.read("certificates_from", |connection| {
            connection
                .prepare_cached(&format!(
                    "{CERTIFICATE} WHERE organization = ?1 AND issued_at >= ?2 ORDER BY issued_at, reference LIMIT ?3"
                ))?
                .query_map(params![organization.as_bytes(), from.as_microsecond(), limit], certificate)?
                .collect()
        })
    }

    /// The findings of an organisation, newest first, at most `limit`.
    pub fn flags_of(&self, organization: OrganizationId, limit: u32) -> Result<Vec<FlagRecord>, StoreError> {
        self.file.read("flags_of", |connection| {
            connection
                .prepare_cached(&format!("{FLAG} WHERE organization = ?1 ORDER BY id DESC LIMIT ?2"))?
                .query_map(params![organization.as_bytes(), limit], flag)?
                .collect()
        })
    }
}

/// Counts an access once, when its place in the log is noted. Whoever looks at what is their own acts under their subject's id.
pub(crate) fn count_access(tx: &Transaction<'_>, event: [u8; 16]) -> rusqlite::Result<()> {
    let found = tx
        .prepare_cached(
            "SELECT a.organization, a.at, a.reason, a.subject, p.name,
                (SELECT c.roles FROM accounts c WHERE c.person = p.id OR c.login = p.name LIMIT 1)
             FROM accesses a LEFT JOIN people p ON p.id = a.actor WHERE a.event = ?1 AND a.ledger_index IS NULL LIMIT 1",
        )?
        .query_row([event], |row| {
            let subject = fiducia_policy::SubjectId::from_bytes(bytes16(row, 3)?);
            let name: Option<String> = row.get(4)?;
            let roles: Option<String> = row.get(5)?;
            let role = if name.is_some_and(|name| name == subject.to_string()) {
                "oneself".to_owned()
            } else {
                roles.filter(|roles| !roles.is_empty()).unwrap_or_else(|| "operator".to_owned())
            };
            Ok((bytes16(row, 0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?, role))
        })
        .optional()?;
    let Some((organization, at, reason, role)) = found else { return Ok(()) };
    tx.prepare_cached(
        "INSERT INTO access_tally (organization, day, reason, role, entries) VALUES (?1, ?2, ?3, ?4, 1)
         ON CONFLICT (organization, day, reason, role) DO UPDATE SET entries = entries + 1",
    )?
    .execute(params![organization, at.div_euclid(DAY), reason, role])
    .map(drop)
}
