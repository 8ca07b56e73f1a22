//! Figures about one organisation for an audit. Counts and instants only: nothing here names or leads to a person but
//! [`KeyStore::consented_after`], whose pairs are compared with where people stand and then forgotten.

use fiducia_policy::{AccessNoticeKind, AccessSessionId, KeyId, OrganizationId, SubjectId, Timestamp};
use rusqlite::{OptionalExtension, params};

use crate::connection::{bytes16, instant, optional_instant};
use crate::outbox::{Announcement, announce};
use crate::{ControlStore, KeyStore, StoreError};

/// Keys of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFigures {
    /// The kind.
    pub kind: String,
    /// How many live.
    pub living: u64,
    /// How many were destroyed, as far as their tombstones are kept.
    pub destroyed: u64,
    /// When the last of them was destroyed.
    pub last_destroyed_at: Option<Timestamp>,
    /// How many live whose end has passed, and since when the first of them.
    pub due: Option<(u64, Timestamp)>,
    /// The latest end of a living one.
    pub latest_end: Option<Timestamp>,
}

/// A person's key to which a path of consent leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentedPath {
    /// The person's key, by which a walk goes on.
    pub key: KeyId,
    /// The purpose's root.
    pub root: KeyId,
    /// Whose key it is.
    pub subject: Option<SubjectId>,
    /// Its kind, by name.
    pub kind: String,
    /// The purpose, by name.
    pub purpose: String,
}

impl KeyStore {
    /// Keys of an organisation by kind, in the order of their names.
    pub fn key_figures(
        &self,
        organization: OrganizationId,
        now: Timestamp,
    ) -> Result<Vec<KeyFigures>, StoreError> {
        self.file.read("key_figures", |connection| {
            connection
                .prepare_cached(
                    "SELECT kind, count(*) FILTER (WHERE destroyed_at IS NULL), count(destroyed_at), max(destroyed_at),
                        count(*) FILTER (WHERE destroyed_at IS NULL AND ends_at <= ?2),
                        min(ends_at) FILTER (WHERE destroyed_at IS NULL),
                        max(ends_at) FILTER (WHERE destroyed_at IS NULL)
                     FROM nodes WHERE organization = ?1 GROUP BY kind ORDER BY kind",
                )?
                .query_map(params![organization.as_bytes(), now.as_microsecond()], |row| {
                    let due: u64 = row.get(4)?;
                    let first_end = optional_instant(row, 5)?;
                    Ok(KeyFigures {
                        kind: row.get(0)?,
                        living: row.get(1)?,
                        destroyed: row.get(2)?,
                        last_destroyed_at: optional_instant(row, 3)?,
                        due: first_end.filter(|_| due > 0).map(|first| (due, first)),
                        latest_end: optional_instant(row, 6)?,
                    })
                })?
                .collect()
        })
    }

    /// Paths of consent to keys of an organisation's people, in order, after one (its key and its root), at most `limit`.
    pub fn consented_after(
        &self,
        organization: OrganizationId,
        after: Option<(KeyId, KeyId)>,
        limit: u32,
    ) -> Result<Vec<ConsentedPath>, StoreError> {
        let (key, root) = after.map_or(([0; 16], [0; 16]), |(key, root)| (*key.as_bytes(), *root.as_bytes()));
        self.file.read("consented_after", |connection| {
            connection
                .prepare_cached(
                    "SELECT e.child, e.parent, c.subject, c.kind, p.label FROM consent_edges e
                     JOIN nodes c ON c.id = e.child JOIN nodes p ON p.id = e.parent
                     WHERE (e.child, e.parent) > (?2, ?3) AND c.organization = ?1
                     ORDER BY e.child, e.parent LIMIT ?4",
                )?
                .query_map(params![organization.as_bytes(), key, root, limit], |row| {
                    let subject = match row.get_ref(2)? {
                        rusqlite::types::ValueRef::Null => None,
                        _ => Some(SubjectId::from_bytes(bytes16(row, 2)?)),
                    };
                    Ok(ConsentedPath {
                        key: KeyId::from_bytes(bytes16(row, 0)?),
                        root: KeyId::from_bytes(bytes16(row, 1)?),
                        subject,
                        kind: row.get(3)?,
                        purpose: row.get(4)?,
                    })
                })?
                .collect()
        })
    }
}

/// What the control file says about an organisation, in figures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ControlFigures {
    /// Workspaces, and those that agreed to what covered models need.
    pub workspaces: (u64, u64),
    /// People known, and those of them who were erased.
    pub subjects: (u64, u64),
    /// Conversations that live, those of them that their people deleted, and those that were destroyed.
    pub conversations: (u64, u64, u64),
    /// Standings by purpose and state, with how many people.
    pub standings: Vec<(String, String, u64)>,
    /// Entries in the histories of choices by kind, with how many.
    pub choices: Vec<(String, u64)>,
    /// The newest entry in the histories of choices that its person may still be shown a receipt of.
    pub newest_choice: Option<[u8; 16]>,
    /// Campaigns, and those of them that are closed.
    pub campaigns: (u64, u64),
    /// Members of campaigns by outcome, with how many; an open question has none.
    pub answers: Vec<(Option<String>, u64)>,
    /// Requests: open, of those too late, and closed.
    pub requests: (u64, u64, u64),
    /// Requests that were answered too late.
    pub answered_late: u64,
    /// Holds, and those of them that were released.
    pub holds: (u64, u64),
    /// Cases, those of them that are closed, and when the oldest open one was opened.
    pub cases: (u64, u64, Option<Timestamp>),
    /// Findings, and the oldest of them.
    pub flags: (u64, Option<Timestamp>),
    /// Certificates of destruction.
    pub certificates: u64,
    /// Warnings before an end.
    pub warnings: u64,
    /// Looks at what is kept of people, those the log has not confirmed, and people they were about.
    pub looks: (u64, u64, u64),
    /// Looks by reason, with how many.
    pub looks_by_reason: Vec<(String, u64)>,
    /// People whose browser sent a privacy signal.
    pub privacy_signals: u64,
    /// Accounts by roles, with how many; disabled ones are not counted.
    pub accounts: Vec<(String, u64)>,
    /// Facts that wait for the log.
    pub waiting_facts: u64,
}

/// A look with entries in the public format behind its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicLook {
    /// Its row, by which a walk goes on.
    pub sequence: u64,
    /// The index of the first of them.
    pub first: u64,
    /// The index behind the last of them.
    pub end: u64,
}

impl ControlStore {
    /// Looks of an organisation behind `after` that have public entries, as far as the log has confirmed them.
    pub fn public_looks(
        &self,
        organization: OrganizationId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<PublicLook>, StoreError> {
        self.file.read("public_looks", |connection| {
            connection
                .prepare_cached(
                    "SELECT sequence, ledger_index + 1 + public_first, public_count FROM accesses
                     WHERE organization = ?1 AND sequence > ?2 AND ledger_index IS NOT NULL AND public_count > 0
                     ORDER BY sequence LIMIT ?3",
                )?
                .query_map(params![organization.as_bytes(), after, limit], |row| {
                    let (first, count): (u64, u64) = (row.get(1)?, row.get(2)?);
                    Ok(PublicLook { sequence: row.get(0)?, first, end: first.saturating_add(count) })
                })?
                .collect()
        })
    }

    /// What the administrators were told of a session.
    pub fn session_notices(&self, session: AccessSessionId) -> Result<Vec<AccessNoticeKind>, StoreError> {
        self.file.read("session_notices", |connection| {
            connection
                .prepare_cached("SELECT kind FROM access_notices WHERE session = ?1 ORDER BY sequence")?
                .query_map([session.as_bytes()], |row| crate::control::named(row, 0))?
                .collect()
        })
    }

    /// What there is of an organisation.
    pub fn control_figures(
        &self,
        organization: OrganizationId,
        now: Timestamp,
    ) -> Result<ControlFigures, StoreError> {
        self.file.read("control_figures", |connection| {
            let organization = organization.as_bytes();
            let one = |sql: &str| connection.query_row(sql, [organization], |row| row.get(0));
            let two = |sql: &str| {
                connection.query_row(sql, [organization], |row| Ok((row.get(0)?, row.get(1)?)))
            };
            let three = |sql: &str| {
                connection.query_row(sql, [organization], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            };
            let grouped = |sql: &str| -> rusqlite::Result<Vec<(String, u64)>> {
                let mut statement = connection.prepare_cached(sql)?;
                statement.query_map([organization], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
            };
            Ok(ControlFigures {
                workspaces: two(
                    "SELECT count(*), count(*) FILTER (WHERE covered_models) FROM workspaces WHERE organization = ?1",
                )?,
                subjects: two("SELECT count(*), count(erased_at) FROM subjects WHERE organization = ?1")?,
                conversations: three(
                    "SELECT count(*) FILTER (WHERE destroyed_at IS NULL),
                        count(deleted_at) FILTER (WHERE destroyed_at IS NULL), count(destroyed_at)
                     FROM conversations WHERE organization = ?1",
                )?,
                standings: {
                    let mut statement = connection.prepare_cached(
                        "SELECT purpose, state, count(*) FROM consent_standings WHERE organization = ?1
                         GROUP BY purpose, state ORDER BY purpose, state",
                    )?;
                    let rows =
                        statement.query_map([organization], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
                    rows.collect::<rusqlite::Result<_>>()?
                },
                choices: grouped(
                    "SELECT kind, count(*) FROM consents WHERE organization = ?1 GROUP BY kind ORDER BY kind",
                )?,
                newest_choice: connection
                    .query_row(
                        "SELECT id FROM consents WHERE organization = ?1 AND subject IS NOT NULL
                         ORDER BY sequence DESC LIMIT 1",
                        [organization],
                        |row| bytes16(row, 0),
                    )
                    .optional()?,
                campaigns: two("SELECT count(*), count(closed_at) FROM campaigns WHERE organization = ?1")?,
                answers: {
                    let mut statement = connection.prepare_cached(
                        "SELECT m.outcome, count(*) FROM campaign_members m JOIN campaigns c ON c.id = m.campaign
                         WHERE c.organization = ?1 GROUP BY m.outcome ORDER BY m.outcome",
                    )?;
                    let rows = statement.query_map([organization], |row| Ok((row.get(0)?, row.get(1)?)))?;
                    rows.collect::<rusqlite::Result<_>>()?
                },
                requests: connection.query_row(
                    "SELECT count(*) FILTER (WHERE closed_at IS NULL),
                        count(*) FILTER (WHERE closed_at IS NULL AND due <= ?2), count(closed_at)
                     FROM (SELECT closed_at, CASE WHEN extended THEN extended_by ELSE answer_by END AS due
                           FROM rights_requests WHERE organization = ?1)",
                    params![organization, now.as_microsecond()],
                    |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
                )?,
                answered_late: one(
                    "SELECT count(*) FROM (
                        SELECT closed_at, CASE WHEN extended THEN extended_by ELSE answer_by END AS due
                        FROM rights_requests WHERE organization = ?1) WHERE closed_at >= due",
                )?,
                holds: two("SELECT count(*), count(released_at) FROM holds WHERE organization = ?1")?,
                cases: connection.query_row(
                    "SELECT count(*), count(closed_at), min(opened_at) FILTER (WHERE closed_at IS NULL)
                     FROM cases WHERE organization = ?1",
                    [organization],
                    |row| Ok((row.get(0)?, row.get(1)?, optional_instant(row, 2)?)),
                )?,
                flags: connection.query_row(
                    "SELECT count(*), min(flagged_at) FROM flags WHERE organization = ?1",
                    [organization],
                    |row| Ok((row.get(0)?, optional_instant(row, 1)?)),
                )?,
                certificates: one("SELECT count(*) FROM certificates WHERE organization = ?1")?,
                warnings: one("SELECT count(*) FROM warnings WHERE organization = ?1")?,
                looks: three(
                    "SELECT count(DISTINCT event), count(DISTINCT event) FILTER (WHERE ledger_index IS NULL),
                        count(DISTINCT subject) FROM accesses WHERE organization = ?1",
                )?,
                looks_by_reason: grouped(
                    "SELECT reason, count(DISTINCT event) FROM accesses WHERE organization = ?1
                     GROUP BY reason ORDER BY reason",
                )?,
                privacy_signals: one(
                    "SELECT count(*) FROM privacy_signals p JOIN subjects s ON s.id = p.subject
                     WHERE s.organization = ?1",
                )?,
                accounts: grouped(
                    "SELECT roles, count(*) FROM accounts WHERE organization = ?1 AND disabled_at IS NULL
                     GROUP BY roles ORDER BY roles",
                )?,
                waiting_facts: one("SELECT count(*) FROM outbox WHERE organization = ?1")?,
            })
        })
    }
}

/// The table of this module, a step of `control.db`.
pub(crate) const TABLES: &str = "
    CREATE TABLE audit_reports (
        reference TEXT PRIMARY KEY, organization BLOB NOT NULL, event BLOB NOT NULL, issued_at BIGINT NOT NULL,
        json TEXT NOT NULL, note TEXT NOT NULL, ledger_index BIGINT
    ) WITHOUT ROWID;
    CREATE INDEX audit_reports_issued ON audit_reports (organization, issued_at);
";

const REPORT: &str =
    "SELECT reference, organization, event, issued_at, json, note, ledger_index FROM audit_reports";

/// A report as it was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditReportRecord {
    /// Its reference number.
    pub reference: String,
    /// Whose installation it is about.
    pub organization: OrganizationId,
    /// The id of its entry in the log.
    pub event: [u8; 16],
    /// Issued when.
    pub issued_at: Timestamp,
    /// The report as canonical JSON.
    pub json: String,
    /// The signed note over its reference number and digest.
    pub note: String,
    /// Where its entry lies in the organisation's log, once that is known.
    pub ledger_index: Option<u64>,
}

impl ControlStore {
    /// Keeps a report and announces it.
    pub fn issue_audit_report(
        &mut self,
        report: &AuditReportRecord,
        announcement: &Announcement,
    ) -> Result<(), StoreError> {
        self.file.write("issue_audit_report", |tx| {
            tx.execute(
                "INSERT INTO audit_reports (reference, organization, event, issued_at, json, note)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    report.reference,
                    report.organization.as_bytes(),
                    report.event,
                    report.issued_at.as_microsecond(),
                    report.json,
                    report.note
                ],
            )?;
            announce(tx, announcement)
        })
    }

    /// Notes where the entry of a report lies in its log.
    pub fn place_audit_report(&mut self, reference: &str, ledger_index: u64) -> Result<(), StoreError> {
        self.file.write("place_audit_report", |tx| {
            tx.execute(
                "UPDATE audit_reports SET ledger_index = ?2 WHERE reference = ?1",
                params![reference, ledger_index],
            )
            .map(drop)
        })
    }

    /// One report.
    pub fn audit_report(&self, reference: &str) -> Result<Option<AuditReportRecord>, StoreError> {
        self.file.read("audit_report", |connection| {
            connection
                .prepare_cached(&format!("{REPORT} WHERE reference = ?1"))?
                .query_row([reference], report)
                .optional()
        })
    }

    /// Reports about an organisation, newest first, at most `limit`.
    pub fn audit_reports(
        &self,
        organization: OrganizationId,
        limit: u32,
    ) -> Result<Vec<AuditReportRecord>, StoreError> {
        self.file.read("audit_reports", |connection| {
            connection
                .prepare_cached(&format!(
                    "{REPORT} WHERE organization = ?1 ORDER BY issued_at DESC, reference LIMIT ?2"
                ))?
                .query_map(params![organization.as_bytes(), limit], report)?
                .collect()
        })
    }
}

fn report(row: &rusqlite::Row<'_>) -> rusqlite::Result<AuditReportRecord> {
    Ok(AuditReportRecord {
        reference: row.get(0)?,
        organization: OrganizationId::from_bytes(bytes16(row, 1)?),
        event: bytes16(row, 2)?,
        issued_at: instant(row, 3)?,
        json: row.get(4)?,
        note: row.get(5)?,
        ledger_index: row.get(6)?,
    })
}
