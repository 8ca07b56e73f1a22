//! The layout of one group in the journal, version 2.
//!
//! A frame is a header and a payload, all numbers big-endian:
//!
//! ```text
//! header   magic "FIDJRNL2" (8) · group number (8) · last released group (8) · payload length (4) · CRC-32 (4)
//! payload  records: count (4), then each · facts: count (4), then each
//! ```
//!
//! Version 1 (`FIDJRNL1`) ended each record before its workspace. It is read, so that what an earlier program wrote and did not file
//! is not lost.
//!
//! The checksum covers the numbers, the length and the payload. It tells a frame that a crash cut off from one that was
//! written whole, and is no protection against an attacker: that is what each record's authenticated encryption is for.

use fiducia_policy::{
    ConversationId, ExchangeId, KeyId, OrganizationId, PolicyVersion, RecordId, SubjectId, Timestamp,
    WorkspaceId,
};

use crate::outbox::Announcement;
use crate::record::{BucketName, CaptureTerms, RecordKind, StoredRecord, StoredWrap};

const MAGIC: [u8; 8] = *b"FIDJRNL2";
/// The magic of version 1.
const MAGIC_1: [u8; 8] = *b"FIDJRNL1";
/// Bytes before the payload.
const HEADER_BYTES: usize = 32;

/// What one group commit wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalGroup {
    /// Its number: larger than that of every group before it.
    pub number: u64,
    /// Records with the buckets they belong to.
    pub records: Vec<(BucketName, StoredRecord)>,
    /// Facts that must reach the ledger.
    pub facts: Vec<Announcement>,
}

/// A frame that was written whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'a> {
    pub(super) number: u64,
    /// The last group that had left the journal when this was written.
    pub(super) released: u64,
    /// Whether its records say their workspace.
    has_workspaces: bool,
    payload: &'a [u8],
}

/// Appends the frame of a group to `buffer`. Gives `false`, and leaves the buffer as it was, when the group is larger
/// than a frame can say.
pub(super) fn encode(
    buffer: &mut Vec<u8>,
    (number, released): (u64, u64),
    records: &[(BucketName, StoredRecord)],
    facts: &[Announcement],
) -> bool {
    let start = buffer.len();
    buffer.resize(start + HEADER_BYTES, 0);
    let whole = put_list(buffer, records, |buffer, (bucket, record)| put_record(buffer, bucket, record))
        && put_list(buffer, facts, put_fact);
    let header = whole.then(|| {
        buffer.get(start + HEADER_BYTES..).and_then(|payload| header(MAGIC, (number, released), payload))
    });
    let (Some(Some(header)), Some(place)) = (header, buffer.get_mut(start..start + HEADER_BYTES)) else {
        buffer.truncate(start);
        return false;
    };
    place.copy_from_slice(&header);
    true
}

/// The header of a frame; `None` when the payload is larger than a header can say.
fn header(magic: [u8; 8], (number, released): (u64, u64), payload: &[u8]) -> Option<[u8; HEADER_BYTES]> {
    let mut header = [0; HEADER_BYTES];
    let (numbers, checksum) = header.split_at_mut_checked(HEADER_BYTES - 4)?;
    let length = u32::try_from(payload.len()).ok()?;
    let parts = [&magic[..], &number.to_be_bytes(), &released.to_be_bytes(), &length.to_be_bytes()];
    numbers.copy_from_slice(&parts.concat());
    checksum.copy_from_slice(&checksum_of(numbers, payload).to_be_bytes());
    Some(header)
}

fn checksum_of(numbers: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(numbers);
    hasher.update(payload);
    hasher.finalize()
}

impl<'a> Frame<'a> {
    /// The frame at the front of `bytes`, if it is there whole.
    pub(super) fn at_front(bytes: &'a [u8]) -> Option<Self> {
        let (numbers, rest) = bytes.split_at_checked(HEADER_BYTES - 4)?;
        let mut cursor = Cursor(numbers);
        let magic = cursor.fixed::<8>()?;
        if ![MAGIC, MAGIC_1].contains(&magic) {
            return None;
        }
        let has_workspaces = magic == MAGIC;
        let (number, released) = (u64::from_be_bytes(cursor.fixed()?), u64::from_be_bytes(cursor.fixed()?));
        let length = u32::from_be_bytes(cursor.fixed()?);
        let mut cursor = Cursor(rest);
        let expected = u32::from_be_bytes(cursor.fixed()?);
        let payload = cursor.take(usize::try_from(length).ok()?)?;
        (checksum_of(numbers, payload) == expected).then_some(Self {
            number,
            released,
            has_workspaces,
            payload,
        })
    }

    /// Bytes of header and payload.
    pub(super) fn length(&self) -> usize {
        HEADER_BYTES + self.payload.len()
    }

    /// The first whole frame anywhere in `bytes` with a number above `above`.
    pub(super) fn anywhere(bytes: &'a [u8], above: u64) -> Option<Self> {
        let is_magic = |window: &[u8]| window == MAGIC || window == MAGIC_1;
        let mut places = bytes.windows(MAGIC.len()).enumerate().filter(|(_, window)| is_magic(window));
        places.find_map(|(place, _)| {
            let frame = Self::at_front(bytes.get(place..)?)?;
            (frame.number > above).then_some(frame)
        })
    }

    /// The group in it; `None` when the payload is not one, whatever the checksum says.
    pub(super) fn group(&self) -> Option<JournalGroup> {
        let mut cursor = Cursor(self.payload);
        let records = cursor.list(|cursor| cursor.record(self.has_workspaces))?;
        let facts = cursor.list(Cursor::fact)?;
        cursor.0.is_empty().then_some(JournalGroup { number: self.number, records, facts })
    }
}

fn put_list<T>(buffer: &mut Vec<u8>, items: &[T], put: impl Fn(&mut Vec<u8>, &T) -> bool) -> bool {
    let Ok(count) = u32::try_from(items.len()) else { return false };
    buffer.extend_from_slice(&count.to_be_bytes());
    items.iter().all(|item| put(buffer, item))
}

fn put_bytes(buffer: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let Ok(length) = u32::try_from(bytes.len()) else { return false };
    buffer.extend_from_slice(&length.to_be_bytes());
    buffer.extend_from_slice(bytes);
    true
}

fn put_optional<T>(
    buffer: &mut Vec<u8>,
    value: Option<&T>,
    put: impl FnOnce(&mut Vec<u8>, &T) -> bool,
) -> bool {
    buffer.push(u8::from(value.is_some()));
    value.is_none_or(|value| put(buffer, value))
}

fn put_wrap(buffer: &mut Vec<u8>, wrap: &StoredWrap) -> bool {
    buffer.extend_from_slice(wrap.parent.as_bytes());
    put_bytes(buffer, &wrap.wrap)
}

fn put_digest(buffer: &mut Vec<u8>, digest: &[u8; 32]) -> bool {
    buffer.extend_from_slice(digest);
    true
}

fn put_record(buffer: &mut Vec<u8>, bucket: &BucketName, record: &StoredRecord) -> bool {
    for id in [
        record.id.as_bytes(),
        record.exchange.as_bytes(),
        record.organization.as_bytes(),
        record.subject.as_bytes(),
        record.conversation.as_bytes(),
        record.batch.as_bytes(),
    ] {
        buffer.extend_from_slice(id);
    }
    buffer.push(record.kind.code());
    buffer.push(u8::from(record.terms.covered));
    buffer.extend_from_slice(&record.terms.policy.0.to_be_bytes());
    buffer.extend_from_slice(&record.created_at.as_microsecond().to_be_bytes());
    buffer.extend_from_slice(&record.position.to_be_bytes());
    for number in [record.status, record.schema_version, record.key_version] {
        buffer.extend_from_slice(&number.to_be_bytes());
    }
    buffer.extend_from_slice(&record.commitment);
    buffer.extend_from_slice(&record.record_hash);
    put_bytes(buffer, record.terms.class.name().as_bytes())
        && put_bytes(buffer, bucket.as_str().as_bytes())
        && put_bytes(buffer, record.wire.as_bytes())
        && put_bytes(buffer, record.model.as_bytes())
        && put_optional(buffer, record.answer_id.as_ref(), |buffer, id| put_bytes(buffer, id.as_bytes()))
        && put_optional(buffer, record.prefix.as_ref(), put_digest)
        && put_optional(buffer, record.alias.as_ref(), put_digest)
        && put_optional(buffer, record.service.as_ref(), put_wrap)
        && put_optional(buffer, record.safety.as_ref(), put_wrap)
        && put_list(buffer, &record.held, put_wrap)
        && put_bytes(buffer, &record.ciphertext)
        && put_optional(buffer, record.workspace.as_ref(), |buffer, id| {
            buffer.extend_from_slice(id.as_bytes());
            true
        })
}

fn put_fact(buffer: &mut Vec<u8>, fact: &Announcement) -> bool {
    buffer.extend_from_slice(&fact.id);
    buffer.extend_from_slice(fact.organization.as_bytes());
    put_bytes(buffer, &fact.event)
}

/// What is left to be read. Every read gives `None` when the bytes do not hold it.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_be_bytes(self.fixed()?);
        self.take(usize::try_from(length).ok()?)
    }

    fn text(&mut self) -> Option<String> {
        self.bytes().and_then(|bytes| std::str::from_utf8(bytes).ok()).map(str::to_owned)
    }

    /// A value that may be absent. The outer result is `None` when the bytes do not hold it.
    #[expect(
        clippy::option_option,
        reason = "absent by the bytes' own word is another thing than not readable"
    )]
    fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.fixed::<1>()? {
            [0] => Some(None),
            [1] => read(self).map(Some),
            _ => None,
        }
    }

    fn list<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = u32::from_be_bytes(self.fixed()?);
        (0..count).map(|_| read(self)).collect()
    }

    fn wrap(&mut self) -> Option<StoredWrap> {
        Some(StoredWrap { parent: KeyId::from_bytes(self.fixed()?), wrap: self.bytes()?.to_vec() })
    }

    fn record(&mut self, has_workspace: bool) -> Option<(BucketName, StoredRecord)> {
        let id = RecordId::from_bytes(self.fixed()?);
        let exchange = ExchangeId::from_bytes(self.fixed()?);
        let organization = OrganizationId::from_bytes(self.fixed()?);
        let subject = SubjectId::from_bytes(self.fixed()?);
        let conversation = ConversationId::from_bytes(self.fixed()?);
        let batch = ExchangeId::from_bytes(self.fixed()?);
        let [kind] = self.fixed()?;
        let kind = RecordKind::parse(kind)?;
        let [covered] = self.fixed()?;
        let policy = PolicyVersion(u32::from_be_bytes(self.fixed()?));
        let created_at = Timestamp::from_microsecond(i64::from_be_bytes(self.fixed()?)).ok()?;
        let position = u64::from_be_bytes(self.fixed()?);
        let status = u16::from_be_bytes(self.fixed()?);
        let schema_version = u16::from_be_bytes(self.fixed()?);
        let key_version = u16::from_be_bytes(self.fixed()?);
        let commitment = self.fixed()?;
        let record_hash = self.fixed()?;
        let class = self.text()?.parse().ok()?;
        let bucket = BucketName::parse(&self.text()?)?;
        let mut record = StoredRecord {
            id,
            exchange,
            kind,
            organization,
            subject,
            conversation,
            workspace: None,
            created_at,
            wire: self.text()?,
            model: self.text()?,
            status,
            answer_id: self.optional(Self::text)?,
            position,
            prefix: self.optional(Self::fixed)?,
            alias: self.optional(Self::fixed)?,
            schema_version,
            key_version,
            commitment,
            record_hash,
            batch,
            service: self.optional(Self::wrap)?,
            safety: self.optional(Self::wrap)?,
            held: self.list(Self::wrap)?,
            terms: CaptureTerms { class, policy, covered: covered != 0 },
            ciphertext: self.bytes()?.to_vec(),
        };
        if has_workspace {
            record.workspace = self.optional(Self::fixed)?.map(WorkspaceId::from_bytes);
        }
        Some((bucket, record))
    }

    fn fact(&mut self) -> Option<Announcement> {
        Some(Announcement {
            id: self.fixed()?,
            organization: OrganizationId::from_bytes(self.fixed()?),
            event: self.bytes()?.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use fiducia_policy::RecordClass;

    use super::*;

    fn record(workspace: Option<WorkspaceId>) -> StoredRecord {
        StoredRecord {
            id: RecordId::from_bytes([1; 16]),
            exchange: ExchangeId::from_bytes([2; 16]),
            kind: RecordKind::Answer,
            organization: OrganizationId::from_bytes([3; 16]),
            subject: SubjectId::from_bytes([4; 16]),
            conversation: ConversationId::from_bytes([5; 16]),
            workspace,
            created_at: Timestamp::UNIX_EPOCH,
            wire: "anthropic-messages".to_owned(),
            model: "m".to_owned(),
            status: 200,
            answer_id: Some("msg_1".to_owned()),
            position: 2,
            prefix: None,
            alias: None,
            schema_version: 1,
            key_version: 1,
            commitment: [6; 32],
            ciphertext: vec![7; 40],
            record_hash: [8; 32],
            batch: ExchangeId::from_bytes([9; 16]),
            service: None,
            safety: None,
            held: Vec::new(),
            terms: CaptureTerms { class: RecordClass::Api, policy: PolicyVersion(1), covered: false },
        }
    }

    fn encoded(record: StoredRecord) -> Vec<u8> {
        let mut bytes = Vec::new();
        assert!(encode(&mut bytes, (7, 3), &[(BucketName::account(), record)], &[]));
        bytes
    }

    #[test]
    fn a_workspace_comes_back() {
        for workspace in [None, Some(WorkspaceId::from_bytes([10; 16]))] {
            let bytes = encoded(record(workspace));
            let group = Frame::at_front(&bytes).unwrap().group().unwrap();
            assert_eq!(group.records, [(BucketName::account(), record(workspace))]);
        }
    }

    #[test]
    fn what_version_1_wrote_is_read() {
        let mut payload = encoded(record(None)).split_off(HEADER_BYTES);
        // The last four bytes count the facts; the byte before them says that there is no workspace.
        payload.remove(payload.len() - 5);
        let mut bytes = header(MAGIC_1, (7, 3), &payload).unwrap().to_vec();
        bytes.extend_from_slice(&payload);
        let frame = Frame::at_front(&bytes).unwrap();
        assert_eq!((frame.number, frame.released, frame.length()), (7, 3, bytes.len()));
        assert_eq!(frame.group().unwrap().records, [(BucketName::account(), record(None))]);
        assert!(Frame::anywhere(&[&[0; 5][..], &bytes].concat(), 6).is_some());
    }
}
