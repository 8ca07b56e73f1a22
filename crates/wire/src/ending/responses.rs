//! What was delivered of a Responses stream: items and parts that are not done, with their text so far, because the events that end
//! them repeat it.

use std::collections::BTreeMap;

use crate::json::write_string;
use crate::object::{Object, Overrides, set, write_array, write_with};
use crate::refusal::{AnswerFrame, OWN_MARK, OwnRefusal, ResponseEvents};

/// Events that add to a string of an item, and the item's member.
const ITEM_DELTAS: [(&str, &str); 4] = [
    ("response.function_call_arguments.delta", "arguments"),
    ("response.mcp_call_arguments.delta", "arguments"),
    ("response.custom_tool_call_input.delta", "input"),
    ("response.code_interpreter_call_code.delta", "code"),
];

#[derive(Default)]
pub(super) struct Delivered {
    last: Option<u64>,
    /// The response as the last event of its life said it.
    response: Option<String>,
    items: BTreeMap<u64, Item>,
    kept_bytes: usize,
}

/// An output item.
#[derive(Default)]
struct Item {
    /// As it was last said.
    raw: String,
    done: bool,
    parts: BTreeMap<u64, Part>,
    /// The member that grows, and what it holds.
    grown: Option<(&'static str, String)>,
}

/// A part of a message.
#[derive(Default)]
struct Part {
    raw: String,
    text: String,
    annotations: Vec<String>,
    /// Whether its text is done, and whether it is itself.
    text_done: bool,
    done: bool,
}

impl Delivered {
    pub(super) const fn kept_bytes(&self) -> usize {
        self.kept_bytes
    }

    /// Takes an event and says whether it ends the stream.
    pub(super) fn event(&mut self, name: &[u8], data: &[u8]) -> bool {
        let event = Object::from_bytes(data).unwrap_or_default();
        if let Some(number) = event.number("sequence_number") {
            self.last = Some(self.last.map_or(number, |last| last.max(number)));
        }
        let kind = event.text("type").unwrap_or_else(|| String::from_utf8_lossy(name));
        match &*kind {
            "response.completed" | "response.incomplete" | "response.failed" | "error" => return true,
            "response.created" | "response.queued" | "response.in_progress" => {
                self.response = event.raw("response").map(str::to_owned).or(self.response.take());
            }
            "response.output_item.added" | "response.output_item.done" => self.item(&kind, &event),
            "response.content_part.added" | "response.content_part.done" => {
                let raw = event.raw("part").unwrap_or_default().to_owned();
                self.kept_bytes += raw.len();
                if let Some(part) = self.part(&event) {
                    part.raw = raw;
                    part.done = kind.ends_with("done");
                }
            }
            "response.output_text.delta" | "response.refusal.delta" => {
                let delta = event.text("delta").unwrap_or_default();
                self.kept_bytes += delta.len();
                if let Some(part) = self.part(&event) {
                    part.text.push_str(&delta);
                }
            }
            "response.output_text.done" | "response.refusal.done" => {
                if let Some(part) = self.part(&event) {
                    part.text_done = true;
                }
            }
            "response.output_text.annotation.added" => {
                let annotation = event.raw("annotation").map(str::to_owned);
                self.kept_bytes += annotation.as_ref().map_or(0, String::len);
                if let Some(part) = self.part(&event) {
                    part.annotations.extend(annotation);
                }
            }
            kind => self.item_delta(kind, &event),
        }
        matches!(name, b"error")
    }

    fn item(&mut self, kind: &str, event: &Object<'_>) {
        let (Some(index), Some(raw)) = (event.number("output_index"), event.raw("item")) else { return };
        self.kept_bytes += raw.len();
        let item = self.items.entry(index).or_default();
        raw.clone_into(&mut item.raw);
        item.done = kind.ends_with("done");
        if item.done {
            item.parts.clear();
            item.grown = None;
        }
    }

    fn item_delta(&mut self, kind: &str, event: &Object<'_>) {
        let Some((_, member)) = ITEM_DELTAS.into_iter().find(|(own, _)| *own == kind) else { return };
        let Some(item) = event.number("output_index").and_then(|index| self.items.get_mut(&index)) else {
            return;
        };
        let delta = event.text("delta").unwrap_or_default();
        self.kept_bytes += delta.len();
        item.grown.get_or_insert_with(|| (member, String::new())).1.push_str(&delta);
    }

    fn part(&mut self, event: &Object<'_>) -> Option<&mut Part> {
        let item = self.items.get_mut(&event.number("output_index")?)?;
        Some(item.parts.entry(event.number("content_index")?).or_default())
    }

    /// `None` when the response has not begun.
    pub(super) fn end_with(&self, refusal: &OwnRefusal<'_>, frame: &AnswerFrame<'_>) -> Option<Vec<u8>> {
        let response = Object::from_text(self.response.as_deref()?)?;
        let mut events = ResponseEvents::after(self.last);
        let mut output: Vec<Vec<u8>> = Vec::new();
        for (index, item) in &self.items {
            output.push(if item.done {
                item.raw.clone().into_bytes()
            } else {
                item.end(*index, &mut events)
            });
        }
        let next = self.items.keys().next_back().map_or(0, |last| last.saturating_add(1));
        output.push(events.write_refusal(next, frame.item_id, refusal.explanation));
        let mut overrides = Overrides::new();
        set(&mut overrides, "status", "\"incomplete\"");
        set(&mut overrides, "incomplete_details", r#"{"reason":"content_filter"}"#);
        set(&mut overrides, "output", write_array(output));
        set(&mut overrides, OWN_MARK, refusal.mark());
        events.write_response("response.incomplete", &write_with(&response, &overrides));
        Some(events.out)
    }
}

impl Item {
    /// Writes the events that end the item, and gives it as it then is.
    fn end(&self, index: u64, events: &mut ResponseEvents) -> Vec<u8> {
        let own = Object::from_text(&self.raw).unwrap_or_default();
        let id = own.text("id").unwrap_or_default();
        let mut parts = Vec::new();
        for (content_index, part) in &self.parts {
            let whole = part.whole();
            if !part.done {
                part.end((&id, index, *content_index), &whole, events);
            }
            parts.push(whole);
        }
        let mut overrides = Overrides::new();
        set(&mut overrides, "status", "\"incomplete\"");
        if !parts.is_empty() {
            set(&mut overrides, "content", write_array(parts));
        }
        if let Some((member, text)) = &self.grown {
            let begun = own.text(member).unwrap_or_default();
            set(&mut overrides, member, json_string(&format!("{begun}{text}")));
        }
        let item = write_with(&own, &overrides);
        events.write("response.output_item.done", |event| {
            event.number("output_index", index);
            event.raw("item", &item);
        });
        item
    }
}

impl Part {
    fn is_refusal(&self) -> bool {
        Object::from_text(&self.raw).is_some_and(|own| own.text("type").as_deref() == Some("refusal"))
    }

    /// The part with the text that was delivered.
    fn whole(&self) -> Vec<u8> {
        if self.done {
            return self.raw.clone().into_bytes();
        }
        let own = Object::from_text(&self.raw).unwrap_or_default();
        let member = if self.is_refusal() { "refusal" } else { "text" };
        let mut overrides = Overrides::new();
        let begun = own.text(member).unwrap_or_default();
        set(&mut overrides, member, json_string(&format!("{begun}{}", self.text)));
        if !self.annotations.is_empty() {
            set(&mut overrides, "annotations", write_array(&self.annotations));
        }
        write_with(&own, &overrides)
    }

    fn end(&self, (id, index, content_index): (&str, u64, u64), whole: &[u8], events: &mut ResponseEvents) {
        let place = |event: &mut crate::object::Writer| {
            event.text("item_id", id);
            event.number("output_index", index);
            event.number("content_index", content_index);
        };
        if !self.text_done {
            let own = Object::from_bytes(whole).unwrap_or_default();
            if self.is_refusal() {
                events.write("response.refusal.done", |event| {
                    place(event);
                    event.text("refusal", &own.text("refusal").unwrap_or_default());
                });
            } else {
                events.write("response.output_text.done", |event| {
                    place(event);
                    event.text("text", &own.text("text").unwrap_or_default());
                    event.raw("logprobs", b"[]");
                });
            }
        }
        events.write("response.content_part.done", |event| {
            place(event);
            event.raw("part", whole);
        });
    }
}

fn json_string(text: &str) -> Vec<u8> {
    let mut raw = Vec::with_capacity(text.len() + 2);
    write_string(&mut raw, text);
    raw
}
