//! What can go wrong, in words for the person who trains.

use std::path::PathBuf;

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{action} {path}: {source}; no model was changed", path = path.display())]
    File { action: &'static str, path: PathBuf, source: std::io::Error },
    #[error("{path}, line {line}: {reason}", path = path.display())]
    Line { path: PathBuf, line: usize, reason: String },
    #[error("{0}")]
    Form(String),
}
