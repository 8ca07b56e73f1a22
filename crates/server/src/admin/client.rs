//! Sending a command to the server that holds the data. Blocking, for use outside of any event loop.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use fiducia_custody::{AdminCommand, AdminError, AdminReply};
use http::{Request, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;

use super::COMMAND_PATH;

/// The largest reply that is read.
const REPLY_BYTES_MAX: usize = 256 * 1024 * 1024;
/// For connecting. Commands themselves may take as long as they take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a command has no reply.
#[derive(Debug, thiserror::Error)]
pub enum AdminClientError {
    /// Nothing answers on the socket. The command was not carried out.
    #[error(
        "no server answers on {}: {cause}. If a server is running on this data directory it is starting or stopping; \
         try again", path.display()
    )]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The connection broke after the command was sent, so it may have been carried out.
    #[error(
        "the server broke the connection before it replied; the command may have been carried out, so look before you repeat it"
    )]
    Broken,
    /// The reply is of another version.
    #[error(
        "the server's reply cannot be read; the server and this program are probably of different versions"
    )]
    Unreadable,
    /// The server carried the command out, or not, and says so.
    #[error(transparent)]
    Refused(#[from] AdminError),
}

/// Sends `command` to the server behind `socket` and waits for its reply.
///
/// # Errors
/// See [`AdminClientError`]; [`AdminClientError::Refused`] carries the server's own word.
pub fn send(socket: &Path, command: &AdminCommand) -> Result<AdminReply, AdminClientError> {
    let unreachable = |cause| AdminClientError::Unreachable { path: socket.to_owned(), cause };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(unreachable)?;
    let body = serde_json::to_vec(command).map_err(|_| AdminClientError::Unreadable)?;
    let (accepted, reply) = runtime.block_on(exchange(socket, body))?;
    if accepted {
        serde_json::from_slice(&reply).map_err(|_| AdminClientError::Unreadable)
    } else {
        Err(serde_json::from_slice::<AdminError>(&reply)
            .map_or(AdminClientError::Unreadable, AdminClientError::Refused))
    }
}

async fn exchange(socket: &Path, body: Vec<u8>) -> Result<(bool, Bytes), AdminClientError> {
    let unreachable = |cause| AdminClientError::Unreachable { path: socket.to_owned(), cause };
    let stream = tokio::time::timeout(CONNECT_TIMEOUT, tokio::net::UnixStream::connect(socket))
        .await
        .map_err(|_| unreachable(std::io::Error::from(std::io::ErrorKind::TimedOut)))?
        .map_err(unreachable)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream))
            .await
            .map_err(|_| AdminClientError::Broken)?;
    let driver = tokio::spawn(connection);
    let request = Request::post(COMMAND_PATH)
        .header(header::HOST, "fiducia")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| AdminClientError::Unreadable)?;
    let response = sender.send_request(request).await.map_err(|_| AdminClientError::Broken)?;
    let accepted = response.status().is_success();
    let reply = Limited::new(response.into_body(), REPLY_BYTES_MAX)
        .collect()
        .await
        .map_err(|_| AdminClientError::Broken)?;
    drop(sender);
    driver.abort();
    Ok((accepted, reply.to_bytes()))
}
