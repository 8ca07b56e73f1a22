//! The journal: what a group commit writes and syncs before it is acknowledged.
//!
//! One frame holds everything of a group, so that a commit is one write at the end of a file and one sync, however many
//! rows, trees and files it will touch in the end. A group leaves the journal when its records are filed in their buckets
//! and its facts lie in the ledger; until then the journal is what recovery reads. It holds ciphertext and facts, never
//! a key: those have a file and rules for backups of their own.
//!
//! Frames begin and end at blocks and bypass the page cache where the file system lets them: a commit then costs half the
//! processor time, and what was written is not read again while all goes well.
//!
//! Files are written over instead of being removed or cut, since new names and new blocks cost a sync and more of their
//! own. Numbers tell what is new from what was there before: each frame carries its own and that of the last group that had
//! left the journal. Nothing old stays when [`Journal::release_all`] finds all of it released.

mod frame;

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::StoreError;
use crate::directory::sync_directory;
use crate::outbox::Announcement;
use crate::record::{BucketName, StoredRecord};

pub use frame::JournalGroup;
use frame::{Frame, encode};

/// Length at which a file is full and the next one is begun, in bytes.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Largest buffer that is kept between groups, in bytes.
const BUFFER_BYTES_KEPT: usize = 1024 * 1024;
/// Frames begin at multiples of this, in bytes. It is a multiple of the logical blocks of the devices there are.
const BLOCK_BYTES: usize = 4_096;
/// Largest number of files. Back-pressure keeps a running program far below it.
const FILES_MAX: u32 = 10_000;

/// One file of the journal.
#[derive(Debug)]
struct Slot {
    path: PathBuf,
    file: File,
    /// Whether writes bypass the page cache.
    is_direct: bool,
    /// Where the next frame goes.
    end: u64,
    /// The last group in it; 0 when there is none.
    last_group: u64,
}

/// The journal, open for writing.
#[derive(Debug)]
pub struct Journal {
    directory: PathBuf,
    current: Slot,
    /// Full files, oldest first.
    full: VecDeque<Slot>,
    /// Files whose groups were all released, oldest first.
    free: VecDeque<Slot>,
    last_group: u64,
    released: u64,
    slots: u32,
    buffer: Vec<u8>,
    blocks: Blocks,
    /// A write or sync failed and what it left could not be made void yet.
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
        let mut free = VecDeque::new();
        for number in 0..FILES_MAX {
            let path = path(directory, number);
            if number > 0 && !path.exists() {
                break;
            }
            let slot = Slot::open(path)?;
            slot.empty()?;
            free.push_back(slot);
        }
        sync_directory(directory)?;
        if let Some(parent) = directory.parent() {
            sync_directory(parent)?;
        }
        let slots = u32::try_from(free.len()).unwrap_or(FILES_MAX);
        let current = match free.pop_front() {
            Some(slot) => slot,
            None => Slot::open(path(directory, 0))?,
        };
        Ok(Self {
            directory: directory.to_owned(),
            current,
            full: VecDeque::new(),
            free,
            last_group,
            released: last_group,
            slots,
            buffer: Vec::new(),
            blocks: Blocks::default(),
            uncertain: false,
        })
    }

    /// Gives every group in the files under `directory` that was not released to `each`, oldest first. A group that a
    /// crash cut off was never acknowledged and is not given; one that had just been released may be.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when a file holds something else than was written; whatever `each` fails with.
    pub fn groups<E: From<StoreError>>(
        directory: &Path,
        mut each: impl FnMut(JournalGroup) -> Result<(), E>,
    ) -> Result<(), E> {
        let (mut files, mut released) = (Vec::new(), 0);
        for number in 0..FILES_MAX {
            let path = path(directory, number);
            let Some(bytes) = read(&path)? else { break };
            let frames = frames(&bytes);
            released = frames.iter().map(|frame| frame.released).fold(released, u64::max);
            // Only the order is kept in memory: the files are read again one at a time.
            files.push((frames.first().map_or(0, |frame| frame.number), path));
        }
        files.sort_unstable();
        let mut last = released;
        for (_, path) in files {
            let bytes = read(&path)?.unwrap_or_default();
            let frames = frames(&bytes);
            let end = frames.last().map_or(0, |frame| frame.number).max(released);
            for frame in frames.iter().filter(|frame| frame.number > released) {
                // INVARIANT: numbers follow each other, also from file to file, so that nothing can be missing between.
                if frame.number != last + 1 {
                    return Err(damaged(path).into());
                }
                last = frame.number;
                each(frame.group().ok_or_else(|| damaged(path.clone()))?)?;
            }
            // Each group is on disk before the next is begun: behind one that was cut off there is no later one.
            if Frame::anywhere(behind(&bytes, &frames), end).is_some() {
                return Err(damaged(path).into());
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
            self.current.make_void()?;
            self.uncertain = false;
        }
        if self.current.end >= FILE_BYTES_MAX {
            self.begin_another()?;
        }
        let number = self.last_group + 1;
        self.buffer.clear();
        if !encode(&mut self.buffer, (number, self.released), records, facts) {
            return Err(StoreError::Refused {
                path: self.current.path.clone(),
                operation: "capture",
                detail: "the group is larger than the journal can hold; nothing of it was written".to_owned(),
            });
        }
        let blocks = self.blocks.filled(&self.buffer);
        if let Err(error) = self.current.write(blocks) {
            // Tried again before the next group: a disk that is full or failing may refuse this too.
            self.uncertain = self.current.make_void().is_err();
            return Err(error);
        }
        self.current.end += u64::try_from(blocks.len()).unwrap_or(0);
        self.current.last_group = number;
        self.last_group = number;
        if self.buffer.capacity() > BUFFER_BYTES_KEPT {
            (self.buffer, self.blocks) = (Vec::new(), Blocks::default());
        }
        Ok(number)
    }

    /// The number of the last group.
    pub fn last_group(&self) -> u64 {
        self.last_group
    }

    /// Lets the groups up to `up_to` go: they are filed, and their facts are in the ledger. Files that hold nothing else
    /// are written over from now on.
    pub fn release(&mut self, up_to: u64) {
        self.released = self.released.max(up_to.min(self.last_group));
        while self.full.front().is_some_and(|slot| slot.last_group <= self.released) {
            self.free.extend(self.full.pop_front());
        }
    }

    /// As [`Journal::release`], and when that was all, empties the files, so that no byte of what left stays in them.
    ///
    /// # Errors
    /// When a file cannot be emptied.
    pub fn release_all(&mut self, up_to: u64) -> Result<(), StoreError> {
        self.release(up_to);
        if self.released < self.last_group {
            return Ok(());
        }
        for slot in self.free.iter().chain([&self.current]) {
            slot.empty()?;
        }
        (self.current.end, self.current.last_group) = (0, 0);
        Ok(())
    }

    fn begin_another(&mut self) -> Result<(), StoreError> {
        let mut next = match self.free.pop_front() {
            Some(slot) => slot,
            None => {
                let slot = Slot::open(path(&self.directory, self.slots))?;
                sync_directory(&self.directory)?;
                self.slots += 1;
                slot
            }
        };
        (next.end, next.last_group) = (0, 0);
        self.full.push_back(std::mem::replace(&mut self.current, next));
        Ok(())
    }
}

impl Slot {
    fn open(path: PathBuf) -> Result<Self, StoreError> {
        // Some file systems know no writes around the page cache.
        let opened = open_for_writing(&path, true).map(|file| (file, true));
        let (file, is_direct) = opened
            .or_else(|_| open_for_writing(&path, false).map(|file| (file, false)))
            .map_err(|error| StoreError::from_io(&path, "open the journal", &error))?;
        Ok(Self { path, file, is_direct, end: 0, last_group: 0 })
    }

    fn empty(&self) -> Result<(), StoreError> {
        self.file
            .set_len(0)
            .and_then(|()| self.sync())
            .map_err(|error| StoreError::from_io(&self.path, "empty the journal", &error))
    }

    /// Makes what a failed write may have left behind the last group unreadable, durably.
    fn make_void(&mut self) -> Result<(), StoreError> {
        let mut blocks = Blocks::default();
        self.write_and_sync(blocks.filled(&[0]))
            .map_err(|error| StoreError::from_io(&self.path, "take back a failed capture", &error))
    }

    fn write(&mut self, blocks: &[u8]) -> Result<(), StoreError> {
        self.write_and_sync(blocks).map_err(|error| StoreError::from_io(&self.path, "capture", &error))
    }

    fn write_and_sync(&mut self, blocks: &[u8]) -> std::io::Result<()> {
        let mut written = self.file.write_all_at(blocks, self.end);
        if self.is_direct && written.as_ref().is_err_and(|error| error.kind() == ErrorKind::InvalidInput) {
            // It was opened so and cannot be written so, perhaps because its blocks are larger.
            (self.file, self.is_direct) = (open_for_writing(&self.path, false)?, false);
            written = self.file.write_all_at(blocks, self.end);
        }
        written.and_then(|()| self.sync())
    }

    fn sync(&self) -> std::io::Result<()> {
        if cfg!(feature = "fault-injection") && crate::connection::is_planted("synchronous-off") {
            return Ok(());
        }
        self.file.sync_data()
    }
}

fn open_for_writing(path: &Path, is_direct: bool) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    if is_direct {
        options.custom_flags(i32::try_from(rustix::fs::OFlags::DIRECT.bits()).unwrap_or(0));
    }
    options.open(path)
}

/// Whole blocks at an address that is a multiple of their size, as writes around the page cache need them.
#[derive(Debug, Default)]
struct Blocks {
    bytes: Vec<u8>,
}

impl Blocks {
    /// `content`, and zeros up to the end of its last block.
    fn filled(&mut self, content: &[u8]) -> &[u8] {
        let length = padded(content.len());
        if self.bytes.len() < length + BLOCK_BYTES {
            // Never moved afterwards while it is used: what `resize` gives is asked for its address below.
            self.bytes.resize(length + BLOCK_BYTES, 0);
        }
        let start = self.bytes.as_ptr().align_offset(BLOCK_BYTES).min(BLOCK_BYTES);
        let blocks = self.bytes.get_mut(start..start + length).unwrap_or_default();
        let (place, padding) = blocks.split_at_mut(content.len().min(blocks.len()));
        place.copy_from_slice(content);
        padding.fill(0);
        blocks
    }
}

/// The length of the blocks that hold so many bytes.
const fn padded(bytes: usize) -> usize {
    bytes.div_ceil(BLOCK_BYTES) * BLOCK_BYTES
}

/// A file's bytes, if it is there.
fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StoreError::from_io(path, "read the journal", &error)),
    }
}

/// The frames from the front of a file up to where they end or older ones begin.
fn frames(bytes: &[u8]) -> Vec<Frame<'_>> {
    let (mut frames, mut rest, mut last) = (Vec::new(), bytes, 0);
    while let Some(frame) = Frame::at_front(rest).filter(|frame| frame.number > last) {
        (last, rest) = (frame.number, rest.get(padded(frame.length())..).unwrap_or_default());
        frames.push(frame);
    }
    frames
}

/// What stands in a file behind its frames.
fn behind<'a>(bytes: &'a [u8], frames: &[Frame<'_>]) -> &'a [u8] {
    bytes.get(frames.iter().map(|frame| padded(frame.length())).sum()..).unwrap_or_default()
}

fn path(directory: &Path, number: u32) -> PathBuf {
    directory.join(format!("{number:04}.journal"))
}

fn damaged(path: PathBuf) -> StoreError {
    let detail = "a group in it is not what was written".to_owned();
    StoreError::Corrupt { path, detail }
}
