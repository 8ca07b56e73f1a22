//! From acknowledged entries to tiles and a signed checkpoint.
//!
//! INVARIANT: a checkpoint gets its name only after every tile it covers is flushed, with the folders that name them;
//! and it extends the last one, because its tree starts from the edge that was checked against the last one.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fiducia_policy::OrganizationId;

use crate::checkpoint::Checkpoint;
use crate::edge::TreeEdge;
use crate::error::LedgerError;
use crate::hash::Hash;
use crate::layout::{CHECKPOINT, TileAddress, TileKind, push_bundle_entry};
use crate::log::OrganizationLog;
use crate::log_keys::LogSigner;
use crate::note::NOTE_BYTES_MAX;
use crate::storage::{Fault, Storage, read_bounded};

/// What one log gains.
pub(crate) struct LogPublication {
    pub(crate) organization: OrganizationId,
    directory: PathBuf,
    origin: String,
    /// The checkpoint that must still be there, so that nobody else has published in between.
    replaces: Option<Vec<u8>>,
    files: Vec<(TileAddress, Vec<u8>)>,
    pub(crate) edge: TreeEdge,
    pub(crate) bundle: Vec<u8>,
    /// How many waiting entries it covers.
    pub(crate) entries: usize,
    /// The signed note, once written.
    pub(crate) note: Option<Vec<u8>>,
}

impl LogPublication {
    /// Derives the tiles that differ from what is on disk.
    pub(crate) fn of(organization: OrganizationId, log: &OrganizationLog) -> Self {
        let mut files = Vec::new();
        let (mut edge, mut bundle) = (log.edge.clone(), log.bundle.clone());
        let before = edge.size();
        for waiting in &log.waiting {
            push_bundle_entry(&mut bundle, &waiting.entry);
            edge.push(waiting.leaf_hash, |tile| {
                if tile.level == 0 {
                    let address = TileAddress::full(TileKind::Entries, tile.index);
                    files.push((address, std::mem::take(&mut bundle)));
                }
                let address = TileAddress::full(TileKind::Hashes { level: tile.level }, tile.index);
                files.push((address, tile.hashes.concat()));
            });
        }
        if !bundle.is_empty() {
            let (index, width) = TileAddress::extent(TileKind::Entries, edge.size());
            files.push((TileAddress { kind: TileKind::Entries, index, width }, bundle.clone()));
        }
        for (level, row) in (0_u8..).zip(edge.rows()) {
            let kind = TileKind::Hashes { level };
            let (index, width) = TileAddress::extent(kind, edge.size());
            if width > 0 && TileAddress::extent(kind, before) != (index, width) {
                files.push((TileAddress { kind, index, width }, row.concat()));
            }
        }
        Self {
            organization,
            directory: log.directory.clone(),
            origin: log.origin.clone(),
            replaces: log.checkpoint.clone(),
            files,
            edge,
            bundle,
            entries: log.waiting.len(),
            note: None,
        }
    }
}

/// Which folders this process has flushed, so that the chain above a new file is durable without flushing it anew
/// each time.
pub(crate) type KnownFolders = HashSet<PathBuf>;

/// Tiles and checkpoints ready to be written. Made by [`crate::Ledger::prepare_publication`]; may be written on
/// another thread while entries are appended.
#[must_use = "nothing is published until it is written and finished"]
pub struct Publication {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) temporary: PathBuf,
    pub(crate) root: PathBuf,
    pub(crate) signer: LogSigner,
    pub(crate) logs: Vec<LogPublication>,
    /// Pending segments of which everything is in `logs`.
    pub(crate) segments: Vec<u64>,
    pub(crate) known: KnownFolders,
    /// Lets a test plant the fault that the crash tests must catch.
    #[cfg(test)]
    pub(crate) checkpoint_first: bool,
}

/// What became of a [`Publication`]; give it to [`crate::Ledger::finish_publication`].
#[must_use = "the ledger does not publish again until this is handed back"]
pub struct WrittenPublication {
    pub(crate) logs: Vec<LogPublication>,
    pub(crate) segments: Vec<u64>,
    pub(crate) known: KnownFolders,
    pub(crate) outcome: Result<(), LedgerError>,
}

/// A log's new checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Whose log.
    pub organization: OrganizationId,
    /// Entries it covers.
    pub size: u64,
    /// Tree head over them.
    pub root: Hash,
}

/// A publication that did not come to its end. What it published stays so: whoever follows the logs is to be told of it.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct PublicationFailed {
    /// The logs that got their checkpoint before it failed.
    pub published: Vec<Published>,
    /// What it ran into.
    #[source]
    pub error: LedgerError,
}

impl From<LedgerError> for PublicationFailed {
    fn from(error: LedgerError) -> Self {
        Self { published: Vec::new(), error }
    }
}

impl From<PublicationFailed> for LedgerError {
    fn from(failed: PublicationFailed) -> Self {
        failed.error
    }
}

impl Publication {
    /// Writes tiles, flushes them, then signs and writes the checkpoints.
    pub fn write(mut self) -> WrittenPublication {
        let mut logs = std::mem::take(&mut self.logs);
        let outcome = self.write_logs(&mut logs);
        WrittenPublication { logs, segments: self.segments, known: self.known, outcome }
    }

    fn write_logs(&mut self, logs: &mut [LogPublication]) -> Result<(), LedgerError> {
        #[cfg(test)]
        if self.checkpoint_first {
            self.write_checkpoints(logs)?;
            return self.write_tiles(logs);
        }
        self.write_tiles(logs)?;
        self.write_checkpoints(logs)?;
        self.remove_partials(logs)
    }

    fn write_tiles(&mut self, logs: &[LogPublication]) -> Result<(), LedgerError> {
        let mut folders = BTreeSet::new();
        for log in logs {
            for (address, bytes) in &log.files {
                let path = log.directory.join(address.to_string());
                self.make_folders(&path, &mut folders)?;
                self.replace(&path, bytes)?;
            }
        }
        for folder in &folders {
            flush_folder(self.storage.as_ref(), folder)?;
        }
        self.known.extend(folders.into_iter().filter(|folder| folder.extension().is_none()));
        Ok(())
    }

    fn write_checkpoints(&self, logs: &mut [LogPublication]) -> Result<(), LedgerError> {
        for log in logs.iter_mut() {
            let path = log.directory.join(CHECKPOINT);
            if read_bounded(&path, NOTE_BYTES_MAX)? != log.replaces {
                return Err(LedgerError::CheckpointChanged { path });
            }
            let checkpoint =
                Checkpoint { origin: log.origin.clone(), size: log.edge.size(), root: log.edge.root() };
            let note = checkpoint.sign_with(&self.signer)?.into_bytes();
            self.replace(&path, &note)?;
            log.note = Some(note);
            flush_folder(self.storage.as_ref(), &log.directory)?;
        }
        Ok(())
    }

    /// Partial tiles may go once the full tile is there; until then clients with older checkpoints may ask for them.
    fn remove_partials(&self, logs: &[LogPublication]) -> Result<(), LedgerError> {
        for log in logs {
            for (address, _) in log.files.iter().filter(|(address, _)| address.is_full()) {
                let folder = log.directory.join(address.partials_folder());
                match self.storage.remove_directory(&folder) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(LedgerError::io("remove", &folder)(error));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), LedgerError> {
        replace(self.storage.as_ref(), &self.temporary, path, bytes)
    }

    /// Makes the folders above `path` and notes in `folders` which must be flushed for its name to be durable.
    fn make_folders(&self, path: &Path, folders: &mut BTreeSet<PathBuf>) -> Result<(), LedgerError> {
        let above: Vec<&Path> = path.ancestors().skip(1).take_while(|folder| *folder != self.root).collect();
        for folder in above.iter().rev() {
            if !self.known.contains(*folder) && !folders.contains(*folder) {
                self.storage.create_directory(folder).map_err(LedgerError::io("create", folder))?;
                folders.insert(folder.parent().unwrap_or(&self.root).to_owned());
            }
        }
        folders.extend(above.first().map(|folder| (*folder).to_owned()));
        Ok(())
    }
}

/// Writes a file under a temporary name and gives it its own once it is flushed.
pub(crate) fn replace(
    storage: &dyn Storage,
    temporary: &Path,
    path: &Path,
    bytes: &[u8],
) -> Result<(), LedgerError> {
    let temporary = temporary.join("publishing");
    storage.write_durably(&temporary, bytes).map_err(|fault| fault.on("write", path))?;
    storage.rename(&temporary, path).map_err(LedgerError::io("name", path))
}

/// Makes the names in a folder durable.
pub(crate) fn flush_folder(storage: &dyn Storage, folder: &Path) -> Result<(), LedgerError> {
    storage.sync_directory(folder).map_err(|error| Fault::NotConfirmed(error).on("flush", folder))
}
