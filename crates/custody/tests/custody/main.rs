//! Custody's integration tests: one binary.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests may fail loudly")]
#![expect(clippy::indexing_slicing, reason = "a wrong index fails the test")]

mod accounts;
mod audit;
mod audit_reading;
mod audit_reports;
mod audit_reports_access;
mod bulletins;
mod centre;
mod certificates;
mod consent;
mod consent_profile;
mod consent_races;
mod consent_world;
mod console;
#[cfg(feature = "fault-injection")]
mod crashes;
mod evidence_view;
mod export;
mod feed;
#[cfg(feature = "fault-injection")]
mod interrupted;
mod letters;
mod log_keys;
mod looking;
mod looking_bounds;
mod organization_keys;
mod refusals;
mod retention;
mod rights;
mod use_cases;
mod walk;
mod warnings;
mod world;
