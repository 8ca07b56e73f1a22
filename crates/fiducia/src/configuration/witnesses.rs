//! `[witnesses]`: who remembers how far the logs had grown.

use std::path::PathBuf;
use std::time::Duration;

use fiducia_custody::{WhenShort, WitnessTerms};
use fiducia_ledger::CosignerKey;
use fiducia_server::{WitnessAddress, WitnessingSettings};
use serde::Deserialize;

use super::{Configuration, Problem};

/// `[witnesses]`. Without this section nobody but who keeps checkpoints would see that a log was rewritten by its owner.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WitnessesSection {
    /// How many witnesses must have cosigned for a checkpoint to count as witnessed; more than half of them when absent.
    pub(crate) quorum: Option<usize>,
    /// How often checkpoints are sent, in seconds.
    #[serde(default = "WitnessesSection::interval_seconds_default")]
    pub(crate) interval_seconds: u32,
    /// Whether `serve` starts while fewer witnesses than the quorum can be asked what they hold.
    #[serde(default)]
    pub(crate) starts_unwitnessed: bool,
    /// What happens to people's reading while fewer witnesses than the quorum cosign.
    #[serde(default)]
    pub(crate) when_short: WhenShortName,
    /// For how long a reader waits for the witnesses, in seconds.
    #[serde(default = "WitnessesSection::wait_seconds_default")]
    pub(crate) wait_seconds: u32,
    /// The witnesses.
    pub(crate) witness: Vec<WitnessSection>,
}

/// `witnesses.when_short`
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WhenShortName {
    /// Readers wait.
    Wait,
    /// Reading goes on and is counted.
    #[default]
    Mark,
    /// Nobody reads.
    Refuse,
}

/// `[[witnesses.witness]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WitnessSection {
    /// Where it is: what stands before `/add-checkpoint`.
    pub(crate) url: String,
    /// Its verifier key, as `fiducia witness key` prints it.
    pub(crate) key: String,
    /// Authorities to trust for it besides the system's, PEM. Relative to the configuration file.
    pub(crate) ca_file: Option<PathBuf>,
}

impl WitnessesSection {
    const fn interval_seconds_default() -> u32 {
        10
    }

    const fn wait_seconds_default() -> u32 {
        15
    }

    /// What reading waits for.
    pub(crate) fn when_short(&self) -> WhenShort {
        match self.when_short {
            WhenShortName::Wait => WhenShort::Wait(Duration::from_secs(u64::from(self.wait_seconds))),
            WhenShortName::Mark => WhenShort::Mark,
            WhenShortName::Refuse => WhenShort::Refuse,
        }
    }

    fn quorum(&self) -> usize {
        self.quorum.unwrap_or(self.witness.len() / 2 + 1)
    }
}

/// Adds what is wrong with the section.
pub(super) fn check(configuration: &Configuration, problems: &mut Vec<Problem>) {
    let Some(section) = &configuration.witnesses else { return };
    if section.quorum() == 0 || section.quorum() > section.witness.len() {
        problems.push(Problem::general(format!(
            "witnesses.quorum is {} of {} witnesses; name at least one witness, and a quorum of at least one and not more than \
             there are",
            section.quorum(),
            section.witness.len()
        )));
    }
    if !(1..=3_600).contains(&section.interval_seconds) {
        problems.push(Problem::general("witnesses.interval_seconds must be 1 to 3600"));
    }
    if !(1..=60).contains(&section.wait_seconds) {
        problems.push(Problem::general(
            "witnesses.wait_seconds must be 1 to 60: while a reader waits, deletions and withdrawals wait too",
        ));
    }
    let mut names = Vec::new();
    for witness in &section.witness {
        match witness.key.parse::<CosignerKey>() {
            Ok(key) if names.contains(&key.name().to_owned()) => problems.push(Problem::general(format!(
                "witnesses.witness: `{}` is named twice; one witness counts once",
                key.name()
            ))),
            Ok(key) => names.push(key.name().to_owned()),
            Err(error) => problems.push(Problem::general(format!("witnesses.witness.key: {error}"))),
        }
        if !is_safe(&witness.url) {
            problems.push(Problem::general(format!(
                "witnesses.witness.url `{}` must begin with `https://`, or with `http://` and be on this machine",
                witness.url
            )));
        }
    }
}

fn is_safe(url: &str) -> bool {
    let local = |rest: &str| {
        let host = rest.split('/').next().unwrap_or_default();
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        ["localhost", "127.0.0.1", "[::1]"].contains(&name)
    };
    match url.split_once("://") {
        Some(("https", rest)) => !rest.is_empty() && !rest.contains('@'),
        Some(("http", rest)) => local(rest),
        _ => false,
    }
}

impl Configuration {
    /// Who cosigns the logs, for those who check.
    pub(super) fn witness_terms(&self) -> Option<WitnessTerms> {
        let witnessing = self.witnessing()?;
        Some(WitnessTerms {
            keys: witnessing.witnesses.into_iter().map(|witness| witness.key).collect(),
            quorum: witnessing.quorum,
            directory: witnessing.directory,
        })
    }

    /// How logs are witnessed, where they are. Settings that do not parse were refused by the check.
    pub(crate) fn witnessing(&self) -> Option<WitnessingSettings> {
        let section = self.witnesses.as_ref()?;
        let witnesses = section.witness.iter().filter_map(|witness| {
            Some(WitnessAddress {
                url: witness.url.clone(),
                key: witness.key.parse().ok()?,
                ca_file: witness.ca_file.clone(),
            })
        });
        Some(WitnessingSettings {
            witnesses: witnesses.collect(),
            quorum: section.quorum(),
            interval: Duration::from_secs(u64::from(section.interval_seconds)),
            starts_unwitnessed: section.starts_unwitnessed,
            when_short: section.when_short(),
            ledger_directory: self.ledger_directory(),
            directory: self.data.directory.join("witnessed"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn witnesses_are_reached_by_tls_or_on_this_machine() {
        for (url, expect) in [
            ("https://witness.example.org/w", true),
            ("http://127.0.0.1:7180", true),
            ("http://localhost/x", true),
            ("http://[::1]:7180", true),
            ("http://witness.example.org", false),
            ("http://127.0.0.1.example.org", false),
            ("https://user@witness.example.org", false),
            ("ftp://localhost", false),
            ("", false),
        ] {
            assert_eq!(is_safe(url), expect, "{url}");
        }
    }
}
