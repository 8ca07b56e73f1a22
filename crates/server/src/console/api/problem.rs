//! What the API does not do, as problem+json (RFC 9457). Each kind has a type that never changes; `docs/api.md` explains them.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use fiducia_custody::AdminError;
use http::{HeaderValue, StatusCode, header};

use crate::console::refusal::Refusal;

/// What every type begins with.
const TYPE_PREFIX: &str = "urn:fiducia:problem:";
/// The longest detail, in characters.
const DETAIL_CHARACTERS_MAX: usize = 500;

/// A kind of problem.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::console) struct ProblemKind {
    /// The end of its type.
    pub(in crate::console) name: &'static str,
    /// The status.
    pub(in crate::console) status: u16,
    /// What it is, in words that are the same each time.
    pub(in crate::console) title: &'static str,
    /// What to do, for the documentation.
    pub(in crate::console) advice: &'static str,
}

impl ProblemKind {
    /// Its type.
    pub(in crate::console) fn uri(&self) -> String {
        format!("{TYPE_PREFIX}{}", self.name)
    }
}

macro_rules! kinds {
    ($($constant:ident = ($name:literal, $status:literal, $title:literal, $advice:literal);)+) => {
        $(const $constant: ProblemKind =
            ProblemKind { name: $name, status: $status, title: $title, advice: $advice };)+

        /// Every kind, in the order of the documentation.
        pub(in crate::console) const KINDS: &[&ProblemKind] = &[$(&$constant),+];
    };
}

kinds! {
    INVALID = ("invalid", 400, "The request is not acceptable.", "Nothing was changed. `detail` says what is wrong.");
    CURSOR = ("cursor", 400, "The cursor is not one of this list.",
        "Cursors belong to one list, one caller and one run of the server. Begin again without `after`.");
    IDEMPOTENCY_KEY = ("idempotency-key", 400, "The idempotency key is not acceptable.",
        "It has 1 to 128 visible ASCII characters and comes once.");
    UNAUTHENTICATED = ("unauthenticated", 401, "Nobody is recognised.",
        "Send a token that works as `Authorization: Bearer`, or sign in again: sessions end, and tokens expire and are revoked.");
    FORBIDDEN = ("forbidden", 403, "Your roles do not permit this.", "Nothing was read or changed.");
    PERMISSION = ("permission", 403, "The token does not permit this.",
        "Nothing was read or changed. Create a token with the permission that `detail` names.");
    NO_PERSON = ("no-person", 403, "This is for people whose conversations are kept.",
        "The account belongs to nobody whose conversations are kept.");
    NO_STAFF = ("no-staff", 403, "This is for staff.", "The account has no role of staff.");
    NOT_FOR_PEOPLE = ("not-for-people", 403, "Nobody does this for another person.",
        "Leave out `fiducia-subject`: applications deal with people's choices and requests only.");
    FOREIGN = ("foreign", 403, "This did not come from a page of the console.",
        "A change by a session needs the `fiducia-form` header with the form token, and no `Origin` but the console's.");
    NOT_FOUND = ("not-found", 404, "There is no such thing.",
        "It does not exist, or it belongs to somebody else: these are not told apart.");
    METHOD = ("method", 405, "The method is not one of this resource's.", "The `Allow` header names them.");
    CONFLICT = ("conflict", 409, "The state of things does not allow this.",
        "Nothing was changed. `detail` says what stands in the way.");
    IN_PROGRESS = ("in-progress", 409, "The same request is being carried out.",
        "Wait as long as `Retry-After` says and send it again with the same key.");
    DESTROYED = ("destroyed", 410, "It was destroyed.", "The keys are gone; nobody can read it.");
    PRECONDITION = ("precondition", 412, "It changed meanwhile.",
        "Nothing was changed. Get it again, look at what is different, and decide anew.");
    TOO_LARGE = ("too-large", 413, "The body is too large.", "`detail` says how large it may be.");
    MEDIA_TYPE = ("media-type", 415, "The body has another type than this takes.",
        "Send `application/json`; a batch of choices may come as `application/x-ndjson` too.");
    RANGE = ("range", 416, "The file has no such range.", "The `Content-Range` header says how long it is.");
    IDEMPOTENCY_MISMATCH = ("idempotency-mismatch", 422, "The idempotency key was used for another request.",
        "Nothing was changed. Use a fresh key for a fresh request.");
    TOO_MANY = ("too-many", 429, "Too many requests.", "Wait as long as `Retry-After` says.");
    KEY_CLOSED = ("key-closed", 503, "The key that protects it is closed.",
        "`detail` names the code of `docs/keys.md`. Nothing was read or changed, and nothing is lost: it goes on once the key's service opens it.");
    UNAVAILABLE = ("unavailable", 503, "The store cannot be used.",
        "Try again later, with the same idempotency key: what was acknowledged is kept.");
    TOO_SLOW = ("too-slow", 503, "It took too long.",
        "It may be carried out all the same. Send it again with the same idempotency key to learn what became of it.");
}

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::console) enum Problem {
    /// Something sent is not acceptable; the text says what.
    Invalid(String),
    /// The cursor is forged, another list's or another run's.
    Cursor,
    /// The idempotency key has no such form.
    IdempotencyKey,
    /// Nobody is recognised.
    Unauthenticated,
    /// No role permits it; the text says what was asked.
    Forbidden(String),
    /// The token lacks this permission.
    Permission(&'static str),
    /// The account belongs to nobody whose conversations are kept.
    NoPerson,
    /// The account has no role of staff.
    NoStaff,
    /// An application may not do this for a person.
    NotForPeople,
    /// Another site sent it, or the form token is missing.
    Foreign,
    /// There is no such thing, or the caller may not know of it.
    NotFound,
    /// The method is not one of the resource's.
    Method,
    /// The state forbids it; the text says why.
    Conflict(String),
    /// The same request is under way.
    InProgress,
    /// The key is gone.
    Destroyed(String),
    /// The resource is not as the caller knows it.
    Precondition,
    /// The body has more bytes than these.
    TooLarge(usize),
    /// The body has another type.
    MediaType,
    /// The file has no such range; how long it is.
    Range(u64),
    /// The key was used for another request.
    IdempotencyMismatch,
    /// Too many requests; how many seconds to wait.
    TooMany(i64),
    /// The key that protects it is closed; the text names the code.
    KeyClosed(String),
    /// The store failed.
    Unavailable,
    /// It took too long.
    TooSlow,
}

/// The body of a problem.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "Problem")]
pub(in crate::console) struct ProblemView {
    /// Which kind: `urn:fiducia:problem:` and a name. It never changes.
    #[serde(rename = "type")]
    pub(in crate::console) kind: String,
    /// The kind in words.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What happened this time, in English. It never holds what a conversation says.
    pub(in crate::console) detail: String,
}

impl Problem {
    /// Its kind.
    pub(in crate::console) const fn kind(&self) -> &'static ProblemKind {
        match self {
            Self::Invalid(_) => &INVALID,
            Self::Cursor => &CURSOR,
            Self::IdempotencyKey => &IDEMPOTENCY_KEY,
            Self::Unauthenticated => &UNAUTHENTICATED,
            Self::Forbidden(_) => &FORBIDDEN,
            Self::Permission(_) => &PERMISSION,
            Self::NoPerson => &NO_PERSON,
            Self::NoStaff => &NO_STAFF,
            Self::NotForPeople => &NOT_FOR_PEOPLE,
            Self::Foreign => &FOREIGN,
            Self::NotFound => &NOT_FOUND,
            Self::Method => &METHOD,
            Self::Conflict(_) => &CONFLICT,
            Self::InProgress => &IN_PROGRESS,
            Self::Destroyed(_) => &DESTROYED,
            Self::Precondition => &PRECONDITION,
            Self::TooLarge(_) => &TOO_LARGE,
            Self::MediaType => &MEDIA_TYPE,
            Self::Range(_) => &RANGE,
            Self::IdempotencyMismatch => &IDEMPOTENCY_MISMATCH,
            Self::TooMany(_) => &TOO_MANY,
            Self::KeyClosed(_) => &KEY_CLOSED,
            Self::Unavailable => &UNAVAILABLE,
            Self::TooSlow => &TOO_SLOW,
        }
    }

    /// The body.
    pub(in crate::console) fn view(&self) -> ProblemView {
        let kind = self.kind();
        let detail = match self {
            Self::Invalid(text)
            | Self::Forbidden(text)
            | Self::Conflict(text)
            | Self::Destroyed(text)
            | Self::KeyClosed(text) => text.chars().take(DETAIL_CHARACTERS_MAX).collect(),
            Self::Permission(scope) => format!("It lacks the permission `{scope}`."),
            Self::TooLarge(bytes) => format!("It may have {bytes} bytes. Nothing was changed."),
            Self::TooMany(seconds) => format!("Wait {seconds} seconds. Nothing was changed."),
            _ => kind.advice.to_owned(),
        };
        ProblemView { kind: kind.uri(), title: kind.title, status: kind.status, detail }
    }

    fn add_headers(&self, headers: &mut http::HeaderMap) {
        let seconds = match self {
            Self::TooMany(seconds) => Some(*seconds),
            Self::InProgress | Self::TooSlow => Some(1),
            _ => None,
        };
        if let Some(value) = seconds.and_then(|seconds| HeaderValue::try_from(seconds.to_string()).ok()) {
            headers.insert(header::RETRY_AFTER, value);
        }
        if matches!(self, Self::Unauthenticated) {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"fiducia\""));
        }
        if let Self::Range(length) = self
            && let Ok(value) = HeaderValue::try_from(format!("bytes */{length}"))
        {
            headers.insert(header::CONTENT_RANGE, value);
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.view()).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() =
            StatusCode::from_u16(self.kind().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        self.add_headers(response.headers_mut());
        response
    }
}

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        match error {
            // The text names what was looked for, and staff and people of others learn nothing from either.
            AdminError::NotFound(_) => Self::NotFound,
            AdminError::Invalid(text) => Self::Invalid(text),
            AdminError::Conflict(text) | AdminError::TooMuch(text) => Self::Conflict(text),
            AdminError::Forbidden(text) => Self::Forbidden(text),
            AdminError::Destroyed(text) => Self::Destroyed(text),
            AdminError::KeyClosed(closed) => {
                tracing::warn!(problem = closed.code(), "the API met a closed key");
                Self::KeyClosed(closed.for_everybody())
            }
            AdminError::Storage(_) => {
                tracing::error!(%error, "the API could not use the store");
                Self::Unavailable
            }
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::NotFound,
            Refusal::Invalid(text) => Self::Invalid(text),
            Refusal::Forbidden(text) => Self::Forbidden(text),
            Refusal::FormExpired | Refusal::Foreign => Self::Foreign,
            Refusal::Method => Self::Method,
            Refusal::TooLarge => Self::TooLarge(0),
            Refusal::TooSlow => Self::TooSlow,
            Refusal::TooMany(seconds) => Self::TooMany(seconds),
            Refusal::SignedOut => Self::Unauthenticated,
            Refusal::KeyClosed(text) => Self::KeyClosed(text),
            Refusal::Unavailable => Self::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_names_every_kind_and_no_other() {
        let text = include_str!("../../../../../docs/api.md");
        let rows: Vec<&str> =
            text.lines().filter(|line| line.starts_with("| `urn:fiducia:problem:")).collect();
        let expected: Vec<String> = KINDS
            .iter()
            .map(|kind| format!("| `{}` | {} | {} | {} |", kind.uri(), kind.status, kind.title, kind.advice))
            .collect();
        assert_eq!(rows, expected, "the table in docs/api.md is:\n{}", expected.join("\n"));
    }

    #[test]
    fn no_two_kinds_have_one_name() {
        let mut names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), KINDS.len());
    }

    #[test]
    fn what_the_store_says_stays_in_the_log() {
        let view =
            Problem::from(AdminError::Storage("/var/lib/fiducia/control.db is damaged".to_owned())).view();
        assert!(!view.detail.contains("/var"), "{}", view.detail);
        let view = Problem::from(AdminError::NotFound("there is no conv_1 in org_2".to_owned())).view();
        assert!(!view.detail.contains("org_2"), "{}", view.detail);
    }
}
