//! Webhooks in `control.db`: endpoints of organisations, and what is on its way to each.
//!
//! A delivery names an activity by its id and its place in the feed; what the activity says is read when it is sent, so that nothing
//! is copied. An endpoint's place in the feed moves in the commit that queues what lies before it: each activity is queued once.

use fiducia_policy::{DisabledBecause, EventFilter, KeyId, OrganizationId, Timestamp, WebhookId};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use crate::bulletins::BulletinRecord;
use crate::connection::{bytes16, instant, optional_instant};
use crate::control::{named, optional_named};
use crate::outbox::{Announcement, announce};
use crate::{ControlStore, StoreError};

/// The tables of this module, a step of `control.db`. `siem_places` remembers how far activities were written to a log system.
pub(crate) const TABLES: &str = "
    CREATE TABLE webhooks (
        id BLOB PRIMARY KEY, organization BLOB NOT NULL REFERENCES organizations, url TEXT NOT NULL, types TEXT NOT NULL,
        description TEXT NOT NULL, key BLOB NOT NULL, secret BLOB NOT NULL, former_secret BLOB, former_until BIGINT,
        place BIGINT NOT NULL, created_at BIGINT NOT NULL, disabled_at BIGINT, disabled_because TEXT, failing_since BIGINT,
        succeeded_at BIGINT
    ) WITHOUT ROWID;
    CREATE INDEX webhooks_organization ON webhooks (organization, id);
    CREATE TABLE webhook_deliveries (
        webhook BLOB NOT NULL REFERENCES webhooks ON DELETE CASCADE, message TEXT NOT NULL, kind TEXT NOT NULL,
        place BIGINT, queued_at BIGINT NOT NULL, attempts BIGINT NOT NULL DEFAULT 0, next_attempt_at BIGINT,
        last_attempt_at BIGINT, status BIGINT, failure TEXT, delivered_at BIGINT, dead_at BIGINT,
        PRIMARY KEY (webhook, message)
    ) WITHOUT ROWID;
    CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook, next_attempt_at, message)
        WHERE next_attempt_at IS NOT NULL;
    CREATE INDEX webhook_deliveries_listed ON webhook_deliveries (webhook, queued_at, message);
    CREATE INDEX webhook_deliveries_delivered ON webhook_deliveries (delivered_at) WHERE delivered_at IS NOT NULL;
    CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (dead_at) WHERE dead_at IS NOT NULL;
    CREATE TABLE siem_places (target TEXT PRIMARY KEY, place BIGINT NOT NULL) WITHOUT ROWID;
";

/// An endpoint of an organisation.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookRecord {
    /// Its id.
    pub id: WebhookId,
    /// Whose.
    pub organization: OrganizationId,
    /// Where deliveries go.
    pub url: String,
    /// Which types of activity it gets.
    pub types: EventFilter,
    /// What its owner calls it.
    pub description: String,
    /// The key its secrets are sealed under; destroyed with the endpoint.
    pub key: KeyId,
    /// Its secret, sealed.
    pub secret: Vec<u8>,
    /// The secret before the last rotation, sealed, and until when deliveries are signed with it too.
    pub former: Option<(Vec<u8>, Timestamp)>,
    /// Its place in the feed: everything up to there is queued or was not meant for it.
    pub place: i64,
    /// Created when.
    pub created_at: Timestamp,
    /// Gets nothing since when, and why.
    pub disabled: Option<(Timestamp, DisabledBecause)>,
    /// Has done nothing but fail since when.
    pub failing_since: Option<Timestamp>,
    /// Took a delivery last when.
    pub succeeded_at: Option<Timestamp>,
}

impl std::fmt::Debug for WebhookRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookRecord").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookDeliveryRecord {
    /// To which endpoint.
    pub webhook: WebhookId,
    /// The id of what is delivered: the activity's, or that of a test.
    pub message: String,
    /// The activity's type.
    pub kind: String,
    /// The activity's place in the feed; `None` for a test, which is in no feed.
    pub place: Option<i64>,
    /// Queued when.
    pub queued_at: Timestamp,
    /// Attempts that were begun.
    pub attempts: u32,
    /// Tried next when; `None` when it waits for nothing.
    pub next_attempt_at: Option<Timestamp>,
    /// The last attempt was begun when.
    pub last_attempt_at: Option<Timestamp>,
    /// The HTTP status of the last answer.
    pub status: Option<u16>,
    /// Why the last attempt failed.
    pub failure: Option<String>,
    /// Arrived when.
    pub delivered_at: Option<Timestamp>,
    /// A dead letter since when.
    pub dead_at: Option<Timestamp>,
}

/// How many deliveries stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WebhookCounts {
    /// Waiting to be tried.
    pub waiting: u64,
    /// Given up.
    pub dead: u64,
    /// Since when the oldest of those that wait was queued.
    pub oldest: Option<Timestamp>,
}

/// How an endpoint changes. Absent fields stay.
#[derive(Debug, Clone, Default)]
pub struct WebhookChange {
    /// Another secret, sealed, and until when the present one signs too.
    pub secret: Option<(Vec<u8>, Timestamp)>,
    /// Gets nothing since when, and why; `Some(None)` gives it deliveries again and forgets its failures.
    pub disabled: Option<Option<(Timestamp, DisabledBecause)>>,
    /// Another place in the feed.
    pub place: Option<i64>,
}

/// How far an endpoint has come, with what is queued on the way.
#[derive(Debug, Clone)]
pub struct WebhookIntake {
    /// Which endpoint.
    pub webhook: WebhookId,
    /// Its new place in the feed.
    pub place: i64,
    /// What is queued: id, type and place of each activity.
    pub activities: Vec<(String, String, i64)>,
}

impl ControlStore {
    /// Stores a new endpoint and announces it.
    pub fn create_webhook(
        &mut self,
        webhook: &WebhookRecord,
        announcement: &Announcement,
    ) -> Result<(), StoreError> {
        self.file.write("create_webhook", |tx| {
            tx.execute(
                "INSERT INTO webhooks (id, organization, url, types, description, key, secret, place, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    webhook.id.as_bytes(),
                    webhook.organization.as_bytes(),
                    webhook.url,
                    webhook.types.to_string(),
                    webhook.description,
                    webhook.key.as_bytes(),
                    webhook.secret,
                    webhook.place,
                    webhook.created_at.as_microsecond(),
                ],
            )?;
            announce(tx, announcement)
        })
    }

    /// One endpoint.
    pub fn webhook(&self, id: WebhookId) -> Result<Option<WebhookRecord>, StoreError> {
        self.file.read("webhook", |connection| {
            connection
                .prepare_cached(&format!("{WEBHOOK} WHERE id = ?1"))?
                .query_row([id.as_bytes()], webhook)
                .optional()
        })
    }

    /// Endpoints, oldest first: of one organisation or of all.
    pub fn webhooks(&self, organization: Option<OrganizationId>) -> Result<Vec<WebhookRecord>, StoreError> {
        self.file.read("webhooks", |connection| {
            connection
                .prepare_cached(&format!("{WEBHOOK} WHERE ?1 IS NULL OR organization = ?1 ORDER BY id"))?
                .query_map([organization.map(|id| *id.as_bytes())], webhook)?
                .collect()
        })
    }

    /// Changes an endpoint, announces it, and queues what administrators are told of it by mail.
    pub fn change_webhook(
        &mut self,
        id: WebhookId,
        change: &WebhookChange,
        (announcement, bulletins): (&Announcement, &[BulletinRecord]),
    ) -> Result<(), StoreError> {
        self.file.write("change_webhook", |tx| {
            if let Some((secret, until)) = &change.secret {
                tx.execute(
                    "UPDATE webhooks SET former_secret = secret, former_until = ?3, secret = ?2 WHERE id = ?1",
                    params![id.as_bytes(), secret, until.as_microsecond()],
                )?;
            }
            if let Some(disabled) = change.disabled {
                set_disabled(tx, id, disabled)?;
            }
            if let Some(place) = change.place {
                tx.execute("UPDATE webhooks SET place = ?2 WHERE id = ?1", params![id.as_bytes(), place])?;
            }
            crate::bulletins::queue(tx, bulletins)?;
            announce(tx, announcement)
        })
    }

    /// Deletes an endpoint with all its deliveries and announces it. Gives whether it was there.
    pub fn delete_webhook(&mut self, id: WebhookId, announcement: &Announcement) -> Result<bool, StoreError> {
        self.file.write("delete_webhook", |tx| {
            if tx.execute("DELETE FROM webhooks WHERE id = ?1", [id.as_bytes()])? == 0 {
                return Ok(false);
            }
            announce(tx, announcement)?;
            Ok(true)
        })
    }

    /// Queues activities for endpoints and moves their places, in one commit.
    pub fn take_activities(&mut self, intakes: &[WebhookIntake], now: Timestamp) -> Result<(), StoreError> {
        self.file.write("take_activities", |tx| {
            for intake in intakes {
                for (message, kind, place) in &intake.activities {
                    queue(tx, intake.webhook, message, kind, Some(*place), now)?;
                }
                tx.prepare_cached("UPDATE webhooks SET place = ?2 WHERE id = ?1 AND place < ?2")?
                    .execute(params![intake.webhook.as_bytes(), intake.place])?;
            }
            Ok(())
        })
    }

    /// Queues a test.
    pub fn queue_webhook_test(
        &mut self,
        id: WebhookId,
        message: &str,
        kind: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.file.write("queue_webhook_test", |tx| queue(tx, id, message, kind, None, now))
    }

    /// How many deliveries of an endpoint wait, counted up to `most`.
    pub fn webhook_deliveries_waiting(&self, id: WebhookId, most: u32) -> Result<u32, StoreError> {
        self.file.read("webhook_deliveries_waiting", |connection| {
            connection
                .prepare_cached(
                    "SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries
                        WHERE webhook = ?1 AND next_attempt_at IS NOT NULL LIMIT ?2)",
                )?
                .query_row(params![id.as_bytes(), most], |row| row.get(0))
        })
    }

    /// Deliveries of an endpoint that are due, the longest due first.
    pub fn due_webhook_deliveries(
        &self,
        id: WebhookId,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<WebhookDeliveryRecord>, StoreError> {
        self.file.read("due_webhook_deliveries", |connection| {
            connection
                .prepare_cached(&format!(
                    "{DELIVERY} WHERE webhook = ?1 AND next_attempt_at <= ?2 ORDER BY next_attempt_at, message LIMIT ?3"
                ))?
                .query_map(params![id.as_bytes(), now.as_microsecond(), limit], delivery)?
                .collect()
        })
    }

    /// Deliveries of an endpoint, the last queued first, continuing after `after`.
    pub fn webhook_deliveries(
        &self,
        id: WebhookId,
        only_dead: bool,
        after: Option<(Timestamp, &str)>,
        limit: u32,
    ) -> Result<Vec<WebhookDeliveryRecord>, StoreError> {
        self.file.read("webhook_deliveries", |connection| {
            connection
                .prepare_cached(&format!(
                    "{DELIVERY} WHERE webhook = ?1 AND (?2 = 0 OR dead_at IS NOT NULL)
                     AND (?3 IS NULL OR (queued_at, message) < (?3, ?4)) ORDER BY queued_at DESC, message DESC LIMIT ?5"
                ))?
                .query_map(
                    params![
                        id.as_bytes(),
                        only_dead,
                        after.map(|(at, _)| at.as_microsecond()),
                        after.map(|(_, message)| message),
                        limit
                    ],
                    delivery,
                )?
                .collect()
        })
    }

    /// One delivery.
    pub fn webhook_delivery(
        &self,
        id: WebhookId,
        message: &str,
    ) -> Result<Option<WebhookDeliveryRecord>, StoreError> {
        self.file.read("webhook_delivery", |connection| {
            connection
                .prepare_cached(&format!("{DELIVERY} WHERE webhook = ?1 AND message = ?2"))?
                .query_row(params![id.as_bytes(), message], delivery)
                .optional()
        })
    }

    /// Notes where deliveries stand, all in one commit.
    pub fn note_webhook_deliveries(
        &mut self,
        deliveries: &[WebhookDeliveryRecord],
    ) -> Result<(), StoreError> {
        self.file.write("note_webhook_deliveries", |tx| {
            deliveries.iter().try_for_each(|delivery| note(tx, delivery))
        })
    }

    /// Notes what came of an attempt: where the delivery stands, and what it says about the endpoint. With an announcement the
    /// endpoint is disabled by it, and administrators are told by the bulletins.
    pub fn end_webhook_attempt(
        &mut self,
        delivery: &WebhookDeliveryRecord,
        endpoint: &WebhookRecord,
        disabled: Option<(&Announcement, &[BulletinRecord])>,
    ) -> Result<(), StoreError> {
        let micros = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond);
        self.file.write("end_webhook_attempt", |tx| {
            note(tx, delivery)?;
            tx.prepare_cached("UPDATE webhooks SET failing_since = ?2, succeeded_at = ?3 WHERE id = ?1")?
                .execute(params![
                    endpoint.id.as_bytes(),
                    micros(endpoint.failing_since),
                    micros(endpoint.succeeded_at),
                ])?;
            if let Some((announcement, bulletins)) = disabled {
                set_disabled(tx, endpoint.id, endpoint.disabled)?;
                crate::bulletins::queue(tx, bulletins)?;
                announce(tx, announcement)?;
            }
            Ok(())
        })
    }

    /// Puts dead letters of an endpoint back into the queue, or one delivery whatever became of it. Gives how many.
    pub fn requeue_webhook_deliveries(
        &mut self,
        id: WebhookId,
        message: Option<&str>,
        now: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        self.file.write("requeue_webhook_deliveries", |tx| {
            let requeued = tx.execute(
                "UPDATE webhook_deliveries SET attempts = 0, next_attempt_at = ?3, delivered_at = NULL, dead_at = NULL
                 WHERE webhook = ?1 AND message IN (SELECT message FROM webhook_deliveries WHERE webhook = ?1
                    AND CASE WHEN ?2 IS NULL THEN dead_at IS NOT NULL ELSE message = ?2 END LIMIT ?4)",
                params![id.as_bytes(), message, now.as_microsecond(), limit],
            )?;
            Ok(u64::try_from(requeued).unwrap_or(0))
        })
    }

    /// Drops dead letters of an endpoint: one, or all of them. Gives how many.
    pub fn drop_dead_webhook_deliveries(
        &mut self,
        id: WebhookId,
        message: Option<&str>,
    ) -> Result<u64, StoreError> {
        self.file.write("drop_dead_webhook_deliveries", |tx| {
            let dropped = tx.execute(
                "DELETE FROM webhook_deliveries WHERE webhook = ?1 AND dead_at IS NOT NULL AND (?2 IS NULL OR message = ?2)",
                params![id.as_bytes(), message],
            )?;
            Ok(u64::try_from(dropped).unwrap_or(0))
        })
    }

    /// Whether [`ControlStore::forget_webhook_deliveries`] would find something.
    pub fn webhooks_have_something_to_forget(
        &self,
        (delivered, dead, now): (Timestamp, Timestamp, Timestamp),
    ) -> Result<bool, StoreError> {
        self.file.read("webhooks_have_something_to_forget", |connection| {
            connection
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM webhook_deliveries WHERE delivered_at < ?1)
                        OR EXISTS (SELECT 1 FROM webhook_deliveries WHERE dead_at < ?2)
                        OR EXISTS (SELECT 1 FROM webhooks WHERE former_until <= ?3)",
                )?
                .query_row(
                    params![delivered.as_microsecond(), dead.as_microsecond(), now.as_microsecond()],
                    |row| row.get(0),
                )
        })
    }

    /// Forgets deliveries that arrived before `delivered` or died before `dead`, at most `limit` of each, and former secrets whose
    /// time is over at `now`.
    pub fn forget_webhook_deliveries(
        &mut self,
        (delivered, dead, now): (Timestamp, Timestamp, Timestamp),
        limit: u32,
    ) -> Result<(), StoreError> {
        self.file.write("forget_webhook_deliveries", |tx| {
            for (column, before) in [("delivered_at", delivered), ("dead_at", dead)] {
                tx.prepare_cached(&format!(
                    "DELETE FROM webhook_deliveries WHERE (webhook, message) IN
                        (SELECT webhook, message FROM webhook_deliveries WHERE {column} < ?1 LIMIT ?2)"
                ))?
                .execute(params![before.as_microsecond(), limit])?;
            }
            tx.prepare_cached(
                "UPDATE webhooks SET former_secret = NULL, former_until = NULL WHERE former_until <= ?1",
            )?
            .execute([now.as_microsecond()])
            .map(drop)
        })
    }

    /// How many deliveries wait for active endpoints, and how many are dead letters.
    pub fn webhook_counts(&self) -> Result<WebhookCounts, StoreError> {
        self.file.read("webhook_counts", |connection| {
            let (waiting, oldest) = connection
                .prepare_cached(
                    "SELECT count(*), min(d.queued_at) FROM webhooks w JOIN webhook_deliveries d ON d.webhook = w.id
                     WHERE w.disabled_at IS NULL AND d.next_attempt_at IS NOT NULL",
                )?
                .query_row([], |row| Ok((row.get(0)?, optional_instant(row, 1)?)))?;
            let dead = connection
                .prepare_cached("SELECT count(*) FROM webhook_deliveries WHERE dead_at IS NOT NULL")?
                .query_row([], |row| row.get(0))?;
            Ok(WebhookCounts { waiting, dead, oldest })
        })
    }

    /// How far activities were written to a log system; 0 where none was.
    pub fn siem_place(&self, target: &str) -> Result<i64, StoreError> {
        self.file.read("siem_place", |connection| {
            let place = connection
                .prepare_cached("SELECT place FROM siem_places WHERE target = ?1")?
                .query_row([target], |row| row.get(0))
                .optional()?;
            Ok(place.unwrap_or(0))
        })
    }

    /// Notes how far activities were written to a log system. It never goes back.
    pub fn note_siem_place(&mut self, target: &str, place: i64) -> Result<(), StoreError> {
        self.file.write("note_siem_place", |tx| {
            tx.prepare_cached(
                "INSERT INTO siem_places (target, place) VALUES (?1, ?2)
                 ON CONFLICT (target) DO UPDATE SET place = max(place, excluded.place)",
            )?
            .execute(params![target, place])
            .map(drop)
        })
    }
}

fn set_disabled(
    tx: &Transaction<'_>,
    id: WebhookId,
    disabled: Option<(Timestamp, DisabledBecause)>,
) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE webhooks SET disabled_at = ?2, disabled_because = ?3,
            failing_since = CASE WHEN ?2 IS NULL THEN NULL ELSE failing_since END WHERE id = ?1",
        params![
            id.as_bytes(),
            disabled.map(|(at, _)| at.as_microsecond()),
            disabled.map(|(_, because)| because.name())
        ],
    )
    .map(drop)
}

fn queue(
    tx: &Transaction<'_>,
    id: WebhookId,
    message: &str,
    kind: &str,
    place: Option<i64>,
    now: Timestamp,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO webhook_deliveries (webhook, message, kind, place, queued_at, next_attempt_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?5 WHERE EXISTS (SELECT 1 FROM webhooks WHERE id = ?1) ON CONFLICT DO NOTHING",
    )?
    .execute(params![id.as_bytes(), message, kind, place, now.as_microsecond()])
    .map(drop)
}

fn note(tx: &Transaction<'_>, delivery: &WebhookDeliveryRecord) -> rusqlite::Result<()> {
    let micros = |at: Option<Timestamp>| at.map(Timestamp::as_microsecond);
    tx.prepare_cached(
        "UPDATE webhook_deliveries SET attempts = ?3, next_attempt_at = ?4, last_attempt_at = ?5, status = ?6, failure = ?7,
            delivered_at = ?8, dead_at = ?9 WHERE webhook = ?1 AND message = ?2",
    )?
    .execute(params![
        delivery.webhook.as_bytes(),
        delivery.message,
        delivery.attempts,
        micros(delivery.next_attempt_at),
        micros(delivery.last_attempt_at),
        delivery.status,
        delivery.failure,
        micros(delivery.delivered_at),
        micros(delivery.dead_at),
    ])
    .map(drop)
}

const WEBHOOK: &str = "SELECT id, organization, url, types, description, key, secret, former_secret, former_until, place, created_at,
    disabled_at, disabled_because, failing_since, succeeded_at FROM webhooks";

fn webhook(row: &Row<'_>) -> rusqlite::Result<WebhookRecord> {
    let former: Option<Vec<u8>> = row.get(7)?;
    let because: Option<DisabledBecause> = optional_named(row, 12)?;
    Ok(WebhookRecord {
        id: WebhookId::from_bytes(bytes16(row, 0)?),
        organization: OrganizationId::from_bytes(bytes16(row, 1)?),
        url: row.get(2)?,
        types: named(row, 3)?,
        description: row.get(4)?,
        key: KeyId::from_bytes(bytes16(row, 5)?),
        secret: row.get(6)?,
        former: former.zip(optional_instant(row, 8)?),
        place: row.get(9)?,
        created_at: instant(row, 10)?,
        disabled: optional_instant(row, 11)?.zip(because),
        failing_since: optional_instant(row, 13)?,
        succeeded_at: optional_instant(row, 14)?,
    })
}

const DELIVERY: &str = "SELECT webhook, message, kind, place, queued_at, attempts, next_attempt_at, last_attempt_at, status, failure,
    delivered_at, dead_at FROM webhook_deliveries";

fn delivery(row: &Row<'_>) -> rusqlite::Result<WebhookDeliveryRecord> {
    Ok(WebhookDeliveryRecord {
        webhook: WebhookId::from_bytes(bytes16(row, 0)?),
        message: row.get(1)?,
        kind: row.get(2)?,
        place: row.get(3)?,
        queued_at: instant(row, 4)?,
        attempts: row.get(5)?,
        next_attempt_at: optional_instant(row, 6)?,
        last_attempt_at: optional_instant(row, 7)?,
        status: row.get(8)?,
        failure: row.get(9)?,
        delivered_at: optional_instant(row, 10)?,
        dead_at: optional_instant(row, 11)?,
    })
}
