//! The keys of organisations, the services that wrap them, and for how long what a service opened is kept.

mod access;
mod asking;
mod changing;
mod closed;
mod commands;
mod keeper;
mod services;

pub(crate) use access::{KeyAccess, program};
pub(crate) use changing::{KeyChange, open_access};
pub use closed::KeyClosed;
pub use commands::{OrganizationKeyCommand, OrganizationKeyReply, OrganizationKeyRow};
pub(crate) use keeper::{KeyKeeper, LOOKS_EVERY};
pub(crate) use services::Connections;
pub use services::{KEYFILE_SERVICE, KeyServiceDirectory, KeyServices, ServiceKey};
