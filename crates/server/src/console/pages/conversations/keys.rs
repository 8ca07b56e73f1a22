//! `/conversations/{id}/keys`: from which keys a conversation of one's own hangs, and from which it hung.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use fiducia_custody::{AdminReply, EvidenceReply, PersonalCommand};
use http::StatusCode;

use super::super::evidence::{GraphView, graph_view};
use crate::console::centre::{Own, unexpected};
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::Shared;

#[derive(Template)]
#[template(path = "console/centre_keys.html")]
struct KeysPage<'a> {
    frame: &'a Frame,
    id: String,
    view: GraphView,
}

pub(super) async fn show(
    State(console): Shared,
    Path(id): Path<String>,
    own: Own,
) -> Result<Response, Refusal> {
    let conversation = id.parse().map_err(|_| Refusal::NotFound)?;
    let AdminReply::Evidence(EvidenceReply::KeyGraph(graph)) =
        console.personally(&own.who, PersonalCommand::KeyGraph { conversation }).await?
    else {
        return Err(unexpected());
    };
    let frame = Frame::new(&console, &own.visitor, &format!("/conversations/{id}/keys"));
    let page =
        KeysPage { view: graph_view(&frame, &graph), frame: &frame, id: graph.conversation.to_string() };
    Ok(frame.show(StatusCode::OK, &page))
}
