//! Sans-IO reading and writing of the formats that model providers speak.
//!
//! This crate is given bytes and gives back facts about them. It opens no socket, reads no clock and changes no byte
//! that it was not asked to change: the gateway forwards the original bytes and lets this crate read a side copy.
//!
//! - [`outline()`] reads a request: the model, whether it streams, each message's exact bytes and rolling digest.
//! - [`AnswerReader`] reads an answer, whole or as server-sent events in chunks of any size, and says how far the
//!   bytes may be released before the record of the exchange is durable.
//! - [`fingerprint`](mod@fingerprint) defines when two messages are the same message, on one wire or across wires.

mod answer;
mod error;
pub mod fingerprint;
mod json;
mod outline;
mod wire;

pub use answer::{
    ANSWER_BYTES_MAX, AnswerOutline, AnswerReader, EVENT_BYTES_MAX, Push, Terminal, Usage, read_answer,
};
pub use error::{AnswerError, ImportLineError, RequestError};
pub use json::DEPTH_MAX;
pub use outline::{
    Fallbacks, MESSAGES_MAX, MessageOutline, Outline, Role, outline, rewrite_model, splice_string,
};
pub use wire::{UnknownWire, Wire, WireFamily};
