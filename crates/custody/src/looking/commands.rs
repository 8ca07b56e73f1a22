//! The commands by which staff read what is others', and their replies.

use fiducia_policy::{
    AccessAnswer, AccessNoticeKind, AccessReason, AccessRemark, AccessScope, AccessSession, AccessSessionId,
    ConversationId, GroundKind, OrganizationId, Participant, RecordId, Sight, Timestamp,
};

use crate::ConversationContent;

/// Who gives a command on the command line.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessActor {
    /// Whoever works at the machine itself, by the name of the operating system's user.
    Operator(String),
    /// Whoever presents the token of an account.
    Token(String),
}

impl std::fmt::Debug for AccessActor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Operator(_) => "Operator",
            Self::Token(_) => "Token",
        })
    }
}

/// What somebody asks to read.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AccessRequest {
    /// What.
    pub scope: AccessScope,
    /// Why.
    pub reason: AccessReason,
    /// The case or ticket number: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    pub ticket: String,
    /// For which ground's purpose, one of those that go with the reason; the closest that opens something when absent.
    pub ground: Option<GroundKind>,
    /// For how long, in seconds from its opening; 900 when absent.
    pub seconds: Option<u32>,
    /// Whether this is an emergency that breaks the rule: two others must agree, and it is reviewed.
    pub break_glass: bool,
}

/// What of a session's scope is looked at: records of one conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct LookTarget {
    /// Of which conversation; the session's own when absent, where it has one.
    pub conversation: Option<ConversationId>,
    /// Which records; as many as one look opens when there are none.
    pub records: Vec<RecordId>,
    /// Those after this record.
    pub after: Option<RecordId>,
}

/// A command on sessions of reading.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "action")]
pub enum AccessCommand {
    /// Asks to read. The session opens at once where nobody else must agree.
    Ask {
        /// What, and why.
        request: AccessRequest,
    },
    /// Lists sessions, newest first: one's own, and with the role for it the organisation's.
    List {
        /// Only of this organisation.
        organization: Option<OrganizationId>,
        /// Only those that are asked for, open or to be reviewed.
        live_only: bool,
        /// At most this many (1 to 1,000).
        limit: u32,
        /// Those that were asked for before this one.
        before: Option<AccessSessionId>,
    },
    /// One session, with the conversations that it is about.
    Show {
        /// Which.
        session: AccessSessionId,
    },
    /// Agrees to somebody else's session.
    Approve {
        /// Which.
        session: AccessSessionId,
        /// Why, if it is said.
        #[serde(default)]
        remark: Option<AccessRemark>,
    },
    /// Says no to somebody else's session.
    Deny {
        /// Which.
        session: AccessSessionId,
        /// Why.
        remark: AccessRemark,
    },
    /// Takes one's own session back while it waits.
    Withdraw {
        /// Which.
        session: AccessSessionId,
    },
    /// Looks at records in one's own session. The entry is durable before anything is decrypted.
    Look {
        /// In which session.
        session: AccessSessionId,
        /// At what.
        target: LookTarget,
        /// How they are shown; what was flagged is blurred first when absent.
        sight: Option<Sight>,
    },
    /// Ends a session: one's own, or with the role for it another's.
    End {
        /// Which.
        session: AccessSessionId,
    },
    /// Reviews an emergency that one took no part in.
    Review {
        /// Which.
        session: AccessSessionId,
        /// Whether the emergency justified what was read.
        justified: bool,
        /// Why it did or did not.
        remark: AccessRemark,
    },
    /// Whether the organisation wants to agree to looks at what is its own; says so when `enabled` is given.
    Lockbox {
        /// Which organisation.
        organization: OrganizationId,
        /// What it wants from now on.
        enabled: Option<bool>,
    },
    /// What the organisation's administrators are told about sessions, newest first.
    Notices {
        /// Which organisation.
        organization: OrganizationId,
        /// At most this many (1 to 1,000).
        limit: u32,
        /// Notes that those up to this place were seen.
        seen_up_to: Option<u64>,
    },
}

/// A session with what it is about.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AccessSessionDetail {
    /// The session.
    pub session: AccessSession,
    /// The conversations that it is about, at most 1,000.
    pub conversations: Vec<ConversationId>,
    /// The records that were looked at, and how they were shown last.
    pub seen: Vec<(RecordId, Sight)>,
    /// The looks that were taken, oldest first, at most 1,000. Those at what is of people who were erased since are in the
    /// log alone.
    pub looks: Vec<AccessLookRow>,
    /// What was said to answers, oldest first.
    pub remarks: Vec<AccessRemarkRow>,
}

/// What somebody said to their answer. Its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AccessRemarkRow {
    /// What they answered.
    pub answer: AccessAnswer,
    /// Who.
    pub by: Participant,
    /// When.
    pub at: Timestamp,
    /// What they said; none while the key to it cannot be used.
    pub text: Option<String>,
    /// With which it is in the log, as 32 hexadecimal digits: the entry has SHA-256 of `fiducia/access/remark/v1`, a line feed, the
    /// salt's bytes and the text.
    pub salt: Option<String>,
}

impl std::fmt::Debug for AccessRemarkRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessRemarkRow").field("answer", &self.answer).finish_non_exhaustive()
    }
}

/// A look that was taken in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AccessLookRow {
    /// When.
    pub at: Timestamp,
    /// How many records it opened.
    pub records: u64,
    /// How they were shown; none for looks of earlier versions.
    pub sight: Option<Sight>,
    /// Where its entry lies in the organisation's log.
    pub ledger_index: u64,
}

/// What the administrators of an organisation are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AccessNoticeRow {
    /// Its place among all.
    pub sequence: u64,
    /// Of which session, where it is about one.
    pub session: Option<AccessSessionId>,
    /// Of which key to the Compliance API, where it is about one.
    #[serde(default)]
    pub key: Option<fiducia_policy::ComplianceKeyId>,
    /// What.
    pub kind: AccessNoticeKind,
    /// When.
    pub at: Timestamp,
    /// Seen by one of them when.
    pub seen_at: Option<Timestamp>,
}

/// What a look shows.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct SessionContent {
    /// In which session.
    pub session: AccessSessionId,
    /// How it is shown.
    pub sight: Sight,
    /// The content, with the entry that permitted it.
    pub content: ConversationContent,
    /// Whether there are more records behind these.
    pub has_more: bool,
}

/// A reply to an [`AccessCommand`].
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reply", content = "value")]
pub enum AccessReply {
    /// A session, as it is now.
    Session(Box<AccessSession>),
    /// Sessions.
    Sessions(Vec<AccessSession>),
    /// One session.
    Detail(Box<AccessSessionDetail>),
    /// What was looked at.
    Content(Box<SessionContent>),
    /// Whether the organisation wants to agree.
    Lockbox(bool),
    /// What administrators are told.
    Notices(Vec<AccessNoticeRow>),
}
