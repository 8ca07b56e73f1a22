//! The journal: what a group commit writes and syncs before it is acknowledged.
//!
//! One frame holds everything of a group, so that a commit is one write at the end of a file and one sync, however many
//! rows, trees and files it will touch in the end. A group leaves the journal when its records are filed in their buckets
//! and its facts lie in the ledger; until then the journal is what recovery reads. It holds ciphertext and facts, never
//! a key: those have a file and rules for backups of their own.
//!
//! Files are used again instead of being removed, since a new name in a directory costs a sync of its own. A file whose
//! groups have all left is cut to nothing.

mod frame;

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::StoreError;
use crate::outbox::Announcement;
use crate::records::{BucketName, StoredRecord};

pub use frame::JournalGroup;
use frame::{Found, encode};

/// Length at which a file is full and the next one is begun, in bytes.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Largest buffer that is kept between groups, in bytes.
const BUFFER_BYTES_KEPT: usize = 1024 * 1024;
/// Largest number of files. Back-pressure keeps a running program far below it.
const FILES_MAX: u32 = 10_000;

/// One file of the journal.
#[derive(Debug)]
struct Slot {
    path: PathBuf,
    file: File,
    length: u64,
    /// The last group in it; 0 when there is none.
    last_group: u64,
}

/// Whether a change must be on disk when it returns.
#[derive(Debug, Clone, Copy)]
enum Sync {
    Now,
    Later,
}

/// The journal, open for writing.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    current: Slot,
    /// Full files, oldest first.
    full: VecDeque<Slot>,
    free: Vec<Slot>,
    last_group: u64,
    slots: u32,
    buffer: Vec<u8>,
    /// A write or sync failed and what it left could not be taken back yet.
    uncertain: bool,
}

impl Journal {
    /// Opens the journal under `directory`, creating it when needed. Groups are numbered after `last_group`.
    ///
    /// What the files held is given up: read it with [`Journal::groups`] first.
    ///
    /// # Errors
    /// When the files cannot be written.
    pub fn open(directory: &Path, last_group: u64) -> Result<Self, StoreError> {
        let at = |operation| move |error: std::io::Error| StoreError::from_io(directory, operation, &error);
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(at("create"))?;
        let mut free = Vec::new();
        for number in 0..FILES_MAX {
            let path = path(directory, number);
            if number > 0 && !path.exists() {
                break;
            }
            let slot = Slot::create(path)?;
            free.push(slot);
        }
        sync_directory(directory)?;
        if let Some(parent) = directory.parent() {
            sync_directory(parent)?;
        }
        let slots = u32::try_from(free.len()).unwrap_or(FILES_MAX);
        free.reverse();
        let current = match free.pop() {
            Some(slot) => slot,
            None => Slot::create(path(directory, 0))?,
        };
        let directory = directory.to_owned();
        let (full, buffer) = (VecDeque::new(), Vec::new());
        Ok(Self { directory, current, full, free, last_group, slots, buffer, uncertain: false })
    }

    /// Gives every group in the files under `directory` to `each`, oldest first. A group that a crash cut off was never
    /// acknowledged and is not given.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a file holds something else than was written; whatever `each` fails with.
    pub fn groups<E: From<StoreError>>(
        directory: &Path,
        mut each: impl FnMut(JournalGroup) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut files = Vec::new();
        for number in 0..FILES_MAX {
            let path = path(directory, number);
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => break,
                Err(error) => return Err(StoreError::from_io(&path, "read", &error).into()),
            };
            if let Some(first) = frame::first_number(&bytes) {
                // Only the order is kept in memory: the files are read again one at a time.
                files.push((first, path));
            } else if frame::another_follows(&bytes) {
                return Err(damaged(path).into());
            }
        }
        files.sort_unstable();
        let last = files.len();
        for (place, (_, path)) in files.into_iter().enumerate() {
            let bytes = fs::read(&path).map_err(|error| StoreError::from_io(&path, "read", &error))?;
            let mut rest = bytes.as_slice();
            loop {
                match frame::decode(rest, place + 1 == last) {
                    Found::Group(group, length) => {
                        rest = rest.get(length..).unwrap_or_default();
                        each(*group)?;
                    }
                    Found::End => break,
                    Found::Damaged => return Err(damaged(path).into()),
                }
            }
        }
        Ok(())
    }

    /// Writes a group and syncs it. When this gives a number, the group is on disk.
    ///
    /// # Errors
    /// When the disk is full or fails. The group is then not in the journal, or will be taken out before anything else
    /// is written.
    pub fn append(
        &mut self,
        records: &[(BucketName, StoredRecord)],
        facts: &[Announcement],
    ) -> Result<u64, StoreError> {
        if self.uncertain {
            self.current.cut(self.current.length)?;
            self.uncertain = false;
        }
        if self.current.length >= FILE_BYTES_MAX {
            self.begin_another()?;
        }
        let number = self.last_group + 1;
        self.buffer.clear();
        if !encode(&mut self.buffer, number, records, facts) {
            return Err(StoreError::Refused {
                path: self.current.path.clone(),
                operation: "capture",
                detail: "the group is larger than the journal can hold; nothing of it was written".to_owned(),
            });
        }
        if let Err(error) = self.current.write(&self.buffer) {
            self.uncertain = true;
            // Tried again before the next group: a disk that is full or failing may refuse this too.
            if self.current.cut(self.current.length).is_ok() {
                self.uncertain = false;
            }
            return Err(error);
        }
        self.current.length += u64::try_from(self.buffer.len()).unwrap_or(0);
        self.current.last_group = number;
        self.last_group = number;
        if self.buffer.capacity() > BUFFER_BYTES_KEPT {
            self.buffer = Vec::new();
        }
        Ok(number)
    }

    /// The number of the last group.
    pub fn last_group(&self) -> u64 {
        self.last_group
    }

    /// Lets the groups up to `up_to` go: they are filed, and their facts are in the ledger. Files that hold nothing else
    /// are emptied.
    ///
    /// # Errors
    /// When a file cannot be emptied; it is tried again the next time.
    pub fn release(&mut self, up_to: u64) -> Result<(), StoreError> {
        while self.full.front().is_some_and(|slot| slot.last_group <= up_to) {
            let Some(mut slot) = self.full.pop_front() else { break };
            // Not synced: should a crash bring the groups back, recovery finds them filed and logged.
            match slot.empty(Sync::Later) {
                Ok(()) => self.free.push(slot),
                Err(error) => {
                    self.full.push_front(slot);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// As [`Journal::release`], and also empties the file that is being written when nothing else is in it, so that no
    /// byte of what left stays in the journal.
    ///
    /// # Errors
    /// When a file cannot be emptied.
    pub fn release_all(&mut self, up_to: u64) -> Result<(), StoreError> {
        self.release(up_to)?;
        if self.current.length > 0 && self.current.last_group <= up_to {
            self.current.empty(Sync::Now)?;
        }
        for slot in &self.free {
            slot.sync().map_err(|error| StoreError::from_io(&slot.path, "empty the journal", &error))?;
        }
        Ok(())
    }

    fn begin_another(&mut self) -> Result<(), StoreError> {
        let next = match self.free.pop() {
            Some(slot) => slot,
            None => {
                let slot = Slot::create(path(&self.directory, self.slots))?;
                sync_directory(&self.directory)?;
                self.slots += 1;
                slot
            }
        };
        self.full.push_back(std::mem::replace(&mut self.current, next));
        Ok(())
    }
}

impl Slot {
    /// Opens or creates an empty file.
    fn create(path: PathBuf) -> Result<Self, StoreError> {
        let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
        let file = opened.map_err(|error| StoreError::from_io(&path, "open the journal", &error))?;
        let mut slot = Self { path, file, length: 0, last_group: 0 };
        slot.empty(Sync::Now)?;
        Ok(slot)
    }

    fn empty(&mut self, sync: Sync) -> Result<(), StoreError> {
        match sync {
            Sync::Now => self.cut(0)?,
            Sync::Later => self
                .file
                .set_len(0)
                .map_err(|error| StoreError::from_io(&self.path, "empty the journal", &error))?,
        }
        (self.length, self.last_group) = (0, 0);
        Ok(())
    }

    /// Takes everything behind `length` out of the file, durably.
    fn cut(&self, length: u64) -> Result<(), StoreError> {
        self.file
            .set_len(length)
            .and_then(|()| self.sync())
            .map_err(|error| StoreError::from_io(&self.path, "shorten the journal", &error))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file
            .write_all(bytes)
            .and_then(|()| self.sync())
            .map_err(|error| StoreError::from_io(&self.path, "capture", &error))
    }

    fn sync(&self) -> std::io::Result<()> {
        if cfg!(feature = "fault-injection") && crate::connection::is_planted("synchronous-off") {
            return Ok(());
        }
        self.file.sync_data()
    }
}

fn path(directory: &Path, number: u32) -> PathBuf {
    directory.join(format!("{number:04}.journal"))
}

fn sync_directory(directory: &Path) -> Result<(), StoreError> {
    File::open(directory)
        .and_then(|file| file.sync_all())
        .map_err(|error| StoreError::from_io(directory, "sync the directory", &error))
}

fn damaged(path: PathBuf) -> StoreError {
    let detail = "a group in it is not what was written".to_owned();
    StoreError::Corrupt { path, detail }
}
