//! `/webhooks`: endpoints to which the organisation's activities are sent, and what became of deliveries.

use fiducia_custody::{
    AdminCommand, AdminReply, CreatedWebhook, DeliveryState, NewWebhook, WebhookCommand, WebhookDeliveryRow,
    WebhookReply, WebhookRow,
};
use fiducia_policy::{DisabledBecause, Timestamp, WebhookId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::call::{Call, unexpected};
use super::super::caller::Who;
use super::super::endpoint::{Endpoint, Nothing};
use super::super::problem::Problem;
use super::super::reply::{Done, Found, Listed, Made};

/// For how many hours two secrets sign, where nobody says how long.
const OVERLAP_HOURS: u32 = 24;

pub(super) fn endpoints() -> Vec<Endpoint> {
    let staff = Who::Staff;
    vec![
        Endpoint::get("/webhooks", "list-webhooks", "The organisation's webhooks, oldest first.", staff, list),
        Endpoint::post(
            "/webhooks",
            "create-webhook",
            "Adds a webhook. It gets what happens from then on; its secret is in this answer alone.",
            staff,
            create,
        )
        .shows_secret(),
        Endpoint::get("/webhooks/{webhook}", "show-webhook", "One webhook.", staff, show),
        Endpoint::post(
            "/webhooks/{webhook}/rotation",
            "rotate-webhook-secret",
            "Gives a webhook another secret; the present one signs too for a while.",
            staff,
            rotate,
        )
        .changes("/webhooks/{webhook}")
        .shows_secret(),
        Endpoint::post(
            "/webhooks/{webhook}/disabling",
            "disable-webhook",
            "Sends a webhook nothing until it is enabled again.",
            staff,
            disable,
        )
        .changes("/webhooks/{webhook}"),
        Endpoint::post(
            "/webhooks/{webhook}/enabling",
            "enable-webhook",
            "Sends a disabled webhook activities again.",
            staff,
            enable,
        )
        .changes("/webhooks/{webhook}"),
        Endpoint::post(
            "/webhooks/{webhook}/deletion",
            "delete-webhook",
            "Deletes a webhook: its secrets can be read by nobody any more, and what waited for it is dropped.",
            staff,
            delete,
        )
        .changes("/webhooks/{webhook}"),
        Endpoint::post(
            "/webhooks/{webhook}/tests",
            "test-webhook",
            "Sends a webhook something that did not happen.",
            staff,
            test,
        ),
        Endpoint::get(
            "/webhooks/{webhook}/deliveries",
            "list-webhook-deliveries",
            "Deliveries to a webhook, the last queued first.",
            staff,
            deliveries,
        ),
        Endpoint::post(
            "/webhooks/{webhook}/redeliveries",
            "redeliver",
            "Sends every dead letter of a webhook again, or one delivery whatever became of it.",
            staff,
            redeliver,
        ),
        Endpoint::post(
            "/webhooks/{webhook}/discards",
            "discard-dead-letters",
            "Drops dead letters of a webhook: all of them, or one.",
            staff,
            discard,
        ),
    ]
}

/// A webhook.
#[derive(Serialize, JsonSchema)]
struct Webhook {
    id: WebhookId,
    url: String,
    /// Which types of activity it gets: names, or beginnings of names with a `*`; none for all.
    types: Vec<String>,
    description: String,
    created_at: Timestamp,
    disabled_at: Option<Timestamp>,
    disabled_because: Option<DisabledBecause>,
    /// Since when it has done nothing but fail.
    failing_since: Option<Timestamp>,
    /// When it took a delivery last.
    succeeded_at: Option<Timestamp>,
    /// Until when deliveries are signed with the former secret too.
    former_secret_until: Option<Timestamp>,
}

impl From<WebhookRow> for Webhook {
    fn from(row: WebhookRow) -> Self {
        Self {
            id: row.id,
            url: row.url,
            types: row.types,
            description: row.description,
            created_at: row.created_at,
            disabled_at: row.disabled_at,
            disabled_because: row.disabled_because,
            failing_since: row.failing_since,
            succeeded_at: row.succeeded_at,
            former_secret_until: row.former_secret_until,
        }
    }
}

/// A webhook with a secret that was just made.
#[derive(Serialize, JsonSchema)]
struct WebhookWithSecret {
    webhook: Webhook,
    /// `whsec_` and base64. It is shown this once.
    secret: String,
}

/// A delivery.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "WebhookDelivery")]
struct Delivery {
    /// The header `webhook-id`: the activity's id.
    id: String,
    /// The activity's type.
    #[serde(rename = "type")]
    kind: String,
    state: StateShown,
    queued_at: Timestamp,
    attempts: u32,
    last_attempt_at: Option<Timestamp>,
    next_attempt_at: Option<Timestamp>,
    /// The HTTP status of the last answer.
    status: Option<u16>,
    /// Why the last attempt failed.
    failure: Option<String>,
    /// When it arrived, or was given up.
    ended_at: Option<Timestamp>,
}

/// Where a delivery stands.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "WebhookDeliveryState")]
enum StateShown {
    /// It waits to be tried, or tried again.
    Waiting,
    /// It arrived.
    Delivered,
    /// It was given up.
    Dead,
}

impl From<WebhookDeliveryRow> for Delivery {
    fn from(row: WebhookDeliveryRow) -> Self {
        Self {
            id: row.message,
            kind: row.kind,
            state: match row.state {
                DeliveryState::Waiting => StateShown::Waiting,
                DeliveryState::Delivered => StateShown::Delivered,
                DeliveryState::Dead => StateShown::Dead,
            },
            queued_at: row.queued_at,
            attempts: row.attempts,
            last_attempt_at: row.last_attempt_at,
            next_attempt_at: row.next_attempt_at,
            status: row.status,
            failure: row.failure,
            ended_at: row.ended_at,
        }
    }
}

/// Where a list goes on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WebhooksPart {
    /// What `next` said.
    after: Option<String>,
    /// At most this many rows, 1 to 500; 100 when absent.
    limit: Option<u32>,
}

fn ask(call: &Call<'_>, command: WebhookCommand) -> Result<WebhookReply, Problem> {
    match call.as_staff(AdminCommand::Webhook(command))? {
        AdminReply::Webhook(reply) => Ok(reply),
        _ => Err(unexpected()),
    }
}

fn list(call: &Call<'_>, _: Nothing, part: WebhooksPart) -> Result<Listed<Webhook>, Problem> {
    let rows = Call::rows(part.limit)?;
    let after = call.after(part.after.as_deref())?;
    let WebhookReply::Webhooks(found) = ask(call, WebhookCommand::List { organization: None })? else {
        return Err(unexpected());
    };
    call.part(found, (after, rows), |row| row.id.to_string())
}

/// A webhook to be added.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewWebhook")]
struct Added {
    /// Where deliveries go: an `https` address of the open Internet.
    url: String,
    /// Which types of activity: names, or beginnings of names with a `*` at the end, at most 64. All when absent.
    #[serde(default)]
    types: Vec<String>,
    /// What to call it: 1 to 128 characters.
    description: String,
}

fn create(call: &Call<'_>, _: Nothing, new: Added) -> Result<Made<WebhookWithSecret>, Problem> {
    let organization = call.caller.account().organization;
    let Added { url, types, description } = new;
    let new = NewWebhook { organization, url, types, description, actor: String::new() };
    let what = with_secret(ask(call, WebhookCommand::Create(new))?)?;
    Ok(Made { location: format!("/webhooks/{}", what.webhook.id), what })
}

fn with_secret(reply: WebhookReply) -> Result<WebhookWithSecret, Problem> {
    let WebhookReply::Created(created) = reply else { return Err(unexpected()) };
    let CreatedWebhook { webhook, secret } = *created;
    Ok(WebhookWithSecret { webhook: webhook.into(), secret })
}

/// Which webhook.
#[derive(Deserialize, JsonSchema)]
struct OneWebhook {
    /// The webhook.
    webhook: WebhookId,
}

fn one(reply: WebhookReply) -> Result<Webhook, Problem> {
    match reply {
        WebhookReply::Webhook(row) => Ok((*row).into()),
        _ => Err(unexpected()),
    }
}

fn show(call: &Call<'_>, which: OneWebhook, _: Nothing) -> Result<Found<Webhook>, Problem> {
    one(ask(call, WebhookCommand::Show { webhook: which.webhook })?).map(Found)
}

/// How a secret is changed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Rotation {
    /// For how many hours the present secret signs too, 0 to 168; 24 when absent.
    overlap_hours: Option<u32>,
}

fn rotate(call: &Call<'_>, which: OneWebhook, how: Rotation) -> Result<Done<WebhookWithSecret>, Problem> {
    let overlap_hours = how.overlap_hours.unwrap_or(OVERLAP_HOURS);
    let command = WebhookCommand::Rotate { webhook: which.webhook, overlap_hours, actor: String::new() };
    with_secret(ask(call, command)?).map(Done)
}

fn disable(call: &Call<'_>, which: OneWebhook, _: Nothing) -> Result<Done<Webhook>, Problem> {
    one(ask(call, WebhookCommand::Disable { webhook: which.webhook, actor: String::new() })?).map(Done)
}

/// How a webhook is enabled.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Enabling {
    /// Leaves out what happened meanwhile; otherwise it goes on where it stopped.
    #[serde(default)]
    skip: bool,
}

fn enable(call: &Call<'_>, which: OneWebhook, how: Enabling) -> Result<Done<Webhook>, Problem> {
    let command = WebhookCommand::Enable { webhook: which.webhook, skip: how.skip, actor: String::new() };
    one(ask(call, command)?).map(Done)
}

/// What was deleted.
#[derive(Serialize, JsonSchema)]
struct DeletedWebhook {
    deleted: WebhookId,
}

fn delete(call: &Call<'_>, which: OneWebhook, _: Nothing) -> Result<Done<DeletedWebhook>, Problem> {
    let command = WebhookCommand::Delete { webhook: which.webhook, actor: String::new() };
    match ask(call, command)? {
        WebhookReply::Done => Ok(Done(DeletedWebhook { deleted: which.webhook })),
        _ => Err(unexpected()),
    }
}

/// What is sent as a test.
#[derive(Serialize, JsonSchema)]
struct QueuedTest {
    /// The header `webhook-id` of the delivery.
    delivery: String,
}

fn test(call: &Call<'_>, which: OneWebhook, _: Nothing) -> Result<Done<QueuedTest>, Problem> {
    match ask(call, WebhookCommand::Test { webhook: which.webhook })? {
        WebhookReply::Queued(delivery) => Ok(Done(QueuedTest { delivery })),
        _ => Err(unexpected()),
    }
}

/// Which deliveries.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DeliveriesAsked {
    /// Only dead letters.
    #[serde(default)]
    dead: bool,
    /// What `next` said.
    after: Option<String>,
    /// At most this many rows, 1 to 500; 100 when absent.
    limit: Option<u32>,
}

fn deliveries(
    call: &Call<'_>,
    which: OneWebhook,
    asked: DeliveriesAsked,
) -> Result<Listed<Delivery>, Problem> {
    let rows = Call::rows(asked.limit)?;
    let after: Option<String> = call.after(asked.after.as_deref())?;
    let command =
        WebhookCommand::Deliveries { webhook: which.webhook, dead: asked.dead, after, limit: rows + 1 };
    let WebhookReply::Deliveries(found) = ask(call, command)? else { return Err(unexpected()) };
    Ok(call.listed(found, rows, |row| row.message.clone()))
}

/// Which deliveries are meant.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DeliveriesMeant {
    /// One, by its id; every dead letter when absent.
    delivery: Option<String>,
}

/// How many deliveries it was.
#[derive(Serialize, JsonSchema)]
struct DeliveriesChanged {
    deliveries: u64,
}

fn redeliver(
    call: &Call<'_>,
    which: OneWebhook,
    meant: DeliveriesMeant,
) -> Result<Done<DeliveriesChanged>, Problem> {
    let command = WebhookCommand::Redeliver { webhook: which.webhook, message: meant.delivery };
    changed(ask(call, command)?)
}

fn discard(
    call: &Call<'_>,
    which: OneWebhook,
    meant: DeliveriesMeant,
) -> Result<Done<DeliveriesChanged>, Problem> {
    let command = WebhookCommand::Discard { webhook: which.webhook, message: meant.delivery };
    changed(ask(call, command)?)
}

fn changed(reply: WebhookReply) -> Result<Done<DeliveriesChanged>, Problem> {
    match reply {
        WebhookReply::Changed(deliveries) => Ok(Done(DeliveriesChanged { deliveries })),
        _ => Err(unexpected()),
    }
}
