//! The commands on certificates, and their replies.

use fiducia_policy::OrganizationId;

use super::{Certificate, CertificateReference};
use crate::MailState;

/// A command on certificates of destruction.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "action")]
pub enum CertificateCommand {
    /// Lists certificates, newest first.
    List {
        /// Only of this organisation.
        organization: Option<OrganizationId>,
        /// At most this many (1 to 1,000).
        limit: u32,
        /// Continue after this certificate.
        after: Option<CertificateReference>,
    },
    /// The file of one certificate.
    Show {
        /// Which.
        reference: CertificateReference,
    },
}

/// A certificate in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CertificateRow {
    /// What it says.
    pub certificate: Certificate,
    /// Where its entry lies in the organisation's log, once that is known.
    pub ledger_index: Option<u64>,
    /// The mail that tells of it.
    pub mail: MailState,
}

/// A reply to a [`CertificateCommand`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reply", content = "value")]
pub enum CertificateReply {
    /// Certificates.
    Certificates(Vec<CertificateRow>),
    /// A certificate's file, and the verifier keys by which it is checked, to be kept elsewhere.
    File {
        /// The file.
        text: String,
        /// The keys as text.
        verifier_keys: Vec<String>,
    },
}
