//! Preservation lock: what a locked rule promises, later policies may tighten and never loosen.

use super::document::MonthLength;
use super::problem::{PolicyProblem, PolicyProblems, ProblemKind};
use super::spans::first_excess;
use crate::retention::{Policy, RetentionSpan, Rule, Situation, Term, TermSpan, Wish};

impl Policy {
    /// Whether this policy may take the place of `old`: every locked rule is still there, still locked, covers what it
    /// covered, and no term of it is looser. Records under way keep their own rule; see [`Policy::carried_over`].
    ///
    /// # Errors
    /// With every locked rule that would be loosened.
    pub fn may_replace(&self, old: &Self) -> Result<(), PolicyProblems> {
        let locked = old.rules.iter().filter(|rule| rule.locked);
        PolicyProblems::none_or(locked.filter_map(|rule| self.loosens(old, rule)).collect())
    }

    fn loosens(&self, old: &Self, locked: &Rule) -> Option<PolicyProblem> {
        let problem = |line, text: String| {
            let text = format!("{text}. The rule is locked: it may be tightened, never loosened");
            Some(PolicyProblem::new(ProblemKind::Lock, line, text).of_rules([locked.id.clone()]))
        };
        let Some(new) = self.rules.iter().find(|rule| rule.id == locked.id) else {
            return problem(None, "it is missing".to_owned());
        };
        let line = Some(new.line);
        if !new.locked {
            return problem(line, "it is no longer locked".to_owned());
        }
        if new.ground != locked.ground || new.basis != locked.basis || new.level < locked.level {
            return problem(line, "its ground, basis or level has changed".to_owned());
        }
        let lost = Situation::all().find(|situation| {
            let reached = |policy: &Self, rule: &Rule| {
                policy.is_reachable(*situation) && rule.scope.contains(*situation)
            };
            reached(old, locked) && self.is_reachable(*situation) && !reached(self, new)
        });
        if let Some(lost) = lost {
            return problem(line, format!("it no longer covers {lost}"));
        }
        let looser =
            locked.terms.iter().find(|(wish, term)| !is_met(new, *wish, span(*term, locked.months), *term));
        let (_, term) = looser?;
        problem(line, format!("its term `{term}` is gone or looser"))
    }
}

/// Whether some term of the rule asks at least as much: the same wish and clock, and a span that is no shorter for what
/// must be kept, no longer for what must end.
fn is_met(rule: &Rule, wish: Wish, locked: Option<RetentionSpan>, term: Term) -> bool {
    rule.terms.iter().filter(|(other, candidate)| *other == wish && candidate.start == term.start).any(
        |(_, candidate)| match (locked, span(*candidate, rule.months)) {
            (Some(locked), Some(candidate)) => match wish {
                Wish::Minimum | Wish::Retain => first_excess(locked, candidate).is_none(),
                Wish::Maximum | Wish::Delete => first_excess(candidate, locked).is_none(),
            },
            (locked, candidate) => locked == candidate,
        },
    )
}

fn span(term: Term, months: MonthLength) -> Option<RetentionSpan> {
    match (term.span, months) {
        (TermSpan::Agreed, _) => None,
        (TermSpan::Fixed(span), MonthLength::Calendar) => Some(span),
        (TermSpan::Fixed(span), MonthLength::ThirtyDays) => Some(span.with_months_of_30_days()),
    }
}
