//! The difference between two policies, in plain words: for whom, on which ground, by how much.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::cases::end_in_words;
use crate::census::CensusRow;
use crate::edge::Timestamp;
use crate::ground::GroundKind;
use crate::language::{ConsentRule, with_event};
use crate::retention::{
    Agreement, ClockStart, End, Facts, Plan, PlanTerms, Policy, RecordClass, RetentionSpan, Situation, Term,
};

/// Everything that changes from one policy to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyDiff {
    /// Changes of plans, models and tiers, a sentence each.
    pub terms: Vec<String>,
    /// Changes of retention.
    pub changes: Vec<Change>,
    /// Locked rules that would be loosened; with any, the new policy may not replace the old one.
    pub refused: Vec<String>,
    /// What a census says about all changes together; `None` without a census.
    pub affected: Option<Affected>,
}

/// One change of retention, for everyone whom it concerns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// For whom, in words.
    pub scope: String,
    /// The ground.
    pub ground: GroundKind,
    /// What was promised.
    pub before: String,
    /// What is promised.
    pub after: String,
    /// By how much, in words.
    pub effect: String,
    /// What a census says; `None` without a census.
    pub affected: Option<Affected>,
}

/// How much of a census a change moves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Affected {
    /// People whose records get another date, now. A person in several rows of the census counts in each.
    pub people: u64,
    /// Records that get another date, now.
    pub records: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Records that the new policy would keep longer, and which the rule of change leaves at their old date.
    pub records_not_lengthened: u64,
}

/// Compares two policies; a census tells how many are concerned.
pub fn diff(old: &Policy, new: &Policy, census: Option<&[CensusRow]>) -> PolicyDiff {
    let mut groups: BTreeMap<(GroundKind, String, String, String), BTreeSet<Situation>> = BTreeMap::new();
    for situation in Situation::all().filter(|situation| knows(old, *situation) && knows(new, *situation)) {
        for ground in GroundKind::ALL {
            let (before, after) = (promise(old, situation, ground), promise(new, situation, ground));
            if before != after {
                let key = (
                    ground,
                    without(&before, &after),
                    without(&after, &before),
                    effect(old, new, situation, ground),
                );
                groups.entry(key).or_default().insert(situation);
            }
        }
    }
    let mut changes = Vec::new();
    for ((ground, before, after, effect), situations) in groups {
        for (scope, situations) in scopes(old, new, &situations) {
            changes.push(Change {
                scope,
                ground,
                before: before.clone(),
                after: after.clone(),
                effect: effect.clone(),
                affected: census.map(|census| affected(old, new, census, ground, &situations)),
            });
        }
    }
    let refused = new.may_replace(old).err().map(|problems| problems.problems).unwrap_or_default();
    PolicyDiff {
        terms: terms(old, new),
        changes,
        refused: refused.iter().map(ToString::to_string).collect(),
        affected: census.map(|census| affected_in_all(old, new, census)),
    }
}

/// Whether records in the situation can be captured under the policy. Where only one policy knows them, they are new, or
/// gone and keep their dates; neither is a change of what was promised to anyone.
fn knows(policy: &Policy, situation: Situation) -> bool {
    policy.is_reachable(situation)
}

/// What a policy promises about a ground, in its own terms; empty: nothing is kept.
fn promise(policy: &Policy, situation: Situation, ground: GroundKind) -> BTreeSet<String> {
    let opened = policy
        .program(situation)
        .and_then(|program| program.grounds.get(ground as usize))
        .filter(|program| !program.rules.is_empty());
    let Some(program) = opened else { return BTreeSet::new() };
    let mut terms = BTreeSet::from(["kept".to_owned()]);
    for claim in &program.claims {
        let term = Term { span: claim.span, start: claim.start };
        let months = match claim.months {
            crate::MonthLength::Calendar => "",
            crate::MonthLength::ThirtyDays => " (months of 30 days)",
        };
        let asks = match claim.effect {
            crate::Effect::Minimum => "kept at least until",
            crate::Effect::Maximum => "kept at most until",
            crate::Effect::Retain => "retained until",
            crate::Effect::Erase | crate::Effect::Ending | crate::Effect::Delete(_) => "deleted",
        };
        terms.insert(format!("{asks} {term}{months}"));
    }
    terms
}

/// What stands in one promise and not in the other.
fn without(promise: &BTreeSet<String>, other: &BTreeSet<String>) -> String {
    let own: Vec<&str> =
        promise.difference(other).map(String::as_str).filter(|term| *term != "kept").collect();
    match (promise.is_empty(), own.is_empty()) {
        (true, _) => "not kept".to_owned(),
        (false, true) if other.is_empty() => "kept".to_owned(),
        (false, true) => "as the rest that stays".to_owned(),
        (false, false) => own.join(", "),
    }
}

/// By how much, on a record to which one thing at a time has happened.
fn effect(old: &Policy, new: &Policy, situation: Situation, ground: GroundKind) -> String {
    let Ok(created) = "2026-01-01T00:00:00Z".parse::<Timestamp>() else { return String::new() };
    let mut words: Vec<String> = Vec::new();
    for start in ClockStart::ALL.into_iter().filter(|start| situation.class.has_clock(*start)) {
        let mut facts = Facts { held: false, ..Facts::captured_at(created) };
        facts.custom = (situation.agreement == Agreement::Custom).then(|| RetentionSpan::days(180));
        if let Some(opens) = ground.opens_with() {
            facts = with_event(facts, opens, created);
        }
        let facts = with_event(facts, start, created);
        let end = |policy: &Policy| policy.schedule(situation, &facts).standing(ground).end();
        let (before, after) = (end(old), end(new));
        if before == after {
            continue;
        }
        let what = format!("counted from {start}: {}", difference(before, after));
        let same = words.iter().any(|other| {
            other.split_once(": ").map(|(_, rest)| rest) == what.split_once(": ").map(|(_, rest)| rest)
        });
        if !same {
            words.push(what);
        }
    }
    if words.is_empty() { "the dates stay the same".to_owned() } else { words.join("; ") }
}

fn difference(before: End, after: End) -> String {
    match (before, after) {
        (End::At(before), End::At(after)) => {
            let days = (after.as_second() - before.as_second()) / 86_400;
            let word = if days > 0 { "longer" } else { "shorter" };
            match days.abs() {
                0 => format!("less than a day {word}"),
                1 => format!("1 day {word}"),
                days => format!("{days} days {word}"),
            }
        }
        (End::NotKept, _) => "newly kept".to_owned(),
        (_, End::NotKept) => "no longer kept".to_owned(),
        (_, End::Open) => "now without end".to_owned(),
        (End::Open, at @ End::At(_)) => format!("now ends (a record of 2026-01-01: {})", end_in_words(at)),
    }
}

fn affected(
    old: &Policy,
    new: &Policy,
    census: &[CensusRow],
    ground: GroundKind,
    situations: &BTreeSet<Situation>,
) -> Affected {
    let mut sum = Affected::default();
    for row in census.iter().filter(|row| situations.contains(&row.situation)) {
        let before = old.schedule(row.situation, &row.facts);
        let carried = new.carried_over(old, &[], row.situation, &row.facts);
        sum.count(row, before.standing(ground).end() != carried.schedule.standing(ground).end());
        if carried.carried(ground) == crate::Carried::NotLengthened {
            sum.records_not_lengthened += row.records;
        }
    }
    sum
}

fn affected_in_all(old: &Policy, new: &Policy, census: &[CensusRow]) -> Affected {
    let mut sum = Affected::default();
    for row in census {
        let before = old.schedule(row.situation, &row.facts);
        let carried = new.carried_over(old, &[], row.situation, &row.facts);
        sum.count(row, before != carried.schedule);
        let kept = GroundKind::ALL
            .into_iter()
            .any(|ground| carried.carried(ground) == crate::Carried::NotLengthened);
        sum.records_not_lengthened += if kept { row.records } else { 0 };
    }
    sum
}

impl Affected {
    fn count(&mut self, row: &CensusRow, moved: bool) {
        if moved {
            self.people = self.people.saturating_add(row.people);
            self.records = self.records.saturating_add(row.records);
            self.bytes = self.bytes.saturating_add(row.bytes);
        }
    }
}

/// Situations in words, with those meant: one line for all plans and classes under the same conditions.
fn scopes(
    old: &Policy,
    new: &Policy,
    situations: &BTreeSet<Situation>,
) -> Vec<(String, BTreeSet<Situation>)> {
    let mut cells: BTreeMap<(Plan, RecordClass), BTreeSet<Situation>> = BTreeMap::new();
    for situation in situations {
        cells.entry((situation.plan, situation.class)).or_default().insert(*situation);
    }
    let mut by_condition: BTreeMap<String, BTreeMap<RecordClass, BTreeSet<Plan>>> = BTreeMap::new();
    for ((plan, class), concerned) in &cells {
        let all: BTreeSet<Situation> = Situation::all()
            .filter(|situation| (situation.plan, situation.class) == (*plan, *class))
            .filter(|situation| knows(old, *situation) && knows(new, *situation))
            .collect();
        by_condition.entry(conditions(concerned, &all)).or_default().entry(*class).or_default().insert(*plan);
    }
    let mut scopes = Vec::new();
    for (condition, classes) in by_condition {
        let mut by_plans: BTreeMap<BTreeSet<Plan>, Vec<RecordClass>> = BTreeMap::new();
        for (class, plans) in classes {
            by_plans.entry(plans).or_default().push(class);
        }
        for (plans, classes) in by_plans {
            let meant = plans.iter().flat_map(|plan| classes.iter().map(move |class| (*plan, *class)));
            let meant = meant.filter_map(|cell| cells.get(&cell)).flatten().copied().collect();
            let plans = plans.into_iter().map(Plan::name).collect::<Vec<_>>().join(", ");
            let classes = classes.into_iter().map(RecordClass::name).collect::<Vec<_>>().join(", ");
            scopes.push((format!("{plans}: {classes}{condition}"), meant));
        }
    }
    scopes
}

/// What tells some situations of a plan and class from all of them, in words; empty when nothing does.
fn conditions(some: &BTreeSet<Situation>, all: &BTreeSet<Situation>) -> String {
    const WORDS: [fn(&Situation) -> &'static str; 4] = [
        |situation| situation.agreement.name(),
        |situation| situation.tier.name(),
        |situation| if situation.covered { "covered models" } else { "other models" },
        |situation| if situation.training { "training allowed" } else { "training not allowed" },
    ];
    const NAMES: [&str; 4] = ["agreement ", "tier ", "", ""];
    let values = |of: &BTreeSet<Situation>, word: fn(&Situation) -> &'static str| -> BTreeSet<&'static str> {
        of.iter().map(word).collect()
    };
    let fits =
        |situation: &&Situation| WORDS.iter().all(|word| values(some, *word).contains(word(situation)));
    if all.iter().filter(fits).count() != some.len() {
        // No list of values says it exactly: say each alone.
        let each: Vec<String> =
            some.iter().map(|situation| conditions(&BTreeSet::from([*situation]), all)).collect();
        return each.join(" or");
    }
    let told: Vec<String> = WORDS
        .into_iter()
        .zip(NAMES)
        .filter(|(word, _)| values(some, *word) != values(all, *word))
        .map(|(word, name)| {
            format!("{name}{}", values(some, word).into_iter().collect::<Vec<_>>().join(" or "))
        })
        .collect();
    if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) }
}

fn terms(old: &Policy, new: &Policy) -> Vec<String> {
    let mut lines = Vec::new();
    for plan in Plan::ALL {
        match (old.plan(plan), new.plan(plan)) {
            (None, Some(_)) => lines.push(format!("plan {plan} is new")),
            (Some(_), None) => {
                lines.push(format!(
                    "plan {plan} is gone: nothing more is captured under it, and its records keep their dates"
                ));
            }
            (Some(before), Some(after)) => plan_terms(before, after, &mut lines),
            (None, None) => {}
        }
    }
    let names: BTreeSet<&str> =
        old.models().iter().chain(new.models()).map(|model| model.pattern.as_str()).collect();
    for name in names {
        let find = |policy: &Policy| policy.models().iter().find(|model| model.pattern == name).cloned();
        match (find(old), find(new)) {
            (None, Some(_)) => lines.push(format!("model {name} is new")),
            (Some(_), None) => lines.push(format!("model {name} is gone")),
            (Some(before), Some(after)) if before.covered != after.covered => lines.push(format!(
                "model {name} {} a covered model",
                if after.covered { "becomes" } else { "is no longer" }
            )),
            (Some(before), Some(after)) if before != after => {
                lines.push(format!("what the provider says about model {name} changes"));
            }
            _ => {}
        }
    }
    if old.release_grace() != new.release_grace() {
        lines.push(format!(
            "what a legal hold leaves after its release was {}, becomes {}",
            old.release_grace(),
            new.release_grace()
        ));
    }
    for (before, after) in old.consents().iter().zip(new.consents()) {
        consent_terms(before, after, &mut lines);
    }
    label_terms(old, new, &mut lines);
    lines.extend(crate::safety::safety_changes(old.safety(), new.safety()));
    lines
}

fn consent_terms(before: &ConsentRule, after: &ConsentRule, lines: &mut Vec<String>) {
    let purpose = before.purpose;
    let mut say = |what: &str, before: String, after: String| {
        if before != after {
            lines.push(format!("consent {purpose}: {what} was {before}, becomes {after}"));
        }
    };
    let list = |names: Vec<&str>| if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    let asked = |rule: &ConsentRule| list(rule.plans.iter().map(|plan| plan.name()).collect());
    say("who is asked", asked(before), asked(after));
    let kinds = |rule: &ConsentRule| list(rule.kinds.iter().map(|kind| kind.name()).collect());
    say("the ways to agree", kinds(before), kinds(after));
    say("the legal basis", before.basis.to_string(), after.basis.to_string());
    let span = |span: Option<RetentionSpan>| {
        span.map_or_else(|| "without limit".to_owned(), |span| span.to_string())
    };
    say("how long a yes counts", span(before.reconsent_after), span(after.reconsent_after));
    let pause = |rule: &ConsentRule| {
        rule.no_second_ask_within.map_or_else(|| "as the law says".to_owned(), |span| span.to_string())
    };
    say("the pause after a no", pause(before), pause(after));
    let text = |rule: &ConsentRule| {
        rule.notice.as_ref().map_or_else(|| "nothing".to_owned(), |notice| format!("\"{}\"", notice.text))
    };
    say("what people are shown", text(before), text(after));
}

fn label_terms(old: &Policy, new: &Policy, lines: &mut Vec<String>) {
    let names: BTreeSet<&str> =
        old.labels().iter().chain(new.labels()).map(|label| label.name.as_str()).collect();
    for name in names {
        match (old.label(name), new.label(name)) {
            (None, Some(_)) => lines.push(format!("label {name} is new")),
            (Some(_), None) => lines.push(format!("label {name} is gone")),
            (Some(before), Some(after)) if before.doubtful_to_people != after.doubtful_to_people => {
                lines.push(format!(
                    "label {name}: doubtful rows {} to people",
                    if after.doubtful_to_people { "go" } else { "no longer go" }
                ));
            }
            (Some(before), Some(after)) if before != after => {
                lines.push(format!("label {name} is described anew"));
            }
            _ => {}
        }
    }
}

fn plan_terms(before: &PlanTerms, after: &PlanTerms, lines: &mut Vec<String>) {
    let plan = before.plan;
    let mut say = |what: &str, before: String, after: String| {
        if before != after {
            lines.push(format!("plan {plan}: {what} was {before}, becomes {after}"));
        }
    };
    let list = |names: Vec<&str>| if names.is_empty() { "nobody".to_owned() } else { names.join(", ") };
    let span = |span: Option<RetentionSpan>| span.map_or_else(|| "none".to_owned(), |span| span.to_string());
    say("audience", before.audience.to_string(), after.audience.to_string());
    say("the first tier", before.tier.to_string(), after.tier.to_string());
    let tiers = |terms: &PlanTerms| list(terms.tiers.iter().map(|tier| tier.name()).collect());
    say("the choice of tiers", tiers(before), tiers(after));
    let choosers =
        |terms: &PlanTerms| list(terms.tier_chosen_by.iter().map(|chooser| chooser.name()).collect());
    say("who chooses the tier", choosers(before), choosers(after));
    let agreements =
        |terms: &PlanTerms| list(terms.agreements.iter().map(|agreement| agreement.name()).collect());
    say("what may be agreed", agreements(before), agreements(after));
    say("the question about training", before.training.to_string(), after.training.to_string());
    say("the region", before.region.clone(), after.region.clone());
    say("the warning before deletion", span(before.warn_before), span(after.warn_before));
    let keeps = |terms: &PlanTerms| if terms.may_keep { "keep it" } else { "not keep it" }.to_owned();
    say("what a warned person may do", keeps(before), keeps(after));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn consumer(from: &str, to: &str) -> Policy {
        let text = Policy::built_in_text("consumer").unwrap();
        assert!(text.contains(from), "{from}");
        Policy::parse(&text.replace(from, to)).unwrap_or_else(|problems| panic!("{problems}"))
    }

    #[test]
    fn a_policy_does_not_differ_from_itself() {
        let policy = Policy::built_in("enterprise").unwrap();
        let nothing = diff(&policy, &policy, None);
        assert_eq!((nothing.terms.len(), nothing.changes.len(), nothing.refused.len()), (0, 0, 0));
    }

    #[test]
    fn a_shorter_period_is_said_in_days_and_counted() {
        let old = Policy::built_in("consumer").unwrap();
        let new = consumer("5 years after last-activity", "3 years after last-activity");
        let census = r#"{"plan":"pro","tier":"restricted","class":"chat","training":true,"created":"2026-01-10","people":7,"records":70,"bytes":700}
{"plan":"pro","tier":"restricted","class":"chat","created":"2026-01-10","people":5,"records":50,"bytes":500}"#;
        let census = crate::read_census(census, Timestamp::UNIX_EPOCH).unwrap();
        let there = diff(&old, &new, Some(&census));
        assert_eq!(there.changes.len(), 1, "{:?}", there.changes);
        let change = &there.changes[0];
        assert!(change.scope.starts_with("free, pro, max, code: chat, coding-session"), "{}", change.scope);
        assert!(change.scope.contains("training allowed"), "{}", change.scope);
        assert!(
            change.effect.contains("730 days shorter") || change.effect.contains("731 days shorter"),
            "{}",
            change.effect
        );
        let moved = Affected { people: 7, records: 70, bytes: 700, records_not_lengthened: 0 };
        assert_eq!((change.affected, there.affected), (Some(moved), Some(moved)));
        let back = diff(&new, &old, Some(&census)).affected.unwrap();
        assert_eq!(back, Affected { records_not_lengthened: 70, ..Affected::default() });
    }

    #[test]
    fn changed_plans_and_loosened_locks_are_named() {
        let old = Policy::built_in("consumer").unwrap();
        let warned = diff(&old, &consumer("warn_before = \"7 days\"", "warn_before = \"14 days\""), None);
        assert!(
            warned
                .terms
                .contains(&"plan free: the warning before deletion was 7 days, becomes 14 days".to_owned()),
            "{:?}",
            warned.terms
        );
        let asked =
            diff(&old, &consumer("reconsent_after = \"1 year\"", "reconsent_after = \"6 months\""), None);
        assert_eq!(asked.terms, ["consent partner-use: how long a yes counts was 1 year, becomes 6 months"]);
        let unasked =
            diff(&old, &consumer("kinds = [\"implicit\", \"explicit\"]", "kinds = [\"explicit\"]"), None);
        assert_eq!(
            unasked.terms,
            ["consent feedback: the ways to agree was implicit, explicit, becomes explicit"]
        );
        let reworded = diff(&old, &consumer("May scientists work", "May anyone work"), None);
        assert!(
            reworded.terms[0].starts_with("consent research: what people are shown was \"May scientists")
        );
        let machine = diff(
            &old,
            &consumer("testimony tell of it\"\n", "testimony tell of it\"\ndoubtful_to_people = false\n"),
            None,
        );
        assert_eq!(machine.terms, ["label historic: doubtful rows no longer go to people"]);
        let released =
            diff(&old, &consumer("release_grace = \"30 days\"", "release_grace = \"10 days\""), None);
        assert_eq!(
            released.terms,
            ["what a legal hold leaves after its release was 30 days, becomes 10 days"]
        );
        let loosened = diff(&old, &consumer("locked = true", "locked = false"), None);
        assert!(loosened.refused[0].contains("no longer locked"), "{:?}", loosened.refused);
    }
}
