//! The pages. Each is one file, and one line in [`PAGES`].

mod access;
mod accesses;
mod account;
mod administration;
mod certificates;
mod choices;
mod conversations;
mod evidence;
mod home;
mod notices;
mod passkeys;
mod preferences;
mod privacy_signal;
mod provider;
mod requests;
mod sign_in;
mod sign_out;

use std::sync::Arc;

use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use fiducia_custody::NewSession;
use fiducia_policy::RoleSet;
use http::header;

use super::{Console, cookies};

/// A page, or several that belong together.
pub(super) struct Page {
    /// Where it is.
    pub(super) path: &'static str,
    /// The name of its title among the texts, which is also what the navigation says.
    pub(super) title: &'static str,
    /// Whether the navigation shows it to somebody with these roles. Whether they may use it is its use cases' to say.
    pub(super) is_for: fn(&RoleSet) -> bool,
    /// Its routes.
    pub(super) routes: fn() -> Router<Arc<Console>>,
}

/// Every page, in the order of the navigation.
pub(super) const PAGES: &[Page] = &[
    home::PAGE,
    // The privacy centre.
    conversations::PAGE,
    choices::PAGE,
    accesses::PAGE,
    requests::PAGE,
    certificates::PAGE,
    notices::PAGE,
    // What staff administer.
    administration::REQUESTS,
    administration::PEOPLE,
    administration::CAMPAIGNS,
    administration::NOTICES,
    // Reading what is others', in sessions.
    access::ROOM,
    access::APPROVALS,
    access::EMERGENCY,
    evidence::EVIDENCE,
    evidence::KEYS,
    // What is everybody's own.
    account::PAGE,
    passkeys::PAGE,
    sign_in::PAGE,
    provider::PAGE,
    sign_out::PAGE,
    preferences::PAGE,
    privacy_signal::PAGE,
];

/// The drawing of a graph of keys as an SVG file of its own, in English.
///
/// # Errors
/// When it cannot be written, as text.
pub fn key_graph_drawing(graph: &fiducia_custody::KeyGraph) -> Result<String, String> {
    evidence::key_graph_drawing(graph).map_err(|error| error.to_string())
}

/// For pages that the navigation shows to everyone who is signed in.
fn everyone(_: &RoleSet) -> bool {
    true
}

/// For pages that are reached otherwise than by the navigation.
fn nobody(_: &RoleSet) -> bool {
    false
}

/// The routes of all pages.
pub(super) fn routes() -> Router<Arc<Console>> {
    PAGES.iter().fold(Router::new(), |router, page| router.merge((page.routes)()))
}

/// Where to go next: a path of this console, or else its beginning. Anything a browser could take for another host is refused.
fn next_path(asked: Option<&str>) -> &str {
    let is_ours = |path: &&str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~=&?".contains(&byte);
        path.starts_with('/') && !path.starts_with("//") && path.len() <= 512 && path.bytes().all(plain)
    };
    asked.filter(is_ours).unwrap_or("/")
}

/// Goes on with a session that began: a new secret, so that none that was known before is worth anything (session fixation).
fn go_on(console: &Console, session: &NewSession, next: &str) -> Response {
    let mut response = Redirect::to(next).into_response();
    let site = &console.site;
    let cookies = [
        cookies::set_secret(site, cookies::SESSION, &session.token, None),
        cookies::set_secret(site, cookies::BROWSER, &session.browser, Some(cookies::YEAR_SECONDS)),
        cookies::clear(site, cookies::VISIT),
    ];
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        let check = |asked: &str, expect: &str| assert_eq!(next_path(Some(asked)), expect, "{asked}");
        check("/account", "/account");
        check("/a?b=c&d=e", "/a?b=c&d=e");
        for elsewhere in
            ["//evil.example", "/\\evil.example", "https://evil.example", "", "account", "/a\r\nx", "/%2f"]
        {
            check(elsewhere, "/");
        }
        assert_eq!(next_path(None), "/");
    }

    #[test]
    fn every_page_has_a_path_and_a_title_of_its_own() {
        for (number, page) in PAGES.iter().enumerate() {
            assert!(page.path.starts_with('/'), "{}", page.path);
            assert!(PAGES.iter().skip(number + 1).all(|other| other.path != page.path), "{}", page.path);
            for language in super::super::texts::Language::ALL {
                assert_ne!(
                    language.text(page.title),
                    page.title,
                    "{language:?} lacks the title of {}",
                    page.path
                );
            }
        }
    }
}
