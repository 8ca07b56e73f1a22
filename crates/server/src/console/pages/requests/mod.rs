//! `/requests`: what a person asks for, by when it must be answered, and what became of it.

mod asking;
mod copy;
mod one;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use fiducia_custody::{AdminReply, PersonalCommand, RequestRow, RightsReply};
use http::StatusCode;

use super::Page;
use crate::console::Console;
use crate::console::centre::{Own, people, unexpected};
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::Shared;

/// Requests that are listed. Somebody has at most 50 open ones.
const ROWS_MAX: u32 = 200;

pub(super) const PAGE: Page = Page {
    path: "/requests",
    title: "centre-requests-title",
    is_for: people,
    routes: || {
        Router::<Arc<Console>>::new()
            .route("/requests", get(list).post(asking::send))
            .route("/requests/new", get(asking::show))
            .route("/requests/{id}", get(one::show))
            .route("/requests/{id}/withdraw", post(one::withdraw))
            .route("/requests/{id}/copy", post(copy::fetch))
    },
};

/// A request in words.
struct Line {
    id: String,
    kind: String,
    state: String,
    received: String,
    machine_received: String,
    clock: String,
}

impl Line {
    fn of(frame: &Frame, row: &RequestRow) -> Self {
        Self {
            id: row.id.to_string(),
            kind: frame.text(&format!("centre-request-{}", row.kind)),
            state: frame.text(&format!("centre-request-state-{}", row.state)),
            received: frame.instant(&row.received_at),
            machine_received: frame.machine_instant(&row.received_at),
            clock: clock_words(frame, row),
        }
    }
}

fn clock_words(frame: &Frame, row: &RequestRow) -> String {
    match row.closed_at {
        Some(at) => frame.text_with("centre-request-closed", "date", frame.instant(&at)),
        None if row.is_overdue => frame.text_with("centre-request-overdue", "date", frame.instant(&row.due)),
        None => frame.text_with("centre-request-due", "date", frame.instant(&row.due)),
    }
}

#[derive(Template)]
#[template(path = "console/centre_requests.html")]
struct RequestsPage<'a> {
    frame: &'a Frame,
    lines: Vec<Line>,
}

async fn list(State(console): Shared, own: Own) -> Result<Response, Refusal> {
    let frame = Frame::new(&console, &own.visitor, "/requests");
    let command = PersonalCommand::Requests { closed: true, limit: ROWS_MAX };
    let AdminReply::Rights(RightsReply::Requests(rows)) = console.personally(&own.who, command).await? else {
        return Err(unexpected());
    };
    let lines = rows.iter().map(|row| Line::of(&frame, row)).collect();
    Ok(frame.show(StatusCode::OK, &RequestsPage { frame: &frame, lines }))
}
