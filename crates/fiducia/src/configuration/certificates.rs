//! `[certificates]` and `[mail]`: what certificates of destruction say, and who is told of them and of ends.

use std::collections::BTreeMap;

use fiducia_custody::{CertificateSettings, MailSchedule};
use fiducia_policy::OrganizationId;
use fiducia_server::{Secret, SecretSource};
use lettre::message::Mailbox;
use serde::Deserialize;

use super::{Configuration, Problem};

/// Longest text that certificates repeat.
const TEXT_CHARACTERS_MAX: usize = 256;
/// Longest text about keeping conversations.
const HOW_TO_KEEP_CHARACTERS_MAX: usize = 1_000;
/// Longest time for which backups may be said to be kept: ten years.
const BACKUP_DAYS_MAX: u32 = 3_660;
/// Longest first wait before a mail is tried again: six hours.
const FIRST_RETRY_SECONDS_MAX: u32 = 6 * 3_600;

/// `[certificates]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CertificatesSection {
    /// Where the data is, for example `eu-central`.
    pub(crate) region: Option<String>,
    /// Whom to ask about a certificate: an address or a telephone number.
    pub(crate) contact: Option<String>,
    /// For how many days backups of `keys.db` are kept. Absent when you make none.
    pub(crate) backup_days: Option<u32>,
}

/// `[mail]`: a mail tells of each certificate, and warns people who have an address of ends. Without this section none is
/// sent.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MailSection {
    /// The mail server: `smtps://HOST`, `starttls://HOST`, or `smtp://HOST` on this machine; with `:PORT` where it is not
    /// the usual one.
    pub(crate) server: String,
    /// The user to sign in as.
    pub(crate) user: Option<String>,
    /// Where the user's password is.
    pub(crate) password: Option<SecretSource>,
    /// Who sends: `Name <address>` or an address.
    pub(crate) from: String,
    /// Who is told, unless the organisation has a contact of its own.
    pub(crate) to: String,
    /// The organisations' own contacts, by id.
    #[serde(default)]
    pub(crate) contacts: BTreeMap<OrganizationId, String>,
    /// What a warning says about keeping conversations. Absent: that its person may answer it.
    pub(crate) how_to_keep: Option<String>,
    /// The wait before a mail that could not be sent is tried again; it doubles up to six hours.
    #[serde(default = "MailSection::first_retry_seconds_default")]
    pub(crate) first_retry_seconds: u32,
}

impl MailSection {
    const fn first_retry_seconds_default() -> u32 {
        60
    }

    /// Where the server is.
    pub(crate) fn address(&self) -> Result<MailServer, &'static str> {
        self.server.parse()
    }
}

/// How the connection to a mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MailSecurity {
    /// TLS from the first byte.
    Tls,
    /// TLS before anything is said.
    StartTls,
    /// None: for this machine only.
    None,
}

/// Where a mail server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MailServer {
    pub(crate) security: MailSecurity,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl std::str::FromStr for MailServer {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const FORM: &str = "must look like `smtps://mail.example.org`, `starttls://mail.example.org:587` or `smtp://127.0.0.1:25`";
        let (scheme, rest) = text.split_once("://").ok_or(FORM)?;
        let (security, usual) = match scheme {
            "smtps" => (MailSecurity::Tls, 465),
            "starttls" => (MailSecurity::StartTls, 587),
            "smtp" => (MailSecurity::None, 25),
            _ => return Err(FORM),
        };
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| FORM)?),
            None => (rest, usual),
        };
        if host.is_empty() || !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
        {
            return Err(FORM);
        }
        if security == MailSecurity::None && !["localhost", "127.0.0.1"].contains(&host) {
            return Err(
                "would send mails in the clear; use `smtps://` or `starttls://`, or a mail server on this machine",
            );
        }
        Ok(Self { security, host: host.to_owned(), port })
    }
}

impl Configuration {
    /// What certificates say that only the operator knows.
    pub(super) fn certificate_settings(&self) -> CertificateSettings {
        let said = self.certificates.clone();
        CertificateSettings {
            region: said.region,
            contact: said.contact,
            backup_days: said.backup_days,
            mail: self
                .mail
                .as_ref()
                .map(|mail| MailSchedule { first_retry_seconds: mail.first_retry_seconds }),
        }
    }
}

/// What is wrong with these sections.
pub(super) fn check(configuration: &Configuration, problems: &mut Vec<Problem>) {
    let said = &configuration.certificates;
    for (name, text) in [("region", &said.region), ("contact", &said.contact)] {
        let fits = |text: &str| {
            !text.trim().is_empty()
                && text.chars().count() <= TEXT_CHARACTERS_MAX
                && !text.chars().any(char::is_control)
        };
        if text.as_deref().is_some_and(|text| !fits(text)) {
            problems.push(Problem::general(format!(
                "certificates.{name} must have 1 to {TEXT_CHARACTERS_MAX} characters and no control characters"
            )));
        }
    }
    if said.backup_days.is_some_and(|days| !(1..=BACKUP_DAYS_MAX).contains(&days)) {
        problems.push(Problem::general(format!(
            "certificates.backup_days must be 1 to {BACKUP_DAYS_MAX}; leave it out when you make no backups of keys.db"
        )));
    }
    if let Some(mail) = &configuration.mail {
        check_mail(mail, problems);
    }
}

fn check_mail(mail: &MailSection, problems: &mut Vec<Problem>) {
    let mut say = |text: String| problems.push(Problem::general(text));
    if let Err(text) = mail.address() {
        say(format!("mail.server {text}"));
    }
    let contacts = mail.contacts.iter().map(|(id, address)| (format!("contacts.{id}"), address));
    let own = [("from".to_owned(), &mail.from), ("to".to_owned(), &mail.to)];
    for (place, address) in own.into_iter().chain(contacts) {
        if address.parse::<Mailbox>().is_err() {
            say(format!(
                "mail.{place} is no mail address; write one such as `Privacy <privacy@example.org>`"
            ));
        }
    }
    match (&mail.user, &mail.password) {
        (Some(_), None) => say("mail.user needs a password; add `password = { file = \"…\" }`".to_owned()),
        (None, Some(_)) => say("mail.password is of no use without mail.user".to_owned()),
        (_, Some(source)) => {
            if let Err(error) = Secret::read(source) {
                say(format!("mail.password: {error}"));
            }
        }
        (None, None) => {}
    }
    let fits = |text: &str| !text.trim().is_empty() && text.chars().count() <= HOW_TO_KEEP_CHARACTERS_MAX;
    if mail.how_to_keep.as_deref().is_some_and(|text| !fits(text)) {
        say(format!("mail.how_to_keep must have 1 to {HOW_TO_KEEP_CHARACTERS_MAX} characters"));
    }
    if !(1..=FIRST_RETRY_SECONDS_MAX).contains(&mail.first_retry_seconds) {
        say(format!("mail.first_retry_seconds must be 1 to {FIRST_RETRY_SECONDS_MAX}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_server(text: &str, expect: Option<(MailSecurity, &str, u16)>) {
        let found = text.parse::<MailServer>().ok();
        let found = found.as_ref().map(|server| (server.security, server.host.as_str(), server.port));
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn mail_servers_have_the_usual_port_and_no_clear_text_over_a_network() {
        check_server("smtps://mail.example.org", Some((MailSecurity::Tls, "mail.example.org", 465)));
        check_server(
            "starttls://mail.example.org:2525",
            Some((MailSecurity::StartTls, "mail.example.org", 2525)),
        );
        check_server("smtp://127.0.0.1:8025", Some((MailSecurity::None, "127.0.0.1", 8025)));
        for text in [
            "mail.example.org",
            "smtp://mail.example.org",
            "smtps://",
            "smtps://user@host",
            "http://localhost",
        ] {
            check_server(text, None);
        }
    }
}
