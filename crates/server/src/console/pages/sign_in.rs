//! `/sign-in`: by password here, by passkey in [`super::passkeys`], at a provider in [`super::provider`].

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use fiducia_custody::{Password, SignInRefused};
use http::{HeaderValue, StatusCode, header};

use super::{Page, go_on, next_path, nobody};
use crate::console::Console;
use crate::console::answer::minutes;
use crate::console::form::Posted;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::{Shared, Visitor};

pub(super) const PAGE: Page = Page {
    path: "/sign-in",
    title: "sign-in-title",
    is_for: nobody,
    routes: || Router::<Arc<Console>>::new().route("/sign-in", get(show).post(sign_in)),
};

#[derive(Template)]
#[template(path = "console/sign_in.html")]
struct SignInPage<'a> {
    frame: &'a Frame,
    passwords: bool,
    passkeys: bool,
    /// Names and labels.
    providers: Vec<(&'a str, &'a str)>,
    /// What was typed before.
    login: &'a str,
    /// Where to go afterwards.
    next: &'a str,
    /// What went wrong.
    problem: Option<String>,
    /// What happened before.
    remark: Option<String>,
}

#[derive(Default, serde::Deserialize)]
struct Asked {
    next: Option<String>,
    ended: Option<String>,
    problem: Option<String>,
}

#[derive(serde::Deserialize)]
struct Credentials {
    login: String,
    password: String,
    next: Option<String>,
}

async fn show(State(console): Shared, visitor: Visitor, Query(asked): Query<Asked>) -> Response {
    let next = next_path(asked.next.as_deref());
    if visitor.signed_in.is_some() {
        return Redirect::to(next).into_response();
    }
    let frame = Frame::new(&console, &visitor, "/sign-in");
    // Only problems of our own are repeated.
    let known = ["unlinked", "provider-failed", "disabled"];
    let problem = asked.problem.as_deref().filter(|problem| known.contains(problem));
    let problem = problem.map(|problem| frame.text(&format!("sign-in-{problem}")));
    let remark = asked.ended.is_some().then(|| frame.text("sign-in-ended"));
    page(&console, &frame, StatusCode::OK, "", next, problem, remark)
}

async fn sign_in(
    State(console): Shared,
    visitor: Visitor,
    posted: Result<Posted<Credentials>, Refusal>,
) -> Response {
    // A form that is sent twice finds its sender signed in by the first.
    if visitor.signed_in.is_some() {
        let next = posted.map(|posted| posted.fields.next).unwrap_or_default();
        return Redirect::to(next_path(next.as_deref())).into_response();
    }
    let Posted { visitor, fields } = match posted {
        Ok(posted) => posted,
        Err(refusal) => return refusal.into_response(),
    };
    let Credentials { login, password, next } = fields;
    let password = Password::new(password);
    if !console.settings.passwords {
        return Refusal::NotFound.into_response();
    }
    let next = next_path(next.as_deref());
    match console.sign_in_with_password(&visitor, login.clone(), password).await {
        Err(refusal) => refusal.into_response(),
        Ok(Ok(session)) => go_on(&console, &session, next),
        Ok(Err(refused)) => {
            let frame = Frame::new(&console, &visitor, "/sign-in");
            let (status, problem, wait) = explained(&frame, &refused);
            let mut response = page(&console, &frame, status, &login, next, Some(problem), None);
            if let Some(wait) = wait.and_then(|seconds| HeaderValue::try_from(seconds.to_string()).ok()) {
                response.headers_mut().insert(header::RETRY_AFTER, wait);
            }
            response
        }
    }
}

/// What somebody is told who could not be signed in: the status, the text, and for how many seconds to wait.
pub(super) fn explained(frame: &Frame, refused: &SignInRefused) -> (StatusCode, String, Option<i64>) {
    match refused {
        SignInRefused::Wrong => (StatusCode::UNAUTHORIZED, frame.text("sign-in-wrong"), None),
        SignInRefused::Passkey(_) => (StatusCode::UNAUTHORIZED, frame.text("sign-in-passkey-refused"), None),
        SignInRefused::Throttled { seconds } => {
            let text = frame.text_counting("sign-in-throttled", "minutes", minutes(*seconds));
            (StatusCode::TOO_MANY_REQUESTS, text, Some(*seconds))
        }
        SignInRefused::Disabled => (StatusCode::FORBIDDEN, frame.text("sign-in-disabled"), None),
        SignInRefused::Unlinked => (StatusCode::FORBIDDEN, frame.text("sign-in-unlinked"), None),
        SignInRefused::Unfit(_) => (StatusCode::BAD_REQUEST, frame.text("account-password-unfit"), None),
        SignInRefused::Storage(error) => {
            tracing::error!(%error, "signing in failed for want of the store");
            (StatusCode::SERVICE_UNAVAILABLE, frame.text("refused-unavailable"), None)
        }
    }
}

fn page(
    console: &Console,
    frame: &Frame,
    status: StatusCode,
    login: &str,
    next: &str,
    problem: Option<String>,
    remark: Option<String>,
) -> Response {
    let providers = console.providers.iter();
    let page = SignInPage {
        frame,
        passwords: console.settings.passwords,
        passkeys: console.settings.passkeys,
        providers: providers.map(|provider| (provider.name.as_str(), provider.label.as_str())).collect(),
        login,
        next,
        problem,
        remark,
    };
    frame.show(status, &page)
}
