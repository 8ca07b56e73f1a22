//! The gateway's own refusals, in the shape of the wire they answer.
//!
//! A refusal says what happened, what that means for the data, and what to do. Whether a retry can help is told by
//! `x-should-retry`, which the providers' client libraries obey.

use std::borrow::Cow;

use bytes::Bytes;
use fiducia_custody::{CaptureFailed, CaptureRefused, CredentialRefused};
use fiducia_policy::FeatureSet;
use fiducia_wire::{RequestError, WireError, WireFamily};
use http::{HeaderValue, Response, StatusCode, header};

use super::answer_body::AnswerBody;
use super::eligibility::parameter;
use super::endpoint::{NoEndpoint, WHAT_EXISTS};

/// An answer of the gateway's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The HTTP status.
    pub(crate) status: StatusCode,
    /// `error.type` on the Anthropic wire.
    anthropic_type: &'static str,
    /// `error.type` on the OpenAI wires.
    open_ai_type: &'static str,
    /// The stable machine code: `error.code` (OpenAI), `error.details.error_code` (Anthropic), and the metrics' label.
    pub(crate) code: &'static str,
    /// `error.param` on the OpenAI wires.
    parameter: Option<&'static str>,
    /// For people.
    message: Cow<'static, str>,
    /// Whether sending the same request again can help.
    retry: bool,
    /// `allow` for 405.
    allow: Option<&'static str>,
    /// Whether the rest of the request was not read, so that the connection cannot be used further.
    pub(crate) closes: bool,
    /// The features that were refused.
    pub(crate) features: FeatureSet,
}

impl Refusal {
    fn new(
        status: StatusCode,
        types: (&'static str, &'static str),
        code: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            anthropic_type: types.0,
            open_ai_type: types.1,
            code,
            parameter: None,
            message: message.into(),
            retry: false,
            allow: None,
            closes: false,
            features: FeatureSet::EMPTY,
        }
    }

    fn retryable(mut self) -> Self {
        self.retry = true;
        self
    }

    fn closing(mut self) -> Self {
        self.closes = true;
        self
    }

    /// A request that cannot be accepted as it is.
    pub(crate) fn invalid(code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        let types = ("invalid_request_error", "invalid_request_error");
        Self::new(StatusCode::BAD_REQUEST, types, code, message)
    }

    /// The body was not read as a request.
    pub(crate) fn malformed(error: &RequestError) -> Self {
        Self::invalid("invalid_request_body", error.to_string())
    }

    /// No credential was presented.
    pub(crate) fn no_key() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            ("authentication_error", "invalid_request_error"),
            "missing_api_key",
            "no key was sent; send a virtual key of this gateway in x-api-key or as Authorization: Bearer",
        )
    }

    /// A credential was presented and is not accepted.
    pub(crate) fn credential(refused: CredentialRefused) -> Self {
        let message = refused.to_string();
        let unauthorized = |code| {
            Self::new(
                StatusCode::UNAUTHORIZED,
                ("authentication_error", "invalid_request_error"),
                code,
                message.clone(),
            )
        };
        match refused {
            CredentialRefused::Unknown => unauthorized("invalid_api_key"),
            CredentialRefused::Revoked => unauthorized("revoked_api_key"),
            CredentialRefused::Expired => unauthorized("expired_api_key"),
            CredentialRefused::SubjectInvalid => Self::invalid("invalid_subject", message),
            CredentialRefused::SubjectNotPermitted => Self::new(
                StatusCode::FORBIDDEN,
                ("permission_error", "invalid_request_error"),
                "insufficient_permissions",
                message,
            ),
            CredentialRefused::StoreUnavailable => Self::store(message),
        }
    }

    /// The key does not permit this endpoint.
    pub(crate) fn scope(scope: &'static str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            ("permission_error", "invalid_request_error"),
            "insufficient_permissions",
            format!("this key lacks the scope {scope}; ask your administrator for a key that has it"),
        )
    }

    /// There is no such endpoint.
    pub(crate) fn no_endpoint(refused: NoEndpoint) -> Self {
        let not_found = ("not_found_error", "invalid_request_error");
        match refused {
            NoEndpoint::NotFound => Self::new(
                StatusCode::NOT_FOUND,
                not_found,
                "unknown_endpoint",
                format!(
                    "this gateway does not serve this path and sent nothing on. It serves: {WHAT_EXISTS}"
                ),
            ),
            NoEndpoint::BadId => Self::new(
                StatusCode::NOT_FOUND,
                not_found,
                "invalid_id",
                "the id in the path is not an id this gateway forwards; nothing was sent on",
            ),
            NoEndpoint::Method(allow) => Self {
                allow: Some(allow),
                ..Self::new(
                    StatusCode::METHOD_NOT_ALLOWED,
                    ("invalid_request_error", "invalid_request_error"),
                    "method_not_allowed",
                    format!("this path takes {allow}; nothing was sent on"),
                )
            },
            NoEndpoint::WebSocket => Self::invalid(
                "websocket_unsupported",
                "this gateway does not carry WebSockets, because it could not keep what passes through them; \
                 use POST with \"stream\": true",
            ),
        }
    }

    /// No route leads to a model.
    pub(crate) fn unknown_model(names: &str) -> Self {
        Self {
            parameter: Some("model"),
            ..Self::new(
                StatusCode::NOT_FOUND,
                ("not_found_error", "invalid_request_error"),
                "model_not_found",
                format!("this gateway has no route for the model; models on this wire: {names}"),
            )
        }
    }

    /// The body is larger than the endpoint takes.
    pub(crate) fn too_large(bytes_max: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            ("request_too_large", "invalid_request_error"),
            "request_too_large",
            format!("the request body has more than {bytes_max} bytes; nothing was sent on"),
        )
        .closing()
    }

    /// The body stopped arriving.
    pub(crate) fn too_slow() -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            ("invalid_request_error", "invalid_request_error"),
            "request_timeout",
            "the request body arrived too slowly and was not sent on; send it again",
        )
        .retryable()
        .closing()
    }

    /// The body broke off. Usually nobody is left to read this.
    pub(crate) fn cut_off() -> Self {
        Self::invalid("request_incomplete", "the request body broke off before its end; nothing was sent on")
            .closing()
    }

    /// The body is compressed.
    pub(crate) fn encoded_body() -> Self {
        Self::invalid(
            "request_body_encoding_unsupported",
            "this gateway reads request bodies as they are; send the body without content-encoding",
        )
    }

    /// The body claims a charset that cannot be read.
    pub(crate) fn charset() -> Self {
        Self::invalid("unsupported_charset", "send the body as UTF-8; nothing was sent on")
    }

    /// The memory for buffered bodies is taken.
    pub(crate) fn memory() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            ("overloaded_error", "server_error"),
            "gateway_overloaded",
            "this gateway holds as many bytes in flight as it may; nothing was sent on, try again shortly",
        )
        .retryable()
        .closing()
    }

    fn store(message: String) -> Self {
        let types = ("api_error", "server_error");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, types, "store_unavailable", message).retryable()
    }

    /// Custody does not take the exchange.
    pub(crate) fn capture_refused(refused: CaptureRefused) -> Self {
        match refused {
            CaptureRefused::Key(problem) => {
                let types = ("api_error", "server_error");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, types, problem.code(), refused.to_string())
                    .retryable()
            }
            _ => Self::store(refused.to_string()),
        }
    }

    /// Custody took the exchange and could not keep it. The store's own words are for the log.
    pub(crate) fn capture_failed(_failed: &CaptureFailed) -> Self {
        Self::store(
            "the exchange could not be recorded, so its answer is not given; the provider may have been asked. \
             Try again, and tell the operator if it persists"
                .to_owned(),
        )
    }

    /// The provider could not be reached.
    pub(crate) fn unreachable() -> Self {
        Self::new(
            StatusCode::BAD_GATEWAY,
            ("api_error", "server_error"),
            "upstream_unreachable",
            "the model provider could not be reached or closed the connection; try again",
        )
        .retryable()
    }

    /// The provider did not answer in time.
    pub(crate) fn upstream_timeout() -> Self {
        Self::new(
            StatusCode::GATEWAY_TIMEOUT,
            ("timeout_error", "server_error"),
            "upstream_timeout",
            "the model provider did not answer in time; it may have worked on the request all the same",
        )
        .retryable()
    }

    /// The provider's answer broke off before anything of it was sent.
    pub(crate) fn broken_answer() -> Self {
        Self::new(
            StatusCode::BAD_GATEWAY,
            ("api_error", "server_error"),
            "upstream_broken",
            "the model provider's answer broke off before its end; what had arrived was not passed on, try again",
        )
        .retryable()
    }

    /// The provider's answer cannot be read, hence not kept, hence not given.
    pub(crate) fn unreadable_answer(message: &'static str) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, ("api_error", "server_error"), "upstream_unreadable", message)
    }

    /// The organisation's agreements rule these features out.
    pub(crate) fn ineligible(code: &'static str, message: String, features: FeatureSet) -> Self {
        let parameter = features.iter().find_map(parameter);
        Self { parameter, features, ..Self::invalid(code, message) }
    }

    /// The model is one whose prompts and answers are always kept, and the organisation keeps nothing.
    pub(crate) fn data_retention_required(message: String) -> Self {
        Self { parameter: Some("model"), ..Self::invalid("data_retention_required", message) }
    }

    /// The error object of this refusal.
    fn body(&self, family: WireFamily, request_id: &str) -> Bytes {
        let kind = match family {
            WireFamily::Anthropic => self.anthropic_type,
            WireFamily::OpenAi => self.open_ai_type,
        };
        let error = WireError { kind, code: self.code, message: &self.message, parameter: self.parameter };
        Bytes::from(fiducia_wire::error_body(family, &error, request_id))
    }

    /// The answer to send.
    pub(crate) fn response(&self, family: WireFamily, request_id: &str) -> Response<AnswerBody> {
        let mut response = Response::new(AnswerBody::whole(self.body(family, request_id)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let id_header = match family {
            WireFamily::Anthropic => "request-id",
            WireFamily::OpenAi => "x-request-id",
        };
        if let Ok(value) = HeaderValue::from_str(request_id) {
            headers.insert(id_header, value);
        }
        let retry = if self.retry { "true" } else { "false" };
        headers.insert("x-should-retry", HeaderValue::from_static(retry));
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if self.closes {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wire_gets_its_own_shape() {
        let refusal = Refusal::unknown_model("a, b*");
        let anthropic: serde_json::Value =
            serde_json::from_slice(&refusal.body(WireFamily::Anthropic, "req_1")).unwrap();
        assert_eq!(anthropic["type"], "error");
        assert_eq!(anthropic["error"]["type"], "not_found_error");
        assert_eq!(anthropic["request_id"], "req_1");
        let open_ai: serde_json::Value =
            serde_json::from_slice(&refusal.body(WireFamily::OpenAi, "req_1")).unwrap();
        assert_eq!(open_ai["error"]["code"], "model_not_found");
        assert_eq!(open_ai["error"]["param"], "model");
        assert!(open_ai["error"]["message"].as_str().unwrap().contains("a, b*"));
    }

    #[test]
    fn policy_denials_say_that_a_retry_is_futile_and_outages_that_it_is_not() {
        let retry = |refusal: Refusal| {
            refusal.response(WireFamily::Anthropic, "req_1").headers()["x-should-retry"]
                .to_str()
                .unwrap()
                .to_owned()
        };
        assert_eq!(retry(Refusal::no_key()), "false");
        assert_eq!(retry(Refusal::credential(CredentialRefused::Revoked)), "false");
        assert_eq!(retry(Refusal::capture_refused(CaptureRefused::QueueFull)), "true");
        assert_eq!(retry(Refusal::unreachable()), "true");
    }

    #[test]
    fn a_closed_key_is_refused_by_its_code() {
        for problem in fiducia_keyring::KmsProblem::ALL {
            let refusal = Refusal::capture_refused(CaptureRefused::Key(problem));
            let said: serde_json::Value =
                serde_json::from_slice(&refusal.body(WireFamily::OpenAi, "req_1")).unwrap();
            assert_eq!(said["error"]["code"], problem.code());
            let response = refusal.response(WireFamily::OpenAi, "req_1");
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()["x-should-retry"], "true");
        }
    }
}
