//! What is read off at the moment of a scrape.

use std::fmt;

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
    gateway.metrics.render(&registry)
}
