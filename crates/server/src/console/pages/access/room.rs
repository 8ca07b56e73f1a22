//! `/access`: the reading room. One's own sessions, and how to ask for one.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use fiducia_policy::AccessState;
use http::StatusCode;

use super::view::{SessionView, Viewer};
use super::{ROOM, sessions, staff};
use crate::console::Console;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::{Member, Shared};

/// Sessions that are over and shown.
const OVER_MAX: usize = 20;

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new().route("/access", get(show))
}

#[derive(Template)]
#[template(path = "console/access_room.html")]
struct RoomPage<'a> {
    frame: &'a Frame,
    live: Vec<SessionView>,
    over: Vec<SessionView>,
}

async fn show(State(console): Shared, member: Member) -> Result<Response, Refusal> {
    let staff = staff(&member.visitor)?;
    if !(ROOM.is_for)(staff.roles()) {
        return Err(Refusal::NotFound);
    }
    let frame = Frame::new(&console, &member.visitor, ROOM.path);
    let found = sessions(&console, &staff, false).await?;
    // They are all one's own, so nobody else's name is needed.
    let viewer = Viewer::new(&console, &frame, &staff, &[]);
    let own = |is_live: bool| {
        found
            .iter()
            .filter(|session| staff.part_in(session).is_reader)
            .filter(move |session| is_live == matches!(session.state, AccessState::Asked | AccessState::Open))
            .map(|session| viewer.view(session))
    };
    let page =
        RoomPage { frame: &frame, live: own(true).collect(), over: own(false).take(OVER_MAX).collect() };
    Ok(frame.show(StatusCode::OK, &page))
}
