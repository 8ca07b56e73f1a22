//! What can go wrong with the store.

use std::path::{Path, PathBuf};

/// A failure of the store. The texts name files and operations, never content.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk is full.
    #[error(
        "{path}: the disk is full, {operation} was rolled back; nothing that was acknowledged is lost, free some space"
    )]
    Full {
        /// Which file.
        path: PathBuf,
        /// Which transaction.
        operation: &'static str,
    },
    /// A page does not read as SQLite wrote it.
    #[error("{path} is damaged ({detail}); restore this file from a backup, the others are not affected")]
    Corrupt {
        /// Which file.
        path: PathBuf,
        /// What SQLite said.
        detail: String,
    },
    /// The file or its directory cannot be written.
    #[error("{path} cannot be written: {detail}; make the data directory writable for this user")]
    ReadOnly {
        /// Which file.
        path: PathBuf,
        /// What SQLite said.
        detail: String,
    },
    /// The file was written by a newer version of the program.
    #[error(
        "{path} has schema version {found}, this program knows up to {known}; nothing was changed, use the newer program"
    )]
    NewerSchema {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// Reading or writing failed below SQLite.
    #[error("{path}: {operation} failed: {detail}; it was rolled back")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Which transaction.
        operation: &'static str,
        /// What SQLite said.
        detail: String,
    },
    /// Any other refusal of the database.
    #[error("{path}: {operation} was refused: {detail}")]
    Refused {
        /// Which file.
        path: PathBuf,
        /// Which transaction.
        operation: &'static str,
        /// What SQLite said.
        detail: String,
    },
    /// A stored value cannot be what was written.
    #[error("{path} holds an impossible value in {place}; the file is damaged")]
    Impossible {
        /// Which file.
        path: PathBuf,
        /// Table and column.
        place: &'static str,
    },
    /// The write-ahead log could not be emptied because a reader is busy; deleted bytes may linger in it.
    #[error(
        "{path}: a reader kept the write-ahead log busy, so deleted bytes may linger until the next sweep"
    )]
    WalBusy {
        /// Which file.
        path: PathBuf,
    },
}

impl StoreError {
    pub(crate) fn from_sqlite(path: &Path, operation: &'static str, error: &rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let path = path.to_owned();
        let detail = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full { path, operation },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt { path, detail },
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                Self::ReadOnly { path, detail }
            }
            Some(ErrorCode::SystemIoFailure) => Self::Io { path, operation, detail },
            _ => Self::Refused { path, operation, detail },
        }
    }

    pub(crate) fn from_io(path: &Path, operation: &'static str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let (path, detail) = (path.to_owned(), error.to_string());
        match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Self::Full { path, operation },
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => Self::ReadOnly { path, detail },
            _ => Self::Io { path, operation, detail },
        }
    }

    /// Whether the connection may be in an unknown state and must be reopened before it is used again.
    pub fn needs_reopening(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::Corrupt { .. } | Self::Full { .. } | Self::ReadOnly { .. })
    }
}
