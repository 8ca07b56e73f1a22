//! `/choices`: every use that a person is asked about, what both answers mean, and what was said before.

mod ask;
mod question;
mod receipts;

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use fiducia_custody::{
    AdminReply, ConsentChoice, ConsentEntry, ConsentEvidence, ConsentReply, PersonalCommand, ShownNotice,
};
use fiducia_policy::{ConsentAct, ConsentPurpose};
use http::StatusCode;

pub(super) use self::question::paragraphs;
use self::question::{Wording, questions};
use super::Page;
use crate::console::Console;
use crate::console::centre::{Own, ROWS_PER_PAGE, oneself, people, unexpected};
use crate::console::form::Posted;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::{PrivacyControl, Shared};

pub(super) const PAGE: Page = Page {
    path: "/choices",
    title: "centre-choices-title",
    is_for: people,
    routes: || {
        Router::<Arc<Console>>::new()
            .route("/choices", get(show).post(answer))
            .route("/choices/ask", get(ask::ask))
            .route("/choices/receipts/{id}", get(receipts::show))
            .route("/choices/receipts/{id}/file", get(receipts::file))
    },
};

/// What can be reported done; anything else in the address is ignored.
const DONE: [&str; 3] = ["yes", "no", "answered"];

/// A line of the history.
struct Line {
    id: String,
    at: String,
    machine_at: String,
    what: String,
    by: String,
}

#[derive(Template)]
#[template(path = "console/centre_choices.html")]
struct ChoicesPage<'a> {
    frame: &'a Frame,
    /// Each with the key of its form.
    cards: Vec<(Wording, String)>,
    /// Uses without any question, by name.
    unasked: Vec<String>,
    open: usize,
    lines: Vec<Line>,
    /// Where the older lines are.
    older: Option<u64>,
    done: Option<String>,
    recorded: bool,
}

#[derive(Default, serde::Deserialize)]
struct Shown {
    done: Option<String>,
    before: Option<u64>,
}

async fn show(State(console): Shared, Query(shown): Query<Shown>, own: Own) -> Result<Response, Refusal> {
    let frame = Frame::new(&console, &own.visitor, "/choices");
    let now = console.now();
    let all = questions(&console, &own.who, own.visitor.language).await?;
    let choices = PersonalCommand::Choices { purpose: None, before: shown.before, limit: ROWS_PER_PAGE };
    let AdminReply::Consented(ConsentReply::History(entries)) = console.personally(&own.who, choices).await?
    else {
        return Err(unexpected());
    };
    let mut cards = Vec::new();
    let mut unasked = Vec::new();
    let mut open = 0;
    for question in &all {
        if !question.row.is_asked {
            unasked.push(frame.text(&format!("centre-purpose-{}", question.row.purpose)));
            continue;
        }
        open += usize::from(question.is_open(now));
        if let Some(wording) = Wording::of(&frame, question, now) {
            cards.push((wording, console.form_key()?));
        }
    }
    let is_full = entries.len() >= usize::try_from(ROWS_PER_PAGE).unwrap_or(usize::MAX);
    let page = ChoicesPage {
        frame: &frame,
        cards,
        unasked,
        open,
        older: entries.last().filter(|_| is_full).map(|last| last.sequence),
        lines: entries.iter().map(|entry| line(&frame, entry)).collect(),
        done: shown
            .done
            .as_deref()
            .filter(|done| DONE.contains(done))
            .map(|done| frame.text(&format!("centre-done-{done}"))),
        recorded: own.visitor.privacy_control == PrivacyControl::Recorded,
    };
    Ok(frame.show(StatusCode::OK, &page))
}

fn line(frame: &Frame, entry: &ConsentEntry) -> Line {
    let purpose = frame.text(&format!("centre-purpose-{}", entry.purpose));
    let act = frame.text(&format!("centre-act-{}", entry.act));
    Line {
        id: entry.id.to_string(),
        at: frame.instant(&entry.at),
        machine_at: frame.machine_instant(&entry.at),
        what: format!("{purpose}: {act}"),
        by: frame.text(&format!("centre-channel-{}", entry.channel)),
    }
}

#[derive(serde::Deserialize)]
struct Answer {
    purpose: String,
    /// `yes` or `no`.
    #[serde(rename = "answer")]
    said: String,
    language: String,
    version: String,
    hash: String,
    key: String,
    by: Option<String>,
    answered: Option<String>,
}

async fn answer(State(console): Shared, posted: Posted<Answer>) -> Result<Response, Refusal> {
    let who = oneself(&posted.visitor)?;
    let fields = posted.fields;
    let unreadable = || Refusal::Invalid("The form is incomplete.".to_owned());
    let purpose: ConsentPurpose = fields.purpose.parse().map_err(|_| unreadable())?;
    let is_yes = match fields.said.as_str() {
        "yes" => true,
        "no" => false,
        _ => return Err(unreadable()),
    };
    let version = fields.version.parse().map_err(|_| unreadable())?;
    let by = ask::named_way(fields.by.as_deref());
    let AdminReply::Consented(ConsentReply::Standings(rows)) =
        console.personally(&who, PersonalCommand::Standings).await?
    else {
        return Err(unexpected());
    };
    let row = rows.into_iter().find(|row| row.purpose == purpose).ok_or_else(unreadable)?;
    let channel = ask::channel(by, &row);
    let act = if is_yes { ConsentAct::Give } else { ConsentAct::Refuse };
    let choice = ConsentChoice {
        notice: Some(ShownNotice { language: fields.language, version, hash: Some(fields.hash) }),
        evidence: ConsentEvidence { screen: Some(ask::SCREEN.to_owned()), ..ConsentEvidence::default() },
        request: Some(fields.key),
        ..ConsentChoice::entered(purpose, act)
    };
    console.ask(move |custody| custody.choose_for_oneself(&who, channel, choice)).await??;
    let next = if by.is_empty() {
        format!("/choices?done={}", fields.said)
    } else {
        let answered = fields.answered.and_then(|text| text.parse::<usize>().ok()).unwrap_or(1).min(16);
        format!("/choices/ask?by={by}&answered={answered}&last={}", fields.said)
    };
    Ok(Redirect::to(&next).into_response())
}
