//! Google Cloud Key Management Service: `encrypt` and `decrypt` with additional authenticated data and checksums.
//!
//! Source: Cloud KMS REST reference (`projects.locations.keyRings.cryptoKeys`), "Data integrity guidelines", and "Using
//! OAuth 2.0 for server to server applications".

use std::sync::Arc;

use aws_lc_rs::{rand, signature};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use fiducia_policy::{Clock, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::grant::{Granted, form};
use super::remote::{Adapter, AdapterError, Encrypted, WrapContext, carried};
use super::wire::{Credential, KmsRequest, KmsTransport, SecretText};
use super::{KmsProblem, problem::plain};

const SCOPE: &str = "https://www.googleapis.com/auth/cloudkms";
/// How long an assertion counts, in seconds.
const ASSERTION_SECONDS: i64 = 600;

/// Who asks.
#[derive(Debug, Clone)]
pub enum GoogleCredentials {
    /// A service account's key, as the JSON file that the console gives.
    ServiceAccount(Credential),
    /// The account of the machine that this runs on, by its metadata server's base URL.
    Machine(String),
}

/// A key of Cloud KMS.
pub struct GoogleCloudKms {
    endpoint: String,
    key: String,
    credentials: GoogleCredentials,
    transport: Arc<dyn KmsTransport>,
    clock: Arc<dyn Clock>,
    granted: Granted,
}

impl std::fmt::Debug for GoogleCloudKms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GoogleCloudKms").field("key", &self.key).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    plaintext: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plaintext_crc32c: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext_crc32c: Option<String>,
    additional_authenticated_data: String,
    additional_authenticated_data_crc32c: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    name: Option<String>,
    ciphertext: Option<String>,
    ciphertext_crc32c: Option<String>,
    #[serde(default)]
    verified_plaintext_crc32c: bool,
    #[serde(default)]
    verified_additional_authenticated_data_crc32c: bool,
    plaintext: Option<SecretText>,
    plaintext_crc32c: Option<String>,
}

#[derive(Deserialize, Default)]
struct Refused {
    #[serde(default)]
    error: RefusedError,
}

#[derive(Deserialize, Default)]
struct RefusedError {
    #[serde(default)]
    status: String,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct AccountFile {
    client_email: String,
    private_key: SecretText,
    #[serde(default)]
    private_key_id: String,
    token_uri: String,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

impl GoogleCloudKms {
    /// The key `projects/…/locations/…/keyRings/…/cryptoKeys/…` at `endpoint` (`https://cloudkms.googleapis.com`).
    pub fn new(
        endpoint: String,
        key: String,
        credentials: GoogleCredentials,
        transport: Arc<dyn KmsTransport>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { endpoint, key, credentials, transport, clock, granted: Granted::default() }
    }

    fn token(&self) -> Result<Zeroizing<String>, AdapterError> {
        let now = self.clock.now();
        self.granted.token(&*self.transport, now, || match &self.credentials {
            GoogleCredentials::Machine(server) => {
                let path = "computeMetadata/v1/instance/service-accounts/default/token";
                Ok(KmsRequest::get(format!("{server}/{path}"))
                    .header("metadata-flavor", Zeroizing::new("Google".to_owned())))
            }
            GoogleCredentials::ServiceAccount(file) => {
                let text = file.read().map_err(|cause| (KmsProblem::Denied, cause))?;
                let account: AccountFile = serde_json::from_str(&text).map_err(|_| {
                    (KmsProblem::Denied, "the service account's file is not what Google gives".to_owned())
                })?;
                let assertion = assertion(&account, now)?;
                let fields = [
                    ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                    ("assertion", &assertion),
                ];
                Ok(KmsRequest::post(account.token_uri, "application/x-www-form-urlencoded", form(&fields)))
            }
        })
    }

    fn call(&self, operation: &str, asked: &Asked<'_>) -> Result<Answered, AdapterError> {
        let body = serde_json::to_vec(asked).map_err(|error| (KmsProblem::Malformed, error.to_string()))?;
        let url = format!("{}/v1/{}:{operation}", self.endpoint, self.key);
        let request = KmsRequest::post(url, "application/json", Zeroizing::new(body)).bearer(&self.token()?);
        let answer = self.transport.exchange(&request).map_err(carried)?;
        if answer.status == 200 {
            return serde_json::from_slice(&answer.body)
                .map_err(|error| (KmsProblem::Malformed, error.to_string()));
        }
        if answer.status == 401 {
            self.granted.forget();
        }
        let refused: Refused = serde_json::from_slice(&answer.body).unwrap_or_default();
        let RefusedError { status, message } = refused.error;
        let detail = plain(&format!("{} {status}: {message}", answer.status));
        Err((problem_of(answer.status, &status, &message), detail))
    }
}

fn problem_of(status: u16, kind: &str, message: &str) -> KmsProblem {
    match kind {
        "FAILED_PRECONDITION" if message.contains("DESTROY") => KmsProblem::Destroyed,
        "FAILED_PRECONDITION" => KmsProblem::Disabled,
        "INVALID_ARGUMENT" if message.contains("Decryption failed") => KmsProblem::WrongKey,
        "DEADLINE_EXCEEDED" => KmsProblem::Slow,
        "RESOURCE_EXHAUSTED" => KmsProblem::Throttled,
        _ => super::problem_of_status(status),
    }
}

impl Adapter for GoogleCloudKms {
    fn encrypt(&self, context: &WrapContext, secret: &[u8; 32]) -> Result<Encrypted, AdapterError> {
        let (plaintext, data) = (Zeroizing::new(STANDARD.encode(secret)), context.bytes());
        let asked = Asked {
            plaintext: Some(&plaintext),
            plaintext_crc32c: Some(crc32c::crc32c(secret).to_string()),
            ciphertext: None,
            ciphertext_crc32c: None,
            additional_authenticated_data: STANDARD.encode(&data),
            additional_authenticated_data_crc32c: crc32c::crc32c(&data).to_string(),
        };
        let answered = self.call("encrypt", &asked)?;
        if !answered.verified_plaintext_crc32c || !answered.verified_additional_authenticated_data_crc32c {
            return Err((KmsProblem::Malformed, "the service did not verify the checksums".to_owned()));
        }
        let ciphertext = answered.ciphertext.and_then(|ciphertext| STANDARD.decode(ciphertext).ok());
        let blob = checked(ciphertext, answered.ciphertext_crc32c.as_deref())?;
        Ok(Encrypted { version: answered.name.unwrap_or_default(), blob })
    }

    fn decrypt(&self, context: &WrapContext, sealed: &Encrypted) -> Result<Zeroizing<Vec<u8>>, AdapterError> {
        let (ciphertext, data) = (STANDARD.encode(&sealed.blob), context.bytes());
        let asked = Asked {
            plaintext: None,
            plaintext_crc32c: None,
            ciphertext: Some(&ciphertext),
            ciphertext_crc32c: Some(crc32c::crc32c(&sealed.blob).to_string()),
            additional_authenticated_data: STANDARD.encode(&data),
            additional_authenticated_data_crc32c: crc32c::crc32c(&data).to_string(),
        };
        let answered = self.call("decrypt", &asked)?;
        let plaintext = answered.plaintext.and_then(|plaintext| STANDARD.decode(plaintext.0.as_bytes()).ok());
        checked(plaintext, answered.plaintext_crc32c.as_deref()).map(Zeroizing::new)
    }
}

/// Bytes that arrived whole: their checksum is the one that the service gave.
fn checked(bytes: Option<Vec<u8>>, checksum: Option<&str>) -> Result<Vec<u8>, AdapterError> {
    bytes
        .filter(|bytes| checksum == Some(crc32c::crc32c(bytes).to_string().as_str()))
        .ok_or_else(|| (KmsProblem::Malformed, "the answer's checksum is missing or wrong".to_owned()))
}

/// What a service account shows for a token: a JWT, signed with its key (RS256).
fn assertion(account: &AccountFile, now: Timestamp) -> Result<String, AdapterError> {
    let unusable = |what: &str| (KmsProblem::Denied, format!("the service account's {what}"));
    let lines = account.private_key.0.lines().filter(|line| !line.starts_with("-----"));
    let der = STANDARD
        .decode(Zeroizing::new(lines.collect::<String>()).as_bytes())
        .map(Zeroizing::new)
        .map_err(|_| unusable("key is not PEM"))?;
    let key = signature::RsaKeyPair::from_pkcs8(&der).map_err(|_| unusable("key is not an RSA key"))?;
    let iat = now.as_second();
    let claims = Claims {
        iss: &account.client_email,
        scope: SCOPE,
        aud: &account.token_uri,
        iat,
        exp: iat + ASSERTION_SECONDS,
    };
    let head = serde_json::json!({ "alg": "RS256", "kid": account.private_key_id, "typ": "JWT" }).to_string();
    let claims =
        serde_json::to_string(&claims).map_err(|error| (KmsProblem::Malformed, error.to_string()))?;
    let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(head), URL_SAFE_NO_PAD.encode(claims));
    let mut signed = vec![0; key.public_modulus_len()];
    #[expect(
        clippy::disallowed_methods,
        reason = "PKCS#1 v1.5 signatures are the same whatever the randomness, which the library asks for all the same"
    )]
    let random = rand::SystemRandom::new();
    key.sign(&signature::RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signed)
        .map_err(|_| unusable("key could not sign"))?;
    Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signed)))
}
