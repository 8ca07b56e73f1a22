//! Numbers about what the server does. Labels come from closed sets and the configuration: never from content, never
//! from people.

use std::fmt;
use std::sync::Arc;

use fiducia_policy::Feature;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    endpoint: &'static str,
    provider: Arc<str>,
    status: u64,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct EndpointLabels {
    endpoint: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CodeLabels {
    code: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct FeatureLabels {
    feature: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PageLabels {
    page: String,
    status: u64,
}

/// Makes a histogram with fixed bucket bounds, in seconds.
#[derive(Debug, Clone, Copy)]
struct Buckets(&'static [f64]);

impl MetricConstructor<Histogram> for Buckets {
    fn new_metric(&self) -> Histogram {
        Histogram::new(self.0.iter().copied())
    }
}

/// From 50 microseconds to half a second: what the gateway adds.
const ADDED_BUCKETS: Buckets =
    Buckets(&[0.000_05, 0.000_1, 0.000_2, 0.000_4, 0.000_7, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5]);
/// From half a millisecond to ten seconds: what the console takes for a page.
const PAGE_BUCKETS: Buckets =
    Buckets(&[0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0]);
/// From a millisecond to ten minutes: what providers take.
const UPSTREAM_BUCKETS: Buckets =
    Buckets(&[0.001, 0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0]);

/// The server's metrics. Cheap to share.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    refusals: Family<CodeLabels, Counter>,
    notices: Family<CodeLabels, Counter>,
    refused_features: Family<FeatureLabels, Counter>,
    added: Family<EndpointLabels, Histogram, Buckets>,
    upstream: Family<EndpointLabels, Histogram, Buckets>,
    console: Family<PageLabels, Histogram, Buckets>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("fiducia");
        let requests = Family::default();
        let refusals = Family::default();
        let notices = Family::default();
        let refused_features = Family::default();
        let added = Family::new_with_constructor(ADDED_BUCKETS);
        let upstream = Family::new_with_constructor(UPSTREAM_BUCKETS);
        registry.register(
            "gateway_requests",
            "Requests by endpoint, provider, HTTP status (0 when the client left before one) and outcome",
            Family::clone(&requests),
        );
        registry.register("gateway_refusals", "The gateway's own refusals by code", Family::clone(&refusals));
        registry.register(
            "gateway_notices",
            "Changes and refusals that the ledger is told of, by code",
            Family::clone(&notices),
        );
        registry.register(
            "gateway_refused_features",
            "Features of providers that were refused because an agreement rules them out",
            Family::clone(&refused_features),
        );
        registry.register_with_unit(
            "gateway_added",
            "Time a request spent in the gateway rather than waiting for the provider",
            Unit::Seconds,
            Family::clone(&added),
        );
        registry.register_with_unit(
            "gateway_upstream",
            "Time from asking the provider to the end of its answer",
            Unit::Seconds,
            Family::clone(&upstream),
        );
        let console = Family::new_with_constructor(PAGE_BUCKETS);
        registry.register_with_unit(
            "console_page",
            "Time the console took to answer, by the page's path as routed and HTTP status",
            Unit::Seconds,
            Family::clone(&console),
        );
        Self { registry, requests, refusals, notices, refused_features, added, upstream, console }
    }

    /// Counts a finished request.
    pub(crate) fn exchange(
        &self,
        endpoint: &'static str,
        provider: Arc<str>,
        status: u16,
        outcome: &'static str,
    ) {
        let labels = RequestLabels { endpoint, provider, status: u64::from(status), outcome };
        self.requests.get_or_create(&labels).inc();
    }

    /// Notes how long a request took here and at the provider, in seconds.
    pub(crate) fn durations(&self, endpoint: &'static str, added: f64, upstream: f64) {
        let labels = EndpointLabels { endpoint };
        self.added.get_or_create(&labels).observe(added);
        self.upstream.get_or_create(&labels).observe(upstream);
    }

    /// Notes how long the console took for a page, in seconds. `page` is a route, never a path that somebody typed.
    pub(crate) fn page(&self, page: String, status: u16, seconds: f64) {
        let labels = PageLabels { page, status: u64::from(status) };
        self.console.get_or_create(&labels).observe(seconds);
    }

    /// Counts a refusal. `code` is one of the gateway's own.
    pub(crate) fn refusal(&self, code: &'static str) {
        self.refusals.get_or_create(&CodeLabels { code: code.to_owned() }).inc();
    }

    /// Counts a feature that was refused.
    pub(crate) fn refused_feature(&self, feature: Feature) {
        self.refused_features.get_or_create(&FeatureLabels { feature: feature.name() }).inc();
    }

    /// Counts a notice. `code` is one of the gateway's own.
    pub(crate) fn notice(&self, code: &str) {
        self.notices.get_or_create(&CodeLabels { code: code.to_owned() }).inc();
    }

    /// Writes everything in the OpenMetrics text format, with `more` registered for this scrape only.
    ///
    /// # Errors
    /// When formatting fails, which writing to memory does not.
    pub(crate) fn render(&self, more: &Registry) -> Result<String, fmt::Error> {
        let mut own = String::new();
        encode(&mut own, &self.registry)?;
        let mut text = String::new();
        encode(&mut text, more)?;
        // Each encoding ends with the end-of-file mark, which may appear once.
        let mut joined = text.strip_suffix("# EOF\n").unwrap_or(&text).to_owned();
        joined.push_str(&own);
        Ok(joined)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scrape_is_one_document() {
        let metrics = Metrics::new();
        metrics.exchange("openai-chat", Arc::from("p"), 200, "complete");
        metrics.durations("openai-chat", 0.000_3, 0.02);
        metrics.refusal("missing_api_key");
        metrics.notice("model-alias");
        let text = metrics.render(&Registry::with_prefix("fiducia")).unwrap();
        assert_eq!(text.matches("# EOF").count(), 1);
        let line = "fiducia_gateway_requests_total{endpoint=\"openai-chat\",provider=\"p\",status=\"200\",outcome=\"complete\"} 1";
        assert!(text.contains(line), "{text}");
        assert!(text.contains("fiducia_gateway_added_seconds_count{endpoint=\"openai-chat\"} 1"), "{text}");
    }
}
