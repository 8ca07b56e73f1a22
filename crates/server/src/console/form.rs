//! What is sent to the console: only what its own pages send, from the browser they were made for.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::rejection::{FormRejection, JsonRejection};
use axum::extract::{Form, FromRequest, FromRequestParts, Json, Request};
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;

use super::refusal::Refusal;
use super::visitor::Visitor;
use super::{Console, cookies};

/// The header in which scripts send the form token.
pub(super) const TOKEN_HEADER: &str = "fiducia-form";

/// The fields of a form that was checked to come from one of our pages in this browser.
pub(super) struct Posted<T> {
    pub(super) visitor: Visitor,
    pub(super) fields: T,
}

/// As [`Posted`], for JSON that a script sends.
pub(super) struct PostedJson<T> {
    pub(super) visitor: Visitor,
    pub(super) body: T,
}

#[derive(serde::Deserialize)]
struct Tokened<T> {
    token: String,
    #[serde(flatten)]
    fields: T,
}

impl<T: DeserializeOwned + Send> FromRequest<Arc<Console>> for Posted<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, console: &Arc<Console>) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        check_origin(&parts.headers, &console.site.origin)?;
        let visitor = Visitor::from_request_parts(&mut parts, console).await?;
        let request = Request::from_parts(parts, body);
        let Form(posted) = Form::<Tokened<T>>::from_request(request, console).await.map_err(|rejected| {
            if let FormRejection::BytesRejection(_) = rejected {
                too_large(rejected.status())
            } else {
                unreadable()
            }
        })?;
        check_token(&visitor, &posted.token)?;
        Ok(Self { visitor, fields: posted.fields })
    }
}

impl<T: DeserializeOwned + Send> FromRequest<Arc<Console>> for PostedJson<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, console: &Arc<Console>) -> Result<Self, Refusal> {
        let (mut parts, body) = request.into_parts();
        check_origin(&parts.headers, &console.site.origin)?;
        let visitor = Visitor::from_request_parts(&mut parts, console).await?;
        let token = parts.headers.get(TOKEN_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
        check_token(&visitor, token)?;
        let request = Request::from_parts(parts, body);
        let Json(body) = Json::<T>::from_request(request, console).await.map_err(|rejected| {
            if let JsonRejection::BytesRejection(_) = rejected {
                too_large(rejected.status())
            } else {
                unreadable()
            }
        })?;
        Ok(Self { visitor, body })
    }
}

fn unreadable() -> Refusal {
    Refusal::Invalid("The form is incomplete.".to_owned())
}

fn too_large(status: StatusCode) -> Refusal {
    if status == StatusCode::PAYLOAD_TOO_LARGE { Refusal::TooLarge } else { unreadable() }
}

/// The form token, compared in constant time. A browser whose secret was made just now holds no form of ours.
fn check_token(visitor: &Visitor, given: &str) -> Result<(), Refusal> {
    let expected = cookies::form_token(&visitor.secret);
    if visitor.is_new || verify_slices_are_equal(expected.as_bytes(), given.as_bytes()).is_err() {
        return Err(Refusal::FormExpired);
    }
    Ok(())
}

/// Browsers say who sends a form; another site's is refused before it is read.
pub(super) fn check_origin(headers: &HeaderMap, origin: &str) -> Result<(), Refusal> {
    let said = |name: &str| headers.get(name).map(http::HeaderValue::as_bytes);
    let foreign_origin = said("origin").is_some_and(|said| said != origin.as_bytes());
    let foreign_site = said("sec-fetch-site").is_some_and(|said| said != b"same-origin" && said != b"none");
    if foreign_origin || foreign_site { Err(Refusal::Foreign) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn forms_of_other_sites_are_refused() {
        let check = |lines: &[(&'static str, &'static str)], expect: bool| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.insert(*name, HeaderValue::from_static(value));
            }
            assert_eq!(check_origin(&headers, "https://a.example").is_ok(), expect, "{lines:?}");
        };
        check(&[], true);
        check(&[("origin", "https://a.example"), ("sec-fetch-site", "same-origin")], true);
        check(&[("origin", "https://b.example")], false);
        check(&[("origin", "null")], false);
        check(&[("sec-fetch-site", "cross-site")], false);
        check(&[("sec-fetch-site", "same-site")], false);
    }
}
