//! `/preferences`: language and appearance, kept in the browser, and in the account of whoever is signed in.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use fiducia_custody::{AccountCommand, AdminCommand, Appearance};
use http::header;

use super::{Page, next_path, nobody};
use crate::console::form::Posted;
use crate::console::refusal::Refusal;
use crate::console::texts::Language;
use crate::console::visitor::Shared;
use crate::console::{Console, cookies};

pub(super) const PAGE: Page = Page {
    path: "/preferences",
    title: "preferences-title",
    is_for: nobody,
    routes: || Router::<Arc<Console>>::new().route("/preferences", post(prefer)),
};

/// What is not named stays; a name that is none leaves the choice to the browser.
#[derive(serde::Deserialize)]
struct Preferences {
    language: Option<String>,
    appearance: Option<String>,
    next: Option<String>,
}

async fn prefer(State(console): Shared, posted: Posted<Preferences>) -> Result<Response, Refusal> {
    let Posted { visitor, fields } = posted;
    let language = fields.language.as_deref().map(Language::tagged);
    let appearance = fields.appearance.as_deref().map(Appearance::named);
    if let Some(signed_in) = &visitor.signed_in {
        let account = &signed_in.account;
        let kept = account.language.clone();
        let command = AccountCommand::Prefer {
            account: account.id,
            language: language.map_or(kept, |chosen| chosen.map(|chosen| chosen.tag().to_owned())),
            appearance: appearance.unwrap_or(account.appearance),
        };
        console.ask(move |custody| custody.administer(AdminCommand::Account(command))).await??;
    }
    let mut response = Redirect::to(next_path(fields.next.as_deref())).into_response();
    let chosen = [
        (cookies::LANGUAGE, language.map(|chosen| chosen.map(Language::tag))),
        (cookies::APPEARANCE, appearance.map(|chosen| chosen.map(Appearance::name))),
    ];
    for (name, chosen) in chosen {
        let cookie = match chosen {
            None => None,
            Some(Some(value)) => cookies::set(&console.site, name, value, Some(cookies::YEAR_SECONDS)),
            Some(None) => cookies::clear(&console.site, name),
        };
        if let Some(cookie) = cookie {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    Ok(response)
}
