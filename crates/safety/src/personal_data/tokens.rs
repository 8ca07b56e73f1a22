//! Cutting a text into words, numbers and marks.

use super::fold::{self, word_hash};
use super::words::{self, Traits};

/// How a token is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Small letters only.
    Lower,
    /// A capital letter, then small ones.
    Capitalized,
    /// Capital letters only.
    Capitals,
    /// Capital and small letters otherwise.
    MixedCase,
    /// Letters of a script without capitals that puts spaces between words.
    Uncased,
    /// Letters of a script that puts no spaces between words.
    Unspaced,
    /// Digits of ASCII only.
    Digits,
    /// Letters and digits.
    Alphanumeric,
    /// One character that is neither letter nor digit nor space. Wide forms stand for the narrow ones, others for 0.
    Mark(u8),
}

/// What stood between a token and the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// Nothing.
    None,
    /// Spaces.
    Space,
    /// At least one end of a line.
    Line,
}

/// A piece of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    /// The first byte in the text.
    pub(super) start: usize,
    /// The byte after the last one.
    pub(super) end: usize,
    pub(super) shape: Shape,
    pub(super) gap: Gap,
    /// What the gazetteers and lists say about the word.
    pub(super) traits: Traits,
}

impl Token {
    pub(super) fn is(&self, mark: u8) -> bool {
        self.shape == Shape::Mark(mark)
    }

    pub(super) const fn length(&self) -> usize {
        self.end - self.start
    }

    /// Whether it is a word, in whatever letters.
    pub(super) const fn is_word(&self) -> bool {
        matches!(
            self.shape,
            Shape::Lower
                | Shape::Capitalized
                | Shape::Capitals
                | Shape::MixedCase
                | Shape::Uncased
                | Shape::Unspaced
        )
    }

    /// Whether the word begins with a capital letter.
    pub(super) const fn is_capital(&self) -> bool {
        matches!(self.shape, Shape::Capitalized | Shape::Capitals | Shape::MixedCase)
    }
}

/// Counts of kinds of characters in a word.
#[derive(Debug, Default, Clone, Copy)]
struct Letters {
    first_is_upper: bool,
    upper: usize,
    lower: usize,
    uncased: usize,
    digits: usize,
}

impl Letters {
    fn add(&mut self, character: char) {
        if character.is_ascii_digit() {
            self.digits += 1;
        } else if character.is_uppercase() {
            self.first_is_upper |= self.upper + self.lower + self.uncased + self.digits == 0;
            self.upper += 1;
        } else if character.is_lowercase() {
            self.lower += 1;
        } else {
            self.uncased += 1;
        }
    }

    const fn shape(self) -> Shape {
        let letters = self.upper + self.lower + self.uncased;
        if letters == 0 {
            Shape::Digits
        } else if self.digits > 0 {
            Shape::Alphanumeric
        } else if self.upper == 0 && self.lower == 0 {
            Shape::Uncased
        } else if self.upper == 0 {
            Shape::Lower
        } else if self.lower == 0 {
            Shape::Capitals
        } else if self.first_is_upper && self.upper == 1 {
            Shape::Capitalized
        } else {
            Shape::MixedCase
        }
    }
}

/// Characters of scripts that put no space between words.
pub(super) const fn is_unspaced(character: char) -> bool {
    matches!(character, '\u{3005}'..='\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Whether `character` is part of a word. Marks that combine with a letter are.
fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric()
        || !character.is_ascii() && (character.is_alphanumeric() || is_combining(character))
}

/// Signs of vowels and accents of the scripts in the gazetteers, which are no letters of their own.
const fn is_combining(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}'
        | '\u{900}'..='\u{903}' | '\u{93a}'..='\u{94f}' | '\u{981}'..='\u{983}' | '\u{9bc}'..='\u{9cd}' | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}')
}

/// The narrow mark that `character` stands for.
fn mark_of(character: char) -> u8 {
    match character {
        '：' => b':',
        '，' | '、' => b',',
        '（' => b'(',
        '）' => b')',
        '．' | '。' => b'.',
        '－' | '‐' | '‑' | '–' | '—' => b'-',
        '／' => b'/',
        '＋' => b'+',
        '＠' => b'@',
        '’' | '‘' => b'\'',
        other => u8::try_from(other).ok().filter(u8::is_ascii).unwrap_or(0),
    }
}

/// Cuts `text`, whose first byte is byte `base` of the whole, and puts the tokens into `tokens`, which is emptied first.
pub(super) fn cut(text: &str, base: usize, tokens: &mut Vec<Token>) {
    tokens.clear();
    let words = words::table();
    let mut gap = Gap::Line;
    let mut at = 0;
    while let Some(first) = text.get(at..).and_then(|rest| rest.chars().next()) {
        let start = at;
        if let Some((letters, end, hash)) = ascii_word(text.as_bytes(), start) {
            let shape = letters.shape();
            let traits = if shape == Shape::Digits { Traits::NONE } else { words.traits(hash) };
            tokens.push(Token { start: base + start, end: base + end, shape, gap, traits });
            gap = Gap::None;
            at = end;
            continue;
        }
        if first.is_whitespace() {
            at += first.len_utf8();
            if first == '\n' || first == '\r' {
                gap = Gap::Line;
            } else if gap == Gap::None {
                gap = Gap::Space;
            }
            continue;
        }
        let (shape, end) = if is_unspaced(first) {
            (Shape::Unspaced, end_while(text, at, is_unspaced))
        } else if is_word(first) {
            word_at(text, at)
        } else {
            (Shape::Mark(mark_of(first)), at + first.len_utf8())
        };
        let traits = match shape {
            Shape::Mark(_) | Shape::Digits => Traits::NONE,
            Shape::Unspaced => words::unspaced(text.get(start..end).unwrap_or_default()),
            _ => words.traits(word_hash(text.get(start..end).unwrap_or_default())),
        };
        tokens.push(Token { start: base + start, end: base + end, shape, gap, traits });
        gap = Gap::None;
        at = end;
    }
}

/// The word of letters and digits of ASCII that begins at `start`, where it ends, and its hash. Nothing when it goes on with other
/// letters or an apostrophe, which take more care. Most words of most texts are such.
fn ascii_word(text: &[u8], start: usize) -> Option<(Letters, usize, u64)> {
    let mut letters = Letters::default();
    let mut hash = fold::START;
    let mut end = start;
    for byte in text.get(start..)? {
        match byte {
            b'a'..=b'z' => letters.lower += 1,
            b'A'..=b'Z' => {
                letters.first_is_upper |= end == start;
                letters.upper += 1;
            }
            b'0'..=b'9' => letters.digits += 1,
            b'\'' | 0x80.. => return None,
            _ => break,
        }
        hash = fold::step(hash, u32::from(byte.to_ascii_lowercase()));
        end += 1;
    }
    (end > start).then_some((letters, end, fold::finish(hash)))
}

fn end_while(text: &str, start: usize, belongs: impl Fn(char) -> bool) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    start + rest.find(|character| !belongs(character)).unwrap_or(rest.len())
}

/// The word that begins at `start`: letters and digits, and an apostrophe as in O'Brien.
fn word_at(text: &str, start: usize) -> (Shape, usize) {
    let mut letters = Letters::default();
    let mut end = start;
    let mut rest = text.get(start..).unwrap_or_default().chars();
    while let Some(character) = rest.next() {
        let is_joint = matches!(character, '\'' | '’')
            && letters.upper == 1
            && letters.lower + letters.digits == 0
            && rest.clone().next().is_some_and(char::is_uppercase);
        if is_joint {
            end += character.len_utf8();
            // The capital after the apostrophe is that of the same name.
            if let Some(next) = rest.next() {
                letters.lower += 1;
                end += next.len_utf8();
            }
            continue;
        }
        if !is_word(character) || is_unspaced(character) {
            break;
        }
        if !is_combining(character) {
            letters.add(character);
        }
        end += character.len_utf8();
    }
    (letters.shape(), end)
}
