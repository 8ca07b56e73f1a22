//! What a witness holds, on files: for each log a folder, named by the SHA-256 of its origin, with the last checkpoint.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use fiducia_policy::Timestamp;

use crate::cosignature::WitnessKey;
use crate::error::LedgerError;
use crate::hash::{sha256, to_hex};
use crate::note::NOTE_BYTES_MAX;
use crate::storage::{Disk, Fault, Storage, read_bounded};
use crate::witness::{AddCheckpoint, Cosigning, Held, TrustedLogs, WitnessRefusal, cosign, origin_of};

/// File whose lock keeps a second witness out.
const LOCK_FILE: &str = "lock";
const CHECKPOINT_FILE: &str = "checkpoint";

/// Why a checkpoint was not cosigned.
#[derive(Debug, thiserror::Error)]
pub enum NotCosigned {
    /// The witness refuses.
    #[error(transparent)]
    Refused(#[from] WitnessRefusal),
    /// What is held cannot be read or written. Nothing was cosigned.
    #[error(transparent)]
    Failed(#[from] LedgerError),
}

/// The memory of a witness.
pub struct WitnessFolder {
    root: PathBuf,
    storage: Arc<dyn Storage>,
    /// One checkpoint is compared, stored and cosigned at a time.
    turn: Mutex<()>,
    _lock: File,
}

impl std::fmt::Debug for WitnessFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WitnessFolder").field("root", &self.root).finish_non_exhaustive()
    }
}

impl WitnessFolder {
    /// Opens the folder, making it when it does not exist.
    ///
    /// # Errors
    /// When the folder cannot be made, or another witness has it open.
    pub fn open(root: &Path) -> Result<Self, LedgerError> {
        Self::open_on(Arc::new(Disk), root)
    }

    pub(crate) fn open_on(storage: Arc<dyn Storage>, root: &Path) -> Result<Self, LedgerError> {
        storage.create_directory(root).map_err(LedgerError::io("create", root))?;
        let path = root.join(LOCK_FILE);
        let lock = File::create(&path).map_err(LedgerError::io("create", &path))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => LedgerError::InUse { path: path.clone() },
            TryLockError::Error(source) => LedgerError::io("lock", &path)(source),
        })?;
        Ok(Self { root: root.to_owned(), storage, turn: Mutex::new(()), _lock: lock })
    }

    /// Compares a checkpoint with what is held, stores it, and gives the cosignature. When this returns, it is durable.
    ///
    /// # Errors
    /// The witness's refusal, or a file that cannot be read or written: then nothing was cosigned.
    pub fn add_checkpoint(
        &self,
        witness: &WitnessKey,
        logs: &TrustedLogs,
        request: &AddCheckpoint,
        now: Timestamp,
    ) -> Result<Cosigning, NotCosigned> {
        let origin = origin_of(request)?;
        let keys = logs.keys(origin);
        if keys.is_empty() {
            return Err(WitnessRefusal::UnknownLog(origin.to_owned()).into());
        }
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = self.folder(origin);
        let held = match checkpoint(&folder)? {
            Some(note) => Some(Held::read_own(&note, &keys, &witness.verifier())?),
            None => None,
        };
        let cosigning = cosign(witness, logs, held.as_ref(), request, now)?;
        self.keep(&folder, &cosigning.held.note)?;
        Ok(cosigning)
    }

    /// The last checkpoint of the log whose origin has this SHA-256, with the cosignature; `None` when there is none.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn held(&self, origin_sha256: &[u8; 32]) -> Result<Option<String>, LedgerError> {
        checkpoint(&self.root.join(to_hex(origin_sha256)))
    }

    fn folder(&self, origin: &str) -> PathBuf {
        self.root.join(origin_digest(origin))
    }

    fn keep(&self, folder: &Path, note: &str) -> Result<(), LedgerError> {
        let (storage, path) = (&self.storage, folder.join(CHECKPOINT_FILE));
        let fresh = folder.join("checkpoint.new");
        let flush = |folder: &Path| {
            storage.sync_directory(folder).map_err(|error| Fault::NotConfirmed(error).on("flush", folder))
        };
        storage.create_directory(folder).map_err(LedgerError::io("create", folder))?;
        flush(&self.root)?;
        storage.write_durably(&fresh, note.as_bytes()).map_err(|fault| fault.on("write", &fresh))?;
        storage.rename(&fresh, &path).map_err(LedgerError::io("rename", &fresh))?;
        flush(folder)
    }
}

/// The SHA-256 of a log's origin, hex: where a witness shows what it holds of the log.
pub fn origin_digest(origin: &str) -> String {
    to_hex(&sha256(&[origin.as_bytes()]))
}

fn checkpoint(folder: &Path) -> Result<Option<String>, LedgerError> {
    let path = folder.join(CHECKPOINT_FILE);
    let Some(bytes) = read_bounded(&path, NOTE_BYTES_MAX)? else { return Ok(None) };
    let text = String::from_utf8(bytes);
    text.map(Some).map_err(|_| LedgerError::Damaged { path, reason: "it is not text" })
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::checkpoint::Checkpoint;
    use crate::note::SigningKey;

    fn request(root: [u8; 32], old_size: u64) -> (TrustedLogs, AddCheckpoint) {
        let key = SigningKey::from_seed("log.example/a", Zeroizing::new([1; 32])).unwrap();
        let mut logs = TrustedLogs::default();
        logs.add(key.verifier());
        let note = Checkpoint { origin: "log.example/a".to_owned(), size: 1, root }.sign(&key);
        (logs, AddCheckpoint { old_size, proof: Vec::new(), note })
    }

    #[test]
    fn what_was_cosigned_is_held_after_reopening_and_by_one_witness_only() {
        let folder = tempfile::tempdir().unwrap();
        let witness = WitnessKey::from_seed("witness.example/w", Zeroizing::new([2; 32])).unwrap();
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let open = WitnessFolder::open(folder.path()).unwrap();
        assert!(matches!(WitnessFolder::open(folder.path()), Err(LedgerError::InUse { .. })));
        let (logs, first) = request([1; 32], 0);
        let cosigned = open.add_checkpoint(&witness, &logs, &first, now).unwrap();
        drop(open);
        let open = WitnessFolder::open(folder.path()).unwrap();
        let hash = sha256(&[b"log.example/a"]);
        assert_eq!(open.held(&hash).unwrap().unwrap(), cosigned.held.note);
        assert!(cosigned.held.note.ends_with(&cosigned.cosignature));
        for (root, old) in [([2; 32], 0), ([2; 32], 1)] {
            let (logs, other) = request(root, old);
            let refused = open.add_checkpoint(&witness, &logs, &other, now);
            assert!(matches!(refused, Err(NotCosigned::Refused(_))), "another history: {refused:?}");
        }
        std::fs::write(folder.path().join(to_hex(&hash)).join(CHECKPOINT_FILE), "cut off").unwrap();
        let (logs, again) = request([1; 32], 1);
        let damaged = open.add_checkpoint(&witness, &logs, &again, now);
        assert!(
            matches!(damaged, Err(NotCosigned::Failed(_))),
            "a damaged memory cosigns nothing: {damaged:?}"
        );
    }
}
