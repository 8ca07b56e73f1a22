//! Asking for sessions, taking that back, agreeing to them, ending and reviewing them.

use std::collections::BTreeSet;

use fiducia_policy::{
    AccessAction, AccessAsked, AccessEnd, AccessScope, AccessSession, AccessSessionId, AccessState,
    AccessStep, ApiScope, Circumstances, ConversationId, DataKind, GroundKind, OrganizationId, RecordId,
};
use fiducia_store::AccessSessionFilter;

use super::commands::{
    AccessActor, AccessCommand, AccessLookRow, AccessNoticeRow, AccessReply, AccessRequest,
    AccessSessionDetail,
};
use super::gate::{Asker, Question, Truth};
use super::keeping::{AccessChange, BegunFor};
use crate::console::Staff;
use crate::custody::refuse_posing;
use crate::mailbox::Message;
use crate::{AdminError, Custody};

/// How long a session is asked for where nobody says, in seconds.
pub(super) const SECONDS_DEFAULT: u32 = 900;
const LIST_ROWS_MAX: u32 = 1_000;

impl Custody {
    /// Does what somebody on the command line asks for. Blocks: call it from a thread that may.
    pub(crate) fn access_by(
        &self,
        actor: AccessActor,
        command: AccessCommand,
    ) -> Result<AccessReply, AdminError> {
        let asker = match actor {
            AccessActor::Operator(name) => self.operator(name)?,
            AccessActor::Token(token) => {
                let holder = self
                    .token_holder(&token, "command line")
                    .map_err(|error| AdminError::Forbidden(format!("{error}; nothing was done")))?;
                let only_looks = matches!(command, AccessCommand::List { .. } | AccessCommand::Show { .. });
                if !only_looks && !holder.may(ApiScope::Write) {
                    return Err(AdminError::Forbidden(
                        "this token lacks the permission `write`; nothing was done".to_owned(),
                    ));
                }
                let staff = holder.staff().ok_or_else(|| {
                    AdminError::Forbidden("this token is of nobody who is staff; nothing was done".to_owned())
                })?;
                Asker::staff(&staff)
            }
        };
        self.access(&asker, command)
    }

    /// Does what a member of staff asks for who is signed in.
    pub(crate) fn access_as_staff(
        &self,
        who: &Staff,
        command: AccessCommand,
    ) -> Result<AccessReply, AdminError> {
        self.access(&Asker::staff(who), command)
    }

    fn access(&self, asker: &Asker, command: AccessCommand) -> Result<AccessReply, AdminError> {
        let session = |session| AccessReply::Session(Box::new(session));
        match command {
            AccessCommand::Ask { request } => self.ask_access(asker, request).map(session),
            AccessCommand::List { organization, live_only, limit, before } => {
                let filter = AccessSessionFilter { organization, person: None, live_only, before };
                self.list_sessions(asker, filter, limit).map(AccessReply::Sessions)
            }
            AccessCommand::Show { session } => {
                self.show_session(asker, session).map(|detail| AccessReply::Detail(Box::new(detail)))
            }
            AccessCommand::Approve { session: id, remark } => {
                let by = asker.participant;
                self.answer(asker, id, AccessStep::Approve { by, remark }).map(session)
            }
            AccessCommand::Deny { session: id, remark } => {
                let by = asker.participant;
                self.answer(asker, id, AccessStep::Deny { by, remark }).map(session)
            }
            AccessCommand::Withdraw { session: id } => self.withdraw_session(asker, id).map(session),
            AccessCommand::Look { session, target, sight } => self
                .look_in_session(asker, session, &target, sight)
                .map(|content| AccessReply::Content(Box::new(content))),
            AccessCommand::End { session: id } => self.end_session(asker, id).map(session),
            AccessCommand::Review { session: id, justified, remark } => {
                let by = asker.participant;
                self.review_session(asker, id, AccessStep::Review { by, justified, remark }).map(session)
            }
            AccessCommand::Lockbox { organization, enabled } => {
                self.lockbox(asker, organization, enabled).map(AccessReply::Lockbox)
            }
            AccessCommand::Notices { organization, limit, seen_up_to } => {
                self.notices_about_access(asker, organization, (limit, seen_up_to)).map(AccessReply::Notices)
            }
        }
    }

    /// Whoever works at the machine itself. They have no account; the access policies know them as `operator`.
    pub(super) fn operator(&self, name: String) -> Result<Asker, AdminError> {
        refuse_posing(&name)?;
        let participant = fiducia_policy::Participant { person: self.person(name)?, account: None };
        Ok(Asker { participant, organization: None, roles: fiducia_policy::RoleSet::default() })
    }

    fn ask_access(&self, asker: &Asker, request: AccessRequest) -> Result<AccessSession, AdminError> {
        self.caught_up()?;
        let (terms, policies) = self.decided(asker, request, AccessAction::Read)?;
        self.begin_access_session(terms, policies, BegunFor::Looks)
    }

    /// What is asked for, with what the policies say it needs.
    pub(super) fn decided(
        &self,
        asker: &Asker,
        request: AccessRequest,
        action: AccessAction,
    ) -> Result<(AccessAsked, Vec<String>), AdminError> {
        let reader = self.reader();
        let _reading = reader.reading();
        let control = reader.control()?;
        let found = reader.scope_found(&control, &request.scope)?;
        within(asker, found.organization, &"such data")?;
        let ground = reader.ground_for(&request, &found)?;
        let truths = if found.root.is_some() {
            // What is in it is looked at record by record when it is read.
            let kind = match ground {
                GroundKind::LegalHold => DataKind::HeldContent,
                _ => DataKind::FlaggedContent,
            };
            BTreeSet::from([Truth { kind, is_of_matter: true, restricted: None }])
        } else {
            reader.truths(&control, &found.records, (ground, None))?
        };
        let home = reader.home(&control, found.organization)?;
        let question = Question { action, home: &home, reason: request.reason, ground, truths: &truths };
        // Upon a person's request, or for a court, the customer has decided already, and is told.
        let has_lockbox = action == AccessAction::Read && control.has_lockbox(found.organization)?;
        let (needs, policies) = reader
            .gate
            .needs(asker, &question, (request.break_glass, has_lockbox))
            .map_err(|refused| reader.refusal(&control, &refused))?;
        let now = self.now();
        let terms = AccessAsked {
            id: AccessSessionId::generate(now, &*self.0.randomness)?,
            organization: found.organization,
            reader: asker.participant,
            roles: asker.roles.clone(),
            reason: request.reason,
            ticket: request.ticket,
            scope: request.scope,
            ground,
            seconds: request.seconds.unwrap_or(SECONDS_DEFAULT),
            needs,
            at: now,
        };
        Ok((terms, policies))
    }

    pub(super) fn begin_access_session(
        &self,
        asked: AccessAsked,
        policies: Vec<String>,
        what: BegunFor,
    ) -> Result<AccessSession, AdminError> {
        let session = AccessSession::ask(asked, &self.reader().gate.limits)
            .map_err(|refused| AdminError::Invalid(refused.to_string()))?;
        self.change_access(AccessChange::Begin { session: Box::new(session), policies, what })
    }

    fn list_sessions(
        &self,
        asker: &Asker,
        filter: AccessSessionFilter,
        limit: u32,
    ) -> Result<Vec<AccessSession>, AdminError> {
        if limit == 0 || limit > LIST_ROWS_MAX {
            return Err(AdminError::Invalid(format!("a list has 1 to {LIST_ROWS_MAX} rows")));
        }
        let reader = self.reader();
        let _reading = reader.reading();
        let own = asker.participant.person;
        let organization = asker.organization.or(filter.organization);
        let filter = AccessSessionFilter { organization, ..filter };
        let sees_all = asker.is_operator()
            || organization.is_some_and(|organization| {
                self.may(asker, (AccessAction::See, DataKind::Evidence), organization, false)
                    || self.may(asker, (AccessAction::Approve, DataKind::Content), organization, true)
            });
        let person = (!sees_all).then_some(own);
        Ok(reader.control()?.access_sessions(AccessSessionFilter { person, ..filter }, limit)?)
    }

    /// Whether the policies permit something that is not about records.
    fn may(
        &self,
        asker: &Asker,
        (action, kind): (AccessAction, DataKind),
        organization: OrganizationId,
        break_glass: bool,
    ) -> bool {
        let circumstances = Circumstances { break_glass, ..Circumstances::default() };
        let reader = self.reader();
        let home = reader.control().and_then(|control| reader.home(&control, organization));
        home.is_ok_and(|home| reader.gate.decide(asker, action, (kind, &home), &circumstances).is_permitted)
    }

    /// A session that somebody may know of: their own, or one of their organisation that their role lets them see.
    pub(super) fn session_for(
        &self,
        asker: &Asker,
        id: AccessSessionId,
    ) -> Result<AccessSession, AdminError> {
        let found = self.reader().control()?.access_session(id)?;
        let none =
            || AdminError::NotFound(format!("there is no {id} that is yours to see; nothing was changed"));
        let session = found.ok_or_else(none)?;
        if asker.organization.is_some_and(|own| own != session.organization) {
            return Err(none());
        }
        let organization = session.organization;
        let sees = asker.is_operator()
            || session.reader.is(&asker.participant)
            || self.may(asker, (AccessAction::See, DataKind::Evidence), organization, false)
            || self.may(
                asker,
                (AccessAction::Approve, DataKind::Content),
                organization,
                session.breaks_glass(),
            );
        if sees { Ok(session) } else { Err(none()) }
    }

    fn show_session(&self, asker: &Asker, id: AccessSessionId) -> Result<AccessSessionDetail, AdminError> {
        self.caught_up()?;
        let reader = self.reader();
        let _reading = reader.reading();
        let session = self.session_for(asker, id)?;
        let control = reader.control()?;
        let mut conversations: Vec<ConversationId> = match &session.scope {
            AccessScope::Conversation(id) => vec![*id],
            AccessScope::Records(_) => {
                let found = reader.scope_found(&control, &session.scope);
                found
                    .map(|found| found.records.iter().map(|record| record.conversation).collect())
                    // What was purged since is in none.
                    .unwrap_or_default()
            }
            AccessScope::Request(_) => Vec::new(),
            AccessScope::Case(_) | AccessScope::Hold(_) => {
                let root = reader.scope_found(&control, &session.scope).ok().and_then(|found| found.root);
                let keys = reader.keys()?;
                let held =
                    root.map(|root| keys.children(root, LIST_ROWS_MAX)).transpose()?.unwrap_or_default();
                held.into_iter().filter_map(|node| node.conversation).collect()
            }
        };
        conversations.sort_unstable();
        conversations.dedup();
        let mut seen: Vec<(RecordId, _)> = control.session_sights(id)?.into_iter().collect();
        seen.sort_unstable();
        let looks = control.session_looks(&session, LIST_ROWS_MAX)?;
        let look = |row: fiducia_store::SessionLookRow| AccessLookRow {
            at: row.at,
            records: row.records,
            sight: row.sight,
            ledger_index: row.ledger_index,
        };
        let looks = looks.into_iter().map(look).collect();
        let remarks = reader.remarks(&control, id)?;
        Ok(AccessSessionDetail { session, conversations, seen, looks, remarks })
    }

    /// Agrees to somebody else's session, or not.
    fn answer(
        &self,
        asker: &Asker,
        id: AccessSessionId,
        step: AccessStep,
    ) -> Result<AccessSession, AdminError> {
        let session = self.session_for(asker, id)?;
        let circumstances = Circumstances { break_glass: session.breaks_glass(), ..Circumstances::default() };
        let policies = self.permitted(
            asker,
            (AccessAction::Approve, DataKind::Content),
            session.organization,
            &circumstances,
        )?;
        self.lapse_agreements(asker, &session)?;
        self.step(id, step, asker, policies)
    }

    /// Whoever agreed and may agree no more does not count any more when the next one agrees.
    fn lapse_agreements(&self, asker: &Asker, session: &AccessSession) -> Result<(), AdminError> {
        if session.state != AccessState::Asked {
            return Ok(());
        }
        let (reader, mut lapsed) = (self.reader(), Vec::new());
        {
            let control = reader.control()?;
            for approval in &session.approvals {
                if !reader.still_agrees(&control, session, approval.by)? {
                    lapsed.push(approval.by);
                }
            }
        }
        lapsed
            .into_iter()
            .try_for_each(|by| self.step(session.id, AccessStep::Lapse(by), asker, Vec::new()).map(drop))
    }

    /// Takes one's own request back. It opens nothing, so no policy is asked; whether it is one's own is the session's to say.
    fn withdraw_session(&self, asker: &Asker, id: AccessSessionId) -> Result<AccessSession, AdminError> {
        self.session_for(asker, id)?;
        self.step(id, AccessStep::Withdraw(asker.participant), asker, Vec::new())
    }

    /// The policies by which somebody may do something that opens nothing.
    fn permitted(
        &self,
        asker: &Asker,
        (action, kind): (AccessAction, DataKind),
        organization: OrganizationId,
        circumstances: &Circumstances<'_>,
    ) -> Result<Vec<String>, AdminError> {
        let gate = &self.reader().gate;
        let control = self.reader().control()?;
        let home = self.reader().home(&control, organization)?;
        let decision = gate.decide(asker, action, (kind, &home), circumstances);
        if decision.is_permitted {
            return Ok(decision.policies);
        }
        Err(AdminError::Forbidden(format!(
            "`{action}` on `{kind}` is not permitted to you: {}; nothing was changed. `fiducia policy access` shows who may",
            gate.in_words(&decision)
        )))
    }

    fn end_session(&self, asker: &Asker, id: AccessSessionId) -> Result<AccessSession, AdminError> {
        let session = self.session_for(asker, id)?;
        if session.reader.is(&asker.participant) {
            return self.step(id, AccessStep::End(AccessEnd::Reader), asker, Vec::new());
        }
        let circumstances = Circumstances::default();
        let policies = if asker.is_operator() {
            // Ending opens nothing, and whoever works at the machine can stop all of it anyway.
            Vec::new()
        } else {
            let govern = (AccessAction::Govern, DataKind::Accounts);
            self.permitted(asker, govern, session.organization, &circumstances)?
        };
        self.step(id, AccessStep::End(AccessEnd::Administrator), asker, policies)
    }

    fn review_session(
        &self,
        asker: &Asker,
        id: AccessSessionId,
        step: AccessStep,
    ) -> Result<AccessSession, AdminError> {
        let session = self.session_for(asker, id)?;
        let review = (AccessAction::Review, DataKind::Evidence);
        let policies = self.permitted(asker, review, session.organization, &Circumstances::default())?;
        self.step(id, step, asker, policies)
    }

    fn lockbox(
        &self,
        asker: &Asker,
        organization: OrganizationId,
        enabled: Option<bool>,
    ) -> Result<bool, AdminError> {
        within(asker, organization, &organization)?;
        if let Some(enabled) = enabled {
            let govern = (AccessAction::Govern, DataKind::Accounts);
            self.permitted(asker, govern, organization, &Circumstances::default())?;
            let actor = asker.participant.person;
            self.changed_access(AccessChange::Lockbox { organization, enabled, actor })?;
        }
        Ok(self.reader().control()?.has_lockbox(organization)?)
    }

    fn notices_about_access(
        &self,
        asker: &Asker,
        organization: OrganizationId,
        (limit, seen_up_to): (u32, Option<u64>),
    ) -> Result<Vec<AccessNoticeRow>, AdminError> {
        if limit == 0 || limit > LIST_ROWS_MAX {
            return Err(AdminError::Invalid(format!("a list has 1 to {LIST_ROWS_MAX} rows")));
        }
        within(asker, organization, &organization)?;
        if !asker.is_operator() {
            let see = (AccessAction::See, DataKind::Accounts);
            self.permitted(asker, see, organization, &Circumstances::default())?;
            if let Some(up_to) = seen_up_to {
                self.changed_access(AccessChange::Seen { organization, up_to })?;
            }
        }
        let notices = self.reader().control()?.access_notices(organization, limit)?;
        let row = |notice: fiducia_store::AccessNotice| AccessNoticeRow {
            sequence: notice.sequence,
            session: notice.session,
            key: notice.key,
            kind: notice.kind,
            at: notice.at,
            seen_at: notice.seen_at,
        };
        Ok(notices.into_iter().map(row).collect())
    }

    pub(super) fn step(
        &self,
        session: AccessSessionId,
        step: AccessStep,
        asker: &Asker,
        policies: Vec<String>,
    ) -> Result<AccessSession, AdminError> {
        let actor = asker.participant.person;
        self.change_access(AccessChange::Step { session, step, actor, policies })
    }

    fn change_access(&self, change: AccessChange) -> Result<AccessSession, AdminError> {
        self.changed_access(change)?
            .ok_or_else(|| AdminError::Storage("the store gave an answer to another question".to_owned()))
    }

    fn changed_access(&self, change: AccessChange) -> Result<Option<AccessSession>, AdminError> {
        self.0
            .handle
            .ask(|reply| Message::Access(Box::new(change), reply))?
            .blocking_recv()
            .unwrap_or_else(|_| Err(AdminError::Storage("the store's writer has stopped".to_owned())))
    }
}

/// Whether something belongs to whom asks. What does not is not said to exist.
pub(super) fn within(
    asker: &Asker,
    owner: OrganizationId,
    what: &dyn std::fmt::Display,
) -> Result<(), AdminError> {
    if asker.organization.is_none_or(|own| own == owner) {
        return Ok(());
    }
    Err(AdminError::NotFound(format!("there is no {what} in your organisation; nothing was read or changed")))
}
