//! `/requests/new`: what one can ask for, in plain words, and sending it.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use fiducia_custody::{AdminReply, PersonalCommand, PersonalRequest, RightsReply};
use fiducia_policy::{ConversationId, RequestKind};
use http::StatusCode;

use crate::console::centre::{Own, oneself, unexpected};
use crate::console::form::Posted;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::Shared;

#[derive(Template)]
#[template(path = "console/centre_asking.html")]
struct AskingPage<'a> {
    frame: &'a Frame,
    /// Every kind: its name, its title and what it means.
    kinds: Vec<(&'static str, String, String)>,
    /// The kind that was chosen: its name, its title and what it means.
    chosen: Option<(&'static str, String, String)>,
    conversation: String,
    key: String,
}

#[derive(Default, serde::Deserialize)]
pub(super) struct Asked {
    kind: Option<String>,
    conversation: Option<String>,
}

pub(super) async fn show(
    State(console): Shared,
    Query(asked): Query<Asked>,
    own: Own,
) -> Result<Response, Refusal> {
    let frame = Frame::new(&console, &own.visitor, "/requests/new");
    let described = |kind: RequestKind| {
        let title = frame.text(&format!("centre-request-{kind}"));
        (kind.name(), title, frame.text(&format!("centre-request-about-{kind}")))
    };
    let chosen = asked.kind.as_deref().and_then(|kind| kind.parse::<RequestKind>().ok());
    let conversation = asked.conversation.as_deref().and_then(|id| id.parse::<ConversationId>().ok());
    let page = AskingPage {
        frame: &frame,
        kinds: RequestKind::ALL.into_iter().map(described).collect(),
        chosen: chosen.map(described),
        conversation: conversation.map(|id| id.to_string()).unwrap_or_default(),
        key: console.form_key()?,
    };
    Ok(frame.show(StatusCode::OK, &page))
}

#[derive(serde::Deserialize)]
pub(super) struct Sent {
    kind: String,
    key: String,
    statement: Option<String>,
    conversation: Option<String>,
}

pub(super) async fn send(State(console): Shared, posted: Posted<Sent>) -> Result<Response, Refusal> {
    let who = oneself(&posted.visitor)?;
    let Sent { kind, key, statement, conversation } = posted.fields;
    let unreadable = || Refusal::Invalid("The form is incomplete.".to_owned());
    let kind: RequestKind = kind.parse().map_err(|_| unreadable())?;
    let is_correction = kind == RequestKind::Correction;
    let statement =
        statement.map(|text| text.trim().to_owned()).filter(|text| is_correction && !text.is_empty());
    let conversation = conversation.filter(|id| is_correction && !id.is_empty());
    let conversation = conversation
        .map(|id| id.trim().parse())
        .transpose()
        .map_err(|_| Refusal::Invalid("That is not the number of a chat of yours.".to_owned()))?;
    let request = PersonalRequest {
        kind,
        regimes: Vec::new(),
        submission: key,
        conversation,
        statement,
        new_name: None,
        grounds: Vec::new(),
    };
    match console.personally(&who, PersonalCommand::OpenRequest(request)).await? {
        AdminReply::Rights(RightsReply::Opened { request, .. }) => {
            Ok(Redirect::to(&format!("/requests/{}?done=sent", request.id)).into_response())
        }
        _ => Err(unexpected()),
    }
}
