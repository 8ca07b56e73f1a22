//! The configuration file: what it may hold, how it is read, and what is wrong with it.
//!
//! The file is TOML. Secrets are not in it: it names files or environment variables that hold them. Unknown keys are
//! errors, because a misspelt limit or promise that is silently ignored is worse than a server that does not start.

pub(crate) mod access;
mod certificates;
mod check;
mod key_services;
mod load;
mod problem;
mod siem;
mod webhooks;
mod witnesses;

use std::collections::BTreeMap;
use std::path::PathBuf;

use fiducia_custody::{CaptureLimits, CustodySettings};
use fiducia_server::{
    ComplianceSettings, ConsoleSettings, EligibilitySettings, GatewaySettings, ModelRoute,
    OperationsSettings, ProviderSettings, ServerSettings,
};
use serde::Deserialize;

pub(crate) use certificates::{CertificatesSection, MailSection, MailSecurity};
pub(crate) use check::{Extent, check, require};
pub(crate) use key_services::{InstallationKey, KeyServiceSection, KeyServicesSection};
pub(crate) use load::load;
pub(crate) use problem::{ConfigurationError, Place, Problem};
pub(crate) use siem::SiemSection;
pub(crate) use webhooks::WebhooksSection;
pub(crate) use witnesses::WitnessesSection;

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Configuration {
    /// Where data is kept.
    pub(crate) data: DataSection,
    /// The listener that applications speak to.
    #[serde(default)]
    pub(crate) gateway: GatewaySettings,
    /// Key management services by name.
    #[serde(default)]
    pub(crate) key_services: KeyServicesSection,
    /// Model providers by name.
    #[serde(default)]
    pub(crate) providers: BTreeMap<String, ProviderSettings>,
    /// The routing table.
    #[serde(default)]
    pub(crate) models: Vec<ModelRoute>,
    /// What may be used of providers.
    #[serde(default)]
    pub(crate) eligibility: EligibilitySettings,
    /// Health, metrics and the ledger's files.
    #[serde(default)]
    pub(crate) operations: Option<OperationsSettings>,
    /// The console; absent: there is none.
    #[serde(default)]
    pub(crate) console: Option<ConsoleSettings>,
    /// The Compliance API; absent: there is none.
    #[serde(default)]
    pub(crate) compliance: Option<ComplianceSettings>,
    /// What certificates of destruction say.
    #[serde(default)]
    pub(crate) certificates: CertificatesSection,
    /// Who is told of them.
    #[serde(default)]
    pub(crate) mail: Option<MailSection>,
    /// Who remembers how far the logs had grown.
    #[serde(default)]
    pub(crate) witnesses: Option<WitnessesSection>,
    /// Who may read what is others', and how much.
    #[serde(default)]
    pub(crate) access: access::AccessSection,
    /// How activities are sent to the endpoints that organisations name.
    #[serde(default)]
    pub(crate) webhooks: WebhooksSection,
    /// Where activities are written for a log system; absent: nowhere.
    #[serde(default)]
    pub(crate) siem: Option<SiemSection>,
    /// Logs.
    #[serde(default)]
    pub(crate) log: LogSection,
    /// Traces.
    #[serde(default)]
    pub(crate) telemetry: TelemetrySection,
}

/// `[data]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DataSection {
    /// The data directory, created with mode 0700 when missing. Relative to the configuration file.
    pub(crate) directory: PathBuf,
    /// The keyfile, outside of the data directory. Relative to the configuration file. Absent when a service holds the
    /// installation's key.
    #[serde(default)]
    pub(crate) keyfile: Option<PathBuf>,
    /// The installation's key at a service. With a keyfile beside it, the file opens what was wrapped before.
    #[serde(default)]
    pub(crate) key: Option<InstallationKey>,
    /// Origin prefix of the logs: an organisation's log is `<ledger_origin>/<organisation uuid>`. A name under a
    /// domain that you hold, without a scheme; it cannot be changed later.
    pub(crate) ledger_origin: String,
    /// How often `serve` destroys the keys of what has ended and purges what nothing keeps any more.
    #[serde(default = "DataSection::sweep_interval_minutes_default")]
    pub(crate) sweep_interval_minutes: u32,
    /// Bounds of the capture queue.
    #[serde(default)]
    pub(crate) limits: CaptureSection,
}

impl DataSection {
    const fn sweep_interval_minutes_default() -> u32 {
        60
    }
}

/// `[data.limits]`: what may wait in memory for the store.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[expect(clippy::struct_field_names, reason = "limits are named with `max` last throughout the project")]
pub(crate) struct CaptureSection {
    /// Parts of exchanges that may wait for the writer; more are refused with 503.
    pub(crate) queue_parts_max: usize,
    /// Bytes of content that may wait for the writer.
    pub(crate) queue_bytes_max: usize,
    /// Parts that one group commit takes at most.
    pub(crate) batch_parts_max: usize,
    /// Bytes of content that one group commit takes at most.
    pub(crate) batch_bytes_max: usize,
}

impl Default for CaptureSection {
    fn default() -> Self {
        let limits = CaptureLimits::default();
        Self {
            queue_parts_max: limits.queue_parts_max,
            queue_bytes_max: limits.queue_bytes_max,
            batch_parts_max: limits.batch_parts_max,
            batch_bytes_max: limits.batch_bytes_max,
        }
    }
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogSection {
    /// How lines look.
    pub(crate) format: LogFormat,
    /// Which lines are written: a level, or directives like `info,fiducia_server=debug`.
    pub(crate) filter: String,
}

impl Default for LogSection {
    fn default() -> Self {
        Self { format: LogFormat::Auto, filter: "info".into() }
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// One JSON object a line.
    Json,
    /// Text.
    Text,
}

/// `[telemetry]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TelemetrySection {
    /// Base URL of an OpenTelemetry collector (OTLP over HTTP), for example `http://127.0.0.1:4318`; traces go to
    /// `/v1/traces` under it. None exports nothing. Headers with credentials come from the environment variable
    /// `OTEL_EXPORTER_OTLP_HEADERS`.
    pub(crate) otlp_endpoint: Option<String>,
    /// The share of traces that are exported, 0 to 1.
    pub(crate) sample_ratio: f64,
    /// The name under which this server appears.
    pub(crate) service_name: String,
}

impl Default for TelemetrySection {
    fn default() -> Self {
        Self { otlp_endpoint: None, sample_ratio: 1.0, service_name: "fiducia".into() }
    }
}

impl Configuration {
    /// What custody needs.
    pub(crate) fn custody(&self) -> CustodySettings {
        let limits = self.data.limits;
        CustodySettings {
            data_directory: self.data.directory.clone(),
            keyfile: self.data.keyfile.clone(),
            key_services: crate::key_services::of(self),
            ledger_origin: self.data.ledger_origin.clone(),
            limits: CaptureLimits {
                queue_parts_max: limits.queue_parts_max,
                queue_bytes_max: limits.queue_bytes_max,
                batch_parts_max: limits.batch_parts_max,
                batch_bytes_max: limits.batch_bytes_max,
            },
            certificates: self.certificate_settings(),
            witnesses: self.witness_terms(),
            access: self.access_settings(),
        }
    }

    /// What the server needs. The ledger's files are served from the data directory unless the file names another.
    pub(crate) fn server(&self) -> ServerSettings {
        let operations = self.operations.clone().map(|mut operations| {
            operations.ledger_directory.get_or_insert_with(|| self.ledger_directory());
            operations
        });
        ServerSettings {
            gateway: self.gateway.clone(),
            providers: self.providers.clone(),
            models: self.models.clone(),
            eligibility: self.eligibility.clone(),
            operations,
            console: self.console.clone(),
            compliance: self.compliance.clone(),
            admin_socket: Some(self.admin_socket()),
        }
    }

    /// The directory that holds one log per organisation.
    pub(crate) fn ledger_directory(&self) -> PathBuf {
        self.data.directory.join("ledger")
    }

    /// The socket over which commands reach a running server.
    pub(crate) fn admin_socket(&self) -> PathBuf {
        self.data.directory.join("admin.sock")
    }
}
