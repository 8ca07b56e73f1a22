//! Measuring detectors on labelled texts: what the training prints, and what anybody can measure on data of their own.

mod labels;
mod measures;
mod plot;
mod sampling;

pub use labels::heads_of_label;
pub use measures::{Interval, Measure, Scored, Sorted};
pub use plot::{Curve, plot};
pub use sampling::Sampling;
