//! AWS Key Management Service: `Encrypt` and `Decrypt` with an encryption context, signed by Signature Version 4.
//!
//! Source: AWS KMS API reference (`TrentService`, protocol `awsJson1_1`), and "Create a signed AWS API request". AWS turns
//! its own key material without telling; the version that is kept is the key's ARN, so that an alias which points
//! elsewhere later does not hide the key that wrapped.

use std::fmt::Write;
use std::sync::Arc;

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fiducia_policy::{Clock, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::remote::{Adapter, AdapterError, Encrypted, WrapContext, carried};
use super::wire::{Credential, KmsRequest, KmsTransport, SecretText};
use super::{KmsProblem, problem::plain};

const CONTENT_TYPE: &str = "application/x-amz-json-1.1";

/// Who asks.
#[derive(Debug, Clone)]
pub struct AwsCredentials {
    /// The access key's id. It is no secret.
    pub access_key_id: Credential,
    /// The secret access key.
    pub secret_access_key: Credential,
    /// The session's token, for credentials that last for a while.
    pub session_token: Option<Credential>,
}

/// A key of AWS KMS.
#[derive(Clone)]
pub struct AwsKms {
    /// The region, such as `eu-central-1`.
    pub region: String,
    /// The base URL, such as `https://kms.eu-central-1.amazonaws.com`.
    pub endpoint: String,
    /// The key's id, ARN or alias (`alias/NAME`).
    pub key: String,
    /// Who asks.
    pub credentials: AwsCredentials,
    /// Carries requests.
    pub transport: Arc<dyn KmsTransport>,
    /// The time of signatures.
    pub clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for AwsKms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AwsKms")
            .field("endpoint", &self.endpoint)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Asked<'a> {
    key_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    plaintext: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ciphertext_blob: Option<&'a str>,
    encryption_context: Context<'a>,
}

#[derive(Serialize)]
struct Context<'a> {
    #[serde(rename = "fiducia:organization")]
    organization: &'a str,
    #[serde(rename = "fiducia:key")]
    key: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answered {
    key_id: Option<String>,
    ciphertext_blob: Option<String>,
    plaintext: Option<SecretText>,
}

#[derive(Deserialize)]
struct Refused {
    #[serde(rename = "__type")]
    kind: Option<String>,
    #[serde(alias = "Message")]
    message: Option<String>,
}

impl AwsKms {
    fn call(&self, operation: &str, asked: &Asked<'_>) -> Result<Answered, AdapterError> {
        let body = serde_json::to_vec(asked).map_err(|error| (KmsProblem::Malformed, error.to_string()))?;
        let request = KmsRequest::post(format!("{}/", self.endpoint), CONTENT_TYPE, Zeroizing::new(body))
            .header("x-amz-target", Zeroizing::new(format!("TrentService.{operation}")));
        let signed = self.signed(request)?;
        let answer = self.transport.exchange(&signed).map_err(carried)?;
        if answer.status == 200 {
            return serde_json::from_slice(&answer.body)
                .map_err(|error| (KmsProblem::Malformed, error.to_string()));
        }
        let refused: Refused =
            serde_json::from_slice(&answer.body).unwrap_or(Refused { kind: None, message: None });
        let kind = refused.kind.unwrap_or_default();
        let kind = kind.rsplit('#').next().unwrap_or_default();
        let detail = plain(&format!("{} {kind}: {}", answer.status, refused.message.unwrap_or_default()));
        Err((problem_of(answer.status, kind, &detail), detail))
    }

    fn signed(&self, mut request: KmsRequest) -> Result<KmsRequest, AdapterError> {
        let unreadable = |cause: String| (KmsProblem::Denied, cause);
        let host = self.endpoint.split_once("://").map_or(self.endpoint.as_str(), |(_, host)| host);
        let now = self.clock.now();
        request.headers.push(("host", Zeroizing::new(host.trim_end_matches('/').to_owned())));
        request.headers.push(("x-amz-date", Zeroizing::new(moment(now))));
        if let Some(token) = &self.credentials.session_token {
            request.headers.push(("x-amz-security-token", token.read().map_err(unreadable)?));
        }
        let id = self.credentials.access_key_id.read().map_err(unreadable)?;
        let secret = self.credentials.secret_access_key.read().map_err(unreadable)?;
        let scope = Scope { region: &self.region, service: "kms", at: now };
        let authorization = authorization(&scope, &id, &secret, &request, "/");
        // The transport makes this header from the address.
        request.headers.retain(|(name, _)| *name != "host");
        Ok(request.header("authorization", Zeroizing::new(authorization)))
    }
}

/// What the errors of AWS KMS mean. Source: "Common Errors" and the errors of `Encrypt` and `Decrypt`.
fn problem_of(status: u16, kind: &str, detail: &str) -> KmsProblem {
    match kind {
        "KMSInvalidStateException" if detail.contains("pending") => KmsProblem::Destroyed,
        "DisabledException" | "KMSInvalidStateException" => KmsProblem::Disabled,
        "NotFoundException" => KmsProblem::NotFound,
        "InvalidCiphertextException" | "IncorrectKeyException" => KmsProblem::WrongKey,
        "ThrottlingException" | "LimitExceededException" | "Throttling" => KmsProblem::Throttled,
        "KMSInternalException" | "DependencyTimeoutException" | "KeyUnavailableException" => {
            KmsProblem::Unreachable
        }
        "AccessDeniedException"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "ExpiredTokenException"
        | "IncompleteSignature"
        | "MissingAuthenticationTokenException"
        | "InvalidGrantTokenException" => KmsProblem::Denied,
        _ => super::problem_of_status(status),
    }
}

impl Adapter for AwsKms {
    fn encrypt(&self, context: &WrapContext, secret: &[u8; 32]) -> Result<Encrypted, AdapterError> {
        let plaintext = Zeroizing::new(STANDARD.encode(secret));
        let asked = Asked {
            key_id: &self.key,
            plaintext: Some(&plaintext),
            ciphertext_blob: None,
            encryption_context: Context { organization: &context.organization, key: &context.key },
        };
        let answered = self.call("Encrypt", &asked)?;
        let blob = answered.ciphertext_blob.and_then(|blob| STANDARD.decode(blob).ok());
        match (blob, answered.key_id) {
            (Some(blob), Some(version)) => Ok(Encrypted { version, blob }),
            _ => Err((KmsProblem::Malformed, "Encrypt gave no ciphertext".to_owned())),
        }
    }

    fn decrypt(&self, context: &WrapContext, sealed: &Encrypted) -> Result<Zeroizing<Vec<u8>>, AdapterError> {
        let blob = STANDARD.encode(&sealed.blob);
        let key = if sealed.version.is_empty() { &self.key } else { &sealed.version };
        let asked = Asked {
            key_id: key,
            plaintext: None,
            ciphertext_blob: Some(&blob),
            encryption_context: Context { organization: &context.organization, key: &context.key },
        };
        let answered = self.call("Decrypt", &asked)?;
        answered
            .plaintext
            .and_then(|plaintext| STANDARD.decode(plaintext.0.as_bytes()).ok())
            .map(Zeroizing::new)
            .ok_or_else(|| (KmsProblem::Malformed, "Decrypt gave no plaintext".to_owned()))
    }
}

/// For what a signature counts.
struct Scope<'a> {
    region: &'a str,
    service: &'a str,
    at: Timestamp,
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The header `authorization` of a request to `path` without a query, over all headers that it has.
fn authorization(scope: &Scope<'_>, id: &str, secret: &str, request: &KmsRequest, path: &str) -> String {
    let mut headers: Vec<(&str, &str)> =
        request.headers.iter().map(|(name, value)| (*name, value.trim())).collect();
    headers.sort_unstable();
    let mut canonical = format!("{}\n{path}\n\n", request.method);
    for (name, value) in &headers {
        // Writing to a text cannot fail.
        let _ = writeln!(canonical, "{name}:{value}");
    }
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let _ = write!(canonical, "\n{names}\n{}", hex(digest::digest(&digest::SHA256, &request.body).as_ref()));
    let day = scope.at.strftime("%Y%m%d").to_string();
    let place = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let text = format!(
        "AWS4-HMAC-SHA256\n{}\n{place}\n{}",
        moment(scope.at),
        hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref())
    );
    let start = Zeroizing::new(format!("AWS4{secret}").into_bytes());
    let mut key = mac(&start, day.as_bytes());
    for part in [scope.region, scope.service, "aws4_request"] {
        key = mac(key.as_ref(), part.as_bytes());
    }
    let signature = hex(mac(key.as_ref(), text.as_bytes()).as_ref());
    format!("AWS4-HMAC-SHA256 Credential={id}/{place}, SignedHeaders={names}, Signature={signature}")
}

fn mac(key: &[u8], message: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The case `get-vanilla` of the test suite that AWS published for Signature Version 4.
    #[test]
    fn a_signature_is_that_of_the_published_case() {
        let at: Timestamp = "2015-08-30T12:36:00Z".parse().unwrap();
        let headers = vec![
            ("host", Zeroizing::new("example.amazonaws.com".to_owned())),
            ("x-amz-date", Zeroizing::new(moment(at))),
        ];
        let request = KmsRequest {
            method: "GET",
            url: "https://example.amazonaws.com/".to_owned(),
            headers,
            body: Zeroizing::default(),
            timeout_ms: 1,
        };
        let scope = Scope { region: "us-east-1", service: "service", at };
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        assert_eq!(
            authorization(&scope, "AKIDEXAMPLE", secret, &request, "/"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
    }

    #[test]
    fn errors_are_told_apart() {
        let check =
            |status, kind, detail, expect| assert_eq!(problem_of(status, kind, detail), expect, "{kind}");
        check(400, "DisabledException", "", KmsProblem::Disabled);
        check(400, "KMSInvalidStateException", "arn is pending deletion.", KmsProblem::Destroyed);
        check(400, "NotFoundException", "", KmsProblem::NotFound);
        check(400, "IncorrectKeyException", "", KmsProblem::WrongKey);
        check(400, "AccessDeniedException", "", KmsProblem::Denied);
        check(400, "ThrottlingException", "", KmsProblem::Throttled);
        check(500, "KMSInternalException", "", KmsProblem::Unreachable);
        check(503, "", "", KmsProblem::Unreachable);
    }
}
