//! Server-sent events from chunks of any size (WHATWG HTML, section 9.2.6 "Interpreting an event stream").
//!
//! Only one unfinished event is kept. The splitter counts the bytes of the stream, so that its user knows where each
//! event begins and ends on the wire.

use crate::AnswerError;
use crate::answer::EVENT_BYTES_MAX;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The data with which a Chat stream ends.
pub(crate) const DONE: &[u8] = b"[DONE]";

/// Splits a stream into events.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an independent fact about the position in the stream"
)]
pub(crate) struct Events {
    /// Whether a line of data that starts with `[DONE]` is an event at once, as clients take it, and needs no empty
    /// line behind it.
    done_ends: bool,
    /// The unfinished line.
    line: Vec<u8>,
    name: Vec<u8>,
    /// The data of the unfinished event, with a line feed behind every line.
    data: Vec<u8>,
    /// Whether the unfinished event has any field.
    has_fields: bool,
    started: bool,
    after_carriage_return: bool,
    /// Bytes taken so far.
    position: u64,
    /// Where the unfinished event begins; every byte before belongs to finished events and comments.
    event_start: u64,
    /// Whether an event was said to end the stream; nothing after it is read.
    ended: bool,
}

impl Events {
    pub(crate) fn new(done_ends: bool) -> Self {
        Self { done_ends, ..Self::default() }
    }

    /// Where the unfinished event begins, or, after the end, the event that ended the stream.
    pub(crate) fn boundary(&self) -> u64 {
        self.event_start
    }

    /// Whether everything taken so far is whole events and comments, so that an event may follow.
    pub(crate) fn is_between_events(&self) -> bool {
        self.line.is_empty() && !self.has_fields
    }

    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// Takes a chunk. `each` is given the name and data of every finished event and says whether it ends the stream.
    pub(crate) fn push(
        &mut self,
        chunk: &[u8],
        mut each: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), AnswerError> {
        let mut rest = chunk;
        while let (Some(first), false) = (rest.first(), self.ended) {
            if std::mem::take(&mut self.after_carriage_return) && *first == b'\n' {
                self.pass_line_feed();
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let Some(at) = memchr::memchr2(b'\n', b'\r', rest) else {
                self.position += rest.len() as u64;
                self.line.extend_from_slice(rest);
                return self.check_size();
            };
            let (piece, tail) = rest.split_at(at);
            self.after_carriage_return = tail.first() == Some(&b'\r');
            rest = tail.get(1..).unwrap_or_default();
            self.position += at as u64 + 1;
            if self.line.is_empty() {
                self.take_line(piece, &mut each);
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(piece);
                self.take_line(&line, &mut each);
                line.clear();
                self.line = line;
            }
            self.check_size()?;
        }
        Ok(())
    }

    /// The second byte of a line end that began in `\r`.
    fn pass_line_feed(&mut self) {
        if self.event_start == self.position {
            self.event_start += 1;
        }
        self.position += 1;
    }

    fn take_line(&mut self, line: &[u8], each: &mut impl FnMut(&[u8], &[u8]) -> bool) {
        let line = match line.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) if !self.started => rest,
            _ => line,
        };
        self.started = true;
        if line.is_empty() {
            self.finish_event(each);
            return;
        }
        let (field, value) = match memchr::memchr(b':', line) {
            None => (line, &[][..]),
            Some(at) => {
                let (field, value) = line.split_at(at);
                let value = value.get(1..).unwrap_or_default();
                (field, value.strip_prefix(b" ").unwrap_or(value))
            }
        };
        match field {
            // A comment between events keeps the connection alive, so it must not wait for the next event.
            b"" if !self.has_fields => self.event_start = self.position,
            b"" => {}
            b"data" => {
                self.has_fields = true;
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
                if self.done_ends && self.data.starts_with(DONE) {
                    self.finish_event(each);
                }
            }
            b"event" => {
                self.has_fields = true;
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            _ => self.has_fields = true,
        }
    }

    fn finish_event(&mut self, each: &mut impl FnMut(&[u8], &[u8]) -> bool) {
        if let Some(data) = self.data.strip_suffix(b"\n") {
            self.ended = each(&self.name, data);
        }
        self.name.clear();
        self.data.clear();
        self.has_fields = false;
        if !self.ended {
            self.event_start = self.position;
        }
    }

    fn check_size(&self) -> Result<(), AnswerError> {
        if self.line.len() + self.data.len() + self.name.len() > EVENT_BYTES_MAX {
            return Err(AnswerError::EventTooLarge { event_bytes_max: EVENT_BYTES_MAX });
        }
        Ok(())
    }
}

/// Writes an event. `name` is none on the Chat wire.
pub(crate) fn write_event(out: &mut Vec<u8>, name: Option<&str>, data: &[u8]) {
    if let Some(name) = name {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.push(b'\n');
    }
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(data);
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every event, and the boundary after the whole stream.
    fn read(stream: &[u8], chunk_bytes: usize) -> (Vec<(String, String)>, u64) {
        let mut events = Events::new(false);
        let mut seen = Vec::new();
        for chunk in stream.chunks(chunk_bytes) {
            events
                .push(chunk, |name, data| {
                    seen.push((String::from_utf8_lossy(name).into(), String::from_utf8_lossy(data).into()));
                    data == b"end"
                })
                .unwrap();
        }
        (seen, events.boundary())
    }

    fn check(stream: &str, expected: &[(&str, &str)], boundary: u64) {
        let expected: Vec<_> = expected.iter().map(|(name, data)| ((*name).into(), (*data).into())).collect();
        for chunk_bytes in 1..=stream.len() {
            assert_eq!(
                read(stream.as_bytes(), chunk_bytes),
                (expected.clone(), boundary),
                "in {chunk_bytes}"
            );
        }
    }

    #[test]
    fn all_line_ends_are_one() {
        check("event: a\ndata: 1\n\ndata:2\n\n", &[("a", "1"), ("", "2")], 26);
        check("event: a\r\ndata: 1\r\n\r\ndata:2\r\n\r\n", &[("a", "1"), ("", "2")], 31);
        check("event: a\rdata: 1\r\rdata:2\r\r", &[("a", "1"), ("", "2")], 26);
    }

    #[test]
    fn data_lines_join_and_other_fields_pass() {
        check("\u{feff}id: 7\nretry: 1\ndata: a\ndata\ndata:  b\n\n", &[("", "a\n\n b")], 41);
        check("event: lonely\n\ndata: x\n\n", &[("", "x")], 24);
    }

    #[test]
    fn comments_between_events_need_not_wait() {
        check(": ping\n", &[], 7);
        check("data: 1\n: within\n", &[], 0);
    }

    #[test]
    fn nothing_passes_the_end() {
        check("data: 1\n\ndata: end\n\ndata: 2\n\n", &[("", "1"), ("", "end")], 9);
        check("data: 1\r\n\r\ndata: end\r\n\r\ndata: 2\r\n\r\n", &[("", "1"), ("", "end")], 11);
    }
}
