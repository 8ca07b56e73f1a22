//! Conversations to import and to serve: real ones when they lie beside the checkout, else invented ones.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// How many conversations the invented set has.
const INVENTED: usize = 120;

/// A conversation: `(role, text)` in order.
#[derive(Debug, Clone)]
pub(crate) struct Conversation {
    /// Its id in the file.
    pub(crate) id: String,
    /// Its messages.
    pub(crate) messages: Vec<(String, String)>,
}

/// Where the conversations come from.
#[derive(Debug)]
pub(crate) struct Source {
    /// What to call it in reports.
    pub(crate) name: String,
    /// The file: JSON lines, gzip or plain.
    pub(crate) file: PathBuf,
    /// Keeps an invented file while it is used.
    _folder: Option<tempfile::TempDir>,
}

impl Source {
    /// The file that `FIDUCIA_CONVERSATIONS` names, else the one beside the checkout, else an invented one.
    pub(crate) fn find() -> Self {
        if let Some(file) = std::env::var_os("FIDUCIA_CONVERSATIONS").map(PathBuf::from) {
            assert!(file.is_file(), "FIDUCIA_CONVERSATIONS names {}, which is no file", file.display());
            return Self {
                name: "the file that FIDUCIA_CONVERSATIONS names".to_owned(),
                file,
                _folder: None,
            };
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let file = root.join("../shared/data/conversations/hh-harmless.jsonl.gz");
        if file.is_file() {
            return Self { name: "hh-harmless.jsonl.gz".to_owned(), file, _folder: None };
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("invented.jsonl");
        std::fs::write(&file, invented()).unwrap();
        Self { name: "invented conversations".to_owned(), file, _folder: Some(folder) }
    }

    /// Every conversation of the file.
    pub(crate) fn read(&self) -> Vec<Conversation> {
        let file = std::fs::File::open(&self.file).unwrap();
        let plain: Box<dyn Read> = if self.file.extension().is_some_and(|extension| extension == "gz") {
            Box::new(flate2::read::MultiGzDecoder::new(file))
        } else {
            Box::new(file)
        };
        BufReader::new(plain).lines().map(|line| parse(&line.unwrap())).collect()
    }
}

fn parse(line: &str) -> Conversation {
    let value: Value = serde_json::from_str(line).unwrap();
    let text = |value: &Value, name: &str| value[name].as_str().unwrap().to_owned();
    let messages = value["messages"].as_array().unwrap();
    Conversation {
        id: text(&value, "id"),
        messages: messages.iter().map(|message| (text(message, "role"), text(message, "content"))).collect(),
    }
}

/// Invented conversations as JSON lines: of two to six messages, some with letters outside of ASCII, quotes, line
/// breaks and a long text.
fn invented() -> String {
    let topics = ["bread", "tides", "maps", "glaciers", "bicycles", "Bücher", "茶", "🌦 weather"];
    let mut lines = String::new();
    for number in 0..INVENTED {
        let topic = topics[number % topics.len()];
        let mut messages = Vec::new();
        for turn in 0..=(number % 3) {
            let question =
                format!("Question {number}.{turn}: what is \"new\" about {topic}?\nPlease be brief.");
            let answer = format!(
                "Answer {number}.{turn}: about {topic}, nothing. {}",
                "More of it. ".repeat(number % 40)
            );
            messages.push(serde_json::json!({"role": "user", "content": question}));
            messages.push(serde_json::json!({"role": "assistant", "content": answer}));
        }
        let line = serde_json::json!({"id": format!("invented_{number:04}"), "messages": messages});
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    lines
}

/// Up to `count` of `conversations` that a scripted model can serve: they alternate, begin with the user and end with
/// the assistant, no two of them answer the same question differently, and no two begin alike. With them, the script.
pub(crate) fn servable(
    conversations: &[Conversation],
    count: usize,
) -> (Vec<Conversation>, HashMap<String, String>) {
    let mut script: HashMap<String, String> = HashMap::new();
    let mut chosen = Vec::new();
    let mut openings: HashSet<String> = HashSet::new();
    // Spread over the whole file: its neighbours are alike.
    let step = (conversations.len() / (2 * count).max(1)).max(1);
    for conversation in conversations.iter().step_by(step) {
        let turns: Vec<(&String, &String)> = conversation
            .messages
            .chunks(2)
            .filter(|pair| pair.len() == 2 && pair[0].0 == "user" && pair[1].0 == "assistant")
            .map(|pair| (&pair[0].1, &pair[1].1))
            .collect();
        let whole = turns.len() * 2 == conversation.messages.len() && !turns.is_empty();
        let plain = turns.iter().all(|(question, answer)| {
            // Words that make the scripted model do something else than answer.
            let is_order = ["refusal", "error:", "break-mid-stream", "use the tool"];
            let is_text =
                |text: &str| !text.trim().is_empty() && !is_order.iter().any(|word| text.contains(word));
            is_text(question) && is_text(answer)
        });
        let begins_anew = turns.first().is_some_and(|(question, _)| !openings.contains(*question));
        let mut extended = script.clone();
        let agrees = turns.iter().all(|(question, answer)| {
            extended.insert((*question).clone(), (*answer).clone()).is_none_or(|earlier| &earlier == *answer)
        });
        if whole && plain && agrees && begins_anew && chosen.len() < count {
            openings.extend(turns.first().map(|(question, _)| (*question).clone()));
            script = extended;
            chosen.push(conversation.clone());
        }
    }
    (chosen, script)
}
