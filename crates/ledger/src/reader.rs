//! Reading a published log: entries and proofs, from files alone. Safe beside a running writer.

use std::path::{Path, PathBuf};

use crate::checkpoint::Checkpoint;
use crate::error::LedgerError;
use crate::hash::{Hash, leaf_hash};
use crate::layout::{CHECKPOINT, TILE_WIDTH, TileAddress};
use crate::leaf::{EventId, LoggedLeaf};
use crate::merkle::{consistency_path, inclusion_path, range_root, verify_consistency, verify_inclusion};
use crate::note::{NOTE_BYTES_MAX, VerifierKey};
use crate::proof_file::ProofFile;
use crate::storage::read_bounded;
use crate::tiles::{BUNDLE_BYTES_MAX, TileReader};

/// A log as of one verified checkpoint.
#[derive(Debug)]
pub struct LogReader {
    directory: PathBuf,
    note: String,
    checkpoint: Checkpoint,
    tiles: TileReader,
}

impl LogReader {
    /// Reads and verifies the checkpoint in a log's folder.
    ///
    /// # Errors
    /// When it is missing, malformed, or not signed by one of `keys` for the log that they name.
    pub fn open(directory: &Path, keys: &(impl AsRef<[VerifierKey]> + ?Sized)) -> Result<Self, LedgerError> {
        let path = directory.join(CHECKPOINT);
        let note = read_bounded(&path, NOTE_BYTES_MAX)?;
        let note = note.ok_or_else(|| LedgerError::CheckpointMissing { path: path.clone() })?;
        Self::under(directory, keys, &note)
            .map_err(|source| LedgerError::Checkpoint { path, source: Box::new(source) })
    }

    /// Reads a log under another of its checkpoints: an earlier one, such as the last that witnesses cosigned.
    ///
    /// # Errors
    /// When it is malformed, or signed by none of `keys` for the log that they name.
    pub fn under(
        directory: &Path,
        keys: &(impl AsRef<[VerifierKey]> + ?Sized),
        note: &[u8],
    ) -> Result<Self, LedgerError> {
        let checkpoint = Checkpoint::verify(note, keys)?;
        let tiles = TileReader::new(directory, checkpoint.size);
        // A verified note is UTF-8.
        let note = String::from_utf8_lossy(note).into_owned();
        Ok(Self { directory: directory.to_owned(), note, checkpoint, tiles })
    }

    /// The checkpoint everything is read under.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The signed note it came from.
    pub fn checkpoint_note(&self) -> &str {
        &self.note
    }

    /// The bytes of an entry.
    ///
    /// # Errors
    /// When the checkpoint does not cover it, or its bundle is missing or damaged.
    pub fn entry(&self, index: u64) -> Result<Vec<u8>, LedgerError> {
        self.tiles.entry(index)
    }

    /// The path from entry `index` to the root, checked before it is given out.
    ///
    /// # Errors
    /// When the checkpoint does not cover it, or a tile is missing or damaged.
    pub fn inclusion_proof(&mut self, index: u64) -> Result<Vec<Hash>, LedgerError> {
        let size = self.checkpoint.size;
        if index >= size {
            return Err(LedgerError::Beyond { index, size });
        }
        let path = inclusion_path(&mut self.tiles, index, size)?;
        let leaf = range_root(&mut self.tiles, index, index + 1)?;
        if verify_inclusion(&leaf, index, size, &path, &self.checkpoint.root) {
            Ok(path)
        } else {
            Err(self.damaged())
        }
    }

    /// The path that shows that this tree extends the one of `old` entries, and that tree's root, checked before they
    /// are given out.
    ///
    /// # Errors
    /// When `old` is larger than the tree, or a tile is missing or damaged.
    pub fn consistency_proof(&mut self, old: u64) -> Result<(Hash, Vec<Hash>), LedgerError> {
        let size = self.checkpoint.size;
        if old > size {
            return Err(LedgerError::Beyond { index: old, size });
        }
        let old_root = range_root(&mut self.tiles, 0, old)?;
        let path = consistency_path(&mut self.tiles, old, size)?;
        if verify_consistency(old, &old_root, size, &self.checkpoint.root, &path) {
            Ok((old_root, path))
        } else {
            Err(self.damaged())
        }
    }

    /// The root of the tree of the first `size` entries.
    ///
    /// # Errors
    /// When `size` is larger than the tree, or a tile is missing or damaged.
    pub fn root_at(&mut self, size: u64) -> Result<Hash, LedgerError> {
        if size > self.checkpoint.size {
            return Err(LedgerError::Beyond { index: size, size: self.checkpoint.size });
        }
        range_root(&mut self.tiles, 0, size)
    }

    /// The path that shows that the tree of `new` entries extends the one of `old`, and both roots, checked before they are given out.
    /// That the larger tree is what the checkpoint promises is another proof: [`Self::consistency_proof`] of `new`.
    ///
    /// # Errors
    /// When `old` is larger than `new`, or `new` than the tree, or a tile is missing or damaged.
    pub fn consistency_between(
        &mut self,
        old: u64,
        new: u64,
    ) -> Result<(Hash, Hash, Vec<Hash>), LedgerError> {
        if old > new {
            return Err(LedgerError::Beyond { index: old, size: new });
        }
        let (old_root, new_root) = (self.root_at(old)?, self.root_at(new)?);
        let path = consistency_path(&mut self.tiles, old, new)?;
        if verify_consistency(old, &old_root, new, &new_root, &path) {
            Ok((old_root, new_root, path))
        } else {
            Err(self.damaged())
        }
    }

    /// A `.tlog-proof` for one entry, to be kept and checked anywhere without this log.
    ///
    /// # Errors
    /// As [`LogReader::inclusion_proof`], and when the entry is not what the tree holds.
    pub fn proof_file(&mut self, index: u64) -> Result<ProofFile, LedgerError> {
        let hashes = self.inclusion_proof(index)?;
        let leaf = leaf_hash(&self.entry(index)?);
        if !verify_inclusion(&leaf, index, self.checkpoint.size, &hashes, &self.checkpoint.root) {
            return Err(self.damaged());
        }
        Ok(ProofFile { extra: None, index, hashes, checkpoint: self.note.clone() })
    }

    /// The bytes of one tile or bundle as it lies in the folder, as far as the checkpoint covers it; `None` when it does not, or when a
    /// full one took the place of this partial one.
    ///
    /// # Errors
    /// When the file cannot be read or is longer than such a file can be.
    pub fn file(&self, address: TileAddress) -> Result<Option<Vec<u8>>, LedgerError> {
        let (full, partial) = TileAddress::extent(address.kind, self.checkpoint.size);
        let covered = match address.index {
            index if index < full => address.is_full(),
            index => index == full && (1..=partial).contains(&address.width),
        };
        if !covered {
            return Ok(None);
        }
        read_bounded(&self.directory.join(address.to_string()), BUNDLE_BYTES_MAX)
    }

    /// Entries from `from` to the end, bundle by bundle.
    pub fn entries(&self, from: u64) -> Entries<'_> {
        Entries { reader: self, next: from, bundle: None }
    }

    /// The first event with this id, by reading the log from its start.
    ///
    /// # Errors
    /// When a bundle is missing or damaged. Entries that are no leaves of ours are passed over.
    pub fn locate(&self, id: &EventId) -> Result<Option<(u64, LoggedLeaf)>, LedgerError> {
        for entry in self.entries(0) {
            let (index, bytes) = entry?;
            match LoggedLeaf::parse(&bytes) {
                Ok(logged) if logged.leaf.id == *id => return Ok(Some((index, logged))),
                _ => {}
            }
        }
        Ok(None)
    }

    fn damaged(&self) -> LedgerError {
        LedgerError::Damaged {
            path: self.directory.clone(),
            reason: "what its tiles hold does not lead to the root of its checkpoint",
        }
    }
}

/// Iterator over a log's entries; ends after the first error.
#[derive(Debug)]
pub struct Entries<'a> {
    reader: &'a LogReader,
    next: u64,
    bundle: Option<(u64, Vec<Vec<u8>>)>,
}

impl Iterator for Entries<'_> {
    type Item = Result<(u64, Vec<u8>), LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.next;
        if index >= self.reader.checkpoint.size {
            return None;
        }
        let wanted = index / TILE_WIDTH;
        if self.bundle.as_ref().is_none_or(|(number, _)| *number != wanted) {
            match self.reader.tiles.entries(wanted) {
                Ok(entries) => self.bundle = Some((wanted, entries)),
                Err(error) => {
                    self.next = u64::MAX;
                    return Some(Err(error));
                }
            }
        }
        self.next += 1;
        let place = usize::try_from(index % TILE_WIDTH).ok()?;
        let entry =
            self.bundle.as_mut().and_then(|(_, entries)| entries.get_mut(place)).map(std::mem::take)?;
        Some(Ok((index, entry)))
    }
}
