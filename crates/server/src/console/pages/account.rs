//! `/account`: name, password, passkeys, and the browsers that are signed in.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fiducia_custody::{
    AccountCommand, AccountReply, AccountRow, AdminCommand, AdminError, AdminReply, PasskeyRow, Password,
    SessionRow, SignInRefused,
};
use fiducia_policy::{AccountId, SessionId};
use http::StatusCode;

use super::sign_in::explained;
use super::{Page, everyone, go_on};
use crate::console::Console;
use crate::console::form::Posted;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::{Member, Shared, Visitor};

pub(super) const PAGE: Page = Page {
    path: "/account",
    title: "account-title",
    is_for: everyone,
    routes: || {
        Router::<Arc<Console>>::new()
            .route("/account", get(show))
            .route("/account/name", post(rename))
            .route("/account/password", post(change_password))
            .route("/account/passkeys/remove", post(remove_passkey))
            .route("/account/sessions/end", post(end_session))
            .route("/account/sessions/end-others", post(end_others))
    },
};

/// What can be reported done; anything else in the address is ignored.
const DONE: [&str; 6] =
    ["name", "password", "passkey-added", "passkey-removed", "session-ended", "others-ended"];

#[derive(Template)]
#[template(path = "console/account.html")]
struct AccountPage<'a> {
    frame: &'a Frame,
    account: &'a AccountRow,
    session: SessionId,
    sessions: &'a [SessionRow],
    passkeys: &'a [PasskeyRow],
    may_use_passwords: bool,
    may_use_passkeys: bool,
    done: Option<String>,
    problem: Option<String>,
}

impl AccountPage<'_> {
    #[expect(clippy::unused_self, reason = "templates call it as a method")]
    fn credential(&self, passkey: &PasskeyRow) -> String {
        URL_SAFE_NO_PAD.encode(&passkey.credential)
    }

    fn method(&self, session: &SessionRow) -> String {
        self.frame.text(&format!("account-method-{}", session.method))
    }

    fn device(&self, session: &SessionRow) -> String {
        if session.device.is_empty() {
            self.frame.text("account-device-unknown")
        } else {
            session.device.clone()
        }
    }

    /// What the button that signs a browser out says to those who hear it out of context.
    fn ending(&self, session: &SessionRow) -> String {
        let since = self.frame.instant(&session.created_at);
        self.frame.language.text_with(
            "account-session-end-label",
            &[("device", self.device(session).into()), ("since", since.into())],
        )
    }
}

#[derive(Default, serde::Deserialize)]
struct Asked {
    done: Option<String>,
}

async fn show(
    State(console): Shared,
    Query(asked): Query<Asked>,
    member: Member,
) -> Result<Response, Refusal> {
    let frame = Frame::new(&console, &member.visitor, "/account");
    let done = asked.done.as_deref().filter(|done| DONE.contains(done));
    let done = done.map(|done| frame.text(&format!("account-done-{done}")));
    page(&console, &frame, &member.account, &member.session, (StatusCode::OK, done, None)).await
}

async fn page(
    console: &Console,
    frame: &Frame,
    account: &AccountRow,
    session: &SessionRow,
    (status, done, problem): (StatusCode, Option<String>, Option<String>),
) -> Result<Response, Refusal> {
    let id = account.id;
    let lists = console.ask(move |custody| {
        let ask = |command| custody.administer(AdminCommand::Account(command));
        Ok::<_, AdminError>((
            ask(AccountCommand::ListSessions { account: id })?,
            ask(AccountCommand::ListPasskeys { account: id })?,
        ))
    });
    let (
        AdminReply::Account(AccountReply::Sessions(mut sessions)),
        AdminReply::Account(AccountReply::Passkeys(passkeys)),
    ) = lists.await??
    else {
        return Err(Refusal::Unavailable);
    };
    // The browser that asks stands first, the others as they were used last.
    sessions.sort_by_key(|other| other.id != session.id);
    let page = AccountPage {
        frame,
        account,
        session: session.id,
        sessions: &sessions,
        passkeys: &passkeys,
        may_use_passwords: console.settings.passwords && account.has_password,
        may_use_passkeys: console.settings.passkeys,
        done,
        problem,
    };
    Ok(frame.show(status, &page))
}

#[derive(serde::Deserialize)]
struct NewName {
    name: String,
}

async fn rename(State(console): Shared, posted: Posted<NewName>) -> Result<Response, Refusal> {
    let (account, _) = owner(&posted.visitor)?;
    let command = AccountCommand::Rename { account, name: posted.fields.name.trim().to_owned() };
    match change(&console, command).await {
        Err(Refusal::Invalid(_)) => {
            let frame = Frame::new(&console, &posted.visitor, "/account");
            let problem = Some(frame.text("account-name-unfit"));
            show_again(&console, &frame, &posted.visitor, StatusCode::BAD_REQUEST, problem).await
        }
        changed => changed.map(|_| done("name")),
    }
}

#[derive(serde::Deserialize)]
struct NewPassword {
    current: String,
    new: String,
    repeated: String,
}

async fn change_password(State(console): Shared, posted: Posted<NewPassword>) -> Result<Response, Refusal> {
    let Posted { visitor, fields } = posted;
    let Some(signed_in) = visitor.signed_in.clone() else { return Err(Refusal::SignedOut) };
    if !console.settings.passwords {
        return Err(Refusal::NotFound);
    }
    let frame = Frame::new(&console, &visitor, "/account");
    let is_repeated = fields.new == fields.repeated;
    let (current, new) = (Password::new(fields.current), Password::new(fields.new));
    let _repeated = Password::new(fields.repeated);
    if !is_repeated {
        let problem = Some(frame.text("account-password-differs"));
        return show_again(&console, &frame, &visitor, StatusCode::BAD_REQUEST, problem).await;
    }
    let (login, attempt) = (signed_in.account.login.clone(), console.attempt(&visitor));
    let outcome =
        console.ask_hashing(move |custody| custody.change_password(&login, &current, &new, &attempt)).await?;
    match outcome {
        Ok(session) => Ok(go_on(&console, &session, "/account?done=password")),
        Err(refused) => {
            let (status, problem, _) = match refused {
                SignInRefused::Wrong => (StatusCode::FORBIDDEN, frame.text("account-password-wrong"), None),
                refused => explained(&frame, &refused),
            };
            show_again(&console, &frame, &visitor, status, Some(problem)).await
        }
    }
}

#[derive(serde::Deserialize)]
struct WhichPasskey {
    credential: String,
}

async fn remove_passkey(State(console): Shared, posted: Posted<WhichPasskey>) -> Result<Response, Refusal> {
    let (account, _) = owner(&posted.visitor)?;
    let credential = URL_SAFE_NO_PAD.decode(&posted.fields.credential).map_err(|_| Refusal::NotFound)?;
    change(&console, AccountCommand::RemovePasskey { account, credential }).await?;
    Ok(done("passkey-removed"))
}

#[derive(serde::Deserialize)]
struct WhichSession {
    session: String,
}

async fn end_session(State(console): Shared, posted: Posted<WhichSession>) -> Result<Response, Refusal> {
    let (account, _) = owner(&posted.visitor)?;
    let session = posted.fields.session.parse().map_err(|_| Refusal::NotFound)?;
    change(&console, AccountCommand::EndSession { account, session }).await?;
    Ok(done("session-ended"))
}

#[derive(serde::Deserialize)]
struct Nothing {}

async fn end_others(State(console): Shared, posted: Posted<Nothing>) -> Result<Response, Refusal> {
    let Nothing {} = posted.fields;
    let (account, session) = owner(&posted.visitor)?;
    change(&console, AccountCommand::EndSessions { account, except: Some(session) }).await?;
    Ok(done("others-ended"))
}

fn owner(visitor: &Visitor) -> Result<(AccountId, SessionId), Refusal> {
    let signed_in = visitor.signed_in.as_deref().ok_or(Refusal::SignedOut)?;
    Ok((signed_in.account.id, signed_in.session.id))
}

async fn change(console: &Console, command: AccountCommand) -> Result<AdminReply, Refusal> {
    Ok(console.ask(move |custody| custody.administer(AdminCommand::Account(command))).await??)
}

async fn show_again(
    console: &Console,
    frame: &Frame,
    visitor: &Visitor,
    status: StatusCode,
    problem: Option<String>,
) -> Result<Response, Refusal> {
    let signed_in = visitor.signed_in.as_deref().ok_or(Refusal::SignedOut)?;
    page(console, frame, &signed_in.account, &signed_in.session, (status, None, problem)).await
}

/// Shows the page again after an act, so that going back or reloading repeats nothing.
fn done(what: &'static str) -> Response {
    Redirect::to(&format!("/account?done={what}")).into_response()
}
