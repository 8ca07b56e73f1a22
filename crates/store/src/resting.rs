//! Connections for reading that rest between readers. Opening one reads the file's whole schema, which costs more than most reads.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{ControlStore, DataDirectory, KeyStore, StoreError};

/// Connections of one kind that rest at most. More readers than that at once open connections of their own and close them.
const RESTING_MAX: usize = 32;

/// A file that is opened for reading and can rest between readers.
pub trait Rest: Sized {
    /// Gives back what the reader left behind: its view of the file, and pages of it in memory. What was destroyed since must not
    /// stay in the memory of a connection that nobody uses.
    ///
    /// # Errors
    /// When SQLite does not; the connection is closed then.
    fn rest(&self) -> Result<(), StoreError>;
}

/// Connections for reading `control.db` and `keys.db`, opened when they are needed and kept for the next reader.
#[derive(Debug)]
pub struct Connections {
    root: PathBuf,
    control: Arc<Resting<ControlStore>>,
    keys: Arc<Resting<KeyStore>>,
}

impl Connections {
    /// For the files of a data directory; opens none yet.
    pub fn to(root: PathBuf) -> Self {
        Self { root, control: Arc::default(), keys: Arc::default() }
    }

    /// A connection to `control.db`.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn control(&self) -> Result<Lent<ControlStore>, StoreError> {
        self.control.lend(|| ControlStore::open_for_reading(&DataDirectory::control(&self.root)))
    }

    /// A connection to `keys.db`.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub fn keys(&self) -> Result<Lent<KeyStore>, StoreError> {
        self.keys.lend(|| KeyStore::open_for_reading(&DataDirectory::keys(&self.root)))
    }

    /// Closes what rests. What is lent is closed when it comes back, and later readers keep none.
    pub fn close(&self) {
        self.control.close();
        self.keys.close();
    }
}

/// None after it was closed.
#[derive(Debug)]
struct Resting<T>(Mutex<Option<Vec<T>>>);

impl<T> Default for Resting<T> {
    fn default() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }
}

impl<T: Rest> Resting<T> {
    fn lend(self: &Arc<Self>, open: impl FnOnce() -> Result<T, StoreError>) -> Result<Lent<T>, StoreError> {
        let rested = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut().and_then(Vec::pop);
        let store = match rested {
            Some(store) => store,
            None => open()?,
        };
        Ok(Lent { store: Some(store), to: Arc::clone(self) })
    }

    fn take_back(&self, store: T) {
        // A connection that could not let go of what it read is closed here.
        if store.rest().is_err() {
            return;
        }
        let mut resting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(resting) = resting.as_mut().filter(|resting| resting.len() < RESTING_MAX) {
            resting.push(store);
        }
    }

    fn close(&self) {
        let closed = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(closed);
    }
}

/// A connection that goes back to rest when its reader drops it.
#[derive(Debug)]
pub struct Lent<T: Rest> {
    /// INVARIANT: there is one until it is dropped.
    store: Option<T>,
    to: Arc<Resting<T>>,
}

impl<T: Rest> Deref for Lent<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.store {
            Some(store) => store,
            None => unreachable!("the connection is taken out only when it is dropped"),
        }
    }
}

impl<T: Rest> Drop for Lent<T> {
    fn drop(&mut self) {
        if let Some(store) = self.store.take() {
            self.to.take_back(store);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Counted(&'static str, bool);

    impl Rest for Counted {
        fn rest(&self) -> Result<(), StoreError> {
            if self.1 { Ok(()) } else { Err(StoreError::WalBusy { path: PathBuf::new() }) }
        }
    }

    fn lent(from: &Arc<Resting<Counted>>, new: &'static str) -> Lent<Counted> {
        from.lend(|| Ok(Counted(new, true))).unwrap()
    }

    #[test]
    fn what_comes_back_serves_the_next_reader_and_nobody_shares_it() {
        let resting = Arc::new(Resting::default());
        let (first, second) = (lent(&resting, "first"), lent(&resting, "second"));
        assert_eq!((first.0, second.0), ("first", "second"));
        drop(first);
        assert_eq!(lent(&resting, "third").0, "first");
        assert_eq!((lent(&resting, "fourth").0, second.0), ("first", "second"));
    }

    #[test]
    fn no_more_rest_than_the_limit_and_none_after_closing() {
        let resting = Arc::new(Resting::default());
        let many: Vec<_> = (0..RESTING_MAX + 3).map(|_| lent(&resting, "one")).collect();
        drop(many);
        assert_eq!(resting.0.lock().unwrap().as_ref().map(Vec::len), Some(RESTING_MAX));
        let late = lent(&resting, "late");
        resting.close();
        drop(late);
        assert_eq!(lent(&resting, "new").0, "new");
        assert!(resting.0.lock().unwrap().is_none());
    }

    #[test]
    fn one_that_cannot_let_go_is_closed() {
        let resting = Arc::new(Resting::default());
        drop(resting.lend(|| Ok(Counted("stuck", false))).unwrap());
        assert_eq!(lent(&resting, "new").0, "new");
    }
}
