//! Commitment to a batch of captured records: one leaf in the log stands for all of them.

use crate::hash::{Hash, leaf_hash};
use crate::merkle::{LeafHashes, inclusion_path, range_root, verify_inclusion};

/// Hashes of a batch as leaves of its own small tree (RFC 6962, section 2.1), so that a record hash can never be
/// taken for an inner node.
fn leaves(record_hashes: &[Hash]) -> Vec<Hash> {
    record_hashes.iter().map(|hash| leaf_hash(hash)).collect()
}

fn length(hashes: &[Hash]) -> u64 {
    u64::try_from(hashes.len()).unwrap_or(u64::MAX)
}

/// The RFC 6962 tree head over the record hashes of one batch, in the order of capture.
pub fn capture_batch_root(record_hashes: &[Hash]) -> Hash {
    let leaves = leaves(record_hashes);
    // A slice holds every leaf below its length, so this source cannot lack one.
    range_root(&mut LeafHashes(&leaves), 0, length(&leaves)).unwrap_or(crate::hash::EMPTY_ROOT)
}

/// The path from record `index` to the batch's root; `None` when the batch has no such record.
pub fn capture_batch_proof(record_hashes: &[Hash], index: usize) -> Option<Vec<Hash>> {
    if index >= record_hashes.len() {
        return None;
    }
    let leaves = leaves(record_hashes);
    inclusion_path(&mut LeafHashes(&leaves), u64::try_from(index).ok()?, length(&leaves)).ok()
}

/// Whether `path` shows that a record with this hash is number `index` of the batch of `count` records with `root`.
pub fn verify_capture(record_hash: &Hash, index: u64, count: u64, path: &[Hash], root: &Hash) -> bool {
    verify_inclusion(&leaf_hash(record_hash), index, count, path, root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{EMPTY_ROOT, node_hash};

    #[test]
    fn roots_hash_record_hashes_as_leaves() {
        let (a, b) = ([1; 32], [2; 32]);
        assert_eq!(capture_batch_root(&[]), EMPTY_ROOT);
        assert_eq!(capture_batch_root(&[a]), leaf_hash(&a));
        assert_eq!(capture_batch_root(&[a, b]), node_hash(&leaf_hash(&a), &leaf_hash(&b)));
    }

    #[test]
    fn every_record_of_a_batch_is_provable_and_a_stranger_is_not() {
        let hashes: Vec<Hash> = (0..23_u8).map(|number| [number; 32]).collect();
        let root = capture_batch_root(&hashes);
        for (index, hash) in hashes.iter().enumerate() {
            let path = capture_batch_proof(&hashes, index).unwrap();
            assert!(verify_capture(hash, index as u64, 23, &path, &root));
            assert!(!verify_capture(&[99; 32], index as u64, 23, &path, &root));
        }
        assert_eq!(capture_batch_proof(&hashes, 23), None);
    }
}
