//! What was delivered of a Chat stream: which choices have not ended, and what every chunk repeats.

use std::collections::BTreeMap;

use crate::object::{Object, Overrides, Writer, set};
use crate::refusal::{AnswerFrame, Chunks, OwnRefusal};
use crate::sse::DONE;

/// Members that every chunk of a completion repeats.
const REPEATED: [&str; 6] = ["id", "object", "created", "model", "service_tier", "system_fingerprint"];

#[derive(Default)]
pub(super) struct Delivered {
    /// The repeated members, as the first chunk that had them said them.
    head: Overrides,
    /// Whether each choice has ended.
    choices: BTreeMap<u64, bool>,
    /// Whether chunks say `usage`, which they do where the client asked for it.
    says_usage: bool,
    usage_was_said: bool,
}

impl Delivered {
    /// Takes an event and says whether it ends the stream.
    pub(super) fn event(&mut self, name: &[u8], data: &[u8]) -> bool {
        if data.starts_with(DONE) || name == b"error" {
            return true;
        }
        let Some(chunk) = Object::from_bytes(data) else { return false };
        if chunk.raw("error").is_some() {
            return true;
        }
        for (name, raw) in &chunk.members {
            match &**name {
                "usage" => {
                    self.says_usage = true;
                    self.usage_was_said |= *raw != "null";
                }
                name if REPEATED.contains(&name) && !self.head.iter().any(|(own, _)| own == name) => {
                    set(&mut self.head, name, *raw);
                }
                _ => {}
            }
        }
        for choice in chunk.elements("choices").into_iter().filter_map(Object::from_text) {
            let ended = self.choices.entry(choice.number("index").unwrap_or(0)).or_default();
            *ended |= choice.raw("finish_reason").is_some();
        }
        false
    }

    /// `None` when no choice has begun.
    pub(super) fn end_with(&self, refusal: &OwnRefusal<'_>, frame: &AnswerFrame<'_>) -> Option<Vec<u8>> {
        if self.choices.is_empty() {
            return None;
        }
        let mut head = Writer::new();
        for (name, raw) in &self.head {
            head.raw(name, raw);
        }
        if self.head.is_empty() {
            // Clients that read a chunk want to know what it is.
            head.text("object", "chat.completion.chunk");
        }
        let chunks = Chunks { head: head.end(), include_usage: self.says_usage, mark: refusal.mark() };
        let mut out = Vec::new();
        // Of choices that all have ended the end is still to be replaced: the last finish reason counts.
        let all_ended = self.choices.values().all(|ended| *ended);
        for (index, _) in self.choices.iter().filter(|(_, ended)| all_ended || !**ended) {
            chunks.write_refusal(&mut out, *index, refusal.explanation);
            chunks.write(&mut out, *index, b"{}", Some("content_filter"));
        }
        let is_known = frame.usage.input_tokens.is_some() && frame.usage.output_tokens.is_some();
        chunks.end(&mut out, Some(frame.usage).filter(|_| is_known && !self.usage_was_said));
        Some(out)
    }
}
