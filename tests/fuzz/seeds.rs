//! Valid inputs to begin with.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use fiducia_ledger::{
    AddCheckpoint, Digest, Event, EventId, Leaf, Ledger, LogReader, SigningKey, TrustedLogs, VerifierKey,
    WitnessKey, cosign,
};
use fiducia_policy::{Clock, OrganizationId, Timestamp};

/// The organisation of the log that inputs are taken from.
pub(super) const ORGANIZATION: OrganizationId = OrganizationId::from_bytes([7; 16]);
const PREFIX: &str = "ledger.test";
const ENTRIES: u64 = 300;

struct NoClock;

impl Clock for NoClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

pub(super) fn signer() -> SigningKey {
    SigningKey::from_seed(PREFIX, [9; 32].into()).unwrap()
}

pub(super) fn witness() -> WitnessKey {
    WitnessKey::from_seed("witness.example/w", [8; 32].into()).unwrap()
}

pub(super) fn leaf(number: u64) -> Leaf {
    let at = Timestamp::from_microsecond(1_760_000_000_000_000 + i64::try_from(number).unwrap()).unwrap();
    let event = match number % 3 {
        0 => Event::CaptureBatch { batch: format!("batch-{number}"), root: Digest([1; 32]), count: number },
        1 => Event::OrganizationCreated {},
        _ => Event::CertificateIssued { reference: format!("FID-{number}"), certificate: Digest([2; 32]) },
    };
    Leaf { id: EventId::new(&format!("event_{number}")).unwrap(), at, event }
}

/// A log, made once, with what was taken from it.
pub(super) struct SampleLog {
    folder: tempfile::TempDir,
    pub(super) key: VerifierKey,
    pub(super) checkpoint: String,
    pub(super) proof: String,
    pub(super) cosigned: String,
    pub(super) request: String,
    /// A segment of entries that wait.
    pub(super) segment: Vec<u8>,
}

impl SampleLog {
    /// The folder of the log itself.
    pub(super) fn directory(&self) -> std::path::PathBuf {
        self.folder.path().join("ledger").join(ORGANIZATION.uuid())
    }
}

pub(super) fn log() -> &'static SampleLog {
    static LOG: OnceLock<SampleLog> = OnceLock::new();
    LOG.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("ledger");
        let mut ledger = Ledger::open(&root, PREFIX, signer(), Arc::new(NoClock)).unwrap();
        let batch: Vec<_> = (0..ENTRIES).map(|number| (ORGANIZATION, leaf(number))).collect();
        ledger.append(&batch).unwrap();
        let segment = only_file(&root.join("pending"));
        ledger.publish().unwrap();
        let key = ledger.verifier(ORGANIZATION).unwrap();
        let mut reader = LogReader::open(&ledger.log_directory(ORGANIZATION), &key).unwrap();
        let checkpoint = reader.checkpoint_note().to_owned();
        let request = AddCheckpoint { old_size: 0, proof: Vec::new(), note: checkpoint.clone() };
        let mut logs = TrustedLogs::default();
        logs.add(key.clone());
        let cosigned = cosign(&witness(), &logs, None, &request, Timestamp::UNIX_EPOCH).unwrap().held.note;
        let extending = AddCheckpoint {
            old_size: 40,
            proof: reader.consistency_proof(40).unwrap().1,
            note: checkpoint.clone(),
        };
        let proof = reader.proof_file(7).unwrap().to_string();
        SampleLog { folder, key, checkpoint, proof, cosigned, request: extending.to_string(), segment }
    })
}

fn only_file(folder: &Path) -> Vec<u8> {
    let files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    let longest = files.into_iter().map(|file| std::fs::read(file).unwrap()).max_by_key(Vec::len);
    longest.unwrap()
}

/// The files under a folder of the project whose names end so.
pub(super) fn files(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    let folder = super::root().join(folder);
    let mut paths: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.sort();
    let wanted = paths.into_iter().filter(|path| path.to_string_lossy().ends_with(ending));
    let found: Vec<_> = wanted.map(|path| std::fs::read(path).unwrap()).collect();
    assert!(!found.is_empty(), "no {ending} in {}", folder.display());
    found
}
