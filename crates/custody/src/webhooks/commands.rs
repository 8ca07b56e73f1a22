//! The commands on webhooks, and their replies.

use fiducia_policy::{AttemptOutcome, DisabledBecause, OrganizationId, Timestamp, WebhookId};
use fiducia_store::WebhookIntake;

use super::WebhookRoom;

/// The type of what [`WebhookCommand::Test`] sends. It is in no feed.
pub const WEBHOOK_TEST: &str = "fiducia_webhook_test";

/// An endpoint to be added.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct NewWebhook {
    /// Whose activities are sent.
    pub organization: OrganizationId,
    /// Where to: an `https` address.
    pub url: String,
    /// Which types of activity: names, or beginnings of names with a `*` at the end. None for all.
    pub types: Vec<String>,
    /// What to call it, 1 to 128 characters.
    pub description: String,
    /// Who adds it.
    pub actor: String,
}

/// A command on webhooks. Its `Debug` shows nothing but the kind.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "action")]
pub enum WebhookCommand {
    /// Adds an endpoint. It gets what happens from then on.
    Create(NewWebhook),
    /// Lists endpoints, oldest first.
    List {
        /// Only of this organisation.
        organization: Option<OrganizationId>,
    },
    /// Shows one endpoint.
    Show {
        /// Which.
        webhook: WebhookId,
    },
    /// Gives an endpoint another secret. The present one signs too until the overlap is over.
    Rotate {
        /// Which.
        webhook: WebhookId,
        /// How many hours both sign: 0 to 168.
        overlap_hours: u32,
        /// Who asks.
        actor: String,
    },
    /// Sends an endpoint nothing until it is enabled again.
    Disable {
        /// Which.
        webhook: WebhookId,
        /// Who asks.
        actor: String,
    },
    /// Sends a disabled endpoint activities again.
    Enable {
        /// Which.
        webhook: WebhookId,
        /// Leaves out what happened meanwhile; otherwise it goes on where it stopped.
        skip: bool,
        /// Who asks.
        actor: String,
    },
    /// Deletes an endpoint: its secrets' key is destroyed, and what waited for it is dropped.
    Delete {
        /// Which.
        webhook: WebhookId,
        /// Who asks.
        actor: String,
    },
    /// Lists deliveries to an endpoint, the last queued first.
    Deliveries {
        /// To which.
        webhook: WebhookId,
        /// Only dead letters.
        dead: bool,
        /// Only those after this one in the list, by the id of what was delivered.
        after: Option<String>,
        /// At most this many, 1 to 1,000.
        limit: u32,
    },
    /// Puts a delivery back into the queue, whatever became of it; without one, every dead letter.
    Redeliver {
        /// To which endpoint.
        webhook: WebhookId,
        /// The id of what is delivered.
        message: Option<String>,
    },
    /// Drops a dead letter; without one, every dead letter.
    Discard {
        /// To which endpoint.
        webhook: WebhookId,
        /// The id of what was to be delivered.
        message: Option<String>,
    },
    /// Sends an endpoint something that did not happen, to try it out.
    Test {
        /// Which.
        webhook: WebhookId,
    },
    /// Queues what the feed has; for whoever sends, in this process.
    #[serde(skip)]
    Take(Vec<WebhookIntake>),
    /// Notes that attempts begin; for whoever sends, in this process.
    #[serde(skip)]
    Begin(WebhookRoom),
    /// Notes what came of an attempt; for whoever sends, in this process.
    #[serde(skip)]
    End {
        /// To which endpoint.
        webhook: WebhookId,
        /// The id of what was sent.
        message: String,
        /// What came of it; `None` when there is nothing to send any more.
        outcome: Option<AttemptOutcome>,
    },
    /// Notes how far activities were written to a log system; for whoever writes, in this process.
    #[serde(skip)]
    NoteSiemPlace {
        /// Which log system.
        target: String,
        /// The place in the feed.
        place: i64,
    },
}

impl std::fmt::Debug for WebhookCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookCommand")
    }
}

/// An endpoint in a list. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WebhookRow {
    /// Its id.
    pub id: WebhookId,
    /// Whose.
    pub organization: OrganizationId,
    /// Where deliveries go.
    pub url: String,
    /// Which types of activity it gets; none for all.
    pub types: Vec<String>,
    /// What its owner calls it.
    pub description: String,
    /// Created when.
    pub created_at: Timestamp,
    /// Gets nothing since when.
    pub disabled_at: Option<Timestamp>,
    /// Why it gets nothing.
    pub disabled_because: Option<DisabledBecause>,
    /// Has done nothing but fail since when.
    pub failing_since: Option<Timestamp>,
    /// Took a delivery last when.
    pub succeeded_at: Option<Timestamp>,
    /// Until when deliveries are signed with the former secret too.
    pub former_secret_until: Option<Timestamp>,
}

/// A new endpoint, or a new secret of one.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CreatedWebhook {
    /// The endpoint.
    pub webhook: WebhookRow,
    /// Its secret, shown once; it is kept sealed.
    pub secret: String,
}

impl std::fmt::Debug for CreatedWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedWebhook").field("webhook", &self.webhook).finish_non_exhaustive()
    }
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryState {
    /// It waits to be tried, or tried again.
    Waiting,
    /// It arrived.
    Delivered,
    /// It was given up.
    Dead,
}

impl DeliveryState {
    /// The name in lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

/// A delivery in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WebhookDeliveryRow {
    /// The id of what is delivered: the header `webhook-id`.
    pub message: String,
    /// The activity's type.
    pub kind: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// Queued when.
    pub queued_at: Timestamp,
    /// Attempts that were begun.
    pub attempts: u32,
    /// Tried last when.
    pub last_attempt_at: Option<Timestamp>,
    /// Tried next when.
    pub next_attempt_at: Option<Timestamp>,
    /// The HTTP status of the last answer.
    pub status: Option<u16>,
    /// Why the last attempt failed.
    pub failure: Option<String>,
    /// Arrived, or was given up, when.
    pub ended_at: Option<Timestamp>,
}

/// A reply to a [`WebhookCommand`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reply", content = "value")]
pub enum WebhookReply {
    /// A new endpoint, or a new secret. The only time the secret is shown.
    Created(Box<CreatedWebhook>),
    /// An endpoint.
    Webhook(Box<WebhookRow>),
    /// Endpoints.
    Webhooks(Vec<WebhookRow>),
    /// Deliveries.
    Deliveries(Vec<WebhookDeliveryRow>),
    /// How many deliveries were changed.
    Changed(u64),
    /// The id of what was queued.
    Queued(String),
    /// Attempts that were begun: endpoint and id of what is sent.
    #[serde(skip)]
    Begun(Vec<(WebhookId, String)>),
    /// It was done.
    Done,
}
