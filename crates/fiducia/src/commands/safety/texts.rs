//! Reading labelled texts and asking the detectors about each. A text is forgotten as soon as it is scored.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fiducia_policy::Provenance;
use fiducia_safety::Cascade;
use fiducia_safety::evaluation::{Scored, Sorted, heads_of_label};
use fiducia_safety::linear::{HEADS, Head};
use flate2::read::MultiGzDecoder;

use crate::failure::Failure;

/// A longer line is no text of anybody.
const LINE_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// After so many lines that cannot be read, the file is something else.
const REJECTED_MAX: usize = 20;

/// A line of a file.
#[derive(serde::Deserialize)]
struct Line {
    text: String,
    #[serde(default)]
    labels: Vec<String>,
}

/// What was said about one text.
pub(super) struct One {
    pub(super) scores: [f32; HEADS],
    /// For each head whether the text is positive, negative, or neither is known.
    truths: [Option<bool>; HEADS],
    pub(super) without_labels: bool,
    pub(super) bytes: usize,
    pub(super) took: Duration,
}

/// All texts of all files.
#[derive(Default)]
pub(super) struct Judged {
    pub(super) texts: Vec<One>,
    /// Lines that could not be read, in words.
    pub(super) rejected: Vec<String>,
    pub(super) provenance: Option<Provenance>,
}

impl Judged {
    /// The texts about which the truth is known for `head`.
    pub(super) fn sorted(&self, head: Head) -> Sorted {
        let row = |one: &One| {
            let positive = one.truths.get(head as usize).copied().flatten()?;
            Some(Scored { score: one.scores.get(head as usize).copied().unwrap_or(0.0), positive })
        };
        Sorted::new(self.texts.iter().filter_map(row).collect())
    }
}

/// Asks `cascade` about every text of the files.
pub(super) fn judged(
    cascade: &Cascade,
    files: &[PathBuf],
    provenance: Provenance,
) -> Result<Judged, Failure> {
    let mut all = Judged { provenance: Some(provenance), ..Judged::default() };
    for path in files {
        let before = all.texts.len();
        read(cascade, path, provenance, &mut all)?;
        complete(all.texts.get_mut(before..).unwrap_or_default());
    }
    if all.texts.is_empty() {
        return Err(Failure::Argument("there is no text to measure with in these files".to_owned()));
    }
    Ok(all)
}

fn read(cascade: &Cascade, path: &Path, provenance: Provenance, all: &mut Judged) -> Result<(), Failure> {
    let failed = |cause| Failure::File { doing: "read", path: path.to_owned(), cause };
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let packed = file.fill_buf().map_err(failed)?.starts_with(&[0x1F, 0x8B]);
    let mut reader: Box<dyn BufRead> =
        if packed { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) };
    for number in 1.. {
        let mut line = Vec::new();
        let length = reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line).map_err(failed)?;
        if length == 0 {
            break;
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice::<Line>(&line) {
            Ok(line) => all.texts.push(judge(cascade, &line, provenance)),
            Err(error) => {
                let reason =
                    format!("{} line {number} is no labelled text and was left out: {error}", path.display());
                all.rejected.push(crate::output::escape_line(&reason));
                if all.rejected.len() >= REJECTED_MAX {
                    let path = path.display();
                    return Err(Failure::Argument(format!(
                        "{path} is no file of labelled texts; nothing was measured"
                    )));
                }
            }
        }
    }
    Ok(())
}

fn judge(cascade: &Cascade, line: &Line, provenance: Provenance) -> One {
    let began = Instant::now();
    let scores = cascade.scores(&line.text, provenance);
    let took = began.elapsed();
    let mut truths = [None; HEADS];
    for head in line.labels.iter().flat_map(|label| heads_of_label(label)) {
        if let Some(truth) = truths.get_mut(head as usize) {
            *truth = Some(true);
        }
    }
    let scores = scores.map(fiducia_policy::Score::value);
    One { scores, truths, without_labels: line.labels.is_empty(), bytes: line.text.len(), took }
}

/// Texts of a file without labels are negatives of the heads that its labels are about; of every head when it has none.
fn complete(texts: &mut [One]) {
    let mut labelled = [false; HEADS];
    for one in &*texts {
        for (known, truth) in labelled.iter_mut().zip(one.truths) {
            *known |= truth == Some(true);
        }
    }
    let benign = texts.iter().all(|one| one.without_labels);
    for one in texts.iter_mut().filter(|one| one.without_labels) {
        for (truth, labelled) in one.truths.iter_mut().zip(labelled) {
            *truth = (labelled || benign).then_some(false);
        }
    }
}
