//! A policy, compiled: tables that decide in less than a microsecond.

use super::algebra::{Claim, Effect, Resolution, resolve};
use super::facts::Facts;
use super::schedule::{End, Schedule, Standing};
use super::situation::{Agreement, Plan, RecordClass, Situation, Tier};
use super::span::{RetentionSpan, start_of_day};
use super::term::{ClockStart, Level, Term, TermSpan};
use crate::consent::ConsentPurpose;
use crate::edge::Timestamp;
use crate::ground::{GroundKind, LegalBasis};
use crate::language::{
    Audience, Chooser, ConsentRule, ExistingRecords, LabelTerms, MonthLength, PolicyProblems, TrainingChoice,
};
use crate::rights::RightsTerms;
use crate::safety::SafetyTerms;

/// A policy that was read, checked and compiled. What contradicts itself cannot be one.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(crate) name: String,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) plans: Vec<PlanTerms>,
    pub(crate) tiers: Vec<TierTerms>,
    pub(crate) models: Vec<ModelTerms>,
    pub(crate) unknown_model: ModelTerms,
    pub(crate) custom_bounds: CustomBounds,
    pub(crate) regions: Vec<(String, String)>,
    pub(crate) release_grace: RetentionSpan,
    /// In the order of [`ConsentPurpose::ALL`].
    pub(crate) consents: [ConsentRule; ConsentPurpose::ALL.len()],
    pub(crate) labels: Vec<LabelTerms>,
    /// For how long the law of a region lets nobody be asked again.
    pub(crate) second_asks: Vec<(String, RetentionSpan)>,
    pub(crate) rights: RightsTerms,
    pub(crate) safety: SafetyTerms,
    pub(crate) rules: Vec<Rule>,
    pub(crate) programs: Vec<Program>,
    /// For each situation, by [`Situation::index`], its program.
    pub(crate) cells: Vec<u16>,
}

/// What a plan says, complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanTerms {
    /// The plan.
    pub plan: Plan,
    /// For people or for organisations.
    pub audience: Audience,
    /// The governance tier at the start.
    pub tier: Tier,
    /// The tiers that may be chosen; the first tier among them.
    pub tiers: Vec<Tier>,
    /// Who may choose.
    pub tier_chosen_by: Vec<Chooser>,
    /// What may be agreed.
    pub agreements: Vec<Agreement>,
    /// The classes of record it has.
    pub classes: Vec<RecordClass>,
    /// The class of what arrives through the interface.
    pub api_class: RecordClass,
    /// Whether its people are asked about training.
    pub training: TrainingChoice,
    /// Where its data lies: the region's name.
    pub region: String,
    /// What its people are shown.
    pub notice: Option<String>,
    /// How long before a scheduled end its people are warned.
    pub warn_before: Option<RetentionSpan>,
    /// Whether a person may answer that warning by keeping the conversation, which counts as activity in it.
    pub may_keep: bool,
}

impl PlanTerms {
    /// Whether the plan is for organisations.
    pub fn is_commercial(&self) -> bool {
        self.audience == Audience::Commercial
    }
}

/// What a tier permits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierTerms {
    /// The tier.
    pub tier: Tier,
    /// One line that says what it means for people; may be empty.
    pub title: String,
    /// The grounds that may open.
    pub grounds: Vec<GroundKind>,
    /// Whether conversations may train, consent given.
    pub training: bool,
    /// Whether covered models may be used.
    pub covered_models: bool,
}

/// What a provider says about a model, as far as the policy knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelTerms {
    /// The model's name in the policy, perhaps a beginning with `*`; empty for a model it does not know.
    pub pattern: String,
    /// Who serves it.
    pub provider: Option<String>,
    /// Whether its prompts and outputs must be kept for safety.
    pub covered: bool,
    /// How long the provider keeps prompts and outputs unless something else was agreed.
    pub default_retention: Option<RetentionSpan>,
    /// How long the provider keeps what it flags.
    pub flagged_retention: Option<RetentionSpan>,
    /// Whether the provider trains on what it is sent; `None`: the policy does not say.
    pub training: Option<bool>,
    /// Whether the provider flags violations by itself; `None`: the policy does not say.
    pub flagging: Option<bool>,
    /// Where the provider computes.
    pub region: Option<String>,
    /// How long prompts and outputs must be kept here.
    pub required_minimum: Option<RetentionSpan>,
    /// The provider's words, or theirs in short.
    pub clause: String,
    /// Where the words come from.
    pub source: Option<Source>,
}

/// A document that a clause was taken from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its short name in the policy.
    pub name: String,
    /// Its title.
    pub title: String,
    /// The day it was read, `YYYY-MM-DD`.
    pub read: String,
}

/// The periods that may be agreed with an organisation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CustomBounds {
    /// Not shorter.
    pub at_least: Option<RetentionSpan>,
    /// Not longer.
    pub at_most: Option<RetentionSpan>,
}

/// A rule as it stands in the policy.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name.
    pub id: String,
    /// The ground.
    pub ground: GroundKind,
    /// The legal basis.
    pub basis: LegalBasis,
    /// The promise in words.
    pub clause: String,
    /// Where the words come from.
    pub source: Option<Source>,
    /// What people are shown about it.
    pub notice: Option<String>,
    /// Whether later policies may only tighten it.
    pub locked: bool,
    /// How explicit it is about deletion.
    pub level: Level,
    /// What it does to records that exist when it comes.
    pub existing_records: ExistingRecords,
    pub(crate) months: MonthLength,
    pub(crate) line: usize,
    pub(crate) scope: Scope,
    pub(crate) terms: Vec<(Wish, Term)>,
}

/// What a term in a rule asks for, as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Wish {
    Minimum,
    Maximum,
    Retain,
    Delete,
}

/// The situations a rule is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) plans: Vec<Plan>,
    pub(crate) tiers: Vec<Tier>,
    pub(crate) classes: Vec<RecordClass>,
    pub(crate) agreements: Vec<Agreement>,
    pub(crate) covered: Option<bool>,
    pub(crate) training: Option<bool>,
}

impl Scope {
    pub(crate) fn contains(&self, situation: Situation) -> bool {
        self.plans.contains(&situation.plan)
            && self.tiers.contains(&situation.tier)
            && self.classes.contains(&situation.class)
            && self.agreements.contains(&situation.agreement)
            && self.covered.is_none_or(|covered| covered == situation.covered)
            && self.training.is_none_or(|training| training == situation.training)
    }
}

/// What is decided in one situation. Many situations share one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Program {
    pub(crate) grounds: [GroundProgram; GroundKind::ALL.len()],
    /// The event that made the record exist, when that was no capture.
    pub(crate) made_by: Option<ClockStart>,
    /// Whether the service ground's end is fixed at capture.
    pub(crate) service_end_is_fixed: bool,
}

/// What is decided about one ground.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct GroundProgram {
    /// The rules that open it; none: it never opens.
    pub(crate) rules: Vec<u16>,
    pub(crate) claims: Vec<ClaimProgram>,
}

/// A claim whose date is not worked out yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ClaimProgram {
    pub(crate) effect: Effect,
    pub(crate) start: ClockStart,
    pub(crate) span: TermSpan,
    pub(crate) months: MonthLength,
    pub(crate) rule: u16,
}

impl ClaimProgram {
    /// Whether the claim's date only ever comes closer: it wants an end, not a delay.
    pub(crate) const fn ends(self) -> bool {
        !matches!(self.effect, Effect::Minimum | Effect::Retain)
    }
}

impl Policy {
    /// Reads, checks and compiles a policy.
    ///
    /// # Errors
    /// With everything that is wrong with it.
    pub fn parse(text: &str) -> Result<Self, PolicyProblems> {
        crate::language::parse(text)
    }

    /// The policy's short name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One line that says for whom it is.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// A few sentences for the people governed by it.
    pub fn summary(&self) -> &str {
        &self.summary
    }

    /// What a plan says; `None`: the policy has no such plan, and nothing may be captured under it.
    pub fn plan(&self, plan: Plan) -> Option<&PlanTerms> {
        self.plans.iter().find(|terms| terms.plan == plan)
    }

    /// Every plan it has.
    pub fn plans(&self) -> &[PlanTerms] {
        &self.plans
    }

    /// What a tier permits.
    pub fn tier(&self, tier: Tier) -> Option<&TierTerms> {
        self.tiers.iter().find(|terms| terms.tier == tier)
    }

    /// What the policy knows about a model. The exact name wins, then the longest beginning.
    pub fn model(&self, name: &str) -> &ModelTerms {
        let fits = |terms: &&ModelTerms| match terms.pattern.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => terms.pattern == name,
        };
        let weight = |terms: &&ModelTerms| (!terms.pattern.ends_with('*'), terms.pattern.len());
        self.models.iter().filter(fits).max_by_key(weight).unwrap_or(&self.unknown_model)
    }

    /// Every model entry.
    pub fn models(&self) -> &[ModelTerms] {
        &self.models
    }

    /// What people call a region.
    pub fn region_title(&self, name: &str) -> Option<&str> {
        self.regions.iter().find(|(region, _)| region == name).map(|(_, title)| title.as_str())
    }

    /// The periods that may be agreed with an organisation.
    pub fn custom_bounds(&self) -> CustomBounds {
        self.custom_bounds
    }

    /// How long what a legal hold held is kept after its release, unless the release says otherwise.
    pub fn release_grace(&self) -> RetentionSpan {
        self.release_grace
    }

    /// What the policy says about people's requests.
    pub fn rights(&self) -> &RightsTerms {
        &self.rights
    }

    /// What the policy says about safeguards.
    pub fn safety(&self) -> &SafetyTerms {
        &self.safety
    }

    /// The rules in the order of the file.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether the situation can come about under this policy.
    pub fn is_reachable(&self, situation: Situation) -> bool {
        let Some(plan) = self.plan(situation.plan) else { return false };
        let Some(tier) = self.tier(situation.tier) else { return false };
        plan.tiers.contains(&situation.tier)
            && plan.agreements.contains(&situation.agreement)
            && plan.classes.contains(&situation.class)
            && (!situation.covered || (tier.covered_models && situation.class.is_conversation()))
            && (!situation.training || self.may_train(situation))
    }

    /// Whether consent to training means anything in the situation. Where it does not, records are treated as if there
    /// were none.
    pub fn may_train(&self, situation: Situation) -> bool {
        self.plan(situation.plan).is_some_and(|plan| plan.training == TrainingChoice::Ask)
            && self.tier(situation.tier).is_some_and(|tier| tier.training)
            && situation.class.may_train()
            && situation.agreement == Agreement::Standard
    }

    /// Decides: for each ground, whether it holds and until when. Pure, and the same whenever it is asked.
    ///
    /// Grounds with one key for a whole day (see [`GroundKind::has_key_per_day`]) end at 00:00 UTC. What must be kept
    /// at least a span is then kept that many full days after the day of the event; what may be kept at most a span
    /// ends at the start of the day. Where both ask the same span, the minimum's rounding wins.
    pub fn schedule(&self, situation: Situation, facts: &Facts) -> Schedule {
        let mut schedule = Schedule::default();
        let Some(program) = self.program(situation) else { return schedule };
        let moments = Moments::new(facts, program.made_by, self.custom_bounds);
        for ground in GroundKind::ALL {
            let standing =
                program.resolve(ground, &moments).map(|resolution| moments.standing(resolution.end));
            schedule.set(ground, standing.unwrap_or_default());
        }
        schedule
    }

    /// Whether the service ground's end is known at capture and no later event can extend it. Such records lie in a
    /// bucket for the day of their end, so that end is rounded down to 00:00 UTC.
    pub fn service_end_is_fixed(&self, situation: Situation) -> bool {
        self.program(situation).is_some_and(|program| program.service_end_is_fixed)
    }

    pub(crate) fn program(&self, situation: Situation) -> Option<&Program> {
        self.programs.get(usize::from(*self.cells.get(situation.index())?))
    }

    pub(crate) fn rule(&self, number: u16) -> Option<&Rule> {
        self.rules.get(usize::from(number))
    }
}

impl Program {
    /// Works out one ground's end; `None` when it has not opened.
    pub(crate) fn resolve(&self, ground: GroundKind, moments: &Moments) -> Option<Resolution> {
        let program = self.grounds.get(ground as usize)?;
        if program.rules.is_empty() {
            return None;
        }
        let held = ground == GroundKind::LegalHold && moments.held;
        match ground.opens_with() {
            Some(start) => moments.of(start).map(|_| ())?,
            None if held || moments.of(ClockStart::Release).is_some() => {}
            None => return None,
        }
        let whole_days = self.rounds(ground);
        Some(resolve(program.claims.iter().filter_map(|claim| claim.claim(moments, whole_days)), held))
    }

    /// Whether the ground ends at midnight only.
    pub(crate) fn rounds(&self, ground: GroundKind) -> bool {
        ground.has_key_per_day() || (ground == GroundKind::Service && self.service_end_is_fixed)
    }
}

impl ClaimProgram {
    /// The claim with its date; `None` while its event has not happened.
    pub(crate) fn claim(self, moments: &Moments, whole_days: bool) -> Option<Claim> {
        let event = moments.of(self.start)?;
        // A release may name an end of its own.
        if let Some(at) = moments.release_ends_at.filter(|_| self.start == ClockStart::Release) {
            return Some(Claim { at: at.max(event), rule: self.rule, effect: self.effect });
        }
        let span = match self.span {
            TermSpan::Fixed(span) => span,
            TermSpan::Agreed => moments.custom?,
        };
        // What ends at once needs no rounding: the event's own day would end before the event.
        let event = match (whole_days && !span.is_zero(), self.ends()) {
            (false, _) => event,
            (true, true) => start_of_day(event),
            (true, false) => RetentionSpan::days(1).after(start_of_day(event)),
        };
        let after = |span: RetentionSpan| match self.months {
            MonthLength::Calendar => span.after(event),
            MonthLength::ThirtyDays => span.with_months_of_30_days().after(event),
        };
        let at = match self.span {
            TermSpan::Fixed(_) => after(span),
            TermSpan::Agreed => {
                let least = moments.bounds.at_least.map_or(Timestamp::MIN, after);
                after(span).min(moments.bounds.at_most.map_or(Timestamp::MAX, after)).max(least)
            }
        };
        let at = match (whole_days && !span.is_zero(), self.ends()) {
            (true, false) if at != start_of_day(at) => RetentionSpan::days(1).after(start_of_day(at)),
            (true, _) => start_of_day(at),
            (false, _) => at,
        };
        Some(Claim { at, rule: self.rule, effect: self.effect })
    }
}

/// The dates of a record's events, ready for clocks to start from.
#[derive(Debug)]
pub(crate) struct Moments {
    events: [Option<Timestamp>; ClockStart::ALL.len()],
    latest: Timestamp,
    held: bool,
    release_ends_at: Option<Timestamp>,
    custom: Option<RetentionSpan>,
    bounds: CustomBounds,
}

impl Moments {
    pub(crate) fn new(facts: &Facts, made_by: Option<ClockStart>, bounds: CustomBounds) -> Self {
        let created = facts.created_at;
        let since = |event: Option<Timestamp>| event.map(|event| event.max(created));
        let made = |start, event: Option<Timestamp>| {
            since(if made_by == Some(start) { event.or(Some(created)) } else { event })
        };
        let case_opened = since(facts.case_opened_at);
        let case_closed =
            since(facts.case_closed_at).filter(|closed| case_opened.is_some_and(|opened| *closed >= opened));
        // In the order of ClockStart.
        let events = [
            Some(created),
            since(facts.last_active_at).or(Some(created)),
            since(facts.deleted_at),
            since(facts.closed_at),
            made(ClockStart::Flag, facts.flagged_at),
            made(ClockStart::Feedback, facts.feedback_at),
            case_opened,
            case_closed,
            since(facts.erasure_requested_at),
            since(facts.released_at),
        ];
        Self {
            events,
            latest: facts.latest_event(),
            held: facts.held,
            release_ends_at: facts.release_ends_at,
            custom: facts.custom,
            bounds,
        }
    }

    pub(crate) fn of(&self, start: ClockStart) -> Option<Timestamp> {
        self.events.get(start as usize).copied().flatten()
    }

    /// An end that lies before something that has happened is in the past.
    pub(crate) fn standing(&self, end: End) -> Standing {
        match end {
            End::NotKept => Standing::NotOpen,
            End::Open => Standing::Holds { until: None },
            End::At(at) if at <= self.latest => Standing::Ended { at },
            End::At(at) => Standing::Holds { until: Some(at) },
        }
    }
}
