//! Going over the tokens of a part of a text once, with what stood before in mind.

use fiducia_policy::Score;

use super::tokens::{Gap, Shape, Token};
use super::words::Traits;
use super::{PersonalDataItem, PersonalDataKind, addresses, codes, dates, names, network, numbers, unspaced};
use crate::Span;

/// A word says something about what stands at most this many tokens behind it.
const NEAR_TOKENS: usize = 10;

/// Tokens, and where the words stood that say what is beside them.
pub(super) struct Scene<'t> {
    pub(super) text: &'t str,
    pub(super) tokens: &'t [Token],
    /// For each trait, one more than the place of the last token that had it.
    last: [usize; Traits::COUNT],
}

/// Something found: what, how sure, and the tokens it is made of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) kind: PersonalDataKind,
    pub(super) score: f32,
    /// The first token.
    pub(super) first: usize,
    /// The token after the last one.
    pub(super) next: usize,
}

impl<'t> Scene<'t> {
    pub(super) fn token(&self, at: usize) -> Option<&'t Token> {
        self.tokens.get(at)
    }

    /// The bytes of the tokens from `first` up to `next`, with what is between them.
    pub(super) fn span(&self, first: usize, next: usize) -> Span {
        let start = self.token(first).map_or(0, |token| token.start);
        let end = next.checked_sub(1).and_then(|last| self.token(last)).map_or(start, |token| token.end);
        Span { start, end: end.max(start) }
    }

    /// What the token at `at` writes.
    pub(super) fn word(&self, at: usize) -> &'t str {
        self.token(at).and_then(|token| self.text.get(token.start..token.end)).unwrap_or_default()
    }

    pub(super) fn has(&self, at: usize, traits: Traits) -> bool {
        self.token(at).is_some_and(|token| token.traits.any(traits))
    }

    pub(super) fn is_mark(&self, at: usize, mark: u8) -> bool {
        self.token(at).is_some_and(|token| token.is(mark))
    }

    /// Whether the token at `at` follows the one before it with nothing between.
    pub(super) fn touches(&self, at: usize) -> bool {
        self.token(at).is_some_and(|token| token.gap == Gap::None)
    }

    /// Whether a word with one of `traits` stands shortly before the token at `at`.
    pub(super) fn near(&self, traits: Traits, at: usize) -> bool {
        traits.context_bits().any(|bit| {
            self.last.get(bit).is_some_and(|last| *last > 0 && at + 1 - last.min(&(at + 1)) <= NEAR_TOKENS)
        })
    }

    /// Whether a word with one of `traits` stands shortly behind the token before `next`.
    pub(super) fn near_behind(&self, traits: Traits, next: usize) -> bool {
        (next..next + 4).any(|at| self.has(at, traits))
    }

    fn note(&mut self, first: usize, next: usize) {
        for at in first..next {
            let Some(token) = self.tokens.get(at).filter(|token| token.traits.is_context()) else { continue };
            for bit in token.traits.context_bits() {
                if let Some(last) = self.last.get_mut(bit) {
                    *last = at + 1;
                }
            }
        }
    }

    /// Whether a number or code may begin at `at`: it is not the rest of something longer.
    pub(super) fn begins_cleanly(&self, at: usize) -> bool {
        if !self.touches(at) {
            return true;
        }
        let before = at.checked_sub(1).and_then(|before| self.token(before));
        before.is_none_or(|before| match before.shape {
            Shape::Mark(mark) => !b"-./_@$%~\\*^".contains(&mark),
            Shape::Unspaced => true,
            _ => false,
        })
    }

    /// Whether a number or code may end before the token at `next`.
    pub(super) fn ends_cleanly(&self, next: usize) -> bool {
        if !self.touches(next) {
            return true;
        }
        let Some(token) = self.token(next) else { return true };
        match token.shape {
            Shape::Mark(b'_' | b'@' | b'%' | b'\\' | b'*' | b'^') => false,
            Shape::Mark(b'-' | b'.' | b'/' | b':') => {
                let goes_on = self.token(next + 1).is_some_and(|after| {
                    after.gap == Gap::None && matches!(after.shape, Shape::Digits | Shape::Alphanumeric)
                });
                !goes_on
            }
            Shape::Mark(_) | Shape::Unspaced => true,
            _ => false,
        }
    }

    fn hit(&self, at: usize, token: &Token) -> Option<Hit> {
        match token.shape {
            Shape::Mark(b'@') => network::email(self, at),
            Shape::Mark(b'+' | b'(') => numbers::any(self, at),
            Shape::Mark(b':') => network::ip6(self, at),
            Shape::Digits => network::ip4(self, at)
                .or_else(|| network::mac(self, at))
                .or_else(|| network::ip6(self, at))
                .or_else(|| dates::any(self, at))
                .or_else(|| codes::any(self, at))
                .or_else(|| numbers::any(self, at))
                .or_else(|| addresses::after_number(self, at)),
            Shape::Alphanumeric => network::mac(self, at)
                .or_else(|| network::ip6(self, at))
                .or_else(|| dates::any(self, at))
                .or_else(|| codes::any(self, at))
                .or_else(|| addresses::after_number(self, at)),
            // Names lie inside of runs without spaces, and are found apart.
            Shape::Mark(_) | Shape::Unspaced => None,
            _ => self.word_hit(at, token),
        }
    }

    fn word_hit(&self, at: usize, token: &Token) -> Option<Hit> {
        // Most words of most texts are unknown ones in small letters, of which none begins anything but a number with letters.
        if token.shape == Shape::Lower && token.traits == Traits::NONE && token.length() > 4 {
            return None;
        }
        let date = token.traits.month().and_then(|_| dates::after_month(self, at));
        date.or_else(|| {
            if token.length() <= 4 { network::mac(self, at).or_else(|| network::ip6(self, at)) } else { None }
        })
        .or_else(|| if token.length() <= 14 { codes::after_letters(self, at) } else { None })
        .or_else(|| addresses::after_word(self, at))
        .or_else(|| names::any(self, at))
    }
}

/// Finds what is personal in `tokens` of `text`.
pub(super) fn look(text: &str, tokens: &[Token], found: &mut Vec<PersonalDataItem>) {
    let mut scene = Scene { text, tokens, last: [0; Traits::COUNT] };
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let next = if let Some(next) = network::url_end(&scene, at) {
            next
        } else if token.shape == Shape::Unspaced {
            unspaced::all(&scene, at, found)
        } else if let Some(hit) = scene.hit(at, token) {
            let score = Score::try_from(hit.score).unwrap_or(Score::NONE);
            found.push(PersonalDataItem { kind: hit.kind, span: scene.span(hit.first, hit.next), score });
            hit.next.max(at + 1)
        } else {
            at + 1
        };
        scene.note(at, next);
        at = next;
    }
}
