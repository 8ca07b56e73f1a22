//! What happens when the machine is not as it should be: each gives a clear error, and nothing that was answered is
//! lost.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::http;
use crate::harness::note;
use crate::harness::program;
use crate::harness::records;
use crate::harness::server::Server;
use crate::harness::site::{Site, Tenant, both};
use crate::harness::traffic::{Acknowledged, Outcome, Way, ask_once};
use crate::harness::upstream::Upstream;

/// Exit code of failures of the store.
const STORAGE: Option<i32> = Some(3);

/// A long text, to fill a disk with.
fn long_text(number: usize) -> String {
    format!("long {number} {}", "of a long text ".repeat(4_000))
}

fn acknowledged(outcome: Outcome) -> Acknowledged {
    match outcome {
        Outcome::Acknowledged(answer) => answer,
        Outcome::NotAcknowledged(seen) => panic!("not acknowledged: {seen}"),
    }
}

/// Asks and is answered `count` times, on every wire in turn.
fn converse(site: &Site, tenant: &Tenant, count: usize) -> Vec<Acknowledged> {
    (0..count)
        .map(|number| {
            acknowledged(ask_once(site.gateway, tenant, Way::nth(number), &format!("question {number}")))
        })
        .collect()
}

/// Refuses to be started, with this exit code and every one of these texts on standard error.
fn check_refuses_to_serve(site: &Site, exit: Option<i32>, mentions: &[&str]) {
    // A server that starts all the same is ended, so that the test fails instead of waiting for it.
    let mut command = site.command_of("timeout");
    command.args(["--signal=KILL", "60"]).arg(program::plain()).arg("serve");
    let output = command.output().unwrap();
    let printed = both(&output);
    assert_eq!(output.status.code(), exit, "{printed}");
    for mention in mentions {
        assert!(printed.contains(mention), "{mention:?} is not said in: {printed}");
    }
    assert!(!printed.contains("panicked"), "{printed}");
}

pub(crate) fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout.starts_with(b"0\n")
}

/// A small file system in memory, gone when dropped. Only root can have one.
pub(crate) struct SmallDisk {
    path: PathBuf,
    /// The folder under it, where that is its own.
    _folder: Option<tempfile::TempDir>,
}

impl SmallDisk {
    fn mount(size: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Self { path: folder.path().to_owned(), _folder: Some(folder) };
        disk.begin(size);
        disk
    }

    /// One that takes the place of a folder, with everything that lies in it.
    pub(crate) fn under(folder: &Path, size: &str) -> Self {
        let aside = tempfile::tempdir().unwrap();
        crate::harness::log::copy(folder, aside.path());
        let disk = Self { path: folder.to_owned(), _folder: None };
        disk.begin(size);
        crate::harness::log::copy(aside.path(), folder);
        disk
    }

    fn begin(&self, size: &str) {
        self.call("mount", &["-t", "tmpfs", "-o", &format!("size={size},mode=0700"), "fiducia-test"]);
    }

    fn remount(&self, options: &str) {
        self.call("mount", &["-o", &format!("remount,{options}")]);
    }

    fn call(&self, program: &str, arguments: &[&str]) {
        let output = Command::new(program).args(arguments).arg(self.path()).output().unwrap();
        assert!(output.status.success(), "{program} {arguments:?}: {}", both(&output));
    }

    fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, because a failed test may have left a server that still holds files.
        let _unmounted = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

/// Fills the disk through the gateway: answers until it refuses, then a few more, all of which must be refusals that
/// say why. What was acknowledged.
fn fill(site: &Site, tenant: &Tenant) -> Vec<Acknowledged> {
    let mut kept = Vec::new();
    for number in 0..2_000 {
        let way = Way::nth(number);
        match ask_once(site.gateway, tenant, way, &long_text(number)) {
            Outcome::Acknowledged(answer) => kept.push(answer),
            Outcome::NotAcknowledged(_) => {
                check_says_why(site, tenant);
                return kept;
            }
        }
    }
    panic!("2,000 long texts fitted on the small disk");
}

fn check_says_why(site: &Site, tenant: &Tenant) {
    let headers = [
        ("x-api-key", tenant.secret.as_str()),
        ("anthropic-version", "2023-06-01"),
        ("content-type", "application/json"),
    ];
    let body = serde_json::json!({
        "model": "scripted-1", "max_tokens": 9, "messages": [{"role": "user", "content": long_text(0)}]
    });
    let body = body.to_string();
    let send = || http::send(site.gateway, "POST", "/v1/messages", &headers, body.as_bytes()).unwrap();
    // Folding the write-ahead log into its file can make room once more: what then fits is answered, and kept.
    let answer = (0..200).map(|_| send()).find(|answer| answer.status != 200).expect("the disk stays full");
    assert_eq!(answer.status, 503, "{}", answer.text());
    let error = answer.json();
    assert_eq!(error["type"], "error", "{error}");
    assert!(!error["error"]["message"].as_str().unwrap().is_empty(), "{error}");
    let alive = http::send(site.operations, "GET", "/healthz", &[], b"").unwrap();
    assert_eq!(alive.status, 200, "a full disk does not kill the process");
    let ready = http::send(site.operations, "GET", "/readyz", &[], b"").unwrap();
    assert_eq!(ready.status, 503, "it is not ready while it must refuse");
}

#[test]
fn a_full_disk_refuses_with_a_reason_and_loses_nothing() {
    let upstream = Upstream::start();
    let (site, disk) = if is_root() {
        let disk = SmallDisk::mount("12m");
        (Site::with_data_in(disk.path(), upstream.address()), Some(disk))
    } else {
        (Site::new(upstream.address()), None)
    };
    let tenant = site.tenant("full");
    let mut command = site.command();
    if disk.is_none() {
        // Without root there is no file system to fill: files that may not grow fail in the same places.
        command = site.command_of("sh");
        command.args(["-c", "trap '' XFSZ; ulimit -f 8000; exec \"$0\" \"$@\""]);
        command.arg(program::plain());
    }
    let server = Server::start_command(&site, command).unwrap_or_else(|log| panic!("no start:\n{log}"));
    let kept = fill(&site, &tenant);
    assert!(!kept.is_empty(), "the disk was full before the first answer");
    let log = server.kill();
    assert!(!log.contains("panicked"), "{log}");
    if let Some(disk) = &disk {
        disk.remount("size=64m");
    }
    let server = Server::start(&site);
    assert_eq!(records::losses(&site, &kept), Vec::<String>::new());
    acknowledged(ask_once(site.gateway, &tenant, Way::Messages, "after there is room again"));
    drop(server);
    site.verify_ledger();
    note(&format!("full disk: {} exchanges answered before it was full, all kept", kept.len()));
}

#[test]
fn a_read_only_data_directory_is_said_clearly() {
    let upstream = Upstream::start();
    if is_root() {
        let disk = SmallDisk::mount("64m");
        let site = Site::with_data_in(disk.path(), upstream.address());
        let tenant = site.tenant("read-only");
        disk.remount("ro");
        check_refuses_to_serve(&site, STORAGE, &["data"]);
        disk.remount("rw");
        drop(Server::start(&site));
        drop(tenant);
    } else {
        let site = Site::new(upstream.address());
        drop(site.tenant("read-only"));
        let set =
            |mode| std::fs::set_permissions(site.data(), std::fs::Permissions::from_mode(mode)).unwrap();
        set(0o500);
        check_refuses_to_serve(&site, STORAGE, &["data"]);
        set(0o700);
        drop(Server::start(&site));
    }
}

#[test]
fn a_second_process_on_the_same_data_is_refused_and_the_first_goes_on() {
    let upstream = Upstream::start();
    let site = Site::new(upstream.address());
    let tenant = site.tenant("second");
    let server = Server::start(&site);
    let before = converse(&site, &tenant, 6);
    check_refuses_to_serve(&site, STORAGE, &["data"]);
    let after = converse(&site, &tenant, 6);
    assert_eq!(records::losses(&site, &[before, after].concat()), Vec::<String>::new());
    drop(server);
}

/// A site with some conversations on disk and nothing running.
fn site_at_rest() -> (Site, Tenant, Vec<Acknowledged>) {
    let upstream = Upstream::start();
    let site = Site::new(upstream.address());
    let tenant = site.tenant("rest");
    let server = Server::start(&site);
    let kept = converse(&site, &tenant, 24);
    let (status, log) = server.stop();
    assert!(status.success(), "{status}\n{log}");
    (site, tenant, kept)
}

/// Every database file of a site.
fn databases(site: &Site) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for folder in [site.data(), site.data().join("records")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "db") {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(found.len() >= 3, "control, keys and at least one bucket of records: {found:?}");
    found
}

#[test]
fn a_newer_schema_is_not_opened() {
    let (site, _tenant, kept) = site_at_rest();
    for database in databases(&site) {
        let name = database.file_name().unwrap().to_string_lossy().into_owned();
        let set = |change: i64| {
            let connection = rusqlite::Connection::open(&database).unwrap();
            let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
            assert!(version > 0, "{name} carries no schema version");
            connection.pragma_update(None, "user_version", version + change).unwrap();
        };
        set(1);
        check_refuses_to_serve_or_read(&site, &name);
        set(-1);
    }
    drop(Server::start(&site));
    assert_eq!(records::losses(&site, &kept), Vec::<String>::new());
}

/// A newer control or key database stops the start; a newer bucket may also be met only when it is read.
fn check_refuses_to_serve_or_read(site: &Site, name: &str) {
    let output = site.run(&["records", "list", "--conversations", "1000"]);
    let printed = both(&output);
    assert!(!printed.contains("panicked"), "{printed}");
    assert!(printed.contains("newer") && printed.contains(name), "{name}: {printed}");
    assert_eq!(output.status.code(), STORAGE, "{name}: {printed}");
}

#[test]
fn a_corrupted_page_never_gives_wrong_content() {
    let (site, _tenant, kept) = site_at_rest();
    let sound: Vec<String> = kept.iter().map(|answer| answer.text.clone()).collect();
    let stored = records::by_exchange(&site);
    let requests: Vec<(&str, &str)> = kept
        .iter()
        .map(|answer| (stored[&answer.exchange]["request"][0].as_str(), answer.text.as_str()))
        .collect();
    for database in databases(&site).into_iter().filter(|path| path.parent().unwrap().ends_with("records")) {
        let original = std::fs::read(&database).unwrap();
        let mut changed = original.clone();
        // Every page but the first loses some bytes in its middle, where cells lie.
        let page = usize::from(u16::from_be_bytes([changed[16], changed[17]]));
        for start in (page..changed.len()).step_by(page) {
            for byte in &mut changed[start + page - 600..start + page - 500] {
                *byte ^= 0x55;
            }
        }
        std::fs::write(&database, &changed).unwrap();
        check_shown_right_or_not_at_all(&site, &requests);
        std::fs::write(&database, &original).unwrap();
    }
    let restored = check_shown_right_or_not_at_all(&site, &requests);
    assert_eq!(restored, sound.len(), "with the bytes put back everything is readable again");
}

/// Shows each record: what is shown must be what was said. How many were shown.
fn check_shown_right_or_not_at_all(site: &Site, requests: &[(&str, &str)]) -> usize {
    let mut shown = 0;
    for (record, text) in requests {
        let output = site.run(&[
            "records",
            "show",
            record,
            "--reason",
            "incident_response",
            "--ticket",
            "T-1",
            "--json",
        ]);
        let printed = both(&output);
        assert!(!printed.contains("panicked"), "{printed}");
        if output.status.success() {
            assert!(printed.contains(text), "{record} shows something else than was said: {printed}");
            shown += 1;
        } else {
            assert!(!output.stderr.is_empty(), "{record}: refused without a word");
        }
    }
    shown
}

#[test]
fn a_corrupted_tile_is_named() {
    let (site, tenant, kept) = site_at_rest();
    let uuid = tenant.organization.rsplit('_').next().unwrap().to_owned();
    let folder = site.data().join("ledger").join(uuid).join("tile").join("0");
    let tile = widest_file(&folder);
    let original = std::fs::read(&tile).unwrap();
    let mut changed = original.clone();
    changed[7] ^= 0x20;
    std::fs::write(&tile, &changed).unwrap();
    let output = site.run(&["ledger", "verify"]);
    assert_eq!(output.status.code(), Some(1), "{}", both(&output));
    assert!(both(&output).contains("tile/0"), "{}", both(&output));
    // A server that would have to build on a tile that does not fit must not start.
    check_refuses_to_serve(&site, STORAGE, &["tile"]);
    std::fs::write(&tile, &original).unwrap();
    drop(Server::start(&site));
    assert_eq!(records::losses(&site, &kept), Vec::<String>::new());
}

/// The widest file under `folder`: narrower ones are left over from before the log grew.
fn widest_file(folder: &Path) -> PathBuf {
    let mut waiting = vec![folder.to_path_buf()];
    let mut files = Vec::new();
    while let Some(current) = waiting.pop() {
        for entry in std::fs::read_dir(current).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { waiting.push(path) } else { files.push(path) }
        }
    }
    files.into_iter().max_by_key(|path| std::fs::metadata(path).unwrap().len()).unwrap()
}
