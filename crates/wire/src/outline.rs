//! The outline of a request: what the gateway must know before it forwards the bytes.

use std::ops::Range;

use crate::{RequestError, Wire};

/// The most messages (or input items) a request may hold, from the Messages API's own limit.
pub const MESSAGES_MAX: usize = 100_000;

/// Who speaks in a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Role {
    /// `system`.
    System,
    /// `developer` (OpenAI).
    Developer,
    /// `user`.
    User,
    /// `assistant`.
    Assistant,
    /// `tool` (OpenAI Chat).
    Tool,
    /// `function` (OpenAI Chat, legacy).
    Function,
    /// An OpenAI Responses item that is not a message and has no role, such as `function_call`.
    Item,
    /// A role that this build does not know; it is kept as sent.
    Other(String),
}

/// Which models may answer instead of the named one (Anthropic `fallbacks`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Fallbacks {
    /// The request sets none.
    #[default]
    None,
    /// `"default"`: any model that the provider chooses.
    ProviderChoice,
    /// These models, in order.
    Models(Vec<String>),
}

/// One message of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageOutline {
    /// Who speaks.
    pub role: Role,
    /// The exact bytes of this element in the body. For a Responses `input` string: the string, quotes included.
    pub span: Range<usize>,
    /// The message's own canonical digest; see the `fingerprint` module.
    pub fingerprint: [u8; 32],
    /// The digest of the conversation up to and with this message: SHA-256(previous prefix || fingerprint), where the
    /// prefix before the first message is 32 zero bytes.
    pub prefix: [u8; 32],
}

/// What the gateway must know about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// The model asked for, as sent.
    pub model: String,
    /// The bytes of the model's JSON string in the body, quotes included.
    pub model_span: Range<usize>,
    /// Whether the answer is to be a stream of events.
    pub stream: bool,
    /// The messages, in order. Empty for embeddings.
    pub messages: Vec<MessageOutline>,
    /// The bytes of the whole `messages` or `input` value.
    pub messages_span: Option<Range<usize>>,
    /// The bytes of the top-level `system` (Anthropic) or `instructions` (Responses) value.
    pub system_span: Option<Range<usize>>,
    /// Earlier turns that stay with the provider: Responses `previous_response_id`, or a thread's
    /// `previous_message_id` on the Messages wire.
    pub previous_response: Option<String>,
    /// A conversation object that stays with the provider (Responses `conversation`, an id or an object with one).
    pub provider_conversation: Option<String>,
    /// The end user as the client names them: `metadata.user_id` (Anthropic), else `safety_identifier`, else `user`.
    pub end_user: Option<String>,
    /// The most output tokens: `max_tokens`, `max_completion_tokens` or `max_output_tokens`.
    pub max_tokens: Option<u64>,
    /// The OpenAI `store` field as sent.
    pub store: Option<bool>,
    /// Whether a Responses request asks to run in the background.
    pub background: bool,
    /// Models that may answer instead.
    pub fallbacks: Fallbacks,
}

/// Reads a request body. See [`Outline`] for what is read; nothing else in the body is judged.
///
/// # Errors
/// A [`RequestError`] when the body is not UTF-8 JSON of an object, nests too deep, repeats a field that is read,
/// lacks `model` or the messages, or has a read field of the wrong kind.
pub fn outline(wire: Wire, body: &[u8]) -> Result<Outline, RequestError> {
    let _ = (wire, body);
    Err(RequestError::Missing { field: "model" })
}

/// Replaces the bytes of the top-level `model` string and leaves every other byte as it is.
///
/// # Errors
/// A [`RequestError`] when the body is not a JSON object with one `model` string.
pub fn rewrite_model(body: &[u8], new_model: &str) -> Result<Vec<u8>, RequestError> {
    let _ = (body, new_model);
    Err(RequestError::Missing { field: "model" })
}
