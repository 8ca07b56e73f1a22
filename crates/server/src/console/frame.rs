//! What every page has around its content: language, appearance, navigation, who is signed in.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use fiducia_custody::Appearance;
use fiducia_policy::Timestamp;
use http::{StatusCode, header};

use super::pages::{PAGES, Page};
use super::refusal::Refusal;
use super::texts::Language;
use super::visitor::{PrivacyControl, Visitor};
use super::{Console, assets, cookies};

/// How many: what templates hand over by value or by reference.
pub(super) trait Count {
    fn count(&self) -> i64;
}

macro_rules! counts {
    ($($number:ty),+) => {
        $(impl Count for $number {
            fn count(&self) -> i64 {
                i64::try_from(*self).unwrap_or(i64::MAX)
            }
        })+
    };
}

counts!(i64, u32, u64, usize);

impl<T: Count + ?Sized> Count for &T {
    fn count(&self) -> i64 {
        (**self).count()
    }
}

/// The frame of a page.
pub(super) struct Frame {
    pub(super) language: Language,
    pub(super) appearance: Option<Appearance>,
    /// What the console calls itself.
    pub(super) console: String,
    /// The name of whoever is signed in.
    pub(super) person: Option<String>,
    /// The token of every form on the page.
    pub(super) token: String,
    /// Whether the browser sends the Global Privacy Control signal.
    pub(super) privacy_control: bool,
    /// The page's own path, to come back to.
    pub(super) path: String,
    navigation: Vec<&'static Page>,
    set_cookie: Option<http::HeaderValue>,
}

impl Frame {
    /// The frame of the page at `path` for a visitor.
    pub(super) fn new(console: &Console, visitor: &Visitor, path: &str) -> Self {
        let account = visitor.signed_in.as_ref().map(|signed_in| &signed_in.account);
        let navigation = match account {
            Some(account) => PAGES.iter().filter(|page| (page.is_for)(&account.roles)).collect(),
            None => Vec::new(),
        };
        let set_cookie = visitor
            .is_new
            .then(|| cookies::set_secret(&console.site, cookies::VISIT, &visitor.secret, None))
            .flatten();
        Self {
            language: visitor.language,
            appearance: visitor.appearance,
            console: console.settings.name.clone(),
            person: account.map(|account| account.name.clone()),
            token: cookies::form_token(&visitor.secret),
            privacy_control: visitor.privacy_control != PrivacyControl::Absent,
            path: path.to_owned(),
            navigation,
            set_cookie,
        }
    }

    /// The frame of a page for somebody of whom nothing is known but what the browser asks for.
    pub(super) fn bare(console: &Console, language: Language, appearance: Option<Appearance>) -> Self {
        Self {
            language,
            appearance,
            console: console.settings.name.clone(),
            person: None,
            token: String::new(),
            privacy_control: false,
            path: "/".to_owned(),
            navigation: Vec::new(),
            set_cookie: None,
        }
    }

    /// A text in the page's language.
    pub(super) fn text(&self, name: &str) -> String {
        self.language.text(name)
    }

    /// A text with one value put in.
    pub(super) fn text_with(&self, name: &str, key: &str, value: impl AsRef<str>) -> String {
        self.language.text_with(name, &[(key, value.as_ref().to_owned().into())])
    }

    /// A text with a number put in.
    pub(super) fn text_counting(&self, name: &str, key: &str, value: i64) -> String {
        self.language.text_with(name, &[(key, value.into())])
    }

    /// The text of one of several things, such as the kinds of request: `kind` and the thing's own name.
    pub(super) fn text_of(&self, kind: &str, name: impl AsRef<str>) -> String {
        self.language.text(&format!("{kind}-{}", name.as_ref()))
    }

    /// A text with a count of things put in.
    pub(super) fn text_number(&self, name: &str, key: &str, value: impl Count) -> String {
        self.text_counting(name, key, value.count())
    }

    /// The text of one of several fields of the same kind, by its place from 1.
    pub(super) fn text_place(&self, name: &str, place: impl Count) -> String {
        self.text_counting(name, "place", place.count())
    }

    /// A text that says how many of how many.
    pub(super) fn text_share(&self, name: &str, part: impl Count, whole: impl Count) -> String {
        self.language.text_with(name, &[("part", part.count().into()), ("whole", whole.count().into())])
    }

    /// An instant as the language writes it.
    pub(super) fn instant(&self, at: &Timestamp) -> String {
        at.strftime(self.language.instant_form()).to_string()
    }

    /// A day as the language writes it, where the hour does not matter.
    pub(super) fn day(&self, at: &Timestamp) -> String {
        at.strftime(self.language.day_form()).to_string()
    }

    /// An instant for machines.
    #[expect(clippy::unused_self, reason = "templates call it as a method")]
    pub(super) fn machine_instant(&self, at: &Timestamp) -> String {
        at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// Where an asset is.
    #[expect(clippy::unused_self, reason = "templates call it as a method")]
    pub(super) fn asset(&self, name: &str) -> String {
        assets::path(name)
    }

    /// The name of the chosen appearance; empty when the browser decides.
    pub(super) fn appearance_name(&self) -> &'static str {
        self.appearance.map_or("", Appearance::name)
    }

    /// The navigation's pages.
    pub(super) fn navigation(&self) -> &[&'static Page] {
        &self.navigation
    }

    /// Whether a page of the navigation is the one that is shown, or the one that leads to it.
    pub(super) fn is_here(&self, page: &Page) -> bool {
        let leads_here = |path: &str| {
            let under = self.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
            path == self.path || (under && path != "/")
        };
        // Of two pages that lead here the nearer one is meant.
        let is_nearest = || {
            let others = self.navigation.iter().filter(|other| leads_here(other.path));
            others.map(|other| other.path.len()).max() == Some(page.path.len())
        };
        leads_here(page.path) && is_nearest()
    }

    /// Every language the console speaks.
    #[expect(clippy::unused_self, reason = "templates call it as a method")]
    pub(super) fn languages(&self) -> [Language; 2] {
        Language::ALL
    }

    /// The response that shows a page.
    pub(super) fn show(&self, status: StatusCode, page: &impl Template) -> Response {
        match page.render() {
            Ok(text) => {
                let mut response = (status, Html(text)).into_response();
                let headers = response.headers_mut();
                if let Ok(language) = http::HeaderValue::try_from(self.language.tag()) {
                    headers.insert(header::CONTENT_LANGUAGE, language);
                }
                if let Some(cookie) = &self.set_cookie {
                    headers.append(header::SET_COOKIE, cookie.clone());
                }
                response
            }
            Err(error) => {
                tracing::error!(%error, "a page could not be written");
                Refusal::Unavailable.into_response()
            }
        }
    }
}
