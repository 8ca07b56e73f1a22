//! Everything that can go wrong with a log, in words for the people who run it.

use std::io;
use std::path::{Path, PathBuf};

use fiducia_policy::OrganizationId;

/// Why the ledger did not do what was asked. Unless a text says otherwise nothing was acknowledged and nothing that
/// was acknowledged before is lost.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// The file system refused an operation other than a flush.
    #[error("could not {doing} {}: {source}. Acknowledged entries are safe; check free space and permissions", path.display())]
    Io {
        /// What was attempted, as a verb.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The disk did not confirm a flush. What lies in the page cache can no longer be trusted.
    #[error(
        "the disk did not confirm writing {}: {source}. The ledger takes no more entries until it is opened again; \
         entries acknowledged before are safe, the ones in this call were not acknowledged", path.display()
    )]
    NotConfirmed {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// An earlier flush failed.
    #[error(
        "the ledger stopped after a failed disk write and takes no more entries; nothing in this call was recorded. \
         Check the disk, then restart"
    )]
    Poisoned,
    /// Another process has the ledger open.
    #[error("{} is in use by another process; only one may write a ledger. Stop the other one first", path.display())]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// More bytes wait for publication than may.
    #[error(
        "{waiting} bytes wait to be published and {bytes_max} may; nothing in this call was recorded. \
         Publish, or look for why publishing fails"
    )]
    Backlog {
        /// Bytes that would wait.
        waiting: usize,
        /// How many may.
        bytes_max: usize,
    },
    /// A call with more entries than one group commit takes.
    #[error(
        "{entries} entries in one commit, at most {entries_max} are taken; nothing was recorded. Use smaller batches"
    )]
    BatchTooLarge {
        /// Entries given.
        entries: usize,
        /// How many may be.
        entries_max: usize,
    },
    /// An entry that does not fit a bundle's 16-bit length.
    #[error(
        "an entry of {bytes} bytes does not fit the log, whose limit is 65535; nothing was recorded. Split the event"
    )]
    EntryTooLarge {
        /// Its length.
        bytes: usize,
    },
    /// An event with a value that leaves may not hold.
    #[error("an event cannot be written as a leaf: {reason}; nothing was recorded")]
    Encoding {
        /// What is wrong with it.
        reason: String,
    },
    /// Bytes that are not a leaf.
    #[error("this entry is not a leaf that this version reads: {reason}. The log itself is not affected")]
    MalformedLeaf {
        /// What is wrong with it.
        reason: String,
    },
    /// A text that cannot be an event id.
    #[error("an event id has 1 to 128 printable ASCII characters without spaces; this one does not")]
    InvalidEventId,
    /// A request to read that cannot be granted.
    #[error("access was not recorded and nothing may be decrypted: {reason}")]
    AccessRefused {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A name or origin that signed notes cannot carry.
    #[error("`{name}` cannot name a log: names are not empty and have no white space and no `+`")]
    InvalidName {
        /// The name.
        name: String,
    },
    /// A key that is neither Ed25519 nor ECDSA P-256, or not in verifier-key form.
    #[error("this is not a log key: {reason}")]
    InvalidKey {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A text that is not a signed note, checkpoint or proof.
    #[error("this is not a {what}: {reason}. Do not trust it")]
    MalformedNote {
        /// What was expected.
        what: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No signature by the expected key.
    #[error(
        "the checkpoint carries no signature by {key}. Do not trust it; check that the key is the right one"
    )]
    NotSigned {
        /// Name of the key.
        key: String,
    },
    /// A signature by the expected key does not fit the text.
    #[error(
        "the signature by {key} does not fit the checkpoint, which was altered or forged. Do not trust it"
    )]
    BadSignature {
        /// Name of the key.
        key: String,
    },
    /// A checkpoint of some other log.
    #[error("the checkpoint is of the log {found}, not of {expected}. Do not trust it for this organisation")]
    OtherOrigin {
        /// The log asked for.
        expected: String,
        /// The log it is of.
        found: String,
    },
    /// The checkpoint on disk cannot be used.
    #[error("{}: {source}. The ledger does not start on it; restore the file from a copy", path.display())]
    Checkpoint {
        /// The checkpoint.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<LedgerError>,
    },
    /// There are tiles but no checkpoint, and the pending entries do not start at the beginning.
    #[error("{} is missing although the log has entries. The ledger does not start; restore the file", path.display())]
    CheckpointMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// The checkpoint on disk is not the one this process wrote.
    #[error("{} was changed by someone else while the ledger was running; nothing was published over it", path.display())]
    CheckpointChanged {
        /// The checkpoint.
        path: PathBuf,
    },
    /// A file that the checkpoint promises is not there.
    #[error("{} is missing although the checkpoint covers {size} entries. Restore the file from a copy", path.display())]
    TileMissing {
        /// The tile or bundle.
        path: PathBuf,
        /// Size of the tree by the checkpoint.
        size: u64,
    },
    /// A file of the log does not hold what it must.
    #[error("{} is damaged: {reason}. Restore the file from a copy; `verify` names the exact place", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A group of pending entries is damaged though later ones are not, so this is no interrupted write.
    #[error(
        "{} is damaged at byte {offset}, before entries that are intact, so entries that were acknowledged may be lost. \
         The ledger does not start; restore the file from a copy", path.display()
    )]
    PendingDamaged {
        /// The segment of pending entries.
        path: PathBuf,
        /// Where the damaged group starts.
        offset: u64,
    },
    /// Pending entries do not follow from what is published or pending before them.
    #[error(
        "{} holds entry {found} of {organization}, but {expected} is the next: entries between are missing or were \
         replaced (group at byte {offset}). The ledger does not start; restore the folder from a copy", path.display()
    )]
    PendingGap {
        /// The segment of pending entries.
        path: PathBuf,
        /// Where the group starts that holds the entry.
        offset: u64,
        /// Whose log.
        organization: OrganizationId,
        /// The index that would follow.
        expected: u64,
        /// The index that was found.
        found: u64,
    },
    /// An entry or tree size that the checkpoint does not cover.
    #[error(
        "{index} is beyond the published tree of {size} entries. Wait for the next checkpoint, or check the number"
    )]
    Beyond {
        /// What was asked for.
        index: u64,
        /// Size of the tree.
        size: u64,
    },
}

impl LedgerError {
    /// For `map_err` on file operations.
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }
}
