//! Passwords, tokens and keys.
//!
//! Rules stand in files of a format of our own, `rules/*.rules`, which `docs/secrets.md` describes. Their keys are looked for all at once; only where one
//! stands is the rule's regular expression tried, anchored there. Regular expressions run in linear time, and each is made when its key is met for the
//! first time.
//!
//! What is plainly a placeholder, as `your_password` or `EXAMPLE`, is no secret.

mod check;
mod plain;
mod rule;
mod rule_file;
#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use fiducia_policy::{Provenance, SafetyCategory, Score};

use crate::{Detector, Finding, Span};
use rule::{LONG_WINDOW_BYTES, Rule};

pub use rule_file::RuleFileError;

/// The most secrets that are named in one text.
pub const SECRETS_MAX: usize = 10_000;

/// The most bytes that rules with a long window read of one text, as a multiple of its length. A text made of beginnings of private keys would
/// otherwise be read a thousand times; behind the limit those rules rest, and the others go on.
const LONG_WORK_PER_BYTE: usize = 8;

/// The files of rules.
const FILES: [&str; 6] = [
    include_str!("rules/ai.rules"),
    include_str!("rules/cloud.rules"),
    include_str!("rules/source.rules"),
    include_str!("rules/messaging.rules"),
    include_str!("rules/payment.rules"),
    include_str!("rules/common.rules"),
];

/// A place in a text that holds a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretItem {
    /// The rule's name, as `github-personal-token`.
    pub rule: &'static str,
    /// Where the secret itself stands, without the name before it.
    pub span: Span,
    /// How sure the rule is: its form, and its checksum where there is one.
    pub score: Score,
}

/// Finds passwords, tokens and keys.
#[derive(Debug)]
pub struct SecretDetector {
    rules: Vec<Rule>,
    /// Building fails for more states than fit in 32 bits, which some hundred short keys never are; a test looks.
    keys: Option<AhoCorasick>,
    /// The rules of each key.
    of_key: Vec<Vec<usize>>,
}

static SHIPPED: LazyLock<SecretDetector> = LazyLock::new(|| {
    // The files are part of the program, and a test reads them. Were one wrong, its readable rules would still be used.
    let rules = FILES.iter().flat_map(|file| rule_file::read(file).unwrap_or_default()).collect();
    SecretDetector::of(rules)
});

impl SecretDetector {
    /// The rules that come with the program.
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// Each rule's name with what it finds, for people.
    pub fn rules(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.rules.iter().map(|rule| (rule.name, rule.says))
    }

    fn of(rules: Vec<Rule>) -> Self {
        let mut keys: Vec<String> = rules.iter().map(|rule| rule.key.to_lowercase()).collect();
        keys.sort();
        keys.dedup();
        let mut of_key = vec![Vec::new(); keys.len()];
        for (place, rule) in rules.iter().enumerate() {
            let key = keys.binary_search(&rule.key.to_lowercase()).ok();
            if let Some(same) = key.and_then(|key| of_key.get_mut(key)) {
                same.push(place);
            }
        }
        let keys = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&keys)
            .ok();
        Self { rules, keys, of_key }
    }

    /// Every secret in `text`, in order and without overlap, at most [`SECRETS_MAX`].
    pub fn items(&self, text: &str) -> Vec<SecretItem> {
        let mut found: Vec<(SecretItem, usize)> = Vec::new();
        let mut long_work =
            text.len().saturating_mul(LONG_WORK_PER_BYTE).saturating_add(LONG_WINDOW_BYTES * 8);
        for key in self.keys.iter().flat_map(|keys| keys.find_overlapping_iter(text)) {
            for place in self.of_key.get(key.pattern().as_usize()).into_iter().flatten() {
                let Some(rule) = self.rules.get(*place) else { continue };
                if rule.window_bytes() == LONG_WINDOW_BYTES {
                    if long_work < LONG_WINDOW_BYTES {
                        continue;
                    }
                    long_work -= LONG_WINDOW_BYTES;
                }
                found.extend(rule.try_at(text, key.start()).map(|item| (item, *place)));
            }
            if found.len() >= SECRETS_MAX * 4 {
                break;
            }
        }
        let mut items = without_overlap(found);
        items.truncate(SECRETS_MAX);
        items
    }
}

impl Detector for SecretDetector {
    /// One finding, with every place; its score is that of the surest.
    fn detect(&self, text: &str, _: Provenance) -> Vec<Finding> {
        let items = self.items(text);
        let Some(score) = items.iter().map(|item| item.score).max() else { return Vec::new() };
        let spans = items.into_iter().map(|item| item.span).collect();
        vec![Finding { category: SafetyCategory::Secrets, score, spans }]
    }
}

/// Of those that overlap the surest, then the longest, then that of the earliest rule.
fn without_overlap(mut found: Vec<(SecretItem, usize)>) -> Vec<SecretItem> {
    found.sort_by_key(|(item, place)| (item.span.start, std::cmp::Reverse(item.span.end), *place));
    let mut kept: Vec<(SecretItem, usize)> = Vec::new();
    for (item, place) in found {
        let rank = |item: &SecretItem, place: usize| {
            (item.score, item.span.end - item.span.start, std::cmp::Reverse(place))
        };
        match kept.last_mut() {
            Some(last) if item.span.start < last.0.span.end => {
                if rank(&item, place) > rank(&last.0, last.1) {
                    *last = (item, place);
                }
            }
            _ => kept.push((item, place)),
        }
    }
    kept.into_iter().map(|(item, _)| item).collect()
}
