//! What is read off at the moment of a scrape.

use std::fmt;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::gateway::Gateway;

/// Everything there is to count, as OpenMetrics text.
///
/// # Errors
/// When formatting fails, which writing to memory does not.
pub(super) fn scrape(gateway: &Gateway) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("fiducia");
    let mut gauge = |name: &'static str, help: &'static str, value: i64| {
        let gauge: Gauge = Gauge::default();
        gauge.set(value);
        registry.register(name, help, gauge);
    };
    let buffered = i64::try_from(gateway.budget.taken()).unwrap_or(i64::MAX);
    gauge("gateway_buffered_bytes", "Bytes of requests and answers in memory", buffered);
    let ready = i64::from(gateway.custody.is_ready().is_ok());
    gauge("ready", "1 when exchanges can be recorded, hence answered", ready);
    let custody = gateway.custody.metrics();
    let size = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
    gauge("capture_queued_parts", "Parts of exchanges waiting for the store", size(custody.queued_parts));
    gauge("capture_queued_bytes", "Bytes of content waiting for the store", size(custody.queued_bytes));
    let seconds = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    gauge(
        "retention_ends_late_seconds",
        "By how long the first key was overdue when the worker looked last",
        seconds(custody.ends_late_seconds),
    );
    gauge(
        "retention_purges_late_seconds",
        "For how long the first destroyed key had waited to be purged when the worker looked last",
        seconds(custody.purges_late_seconds),
    );
    gauge("requests_open", "People's requests that are not answered yet", seconds(custody.requests_open));
    gauge(
        "requests_overdue",
        "People's requests that are answered too late",
        seconds(custody.requests_overdue),
    );
    gauge(
        "requests_due_soon",
        "People's requests that are due within a week",
        seconds(custody.requests_due_soon),
    );
    gauge(
        "unwitnessed",
        "Entries that no quorum of witnesses had cosigned when they were asked last",
        seconds(custody.unwitnessed_entries),
    );
    gauge(
        "unwitnessed_oldest_seconds",
        "For how long there have been entries that no quorum of witnesses cosigned",
        seconds(custody.unwitnessed_seconds),
    );
    gauge(
        "feed_held_up",
        "Logs with an entry that this version cannot show, behind which the activity feed waits",
        seconds(custody.feed_held_up),
    );
    gauge("webhooks_waiting", "Deliveries to webhooks that wait", seconds(custody.webhooks_waiting));
    gauge("webhooks_dead", "Deliveries to webhooks that were given up", seconds(custody.webhooks_dead));
    gauge(
        "webhooks_oldest_seconds",
        "For how long the oldest delivery to a webhook has waited",
        seconds(custody.webhooks_oldest_seconds),
    );
    gauge(
        "siem_late_seconds",
        "How old the first activity is that the log system does not take; 0 while it takes them",
        seconds(custody.siem_late_seconds),
    );
    let mut counter = |name: &'static str, help: &'static str, value: u64| {
        let counter: Counter = Counter::default();
        counter.inc_by(value);
        registry.register(name, help, counter);
    };
    counter("capture_batches", "Group commits since the start", custody.batches);
    counter("capture_records", "Records committed since the start", custody.records);
    counter("capture_failures", "Group commits that failed since the start", custody.failures);
    counter("ledger_entries", "Ledger entries since the start", custody.ledger_entries);
    counter("retention_keys", "Ended keys destroyed since the start", custody.ended_keys);
    counter("retention_records", "Records purged since the start", custody.purged_records);
    counter("certificates", "Certificates of destruction issued since the start", custody.certificates);
    counter("mail_failures", "Attempts to send a mail that failed since the start", custody.mails_failed);
    counter(
        "access_alerts",
        "Unusual things about sessions of reading that were noted since the start",
        custody.access_alerts,
    );
    counter("mails_given_up", "Mails about certificates given up since the start", custody.mails_given_up);
    counter(
        "webhooks_delivered",
        "Deliveries to webhooks that arrived since the start",
        custody.webhooks_delivered,
    );
    counter(
        "webhooks_failed",
        "Attempts at deliveries to webhooks that failed since the start",
        custody.webhooks_failed,
    );
    counter("siem_activities", "Activities written to the log system since the start", custody.siem_written);
    counter(
        "siem_failures",
        "Times that the log system did not take activities since the start",
        custody.siem_failures,
    );
    gateway.metrics.render(&registry)
}
