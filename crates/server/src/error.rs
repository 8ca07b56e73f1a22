//! Why a server did not start.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::secret::SecretUnreadable;

/// The server did not start. Nothing was listening and nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address could not be listened on.
    #[error(
        "cannot listen on {address} for the {purpose}: {cause}. Choose another address, or stop what uses this one"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What for: `gateway` or `operations`.
        purpose: &'static str,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The admin socket could not be made.
    #[error("cannot make the admin socket {}: {cause}. The data directory must be writable and its path short", path.display())]
    AdminSocket {
        /// Its path.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A thread or its event loop could not be made.
    #[error("cannot start a serving thread: {0}")]
    Thread(std::io::Error),
    /// A witness does not vouch for a log, or too few can be asked.
    #[error("{0}. Nothing was served or changed")]
    Unwitnessed(String),
    /// No provider is configured.
    #[error("no provider is configured, so there is nothing to send requests to; add one under [providers]")]
    NoProvider,
    /// A provider's settings do not fit together.
    #[error("the provider \"{provider}\" cannot be used: {reason}")]
    Provider {
        /// Its name in the settings.
        provider: String,
        /// What to change.
        reason: String,
    },
    /// A provider's key could not be read.
    #[error("the key of provider \"{provider}\" cannot be used: {cause}")]
    ProviderKey {
        /// Its name in the settings.
        provider: String,
        /// Why.
        cause: SecretUnreadable,
    },
    /// A route or default names a provider that does not exist, or a pattern that is none.
    #[error("the routing table cannot be used: {0}")]
    Route(String),
    /// A setting is out of bounds.
    #[error("the setting {setting} cannot be used: {reason}")]
    Setting {
        /// Its name.
        setting: &'static str,
        /// What to change.
        reason: String,
    },
}
