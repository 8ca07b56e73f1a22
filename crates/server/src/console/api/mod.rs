//! The JSON API: what the console does, for programs, under `/api/v1/` on the console's listener.
//!
//! A resource is one file in [`resources`], its endpoints are values ([`endpoint`]), and the router and the OpenAPI document are
//! made of the same list. A request goes through here: who asks, how fast, what it may, its body, its key, its condition, and then
//! one handler, which asks custody one thing.

mod call;
mod caller;
mod cursor;
mod document;
mod endpoint;
mod file;
mod idempotency;
mod pace;
mod problem;
mod reply;
mod resources;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, any, get, on};
use bytes::Bytes;
use fiducia_custody::{Custody, KeptAnswer};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, header};

use self::call::Call;
use self::caller::{Caller, Means, Who};
use self::cursor::Cursors;
use self::endpoint::{Endpoint, Sent, array_of_lines};
use self::idempotency::{InFlight, Recognised};
use self::pace::Pace;
use self::problem::Problem;
use self::reply::{Reply, ReplyBody, names};
use super::{Console, cookies};
use crate::gateway::asks_for_privacy as carries_signal;

/// What every path begins with.
pub(super) const ROOT: &str = "/api/v1";
/// Where the document lies.
const DOCUMENT_PATH: &str = "/openapi.json";
/// Within which a request is answered, its body included. Files may take longer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(25);

/// What the API's handlers share.
pub(super) struct Api {
    endpoints: Vec<Arc<Endpoint>>,
    document: Bytes,
    cursors: Cursors,
    in_flight: InFlight,
    pace: Mutex<Pace>,
    /// Held by a change that depends on what it changes: no two of them look at the same state.
    changing: Mutex<()>,
}

/// Set on what the API answered, so that the console puts no page in its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answered;

impl Api {
    /// The API, with a fresh secret for its cursors.
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        let endpoints: Vec<Arc<Endpoint>> = resources::endpoints().into_iter().map(Arc::new).collect();
        let document = document::text(&endpoints).into_bytes();
        Self {
            endpoints,
            document: Bytes::from(document),
            cursors: Cursors::new(secret),
            in_flight: InFlight::default(),
            pace: Mutex::default(),
            changing: Mutex::default(),
        }
    }
}

/// The OpenAPI document, as the server serves it and `fiducia api schema` prints it.
pub fn api_document() -> String {
    let endpoints: Vec<Arc<Endpoint>> = resources::endpoints().into_iter().map(Arc::new).collect();
    document::text(&endpoints)
}

/// The routes of the API.
pub(super) fn routes(console: &Arc<Console>) -> Router<Arc<Console>> {
    let mut router = Router::new();
    for endpoint in &console.api.endpoints {
        let filter = if endpoint.method == Method::GET { MethodFilter::GET } else { MethodFilter::POST };
        let (console, known) = (Arc::clone(console), Arc::clone(endpoint));
        let handler = move |request: Request| serve(Arc::clone(&console), Arc::clone(&known), request);
        router = router.route(&format!("{ROOT}{}", endpoint.path), on(filter, handler));
    }
    let document = console.api.document.clone();
    router
        .route(&format!("{ROOT}{DOCUMENT_PATH}"), get(async move || show_document(document)))
        .method_not_allowed_fallback(async || finished(Problem::Method.into_response()))
        .route(ROOT, any(nothing))
        .route(&format!("{ROOT}/"), any(nothing))
        .route(&format!("{ROOT}/{{*rest}}"), any(nothing))
}

async fn nothing() -> Response {
    finished(Problem::NotFound.into_response())
}

fn show_document(document: Bytes) -> Response {
    let mut response = Response::new(Body::from(document));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    finished(response)
}

fn finished(mut response: Response) -> Response {
    response.extensions_mut().insert(Answered);
    response
}

async fn serve(console: Arc<Console>, endpoint: Arc<Endpoint>, request: Request) -> Response {
    let asked = request.headers().clone();
    let outcome = tokio::time::timeout(ANSWER_TIMEOUT, answered(&console, &endpoint, request)).await;
    let response = outcome.unwrap_or(Err(Problem::TooSlow)).and_then(|(reply, is_replayed)| {
        let mut response = reply.into_response(&asked)?;
        if is_replayed {
            response.headers_mut().insert(idempotency::REPLAYED, HeaderValue::from_static("true"));
        }
        Ok(response)
    });
    finished(response.unwrap_or_else(IntoResponse::into_response))
}

/// Everything about a request that was looked at before it is carried out.
struct Checked {
    caller: Caller,
    sent: Sent,
    recognised: Option<Recognised>,
    if_match: Option<String>,
    /// Whether the request carries the Global Privacy Control signal.
    asks_for_privacy: bool,
    list: Vec<u8>,
}

async fn answered(
    console: &Arc<Console>,
    endpoint: &Arc<Endpoint>,
    request: Request,
) -> Result<(Reply, bool), Problem> {
    let (mut parts, body) = request.into_parts();
    let caller = Caller::recognised(&mut parts, console).await?;
    let pace = console
        .api
        .pace
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .count(caller.counted(), console.now());
    pace.map_err(Problem::TooMany)?;
    caller.check(endpoint.who, endpoint.needs())?;
    let checked = checked(endpoint, caller, parts, body).await?;
    let (shared, endpoint) = (Arc::clone(console), Arc::clone(endpoint));
    console.ask(move |custody| carried_out(&shared, custody, &endpoint, &checked)).await?
}

async fn checked(
    endpoint: &Endpoint,
    caller: Caller,
    mut parts: Parts,
    body: Body,
) -> Result<Checked, Problem> {
    let key = idempotency::key(&parts.headers)?.map(str::to_owned);
    let if_match = if_match(&parts.headers)?;
    if if_match.is_some() && !parts.method.is_safe() && endpoint.changes.is_none() {
        return Err(Problem::Invalid("`If-Match` means nothing here; nothing was changed".to_owned()));
    }
    let body = body_of(endpoint, &parts.headers, body).await?;
    let named = RawPathParams::from_request_parts(&mut parts, &()).await.map_err(|_| Problem::NotFound)?;
    let path =
        serde_urlencoded::to_string(named.iter().collect::<Vec<_>>()).map_err(|_| Problem::NotFound)?;
    let (account, speaks_for) = (caller.account().id, caller.speaks_for.as_deref());
    let target = parts.uri.path();
    let recognised = key
        .filter(|_| !parts.method.is_safe())
        .map(|key| idempotency::recognise(account, speaks_for, parts.method.as_str(), target, &key, &body));
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let list = list_of(&caller, target, &query)?;
    let sent = Sent { path, query, body };
    let asks_for_privacy = carries_signal(&parts.headers);
    Ok(Checked { caller, sent, recognised, if_match, asks_for_privacy, list })
}

fn if_match(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(line) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let line = line.to_str().map_err(|_| Problem::Precondition)?;
    Ok(Some(line.to_owned()))
}

async fn body_of(endpoint: &Endpoint, headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Problem> {
    let bytes_max = endpoint.body_bytes_max;
    let body = axum::body::to_bytes(body, bytes_max).await.map_err(|_| Problem::TooLarge(bytes_max))?;
    if body.is_empty() {
        return Ok(Vec::new());
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim() {
        "application/json" => Ok(body.to_vec()),
        "application/x-ndjson" if endpoint.takes_lines => array_of_lines(&body),
        _ => Err(Problem::MediaType),
    }
}

/// What a cursor is bound to: who asks, for whom, and for which list.
fn list_of(caller: &Caller, path: &str, query: &str) -> Result<Vec<u8>, Problem> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query)
        .map_err(|error| Problem::Invalid(format!("the query cannot be read: {error}")))?;
    let asked: Vec<&(String, String)> =
        pairs.iter().filter(|(name, _)| name != "after" && name != "limit").collect();
    let speaks_for = caller.speaks_for.as_deref().unwrap_or_default();
    let account = caller.account().id.to_string();
    serde_json::to_vec(&(account, speaks_for, path, asked)).map_err(|_| Problem::Unavailable)
}

/// Carries a request out, unless it was before. Blocks.
fn carried_out(
    console: &Console,
    custody: &Custody,
    endpoint: &Endpoint,
    checked: &Checked,
) -> Result<(Reply, bool), Problem> {
    let api = &console.api;
    if endpoint.shows_secret && checked.recognised.is_some() {
        return Err(Problem::Invalid(
            "the answer to this holds a secret and is not kept, so it cannot be given again; send it without `idempotency-key`. \
             Nothing was changed"
                .to_owned(),
        ));
    }
    let _place = checked.recognised.map(|recognised| api.in_flight.enter(recognised.digest)).transpose()?;
    if let Some(recognised) = checked.recognised
        && let Some(given) = custody.answer_given(recognised.digest)?
    {
        if given.content_digest != recognised.content {
            return Err(Problem::IdempotencyMismatch);
        }
        return Ok((Reply::again(given.status, given.location, given.body), true));
    }
    let call = Call {
        custody,
        caller: &checked.caller,
        randomness: &*console.randomness,
        cursors: &api.cursors,
        list: &checked.list,
        recognised: checked.recognised,
        form_token: match &checked.caller.means {
            Means::Token(_) => None,
            Means::Session(_, secret) => Some(cookies::form_token(secret)),
        },
    };
    if checked.asks_for_privacy && checked.caller.may_pass_signals_on() && endpoint.who != Who::Staff {
        // First: a yes that comes with the signal is a later word of the person's own, and stands. Of somebody who is not known
        // yet nothing is used.
        match call.person() {
            Ok(person) => custody.pass_on_privacy_signal(person.subject())?,
            Err(Problem::NotFound | Problem::NoPerson) => {}
            Err(other) => return Err(other),
        }
    }
    let _changing = match (&checked.if_match, endpoint.changes) {
        (Some(wanted), Some(path)) => {
            let changing = api.changing.lock().unwrap_or_else(PoisonError::into_inner);
            check_tag(api, &call, (path, endpoint.changes_query), checked, wanted)?;
            Some(changing)
        }
        _ => None,
    };
    let reply = endpoint.run(&call, &checked.sent)?;
    if let Some(recognised) = checked.recognised {
        keep(custody, &checked.caller, recognised, &reply);
    }
    Ok((reply, false))
}

/// Whether what is to be changed still is as the caller knows it.
fn check_tag(
    api: &Api,
    call: &Call<'_>,
    (path, query): (&str, &str),
    checked: &Checked,
    wanted: &str,
) -> Result<(), Problem> {
    let shown = api.endpoints.iter().find(|other| other.method == Method::GET && other.path == path);
    let shown = shown.ok_or(Problem::Precondition)?;
    let sent = Sent { path: checked.sent.path.clone(), query: query.to_owned(), body: Vec::new() };
    let tag = shown.run(call, &sent)?.tag.unwrap_or_default();
    if names(wanted, &tag, false) { Ok(()) } else { Err(Problem::Precondition) }
}

/// Keeps an answer, so that the same request is answered the same. Where that fails the request would be carried out again, and
/// its use case recognises it by the same key.
fn keep(custody: &Custody, caller: &Caller, recognised: Recognised, reply: &Reply) {
    let body = match &reply.body {
        ReplyBody::Json(body) => body.clone(),
        ReplyBody::File(_) => return,
    };
    let answer = KeptAnswer {
        digest: recognised.digest,
        account: caller.account().id,
        content_digest: recognised.content,
        status: reply.status,
        location: reply.location.clone(),
        body,
        answered_at: custody.now(),
    };
    if let Err(error) = custody.keep_answer(answer) {
        tracing::error!(%error, "an answer of the API could not be kept for its idempotency key");
    }
}
