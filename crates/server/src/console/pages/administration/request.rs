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
use fiducia_policy::{
    ExtensionReason, IdentityMethod, RefusalReason, RequestClock, RequestKind, RequestStanding, RequestState,
    RequestStep, RightsRequestId, Timestamp,
};
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

/// What can be done now, by the same pure rules that custody follows, by whoever asks.
fn acts(staff: &Staff, detail: &RequestDetail, now: Timestamp) -> Vec<&'static str> {
    let row = &detail.row;
    let was = |name: &str| detail.steps.iter().any(|step| step.step == name);
    let standing = RequestStanding {
        state: row.state,
        is_confirmed: was("confirm"),
        is_identified: row.is_identified,
        is_extended: was("extend"),
    };
    let clock = RequestClock {
        received_at: row.received_at,
        answer_by: row.due,
        extended_by: detail.extensible_to.unwrap_or(row.due),
    };
    let (delay, refusal) = (ExtensionReason::Complexity, RefusalReason::NotApplicable);
    let method = IdentityMethod::SignedIn;
    let all = [
        ("confirm", RequestStep::Confirm, RightsAction::Confirm {}),
        ("ask-identity", RequestStep::AskIdentity, RightsAction::AskIdentity {}),
        ("identify", RequestStep::Identify, RightsAction::Identify { method }),
        ("begin", RequestStep::Begin, RightsAction::Begin {}),
        (
            "extend",
            RequestStep::Extend { reason: delay, told_at: now },
            RightsAction::Extend { reason: delay, told_at: None },
        ),
        ("fulfil", RequestStep::Fulfil { in_part: false }, RightsAction::Fulfil { left_undone: None }),
        ("refuse", RequestStep::Refuse { reason: refusal }, RightsAction::Refuse { reason: refusal }),
    ];
    let may = |step: &RightsAction| {
        let command =
            RightsCommand::Act { request: row.id, step: step.clone(), note: None, actor: String::new() };
        staff.may(&AdminCommand::Rights(command))
    };
    let mut acts: Vec<&'static str> = all
        .into_iter()
        .filter(|(name, step, _)| {
            (*name != "extend" || detail.extensible_to.is_some())
                && standing.after(row.kind, &clock, *step, now).is_ok()
        })
        .filter(|(_, _, action)| may(action))
        .map(|(name, _, _)| name)
        .collect();
    let restricts = row.kind == RequestKind::Restriction
        && matches!(row.state, RequestState::Fulfilled | RequestState::PartlyFulfilled)
        && row.subject.is_some();
    if restricts && !was("lift") && may(&RightsAction::Lift { told_at: now }) {
        acts.push("lift");
    }
    acts
}

/// An act with everything that any of them needs.
#[derive(serde::Deserialize)]
struct Fields {
    act: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    method: String,
    #[serde(default)]
    left_undone: String,
    #[serde(default)]
    told_on: String,
    /// Ticked by whoever carries a request out: it cannot be undone.
    #[serde(default)]
    sure: String,
    #[serde(default)]
    note: String,
}

fn action(act: &Fields, now: Timestamp) -> Option<RightsAction> {
    Some(match act.act.as_str() {
        "confirm" => RightsAction::Confirm {},
        "ask-identity" => RightsAction::AskIdentity {},
        "identify" => RightsAction::Identify { method: act.method.parse().ok()? },
        "begin" => RightsAction::Begin {},
        "extend" => RightsAction::Extend {
            reason: act.reason.parse().ok()?,
            told_at: Some(told_at(&act.told_on, now)?),
        },
        "fulfil" if act.sure == "yes" => RightsAction::Fulfil { left_undone: typed(&act.left_undone) },
        "refuse" => RightsAction::Refuse { reason: act.reason.parse().ok()? },
        "lift" => RightsAction::Lift { told_at: told_at(&act.told_on, now)? },
        _ => return None,
    })
}

/// When the person was told: on the day that was typed, now when it is today or nothing. `None` for what is no day.
fn told_at(text: &str, now: Timestamp) -> Option<Timestamp> {
    let Some(text) = typed(text) else { return Some(now) };
    let began = day(&text)?;
    let is_today = (0..86_400).contains(&now.as_second().saturating_sub(began.as_second()));
    Some(if is_today { now } else { began })
}

async fn act(
    State(console): Shared,
    Path(id): Path<String>,
    posted: Posted<Fields>,
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
