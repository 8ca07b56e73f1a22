//! How long things are kept: what decides it, what changes it, what carries it out, and what proves it.

pub(crate) mod archive;
mod cases;
mod certifying;
pub(crate) mod commands;
mod events;
mod explain;
pub(crate) mod export;
mod forgetting;
pub(crate) mod governance;
mod holds;
mod publishing;
mod warning;
pub(crate) mod worker;

pub(crate) use certifying::Ended;
pub(crate) use forgetting::Forgetting;
pub(crate) use holds::{Holds, scope_of as scope_of_hold};
pub(crate) use worker::Scrubbing;
