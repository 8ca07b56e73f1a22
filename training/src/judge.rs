//! Figures about a model.

use std::collections::BTreeMap;

use fiducia_safety::evaluation::{Measure, Scored, Sorted};
use fiducia_safety::linear::{FalsePositives, HEADS, Head, HeadParameters, LinearDetector, LinearModel};

use crate::fit::{calibrate, of_head, values};
use crate::templates::LOOK_ALIKES;
use crate::texts::{Example, Truth};

/// Of the benign texts of sources that train nothing, a head may flag so many, and so many may be enough to act on. The heads' shares
/// add up over all heads.
pub(crate) const FLAG_RATE: f64 = 0.005;
pub(crate) const ACT_RATE: f64 = 0.001;
/// The same for the look-alikes of each file of templates that is about a head,
pub(crate) const FLAG_RATE_LOOK_ALIKES: f64 = 0.05;
pub(crate) const ACT_RATE_LOOK_ALIKES: f64 = 0.02;
/// and for those of each file that is about no head but about work and everyday life.
pub(crate) const FLAG_RATE_ORDINARY: f64 = 0.01;
pub(crate) const ACT_RATE_ORDINARY: f64 = 0.002;

/// A text with what the model says about it.
pub(crate) struct Judged<'example> {
    pub(crate) example: &'example Example,
    pub(crate) values: [f32; HEADS],
}

/// Asks a model about texts.
pub(crate) fn judge<'example>(model: &LinearModel, examples: &[&'example Example]) -> Vec<Judged<'example>> {
    let detector = LinearDetector::new(model.clone(), FalsePositives::OneInHundred);
    examples.iter().map(|example| Judged { example, values: values(&detector, &example.text) }).collect()
}

/// Scored texts for which the truth is known, sorted.
pub(crate) fn known(judged: &[Judged<'_>], head: Head) -> Sorted {
    let row = |one: &Judged<'_>| {
        let positive = match one.example.truth(head) {
            Truth::Positive => true,
            Truth::Negative => false,
            Truth::Unknown => return None,
        };
        Some(Scored { score: of_head(&one.values, head), positive })
    };
    Sorted::new(judged.iter().filter_map(row).collect())
}

/// All texts, as negatives.
fn negatives(judged: &[Judged<'_>], head: Head) -> Sorted {
    Sorted::new(
        judged.iter().map(|one| Scored { score: of_head(&one.values, head), positive: false }).collect(),
    )
}

/// Values from which a head flags and acts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Thresholds {
    pub(crate) flag: f32,
    pub(crate) act: f32,
}

/// What keeps the rates on the benign texts, and on the look-alikes of every file by itself.
pub(crate) fn thresholds(benign: &[Judged<'_>], look_alikes: &[Judged<'_>], head: Head) -> Thresholds {
    let of_all = |rate, rate_of_look_alikes, rate_of_ordinary| {
        let others = by_source(look_alikes, head).into_iter().map(|(source, sorted)| {
            let ordinary = source.contains("benign-");
            sorted.threshold(if ordinary { rate_of_ordinary } else { rate_of_look_alikes })
        });
        others.chain([negatives(benign, head).threshold(rate)]).flatten().fold(f32::MIN, f32::max)
    };
    let flag = of_all(FLAG_RATE, FLAG_RATE_LOOK_ALIKES, FLAG_RATE_ORDINARY);
    Thresholds { flag, act: of_all(ACT_RATE, ACT_RATE_LOOK_ALIKES, ACT_RATE_ORDINARY).max(flag) }
}

fn by_source<'judged>(judged: &'judged [Judged<'_>], head: Head) -> Vec<(&'judged str, Sorted)> {
    let mut sources: BTreeMap<&str, Vec<Scored>> = BTreeMap::new();
    for one in judged {
        let scored = Scored { score: of_head(&one.values, head), positive: false };
        sources.entry(&one.example.source).or_default().push(scored);
    }
    sources.into_iter().map(|(source, rows)| (source, Sorted::new(rows))).collect()
}

/// The same model with calibration and thresholds.
pub(crate) fn finished(
    model: &LinearModel,
    validation: &[Judged<'_>],
    thresholds: &[Thresholds],
) -> LinearModel {
    let mut heads = Head::ALL.map(|head| model.parameters(head));
    for ((parameters, head), thresholds) in heads.iter_mut().zip(Head::ALL).zip(thresholds) {
        let rows: Vec<(f32, bool)> = validation
            .iter()
            .filter(|one| one.example.truth(head) != Truth::Unknown)
            .map(|one| (of_head(&one.values, head), one.example.truth(head) == Truth::Positive))
            .collect();
        let (slope, offset) = calibrate(&rows);
        let probability = |value: f32| 1.0 / (1.0 + (-(slope * value + offset)).exp());
        let (flag_from, act_from) = (probability(thresholds.flag), probability(thresholds.act));
        *parameters = HeadParameters { slope, offset, flag_from, act_from, ..*parameters };
    }
    model.with_parameters(heads)
}

/// A figure as text.
pub(crate) fn figure(sorted: &Sorted, measure: Measure) -> String {
    sorted.measure(measure).map_or_else(|| "-".to_owned(), |figure| format!("{figure:.3}"))
}

/// A share of texts that reach `threshold`, as text in percent.
pub(crate) fn reaching(judged: &[Judged<'_>], head: Head, threshold: f32) -> String {
    let share = negatives(judged, head).measure(Measure::FalsePositivesAt(threshold));
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.2} %", share * 100.0))
}

/// The same as a number; zero without texts.
pub(crate) fn share_reaching(judged: &[Judged<'_>], head: Head, threshold: f32) -> f32 {
    let count = judged.iter().filter(|one| of_head(&one.values, head) >= threshold).count();
    crate::fit::small(count) / crate::fit::small(judged.len().max(1))
}

/// Of these texts, the share for which any head that is asked of a person's words reaches its threshold.
pub(crate) fn any_reaching(judged: &[Judged<'_>], thresholds: &[Thresholds], act: bool) -> String {
    let reaches = |one: &&Judged<'_>| {
        Head::ALL.into_iter().zip(thresholds).any(|(head, threshold)| {
            head.is_asked_of(fiducia_safety::Provenance::Person)
                && of_head(&one.values, head) >= if act { threshold.act } else { threshold.flag }
        })
    };
    let count = judged.iter().filter(reaches).count();
    format!("{:.2} %", 100.0 * crate::fit::small(count) / crate::fit::small(judged.len().max(1)))
}

/// Whether a text was written to look like harm.
pub(crate) fn is_look_alike(example: &Example) -> bool {
    example.source.starts_with(LOOK_ALIKES)
}
