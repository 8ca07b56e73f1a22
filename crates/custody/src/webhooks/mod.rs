//! Webhooks: what happens in an organisation is sent to the endpoints it names, signed, until it arrives.
//!
//! What is sent is the feed of activities. Each endpoint has a place in it; whatever lies beyond is queued and the place moves, in one
//! commit. Whoever sends takes what is due ([`Custody::begin_webhook_attempts`](crate::Custody)), which notes the attempt before
//! anything leaves, and says afterwards what came of it. Should the program end in between, the same is sent once more under the
//! same id.

mod changing;
mod commands;
mod delivering;
mod feed;
mod serving;

pub use commands::{
    CreatedWebhook, DeliveryState, NewWebhook, WEBHOOK_TEST, WebhookCommand, WebhookDeliveryRow,
    WebhookReply, WebhookRow,
};
pub use delivering::{OutgoingWebhook, WebhookRoom};
pub use feed::FeedActivity;
