//! The texts of a request: whose words each is, where it stands, and how parts of it are replaced.
//!
//! Replacing changes the bytes of the spans that are named and no others: white space, order, escapes and every other string stay
//! as the client wrote them, so that a conversation in which the same spans are replaced in every turn has the same bytes in every turn.
//! What a provider has signed or encrypted is never changed: a signature binds the words, and a changed block is refused.

mod walk;

use std::borrow::Cow;
use std::ops::Range;

use fiducia_policy::Provenance;

use crate::json::{Cursor, Token, write_string};
use crate::{RequestError, Role, Wire};

/// The most texts of one request.
pub const REQUEST_TEXTS_MAX: usize = 100_000;

/// One string of a request that somebody reads as text.
#[derive(Clone)]
pub struct RequestText<'a> {
    /// Who speaks, as the message says.
    pub role: Role,
    /// Whose words they are.
    pub provenance: Provenance,
    /// The text, decoded. Lone surrogates are shown as U+FFFD.
    pub text: Cow<'a, str>,
    /// Whether it belongs to what a provider has signed or encrypted, so that it cannot be replaced.
    pub is_sealed: bool,
    /// Whether the text is itself JSON, as the arguments of a function are: then what is put in is escaped as within a string.
    pub is_json: bool,
    token: Token<'a>,
    /// Where the string stands in the body, without its quotes.
    inner: Range<usize>,
}

/// Content must not reach logs by way of a debug format.
impl std::fmt::Debug for RequestText<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("RequestText")
            .field("provenance", &self.provenance)
            .field("bytes", &self.text.len())
            .field("is_sealed", &self.is_sealed)
            .finish_non_exhaustive()
    }
}

/// Text that takes the place of a part of a request's text.
#[derive(Clone, PartialEq, Eq)]
pub struct Replacement<'a> {
    /// Which text, by its place in [`RequestTexts::texts`].
    pub text: usize,
    /// Which bytes of the decoded text, at boundaries of characters.
    pub range: Range<usize>,
    /// What stands there instead; may be empty.
    pub with: Cow<'a, str>,
}

impl std::fmt::Debug for Replacement<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Replacement")
            .field("text", &self.text)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

/// Why nothing was replaced. The body is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplacementError {
    /// There is no such text.
    #[error("the request has no text number {text}")]
    NoSuchText {
        /// Its number.
        text: usize,
    },
    /// The text is signed or encrypted by a provider.
    #[error(
        "text number {text} is signed or encrypted by the provider, which refuses it when a byte of it changes"
    )]
    Sealed {
        /// Its number.
        text: usize,
    },
    /// The range does not lie in the text, or not at boundaries of characters, or overlaps with another.
    #[error("a range of text number {text} lies outside of it, within a character, or over another range")]
    Range {
        /// Its number.
        text: usize,
    },
    /// Other text would be read than was meant: what is JSON would be none, or two halves of a character would join.
    #[error("replacing in text number {text} would change more than the range that was named")]
    ChangesMore {
        /// Its number.
        text: usize,
    },
}

/// Every text of one request.
#[derive(Debug, Clone)]
pub struct RequestTexts<'a> {
    body: &'a [u8],
    texts: Vec<RequestText<'a>>,
}

impl<'a> RequestTexts<'a> {
    /// Finds the texts of a request body: instructions, messages and what they nest, tool calls and their results, descriptions of
    /// tools. What tools take is found string by string. Images, files and whatever else is opaque is not text.
    ///
    /// # Errors
    /// When the body is no JSON object, or holds more than [`REQUEST_TEXTS_MAX`] texts.
    pub fn find(wire: Wire, body: &'a [u8]) -> Result<Self, RequestError> {
        let mut cursor = Cursor::new(body)?;
        let texts = walk::texts(wire, &mut cursor)?;
        cursor.end()?;
        Ok(Self { body, texts })
    }

    /// The texts, in the order in which they stand.
    pub fn texts(&self) -> &[RequestText<'a>] {
        &self.texts
    }

    /// The body with these replacements, in any order, and every other byte as it is.
    ///
    /// # Errors
    /// When one of them cannot be made; then none is.
    pub fn replace(&self, replacements: &[Replacement<'_>]) -> Result<Vec<u8>, ReplacementError> {
        let mut ordered: Vec<&Replacement<'_>> = replacements.iter().collect();
        ordered.sort_by_key(|one| (one.text, one.range.start, one.range.end));
        let added: usize = ordered.iter().map(|one| one.with.len()).sum();
        let mut out = Vec::with_capacity(self.body.len() + added);
        let mut copied = 0;
        for group in ordered.chunk_by(|one, other| one.text == other.text) {
            let Some(number) = group.first().map(|first| first.text) else { continue };
            let text = self.texts.get(number).ok_or(ReplacementError::NoSuchText { text: number })?;
            if text.is_sealed {
                return Err(ReplacementError::Sealed { text: number });
            }
            let changed = text.changed(number, group)?;
            out.extend_from_slice(self.body.get(copied..text.inner.start).unwrap_or_default());
            out.extend_from_slice(&changed);
            copied = text.inner.end;
        }
        out.extend_from_slice(self.body.get(copied..).unwrap_or_default());
        Ok(out)
    }
}

impl RequestText<'_> {
    /// The string as it is to be written, without its quotes. `group` is in order.
    fn changed(&self, number: usize, group: &[&Replacement<'_>]) -> Result<Vec<u8>, ReplacementError> {
        let wrong = ReplacementError::Range { text: number };
        let bounds: Vec<usize> = group.iter().flat_map(|one| [one.range.start, one.range.end]).collect();
        let is_ordered = bounds.windows(2).all(|pair| matches!(pair, [one, other] if one <= other));
        let at_boundaries = bounds.iter().all(|bound| self.text.is_char_boundary(*bound));
        if !is_ordered || !at_boundaries {
            return Err(wrong);
        }
        let written = self.token.offsets_as_written(&bounds).ok_or(wrong)?;
        let raw = self.token.as_written();
        let (mut out, mut meant) = (Vec::with_capacity(raw.len()), String::with_capacity(self.text.len()));
        let (mut copied, mut read) = (0, 0);
        for (one, place) in group.iter().zip(written.chunks_exact(2)) {
            let [start, end] = place else { continue };
            let with = if self.is_json { escaped(&one.with) } else { one.with.to_string() };
            out.extend_from_slice(raw.get(copied..*start).ok_or(wrong)?.as_bytes());
            out.extend_from_slice(escaped(&with).as_bytes());
            meant.push_str(self.text.get(read..one.range.start).ok_or(wrong)?);
            meant.push_str(&with);
            (copied, read) = (*end, one.range.end);
        }
        out.extend_from_slice(raw.get(copied..).ok_or(wrong)?.as_bytes());
        meant.push_str(self.text.get(read..).ok_or(wrong)?);
        self.check(&out, &meant).ok_or(ReplacementError::ChangesMore { text: number })?;
        Ok(out)
    }

    /// Reads what was written as a provider would; `None` when it is not what was meant.
    fn check(&self, written: &[u8], meant: &str) -> Option<()> {
        let quoted = [b"\"".as_slice(), written, b"\""].concat();
        let mut cursor = Cursor::new(&quoted).ok()?;
        let read = cursor.string().ok()?.lossy();
        cursor.end().ok()?;
        let is_broken = self.is_json && is_json(&self.text) && !is_json(meant);
        (read == meant && !is_broken).then_some(())
    }
}

/// Text as it stands within a JSON string.
fn escaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    write_string(&mut out, text);
    let inner = out.get(1..out.len().saturating_sub(1)).unwrap_or_default();
    String::from_utf8_lossy(inner).into_owned()
}

fn is_json(text: &str) -> bool {
    let mut cursor = Cursor::of(text);
    cursor.skip().is_ok() && cursor.end().is_ok()
}
