//! The data directory and its lock.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::StoreError;

/// The data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// It cannot be created or written.
    #[error(
        "the data directory {path} cannot be used: {detail}; give this user write permission, or choose another directory"
    )]
    Unusable {
        /// Which directory.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// Another process has it.
    #[error(
        "the data directory {path} is in use by another process ({holder}); stop that one first, two writers would lose data"
    )]
    InUse {
        /// Which directory.
        path: PathBuf,
        /// Process id of the holder, as far as known.
        holder: String,
    },
    /// Others may read it.
    #[error("the data directory {path} may be read by others (mode {mode:04o}); run `chmod 700` on it")]
    Exposed {
        /// Which directory.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
}

/// The data directory, locked for this process until dropped.
#[derive(Debug)]
pub struct DataDirectory {
    root: PathBuf,
    _lock: File,
}

impl DataDirectory {
    /// Creates the directory (mode 0700) if needed and takes its lock.
    ///
    /// # Errors
    /// When it cannot be written, is open to others, or another process holds it.
    pub fn lock(root: &Path) -> Result<Self, DirectoryError> {
        let unusable = |error: std::io::Error| DirectoryError::Unusable {
            path: root.to_owned(),
            detail: error.to_string(),
        };
        DirBuilder::new().recursive(true).mode(0o700).create(root).map_err(unusable)?;
        let mode = fs::metadata(root).map_err(unusable)?.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(DirectoryError::Exposed { path: root.to_owned(), mode });
        }
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(root.join("LOCK"))
            .map_err(unusable)?;
        if let Err(refused) = lock.try_lock() {
            return Err(match refused {
                fs::TryLockError::WouldBlock => {
                    let mut holder = String::new();
                    // The holder's id is only a courtesy: an unreadable lock file must not hide the message.
                    let _ = lock.take(32).read_to_string(&mut holder);
                    DirectoryError::InUse {
                        path: root.to_owned(),
                        holder: format!("process {}", holder.trim()),
                    }
                }
                fs::TryLockError::Error(error) => unusable(error),
            });
        }
        lock.set_len(0)
            .and_then(|()| lock.rewind())
            .and_then(|()| writeln!(lock, "{}", std::process::id()))
            .map_err(unusable)?;
        DirBuilder::new().recursive(true).mode(0o700).create(root.join("records")).map_err(unusable)?;
        // A new directory entry is durable only after its directory was synced.
        File::open(root).and_then(|directory| directory.sync_all()).map_err(unusable)?;
        Ok(Self { root: root.to_owned(), _lock: lock })
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where control data is.
    pub fn control(root: &Path) -> PathBuf {
        root.join("control.db")
    }

    /// Where the activity feed is.
    pub fn activities(root: &Path) -> PathBuf {
        root.join("activities.db")
    }

    /// Where the key graph is.
    pub fn keys(root: &Path) -> PathBuf {
        root.join("keys.db")
    }

    /// Where the records are.
    pub fn records(root: &Path) -> PathBuf {
        root.join("records")
    }

    /// Where the journal is.
    pub fn journal(root: &Path) -> PathBuf {
        root.join("journal")
    }

    /// Where the logs are.
    pub fn ledger(root: &Path) -> PathBuf {
        root.join("ledger")
    }

    /// Where files lie that were made for people who asked for their data, each sealed for its reader.
    pub fn exports(root: &Path) -> PathBuf {
        root.join("exports")
    }

    /// The socket by which commands reach a running server.
    pub fn admin_socket(root: &Path) -> PathBuf {
        root.join("admin.sock")
    }
}

/// Makes the names in a directory durable.
pub(crate) fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    File::open(directory)
        .and_then(|file| file.sync_all())
        .map_err(|error| StoreError::from_io(directory, "sync the directory", &error))
}
