//! Consents: an append-only history in the order of commits, and where each person stands.

use fiducia_policy::{
    ConsentAct, ConsentChannel, ConsentId, ConsentKind, ConsentPurpose, ConsentState, NoticeIdentity,
    OrganizationId, SubjectId, Timestamp,
};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::connection::{bytes16, fixed, instant, optional_instant};
use crate::control::{named, optional_named};
use crate::outbox::{Announcement, announce};
use crate::retention::request_review;
use crate::{ControlStore, StoreError};

/// The fourth step of `control.db`: notices, consents and campaigns.
///
/// INVARIANT: the file itself refuses to change or delete a notice, and to change a consent but to forget its person.
pub(crate) const TABLES: &str = "
    CREATE TABLE notices (
        purpose TEXT NOT NULL, language TEXT NOT NULL, version BIGINT NOT NULL, document TEXT NOT NULL, hash BLOB NOT NULL,
        published_at BIGINT NOT NULL, published_by BLOB NOT NULL, PRIMARY KEY (purpose, language, version)
    ) WITHOUT ROWID;
    CREATE TRIGGER notices_stay BEFORE UPDATE ON notices
    BEGIN SELECT RAISE(ABORT, 'a published notice never changes'); END;
    CREATE TRIGGER notices_are_kept BEFORE DELETE ON notices
    BEGIN SELECT RAISE(ABORT, 'a published notice is never deleted'); END;
    CREATE TABLE consents (
        sequence INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, organization BLOB NOT NULL, subject BLOB, purpose TEXT NOT NULL,
        act TEXT NOT NULL, state TEXT NOT NULL, kind TEXT NOT NULL, channel TEXT NOT NULL, language TEXT, version BIGINT,
        notice_hash BLOB, region TEXT, evidence TEXT, entity TEXT NOT NULL, event_at BIGINT NOT NULL,
        recorded_at BIGINT NOT NULL, valid_until BIGINT, event BLOB NOT NULL, salt BLOB, request BLOB, content BLOB
    );
    CREATE INDEX consents_subject ON consents (subject, sequence) WHERE subject IS NOT NULL;
    CREATE UNIQUE INDEX consents_request ON consents (subject, request) WHERE request IS NOT NULL;
    CREATE TRIGGER consents_stay BEFORE UPDATE ON consents
    WHEN NEW.subject IS NOT NULL OR NEW.salt IS NOT NULL OR NEW.sequence IS NOT OLD.sequence OR NEW.id IS NOT OLD.id
        OR NEW.organization IS NOT OLD.organization OR NEW.purpose IS NOT OLD.purpose OR NEW.act IS NOT OLD.act
        OR NEW.state IS NOT OLD.state OR NEW.kind IS NOT OLD.kind OR NEW.channel IS NOT OLD.channel
        OR NEW.notice_hash IS NOT OLD.notice_hash OR NEW.event_at IS NOT OLD.event_at
        OR NEW.recorded_at IS NOT OLD.recorded_at OR NEW.event IS NOT OLD.event
    BEGIN SELECT RAISE(ABORT, 'a consent never changes; it can only be forgotten whose it was'); END;
    CREATE TRIGGER consents_are_kept BEFORE DELETE ON consents
    BEGIN SELECT RAISE(ABORT, 'a consent is never deleted'); END;
    CREATE TABLE consent_standings (
        subject BLOB NOT NULL, purpose TEXT NOT NULL, organization BLOB NOT NULL, state TEXT NOT NULL,
        sequence BIGINT NOT NULL, since BIGINT NOT NULL, language TEXT, version BIGINT, region TEXT, valid_until BIGINT,
        lapses_at BIGINT, last_no_at BIGINT, last_no_region TEXT, PRIMARY KEY (subject, purpose)
    ) WITHOUT ROWID;
    CREATE INDEX consent_standings_valid ON consent_standings (valid_until) WHERE valid_until IS NOT NULL;
    CREATE INDEX consent_standings_lapse ON consent_standings (lapses_at) WHERE lapses_at IS NOT NULL;
    CREATE INDEX consent_standings_organization ON consent_standings (organization, subject);
    CREATE TABLE consent_work (subject BLOB PRIMARY KEY) WITHOUT ROWID;
    CREATE TABLE consent_places (sequence INTEGER PRIMARY KEY, ledger_index BIGINT NOT NULL);
    CREATE TABLE campaigns (
        id BLOB PRIMARY KEY, organization BLOB NOT NULL, purpose TEXT NOT NULL, terms TEXT NOT NULL, reason TEXT NOT NULL,
        opened_at BIGINT NOT NULL, opened_by BLOB NOT NULL, after BLOB, extended INTEGER NOT NULL DEFAULT 0,
        closed_at BIGINT
    ) WITHOUT ROWID;
    CREATE TABLE campaign_members (
        campaign BLOB NOT NULL REFERENCES campaigns, subject BLOB NOT NULL, language TEXT, region TEXT,
        asked_at BIGINT, outcome TEXT, ended_at BIGINT, reminders INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (campaign, subject)
    ) WITHOUT ROWID;
    CREATE INDEX campaign_members_subject ON campaign_members (subject, campaign);
";

/// One entry of the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentRecord {
    /// Its place in the order of commits; 0 before it is stored.
    pub sequence: u64,
    /// Its number, and that of its receipt.
    pub id: ConsentId,
    /// Whose organisation.
    pub organization: OrganizationId,
    /// Whose; `None` after erasure.
    pub subject: Option<SubjectId>,
    /// To what.
    pub purpose: ConsentPurpose,
    /// What was done.
    pub act: ConsentAct,
    /// Where that led.
    pub state: ConsentState,
    /// In which way it came about.
    pub kind: ConsentKind,
    /// By which way it came.
    pub channel: ConsentChannel,
    /// The notice that was shown, with its hash.
    pub notice: Option<(NoticeIdentity, [u8; 32])>,
    /// Where the person was, as far as known (ISO 3166).
    pub region: Option<String>,
    /// Evidence of what was shown, as JSON: no free text of people.
    pub evidence: Option<String>,
    /// Who did it: `subject`, a member of staff's id, a virtual key's id, or `system`.
    pub entity: String,
    /// When it was done.
    pub event_at: Timestamp,
    /// When it was stored.
    pub recorded_at: Timestamp,
    /// Until when it counts.
    pub valid_until: Option<Timestamp>,
    /// The id of its ledger entry.
    pub event: [u8; 16],
    /// What blinds the ledger's commitment to the receipt; `None` after erasure.
    pub salt: Option<[u8; 16]>,
    /// Digest of the key by which a repeated request is recognised.
    pub request: Option<[u8; 32]>,
    /// Digest of what was requested.
    pub content: Option<[u8; 32]>,
}

/// Where a person stands about one purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentStanding {
    /// Who.
    pub subject: SubjectId,
    /// About what.
    pub purpose: ConsentPurpose,
    /// Whose organisation.
    pub organization: OrganizationId,
    /// The state.
    pub state: ConsentState,
    /// The entry of the history that led there; 0 before it is stored.
    pub sequence: u64,
    /// When that was done.
    pub since: Timestamp,
    /// The notice's language and version that the last yes or no was about.
    pub notice: Option<(String, u32)>,
    /// Where the person was, as far as known.
    pub region: Option<String>,
    /// Until when a yes counts.
    pub valid_until: Option<Timestamp>,
    /// When silence becomes a no, while a question is open.
    pub lapses_at: Option<Timestamp>,
    /// The last no: when and where.
    pub last_no: Option<(Timestamp, Option<String>)>,
}

impl ConsentStanding {
    /// Whether something may be used for the purpose at `now`: by its state, within its time, and before silence counts.
    pub fn permits(&self, now: Timestamp) -> bool {
        self.state.permits()
            && self.valid_until.is_none_or(|until| now < until)
            && self.lapses_at.is_none_or(|at| now < at)
    }
}

/// A change of consent as it is stored: everything in one transaction.
#[derive(Debug, Clone)]
pub struct ConsentWrite {
    /// The entry of the history.
    pub record: ConsentRecord,
    /// Where the person stands from then on.
    pub standing: ConsentStanding,
    /// Whether training is allowed from then on, where that changes; the ends of what is kept are then worked out again.
    pub training: Option<bool>,
    /// Whether keys must follow.
    pub moves_keys: bool,
    /// What an open question is answered with.
    pub outcome: Option<&'static str>,
    /// The fact for the ledger.
    pub announcement: Announcement,
}

impl ControlStore {
    /// Stores changes of consent, in order, all or none, with what is known of earlier ones by now: whose keys have
    /// followed, and where entries lie in their log. Gives each one's place in the order of commits.
    pub fn record_consents(
        &mut self,
        writes: &[ConsentWrite],
        followed: &[SubjectId],
        places: &[(u64, u64)],
    ) -> Result<Vec<u64>, StoreError> {
        self.file.write("record_consents", |tx| {
            finish_work(tx, followed)?;
            let mut place = tx.prepare_cached(
                "INSERT INTO consent_places (sequence, ledger_index) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?;
            for (sequence, index) in places {
                place.execute(params![sequence, index])?;
            }
            let mut sequences = Vec::with_capacity(writes.len());
            for write in writes {
                let sequence = insert_record(tx, &write.record)?;
                put_standing(tx, &write.standing, sequence)?;
                let subject = write.standing.subject;
                if let Some(allowed) = write.training {
                    let changed = tx
                        .prepare_cached(
                            "UPDATE subjects SET training_allowed = ?2 WHERE id = ?1 AND training_allowed IS NOT ?2",
                        )?
                        .execute(params![subject.as_bytes(), allowed])?;
                    if changed > 0 {
                        request_review(tx, None, Some(subject), write.record.recorded_at)?;
                    }
                }
                if write.moves_keys {
                    tx.prepare_cached("INSERT INTO consent_work (subject) VALUES (?1) ON CONFLICT DO NOTHING")?
                        .execute([subject.as_bytes()])?;
                }
                if let Some(outcome) = write.outcome {
                    end_question(tx, write, outcome)?;
                }
                announce(tx, &write.announcement)?;
                sequences.push(sequence);
            }
            Ok(sequences)
        })
    }

    /// People whose keys must be looked at because their consent changed, at most `limit`.
    pub fn consent_work(&self, limit: u32) -> Result<Vec<SubjectId>, StoreError> {
        self.file.read("consent_work", |connection| {
            connection
                .prepare_cached("SELECT subject FROM consent_work ORDER BY subject LIMIT ?1")?
                .query_map([limit], |row| Ok(SubjectId::from_bytes(bytes16(row, 0)?)))?
                .collect()
        })
    }

    /// Notes that the keys of these people are as their consent says.
    pub fn finish_consent_work(&mut self, subjects: &[SubjectId]) -> Result<(), StoreError> {
        self.file.write("finish_consent_work", |tx| finish_work(tx, subjects))
    }

    /// Where the entry of a consent lies in its log, where that is known.
    pub fn consent_place(&self, sequence: u64) -> Result<Option<u64>, StoreError> {
        self.file.read("consent_place", |connection| {
            connection
                .prepare_cached("SELECT ledger_index FROM consent_places WHERE sequence = ?1")?
                .query_row([sequence], |row| row.get(0))
                .optional()
        })
    }

    /// Where a person stands about one purpose; `None` for somebody who was never asked and never said anything.
    pub fn consent_standing(
        &self,
        subject: SubjectId,
        purpose: ConsentPurpose,
    ) -> Result<Option<ConsentStanding>, StoreError> {
        self.file.read("consent_standing", |connection| {
            connection
                .prepare_cached(&format!("{STANDING} WHERE subject = ?1 AND purpose = ?2"))?
                .query_row(params![subject.as_bytes(), purpose.name()], standing)
                .optional()
        })
    }

    /// Where a person stands about everything they were asked.
    pub fn consent_standings(&self, subject: SubjectId) -> Result<Vec<ConsentStanding>, StoreError> {
        self.file.read("consent_standings", |connection| {
            connection
                .prepare_cached(&format!("{STANDING} WHERE subject = ?1 ORDER BY purpose"))?
                .query_map([subject.as_bytes()], standing)?
                .collect()
        })
    }

    /// Standings of an organisation's people about one purpose in order, after a person, at most `limit`.
    pub fn consent_standings_after(
        &self,
        organization: OrganizationId,
        purpose: ConsentPurpose,
        after: Option<SubjectId>,
        limit: u32,
    ) -> Result<Vec<ConsentStanding>, StoreError> {
        let after = after.map_or([0; 16], |subject| *subject.as_bytes());
        self.file.read("consent_standings_after", |connection| {
            connection
                .prepare_cached(&format!(
                    "{STANDING} WHERE organization = ?1 AND subject > ?2 AND purpose = ?4 ORDER BY subject LIMIT ?3"
                ))?
                .query_map(params![organization.as_bytes(), after, limit, purpose.name()], standing)?
                .collect()
        })
    }

    /// Standings whose time is over or whose question has gone unanswered for too long, at most `limit`.
    pub fn consents_due(&self, now: Timestamp, limit: u32) -> Result<Vec<ConsentStanding>, StoreError> {
        self.file.read("consents_due", |connection| {
            let columns = STANDING;
            connection
                .prepare_cached(&format!(
                    "{columns} WHERE valid_until <= ?1 UNION {columns} WHERE lapses_at <= ?1 LIMIT ?2"
                ))?
                .query_map(params![now.as_microsecond(), limit], standing)?
                .collect()
        })
    }

    /// A person's history about one purpose or all, newest first, before an entry, at most `limit`.
    pub fn consent_history(
        &self,
        subject: SubjectId,
        purpose: Option<ConsentPurpose>,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<ConsentRecord>, StoreError> {
        let before = before.and_then(|before| i64::try_from(before).ok()).unwrap_or(i64::MAX);
        self.file.read("consent_history", |connection| {
            connection
                .prepare_cached(&format!(
                    "{RECORD} WHERE subject = ?1 AND (?2 IS NULL OR purpose = ?2) AND sequence < ?3
                     ORDER BY sequence DESC LIMIT ?4"
                ))?
                .query_map(
                    params![subject.as_bytes(), purpose.map(ConsentPurpose::name), before, limit],
                    record,
                )?
                .collect()
        })
    }

    /// One entry of the history.
    pub fn consent(&self, id: ConsentId) -> Result<Option<ConsentRecord>, StoreError> {
        self.file.read("consent", |connection| {
            connection
                .prepare_cached(&format!("{RECORD} WHERE id = ?1"))?
                .query_row([id.as_bytes()], record)
                .optional()
        })
    }

    /// One entry of the history by its place in the order of commits.
    pub fn consent_at(&self, sequence: u64) -> Result<Option<ConsentRecord>, StoreError> {
        self.file.read("consent_at", |connection| {
            connection
                .prepare_cached(&format!("{RECORD} WHERE sequence = ?1"))?
                .query_row([sequence], record)
                .optional()
        })
    }

    /// The entry that a person's request made, by the digest of the request's key.
    pub fn consent_requested(
        &self,
        subject: SubjectId,
        request: &[u8; 32],
    ) -> Result<Option<ConsentRecord>, StoreError> {
        self.file.read("consent_requested", |connection| {
            connection
                .prepare_cached(&format!("{RECORD} WHERE subject = ?1 AND request = ?2"))?
                .query_row(params![subject.as_bytes(), request], record)
                .optional()
        })
    }
}

/// Forgets whose consents these were: the history stays, without a thread to the person.
pub(crate) fn forget_subject(tx: &Transaction<'_>, subject: SubjectId) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE consents SET subject = NULL, salt = NULL, region = NULL, evidence = NULL, request = NULL, content = NULL
         WHERE subject = ?1",
        [subject.as_bytes()],
    )?;
    for table in ["consent_standings", "consent_work", "campaign_members"] {
        tx.execute(&format!("DELETE FROM {table} WHERE subject = ?1"), [subject.as_bytes()])?;
    }
    Ok(())
}

fn finish_work(tx: &Transaction<'_>, subjects: &[SubjectId]) -> rusqlite::Result<()> {
    let mut finish = tx.prepare_cached("DELETE FROM consent_work WHERE subject = ?1")?;
    for subject in subjects {
        finish.execute([subject.as_bytes()])?;
    }
    Ok(())
}

fn insert_record(tx: &Transaction<'_>, record: &ConsentRecord) -> rusqlite::Result<u64> {
    let notice = record.notice.as_ref();
    tx.prepare_cached(
        "INSERT INTO consents (id, organization, subject, purpose, act, state, kind, channel, language, version, notice_hash,
            region, evidence, entity, event_at, recorded_at, valid_until, event, salt, request, content)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)",
    )?
    .execute(params![
        record.id.as_bytes(),
        record.organization.as_bytes(),
        record.subject.as_ref().map(SubjectId::as_bytes),
        record.purpose.name(),
        record.act.name(),
        record.state.name(),
        record.kind.name(),
        record.channel.name(),
        notice.map(|(identity, _)| &identity.language),
        notice.map(|(identity, _)| identity.version),
        notice.map(|(_, hash)| hash),
        record.region,
        record.evidence,
        record.entity,
        record.event_at.as_microsecond(),
        record.recorded_at.as_microsecond(),
        record.valid_until.map(Timestamp::as_microsecond),
        record.event,
        record.salt,
        record.request,
        record.content,
    ])?;
    Ok(u64::try_from(tx.last_insert_rowid()).unwrap_or(0))
}

fn put_standing(tx: &Transaction<'_>, standing: &ConsentStanding, sequence: u64) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO consent_standings (subject, purpose, organization, state, sequence, since, language, version,
            region, valid_until, lapses_at, last_no_at, last_no_region)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )?
    .execute(params![
        standing.subject.as_bytes(),
        standing.purpose.name(),
        standing.organization.as_bytes(),
        standing.state.name(),
        sequence,
        standing.since.as_microsecond(),
        standing.notice.as_ref().map(|(language, _)| language),
        standing.notice.as_ref().map(|(_, version)| version),
        standing.region,
        standing.valid_until.map(Timestamp::as_microsecond),
        standing.lapses_at.map(Timestamp::as_microsecond),
        standing.last_no.as_ref().map(|(at, _)| at.as_microsecond()),
        standing.last_no.as_ref().and_then(|(_, region)| region.as_ref()),
    ])
    .map(drop)
}

/// Notes in the open campaigns how a person answered.
fn end_question(tx: &Transaction<'_>, write: &ConsentWrite, outcome: &str) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE campaign_members SET outcome = ?3, ended_at = ?4 WHERE subject = ?1 AND outcome IS NULL
         AND campaign IN (SELECT id FROM campaigns WHERE purpose = ?2 AND closed_at IS NULL)",
    )?
    .execute(params![
        write.standing.subject.as_bytes(),
        write.standing.purpose.name(),
        outcome,
        write.record.recorded_at.as_microsecond(),
    ])
    .map(drop)
}

pub(crate) const RECORD: &str = "SELECT sequence, id, organization, subject, purpose, act, state, kind, channel, language, version, \
     notice_hash, region, evidence, entity, event_at, recorded_at, valid_until, event, salt, request, content FROM consents";

pub(crate) fn record(row: &rusqlite::Row<'_>) -> rusqlite::Result<ConsentRecord> {
    let subject: Option<[u8; 16]> = row.get(3)?;
    let purpose = named(row, 4)?;
    let (language, version): (Option<String>, Option<u32>) = (row.get(9)?, row.get(10)?);
    let hash: Option<[u8; 32]> = row.get(11)?;
    let notice = match (language, version, hash) {
        (Some(language), Some(version), Some(hash)) => {
            Some((NoticeIdentity { purpose, language, version }, hash))
        }
        _ => None,
    };
    Ok(ConsentRecord {
        sequence: row.get(0)?,
        id: ConsentId::from_bytes(bytes16(row, 1)?),
        organization: OrganizationId::from_bytes(bytes16(row, 2)?),
        subject: subject.map(SubjectId::from_bytes),
        purpose,
        act: named(row, 5)?,
        state: named(row, 6)?,
        kind: named(row, 7)?,
        channel: named(row, 8)?,
        notice,
        region: row.get(12)?,
        evidence: row.get(13)?,
        entity: row.get(14)?,
        event_at: instant(row, 15)?,
        recorded_at: instant(row, 16)?,
        valid_until: optional_instant(row, 17)?,
        event: fixed(row, 18)?,
        salt: row.get(19)?,
        request: row.get(20)?,
        content: row.get(21)?,
    })
}

const STANDING: &str = "SELECT subject, purpose, organization, state, sequence, since, language, version, region, \
     valid_until, lapses_at, last_no_at, last_no_region FROM consent_standings";

fn standing(row: &rusqlite::Row<'_>) -> rusqlite::Result<ConsentStanding> {
    let (language, version): (Option<String>, Option<u32>) = (row.get(6)?, row.get(7)?);
    let last_no_region: Option<String> = row.get(12)?;
    Ok(ConsentStanding {
        subject: SubjectId::from_bytes(bytes16(row, 0)?),
        purpose: named(row, 1)?,
        organization: OrganizationId::from_bytes(bytes16(row, 2)?),
        state: optional_named(row, 3)?.unwrap_or(ConsentState::Unknown),
        sequence: row.get(4)?,
        since: instant(row, 5)?,
        notice: language.zip(version),
        region: row.get(8)?,
        valid_until: optional_instant(row, 9)?,
        lapses_at: optional_instant(row, 10)?,
        last_no: optional_instant(row, 11)?.map(|at| (at, last_no_region)),
    })
}
