//! Why a record is kept, until when, by which clause, and what would end it.

use serde::Serialize;

use crate::cases::end_in_words;
use crate::edge::Timestamp;
use crate::ground::{GroundKind, LegalBasis};
use crate::retention::{
    ClockStart, Effect, Facts, Moments, Policy, Program, Rule, Schedule, Situation, Source, Standing, Term,
};

/// Everything a policy has to say about one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// What the record is.
    pub situation: Situation,
    /// What was decided.
    pub schedule: Schedule,
    /// Whether the situation can come about under the policy.
    pub is_reachable: bool,
    /// Each ground, in the order of [`GroundKind::ALL`].
    pub grounds: Vec<GroundExplanation>,
}

/// What a policy says about one ground of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroundExplanation {
    /// The ground.
    pub kind: GroundKind,
    /// The legal basis; `None`: the policy does not open the ground for such records.
    pub basis: Option<LegalBasis>,
    /// How it stands.
    pub standing: Standing,
    /// Whether it ends at 00:00 UTC only.
    pub ends_at_midnight: bool,
    /// Every clause that has a say.
    pub clauses: Vec<ClauseExplanation>,
}

/// What one clause wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClauseExplanation {
    /// The rule's id.
    pub rule: String,
    /// What it asks: `at least`, `at most`, `retain` or `delete`.
    pub asks: &'static str,
    /// The span and its clock, as in the policy; `None`: the rule opens the ground and sets no date.
    pub term: Option<String>,
    /// The promise in words.
    pub clause: String,
    /// Document and day it was read.
    pub source: Option<String>,
    /// The date it wants; `None`: what starts its clock has not happened.
    pub date: Option<Timestamp>,
    /// What became of it.
    pub outcome: ClauseOutcome,
}

/// What became of a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClauseOutcome {
    /// Its date is the ground's end.
    Decides,
    /// Another clause was stronger.
    Yields,
    /// What starts its clock has not happened.
    Waits,
    /// It opens the ground.
    Opens,
}

impl Policy {
    /// Explains a decision. The schedule in it is the one that [`Policy::schedule`] gives.
    pub fn explain(&self, situation: Situation, facts: &Facts) -> Explanation {
        let schedule = self.schedule(situation, facts);
        let grounds = self.program(situation).map(|program| {
            let moments = Moments::new(facts, program.made_by, self.custom_bounds);
            GroundKind::ALL
                .into_iter()
                .map(|ground| self.explain_ground(program, ground, &moments, schedule.standing(ground)))
                .collect()
        });
        Explanation {
            situation,
            schedule,
            is_reachable: self.is_reachable(situation),
            grounds: grounds.unwrap_or_default(),
        }
    }

    /// The legal basis of a ground in a situation; `None`: the policy does not open it there.
    pub fn basis(&self, situation: Situation, ground: GroundKind) -> Option<LegalBasis> {
        self.decisive_rule(situation, ground).map(|rule| rule.basis)
    }

    /// The rule whose basis a ground rests on: the most explicit one.
    pub(crate) fn decisive_rule(&self, situation: Situation, ground: GroundKind) -> Option<&Rule> {
        let program = self.program(situation)?.grounds.get(ground as usize)?;
        let rules = program.rules.iter().filter_map(|number| self.rule(*number));
        rules.reduce(|best, rule| if rule.level > best.level { rule } else { best })
    }

    fn explain_ground(
        &self,
        program: &Program,
        ground: GroundKind,
        moments: &Moments,
        standing: Standing,
    ) -> GroundExplanation {
        let whole_days = program.rounds(ground);
        let decided = program.resolve(ground, moments).and_then(|resolution| resolution.decided_by);
        let mut clauses = Vec::new();
        let mut basis: Option<(crate::retention::Level, LegalBasis)> = None;
        for number in program.grounds.get(ground as usize).into_iter().flat_map(|ground| &ground.rules) {
            let Some(rule) = self.rule(*number) else { continue };
            if basis.is_none_or(|(level, _)| rule.level > level) {
                basis = Some((rule.level, rule.basis));
            }
            let terms = program.grounds.get(ground as usize).into_iter().flat_map(|ground| &ground.claims);
            let before = clauses.len();
            for term in terms.filter(|claim| claim.rule == *number) {
                let claim = term.claim(moments, whole_days);
                let outcome = match claim {
                    None => ClauseOutcome::Waits,
                    Some(_) if claim == decided => ClauseOutcome::Decides,
                    Some(_) => ClauseOutcome::Yields,
                };
                let words = Term { span: term.span, start: term.start }.to_string();
                clauses.push(clause(
                    rule,
                    asks(term.effect),
                    Some(words),
                    claim.map(|claim| claim.at),
                    outcome,
                ));
            }
            if clauses.len() == before {
                clauses.push(clause(rule, "keep", None, None, ClauseOutcome::Opens));
            }
        }
        GroundExplanation {
            kind: ground,
            basis: basis.map(|(_, basis)| basis),
            standing,
            ends_at_midnight: whole_days,
            clauses,
        }
    }
}

fn clause(
    rule: &Rule,
    asks: &'static str,
    term: Option<String>,
    date: Option<Timestamp>,
    outcome: ClauseOutcome,
) -> ClauseExplanation {
    let source = |source: &Source| format!("{}, read {}", source.title, source.read);
    ClauseExplanation {
        rule: rule.id.clone(),
        asks,
        term,
        clause: rule.clause.clone(),
        source: rule.source.as_ref().map(source),
        date,
        outcome,
    }
}

const fn asks(effect: Effect) -> &'static str {
    match effect {
        Effect::Minimum => "at least",
        Effect::Maximum => "at most",
        Effect::Retain => "retain",
        Effect::Erase | Effect::Ending | Effect::Delete(_) => "delete",
    }
}

impl Explanation {
    /// The explanation in words for the person concerned, as of `now`.
    pub fn text(&self, now: Timestamp) -> String {
        let mut lines = vec![format!("{}.", self.situation)];
        if !self.is_reachable {
            lines.push("Under this policy such a record cannot come about.".to_owned());
        }
        let end = self.schedule.ends_at();
        let holding: Vec<&str> = self.schedule.holding_at(now).map(GroundKind::name).collect();
        lines.push(match (holding.is_empty(), end) {
            (_, crate::End::NotKept) => "The record is not kept.".to_owned(),
            (true, _) => format!("No ground holds any more; the record went {}.", end_in_words(end)),
            (false, crate::End::Open) => {
                format!(
                    "The record is kept until something ends it. Grounds that hold: {}.",
                    holding.join(", ")
                )
            }
            (false, crate::End::At(at)) => {
                format!("The record is kept until {at}. Grounds that hold: {}.", holding.join(", "))
            }
        });
        for ground in &self.grounds {
            lines.push(String::new());
            lines.extend(ground.lines(now));
        }
        lines.join("\n") + "\n"
    }
}

impl GroundExplanation {
    fn lines(&self, now: Timestamp) -> Vec<String> {
        let name = self.kind.name();
        let Some(basis) = self.basis else {
            return vec![format!("{name}: does not open; the policy has no rule for such records")];
        };
        let state = match self.standing {
            Standing::NotOpen => format!("not open: {}", opening(self.kind)),
            Standing::Holds { until: None } => "holds until something ends it".to_owned(),
            Standing::Holds { until: Some(at) } if now < at => format!("holds until {at}"),
            Standing::Holds { until: Some(at) } | Standing::Ended { at } => format!("ended {at}"),
        };
        let midnight = if self.ends_at_midnight { "; ends at 00:00 UTC only" } else { "" };
        let purpose = self.kind.purpose().dpv_term();
        let mut lines = vec![
            format!("{name}: {state}"),
            format!("  for {purpose}, on {} ({basis}){midnight}", basis.dpv_term()),
        ];
        let mut rule = "";
        for clause in &self.clauses {
            if clause.rule != rule {
                rule = &clause.rule;
                lines.push(clause.words());
            }
            lines.push(clause.line());
        }
        lines
    }
}

impl ClauseExplanation {
    fn words(&self) -> String {
        let source = self.source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default();
        format!("  [{}] {}{source}", self.rule, self.clause)
    }

    fn line(&self) -> String {
        let keeps = matches!(self.asks, "at least" | "retain");
        let outcome = match (self.outcome, self.date) {
            (ClauseOutcome::Decides, Some(at)) => format!("{at}, which decides"),
            (ClauseOutcome::Yields, Some(at)) => format!("{at}, yields to another"),
            (ClauseOutcome::Opens, _) => "opens the ground".to_owned(),
            _ if keeps => "would keep it if that happened".to_owned(),
            _ => "would end it if that happened".to_owned(),
        };
        let term = self.term.as_ref().map(|term| format!(" {term}")).unwrap_or_default();
        format!("    {}{term}: {outcome}", self.asks)
    }
}

fn opening(ground: GroundKind) -> &'static str {
    match ground.opens_with() {
        Some(ClockStart::Flag) => "the content was not flagged",
        Some(ClockStart::Feedback) => "nothing was sent in as feedback",
        Some(ClockStart::CaseOpening) => "no case has taken the record in",
        Some(_) => "it opens with the capture",
        None => "no hold covers the record",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Agreement, Plan, RecordClass, Tier};

    fn chat() -> Situation {
        Situation {
            plan: Plan::Free,
            tier: Tier::Restricted,
            class: RecordClass::Chat,
            agreement: Agreement::Standard,
            covered: false,
            training: true,
        }
    }

    #[test]
    fn the_winning_and_the_losing_clauses_are_named() {
        let policy = Policy::built_in("consumer").unwrap();
        let mut facts = Facts::captured_at("2026-01-10T09:00:00Z".parse().unwrap());
        facts.deleted_at = Some("2026-01-11T09:00:00Z".parse().unwrap());
        let explanation = policy.explain(chat(), &facts);
        assert_eq!(explanation.schedule, policy.schedule(chat(), &facts));
        let service = &explanation.grounds[0];
        let outcome = |term: &str| {
            service.clauses.iter().find(|clause| clause.term.as_deref() == Some(term)).unwrap().outcome
        };
        assert_eq!(outcome("30 days after deletion"), ClauseOutcome::Decides);
        assert_eq!(outcome("5 years after last-activity"), ClauseOutcome::Yields);
        assert_eq!(outcome("90 days after closing"), ClauseOutcome::Waits);
        let text = explanation.text("2026-01-12T00:00:00Z".parse().unwrap());
        for words in [
            "kept until 2026-02-10T09:00:00Z",
            "for RequestedServiceProvision, on eu-gdpr:A6-1-b (contract)",
            "delete 30 days after deletion: 2026-02-10T09:00:00Z, which decides",
            "violation: not open: the content was not flagged",
            "The service's own promise to its users, read ",
        ] {
            assert!(text.contains(words), "no `{words}` in:\n{text}");
        }
    }
}
