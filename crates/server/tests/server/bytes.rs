//! Bytes are sacred: what the provider gets is what was sent, what the client gets is what was answered.

use crate::app::{AppSettings, PROVIDER_KEY};
use crate::client::Answer;
use crate::upstream::{Act, Upstream, answer, chunk, last_chunk, stream_head};
use fiducia_custody::AnswerOutcome;
use fiducia_server::ModelRoute;

/// Odd white space, unknown members, escapes that a serialiser would change, numbers that a float would change.
const MESSAGES_REQUEST: &str = "{ \"model\" :\"claude-x\",\n\t\"max_tokens\":16, \"unknown_member\":{\"b\":1.0,\"a\":1e2},\
    \"messages\":[ {\"content\":\"caf\\u00e9 \\/ \u{1f600}\",\"role\":\"user\"} ] }\n";
const MESSAGES_ANSWER: &str = "{\"id\":\"msg_1\" , \"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-x\",\
    \"content\":[{\"type\":\"text\",\"text\":\"Bonjour \\u00e0 tous\"}],\"stop_reason\":\"end_turn\",\
    \"stop_sequence\":null,\"usage\":{\"input_tokens\":9,\"output_tokens\":4},\"new_member\":[1.50]}";

const CHAT_REQUEST: &str = "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],  \"model\":\"gpt-x\",\"x\":12345678901234567890}";
const CHAT_ANSWER: &str = "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"gpt-x\",\"choices\":\
    [{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"hello\"},\"finish_reason\":\"stop\"}] ,\"q\":null}";

const RESPONSES_REQUEST: &str = "{\"input\":\"hi\",\"model\":\"gpt-x\",\"store\":false ,\"later\":[]}";
const RESPONSES_ANSWER: &str = "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\",\"model\":\"gpt-x\",\"output\":\
    [{\"type\":\"message\",\"id\":\"m\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"hello\"}]}]}";

const EMBEDDINGS_REQUEST: &str = "{\"model\":\"embed-x\", \"input\":[\"a\",\"b\"]}";
const EMBEDDINGS_ANSWER: &str =
    "{\"object\":\"list\",\"data\":[],\"model\":\"embed-x\",\"usage\":{\"prompt_tokens\":2}}";

fn check_json(path: &str, request: &str, body: &str) {
    let headers = [
        ("content-type", "application/json"),
        ("request-id", "req_provider"),
        ("anthropic-ratelimit-tokens-remaining", "39000"),
        ("retry-after", "7"),
        ("x-unknown", "kept"),
        ("connection", "x-hop"),
        ("x-hop", "dropped"),
    ];
    let upstream = Upstream::saying(&answer("200 OK", &headers, body.as_bytes()));
    let app = AppSettings::new(upstream.address).start();
    let sent = [
        ("anthropic-version", "2023-06-01"),
        ("anthropic-beta", "one,two"),
        ("openai-project", "proj_1"),
        ("x-stainless-lang", "test"),
        ("accept-encoding", "gzip"),
        ("fiducia-subject", "person-7"),
        ("connection", "keep-alive, x-private"),
        ("x-private", "dropped"),
    ];
    let got = app.post(&format!("{path}?beta=true"), &sent, request.as_bytes());
    assert_eq!((got.status, got.text()), (200, body));
    for (name, value) in headers.iter().take(5) {
        assert_eq!(got.header(name), Some(*value), "{name}");
    }
    assert_eq!(got.header("x-hop"), None);
    assert!(got.header("fiducia-exchange").unwrap().starts_with("exch_"));
    assert_eq!(got.header("fiducia-notice"), None);

    let seen = &upstream.got()[0];
    assert_eq!(seen.body, request.as_bytes());
    assert!(seen.head.starts_with(&format!("POST {path}?beta=true HTTP/1.1\r\n")), "{}", seen.head);
    for (name, value) in sent.iter().take(4) {
        assert_eq!(seen.header(name), Some(*value), "{name}");
    }
    assert_eq!(seen.header("accept-encoding"), Some("identity"));
    for name in ["fiducia-subject", "x-private", "connection"] {
        assert_eq!(seen.header(name), None, "{name}");
    }
    assert!(!seen.head.contains(&app.key), "the virtual key must not reach the provider");
    let credential = if path.starts_with("/v1/messages") {
        ("x-api-key", PROVIDER_KEY.to_owned())
    } else {
        ("authorization", format!("Bearer {PROVIDER_KEY}"))
    };
    assert_eq!(seen.header(credential.0), Some(credential.1.as_str()));

    let records = app.records();
    let answers: Vec<&str> =
        records.iter().filter(|it| it.status.is_some()).map(|it| it.raw.as_str()).collect();
    assert_eq!(answers, [body]);
}

#[test]
fn messages_pass_unchanged_and_are_kept() {
    check_json("/v1/messages", MESSAGES_REQUEST, MESSAGES_ANSWER);
}

#[test]
fn chat_completions_pass_unchanged_and_are_kept() {
    check_json("/v1/chat/completions", CHAT_REQUEST, CHAT_ANSWER);
}

#[test]
fn responses_pass_unchanged_and_are_kept() {
    check_json("/v1/responses", RESPONSES_REQUEST, RESPONSES_ANSWER);
}

#[test]
fn embeddings_pass_unchanged_and_are_kept() {
    check_json("/v1/embeddings", EMBEDDINGS_REQUEST, EMBEDDINGS_ANSWER);
}

#[test]
fn provider_errors_pass_unchanged() {
    let body =
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_9"}"#;
    let headers = [("retry-after", "3"), ("x-should-retry", "true"), ("content-type", "application/json")];
    let upstream = Upstream::saying(&answer("529 Overloaded", &headers, body.as_bytes()));
    let app = AppSettings::new(upstream.address).start();
    let got = app.post("/v1/messages", &[], MESSAGES_REQUEST.as_bytes());
    assert_eq!((got.status, got.text()), (529, body));
    assert_eq!((got.header("retry-after"), got.header("x-should-retry")), (Some("3"), Some("true")));
}

/// How many connections two requests take, one after the other, to a provider that answers both like this.
fn check_connections(answer: &[u8], expected: usize) {
    let say = || vec![Act::Say(answer.to_vec())];
    let upstream = Upstream::start(vec![say(), say()]);
    let app = AppSettings::new(upstream.address).start();
    for _ in 0..2 {
        assert_eq!(app.post("/v1/messages", &[], MESSAGES_REQUEST.as_bytes()).status, 200);
    }
    assert_eq!((upstream.got().len(), upstream.connections()), (2, expected));
}

#[test]
fn a_connection_to_a_provider_serves_one_request_after_the_other_until_the_provider_ends_it() {
    let body = MESSAGES_ANSWER.as_bytes();
    check_connections(&answer("200 OK", &[], body), 1);
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    check_connections(&[chunked, chunk(body), last_chunk()].concat(), 1);
    check_connections(&answer("200 OK", &[("connection", "close")], body), 2);
}

/// The events of a Messages stream with odd framing: a comment, CRLF, an unknown event, data over two lines.
const EVENTS: [&str; 7] = [
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_2\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-x\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n",
    ": a comment\n\nevent: content_block_start\r\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\r\n\r\n",
    "event: ping\ndata: {\"type\": \"ping\"}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\ndata: \"delta\":{\"type\":\"text_delta\",\"text\":\"Hello\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":2}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
];

fn streamed(pieces: &[&[u8]]) -> (Answer, Vec<fiducia_custody::RecordContent>) {
    let mut acts = vec![Act::Say(stream_head())];
    acts.extend(pieces.iter().map(|piece| Act::Say(chunk(piece))));
    acts.push(Act::Say(last_chunk()));
    let upstream = Upstream::start(vec![acts]);
    let app = AppSettings::new(upstream.address).start();
    let got = app.post("/v1/messages", &[], MESSAGES_REQUEST.as_bytes());
    (got, app.records())
}

#[test]
fn streams_pass_unchanged_in_any_chunking_and_are_kept_assembled() {
    let whole = EVENTS.concat();
    let by_event: Vec<&[u8]> = EVENTS.iter().map(|event| event.as_bytes()).collect();
    let by_seven: Vec<&[u8]> = whole.as_bytes().chunks(7).collect();
    for pieces in [by_event, by_seven, vec![whole.as_bytes()]] {
        let (got, records) = streamed(&pieces);
        assert!(got.whole);
        assert_eq!(got.text(), whole);
        assert_eq!(got.header("request-id"), Some("req_stream"));
        let kept = records.iter().find(|record| record.status.is_some()).unwrap();
        assert_eq!(kept.outcome, Some(AnswerOutcome::Complete));
        let kept: serde_json::Value = serde_json::from_str(&kept.raw).unwrap();
        assert_eq!((&kept["id"], &kept["content"][0]["text"]), (&"msg_2".into(), &"Hello".into()));
    }
}

#[test]
fn what_a_stream_says_after_its_end_passes_too() {
    let pieces = [EVENTS.concat().into_bytes(), b": trailing comment\n\n".to_vec()];
    let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
    let (got, _) = streamed(&pieces);
    assert!(got.whole && got.text().ends_with("message_stop\"}\n\n: trailing comment\n\n"));
}

#[test]
fn an_alias_changes_only_the_model_and_says_so() {
    let upstream = Upstream::saying(&answer("200 OK", &[], CHAT_ANSWER.as_bytes()));
    let mut settings = AppSettings::new(upstream.address);
    settings.models = vec![ModelRoute {
        model: "house-model".to_owned(),
        provider: "openai".to_owned(),
        upstream_model: Some("gpt-x".to_owned()),
    }];
    let app = settings.start();
    let request = CHAT_REQUEST.replace("gpt-x", "house-model");
    let got = app.post("/v1/chat/completions", &[], request.as_bytes());
    assert_eq!(got.text(), CHAT_ANSWER);
    assert_eq!(got.header("fiducia-notice"), Some("model-alias; asked=\"house-model\"; served=\"gpt-x\""));
    assert_eq!(upstream.got()[0].body, CHAT_REQUEST.as_bytes());
}

#[test]
fn azure_gets_its_own_paths_and_key() {
    let upstream = Upstream::saying(&answer("200 OK", &[], CHAT_ANSWER.as_bytes()));
    let mut settings = AppSettings::new(upstream.address);
    settings.models =
        vec![ModelRoute { model: "gpt-*".to_owned(), provider: "azure".to_owned(), upstream_model: None }];
    let app = settings.start();
    assert_eq!(app.post("/v1/chat/completions", &[], CHAT_REQUEST.as_bytes()).status, 200);
    let seen = &upstream.got()[0];
    assert!(seen.head.starts_with("POST /openai/v1/chat/completions HTTP/1.1\r\n"), "{}", seen.head);
    assert_eq!(seen.header("api-key"), Some(PROVIDER_KEY));
    assert_eq!(seen.header("authorization"), None);
}

#[test]
fn large_json_answers_stream_with_their_end_held() {
    let filler = "x".repeat(300_000);
    let body = MESSAGES_ANSWER.replace("Bonjour", &filler);
    let upstream =
        Upstream::saying(&answer("200 OK", &[("content-type", "application/json")], body.as_bytes()));
    let mut settings = AppSettings::new(upstream.address);
    settings.limits.answer_buffer_bytes_max = 100_000;
    let app = settings.start();
    let got = app.post("/v1/messages", &[], MESSAGES_REQUEST.as_bytes());
    assert!(got.whole && got.text() == body);
    assert_eq!(app.records().iter().find(|record| record.status.is_some()).unwrap().raw, body);
}
