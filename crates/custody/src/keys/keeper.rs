//! The keeper: the one thread that asks key management services, again and again, while the data is open.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::access::KeyAccess;

/// How often is looked whether a service must be asked, in seconds.
const LOOKS_EVERY_SECONDS: u64 = 30;

/// The keeper's thread.
#[derive(Debug, Default)]
pub(crate) struct KeyKeeper(Mutex<Option<(Sender<()>, JoinHandle<()>)>>);

impl KeyKeeper {
    /// Starts the thread; it calls `changed` whenever keys were opened or given up.
    pub(crate) fn start(
        access: Arc<KeyAccess>,
        changed: impl Fn() + Send + 'static,
    ) -> Result<Self, std::io::Error> {
        let (stop, stopped): (Sender<()>, Receiver<()>) = channel();
        let run = move || {
            let patience = Duration::from_secs(LOOKS_EVERY_SECONDS);
            while stopped.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                if access.has_remote() && access.refresh() {
                    changed();
                }
            }
        };
        let thread = std::thread::Builder::new().name("fiducia-keys".to_owned()).spawn(run)?;
        Ok(Self(Mutex::new(Some((stop, thread)))))
    }

    /// Ends the thread. Blocks while a service is being asked.
    pub(crate) fn stop(&self) {
        let running = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((stop, thread)) = running {
            drop(stop);
            // An error means that it has ended already.
            let _ = thread.join();
        }
    }
}
