//! One attempt: a request without redirects, within limits, to an address that may be reached.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use fiducia_custody::OutgoingWebhook;
use fiducia_policy::{AttemptFailure, AttemptOutcome, Timestamp};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::WebhookSettings;
use super::addresses::{AddressRefused, AddressRule, GuardedResolver};
use crate::tls;

/// Of an answer's body so much is read, so that the connection can be used again. Nothing of it is kept.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// How long a connection that lies idle is kept.
const IDLE: Duration = Duration::from_secs(30);

/// Sends deliveries. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct WebhookClient {
    client: Client<HttpsConnector<HttpConnector<GuardedResolver>>, Full<Bytes>>,
    rule: AddressRule,
    timeout: Duration,
}

impl WebhookClient {
    /// # Errors
    /// When the authorities cannot be read, as text.
    pub(super) fn new(settings: &WebhookSettings) -> Result<Self, String> {
        let mut roots = tls::native_roots();
        if let Some(path) = &settings.ca_file {
            tls::add_authorities(&mut roots, path)?;
        }
        let rule = AddressRule::new(&settings.allow_networks);
        let mut connector = HttpConnector::new_with_resolver(GuardedResolver(rule.clone()));
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(settings.timeout));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls::client(roots)?)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(1)
            .build(connector);
        Ok(Self { client, rule, timeout: settings.timeout })
    }

    /// Makes one attempt.
    pub(super) async fn send(&self, outgoing: &OutgoingWebhook, now: Timestamp) -> AttemptOutcome {
        let unanswered = |failure| AttemptOutcome::Unanswered { failure };
        let Some(request) = self.request(outgoing) else {
            return unanswered(AttemptFailure::AddressRefused);
        };
        let answered = async {
            let answer = self.client.request(request).await?;
            let (head, body) = answer.into_parts();
            // Whatever the body says changes nothing; a body that is too long costs the connection.
            let _ = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            Ok::<_, hyper_util::client::legacy::Error>(head)
        };
        match tokio::time::timeout(self.timeout, answered).await {
            Ok(Ok(head)) => AttemptOutcome::Answered {
                status: head.status.as_u16(),
                retry_after_seconds: retry_after(&head.headers, now),
            },
            Ok(Err(error)) => unanswered(failure_of(&error)),
            Err(_) => unanswered(AttemptFailure::TimedOut),
        }
    }

    /// The request, unless it may not be sent where it would go.
    fn request(&self, outgoing: &OutgoingWebhook) -> Option<Request<Full<Bytes>>> {
        let target: Uri = outgoing.url.parse().ok()?;
        let host = target.host()?;
        // A name is judged when it is resolved; an address is not resolved any more.
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
        if literal.is_ok_and(|address| !self.rule.permits(address)) {
            return None;
        }
        if target.scheme_str() != Some("https") && !self.rule.permits_plain_http(host) {
            return None;
        }
        let value = |text: &str| HeaderValue::from_str(text).ok();
        let mut request = Request::new(Full::new(Bytes::from(outgoing.body.clone())));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = target;
        let headers = request.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(
            header::USER_AGENT,
            HeaderValue::from_static(concat!("fiducia/", env!("CARGO_PKG_VERSION"))),
        );
        headers.insert("webhook-id", value(&outgoing.headers.id)?);
        headers.insert("webhook-timestamp", value(&outgoing.headers.timestamp)?);
        headers.insert("webhook-signature", value(&outgoing.headers.signature)?);
        Some(request)
    }
}

/// How long an answer asks to wait, in seconds: it says a number, or an instant.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<u32> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(u32::try_from(seconds).unwrap_or(u32::MAX));
    }
    let at = chrono::DateTime::parse_from_rfc2822(text).ok()?.timestamp();
    Some(u32::try_from(at.saturating_sub(now.as_second()).max(0)).unwrap_or(u32::MAX))
}

fn failure_of(error: &hyper_util::client::legacy::Error) -> AttemptFailure {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(inner) = cause {
        let io = inner.downcast_ref::<std::io::Error>();
        let refused =
            io.and_then(std::io::Error::get_ref).is_some_and(<dyn Error + Send + Sync>::is::<AddressRefused>);
        if refused || inner.is::<AddressRefused>() {
            return AttemptFailure::AddressRefused;
        }
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::TimedOut) {
            return AttemptFailure::TimedOut;
        }
        cause = inner.source();
    }
    if error.is_connect() { AttemptFailure::Unreachable } else { AttemptFailure::BrokenOff }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_say_how_long_to_wait_in_seconds_or_as_an_instant() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let check = |text: &str, expect| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, text.parse().unwrap());
            assert_eq!(retry_after(&headers, now), expect, "{text}");
        };
        check("120", Some(120));
        check(" 7 ", Some(7));
        check("99999999999", Some(u32::MAX));
        check("Sat, 21 Nov 2026 12:01:00 GMT", Some(60));
        check("Sat, 21 Nov 2026 11:00:00 GMT", Some(0));
        check("soon", None);
        check("-5", None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
