//! Who looked at what of whom, in `control.db`: an index of the log's access entries by person.
//!
//! The log is the truth and names records; which person a record was about cannot be found out any more once it is purged.
//! So a row is written before each entry. A row without a place in the log is of an access that the log has not confirmed:
//! nothing was read then, or the program ended before the place was noted.

use fiducia_policy::{
    AccessReason, AccessSessionId, ConversationId, GroundKind, OrganizationId, PersonId, Sight, SubjectId,
    Timestamp,
};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::connection::{bytes16, instant};
use crate::control::{named, optional_named};
use crate::{ControlStore, ConversationRecord, StoreError};

/// Conversations among which the newest that is there is looked for.
const NEWEST_ROWS: u32 = 50;

/// The tables of this module, a step of `control.db`, with the index by which people find what they deleted.
pub(crate) const TABLES: &str = "
    CREATE TABLE accesses (
        sequence INTEGER PRIMARY KEY, event BLOB NOT NULL, organization BLOB NOT NULL, subject BLOB NOT NULL,
        conversation BLOB, records BIGINT NOT NULL, actor BLOB NOT NULL, reason TEXT NOT NULL, ticket TEXT, ground TEXT NOT NULL,
        at BIGINT NOT NULL, expires_at BIGINT NOT NULL, ledger_index BIGINT
    );
    CREATE INDEX accesses_subject ON accesses (subject, sequence);
    CREATE INDEX accesses_event ON accesses (event);
    CREATE INDEX conversations_deleted ON conversations (subject, id) WHERE deleted_at IS NOT NULL AND destroyed_at IS NULL;
";

/// Where the public events of a look lie, a later step of `control.db`.
pub(crate) const PUBLIC_COLUMNS: &str = "
    ALTER TABLE accesses ADD COLUMN public_first BIGINT NOT NULL DEFAULT 0;
    ALTER TABLE accesses ADD COLUMN public_count BIGINT NOT NULL DEFAULT 0;
";

/// A look at what is kept of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRecord {
    /// Its place among all looks; 0 before it is stored.
    pub sequence: u64,
    /// The id of its entry in the log. One entry may be about several people.
    pub event: [u8; 16],
    /// Whose organisation.
    pub organization: OrganizationId,
    /// Whose records.
    pub subject: SubjectId,
    /// Of which conversation, where they were all of one.
    pub conversation: Option<ConversationId>,
    /// How many records.
    pub records: u64,
    /// Who looked.
    pub actor: PersonId,
    /// Why.
    pub reason: AccessReason,
    /// The case or request it belongs to.
    pub ticket: Option<String>,
    /// The ground whose path was walked.
    pub ground: GroundKind,
    /// When.
    pub at: Timestamp,
    /// When the permission ended.
    pub expires_at: Timestamp,
    /// Where its entry lies in the organisation's log, once that is known.
    pub ledger_index: Option<u64>,
    /// In which session; none where the person looked at what is theirs.
    pub session: Option<AccessSessionId>,
    /// How it was shown; none for looks of earlier versions.
    pub sight: Option<Sight>,
    /// How many public events of the same access, about others, lie between its entry and the first one of this look.
    pub public_first: u64,
    /// How many public events are about this look. They lie behind each other.
    pub public_count: u64,
}

impl ControlStore {
    /// Notes where the entries of accesses lie in their logs, and counts each the first time.
    pub fn place_accesses(&mut self, places: &[([u8; 16], u64)]) -> Result<(), StoreError> {
        self.file.write("place_accesses", |tx| {
            let mut place = tx.prepare_cached("UPDATE accesses SET ledger_index = ?2 WHERE event = ?1")?;
            places.iter().try_for_each(|(event, index)| {
                crate::evidence::count_access(tx, *event)?;
                place.execute(params![event, index]).map(drop)
            })
        })
    }

    /// Forgets accesses that the log refused: nothing was read. Their sessions say that there were such looks.
    pub fn drop_accesses(&mut self, events: &[[u8; 16]]) -> Result<(), StoreError> {
        self.file.write("drop_accesses", |tx| {
            let mut drop_one =
                tx.prepare_cached("DELETE FROM accesses WHERE event = ?1 AND ledger_index IS NULL")?;
            events.iter().try_for_each(|event| {
                crate::access_sessions::note_unlogged(tx, *event)?;
                drop_one.execute([event]).map(drop)
            })
        })
    }

    /// Looks at what is kept of a person, newest first: those before `before`, at most `limit`.
    pub fn accesses(
        &self,
        subject: SubjectId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<AccessRecord>, StoreError> {
        let before = before.and_then(|before| i64::try_from(before).ok()).unwrap_or(i64::MAX);
        self.file.read("accesses", |connection| {
            connection
                .prepare_cached(&format!(
                    "{ACCESS} WHERE subject = ?1 AND sequence < ?2 ORDER BY sequence DESC LIMIT ?3"
                ))?
                .query_map(params![subject.as_bytes(), before, limit], access)?
                .collect()
        })
    }
}

impl ControlStore {
    /// The name under which somebody acts, and the roles of their account where they have one, separated by spaces.
    pub fn actor(&self, person: PersonId) -> Result<Option<(String, Option<String>)>, StoreError> {
        self.file.read("actor", |connection| {
            connection
                .prepare_cached(
                    "SELECT p.name, (SELECT a.roles FROM accounts a WHERE a.person = p.id OR a.login = p.name LIMIT 1)
                     FROM people p WHERE p.id = ?1",
                )?
                .query_row([person.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
    }

    /// The newest conversation of a person that is neither deleted nor destroyed.
    pub fn newest_conversation(&self, subject: SubjectId) -> Result<Option<ConversationRecord>, StoreError> {
        let found = self.conversations(None, Some(subject), false, None, NEWEST_ROWS)?;
        Ok(found.into_iter().find(|conversation| conversation.destroyed_at.is_none()))
    }
}

/// Notes looks that are about to be taken, before their entry goes into the log.
pub(crate) fn insert(tx: &Transaction<'_>, looks: &[AccessRecord]) -> rusqlite::Result<()> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO accesses (event, organization, subject, conversation, records, actor, reason, ticket, ground, at,
            expires_at, session, sight, public_first, public_count)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?;
    for look in looks {
        insert.execute(params![
            look.event,
            look.organization.as_bytes(),
            look.subject.as_bytes(),
            look.conversation.map(|id| *id.as_bytes()),
            look.records,
            look.actor.as_bytes(),
            look.reason.name(),
            look.ticket,
            look.ground.name(),
            look.at.as_microsecond(),
            look.expires_at.as_microsecond(),
            look.session.map(|id| *id.as_bytes()),
            look.sight.map(Sight::name),
            look.public_first,
            look.public_count,
        ])?;
    }
    Ok(())
}

/// Forgets who looked at what of a person who is erased. The log keeps its entries, which name nobody; that there were looks
/// stays, by the ids of those entries, so that an audit finds no entry without one.
pub(crate) fn forget_subject(tx: &Transaction<'_>, subject: SubjectId) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO forgotten_accesses (event, organization, records, ledger_index)
         SELECT event, organization, records, ledger_index FROM accesses WHERE subject = ?1",
        [subject.as_bytes()],
    )?;
    tx.execute("DELETE FROM accesses WHERE subject = ?1", [subject.as_bytes()]).map(drop)
}

pub(crate) const ACCESS: &str = "SELECT sequence, event, organization, subject, conversation, records, actor, reason, ticket, ground, at, \
     expires_at, ledger_index, session, sight, public_first, public_count FROM accesses";

pub(crate) fn access(row: &rusqlite::Row<'_>) -> rusqlite::Result<AccessRecord> {
    let conversation = match row.get_ref(4)? {
        rusqlite::types::ValueRef::Null => None,
        _ => Some(ConversationId::from_bytes(bytes16(row, 4)?)),
    };
    let session: Option<[u8; 16]> = row.get(13)?;
    Ok(AccessRecord {
        sequence: row.get(0)?,
        event: bytes16(row, 1)?,
        organization: OrganizationId::from_bytes(bytes16(row, 2)?),
        subject: SubjectId::from_bytes(bytes16(row, 3)?),
        conversation,
        records: row.get(5)?,
        actor: PersonId::from_bytes(bytes16(row, 6)?),
        reason: named(row, 7)?,
        ticket: row.get(8)?,
        ground: named(row, 9)?,
        at: instant(row, 10)?,
        expires_at: instant(row, 11)?,
        ledger_index: row.get(12)?,
        session: session.map(AccessSessionId::from_bytes),
        sight: optional_named(row, 14)?,
        public_first: row.get(15)?,
        public_count: row.get(16)?,
    })
}
