//! Reading files of rules.

use std::sync::OnceLock;

use super::check::Check;
use super::rule::{Kind, Rule};

/// What is wrong with a file of rules. Nothing of it is used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleFileError {
    /// A line begins with a word that the format does not know, or has nothing behind it.
    #[error(
        "line {line}: this is no line of a rule; a rule has says, key or name, form, entropy, check, yes and no"
    )]
    Line {
        /// The line, from 1.
        line: usize,
    },
    /// A rule lacks a line, or has one twice.
    #[error("the rule {rule} lacks one of says, key or name, form, yes and no, or has one twice")]
    Incomplete {
        /// The rule's name.
        rule: String,
    },
}

/// The lines of one rule.
#[derive(Debug, Default)]
struct Lines {
    name: &'static str,
    says: Option<&'static str>,
    key: Option<(Kind, &'static str)>,
    form: Option<&'static str>,
    entropy: f32,
    check: Option<Check>,
    yes: Option<&'static str>,
    no: Option<&'static str>,
    is_double: bool,
}

impl Lines {
    fn rule(self) -> Result<Rule, RuleFileError> {
        let whole = (self.says, self.key, self.form, self.yes, self.no);
        let (Some(says), Some((kind, key)), Some(form), Some(yes), Some(no), false) =
            (whole.0, whole.1, whole.2, whole.3, whole.4, self.is_double)
        else {
            return Err(RuleFileError::Incomplete { rule: self.name.to_owned() });
        };
        let Self { name, entropy, check, .. } = self;
        Ok(Rule { name, says, key, kind, form, entropy, check, yes, no, regex: OnceLock::new() })
    }

    fn set(&mut self, word: &str, rest: &'static str) -> Option<()> {
        let is_double = match word {
            "says" => self.says.replace(rest).is_some(),
            "key" => self.key.replace((Kind::Token, unquoted(rest))).is_some(),
            "name" => self.key.replace((Kind::Assigned, unquoted(rest))).is_some(),
            "form" => self.form.replace(rest).is_some(),
            "entropy" => {
                self.entropy = rest.parse().ok()?;
                false
            }
            "check" => self.check.replace(Check::of_name(rest)?).is_some(),
            "yes" => self.yes.replace(rest).is_some(),
            "no" => self.no.replace(rest).is_some(),
            _ => return None,
        };
        self.is_double |= is_double;
        Some(())
    }
}

/// A key that ends in a space stands in quotes.
fn unquoted(text: &'static str) -> &'static str {
    text.strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .filter(|inner| inner.ends_with(' '))
        .unwrap_or(text)
}

/// The rules of `file`.
///
/// # Errors
/// [`RuleFileError`] with the place.
pub(super) fn read(file: &'static str) -> Result<Vec<Rule>, RuleFileError> {
    let mut rules = Vec::new();
    let mut current: Option<Lines> = None;
    for (index, line) in file.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = RuleFileError::Line { line: index + 1 };
        let (word, rest) = line.split_once(' ').ok_or(wrong.clone())?;
        if word == "rule" {
            if let Some(done) = current.replace(Lines { name: rest, ..Lines::default() }) {
                rules.push(done.rule()?);
            }
        } else {
            current.as_mut().and_then(|lines| lines.set(word, rest)).ok_or(wrong)?;
        }
    }
    if let Some(done) = current {
        rules.push(done.rule()?);
    }
    Ok(rules)
}
