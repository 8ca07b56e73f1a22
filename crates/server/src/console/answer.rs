//! What every answer of the console goes through: the limit on time, the headers that tell browsers what not to do, pages and
//! documents for refusals, and the measure of its time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use askama::Template;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};

use super::api::Answered;
use super::frame::Frame;
use super::refusal::Refusal;
use super::{Console, visitor};

/// Within which a request is answered, its body included.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Nothing is loaded from elsewhere, nothing inline runs or styles, nobody frames the console, forms go nowhere else.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

const HEADERS: [(HeaderName, &str); 8] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    // Not `no-referrer`, which would take `Origin` off our own forms.
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("x-permitted-cross-domain-policies"), "none"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=(), publickey-credentials-get=(self), \
         publickey-credentials-create=(self)",
    ),
];

#[derive(Template)]
#[template(path = "console/refused.html")]
struct RefusedPage<'a> {
    frame: &'a Frame,
    refusal: &'a Refusal,
}

impl RefusedPage<'_> {
    fn title(&self) -> String {
        self.frame.text(&format!("refused-{}-title", self.refusal.code()))
    }

    fn explanation(&self) -> String {
        let name = format!("refused-{}", self.refusal.code());
        match self.refusal {
            Refusal::TooMany(seconds) => self.frame.text_counting(&name, "minutes", minutes(*seconds)),
            _ => self.frame.text(&name),
        }
    }
}

/// Whole minutes, rounded up.
pub(super) fn minutes(seconds: i64) -> i64 {
    seconds.max(1).saturating_add(59) / 60
}

/// Answers one request.
pub(super) async fn finish(State(console): State<Arc<Console>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let page = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let asked = request.headers().clone();
    let answered = tokio::time::timeout(ANSWER_TIMEOUT, next.run(request)).await;
    let mut response = answered.unwrap_or_else(|_| Refusal::TooSlow.into_response());
    let is_said =
        response.extensions().get::<Refusal>().is_some() || response.extensions().get::<Answered>().is_some();
    if response.status() == StatusCode::METHOD_NOT_ALLOWED && !is_said {
        response = Refusal::Method.into_response();
    }
    if let Some(refusal) = response.extensions().get::<Refusal>().cloned() {
        response = shown(&console, &asked, &refusal, &response);
    }
    add_headers(&console, &mut response);
    console.metrics.page(
        page.unwrap_or_else(|| "none".to_owned()),
        response.status().as_u16(),
        began.elapsed().as_secs_f64(),
    );
    response
}

fn add_headers(console: &Console, response: &mut Response) {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if console.site.secure {
        let value = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

/// The refusal as a page, or as a document when a program asked. Headers such as `Retry-After` stay.
fn shown(console: &Console, asked: &http::HeaderMap, refusal: &Refusal, bare: &Response) -> Response {
    let language = visitor::language(asked, None, console);
    let frame = Frame::bare(console, language, visitor::appearance(asked, None, console));
    let page = RefusedPage { frame: &frame, refusal };
    let mut response = if visitor::wants_json(asked) {
        let document = serde_json::json!({
            "type": format!("about:blank#{}", refusal.code()),
            "title": page.title(),
            "status": refusal.status().as_u16(),
            "code": refusal.code(),
            "detail": refusal.detail().map_or_else(|| page.explanation(), str::to_owned),
        });
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        (refusal.status(), kind, document.to_string()).into_response()
    } else {
        // A page that cannot be written is a refusal again, without a page.
        frame.show(refusal.status(), &page)
    };
    for (name, value) in bare.headers() {
        if name == header::RETRY_AFTER || name == header::SET_COOKIE || name == header::ALLOW {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}
