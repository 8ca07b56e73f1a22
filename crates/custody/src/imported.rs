//! The lines of an import file, read as conversations.

use std::ops::Range;

use fiducia_wire::{Wire, outline};

/// Messages of one conversation at most.
const MESSAGES_MAX: usize = 100_000;

/// A line that is not a conversation. The texts never quote the line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LineError {
    #[error("not JSON of the form {{\"id\", \"messages\": [{{\"role\", \"content\"}}]}} (column {column})")]
    Shape { column: usize },
    #[error("it has no messages")]
    Empty,
    #[error("it has more than {MESSAGES_MAX} messages")]
    TooLong,
    #[error("message {place} has a role other than user, assistant or system")]
    Role { place: usize },
    #[error("its messages cannot be read as a conversation: {0}")]
    Messages(String),
}

/// One message of an imported conversation.
#[derive(Debug, Clone)]
pub(crate) struct ImportedMessage {
    is_assistant: bool,
    json: Range<usize>,
    /// Rolling digest up to and with this message, as the wires compute it.
    pub(crate) prefix: [u8; 32],
}

/// An imported conversation: its messages with their bytes as they were in the line.
#[derive(Debug, Clone)]
pub(crate) struct ImportedConversation {
    body: Vec<u8>,
    pub(crate) messages: Vec<ImportedMessage>,
}

#[derive(serde::Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    messages: Vec<&'a serde_json::value::RawValue>,
}

#[derive(serde::Deserialize)]
struct Speaker<'a> {
    #[serde(borrow)]
    role: std::borrow::Cow<'a, str>,
}

impl ImportedConversation {
    /// Reads a line.
    ///
    /// The messages are laid into a Messages request and read by its outline, so that an imported conversation has the
    /// digests that the same conversation gets when an application continues it through the gateway.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, LineError> {
        let parsed: Line<'_> =
            serde_json::from_slice(line).map_err(|error| LineError::Shape { column: error.column() })?;
        if parsed.messages.is_empty() {
            return Err(LineError::Empty);
        }
        if parsed.messages.len() > MESSAGES_MAX {
            return Err(LineError::TooLong);
        }
        let mut body = Vec::with_capacity(line.len() + 32);
        body.extend_from_slice(br#"{"model":"import","messages":["#);
        for (place, message) in parsed.messages.iter().enumerate() {
            if place > 0 {
                body.push(b',');
            }
            body.extend_from_slice(message.get().as_bytes());
        }
        body.extend_from_slice(b"]}");
        let outline = outline(Wire::AnthropicMessages, &body)
            .map_err(|error| LineError::Messages(error.to_string()))?;
        let mut messages = Vec::with_capacity(parsed.messages.len());
        for (place, (raw, outlined)) in parsed.messages.iter().zip(outline.messages).enumerate() {
            let speaker: Speaker<'_> =
                serde_json::from_str(raw.get()).map_err(|_| LineError::Role { place: place + 1 })?;
            let is_assistant = match speaker.role.as_ref() {
                "assistant" => true,
                "user" | "system" => false,
                _ => return Err(LineError::Role { place: place + 1 }),
            };
            messages.push(ImportedMessage { is_assistant, json: outlined.span, prefix: outlined.prefix });
        }
        Ok(Self { body, messages })
    }

    /// The turns: each ends with an assistant's message, the last perhaps without one.
    pub(crate) fn turns(&self) -> Vec<Range<usize>> {
        let mut turns = Vec::new();
        let mut start = 0;
        for (place, message) in self.messages.iter().enumerate() {
            if message.is_assistant || place + 1 == self.messages.len() {
                turns.push(start..place + 1);
                start = place + 1;
            }
        }
        turns
    }

    /// The bytes of consecutive messages, as elements of a JSON array without its brackets.
    pub(crate) fn json(&self, turn: &Range<usize>) -> &[u8] {
        let ends = self.messages.get(turn.start).zip(self.messages.get(turn.end.saturating_sub(1)));
        ends.and_then(|(first, last)| self.body.get(first.json.start..last.json.end)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, turns: &[&str]) {
        let conversation = ImportedConversation::parse(line.as_bytes()).unwrap();
        let found: Vec<_> = conversation
            .turns()
            .iter()
            .map(|turn| String::from_utf8(conversation.json(turn).to_vec()).unwrap())
            .collect();
        assert_eq!(found, turns);
    }

    #[test]
    fn turns_end_with_the_assistant_and_keep_their_bytes() {
        check(
            r#"{"id":"a","messages":[{"role":"user", "content":"x"},{"role":"assistant","content":"y"},{"content":"z","role":"user"}]}"#,
            &[
                r#"{"role":"user", "content":"x"},{"role":"assistant","content":"y"}"#,
                r#"{"content":"z","role":"user"}"#,
            ],
        );
    }

    #[test]
    fn what_is_not_a_conversation_is_said_without_quoting_it() {
        for line in ["{", "[]", r#"{"messages":[]}"#, r#"{"messages":[{"role":"secret","content":"x"}]}"#] {
            let error = ImportedConversation::parse(line.as_bytes()).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
