//! `/access/emergency`: what an emergency is for and costs, how to ask in one, and what is to be reviewed.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;

use super::asking::{AskForm, Problem, Typed, asked};
use super::view::{SessionView, Viewer};
use super::{EMERGENCY, ask_for_something, may, names, sessions, staff};
use crate::console::Console;
use crate::console::form::Posted;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::{Member, Shared, Visitor};

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new().route("/access/emergency", get(show).post(send))
}

#[derive(Template)]
#[template(path = "console/access_emergency.html")]
struct EmergencyPage<'a> {
    frame: &'a Frame,
    /// What may be asked; none for whoever reviews alone, or whose own review is overdue.
    form: Option<AskForm<'a>>,
    problem: Option<Problem>,
    minutes_max: u32,
    records_max: usize,
    review_days: u32,
    is_blocked: bool,
    /// One's own that wait or are open.
    own: Vec<SessionView>,
    /// Those whose review is due.
    due: Vec<SessionView>,
}

async fn show(State(console): Shared, member: Member) -> Result<Response, Refusal> {
    page(&console, &member.visitor, &Typed::default(), (StatusCode::OK, None)).await
}

async fn page(
    console: &Console,
    visitor: &Visitor,
    typed: &Typed,
    (status, problem): (StatusCode, Option<Problem>),
) -> Result<Response, Refusal> {
    let staff = staff(visitor)?;
    if !(EMERGENCY.is_for)(staff.roles()) {
        return Err(Refusal::NotFound);
    }
    let frame = Frame::new(console, visitor, EMERGENCY.path);
    let names = names(console, &staff).await?;
    let viewer = Viewer::new(console, &frame, &staff, &names);
    let live = sessions(console, &staff, true).await?;
    let views = live.iter().filter(|session| session.breaks_glass()).map(|session| viewer.view(session));
    let (due, others): (Vec<_>, Vec<_>) = views.partition(|view: &SessionView| view.review_by.is_some());
    let limits = &viewer.limits;
    let minutes_max = limits.break_glass_seconds_max.min(limits.session_seconds_max) / 60;
    let is_blocked = due.iter().any(|view| view.part.is_reader && view.is_overdue);
    let may_ask = may(staff.roles(), ask_for_something());
    let page = EmergencyPage {
        frame: &frame,
        form: (may_ask && !is_blocked).then_some(AskForm { typed, minutes_max, is_emergency: true }),
        problem,
        minutes_max,
        records_max: limits.break_glass_records_max,
        review_days: limits.review_seconds / 86_400,
        is_blocked,
        own: others.into_iter().filter(|view| view.part.is_reader).collect(),
        due: due.into_iter().filter(|view| view.part.sees).collect(),
    };
    Ok(frame.show(status, &page))
}

async fn send(State(console): Shared, posted: Posted<Typed>) -> Result<Response, Refusal> {
    let Posted { visitor, fields } = posted;
    let staff = staff(&visitor)?;
    match asked(&console, &staff, &fields, true).await? {
        Ok(response) => Ok(response),
        Err(problem) => page(&console, &visitor, &fields, (StatusCode::BAD_REQUEST, Some(problem))).await,
    }
}
