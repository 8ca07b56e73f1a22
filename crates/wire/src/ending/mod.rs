//! Ending a stream that already runs.
//!
//! A decision can come when a client has seen half of an answer. What it has seen stays; what follows must end the stream as
//! the wire ends one, or clients wait for ever, fail, or take the half for a whole. [`Delivered`] is told what was delivered, and nothing
//! else: what the gateway has read and still holds back does not count. From that it knows what is open.
//!
//! On the Messages wire the open block is closed, the message is said to be refused and stops; there is no room for a further text.
//! In Chat every choice that has not ended ends as filtered, behind a fragment that says why. In a response what is open is done as
//! incomplete, a new item says why, and the response is incomplete. What is repeated at the end is what was delivered, never more.

mod chat;
mod messages;
mod responses;

use crate::refusal::{AnswerFrame, OwnRefusal, refusal_stream};
use crate::sse::Events;
use crate::{ANSWER_BYTES_MAX, AnswerError, Wire};

/// What a client has been given of a stream.
pub struct Delivered {
    wire: Wire,
    events: Events,
    state: State,
}

enum State {
    Messages(messages::Delivered),
    Chat(chat::Delivered),
    Responses(Box<responses::Delivered>),
}

/// What was delivered is content.
impl std::fmt::Debug for Delivered {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Delivered").field("wire", &self.wire).finish_non_exhaustive()
    }
}

/// Why a stream cannot be ended by a refusal. It can still be cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndingError {
    /// The last event was delivered.
    #[error("the stream has ended already, so nothing can follow")]
    Ended,
    /// Part of an event was delivered.
    #[error("the stream stands within an event, so that nothing but the rest of it can follow")]
    WithinEvent,
    /// The wire has no streams.
    #[error("embeddings are not streamed and have no refusals")]
    NoStream,
}

impl Delivered {
    /// Nothing was delivered yet.
    pub fn new(wire: Wire) -> Self {
        let state = match wire {
            Wire::AnthropicMessages => State::Messages(messages::Delivered::default()),
            Wire::OpenAiChat | Wire::OpenAiEmbeddings => State::Chat(chat::Delivered::default()),
            Wire::OpenAiResponses => State::Responses(Box::default()),
        };
        Self { wire, events: Events::new(matches!(state, State::Chat(_))), state }
    }

    /// Notes what was delivered, in pieces of any size.
    ///
    /// # Errors
    /// When a limit is passed. What is known before stays known.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), AnswerError> {
        let Self { events, state, .. } = self;
        events.push(bytes, |name, data| match state {
            State::Messages(state) => state.event(name, data),
            State::Chat(state) => state.event(name, data),
            State::Responses(state) => state.event(name, data),
        })?;
        match state {
            State::Responses(state) if state.kept_bytes() > ANSWER_BYTES_MAX => {
                Err(AnswerError::AnswerTooLarge { answer_bytes_max: ANSWER_BYTES_MAX })
            }
            _ => Ok(()),
        }
    }

    /// The exact bytes that end the stream with a refusal. Where nothing but comments and pings was delivered, that is a whole
    /// stream in the given frame; otherwise the frame gives the id of a new output item, and usage where the client asked for it.
    ///
    /// # Errors
    /// When nothing can follow what was delivered.
    pub fn end_with(
        &self,
        refusal: &OwnRefusal<'_>,
        frame: &AnswerFrame<'_>,
    ) -> Result<Vec<u8>, EndingError> {
        if self.wire == Wire::OpenAiEmbeddings {
            return Err(EndingError::NoStream);
        }
        if self.events.ended() {
            return Err(EndingError::Ended);
        }
        if !self.events.is_between_events() {
            return Err(EndingError::WithinEvent);
        }
        let ending = match &self.state {
            State::Messages(state) => state.end_with(refusal, frame),
            State::Chat(state) => state.end_with(refusal, frame),
            State::Responses(state) => state.end_with(refusal, frame),
        };
        ending.or_else(|| refusal_stream(self.wire, refusal, frame)).ok_or(EndingError::NoStream)
    }
}
