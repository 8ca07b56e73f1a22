//! What the server needs to be told, as plain data. The program's configuration file is made of these.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::compliance::ComplianceSettings;
use crate::console::ConsoleSettings;
use crate::secret::SecretSource;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Everything [`crate::Server::start`] reads.
#[derive(Debug, Clone, Default)]
pub struct ServerSettings {
    /// The listener that applications speak to.
    pub gateway: GatewaySettings,
    /// Model providers by name. At least one.
    pub providers: BTreeMap<String, ProviderSettings>,
    /// Which model goes to which provider; looked at before the gateway's defaults.
    pub models: Vec<ModelRoute>,
    /// What may be used of providers.
    pub eligibility: EligibilitySettings,
    /// The listener for health, metrics and the ledger's files; none when absent.
    pub operations: Option<OperationsSettings>,
    /// The console; none when absent.
    pub console: Option<ConsoleSettings>,
    /// The Compliance API; none when absent.
    pub compliance: Option<ComplianceSettings>,
    /// Path of the admin socket; none when absent.
    pub admin_socket: Option<PathBuf>,
}

/// The gateway's listener.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewaySettings {
    /// Address to listen on. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Threads that serve connections, each with its own listener and upstream connections; 0 for one per core.
    pub threads: usize,
    /// How clients reach this gateway (`https://host[:port]`), for links in answers that would lead around it.
    /// When absent, `http://` and the `Host` header of the request.
    pub public_url: Option<String>,
    /// Provider for models that no route names, on the Anthropic wire. None refuses such models.
    pub default_anthropic: Option<String>,
    /// Provider for models that no route names, on the OpenAI wires. None refuses such models.
    pub default_openai: Option<String>,
    /// Bounds.
    pub limits: GatewayLimits,
}

impl Default for GatewaySettings {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4100),
            threads: 0,
            public_url: None,
            default_anthropic: None,
            default_openai: None,
            limits: GatewayLimits::default(),
        }
    }
}

/// Every bound of the gateway, in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayLimits {
    /// Connections at a time; more wait in the kernel's backlog.
    pub connections_max: usize,
    /// Bytes of a request's line and headers; more are answered 431.
    pub header_bytes_max: usize,
    /// Within which a request's headers must arrive, and for how long a connection may idle between requests.
    pub header_timeout_ms: u64,
    /// The window in which a request body must progress by `body_window_bytes_min`, else it is answered 408.
    pub body_window_ms: u64,
    /// Bytes of a request body that must arrive in each window.
    pub body_window_bytes_min: usize,
    /// For how long a client may take no byte of an answer that waits for it before it counts as gone.
    pub client_stall_ms: u64,
    /// Body of `POST /v1/messages` and `/v1/messages/count_tokens` (the provider's own limit is 32 MB).
    pub messages_body_bytes_max: usize,
    /// Body of the OpenAI endpoints.
    pub openai_body_bytes_max: usize,
    /// Body of `POST /v1/messages/batches` (the provider's own limit is 256 MB).
    pub batch_body_bytes_max: usize,
    /// Body of `POST /v1/files` (the provider's own limit is 500 MB). Streamed, not buffered.
    pub file_body_bytes_max: usize,
    /// JSON answers up to this size are sent once they are durable; larger ones stream with their end held back.
    pub answer_buffer_bytes_max: usize,
    /// The largest answer that can be recorded, hence given. At most 64 MiB.
    pub answer_bytes_max: usize,
    /// Bytes of requests and answers in memory at a time, over all connections; beyond, requests get 503.
    pub buffered_bytes_max: usize,
    /// For connecting to a provider.
    pub upstream_connect_timeout_ms: u64,
    /// Until a provider's response headers arrive; beyond, 504.
    pub upstream_head_timeout_ms: u64,
    /// Between two pieces of a provider's answer; beyond, the answer counts as broken off.
    pub upstream_idle_timeout_ms: u64,
    /// Idle connections kept open per provider and thread.
    pub upstream_idle_connections_max: usize,
    /// For how long exchanges in flight may finish when the server is told to stop.
    pub shutdown_grace_ms: u64,
}

impl Default for GatewayLimits {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            header_bytes_max: 64 * KIB,
            header_timeout_ms: 75_000,
            body_window_ms: 15_000,
            body_window_bytes_min: 4 * KIB,
            client_stall_ms: 60_000,
            messages_body_bytes_max: 32 * MIB,
            openai_body_bytes_max: 64 * MIB,
            batch_body_bytes_max: 256 * MIB,
            file_body_bytes_max: 500 * MIB,
            answer_buffer_bytes_max: 8 * MIB,
            answer_bytes_max: 64 * MIB,
            buffered_bytes_max: 768 * MIB,
            upstream_connect_timeout_ms: 10_000,
            upstream_head_timeout_ms: 600_000,
            upstream_idle_timeout_ms: 300_000,
            upstream_idle_connections_max: 128,
            shutdown_grace_ms: 30_000,
        }
    }
}

/// What a provider speaks and how it wants its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProviderKind {
    /// The Anthropic API: key in `x-api-key`.
    Anthropic,
    /// The OpenAI API: key as bearer token.
    Openai,
    /// Azure OpenAI: key in `api-key`, paths under `/openai`.
    AzureOpenai,
    /// Anything that speaks one of the wires: key as bearer token, or no key.
    Compatible,
}

/// A model provider.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    /// What it speaks.
    pub kind: ProviderKind,
    /// Where it is: scheme, host, optional port and path before `/v1` (a trailing `/v1` may be given). Defaults to
    /// the public API for `anthropic` and `openai`; required for the others.
    #[serde(default)]
    pub base_url: Option<String>,
    /// Where its key is read from. Required except for `compatible`.
    #[serde(default)]
    pub key: Option<SecretSource>,
    /// Azure only: the `api-version` query parameter. When given, the classic deployment paths are used
    /// (`/openai/deployments/<model>/…`), else the `/openai/v1/…` paths.
    #[serde(default)]
    pub api_version: Option<String>,
    /// A PEM file of certificate authorities to trust for this provider besides the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Permits `http://` to a host that is not this machine. Prompts and keys then cross the network in the clear.
    #[serde(default)]
    pub allow_plain_http: bool,
}

/// One line of the routing table.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRoute {
    /// The name clients ask for; a `*` at the end matches any rest. An exact name wins over a pattern, a longer
    /// pattern over a shorter one.
    pub model: String,
    /// The provider's name.
    pub provider: String,
    /// The name the provider knows the model by, when it is another. The client is told by `fiducia-notice`, and the
    /// ledger keeps it.
    #[serde(default)]
    pub upstream_model: Option<String>,
}

/// What agreements with providers say about the use of their features and models.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EligibilitySettings {
    /// Covered models: their provider keeps prompts and answers for at least 30 days whatever else was agreed, so
    /// organisations with zero retention are refused them. Names as providers know them, in any case of letters; a `*` at the start
    /// or end stands for any text.
    pub covered_models: Vec<String>,
    /// Whether the accounts at the providers are under an agreement about health data (HIPAA). Features that it does not
    /// cover are then refused to everyone.
    pub hipaa: bool,
}

impl Default for EligibilitySettings {
    fn default() -> Self {
        // Parts of names, because clouds and resellers put their own text around them. They take in later minor versions
        // too: those that are known are covered as well.
        let covered_models = ["*claude-fable-5*", "*claude-mythos-5*"].map(str::to_owned).to_vec();
        Self { covered_models, hipaa: false }
    }
}

impl EligibilitySettings {
    /// The most patterns for covered models.
    const PATTERNS_MAX: usize = 256;
    /// The longest pattern, in bytes.
    const PATTERN_BYTES_MAX: usize = 256;

    /// What is wrong with the patterns of covered models; `None` when nothing is.
    pub fn covered_models_problem(&self) -> Option<String> {
        if self.covered_models.len() > Self::PATTERNS_MAX {
            return Some(format!("it has more than {} patterns", Self::PATTERNS_MAX));
        }
        let is_wrong = |pattern: &&String| {
            let rest = pattern.strip_prefix('*').unwrap_or(pattern);
            let text = rest.strip_suffix('*').unwrap_or(rest);
            text.is_empty() || text.contains('*') || pattern.len() > Self::PATTERN_BYTES_MAX
        };
        self.covered_models.iter().find(is_wrong).map(|pattern| {
            format!("\"{pattern}\" must be a model's name, with a `*` at its start or end for any text")
        })
    }
}

/// The listener for the people who run the server. It serves no content and asks for no credential: bind it to an
/// address that only they reach.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OperationsSettings {
    /// Address to listen on. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The directory that holds one log per organisation (`<uuid>/checkpoint`, `<uuid>/tile/…`), served read-only
    /// under `/ledger/`. None serves no ledger.
    pub ledger_directory: Option<PathBuf>,
}

impl Default for OperationsSettings {
    fn default() -> Self {
        Self { listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4101), ledger_directory: None }
    }
}
