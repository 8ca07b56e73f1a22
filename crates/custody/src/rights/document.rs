//! The JSON files of an export. Their schema is made from these types and lies in the export beside them.

use schemars::JsonSchema;
use serde::Serialize;

/// What the files of an export are.
pub(super) const FORMAT: &str = "fiducia-rights-export/1";

/// One JSON file of an export.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum ExportDocument<'a> {
    /// `conversations/*.json`
    Conversation(&'a ConversationDocument),
    /// `person.json`
    Person(&'a PersonDocument),
    /// `ledger/events-*.json`
    Events(&'a EventsDocument),
    /// `manifest-*.json`
    Manifest(&'a ManifestDocument),
}

/// The JSON Schema (2020-12) of every JSON file in an export for a person.
pub fn rights_export_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(ExportDocument<'_>);
    schema.insert("title".to_owned(), "Fiducia export for a person".into());
    schema.to_value()
}

/// A conversation, or a part of one that has many records.
#[derive(Serialize, JsonSchema)]
pub(super) struct ConversationDocument {
    /// What this is.
    pub(super) format: &'static str,
    /// Its id.
    pub(super) conversation: String,
    /// Which part, from 1.
    pub(super) part: u32,
    /// What kind of conversation it is, in the words of the policy.
    pub(super) class: String,
    /// When it began, RFC 3339.
    pub(super) started_at: String,
    /// When its last turn was.
    pub(super) last_active_at: String,
    /// When you deleted it.
    pub(super) deleted_at: Option<String>,
    /// Its records in the order of time.
    pub(super) records: Vec<RecordDocument>,
}

/// A record: the new part of a request, or an answer.
#[derive(Serialize, JsonSchema)]
pub(super) struct RecordDocument {
    /// Its id.
    pub(super) record: String,
    /// The exchange that it is part of.
    pub(super) exchange: String,
    /// `request`, `answer` or `turn`.
    pub(super) kind: String,
    /// The interface it came through.
    pub(super) wire: String,
    /// The model.
    pub(super) model: String,
    /// When it was taken in.
    pub(super) captured_at: String,
    /// Why it is kept, until when and by which promise.
    pub(super) grounds: Vec<GroundDocument>,
    /// What it says; absent where it is kept for another purpose than your own use, and then may not be opened for this file.
    pub(super) content: Option<ContentDocument>,
}

/// What a record says.
#[derive(Serialize, JsonSchema)]
pub(super) struct ContentDocument {
    /// For an answer: the HTTP status.
    pub(super) status: Option<u16>,
    /// For an answer: how it ended.
    pub(super) outcome: Option<String>,
    /// The messages in it.
    pub(super) messages: Vec<MessageDocument>,
    /// How many earlier messages of the conversation were sent again with it; they are in the records before.
    pub(super) messages_elided: u64,
    /// Every byte of it as text, or in base64.
    pub(super) raw: String,
    /// Whether `raw` is text rather than base64.
    pub(super) raw_is_text: bool,
}

/// A message.
#[derive(Serialize, JsonSchema)]
pub(super) struct MessageDocument {
    /// Who speaks.
    pub(super) role: String,
    /// What.
    pub(super) text: String,
}

/// Why a record is kept.
#[derive(Serialize, JsonSchema, Clone)]
pub(super) struct GroundDocument {
    /// The ground.
    pub(super) ground: String,
    /// The only purpose it permits, as a term of the Data Privacy Vocabulary.
    pub(super) purpose: String,
    /// The legal basis, as a term of its extension for the GDPR.
    pub(super) basis: Option<String>,
    /// When it ends by itself; absent while only an event ends it.
    pub(super) until: Option<String>,
    /// The promises that say so.
    pub(super) clauses: Vec<String>,
}

/// What is known about you beside conversations.
#[derive(Serialize, JsonSchema)]
pub(super) struct PersonDocument {
    /// What this is.
    pub(super) format: &'static str,
    /// The request that this answers.
    pub(super) request: String,
    /// To whom it was made.
    pub(super) organization: String,
    /// What you are called here.
    pub(super) subject: String,
    /// What the ledger calls you.
    pub(super) pseudonym: String,
    /// When you were seen first.
    pub(super) first_seen_at: String,
    /// The plan that counts for you.
    pub(super) plan: String,
    /// When your account was closed.
    pub(super) closed_at: Option<String>,
    /// What you decided.
    pub(super) consents: Vec<ConsentDocument>,
    /// Since when your data is kept and not used.
    pub(super) restricted_since: Option<String>,
    /// Uses that you objected to with success.
    pub(super) objections: Vec<String>,
    /// Since when you are opted out of sale, sharing and training.
    pub(super) opted_out_since: Option<String>,
    /// What you wrote to correct records.
    pub(super) statements: Vec<StatementDocument>,
    /// Your requests.
    pub(super) requests: Vec<RequestDocument>,
    /// Reference numbers of certificates of destruction about your data; the files lie in `certificates/`.
    pub(super) certificates: Vec<String>,
    /// Whether training data sets mention you.
    pub(super) datasets: String,
    /// Where you can go if you are not content.
    pub(super) routes: Vec<String>,
}

/// A decision of yours.
#[derive(Serialize, JsonSchema)]
pub(super) struct ConsentDocument {
    /// What it is about.
    pub(super) about: String,
    /// What you decided.
    pub(super) state: String,
    /// Its entries in the ledger, by index.
    pub(super) ledger_entries: Vec<u64>,
}

/// What you wrote to correct a record.
#[derive(Serialize, JsonSchema)]
pub(super) struct StatementDocument {
    /// The request.
    pub(super) request: String,
    /// What it is about.
    pub(super) about: Option<String>,
    /// What you wrote.
    pub(super) statement: String,
}

/// A request of yours.
#[derive(Serialize, JsonSchema)]
pub(super) struct RequestDocument {
    /// Its id.
    pub(super) request: String,
    /// What you asked.
    pub(super) kind: String,
    /// Where it stands.
    pub(super) state: String,
    /// When it arrived.
    pub(super) received_at: String,
    /// The first instant at which an answer is too late.
    pub(super) due: String,
    /// What was done, with when and why.
    pub(super) steps: Vec<String>,
}

/// Ledger entries about you.
#[derive(Serialize, JsonSchema)]
pub(super) struct EventsDocument {
    /// What this is.
    pub(super) format: &'static str,
    /// The log's origin.
    pub(super) log: String,
    /// The key its checkpoints are verified with.
    pub(super) verifier_key: String,
    /// The entries. For each, `ledger/INDEX.entry` and `ledger/INDEX.tlog-proof` prove it.
    pub(super) events: Vec<EventDocument>,
}

/// A ledger entry about you.
#[derive(Serialize, JsonSchema)]
pub(super) struct EventDocument {
    /// Its place in the log.
    pub(super) index: u64,
    /// When.
    pub(super) at: String,
    /// What happened.
    pub(super) kind: String,
    /// The entry as it stands in the log.
    pub(super) entry: serde_json::Value,
}

/// What one file of an export holds.
#[derive(Serialize, JsonSchema)]
pub(super) struct ManifestDocument {
    /// What this is.
    pub(super) format: &'static str,
    /// The request that this answers.
    pub(super) request: String,
    /// About whom.
    pub(super) subject: String,
    /// Which file, from 1.
    pub(super) volume: u32,
    /// Whether it is the last.
    pub(super) is_final: bool,
    /// When it was made.
    pub(super) made_at: String,
    /// What the reading was for, as a term of the Data Privacy Vocabulary.
    pub(super) purpose: &'static str,
    /// Conversations in it.
    pub(super) conversations: u64,
    /// Records in it.
    pub(super) records: u64,
    /// Records that are listed with their grounds and not opened.
    pub(super) records_listed_only: u64,
    /// Indexes of the ledger entries that permitted the reading.
    pub(super) access_entries: Vec<u64>,
    /// Paths, sizes and SHA-256 of everything else in it.
    pub(super) files: Vec<FileDocument>,
}

/// A file in an export.
#[derive(Serialize, JsonSchema)]
pub(super) struct FileDocument {
    /// Its path.
    pub(super) path: String,
    /// Its size in bytes.
    pub(super) bytes: u64,
    /// SHA-256, hex.
    pub(super) sha256: String,
}
