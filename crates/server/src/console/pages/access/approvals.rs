//! `/access/approvals`: others' sessions that wait for an answer, those that were answered or lapsed, and the lockbox.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use fiducia_custody::{AccessCommand, AccessReply, Staff};
use fiducia_policy::{AccessNeeds, AccessSessionId, AccessState, ComplianceKeyId};
use http::StatusCode;

use super::view::{Moment, SessionView, Viewer, moment};
use super::{APPROVALS, ask, command_of, names, sessions, set_lockbox, staff};
use crate::console::Console;
use crate::console::form::Posted;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::{Member, Shared};

/// Sessions that were answered, and notices, that are shown.
const SHOWN_MAX: usize = 20;

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new().route("/access/approvals", get(show)).route("/access/lockbox", post(lockbox))
}

/// What the administrators are told.
struct Told {
    at: Moment,
    kind: &'static str,
    session: Option<AccessSessionId>,
    /// A key to the Compliance API.
    key: Option<ComplianceKeyId>,
}

#[derive(Template)]
#[template(path = "console/access_approvals.html")]
struct ApprovalsPage<'a> {
    frame: &'a Frame,
    waiting: Vec<SessionView>,
    /// One's own, which others must answer.
    own: Vec<SessionView>,
    answered: Vec<SessionView>,
    /// Whether there is a lockbox, for whoever may say so.
    lockbox: Option<bool>,
    told: Vec<Told>,
    done: Option<String>,
}

#[derive(Default, serde::Deserialize)]
struct Shown {
    done: Option<String>,
}

async fn show(
    State(console): Shared,
    Query(shown): Query<Shown>,
    member: Member,
) -> Result<Response, Refusal> {
    let staff = staff(&member.visitor)?;
    if !(APPROVALS.is_for)(staff.roles()) {
        return Err(Refusal::NotFound);
    }
    let frame = Frame::new(&console, &member.visitor, APPROVALS.path);
    let names = names(&console, &staff).await?;
    let viewer = Viewer::new(&console, &frame, &staff, &names);
    let live = sessions(&console, &staff, true).await?;
    let waits = live.iter().filter(|session| session.state == AccessState::Asked);
    let views: Vec<SessionView> = waits.map(|session| viewer.view(session)).collect();
    let (own, others): (Vec<_>, Vec<_>) = views.into_iter().partition(|view| view.part.is_reader);
    let all = sessions(&console, &staff, false).await?;
    let answered = all
        .iter()
        .filter(|session| session.needs != AccessNeeds::Nothing && session.state != AccessState::Asked)
        .map(|session| viewer.view(session))
        .filter(|view| view.part.sees);
    let done = shown.done.filter(|done| ["lockbox-on", "lockbox-off"].contains(&done.as_str()));
    let page = ApprovalsPage {
        frame: &frame,
        waiting: others.into_iter().filter(|view| view.part.answers).collect(),
        own,
        answered: answered.take(SHOWN_MAX).collect(),
        lockbox: has_lockbox(&console, &staff).await?,
        told: told(&console, &staff, &frame).await?,
        done: done.map(|done| frame.text_of("access-done", done)),
    };
    Ok(frame.show(StatusCode::OK, &page))
}

async fn has_lockbox(console: &Console, staff: &Staff) -> Result<Option<bool>, Refusal> {
    if !staff.may(&command_of(set_lockbox())) {
        return Ok(None);
    }
    let command = AccessCommand::Lockbox { organization: staff.organization(), enabled: None };
    match ask(console, staff, command).await? {
        AccessReply::Lockbox(enabled) => Ok(Some(enabled)),
        _ => Err(Refusal::Unavailable),
    }
}

async fn told(console: &Console, staff: &Staff, frame: &Frame) -> Result<Vec<Told>, Refusal> {
    let limit = u32::try_from(SHOWN_MAX).unwrap_or(u32::MAX);
    let command = AccessCommand::Notices { organization: staff.organization(), limit, seen_up_to: None };
    if !staff.may(&command_of(command.clone())) {
        return Ok(Vec::new());
    }
    match ask(console, staff, command).await? {
        AccessReply::Notices(rows) => Ok(rows
            .into_iter()
            .map(|row| Told {
                at: moment(frame, row.at),
                kind: row.kind.name(),
                session: row.session,
                key: row.key,
            })
            .collect()),
        _ => Err(Refusal::Unavailable),
    }
}

#[derive(serde::Deserialize)]
struct Wanted {
    lockbox: String,
}

async fn lockbox(State(console): Shared, posted: Posted<Wanted>) -> Result<Response, Refusal> {
    let Posted { visitor, fields } = posted;
    let staff = staff(&visitor)?;
    let enabled = match fields.lockbox.as_str() {
        "on" => true,
        "off" => false,
        _ => return Err(Refusal::Invalid("The form is incomplete.".to_owned())),
    };
    let command = AccessCommand::Lockbox { organization: staff.organization(), enabled: Some(enabled) };
    ask(&console, &staff, command).await?;
    let done = if enabled { "lockbox-on" } else { "lockbox-off" };
    Ok(Redirect::to(&format!("/access/approvals?done={done}")).into_response())
}
