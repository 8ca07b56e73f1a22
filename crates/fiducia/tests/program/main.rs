//! The built program, driven from outside: exit codes, standard output and standard error.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "the helpers of tests fail the test by panicking, as the tests themselves do"
)]

mod access;
mod accounts;
mod administration;
mod api;
mod audit;
mod certificates;
mod compliance;
mod configuration;
mod consent;
mod demo;
mod import;
mod key_services;
mod ledger;
mod letters;
mod mail_server;
mod place;
mod policy;
mod requests;
mod retention;
mod serving;
mod warnings;
mod witness;
