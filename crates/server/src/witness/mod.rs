//! The witness protocol over HTTP (C2SP tlog-witness): logs send their checkpoints and get cosignatures.

mod collecting;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use fiducia_ledger::{
    ADD_CHECKPOINT_BYTES_MAX, AddCheckpoint, NotCosigned, TrustedLogs, WitnessFolder, WitnessKey,
    WitnessRefusal,
};
use fiducia_policy::Clock;
use http::{StatusCode, header};
use hyper_util::service::TowerToHyperService;
use tokio::sync::watch;

use crate::StartError;
use crate::gateway::{Acceptance, bind, serve_connections};
use crate::settings::GatewayLimits;

pub use self::collecting::{
    WitnessAddress, Witnessed, Witnessing, WitnessingSettings, WitnessingThread, held_by_witness,
    witnessed_checkpoint,
};

/// Connections at a time: a log keeps one.
const CONNECTIONS_MAX: usize = 128;
/// Threads that compare and store.
const BLOCKING_THREADS_MAX: usize = 4;

/// A witness: its key, its memory, and the logs that it knows.
pub struct Witness {
    /// The key that cosigns.
    pub key: WitnessKey,
    /// What was cosigned.
    pub folder: WitnessFolder,
    /// The logs, with their keys.
    pub logs: TrustedLogs,
    /// When.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Witness")
            .field("key", &self.key)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// A witness that serves. Dropping it stops it.
#[derive(Debug)]
pub struct RunningWitness {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl RunningWitness {
    /// Binds the listener and serves on a thread of its own.
    ///
    /// # Errors
    /// When the address or the thread cannot be used.
    pub fn start(listen: SocketAddr, witness: Witness) -> Result<Self, StartError> {
        let (listeners, address) = bind(listen, 1, "witness")?;
        let listener = listeners.into_iter().next().ok_or_else(|| StartError::Setting {
            setting: "witness",
            reason: "it has no listener".to_owned(),
        })?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING_THREADS_MAX)
            .build()
            .map_err(StartError::Thread)?;
        let (stop, stops) = watch::channel(false);
        let router = router(witness);
        let limits = GatewayLimits { connections_max: CONNECTIONS_MAX, ..GatewayLimits::default() };
        let thread = std::thread::Builder::new()
            .name("witness".to_owned())
            .spawn(move || {
                let served = serve_connections(listener, Acceptance::new(&limits, 1), stops, |_| {
                    TowerToHyperService::new(router.clone())
                });
                if let Err(cause) = runtime.block_on(served) {
                    tracing::error!(%cause, "the witness could not serve its listener");
                }
            })
            .map_err(StartError::Thread)?;
        Ok(Self { address, stop, thread: Some(thread) })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for RunningWitness {
    fn drop(&mut self) {
        // A receiver that is gone has stopped already.
        let _ = self.stop.send(true);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the witness's thread ended by a panic");
        }
    }
}

fn router(witness: Witness) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{log}/checkpoint", get(checkpoint))
        .route("/healthz", get(async || "ok\n"))
        .layer(DefaultBodyLimit::max(ADD_CHECKPOINT_BYTES_MAX))
        .with_state(Arc::new(witness))
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: Bytes) -> Response {
    let request = match AddCheckpoint::parse(&body) {
        Ok(request) => request,
        Err(refusal) => return refused(&refusal),
    };
    let outcome = tokio::task::spawn_blocking(move || {
        let now = witness.clock.now();
        witness.folder.add_checkpoint(&witness.key, &witness.logs, &request, now)
    });
    match outcome.await {
        Ok(Ok(cosigning)) => {
            tracing::info!(log = cosigning.origin, size = cosigning.held.size, "cosigned");
            plain(StatusCode::OK, "text/plain; charset=utf-8", cosigning.cosignature)
        }
        Ok(Err(NotCosigned::Refused(refusal))) => {
            if let WitnessRefusal::Forked { held } = &refusal {
                tracing::error!(held, "a log showed another history than the one that was cosigned");
            }
            refused(&refusal)
        }
        Ok(Err(NotCosigned::Failed(error))) => {
            tracing::error!(%error, "nothing can be cosigned");
            unavailable()
        }
        Err(error) => {
            tracing::error!(%error, "a checkpoint was not looked at");
            unavailable()
        }
    }
}

async fn checkpoint(State(witness): State<Arc<Witness>>, Path(log): Path<String>) -> Response {
    let Some(hash) = from_hex(&log) else { return StatusCode::NOT_FOUND.into_response() };
    match tokio::task::spawn_blocking(move || witness.folder.held(&hash)).await {
        Ok(Ok(Some(note))) => plain(StatusCode::OK, "text/plain; charset=utf-8", note),
        Ok(Ok(None)) => StatusCode::NOT_FOUND.into_response(),
        Ok(Err(_)) | Err(_) => unavailable(),
    }
}

fn refused(refusal: &WitnessRefusal) -> Response {
    let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::BAD_REQUEST);
    match refusal {
        WitnessRefusal::OtherSize { held } => plain(status, "text/x.tlog.size", format!("{held}\n")),
        other => plain(status, "text/plain; charset=utf-8", format!("{other}\n")),
    }
}

fn unavailable() -> Response {
    plain(
        StatusCode::SERVICE_UNAVAILABLE,
        "text/plain; charset=utf-8",
        "the witness cannot read or write its memory; nothing was cosigned\n".to_owned(),
    )
}

fn plain(status: StatusCode, kind: &'static str, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], text).into_response()
}

/// 64 lower-case digits.
fn from_hex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if text.len() != 64 {
        return None;
    }
    let mut bytes = [0_u8; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = *pair else { return None };
        *byte = digit(high)? * 16 + digit(low)?;
    }
    Some(bytes)
}
