//! Personal data: what is about an identifiable person.
//!
//! Numbers are recognised by their form, their check digits and the words beside them, each as far as it goes: a number whose check
//! digits one in ten random numbers pass is only found beside its name. Names, postal addresses and dates, which are most
//! of what is personal in texts, are recognised by lists of frequent names, by words that stand in addresses, and by their surroundings.
//!
//! Scores are estimates by form and surroundings, not frequencies measured on labelled text. A date alone or a lone first name
//! has a low score; what check digits confirm has a high one.
//!
//! Not found: names that no list holds and no word announces, handles, descriptions by which somebody can be told, and what is
//! written so as not to be read (views of evasive writing are another detector's). A place of more than 16 KiB without a space is cut
//! there, and what lies across the cut is missed.

mod addresses;
mod checksums;
mod codes;
mod dates;
mod fold;
mod ids;
mod kind;
mod names;
mod network;
mod numbers;
mod scene;
#[cfg(test)]
mod tests;
mod tokens;
mod unspaced;
mod words;

use fiducia_policy::{Provenance, SafetyCategory, Score};

use crate::{Detector, Finding, Span};

pub use kind::{IdScheme, PersonalDataKind};

/// The most places that are named in one text. What lies behind them is not named: a caller that masks must look again behind the last one.
pub const ITEMS_MAX: usize = 100_000;

/// The most bytes that are read at once. What is personal is shorter.
const PART_BYTES_MAX: usize = 16 * 1024;

/// A place in a text with personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonalDataItem {
    /// What it is.
    pub kind: PersonalDataKind,
    /// Where.
    pub span: Span,
    /// How sure the detector is that it is about a person.
    pub score: Score,
}

/// Finds personal data in texts of many languages.
#[derive(Debug, Clone, Copy, Default)]
pub struct PersonalDataDetector;

impl PersonalDataDetector {
    /// Every place with personal data, in order and without overlap, at most [`ITEMS_MAX`]. Time is linear in the text.
    pub fn items(&self, text: &str) -> Vec<PersonalDataItem> {
        let mut found = Vec::new();
        let mut tokens = Vec::new();
        let mut at = 0;
        while at < text.len() && found.len() < ITEMS_MAX {
            let end = part_end(text, at);
            tokens::cut(text.get(at..end).unwrap_or_default(), at, &mut tokens);
            scene::look(text, &tokens, &mut found);
            at = end;
        }
        let mut items = without_overlap(found);
        items.truncate(ITEMS_MAX);
        items
    }
}

impl Detector for PersonalDataDetector {
    /// One finding for each kind of personal data, with the score of its surest place.
    fn detect(&self, text: &str, _: Provenance) -> Vec<Finding> {
        let mut by_kind = std::collections::BTreeMap::<PersonalDataKind, Finding>::new();
        for item in self.items(text) {
            let finding = by_kind.entry(item.kind).or_insert_with(|| Finding {
                category: SafetyCategory::PersonalData,
                score: Score::NONE,
                spans: Vec::new(),
            });
            finding.score = finding.score.or_more(item.score);
            finding.spans.push(item.span);
        }
        by_kind.into_values().collect()
    }
}

/// Where the part that begins at `start` ends: at the end of a paragraph or line, else at a space, else anywhere between characters.
fn part_end(text: &str, start: usize) -> usize {
    let mut limit = start.saturating_add(PART_BYTES_MAX).min(text.len());
    if limit == text.len() {
        return limit;
    }
    while !text.is_char_boundary(limit) {
        limit -= 1;
    }
    let part = text.get(start..limit).unwrap_or_default();
    let second_half = part.len() / 2;
    let line = part.rfind("\n\n").or_else(|| part.rfind('\n')).filter(|at| *at > second_half);
    line.or_else(|| part.rfind(' ').filter(|at| *at > second_half)).map_or(limit, |at| start + at + 1)
}

/// The surer of those that overlap, and of equally sure ones the longer.
fn without_overlap(mut found: Vec<PersonalDataItem>) -> Vec<PersonalDataItem> {
    found.sort_by_key(|item| (item.span.start, std::cmp::Reverse(item.span.end)));
    let mut kept: Vec<PersonalDataItem> = Vec::with_capacity(found.len());
    for item in found {
        let rank = |item: &PersonalDataItem| (item.score, item.span.end - item.span.start);
        match kept.last_mut() {
            Some(last) if item.span.start < last.span.end => {
                if rank(&item) > rank(last) {
                    *last = item;
                }
            }
            _ => kept.push(item),
        }
    }
    kept
}
