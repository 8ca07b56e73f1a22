//! Why the data could not be opened.

use std::path::PathBuf;

use fiducia_keyring::KeyringError;
use fiducia_ledger::LedgerError;
use fiducia_policy::RandomnessUnavailable;
use fiducia_store::{DirectoryError, StoreError};

use crate::keychain::KeyPathError;
use crate::retention::governance::PolicyUnreadable;

/// The data cannot be opened. Nothing was changed unless the text says so.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory or its lock.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The keyfile or a wrapped key.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The keyfile lies with the data it protects.
    #[error(
        "the keyfile {0} lies inside the data directory; move it out: who copies the directory must not get the key"
    )]
    KeyfileInside(PathBuf),
    /// The keyfile is not the one this data was written with.
    #[error(
        "the keyfile does not open this data: it is not the one the data was written with; nothing was changed"
    )]
    WrongKeyfile,
    /// The service that wraps the installation's key cannot open it.
    #[error("the data was not opened: {0}")]
    Unavailable(fiducia_keyring::KmsError),
    /// An interrupted destruction could not be finished.
    #[error("an interrupted destruction could not be finished: {0}")]
    Destruction(String),
    /// The access policies cannot be used.
    #[error("{0}; the data was not opened")]
    AccessPolicies(#[from] fiducia_policy::AccessPolicyError),
    /// A thread could not be started.
    #[error("a thread could not be started: {0}")]
    Thread(#[from] std::io::Error),
    /// The random source failed.
    #[error(transparent)]
    Randomness(#[from] RandomnessUnavailable),
    /// An outbox row is not a fact.
    #[error("the outbox of {0} holds a row that is not a fact; the store is damaged")]
    Outbox(String),
    /// A policy that was published here cannot be read by this program.
    #[error(transparent)]
    Policy(#[from] PolicyUnreadable),
}

impl From<KeyPathError> for OpenError {
    fn from(error: KeyPathError) -> Self {
        match error {
            KeyPathError::Keyring(KeyringError::Unauthentic { .. }) => Self::WrongKeyfile,
            KeyPathError::Keyring(error) => Self::Keyring(error),
            KeyPathError::Unavailable(error) => Self::Unavailable(error),
            KeyPathError::Store(error) => Self::Store(error),
            KeyPathError::NoOrganizationKey(id) => Self::Outbox(format!("the key graph of {id}")),
            KeyPathError::Destroyed(id) | KeyPathError::Damaged(id) => {
                Self::Outbox(format!("the key graph at {id}"))
            }
        }
    }
}
