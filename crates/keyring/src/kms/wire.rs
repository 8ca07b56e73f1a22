//! Requests to key management services and their answers, and who carries them.

use std::sync::Arc;

use zeroize::Zeroizing;

/// Longest answer of a service that is read, in bytes. Theirs have a few hundred.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long one request may take until its answer is whole, in milliseconds.
pub const REQUEST_TIMEOUT_MS: u64 = 5_000;

/// A request over HTTP. Its `Debug` shows where it goes and nothing of what it carries.
#[derive(Clone, PartialEq, Eq)]
pub struct KmsRequest {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Where it goes.
    pub url: String,
    /// Names in lower case, and values.
    pub headers: Vec<(&'static str, Zeroizing<String>)>,
    /// The body.
    pub body: Zeroizing<Vec<u8>>,
    /// How long it may take, in milliseconds.
    pub timeout_ms: u64,
}

impl std::fmt::Debug for KmsRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KmsRequest")
            .field("method", &self.method)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl KmsRequest {
    /// A request with a body of this type.
    pub(crate) fn post(url: String, content_type: &str, body: Zeroizing<Vec<u8>>) -> Self {
        let headers = vec![("content-type", Zeroizing::new(content_type.to_owned()))];
        Self { method: "POST", url, headers, body, timeout_ms: REQUEST_TIMEOUT_MS }
    }

    /// A request without a body.
    #[cfg(any(feature = "kms-google", feature = "kms-azure"))]
    pub(crate) fn get(url: String) -> Self {
        let body = Zeroizing::default();
        Self { method: "GET", url, headers: Vec::new(), body, timeout_ms: REQUEST_TIMEOUT_MS }
    }

    pub(crate) fn header(mut self, name: &'static str, value: Zeroizing<String>) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Puts a bearer token into the head.
    #[cfg(any(feature = "kms-google", feature = "kms-azure"))]
    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", Zeroizing::new(format!("Bearer {token}")))
    }
}

/// An answer. Its `Debug` shows the status alone.
#[derive(Clone, PartialEq, Eq)]
pub struct KmsResponse {
    /// The HTTP status.
    pub status: u16,
    /// The body, at most [`ANSWER_BYTES_MAX`].
    pub body: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for KmsResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KmsResponse").field("status", &self.status).finish_non_exhaustive()
    }
}

/// Why no answer came. The texts name no credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportProblem {
    /// No connection, or it broke.
    Unreachable(String),
    /// It took too long.
    TimedOut,
    /// The answer is longer than [`ANSWER_BYTES_MAX`].
    TooLong,
}

/// Carries requests. The program passes one that speaks TLS; tests pass recorded answers.
pub trait KmsTransport: Send + Sync + std::fmt::Debug {
    /// Sends a request and reads the whole answer. Redirects are not followed: they would carry credentials elsewhere.
    ///
    /// # Errors
    /// When no whole answer came in time.
    fn exchange(&self, request: &KmsRequest) -> Result<KmsResponse, TransportProblem>;
}

type ReadCredential = dyn Fn() -> Result<Zeroizing<String>, String> + Send + Sync;

/// A credential that is read each time it is used, so that one which is replaced on disk counts at once.
#[derive(Clone)]
pub struct Credential(Arc<ReadCredential>);

impl Credential {
    /// A credential that `read` gives; its errors must not hold the credential.
    pub fn new(read: impl Fn() -> Result<Zeroizing<String>, String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(read))
    }

    pub(crate) fn read(&self) -> Result<Zeroizing<String>, String> {
        (self.0)()
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential(redacted)")
    }
}

/// A secret text within an answer.
#[cfg(any(feature = "kms-aws", feature = "kms-google", feature = "kms-azure", feature = "kms-vault"))]
#[derive(Clone)]
pub(crate) struct SecretText(pub(crate) Zeroizing<String>);

#[cfg(any(feature = "kms-aws", feature = "kms-google", feature = "kms-azure", feature = "kms-vault"))]
impl<'de> serde::Deserialize<'de> for SecretText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Zeroizing::new(text)))
    }
}
