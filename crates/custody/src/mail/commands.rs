//! The commands on mails, and their replies.

use std::fmt;

use fiducia_policy::{
    AccessReason, AccessSessionId, BulletinId, ComplaintRoute, ConsentPurpose, DisabledBecause, LetterId,
    LetterKind, OrganizationId, RequestKind, RightsRequestId, Timestamp, WarningId, WebhookId,
};
use fiducia_store::MailKey;

use super::MailAddress;
use crate::{AdminError, CertificateReference};

/// What a mail is about.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailAbout {
    /// A certificate of destruction; it goes to a contact.
    Certificate(CertificateReference),
    /// Conversations that end soon; it goes to the person whose they are.
    Warning(WarningId),
    /// A question, a reminder, or what becomes of a request; it goes to the person it is about.
    Letter(LetterId),
    /// Something that the administrators of an organisation are told; it goes to one of them.
    Bulletin(BulletinId),
}

impl MailAbout {
    /// How the store knows it.
    pub(super) fn key(&self) -> MailKey {
        match self {
            Self::Certificate(reference) => MailKey::Certificate(reference.as_str().to_owned()),
            Self::Warning(id) => MailKey::Warning(*id),
            Self::Letter(id) => MailKey::Letter(*id),
            Self::Bulletin(id) => MailKey::Bulletin(*id),
        }
    }

    /// What a row of the store is about.
    pub(super) fn of(key: &MailKey) -> Result<Self, AdminError> {
        Ok(match key {
            MailKey::Certificate(reference) => Self::Certificate(
                reference.parse().map_err(|error| AdminError::Storage(format!("control.db: {error}")))?,
            ),
            MailKey::Warning(id) => Self::Warning(*id),
            MailKey::Letter(id) => Self::Letter(*id),
            MailKey::Bulletin(id) => Self::Bulletin(*id),
        })
    }
}

impl fmt::Display for MailAbout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certificate(reference) => reference.fmt(f),
            Self::Warning(id) => id.fmt(f),
            Self::Letter(id) => id.fmt(f),
            Self::Bulletin(id) => id.fmt(f),
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
    /// Mails that are due: those to administrators first, the longest due first among each kind.
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

/// A letter to a person. It never crosses the admin socket: the address is for the mail alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its id.
    pub id: LetterId,
    /// Where the person is written to.
    pub to: MailAddress,
    /// The name of the organisation.
    pub organization: String,
    /// The language the person last chose in, or their account speaks: a tag of BCP 47.
    pub language: Option<String>,
    /// What it is.
    pub kind: LetterKind,
    /// What it tells of.
    pub about: LetterAbout,
    /// Queued when.
    pub queued_at: Timestamp,
}

/// What a letter tells of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LetterAbout {
    /// A campaign's question.
    Question {
        /// What is asked about.
        purpose: ConsentPurpose,
        /// From when on silence is a no.
        deadline: Timestamp,
    },
    /// A request of the person.
    Request {
        /// Which.
        id: RightsRequestId,
        /// What was asked.
        kind: RequestKind,
        /// The first instant at which an answer is too late.
        due: Timestamp,
        /// Why it takes longer or was refused: a word from a closed list.
        reason: Option<String>,
        /// What was left undone and why, as the staff wrote it for the person.
        left_undone: Option<String>,
        /// Where the person can go who is not content.
        routes: Vec<ComplaintRoute>,
    },
}

/// Something that an administrator is told by mail. It never crosses the admin socket: the address is for the mail alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bulletin {
    /// Its id.
    pub id: BulletinId,
    /// Where the administrator is written to.
    pub to: MailAddress,
    /// The name of the organisation.
    pub organization: String,
    /// The language of the administrator's account: a tag of BCP 47.
    pub language: Option<String>,
    /// What it tells of.
    pub about: BulletinAbout,
    /// When that happened.
    pub at: Timestamp,
}

/// What a bulletin tells of. It names no reader and nothing that is read: the console shows who it is to those who sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BulletinAbout {
    /// A session of an emergency opened.
    EmergencyOpened {
        /// Which.
        session: AccessSessionId,
        /// Why it was asked for.
        reason: AccessReason,
        /// The case or ticket number.
        ticket: String,
        /// Over when, at the latest.
        until: Timestamp,
    },
    /// A session waits for an administrator's agreement.
    ApprovalAsked {
        /// Which.
        session: AccessSessionId,
        /// Why it was asked for.
        reason: AccessReason,
        /// The case or ticket number.
        ticket: String,
        /// No answer by then is a no.
        answer_by: Timestamp,
    },
    /// Nothing is sent to a webhook any more.
    WebhookDisabled {
        /// Which.
        webhook: WebhookId,
        /// Why.
        because: DisabledBecause,
    },
}
