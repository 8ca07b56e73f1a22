//! Matching all rules in one pass.

use std::collections::HashMap;

use super::file::{Rule, Step};
use crate::Span;
use crate::normal::is_ideograph;

/// Rules, turned around: which word advances what.
#[derive(Debug, Clone)]
pub(super) struct Matcher {
    uses: HashMap<String, Vec<Use>>,
    /// How far each step may be from the one before, for all steps of all patterns.
    steps: Vec<Place>,
    /// Within how many words before a match a rule's exceptions count.
    unless_within: Vec<usize>,
}

/// What a word does.
#[derive(Debug, Clone, Copy)]
enum Use {
    /// It is one of the words of this step.
    Advances(usize),
    /// It is an exception of this rule.
    Excepts(usize),
}

/// A step of a pattern.
#[derive(Debug, Clone, Copy)]
struct Place {
    rule: usize,
    gap: usize,
    first: bool,
    last: bool,
}

/// How far a pattern got: the latest way to a step is the best, because nothing that comes later is nearer to an earlier one.
#[derive(Debug, Clone, Copy)]
struct Reached {
    /// The word at which the step was reached, and at which the pattern began.
    word: usize,
    first_word: usize,
    start: usize,
}

impl Matcher {
    pub(super) fn new(rules: &[Rule]) -> Self {
        let mut matcher = Self { uses: HashMap::new(), steps: Vec::new(), unless_within: Vec::new() };
        for (number, rule) in rules.iter().enumerate() {
            matcher.unless_within.push(rule.unless_within);
            for word in &rule.unless {
                matcher.uses.entry(word.clone()).or_default().push(Use::Excepts(number));
            }
            for pattern in &rule.patterns {
                for (index, Step { words, gap }) in pattern.iter().enumerate() {
                    let step = matcher.steps.len();
                    let last = index + 1 == pattern.len();
                    matcher.steps.push(Place { rule: number, gap: *gap, first: index == 0, last });
                    for word in words {
                        matcher.uses.entry(word.clone()).or_default().push(Use::Advances(step));
                    }
                }
            }
        }
        // Later steps come first, so that one word does not take two of them.
        for uses in matcher.uses.values_mut() {
            uses.sort_by_key(|one| match one {
                Use::Advances(step) => std::cmp::Reverse(*step),
                Use::Excepts(_) => std::cmp::Reverse(usize::MAX),
            });
        }
        matcher
    }

    /// Calls `matched` with the number of each rule that matches, and where in the folded text.
    pub(super) fn run(&self, folded: &str, mut matched: impl FnMut(usize, Span)) {
        let mut reached: Vec<Option<Reached>> = vec![None; self.steps.len()];
        let mut excepted: Vec<Option<usize>> = vec![None; self.unless_within.len()];
        for (number, (start, word)) in words(folded).enumerate() {
            let Some(uses) = self.uses.get(word) else { continue };
            for one in uses {
                match *one {
                    Use::Excepts(rule) => {
                        if let Some(place) = excepted.get_mut(rule) {
                            *place = Some(number);
                        }
                    }
                    Use::Advances(step) => {
                        let Some((place, now)) = self.advance(step, number, start, &reached) else {
                            continue;
                        };
                        if let Some(slot) = reached.get_mut(step) {
                            *slot = Some(now);
                        }
                        if place.last && !self.is_excepted(place.rule, now.first_word, &excepted) {
                            matched(place.rule, Span { start: now.start, end: start + word.len() });
                        }
                    }
                }
            }
        }
    }

    fn advance(
        &self,
        step: usize,
        word: usize,
        start: usize,
        reached: &[Option<Reached>],
    ) -> Option<(Place, Reached)> {
        let place = *self.steps.get(step)?;
        if place.first {
            return Some((place, Reached { word, first_word: word, start }));
        }
        let before = (*reached.get(step.checked_sub(1)?)?)?;
        let near = word > before.word && word - before.word - 1 <= place.gap;
        near.then_some((place, Reached { word, ..before }))
    }

    fn is_excepted(&self, rule: usize, first_word: usize, excepted: &[Option<usize>]) -> bool {
        let within = self.unless_within.get(rule).copied().unwrap_or(0);
        let last = excepted.get(rule).copied().flatten();
        last.is_some_and(|word| word + within >= first_word)
    }
}

/// The words of a folded text, each with its first byte. In scripts without spaces every character is one.
pub(super) fn words(folded: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = folded;
    std::iter::from_fn(move || {
        let skipped = rest.find(|character: char| character.is_alphanumeric())?;
        rest = rest.get(skipped..)?;
        let start = folded.len() - rest.len();
        let first = rest.chars().next()?;
        let end = if is_ideograph(first) {
            first.len_utf8()
        } else {
            rest.find(|character: char| {
                !(character.is_alphanumeric() || character == '\'') || is_ideograph(character)
            })
            .unwrap_or(rest.len())
        };
        let (word, after) = rest.split_at_checked(end)?;
        rest = after;
        Some((start, word.trim_end_matches('\'')))
    })
}
