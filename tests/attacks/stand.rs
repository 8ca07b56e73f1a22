//! A site with a log that others remember, copies of it to attack, and everybody who looks at them.

use std::path::{Path, PathBuf};
use std::process::Output;

use tempfile::TempDir;

use crate::harness::log::{Log, copy};
use crate::harness::server::Server;
use crate::harness::site::{Site, Tenant, both, text};
use crate::harness::traffic::{Outcome, Way, ask_once};
use crate::harness::upstream::Upstream;
use crate::harness::witness::{Witness, await_cosigned, section};

/// Exchanges before the attacks. With the rest of the entries, more than one full tile of 256.
const EXCHANGES: usize = 270;
/// Exchanges on the other history.
const OTHER_EXCHANGES: usize = 12;

/// Who found something wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one for each column of the table")]
pub(super) struct Caught {
    /// `fiducia ledger verify`.
    pub(super) verify: bool,
    /// `fiducia ledger audit`.
    pub(super) audit: bool,
    /// The reader made of the Go project's packages.
    pub(super) go: bool,
    /// The reader made of aics-tlog.
    pub(super) python: bool,
    /// Both readers, given a checkpoint that was kept: both, or none. The audit finds with it what it finds without, and what they find.
    pub(super) kept: bool,
    /// The audit, with a witness that is asked.
    pub(super) witness: bool,
}

/// The site and what was kept of it.
pub(super) struct Stand {
    pub(super) site: Site,
    pub(super) log: Log,
    /// The data directory as it was before the last entries.
    pub(super) early: PathBuf,
    /// The data directory as the installation would be had it gone on otherwise from there.
    pub(super) forked: PathBuf,
    /// The id of the entry of the last access, which names the ticket `CASE-1`.
    pub(super) last_access: String,
    kept: PathBuf,
    witness: Witness,
    _upstream: Upstream,
}

impl Stand {
    pub(super) fn new() -> Self {
        let upstream = Upstream::start();
        let site = Site::new(upstream.address());
        let tenant = site.tenant("attacked");
        let log = Log::of(&site, &tenant);
        serve(&site, || ask(&site, &tenant, EXCHANGES, "first"));
        let early = site.beside("early");
        copy(&site.data(), &early);
        // The other history, before any witness is named.
        serve(&site, || ask(&site, &tenant, OTHER_EXCHANGES, "other"));
        let forked = site.beside("forked");
        std::fs::rename(site.data(), &forked).unwrap();
        copy(&early, &site.data());
        let witness = Witness::start(&site, "w", &log.key);
        site.add_configuration(&format!(
            "[witnesses]\ninterval_seconds = 1\n{}",
            section(&witness.url, &witness.key)
        ));
        serve(&site, || {
            ask(&site, &tenant, 4, "true");
            read(&site, None);
            read(&site, Some("CASE-1"));
            await_cosigned(&site, &log.uuid, log.size(&site.data()).max(1), &["witness.example/w"]);
        });
        // The last entries of an orderly stop are cosigned by the next start.
        serve(&site, || {
            await_cosigned(&site, &log.uuid, log.size(&site.data()), &["witness.example/w"]);
        });
        let kept = site.beside("kept.checkpoint");
        std::fs::write(&kept, site.run(&["ledger", "checkpoint"]).stdout).unwrap();
        let last_access = last_access(&site);
        Self { site, log, early, forked, last_access, kept, witness, _upstream: upstream }
    }

    pub(super) fn keyfile(&self) -> PathBuf {
        self.site.beside("root.key")
    }

    /// A copy of the data directory on which an attack was made.
    pub(super) fn attacked(&self, attack: impl FnOnce(&Path)) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        copy(&self.site.data(), &data);
        attack(&data);
        folder
    }
}

fn serve<T>(site: &Site, during: impl FnOnce() -> T) -> T {
    let server = Server::start(site);
    let done = during();
    let (status, log) = server.stop();
    assert!(status.success(), "{status}\n{log}");
    done
}

fn ask(site: &Site, tenant: &Tenant, count: usize, what: &str) {
    for number in 0..count {
        let asked = ask_once(site.gateway, tenant, Way::nth(number), &format!("{what} {number}"));
        assert!(matches!(asked, Outcome::Acknowledged(_)), "{asked:?}");
    }
}

fn read(site: &Site, ticket: Option<&str>) {
    let conversation = site.conversations().remove(0);
    let mut arguments = vec!["records", "show", &conversation, "--reason", "customer_support"];
    arguments.extend(["--ticket", ticket.unwrap_or("T-1")]);
    let shown = site.run(&arguments);
    assert!(shown.status.success(), "{}", both(&shown));
}

fn last_access(site: &Site) -> String {
    let tail = site.run(&["ledger", "tail", "--from", "0", "--json"]);
    let text_of = String::from_utf8(tail.stdout).unwrap();
    let entries = text_of.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let accesses = entries.filter(|line| line["entry"]["type"] == "record_access");
    let ids: Vec<String> = accesses.map(|line| text(&line["entry"], "id")).collect();
    assert_eq!(ids.len(), 2, "{ids:?}");
    ids.last().unwrap().clone()
}

/// Lets everybody look at an attacked copy; gives who found something, and what they said.
pub(super) fn catchers(stand: &Stand, folder: &Path) -> (Caught, String) {
    let data = folder.join("data");
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let (data_text, ledger, kept) = (path(&data), path(&data.join("ledger")), path(&stand.kept));
    let key = stand.log.key.as_str();
    let mut said = String::new();
    let mut look = |who: &str, output: Output| {
        said.extend(["--- ", who, ": ", &both(&output), "\n"]);
        match output.status.code() {
            Some(0) => false,
            Some(1) => true,
            other => panic!("{who} could not look ({other:?}):\n{said}"),
        }
    };
    let audit = ["ledger", "audit", "--copy", &data_text, "--key", key];
    let with = |more: &[&str]| stand.site.run(&[&audit[..], more].concat());
    let verify = stand.site.run(&["ledger", "verify", "--directory", &ledger, "--key", key]);
    let audit_with_kept = look("audit with a kept checkpoint", with(&["--offline", "--checkpoint", &kept]));
    let kept_by = [
        look("go with a kept checkpoint", stand.log.read_with_go(&data, &[&stand.kept])),
        look("python with a kept checkpoint", stand.log.read_with_python(&data, &[&stand.kept])),
    ];
    assert_eq!(kept_by[0], kept_by[1], "who keeps a checkpoint agrees");
    let caught = Caught {
        verify: look("verify", verify),
        audit: look("audit", with(&["--offline"])),
        go: look("go", stand.log.read_with_go(&data, &[])),
        python: look("python", stand.log.read_with_python(&data, &[])),
        kept: kept_by[0],
        witness: look("audit with a witness", with(&["--witness", &stand.witness.url, &stand.witness.key])),
    };
    assert_eq!(audit_with_kept, caught.audit || caught.kept, "the audit with a kept checkpoint:\n{said}");
    (caught, said)
}
