//! The invented conversations of the demo.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::Deserialize;

const TEXT: &str = include_str!("../../../samples/conversations.toml");

/// A question that the scripted model answers, for the printed examples. It stands in the script below.
pub(super) const QUESTION: &str = "What does Fiducia keep of this?";

const ANSWER: &str = "This request and this answer, sealed with a key of their own. The ledger has an entry that they \
     exist, not what they say. Whoever reads them must give a reason first, and when you delete them the key is \
     destroyed.";

/// The samples could not be used. They are part of the program, so this is a mistake in it.
#[derive(Debug, thiserror::Error)]
#[error("the demo's own samples cannot be read: {0}")]
pub(crate) struct SamplesUnreadable(String);

/// The samples: scripts with places for words.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Samples {
    words: BTreeMap<String, Vec<String>>,
    scripts: Vec<Script>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    person: String,
    /// What is asked and what is answered.
    turns: Vec<(String, String)>,
}

impl Samples {
    /// Reads the samples that are part of the program.
    ///
    /// # Errors
    /// When they are no samples.
    pub(super) fn read() -> Result<Self, SamplesUnreadable> {
        toml::from_str(TEXT).map_err(|error| SamplesUnreadable(error.message().to_owned()))
    }

    /// The people who have conversations, in the order in which they first appear.
    pub(super) fn people(&self) -> Vec<&str> {
        let mut people: Vec<&str> = Vec::new();
        for script in &self.scripts {
            if !people.contains(&script.person.as_str()) {
                people.push(&script.person);
            }
        }
        people
    }

    /// The turns of conversation `number` of `person`, words filled in. The same number gives the same conversation.
    fn conversation(&self, person: &str, number: usize) -> Vec<(String, String)> {
        let own: Vec<&Script> = self.scripts.iter().filter(|script| script.person == person).collect();
        let script = own.get(number % own.len().max(1));
        let turns = script.map(|script| script.turns.as_slice()).unwrap_or_default();
        turns
            .iter()
            .map(|(asked, answered)| (self.fill(asked, number), self.fill(answered, number)))
            .collect()
    }

    fn fill(&self, text: &str, number: usize) -> String {
        let numbered = text.replace("{number}", &(1_000 + number).to_string());
        self.words.iter().fold(numbered, |text, (name, words)| {
            let word = words.get(number % words.len().max(1)).map_or("", String::as_str);
            text.replace(&format!("{{{name}}}"), word)
        })
    }

    /// Writes `count` conversations of `person` as JSON lines.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&self, person: &str, count: usize, path: &Path) -> std::io::Result<()> {
        let mut file = BufWriter::new(std::fs::File::create(path)?);
        for number in 0..count {
            let mut messages = Vec::new();
            for (asked, answered) in self.conversation(person, number) {
                messages.push(serde_json::json!({ "role": "user", "content": asked }));
                messages.push(serde_json::json!({ "role": "assistant", "content": answered }));
            }
            let line = serde_json::json!({ "id": format!("{person}-{number}"), "messages": messages });
            serde_json::to_writer(&mut file, &line)?;
            file.write_all(b"\n")?;
        }
        file.flush()
    }

    /// What the scripted model says to which question.
    pub(super) fn script(&self, count: usize) -> HashMap<String, String> {
        let mut script = HashMap::from([(QUESTION.to_owned(), ANSWER.to_owned())]);
        for person in self.people() {
            (0..count).for_each(|number| script.extend(self.conversation(person, number)));
        }
        script
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_for_a_word_is_filled() {
        let samples = Samples::read().unwrap();
        assert_eq!(samples.people(), ["support-desk", "analyst", "student"]);
        for person in samples.people() {
            for number in 0..50 {
                for (asked, answered) in samples.conversation(person, number) {
                    assert!(!asked.contains('{') && !answered.contains('{'), "{asked} {answered}");
                }
            }
        }
    }

    #[test]
    fn conversations_differ_and_come_again_the_same() {
        let samples = Samples::read().unwrap();
        assert_ne!(samples.conversation("analyst", 0), samples.conversation("analyst", 3));
        assert_eq!(samples.conversation("analyst", 7), samples.conversation("analyst", 7));
    }

    #[test]
    fn the_file_has_one_line_for_each_conversation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("samples.jsonl");
        Samples::read().unwrap().write("student", 12, &path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 12);
        for line in text.lines() {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(value["messages"][0]["role"], "user");
        }
    }

    #[test]
    fn the_printed_question_is_in_the_script() {
        assert!(Samples::read().unwrap().script(3).contains_key(QUESTION));
    }
}
