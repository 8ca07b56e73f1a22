//! Finding values again that were replaced before.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::kind::MaskKind;
use super::spans::Sensitive;
use super::value::Value;
use crate::Span;

/// Values with fewer bytes are not looked for elsewhere: they are too likely to be something else.
const VALUE_BYTES_MIN: usize = 4;

/// The most values that may begin with the same word. Later ones are still replaced where they are found, but not looked for elsewhere; without
/// the limit a text could make the search quadratic.
const SAME_WORD_MAX: usize = 32;

/// The values so far, by their first word.
#[derive(Debug, Default)]
pub(super) struct KnownValues {
    /// Hash of the first word, to the values that begin with it.
    by_word: HashMap<u64, Vec<Known>>,
    hasher: RandomState,
    /// Which bytes first words begin with. Most words of a text begin otherwise, and need no hash.
    firsts: Firsts,
}

/// A set of bytes.
#[derive(Debug, Default)]
struct Firsts([u64; 4]);

impl Firsts {
    fn add(&mut self, byte: u8) {
        if let Some(part) = self.0.get_mut(usize::from(byte / 64)) {
            *part |= 1 << (byte % 64);
        }
    }

    fn has(&self, byte: u8) -> bool {
        self.0.get(usize::from(byte / 64)).is_some_and(|part| part & 1 << (byte % 64) != 0)
    }
}

#[derive(Debug)]
struct Known {
    kind: MaskKind,
    /// Bytes of the value before its first word, as the plus of a telephone number.
    lead: usize,
    value: Value,
}

impl KnownValues {
    /// Notes `value`, so that it is found in this and later texts.
    pub(super) fn note(&mut self, kind: MaskKind, value: &Value) {
        let text = value.as_str();
        let Some(word) = words(text).next() else { return };
        if text.len() < VALUE_BYTES_MIN || kind == MaskKind::Text {
            return;
        }
        let hash = self.hash(text.get(word.start..word.end).unwrap_or_default());
        self.firsts.add(text.as_bytes().get(word.start).copied().unwrap_or_default());
        let same = self.by_word.entry(hash).or_default();
        if same.len() < SAME_WORD_MAX {
            same.push(Known { kind, lead: word.start, value: value.clone() });
        }
    }

    /// Where `text` holds a value that was noted, whole words only.
    pub(super) fn places(&self, text: &str) -> Vec<Sensitive> {
        let mut found = Vec::new();
        if self.by_word.is_empty() {
            return found;
        }
        let mut covered = 0;
        for word in words(text) {
            let is_candidate = text.as_bytes().get(word.start).is_some_and(|first| self.firsts.has(*first));
            if word.start < covered || !is_candidate {
                continue;
            }
            let hash = self.hash(text.get(word.start..word.end).unwrap_or_default());
            let same = self.by_word.get(&hash).map(Vec::as_slice).unwrap_or_default();
            let longest = same
                .iter()
                .filter_map(|known| known.at(text, word.start))
                .max_by_key(|place| place.span.end - place.span.start);
            if let Some(place) = longest {
                covered = place.span.end;
                found.push(place);
            }
        }
        found
    }

    fn hash(&self, word: &str) -> u64 {
        self.hasher.hash_one(word)
    }
}

impl Known {
    /// The place of the value in `text` when its first word begins at `word`.
    fn at(&self, text: &str, word: usize) -> Option<Sensitive> {
        let start = word.checked_sub(self.lead)?;
        let end = start + self.value.as_str().len();
        let is_there = text.get(start..end)? == self.value.as_str();
        let goes_on =
            text.get(end..)?.chars().next().is_some_and(|next| continues(self.value.as_str(), next));
        (is_there && !goes_on).then_some(Sensitive { span: Span { start, end }, kind: self.kind })
    }
}

/// Whether `next` would be part of the last word of `value`.
fn continues(value: &str, next: char) -> bool {
    let last = value.chars().next_back();
    last.is_some_and(|last| last.is_alphanumeric() && !stands_alone(last))
        && next.is_alphanumeric()
        && !stands_alone(next)
}

/// Characters of scripts that put no space between words.
const fn stands_alone(character: char) -> bool {
    matches!(character, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Runs of letters and digits, and single characters of scripts without spaces.
fn words(text: &str) -> impl Iterator<Item = Span> + '_ {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        loop {
            let (start, first) = rest.next()?;
            if !first.is_alphanumeric() {
                continue;
            }
            let mut end = start + first.len_utf8();
            if stands_alone(first) {
                return Some(Span { start, end });
            }
            while let Some((at, next)) =
                rest.next_if(|(_, next)| next.is_alphanumeric() && !stands_alone(*next))
            {
                end = at + next.len_utf8();
            }
            return Some(Span { start, end });
        }
    })
}
