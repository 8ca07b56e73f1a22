//! Asking a provider: each thread keeps its own connections to each.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri, header};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::connections::{Connections, NotConnected, Sender};
use super::provider::Provider;
use super::refusal::Refusal;
use super::request_body::UpstreamBody;
use crate::StartError;
use crate::settings::GatewayLimits;

/// The connections of one thread to one provider.
#[derive(Debug)]
pub(crate) struct UpstreamClient {
    connections: Arc<Connections>,
    host: HeaderValue,
    head_timeout: Duration,
}

/// Why a provider gave no answer. The texts name hosts and system errors, never bytes of a request.
#[derive(Debug, thiserror::Error)]
enum Unanswered {
    #[error("{0}")]
    NotConnected(#[from] NotConnected),
    #[error("the request could not be sent or its answer not be read")]
    Broken(#[source] hyper::Error),
}

impl UpstreamClient {
    /// Makes a client of `provider` that has no connection yet.
    ///
    /// # Errors
    /// When the provider's address cannot be used.
    pub(crate) fn new(provider: &Provider, limits: &GatewayLimits) -> Result<Self, StartError> {
        let unfit = |reason: String| StartError::Provider { provider: provider.name.to_string(), reason };
        let host = provider.host().map_err(|cause| unfit(format!("its host cannot be named: {cause}")))?;
        let base = provider.base().map_err(|cause| unfit(format!("base_url cannot be used: {cause}")))?;
        Ok(Self {
            connections: Arc::new(Connections::new(base, &provider.tls, limits)),
            host,
            head_timeout: Duration::from_millis(limits.upstream_head_timeout_ms),
        })
    }

    /// Sends a request and waits for the answer's head. The gateway never repeats a request by itself: whether a
    /// repetition is wanted, and paid for, is the client's to say.
    ///
    /// # Errors
    /// A refusal when the provider cannot be reached or does not answer in time.
    pub(crate) async fn ask(
        &self,
        method: Method,
        target: Uri,
        mut headers: HeaderMap,
        body: UpstreamBody,
    ) -> Result<Response<ProviderBody>, Refusal> {
        headers.insert(header::HOST, self.host.clone());
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = target;
        *request.headers_mut() = headers;
        match tokio::time::timeout(self.head_timeout, self.send(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(cause)) => {
                let connecting = matches!(cause, Unanswered::NotConnected(_));
                tracing::warn!(cause = %Causes(&cause), connecting, "a provider could not be asked");
                Err(Refusal::unreachable())
            }
            Err(_) => Err(Refusal::upstream_timeout()),
        }
    }

    async fn send(&self, mut request: Request<UpstreamBody>) -> Result<Response<ProviderBody>, Unanswered> {
        loop {
            let (mut sender, reused) = match self.connections.take() {
                Some(sender) => (sender, true),
                None => (Connections::open(&self.connections).await?, false),
            };
            match sender.try_send_request(request).await {
                Ok(response) => {
                    let lent = Lent { sender, connections: Arc::clone(&self.connections) };
                    return Ok(response.map(|incoming| ProviderBody { incoming, lent: Some(lent) }));
                }
                // The provider closed a connection that lay idle, and no byte of the request was sent on it.
                Err(mut failed) if reused => match failed.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(Unanswered::Broken(failed.into_error())),
                },
                Err(failed) => return Err(Unanswered::Broken(failed.into_error())),
            }
        }
    }
}

/// The body of a provider's answer. When it is over, its connection is free for the next request.
#[derive(Debug)]
pub(crate) struct ProviderBody {
    incoming: Incoming,
    lent: Option<Lent>,
}

/// A connection on which an answer arrives.
#[derive(Debug)]
struct Lent {
    sender: Sender,
    connections: Arc<Connections>,
}

impl ProviderBody {
    fn give_back(&mut self) {
        if let Some(Lent { sender, connections }) = self.lent.take() {
            if self.incoming.is_end_stream() || sender.is_ready() {
                connections.give_back(sender);
            } else {
                Connections::give_back_when_ready(connections, sender);
            }
        }
    }
}

impl Drop for ProviderBody {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl Body for ProviderBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let body = self.get_mut();
        let polled = Pin::new(&mut body.incoming).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) {
            body.give_back();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
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
