//! Where the root of all keys lives: a file, or a key management service that never gives its key away.
//!
//! A service wraps few keys: the installation's, and that of each organisation which has a key of its own. All other keys
//! hang beneath those. Each adapter makes requests and reads answers without I/O; who carries them is an argument
//! ([`KmsTransport`]), so that what goes over the wire can be tested to the byte. A service is never given the wrapped key
//! itself: it wraps a key made for the occasion, under which the key is sealed, bound to organisation and id. What the
//! service stores or logs therefore opens nothing without `keys.db`, whatever it can bind by itself.

mod attempts;
#[cfg(feature = "kms-aws")]
mod aws;
#[cfg(feature = "kms-azure")]
mod azure_key_vault;
#[cfg(feature = "kms-google")]
mod google_cloud;
#[cfg(any(feature = "kms-google", feature = "kms-azure"))]
mod grant;
mod keyfile;
#[cfg(feature = "kms-pkcs11")]
mod pkcs11;
mod problem;
#[cfg_attr(
    not(any(feature = "kms-aws", feature = "kms-google", feature = "kms-azure", feature = "kms-vault")),
    expect(dead_code, reason = "only services over HTTP need all of it")
)]
mod remote;
#[cfg(feature = "kms-vault")]
mod vault_transit;
#[cfg_attr(
    not(any(feature = "kms-aws", feature = "kms-google", feature = "kms-azure", feature = "kms-vault")),
    expect(dead_code, reason = "only services over HTTP need all of it")
)]
mod wire;

use fiducia_policy::{KeyId, OrganizationId, Randomness};

pub use attempts::Pause;
#[cfg(feature = "kms-aws")]
pub use aws::{AwsCredentials, AwsKms};
#[cfg(feature = "kms-azure")]
pub use azure_key_vault::{AzureCredentials, AzureKeyVault};
#[cfg(feature = "kms-google")]
pub use google_cloud::{GoogleCloudKms, GoogleCredentials};
pub use keyfile::KeyfileKms;
#[cfg(feature = "kms-pkcs11")]
pub use pkcs11::{Pkcs11Library, Pkcs11Token};
pub use problem::{KmsError, KmsProblem};
pub use remote::{Adapter, AdapterError, Encrypted, KmsSurroundings, RemoteKms, WrapContext};
#[cfg(feature = "kms-vault")]
pub use vault_transit::VaultTransit;
pub use wire::{
    ANSWER_BYTES_MAX, Credential, KmsRequest, KmsResponse, KmsTransport, REQUEST_TIMEOUT_MS, TransportProblem,
};

use crate::symmetric::{SymmetricKey, push_part};

/// What a wrapped root is bound to: it opens for no other organisation and under no other id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RootBinding {
    /// Whose key it is.
    pub organization: OrganizationId,
    /// Which key.
    pub id: KeyId,
}

impl RootBinding {
    /// The binding as additional authenticated data, each part with its length in front.
    pub(crate) fn authenticated_data(self) -> Vec<u8> {
        let mut data = Vec::with_capacity(80);
        for part in [b"fiducia/wrap/root/v1".as_slice(), self.organization.as_bytes(), self.id.as_bytes()] {
            push_part(&mut data, part);
        }
        data
    }
}

/// A root as a service wrapped it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootWrap {
    /// Which version of the service's key wrapped it, where the service says so; it is needed to open the wrap.
    pub version: String,
    /// The wrap.
    pub bytes: Vec<u8>,
}

/// A key management service with one key of it: it wraps roots, and the key never leaves it.
pub trait KeyManagementService: Send + Sync + std::fmt::Debug {
    /// Wraps a root under the newest version of the service's key.
    ///
    /// # Errors
    /// When the service refuses, cannot be reached or does not answer in time.
    fn wrap_root(
        &self,
        binding: RootBinding,
        key: &SymmetricKey,
        randomness: &dyn Randomness,
    ) -> Result<RootWrap, KmsError>;

    /// Opens a root.
    ///
    /// # Errors
    /// When the service refuses, cannot be reached or does not answer in time, or the wrap is not authentic.
    fn unwrap_root(&self, binding: RootBinding, wrap: &RootWrap) -> Result<SymmetricKey, KmsError>;

    /// Whether it is in this process: then nobody can take the key away while the process runs, and asking again finds
    /// nothing new.
    fn is_local(&self) -> bool {
        false
    }

    /// Wraps and opens a throw-away key.
    ///
    /// # Errors
    /// As the two steps; a key that comes back changed is [`KmsProblem::WrongKey`].
    fn validate(&self, binding: RootBinding, randomness: &dyn Randomness) -> Result<RootWrap, KmsError> {
        let failed = |problem, detail: &str| KmsError {
            service: "the key management service".to_owned(),
            key: String::new(),
            problem,
            detail: detail.to_owned(),
        };
        let key = SymmetricKey::generate(randomness)
            .map_err(|error| failed(KmsProblem::Malformed, &error.to_string()))?;
        let wrap = self.wrap_root(binding, &key, randomness)?;
        if self.unwrap_root(binding, &wrap)?.is(&key) {
            Ok(wrap)
        } else {
            Err(failed(KmsProblem::WrongKey, "a throw-away key came back changed"))
        }
    }
}

/// What a status means where the service said no more.
#[cfg(any(feature = "kms-aws", feature = "kms-google", feature = "kms-azure", feature = "kms-vault"))]
pub(crate) fn problem_of_status(status: u16) -> KmsProblem {
    match status {
        401 | 403 => KmsProblem::Denied,
        404 | 410 => KmsProblem::NotFound,
        408 | 504 => KmsProblem::Slow,
        429 => KmsProblem::Throttled,
        500..=599 => KmsProblem::Unreachable,
        _ => KmsProblem::Malformed,
    }
}
