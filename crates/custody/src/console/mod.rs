//! What people and staff do by the console and the API: the use cases, each bound to whoever is signed in.
//!
//! Whose data a command is about is never taken from what was sent. A person reaches what is theirs and nothing else
//! ([`Oneself`]); staff reach what their roles permit, in their own organisation ([`Staff`]).

mod access;
mod application;
mod oneself;
mod personal;
mod staff;

pub use access::SessionPart;
pub(crate) use access::circumstances_of;
pub use application::Application;
pub use oneself::{Oneself, Staff};
pub use personal::{PersonalCommand, PersonalRequest};
pub use staff::roles_permit;
