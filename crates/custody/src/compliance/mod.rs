//! The Compliance API's use cases: keys, and what they reach.

mod commands;
mod keys;

pub use commands::{
    ComplianceCommand, ComplianceKey, ComplianceKeyRow, ComplianceReach, ComplianceReply,
    CreatedComplianceKey, NewComplianceKey,
};
