//! What can go wrong with keys.

use std::path::PathBuf;

use fiducia_policy::{RandomnessUnavailable, RecordId};

/// A failure of sealing, wrapping or the KMS. No variant carries key material or content.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The random source failed.
    #[error(transparent)]
    Randomness(#[from] RandomnessUnavailable),
    /// A wrap or ciphertext did not authenticate under the key that should open it.
    #[error("{what} does not open with its key: it was altered, or belongs to another record or tenant")]
    Unauthentic {
        /// What was being opened.
        what: &'static str,
    },
    /// The data key does not match the commitment stored with the record.
    #[error("the key of {0} does not match the commitment stored with it; the record was not opened")]
    Commitment(RecordId),
    /// The authority does not cover the record.
    #[error("the access entry does not cover {0}; nothing was decrypted")]
    NotCovered(RecordId),
    /// A stored value has the wrong length.
    #[error("{what} has {found} bytes instead of {expected}; the store is damaged")]
    Length {
        /// What was read.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length it must have.
        expected: usize,
    },
    /// The plaintext is longer than GCM may take in one message (2^36 - 32 bytes) or the machine can address.
    #[error("the record is too large to seal")]
    TooLarge,
    /// A text is no public key that a file can be sealed for. Never quoted: it might be somebody's secret key.
    #[error("this is no recipient: give a public key that begins with `age1`, as `age-keygen` prints it")]
    NoRecipient,
    /// The keyfile cannot be used.
    #[error("the keyfile {path} {problem}")]
    Keyfile {
        /// Which file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
}
