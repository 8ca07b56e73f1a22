//! Streams that end well, end badly, or lose their client.

use fiducia_custody::AnswerOutcome;

use crate::app::{App, AppSettings};
use crate::client::{Answer, Conversation, request_head};
use crate::upstream::{Act, Upstream, answer, chunk, last_chunk, stream_head, word};

const MESSAGES: &str =
    r#"{"model":"claude-x","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const CHAT: &str = r#"{"model":"gpt-x","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const RESPONSES: &str = r#"{"model":"gpt-x","stream":true,"input":"hi"}"#;

const MESSAGES_BEGIN: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"claude-x\",\"content\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\n";
const MESSAGES_END: &str = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
const CHAT_BEGIN: &str = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-x\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"he\"},\"finish_reason\":null}]}\n\n";
const CHAT_END: &str = "data: [DONE]\n\n";
const RESPONSES_BEGIN: &str = "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":6,\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"in_progress\",\"model\":\"gpt-x\",\"output\":[]}}\n\n";
const RESPONSES_END: &str = "event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":7,\"response\":{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\",\"model\":\"gpt-x\",\"output\":[]}}\n\n";

const WIRES: [(&str, &str, &str, &str); 3] = [
    ("/v1/messages", MESSAGES, MESSAGES_BEGIN, MESSAGES_END),
    ("/v1/chat/completions", CHAT, CHAT_BEGIN, CHAT_END),
    ("/v1/responses", RESPONSES, RESPONSES_BEGIN, RESPONSES_END),
];

/// Begins a streamed request.
fn begun(app: &App, path: &str, body: &str) -> Conversation {
    let length = body.len().to_string();
    let headers = [("x-api-key", app.key.as_str()), ("content-length", &length)];
    let mut conversation = Conversation::open(app.gateway, &request_head("POST", path, &headers));
    conversation.write(body.as_bytes());
    conversation
}

fn answer_record(app: &App) -> fiducia_custody::RecordContent {
    app.records().into_iter().find(|record| record.status.is_some()).expect("an answer is kept")
}

/// The last event of a stream that was broken off, as JSON.
fn last_error(got: &Answer) -> serde_json::Value {
    let (_, data) = got.text().trim_end().rsplit_once("data: ").unwrap();
    serde_json::from_str(data).unwrap()
}

#[test]
fn pieces_pass_while_the_provider_still_works() {
    for (path, body, begin, end) in WIRES {
        let (go, gate) = word();
        let upstream = Upstream::start(vec![vec![
            Act::Say(stream_head()),
            Act::Say(chunk(begin.as_bytes())),
            Act::Await(gate),
            Act::Say(chunk(end.as_bytes())),
            Act::Say(last_chunk()),
        ]]);
        let app = AppSettings::new(upstream.address).start();
        let mut conversation = begun(&app, path, body);
        // The first event is here before the provider has said the second.
        conversation.read_until(begin.trim_end());
        go.send(()).unwrap();
        let got = conversation.answer();
        assert!(got.whole, "{path}");
        assert_eq!(got.text(), [begin, end].concat(), "{path}");
    }
}

#[test]
fn the_end_is_withheld_when_the_record_cannot_be_kept() {
    for (path, body, begin, end) in WIRES {
        let (go, gate) = word();
        let upstream = Upstream::start(vec![vec![
            Act::Say(stream_head()),
            Act::Say(chunk(begin.as_bytes())),
            Act::Await(gate),
            Act::Say(chunk(end.as_bytes())),
            Act::Say(last_chunk()),
        ]]);
        let app = AppSettings::new(upstream.address).start();
        let mut conversation = begun(&app, path, body);
        conversation.read_until(begin.trim_end());
        // The store goes away in the middle of the answer.
        app.custody.close();
        go.send(()).unwrap();
        let got = conversation.answer();
        assert!(!got.whole, "{path}: {}", got.text());
        assert!(!got.text().contains(end), "{path}: the end was released: {}", got.text());
        assert!(got.text().contains("store_unavailable"), "{path}: {}", got.text());
    }
}

#[test]
fn a_released_end_means_that_the_record_is_there() {
    for (path, body, begin, end) in WIRES {
        let upstream = Upstream::start(vec![vec![
            Act::Say(stream_head()),
            Act::Say(chunk([begin, end].concat().as_bytes())),
            Act::Say(last_chunk()),
        ]]);
        let app = AppSettings::new(upstream.address).start();
        let mut conversation = begun(&app, path, body);
        conversation.read_until(end);
        assert_eq!(
            app.custody.metrics().records,
            2,
            "{path}: request and answer are committed before the end leaves"
        );
        assert_eq!(answer_record(&app).outcome, Some(AnswerOutcome::Complete));
    }
}

fn check_broken(acts: Vec<Act>, path: &str, body: &str, begin: &str) {
    let upstream = Upstream::start(vec![acts]);
    let app = AppSettings::new(upstream.address).start();
    let got = begun(&app, path, body).answer();
    assert_eq!(got.status, 200);
    assert!(!got.whole, "{path}: a broken stream must not end cleanly");
    assert!(got.text().starts_with(begin), "{path}: {}", got.text());
    let error = last_error(&got);
    match path {
        "/v1/messages" => {
            assert_eq!((&error["type"], &error["error"]["type"]), (&"error".into(), &"api_error".into()));
        }
        "/v1/chat/completions" => assert_eq!(error["error"]["code"], "upstream_broken"),
        _ => assert_eq!((&error["code"], &error["sequence_number"]), (&"upstream_broken".into(), &7.into())),
    }
    app.await_records(2);
    let record = answer_record(&app);
    assert_eq!(record.outcome, Some(AnswerOutcome::UpstreamBroken));
    assert!(record.raw.starts_with(begin), "what had arrived is kept: {}", record.raw);
}

#[test]
fn a_stream_cut_by_the_network_ends_as_an_error_on_each_wire() {
    for (path, body, begin, _) in WIRES {
        check_broken(
            vec![Act::Say(stream_head()), Act::Say(chunk(begin.as_bytes())), Act::Close],
            path,
            body,
            begin,
        );
    }
}

#[test]
fn a_stream_that_ends_without_its_last_event_ends_as_an_error_on_each_wire() {
    for (path, body, begin, _) in WIRES {
        let half = "event: half\ndata: {\"type\":";
        let acts = vec![
            Act::Say(stream_head()),
            Act::Say(chunk(begin.as_bytes())),
            Act::Say(chunk(half.as_bytes())),
            Act::Say(last_chunk()),
        ];
        check_broken(acts, path, body, begin);
    }
}

#[test]
fn a_silent_stream_ends_as_a_timeout() {
    let (_go, gate) = word();
    let upstream = Upstream::start(vec![vec![
        Act::Say(stream_head()),
        Act::Say(chunk(MESSAGES_BEGIN.as_bytes())),
        Act::Await(gate),
    ]]);
    let mut settings = AppSettings::new(upstream.address);
    settings.limits.upstream_idle_timeout_ms = 50;
    let app = settings.start();
    let got = begun(&app, "/v1/messages", MESSAGES).answer();
    assert!(!got.whole);
    assert_eq!(last_error(&got)["error"]["type"], "timeout_error");
}

#[test]
fn the_providers_own_error_event_passes_as_it_is() {
    let event = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    let whole = [MESSAGES_BEGIN, event].concat();
    let upstream = Upstream::start(vec![vec![
        Act::Say(stream_head()),
        Act::Say(chunk(whole.as_bytes())),
        Act::Say(last_chunk()),
    ]]);
    let app = AppSettings::new(upstream.address).start();
    let got = begun(&app, "/v1/messages", MESSAGES).answer();
    assert!(got.whole);
    assert_eq!(got.text(), whole);
}

#[test]
fn a_client_that_leaves_stops_the_provider_and_what_it_got_is_kept() {
    let (closed, gone) = word();
    let upstream = Upstream::start(vec![vec![
        Act::Say(stream_head()),
        Act::Say(chunk(MESSAGES_BEGIN.as_bytes())),
        Act::AwaitClose(closed),
    ]]);
    let app = AppSettings::new(upstream.address).start();
    let mut conversation = begun(&app, "/v1/messages", MESSAGES);
    conversation.read_until("message_start");
    drop(conversation);
    gone.recv_timeout(std::time::Duration::from_secs(20)).expect("the provider is told to stop");
    app.await_records(2);
    let record = answer_record(&app);
    assert_eq!(record.outcome, Some(AnswerOutcome::ClientGone));
    assert_eq!(record.raw, MESSAGES_BEGIN);
}

#[test]
fn a_client_that_leaves_during_a_json_answer_leaves_its_part_in_custody() {
    let (closed, gone) = word();
    let part = br#"{"id":"msg_1","#;
    let mut said = answer("200 OK", &[("content-type", "application/json")], &[b'x'; 100]);
    said.truncate(said.len() - 100);
    said.extend_from_slice(part);
    let upstream = Upstream::start(vec![vec![Act::Say(said), Act::AwaitClose(closed)]]);
    let app = AppSettings::new(upstream.address).start();
    let conversation = begun(&app, "/v1/messages", MESSAGES);
    app.await_buffered(MESSAGES.len() + part.len());
    drop(conversation);
    gone.recv_timeout(std::time::Duration::from_secs(20)).expect("the provider is told to stop");
    app.await_records(2);
    let record = answer_record(&app);
    assert_eq!((record.outcome, record.raw.as_bytes()), (Some(AnswerOutcome::ClientGone), part.as_slice()));
}

#[test]
fn exchanges_in_flight_finish_when_the_server_stops() {
    let (go, gate) = word();
    let upstream = Upstream::start(vec![vec![
        Act::Say(stream_head()),
        Act::Say(chunk(CHAT_BEGIN.as_bytes())),
        Act::Await(gate),
        Act::Say(chunk(CHAT_END.as_bytes())),
        Act::Say(last_chunk()),
    ]]);
    let mut settings = AppSettings::new(upstream.address);
    settings.limits.shutdown_grace_ms = 20_000;
    let mut app = settings.start();
    let mut conversation = begun(&app, "/v1/chat/completions", CHAT);
    conversation.read_until("chat.completion.chunk");
    let stopping = std::thread::scope(|scope| {
        let stopper = scope.spawn(|| app.stop_server());
        go.send(()).unwrap();
        let got = conversation.answer();
        stopper.join().unwrap();
        got
    });
    assert!(stopping.whole);
    assert!(stopping.text().ends_with(CHAT_END));
}

#[test]
fn exchanges_cut_at_the_end_of_the_grace_are_kept() {
    let (_go, gate) = word();
    let upstream = Upstream::start(vec![vec![
        Act::Say(stream_head()),
        Act::Say(chunk(CHAT_BEGIN.as_bytes())),
        Act::Await(gate),
    ]]);
    let mut settings = AppSettings::new(upstream.address);
    settings.limits.shutdown_grace_ms = 10;
    let mut app = settings.start();
    let mut conversation = begun(&app, "/v1/chat/completions", CHAT);
    conversation.read_until("chat.completion.chunk");
    app.stop_server();
    assert_eq!(answer_record(&app).raw, CHAT_BEGIN);
}

#[test]
fn a_client_that_stops_taking_counts_as_gone() {
    let text = "x".repeat(1_000_000);
    let event = format!(
        "data: {{\"id\":\"c\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
    );
    let mut acts = vec![Act::Say(stream_head())];
    acts.extend((0..40).map(|_| Act::Say(chunk(event.as_bytes()))));
    let (closed, gone) = word();
    acts.push(Act::AwaitClose(closed));
    let upstream = Upstream::start(vec![acts]);
    let mut settings = AppSettings::new(upstream.address);
    settings.limits.client_stall_ms = 100;
    let app = settings.start();
    // The connection stays open, and nothing is read from it.
    let conversation = begun(&app, "/v1/chat/completions", CHAT);
    app.await_records(2);
    drop((conversation, gone));
    assert_eq!(answer_record(&app).outcome, Some(AnswerOutcome::ClientGone));
}
