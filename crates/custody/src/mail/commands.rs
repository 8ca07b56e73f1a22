//! The commands on mails, and their replies.

use std::fmt;

use fiducia_policy::{OrganizationId, Timestamp, WarningId};

use super::MailAddress;
use crate::CertificateReference;

/// What a mail is about.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailAbout {
    /// A certificate of destruction; it goes to a contact.
    Certificate(CertificateReference),
    /// Conversations that end soon; it goes to the person whose they are.
    Warning(WarningId),
}

impl fmt::Display for MailAbout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(reference) => reference.fmt(f),
            Self::Warning(id) => id.fmt(f),
        }
    }
}

/// A command on mails.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "action")]
pub enum MailCommand {
    /// The mails that are due now.
    Due {
        /// At most this many of each kind (1 to 1,000).
        limit: u32,
    },
    /// Notes that sending a mail begins: should nothing more be heard of it, it is sent again later.
    Begin {
        /// Which.
        about: MailAbout,
    },
    /// Notes what became of a mail.
    End {
        /// Which.
        about: MailAbout,
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

/// Where a mail stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state")]
pub enum MailState {
    /// There is none: mail was off when there was something to tell.
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

/// A mail to be sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct DueMail {
    /// Which.
    pub about: MailAbout,
    /// Of which organisation.
    pub organization: OrganizationId,
    /// How often sending it was begun.
    pub attempts: u32,
}

/// A reply to a [`MailCommand`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reply", content = "value")]
pub enum MailReply {
    /// Mails that are due: those about certificates first, the longest due first among each kind.
    Due(Vec<DueMail>),
    /// It was noted.
    Noted(MailState),
}

/// What a warning says, and to whom. It never crosses the admin socket: the address is for the mail alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarningLetter {
    /// Its id, by which the conversations can be kept.
    pub id: WarningId,
    /// Where the person is written to.
    pub to: MailAddress,
    /// The name of the organisation.
    pub organization: String,
    /// Given when.
    pub given_at: Timestamp,
    /// How many conversations end.
    pub conversations: u64,
    /// When the first of them ends.
    pub first_ends_at: Timestamp,
    /// Whether the person's plan lets them be kept.
    pub may_keep: bool,
}
