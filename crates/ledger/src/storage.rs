//! The file operations the writer needs, as a trait so that tests can make each of them fail.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use crate::error::LedgerError;

/// A failed durable write. The two cases differ in what may be trusted afterwards.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The operation did not happen. It may be tried again.
    Failed(io::Error),
    /// A flush was not confirmed. Trying again would report success for pages the kernel has dropped.
    NotConfirmed(io::Error),
}

impl Fault {
    pub(crate) fn on(self, doing: &'static str, path: &Path) -> LedgerError {
        match self {
            Self::Failed(source) => LedgerError::Io { doing, path: path.to_owned(), source },
            Self::NotConfirmed(source) => LedgerError::NotConfirmed { path: path.to_owned(), source },
        }
    }
}

/// Changes to the file system that must survive power loss.
pub(crate) trait Storage: Send + Sync {
    /// Makes one folder; succeeds when it exists.
    fn create_directory(&self, path: &Path) -> io::Result<()>;
    /// Writes a whole file and flushes it; its name is durable only after [`Storage::sync_directory`].
    fn write_durably(&self, path: &Path, bytes: &[u8]) -> Result<(), Fault>;
    /// Gives a file its final name, replacing what has that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Flushes the names in a folder.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
    /// Removes one file.
    fn remove_file(&self, path: &Path) -> io::Result<()>;
    /// Removes a folder with the files in it.
    fn remove_directory(&self, path: &Path) -> io::Result<()>;
    /// Opens a file for appending, making it when it does not exist.
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn AppendFile>>;
}

/// A file that grows at its end.
pub(crate) trait AppendFile: Send {
    /// Writes all bytes at the end. On an error some of them may be there.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Flushes data and length (fdatasync).
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file back to `length` bytes.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

/// The real file system.
pub(crate) struct Disk;

impl Storage for Disk {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        match fs::create_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }

    fn write_durably(&self, path: &Path, bytes: &[u8]) -> Result<(), Fault> {
        let mut file = File::create(path).map_err(Fault::Failed)?;
        file.write_all(bytes).map_err(Fault::Failed)?;
        file.sync_all().map_err(Fault::NotConfirmed)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        Ok(rustix::fs::fsync(File::open(path)?)?)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn AppendFile>> {
        Ok(Box::new(OpenOptions::new().append(true).create(true).open(path)?))
    }
}

impl AppendFile for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }
}

/// Reads a file of at most `bytes_max` bytes; `None` when it does not exist.
pub(crate) fn read_bounded(path: &Path, bytes_max: u64) -> Result<Option<Vec<u8>>, LedgerError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(LedgerError::io("open", path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes).map_err(LedgerError::io("read", path))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > bytes_max) {
        return Err(LedgerError::Damaged {
            path: path.to_owned(),
            reason: "it is larger than such a file can be",
        });
    }
    Ok(Some(bytes))
}
