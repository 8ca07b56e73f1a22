//! The use cases of custody: who may speak, capturing exchanges, reading, deleting, erasing, importing.
//!
//! This crate combines the pure and sans-IO crates beneath it with the store. It knows nothing of HTTP. One thread, the
//! writer, owns everything that changes: it stages what arrives, seals it, commits it in groups and only then
//! acknowledges. Another, the scribe, owns the ledger; a third files the records in their buckets and in
//! the index.
//! [`Custody`] is the handle to them.

mod accounts;
mod administer;
mod administration;
mod attestation;
mod audit;
mod audit_report;
mod caller;
mod callers;
mod centre;
mod certificate;
mod compliance;
mod consent;
mod console;
mod custody;
mod destruction;
mod envelopes;
mod evidence;
mod exchange;
mod faults;
mod filing;
mod import;
mod keychain;
mod keys;
mod log_keys;
mod looking;
mod mail;
mod mailbox;
mod open_error;
mod opening;
mod payload;
mod people;
mod reading;
mod recovery;
mod retention;
mod rights;
mod rotation;
mod scribe;
mod settings;
mod staging;
mod unfinished;
mod webhooks;
mod witness_gate;
mod wrapping;
mod writer;

pub use accounts::{
    ANSWER_SECONDS, ApiTokenRow, CreatedToken, KeptAnswer, NewToken, TOKEN_DAYS_MAX, TokenHolder,
    TokenRefused,
};
pub use accounts::{
    AccountCommand, AccountReply, AccountRow, Appearance, Assertion, Attempt, Browser, NewAccount,
    NewSession, PASSKEY_ALGORITHMS, PASSWORD_BYTES_MAX, PASSWORD_CHARACTERS_MIN, PasskeyRefused, PasskeyRow,
    Password, ProviderIdentity, Registration, RelyingParty, SessionRow, SessionTerms, SignInRefused,
    SignedIn,
};
pub use administration::{
    AdminCommand, AdminError, AdminReply, ConversationContent, ConversationRow, CreatedOrganization,
    CreatedVirtualKey, DestructionReport, DestructionScope, KeptBecause, OrganizationRow, ReadBack,
    RecordContent, RecordRow, SubjectRow, VirtualKeyRow,
};
pub use audit::{
    AuditError, AuditFinding, AuditSettings, AuditedLog, ComparedKind, LogAuditReport, RememberedCheckpoint,
    audit, audited_organizations,
};
pub use audit_report::{
    AUDIT_FILE_BYTES_MAX, AuditCommand, AuditRejected, AuditReply, AuditReport, AuditReportRow, AuditSource,
    AuditedOrganization, AuditedPromise, Evidence, LogState, PromiseStanding, Verdict, VerifiedAuditReport,
    WitnessState, verify_audit_file,
};
pub use caller::{Caller, CredentialRefused, EligibilityTerms, Retention, Scope, Scopes, UnknownScope};
pub use centre::{LookPart, LookProof, LookRow, Looker, Prospect, ProspectiveEnds, PublicLooks};
pub use certificate::{
    Backups, CERTIFICATE_FILE_BYTES_MAX, Certificate, CertificateCommand, CertificateReference,
    CertificateRejected, CertificateReply, CertificateRow, CertificateStage, CertifiedScope, Confidentiality,
    Destroyed, Issuer, KeptPart, Method, Order, Verification, VerifiedCertificate, verify_certificate,
};
pub use compliance::{
    ActivityPage, ActivityQuery, ChatPage, ChatQuery, ComplianceCall, ComplianceCommand, ComplianceKey,
    ComplianceKeyRow, ComplianceReach, ComplianceReply, CreatedComplianceKey, Listed, MessagePage,
    MessagePlace, MessageQuery, NewComplianceKey, PageCursor, TransparencyLog, activity_names,
};
pub use consent::commands::{
    CHOICES_MAX, CampaignRow, CampaignTally, ConsentChoice, ConsentCommand, ConsentEntry, ConsentEvidence,
    ConsentImport, ConsentOutcome, ConsentReply, ConsentRow, ImportedChoice, NoticeRow, RefusedChoice,
    ReminderRow, ShownNotice,
};
pub use consent::{
    RECEIPT_FILE_BYTES_MAX, RECEIPT_FORMAT, ReceiptFacts, ReceiptRejected, TrainingRead, TrainingRecord,
    TrainingRefusal, TrainingTarget, VerifiedReceipt, verify_receipt,
};
pub use console::{Application, Oneself, PersonalCommand, PersonalRequest, SessionPart, Staff, roles_permit};
pub use custody::{Custody, CustodyMetrics, PendingImport};
pub use evidence::{
    AccessFigure, AuditFigures, Consistency, Cosigned, DecidingClause, DueFigure, EntryFilter, EntryPage,
    EntryProofShown, EntryRow, EntryShape, EvidenceCommand, EvidenceReply, KeyEnd, KeyEndKind, KeyGraph,
    KeyGraphEdge, KeyGraphNode, KeyGraphTarget, KeyLayer, KeyPath, LogFigures, NamedSignature, PolicyFigure,
    RequestsFigure, ShownCheckpoint, ShownStep, SignatureKind, WitnessFigures,
};
pub use exchange::{
    AnswerOutcome, CaptureFailed, CaptureRefused, CapturedAnswer, ExchangeOpening, Notice, OpenExchange,
};
pub use fiducia_store::ActivityKey;
pub use import::{ImportOutcome, ImportProgress, RejectedLine};
pub use keys::{
    KEYFILE_SERVICE, KeyClosed, KeyServiceDirectory, KeyServices, OrganizationKeyCommand,
    OrganizationKeyReply, OrganizationKeyRow, ServiceKey,
};
pub use log_keys::{LogKeyCommand, LogKeyReply, LogKeyRow, LogKeys};
pub use looking::{
    AccessActor, AccessCommand, AccessLookRow, AccessNoticeRow, AccessRemarkRow, AccessReply, AccessRequest,
    AccessSessionDetail, LookTarget, SessionContent,
};
pub use mail::{
    Bulletin, BulletinAbout, DueMail, Letter, LetterAbout, MailAbout, MailAddress, MailCommand, MailOutcome,
    MailReply, MailState, NotAnAddress, WarningLetter,
};
pub use open_error::OpenError;
pub use people::{HeldCount, HeldFor, PeopleCommand, PeopleReply, PersonDetail, PersonRow};
pub use retention::commands::{
    CaseRow, CensusRow, ContentScope, ConversationWish, ExplainedPath, FlagRow, HoldExport, HoldExportReport,
    HoldRow, NewHold, PolicyRow, RecordExplanation, RetentionCommand, RetentionProgress, RetentionReply,
    TermsChange,
};
pub use retention::governance::PolicyUnreadable;
pub use rights::commands::{
    Agent, ExportFileRow, Mandate, NewRequest, RequestDetail, RequestRow, RequestStepRow, RightsAction,
    RightsCommand, RightsExport, RightsExportReport, RightsReply, RightsReport, StillKept, StoreOutcome,
};
pub use rights::rights_export_schema;
pub use settings::{
    AccessSettings, CaptureLimits, CertificateSettings, CustodySettings, MailSchedule, WitnessTerms,
};
pub use webhooks::{
    CreatedWebhook, DeliveryState, FeedActivity, NewWebhook, OutgoingWebhook, WEBHOOK_TEST, WebhookCommand,
    WebhookDeliveryRow, WebhookReply, WebhookRoom, WebhookRow,
};
pub use witness_gate::{Unwitnessed, WhenShort, WitnessGate};
