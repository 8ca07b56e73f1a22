//! A witness of our own as a program of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::http;
use super::program;
use super::site::{Site, free_address};

/// A witness that takes longer than this will not come.
const READY_LIMIT: Duration = Duration::from_secs(30);

/// A running witness. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Witness {
    child: Child,
    /// Where it is asked.
    pub(crate) url: String,
    /// Its verifier key.
    pub(crate) key: String,
}

impl Witness {
    /// Starts a witness of this name that trusts the logs of `log_key`'s installation. Its memory lies beside the site's data and
    /// is found again by the same name.
    pub(crate) fn start(site: &Site, name: &str, log_key: &str) -> Self {
        Self::start_at(site, name, log_key, free_address())
    }

    /// As [`Witness::start`], at this address.
    pub(crate) fn start_at(site: &Site, name: &str, log_key: &str, address: SocketAddr) -> Self {
        let secret = site.beside(&format!("{name}.key"));
        let full_name = format!("witness.example/{name}");
        let key = if secret.exists() {
            stdout(Command::new(program::plain()).args(["witness", "key"]).arg(&secret))
        } else {
            stdout(Command::new(program::plain()).args(["witness", "create", &full_name]).arg(&secret))
        };
        let child = Command::new(program::plain())
            .args([
                "witness",
                "serve",
                "--listen",
                &address.to_string(),
                "--logs",
                &installation(log_key),
                "--key",
            ])
            .arg(&secret)
            .arg("--directory")
            .arg(memory(site, name))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let witness = Self { child, url: format!("http://{address}"), key: key.trim().to_owned() };
        await_answer(address);
        witness
    }

    /// The section of the configuration that names it, without the table's own settings.
    pub(crate) fn section(&self) -> String {
        section(&self.url, &self.key)
    }
}

/// `[[witnesses.witness]]` for any witness.
pub(crate) fn section(url: &str, key: &str) -> String {
    format!("[[witnesses.witness]]\nurl = \"{url}\"\nkey = \"{key}\"\n")
}

/// Waits until something that answers `/healthz` listens there.
pub(crate) fn await_answer(address: SocketAddr) {
    let began = Instant::now();
    while !http::send(address, "GET", "/healthz", &[("connection", "close")], b"")
        .is_ok_and(|answer| answer.status == 200)
    {
        assert!(began.elapsed() < READY_LIMIT, "the witness at {address} does not answer");
        std::thread::yield_now();
    }
}

/// Waits until the site keeps a checkpoint of this many `entries` or more that all of `names` cosigned; gives the note.
pub(crate) fn await_cosigned(site: &Site, uuid: &str, entries: u64, names: &[&str]) -> String {
    let path = site.data().join("witnessed").join(format!("{uuid}.checkpoint"));
    let began = Instant::now();
    loop {
        let note = std::fs::read_to_string(&path).unwrap_or_default();
        let found = note.lines().nth(1).and_then(|line| line.parse::<u64>().ok());
        let cosigned = names.iter().all(|name| note.contains(&format!("\u{2014} {name} ")));
        if found.is_some_and(|found| found >= entries) && cosigned {
            return note;
        }
        assert!(began.elapsed() < READY_LIMIT, "never cosigned at {entries} by {names:?}: {note}");
        std::thread::yield_now();
    }
}

fn memory(site: &Site, name: &str) -> PathBuf {
    site.beside(&format!("{name}.memory"))
}

/// The verifier key of an installation, under its origin prefix.
pub(crate) fn installation(log_key: &str) -> String {
    let key: fiducia_ledger::VerifierKey = log_key.parse().unwrap();
    let prefix = key.name().rsplit_once('/').unwrap().0.to_owned();
    key.renamed(&prefix).unwrap().to_string()
}

fn stdout(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

impl Drop for Witness {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}
