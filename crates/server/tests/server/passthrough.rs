//! What is governed but not kept.

use fiducia_server::ModelRoute;

use crate::app::AppSettings;
use crate::client::send;
use crate::upstream::{Upstream, answer};

const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");

#[test]
fn anybody_may_ask_whether_somebody_is_there() {
    let upstream = Upstream::start(Vec::new());
    let app = AppSettings::new(upstream.address).start();
    assert_eq!(send(app.gateway, "HEAD", "/", &[], b"").status, 200);
}

#[test]
fn models_go_to_the_wire_of_their_headers() {
    let body = b"{\"data\":[ ] }";
    for (headers, line, key) in [
        (vec![VERSION], "GET /v1/models?limit=2 HTTP/1.1", "x-api-key"),
        (vec![], "GET /v1/models?limit=2 HTTP/1.1", "authorization"),
    ] {
        let upstream = Upstream::saying(&answer("200 OK", &[("x-a", "b")], body));
        let app = AppSettings::new(upstream.address).start();
        let bearer = format!("Bearer {}", app.key);
        let mut all = vec![("authorization", bearer.as_str()), ("accept-encoding", "br")];
        all.extend(headers);
        let got = send(app.gateway, "GET", "/v1/models?limit=2", &all, b"");
        assert_eq!((got.status, got.body.as_slice(), got.header("x-a")), (200, body.as_slice(), Some("b")));
        let seen = &upstream.got()[0];
        assert!(seen.head.starts_with(line), "{}", seen.head);
        assert!(seen.header(key).is_some(), "{}", seen.head);
        assert_eq!(seen.header("accept-encoding"), Some("br"), "unread answers may be compressed");
    }
}

#[test]
fn one_model_is_asked_for_under_the_name_its_provider_knows() {
    let upstream = Upstream::saying(&answer("200 OK", &[], b"{}"));
    let mut settings = AppSettings::new(upstream.address);
    settings.models = vec![ModelRoute {
        model: "house".to_owned(),
        provider: "openai".to_owned(),
        upstream_model: Some("org/real".to_owned()),
    }];
    let app = settings.start();
    let bearer = format!("Bearer {}", app.key);
    let got = send(app.gateway, "GET", "/v1/models/house", &[("authorization", &bearer)], b"");
    assert_eq!(got.header("fiducia-notice"), Some("model-alias; asked=\"house\"; served=\"org/real\""));
    assert!(upstream.got()[0].head.starts_with("GET /v1/models/org%2Freal HTTP/1.1"));
}

#[test]
fn token_counts_pass_unchanged_and_leave_nothing() {
    let upstream = Upstream::saying(&answer("200 OK", &[], b"{\"input_tokens\": 4}"));
    let app = AppSettings::new(upstream.address).start();
    let request = b"{ \"model\":\"claude-x\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";
    let got = app.post("/v1/messages/count_tokens", &[VERSION], request);
    assert_eq!((got.status, got.text()), (200, "{\"input_tokens\": 4}"));
    assert_eq!(upstream.got()[0].body, request);
    assert_eq!(app.custody.metrics().records, 0);
}

#[test]
fn batches_are_governed_and_their_links_lead_back() {
    let object = b"{\"id\":\"msgbatch_1\", \"results_url\":\"https://api.example/v1/messages/batches/msgbatch_1/results\"}";
    let upstream = Upstream::saying(&answer("200 OK", &[], object));
    let app = AppSettings::new(upstream.address).start();
    let batch =
        br#"{ "requests":[{"custom_id":"a","params":{"model":"claude-x","max_tokens":1,"messages":[]}}]}"#;
    let got = app.post("/v1/messages/batches", &[VERSION], batch);
    let expected = "{\"id\":\"msgbatch_1\", \"results_url\":\"http://gateway.test/v1/messages/batches/msgbatch_1/results\"}";
    assert_eq!((got.status, got.text()), (200, expected));
    assert!(got.header("fiducia-notice").unwrap().starts_with("results-url; asked=\"https://api.example/"));
    assert_eq!(upstream.got()[0].body, batch);
}

#[test]
fn batches_with_models_that_are_not_routed_are_refused() {
    let upstream = Upstream::start(Vec::new());
    let mut settings = AppSettings::new(upstream.address);
    settings.defaults = false;
    settings.models = vec![
        ModelRoute { model: "claude-x".to_owned(), provider: "anthropic".to_owned(), upstream_model: None },
        ModelRoute {
            model: "house".to_owned(),
            provider: "anthropic".to_owned(),
            upstream_model: Some("claude-x".to_owned()),
        },
    ];
    let app = settings.start();
    let check = |models: &[&str], status: u16, text: &str| {
        let items: Vec<String> = models
            .iter()
            .map(|model| format!(r#"{{"custom_id":"a","params":{{"model":"{model}","messages":[]}}}}"#))
            .collect();
        let body = format!(r#"{{"requests":[{}]}}"#, items.join(","));
        let got = app.post("/v1/messages/batches", &[VERSION], body.as_bytes());
        assert_eq!(got.status, status, "{got:?}");
        assert!(got.text().contains(text), "{}", got.text());
    };
    check(&["claude-x", "secret-model"], 404, "model_not_found");
    check(&["house"], 400, "alias");
    check(&[], 400, "empty");
    assert!(upstream.got().is_empty());
}

#[test]
fn bodies_on_requests_that_take_none_are_not_dropped_silently() {
    let upstream = Upstream::start(Vec::new());
    let app = AppSettings::new(upstream.address).start();
    let got = app.send("GET", "/v1/models", &[VERSION], b"{}");
    assert_eq!(got.status, 400);
    assert!(got.text().contains("unexpected_body"));
    assert!(upstream.got().is_empty());
}
