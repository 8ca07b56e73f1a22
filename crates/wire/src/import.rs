//! Conversations from elsewhere: JSONL lines `{"id","messages":[{"role","content"}]}`.

use std::ops::Range;

use crate::fingerprint::{EMPTY_PREFIX, extend_prefix, text_fingerprint};
use crate::json::{Cursor, Kind, write_string};
use crate::{ImportLineError, MESSAGES_MAX, RequestError, Role};

/// The longest identifier of an imported conversation.
pub const IMPORT_ID_BYTES_MAX: usize = 256;

/// A conversation read from an import line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedConversation {
    /// The identifier it had where it comes from.
    pub id: String,
    /// Its messages, at least one, in order.
    pub messages: Vec<ImportedMessage>,
}

/// One message of an imported conversation.
#[derive(Clone, PartialEq, Eq)]
pub struct ImportedMessage {
    /// User, assistant or system.
    pub role: Role,
    /// What was said. Text parts are joined without anything between them.
    pub text: String,
    /// The fingerprint that this message has on every wire.
    pub fingerprint: [u8; 32],
    /// The digest of the conversation up to and with this message, as a request outline gives it.
    pub prefix: [u8; 32],
}

/// Content must not reach logs by way of a debug format.
impl std::fmt::Debug for ImportedMessage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ImportedMessage")
            .field("role", &self.role)
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

/// One turn of an imported conversation, as if it had passed through the gateway.
#[derive(Clone, PartialEq, Eq)]
pub struct ImportedExchange {
    /// Which messages it holds: what was asked, then what was answered.
    pub messages: Range<usize>,
    /// How many of them, at the end, are the assistant's answer. 0 for a conversation that ends in a question.
    pub answers: usize,
    /// The digest of the conversation before this exchange.
    pub prefix_before: [u8; 32],
    /// The digest of the conversation after it: what a continuation through the gateway will show as its prefix.
    pub prefix_after: [u8; 32],
    /// The messages as a JSON array of `{"role","content"}` objects.
    pub body: Vec<u8>,
}

/// As for [`ImportedMessage`]: the body is content.
impl std::fmt::Debug for ImportedExchange {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ImportedExchange")
            .field("messages", &self.messages)
            .field("answers", &self.answers)
            .finish_non_exhaustive()
    }
}

impl ImportedConversation {
    /// Splits the conversation into exchanges: each ends with the last of consecutive assistant messages.
    pub fn exchanges(&self) -> Vec<ImportedExchange> {
        let mut exchanges = Vec::new();
        let (mut start, mut prefix_before) = (0, EMPTY_PREFIX);
        while let Some(rest) = self.messages.get(start..).filter(|rest| !rest.is_empty()) {
            let is_answer = |message: &&ImportedMessage| message.role == Role::Assistant;
            let asked = rest.iter().take_while(|message| !is_answer(message)).count();
            let answers = rest.iter().skip(asked).take_while(is_answer).count();
            let taken = rest.get(..asked + answers).unwrap_or_default();
            let prefix_after = taken.last().map_or(prefix_before, |message| message.prefix);
            let mut body = vec![b'['];
            for message in taken {
                if body.len() > 1 {
                    body.push(b',');
                }
                message.write(&mut body);
            }
            body.push(b']');
            let messages = start..start + asked + answers;
            start = messages.end;
            exchanges.push(ImportedExchange { messages, answers, prefix_before, prefix_after, body });
            prefix_before = prefix_after;
        }
        exchanges
    }
}

impl ImportedMessage {
    /// Writes `{"role","content"}`.
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"role\":");
        write_string(out, self.role.name());
        out.extend_from_slice(b",\"content\":");
        write_string(out, &self.text);
        out.push(b'}');
    }
}

/// Reads one line of an import. Members that are not read are passed over.
///
/// # Errors
/// An [`ImportLineError`] when the line is not such a conversation, or would lose something by being kept as text.
pub fn conversation_line(line: &[u8]) -> Result<ImportedConversation, ImportLineError> {
    let mut cursor = Cursor::new(line)?;
    let (mut id, mut messages, mut fault) = (None, None, None);
    cursor.members(|cursor, name| {
        match &*name.lossy() {
            "id" => once(&mut id, "id", text(cursor, "id")?)?,
            "messages" => {
                let read = read_messages(cursor, &mut fault)?;
                once(&mut messages, "messages", read)?;
            }
            _ => cursor.skip().map(drop)?,
        }
        Ok(())
    })?;
    cursor.end()?;
    if let Some(fault) = fault {
        return Err(fault);
    }
    let id = id.ok_or(RequestError::Missing { field: "id" })?;
    let messages: Vec<(Role, String)> = messages.ok_or(RequestError::Missing { field: "messages" })?;
    if id.is_empty() || id.len() > IMPORT_ID_BYTES_MAX {
        return Err(ImportLineError::BadId { id_bytes_max: IMPORT_ID_BYTES_MAX });
    }
    if messages.is_empty() {
        return Err(ImportLineError::Empty);
    }
    let mut prefix = EMPTY_PREFIX;
    let messages = messages.into_iter().map(|(role, text)| {
        let fingerprint = text_fingerprint(&role, &text);
        prefix = extend_prefix(&prefix, &fingerprint);
        ImportedMessage { role, text, fingerprint, prefix }
    });
    Ok(ImportedConversation { id, messages: messages.collect() })
}

fn read_messages(
    cursor: &mut Cursor<'_>,
    fault: &mut Option<ImportLineError>,
) -> Result<Vec<(Role, String)>, RequestError> {
    if cursor.kind()? != Kind::Array {
        return Err(RequestError::WrongType { field: "messages", expected: "an array of objects" });
    }
    let mut messages = Vec::new();
    cursor.elements(|cursor| {
        if messages.len() == MESSAGES_MAX {
            return Err(RequestError::TooManyMessages { messages_max: MESSAGES_MAX });
        }
        let index = messages.len();
        let (mut role, mut content) = (None, None);
        cursor.members(|cursor, name| {
            match &*name.lossy() {
                "role" => once(&mut role, "role", text(cursor, "role")?)?,
                "content" => {
                    let (text, only_text) = content_text(cursor)?;
                    if !only_text {
                        fault.get_or_insert(ImportLineError::NotText { index });
                    }
                    once(&mut content, "content", text)?;
                }
                _ => cursor.skip().map(drop)?,
            }
            Ok(())
        })?;
        let role = Role::from_name(&role.ok_or(RequestError::Missing { field: "role" })?);
        if !matches!(role, Role::User | Role::Assistant | Role::System) {
            fault.get_or_insert(ImportLineError::UnknownRole { index });
        }
        messages.push((role, content.ok_or(RequestError::Missing { field: "content" })?));
        Ok(())
    })?;
    Ok(messages)
}

/// The text of a `content` value, and whether it is nothing but text.
fn content_text(cursor: &mut Cursor<'_>) -> Result<(String, bool), RequestError> {
    match cursor.kind()? {
        Kind::String => Ok((text(cursor, "content")?, true)),
        Kind::Array => {
            let (mut joined, mut only_text) = (String::new(), true);
            cursor.elements(|cursor| {
                if cursor.kind()? != Kind::Object {
                    only_text = false;
                    return cursor.skip().map(drop);
                }
                let (mut kind, mut part) = (None, None);
                cursor.members(|cursor, name| match &*name.lossy() {
                    "type" => once(&mut kind, "type", text(cursor, "type")?),
                    "text" => once(&mut part, "text", text(cursor, "text")?),
                    _ => cursor.skip().map(drop),
                })?;
                match (kind.as_deref(), part) {
                    (Some("text" | "input_text" | "output_text"), Some(part)) => joined.push_str(&part),
                    _ => only_text = false,
                }
                Ok(())
            })?;
            Ok((joined, only_text))
        }
        _ => {
            Err(RequestError::WrongType { field: "content", expected: "a string or an array of text parts" })
        }
    }
}

fn text(cursor: &mut Cursor<'_>, field: &'static str) -> Result<String, RequestError> {
    let wrong = RequestError::WrongType { field, expected: "a string of Unicode text" };
    if cursor.kind()? != Kind::String {
        return Err(wrong);
    }
    cursor.string()?.strict().map(std::borrow::Cow::into_owned).ok_or(wrong)
}

fn once<T>(place: &mut Option<T>, field: &'static str, value: T) -> Result<(), RequestError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(RequestError::Duplicate { field }),
    }
}
