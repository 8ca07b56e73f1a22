//! A deadline that moves with progress, at the price of reading the clock: the timer is touched only when nothing
//! arrives.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::Sleep;

/// Expires when nothing progressed for a while.
pub(crate) struct IdleDeadline {
    idle_max: Duration,
    last_progress: Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

impl IdleDeadline {
    /// Counts from now.
    pub(crate) fn new(idle_max: Duration) -> Self {
        Self { idle_max, last_progress: Instant::now(), timer: None }
    }

    /// Something arrived.
    pub(crate) fn progressed(&mut self) {
        self.last_progress = Instant::now();
    }

    /// Whether the deadline has passed; else the task is woken when it may have.
    pub(crate) fn poll_expired(&mut self, context: &mut Context<'_>) -> bool {
        let deadline = self.last_progress + self.idle_max;
        let timer = self.timer.get_or_insert_with(|| {
            Box::pin(tokio::time::sleep_until(tokio::time::Instant::from_std(deadline)))
        });
        loop {
            match timer.as_mut().poll(context) {
                Poll::Pending => return false,
                Poll::Ready(()) if Instant::now() >= deadline => return true,
                Poll::Ready(()) => timer.as_mut().reset(tokio::time::Instant::from_std(deadline)),
            }
        }
    }
}
