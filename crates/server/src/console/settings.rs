//! What the console needs to be told, as plain data.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::secret::SecretSource;

/// The console's listener and how people sign in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsoleSettings {
    /// Address to listen on, plain HTTP: put TLS in front of it for other machines. Port 0 takes a free one.
    #[serde(default = "ConsoleSettings::listen_default")]
    pub listen: SocketAddr,
    /// How browsers reach the console: `https://host[:port]`, or `http://` on this machine only. Passkeys belong to its host
    /// name, so they are lost when it changes.
    pub public_url: String,
    /// What the console calls itself.
    #[serde(default = "ConsoleSettings::name_default")]
    pub name: String,
    /// Whether people may sign in by password.
    #[serde(default = "ConsoleSettings::yes")]
    pub passwords: bool,
    /// Whether people may sign in by passkey.
    #[serde(default = "ConsoleSettings::yes")]
    pub passkeys: bool,
    /// A session ends after this many minutes without use: 1 to 1,440.
    #[serde(default = "ConsoleSettings::session_idle_minutes_default")]
    pub session_idle_minutes: u32,
    /// A session ends after this many hours at the latest: 1 to 720.
    #[serde(default = "ConsoleSettings::session_hours_max_default")]
    pub session_hours_max: u32,
    /// The header in which the proxy in front of the console says who asks, such as `x-forwarded-for`; its last entry counts.
    /// Name it only where nobody reaches the console around that proxy. Absent: the connection's own address.
    #[serde(default)]
    pub client_address_header: Option<String>,
    /// Since when the installation honours the Global Privacy Control signal, for `/.well-known/gpc.json`: `YYYY-MM-DD`.
    #[serde(default = "ConsoleSettings::privacy_control_since_default")]
    pub privacy_control_since: String,
    /// OpenID Connect providers by name; the name is part of the return address.
    #[serde(default)]
    pub identity_providers: BTreeMap<String, IdentityProviderSettings>,
}

impl ConsoleSettings {
    /// Settings with nothing but the address by which browsers reach the console.
    pub fn new(public_url: String) -> Self {
        Self {
            listen: Self::listen_default(),
            public_url,
            name: Self::name_default(),
            passwords: true,
            passkeys: true,
            session_idle_minutes: Self::session_idle_minutes_default(),
            session_hours_max: Self::session_hours_max_default(),
            client_address_header: None,
            privacy_control_since: Self::privacy_control_since_default(),
            identity_providers: BTreeMap::new(),
        }
    }

    fn listen_default() -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 4102)
    }

    fn name_default() -> String {
        "Fiducia".to_owned()
    }

    const fn yes() -> bool {
        true
    }

    const fn session_idle_minutes_default() -> u32 {
        30
    }

    const fn session_hours_max_default() -> u32 {
        12
    }

    fn privacy_control_since_default() -> String {
        "2026-11-21".to_owned()
    }

    /// Everything that is wrong with the settings, each with its fix.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if let Err(problem) = super::site::Site::new(&self.public_url) {
            problems.push(format!("console.public_url {problem}"));
        }
        if self.name.trim().is_empty() || self.name.chars().count() > 64 {
            problems.push("console.name must have 1 to 64 characters".to_owned());
        }
        if !(1..=1_440).contains(&self.session_idle_minutes) {
            problems.push("console.session_idle_minutes must be 1 to 1440".to_owned());
        }
        if !(1..=720).contains(&self.session_hours_max) {
            problems.push("console.session_hours_max must be 1 to 720".to_owned());
        }
        if !self.passwords && !self.passkeys && self.identity_providers.is_empty() {
            problems.push(
                "console: nobody could sign in; allow passwords or passkeys, or name a provider".to_owned(),
            );
        }
        if let Some(header) = &self.client_address_header
            && http::HeaderName::try_from(header.as_str()).is_err()
        {
            problems.push("console.client_address_header is no name of a header".to_owned());
        }
        if !is_date(&self.privacy_control_since) {
            problems.push("console.privacy_control_since must look like 2026-11-21".to_owned());
        }
        for (name, provider) in &self.identity_providers {
            if let Some(problem) = provider.problem(name) {
                problems.push(format!("console.identity_providers.{name}: {problem}"));
            }
        }
        problems
    }
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && format!("{text}T00:00:00Z").parse::<fiducia_policy::Timestamp>().is_ok()
}

/// An OpenID Connect provider.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityProviderSettings {
    /// What its button says.
    pub label: String,
    /// Its issuer URL, exactly as its tokens say it.
    pub issuer: String,
    /// The id under which the console is registered there.
    pub client_id: String,
    /// The secret it was given with the id; absent for a public client.
    #[serde(default)]
    pub client_secret: Option<SecretSource>,
    /// What is asked for beside `openid`.
    #[serde(default = "IdentityProviderSettings::scopes_default")]
    pub scopes: Vec<String>,
    /// Whether an e-mail address that the provider has verified opens the account with that login. Say so only of a provider
    /// that governs the addresses of everyone it vouches for.
    #[serde(default)]
    pub link_by_email: bool,
    /// Authentication context classes (`acr`) of which one must hold; empty accepts any.
    #[serde(default)]
    pub acr_values: Vec<String>,
    /// A PEM file of certificate authorities to trust for this provider besides the system's.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
}

impl IdentityProviderSettings {
    fn scopes_default() -> Vec<String> {
        vec!["email".to_owned()]
    }

    fn problem(&self, name: &str) -> Option<String> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > 32 || !name.bytes().all(plain) {
            return Some("a name has 1 to 32 of `a-z 0-9 -`".to_owned());
        }
        if self.label.trim().is_empty() || self.client_id.is_empty() {
            return Some("it needs a label and a client_id".to_owned());
        }
        if let Err(problem) = super::site::Site::new_base(&self.issuer) {
            return Some(format!("issuer {problem}"));
        }
        if let Some(source) = &self.client_secret
            && let Err(error) = crate::Secret::read(source)
        {
            return Some(error.to_string());
        }
        None
    }
}
