//! Marks that stand in instructions and nowhere else, so that an answer which holds one gives instructions away.

use std::fmt;

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::{Anchored, dfa::DFA};
use fiducia_policy::{SafetyCategory, Score};
use zeroize::Zeroizing;

use super::letters::each_byte;
use crate::{Finding, Span};

/// How many random bytes a canary is made of.
pub const CANARY_BYTES: usize = 15;

/// The fewest letters and digits of a canary. Shorter ones would be met by chance.
const LETTERS_MIN: usize = 12;

/// The most bytes of letters and digits of a canary.
const LETTERS_MAX: usize = 256;

/// The most canaries that are looked for at once.
const CANARIES_MAX: usize = 1_000;

/// Canaries that cannot be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CanaryError {
    /// One has too few letters and digits, or too many.
    #[error(
        "a canary has {LETTERS_MIN} to {LETTERS_MAX} letters and digits; shorter ones would be met by chance"
    )]
    Length,
    /// There are too many.
    #[error("at most {CANARIES_MAX} canaries are looked for at once")]
    TooMany,
}

/// A canary made of random bytes: letters and digits that no text holds by chance, in groups that look like a reference.
pub fn canary_from(random: &[u8; CANARY_BYTES]) -> Zeroizing<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut text = Zeroizing::new(String::with_capacity(32));
    for (place, five) in random.chunks(5).enumerate() {
        if place > 0 {
            text.push('-');
        }
        let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        for shift in (0..8).rev() {
            let letter = usize::try_from(bits >> (shift * 5) & 31).ok().and_then(|index| LETTERS.get(index));
            text.push(char::from(letter.copied().unwrap_or(b'a')));
        }
    }
    text
}

/// Canaries that are looked for. Case, spaces and marks make no difference.
pub struct Canaries {
    automaton: DFA,
}

impl fmt::Debug for Canaries {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Canaries")
            .field("count", &self.automaton.patterns_len())
            .finish_non_exhaustive()
    }
}

impl Canaries {
    /// Looks for `canaries`.
    ///
    /// # Errors
    /// [`CanaryError`] when one is too short or too long, or there are too many.
    pub fn new<'c>(canaries: impl IntoIterator<Item = &'c str>) -> Result<Self, CanaryError> {
        let mut letters = Vec::new();
        for canary in canaries {
            let mut bytes = Zeroizing::new(Vec::new());
            each_byte(canary, |byte, _, _| bytes.push(byte));
            if !(LETTERS_MIN..=LETTERS_MAX).contains(&bytes.len()) {
                return Err(CanaryError::Length);
            }
            letters.push(bytes);
            if letters.len() > CANARIES_MAX {
                return Err(CanaryError::TooMany);
            }
        }
        let automaton =
            DFA::new(letters.iter().map(|bytes| bytes.as_slice())).map_err(|_| CanaryError::TooMany)?;
        Ok(Self { automaton })
    }
}

/// Watches one answer for canaries.
#[derive(Debug)]
pub struct CanaryWatch {
    state: Option<StateID>,
    bytes: usize,
}

impl CanaryWatch {
    /// A watch at the beginning of an answer.
    pub fn new(canaries: &Canaries) -> Self {
        Self { state: canaries.automaton.start_state(Anchored::No).ok(), bytes: 0 }
    }

    /// A finding for each canary that ends in `piece`. The place reaches from the beginning of the piece to the last letter of the canary, in bytes of
    /// the whole answer; what arrived before may have been passed on already. The canaries must be those
    /// that the watch was made for.
    pub fn push(&mut self, canaries: &Canaries, piece: &str) -> Vec<Finding> {
        let base = self.bytes;
        self.bytes += piece.len();
        let mut found = Vec::new();
        let Some(mut state) = self.state else { return found };
        each_byte(piece, |byte, _, end| {
            state = canaries.automaton.next_state(Anchored::No, state, byte);
            if canaries.automaton.is_match(state) {
                found.push(Finding {
                    category: SafetyCategory::SystemPromptLeakage,
                    score: Score::CERTAIN,
                    spans: vec![Span { start: base, end: base + end }],
                });
            }
        });
        self.state = Some(state);
        found
    }
}
