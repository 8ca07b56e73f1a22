//! The figures that `safety eval` prints.

use std::fmt::Write as _;

use fiducia_policy::{Provenance, Score};
use fiducia_safety::Cascade;
use fiducia_safety::evaluation::{Measure, Scored, Sorted};
use fiducia_safety::linear::{FalsePositives, Head};
use serde::Serialize;

use super::texts::{Judged, One};

/// Decides the samples, so that the same texts give the same intervals.
const SEED: u64 = 0x0005_EED0;

/// Everything that was measured.
#[derive(Serialize)]
pub(super) struct Evaluation {
    pub(super) texts: u64,
    pub(super) without_labels: u64,
    pub(super) rejected_lines: u64,
    pub(super) provenance: Option<Provenance>,
    /// SHA-256 of the model that was measured.
    pub(super) model: String,
    pub(super) heads: Vec<HeadFigures>,
    pub(super) over_refusal: Option<OverRefusal>,
    pub(super) time: Time,
}

/// A figure with the interval that holds it in 95 of 100 samples.
#[derive(Serialize)]
pub(super) struct Figure {
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// About one head.
#[derive(Serialize)]
pub(super) struct HeadFigures {
    #[serde(skip)]
    pub(super) of: Head,
    pub(super) head: &'static str,
    pub(super) positives: usize,
    pub(super) negatives: usize,
    pub(super) flag_from: f32,
    pub(super) act_from: f32,
    pub(super) average_precision: Option<Figure>,
    pub(super) recall_at_one_percent: Option<Figure>,
    pub(super) f1_flag: Option<Figure>,
    pub(super) recall_flag: Option<Figure>,
    pub(super) recall_act: Option<Figure>,
    pub(super) false_positives_flag: Option<Figure>,
    pub(super) false_positives_act: Option<Figure>,
}

/// Texts without labels in which something is found.
#[derive(Serialize)]
pub(super) struct OverRefusal {
    pub(super) texts: usize,
    pub(super) flag: Figure,
    pub(super) act: Figure,
}

/// How long it took.
#[derive(Serialize)]
pub(super) struct Time {
    pub(super) microseconds_per_kilobyte: f64,
    pub(super) text_p50_microseconds: f64,
    pub(super) text_p95_microseconds: f64,
}

impl Evaluation {
    pub(super) fn of(cascade: &Cascade, read: &Judged, samples: u32) -> Self {
        let samples = usize::try_from(samples).unwrap_or(usize::MAX);
        let digest = cascade.model().digest();
        let heads =
            Head::ALL.into_iter().filter_map(|head| head_figures(cascade, read, head, samples)).collect();
        Self {
            texts: count(read.texts.len()),
            without_labels: count(read.texts.iter().filter(|one| one.without_labels).count()),
            rejected_lines: count(read.rejected.len()),
            provenance: read.provenance,
            model: hexadecimal(&digest),
            heads,
            over_refusal: over_refusal(cascade, read, samples),
            time: time(&read.texts),
        }
    }
}

fn head_figures(cascade: &Cascade, read: &Judged, head: Head, samples: usize) -> Option<HeadFigures> {
    let sorted = read.sorted(head);
    let positives = sorted.positives();
    if positives == 0 {
        return None;
    }
    let flag = cascade.model().threshold(head, FalsePositives::OneInHundred).value();
    let act = cascade.model().threshold(head, FalsePositives::OneInThousand).value();
    let negatives = sorted.count() - positives;
    // Without a negative everything is precise.
    let with_negatives = |measure| if negatives == 0 { None } else { figure(&sorted, measure, samples) };
    Some(HeadFigures {
        of: head,
        head: head.name(),
        positives,
        negatives,
        flag_from: flag,
        act_from: act,
        average_precision: with_negatives(Measure::AveragePrecision),
        recall_at_one_percent: with_negatives(Measure::RecallAtFalsePositives(0.01)),
        f1_flag: with_negatives(Measure::F1At(flag)),
        recall_flag: figure(&sorted, Measure::RecallAt(flag), samples),
        recall_act: figure(&sorted, Measure::RecallAt(act), samples),
        false_positives_flag: with_negatives(Measure::FalsePositivesAt(flag)),
        false_positives_act: with_negatives(Measure::FalsePositivesAt(act)),
    })
}

fn figure(sorted: &Sorted, measure: Measure, samples: usize) -> Option<Figure> {
    let value = sorted.measure(measure)?;
    let interval = sorted.interval(measure, samples, SEED)?;
    Some(Figure { value, low: interval.low, high: interval.high })
}

fn over_refusal(cascade: &Cascade, read: &Judged, samples: usize) -> Option<OverRefusal> {
    let provenance = read.provenance.unwrap_or(Provenance::Person);
    let alarms = |rate| {
        let alarm = |one: &&One| {
            Head::ALL.into_iter().zip(one.scores).any(|(head, score)| {
                head.is_asked_of(provenance)
                    && Score::try_from(score)
                        .is_ok_and(|score| score >= cascade.model().threshold(head, rate))
            })
        };
        let benign = read.texts.iter().filter(|one| one.without_labels);
        let row = |one: &One| Scored { score: if alarm(&one) { 1.0 } else { 0.0 }, positive: false };
        Sorted::new(benign.map(row).collect())
    };
    let rate = |sorted: &Sorted| figure(sorted, Measure::FalsePositivesAt(0.5), samples);
    let flag = alarms(FalsePositives::OneInHundred);
    let texts = flag.count();
    Some(OverRefusal { texts, flag: rate(&flag)?, act: rate(&alarms(FalsePositives::OneInThousand))? })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a count of bytes of files is far below where f64 loses whole numbers"
)]
fn time(texts: &[One]) -> Time {
    let mut each: Vec<f64> = texts.iter().map(|one| one.took.as_secs_f64() * 1e6).collect();
    each.sort_by(f64::total_cmp);
    let at = |percent: usize| each.get(each.len() * percent / 100).copied().unwrap_or(0.0);
    let bytes: usize = texts.iter().map(|one| one.bytes).sum();
    Time {
        microseconds_per_kilobyte: each.iter().sum::<f64>() / (bytes.max(1) as f64 / 1_024.0),
        text_p50_microseconds: at(50),
        text_p95_microseconds: at(95),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn count(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
