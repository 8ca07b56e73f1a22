//! The log line of a request, written the short way.
//!
//! It is by far the most frequent line, so what it costs is what logging costs. It has the same form as every other
//! line; a test holds the two against each other.

use std::cell::RefCell;
use std::fmt::{self, Debug, Write};

use fiducia_policy::Clock;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{Format, Json, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::edge::SystemClock;

/// The target of events that end a request.
const TARGET: &str = "fiducia::exchange";

/// Room for a line, so that it does not grow piece by piece.
const LINE_BYTES: usize = 768;

/// Writes events as lines of JSON.
#[derive(Debug)]
pub(crate) struct JsonLines {
    general: Format<Json>,
}

impl JsonLines {
    /// Lines with an event's fields at the top, beside its time, level and target.
    pub(crate) fn new() -> Self {
        let general = tracing_subscriber::fmt::format().json();
        Self { general: general.flatten_event(true).with_current_span(false).with_span_list(false) }
    }
}

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        if event.metadata().target() != TARGET {
            return self.general.format_event(context, writer, event);
        }
        LINE.with_borrow_mut(|line| {
            line.write(event);
            writer.write_str(&line.text)
        })
    }
}

thread_local! {
    static LINE: RefCell<Line> = RefCell::new(Line::new());
}

/// A line being written, and the text of the second that the last one was written in.
struct Line {
    text: String,
    second: i64,
    second_text: String,
}

impl Line {
    fn new() -> Self {
        Self { text: String::with_capacity(LINE_BYTES), second: i64::MIN, second_text: String::new() }
    }

    fn write(&mut self, event: &Event<'_>) {
        let metadata = event.metadata();
        self.text.clear();
        self.text.push_str("{\"timestamp\":\"");
        self.timestamp();
        self.text.push_str("\",\"level\":\"");
        self.text.push_str(metadata.level().as_str());
        self.text.push('"');
        event.record(self);
        self.text.push_str(",\"target\":");
        self.string(metadata.target());
        self.text.push_str("}\n");
    }

    /// The time in RFC 3339, UTC, with microseconds.
    fn timestamp(&mut self) {
        let now = SystemClock.now();
        // The clock's seconds are rounded towards zero; before 1970 the fraction would count downwards.
        let (second, microseconds) = (now.as_second(), now.subsec_microsecond().max(0));
        if self.second != second {
            self.second = second;
            self.second_text = now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        }
        self.text.push_str(&self.second_text);
        self.formatted(format_args!(".{microseconds:06}Z"));
    }

    fn name(&mut self, field: &Field) {
        self.text.push(',');
        self.string(field.name());
        self.text.push(':');
    }

    fn string(&mut self, text: &str) {
        self.text.push('"');
        self.escaped(text);
        self.text.push('"');
    }

    /// Adds what a JSON string may hold of `text` (RFC 8259, section 7).
    fn escaped(&mut self, text: &str) {
        let special = |byte: u8| byte < 0x20 || matches!(byte, b'"' | b'\\');
        if !text.bytes().any(special) {
            self.text.push_str(text);
            return;
        }
        for character in text.chars() {
            match character {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\t' => self.text.push_str("\\t"),
                '\u{8}' => self.text.push_str("\\b"),
                '\u{c}' => self.text.push_str("\\f"),
                control if u32::from(control) < 0x20 => {
                    self.formatted(format_args!("\\u{:04x}", u32::from(control)));
                }
                plain => self.text.push(plain),
            }
        }
    }

    fn formatted(&mut self, arguments: fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.text.write_fmt(arguments);
    }
}

/// Escapes whatever is written through it.
struct Escaping<'a>(&'a mut Line);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.escaped(text);
        Ok(())
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.name(field);
        self.string(value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.name(field);
        self.formatted(format_args!("{value}"));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.name(field);
        self.formatted(format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.name(field);
        self.text.push_str(if value { "true" } else { "false" });
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.name(field);
        self.text.push('"');
        // A value that cannot be written is cut short; the line stays one line of JSON.
        let _ = write!(Escaping(self), "{value:?}");
        self.text.push('"');
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What `say` logs, by one way of writing lines.
    fn logged<E>(lines: E, say: impl Fn()) -> Vec<String>
    where
        E: for<'a> FormatEvent<tracing_subscriber::Registry, tracing_subscriber::fmt::format::JsonFields>
            + Send
            + Sync
            + 'static,
    {
        let kept = Kept::default();
        let writer = kept.clone();
        let layer =
            tracing_subscriber::fmt::layer().json().event_format(lines).with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), say);
        let bytes = kept.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        text.split_inclusive('\n').map(str::to_owned).collect()
    }

    /// The parts of a line before, in and behind its time.
    fn around_time(line: &str) -> (&str, &str, &str) {
        let (start, rest) = line.split_at("{\"timestamp\":\"".len());
        let (time, end) = rest.split_at(rest.find('"').unwrap());
        (start, time, end)
    }

    #[test]
    fn the_short_way_writes_what_the_general_way_writes() {
        let say = || {
            let absent: Option<&str> = None;
            tracing::info!(
                target: "fiducia::exchange",
                endpoint = "anthropic-messages",
                absent,
                exchange = %"exch_1",
                odd = "a\"b\\c\n\t\r\u{8}\u{c}\u{1}\u{7f}é漢😀",
                shown = ?"a\"b",
                status = 200_u16,
                less = -5_i64,
                streamed = false,
                upstream_us = Some(u64::MAX),
                "answered"
            );
            tracing::warn!(target: "fiducia::exchange", "no fields");
            tracing::error!(target: "elsewhere", number = 1.5, "another target");
        };
        let general = || JsonLines::new().general;
        let (short, general) = (logged(JsonLines::new(), say), logged(general(), say));
        assert_eq!(short.len(), 3);
        for (short, general) in short.iter().zip(&general) {
            let (short, general) = (around_time(short), around_time(general));
            assert_eq!((short.0, short.2), (general.0, general.2));
            let form = |time: &str| time.replace(|digit: char| digit.is_ascii_digit(), "0");
            assert_eq!(form(short.1), form(general.1));
            assert_eq!(form(short.1), "0000-00-00T00:00:00.000000Z");
        }
    }
}
