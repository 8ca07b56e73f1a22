//! Access tokens of OAuth 2.0, kept until shortly before they end.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fiducia_policy::Timestamp;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::remote::{AdapterError, carried};
use super::wire::{KmsRequest, KmsTransport, SecretText};
use super::{KmsProblem, problem::plain};

/// How long before its end a token is replaced, in seconds.
const REPLACED_BEFORE_SECONDS: u64 = 120;

/// The token used last. Its `Debug` shows nothing of it.
#[derive(Default)]
pub(crate) struct Granted(Mutex<Option<(Zeroizing<String>, Timestamp)>>);

impl std::fmt::Debug for Granted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Granted(redacted)")
    }
}

#[derive(Deserialize)]
struct Answered {
    access_token: SecretText,
    expires_in: u64,
}

#[derive(Deserialize, Default)]
struct Refused {
    #[serde(default)]
    error: String,
    #[serde(default)]
    error_description: String,
}

impl Granted {
    /// The token that is kept, or a new one that `request` asks for.
    pub(crate) fn token(
        &self,
        transport: &dyn KmsTransport,
        now: Timestamp,
        request: impl FnOnce() -> Result<KmsRequest, AdapterError>,
    ) -> Result<Zeroizing<String>, AdapterError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((token, until)) = kept.as_ref()
            && now < *until
        {
            return Ok(token.clone());
        }
        let answer = transport.exchange(&request()?).map_err(carried)?;
        if answer.status != 200 {
            let refused: Refused = serde_json::from_slice(&answer.body).unwrap_or_default();
            let detail = plain(&format!(
                "no access token: {} {} {}",
                answer.status, refused.error, refused.error_description
            ));
            let problem = match super::problem_of_status(answer.status) {
                KmsProblem::Malformed | KmsProblem::NotFound => KmsProblem::Denied,
                other => other,
            };
            return Err((problem, detail));
        }
        let answered: Answered = serde_json::from_slice(&answer.body)
            .map_err(|error| (KmsProblem::Malformed, format!("no access token: {error}")))?;
        let lasts = Duration::from_secs(answered.expires_in.saturating_sub(REPLACED_BEFORE_SECONDS));
        let token = answered.access_token.0;
        *kept = now.checked_add(lasts).ok().map(|until| (token.clone(), until));
        Ok(token)
    }

    /// Forgets the token, after it was refused.
    pub(crate) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// A form's body: names as they are, values escaped.
pub(crate) fn form(fields: &[(&str, &str)]) -> Zeroizing<Vec<u8>> {
    let mut body = Zeroizing::new(Vec::new());
    for (name, value) in fields {
        if !body.is_empty() {
            body.push(b'&');
        }
        body.extend_from_slice(name.as_bytes());
        body.push(b'=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                body.push(byte);
            } else {
                body.extend_from_slice(format!("%{byte:02X}").as_bytes());
            }
        }
    }
    body
}
