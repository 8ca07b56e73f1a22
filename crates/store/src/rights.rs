//! People's requests in `control.db`: each with its clock, its steps and what must be kept about who asked.

use fiducia_policy::{
    OrganizationId, PersonId, Regime, RequestKind, RequestStanding, RequestState, RightsRequestId, SubjectId,
    Timestamp,
};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::connection::{bytes16, fixed, instant, optional_instant};
use crate::control::named;
use crate::outbox::{Announcement, announce};
use crate::rights_effects::{RightsEffect, RightsStatement, apply, keep_statement};
use crate::{ControlStore, LetterRecord, StoreError};

/// The tables of this module and of [`crate::rights_effects`], the fifth step of `control.db`.
pub(crate) const TABLES: &str = "
    CREATE TABLE rights_requests (
        id BLOB PRIMARY KEY, organization BLOB NOT NULL, subject BLOB, kind TEXT NOT NULL, regimes TEXT NOT NULL,
        submission BLOB NOT NULL, content BLOB NOT NULL, state TEXT NOT NULL, confirmed INTEGER NOT NULL,
        identified INTEGER NOT NULL, extended INTEGER NOT NULL, received_at BIGINT NOT NULL, confirm_by BIGINT,
        answer_by BIGINT NOT NULL, extended_by BIGINT NOT NULL, decided_by TEXT NOT NULL, opened_by BLOB NOT NULL,
        agent TEXT, evidence BLOB, mandate_covers TEXT, mandate_from BIGINT, mandate_until BIGINT, target TEXT,
        new_name BLOB, closed_at BIGINT, report TEXT, UNIQUE (organization, submission)
    ) WITHOUT ROWID;
    CREATE INDEX rights_requests_open ON rights_requests (answer_by) WHERE closed_at IS NULL;
    CREATE INDEX rights_requests_subject ON rights_requests (subject) WHERE subject IS NOT NULL;
    CREATE TABLE rights_steps (
        request BLOB NOT NULL REFERENCES rights_requests, number INTEGER NOT NULL, step TEXT NOT NULL, at BIGINT NOT NULL,
        by BLOB NOT NULL, state TEXT NOT NULL, reason TEXT, note TEXT, event BLOB NOT NULL, PRIMARY KEY (request, number)
    ) WITHOUT ROWID;
    CREATE TABLE rights_statements (
        request BLOB PRIMARY KEY REFERENCES rights_requests, subject BLOB NOT NULL, record BLOB NOT NULL,
        parent BLOB NOT NULL, wrap BLOB NOT NULL, commitment BLOB NOT NULL, ciphertext BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE restrictions (
        subject BLOB PRIMARY KEY, request BLOB NOT NULL REFERENCES rights_requests, since BIGINT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE objections (
        subject BLOB NOT NULL, ground TEXT NOT NULL, request BLOB NOT NULL REFERENCES rights_requests,
        since BIGINT NOT NULL, PRIMARY KEY (subject, ground)
    ) WITHOUT ROWID;
    CREATE TABLE opt_outs (
        subject BLOB PRIMARY KEY, request BLOB NOT NULL REFERENCES rights_requests, since BIGINT NOT NULL,
        ask_again_at BIGINT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE rights_exports (
        request BLOB NOT NULL REFERENCES rights_requests, volume INTEGER NOT NULL, file TEXT NOT NULL,
        recipients TEXT NOT NULL, last BLOB, conversations BIGINT NOT NULL, records BIGINT NOT NULL,
        manifest BLOB NOT NULL, finished_at BIGINT NOT NULL, is_final INTEGER NOT NULL, PRIMARY KEY (request, volume)
    ) WITHOUT ROWID;
";

/// Who asks for another person, and what shows that they may. The paper itself is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RightsAgent {
    /// Their name.
    pub name: String,
    /// SHA-256 of the mandate that was shown.
    pub evidence: [u8; 32],
    /// What it covers.
    pub covers: Vec<RequestKind>,
    /// Valid from.
    pub from: Timestamp,
    /// Valid until before.
    pub until: Option<Timestamp>,
}

/// A person's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RightsRecord {
    /// Its id.
    pub id: RightsRequestId,
    /// To whom it was made.
    pub organization: OrganizationId,
    /// About whom; `None` once the person is erased.
    pub subject: Option<SubjectId>,
    /// What is asked.
    pub kind: RequestKind,
    /// Under which laws.
    pub regimes: Vec<Regime>,
    /// Where it stands.
    pub standing: RequestStanding,
    /// When it arrived.
    pub received_at: Timestamp,
    /// The first instant at which a confirmation of its arrival is too late.
    pub confirm_by: Option<Timestamp>,
    /// The first instant at which an answer is too late.
    pub answer_by: Timestamp,
    /// The same, once it was extended.
    pub extended_by: Timestamp,
    /// The law whose clock ends first.
    pub decided_by: Regime,
    /// Who took it in.
    pub opened_by: PersonId,
    /// Who asks, where that is not the person.
    pub agent: Option<RightsAgent>,
    /// What it is about, where it is not everything: an id or names of grounds.
    pub target: Option<String>,
    /// The keyed digest of the name that the account shall have, where that is to be corrected.
    pub new_name: Option<[u8; 32]>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// What was done, as JSON, once it is closed.
    pub report: Option<String>,
}

impl RightsRecord {
    /// The first instant at which an answer is too late, as things stand.
    pub const fn due(&self) -> Timestamp {
        if self.standing.is_extended { self.extended_by } else { self.answer_by }
    }
}

/// What tells a submission from another: the sender's own key for it, and what was asked. Both are digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submission {
    /// Of the key.
    pub key: [u8; 32],
    /// Of what was asked.
    pub content: [u8; 32],
}

/// One row of a request's audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RightsStepRecord {
    /// Its number, from 1.
    pub number: u32,
    /// What was done.
    pub step: String,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: PersonId,
    /// Where the request stood afterwards.
    pub state: RequestState,
    /// Why, from a closed list.
    pub reason: Option<String>,
    /// What the staff noted. Forgotten when the person is erased.
    pub note: Option<String>,
    /// The id of its ledger entry.
    pub event: [u8; 16],
}

/// How many requests are open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RightsCounts {
    /// Not closed.
    pub open: u64,
    /// Of those, too late already.
    pub overdue: u64,
    /// Of those, due before the instant that was asked for and not too late yet.
    pub due_soon: u64,
}

/// Which requests to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RightsFilter {
    /// Only of this organisation.
    pub organization: Option<OrganizationId>,
    /// Only about this person.
    pub subject: Option<SubjectId>,
    /// Only those that are not closed.
    pub open_only: bool,
    /// Only those after this one, in the order of their ids.
    pub after: Option<RightsRequestId>,
}

impl ControlStore {
    /// Keeps a new request with its first step and announces it.
    pub fn open_request(
        &mut self,
        request: &RightsRecord,
        submission: Submission,
        statement: Option<&RightsStatement>,
        step: &RightsStepRecord,
        announcement: &Announcement,
    ) -> Result<(), StoreError> {
        self.file.write("open_request", |tx| {
            insert(tx, request, submission)?;
            if let Some(statement) = statement {
                keep_statement(tx, statement)?;
            }
            insert_step(tx, request.id, step)?;
            announce(tx, announcement)
        })
    }

    /// The request that this submission made before, with the digest of what was asked.
    pub fn request_submitted(
        &self,
        organization: OrganizationId,
        key: [u8; 32],
    ) -> Result<Option<(RightsRecord, [u8; 32])>, StoreError> {
        self.file.read("request_submitted", |connection| {
            connection
                .prepare_cached(&format!("{REQUEST} WHERE organization = ?1 AND submission = ?2"))?
                .query_row(params![organization.as_bytes(), key], |row| Ok((request(row)?, fixed(row, 24)?)))
                .optional()
        })
    }

    /// One request.
    pub fn request(&self, id: RightsRequestId) -> Result<Option<RightsRecord>, StoreError> {
        self.file.read("request", |connection| {
            connection
                .prepare_cached(&format!("{REQUEST} WHERE id = ?1"))?
                .query_row([id.as_bytes()], request)
                .optional()
        })
    }

    /// Requests in the order of their ids, at most `limit`.
    pub fn requests(&self, filter: RightsFilter, limit: u32) -> Result<Vec<RightsRecord>, StoreError> {
        self.file.read("requests", |connection| {
            connection
                .prepare_cached(&format!(
                    "{REQUEST} WHERE (?1 IS NULL OR organization = ?1) AND (?2 IS NULL OR subject = ?2)
                        AND (NOT ?3 OR closed_at IS NULL) AND id > ?4 ORDER BY id LIMIT ?5"
                ))?
                .query_map(
                    params![
                        filter.organization.as_ref().map(OrganizationId::as_bytes),
                        filter.subject.as_ref().map(SubjectId::as_bytes),
                        filter.open_only,
                        filter.after.map_or([0; 16], |id| *id.as_bytes()),
                        limit
                    ],
                    request,
                )?
                .collect()
        })
    }

    /// Open requests, those that are due first first, at most `limit`.
    pub fn open_requests(
        &self,
        organization: Option<OrganizationId>,
        limit: u32,
    ) -> Result<Vec<RightsRecord>, StoreError> {
        self.file.read("open_requests", |connection| {
            connection
                .prepare_cached(&format!(
                    "{REQUEST} WHERE closed_at IS NULL AND (?1 IS NULL OR organization = ?1)
                     ORDER BY CASE WHEN extended THEN extended_by ELSE answer_by END, id LIMIT ?2"
                ))?
                .query_map(params![organization.as_ref().map(OrganizationId::as_bytes), limit], request)?
                .collect()
        })
    }

    /// Notes a step, where the request stands after it, and what it changed for the person, queues the letter that tells them
    /// of it, and announces it.
    pub fn step_request(
        &mut self,
        request: &RightsRecord,
        step: &RightsStepRecord,
        effect: &RightsEffect,
        letter: Option<&LetterRecord>,
        announcement: &Announcement,
    ) -> Result<(), StoreError> {
        self.file.write("step_request", |tx| {
            tx.execute(
                "UPDATE rights_requests SET state = ?2, confirmed = ?3, identified = ?4, extended = ?5, closed_at = ?6,
                    report = ?7 WHERE id = ?1",
                params![
                    request.id.as_bytes(),
                    request.standing.state.name(),
                    request.standing.is_confirmed,
                    request.standing.is_identified,
                    request.standing.is_extended,
                    request.closed_at.map(Timestamp::as_microsecond),
                    request.report,
                ],
            )?;
            insert_step(tx, request.id, step)?;
            apply(tx, request, effect, step.at)?;
            // After the effect: who was erased has no address any more.
            if let Some(letter) = letter {
                crate::letters::queue(tx, letter)?;
            }
            announce(tx, announcement)
        })
    }

    /// The audit of a request, the first step first.
    pub fn request_steps(&self, id: RightsRequestId) -> Result<Vec<RightsStepRecord>, StoreError> {
        self.file.read("request_steps", |connection| {
            connection
                .prepare_cached(
                    "SELECT number, step, at, by, state, reason, note, event FROM rights_steps WHERE request = ?1
                     ORDER BY number",
                )?
                .query_map([id.as_bytes()], |row| {
                    Ok(RightsStepRecord {
                        number: row.get(0)?,
                        step: row.get(1)?,
                        at: instant(row, 2)?,
                        by: PersonId::from_bytes(bytes16(row, 3)?),
                        state: named(row, 4)?,
                        reason: row.get(5)?,
                        note: row.get(6)?,
                        event: bytes16(row, 7)?,
                    })
                })?
                .collect()
        })
    }

    /// How many requests are open, too late, and due before `soon`.
    pub fn request_counts(&self, now: Timestamp, soon: Timestamp) -> Result<RightsCounts, StoreError> {
        self.file.read("request_counts", |connection| {
            connection
                .prepare_cached(
                    "SELECT count(*), coalesce(sum(due <= ?1), 0), coalesce(sum(due > ?1 AND due <= ?2), 0) FROM (
                        SELECT CASE WHEN extended THEN extended_by ELSE answer_by END AS due
                        FROM rights_requests WHERE closed_at IS NULL)",
                )?
                .query_row(params![now.as_microsecond(), soon.as_microsecond()], |row| {
                    Ok(RightsCounts { open: row.get(0)?, overdue: row.get(1)?, due_soon: row.get(2)? })
                })
        })
    }
}

/// Takes a person who is erased out of their requests: what stays tells that a request was handled, not whose.
pub(crate) fn forget_subject(tx: &Transaction<'_>, subject: SubjectId) -> rusqlite::Result<()> {
    let id = subject.as_bytes();
    tx.execute(
        "UPDATE rights_steps SET note = NULL WHERE request IN (SELECT id FROM rights_requests WHERE subject = ?1)",
        [id],
    )?;
    for table in ["rights_statements", "restrictions", "objections", "opt_outs"] {
        tx.execute(&format!("DELETE FROM {table} WHERE subject = ?1"), [id])?;
    }
    tx.execute(
        "UPDATE rights_exports SET file = '', recipients = '', last = NULL
         WHERE request IN (SELECT id FROM rights_requests WHERE subject = ?1)",
        [id],
    )?;
    tx.execute(
        "UPDATE rights_requests SET subject = NULL, agent = NULL, evidence = NULL, mandate_covers = NULL,
            mandate_from = NULL, mandate_until = NULL, target = NULL, new_name = NULL WHERE subject = ?1",
        [id],
    )
    .map(drop)
}

fn insert(tx: &Transaction<'_>, request: &RightsRecord, submission: Submission) -> rusqlite::Result<()> {
    let micros = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond);
    let agent = request.agent.as_ref();
    tx.execute(
        "INSERT INTO rights_requests (id, organization, subject, kind, regimes, submission, content, state, confirmed,
            identified, extended, received_at, confirm_by, answer_by, extended_by, decided_by, opened_by, agent, evidence,
            mandate_covers, mandate_from, mandate_until, target, new_name)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,
            ?24)",
        params![
            request.id.as_bytes(),
            request.organization.as_bytes(),
            request.subject.as_ref().map(SubjectId::as_bytes),
            request.kind.name(),
            joined(request.regimes.iter().map(|regime| regime.name())),
            submission.key,
            submission.content,
            request.standing.state.name(),
            request.standing.is_confirmed,
            request.standing.is_identified,
            request.standing.is_extended,
            request.received_at.as_microsecond(),
            micros(request.confirm_by),
            request.answer_by.as_microsecond(),
            request.extended_by.as_microsecond(),
            request.decided_by.name(),
            request.opened_by.as_bytes(),
            agent.map(|agent| &agent.name),
            agent.map(|agent| agent.evidence),
            agent.map(|agent| joined(agent.covers.iter().map(|kind| kind.name()))),
            agent.map(|agent| agent.from.as_microsecond()),
            micros(agent.and_then(|agent| agent.until)),
            request.target,
            request.new_name,
        ],
    )
    .map(drop)
}

fn insert_step(tx: &Transaction<'_>, id: RightsRequestId, step: &RightsStepRecord) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO rights_steps (request, number, step, at, by, state, reason, note, event)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            id.as_bytes(),
            step.number,
            step.step,
            step.at.as_microsecond(),
            step.by.as_bytes(),
            step.state.name(),
            step.reason,
            step.note,
            step.event,
        ],
    )
    .map(drop)
}

fn joined<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(" ")
}

/// Names that are stored with spaces between them.
fn split<T>(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Vec<T>>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
{
    let names: Option<String> = row.get(column)?;
    let names = names.unwrap_or_default();
    let parsed = names.split_whitespace().map(|name| {
        name.parse().map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
        })
    });
    parsed.collect()
}

const REQUEST: &str =
    "SELECT id, organization, subject, kind, regimes, state, confirmed, identified, extended, received_at,
    confirm_by, answer_by, extended_by, decided_by, opened_by, agent, evidence, mandate_covers, mandate_from,
    mandate_until, target, new_name, closed_at, report, content FROM rights_requests";

fn request(row: &rusqlite::Row<'_>) -> rusqlite::Result<RightsRecord> {
    let subject: Option<[u8; 16]> = row.get(2)?;
    let agent: Option<String> = row.get(15)?;
    let agent = agent.map(|name| {
        Ok::<_, rusqlite::Error>(RightsAgent {
            name,
            evidence: fixed(row, 16)?,
            covers: split(row, 17)?,
            from: instant(row, 18)?,
            until: optional_instant(row, 19)?,
        })
    });
    Ok(RightsRecord {
        id: RightsRequestId::from_bytes(bytes16(row, 0)?),
        organization: OrganizationId::from_bytes(bytes16(row, 1)?),
        subject: subject.map(SubjectId::from_bytes),
        kind: named(row, 3)?,
        regimes: split(row, 4)?,
        standing: RequestStanding {
            state: named(row, 5)?,
            is_confirmed: row.get(6)?,
            is_identified: row.get(7)?,
            is_extended: row.get(8)?,
        },
        received_at: instant(row, 9)?,
        confirm_by: optional_instant(row, 10)?,
        answer_by: instant(row, 11)?,
        extended_by: instant(row, 12)?,
        decided_by: named(row, 13)?,
        opened_by: PersonId::from_bytes(bytes16(row, 14)?),
        agent: agent.transpose()?,
        target: row.get(20)?,
        new_name: row.get(21)?,
        closed_at: optional_instant(row, 22)?,
        report: row.get(23)?,
    })
}

#[cfg(test)]
mod tests;
