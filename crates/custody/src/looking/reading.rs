//! Looking in a session: who it is and what the policies say are asked anew at every look.

use std::collections::{BTreeSet, HashSet};

use fiducia_policy::{
    AccessAction, AccessEnd, AccessNeeds, AccessScope, AccessSession, AccessSessionId, AccessState,
    AccessStep, Anomaly, ConversationId, DataKind, ExchangeId, Habits, RecordId, RoleSet, Sight, Timestamp,
    TooMuch, anomalies, blurred, distinct_records,
};
use fiducia_store::{ControlStore, StoredRecord};

use super::commands::{LookTarget, SessionContent};
use super::finding::{Found, roles_now};
use super::gate::{Agreement, Asker, Question, Truth};
use super::sitting::Sitting;
use crate::reading::{ReadPath, Reader, wrap_for};
use crate::{AdminError, ConversationContent, Custody};

/// For how long a blurred look of an earlier command permits to reveal under the same ticket, in seconds.
const SEEN_SECONDS: i64 = 86_400;

/// Where a first, blurred look counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SeenIn {
    /// In the session that is looked in.
    Session,
    /// In any session of the same reader under the same ticket, within a day: each command is a session of its own.
    Ticket,
}

/// What a look opens.
struct Chosen {
    records: Vec<StoredRecord>,
    path: ReadPath,
    truths: BTreeSet<Truth>,
    /// How many more there are behind these.
    more: usize,
}

impl Custody {
    /// Opens records in somebody's own session.
    pub(super) fn look_in_session(
        &self,
        asker: &Asker,
        id: AccessSessionId,
        target: &LookTarget,
        sight: Option<Sight>,
    ) -> Result<SessionContent, AdminError> {
        self.caught_up()?;
        let session = self.session_for(asker, id)?;
        if !session.reader.is(&asker.participant) {
            return Err(AdminError::Forbidden(
                "a session is its reader's alone; ask for one of your own. Nothing was opened".to_owned(),
            ));
        }
        let reader = self.reader();
        let limits = &reader.gate.limits;
        let session = session
            .after(AccessStep::Tick, self.now(), limits)
            .map_err(|refused| AdminError::Conflict(refused.to_string()))?;
        if session.state != AccessState::Open {
            let refused = fiducia_policy::AccessStepRefused::NotOpen(session.state);
            return Err(AdminError::Conflict(refused.to_string()));
        }
        // A guard of the readers' lock may not be held while the writer is asked something.
        let looked = {
            let _reading = reader.reading();
            self.looked(&session, target, (sight, SeenIn::Session))
        };
        self.settled(asker, &session, looked)
    }

    /// What follows from a look for its session: what is unusual is told, and whoever goes too far is stopped.
    pub(super) fn settled(
        &self,
        asker: &Asker,
        session: &AccessSession,
        looked: Result<Looked, NotLooked>,
    ) -> Result<SessionContent, AdminError> {
        let id = session.id;
        match looked {
            Ok((content, alerts)) => {
                for anomaly in alerts.iter().filter(|anomaly| !session.alerts.contains(&anomaly.kind)) {
                    self.step(id, AccessStep::Alert(anomaly.kind), asker, Vec::new())?;
                }
                Ok(content)
            }
            Err(NotLooked::Refused(error)) => Err(error),
            Err(NotLooked::Stopped(anomaly, error)) => {
                self.step(id, AccessStep::Alert(anomaly.kind), asker, Vec::new())?;
                self.step(id, AccessStep::End(AccessEnd::Anomaly), asker, Vec::new())?;
                Err(error)
            }
            Err(NotLooked::Revoked(error)) => {
                self.step(id, AccessStep::End(AccessEnd::Revoked), asker, Vec::new())?;
                Err(error)
            }
            Err(NotLooked::OffMatter(error)) => {
                let strayed = self.step(id, AccessStep::Stray, asker, Vec::new())?;
                self.note_stray(asker, &strayed)?;
                Err(error)
            }
        }
    }

    /// Tells of an attempt to look at something else, and stops who tries again and again.
    fn note_stray(&self, asker: &Asker, session: &AccessSession) -> Result<(), AdminError> {
        let habits = Habits { now: self.now(), today: 0, days: &[], strays: session.strays };
        for anomaly in anomalies(&habits, &self.reader().gate.limits.bounds) {
            if !session.alerts.contains(&anomaly.kind) {
                self.step(session.id, AccessStep::Alert(anomaly.kind), asker, Vec::new())?;
            }
            if anomaly.stops {
                self.step(session.id, AccessStep::End(AccessEnd::Anomaly), asker, Vec::new())?;
            }
        }
        Ok(())
    }

    /// Looks. Whoever calls it holds destruction off.
    pub(super) fn looked(
        &self,
        session: &AccessSession,
        target: &LookTarget,
        (sight, seen_in): (Option<Sight>, SeenIn),
    ) -> Result<Looked, NotLooked> {
        let reader = self.reader();
        let control = reader.control().map_err(NotLooked::Refused)?;
        let chosen = reader.chosen(&control, session, target)?;
        if seen_in == SeenIn::Ticket && chosen.more > 0 {
            // Whoever reads within one command could not go on.
            let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
            let most = reader.gate.limits.records_per_look_max;
            let asked = count(chosen.records.len()).saturating_add(count(chosen.more));
            return Err(AdminError::Conflict(TooMuch::Look { most, asked }.to_string()).into());
        }
        let policies = reader.permitted_now(&control, session, &chosen.truths)?;
        let sight =
            reader.sight_of(&control, session, (&chosen, sight, seen_in)).map_err(NotLooked::Refused)?;
        let alerts = reader.unusual(&control, session, &chosen)?;
        let event = ExchangeId::generate(self.now(), &*self.0.randomness)
            .map_err(|error| NotLooked::Refused(error.into()))?;
        let sitting = Sitting::of_session(session.clone(), sight, policies);
        let mut content = reader
            .read(&sitting, &chosen.records, (chosen.path, *event.as_bytes()))
            .map_err(NotLooked::Refused)?;
        if sight == Sight::Blurred {
            blur(&mut content);
        }
        Ok((SessionContent { session: session.id, sight, content, has_more: chosen.more > 0 }, alerts))
    }
}

/// What was looked at, and what was unusual about that.
pub(super) type Looked = (SessionContent, Vec<Anomaly>);

/// Why nothing was opened, and what follows for the session.
pub(super) enum NotLooked {
    Refused(AdminError),
    Revoked(AdminError),
    Stopped(Anomaly, AdminError),
    OffMatter(AdminError),
}

impl From<AdminError> for NotLooked {
    fn from(error: AdminError) -> Self {
        Self::Refused(error)
    }
}

impl From<fiducia_store::StoreError> for NotLooked {
    fn from(error: fiducia_store::StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl Reader {
    /// The records of a look, all of one conversation and all within what the session is about.
    fn chosen(
        &self,
        control: &ControlStore,
        session: &AccessSession,
        target: &LookTarget,
    ) -> Result<Chosen, NotLooked> {
        let mut found = self.scope_found(control, &session.scope)?;
        let path = found.root.map_or(ReadPath::Ground(session.ground), ReadPath::Hold);
        let conversation = match (&session.scope, target.conversation) {
            (_, Some(conversation)) => Some(conversation),
            (AccessScope::Conversation(conversation), None) => Some(*conversation),
            _ => None,
        };
        let mut records = self.named(conversation, target, (&session.scope, &mut found))?;
        let keys = self.keys()?;
        let mut is_within = true;
        for record in &records {
            is_within &= record.organization == session.organization
                && match (&session.scope, found.root) {
                    (AccessScope::Records(ids), _) => {
                        // Of a whole conversation only what is named is meant.
                        ids.contains(&record.id) || target.records.is_empty()
                    }
                    (AccessScope::Conversation(id), _) => record.conversation == *id,
                    (_, Some(root)) => {
                        target.records.is_empty() || wrap_for(record, ReadPath::Hold(root), &keys)?.is_some()
                    }
                    (_, None) => false,
                };
        }
        if is_within && target.records.is_empty() {
            let mut kept = Vec::with_capacity(records.len());
            for record in records {
                let is_meant = match (&session.scope, found.root) {
                    (AccessScope::Records(ids), _) => ids.contains(&record.id),
                    (_, Some(root)) => wrap_for(&record, ReadPath::Hold(root), &keys)?.is_some(),
                    _ => true,
                };
                if is_meant {
                    kept.push(record);
                }
            }
            records = kept;
            is_within = !records.is_empty();
        }
        if !is_within {
            return Err(NotLooked::OffMatter(AdminError::Forbidden(format!(
                "this is not what {} is about; nothing was opened, and the attempt is in the log. Ask for another session",
                session.id
            ))));
        }
        let first = records.first().map(|record| record.conversation);
        if records.iter().any(|record| Some(record.conversation) != first) {
            return Err(NotLooked::Refused(AdminError::Invalid(
                "one look is at one conversation; name which. Nothing was opened".to_owned(),
            )));
        }
        if let Some(after) = target.after {
            let place = records.iter().position(|record| record.id == after);
            records.drain(..place.map_or(0, |place| place + 1));
        }
        let most = usize::try_from(self.gate.limits.records_per_look_max).unwrap_or(usize::MAX);
        let mut more = 0;
        if target.records.is_empty() && records.len() > most {
            more = records.len() - most;
            records.truncate(most);
        }
        let truths = self.truths(control, &records, (session.ground, found.root))?;
        Ok(Chosen { records, path, truths, more })
    }

    /// The records that a look names. That it names nothing, or what is not there any more, is a mistake and no straying.
    fn named(
        &self,
        conversation: Option<ConversationId>,
        target: &LookTarget,
        (scope, found): (&AccessScope, &mut Found),
    ) -> Result<Vec<StoredRecord>, NotLooked> {
        if !target.records.is_empty() {
            let records = distinct_records(target.records.clone()).into_iter();
            return Ok(records.map(|id| self.one_record(id)).collect::<Result<_, _>>()?);
        }
        let records = match conversation {
            // They were found with the scope.
            Some(id) if *scope == AccessScope::Conversation(id) => std::mem::take(&mut found.records),
            Some(id) => self.conversation_records(id)?,
            None if found.root.is_some() => {
                return Err(NotLooked::Refused(AdminError::Invalid(
                    "name the conversation or the records to look at: this session is about all that was taken into its case or \
                     hold. Nothing was opened"
                        .to_owned(),
                )));
            }
            None => std::mem::take(&mut found.records),
        };
        if records.is_empty() {
            return Err(NotLooked::Refused(AdminError::NotFound(
                "there are no such records; they never were, or they were destroyed and purged. Nothing was opened".to_owned(),
            )));
        }
        Ok(records)
    }

    /// The policies that permit the look now, to whoever the reader is now.
    fn permitted_now(
        &self,
        control: &ControlStore,
        session: &AccessSession,
        truths: &BTreeSet<Truth>,
    ) -> Result<Vec<String>, NotLooked> {
        let asker = reader_now(control, session)?;
        let home = self.home(control, session.organization)?;
        let question = Question {
            action: AccessAction::Read,
            home: &home,
            reason: session.reason,
            ground: session.ground,
            truths,
        };
        let mut approvals = 0_u32;
        for approval in &session.approvals {
            approvals += u32::from(self.still_agrees(control, session, approval.by)?);
        }
        if approvals < session.needs.agreements() {
            return Err(NotLooked::Revoked(AdminError::Forbidden(
                "somebody who agreed to this session may agree to nothing any more, so it is over; nothing was opened. Ask again"
                    .to_owned(),
            )));
        }
        let agreement = Agreement {
            customer_approved: session.needs == AccessNeeds::CustomerApproval,
            break_glass: session.breaks_glass(),
            approvals,
        };
        if session.needs == AccessNeeds::Nothing && control.has_lockbox(session.organization)? {
            // Asked for before the organisation said that it wants to agree.
            return Err(NotLooked::Revoked(AdminError::Conflict(
                "the organisation wants to agree to looks since; nothing was opened. Ask again".to_owned(),
            )));
        }
        self.gate.permit(&asker, &question, agreement).map_err(|refused| {
            let error = self.refusal(control, &refused);
            if asker.roles == session.roles { NotLooked::Refused(error) } else { NotLooked::Revoked(error) }
        })
    }

    /// How records are shown: what was flagged is blurred first.
    fn sight_of(
        &self,
        control: &ControlStore,
        session: &AccessSession,
        (chosen, asked, seen_in): (&Chosen, Option<Sight>, SeenIn),
    ) -> Result<Sight, AdminError> {
        let is_flagged = chosen.truths.iter().any(|truth| truth.kind == DataKind::FlaggedContent);
        let sight = asked.unwrap_or(if is_flagged { Sight::Blurred } else { Sight::Plain });
        if sight == Sight::File {
            return Err(AdminError::Invalid("a look writes no file; nothing was opened".to_owned()));
        }
        if sight == Sight::Plain && is_flagged {
            let seen: HashSet<RecordId> = match seen_in {
                SeenIn::Session => control.session_sights(session.id)?.into_keys().collect(),
                SeenIn::Ticket => {
                    let now = self.clock.now().as_second();
                    let since = Timestamp::from_second(now.saturating_sub(SEEN_SECONDS))
                        .map_err(|error| AdminError::Storage(error.to_string()))?;
                    control.records_seen_under(session.reader.person, &session.ticket, since)?
                }
            };
            if chosen.records.iter().any(|record| !seen.contains(&record.id)) {
                return Err(AdminError::Conflict(
                    "what was flagged is looked at blurred first, and revealed then; nothing was opened"
                        .to_owned(),
                ));
            }
        }
        Ok(sight)
    }

    /// What is unusual about the look. What is too unusual stops it.
    fn unusual(
        &self,
        control: &ControlStore,
        session: &AccessSession,
        chosen: &Chosen,
    ) -> Result<Vec<Anomaly>, NotLooked> {
        let now = self.clock.now();
        let volume = control.access_volume(session.reader.person, now)?;
        let count = u64::try_from(chosen.records.len()).unwrap_or(u64::MAX);
        let today = volume.day.saturating_add(count);
        let habits = Habits { now, today, days: &volume.days, strays: 0 };
        let found = anomalies(&habits, &self.gate.limits.bounds);
        match found.iter().find(|anomaly| anomaly.stops) {
            Some(anomaly) => Err(NotLooked::Stopped(
                *anomaly,
                AdminError::Forbidden(
                    "this is far more than is usual, so the session was stopped and its administrators are told; nothing was \
                     opened"
                        .to_owned(),
                ),
            )),
            None => Ok(found),
        }
    }
}

/// The reader as the stores know them now, with no role that they did not act in when they asked.
fn reader_now(control: &ControlStore, session: &AccessSession) -> Result<Asker, AdminError> {
    let Some(id) = session.reader.account else {
        return Ok(Asker { participant: session.reader, organization: None, roles: RoleSet::default() });
    };
    let roles = roles_now(control, id, session.organization)?;
    let both = session.roles.members().iter().copied().filter(|role| roles.contains(*role));
    Ok(Asker { participant: session.reader, organization: Some(session.organization), roles: both.collect() })
}

/// Takes away everything that can be read.
fn blur(content: &mut ConversationContent) {
    for record in &mut content.records {
        for (_, text) in &mut record.texts {
            *text = blurred(text);
        }
        record.raw = String::new();
        record.raw_is_text = true;
    }
}
