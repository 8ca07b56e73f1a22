//! One JSON object read shallowly, for answers: its members by name, each still as its own text.

use std::borrow::Cow;

use crate::json::{Cursor, Kind, write_string};

/// The members of an object, in order. Of members with one name the last counts, as in JSON libraries.
#[derive(Default)]
pub(crate) struct Object<'a> {
    pub(crate) members: Vec<(Cow<'a, str>, &'a str)>,
}

impl<'a> Object<'a> {
    /// The object that `bytes` are, or `None` when they are anything else.
    pub(crate) fn from_bytes(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes).ok()?;
        let object = Self::at(&mut cursor)?;
        cursor.end().ok()?;
        Some(object)
    }

    /// The object that `text` is.
    pub(crate) fn from_text(text: &'a str) -> Option<Self> {
        Self::at(&mut Cursor::of(text))
    }

    fn at(cursor: &mut Cursor<'a>) -> Option<Self> {
        let mut members = Vec::new();
        cursor
            .members(|cursor, name| {
                members.push((name.lossy(), cursor.raw()?));
                Ok(())
            })
            .ok()?;
        Some(Self { members })
    }

    /// The text of a member that is there and not `null`.
    pub(crate) fn raw(&self, name: &str) -> Option<&'a str> {
        self.members
            .iter()
            .rev()
            .find(|(own, _)| own == name)
            .map(|(_, raw)| *raw)
            .filter(|raw| *raw != "null")
    }

    /// A string member.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        text_of(self.raw(name)?)
    }

    /// A member that is a whole number.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.raw(name)?.parse().ok()
    }

    /// A member that is an object.
    pub(crate) fn object(&self, name: &str) -> Option<Self> {
        Self::from_text(self.raw(name)?)
    }

    /// The elements of a member that is an array.
    pub(crate) fn elements(&self, name: &str) -> Vec<&'a str> {
        self.raw(name).map(elements_of).unwrap_or_default()
    }
}

/// The elements of an array, each as its own text; empty for anything else.
pub(crate) fn elements_of(array: &str) -> Vec<&str> {
    let mut elements = Vec::new();
    let read = Cursor::of(array).elements(|cursor| {
        elements.push(cursor.raw()?);
        Ok(())
    });
    if read.is_err() {
        elements.clear();
    }
    elements
}

/// The string that `raw` is.
pub(crate) fn text_of(raw: &str) -> Option<Cow<'_, str>> {
    let mut cursor = Cursor::of(raw);
    if cursor.kind().ok()? != Kind::String {
        return None;
    }
    Some(cursor.string().ok()?.lossy())
}

/// Writes the members of one object.
pub(crate) struct Writer {
    out: Vec<u8>,
    empty: bool,
}

impl Writer {
    pub(crate) fn new() -> Self {
        Self { out: vec![b'{'], empty: true }
    }

    /// Adds a member whose value is JSON already.
    pub(crate) fn raw(&mut self, name: &str, value: &[u8]) {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        write_string(&mut self.out, name);
        self.out.push(b':');
        self.out.extend_from_slice(value);
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) {
        let mut raw = Vec::with_capacity(value.len() + 2);
        write_string(&mut raw, value);
        self.raw(name, &raw);
    }

    pub(crate) fn number(&mut self, name: &str, value: u64) {
        self.raw(name, value.to_string().as_bytes());
    }

    pub(crate) fn text_or_null(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(text) => self.text(name, text),
            None => self.raw(name, b"null"),
        }
    }

    pub(crate) fn end(mut self) -> Vec<u8> {
        self.out.push(b'}');
        self.out
    }
}

/// Members that replace those of an object, or are added behind them.
pub(crate) type Overrides = Vec<(String, Vec<u8>)>;

/// Sets one override, replacing an earlier one of the same name.
pub(crate) fn set(overrides: &mut Overrides, name: &str, value: impl Into<Vec<u8>>) {
    match overrides.iter_mut().find(|(own, _)| own == name) {
        Some((_, old)) => *old = value.into(),
        None => overrides.push((name.to_owned(), value.into())),
    }
}

/// Writes `object` again with the overrides in place; everything else keeps its own text.
pub(crate) fn write_with(object: &Object<'_>, overrides: &Overrides) -> Vec<u8> {
    let mut writer = Writer::new();
    for (name, raw) in &object.members {
        let replaced = overrides.iter().find(|(own, _)| own == name);
        writer.raw(name, replaced.map_or(raw.as_bytes(), |(_, value)| value));
    }
    for (name, value) in overrides {
        if !object.members.iter().any(|(own, _)| own == name) {
            writer.raw(name, value);
        }
    }
    writer.end()
}

/// Writes an array of values that are JSON already.
pub(crate) fn write_array<T: AsRef<[u8]>>(values: impl IntoIterator<Item = T>) -> Vec<u8> {
    let mut out = vec![b'['];
    for value in values {
        if out.len() > 1 {
            out.push(b',');
        }
        out.extend_from_slice(value.as_ref());
    }
    out.push(b']');
    out
}
