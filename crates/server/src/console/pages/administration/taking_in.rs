//! `/administration/requests/new`: a request that reached the staff by letter, telephone or an agent is taken in for a person.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fiducia_custody::{
    AdminCommand, Agent, Mandate, NewRequest, PeopleCommand, PeopleReply, RightsCommand, RightsReply, Staff,
};
use fiducia_policy::{OrganizationId, Regime, RequestKind, RightsRequestId, SubjectId};
use http::StatusCode;

use super::{REQUESTS, as_problem, day, people_of, rights, staff, typed};
use crate::console::Console;
use crate::console::form::Posted;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::{Member, Shared, Visitor};

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new().route("/administration/requests/new", get(begin).post(take_in))
}

/// Whether somebody may take requests in.
pub(super) fn may_take_in(staff: &Staff) -> bool {
    // Any request will do: whose it is does not decide.
    staff.may(&AdminCommand::Rights(RightsCommand::Show { request: RightsRequestId::from_bytes([0; 16]) }))
}

#[derive(Default, serde::Deserialize)]
struct Typed {
    /// The person's id, where the form was reached from the person's page.
    #[serde(default)]
    subject: String,
    /// The application's own name for the person, where not.
    #[serde(default)]
    name: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    law: String,
    #[serde(default)]
    received_on: String,
    #[serde(default)]
    statement: String,
    #[serde(default)]
    new_name: String,
    #[serde(default)]
    agent: String,
    #[serde(default)]
    evidence: String,
    #[serde(default)]
    mandate_from: String,
    #[serde(default)]
    mandate_until: String,
    /// Made with the form: the same form makes one request, however often it is sent.
    #[serde(default)]
    submission: String,
}

#[derive(Template)]
#[template(path = "console/administration_taking_in.html")]
struct TakingInPage<'a> {
    frame: &'a Frame,
    typed: &'a Typed,
    problem: Option<String>,
}

impl TakingInPage<'_> {
    #[expect(clippy::unused_self, reason = "templates call it as a method")]
    fn kinds(&self) -> [RequestKind; 8] {
        RequestKind::ALL
    }

    #[expect(clippy::unused_self, reason = "templates call it as a method")]
    fn regimes(&self) -> [Regime; 5] {
        Regime::ALL
    }
}

#[derive(Default, serde::Deserialize)]
struct About {
    subject: Option<SubjectIdText>,
}

/// A person's id in an address; anything else is ignored.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct SubjectIdText(String);

async fn begin(
    State(console): Shared,
    Query(about): Query<About>,
    member: Member,
) -> Result<Response, Refusal> {
    let staff = staff(&member.visitor)?;
    if !may_take_in(&staff) {
        return Err(Refusal::NotFound);
    }
    let subject = about.subject.and_then(|SubjectIdText(text)| text.parse::<SubjectId>().ok());
    let typed = Typed {
        subject: subject.map(|subject| subject.to_string()).unwrap_or_default(),
        submission: URL_SAFE_NO_PAD.encode(console.fresh_secret()?),
        ..Typed::default()
    };
    Ok(page(&console, &member.visitor, &typed, StatusCode::OK, None))
}

fn page(
    console: &Console,
    visitor: &Visitor,
    typed: &Typed,
    status: StatusCode,
    problem: Option<String>,
) -> Response {
    let frame = Frame::new(console, visitor, REQUESTS.path);
    frame.show(status, &TakingInPage { frame: &frame, typed, problem })
}

async fn take_in(State(console): Shared, posted: Posted<Typed>) -> Result<Response, Refusal> {
    let Posted { visitor, fields } = posted;
    let staff = staff(&visitor)?;
    let frame = Frame::new(&console, &visitor, REQUESTS.path);
    let again =
        |problem: String| Ok(page(&console, &visitor, &fields, StatusCode::BAD_REQUEST, Some(problem)));
    let subject = match whom(&console, &staff, &fields).await {
        Ok(Some(subject)) => subject,
        Ok(None) => return again(frame.text("admin-people-nobody")),
        Err(refusal) => return again(as_problem(refusal)?),
    };
    let request = match request(&fields, subject) {
        Ok(request) => request,
        Err(name) => return again(frame.text(name)),
    };
    let command = RightsCommand::Open { request: Box::new(request) };
    match rights(&console, &staff, command).await {
        Ok(RightsReply::Opened { request, .. }) => {
            Ok(Redirect::to(&format!("/administration/requests/{}?done=opened", request.id)).into_response())
        }
        Ok(_) => Err(Refusal::Unavailable),
        Err(refusal) => again(as_problem(refusal)?),
    }
}

async fn whom(console: &Console, staff: &Staff, fields: &Typed) -> Result<Option<SubjectId>, Refusal> {
    if let Some(subject) = typed(&fields.subject) {
        return subject.parse().map(Some).map_err(|_| Refusal::NotFound);
    }
    // The organisation is the member of staff's own, whatever stands here.
    let organization = OrganizationId::from_bytes([0; 16]);
    let name = fields.name.trim().to_owned();
    match people_of(console, staff, PeopleCommand::Find { organization, name }).await? {
        PeopleReply::Found(found) => Ok(found),
        _ => Err(Refusal::Unavailable),
    }
}

/// The request that was typed, or the name of the text that says what it lacks.
fn request(fields: &Typed, subject: SubjectId) -> Result<NewRequest, &'static str> {
    let kind: RequestKind = fields.kind.parse().map_err(|_| "admin-taking-in-kind-missing")?;
    let regimes = match typed(&fields.law) {
        Some(law) => vec![law.parse().map_err(|_| "admin-taking-in-law-unknown")?],
        None => Vec::new(),
    };
    let received_at = match typed(&fields.received_on) {
        Some(text) => Some(day(&text).ok_or("admin-taking-in-day-unfit")?),
        None => None,
    };
    let agent = match typed(&fields.agent) {
        Some(name) => Some(Agent { name, mandate: mandate(fields, kind)? }),
        None => None,
    };
    Ok(NewRequest {
        subject,
        kind,
        regimes,
        submission: fields.submission.clone(),
        received_at,
        agent,
        conversation: None,
        statement: typed(&fields.statement),
        new_name: typed(&fields.new_name),
        grounds: Vec::new(),
        actor: String::new(),
    })
}

/// What shows that an agent may ask: the digest of a paper that is not kept, and for how long it holds.
fn mandate(fields: &Typed, kind: RequestKind) -> Result<Option<Mandate>, &'static str> {
    let Some(evidence) = typed(&fields.evidence) else { return Ok(None) };
    let from = day(&fields.mandate_from).ok_or("admin-taking-in-day-unfit")?;
    let until = match typed(&fields.mandate_until) {
        Some(text) => Some(day(&text).ok_or("admin-taking-in-day-unfit")?),
        None => None,
    };
    Ok(Some(Mandate { evidence_sha256: evidence, covers: vec![kind], from, until }))
}
