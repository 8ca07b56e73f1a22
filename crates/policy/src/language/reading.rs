//! From what is written to what is meant: references are looked up, `same_as` is followed, defaults are filled in.

use std::collections::BTreeMap;

use toml::Spanned;

use super::document::{AgreementText, Document, ModelText, PlanText, RuleText, TierText, TrainingChoice};
use super::problem::{PolicyProblem, ProblemKind};
use crate::edge::Timestamp;
use crate::ground::GroundKind;
use crate::retention::{
    Agreement, ClockStart, CustomBounds, Facts, ModelTerms, Plan, PlanTerms, RecordClass, RetentionSpan,
    Rule, Scope, Situation, Source, Term, TermSpan, Tier, TierTerms, Wish,
};

/// What a hold leaves after its release where a policy does not say: 30 days.
const RELEASE_GRACE_DEFAULT: RetentionSpan = RetentionSpan::days(30);
/// The longest that a policy may say, and an operator.
const RELEASE_GRACE_MAX: RetentionSpan = RetentionSpan::days(365);

/// A document being read, with the problems found so far.
pub(crate) struct Reading<'a> {
    pub(crate) document: &'a Document,
    text: &'a str,
    pub(crate) problems: Vec<PolicyProblem>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(document: &'a Document, text: &'a str) -> Self {
        Self { document, text, problems: Vec::new() }
    }

    /// The line of a place in the text, from 1.
    pub(crate) fn line<T>(&self, value: &Spanned<T>) -> usize {
        line_of(self.text, value.span().start)
    }

    fn problem(&mut self, kind: ProblemKind, line: Option<usize>, text: String) {
        self.problems.push(PolicyProblem::new(kind, line, text));
    }

    /// Every plan, complete; what is not is a problem.
    pub(crate) fn plans(&mut self) -> Vec<PlanTerms> {
        let document = self.document;
        let mut plans = Vec::new();
        for (plan, written) in &document.plans {
            let line = self.line(written);
            let Some(text) = self.inherited_plan(*plan, line) else { continue };
            if let Some(terms) = self.plan(*plan, line, text) {
                plans.push(terms);
            }
        }
        if document.plans.is_empty() {
            self.problem(
                ProblemKind::Missing,
                None,
                "there is no plan; write one, as in `[plans.free]`".to_owned(),
            );
        }
        plans
    }

    fn inherited_plan(&mut self, plan: Plan, line: usize) -> Option<PlanText> {
        let (mut text, mut next, mut seen) = (PlanText::default(), Some(plan), Vec::new());
        while let Some(current) = next {
            if seen.contains(&current) {
                let way =
                    seen.iter().chain([&current]).map(|plan| plan.name()).collect::<Vec<_>>().join(" → ");
                self.problem(
                    ProblemKind::Cycle,
                    Some(line),
                    format!("plan {plan}: `same_as` leads in a circle ({way}); write one of these plans out"),
                );
                return None;
            }
            seen.push(current);
            let Some(from) = self.document.plans.get(&current).map(Spanned::get_ref) else {
                self.problem(
                    ProblemKind::Unknown,
                    Some(line),
                    format!("plan {plan}: `same_as` names {current}, which this policy does not have; add `[plans.{current}]`"),
                );
                return None;
            };
            let from = from.clone();
            next = from.same_as;
            text = PlanText {
                same_as: None,
                audience: text.audience.or(from.audience),
                tier: text.tier.or(from.tier),
                tiers: text.tiers.or(from.tiers),
                tier_chosen_by: text.tier_chosen_by.or(from.tier_chosen_by),
                agreements: text.agreements.or(from.agreements),
                classes: text.classes.or(from.classes),
                api_class: text.api_class.or(from.api_class),
                training: text.training.or(from.training),
                region: text.region.or(from.region),
                notice: text.notice.or(from.notice),
                warn_before: text.warn_before.or(from.warn_before),
                may_keep: text.may_keep.or(from.may_keep),
            };
        }
        Some(text)
    }

    fn plan(&mut self, plan: Plan, line: usize, text: PlanText) -> Option<PlanTerms> {
        let missing: Vec<&str> = [
            ("audience", text.audience.is_none()),
            ("tier", text.tier.is_none()),
            ("training", text.training.is_none()),
            ("region", text.region.is_none()),
        ]
        .into_iter()
        .filter_map(|(key, missing)| missing.then_some(key))
        .collect();
        let (Some(audience), Some(tier), Some(training), Some(region)) =
            (text.audience, text.tier, text.training, text.region)
        else {
            self.problem(
                ProblemKind::Missing,
                Some(line),
                format!(
                    "plan {plan} lacks {}; say it here, or in the plan that `same_as` names",
                    missing.join(", ")
                ),
            );
            return None;
        };
        let region_known = self.document.regions.contains_key(&region);
        self.require_known(region_known, line, &format!("plan {plan}"), "region", &region);
        self.notice(line, &format!("plan {plan}"), text.notice.as_deref());
        let mut tiers = text.tiers.unwrap_or_else(|| vec![tier]);
        if !tiers.contains(&tier) {
            self.problem(
                ProblemKind::Missing,
                Some(line),
                format!("plan {plan}: its tier {tier} is not among its `tiers`; add it there"),
            );
        }
        tiers.sort_by_key(|candidate| *candidate != tier);
        let chosen_by = text.tier_chosen_by.unwrap_or_default();
        if (tiers.len() > 1) == chosen_by.is_empty() {
            self.problem(
                ProblemKind::Missing,
                Some(line),
                format!("plan {plan}: more than one tier and `tier_chosen_by` go together: who chooses, and among what?"),
            );
        }
        Some(PlanTerms {
            plan,
            audience,
            tier,
            tiers,
            tier_chosen_by: chosen_by,
            agreements: text.agreements.unwrap_or_else(|| vec![Agreement::Standard]),
            classes: text.classes.unwrap_or_else(|| RecordClass::ALL.to_vec()),
            api_class: text.api_class.unwrap_or(RecordClass::Api),
            training,
            region,
            notice: text
                .notice
                .and_then(|name| self.document.notices.get(&name))
                .map(|notice| notice.text.clone()),
            warn_before: text.warn_before,
            may_keep: text.may_keep.unwrap_or(false),
        })
    }

    fn require_known(&mut self, known: bool, line: usize, whose: &str, kind: &str, name: &str) {
        if !known {
            self.problem(
                ProblemKind::Unknown,
                Some(line),
                format!("{whose} refers to the {kind} `{name}`, which does not exist; add `[{kind}s.{name}]` or correct the name"),
            );
        }
    }

    pub(super) fn notice(&mut self, line: usize, whose: &str, name: Option<&str>) -> Option<String> {
        let name = name?;
        let known = self.document.notices.get(name);
        self.require_known(known.is_some(), line, whose, "notice", name);
        known.map(|notice| notice.text.clone())
    }

    fn source(&mut self, line: usize, whose: &str, name: Option<&str>) -> Option<Source> {
        let name = name?;
        let known = self.document.sources.get(name).cloned();
        self.require_known(known.is_some(), line, whose, "source", name);
        let known = known?;
        if known.read.parse::<jiff::civil::Date>().is_err() {
            self.problem(
                ProblemKind::Syntax,
                Some(line),
                format!("source `{name}`: `read` is `{}`; write the day as in `2026-08-22`", known.read),
            );
        }
        Some(Source { name: name.to_owned(), title: known.title, read: known.read })
    }

    /// Every tier, with what is not said filled in.
    pub(crate) fn tiers(&self) -> Vec<TierTerms> {
        let terms = |tier: Tier| {
            let text: Option<&TierText> = self.document.tiers.get(&tier);
            TierTerms {
                tier,
                title: text.map(|text| text.title.clone()).unwrap_or_default(),
                grounds: text
                    .and_then(|text| text.grounds.clone())
                    .unwrap_or_else(|| GroundKind::ALL.to_vec()),
                training: text.and_then(|text| text.training).unwrap_or(true),
                covered_models: text.and_then(|text| text.covered_models).unwrap_or(true),
            }
        };
        Tier::ALL.into_iter().map(terms).collect()
    }

    /// The periods that may be agreed.
    pub(crate) fn custom_bounds(&mut self) -> CustomBounds {
        for (agreement, text) in &self.document.agreements {
            if *agreement != Agreement::Custom && (text.at_least.is_some() || text.at_most.is_some()) {
                self.problems.push(PolicyProblem::new(
                    ProblemKind::Contradiction,
                    None,
                    format!("agreements.{agreement}: only `custom` has a period that could have bounds; remove them"),
                ));
            }
        }
        let custom: Option<&AgreementText> = self.document.agreements.get(&Agreement::Custom);
        CustomBounds {
            at_least: custom.and_then(|text| text.at_least),
            at_most: custom.and_then(|text| text.at_most),
        }
    }

    /// How long what a hold held is kept after its release.
    pub(crate) fn release_grace(&mut self, rules: &[Rule]) -> RetentionSpan {
        let length = |span: RetentionSpan| span.after(Timestamp::UNIX_EPOCH);
        let said = rules.iter().filter(|rule| rule.ground == GroundKind::LegalHold).flat_map(|rule| {
            let release = |(_, term): &&(Wish, Term)| term.start == ClockStart::Release;
            rule.terms.iter().filter(release).filter_map(move |(_, term)| match term.span {
                TermSpan::Fixed(span) => Some((rule, span)),
                TermSpan::Agreed => None,
            })
        });
        let Some(written) = &self.document.holds else {
            let longest = said.map(|(_, span)| span).max_by_key(|span| length(*span));
            return longest.unwrap_or(RELEASE_GRACE_DEFAULT);
        };
        let (line, grace) = (self.line(written), written.get_ref().release_grace);
        if length(grace) > length(RELEASE_GRACE_MAX) {
            let words = format!("`release_grace` is {grace}; it is at most {RELEASE_GRACE_MAX}");
            self.problems.push(PolicyProblem::new(ProblemKind::Contradiction, Some(line), words));
        }
        for (rule, span) in said.filter(|(_, span)| length(*span) != length(grace)) {
            let words = format!(
                "what a hold held would end {span} after its release here, and {grace} after it by `release_grace`. Remove \
                 the term: the word holds for every rule of the ground legal-hold"
            );
            let mut facts = Facts::captured_at(super::check::example_day());
            facts.released_at = Some(facts.created_at);
            let mut problem = PolicyProblem::new(ProblemKind::Contradiction, Some(rule.line), words)
                .of_rules([rule.id.clone()]);
            let reached = Situation::all().find(|situation| rule.scope.contains(*situation));
            if let Some(situation) = reached {
                problem = problem.shown_by(situation, &facts);
            }
            self.problems.push(problem);
        }
        grace
    }

    /// Every model entry, with `same_as` followed.
    pub(crate) fn models(&mut self) -> Vec<ModelTerms> {
        let document = self.document;
        let mut by_name: BTreeMap<&str, &ModelText> = BTreeMap::new();
        for written in &document.models {
            let (line, name) = (self.line(written), written.get_ref().name.as_str());
            if by_name.insert(name, written.get_ref()).is_some() {
                self.problem(
                    ProblemKind::Duplicate,
                    Some(line),
                    format!("model `{name}` stands here twice; keep one"),
                );
            }
            if name.is_empty() || name.trim_end_matches('*').contains('*') || name.ends_with("**") {
                self.problem(
                    ProblemKind::Syntax,
                    Some(line),
                    format!("model `{name}`: a name, or its beginning and one `*` at the end"),
                );
            }
        }
        document.models.iter().filter_map(|written| self.model(&by_name, written)).collect()
    }

    fn model(
        &mut self,
        by_name: &BTreeMap<&str, &ModelText>,
        written: &Spanned<ModelText>,
    ) -> Option<ModelTerms> {
        let (line, name) = (self.line(written), written.get_ref().name.clone());
        let mut text = written.get_ref().clone();
        let mut seen = vec![name.clone()];
        while let Some(next) = text.same_as.take() {
            let Some(from) = by_name.get(next.as_str()) else {
                self.problem(
                    ProblemKind::Unknown,
                    Some(line),
                    format!("model `{name}`: `same_as` names `{next}`, which has no entry; add it or correct the name"),
                );
                return None;
            };
            if seen.contains(&next) {
                self.problem(
                    ProblemKind::Cycle,
                    Some(line),
                    format!(
                        "model `{name}`: `same_as` leads in a circle ({} → {next}); write one of them out",
                        seen.join(" → ")
                    ),
                );
                return None;
            }
            seen.push(next);
            text = filled(text, from);
        }
        let whose = format!("model `{name}`");
        if let Some(region) = &text.region {
            let known = self.document.regions.contains_key(region);
            self.require_known(known, line, &whose, "region", region);
        }
        let source = self.source(line, &whose, text.source.as_deref());
        Some(ModelTerms {
            pattern: name,
            provider: text.provider,
            covered: text.covered.unwrap_or(false),
            default_retention: text.default_retention,
            flagged_retention: text.flagged_retention,
            training: text.training,
            flagging: text.flagging,
            region: text.region,
            required_minimum: text.required_minimum,
            clause: text.clause.unwrap_or_default(),
            source,
        })
    }

    /// Every rule, with its scope spelled out.
    pub(crate) fn rules(&mut self, plans: &[PlanTerms]) -> Vec<Rule> {
        let document = self.document;
        let mut rules: Vec<Rule> = Vec::new();
        for written in &document.rules {
            let (line, text) = (self.line(written), written.get_ref());
            if let Some(first) = rules.iter().find(|rule| rule.id == text.id) {
                let id = text.id.clone();
                let text = format!("the id `{id}` stands in line {} already; ids name one rule", first.line);
                self.problems
                    .push(PolicyProblem::new(ProblemKind::Duplicate, Some(line), text).of_rules([id]));
                continue;
            }
            let rule = self.rule(line, text, plans);
            rules.push(rule);
        }
        rules
    }

    fn rule(&mut self, line: usize, text: &RuleText, plans: &[PlanTerms]) -> Rule {
        let whose = format!("rule `{}`", text.id);
        let about =
            |kind, words: String| PolicyProblem::new(kind, Some(line), words).of_rules([text.id.clone()]);
        for plan in text.plans.iter().flatten() {
            if !self.document.plans.contains_key(plan) {
                self.problems.push(about(
                    ProblemKind::Unknown,
                    format!("it names the plan {plan}, which this policy does not have; add `[plans.{plan}]` or remove it"),
                ));
            }
        }
        if let Some(purpose) = text.purpose
            && purpose.0 != text.ground.purpose()
        {
            self.problems.push(about(
                ProblemKind::Purpose,
                format!(
                    "the ground {} serves {} and nothing else, and the rule says {}; correct the purpose, or take the ground \
                     that serves it",
                    text.ground,
                    text.ground.purpose().dpv_term(),
                    purpose.0.dpv_term()
                ),
            ));
        }
        let mut terms = Vec::new();
        let mut take = |wish, list: &[Term]| terms.extend(list.iter().map(|term| (wish, *term)));
        take(Wish::Minimum, &text.minimum.0);
        take(Wish::Maximum, &text.maximum.0);
        take(Wish::Retain, &[text.retain.0.as_slice(), &text.keep.0].concat());
        take(Wish::Delete, &[text.delete.0.as_slice(), &text.keep.0].concat());
        if text.ground == GroundKind::LegalHold
            && !terms.iter().any(|(_, term)| term.start == ClockStart::Release)
        {
            // Said once, for every rule of the ground.
            let said = self.document.holds.as_ref().map(|holds| holds.get_ref().release_grace);
            let span = TermSpan::Fixed(said.unwrap_or(RELEASE_GRACE_DEFAULT));
            terms.push((Wish::Delete, Term { span, start: ClockStart::Release }));
        }
        if text.clause.trim().is_empty() {
            self.problems
                .push(about(ProblemKind::Missing, "it has no clause: say the promise in words".to_owned()));
        }
        let source = self.source(line, &whose, text.source.as_deref());
        let notice = self.notice(line, &whose, text.notice.as_deref());
        Rule {
            id: text.id.clone(),
            ground: text.ground,
            basis: text.basis.unwrap_or_else(|| text.ground.legal_basis()),
            clause: text.clause.clone(),
            source,
            notice,
            locked: text.locked,
            level: text.level.unwrap_or(crate::retention::Level::Scoped),
            existing_records: text.existing_records.unwrap_or(super::document::ExistingRecords::NeverLonger),
            months: text.months.unwrap_or(super::document::MonthLength::Calendar),
            line,
            scope: scope(text, plans, &terms),
            terms,
        }
    }
}

fn scope(text: &RuleText, plans: &[PlanTerms], terms: &[(Wish, Term)]) -> Scope {
    // Only people who are asked can have said yes: a rule about training means their plans.
    let asked = |terms: &&PlanTerms| text.training != Some(true) || terms.training == TrainingChoice::Ask;
    let all_plans = || plans.iter().filter(asked).map(|terms| terms.plan).collect();
    let fits = |class: &RecordClass| {
        text.ground.is_by_default_for(*class) && terms.iter().all(|(_, term)| class.has_clock(term.start))
    };
    Scope {
        plans: text.plans.clone().unwrap_or_else(all_plans),
        tiers: text.tiers.clone().unwrap_or_else(|| Tier::ALL.to_vec()),
        classes: text.classes.clone().unwrap_or_else(|| RecordClass::ALL.into_iter().filter(fits).collect()),
        agreements: text
            .agreements
            .clone()
            .unwrap_or_else(|| vec![Agreement::Standard, Agreement::Hipaa, Agreement::Custom]),
        covered: text.covered,
        training: text.training,
    }
}

fn filled(text: ModelText, from: &ModelText) -> ModelText {
    let from = from.clone();
    ModelText {
        name: text.name,
        same_as: from.same_as,
        provider: text.provider.or(from.provider),
        covered: text.covered.or(from.covered),
        default_retention: text.default_retention.or(from.default_retention),
        flagged_retention: text.flagged_retention.or(from.flagged_retention),
        training: text.training.or(from.training),
        flagging: text.flagging.or(from.flagging),
        region: text.region.or(from.region),
        required_minimum: text.required_minimum.or(from.required_minimum),
        clause: text.clause.or(from.clause),
        source: text.source.or(from.source),
    }
}

/// The line of a byte in a text, from 1.
pub(crate) fn line_of(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
}
