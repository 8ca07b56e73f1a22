//! What is on its way: queued from the feed, begun before it is sent, ended by what came of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fiducia_keyring::open_value;
use fiducia_policy::{
    AttemptFailure, AttemptOutcome, DeliveryStep, EndpointStep, OrganizationId, Timestamp, WebhookId,
    after_attempt,
};
use fiducia_store::{WebhookDeliveryRecord, WebhookIntake, WebhookRecord};
use fiducia_wire::{WebhookHeaders, WebhookSecret, webhook_body, webhook_headers};

use super::changing::webhook_event;
use super::commands::{WebhookCommand, WebhookReply};
use crate::keychain::Keychain;
use crate::reading::Reader;
use crate::writer::Writer;
use crate::{AdminError, Custody};

/// Activities that one step takes from the feed for one endpoint.
const TAKEN_MAX: u32 = 256;
/// Deliveries that wait for one endpoint; while there are so many its place in the feed stands still.
const WAITING_MAX: u32 = 1_000;
/// An attempt of which nothing more is heard is repeated after this many seconds at the earliest. Longer than an attempt takes.
const LEASE_SECONDS: u64 = 60;
/// How long deliveries that arrived are remembered, in days.
const DELIVERED_DAYS: u64 = 30;
/// How long dead letters are kept, in days.
const DEAD_DAYS: u64 = 90;
const SECONDS_PER_DAY: u64 = 86_400;
/// Deliveries that one step forgets.
const FORGOTTEN_MAX: u32 = 1_000;

/// How much may be begun.
#[derive(Debug, Clone, Default)]
pub struct WebhookRoom {
    /// Attempts that are under way, by endpoint.
    pub under_way: HashMap<WebhookId, u32>,
    /// At most this many at a time for one endpoint. One that fails gets one at a time.
    pub each_max: u32,
    /// At most this many more for all.
    pub more_max: u32,
}

/// What the feed has for endpoints.
#[derive(Default)]
struct Intakes {
    all: Vec<WebhookIntake>,
    /// Activities that were looked at.
    looked_at: u64,
    /// The end of the feed, when nothing lay before any endpoint.
    complete_up_to: Option<i64>,
}

/// Something to be sent. Its `Debug` shows no body and no signature.
#[derive(Clone)]
pub struct OutgoingWebhook {
    /// To which endpoint.
    pub webhook: WebhookId,
    /// The id of what is sent.
    pub message: String,
    /// Where to.
    pub url: String,
    /// The headers of Standard Webhooks.
    pub headers: WebhookHeaders,
    /// The body, JSON.
    pub body: String,
}

impl std::fmt::Debug for OutgoingWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutgoingWebhook")
            .field("webhook", &self.webhook)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

impl Custody {
    /// Queues what the feed has for endpoints, a part at a time, and forgets what is over. Gives how many activities were looked at:
    /// 0 when every endpoint has what there is. Blocks: call it from a thread that may.
    ///
    /// # Errors
    /// When the store fails. What was not queued is queued the next time.
    pub fn take_for_webhooks(&self) -> Result<u64, AdminError> {
        let have_up_to = &self.0.handle.state.webhooks_have_up_to;
        let (reader, known) = (self.reader(), have_up_to.load(Ordering::Acquire));
        let intakes = {
            let _reading = reader.reading();
            let last = reader.feed_end()?;
            if last == known { Intakes::default() } else { reader.webhook_intakes(last)? }
        };
        let looked_at = intakes.looked_at;
        self.change_webhook(WebhookCommand::Take(intakes.all))?;
        if let Some(last) = intakes.complete_up_to {
            // Unless an endpoint was added or enabled meanwhile, which has more to be looked at.
            let _ = have_up_to.compare_exchange(known, last, Ordering::AcqRel, Ordering::Acquire);
        }
        Ok(looked_at)
    }

    /// Begins what is due, as far as there is room, and gives it ready to be sent. The attempts are noted before this returns. Say
    /// what came of each by [`Custody::end_webhook_attempt`]. Blocks.
    ///
    /// # Errors
    /// When the store fails; nothing is then begun.
    pub fn begin_webhook_attempts(&self, room: WebhookRoom) -> Result<Vec<OutgoingWebhook>, AdminError> {
        let WebhookReply::Begun(begun) = self.change_webhook(WebhookCommand::Begin(room))? else {
            return Err(AdminError::Storage("the store gave an answer to another question".to_owned()));
        };
        let mut outgoing = Vec::with_capacity(begun.len());
        for (webhook, message) in begun {
            match self.reader().outgoing(webhook, &message) {
                Ok(Some(one)) => outgoing.push(one),
                Ok(None) => self.end_attempt(webhook, message, None)?,
                Err(error) => {
                    tracing::error!(%webhook, message, %error, "a delivery could not be prepared; it is tried again");
                }
            }
        }
        Ok(outgoing)
    }

    /// Notes what came of an attempt. Blocks.
    ///
    /// # Errors
    /// When the store fails: the same is then sent once more.
    pub fn end_webhook_attempt(
        &self,
        webhook: WebhookId,
        message: String,
        outcome: AttemptOutcome,
    ) -> Result<(), AdminError> {
        self.end_attempt(webhook, message, Some(outcome))
    }

    fn end_attempt(
        &self,
        webhook: WebhookId,
        message: String,
        outcome: Option<AttemptOutcome>,
    ) -> Result<(), AdminError> {
        self.change_webhook(WebhookCommand::End { webhook, message, outcome }).map(drop)
    }
}

impl Reader {
    /// What lies before each active endpoint in the feed, whose end is `last`. Whoever calls this holds destruction off.
    fn webhook_intakes(&self, last: i64) -> Result<Intakes, AdminError> {
        let control = self.control()?;
        let mut intakes = Intakes { complete_up_to: Some(last), ..Intakes::default() };
        for webhook in control.webhooks(None)?.into_iter().filter(|webhook| webhook.disabled.is_none()) {
            let waiting = control.webhook_deliveries_waiting(webhook.id, WAITING_MAX)?;
            let room = WAITING_MAX.saturating_sub(waiting).min(TAKEN_MAX);
            if room == 0 {
                intakes.complete_up_to = None;
                continue;
            }
            let activities = self.feed_after(Some(webhook.organization), webhook.place, room)?;
            let Some(place) = activities.last().map(|last| last.place) else { continue };
            let count = u64::try_from(activities.len()).unwrap_or(u64::MAX);
            intakes.looked_at = intakes.looked_at.saturating_add(count);
            intakes.complete_up_to = None;
            // What happened before comes up only where the feed was lost and made again.
            let admitted = activities
                .into_iter()
                .filter(|activity| activity.at >= webhook.created_at && webhook.types.admits(&activity.kind));
            let activities = admitted.map(|activity| (activity.id, activity.kind, activity.place)).collect();
            intakes.all.push(WebhookIntake { webhook: webhook.id, place, activities });
        }
        Ok(intakes)
    }

    /// A delivery, signed for an attempt that is made now; `None` when there is nothing to send any more.
    fn outgoing(&self, id: WebhookId, message: &str) -> Result<Option<OutgoingWebhook>, AdminError> {
        let _reading = self.reading();
        let control = self.control()?;
        let Some(webhook) = control.webhook(id)? else { return Ok(None) };
        let Some(delivery) = control.webhook_delivery(id, message)? else { return Ok(None) };
        let Some(activity) = self.activity_of(&webhook, &delivery)? else { return Ok(None) };
        let body = webhook_body(&delivery.kind, activity.0, &activity.1)
            .map_err(|error| AdminError::Storage(format!("an activity cannot be read: {error}")))?;
        let now = self.clock.now();
        let secrets = self.webhook_secrets(&webhook, now)?;
        let headers = webhook_headers(&secrets, message, now, body.as_bytes());
        Ok(Some(OutgoingWebhook {
            webhook: id,
            message: message.to_owned(),
            url: webhook.url,
            headers,
            body,
        }))
    }

    /// When what is delivered happened, and what the feed says of it.
    fn activity_of(
        &self,
        webhook: &WebhookRecord,
        delivery: &WebhookDeliveryRecord,
    ) -> Result<Option<(Timestamp, String)>, AdminError> {
        let Some(place) = delivery.place else {
            return Ok(Some((delivery.queued_at, test_activity(webhook.organization, delivery))));
        };
        let found = self.feed_after(Some(webhook.organization), place.saturating_sub(1), 1)?;
        let found = found.into_iter().find(|activity| activity.id == delivery.message);
        Ok(found.map(|activity| (activity.at, activity.body)))
    }

    /// The secrets that sign now, the present one first.
    fn webhook_secrets(
        &self,
        webhook: &WebhookRecord,
        now: Timestamp,
    ) -> Result<Vec<WebhookSecret>, AdminError> {
        let keys = self.keys()?;
        let key = Keychain::new(Arc::clone(&self.access)).key(&keys, webhook.key)?;
        let former = webhook.former.as_ref().filter(|(_, until)| now < *until).map(|(sealed, _)| sealed);
        std::iter::once(&webhook.secret)
            .chain(former)
            .map(|sealed| {
                let bytes = open_value((webhook.key, &key), webhook.id.as_bytes(), sealed)?;
                WebhookSecret::from_bytes(&bytes).map_err(|error| AdminError::Storage(error.to_string()))
            })
            .collect()
    }
}

/// What a test says: the same at every attempt.
fn test_activity(organization: OrganizationId, delivery: &WebhookDeliveryRecord) -> String {
    serde_json::json!({
        "id": delivery.message,
        "type": delivery.kind,
        "created_at": delivery.queued_at,
        "organization_id": organization,
        "organization_uuid": organization.uuid(),
        "actor": { "type": "system_actor" },
    })
    .to_string()
}

impl Writer {
    pub(super) fn take_activities(&mut self, intakes: &[WebhookIntake]) -> Result<WebhookReply, AdminError> {
        let now = self.clock.now();
        if !intakes.is_empty() {
            self.files.control.take_activities(intakes, now)?;
        }
        let days_ago = |days: u64| {
            now.checked_sub(Duration::from_secs(days * SECONDS_PER_DAY)).unwrap_or(Timestamp::MIN)
        };
        let times = (days_ago(DELIVERED_DAYS), days_ago(DEAD_DAYS), now);
        if self.files.control.webhooks_have_something_to_forget(times)? {
            self.files.control.forget_webhook_deliveries(times, FORGOTTEN_MAX)?;
        }
        let counts = self.files.control.webhook_counts()?;
        let oldest = counts.oldest.map_or(0, |oldest| now.as_second().saturating_sub(oldest.as_second()));
        let state = &self.handle;
        state.webhooks_waiting.store(counts.waiting, Ordering::Relaxed);
        state.webhooks_dead.store(counts.dead, Ordering::Relaxed);
        state.webhooks_oldest_seconds.store(u64::try_from(oldest).unwrap_or(0), Ordering::Relaxed);
        Ok(WebhookReply::Done)
    }

    /// Notes that attempts begin, each with the time of the next one should nothing more be heard of it.
    pub(super) fn begin_webhook_attempts(&mut self, room: &WebhookRoom) -> Result<WebhookReply, AdminError> {
        let now = self.clock.now();
        let (mut begun, mut more) = (Vec::new(), room.more_max);
        let mut webhooks = self.files.control.webhooks(None)?;
        webhooks.retain(|webhook| webhook.disabled.is_none());
        // Whoever has waited longest for a success comes last, so that endpoints that fail take what the others leave.
        webhooks.sort_by_key(|webhook| webhook.failing_since.is_some());
        for webhook in &webhooks {
            let most = if webhook.failing_since.is_some() { 1 } else { room.each_max };
            let under_way = room.under_way.get(&webhook.id).copied().unwrap_or(0);
            let free = most.saturating_sub(under_way).min(more);
            if free == 0 {
                continue;
            }
            let due = self.files.control.due_webhook_deliveries(webhook.id, now, free)?;
            more = more.saturating_sub(u32::try_from(due.len()).unwrap_or(u32::MAX));
            begun.extend(due);
        }
        for delivery in &mut begun {
            delivery.attempts = delivery.attempts.saturating_add(1);
            delivery.last_attempt_at = Some(now);
            delivery.next_attempt_at = Some(repeated_at(delivery.attempts, now));
        }
        if !begun.is_empty() {
            self.files.control.note_webhook_deliveries(&begun)?;
        }
        let begun = begun.into_iter().map(|delivery| (delivery.webhook, delivery.message)).collect();
        Ok(WebhookReply::Begun(begun))
    }

    pub(super) fn end_webhook_attempt(
        &mut self,
        id: WebhookId,
        message: &str,
        outcome: Option<AttemptOutcome>,
    ) -> Result<WebhookReply, AdminError> {
        // Whoever deleted the endpoint or dropped the delivery meanwhile wants nothing noted.
        let Some(mut webhook) = self.files.control.webhook(id)? else { return Ok(WebhookReply::Done) };
        let Some(mut delivery) = self.files.control.webhook_delivery(id, message)? else {
            return Ok(WebhookReply::Done);
        };
        let now = self.clock.now();
        let Some(outcome) = outcome else {
            let failure = Some("the activity is in the feed no more".to_owned());
            delivery =
                WebhookDeliveryRecord { next_attempt_at: None, dead_at: Some(now), failure, ..delivery };
            self.files.control.note_webhook_deliveries(&[delivery])?;
            return Ok(WebhookReply::Done);
        };
        let mut jitter = [0; 2];
        self.randomness.fill(&mut jitter)?;
        let attempts = delivery.attempts;
        let after = after_attempt(outcome, attempts, webhook.failing_since, now, u16::from_be_bytes(jitter));
        apply(&mut delivery, outcome, after.delivery, now);
        let counted =
            if outcome.is_success() { &self.handle.webhooks_delivered } else { &self.handle.webhooks_failed };
        counted.fetch_add(1, Ordering::Relaxed);
        match after.endpoint {
            EndpointStep::Healthy => (webhook.failing_since, webhook.succeeded_at) = (None, Some(now)),
            EndpointStep::Failing { since } => webhook.failing_since = Some(since),
            EndpointStep::Disable(because) if webhook.disabled.is_none() => {
                webhook.disabled = Some((now, because));
                let event = webhook_event(id, "disabled", Some(because), None);
                let announced = self.announced(webhook.organization, event, now)?;
                let bulletins = self.bulletins_about_webhook(&webhook, because, now)?;
                let disabled = Some((&announced.0, bulletins.as_slice()));
                self.files.control.end_webhook_attempt(&delivery, &webhook, disabled)?;
                tracing::warn!(webhook = %id, because = because.name(), "a webhook was disabled; nothing is sent to it any more");
                self.delivered(announced)?;
                return Ok(WebhookReply::Done);
            }
            EndpointStep::Disable(_) => {}
        }
        self.files.control.end_webhook_attempt(&delivery, &webhook, None)?;
        Ok(WebhookReply::Done)
    }
}

/// When an attempt is repeated of which nothing more is heard.
fn repeated_at(attempts: u32, now: Timestamp) -> Timestamp {
    let unheard = AttemptOutcome::Unanswered { failure: AttemptFailure::TimedOut };
    let leased = now.checked_add(Duration::from_secs(LEASE_SECONDS)).unwrap_or(Timestamp::MAX);
    match after_attempt(unheard, attempts, None, now, 0).delivery {
        DeliveryStep::Retry { at } => at.max(leased),
        DeliveryStep::Delivered | DeliveryStep::Dead => leased,
    }
}

fn apply(delivery: &mut WebhookDeliveryRecord, outcome: AttemptOutcome, step: DeliveryStep, now: Timestamp) {
    (delivery.status, delivery.failure) = match outcome {
        AttemptOutcome::Answered { status, .. } if outcome.is_success() => (Some(status), None),
        AttemptOutcome::Answered { status, .. } => (Some(status), Some(format!("it answered {status}"))),
        AttemptOutcome::Unanswered { failure } => (None, Some(failure.name().to_owned())),
    };
    (delivery.next_attempt_at, delivery.delivered_at, delivery.dead_at) = match step {
        DeliveryStep::Delivered => (None, Some(now), None),
        DeliveryStep::Retry { at } => (Some(at), None, None),
        DeliveryStep::Dead => (None, None, Some(now)),
    };
}
