//! The scripted model behind the gateway, on every wire.

use std::collections::HashMap;
use std::net::SocketAddr;

use fiducia_server::scripted::{RunningScriptedModel, ScriptedModel};
use serde_json::{Value, json};

use crate::app::{App, AppSettings};
use crate::client::{Answer, send};

fn scripted() -> (RunningScriptedModel, App) {
    let model = ScriptedModel {
        answers: HashMap::from([("What is kept?".to_owned(), "Only what a ground holds.".to_owned())]),
        fallback: "The script does not know.".to_owned(),
    };
    let model = model.start(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let app = AppSettings::new(model.address()).start();
    (model, app)
}

const ANSWER: &str = "Only what a ground holds.";

fn ask(app: &App, path: &str, model: &str, text: &str, more: &Value) -> Answer {
    let mut body = json!({ "model": model, "max_tokens": 50 });
    let question = if path == "/v1/responses" || path == "/v1/embeddings" {
        json!({ "input": text })
    } else {
        json!({ "messages": [{ "role": "user", "content": text }] })
    };
    for part in [&question, more] {
        body.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
    }
    app.post(path, &[], body.to_string().as_bytes())
}

fn events(got: &Answer) -> Vec<Value> {
    got.text()
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

#[test]
fn messages() {
    let (_model, app) = scripted();
    let got = ask(&app, "/v1/messages", "claude-x", "What is kept?", &json!({})).json();
    assert_eq!((&got["content"][0]["text"], &got["model"]), (&ANSWER.into(), &"scripted-claude-x".into()));
    let got = ask(&app, "/v1/messages", "scripted-1", "What is kept?", &json!({ "stream": true }));
    let text: String = events(&got).iter().filter_map(|event| event["delta"]["text"].as_str()).collect();
    assert_eq!(text, ANSWER);
    let tools = json!({ "tools": [{ "name": "look_up", "input_schema": { "type": "object" } }] });
    let got = ask(&app, "/v1/messages", "scripted-1", "please use the tool", &tools).json();
    assert_eq!((&got["stop_reason"], &got["content"][0]["name"]), (&"tool_use".into(), &"look_up".into()));
    let got = ask(&app, "/v1/messages", "scripted-1", "refusal", &json!({})).json();
    assert_eq!(got["stop_reason"], "refusal");
    let counted = ask(&app, "/v1/messages/count_tokens", "scripted-1", "What is kept?", &json!({})).json();
    assert!(counted["input_tokens"].as_u64().unwrap() > 0);
}

#[test]
fn chat_completions() {
    let (_model, app) = scripted();
    let path = "/v1/chat/completions";
    let got = ask(&app, path, "gpt-x", "What is kept?", &json!({})).json();
    assert_eq!(got["choices"][0]["message"]["content"], ANSWER);
    let stream = json!({ "stream": true, "stream_options": { "include_usage": true } });
    let got = ask(&app, path, "gpt-x", "What is kept?", &stream);
    assert!(got.whole && got.text().ends_with("data: [DONE]\n\n"));
    let events = events(&got);
    let text: String =
        events.iter().filter_map(|event| event["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, ANSWER);
    let last = events.last().unwrap();
    assert_eq!(last["choices"], json!([]));
    assert!(last["usage"]["total_tokens"].as_u64().unwrap() > 0);
    assert_eq!(ask(&app, path, "gpt-x", "error:429", &json!({})).status, 429);
}

#[test]
fn responses_and_embeddings() {
    let (_model, app) = scripted();
    let got = ask(&app, "/v1/responses", "gpt-x", "What is kept?", &json!({})).json();
    assert_eq!(got["output"][0]["content"][0]["text"], ANSWER);
    let got = ask(&app, "/v1/responses", "gpt-x", "What is kept?", &json!({ "stream": true }));
    let events = events(&got);
    let numbers: Vec<u64> = events.iter().map(|event| event["sequence_number"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    assert_eq!(events.last().unwrap()["type"], "response.completed");
    let got = ask(&app, "/v1/embeddings", "embed-x", "What is kept?", &json!({})).json();
    assert_eq!(got["data"][0]["embedding"].as_array().unwrap().len(), 8);
}

#[test]
fn faults() {
    let (_model, app) = scripted();
    let got = ask(&app, "/v1/messages", "scripted-error:529", "x", &json!({}));
    assert_eq!((got.status, got.header("retry-after")), (529, Some("1")));
    for path in ["/v1/messages", "/v1/chat/completions", "/v1/responses"] {
        let got = ask(&app, path, "scripted-break-mid-stream", "What is kept?", &json!({ "stream": true }));
        assert!(!got.whole && got.text().contains("upstream_broken"), "{path}: {}", got.text());
    }
    let got = ask(&app, "/v1/messages", "scripted-delay-1", "What is kept?", &json!({}));
    assert_eq!(got.status, 200);
}

#[test]
fn batches_and_files() {
    let (_model, app) = scripted();
    let version = ("anthropic-version", "2023-06-01");
    let batch = json!({ "requests": [{ "custom_id": "a", "params": {
        "model": "scripted-1", "max_tokens": 9, "messages": [{ "role": "user", "content": "What is kept?" }] } }] });
    let created = app.post("/v1/messages/batches", &[version], batch.to_string().as_bytes()).json();
    let url = created["results_url"].as_str().unwrap();
    let path = url.strip_prefix("http://gateway.test").expect("the link leads through the gateway");
    let results = app.send("GET", path, &[version], b"");
    assert!(results.text().contains(ANSWER), "{}", results.text());
    let form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nfile bytes\r\n--b--\r\n";
    let key = [("x-api-key", app.key.as_str()), ("content-type", "multipart/form-data; boundary=b"), version];
    let uploaded = send(app.gateway, "POST", "/v1/files", &key, form.as_bytes()).json();
    let id = uploaded["id"].as_str().unwrap();
    let content = app.send("GET", &format!("/v1/files/{id}/content"), &[version], b"");
    assert_eq!((content.text(), content.header("content-type")), ("file bytes", Some("text/plain")));
    assert_eq!(app.send("DELETE", &format!("/v1/files/{id}"), &[version], b"").status, 200);
}

#[test]
fn conversations_continue_and_only_what_is_new_is_stored() {
    let (_model, app) = scripted();
    let first = ask(&app, "/v1/messages", "scripted-1", "What is kept?", &json!({})).json();
    let history = json!([
        { "role": "user", "content": "What is kept?" },
        { "role": "assistant", "content": first["content"] },
        { "role": "user", "content": "And then?" },
    ]);
    let body = json!({ "model": "scripted-1", "max_tokens": 9, "messages": history });
    assert_eq!(app.post("/v1/messages", &[], body.to_string().as_bytes()).status, 200);
    let elided: Vec<u64> = app
        .records()
        .iter()
        .filter(|record| record.status.is_none())
        .map(|record| record.messages_elided)
        .collect();
    assert_eq!(elided, [0, 2]);
}
