//! Every altered, missing or foreign file is found and named.

use std::fs;
use std::path::{Path, PathBuf};

use fiducia_ledger::{Finding, LedgerError, TileKind, verify_log};

use super::{Log, append, log, open, signer, try_open};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

fn findings(log: &Log) -> Vec<Finding> {
    verify_log(&log.directory, &log.key).unwrap_err()
}

/// Where the entries of a bundle start.
fn starts(bundle: &[u8]) -> Vec<usize> {
    let (mut starts, mut at) = (Vec::new(), 0);
    while at < bundle.len() {
        starts.push(at);
        at += 2 + usize::from(u16::from_be_bytes([bundle[at], bundle[at + 1]]));
    }
    starts
}

/// Whether one of the findings names exactly the place of byte `offset` of `file`.
fn names(findings: &[Finding], log: &Log, file: &Path, bytes: &[u8], offset: usize) -> bool {
    let name = file.strip_prefix(&log.directory).unwrap().to_str().unwrap();
    let number = |name: &str| name.split('/').nth(2).unwrap()[..3].parse::<u64>().unwrap();
    findings.iter().any(|finding| match finding {
        Finding::Checkpoint { path, .. } => path == file,
        Finding::TileHash { path, address, hash } => {
            path == file && address.index == number(name) && usize::from(*hash) == offset / 32
        }
        Finding::Entry { path, entry } => {
            let place = starts(bytes).iter().filter(|start| **start <= offset).count() - 1;
            path == file && *entry == number(name) * 256 + place as u64
        }
        // A changed length moves the entries behind it, so the place is where the framing stops to fit.
        Finding::BundleFraming { path, .. } => {
            path == file && starts(bytes).iter().any(|start| (*start..start + 2).contains(&offset))
        }
        Finding::StalePartial { path, offset: differs, .. } => path == file && *differs == offset,
        _ => false,
    })
}

#[test]
fn a_flipped_byte_in_any_file_is_named_with_its_place() {
    let log = log(&[3, 20, 300, 310]);
    let all = files(&log.directory);
    assert_eq!(all.len(), 1 + 2 + 4 + 1, "checkpoint, two full, four partial, one of level 1: {all:?}");
    for file in all {
        let bytes = fs::read(&file).unwrap();
        let step = if bytes.len() < 400 { 1 } else { bytes.len() / 100 };
        let lengths = if file.to_str().unwrap().contains("entries") { starts(&bytes) } else { Vec::new() };
        let lengths = lengths.into_iter().step_by(50).flat_map(|start| [start, start + 1]);
        for offset in (0..bytes.len()).step_by(step).chain([bytes.len() - 1]).chain(lengths) {
            let mut flipped = bytes.clone();
            flipped[offset] ^= 0x10;
            fs::write(&file, &flipped).unwrap();
            let findings = findings(&log);
            assert!(
                names(&findings, &log, &file, &bytes, offset),
                "{}: byte {offset}: {findings:?}",
                file.display()
            );
        }
        fs::write(&file, &bytes).unwrap();
    }
    verify_log(&log.directory, &log.key).unwrap();
}

#[test]
fn missing_and_foreign_files_are_named() {
    let log = log(&[300, 310]);
    for file in files(&log.directory) {
        let bytes = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        let superseded = file.ends_with("44") || file.to_str().unwrap().ends_with(".p/44");
        match verify_log(&log.directory, &log.key) {
            Ok(_) => assert!(superseded, "{}", file.display()),
            Err(findings) => assert!(findings.iter().any(|finding| match finding {
                Finding::Missing { path, .. } | Finding::Checkpoint { path, .. } => *path == file,
                _ => false,
            })),
        }
        fs::write(&file, bytes).unwrap();
    }
    for name in ["tile/0/000.bak", "notes", "tile/0/00", "tile/0/000.p/x"] {
        let path = log.directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, b"x").unwrap();
        let findings = findings(&log);
        assert!(
            matches!(&findings[..], [Finding::Unexpected { path: found }] if *found == path),
            "{findings:?}"
        );
        assert!(findings[0].to_string().contains(name));
        fs::remove_file(path).unwrap();
    }
}

#[test]
fn truncated_and_lengthened_files_are_named() {
    let log = log(&[310]);
    for file in files(&log.directory).into_iter().filter(|file| !file.ends_with("checkpoint")) {
        let bytes = fs::read(&file).unwrap();
        for altered in [bytes[..bytes.len() - 1].to_vec(), [&bytes[..], &[0]].concat()] {
            fs::write(&file, altered).unwrap();
            let findings = findings(&log);
            assert!(findings.iter().any(|finding| match finding {
                Finding::TileLength { path, .. } | Finding::BundleFraming { path, .. } => *path == file,
                // A full tile cannot be longer, so it is not even read to its end.
                Finding::Unreadable { path, .. } => *path == file && file.ends_with("000"),
                _ => false,
            }));
        }
        fs::write(&file, &bytes).unwrap();
    }
}

#[test]
fn an_entry_replaced_together_with_its_hash_does_not_reach_the_root() {
    let log = log(&[40]);
    let bundle = log.directory.join("tile/entries/000.p/40");
    let mut bytes = fs::read(&bundle).unwrap();
    let (start, end) = (starts(&bytes)[7], starts(&bytes)[8]);
    let digit = bytes[start..end].iter().rposition(|byte| *byte == b'2').unwrap() + start;
    bytes[digit] = b'3';
    let tile = log.directory.join("tile/0/000.p/40");
    let mut hashes = fs::read(&tile).unwrap();
    hashes[7 * 32..8 * 32].copy_from_slice(&fiducia_ledger::leaf_hash(&bytes[start + 2..end]));
    fs::write(&bundle, bytes).unwrap();
    fs::write(&tile, hashes).unwrap();
    let found = findings(&log);
    assert!(matches!(&found[..], [Finding::Root { .. }]), "{found:?}");
    assert!(log.reader().inclusion_proof(7).is_err(), "no proof is made from altered tiles");
}

#[test]
fn files_ahead_of_the_checkpoint_are_no_damage_but_are_listed() {
    let log = log(&[300]);
    let old = fs::read(log.directory.join("checkpoint")).unwrap();
    let mut ledger = open(&log.root);
    append(&mut ledger, 300..600);
    ledger.publish().unwrap();
    fs::write(log.directory.join("checkpoint"), old).unwrap();
    let report = verify_log(&log.directory, &log.key).unwrap();
    assert_eq!(report.size, 300);
    assert!(report.uncovered.iter().any(|path| path.ends_with("tile/0/001")));
}

#[test]
fn the_ledger_does_not_start_on_an_altered_edge() {
    let log = log(&[310]);
    for name in ["checkpoint", "tile/0/001.p/54", "tile/1/000.p/1", "tile/entries/001.p/54"] {
        let path = log.directory.join(name);
        let bytes = fs::read(&path).unwrap();
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 2] ^= 1;
        fs::write(&path, flipped).unwrap();
        assert!(try_open(&log.root).is_err(), "{name} altered");
        fs::remove_file(&path).unwrap();
        match try_open(&log.root) {
            Err(
                LedgerError::CheckpointMissing { path: named } | LedgerError::TileMissing { path: named, .. },
            ) => {
                assert_eq!(named, path);
            }
            other => panic!("{name} missing: {other:?}"),
        }
        fs::write(&path, bytes).unwrap();
    }
    open(&log.root);
}

#[test]
fn the_ledger_does_not_start_under_another_key_or_on_another_log() {
    let log = log(&[5]);
    let clock = || std::sync::Arc::new(super::Noon);
    let other = fiducia_ledger::Ledger::open(&log.root, super::PREFIX, signer(4), clock());
    let Err(LedgerError::Checkpoint { source, .. }) = other else { panic!("{other:?}") };
    assert!(matches!(*source, LedgerError::NotSigned { .. }));
    let other = fiducia_ledger::Ledger::open(&log.root, "another.example", signer(3), clock());
    let Err(LedgerError::Checkpoint { source, .. }) = other else { panic!("{other:?}") };
    assert!(matches!(*source, LedgerError::OtherOrigin { .. }));
}

#[test]
fn a_checkpoint_changed_under_a_running_ledger_is_not_overwritten() {
    let log = log(&[5]);
    let mut ledger = open(&log.root);
    append(&mut ledger, 5..6);
    let path = log.directory.join("checkpoint");
    fs::write(&path, b"foreign").unwrap();
    assert!(matches!(ledger.publish().unwrap_err().error, LedgerError::CheckpointChanged { .. }));
    assert_eq!(fs::read(path).unwrap(), b"foreign");
}

#[test]
fn findings_read_as_sentences_for_people() {
    let log = log(&[3]);
    let tile = log.directory.join("tile/0/000.p/3");
    let mut bytes = fs::read(&tile).unwrap();
    bytes[40] ^= 1;
    fs::write(&tile, bytes).unwrap();
    let found = findings(&log);
    let Finding::TileHash { address, .. } = &found[0] else { panic!("{found:?}") };
    assert_eq!(address.kind, TileKind::Hashes { level: 0 });
    let text = found[0].to_string();
    assert!(
        text.ends_with("altered (hash tile, level 0, number 0, hash 1); the entries give another hash"),
        "{text}"
    );
}
