//! `/sign-in/passkey` and `/account/passkeys`: the questions and answers of passkeys, spoken with the console's script.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fiducia_custody::{
    AccountCommand, AccountReply, AccountRow, AdminCommand, AdminReply, Assertion, PASSKEY_ALGORITHMS,
    Registration, SignInRefused,
};

use super::sign_in::explained;
use super::{Page, go_on, next_path, nobody};
use crate::console::Console;
use crate::console::ceremonies::Asked;
use crate::console::form::PostedJson;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::{Shared, Visitor};

pub(super) const PAGE: Page = Page {
    path: "/sign-in/passkey",
    title: "passkeys-title",
    is_for: nobody,
    routes: || {
        Router::<Arc<Console>>::new()
            .route("/sign-in/passkey/question", post(ask_to_sign_in))
            .route("/sign-in/passkey", post(sign_in))
            .route("/account/passkeys/question", post(ask_to_add))
            .route("/account/passkeys", post(add))
    },
};

/// How long somebody may take with their device, in milliseconds.
const PATIENCE_MS: u32 = 300_000;

#[derive(serde::Deserialize)]
struct Nothing {}

#[derive(serde::Deserialize)]
struct SigningIn {
    answer: Assertion,
    next: Option<String>,
}

#[derive(serde::Deserialize)]
struct Adding {
    answer: Registration,
    name: String,
}

async fn ask_to_sign_in(State(console): Shared, posted: PostedJson<Nothing>) -> Result<Response, Refusal> {
    let PostedJson { visitor, body: Nothing {} } = posted;
    let challenge = challenge(&console, Asked::Assertion(visitor.secret))?;
    let question = serde_json::json!({
        "challenge": challenge,
        "rpId": console.site.relying_party().id,
        "userVerification": "required",
        "timeout": PATIENCE_MS,
    });
    Ok(Json(question).into_response())
}

async fn sign_in(State(console): Shared, posted: PostedJson<SigningIn>) -> Result<Response, Refusal> {
    let PostedJson { visitor, body: SigningIn { answer, next } } = posted;
    let asked = console.challenges().answer(&Asked::Assertion(visitor.secret), console.now());
    let challenge = asked.ok_or(Refusal::FormExpired)?;
    let (party, attempt) = (console.site.relying_party(), console.attempt(&visitor));
    let outcome = console
        .ask(move |custody| custody.sign_in_with_passkey(&answer, &party, &challenge, &attempt))
        .await?;
    let next = next_path(next.as_deref());
    match outcome {
        Ok(session) => {
            // A script follows no redirect of ours: it takes the cookies and goes on by itself.
            let mut response = Json(serde_json::json!({ "location": next })).into_response();
            let cookies = go_on(&console, &session, next);
            for cookie in cookies.headers().get_all(http::header::SET_COOKIE) {
                response.headers_mut().append(http::header::SET_COOKIE, cookie.clone());
            }
            Ok(response)
        }
        Err(SignInRefused::Throttled { seconds }) => Err(Refusal::TooMany(seconds)),
        Err(refused) => {
            let frame = Frame::new(&console, &visitor, "/sign-in");
            Ok(problem(&explained(&frame, &refused)))
        }
    }
}

fn problem((status, detail, _): &(http::StatusCode, String, Option<i64>)) -> Response {
    let document = serde_json::json!({ "title": detail, "status": status.as_u16(), "detail": detail });
    let kind = [(http::header::CONTENT_TYPE, "application/problem+json")];
    (*status, kind, document.to_string()).into_response()
}

async fn ask_to_add(State(console): Shared, posted: PostedJson<Nothing>) -> Result<Response, Refusal> {
    let PostedJson { visitor, body: Nothing {} } = posted;
    let account = owner(&console, &visitor)?;
    let id = account.id;
    let command = AdminCommand::Account(AccountCommand::ListPasskeys { account: id });
    let AdminReply::Account(AccountReply::Passkeys(there)) =
        console.ask(move |custody| custody.administer(command)).await??
    else {
        return Err(Refusal::Unavailable);
    };
    let there: Vec<_> = there
        .iter()
        .map(|passkey| serde_json::json!({ "type": "public-key", "id": URL_SAFE_NO_PAD.encode(&passkey.credential) }))
        .collect();
    let algorithms =
        PASSKEY_ALGORITHMS.map(|algorithm| serde_json::json!({ "type": "public-key", "alg": algorithm }));
    let challenge = challenge(&console, Asked::Registration(visitor.secret))?;
    let question = serde_json::json!({
        "challenge": challenge,
        "rp": { "id": console.site.relying_party().id, "name": console.settings.name },
        "user": {
            "id": URL_SAFE_NO_PAD.encode(id.as_bytes()),
            "name": account.login,
            "displayName": account.name,
        },
        "pubKeyCredParams": algorithms,
        "excludeCredentials": there,
        "authenticatorSelection": { "residentKey": "required", "userVerification": "required" },
        "attestation": "none",
        "timeout": PATIENCE_MS,
    });
    Ok(Json(question).into_response())
}

async fn add(State(console): Shared, posted: PostedJson<Adding>) -> Result<Response, Refusal> {
    let PostedJson { visitor, body: Adding { answer, name } } = posted;
    let account = owner(&console, &visitor)?.id;
    let asked = console.challenges().answer(&Asked::Registration(visitor.secret), console.now());
    let challenge = asked.ok_or(Refusal::FormExpired)?;
    let party = console.site.relying_party();
    let name = if name.trim().is_empty() { visitor.browser.device.clone() } else { name.trim().to_owned() };
    let name = if name.is_empty() { "Passkey".to_owned() } else { name };
    console
        .ask(move |custody| custody.register_passkey(account, name, &answer, &party, &challenge))
        .await??;
    Ok(Json(serde_json::json!({ "location": "/account?done=passkey-added" })).into_response())
}

/// Who is signed in, where passkeys may be used.
fn owner<'a>(console: &Console, visitor: &'a Visitor) -> Result<&'a AccountRow, Refusal> {
    if !console.settings.passkeys {
        return Err(Refusal::NotFound);
    }
    visitor.signed_in.as_deref().map(|signed_in| &signed_in.account).ok_or(Refusal::SignedOut)
}

fn challenge(console: &Console, asked: Asked) -> Result<String, Refusal> {
    if !console.settings.passkeys {
        return Err(Refusal::NotFound);
    }
    let challenge = console.fresh_secret()?;
    console.challenges().ask(asked, console.now(), challenge);
    Ok(URL_SAFE_NO_PAD.encode(challenge))
}
