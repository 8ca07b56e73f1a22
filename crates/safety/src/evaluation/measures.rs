//! Figures about scores and labels.

use super::sampling::Sampling;

/// What a detector said about a text, and what is true.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// The score; the larger, the surer.
    pub score: f32,
    /// Whether the label says so too.
    pub positive: bool,
}

/// A figure about scored texts. Each lies between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    /// The area under the curve of precision over recall, as average precision. A detector that knows nothing reaches the share of
    /// positives.
    AveragePrecision,
    /// The harmonic mean of precision and recall when what scores at least so much is found.
    F1At(f32),
    /// The share of positives that is found when what scores at least so much is found.
    RecallAt(f32),
    /// The share of negatives that is found when what scores at least so much is found.
    FalsePositivesAt(f32),
    /// The share of positives that is found with the lowest threshold that finds at most this share of the negatives.
    RecallAtFalsePositives(f64),
}

/// Between which values a figure lies in 95 of 100 samples drawn from the texts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The 2.5th percentile.
    pub low: f64,
    /// The 97.5th percentile.
    pub high: f64,
}

/// Scored texts, the surest first.
#[derive(Debug, Clone, Default)]
pub struct Sorted(Vec<Scored>);

impl Sorted {
    /// Sorts them. Scores that are no number are as if zero.
    pub fn new(mut rows: Vec<Scored>) -> Self {
        for scored in &mut rows {
            scored.score = if scored.score.is_nan() { 0.0 } else { scored.score };
        }
        rows.sort_by(|one, other| other.score.total_cmp(&one.score));
        Self(rows)
    }

    /// How many are positive.
    pub fn positives(&self) -> usize {
        self.0.iter().filter(|row| row.positive).count()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The lowest score at which at most `rate` of the negatives are found, and a little above the next one.
    pub fn threshold(&self, rate: f64) -> Option<f32> {
        let negatives: Vec<f32> = self.0.iter().filter(|row| !row.positive).map(|row| row.score).collect();
        let permitted = share(rate, negatives.len());
        // What scores exactly so much would be found too, so the threshold lies above the first that must not be.
        Some(negatives.get(permitted).map_or(0.0, |score| score.next_up()))
    }

    /// The figure, or `None` when it takes positives or negatives that there are not.
    pub fn measure(&self, measure: Measure) -> Option<f64> {
        let once = vec![1; self.0.len()];
        weighted(&self.0, &once, measure)
    }

    /// The interval of the figure over `rounds` samples with replacement.
    pub fn interval(&self, measure: Measure, rounds: usize, seed: u64) -> Option<Interval> {
        let mut sampling = Sampling::new(seed);
        let mut drawn = Vec::with_capacity(rounds);
        let mut weights = vec![0_u32; self.0.len()];
        for _ in 0..rounds {
            weights.fill(0);
            for _ in 0..self.0.len() {
                if let Some(weight) = weights.get_mut(sampling.below(self.0.len())) {
                    *weight += 1;
                }
            }
            drawn.extend(weighted(&self.0, &weights, measure));
        }
        drawn.sort_by(f64::total_cmp);
        let low = drawn.get(share(0.025, drawn.len()))?;
        let high = drawn.get(share(0.975, drawn.len()).min(drawn.len().saturating_sub(1)))?;
        Some(Interval { low: *low, high: *high })
    }

    /// Points of recall and precision, from the surest on, at most `most` of them.
    pub fn curve(&self, most: usize) -> Vec<(f64, f64)> {
        let all = self.positives();
        let every = self.0.len().div_ceil(most.max(1)).max(1);
        let (mut found, mut points) = (0_usize, Vec::new());
        for (index, row) in self.0.iter().enumerate() {
            found += usize::from(row.positive);
            let ends = self.0.get(index + 1).is_none_or(|next| next.score < row.score);
            if all > 0
                && ends
                && (index.is_multiple_of(every) || index + 1 == self.0.len() || points.is_empty())
            {
                points.push((ratio(found, all), ratio(found, index + 1)));
            }
        }
        points
    }
}

/// The figure when each row counts as often as its weight says.
fn weighted(rows: &[Scored], weights: &[u32], measure: Measure) -> Option<f64> {
    let mut positives = 0;
    let mut negatives = 0;
    for (row, weight) in rows.iter().zip(weights) {
        *(if row.positive { &mut positives } else { &mut negatives }) += *weight as usize;
    }
    let threshold = match measure {
        Measure::AveragePrecision => return average_precision(rows, weights, positives),
        Measure::RecallAtFalsePositives(rate) => {
            return recall_at(rows, weights, positives, share(rate, negatives));
        }
        Measure::F1At(threshold) | Measure::RecallAt(threshold) | Measure::FalsePositivesAt(threshold) => {
            threshold
        }
    };
    let (mut hits, mut alarms) = (0, 0);
    for (row, weight) in rows.iter().zip(weights).take_while(|(row, _)| row.score >= threshold) {
        *(if row.positive { &mut hits } else { &mut alarms }) += *weight as usize;
    }
    match measure {
        Measure::F1At(_) if positives > 0 => Some(ratio(2 * hits, hits + alarms + positives)),
        Measure::RecallAt(_) if positives > 0 => Some(ratio(hits, positives)),
        Measure::FalsePositivesAt(_) if negatives > 0 => Some(ratio(alarms, negatives)),
        _ => None,
    }
}

/// Texts with the same score are found together.
fn average_precision(rows: &[Scored], weights: &[u32], positives: usize) -> Option<f64> {
    if positives == 0 {
        return None;
    }
    let (mut hits, mut all, mut area) = (0, 0, 0.0);
    let mut rest = rows.iter().zip(weights).peekable();
    while rest.peek().is_some() {
        let before = hits;
        take_equals(&mut rest, |row, weight| {
            all += weight;
            hits += if row.positive { weight } else { 0 };
        });
        if hits > before {
            area += ratio(hits - before, positives) * ratio(hits, all);
        }
    }
    Some(area)
}

fn recall_at(rows: &[Scored], weights: &[u32], positives: usize, permitted: usize) -> Option<f64> {
    if positives == 0 {
        return None;
    }
    let (mut hits, mut alarms, mut best) = (0, 0, 0);
    let mut rest = rows.iter().zip(weights).peekable();
    while rest.peek().is_some() {
        take_equals(&mut rest, |row, weight| *(if row.positive { &mut hits } else { &mut alarms }) += weight);
        if alarms > permitted {
            break;
        }
        best = hits;
    }
    Some(ratio(best, positives))
}

/// Takes the rows of the next score.
fn take_equals<'rows>(
    rest: &mut std::iter::Peekable<impl Iterator<Item = (&'rows Scored, &'rows u32)>>,
    mut take: impl FnMut(&Scored, usize),
) {
    let Some((first, weight)) = rest.next() else { return };
    take(first, *weight as usize);
    while let Some((row, weight)) = rest.next_if(|(row, _)| row.score >= first.score) {
        take(row, *weight as usize);
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of texts are far below where f64 loses whole numbers")]
fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a count of texts is a count of texts"
)]
fn share(rate: f64, count: usize) -> usize {
    (rate.clamp(0.0, 1.0) * count as f64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Sorted {
        let row = |(index, sign): (usize, char)| Scored {
            score: 1.0 - f32::from(u8::try_from(index).unwrap()) / 100.0,
            positive: sign == '+',
        };
        Sorted::new(text.chars().enumerate().map(row).collect())
    }

    fn check(text: &str, measure: Measure, expect: f64) {
        let found = rows(text).measure(measure).unwrap();
        assert!((found - expect).abs() < 1e-9, "{text} {measure:?}: {found}, not {expect}");
    }

    #[test]
    fn figures_are_those_of_the_books() {
        check("++--", Measure::AveragePrecision, 1.0);
        check("+-+-", Measure::AveragePrecision, f64::midpoint(1.0, 2.0 / 3.0));
        check("--++", Measure::AveragePrecision, f64::midpoint(1.0 / 3.0, 0.5));
        check("+-+-", Measure::F1At(0.985), 0.5);
        check("+-+-", Measure::RecallAt(0.985), 0.5);
        check("+-+-", Measure::FalsePositivesAt(0.985), 0.5);
        check("++-+-", Measure::RecallAtFalsePositives(0.0), 2.0 / 3.0);
        check("++-+-", Measure::RecallAtFalsePositives(0.5), 1.0);
    }

    #[test]
    fn equal_scores_are_found_together() {
        let row = |positive| Scored { score: 0.5, positive };
        let same = Sorted::new(vec![row(true), row(false), row(false), row(true)]);
        assert_eq!(same.measure(Measure::AveragePrecision), Some(0.5));
        assert_eq!(same.measure(Measure::RecallAtFalsePositives(0.5)), Some(0.0));
    }

    #[test]
    fn a_threshold_keeps_its_rate() {
        let sorted = rows("-+-+----------------------------------------");
        for rate in [0.0, 0.03, 0.05, 0.5, 1.0] {
            let threshold = sorted.threshold(rate).unwrap();
            assert!(sorted.measure(Measure::FalsePositivesAt(threshold)).unwrap() <= rate, "{rate}");
        }
    }

    #[test]
    fn nothing_to_measure_is_no_figure() {
        assert_eq!(rows("---").measure(Measure::AveragePrecision), None);
        assert_eq!(rows("+++").measure(Measure::FalsePositivesAt(0.5)), None);
        assert_eq!(rows("").interval(Measure::AveragePrecision, 10, 1), None);
    }

    #[test]
    fn an_interval_holds_the_figure() {
        let sorted = rows("+++-+-++--+-+-----+------+-----");
        let figure = sorted.measure(Measure::AveragePrecision).unwrap();
        let interval = sorted.interval(Measure::AveragePrecision, 200, 7).unwrap();
        assert!(interval.low < figure && figure < interval.high, "{interval:?} {figure}");
    }
}
