//! Which policy decides, and what it says about what is kept here.

use std::sync::{Arc, PoisonError, RwLock};

use fiducia_policy::{
    ConsentKind, ConsentPurpose, Facts, GroundKind, LegalBasis, Plan, Policy, PolicyVersion, RecordClass,
    Schedule, Situation, Standing, Timestamp,
};
use fiducia_store::{
    BucketName, CaptureTerms, ConversationRecord, KeyKind, OrganizationTerms, PublishedPolicy, SubjectRecord,
};

/// What a person chose, as far as it decides how long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct PersonTerms {
    pub(crate) plan: Option<Plan>,
    pub(crate) training: bool,
    pub(crate) closed_at: Option<Timestamp>,
    /// An objection to being looked after for safety was granted.
    pub(crate) objects_to_safety: bool,
}

impl From<&SubjectRecord> for PersonTerms {
    fn from(subject: &SubjectRecord) -> Self {
        Self {
            plan: subject.plan,
            training: subject.training_allowed,
            closed_at: subject.closed_at,
            objects_to_safety: subject.objects_to_safety,
        }
    }
}

/// The policies that were in force and the one that is. The built-in one is version 0.
#[derive(Debug, Clone)]
pub(crate) struct Policies {
    /// Those before the current one, the first first.
    earlier: Vec<(PolicyVersion, Arc<Policy>)>,
    current: (PolicyVersion, Arc<Policy>),
}

impl Policies {
    fn replace(&mut self, current: (PolicyVersion, Arc<Policy>)) {
        self.earlier.push(std::mem::replace(&mut self.current, current));
    }

    /// The schedule of what was captured under the policy `first`, with what every later one made of it.
    fn carried(&self, first: PolicyVersion, situation: Situation, facts: &Facts) -> Schedule {
        let current = &self.current.1;
        let mut before =
            self.earlier.iter().filter(|(version, _)| *version >= first).map(|(_, policy)| &**policy);
        match before.next() {
            None => current.schedule(situation, facts),
            Some(captured_under) => {
                let between: Vec<_> = before.collect();
                current.carried_over(captured_under, &between, situation, facts).schedule
            }
        }
    }
}

/// What decides, shared by everyone who asks. A newly published policy counts from the next question on.
#[derive(Debug, Clone)]
pub(crate) struct Governance(Arc<RwLock<Arc<Policies>>>);

/// How a record is kept from its capture on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Keeping {
    pub(crate) terms: CaptureTerms,
    pub(crate) service: Option<ServiceKeeping>,
    /// The day with which its safety window is over.
    pub(crate) safety: Option<BucketName>,
    pub(crate) bucket: BucketName,
    /// From which of the subject's keys it hangs for the person's own use: what may never be used for a purpose that
    /// people are asked about hangs apart, where no path can lead to it.
    pub(crate) hangs_from: KeyKind,
}

/// The conversation's key for the person's own use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServiceKeeping {
    /// The day the key ends with, when nothing that happens later makes it last longer; else the account.
    pub(crate) label: BucketName,
    /// When the key must be looked at.
    pub(crate) ends_at: Option<Timestamp>,
}

/// A stored policy cannot be used by this program.
#[derive(Debug, thiserror::Error)]
#[error("policy {version}, published here before, cannot be read by this program: {problem}")]
pub struct PolicyUnreadable {
    version: PolicyVersion,
    problem: String,
}

impl Governance {
    /// The built-in policy and those that were published.
    pub(crate) fn load(published: &[PublishedPolicy]) -> Result<Self, PolicyUnreadable> {
        let readable = |version, source: &str| {
            Policy::parse(source)
                .map(|policy| (version, Arc::new(policy)))
                .map_err(|problems| PolicyUnreadable { version, problem: problems.to_string() })
        };
        let mut policies = Policies {
            earlier: Vec::new(),
            current: readable(PolicyVersion::default(), Policy::default_text())?,
        };
        for stored in published {
            policies.replace(readable(stored.version, &stored.source)?);
        }
        Ok(Self(Arc::new(RwLock::new(Arc::new(policies)))))
    }

    /// Takes a newly published policy over.
    pub(crate) fn publish(&self, version: PolicyVersion, policy: Policy) {
        let mut policies = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut replaced = Policies::clone(&policies);
        replaced.replace((version, Arc::new(policy)));
        *policies = Arc::new(replaced);
    }

    fn policies(&self) -> Arc<Policies> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The policy in force and its number.
    pub(crate) fn current(&self) -> (PolicyVersion, Arc<Policy>) {
        let policies = self.policies();
        (policies.current.0, Arc::clone(&policies.current.1))
    }

    /// How a record that is captured at `at` is kept.
    pub(crate) fn at_capture(
        &self,
        terms: OrganizationTerms,
        person: PersonTerms,
        class: RecordClass,
        covered: bool,
        at: Timestamp,
    ) -> Keeping {
        let policies = self.policies();
        let (version, policy) = &policies.current;
        let situation = situation(terms, person, class, covered);
        let schedule = policy.schedule(situation, &facts(terms, person, at, at));
        let service = match schedule.standing(GroundKind::Service) {
            Standing::Holds { until } => {
                let fixed = until.filter(|_| policy.service_end_is_fixed(situation));
                let label = fixed.map_or(BucketName::account(), BucketName::of);
                Some(ServiceKeeping { label, ends_at: until })
            }
            Standing::NotOpen | Standing::Ended { .. } => None,
        };
        // An objection is one to a legitimate interest: a window that a duty in law opens, opens all the same.
        let is_objected = person.objects_to_safety
            && policy.basis(situation, GroundKind::SafetyWindow) == Some(LegalBasis::LegitimateInterest);
        let safety = match schedule.standing(GroundKind::SafetyWindow) {
            Standing::Holds { until } if !is_objected => until.map(BucketName::of),
            Standing::Holds { .. } | Standing::NotOpen | Standing::Ended { .. } => None,
        };
        // Whatever ends last decides where the record lies: a day's file is removed as a whole.
        let bucket = match (&service, safety) {
            (Some(service), _) if service.label == BucketName::account() => BucketName::account(),
            (Some(service), Some(day)) => service.label.max(day),
            (Some(service), None) => service.label,
            (None, Some(day)) => day,
            (None, None) => BucketName::account(),
        };
        let hangs_from = match class {
            _ if !policy.may_train(situation) => KeyKind::SubjectApart,
            RecordClass::Feedback => KeyKind::SubjectFeedback,
            _ => KeyKind::Subject,
        };
        Keeping {
            terms: CaptureTerms { class, policy: *version, covered },
            service,
            safety,
            bucket,
            hangs_from,
        }
    }

    /// Whether a person is asked about a use, as the policy in force says. Where not there is no question, and an answer that
    /// was given earlier opens nothing.
    pub(crate) fn is_asked(
        &self,
        terms: OrganizationTerms,
        person: PersonTerms,
        purpose: ConsentPurpose,
    ) -> bool {
        let (_, policy) = self.current();
        person.closed_at.is_none()
            && policy.consent(purpose).asks(person.plan.unwrap_or(terms.plan))
            && policy.may_train(situation(terms, person, RecordClass::Chat, false))
    }

    /// Whether the policy in force lets people agree to a use in this way.
    pub(crate) fn allows_kind(&self, purpose: ConsentPurpose, kind: ConsentKind) -> bool {
        self.current().1.consent(purpose).allows(kind)
    }

    /// When a yes that is given at `at` must be asked for again, as the policy in force says.
    pub(crate) fn consent_ends(&self, purpose: ConsentPurpose, at: Timestamp) -> Option<Timestamp> {
        self.current().1.consent(purpose).ends_at(at)
    }

    /// How a ground would stand for something that is captured at `at`, as the policy in force says.
    pub(crate) fn standing_now(
        &self,
        terms: OrganizationTerms,
        person: PersonTerms,
        class: RecordClass,
        ground: GroundKind,
        at: Timestamp,
    ) -> Standing {
        let (_, policy) = self.current();
        let situation = situation(terms, person, class, false);
        policy.schedule(situation, &facts(terms, person, at, at)).standing(ground)
    }

    /// The class of what is captured on a plan, where nothing else says.
    pub(crate) fn default_class(&self, terms: OrganizationTerms, person: PersonTerms) -> RecordClass {
        let (_, policy) = self.current();
        policy.plan(person.plan.unwrap_or(terms.plan)).map_or(RecordClass::Chat, |plan| plan.api_class)
    }

    /// Whether anything at all is kept of a record that is captured at `at`.
    pub(crate) fn keeps_anything(
        &self,
        terms: OrganizationTerms,
        person: PersonTerms,
        class: RecordClass,
        covered: bool,
        at: Timestamp,
    ) -> bool {
        let keeping = self.at_capture(terms, person, class, covered, at);
        keeping.service.is_some() || keeping.safety.is_some()
    }

    /// When a conversation ends for the person's own use, as things stand: `None` while only an event ends it,
    /// `Some(past)` when it has ended.
    ///
    /// A conversation is governed by the policy it began under and by every later one that keeps it less long: a new
    /// policy makes it last longer only by a rule that says it rests on a new basis. What the person or the organisation
    /// changed counts for all of them.
    pub(crate) fn service_end(
        &self,
        terms: OrganizationTerms,
        person: PersonTerms,
        conversation: &ConversationRecord,
    ) -> Option<Timestamp> {
        let facts = conversation_facts(terms, person, conversation);
        match self.carried(terms, person, conversation, &facts, GroundKind::Service) {
            Standing::NotOpen => Some(conversation.created_at),
            Standing::Holds { until } => until,
            Standing::Ended { at } => Some(at),
        }
    }

    /// When the safety window of what was captured at `captured_at` in a conversation ends, as things stand. `None` when
    /// no policy says anything of it.
    pub(crate) fn safety_end(
        &self,
        terms: OrganizationTerms,
        person: PersonTerms,
        conversation: &ConversationRecord,
        captured_at: Timestamp,
    ) -> Option<Timestamp> {
        let facts = Facts { created_at: captured_at, ..conversation_facts(terms, person, conversation) };
        match self.carried(terms, person, conversation, &facts, GroundKind::SafetyWindow) {
            Standing::NotOpen => None,
            Standing::Holds { until } => until,
            Standing::Ended { at } => Some(at),
        }
    }

    /// How a ground of a conversation stands under the policy it began under and every later one.
    fn carried(
        &self,
        terms: OrganizationTerms,
        person: PersonTerms,
        conversation: &ConversationRecord,
        facts: &Facts,
        ground: GroundKind,
    ) -> Standing {
        let situation = situation(terms, person, conversation.terms.class, conversation.terms.covered);
        self.policies().carried(conversation.terms.policy, situation, facts).standing(ground)
    }

    /// When an investigation ends at the latest: what it took in is no longer kept for it then.
    pub(crate) fn investigation_end(
        &self,
        terms: OrganizationTerms,
        opened_at: Timestamp,
        closed_at: Option<Timestamp>,
    ) -> Option<Timestamp> {
        let (_, policy) = self.current();
        let facts = Facts {
            case_opened_at: Some(opened_at),
            case_closed_at: closed_at,
            custom: terms.custom_retention,
            ..Facts::captured_at(opened_at)
        };
        let situation = situation(terms, PersonTerms::default(), RecordClass::Chat, false);
        match policy.schedule(situation, &facts).standing(GroundKind::Investigation) {
            Standing::NotOpen => closed_at,
            Standing::Holds { until } => until,
            Standing::Ended { at } => Some(at),
        }
    }

    /// Whether a ground of a conversation, opened at `opened_at`, outlasts what just happened to it, under the policy in
    /// force.
    pub(crate) fn outlasts(
        &self,
        terms: OrganizationTerms,
        person: PersonTerms,
        conversation: &ConversationRecord,
        (ground, opened_at): (GroundKind, Timestamp),
        happened: Happened,
        now: Timestamp,
    ) -> bool {
        let situation = situation(terms, person, conversation.terms.class, conversation.terms.covered);
        let opened = Some(opened_at);
        let mut facts = Facts {
            created_at: opened_at,
            flagged_at: opened,
            feedback_at: opened,
            case_opened_at: opened,
            ..conversation_facts(terms, person, conversation)
        };
        match happened {
            Happened::Deletion => facts.deleted_at = Some(now),
            Happened::Erasure => {
                facts.deleted_at = Some(now);
                facts.erasure_requested_at = Some(now);
            }
        }
        let (_, policy) = self.current();
        match policy.schedule(situation, &facts).standing(ground) {
            Standing::NotOpen => false,
            Standing::Holds { until } => until.is_none_or(|until| until > now),
            Standing::Ended { at } => at > now,
        }
    }
}

/// What a person or an operator did to a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happened {
    /// It was deleted.
    Deletion,
    /// Its person asked for everything to be erased.
    Erasure,
}

/// The cell of the policy's tables.
pub(crate) fn situation(
    terms: OrganizationTerms,
    person: PersonTerms,
    class: RecordClass,
    covered: bool,
) -> Situation {
    Situation {
        plan: person.plan.unwrap_or(terms.plan),
        tier: terms.tier,
        class,
        agreement: terms.agreement,
        covered,
        training: person.training,
    }
}

/// What is known of a record or conversation.
pub(crate) fn facts(
    terms: OrganizationTerms,
    person: PersonTerms,
    created_at: Timestamp,
    last_active_at: Timestamp,
) -> Facts {
    Facts {
        last_active_at: Some(last_active_at),
        closed_at: person.closed_at,
        custom: terms.custom_retention,
        ..Facts::captured_at(created_at)
    }
}

/// What is known of a stored conversation.
pub(crate) fn conversation_facts(
    terms: OrganizationTerms,
    person: PersonTerms,
    conversation: &ConversationRecord,
) -> Facts {
    // Its key holds records of several instants. Where a policy counts from creation and was not in force when they were
    // captured, the last one counts, so that nothing goes early.
    let created_at = conversation.last_active_at;
    // Wanting to keep a conversation counts as activity in it.
    let last_active_at = conversation.last_active_at.max(conversation.starred_at.unwrap_or(Timestamp::MIN));
    Facts { deleted_at: conversation.deleted_at, ..facts(terms, person, created_at, last_active_at) }
}
