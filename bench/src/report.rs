//! What is printed.

use crate::failure::Failure;
use crate::processor::load_average;
use crate::statistics::{median, range};

/// A report under way.
#[derive(Debug)]
pub(crate) struct Report {
    load_before: String,
}

#[expect(clippy::print_stdout, reason = "figures are what this program is for")]
impl Report {
    /// Notes the machine's load before the measurement adds to it.
    pub(crate) fn begin() -> Self {
        Self { load_before: load_average() }
    }

    /// Prints a line.
    pub(crate) fn line(&mut self, text: impl std::fmt::Display) {
        println!("{text}");
    }

    /// Prints the median of values with their range.
    pub(crate) fn median(&mut self, name: &str, values: &[f64], unit: &str) {
        let (low, high) = range(values);
        println!(
            "{name:<44} {:>9.2} {unit:<4} ({low:.2} to {high:.2}, {} rounds)",
            median(values),
            values.len()
        );
    }

    /// As [`Report::median`], with the value it is held against.
    pub(crate) fn target(&mut self, name: &str, values: &[f64], unit: &str, target: &str) {
        self.median(name, values, unit);
        println!("{:<44} {target:>9}", "  target");
    }

    /// Prints the machine's load.
    pub(crate) fn end(self) {
        println!("load average, one minute: {} before, {} after", self.load_before, load_average());
    }
}

/// Says why there is no figure.
#[expect(clippy::print_stderr, reason = "the only place where this program reports its own failure")]
pub(crate) fn problem(failure: &Failure) {
    eprintln!("error: {failure}");
}
