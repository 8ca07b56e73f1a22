//! Campaigns carried out: asking page by page, reminding, and the date on which silence is a no.

use std::collections::BTreeMap;

use fiducia_ledger::{CampaignClosed, CampaignOpened, Event};
use fiducia_policy::{
    Asked, CampaignId, CampaignTerms, ConsentAct, ConsentKind, ConsentState, LastNo, LetterId, LetterKind,
    Meanwhile, NotAsked, OrganizationId, PersonId, SubjectId, Timestamp,
};
use fiducia_store::{
    CampaignMember, CampaignRecord, ConsentStanding, ControlStore, LetterRecord, LetterSource,
};

use super::choosing::{ChoiceRequest, Speaker, unwritable};
use super::commands::{
    CampaignRow, CampaignTally, ConsentChoice, ConsentEvidence, ConsentReply, ReminderRow, ShownNotice,
};
use crate::AdminError;
use crate::administer::check_name;
use crate::callers::Callers;
use crate::reading::Reader;
use crate::retention::governance::{Governance, PersonTerms};
use crate::writer::Writer;

/// People looked at in one step.
const PEOPLE_PER_STEP: u32 = 500;
const LIST_ROWS_MAX: u32 = 1_000;

impl Writer {
    /// Opens a campaign. The worker asks people page by page; nobody waits for that.
    pub(super) fn open_campaign(
        &mut self,
        organization: OrganizationId,
        terms: &CampaignTerms,
        reason: String,
        actor: &str,
    ) -> Result<ConsentReply, AdminError> {
        check_name("a campaign's reason", &reason)?;
        let now = self.clock.now();
        self.terms_of(organization)?;
        check_campaign(&self.files.control, organization, terms, now)?;
        let actor = self.person(actor)?;
        let id = CampaignId::generate(now, &*self.randomness)?;
        let event = Event::CampaignOpened(CampaignOpened {
            campaign: id,
            purpose: terms.purpose,
            version: u64::from(terms.version),
            deadline: terms.deadline,
            actor,
        });
        let record = CampaignRecord {
            id,
            organization,
            purpose: terms.purpose,
            terms: serde_json::to_string(terms).map_err(|error| unwritable(&error))?,
            reason,
            opened_at: now,
            opened_by: actor,
            after: None,
            is_extended: false,
            closed_at: None,
        };
        let announced = self.announced(organization, event, now)?;
        self.files.control.open_campaign(&record, &announced.0)?;
        self.delivered(announced)?;
        campaign_row(&self.files.control, record).map(|row| ConsentReply::Campaign(Box::new(row)))
    }

    /// Asks the next people of an open campaign, or closes one whose date has come. Gives whether there was anything to do.
    pub(crate) fn extend_campaigns(&mut self, now: Timestamp) -> Result<bool, AdminError> {
        for campaign in self.files.control.campaigns(true)? {
            let terms = campaign_terms(&campaign)?;
            if terms.deadline <= now {
                // Whoever was asked has fallen silent by that date: see [`Self::end_consents`], which comes first.
                self.close(&campaign, None, now)?;
                return Ok(true);
            }
            if !campaign.is_extended {
                self.ask_page(&campaign, &terms, now)?;
                return Ok(true);
            }
            // Whoever has an address is reminded without anybody having to remember it.
            if self.certificates.mail.is_some() {
                let due = reminders_due(&terms, now);
                let fresh = self.letter_ids(PEOPLE_PER_STEP, now)?;
                let reminded =
                    self.files.control.remind(&campaign, due, PEOPLE_PER_STEP, true, (&fresh, now))?;
                crate::faults::reached("campaign-reminded");
                if !reminded.is_empty() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn ask_page(
        &mut self,
        campaign: &CampaignRecord,
        terms: &CampaignTerms,
        now: Timestamp,
    ) -> Result<(), AdminError> {
        let people =
            self.files.control.subjects_after(campaign.organization, campaign.after, PEOPLE_PER_STEP)?;
        let (mut members, mut requests) = (Vec::with_capacity(people.len()), Vec::new());
        let mut letters = Vec::new();
        for subject in &people {
            let standing = self.files.control.consent_standing(*subject, campaign.purpose)?;
            let asked = self.asked(*subject, terms, standing.as_ref(), now)?;
            let language = standing
                .as_ref()
                .and_then(|standing| standing.notice.as_ref())
                .map(|notice| notice.0.clone());
            let region = standing.as_ref().and_then(|standing| standing.region.clone());
            let (asked_at, outcome) = match asked {
                Asked::Ask => {
                    if self.certificates.mail.is_some() {
                        letters.push(LetterRecord {
                            id: LetterId::generate(now, &*self.randomness)?,
                            organization: campaign.organization,
                            subject: *subject,
                            kind: LetterKind::Question,
                            source: LetterSource::Campaign(campaign.id, 0),
                            queued_at: now,
                        });
                    }
                    requests.push(question(*subject, campaign, terms, standing.as_ref()));
                    (Some(now), None)
                }
                Asked::Not(why) => (None, Some(why.name().to_owned())),
            };
            members.push(CampaignMember {
                subject: *subject,
                language,
                region,
                asked_at,
                outcome,
                reminders: 0,
            });
        }
        // First the questions: who is a member was asked. Asking again after a crash changes nothing that counts.
        for outcome in self.choose_many(&requests)? {
            outcome?;
        }
        crate::faults::reached("campaign-asked");
        let full = people.len() >= usize::try_from(PEOPLE_PER_STEP).unwrap_or(usize::MAX);
        let after = people.last().copied().filter(|_| full);
        Ok(self.files.control.extend_campaign(campaign.id, &members, &letters, after)?)
    }

    fn asked(
        &self,
        subject: SubjectId,
        terms: &CampaignTerms,
        standing: Option<&ConsentStanding>,
        now: Timestamp,
    ) -> Result<Asked, AdminError> {
        asked(&self.files.control, (&self.governance, &self.callers), subject, terms, standing, now)
    }

    /// Ends what has lapsed or expired. It counted no more from its instant on; now the keys follow.
    pub(crate) fn end_consents(&mut self, now: Timestamp) -> Result<bool, AdminError> {
        let due = self.files.control.consents_due(now, PEOPLE_PER_STEP)?;
        if due.is_empty() {
            return Ok(false);
        }
        let requests = due.iter().map(|standing| {
            let has_lapsed = standing.lapses_at.is_some_and(|at| at <= now);
            let act = if has_lapsed { ConsentAct::Lapse } else { ConsentAct::Expire };
            let choice = ConsentChoice { act, ..choice_about(standing) };
            let request = ChoiceRequest::new(standing.subject, choice, Speaker::Clock);
            ChoiceRequest { outcome: has_lapsed.then_some("silence"), ..request }
        });
        let requests: Vec<_> = requests.collect();
        for outcome in self.choose_many(&requests)? {
            outcome?;
        }
        Ok(true)
    }

    /// Makes every answer of a person void whose condition is gone: the plan has no question any more, or the account is
    /// closed. Nobody reads for such a person from that instant on; now the keys follow.
    pub(crate) fn invalidate_where_unasked(&mut self, subject: SubjectId) -> Result<bool, AdminError> {
        let Some(row) = self.files.control.subject(subject)?.filter(|row| row.erased_at.is_none()) else {
            return Ok(false);
        };
        let (terms, person) = (self.terms_of(row.organization)?, PersonTerms::from(&row));
        let standings = self.files.control.consent_standings(subject)?;
        let void = standings
            .iter()
            .filter(|standing| standing.state.permits() || standing.state.awaits_an_answer())
            .filter(|standing| !self.governance.is_asked(terms, person, standing.purpose));
        let requests: Vec<_> = void
            .map(|standing| {
                let choice = ConsentChoice { act: ConsentAct::Invalidate, ..choice_about(standing) };
                ChoiceRequest::new(subject, choice, Speaker::Clock)
            })
            .collect();
        let any = !requests.is_empty();
        for outcome in self.choose_many(&requests)? {
            outcome?;
        }
        Ok(any)
    }

    /// Who must be reminded now.
    pub(super) fn remind(&mut self, id: CampaignId, limit: u32) -> Result<ConsentReply, AdminError> {
        if limit == 0 || limit > LIST_ROWS_MAX {
            return Err(AdminError::Invalid(format!("a list has 1 to {LIST_ROWS_MAX} rows")));
        }
        let campaign = self.open_one(id)?;
        let now = self.clock.now();
        let due = reminders_due(&campaign_terms(&campaign)?, now);
        let fresh = if self.certificates.mail.is_some() { self.letter_ids(limit, now)? } else { Vec::new() };
        let members = self.files.control.remind(&campaign, due, limit, false, (&fresh, now))?;
        let rows = members.into_iter().map(|(member, by_mail)| ReminderRow {
            subject: member.subject,
            language: member.language,
            region: member.region,
            by_mail,
        });
        Ok(ConsentReply::Reminders(rows.collect()))
    }

    fn letter_ids(&self, count: u32, now: Timestamp) -> Result<Vec<LetterId>, AdminError> {
        (0..count).map(|_| Ok(LetterId::generate(now, &*self.randomness)?)).collect()
    }

    /// Ends a campaign before its date.
    pub(super) fn close_campaign_early(
        &mut self,
        id: CampaignId,
        actor: PersonId,
    ) -> Result<ConsentReply, AdminError> {
        let campaign = self.open_one(id)?;
        let now = self.clock.now();
        let mut after = None;
        loop {
            let page = self.files.control.consent_standings_after(
                campaign.organization,
                campaign.purpose,
                after,
                PEOPLE_PER_STEP,
            )?;
            let Some(last) = page.last() else { break };
            after = Some(last.subject);
            let open = page.iter().filter(|standing| standing.lapses_at.is_some());
            let requests: Vec<_> = open
                .map(|standing| {
                    let choice = ConsentChoice { act: ConsentAct::Lapse, ..choice_about(standing) };
                    let request = ChoiceRequest::new(standing.subject, choice, Speaker::Clock);
                    ChoiceRequest { outcome: Some("silence"), ..request }
                })
                .collect();
            for outcome in self.choose_many(&requests)? {
                outcome?;
            }
        }
        self.close(&campaign, Some(actor), now)?;
        let closed = CampaignRecord { closed_at: Some(now), ..campaign };
        campaign_row(&self.files.control, closed).map(|row| ConsentReply::Campaign(Box::new(row)))
    }

    fn open_one(&self, id: CampaignId) -> Result<CampaignRecord, AdminError> {
        let found = self
            .files
            .control
            .campaign(id)?
            .ok_or_else(|| AdminError::NotFound(format!("there is no {id}; nothing was changed")))?;
        match found.closed_at {
            Some(at) => Err(AdminError::Conflict(format!("{id} was closed at {at}; nothing was changed"))),
            None => Ok(found),
        }
    }

    fn close(
        &mut self,
        campaign: &CampaignRecord,
        actor: Option<PersonId>,
        now: Timestamp,
    ) -> Result<(), AdminError> {
        let mut event =
            CampaignClosed { campaign: campaign.id, asked: 0, given: 0, refused: 0, silent: 0, actor };
        for count in self.files.control.campaign_counts(campaign.id)? {
            let into = match count.outcome.as_deref() {
                Some("given" | "renewed") => &mut event.given,
                Some("refused" | "withdrawn") => &mut event.refused,
                Some("silence") | None => &mut event.silent,
                Some(_) => continue,
            };
            *into += count.people;
            event.asked += count.people;
        }
        let announced = self.announced(campaign.organization, Event::CampaignClosed(event), now)?;
        if self.files.control.close_campaign(campaign.id, now, &announced.0)? {
            self.delivered(announced)?;
        }
        Ok(())
    }
}

/// Whether a campaign asks a person. The policy in force decides with it: for as long after a no as it says, and for as long as
/// an opt-out by request says, nobody is asked, whatever the campaign's own terms are.
pub(super) fn asked(
    control: &ControlStore,
    (governance, callers): (&Governance, &Callers),
    subject: SubjectId,
    terms: &CampaignTerms,
    standing: Option<&ConsentStanding>,
    now: Timestamp,
) -> Result<Asked, AdminError> {
    let Some(row) = control.subject(subject)? else { return Ok(Asked::Not(NotAsked::Gone)) };
    if row.erased_at.is_some() || row.closed_at.is_some() {
        return Ok(Asked::Not(NotAsked::Gone));
    }
    let Some(organization) = callers.terms(row.organization) else {
        return Err(AdminError::NotFound(format!("there is no {}", row.organization)));
    };
    if !governance.is_asked(organization, PersonTerms::from(&row), terms.purpose) {
        return Ok(Asked::Not(NotAsked::NoQuestion));
    }
    if terms.purpose.trains() && control.opt_out(subject)?.is_some_and(|opt_out| now < opt_out.ask_again_at) {
        return Ok(Asked::Not(NotAsked::Quiet));
    }
    let (_, policy) = governance.current();
    let pause = policy.no_second_ask_within(terms.purpose, row.plan.unwrap_or(organization.plan));
    let Some(standing) = standing else {
        return Ok(terms.asks(ConsentState::Unknown, None, None, pause, now));
    };
    let answered = standing.notice.as_ref().map(|notice| notice.1);
    let last_no = standing.last_no.as_ref().map(|(at, region)| LastNo { at: *at, region: region.as_deref() });
    Ok(terms.asks(standing.state, answered, last_no, pause, now))
}

/// Whether a campaign with these terms may be opened now.
pub(super) fn check_campaign(
    control: &ControlStore,
    organization: OrganizationId,
    terms: &CampaignTerms,
    now: Timestamp,
) -> Result<(), AdminError> {
    terms.check(now).map_err(|error| AdminError::Invalid(error.to_string()))?;
    let notices = control.notices(Some(terms.purpose))?;
    if !notices.iter().any(|notice| notice.identity.version == terms.version) {
        return Err(AdminError::NotFound(format!(
            "version {} of the notice on {} was never published, so nobody could be shown it; nothing was opened",
            terms.version, terms.purpose
        )));
    }
    let open = control.campaigns(true)?;
    if open.iter().any(|other| other.organization == organization && other.purpose == terms.purpose) {
        return Err(AdminError::Conflict(format!(
            "a campaign on {} is open already; close it first, so that nobody is asked twice; nothing was opened",
            terms.purpose
        )));
    }
    Ok(())
}

impl Reader {
    /// Whom a campaign with these terms would ask, and why it would not ask the others, by region and language. Nothing is
    /// opened.
    pub(crate) fn preview_campaign(
        &self,
        organization: OrganizationId,
        terms: &CampaignTerms,
    ) -> Result<ConsentReply, AdminError> {
        let _reading = self.reading();
        let (control, now) = (self.control()?, self.clock.now());
        check_campaign(&control, organization, terms, now)?;
        let mut tally: BTreeMap<(Option<String>, Option<String>, String), u64> = BTreeMap::new();
        let mut after = None;
        loop {
            let people = control.subjects_after(organization, after, PEOPLE_PER_STEP)?;
            let Some(last) = people.last() else { break };
            after = Some(*last);
            for subject in people {
                let standing = control.consent_standing(subject, terms.purpose)?;
                let law = (&self.governance, &*self.callers);
                let outcome = match asked(&control, law, subject, terms, standing.as_ref(), now)? {
                    Asked::Ask => "open".to_owned(),
                    Asked::Not(why) => why.name().to_owned(),
                };
                let language =
                    standing.as_ref().and_then(|standing| standing.notice.as_ref()).map(|it| it.0.clone());
                let region = standing.and_then(|standing| standing.region);
                let count = tally.entry((region, language, outcome)).or_default();
                *count = count.saturating_add(1);
            }
        }
        let tally = tally.into_iter().map(|((region, language, outcome), people)| CampaignTally {
            region,
            language,
            outcome,
            people,
        });
        Ok(ConsentReply::Preview(tally.collect()))
    }
}

/// The question that a campaign puts to a person.
fn question(
    subject: SubjectId,
    campaign: &CampaignRecord,
    terms: &CampaignTerms,
    standing: Option<&ConsentStanding>,
) -> ChoiceRequest {
    let choice = ConsentChoice {
        purpose: campaign.purpose,
        act: ConsentAct::Request,
        kind: ConsentKind::Explicit,
        notice: None,
        region: standing.and_then(|standing| standing.region.clone()),
        evidence: ConsentEvidence { campaign: Some(campaign.id), ..ConsentEvidence::default() },
        at: None,
        request: None,
    };
    ChoiceRequest {
        lapses_at: Some(terms.deadline),
        pauses: terms.meanwhile == Meanwhile::Pause,
        ..ChoiceRequest::new(subject, choice, Speaker::Clock)
    }
}

fn reminders_due(terms: &CampaignTerms, now: Timestamp) -> u32 {
    u32::try_from(terms.reminders_due(now)).unwrap_or(u32::MAX)
}

/// What the clock says about a standing: to be completed with an act.
fn choice_about(standing: &ConsentStanding) -> ConsentChoice {
    ConsentChoice {
        purpose: standing.purpose,
        act: ConsentAct::Lapse,
        kind: ConsentKind::Explicit,
        notice: standing.notice.as_ref().map(|(language, version)| ShownNotice {
            language: language.clone(),
            version: *version,
            hash: None,
        }),
        region: standing.region.clone(),
        evidence: ConsentEvidence::default(),
        at: None,
        request: None,
    }
}

pub(crate) fn campaign_terms(campaign: &CampaignRecord) -> Result<CampaignTerms, AdminError> {
    serde_json::from_str(&campaign.terms)
        .map_err(|error| AdminError::Storage(format!("{} cannot be read: {error}", campaign.id)))
}

/// A campaign with its counts.
pub(super) fn campaign_row(
    control: &ControlStore,
    campaign: CampaignRecord,
) -> Result<CampaignRow, AdminError> {
    let tally = control.campaign_counts(campaign.id)?.into_iter().map(|count| CampaignTally {
        region: count.region,
        language: count.language,
        outcome: count.outcome.unwrap_or_else(|| "open".to_owned()),
        people: count.people,
    });
    Ok(CampaignRow {
        id: campaign.id,
        organization: campaign.organization,
        terms: campaign_terms(&campaign)?,
        tally: tally.collect(),
        reason: campaign.reason,
        opened_at: campaign.opened_at,
        is_extended: campaign.is_extended,
        closed_at: campaign.closed_at,
    })
}
