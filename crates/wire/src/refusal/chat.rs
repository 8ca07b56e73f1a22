//! Refusals on the Chat Completions wire.

use super::{AnswerFrame, OWN_MARK, OwnRefusal, Refused};
use crate::Usage;
use crate::object::Writer;
use crate::sse::{DONE, write_event};

/// The whole completion.
pub(super) fn body(refusal: &OwnRefusal<'_>, frame: &AnswerFrame<'_>) -> Vec<u8> {
    let mut message = Writer::new();
    message.text("role", "assistant");
    message.raw("content", b"null");
    message.text("refusal", refusal.explanation);
    message.raw("annotations", b"[]");
    let mut choice = Writer::new();
    choice.raw("index", b"0");
    choice.raw("message", &message.end());
    choice.raw("logprobs", b"null");
    choice.text("finish_reason", finish_reason(refusal.refused));
    let mut completion = Writer::new();
    completion.text("id", frame.id);
    completion.text("object", "chat.completion");
    completion.number("created", frame.created);
    completion.text("model", frame.model);
    completion.raw("choices", &[b"[".as_slice(), &choice.end(), b"]"].concat());
    completion.raw("usage", &usage(frame.usage));
    completion.raw(OWN_MARK, &refusal.mark());
    completion.end()
}

/// The completion as a stream: who speaks, what is said, that it ends.
pub(super) fn stream(refusal: &OwnRefusal<'_>, frame: &AnswerFrame<'_>) -> Vec<u8> {
    let mut head = Writer::new();
    head.text("id", frame.id);
    head.text("object", "chat.completion.chunk");
    head.number("created", frame.created);
    head.text("model", frame.model);
    let chunks = Chunks { head: head.end(), include_usage: frame.include_usage, mark: refusal.mark() };
    let mut out = Vec::new();
    chunks.write(&mut out, 0, br#"{"role":"assistant","content":null}"#, None);
    chunks.write_refusal(&mut out, 0, refusal.explanation);
    chunks.write(&mut out, 0, b"{}", Some(finish_reason(refusal.refused)));
    chunks.end(&mut out, Some(frame.usage));
    out
}

/// An answer that is withheld was filtered; a request that is declined is a model's ordinary end.
const fn finish_reason(refused: Refused) -> &'static str {
    match refused {
        Refused::Request => "stop",
        Refused::Answer => "content_filter",
    }
}

/// Chunks of one completion that all begin alike.
pub(crate) struct Chunks {
    /// An object with the members that every chunk repeats.
    pub(crate) head: Vec<u8>,
    /// Whether every chunk says `usage`, null until the last.
    pub(crate) include_usage: bool,
    pub(crate) mark: Vec<u8>,
}

impl Chunks {
    /// A chunk of one choice. `delta` is JSON.
    pub(crate) fn write(&self, out: &mut Vec<u8>, index: u64, delta: &[u8], finish_reason: Option<&str>) {
        let mut choice = Writer::new();
        choice.number("index", index);
        choice.raw("delta", delta);
        choice.raw("logprobs", b"null");
        choice.text_or_null("finish_reason", finish_reason);
        self.write_chunk(out, &[b"[".as_slice(), &choice.end(), b"]"].concat(), b"null");
    }

    /// A chunk that says the refusal.
    pub(crate) fn write_refusal(&self, out: &mut Vec<u8>, index: u64, explanation: &str) {
        let mut delta = Writer::new();
        delta.text("refusal", explanation);
        self.write(out, index, &delta.end(), None);
    }

    /// What follows the last choice: usage where it was asked for and is known, and the end.
    pub(crate) fn end(&self, out: &mut Vec<u8>, known: Option<Usage>) {
        if let (true, Some(known)) = (self.include_usage, known) {
            self.write_chunk(out, b"[]", &usage(known));
        }
        write_event(out, None, DONE);
    }

    fn write_chunk(&self, out: &mut Vec<u8>, choices: &[u8], usage: &[u8]) {
        let mut rest = Writer::new();
        rest.raw("choices", choices);
        if self.include_usage {
            rest.raw("usage", usage);
        }
        rest.raw(OWN_MARK, &self.mark);
        let rest = rest.end();
        // Both are objects with members, so the one continues the other.
        let head = self.head.strip_suffix(b"}").unwrap_or(&self.head);
        let rest = rest.strip_prefix(b"{").unwrap_or(&rest);
        write_event(out, None, &[head, b",", rest].concat());
    }
}

fn usage(usage: Usage) -> Vec<u8> {
    let (input, output) = (usage.input_tokens.unwrap_or(0), usage.output_tokens.unwrap_or(0));
    let mut writer = Writer::new();
    writer.number("prompt_tokens", input);
    writer.number("completion_tokens", output);
    writer.number("total_tokens", input.saturating_add(output));
    writer.end()
}
