//! Errors in the exact shape of each wire. Which error is sent when, and its text, is the sender's to say.

use crate::object::Writer;
use crate::{Wire, WireFamily};

/// An error to be told on a wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WireError<'a> {
    /// `error.type`, from the wire's own list, as `invalid_request_error`.
    pub kind: &'a str,
    /// The stable machine code: `error.details.error_code` (Anthropic) or `error.code` (OpenAI).
    pub code: &'a str,
    /// For people.
    pub message: &'a str,
    /// The request field at fault, `error.param` (OpenAI only).
    pub parameter: Option<&'a str>,
}

/// The body of an error answer. The request id stands in the body on the Anthropic wire alone.
pub fn error_body(family: WireFamily, error: &WireError<'_>, request_id: &str) -> Vec<u8> {
    match family {
        WireFamily::Anthropic => anthropic(error, Some(request_id)),
        WireFamily::OpenAi => open_ai(error),
    }
}

/// The event that ends a stream with an error. On the Chat wire no `[DONE]` may follow it. `sequence_number` is that of
/// the next event of a Responses stream; the other wires have none.
pub fn error_frame(wire: Wire, error: &WireError<'_>, sequence_number: u64) -> Vec<u8> {
    let (name, data) = match wire {
        Wire::AnthropicMessages => ("event: error\n", anthropic(error, None)),
        Wire::OpenAiChat | Wire::OpenAiEmbeddings => ("", open_ai(error)),
        Wire::OpenAiResponses => {
            let mut event = Writer::new();
            event.text("type", "error");
            event.text("code", error.code);
            event.text("message", error.message);
            event.text_or_null("param", error.parameter);
            event.raw("sequence_number", sequence_number.to_string().as_bytes());
            ("event: error\n", event.end())
        }
    };
    [name.as_bytes(), b"data: ", &data, b"\n\n"].concat()
}

fn anthropic(error: &WireError<'_>, request_id: Option<&str>) -> Vec<u8> {
    let mut details = Writer::new();
    details.text("error_code", error.code);
    let mut inner = Writer::new();
    inner.text("type", error.kind);
    inner.text("message", error.message);
    inner.raw("details", &details.end());
    let mut body = Writer::new();
    body.text("type", "error");
    body.raw("error", &inner.end());
    if let Some(request_id) = request_id {
        body.text("request_id", request_id);
    }
    body.end()
}

fn open_ai(error: &WireError<'_>) -> Vec<u8> {
    let mut inner = Writer::new();
    inner.text("message", error.message);
    inner.text("type", error.kind);
    inner.text_or_null("param", error.parameter);
    inner.text("code", error.code);
    let mut body = Writer::new();
    body.raw("error", &inner.end());
    body.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ERROR: WireError<'_> = WireError {
        kind: "api_error",
        code: "upstream_broken",
        message: "the stream \"broke\" off\n",
        parameter: None,
    };

    #[test]
    fn bodies_have_each_family_s_shape() {
        assert_eq!(
            String::from_utf8(error_body(WireFamily::Anthropic, &ERROR, "req_1")).unwrap(),
            r#"{"type":"error","error":{"type":"api_error","message":"the stream \"broke\" off\n","details":{"error_code":"upstream_broken"}},"request_id":"req_1"}"#
        );
        assert_eq!(
            String::from_utf8(error_body(
                WireFamily::OpenAi,
                &WireError { parameter: Some("model"), ..ERROR },
                "req_1"
            ))
            .unwrap(),
            r#"{"error":{"message":"the stream \"broke\" off\n","type":"api_error","param":"model","code":"upstream_broken"}}"#
        );
    }

    #[test]
    fn frames_read_back_as_errors_on_their_own_wire() {
        for wire in [Wire::AnthropicMessages, Wire::OpenAiChat, Wire::OpenAiResponses] {
            let frame = error_frame(wire, &ERROR, 7);
            let mut reader = crate::AnswerReader::new(wire, true);
            assert!(reader.push(&frame).unwrap().terminal_seen, "{wire}");
            let outline = reader.finish();
            assert_eq!(outline.terminal, crate::Terminal::Error, "{wire}");
            assert!(outline.stop.is_some(), "{wire}");
        }
    }
}
