//! Legal holds, investigations and findings of misuse in `control.db`.

use fiducia_policy::{
    CaseId, ConversationId, FlagId, HoldId, KeyId, OrganizationId, PersonId, RecordId, SubjectId, Timestamp,
};
use rusqlite::{OptionalExtension, params};

use crate::connection::{bytes16, instant, optional_instant};
use crate::outbox::{Announcement, announce};
use crate::{ControlStore, StoreError};

/// A legal hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRecord {
    /// Its id.
    pub id: HoldId,
    /// Whose data.
    pub organization: OrganizationId,
    /// The matter.
    pub matter: String,
    /// Who obliges: a court, an authority, counsel.
    pub authority: String,
    /// Its scope as JSON.
    pub scope: String,
    /// The key it hangs from.
    pub root: KeyId,
    /// Placed when.
    pub placed_at: Timestamp,
    /// By whom.
    pub placed_by: PersonId,
    /// How far the records that were there before it are held: up to this conversation.
    pub after: Option<ConversationId>,
    /// Whether all records that were there before it are held.
    pub is_complete: bool,
    /// How many records that were there before are held.
    pub records: u64,
    /// Released when.
    pub released_at: Option<Timestamp>,
    /// When its key is destroyed: the release and the days of grace.
    pub ends_at: Option<Timestamp>,
    /// When its key was destroyed.
    pub ended_at: Option<Timestamp>,
}

/// What a person is to a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldRole {
    /// Has what is held and must not destroy it.
    Custodian,
    /// May review what is held.
    Reviewer,
}

impl HoldRole {
    /// The name in the database and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Custodian => "custodian",
            Self::Reviewer => "reviewer",
        }
    }
}

/// A person of a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldPerson {
    /// Custodian or reviewer.
    pub role: String,
    /// Who.
    pub name: String,
    /// Told when.
    pub told_at: Timestamp,
    /// Confirmed when.
    pub acknowledged_at: Option<Timestamp>,
}

/// An investigation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseRecord {
    /// Its id.
    pub id: CaseId,
    /// Whose data.
    pub organization: OrganizationId,
    /// What it is called.
    pub name: String,
    /// The key it hangs from.
    pub root: KeyId,
    /// Opened when.
    pub opened_at: Timestamp,
    /// By whom.
    pub opened_by: PersonId,
    /// Closed when.
    pub closed_at: Option<Timestamp>,
    /// When its key is destroyed.
    pub ends_at: Option<Timestamp>,
    /// When its key was destroyed.
    pub ended_at: Option<Timestamp>,
}

/// A finding of misuse. It outlives the content it is about.
#[derive(Debug, Clone, PartialEq)]
pub struct FlagRecord {
    /// Its id.
    pub id: FlagId,
    /// Whose data.
    pub organization: OrganizationId,
    /// Whose.
    pub subject: SubjectId,
    /// In which conversation.
    pub conversation: ConversationId,
    /// In which record, where it is one.
    pub record: Option<RecordId>,
    /// What was found.
    pub category: String,
    /// How sure the finding is, 0 to 1, where a classifier made it.
    pub score: Option<f64>,
    /// Found when.
    pub flagged_at: Timestamp,
    /// By whom.
    pub flagged_by: PersonId,
    /// The day with which the content is no longer kept for it.
    pub content_until: Option<String>,
    /// When this finding itself is forgotten.
    pub score_ends_at: Option<Timestamp>,
}

const HOLD: &str =
    "SELECT id, organization, matter, authority, scope, root, placed_at, placed_by, after, swept, records,
    released_at, ends_at, ended_at FROM holds";
const CASE: &str =
    "SELECT id, organization, name, root, opened_at, opened_by, closed_at, ends_at, ended_at FROM cases";
pub(crate) const FLAG: &str =
    "SELECT id, organization, subject, conversation, record, category, score, flagged_at, flagged_by,
    content_until, score_ends_at FROM flags";

impl ControlStore {
    /// Places a hold and announces it. From this commit on nothing in its scope may be destroyed.
    pub fn place_hold(&mut self, hold: &HoldRecord, announcement: &Announcement) -> Result<(), StoreError> {
        self.file.write("place_hold", |tx| {
            tx.execute(
                "INSERT INTO holds (id, organization, matter, authority, scope, root, placed_at, placed_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                params![
                    hold.id.as_bytes(),
                    hold.organization.as_bytes(),
                    hold.matter,
                    hold.authority,
                    hold.scope,
                    hold.root.as_bytes(),
                    hold.placed_at.as_microsecond(),
                    hold.placed_by.as_bytes(),
                ],
            )?;
            announce(tx, announcement)
        })
    }

    /// Widens a hold and announces it: everything is looked at again.
    pub fn widen_hold(
        &mut self,
        id: HoldId,
        scope: &str,
        announcement: &Announcement,
    ) -> Result<(), StoreError> {
        self.file.write("widen_hold", |tx| {
            tx.execute(
                "UPDATE holds SET scope = ?2, after = NULL, swept = 0 WHERE id = ?1 AND released_at IS NULL",
                params![id.as_bytes(), scope],
            )?;
            announce(tx, announcement)
        })
    }

    /// Releases a hold and announces it: its key is destroyed at `ends_at`.
    pub fn release_hold(
        &mut self,
        id: HoldId,
        (released_at, released_by): (Timestamp, PersonId),
        ends_at: Timestamp,
        announcement: &Announcement,
    ) -> Result<(), StoreError> {
        self.file.write("release_hold", |tx| {
            tx.execute(
                "UPDATE holds SET released_at = ?2, released_by = ?3, ends_at = ?4
                 WHERE id = ?1 AND released_at IS NULL",
                params![
                    id.as_bytes(),
                    released_at.as_microsecond(),
                    released_by.as_bytes(),
                    ends_at.as_microsecond()
                ],
            )?;
            announce(tx, announcement)
        })
    }

    /// Notes how far the records that were there before a hold are held.
    pub fn advance_hold(
        &mut self,
        id: HoldId,
        after: Option<ConversationId>,
        records: u64,
        is_complete: bool,
    ) -> Result<(), StoreError> {
        self.file.write("advance_hold", |tx| {
            tx.execute(
                "UPDATE holds SET after = ?2, records = records + ?3, swept = ?4 WHERE id = ?1",
                params![id.as_bytes(), after.as_ref().map(ConversationId::as_bytes), records, is_complete],
            )
            .map(drop)
        })
    }

    /// Notes that the key of a hold or case was destroyed.
    pub fn end_held(&mut self, root: KeyId, now: Timestamp) -> Result<(), StoreError> {
        self.file.write("end_held", |tx| {
            for table in ["holds", "cases"] {
                tx.execute(
                    &format!("UPDATE {table} SET ended_at = ?2 WHERE root = ?1 AND ended_at IS NULL"),
                    params![root.as_bytes(), now.as_microsecond()],
                )?;
            }
            Ok(())
        })
    }

    /// All holds, also those that have ended, oldest first.
    pub fn holds(&self) -> Result<Vec<HoldRecord>, StoreError> {
        self.file.read("holds", |connection| {
            connection.prepare_cached(&format!("{HOLD} ORDER BY id"))?.query_map([], hold)?.collect()
        })
    }

    /// One hold.
    pub fn hold(&self, id: HoldId) -> Result<Option<HoldRecord>, StoreError> {
        self.file.read("hold", |connection| {
            connection
                .prepare_cached(&format!("{HOLD} WHERE id = ?1"))?
                .query_row([id.as_bytes()], hold)
                .optional()
        })
    }

    /// Notes that a custodian or reviewer was told of a hold.
    pub fn tell_of_hold(
        &mut self,
        id: HoldId,
        role: HoldRole,
        name: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.file.write("tell_of_hold", |tx| {
            tx.execute(
                "INSERT INTO hold_people (hold, role, name, told_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                params![id.as_bytes(), role.name(), name, now.as_microsecond()],
            )
            .map(drop)
        })
    }

    /// Notes that a custodian has confirmed; `false` when there is none of that name.
    pub fn acknowledge_hold(&mut self, id: HoldId, name: &str, now: Timestamp) -> Result<bool, StoreError> {
        self.file.write("acknowledge_hold", |tx| {
            let changed = tx.execute(
                "UPDATE hold_people SET acknowledged_at = coalesce(acknowledged_at, ?3) WHERE hold = ?1 AND name = ?2
                    AND role = 'custodian'",
                params![id.as_bytes(), name, now.as_microsecond()],
            )?;
            Ok(changed > 0)
        })
    }

    /// Custodians and reviewers of a hold.
    pub fn hold_people(&self, id: HoldId) -> Result<Vec<HoldPerson>, StoreError> {
        self.file.read("hold_people", |connection| {
            connection
                .prepare_cached(
                    "SELECT role, name, told_at, acknowledged_at FROM hold_people WHERE hold = ?1 ORDER BY role, name",
                )?
                .query_map([id.as_bytes()], |row| {
                    Ok(HoldPerson {
                        role: row.get(0)?,
                        name: row.get(1)?,
                        told_at: instant(row, 2)?,
                        acknowledged_at: optional_instant(row, 3)?,
                    })
                })?
                .collect()
        })
    }

    /// Opens a case and announces it.
    pub fn open_case(&mut self, case: &CaseRecord, announcement: &Announcement) -> Result<(), StoreError> {
        self.file.write("open_case", |tx| {
            tx.execute(
                "INSERT INTO cases (id, organization, name, root, opened_at, opened_by, ends_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    case.id.as_bytes(),
                    case.organization.as_bytes(),
                    case.name,
                    case.root.as_bytes(),
                    case.opened_at.as_microsecond(),
                    case.opened_by.as_bytes(),
                    case.ends_at.map(Timestamp::as_microsecond),
                ],
            )?;
            announce(tx, announcement)
        })
    }

    /// Closes a case and announces it.
    pub fn close_case(
        &mut self,
        id: CaseId,
        now: Timestamp,
        ends_at: Option<Timestamp>,
        announcement: &Announcement,
    ) -> Result<(), StoreError> {
        self.file.write("close_case", |tx| {
            tx.execute(
                "UPDATE cases SET closed_at = ?2, ends_at = ?3 WHERE id = ?1 AND closed_at IS NULL",
                params![id.as_bytes(), now.as_microsecond(), ends_at.map(Timestamp::as_microsecond)],
            )?;
            announce(tx, announcement)
        })
    }

    /// All cases, oldest first.
    pub fn cases(&self) -> Result<Vec<CaseRecord>, StoreError> {
        self.file.read("cases", |connection| {
            connection
                .prepare_cached(&format!("{CASE} ORDER BY id"))?
                .query_map([], |row| {
                    Ok(CaseRecord {
                        id: CaseId::from_bytes(bytes16(row, 0)?),
                        organization: OrganizationId::from_bytes(bytes16(row, 1)?),
                        name: row.get(2)?,
                        root: KeyId::from_bytes(bytes16(row, 3)?),
                        opened_at: instant(row, 4)?,
                        opened_by: PersonId::from_bytes(bytes16(row, 5)?),
                        closed_at: optional_instant(row, 6)?,
                        ends_at: optional_instant(row, 7)?,
                        ended_at: optional_instant(row, 8)?,
                    })
                })?
                .collect()
        })
    }

    /// Stores a finding and announces it.
    pub fn flag(&mut self, flag: &FlagRecord, announcement: &Announcement) -> Result<(), StoreError> {
        self.file.write("flag", |tx| {
            tx.execute(
                "INSERT INTO flags (id, organization, subject, conversation, record, category, score, flagged_at,
                    flagged_by, content_until, score_ends_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                params![
                    flag.id.as_bytes(),
                    flag.organization.as_bytes(),
                    flag.subject.as_bytes(),
                    flag.conversation.as_bytes(),
                    flag.record.as_ref().map(RecordId::as_bytes),
                    flag.category,
                    flag.score,
                    flag.flagged_at.as_microsecond(),
                    flag.flagged_by.as_bytes(),
                    flag.content_until,
                    flag.score_ends_at.map(Timestamp::as_microsecond),
                ],
            )?;
            announce(tx, announcement)
        })
    }

    /// The findings in a conversation, or all of them, oldest first, at most `limit`.
    pub fn flags(
        &self,
        conversation: Option<ConversationId>,
        limit: u32,
    ) -> Result<Vec<FlagRecord>, StoreError> {
        self.file.read("flags", |connection| {
            connection
                .prepare_cached(&format!(
                    "{FLAG} WHERE (?1 IS NULL OR conversation = ?1) ORDER BY id LIMIT ?2"
                ))?
                .query_map(params![conversation.as_ref().map(ConversationId::as_bytes), limit], flag)?
                .collect()
        })
    }

    /// Forgets findings whose time is over, at most `limit`. Gives how many.
    pub fn forget_flags(&mut self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.file.write("forget_flags", |tx| {
            let removed = tx.execute(
                "DELETE FROM flags WHERE id IN (
                    SELECT id FROM flags WHERE score_ends_at <= ?1 ORDER BY score_ends_at LIMIT ?2)",
                params![now.as_microsecond(), limit],
            )?;
            Ok(u64::try_from(removed).unwrap_or(u64::MAX))
        })
    }
}

fn hold(row: &rusqlite::Row<'_>) -> rusqlite::Result<HoldRecord> {
    let after: Option<[u8; 16]> = row.get(8)?;
    Ok(HoldRecord {
        id: HoldId::from_bytes(bytes16(row, 0)?),
        organization: OrganizationId::from_bytes(bytes16(row, 1)?),
        matter: row.get(2)?,
        authority: row.get(3)?,
        scope: row.get(4)?,
        root: KeyId::from_bytes(bytes16(row, 5)?),
        placed_at: instant(row, 6)?,
        placed_by: PersonId::from_bytes(bytes16(row, 7)?),
        after: after.map(ConversationId::from_bytes),
        is_complete: row.get(9)?,
        records: row.get(10)?,
        released_at: optional_instant(row, 11)?,
        ends_at: optional_instant(row, 12)?,
        ended_at: optional_instant(row, 13)?,
    })
}

pub(crate) fn flag(row: &rusqlite::Row<'_>) -> rusqlite::Result<FlagRecord> {
    let record: Option<[u8; 16]> = row.get(4)?;
    Ok(FlagRecord {
        id: FlagId::from_bytes(bytes16(row, 0)?),
        organization: OrganizationId::from_bytes(bytes16(row, 1)?),
        subject: SubjectId::from_bytes(bytes16(row, 2)?),
        conversation: ConversationId::from_bytes(bytes16(row, 3)?),
        record: record.map(RecordId::from_bytes),
        category: row.get(5)?,
        score: row.get(6)?,
        flagged_at: instant(row, 7)?,
        flagged_by: PersonId::from_bytes(bytes16(row, 8)?),
        content_until: row.get(9)?,
        score_ends_at: optional_instant(row, 10)?,
    })
}
