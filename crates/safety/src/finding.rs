//! What a detector says.

use fiducia_policy::{Provenance, SafetyCategory, Score};

/// A place in a text: bytes from `start` up to and not including `end`, both at boundaries of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

/// Something found in a text. It names places and holds none of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was found.
    pub category: SafetyCategory,
    /// How sure the detector is.
    pub score: Score,
    /// Where, in order and without overlap; empty when it is about the text as a whole.
    pub spans: Vec<Span>,
}

/// One way of finding something. It is asked for one text at a time, takes time linear in its length, and never fails: a text that
/// it cannot make sense of has no findings.
pub trait Detector: Send + Sync {
    /// What is found in `text`, which has this provenance. At most one finding for each category and kind of thing.
    fn detect(&self, text: &str, provenance: Provenance) -> Vec<Finding>;
}
