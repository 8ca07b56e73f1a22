//! What is sent to webhooks: the body and the headers of Standard Webhooks 1.0.0, without sending anything.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fiducia_policy::{Randomness, RandomnessUnavailable, Timestamp};
use zeroize::{Zeroize, Zeroizing};

/// What the text of a secret begins with, so that scanners for leaked credentials can recognise it.
const SECRET_PREFIX: &str = "whsec_";
/// Bytes of a secret that is made here.
const SECRET_BYTES: usize = 32;
/// The least and the most bytes of a secret (the specification: 24 to 64).
const SECRET_BYTES_LEAST: usize = 24;
const SECRET_BYTES_MOST: usize = 64;
/// The longest address of a webhook, in bytes.
pub const WEBHOOK_URL_BYTES_MAX: usize = 2_048;

/// The secret that an endpoint's deliveries are signed with. Its `Debug` shows nothing of it.
#[derive(Clone)]
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

/// A text that is no secret of a webhook. The error holds nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a webhook's secret is `whsec_` and the base64 of {SECRET_BYTES_LEAST} to {SECRET_BYTES_MOST} bytes")]
pub struct WebhookSecretError;

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(redacted)")
    }
}

impl WebhookSecret {
    /// A fresh secret of 32 random bytes.
    ///
    /// # Errors
    /// When the source of randomness fails.
    pub fn generate(randomness: &dyn Randomness) -> Result<Self, RandomnessUnavailable> {
        let mut bytes = Zeroizing::new(vec![0; SECRET_BYTES]);
        randomness.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The secret of these bytes.
    ///
    /// # Errors
    /// When they are fewer than 24 or more than 64.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WebhookSecretError> {
        if (SECRET_BYTES_LEAST..=SECRET_BYTES_MOST).contains(&bytes.len()) {
            Ok(Self(Zeroizing::new(bytes.to_vec())))
        } else {
            Err(WebhookSecretError)
        }
    }

    /// Reads the text that [`WebhookSecret::to_text`] writes.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, WebhookSecretError> {
        let encoded = text.strip_prefix(SECRET_PREFIX).ok_or(WebhookSecretError)?;
        let mut bytes = STANDARD.decode(encoded).map_err(|_| WebhookSecretError)?;
        let secret = Self::from_bytes(&bytes);
        bytes.zeroize();
        secret
    }

    /// Its bytes, for sealing.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its text, as whoever receives deliveries is given it: `whsec_` and base64.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("{SECRET_PREFIX}{}", &*Zeroizing::new(STANDARD.encode(&*self.0))))
    }

    /// The signature of a delivery: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.
    pub fn sign(&self, id: &str, timestamp_seconds: i64, body: &[u8]) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let mut context = hmac::Context::with_key(&key);
        context.update(format!("{id}.{timestamp_seconds}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

/// The headers of one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookHeaders {
    /// `webhook-id`: the same for every attempt at one event.
    pub id: String,
    /// `webhook-timestamp`: when the attempt is made, in seconds since 1970.
    pub timestamp: String,
    /// `webhook-signature`: one signature for each secret, with spaces between them.
    pub signature: String,
}

/// The headers of an attempt at a delivery. During a rotation there are two secrets, hence two signatures.
///
/// `id` must hold no full stop, which separates what is signed; the ids of activities hold none.
pub fn webhook_headers<'a>(
    secrets: impl IntoIterator<Item = &'a WebhookSecret>,
    id: &str,
    now: Timestamp,
    body: &[u8],
) -> WebhookHeaders {
    let timestamp = now.as_second();
    let signatures: Vec<String> =
        secrets.into_iter().map(|secret| secret.sign(id, timestamp, body)).collect();
    WebhookHeaders { id: id.to_owned(), timestamp: timestamp.to_string(), signature: signatures.join(" ") }
}

/// The body of a delivery: the activity's type, when it happened, and the activity as the feed shows it. `activity` is put in
/// byte for byte.
///
/// # Errors
/// When `activity` is not a JSON object.
pub fn webhook_body(kind: &str, at: Timestamp, activity: &str) -> Result<String, serde_json::Error> {
    let object: Result<std::collections::BTreeMap<String, &serde_json::value::RawValue>, _> =
        serde_json::from_str(activity);
    object?;
    let kind = serde_json::Value::from(kind);
    Ok(format!(r#"{{"type":{kind},"timestamp":"{at}","data":{activity}}}"#))
}

/// Where a webhook's deliveries go: an `https` address, or an `http` one on the sender's own machine.
///
/// Whether the address may be reached is decided when it is: names change what they stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookUrl(String);

/// An address that no delivery goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookUrlError {
    /// It is too long, or holds something that no address holds.
    #[error(
        "a webhook's address has at most {WEBHOOK_URL_BYTES_MAX} characters, all of them visible ASCII without `\\`, `<`, `>`, `\"`"
    )]
    Form,
    /// It would cross the network readable for everyone.
    #[error(
        "a webhook's address begins with `https://`; `http://` is for an address of this machine only, such as 127.0.0.1"
    )]
    Scheme,
    /// It has no host.
    #[error("a webhook's address names a host, such as `https://siem.example.org/events`")]
    Host,
    /// It holds a user name or password.
    #[error(
        "a webhook's address holds no user name or password: deliveries prove themselves by their signature"
    )]
    Credentials,
    /// It holds a fragment.
    #[error("a webhook's address has no `#`: that part would never be sent")]
    Fragment,
}

impl WebhookUrl {
    /// The address as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for WebhookUrl {
    type Err = WebhookUrlError;

    fn from_str(text: &str) -> Result<Self, WebhookUrlError> {
        let is_fit = |byte: u8| byte.is_ascii_graphic() && !b"\\<>\"`{}|^".contains(&byte);
        if text.len() > WEBHOOK_URL_BYTES_MAX || !text.bytes().all(is_fit) {
            return Err(WebhookUrlError::Form);
        }
        let (scheme, rest) = text.split_once("://").ok_or(WebhookUrlError::Scheme)?;
        if rest.contains('#') {
            return Err(WebhookUrlError::Fragment);
        }
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(WebhookUrlError::Credentials);
        }
        let host = host_of(authority).ok_or(WebhookUrlError::Host)?;
        match scheme {
            "https" => Ok(Self(text.to_owned())),
            "http" if is_this_machine(host) => Ok(Self(text.to_owned())),
            _ => Err(WebhookUrlError::Scheme),
        }
    }
}

/// The host in `host`, `host:port`, `[v6]` or `[v6]:port`; `None` when there is none or the port is none.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, after) = rest.split_once(']')?;
            host.parse::<std::net::Ipv6Addr>().ok()?;
            (host, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    (!host.is_empty() && port.is_none_or(is_port)).then_some(host)
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_of_the_specification() {
        // The test vector of the reference implementations.
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signature =
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn two_secrets_sign_during_a_rotation() {
        let one = WebhookSecret::from_bytes(&[1; 24]).unwrap();
        let two = WebhookSecret::from_bytes(&[2; 64]).unwrap();
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let headers = webhook_headers([&one, &two], "activity_1", now, b"{}");
        assert_eq!(headers.timestamp, "1700000000");
        let expect = [&one, &two].map(|secret| secret.sign("activity_1", 1_700_000_000, b"{}")).join(" ");
        assert_eq!(headers.signature, expect);
        assert!(!format!("{one:?}").contains('1'), "{one:?}");
    }

    #[test]
    fn secrets_have_the_length_that_the_specification_says() {
        let secret = WebhookSecret::from_bytes(&[7; 32]).unwrap();
        assert_eq!(WebhookSecret::parse(&secret.to_text()).unwrap().as_bytes(), secret.as_bytes());
        for length in [0, 23, 65] {
            assert!(WebhookSecret::from_bytes(&vec![7; length]).is_err(), "{length}");
        }
        for wrong in ["", "whsec_", "whsec_!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_YWJj"] {
            assert!(WebhookSecret::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_body_holds_the_activity_byte_for_byte() {
        let at = "2026-11-21T04:15:23.5Z".parse().unwrap();
        let activity = r#"{"id":"activity_1",  "number":1.50,"text":"\u00e9"}"#;
        let body = webhook_body("a\"b", at, activity).unwrap();
        assert_eq!(
            body,
            format!(r#"{{"type":"a\"b","timestamp":"2026-11-21T04:15:23.5Z","data":{activity}}}"#)
        );
        for wrong in ["", "[]", "1", "{} {}", "{\"a\":}"] {
            assert!(webhook_body("a", at, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_are_https_or_of_this_machine() {
        use WebhookUrlError::{Credentials, Form, Fragment, Host, Scheme};
        let check = |url: &str, expect: Option<WebhookUrlError>| {
            assert_eq!(url.parse::<WebhookUrl>().err(), expect, "{url}");
        };
        check("https://siem.example.org/events?x=1", None);
        check("https://[2001:db8::1]:8443/", None);
        check("http://127.0.0.1:9000/x", None);
        check("http://localhost", None);
        check("http://[::1]:80/", None);
        check("http://siem.example.org/", Some(Scheme));
        check("http://127.0.0.1.example.org/", Some(Scheme));
        check("http://localhost@example.org/", Some(Credentials));
        check("ftp://localhost/", Some(Scheme));
        check("example.org", Some(Scheme));
        check("https://", Some(Host));
        check("https:///path", Some(Host));
        check("https://h:0/", Some(Host));
        check("https://h:99999/", Some(Host));
        check("https://[::1/", Some(Host));
        check("https://[::1]x/", Some(Host));
        check("https://user:word@h/", Some(Credentials));
        check("https://h/#part", Some(Fragment));
        check("https://h/ x", Some(Form));
        check("https://h\\@evil/", Some(Form));
        check(&format!("https://h/{}", "x".repeat(WEBHOOK_URL_BYTES_MAX)), Some(Form));
    }
}
