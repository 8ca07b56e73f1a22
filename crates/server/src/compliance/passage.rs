//! What every request goes through: a number, a key, the pace, the limit on time.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use fiducia_custody::ComplianceCall;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::Compliance;
use super::caller::{Caller, Touched, is_by_bearer};
use super::failure::Failure;
use super::pace::{Allowance, PER_MINUTE};

/// Within which a request is answered.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest method and path that are kept, in characters.
const METHOD_CHARACTERS_MAX: usize = 16;
const PATH_CHARACTERS_MAX: usize = 512;
/// The header with the number by which a request can be asked about.
const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const LIMIT: HeaderName = HeaderName::from_static("anthropic-ratelimit-requests-limit");
const REMAINING: HeaderName = HeaderName::from_static("anthropic-ratelimit-requests-remaining");
const RESET: HeaderName = HeaderName::from_static("anthropic-ratelimit-requests-reset");

/// Lets a request pass to its handler, or answers it.
pub(super) async fn pass(
    State(compliance): State<Arc<Compliance>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(number) = request_number(&compliance) else { return Failure::Unavailable.into_response() };
    let by_bearer = is_by_bearer(request.headers());
    let mut response =
        passed(&compliance, &number, request, next).await.unwrap_or_else(IntoResponse::into_response);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::try_from(number) {
        headers.insert(REQUEST_ID, value);
    }
    // Nobody on the way keeps what a key was shown, unless the handler says otherwise.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("private, no-store"));
    headers.entry(header::VARY).or_insert(HeaderValue::from_static("x-api-key"));
    if by_bearer {
        headers.append(header::VARY, HeaderValue::from_static("authorization"));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn passed(
    compliance: &Arc<Compliance>,
    number: &str,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let (mut parts, body) = request.into_parts();
    let caller = Caller::recognised(&parts, compliance).await?;
    let reach = caller.key.reach;
    let counted =
        compliance.pace.lock().unwrap_or_else(PoisonError::into_inner).count(reach, compliance.now());
    let allowance = match counted {
        Ok(allowance) => allowance,
        Err(soon) => {
            let refused = Failure::TooMany(soon.seconds).into_response();
            // One for each time that a program is told to slow down, so that going on regardless does not fill the feed.
            if soon.is_first {
                note(compliance, call_of(&caller, number, &parts, &refused)).await?;
            }
            return Ok(refused);
        }
    };
    parts.extensions.insert(caller.clone());
    parts.extensions.insert(Touched::default());
    let asked = parts.clone();
    let answered = tokio::time::timeout(ANSWER_TIMEOUT, next.run(Request::from_parts(parts, body))).await;
    let mut response = answered.unwrap_or_else(|_| Failure::TooSlow.into_response());
    // INVARIANT: nothing is answered to a key before the feed has durably that it was asked.
    note(compliance, call_of(&caller, number, &asked, &response)).await?;
    say_allowance(response.headers_mut(), allowance);
    Ok(response)
}

fn call_of(caller: &Caller, number: &str, parts: &Parts, answer: &Response) -> ComplianceCall {
    ComplianceCall {
        key: caller.key.id,
        reach: caller.key.reach,
        touched: parts.extensions.get::<Touched>().map(Touched::all).unwrap_or_default(),
        address: caller.address.clone(),
        agent: caller.agent.clone(),
        request: number.to_owned(),
        method: parts.method.as_str().chars().take(METHOD_CHARACTERS_MAX).collect(),
        path: path_of(parts, answer).chars().take(PATH_CHARACTERS_MAX).collect(),
        status: answer.status().as_u16(),
    }
}

/// What was asked for. The query is left out, and of what was refused so is what the path names: programs put names and addresses of
/// people there.
fn path_of<'a>(parts: &'a Parts, answer: &Response) -> &'a str {
    let route = parts.extensions.get::<MatchedPath>().map_or("(no such path)", MatchedPath::as_str);
    if answer.status().is_success() { parts.uri.path() } else { route }
}

async fn note(compliance: &Arc<Compliance>, call: ComplianceCall) -> Result<(), Failure> {
    Ok(compliance.ask(move |custody| custody.note_compliance_call(&call)).await??)
}

fn say_allowance(headers: &mut HeaderMap, allowance: Allowance) {
    headers.insert(LIMIT, HeaderValue::from(PER_MINUTE));
    headers.insert(REMAINING, HeaderValue::from(allowance.remaining));
    if let Ok(value) = HeaderValue::try_from(format!("{:.0}", allowance.full_at)) {
        headers.insert(RESET, value);
    }
}

/// A fresh number, unless randomness fails.
fn request_number(compliance: &Compliance) -> Option<String> {
    let mut bytes = [0_u8; 16];
    compliance.randomness.fill(&mut bytes).ok()?;
    Some(bytes.iter().fold("req_".to_owned(), |text, byte| format!("{text}{byte:02x}")))
}
