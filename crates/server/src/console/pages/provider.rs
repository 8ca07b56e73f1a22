//! `/sign-in/provider/{name}` and `/sign-in/return/{name}`: to an OpenID Connect provider and back.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use fiducia_custody::SignInRefused;
use http::{HeaderMap, header};

use super::{Page, go_on, next_path, nobody};
use crate::console::ceremonies::Asked;
use crate::console::refusal::Refusal;
use crate::console::visitor::{Shared, Visitor};
use crate::console::{Console, cookies};

pub(super) const PAGE: Page = Page {
    path: "/sign-in/provider",
    title: "sign-in-title",
    is_for: nobody,
    routes: || {
        Router::<Arc<Console>>::new()
            .route("/sign-in/provider/{name}", get(depart))
            .route("/sign-in/return/{name}", get(arrive))
    },
};

#[derive(serde::Deserialize)]
struct Departing {
    next: Option<String>,
}

#[derive(serde::Deserialize)]
struct Arriving {
    state: Option<String>,
    code: Option<String>,
    iss: Option<String>,
}

/// Leads to the provider. A link rather than a form: browsers hold a form's redirect to `form-action`, and where a provider
/// wants its guests is known only when it is asked. Links on other sites lead nowhere.
async fn depart(
    State(console): Shared,
    Path(name): Path<String>,
    Query(departing): Query<Departing>,
    headers: HeaderMap,
    visitor: Visitor,
) -> Result<Response, Refusal> {
    let next = next_path(departing.next.as_deref());
    if visitor.signed_in.is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    let site = headers.get("sec-fetch-site").map(http::HeaderValue::as_bytes);
    if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return Err(Refusal::Foreign);
    }
    let provider =
        console.providers.iter().find(|provider| provider.name == name).ok_or(Refusal::NotFound)?;
    match provider.depart(visitor.secret, next.to_owned(), &*console.randomness).await {
        Ok(departure) => {
            let now = console.now();
            console.departures().ask(Asked::Provider(departure.state), now, departure.luggage);
            let mut response = Redirect::to(departure.url.as_str()).into_response();
            if let Some(cookie) = visitor
                .is_new
                .then(|| cookies::set_secret(&console.site, cookies::VISIT, &visitor.secret, None))
                .flatten()
            {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            Ok(response)
        }
        Err(error) => {
            tracing::error!(provider = name, %error, "nobody can sign in at a provider");
            Ok(back("provider-failed"))
        }
    }
}

/// Takes in whoever comes back.
async fn arrive(
    State(console): Shared,
    Path(name): Path<String>,
    Query(arriving): Query<Arriving>,
    visitor: Visitor,
) -> Result<Response, Refusal> {
    if visitor.signed_in.is_some() {
        return Ok(Redirect::to("/").into_response());
    }
    let state = arriving.state.ok_or(Refusal::FormExpired)?;
    let luggage = console.departures().answer(&Asked::Provider(state), console.now());
    let luggage = luggage.filter(|luggage| luggage.provider == name).ok_or(Refusal::FormExpired)?;
    // Somebody who was made to follow another's link would be signed in as that other.
    verify_slices_are_equal(&luggage.visit, &visitor.secret).map_err(|_| Refusal::FormExpired)?;
    let provider =
        console.providers.iter().find(|provider| provider.name == name).ok_or(Refusal::NotFound)?;
    // Without a code the provider says why not: mostly that the person went no further.
    let Some(code) = arriving.code else { return Ok(back("provider-failed")) };
    let next = luggage.next.clone();
    let identity = match provider.arrive(code, arriving.iss.as_deref(), luggage).await {
        Ok(identity) => identity,
        Err(error) => {
            tracing::warn!(provider = name, %error, "a provider's answer was not accepted");
            return Ok(back("provider-failed"));
        }
    };
    let attempt = console.attempt(&visitor);
    match console.ask(move |custody| custody.sign_in_with_provider(&identity, &attempt)).await? {
        Ok(session) => Ok(go_on(&console, &session, &next)),
        Err(SignInRefused::Unlinked) => Ok(back("unlinked")),
        Err(SignInRefused::Disabled) => Ok(back("disabled")),
        Err(error) => {
            tracing::error!(provider = name, %error, "signing in by a provider failed");
            Err(Refusal::Unavailable)
        }
    }
}

fn back(problem: &'static str) -> Response {
    Redirect::to(&format!("/sign-in?problem={problem}")).into_response()
}
