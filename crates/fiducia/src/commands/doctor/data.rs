//! What the data directory holds: its lock, its schema, its ledger.

use std::path::Path;

use fiducia_custody::{
    AdminCommand, AdminReply, KEYFILE_SERVICE, OrganizationKeyCommand, OrganizationKeyReply,
    OrganizationKeyRow,
};
use fiducia_ledger::{LogReader, LoggedLeaf, VerifierKey};
use fiducia_policy::{Clock, MailKind};

use super::Report;
use crate::configuration::Configuration;
use crate::edge::SystemClock;
use crate::failure::Failure;
use crate::output::instant;
use crate::session::Session;

/// A last entry that lies further in the future than this means that a clock was set back.
const CLOCK_SKEW_SECONDS_MAX: i64 = 5;

/// Examines the data, and says whether a server is running on it.
pub(super) fn examine(configuration: &Configuration, report: &mut Report) -> bool {
    const WHAT: &str = "data";
    if !configuration.data.directory.is_dir() {
        return false;
    }
    // Opening finishes what a crash interrupted and refuses what is damaged or newer: what a server would do.
    let session = match Session::of(configuration) {
        Ok(session) => session,
        Err(error) => {
            report.fail(WHAT, error.to_string());
            return false;
        }
    };
    let server = session.is_with_server();
    if server {
        report.ok(WHAT, "a server holds it and answers on its admin socket");
    } else {
        report.ok(WHAT, "opens; its schema is one that this version knows, and no server is running on it");
    }
    status(&session, report);
    keys(&session, configuration, report);
    ledger(&session, &configuration.ledger_directory(), report);
    session.close();
    server
}

/// What to do about a damaged file. A key store from a backup is no harmless fix: it holds keys that were destroyed.
fn damaged(file: &str) -> &'static str {
    if file.starts_with("keys.db") {
        "Stop the server and keep a copy of the whole data directory before anything else. In a backup of this file keys \
         that were destroyed since are alive: repeat those destructions, which the ledger lists, after restoring it"
    } else {
        "Stop the server and keep a copy of the whole data directory before anything else; then restore this file from a \
         backup"
    }
}

fn status(session: &Session, report: &mut Report) {
    match session.send(AdminCommand::Status) {
        Ok(AdminReply::Status(pairs)) => {
            let (checks, counts): (Vec<_>, Vec<_>) =
                pairs.into_iter().partition(|(name, _)| is_file_check(name));
            for (file, found) in checks {
                let file = file.trim_end_matches(": check");
                if found == "ok" {
                    report.ok("files", format!("{file}: sound"));
                } else {
                    report.fail("files", format!("{file}: {}. {}", found.replace('\n', "; "), damaged(file)));
                }
            }
            mails(&counts, report);
            let text: Vec<String> =
                counts.into_iter().map(|(name, value)| format!("{name} {value}")).collect();
            report.ok("contents", text.join(", "));
        }
        Ok(_) => {
            report.fail("contents", "the server's reply is of another version; restart it with this one");
        }
        Err(error) => report.fail("contents", error.to_string()),
    }
}

/// Sends a throw-away key to each service that wraps a key here, and back.
fn keys(session: &Session, configuration: &Configuration, report: &mut Report) {
    const WHAT: &str = "keys";
    let mut whose = vec![None];
    if let Ok(AdminReply::Organizations(rows)) = session.send(AdminCommand::ListOrganizations) {
        whose.extend(rows.into_iter().map(|row| Some(row.id)));
    }
    for organization in whose {
        let Ok(row) = key(session, OrganizationKeyCommand::Show { organization }) else {
            report.fail(WHAT, "who wraps the keys could not be asked");
            continue;
        };
        if organization.is_some() && !row.is_own {
            continue;
        }
        let name = organization.map_or_else(|| "the installation".to_owned(), |id| id.to_string());
        match key(session, OrganizationKeyCommand::Validate { organization, actor: None }) {
            Ok(row) => {
                report.ok(WHAT, format!("{name}: {} wrapped a throw-away key and opened it", row.service));
            }
            Err(error) => report.fail(WHAT, format!("{name}: {error}")),
        }
        let wanted = configuration.data.key.as_ref().map_or(KEYFILE_SERVICE, |key| key.service.as_str());
        if organization.is_none() && row.service != wanted {
            report.warn(
                WHAT,
                format!(
                    "the installation's key is still wrapped by {}, the configuration names {wanted}; `fiducia keys rotate` \
                     moves it",
                    row.service
                ),
            );
        }
    }
}

fn key(session: &Session, command: OrganizationKeyCommand) -> Result<OrganizationKeyRow, Failure> {
    match session.send(AdminCommand::OrganizationKey(command))? {
        AdminReply::OrganizationKey(OrganizationKeyReply::Key(row)) => Ok(row),
        _ => Err(Failure::UnexpectedReply("organization-key")),
    }
}

/// Says when mails wait or were given up.
fn mails(counts: &[(String, String)], report: &mut Report) {
    const WHAT: &str = "mail";
    let count = |name: &str| {
        let found = counts.iter().find(|(found, _)| found == name);
        found.and_then(|(_, value)| value.parse::<u64>().ok()).unwrap_or(0)
    };
    for kind in MailKind::ALL {
        let about = format!("mails about {kind}s");
        let (waiting, given_up) = (count(&format!("{about} waiting")), count(&format!("{about} given up")));
        if waiting > 0 {
            report.warn(
                WHAT,
                format!(
                    "{about} that wait to be sent: {waiting}. `serve` sends them; when they stay, check [mail] and the mail server"
                ),
            );
        }
        if given_up > 0 {
            let instead = match kind {
                MailKind::Certificate => {
                    "Hand those certificates over yourself with `fiducia certificate show`"
                }
                MailKind::Warning => {
                    "The conversations still carry the mark; check the addresses with `fiducia subjects contact`"
                }
                MailKind::Letter => {
                    "Tell those people yourself; check the addresses with `fiducia subjects contact`"
                }
                MailKind::Bulletin => {
                    "The console and `fiducia access notices` tell the same; check the addresses by which administrators sign in"
                }
            };
            report.warn(WHAT, format!("{about} that were given up: {given_up}. {instead}"));
        }
    }
}

/// Whether a line of the status says how a file is, rather than how much of something there is.
fn is_file_check(name: &str) -> bool {
    ["control.db", "keys.db", "activities.db"].contains(&name) || name.ends_with(": check")
}

fn ledger(session: &Session, root: &Path, report: &mut Report) {
    const WHAT: &str = "ledger";
    let rows = match session.send(AdminCommand::ListOrganizations) {
        Ok(AdminReply::Organizations(rows)) => rows,
        Ok(_) => {
            return report.fail(WHAT, "the server's reply is of another version; restart it with this one");
        }
        Err(error) => return report.fail(WHAT, error.to_string()),
    };
    if rows.is_empty() {
        report
            .warn(WHAT, "there is no organisation yet; create one with `fiducia organizations create NAME`");
    }
    for row in rows {
        match quick_check(&root.join(row.id.uuid()), &row.ledger_verifier_keys) {
            Ok(text) => report.ok(WHAT, format!("{}: {text}", row.name)),
            Err(text) => report.fail(WHAT, format!("{}: {text}", row.name)),
        }
    }
}

/// Checks the checkpoint's signature, and that the first and the last entry are in the tree it signs.
fn quick_check(directory: &Path, keys: &[String]) -> Result<String, String> {
    let keys: Result<Vec<VerifierKey>, _> = keys.iter().map(|key| key.parse()).collect();
    let keys = keys.map_err(|error| format!("its verifier keys cannot be read: {error}"))?;
    let mut reader = LogReader::open(directory, &keys).map_err(|error| error.to_string())?;
    let size = reader.checkpoint().size;
    let Some(last) = size.checked_sub(1) else { return Ok("the log is empty".into()) };
    for index in [0, last] {
        reader.proof_file(index).map_err(|error| error.to_string())?;
    }
    let entry = reader.entry(last).map_err(|error| error.to_string())?;
    if let Ok(logged) = LoggedLeaf::parse(&entry) {
        let ahead = logged.leaf.at.as_second() - SystemClock.now().as_second();
        if ahead > CLOCK_SKEW_SECONDS_MAX {
            return Err(format!(
                "the last entry is from {}, {ahead} s in the future; the clock was set back. Set it right before serving",
                instant(logged.leaf.at)
            ));
        }
    }
    Ok(format!("{size} entries, signature and both ends verified; `fiducia ledger verify` checks the rest"))
}
