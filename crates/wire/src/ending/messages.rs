//! What was delivered of a Messages stream: which blocks are open.

use std::collections::BTreeSet;

use crate::object::Object;
use crate::refusal::{AnswerFrame, OwnRefusal, refusal_delta};
use crate::sse::write_event;

/// The frequent event.
const DELTA_NAME: &[u8] = b"content_block_delta";

#[derive(Default)]
pub(super) struct Delivered {
    started: bool,
    open: BTreeSet<u64>,
    /// The largest count that the provider has said, which is cumulative.
    output_tokens: u64,
}

impl Delivered {
    /// Takes an event and says whether it ends the stream.
    pub(super) fn event(&mut self, name: &[u8], data: &[u8]) -> bool {
        // Deltas open and close nothing, and are most of a stream.
        if name == DELTA_NAME {
            return false;
        }
        let Some(event) = Object::from_bytes(data) else { return matches!(name, b"message_stop" | b"error") };
        let kind = event.text("type").unwrap_or_else(|| String::from_utf8_lossy(name));
        match &*kind {
            "message_start" => {
                self.started = true;
                self.count(event.object("message").as_ref());
            }
            "content_block_start" => self.open.extend(event.number("index")),
            "content_block_stop" => {
                event.number("index").map(|index| self.open.remove(&index));
            }
            "message_delta" => self.count(Some(&event)),
            "message_stop" | "error" => return true,
            _ => return matches!(name, b"message_stop" | b"error"),
        }
        false
    }

    fn count(&mut self, holder: Option<&Object<'_>>) {
        let said = holder.and_then(|holder| holder.object("usage")?.number("output_tokens"));
        self.output_tokens = self.output_tokens.max(said.unwrap_or(0));
    }

    /// `None` when the message has not started.
    pub(super) fn end_with(&self, refusal: &OwnRefusal<'_>, frame: &AnswerFrame<'_>) -> Option<Vec<u8>> {
        if !self.started {
            return None;
        }
        let mut out = Vec::new();
        for index in &self.open {
            let stop = format!(r#"{{"type":"content_block_stop","index":{index}}}"#);
            write_event(&mut out, Some("content_block_stop"), stop.as_bytes());
        }
        let output_tokens = self.output_tokens.max(frame.usage.output_tokens.unwrap_or(0));
        out.extend_from_slice(&refusal_delta(refusal, output_tokens));
        Some(out)
    }
}
