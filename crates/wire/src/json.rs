//! A strict JSON cursor over borrowed text: one pass, byte spans, a depth limit, nothing built that was not asked for.
//!
//! `serde_json` would do for most of this crate, but the request path needs three things together that it does not
//! give: the exact span of every message, a depth limit on parts that are skipped, and the decoded form of strings
//! with lone surrogates, which providers accept and Rust strings cannot hold.

use std::borrow::Cow;
use std::ops::Range;

use crate::RequestError;

/// The deepest nesting that is read, counted from the root. Recursion in this crate is bounded by it.
pub const DEPTH_MAX: usize = 128;

/// What kind of value comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

/// A string as it stands in the text, without its quotes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token<'a> {
    /// The bytes between the quotes. INVARIANT: escapes in it are well formed; `Cursor::string` checked them.
    raw: &'a str,
    escaped: bool,
}

impl<'a> Token<'a> {
    /// The decoded string, with U+FFFD for lone surrogates.
    pub(crate) fn lossy(self) -> Cow<'a, str> {
        if !self.escaped {
            return Cow::Borrowed(self.raw);
        }
        let mut decoded = Vec::with_capacity(self.raw.len());
        self.decode(|piece| decoded.extend_from_slice(piece));
        Cow::Owned(match String::from_utf8(decoded) {
            Ok(text) => text,
            Err(error) => replace_surrogates(error.as_bytes()),
        })
    }

    /// The decoded string, or `None` when it holds a lone surrogate.
    pub(crate) fn strict(self) -> Option<Cow<'a, str>> {
        if !self.escaped {
            return Some(Cow::Borrowed(self.raw));
        }
        let mut decoded = Vec::with_capacity(self.raw.len());
        self.decode(|piece| decoded.extend_from_slice(piece));
        String::from_utf8(decoded).ok().map(Cow::Owned)
    }

    /// An upper bound of the decoded bytes: no escape is shorter than what it stands for.
    pub(crate) const fn bytes_max(self) -> usize {
        self.raw.len()
    }

    /// The string as it stands in the text, without its quotes.
    pub(crate) const fn as_written(self) -> &'a str {
        self.raw
    }

    /// Whether the string has no characters.
    pub(crate) fn is_empty(self) -> bool {
        self.raw.is_empty()
    }

    /// Where each of these offsets into the decoded string stands in the string as written, counted from its first byte
    /// behind the quote. `None` when one lies within a character or an escape, or beyond the end, or is less than the one
    /// before.
    pub(crate) fn offsets_as_written(self, offsets: &[usize]) -> Option<Vec<usize>> {
        let (mut rest, mut written, mut decoded) = (self.raw, 0, 0);
        let mut found = Vec::with_capacity(offsets.len());
        for offset in offsets {
            while decoded < *offset {
                let plain = if self.escaped { memchr::memchr(b'\\', rest.as_bytes()) } else { None };
                let plain = plain.unwrap_or(rest.len());
                let step = if plain > 0 {
                    let step = plain.min(*offset - decoded);
                    decoded += step;
                    step
                } else {
                    let after = decode_escape(rest, &mut |piece| decoded += piece.len());
                    rest.len() - after.len()
                };
                if step == 0 {
                    return None;
                }
                rest = rest.get(step..)?;
                written += step;
            }
            if decoded != *offset {
                return None;
            }
            found.push(written);
        }
        Some(found)
    }

    /// Feeds the decoded bytes, in order. A lone surrogate comes as its three generalised UTF-8 bytes, so that
    /// different strings always give different bytes; no string gives the byte 0xFF.
    pub(crate) fn decode(self, mut feed: impl FnMut(&[u8])) {
        let mut rest = self.raw;
        while self.escaped
            && let Some(at) = memchr::memchr(b'\\', rest.as_bytes())
        {
            let (plain, escape) = rest.split_at(at);
            if !plain.is_empty() {
                feed(plain.as_bytes());
            }
            rest = decode_escape(escape, &mut feed);
        }
        if !rest.is_empty() {
            feed(rest.as_bytes());
        }
    }
}

/// Feeds one escape that starts `text` and gives back what follows it.
fn decode_escape<'a>(text: &'a str, feed: &mut impl FnMut(&[u8])) -> &'a str {
    let bytes = text.as_bytes();
    let plain: &[u8] = match bytes.get(1) {
        Some(b'n') => b"\n",
        Some(b't') => b"\t",
        Some(b'r') => b"\r",
        Some(b'b') => b"\x08",
        Some(b'f') => b"\x0c",
        Some(b'u') => return decode_unicode(text, feed),
        // The quote, the backslash and the slash stand for themselves.
        _ => bytes.get(1..2).unwrap_or_default(),
    };
    feed(plain);
    text.get(2..).unwrap_or_default()
}

fn decode_unicode<'a>(text: &'a str, feed: &mut impl FnMut(&[u8])) -> &'a str {
    let unit = hex_unit(text.as_bytes()).unwrap_or(0xFFFD);
    let rest = text.get(6..).unwrap_or_default();
    if (0xD800..0xDC00).contains(&unit)
        && let Some(low) = hex_unit(rest.as_bytes())
        && (0xDC00..0xE000).contains(&low)
    {
        let scalar = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        let character = char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER);
        feed(character.encode_utf8(&mut [0; 4]).as_bytes());
        return rest.get(6..).unwrap_or_default();
    }
    if let Some(character) = char::from_u32(unit) {
        feed(character.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        // A surrogate lies in 0xD800..0xE000: its generalised UTF-8 form is 0xED and two continuation bytes.
        let [.., middle, low] = unit.to_be_bytes();
        feed(&[0xED, 0x80 | ((middle << 2) & 0x3C) | (low >> 6), 0x80 | (low & 0x3F)]);
    }
    rest
}

/// The code unit of a `\uXXXX` that starts `bytes`.
fn hex_unit(bytes: &[u8]) -> Option<u32> {
    let [b'\\', b'u', digits @ ..] = bytes else { return None };
    digits.get(..4)?.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
}

fn replace_surrogates(bytes: &[u8]) -> String {
    bytes.utf8_chunks().fold(String::with_capacity(bytes.len()), |mut text, chunk| {
        text.push_str(chunk.valid());
        // One surrogate is three bytes that are each invalid alone; only the first of them stands for it.
        if chunk.invalid().first() == Some(&0xED) {
            text.push(char::REPLACEMENT_CHARACTER);
        }
        text
    })
}

/// A position in JSON text.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    position: usize,
    depth: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of `bytes`, which must be UTF-8.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, RequestError> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self::of(text)),
            Err(error) => Err(RequestError::NotUtf8 { position: error.valid_up_to() }),
        }
    }

    /// A cursor at the start of `text`.
    pub(crate) fn of(text: &'a str) -> Self {
        Self { text, position: 0, depth: 0 }
    }

    /// Refuses anything but space after the root value.
    pub(crate) fn end(&mut self) -> Result<(), RequestError> {
        match self.next_byte() {
            None => Ok(()),
            Some(_) => Err(self.fault("nothing may follow the JSON value")),
        }
    }

    /// The kind of the next value; the position moves to its first byte.
    pub(crate) fn kind(&mut self) -> Result<Kind, RequestError> {
        match self.next_byte() {
            Some(b'n') => Ok(Kind::Null),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'"') => Ok(Kind::String),
            Some(b'[') => Ok(Kind::Array),
            Some(b'{') => Ok(Kind::Object),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            _ => Err(self.fault("a value is expected")),
        }
    }

    /// Passes over one value and gives its span.
    pub(crate) fn skip(&mut self) -> Result<Range<usize>, RequestError> {
        let kind = self.kind()?;
        let start = self.position;
        match kind {
            Kind::Null => self.literal("null")?,
            Kind::Bool => drop(self.boolean()?),
            Kind::Number => drop(self.number()?),
            Kind::String => drop(self.string()?),
            Kind::Array => self.elements(|cursor| cursor.skip().map(drop))?,
            Kind::Object => self.members(|cursor, _| cursor.skip().map(drop))?,
        }
        Ok(start..self.position)
    }

    /// Passes over one value and gives its text.
    pub(crate) fn raw(&mut self) -> Result<&'a str, RequestError> {
        let span = self.skip()?;
        Ok(self.text_at(span))
    }

    /// Reads `null` if it comes next.
    pub(crate) fn null(&mut self) -> Result<bool, RequestError> {
        if self.kind()? != Kind::Null {
            return Ok(false);
        }
        self.literal("null")?;
        Ok(true)
    }

    /// Reads `true` or `false`.
    pub(crate) fn boolean(&mut self) -> Result<bool, RequestError> {
        if self.next_byte() == Some(b't') {
            self.literal("true")?;
            return Ok(true);
        }
        self.literal("false")?;
        Ok(false)
    }

    /// Reads a number and gives its text.
    pub(crate) fn number(&mut self) -> Result<&'a str, RequestError> {
        let _ = self.next_byte();
        let start = self.position;
        self.eat(|byte| byte == b'-', 1);
        if self.eat(|byte| byte == b'0', 1) == 0 && self.eat(|byte| byte.is_ascii_digit(), usize::MAX) == 0 {
            return Err(self.fault("a digit is expected"));
        }
        if self.eat(|byte| byte == b'.', 1) == 1 && self.eat(|byte| byte.is_ascii_digit(), usize::MAX) == 0 {
            return Err(self.fault("a digit is expected after the decimal point"));
        }
        if self.eat(|byte| matches!(byte, b'e' | b'E'), 1) == 1 {
            self.eat(|byte| matches!(byte, b'+' | b'-'), 1);
            if self.eat(|byte| byte.is_ascii_digit(), usize::MAX) == 0 {
                return Err(self.fault("a digit is expected in the exponent"));
            }
        }
        Ok(self.text.get(start..self.position).unwrap_or_default())
    }

    /// Reads a string.
    pub(crate) fn string(&mut self) -> Result<Token<'a>, RequestError> {
        if self.next_byte() != Some(b'"') {
            return Err(self.fault("a string is expected"));
        }
        self.position += 1;
        let start = self.position;
        let mut escaped = false;
        loop {
            let rest = self.text.as_bytes().get(self.position..).unwrap_or_default();
            let Some(at) = memchr::memchr2(b'"', b'\\', rest) else {
                self.position = self.text.len();
                return Err(self.fault("a string is not closed"));
            };
            self.position += at;
            if rest.get(at) == Some(&b'"') {
                break;
            }
            escaped = true;
            self.escape()?;
        }
        let raw = self.text.get(start..self.position).unwrap_or_default();
        self.position += 1;
        // Folding without an early exit lets the compiler use vector instructions.
        if raw.as_bytes().iter().fold(u8::MAX, |least, byte| least.min(*byte)) < 0x20 {
            self.position = start;
            return Err(self.fault("a control character in a string must be escaped"));
        }
        Ok(Token { raw, escaped })
    }

    /// Reads an object; `each` is given the name of a member and must read its value.
    pub(crate) fn members(
        &mut self,
        mut each: impl FnMut(&mut Self, Token<'a>) -> Result<(), RequestError>,
    ) -> Result<(), RequestError> {
        self.open(b'{', "an object is expected")?;
        if self.close(b'}') {
            return Ok(());
        }
        loop {
            let name = self.string()?;
            if self.next_byte() != Some(b':') {
                return Err(self.fault("a colon is expected"));
            }
            self.position += 1;
            each(self, name)?;
            if self.close(b'}') {
                return Ok(());
            }
            self.comma()?;
        }
    }

    /// Reads an array; `each` must read one element.
    pub(crate) fn elements(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), RequestError>,
    ) -> Result<(), RequestError> {
        self.open(b'[', "an array is expected")?;
        if self.close(b']') {
            return Ok(());
        }
        loop {
            each(self)?;
            if self.close(b']') {
                return Ok(());
            }
            self.comma()?;
        }
    }

    /// Reads a value with `read`, or passes over it when that fails: a value that cannot be understood need not be
    /// malformed.
    pub(crate) fn attempt<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, RequestError>,
    ) -> Result<Option<T>, RequestError> {
        let (position, depth) = (self.position, self.depth);
        if let Ok(value) = read(self) {
            return Ok(Some(value));
        }
        (self.position, self.depth) = (position, depth);
        self.skip().map(|_| None)
    }

    /// The text between two offsets that were read.
    pub(crate) fn text_at(&self, span: Range<usize>) -> &'a str {
        self.text.get(span).unwrap_or_default()
    }

    /// The offset of the next byte that is not space.
    pub(crate) fn offset(&mut self) -> usize {
        let _ = self.next_byte();
        self.position
    }

    /// The offset just behind what was read.
    pub(crate) fn position(&self) -> usize {
        self.position
    }

    fn open(&mut self, bracket: u8, reason: &'static str) -> Result<(), RequestError> {
        if self.next_byte() != Some(bracket) {
            return Err(self.fault(reason));
        }
        if self.depth == DEPTH_MAX {
            return Err(RequestError::TooDeep { position: self.position, depth_max: DEPTH_MAX });
        }
        self.depth += 1;
        self.position += 1;
        Ok(())
    }

    fn close(&mut self, bracket: u8) -> bool {
        let closes = self.next_byte() == Some(bracket);
        if closes {
            self.depth -= 1;
            self.position += 1;
        }
        closes
    }

    fn comma(&mut self) -> Result<(), RequestError> {
        if self.next_byte() != Some(b',') {
            return Err(self.fault("a comma or a closing bracket is expected"));
        }
        self.position += 1;
        Ok(())
    }

    /// Checks the escape at the position and passes over it.
    fn escape(&mut self) -> Result<(), RequestError> {
        let rest = self.text.as_bytes().get(self.position..).unwrap_or_default();
        let length = match rest.get(1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') if hex_unit(rest).is_some() => 6,
            _ => return Err(self.fault("an escape in a string is not valid")),
        };
        self.position += length;
        Ok(())
    }

    fn literal(&mut self, word: &'static str) -> Result<(), RequestError> {
        let _ = self.next_byte();
        if !self.text.get(self.position..).unwrap_or_default().starts_with(word) {
            return Err(self.fault("a value is expected"));
        }
        self.position += word.len();
        Ok(())
    }

    /// Passes over at most `count_max` bytes that `accepts` and gives their count.
    fn eat(&mut self, accepts: impl Fn(u8) -> bool, count_max: usize) -> usize {
        let rest = self.text.as_bytes().get(self.position..).unwrap_or_default();
        let count = rest.iter().take(count_max).take_while(|byte| accepts(**byte)).count();
        self.position += count;
        count
    }

    /// The next byte that is not space, without passing over it.
    fn next_byte(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.position) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.position += 1,
                other => return other.copied(),
            }
        }
    }

    fn fault(&self, reason: &'static str) -> RequestError {
        RequestError::Malformed { position: self.position, reason }
    }
}

/// Writes `text` as a JSON string.
pub(crate) fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1F)) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        let [first, tail @ ..] = special else { break };
        match first {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => out.extend_from_slice(format!("\\u{control:04x}").as_bytes()),
        }
        rest = tail;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn skip_all(text: &[u8]) -> Result<(), RequestError> {
        let mut cursor = Cursor::new(text)?;
        cursor.skip()?;
        cursor.end()
    }

    fn decoded(text: &str) -> String {
        Cursor::new(text.as_bytes()).unwrap().string().unwrap().lossy().into_owned()
    }

    #[test]
    fn accepts_and_refuses_what_the_grammar_does() {
        for good in ["null", " [1, -0.5e+9 , 0] ", r#"{"a":{"b":[]},"c":"\u00e9\ud83d\ude00\/"}"#, "0"] {
            assert_eq!(skip_all(good.as_bytes()), Ok(()), "{good}");
        }
        for bad in [
            "",
            "nul",
            "01",
            "1.",
            "-",
            "1e",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "{a:1}",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"a",
            "\"a\nb\"",
            "[",
            "1 2",
            "[1}",
            "\u{feff}1",
            "NaN",
            "'a'",
            "\"\\",
            "\"\\u12",
        ] {
            assert!(matches!(skip_all(bad.as_bytes()), Err(RequestError::Malformed { .. })), "{bad}");
        }
        assert_eq!(skip_all(b"\"\xff\""), Err(RequestError::NotUtf8 { position: 1 }));
    }

    #[test]
    fn depth_is_limited_even_where_nothing_is_read() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert_eq!(skip_all(nested(DEPTH_MAX).as_bytes()), Ok(()));
        assert_eq!(
            skip_all(nested(DEPTH_MAX + 1).as_bytes()),
            Err(RequestError::TooDeep { position: DEPTH_MAX, depth_max: DEPTH_MAX })
        );
    }

    #[test]
    fn lone_surrogates_are_told_apart_and_shown_as_replacements() {
        let bytes = |text: &str| {
            let mut bytes = Vec::new();
            Cursor::new(text.as_bytes())
                .unwrap()
                .string()
                .unwrap()
                .decode(|piece| bytes.extend_from_slice(piece));
            bytes
        };
        assert_eq!(bytes(r#""\ud800""#), [0xED, 0xA0, 0x80]);
        assert_eq!(bytes(r#""\udfff""#), [0xED, 0xBF, 0xBF]);
        assert_eq!(decoded(r#""a\ud800\u0041\udc00b""#), "a\u{fffd}A\u{fffd}b");
        assert_eq!(decoded(r#""\ud83d\ude00\"\\\/\b\f\n\r\t""#), "\u{1f600}\"\\/\u{8}\u{c}\n\r\t");
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json(text in r#"[\[\]{}",:0-9truefalsn\\u.eE+\- ]{0,40}"#) {
            let theirs = serde_json::from_str::<&serde_json::value::RawValue>(&text).is_ok();
            prop_assert_eq!(skip_all(text.as_bytes()).is_ok(), theirs);
        }

        #[test]
        fn written_strings_read_back(text in any::<String>()) {
            let mut out = Vec::new();
            write_string(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text.clone());
            prop_assert_eq!(decoded(std::str::from_utf8(&out).unwrap()), text);
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = skip_all(&bytes);
        }
    }
}
