//! Connections to providers: one pool per thread and provider.

use std::time::Duration;

use http::{HeaderMap, Method, Request, Response, Uri};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::provider::Provider;
use super::refusal::Refusal;
use super::request_body::UpstreamBody;
use crate::settings::GatewayLimits;

/// How long an idle connection to a provider is kept.
const IDLE_CONNECTION_TIME_MAX: Duration = Duration::from_mins(1);

/// The connections of one thread to one provider.
#[derive(Debug, Clone)]
pub(crate) struct UpstreamClient {
    client: Client<HttpsConnector<HttpConnector>, UpstreamBody>,
    head_timeout: Duration,
}

impl UpstreamClient {
    /// Makes an empty pool for `provider`.
    pub(crate) fn new(provider: &Provider, limits: &GatewayLimits) -> Self {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_millis(limits.upstream_connect_timeout_ms)));
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(rustls::ClientConfig::clone(&provider.tls))
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_CONNECTION_TIME_MAX)
            .pool_max_idle_per_host(limits.upstream_idle_connections_max)
            .build(connector);
        Self { client, head_timeout: Duration::from_millis(limits.upstream_head_timeout_ms) }
    }

    /// Sends a request and waits for the answer's head. The gateway never repeats a request by itself: whether a
    /// repetition is wanted, and paid for, is the client's to say.
    ///
    /// # Errors
    /// A refusal when the provider cannot be reached or does not answer in time.
    pub(crate) async fn ask(
        &self,
        method: Method,
        uri: Uri,
        headers: HeaderMap,
        body: UpstreamBody,
    ) -> Result<Response<Incoming>, Refusal> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        match tokio::time::timeout(self.head_timeout, self.client.request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(cause)) => {
                // The cause names hosts and system errors, never bytes of the request.
                tracing::warn!(cause = %Causes(&cause), connecting = cause.is_connect(), "a provider could not be asked");
                Err(Refusal::unreachable())
            }
            Err(_) => Err(Refusal::upstream_timeout()),
        }
    }
}

/// An error with what caused it, in one line.
struct Causes<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Causes<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(next) = cause {
            write!(formatter, ": {next}")?;
            cause = next.source();
        }
        Ok(())
    }
}
