//! The format of rule files.
//!
//! A rule begins with `rule NAME` and has, each on a line of its own:
//!
//! - `category NAME`, what it finds;
//! - `score 0.97`, and `score-in-data 1` where instructions are nobody's to give;
//! - `asked-of person document …`, the provenances; without it, what a person wrote, tools answered and documents say;
//! - one or more `words`: words that follow each other, `{one of these}`, and `..3` for up to three words between;
//! - `unless 6 {these words}`: none of them may stand among so many words before, or between the words themselves;
//! - `finds TEXT` and `passes TEXT`, which the tests hold it to.
//!
//! Words are folded as texts are. Lines that begin with `#` are comments.

use fiducia_policy::{Provenance, SafetyCategory, Score};

use super::matching::words;
use crate::normal::views;

/// More words between two others are no phrase any more.
const GAP_MAX: usize = 12;

/// One rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its stable name, for findings that are explained.
    pub name: String,
    /// What it finds.
    pub category: SafetyCategory,
    /// Of which texts it is asked.
    pub asked_of: Vec<Provenance>,
    /// Texts that it must find.
    pub finds: Vec<String>,
    /// Texts that it must pass.
    pub passes: Vec<String>,
    pub(super) patterns: Vec<Vec<Step>>,
    pub(super) unless: Vec<String>,
    pub(super) unless_within: usize,
    score: Score,
    score_in_data: Option<Score>,
}

/// Words of which one comes next, after up to `gap` others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) words: Vec<String>,
    pub(super) gap: usize,
}

/// A line that is no part of a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of the rules: {reason}")]
pub struct RuleFileError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl Rule {
    /// How sure it is about a text of this provenance.
    pub fn score(&self, provenance: Provenance) -> Score {
        self.score_in_data.filter(|_| provenance.is_data()).unwrap_or(self.score)
    }

    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            category: SafetyCategory::GeneralHarm,
            asked_of: vec![Provenance::Person, Provenance::ToolResult, Provenance::Document],
            finds: Vec::new(),
            passes: Vec::new(),
            patterns: Vec::new(),
            unless: Vec::new(),
            unless_within: 0,
            score: Score::NONE,
            score_in_data: None,
        }
    }
}

/// Reads every rule.
pub(super) fn read(text: &str) -> Result<Vec<Rule>, RuleFileError> {
    let mut rules: Vec<Rule> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let wrong = |reason: String| RuleFileError { line: index + 1, reason };
        if word == "rule" {
            if rules.iter().any(|rule| rule.name == rest) {
                return Err(wrong(format!("`{rest}` is there twice")));
            }
            rules.push(Rule::new(rest));
            continue;
        }
        let rule = rules.last_mut().ok_or_else(|| wrong("a rule begins with `rule`".to_owned()))?;
        read_line(rule, word, rest).map_err(wrong)?;
    }
    match rules
        .iter()
        .find(|rule| rule.patterns.is_empty() || rule.score == Score::NONE || rule.finds.is_empty())
    {
        Some(rule) => Err(RuleFileError {
            line: text.lines().count(),
            reason: format!("`{}` lacks words, a score or a text that it finds", rule.name),
        }),
        None => Ok(rules),
    }
}

fn read_line(rule: &mut Rule, word: &str, rest: &str) -> Result<(), String> {
    let score = || {
        let number: f32 = rest.parse().map_err(|_| format!("`{rest}` is no number"))?;
        Score::try_from(number).map_err(|error| error.to_string())
    };
    match word {
        "category" => rule.category = rest.parse().map_err(|error| format!("{error}"))?,
        "score" => rule.score = score()?,
        "score-in-data" => rule.score_in_data = Some(score()?),
        "asked-of" => {
            let named = rest.split(' ').map(|name| name.parse().map_err(|error| format!("{error}")));
            rule.asked_of = named.collect::<Result<_, String>>()?;
        }
        "words" => rule.patterns.push(pattern(rest)?),
        "unless" => {
            let (within, words) = rest.split_once(' ').ok_or("`unless` needs a number and words")?;
            rule.unless_within = within.parse().map_err(|_| format!("`{within}` is no number"))?;
            rule.unless = set(words)?;
        }
        "finds" => rule.finds.push(rest.to_owned()),
        "passes" => rule.passes.push(rest.to_owned()),
        other => return Err(format!("there is no `{other}` in a rule")),
    }
    Ok(())
}

fn pattern(text: &str) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> = Vec::new();
    let mut gap = 0;
    let mut rest = text.trim();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("..") {
            let (number, after) = after.split_once(' ').ok_or("a gap needs a word after it")?;
            gap = number.parse().ok().filter(|gap| *gap <= GAP_MAX).ok_or(format!("`{number}` is no gap"))?;
            rest = after.trim_start();
            continue;
        }
        let end = if rest.starts_with('{') { rest.find('}').map(|end| end + 1) } else { None };
        let end = end.or_else(|| rest.find(' ')).unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(end).ok_or("no word")?;
        let words = set(word)?;
        // A single word in a script without spaces is several.
        let alone = words.len() > 1 && !word.starts_with('{');
        let parts: Vec<Vec<String>> =
            if alone { words.into_iter().map(|word| vec![word]).collect() } else { vec![words] };
        for words in parts {
            steps.push(Step { words, gap });
            gap = 0;
        }
        rest = after.trim_start();
    }
    if steps.len() < 2 { Err("a rule needs two words or more".to_owned()) } else { Ok(steps) }
}

/// The words between braces, folded.
fn set(text: &str) -> Result<Vec<String>, String> {
    let inner = text.trim().trim_start_matches('{').trim_end_matches('}');
    let views = views(inner);
    let folded = views.first().map_or("", |view| view.text());
    let all: Vec<String> = words(folded).map(|(_, word)| word.to_owned()).collect();
    if all.is_empty() { Err(format!("`{text}` holds no word")) } else { Ok(all) }
}
