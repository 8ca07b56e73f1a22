//! Text in, findings out: what safeguards are about, found in the program's own process and without I/O.
//!
//! A [`Detector`] reads one text with its provenance and says what it found, how sure it is, and where. It never holds a text
//! longer than the call, and a [`Finding`] never holds content: a category, a score and places.

mod cascade;
pub mod evaluation;
mod finding;
pub mod linear;
pub mod normal;
pub mod rules;

pub mod anomaly;
pub mod leakage;
pub mod masking;
pub mod personal_data;
pub mod secrets;

pub use cascade::{Cascade, CascadeError};
pub use fiducia_policy::{Provenance, SafetyCategory, Score};
pub use finding::{Detector, Finding, Span};
