//! What is printed.

use crate::failure::Failure;
use crate::processor::load_average;
use crate::statistics::{self, range};

/// Prints a line.
#[expect(clippy::print_stdout, reason = "figures are what this program is for")]
pub(crate) fn line(text: impl std::fmt::Display) {
    println!("{text}");
}

/// Prints the median of values with their range.
pub(crate) fn median(name: &str, values: &[f64], unit: &str) {
    let (low, high) = range(values);
    let middle = statistics::median(values);
    line(format_args!("{name:<44} {middle:>9.2} {unit:<4} ({low:.2} to {high:.2}, {} rounds)", values.len()));
}

/// As [`median`], with the value it is held against.
pub(crate) fn target(name: &str, values: &[f64], unit: &str, target: &str) {
    median(name, values, unit);
    line(format_args!("{:<44} {target:>9}", "  target"));
}

/// Prints the machine's load before and after the measurement.
pub(crate) fn loads(before: &str) {
    line(format_args!("load average, one minute: {before} before, {} after", load_average()));
}

/// Says why there is no figure.
#[expect(clippy::print_stderr, reason = "the only place where this program reports its own failure")]
pub(crate) fn problem(failure: &Failure) {
    eprintln!("error: {failure}");
}
