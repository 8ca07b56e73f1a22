//! The outline of a request: what the gateway must know before it forwards the bytes.

use std::borrow::Cow;
use std::ops::Range;

use fiducia_policy::Feature;

use crate::fallback::fallbacks;
use crate::fingerprint::{EMPTY_PREFIX, extend_prefix, read_message, token_fingerprint};
use crate::json::{Cursor, Kind, write_string};
use crate::{Features, RequestError, Wire, features};

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

impl Role {
    /// The role as it stands on the wire; empty for an item without one.
    pub fn name(&self) -> &str {
        match self {
            Self::System => "system",
            Self::Developer => "developer",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
            Self::Function => "function",
            Self::Item => "",
            Self::Other(name) => name,
        }
    }

    /// The role with this name on the wire.
    pub fn from_name(name: &str) -> Self {
        match name {
            "system" => Self::System,
            "developer" => Self::Developer,
            "user" => Self::User,
            "assistant" => Self::Assistant,
            "tool" => Self::Tool,
            "function" => Self::Function,
            "" => Self::Item,
            other => Self::Other(other.to_owned()),
        }
    }
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
    /// What it uses of the provider besides an answer.
    pub features: Features,
}

/// Reads a request body. See [`Outline`] for what is read; nothing else in the body is judged.
///
/// # Errors
/// A [`RequestError`] when the body is not UTF-8 JSON of an object, nests too deep, repeats a field that is read,
/// lacks `model` or the messages, or has a read field of the wrong kind.
pub fn outline(wire: Wire, body: &[u8]) -> Result<Outline, RequestError> {
    let mut cursor = Cursor::new(body)?;
    let outline = read_outline(wire, &mut cursor)?;
    cursor.end()?;
    Ok(outline)
}

/// Reads the request object at the cursor; a batch nests many.
pub(crate) fn read_outline(wire: Wire, cursor: &mut Cursor<'_>) -> Result<Outline, RequestError> {
    let mut draft = Draft::default();
    if cursor.kind()? != Kind::Object {
        return Err(RequestError::WrongType { field: "(the body)", expected: "a JSON object" });
    }
    cursor.members(|cursor, name| {
        let name = name.lossy();
        match Field::of(wire, &name) {
            Some(field) => draft.read(wire, field, cursor),
            None => draft.features.member(wire, &name, cursor),
        }
    })?;
    draft.finish(wire)
}

/// Replaces the bytes of the top-level `model` string and leaves every other byte as it is.
///
/// # Errors
/// A [`RequestError`] when the body is not a JSON object with one `model` string.
pub fn rewrite_model(body: &[u8], new_model: &str) -> Result<Vec<u8>, RequestError> {
    let mut cursor = Cursor::new(body)?;
    let mut model = None;
    cursor.members(|cursor, name| {
        if name.lossy() != "model" {
            return cursor.skip().map(drop);
        }
        if cursor.kind()? != Kind::String {
            return Err(RequestError::WrongType { field: "model", expected: "a string" });
        }
        match model.replace(cursor.skip()?) {
            None => Ok(()),
            Some(_) => Err(RequestError::Duplicate { field: "model" }),
        }
    })?;
    cursor.end()?;
    let span = model.ok_or(RequestError::Missing { field: "model" })?;
    splice_string(body, &span, new_model).ok_or(RequestError::Missing { field: "model" })
}

/// Replaces the JSON value at `span`, as an outline gives it, by a JSON string of `text`; every other byte stays.
/// `None` when the span does not lie in the body.
pub fn splice_string(body: &[u8], span: &Range<usize>, text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len() + text.len());
    out.extend_from_slice(body.get(..span.start)?);
    write_string(&mut out, text);
    out.extend_from_slice(body.get(span.end..)?);
    Some(out)
}

/// The top-level fields that are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    Model,
    Messages,
    System,
    Stream,
    PreviousResponse,
    Thread,
    Conversation,
    Metadata,
    SafetyIdentifier,
    User,
    MaxTokens,
    MaxCompletionTokens,
    Store,
    Background,
    Fallbacks,
}

impl Field {
    /// The field with this name on this wire, or `None` where the gateway does not read it.
    fn of(wire: Wire, name: &str) -> Option<Self> {
        use Wire::{
            AnthropicMessages as Messages, OpenAiChat as Chat, OpenAiEmbeddings, OpenAiResponses as Responses,
        };
        match (name, wire) {
            ("model", _) => Some(Self::Model),
            ("messages", Messages | Chat) | ("input", Responses | OpenAiEmbeddings) => Some(Self::Messages),
            ("system", Messages) | ("instructions", Responses) => Some(Self::System),
            ("stream", Messages | Chat | Responses) => Some(Self::Stream),
            ("previous_response_id", Responses) => Some(Self::PreviousResponse),
            ("thread", Messages) => Some(Self::Thread),
            ("conversation", Responses) => Some(Self::Conversation),
            ("metadata", Messages) => Some(Self::Metadata),
            ("safety_identifier", Chat | Responses) => Some(Self::SafetyIdentifier),
            ("user", Chat | Responses | OpenAiEmbeddings) => Some(Self::User),
            ("max_tokens", Messages | Chat) | ("max_output_tokens", Responses) => Some(Self::MaxTokens),
            ("max_completion_tokens", Chat) => Some(Self::MaxCompletionTokens),
            ("store", Chat | Responses) => Some(Self::Store),
            ("background", Responses) => Some(Self::Background),
            ("fallbacks", Messages) => Some(Self::Fallbacks),
            _ => None,
        }
    }

    const fn name(self, wire: Wire) -> &'static str {
        match (self, wire) {
            (Self::Model, _) => "model",
            (Self::Messages, Wire::AnthropicMessages | Wire::OpenAiChat) => "messages",
            (Self::Messages, _) => "input",
            (Self::System, Wire::AnthropicMessages) => "system",
            (Self::System, _) => "instructions",
            (Self::Stream, _) => "stream",
            (Self::PreviousResponse, _) => "previous_response_id",
            (Self::Thread, _) => "thread",
            (Self::Conversation, _) => "conversation",
            (Self::Metadata, _) => "metadata",
            (Self::SafetyIdentifier, _) => "safety_identifier",
            (Self::User, _) => "user",
            (Self::MaxTokens, Wire::OpenAiResponses) => "max_output_tokens",
            (Self::MaxTokens, _) => "max_tokens",
            (Self::MaxCompletionTokens, _) => "max_completion_tokens",
            (Self::Store, _) => "store",
            (Self::Background, _) => "background",
            (Self::Fallbacks, _) => "fallbacks",
        }
    }
}

/// An outline while it is read.
#[derive(Default)]
struct Draft {
    seen: u32,
    model: Option<(String, Range<usize>)>,
    stream: bool,
    messages: Vec<MessageOutline>,
    messages_span: Option<Range<usize>>,
    system_span: Option<Range<usize>>,
    previous_response: Option<String>,
    provider_conversation: Option<String>,
    user_id: Option<String>,
    safety_identifier: Option<String>,
    user: Option<String>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    store: Option<bool>,
    background: bool,
    fallbacks: Fallbacks,
    features: features::Draft,
}

impl Draft {
    fn read(&mut self, wire: Wire, field: Field, cursor: &mut Cursor<'_>) -> Result<(), RequestError> {
        let name = field.name(wire);
        let bit = 1_u32 << (field as u32);
        if self.seen & bit != 0 {
            return Err(RequestError::Duplicate { field: name });
        }
        self.seen |= bit;
        if cursor.null()? {
            return Ok(());
        }
        match field {
            Field::Model => {
                let start = cursor.offset();
                let model = text(cursor, name)?;
                self.model = Some((model, start..cursor.position()));
            }
            Field::Messages => {
                self.read_messages(wire, name, cursor)?;
                let span = self.messages_span.clone().unwrap_or_default();
                self.features.messages(wire, cursor.text_at(span))?;
            }
            Field::System => self.system_span = Some(cursor.skip()?),
            Field::Stream => self.stream = boolean(cursor, name)?,
            Field::PreviousResponse => {
                self.features.insert(Feature::PreviousResponses);
                self.previous_response = Some(text(cursor, name)?);
            }
            Field::Thread => {
                self.features.insert(Feature::Threads);
                self.previous_response =
                    member_text(cursor, "previous_message_id", "thread.previous_message_id")?;
            }
            Field::Conversation => {
                self.features.insert(Feature::Conversations);
                self.provider_conversation = match cursor.kind()? {
                    Kind::String => Some(text(cursor, name)?),
                    _ => member_text(cursor, "id", "conversation.id")?,
                };
            }
            Field::Metadata => self.user_id = member_text(cursor, "user_id", "metadata.user_id")?,
            Field::SafetyIdentifier => self.safety_identifier = Some(text(cursor, name)?),
            Field::User => self.user = Some(text(cursor, name)?),
            Field::MaxTokens => self.max_tokens = count(cursor, name)?,
            Field::MaxCompletionTokens => self.max_completion_tokens = count(cursor, name)?,
            Field::Store => self.store = Some(boolean(cursor, name)?),
            Field::Background => self.background = boolean(cursor, name)?,
            Field::Fallbacks => self.fallbacks = fallbacks(cursor)?,
        }
        Ok(())
    }

    fn read_messages(
        &mut self,
        wire: Wire,
        name: &'static str,
        cursor: &mut Cursor<'_>,
    ) -> Result<(), RequestError> {
        let start = cursor.offset();
        match (wire, cursor.kind()?) {
            (Wire::OpenAiEmbeddings, _) => cursor.skip().map(drop)?,
            (Wire::OpenAiResponses, Kind::String) => {
                let fingerprint = token_fingerprint(&Role::User, cursor.string()?);
                self.push_message(Role::User, start..cursor.position(), fingerprint);
            }
            (_, Kind::Array) => cursor.elements(|cursor| {
                if self.messages.len() == MESSAGES_MAX {
                    return Err(RequestError::TooManyMessages { messages_max: MESSAGES_MAX });
                }
                let start = cursor.offset();
                if cursor.kind()? != Kind::Object {
                    return Err(RequestError::WrongType { field: name, expected: "an array of objects" });
                }
                let (role, fingerprint) = read_message(cursor)?;
                self.push_message(role, start..cursor.position(), fingerprint);
                Ok(())
            })?,
            _ => return Err(RequestError::WrongType { field: name, expected: "an array of objects" }),
        }
        self.messages_span = Some(start..cursor.position());
        Ok(())
    }

    fn push_message(&mut self, role: Role, span: Range<usize>, fingerprint: [u8; 32]) {
        let before = self.messages.last().map_or(&EMPTY_PREFIX, |message| &message.prefix);
        let prefix = extend_prefix(before, &fingerprint);
        self.messages.push(MessageOutline { role, span, fingerprint, prefix });
    }

    fn finish(mut self, wire: Wire) -> Result<Outline, RequestError> {
        self.note_storing(wire);
        let (model, model_span) = self
            .model
            .filter(|(model, _)| !model.is_empty())
            .ok_or(RequestError::Missing { field: "model" })?;
        if matches!(&self.fallbacks, Fallbacks::Models(models) if models.contains(&model)) {
            return Err(RequestError::FallbackRepeated);
        }
        // A Responses request may take its input from a stored prompt, so only there the input may be absent.
        if self.messages_span.is_none() && wire != Wire::OpenAiResponses {
            return Err(RequestError::Missing { field: Field::Messages.name(wire) });
        }
        Ok(Outline {
            model,
            model_span,
            stream: self.stream,
            messages: self.messages,
            messages_span: self.messages_span,
            system_span: self.system_span,
            previous_response: self.previous_response,
            provider_conversation: self.provider_conversation,
            end_user: self.user_id.or(self.safety_identifier).or(self.user),
            max_tokens: self.max_completion_tokens.or(self.max_tokens),
            store: self.store,
            background: self.background,
            fallbacks: self.fallbacks,
            features: self.features.finish(),
        })
    }

    /// Responses are stored unless the request says otherwise, completions only when it says so.
    fn note_storing(&mut self, wire: Wire) {
        match wire {
            Wire::OpenAiResponses if self.store != Some(false) => {
                self.features.insert(Feature::StoredResponses);
            }
            Wire::OpenAiChat if self.store == Some(true) => self.features.insert(Feature::StoredCompletions),
            _ => {}
        }
        if self.background {
            self.features.insert(Feature::BackgroundResponses);
        }
    }
}

pub(crate) fn text(cursor: &mut Cursor<'_>, field: &'static str) -> Result<String, RequestError> {
    let wrong = RequestError::WrongType { field, expected: "a string of Unicode text" };
    if cursor.kind()? != Kind::String {
        return Err(wrong);
    }
    cursor.string()?.strict().map(Cow::into_owned).ok_or(wrong)
}

fn boolean(cursor: &mut Cursor<'_>, field: &'static str) -> Result<bool, RequestError> {
    if cursor.kind()? != Kind::Bool {
        return Err(RequestError::WrongType { field, expected: "true or false" });
    }
    cursor.boolean()
}

/// A number; `None` when it is not a whole one, which is for the provider to judge.
fn count(cursor: &mut Cursor<'_>, field: &'static str) -> Result<Option<u64>, RequestError> {
    if cursor.kind()? != Kind::Number {
        return Err(RequestError::WrongType { field, expected: "a number" });
    }
    Ok(cursor.number()?.parse().ok())
}

/// The string member `name` of the object at the cursor; anything but an object is for the provider to judge.
pub(crate) fn member_text(
    cursor: &mut Cursor<'_>,
    name: &str,
    field: &'static str,
) -> Result<Option<String>, RequestError> {
    if cursor.kind()? != Kind::Object {
        return cursor.skip().map(|_| None);
    }
    let (mut found, mut seen) = (None, false);
    cursor.members(|cursor, key| {
        if key.lossy() != name {
            return cursor.skip().map(drop);
        }
        if std::mem::replace(&mut seen, true) {
            return Err(RequestError::Duplicate { field });
        }
        if !cursor.null()? {
            found = Some(text(cursor, field)?);
        }
        Ok(())
    })?;
    Ok(found)
}
