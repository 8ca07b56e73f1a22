//! `/evidence/log/{index}`: one entry with its proof, and `/evidence/log/consistency`: that one size of the log extends another.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use fiducia_custody::{
    Consistency, EntryProofShown, EvidenceCommand, EvidenceReply, ShownCheckpoint, SignatureKind,
};
use fiducia_ledger::LeafRange;
use http::StatusCode;

use super::log::{name, shape};
use super::{EVIDENCE, Reach, ask, short, staff, text_or_name};
use crate::console::Console;
use crate::console::centre::attachment;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::{Member, Shared, Visitor};
use crate::drawing::{Drawing, Part, Rung, ladder, parts};

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/evidence/log/{index}", get(show))
        .route("/evidence/log/{index}/file", get(file))
        .route("/evidence/log/consistency", get(compare))
        .route("/evidence/log/consistency/file", get(consistency_file))
}

/// A signature in words.
struct Signature {
    name: String,
    kind: &'static str,
    /// By which algorithm, where the key is known.
    algorithm: Option<String>,
    at: Option<String>,
}

fn signatures(frame: &Frame, checkpoint: &ShownCheckpoint) -> Vec<Signature> {
    let said = |signature: &fiducia_custody::NamedSignature| Signature {
        name: signature.name.clone(),
        kind: match signature.kind {
            SignatureKind::Log => "log",
            SignatureKind::Witness => "witness",
            SignatureKind::Unknown => "unknown",
        },
        algorithm: signature.algorithm.clone(),
        at: signature.at.map(|at| frame.instant(&at)),
    };
    checkpoint.signatures.iter().map(said).collect()
}

/// A range of entries in words.
fn range(frame: &Frame, range: LeafRange) -> String {
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    if range.count() == 1 {
        return frame.text_counting("evidence-entry-one", "index", number(range.start));
    }
    frame.language.text_with(
        "evidence-entries-range",
        &[("first", number(range.start).into()), ("last", number(range.last()).into())],
    )
}

/// A row of the table beside the drawing.
struct Row {
    of: String,
    hash: String,
    side: &'static str,
    joined: String,
    joined_hash: String,
}

#[derive(Template)]
#[template(path = "console/evidence_entry.html")]
struct EntryPage<'a> {
    frame: &'a Frame,
    reach: Reach,
    shown: &'a EntryProofShown,
    name: String,
    shape: &'static str,
    at: Option<(String, String)>,
    fields: Vec<(String, &'a str)>,
    rows: Vec<Row>,
    drawing: Drawing,
    signatures: Vec<Signature>,
    bytes: Vec<&'a str>,
    /// Where the proof lies, for the page's script.
    file: String,
    key: &'a str,
}

async fn entry(console: &Console, visitor: &Visitor, index: &str) -> Result<EntryProofShown, Refusal> {
    let staff = staff(visitor)?;
    let index = index.parse().map_err(|_| Refusal::NotFound)?;
    let command = EvidenceCommand::Entry { organization: staff.organization(), index };
    match ask(console, &staff, command).await? {
        EvidenceReply::Entry(shown) => Ok(*shown),
        _ => Err(Refusal::Unavailable),
    }
}

async fn show(
    State(console): Shared,
    Path(index): Path<String>,
    member: Member,
) -> Result<Response, Refusal> {
    let shown = entry(&console, &member.visitor, &index).await?;
    let mut frame = Frame::new(&console, &member.visitor, EVIDENCE.path);
    frame.path = format!("/evidence/log/{}", shown.row.index);
    let page = EntryPage {
        reach: Reach::of(&staff(&member.visitor)?),
        name: name(&frame, &shown.row),
        shape: shape(shown.row.shape),
        at: shown.row.at.map(|at| (frame.machine_instant(&at), frame.instant(&at))),
        fields: shown
            .row
            .fields
            .iter()
            .map(|(name, value)| (text_or_name(&frame, "evidence-field", name), value.as_str()))
            .collect(),
        rows: rows(&frame, &shown),
        drawing: proof_drawing(&frame, &shown),
        signatures: signatures(&frame, &shown.checkpoint),
        bytes: lines_of(&shown.bytes),
        file: format!("{}/file", frame.path),
        key: &shown.verifier_key,
        shown: &shown,
        frame: &frame,
    };
    Ok(frame.show(StatusCode::OK, &page))
}

/// Hexadecimal digits in lines of 32 bytes.
fn lines_of(digits: &str) -> Vec<&str> {
    const DIGITS: usize = 64;
    (0..digits.len())
        .step_by(DIGITS)
        .filter_map(|at| digits.get(at..(at + DIGITS).min(digits.len())))
        .collect()
}

fn rows(frame: &Frame, shown: &EntryProofShown) -> Vec<Row> {
    let row = |step: &fiducia_custody::ShownStep| Row {
        of: range(frame, step.sibling),
        hash: step.sibling_hash.clone(),
        side: if step.sibling_is_left { "left" } else { "right" },
        joined: range(frame, step.joined),
        joined_hash: step.joined_hash.clone(),
    };
    shown.steps.iter().map(row).collect()
}

fn proof_drawing(frame: &Frame, shown: &EntryProofShown) -> Drawing {
    let leaf = LeafRange { start: shown.row.index, end: shown.row.index + 1 };
    let mut known = (range(frame, leaf), short(&shown.row.leaf_hash));
    let mut rungs = Vec::with_capacity(shown.steps.len());
    for step in &shown.steps {
        let joined = (range(frame, step.joined), short(&step.joined_hash));
        rungs.push(Rung {
            known: std::mem::replace(&mut known, joined),
            sibling: (range(frame, step.sibling), short(&step.sibling_hash)),
            sibling_is_left: step.sibling_is_left,
        });
    }
    let description = frame.text_number("evidence-proof-drawn", "steps", shown.steps.len());
    let root = (frame.text("evidence-root"), short(&shown.checkpoint.root));
    ladder(("proof", frame.text("evidence-proof"), description), &rungs, &root)
}

async fn file(
    State(console): Shared,
    Path(index): Path<String>,
    member: Member,
) -> Result<Response, Refusal> {
    let shown = entry(&console, &member.visitor, &index).await?;
    attachment(&format!("{}.tlog-proof", shown.row.index), "text/plain; charset=utf-8", shown.proof)
}

#[derive(Default, serde::Deserialize)]
struct Sizes {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

#[derive(Template)]
#[template(path = "console/evidence_consistency.html")]
struct ConsistencyPage<'a> {
    frame: &'a Frame,
    reach: Reach,
    sizes: &'a Sizes,
    found: Option<Found<'a>>,
    problem: Option<String>,
}

struct Found<'a> {
    shown: &'a Consistency,
    rows: Vec<(String, &'a str, bool)>,
    drawing: Drawing,
    signatures: Vec<Signature>,
    /// Where what the page's script checks lies.
    file: String,
}

async fn consistency(console: &Console, visitor: &Visitor, sizes: &Sizes) -> Result<Consistency, Refusal> {
    let staff = staff(visitor)?;
    let unfit = || Refusal::Invalid("a size is a whole number of entries".to_owned());
    let from = sizes.from.trim().parse().map_err(|_| unfit())?;
    let to = match sizes.to.trim() {
        "" => None,
        typed => Some(typed.parse().map_err(|_| unfit())?),
    };
    let command = EvidenceCommand::Consistency { organization: staff.organization(), from, to };
    match ask(console, &staff, command).await? {
        EvidenceReply::Consistency(shown) => Ok(*shown),
        _ => Err(Refusal::Unavailable),
    }
}

async fn compare(
    State(console): Shared,
    Query(sizes): Query<Sizes>,
    member: Member,
) -> Result<Response, Refusal> {
    let reach = Reach::of(&staff(&member.visitor)?);
    if !reach.log {
        return Err(Refusal::Forbidden("your role does not permit it".to_owned()));
    }
    let mut frame = Frame::new(&console, &member.visitor, EVIDENCE.path);
    "/evidence/log/consistency".clone_into(&mut frame.path);
    let asked = !sizes.from.is_empty() || !sizes.to.is_empty();
    let outcome = if asked { Some(consistency(&console, &member.visitor, &sizes).await) } else { None };
    let (shown, problem) = match outcome {
        None => (None, None),
        Some(Ok(shown)) => (Some(shown), None),
        Some(Err(Refusal::Invalid(said))) => (None, Some(said)),
        Some(Err(refusal)) => return Err(refusal),
    };
    let status = if problem.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let found = shown.as_ref().map(|shown| found(&frame, shown));
    let page = ConsistencyPage { frame: &frame, reach, sizes: &sizes, found, problem };
    Ok(frame.show(status, &page))
}

fn found<'a>(frame: &Frame, shown: &'a Consistency) -> Found<'a> {
    let mut all: Vec<(LeafRange, &str)> =
        shown.parts.iter().map(|(range, hash)| (*range, hash.as_str())).collect();
    // Where the old tree is one whole subtree its root is no part of the proof; it is known.
    if all.iter().all(|(range, _)| range.start != 0) {
        all.push((LeafRange { start: 0, end: shown.from }, shown.from_root.as_str()));
    }
    all.sort_by_key(|(range, _)| range.start);
    let rows: Vec<_> =
        all.iter().map(|(part, hash)| (range(frame, *part), *hash, part.start < shown.from)).collect();
    let drawn: Vec<Part> = rows
        .iter()
        .map(|(name, hash, is_old)| Part {
            name: name.clone(),
            hash: hash.get(..12).map_or_else(String::new, |digits| format!("{digits}…")),
            is_old: *is_old,
        })
        .collect();
    let old = frame.text_number("evidence-parts-old", "size", i64::try_from(shown.from).unwrap_or(i64::MAX));
    let new = frame.text_number("evidence-parts-new", "size", i64::try_from(shown.to).unwrap_or(i64::MAX));
    let drawing = parts(
        ("parts", frame.text("evidence-consistency"), frame.text("evidence-parts-drawn")),
        (&old, &new),
        &drawn,
    );
    let file = format!("/evidence/log/consistency/file?from={}&to={}", shown.from, shown.to);
    Found { signatures: signatures(frame, &shown.checkpoint), shown, rows, drawing, file }
}

/// What the page's script checks: sizes, roots, hashes and the signed checkpoint.
async fn consistency_file(
    State(console): Shared,
    Query(sizes): Query<Sizes>,
    member: Member,
) -> Result<Response, Refusal> {
    let shown = consistency(&console, &member.visitor, &sizes).await?;
    let hashes: Vec<&str> = shown.parts.iter().map(|(_, hash)| hash.as_str()).collect();
    let document = serde_json::json!({
        "format": "fiducia/consistency/v1",
        "from": shown.from,
        "from_root": shown.from_root,
        "to": shown.to,
        "to_root": shown.to_root,
        "hashes": hashes,
        "to_checkpoint": shown.to_checkpoint,
        "checkpoint": shown.checkpoint.note,
    });
    attachment(
        &format!("{}-{}.consistency.json", shown.from, shown.to),
        "application/json",
        document.to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_in_lines_and_all_of_them() {
        let digits = "ab".repeat(70);
        let lines = lines_of(&digits);
        assert_eq!(lines.iter().map(|line| line.len()).collect::<Vec<_>>(), [64, 64, 12]);
        assert_eq!(lines.concat(), digits);
        assert!(lines_of("").is_empty());
    }
}
