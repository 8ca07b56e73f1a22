//! What every request goes through: a number, a key, the pace, the limit on time.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::Compliance;
use super::caller::Caller;
use super::failure::Failure;
use super::pace::{Allowance, PER_MINUTE};

/// Within which a request is answered.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
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
    let mut response = passed(&compliance, request, next).await.unwrap_or_else(IntoResponse::into_response);
    let headers = response.headers_mut();
    if let Some(value) = request_id(&compliance) {
        headers.insert(REQUEST_ID, value);
    }
    // Nobody on the way keeps what a key was shown, unless the handler says otherwise.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn passed(compliance: &Arc<Compliance>, request: Request, next: Next) -> Result<Response, Failure> {
    let (mut parts, body) = request.into_parts();
    let caller = Caller::recognised(&parts, compliance).await?;
    let reach = caller.key.reach;
    let counted =
        compliance.pace.lock().unwrap_or_else(PoisonError::into_inner).count(reach, compliance.now());
    let allowance = match counted {
        Ok(allowance) => allowance,
        Err(soon) => return Err(Failure::TooMany(soon.seconds)),
    };
    parts.extensions.insert(caller);
    let answered = tokio::time::timeout(ANSWER_TIMEOUT, next.run(Request::from_parts(parts, body))).await;
    let mut response = answered.unwrap_or_else(|_| Failure::TooSlow.into_response());
    say_allowance(response.headers_mut(), allowance);
    Ok(response)
}

fn say_allowance(headers: &mut HeaderMap, allowance: Allowance) {
    headers.insert(LIMIT, HeaderValue::from(PER_MINUTE));
    headers.insert(REMAINING, HeaderValue::from(allowance.remaining));
    if let Ok(value) = HeaderValue::try_from(format!("{:.0}", allowance.full_at)) {
        headers.insert(RESET, value);
    }
}

/// A fresh number. Without randomness there is none, and the answer goes without.
fn request_id(compliance: &Compliance) -> Option<HeaderValue> {
    let mut bytes = [0_u8; 16];
    compliance.randomness.fill(&mut bytes).ok()?;
    let text = bytes.iter().fold("req_".to_owned(), |text, byte| format!("{text}{byte:02x}"));
    HeaderValue::try_from(text).ok()
}
