//! Roots and proofs over any source of complete subtrees (RFC 6962, section 2.1; verification as in RFC 9162,
//! sections 2.1.3.2 and 2.1.4.2).

use crate::hash::{EMPTY_ROOT, Hash, node_hash};

/// Gives the roots of complete, aligned subtrees. Everything else is computed from them.
pub(crate) trait SubtreeSource {
    /// Why a subtree could not be had.
    type Error;

    /// The root of the leaves `[index * 2^height, (index + 1) * 2^height)`.
    fn complete_root(&mut self, height: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// The largest power of two smaller than `count`, which must be at least 2.
fn split(count: u64) -> u64 {
    1 << count.saturating_sub(1).checked_ilog2().unwrap_or(0)
}

/// MTH of the leaves `[start, end)`; `start` must be where RFC 6962 would cut.
pub(crate) fn range_root<S: SubtreeSource>(source: &mut S, start: u64, end: u64) -> Result<Hash, S::Error> {
    let count = end.saturating_sub(start);
    if count == 0 {
        return Ok(EMPTY_ROOT);
    }
    if count.is_power_of_two() && start.is_multiple_of(count) {
        return source.complete_root(count.trailing_zeros(), start / count);
    }
    let middle = start + split(count);
    let left = range_root(source, start, middle)?;
    let right = range_root(source, middle, end)?;
    Ok(node_hash(&left, &right))
}

/// PATH(index, D[0:size]), from the leaf's sibling to the root. `index` must be below `size`.
pub(crate) fn inclusion_path<S: SubtreeSource>(
    source: &mut S,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, S::Error> {
    let (mut start, mut end) = (0, size);
    let mut path = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(range_root(source, middle, end)?);
            end = middle;
        } else {
            path.push(range_root(source, start, middle)?);
            start = middle;
        }
    }
    path.reverse();
    Ok(path)
}

/// PROOF(old, D[0:size]) (RFC 6962, section 2.1.2). Empty for `old` 0 or equal to `size`.
pub(crate) fn consistency_path<S: SubtreeSource>(
    source: &mut S,
    old: u64,
    size: u64,
) -> Result<Vec<Hash>, S::Error> {
    if old == 0 || old >= size {
        return Ok(Vec::new());
    }
    let (mut start, mut end) = (0, size);
    let mut path = Vec::new();
    while end != old {
        let middle = start + split(end - start);
        if old <= middle {
            path.push(range_root(source, middle, end)?);
            end = middle;
        } else {
            path.push(range_root(source, start, middle)?);
            start = middle;
        }
    }
    // The verifier knows the old root itself, so it is named only when it is not the whole old tree.
    if start != 0 {
        path.push(range_root(source, start, end)?);
    }
    path.reverse();
    Ok(path)
}

/// Whether `path` shows that `leaf` is at `index` of the tree of `size` leaves with this root (RFC 9162, 2.1.3.2).
pub fn verify_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut running = *leaf;
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            running = node_hash(sibling, &running);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            running = node_hash(&running, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && running == *root
}

/// Whether `path` shows that the tree of `size` leaves extends the tree of `old` leaves (RFC 9162, 2.1.4.2).
/// An empty old tree is extended by every tree and needs an empty path.
pub fn verify_consistency(old: u64, old_root: &Hash, size: u64, root: &Hash, path: &[Hash]) -> bool {
    if old > size {
        return false;
    }
    if old == 0 {
        return path.is_empty() && *old_root == EMPTY_ROOT;
    }
    if old == size {
        return path.is_empty() && old_root == root;
    }
    let mut siblings = path.iter();
    let first = if old.is_power_of_two() { Some(old_root) } else { siblings.next() };
    let Some(first) = first else { return false };
    let (mut node, mut last) = (old - 1, size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old_running, mut running) = (*first, *first);
    for sibling in siblings {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old_running = node_hash(sibling, &old_running);
            running = node_hash(sibling, &running);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            running = node_hash(&running, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old_running == *old_root && running == *root
}

/// Leaf hashes in memory as a source of subtrees.
pub(crate) struct LeafHashes<'a>(pub(crate) &'a [Hash]);

/// A leaf that the source does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoSuchLeaf;

impl SubtreeSource for LeafHashes<'_> {
    type Error = NoSuchLeaf;

    fn complete_root(&mut self, height: u32, index: u64) -> Result<Hash, NoSuchLeaf> {
        let count = 1_usize.checked_shl(height).ok_or(NoSuchLeaf)?;
        let start =
            usize::try_from(index).ok().and_then(|index| index.checked_mul(count)).ok_or(NoSuchLeaf)?;
        let leaves = start.checked_add(count).and_then(|end| self.0.get(start..end)).ok_or(NoSuchLeaf)?;
        Ok(perfect_root(leaves))
    }
}

/// The root over a power of two of hashes, all of the same height.
pub(crate) fn perfect_root(hashes: &[Hash]) -> Hash {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row
            .chunks(2)
            .filter_map(|pair| match pair {
                [left, right] => Some(node_hash(left, right)),
                _ => None,
            })
            .collect();
    }
    row.first().copied().unwrap_or(EMPTY_ROOT)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash::{from_hex, leaf_hash, to_hex};

    /// The eight leaves and roots that implementations of RFC 6962 have shared since its reference implementation.
    const LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn bytes(hex: &str) -> Vec<u8> {
        hex.as_bytes()
            .chunks(2)
            .map(|pair| from_hex::<1>(std::str::from_utf8(pair).unwrap()).unwrap()[0])
            .collect()
    }

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    fn root(leaves: &[Hash]) -> Hash {
        range_root(&mut LeafHashes(leaves), 0, leaves.len() as u64).unwrap()
    }

    #[test]
    fn roots_match_the_shared_vectors() {
        let hashes: Vec<Hash> = LEAVES.iter().map(|hex| leaf_hash(&bytes(hex))).collect();
        for (count, expected) in (1..=8).zip(ROOTS) {
            assert_eq!(to_hex(&root(&hashes[..count])), expected, "{count} leaves");
        }
    }

    /// The example of RFC 6962, section 2.1.3: which nodes make the proofs in a tree of seven leaves.
    #[test]
    fn proofs_match_the_worked_example() {
        let leaf = leaves(7);
        let pair = |left: usize| node_hash(&leaf[left], &leaf[left + 1]);
        let (zero_one, two_three, four_five) = (pair(0), pair(2), pair(4));
        let (zero_to_three, four_to_six) =
            (node_hash(&zero_one, &two_three), node_hash(&four_five, &leaf[6]));
        let path = |index| inclusion_path(&mut LeafHashes(&leaf), index, 7).unwrap();
        assert_eq!(path(0), [leaf[1], two_three, four_to_six]);
        assert_eq!(path(3), [leaf[2], zero_one, four_to_six]);
        assert_eq!(path(4), [leaf[5], leaf[6], zero_to_three]);
        assert_eq!(path(6), [four_five, zero_to_three]);
        let proof = |old| consistency_path(&mut LeafHashes(&leaf), old, 7).unwrap();
        assert_eq!(proof(3), [leaf[2], leaf[3], zero_one, four_to_six]);
        assert_eq!(proof(4), [four_to_six]);
        assert_eq!(proof(6), [four_five, leaf[6], zero_to_three]);
    }

    #[test]
    fn every_proof_of_every_small_tree_verifies_and_no_other_place_does() {
        let all = leaves(40);
        for size in 1..=40_u64 {
            let tree = &all[..usize::try_from(size).unwrap()];
            let top = root(tree);
            for index in 0..size {
                let path = inclusion_path(&mut LeafHashes(tree), index, size).unwrap();
                let leaf = &tree[usize::try_from(index).unwrap()];
                assert!(verify_inclusion(leaf, index, size, &path, &top));
                assert!(!verify_inclusion(leaf, (index + 1) % size.max(2), size, &path, &top));
            }
            for old in 0..=size {
                let path = consistency_path(&mut LeafHashes(tree), old, size).unwrap();
                let old_root = root(&tree[..usize::try_from(old).unwrap()]);
                assert!(verify_consistency(old, &old_root, size, &top, &path), "{old} to {size}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_flipped_bit_breaks_every_inclusion_proof(size in 2_u64..600, place in any::<u64>(), bit in 0_usize..256, hash in any::<usize>()) {
            let tree = leaves(size);
            let (top, index) = (root(&tree), place % size);
            let leaf = tree[usize::try_from(index).unwrap()];
            let mut path = inclusion_path(&mut LeafHashes(&tree), index, size).unwrap();
            prop_assert!(verify_inclusion(&leaf, index, size, &path, &top));
            let hit = hash % path.len();
            path[hit][bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!verify_inclusion(&leaf, index, size, &path, &top));
        }

        #[test]
        fn a_flipped_bit_breaks_every_consistency_proof(size in 2_u64..600, place in any::<u64>(), bit in 0_usize..256, hash in any::<usize>()) {
            let tree = leaves(size);
            let old = 1 + place % (size - 1);
            let (old_root, top) = (root(&tree[..usize::try_from(old).unwrap()]), root(&tree));
            let mut path = consistency_path(&mut LeafHashes(&tree), old, size).unwrap();
            prop_assert!(verify_consistency(old, &old_root, size, &top, &path));
            let hit = hash % path.len();
            path[hit][bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!verify_consistency(old, &old_root, size, &top, &path));
        }
    }
}
