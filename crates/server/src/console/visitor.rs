//! Who asks: the browser's secrets, whoever is signed in, and what they prefer.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Redirect, Response};
use fiducia_custody::{AccountRow, Appearance, Browser, SessionRow, SignedIn};
use http::request::Parts;
use http::{HeaderMap, header};

use super::refusal::Refusal;
use super::texts::Language;
use super::{Console, cookies, device};
use crate::gateway::asks_for_privacy;

/// Where the connection comes from; set for each request by the listener.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// What became of the Global Privacy Control signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PrivacyControl {
    /// The browser does not send it.
    Absent,
    /// The browser sends it.
    Received,
    /// The browser sends it, and that is recorded with the person who is signed in.
    Recorded,
}

/// Who asks.
#[derive(Clone)]
pub(super) struct Visitor {
    /// The secret to which forms are bound: the session's, or the visit's of somebody who is not signed in.
    pub(super) secret: [u8; 32],
    /// Whether the secret was made just now, so that the browser has yet to be told.
    pub(super) is_new: bool,
    /// Whether the browser holds the secret of a session that is over.
    pub(super) was_signed_out: bool,
    /// Whoever is signed in.
    pub(super) signed_in: Option<Arc<SignedIn>>,
    pub(super) language: Language,
    pub(super) appearance: Option<Appearance>,
    pub(super) privacy_control: PrivacyControl,
    pub(super) browser: Browser,
}

/// Who asks, and is signed in.
pub(super) struct Member {
    pub(super) visitor: Visitor,
    pub(super) account: AccountRow,
    pub(super) session: SessionRow,
}

impl FromRequestParts<Arc<Console>> for Visitor {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> Result<Self, Refusal> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let headers = &parts.headers;
        let session = cookies::read_secret(headers, &console.site.cookie(cookies::SESSION));
        let mut signed_in = None;
        if let Some(token) = session {
            signed_in = console.ask(move |custody| custody.signed_in(&token)).await??.map(Arc::new);
        }
        let visit = cookies::read_secret(headers, &console.site.cookie(cookies::VISIT));
        let held = if signed_in.is_some() { session } else { visit };
        let (secret, is_new) = match held {
            Some(secret) => (secret, false),
            None => (console.fresh_secret()?, true),
        };
        let mut privacy_control = PrivacyControl::Absent;
        if asks_for_privacy(headers) {
            privacy_control = PrivacyControl::Received;
        }
        let person = signed_in.as_ref().filter(|signed_in| signed_in.account.subject.is_some());
        if let Some(person) = person.filter(|_| privacy_control == PrivacyControl::Received) {
            let person = Arc::clone(person);
            match console.ask(move |custody| custody.note_privacy_signal(&person)).await? {
                Ok(()) => privacy_control = PrivacyControl::Recorded,
                // The page does not say that it is recorded; the next request tries again.
                Err(error) => tracing::error!(%error, "a privacy signal could not be recorded"),
            }
        }
        let account = signed_in.as_ref().map(|signed_in| &signed_in.account);
        let visitor = Self {
            secret,
            is_new,
            was_signed_out: session.is_some() && signed_in.is_none(),
            language: language(headers, account, console),
            appearance: appearance(headers, account, console),
            privacy_control,
            browser: Browser {
                address: address(parts, console),
                secret: cookies::read_secret(headers, &console.site.cookie(cookies::BROWSER)),
                device: device::described(text(headers, &header::USER_AGENT)),
            },
            signed_in,
        };
        parts.extensions.insert(visitor.clone());
        Ok(visitor)
    }
}

/// Somebody has to sign in first: people are led there and back, programs are told.
pub(super) enum NotMember {
    Refused(Refusal),
    SignIn(String),
}

impl IntoResponse for NotMember {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(refusal) => refusal.into_response(),
            Self::SignIn(location) => Redirect::to(&location).into_response(),
        }
    }
}

impl FromRequestParts<Arc<Console>> for Member {
    type Rejection = NotMember;

    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> Result<Self, NotMember> {
        let visitor = Visitor::from_request_parts(parts, console).await.map_err(NotMember::Refused)?;
        let Some(signed_in) = visitor.signed_in.clone() else {
            if parts.method != http::Method::GET || wants_json(&parts.headers) {
                return Err(NotMember::Refused(Refusal::SignedOut));
            }
            let reason = if visitor.was_signed_out { "&ended=1" } else { "" };
            let path = parts.uri.path();
            return Err(NotMember::SignIn(format!("/sign-in?next={path}{reason}")));
        };
        Ok(Self { visitor, account: signed_in.account.clone(), session: signed_in.session.clone() })
    }
}

/// Whether a program asks rather than a person.
pub(super) fn wants_json(headers: &HeaderMap) -> bool {
    let accept = text(headers, &header::ACCEPT);
    accept.contains("json") && !accept.contains("text/html")
}

pub(super) fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// The language: the account's, else the one chosen in this browser, else what the browser asks for.
pub(super) fn language(headers: &HeaderMap, account: Option<&AccountRow>, console: &Console) -> Language {
    account
        .and_then(|account| Language::tagged(account.language.as_deref()?))
        .or_else(|| Language::tagged(cookies::read(headers, &console.site.cookie(cookies::LANGUAGE))?))
        .unwrap_or_else(|| Language::accepted(text(headers, &header::ACCEPT_LANGUAGE)))
}

pub(super) fn appearance(
    headers: &HeaderMap,
    account: Option<&AccountRow>,
    console: &Console,
) -> Option<Appearance> {
    account
        .and_then(|account| account.appearance)
        .or_else(|| Appearance::named(cookies::read(headers, &console.site.cookie(cookies::APPEARANCE))?))
}

/// Who asks, as far as the network knows: counted when signing in fails.
pub(super) fn address(parts: &Parts, console: &Console) -> String {
    if let Some(name) = &console.settings.client_address_header {
        let last = parts.headers.get_all(name.as_str()).iter().next_back();
        let entry = last.and_then(|value| value.to_str().ok()).and_then(|line| line.rsplit(',').next());
        return entry.unwrap_or_default().trim().chars().take(64).collect();
    }
    parts.extensions.get::<Peer>().map(|peer| peer.0.ip().to_string()).unwrap_or_default()
}

/// For handlers that need nothing but the console.
pub(super) type Shared = State<Arc<Console>>;
