//! The server over real sockets: what applications send, what providers see, what comes back, and what is kept.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::format_push_string,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod api;
mod app;
mod bytes;
mod centre;
mod client;
mod compliance;
mod console;
mod eligibility;
mod key_service;
mod operations;
mod passthrough;
mod privacy_signal;
mod refusals;
mod scripted;
mod secured;
mod siem;
mod streams;
mod upstream;
mod webhooks;
mod witness;
