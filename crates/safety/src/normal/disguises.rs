//! Words in disguise: letters as digits, letters apart, letters moved by thirteen, letters that are not seen.

use super::letters::disguised;
use super::rewrite::Rewrite;

/// Longer words are not disguised ones.
const WORD_BYTES_MAX: usize = 32;
/// Letters apart that make a word.
const LETTERS_APART_MIN: usize = 4;
/// Common words, moved by thirteen letters. None is a word of a language that is written much.
const MOVED_WORDS: [&str; 19] = [
    "gur",
    "naq",
    "lbh",
    "lbhe",
    "gung",
    "guvf",
    "jvgu",
    "sbe",
    "ubj",
    "jung",
    "ner",
    "nyy",
    "vtaber",
    "abg",
    "cebzcg",
    "vafgehpgvbaf",
    "cyrnfr",
    "znxr",
    "bs",
];
/// So many of them in a row of words mean it.
const MOVED_WORDS_MIN: usize = 3;

/// Words of a folded text that mix letters with digits that stand for letters.
pub(super) fn digits_for_letters(folded: &str) -> Vec<Rewrite> {
    words(folded).filter_map(|(start, word)| undisguised(start, word)).collect()
}

/// Each word with its first byte. Folded text has single spaces.
fn words(folded: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    folded.split(' ').map(move |word| {
        let at = start;
        start += word.len() + 1;
        (at, word)
    })
}

fn undisguised(start: usize, word: &str) -> Option<Rewrite> {
    if word.len() < 3 || word.len() > WORD_BYTES_MAX {
        return None;
    }
    let trimmed = word.trim_end_matches(['!', '.', ',', '?', ';', ':', '|', '+', ')', '"']);
    let letters = trimmed.chars().filter(char::is_ascii_lowercase).count();
    let digits = trimmed.chars().filter(|character| disguised(*character).is_some()).count();
    if digits == 0 || letters == 0 || digits > letters * 2 || is_ordinary(trimmed) {
        return None;
    }
    let replacement = trimmed.chars().map(|character| disguised(character).unwrap_or(character)).collect();
    Some(Rewrite { start, end: start + trimmed.len(), replacement })
}

/// Digits at the end of a name, or before a unit: `mp3`, `4th`, `10kb`; hexadecimal numbers.
fn is_ordinary(word: &str) -> bool {
    if word.len() > 5 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return true;
    }
    let inner = word.trim_end_matches(|character: char| character.is_ascii_digit());
    let bare = inner.trim_start_matches(|character: char| character.is_ascii_digit());
    let plain = |text: &str| text.chars().all(|character| disguised(character).is_none());
    (bare.len() == inner.len() && plain(bare)) || (bare.len() < inner.len() && bare.len() <= 2 && plain(bare))
}

/// Letters with one and the same sign between them, as in `i g n o r e` and `h.a.c.k`.
pub(super) fn letters_apart(text: &str) -> Vec<Rewrite> {
    let mut found = Vec::new();
    let mut run: Option<Apart> = None;
    let mut before: Option<char> = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let alone = character.is_alphanumeric()
            && !before.is_some_and(char::is_alphanumeric)
            && !characters.peek().is_some_and(|(_, next)| next.is_alphanumeric());
        if alone {
            match &mut run {
                Some(open) if open.takes(text, at) => open.add(text, at, character),
                _ => {
                    found.extend(run.take().and_then(Apart::finish));
                    run = Some(Apart::begin(at, character));
                }
            }
        } else if character.is_alphanumeric() {
            found.extend(run.take().and_then(Apart::finish));
        }
        before = Some(character);
    }
    found.extend(run.and_then(Apart::finish));
    found
}

/// A row of single letters.
struct Apart {
    start: usize,
    end: usize,
    separator: Option<char>,
    letters: usize,
    word: String,
}

impl Apart {
    fn begin(at: usize, letter: char) -> Self {
        Self { start: at, end: at + letter.len_utf8(), separator: None, letters: 1, word: letter.into() }
    }

    /// Whether the letter at `at` goes on with the row: the same sign between, or a gap of up to three that ends a word.
    fn takes(&self, text: &str, at: usize) -> bool {
        let gap = text.get(self.end..at).unwrap_or_default();
        let mut signs = gap.chars();
        let Some(sign) = signs.next() else { return false };
        let rest = signs.count();
        if rest == 0 {
            self.separator.is_none_or(|separator| separator == sign || (sign == ' ' && self.letters > 2))
        } else {
            let between = |sign: char| sign.is_whitespace() || self.separator == Some(sign);
            rest <= 3 && self.letters > 2 && gap.chars().all(between) && gap.contains(char::is_whitespace)
        }
    }

    fn add(&mut self, text: &str, at: usize, letter: char) {
        let gap = text.get(self.end..at).unwrap_or_default();
        let sign = gap.chars().next().unwrap_or(' ');
        if gap.len() == sign.len_utf8() && self.separator.is_none_or(|separator| separator == sign) {
            self.separator = Some(sign);
        } else {
            self.word.push(' ');
        }
        self.word.push(letter);
        self.letters += 1;
        self.end = at + letter.len_utf8();
    }

    fn finish(self) -> Option<Rewrite> {
        let letters = self.word.chars().filter(|character| character.is_alphabetic()).count();
        let row = letters >= LETTERS_APART_MIN && letters * 2 > self.letters;
        row.then_some(Rewrite { start: self.start, end: self.end, replacement: self.word })
    }
}

/// Stretches of a folded text whose letters were moved by thirteen.
pub(super) fn moved_letters(folded: &str) -> Vec<Rewrite> {
    let mut hits: Vec<(usize, usize)> = Vec::new();
    for (start, word) in words(folded) {
        let bare = word.trim_matches(|character: char| !character.is_ascii_alphabetic());
        if MOVED_WORDS.contains(&bare) {
            hits.push((start, start + word.len()));
        }
    }
    let mut found: Vec<Rewrite> = Vec::new();
    for group in hits.chunk_by(|one, next| next.0 - one.1 < 80) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else { continue };
        if group.len() < MOVED_WORDS_MIN {
            continue;
        }
        let reach = found.last().map_or(0, |before| before.end);
        let start = folded.floor_char_boundary(first.0.saturating_sub(60)).max(reach);
        let end = folded.floor_char_boundary((last.1 + 120).min(folded.len()));
        let replacement = folded.get(start..end).unwrap_or_default().chars().map(moved_back).collect();
        found.push(Rewrite { start, end, replacement });
    }
    found
}

fn moved_back(character: char) -> char {
    let moved = |byte: u8| char::from((byte - b'a' + 13) % 26 + b'a');
    match u8::try_from(character) {
        Ok(byte) if byte.is_ascii_lowercase() => moved(byte),
        _ => character,
    }
}

/// Text that is written in characters which nobody sees: tags, and selectors of variants taken as bytes.
pub(super) fn unseen(text: &str) -> Vec<Rewrite> {
    let mut found: Vec<(Rewrite, Vec<u8>)> = Vec::new();
    if text.is_ascii() {
        return Vec::new();
    }
    for (at, character) in text.char_indices() {
        let Some(byte) = unseen_byte(character) else { continue };
        let end = at + character.len_utf8();
        match found.last_mut() {
            Some((rewrite, bytes)) if rewrite.end == at => {
                rewrite.end = end;
                bytes.push(byte);
            }
            _ => found.push((Rewrite { start: at, end, replacement: String::new() }, vec![byte])),
        }
    }
    // One or two are flags and emoji.
    let read = |(mut rewrite, bytes): (Rewrite, Vec<u8>)| {
        let text = String::from_utf8(bytes).ok()?;
        let letters = text.chars().filter(char::is_ascii_alphabetic).count();
        rewrite.replacement = format!(" {text} ");
        (letters >= 6).then_some(rewrite)
    };
    found.into_iter().filter_map(read).collect()
}

fn unseen_byte(character: char) -> Option<u8> {
    let point = u32::from(character);
    let byte = match character {
        '\u{E0020}'..='\u{E007E}' => point - 0xE0000,
        '\u{FE00}'..='\u{FE0F}' => point - 0xFE00,
        '\u{E0100}'..='\u{E01EF}' => point - 0xE0100 + 16,
        _ => return None,
    };
    u8::try_from(byte).ok()
}
