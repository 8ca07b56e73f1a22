//! Who asks, and for whom: a token or a session, and the person whom an application names.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::FromRequestParts;
use fiducia_custody::{
    AccountRow, AdminError, AdminReply, Application, Custody, Oneself, PersonalCommand, SignedIn, Staff,
    TokenHolder, TokenRefused,
};
use fiducia_policy::ApiScope;
use http::request::Parts;
use http::{HeaderMap, header};

use super::problem::Problem;
use crate::console::form::{TOKEN_HEADER, check_origin};
use crate::console::visitor::{Visitor, address};
use crate::console::{Console, cookies};

/// The header in which an application names the person it speaks for.
pub(super) const SUBJECT_HEADER: &str = "fiducia-subject";

/// Whom an endpoint is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Whoever is recognised.
    Anyone,
    /// People, on what is theirs.
    Person,
    /// People, on what is theirs, and applications that speak for them.
    PersonOrApplication,
    /// Staff, on what is their organisation's, as far as their roles permit.
    Staff,
    /// People on what is theirs, applications that speak for them, and staff on their organisation's.
    PersonOrStaff,
}

/// By what a caller is recognised.
#[derive(Clone)]
pub(super) enum Means {
    /// A token.
    Token(Box<TokenHolder>),
    /// A session of the console, and the secret to which its forms are bound.
    Session(Arc<SignedIn>, [u8; 32]),
}

/// Who asks.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) means: Means,
    /// The person whom an application says it speaks for, by the application's own name.
    pub(super) speaks_for: Option<String>,
}

impl Caller {
    /// Who sent this request.
    ///
    /// # Errors
    /// When nobody is recognised, or a page of another site sent it.
    pub(super) async fn recognised(parts: &mut Parts, console: &Arc<Console>) -> Result<Self, Problem> {
        let speaks_for = speaks_for(&parts.headers)?;
        if let Some(line) = parts.headers.get(header::AUTHORIZATION) {
            let token = bearer(line).ok_or(Problem::Unauthenticated)?;
            let address = address(parts, console);
            let holder = console.ask(move |custody| custody.token_holder(&token, &address)).await?;
            let holder = holder.map_err(|refused| match refused {
                TokenRefused::Unknown => Problem::Unauthenticated,
                TokenRefused::Throttled { seconds } => Problem::TooMany(seconds),
                TokenRefused::Storage(_) => {
                    tracing::error!("the store could not be asked for a token");
                    Problem::Unavailable
                }
            })?;
            return Ok(Self { means: Means::Token(Box::new(holder)), speaks_for });
        }
        let visitor = Visitor::from_request_parts(parts, console).await?;
        let signed_in = visitor.signed_in.ok_or(Problem::Unauthenticated)?;
        if !parts.method.is_safe() {
            check_origin(&parts.headers, &console.site.origin).map_err(|_| Problem::Foreign)?;
            let given = parts.headers.get(TOKEN_HEADER).map_or(&b""[..], http::HeaderValue::as_bytes);
            let expected = cookies::form_token(&visitor.secret);
            verify_slices_are_equal(expected.as_bytes(), given).map_err(|_| Problem::Foreign)?;
        }
        Ok(Self { means: Means::Session(signed_in, visitor.secret), speaks_for })
    }

    /// The account.
    pub(super) fn account(&self) -> &AccountRow {
        match &self.means {
            Means::Token(holder) => &holder.account,
            Means::Session(signed_in, _) => &signed_in.account,
        }
    }

    /// What requests are counted for.
    pub(super) fn counted(&self) -> [u8; 16] {
        match &self.means {
            Means::Token(holder) => *holder.token.id.as_bytes(),
            Means::Session(signed_in, _) => *signed_in.session.id.as_bytes(),
        }
    }

    pub(super) fn oneself(&self) -> Option<Oneself> {
        match &self.means {
            Means::Token(holder) => holder.oneself(),
            Means::Session(signed_in, _) => signed_in.oneself(),
        }
    }

    pub(super) fn staff(&self) -> Option<Staff> {
        match &self.means {
            Means::Token(holder) => holder.staff(),
            Means::Session(signed_in, _) => signed_in.staff(),
        }
    }

    /// Whether this caller may use an endpoint that is for these, at all. What a role permits its use cases say.
    ///
    /// # Errors
    /// With what is missing.
    pub(super) fn check(&self, who: Who, needed: ApiScope) -> Result<(), Problem> {
        if let Means::Token(holder) = &self.means
            && !holder.may(needed)
        {
            return Err(Problem::Permission(needed.name()));
        }
        if self.speaks_for.is_some() {
            if !matches!(who, Who::PersonOrApplication | Who::PersonOrStaff) {
                return Err(Problem::NotForPeople);
            }
            let may = matches!(&self.means, Means::Token(holder) if holder.may(ApiScope::ActForPeople));
            return if may { Ok(()) } else { Err(Problem::Permission(ApiScope::ActForPeople.name())) };
        }
        match who {
            Who::Person | Who::PersonOrApplication if self.oneself().is_none() => Err(Problem::NoPerson),
            Who::Staff if self.staff().is_none() => Err(Problem::NoStaff),
            _ => Ok(()),
        }
    }

    /// Whether a privacy signal that comes with a request counts: it takes a yes back, which is a change.
    pub(super) fn may_pass_signals_on(&self) -> bool {
        match &self.means {
            Means::Token(holder) => holder.may(ApiScope::Write),
            Means::Session(..) => true,
        }
    }

    /// Whose things these are: the caller's own, or those of the person whom an application names. Somebody new is made only
    /// by what changes something.
    ///
    /// # Errors
    /// When the account has no person, or the application may not name one.
    pub(super) fn person(&self, custody: &Custody, may_be_new: bool) -> Result<Person, Problem> {
        match (&self.speaks_for, &self.means) {
            (Some(name), Means::Token(holder)) => {
                Ok(Person::SpokenFor(custody.application_for(holder, name, may_be_new)?))
            }
            _ => self.oneself().map(Person::Oneself).ok_or(Problem::NoPerson),
        }
    }
}

/// The person whose things are asked for.
pub(super) enum Person {
    Oneself(Oneself),
    SpokenFor(Application),
}

impl Person {
    pub(super) fn subject(&self) -> fiducia_policy::SubjectId {
        match self {
            Self::Oneself(who) => who.subject(),
            Self::SpokenFor(who) => who.subject(),
        }
    }

    pub(super) fn does(&self, custody: &Custody, command: PersonalCommand) -> Result<AdminReply, AdminError> {
        match self {
            Self::Oneself(who) => custody.personally(who, command),
            Self::SpokenFor(who) => custody.by_application(who, command),
        }
    }
}

/// The token in an `Authorization` header.
fn bearer(line: &http::HeaderValue) -> Option<zeroize::Zeroizing<String>> {
    let (scheme, token) = line.to_str().ok()?.split_once(' ')?;
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    is_bearer.then(|| zeroize::Zeroizing::new(token.trim().to_owned()))
}

fn speaks_for(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut lines = headers.get_all(SUBJECT_HEADER).iter();
    let Some(line) = lines.next() else { return Ok(None) };
    match line.to_str() {
        Ok(name) if lines.next().is_none() => Ok(Some(name.to_owned())),
        _ => {
            Err(Problem::Invalid("`fiducia-subject` comes once and has visible ASCII characters".to_owned()))
        }
    }
}
