//! What is wrong with a policy, for the person who wrote it.

use crate::named::named;
use crate::retention::{Facts, Situation};

named! {
    /// What kind of problem.
    ProblemKind, "a kind of problem" {
        /// The text is not TOML, or a key or value is not of the language.
        Syntax = "syntax",
        /// Something is referred to that does not exist.
        Unknown = "unknown",
        /// Something is missing that every policy needs.
        Missing = "missing",
        /// Two things have the same name.
        Duplicate = "duplicate",
        /// `same_as` leads back to where it started.
        Cycle = "cycle",
        /// Two rules cannot both be obeyed.
        Contradiction = "contradiction",
        /// Rules overlap and none of them wins.
        Overlap = "overlap",
        /// A clock that the record class cannot have, or a ground that is not for it.
        Clock = "clock",
        /// A purpose that is not the ground's.
        Purpose = "purpose",
        /// Training where it must not be.
        Training = "training",
        /// A locked rule is loosened.
        Lock = "lock",
        /// A rule that can never apply.
        Unreachable = "unreachable",
    }
}

/// A concrete input that breaks a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counterexample {
    /// The record's situation.
    pub situation: Situation,
    /// What happened to it.
    pub facts: Facts,
}

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyProblem {
    /// What kind.
    pub kind: ProblemKind,
    /// The line in the file, from 1, where there is one.
    pub line: Option<usize>,
    /// The rules concerned, by id.
    pub rules: Vec<String>,
    /// What is wrong and what to do.
    pub text: String,
    /// An input that shows it, where one can.
    pub example: Option<Counterexample>,
}

impl PolicyProblem {
    pub(crate) fn new(kind: ProblemKind, line: Option<usize>, text: impl Into<String>) -> Self {
        Self { kind, line, rules: Vec::new(), text: text.into(), example: None }
    }

    pub(crate) fn of_rules(mut self, rules: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.rules = rules.into_iter().map(Into::into).collect();
        self
    }

    pub(crate) fn shown_by(mut self, situation: Situation, facts: &Facts) -> Self {
        self.example = Some(Counterexample { situation, facts: *facts });
        self
    }
}

impl std::fmt::Display for PolicyProblem {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(line) = self.line {
            write!(formatter, "line {line}: ")?;
        }
        if !self.rules.is_empty() {
            write!(formatter, "[{}] ", self.rules.join(", "))?;
        }
        formatter.write_str(&self.text)?;
        match &self.example {
            Some(example) => write!(formatter, "\n    for example: {example}"),
            None => Ok(()),
        }
    }
}

impl std::fmt::Display for Counterexample {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}; {}", self.situation, self.facts)
    }
}

/// Everything that is wrong with a policy. It was not taken over; the policy in force stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the policy was refused, and nothing changes until it is corrected ({} found):\n{}",
    if problems.len() == 1 { "1 problem".to_owned() } else { format!("{} problems", problems.len()) },
    problems.iter().map(|problem| format!("  {problem}")).collect::<Vec<_>>().join("\n")
)]
pub struct PolicyProblems {
    /// The problems, in the order of the file.
    pub problems: Vec<PolicyProblem>,
}

impl PolicyProblems {
    pub(crate) fn none_or(mut problems: Vec<PolicyProblem>) -> Result<(), Self> {
        problems.sort_by_key(|problem| problem.line);
        problems.dedup();
        if problems.is_empty() { Ok(()) } else { Err(Self { problems }) }
    }
}
