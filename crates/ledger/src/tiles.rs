//! Reading tiles and bundles from a log's folder.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::edge::TreeEdge;
use crate::error::LedgerError;
use crate::hash::{HASH_BYTES, Hash, leaf_hash};
use crate::layout::{BundleEntries, TILE_HASHES, TILE_WIDTH, TileAddress, TileKind};
use crate::merkle::{SubtreeSource, perfect_root};

/// Longest hash tile.
pub(crate) const TILE_BYTES_MAX: u64 = 256 * 32;

/// Longest bundle: 256 entries of 65,535 bytes, each behind two bytes of length.
pub(crate) const BUNDLE_BYTES_MAX: u64 = 256 * 65_537;

/// Tiles one reader keeps in memory: enough for both edges of a proof.
const CACHED_TILES_MAX: usize = 64;

/// Reads the files of one log's folder as the tree of a given size needs them.
#[derive(Debug)]
pub(crate) struct TileReader {
    directory: PathBuf,
    size: u64,
    cache: HashMap<(u8, u64), Vec<Hash>>,
}

impl TileReader {
    pub(crate) fn new(directory: &Path, size: u64) -> Self {
        Self { directory: directory.to_owned(), size, cache: HashMap::new() }
    }

    /// The place of tile or bundle `index` in the width that the tree has there; `None` beyond the tree.
    fn address(&self, kind: TileKind, index: u64) -> Option<TileAddress> {
        let (full, partial) = TileAddress::extent(kind, self.size);
        match index {
            index if index < full => Some(TileAddress::full(kind, index)),
            index if index == full && partial > 0 => Some(TileAddress { kind, index, width: partial }),
            _ => None,
        }
    }

    /// Reads a file, falling back from a partial tile to the full one that superseded it.
    fn read(&self, address: TileAddress, bytes_max: u64) -> Result<(Vec<u8>, PathBuf), LedgerError> {
        let wanted = self.directory.join(address.to_string());
        for path in [wanted.clone(), self.directory.join(address.filled().to_string())] {
            if let Some(bytes) = crate::storage::read_bounded(&path, bytes_max)? {
                return Ok((bytes, path));
            }
        }
        Err(LedgerError::TileMissing { path: wanted, size: self.size })
    }

    /// The hashes of a tile, as many as the tree has there.
    pub(crate) fn hashes(&mut self, level: u8, index: u64) -> Result<&[Hash], LedgerError> {
        let address = self
            .address(TileKind::Hashes { level }, index)
            .ok_or(LedgerError::Beyond { index, size: self.size })?;
        if !self.cache.contains_key(&(level, index)) {
            let (bytes, path) = self.read(address, TILE_BYTES_MAX)?;
            let hashes = hashes_of(&bytes);
            let expected =
                if path.ends_with(address.to_string()) { usize::from(address.width) } else { TILE_HASHES };
            if bytes.len() != expected * HASH_BYTES {
                return Err(LedgerError::Damaged {
                    path,
                    reason: "it does not have the length its name says",
                });
            }
            if self.cache.len() >= CACHED_TILES_MAX {
                self.cache.clear();
            }
            self.cache.insert((level, index), hashes);
        }
        let cached = self.cache.get(&(level, index)).map_or(&[][..], Vec::as_slice);
        Ok(cached.get(..usize::from(address.width)).unwrap_or(cached))
    }

    /// The entries of a bundle, as many as the tree has there.
    pub(crate) fn entries(&self, index: u64) -> Result<Vec<Vec<u8>>, LedgerError> {
        let address =
            self.address(TileKind::Entries, index).ok_or(LedgerError::Beyond { index, size: self.size })?;
        let (bytes, path) = self.read(address, BUNDLE_BYTES_MAX)?;
        let entries: Result<Vec<_>, _> = BundleEntries::new(&bytes)
            .take(usize::from(address.width))
            .map(|entry| entry.map(<[u8]>::to_vec))
            .collect();
        match entries {
            Ok(entries) if entries.len() == usize::from(address.width) => Ok(entries),
            _ => Err(LedgerError::Damaged { path, reason: "its entries do not fill it exactly" }),
        }
    }

    /// One entry and nothing else of the tree.
    pub(crate) fn entry(&self, index: u64) -> Result<Vec<u8>, LedgerError> {
        let beyond = LedgerError::Beyond { index, size: self.size };
        let place = usize::try_from(index % TILE_WIDTH).unwrap_or(usize::MAX);
        if index >= self.size {
            return Err(beyond);
        }
        self.entries(index / TILE_WIDTH)?.into_iter().nth(place).ok_or(beyond)
    }

    /// The right edge of the tree with the entries of the last, partial bundle, checked against each other.
    pub(crate) fn edge(&mut self) -> Result<(TreeEdge, Vec<Vec<u8>>), LedgerError> {
        let mut rows = Vec::new();
        for level in 0..8_u8 {
            let (full, partial) = TileAddress::extent(TileKind::Hashes { level }, self.size);
            if full == 0 && partial == 0 {
                break;
            }
            rows.push(if partial > 0 { self.hashes(level, full)?.to_vec() } else { Vec::new() });
        }
        let (full, partial) = TileAddress::extent(TileKind::Entries, self.size);
        let entries = if partial > 0 { self.entries(full)? } else { Vec::new() };
        let leaves = rows.first().map_or(&[][..], Vec::as_slice);
        if !entries.iter().map(|entry| leaf_hash(entry)).eq(leaves.iter().copied()) {
            let address = TileAddress { kind: TileKind::Entries, index: full, width: partial.max(1) };
            return Err(LedgerError::Damaged {
                path: self.directory.join(address.to_string()),
                reason: "its entries are not those the hash tile beside it names",
            });
        }
        Ok((TreeEdge::from_rows(self.size, rows), entries))
    }
}

/// The hashes in the bytes of a tile; a shorter rest is left out.
pub(crate) fn hashes_of(bytes: &[u8]) -> Vec<Hash> {
    bytes.chunks_exact(HASH_BYTES).filter_map(|chunk| chunk.try_into().ok()).collect()
}

impl SubtreeSource for TileReader {
    type Error = LedgerError;

    fn complete_root(&mut self, height: u32, index: u64) -> Result<Hash, LedgerError> {
        let beyond = LedgerError::Beyond { index, size: self.size };
        let level = u8::try_from(height / 8).unwrap_or(u8::MAX);
        let count = 1_u64 << (height % 8);
        let first = index.saturating_mul(count);
        let hashes = self.hashes(level, first / TILE_WIDTH)?;
        let start = usize::try_from(first % TILE_WIDTH).unwrap_or(usize::MAX);
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let subtree = start.checked_add(count).and_then(|end| hashes.get(start..end));
        subtree.map(perfect_root).ok_or(beyond)
    }
}
