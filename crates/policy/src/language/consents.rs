//! `[consents]` and `[labels]`: what people are asked, and in which context content is screened.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::check::example_day;
use super::document::{Audience, TrainingChoice};
use super::problem::{PolicyProblem, ProblemKind};
use super::reading::Reading;
use crate::consent::{ConsentKind, ConsentPurpose};
use crate::edge::Timestamp;
use crate::ground::LegalBasis;
use crate::retention::{Facts, Plan, PlanTerms, Policy, RetentionSpan, Situation};

/// What people are asked about one use. What is absent is said by the language.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsentText {
    /// The plans whose people are asked. Absent: nobody is.
    #[serde(default)]
    pub(crate) plans: Vec<Plan>,
    /// In which ways people may agree. Absent: `explicit`.
    pub(crate) kinds: Option<Vec<ConsentKind>>,
    /// The legal basis of the use. Absent: `consent`.
    pub(crate) basis: Option<LegalBasis>,
    /// For how long a yes counts; then it must be asked for again. Absent: until it is taken back.
    #[schemars(with = "Option<String>")]
    pub(crate) reconsent_after: Option<RetentionSpan>,
    /// For how long after a no nobody is asked again. Absent: for as long as the region's law says.
    #[schemars(with = "Option<String>")]
    pub(crate) no_second_ask_within: Option<RetentionSpan>,
    /// What people are shown: a name under `notices`. Whoever is asked is shown something.
    pub(crate) notice: Option<String>,
}

/// A context in which content is screened before it becomes part of a data set.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LabelText {
    /// What belongs to it, in a sentence for those who review.
    pub(crate) description: String,
    /// Whether doubtful rows go to people. Absent: yes.
    pub(crate) doubtful_to_people: Option<bool>,
}

/// A text that is shown to people, with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentNotice {
    /// Its name in the policy.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// What a policy says about one use that people are asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentRule {
    /// The use.
    pub purpose: ConsentPurpose,
    /// The plans whose people are asked; empty: nobody is, and nothing is used for it.
    pub plans: Vec<Plan>,
    /// In which ways people may agree.
    pub kinds: Vec<ConsentKind>,
    /// The legal basis of the use.
    pub basis: LegalBasis,
    /// For how long a yes counts; `None`: until it is taken back.
    pub reconsent_after: Option<RetentionSpan>,
    /// For how long after a no nobody is asked again, as far as the policy says it for this use; see
    /// [`Policy::no_second_ask_within`] for what the region's law adds.
    pub no_second_ask_within: Option<RetentionSpan>,
    /// What people are shown. Whoever is asked is shown something.
    pub notice: Option<ConsentNotice>,
}

impl ConsentRule {
    /// Whether people of a plan are asked.
    pub fn asks(&self, plan: Plan) -> bool {
        self.plans.contains(&plan)
    }

    /// Whether people may agree in this way.
    pub fn allows(&self, kind: ConsentKind) -> bool {
        self.kinds.contains(&kind)
    }

    /// When a yes that was given at `given_at` must be asked for again; `None`: never.
    pub fn ends_at(&self, given_at: Timestamp) -> Option<Timestamp> {
        self.reconsent_after.map(|span| span.after(given_at))
    }
}

/// A context in which content is screened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelTerms {
    /// Its name.
    pub name: String,
    /// What belongs to it.
    pub description: String,
    /// Whether doubtful rows go to people.
    pub doubtful_to_people: bool,
}

impl ConsentPurpose {
    /// Whether the use puts conversations into models: plans for organisations are never asked about it, and only a yes
    /// that was said permits it.
    pub const fn trains(self) -> bool {
        matches!(self, Self::BatchTraining | Self::ActiveLearning | Self::SafetyTraining | Self::PartnerUse)
    }

    /// Whether people may be asked after the use: not where a no could not undo it, since what a model has learned or a
    /// partner has received stays.
    pub const fn may_be_retroactive(self) -> bool {
        matches!(self, Self::SafetyTraining | Self::Feedback | Self::Research)
    }
}

impl Policy {
    /// What the policy says about a use. Where it says nothing, nobody is asked.
    pub fn consent(&self, purpose: ConsentPurpose) -> &ConsentRule {
        let [batch, active, safety, feedback, partner, research] = &self.consents;
        match purpose {
            ConsentPurpose::BatchTraining => batch,
            ConsentPurpose::ActiveLearning => active,
            ConsentPurpose::SafetyTraining => safety,
            ConsentPurpose::Feedback => feedback,
            ConsentPurpose::PartnerUse => partner,
            ConsentPurpose::Research => research,
        }
    }

    /// What the policy says about every use, in the order of [`ConsentPurpose::ALL`].
    pub fn consents(&self) -> &[ConsentRule; ConsentPurpose::ALL.len()] {
        &self.consents
    }

    /// For how long after a no a person of a plan is not asked again: as the policy says for the use, and at least as the law
    /// of the plan's region says. `None`: neither says anything.
    pub fn no_second_ask_within(&self, purpose: ConsentPurpose, plan: Plan) -> Option<RetentionSpan> {
        let own = self.consent(purpose).no_second_ask_within;
        let region = self.plan(plan).map(|terms| terms.region.as_str());
        let law =
            self.second_asks.iter().find(|(name, _)| Some(name.as_str()) == region).map(|(_, span)| *span);
        own.into_iter().chain(law).max_by_key(|span| length(*span))
    }

    /// The contexts in which content is screened, by name.
    pub fn labels(&self) -> &[LabelTerms] {
        &self.labels
    }

    /// One context.
    pub fn label(&self, name: &str) -> Option<&LabelTerms> {
        self.labels.iter().find(|label| label.name == name)
    }
}

fn length(span: RetentionSpan) -> Timestamp {
    span.after(Timestamp::UNIX_EPOCH)
}

impl Reading<'_> {
    /// Every use, with what is not said filled in; what contradicts itself is a problem.
    pub(crate) fn consents(&mut self, plans: &[PlanTerms]) -> [ConsentRule; ConsentPurpose::ALL.len()] {
        let says_any = !self.document.consents.is_empty();
        ConsentPurpose::ALL.map(|purpose| {
            let Some(written) = self.document.consents.get(&purpose) else {
                return self.unsaid(purpose, plans, says_any);
            };
            let (line, text) = (self.line(written), written.get_ref().clone());
            let whose = format!("consent {purpose}");
            let notice_text = self.notice(line, &whose, text.notice.as_deref());
            let rule = ConsentRule {
                purpose,
                plans: text.plans,
                kinds: text.kinds.unwrap_or_else(|| vec![ConsentKind::Explicit]),
                basis: text.basis.unwrap_or(LegalBasis::Consent),
                reconsent_after: text.reconsent_after,
                no_second_ask_within: text.no_second_ask_within,
                notice: text.notice.zip(notice_text).map(|(name, text)| ConsentNotice { name, text }),
            };
            self.check_plans(&rule, line, plans);
            self.check_kinds(&rule, line);
            self.check_second_ask(&rule, line, plans);
            if purpose == ConsentPurpose::BatchTraining {
                self.check_choices(&rule, line, plans);
            }
            rule
        })
    }

    /// What holds for a use that the policy does not name. Policies that name none ask about training where their plans say so.
    fn unsaid(&mut self, purpose: ConsentPurpose, plans: &[PlanTerms], says_any: bool) -> ConsentRule {
        let asked = |terms: &&PlanTerms| terms.training == TrainingChoice::Ask;
        let asked: Vec<Plan> = if purpose == ConsentPurpose::BatchTraining {
            plans.iter().filter(asked).map(|terms| terms.plan).collect()
        } else {
            Vec::new()
        };
        if let (true, Some(plan)) = (says_any, asked.first()) {
            self.say(
                ProblemKind::Missing,
                None,
                format!(
                    "people of plan {plan} are asked about training, and `[consents.batch-training]` is missing: it says what \
                     they are shown and in which ways they may agree. Add it"
                ),
                None,
            );
        }
        ConsentRule {
            purpose,
            plans: if says_any { Vec::new() } else { asked },
            kinds: vec![ConsentKind::Explicit],
            basis: LegalBasis::Consent,
            reconsent_after: None,
            no_second_ask_within: None,
            notice: None,
        }
    }

    fn check_plans(&mut self, rule: &ConsentRule, line: usize, plans: &[PlanTerms]) {
        let purpose = rule.purpose;
        for plan in &rule.plans {
            if !self.document.plans.contains_key(plan) {
                let words = format!(
                    "consent {purpose} names the plan {plan}, which this policy does not have; add `[plans.{plan}]` or remove it"
                );
                self.say(ProblemKind::Unknown, Some(line), words, None);
            }
            let Some(terms) = plans.iter().find(|terms| terms.plan == *plan) else { continue };
            if terms.audience == Audience::Commercial && purpose.trains() {
                let words = format!(
                    "consent {purpose}: plan {plan} is for organisations, whose people are never asked about it and whose \
                     conversations never train. Remove the plan"
                );
                self.say(ProblemKind::Training, Some(line), words, Some(terms));
            }
        }
        if !rule.plans.is_empty() && rule.notice.is_none() {
            let words = format!(
                "consent {purpose}: people are asked and shown nothing. Add `notice`, a name under `notices`"
            );
            self.say(ProblemKind::Missing, Some(line), words, None);
        }
    }

    fn check_kinds(&mut self, rule: &ConsentRule, line: usize) {
        let purpose = rule.purpose;
        let mut say = |kind, words: String| self.say(kind, Some(line), words, None);
        if rule.kinds.is_empty() {
            say(
                ProblemKind::Missing,
                format!("consent {purpose}: `kinds` is empty, so nobody could agree. Name one, or remove it"),
            );
        }
        if purpose.trains() && rule.allows(ConsentKind::Implicit) {
            say(
                ProblemKind::Training,
                format!(
                    "consent {purpose}: training is off until a person says yes, so nobody agrees implicitly. Remove `implicit`"
                ),
            );
        }
        if !purpose.may_be_retroactive() && rule.allows(ConsentKind::Retroactive) {
            say(
                ProblemKind::Contradiction,
                format!(
                    "consent {purpose}: a no after the use could not undo it, so nobody may be asked then. Remove `retroactive`"
                ),
            );
        }
        if purpose.trains() && rule.basis != LegalBasis::Consent {
            say(
                ProblemKind::Training,
                format!(
                    "consent {purpose}: training rests on consent and nothing else, and `basis` is {}. Remove it",
                    rule.basis
                ),
            );
        }
    }

    /// A no must count at least as long as the law of every region in which somebody is asked says.
    fn check_second_ask(&mut self, rule: &ConsentRule, line: usize, plans: &[PlanTerms]) {
        let Some(own) = rule.no_second_ask_within else { return };
        for terms in plans.iter().filter(|terms| rule.asks(terms.plan)) {
            let law = self.document.regions.get(&terms.region).and_then(|region| region.no_second_ask_within);
            let Some(law) = law.filter(|law| length(*law) > length(own)) else { continue };
            let words = format!(
                "consent {}: after a no people would be asked again within {own}, and the law of the region `{}` says {law}. \
                 Lengthen it, or remove it so that the region's counts",
                rule.purpose, terms.region
            );
            self.say(ProblemKind::Contradiction, Some(line), words, Some(terms));
        }
    }

    /// Plans say whether their people are asked about training, and the consent says who is asked: they must agree.
    fn check_choices(&mut self, rule: &ConsentRule, line: usize, plans: &[PlanTerms]) {
        for terms in plans.iter().filter(|terms| !terms.is_commercial()) {
            let plan = terms.plan;
            let words = match (terms.training, rule.asks(plan)) {
                (TrainingChoice::Ask, false) => format!(
                    "plan {plan} says `training = \"ask\"`, and consent batch-training does not ask its people. Add the plan to \
                     `plans`, or say `never` there"
                ),
                (TrainingChoice::Never, true) => format!(
                    "consent batch-training asks people of plan {plan}, which says `training = \"never\"`. Remove the plan, or say \
                     `ask` there"
                ),
                (TrainingChoice::Ask, true) | (TrainingChoice::Never, false) => continue,
            };
            self.say(ProblemKind::Contradiction, Some(line), words, Some(terms));
        }
    }

    /// Adds a problem, shown by a conversation of the plan where it is one of a plan.
    fn say(&mut self, kind: ProblemKind, line: Option<usize>, words: String, plan: Option<&PlanTerms>) {
        let mut problem = PolicyProblem::new(kind, line, words);
        if let Some(terms) = plan {
            let situation = Situation {
                plan: terms.plan,
                tier: terms.tier,
                class: terms.api_class,
                agreement: crate::retention::Agreement::Standard,
                covered: false,
                training: true,
            };
            problem = problem.shown_by(situation, &Facts::captured_at(example_day()));
        }
        self.problems.push(problem);
    }

    /// The contexts of screening.
    pub(crate) fn labels(&mut self) -> Vec<LabelTerms> {
        let document = self.document;
        let written: &BTreeMap<String, Spanned<LabelText>> = &document.labels;
        let mut labels = Vec::new();
        for (name, written) in written {
            let (line, text) = (self.line(written), written.get_ref());
            if !super::compile::is_name(name) {
                let words =
                    format!("the label {name:?}: names have 1 to 64 lower-case letters, digits and `-`");
                self.say(ProblemKind::Syntax, Some(line), words, None);
            }
            if text.description.trim().is_empty() {
                let words = format!(
                    "label {name}: its description is empty; those who review need to know what belongs to it"
                );
                self.say(ProblemKind::Missing, Some(line), words, None);
            }
            labels.push(LabelTerms {
                name: name.clone(),
                description: text.description.clone(),
                doubtful_to_people: text.doubtful_to_people.unwrap_or(true),
            });
        }
        labels
    }
}
