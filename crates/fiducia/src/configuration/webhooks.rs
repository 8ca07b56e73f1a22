//! `[webhooks]`: how activities are sent to the endpoints that organisations name.

use std::path::PathBuf;
use std::time::Duration;

use fiducia_server::{AddressRange, WebhookSettings};
use serde::Deserialize;

use super::{Configuration, Problem};

/// `[webhooks]`. Which endpoints there are is said by `fiducia webhooks`, not here.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WebhooksSection {
    /// Ranges of addresses that deliveries may go to besides those of the open Internet, such as `10.1.0.0/16`. A range with this
    /// machine's own addresses permits `http://` to them as well.
    pub(crate) allow_networks: Vec<String>,
    /// Authorities to trust besides the system's, PEM. Relative to the configuration file.
    pub(crate) ca_file: Option<PathBuf>,
    /// Within how many seconds an endpoint must answer.
    pub(crate) timeout_seconds: u32,
}

impl Default for WebhooksSection {
    fn default() -> Self {
        Self { allow_networks: Vec::new(), ca_file: None, timeout_seconds: 15 }
    }
}

/// Adds what is wrong with the section.
pub(super) fn check(configuration: &Configuration, problems: &mut Vec<Problem>) {
    let section = &configuration.webhooks;
    for range in &section.allow_networks {
        if let Err(error) = range.parse::<AddressRange>() {
            problems.push(Problem::general(format!("webhooks.allow_networks: {error}")));
        }
    }
    // An attempt of which nothing is heard is repeated after a minute; it must have ended by then.
    if !(1..=30).contains(&section.timeout_seconds) {
        problems.push(Problem::general("webhooks.timeout_seconds must be 1 to 30"));
    }
}

impl Configuration {
    /// How deliveries are sent. Settings that do not parse were refused by the check.
    pub(crate) fn webhook_settings(&self) -> WebhookSettings {
        let section = &self.webhooks;
        WebhookSettings {
            allow_networks: section.allow_networks.iter().filter_map(|range| range.parse().ok()).collect(),
            ca_file: section.ca_file.clone(),
            timeout: Duration::from_secs(u64::from(section.timeout_seconds)),
            ..WebhookSettings::default()
        }
    }
}
