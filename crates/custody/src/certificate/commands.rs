//! The commands on certificates, and their replies.

use fiducia_policy::{OrganizationId, Timestamp};

use super::{Certificate, CertificateReference};

/// A command on certificates of destruction and the mails that tell of them.
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
    /// The mails that are due now, the longest due first.
    DueMails {
        /// At most this many (1 to 1,000).
        limit: u32,
    },
    /// Notes that sending a mail begins: should nothing more be heard of it, it is sent again later.
    BeginMail {
        /// Of which certificate.
        reference: CertificateReference,
    },
    /// Notes what became of a mail.
    EndMail {
        /// Of which certificate.
        reference: CertificateReference,
        /// What.
        outcome: MailOutcome,
    },
}

/// What became of an attempt to send a mail.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailOutcome {
    /// The mail server took it.
    Sent,
    /// It did not; why. The text is cut to 256 characters.
    Failed(String),
}

/// Where the mail that tells of a certificate stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum MailState {
    /// There is none: mail was off when the certificate was issued.
    None {},
    /// It is sent at that time or later.
    Waiting {
        /// When it is tried next.
        next_attempt_at: Timestamp,
        /// Why the last attempt failed, if there was one.
        failure: Option<String>,
    },
    /// The mail server took it.
    Sent {
        /// When.
        at: Timestamp,
    },
    /// It is not tried any more.
    GivenUp {
        /// Since when.
        at: Timestamp,
        /// Why the last attempt failed.
        failure: Option<String>,
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

/// A mail to be sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DueMail {
    /// Of which certificate.
    pub reference: CertificateReference,
    /// To whose contact.
    pub organization: OrganizationId,
    /// How often sending it was begun.
    pub attempts: u32,
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
    /// Mails that are due.
    Mails(Vec<DueMail>),
    /// It was noted.
    Mail(MailState),
}
