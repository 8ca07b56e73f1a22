//! Retention: which grounds hold for a record, and until when.

mod algebra;
mod facts;
mod policy;
#[cfg(test)]
mod properties;
mod schedule;
mod situation;
mod span;
mod term;

pub use algebra::{Claim, Effect, Resolution, resolve};
pub use facts::Facts;
pub use policy::{CustomBounds, ModelTerms, PlanTerms, Policy, Rule, Source, TierTerms};
pub use schedule::{End, PolicyVersion, Schedule, Standing};
pub use situation::{Agreement, Plan, RecordClass, Situation, Tier};
pub use span::{RetentionSpan, SpanError};
pub use term::{ClockStart, Level, Term, TermError, TermSpan};

pub(crate) use policy::{ClaimProgram, GroundProgram, Moments, Program, Scope, Wish};
