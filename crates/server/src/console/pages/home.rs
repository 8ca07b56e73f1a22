//! `/`: who is signed in, what for, and where to go.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use fiducia_custody::AccountRow;
use fiducia_policy::Role;
use http::{HeaderMap, StatusCode, header};

use super::{Page, everyone};
use crate::console::centre::{oneself, people};
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::{Member, PrivacyControl, Shared};
use crate::console::{Console, cookies};

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
    /// Whether conversations of theirs may be kept here.
    is_person: bool,
}

impl HomePage<'_> {
    fn roles(&self) -> Vec<(String, String)> {
        let roles = self.account.roles.members().iter();
        let text = |role: &Role, kind: &str| self.frame.text(&format!("{kind}-{}", role.name()));
        roles.map(|role| (text(role, "role"), text(role, "role-about"))).collect()
    }
}

async fn show(State(console): Shared, headers: HeaderMap, member: Member) -> Result<Response, Refusal> {
    if let Ok(who) = oneself(&member.visitor) {
        let seen = cookies::read(&headers, &console.site.cookie(cookies::ASKED)).map(str::to_owned);
        let unmet = console.unmet_question(&who, member.visitor.language, seen).await?;
        if let Some((way, mark)) = unmet {
            let mut response = Redirect::to(way).into_response();
            let remembered = mark.and_then(|mark| {
                cookies::set(&console.site, cookies::ASKED, &mark, Some(cookies::YEAR_SECONDS))
            });
            if let Some(cookie) = remembered {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            return Ok(response);
        }
    }
    let frame = Frame::new(&console, &member.visitor, "/");
    let recorded = member.visitor.privacy_control == PrivacyControl::Recorded;
    let is_person = people(&member.account.roles);
    let page = HomePage { frame: &frame, account: &member.account, recorded, is_person };
    Ok(frame.show(StatusCode::OK, &page))
}
