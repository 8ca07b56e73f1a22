//! `/requests/{id}`: one request with its clocks, what was done, and where to go if one is not content.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use fiducia_custody::{AdminReply, ExportFileRow, PersonalCommand, RequestDetail, RightsReply};
use fiducia_policy::{ComplaintRoute, ExtensionReason, RefusalReason, RequestState, RightsRequestId};
use http::StatusCode;

use super::Line;
use crate::console::Console;
use crate::console::centre::{Own, oneself, unexpected};
use crate::console::form::Posted;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::Shared;

#[derive(Template)]
#[template(path = "console/centre_request.html")]
struct RequestPage<'a> {
    frame: &'a Frame,
    line: Line,
    /// Name and value.
    clocks: Vec<(String, String)>,
    /// Why it was refused, in the page's language.
    refusal: Option<String>,
    /// What was said when it was answered; the service's own words, in English.
    sentences: Vec<String>,
    left_undone: Option<String>,
    kept: Vec<String>,
    stores: Vec<(String, String)>,
    certificate: Option<String>,
    obstacles: Vec<String>,
    routes: &'a [ComplaintRoute],
    steps: Vec<(String, String)>,
    is_open: bool,
    /// Whether the next file of a copy can be fetched now, and which.
    next_file: Option<i64>,
    files: &'a [ExportFileRow],
    done: Option<String>,
}

#[derive(Default, serde::Deserialize)]
pub(super) struct Shown {
    done: Option<String>,
}

pub(super) fn named(id: &str) -> Result<RightsRequestId, Refusal> {
    id.parse().map_err(|_| Refusal::NotFound)
}

async fn detail(console: &Console, own: &Own, id: &str) -> Result<RequestDetail, Refusal> {
    match console.personally(&own.who, PersonalCommand::Request { request: named(id)? }).await? {
        AdminReply::Rights(RightsReply::Request(detail)) => Ok(*detail),
        _ => Err(unexpected()),
    }
}

pub(super) async fn show(
    State(console): Shared,
    Path(id): Path<String>,
    Query(shown): Query<Shown>,
    own: Own,
) -> Result<Response, Refusal> {
    let detail = detail(&console, &own, &id).await?;
    let frame = Frame::new(&console, &own.visitor, &format!("/requests/{id}"));
    let row = &detail.row;
    let is_open = row.closed_at.is_none();
    let made = i64::try_from(detail.files.len()).unwrap_or(i64::MAX);
    // The last file can be fetched again for some days: whether it arrived only the person knows.
    let next_file = match row.state {
        _ if !row.kind.is_copy() || !row.is_identified => None,
        _ if is_open => Some(made.saturating_add(1)),
        RequestState::Fulfilled => fetchable(&console, &own, row.id).await?.then_some(made),
        _ => None,
    };
    let report = detail.report.as_ref();
    let page = RequestPage {
        frame: &frame,
        line: Line::of(&frame, row),
        clocks: clocks(&frame, &detail),
        refusal: refusal(&frame, &detail),
        sentences: report.map(|report| report.sentences.clone()).unwrap_or_default(),
        left_undone: report.and_then(|report| report.left_undone.clone()),
        kept: report
            .map(|report| report.kept.iter().map(|kept| kept.sentence.clone()).collect())
            .unwrap_or_default(),
        stores: report
            .map(|report| report.stores.iter().map(|one| (one.store.clone(), one.outcome.clone())).collect())
            .unwrap_or_default(),
        certificate: report
            .and_then(|report| report.destruction.as_ref()?.certificate.as_ref().map(ToString::to_string)),
        obstacles: detail.obstacles.clone(),
        routes: &detail.routes,
        steps: steps(&frame, &detail),
        is_open,
        next_file,
        files: &detail.files,
        done: shown.done.filter(|done| done == "sent").map(|_| frame.text("centre-request-sent")),
    };
    Ok(frame.show(StatusCode::OK, &page))
}

/// Whether the last file of a copy can be fetched again.
async fn fetchable(console: &Console, own: &Own, id: RightsRequestId) -> Result<bool, Refusal> {
    let who = own.who;
    console.ask(move |custody| custody.may_hand_over(&who, id).is_ok()).await
}

/// The clocks: when it came, by when its arrival is confirmed, by when it is answered, and why later.
fn clocks(frame: &Frame, detail: &RequestDetail) -> Vec<(String, String)> {
    let row = &detail.row;
    let named = |name: &str, value: String| (frame.text(&format!("centre-clock-{name}")), value);
    let mut clocks = vec![named("received", frame.instant(&row.received_at))];
    if let Some(confirm) = row.confirm_by {
        clocks.push(named("confirm", frame.instant(&confirm)));
    }
    clocks.push(named("due", frame.instant(&row.due)));
    clocks.push(named("law", row.decided_by.name().to_uppercase()));
    let extended = detail.steps.iter().rfind(|step| step.step == "extend");
    if let Some(reason) = extended.and_then(|step| step.reason.as_deref()?.parse::<ExtensionReason>().ok()) {
        clocks.push(named("extended", frame.text(&format!("centre-extension-{}", reason.name()))));
    }
    if let Some(at) = row.closed_at {
        clocks.push(named("closed", frame.instant(&at)));
    }
    clocks
}

fn refusal(frame: &Frame, detail: &RequestDetail) -> Option<String> {
    let refused = detail.steps.iter().rfind(|step| step.step == "refuse")?;
    let reason: RefusalReason = refused.reason.as_deref()?.parse().ok()?;
    Some(frame.text(&format!("centre-refusal-{}", reason.name())))
}

/// What happened, without who did it and what the staff noted: that is the staff's.
fn steps(frame: &Frame, detail: &RequestDetail) -> Vec<(String, String)> {
    let told = |step: &fiducia_custody::RequestStepRow| {
        (frame.instant(&step.at), frame.text(&format!("centre-step-request-{}", step.step)))
    };
    detail.steps.iter().map(told).collect()
}

#[derive(serde::Deserialize)]
pub(super) struct Nothing {}

/// Takes a request back, unless it is closed already.
pub(super) async fn withdraw(
    State(console): Shared,
    Path(id): Path<String>,
    posted: Posted<Nothing>,
) -> Result<Response, Refusal> {
    let Nothing {} = posted.fields;
    let own = Own { who: oneself(&posted.visitor)?, visitor: posted.visitor };
    if detail(&console, &own, &id).await?.row.closed_at.is_none() {
        let request = named(&id)?;
        console.personally(&own.who, PersonalCommand::WithdrawRequest { request }).await?;
    }
    Ok(Redirect::to(&format!("/requests/{id}")).into_response())
}
