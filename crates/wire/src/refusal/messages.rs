//! Refusals on the Messages wire.

use super::{AnswerFrame, OWN_MARK, OwnRefusal, stop_category};
use crate::object::Writer;
use crate::sse::write_event;

/// The whole message. Nothing of it is content: clients look at `stop_reason`.
pub(super) fn body(refusal: &OwnRefusal<'_>, frame: &AnswerFrame<'_>) -> Vec<u8> {
    let mut message = begun(frame);
    message.text("stop_reason", "refusal");
    message.raw("stop_sequence", b"null");
    message.raw("stop_details", &stop_details(refusal));
    message.raw("usage", &usage(frame));
    message.end()
}

/// The message as a stream: it starts, is said to be refused, and stops.
pub(super) fn stream(refusal: &OwnRefusal<'_>, frame: &AnswerFrame<'_>) -> Vec<u8> {
    let mut message = begun(frame);
    message.raw("stop_reason", b"null");
    message.raw("stop_sequence", b"null");
    message.raw("usage", &usage(frame));
    let mut start = Writer::new();
    start.text("type", "message_start");
    start.raw("message", &message.end());
    let mut out = Vec::new();
    write_event(&mut out, Some("message_start"), &start.end());
    out.extend_from_slice(&refusal_delta(refusal, frame.usage.output_tokens.unwrap_or(0)));
    out
}

/// The two events with which a message ends in a refusal.
pub(crate) fn refusal_delta(refusal: &OwnRefusal<'_>, output_tokens: u64) -> Vec<u8> {
    let mut delta = Writer::new();
    delta.text("stop_reason", "refusal");
    delta.raw("stop_sequence", b"null");
    delta.raw("stop_details", &stop_details(refusal));
    let mut usage = Writer::new();
    usage.number("output_tokens", output_tokens);
    let mut event = Writer::new();
    event.text("type", "message_delta");
    event.raw("delta", &delta.end());
    event.raw("usage", &usage.end());
    let mut out = Vec::new();
    write_event(&mut out, Some("message_delta"), &event.end());
    write_event(&mut out, Some("message_stop"), br#"{"type":"message_stop"}"#);
    out
}

/// Why the message stopped, with the mark.
fn stop_details(refusal: &OwnRefusal<'_>) -> Vec<u8> {
    let mut details = Writer::new();
    details.text("type", "refusal");
    details.text_or_null("category", refusal.category.and_then(stop_category));
    details.text("explanation", refusal.explanation);
    // The provider names a model only where the client's own `fallbacks` could not be served; so do we.
    if let Some(model) = refusal.recommended_model {
        details.text("recommended_model", model);
    }
    details.raw(OWN_MARK, &refusal.mark());
    details.end()
}

fn begun(frame: &AnswerFrame<'_>) -> Writer {
    let mut message = Writer::new();
    message.text("id", frame.id);
    message.text("type", "message");
    message.text("role", "assistant");
    message.text("model", frame.model);
    message.raw("content", b"[]");
    message
}

fn usage(frame: &AnswerFrame<'_>) -> Vec<u8> {
    let mut usage = Writer::new();
    usage.number("input_tokens", frame.usage.input_tokens.unwrap_or(0));
    usage.number("output_tokens", frame.usage.output_tokens.unwrap_or(0));
    usage.end()
}
