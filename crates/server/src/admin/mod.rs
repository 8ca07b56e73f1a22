//! The operators' commands over a Unix socket in the data directory, for when a running server holds the data.
//!
//! Whoever may open the socket may do everything; its mode is 0600 and it lies in a directory of mode 0700.

pub mod client;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use axum::Json;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use fiducia_custody::{AdminCommand, AdminError, Custody};

/// Where commands are posted.
pub(crate) const COMMAND_PATH: &str = "/v1/command";
/// The largest command; import chunks are the largest.
pub(crate) const COMMAND_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Makes the socket, for this user alone. A socket left behind by a program that is gone is replaced: the caller
/// holds the data directory's lock, so no other server can be using it.
///
/// # Errors
/// When the directory is not writable or the path is too long for a socket.
pub(crate) fn bind(path: &Path) -> std::io::Result<std::os::unix::net::UnixListener> {
    use std::os::unix::fs::FileTypeExt;
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => std::fs::remove_file(path)?,
        Ok(_) => return Err(std::io::Error::from(std::io::ErrorKind::AlreadyExists)),
        Err(_) => {}
    }
    let listener = std::os::unix::net::UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The admin interface.
pub(crate) fn router(custody: Custody) -> Router {
    Router::new()
        .route(COMMAND_PATH, post(command))
        .layer(DefaultBodyLimit::max(COMMAND_BYTES_MAX))
        .with_state(custody)
}

/// `POST /v1/command`: an [`AdminCommand`] in, an `AdminReply` or [`AdminError`] out.
async fn command(State(custody): State<Custody>, Json(command): Json<AdminCommand>) -> Response {
    // Commands read and write files; the event loop must not wait for them.
    let outcome = tokio::task::spawn_blocking(move || custody.administer(command)).await;
    let outcome = outcome.unwrap_or_else(|_| {
        Err(AdminError::Storage(
            "the command ended unexpectedly; look at the server's log before repeating it".to_owned(),
        ))
    });
    match outcome {
        Ok(reply) => Json(reply).into_response(),
        Err(error) => (status(&error), Json(error)).into_response(),
    }
}

fn status(error: &AdminError) -> StatusCode {
    match error {
        AdminError::NotFound(_) => StatusCode::NOT_FOUND,
        AdminError::Invalid(_) => StatusCode::BAD_REQUEST,
        AdminError::Forbidden(_) => StatusCode::FORBIDDEN,
        AdminError::Conflict(_) => StatusCode::CONFLICT,
        AdminError::TooMuch(_) => StatusCode::TOO_MANY_REQUESTS,
        AdminError::Destroyed(_) => StatusCode::GONE,
        AdminError::KeyClosed(_) | AdminError::Storage(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}
