//! What verification found, for people.

use std::fmt;
use std::path::PathBuf;

use crate::error::LedgerError;
use crate::hash::Hash;
use crate::layout::{TileAddress, TileKind};

/// One place where a log is not what its checkpoint promises. Paths are those of the files on disk.
#[derive(Debug)]
#[non_exhaustive]
pub enum Finding {
    /// The checkpoint is missing, altered, of another log or not signed by the key.
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: LedgerError,
    },
    /// A file the checkpoint promises is not there.
    Missing {
        /// The file.
        path: PathBuf,
        /// Its place in the tree.
        address: TileAddress,
    },
    /// A file cannot be read.
    Unreadable {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        reason: LedgerError,
    },
    /// A hash tile does not have the length its width says.
    TileLength {
        /// The file.
        path: PathBuf,
        /// Its place in the tree.
        address: TileAddress,
        /// Its length.
        bytes: u64,
    },
    /// A hash in a tile is not what the entries give.
    TileHash {
        /// The file.
        path: PathBuf,
        /// Its place in the tree.
        address: TileAddress,
        /// Which hash in it, from 0.
        hash: u16,
    },
    /// The lengths in a bundle do not divide it into the right number of entries.
    BundleFraming {
        /// The file.
        path: PathBuf,
        /// The entry at which it breaks.
        entry: u64,
        /// Where in the file that entry starts.
        offset: usize,
    },
    /// An entry is not the one the tree was made of.
    Entry {
        /// The bundle.
        path: PathBuf,
        /// Index of the entry.
        entry: u64,
    },
    /// An entry and its leaf hash disagree, and it cannot be told which was altered.
    EntryOrTile {
        /// The bundle.
        path: PathBuf,
        /// The level 0 tile.
        tile: PathBuf,
        /// Index of the entry.
        entry: u64,
    },
    /// Nothing on disk leads to the signed root.
    Root {
        /// The checkpoint.
        path: PathBuf,
        /// What it promises.
        promised: Hash,
        /// What the entries give.
        found: Hash,
    },
    /// A superseded partial file differs from what superseded it.
    StalePartial {
        /// The file.
        path: PathBuf,
        /// Its place in the tree.
        address: TileAddress,
        /// The first byte that differs.
        offset: usize,
    },
    /// A file that has no place in a log.
    Unexpected {
        /// The file.
        path: PathBuf,
    },
    /// A group of pending entries is damaged or was never finished.
    Pending {
        /// The segment.
        path: PathBuf,
        /// Where the group starts.
        offset: u64,
    },
    /// There is more; only so many are listed.
    More,
}

impl fmt::Display for TileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hashes { level } => write!(f, "hash tile, level {level}"),
            Self::Entries => f.write_str("entry bundle"),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint { path, reason } => write!(f, "{}: {reason}", path.display()),
            Self::Unreadable { reason, .. } => write!(f, "{reason}"),
            Self::Missing { path, address } => {
                write!(f, "{}: missing ({}, number {})", path.display(), address.kind, address.index)
            }
            Self::TileLength { path, address, bytes } => write!(
                f,
                "{}: {} has {bytes} bytes instead of {}",
                path.display(),
                address.kind,
                u32::from(address.width) * 32
            ),
            Self::TileHash { path, address, hash } => write!(
                f,
                "{}: altered ({}, number {}, hash {hash}); the entries give another hash",
                path.display(),
                address.kind,
                address.index
            ),
            Self::BundleFraming { path, entry, offset } => {
                write!(
                    f,
                    "{}: altered at or before entry {entry}, byte {offset}: lengths do not fit",
                    path.display()
                )
            }
            Self::Entry { path, entry } => {
                write!(f, "{}: entry {entry} was altered; the tree holds another", path.display())
            }
            Self::EntryOrTile { path, tile, entry } => write!(
                f,
                "{} and {} disagree about entry {entry}; at least one was altered",
                path.display(),
                tile.display()
            ),
            Self::Root { path, promised, found } => write!(
                f,
                "{}: signs root {} but the entries give {}",
                path.display(),
                crate::hash::to_hex(promised),
                crate::hash::to_hex(found)
            ),
            Self::StalePartial { path, offset, .. } => write!(
                f,
                "{}: differs from the wider file that superseded it, first at byte {offset}",
                path.display()
            ),
            Self::Unexpected { path } => write!(f, "{}: no file of a log", path.display()),
            Self::Pending { path, offset } => write!(
                f,
                "{}: the group of pending entries at byte {offset} is damaged or was never finished",
                path.display()
            ),
            Self::More => f.write_str("more findings were left out"),
        }
    }
}

/// A log that is what its checkpoint promises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Which log.
    pub origin: String,
    /// Entries, all of which were hashed.
    pub size: u64,
    /// The signed root, which they give.
    pub root: Hash,
    /// Files that were read.
    pub files_checked: u64,
    /// Files beyond the checkpoint: a publication is under way or was interrupted. What they hold within the tree was
    /// checked, the rest is not promised by anyone yet.
    pub uncovered: Vec<PathBuf>,
}
