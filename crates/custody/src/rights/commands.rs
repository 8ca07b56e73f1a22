//! The commands on people's requests, and their replies.

use std::path::PathBuf;

use fiducia_policy::{
    ComplaintRoute, ConversationId, ExtensionReason, GroundKind, IdentityMethod, LegalBasis, OrganizationId,
    PersonId, RefusalReason, Regime, RequestKind, RequestState, RightsRequestId, SubjectId, Timestamp,
};

use crate::administration::DestructionReport;

/// Who asks for another person.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Agent {
    /// Their name: 1 to 128 characters.
    pub name: String,
    /// What shows that they may. Without one the request is refused.
    pub mandate: Option<Mandate>,
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent").field("name", &"(redacted)").field("mandate", &self.mandate).finish()
    }
}

/// A mandate, as far as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Mandate {
    /// SHA-256 of what was shown, hex. The paper itself is not kept.
    pub evidence_sha256: String,
    /// What it covers.
    pub covers: Vec<RequestKind>,
    /// Valid from.
    pub from: Timestamp,
    /// Valid until before; `None` while nobody ends it.
    pub until: Option<Timestamp>,
}

/// A request to be taken in. Its `Debug` shows nothing that a person wrote.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NewRequest {
    /// About whom.
    pub subject: SubjectId,
    /// What is asked.
    pub kind: RequestKind,
    /// Under which laws; those of the policy when there are none.
    pub regimes: Vec<Regime>,
    /// The sender's own key for this submission, 1 to 128 visible ASCII characters: the same key and the same content make one
    /// request, however often it is sent.
    pub submission: String,
    /// When it arrived; now when absent.
    pub received_at: Option<Timestamp>,
    /// Who asks, where that is not the person.
    pub agent: Option<Agent>,
    /// For a correction: which conversation it is about, where it is about one.
    pub conversation: Option<ConversationId>,
    /// For a correction: what is wrong and what is right, in the person's words, at most 16 KiB. It is sealed.
    pub statement: Option<String>,
    /// For a correction: the name by which the application knows the person from now on.
    pub new_name: Option<String>,
    /// For an objection: to which grounds; to all that rest on a legitimate interest when there are none.
    pub grounds: Vec<GroundKind>,
    /// Who takes it in.
    pub actor: String,
}

impl std::fmt::Debug for NewRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewRequest")
            .field("subject", &self.subject)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// What is done to a request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "step")]
pub enum RightsAction {
    /// The person was told that it arrived.
    Confirm {},
    /// Whoever asks is asked to show who they are.
    AskIdentity {},
    /// It is known who asks. What was shown is not kept.
    Identify {
        /// How that was made sure.
        method: IdentityMethod,
    },
    /// Somebody begins to work on it.
    Begin {},
    /// It takes longer.
    Extend {
        /// Why.
        reason: ExtensionReason,
        /// When the person was told of it and why; now when absent.
        told_at: Option<Timestamp>,
    },
    /// It is carried out.
    Fulfil {
        /// What was left undone and why, where something was, for the person: 1 to 512 characters.
        left_undone: Option<String>,
    },
    /// It is refused.
    Refuse {
        /// Why.
        reason: RefusalReason,
    },
    /// The person takes it back.
    Withdraw {},
    /// A restriction ends; the person was told before.
    Lift {
        /// When the person was told.
        told_at: Timestamp,
    },
}

/// A file, or several, of what is kept of a person.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RightsExport {
    /// Upon which request.
    pub request: RightsRequestId,
    /// Who makes it.
    pub actor: String,
    /// Who can open it: `age1…` public keys. Nobody needs a key when there is none.
    pub recipients: Vec<String>,
    /// The folder to write into, for the process that holds the data; a folder in the data directory when absent, where only
    /// sealed files may lie.
    pub out: Option<PathBuf>,
    /// Conversations in one file, 1 to 10,000; more make further files.
    pub conversations_per_file: Option<u32>,
}

/// A command on people's requests.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "action")]
pub enum RightsCommand {
    /// Takes a request in.
    Open {
        /// What.
        request: Box<NewRequest>,
    },
    /// Lists requests: the open ones in the order in which to work on them, then, if asked for, the others.
    List {
        /// Only of this organisation.
        organization: Option<OrganizationId>,
        /// Also those that are closed.
        closed: bool,
        /// At most this many (1 to 1,000).
        limit: u32,
    },
    /// One request with its audit.
    Show {
        /// Which.
        request: RightsRequestId,
    },
    /// Does something to a request.
    Act {
        /// To which.
        request: RightsRequestId,
        /// What.
        step: RightsAction,
        /// For the staff: at most 512 characters, nothing that was shown as a proof of identity.
        note: Option<String>,
        /// Who.
        actor: String,
    },
    /// Writes what is kept of a person to a file for them.
    Export(RightsExport),
}

/// A request in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RequestRow {
    /// Its id.
    pub id: RightsRequestId,
    /// To whom it was made.
    pub organization: OrganizationId,
    /// About whom; `None` once the person is erased.
    pub subject: Option<SubjectId>,
    /// What is asked.
    pub kind: RequestKind,
    /// Under which laws.
    pub regimes: Vec<Regime>,
    /// Where it stands.
    pub state: RequestState,
    /// When it arrived.
    pub received_at: Timestamp,
    /// The first instant at which a confirmation of its arrival is too late, where it was not confirmed yet.
    pub confirm_by: Option<Timestamp>,
    /// The first instant at which an answer is too late, as things stand.
    pub due: Timestamp,
    /// The law whose clock that is.
    pub decided_by: Regime,
    /// Whether it is open and too late.
    pub is_overdue: bool,
    /// Whether it is known who asks.
    pub is_identified: bool,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Whether somebody asks for another.
    pub by_agent: bool,
}

/// One line of a request's audit.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RequestStepRow {
    /// What was done.
    pub step: String,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub by: PersonId,
    /// Where the request stood afterwards.
    pub state: RequestState,
    /// Why.
    pub reason: Option<String>,
    /// What the staff noted.
    pub note: Option<String>,
}

/// A finished part of an export.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ExportFileRow {
    /// Its number, from 1.
    pub volume: u32,
    /// Where it is; empty once the person is erased.
    pub file: String,
    /// For how many people it is sealed; 0 when it is not.
    pub recipients: usize,
    /// Conversations in it.
    pub conversations: u64,
    /// Records in it.
    pub records: u64,
    /// SHA-256 of its manifest, hex.
    pub manifest_sha256: String,
}

/// One request with everything about it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RequestDetail {
    /// The row.
    pub row: RequestRow,
    /// Until when it can be extended to; `None` where some law permits none, or it was extended.
    pub extensible_to: Option<Timestamp>,
    /// The agent's name.
    pub agent: Option<String>,
    /// What a correction or an objection is about.
    pub target: Option<String>,
    /// Whether the person wrote a statement; it is sealed and read with an access entry only.
    pub has_statement: bool,
    /// The audit.
    pub steps: Vec<RequestStepRow>,
    /// Where the person can go who is not content with the answer.
    pub routes: Vec<ComplaintRoute>,
    /// What keeps this from being carried out in whole, in words: a legal hold, say.
    pub obstacles: Vec<String>,
    /// What was handed over.
    pub files: Vec<ExportFileRow>,
    /// What was done, once it is closed.
    pub report: Option<RightsReport>,
}

/// What stays of a person after an erasure, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StillKept {
    /// The ground.
    pub ground: GroundKind,
    /// The legal basis it rests on, as far as the policy in force says.
    pub basis: Option<LegalBasis>,
    /// Records, at least.
    pub records: u64,
    /// Until when; `None` while only an event ends it.
    pub until: Option<Timestamp>,
    /// The promises that say so.
    pub clauses: Vec<String>,
    /// As a sentence for the person.
    pub sentence: String,
}

/// What became of one place where data lay.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct StoreOutcome {
    /// The place.
    pub store: String,
    /// What became of what lay there, as a sentence.
    pub outcome: String,
}

/// What was done upon a request, for the person.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct RightsReport {
    /// What was done, or why not, in sentences.
    pub sentences: Vec<String>,
    /// What was left undone and why.
    pub left_undone: Option<String>,
    /// For an erasure: every place, and what became of it.
    pub stores: Vec<StoreOutcome>,
    /// For an erasure and an objection: what stays and why.
    pub kept: Vec<StillKept>,
    /// For an erasure: what was destroyed.
    pub destruction: Option<DestructionReport>,
    /// Where the person can go who is not content.
    pub routes: Vec<ComplaintRoute>,
    /// Whether the answer came too late.
    pub is_late: bool,
}

impl PartialEq for RightsReport {
    fn eq(&self, other: &Self) -> bool {
        // What a destruction did is told by its certificate; two reports that name the same one are the same.
        let reference = |report: &Self| report.destruction.as_ref().map(|done| done.certificate.clone());
        self.sentences == other.sentences
            && self.left_undone == other.left_undone
            && self.stores == other.stores
            && self.kept == other.kept
            && self.routes == other.routes
            && self.is_late == other.is_late
            && reference(self) == reference(other)
    }
}

impl Eq for RightsReport {}

/// What an export holds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RightsExportReport {
    /// Upon which request.
    pub request: RightsRequestId,
    /// The files, the first first.
    pub files: Vec<ExportFileRow>,
    /// How many of them were finished before and not made again.
    pub resumed: u32,
    /// Conversations in all.
    pub conversations: u64,
    /// Records in all.
    pub records: u64,
    /// Records that are kept for another purpose than the person's own use: they are listed with their grounds, not opened.
    pub records_listed_only: u64,
}

/// A reply to a [`RightsCommand`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reply", content = "value")]
pub enum RightsReply {
    /// A request, and whether this submission made it.
    Opened {
        /// The request.
        request: RequestRow,
        /// False when the same submission had made it before.
        is_new: bool,
    },
    /// Requests.
    Requests(Vec<RequestRow>),
    /// One request.
    Request(Box<RequestDetail>),
    /// What an export holds.
    Exported(RightsExportReport),
}
