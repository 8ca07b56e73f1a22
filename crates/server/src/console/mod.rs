//! The console: what people see of Fiducia in a browser.
//!
//! Every essential act is a form and works without JavaScript; what needs a script is signing in by passkey, because browsers
//! have no form for it. A page is one file in [`pages`] and one line in its list. Everything an answer goes through lies in
//! [`answer`]; what is sent in is checked in [`form`]; who asks is found in [`visitor`].

mod answer;
mod api;
mod assets;
mod centre;
mod ceremonies;
mod cookies;
mod device;
mod form;
mod frame;
mod identity;
mod pages;
mod provider_client;
mod refusal;
mod settings;
mod site;
mod texts;
mod visitor;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use fiducia_custody::{Custody, Password, SessionTerms, SignInRefused};
use fiducia_policy::{Clock, Randomness, Timestamp};
use http::Request;
use hyper::body::Incoming;
use hyper_util::service::TowerToHyperService;
use tokio::sync::{Semaphore, watch};
use tower_service::Service;

use self::ceremonies::Ceremonies;
use self::identity::{IdentityProvider, Luggage};
use self::refusal::Refusal;
use self::site::Site;
use self::visitor::{Peer, Visitor};
use crate::StartError;
use crate::gateway::{Acceptance, bind, serve_connections};
use crate::metrics::Metrics;
use crate::settings::GatewayLimits;

pub use self::api::api_document;
pub use self::pages::key_graph_drawing;
pub use self::settings::{ConsoleSettings, IdentityProviderSettings};

/// The largest form.
const BODY_BYTES_MAX: usize = 64 * 1024;
/// Connections at a time.
const CONNECTIONS_MAX: usize = 512;
/// A request's line and headers.
const HEADER_BYTES_MAX: usize = 32 * 1024;
/// Within which headers arrive, and for how long a connection may idle, in milliseconds.
const HEADER_TIMEOUT_MS: u64 = 30_000;
/// Threads that wait for the store or hash passwords.
const BLOCKING_THREADS_MAX: usize = 16;
/// Passwords that are hashed at a time, each with 19 MiB.
const HASHINGS_MAX: usize = 2;
/// How long a password waits for its turn to be hashed.
const HASHING_PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// What the console's handlers share.
pub(crate) struct Console {
    settings: ConsoleSettings,
    site: Site,
    custody: Custody,
    api: api::Api,
    clock: Arc<dyn Clock>,
    randomness: Arc<dyn Randomness>,
    metrics: Arc<Metrics>,
    providers: Vec<IdentityProvider>,
    hashing: Semaphore,
    challenges: Mutex<Ceremonies<[u8; 32]>>,
    departures: Mutex<Ceremonies<Luggage>>,
}

impl Console {
    /// Checks the settings and binds the listener; serves nothing yet.
    ///
    /// # Errors
    /// When a setting or the address cannot be used.
    pub(crate) fn bind(
        settings: &ConsoleSettings,
        custody: Custody,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
        metrics: Arc<Metrics>,
    ) -> Result<(Arc<Self>, std::net::TcpListener, SocketAddr), StartError> {
        let unfit = |reason: String| StartError::Setting { setting: "console", reason };
        if let Some(problem) = settings.problems().into_iter().next() {
            return Err(unfit(problem));
        }
        let site = Site::new(&settings.public_url).map_err(|problem| unfit(problem.to_owned()))?;
        let providers = settings
            .identity_providers
            .iter()
            .map(|(name, provider)| IdentityProvider::new(name, provider, &site.origin, Arc::clone(&clock)))
            .collect::<Result<_, _>>()?;
        let (listeners, address) = bind(settings.listen, 1, "console")?;
        let listener = listeners.into_iter().next().ok_or_else(|| unfit("it has no listener".to_owned()))?;
        let mut secret = [0_u8; 32];
        let filled = randomness.fill(&mut secret);
        filled.map_err(|error| unfit(format!("it has no randomness: {error}")))?;
        let console = Self {
            api: api::Api::new(&secret),
            settings: settings.clone(),
            site,
            custody,
            clock,
            randomness,
            metrics,
            providers,
            hashing: Semaphore::new(HASHINGS_MAX),
            challenges: Mutex::default(),
            departures: Mutex::default(),
        };
        Ok((Arc::new(console), listener, address))
    }

    fn router(self: &Arc<Self>) -> Router {
        pages::routes()
            .route("/assets/{name}", get(assets::serve))
            .merge(api::routes(self))
            .fallback(async || Refusal::NotFound)
            .layer(axum::middleware::from_fn_with_state(Arc::clone(self), answer::finish))
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
    ) -> Result<T, Refusal> {
        let custody = self.custody.clone();
        tokio::task::spawn_blocking(move || question(&custody)).await.map_err(|error| {
            tracing::error!(%error, "a question of the console to custody was not answered");
            Refusal::Unavailable
        })
    }

    /// Asks something that hashes a password. Few do at a time; who waits too long is told to come again.
    async fn ask_hashing<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Custody) -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let turn = tokio::time::timeout(HASHING_PATIENCE, self.hashing.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err(Refusal::Unavailable) };
        self.ask(question).await
    }

    fn fresh_secret(&self) -> Result<[u8; 32], Refusal> {
        let mut secret = [0_u8; 32];
        self.randomness.fill(&mut secret).map_err(|error| {
            tracing::error!(%error, "the console has no randomness");
            Refusal::Unavailable
        })?;
        Ok(secret)
    }

    fn challenges(&self) -> MutexGuard<'_, Ceremonies<[u8; 32]>> {
        self.challenges.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn departures(&self) -> MutexGuard<'_, Ceremonies<Luggage>> {
        self.departures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The attempt of this visitor to sign in.
    fn attempt(&self, visitor: &Visitor) -> fiducia_custody::Attempt {
        fiducia_custody::Attempt {
            browser: visitor.browser.clone(),
            terms: SessionTerms {
                visit: visitor.secret,
                idle_seconds: i64::from(self.settings.session_idle_minutes) * 60,
                seconds_max: i64::from(self.settings.session_hours_max) * 3_600,
            },
        }
    }

    async fn sign_in_with_password(
        &self,
        visitor: &Visitor,
        login: String,
        password: Password,
    ) -> Result<Result<fiducia_custody::NewSession, SignInRefused>, Refusal> {
        let attempt = self.attempt(visitor);
        self.ask_hashing(move |custody| custody.sign_in_with_password(&login, &password, &attempt)).await
    }
}

/// The console's thread.
pub(crate) struct ConsoleThread(std::thread::JoinHandle<()>);

impl ConsoleThread {
    /// Serves until told to stop.
    ///
    /// # Errors
    /// When the thread or its event loop cannot be made.
    pub(crate) fn start(
        console: Arc<Console>,
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
        let thread = std::thread::Builder::new()
            .name("console".to_owned())
            .spawn(move || {
                let router = console.router();
                let served = serve_connections(listener, Acceptance::new(&limits, 1), stop, |address| {
                    TowerToHyperService::new(FromPeer { router: router.clone(), peer: Peer(address) })
                });
                if let Err(cause) = runtime.block_on(served) {
                    tracing::error!(%cause, "the console could not serve its listener");
                }
            })
            .map_err(StartError::Thread)?;
        Ok(Self(thread))
    }

    /// Waits for it to end.
    pub(crate) fn join(self) {
        if self.0.join().is_err() {
            tracing::error!("the console's thread ended by a panic");
        }
    }
}

/// The router, which tells each request where its connection comes from.
#[derive(Clone)]
struct FromPeer {
    router: Router,
    peer: Peer,
}

impl Service<Request<Incoming>> for FromPeer {
    type Response = axum::response::Response;
    type Error = std::convert::Infallible;
    type Future = axum::routing::future::RouteFuture<std::convert::Infallible>;

    fn poll_ready(
        &mut self,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), std::convert::Infallible>> {
        Service::<Request<Incoming>>::poll_ready(&mut self.router, context)
    }

    fn call(&mut self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        self.router.call(request)
    }
}
