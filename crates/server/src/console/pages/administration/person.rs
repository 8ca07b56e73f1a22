//! `/administration/people/{id}`: one person: account basics, choices, requests, and how much is held and why, in counts.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use fiducia_custody::{ConsentCommand, ConsentReply, ConsentRow, PeopleCommand, PeopleReply, PersonDetail};
use fiducia_policy::SubjectId;
use http::StatusCode;

use super::super::evidence::sees_keys;
use super::{PEOPLE, consent, people_of, staff, taking_in};
use crate::console::Console;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::{Member, Shared};

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new().route("/administration/people/{id}", get(show))
}

#[derive(Template)]
#[template(path = "console/administration_person.html")]
struct PersonPage<'a> {
    frame: &'a Frame,
    detail: &'a PersonDetail,
    standings: &'a [ConsentRow],
    may_take_in: bool,
    may_see_keys: bool,
}

async fn show(State(console): Shared, Path(id): Path<String>, member: Member) -> Result<Response, Refusal> {
    let staff = staff(&member.visitor)?;
    let subject: SubjectId = id.parse().map_err(|_| Refusal::NotFound)?;
    let PeopleReply::Person(detail) = people_of(&console, &staff, PeopleCommand::Show { subject }).await?
    else {
        return Err(Refusal::Unavailable);
    };
    let standings = match detail.row.erased_at {
        // Who was erased has no standing any more.
        Some(_) => Vec::new(),
        None => match consent(&console, &staff, ConsentCommand::Show { subject }).await? {
            ConsentReply::Standings(rows) => rows,
            _ => return Err(Refusal::Unavailable),
        },
    };
    let frame = Frame::new(&console, &member.visitor, PEOPLE.path);
    let page = PersonPage {
        frame: &frame,
        detail: &detail,
        standings: &standings,
        may_see_keys: sees_keys(staff.roles()),
        may_take_in: taking_in::may_take_in(&staff) && detail.row.erased_at.is_none(),
    };
    Ok(frame.show(StatusCode::OK, &page))
}
