//! One organisation's log in memory: what is published and what waits.

use std::path::{Path, PathBuf};

use fiducia_policy::OrganizationId;

use crate::checkpoint::Checkpoint;
use crate::edge::TreeEdge;
use crate::error::LedgerError;
use crate::hash::{Hash, leaf_hash};
use crate::layout::{CHECKPOINT, push_bundle_entry};
use crate::log_keys::LogKeys;
use crate::note::NOTE_BYTES_MAX;
use crate::storage::read_bounded;
use crate::tiles::TileReader;

/// An acknowledged entry that no checkpoint covers yet.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    pub(crate) entry: Vec<u8>,
    pub(crate) leaf_hash: Hash,
}

/// The state of a log that appending and publishing go on from.
#[derive(Debug)]
pub(crate) struct OrganizationLog {
    pub(crate) directory: PathBuf,
    pub(crate) origin: String,
    /// The signed checkpoint on disk.
    pub(crate) checkpoint: Option<Vec<u8>>,
    /// The tree it covers.
    pub(crate) edge: TreeEdge,
    /// Bytes of the last, partial bundle it covers.
    pub(crate) bundle: Vec<u8>,
    /// Entries after it.
    pub(crate) waiting: Vec<Waiting>,
}

impl OrganizationLog {
    /// Reads the state back and checks that checkpoint and tiles belong together.
    pub(crate) fn load(
        root: &Path,
        organization: OrganizationId,
        origin_prefix: &str,
        keys: &LogKeys,
    ) -> Result<Self, LedgerError> {
        let directory = root.join(organization.uuid());
        let origin = origin(origin_prefix, organization);
        let path = directory.join(CHECKPOINT);
        let mut log = Self {
            directory,
            origin,
            checkpoint: None,
            edge: TreeEdge::default(),
            bundle: Vec::new(),
            waiting: Vec::new(),
        };
        let Some(note) = read_bounded(&path, NOTE_BYTES_MAX)? else { return Ok(log) };
        let checkpoint = keys
            .verifiers(&log.origin)
            .and_then(|keys| Checkpoint::verify(&note, &keys))
            .map_err(|source| LedgerError::Checkpoint { path: path.clone(), source: Box::new(source) })?;
        let (edge, entries) = TileReader::new(&log.directory, checkpoint.size).edge()?;
        if edge.root() != checkpoint.root {
            let reason = "its root is not that of the tiles; either it or a tile was altered";
            return Err(LedgerError::Damaged { path, reason });
        }
        for entry in entries {
            push_bundle_entry(&mut log.bundle, &entry);
        }
        log.edge = edge;
        log.checkpoint = Some(note);
        Ok(log)
    }

    /// The index that the next entry gets.
    pub(crate) fn next_index(&self) -> u64 {
        self.edge.size() + u64::try_from(self.waiting.len()).unwrap_or(u64::MAX)
    }

    /// Takes an entry that is durable as the next one.
    pub(crate) fn push(&mut self, entry: Vec<u8>, hash: Hash) {
        self.waiting.push(Waiting { entry, leaf_hash: hash });
    }

    /// Takes an entry from the pending log. Returns the index that was expected when it leaves a gap or differs from
    /// what is there.
    pub(crate) fn replay(&mut self, index: u64, entry: Vec<u8>) -> Result<(), u64> {
        let expected = self.next_index();
        if index < self.edge.size() {
            return Ok(());
        }
        if index == expected {
            let hash = leaf_hash(&entry);
            self.push(entry, hash);
            return Ok(());
        }
        let known = usize::try_from(index - self.edge.size()).ok().and_then(|place| self.waiting.get(place));
        if known.is_some_and(|known| known.entry == entry) { Ok(()) } else { Err(expected) }
    }
}

/// The origin of an organisation's log.
pub(crate) fn origin(prefix: &str, organization: OrganizationId) -> String {
    format!("{prefix}/{}", organization.uuid())
}
