//! `ledger`: verification, proofs, checkpoints.

use std::path::Path;

use fiducia_ledger::ProofFile;

use super::place::{Place, program, run};

fn verifier_key(place: &Place) -> String {
    let rows = place.run(&["organizations", "list", "--json"]).exits(0).json();
    rows[0]["ledger_verifier_key"].as_str().unwrap().to_owned()
}

fn with_entries() -> Place {
    let place = Place::with_organization();
    for subject in ["analyst", "support-desk"] {
        place.run(&["keys", "create", "--organization", "acme", "--subject", subject]).exits(0);
    }
    place
}

fn log_files(place: &Place) -> Vec<std::path::PathBuf> {
    let mut files = place.files("data/ledger");
    files.retain(|path| {
        path.ends_with("checkpoint") || path.components().any(|part| part.as_os_str() == "tile")
    });
    files
}

#[test]
fn a_sound_log_verifies_and_says_what_an_unpinned_key_proves() {
    let place = with_entries();
    place.run(&["ledger", "verify"]).exits(0).prints("verified").complains("--key");
    let pinned = place.run(&["ledger", "verify", "--key", &verifier_key(&place)]).exits(0);
    assert!(!pinned.stderr.contains("--key"), "{pinned:#?}");
}

#[test]
fn a_flipped_byte_in_any_file_is_found_and_its_file_named() {
    let place = with_entries();
    let files = log_files(&place);
    assert!(files.len() >= 3, "{files:?}");
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let mut altered = bytes.clone();
        let middle = altered.len() / 2;
        altered[middle] ^= 1;
        std::fs::write(&path, altered).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        place
            .run(&["ledger", "verify"])
            .exits(1)
            .prints("NOT verified")
            .prints(name)
            .complains("not what was signed");
        std::fs::write(&path, bytes).unwrap();
    }
    place.run(&["ledger", "verify"]).exits(0);
}

#[test]
fn keys_of_both_kinds_are_shown_verify_and_change() {
    let place = with_entries();
    let keys = |place: &Place| {
        place.run(&["ledger", "key", "show", "acme", "--json"]).exits(0).json()["keys"].clone()
    };
    let first = keys(&place);
    let shown = place.run(&["ledger", "key", "show", "acme"]).exits(0);
    for (row, algorithm) in first.as_array().unwrap().iter().zip(["ecdsa_p256_sha256", "ed25519"]) {
        assert_eq!(row["algorithm"], algorithm);
        let key = row["verifier_key"].as_str().unwrap();
        assert!(shown.stdout.contains(key) && shown.stdout.contains(row["fingerprint"].as_str().unwrap()));
        place.run(&["ledger", "verify", "--key", key]).exits(0).prints("verified");
    }
    let soon = "2026-11-22T00:00:00Z";
    place.run(&["ledger", "key", "rotate", "--from", soon]).exits(1).complains("30 days");
    place.run(&["ledger", "key", "rotate"]).exits(0).prints("pair 2").complains("fingerprints");
    assert_eq!(keys(&place).as_array().unwrap().len(), 4, "listed before it signs");
    let old = first[0]["verifier_key"].as_str().unwrap();
    place.run(&["ledger", "verify", "--key", old]).exits(0);
    place.run(&["ledger", "key", "rotate", "--compromised"]).exits(0).prints("pair 3");
    place.run(&["ledger", "verify", "--key", old]).exits(1);
    place.run(&["ledger", "verify"]).exits(0);
    let signing = keys(&place)[0]["verifier_key"].as_str().unwrap().to_owned();
    place.run(&["ledger", "verify", "--key", &signing]).exits(0);
}

#[test]
fn another_logs_key_does_not_verify() {
    let (place, other) = (with_entries(), with_entries());
    place.run(&["ledger", "verify", "--key", &verifier_key(&other)]).exits(1);
    place.run(&["ledger", "verify", "--key", "nonsense"]).exits(2).complains("--key");
}

#[test]
fn a_copy_verifies_elsewhere_with_the_key_alone() {
    let place = with_entries();
    let key = verifier_key(&place);
    let copy = tempfile::tempdir().unwrap();
    for path in log_files(&place) {
        let relative = path.strip_prefix(place.path("data/ledger")).unwrap();
        let target = copy.path().join(relative);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::copy(&path, target).unwrap();
    }
    let verify =
        |more: &[&str]| run(program().args(["ledger", "verify", "--directory"]).arg(copy.path()).args(more));
    verify(&["--key", &key]).exits(0).prints("verified");
    verify(&[]).exits(2).complains("add --key");
}

#[test]
fn a_proof_stands_alone() {
    let place = with_entries();
    place.run(&["ledger", "prove", "--index", "1", "--out", "one.tlog-proof"]).exits(0);
    let proof: ProofFile = std::fs::read_to_string(place.path("one.tlog-proof")).unwrap().parse().unwrap();
    let key: fiducia_ledger::VerifierKey = verifier_key(&place).parse().unwrap();
    let log = log_folder(&place.path("data/ledger"));
    let entry = fiducia_ledger::LogReader::open(&log, &key).unwrap().entry(1).unwrap();
    proof.verify(&entry, &key).unwrap();

    let entries = place.run(&["ledger", "tail", "--json", "--from", "1"]).exits(0).stdout;
    let first: serde_json::Value = serde_json::from_str(entries.lines().next().unwrap()).unwrap();
    let event = first["entry"]["id"].as_str().unwrap();
    let by_event = place.run(&["ledger", "prove", "--event", event]).exits(0);
    assert_eq!(by_event.stdout, proof.to_string());
    place.run(&["ledger", "prove", "--index", "999"]).exits(2).complains("999");
}

#[test]
fn the_checkpoint_is_printed_as_signed() {
    let place = with_entries();
    let printed = place.run(&["ledger", "checkpoint"]).exits(0).stdout;
    let log = log_folder(&place.path("data/ledger"));
    assert_eq!(printed, std::fs::read_to_string(log.join("checkpoint")).unwrap());
}

fn log_folder(root: &Path) -> std::path::PathBuf {
    let folders = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    folders.into_iter().find(|path| path.join("checkpoint").exists()).unwrap()
}

#[test]
fn a_proof_as_json_holds_the_same_proof() {
    let place = with_entries();
    let file = place.run(&["ledger", "prove", "--index", "1"]).exits(0).stdout;
    let value = place.run(&["ledger", "prove", "--index", "1", "--json"]).exits(0).json();
    assert_eq!((value["index"].as_u64(), value["proof"].as_str()), (Some(1), Some(file.as_str())));
}

#[test]
fn a_tail_from_beyond_the_end_says_how_long_the_log_is() {
    let place = with_entries();
    place.run(&["ledger", "tail", "--from", "99"]).exits(0).complains("has 3 entries");
}
