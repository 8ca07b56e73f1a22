//! A key management service outside of this process, whichever it is: sealing around it, attempts, and leaving it alone.

use std::sync::Arc;

use fiducia_policy::{Clock, Randomness};
use zeroize::Zeroizing;

use super::attempts::{ATTEMPTS_MAX, Circuit, Pause, backoff};
use super::wire::TransportProblem;
use super::{KeyManagementService, KmsError, KmsProblem, RootBinding, RootWrap};
use crate::symmetric::{SymmetricKey, WRAP_BYTES};

/// Longest blob that a service gives for 32 bytes, in bytes. RSA with 4,096 bits gives 512.
const BLOB_BYTES_MAX: usize = 4_096;

/// What a service is asked to bind its ciphertext to, where it can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrapContext {
    /// The organisation's id.
    pub organization: String,
    /// The wrapped key's id.
    pub key: String,
}

impl WrapContext {
    /// Both as bytes.
    pub fn bytes(&self) -> Vec<u8> {
        format!("fiducia/{}/{}", self.organization, self.key).into_bytes()
    }
}

/// What a service made of 32 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encrypted {
    /// The version of the key, where the service says so.
    pub version: String,
    /// The ciphertext.
    pub blob: Vec<u8>,
}

/// A failure, with what the service said.
pub type AdapterError = (KmsProblem, String);

/// One kind of service, with one key of it.
pub trait Adapter: Send + Sync + std::fmt::Debug {
    /// Encrypts 32 bytes under the newest version of the key.
    ///
    /// # Errors
    /// What is wrong, and the service's own words.
    fn encrypt(&self, context: &WrapContext, secret: &[u8; 32]) -> Result<Encrypted, AdapterError>;

    /// Decrypts what [`Self::encrypt`] made.
    ///
    /// # Errors
    /// As there.
    fn decrypt(&self, context: &WrapContext, sealed: &Encrypted) -> Result<Zeroizing<Vec<u8>>, AdapterError>;
}

impl From<TransportProblem> for KmsProblem {
    fn from(problem: TransportProblem) -> Self {
        match problem {
            TransportProblem::Unreachable(_) => Self::Unreachable,
            TransportProblem::TimedOut => Self::Slow,
            TransportProblem::TooLong => Self::Malformed,
        }
    }
}

/// What a transport's problem is for an adapter.
pub(crate) fn carried(problem: TransportProblem) -> AdapterError {
    let detail = match &problem {
        TransportProblem::Unreachable(cause) => cause.clone(),
        TransportProblem::TimedOut => String::new(),
        TransportProblem::TooLong => "the answer is too long".to_owned(),
    };
    (problem.into(), detail)
}

/// A service outside of this process.
#[derive(Debug)]
pub struct RemoteKms<A> {
    service: String,
    key: String,
    adapter: A,
    circuit: Circuit,
    surroundings: KmsSurroundings,
}

/// What a service outside of this process needs of its surroundings.
#[derive(Clone)]
pub struct KmsSurroundings {
    /// The current time.
    pub clock: Arc<dyn Clock>,
    /// For waits of uneven length.
    pub randomness: Arc<dyn Randomness>,
    /// Waits.
    pub pause: Arc<dyn Pause>,
}

impl std::fmt::Debug for KmsSurroundings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KmsSurroundings")
    }
}

impl<A: Adapter> RemoteKms<A> {
    /// The key `key` of the service that the configuration calls `service`.
    pub fn new(
        service: impl Into<String>,
        key: impl Into<String>,
        adapter: A,
        surroundings: KmsSurroundings,
    ) -> Self {
        let (service, key) = (service.into(), key.into());
        Self { service, key, adapter, circuit: Circuit::default(), surroundings }
    }

    fn error(&self, problem: KmsProblem, detail: impl Into<String>) -> KmsError {
        let (service, key) = (self.service.clone(), self.key.clone());
        KmsError { service, key, problem, detail: detail.into() }
    }

    /// Asks, and asks again after a while where that may help, at most [`ATTEMPTS_MAX`] times.
    fn ask<T>(&self, ask: impl Fn(&A) -> Result<T, AdapterError>) -> Result<T, KmsError> {
        let mut attempt = 0;
        loop {
            let now = self.surroundings.clock.now();
            if !self.circuit.permits(now) {
                let detail = "it failed many times in a row and is left alone for half a minute";
                return Err(self.error(KmsProblem::Unreachable, detail));
            }
            let (problem, detail) = match ask(&self.adapter) {
                Ok(answer) => {
                    self.circuit.note(false, now);
                    return Ok(answer);
                }
                Err(failed) => failed,
            };
            self.circuit.note(problem.is_transient(), now);
            attempt += 1;
            if !problem.is_transient() || attempt >= ATTEMPTS_MAX {
                return Err(self.error(problem, detail));
            }
            let mut random = [0; 8];
            // Without randomness the wait is even, which harms nobody.
            let _ = self.surroundings.randomness.fill(&mut random);
            self.surroundings.pause.pause(backoff(attempt, u64::from_le_bytes(random)));
        }
    }
}

impl<A: Adapter> KeyManagementService for RemoteKms<A> {
    fn wrap_root(
        &self,
        binding: RootBinding,
        key: &SymmetricKey,
        randomness: &dyn Randomness,
    ) -> Result<RootWrap, KmsError> {
        let unsealed = |error: crate::KeyringError| self.error(KmsProblem::Malformed, error.to_string());
        let around = SymmetricKey::generate(randomness).map_err(unsealed)?;
        let inner = around.wrap(&binding.authenticated_data(), key.bytes(), randomness).map_err(unsealed)?;
        let sealed = self.ask(|adapter| adapter.encrypt(&context(binding), around.bytes()))?;
        if sealed.blob.is_empty() || sealed.blob.len() > BLOB_BYTES_MAX {
            return Err(self.error(KmsProblem::Malformed, format!("a wrap of {} bytes", sealed.blob.len())));
        }
        let mut bytes = inner.to_vec();
        bytes.extend_from_slice(&sealed.blob);
        Ok(RootWrap { version: sealed.version, bytes })
    }

    fn unwrap_root(&self, binding: RootBinding, wrap: &RootWrap) -> Result<SymmetricKey, KmsError> {
        let wrong = |detail: &str| self.error(KmsProblem::WrongKey, detail);
        let (inner, blob) =
            wrap.bytes.split_at_checked(WRAP_BYTES).ok_or_else(|| wrong("the stored wrap is too short"))?;
        let sealed = Encrypted { version: wrap.version.clone(), blob: blob.to_vec() };
        let opened = self.ask(|adapter| adapter.decrypt(&context(binding), &sealed))?;
        let around = SymmetricKey::from_bytes(&opened, "what the service decrypted")
            .map_err(|error| self.error(KmsProblem::Malformed, error.to_string()))?;
        around
            .unwrap(&binding.authenticated_data(), inner, "a root key")
            .map_err(|_| wrong("what the service decrypted does not open the key"))
    }
}

fn context(binding: RootBinding) -> WrapContext {
    WrapContext { organization: binding.organization.uuid(), key: binding.id.uuid() }
}
