//! The commands on audit reports, and their replies.

use fiducia_policy::{OrganizationId, Timestamp};

/// A command on audit reports.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "action")]
pub enum AuditCommand {
    /// Makes a report.
    Report {
        /// About whom.
        organization: OrganizationId,
    },
    /// Lists reports, newest first.
    List {
        /// About whom.
        organization: OrganizationId,
        /// At most this many (1 to 1,000).
        limit: u32,
    },
    /// Gives a report's file.
    Show {
        /// Its reference number.
        reference: String,
    },
}

/// A report in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AuditReportRow {
    /// Its reference number.
    pub reference: String,
    /// About whom.
    pub organization: OrganizationId,
    /// Issued when.
    pub issued_at: Timestamp,
    /// How many promises were shown, partly shown, not shown and contradicted.
    pub standings: [u64; 4],
    /// Where its entry lies in the organisation's log.
    pub ledger_index: Option<u64>,
}

/// A reply to an [`AuditCommand`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reply", content = "value")]
pub enum AuditReply {
    /// It was made.
    Issued {
        /// Its reference number.
        reference: String,
        /// The index of its entry.
        ledger_index: u64,
    },
    /// Reports.
    Reports(Vec<AuditReportRow>),
    /// A report's file.
    File {
        /// The file.
        text: String,
        /// The keys by which it can be checked.
        verifier_keys: Vec<String>,
    },
}
