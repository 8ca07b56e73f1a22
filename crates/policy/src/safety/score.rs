//! How sure a detector is.

/// A calibrated probability that a text belongs to a category: from 0 to 1, never NaN.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "f32", into = "f32")]
pub struct Score(f32);

/// A number that is no probability.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("a score lies between 0 and 1, and {0} does not")]
pub struct ScoreOutOfRange(pub f32);

impl Score {
    /// Certainly not.
    pub const NONE: Self = Self(0.0);
    /// Certainly: an exact rule matched.
    pub const CERTAIN: Self = Self(1.0);

    /// The probability, from 0 to 1.
    pub const fn value(self) -> f32 {
        self.0
    }

    /// The larger of the two.
    #[must_use]
    pub fn or_more(self, other: Self) -> Self {
        if other.0 > self.0 { other } else { self }
    }
}

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl TryFrom<f32> for Score {
    type Error = ScoreOutOfRange;

    fn try_from(value: f32) -> Result<Self, ScoreOutOfRange> {
        // NaN lies in no range. Adding zero makes a negative zero a positive one, so that equal scores compare as equal.
        if (0.0..=1.0).contains(&value) { Ok(Self(value + 0.0)) } else { Err(ScoreOutOfRange(value)) }
    }
}

impl From<Score> for f32 {
    fn from(score: Score) -> Self {
        score.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_probabilities_are_scores() {
        for wrong in [f32::NAN, f32::INFINITY, -0.001, 1.001] {
            assert!(Score::try_from(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Score::try_from(-0.0).unwrap().cmp(&Score::NONE), std::cmp::Ordering::Equal);
        assert_eq!(Score::NONE.or_more(Score::CERTAIN), Score::CERTAIN);
    }
}
