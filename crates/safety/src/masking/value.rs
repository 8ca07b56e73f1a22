//! A value that was replaced.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// What a placeholder stands for: wiped from memory with its last copy, never shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Value(Arc<Zeroizing<String>>);

impl Value {
    pub(super) fn new(text: &str) -> Self {
        Self(Arc::new(Zeroizing::new(text.to_owned())))
    }

    /// Takes `text` over without another copy.
    pub(super) fn taken(text: String) -> Self {
        Self(Arc::new(Zeroizing::new(text)))
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Value(redacted)")
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}
