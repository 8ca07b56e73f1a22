//! The file as it is written. Everything a person may write stands here, and nothing else: unknown keys are errors.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::consents::{ConsentText, LabelText};
use super::rights::RightsText;
use super::safeguards::{LimitText, SafeguardText, SandboxText, TrustedText};
use super::values::{DpvPurpose, Terms};
use crate::consent::ConsentPurpose;
use crate::ground::{GroundKind, LegalBasis};
use crate::named::named;
use crate::retention::{Agreement, Level, Plan, RecordClass, RetentionSpan, Tier};
use crate::safety::SafetyCategory;

/// The version of the language this program reads.
pub(crate) const LANGUAGE: u32 = 1;

named! {
    /// Whom a plan is for.
    Audience, "an audience" {
        /// A person, for themselves.
        Consumer = "consumer",
        /// An organisation, for its people.
        Commercial = "commercial",
    }
}

named! {
    /// Who may choose among the tiers of a plan.
    Chooser, "someone who may choose" {
        /// The person whose conversations they are.
        Person = "person",
        /// The administrator of the organisation.
        Administrator = "administrator",
        /// Whoever runs this program.
        Operator = "operator",
    }
}

named! {
    /// Whether people of a plan are asked to let their conversations train models.
    TrainingChoice, "a training choice" {
        /// They are never asked, and nothing of theirs ever trains.
        Never = "never",
        /// They are asked. Until they say yes, nothing of theirs trains.
        Ask = "ask",
    }
}

named! {
    /// How long a month is.
    MonthLength, "a length of months" {
        /// To the same day of a later month, or its last.
        Calendar = "calendar",
        /// 30 days. Years stay the calendar's.
        ThirtyDays = "30-days",
    }
}

named! {
    /// What a change of policy does to records that exist.
    ExistingRecords, "a treatment of existing records" {
        /// They are never kept longer than under the policy of their capture.
        NeverLonger = "never-longer",
        /// They are kept by this rule too, because it rests on a basis that did not exist before.
        NewBasis = "new-basis",
    }
}

/// A policy: why records are kept, for which purpose, and until when.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    /// Version of the language: 1.
    pub(crate) language: u32,
    /// Short name: lower-case letters, digits and `-`.
    pub(crate) name: String,
    /// One line that says for whom this policy is.
    pub(crate) title: String,
    /// A few sentences for people who are governed by it.
    #[serde(default)]
    pub(crate) summary: String,
    /// Documents that clauses are taken from.
    #[serde(default)]
    pub(crate) sources: BTreeMap<String, SourceText>,
    /// Places where data may lie.
    pub(crate) regions: BTreeMap<String, RegionText>,
    /// Texts that are shown to people.
    #[serde(default)]
    pub(crate) notices: BTreeMap<String, NoticeText>,
    /// The governance tiers.
    #[serde(default)]
    pub(crate) tiers: BTreeMap<Tier, TierText>,
    /// What may be agreed with organisations.
    #[serde(default)]
    pub(crate) agreements: BTreeMap<Agreement, AgreementText>,
    /// What legal holds leave when they are released.
    #[schemars(with = "Option<HoldsText>")]
    pub(crate) holds: Option<Spanned<HoldsText>>,
    /// The plans. A plan that is not here does not exist under this policy.
    #[schemars(with = "BTreeMap<Plan, PlanText>")]
    pub(crate) plans: BTreeMap<Plan, Spanned<PlanText>>,
    /// What providers say about their models.
    #[serde(default)]
    #[schemars(with = "Vec<ModelText>")]
    pub(crate) models: Vec<Spanned<ModelText>>,
    /// What people are asked about each use, by purpose.
    #[serde(default)]
    #[schemars(with = "BTreeMap<ConsentPurpose, ConsentText>")]
    pub(crate) consents: BTreeMap<ConsentPurpose, Spanned<ConsentText>>,
    /// Contexts in which content is screened before it becomes part of a data set.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, LabelText>")]
    pub(crate) labels: BTreeMap<String, Spanned<LabelText>>,
    /// People's requests.
    #[serde(default)]
    pub(crate) rights: RightsText,
    /// What is done about what detectors find, by category.
    #[serde(default)]
    #[schemars(with = "BTreeMap<SafetyCategory, Vec<SafeguardText>>")]
    pub(crate) safeguards: BTreeMap<SafetyCategory, Vec<Spanned<SafeguardText>>>,
    /// Who may do what others may not.
    #[serde(default)]
    #[schemars(with = "Vec<TrustedText>")]
    pub(crate) trusted: Vec<Spanned<TrustedText>>,
    /// Limits of tokens.
    #[serde(default)]
    #[schemars(with = "Vec<LimitText>")]
    pub(crate) limits: Vec<Spanned<LimitText>>,
    /// What models can reach.
    #[serde(default)]
    #[schemars(with = "Vec<SandboxText>")]
    pub(crate) sandbox: Vec<Spanned<SandboxText>>,
    /// The rules of retention.
    #[schemars(with = "Vec<RuleText>")]
    pub(crate) rules: Vec<Spanned<RuleText>>,
}

/// A document that clauses are taken from.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SourceText {
    /// Its title.
    pub(crate) title: String,
    /// The day it was read, as in `2026-08-22`. Public documents change.
    pub(crate) read: String,
}

/// A place where data may lie.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegionText {
    /// What people call it.
    pub(crate) title: String,
    /// For how long after a no the law there lets nobody be asked again. Absent: it says nothing.
    #[schemars(with = "Option<String>")]
    pub(crate) no_second_ask_within: Option<RetentionSpan>,
}

/// A text that is shown to people.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoticeText {
    /// What it says.
    pub(crate) text: String,
}

/// What a governance tier permits.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TierText {
    /// One line that says what it means for people.
    #[serde(default)]
    pub(crate) title: String,
    /// The grounds that may open. Absent: all.
    pub(crate) grounds: Option<Vec<GroundKind>>,
    /// Whether conversations may train, consent given. Absent: yes.
    pub(crate) training: Option<bool>,
    /// Whether covered models may be used. Absent: yes.
    pub(crate) covered_models: Option<bool>,
}

/// What may be agreed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AgreementText {
    /// The shortest period that may be agreed, for `custom` only.
    #[schemars(with = "Option<String>")]
    pub(crate) at_least: Option<RetentionSpan>,
    /// The longest period that may be agreed, for `custom` only.
    #[schemars(with = "Option<String>")]
    pub(crate) at_most: Option<RetentionSpan>,
}

/// Legal holds.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldsText {
    /// How long what a hold held is kept after its release, unless the release says otherwise: at most a year.
    #[schemars(with = "String")]
    pub(crate) release_grace: RetentionSpan,
}

/// A plan. Whatever is absent is taken from `same_as`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanText {
    /// The plan that gives everything not said here.
    pub(crate) same_as: Option<Plan>,
    /// For people or for organisations.
    pub(crate) audience: Option<Audience>,
    /// The tier at the start.
    pub(crate) tier: Option<Tier>,
    /// The tiers that may be chosen. Absent: only that one.
    pub(crate) tiers: Option<Vec<Tier>>,
    /// Who may choose.
    pub(crate) tier_chosen_by: Option<Vec<Chooser>>,
    /// What may be agreed. Absent: `standard`.
    pub(crate) agreements: Option<Vec<Agreement>>,
    /// The classes of record it has. Absent: all.
    pub(crate) classes: Option<Vec<RecordClass>>,
    /// The class of what arrives through the interface.
    pub(crate) api_class: Option<RecordClass>,
    /// Whether its people are asked about training.
    pub(crate) training: Option<TrainingChoice>,
    /// Where its data lies: a name under `regions`.
    pub(crate) region: Option<String>,
    /// What its people are shown: a name under `notices`.
    pub(crate) notice: Option<String>,
    /// How long before a scheduled end its people are warned.
    #[schemars(with = "Option<String>")]
    pub(crate) warn_before: Option<RetentionSpan>,
    /// Whether a person may answer that warning by keeping the conversation; that counts as activity in it.
    pub(crate) may_keep: Option<bool>,
}

/// What a provider says about a model.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelText {
    /// The model, or the beginning of its name and a `*`.
    pub(crate) name: String,
    /// The model entry that gives everything not said here.
    pub(crate) same_as: Option<String>,
    /// Who serves it.
    pub(crate) provider: Option<String>,
    /// Whether its prompts and outputs must be kept for safety.
    pub(crate) covered: Option<bool>,
    /// How long the provider keeps prompts and outputs unless something else was agreed.
    #[schemars(with = "Option<String>")]
    pub(crate) default_retention: Option<RetentionSpan>,
    /// How long the provider keeps what it flags.
    #[schemars(with = "Option<String>")]
    pub(crate) flagged_retention: Option<RetentionSpan>,
    /// Whether the provider trains on what it is sent.
    pub(crate) training: Option<bool>,
    /// Whether the provider flags violations by itself.
    pub(crate) flagging: Option<bool>,
    /// Where the provider computes: a name under `regions`.
    pub(crate) region: Option<String>,
    /// How long prompts and outputs must be kept here.
    #[schemars(with = "Option<String>")]
    pub(crate) required_minimum: Option<RetentionSpan>,
    /// The provider's words, or theirs in short.
    pub(crate) clause: Option<String>,
    /// A name under `sources`.
    pub(crate) source: Option<String>,
}

/// One rule: on which ground which records are kept, and until when.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RuleText {
    /// Its name in explanations.
    pub(crate) id: String,
    /// The ground.
    pub(crate) ground: GroundKind,
    /// Which plans. Absent: all.
    pub(crate) plans: Option<Vec<Plan>>,
    /// Which governance tiers. Absent: all.
    pub(crate) tiers: Option<Vec<Tier>>,
    /// Which classes of record. Absent: all that the ground is for and that have the clocks.
    pub(crate) classes: Option<Vec<RecordClass>>,
    /// Which agreements. Absent: all but `zero-retention`, which must be named.
    pub(crate) agreements: Option<Vec<Agreement>>,
    /// Only covered models, or only others. Absent: both.
    pub(crate) covered: Option<bool>,
    /// Only where training is allowed, or only where it is not. Absent: both.
    pub(crate) training: Option<bool>,
    /// Not before: a duty.
    #[serde(default)]
    pub(crate) minimum: Terms,
    /// Not after: the purpose is then served.
    #[serde(default)]
    pub(crate) maximum: Terms,
    /// Not before, unless the person asks for erasure.
    #[serde(default)]
    pub(crate) retain: Terms,
    /// Then deleted, unless something retains.
    #[serde(default)]
    pub(crate) delete: Terms,
    /// Retained until then and then deleted.
    #[serde(default)]
    pub(crate) keep: Terms,
    /// How long a month is. Absent: as in the calendar.
    pub(crate) months: Option<MonthLength>,
    /// How explicit the rule is about deletion. Absent: `scoped`.
    pub(crate) level: Option<Level>,
    /// The legal basis. Absent: the ground's own.
    pub(crate) basis: Option<LegalBasis>,
    /// The purpose in DPV terms, to be read; it must be the ground's.
    pub(crate) purpose: Option<DpvPurpose>,
    /// Whether later policies may only tighten the rule.
    #[serde(default)]
    pub(crate) locked: bool,
    /// What the rule does to records that exist when it comes. Absent: never keeps them longer.
    pub(crate) existing_records: Option<ExistingRecords>,
    /// The promise in words.
    pub(crate) clause: String,
    /// Where the words come from: a name under `sources`.
    pub(crate) source: Option<String>,
    /// What is shown to people about it: a name under `notices`.
    pub(crate) notice: Option<String>,
}
