//! The commands that govern how long things are kept, and their replies.

use std::path::PathBuf;

use fiducia_policy::{
    AccessReason, Agreement, CaseId, ConversationId, FlagId, GroundKind, HoldId, HoldScope, KeyId,
    OrganizationId, Plan, PolicyVersion, RecordId, RetentionSpan, SubjectId, Tier, Timestamp, WarningId,
};

use crate::certificate::CertificateReference;
use crate::mail::MailAddress;

/// A change of an organisation's terms: what is absent stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct TermsChange {
    /// Another plan.
    pub plan: Option<Plan>,
    /// Another governance tier.
    pub tier: Option<Tier>,
    /// Another agreement on retention.
    pub agreement: Option<Agreement>,
    /// How long conversations are kept under a custom agreement.
    pub custom_retention: Option<RetentionSpan>,
}

/// Part of a conversation, or all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContentScope {
    /// One record.
    Record(RecordId),
    /// A whole conversation, as it is now.
    Conversation(ConversationId),
}

/// What the person did to a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConversationWish {
    /// Delete it: it is hidden at once and destroyed when the policy says.
    Delete,
    /// Take the deletion back, as long as the keys are there.
    Restore,
    /// Keep it beyond its end, where the plan allows that.
    Keep,
    /// Do not keep it beyond its end.
    LetGo,
}

/// A legal hold to be placed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NewHold {
    /// Whose data.
    pub organization: OrganizationId,
    /// The matter: 1 to 128 characters.
    pub matter: String,
    /// Who obliges, for example a court with its reference: 1 to 128 characters.
    pub authority: String,
    /// What is held.
    pub scope: HoldScope,
    /// Who must be told not to destroy anything.
    pub custodians: Vec<String>,
    /// Who may review what is held.
    pub reviewers: Vec<String>,
}

/// An export of what a hold holds.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct HoldExport {
    /// Which hold.
    pub hold: HoldId,
    /// Who exports: the operating-system user or the signed-in person.
    pub actor: String,
    /// For whom: a reviewer named in the hold. The access entries name this person.
    pub reviewer: String,
    /// Why.
    pub reason: AccessReason,
    /// A case or ticket number: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    pub ticket: Option<String>,
    /// Who can open the file: `age1…` public keys. Nobody needs a key when there is none.
    pub recipients: Vec<String>,
    /// Where to write it, for the process that holds the data. An existing file is never overwritten.
    pub out: PathBuf,
}

/// What an export holds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HoldExportReport {
    /// Of which hold.
    pub hold: HoldId,
    /// The file.
    pub file: PathBuf,
    /// For how many people it is sealed; 0 when it is not.
    pub recipients: u64,
    /// Conversations in it.
    pub conversations: u64,
    /// Records in it.
    pub records: u64,
    /// Held records that could not be read, because their person's pseudonym or their key went meanwhile.
    pub records_unreadable: u64,
    /// Indexes of the access entries in the organisation's log.
    pub access_entries: Vec<u64>,
    /// SHA-256 of `manifest.json` in it, hex.
    pub manifest_sha256: String,
    /// Index of the entry that says that it was exported.
    pub ledger_index: u64,
}

/// A command on how long things are kept.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "action")]
pub enum RetentionCommand {
    /// Publishes a policy, which decides from then on.
    PublishPolicy {
        /// Its text.
        source: String,
        /// Who.
        actor: String,
    },
    /// Lists the policies that were published.
    ListPolicies,
    /// The text of a published policy; of the one in force when no version is named.
    ShowPolicy {
        /// Which.
        version: Option<PolicyVersion>,
    },
    /// Changes an organisation's terms.
    ChangeTerms {
        /// Whose.
        organization: OrganizationId,
        /// To what.
        change: TermsChange,
    },
    /// Says whether a workspace agrees to what covered models need.
    SetCoveredModels {
        /// Whose.
        organization: OrganizationId,
        /// Name of the workspace.
        workspace: String,
        /// Whether it agrees.
        enabled: bool,
    },
    /// Gives a person a plan of their own, or takes it away.
    SetPersonPlan {
        /// Whose.
        subject: SubjectId,
        /// Which; `None` for the organisation's.
        plan: Option<Plan>,
    },
    /// Says whether a person allows training.
    SetTraining {
        /// Whose.
        subject: SubjectId,
        /// Whether.
        allowed: bool,
        /// Who enters it.
        actor: String,
    },
    /// Sets where a person is warned of ends, or takes it away.
    SetContact {
        /// Whose.
        subject: SubjectId,
        /// The address; `None` for no mails.
        address: Option<MailAddress>,
    },
    /// Closes a person's account.
    CloseAccount {
        /// Whose.
        subject: SubjectId,
    },
    /// Does what a person wishes with a conversation.
    Wish {
        /// Which.
        conversation: ConversationId,
        /// What.
        wish: ConversationWish,
    },
    /// Keeps conversations that a warning was about, up to 100 of them: ask until none is left.
    KeepWarned {
        /// Which warning.
        warning: WarningId,
    },
    /// Gives a conversation a tag, or takes it away.
    Tag {
        /// Which.
        conversation: ConversationId,
        /// The tag: 1 to 128 characters.
        tag: String,
        /// Whether it shall have it.
        present: bool,
    },
    /// Notes a violation: the content is kept for it.
    Flag {
        /// What.
        content: ContentScope,
        /// What was found: 1 to 128 characters.
        category: String,
        /// How sure, 0 to 1, where a classifier says.
        score: Option<f64>,
        /// Who.
        actor: String,
    },
    /// Lists findings.
    ListFlags {
        /// Only in this conversation.
        conversation: Option<ConversationId>,
    },
    /// The person gives feedback on a conversation, which is kept for it.
    GiveFeedback {
        /// Which.
        conversation: ConversationId,
    },
    /// Opens an investigation.
    OpenCase {
        /// Whose data.
        organization: OrganizationId,
        /// What to call it: 1 to 128 characters.
        name: String,
        /// Who.
        actor: String,
    },
    /// Takes content into an investigation.
    ExtendCase {
        /// Which.
        case: CaseId,
        /// What.
        content: ContentScope,
        /// Who.
        actor: String,
    },
    /// Closes an investigation.
    CloseCase {
        /// Which.
        case: CaseId,
        /// Who.
        actor: String,
    },
    /// Lists investigations.
    ListCases,
    /// Places a legal hold.
    PlaceHold {
        /// What.
        hold: NewHold,
        /// Who.
        actor: String,
    },
    /// Widens a legal hold: it never lets go of anything.
    WidenHold {
        /// Which.
        hold: HoldId,
        /// What it covers beside what it covers already.
        scope: HoldScope,
        /// Who.
        actor: String,
    },
    /// Releases a legal hold: its key is destroyed after the days of grace, by which another hold can still be placed.
    ReleaseHold {
        /// Which.
        hold: HoldId,
        /// Days of grace, at most 365; absent: as long as the policy in force says.
        grace_days: Option<u32>,
        /// Who.
        actor: String,
    },
    /// A custodian confirms a hold.
    AcknowledgeHold {
        /// Which.
        hold: HoldId,
        /// Who.
        custodian: String,
    },
    /// Lists holds.
    ListHolds,
    /// Says why a record is kept, until when, and what would end that.
    Explain {
        /// Which.
        record: RecordId,
    },
    /// What the worker would do now, without doing it.
    Preview,
    /// Counts what is kept in each situation, for `policy diff` and `policy simulate`.
    Census,
    /// One step of the worker.
    Step,
}

/// A hold in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HoldRow {
    /// Its id.
    pub id: HoldId,
    /// Whose data.
    pub organization: OrganizationId,
    /// The matter.
    pub matter: String,
    /// Who obliges.
    pub authority: String,
    /// What it covers.
    pub scope: HoldScope,
    /// Why something in its scope is not held, where that is so: an organisation with zero retention has nothing to hold.
    pub out_of_scope: Option<String>,
    /// Placed when.
    pub placed_at: Timestamp,
    /// Records that were there before it and are held.
    pub records: u64,
    /// Whether all records that were there before it are held.
    pub is_complete: bool,
    /// Custodians and reviewers: role, name, whether confirmed.
    pub people: Vec<(String, String, bool)>,
    /// Released when.
    pub released_at: Option<Timestamp>,
    /// When its key is destroyed.
    pub ends_at: Option<Timestamp>,
    /// When its key was destroyed.
    pub ended_at: Option<Timestamp>,
}

/// A case in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CaseRow {
    /// Its id.
    pub id: CaseId,
    /// Whose data.
    pub organization: OrganizationId,
    /// What it is called.
    pub name: String,
    /// Opened when.
    pub opened_at: Timestamp,
    /// Closed when.
    pub closed_at: Option<Timestamp>,
    /// When its key is destroyed, at the latest.
    pub ends_at: Option<Timestamp>,
    /// When its key was destroyed.
    pub ended_at: Option<Timestamp>,
}

/// A finding in a list.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FlagRow {
    /// Its id.
    pub id: FlagId,
    /// In which conversation.
    pub conversation: ConversationId,
    /// In which record, where it is one.
    pub record: Option<RecordId>,
    /// What was found.
    pub category: String,
    /// How sure.
    pub score: Option<f64>,
    /// Found when.
    pub flagged_at: Timestamp,
    /// The first day on which the content is no longer kept for it.
    pub content_until: Option<String>,
    /// When the finding itself is forgotten.
    pub score_ends_at: Option<Timestamp>,
}

/// A published policy in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PolicyRow {
    /// Its number; 0 for the built-in one.
    pub version: PolicyVersion,
    /// Its name.
    pub name: String,
    /// SHA-256 of its text, hex.
    pub digest: String,
    /// A signed note over name, version and digest; empty for the built-in one.
    pub note: String,
    /// Published when.
    pub published_at: Option<Timestamp>,
    /// Its text, where it was asked for.
    pub source: Option<String>,
}

/// Why a record is kept.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct RecordExplanation {
    /// Which.
    pub record: RecordId,
    /// The policy version it was captured under, and the one in force.
    pub policies: (PolicyVersion, PolicyVersion),
    /// The paths that exist: for each ground whether its key is there, since when, and until when.
    pub paths: Vec<ExplainedPath>,
    /// What the policy in force says, rule by rule, as text.
    pub rules: String,
}

/// A path from a ground to a record.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ExplainedPath {
    /// The ground.
    pub ground: GroundKind,
    /// Its last key.
    pub key: KeyId,
    /// Whether the key can still be reached.
    pub is_open: bool,
    /// When it ends by itself.
    pub until: Option<Timestamp>,
    /// What it hangs from: a hold, a case, a day.
    pub because: String,
}

/// What the worker did or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct RetentionProgress {
    /// Nothing is left to do at this instant.
    pub is_done: bool,
    /// Keys destroyed.
    pub keys_destroyed: u64,
    /// Records whose bytes were purged.
    pub records_purged: u64,
    /// Buckets removed as a whole.
    pub buckets_dropped: u64,
    /// Conversations whose end was worked out again.
    pub reviewed: u64,
    /// Records that were taken under a hold.
    pub held: u64,
    /// Findings whose time was over.
    pub findings_forgotten: u64,
    /// Conversations whose end was announced.
    pub warned: u64,
    /// People who were warned of that.
    pub people_warned: u64,
    /// The ledger entries that record it: (organisation, index).
    pub ledger: Vec<(OrganizationId, u64)>,
    /// The certificates that were issued: (organisation, reference number).
    pub certificates: Vec<(OrganizationId, CertificateReference)>,
}

impl RetentionProgress {
    /// Adds what a further step did.
    pub fn add(&mut self, step: Self) {
        self.is_done = step.is_done;
        self.keys_destroyed += step.keys_destroyed;
        self.records_purged += step.records_purged;
        self.buckets_dropped += step.buckets_dropped;
        self.reviewed += step.reviewed;
        self.held += step.held;
        self.findings_forgotten += step.findings_forgotten;
        self.warned += step.warned;
        self.people_warned += step.people_warned;
        self.ledger.extend(step.ledger);
        self.certificates.extend(step.certificates);
    }
}

/// What is kept in one situation.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CensusRow {
    /// The situation.
    pub situation: fiducia_policy::Situation,
    /// How long, where that was agreed.
    pub custom_retention: Option<RetentionSpan>,
    /// The day of the last turn, as an instant at its beginning.
    pub day: Timestamp,
    /// People.
    pub people: u64,
    /// Conversations.
    pub conversations: u64,
    /// Records.
    pub records: u64,
    /// Bytes of ciphertext.
    pub bytes: u64,
}

/// A reply to a [`RetentionCommand`].
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reply", content = "value")]
pub enum RetentionReply {
    /// It was done; the index of its ledger entry, where it has one.
    Done(Option<u64>),
    /// Conversations that were kept; none when there are no more.
    Kept(Vec<ConversationId>),
    /// A policy was published, or shown.
    Policy(PolicyRow),
    /// Policies, the first first.
    Policies(Vec<PolicyRow>),
    /// A hold.
    Hold(HoldRow),
    /// Holds, oldest first.
    Holds(Vec<HoldRow>),
    /// A case.
    Case(CaseRow),
    /// Cases, oldest first.
    Cases(Vec<CaseRow>),
    /// A finding.
    Flag(FlagRow),
    /// Findings, oldest first.
    Flags(Vec<FlagRow>),
    /// Why a record is kept.
    Explanation(Box<RecordExplanation>),
    /// Why the records of a conversation are kept: one explanation for each of the ways in which they are.
    Explanations(Vec<RecordExplanation>),
    /// What was done, or would be.
    Progress(RetentionProgress),
    /// What is kept.
    Census(Vec<CensusRow>),
}
