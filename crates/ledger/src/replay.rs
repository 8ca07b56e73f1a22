//! Replaying a log from its first byte: every entry in its order, and what the tree was at each size that somebody remembers.
//!
//! [`crate::verify_log`] says whether files are what a checkpoint signs. A replay asks the entries themselves, once, and
//! gives the root at any smaller size on the way: two checkpoints of one log agree exactly when both roots come out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fiducia_policy::OrganizationId;

use crate::edge::TreeEdge;
use crate::error::LedgerError;
use crate::hash::{Hash, leaf_hash};
use crate::pending::{read_segment, segment_numbers};
use crate::reader::LogReader;

/// Hands every entry under the reader's checkpoint to `each`, oldest first, in the memory of one bundle. Gives the root of the
/// tree at each of `sizes` that the log has reached, and at its own size.
///
/// # Errors
/// When a bundle is missing or damaged, or `each` fails. Whether the last root is the signed one is for the caller to say.
pub fn replay_log<E: From<LedgerError>>(
    reader: &LogReader,
    sizes: &BTreeSet<u64>,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), E>,
) -> Result<BTreeMap<u64, Hash>, E> {
    let mut tree = TreeEdge::default();
    let mut roots = BTreeMap::new();
    let end = reader.checkpoint().size;
    let wanted = |size: u64| size == end || sizes.contains(&size);
    if wanted(0) {
        roots.insert(0, tree.root());
    }
    for entry in reader.entries(0) {
        let (index, bytes) = entry?;
        tree.push(leaf_hash(&bytes), drop);
        if wanted(tree.size()) {
            roots.insert(tree.size(), tree.root());
        }
        each(index, &bytes)?;
    }
    Ok(roots)
}

/// An acknowledged entry that lies in a pending segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingEntry {
    /// Whose log.
    pub organization: OrganizationId,
    /// The index that it has or gets there.
    pub index: u64,
    /// Its bytes.
    pub entry: Vec<u8>,
}

/// The entries in the pending segments under a ledger's root: acknowledged, and perhaps published meanwhile. Safe beside a
/// running writer, which drops a segment only once a checkpoint covers it. At most
/// [`crate::WAITING_BYTES_MAX`] bytes wait at a time.
///
/// # Errors
/// When the segments cannot be read. What is behind damage is left out; [`crate::verify_pending`] names it.
pub fn waiting_entries(root: &Path) -> Result<Vec<WaitingEntry>, LedgerError> {
    let folder = root.join("pending");
    let mut found = Vec::new();
    if !folder.exists() {
        return Ok(found);
    }
    for number in segment_numbers(&folder)? {
        let groups = read_segment(&folder, number)?.groups;
        found.extend(groups.into_iter().flat_map(|group| group.records).map(|record| WaitingEntry {
            organization: record.organization,
            index: record.index,
            entry: record.entry,
        }));
    }
    Ok(found)
}
