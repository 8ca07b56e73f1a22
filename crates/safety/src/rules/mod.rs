//! Exact rules: orders of words that hardly anybody writes without meaning them.
//!
//! They lie in a file of their own format, `rules.txt`, each with texts that it must find and look-alikes that it must pass; see
//! `file`. All rules are matched in one pass over the words of a folded text, in time linear in its length and memory that does not grow with it.

mod file;
mod matching;
#[cfg(test)]
mod tests;

use fiducia_policy::Provenance;

use crate::normal::{View, views};
use crate::{Detector, Finding};

pub use file::{Rule, RuleFileError};
use matching::Matcher;

/// The rules that the program is built with.
const SHIPPED: &str = include_str!("rules.txt");

/// Finds what exact rules name.
#[derive(Debug, Clone)]
pub struct RuleDetector {
    rules: Vec<Rule>,
    matcher: Matcher,
}

impl RuleDetector {
    /// The rules that the program is built with.
    ///
    /// # Errors
    /// When it was built with another file than it should have been.
    pub fn shipped() -> Result<Self, RuleFileError> {
        Self::of(SHIPPED)
    }

    /// The rules of a file's text.
    ///
    /// # Errors
    /// Names the first line that is no part of a rule.
    pub fn of(text: &str) -> Result<Self, RuleFileError> {
        let rules = file::read(text)?;
        let matcher = Matcher::new(&rules);
        Ok(Self { rules, matcher })
    }

    /// Every rule, in the order of the file.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rules that match in views that were made before, with their places in the original.
    pub fn matches<'rules>(
        &'rules self,
        views: &[View],
        provenance: Provenance,
    ) -> Vec<(&'rules Rule, crate::Span)> {
        let mut found = Vec::new();
        for view in views {
            self.matcher.run(view.text(), |rule, span| {
                let asked = self.rules.get(rule).filter(|rule| rule.asked_of.contains(&provenance));
                found.extend(asked.map(|rule| (rule, view.original(span))));
            });
        }
        found
    }

    /// What is found in views that were made before, one finding for each category.
    pub fn find(&self, views: &[View], provenance: Provenance) -> Vec<Finding> {
        let mut found: Vec<Finding> = Vec::new();
        for (rule, span) in self.matches(views, provenance) {
            let score = rule.score(provenance);
            match found.iter_mut().find(|known| known.category == rule.category) {
                Some(known) => {
                    known.score = known.score.or_more(score);
                    known.spans.push(span);
                }
                None => found.push(Finding { category: rule.category, score, spans: vec![span] }),
            }
        }
        for finding in &mut found {
            finding.spans = joined(std::mem::take(&mut finding.spans));
        }
        found
    }
}

impl Detector for RuleDetector {
    fn detect(&self, text: &str, provenance: Provenance) -> Vec<Finding> {
        self.find(&views(text), provenance)
    }
}

/// Places in order, those that overlap as one.
fn joined(mut spans: Vec<crate::Span>) -> Vec<crate::Span> {
    spans.sort_unstable();
    let mut joined: Vec<crate::Span> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => joined.push(span),
        }
    }
    joined
}
