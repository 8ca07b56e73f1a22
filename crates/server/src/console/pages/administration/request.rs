//! `/administration/requests/{id}`: one request, its clock, what is in its way, what was done, and what can be done now.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use fiducia_custody::{
    AdminCommand, RequestDetail, RightsAction, RightsCommand, RightsExport, RightsReply, Staff,
};
use fiducia_policy::{ExtensionReason, IdentityMethod, RefusalReason, RightsRequestId, Timestamp};
use http::StatusCode;

use super::requests::due_in_words;
use super::timeline::{Point, WIDTH, points};
use super::{REQUESTS, as_problem, day, rights, staff, typed};
use crate::console::Console;
use crate::console::form::Posted;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::{Member, Shared, Visitor};

/// What can be reported done; anything else in the address is ignored.
const DONE: [&str; 10] = [
    "opened",
    "confirm",
    "ask-identity",
    "identify",
    "begin",
    "extend",
    "fulfil",
    "refuse",
    "lift",
    "export",
];

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/administration/requests/{id}", get(show))
        .route("/administration/requests/{id}/act", post(act))
        .route("/administration/requests/{id}/export", post(export))
}

#[derive(Template)]
#[template(path = "console/administration_request.html")]
struct RequestPage<'a> {
    frame: &'a Frame,
    detail: &'a RequestDetail,
    points: Vec<Point>,
    width: i64,
    due: String,
    /// The acts that its state and the reader's roles let through.
    acts: Vec<&'static str>,
    may_export: bool,
    done: Option<String>,
    problem: Option<String>,
}

impl RequestPage<'_> {
    #[expect(clippy::unused_self, reason = "templates call it as a method")]
    fn methods(&self) -> [IdentityMethod; 5] {
        IdentityMethod::ALL
    }

    #[expect(clippy::unused_self, reason = "templates call it as a method")]
    fn delays(&self) -> [ExtensionReason; 4] {
        ExtensionReason::ALL
    }

    #[expect(clippy::unused_self, reason = "templates call it as a method")]
    fn refusals(&self) -> [RefusalReason; 9] {
        RefusalReason::ALL
    }

    fn offers(&self, act: &str) -> bool {
        self.acts.contains(&act)
    }
}

#[derive(Default, serde::Deserialize)]
struct Asked {
    done: Option<String>,
}

async fn show(
    State(console): Shared,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    member: Member,
) -> Result<Response, Refusal> {
    let id = id.parse().map_err(|_| Refusal::NotFound)?;
    let done = asked.done.filter(|done| DONE.contains(&done.as_str()));
    page(&console, &member.visitor, id, (StatusCode::OK, done, None)).await
}

async fn page(
    console: &Console,
    visitor: &Visitor,
    request: RightsRequestId,
    (status, done, problem): (StatusCode, Option<String>, Option<String>),
) -> Result<Response, Refusal> {
    let staff = staff(visitor)?;
    let RightsReply::Request(detail) = rights(console, &staff, RightsCommand::Show { request }).await? else {
        return Err(Refusal::Unavailable);
    };
    let frame = Frame::new(console, visitor, REQUESTS.path);
    let now = console.now();
    let page = RequestPage {
        frame: &frame,
        points: points(&detail, now),
        width: WIDTH,
        due: due_in_words(&frame, &detail.row, now),
        acts: acts(&staff, &detail, now),
        may_export: detail.row.kind.is_copy()
            && detail.row.closed_at.is_none()
            && staff.may(&AdminCommand::Rights(RightsCommand::Export(export_for(request, Vec::new())))),
        done: done.map(|done| frame.text(&format!("admin-request-done-{done}"))),
        problem,
        detail: &detail,
    };
    Ok(frame.show(status, &page))
}

/// What can be done now by whoever asks. What a page offers and custody refuses all the same is said in words.
fn acts(staff: &Staff, detail: &RequestDetail, now: Timestamp) -> Vec<&'static str> {
    let row = &detail.row;
    let mut acts: Vec<(&'static str, RightsAction)> = Vec::new();
    if row.closed_at.is_some() {
        let restricts = row.kind == fiducia_policy::RequestKind::Restriction && !was_lifted(detail);
        if restricts && row.state != fiducia_policy::RequestState::Refused && row.subject.is_some() {
            acts.push(("lift", RightsAction::Lift { told_at: now }));
        }
    } else {
        if !detail.steps.iter().any(|step| step.step == "confirm") {
            acts.push(("confirm", RightsAction::Confirm {}));
        }
        if !row.is_identified {
            if row.state == fiducia_policy::RequestState::Received {
                acts.push(("ask-identity", RightsAction::AskIdentity {}));
            }
            acts.push(("identify", RightsAction::Identify { method: IdentityMethod::SignedIn }));
        }
        if !detail.steps.iter().any(|step| step.step == "begin") {
            acts.push(("begin", RightsAction::Begin {}));
        }
        if detail.extensible_to.is_some() {
            acts.push((
                "extend",
                RightsAction::Extend { reason: ExtensionReason::Complexity, told_at: None },
            ));
        }
        acts.push(("fulfil", RightsAction::Fulfil { left_undone: None }));
        acts.push(("refuse", RightsAction::Refuse { reason: RefusalReason::NotApplicable }));
    }
    let command = |step| RightsCommand::Act { request: row.id, step, note: None, actor: String::new() };
    acts.into_iter()
        .filter(|(_, step)| staff.may(&AdminCommand::Rights(command(step.clone()))))
        .map(|(name, _)| name)
        .collect()
}

fn was_lifted(detail: &RequestDetail) -> bool {
    detail.steps.iter().any(|step| step.step == "lift")
}

/// An act with everything that any of them needs.
#[derive(serde::Deserialize)]
struct Act {
    act: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    method: String,
    #[serde(default)]
    left_undone: String,
    #[serde(default)]
    told_on: String,
    #[serde(default)]
    note: String,
}

fn action(act: &Act, now: Timestamp) -> Option<RightsAction> {
    Some(match act.act.as_str() {
        "confirm" => RightsAction::Confirm {},
        "ask-identity" => RightsAction::AskIdentity {},
        "identify" => RightsAction::Identify { method: act.method.parse().ok()? },
        "begin" => RightsAction::Begin {},
        "extend" => {
            RightsAction::Extend { reason: act.reason.parse().ok()?, told_at: told_at(&act.told_on, now)? }
        }
        "fulfil" => RightsAction::Fulfil { left_undone: typed(&act.left_undone) },
        "refuse" => RightsAction::Refuse { reason: act.reason.parse().ok()? },
        "lift" => RightsAction::Lift { told_at: told_at(&act.told_on, now)?.unwrap_or(now) },
        _ => return None,
    })
}

/// When the person was told: on the day that was typed, now when it is today or nothing. `None` for what is no day.
fn told_at(text: &str, now: Timestamp) -> Option<Option<Timestamp>> {
    let Some(text) = typed(text) else { return Some(None) };
    let began = day(&text)?;
    let is_today = (0..86_400).contains(&now.as_second().saturating_sub(began.as_second()));
    Some((!is_today).then_some(began))
}

async fn act(
    State(console): Shared,
    Path(id): Path<String>,
    posted: Posted<Act>,
) -> Result<Response, Refusal> {
    let id: RightsRequestId = id.parse().map_err(|_| Refusal::NotFound)?;
    let Posted { visitor, fields } = posted;
    let staff = staff(&visitor)?;
    let Some(step) = action(&fields, console.now()) else {
        let frame = Frame::new(&console, &visitor, REQUESTS.path);
        let problem = Some(frame.text("admin-request-incomplete"));
        return page(&console, &visitor, id, (StatusCode::BAD_REQUEST, None, problem)).await;
    };
    let command = RightsCommand::Act { request: id, step, note: typed(&fields.note), actor: String::new() };
    finish(&console, &visitor, id, rights(&console, &staff, command).await, &fields.act).await
}

async fn finish(
    console: &Console,
    visitor: &Visitor,
    id: RightsRequestId,
    outcome: Result<RightsReply, Refusal>,
    done: &str,
) -> Result<Response, Refusal> {
    match outcome {
        // Going back or reloading repeats nothing.
        Ok(_) => Ok(Redirect::to(&format!("/administration/requests/{id}?done={done}")).into_response()),
        Err(refusal) => {
            let problem = Some(as_problem(refusal)?);
            page(console, visitor, id, (StatusCode::CONFLICT, None, problem)).await
        }
    }
}

#[derive(serde::Deserialize)]
struct Recipients {
    #[serde(default)]
    recipients: String,
}

fn export_for(request: RightsRequestId, recipients: Vec<String>) -> RightsExport {
    RightsExport { request, actor: String::new(), recipients, out: None, conversations_per_file: None }
}

async fn export(
    State(console): Shared,
    Path(id): Path<String>,
    posted: Posted<Recipients>,
) -> Result<Response, Refusal> {
    let id: RightsRequestId = id.parse().map_err(|_| Refusal::NotFound)?;
    let Posted { visitor, fields } = posted;
    let staff = staff(&visitor)?;
    let recipients: Vec<String> = fields.recipients.split_whitespace().map(str::to_owned).collect();
    let outcome = rights(&console, &staff, RightsCommand::Export(export_for(id, recipients))).await;
    finish(&console, &visitor, id, outcome, "export").await
}
