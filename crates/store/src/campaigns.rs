//! Campaigns: questions put to many people, and who answered what.

use fiducia_policy::{
    CampaignId, ConsentPurpose, LetterId, LetterKind, OrganizationId, PersonId, SubjectId, Timestamp,
};
use rusqlite::{OptionalExtension, params};

use crate::connection::{bytes16, instant, optional_instant};
use crate::control::named;
use crate::outbox::{Announcement, announce};
use crate::{ControlStore, LetterRecord, LetterSource, StoreError};

/// A campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignRecord {
    /// Which.
    pub id: CampaignId,
    /// Whose people are asked.
    pub organization: OrganizationId,
    /// About what.
    pub purpose: ConsentPurpose,
    /// Its terms as JSON.
    pub terms: String,
    /// Why it asks: the new notice or policy.
    pub reason: String,
    /// Opened when.
    pub opened_at: Timestamp,
    /// By whom.
    pub opened_by: PersonId,
    /// Up to which person it was looked whether to ask.
    pub after: Option<SubjectId>,
    /// Whether it was looked for everybody.
    pub is_extended: bool,
    /// Closed when.
    pub closed_at: Option<Timestamp>,
}

/// Somebody whom a campaign looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignMember {
    /// Who.
    pub subject: SubjectId,
    /// The language the person last chose in.
    pub language: Option<String>,
    /// Where the person was last.
    pub region: Option<String>,
    /// Asked when; `None` for somebody who is not asked.
    pub asked_at: Option<Timestamp>,
    /// What came of it; for somebody who is not asked, why.
    pub outcome: Option<String>,
    /// How many reminders there were.
    pub reminders: u32,
}

/// How many people of a region and language came to an outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignCount {
    /// The region, as far as known.
    pub region: Option<String>,
    /// The language, as far as known.
    pub language: Option<String>,
    /// What came of it; `None` while the question is open.
    pub outcome: Option<String>,
    /// How many.
    pub people: u64,
}

impl ControlStore {
    /// Opens a campaign and announces it.
    pub fn open_campaign(
        &mut self,
        campaign: &CampaignRecord,
        announcement: &Announcement,
    ) -> Result<(), StoreError> {
        self.file.write("open_campaign", |tx| {
            tx.execute(
                "INSERT INTO campaigns (id, organization, purpose, terms, reason, opened_at, opened_by)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    campaign.id.as_bytes(),
                    campaign.organization.as_bytes(),
                    campaign.purpose.name(),
                    campaign.terms,
                    campaign.reason,
                    campaign.opened_at.as_microsecond(),
                    campaign.opened_by.as_bytes(),
                ],
            )?;
            announce(tx, announcement)
        })
    }

    /// Adds people whom a campaign looked at, queues the letters to those who are asked, and notes how far it has come;
    /// `after` is `None` when it is through.
    pub fn extend_campaign(
        &mut self,
        campaign: CampaignId,
        members: &[CampaignMember],
        letters: &[LetterRecord],
        after: Option<SubjectId>,
    ) -> Result<(), StoreError> {
        self.file.write("extend_campaign", |tx| {
            let mut add = tx.prepare_cached(
                "INSERT INTO campaign_members (campaign, subject, language, region, asked_at, outcome)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
            )?;
            for member in members {
                add.execute(params![
                    campaign.as_bytes(),
                    member.subject.as_bytes(),
                    member.language,
                    member.region,
                    member.asked_at.map(Timestamp::as_microsecond),
                    member.outcome,
                ])?;
            }
            for letter in letters {
                crate::letters::queue(tx, letter)?;
            }
            tx.execute(
                "UPDATE campaigns SET after = ?2, extended = ?3 WHERE id = ?1",
                params![campaign.as_bytes(), after.as_ref().map(SubjectId::as_bytes), after.is_none()],
            )
            .map(drop)
        })
    }

    /// Closes a campaign and announces it. Who has not answered then keeps the outcome `silence`.
    pub fn close_campaign(
        &mut self,
        campaign: CampaignId,
        now: Timestamp,
        announcement: &Announcement,
    ) -> Result<bool, StoreError> {
        self.file.write("close_campaign", |tx| {
            let closed = tx.execute(
                "UPDATE campaigns SET closed_at = ?2 WHERE id = ?1 AND closed_at IS NULL",
                params![campaign.as_bytes(), now.as_microsecond()],
            )?;
            if closed > 0 {
                tx.execute(
                    "UPDATE campaign_members SET outcome = 'silence', ended_at = ?2 WHERE campaign = ?1 AND outcome IS NULL",
                    params![campaign.as_bytes(), now.as_microsecond()],
                )?;
                announce(tx, announcement)?;
            }
            Ok(closed > 0)
        })
    }

    /// One campaign.
    pub fn campaign(&self, id: CampaignId) -> Result<Option<CampaignRecord>, StoreError> {
        self.file.read("campaign", |connection| {
            connection
                .prepare_cached(&format!("{CAMPAIGN} WHERE id = ?1"))?
                .query_row([id.as_bytes()], campaign)
                .optional()
        })
    }

    /// Campaigns, newest first: all, or those that are not closed.
    pub fn campaigns(&self, only_open: bool) -> Result<Vec<CampaignRecord>, StoreError> {
        self.file.read("campaigns", |connection| {
            connection
                .prepare_cached(&format!("{CAMPAIGN} WHERE NOT ?1 OR closed_at IS NULL ORDER BY id DESC"))?
                .query_map([only_open], campaign)?
                .collect()
        })
    }

    /// People of an organisation in order, after one, at most `limit`.
    pub fn subjects_after(
        &self,
        organization: OrganizationId,
        after: Option<SubjectId>,
        limit: u32,
    ) -> Result<Vec<SubjectId>, StoreError> {
        let after = after.map_or([0; 16], |subject| *subject.as_bytes());
        self.file.read("subjects_after", |connection| {
            connection
                .prepare_cached(
                    "SELECT id FROM subjects WHERE organization = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
                )?
                .query_map(params![organization.as_bytes(), after, limit], |row| {
                    Ok(SubjectId::from_bytes(bytes16(row, 0)?))
                })?
                .collect()
        })
    }

    /// People who were asked, have not answered and were reminded fewer than `reminders` times, at most `limit`; only those
    /// with an address where `with_address` says so. They are noted as reminded that often, and where there are ids for
    /// letters, each with an address gets one, in the same commit. Gives who they are and whether there is a letter.
    pub fn remind(
        &mut self,
        campaign: &CampaignRecord,
        reminders: u32,
        limit: u32,
        with_address: bool,
        (letters, now): (&[LetterId], Timestamp),
    ) -> Result<Vec<(CampaignMember, bool)>, StoreError> {
        self.file.write("remind", |tx| {
            let members: Vec<CampaignMember> = tx
                .prepare_cached(
                    "SELECT subject, language, region, asked_at, outcome, reminders FROM campaign_members m
                     WHERE campaign = ?1 AND asked_at IS NOT NULL AND outcome IS NULL AND reminders < ?2
                        AND (NOT ?4 OR EXISTS (
                            SELECT 1 FROM subject_contacts t WHERE t.subject = m.subject AND t.key IS NOT NULL))
                     ORDER BY subject LIMIT ?3",
                )?
                .query_map(params![campaign.id.as_bytes(), reminders, limit, with_address], member)?
                .collect::<rusqlite::Result<_>>()?;
            let mut note = tx.prepare_cached(
                "UPDATE campaign_members SET reminders = ?3 WHERE campaign = ?1 AND subject = ?2",
            )?;
            let mut letters = letters.iter();
            let mut reminded = Vec::with_capacity(members.len());
            for member in members {
                note.execute(params![campaign.id.as_bytes(), member.subject.as_bytes(), reminders])?;
                let is_written = match letters.next() {
                    Some(id) => crate::letters::queue(
                        tx,
                        &LetterRecord {
                            id: *id,
                            organization: campaign.organization,
                            subject: member.subject,
                            kind: LetterKind::Reminder,
                            source: LetterSource::Campaign(campaign.id, reminders),
                            queued_at: now,
                        },
                    )?,
                    None => false,
                };
                reminded.push((member, is_written));
            }
            Ok(reminded)
        })
    }

    /// Whether a campaign's question to a person is still open.
    pub fn awaits_answer(&self, campaign: CampaignId, subject: SubjectId) -> Result<bool, StoreError> {
        self.file.read("awaits_answer", |connection| {
            connection
                .prepare_cached(
                    "SELECT 1 FROM campaign_members m JOIN campaigns c ON c.id = m.campaign
                     WHERE m.campaign = ?1 AND m.subject = ?2 AND m.asked_at IS NOT NULL AND m.outcome IS NULL
                        AND c.closed_at IS NULL",
                )?
                .exists(params![campaign.as_bytes(), subject.as_bytes()])
        })
    }

    /// How many people of each region and language came to each outcome.
    pub fn campaign_counts(&self, campaign: CampaignId) -> Result<Vec<CampaignCount>, StoreError> {
        self.file.read("campaign_counts", |connection| {
            connection
                .prepare_cached(
                    "SELECT region, language, outcome, count(*) FROM campaign_members WHERE campaign = ?1
                     GROUP BY region, language, outcome ORDER BY region, language, outcome",
                )?
                .query_map([campaign.as_bytes()], |row| {
                    Ok(CampaignCount {
                        region: row.get(0)?,
                        language: row.get(1)?,
                        outcome: row.get(2)?,
                        people: row.get(3)?,
                    })
                })?
                .collect()
        })
    }
}

const CAMPAIGN: &str = "SELECT id, organization, purpose, terms, reason, opened_at, opened_by, after, extended, closed_at \
     FROM campaigns";

fn campaign(row: &rusqlite::Row<'_>) -> rusqlite::Result<CampaignRecord> {
    let after: Option<[u8; 16]> = row.get(7)?;
    Ok(CampaignRecord {
        id: CampaignId::from_bytes(bytes16(row, 0)?),
        organization: OrganizationId::from_bytes(bytes16(row, 1)?),
        purpose: named(row, 2)?,
        terms: row.get(3)?,
        reason: row.get(4)?,
        opened_at: instant(row, 5)?,
        opened_by: PersonId::from_bytes(bytes16(row, 6)?),
        after: after.map(SubjectId::from_bytes),
        is_extended: row.get(8)?,
        closed_at: optional_instant(row, 9)?,
    })
}

fn member(row: &rusqlite::Row<'_>) -> rusqlite::Result<CampaignMember> {
    Ok(CampaignMember {
        subject: SubjectId::from_bytes(bytes16(row, 0)?),
        language: row.get(1)?,
        region: row.get(2)?,
        asked_at: optional_instant(row, 3)?,
        outcome: row.get(4)?,
        reminders: row.get(5)?,
    })
}
