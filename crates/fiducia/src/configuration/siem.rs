//! `[siem]`: where activities are written for a security information and event management system.

use std::path::PathBuf;

use fiducia_server::{
    SiemFileSettings, SiemFormat, SiemSettings, SiemTargetSettings, SyslogName, SyslogSettings,
    SyslogTransport,
};
use serde::Deserialize;

use super::{Configuration, Problem};

const MIB: u64 = 1024 * 1024;
const FACILITY_MAX: u8 = 23;

/// `[siem]`. Absent: nothing is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SiemSection {
    /// How a line is written.
    pub(crate) format: SiemLineFormat,
    /// Where to.
    pub(crate) target: SiemTargetKind,
    /// The file's path, for `target = "file"`; the socket's, for `transport = "unix"`. Relative to the configuration file.
    pub(crate) path: Option<PathBuf>,
    /// From this length on another file is begun.
    #[serde(default = "SiemSection::rotate_mib_default")]
    pub(crate) rotate_mib: u32,
    /// Whether another file is begun with each day in UTC.
    #[serde(default)]
    pub(crate) rotate_daily: bool,
    /// So many ended files are kept.
    #[serde(default = "SiemSection::keep_files_default")]
    pub(crate) keep_files: u32,
    /// How the syslog receiver is reached, for `target = "syslog"`.
    pub(crate) transport: Option<SyslogTransportKind>,
    /// Where it is, `host:port`.
    pub(crate) address: Option<String>,
    /// Authorities to trust besides the system's, PEM, for `transport = "tls"`. Relative to the configuration file.
    pub(crate) ca_file: Option<PathBuf>,
    /// The facility, 0 to 23; 13 is the audit log.
    #[serde(default = "SiemSection::facility_default")]
    pub(crate) facility: u8,
    /// The name of this machine in messages; none when absent.
    pub(crate) host: Option<String>,
}

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SiemLineFormat {
    /// Open Cybersecurity Schema Framework.
    Ocsf,
    /// Elastic Common Schema.
    Ecs,
}

/// Where lines go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SiemTargetKind {
    /// Into a file.
    File,
    /// To a syslog receiver.
    Syslog,
}

/// How a syslog receiver is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SyslogTransportKind {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// A stream over TLS.
    Tls,
    /// A datagram socket of this machine.
    Unix,
}

impl SiemSection {
    const fn rotate_mib_default() -> u32 {
        100
    }

    const fn keep_files_default() -> u32 {
        14
    }

    const fn facility_default() -> u8 {
        13
    }

    /// What activities are written to.
    ///
    /// # Errors
    /// What is wrong with the section, in words.
    fn target(&self) -> Result<SiemTargetSettings, &'static str> {
        match (self.target, self.transport) {
            (SiemTargetKind::File, _) => {
                let path = self.path.clone().ok_or("siem.path must say which file, as target is \"file\"")?;
                Ok(SiemTargetSettings::File(SiemFileSettings {
                    path,
                    rotate_bytes: u64::from(self.rotate_mib) * MIB,
                    rotate_daily: self.rotate_daily,
                    keep_files: usize::try_from(self.keep_files).unwrap_or(usize::MAX),
                }))
            }
            (SiemTargetKind::Syslog, None) => {
                Err("siem.transport must be \"udp\", \"tcp\", \"tls\" or \"unix\", as target is \"syslog\"")
            }
            (SiemTargetKind::Syslog, Some(transport)) => {
                let address = || {
                    let fits = |address: &&String| {
                        address
                            .rsplit_once(':')
                            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
                    };
                    let given = self.address.as_ref().filter(fits).cloned();
                    given.ok_or("siem.address must say where the receiver is, as `host:port`")
                };
                let transport = match transport {
                    SyslogTransportKind::Udp => SyslogTransport::Udp(address()?),
                    SyslogTransportKind::Tcp => SyslogTransport::Tcp(address()?),
                    SyslogTransportKind::Tls => {
                        SyslogTransport::Tls { address: address()?, ca_file: self.ca_file.clone() }
                    }
                    SyslogTransportKind::Unix => SyslogTransport::Unix(
                        self.path.clone().ok_or("siem.path must say which socket, such as \"/dev/log\"")?,
                    ),
                };
                let host: SyslogName = match &self.host {
                    None => SyslogName::default(),
                    Some(host) => {
                        host.parse().map_err(|_| "siem.host has 1 to 255 visible ASCII characters")?
                    }
                };
                Ok(SiemTargetSettings::Syslog(SyslogSettings { transport, facility: self.facility, host }))
            }
        }
    }
}

/// Adds what is wrong with the section.
pub(super) fn check(configuration: &Configuration, problems: &mut Vec<Problem>) {
    let Some(section) = &configuration.siem else { return };
    if let Err(problem) = section.target() {
        problems.push(Problem::general(problem));
    }
    if section.facility > FACILITY_MAX {
        problems.push(Problem::general("siem.facility must be 0 to 23"));
    }
    if !(1..=100_000).contains(&section.rotate_mib) || !(1..=10_000).contains(&section.keep_files) {
        problems.push(Problem::general("siem.rotate_mib must be 1 to 100000 and siem.keep_files 1 to 10000"));
    }
}

impl Configuration {
    /// Where activities are written. Settings that do not fit were refused by the check.
    pub(crate) fn siem_settings(&self) -> Option<SiemSettings> {
        let section = self.siem.as_ref()?;
        let format = match section.format {
            SiemLineFormat::Ocsf => SiemFormat::Ocsf,
            SiemLineFormat::Ecs => SiemFormat::Ecs,
        };
        Some(SiemSettings { format, target: section.target().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_says_what_it_lacks() {
        let check = |text: &str, expect: Option<&str>| {
            let section: SiemSection = toml::from_str(text).unwrap();
            let refused = section.target().err();
            assert_eq!(refused.is_some(), expect.is_some(), "{text}: {refused:?}");
            assert!(refused.unwrap_or_default().contains(expect.unwrap_or_default()), "{text}: {refused:?}");
        };
        check("format = 'ocsf'\ntarget = 'file'\npath = 'a.jsonl'", None);
        check("format = 'ocsf'\ntarget = 'file'", Some("siem.path"));
        check("format = 'ecs'\ntarget = 'syslog'", Some("siem.transport"));
        check("format = 'ecs'\ntarget = 'syslog'\ntransport = 'udp'", Some("siem.address"));
        check("format = 'ecs'\ntarget = 'syslog'\ntransport = 'udp'\naddress = 'log'", Some("siem.address"));
        check("format = 'ecs'\ntarget = 'syslog'\ntransport = 'tcp'\naddress = 'log.example.org:601'", None);
        check("format = 'ecs'\ntarget = 'syslog'\ntransport = 'tls'\naddress = '[::1]:6514'", None);
        check("format = 'ecs'\ntarget = 'syslog'\ntransport = 'unix'", Some("siem.path"));
        check(
            "format = 'ecs'\ntarget = 'syslog'\ntransport = 'unix'\npath = '/dev/log'\nhost = 'a b'",
            Some("siem.host"),
        );
    }
}
