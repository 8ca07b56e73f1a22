//! What happens to organisations, people and conversations, and what it does to the ends of exactly what it concerns.

use fiducia_ledger::Event;
use fiducia_policy::{
    Agreement, ConsentAct, ConsentPurpose, ConversationId, CustomBounds, OrganizationId, Plan, Policy,
    Pseudonym, RetentionSpan, SubjectId, Timestamp,
};
use fiducia_store::{
    Announcement, ConversationMark, ConversationRecord, KeyKind, OrganizationTerms, SubjectRecord,
};

use super::commands::{ConversationWish, RetentionReply, TermsChange};
use super::governance::PersonTerms;
use crate::AdminError;
use crate::administer::check_name;
use crate::consent::commands::{ConsentChoice, ShownNotice};
use crate::consent::{ChoiceRequest, Speaker};
use crate::scribe::Fact;
use crate::writer::Writer;

impl Writer {
    /// What an organisation has agreed.
    pub(crate) fn terms_of(&self, organization: OrganizationId) -> Result<OrganizationTerms, AdminError> {
        self.callers
            .terms(organization)
            .ok_or_else(|| AdminError::NotFound(format!("there is no {organization}; nothing was changed")))
    }

    /// What a person chose.
    pub(crate) fn person_terms(&self, subject: SubjectId) -> Result<PersonTerms, AdminError> {
        Ok(self.files.control.subject(subject)?.map_or_else(PersonTerms::default, |row| (&row).into()))
    }

    /// A person who is not erased, with the pseudonym.
    pub(crate) fn living_subject(
        &self,
        subject: SubjectId,
    ) -> Result<(SubjectRecord, Pseudonym), AdminError> {
        let row = self
            .files
            .control
            .subject(subject)?
            .ok_or_else(|| AdminError::NotFound(format!("there is no {subject}; nothing was changed")))?;
        match (row.pseudonym, row.erased_at) {
            (Some(pseudonym), None) => Ok((row, pseudonym)),
            _ => {
                Err(AdminError::Destroyed(format!("{subject} was erased; nothing is kept that could change")))
            }
        }
    }

    /// A conversation that is there, with its person's pseudonym.
    pub(crate) fn living_conversation(
        &self,
        id: ConversationId,
    ) -> Result<(ConversationRecord, Pseudonym), AdminError> {
        let found = self
            .files
            .control
            .conversation(id)?
            .ok_or_else(|| AdminError::NotFound(format!("there is no {id}; nothing was changed")))?;
        if let Some(at) = found.destroyed_at {
            return Err(AdminError::Destroyed(format!("{id} was destroyed at {at}; nothing was changed")));
        }
        let pseudonym = self.files.control.subject(found.subject)?.and_then(|subject| subject.pseudonym);
        let pseudonym = pseudonym.ok_or_else(|| {
            AdminError::Destroyed(format!("{id} belongs to a person who was erased; nothing was changed"))
        })?;
        Ok((found, pseudonym))
    }

    /// An announcement of an event, with what delivers it.
    pub(crate) fn announced(
        &self,
        organization: OrganizationId,
        event: Event,
        now: Timestamp,
    ) -> Result<(Announcement, Fact), AdminError> {
        let fact = Fact { at: now, event };
        let announcement = fact.announcement(self.event_id()?, organization);
        Ok((announcement, fact))
    }

    pub(crate) fn delivered(&self, (announcement, fact): (Announcement, Fact)) -> Result<u64, AdminError> {
        self.deliver_control(announcement.id, announcement.organization, fact)
    }

    /// Changes an organisation's terms.
    pub(super) fn change_terms(
        &mut self,
        organization: OrganizationId,
        change: TermsChange,
    ) -> Result<RetentionReply, AdminError> {
        let before = self.terms_of(organization)?;
        let agreement = change.agreement.unwrap_or(before.agreement);
        let custom = change.custom_retention.or(before.custom_retention);
        let terms = OrganizationTerms {
            plan: change.plan.unwrap_or(before.plan),
            tier: change.tier.unwrap_or(before.tier),
            agreement,
            custom_retention: custom.filter(|_| agreement == Agreement::Custom),
        };
        self.refuse_terms(terms)?;
        if before.agreement == Agreement::Hipaa && terms.agreement != Agreement::Hipaa {
            return Err(AdminError::Conflict(
                "a HIPAA agreement cannot be taken back for an organisation; nothing was changed. Create another \
                 organisation for work without it"
                    .to_owned(),
            ));
        }
        let now = self.clock.now();
        let event = Event::OrganizationTermsChanged {
            plan: terms.plan.name().to_owned(),
            tier: terms.tier.name().to_owned(),
            agreement: terms.agreement.name().to_owned(),
            custom_retention: terms.custom_retention.map(|span| span.to_string()),
        };
        let announced = self.announced(organization, event, now)?;
        self.files.control.set_organization_terms(organization, terms, now, &announced.0)?;
        self.callers.put_terms(organization, terms);
        Ok(RetentionReply::Done(Some(self.delivered(announced)?)))
    }

    /// Whether the policy in force allows these terms.
    pub(crate) fn refuse_terms(&self, terms: OrganizationTerms) -> Result<(), AdminError> {
        let (_, policy) = self.governance.current();
        check_terms(&policy, terms)
            .map_err(|problem| AdminError::Invalid(format!("{problem}; nothing was changed")))
    }

    /// Says whether a workspace agrees to what covered models need.
    pub(super) fn set_covered_models(
        &mut self,
        organization: OrganizationId,
        workspace: &str,
        enabled: bool,
    ) -> Result<RetentionReply, AdminError> {
        let id = self.files.control.workspace(organization, workspace)?.ok_or_else(|| {
            AdminError::NotFound(format!("there is no workspace `{workspace}`; nothing was changed"))
        })?;
        let now = self.clock.now();
        let announced =
            self.announced(organization, Event::CoveredModelsChanged { workspace: id, enabled }, now)?;
        self.files.control.set_covered_models(id, enabled, &announced.0)?;
        self.callers_changed()?;
        Ok(RetentionReply::Done(Some(self.delivered(announced)?)))
    }

    /// Gives a person a plan, or takes it away.
    pub(super) fn set_person_plan(
        &mut self,
        subject: SubjectId,
        plan: Option<Plan>,
    ) -> Result<RetentionReply, AdminError> {
        let (row, pseudonym) = self.living_subject(subject)?;
        let now = self.clock.now();
        let event = Event::SubjectTermsChanged {
            pseudonym,
            what: "plan".to_owned(),
            value: plan.map_or("organization", Plan::name).to_owned(),
        };
        let announced = self.announced(row.organization, event, now)?;
        self.files.control.set_subject_plan(subject, plan, now, &announced.0)?;
        self.caches.subjects.pop(&subject);
        let index = self.delivered(announced)?;
        self.invalidate_where_unasked(subject)?;
        Ok(RetentionReply::Done(Some(index)))
    }

    /// Says whether a person allows training: a member of staff enters the person's choice on batch training.
    pub(crate) fn set_training(
        &mut self,
        subject: SubjectId,
        allowed: bool,
        actor: &str,
    ) -> Result<RetentionReply, AdminError> {
        let purpose = ConsentPurpose::BatchTraining;
        let standing = self.any_standing_notice(purpose)?;
        if allowed {
            self.refuse_where_unasked(&self.living_subject(subject)?.0, purpose)?;
        }
        if allowed && standing.is_none() {
            return Err(AdminError::Conflict(format!(
                "no notice on {purpose} was published, so nobody can have said yes to it; nothing was changed. Publish one \
                 with `fiducia notices publish`"
            )));
        }
        if allowed && let Some(restriction) = self.files.control.restriction(subject)? {
            return Err(AdminError::Conflict(format!(
                "{} restricts what is kept of {subject}, so that nothing of it may train; nothing was changed. Lift it first",
                restriction.request
            )));
        }
        let staff = self.person(actor)?;
        let act = if allowed { ConsentAct::Give } else { ConsentAct::Refuse };
        let choice = ConsentChoice {
            notice: standing.map(|identity| ShownNotice {
                language: identity.language,
                version: identity.version,
                hash: None,
            }),
            ..ConsentChoice::entered(purpose, act)
        };
        let outcome = self.choose(&ChoiceRequest::new(subject, choice, Speaker::Staff(staff)))?;
        Ok(RetentionReply::Done(outcome.ledger_index))
    }

    /// Takes every yes of a person back, as the person asked of staff or has a browser say.
    pub(crate) fn end_every_consent(
        &mut self,
        subject: SubjectId,
        speaker: Speaker,
    ) -> Result<(), AdminError> {
        for standing in self.files.control.consent_standings(subject)? {
            if standing.state.permits() {
                let choice = ConsentChoice::entered(standing.purpose, ConsentAct::Withdraw);
                self.choose(&ChoiceRequest::new(subject, choice, speaker))?;
            }
        }
        Ok(())
    }

    /// Closes a person's account.
    pub(super) fn close_account(&mut self, subject: SubjectId) -> Result<RetentionReply, AdminError> {
        let (row, pseudonym) = self.living_subject(subject)?;
        if let Some(at) = row.closed_at {
            return Err(AdminError::Conflict(format!("the account of {subject} was closed at {at}")));
        }
        let now = self.clock.now();
        let announced = self.announced(row.organization, Event::AccountClosed { pseudonym }, now)?;
        self.files.control.close_subject(subject, now, &announced.0)?;
        self.caches.subjects.pop(&subject);
        self.callers_changed()?;
        let index = self.delivered(announced)?;
        self.invalidate_where_unasked(subject)?;
        Ok(RetentionReply::Done(Some(index)))
    }

    /// Does what a person wishes with a conversation.
    pub(super) fn wish(
        &mut self,
        id: ConversationId,
        wish: ConversationWish,
    ) -> Result<RetentionReply, AdminError> {
        let (mut found, pseudonym) = self.living_conversation(id)?;
        let now = self.clock.now();
        let (mark, event) = match wish {
            ConversationWish::Delete if found.deleted_at.is_some() => {
                return Err(AdminError::Conflict(format!("{id} was deleted before; nothing was changed")));
            }
            ConversationWish::Restore if found.deleted_at.is_none() => {
                return Err(AdminError::Conflict(format!("{id} is not deleted; nothing was changed")));
            }
            ConversationWish::Delete => {
                found.deleted_at = Some(now);
                let event = Event::ConversationDeleted { pseudonym, undone: false };
                (ConversationMark::Deleted(Some(now)), Some(event))
            }
            ConversationWish::Restore => {
                found.deleted_at = None;
                let event = Event::ConversationDeleted { pseudonym, undone: true };
                (ConversationMark::Deleted(None), Some(event))
            }
            ConversationWish::Keep => {
                self.refuse_keeping(&found)?;
                found.starred_at = Some(now);
                (ConversationMark::Starred(Some(now)), None)
            }
            ConversationWish::LetGo => {
                found.starred_at = None;
                (ConversationMark::Starred(None), None)
            }
        };
        let announced = event.map(|event| self.announced(found.organization, event, now)).transpose()?;
        let announcement = announced.as_ref().map(|(announcement, _)| announcement);
        // First the keys are put up for a look: should a crash come before their new end is written, the worker works it out.
        let keys = self.files.keys.conversation_keys(id)?;
        let looked_at = keys.iter().filter(|node| node.kind == KeyKind::Conversation);
        let now_due: Vec<_> = looked_at.map(|node| (node.id, Some(now))).collect();
        self.files.keys.set_ends(&now_due)?;
        self.files.control.mark_conversation(id, mark, announcement)?;
        let ends = self.ends_of(&found)?;
        self.files.keys.set_ends(&ends)?;
        self.warned_up_to.clear();
        // What is deleted is not continued.
        self.caches.conversations.pop(&id);
        self.caches.prefixes.clear();
        let index = announced.map(|announced| self.delivered(announced)).transpose()?;
        Ok(RetentionReply::Done(index))
    }

    fn refuse_keeping(&self, conversation: &ConversationRecord) -> Result<(), AdminError> {
        let terms = self.terms_of(conversation.organization)?;
        let plan = self.person_terms(conversation.subject)?.plan.unwrap_or(terms.plan);
        let (_, policy) = self.governance.current();
        if policy.plan(plan).is_some_and(|terms| terms.may_keep) {
            return Ok(());
        }
        Err(AdminError::Conflict(format!(
            "the plan `{}` does not let a conversation be kept beyond its end; export it before then",
            plan.name()
        )))
    }

    /// Gives a conversation a tag, or takes it away. A hold on the tag looks at everything again.
    pub(super) fn tag(
        &mut self,
        id: ConversationId,
        tag: &str,
        present: bool,
    ) -> Result<RetentionReply, AdminError> {
        check_name("a tag", tag)?;
        let (found, _) = self.living_conversation(id)?;
        self.files.control.tag_conversation(id, tag, present)?;
        if present {
            self.hold_conversation(&found)?;
        }
        Ok(RetentionReply::Done(None))
    }
}

/// Whether a policy allows these terms; if not, why.
pub(super) fn check_terms(policy: &Policy, terms: OrganizationTerms) -> Result<(), String> {
    let plan = policy.plan(terms.plan).ok_or_else(|| {
        let known: Vec<_> = policy.plans().iter().map(|plan| plan.plan.name()).collect();
        format!(
            "the policy `{}` has no plan `{}`; it has: {}",
            policy.name(),
            terms.plan.name(),
            known.join(", ")
        )
    })?;
    if !plan.agreements.contains(&terms.agreement) {
        let allowed: Vec<_> = plan.agreements.iter().map(|agreement| agreement.name()).collect();
        return Err(format!(
            "the plan `{}` does not come with the agreement `{}`; it comes with: {}",
            terms.plan.name(),
            terms.agreement.name(),
            allowed.join(", ")
        ));
    }
    if !plan.tiers.contains(&terms.tier) {
        let allowed: Vec<_> = plan.tiers.iter().map(|tier| tier.name()).collect();
        return Err(format!(
            "the plan `{}` does not come with the tier `{}`; it comes with: {}",
            terms.plan.name(),
            terms.tier.name(),
            allowed.join(", ")
        ));
    }
    check_custom(policy, terms)
}

fn check_custom(policy: &Policy, terms: OrganizationTerms) -> Result<(), String> {
    match (terms.agreement, terms.custom_retention) {
        (Agreement::Custom, None) => Err("a custom agreement needs a length, such as `90 days`".to_owned()),
        (Agreement::Custom, Some(span)) if is_outside(policy.custom_bounds(), span) => {
            let bounds = policy.custom_bounds();
            let bound = |bound: Option<RetentionSpan>, word| bound.map(|span| format!("{word} {span}"));
            let bounds: Vec<_> = bound(bounds.at_least, "at least")
                .into_iter()
                .chain(bound(bounds.at_most, "at most"))
                .collect();
            Err(format!("a custom agreement is for {}, not {span}", bounds.join(" and ")))
        }
        (Agreement::Custom, Some(_)) | (_, None) => Ok(()),
        (_, Some(_)) => Err("only a custom agreement has a length".to_owned()),
    }
}

/// Whether a span is shorter or longer than may be agreed, counted from one and the same instant.
fn is_outside(bounds: CustomBounds, span: RetentionSpan) -> bool {
    let length = |span: RetentionSpan| span.after(Timestamp::UNIX_EPOCH);
    bounds.at_least.is_some_and(|least| length(span) < length(least))
        || bounds.at_most.is_some_and(|most| length(span) > length(most))
}
