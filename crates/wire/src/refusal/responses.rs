//! Refusals on the Responses wire.

use super::{AnswerFrame, OWN_MARK, OwnRefusal, Refused};
use crate::object::Writer;
use crate::sse::write_event;

/// The whole response.
pub(super) fn body(refusal: &OwnRefusal<'_>, frame: &AnswerFrame<'_>) -> Vec<u8> {
    let item = refusal_item(frame.item_id, Some(refusal.explanation));
    response(refusal, frame, Some(&item))
}

/// The response as a stream.
pub(super) fn stream(refusal: &OwnRefusal<'_>, frame: &AnswerFrame<'_>) -> Vec<u8> {
    let begun = response(refusal, frame, None);
    let mut events = ResponseEvents::after(None);
    events.write_response("response.created", &begun);
    events.write_response("response.in_progress", &begun);
    let item = events.write_refusal(0, frame.item_id, refusal.explanation);
    let end = match refusal.refused {
        Refused::Request => "response.completed",
        Refused::Answer => "response.incomplete",
    };
    events.write_response(end, &response(refusal, frame, Some(&item)));
    events.out
}

/// The response object; without an item it is still under way.
fn response(refusal: &OwnRefusal<'_>, frame: &AnswerFrame<'_>, item: Option<&[u8]>) -> Vec<u8> {
    let (status, details): (_, &[u8]) = match (item, refusal.refused) {
        (None, _) => ("in_progress", b"null"),
        (Some(_), Refused::Request) => ("completed", b"null"),
        (Some(_), Refused::Answer) => ("incomplete", br#"{"reason":"content_filter"}"#),
    };
    let mut response = Writer::new();
    response.text("id", frame.id);
    response.text("object", "response");
    response.number("created_at", frame.created);
    response.text("status", status);
    response.raw("error", b"null");
    response.raw("incomplete_details", details);
    response.raw("instructions", b"null");
    response.raw("metadata", b"{}");
    response.text("model", frame.model);
    response.raw("output", &[b"[".as_slice(), item.unwrap_or_default(), b"]"].concat());
    response.raw("parallel_tool_calls", b"true");
    response.raw("previous_response_id", b"null");
    // Nothing lies with the provider, so that no later request can continue this one there.
    response.raw("store", b"false");
    response.text("tool_choice", "auto");
    response.raw("tools", b"[]");
    match item {
        None => response.raw("usage", b"null"),
        Some(_) => response.raw("usage", &usage(frame)),
    }
    response.raw(OWN_MARK, &refusal.mark());
    response.end()
}

fn usage(frame: &AnswerFrame<'_>) -> Vec<u8> {
    let input = frame.usage.input_tokens.unwrap_or(0);
    let output = frame.usage.output_tokens.unwrap_or(0);
    let mut usage = Writer::new();
    usage.number("input_tokens", input);
    usage.raw("input_tokens_details", br#"{"cached_tokens":0}"#);
    usage.number("output_tokens", output);
    usage.raw("output_tokens_details", br#"{"reasoning_tokens":0}"#);
    usage.number("total_tokens", input.saturating_add(output));
    usage.end()
}

/// The output item that says the refusal, or, without an explanation, the same item at its start.
fn refusal_item(id: &str, explanation: Option<&str>) -> Vec<u8> {
    let mut item = Writer::new();
    item.text("id", id);
    item.text("type", "message");
    item.text("status", if explanation.is_some() { "completed" } else { "in_progress" });
    item.text("role", "assistant");
    let content = explanation.map(refusal_part).unwrap_or_default();
    item.raw("content", &[b"[".as_slice(), &content, b"]"].concat());
    item.end()
}

fn refusal_part(explanation: &str) -> Vec<u8> {
    let mut part = Writer::new();
    part.text("type", "refusal");
    part.text("refusal", explanation);
    part.end()
}

/// Events of a response, numbered.
pub(crate) struct ResponseEvents {
    pub(crate) out: Vec<u8>,
    sequence_number: u64,
}

impl ResponseEvents {
    /// Events that follow the one with this number, or begin a stream.
    pub(crate) fn after(last: Option<u64>) -> Self {
        Self { out: Vec::new(), sequence_number: last.map_or(0, |last| last.saturating_add(1)) }
    }

    /// An event with its number and what `fill` adds.
    pub(crate) fn write(&mut self, kind: &str, fill: impl FnOnce(&mut Writer)) {
        let mut event = Writer::new();
        event.text("type", kind);
        event.number("sequence_number", self.sequence_number);
        fill(&mut event);
        self.sequence_number = self.sequence_number.saturating_add(1);
        write_event(&mut self.out, Some(kind), &event.end());
    }

    /// An event of the response's life.
    pub(crate) fn write_response(&mut self, kind: &str, response: &[u8]) {
        self.write(kind, |event| event.raw("response", response));
    }

    /// Every event of the item that says the refusal. Gives the item.
    pub(crate) fn write_refusal(&mut self, output_index: u64, item_id: &str, explanation: &str) -> Vec<u8> {
        let place = |event: &mut Writer| {
            event.text("item_id", item_id);
            event.number("output_index", output_index);
            event.raw("content_index", b"0");
        };
        self.write("response.output_item.added", |event| {
            event.number("output_index", output_index);
            event.raw("item", &refusal_item(item_id, None));
        });
        self.write("response.content_part.added", |event| {
            place(event);
            event.raw("part", &refusal_part(""));
        });
        self.write("response.refusal.delta", |event| {
            place(event);
            event.text("delta", explanation);
        });
        self.write("response.refusal.done", |event| {
            place(event);
            event.text("refusal", explanation);
        });
        self.write("response.content_part.done", |event| {
            place(event);
            event.raw("part", &refusal_part(explanation));
        });
        let item = refusal_item(item_id, Some(explanation));
        self.write("response.output_item.done", |event| {
            event.number("output_index", output_index);
            event.raw("item", &item);
        });
        item
    }
}
