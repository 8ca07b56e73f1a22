//! Which places of a text are replaced: those that were found, those that look like placeholders, and none twice.

use super::kind::MaskKind;
use crate::Span;
use crate::personal_data::PersonalDataItem;
use crate::secrets::SecretItem;

/// The most bytes a placeholder has: brackets, the longest word, a line, six digits and a letter.
pub(super) const PLACEHOLDER_BYTES_MAX: usize = 20;

/// The most digits of a placeholder's number.
const DIGITS_MAX: usize = 6;

/// A place to be replaced, and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sensitive {
    /// Where.
    pub span: Span,
    /// What kind of placeholder stands there afterwards.
    pub kind: MaskKind,
}

impl From<PersonalDataItem> for Sensitive {
    fn from(item: PersonalDataItem) -> Self {
        Self { span: item.span, kind: item.kind.into() }
    }
}

impl From<SecretItem> for Sensitive {
    fn from(item: SecretItem) -> Self {
        Self { span: item.span, kind: MaskKind::Secret }
    }
}

/// Whether `text` is written like a placeholder, given out or not.
pub(super) fn looks_like_placeholder(text: &str) -> bool {
    let Some(inner) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return false;
    };
    let Some((word, number)) = inner.rsplit_once('_') else {
        return false;
    };
    let digits = number.strip_suffix(|last: char| last.is_ascii_uppercase()).unwrap_or(number);
    let is_number =
        (1..=DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number && MaskKind::of_word(word).is_some()
}

/// Every place in `text` that is written like a placeholder.
pub(super) fn placeholder_like(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut opened = None;
    for (position, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => opened = Some(position),
            b']' => {
                if let Some(start) = opened.take() {
                    let span = Span { start, end: position + 1 };
                    let is_short = span.end - span.start <= PLACEHOLDER_BYTES_MAX;
                    if is_short && text.get(span.start..span.end).is_some_and(looks_like_placeholder) {
                        found.push(span);
                    }
                }
            }
            _ => {}
        }
    }
    found
}

/// The places of `found` that lie at boundaries of characters in `text`, in order. Those that overlap become one, of the kind of the first.
pub(super) fn merged(text: &str, mut found: Vec<Sensitive>) -> Vec<Sensitive> {
    found.retain(|one| one.span.start < one.span.end && text.get(one.span.start..one.span.end).is_some());
    // Where two begin together the longer one says what it is.
    found.sort_by_key(|one| (one.span.start, std::cmp::Reverse(one.span.end)));
    let mut merged: Vec<Sensitive> = Vec::with_capacity(found.len());
    for one in found {
        match merged.last_mut() {
            Some(last) if one.span.start < last.span.end => {
                last.span.end = last.span.end.max(one.span.end);
            }
            _ => merged.push(one),
        }
    }
    merged
}
