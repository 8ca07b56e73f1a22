//! What the console does not do, and how it says so: a page for people, problem+json (RFC 9457) for programs.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use fiducia_custody::AdminError;
use http::{HeaderValue, StatusCode, header};

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no such page, or the person may not know of it.
    NotFound,
    /// Something in the form is not acceptable; the text says what. It is the use case's own, in English.
    Invalid(String),
    /// The account's roles do not permit it; the text says what. It is the use case's own, in English.
    Forbidden(String),
    /// The form was not made for this browser, or for a session that is over.
    FormExpired,
    /// Another site sent the form.
    Foreign,
    /// The method is not one of the page's.
    Method,
    /// The body is too large.
    TooLarge,
    /// It took too long.
    TooSlow,
    /// Too many attempts; how many seconds to wait.
    TooMany(i64),
    /// Nobody is signed in, and a program asked.
    SignedOut,
    /// The key that protects it is closed; the text names the code, in English.
    KeyClosed(String),
    /// The store or a provider failed.
    Unavailable,
}

impl Refusal {
    /// The HTTP status.
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Forbidden(_) | Self::FormExpired | Self::Foreign => StatusCode::FORBIDDEN,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::SignedOut => StatusCode::UNAUTHORIZED,
            Self::KeyClosed(_) | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The stable code, which is also part of the names of its texts.
    pub(super) const fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not-found",
            Self::Invalid(_) => "invalid",
            Self::Forbidden(_) => "forbidden",
            Self::FormExpired => "form-expired",
            Self::Foreign => "foreign-form",
            Self::Method => "method",
            Self::TooLarge => "too-large",
            Self::TooSlow => "too-slow",
            Self::TooMany(_) => "too-many",
            Self::SignedOut => "signed-out",
            Self::KeyClosed(_) => "key-closed",
            Self::Unavailable => "unavailable",
        }
    }

    /// What the use case said, where it said something.
    pub(super) fn detail(&self) -> Option<&str> {
        match self {
            Self::Invalid(detail) | Self::Forbidden(detail) | Self::KeyClosed(detail) => Some(detail),
            _ => None,
        }
    }
}

/// The refusal travels with the bare response; [`super::answer`] puts the page or the document around it.
impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status();
        if let Self::TooMany(seconds) = &self
            && let Ok(value) = HeaderValue::try_from(seconds.to_string())
        {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<AdminError> for Refusal {
    fn from(error: AdminError) -> Self {
        match error {
            AdminError::NotFound(_) => Self::NotFound,
            AdminError::Forbidden(text) => Self::Forbidden(text),
            AdminError::Invalid(text) | AdminError::Conflict(text) | AdminError::TooMuch(text) => {
                Self::Invalid(text)
            }
            AdminError::KeyClosed(closed) => {
                tracing::warn!(problem = closed.code(), "the console met a closed key");
                Self::KeyClosed(closed.for_everybody())
            }
            AdminError::Destroyed(_) | AdminError::Storage(_) => {
                tracing::error!(%error, "the console could not use the store");
                Self::Unavailable
            }
        }
    }
}
