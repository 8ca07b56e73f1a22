//! Starting and stopping.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use fiducia_custody::Custody;
use fiducia_policy::{Clock, Randomness};
use tokio::sync::watch;

use crate::compliance::{Compliance, ComplianceThread};
use crate::console::{Console, ConsoleThread};
use crate::gateway::{self, Gateway, GatewayThreads};
use crate::metrics::Metrics;
use crate::settings::ServerSettings;
use crate::{StartError, admin, operations};

/// The most serving threads; more cores than this gain nothing on one listener address.
const THREADS_MAX: usize = 256;

/// The server, before it runs.
#[derive(Debug, Clone, Copy)]
pub struct Server;

/// Where a running server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// The gateway.
    pub gateway: SocketAddr,
    /// Health, metrics and the ledger's files.
    pub operations: Option<SocketAddr>,
    /// The console.
    pub console: Option<SocketAddr>,
    /// The Compliance API.
    pub compliance: Option<SocketAddr>,
    /// The admin socket.
    pub admin_socket: Option<PathBuf>,
}

/// A server that runs until it is shut down. Dropping it shuts it down too.
pub struct RunningServer {
    addresses: Addresses,
    stop_gateway: watch::Sender<bool>,
    stop_side: watch::Sender<bool>,
    gateway: Option<GatewayThreads>,
    console: Option<ConsoleThread>,
    compliance: Option<ComplianceThread>,
    side: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    /// Binds every listener and serves on threads of its own. Returns once all listeners accept.
    ///
    /// `custody` stays the caller's to close, after [`RunningServer::shutdown`].
    ///
    /// # Errors
    /// When a setting, key, address, socket or thread cannot be used; nothing is then listening.
    pub fn start(
        settings: &ServerSettings,
        custody: Custody,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
    ) -> Result<RunningServer, StartError> {
        let metrics = Arc::new(Metrics::new());
        let gateway = Arc::new(Gateway::new(
            settings,
            custody.clone(),
            Arc::clone(&clock),
            Arc::clone(&randomness),
            Arc::clone(&metrics),
        )?);
        let threads = threads(settings.gateway.threads)?;
        let (listeners, address) = gateway::bind(settings.gateway.listen, threads, "gateway")?;
        let console = settings
            .console
            .as_ref()
            .map(|console| {
                let (clock, randomness) = (Arc::clone(&clock), Arc::clone(&randomness));
                Console::bind(console, custody.clone(), clock, randomness, metrics)
            })
            .transpose()?;
        let compliance = settings
            .compliance
            .as_ref()
            .map(|compliance| Compliance::bind(compliance, custody.clone(), clock, randomness))
            .transpose()?;
        let side = SideListeners::bind(settings, &gateway, custody)?;
        let (stop_gateway, gateway_stops) = watch::channel(false);
        let (stop_side, side_stops) = watch::channel(false);
        let addresses = Addresses {
            gateway: address,
            operations: side.operations.as_ref().map(|(_, address, _)| *address),
            console: console.as_ref().map(|(_, _, address)| *address),
            compliance: compliance.as_ref().map(|(_, _, address)| *address),
            admin_socket: settings.admin_socket.clone(),
        };
        let console = console
            .map(|(console, listener, _)| ConsoleThread::start(console, listener, gateway_stops.clone()))
            .transpose()?;
        let compliance = compliance
            .map(|(compliance, listener, _)| {
                ComplianceThread::start(&compliance, listener, gateway_stops.clone())
            })
            .transpose()?;
        let side = side.start(side_stops)?;
        let gateway = GatewayThreads::start(&gateway, listeners, &gateway_stops)?;
        Ok(RunningServer {
            addresses,
            stop_gateway,
            stop_side,
            gateway: Some(gateway),
            console,
            compliance,
            side: Some(side),
        })
    }
}

fn threads(asked: usize) -> Result<usize, StartError> {
    if asked > THREADS_MAX {
        let reason = format!("at most {THREADS_MAX}");
        return Err(StartError::Setting { setting: "gateway.threads", reason });
    }
    if asked > 0 {
        return Ok(asked);
    }
    Ok(std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get).min(THREADS_MAX))
}

impl RunningServer {
    /// Where it listens, with the ports that were really taken.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Stops accepting, lets exchanges in flight finish within the grace, hands what was cut to custody, and ends.
    /// Blocks until then; call it outside of an event loop. Close custody afterwards.
    pub fn shutdown(mut self) {
        self.stop();
    }

    fn stop(&mut self) {
        // A receiver that is gone has stopped already.
        let _ = self.stop_gateway.send(true);
        if let Some(gateway) = self.gateway.take() {
            gateway.join();
        }
        if let Some(console) = self.console.take() {
            console.join();
        }
        if let Some(compliance) = self.compliance.take() {
            compliance.join();
        }
        // Health and metrics stay up until the last exchange is done.
        let _ = self.stop_side.send(true);
        if self.side.take().is_some_and(|side| side.join().is_err()) {
            tracing::error!("the operations thread ended by a panic");
        }
        if let Some(path) = self.addresses.admin_socket.take() {
            // Left behind, it would only be replaced at the next start.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The listeners beside the gateway; they share one thread.
struct SideListeners {
    operations: Option<(std::net::TcpListener, SocketAddr, Router)>,
    admin: Option<(std::os::unix::net::UnixListener, Router)>,
}

impl SideListeners {
    fn bind(settings: &ServerSettings, gateway: &Arc<Gateway>, custody: Custody) -> Result<Self, StartError> {
        let operations = match &settings.operations {
            None => None,
            Some(operations) => {
                let (listeners, address) = gateway::bind(operations.listen, 1, "operations")?;
                let router = operations::router(Arc::clone(gateway), operations.ledger_directory.clone());
                listeners.into_iter().next().map(|listener| (listener, address, router))
            }
        };
        let admin = match &settings.admin_socket {
            None => None,
            Some(path) => {
                let failed = |cause| StartError::AdminSocket { path: path.clone(), cause };
                Some((admin::bind(path).map_err(failed)?, admin::router(custody)))
            }
        };
        Ok(Self { operations, admin })
    }

    fn start(self, stop: watch::Receiver<bool>) -> Result<std::thread::JoinHandle<()>, StartError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Thread)?;
        std::thread::Builder::new()
            .name("operations".to_owned())
            .spawn(move || {
                if let Err(cause) = runtime.block_on(self.serve(stop)) {
                    tracing::error!(%cause, "the operations thread could not serve its listeners");
                }
            })
            .map_err(StartError::Thread)
    }

    async fn serve(self, stop: watch::Receiver<bool>) -> std::io::Result<()> {
        let stopped = |mut stop: watch::Receiver<bool>| async move {
            gateway::stopped(&mut stop).await;
        };
        let (for_operations, for_admin) = (stop.clone(), stop);
        let operations = async {
            let Some((listener, _, router)) = self.operations else { return Ok(()) };
            let listener = tokio::net::TcpListener::from_std(listener)?;
            axum::serve(listener, router).with_graceful_shutdown(stopped(for_operations)).await
        };
        let admin = async {
            let Some((listener, router)) = self.admin else { return Ok(()) };
            let listener = tokio::net::UnixListener::from_std(listener)?;
            axum::serve(listener, router).with_graceful_shutdown(stopped(for_admin)).await
        };
        tokio::try_join!(operations, admin).map(|_| ())
    }
}
