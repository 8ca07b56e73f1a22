//! Answers of the Messages API, and how a stream of its events is put together.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{AnswerOutline, Terminal, Usage, error_name};
use crate::fingerprint::read_answer_message;
use crate::json::{Cursor, write_string};
use crate::object::{Object, Overrides, set, write_array, write_with};

/// The message as far as the events of a stream have told it.
#[derive(Default)]
pub(super) struct Assembly {
    /// `message_start.message` as sent.
    message: Option<String>,
    blocks: BTreeMap<u64, Block>,
    /// Members that `message_delta` events gave.
    overrides: Overrides,
    usage: Overrides,
    /// Whether something came that this build does not know, so that only the raw stream tells all.
    unknown: bool,
    error: Option<String>,
    pub(super) kept_bytes: usize,
}

/// One content block.
#[derive(Default)]
struct Block {
    /// `content_block` as sent at its start.
    start: String,
    /// What deltas add to string members.
    strings: Vec<(&'static str, String)>,
    /// The fragments of `input`, joined.
    input: String,
    citations: Vec<String>,
}

impl Assembly {
    pub(super) fn event(&mut self, name: &[u8], data: &[u8]) -> Option<Terminal> {
        let event = Object::from_bytes(data);
        let kind = event.as_ref().and_then(|event| event.text("type"));
        if name == b"message_stop" || kind.as_deref() == Some("message_stop") {
            return Some(Terminal::Clean);
        }
        if name == b"error" || kind.as_deref() == Some("error") {
            self.error = event.as_ref().and_then(error_name);
            return Some(Terminal::Error);
        }
        let known = event.is_some_and(|event| self.take(kind.as_deref(), &event).is_some());
        self.unknown |= !known;
        None
    }

    /// `None` when the event, or something in it, is not known.
    fn take(&mut self, kind: Option<&str>, event: &Object<'_>) -> Option<()> {
        match kind? {
            "content_block_delta" => {
                let delta = event.object("delta")?;
                let block = self.blocks.get_mut(&event.number("index")?)?;
                self.kept_bytes += block.add(&delta)?;
            }
            "content_block_start" => {
                let start = event.raw("content_block")?.to_owned();
                self.kept_bytes += start.len();
                let block = Block { start, ..Block::default() };
                if self.blocks.insert(event.number("index")?, block).is_some() {
                    return None;
                }
            }
            "message_start" => {
                let message = event.raw("message")?;
                self.kept_bytes += message.len();
                if self.message.replace(message.to_owned()).is_some() {
                    return None;
                }
            }
            "message_delta" => self.message_delta(event)?,
            "content_block_stop" | "ping" => {}
            _ => return None,
        }
        Some(())
    }

    fn message_delta(&mut self, event: &Object<'_>) -> Option<()> {
        for (name, raw) in &event.object("delta")?.members {
            set(&mut self.overrides, name, *raw);
        }
        for (name, raw) in event.object("usage").unwrap_or_default().members {
            if raw != "null" {
                set(&mut self.usage, &name, raw);
            }
        }
        for (name, raw) in &event.members {
            if !matches!(&**name, "type" | "delta" | "usage") {
                set(&mut self.overrides, name, *raw);
            }
        }
        self.kept_bytes += event.members.iter().map(|(_, raw)| raw.len()).sum::<usize>();
        Some(())
    }

    pub(super) fn finish(mut self, terminal: Terminal) -> AnswerOutline {
        let empty = AnswerOutline { stop: self.error.take(), ..AnswerOutline::empty(terminal) };
        let Some(start) = self.message.as_deref().and_then(Object::from_text) else { return empty };
        let content: Option<Vec<Vec<u8>>> = self.blocks.values().map(Block::write).collect();
        let whole = terminal == Terminal::Clean && !self.unknown && content.is_some();
        set(&mut self.overrides, "content", write_array(content.unwrap_or_default()));
        if !self.usage.is_empty() {
            let usage = start.object("usage").unwrap_or_default();
            set(&mut self.overrides, "usage", write_with(&usage, &self.usage));
        }
        let message = write_with(&start, &self.overrides);
        let Some(object) = Object::from_bytes(&message) else { return empty };
        let mut outline = outline_of(&object, &message);
        drop(object);
        outline.terminal = terminal;
        outline.stop = empty.stop.or(outline.stop);
        if whole {
            outline.message = Some(message);
        } else {
            outline.fingerprints.clear();
        }
        outline
    }
}

impl Block {
    /// Adds a delta and gives how many bytes are kept of it; `None` when it is not known.
    fn add(&mut self, delta: &Object<'_>) -> Option<usize> {
        match &*delta.text("type")? {
            "text_delta" => self.append("text", &delta.text("text")?),
            "thinking_delta" => self.append("thinking", &delta.text("thinking")?),
            "signature_delta" => self.append("signature", &delta.text("signature")?),
            "input_json_delta" => {
                let fragment = delta.text("partial_json")?;
                self.input.push_str(&fragment);
                Some(fragment.len())
            }
            "citations_delta" => {
                let citation = delta.raw("citation")?;
                self.citations.push(citation.to_owned());
                Some(citation.len())
            }
            "compaction_delta" => {
                let content = delta.text("content").unwrap_or_default();
                let encrypted = delta.text("encrypted_content").unwrap_or_default();
                Some(self.append("content", &content)? + self.append("encrypted_content", &encrypted)?)
            }
            _ => None,
        }
    }

    fn append(&mut self, name: &'static str, text: &str) -> Option<usize> {
        match self.strings.iter_mut().find(|(own, _)| *own == name) {
            Some((_, string)) => string.push_str(text),
            None if text.is_empty() => {}
            None => {
                let start = Object::from_text(&self.start)?.text(name).unwrap_or_default().into_owned();
                self.strings.push((name, start + text));
            }
        }
        Some(text.len())
    }

    /// The block as it would stand in an answer that was not streamed; `None` when its input is not JSON.
    fn write(&self) -> Option<Vec<u8>> {
        let start = Object::from_text(&self.start)?;
        let mut overrides = Overrides::new();
        for (name, text) in &self.strings {
            let mut raw = Vec::with_capacity(text.len() + 2);
            write_string(&mut raw, text);
            set(&mut overrides, name, raw);
        }
        if !self.input.is_empty() {
            let mut cursor = Cursor::of(&self.input);
            cursor.skip().ok()?;
            cursor.end().ok()?;
            set(&mut overrides, "input", self.input.as_bytes());
        }
        if !self.citations.is_empty() {
            let earlier = start.elements("citations");
            let all = earlier.into_iter().chain(self.citations.iter().map(String::as_str));
            set(&mut overrides, "citations", write_array(all));
        }
        Some(write_with(&start, &overrides))
    }
}

/// The outline of a message, whose text is `body`.
pub(super) fn outline_of(message: &Object<'_>, body: &[u8]) -> AnswerOutline {
    let usage = message.object("usage").unwrap_or_default();
    let cached = ["cache_creation_input_tokens", "cache_read_input_tokens"]
        .into_iter()
        .filter_map(|name| usage.number(name))
        .fold(0, u64::saturating_add);
    let has_content = message.raw("content").is_some();
    let fingerprint = Cursor::new(body).and_then(|mut cursor| read_answer_message(&mut cursor)).ok();
    AnswerOutline {
        id: message.text("id").map(Cow::into_owned),
        model: served_by_fallback(message).or_else(|| message.text("model").map(Cow::into_owned)),
        stop: message.text("stop_reason").map(Cow::into_owned),
        usage: Usage {
            // A token count's answer has its one number at the top.
            input_tokens: usage
                .number("input_tokens")
                .map(|tokens| tokens.saturating_add(cached))
                .or_else(|| message.number("input_tokens")),
            output_tokens: usage.number("output_tokens"),
        },
        fingerprints: fingerprint.filter(|_| has_content).into_iter().collect(),
        message: None,
        terminal: Terminal::Clean,
    }
}

/// The model behind the last `fallback` block. When a model declined amid a stream, `message_start` still names the
/// one that was asked.
fn served_by_fallback(message: &Object<'_>) -> Option<String> {
    let blocks = message.elements("content").into_iter().rev().filter_map(Object::from_text);
    let mut fallbacks = blocks.filter(|block| block.text("type").is_some_and(|kind| kind == "fallback"));
    fallbacks.next()?.object("to")?.text("model").map(Cow::into_owned)
}
