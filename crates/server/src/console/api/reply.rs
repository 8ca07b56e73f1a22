//! What endpoints answer: each kind of answer knows its status, its schema and its headers.

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderValue, StatusCode, header};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

use super::file::OpenFile;
use super::problem::Problem;

/// An answer before it becomes HTTP.
pub(super) struct Reply {
    pub(super) status: u16,
    /// Where what was made lies, beneath the API's root.
    pub(super) location: Option<String>,
    /// The strong tag of what is shown.
    pub(super) tag: Option<String>,
    pub(super) body: ReplyBody,
}

/// The body of an answer.
pub(super) enum ReplyBody {
    Json(Vec<u8>),
    File(Box<OpenFile>),
}

/// How an answer looks to the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// JSON.
    Json,
    /// JSON with a strong `ETag`.
    Tagged,
    /// JSON, and `Location` says where what was made lies.
    Made,
    /// A file, whole or in part.
    File,
}

/// What a handler gives back.
pub(super) trait Answer {
    /// The status.
    const STATUS: u16;
    /// How it looks.
    const SHAPE: Shape;

    /// The schema of its body, where it is JSON.
    fn schema(generator: &mut SchemaGenerator) -> Option<Schema>;

    /// Writes it.
    ///
    /// # Errors
    /// When it cannot be written.
    fn into_reply(self) -> Result<Reply, Problem>;
}

/// One thing, as it is now.
pub(super) struct Found<T>(pub(super) T);

/// Something was made.
pub(super) struct Made<T> {
    /// Where it lies, beneath the API's root: `/requests/request_…`.
    pub(super) location: String,
    /// What it is.
    pub(super) what: T,
}

/// Something was done.
pub(super) struct Done<T>(pub(super) T);

/// A part of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ListOf{T}")]
pub(super) struct Listed<T> {
    /// The rows.
    pub(super) items: Vec<T>,
    /// Send this as `after` for what comes next; null at the end.
    pub(super) next: Option<String>,
}

impl<T: Serialize + JsonSchema> Answer for Found<T> {
    const STATUS: u16 = 200;
    const SHAPE: Shape = Shape::Tagged;

    fn schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(generator.subschema_for::<T>())
    }

    fn into_reply(self) -> Result<Reply, Problem> {
        let body = written(&self.0)?;
        let tag = format!("\"{}\"", URL_SAFE_NO_PAD.encode(digest(&SHA256, &body)));
        Ok(Reply { status: Self::STATUS, location: None, tag: Some(tag), body: ReplyBody::Json(body) })
    }
}

impl<T: Serialize + JsonSchema> Answer for Made<T> {
    const STATUS: u16 = 201;
    const SHAPE: Shape = Shape::Made;

    fn schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(generator.subschema_for::<T>())
    }

    fn into_reply(self) -> Result<Reply, Problem> {
        let body = ReplyBody::Json(written(&self.what)?);
        Ok(Reply { status: Self::STATUS, location: Some(self.location), tag: None, body })
    }
}

impl<T: Serialize + JsonSchema> Answer for Done<T> {
    const STATUS: u16 = 200;
    const SHAPE: Shape = Shape::Json;

    fn schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(generator.subschema_for::<T>())
    }

    fn into_reply(self) -> Result<Reply, Problem> {
        let body = ReplyBody::Json(written(&self.0)?);
        Ok(Reply { status: Self::STATUS, location: None, tag: None, body })
    }
}

impl<T: Serialize + JsonSchema> Answer for Listed<T> {
    const STATUS: u16 = 200;
    const SHAPE: Shape = Shape::Json;

    fn schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(generator.subschema_for::<Self>())
    }

    fn into_reply(self) -> Result<Reply, Problem> {
        let body = ReplyBody::Json(written(&self)?);
        Ok(Reply { status: Self::STATUS, location: None, tag: None, body })
    }
}

impl Answer for OpenFile {
    const STATUS: u16 = 200;
    const SHAPE: Shape = Shape::File;

    fn schema(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }

    fn into_reply(self) -> Result<Reply, Problem> {
        let tag = Some(self.tag());
        Ok(Reply { status: Self::STATUS, location: None, tag, body: ReplyBody::File(Box::new(self)) })
    }
}

fn written<T: Serialize>(value: &T) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(value).map_err(|error| {
        tracing::error!(%error, "an answer of the API could not be written");
        Problem::Unavailable
    })
}

impl Reply {
    /// The answer that was kept, given again.
    pub(super) fn again(status: u16, location: Option<String>, body: Vec<u8>) -> Self {
        Self { status, location, tag: None, body: ReplyBody::Json(body) }
    }

    /// The answer as HTTP: not modified when the caller has it already, a file in part when a range was asked for.
    ///
    /// # Errors
    /// [`Problem::Range`] when a file has no such range.
    pub(super) fn into_response(self, asked: &http::HeaderMap) -> Result<Response, Problem> {
        let is_known = self.tag.as_deref().is_some_and(|tag| {
            let lines = asked.get_all(header::IF_NONE_MATCH).iter();
            lines.filter_map(|line| line.to_str().ok()).any(|line| names(line, tag, true))
        });
        let tag = self.tag.and_then(|tag| HeaderValue::try_from(tag).ok());
        let mut response = match self.body {
            _ if is_known => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                response
            }
            ReplyBody::File(file) => file.into_response(asked, tag.as_ref())?,
            ReplyBody::Json(body) => with_status(self.status, Body::from(body)),
        };
        if let Some(tag) = tag {
            response.headers_mut().insert(header::ETAG, tag);
        }
        if let Some(location) = self.location
            && let Ok(value) = HeaderValue::try_from(format!("{}{location}", super::ROOT))
        {
            response.headers_mut().insert(header::LOCATION, value);
        }
        Ok(response)
    }
}

fn with_status(status: u16, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Whether a list of tags names this one. A weak tag counts only where `weak_counts` (RFC 9110, section 8.8.3.2).
pub(super) fn names(list: &str, tag: &str, weak_counts: bool) -> bool {
    list.split(',').map(str::trim).any(|named| {
        let strong = if weak_counts { named.strip_prefix("W/").unwrap_or(named) } else { named };
        named == "*" || strong == tag
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_as_http_says() {
        let check =
            |list: &str, weak: bool, expect: bool| assert_eq!(names(list, "\"a\"", weak), expect, "{list}");
        check("\"a\"", false, true);
        check("\"b\", \"a\"", false, true);
        check("*", false, true);
        check("W/\"a\"", true, true);
        check("W/\"a\"", false, false);
        check("a", true, false);
        check("", true, false);
    }
}
