//! `/accesses`: who looked at what is kept, when and why, each with a proof.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use fiducia_custody::{AdminReply, LookPart, LookRow, Looker, PersonalCommand};
use http::StatusCode;

use super::Page;
use crate::console::Console;
use crate::console::centre::{Own, ROWS_PER_PAGE, attachment, people, unexpected};
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::Shared;

pub(super) const PAGE: Page = Page {
    path: "/accesses",
    title: "centre-accesses-title",
    is_for: people,
    routes: || {
        Router::<Arc<Console>>::new()
            .route("/accesses", get(list))
            .route("/accesses/{sequence}/proof", get(proof))
            .route("/accesses/{sequence}/public/{number}/proof", get(public_proof))
    },
};

/// A look in words.
struct Line {
    sequence: u64,
    who: String,
    /// The id by which the log knows a member of staff.
    person: String,
    is_oneself: bool,
    at: String,
    machine_at: String,
    why: String,
    what: String,
    conversation: Option<String>,
    ticket: Option<String>,
    index: u64,
    /// The public events about it, at most [`PUBLIC_SHOWN_MAX`]: number within the look, and where they lie.
    public: Vec<(u64, i64)>,
    /// How many more there are.
    more_public: i64,
}

/// Public events that one look shows; the file of all that is kept has the others.
const PUBLIC_SHOWN_MAX: u64 = 50;

#[derive(Template)]
#[template(path = "console/centre_accesses.html")]
struct AccessesPage<'a> {
    frame: &'a Frame,
    lines: Vec<Line>,
    older: Option<u64>,
    is_first: bool,
}

#[derive(Default, serde::Deserialize)]
struct Asked {
    before: Option<u64>,
}

async fn list(State(console): Shared, Query(asked): Query<Asked>, own: Own) -> Result<Response, Refusal> {
    let frame = Frame::new(&console, &own.visitor, "/accesses");
    let command = PersonalCommand::Accesses { before: asked.before, limit: ROWS_PER_PAGE + 1 };
    let AdminReply::Accesses(mut rows) = console.personally(&own.who, command).await? else {
        return Err(unexpected());
    };
    let shown = usize::try_from(ROWS_PER_PAGE).unwrap_or(usize::MAX);
    let is_more = rows.len() > shown;
    rows.truncate(shown);
    let page = AccessesPage {
        frame: &frame,
        older: rows.last().filter(|_| is_more).map(|last| last.sequence),
        lines: rows.iter().map(|row| line(&frame, row)).collect(),
        is_first: asked.before.is_none(),
    };
    Ok(frame.show(StatusCode::OK, &page))
}

fn line(frame: &Frame, row: &LookRow) -> Line {
    let (who, person) = match &row.who {
        Looker::Oneself {} => (frame.text("centre-who-oneself"), String::new()),
        Looker::Staff { person, roles } => (staff(frame, roles.members()), person.to_string()),
    };
    let records = i64::try_from(row.records).unwrap_or(i64::MAX);
    Line {
        sequence: row.sequence,
        who,
        is_oneself: matches!(row.who, Looker::Oneself {}),
        person,
        at: frame.instant(&row.at),
        machine_at: frame.machine_instant(&row.at),
        why: frame.text(&format!("centre-reason-{}", row.reason.name().replace('_', "-"))),
        what: frame.text_counting("centre-records", "count", records),
        conversation: row.conversation.map(|id| id.to_string()),
        ticket: row.ticket.clone(),
        index: row.ledger_index,
        public: (0..row.public.count.min(PUBLIC_SHOWN_MAX))
            .map(|number| (number, i64::try_from(row.public.first + number).unwrap_or(i64::MAX)))
            .collect(),
        more_public: i64::try_from(row.public.count.saturating_sub(PUBLIC_SHOWN_MAX)).unwrap_or(i64::MAX),
    }
}

fn staff(frame: &Frame, roles: &[fiducia_policy::Role]) -> String {
    let names: Vec<String> = roles
        .iter()
        .filter(|role| **role != fiducia_policy::Role::Person)
        .map(|role| frame.text(&format!("role-{}", role.name())))
        .collect();
    if names.is_empty() {
        frame.text("centre-who-operator")
    } else {
        frame.text_with("centre-who-staff", "roles", names.join(", "))
    }
}

async fn proof(State(console): Shared, Path(sequence): Path<u64>, own: Own) -> Result<Response, Refusal> {
    proven(&console, own, sequence, LookPart::Entry {}).await
}

async fn public_proof(
    State(console): Shared,
    Path((sequence, number)): Path<(u64, u64)>,
    own: Own,
) -> Result<Response, Refusal> {
    proven(&console, own, sequence, LookPart::Public { number }).await
}

async fn proven(
    console: &Arc<Console>,
    own: Own,
    sequence: u64,
    part: LookPart,
) -> Result<Response, Refusal> {
    let who = own.who;
    let proof = console.ask(move |custody| custody.look_proof(&who, sequence, part)).await??;
    attachment(&format!("{}.tlog-proof", proof.ledger_index), "text/plain; charset=utf-8", proof.text)
}
