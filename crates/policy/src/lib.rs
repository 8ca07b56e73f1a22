//! The vocabulary every other crate shares: identifiers, purposes, grounds, wires, limits, and the traits through
//! which time, randomness and authority enter.
//!
//! This crate is pure. It does no I/O, reads no clock, draws no randomness and knows no `async`; everything of that
//! kind is an argument. It sits at the bottom of the dependency graph: the six crates above it may use its types but
//! not each other.

mod authority;
mod cases;
mod edge;
mod ground;
mod hold;
mod id;
mod language;
mod named;
mod retention;

pub use authority::{AccessReason, EntryProof, ReleaseAuthority, UnknownReason};
pub use cases::{CaseFileError, CaseOutcome, EventName, cases_schema, end_in_words, instant, run_cases};
pub use edge::{Clock, Randomness, RandomnessUnavailable, Timestamp};
pub use ground::{Ground, GroundKind, LegalBasis, Purpose};
pub use hold::{HoldCandidate, HoldScope, HoldScopeError, SCOPE_ENTRIES_MAX, SCOPE_NAME_BYTES_MAX};
pub use id::{
    CaseId, ConversationId, ExchangeId, FlagId, HoldId, IdParseError, KeyId, OrganizationId, PersonId,
    Pseudonym, RecordId, SubjectId, VirtualKeyId, WorkspaceId,
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
