//! Adding, changing and ending endpoints: on the writer, one command at a time.

use std::sync::atomic::Ordering;
use std::time::Duration;

use fiducia_keyring::seal_value;
use fiducia_ledger::Event;
use fiducia_policy::{DisabledBecause, EventFilter, KeyId, OrganizationId, PersonId, Timestamp, WebhookId};
use fiducia_store::{KeyKind, WebhookChange, WebhookRecord};
use fiducia_wire::{WebhookSecret, WebhookUrl};

use super::commands::{CreatedWebhook, NewWebhook, WEBHOOK_TEST, WebhookCommand, WebhookReply};
use super::serving::row;
use crate::AdminError;
use crate::administer::check_name;
use crate::keychain::KeyPurpose;
use crate::writer::Writer;

/// Endpoints of one organisation.
const WEBHOOKS_MAX: usize = 50;
/// The longest time for which two secrets sign, in hours: a week.
const OVERLAP_HOURS_MAX: u32 = 168;
/// Dead letters that one command puts back into the queue.
const REQUEUED_MAX: u32 = 10_000;

impl Writer {
    /// Carries a command on webhooks out that changes something.
    pub(crate) fn change_webhooks(&mut self, command: WebhookCommand) -> Result<WebhookReply, AdminError> {
        match command {
            WebhookCommand::Create(new) => self.create_webhook(new),
            WebhookCommand::Rotate { webhook, overlap_hours, actor } => {
                self.rotate_webhook(webhook, overlap_hours, &actor)
            }
            WebhookCommand::Disable { webhook, actor } => {
                let actor = self.person(&actor)?;
                let found = self.known_webhook(webhook)?;
                if found.disabled.is_some() {
                    return Err(AdminError::Conflict(format!(
                        "{webhook} is disabled already; nothing was changed"
                    )));
                }
                let disabled = Some(Some((self.clock.now(), DisabledBecause::Asked)));
                let change = WebhookChange { disabled, ..WebhookChange::default() };
                self.announce_webhook(&found, &change, "disabled", actor)
            }
            WebhookCommand::Enable { webhook, skip, actor } => self.enable_webhook(webhook, skip, &actor),
            WebhookCommand::Delete { webhook, actor } => self.delete_webhook(webhook, &actor),
            WebhookCommand::Redeliver { webhook, message } => {
                self.known_webhook(webhook)?;
                let now = self.clock.now();
                let control = &mut self.files.control;
                let count =
                    control.requeue_webhook_deliveries(webhook, message.as_deref(), now, REQUEUED_MAX)?;
                changed(count, message.as_deref())
            }
            WebhookCommand::Discard { webhook, message } => {
                self.known_webhook(webhook)?;
                let count = self.files.control.drop_dead_webhook_deliveries(webhook, message.as_deref())?;
                changed(count, message.as_deref())
            }
            WebhookCommand::Test { webhook } => self.test_webhook(webhook),
            WebhookCommand::Take(intakes) => self.take_activities(&intakes),
            WebhookCommand::Begin(room) => self.begin_webhook_attempts(&room),
            WebhookCommand::End { webhook, message, outcome } => {
                self.end_webhook_attempt(webhook, &message, outcome)
            }
            WebhookCommand::NoteSiemPlace { target, place } => {
                self.files.control.note_siem_place(&target, place)?;
                Ok(WebhookReply::Done)
            }
            WebhookCommand::List { .. } | WebhookCommand::Show { .. } | WebhookCommand::Deliveries { .. } => {
                Err(AdminError::Invalid("this command is not for the writer; nothing was changed".to_owned()))
            }
        }
    }

    pub(super) fn known_webhook(&self, id: WebhookId) -> Result<WebhookRecord, AdminError> {
        let found = self.files.control.webhook(id)?;
        found.ok_or_else(|| AdminError::NotFound(format!("there is no webhook {id}; nothing was changed")))
    }

    fn create_webhook(&mut self, new: NewWebhook) -> Result<WebhookReply, AdminError> {
        let NewWebhook { organization, url, types, description, actor } = new;
        let invalid =
            |error: &dyn std::fmt::Display| AdminError::Invalid(format!("{error}; no webhook was made"));
        check_name("a webhook's description", &description)?;
        let url: WebhookUrl = url.parse().map_err(|error| invalid(&error))?;
        let types = EventFilter::new(&types).map_err(|error| invalid(&error))?;
        if self.callers.organization(organization).is_none() {
            return Err(AdminError::NotFound(format!(
                "there is no organisation {organization}; no webhook was made"
            )));
        }
        if self.files.control.webhooks(Some(organization))?.len() >= WEBHOOKS_MAX {
            return Err(AdminError::Conflict(format!(
                "an organisation has at most {WEBHOOKS_MAX} webhooks; delete one first"
            )));
        }
        let actor = self.person(&actor)?;
        let now = self.clock.now();
        let id = WebhookId::generate(now, &*self.randomness)?;
        let secret = WebhookSecret::generate(&*self.randomness)?;
        let (key, sealed) = self.sealed_webhook_secret((organization, id), &secret, now)?;
        let webhook = WebhookRecord {
            id,
            organization,
            url: url.to_string(),
            types,
            description,
            key,
            secret: sealed,
            former: None,
            place: self.feed_end()?,
            created_at: now,
            disabled: None,
            failing_since: None,
            succeeded_at: None,
        };
        let announced = self.announced(organization, webhook_event(id, "created", None, Some(actor)), now)?;
        self.files.control.create_webhook(&webhook, &announced.0)?;
        self.look_at_webhooks_anew();
        self.delivered(announced)?;
        Ok(created(&webhook, &secret))
    }

    /// Makes the key of an endpoint's secrets and seals the first one. Keys first: what is sealed under a key that was never
    /// stored could not be read.
    fn sealed_webhook_secret(
        &mut self,
        (organization, id): (OrganizationId, WebhookId),
        secret: &WebhookSecret,
        now: Timestamp,
    ) -> Result<(KeyId, Vec<u8>), AdminError> {
        let purpose = KeyPurpose {
            kind: KeyKind::Webhook,
            organization,
            subject: None,
            conversation: None,
            label: id.to_string(),
            ends_at: None,
        };
        let new = self.keychain.new_root(&self.files.keys, purpose, now, &*self.randomness)?;
        let sealed = seal_value((new.id, &new.key), id.as_bytes(), secret.as_bytes(), &*self.randomness)?;
        self.files.keys.add(&[new.stored])?;
        Ok((new.id, sealed))
    }

    fn rotate_webhook(
        &mut self,
        id: WebhookId,
        overlap_hours: u32,
        actor: &str,
    ) -> Result<WebhookReply, AdminError> {
        if overlap_hours > OVERLAP_HOURS_MAX {
            return Err(AdminError::Invalid(format!(
                "two secrets sign for at most {OVERLAP_HOURS_MAX} hours; nothing was changed"
            )));
        }
        let actor = self.person(actor)?;
        let webhook = self.known_webhook(id)?;
        let now = self.clock.now();
        let secret = WebhookSecret::generate(&*self.randomness)?;
        let key = self.keychain.key(&self.files.keys, webhook.key)?;
        let sealed = seal_value((webhook.key, &key), id.as_bytes(), secret.as_bytes(), &*self.randomness)?;
        let overlap = Duration::from_secs(u64::from(overlap_hours) * 3_600);
        let until = now.checked_add(overlap).unwrap_or(Timestamp::MAX);
        let change = WebhookChange { secret: Some((sealed, until)), ..WebhookChange::default() };
        self.announce_webhook(&webhook, &change, "rotated", actor)?;
        Ok(created(&self.known_webhook(id)?, &secret))
    }

    fn enable_webhook(&mut self, id: WebhookId, skip: bool, actor: &str) -> Result<WebhookReply, AdminError> {
        let actor = self.person(actor)?;
        let webhook = self.known_webhook(id)?;
        if webhook.disabled.is_none() {
            return Err(AdminError::Conflict(format!("{id} is enabled already; nothing was changed")));
        }
        let place = if skip { Some(self.feed_end()?) } else { None };
        let change = WebhookChange { disabled: Some(None), place, ..WebhookChange::default() };
        let reply = self.announce_webhook(&webhook, &change, "enabled", actor)?;
        self.look_at_webhooks_anew();
        Ok(reply)
    }

    /// An endpoint may lack something that the feed has had for long.
    fn look_at_webhooks_anew(&self) {
        self.handle.webhooks_have_up_to.store(0, Ordering::Release);
    }

    /// The key first: once it is destroyed no backup gives the secret back. Should the rest be cut off, the endpoint is still listed
    /// and can be deleted again; nothing is sent to it, because nothing can be signed.
    fn delete_webhook(&mut self, id: WebhookId, actor: &str) -> Result<WebhookReply, AdminError> {
        let actor = self.person(actor)?;
        let webhook = self.known_webhook(id)?;
        let now = self.clock.now();
        let nodes: Vec<_> = self.files.keys.node(webhook.key)?.into_iter().collect();
        self.destroy_keys(&nodes, now)?;
        let event = webhook_event(id, "deleted", None, Some(actor));
        let announced = self.announced(webhook.organization, event, now)?;
        self.files.control.delete_webhook(id, &announced.0)?;
        self.files.control.empty_wal()?;
        self.files.keys.mark_purged(&crate::administer::ids(&nodes), now)?;
        self.delivered(announced)?;
        Ok(WebhookReply::Done)
    }

    fn test_webhook(&mut self, id: WebhookId) -> Result<WebhookReply, AdminError> {
        let webhook = self.known_webhook(id)?;
        if webhook.disabled.is_some() {
            return Err(AdminError::Conflict(format!(
                "{id} is disabled and gets nothing; enable it first. Nothing was sent"
            )));
        }
        let now = self.clock.now();
        let unique = fiducia_policy::ExchangeId::generate(now, &*self.randomness)?;
        let message = format!("test_{}", unique.uuid());
        self.files.control.queue_webhook_test(id, &message, WEBHOOK_TEST, now)?;
        Ok(WebhookReply::Queued(message))
    }

    fn announce_webhook(
        &mut self,
        webhook: &WebhookRecord,
        change: &WebhookChange,
        what: &str,
        actor: PersonId,
    ) -> Result<WebhookReply, AdminError> {
        let now = self.clock.now();
        let reason = change.disabled.flatten().map(|(_, because)| because);
        let event = webhook_event(webhook.id, what, reason, Some(actor));
        let announced = self.announced(webhook.organization, event, now)?;
        let bulletins = match reason {
            Some(because) => self.bulletins_about_webhook(webhook, because, now)?,
            None => Vec::new(),
        };
        self.files.control.change_webhook(webhook.id, change, (&announced.0, &bulletins))?;
        self.delivered(announced)?;
        Ok(WebhookReply::Webhook(Box::new(row(&self.known_webhook(webhook.id)?))))
    }
}

/// What the log says about an endpoint.
pub(super) fn webhook_event(
    webhook: WebhookId,
    what: &str,
    reason: Option<DisabledBecause>,
    actor: Option<PersonId>,
) -> Event {
    let reason = reason.map(|reason| reason.name().to_owned());
    Event::WebhookChanged { webhook, what: what.to_owned(), reason, actor }
}

fn created(webhook: &WebhookRecord, secret: &WebhookSecret) -> WebhookReply {
    let secret = secret.to_text().to_string();
    WebhookReply::Created(Box::new(CreatedWebhook { webhook: row(webhook), secret }))
}

fn changed(count: u64, message: Option<&str>) -> Result<WebhookReply, AdminError> {
    match message {
        Some(message) if count == 0 => Err(AdminError::NotFound(format!(
            "there is no such delivery {message}, or it is no dead letter; nothing was changed"
        ))),
        _ => Ok(WebhookReply::Changed(count)),
    }
}
