//! `/administration/people`: finding a person by the application's own name for them, and everybody, a page at a time.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use fiducia_custody::{PeopleCommand, PeopleReply, PersonRow};
use fiducia_policy::{OrganizationId, SubjectId};
use http::StatusCode;

use super::{PEOPLE, ROWS_PER_PAGE, as_problem, people_of, staff};
use crate::console::Console;
use crate::console::form::Posted;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::{Member, Shared, Visitor};

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new().route("/administration/people", get(list)).route("/administration/people/find", post(find))
}

#[derive(Template)]
#[template(path = "console/administration_people.html")]
struct PeoplePage<'a> {
    frame: &'a Frame,
    rows: &'a [PersonRow],
    /// From whom the next page goes on.
    next: Option<SubjectId>,
    is_first: bool,
    problem: Option<String>,
}

#[derive(Default, serde::Deserialize)]
struct Asked {
    before: Option<String>,
}

async fn list(
    State(console): Shared,
    Query(asked): Query<Asked>,
    member: Member,
) -> Result<Response, Refusal> {
    let before = asked.before.map(|text| text.parse()).transpose().map_err(|_| Refusal::NotFound)?;
    page(&console, &member.visitor, before, (StatusCode::OK, None)).await
}

async fn page(
    console: &Console,
    visitor: &Visitor,
    before: Option<SubjectId>,
    (status, problem): (StatusCode, Option<String>),
) -> Result<Response, Refusal> {
    let staff = staff(visitor)?;
    // One more than is shown says whether there is another page.
    let limit = ROWS_PER_PAGE.saturating_add(1);
    let command = PeopleCommand::List { organization: OrganizationId::from_bytes([0; 16]), before, limit };
    let PeopleReply::People(mut rows) = people_of(console, &staff, command).await? else {
        return Err(Refusal::Unavailable);
    };
    let shown = usize::try_from(ROWS_PER_PAGE).unwrap_or(usize::MAX);
    let has_more = rows.len() > shown;
    rows.truncate(shown);
    let frame = Frame::new(console, visitor, PEOPLE.path);
    let page = PeoplePage {
        frame: &frame,
        next: rows.last().map(|row| row.id).filter(|_| has_more),
        rows: &rows,
        is_first: before.is_none(),
        problem,
    };
    Ok(frame.show(status, &page))
}

/// A form, so that nobody's name stands in an address, a history or a log.
#[derive(serde::Deserialize)]
struct Wanted {
    name: String,
}

async fn find(State(console): Shared, posted: Posted<Wanted>) -> Result<Response, Refusal> {
    let Posted { visitor, fields } = posted;
    let staff = staff(&visitor)?;
    let frame = Frame::new(&console, &visitor, PEOPLE.path);
    let organization = OrganizationId::from_bytes([0; 16]);
    let command = PeopleCommand::Find { organization, name: fields.name.trim().to_owned() };
    let (status, problem) = match people_of(&console, &staff, command).await {
        Ok(PeopleReply::Found(Some(subject))) => {
            return Ok(Redirect::to(&format!("/administration/people/{subject}")).into_response());
        }
        Ok(_) => (StatusCode::NOT_FOUND, frame.text("admin-people-nobody")),
        Err(refusal) => {
            (StatusCode::BAD_REQUEST, as_problem(refusal).map(|_| frame.text("admin-people-name-unfit"))?)
        }
    };
    page(&console, &visitor, None, (status, Some(problem))).await
}
