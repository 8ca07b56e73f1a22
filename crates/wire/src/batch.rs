//! Batches of the Messages API: what they ask, and where their results lie.

use std::ops::Range;

use crate::json::{Cursor, Kind};
use crate::outline::read_outline;
use crate::{Outline, RequestError, Wire};

/// The most requests in one batch, from the Messages API's own limit.
pub const BATCH_REQUESTS_MAX: usize = 100_000;

/// One request of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchRequest {
    /// The client's own id of the request.
    pub custom_id: String,
    /// The bytes of its `params`, a full Messages body, within the batch body.
    pub params_span: Range<usize>,
    /// What the params ask. Its spans count from the start of the batch body.
    pub outline: Outline,
}

/// Reads the body of `POST /v1/messages/batches`. The provider checks items only later, so policy must hold for each
/// before anything is sent.
///
/// # Errors
/// A [`RequestError`] when the body, or any item's params, is not acceptable.
pub fn batch_requests(body: &[u8]) -> Result<Vec<BatchRequest>, RequestError> {
    let mut cursor = Cursor::new(body)?;
    let mut requests: Option<Vec<BatchRequest>> = None;
    cursor.members(|cursor, name| {
        if name.lossy() != "requests" {
            return cursor.skip().map(drop);
        }
        if cursor.kind()? != Kind::Array {
            return Err(RequestError::WrongType { field: "requests", expected: "an array of objects" });
        }
        let mut items = Vec::new();
        cursor.elements(|cursor| {
            if items.len() == BATCH_REQUESTS_MAX {
                return Err(RequestError::TooManyMessages { messages_max: BATCH_REQUESTS_MAX });
            }
            items.push(item(cursor)?);
            Ok(())
        })?;
        match requests.replace(items) {
            None => Ok(()),
            Some(_) => Err(RequestError::Duplicate { field: "requests" }),
        }
    })?;
    cursor.end()?;
    requests.ok_or(RequestError::Missing { field: "requests" })
}

fn item(cursor: &mut Cursor<'_>) -> Result<BatchRequest, RequestError> {
    let (mut custom_id, mut params) = (None, None);
    cursor.members(|cursor, name| {
        let duplicate = match &*name.lossy() {
            "custom_id" if cursor.kind()? == Kind::String => {
                custom_id.replace(cursor.string()?.lossy().into_owned()).map(|_| "custom_id")
            }
            "params" => {
                let start = cursor.offset();
                let outline = read_outline(Wire::AnthropicMessages, cursor)?;
                params.replace((start..cursor.position(), outline)).map(|_| "params")
            }
            _ => cursor.skip().map(|_| None)?,
        };
        duplicate.map_or(Ok(()), |field| Err(RequestError::Duplicate { field }))
    })?;
    let (params_span, outline) = params.ok_or(RequestError::Missing { field: "params" })?;
    let custom_id = custom_id.ok_or(RequestError::Missing { field: "custom_id" })?;
    Ok(BatchRequest { custom_id, params_span, outline })
}

/// A place where a batch answer names its results' address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultsUrl {
    /// The bytes of the JSON string in the answer, quotes included; see [`crate::splice_string`].
    pub span: Range<usize>,
    /// The address. It points at the provider's host, past the gateway.
    pub url: String,
}

/// The `results_url` strings of a batch object, or of the batches in a list's `data`, in order. Empty when the body
/// is anything else.
pub fn results_urls(body: &[u8]) -> Vec<ResultsUrl> {
    let mut found = Vec::new();
    let read = Cursor::new(body).and_then(|mut cursor| {
        batch_object(&mut cursor, &mut found, true)?;
        cursor.end()
    });
    if read.is_err() {
        found.clear();
    }
    found
}

fn batch_object(
    cursor: &mut Cursor<'_>,
    found: &mut Vec<ResultsUrl>,
    outer: bool,
) -> Result<(), RequestError> {
    cursor.members(|cursor, name| match (&*name.lossy(), cursor.kind()?) {
        ("results_url", Kind::String) => {
            let start = cursor.offset();
            let url = cursor.string()?.lossy().into_owned();
            found.push(ResultsUrl { span: start..cursor.position(), url });
            Ok(())
        }
        ("data", Kind::Array) if outer => cursor.elements(|cursor| batch_object(cursor, found, false)),
        _ => cursor.skip().map(drop),
    })
}
