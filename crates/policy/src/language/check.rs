//! What a policy must not be: contradictory. Every finding shows an input that breaks it.

use std::collections::BTreeSet;

use super::document::{Audience, MonthLength, TrainingChoice};
use super::problem::{PolicyProblem, ProblemKind};
use super::spans::{first_excess, span_of};
use crate::edge::Timestamp;
use crate::ground::GroundKind;
use crate::retention::{
    Agreement, ClaimProgram, ClockStart, Effect, End, Facts, GroundProgram, Policy, RecordClass,
    RetentionSpan, Rule, Situation, TermSpan, Tier,
};

/// Everything that is wrong with a compiled policy.
pub(crate) fn check(policy: &Policy) -> Vec<PolicyProblem> {
    let mut problems = Vec::new();
    plans(policy, &mut problems);
    tiers(policy, &mut problems);
    for rule in &policy.rules {
        rule_alone(policy, rule, &mut problems);
    }
    let mut seen = BTreeSet::new();
    for situation in Situation::all().filter(|situation| policy.is_reachable(*situation)) {
        without_defaults(policy, situation, &mut problems);
        covered_minimum(policy, situation, &mut problems);
        let Some(number) = policy.cells.get(situation.index()) else { continue };
        if !seen.insert(*number) {
            continue;
        }
        let Some(program) = policy.program(situation) else { continue };
        for (ground, program) in GroundKind::ALL.into_iter().zip(&program.grounds) {
            if !program.rules.is_empty() {
                bounds(policy, situation, program, &mut problems);
                bases(policy, situation, program, &mut problems);
                ends(policy, situation, ground, program, &mut problems);
            }
        }
        withdrawal(policy, situation, &mut problems);
    }
    one_of_each(problems)
}

/// One problem of a kind for the same rules: further situations show nothing new.
fn one_of_each(problems: Vec<PolicyProblem>) -> Vec<PolicyProblem> {
    let mut seen = BTreeSet::new();
    problems
        .into_iter()
        .filter(|problem| {
            let whose = if problem.rules.is_empty() { problem.text.clone() } else { String::new() };
            seen.insert((problem.kind, problem.line, problem.rules.clone(), whose))
        })
        .collect()
}

type Problems = Vec<PolicyProblem>;

fn plans(policy: &Policy, problems: &mut Problems) {
    for plan in &policy.plans {
        let mut add = |kind, text: String| problems.push(PolicyProblem::new(kind, None, text));
        let name = plan.plan;
        if plan.is_commercial() && plan.training == TrainingChoice::Ask {
            add(
                ProblemKind::Training,
                format!(
                    "plan {name} is commercial, and its people would be asked about training. Say `training = \"never\"`"
                ),
            );
        }
        if !plan.is_commercial() && plan.agreements.contains(&Agreement::ZeroRetention) {
            add(
                ProblemKind::Contradiction,
                format!(
                    "plan {name} is for people, and zero retention is agreed with organisations. Remove it from `agreements`"
                ),
            );
        }
        let agreed = |rule: &Rule| {
            rule.scope.plans.contains(&name)
                && rule.scope.agreements.contains(&Agreement::Custom)
                && rule.terms.iter().any(|(_, term)| term.span == TermSpan::Agreed)
        };
        if plan.agreements.contains(&Agreement::Custom) && !policy.rules.iter().any(agreed) {
            add(
                ProblemKind::Missing,
                format!(
                    "plan {name} allows a custom agreement, and no rule uses its period. Add one with `as agreed after …`"
                ),
            );
        }
        if !plan.classes.contains(&plan.api_class) || !plan.api_class.is_conversation() {
            add(
                ProblemKind::Contradiction,
                format!(
                    "plan {name}: `api_class` is {}, which is no class of conversation that it has",
                    plan.api_class
                ),
            );
        }
    }
}

/// A tier on which no court order could keep anything.
fn tiers(policy: &Policy, problems: &mut Problems) {
    let offered = |tier: &&crate::TierTerms| policy.plans.iter().any(|plan| plan.tiers.contains(&tier.tier));
    let holds = policy.rules.iter().any(|rule| rule.ground == GroundKind::LegalHold);
    for tier in policy.tiers.iter().filter(offered) {
        if holds && !tier.grounds.contains(&GroundKind::LegalHold) {
            let text = format!(
                "tier {}: its `grounds` leave out legal-hold, so a court order could keep nothing there. Add it",
                tier.tier
            );
            problems.push(PolicyProblem::new(ProblemKind::Contradiction, None, text));
        }
    }
}

fn rule_alone(policy: &Policy, rule: &Rule, problems: &mut Problems) {
    let mut add = |kind, text: String| {
        problems.push(PolicyProblem::new(kind, Some(rule.line), text).of_rules([rule.id.clone()]));
    };
    for class in &rule.scope.classes {
        if !rule.ground.is_for(*class) {
            add(
                ProblemKind::Clock,
                format!(
                    "records of class {class} cannot be kept on the ground {}. Remove the class",
                    rule.ground
                ),
            );
        }
        if let Some((_, term)) = rule.terms.iter().find(|(_, term)| !class.has_clock(term.start)) {
            add(
                ProblemKind::Clock,
                format!(
                    "`{term}`: {} cannot happen to records of class {class}. Take another clock, or remove the class",
                    term.start
                ),
            );
        }
    }
    if rule.scope.training == Some(true) {
        let commercial = |terms: &&crate::PlanTerms| {
            terms.audience == Audience::Commercial && rule.scope.plans.contains(&terms.plan)
        };
        for plan in policy.plans.iter().filter(commercial) {
            add(
                ProblemKind::Training,
                format!(
                    "it is for records that may train, and plan {} is commercial, which never trains. Remove the plan",
                    plan.plan
                ),
            );
        }
    }
    if rule.scope.agreements.contains(&Agreement::ZeroRetention) {
        let promise =
            "under zero retention nothing is kept after the answer but what safety or the law demands";
        if matches!(rule.ground, GroundKind::Service | GroundKind::Feedback)
            && rule.scope.classes.iter().any(|class| class.is_conversation())
        {
            add(
                ProblemKind::Contradiction,
                format!("{promise}, and the ground {} is neither. Remove `zero-retention`", rule.ground),
            );
        }
        if rule.ground == GroundKind::SafetyWindow && rule.scope.covered != Some(true) {
            add(
                ProblemKind::Contradiction,
                format!("{promise}: a safety window is for covered models only. Say `covered = true`"),
            );
        }
    }
    if rule.ground.has_key_per_day()
        && let Some((_, term)) = rule.terms.iter().find(|(_, term)| {
            matches!(term.span, TermSpan::Fixed(span) if !span.is_zero() && span.is_shorter_than_a_day())
        })
    {
        add(ProblemKind::Contradiction, format!("`{term}`: the ground {} ends at 00:00 UTC only. Take whole days", rule.ground));
    }
    let reached =
        Situation::all().any(|situation| policy.is_reachable(situation) && reaches(policy, rule, situation));
    if !reached {
        add(
            ProblemKind::Unreachable,
            "no record can ever come under it: no plan has this tier, class and agreement together. Widen it or remove it".to_owned(),
        );
    }
}

fn reaches(policy: &Policy, rule: &Rule, situation: Situation) -> bool {
    policy.program(situation).and_then(|program| program.grounds.get(rule.ground as usize)).is_some_and(
        |program| {
            program.rules.iter().any(|number| policy.rule(*number).is_some_and(|other| other.id == rule.id))
        },
    )
}

fn without_defaults(policy: &Policy, situation: Situation, problems: &mut Problems) {
    let tier_serves =
        policy.tier(situation.tier).is_some_and(|tier| tier.grounds.contains(&GroundKind::Service));
    let kept = policy
        .program(situation)
        .and_then(|program| program.grounds.get(GroundKind::Service as usize))
        .is_some_and(|program| !program.rules.is_empty());
    if situation.class.is_conversation()
        && situation.agreement != Agreement::ZeroRetention
        && !kept
        && (situation.tier, situation.covered, situation.training)
            == (first_tier(policy, situation), false, false)
    {
        let (plan, class) = (situation.plan, situation.class);
        let why = if tier_serves { "" } else { ", whose tier does not open the ground service" };
        let text = format!(
            "plan {plan} says nothing about keeping {class} under the agreement {}{why}. Add a rule with `ground = \"service\"`, or \
             leave {class} out of its `classes`",
            situation.agreement
        );
        problems.push(
            PolicyProblem::new(ProblemKind::Missing, None, text)
                .shown_by(situation, &Facts::captured_at(example_day())),
        );
    }
}

fn first_tier(policy: &Policy, situation: Situation) -> Tier {
    policy.plan(situation.plan).map_or(situation.tier, |plan| plan.tier)
}

/// What a covered model demands must be kept wherever one may be used.
fn covered_minimum(policy: &Policy, situation: Situation, problems: &mut Problems) {
    if !situation.covered {
        return;
    }
    let Some(program) =
        policy.program(situation).and_then(|program| program.grounds.get(GroundKind::SafetyWindow as usize))
    else {
        return;
    };
    for model in policy.models.iter().filter(|model| model.covered) {
        let Some(required) = model.required_minimum else { continue };
        let enough = |claim: &ClaimProgram| {
            claim.effect == Effect::Minimum
                && claim.start == ClockStart::Creation
                && span_of(claim).is_some_and(|span| first_excess(required, span).is_none())
        };
        if !program.claims.iter().any(enough) {
            let text = format!(
                "the covered model `{}` demands that prompts and outputs are kept {required} for safety, and nothing keeps them \
                 that long. Add a rule with `ground = \"safety-window\"`, `covered = true`, `minimum = \"{required} after creation\"`{}, \
                 or say `covered_models = false` for the tier {}",
                model.pattern,
                if situation.agreement == Agreement::ZeroRetention { " for `zero-retention`" } else { "" },
                situation.tier,
            );
            let facts = Facts::captured_at(example_day());
            let mut problem =
                PolicyProblem::new(ProblemKind::Contradiction, None, text).shown_by(situation, &facts);
            problem.rules = Vec::new();
            if !problems.iter().any(|other| other.text == problem.text) {
                problems.push(problem);
            }
        }
    }
}

/// A minimum, or retention, above a maximum.
fn bounds(policy: &Policy, situation: Situation, program: &GroundProgram, problems: &mut Problems) {
    let least = |claim: &&ClaimProgram| matches!(claim.effect, Effect::Minimum | Effect::Retain);
    for minimum in program.claims.iter().filter(least) {
        for maximum in program.claims.iter().filter(|claim| claim.effect == Effect::Maximum) {
            let Some(facts) = breaking(policy, minimum, maximum) else { continue };
            let (Some(lower), Some(upper)) = (policy.rule(minimum.rule), policy.rule(maximum.rule)) else {
                continue;
            };
            let moments =
                crate::retention::Moments::new(&facts, situation.class.made_by(), policy.custom_bounds);
            let date = |claim: &ClaimProgram| {
                claim.claim(&moments, false).map_or_else(String::new, |claim| claim.at.to_string())
            };
            let word = if minimum.effect == Effect::Minimum { "minimum" } else { "retention" };
            let text = format!(
                "the {word} ({}) is above the maximum ({}): the record must be kept until {} and gone by {}. Shorten the one, \
                 lengthen the other, or narrow a rule so that they do not meet",
                words(minimum),
                words(maximum),
                date(minimum),
                date(maximum),
            );
            let mut rules = vec![lower.id.clone(), upper.id.clone()];
            rules.dedup();
            problems.push(
                PolicyProblem::new(ProblemKind::Contradiction, Some(lower.line), text)
                    .of_rules(rules)
                    .shown_by(situation, &facts),
            );
        }
    }
}

fn words(claim: &ClaimProgram) -> String {
    crate::retention::Term { span: claim.span, start: claim.start }.to_string()
        + if claim.months == MonthLength::ThirtyDays { ", months of 30 days" } else { "" }
}

/// Facts under which the lower bound lies above the upper one.
fn breaking(policy: &Policy, minimum: &ClaimProgram, maximum: &ClaimProgram) -> Option<Facts> {
    let custom = [minimum.span, maximum.span].contains(&TermSpan::Agreed);
    if !custom {
        return breaking_with(minimum, maximum, span_of(minimum)?, span_of(maximum)?, None);
    }
    // The ends of what may be agreed are the inputs that can break it.
    let least = policy.custom_bounds.at_least.unwrap_or(RetentionSpan::days(1));
    let most = policy.custom_bounds.at_most.unwrap_or(RetentionSpan::years(100));
    [least, most].into_iter().find_map(|agreed| {
        let of = |claim: &ClaimProgram| match claim.span {
            TermSpan::Fixed(_) => span_of(claim),
            TermSpan::Agreed => span_of(&ClaimProgram { span: TermSpan::Fixed(agreed), ..*claim }),
        };
        breaking_with(minimum, maximum, of(minimum)?, of(maximum)?, Some(agreed))
    })
}

fn breaking_with(
    minimum: &ClaimProgram,
    maximum: &ClaimProgram,
    lower: RetentionSpan,
    upper: RetentionSpan,
    custom: Option<RetentionSpan>,
) -> Option<Facts> {
    use ClockStart::{CaseClosing, CaseOpening, Creation};
    let together = minimum.start == maximum.start
        || matches!((minimum.start, maximum.start), (Creation, _) | (CaseOpening, CaseClosing));
    if together {
        // The upper clock starts no earlier than the lower one, so the worst is that both start at once.
        let start = first_excess(lower, upper)?;
        let facts = Facts { custom, ..Facts::captured_at(start) };
        return Some(with(with(facts, minimum.start, start), maximum.start, start));
    }
    // The lower clock can start as late as one likes.
    let start = example_day();
    let late = RetentionSpan::days(1).after(upper.after(start));
    let facts = Facts { custom, ..Facts::captured_at(start) };
    Some(with(with(facts, maximum.start, start), minimum.start, late))
}

/// The facts with one more event.
pub(crate) fn with(mut facts: Facts, start: ClockStart, at: Timestamp) -> Facts {
    match start {
        ClockStart::Creation => facts.created_at = at,
        ClockStart::LastActivity => facts.last_active_at = Some(at),
        ClockStart::Deletion => facts.deleted_at = Some(at),
        ClockStart::Closing => facts.closed_at = Some(at),
        ClockStart::Flag => facts.flagged_at = Some(at),
        ClockStart::Feedback => facts.feedback_at = Some(at),
        ClockStart::CaseOpening => facts.case_opened_at = Some(at),
        ClockStart::CaseClosing => {
            facts.case_opened_at = facts.case_opened_at.or(Some(facts.created_at));
            facts.case_closed_at = Some(at);
        }
        ClockStart::Erasure => facts.erasure_requested_at = Some(at),
        ClockStart::Release => facts.released_at = Some(at),
    }
    facts
}

/// Rules that open one ground on different legal bases, at the same level: which one does it rest on?
fn bases(policy: &Policy, situation: Situation, program: &GroundProgram, problems: &mut Problems) {
    let rules: Vec<&Rule> = program.rules.iter().filter_map(|number| policy.rule(*number)).collect();
    let Some(level) = rules.iter().map(|rule| rule.level).max() else { return };
    let mut top = rules.iter().filter(|rule| rule.level == level);
    let Some(first) = top.next() else { return };
    if let Some(other) = top.find(|rule| rule.basis != first.basis) {
        let text = format!(
            "both open the ground {} for the same records at the same level, one on {}, the other on {}. Give one of them a more \
             explicit `level`, or narrow it",
            first.ground, first.basis, other.basis
        );
        problems.push(
            PolicyProblem::new(ProblemKind::Overlap, Some(other.line), text)
                .of_rules([first.id.clone(), other.id.clone()])
                .shown_by(situation, &Facts::captured_at(example_day())),
        );
    }
}

/// Every ground must be able to end: by itself, or by the event that is its person's or its case's to bring about.
fn ends(
    policy: &Policy,
    situation: Situation,
    ground: GroundKind,
    program: &GroundProgram,
    problems: &mut Problems,
) {
    let opens = ground.opens_with().unwrap_or(ClockStart::Release);
    let by_itself = |claim: &ClaimProgram| {
        claim.ends()
            && (claim.start == opens
                || matches!(claim.start, ClockStart::Creation | ClockStart::LastActivity))
    };
    let any = |test: &dyn Fn(&ClaimProgram) -> bool| program.claims.iter().any(test);
    let missing = match ground {
        GroundKind::Service if any(&by_itself) => None,
        GroundKind::Service => (!any(&|claim| claim.start == ClockStart::Deletion)
            && situation.class.is_conversation())
        .then_some("nothing ends it when the person deletes: add `delete = \"… after deletion\"`"),
        GroundKind::Investigation => (!any(&by_itself)
            && !any(&|claim| claim.start == ClockStart::CaseClosing))
        .then_some(
            "nothing ends it: add `delete = \"at case-closing\"` and `maximum = \"… after case-opening\"`",
        ),
        _ => (!any(&by_itself)).then_some("nothing ends it: add `keep`, `delete` or `maximum`"),
    };
    let erasable = matches!(ground, GroundKind::Service | GroundKind::Feedback)
        && situation.class.has_clock(ClockStart::Erasure)
        && !any(&|claim| claim.start == ClockStart::Erasure);
    let missing = missing.or(erasable.then_some(
        "a request for erasure would change nothing: add `delete = \"… after erasure\"`, at most a month",
    ));
    if let Some(missing) = missing {
        let rules: Vec<&Rule> = program.rules.iter().filter_map(|number| policy.rule(*number)).collect();
        let text = format!("ground {ground} for {}: {missing}", situation.class);
        let facts = Facts::captured_at(example_day());
        problems.push(
            PolicyProblem::new(ProblemKind::Missing, rules.first().map(|rule| rule.line), text)
                .of_rules(rules.iter().map(|rule| rule.id.clone()))
                .shown_by(situation, &facts),
        );
    }
}

/// Taking consent back must never keep a record longer.
fn withdrawal(policy: &Policy, situation: Situation, problems: &mut Problems) {
    if !situation.training {
        return;
    }
    let withdrawn = Situation { training: false, ..situation };
    for class_facts in representative(situation.class) {
        for ground in GroundKind::ALL {
            let end = |situation| policy.schedule(situation, &class_facts).standing(ground).end();
            let (given, taken): (End, End) = (end(situation), end(withdrawn));
            if taken > given {
                let text = format!(
                    "ground {ground}: taking consent to training back would keep the record longer ({} instead of {}). Shorten \
                     what holds without training",
                    in_words(taken),
                    in_words(given)
                );
                problems.push(
                    PolicyProblem::new(ProblemKind::Contradiction, None, text)
                        .shown_by(withdrawn, &class_facts),
                );
                return;
            }
        }
    }
}

fn in_words(end: End) -> String {
    match end {
        End::NotKept => "not kept".to_owned(),
        End::At(at) => format!("until {at}"),
        End::Open => "without end".to_owned(),
    }
}

/// Facts in which each clock of a class has started alone, on the first days of a leap year and of others.
pub(super) fn representative(class: RecordClass) -> impl Iterator<Item = Facts> {
    ["2026-01-31T12:00:00Z", "2028-02-29T00:00:00Z", "2027-02-01T23:59:59Z"]
        .into_iter()
        .filter_map(|text| text.parse::<Timestamp>().ok())
        .flat_map(move |created| {
            ClockStart::ALL.into_iter().filter(move |start| class.has_clock(*start)).map(move |start| {
                let facts = Facts::captured_at(created);
                with(
                    facts,
                    start,
                    if start == ClockStart::Creation {
                        created
                    } else {
                        RetentionSpan::days(10).after(created)
                    },
                )
            })
        })
}

/// The day on which examples begin when any day would do.
pub(super) fn example_day() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap_or(Timestamp::UNIX_EPOCH)
}
