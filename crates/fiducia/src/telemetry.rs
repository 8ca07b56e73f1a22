//! Logs and traces. Neither ever holds content: what is logged are identifiers, sizes, statuses and durations.

use std::io::IsTerminal;
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{Protocol, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{FilterExt, Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use crate::configuration::{LogFormat, LogSection, TelemetrySection};
use crate::exchange_line::JsonLines;
use crate::failure::Failure;

const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);

/// Logging and tracing while it lives.
#[derive(Debug)]
pub(crate) struct Telemetry {
    provider: Option<SdkTracerProvider>,
}

impl Telemetry {
    /// Sends logs to standard error and, when a collector is configured, traces to it.
    ///
    /// # Errors
    /// When the filter or the endpoint cannot be used.
    pub(crate) fn start(log: &LogSection, telemetry: &TelemetrySection) -> Result<Self, Failure> {
        let filter = EnvFilter::builder()
            .parse(&log.filter)
            .map_err(|error| Failure::Telemetry(format!("log.filter: {error}")))?;
        let terminal = std::io::stderr().is_terminal();
        let json = match log.format {
            LogFormat::Auto => !terminal,
            LogFormat::Json => true,
            LogFormat::Text => false,
        };
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
        let lines = if json {
            lines.json().event_format(JsonLines::new()).boxed()
        } else {
            lines.with_ansi(terminal).compact().boxed()
        };
        let provider = telemetry.otlp_endpoint.as_deref().map(|to| exporter(to, telemetry)).transpose()?;
        let spans = provider.as_ref().map(|provider| {
            // Only our own spans: the exporter's HTTP client must not cause another export with each one.
            let own = Targets::new().with_target("fiducia", Level::INFO);
            tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("fiducia"))
                .with_location(false)
                .with_threads(false)
                .with_filter(own.and(filter_fn(is_span)))
        });
        // Each line holds all that is to be said. A span that no layer wants is never made.
        let filter = filter.and(filter_fn(is_event));
        tracing_subscriber::registry()
            .with(spans)
            .with(lines.with_filter(filter))
            .try_init()
            .map_err(|error| Failure::Telemetry(error.to_string()))?;
        Ok(Self { provider })
    }

    /// Sends what is still waiting to the collector. A collector that is away delays this by some seconds and loses
    /// traces, nothing else.
    pub(crate) fn finish(self) {
        if let Some(Err(error)) = self.provider.map(|provider| provider.shutdown()) {
            tracing::warn!(%error, "the last traces did not reach the collector");
        }
    }
}

// The methods of `Metadata` belong to one lifetime each; a filter needs them for all.
fn is_span(metadata: &Metadata<'_>) -> bool {
    metadata.is_span()
}

fn is_event(metadata: &Metadata<'_>) -> bool {
    metadata.is_event()
}

fn exporter(endpoint: &str, telemetry: &TelemetrySection) -> Result<SdkTracerProvider, Failure> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(|error| Failure::Telemetry(format!("telemetry.otlp_endpoint: {error}")))?;
    let resource = Resource::builder().with_service_name(telemetry.service_name.clone()).build();
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(telemetry.sample_ratio)));
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(sampler)
        .with_resource(resource)
        .build())
}

/// Makes a panic say where it happened and nothing else: its message may hold whatever the code was working on.
pub(crate) fn silence_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        crate::output::remark(format_args!(
            "fiducia failed at {place}. Nothing that was acknowledged is lost; please report this place"
        ));
    }));
}
