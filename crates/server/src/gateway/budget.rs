//! How many bytes of requests and answers may be in memory at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A bound on buffered bytes, shared by all connections.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    taken: AtomicUsize,
    bytes_max: usize,
}

/// The bound is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BudgetExhausted;

/// A share of the budget, given back when dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    shared: Arc<Shared>,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { shared: Arc::new(Shared { taken: AtomicUsize::new(0), bytes_max }) }
    }

    /// An empty share, to grow.
    pub(crate) fn share(&self) -> Reservation {
        Reservation { shared: Arc::clone(&self.shared), bytes: 0 }
    }

    /// Bytes taken at this moment.
    pub(crate) fn taken(&self) -> usize {
        self.shared.taken.load(Ordering::Relaxed)
    }
}

impl Reservation {
    /// Takes `bytes` more, or none.
    ///
    /// # Errors
    /// When the bound would be passed.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), BudgetExhausted> {
        let before = self.shared.taken.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > self.shared.bytes_max {
            self.shared.taken.fetch_sub(bytes, Ordering::Relaxed);
            return Err(BudgetExhausted);
        }
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.shared.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_bounded_and_given_back() {
        let budget = Budget::new(100);
        let mut first = budget.share();
        assert_eq!(first.grow(60), Ok(()));
        let mut second = budget.share();
        assert_eq!(second.grow(60), Err(BudgetExhausted));
        assert_eq!(second.grow(40), Ok(()));
        assert_eq!(budget.taken(), 100);
        drop(first);
        assert_eq!(budget.taken(), 40);
        drop(second);
        assert_eq!(budget.taken(), 0);
    }
}
