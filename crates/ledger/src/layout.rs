//! Where things lie in a log's folder (C2SP tlog-tiles).

use std::fmt;

/// Hashes in a full tile and entries in a full bundle.
pub(crate) const TILE_HASHES: usize = 256;

/// The same as [`TILE_HASHES`], for arithmetic on sizes.
pub(crate) const TILE_WIDTH: u64 = 256;

/// Highest level a tile path may name.
const LEVEL_MAX: u8 = 63;

/// Name of the signed checkpoint within a log's folder.
pub(crate) const CHECKPOINT: &str = "checkpoint";

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Hashes of one level of the tree, 0 for leaf hashes.
    Hashes {
        /// Level 0 to 63; a hash of level `l` covers 256^l leaves.
        level: u8,
    },
    /// The entries themselves, each behind its length as a big-endian u16.
    Entries,
}

/// The name of one tile or entry bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileAddress {
    /// What it holds.
    pub kind: TileKind,
    /// Number within its level, from 0.
    pub index: u64,
    /// How many hashes or entries it holds, 1 to 256; below 256 it is a partial tile.
    pub width: u16,
}

impl TileAddress {
    /// A full tile.
    pub(crate) const fn full(kind: TileKind, index: u64) -> Self {
        Self { kind, index, width: 256 }
    }

    /// The same place in full width.
    pub(crate) const fn filled(self) -> Self {
        Self::full(self.kind, self.index)
    }

    /// Whether the tile is full.
    pub const fn is_full(self) -> bool {
        self.width == 256
    }

    /// How many tiles of this kind the tree of `size` leaves has in full, and the width of the partial one after
    /// them (0 when there is none).
    pub(crate) fn extent(kind: TileKind, size: u64) -> (u64, u16) {
        let level = match kind {
            TileKind::Hashes { level } => u32::from(level),
            TileKind::Entries => 0,
        };
        let hashes = size.checked_shr(8 * level).unwrap_or(0);
        // The remainder is below 256.
        (hashes / TILE_WIDTH, u16::try_from(hashes % TILE_WIDTH).unwrap_or(0))
    }

    /// Path of the folder that holds the partial tiles at this place.
    pub(crate) fn partials_folder(self) -> String {
        format!("{}.p", self.filled())
    }

    /// Reads a path relative to the log's folder; `None` unless it is exactly how [`fmt::Display`] writes a tile.
    pub fn parse(path: &str) -> Option<Self> {
        let rest = path.strip_prefix("tile/")?;
        let (kind, rest) = rest.split_once('/')?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            level => TileKind::Hashes { level: level.parse().ok().filter(|level| *level <= LEVEL_MAX)? },
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, width.parse().ok().filter(|width| (1..256).contains(width))?),
            None => (rest, 256),
        };
        let mut index = 0_u64;
        for group in number.split('/') {
            let digits: u64 = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
            index = index.checked_mul(1_000)?.checked_add(digits)?;
        }
        let address = Self { kind, index, width };
        (address.to_string() == path).then_some(address)
    }
}

impl fmt::Display for TileAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes { level } => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        let mut groups = vec![format!("{:03}", self.index % 1_000)];
        let mut rest = self.index / 1_000;
        while rest > 0 {
            groups.push(format!("x{:03}", rest % 1_000));
            rest /= 1_000;
        }
        groups.reverse();
        f.write_str(&groups.join("/"))?;
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

/// Appends an entry to the bytes of a bundle. The length must have been checked against the entry limit.
pub(crate) fn push_bundle_entry(bundle: &mut Vec<u8>, entry: &[u8]) {
    let length = u16::try_from(entry.len()).unwrap_or(u16::MAX);
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
}

/// Iterates over the entries of a bundle; yields the byte offset as the error where the framing breaks.
pub(crate) struct BundleEntries<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> BundleEntries<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// Where the next entry starts.
    pub(crate) fn offset(&self) -> usize {
        self.offset
    }
}

impl<'a> Iterator for BundleEntries<'a> {
    type Item = Result<&'a [u8], usize>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.offset..)?;
        if rest.is_empty() {
            return None;
        }
        let entry = rest
            .split_first_chunk::<2>()
            .and_then(|(length, after)| after.get(..usize::from(u16::from_be_bytes(*length))));
        let Some(entry) = entry else {
            let broken = self.offset;
            self.offset = self.bytes.len();
            return Some(Err(broken));
        };
        self.offset += 2 + entry.len();
        Some(Ok(entry))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(index: u64, width: u16, path: &str) {
        let address = TileAddress { kind: TileKind::Hashes { level: 0 }, index, width };
        assert_eq!(address.to_string(), path);
        assert_eq!(TileAddress::parse(path), Some(address));
    }

    #[test]
    fn paths_are_those_of_the_specification() {
        check(1_234_067, 256, "tile/0/x001/x234/067");
        check(273, 112, "tile/0/273.p/112");
        check(0, 256, "tile/0/000");
        check(1_000, 256, "tile/0/x001/000");
        assert_eq!(TileAddress::full(TileKind::Entries, 7).to_string(), "tile/entries/007");
        assert_eq!(TileAddress::full(TileKind::Entries, 7).partials_folder(), "tile/entries/007.p");
    }

    #[test]
    fn seventy_thousand_entries_have_the_extents_of_the_specification() {
        let extent = |level| TileAddress::extent(TileKind::Hashes { level }, 70_000);
        assert_eq!((extent(0), extent(1), extent(2), extent(3)), ((273, 112), (1, 17), (0, 1), (0, 0)));
        assert_eq!(TileAddress::extent(TileKind::Entries, 70_000), (273, 112));
    }

    #[test]
    fn other_spellings_are_refused() {
        for path in [
            "tile/64/000",
            "tile/0/0",
            "tile/0/x000/001",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/00/000",
            "tile/0/001/002",
            "tile/0/x001/x002",
            "tile/0/000.p/01",
            "tile/0/+01",
            "tile/data/000",
            "checkpoint",
            "tile/0/000/",
            "tile/0/",
        ] {
            assert_eq!(TileAddress::parse(path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn every_address_round_trips(level in 0_u8..64, index in any::<u64>(), width in 1_u16..=256, entries in any::<bool>()) {
            let kind = if entries { TileKind::Entries } else { TileKind::Hashes { level } };
            let address = TileAddress { kind, index, width };
            prop_assert_eq!(TileAddress::parse(&address.to_string()), Some(address));
        }
    }
}
