//! Staff reading what is others': sessions, which are asked for, withdrawn, agreed to, looked in, ended and reviewed.
//!
//! Every way to content for a person leads through [`Sitting`], which is made here alone: of a session that is open and of
//! what the access policies say at that moment, or of somebody who reads what is theirs.

mod asking;
mod commands;
mod finding;
mod gate;
mod keeping;
mod once;
mod public;
mod reading;
mod remarks;
mod sitting;

pub use commands::{
    AccessActor, AccessCommand, AccessLookRow, AccessNoticeRow, AccessRemarkRow, AccessReply, AccessRequest,
    AccessSessionDetail, LookTarget, SessionContent,
};
pub(crate) use gate::{Asker, Gate, Home};
pub(crate) use keeping::AccessChange;
pub(crate) use once::{HandedOver, SingleLook};
pub(crate) use public::ToRead;
pub(crate) use sitting::{Sitting, department_of};
