//! Both schemes of pages.

use serde::{Deserialize, Serialize};

/// A page that is walked by the ids of its ends, in either direction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CursorPage<T> {
    /// The rows, in the order that was asked for.
    pub data: Vec<T>,
    /// Whether there are more in the direction that was asked for.
    pub has_more: bool,
    /// What `before_id` takes to move against the order; null on an empty page.
    pub first_id: Option<String>,
    /// What `after_id` takes to move on; null on an empty page.
    pub last_id: Option<String>,
}

/// A page that is walked forward by a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenPage<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Whether there are more.
    pub has_more: bool,
    /// What `page` takes to move on; null on the last page.
    pub next_page: Option<String>,
}
