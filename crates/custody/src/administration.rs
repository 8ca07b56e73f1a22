//! The commands of operators, the same whether they arrive over the admin socket of a running server or run in the
//! command's own process.

use fiducia_policy::{
    AccessReason, Agreement, ConversationId, ExchangeId, GroundKind, OrganizationId, PersonId, Plan,
    RecordClass, RecordId, RetentionSpan, Sight, SubjectId, Tier, Timestamp, VirtualKeyId, WorkspaceId,
};

use crate::Scope;
use crate::accounts::{AccountCommand, AccountReply};
use crate::audit_report::{AuditCommand, AuditReply};
use crate::centre::LookRow;
use crate::certificate::{CertificateCommand, CertificateReference, CertificateReply};
use crate::compliance::{ComplianceCommand, ComplianceReply};
use crate::consent::commands::{ConsentCommand, ConsentReply};
use crate::evidence::commands::{EvidenceCommand, EvidenceReply};
use crate::import::{ImportOutcome, ImportProgress};
use crate::keys::{KeyClosed, OrganizationKeyCommand, OrganizationKeyReply};
use crate::log_keys::{LogKeyCommand, LogKeyReply};
use crate::looking::{AccessActor, AccessCommand, AccessReply};
use crate::mail::{MailCommand, MailReply};
use crate::people::{PeopleCommand, PeopleReply};
use crate::retention::commands::{
    HoldExport, HoldExportReport, RetentionCommand, RetentionProgress, RetentionReply,
};
use crate::rights::commands::{RightsCommand, RightsReply};
use crate::webhooks::{WebhookCommand, WebhookReply};

/// What to read or destroy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DestructionScope {
    /// One record; the keys of its conversation's other records are wrapped anew.
    Record(RecordId),
    /// A whole conversation.
    Conversation(ConversationId),
    /// Everything of a person, the person's pseudonym included.
    Subject(SubjectId),
}

/// A command. Its `Debug` shows neither what is imported nor whom it is about.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "command")]
pub enum AdminCommand {
    /// Creates an organisation (tenant), its root keys, its log and a first workspace named `default`.
    CreateOrganization {
        /// Display name, unique, 1 to 128 characters.
        name: String,
        /// Its plan.
        plan: Plan,
        /// Its governance tier; the plan's own when absent.
        tier: Option<Tier>,
        /// What was agreed on retention.
        agreement: Agreement,
        /// How long conversations are kept, under a custom agreement.
        custom_retention: Option<RetentionSpan>,
    },
    /// Lists organisations.
    ListOrganizations,
    /// Creates a virtual key.
    CreateVirtualKey {
        /// Whose.
        organization: OrganizationId,
        /// Name of the workspace, created when new; `default` when absent.
        workspace: Option<String>,
        /// The application's own name for the person the key speaks for. Only a keyed digest of it is kept.
        subject: String,
        /// What it permits.
        scopes: Vec<Scope>,
        /// The class of what it captures; the plan's own when absent.
        class: Option<RecordClass>,
        /// When it stops working.
        expires_at: Option<Timestamp>,
    },
    /// Lists virtual keys (never their secrets).
    ListVirtualKeys {
        /// Only of this organisation.
        organization: Option<OrganizationId>,
    },
    /// Revokes a virtual key at once.
    RevokeVirtualKey {
        /// Which.
        key: VirtualKeyId,
    },
    /// Lists subjects.
    ListSubjects {
        /// Whose.
        organization: OrganizationId,
    },
    /// Lists conversations, newest first, without content.
    ListConversations {
        /// Only of this organisation.
        organization: Option<OrganizationId>,
        /// Only of this subject.
        subject: Option<SubjectId>,
        /// Also those that their person deleted; they are hidden otherwise.
        deleted: bool,
        /// At most this many (1 to 1,000).
        limit: u32,
        /// Continue after this conversation.
        after: Option<ConversationId>,
    },
    /// Finds one conversation, also when it is hidden.
    FindConversation {
        /// Which.
        conversation: ConversationId,
    },
    /// Lists the records of a conversation, without content.
    ListRecords {
        /// Which.
        conversation: ConversationId,
    },
    /// Decrypts for a person, after a durable access entry.
    ShowRecords {
        /// What: a whole conversation or one record ([`DestructionScope::Subject`] is refused: read one at a time).
        target: DestructionScope,
        /// Who reads: the operating-system user or the signed-in person.
        actor: String,
        /// Why.
        reason: AccessReason,
        /// A case or ticket number: 1 to 64 of `A-Z a-z 0-9 . _ -`. Without one nothing is read.
        ticket: Option<String>,
        /// For which ground's purpose, one of those that go with the reason; the closest that opens something when absent.
        ground: Option<GroundKind>,
        /// Whether what was flagged is shown as it is. It takes a blurred look at it first, under the same ticket and within a
        /// day.
        reveal: bool,
    },
    /// Reads what is others' in sessions.
    Access {
        /// Who: from the console and the API it is whoever is signed in, whatever is said here.
        actor: AccessActor,
        /// What.
        #[serde(rename = "does")]
        command: AccessCommand,
    },
    /// Destroys keys, purges bytes, reads back.
    Destroy {
        /// What.
        scope: DestructionScope,
        /// Who ordered it.
        actor: String,
    },
    /// Destroys what has ended and purges what no ground holds any more: steps of [`RetentionCommand::Step`] until nothing
    /// is left to do.
    Sweep {
        /// Stop after about this many keys and records; `None` for no limit.
        limit: Option<u64>,
    },
    /// Exports what a hold holds, for counsel, after durable access entries.
    ExportHold(HoldExport),
    /// Governs how long things are kept.
    Govern(RetentionCommand),
    /// Notices, what people chose, campaigns.
    Consent(ConsentCommand),
    /// Lists and shows certificates of destruction.
    Certify(CertificateCommand),
    /// Makes, lists and shows audit reports.
    Audit(AuditCommand),
    /// Keeps track of mails.
    Mail(MailCommand),
    /// Makes, lists and changes accounts of the console.
    Account(AccountCommand),
    /// People's requests about their data.
    Rights(RightsCommand),
    /// Looks people up. Nothing is changed.
    People(PeopleCommand),
    /// Makes, lists and deletes keys to the Compliance API.
    Compliance(ComplianceCommand),
    /// Shows evidence: the log with its proofs, graphs of keys, figures. Nothing is changed.
    Evidence(EvidenceCommand),
    /// Adds, lists, changes and ends webhooks.
    Webhook(WebhookCommand),
    /// Finds or makes the subject of a name.
    NameSubject {
        /// Whose.
        organization: OrganizationId,
        /// The application's own name for the person.
        name: String,
    },
    /// Finds or makes the id of a member of staff.
    NamePerson {
        /// The operating-system user or the signed-in person.
        name: String,
    },
    /// Begins an import, or finds it again after an interruption.
    BeginImport {
        /// Into which organisation.
        organization: OrganizationId,
        /// The application's own name for the person the conversations belong to.
        subject: String,
        /// What to call the source, for example the file's name.
        source: String,
        /// Digest that identifies the source's content.
        digest: [u8; 32],
    },
    /// Imports consecutive lines. When the reply comes they are durable.
    ImportLines {
        /// The job.
        job: [u8; 16],
        /// Number of the first line, from 1.
        first_line: u64,
        /// The lines, without their ends.
        lines: Vec<String>,
    },
    /// Ends an import and announces it in the ledger.
    FinishImport {
        /// The job.
        job: [u8; 16],
        /// Digest of the source's content.
        digest: [u8; 32],
    },
    /// The key of an organisation or of the installation, and who wraps it.
    OrganizationKey(OrganizationKeyCommand),
    /// On the keys that sign logs.
    LogKeys(LogKeyCommand),
    /// Counts, sizes and states, for `fiducia doctor`.
    Status,
}

impl AdminCommand {
    /// The command's name in logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CreateOrganization { .. } => "create-organization",
            Self::ListOrganizations => "list-organizations",
            Self::CreateVirtualKey { .. } => "create-virtual-key",
            Self::ListVirtualKeys { .. } => "list-virtual-keys",
            Self::RevokeVirtualKey { .. } => "revoke-virtual-key",
            Self::ListSubjects { .. } => "list-subjects",
            Self::ListConversations { .. } => "list-conversations",
            Self::FindConversation { .. } => "find-conversation",
            Self::ListRecords { .. } => "list-records",
            Self::ShowRecords { .. } => "show-records",
            Self::Access { .. } => "access",
            Self::Destroy { .. } => "destroy",
            Self::Sweep { .. } => "sweep",
            Self::ExportHold(_) => "export-hold",
            Self::Govern(_) => "govern",
            Self::Consent(_) => "consent",
            Self::Certify(_) => "certify",
            Self::Audit(_) => "audit",
            Self::Mail(_) => "mail",
            Self::Account(_) => "account",
            Self::Rights(_) => "rights",
            Self::People(_) => "people",
            Self::Compliance(_) => "compliance",
            Self::Evidence(_) => "evidence",
            Self::Webhook(_) => "webhook",
            Self::NameSubject { .. } => "name-subject",
            Self::NamePerson { .. } => "name-person",
            Self::BeginImport { .. } => "begin-import",
            Self::ImportLines { .. } => "import-lines",
            Self::FinishImport { .. } => "finish-import",
            Self::OrganizationKey(_) => "organization-key",
            Self::Status => "status",
            Self::LogKeys(_) => "log-keys",
        }
    }
}

impl std::fmt::Debug for AdminCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AdminCommand").field(&self.name()).finish()
    }
}

/// A reply.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reply", content = "value")]
pub enum AdminReply {
    /// To [`AdminCommand::CreateOrganization`].
    Organization(CreatedOrganization),
    /// To [`AdminCommand::ListOrganizations`].
    Organizations(Vec<OrganizationRow>),
    /// To [`AdminCommand::CreateVirtualKey`]. The only time the secret is shown.
    VirtualKey(CreatedVirtualKey),
    /// To [`AdminCommand::ListVirtualKeys`].
    VirtualKeys(Vec<VirtualKeyRow>),
    /// To [`AdminCommand::RevokeVirtualKey`].
    Revoked,
    /// To [`AdminCommand::ListSubjects`].
    Subjects(Vec<SubjectRow>),
    /// To [`AdminCommand::ListConversations`] and [`AdminCommand::FindConversation`].
    Conversations(Vec<ConversationRow>),
    /// To [`AdminCommand::ListRecords`].
    Records(Vec<RecordRow>),
    /// To [`AdminCommand::ShowRecords`].
    Content(ConversationContent),
    /// To [`AdminCommand::Access`].
    Access(Box<AccessReply>),
    /// To [`AdminCommand::Destroy`].
    Destroyed(DestructionReport),
    /// To [`AdminCommand::Sweep`].
    Swept(RetentionProgress),
    /// To [`AdminCommand::ExportHold`].
    Exported(HoldExportReport),
    /// To [`AdminCommand::Govern`].
    Governed(RetentionReply),
    /// To [`AdminCommand::Consent`].
    Consented(ConsentReply),
    /// To [`AdminCommand::Certify`].
    Certified(CertificateReply),
    /// To [`AdminCommand::Audit`].
    Audited(AuditReply),
    /// To [`AdminCommand::Mail`].
    Mailed(MailReply),
    /// To [`AdminCommand::Account`].
    Account(AccountReply),
    /// To [`AdminCommand::Rights`].
    Rights(RightsReply),
    /// To [`AdminCommand::People`].
    People(PeopleReply),
    /// To [`AdminCommand::Compliance`].
    Compliance(ComplianceReply),
    /// To [`AdminCommand::Evidence`].
    Evidence(EvidenceReply),
    /// To [`AdminCommand::Webhook`].
    Webhook(WebhookReply),
    /// To [`crate::PersonalCommand::Accesses`].
    Accesses(Vec<LookRow>),
    /// To [`AdminCommand::NameSubject`].
    Subject(SubjectId),
    /// To [`AdminCommand::NamePerson`].
    Person(PersonId),
    /// To [`AdminCommand::BeginImport`] and [`AdminCommand::FinishImport`].
    Import(ImportProgress),
    /// To [`AdminCommand::ImportLines`].
    Imported(ImportOutcome),
    /// To [`AdminCommand::OrganizationKey`].
    OrganizationKey(OrganizationKeyReply),
    /// To [`AdminCommand::Status`]: names and numbers.
    Status(Vec<(String, String)>),
    /// To [`AdminCommand::LogKeys`].
    LogKeys(LogKeyReply),
}

/// A command that was not carried out. The variants decide exit codes and HTTP statuses.
#[derive(Debug, Clone, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "error", content = "detail")]
pub enum AdminError {
    /// No such thing. Nothing was changed.
    #[error("{0}")]
    NotFound(String),
    /// The command's arguments are not acceptable. Nothing was changed.
    #[error("{0}")]
    Invalid(String),
    /// Whoever asks may not do this. Nothing was read or changed.
    #[error("{0}")]
    Forbidden(String),
    /// It exists already, or its state forbids the command. Nothing was changed.
    #[error("{0}")]
    Conflict(String),
    /// More than may be read within a day. Nothing more was opened; it may be tomorrow.
    #[error("{0}")]
    TooMuch(String),
    /// The key is gone: the content cannot be read by anyone.
    #[error("{0}")]
    Destroyed(String),
    /// What protects it is closed: its key management service does not open it. Nothing was read or changed.
    #[error(transparent)]
    KeyClosed(#[from] KeyClosed),
    /// The store or the ledger failed; the text says what that means for the data.
    #[error("{0}")]
    Storage(String),
}

/// A new organisation.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct CreatedOrganization {
    /// Its id.
    pub id: OrganizationId,
    /// Its log's origin.
    pub ledger_origin: String,
    /// Its log's Ed25519 verifier key (`name+hash+base64`), to keep outside of this machine.
    pub ledger_verifier_key: String,
    /// Its log's ECDSA P-256 verifier key, to keep as well: tools of the Access Transparency format take it.
    #[serde(default)]
    pub ledger_ecdsa_verifier_key: String,
    /// The workspace created with it.
    pub workspace: WorkspaceId,
}

/// An organisation in a list.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct OrganizationRow {
    /// Its id.
    pub id: OrganizationId,
    /// Its name.
    pub name: String,
    /// Its plan.
    pub plan: Plan,
    /// Its governance tier.
    pub tier: Tier,
    /// What was agreed on retention.
    pub agreement: Agreement,
    /// How long conversations are kept, under a custom agreement.
    pub custom_retention: Option<RetentionSpan>,
    /// Created when.
    pub created_at: Timestamp,
    /// Its log's origin.
    pub ledger_origin: String,
    /// The Ed25519 verifier key that signs its log now.
    pub ledger_verifier_key: String,
    /// The ECDSA P-256 verifier key that signs its log now.
    #[serde(default)]
    pub ledger_ecdsa_verifier_key: String,
    /// All keys of its log: those that sign now, and those that will or did.
    #[serde(default)]
    pub ledger_verifier_keys: Vec<String>,
}

/// A new virtual key with its secret.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct CreatedVirtualKey {
    /// Its id.
    pub id: VirtualKeyId,
    /// The secret, shown once; only its hash is stored.
    pub secret: String,
    /// The subject it speaks for.
    pub subject: SubjectId,
}

impl std::fmt::Debug for CreatedVirtualKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedVirtualKey")
            .field("id", &self.id)
            .field("secret", &"(redacted)")
            .finish_non_exhaustive()
    }
}

/// A virtual key in a list.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct VirtualKeyRow {
    /// Its id.
    pub id: VirtualKeyId,
    /// Whose.
    pub organization: OrganizationId,
    /// Name of its workspace.
    pub workspace: String,
    /// The subject it speaks for.
    pub subject: SubjectId,
    /// What it permits.
    pub scopes: Vec<Scope>,
    /// The class of what it captures; the plan's own when absent.
    pub class: Option<RecordClass>,
    /// Created when.
    pub created_at: Timestamp,
    /// Stops working when.
    pub expires_at: Option<Timestamp>,
    /// Revoked when.
    pub revoked_at: Option<Timestamp>,
}

/// A subject in a list.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct SubjectRow {
    /// Its id.
    pub id: SubjectId,
    /// Seen first when.
    pub created_at: Timestamp,
    /// A plan of its own; the organisation's when absent.
    pub plan: Option<Plan>,
    /// Whether training is allowed.
    pub training_allowed: bool,
    /// Whether there is an address to which warnings go.
    pub has_contact: bool,
    /// The account was closed when.
    pub closed_at: Option<Timestamp>,
    /// Erased when.
    pub erased_at: Option<Timestamp>,
    /// Conversations it has.
    pub conversations: u64,
}

/// A conversation in a list.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct ConversationRow {
    /// Its id.
    pub id: ConversationId,
    /// Whose organisation.
    pub organization: OrganizationId,
    /// Whose.
    pub subject: SubjectId,
    /// Began when.
    pub created_at: Timestamp,
    /// Last turn when.
    pub last_active_at: Timestamp,
    /// Sealed records in it.
    pub records: u64,
    /// Deleted by its person when: it is hidden, and destroyed at its end.
    pub deleted_at: Option<Timestamp>,
    /// Marked to be kept by its person when.
    pub starred_at: Option<Timestamp>,
    /// When its last key for the person's own use is destroyed, as things stand; `None` while only an event ends it, and
    /// when nothing is kept for that.
    pub ends_at: Option<Timestamp>,
    /// Its end was announced when.
    pub warned_at: Option<Timestamp>,
    /// Destroyed when.
    pub destroyed_at: Option<Timestamp>,
}

/// A record in a list.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct RecordRow {
    /// Its id.
    pub id: RecordId,
    /// The exchange it is part of.
    pub exchange: ExchangeId,
    /// `request` or `answer`.
    pub kind: String,
    /// The wire format's name.
    pub wire: String,
    /// The model.
    pub model: String,
    /// Captured when.
    pub created_at: Timestamp,
    /// Bytes of ciphertext.
    pub sealed_bytes: u64,
    /// The grounds that hold, by name and end.
    pub grounds: Vec<(GroundKind, Option<Timestamp>)>,
}

/// One decrypted record.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
pub struct RecordContent {
    /// The row.
    pub row: RecordRow,
    /// For an answer: the HTTP status.
    pub status: Option<u16>,
    /// For an answer: how it ended.
    pub outcome: Option<crate::AnswerOutcome>,
    /// Messages that this record holds, as (role, text) for display.
    pub texts: Vec<(String, String)>,
    /// The stored bytes as text: for a request the body without what earlier records of the conversation hold, for an
    /// answer its body. Lossless when `raw_is_text`, else base64.
    pub raw: String,
    /// Whether `raw` is UTF-8 text rather than base64.
    pub raw_is_text: bool,
    /// For a request: how many earlier messages of the conversation the client re-sent and this record leaves out.
    pub messages_elided: u64,
}

impl std::fmt::Debug for RecordContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordContent").field("row", &self.row).finish_non_exhaustive()
    }
}

/// What a person was shown, and the ledger entry that came first.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct ConversationContent {
    /// The conversation.
    pub conversation: ConversationId,
    /// The access entry's index in the organisation's log.
    pub ledger_index: u64,
    /// The access entry's leaf hash, hex.
    pub ledger_leaf_hash: String,
    /// How it is shown.
    pub sight: Sight,
    /// The records, in order.
    pub records: Vec<RecordContent>,
}

/// What keeps something that was asked to be destroyed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct KeptBecause {
    /// The ground.
    pub ground: GroundKind,
    /// Until when it holds.
    pub until: Option<Timestamp>,
    /// How many records.
    pub records: u64,
}

/// The read-back after a destruction.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ReadBack {
    /// Records whose ciphertext was held back in memory and tried with every key path that is left: all must fail.
    pub attempts: u64,
    /// How many opened all the same. Zero, or the destruction failed.
    pub opened: u64,
    /// Rows found in the store afterwards. Zero unless a ground keeps them.
    pub rows_found: u64,
}

/// What a destruction did.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct DestructionReport {
    /// Keys destroyed.
    pub keys_destroyed: u64,
    /// Records whose bytes were purged.
    pub records_purged: u64,
    /// Conversations that ended.
    pub conversations: u64,
    /// What was kept, and why.
    pub kept: Vec<KeptBecause>,
    /// The read-back.
    pub read_back: ReadBack,
    /// The ledger entries that record it: (organisation, index).
    pub ledger: Vec<(OrganizationId, u64)>,
    /// The certificate that was issued.
    pub certificate: Option<CertificateReference>,
}
