//! `/access/new` and the form of an emergency: asking for a session.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use fiducia_custody::{AccessCommand, AccessReply, AccessRequest, AdminError, Staff};
use fiducia_policy::{AccessReason, AccessScope, GroundKind};
use http::StatusCode;

use super::{ROOM, give, staff};
use crate::console::Console;
use crate::console::form::Posted;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::{Member, Shared, Visitor};

/// The longest session that a form asks for, in minutes.
const MINUTES_MAX: u32 = 24 * 60;

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new().route("/access/new", get(begin).post(send))
}

/// What was typed.
#[derive(Clone, serde::Deserialize)]
pub(super) struct Typed {
    /// A conversation, a case, a hold or records.
    #[serde(default)]
    pub(super) what: String,
    /// Their ids.
    #[serde(default)]
    pub(super) ids: String,
    #[serde(default)]
    pub(super) reason: String,
    #[serde(default)]
    pub(super) ticket: String,
    #[serde(default)]
    pub(super) ground: String,
    #[serde(default)]
    pub(super) minutes: String,
}

impl Default for Typed {
    fn default() -> Self {
        let nothing = String::new;
        Self {
            what: nothing(),
            ids: nothing(),
            reason: nothing(),
            ticket: nothing(),
            ground: nothing(),
            minutes: "15".to_owned(),
        }
    }
}

/// What is not right about what was typed.
pub(super) enum Problem {
    /// The page's own words, by the name of the text.
    Named(&'static str),
    /// The use case's, in English.
    Said(String),
}

/// The form, as a part of a page.
pub(super) struct AskForm<'a> {
    pub(super) typed: &'a Typed,
    pub(super) minutes_max: u32,
    pub(super) is_emergency: bool,
}

impl AskForm<'_> {
    #[expect(clippy::unused_self, reason = "templates call it as a method")]
    pub(super) fn reasons(&self) -> Vec<&'static str> {
        // That of the compliance program is nobody's who signs in.
        let reasons = AccessReason::ALL.into_iter();
        reasons
            .filter(|reason| *reason != AccessReason::OrganizationCompliance)
            .map(AccessReason::name)
            .collect()
    }

    #[expect(clippy::unused_self, reason = "templates call it as a method")]
    pub(super) fn grounds(&self) -> Vec<&'static str> {
        GroundKind::ALL.into_iter().map(GroundKind::name).collect()
    }

    /// What a session can be about. An emergency is about little.
    pub(super) fn kinds(&self) -> Vec<&'static str> {
        if self.is_emergency {
            vec!["conversation", "records"]
        } else {
            vec!["case", "hold", "conversation", "records"]
        }
    }
}

/// What is asked for, or what is not right about it.
pub(super) fn request(typed: &Typed, break_glass: bool) -> Result<AccessRequest, Problem> {
    let reason = typed.reason.parse().map_err(|_| Problem::Named("access-ask-reason-missing"))?;
    let minutes: u32 = typed
        .minutes
        .trim()
        .parse()
        .ok()
        .filter(|minutes| (1..=MINUTES_MAX).contains(minutes))
        .ok_or(Problem::Named("access-ask-minutes-unfit"))?;
    let ground = match typed.ground.as_str() {
        "" => None,
        name => Some(name.parse().map_err(|_| Problem::Named("access-ask-ground-unfit"))?),
    };
    Ok(AccessRequest {
        scope: scope(typed).ok_or(Problem::Named("access-ask-ids-unfit"))?,
        reason,
        ticket: typed.ticket.trim().to_owned(),
        ground,
        seconds: Some(minutes.saturating_mul(60)),
        break_glass,
    })
}

fn scope(typed: &Typed) -> Option<AccessScope> {
    let mut ids = typed.ids.split(|c: char| c.is_whitespace() || c == ',').filter(|id| !id.is_empty());
    if typed.what == "records" {
        let records: Option<Vec<_>> = ids.map(|id| id.parse().ok()).collect();
        return records.filter(|records| !records.is_empty()).map(AccessScope::Records);
    }
    let (one, more) = (ids.next()?, ids.next());
    if more.is_some() {
        return None;
    }
    match typed.what.as_str() {
        "conversation" => one.parse().ok().map(AccessScope::Conversation),
        "case" => one.parse().ok().map(AccessScope::Case),
        "hold" => one.parse().ok().map(AccessScope::Hold),
        _ => None,
    }
}

/// Asks, and leads to the session; or says what is not right.
pub(super) async fn asked(
    console: &Console,
    staff: &Staff,
    typed: &Typed,
    break_glass: bool,
) -> Result<Result<Response, Problem>, Refusal> {
    let request = match request(typed, break_glass) {
        Ok(request) => request,
        Err(problem) => return Ok(Err(problem)),
    };
    match give(console, staff, AccessCommand::Ask { request }).await? {
        Ok(AccessReply::Session(session)) => {
            Ok(Ok(Redirect::to(&format!("/access/sessions/{}", session.id)).into_response()))
        }
        Ok(_) => Err(Refusal::Unavailable),
        Err(
            error @ (AdminError::NotFound(_)
            | AdminError::Invalid(_)
            | AdminError::Forbidden(_)
            | AdminError::Conflict(_)
            | AdminError::Destroyed(_)),
        ) => Ok(Err(Problem::Said(error.to_string()))),
        Err(error) => Err(error.into()),
    }
}

#[derive(Template)]
#[template(path = "console/access_new.html")]
struct NewPage<'a> {
    frame: &'a Frame,
    form: AskForm<'a>,
    problem: Option<Problem>,
}

fn page(
    console: &Console,
    visitor: &Visitor,
    typed: &Typed,
    (status, problem): (StatusCode, Option<Problem>),
) -> Response {
    let frame = Frame::new(console, visitor, "/access/new");
    let minutes_max = console.custody.access_limits().session_seconds_max / 60;
    let form = AskForm { typed, minutes_max, is_emergency: false };
    frame.show(status, &NewPage { frame: &frame, form, problem })
}

async fn begin(State(console): Shared, member: Member) -> Result<Response, Refusal> {
    let staff = staff(&member.visitor)?;
    if !(ROOM.is_for)(staff.roles()) {
        return Err(Refusal::NotFound);
    }
    Ok(page(&console, &member.visitor, &Typed::default(), (StatusCode::OK, None)))
}

async fn send(State(console): Shared, posted: Posted<Typed>) -> Result<Response, Refusal> {
    let Posted { visitor, fields } = posted;
    let staff = staff(&visitor)?;
    match asked(&console, &staff, &fields, false).await? {
        Ok(response) => Ok(response),
        Err(problem) => Ok(page(&console, &visitor, &fields, (StatusCode::BAD_REQUEST, Some(problem)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(what: &str, ids: &str) -> Typed {
        Typed { what: what.to_owned(), ids: ids.to_owned(), ..Typed::default() }
    }

    #[test]
    fn what_is_typed_becomes_a_scope_or_is_refused() {
        let record = fiducia_policy::RecordId::from_bytes([7; 16]);
        let conversation = fiducia_policy::ConversationId::from_bytes([7; 16]);
        let check = |what: &str, ids: &str, expect: Option<AccessScope>| {
            assert_eq!(scope(&typed(what, ids)), expect, "{what}: {ids}");
        };
        check("records", &format!(" {record},\n{record} "), Some(AccessScope::Records(vec![record, record])));
        check("conversation", &conversation.to_string(), Some(AccessScope::Conversation(conversation)));
        check("conversation", &format!("{conversation} {conversation}"), None);
        check("conversation", &record.to_string(), None);
        for what in ["records", "case", "hold", "request", ""] {
            check(what, "", None);
            check(what, "<script>", None);
        }
    }
}
