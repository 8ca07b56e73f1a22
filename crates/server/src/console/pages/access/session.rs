//! `/access/sessions/{id}`: one session: what it covers, what is left of it, what is done with it, and what was read.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use fiducia_custody::{
    AccessCommand, AccessReply, AccessSessionDetail, AdminCommand, AdminError, EvidenceCommand, Staff,
};
use fiducia_policy::{AccessSessionId, AccessState};
use http::StatusCode;

use super::view::{Moment, SessionView, Viewer, as_of_now, moment};
use super::{APPROVALS, EMERGENCY, ROOM, ask, give, names, staff};
use crate::console::Console;
use crate::console::form::Posted;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::{Member, Shared, Visitor};

/// What can be reported done.
const DONE: [&str; 5] = ["approve", "deny", "withdraw", "end", "review"];

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new().route("/access/sessions/{id}", get(show)).route("/access/sessions/{id}/step", post(step))
}

/// What was said against something, and of what nature it is.
pub(super) struct Against {
    /// The name of the text that says what it means.
    pub(super) means: &'static str,
    /// The use case's own words, in English.
    pub(super) said: String,
    pub(super) status: StatusCode,
}

/// What a refusal of a use case means to whoever wanted something. `nothing` says what was not done.
pub(super) fn against(error: &AdminError, nothing: &'static str) -> Against {
    let (means, status) = match error {
        AdminError::NotFound(_) => (nothing, StatusCode::NOT_FOUND),
        AdminError::Invalid(_) => (nothing, StatusCode::BAD_REQUEST),
        AdminError::Forbidden(_) => (nothing, StatusCode::FORBIDDEN),
        AdminError::Conflict(_) => (nothing, StatusCode::CONFLICT),
        AdminError::TooMuch(_) => (nothing, StatusCode::TOO_MANY_REQUESTS),
        AdminError::Destroyed(_) => ("access-key-gone", StatusCode::GONE),
        AdminError::KeyClosed(closed) => {
            tracing::warn!(problem = closed.code(), "the console met a closed key");
            let (means, status) = ("access-key-closed", StatusCode::SERVICE_UNAVAILABLE);
            return Against { means, said: closed.for_everybody(), status };
        }
        AdminError::Storage(_) => {
            tracing::error!(%error, "the console could not use the store");
            ("access-store-failed", StatusCode::SERVICE_UNAVAILABLE)
        }
    };
    Against { means, said: error.to_string(), status }
}

/// A look that was taken.
struct LookLine {
    at: Moment,
    records: u64,
    sight: Option<&'static str>,
    index: u64,
}

/// What somebody said to their answer.
struct Said {
    who: String,
    at: Moment,
    answer: &'static str,
    /// None while the key to it cannot be used.
    text: Option<String>,
}

#[derive(Template)]
#[template(path = "console/access_session.html")]
struct SessionPage<'a> {
    frame: &'a Frame,
    /// The page that leads here: its path and title.
    back: Option<(&'static str, &'static str)>,
    session: SessionView,
    conversations: Vec<String>,
    said: Vec<Said>,
    looks: Vec<LookLine>,
    /// Whether entries can be shown with their proofs.
    may_see_log: bool,
    done: Option<String>,
    problem: Option<Against>,
}

impl SessionPage<'_> {
    fn may_read(&self) -> bool {
        self.session.part.is_reader && self.session.state == AccessState::Open.name()
    }
}

#[derive(Default, serde::Deserialize)]
struct Shown {
    done: Option<String>,
}

pub(super) fn named(id: &str) -> Result<AccessSessionId, Refusal> {
    id.parse().map_err(|_| Refusal::NotFound)
}

/// Whether somebody may see entries of the log with their proofs.
pub(super) fn may_see_log(staff: &Staff) -> bool {
    let organization = staff.organization();
    staff.may(&AdminCommand::Evidence(EvidenceCommand::Entry { organization, index: 0 }))
}

pub(super) async fn detail(
    console: &Console,
    staff: &Staff,
    session: AccessSessionId,
) -> Result<AccessSessionDetail, Refusal> {
    match ask(console, staff, AccessCommand::Show { session }).await? {
        AccessReply::Detail(detail) => Ok(*detail),
        _ => Err(Refusal::Unavailable),
    }
}

async fn show(
    State(console): Shared,
    Path(id): Path<String>,
    Query(shown): Query<Shown>,
    member: Member,
) -> Result<Response, Refusal> {
    let staff = staff(&member.visitor)?;
    let done = shown.done.filter(|done| DONE.contains(&done.as_str()));
    page(&console, &member.visitor, &staff, (named(&id)?, done, None)).await
}

/// The page of a session, with what was done or what was said against it.
pub(super) async fn page(
    console: &Console,
    visitor: &Visitor,
    staff: &Staff,
    (id, done, problem): (AccessSessionId, Option<String>, Option<Against>),
) -> Result<Response, Refusal> {
    let frame = Frame::new(console, visitor, &format!("/access/sessions/{id}"));
    let detail = match (detail(console, staff, id).await, problem) {
        (Ok(detail), problem) => (detail, problem),
        // Neither the session nor what was wanted of it: what was said against it is said all the same.
        (Err(_), Some(problem)) => {
            return Ok(frame.show(problem.status, &FailedPage { frame: &frame, problem }));
        }
        (Err(refusal), None) => return Err(refusal),
    };
    let (AccessSessionDetail { session, conversations, looks, remarks, .. }, problem) = detail;
    let names = names(console, staff).await?;
    let viewer = Viewer::new(console, &frame, staff, &names);
    let looks = looks.into_iter().map(|look| LookLine {
        at: moment(&frame, look.at),
        records: look.records,
        sight: look.sight.map(fiducia_policy::Sight::name),
        index: look.ledger_index,
    });
    let said = remarks.into_iter().map(|remark| Said {
        who: viewer.name(&remark.by),
        at: moment(&frame, remark.at),
        answer: remark.answer.name(),
        text: remark.text,
    });
    let status = problem.as_ref().map_or(StatusCode::OK, |problem| problem.status);
    let session = viewer.view(&as_of_now(console, session));
    let page = SessionPage {
        frame: &frame,
        back: back(staff, &session),
        session,
        conversations: conversations.iter().map(ToString::to_string).collect(),
        said: said.collect(),
        looks: looks.collect(),
        may_see_log: may_see_log(staff),
        done: done.map(|done| frame.text_of("access-done", done)),
        problem,
    };
    Ok(frame.show(status, &page))
}

/// From where somebody comes to a session, of the pages that they have.
fn back(staff: &Staff, session: &SessionView) -> Option<(&'static str, &'static str)> {
    let pages = if session.is_emergency { [EMERGENCY, ROOM] } else { [ROOM, APPROVALS] };
    let fits = |page: &&super::Page| {
        (page.path != ROOM.path || session.part.is_reader) && (page.is_for)(staff.roles())
    };
    pages.iter().find(fits).map(|page| (page.path, page.title))
}

#[derive(Template)]
#[template(path = "console/access_failed.html")]
struct FailedPage<'a> {
    frame: &'a Frame,
    problem: Against,
}

#[derive(serde::Deserialize)]
struct Wanted {
    step: String,
    /// Why, where it is an answer.
    #[serde(default)]
    remark: String,
}

impl Wanted {
    /// What is done, and how that is called. None where what must be said is missing or is no remark.
    fn command(&self, session: AccessSessionId) -> Result<Option<(&'static str, AccessCommand)>, Refusal> {
        let needed = || self.remark.parse().ok();
        let command = match self.step.as_str() {
            "approve" if self.remark.trim().is_empty() => {
                Some(("approve", AccessCommand::Approve { session, remark: None }))
            }
            "approve" => {
                needed().map(|remark| ("approve", AccessCommand::Approve { session, remark: Some(remark) }))
            }
            "deny" => needed().map(|remark| ("deny", AccessCommand::Deny { session, remark })),
            "withdraw" => Some(("withdraw", AccessCommand::Withdraw { session })),
            "end" => Some(("end", AccessCommand::End { session })),
            "justified" | "not-justified" => {
                let justified = self.step == "justified";
                needed().map(|remark| ("review", AccessCommand::Review { session, justified, remark }))
            }
            _ => return Err(Refusal::Invalid("The form is incomplete.".to_owned())),
        };
        Ok(command)
    }
}

async fn step(
    State(console): Shared,
    Path(id): Path<String>,
    posted: Posted<Wanted>,
) -> Result<Response, Refusal> {
    let Posted { visitor, fields } = posted;
    let staff = staff(&visitor)?;
    let session = named(&id)?;
    let Some((done, command)) = fields.command(session)? else {
        let said = fiducia_policy::NotARemark.to_string();
        let problem = Against { means: "access-remark-missing", said, status: StatusCode::BAD_REQUEST };
        return page(&console, &visitor, &staff, (session, None, Some(problem))).await;
    };
    match give(&console, &staff, command).await? {
        Ok(_) => Ok(Redirect::to(&format!("/access/sessions/{session}?done={done}")).into_response()),
        Err(AdminError::NotFound(_)) => Err(Refusal::NotFound),
        Err(error) => {
            let problem = against(&error, "access-nothing-changed");
            page(&console, &visitor, &staff, (session, None, Some(problem))).await
        }
    }
}
