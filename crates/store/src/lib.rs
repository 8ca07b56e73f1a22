//! SQL and the journal before it. The only crate that imports the database driver; no SQL exists outside of it.
//!
//! A group of captures is durable when its frame in `journal/` is synced. From there its records are filed into SQLite,
//! many groups in one transaction. Three kinds of file, all in WAL mode with `secure_delete=ON`:
//!
//! - `control.db`: organisations, subjects, virtual keys, conversations, the prefix index, jobs, the outbox;
//! - `keys.db`: the key graph alone, with its own rule for backups;
//! - `records/<bucket>.db`: ciphertext, one file per expiry bucket.
//!
//! SQLite commits each file by itself. The order that makes every crash point safe is kept by `custody`: keys before the
//! journal, the journal before the records, the records before their index. Everything in the index can be rebuilt from
//! the records.

mod access_remarks;
mod access_sessions;
mod accesses;
mod accounts;
mod activities;
mod activity_outbox;
mod api;
mod audit;
mod audit_report;
mod bulletins;
mod campaigns;
mod certificates;
mod compliance_keys;
mod compliance_lists;
mod connection;
mod consents;
mod control;
mod credentials;
mod destroying;
mod directory;
mod error;
mod evidence;
mod holds;
mod index;
mod jobs;
mod journal;
mod key_history;
mod keys;
mod letters;
mod log_keys;
mod mails;
mod notices;
mod outbox;
mod paths;
mod people;
mod record;
mod records;
mod resting;
mod retention;
mod rights;
mod rights_effects;
mod scrub;
mod service_wraps;
mod warnings;
mod webhooks;

pub use access_remarks::AccessRemarkRecord;
pub use access_sessions::{
    AccessNotice, AccessSessionFilter, AccessSessionWrite, AccessVolume, BeginLook, LookRefused, SessionLook,
    SessionLookRow,
};
pub use accesses::AccessRecord;
pub use accounts::{AccountRecord, PasskeyRecord, PrivacySignal, SessionRecord};
pub use activities::{ActivityFilter, ActivityKey, ActivityRecord, ActivityStore, STREAMS_MAX};
pub use api::{ApiAnswerRecord, ApiTokenRecord};
pub use audit::{AuditedFact, ForgottenAccess};
pub use audit_report::{AuditReportRecord, ConsentedPath, ControlFigures, KeyFigures, PublicLook};
pub use bulletins::{BulletinRecord, BulletinSource};
pub use campaigns::{CampaignCount, CampaignMember, CampaignRecord};
pub use certificates::CertificateRecord;
pub use compliance_keys::ComplianceKeyRecord;
pub use compliance_lists::{ConversationOrder, OrganizationMember};
pub use consents::{ConsentRecord, ConsentStanding, ConsentWrite};
pub use control::{
    ControlStore, NewOrganization, NewSubject, OrganizationRecord, OrganizationTerms, SubjectRecord,
};
pub use credentials::VirtualKeyRecord;
pub use destroying::PrefixesFrom;
pub use directory::{DataDirectory, DirectoryError};
pub use error::StoreError;
pub use evidence::AccessCount;
pub use holds::{CaseRecord, FlagRecord, HoldPerson, HoldRecord, HoldRole};
pub use index::{ConversationRecord, IndexEntry, PrefixHit};
pub use jobs::ImportJob;
pub use journal::{Journal, JournalGroup};
pub use keys::{Edge, KeyKind, KeyNode, KeyStore};
pub use letters::{LetterRecord, LetterSource};
pub use log_keys::LogKeyRecord;
pub use mails::{MailCounts, MailKey, MailRecord};
pub use notices::NoticeRecord;
pub use outbox::Announcement;
pub use paths::PathChange;
pub use people::PersonSummary;
pub use record::{BucketName, CaptureTerms, RecordKind, RecordPrefixes, StoredRecord, StoredWrap};
pub use records::{Bucket, RecordBucket, STEP_BYTES_MAX};
pub use resting::{Connections, Lent, Rest};
pub use retention::{ConversationMark, PublishedPolicy, Review};
pub use rights::{RightsAgent, RightsCounts, RightsFilter, RightsRecord, RightsStepRecord, Submission};
pub use rights_effects::{ExportVolume, OptOut, Restriction, RightsEffect, RightsStatement};
pub use scrub::Scrubbed;
pub use service_wraps::ServiceWrap;
pub use warnings::{EndingSoon, SealedContact, WarningRecord};
pub use webhooks::{WebhookChange, WebhookCounts, WebhookDeliveryRecord, WebhookIntake, WebhookRecord};
