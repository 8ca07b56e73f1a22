//! Sealing, wrapping, releasing and the KMS adapters. The only crate that imports the AEAD.
//!
//! ```text
//! KMS root ─┬─ service root ─┬─ subject key ─┬─ conversation key ────────────┐
//!           │                │               └─ contact key (one value)      │
//!           │                └─ subject key apart ─┬─ conversation key ──────┤
//!           │                                      └─ matching key           ├─ data key ─ record
//!           ├─ root of a purpose ┄ subject key (an edge while consent is given)
//!           └─ safety root of a day ─ conversation's safety key of the day ┘
//! ```
//!
//! Between the KMS and the roots stands one key of each organisation. Those of organisations with a key at a service of
//! their own are wrapped by that service, the others under the installation's key, which the installation's KMS wraps.
//!
//! The matching key is for keyed digests only. A subject's key apart can have no edge of consent.
//!
//! Every arrow is a [`Wrap`]: AES-256-GCM of the child key under the parent key, bound to both ids. Keys are random,
//! never derived, so destroying one cannot be undone by computing it again. A record's data key is used for one
//! message only. What is **not** protected here: which keys exist, how large records are, and when they were made.

mod consent;
mod error;
mod kms;
mod record;
mod sealed_file;
mod sealed_value;
mod symmetric;

pub use consent::{ConsentedKey, wrap_for_consent};
pub use error::KeyringError;
#[cfg(feature = "kms-vault")]
pub use kms::VaultTransit;
pub use kms::{
    ANSWER_BYTES_MAX, Adapter, AdapterError, Credential, Encrypted, KeyManagementService, KeyfileKms,
    KmsError, KmsProblem, KmsRequest, KmsResponse, KmsSurroundings, KmsTransport, Pause, REQUEST_TIMEOUT_MS,
    RemoteKms, RootBinding, RootWrap, TransportProblem, WrapContext,
};
#[cfg(feature = "kms-aws")]
pub use kms::{AwsCredentials, AwsKms};
#[cfg(feature = "kms-azure")]
pub use kms::{AzureCredentials, AzureKeyVault};
#[cfg(feature = "kms-google")]
pub use kms::{GoogleCloudKms, GoogleCredentials};
#[cfg(feature = "kms-pkcs11")]
pub use kms::{Pkcs11Library, Pkcs11Token};
pub use record::{DataKey, FreshDataKey, RecordBinding, SealedRecord, release, rewrap, still_opens};
pub use sealed_file::{FILE_RECIPIENTS_MAX, FileRecipient, SealedFile};
pub use sealed_value::{SEALED_VALUE_BYTES_MAX, open_value, seal_value};
pub use symmetric::{MatchingKey, SymmetricKey, WRAP_BYTES, Wrap};
