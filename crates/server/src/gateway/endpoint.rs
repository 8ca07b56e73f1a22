//! Which endpoint a request means. Everything that is not listed here is refused: the providers' interfaces hold many
//! endpoints that carry content or keep state, and what the gateway does not understand it does not forward.

use fiducia_custody::Scope;
use fiducia_wire::{Wire, WireFamily};
use http::{HeaderMap, Method, header};

/// The longest id in a path.
const ID_BYTES_MAX: usize = 256;

/// What exists, for the answer to a path that does not.
pub(crate) const WHAT_EXISTS: &str = "POST /v1/messages, POST /v1/messages/count_tokens, /v1/messages/batches \
     (create, list, get, cancel, delete, results), /v1/files (upload, list, get, content, delete), GET /v1/models, \
     POST /v1/chat/completions, POST /v1/responses, POST /v1/embeddings";

/// An endpoint of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Endpoint {
    /// `HEAD /` and `GET /`: is anybody there.
    Root,
    /// An exchange with a model that is captured.
    Exchange(Wire),
    /// `POST /v1/messages/count_tokens`.
    CountTokens,
    /// `POST /v1/messages/batches`.
    BatchCreate,
    /// Reading and steering batches: list, get, cancel, delete.
    BatchObject,
    /// `GET /v1/messages/batches/{id}/results`.
    BatchResults,
    /// `POST /v1/files`.
    FileUpload,
    /// List, get and delete of files.
    FileObject,
    /// `GET /v1/files/{id}/content`.
    FileContent,
    /// `GET /v1/models`.
    ModelList,
    /// `GET /v1/models/{id}`.
    ModelGet,
}

impl Endpoint {
    /// What a key must permit.
    pub(crate) fn scope(self) -> Option<Scope> {
        match self {
            Self::Root => None,
            Self::Exchange(_) | Self::CountTokens => Some(Scope::Inference),
            Self::BatchCreate | Self::BatchObject | Self::BatchResults => Some(Scope::Batches),
            Self::FileUpload | Self::FileObject | Self::FileContent => Some(Scope::Files),
            Self::ModelList | Self::ModelGet => Some(Scope::Models),
        }
    }

    /// The name in logs and metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Exchange(wire) => wire.name(),
            Self::CountTokens => "anthropic-count-tokens",
            Self::BatchCreate => "anthropic-batch-create",
            Self::BatchObject => "anthropic-batches",
            Self::BatchResults => "anthropic-batch-results",
            Self::FileUpload => "anthropic-file-upload",
            Self::FileObject => "anthropic-files",
            Self::FileContent => "anthropic-file-content",
            Self::ModelList => "model-list",
            Self::ModelGet => "model-get",
        }
    }
}

/// A request whose endpoint is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Matched<'a> {
    /// Which endpoint.
    pub(crate) endpoint: Endpoint,
    /// In whose shape errors are told.
    pub(crate) family: WireFamily,
    /// The path's last variable part, percent-encoded as sent.
    pub(crate) id: Option<&'a str>,
}

/// Why no endpoint was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoEndpoint {
    /// There is no such path.
    NotFound,
    /// The path exists for other methods.
    Method(&'static str),
    /// The id in the path is no id.
    BadId,
    /// The request asks for a WebSocket.
    WebSocket,
}

/// In whose shape a request on a path that both wires share is answered: the Anthropic wire always sends
/// `anthropic-version`, and its own key header is `x-api-key`.
pub(crate) fn family_by_headers(headers: &HeaderMap) -> WireFamily {
    if headers.contains_key("anthropic-version") || headers.contains_key("x-api-key") {
        WireFamily::Anthropic
    } else {
        WireFamily::OpenAi
    }
}

/// Finds the endpoint of a request.
pub(crate) fn matched<'a>(
    method: &Method,
    path: &'a str,
    headers: &HeaderMap,
) -> Result<Matched<'a>, (WireFamily, NoEndpoint)> {
    let shared = || family_by_headers(headers);
    let family = match path {
        "/v1/messages" => WireFamily::Anthropic,
        "/v1/chat/completions" | "/v1/responses" | "/v1/embeddings" => WireFamily::OpenAi,
        _ if path.starts_with("/v1/messages/") => WireFamily::Anthropic,
        _ => shared(),
    };
    if headers.contains_key(header::UPGRADE) || headers.contains_key("sec-websocket-key") {
        return Err((family, NoEndpoint::WebSocket));
    }
    endpoint_of(method, path, family)
        .map(|(endpoint, id)| Matched { endpoint, family, id })
        .map_err(|refused| (family, refused))
}

fn endpoint_of<'a>(
    method: &Method,
    path: &'a str,
    family: WireFamily,
) -> Result<(Endpoint, Option<&'a str>), NoEndpoint> {
    let only = |wanted: Method, names: &'static str, endpoint| {
        if *method == wanted { Ok((endpoint, None)) } else { Err(NoEndpoint::Method(names)) }
    };
    match path {
        "/" if *method == Method::HEAD || *method == Method::GET => Ok((Endpoint::Root, None)),
        "/" => Err(NoEndpoint::Method("HEAD, GET")),
        "/v1/messages" => only(Method::POST, "POST", Endpoint::Exchange(Wire::AnthropicMessages)),
        "/v1/messages/count_tokens" => only(Method::POST, "POST", Endpoint::CountTokens),
        "/v1/chat/completions" => only(Method::POST, "POST", Endpoint::Exchange(Wire::OpenAiChat)),
        "/v1/responses" => only(Method::POST, "POST", Endpoint::Exchange(Wire::OpenAiResponses)),
        "/v1/embeddings" => only(Method::POST, "POST", Endpoint::Exchange(Wire::OpenAiEmbeddings)),
        "/v1/models" => only(Method::GET, "GET", Endpoint::ModelList),
        _ => {
            if let Some(id) = path.strip_prefix("/v1/models/") {
                checked_model_id(id)?;
                return only(Method::GET, "GET", Endpoint::ModelGet)
                    .map(|(endpoint, _)| (endpoint, Some(id)));
            }
            if let Some(rest) = path.strip_prefix("/v1/messages/batches") {
                return batch_endpoint(method, rest);
            }
            match path.strip_prefix("/v1/files") {
                Some(rest) if family == WireFamily::Anthropic => file_endpoint(method, rest),
                _ => Err(NoEndpoint::NotFound),
            }
        }
    }
}

fn batch_endpoint<'a>(method: &Method, rest: &'a str) -> Result<(Endpoint, Option<&'a str>), NoEndpoint> {
    let parts = parts_of(rest)?;
    match (parts, method) {
        ((None, None), &Method::POST) => Ok((Endpoint::BatchCreate, None)),
        ((None, None), &Method::GET) => Ok((Endpoint::BatchObject, None)),
        ((None, None), _) => Err(NoEndpoint::Method("POST, GET")),
        ((id @ Some(_), None), &Method::GET | &Method::DELETE) | ((id, Some("cancel")), &Method::POST) => {
            Ok((Endpoint::BatchObject, id))
        }
        ((Some(_), None), _) => Err(NoEndpoint::Method("GET, DELETE")),
        ((_, Some("cancel")), _) => Err(NoEndpoint::Method("POST")),
        ((id, Some("results")), &Method::GET) => Ok((Endpoint::BatchResults, id)),
        ((_, Some("results")), _) => Err(NoEndpoint::Method("GET")),
        _ => Err(NoEndpoint::NotFound),
    }
}

fn file_endpoint<'a>(method: &Method, rest: &'a str) -> Result<(Endpoint, Option<&'a str>), NoEndpoint> {
    let parts = parts_of(rest)?;
    match (parts, method) {
        ((None, None), &Method::POST) => Ok((Endpoint::FileUpload, None)),
        ((None, None), &Method::GET) => Ok((Endpoint::FileObject, None)),
        ((None, None), _) => Err(NoEndpoint::Method("POST, GET")),
        ((id @ Some(_), None), &Method::GET | &Method::DELETE) => Ok((Endpoint::FileObject, id)),
        ((id, Some("content")), &Method::GET) => Ok((Endpoint::FileContent, id)),
        ((Some(_), None), _) => Err(NoEndpoint::Method("GET, DELETE")),
        ((_, Some("content")), _) => Err(NoEndpoint::Method("GET")),
        _ => Err(NoEndpoint::NotFound),
    }
}

/// Splits `""`, `"/id"` or `"/id/action"`; refuses ids that could lead elsewhere in the provider's interface.
fn parts_of(rest: &str) -> Result<(Option<&str>, Option<&str>), NoEndpoint> {
    if rest.is_empty() {
        return Ok((None, None));
    }
    let rest = rest.strip_prefix('/').ok_or(NoEndpoint::NotFound)?;
    let (id, action) = match rest.split_once('/') {
        None => (rest, None),
        Some((id, action)) => (id, Some(action)),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if id.is_empty() || id.len() > ID_BYTES_MAX || !id.bytes().all(plain) {
        return Err(NoEndpoint::BadId);
    }
    Ok((Some(id), action))
}

/// Model names may hold dots, slashes and colons, but no path segment that climbs.
fn checked_model_id(id: &str) -> Result<(), NoEndpoint> {
    let decoded = percent_decoded(id).ok_or(NoEndpoint::BadId)?;
    let climbs = decoded.split('/').any(|segment| segment.is_empty() || segment == "." || segment == "..");
    let odd =
        decoded.chars().any(|character| character.is_control() || character == '\\' || character == '?');
    if climbs || odd || id.len() > ID_BYTES_MAX { Err(NoEndpoint::BadId) } else { Ok(()) }
}

/// Undoes percent-encoding (RFC 3986, section 2.1). `None` when it is malformed or not UTF-8.
pub(crate) fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Percent-encodes all but unreserved characters (RFC 3986, section 2.3), for one path segment.
pub(crate) fn percent_encoded(text: &str) -> String {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for nibble in [byte >> 4, byte & 15] {
                encoded.push(HEX.get(usize::from(nibble)).copied().unwrap_or('0'));
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(names: &[&'static str]) -> HeaderMap {
        names.iter().map(|name| (name.parse().unwrap(), HeaderValue::from_static("x"))).collect()
    }

    fn check(method: &Method, path: &str, expected: Result<Endpoint, NoEndpoint>) {
        let found = matched(method, path, &headers(&["anthropic-version"]));
        let found = found.map(|found| found.endpoint).map_err(|(_, refused)| refused);
        assert_eq!(found, expected, "{method} {path}");
    }

    #[test]
    fn listed_endpoints_are_found() {
        check(&Method::POST, "/v1/messages", Ok(Endpoint::Exchange(Wire::AnthropicMessages)));
        check(&Method::POST, "/v1/messages/count_tokens", Ok(Endpoint::CountTokens));
        check(&Method::POST, "/v1/messages/batches", Ok(Endpoint::BatchCreate));
        check(&Method::GET, "/v1/messages/batches/msgbatch_1", Ok(Endpoint::BatchObject));
        check(&Method::POST, "/v1/messages/batches/msgbatch_1/cancel", Ok(Endpoint::BatchObject));
        check(&Method::GET, "/v1/messages/batches/msgbatch_1/results", Ok(Endpoint::BatchResults));
        check(&Method::GET, "/v1/files/file_1/content", Ok(Endpoint::FileContent));
        check(&Method::DELETE, "/v1/files/file_1", Ok(Endpoint::FileObject));
        check(&Method::GET, "/v1/models/org%2Fname-1.5", Ok(Endpoint::ModelGet));
        check(&Method::HEAD, "/", Ok(Endpoint::Root));
    }

    #[test]
    fn everything_else_is_refused() {
        check(&Method::GET, "/v1/responses/resp_1", Err(NoEndpoint::NotFound));
        check(&Method::GET, "/v1/messages", Err(NoEndpoint::Method("POST")));
        check(&Method::POST, "/v1/complete", Err(NoEndpoint::NotFound));
        check(&Method::POST, "/v1/messages/", Err(NoEndpoint::NotFound));
        check(&Method::GET, "/v1/messages/batches/a/results/b", Err(NoEndpoint::NotFound));
        check(&Method::GET, "/v1/files/..", Err(NoEndpoint::BadId));
        check(&Method::GET, "/v1/files/%2e%2e", Err(NoEndpoint::BadId));
        check(&Method::GET, "/v1/models/a/../../organizations", Err(NoEndpoint::BadId));
        check(&Method::GET, "/v1/models/%2e%2e%2forganizations", Err(NoEndpoint::BadId));
    }

    #[test]
    fn shared_paths_take_the_shape_of_their_headers() {
        let family = |names: &[&'static str]| {
            matched(&Method::GET, "/v1/models", &headers(names)).map(|found| found.family)
        };
        assert_eq!(family(&["anthropic-version", "authorization"]), Ok(WireFamily::Anthropic));
        assert_eq!(family(&["x-api-key"]), Ok(WireFamily::Anthropic));
        assert_eq!(family(&["authorization"]), Ok(WireFamily::OpenAi));
        let files = matched(&Method::GET, "/v1/files", &headers(&["authorization"]));
        assert_eq!(files, Err((WireFamily::OpenAi, NoEndpoint::NotFound)));
    }

    #[test]
    fn websocket_upgrades_are_refused_before_anything_else() {
        let found = matched(&Method::GET, "/v1/responses", &headers(&["upgrade"]));
        assert_eq!(found, Err((WireFamily::OpenAi, NoEndpoint::WebSocket)));
    }

    #[test]
    fn percent_encoding_round_trips() {
        let name = "org/модель 1.5:free";
        assert_eq!(percent_decoded(&percent_encoded(name)).as_deref(), Some(name));
        assert_eq!(percent_decoded("%2"), None);
        assert_eq!(percent_decoded("%ff"), None);
    }
}
