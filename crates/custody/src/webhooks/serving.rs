//! Lists of endpoints and deliveries: read beside the writer.

use fiducia_store::{WebhookDeliveryRecord, WebhookRecord};

use super::commands::{DeliveryState, WebhookCommand, WebhookDeliveryRow, WebhookReply, WebhookRow};
use crate::reading::Reader;
use crate::{AdminCommand, AdminError, AdminReply, Custody};

const LIST_ROWS_MAX: u32 = 1_000;

impl Custody {
    /// Carries a command on webhooks out.
    pub(crate) fn administer_webhooks(&self, command: WebhookCommand) -> Result<WebhookReply, AdminError> {
        match command {
            WebhookCommand::List { .. } | WebhookCommand::Show { .. } | WebhookCommand::Deliveries { .. } => {
                self.reader().webhooks(command)
            }
            other => self.change_webhook(other),
        }
    }

    pub(super) fn change_webhook(&self, command: WebhookCommand) -> Result<WebhookReply, AdminError> {
        match self.on_writer(AdminCommand::Webhook(command))? {
            AdminReply::Webhook(reply) => Ok(reply),
            _ => Err(AdminError::Storage("the store gave an answer to another question".to_owned())),
        }
    }
}

impl Reader {
    fn webhooks(&self, command: WebhookCommand) -> Result<WebhookReply, AdminError> {
        let _reading = self.reading();
        let control = self.control()?;
        let known = |id| {
            control.webhook(id)?.ok_or_else(|| AdminError::NotFound(format!("there is no webhook {id}")))
        };
        match command {
            WebhookCommand::Show { webhook } => Ok(WebhookReply::Webhook(Box::new(row(&known(webhook)?)))),
            WebhookCommand::Deliveries { webhook, dead, after, limit } => {
                if limit == 0 || limit > LIST_ROWS_MAX {
                    return Err(AdminError::Invalid(format!("a list has 1 to {LIST_ROWS_MAX} rows")));
                }
                known(webhook)?;
                let after = match after {
                    None => None,
                    Some(message) => {
                        let found = control.webhook_delivery(webhook, &message)?;
                        Some(found.ok_or_else(|| {
                            AdminError::NotFound(format!("there is no delivery {message} to go on after"))
                        })?)
                    }
                };
                let after = after.as_ref().map(|found| (found.queued_at, found.message.as_str()));
                let rows = control.webhook_deliveries(webhook, dead, after, limit)?;
                Ok(WebhookReply::Deliveries(rows.into_iter().map(delivery_row).collect()))
            }
            WebhookCommand::List { organization } => {
                let rows = control.webhooks(organization)?;
                Ok(WebhookReply::Webhooks(rows.iter().map(row).collect()))
            }
            _ => Err(AdminError::Invalid("this command changes something".to_owned())),
        }
    }
}

/// An endpoint as lists show it.
pub(super) fn row(webhook: &WebhookRecord) -> WebhookRow {
    WebhookRow {
        id: webhook.id,
        organization: webhook.organization,
        url: webhook.url.clone(),
        types: webhook.types.patterns().to_vec(),
        description: webhook.description.clone(),
        created_at: webhook.created_at,
        disabled_at: webhook.disabled.map(|(at, _)| at),
        disabled_because: webhook.disabled.map(|(_, because)| because),
        failing_since: webhook.failing_since,
        succeeded_at: webhook.succeeded_at,
        former_secret_until: webhook.former.as_ref().map(|(_, until)| *until),
    }
}

fn delivery_row(delivery: WebhookDeliveryRecord) -> WebhookDeliveryRow {
    let state = match (delivery.delivered_at, delivery.dead_at) {
        (Some(_), _) => DeliveryState::Delivered,
        (None, Some(_)) => DeliveryState::Dead,
        (None, None) => DeliveryState::Waiting,
    };
    WebhookDeliveryRow {
        message: delivery.message,
        kind: delivery.kind,
        state,
        queued_at: delivery.queued_at,
        attempts: delivery.attempts,
        last_attempt_at: delivery.last_attempt_at,
        next_attempt_at: delivery.next_attempt_at,
        status: delivery.status,
        failure: delivery.failure,
        ended_at: delivery.delivered_at.or(delivery.dead_at),
    }
}
