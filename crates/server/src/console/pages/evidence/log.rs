//! `/evidence/log`: the entries of the organisation's log, the newest first.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use fiducia_custody::{EntryFilter, EntryRow, EntryShape, EvidenceCommand, EvidenceReply};
use fiducia_ledger::Event;
use http::StatusCode;

use super::{EVIDENCE, Reach, ask, short, staff, text_or_name};
use crate::console::Console;
use crate::console::centre::ROWS_PER_PAGE;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::{Member, Shared};

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new().route("/evidence/log", get(list))
}

#[derive(Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    day: String,
    #[serde(default)]
    before: String,
}

/// An entry in a list.
struct Line {
    index: u64,
    name: String,
    kind: String,
    shape: &'static str,
    at: Option<(String, String)>,
    hash: String,
}

#[derive(Template)]
#[template(path = "console/evidence_log.html")]
struct LogPage<'a> {
    frame: &'a Frame,
    reach: Reach,
    asked: &'a Asked,
    /// Types with their names, in the order of the names.
    kinds: Vec<(&'static str, String)>,
    lines: Vec<Line>,
    size: u64,
    looked_at: u64,
    older: Option<String>,
    problem: bool,
}

async fn list(
    State(console): Shared,
    Query(asked): Query<Asked>,
    member: Member,
) -> Result<Response, Refusal> {
    let staff = staff(&member.visitor)?;
    let before = match asked.before.trim() {
        "" => Some(None),
        typed => typed.parse().ok().map(Some),
    };
    let typed = EntryFilter::typed(&asked.kind, &asked.day).zip(before);
    let problem = typed.is_none();
    let (filter, before) = typed.unwrap_or_default();
    let organization = staff.organization();
    let command = EvidenceCommand::Entries { organization, filter, before, limit: ROWS_PER_PAGE };
    let EvidenceReply::Entries(found) = ask(&console, &staff, command).await? else {
        return Err(Refusal::Unavailable);
    };
    let frame = Frame::new(&console, &member.visitor, EVIDENCE.path);
    let mut kinds: Vec<_> =
        Event::kinds().iter().map(|kind| (*kind, text_or_name(&frame, "evidence-event", kind))).collect();
    kinds.sort_by(|one, other| one.1.cmp(&other.1));
    let older = found.next_before.map(|before| {
        let (kind, day, before) = (asked.kind.clone(), asked.day.clone(), before.to_string());
        serde_urlencoded::to_string(Asked { kind, day, before }).unwrap_or_default()
    });
    let page = LogPage {
        frame: &frame,
        reach: Reach::of(&staff),
        asked: &asked,
        kinds,
        lines: found.rows.iter().map(|row| line(&frame, row)).collect(),
        size: found.size,
        looked_at: found.looked_at,
        older,
        problem,
    };
    Ok(frame.show(if problem { StatusCode::BAD_REQUEST } else { StatusCode::OK }, &page))
}

fn line(frame: &Frame, row: &EntryRow) -> Line {
    Line {
        index: row.index,
        name: name(frame, row),
        kind: row.kind.clone(),
        shape: shape(row.shape),
        at: row.at.map(|at| (frame.machine_instant(&at), frame.instant(&at))),
        hash: short(&row.leaf_hash),
    }
}

/// What an entry is, in words.
pub(super) fn name(frame: &Frame, row: &EntryRow) -> String {
    if row.kind.is_empty() {
        return frame.text("evidence-event-unread");
    }
    text_or_name(frame, "evidence-event", &row.kind)
}

/// The name of a shape in texts.
pub(super) const fn shape(shape: EntryShape) -> &'static str {
    match shape {
        EntryShape::Known => "known",
        EntryShape::Newer => "newer",
        EntryShape::Other => "other",
    }
}
