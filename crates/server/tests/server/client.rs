//! A client that sees every byte.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// So that a test that would hang fails instead.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer as it came.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// The body without its transfer framing.
    pub(crate) body: Vec<u8>,
    /// Whether the transfer ended as its framing demands.
    pub(crate) whole: bool,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// A connection whose answer is read piece by piece.
pub(crate) struct Conversation {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// Sends one request on a connection of its own and reads the whole answer.
pub(crate) fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut all = headers.to_vec();
    let length = body.len().to_string();
    all.push(("content-length", &length));
    let mut conversation = Conversation::open(address, &request_head(method, path, &all));
    // An early refusal may close the way in; the answer is there all the same.
    let _ = conversation.stream.write_all(body);
    conversation.answer()
}

/// The bytes of a request's head.
pub(crate) fn request_head(method: &str, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nhost: gateway.test\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

impl Conversation {
    pub(crate) fn open(address: SocketAddr, bytes: &[u8]) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(bytes).unwrap();
        Self { stream, buffer: Vec::new() }
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Reads until what arrived, framing and all, holds `mark`.
    pub(crate) fn read_until(&mut self, mark: &str) -> String {
        loop {
            let text = String::from_utf8_lossy(&self.buffer).into_owned();
            if text.contains(mark) {
                return text;
            }
            assert!(self.read_more() > 0, "ended before {mark:?}: {text}");
        }
    }

    fn read_more(&mut self) -> usize {
        let mut piece = [0; 16 * 1024];
        let count = match self.stream.read(&mut piece) {
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => 0,
            Err(error) => panic!("no answer in time: {error}"),
        };
        self.buffer.extend_from_slice(&piece[..count]);
        count
    }

    /// Reads the answer to its end.
    pub(crate) fn answer(mut self) -> Answer {
        let head_end = loop {
            if let Some(end) = find(&self.buffer, b"\r\n\r\n") {
                break end;
            }
            let text = String::from_utf8_lossy(&self.buffer).into_owned();
            assert!(self.read_more() > 0, "the connection ended before an answer: {text:?}");
        };
        let head = String::from_utf8(self.buffer[..head_end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        self.buffer.drain(..head_end + 4);
        let header =
            |wanted: &str| headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
        let (body, whole) = if header("transfer-encoding").is_some() {
            self.chunked()
        } else {
            let length = header("content-length").map_or(0, |length| length.parse().unwrap());
            while self.buffer.len() < length && self.read_more() > 0 {}
            let whole = self.buffer.len() == length;
            (self.buffer, whole)
        };
        Answer { status, headers, body, whole }
    }

    fn chunked(&mut self) -> (Vec<u8>, bool) {
        let mut body = Vec::new();
        loop {
            let Some(line_end) = find(&self.buffer, b"\r\n") else {
                if self.read_more() == 0 {
                    return (body, false);
                }
                continue;
            };
            let size = std::str::from_utf8(&self.buffer[..line_end]).unwrap();
            let size = usize::from_str_radix(size, 16).unwrap();
            let end = line_end + 2 + size + 2;
            if self.buffer.len() < end {
                if self.read_more() == 0 {
                    return (body, false);
                }
                continue;
            }
            body.extend_from_slice(&self.buffer[line_end + 2..line_end + 2 + size]);
            self.buffer.drain(..end);
            if size == 0 {
                return (body, true);
            }
        }
    }
}

pub(crate) fn find(bytes: &[u8], mark: &[u8]) -> Option<usize> {
    bytes.windows(mark.len()).position(|window| window == mark)
}
