//! A scripted model: an HTTP server that speaks every wire the gateway speaks and answers from a script, so that a
//! demonstration needs no provider and tests can cause every fault.
//!
//! It is no model and says so: its answers name a model that begins with `scripted`.
//!
//! What it does is decided by the last user text and the model's name:
//! - a text that is in the script gets the script's answer, any other the fallback;
//! - `use the tool` in the text calls the first tool of the request; `refusal` refuses;
//! - `error:NNN` in the text or the model's name answers with that HTTP status in the provider's shape;
//! - `break-mid-stream` breaks the connection in the middle of the answer;
//! - a model name that holds `delay-NN` waits NN milliseconds before answering, `pace-NN` before each event.

mod body;
mod chat;
mod faults;
mod messages;
mod responses;
mod stored;

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use serde_json::{Value, json};
use tokio::sync::watch;

use self::body::{ScriptedBody, Step};
use self::stored::Stored;
use crate::StartError;
use crate::gateway::{Acceptance, bind, serve_connections};
use crate::settings::GatewayLimits;

/// The largest request body the scripted model takes.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The instant that all its objects were "created" at: 2026-01-01T00:00:00Z.
const CREATED_SECONDS: u64 = 1_767_225_600;
/// The same as text.
const CREATED_TEXT: &str = "2026-01-01T00:00:00Z";

/// What the scripted model knows.
#[derive(Debug, Clone)]
pub struct ScriptedModel {
    /// Answers by the exact last user text.
    pub answers: HashMap<String, String>,
    /// The answer to any other text.
    pub fallback: String,
}

impl Default for ScriptedModel {
    fn default() -> Self {
        Self {
            answers: HashMap::new(),
            fallback: "This is the scripted model; it only knows its script.".to_owned(),
        }
    }
}

/// A scripted model that listens until it is shut down or dropped.
pub struct RunningScriptedModel {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl ScriptedModel {
    /// Listens on `listen` (port 0 takes a free one) and serves on a thread of its own.
    ///
    /// # Errors
    /// When the address or a thread cannot be had.
    pub fn start(self, listen: SocketAddr) -> Result<RunningScriptedModel, StartError> {
        let (listeners, address) = bind(listen, 1, "scripted model")?;
        let (stop, stops) = watch::channel(false);
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Thread)?;
        let scene = Arc::new(Scene { model: self, counter: AtomicU64::new(0), stored: Stored::default() });
        let limits = GatewayLimits { shutdown_grace_ms: 1_000, ..GatewayLimits::default() };
        let thread = std::thread::Builder::new()
            .name("scripted-model".to_owned())
            .spawn(move || {
                for listener in listeners {
                    let scene = Arc::clone(&scene);
                    let service = service_fn(move |request| answered(Arc::clone(&scene), request));
                    let serving =
                        serve_connections(listener, Acceptance::new(&limits, 1), stops.clone(), |_| {
                            service.clone()
                        });
                    if let Err(cause) = runtime.block_on(serving) {
                        tracing::error!(%cause, "the scripted model could not serve");
                    }
                }
            })
            .map_err(StartError::Thread)?;
        Ok(RunningScriptedModel { address, stop, thread: Some(thread) })
    }
}

impl RunningScriptedModel {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops it and waits until it has stopped.
    pub fn shutdown(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // A receiver that is gone has stopped already.
        let _ = self.stop.send(true);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the scripted model ended by a panic");
        }
    }
}

impl Drop for RunningScriptedModel {
    fn drop(&mut self) {
        self.end();
    }
}

/// The model at work.
struct Scene {
    model: ScriptedModel,
    counter: AtomicU64,
    stored: Stored,
}

/// What to say to one request.
#[derive(Debug, Clone, PartialEq)]
enum Line {
    /// A text.
    Text(String),
    /// A call of the named tool.
    Tool {
        /// Its name.
        name: String,
    },
    /// A refusal.
    Refusal,
}

impl Scene {
    /// A number that no earlier answer had.
    fn number(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// What to say to `text` when `tool` is the first tool on offer.
    fn line(&self, text: &str, tool: Option<&str>) -> Line {
        match tool {
            Some(name) if text.contains("use the tool") => Line::Tool { name: name.to_owned() },
            _ if text.contains("refusal") => Line::Refusal,
            _ => Line::Text(self.model.answers.get(text).unwrap_or(&self.model.fallback).clone()),
        }
    }
}

/// The name that answers carry: what was asked for, marked as scripted.
fn model_name(asked: &str) -> String {
    if asked.starts_with("scripted") { asked.to_owned() } else { format!("scripted-{asked}") }
}

/// The text of a content value: a string, or the text parts of a list, joined.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part.get("text")?.as_str()).collect(),
        _ => String::new(),
    }
}

/// The last user text of a list of messages.
fn last_user_text(messages: &Value) -> String {
    messages
        .as_array()
        .into_iter()
        .flatten()
        .rev()
        .find(|message| message.get("role").and_then(Value::as_str) == Some("user"))
        .map(|message| text_of(message.get("content").unwrap_or(&Value::Null)))
        .unwrap_or_default()
}

/// A rough count of tokens, four bytes each, as providers document it.
fn tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4).max(1)
}

/// The words of a text with the space that follows each, as a stream would give them.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(' ')
}

/// Members of a request that every wire has.
struct Ask {
    body: Value,
    model: String,
    stream: bool,
}

async fn answered(
    scene: Arc<Scene>,
    request: Request<Incoming>,
) -> Result<Response<ScriptedBody>, Infallible> {
    let (head, incoming) = request.into_parts();
    let path = head.uri.path().strip_prefix("/openai").unwrap_or(head.uri.path()).to_owned();
    let host =
        head.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost").to_owned();
    let body = match Limited::new(incoming, BODY_BYTES_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => return Ok(faults::error(413, true)),
    };
    let anthropic = path.starts_with("/v1/messages") || head.headers.contains_key("anthropic-version");
    let number = scene.number();
    let mut response = match stored::answer(&scene, &head.method, &path, &host, &head.headers, &body) {
        Some(response) => response,
        None => said(&scene, &head.method, &path, &body, number, anthropic).await,
    };
    let headers = response.headers_mut();
    let id = HeaderValue::try_from(format!("req_scripted_{number:08}"))
        .unwrap_or_else(|_| HeaderValue::from_static("req_scripted"));
    if anthropic {
        headers.insert("request-id", id);
        headers.insert("anthropic-organization-id", HeaderValue::from_static("scripted-organization"));
        headers.insert("anthropic-ratelimit-requests-limit", HeaderValue::from_static("1000"));
        headers.insert("anthropic-ratelimit-requests-remaining", HeaderValue::from_static("999"));
        headers.insert("anthropic-ratelimit-requests-reset", HeaderValue::from_static(CREATED_TEXT));
    } else {
        headers.insert("x-request-id", id);
        headers.insert("openai-processing-ms", HeaderValue::from_static("1"));
        headers.insert("x-ratelimit-limit-requests", HeaderValue::from_static("1000"));
        headers.insert("x-ratelimit-remaining-requests", HeaderValue::from_static("999"));
    }
    Ok(response)
}

async fn said(
    scene: &Scene,
    method: &Method,
    path: &str,
    body: &Bytes,
    number: u64,
    anthropic: bool,
) -> Response<ScriptedBody> {
    if *method == Method::GET {
        return models(path, anthropic);
    }
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return faults::error(400, anthropic) };
    let model = body.get("model").and_then(Value::as_str).unwrap_or_default().to_owned();
    let stream = body.get("stream").and_then(Value::as_bool).unwrap_or(false);
    let request = Ask { body, model, stream };
    if let Some(delay) = faults::number_after(&request.model, "delay-") {
        tokio::time::sleep(Duration::from_millis(delay)).await;
    }
    match path {
        "/v1/messages" => messages::answer(scene, &request, number),
        "/v1/messages/count_tokens" => {
            json_response(&json!({ "input_tokens": messages::input_tokens(&request.body) }))
        }
        "/v1/chat/completions" => chat::answer(scene, &request, number),
        "/v1/responses" => responses::answer(scene, &request, number),
        "/v1/embeddings" => chat::embeddings(&request),
        _ if path.starts_with("/v1/deployments/") => chat::answer(scene, &request, number),
        _ => faults::error(404, anthropic),
    }
}

/// The models there are.
const MODELS: [&str; 2] = ["scripted-1", "scripted-delay-20"];

fn models(path: &str, anthropic: bool) -> Response<ScriptedBody> {
    let object = |id: &str| {
        if anthropic {
            json!({ "id": id, "type": "model", "display_name": "Scripted model", "created_at": CREATED_TEXT })
        } else {
            json!({ "id": id, "object": "model", "created": CREATED_SECONDS, "owned_by": "scripted" })
        }
    };
    if let Some(id) = path.strip_prefix("/v1/models/") {
        return json_response(&object(id));
    }
    if path != "/v1/models" {
        return faults::error(404, anthropic);
    }
    let data: Vec<Value> = MODELS.iter().map(|id| object(id)).collect();
    if anthropic {
        let [first, .., last] = MODELS;
        json_response(&json!({ "data": data, "has_more": false, "first_id": first, "last_id": last }))
    } else {
        json_response(&json!({ "object": "list", "data": data }))
    }
}

fn json_response(value: &Value) -> Response<ScriptedBody> {
    let mut response = Response::new(ScriptedBody::whole(Bytes::from(value.to_string())));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// A stream of frames; breaks off in the middle when `broken`.
fn event_stream(frames: Vec<String>, broken: bool, model: &str) -> Response<ScriptedBody> {
    let pace = faults::number_after(model, "pace-").map(Duration::from_millis);
    let until = if broken { frames.len() / 2 } else { frames.len() };
    let mut steps = Vec::with_capacity(until * 2 + 1);
    for frame in frames.into_iter().take(until) {
        if let Some(pace) = pace {
            steps.push(Step::Wait(pace));
        }
        steps.push(Step::Data(Bytes::from(frame)));
    }
    if broken {
        steps.push(Step::Break);
    }
    let mut response = Response::new(ScriptedBody::steps(steps));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// A JSON answer, or half of one and a broken connection.
fn whole_or_broken(value: &Value, broken: bool) -> Response<ScriptedBody> {
    if !broken {
        return json_response(value);
    }
    let text = value.to_string();
    let half = text.get(..text.len() / 2).unwrap_or_default().to_owned();
    let mut response = Response::new(ScriptedBody::steps(vec![Step::Data(Bytes::from(half)), Step::Break]));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
