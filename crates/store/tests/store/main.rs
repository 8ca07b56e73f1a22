//! The store's tests against real files: one binary.

#![expect(clippy::unwrap_used, reason = "tests may fail loudly")]

mod accounts;
mod activities;
mod arrivals;
mod consents;
mod control;
mod files;
mod journal;
mod keys;
mod paths;
mod records;
mod samples;
mod webhooks;
