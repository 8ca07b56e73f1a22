//! Ctrl-C and the service manager's stop signal, as an event that can be waited for.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::{ExitStatus, Failure};

/// Whether the person or the service manager asked to stop. The first signal asks; the second ends the process at
/// once, which loses nothing that was acknowledged.
#[derive(Debug, Clone)]
pub(crate) struct Interrupts {
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    requested: Mutex<bool>,
    changed: Condvar,
}

impl Interrupts {
    /// Takes over SIGINT and SIGTERM for this process.
    ///
    /// # Errors
    /// When the system lets no handler or thread be made.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let failed = |cause| Failure::System { doing: "listen for signals", cause };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().map_err(failed)?;
        let (interrupt, terminate) = {
            let _inside = runtime.enter();
            (
                signal(SignalKind::interrupt()).map_err(failed)?,
                signal(SignalKind::terminate()).map_err(failed)?,
            )
        };
        let interrupts = Self { state: Arc::new(State::default()) };
        let told = interrupts.clone();
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || runtime.block_on(told.watch(interrupt, terminate)))
            .map_err(failed)?;
        Ok(interrupts)
    }

    async fn watch(self, mut interrupt: Signal, mut terminate: Signal) {
        next(&mut interrupt, &mut terminate).await;
        *self.state.requested.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.state.changed.notify_all();
        next(&mut interrupt, &mut terminate).await;
        std::process::exit(ExitStatus::Interrupted.code().into());
    }

    /// Whether a stop was asked for.
    pub(crate) fn requested(&self) -> bool {
        *self.state.requested.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits at most `longest` for a stop to be asked for, and says whether it was.
    pub(crate) fn wait(&self, longest: Duration) -> bool {
        let requested = self.state.requested.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.state.changed.wait_timeout_while(requested, longest, |requested| !*requested);
        let (requested, _) = waited.unwrap_or_else(PoisonError::into_inner);
        *requested
    }
}

async fn next(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
