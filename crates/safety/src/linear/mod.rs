//! The linear model over hashed features: microseconds for a text, one pass, no allocation for a feature.
//!
//! What it is good for stands in `models/README.md`, with figures. It knows words and spellings, not meanings: it scores and
//! routes, and alone it is no reason to refuse anything.

mod grams;
mod head;
mod model;
mod reading;
#[cfg(test)]
mod tests;

use fiducia_policy::{Provenance, SafetyCategory, Score};

use crate::normal::{View, fold_character, views};
use crate::{Detector, Finding, Span};

pub use grams::{Grams, ROWS, ROWS_BITS};
pub use head::{HEADS, Head};
pub use model::{FalsePositives, HeadParameters, LinearModel, ModelError};
pub use reading::{Answer, Reading};

/// Finds what the heads of a model know, in every view of a text.
#[derive(Debug, Clone)]
pub struct LinearDetector {
    model: LinearModel,
    rate: FalsePositives,
}

impl LinearDetector {
    /// A detector that reports what scores above the thresholds of `rate`.
    pub const fn new(model: LinearModel, rate: FalsePositives) -> Self {
        Self { model, rate }
    }

    /// The model that it asks.
    pub const fn model(&self) -> &LinearModel {
        &self.model
    }

    /// What every head says about `text`, the largest over its views, in the order of `Head::ALL`; thresholds do not matter.
    pub fn scores(&self, text: &str) -> [Score; HEADS] {
        let mut scores = [Score::NONE; HEADS];
        for ((score, head), value) in scores.iter_mut().zip(Head::ALL).zip(self.values_of(&views(text))) {
            *score = self.model.calibrated(head, value);
        }
        scores
    }

    /// The same before calibration, for views that were made before.
    pub fn values_of(&self, views: &[View]) -> [f32; HEADS] {
        let mut largest = [f32::MIN; HEADS];
        for view in views {
            let mut reading = Reading::new(&self.model);
            reading.read(view.text());
            for (known, answer) in largest.iter_mut().zip(reading.answers()) {
                *known = known.max(answer.value);
            }
        }
        largest
    }

    /// What is found in views that were made before, one finding for each category.
    pub fn find(&self, views: &[View], provenance: Provenance) -> Vec<Finding> {
        let mut found: Vec<Finding> = Vec::new();
        for view in views {
            let mut reading = Reading::new(&self.model);
            reading.read(view.text());
            for (head, answer) in Head::ALL.into_iter().zip(reading.answers()) {
                let score = self.model.calibrated(head, answer.value);
                let Some(category) = head.category().filter(|_| head.is_asked_of(provenance)) else {
                    continue;
                };
                if score >= self.model.threshold(head, self.rate) {
                    add(&mut found, category, score, view, answer.window);
                }
            }
        }
        found
    }
}

impl Detector for LinearDetector {
    fn detect(&self, text: &str, provenance: Provenance) -> Vec<Finding> {
        self.find(&views(text), provenance)
    }
}

/// Keeps the finding with the larger score. A window that is the whole view says nothing about where.
fn add(found: &mut Vec<Finding>, category: SafetyCategory, score: Score, view: &View, window: Span) {
    let whole = window.start == 0 && window.end >= view.text().len();
    let spans = if whole { Vec::new() } else { vec![view.original(window)] };
    let finding = Finding { category, score, spans };
    match found.iter_mut().find(|known| known.category == category) {
        Some(known) if known.score >= score => {}
        Some(known) => *known = finding,
        None => found.push(finding),
    }
}

/// A text that arrives in pieces, as a streamed answer does: scored as it grows, in memory that does not.
///
/// Only the folding is undone while it arrives; what is encoded is found when the whole text is read.
#[derive(Debug, Clone)]
pub struct StreamedReading<'model>(Reading<'model>);

impl<'model> StreamedReading<'model> {
    /// Nothing has arrived yet.
    pub fn new(model: &'model LinearModel) -> Self {
        Self(Reading::new(model))
    }

    /// The next piece.
    pub fn push(&mut self, piece: &str) {
        for character in piece.chars() {
            fold_character(character, |folded| self.0.read_character(folded));
        }
    }

    /// What every head says so far.
    pub fn scores(&self) -> [Score; HEADS] {
        self.0.scores()
    }
}
