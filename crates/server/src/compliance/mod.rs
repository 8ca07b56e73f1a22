//! The Compliance API: what security and audit programs ask, in the public shapes, on a listener of its own.
//!
//! A request goes through [`passage`]: who asks, how fast, the handler, and the entry in the feed that it was asked. A handler is one
//! function in one file. It takes a [`Call`], asks for the scope it needs, takes its parameters out of the query, which must leave
//! none, and asks custody one thing.

mod activities;
mod caller;
mod chats;
mod cursor;
mod directory;
mod failure;
mod pace;
mod passage;
mod settings;
mod transparency_log;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{delete, get};
use fiducia_custody::Custody;
use fiducia_policy::{Clock, Randomness, Timestamp};
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use tokio::sync::watch;
use tower_service::Service;

use self::caller::Peer;
use self::cursor::Cursors;
use self::failure::Failure;
use self::pace::Pace;
use crate::StartError;
use crate::gateway::{Acceptance, bind, serve_connections};
use crate::settings::GatewayLimits;

pub use self::settings::ComplianceSettings;

/// What every path begins with.
const ROOT: &str = "/v1/compliance";
/// The largest body. No endpoint takes one.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// Connections at a time.
const CONNECTIONS_MAX: usize = 256;
/// A request's line and headers: every type of activity may be named in one query.
const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Within which headers arrive, and for how long a connection may idle, in milliseconds.
const HEADER_TIMEOUT_MS: u64 = 30_000;
/// Threads that wait for the store.
const BLOCKING_THREADS_MAX: usize = 16;

/// What the handlers share.
pub(crate) struct Compliance {
    settings: ComplianceSettings,
    custody: Custody,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    pace: Mutex<Pace>,
    cursors: Cursors,
}

impl Compliance {
    /// Checks the settings and binds the listener; serves nothing yet.
    ///
    /// # Errors
    /// When a setting or the address cannot be used.
    pub(crate) fn bind(
        settings: &ComplianceSettings,
        custody: Custody,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> Result<(Arc<Self>, std::net::TcpListener, SocketAddr), StartError> {
        let unfit = |reason: String| StartError::Setting { setting: "compliance", reason };
        if let Some(problem) = settings.problem() {
            return Err(unfit(problem));
        }
        let (listeners, address) = bind(settings.listen, 1, "compliance")?;
        let listener = listeners.into_iter().next().ok_or_else(|| unfit("it has no listener".to_owned()))?;
        let settings = settings.clone();
        let cursors = Cursors::new(&custody.compliance_cursor_secret());
        let compliance = Self { settings, custody, clock, randomness, pace: Mutex::default(), cursors };
        Ok((Arc::new(compliance), listener, address))
    }

    fn router(self: &Arc<Self>) -> Router {
        Router::new()
            .nest(ROOT, endpoints())
            .method_not_allowed_fallback(async || Failure::Method)
            .fallback(async || Failure::NotFound)
            .layer(axum::middleware::from_fn_with_state(Arc::clone(self), passage::pass))
            .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
            .with_state(Arc::clone(self))
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Asks custody on a thread that may wait.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Custody) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let custody = self.custody.clone();
        tokio::task::spawn_blocking(move || question(&custody)).await.map_err(|error| {
            tracing::error!(%error, "a question of the Compliance API to custody was not answered");
            Failure::Unavailable
        })
    }
}

/// What there is beneath [`ROOT`].
fn endpoints() -> Router<Arc<Compliance>> {
    Router::new()
        .route("/activities", get(activities::list))
        .route("/organizations", get(directory::organizations))
        .route("/organizations/{uuid}/users", get(directory::users))
        .route("/organizations/{uuid}/roles", get(directory::roles))
        .route("/organizations/{uuid}/roles/{id}", get(directory::role))
        .route("/organizations/{uuid}/roles/{id}/permissions", get(directory::permissions))
        .route("/organizations/{uuid}/settings", get(directory::settings))
        .route("/groups", get(directory::groups))
        .route("/groups/{id}", get(directory::group))
        .route("/groups/{id}/members", get(directory::group))
        .route("/apps/chats", get(chats::list))
        .route("/apps/chats/{id}", delete(chats::delete))
        .route("/apps/chats/{id}/messages", get(chats::messages))
        .route("/apps/chats/files/{id}", get(chats::nothing).delete(chats::delete_nothing))
        .route("/apps/chats/files/{id}/content", get(chats::nothing))
        .merge(transparency_log::routes())
        .method_not_allowed_fallback(async || Failure::Method)
}

/// The thread that serves the Compliance API.
pub(crate) struct ComplianceThread(std::thread::JoinHandle<()>);

impl ComplianceThread {
    /// Serves until told to stop.
    ///
    /// # Errors
    /// When the thread or its event loop cannot be made.
    pub(crate) fn start(
        compliance: &Arc<Compliance>,
        listener: std::net::TcpListener,
        stop: watch::Receiver<bool>,
    ) -> Result<Self, StartError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING_THREADS_MAX)
            .build()
            .map_err(StartError::Thread)?;
        let limits = GatewayLimits {
            connections_max: CONNECTIONS_MAX,
            header_bytes_max: HEADER_BYTES_MAX,
            header_timeout_ms: HEADER_TIMEOUT_MS,
            ..GatewayLimits::default()
        };
        let router = compliance.router();
        let thread = std::thread::Builder::new()
            .name("compliance".to_owned())
            .spawn(move || {
                let served = serve_connections(listener, Acceptance::new(&limits, 1), stop, |address| {
                    let router = router.clone();
                    service_fn(move |mut request: Request<Incoming>| {
                        request.extensions_mut().insert(Peer(address));
                        let mut router = router.clone();
                        router.call(request)
                    })
                });
                if let Err(cause) = runtime.block_on(served) {
                    tracing::error!(%cause, "the Compliance API could not serve its listener");
                }
            })
            .map_err(StartError::Thread)?;
        Ok(Self(thread))
    }

    /// Waits for it to end.
    pub(crate) fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the Compliance API's thread ended by a panic");
        }
    }
}
