//! The right edge of a tree: all that is needed to append and to compute roots, in a few kilobytes.

use crate::hash::{EMPTY_ROOT, Hash, node_hash};
use crate::layout::TILE_HASHES;
use crate::merkle::perfect_root;

/// A hash tile that became full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FullTile {
    /// Level of the tile, 0 for leaf hashes.
    pub(crate) level: u8,
    /// Number of the tile within its level.
    pub(crate) index: u64,
    /// Its 256 hashes.
    pub(crate) hashes: Vec<Hash>,
}

/// For each level the hashes of the tile that is not full yet. A hash enters level `l + 1` only when a tile of level
/// `l` is full, so partial tiles are never hashed upward.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TreeEdge {
    size: u64,
    rows: Vec<Vec<Hash>>,
}

impl TreeEdge {
    /// An edge read back from partial tiles; `rows[l]` must have the width that `size` gives level `l`.
    pub(crate) fn from_rows(size: u64, rows: Vec<Vec<Hash>>) -> Self {
        Self { size, rows }
    }

    /// How many leaves the tree has.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// The hashes of the partial tile at each level, lowest first.
    pub(crate) fn rows(&self) -> &[Vec<Hash>] {
        &self.rows
    }

    /// Adds a leaf hash and hands each tile that becomes full to `on_full`, lowest level first.
    pub(crate) fn push(&mut self, leaf: Hash, mut on_full: impl FnMut(FullTile)) {
        self.size += 1;
        let mut carried = leaf;
        let mut tiles = self.size;
        for level in 0..=u8::MAX {
            let place = usize::from(level);
            if self.rows.len() <= place {
                self.rows.push(Vec::new());
            }
            let Some(row) = self.rows.get_mut(place) else { return };
            row.push(carried);
            if row.len() < TILE_HASHES {
                return;
            }
            let hashes = std::mem::take(row);
            carried = perfect_root(&hashes);
            tiles /= 256;
            on_full(FullTile { level, index: tiles - 1, hashes });
        }
    }

    /// The tree head over all leaves (RFC 6962, section 2.1).
    pub(crate) fn root(&self) -> Hash {
        // From right to left: what lies right of a complete subtree is always smaller than it.
        let mut right: Option<Hash> = None;
        for row in &self.rows {
            let mut rest = row.as_slice();
            let mut subtrees = Vec::new();
            while !rest.is_empty() {
                let count = 1 << rest.len().ilog2();
                let (subtree, after) = rest.split_at(count);
                subtrees.push(perfect_root(subtree));
                rest = after;
            }
            for subtree in subtrees.iter().rev() {
                right = Some(right.map_or(*subtree, |right| node_hash(subtree, &right)));
            }
        }
        right.unwrap_or(EMPTY_ROOT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;
    use crate::merkle::{LeafHashes, range_root};

    #[test]
    fn the_edge_has_the_root_of_the_whole_tree_at_every_size() {
        let mut edge = TreeEdge::default();
        let mut leaves = Vec::new();
        assert_eq!(edge.root(), EMPTY_ROOT);
        for number in 0..1_100_u64 {
            let leaf = leaf_hash(&number.to_be_bytes());
            leaves.push(leaf);
            edge.push(leaf, |_| ());
            assert_eq!(edge.root(), range_root(&mut LeafHashes(&leaves), 0, number + 1).unwrap());
        }
    }

    /// The example of the specification: 70,000 entries.
    #[test]
    fn seventy_thousand_entries_make_the_tiles_of_the_specification() {
        let mut edge = TreeEdge::default();
        let mut full = [0_u64; 3];
        for number in 0..70_000_u64 {
            edge.push(leaf_hash(&number.to_be_bytes()), |tile| {
                assert_eq!(tile.hashes.len(), 256);
                assert_eq!(tile.index, full[usize::from(tile.level)]);
                full[usize::from(tile.level)] += 1;
            });
        }
        assert_eq!(full, [273, 1, 0]);
        let widths: Vec<usize> = edge.rows().iter().map(Vec::len).collect();
        assert_eq!(widths, [112, 17, 1]);
    }
}
