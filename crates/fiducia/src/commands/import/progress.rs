//! The progress bar of an import. It is drawn on standard error, and only on a terminal.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const DRAWS_PER_SECOND: u8 = 10;

/// How far an import is, by the bytes of its file.
pub(super) struct Progress {
    bar: ProgressBar,
    started: Instant,
    conversations: u64,
    bytes: u64,
    digested: std::cell::Cell<u64>,
}

impl Progress {
    /// An import of a file with `length` bytes begins.
    pub(super) fn start(length: u64) -> Self {
        let target = if std::io::stderr().is_terminal() {
            ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(length), target);
        let template = "{prefix:9} {wide_bar} {bytes}/{total_bytes}  {msg}  {elapsed}, {eta} left";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix("reading");
        Self { bar, started: Instant::now(), conversations: 0, bytes: 0, digested: std::cell::Cell::new(0) }
    }

    /// More of the file was digested. Always true, so that it can stand in a condition.
    pub(super) fn digested(&self, bytes: u64) -> bool {
        self.digested.set(self.digested.get() + bytes);
        self.bar.set_position(self.digested.get());
        true
    }

    /// The file was read up to `position`.
    pub(super) fn read(&self, position: u64) {
        self.bar.set_prefix("importing");
        self.bar.set_position(position);
    }

    /// More conversations are durable.
    pub(super) fn landed(&mut self, conversations: u64, bytes: u64) {
        self.conversations += conversations;
        self.bytes += bytes;
        self.bar.set_message(rate(self.conversations, self.bytes, self.started.elapsed()));
    }

    /// Takes the bar away while something is printed.
    pub(super) fn hidden<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Time since the start.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The import ended, one way or another.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn rate(conversations: u64, bytes: u64, elapsed: Duration) -> String {
    let milliseconds = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    let per_second = conversations.saturating_mul(1_000) / milliseconds;
    let tenths = bytes.saturating_mul(10) / milliseconds / 1_000;
    format!("{per_second} conversations/s, {}.{} MB/s", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_per_second() {
        assert_eq!(rate(500, 2_500_000, Duration::from_millis(500)), "1000 conversations/s, 5.0 MB/s");
        assert_eq!(rate(0, 0, Duration::ZERO), "0 conversations/s, 0.0 MB/s");
    }
}
