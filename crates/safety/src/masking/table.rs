//! Values and their placeholders.

use std::collections::BTreeMap;

use super::kind::MaskKind;
use super::known::KnownValues;
use super::spans::{Sensitive, merged, placeholder_like};
use super::value::Value;
use crate::Span;

/// The most values that one table replaces.
pub const VALUES_MAX: usize = 65_536;

/// Ways of writing one value that share its number; the next one has a number of its own.
const SPELLINGS_MAX: u8 = 26;

/// A request holds more different values than one table replaces. Nothing of the text may be sent on: the rest of it is not masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a request may hold {VALUES_MAX} different values that are masked, and this one holds more; send less at once"
)]
pub struct TooManyValues;

/// A place of a text and what stands there instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The place in the text before anything was replaced.
    pub span: Span,
    /// The placeholder. It holds nothing of the value.
    pub placeholder: String,
}

/// What was replaced in the texts of one request, in the order of first appearance.
#[derive(Debug, Default)]
pub struct MaskTable {
    /// Each way of writing, to its placeholder.
    given: BTreeMap<(MaskKind, Value), String>,
    /// Each placeholder that was given out, to what it stands for.
    values: BTreeMap<String, Value>,
    /// Each value without its way of writing.
    numbers: BTreeMap<(MaskKind, Value), Spellings>,
    /// The highest number of each kind.
    last: BTreeMap<MaskKind, usize>,
    known: KnownValues,
}

/// The number of a value and how many ways of writing it had.
#[derive(Debug, Clone, Copy)]
struct Spellings {
    number: usize,
    count: u8,
}

impl MaskTable {
    /// A table that has replaced nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether nothing was replaced so far, so that nothing has to be restored.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many different placeholders were given out.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// What has to be replaced in `text`, in order and without overlap: what was `found` in it, every value of this and
    /// earlier texts wherever else it stands, and what looks like a placeholder. Time is linear in the text.
    ///
    /// # Errors
    /// [`TooManyValues`] when the table is full. The text must not be sent on then.
    pub fn replacements(
        &mut self,
        text: &str,
        found: &[Sensitive],
    ) -> Result<Vec<Replacement>, TooManyValues> {
        // What looks like a placeholder comes first, so that where it overlaps with something found the whole is covered.
        let looks = placeholder_like(text).into_iter().map(|span| Sensitive { span, kind: MaskKind::Text });
        let mut places = merged(text, looks.chain(found.iter().copied()).collect());
        for place in &places {
            if let Some(value) = text.get(place.span.start..place.span.end) {
                self.placeholder(place.kind, value)?;
            }
        }
        // Values are looked for after all of this text's own are known: a name that only the last line gives away is masked in the first one too.
        places.extend(self.known.places(text));
        let places = merged(text, places);
        let mut replacements = Vec::with_capacity(places.len());
        for Sensitive { span, kind } in places {
            if let Some(value) = text.get(span.start..span.end) {
                replacements.push(Replacement { span, placeholder: self.placeholder(kind, value)? });
            }
        }
        Ok(replacements)
    }

    /// `text` with everything replaced that [`Self::replacements`] names.
    ///
    /// # Errors
    /// As there.
    pub fn mask(&mut self, text: &str, found: &[Sensitive]) -> Result<String, TooManyValues> {
        let mut masked = String::with_capacity(text.len());
        let mut copied = 0;
        for Replacement { span, placeholder } in self.replacements(text, found)? {
            masked.push_str(text.get(copied..span.start).unwrap_or_default());
            masked.push_str(&placeholder);
            copied = span.end;
        }
        masked.push_str(text.get(copied..).unwrap_or_default());
        Ok(masked)
    }

    /// What `placeholder` stands for, when it was given out.
    pub(super) fn value(&self, placeholder: &str) -> Option<&str> {
        self.values.get(placeholder).map(Value::as_str)
    }

    /// Whether a placeholder that was given out begins with `beginning`.
    pub(super) fn has_beginning(&self, beginning: &str) -> bool {
        let bounds = (std::ops::Bound::Included(beginning), std::ops::Bound::Unbounded);
        self.values
            .range::<str, _>(bounds)
            .next()
            .is_some_and(|(placeholder, _)| placeholder.starts_with(beginning))
    }

    fn placeholder(&mut self, kind: MaskKind, text: &str) -> Result<String, TooManyValues> {
        let value = Value::new(text);
        let key = (kind, value);
        if let Some(given) = self.given.get(&key) {
            return Ok(given.clone());
        }
        if self.values.len() >= VALUES_MAX {
            return Err(TooManyValues);
        }
        let placeholder = self.new_placeholder(kind, text);
        let (_, value) = &key;
        self.values.insert(placeholder.clone(), value.clone());
        self.known.note(kind, value);
        self.given.insert(key, placeholder.clone());
        Ok(placeholder)
    }

    /// `[NAME_3]` for a new value, `[NAME_3B]` for another way of writing the third one.
    fn new_placeholder(&mut self, kind: MaskKind, text: &str) -> String {
        let last = self.last.entry(kind).or_default();
        let spellings = self
            .numbers
            .entry((kind, plain(kind, text)))
            .and_modify(|spellings| spellings.count += 1)
            .or_insert(Spellings { number: 0, count: 0 });
        if spellings.number == 0 || spellings.count >= SPELLINGS_MAX {
            *last += 1;
            *spellings = Spellings { number: *last, count: 0 };
        }
        let number = spellings.number;
        match spellings.count {
            0 => format!("[{}_{number}]", kind.word()),
            count => format!("[{}_{number}{}]", kind.word(), char::from(b'A' + count)),
        }
    }
}

/// The value without its way of writing.
fn plain(kind: MaskKind, text: &str) -> Value {
    let mut plain = String::with_capacity(text.len());
    if kind.is_exact() {
        plain.push_str(text);
    } else if kind.is_number() {
        plain.extend(
            text.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase),
        );
    } else {
        // Lowering a letter may lengthen it, so the room is taken anew when it does; what was there is then not wiped.
        for word in text.split_whitespace() {
            if !plain.is_empty() {
                plain.push(' ');
            }
            plain.extend(word.chars().flat_map(char::to_lowercase));
        }
    }
    Value::taken(plain)
}
