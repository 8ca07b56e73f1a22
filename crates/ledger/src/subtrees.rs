//! Which leaves each hash of a proof stands for: what a proof looks like to somebody who wants to see it.
//!
//! The hashes themselves come from [`crate::LogReader`]; here is only the shape, which follows from the sizes alone.

/// The leaves `start..end` of a tree, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LeafRange {
    /// The first.
    pub start: u64,
    /// Behind the last.
    pub end: u64,
}

impl LeafRange {
    /// How many leaves there are.
    pub const fn count(self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// The last leaf.
    pub const fn last(self) -> u64 {
        self.end.saturating_sub(1)
    }
}

/// One step of the way from a leaf to the root: what is known is joined with a hash of the proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PathStep {
    /// The leaves that the proof's hash stands for.
    pub sibling: LeafRange,
    /// Whether they lie before those that are known.
    pub sibling_is_left: bool,
    /// The leaves that both stand for together.
    pub joined: LeafRange,
}

/// The largest power of two smaller than `count`, which must be at least 2.
fn split(count: u64) -> u64 {
    1 << count.saturating_sub(1).checked_ilog2().unwrap_or(0)
}

/// The steps of the inclusion proof of leaf `index` in a tree of `size` leaves, one for each of its hashes, from the leaf to the
/// root. None where there is no such leaf.
pub fn inclusion_steps(index: u64, size: u64) -> Vec<PathStep> {
    let mut steps = Vec::new();
    if index >= size {
        return steps;
    }
    let mut joined = LeafRange { start: 0, end: size };
    while joined.count() > 1 {
        let middle = joined.start + split(joined.count());
        let left = LeafRange { start: joined.start, end: middle };
        let right = LeafRange { start: middle, end: joined.end };
        let sibling_is_left = index >= middle;
        let (sibling, known) = if sibling_is_left { (left, right) } else { (right, left) };
        steps.push(PathStep { sibling, sibling_is_left, joined });
        joined = known;
    }
    steps.reverse();
    steps
}

/// The leaves that each hash of the consistency proof from `old` to `size` leaves stands for, in the order of the proof. Where the
/// old tree is one whole subtree its root is not among them, because whoever verifies knows it. Together with it they are
/// the whole tree, and none overlaps another.
pub fn consistency_parts(old: u64, size: u64) -> Vec<LeafRange> {
    let mut parts = Vec::new();
    if old == 0 || old >= size {
        return parts;
    }
    let mut range = LeafRange { start: 0, end: size };
    while range.end != old {
        let middle = range.start + split(range.count());
        if old <= middle {
            parts.push(LeafRange { start: middle, end: range.end });
            range.end = middle;
        } else {
            parts.push(LeafRange { start: range.start, end: middle });
            range.start = middle;
        }
    }
    if range.start != 0 {
        parts.push(range);
    }
    parts.reverse();
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash::{Hash, leaf_hash, node_hash};
    use crate::merkle::{LeafHashes, consistency_path, inclusion_path, range_root};

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    fn root(leaves: &[Hash], range: LeafRange) -> Hash {
        range_root(&mut LeafHashes(leaves), range.start, range.end).unwrap()
    }

    #[test]
    fn the_worked_example_has_the_ranges_of_its_drawing() {
        // RFC 6962, section 2.1.3: leaf 0 of 7 is proven by leaf 1, leaves 2 and 3, and leaves 4 to 6.
        let range = |start, end| LeafRange { start, end };
        let siblings: Vec<_> = inclusion_steps(0, 7).iter().map(|step| step.sibling).collect();
        assert_eq!(siblings, [range(1, 2), range(2, 4), range(4, 7)]);
        assert_eq!(consistency_parts(3, 7), [range(2, 3), range(3, 4), range(0, 2), range(4, 7)]);
        assert_eq!(consistency_parts(4, 7), [range(4, 7)]);
        assert_eq!(consistency_parts(0, 7), []);
        assert_eq!(inclusion_steps(7, 7), []);
    }

    proptest! {
        #[test]
        fn every_step_stands_for_the_leaves_that_its_hash_is_of(size in 1_u64..400, place in any::<u64>()) {
            let (tree, index) = (leaves(size), place % size);
            let path = inclusion_path(&mut LeafHashes(&tree), index, size).unwrap();
            let steps = inclusion_steps(index, size);
            prop_assert_eq!(steps.len(), path.len());
            let mut known = tree[usize::try_from(index).unwrap()];
            for (step, hash) in steps.iter().zip(&path) {
                prop_assert_eq!(*hash, root(&tree, step.sibling));
                known = if step.sibling_is_left { node_hash(hash, &known) } else { node_hash(&known, hash) };
                prop_assert_eq!(known, root(&tree, step.joined));
            }
            prop_assert_eq!(known, root(&tree, LeafRange { start: 0, end: size }));
        }

        #[test]
        fn the_parts_of_a_consistency_proof_cover_the_tree_once(size in 1_u64..400, place in any::<u64>()) {
            let (tree, old) = (leaves(size), place % (size + 1));
            let path = consistency_path(&mut LeafHashes(&tree), old, size).unwrap();
            let mut parts = consistency_parts(old, size);
            prop_assert_eq!(parts.len(), path.len());
            for (part, hash) in parts.iter().zip(&path) {
                prop_assert_eq!(*hash, root(&tree, *part));
                // None lies on both sides of the old tree's end.
                prop_assert!(part.end <= old || part.start >= old);
            }
            if old > 0 && old < size {
                if old.is_power_of_two() {
                    parts.push(LeafRange { start: 0, end: old });
                }
                parts.sort_by_key(|part| part.start);
                prop_assert_eq!(parts.first().unwrap().start, 0);
                prop_assert_eq!(parts.last().unwrap().end, size);
                prop_assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
            }
        }
    }
}
