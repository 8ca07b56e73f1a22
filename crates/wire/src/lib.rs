//! Sans-IO reading and writing of the formats that model providers speak.
//!
//! This crate is given bytes and gives back facts about them. It opens no socket, reads no clock and changes no byte
//! that it was not asked to change: the gateway forwards the original bytes and lets this crate read a side copy.
//!
//! - [`outline()`] reads a request: the model, whether it streams, each message's exact bytes and rolling digest.
//! - [`features()`] tells what a request uses of the provider besides an answer; outlines tell it too.
//! - [`fingerprint`] defines when two messages are the same message, on one wire or across wires.
//! - [`AnswerReader`] reads an answer, whole or as server-sent events in chunks of any size, and says how far the
//!   bytes may be released before the record of the exchange is durable.
//! - [`error_body`] and [`error_frame`] write errors in each wire's exact shape.
//! - [`refusal_body`] and [`refusal_stream`] write refusals of the gateway's own as answers, and [`Delivered`] ends a stream that
//!   already runs with one.
//! - [`Outline::reachable_models`] says which models a request can reach, [`answering_models`] which ones answered, and
//!   [`rerouted_body`] makes an answer say that another model gave it.
//! - [`RequestTexts`] says where the texts of a request stand and whose words they are, and puts other text in the place of parts.
//! - [`texts()`] and [`conversation_line()`] serve readers of stored records and importers of old conversations.
//! - [`WebhookSecret`] and [`webhook_body`] write what is sent to webhooks, signed as Standard Webhooks says.
//! - [`siem`] writes activities as lines for a security information and event management system.
//! - [`compliance`] holds the shapes of the public Compliance API.
//! - [`batch_requests`] and [`results_urls`] read the batches of the Messages API.

mod answer;
mod batch;
pub mod compliance;
mod ending;
mod error;
mod fallback;
mod features;
pub mod fingerprint;
mod import;
mod json;
mod object;
mod outline;
mod refusal;
mod request_texts;
mod shape;
pub mod siem;
mod sse;
mod texts;
mod webhook;
mod wire;

pub use answer::{
    ANSWER_BYTES_MAX, AnswerOutline, AnswerReader, EVENT_BYTES_MAX, Push, Terminal, Usage, read_answer,
};
pub use batch::{BATCH_REQUESTS_MAX, BatchRequest, ResultsUrl, batch_requests, results_urls};
pub use ending::{Delivered, EndingError};
pub use error::{AnswerError, ImportLineError, RequestError};
pub use fallback::{
    Announced, AnsweringModels, FALLBACKS_MAX, Hop, Iteration, IterationKind, ModelWatch, ReachableModels,
    Reroute, RerouteStream, answering_models, rerouted_body,
};
pub use features::{ADVISOR_MODELS_MAX, Features, beta_features, features};
pub use import::{
    IMPORT_ID_BYTES_MAX, ImportedConversation, ImportedExchange, ImportedMessage, conversation_line,
};
pub use json::DEPTH_MAX;
pub use outline::{
    Fallbacks, MESSAGES_MAX, MessageOutline, Outline, Role, outline, rewrite_model, splice_string,
};
pub use refusal::{
    AnswerFrame, OWN_MARK, OwnMark, OwnRefusal, Refused, own_mark, refusal_body, refusal_stream,
    stop_category,
};
pub use request_texts::{REQUEST_TEXTS_MAX, Replacement, ReplacementError, RequestText, RequestTexts};
pub use shape::{WireError, error_body, error_frame};
pub use texts::{Text, texts};
pub use webhook::{
    WEBHOOK_URL_BYTES_MAX, WebhookHeaders, WebhookSecret, WebhookSecretError, WebhookUrl, WebhookUrlError,
    webhook_body, webhook_headers,
};
pub use wire::{UnknownWire, Wire, WireFamily};
