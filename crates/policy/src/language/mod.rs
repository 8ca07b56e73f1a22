//! The policy language: from text to tables. The crate's documentation gives the grammar.

mod check;
mod compile;
mod consents;
mod document;
mod lock;
mod problem;
mod reading;
mod rights;
mod safeguard_checks;
#[cfg(test)]
mod safeguard_tests;
mod safeguards;
mod schema;
mod shipped;
mod spans;
#[cfg(test)]
mod tests;
mod values;

pub use consents::{ConsentNotice, ConsentRule, LabelTerms};
pub use document::{Audience, Chooser, ExistingRecords, MonthLength, TrainingChoice};
pub use problem::{Counterexample, PolicyProblem, PolicyProblems, ProblemKind};
pub use schema::policy_schema;
pub use shipped::BUILT_IN_NAMES;

pub(crate) use check::with as with_event;
pub(crate) use compile::parse;
pub(crate) use reading::line_of;
