//! `/conversations`: what is kept, until when, and what was deleted and can be taken back.

mod keys;
mod one;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use fiducia_custody::{AdminReply, ConversationRow, PersonalCommand};
use fiducia_policy::ConversationId;
use http::StatusCode;

use super::Page;
use crate::console::Console;
use crate::console::centre::{Own, ROWS_PER_PAGE, people, unexpected};
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::Shared;

pub(super) const PAGE: Page = Page {
    path: "/conversations",
    title: "centre-conversations-title",
    is_for: people,
    routes: || {
        Router::<Arc<Console>>::new()
            .route("/conversations", get(list))
            .route("/conversations/{id}", get(one::show))
            .route("/conversations/{id}/delete", get(one::ask))
            .route("/conversations/{id}/keys", get(keys::show))
            .route("/conversations/{id}/wish", post(one::wish))
            .route("/conversations/{id}/read", post(one::read))
    },
};

/// A conversation in words.
struct Line {
    id: String,
    began: String,
    last: String,
    machine_last: String,
    end: String,
    marks: Vec<String>,
    /// Whether it is deleted and not destroyed.
    can_be_restored: bool,
}

impl Line {
    fn of(frame: &Frame, row: &ConversationRow) -> Self {
        let is_deleted = row.deleted_at.is_some();
        let mut marks = Vec::new();
        if row.destroyed_at.is_some() {
            marks.push(frame.text("centre-mark-destroyed"));
        } else if is_deleted {
            marks.push(frame.text("centre-mark-deleted"));
        }
        if row.starred_at.is_some() {
            marks.push(frame.text("centre-mark-kept"));
        }
        if row.warned_at.is_some() && row.destroyed_at.is_none() && !is_deleted {
            marks.push(frame.text("centre-mark-warned"));
        }
        Self {
            id: row.id.to_string(),
            began: frame.instant(&row.created_at),
            last: frame.instant(&row.last_active_at),
            machine_last: frame.machine_instant(&row.last_active_at),
            end: end_words(frame, row),
            marks,
            can_be_restored: is_deleted && row.destroyed_at.is_none(),
        }
    }
}

/// Until when a conversation is there for its person, in words.
fn end_words(frame: &Frame, row: &ConversationRow) -> String {
    match (row.destroyed_at, row.deleted_at, row.ends_at) {
        (Some(at), _, _) => frame.text_with("centre-end-destroyed", "date", frame.instant(&at)),
        (None, Some(_), Some(end)) => frame.text_with("centre-end-undo", "date", frame.instant(&end)),
        (None, Some(_), None) => frame.text("centre-end-undo-open"),
        (None, None, Some(end)) => frame.text_with("centre-end-until", "date", frame.instant(&end)),
        (None, None, None) => frame.text("centre-end-open"),
    }
}

#[derive(Template)]
#[template(path = "console/centre_conversations.html")]
struct ListPage<'a> {
    frame: &'a Frame,
    deleted: bool,
    lines: Vec<Line>,
    /// Where the next page begins.
    older: Option<String>,
    is_first: bool,
}

#[derive(Default, serde::Deserialize)]
struct Asked {
    deleted: Option<String>,
    after: Option<String>,
}

async fn list(State(console): Shared, Query(asked): Query<Asked>, own: Own) -> Result<Response, Refusal> {
    let frame = Frame::new(&console, &own.visitor, "/conversations");
    let after: Option<ConversationId> =
        asked.after.as_deref().map(str::parse).transpose().map_err(|_| Refusal::NotFound)?;
    let deleted = asked.deleted.is_some();
    // One more than is shown tells whether more follow.
    let limit = ROWS_PER_PAGE + 1;
    let mut rows = if deleted {
        let who = own.who;
        console.ask(move |custody| custody.deleted_conversations(&who, limit, after)).await??
    } else {
        let command = PersonalCommand::Conversations { deleted: false, limit, after };
        match console.personally(&own.who, command).await? {
            AdminReply::Conversations(rows) => rows,
            _ => return Err(unexpected()),
        }
    };
    let shown = usize::try_from(ROWS_PER_PAGE).unwrap_or(usize::MAX);
    let is_more = rows.len() > shown;
    rows.truncate(shown);
    let page = ListPage {
        frame: &frame,
        deleted,
        older: rows.last().filter(|_| is_more).map(|last| last.id.to_string()),
        lines: rows.iter().map(|row| Line::of(&frame, row)).collect(),
        is_first: after.is_none(),
    };
    Ok(frame.show(StatusCode::OK, &page))
}
