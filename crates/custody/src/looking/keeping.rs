//! Changing sessions: on the writer, one step at a time, each with what the log and the administrators are told of it.

use std::sync::atomic::Ordering;

use fiducia_ledger::{AccessSessionStep, AccessWithdrawal, Digest, Event, SessionStep};
use fiducia_policy::{
    AccessEnd, AccessNeeds, AccessNoticeKind, AccessReview, AccessSession, AccessSessionId, AccessState,
    AccessStep, AccessStepRefused, BulletinKind, OrganizationId, PersonId, Timestamp,
};
use fiducia_store::{AccessRemarkRecord, AccessSessionWrite, Announcement, BulletinRecord};

use crate::AdminError;
use crate::scribe::Fact;
use crate::writer::Writer;

/// Sessions that are over and ended in one step of the worker.
const ENDED_PER_STEP: u32 = 100;
/// Facts that one step of a session makes at most.
const FACTS_MAX: usize = 4;

/// What a session is begun for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BegunFor {
    /// Looks, until it ends.
    Looks,
    /// One look, within one command. That it opened is in the look's entry.
    OneLook,
    /// Data is handed over to somebody outside, within one command. That it opened is in the entries of what is read for that.
    HandingOver,
}

/// A change of what is kept about reading.
pub(crate) enum AccessChange {
    /// A new session.
    Begin { session: Box<AccessSession>, policies: Vec<String>, what: BegunFor },
    /// A step of one.
    Step { session: AccessSessionId, step: AccessStep, actor: PersonId, policies: Vec<String> },
    /// An organisation wants to agree to looks, or no longer does.
    Lockbox { organization: OrganizationId, enabled: bool, actor: PersonId },
    /// Administrators saw what they were told.
    Seen { organization: OrganizationId, up_to: u64 },
}

impl Writer {
    /// Carries a change out; gives the session where it is about one.
    pub(crate) fn change_access(
        &mut self,
        change: AccessChange,
    ) -> Result<Option<AccessSession>, AdminError> {
        match change {
            AccessChange::Begin { session, policies, what } => {
                self.begin_session(*session, policies, what).map(Some)
            }
            AccessChange::Step { session, step, actor, policies } => {
                self.step_session(session, step, (actor, policies)).map(Some)
            }
            AccessChange::Lockbox { organization, enabled, actor } => {
                let now = self.clock.now();
                let event = Event::LockboxChanged { enabled, actor };
                let announced = self.announced(organization, event, now)?;
                if self.files.control.set_lockbox(organization, enabled, now, &announced.0)? {
                    self.delivered(announced)?;
                }
                Ok(None)
            }
            AccessChange::Seen { organization, up_to } => {
                self.files.control.see_access_notices(organization, up_to, self.clock.now())?;
                Ok(None)
            }
        }
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "what is begun is handed over, and comes back as it is stored"
    )]
    fn begin_session(
        &mut self,
        session: AccessSession,
        policies: Vec<String>,
        what: BegunFor,
    ) -> Result<AccessSession, AdminError> {
        let session = AccessSession { is_single: what != BegunFor::Looks, ..session };
        let now = self.clock.now();
        let (live, overdue) = self.files.control.access_burden(session.reader.person, now)?;
        if session.breaks_glass() && overdue > 0 {
            return Err(AdminError::Conflict(
                "the review of an earlier emergency of yours is overdue; have it reviewed first. Nothing was asked for"
                    .to_owned(),
            ));
        }
        let most = self.gate.limits.sessions_per_person_max;
        // What is handed over was decided about before, one request or hold after the other.
        if what != BegunFor::HandingOver && live >= most {
            return Err(AdminError::Conflict(format!(
                "one person has at most {most} sessions that are asked for or open; end one. Nothing was asked for"
            )));
        }
        let actor = session.reader.person;
        let facts = match what {
            BegunFor::Looks => facts_of(None, &session, (actor, &policies), None),
            BegunFor::OneLook | BegunFor::HandingOver => Vec::new(),
        };
        let facts: Vec<Fact> = facts.into_iter().map(|event| Fact { at: now, event }).collect();
        let mut announced = Vec::with_capacity(facts.len());
        for fact in facts {
            announced.push((fact.announcement(self.event_id()?, session.organization), fact));
        }
        let mut notices = notices_of(None, &session);
        // Before anything is opened, so that nothing is handed over that nobody is told of.
        notices.extend((what == BegunFor::HandingOver).then_some(AccessNoticeKind::HandedOver));
        let bulletins = if notices.contains(&AccessNoticeKind::ApprovalAsked) {
            self.bulletins_about_session(BulletinKind::ApprovalAsked, &session, now)?
        } else {
            Vec::new()
        };
        let announcements = announced.iter().map(|(announcement, _)| announcement.clone()).collect();
        let write = AccessSessionWrite { session, announcements, notices, bulletins, remark: None, at: now };
        self.files.control.begin_access_session(&write)?;
        announced.into_iter().try_for_each(|one| self.delivered(one).map(drop))?;
        Ok(write.session)
    }

    fn step_session(
        &mut self,
        id: AccessSessionId,
        step: AccessStep,
        (actor, policies): (PersonId, Vec<String>),
    ) -> Result<AccessSession, AdminError> {
        let now = self.clock.now();
        let mut ids = Vec::with_capacity(FACTS_MAX);
        for _ in 0..FACTS_MAX {
            ids.push(self.event_id()?);
        }
        let emergency = self.bulletins_if_it_opens(id, &step, now)?;
        let (remark, commitment) = self.said_by(id, &step, now)?.unzip();
        let limits = &self.gate.limits;
        let mut announced: Vec<(Announcement, Fact)> = Vec::new();
        let changed = self.files.control.change_access_session(id, |before| {
            let session = before.after(step, now, limits)?;
            let facts = facts_of(Some(&before), &session, (actor, &policies), commitment);
            for (event, id) in facts.into_iter().zip(ids) {
                let fact = Fact { at: now, event };
                announced.push((fact.announcement(id, session.organization), fact));
            }
            let announcements = announced.iter().map(|(announcement, _)| announcement.clone()).collect();
            let notices = notices_of(Some(&before), &session);
            let opens = notices.contains(&AccessNoticeKind::EmergencyOpened);
            let bulletins = if opens { emergency } else { Vec::new() };
            let at = now;
            let write = AccessSessionWrite { session, announcements, notices, bulletins, remark, at };
            Ok::<_, AccessStepRefused>(write)
        })?;
        let write = changed
            .ok_or_else(|| AdminError::NotFound(format!("there is no {id}; nothing was changed")))?
            .map_err(|refused| AdminError::Conflict(refused.to_string()))?;
        if write.notices.contains(&AccessNoticeKind::Unusual) {
            self.handle.access_alerts.fetch_add(1, Ordering::Relaxed);
        }
        crate::faults::reached("access-session-stepped");
        announced.into_iter().try_for_each(|one| self.delivered(one).map(drop))?;
        Ok(write.session)
    }

    /// What administrators would be told by mail, should a step open an emergency: whom, is read before the step is taken.
    fn bulletins_if_it_opens(
        &self,
        id: AccessSessionId,
        step: &AccessStep,
        now: Timestamp,
    ) -> Result<Vec<BulletinRecord>, AdminError> {
        if !matches!(step, AccessStep::Approve { .. }) {
            return Ok(Vec::new());
        }
        match self.files.control.access_session(id)? {
            Some(session) if session.breaks_glass() => {
                self.bulletins_about_session(BulletinKind::EmergencyOpened, &session, now)
            }
            _ => Ok(Vec::new()),
        }
    }

    /// What a step says, sealed. What will be refused leaves no key behind.
    fn said_by(
        &mut self,
        id: AccessSessionId,
        step: &AccessStep,
        now: Timestamp,
    ) -> Result<Option<(AccessRemarkRecord, Digest)>, AdminError> {
        if step.remark().is_none() {
            return Ok(None);
        }
        match self.files.control.access_session(id)? {
            Some(session) if session.after(step.clone(), now, &self.gate.limits).is_ok() => {
                self.sealed_remark(&session, step, now)
            }
            _ => Ok(None),
        }
    }

    /// Ends sessions whose time is over, with the time at which it was, and notes that nobody answered.
    pub(crate) fn end_access_sessions(&mut self, now: Timestamp) -> Result<bool, AdminError> {
        let due = self.files.control.due_access_sessions(now, ENDED_PER_STEP)?;
        for id in &due {
            let Some(session) = self.files.control.access_session(*id)? else { continue };
            self.step_session(*id, AccessStep::Tick, (session.reader.person, Vec::new()))?;
        }
        Ok(!due.is_empty())
    }

    /// Says in every log that other access policies are in force than last time. The first time there is nothing to say.
    pub(crate) fn note_access_policy(&mut self) -> Result<(), AdminError> {
        let digest = self.gate.digest;
        let before = self.files.control.access_policy_digest()?;
        if before == Some(digest) {
            return Ok(());
        }
        let built_in = crate::staging::sha256(&[fiducia_policy::AccessPolicy::built_in_text().as_bytes()]);
        let mut announced = Vec::new();
        if before.is_some() || digest != built_in {
            for organization in self.files.control.organizations()? {
                let event = Event::AccessPolicyChanged { policy: Digest(digest) };
                announced.push(self.announced(organization.id, event, self.clock.now())?);
            }
        }
        let announcements: Vec<_> = announced.iter().map(|(announcement, _)| announcement.clone()).collect();
        self.files.control.set_access_policy(digest, &announcements)?;
        announced.into_iter().try_for_each(|one| self.delivered(one).map(drop))
    }
}

/// What the log is told: what is so now and was not before.
fn facts_of(
    before: Option<&AccessSession>,
    after: &AccessSession,
    (actor, policies): (PersonId, &[String]),
    remark: Option<Digest>,
) -> Vec<Event> {
    let steps = steps_of(before, after, (actor, policies), remark);
    let mut facts: Vec<Event> = steps.into_iter().map(Event::AccessSession).collect();
    let was = before.map(|session| session.state);
    if after.state == AccessState::Withdrawn && was != Some(AccessState::Withdrawn) {
        facts.push(Event::AccessRequestWithdrawn(AccessWithdrawal {
            session: after.id,
            actor,
            reason: after.reason,
            ticket: after.ticket.clone(),
            ground: after.ground,
            needs: after.needs,
        }));
    }
    facts
}

/// The steps among it.
fn steps_of(
    before: Option<&AccessSession>,
    after: &AccessSession,
    (actor, policies): (PersonId, &[String]),
    remark: Option<Digest>,
) -> Vec<AccessSessionStep> {
    let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let told = |step, actor, policies: &[String]| AccessSessionStep {
        session: after.id,
        step,
        actor,
        reason: after.reason,
        ticket: Some(after.ticket.clone()),
        ground: after.ground,
        needs: after.needs,
        seconds: match (step, after.seconds_open()) {
            (SessionStep::Ended, Some(seconds)) => count(seconds),
            _ => after.seconds,
        },
        looks: count(after.looks),
        records: count(after.records),
        end: after.end.filter(|_| step == SessionStep::Ended),
        alert: after.alerts.last().copied().filter(|_| step == SessionStep::Alerted),
        policies: policies.to_vec(),
        remark: remark.filter(|_| is_answer(step)),
    };
    let reader = after.reader.person;
    let was = before.map(|session| session.state);
    let mut steps = Vec::new();
    if before.is_none() && after.state == AccessState::Asked {
        steps.push(told(SessionStep::Asked, reader, policies));
    }
    if before.is_some_and(|before| before.approvals.len() < after.approvals.len()) {
        steps.push(told(SessionStep::Approved, actor, policies));
    }
    if was != Some(after.state) {
        match after.state {
            AccessState::Denied => steps.push(told(SessionStep::Denied, actor, policies)),
            AccessState::Unanswered => steps.push(told(SessionStep::Unanswered, reader, &[])),
            AccessState::Asked | AccessState::Open | AccessState::Withdrawn | AccessState::Ended => {}
        }
    }
    if after.opened_at.is_some() && before.is_none_or(|before| before.opened_at.is_none()) {
        let by_reader = before.is_none();
        steps.push(told(SessionStep::Opened, reader, if by_reader { policies } else { &[] }));
    }
    if before.is_some_and(|before| before.alerts.len() < after.alerts.len()) {
        steps.push(told(SessionStep::Alerted, reader, &[]));
    }
    if after.ended_at.is_some() && was != Some(AccessState::Ended) {
        let by = if after.end == Some(AccessEnd::Administrator) { actor } else { reader };
        steps.push(told(SessionStep::Ended, by, &[]));
    }
    let was_settled = before.is_some_and(|before| matches!(before.review, Some(AccessReview::Done { .. })));
    if let Some(AccessReview::Done { justified, .. }) = after.review
        && !was_settled
    {
        let found = if justified { SessionStep::FoundJustified } else { SessionStep::FoundUnjustified };
        steps.push(told(found, actor, policies));
    }
    steps
}

/// Whether something can be said to it. An agreement may open a session: what was said stands with the agreement.
const fn is_answer(step: SessionStep) -> bool {
    use SessionStep::{Approved, Denied, FoundJustified, FoundUnjustified};
    matches!(step, Approved | Denied | FoundJustified | FoundUnjustified)
}

/// What the administrators are told.
fn notices_of(before: Option<&AccessSession>, after: &AccessSession) -> Vec<AccessNoticeKind> {
    let was = before.map(|session| session.state);
    let mut notices = Vec::new();
    if before.is_none() && after.state == AccessState::Asked {
        notices.push(if after.needs == AccessNeeds::TwoOthers {
            AccessNoticeKind::EmergencyAsked
        } else {
            AccessNoticeKind::ApprovalAsked
        });
    }
    if after.breaks_glass() && after.state == AccessState::Open && was != Some(AccessState::Open) {
        notices.push(AccessNoticeKind::EmergencyOpened);
    }
    if before.is_some_and(|before| before.alerts.len() < after.alerts.len()) {
        notices.push(AccessNoticeKind::Unusual);
    }
    if after.state == AccessState::Ended && was != Some(AccessState::Ended) {
        if after.end == Some(AccessEnd::Anomaly) {
            notices.push(AccessNoticeKind::Stopped);
        }
        if after.breaks_glass() {
            notices.push(AccessNoticeKind::ReviewDue);
        }
    }
    notices
}
