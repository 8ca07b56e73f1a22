//! The keeper: the thread that has key management services asked, again and again, while the data is open. It waits for none of them.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::access::{Changed, KeyAccess};

/// How often is looked whether a service must be asked.
pub(crate) const LOOKS_EVERY: Duration = Duration::from_secs(30);

/// The keeper's thread.
#[derive(Debug, Default)]
pub(crate) struct KeyKeeper(Mutex<Option<(Sender<()>, JoinHandle<()>)>>);

impl KeyKeeper {
    /// Starts the thread, which looks whenever `patience` is over; it calls `changed` whenever keys were opened or given up.
    pub(crate) fn start(
        access: Arc<KeyAccess>,
        patience: Duration,
        changed: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, std::io::Error> {
        let (stop, stopped): (Sender<()>, Receiver<()>) = channel();
        let changed: Changed = Arc::new(changed);
        let run = move || {
            while stopped.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                if access.has_remote() {
                    access.ask_due(&changed);
                }
            }
        };
        let thread = std::thread::Builder::new().name("fiducia-keys".to_owned()).spawn(run)?;
        Ok(Self(Mutex::new(Some((stop, thread)))))
    }

    /// Ends the thread, which is not waiting for any service. Askers that are waiting are left to themselves: what they are told then
    /// is dropped.
    pub(crate) fn stop(&self) {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((stop, thread)) = running {
            drop(stop);
            // An error means that it has ended already.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests;
