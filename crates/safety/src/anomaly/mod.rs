//! Answers that are no language: endless repetition, noise, unusual amounts.
//!
//! [`AnswerWatch`] sees an answer as it streams. Each character costs a constant amount of work and the memory is fixed, whatever the
//! answer's length. What it says is about the answer's form alone.

mod compression;
mod distinct;
mod entropy;
#[cfg(test)]
mod tests;
mod watch;

pub use watch::{Anomaly, AnomalyFinding, AnomalyLimits, AnswerWatch};
