//! Sessions of reading in `control.db`, with what administrators are told of them.
//!
//! A session is kept as the text of [`AccessSession`], whose steps are the policy crate's; the columns beside it are what
//! sessions are found by. Every step reads it and writes it in one transaction, so that the threads that look, and that
//! which ends sessions, never undo each other's steps.

use std::collections::{HashMap, HashSet};

use fiducia_policy::{
    AccessLimits, AccessNoticeKind, AccessReason, AccessSession, AccessSessionId, AccessStep,
    AccessStepRefused, ComplianceKeyId, OrganizationId, PersonId, RecordId, Sight, Timestamp, TooMuch,
};
use rusqlite::types::Type;
use rusqlite::{OptionalExtension, Transaction, params};

use crate::access_remarks::AccessRemarkRecord;
use crate::accesses::{AccessRecord, insert};
use crate::bulletins::BulletinRecord;
use crate::connection::{bytes16, instant, optional_bytes16, optional_instant};
use crate::control::named;
use crate::outbox::{Announcement, announce};
use crate::{ControlStore, StoreError};

/// The tables of this module, a step of `control.db`.
pub(crate) const TABLES: &str = "
    CREATE TABLE access_sessions (
        id BLOB PRIMARY KEY, organization BLOB NOT NULL, person BLOB NOT NULL, state TEXT NOT NULL, due_at BIGINT,
        review_by BIGINT, body TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX access_sessions_organization ON access_sessions (organization, id);
    CREATE INDEX access_sessions_person ON access_sessions (person, id);
    CREATE INDEX access_sessions_due ON access_sessions (due_at) WHERE due_at IS NOT NULL;
    CREATE TABLE access_session_records (
        session BLOB NOT NULL REFERENCES access_sessions ON DELETE CASCADE, record BLOB NOT NULL, sight TEXT NOT NULL,
        PRIMARY KEY (session, record)
    ) WITHOUT ROWID;
    CREATE TABLE lockboxes (organization BLOB PRIMARY KEY, changed_at BIGINT NOT NULL) WITHOUT ROWID;
    CREATE TABLE access_notices (
        sequence INTEGER PRIMARY KEY, organization BLOB NOT NULL, session BLOB NOT NULL, kind TEXT NOT NULL, at BIGINT NOT NULL,
        seen_at BIGINT
    );
    CREATE INDEX access_notices_organization ON access_notices (organization, sequence);
    CREATE TABLE access_policy (one INTEGER PRIMARY KEY CHECK (one = 1), digest BLOB NOT NULL);
    ALTER TABLE accesses ADD COLUMN session BLOB;
    ALTER TABLE accesses ADD COLUMN sight TEXT;
    CREATE INDEX accesses_actor ON accesses (actor, at);
";

/// Notices are about sessions, or about keys to the Compliance API. A later step of `control.db`.
pub(crate) const NOTICES_OF_KEYS: &str = "
    CREATE TABLE notices_of_access (
        sequence INTEGER PRIMARY KEY, organization BLOB NOT NULL, session BLOB, compliance_key BLOB, kind TEXT NOT NULL,
        at BIGINT NOT NULL, seen_at BIGINT, CHECK ((session IS NULL) <> (compliance_key IS NULL))
    );
    INSERT INTO notices_of_access (sequence, organization, session, kind, at, seen_at)
        SELECT sequence, organization, session, kind, at, seen_at FROM access_notices;
    DROP TABLE access_notices;
    ALTER TABLE notices_of_access RENAME TO access_notices;
    CREATE INDEX access_notices_organization ON access_notices (organization, sequence);
    CREATE INDEX access_notices_session ON access_notices (session) WHERE session IS NOT NULL;
";

const HOUR_MICROS: i64 = 3_600_000_000;
const DAY_MICROS: i64 = 24 * HOUR_MICROS;
/// Days that make a habit.
const HABIT_DAYS: i64 = 30;

/// A look that was taken in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLookRow {
    /// When.
    pub at: Timestamp,
    /// How many records it opened.
    pub records: u64,
    /// How they were shown; none for looks of earlier versions.
    pub sight: Option<Sight>,
    /// Where its entry lies in the organisation's log.
    pub ledger_index: u64,
}

/// What the administrators of an organisation are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessNotice {
    /// Its place among all.
    pub sequence: u64,
    /// Whose administrators.
    pub organization: OrganizationId,
    /// Of which session, where it is about one.
    pub session: Option<AccessSessionId>,
    /// Of which key to the Compliance API, where it is about one.
    pub key: Option<ComplianceKeyId>,
    /// What.
    pub kind: AccessNoticeKind,
    /// When.
    pub at: Timestamp,
    /// Seen by one of them when.
    pub seen_at: Option<Timestamp>,
}

/// A session to be written, with what it makes known.
#[derive(Debug, Clone)]
pub struct AccessSessionWrite {
    /// The session as it is now.
    pub session: AccessSession,
    /// For the ledger.
    pub announcements: Vec<Announcement>,
    /// For the administrators.
    pub notices: Vec<AccessNoticeKind>,
    /// For the administrators by mail.
    pub bulletins: Vec<BulletinRecord>,
    /// What was said to the answer.
    pub remark: Option<AccessRemarkRecord>,
    /// When.
    pub at: Timestamp,
}

/// Which sessions are listed, newest first.
#[derive(Debug, Clone, Copy, Default)]
pub struct AccessSessionFilter {
    /// Only of this organisation.
    pub organization: Option<OrganizationId>,
    /// Only of this reader.
    pub person: Option<PersonId>,
    /// Only those that are asked for, open or to be reviewed.
    pub live_only: bool,
    /// Only those that were asked for before this one.
    pub before: Option<AccessSessionId>,
}

/// How many records somebody opened for their work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessVolume {
    /// Within the last hour.
    pub hour: u64,
    /// Within the last day.
    pub day: u64,
    /// On each of the thirty days before that; days without looks are left out.
    pub days: Vec<u64>,
}

/// The look of a session.
#[derive(Debug, Clone)]
pub struct SessionLook {
    /// Which session.
    pub session: AccessSessionId,
    /// Which records.
    pub records: Vec<RecordId>,
    /// How they are shown.
    pub sight: Sight,
}

/// A look that is about to be taken.
#[derive(Debug, Clone)]
pub struct BeginLook {
    /// Its rows in the index of accesses.
    pub rows: Vec<AccessRecord>,
    /// The session it is taken in; none where people read what is theirs.
    pub session: Option<SessionLook>,
    /// When.
    pub at: Timestamp,
}

/// Why a look is refused. Nothing was opened, and it has no entry in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookRefused {
    /// There is no such session.
    #[error("there is no such session; nothing was opened")]
    NoSession,
    /// The session does not permit it.
    #[error("{0}")]
    Step(#[from] AccessStepRefused),
    /// It is too much.
    #[error("{0}")]
    TooMuch(#[from] TooMuch),
}

impl ControlStore {
    /// Notes looks before their entries go into the log, each checked against its session and the limits, in the order in
    /// which they came. The one commit is durable when this returns.
    pub fn begin_looks(
        &mut self,
        looks: &[BeginLook],
        limits: &AccessLimits,
    ) -> Result<Vec<Result<(), LookRefused>>, StoreError> {
        self.file.write("begin_looks", |tx| looks.iter().map(|look| begin_look(tx, look, limits)).collect())
    }

    /// Stores a new session.
    pub fn begin_access_session(&mut self, write: &AccessSessionWrite) -> Result<(), StoreError> {
        self.file.write("begin_access_session", |tx| put(tx, write))
    }

    /// Changes a session by what `change` makes of it, in one transaction. `None` when there is none; nothing is written
    /// when `change` refuses.
    pub fn change_access_session<E>(
        &mut self,
        id: AccessSessionId,
        change: impl FnOnce(AccessSession) -> Result<AccessSessionWrite, E>,
    ) -> Result<Option<Result<AccessSessionWrite, E>>, StoreError> {
        self.file.write("change_access_session", |tx| {
            let Some(session) = session(tx, id)? else { return Ok(None) };
            match change(session) {
                Ok(write) => {
                    put(tx, &write)?;
                    Ok(Some(Ok(write)))
                }
                Err(refused) => Ok(Some(Err(refused))),
            }
        })
    }

    /// One session.
    pub fn access_session(&self, id: AccessSessionId) -> Result<Option<AccessSession>, StoreError> {
        self.file.read("access_session", |connection| {
            connection
                .prepare_cached("SELECT body FROM access_sessions WHERE id = ?1")?
                .query_row([id.as_bytes()], body)
                .optional()
        })
    }

    /// Sessions, newest first, at most `limit`.
    pub fn access_sessions(
        &self,
        filter: AccessSessionFilter,
        limit: u32,
    ) -> Result<Vec<AccessSession>, StoreError> {
        self.file.read("access_sessions", |connection| {
            connection
                .prepare_cached(
                    "SELECT body FROM access_sessions
                     WHERE (?1 IS NULL OR organization = ?1) AND (?2 IS NULL OR person = ?2)
                        AND (NOT ?3 OR due_at IS NOT NULL OR review_by IS NOT NULL) AND (?4 IS NULL OR id < ?4)
                     ORDER BY id DESC LIMIT ?5",
                )?
                .query_map(
                    params![
                        filter.organization.map(|id| *id.as_bytes()),
                        filter.person.map(|id| *id.as_bytes()),
                        filter.live_only,
                        filter.before.map(|id| *id.as_bytes()),
                        limit,
                    ],
                    body,
                )?
                .collect()
        })
    }

    /// Sessions whose time is over, or which nobody answered in time.
    pub fn due_access_sessions(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<AccessSessionId>, StoreError> {
        self.file.read("due_access_sessions", |connection| {
            connection
                .prepare_cached("SELECT id FROM access_sessions WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2")?
                .query_map(params![now.as_microsecond(), limit], |row| {
                    Ok(AccessSessionId::from_bytes(bytes16(row, 0)?))
                })?
                .collect()
        })
    }

    /// How many sessions of somebody are asked for or open, and how many reviews of theirs are overdue.
    pub fn access_burden(&self, person: PersonId, now: Timestamp) -> Result<(u32, u32), StoreError> {
        self.file.read("access_burden", |connection| {
            connection
                .prepare_cached(
                    "SELECT count(due_at), count(CASE WHEN review_by <= ?2 THEN 1 END) FROM access_sessions WHERE person = ?1",
                )?
                .query_row(params![person.as_bytes(), now.as_microsecond()], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
        })
    }

    /// The records that were looked at in a session, and how they were shown last.
    pub fn session_sights(&self, id: AccessSessionId) -> Result<HashMap<RecordId, Sight>, StoreError> {
        self.file.read("session_sights", |connection| {
            connection
                .prepare_cached("SELECT record, sight FROM access_session_records WHERE session = ?1")?
                .query_map([id.as_bytes()], |row| {
                    Ok((RecordId::from_bytes(bytes16(row, 0)?), named(row, 1)?))
                })?
                .collect()
        })
    }

    /// The records that somebody looked at under a case or ticket number since a time, in whatever session, however they were
    /// shown. Those of people who were erased since are not among them.
    pub fn records_seen_under(
        &self,
        person: PersonId,
        ticket: &str,
        since: Timestamp,
    ) -> Result<HashSet<RecordId>, StoreError> {
        self.file.read("records_seen_under", |connection| {
            connection
                .prepare_cached(
                    "SELECT DISTINCT seen.record FROM accesses
                     JOIN access_session_records AS seen ON seen.session = accesses.session
                     WHERE accesses.actor = ?1 AND accesses.at >= ?2 AND accesses.ticket = ?3",
                )?
                .query_map(params![person.as_bytes(), since.as_microsecond(), ticket], |row| {
                    Ok(RecordId::from_bytes(bytes16(row, 0)?))
                })?
                .collect()
        })
    }

    /// The looks that were taken in a session and that the log has confirmed, oldest first, at most `limit`. Looks at what is
    /// of people who were erased since are in the log alone.
    pub fn session_looks(
        &self,
        session: &AccessSession,
        limit: u32,
    ) -> Result<Vec<SessionLookRow>, StoreError> {
        self.file.read("session_looks", |connection| {
            connection
                .prepare_cached(
                    // One entry may be about several people. The index is by who looked and when.
                    "SELECT min(at), sum(records), min(sight), min(ledger_index) FROM accesses
                     WHERE actor = ?1 AND at >= ?2 AND session = ?3 AND ledger_index IS NOT NULL
                     GROUP BY event ORDER BY min(sequence) LIMIT ?4",
                )?
                .query_map(
                    params![
                        session.reader.person.as_bytes(),
                        session.asked_at.as_microsecond(),
                        session.id.as_bytes(),
                        limit
                    ],
                    |row| {
                        Ok(SessionLookRow {
                            at: instant(row, 0)?,
                            records: row.get(1)?,
                            sight: crate::control::optional_named(row, 2)?,
                            ledger_index: row.get(3)?,
                        })
                    },
                )?
                .collect()
        })
    }

    /// How much somebody opened for their work.
    pub fn access_volume(&self, person: PersonId, now: Timestamp) -> Result<AccessVolume, StoreError> {
        self.file.read("access_volume", |connection| {
            let (hour, day) = recent(connection, person, now)?;
            let days = connection
                .prepare_cached(
                    "SELECT sum(records) FROM accesses
                     WHERE actor = ?1 AND at <= ?2 AND at > ?3 AND session IS NOT NULL AND sight <> 'file'
                     GROUP BY (?4 - at) / ?5",
                )?
                .query_map(
                    params![
                        person.as_bytes(),
                        now.as_microsecond() - DAY_MICROS,
                        now.as_microsecond() - (HABIT_DAYS + 1) * DAY_MICROS,
                        now.as_microsecond(),
                        DAY_MICROS,
                    ],
                    |row| row.get(0),
                )?
                .collect::<rusqlite::Result<_>>()?;
            Ok(AccessVolume { hour, day, days })
        })
    }

    /// Whether an organisation wants to agree to looks at what is its own.
    pub fn has_lockbox(&self, organization: OrganizationId) -> Result<bool, StoreError> {
        self.file.read("has_lockbox", |connection| {
            connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM lockboxes WHERE organization = ?1)")?
                .query_row([organization.as_bytes()], |row| row.get(0))
        })
    }

    /// Says whether an organisation wants to agree. `false` when it is so already.
    pub fn set_lockbox(
        &mut self,
        organization: OrganizationId,
        enabled: bool,
        now: Timestamp,
        announcement: &Announcement,
    ) -> Result<bool, StoreError> {
        self.file.write("set_lockbox", |tx| {
            let changed = if enabled {
                tx.execute(
                    "INSERT INTO lockboxes (organization, changed_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                    params![organization.as_bytes(), now.as_microsecond()],
                )?
            } else {
                tx.execute("DELETE FROM lockboxes WHERE organization = ?1", [organization.as_bytes()])?
            };
            if changed > 0 {
                announce(tx, announcement)?;
            }
            Ok(changed > 0)
        })
    }

    /// What the administrators of an organisation are told, newest first.
    pub fn access_notices(
        &self,
        organization: OrganizationId,
        limit: u32,
    ) -> Result<Vec<AccessNotice>, StoreError> {
        self.file.read("access_notices", |connection| {
            connection
                .prepare_cached(
                    "SELECT sequence, organization, session, compliance_key, kind, at, seen_at FROM access_notices
                     WHERE organization = ?1 ORDER BY sequence DESC LIMIT ?2",
                )?
                .query_map(params![organization.as_bytes(), limit], |row| {
                    Ok(AccessNotice {
                        sequence: row.get(0)?,
                        organization: OrganizationId::from_bytes(bytes16(row, 1)?),
                        session: optional_bytes16(row, 2)?.map(AccessSessionId::from_bytes),
                        key: optional_bytes16(row, 3)?.map(ComplianceKeyId::from_bytes),
                        kind: named(row, 4)?,
                        at: instant(row, 5)?,
                        seen_at: optional_instant(row, 6)?,
                    })
                })?
                .collect()
        })
    }

    /// Notes that an administrator has seen what they were told, up to a place.
    pub fn see_access_notices(
        &mut self,
        organization: OrganizationId,
        up_to: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.file.write("see_access_notices", |tx| {
            tx.execute(
                "UPDATE access_notices SET seen_at = ?3 WHERE organization = ?1 AND sequence <= ?2 AND seen_at IS NULL",
                params![organization.as_bytes(), up_to, now.as_microsecond()],
            )
            .map(drop)
        })
    }

    /// The digest of the access policies that were in force last; none before the first time.
    pub fn access_policy_digest(&self) -> Result<Option<[u8; 32]>, StoreError> {
        self.file.read("access_policy_digest", |connection| {
            connection
                .prepare_cached("SELECT digest FROM access_policy")?
                .query_row([], |row| crate::connection::fixed(row, 0))
                .optional()
        })
    }

    /// Notes which access policies are in force.
    pub fn set_access_policy(
        &mut self,
        digest: [u8; 32],
        announcements: &[Announcement],
    ) -> Result<(), StoreError> {
        self.file.write("set_access_policy", |tx| {
            tx.execute(
                "INSERT INTO access_policy (one, digest) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET digest = ?1",
                params![digest],
            )?;
            announcements.iter().try_for_each(|announcement| announce(tx, announcement))
        })
    }
}

fn begin_look(
    tx: &Transaction<'_>,
    look: &BeginLook,
    limits: &AccessLimits,
) -> rusqlite::Result<Result<(), LookRefused>> {
    if let Some(wanted) = &look.session {
        let Some(found) = session(tx, wanted.session)? else { return Ok(Err(LookRefused::NoSession)) };
        let count = u64::try_from(wanted.records.len()).unwrap_or(u64::MAX);
        let step = if wanted.sight == Sight::File {
            AccessStep::HandOver(count)
        } else {
            let (hour, day) = recent(tx, found.reader.person, look.at)?;
            if let Err(refused) = limits.admit(count, hour, day) {
                return Ok(Err(refused.into()));
            }
            AccessStep::Look(count)
        };
        let session = match found.after(step, look.at, limits) {
            Ok(session) => session,
            Err(refused) => return Ok(Err(refused.into())),
        };
        put_session(tx, &session)?;
        if wanted.sight != Sight::File {
            see(tx, wanted)?;
        }
    }
    if let Some(refused) = refused_program(tx, look, limits)? {
        return Ok(Err(refused.into()));
    }
    insert(tx, &look.rows)?;
    Ok(Ok(()))
}

/// Notes in its session that the log refused the entry of a look.
pub(crate) fn note_unlogged(tx: &Transaction<'_>, event: [u8; 16]) -> rusqlite::Result<()> {
    let refused: Option<([u8; 16], u64)> = tx
        .prepare_cached(
            "SELECT session, sum(records) FROM accesses
             WHERE event = ?1 AND ledger_index IS NULL AND session IS NOT NULL GROUP BY session",
        )?
        .query_row([event], |row| Ok((bytes16(row, 0)?, row.get(1)?)))
        .optional()?;
    let Some((id, records)) = refused else { return Ok(()) };
    match session(tx, AccessSessionId::from_bytes(id))? {
        Some(session) => put_session(tx, &session.without_entry(records)),
        None => Ok(()),
    }
}

/// Whether a look by an organisation's compliance program is more than its key may open within a day. Then the administrators
/// are told, once a day; the notice stands though the look does not.
///
/// INVARIANT: whatever is read for this reason outside of a session is counted here, whoever enters it.
fn refused_program(
    tx: &Transaction<'_>,
    look: &BeginLook,
    limits: &AccessLimits,
) -> rusqlite::Result<Option<TooMuch>> {
    let of_program = |row: &&AccessRecord| row.reason == AccessReason::OrganizationCompliance;
    let Some(first) = look.rows.first().filter(of_program).filter(|_| look.session.is_none()) else {
        return Ok(None);
    };
    let asked = look.rows.iter().fold(0_u64, |sum, row| sum.saturating_add(row.records));
    let since = look.at.as_microsecond() - DAY_MICROS;
    let day = tx
        .prepare_cached(
            "SELECT coalesce(sum(records), 0) FROM accesses
             WHERE actor = ?1 AND at > ?2 AND session IS NULL AND reason = ?3",
        )?
        .query_row(params![first.actor.as_bytes(), since, first.reason.name()], |row| row.get(0))?;
    let Err(refused) = limits.admit_program(asked, day) else { return Ok(None) };
    // Its key stands where others have a ticket.
    if let Some(Ok(key)) = first.ticket.as_deref().map(str::parse::<ComplianceKeyId>) {
        tx.prepare_cached(
            "INSERT INTO access_notices (organization, compliance_key, kind, at)
             SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS (
                SELECT 1 FROM access_notices WHERE organization = ?1 AND compliance_key = ?2 AND kind = ?3 AND at > ?5)",
        )?
        .execute(params![
            first.organization.as_bytes(),
            key.as_bytes(),
            AccessNoticeKind::ProgramLimit.name(),
            look.at.as_microsecond(),
            since,
        ])?;
    }
    Ok(Some(refused))
}

/// Notes how the records of a look are shown.
fn see(tx: &Transaction<'_>, look: &SessionLook) -> rusqlite::Result<()> {
    let mut note = tx.prepare_cached(
        "INSERT INTO access_session_records (session, record, sight) VALUES (?1, ?2, ?3)
         ON CONFLICT (session, record) DO UPDATE SET sight = ?3",
    )?;
    for record in &look.records {
        note.execute(params![look.session.as_bytes(), record.as_bytes(), look.sight.name()])?;
    }
    Ok(())
}

/// Records that somebody opened for their work within the last hour and the last day. A clock that was set back hides none.
fn recent(
    connection: &rusqlite::Connection,
    person: PersonId,
    now: Timestamp,
) -> rusqlite::Result<(u64, u64)> {
    connection
        .prepare_cached(
            "SELECT coalesce(sum(CASE WHEN at > ?2 THEN records END), 0), coalesce(sum(records), 0) FROM accesses
             WHERE actor = ?1 AND at > ?3 AND session IS NOT NULL AND sight <> 'file'",
        )?
        .query_row(
            params![
                person.as_bytes(),
                now.as_microsecond() - HOUR_MICROS,
                now.as_microsecond() - DAY_MICROS
            ],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
}

fn session(tx: &Transaction<'_>, id: AccessSessionId) -> rusqlite::Result<Option<AccessSession>> {
    tx.prepare_cached("SELECT body FROM access_sessions WHERE id = ?1")?
        .query_row([id.as_bytes()], body)
        .optional()
}

fn put(tx: &Transaction<'_>, write: &AccessSessionWrite) -> rusqlite::Result<()> {
    put_session(tx, &write.session)?;
    let mut notice = tx.prepare_cached(
        "INSERT INTO access_notices (organization, session, kind, at) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for kind in &write.notices {
        notice.execute(params![
            write.session.organization.as_bytes(),
            write.session.id.as_bytes(),
            kind.name(),
            write.at.as_microsecond(),
        ])?;
    }
    crate::bulletins::queue(tx, &write.bulletins)?;
    if let Some(remark) = &write.remark {
        crate::access_remarks::add(tx, write.session.id, remark)?;
    }
    write.announcements.iter().try_for_each(|announcement| announce(tx, announcement))
}

fn put_session(tx: &Transaction<'_>, session: &AccessSession) -> rusqlite::Result<()> {
    let body = serde_json::to_string(session)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    tx.prepare_cached(
        "INSERT INTO access_sessions (id, organization, person, state, due_at, review_by, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (id) DO UPDATE SET state = ?4, due_at = ?5, review_by = ?6, body = ?7",
    )?
    .execute(params![
        session.id.as_bytes(),
        session.organization.as_bytes(),
        session.reader.person.as_bytes(),
        session.state.name(),
        session.due_at().map(Timestamp::as_microsecond),
        session.review_by().map(Timestamp::as_microsecond),
        body,
    ])
    .map(drop)
}

fn body(row: &rusqlite::Row<'_>) -> rusqlite::Result<AccessSession> {
    let text: String = row.get(0)?;
    serde_json::from_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error)))
}
