//! What is said about one request: one log line, one span and its metrics, without content.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fiducia_policy::{ExchangeId, FeatureSet, OrganizationId, VirtualKeyId};

use tracing::field::{Empty, display};

use super::Gateway;
use super::endpoint::Endpoint;
use super::refusal::Refusal;

/// The longest model name that is logged.
const MODEL_CHARACTERS_MAX: usize = 64;

/// The account of one request. Dropping it writes it.
pub(crate) struct Account {
    gateway: Arc<Gateway>,
    endpoint: Endpoint,
    received: Instant,
    asked_upstream: Option<Instant>,
    upstream_done: Option<Instant>,
    exchange: Option<ExchangeId>,
    caller: Option<(OrganizationId, VirtualKeyId)>,
    provider: Option<usize>,
    model: String,
    status: u16,
    outcome: &'static str,
    streamed: bool,
    refusal: Option<&'static str>,
    refused_features: FeatureSet,
    /// Lasts from the request's arrival to the answer's last byte. Disabled, and free, unless traces are exported.
    span: tracing::Span,
}

impl Account {
    /// Opens the account of a request that has just arrived.
    pub(crate) fn open(gateway: Arc<Gateway>, endpoint: Endpoint) -> Self {
        Self {
            gateway,
            endpoint,
            received: Instant::now(),
            asked_upstream: None,
            upstream_done: None,
            exchange: None,
            caller: None,
            provider: None,
            model: String::new(),
            status: 0,
            // Whoever finishes says otherwise; a request whose future was dropped has lost its client.
            outcome: "client-gone",
            streamed: false,
            refusal: None,
            refused_features: FeatureSet::EMPTY,
            span: tracing::info_span!(
                target: "fiducia::exchange",
                "exchange",
                endpoint = endpoint.name(),
                exchange = Empty,
                organization = Empty,
                key = Empty,
                provider = Empty,
                model = Empty,
                status = Empty,
                outcome = Empty,
                refusal = Empty,
                features = Empty,
                streamed = Empty,
                total_us = Empty,
                upstream_us = Empty,
            ),
        }
    }

    pub(crate) fn caller(&mut self, organization: OrganizationId, key: VirtualKeyId) {
        self.caller = Some((organization, key));
    }

    pub(crate) fn exchange(&mut self, exchange: ExchangeId) {
        self.exchange = Some(exchange);
    }

    /// Which provider is asked for which model. The name is client input: only what looks like a model name is kept.
    pub(crate) fn routed(&mut self, provider: usize, model: &str) {
        self.provider = Some(provider);
        let plain = |character: char| character.is_ascii_alphanumeric() || "-_.:/@".contains(character);
        self.model = String::with_capacity(model.len().min(MODEL_CHARACTERS_MAX));
        let shown = model.chars().take(MODEL_CHARACTERS_MAX);
        self.model.extend(shown.map(|found| if plain(found) { found } else { '?' }));
    }

    pub(crate) fn asking_upstream(&mut self) {
        self.asked_upstream = Some(Instant::now());
    }

    pub(crate) fn upstream_done(&mut self) {
        self.upstream_done = Some(Instant::now());
    }

    pub(crate) fn status(&mut self, status: u16) {
        self.status = status;
    }

    pub(crate) fn streamed(&mut self) {
        self.streamed = true;
    }

    pub(crate) fn outcome(&mut self, outcome: &'static str) {
        self.outcome = outcome;
    }

    pub(crate) fn refused(&mut self, refusal: &Refusal) {
        self.status = refusal.status.as_u16();
        self.outcome = "refused";
        self.refusal = Some(refusal.code);
        self.refused_features = refusal.features;
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let now = Instant::now();
        let total = now.duration_since(self.received);
        let upstream = match (self.asked_upstream, self.upstream_done) {
            (Some(asked), done) => Some(done.unwrap_or(now).duration_since(asked)),
            (None, _) => None,
        };
        let provider =
            self.provider.and_then(|index| self.gateway.providers.get(index)).map(|provider| &provider.name);
        let metrics = &self.gateway.metrics;
        let label = provider.map_or_else(|| Arc::from("none"), Arc::clone);
        metrics.exchange(self.endpoint.name(), label, self.status, self.outcome);
        if let Some(code) = self.refusal {
            metrics.refusal(code);
        }
        for feature in self.refused_features.iter() {
            metrics.refused_feature(feature);
        }
        if let Some(upstream) = upstream {
            let added = total.saturating_sub(upstream);
            metrics.durations(self.endpoint.name(), added.as_secs_f64(), upstream.as_secs_f64());
        }
        self.say(provider.map(|name| &**name), total, upstream);
    }
}

impl Account {
    /// Writes the log line and fills the span. The fields of both are all that is ever said about a request.
    fn say(&self, provider: Option<&str>, total: Duration, upstream: Option<Duration>) {
        let microseconds = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let exchange = self.exchange.map(display);
        let organization = self.caller.map(|(organization, _)| display(organization));
        let key = self.caller.map(|(_, key)| display(key));
        let model = (!self.model.is_empty()).then_some(self.model.as_str());
        let features = (!self.refused_features.is_empty()).then(|| self.refused_features.to_string());
        let features = features.as_deref();
        let total_us = microseconds(total);
        let upstream_us = upstream.map(microseconds);
        tracing::info!(
            target: "fiducia::exchange",
            endpoint = self.endpoint.name(),
            exchange,
            organization,
            key,
            provider,
            model,
            status = self.status,
            outcome = self.outcome,
            refusal = self.refusal,
            features,
            streamed = self.streamed,
            total_us,
            upstream_us,
            "answered"
        );
        if !self.span.is_disabled() {
            tracing::record_all!(
                self.span,
                exchange,
                organization,
                key,
                provider,
                model,
                status = self.status,
                outcome = self.outcome,
                refusal = self.refusal,
                features,
                streamed = self.streamed,
                total_us,
                upstream_us
            );
        }
    }
}
