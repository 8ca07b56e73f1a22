//! What the pages of the privacy centre share: whoever is signed in as the person they are, and their commands.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::Response;
use fiducia_custody::{AdminReply, Oneself, PersonalCommand};
use fiducia_policy::{Role, RoleSet};
use http::request::Parts;
use http::{HeaderValue, header};

use super::Console;
use super::refusal::Refusal;
use super::visitor::{Member, NotMember, Visitor};

/// Rows on one page of a list.
pub(super) const ROWS_PER_PAGE: u32 = 50;

/// Somebody who is signed in, and whose conversations are kept here. Pages about what is one's own are not found by others.
pub(super) struct Own {
    pub(super) visitor: Visitor,
    pub(super) who: Oneself,
}

impl FromRequestParts<Arc<Console>> for Own {
    type Rejection = NotMember;

    async fn from_request_parts(parts: &mut Parts, console: &Arc<Console>) -> Result<Self, NotMember> {
        let member = Member::from_request_parts(parts, console).await?;
        let who = oneself(&member.visitor).map_err(NotMember::Refused)?;
        Ok(Self { visitor: member.visitor, who })
    }
}

/// The person that a visitor is.
pub(super) fn oneself(visitor: &Visitor) -> Result<Oneself, Refusal> {
    let signed_in = visitor.signed_in.as_deref().ok_or(Refusal::SignedOut)?;
    signed_in.oneself().ok_or(Refusal::NotFound)
}

/// For pages about what is one's own.
pub(super) fn people(roles: &RoleSet) -> bool {
    roles.contains(Role::Person)
}

impl Console {
    /// Does what a person does with what is theirs.
    pub(super) async fn personally(
        &self,
        who: &Oneself,
        command: PersonalCommand,
    ) -> Result<AdminReply, Refusal> {
        let who = *who;
        Ok(self.ask(move |custody| custody.personally(&who, command)).await??)
    }

    /// A key of a form's own: what is sent twice counts once.
    pub(super) fn form_key(&self) -> Result<String, Refusal> {
        let secret = self.fresh_secret()?;
        Ok(hex(secret.get(..16).unwrap_or_default()))
    }
}

/// Custody answered another question than the one that was asked: a fault of this program.
pub(super) fn unexpected() -> Refusal {
    tracing::error!("custody gave the console an answer to another question");
    Refusal::Unavailable
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A file to be kept.
///
/// # Errors
/// When its name does not fit a header; names are ids of ours.
pub(super) fn attachment(
    name: &str,
    content_type: &'static str,
    body: impl Into<axum::body::Body>,
) -> Result<Response, Refusal> {
    let mut response = Response::new(body.into());
    let said =
        HeaderValue::try_from(format!("attachment; filename=\"{name}\"")).map_err(|_| Refusal::NotFound)?;
    response.headers_mut().insert(header::CONTENT_DISPOSITION, said);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    Ok(response)
}
