//! What can be wrong with bytes that this crate is asked to read. No error carries content.

/// Why a request body cannot be read. The request was refused before anything was sent or stored.
///
/// Positions are byte offsets into the body, counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The body is not UTF-8.
    #[error("the request body is not valid UTF-8 at byte {position}; send JSON encoded as UTF-8")]
    NotUtf8 {
        /// Where the first invalid byte is.
        position: usize,
    },
    /// The body is not JSON.
    #[error("the request body is not valid JSON at byte {position}: {reason}")]
    Malformed {
        /// Where reading stopped.
        position: usize,
        /// What was expected there.
        reason: &'static str,
    },
    /// Arrays and objects are nested deeper than the limit.
    #[error(
        "the request body nests deeper than {depth_max} levels at byte {position}; flatten it and send it again"
    )]
    TooDeep {
        /// Where the level above the limit opens.
        position: usize,
        /// The limit.
        depth_max: usize,
    },
    /// A field that the gateway acts on appears twice, so two readers could understand two different requests.
    #[error("the field \"{field}\" appears more than once in the request body; send it once")]
    Duplicate {
        /// The field's name.
        field: &'static str,
    },
    /// A required field is absent or null.
    #[error("the field \"{field}\" is required and missing from the request body")]
    Missing {
        /// The field's name.
        field: &'static str,
    },
    /// A field has a value of the wrong kind.
    #[error("the field \"{field}\" must be {expected}")]
    WrongType {
        /// The field's name.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// More messages than a request may hold.
    #[error("the request holds more than {messages_max} messages; shorten the history and send it again")]
    TooManyMessages {
        /// The limit.
        messages_max: usize,
    },
    /// No fallback, or more than the provider takes.
    #[error("\"fallbacks\" must be \"default\" or name 1 to {fallbacks_max} models")]
    FallbackCount {
        /// The limit.
        fallbacks_max: usize,
    },
    /// A fallback that is named twice, or is the model asked for.
    #[error("every model in \"fallbacks\" must be named once, and none may be \"model\" itself")]
    FallbackRepeated,
    /// A fallback with a member that the provider does not take.
    #[error(
        "an entry of \"fallbacks\" may hold model, max_tokens, thinking, output_config and speed, and nothing else"
    )]
    FallbackMember,
    /// More strings of text than can be examined.
    #[error("the request holds more than {texts_max} texts; send fewer at once")]
    TooManyTexts {
        /// The limit.
        texts_max: usize,
    },
    /// One object in a message has more members than can be compared.
    #[error("an object in the messages at byte {position} has more than {members_max} members; split it")]
    TooManyMembers {
        /// Where the member above the limit is.
        position: usize,
        /// The limit.
        members_max: usize,
    },
}

/// Why an answer cannot be read further. What was already released stays valid; the rest must not be released.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// One server-sent event is larger than the limit.
    #[error("the provider sent one event of more than {event_bytes_max} bytes; the answer was cut before it")]
    EventTooLarge {
        /// The limit.
        event_bytes_max: usize,
    },
    /// A JSON answer, or the answer assembled from a stream, is larger than the limit.
    #[error("the provider sent an answer of more than {answer_bytes_max} bytes; it was not passed on")]
    AnswerTooLarge {
        /// The limit.
        answer_bytes_max: usize,
    },
}

/// Why a line of an import file is not a conversation. The line is skipped; other lines are not affected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportLineError {
    /// The line cannot be read at all.
    #[error("the line was not imported: {0}")]
    Unreadable(RequestError),
    /// The conversation has no messages.
    #[error("the line was not imported: \"messages\" is empty, so there is no conversation to keep")]
    Empty,
    /// The identifier is empty or too long.
    #[error("the line was not imported: \"id\" must have 1 to {id_bytes_max} bytes")]
    BadId {
        /// The limit.
        id_bytes_max: usize,
    },
    /// A message has a role that an import does not take.
    #[error(
        "the line was not imported: message {index} (from 0) has a role that is not user, assistant or system"
    )]
    UnknownRole {
        /// Which message, from 0.
        index: usize,
    },
    /// A message holds something other than text.
    #[error("the line was not imported: message {index} (from 0) holds a part that is not text")]
    NotText {
        /// Which message, from 0.
        index: usize,
    },
}

impl From<RequestError> for ImportLineError {
    fn from(error: RequestError) -> Self {
        Self::Unreadable(error)
    }
}
