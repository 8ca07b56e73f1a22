//! Connections to one provider that lie ready for the next request.
//!
//! Each belongs to one thread, so the lock is never waited for. hyper-util's client does the same for any number of
//! hosts and threads; what it costs for each request (a hash of the host, a future on the heap, a task that waits
//! until the connection is free) is more than what is left here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use http::Uri;
use hyper::client::conn::http1;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use tower_service::Service;

use super::request_body::UpstreamBody;
use crate::settings::GatewayLimits;

/// How long an idle connection to a provider is kept.
const IDLE_TIME_MAX: Duration = Duration::from_mins(1);

/// The near end of a connection.
pub(crate) type Sender = http1::SendRequest<UpstreamBody>;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotConnected {
    /// The provider's host or port could not be reached, or its certificate not be trusted.
    #[error("the provider could not be connected to")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The connection broke before a request could be sent.
    #[error("the connection to the provider broke at once")]
    Broken(#[source] hyper::Error),
}

/// One thread's connections to one provider.
pub(crate) struct Connections {
    base: Uri,
    connector: HttpsConnector<HttpConnector>,
    idle_max: usize,
    idle: Mutex<Idle>,
}

/// What lies ready, the connection that was used last at the end.
#[derive(Default)]
struct Idle {
    connections: Vec<(Sender, Instant)>,
    /// Whether a task closes what lies idle for too long.
    watched: bool,
}

impl std::fmt::Debug for Connections {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Connections").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Connections {
    /// None yet, to the host of `base`.
    pub(crate) fn new(base: Uri, tls: &rustls::ClientConfig, limits: &GatewayLimits) -> Self {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_millis(limits.upstream_connect_timeout_ms)));
        let connector = hyper_rustls::HttpsConnectorBuilder::new()
            .with_tls_config(tls.clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        Self { base, connector, idle_max: limits.upstream_idle_connections_max, idle: Mutex::default() }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection that was used last and is ready, if there is one.
    pub(crate) fn take(&self) -> Option<Sender> {
        let mut idle = self.idle();
        let ready = idle.connections.iter().rposition(|(sender, _)| sender.is_ready())?;
        let (sender, since) = idle.connections.remove(ready);
        // A connection that the provider may be about to close is not worth a try.
        (since.elapsed() < IDLE_TIME_MAX).then_some(sender)
    }

    /// Opens a connection and waits until it takes a request.
    ///
    /// # Errors
    /// When the provider cannot be reached.
    pub(crate) async fn open(this: &Arc<Self>) -> Result<Sender, NotConnected> {
        this.watch();
        // A connector of TCP and TLS is always ready.
        let connecting = this.connector.clone().call(this.base.clone());
        let stream = connecting.await.map_err(NotConnected::Unreachable)?;
        let (mut sender, connection) = http1::handshake(stream).await.map_err(NotConnected::Broken)?;
        tokio::spawn(async move {
            if let Err(cause) = connection.await {
                // Whoever waits for an answer on it is told; one that lay idle concerns nobody.
                tracing::debug!(%cause, "a connection to a provider ended early");
            }
        });
        sender.ready().await.map_err(NotConnected::Broken)?;
        Ok(sender)
    }

    /// Takes back a connection whose answer is over. One that is not ready yet will be when its task had its turn.
    pub(crate) fn give_back(&self, sender: Sender) {
        let mut idle = self.idle();
        if idle.connections.len() >= self.idle_max {
            idle.connections.retain(|(sender, _)| !sender.is_closed());
        }
        if !sender.is_closed() && idle.connections.len() < self.idle_max {
            idle.connections.push((sender, Instant::now()));
        }
    }

    /// Takes back a connection whose answer was given up: it is ready once the rest has passed, or never.
    pub(crate) fn give_back_when_ready(this: Arc<Self>, mut sender: Sender) {
        // Without an event loop the connection has no future.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if sender.ready().await.is_ok() {
                this.give_back(sender);
            }
        });
    }

    /// Sees to it that no connection lies idle for long.
    fn watch(self: &Arc<Self>) {
        if std::mem::replace(&mut self.idle().watched, true) {
            return;
        }
        let watched = Arc::downgrade(self);
        tokio::spawn(close_idle(watched));
    }
}

async fn close_idle(watched: Weak<Connections>) {
    loop {
        tokio::time::sleep(IDLE_TIME_MAX).await;
        let Some(connections) = watched.upgrade() else { return };
        connections
            .idle()
            .connections
            .retain(|(sender, since)| !sender.is_closed() && since.elapsed() < IDLE_TIME_MAX);
    }
}
