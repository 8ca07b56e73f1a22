//! People's rights over their data: what they may ask for, by when it must be answered, and in which order.
//!
//! Pure: the clock of a request is worked out from the instant it arrived and the policy, and every step of a request is
//! a function from one standing to the next.

mod calendar;
mod clock;
mod kind;
mod queue;
mod request;
mod terms;
#[cfg(test)]
mod tests;

pub(crate) use calendar::HOLIDAYS_MAX;
pub use calendar::{BusinessCalendar, HolidayTable};
pub use clock::{
    ClockRules, ClockSpan, ClockSpanError, ClockZone, ClockZoneError, DueDates, due_dates, end_of_span,
};
pub use kind::{
    ComplaintRoute, ExtensionReason, IdentityMethod, MandateProblem, RefusalReason, Regime, RequestKind,
};
pub use queue::{QueueEntry, queue_order};
pub use request::{RequestClock, RequestStanding, RequestState, RequestStep, StepRefused};
pub use terms::{RegimeTerms, RightsTerms};
