//! An answer of another model than the one that was asked for, because a policy of the gateway said so: how the answer says it.
//!
//! On the Messages wire it is the shape in which the provider itself says that another model went on, so that clients which know
//! that shape need nothing new; on every wire the gateway's mark stands at the top of the answer. See
//! `docs/decisions/0063-rerouted-answers.md`.

use std::ops::Range;

use fiducia_policy::SafetyCategory;

use crate::json::Cursor;
use crate::object::{Object, Overrides, Writer, set, write_array, write_with};
use crate::refusal::{OWN_MARK, mark, stop_category};
use crate::sse::{Events, write_event};
use crate::{AnswerError, Wire};

/// How much of the Messages API's fallback shape an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announced {
    /// The `fallback` block before everything else, with its trigger, and both entries of `usage.iterations`: the first turn that
    /// goes to the other model.
    Hop,
    /// The `fallback_message` entry of `usage.iterations` and no block: later turns of the conversation.
    Sticky,
    /// Neither: the client did not ask for `fallbacks`, so it may not know the block.
    MarkAlone,
}

/// A decision that another model answers.
#[derive(Debug, Clone, Copy)]
pub struct Reroute<'a> {
    /// The model that was asked for, as the client named it.
    pub from: &'a str,
    /// The model that answers, as its provider names it.
    pub to: &'a str,
    /// Why.
    pub category: Option<SafetyCategory>,
    /// The exchange's id, by which a person can contest the decision.
    pub exchange: &'a str,
    /// How it is said on the Messages wire.
    pub announced: Announced,
}

/// The whole answer of the other model, saying so; `None` when it is no answer, an error for example, which passes as it is.
pub fn rerouted_body(wire: Wire, reroute: &Reroute<'_>, answer: &[u8]) -> Option<Vec<u8>> {
    let object = Object::from_bytes(answer)?;
    let is_response = object.text("object").is_some_and(|kind| kind == "response");
    if object.raw("error").is_some() && !is_response {
        return None;
    }
    let mut overrides = Overrides::new();
    if wire == Wire::AnthropicMessages {
        object.text("type").filter(|kind| kind == "message")?;
        let to = object.text("model").map_or_else(|| reroute.to.to_owned(), std::borrow::Cow::into_owned);
        if reroute.announced == Announced::Hop {
            let block = String::from_utf8(reroute.block(&to)).ok()?;
            let content = object.elements("content");
            set(&mut overrides, "content", write_array(std::iter::once(block.as_str()).chain(content)));
        }
        if reroute.announced != Announced::MarkAlone {
            let usage = object.object("usage").unwrap_or_default();
            set(&mut overrides, "usage", reroute.usage(&usage, &usage, &to));
        }
    }
    set(&mut overrides, OWN_MARK, reroute.mark());
    Some(write_with(&object, &overrides))
}

impl Reroute<'_> {
    fn mark(&self) -> Vec<u8> {
        mark("rerouted", self.category, self.exchange)
    }

    /// The block that stands where one model gave way to the next.
    fn block(&self, to: &str) -> Vec<u8> {
        let model = |name: &str| {
            let mut model = Writer::new();
            model.text("model", name);
            model.end()
        };
        let mut trigger = Writer::new();
        trigger.text("type", "refusal");
        trigger.text_or_null("category", self.category.and_then(stop_category));
        let mut block = Writer::new();
        block.text("type", "fallback");
        block.raw("from", &model(self.from));
        block.raw("to", &model(to));
        block.raw("trigger", &trigger.end());
        block.end()
    }

    /// `usage` with its iterations. `begun` is what earlier events said, for counts that this one leaves out.
    fn usage(&self, usage: &Object<'_>, begun: &Object<'_>, to: &str) -> Vec<u8> {
        let mut entries: Vec<Vec<u8>> = Vec::new();
        if self.announced == Announced::Hop {
            entries.push(iteration("message", self.from, |_| 0));
        }
        let own: Vec<_> = usage.elements("iterations").into_iter().filter_map(Object::from_text).collect();
        let is = |entry: &Object<'_>, kind: &str| entry.text("type").is_some_and(|own| own == kind);
        if own.is_empty() {
            let count = |name: &str| usage.number(name).or_else(|| begun.number(name)).unwrap_or(0);
            entries.push(iteration("fallback_message", to, count));
        }
        // What the provider says of fallbacks of its own stays. Otherwise the last attempt was the other model's.
        let known = own.iter().any(|entry| is(entry, "fallback_message"));
        let last = own.iter().rposition(|entry| is(entry, "message")).filter(|_| !known);
        for (number, entry) in own.iter().enumerate() {
            let mut overrides = Overrides::new();
            if Some(number) == last {
                set(&mut overrides, "type", "\"fallback_message\"");
            }
            entries.push(write_with(entry, &overrides));
        }
        let mut overrides = Overrides::new();
        set(&mut overrides, "iterations", write_array(entries));
        write_with(usage, &overrides)
    }
}

fn iteration(kind: &str, model: &str, count: impl Fn(&str) -> u64) -> Vec<u8> {
    let mut entry = Writer::new();
    entry.text("type", kind);
    entry.text("model", model);
    for name in ["input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"] {
        entry.number(name, count(name));
    }
    entry.end()
}

/// Passes the other model's stream on and says whose it is. Events that need not change pass byte for byte.
pub struct RerouteStream<'a> {
    wire: Wire,
    reroute: Reroute<'a>,
    events: Events,
    /// Bytes of an event that has not ended, and where they begin in the stream.
    pending: Vec<u8>,
    pending_start: u64,
    /// Whether the first chunk was marked.
    marked: bool,
    /// The model and the usage that `message_start` named.
    to: String,
    begun: Option<String>,
}

impl std::fmt::Debug for RerouteStream<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("RerouteStream").field("reroute", &self.reroute).finish_non_exhaustive()
    }
}

impl<'a> RerouteStream<'a> {
    /// A stream of which nothing has come yet.
    pub fn new(wire: Wire, reroute: Reroute<'a>) -> Self {
        Self {
            wire,
            reroute,
            events: Events::new(false),
            pending: Vec::new(),
            pending_start: 0,
            marked: false,
            to: reroute.to.to_owned(),
            begun: None,
        }
    }

    /// Takes the provider's next bytes and gives those to pass on, which end between two events.
    ///
    /// # Errors
    /// When an event is too large.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<u8>, AnswerError> {
        let mut out = Vec::with_capacity(bytes.len() + self.pending.len());
        // Line by line, so that at most one event ends with each piece.
        for piece in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            self.pending.extend_from_slice(piece);
            let mut found = None;
            self.events.push(piece, |name, data| {
                found = Some((name.to_vec(), data.to_vec()));
                false
            })?;
            let boundary = self.events.boundary();
            let passed = usize::try_from(boundary.saturating_sub(self.pending_start)).unwrap_or(0);
            if passed == 0 {
                continue;
            }
            let rest = self.pending.split_off(passed.min(self.pending.len()));
            let raw = std::mem::replace(&mut self.pending, rest);
            self.pending_start = boundary;
            match found.and_then(|(name, data)| self.event(&name, &data)) {
                Some(changed) => out.extend_from_slice(&changed),
                None => out.extend_from_slice(&raw),
            }
        }
        Ok(out)
    }

    /// What is left at the end of the stream: an event that was not ended, as it came.
    pub fn finish(self) -> Vec<u8> {
        self.pending
    }

    /// The event as it is to be passed on; `None`: as it came.
    fn event(&mut self, name: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        match self.wire {
            Wire::AnthropicMessages => self.message_event(name, data),
            Wire::OpenAiChat => {
                let chunk = Object::from_bytes(data)?;
                chunk.raw("choices").filter(|_| !std::mem::replace(&mut self.marked, true))?;
                let mut overrides = Overrides::new();
                set(&mut overrides, OWN_MARK, self.reroute.mark());
                Some(framed(name, &write_with(&chunk, &overrides)))
            }
            Wire::OpenAiResponses => {
                // The frequent events hold no response.
                if name.ends_with(b".delta") || name.ends_with(b".done") || name.ends_with(b".added") {
                    return None;
                }
                let event = Object::from_bytes(data)?;
                let mut within = Overrides::new();
                set(&mut within, OWN_MARK, self.reroute.mark());
                let mut overrides = Overrides::new();
                set(&mut overrides, "response", write_with(&event.object("response")?, &within));
                Some(framed(name, &write_with(&event, &overrides)))
            }
            Wire::OpenAiEmbeddings => None,
        }
    }

    fn message_event(&mut self, name: &[u8], data: &[u8]) -> Option<Vec<u8>> {
        let is_hop = self.reroute.announced == Announced::Hop;
        if name.starts_with(b"content_block_") {
            return if is_hop { shifted(name, data) } else { None };
        }
        let event = Object::from_bytes(data)?;
        match &*event.text("type")? {
            "message_start" => {
                let message = event.object("message")?;
                if let Some(model) = message.text("model") {
                    self.to = model.into_owned();
                }
                self.begun = message.raw("usage").map(str::to_owned);
                let mut within = Overrides::new();
                set(&mut within, OWN_MARK, self.reroute.mark());
                let mut overrides = Overrides::new();
                set(&mut overrides, "message", write_with(&message, &within));
                let mut out = framed(name, &write_with(&event, &overrides));
                if is_hop {
                    out.extend_from_slice(&self.hop_events());
                }
                Some(out)
            }
            "message_delta" if self.reroute.announced != Announced::MarkAlone => {
                event.object("delta")?.raw("stop_reason")?;
                let begun = self.begun.as_deref().and_then(Object::from_text).unwrap_or_default();
                let usage = event.object("usage").unwrap_or_default();
                let mut overrides = Overrides::new();
                set(&mut overrides, "usage", self.reroute.usage(&usage, &begun, &self.to));
                Some(framed(name, &write_with(&event, &overrides)))
            }
            // A provider that names no events is understood by the types alone.
            kind if kind.starts_with("content_block_") && is_hop => shifted(name, data),
            _ => None,
        }
    }

    /// The block, which arrives whole.
    fn hop_events(&self) -> Vec<u8> {
        let mut start = Writer::new();
        start.text("type", "content_block_start");
        start.raw("index", b"0");
        start.raw("content_block", &self.reroute.block(&self.to));
        let mut out = Vec::new();
        write_event(&mut out, Some("content_block_start"), &start.end());
        write_event(&mut out, Some("content_block_stop"), br#"{"type":"content_block_stop","index":0}"#);
        out
    }
}

fn framed(name: &[u8], data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len() + data.len() + 16);
    let name = std::str::from_utf8(name).ok().filter(|name| !name.is_empty());
    write_event(&mut out, name, data);
    out
}

/// The event with its block's index one further: behind the block that was put before all others.
fn shifted(name: &[u8], data: &[u8]) -> Option<Vec<u8>> {
    let mut cursor = Cursor::new(data).ok()?;
    let mut index: Option<(Range<usize>, u64)> = None;
    cursor
        .members(|cursor, name| {
            let is_index = name.lossy() == "index";
            let span = cursor.skip()?;
            if is_index {
                index = cursor.text_at(span.clone()).parse().ok().map(|number| (span, number));
            }
            Ok(())
        })
        .ok()?;
    let (span, number) = index?;
    let next = number.saturating_add(1).to_string();
    let changed = [data.get(..span.start)?, next.as_bytes(), data.get(span.end..)?].concat();
    Some(framed(name, &changed))
}
