//! Requests on every wire, and what counts as answered.

use std::net::SocketAddr;

use super::http::{Answer, Connection};
use super::site::Tenant;

/// A way to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// `/v1/messages`, one JSON answer.
    Messages,
    /// `/v1/messages`, streamed.
    MessagesStream,
    /// `/v1/chat/completions`, one JSON answer.
    Chat,
    /// `/v1/chat/completions`, streamed.
    ChatStream,
    /// `/v1/responses`, one JSON answer.
    Responses,
    /// `/v1/responses`, streamed.
    ResponsesStream,
}

impl Way {
    /// All of them.
    pub(crate) const ALL: [Self; 6] = [
        Self::Messages,
        Self::MessagesStream,
        Self::Chat,
        Self::ChatStream,
        Self::Responses,
        Self::ResponsesStream,
    ];

    /// The one for the `number`th request, all in turn.
    pub(crate) fn nth(number: usize) -> Self {
        Self::ALL[number % Self::ALL.len()]
    }

    fn path(self) -> &'static str {
        match self {
            Self::Messages | Self::MessagesStream => "/v1/messages",
            Self::Chat | Self::ChatStream => "/v1/chat/completions",
            Self::Responses | Self::ResponsesStream => "/v1/responses",
        }
    }

    fn streams(self) -> bool {
        matches!(self, Self::MessagesStream | Self::ChatStream | Self::ResponsesStream)
    }

    fn body(self, text: &str) -> String {
        let messages = serde_json::json!([{"role": "user", "content": text}]);
        let mut body = serde_json::json!({"model": "scripted-1", "stream": self.streams()});
        match self {
            Self::Messages | Self::MessagesStream => {
                body["max_tokens"] = 64.into();
                body["messages"] = messages;
            }
            Self::Chat | Self::ChatStream => body["messages"] = messages,
            Self::Responses | Self::ResponsesStream => body["input"] = text.into(),
        }
        body.to_string()
    }

    /// The bytes that say that an answer ended well.
    fn end(self) -> Option<&'static str> {
        match self {
            Self::MessagesStream => Some("event: message_stop"),
            Self::ChatStream => Some("data: [DONE]"),
            Self::ResponsesStream => Some("event: response.completed"),
            _ => None,
        }
    }
}

/// An answer that a client may rely on.
#[derive(Debug, Clone)]
pub(crate) struct Acknowledged {
    /// The exchange's id, from the answer's headers.
    pub(crate) exchange: String,
    /// What was asked.
    pub(crate) text: String,
}

/// What came of a request.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Answered to the end.
    Acknowledged(Acknowledged),
    /// Refused, or broken off before the end, with what was seen.
    NotAcknowledged(String),
}

/// Asks `text` on `connection`.
pub(crate) fn ask(
    connection: &mut Connection,
    tenant: &Tenant,
    way: Way,
    text: &str,
) -> std::io::Result<Outcome> {
    let headers = [
        ("x-api-key", tenant.secret.as_str()),
        ("anthropic-version", "2023-06-01"),
        ("content-type", "application/json"),
    ];
    let answer = connection.send("POST", way.path(), &headers, way.body(text).as_bytes())?;
    Ok(judge(way, text, &answer))
}

/// Asks `text` on a connection of its own; what went wrong with the connection counts as not acknowledged.
pub(crate) fn ask_once(gateway: SocketAddr, tenant: &Tenant, way: Way, text: &str) -> Outcome {
    let asked = Connection::open(gateway).and_then(|mut connection| ask(&mut connection, tenant, way, text));
    asked.unwrap_or_else(|error| Outcome::NotAcknowledged(error.to_string()))
}

/// An answer is acknowledged as soon as its end is seen, even if the connection breaks right after.
fn judge(way: Way, text: &str, answer: &Answer) -> Outcome {
    let ended = way.end().map_or(answer.complete, |end| answer.text().contains(end));
    match answer.header("fiducia-exchange") {
        Some(exchange) if answer.status == 200 && ended => {
            Outcome::Acknowledged(Acknowledged { exchange: exchange.to_owned(), text: text.to_owned() })
        }
        _ => Outcome::NotAcknowledged(format!("{} {}", answer.status, answer.text())),
    }
}
