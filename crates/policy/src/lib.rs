//! The vocabulary every other crate shares: identifiers, purposes, grounds, wires, limits, and the traits through
//! which time, randomness and authority enter.
//!
//! This crate is pure. It does no I/O, reads no clock, draws no randomness and knows no `async`; everything of that
//! kind is an argument. It sits at the bottom of the dependency graph: the six crates above it may use its types but
//! not each other.

mod authority;
mod cases;
mod census;
mod change;
mod chart;
mod diff;
mod edge;
mod explain;
mod ground;
mod id;
mod language;
mod named;
mod retention;
mod simulate;

pub use authority::{AccessReason, EntryProof, ReleaseAuthority, UnknownReason};
pub use cases::{CaseFileError, CaseOutcome, EventName, cases_schema, end_in_words, instant, run_cases};
pub use census::{CensusError, CensusRow, read_census};
pub use change::{Carried, CarriedSchedule};
pub use chart::chart;
pub use diff::{Affected, Change, PolicyDiff, diff};
pub use edge::{Clock, Randomness, RandomnessUnavailable, Timestamp};
pub use explain::{ClauseExplanation, ClauseOutcome, Explanation, GroundExplanation};
pub use ground::{Ground, GroundKind, LegalBasis, Purpose};
pub use id::{
    ConversationId, ExchangeId, IdParseError, KeyId, OrganizationId, PersonId, Pseudonym, RecordId,
    SubjectId, VirtualKeyId, WorkspaceId,
};
pub use language::{
    Audience, BUILT_IN_NAMES, Chooser, Counterexample, ExistingRecords, MonthLength, PolicyProblem,
    PolicyProblems, ProblemKind, TrainingChoice, policy_schema,
};
pub use named::UnknownName;
pub use retention::{
    Agreement, Claim, ClockStart, CustomBounds, Effect, End, Facts, Level, ModelTerms, Plan, PlanTerms,
    Policy, PolicyVersion, RecordClass, Resolution, RetentionSpan, Rule, Schedule, Situation, Source,
    SpanError, Standing, Term, TermError, TermSpan, Tier, TierTerms, resolve,
};
pub use simulate::{Simulation, simulate};
