//! Entries that are acknowledged but not published yet: a write-ahead log shared by all organisations, so that one
//! flush acknowledges a group of entries of many logs.
//!
//! A segment is a sequence of groups, one for each commit:
//! `magic[4] || length u32 || body[length] || checksum[16]`, the body a sequence of
//! `organisation[16] || index u64 || length u16 || entry`, all numbers big-endian. The checksum is SHA-256, cut to 16
//! bytes, over the segment's number, the group's offset and all before it, so a group only counts where it was written.
//!
//! A group is written only after the one before it was flushed. A damaged group with nothing intact behind it is
//! therefore an interrupted write that nobody was told about, and is cut off; a damaged group before an intact one is
//! damage. Bit rot that hits exactly the last group cannot be told from an interrupted write; its entries are still
//! in the outbox of whoever keeps events until they are published.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fiducia_policy::OrganizationId;

use crate::error::LedgerError;
use crate::hash::sha256;
use crate::storage::{AppendFile, Fault, Storage, read_bounded};

/// Starts a group; the last character is the version of the format.
const MAGIC: [u8; 4] = *b"FLG1";

const CHECKSUM_BYTES: usize = 16;

/// Magic and length.
const HEADER_BYTES: usize = 8;

/// Longest segment that is read back.
const SEGMENT_BYTES_MAX: u64 = 256 * 1024 * 1024;

const EXTENSION: &str = "pending";

/// One acknowledged entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PendingRecord {
    pub(crate) organization: OrganizationId,
    pub(crate) index: u64,
    pub(crate) entry: Vec<u8>,
}

/// The records of one commit and where they lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) offset: u64,
    pub(crate) records: Vec<PendingRecord>,
}

/// A segment read back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) groups: Vec<Group>,
    /// Where the last intact group ends.
    pub(crate) intact_bytes: u64,
    /// Length of the file.
    pub(crate) bytes: u64,
    /// Whether an intact group lies behind a damaged one.
    pub(crate) damaged_before_intact: bool,
}

fn checksum(number: u64, offset: u64, framed: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut sum = [0; CHECKSUM_BYTES];
    for (to, from) in sum.iter_mut().zip(sha256(&[&number.to_be_bytes(), &offset.to_be_bytes(), framed])) {
        *to = from;
    }
    sum
}

fn encode_group(number: u64, offset: u64, records: &[PendingRecord]) -> Vec<u8> {
    let body: usize = records.iter().map(|record| 26 + record.entry.len()).sum();
    let mut group = Vec::with_capacity(HEADER_BYTES + body + CHECKSUM_BYTES);
    group.extend_from_slice(&MAGIC);
    // Bounded by the limit on bytes that may wait.
    group.extend_from_slice(&u32::try_from(body).unwrap_or(u32::MAX).to_be_bytes());
    for record in records {
        group.extend_from_slice(record.organization.as_bytes());
        group.extend_from_slice(&record.index.to_be_bytes());
        crate::layout::push_bundle_entry(&mut group, &record.entry);
    }
    let sum = checksum(number, offset, &group);
    group.extend_from_slice(&sum);
    group
}

/// Reads the group at the start of `bytes`; gives it with its length.
fn decode_group(number: u64, offset: u64, bytes: &[u8]) -> Option<(Group, usize)> {
    let rest = bytes.strip_prefix(&MAGIC)?;
    let (length, _) = rest.split_first_chunk::<4>()?;
    let framed = HEADER_BYTES.checked_add(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    let (group, after) = bytes.split_at_checked(framed)?;
    let (sum, _) = after.split_first_chunk::<CHECKSUM_BYTES>()?;
    if *sum != checksum(number, offset, group) {
        return None;
    }
    let mut body = group.get(HEADER_BYTES..)?;
    let mut records = Vec::new();
    while !body.is_empty() {
        let (organization, rest) = body.split_first_chunk::<16>()?;
        let (index, rest) = rest.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        records.push(PendingRecord {
            organization: OrganizationId::from_bytes(*organization),
            index: u64::from_be_bytes(*index),
            entry: entry.to_vec(),
        });
        body = rest;
    }
    Some((Group { offset, records }, framed + CHECKSUM_BYTES))
}

fn decode_segment(number: u64, bytes: &[u8]) -> Segment {
    let length = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let mut groups = Vec::new();
    let mut at = 0;
    while let Some((group, read)) = bytes.get(at..).and_then(|rest| decode_group(number, length(at), rest)) {
        groups.push(group);
        at += read;
    }
    let behind = at.saturating_add(1)..bytes.len();
    let damaged_before_intact = behind.into_iter().any(|place| {
        bytes.get(place..).is_some_and(|rest| {
            rest.starts_with(&MAGIC) && decode_group(number, length(place), rest).is_some()
        })
    });
    Segment { groups, intact_bytes: length(at), bytes: length(bytes.len()), damaged_before_intact }
}

/// Path of a segment.
pub(crate) fn segment_path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:020}.{EXTENSION}"))
}

/// Numbers of the segments in `folder`, lowest first. Other files are not ours and are left alone.
pub(crate) fn segment_numbers(folder: &Path) -> Result<Vec<u64>, LedgerError> {
    let list = LedgerError::io("list", folder);
    let mut numbers = Vec::new();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return Err(list(error)),
    };
    for entry in entries {
        let name = entry.map_err(LedgerError::io("list", folder))?.file_name();
        let number = name
            .to_str()
            .and_then(|name| name.strip_suffix(EXTENSION)?.strip_suffix('.')?.parse::<u64>().ok());
        numbers.extend(number);
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Reads a segment back.
pub(crate) fn read_segment(folder: &Path, number: u64) -> Result<Segment, LedgerError> {
    let bytes = read_bounded(&segment_path(folder, number), SEGMENT_BYTES_MAX)?.unwrap_or_default();
    Ok(decode_segment(number, &bytes))
}

/// The segment that is written to and those that wait to be dropped.
pub(crate) struct PendingLog {
    storage: Arc<dyn Storage>,
    folder: PathBuf,
    number: u64,
    file: Box<dyn AppendFile>,
    bytes: u64,
    retired: Vec<u64>,
}

/// How a commit failed.
pub(crate) enum CommitFault {
    /// Nothing is in the file; go on.
    NotWritten(LedgerError),
    /// The file cannot be trusted any more.
    Untrusted(LedgerError),
}

impl PendingLog {
    /// Starts the segment `number` behind `retired` ones.
    pub(crate) fn start(
        storage: Arc<dyn Storage>,
        folder: PathBuf,
        number: u64,
        retired: Vec<u64>,
    ) -> Result<Self, LedgerError> {
        let path = segment_path(&folder, number);
        let mut file = storage.open_append(&path).map_err(LedgerError::io("create", &path))?;
        // A segment of this number can only be a leftover without any acknowledged group.
        file.cut(0).map_err(LedgerError::io("empty", &path))?;
        storage.sync_directory(&folder).map_err(|error| Fault::NotConfirmed(error).on("flush", &folder))?;
        Ok(Self { storage, folder, number, file, bytes: 0, retired })
    }

    /// Makes `records` durable with one flush.
    pub(crate) fn commit(&mut self, records: &[PendingRecord]) -> Result<(), CommitFault> {
        let path = segment_path(&self.folder, self.number);
        let group = encode_group(self.number, self.bytes, records);
        if let Err(error) = self.file.append(&group) {
            let error = LedgerError::io("write", &path)(error);
            return Err(match self.file.cut(self.bytes) {
                Ok(()) => CommitFault::NotWritten(error),
                Err(_) => CommitFault::Untrusted(error),
            });
        }
        if let Err(error) = self.file.sync() {
            // The group must not come back to life on the next start if that can be helped.
            let _ = self.file.cut(self.bytes);
            return Err(CommitFault::Untrusted(Fault::NotConfirmed(error).on("flush", &path)));
        }
        self.bytes += u64::try_from(group.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    /// Goes on in a new segment and gives the numbers of those before it.
    pub(crate) fn rotate(&mut self) -> Result<Vec<u64>, LedgerError> {
        if self.bytes > 0 {
            let mut retired = self.retired.clone();
            retired.push(self.number);
            *self = Self::start(Arc::clone(&self.storage), self.folder.clone(), self.number + 1, retired)?;
        }
        Ok(self.retired.clone())
    }

    /// Forgets and removes segments of which everything is published. A segment that comes back after a power cut
    /// holds only entries below the published size, which are skipped.
    pub(crate) fn drop_retired(&mut self, numbers: &[u64]) -> Result<(), LedgerError> {
        for number in numbers {
            let path = segment_path(&self.folder, *number);
            match self.storage.remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(LedgerError::io("remove", &path)(error));
                }
                _ => self.retired.retain(|retired| retired != number),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(count: u8) -> Vec<PendingRecord> {
        (0..count)
            .map(|number| PendingRecord {
                organization: OrganizationId::from_bytes([number; 16]),
                index: u64::from(number),
                entry: vec![number; usize::from(number)],
            })
            .collect()
    }

    fn segment() -> (Vec<u8>, Vec<usize>) {
        let (mut bytes, mut ends) = (Vec::new(), Vec::new());
        for count in [3, 1, 5] {
            bytes.extend(encode_group(7, bytes.len() as u64, &records(count)));
            ends.push(bytes.len());
        }
        (bytes, ends)
    }

    #[test]
    fn groups_read_back_and_only_where_they_were_written() {
        let (bytes, _) = segment();
        let read = decode_segment(7, &bytes);
        assert_eq!(read.groups.iter().map(|group| group.records.len()).collect::<Vec<_>>(), [3, 1, 5]);
        assert_eq!(read.groups[2].records, records(5));
        assert_eq!((read.intact_bytes, read.damaged_before_intact), (bytes.len() as u64, false));
        assert!(decode_segment(8, &bytes).groups.is_empty(), "another segment");
    }

    #[test]
    fn a_cut_leaves_exactly_the_whole_groups_and_is_no_damage() {
        let (bytes, ends) = segment();
        for cut in 0..=bytes.len() {
            let read = decode_segment(7, &bytes[..cut]);
            assert_eq!(read.groups.len(), ends.iter().filter(|end| **end <= cut).count(), "cut at {cut}");
            assert!(!read.damaged_before_intact);
        }
    }

    #[test]
    fn a_flipped_byte_before_an_intact_group_is_damage() {
        let (bytes, ends) = segment();
        for place in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1;
            let read = decode_segment(7, &flipped);
            let hit = ends.iter().filter(|end| **end <= place).count();
            assert_eq!(read.groups.len(), hit);
            assert_eq!(read.damaged_before_intact, hit < 2, "byte {place}");
        }
    }
}
