//! What is asked and what the scripted provider answers: Messages of the Anthropic shape, 1 KB each way, and streams of
//! small deltas. Prebuilt, so that the load generator costs little; a number in each makes it unlike the others.

use std::time::Duration;

/// Bytes of a request's body and of a JSON answer's body.
const BODY_BYTES: usize = 1_024;
/// Digits of the number that makes each body unlike the others.
const DIGITS: usize = 16;
const MARK: &str = "0123456789abcdef";
/// Where the number of a known conversation goes.
const CONVERSATION_MARK: &str = "fedcba9876543210";
/// Conversations whose first two messages are made known before the measurement. A prime, so that numbers which advance
/// by any step come to all of them.
pub(crate) const KNOWN_CONVERSATIONS: u32 = 251;

/// How the provider answers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answering {
    /// Between the end of the request and the first byte of the answer.
    pub(crate) delay: Duration,
    /// Deltas of a stream, and the pause before each; none for a JSON answer.
    pub(crate) stream: Option<(usize, Duration)>,
}

impl Answering {
    /// A JSON answer, at once.
    pub(crate) const PROMPT: Self = Self { delay: Duration::ZERO, stream: None };
}

/// Which history requests bring along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum History {
    /// None: each request begins a conversation, so each needs a key of its own.
    None,
    /// Two messages that were sent before, and a new one.
    Known,
}

/// Bytes with a place for a number.
#[derive(Debug, Clone)]
pub(crate) struct Numbered {
    bytes: Vec<u8>,
    place: Option<usize>,
    conversation: Option<usize>,
}

impl Numbered {
    fn new(text: String) -> Self {
        let (place, conversation) = (text.find(MARK), text.find(CONVERSATION_MARK));
        Self { bytes: text.into_bytes(), place, conversation }
    }

    /// The bytes with this number in them.
    pub(crate) fn number(&mut self, number: u64) -> &[u8] {
        let marked = [(self.place, number), (self.conversation, number % u64::from(KNOWN_CONVERSATIONS))];
        for (place, number) in marked {
            let Some(place) = place.and_then(|place| self.bytes.get_mut(place..place + DIGITS)) else {
                continue;
            };
            place.copy_from_slice(format!("{number:0DIGITS$x}").as_bytes());
        }
        &self.bytes
    }
}

/// A request: head and body.
pub(crate) fn request(key: &str, history: History, streamed: bool) -> Numbered {
    let known = match history {
        History::None => String::new(),
        History::Known => known_history(),
    };
    let body = |padding: usize| {
        format!(
            r#"{{"model":"bench-model","max_tokens":512,"stream":{streamed},"messages":[{known}{{"role":"user","content":"Question {MARK}: {}"}}]}}"#,
            words(padding)
        )
    };
    let empty = body(0).len();
    http_request(key, &body(BODY_BYTES.saturating_sub(empty)))
}

/// The request that makes [`History::Known`] known: its messages, the last of them the model's own.
pub(crate) fn opening(key: &str) -> Numbered {
    let messages = known_history();
    let messages = messages.trim_end_matches(',');
    http_request(key, &format!(r#"{{"model":"bench-model","max_tokens":512,"messages":[{messages}]}}"#))
}

fn known_history() -> String {
    format!(
        r#"{{"role":"user","content":"{CONVERSATION_MARK}: {}"}},{{"role":"assistant","content":"{}"}},"#,
        words(182),
        words(400)
    )
}

fn http_request(key: &str, body: &str) -> Numbered {
    Numbered::new(format!(
        "POST /v1/messages HTTP/1.1\r\nhost: gateway.test\r\nx-api-key: {key}\r\nanthropic-version: 2023-06-01\r\n\
         content-type: application/json\r\naccept: application/json\r\nuser-agent: fiducia-bench\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

/// A JSON answer: head and body.
pub(crate) fn answer() -> Numbered {
    let body = answer_body();
    Numbered::new(format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nrequest-id: req_bench\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

fn answer_body() -> String {
    let body = |padding: usize| {
        format!(
            r#"{{"id":"msg_{MARK}","type":"message","role":"assistant","model":"bench-model","content":[{{"type":"text","text":"{}"}}],"stop_reason":"end_turn","stop_sequence":null,"usage":{{"input_tokens":200,"output_tokens":180}}}}"#,
            words(padding)
        )
    };
    let empty = body(0).len();
    body(BODY_BYTES.saturating_sub(empty))
}

/// A stream's pieces: head with the first events, one delta, and the end.
pub(crate) struct StreamPieces {
    /// Head, `message_start` and `content_block_start`.
    pub(crate) start: Numbered,
    /// One `content_block_delta`.
    pub(crate) delta: Vec<u8>,
    /// The closing events and the last chunk.
    pub(crate) end: Vec<u8>,
}

/// The pieces of a stream.
pub(crate) fn stream() -> StreamPieces {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nrequest-id: req_bench\r\n\
                transfer-encoding: chunked\r\n\r\n";
    StreamPieces {
        start: Numbered::new(format!("{head}{}", chunk(&events_at_start()))),
        delta: chunk(DELTA).into_bytes(),
        end: format!("{}0\r\n\r\n", chunk(END)).into_bytes(),
    }
}

fn events_at_start() -> String {
    format!(
        "event: message_start\ndata: {{\"type\":\"message_start\",\"message\":{{\"id\":\"msg_{MARK}\",\"type\":\"message\",\
         \"role\":\"assistant\",\"model\":\"bench-model\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\
         \"usage\":{{\"input_tokens\":200,\"output_tokens\":1}}}}}}\n\nevent: content_block_start\ndata: \
         {{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{{\"type\":\"text\",\"text\":\"\"}}}}\n\n"
    )
}

const DELTA: &str = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\
                     \"delta\":{\"type\":\"text_delta\",\"text\":\" harbour\"}}\n\n";
const END: &str = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\n\
                   data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\
                   \"usage\":{\"output_tokens\":180}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

fn chunk(text: &str) -> String {
    format!("{:x}\r\n{text}\r\n", text.len())
}

/// Bytes of the body of an answer, by which a client knows that it got all of it.
pub(crate) fn answer_length(answering: Answering) -> usize {
    match answering.stream {
        None => answer_body().len(),
        Some((deltas, _)) => events_at_start().len() + deltas * DELTA.len() + END.len(),
    }
}

fn words(bytes: usize) -> String {
    "The harbour opens at six and the tide turns at nine. ".chars().cycle().take(bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_of_the_promised_size_and_numbered() {
        let mut request = request("key", History::Known, false);
        let text = String::from_utf8(request.number(0xbeef).to_vec()).unwrap();
        assert!(text.contains("Question 000000000000beef"));
        assert!(text.contains(&format!("{:016x}: ", 0xbeef % KNOWN_CONVERSATIONS)));
        assert_eq!(text.split_once("\r\n\r\n").unwrap().1.len(), BODY_BYTES);
        assert_eq!(answer_length(Answering::PROMPT), BODY_BYTES);
    }

    #[test]
    fn bodies_are_json() {
        for history in [History::None, History::Known] {
            let mut request = request("key", history, true);
            let text = String::from_utf8(request.number(1).to_vec()).unwrap();
            let body: serde_json::Value =
                serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap();
            assert_eq!(body["stream"], true);
        }
        serde_json::from_str::<serde_json::Value>(&answer_body()).unwrap();
    }
}
