//! What the Compliance API refuses, in the public envelope: `{"type":"error","error":{"type":…,"message":…}}`.
//!
//! Programs match the type; the wording may change. What lies outside of a key's reach is answered exactly as what does not exist.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use fiducia_custody::{AdminError, KeyClosed};
use fiducia_wire::compliance::QueryRefused;
use http::{HeaderName, HeaderValue, StatusCode, header};

/// The longest message, in characters.
const MESSAGE_CHARACTERS_MAX: usize = 500;
/// After how long it is worth asking again whether a key may open more. What it opened leaves the count a day after it was opened.
const READ_AGAIN_SECONDS: u32 = 3_600;
/// Whether programs should repeat a request by themselves.
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// A parameter is not acceptable; the text names it.
    Invalid(String),
    /// The key is missing or unknown: these are not told apart.
    Unauthenticated,
    /// The key lacks permissions.
    Scopes {
        /// What it has, by name.
        got: Vec<&'static str>,
        /// What is needed, by name.
        needed: &'static str,
    },
    /// There is no such thing, it was destroyed, or it is outside of the key's reach.
    NotFound,
    /// The method is not one of the path's.
    Method,
    /// The state forbids it; the text says why.
    Conflict(String),
    /// Too many requests; how many seconds to wait.
    TooMany(i64),
    /// The key opened what it may open within a day; the text says how much that is.
    TooMuchRead(String),
    /// The key that protects it is closed.
    KeyClosed(KeyClosed),
    /// The store failed.
    Unavailable,
    /// It took too long.
    TooSlow,
}

impl Failure {
    /// Status and type.
    const fn kind(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Invalid(_) => (StatusCode::BAD_REQUEST, "invalid_request_error"),
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "authentication_error"),
            Self::Scopes { .. } => (StatusCode::FORBIDDEN, "permission_error"),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found_error"),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "invalid_request_error"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "conflict_error"),
            Self::TooMany(_) | Self::TooMuchRead(_) => (StatusCode::TOO_MANY_REQUESTS, "rate_limit_error"),
            Self::KeyClosed(_) => (StatusCode::SERVICE_UNAVAILABLE, "api_error"),
            Self::Unavailable => (StatusCode::INTERNAL_SERVER_ERROR, "api_error"),
            Self::TooSlow => (StatusCode::GATEWAY_TIMEOUT, "timeout_error"),
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Invalid(text) | Self::Conflict(text) | Self::TooMuchRead(text) => text.chars().take(MESSAGE_CHARACTERS_MAX).collect(),
            Self::Unauthenticated => "invalid x-api-key".to_owned(),
            Self::Scopes { got, needed } => {
                format!("Missing required scopes. Got: {} Needed: {}", quoted(got), quoted(&[needed]))
            }
            Self::NotFound => "Not found".to_owned(),
            Self::Method => "Method not allowed".to_owned(),
            Self::TooMany(seconds) => {
                format!("This would exceed the limit of requests per minute. Wait {seconds} seconds; do not move your cursor on.")
            }
            Self::KeyClosed(closed) => closed.for_everybody(),
            Self::Unavailable => {
                "The store could not be used. Nothing was answered or changed by this request; try again later.".to_owned()
            }
            Self::TooSlow => "It took too long. Ask for less at a time, or try again.".to_owned(),
        }
    }
}

fn quoted(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    format!("[{}]", quoted.join(", "))
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, kind) = self.kind();
        let mut error = serde_json::json!({ "type": kind, "message": self.message() });
        if let Self::KeyClosed(closed) = &self {
            // As the gateway says it on the same wire.
            let details = serde_json::json!({ "error_code": closed.code() });
            if let Some(error) = error.as_object_mut() {
                error.insert("details".to_owned(), details);
            }
        }
        let body = serde_json::json!({ "type": "error", "error": error });
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match &self {
            Self::TooMany(seconds) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
            }
            Self::KeyClosed(closed) => {
                let retry = if closed.is_final() { "false" } else { "true" };
                headers.insert(SHOULD_RETRY, HeaderValue::from_static(retry));
            }
            Self::TooMuchRead(_) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(READ_AGAIN_SECONDS));
                // Programs that repeat what was refused within seconds would do so all day.
                headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
            }
            _ => {}
        }
        response
    }
}

impl From<QueryRefused> for Failure {
    fn from(refused: QueryRefused) -> Self {
        Self::Invalid(refused.0)
    }
}

impl From<AdminError> for Failure {
    fn from(error: AdminError) -> Self {
        match error {
            // The texts name what was looked for, from which others' things could be told.
            AdminError::NotFound(_) | AdminError::Destroyed(_) | AdminError::Forbidden(_) => Self::NotFound,
            AdminError::Invalid(text) => Self::Invalid(text),
            AdminError::Conflict(text) => Self::Conflict(text),
            AdminError::TooMuch(text) => Self::TooMuchRead(text),
            AdminError::KeyClosed(closed) => {
                tracing::warn!(problem = closed.code(), "the Compliance API met a closed key");
                Self::KeyClosed(closed)
            }
            AdminError::Storage(_) => {
                tracing::error!(%error, "the Compliance API could not use the store");
                Self::Unavailable
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_in_the_public_words() {
        let refused =
            Failure::Scopes { got: vec!["read:compliance_activities"], needed: "read:compliance_user_data" };
        assert_eq!(
            refused.message(),
            "Missing required scopes. Got: ['read:compliance_activities'] Needed: ['read:compliance_user_data']"
        );
    }

    #[test]
    fn what_the_store_says_stays_in_the_log() {
        let refused = Failure::from(AdminError::Storage("/var/lib/fiducia/control.db is damaged".to_owned()));
        assert!(!refused.message().contains("/var"));
        assert_eq!(Failure::from(AdminError::NotFound("there is no conv_1".to_owned())), Failure::NotFound);
        assert_eq!(
            Failure::from(AdminError::Destroyed("conv_1 was destroyed".to_owned())),
            Failure::NotFound
        );
    }
}
