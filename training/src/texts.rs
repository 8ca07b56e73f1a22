//! Reading labelled texts.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use fiducia_safety::evaluation::heads_of_label;
use fiducia_safety::linear::{HEADS, Head};
use flate2::read::MultiGzDecoder;

use crate::failure::Failure;
use crate::sources::Source;

/// What a text is for one head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Truth {
    Positive,
    Negative,
    Unknown,
}

/// A text with what is known about it.
#[derive(Debug, Clone)]
pub(crate) struct Example {
    pub(crate) text: String,
    pub(crate) source: String,
    pub(crate) truths: [Truth; HEADS],
    /// Texts of one group are alike, and stay on one side of every split.
    pub(crate) group: u64,
}

impl Example {
    pub(crate) fn truth(&self, head: Head) -> Truth {
        self.truths.get(head as usize).copied().unwrap_or(Truth::Unknown)
    }

    pub(crate) fn set(&mut self, head: Head, truth: Truth) {
        if let Some(known) = self.truths.get_mut(head as usize) {
            *known = truth;
        }
    }
}

/// A line of a data file. Fields that no source is read by are passed over.
#[derive(serde::Deserialize)]
pub(crate) struct Line {
    pub(crate) text: String,
    #[serde(default)]
    pub(crate) labels: Vec<String>,
    #[serde(alias = "cat", default)]
    pub(crate) kind: Option<String>,
}

/// Every line of `folder/NAME.jsonl.gz`.
pub(crate) fn lines(folder: &Path, name: &str) -> Result<Vec<Line>, Failure> {
    let path = folder.join(format!("{name}.jsonl.gz"));
    let fail = |source| Failure::File { action: "reading", path: path.clone(), source };
    let reader = BufReader::new(MultiGzDecoder::new(File::open(&path).map_err(fail)?));
    let mut all = Vec::new();
    for (index, line) in reader.lines().enumerate() {
        let line = line.map_err(fail)?;
        let read = serde_json::from_str(&line).map_err(|error| Failure::Line {
            path: path.clone(),
            line: index + 1,
            reason: error.to_string(),
        })?;
        all.push(read);
    }
    Ok(all)
}

/// The texts of a source, with what its labels say about each head.
pub(crate) fn of_source(folder: &Path, source: &Source) -> Result<Vec<Example>, Failure> {
    let mut examples = Vec::new();
    for line in lines(folder, &source.name)? {
        let benign = line.labels.is_empty();
        if !benign && source.positives.is_empty() {
            continue;
        }
        let mut example = Example {
            text: line.text,
            source: source.name.clone(),
            truths: [Truth::Unknown; HEADS],
            group: 0,
        };
        for head in source.negatives.iter().chain(if benign { source.benign.as_slice() } else { &[] }) {
            example.set(*head, Truth::Negative);
        }
        for head in positives(source, &line.labels, line.kind.as_deref()) {
            example.set(head, Truth::Positive);
        }
        examples.push(example);
    }
    Ok(examples)
}

fn positives(source: &Source, labels: &[String], kind: Option<&str>) -> Vec<Head> {
    let given = labels.iter().map(|label| source.relabel.get(label).unwrap_or(label));
    let by_kind =
        source.relabel_kind.iter().filter(|(part, _)| kind.is_some_and(|kind| kind.contains(part.as_str())));
    let all = given.chain(by_kind.map(|(_, label)| label)).flat_map(|label| heads_of_label(label));
    all.filter(|head| source.positives.contains(head)).collect()
}

/// The texts of a set that is only looked at: its labels as they are, texts without any as benign for every head.
pub(crate) fn for_looking(folder: &Path, name: &str) -> Result<Vec<Example>, Failure> {
    let read = |line: Line| {
        let truth = if line.labels.is_empty() { Truth::Negative } else { Truth::Unknown };
        let mut example =
            Example { text: line.text, source: name.to_owned(), truths: [truth; HEADS], group: 0 };
        for head in line.labels.iter().flat_map(|label| heads_of_label(label)) {
            example.set(head, Truth::Positive);
        }
        example
    };
    Ok(lines(folder, name)?.into_iter().map(read).collect())
}
