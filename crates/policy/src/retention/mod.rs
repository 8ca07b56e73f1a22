//! Retention: which grounds hold for a record, and until when.

mod facts;
mod schedule;
mod situation;
mod span;
mod temporary;

pub use facts::Facts;
pub use schedule::{End, PolicyVersion, Schedule, Standing};
pub use situation::{Agreement, Plan, RecordClass, Situation, Tier};
pub use span::{RetentionSpan, SpanError};
pub use temporary::*;
