//! Reading an answer, whole or in pieces.

mod chat;
mod delta;
mod messages;
mod responses;

use std::borrow::Cow;
use std::fmt;

use crate::object::Object;
use crate::sse::Events;
use crate::{AnswerError, Wire};

/// The largest single server-sent event that is read. A terminal Responses event repeats the whole answer, so this
/// is as large as a whole answer may be.
pub const EVENT_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The largest JSON answer, or answer assembled from a stream, that is read.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Terminal {
    /// The provider ended the answer as its wire demands.
    Clean,
    /// The provider itself reported an error, in an error body, an `error` event or `response.failed`.
    Error,
    /// The answer stopped before its end, or could not be read as an answer.
    Truncated,
}

/// Tokens as the provider counted them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// Tokens read, cached ones included.
    pub input_tokens: Option<u64>,
    /// Tokens written.
    pub output_tokens: Option<u64>,
}

/// What a reader knows after a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Push {
    /// Bytes of the answer, counted from its start over all chunks, that may be passed on at once. It never falls,
    /// and always lies between two events. The bytes after it belong to an unfinished event, or to the terminal
    /// event and what follows it, which wait until the record is durable.
    pub release_until: u64,
    /// Whether the event that ends the answer has arrived whole.
    pub terminal_seen: bool,
}

/// What is known about an answer at its end.
#[derive(Clone, PartialEq, Eq)]
pub struct AnswerOutline {
    /// The provider's id of the answer.
    pub id: Option<String>,
    /// The model that answered.
    pub model: Option<String>,
    /// Why the model stopped: `stop_reason`, the first choice's `finish_reason`, or `status` (with the reason when
    /// incomplete, as `incomplete:max_output_tokens`). For [`Terminal::Error`] the provider's error type or code.
    pub stop: Option<String>,
    /// Tokens as the provider counted them.
    pub usage: Usage,
    /// The canonical fingerprints of the messages that a client would add to its history to echo this answer: one
    /// for a Messages answer, one per choice for Chat, one per output item for Responses. Empty when the answer could
    /// not be assembled whole.
    pub fingerprints: Vec<[u8; 32]>,
    /// For streams, the whole answer object as JSON, as if it had not been streamed. `None` for JSON answers, whose
    /// raw body is the answer, and for streams that hold something unknown or did not end clean: keep their raw bytes.
    pub message: Option<Vec<u8>>,
    /// How the answer ended.
    pub terminal: Terminal,
}

impl AnswerOutline {
    fn empty(terminal: Terminal) -> Self {
        Self {
            id: None,
            model: None,
            stop: None,
            usage: Usage::default(),
            fingerprints: Vec::new(),
            message: None,
            terminal,
        }
    }
}

/// The message is content, which must not reach logs by way of a debug format.
impl fmt::Debug for AnswerOutline {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("AnswerOutline")
            .field("id", &self.id)
            .field("model", &self.model)
            .field("stop", &self.stop)
            .field("usage", &self.usage)
            .field("fingerprints", &self.fingerprints.len())
            .field("message_bytes", &self.message.as_ref().map(Vec::len))
            .field("terminal", &self.terminal)
            .finish_non_exhaustive()
    }
}

/// As for [`AnswerOutline`]: what the reader holds is content.
impl fmt::Debug for AnswerReader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AnswerReader").field("wire", &self.wire).finish_non_exhaustive()
    }
}

/// Reads one answer from chunks of any size.
pub struct AnswerReader {
    wire: Wire,
    state: State,
}

enum State {
    /// A JSON body, gathered.
    Whole(Vec<u8>),
    /// A stream of events.
    Events(Box<Stream>),
    /// A limit was passed.
    Failed(AnswerError),
}

/// A stream that is being read.
struct Stream {
    events: Events,
    assembly: Assembly,
    terminal: Option<Terminal>,
}

/// What the events of a stream amount to so far.
enum Assembly {
    Messages(messages::Assembly),
    Chat(chat::Assembly),
    Responses(responses::Assembly),
}

impl AnswerReader {
    /// A reader for one answer. `streaming` is whether the provider answered with `text/event-stream`.
    pub fn new(wire: Wire, streaming: bool) -> Self {
        if !streaming {
            return Self { wire, state: State::Whole(Vec::new()) };
        }
        let assembly = match wire {
            Wire::AnthropicMessages => Assembly::Messages(messages::Assembly::default()),
            Wire::OpenAiChat | Wire::OpenAiEmbeddings => Assembly::Chat(chat::Assembly::default()),
            Wire::OpenAiResponses => Assembly::Responses(responses::Assembly::default()),
        };
        let events = Events::new(matches!(assembly, Assembly::Chat(_)));
        Self { wire, state: State::Events(Box::new(Stream { events, assembly, terminal: None })) }
    }

    /// Takes the next chunk. Of a JSON body nothing is released before [`AnswerReader::finish`].
    ///
    /// # Errors
    /// An [`AnswerError`] when a limit is passed. The reader then stays in that state.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Push, AnswerError> {
        let result = match &mut self.state {
            State::Failed(error) => return Err(error.clone()),
            State::Whole(body) if body.len() + bytes.len() > ANSWER_BYTES_MAX => Err(too_large()),
            State::Whole(body) => {
                body.extend_from_slice(bytes);
                Ok(Push { release_until: 0, terminal_seen: false })
            }
            State::Events(stream) => stream.push(bytes),
        };
        if let Err(error) = &result {
            self.state = State::Failed(error.clone());
        }
        result
    }

    /// Ends the answer: no more bytes will come.
    pub fn finish(self) -> AnswerOutline {
        match self.state {
            State::Failed(_) => AnswerOutline::empty(Terminal::Truncated),
            State::Whole(body) => read_answer(self.wire, &body),
            State::Events(stream) => {
                let terminal = stream.terminal.unwrap_or(Terminal::Truncated);
                match stream.assembly {
                    Assembly::Messages(assembly) => assembly.finish(terminal),
                    Assembly::Chat(assembly) => assembly.finish(terminal),
                    Assembly::Responses(assembly) => assembly.finish(terminal),
                }
            }
        }
    }
}

impl Stream {
    fn push(&mut self, bytes: &[u8]) -> Result<Push, AnswerError> {
        let Self { events, assembly, terminal } = self;
        events.push(bytes, |name, data| {
            *terminal = match assembly {
                Assembly::Messages(assembly) => assembly.event(name, data),
                Assembly::Chat(assembly) => assembly.event(name, data),
                Assembly::Responses(assembly) => assembly.event(name, data),
            };
            terminal.is_some()
        })?;
        let kept = match assembly {
            Assembly::Messages(assembly) => assembly.kept_bytes,
            Assembly::Chat(assembly) => assembly.kept_bytes,
            // It keeps one event, whose size is limited already.
            Assembly::Responses(_) => 0,
        };
        if kept > ANSWER_BYTES_MAX {
            return Err(too_large());
        }
        Ok(Push { release_until: events.boundary(), terminal_seen: events.ended() })
    }
}

const fn too_large() -> AnswerError {
    AnswerError::AnswerTooLarge { answer_bytes_max: ANSWER_BYTES_MAX }
}

/// Reads a whole JSON answer without copying it.
pub fn read_answer(wire: Wire, body: &[u8]) -> AnswerOutline {
    if wire == Wire::AnthropicMessages {
        let answer = messages::Answer::read(body);
        return answer
            .map_or_else(|| AnswerOutline::empty(Terminal::Truncated), messages::Answer::any_outline);
    }
    let Some(answer) = Object::from_bytes(body) else { return AnswerOutline::empty(Terminal::Truncated) };
    match wire {
        Wire::OpenAiResponses if answer.text("object").is_some_and(|kind| kind == "response") => {
            responses::outline_of(&answer)
        }
        _ if answer.raw("error").is_some() => {
            AnswerOutline { stop: error_name(&answer), ..AnswerOutline::empty(Terminal::Error) }
        }
        Wire::OpenAiResponses => responses::outline_of(&answer),
        _ => chat::outline_of(&answer),
    }
}

/// The provider's name of the error in an object's `error` member: its code, else its type.
fn error_name(holder: &Object<'_>) -> Option<String> {
    error_name_of(&holder.object("error")?)
}

fn error_name_of(error: &Object<'_>) -> Option<String> {
    error.text("code").or_else(|| error.text("type")).map(Cow::into_owned)
}
