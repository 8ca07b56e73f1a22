//! A witness and a server as two programs: the log is cosigned, and a restored backup is not served.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use super::place::{Place, program, run};

struct Witness(Child);

impl Drop for Witness {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a witness that trusts the logs of `place`; gives its URL.
fn witness(place: &Place, key: &str) -> (Witness, String) {
    let mut child = program()
        .args(["witness", "serve", "--listen", "127.0.0.1:0", "--logs", key, "--key"])
        .arg(place.path("witness.key"))
        .arg("--directory")
        .arg(place.path("memory"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.strip_prefix("witnessing at ").unwrap().split(' ').next().unwrap().to_owned();
    (Witness(child), url)
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else if path.extension().is_none_or(|ending| ending != "sock") {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// Waits until the one log is witnessed at this size or beyond.
fn await_witnessed(place: &Place, size: u64) {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let files =
            if place.path("data/witnessed").exists() { place.files("data/witnessed") } else { Vec::new() };
        let note = files.first().and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
        let found = note.split('\n').nth(1).and_then(|line| line.parse::<u64>().ok());
        if found.is_some_and(|found| found >= size) && note.contains("\u{2014} witness.example/w ") {
            return;
        }
        assert!(Instant::now() < deadline, "never witnessed: {note}");
        std::thread::yield_now();
    }
}

/// The verifier key of the installation, under its ledger origin.
fn installation_key(log: &str) -> String {
    let key: fiducia_ledger::VerifierKey = log.parse().unwrap();
    key.renamed("ledger.example").unwrap().to_string()
}

#[test]
fn a_witnessed_log_is_served_and_a_backup_that_lacks_entries_is_not() {
    let place = Place::new();
    let created = place.run(&["organizations", "create", "acme", "--json"]).exits(0).json();
    let key = installation_key(created["ledger_verifier_key"].as_str().unwrap());
    let mut create = program();
    create.args(["witness", "create", "witness.example/w"]).arg(place.path("witness.key"));
    let vkey = run(&mut create).exits(0).stdout.trim().to_owned();
    let (running, url) = witness(&place, &key);
    place.configure(&format!(
        "[witnesses]\ninterval_seconds = 1\n[[witnesses.witness]]\nurl = \"{url}\"\nkey = \"{vkey}\"\n"
    ));
    copy(&place.path("data"), &place.path("backup"));
    let serving = place.serve();
    await_witnessed(&place, 1);
    // Entries that the backup lacks.
    for name in ["ada", "ben"] {
        place.run(&["keys", "create", "--organization", "acme", "--subject", name, "--json"]).exits(0);
        let ask = ["accounts", "create", name, "--organization", "acme", "--subject", name];
        place.run(&[ask.as_slice(), &["--name", name, "--role", "person"]].concat()).exits(0);
    }
    await_witnessed(&place, 3);
    assert_eq!(serving.stop().0, Some(0));
    // The same data is served again, and the backup is not.
    assert_eq!(place.serve().stop().0, Some(0));
    std::fs::rename(place.path("data"), place.path("newer")).unwrap();
    copy(&place.path("backup"), &place.path("data"));
    set_private(&place.path("data"));
    place.run(&["serve"]).exits(3).complains("entries are missing here").complains("Nothing was served");
    std::fs::remove_dir_all(place.path("data")).unwrap();
    std::fs::rename(place.path("newer"), place.path("data")).unwrap();
    drop(running);
    place.run(&["serve"]).exits(3).complains("0 of the 1 witnesses");
}

fn set_private(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn a_section_that_cannot_work_is_refused_with_the_fix() {
    let place = Place::new();
    let check = |section: &str, complaint: &str| {
        place.configure(section);
        place.run(&["config", "check"]).exits(2).complains(complaint);
    };
    check("[witnesses]\nwitness = []\n", "name at least one witness");
    let key = "witness.example/w+185b5550+AAAA";
    check(
        &format!("[[witnesses.witness]]\nurl = \"https://w.example\"\nkey = \"{key}\"\n"),
        "witnesses.witness.key",
    );
    check("[[witnesses.witness]]\nurl = \"http://w.example\"\nkey = \"x\"\n", "must begin with `https://`");
}
