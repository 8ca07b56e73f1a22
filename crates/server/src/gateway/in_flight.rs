//! Counting what must finish before the program may end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counts records on their way to custody.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    count: AtomicUsize,
    idle: Notify,
}

/// One record on its way. Dropping it counts it off.
#[derive(Debug)]
pub(crate) struct Entered(Arc<Shared>);

impl InFlight {
    /// Counts one in.
    pub(crate) fn enter(&self) -> Entered {
        self.shared.count.fetch_add(1, Ordering::AcqRel);
        Entered(Arc::clone(&self.shared))
    }

    /// Waits until none is on its way.
    pub(crate) async fn idle(&self) {
        loop {
            let notified = self.shared.idle.notified();
            tokio::pin!(notified);
            // Registered before the count is read, so that the last one off cannot be missed.
            notified.as_mut().enable();
            if self.shared.count.load(Ordering::Acquire) == 0 {
                return;
            }
            notified.await;
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        if self.0.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}
