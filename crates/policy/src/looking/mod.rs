//! People looking at what is others': the session in which they do, its limits, what is unusual about it, and the first
//! look at which nothing can be read.
//!
//! Whether somebody may look is the access policies' to say; what follows from their answer is here.

mod anomaly;
mod blur;
mod limits;
mod remark;
mod session;

pub use anomaly::{Anomaly, AnomalyKind, Habits, anomalies};
pub use blur::blurred;
pub use limits::{AccessBounds, AccessLimits, TooMuch, WorkingHours, WorkingHoursError};
pub use remark::{AccessAnswer, AccessRemark, NotARemark, REMARK_CHARACTERS_MAX};
pub use session::{
    AccessApproval, AccessAsked, AccessEnd, AccessNeeds, AccessNoticeKind, AccessReview, AccessScope,
    AccessSession, AccessState, AccessStep, AccessStepRefused, Participant, Sight, UnloggedLooks, distinct,
};

#[cfg(test)]
mod tests;
