//! `/conversations/{id}`: why it is still here, and what its person can do with it.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use fiducia_custody::{
    AdminError, AdminReply, ConversationContent, ConversationRow, ConversationWish, ExplainedPath,
    PersonalCommand, RecordExplanation, RetentionReply,
};
use fiducia_policy::{ConversationId, GroundKind};
use http::StatusCode;

use super::Line;
use crate::console::Console;
use crate::console::centre::{Own, oneself, unexpected};
use crate::console::form::Posted;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::Shared;

/// What can be reported done.
const DONE: [&str; 4] = ["delete", "restore", "keep", "let-go"];

/// A ground that holds, in words.
struct Ground {
    name: String,
    until: String,
    about: String,
    ends: String,
}

#[derive(Template)]
#[template(path = "console/centre_conversation.html")]
struct ConversationPage<'a> {
    frame: &'a Frame,
    line: Line,
    row: &'a ConversationRow,
    /// Whether the plan lets it be kept beyond its end.
    may_keep: bool,
    grounds: Vec<Ground>,
    /// The policy's own words, rule by rule; English.
    rules: Vec<String>,
    versions: String,
    done: Option<String>,
}

#[derive(Default, serde::Deserialize)]
pub(super) struct Shown {
    done: Option<String>,
}

fn named(id: &str) -> Result<ConversationId, Refusal> {
    id.parse().map_err(|_| Refusal::NotFound)
}

async fn row(console: &Console, own: &Own, id: ConversationId) -> Result<ConversationRow, Refusal> {
    match console.personally(&own.who, PersonalCommand::Conversation { conversation: id }).await? {
        AdminReply::Conversations(rows) => rows.into_iter().next().ok_or(Refusal::NotFound),
        _ => Err(unexpected()),
    }
}

pub(super) async fn show(
    State(console): Shared,
    Path(id): Path<String>,
    Query(shown): Query<Shown>,
    own: Own,
) -> Result<Response, Refusal> {
    let conversation = named(&id)?;
    let row = row(&console, &own, conversation).await?;
    let frame = Frame::new(&console, &own.visitor, &format!("/conversations/{id}"));
    let explanations = explanations(&console, &own, conversation).await?;
    let who = own.who;
    let may_keep = console.ask(move |custody| custody.may_keep(&who)).await??;
    let page = ConversationPage {
        may_keep,
        frame: &frame,
        line: Line::of(&frame, &row),
        row: &row,
        grounds: grounds(&frame, &explanations),
        rules: explanations.iter().map(|one| one.rules.clone()).collect(),
        versions: explanations
            .first()
            .map(|one| format!("{} · {}", one.policies.0, one.policies.1))
            .unwrap_or_default(),
        done: shown
            .done
            .as_deref()
            .filter(|done| DONE.contains(done))
            .map(|done| frame.text(&format!("centre-done-{done}"))),
    };
    Ok(frame.show(StatusCode::OK, &page))
}

/// Why its records are kept; nothing when none is left.
async fn explanations(
    console: &Console,
    own: &Own,
    conversation: ConversationId,
) -> Result<Vec<RecordExplanation>, Refusal> {
    let who = own.who;
    let command = PersonalCommand::Explain { conversation };
    match console.ask(move |custody| custody.personally(&who, command)).await? {
        Ok(AdminReply::Governed(RetentionReply::Explanations(explanations))) => Ok(explanations),
        Ok(_) => Err(unexpected()),
        Err(AdminError::Destroyed(_)) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// Each ground once, with its latest end: what has no date of its own outlasts what has one.
fn grounds(frame: &Frame, explanations: &[RecordExplanation]) -> Vec<Ground> {
    let open = || explanations.iter().flat_map(|one| &one.paths).filter(|path| path.is_open);
    let kinds = GroundKind::ALL.into_iter();
    kinds
        .filter_map(|kind| {
            let paths: Vec<&ExplainedPath> = open().filter(|path| path.ground == kind).collect();
            let latest = paths
                .iter()
                .map(|path| path.until)
                .reduce(|one, other| one.zip(other).map(|(a, b)| a.max(b)))?;
            Some(Ground {
                name: frame.text(&format!("centre-ground-{}", kind.name())),
                until: match latest {
                    Some(until) => frame.text_with("centre-until", "date", frame.instant(&until)),
                    None => frame.text("centre-until-event"),
                },
                about: frame.text(&format!("centre-ground-about-{}", kind.name())),
                ends: frame.text(&format!("centre-ground-ends-{}", kind.name())),
            })
        })
        .collect()
}

#[derive(Template)]
#[template(path = "console/centre_delete.html")]
struct DeletePage<'a> {
    frame: &'a Frame,
    line: Line,
    id: String,
}

/// Asks once, and says what will happen.
pub(super) async fn ask(
    State(console): Shared,
    Path(id): Path<String>,
    own: Own,
) -> Result<Response, Refusal> {
    let row = row(&console, &own, named(&id)?).await?;
    if row.deleted_at.is_some() || row.destroyed_at.is_some() {
        return Ok(Redirect::to(&format!("/conversations/{id}")).into_response());
    }
    let frame = Frame::new(&console, &own.visitor, &format!("/conversations/{id}/delete"));
    let page = DeletePage { frame: &frame, line: Line::of(&frame, &row), id };
    Ok(frame.show(StatusCode::OK, &page))
}

#[derive(serde::Deserialize)]
pub(super) struct Wished {
    wish: String,
}

/// Does what was wished, unless it is so already: a form that is sent twice does no harm.
pub(super) async fn wish(
    State(console): Shared,
    Path(id): Path<String>,
    posted: Posted<Wished>,
) -> Result<Response, Refusal> {
    let own = Own { who: oneself(&posted.visitor)?, visitor: posted.visitor };
    let conversation = named(&id)?;
    let row = row(&console, &own, conversation).await?;
    let (wish, done, is_so) = match posted.fields.wish.as_str() {
        "delete" => (ConversationWish::Delete, "delete", row.deleted_at.is_some()),
        "restore" => (ConversationWish::Restore, "restore", row.deleted_at.is_none()),
        "keep" => (ConversationWish::Keep, "keep", row.starred_at.is_some()),
        "let-go" => (ConversationWish::LetGo, "let-go", row.starred_at.is_none()),
        _ => return Err(Refusal::Invalid("The form is incomplete.".to_owned())),
    };
    if !is_so {
        console.personally(&own.who, PersonalCommand::Wish { conversation, wish }).await?;
    }
    Ok(Redirect::to(&format!("/conversations/{id}?done={done}")).into_response())
}

/// One turn in words.
struct Turn {
    who: String,
    at: String,
    texts: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "console/centre_read.html")]
struct ReadPage<'a> {
    frame: &'a Frame,
    id: String,
    index: u64,
    turns: Vec<Turn>,
}

#[derive(serde::Deserialize)]
pub(super) struct Nothing {}

/// Shows what was said. A form rather than a link: reading is entered into the log, which following a link must not do.
pub(super) async fn read(
    State(console): Shared,
    Path(id): Path<String>,
    posted: Posted<Nothing>,
) -> Result<Response, Refusal> {
    let Nothing {} = posted.fields;
    let who = oneself(&posted.visitor)?;
    let command = PersonalCommand::Read { conversation: named(&id)? };
    let frame = Frame::new(&console, &posted.visitor, &format!("/conversations/{id}"));
    let content = match console.ask(move |custody| custody.personally(&who, command)).await? {
        Ok(AdminReply::Content(content)) => content,
        Ok(_) => return Err(unexpected()),
        Err(AdminError::Destroyed(_)) => return Err(Refusal::NotFound),
        Err(error) => return Err(error.into()),
    };
    let page = ReadPage { frame: &frame, id, index: content.ledger_index, turns: turns(&frame, &content) };
    Ok(frame.show(StatusCode::OK, &page))
}

fn turns(frame: &Frame, content: &ConversationContent) -> Vec<Turn> {
    let turn = |record: &fiducia_custody::RecordContent| {
        let texts = record.texts.iter().map(|(role, text)| {
            let known = ["user", "assistant", "system", "tool"].contains(&role.as_str());
            let who = if known { frame.text(&format!("centre-role-{role}")) } else { role.clone() };
            (who, text.clone())
        });
        Turn {
            who: record.row.model.clone(),
            at: frame.instant(&record.row.created_at),
            texts: texts.collect(),
        }
    };
    content.records.iter().map(turn).collect()
}
