//! What a report says. It holds no content and no names of people.

use fiducia_ledger::{Digest, Event, EventId, Leaf, LedgerError};
use fiducia_policy::{Agreement, OrganizationId, Plan, PromiseId, Tier, Timestamp};

use crate::staging::sha256;

/// The layout of reports that this version writes and reads.
pub(crate) const FORMAT: &str = "fiducia/audit-report/v1";

/// A report. All times are in UTC, in whole microseconds.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditReport {
    /// Its layout: `fiducia/audit-report/v1`.
    pub format: String,
    /// Its reference number, such as `FA-2026-7KQ4-M0XA-93TD-ZZ1B`.
    pub reference: String,
    /// Whom it is about.
    pub organization: AuditedOrganization,
    /// The installation: what the names of all its logs begin with.
    pub ledger_origin: String,
    /// The id of the report's own entry in the log.
    pub event: EventId,
    /// When the questions were put.
    pub made_at: Timestamp,
    /// With which version of the program.
    pub version: String,
    /// The log as it was then.
    pub log: LogState,
    /// Every promise, in the order of their numbers.
    pub promises: Vec<AuditedPromise>,
}

/// Whom a report is about.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditedOrganization {
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
    /// Where its data is, as the operator states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The policy in force: its number, name and the SHA-256 of its text, hex.
    pub policy: (u32, String, Digest),
}

/// An organisation's log when the questions were put.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogState {
    /// Its origin.
    pub origin: String,
    /// How many entries its checkpoint covers.
    pub size: u64,
    /// The checkpoint, a signed note. Whoever keeps it can hold every later one against it.
    pub checkpoint: String,
    /// What every byte of the log was found to be: empty when all of it leads to the checkpoint.
    pub findings: Vec<String>,
    /// Who else signed how much of it.
    pub witnesses: Vec<WitnessState>,
}

/// What a witness has signed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WitnessState {
    /// Its name.
    pub name: String,
    /// How many entries the newest checkpoint covers that is kept with its cosignature; absent when none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When it signed that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

/// What there is to show for a promise.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditedPromise {
    /// Its number.
    pub promise: PromiseId,
    /// What is promised.
    pub statement: String,
    /// What the evidence comes to.
    pub standing: PromiseStanding,
    /// Figures and checks.
    pub evidence: Vec<Evidence>,
    /// What could not be shown, in sentences.
    pub not_shown: Vec<String>,
}

/// What the evidence for a promise comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PromiseStanding {
    /// Every check held, and nothing was left out.
    Shown,
    /// Every check held, and something could not be shown.
    PartlyShown,
    /// There is nothing that this installation can show for it.
    NotShown,
    /// A check did not hold.
    Contradicted,
}

impl PromiseStanding {
    /// All, in the order in which a summary counts them.
    pub const ALL: [Self; 4] = [Self::Shown, Self::PartlyShown, Self::NotShown, Self::Contradicted];

    /// For people.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::PartlyShown => "partly shown",
            Self::NotShown => "not shown",
            Self::Contradicted => "contradicted",
        }
    }
}

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// What was asked, as a statement.
    pub what: String,
    /// What was found.
    pub found: String,
    /// Whether it is a check, and what came of it.
    pub verdict: Verdict,
    /// Where it can be looked up.
    pub source: AuditSource,
}

/// What an answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// A figure; it holds nothing against anything.
    Figure,
    /// A check that held.
    Holds,
    /// A check that did not hold.
    Fails,
}

/// Where an answer comes from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "of", rename_all = "kebab-case", deny_unknown_fields)]
pub enum AuditSource {
    /// An entry of the log: the newest of those that were counted.
    Entry {
        /// Its index.
        index: u64,
        /// Its leaf hash, hex.
        leaf_hash: Digest,
        /// When it was made.
        at: Timestamp,
    },
    /// The whole log.
    Log {},
    /// The key store.
    Keys {},
    /// The control database.
    Control {},
    /// The files of records.
    Records {},
    /// The policy in force.
    Policy {},
    /// The policies on access in force.
    AccessPolicies {},
    /// Something that was tried while the report was made.
    Trial {},
    /// A certificate of destruction.
    Certificate {
        /// Its reference number.
        reference: String,
    },
}

impl AuditReport {
    /// The document: canonical JSON (RFC 8785).
    ///
    /// # Errors
    /// When a number is too large for JSON to hold exactly.
    pub fn canonical(&self) -> Result<String, LedgerError> {
        serde_json_canonicalizer::to_string(self)
            .map_err(|error| LedgerError::Encoding { reason: error.to_string() })
    }

    /// How many promises there are of a standing.
    pub fn count(&self, standing: PromiseStanding) -> usize {
        self.promises.iter().filter(|promise| promise.standing == standing).count()
    }

    /// The bytes of the entry that announces it.
    ///
    /// # Errors
    /// When they do not fit an entry.
    pub(crate) fn entry(&self, digest: Digest) -> Result<Vec<u8>, LedgerError> {
        Leaf { id: self.event.clone(), at: self.made_at, event: self.announcement(digest) }
            .to_entry(self.organization.id)
    }

    /// What is announced.
    pub(crate) fn announcement(&self, digest: Digest) -> Event {
        Event::AuditReportIssued { reference: self.reference.clone(), report: digest }
    }
}

/// SHA-256 of a document.
pub(crate) fn digest(canonical: &str) -> Digest {
    Digest(sha256(&[canonical.as_bytes()]))
}

/// The text that is signed: what it is, which report, and its digest.
pub(crate) fn note_text(reference: &str, digest: Digest) -> String {
    format!("{FORMAT}\n{reference}\n{digest:?}\n")
}

/// The name under which an installation signs reports.
pub(crate) fn signer_name(ledger_origin: &str) -> String {
    format!("{ledger_origin}/audits")
}
