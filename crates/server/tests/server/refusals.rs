//! Bad input and bad times: each gets a clear error in its wire's shape, and nothing reaches the provider that should
//! not.

use std::net::SocketAddr;

use fiducia_custody::{AdminCommand, AdminReply, Scope};

use crate::app::{App, AppSettings};
use crate::client::{Answer, Conversation, request_head, send};
use crate::upstream::{Act, Upstream, answer, word};

const MESSAGES: &str = r#"{"model":"claude-x","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
const CHAT: &str = r#"{"model":"gpt-x","messages":[{"role":"user","content":"hi"}]}"#;

/// An app whose provider must not be asked.
fn untouched() -> (Upstream, App) {
    let upstream = Upstream::start(Vec::new());
    let app = AppSettings::new(upstream.address).start();
    (upstream, app)
}

fn anthropic(got: &Answer) -> (u16, String, String) {
    let error = got.json();
    assert_eq!(error["type"], "error", "{got:?}");
    assert!(error["request_id"].as_str().unwrap().starts_with("req_"));
    assert_eq!(got.header("request-id"), error["request_id"].as_str());
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    (got.status, text(&error["error"]["type"]), text(&error["error"]["details"]["error_code"]))
}

fn open_ai(got: &Answer) -> (u16, String) {
    let error = got.json();
    assert!(error["error"]["message"].is_string() && error["error"]["type"].is_string(), "{got:?}");
    assert!(got.header("x-request-id").unwrap().starts_with("req_"));
    (got.status, error["error"]["code"].as_str().unwrap_or_default().to_owned())
}

fn check_anthropic(got: &Answer, status: u16, kind: &str, code: &str) {
    assert_eq!(anthropic(got), (status, kind.to_owned(), code.to_owned()), "{got:?}");
}

#[test]
fn missing_and_wrong_keys() {
    let (upstream, app) = untouched();
    let got = send(app.gateway, "POST", "/v1/messages", &[], MESSAGES.as_bytes());
    check_anthropic(&got, 401, "authentication_error", "missing_api_key");
    assert_eq!(got.header("x-should-retry"), Some("false"));
    let got = send(app.gateway, "POST", "/v1/messages", &[("x-api-key", "sk-nobody")], MESSAGES.as_bytes());
    check_anthropic(&got, 401, "authentication_error", "invalid_api_key");
    assert!(!got.text().contains("sk-nobody"));
    let got = send(
        app.gateway,
        "POST",
        "/v1/chat/completions",
        &[("authorization", "Bearer sk-x")],
        CHAT.as_bytes(),
    );
    assert_eq!(open_ai(&got), (401, "invalid_api_key".to_owned()));
    assert!(upstream.got().is_empty());
}

#[test]
fn revoked_keys() {
    let (upstream, app) = untouched();
    let list = AdminCommand::ListVirtualKeys { organization: Some(app.organization) };
    let AdminReply::VirtualKeys(keys) = app.custody.administer(list).unwrap() else { panic!("reply") };
    app.custody.administer(AdminCommand::RevokeVirtualKey { key: keys[0].id }).unwrap();
    check_anthropic(
        &app.post("/v1/messages", &[], MESSAGES.as_bytes()),
        401,
        "authentication_error",
        "revoked_api_key",
    );
    assert!(upstream.got().is_empty());
}

#[test]
fn scopes() {
    let (upstream, app) = untouched();
    let narrow = app.create_key(&[Scope::Models]);
    let key = [("x-api-key", narrow.as_str())];
    let got = send(app.gateway, "POST", "/v1/messages", &key, MESSAGES.as_bytes());
    check_anthropic(&got, 403, "permission_error", "insufficient_permissions");
    let inference = app.create_key(&[Scope::Inference]);
    let key = [("x-api-key", inference.as_str()), ("fiducia-subject", "somebody")];
    let got = send(app.gateway, "POST", "/v1/messages", &key, MESSAGES.as_bytes());
    check_anthropic(&got, 403, "permission_error", "insufficient_permissions");
    assert!(upstream.got().is_empty());
}

#[test]
fn bodies_that_are_no_requests() {
    let (upstream, app) = untouched();
    let check = |body: &[u8], text: &str| {
        let got = app.post("/v1/messages", &[], body);
        check_anthropic(&got, 400, "invalid_request_error", "invalid_request_body");
        assert!(got.text().contains(text), "{}", got.text());
        let got = app.post("/v1/chat/completions", &[], body);
        assert_eq!(open_ai(&got), (400, "invalid_request_body".to_owned()));
    };
    check(b"", "not valid JSON");
    check(b"{\"model\":\"m\",\"messages\":[", "not valid JSON");
    check(b"[1]", "");
    check(b"{\"model\":\"m\xff\",\"messages\":[]}", "UTF-8");
    check(b"{\"messages\":[]}", "model");
    check(b"{\"model\":\"m\"}", "messages");
    check(b"{\"model\":\"m\",\"model\":\"n\",\"messages\":[]}", "more than once");
    let deep =
        format!("{{\"model\":\"m\",\"messages\":[],\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    check(deep.as_bytes(), "deeper");
    assert!(upstream.got().is_empty());
}

#[test]
fn encodings_that_cannot_be_read() {
    let (upstream, app) = untouched();
    let got = app.post("/v1/messages", &[("content-encoding", "gzip")], b"x");
    check_anthropic(&got, 400, "invalid_request_error", "request_body_encoding_unsupported");
    let got = send(
        app.gateway,
        "POST",
        "/v1/messages",
        &[("x-api-key", &app.key), ("content-type", "application/json; charset=utf-16")],
        MESSAGES.as_bytes(),
    );
    check_anthropic(&got, 400, "invalid_request_error", "unsupported_charset");
    assert!(upstream.got().is_empty());
}

#[test]
fn bodies_that_are_too_large() {
    let upstream = Upstream::start(Vec::new());
    let mut settings = AppSettings::new(upstream.address);
    settings.limits.messages_body_bytes_max = 1_000;
    settings.limits.file_body_bytes_max = 1_000;
    let app = settings.start();
    let large = "x".repeat(5_000);
    check_anthropic(
        &app.post("/v1/messages", &[], large.as_bytes()),
        413,
        "request_too_large",
        "request_too_large",
    );
    check_anthropic(
        &app.post("/v1/files", &[("anthropic-version", "1")], large.as_bytes()),
        413,
        "request_too_large",
        "request_too_large",
    );
    // Without an announced length the body is counted as it comes.
    let headers = [("x-api-key", app.key.as_str()), ("transfer-encoding", "chunked")];
    let mut conversation = Conversation::open(app.gateway, &request_head("POST", "/v1/messages", &headers));
    conversation.write(&crate::upstream::chunk(large.as_bytes()));
    conversation.write(&crate::upstream::last_chunk());
    check_anthropic(&conversation.answer(), 413, "request_too_large", "request_too_large");
    assert!(upstream.got().is_empty());
}

#[test]
fn memory_is_bounded() {
    let upstream = Upstream::start(Vec::new());
    let mut settings = AppSettings::new(upstream.address);
    settings.limits.buffered_bytes_max = 10;
    let app = settings.start();
    let got = app.post("/v1/messages", &[], MESSAGES.as_bytes());
    check_anthropic(&got, 503, "overloaded_error", "gateway_overloaded");
    assert_eq!(got.header("x-should-retry"), Some("true"));
    assert!(upstream.got().is_empty());
}

#[test]
fn slow_and_cut_clients() {
    let upstream = Upstream::start(Vec::new());
    let mut settings = AppSettings::new(upstream.address);
    settings.limits.body_window_ms = 50;
    let app = settings.start();
    let headers = [("x-api-key", app.key.as_str()), ("content-length", "100")];
    let conversation = Conversation::open(app.gateway, &request_head("POST", "/v1/messages", &headers));
    check_anthropic(&conversation.answer(), 408, "invalid_request_error", "request_timeout");
    let mut cut = Conversation::open(app.gateway, &request_head("POST", "/v1/messages", &headers));
    cut.write(b"{");
    drop(cut);
    let got = app.post("/v1/messages", &[], b"");
    assert_eq!(got.status, 400, "the server goes on");
    assert!(upstream.got().is_empty());
    assert_eq!(app.custody.metrics().records, 0);
}

#[test]
fn oversized_heads() {
    let (_upstream, app) = untouched();
    let long = "x".repeat(200_000);
    let got = send(app.gateway, "GET", "/v1/models", &[("x-long", &long)], b"");
    assert_eq!(got.status, 431);
}

#[test]
fn unknown_models_name_the_known_ones() {
    let upstream = Upstream::start(Vec::new());
    let mut settings = AppSettings::new(upstream.address);
    settings.defaults = false;
    settings.models = vec![fiducia_server::ModelRoute {
        model: "claude-*".to_owned(),
        provider: "anthropic".to_owned(),
        upstream_model: None,
    }];
    let app = settings.start();
    let got = app.post("/v1/messages", &[], MESSAGES.replace("claude-x", "other").as_bytes());
    check_anthropic(&got, 404, "not_found_error", "model_not_found");
    assert!(got.text().contains("claude-*"));
    let got = app.post("/v1/chat/completions", &[], CHAT.as_bytes());
    assert_eq!(open_ai(&got), (404, "model_not_found".to_owned()));
    assert_eq!(got.json()["error"]["param"], "model");
    assert!(upstream.got().is_empty());
}

#[test]
fn unknown_paths_and_methods_name_what_exists() {
    let (upstream, app) = untouched();
    let got = app.post("/v1/complete", &[], b"{}");
    check_anthropic(&got, 404, "not_found_error", "unknown_endpoint");
    assert!(got.text().contains("POST /v1/messages"));
    let bearer = format!("Bearer {}", app.key);
    let got = send(app.gateway, "GET", "/v1/responses/resp_1", &[("authorization", &bearer)], b"");
    assert_eq!(open_ai(&got), (404, "unknown_endpoint".to_owned()));
    let got = app.send("PUT", "/v1/messages", &[], b"");
    assert_eq!((got.status, got.header("allow")), (405, Some("POST")));
    let upgrade = [("authorization", bearer.as_str()), ("connection", "upgrade"), ("upgrade", "websocket")];
    let got = send(app.gateway, "GET", "/v1/responses", &upgrade, b"");
    assert_eq!(open_ai(&got), (400, "websocket_unsupported".to_owned()));
    assert!(upstream.got().is_empty());
}

#[test]
fn providers_that_cannot_be_reached() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let app = AppSettings::new(SocketAddr::from(([127, 0, 0, 1], port))).start();
    let got = app.post("/v1/messages", &[], MESSAGES.as_bytes());
    check_anthropic(&got, 502, "api_error", "upstream_unreachable");
    assert_eq!(got.header("x-should-retry"), Some("true"));
    let got = app.post("/v1/chat/completions", &[], CHAT.as_bytes());
    assert_eq!(open_ai(&got), (502, "upstream_unreachable".to_owned()));
}

#[test]
fn providers_that_do_not_answer_in_time() {
    let (_go, gate) = word();
    let upstream = Upstream::start(vec![vec![Act::Await(gate)]]);
    let mut settings = AppSettings::new(upstream.address);
    settings.limits.upstream_head_timeout_ms = 50;
    let app = settings.start();
    check_anthropic(
        &app.post("/v1/messages", &[], MESSAGES.as_bytes()),
        504,
        "timeout_error",
        "upstream_timeout",
    );
}

#[test]
fn providers_that_break_off_a_json_answer_or_compress_it() {
    let half = answer("200 OK", &[("content-type", "application/json")], b"{\"id\":\"msg_1\"}");
    let scripts = vec![
        vec![Act::Say(half[..half.len() - 4].to_vec()), Act::Close],
        vec![Act::Say(answer("200 OK", &[("content-encoding", "gzip")], b"\x1f\x8b"))],
    ];
    let upstream = Upstream::start(scripts);
    let app = AppSettings::new(upstream.address).start();
    check_anthropic(&app.post("/v1/messages", &[], MESSAGES.as_bytes()), 502, "api_error", "upstream_broken");
    check_anthropic(
        &app.post("/v1/messages", &[], MESSAGES.as_bytes()),
        502,
        "api_error",
        "upstream_unreadable",
    );
}

#[test]
fn nothing_is_asked_when_the_store_is_gone() {
    let (upstream, app) = untouched();
    app.custody.close();
    let got = app.post("/v1/messages", &[], MESSAGES.as_bytes());
    check_anthropic(&got, 503, "api_error", "store_unavailable");
    assert_eq!(got.header("x-should-retry"), Some("true"));
    assert!(upstream.got().is_empty());
}

#[test]
fn zero_retention_refuses_what_providers_would_keep() {
    let upstream = Upstream::saying(&answer("200 OK", &[], b"{}"));
    let mut settings = AppSettings::new(upstream.address);
    settings.agreement = fiducia_policy::Agreement::ZeroRetention;
    let app = settings.start();
    let check = |path: &str, body: &str, text: &str| {
        let got = app.post(path, &[("anthropic-version", "1")], body.as_bytes());
        assert_eq!(got.status, 400, "{got:?}");
        assert!(got.text().contains("zero_retention_feature") && got.text().contains(text), "{}", got.text());
    };
    check("/v1/messages/batches", "{}", "DELETE /v1/messages/batches/{id}");
    check("/v1/files", "", "DELETE /v1/files/{id}");
    check("/v1/responses", r#"{"model":"m","input":"x"}"#, "\\\"store\\\": false");
    check("/v1/responses", r#"{"model":"m","input":"x","store":false,"background":true}"#, "background");
    check(
        "/v1/responses",
        r#"{"model":"m","input":"x","store":false,"previous_response_id":"r"}"#,
        "previous",
    );
    check("/v1/chat/completions", r#"{"model":"m","messages":[],"store":true}"#, "store");
    check("/v1/messages", r#"{"model":"m","messages":[],"thread":{"type":"create"}}"#, "thread");
    assert!(upstream.got().is_empty());
    let got = app.post("/v1/messages", &[], MESSAGES.as_bytes());
    assert_eq!((got.status, got.text()), (200, "{}"));
    assert_eq!(app.custody.metrics().records, 0, "nothing is kept");
}

#[test]
fn a_model_that_is_no_name_is_unknown_before_anything_is_sent() {
    let (upstream, app) = untouched();
    for model in ["x".repeat(257), r"claude-x\ncanary".to_owned(), "..".to_owned()] {
        let body = MESSAGES.replace("claude-x", &model);
        let got = app.post("/v1/messages", &[], body.as_bytes());
        check_anthropic(&got, 404, "not_found_error", "model_not_found");
        assert!(!got.text().contains("canary"), "{}", got.text());
    }
    assert!(upstream.got().is_empty());
}

#[test]
fn smuggled_and_ambiguous_framing_is_refused_or_read_one_way() {
    let (upstream, app) = untouched();
    let key = format!("x-api-key: {}\r\n", app.key);
    let check = |framing: &str, body: &str| {
        let request = format!("POST /v1/messages HTTP/1.1\r\nhost: a\r\n{key}{framing}\r\n{body}");
        let got = Conversation::open(app.gateway, request.as_bytes()).answer();
        assert!((400..500).contains(&got.status), "{framing:?}: {got:?}");
    };
    check("content-length: 5\r\ncontent-length: 6\r\n", "{}   ");
    check("content-length: -1\r\n", "");
    check("content-length: +5\r\n", "{}   ");
    check("transfer-encoding: gzip\r\n", "{}");
    check("transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n", "0\r\n\r\n");
    check("transfer-encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n");
    check(" folded: x\r\n", "");
    assert!(upstream.got().is_empty(), "nothing that can be read in two ways reaches a provider");
}

#[test]
fn a_request_with_two_framings_is_sent_on_with_one() {
    let upstream =
        Upstream::start(vec![vec![Act::Say(answer("200 OK", &[], br#"{"id":"msg_1","type":"message"}"#))]]);
    let app = AppSettings::new(upstream.address).start();
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: a\r\nx-api-key: {}\r\nconnection: close\r\ncontent-length: 3\r\n\
         transfer-encoding: chunked\r\n\r\n{:x}\r\n{MESSAGES}\r\n0\r\n\r\n",
        app.key,
        MESSAGES.len()
    );
    let got = Conversation::open(app.gateway, head.as_bytes()).answer();
    match upstream.got().first() {
        // Refusing is as good (RFC 9112, section 6.3).
        None => assert_eq!(got.status, 400),
        Some(sent) => {
            assert_eq!(sent.body, MESSAGES.as_bytes());
            let framings = sent.head.matches("content-length:").count()
                + sent.head.matches("transfer-encoding:").count();
            assert_eq!(framings, 1, "{}", sent.head);
        }
    }
}
