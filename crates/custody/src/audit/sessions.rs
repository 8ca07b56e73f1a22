//! Sessions of reading: what `control.db` keeps of each, and what the log tells of it step by step and look by look.

use std::collections::HashMap;

use fiducia_ledger::{AccessSessionStep, Event, RecordAccess, SessionStep};
use fiducia_policy::{
    AccessNeeds, AccessReview, AccessSession, AccessSessionId, AccessState, PersonId, Sight,
};
use fiducia_store::{AccessSessionFilter, ControlStore};

use super::comparison::{
    AuditError, CANDIDATES_MAX, Comparison, Entry, Notes, PAGE_ROWS, Unlogged, Whose, stored_event,
};
use super::finding::{AuditFinding, ComparedKind};

const KIND: ComparedKind = ComparedKind::Session;

/// What happens to a session, each with the word by which it is named in findings. Both ends of a review are one.
const STEPS: [&str; 8] =
    ["asked", "approved", "denied", "unanswered", "opened", "alerted", "ended", "reviewed"];

/// The word for a step.
const fn word(step: SessionStep) -> &'static str {
    match step {
        SessionStep::Asked => "asked",
        SessionStep::Approved => "approved",
        SessionStep::Denied => "denied",
        SessionStep::Unanswered => "unanswered",
        SessionStep::Opened => "opened",
        SessionStep::Alerted => "alerted",
        SessionStep::Ended => "ended",
        SessionStep::FoundJustified | SessionStep::FoundUnjustified => "reviewed",
    }
}

/// The name of a step of a session, by which its entry is looked for.
pub(super) fn step_name(session: AccessSessionId, step: SessionStep) -> String {
    named(session, word(step))
}

/// The name of a session's looks, by which their entries are looked for.
pub(super) fn looks_name(session: AccessSessionId) -> String {
    named(session, "looks")
}

fn named(session: AccessSessionId, what: &str) -> String {
    format!("{session} ({what})")
}

/// What the log tells of one session.
#[derive(Debug, Default)]
struct Told {
    /// How often each step, in the order of [`STEPS`].
    steps: [u32; STEPS.len()],
    looks: u64,
    records: u64,
    /// Looks whose row does not say where their entry lies.
    unplaced: u64,
    /// The index of its last entry.
    last: u64,
}

/// Compares sessions. Remembers about a hundred bytes of each.
#[derive(Debug)]
pub(super) struct Sessions {
    organization: Whose,
    told: HashMap<AccessSessionId, Told>,
}

impl Sessions {
    pub(super) fn of(organization: Whose) -> Self {
        Self { organization, told: HashMap::new() }
    }

    fn step(
        &mut self,
        control: &ControlStore,
        index: u64,
        step: &AccessSessionStep,
        notes: &mut Notes,
    ) -> Result<(), AuditError> {
        let told = self.told.entry(step.session).or_default();
        told.last = index;
        let names = STEPS.iter().zip(&mut told.steps);
        for (_, count) in names.filter(|(name, _)| **name == word(step.step)) {
            *count += 1;
        }
        match control.access_session(step.session)? {
            None => {
                let name = step_name(step.session, step.step);
                notes.find(AuditFinding::NotKnown { kind: KIND, index, name });
            }
            Some(session) => {
                if let Some(what) = step_difference(&session, self.organization, step) {
                    notes.find(AuditFinding::Differs { kind: KIND, index, what });
                }
            }
        }
        Ok(())
    }

    fn look(
        &mut self,
        control: &ControlStore,
        (index, event): (u64, Option<[u8; 16]>),
        (id, sight, access): (AccessSessionId, Sight, &RecordAccess),
        notes: &mut Notes,
    ) -> Result<(), AuditError> {
        let told = self.told.entry(id).or_default();
        told.last = index;
        told.looks += 1;
        told.records += u64::try_from(access.records.len()).unwrap_or(u64::MAX);
        if let Some(event) = event {
            let rows = control.accesses_of_event(event)?;
            told.unplaced += u64::from(!rows.is_empty() && rows.iter().all(|row| row.ledger_index.is_none()));
        }
        let Some(session) = control.access_session(id)? else {
            notes.find(AuditFinding::NotKnown { kind: KIND, index, name: looks_name(id) });
            return Ok(());
        };
        let checks = [
            (session.organization == self.organization, "organisation"),
            // A file is named after whom it is for.
            (session.reader.person == access.actor || sight == Sight::File, "person who read"),
            (session.reason == access.reason, "reason"),
            (Some(&session.ticket) == access.ticket.as_ref(), "ticket"),
            (session.ground == access.ground, "ground"),
        ];
        if let Some((_, what)) = checks.iter().find(|(agrees, _)| !agrees) {
            notes.find(AuditFinding::Differs { kind: KIND, index, what });
        }
        Ok(())
    }

    /// Compares how often each step was told with what became of the session.
    fn steps_of(&self, session: &AccessSession, notes: &mut Notes, found: &mut Vec<Unlogged>) {
        let nothing = Told::default();
        let told = self.told.get(&session.id).unwrap_or(&nothing);
        for ((step, expected), told_of) in STEPS.into_iter().zip(happened(session)).zip(told.steps) {
            if told_of < expected {
                found.push(missing(named(session.id, step), false));
            } else if told_of > expected {
                notes.find(AuditFinding::Differs { kind: KIND, index: told.last, what: what_of(step) });
            }
        }
    }

    /// Compares how many looks were told with how many were counted.
    fn looks_of(
        &self,
        control: &ControlStore,
        session: &AccessSession,
        (notes, found): (&mut Notes, &mut Vec<Unlogged>),
    ) -> Result<(), AuditError> {
        let nothing = Told::default();
        let told = self.told.get(&session.id).unwrap_or(&nothing);
        let mut differ = |what| notes.find(AuditFinding::Differs { kind: KIND, index: told.last, what });
        let logged = told.looks.saturating_add(session.unlogged.looks);
        if logged == session.looks {
            if told.records.saturating_add(session.unlogged.records) != session.records {
                differ("number of records");
            }
            return Ok(());
        }
        if logged > session.looks {
            differ("number of looks");
            return Ok(());
        }
        // Looks that were begun, and that nothing confirmed: the program ended before their entries, or before it noted them.
        let begun = control.unconfirmed_looks(session.id)?.saturating_sub(told.unplaced);
        let short = (session.looks - logged).saturating_sub(begun);
        if short > 0 {
            let forgotten = control.forgotten_unconfirmed_looks(self.organization)?;
            found.push(missing(looks_name(session.id), short <= forgotten));
        }
        Ok(())
    }
}

impl Comparison for Sessions {
    fn entry(
        &mut self,
        control: &ControlStore,
        Entry { index, logged, .. }: Entry<'_>,
        notes: &mut Notes,
    ) -> Result<(), AuditError> {
        match &logged.leaf.event {
            Event::AccessSession(step) => {
                notes.count(KIND);
                self.step(control, index, step, notes)
            }
            Event::RecordAccess(access) => match &access.look {
                Some(terms) => match terms.session {
                    Some(id) => {
                        let place = (index, stored_event(logged));
                        self.look(control, place, (id, terms.sight, access), notes)
                    }
                    None => Ok(()),
                },
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn rest(&mut self, control: &ControlStore, notes: &mut Notes) -> Result<Vec<Unlogged>, AuditError> {
        let organization = Some(self.organization);
        let (mut found, mut before) = (Vec::new(), None);
        loop {
            let filter = AccessSessionFilter { organization, before, ..AccessSessionFilter::default() };
            let page = control.access_sessions(filter, PAGE_ROWS)?;
            for session in &page {
                if found.len() >= CANDIDATES_MAX {
                    return Ok(found);
                }
                self.steps_of(session, notes, &mut found);
                self.looks_of(control, session, (notes, &mut found))?;
            }
            match page.last() {
                Some(last) => before = Some(last.id),
                None => return Ok(found),
            }
        }
    }
}

fn missing(name: String, unconfirmed: bool) -> Unlogged {
    Unlogged { kind: KIND, name, event: None, unconfirmed }
}

/// How often each step happened to a session, in the order of [`STEPS`].
fn happened(session: &AccessSession) -> [u32; STEPS.len()] {
    let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    [
        u32::from(session.needs != AccessNeeds::Nothing),
        // Whoever may agree no more agreed once, and the log says so.
        count(session.approvals.len() + session.lapsed.len()),
        u32::from(session.state == AccessState::Denied),
        u32::from(session.state == AccessState::Unanswered),
        // Of one for a single look the entry of that look tells that it opened.
        u32::from(session.opened_at.is_some() && !session.is_single),
        count(session.alerts.len()),
        u32::from(session.ended_at.is_some()),
        u32::from(matches!(session.review, Some(AccessReview::Done { .. }))),
    ]
}

/// A step, for "differ about the …".
fn what_of(step: &str) -> &'static str {
    match step {
        "asked" => "asking",
        "approved" => "agreement",
        "denied" => "refusal",
        "unanswered" => "silence",
        "opened" => "opening",
        "alerted" => "alert",
        "ended" => "end",
        _ => "review",
    }
}

/// In what a step and its session differ, if in anything.
fn step_difference(
    session: &AccessSession,
    organization: Whose,
    step: &AccessSessionStep,
) -> Option<&'static str> {
    let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let is_end = step.step == SessionStep::Ended;
    let seconds = match session.seconds_open() {
        Some(seconds) if is_end => count(seconds),
        _ => session.seconds,
    };
    let is_told = |alert| session.alerts.contains(&alert);
    let checks = [
        (session.organization == organization, "organisation"),
        (acted(session, step), "person who acted"),
        (session.reason == step.reason, "reason"),
        (Some(&session.ticket) == step.ticket.as_ref(), "ticket"),
        (session.ground == step.ground, "ground"),
        (session.needs == step.needs, "agreement that was needed"),
        (seconds == step.seconds, "length"),
        (!is_end || count(session.looks) == step.looks, "number of looks"),
        (!is_end || count(session.records) == step.records, "number of records"),
        (!is_end || session.end == step.end, "end"),
        (step.alert.is_none_or(is_told), "alert"),
    ];
    checks.iter().find(|(agrees, _)| !agrees).map(|(_, what)| *what)
}

/// Whether whoever the log says did a step can have done it.
fn acted(session: &AccessSession, step: &AccessSessionStep) -> bool {
    let actor: PersonId = step.actor;
    let reader = session.reader.person;
    match step.step {
        SessionStep::Asked | SessionStep::Opened | SessionStep::Alerted | SessionStep::Unanswered => {
            actor == reader
        }
        SessionStep::Approved => session.approvals.iter().any(|approval| approval.by.person == actor),
        SessionStep::Denied => session.denied_by.is_some_and(|by| by.person == actor),
        // Who ended it is not kept where it was not the reader.
        SessionStep::Ended => true,
        SessionStep::FoundJustified | SessionStep::FoundUnjustified => match session.review {
            Some(AccessReview::Done { by, justified, .. }) => {
                by.person == actor && justified == (step.step == SessionStep::FoundJustified)
            }
            _ => false,
        },
    }
}
