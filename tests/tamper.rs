//! Does the program find any change to a ledger's files, and name the place?

use std::path::{Path, PathBuf};

use crate::harness::note;
use crate::harness::server::Server;
use crate::harness::site::{Site, both, list, text};
use crate::harness::traffic::{Outcome, Way, ask_once};
use crate::harness::upstream::Upstream;

/// Exchanges before the log is attacked. With the rest of the entries, more than one full tile of 256.
const EXCHANGES: usize = 300;

/// A site whose log has a full tile and a partial one, the log's folder in it, and its verifier key.
fn site_with_log() -> (Site, PathBuf, String) {
    let upstream = Upstream::start();
    let site = Site::new(upstream.address());
    let tenant = site.tenant("tamper");
    let server = Server::start(&site);
    for number in 0..EXCHANGES {
        let asked = ask_once(site.gateway, &tenant, Way::nth(number), &format!("tamper {number}"));
        assert!(matches!(asked, Outcome::Acknowledged(_)), "{asked:?}");
    }
    let (status, log) = server.stop();
    assert!(status.success(), "{status}\n{log}");
    let row = list(&site.json(&["organizations", "list"])).remove(0);
    let uuid = tenant.organization.rsplit('_').next().unwrap().to_owned();
    let folder = site.data().join("ledger").join(uuid);
    assert!(folder.is_dir(), "{} is not there", folder.display());
    (site, folder, text(&row, "ledger_verifier_key"))
}

/// Every file under `folder`.
fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files_under(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn a_flipped_byte_in_any_file_of_the_log_is_found_and_its_place_named() {
    let (site, folder, key) = site_with_log();
    let verify = || site.run(&["ledger", "verify", "--key", &key]);
    let sound = verify();
    assert!(sound.status.success(), "before anything is changed:\n{}", both(&sound));
    let files = files_under(&folder);
    assert!(files.len() >= 5, "checkpoint, two hash tiles and two entry bundles at least: {files:?}");
    let mut flips = 0;
    for file in &files {
        let original = std::fs::read(file).unwrap();
        let place = file.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
        for position in [0, original.len() / 2, original.len() - 1] {
            let mut changed = original.clone();
            changed[position] ^= 1;
            std::fs::write(file, &changed).unwrap();
            let found = verify();
            let printed = both(&found);
            assert_eq!(found.status.code(), Some(1), "{place} at {position}: {printed}");
            assert!(printed.contains(&place), "{place} at {position} is not named: {printed}");
            flips += 1;
        }
        std::fs::write(file, &original).unwrap();
    }
    let mended = verify();
    assert!(mended.status.success(), "with every byte put back:\n{}", both(&mended));
    note(&format!("ledger: {flips} flipped bytes in {} files, each found and its file named", files.len()));
}

#[test]
fn a_missing_file_and_a_foreign_key_are_found() {
    let (site, folder, key) = site_with_log();
    let tile = files_under(&folder.join("tile")).remove(0);
    let kept = std::fs::read(&tile).unwrap();
    std::fs::remove_file(&tile).unwrap();
    let found = site.run(&["ledger", "verify", "--key", &key]);
    assert_eq!(found.status.code(), Some(1), "{}", both(&found));
    std::fs::write(&tile, kept).unwrap();
    let (_other_site, _other_folder, foreign) = site_with_log();
    let found = site.run(&["ledger", "verify", "--key", &foreign]);
    assert!(
        !found.status.success(),
        "another installation's key must not verify this log:\n{}",
        both(&found)
    );
}
