//! The frequent event of a Messages stream, read without building anything. Most of a stream's bytes are such events,
//! so what they cost is what a stream costs.

use crate::RequestError;
use crate::json::{Cursor, Token};

/// Ends the short way: whatever is not read here is read by the general one, which also judges what is wrong.
pub(super) const UNUSUAL: RequestError =
    RequestError::Malformed { position: 0, reason: "an event of the frequent form" };

/// A `content_block_delta` that adds text to one string of a block and says nothing else.
#[derive(Debug, Clone, Copy)]
pub(super) struct BlockDelta<'a> {
    /// Which block.
    pub(super) index: u64,
    /// Which of its strings.
    pub(super) grows: Grows,
    /// What is added.
    pub(super) text: Token<'a>,
}

/// The strings of a block that deltas add to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grows {
    /// `text`, by `text_delta`.
    Text,
    /// `thinking`, by `thinking_delta`.
    Thinking,
    /// `input`, as JSON, by `input_json_delta`.
    Input,
}

impl<'a> BlockDelta<'a> {
    /// The delta that `data` is; `None` for anything else, a delta with more members or repeated ones included.
    pub(super) fn read(data: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(data).ok()?;
        let (mut kind, mut index, mut delta) = (None, None, None);
        let read = cursor.members(|cursor, name| match &*name.lossy() {
            "type" => once(&mut kind, cursor.string()?),
            "index" => once(&mut index, cursor.number()?),
            "delta" => once(&mut delta, added(cursor)?),
            _ => Err(UNUSUAL),
        });
        read.and_then(|()| cursor.end()).ok()?;
        if kind?.lossy() != "content_block_delta" {
            return None;
        }
        let (grows, text) = delta?;
        Some(Self { index: index?.parse().ok()?, grows, text })
    }
}

/// The `delta` at the cursor.
fn added<'a>(cursor: &mut Cursor<'a>) -> Result<(Grows, Token<'a>), RequestError> {
    let (mut kind, mut text) = (None, None);
    cursor.members(|cursor, name| {
        let grows = match &*name.lossy() {
            "type" => return once(&mut kind, cursor.string()?),
            "text" => Grows::Text,
            "thinking" => Grows::Thinking,
            "partial_json" => Grows::Input,
            _ => return Err(UNUSUAL),
        };
        once(&mut text, (grows, cursor.string()?))
    })?;
    let (Some(kind), Some((grows, text))) = (kind, text) else { return Err(UNUSUAL) };
    let fits = match &*kind.lossy() {
        "text_delta" => grows == Grows::Text,
        "thinking_delta" => grows == Grows::Thinking,
        "input_json_delta" => grows == Grows::Input,
        _ => false,
    };
    if fits { Ok((grows, text)) } else { Err(UNUSUAL) }
}

/// Stores what the frequent form holds once.
pub(super) fn once<T>(place: &mut Option<T>, value: T) -> Result<(), RequestError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(UNUSUAL),
    }
}
