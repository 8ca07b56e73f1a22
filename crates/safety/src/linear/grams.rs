//! What a text is made of, for the linear model: words, pairs of words, and runs of three to five characters.

use crate::normal::is_ideograph;

/// The model has two to the power of so many rows.
pub const ROWS_BITS: u32 = 18;
/// How many rows the model has.
pub const ROWS: usize = 1 << ROWS_BITS;

/// Bits of a character in a run. Latin letters keep their own number; others share.
const UNIT_BITS: u32 = 12;
const THREE: u64 = (1 << (3 * UNIT_BITS)) - 1;
const FOUR: u64 = (1 << (4 * UNIT_BITS)) - 1;
const FIVE: u64 = (1 << (5 * UNIT_BITS)) - 1;

/// Odd numbers without pattern, one for each kind, so that kinds do not collide systematically.
const OF_THREE: u64 = 0x9E37_79B9_7F4A_7C15;
const OF_FOUR: u64 = 0xC2B2_AE3D_27D4_EB4F;
const OF_FIVE: u64 = 0x1656_67B1_9E37_79F9;
const OF_WORD: u64 = 0xD6E8_FEB8_6659_FD93;
const OF_PAIR: u64 = 0xA076_1D64_78BD_642F;
const OF_LETTER: u64 = 0xE703_7ED1_A0B4_28DB;

/// Where in a text the reading stands. Holds no more than the last five characters and two words, as hashes.
#[derive(Debug, Clone)]
pub struct Grams {
    /// The last five characters.
    recent: u64,
    /// How many there were, up to five.
    seen: u32,
    /// The word that is being read; zero between words.
    word: u64,
    /// The word before; zero at the beginning.
    before: u64,
    /// Whether the last character was a space, so that rows of spaces are one.
    spaced: bool,
}

impl Default for Grams {
    fn default() -> Self {
        // A text begins as if after a space, so that its first word is one like others.
        Self { recent: u64::from(b' '), seen: 1, word: 0, before: 0, spaced: true }
    }
}

impl Grams {
    /// Reads a folded text to its end.
    pub fn of(folded: &str, mut row: impl FnMut(usize)) {
        let mut grams = Self::default();
        for character in folded.chars() {
            grams.push(character, &mut row);
        }
        grams.finish(row);
    }

    /// Reads one folded character, and names the rows that it completes.
    #[inline]
    pub fn push(&mut self, character: char, mut row: impl FnMut(usize)) {
        if character == ' ' {
            if std::mem::replace(&mut self.spaced, true) {
                return;
            }
        } else {
            self.spaced = false;
        }
        self.recent = (self.recent << UNIT_BITS | unit(character)) & FIVE;
        self.seen = (self.seen + 1).min(5);
        if self.seen >= 3 {
            row(place(self.recent & THREE, OF_THREE));
        }
        if self.seen >= 4 {
            row(place(self.recent & FOUR, OF_FOUR));
        }
        if self.seen >= 5 {
            row(place(self.recent, OF_FIVE));
        }
        if is_of_word(character) {
            self.word = (self.word ^ u64::from(u32::from(character)).wrapping_add(1)).wrapping_mul(OF_LETTER);
        } else {
            self.end_word(&mut row);
            // A single one is a word, as there are no spaces between words.
            if is_ideograph(character) {
                self.word = (u64::from(u32::from(character)) + 1).wrapping_mul(OF_LETTER);
                self.end_word(&mut row);
            }
        }
    }

    /// The text is over.
    pub fn finish(mut self, mut row: impl FnMut(usize)) {
        self.push(' ', &mut row);
    }

    #[inline]
    fn end_word(&mut self, row: &mut impl FnMut(usize)) {
        if self.word != 0 {
            row(place(self.word, OF_WORD));
            row(place(self.before.rotate_left(23) ^ self.word, OF_PAIR));
            self.before = std::mem::take(&mut self.word);
        }
    }
}

#[inline]
fn is_of_word(character: char) -> bool {
    if character.is_ascii() {
        character.is_ascii_alphanumeric() || character == '\''
    } else {
        character.is_alphanumeric() && !is_ideograph(character)
    }
}

#[inline]
fn unit(character: char) -> u64 {
    let point = u64::from(u32::from(character));
    if point < 128 { point } else { 128 + (point.wrapping_mul(OF_THREE) >> 52) % 3968 }
}

/// The row of a key: the upper bits of a product mix all bits of the key.
#[inline]
const fn place(key: u64, kind: u64) -> usize {
    let mixed = key.wrapping_add(kind >> 7).wrapping_mul(kind);
    ((mixed ^ mixed >> 32).wrapping_mul(OF_THREE) >> (64 - ROWS_BITS)) as usize
}
