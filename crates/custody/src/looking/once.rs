//! Sessions for a single look, and what people read that is theirs.
//!
//! Reading on the command line, a copy for a person and an export for counsel are sessions too: they begin, take their looks
//! and end within one command. What they open, how long it took and by which policies is in the log as of any other.

use fiducia_policy::{
    AccessAction, AccessEnd, AccessNeeds, AccessReason, AccessScope, AccessSession, AccessState, AccessStep,
    ConversationId, ExchangeId, GroundKind, HoldId, PersonId, RightsRequestId, Sight,
};

use super::asking::SECONDS_DEFAULT;
use super::commands::AccessRequest;
use super::commands::LookTarget;
use super::gate::{Agreement, Asker, Question, Truth};
use super::keeping::BegunFor;
use super::reading::SeenIn;
use super::sitting::Sitting;
use fiducia_store::{ConversationRecord, StoredRecord};

use crate::compliance::ComplianceKey;
use crate::console::Oneself;
use crate::reading::{Envelopes, ReadPath, check_ticket};
use crate::{AdminError, ConversationContent, Custody, DestructionScope};

/// A look at records on the command line.
pub(crate) struct SingleLook {
    pub(crate) target: DestructionScope,
    /// The operating system's user.
    pub(crate) actor: String,
    pub(crate) reason: AccessReason,
    pub(crate) ticket: Option<String>,
    pub(crate) ground: Option<GroundKind>,
    /// Whether what was flagged is shown as it is, to whom saw it blurred.
    pub(crate) reveal: bool,
}

impl Custody {
    /// Opens records for whoever works at the machine itself, in a session of one look. It is blurred, counted and held against
    /// what is usual as in any other.
    pub(crate) fn look_once(&self, look: SingleLook) -> Result<ConversationContent, AdminError> {
        check_ticket(look.ticket.as_deref())?;
        let ticket = look.ticket.ok_or_else(|| {
            AdminError::Invalid(
                "reading needs a case or ticket number, which goes into the ledger with the reason; nothing was decrypted. Add \
                 one with --ticket"
                    .to_owned(),
            )
        })?;
        let scope = match look.target {
            DestructionScope::Record(id) => AccessScope::Records(vec![id]),
            DestructionScope::Conversation(id) => AccessScope::Conversation(id),
            DestructionScope::Subject(_) => {
                return Err(AdminError::Invalid(
                    "read one conversation or record at a time; each look is logged with what was looked at"
                        .to_owned(),
                ));
            }
        };
        let asker = self.operator(look.actor)?;
        self.caught_up()?;
        let request = AccessRequest {
            scope,
            reason: look.reason,
            ticket,
            ground: look.ground,
            seconds: None,
            break_glass: false,
        };
        let (session, _) = self.begin_once(&asker, request, AccessAction::Read)?;
        let sight = look.reveal.then_some(Sight::Plain);
        // A guard of the readers' lock may not be held while the writer is asked something.
        let looked = {
            let _reading = self.reader().reading();
            self.looked(&session, &LookTarget::default(), (sight, SeenIn::Ticket))
        };
        let read = self.settled(&asker, &session, looked);
        let ended = self.end_if_open(&asker, &session);
        // Why nothing was opened says more than why that could not be logged.
        let shown = read?;
        ended.map_err(|error| {
            AdminError::Storage(format!("nothing is shown, though the look is in the log: {error}"))
        })?;
        Ok(shown.content)
    }

    /// Ends the session of a single look; whatever was too unusual ended it already.
    fn end_if_open(&self, asker: &Asker, session: &AccessSession) -> Result<(), AdminError> {
        let now = self.reader().control()?.access_session(session.id)?;
        match now {
            Some(now) if now.state == AccessState::Open => self.end_once(asker, session),
            _ => Ok(()),
        }
    }

    fn begin_once(
        &self,
        asker: &Asker,
        request: AccessRequest,
        action: AccessAction,
    ) -> Result<(AccessSession, Vec<String>), AdminError> {
        let (terms, policies) = self.decided(asker, request, action)?;
        if terms.needs != AccessNeeds::Nothing {
            return Err(AdminError::Forbidden(
                "the organisation wants to agree to each look at what is its own; nothing was decrypted. Ask with `fiducia access \
                 request`, and look once an administrator agreed"
                    .to_owned(),
            ));
        }
        let what = match action {
            AccessAction::HandOver => BegunFor::HandingOver,
            _ => BegunFor::OneLook,
        };
        Ok((self.begin_access_session(terms, policies.clone(), what)?, policies))
    }

    fn end_once(&self, asker: &Asker, session: &AccessSession) -> Result<(), AdminError> {
        self.step(session.id, AccessStep::End(AccessEnd::Reader), asker, Vec::new()).map(drop)
    }

    /// Does something with what is handed over to somebody outside, in a session of its own: a copy for a person upon their
    /// request, or an export of a hold for counsel.
    pub(crate) fn handing_over<T>(
        &self,
        (actor, reason, ticket): (String, AccessReason, String),
        what: HandedOver,
        act: impl FnOnce(Sitting) -> Result<T, AdminError>,
    ) -> Result<T, AdminError> {
        let asker = self.whoever_hands_over(actor)?;
        let (session, policies) = match what {
            HandedOver::Hold(hold) => {
                let request = AccessRequest {
                    scope: AccessScope::Hold(hold),
                    reason,
                    ticket,
                    ground: Some(GroundKind::LegalHold),
                    seconds: Some(self.reader().gate.limits.session_seconds_max),
                    break_glass: false,
                };
                self.begin_once(&asker, request, AccessAction::HandOver)?
            }
            HandedOver::Copy(organization, request) => {
                let truths = std::collections::BTreeSet::from([Truth {
                    kind: fiducia_policy::DataKind::Content,
                    is_of_matter: false,
                    restricted: None,
                }]);
                let ground = GroundKind::Service;
                let home = {
                    let control = self.reader().control()?;
                    self.reader().home(&control, organization)?
                };
                let action = AccessAction::HandOver;
                let question = Question { action, home: &home, reason, ground, truths: &truths };
                super::asking::within(&asker, organization, &"such request")?;
                let reader = self.reader();
                let policies =
                    reader.gate.permit(&asker, &question, Agreement::default()).map_err(|refused| {
                        AdminError::Forbidden(format!(
                            "this is not permitted to you: {}; nothing was decrypted",
                            reader.gate.in_words(&refused.decision)
                        ))
                    })?;
                let terms = fiducia_policy::AccessAsked {
                    id: fiducia_policy::AccessSessionId::generate(self.now(), &*self.0.randomness)?,
                    organization,
                    reader: asker.participant,
                    roles: asker.roles.clone(),
                    reason,
                    ticket,
                    scope: AccessScope::Request(request),
                    ground,
                    seconds: self.reader().gate.limits.session_seconds_max.max(SECONDS_DEFAULT),
                    needs: AccessNeeds::Nothing,
                    at: self.now(),
                };
                (self.begin_access_session(terms, policies.clone(), BegunFor::HandingOver)?, policies)
            }
        };
        let done = act(Sitting::of_session(session.clone(), Sight::File, policies));
        let ended = self.end_once(&asker, &session);
        let done = done?;
        ended?;
        Ok(done)
    }

    /// Whoever hands something over by this name: the account with this login, else whoever works at the machine itself.
    fn whoever_hands_over(&self, actor: String) -> Result<Asker, AdminError> {
        let account = self.reader().control()?.account_with_login(&actor)?;
        let staff = account.filter(|account| account.disabled_at.is_none() && account.roles.has_staff());
        match staff.and_then(|account| account.person.map(|person| (account.id, person, account))) {
            Some((id, person, account)) => Ok(Asker {
                participant: fiducia_policy::Participant { person, account: Some(id) },
                organization: Some(account.organization),
                roles: account.roles,
            }),
            None => self.operator(actor),
        }
    }

    /// A person reads one of their own conversations.
    pub(crate) fn look_at_own(
        &self,
        who: &Oneself,
        conversation: ConversationId,
    ) -> Result<ConversationContent, AdminError> {
        let actor = self.person(who.subject().to_string())?;
        let sitting = self.own_sitting(who, actor, None)?;
        let event = ExchangeId::generate(self.now(), &*self.0.randomness)?;
        let reader = self.reader();
        let _reading = reader.reading();
        let control = reader.control()?;
        reader.refuse_destroyed(&control, conversation)?;
        let records = reader.conversation_records(conversation)?;
        let path = ReadPath::Ground(sitting.ground());
        reader.read(&sitting, &records, (path, *event.as_bytes()))
    }

    /// An organisation's compliance program reads records of one of its conversations, under its key.
    pub(crate) fn read_as_program(
        &self,
        key: &ComplianceKey,
        conversation: &ConversationRecord,
        records: &[StoredRecord],
    ) -> Result<ConversationContent, AdminError> {
        let actor = self.person(key.id.to_string())?;
        let event = ExchangeId::generate(self.now(), &*self.0.randomness)?;
        let reader = self.reader();
        let _reading = reader.reading();
        let control = reader.control()?;
        let truths = reader.truths(&control, records, (GroundKind::Service, None))?;
        let policies = reader
            .gate
            .permit_program(conversation.organization, &truths)
            .map_err(|refused| reader.refusal(&control, &refused))?;
        let sitting = Sitting::of_program(conversation.organization, actor, key.id.to_string(), policies);
        let path = ReadPath::Ground(GroundKind::Service);
        // What a record brought is numbered by itself, so that a message is the same on every page.
        reader.read_within(&sitting, records, (path, *event.as_bytes()), &mut Envelopes::LeftOut)
    }

    /// What a person reads that is theirs, or has handed over upon a request of theirs.
    pub(crate) fn own_sitting(
        &self,
        who: &Oneself,
        actor: PersonId,
        request: Option<RightsRequestId>,
    ) -> Result<Sitting, AdminError> {
        let gate = &self.reader().gate;
        let decision = gate.decide_own(who.account(), who.organization(), who.subject());
        if !decision.is_permitted {
            return Err(AdminError::Forbidden(format!(
                "this is not permitted to you: {}; nothing was decrypted",
                gate.in_words(&decision)
            )));
        }
        Ok(Sitting::of_oneself(who, actor, request.map(|id| id.to_string()), decision.policies))
    }
}

/// What is handed over.
#[derive(Debug, Clone, Copy)]
pub(crate) enum HandedOver {
    /// A copy for a person of this organisation, upon this request.
    Copy(fiducia_policy::OrganizationId, RightsRequestId),
    /// What a hold holds.
    Hold(HoldId),
}
