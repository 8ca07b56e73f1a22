//! Azure Key Vault and Managed HSM: `wrapkey` and `unwrapkey` with RSA-OAEP-256, by the version's name.
//!
//! Source: Key Vault REST reference, version 7.4, and "Microsoft identity platform and the OAuth 2.0 client credentials
//! flow". The service binds nothing to what it wraps; organisation and id are bound by the seal inside.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fiducia_policy::Clock;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::grant::{Granted, form};
use super::remote::{Adapter, AdapterError, Encrypted, WrapContext, carried};
use super::wire::{Credential, KmsRequest, KmsTransport, SecretText};
use super::{KmsProblem, problem::plain};

const API_VERSION: &str = "7.4";
const ALGORITHM: &str = "RSA-OAEP-256";

/// Who asks: an application registered with Entra ID.
#[derive(Debug, Clone)]
pub struct AzureCredentials {
    /// The base URL of the identity platform, such as `https://login.microsoftonline.com`.
    pub authority: String,
    /// The directory's id.
    pub tenant: String,
    /// The application's id.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: Credential,
    /// What the token is for: `https://vault.azure.net/.default`, or that of another cloud or of Managed HSM.
    pub scope: String,
}

/// An RSA key of a vault.
pub struct AzureKeyVault {
    vault: String,
    key: String,
    credentials: AzureCredentials,
    transport: Arc<dyn KmsTransport>,
    clock: Arc<dyn Clock>,
    granted: Granted,
}

impl std::fmt::Debug for AzureKeyVault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AzureKeyVault")
            .field("vault", &self.vault)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Asked<'a> {
    alg: &'static str,
    value: &'a str,
}

#[derive(Deserialize)]
struct Answered {
    kid: String,
    value: SecretText,
}

#[derive(Deserialize)]
struct Found {
    key: FoundKey,
}

#[derive(Deserialize)]
struct FoundKey {
    kid: String,
}

#[derive(Deserialize, Default)]
struct Refused {
    #[serde(default)]
    error: RefusedError,
}

#[derive(Deserialize, Default)]
struct RefusedError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    innererror: Option<InnerError>,
}

#[derive(Deserialize, Default)]
struct InnerError {
    #[serde(default)]
    code: String,
}

impl AzureKeyVault {
    /// The key `NAME`, or `NAME/VERSION` where it should stay with one version, of the vault at this base URL
    /// (`https://NAME.vault.azure.net`).
    pub fn new(
        vault: String,
        key: String,
        credentials: AzureCredentials,
        transport: Arc<dyn KmsTransport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { vault, key, credentials, transport, clock, granted: Granted::default() }
    }

    fn token(&self) -> Result<Zeroizing<String>, AdapterError> {
        let now = self.clock.now();
        self.granted.token(&*self.transport, now, || {
            let who = &self.credentials;
            let secret = who.client_secret.read().map_err(|cause| (KmsProblem::Denied, cause))?;
            let fields = [
                ("grant_type", "client_credentials"),
                ("client_id", &who.client_id),
                ("client_secret", &secret),
                ("scope", &who.scope),
            ];
            let url = format!("{}/{}/oauth2/v2.0/token", who.authority, who.tenant);
            Ok(KmsRequest::post(url, "application/x-www-form-urlencoded", form(&fields)))
        })
    }

    fn send<T: serde::de::DeserializeOwned>(&self, request: KmsRequest) -> Result<T, AdapterError> {
        let answer = self.transport.exchange(&request.bearer(&self.token()?)).map_err(carried)?;
        if answer.status == 200 {
            return serde_json::from_slice(&answer.body)
                .map_err(|error| (KmsProblem::Malformed, error.to_string()));
        }
        if answer.status == 401 {
            self.granted.forget();
        }
        let RefusedError { code, message, innererror } =
            serde_json::from_slice::<Refused>(&answer.body).unwrap_or_default().error;
        let inner = innererror.unwrap_or_default().code;
        let detail = plain(&format!("{} {code} {inner}: {message}", answer.status));
        Err((problem_of(answer.status, &code, &inner, &message), detail))
    }

    /// The version that wraps: the named one, else the newest.
    fn version(&self) -> Result<String, AdapterError> {
        if let Some((_, version)) = self.key.split_once('/') {
            return Ok(version.to_owned());
        }
        let url = format!("{}/keys/{}?api-version={API_VERSION}", self.vault, self.key);
        version_of(&self.send::<Found>(KmsRequest::get(url))?.key.kid)
    }

    fn call(&self, operation: &str, version: &str, value: &[u8]) -> Result<Answered, AdapterError> {
        let value = Zeroizing::new(URL_SAFE_NO_PAD.encode(value));
        let body = serde_json::to_vec(&Asked { alg: ALGORITHM, value: &value })
            .map_err(|error| (KmsProblem::Malformed, error.to_string()))?;
        let name = self.key.split('/').next().unwrap_or_default();
        let url = format!("{}/keys/{name}/{version}/{operation}?api-version={API_VERSION}", self.vault);
        self.send(KmsRequest::post(url, "application/json", Zeroizing::new(body)))
    }
}

/// The version at the end of a key's identifier (`https://VAULT/keys/NAME/VERSION`).
fn version_of(identifier: &str) -> Result<String, AdapterError> {
    let mut parts = identifier.rsplit('/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(version), Some(_), Some("keys")) if !version.is_empty() => Ok(version.to_owned()),
        _ => Err((KmsProblem::Malformed, "the key's identifier names no version".to_owned())),
    }
}

fn problem_of(status: u16, code: &str, inner: &str, message: &str) -> KmsProblem {
    match (code, inner) {
        (_, "KeyDisabled") => KmsProblem::Disabled,
        ("Forbidden", _) if message.contains("disabled key") || message.contains("is not enabled") => {
            KmsProblem::Disabled
        }
        (_, "ObjectIsDeletedButRecoverable" | "ObjectIsBeingDeleted") => KmsProblem::Destroyed,
        ("KeyNotFound", _) => KmsProblem::NotFound,
        ("BadParameter", _) if message.contains("decrypt") || message.contains("unwrap") => {
            KmsProblem::WrongKey
        }
        _ => super::problem_of_status(status),
    }
}

impl Adapter for AzureKeyVault {
    fn encrypt(&self, _context: &WrapContext, secret: &[u8; 32]) -> Result<Encrypted, AdapterError> {
        let answered = self.call("wrapkey", &self.version()?, secret)?;
        let blob = URL_SAFE_NO_PAD
            .decode(answered.value.0.as_bytes())
            .map_err(|_| (KmsProblem::Malformed, "wrapkey gave no base64".to_owned()))?;
        Ok(Encrypted { version: version_of(&answered.kid)?, blob })
    }

    fn decrypt(
        &self,
        _context: &WrapContext,
        sealed: &Encrypted,
    ) -> Result<Zeroizing<Vec<u8>>, AdapterError> {
        let answered = self.call("unwrapkey", &sealed.version, &sealed.blob)?;
        URL_SAFE_NO_PAD
            .decode(answered.value.0.as_bytes())
            .map(Zeroizing::new)
            .map_err(|_| (KmsProblem::Malformed, "unwrapkey gave no base64".to_owned()))
    }
}
