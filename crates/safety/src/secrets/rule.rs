//! One rule, and trying it at a place.

use std::sync::OnceLock;

use fiducia_policy::Score;
use regex::Regex;

use super::check::Check;
use super::{SecretItem, plain};
use crate::Span;

/// What a rule's key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The secret begins with it.
    Token,
    /// It is the name to which the secret is assigned.
    Assigned,
}

/// How one kind of secret is recognised.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: &'static str,
    /// What it is, for people.
    pub(super) says: &'static str,
    pub(super) key: &'static str,
    pub(super) kind: Kind,
    pub(super) form: &'static str,
    /// The least entropy of the secret in bits for each character.
    pub(super) entropy: f32,
    pub(super) check: Option<Check>,
    /// A text with the secret, as `docs/secrets.md` describes. A test fills it in and looks.
    #[cfg_attr(not(test), expect(dead_code, reason = "examples are for tests"))]
    pub(super) yes: &'static str,
    /// A text that looks alike and holds none.
    #[cfg_attr(not(test), expect(dead_code, reason = "examples are for tests"))]
    pub(super) no: &'static str,
    /// The regular expression, once it was needed; `None` in it when it cannot be made, which a test would find.
    pub(super) regex: OnceLock<Option<Regex>>,
}

/// What may stand between a name and what is assigned to it.
const ASSIGNMENT: &str = r#"[0-9A-Za-z_.\-]{0,24}["'`\])]{0,3}[ \t]{0,4}(?::=|=>|==?|:|,[ \t]{0,2}["'`]|(?-u:\b)(?:is|lautet|es|est)(?-u:\b))[ \t]{0,4}["'`(\[]{0,3}"#;

/// The bytes that rules for private keys and signed tokens read.
pub(super) const LONG_WINDOW_BYTES: usize = 17_000;

/// The bytes that other rules read.
const SHORT_WINDOW_BYTES: usize = 1_200;

impl Rule {
    /// Makes the regular expression: anchored, with the secret as the group 1.
    pub(super) fn make(&self) -> Result<Regex, regex::Error> {
        let pattern = match self.kind {
            Kind::Token => format!("^({})", self.form),
            Kind::Assigned => format!("^(?i:{}{ASSIGNMENT})({})", regex::escape(self.key), self.form),
        };
        regex::RegexBuilder::new(&pattern).size_limit(8 << 20).dfa_size_limit(1 << 20).build()
    }

    /// How many bytes from its key on the rule reads at most.
    pub(super) fn window_bytes(&self) -> usize {
        let is_long = self.form.contains("PRIVATE") || self.form.contains("PuTTY") || self.key == "eyJ";
        if is_long { LONG_WINDOW_BYTES } else { SHORT_WINDOW_BYTES }
    }

    /// The secret whose key begins at `start` of `text`.
    pub(super) fn try_at(&self, text: &str, start: usize) -> Option<SecretItem> {
        let before = text.get(..start).and_then(|before| before.chars().next_back());
        // The name of something assigned may be the end of a longer one, as in DB_PASSWORD and dbPassword.
        let is_inside = self.kind == Kind::Token
            && before.is_some_and(|before| {
                before.is_alphanumeric()
                    || before == '_' && self.key.starts_with(|first: char| first.is_alphanumeric())
            });
        let window = window(text, start, self.window_bytes());
        if is_inside || self.kind == Kind::Token && !window.starts_with(self.key) {
            return None;
        }
        let captures = self.regex.get_or_init(|| self.make().ok()).as_ref()?.captures(window)?;
        let secret = captures.get(1)?.range();
        self.judge(text, start + secret.start, start + secret.end)
    }

    /// Whether the bytes from `start` to `end` are a secret, and how surely.
    fn judge(&self, text: &str, start: usize, end: usize) -> Option<SecretItem> {
        let secret = text.get(start..end)?;
        let goes_on =
            text.get(end..)?.chars().next().is_some_and(|next| next.is_ascii_alphanumeric() || next == '_')
                && secret.ends_with(|last: char| last.is_ascii_alphanumeric());
        let body =
            if self.kind == Kind::Token { secret.strip_prefix(self.key).unwrap_or(secret) } else { secret };
        if goes_on || plain::is_placeholder(body) || entropy(body) < self.entropy {
            return None;
        }
        let by_form: f32 = match (self.kind, self.name.starts_with("generic-")) {
            (Kind::Token, _) => 0.97,
            (Kind::Assigned, false) => 0.85,
            (Kind::Assigned, true) => {
                // Behind a name like password anything may stand; words of a sentence do.
                let is_word = secret
                    .trim_end_matches(|mark: char| mark.is_ascii_punctuation())
                    .chars()
                    .all(|letter| letter.is_alphabetic() && !letter.is_uppercase());
                if is_word || plain::is_code(secret) {
                    return None;
                }
                0.65
            }
        };
        let score = match self.check {
            None => by_form,
            Some(check) => check.score(secret, by_form)?,
        };
        Some(SecretItem {
            rule: self.name,
            span: Span { start, end },
            score: Score::try_from(score).unwrap_or(Score::NONE),
        })
    }
}

/// The text from `start` on, at most so many bytes, to a boundary of characters.
fn window(text: &str, start: usize, bytes: usize) -> &str {
    let mut end = start.saturating_add(bytes).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(start..end).unwrap_or_default()
}

/// Bits for each character, by how often each one stands in `text`.
pub(super) fn entropy(text: &str) -> f32 {
    let mut counts = [0_u16; 256];
    for byte in text.bytes() {
        if let Some(count) = counts.get_mut(usize::from(byte)) {
            *count = count.saturating_add(1);
        }
    }
    let length = f32::from(u16::try_from(text.len()).unwrap_or(u16::MAX));
    let terms = counts.iter().filter(|count| **count > 0).map(|count| {
        let share = f32::from(*count) / length;
        -share * share.log2()
    });
    terms.sum()
}
