//! `/sign-out`: ends the session, in the store and in the browser.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use fiducia_custody::{AccountCommand, AdminCommand};
use http::{HeaderName, HeaderValue, header};

use super::{Page, nobody};
use crate::console::form::Posted;
use crate::console::refusal::Refusal;
use crate::console::visitor::Shared;
use crate::console::{Console, cookies};

pub(super) const PAGE: Page = Page {
    path: "/sign-out",
    title: "sign-out",
    is_for: nobody,
    routes: || Router::<Arc<Console>>::new().route("/sign-out", post(sign_out)),
};

#[derive(serde::Deserialize)]
struct Asked {
    /// `everywhere` ends every session of the account.
    scope: Option<String>,
}

async fn sign_out(State(console): Shared, posted: Posted<Asked>) -> Result<Response, Refusal> {
    let Some(signed_in) = posted.visitor.signed_in else {
        return Ok(Redirect::to("/sign-in").into_response());
    };
    let account = signed_in.account.id;
    let command = match posted.fields.scope.as_deref() {
        Some("everywhere") => AccountCommand::EndSessions { account, except: None },
        _ => AccountCommand::EndSession { account, session: signed_in.session.id },
    };
    console.ask(move |custody| custody.administer(AdminCommand::Account(command))).await??;
    let mut response = Redirect::to("/sign-in").into_response();
    if let Some(cookie) = cookies::clear(&console.site, cookies::SESSION) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    let clear = (HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\""));
    response.headers_mut().extend([clear]);
    Ok(response)
}
