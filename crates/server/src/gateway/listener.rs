//! Listening and serving connections: one thread, one event loop, one listener each, so that threads share nothing on
//! the request path but counters and custody's queue.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::{Gateway, Worker};
use crate::StartError;
use crate::settings::GatewayLimits;

/// Connections that wait in the kernel for each listener.
const BACKLOG: i32 = 1_024;
/// After an accept failed for want of file descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long records on their way may take after the grace for connections is over.
const RECORDS_GRACE: Duration = Duration::from_secs(10);

/// Opens `count` listeners on one address; the kernel spreads connections over them.
///
/// # Errors
/// When the address cannot be listened on, in particular when another program listens there.
pub(crate) fn bind(
    address: SocketAddr,
    count: usize,
    purpose: &'static str,
) -> Result<(Vec<std::net::TcpListener>, SocketAddr), StartError> {
    let failed = |cause| StartError::Listen { address, purpose, cause };
    // Sockets that share a port would also share it with a second program of the same user, without an error. A
    // probe that does not share finds that program.
    drop(listener(address, false).map_err(failed)?);
    let shared = count > 1;
    let first = listener(address, shared).map_err(failed)?;
    let bound = first.local_addr().map_err(failed)?;
    let mut listeners = vec![first];
    while listeners.len() < count {
        listeners.push(listener(bound, shared).map_err(failed)?);
    }
    Ok((listeners, bound))
}

fn listener(address: SocketAddr, shared: bool) -> std::io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// How connections are accepted and bounded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Acceptance {
    connections_max: usize,
    header_bytes_max: usize,
    header_timeout: Duration,
    client_stall: Duration,
    grace: Duration,
}

impl Acceptance {
    /// The share of one of `threads` threads.
    pub(crate) fn new(limits: &GatewayLimits, threads: usize) -> Self {
        Self {
            connections_max: limits.connections_max.div_ceil(threads.max(1)),
            header_bytes_max: limits.header_bytes_max,
            header_timeout: Duration::from_millis(limits.header_timeout_ms),
            client_stall: Duration::from_millis(limits.client_stall_ms),
            grace: Duration::from_millis(limits.shutdown_grace_ms),
        }
    }
}

/// Serves connections, each with a service of its own, until told to stop; then lets those in flight finish within the grace.
pub(crate) async fn serve_connections<S, B>(
    listener: std::net::TcpListener,
    acceptance: Acceptance,
    mut stop: watch::Receiver<bool>,
    service_for: impl Fn(SocketAddr) -> S,
) -> std::io::Result<()>
where
    S: HttpService<Incoming, ResBody = B, Error = Infallible> + Send + 'static,
    S::Future: Send,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let slots = Arc::new(Semaphore::new(acceptance.connections_max));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let accepted = tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let Some((stream, address, slot)) = accepted else { continue };
        let (service, stop) = (service_for(address), stop.clone());
        connections.spawn(async move {
            serve_connection(stream, acceptance, stop, service).await;
            drop(slot);
        });
    }
    drop(listener);
    let finished = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(acceptance.grace, finished).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "connections did not finish within the grace and were cut"
        );
    }
    connections.shutdown().await;
    Ok(())
}

/// Waits for the word to stop. A sender that is gone gives it too.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stopping| *stopping).await;
}

async fn accept(
    listener: &tokio::net::TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let slot = Arc::clone(slots).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => Some((stream, address, slot)),
        Err(cause) => {
            // A client that left before it was accepted is no news; running out of descriptors is.
            if !matches!(
                cause.kind(),
                std::io::ErrorKind::ConnectionAborted | std::io::ErrorKind::ConnectionReset
            ) {
                tracing::error!(%cause, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            None
        }
    }
}

async fn serve_connection<S, B>(
    stream: TcpStream,
    acceptance: Acceptance,
    mut stop: watch::Receiver<bool>,
    service: S,
) where
    S: HttpService<Incoming, ResBody = B, Error = Infallible>,
    B: Body + 'static,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    prepare(&stream, acceptance);
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(acceptance.header_timeout)
        .max_header_size(acceptance.header_bytes_max)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(cause) = ended {
        // Clients that go away are daily business; their exchanges are accounted for where they were served.
        tracing::debug!(%cause, "a connection ended early");
    }
}

fn prepare(stream: &TcpStream, acceptance: Acceptance) {
    let result = stream.set_nodelay(true);
    // The kernel gives the connection up when the client takes nothing for this long, also when it keeps its window
    // shut; the answer's drop then records that the client has gone.
    #[cfg(target_os = "linux")]
    let result = result
        .and_then(|()| socket2::SockRef::from(stream).set_tcp_user_timeout(Some(acceptance.client_stall)));
    if let Err(cause) = result {
        tracing::debug!(%cause, "a connection's options could not be set");
    }
}

/// The gateway's threads.
pub(crate) struct GatewayThreads {
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl GatewayThreads {
    /// Starts one thread for each listener.
    ///
    /// # Errors
    /// When a thread or its event loop cannot be made.
    pub(crate) fn start(
        gateway: &Arc<Gateway>,
        listeners: Vec<std::net::TcpListener>,
        stop: &watch::Receiver<bool>,
    ) -> Result<Self, StartError> {
        let acceptance = Acceptance::new(&gateway.settings.limits, listeners.len());
        let mut threads = Vec::with_capacity(listeners.len());
        for (number, listener) in listeners.into_iter().enumerate() {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(StartError::Thread)?;
            let worker = Arc::new(Worker::new(Arc::clone(gateway))?);
            let stop = stop.clone();
            let thread = std::thread::Builder::new()
                .name(format!("gateway-{number}"))
                .spawn(move || runtime.block_on(serve_gateway(worker, listener, acceptance, stop)))
                .map_err(StartError::Thread)?;
            threads.push(thread);
        }
        Ok(Self { threads })
    }

    /// Waits for all threads to end.
    pub(crate) fn join(self) {
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a gateway thread ended by a panic");
            }
        }
    }
}

async fn serve_gateway(
    worker: Arc<Worker>,
    listener: std::net::TcpListener,
    acceptance: Acceptance,
    stop: watch::Receiver<bool>,
) {
    let gateway = Arc::clone(&worker.gateway);
    let service = service_fn(move |request: Request<Incoming>| {
        let worker = Arc::clone(&worker);
        async move {
            let response: Result<Response<_>, Infallible> = worker.answer(request).await;
            response
        }
    });
    if let Err(cause) = serve_connections(listener, acceptance, stop, |_| service.clone()).await {
        tracing::error!(%cause, "a gateway thread could not serve its listener");
    }
    // Connections that were cut have handed their records to tasks of this event loop; they must reach custody.
    if tokio::time::timeout(RECORDS_GRACE, gateway.in_flight.idle()).await.is_err() {
        tracing::error!("records were still on their way to the store when the server had to end");
    }
}
