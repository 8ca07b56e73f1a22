//! `/`: who is signed in, what for, and where to go.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use fiducia_custody::AccountRow;
use fiducia_policy::Role;
use http::StatusCode;

use super::{Page, everyone};
use crate::console::Console;
use crate::console::frame::Frame;
use crate::console::visitor::{Member, PrivacyControl, Shared};

pub(super) const PAGE: Page = Page {
    path: "/",
    title: "home-title",
    is_for: everyone,
    routes: || Router::<Arc<Console>>::new().route("/", get(show)),
};

#[derive(Template)]
#[template(path = "console/home.html")]
struct HomePage<'a> {
    frame: &'a Frame,
    account: &'a AccountRow,
    /// Whether the privacy signal is recorded with the person.
    recorded: bool,
}

impl HomePage<'_> {
    fn roles(&self) -> Vec<(String, String)> {
        let roles = self.account.roles.roles().iter();
        let text = |role: &Role, kind: &str| self.frame.text(&format!("{kind}-{}", role.name()));
        roles.map(|role| (text(role, "role"), text(role, "role-about"))).collect()
    }
}

async fn show(State(console): Shared, member: Member) -> Response {
    let frame = Frame::new(&console, &member.visitor, "/");
    let recorded = member.visitor.privacy_control == PrivacyControl::Recorded;
    frame.show(StatusCode::OK, &HomePage { frame: &frame, account: &member.account, recorded })
}
