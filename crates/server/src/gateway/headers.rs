//! Which headers cross the gateway.
//!
//! End-to-end headers pass unchanged in both directions. What a connection owns stays on it (RFC 9110, section 7.6.1),
//! the virtual key is replaced by the provider's key, and `fiducia-*` request headers are the gateway's own.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Names the person a request speaks for; needs the scope `act-for-subjects`.
pub(crate) const SUBJECT: HeaderName = HeaderName::from_static("fiducia-subject");
/// The exchange's id, on answers.
pub(crate) const EXCHANGE: HeaderName = HeaderName::from_static("fiducia-exchange");
/// What the gateway changed, on answers: one line for each change.
pub(crate) const NOTICE: HeaderName = HeaderName::from_static("fiducia-notice");
/// The key header of the Anthropic wire.
pub(crate) const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// The key header of Azure OpenAI.
pub(crate) const API_KEY: HeaderName = HeaderName::from_static("api-key");

/// Headers that belong to one connection and never cross.
fn is_hop_by_hop(name: &HeaderName) -> bool {
    // Ordered by length classes of the standard names; comparing interned names is an integer comparison.
    matches!(
        *name,
        header::CONNECTION
            | header::TRANSFER_ENCODING
            | header::UPGRADE
            | header::TE
            | header::TRAILER
            | header::PROXY_AUTHENTICATE
            | header::PROXY_AUTHORIZATION
    ) || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

/// Whether any `Connection` header names `name`.
fn named_by_connection(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.get_all(header::CONNECTION).iter().any(|value| {
        value
            .as_bytes()
            .split(|byte| *byte == b',')
            .any(|token| token.trim_ascii().eq_ignore_ascii_case(name.as_str().as_bytes()))
    })
}

fn lists_names(headers: &HeaderMap) -> bool {
    headers.get_all(header::CONNECTION).iter().any(|value| {
        let value = value.as_bytes().trim_ascii();
        !value.eq_ignore_ascii_case(b"keep-alive") && !value.eq_ignore_ascii_case(b"close")
    })
}

/// How a forwarded request differs from the one received.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forwarding<'a> {
    /// The provider's key in the provider's form.
    pub(crate) credential: Option<&'a (HeaderName, HeaderValue)>,
    /// Whether the gateway must read the answer, so that it must not come compressed.
    pub(crate) readable_answer: bool,
    /// Whether the body's length is set anew by the transport.
    pub(crate) body_replaced: bool,
}

/// The headers to send upstream for `received`. `Host` is left to the transport.
pub(crate) fn upstream_headers(received: &HeaderMap, forwarding: Forwarding<'_>) -> HeaderMap {
    let lists = lists_names(received);
    let mut sent = HeaderMap::with_capacity(received.len() + 2);
    for (name, value) in received {
        let own = *name == header::HOST
            || *name == header::AUTHORIZATION
            || *name == header::EXPECT
            || *name == X_API_KEY
            || *name == API_KEY
            || name.as_str().starts_with("fiducia-")
            || (*name == header::CONTENT_LENGTH && forwarding.body_replaced)
            || (*name == header::ACCEPT_ENCODING && forwarding.readable_answer);
        if own || is_hop_by_hop(name) || (lists && named_by_connection(received, name)) {
            continue;
        }
        sent.append(name.clone(), value.clone());
    }
    if forwarding.readable_answer {
        sent.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    if let Some((name, value)) = forwarding.credential {
        sent.insert(name.clone(), value.clone());
    }
    sent
}

/// Takes out of an answer's headers what belongs to the upstream connection, in place.
pub(crate) fn strip_answer_headers(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = if lists_names(headers) {
            headers.keys().filter(|name| named_by_connection(headers, name)).cloned().collect()
        } else {
            Vec::new()
        };
        for name in named {
            headers.remove(name);
        }
        headers.remove(header::CONNECTION);
    }
    for name in [
        header::TRANSFER_ENCODING,
        header::UPGRADE,
        header::TE,
        header::TRAILER,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
    ] {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers.remove("proxy-connection");
}

/// The virtual key that a request presents: `x-api-key`, else a bearer token (RFC 6750, section 2.1).
pub(crate) fn presented_key(headers: &HeaderMap) -> Option<&str> {
    if let Some(key) = headers.get(X_API_KEY) {
        return key.to_str().ok();
    }
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim_start())
}

/// A `fiducia-notice` value: `code; asked="…"; served="…"`. Characters that a quoted string cannot carry are replaced.
pub(crate) fn notice_value(code: &str, asked: &str, served: &str) -> HeaderValue {
    let mut text = String::with_capacity(code.len() + asked.len() + served.len() + 24);
    text.push_str(code);
    for (name, value) in [("asked", asked), ("served", served)] {
        text.push_str("; ");
        text.push_str(name);
        text.push_str("=\"");
        for character in value.chars() {
            match character {
                '"' | '\\' => text.extend(['\\', character]),
                ' '..='~' => text.push(character),
                _ => text.push('?'),
            }
        }
        text.push('"');
    }
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("unprintable"))
}

/// Whether a `content-encoding` header says that a body is compressed.
pub(crate) fn is_encoded(headers: &HeaderMap) -> bool {
    headers.get_all(header::CONTENT_ENCODING).iter().any(|value| {
        let value = value.as_bytes().trim_ascii();
        !value.is_empty() && !value.eq_ignore_ascii_case(b"identity")
    })
}

/// Whether the content type names a charset that cannot be read as UTF-8 JSON. ISO-8859-1 and US-ASCII are accepted
/// as the provider accepts them; JSON is UTF-8 whatever the header says (RFC 8259, section 8.1).
pub(crate) fn charset_unsupported(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    value.split(';').skip(1).filter_map(|parameter| parameter.split_once('=')).any(|(name, charset)| {
        let charset = charset.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("charset")
            && !["utf-8", "utf8", "iso-8859-1", "us-ascii", "ascii", "latin1"]
                .iter()
                .any(|known| charset.eq_ignore_ascii_case(known))
    })
}

/// Whether the answer is a stream of server-sent events.
pub(crate) fn is_event_stream(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| {
        value.as_bytes().get(..17).is_some_and(|start| start.eq_ignore_ascii_case(b"text/event-stream"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn only_end_to_end_headers_are_forwarded_and_the_key_is_replaced() {
        let received = map(&[
            ("host", "gateway"),
            ("x-api-key", "virtual"),
            ("authorization", "Bearer virtual"),
            ("connection", "keep-alive, x-private"),
            ("x-private", "1"),
            ("keep-alive", "5"),
            ("te", "trailers"),
            ("fiducia-subject", "p"),
            ("anthropic-beta", "a"),
            ("anthropic-beta", "b"),
            ("accept-encoding", "gzip"),
        ]);
        let credential = (X_API_KEY, HeaderValue::from_static("real"));
        let sent = upstream_headers(
            &received,
            Forwarding { credential: Some(&credential), readable_answer: true, body_replaced: false },
        );
        let expected = map(&[
            ("anthropic-beta", "a"),
            ("anthropic-beta", "b"),
            ("accept-encoding", "identity"),
            ("x-api-key", "real"),
        ]);
        assert_eq!(sent, expected);
    }

    #[test]
    fn answers_lose_only_what_the_connection_owns() {
        let mut headers = map(&[
            ("connection", "close, x-hop"),
            ("x-hop", "1"),
            ("transfer-encoding", "chunked"),
            ("request-id", "req_1"),
            ("retry-after", "3"),
        ]);
        strip_answer_headers(&mut headers);
        assert_eq!(headers, map(&[("request-id", "req_1"), ("retry-after", "3")]));
    }

    #[test]
    fn keys_are_taken_from_either_form() {
        assert_eq!(presented_key(&map(&[("x-api-key", "k")])), Some("k"));
        assert_eq!(presented_key(&map(&[("authorization", "bearer k")])), Some("k"));
        assert_eq!(presented_key(&map(&[("authorization", "Basic k")])), None);
        assert_eq!(presented_key(&map(&[])), None);
    }

    #[test]
    fn notices_quote_what_they_name() {
        let value = notice_value("model-alias", "a\"b", "c\u{e9}");
        assert_eq!(value, "model-alias; asked=\"a\\\"b\"; served=\"c?\"");
    }

    #[test]
    fn charsets_beyond_utf8_and_its_subsets_are_refused() {
        let check = |value: &'static str| charset_unsupported(&map(&[("content-type", value)]));
        assert!(!check("application/json"));
        assert!(!check("application/json; charset=UTF-8"));
        assert!(!check("application/json; charset=\"iso-8859-1\""));
        assert!(check("application/json; charset=utf-16"));
    }
}
