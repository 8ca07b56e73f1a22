//! A sealed record and the bucket it lies in.

use fiducia_policy::{
    ConversationId, ExchangeId, KeyId, OrganizationId, PolicyVersion, RecordClass, RecordId, SubjectId,
    Timestamp, WorkspaceId,
};

/// Length of a day, `YYYY-MM-DD`.
const DAY_BYTES: usize = 10;

/// The bucket a record lies in: all records that expire on one day, or those that expire with the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BucketName(Place);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Place {
    // INVARIANT: ASCII digits and hyphens.
    Day([u8; DAY_BYTES]),
    Account,
}

impl BucketName {
    /// Records without an end of their own.
    pub const fn account() -> Self {
        Self(Place::Account)
    }

    /// Records that end with this day (`YYYY-MM-DD`); `None` when `day` is not of that form.
    pub fn day(day: &str) -> Option<Self> {
        let bytes: [u8; DAY_BYTES] = day.as_bytes().try_into().ok()?;
        let shape = bytes
            .iter()
            .enumerate()
            .all(|(i, byte)| if i == 4 || i == 7 { *byte == b'-' } else { byte.is_ascii_digit() });
        shape.then_some(Self(Place::Day(bytes)))
    }

    /// A name read back from the store or a file name.
    pub fn parse(name: &str) -> Option<Self> {
        if name == "account" { Some(Self::account()) } else { Self::day(name) }
    }

    /// The bucket of the day that begins at or before this instant.
    pub fn of(end: Timestamp) -> Self {
        Self::day(&end.strftime("%Y-%m-%d").to_string()).unwrap_or(Self::account())
    }

    /// When its day begins, in UTC; `None` for records that end with the account.
    pub fn starts_at(&self) -> Option<Timestamp> {
        match self.0 {
            Place::Day(_) => format!("{}T00:00:00Z", self.as_str()).parse().ok(),
            Place::Account => None,
        }
    }

    /// Whether its day has come: everything in it has ended.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.starts_at().is_some_and(|start| start <= now)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Place::Account => "account",
            Place::Day(day) => std::str::from_utf8(day).unwrap_or_default(),
        }
    }
}

/// Which part of an exchange a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RecordKind {
    /// What the person sent, without what earlier records hold.
    Request,
    /// What came back.
    Answer,
    /// An imported turn: what was said and what was answered, in one.
    Turn,
}

impl RecordKind {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Answer => "answer",
            Self::Turn => "turn",
        }
    }

    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Request => 0,
            Self::Answer => 1,
            Self::Turn => 2,
        }
    }

    pub(crate) const fn parse(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Request),
            1 => Some(Self::Answer),
            2 => Some(Self::Turn),
            _ => None,
        }
    }
}

/// A record's sequence number and the keyed digests by which it is recognised.
pub type RecordPrefixes = (i64, Vec<[u8; 32]>);

/// A data key wrapped for one ground.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredWrap {
    /// The last key on the ground's path.
    pub parent: KeyId,
    /// The wrap.
    pub wrap: Vec<u8>,
}

/// A sealed record as it lies in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its id.
    pub id: RecordId,
    /// The exchange it is part of; unique together with `kind`.
    pub exchange: ExchangeId,
    /// Which part.
    pub kind: RecordKind,
    /// Whose organisation.
    pub organization: OrganizationId,
    /// Whose.
    pub subject: SubjectId,
    /// Its conversation.
    pub conversation: ConversationId,
    /// The workspace of the key it came by; `None` where none is known, as of an import.
    pub workspace: Option<WorkspaceId>,
    /// Captured when.
    pub created_at: Timestamp,
    /// Name of the wire format.
    pub wire: String,
    /// Model asked for (request) or serving (answer).
    pub model: String,
    /// HTTP status of an answer, else 0.
    pub status: u16,
    /// The provider's id of an answer: the join key of access-transparency events.
    pub answer_id: Option<String>,
    /// Messages of the conversation up to and with this record.
    pub position: u64,
    /// Keyed digest of the conversation up to and with this record; `None` when it is not to be matched.
    pub prefix: Option<[u8; 32]>,
    /// Keyed digest of the provider's id of this answer, by which a later request may refer to it.
    pub alias: Option<[u8; 32]>,
    /// Layout of the plaintext.
    pub schema_version: u16,
    /// Sealing scheme.
    pub key_version: u16,
    /// Commitment to the data key.
    pub commitment: [u8; 32],
    /// The ciphertext.
    pub ciphertext: Vec<u8>,
    /// What the ledger's batch root commits to.
    pub record_hash: [u8; 32],
    /// The batch it was committed with.
    pub batch: ExchangeId,
    /// The data key for the service ground.
    pub service: Option<StoredWrap>,
    /// The data key for the safety window.
    pub safety: Option<StoredWrap>,
    /// The data key for each further ground that holds: violations, feedback, investigations, legal holds.
    pub held: Vec<StoredWrap>,
    /// Its class ([`RecordClass`]) and the policy version it was captured under.
    pub terms: CaptureTerms,
}

/// Under which terms a record was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaptureTerms {
    /// What kind of data it is.
    pub class: RecordClass,
    /// The policy version in force.
    pub policy: PolicyVersion,
    /// Whether the model is covered: its use obliges to a safety window.
    pub covered: bool,
}

impl StoredRecord {
    /// The wraps of all grounds.
    pub fn wraps(&self) -> impl Iterator<Item = &StoredWrap> {
        self.service.iter().chain(&self.safety).chain(&self.held)
    }
}
