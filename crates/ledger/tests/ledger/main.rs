//! The ledger from outside: what it publishes, proves, refuses and finds.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failing test should stop there")]

mod access_transparency;
mod independent;
mod rotation;
mod tampering;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fiducia_ledger::{
    AccessBy, AccessEntry, Checkpoint, Event, EventId, Leaf, Ledger, LedgerError, LogReader, LoggedLeaf,
    ProofFile, SigningKey, VerifierKey, leaf_hash, verify_consistency, verify_inclusion, verify_log,
};
use fiducia_policy::{
    AccessReason, Clock, GroundKind, OrganizationId, PersonId, RecordId, ReleaseAuthority, Timestamp,
};
use proptest::prelude::*;
use zeroize::Zeroizing;

const PREFIX: &str = "log.example/fiducia";

struct Noon;
impl Clock for Noon {
    fn now(&self) -> Timestamp {
        noon()
    }
}

fn noon() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn organization() -> OrganizationId {
    OrganizationId::from_bytes([0x11; 16])
}

fn leaf(number: usize) -> Leaf {
    Leaf {
        id: EventId::new(&format!("event_{number}")).unwrap(),
        at: noon(),
        event: Event::SafetyWindowClosed { day: "2026-10-22".parse().unwrap() },
    }
}

fn signer(seed: u8) -> SigningKey {
    SigningKey::from_seed(PREFIX, Zeroizing::new([seed; 32])).unwrap()
}

fn try_open(root: &Path) -> Result<Ledger, LedgerError> {
    Ledger::open(root, PREFIX, signer(3), Arc::new(Noon))
}

fn open(root: &Path) -> Ledger {
    try_open(root).unwrap()
}

fn append(ledger: &mut Ledger, range: std::ops::Range<usize>) {
    let batch: Vec<_> = range.map(|number| (organization(), leaf(number))).collect();
    for part in batch.chunks(256) {
        ledger.append(part).unwrap();
    }
}

/// A published log of these sizes, one checkpoint after the other.
struct Log {
    _root: tempfile::TempDir,
    root: PathBuf,
    directory: PathBuf,
    key: VerifierKey,
}

fn log(sizes: &[usize]) -> Log {
    let root = tempfile::tempdir().unwrap();
    let mut ledger = open(root.path());
    let mut size = 0;
    for next in sizes {
        append(&mut ledger, size..*next);
        let published = ledger.publish().unwrap();
        assert_eq!(published.len(), 1);
        assert_eq!(published[0].size, *next as u64);
        size = *next;
    }
    let (directory, key) = (ledger.log_directory(organization()), ledger.verifier(organization()).unwrap());
    Log { root: root.path().to_owned(), _root: root, directory, key }
}

impl Log {
    fn reader(&self) -> LogReader {
        LogReader::open(&self.directory, &self.key).unwrap()
    }

    fn has(&self, path: &str) -> bool {
        self.directory.join(path).exists()
    }
}

#[test]
fn a_published_log_has_the_files_of_the_specification() {
    let log = log(&[3, 255, 700]);
    for path in [
        "checkpoint",
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/188",
        "tile/1/000.p/2",
        "tile/entries/002.p/188",
    ] {
        assert!(log.has(path), "{path}");
    }
    assert!(!log.has("tile/0/000.p"), "superseded by the full tile");
    assert!(!log.has("tile/entries/000.p"));
    let report = verify_log(&log.directory, &log.key).unwrap();
    assert_eq!((report.size, report.uncovered.len()), (700, 0));
    assert_eq!(report.files_checked, 1 + 3 + 3 + 1);
    assert_eq!(report.origin, format!("{PREFIX}/11111111-1111-1111-1111-111111111111"));
}

#[test]
fn seventy_thousand_entries_lie_as_in_the_example_of_the_specification() {
    let log = log(&[70_000]);
    for path in [
        "tile/0/272",
        "tile/0/273.p/112",
        "tile/1/000",
        "tile/1/001.p/17",
        "tile/2/000.p/1",
        "tile/entries/273.p/112",
    ] {
        assert!(log.has(path), "{path}");
    }
    assert!(!log.has("tile/3"));
    let mut reader = log.reader();
    for index in [0, 255, 256, 65_535, 65_536, 69_887, 69_999] {
        let path = reader.inclusion_proof(index).unwrap();
        let leaf = leaf_hash(&reader.entry(index).unwrap());
        assert!(verify_inclusion(&leaf, index, 70_000, &path, &reader.checkpoint().root));
        reader.consistency_proof(index + 1).unwrap();
    }
}

#[test]
fn entries_read_back_in_order_across_restarts() {
    let log = log(&[10, 300]);
    let mut ledger = open(&log.root);
    append(&mut ledger, 300..520);
    let ids = |range: std::ops::Range<usize>| range.map(|number| leaf(number).id).collect::<Vec<_>>();
    assert_eq!(ledger.recent_event_ids(organization(), 270).unwrap(), ids(250..520));
    drop(ledger);
    let mut ledger = open(&log.root);
    assert_eq!(ledger.recovery().entries_waiting, 220);
    assert_eq!(ledger.recent_event_ids(organization(), 9_999).unwrap(), ids(0..520));
    ledger.publish().unwrap();
    let reader = log.reader();
    for (place, entry) in (250..).zip(reader.entries(250)) {
        let (index, bytes) = entry.unwrap();
        assert_eq!(index, place as u64);
        assert_eq!(LoggedLeaf::parse(&bytes).unwrap().leaf, leaf(place));
    }
    assert_eq!(reader.entries(250).count(), 270);
    assert_eq!(reader.locate(&leaf(411).id).unwrap().unwrap().0, 411);
    assert_eq!(reader.locate(&leaf(520).id).unwrap(), None);
    assert!(matches!(reader.entry(520), Err(LedgerError::Beyond { index: 520, size: 520 })));
}

#[test]
fn a_proof_file_stands_alone() {
    let log = log(&[300]);
    let mut reader = log.reader();
    let entry = reader.entry(77).unwrap();
    let proof: ProofFile = reader.proof_file(77).unwrap().to_string().parse().unwrap();
    assert_eq!(proof.verify(&entry, &log.key).unwrap().size, 300);
    assert!(proof.verify(&reader.entry(78).unwrap(), &log.key).is_err());
    assert!(proof.verify(&entry, &signer(4).verifier().renamed(log.key.name()).unwrap()).is_err());
    assert!(ProofFile { index: 78, ..proof }.verify(&entry, &log.key).is_err());
}

#[test]
fn logs_of_organisations_are_separate() {
    let root = tempfile::tempdir().unwrap();
    let mut ledger = open(root.path());
    let other = OrganizationId::from_bytes([0x22; 16]);
    let appended =
        ledger.append(&[(organization(), leaf(0)), (other, leaf(1)), (organization(), leaf(2))]).unwrap();
    assert_eq!(appended.iter().map(|appended| appended.index).collect::<Vec<_>>(), [0, 0, 1]);
    assert_eq!(ledger.publish().unwrap().len(), 2);
    let (directory, key) = (ledger.log_directory(other), ledger.verifier(other).unwrap());
    assert_eq!(verify_log(&directory, &key).unwrap().size, 1);
    let note = std::fs::read(directory.join("checkpoint")).unwrap();
    let wrong = Checkpoint::verify(&note, &ledger.verifier(organization()).unwrap());
    assert!(matches!(wrong, Err(LedgerError::OtherOrigin { .. })));
}

fn access(records: Vec<RecordId>, expires_at: Timestamp) -> AccessEntry {
    AccessEntry {
        id: EventId::new("event_access").unwrap(),
        organization: organization(),
        actor: PersonId::from_bytes([7; 16]),
        reason: AccessReason::SubjectRequest,
        ticket: None,
        records,
        ground: GroundKind::Service,
        expires_at,
        look: None,
        by: AccessBy::TheirOwn,
    }
}

#[test]
fn a_receipt_covers_its_records_until_it_ends_and_its_entry_is_in_the_log() {
    let root = tempfile::tempdir().unwrap();
    let mut ledger = open(root.path());
    let record = |number| RecordId::from_bytes([number; 16]);
    let end = "2026-11-21T13:00:00Z".parse().unwrap();
    let receipt = ledger.append_access(access(vec![record(9), record(2), record(9)], end)).unwrap();
    assert!(receipt.covers(record(2)) && receipt.covers(record(9)) && !receipt.covers(record(3)));
    assert!(receipt.valid_at(noon()) && !receipt.valid_at(end));
    assert!(!receipt.valid_at("2026-11-21T11:59:59Z".parse().unwrap()));
    assert_eq!((receipt.at(), receipt.expires_at()), (noon(), end));
    drop(ledger);
    let mut ledger = open(root.path());
    ledger.publish().unwrap();
    let reader =
        LogReader::open(&ledger.log_directory(organization()), &ledger.verifier(organization()).unwrap())
            .unwrap();
    let entry = reader.entry(receipt.entry().index).unwrap();
    assert_eq!(leaf_hash(&entry), receipt.entry().leaf_hash);
    let Event::RecordAccess(logged) = LoggedLeaf::parse(&entry).unwrap().leaf.event else {
        panic!("another event")
    };
    assert_eq!(logged.records, [record(2), record(9)]);
}

#[test]
fn accesses_that_name_nothing_or_too_much_or_ended_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let mut ledger = open(root.path());
    let later = "2026-11-21T13:00:00Z".parse().unwrap();
    let record = RecordId::from_bytes([1; 16]);
    assert!(ledger.append_access(access(vec![], later)).is_err());
    assert!(ledger.append_access(access(vec![record; 1_001], later)).is_err());
    assert!(ledger.append_access(access(vec![record], noon())).is_err());
    assert_eq!(ledger.entries_waiting(), 0);
    let many = (0..1_000_u16)
        .map(|number| RecordId::from_bytes([number.to_be_bytes(); 8].concat().try_into().unwrap()));
    let _receipt = ledger.append_access(access(many.collect(), later)).unwrap();
}

#[test]
fn a_second_writer_is_kept_out() {
    let root = tempfile::tempdir().unwrap();
    let ledger = open(root.path());
    assert!(matches!(try_open(root.path()), Err(LedgerError::InUse { .. })));
    drop(ledger);
    open(root.path());
}

#[test]
fn batches_beyond_the_limit_are_refused_whole() {
    let root = tempfile::tempdir().unwrap();
    let mut ledger = open(root.path());
    let batch = vec![(organization(), leaf(0)); fiducia_ledger::BATCH_ENTRIES_MAX + 1];
    assert!(matches!(ledger.append(&batch), Err(LedgerError::BatchTooLarge { .. })));
    let text = "x".repeat(fiducia_ledger::TEXT_BYTES_MAX + 1);
    let bad = Leaf { event: Event::LogOpened { origin: text }, ..leaf(1) };
    assert!(ledger.append(&[(organization(), leaf(0)), (organization(), bad)]).is_err());
    assert_eq!(ledger.entries_waiting(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn proofs_from_tiles_verify_at_random_sizes(first in 1_usize..400, more in 1_usize..400, bit in 0_usize..256) {
        let log = log(&[first, first + more]);
        let mut reader = log.reader();
        let (size, root) = (reader.checkpoint().size, reader.checkpoint().root);
        for index in (0..size).step_by(13).chain([size - 1]) {
            let mut path = reader.inclusion_proof(index).unwrap();
            let leaf = leaf_hash(&reader.entry(index).unwrap());
            prop_assert!(verify_inclusion(&leaf, index, size, &path, &root));
            path[0][bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!verify_inclusion(&leaf, index, size, &path, &root));
        }
        for old in (1..size).step_by(17) {
            let (old_root, path) = reader.consistency_proof(old).unwrap();
            prop_assert!(verify_consistency(old, &old_root, size, &root, &path));
            prop_assert!(!verify_consistency(old, &leaf_hash(b"another"), size, &root, &path));
        }
    }
}
