//! The transit engine of HashiCorp Vault and OpenBao: `encrypt` and `decrypt` with associated data.
//!
//! Source: "Transit secrets engine (API)". The key must be of a type that takes associated data: `aes256-gcm96` (the usual
//! one), `aes128-gcm96` or `chacha20-poly1305`.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::remote::{Adapter, AdapterError, Encrypted, WrapContext, carried};
use super::wire::{Credential, KmsRequest, KmsTransport, SecretText};
use super::{KmsProblem, problem::plain};

/// A key of a transit engine.
#[derive(Clone)]
pub struct VaultTransit {
    /// The server's base URL, such as `https://vault.example.org:8200`.
    pub address: String,
    /// Where the engine is mounted; usually `transit`.
    pub mount: String,
    /// The namespace, where there are any.
    pub namespace: Option<String>,
    /// The key's name.
    pub key: String,
    /// The token, such as the file that the server's agent keeps fresh.
    pub token: Credential,
    /// Carries requests.
    pub transport: Arc<dyn KmsTransport>,
}

impl std::fmt::Debug for VaultTransit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VaultTransit")
            .field("address", &self.address)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Asked<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    plaintext: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext: Option<&'a str>,
    associated_data: String,
}

#[derive(Deserialize)]
struct Answered {
    data: AnsweredData,
}

#[derive(Deserialize)]
struct AnsweredData {
    ciphertext: Option<String>,
    plaintext: Option<SecretText>,
    key_version: Option<u64>,
}

#[derive(Deserialize, Default)]
struct Refused {
    #[serde(default)]
    errors: Vec<String>,
}

impl VaultTransit {
    fn call(&self, operation: &str, asked: &Asked<'_>) -> Result<AnsweredData, AdapterError> {
        let body = serde_json::to_vec(asked).map_err(|error| (KmsProblem::Malformed, error.to_string()))?;
        let url = format!("{}/v1/{}/{operation}/{}", self.address, self.mount, self.key);
        let token = self.token.read().map_err(|cause| (KmsProblem::Denied, cause))?;
        let mut request =
            KmsRequest::post(url, "application/json", Zeroizing::new(body)).header("x-vault-token", token);
        if let Some(namespace) = &self.namespace {
            request = request.header("x-vault-namespace", Zeroizing::new(namespace.clone()));
        }
        let answer = self.transport.exchange(&request).map_err(carried)?;
        if answer.status == 200 {
            return serde_json::from_slice::<Answered>(&answer.body)
                .map(|answered| answered.data)
                .map_err(|error| (KmsProblem::Malformed, error.to_string()));
        }
        let refused: Refused = serde_json::from_slice(&answer.body).unwrap_or_default();
        let detail = plain(&format!("{} {}", answer.status, refused.errors.join("; ")));
        Err((problem_of(answer.status, &detail), detail))
    }
}

/// What the engine's errors mean: most have the status 400, and only their words tell them apart.
fn problem_of(status: u16, detail: &str) -> KmsProblem {
    let says = |words: &str| detail.contains(words);
    match status {
        400 | 404
            if says("encryption key not found") || says("no handler for route") || says("key not found") =>
        {
            KmsProblem::NotFound
        }
        400 if says("soft deleted") || says("soft-deleted") => KmsProblem::Destroyed,
        400 if says("disallowed by policy") || says("too old") => KmsProblem::Disabled,
        400 if says("message authentication failed")
            || says("invalid ciphertext")
            || says("unable to decrypt") =>
        {
            KmsProblem::WrongKey
        }
        _ => super::problem_of_status(status),
    }
}

impl Adapter for VaultTransit {
    fn encrypt(&self, context: &WrapContext, secret: &[u8; 32]) -> Result<Encrypted, AdapterError> {
        let plaintext = Zeroizing::new(STANDARD.encode(secret));
        let asked = Asked {
            plaintext: Some(&plaintext),
            ciphertext: None,
            associated_data: STANDARD.encode(context.bytes()),
        };
        let answered = self.call("encrypt", &asked)?;
        let ciphertext = answered
            .ciphertext
            .ok_or_else(|| (KmsProblem::Malformed, "encrypt gave no ciphertext".to_owned()))?;
        let version = answered.key_version.map_or_else(String::new, |version| version.to_string());
        Ok(Encrypted { version, blob: ciphertext.into_bytes() })
    }

    fn decrypt(&self, context: &WrapContext, sealed: &Encrypted) -> Result<Zeroizing<Vec<u8>>, AdapterError> {
        let ciphertext = std::str::from_utf8(&sealed.blob)
            .map_err(|_| (KmsProblem::WrongKey, "the stored wrap is not of this service".to_owned()))?;
        let asked = Asked {
            plaintext: None,
            ciphertext: Some(ciphertext),
            associated_data: STANDARD.encode(context.bytes()),
        };
        let answered = self.call("decrypt", &asked)?;
        answered
            .plaintext
            .and_then(|plaintext| STANDARD.decode(plaintext.0.as_bytes()).ok())
            .map(Zeroizing::new)
            .ok_or_else(|| (KmsProblem::Malformed, "decrypt gave no plaintext".to_owned()))
    }
}
