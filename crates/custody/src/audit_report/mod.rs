//! Audit reports: for every promise, what this installation can show today, and what it cannot.
//!
//! A report is made of questions that are put to the stores, the keys, the log and the policies at the moment it is asked
//! for; nothing in it is taken from an earlier report. Each answer is a figure, or a check that holds or does not, and says
//! where it can be looked up. What could not be shown stands beside it in words. The report is signed, kept, and announced in
//! the organisation's log, so that it can neither be changed later nor be said never to have been made.

mod access_figures;
mod answer;
mod commands;
mod evidence;
mod facts;
mod file;
mod issuing;
mod log_figures;
mod probes;
mod report;
mod serving;

pub(crate) use facts::Facts;
pub(crate) use report::signer_name;

pub use commands::{AuditCommand, AuditReply, AuditReportRow};
pub use file::{AUDIT_FILE_BYTES_MAX, AuditRejected, VerifiedAuditReport, verify_audit_file};
pub use report::{
    AuditReport, AuditSource, AuditedOrganization, AuditedPromise, Evidence, LogState, PromiseStanding,
    Verdict, WitnessState,
};
