//! Answers of the Responses API: the terminal event repeats the whole response, so nothing need be put together.

use std::borrow::Cow;

use super::{AnswerOutline, Terminal, Usage, error_name};
use crate::fingerprint::text_message_fingerprint;
use crate::object::Object;

/// What was seen of a stream.
#[derive(Default)]
pub(super) struct Assembly {
    id: Option<String>,
    model: Option<String>,
    error: Option<String>,
    /// The `response` of the terminal event.
    response: Option<String>,
}

impl Assembly {
    pub(super) fn event(&mut self, name: &[u8], data: &[u8]) -> Option<Terminal> {
        let event = match name {
            // The frequent events hold nothing that the terminal event does not repeat.
            name if name.ends_with(b".delta") || name.ends_with(b".done") => return None,
            _ => Object::from_bytes(data).unwrap_or_default(),
        };
        let kind = event.text("type").unwrap_or_else(|| String::from_utf8_lossy(name));
        let terminal = match (&*kind, name) {
            ("error", _) | (_, b"error") => {
                self.error = event.text("code").map(Cow::into_owned).or_else(|| error_name(&event));
                return Some(Terminal::Error);
            }
            ("response.failed", _) | (_, b"response.failed") => Terminal::Error,
            ("response.completed" | "response.incomplete", _)
            | (_, b"response.completed" | b"response.incomplete") => Terminal::Clean,
            ("response.created", _) => {
                let response = event.object("response").unwrap_or_default();
                self.id = response.text("id").map(Cow::into_owned);
                self.model = response.text("model").map(Cow::into_owned);
                return None;
            }
            _ => return None,
        };
        self.response = event.raw("response").map(str::to_owned);
        Some(terminal)
    }

    pub(super) fn finish(self, terminal: Terminal) -> AnswerOutline {
        let Some(response) = self.response.as_deref().and_then(Object::from_text) else {
            let empty = AnswerOutline::empty(terminal);
            return AnswerOutline { id: self.id, model: self.model, stop: self.error, ..empty };
        };
        let mut outline = outline_of(&response);
        outline.terminal = terminal;
        outline.message = self.response.map(String::into_bytes);
        outline
    }
}

/// The outline of a response object.
pub(super) fn outline_of(response: &Object<'_>) -> AnswerOutline {
    let usage = response.object("usage").unwrap_or_default();
    let status = response.text("status");
    let terminal = if status.as_deref() == Some("failed") { Terminal::Error } else { Terminal::Clean };
    let reason = response.object("incomplete_details").and_then(|details| details.text("reason"));
    let stop = match (status, error_name(response), reason) {
        (Some(status), Some(error), _) if status == "failed" => Some(error),
        (Some(status), _, Some(reason)) => Some(format!("{status}:{reason}")),
        (status, _, _) => status.map(Cow::into_owned),
    };
    let fingerprints: Result<Vec<_>, _> =
        response.elements("output").into_iter().map(text_message_fingerprint).collect();
    AnswerOutline {
        id: response.text("id").map(Cow::into_owned),
        model: response.text("model").map(Cow::into_owned),
        stop,
        usage: Usage {
            input_tokens: usage.number("input_tokens"),
            output_tokens: usage.number("output_tokens"),
        },
        fingerprints: fingerprints.unwrap_or_default(),
        message: None,
        terminal,
    }
}
