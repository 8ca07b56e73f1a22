//! What is wrong with a configuration, shown where it stands in the file.

use std::fmt;
use std::path::{Path, PathBuf};

/// A place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// From 1.
    pub(crate) line: usize,
    /// From 1, in characters.
    pub(crate) column: usize,
    /// The line as it stands in the file.
    pub(crate) source: String,
    /// How many characters to underline.
    pub(crate) width: usize,
}

impl Place {
    /// The place of the byte range `span` in `text`.
    pub(crate) fn of(text: &str, span: &std::ops::Range<usize>) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let source = text.get(line_start..).unwrap_or_default().lines().next().unwrap_or_default();
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        let marked = text.get(span.clone()).unwrap_or_default();
        let width = marked.lines().next().unwrap_or_default().chars().count().max(1);
        Self { line: before.matches('\n').count() + 1, column, source: without_secrets(source), width }
    }

    /// The place without any quoted value, for values that may be secrets put where none belongs.
    pub(crate) fn masked(mut self) -> Self {
        self.source = mask_quoted(&self.source);
        self
    }
}

/// Masks the values of a line that looks as if it held a secret, so that a key put into the file by mistake is not
/// copied into terminals and logs as well.
fn without_secrets(line: &str) -> String {
    let name = line.split('=').next().unwrap_or_default().trim().to_ascii_lowercase();
    let names_a_secret = ["key", "secret", "token", "password"].iter().any(|word| name.ends_with(word));
    if names_a_secret || line.contains("\"sk-") || line.contains("'sk-") {
        mask_quoted(line)
    } else {
        line.to_owned()
    }
}

/// Replaces every character between quotes, so that columns stay where they are.
fn mask_quoted(line: &str) -> String {
    let mut quote = None;
    line.chars()
        .map(|character| match quote {
            None if character == '"' || character == '\'' => {
                quote = Some(character);
                character
            }
            Some(open) if open == character => {
                quote = None;
                character
            }
            Some(_) => '*',
            None => character,
        })
        .collect()
}

/// One thing that is wrong, with its fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where it stands, when it stands in one place.
    pub(crate) place: Option<Place>,
    /// What is wrong and how to put it right.
    pub(crate) text: String,
}

impl Problem {
    /// A problem that concerns the configuration as a whole.
    pub(crate) fn general(text: impl Into<String>) -> Self {
        Self { place: None, text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(place) = &self.place else { return formatter.write_str(&self.text) };
        writeln!(formatter, "line {}, column {}: {}", place.line, place.column, self.text)?;
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        writeln!(formatter, "{margin} |")?;
        writeln!(formatter, "{number} | {}", place.source)?;
        // A tab before the mark must stay a tab, or the mark stands in the wrong column.
        let indent: String = place
            .source
            .chars()
            .take(place.column - 1)
            .map(|character| if character == '\t' { '\t' } else { ' ' })
            .collect();
        write!(formatter, "{margin} | {indent}{}", "^".repeat(place.width))
    }
}

/// The configuration cannot be used; nothing was started or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) struct ConfigurationError {
    /// Which file.
    pub(crate) path: PathBuf,
    /// Everything found wrong, in the order of the file as far as known.
    pub(crate) problems: Vec<Problem>,
}

impl ConfigurationError {
    /// One problem with `path`.
    pub(crate) fn one(path: &Path, problem: Problem) -> Self {
        Self { path: path.to_owned(), problems: vec![problem] }
    }
}

impl fmt::Display for ConfigurationError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        write!(
            formatter,
            "{}: {count} {noun} in the configuration; nothing was started",
            self.path.display()
        )?;
        self.problems.iter().try_for_each(|problem| write!(formatter, "\n\n{problem}"))
    }
}
