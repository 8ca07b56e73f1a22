//! The steps of a request: each checked by the pure rules, kept with its audit row, and said in the ledger.

use fiducia_ledger::Event;
use fiducia_policy::{
    LetterId, LetterKind, Pseudonym, RequestClock, RequestKind, RequestStanding, RequestStep,
    RightsRequestId, Timestamp,
};
use fiducia_store::{LetterRecord, LetterSource, RightsEffect, RightsRecord, RightsStepRecord};

use super::commands::{RequestRow, RightsAction, RightsCommand, RightsReply, RightsReport};
use crate::AdminError;
use crate::scribe::Fact;
use crate::writer::Writer;

/// The longest note, in characters.
const NOTE_CHARACTERS_MAX: usize = 512;
/// Steps of one request.
const STEPS_MAX: usize = 200;

/// What a step does beside moving the request on.
pub(super) struct Outcome {
    pub(super) effect: RightsEffect,
    pub(super) report: Option<RightsReport>,
    /// Whether something was left undone though nobody said so.
    pub(super) in_part: bool,
}

impl Outcome {
    pub(super) const fn nothing() -> Self {
        Self { effect: RightsEffect::None, report: None, in_part: false }
    }
}

impl Writer {
    /// Carries a command on requests out that changes something.
    pub(crate) fn uphold(&mut self, command: RightsCommand) -> Result<RightsReply, AdminError> {
        match command {
            RightsCommand::Open { request } => self.open_request(&request),
            RightsCommand::Act { request, step, note, actor } => self.act(request, &step, note, &actor),
            RightsCommand::List { .. } | RightsCommand::Show { .. } | RightsCommand::Export(_) => {
                Err(AdminError::Invalid("this command is not for the writer; nothing was changed".to_owned()))
            }
        }
    }

    fn act(
        &mut self,
        id: RightsRequestId,
        action: &RightsAction,
        note: Option<String>,
        actor: &str,
    ) -> Result<RightsReply, AdminError> {
        check_note(note.as_deref())?;
        let request = self.files.control.request(id)?;
        let mut request =
            request.ok_or_else(|| AdminError::NotFound(format!("there is no {id}; nothing was changed")))?;
        let now = self.clock.now();
        let steps = self.files.control.request_steps(id)?;
        if steps.len() >= STEPS_MAX && step_of(action, now).is_none_or(|step| !closes(step)) {
            return Err(AdminError::Conflict(format!("{id} has {STEPS_MAX} steps already; close it")));
        }
        let actor = self.person(actor)?;
        // Found before anything is carried out: an erasure forgets it.
        let pseudonym = self.pseudonym_of(&request)?;
        let (name, reason) = described(action);
        let outcome = match step_of(action, now) {
            None => self.lift(&request, action, now)?,
            Some(step) => {
                // Asked first, so that nothing is carried out for a request that may not move on.
                standing_after(&request, step, now)?;
                let outcome = self.carried_out(&request, action, actor, now)?;
                let step = match step {
                    RequestStep::Fulfil { in_part } => {
                        RequestStep::Fulfil { in_part: in_part || outcome.in_part }
                    }
                    other => other,
                };
                request.standing = standing_after(&request, step, now)?;
                outcome
            }
        };
        let is_erased = request.subject.is_some_and(|subject| {
            self.files.control.subject(subject).is_ok_and(|row| row.is_none_or(|row| row.erased_at.is_some()))
        });
        if request.standing.state.is_closed() && request.closed_at.is_none() {
            request.closed_at = Some(now);
        }
        if let Some(report) = &outcome.report {
            let report = serde_json::to_string(report)
                .map_err(|error| AdminError::Storage(format!("the report cannot be written: {error}")))?;
            request.report = Some(report);
        }
        let number = steps.last().map_or(1, |last| last.number.saturating_add(1));
        let step = RightsStepRecord {
            number,
            step: name.to_owned(),
            at: now,
            by: actor,
            state: request.standing.state,
            reason: reason.map(str::to_owned),
            note: note.filter(|_| !is_erased),
            event: self.event_id()?,
        };
        let letter = self.letter_about(&request, &step)?;
        let fact = step_fact(&request, &step, pseudonym.filter(|_| !is_erased));
        let announcement = fact.announcement(step.event, request.organization);
        self.files.control.step_request(&request, &step, &outcome.effect, letter.as_ref(), &announcement)?;
        crate::faults::reached("request-stepped");
        if outcome.effect != RightsEffect::None {
            if let Some(subject) = request.subject {
                self.caches.subjects.pop(&subject);
            }
            self.callers_changed()?;
        }
        self.count_requests(now)?;
        self.deliver_control(step.event, request.organization, fact)?;
        self.request_detail(id).map(|detail| RightsReply::Request(Box::new(detail)))
    }

    /// The letter by which a person is told of a step, where mail is on. Who has no address gets none.
    fn letter_about(
        &self,
        request: &RightsRecord,
        step: &RightsStepRecord,
    ) -> Result<Option<LetterRecord>, AdminError> {
        let kind = match step.step.as_str() {
            "confirm" => LetterKind::RequestReceived,
            "extend" => LetterKind::RequestExtended,
            "refuse" => LetterKind::RequestRefused,
            "fulfil" => LetterKind::RequestDone,
            _ => return Ok(None),
        };
        let Some(subject) = request.subject.filter(|_| self.certificates.mail.is_some()) else {
            return Ok(None);
        };
        Ok(Some(LetterRecord {
            id: LetterId::generate(step.at, &*self.randomness)?,
            organization: request.organization,
            subject,
            kind,
            source: LetterSource::Request(request.id, step.number),
            queued_at: step.at,
        }))
    }

    fn pseudonym_of(&self, request: &RightsRecord) -> Result<Option<Pseudonym>, AdminError> {
        let subject = request.subject.map(|subject| self.files.control.subject(subject)).transpose()?;
        Ok(subject.flatten().and_then(|row| row.pseudonym))
    }

    /// A restriction ends. The request that made it stays closed.
    fn lift(
        &self,
        request: &RightsRecord,
        action: &RightsAction,
        now: Timestamp,
    ) -> Result<Outcome, AdminError> {
        let RightsAction::Lift { told_at } = action else { return Ok(Outcome::nothing()) };
        let restriction =
            request.subject.map(|subject| self.files.control.restriction(subject)).transpose()?.flatten();
        let restriction = restriction.filter(|found| found.request == request.id).ok_or_else(|| {
            AdminError::Conflict(format!("{} restricts nothing; nothing was changed", request.id))
        })?;
        if *told_at > now || *told_at < restriction.since {
            return Err(AdminError::Invalid(
                "the person is told before a restriction ends and after it began; nothing was changed"
                    .to_owned(),
            ));
        }
        Ok(Outcome { effect: RightsEffect::Lift, ..Outcome::nothing() })
    }

    pub(super) fn request_row(&self, record: &RightsRecord) -> RequestRow {
        row_of(record, self.clock.now())
    }
}

/// The ledger's entry of a step: who asked is a pseudonym, and why is a word from a closed list.
pub(super) fn step_fact(
    request: &RightsRecord,
    step: &RightsStepRecord,
    pseudonym: Option<Pseudonym>,
) -> Fact {
    let event = Event::RightsStep {
        request: request.id,
        pseudonym,
        kind: request.kind.name().to_owned(),
        step: step.step.clone(),
        state: step.state.name().to_owned(),
        reason: step.reason.clone(),
        due: request.due(),
        actor: step.by,
    };
    Fact { at: step.at, event }
}

/// A request as lists show it.
pub(crate) fn row_of(record: &RightsRecord, now: Timestamp) -> RequestRow {
    let due = record.due();
    RequestRow {
        id: record.id,
        organization: record.organization,
        subject: record.subject,
        kind: record.kind,
        regimes: record.regimes.clone(),
        state: record.standing.state,
        received_at: record.received_at,
        confirm_by: record.confirm_by.filter(|_| !record.standing.is_confirmed && record.closed_at.is_none()),
        due,
        decided_by: record.decided_by,
        is_overdue: record.closed_at.is_none() && due <= now,
        is_identified: record.standing.is_identified,
        closed_at: record.closed_at,
        by_agent: record.agent.is_some(),
    }
}

fn standing_after(
    request: &RightsRecord,
    step: RequestStep,
    now: Timestamp,
) -> Result<RequestStanding, AdminError> {
    let clock = RequestClock {
        received_at: request.received_at,
        answer_by: request.answer_by,
        extended_by: request.extended_by,
    };
    request
        .standing
        .after(request.kind, &clock, step, now)
        .map_err(|refused| AdminError::Conflict(format!("{}: {refused}; nothing was changed", request.id)))
}

/// The pure step of an action; `None` for what happens to a request that is closed already.
fn step_of(action: &RightsAction, now: Timestamp) -> Option<RequestStep> {
    Some(match action {
        RightsAction::Confirm {} => RequestStep::Confirm,
        RightsAction::AskIdentity {} => RequestStep::AskIdentity,
        RightsAction::Identify { .. } => RequestStep::Identify,
        RightsAction::Begin {} => RequestStep::Begin,
        RightsAction::Extend { reason, told_at } => {
            RequestStep::Extend { reason: *reason, told_at: told_at.unwrap_or(now) }
        }
        RightsAction::Fulfil { left_undone } => RequestStep::Fulfil { in_part: left_undone.is_some() },
        RightsAction::Refuse { reason } => RequestStep::Refuse { reason: *reason },
        RightsAction::Withdraw {} => RequestStep::Withdraw,
        RightsAction::Lift { .. } => return None,
    })
}

const fn closes(step: RequestStep) -> bool {
    matches!(step, RequestStep::Fulfil { .. } | RequestStep::Refuse { .. } | RequestStep::Withdraw)
}

/// The name of a step and its reason, from closed lists: both go into the ledger.
fn described(action: &RightsAction) -> (&'static str, Option<&'static str>) {
    match action {
        RightsAction::Confirm {} => ("confirm", None),
        RightsAction::AskIdentity {} => ("ask-identity", None),
        RightsAction::Identify { method } => ("identify", Some(method.name())),
        RightsAction::Begin {} => ("begin", None),
        RightsAction::Extend { reason, .. } => ("extend", Some(reason.name())),
        RightsAction::Fulfil { .. } => ("fulfil", None),
        RightsAction::Refuse { reason } => ("refuse", Some(reason.name())),
        RightsAction::Withdraw {} => ("withdraw", None),
        RightsAction::Lift { .. } => ("lift", None),
    }
}

fn check_note(note: Option<&str>) -> Result<(), AdminError> {
    match note {
        Some(text) => check_text("a note", text),
        None => Ok(()),
    }
}

/// A text that staff wrote.
pub(super) fn check_text(what: &str, text: &str) -> Result<(), AdminError> {
    let length = text.chars().count();
    if length == 0 || length > NOTE_CHARACTERS_MAX || text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(AdminError::Invalid(format!(
            "{what} has 1 to {NOTE_CHARACTERS_MAX} characters and no control characters; nothing was changed"
        )));
    }
    Ok(())
}

/// Whether a kind of request is answered with a file.
pub(super) const fn needs_file(kind: RequestKind) -> bool {
    kind.is_copy()
}
