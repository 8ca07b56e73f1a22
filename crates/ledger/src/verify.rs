//! Checks every file of a log, read-only and in bounded memory: one bundle and one row of hashes for each level.
//!
//! Two trees are computed side by side, one from the entries and one from the level 0 tiles. Whichever leads to the
//! signed root tells which of two files that disagree was altered.

use std::path::{Path, PathBuf};

use crate::checkpoint::Checkpoint;
use crate::edge::{FullTile, TreeEdge};
use crate::error::LedgerError;
use crate::finding::{Finding, VerifyReport};
use crate::hash::{HASH_BYTES, Hash, leaf_hash};
use crate::layout::{BundleEntries, CHECKPOINT, TILE_WIDTH, TileAddress, TileKind};
use crate::note::{NOTE_BYTES_MAX, VerifierKey};
use crate::pending::{read_segment, segment_numbers, segment_path};
use crate::storage::read_bounded;
use crate::tiles::{BUNDLE_BYTES_MAX, TILE_BYTES_MAX, hashes_of};

/// Most findings of one kind of check that are listed.
const FINDINGS_MAX: usize = 1_000;

/// Deepest folder a log has: `tile`, a level, seven groups of an index, a partial folder.
const FOLDER_DEPTH_MAX: usize = 12;

/// Checks the log in `directory` against its checkpoint and `key`: signature, every entry, every hash, and that no
/// file is missing or has no place in a log.
///
/// # Errors
/// All places that are not what the checkpoint promises.
pub fn verify_log(
    directory: &Path,
    keys: &(impl AsRef<[VerifierKey]> + ?Sized),
) -> Result<VerifyReport, Vec<Finding>> {
    let path = directory.join(CHECKPOINT);
    let checkpoint = read_bounded(&path, NOTE_BYTES_MAX)
        .and_then(|note| note.ok_or_else(|| LedgerError::CheckpointMissing { path: path.clone() }))
        .and_then(|note| Checkpoint::verify(&note, keys))
        .map_err(|reason| vec![Finding::Checkpoint { path, reason }])?;
    let mut check = Check {
        directory,
        size: checkpoint.size,
        files: 1,
        entries: TreeEdge::default(),
        tiles: TreeEdge::default(),
        certain: Findings::default(),
        disagreements: Vec::new(),
        upper_by_entries: Findings::default(),
        upper_by_tiles: Findings::default(),
        uncovered: Vec::new(),
    };
    check.tree();
    check.folder(directory, 0);
    check.conclude(checkpoint)
}

/// Checks the segments of pending entries under a ledger's root. After an orderly stop there is no finding; after a
/// crash the last group may be unfinished, which opening the ledger repairs.
///
/// # Errors
/// The damaged places.
pub fn verify_pending(root: &Path) -> Result<(), Vec<Finding>> {
    let folder = root.join("pending");
    let unreadable = |reason| vec![Finding::Unreadable { path: folder.clone(), reason }];
    let mut findings = Vec::new();
    for number in segment_numbers(&folder).map_err(unreadable)? {
        let segment = read_segment(&folder, number).map_err(unreadable)?;
        if segment.intact_bytes < segment.bytes {
            findings
                .push(Finding::Pending { path: segment_path(&folder, number), offset: segment.intact_bytes });
        }
    }
    if findings.is_empty() { Ok(()) } else { Err(findings) }
}

/// A bounded list.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn push(&mut self, finding: Finding) {
        match self.0.len() {
            length if length < FINDINGS_MAX => self.0.push(finding),
            FINDINGS_MAX => self.0.push(Finding::More),
            _ => {}
        }
    }
}

struct Check<'a> {
    directory: &'a Path,
    size: u64,
    files: u64,
    /// The tree that the entries give.
    entries: TreeEdge,
    /// The tree that the level 0 tiles give.
    tiles: TreeEdge,
    certain: Findings,
    /// Entry index, bundle and tile where the two differ.
    disagreements: Vec<(u64, PathBuf, PathBuf)>,
    /// Differences of higher tiles from the tree of entries.
    upper_by_entries: Findings,
    /// Differences of higher tiles from the tree of level 0 tiles.
    upper_by_tiles: Findings,
    uncovered: Vec<PathBuf>,
}

impl Check<'_> {
    /// Computes both trees over all bundles and compares tiles as they fill.
    fn tree(&mut self) {
        for bundle in 0..self.size.div_ceil(TILE_WIDTH) {
            let hashes = self.bundle(bundle);
            let (mut by_entries, mut by_tiles) = (Vec::new(), Vec::new());
            for (from_entry, from_tile) in hashes {
                self.entries.push(from_entry, |tile| by_entries.push(tile));
                self.tiles.push(from_tile, |tile| by_tiles.push(tile));
            }
            for (tile, other) in by_entries.into_iter().zip(by_tiles).filter(|(tile, _)| tile.level > 0) {
                self.upper(&tile, &other);
            }
        }
        let rows: Vec<_> = self
            .entries
            .rows()
            .iter()
            .cloned()
            .zip(self.tiles.rows().iter().cloned())
            .enumerate()
            .skip(1)
            .collect();
        for (level, (row, other)) in rows {
            let level = u8::try_from(level).unwrap_or(u8::MAX);
            let (index, width) = TileAddress::extent(TileKind::Hashes { level }, self.size);
            if width > 0 {
                let (tile, other) =
                    (FullTile { level, index, hashes: row }, FullTile { level, index, hashes: other });
                self.upper(&tile, &other);
            }
        }
    }

    /// Leaf hashes of one bundle, by its entries and by the tile beside it. Where one side is missing or broken the
    /// other stands in, because that side already has a finding.
    fn bundle(&mut self, index: u64) -> Vec<(Hash, Hash)> {
        let left = self.size - index * TILE_WIDTH;
        let width = u16::try_from(left.min(TILE_WIDTH)).unwrap_or(256);
        let count = usize::from(width);
        let bundle = TileAddress { kind: TileKind::Entries, index, width };
        let tile = TileAddress { kind: TileKind::Hashes { level: 0 }, index, width };
        let hashes =
            self.read(tile, TILE_BYTES_MAX).and_then(|(path, bytes)| self.tile_hashes(&path, tile, &bytes));
        let read = self.read(bundle, BUNDLE_BYTES_MAX);
        let leaves = read.as_ref().map_or_else(Vec::new, |(path, bytes)| self.leaves(path, bundle, bytes));
        let paths = read.map_or_else(|| self.path(bundle), |(path, _)| path);
        let (tile_path, first) = (self.path(tile), index * TILE_WIDTH);
        let mut both = Vec::with_capacity(count);
        for (place, entry) in (0..count).zip(first..) {
            let by_entry = leaves.get(place).copied();
            let by_tile = hashes.as_ref().and_then(|hashes| hashes.get(place)).copied();
            let pair = match (by_entry, by_tile) {
                (Some(leaf), Some(hash)) => (leaf, hash),
                (Some(one), None) | (None, Some(one)) => (one, one),
                (None, None) => ([0; HASH_BYTES], [0; HASH_BYTES]),
            };
            if pair.0 != pair.1 && self.disagreements.len() < FINDINGS_MAX {
                self.disagreements.push((entry, paths.clone(), tile_path.clone()));
            }
            both.push(pair);
        }
        both
    }

    fn path(&self, address: TileAddress) -> PathBuf {
        self.directory.join(address.to_string())
    }

    /// Reads a file the tree needs, or the full one that superseded it.
    fn read(&mut self, address: TileAddress, bytes_max: u64) -> Option<(PathBuf, Vec<u8>)> {
        for path in [self.path(address), self.path(address.filled())] {
            match read_bounded(&path, bytes_max) {
                Ok(Some(bytes)) => {
                    self.files += 1;
                    return Some((path, bytes));
                }
                Ok(None) => {}
                Err(reason) => {
                    self.certain.push(Finding::Unreadable { path, reason });
                    return None;
                }
            }
        }
        self.certain.push(Finding::Missing { path: self.path(address), address });
        None
    }

    /// The hashes of a tile, `None` with a finding when its length is wrong.
    fn tile_hashes(&mut self, path: &Path, address: TileAddress, bytes: &[u8]) -> Option<Vec<Hash>> {
        let named = if path == self.path(address) { address } else { address.filled() };
        if bytes.len() != usize::from(named.width) * HASH_BYTES {
            let bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            self.certain.push(Finding::TileLength { path: path.to_owned(), address: named, bytes });
            return None;
        }
        Some(hashes_of(bytes))
    }

    /// Leaf hashes of a bundle's entries, as far as its lengths fit.
    fn leaves(&mut self, path: &Path, address: TileAddress, bytes: &[u8]) -> Vec<Hash> {
        let superseded = path != self.path(address);
        let width = usize::from(address.width);
        let mut leaves = Vec::with_capacity(width);
        let mut entries = BundleEntries::new(bytes);
        let mut offset = 0;
        while leaves.len() < width {
            offset = entries.offset();
            let Some(Ok(entry)) = entries.next() else { break };
            leaves.push(leaf_hash(entry));
        }
        let more = leaves.len() == width && !superseded && entries.offset() < bytes.len();
        if leaves.len() < width || more {
            let entry = address.index * TILE_WIDTH + u64::try_from(leaves.len()).unwrap_or(0);
            let offset = if more { entries.offset() } else { offset };
            self.certain.push(Finding::BundleFraming { path: path.to_owned(), entry, offset });
        }
        leaves
    }

    /// Compares a tile above level 0 with what both trees give for it.
    fn upper(&mut self, by_entries: &FullTile, by_tiles: &FullTile) {
        let width = u16::try_from(by_entries.hashes.len()).unwrap_or(256);
        let kind = TileKind::Hashes { level: by_entries.level };
        let address = TileAddress { kind, index: by_entries.index, width };
        let Some((path, bytes)) = self.read(address, TILE_BYTES_MAX) else { return };
        let Some(hashes) = self.tile_hashes(&path, address, &bytes) else { return };
        for (expected, findings) in
            [(by_entries, &mut self.upper_by_entries), (by_tiles, &mut self.upper_by_tiles)]
        {
            for (hash, (found, expected)) in (0_u16..).zip(hashes.iter().zip(&expected.hashes)) {
                if found != expected {
                    findings.push(Finding::TileHash { path: path.clone(), address, hash });
                }
            }
        }
    }

    /// Looks at every name under the log's folder.
    fn folder(&mut self, folder: &Path, depth: usize) {
        let unreadable = |error| Finding::Unreadable {
            path: folder.to_owned(),
            reason: LedgerError::io("list", folder)(error),
        };
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.certain.push(unreadable(error)),
        };
        for entry in entries {
            let (path, kind) = match entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))) {
                Ok(found) => found,
                Err(error) => return self.certain.push(unreadable(error)),
            };
            if kind.is_dir() && depth < FOLDER_DEPTH_MAX {
                self.folder(&path, depth + 1);
            } else if kind.is_file() {
                self.file(path);
            } else {
                self.certain.push(Finding::Unexpected { path });
            }
        }
    }

    /// Decides whether one file has a place; compares superseded partial files with what superseded them.
    fn file(&mut self, path: PathBuf) {
        let name = path.strip_prefix(self.directory).ok().and_then(Path::to_str);
        if name == Some(CHECKPOINT) {
            return;
        }
        let Some(address) = name.and_then(TileAddress::parse) else {
            return self.certain.push(Finding::Unexpected { path });
        };
        let (full, partial) = TileAddress::extent(address.kind, self.size);
        let current = match address.index {
            index if index < full => 256,
            index if index == full => partial,
            _ => 0,
        };
        if address.width == current {
            return;
        }
        if current > 0 {
            self.compare(&path, address, TileAddress { width: current, ..address });
        }
        if address.width > current && self.uncovered.len() < FINDINGS_MAX {
            self.uncovered.push(path);
        }
    }

    /// Of two widths of the same tile the narrower must be the beginning of the wider.
    fn compare(&mut self, path: &Path, address: TileAddress, current: TileAddress) {
        let bytes = match read_bounded(path, BUNDLE_BYTES_MAX) {
            Ok(Some(bytes)) => bytes,
            // A running writer removed it since the folder was listed.
            Ok(None) => return,
            Err(reason) => return self.certain.push(Finding::Unreadable { path: path.to_owned(), reason }),
        };
        let read = |address| read_bounded(&self.path(address), BUNDLE_BYTES_MAX).ok().flatten();
        // When neither is there the tree already has a finding for it.
        let Some(expected) = read(current).or_else(|| read(current.filled())) else { return };
        self.files += 1;
        let narrower = address.width.min(current.width);
        let differs = bytes.iter().zip(&expected).position(|(one, other)| one != other);
        let length = match address.kind {
            TileKind::Hashes { .. } => usize::from(address.width) * HASH_BYTES,
            // A bundle's length follows from its entries.
            TileKind::Entries => {
                bundle_bytes(if address.width < current.width { &expected } else { &bytes }, address.width)
            }
        };
        let shared = if narrower == address.width { bytes.len() } else { expected.len() };
        let offset = match differs {
            Some(offset) if offset < shared => Some(offset),
            _ if bytes.len() != length => Some(length.min(bytes.len())),
            _ => None,
        };
        if let Some(offset) = offset {
            self.certain.push(Finding::StalePartial { path: path.to_owned(), address, offset });
        }
    }

    /// Weighs what was found against the signed root.
    fn conclude(mut self, checkpoint: Checkpoint) -> Result<VerifyReport, Vec<Finding>> {
        let by_entries = self.entries.root();
        let entries_right = by_entries == checkpoint.root;
        let tiles_right = self.tiles.root() == checkpoint.root;
        for (entry, path, tile) in std::mem::take(&mut self.disagreements) {
            let index = entry / TILE_WIDTH;
            let width = u16::try_from((self.size - index * TILE_WIDTH).min(TILE_WIDTH)).unwrap_or(256);
            let address = TileAddress { kind: TileKind::Hashes { level: 0 }, index, width };
            let hash = u16::try_from(entry % TILE_WIDTH).unwrap_or(u16::MAX);
            self.certain.push(match (entries_right, tiles_right) {
                (true, _) => Finding::TileHash { path: tile, address, hash },
                (false, true) => Finding::Entry { path, entry },
                (false, false) => Finding::EntryOrTile { path, tile, entry },
            });
        }
        let upper = if entries_right { self.upper_by_entries } else { self.upper_by_tiles };
        upper.0.into_iter().for_each(|finding| self.certain.push(finding));
        if !entries_right && !tiles_right {
            let path = self.directory.join(CHECKPOINT);
            self.certain.push(Finding::Root { path, promised: checkpoint.root, found: by_entries });
        }
        if !self.certain.0.is_empty() {
            return Err(self.certain.0);
        }
        self.uncovered.sort();
        Ok(VerifyReport {
            origin: checkpoint.origin,
            size: checkpoint.size,
            root: checkpoint.root,
            files_checked: self.files,
            uncovered: self.uncovered,
        })
    }
}

/// How many bytes the first `width` entries of a bundle take.
fn bundle_bytes(bundle: &[u8], width: u16) -> usize {
    let mut entries = BundleEntries::new(bundle);
    entries.by_ref().take(usize::from(width)).for_each(drop);
    entries.offset()
}
