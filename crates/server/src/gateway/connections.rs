//! Connections to one provider that lie ready for the next request.
//!
//! Each belongs to one thread, so the lock is never waited for. A connection has no task of its own: whoever waits for
//! an answer drives it, and one that lies idle is looked after when it is taken. hyper-util's client does the same for
//! any number of hosts and threads; what that costs for each request and each piece of a stream (a hash of the host,
//! futures on the heap, two tasks that wake each other) is more than what is left here.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::request_body::UpstreamBody;
use crate::settings::GatewayLimits;

/// How long an idle connection to a provider is kept.
const IDLE_TIME_MAX: Duration = Duration::from_mins(1);

/// How often a connection is polled in one turn because it woke itself; then others have theirs.
const ROUNDS_MAX: usize = 32;

type Connection = http1::Connection<MaybeHttpsStream<TokioIo<TcpStream>>, UpstreamBody>;

/// A connection to a provider, driven by whoever waits for what it brings.
pub(crate) struct Link {
    sender: http1::SendRequest<UpstreamBody>,
    /// None once it has ended: a request that still waits in it then hears of that.
    connection: Option<Pin<Box<Connection>>>,
    gate: Arc<Gate>,
    waker: Waker,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Link").field("open", &self.connection.is_some()).finish_non_exhaustive()
    }
}

/// Wakes the task that drives a connection, except while it does: connection and answer wake each other all the time,
/// and the driver looks at both again before it rests.
#[derive(Default)]
struct Gate {
    task: Mutex<Option<Waker>>,
    driven: AtomicBool,
    woken: AtomicBool,
}

impl Wake for Gate {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        if !self.driven.load(Ordering::SeqCst)
            && let Some(task) = &*self.task()
        {
            task.wake_by_ref();
        }
    }
}

impl Gate {
    fn task(&self) -> MutexGuard<'_, Option<Waker>> {
        self.task.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a turn of `task`, which is woken from its end on.
    fn serve(&self, task: &Waker) {
        self.driven.store(true, Ordering::SeqCst);
        let mut place = self.task();
        match &mut *place {
            Some(own) => own.clone_from(task),
            none => *none = Some(task.clone()),
        }
    }
}

impl Link {
    fn new(sender: http1::SendRequest<UpstreamBody>, connection: Connection) -> Self {
        let gate = Arc::new(Gate::default());
        let waker = Waker::from(Arc::clone(&gate));
        Self { sender, connection: Some(Box::pin(connection)), gate, waker }
    }

    /// Polls what this connection brings, driving the connection as long as that helps.
    pub(crate) fn poll<T>(
        &mut self,
        context: &mut Context<'_>,
        mut brought: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.gate.serve(context.waker());
        let mut inner = Context::from_waker(&self.waker);
        let mut polled = Poll::Pending;
        for _ in 0..ROUNDS_MAX {
            self.gate.woken.store(false, Ordering::SeqCst);
            if let Some(connection) = &mut self.connection
                && connection.as_mut().poll(&mut inner).is_ready()
            {
                // How it ended is told to whoever waits for an answer; one that lay idle concerns nobody.
                self.connection = None;
            }
            polled = brought(&mut inner);
            if polled.is_ready() || !self.gate.woken.load(Ordering::SeqCst) {
                break;
            }
        }
        self.gate.driven.store(false, Ordering::SeqCst);
        if polled.is_pending() && self.gate.woken.load(Ordering::SeqCst) {
            context.waker().wake_by_ref();
        }
        polled
    }

    /// Sends a request and waits for the answer's head.
    ///
    /// # Errors
    /// When the connection broke; with the request when no byte of it was sent.
    pub(crate) async fn send(
        &mut self,
        request: Request<UpstreamBody>,
    ) -> Result<Response<Incoming>, TrySendError<Request<UpstreamBody>>> {
        let mut answer = std::pin::pin!(self.sender.try_send_request(request));
        std::future::poll_fn(|context| self.poll(context, |inner| answer.as_mut().poll(inner))).await
    }

    async fn ready(&mut self) -> Result<(), hyper::Error> {
        std::future::poll_fn(|context| {
            self.poll(context, |_| Poll::<()>::Pending).is_ready();
            self.sender.poll_ready(context)
        })
        .await
    }

    /// Lets the connection finish what was last asked of it, on nobody's behalf. Gives whether it takes a request.
    fn settles(&mut self) -> bool {
        let _ = self.poll(&mut Context::from_waker(Waker::noop()), |_| Poll::<()>::Pending);
        *self.gate.task() = None;
        self.connection.is_some() && self.sender.is_ready()
    }
}

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
    links: Vec<(Box<Link>, Instant)>,
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

    /// The connection that was used last and is still good, if there is one.
    pub(crate) fn take(&self) -> Option<Box<Link>> {
        let mut idle = self.idle();
        while let Some((mut link, since)) = idle.links.pop() {
            // One that the provider has closed, or may be about to close, is not worth a try.
            if since.elapsed() < IDLE_TIME_MAX && link.settles() {
                return Some(link);
            }
        }
        None
    }

    /// Opens a connection and waits until it takes a request.
    ///
    /// # Errors
    /// When the provider cannot be reached.
    pub(crate) async fn open(self: &Arc<Self>) -> Result<Box<Link>, NotConnected> {
        self.watch();
        // A connector of TCP and TLS is always ready.
        let connecting = self.connector.clone().call(self.base.clone());
        let stream = connecting.await.map_err(NotConnected::Unreachable)?;
        let (sender, connection) = http1::handshake(stream).await.map_err(NotConnected::Broken)?;
        let mut link = Box::new(Link::new(sender, connection));
        link.ready().await.map_err(NotConnected::Broken)?;
        Ok(link)
    }

    /// Takes back a connection whose answer is over or was given up. One that is then in the middle of something is
    /// closed.
    pub(crate) fn give_back(&self, mut link: Box<Link>) {
        if link.settles() {
            let mut idle = self.idle();
            if idle.links.len() < self.idle_max {
                idle.links.push((link, Instant::now()));
            }
        }
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
        connections.idle().links.retain(|(_, since)| since.elapsed() < IDLE_TIME_MAX);
    }
}
