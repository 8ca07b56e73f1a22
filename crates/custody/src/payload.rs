//! The plaintext layout of records, version 1: a JSON header with its length in front, then raw bytes.
//!
//! A request record leaves out what the conversation holds already. With the body split as
//! `head · elided messages · new messages · tail`, the record keeps `head`, `new` and `tail`; head and tail (model,
//! parameters, system prompt, tools) are left out too when an earlier record of the conversation holds the same bytes.

use std::ops::Range;

use fiducia_policy::RecordId;
use fiducia_wire::Outline;
use zeroize::Zeroizing;

use crate::AnswerOutcome;

/// Version of the layout, bound into every record's seal.
pub(crate) const SCHEMA_VERSION: u16 = 1;

/// The header of a record's plaintext.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub(crate) enum Header {
    /// A request.
    Request {
        /// Messages left out because the conversation holds them.
        elided: u64,
        /// Length of the new messages.
        new: usize,
        /// Length of the head; 0 when in `envelope`.
        head: usize,
        /// Length of the tail; 0 when in `envelope`.
        tail: usize,
        /// The record that holds the same head and tail.
        envelope: Option<RecordId>,
    },
    /// An answer.
    Answer {
        /// HTTP status.
        status: u16,
        /// How it ended.
        outcome: AnswerOutcome,
        /// Whether the bytes are the assembled form of a stream.
        assembled: bool,
    },
    /// An imported turn: a JSON array of messages.
    Turn {},
}

/// A record's plaintext could not be read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the record opened, but its layout is not one this program writes")]
pub(crate) struct UnknownLayout;

/// Joins header and parts.
pub(crate) fn encode(header: &Header, parts: &[&[u8]]) -> Vec<u8> {
    // A header is a few short fields: serialising it cannot fail, and an empty one would be refused when read.
    let header = serde_json::to_vec(header).unwrap_or_default();
    let length: usize = parts.iter().map(|part| part.len()).sum();
    // Room for the AEAD's tag, so that sealing happens in place.
    let mut plaintext = Vec::with_capacity(4 + header.len() + length + 16);
    plaintext.extend_from_slice(&u32::try_from(header.len()).unwrap_or(0).to_be_bytes());
    plaintext.extend_from_slice(&header);
    for part in parts {
        plaintext.extend_from_slice(part);
    }
    plaintext
}

/// Splits a plaintext into header and bytes.
pub(crate) fn decode(plaintext: &[u8]) -> Result<(Header, &[u8]), UnknownLayout> {
    let (length, rest) = plaintext.split_first_chunk::<4>().ok_or(UnknownLayout)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| UnknownLayout)?;
    let (header, bytes) = rest.split_at_checked(length).ok_or(UnknownLayout)?;
    Ok((serde_json::from_slice(header).map_err(|_| UnknownLayout)?, bytes))
}

/// A request body split around what is new in it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Split<'a> {
    pub(crate) head: &'a [u8],
    pub(crate) new: &'a [u8],
    pub(crate) tail: &'a [u8],
}

/// Splits `body`, of whose messages the first `known` are held already. `None` when the outline's places do not fit the
/// body.
pub(crate) fn split<'a>(body: &'a [u8], outline: &Outline, known: usize) -> Option<Split<'a>> {
    let (Some(first), Some(last)) = (outline.messages.first(), outline.messages.last()) else {
        return Some(Split { head: body, new: &[], tail: &[] });
    };
    let messages: Range<usize> = first.span.start..last.span.end;
    let new_start = outline.messages.get(known).map_or(messages.end, |message| message.span.start);
    Some(Split {
        head: body.get(..messages.start)?,
        new: body.get(new_start..messages.end)?,
        tail: body.get(messages.end..)?,
    })
}

/// A request read back: the body without the elided messages, exactly as sent around the place where they were.
pub(crate) fn request_bytes(head: &[u8], new: &[u8], tail: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut body = Zeroizing::new(Vec::with_capacity(head.len() + new.len() + tail.len()));
    body.extend_from_slice(head);
    body.extend_from_slice(new);
    body.extend_from_slice(tail);
    body
}
