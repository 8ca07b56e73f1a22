//! People as staff look them up: account basics, what was asked, and how much is held and why, in counts. Never content.

mod commands;
mod serving;

pub use commands::{HeldCount, HeldFor, PeopleCommand, PeopleReply, PersonDetail, PersonRow};
