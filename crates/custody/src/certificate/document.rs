//! What a certificate says. It never holds content or names.

use std::collections::BTreeMap;

use fiducia_ledger::{Digest, Event, EventId, Leaf, LedgerError};
use fiducia_policy::{ConversationId, GroundKind, OrganizationId, PersonId, Pseudonym, RecordId, Timestamp};

use super::CertificateReference;
use crate::ReadBack;
use crate::staging::sha256;

/// The layout of certificates that this version writes and reads.
pub(crate) const FORMAT: &str = "fiducia/certificate/v1";

/// A certificate of destruction. All times are in UTC, in whole microseconds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Its layout: `fiducia/certificate/v1`.
    pub format: String,
    /// Its reference number.
    pub reference: CertificateReference,
    /// How far the destruction went.
    pub stage: CertificateStage,
    /// Whose data it was.
    pub organization: OrganizationId,
    /// Who issued it.
    pub issuer: Issuer,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// Who ordered the destruction, under which rule.
    pub order: Order,
    /// What was destroyed.
    pub destroyed: Destroyed,
    /// Who could read it before and after.
    pub confidentiality: Confidentiality,
    /// How it was destroyed.
    pub method: Method,
    /// How the destruction was tried, and what came of it.
    pub verification: Verification,
    /// When the last of its keys was destroyed.
    pub keys_destroyed_at: Timestamp,
    /// When the last of its bytes was purged; absent while a ground keeps all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purged_at: Option<Timestamp>,
    /// Where copies of the keys may still be, and until when.
    pub backups: Backups,
    /// What was not destroyed, and which ground keeps it.
    pub kept: Vec<KeptPart>,
}

/// How far a destruction went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateStage {
    /// Keys were destroyed: what only they open cannot be read. Its bytes are purged later.
    KeyDestruction,
    /// Bytes were purged whose keys were destroyed earlier.
    Purge,
    /// Both.
    KeyDestructionAndPurge,
}

/// Who issued a certificate, where its entry is, and with what it was made.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The installation: what the names of all its logs begin with.
    pub ledger_origin: String,
    /// The organisation's log, which holds the certificate's entry.
    pub log: String,
    /// The entry's id.
    pub event: EventId,
    /// Where the data was, as the operator states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Whom to ask, as the operator states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// The program.
    pub tool: String,
    /// Its version.
    pub version: String,
}

/// Who ordered a destruction, under which rule.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// The rule: `deletion`, `erasure` or `retention`.
    pub rule: String,
    /// The member of staff, where one ordered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<PersonId>,
    /// The policy in force.
    pub policy: u32,
}

/// What was destroyed. Ids are random and lead to nobody; what would lead to an erased person is committed to instead.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destroyed {
    /// What it was about.
    pub scope: CertifiedScope,
    /// Keys, by kind.
    pub keys: BTreeMap<String, u64>,
    /// Conversations that ended.
    pub conversations: u64,
    /// Records whose bytes were purged.
    pub records: u64,
    /// Files of records that were removed as a whole.
    pub buckets: u64,
    /// Which stores it was taken out of.
    pub stores: Vec<String>,
    /// What the records held.
    pub fields: Vec<String>,
}

/// What a destruction was about.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "of", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CertifiedScope {
    /// One record.
    Record {
        /// Which.
        record: RecordId,
        /// In which conversation.
        conversation: ConversationId,
        /// The ledger's name for the person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pseudonym: Option<Pseudonym>,
    },
    /// One conversation.
    Conversation {
        /// Which.
        conversation: ConversationId,
        /// The ledger's name for the person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pseudonym: Option<Pseudonym>,
    },
    /// Everything of one person, who is not named.
    Person {
        /// 16 random bytes, hex.
        salt: String,
        /// Commitments to the person's conversations, in order: whoever kept a conversation's id can find it here, nobody
        /// else can. At most 1,000; the number of conversations stands beside.
        conversations: Vec<String>,
    },
    /// What had come to its end, of many people.
    Ended {},
}

/// Who could read what was destroyed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Confidentiality {
    /// Before.
    pub before: String,
    /// After.
    pub after: String,
}

/// How something was destroyed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// The keys.
    pub keys: String,
    /// The bytes.
    pub bytes: String,
}

/// How a destruction was tried.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// How.
    pub method: String,
    /// What came of it. Nothing was opened, or there would be no certificate.
    pub result: ReadBack,
}

/// Where copies of destroyed keys may still be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Backups {
    /// The operator states none, and none are configured here.
    NoneStated {},
    /// Backups of the key store may hold the wrapped keys until then.
    Until {
        /// For how many days the operator keeps them.
        days: u32,
        /// When the last that was made before the destruction expires.
        at: Timestamp,
    },
}

/// What was not destroyed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptPart {
    /// The ground that keeps it.
    pub ground: GroundKind,
    /// Until when; absent while only an event ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How many records, where they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<u64>,
    /// In how many conversations, where they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conversations: Option<u64>,
    /// Whether there may be more than were counted.
    pub at_least: bool,
}

impl Certificate {
    /// The document: canonical JSON (RFC 8785).
    ///
    /// # Errors
    /// When a number is too large for JSON to hold exactly.
    pub fn canonical(&self) -> Result<String, LedgerError> {
        serde_json_canonicalizer::to_string(self)
            .map_err(|error| LedgerError::Encoding { reason: error.to_string() })
    }

    /// The bytes of the entry that announces it.
    ///
    /// # Errors
    /// When they do not fit an entry.
    pub(crate) fn entry(&self, digest: Digest) -> Result<Vec<u8>, LedgerError> {
        Leaf { id: self.issuer.event.clone(), at: self.issued_at, event: self.event(digest) }
            .to_entry(self.organization)
    }

    /// What is announced.
    pub(crate) fn event(&self, digest: Digest) -> Event {
        Event::CertificateIssued { reference: self.reference.to_string(), certificate: digest }
    }

    /// Whether a conversation is among those a person's certificate commits to.
    pub fn commits_to(&self, conversation: ConversationId) -> bool {
        match &self.destroyed.scope {
            CertifiedScope::Person { salt, conversations } => {
                conversations.contains(&commitment(salt, conversation))
            }
            CertifiedScope::Record { conversation: named, .. }
            | CertifiedScope::Conversation { conversation: named, .. } => *named == conversation,
            CertifiedScope::Ended {} => false,
        }
    }
}

/// A commitment to a conversation: `SHA-256(domain || salt || id)`, hex.
pub(crate) fn commitment(salt: &str, conversation: ConversationId) -> String {
    let parts = [
        b"fiducia/certificate/conversation/v1\n".as_slice(),
        salt.as_bytes(),
        b"\n",
        conversation.as_bytes(),
    ];
    crate::administer::hex(&sha256(&parts))
}

/// SHA-256 of a document.
pub(crate) fn digest(canonical: &str) -> Digest {
    Digest(sha256(&[canonical.as_bytes()]))
}

/// The text that is signed: what it is, which certificate, and its digest.
pub(crate) fn note_text(reference: &CertificateReference, digest: Digest) -> String {
    format!("{FORMAT}\n{reference}\n{digest:?}\n")
}

/// The name under which an installation signs certificates.
pub(crate) fn signer_name(ledger_origin: &str) -> String {
    format!("{ledger_origin}/certificates")
}

/// An instant in whole microseconds, as the log writes it.
pub(crate) fn in_microseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}
