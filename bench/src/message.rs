//! As much of HTTP/1.1 (RFC 9112) as the load generator and the scripted provider need: their own messages and those
//! that proxies make of them.

/// Longest head that is read.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// What is wrong with a message.
pub(crate) type Wrong = String;

/// Where a message's body stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    /// Bytes that are still to come.
    Length(usize),
    /// Before a chunk's size.
    ChunkSize,
    /// Bytes of a chunk, its line end included, that are still to come.
    Chunk(usize),
    /// After the last chunk's size.
    ChunkEnd,
}

/// Reads one message after the other from a connection.
#[derive(Debug)]
pub(crate) struct MessageReader {
    buffer: Vec<u8>,
    used: usize,
    state: State,
    /// The status code of the message being read, 0 for requests.
    pub(crate) status: u16,
    /// Bytes of the body read so far, without framing.
    pub(crate) body_bytes: usize,
}

impl MessageReader {
    /// A reader at the start of a connection.
    pub(crate) fn new() -> Self {
        Self { buffer: Vec::with_capacity(8 * 1024), used: 0, state: State::Head, status: 0, body_bytes: 0 }
    }

    /// Takes in bytes.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        if self.used == self.buffer.len() {
            self.buffer.clear();
            self.used = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// Everything taken in and not yet dealt with, for messages about it.
    pub(crate) fn rest(&self) -> String {
        String::from_utf8_lossy(&self.buffer).chars().take(2_000).collect()
    }

    /// Reads on; whether a message is now complete. The next call then begins the next one.
    ///
    /// # Errors
    /// When the bytes are no message.
    pub(crate) fn advance(&mut self) -> Result<bool, Wrong> {
        loop {
            let rest = self.buffer.get(self.used..).unwrap_or_default();
            match self.state {
                State::Head => {
                    let Some(end) = find(rest, b"\r\n\r\n") else {
                        return if rest.len() > HEAD_BYTES_MAX {
                            Err("its head is too long".into())
                        } else {
                            Ok(false)
                        };
                    };
                    let head = Head::parse(rest.get(..end).unwrap_or_default())?;
                    self.status = head.status;
                    self.body_bytes = 0;
                    self.used += end + 4;
                    self.state = if head.chunked { State::ChunkSize } else { State::Length(head.length) };
                    if self.state == State::Length(0) {
                        return Ok(self.complete());
                    }
                }
                State::Length(missing) => {
                    let taken = missing.min(rest.len());
                    self.used += taken;
                    self.body_bytes += taken;
                    self.state = State::Length(missing - taken);
                    return Ok(taken == missing && self.complete());
                }
                State::ChunkSize => {
                    let Some(end) = find(rest, b"\r\n") else { return Ok(false) };
                    let size = std::str::from_utf8(rest.get(..end).unwrap_or_default()).unwrap_or_default();
                    let size = usize::from_str_radix(size, 16).map_err(|_| "a chunk's size is no number")?;
                    self.used += end + 2;
                    self.body_bytes += size;
                    self.state = if size == 0 { State::ChunkEnd } else { State::Chunk(size + 2) };
                }
                State::Chunk(missing) => {
                    let taken = missing.min(rest.len());
                    self.used += taken;
                    if taken < missing {
                        self.state = State::Chunk(missing - taken);
                        return Ok(false);
                    }
                    self.state = State::ChunkSize;
                }
                State::ChunkEnd => {
                    if rest.len() < 2 {
                        return Ok(false);
                    }
                    self.used += 2;
                    return Ok(self.complete());
                }
            }
        }
    }

    fn complete(&mut self) -> bool {
        self.state = State::Head;
        true
    }
}

struct Head {
    status: u16,
    length: usize,
    chunked: bool,
}

impl Head {
    fn parse(bytes: &[u8]) -> Result<Self, Wrong> {
        let text = std::str::from_utf8(bytes).map_err(|_| "its head is not text")?;
        let mut lines = text.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let status =
            first.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
        let mut head = Self { status: status.unwrap_or(0), length: 0, chunked: false };
        for line in lines {
            let Some((name, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            if name.eq_ignore_ascii_case("content-length") {
                head.length = value.parse().map_err(|_| "its length is no number")?;
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                head.chunked = value.eq_ignore_ascii_case("chunked");
            }
        }
        Ok(head)
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[&str], expected: &[(u16, usize)]) {
        let mut reader = MessageReader::new();
        let mut found = Vec::new();
        for piece in pieces {
            reader.push(piece.as_bytes());
            while reader.advance().unwrap() {
                found.push((reader.status, reader.body_bytes));
            }
        }
        assert_eq!(found, expected);
    }

    #[test]
    fn messages_are_framed_by_length_and_by_chunks() {
        check(&["POST / HTTP/1.1\r\ncontent-length: 4\r\n\r\nab", "cd"], &[(0, 4)]);
        check(
            &[
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
                "c\r\n2\r",
                "\nde\r\n0\r\n",
                "\r\n",
            ],
            &[(200, 5)],
        );
        check(&["HTTP/1.1 204 x\r\n\r\nHTTP/1.1 500 x\r\ncontent-length: 1\r\n\r\nz"], &[(204, 0), (500, 1)]);
    }
}
