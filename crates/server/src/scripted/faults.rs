//! The faults that a request can ask for.

use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use super::body::ScriptedBody;
use super::json_response;

/// The number that follows `mark` in `text`.
pub(super) fn number_after(text: &str, mark: &str) -> Option<u64> {
    let (_, after) = text.split_once(mark)?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The error that the model's name or the text asks for.
pub(super) fn asked_error(model: &str, text: &str, anthropic: bool) -> Option<Response<ScriptedBody>> {
    let status = number_after(model, "error:").or_else(|| number_after(text, "error:"))?;
    Some(error(u16::try_from(status).unwrap_or(500), anthropic))
}

/// Whether the answer is to break off in the middle.
pub(super) fn breaks(model: &str, text: &str) -> bool {
    model.contains("break-mid-stream") || text.contains("break-mid-stream")
}

/// An error in the provider's shape.
pub(super) fn error(status: u16, anthropic: bool) -> Response<ScriptedBody> {
    let kind = match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    };
    let message = format!("scripted error {status}");
    let body = if anthropic {
        json!({
            "type": "error",
            "error": { "type": kind, "message": message },
            "request_id": "req_scripted_error",
        })
    } else {
        json!({ "error": { "message": message, "type": kind, "param": null, "code": "scripted_error" } })
    };
    let mut response = json_response(&body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if status == 429 || status == 529 {
        response.headers_mut().insert("retry-after", HeaderValue::from_static("1"));
    }
    response
}
