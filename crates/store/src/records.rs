//! `records/<bucket>.db`: ciphertext.

use std::fs;
use std::path::PathBuf;

use fiducia_policy::{
    ConversationId, ExchangeId, KeyId, OrganizationId, PolicyVersion, RecordId, SubjectId, WorkspaceId,
};
use rusqlite::{OptionalExtension, params};

use crate::StoreError;
use crate::connection::{File, Recovery, bytes16, fixed, instant, optional_bytes16};
use crate::control::named;
use crate::directory::sync_directory;
use crate::record::{BucketName, CaptureTerms, RecordKind, StoredRecord, StoredWrap};
use crate::scrub::Scrubbed;

const MIGRATIONS: &[&str] = &["
    CREATE TABLE records (
        sequence INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, exchange BLOB NOT NULL, kind SMALLINT NOT NULL,
        organization BLOB NOT NULL, subject BLOB NOT NULL, conversation BLOB NOT NULL, created_at BIGINT NOT NULL,
        wire TEXT NOT NULL, model TEXT NOT NULL, status INTEGER NOT NULL, answer_id TEXT, position BIGINT NOT NULL,
        prefix BLOB, alias BLOB, schema_version SMALLINT NOT NULL, key_version SMALLINT NOT NULL, commitment BLOB NOT NULL,
        record_hash BLOB NOT NULL, batch BLOB NOT NULL, service_parent BLOB, service_wrap BLOB, safety_parent BLOB,
        safety_wrap BLOB, class TEXT NOT NULL, policy INTEGER NOT NULL, covered SMALLINT NOT NULL, ciphertext BLOB NOT NULL
    );
    CREATE TABLE held (
        record BLOB NOT NULL, parent BLOB NOT NULL, wrap BLOB NOT NULL, PRIMARY KEY (record, parent)
    ) WITHOUT ROWID;
    CREATE INDEX held_parent ON held (parent);
    CREATE INDEX records_conversation ON records (conversation);
    CREATE TABLE filed (one INTEGER PRIMARY KEY CHECK (one = 1), journal_group BIGINT NOT NULL);
", "
    ALTER TABLE records ADD COLUMN workspace BLOB;
"];

const RECORD_COLUMNS: &str = "id, exchange, kind, organization, subject, conversation, created_at, wire, model, status, \
     answer_id, position, prefix, alias, schema_version, key_version, commitment, record_hash, batch, service_parent, \
     service_wrap, safety_parent, safety_wrap, class, policy, covered, ciphertext, sequence, workspace";
/// The version of the schema that has a workspace in each record.
const WORKSPACE_SINCE: i64 = 2;

/// Where the sequence number stands in [`RECORD_COLUMNS`].
const SEQUENCE: usize = 27;
/// Where the workspace stands there.
const WORKSPACE: usize = 28;

const PAGE_BYTES: u32 = 16_384;
/// Bytes of ciphertext after which one step through a conversation ends, so that large records do not fill the memory.
pub const STEP_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Where the buckets are.
#[derive(Debug, Clone)]
pub struct Bucket {
    directory: PathBuf,
}

impl Bucket {
    /// The buckets under `directory`.
    pub fn in_directory(directory: PathBuf) -> Self {
        Self { directory }
    }

    fn path(&self, name: &BucketName) -> PathBuf {
        self.directory.join(format!("{}.db", name.as_str()))
    }

    /// The names of the buckets that exist, in order.
    pub fn names(&self) -> Result<Vec<BucketName>, StoreError> {
        let failed = |error: std::io::Error| StoreError::Io {
            path: self.directory.clone(),
            operation: "list buckets",
            detail: error.to_string(),
        };
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            names.extend(name.to_str().and_then(|name| name.strip_suffix(".db")).and_then(BucketName::parse));
        }
        names.sort();
        Ok(names)
    }

    /// Opens or creates a bucket for writing.
    pub fn open(&self, name: &BucketName) -> Result<RecordBucket, StoreError> {
        let path = self.path(name);
        let fresh = !path.exists();
        let file = File::open(&path, PAGE_BYTES, Recovery::Rollback, MIGRATIONS)?;
        if fresh {
            // A commit in a file whose directory entry is not durable would be lost with power.
            sync_directory(&self.directory)?;
        }
        RecordBucket::over(*name, file)
    }

    /// Opens a bucket for reading.
    pub fn open_for_reading(&self, name: &BucketName) -> Result<RecordBucket, StoreError> {
        let file = File::open_for_reading(&self.path(name), MIGRATIONS)?;
        RecordBucket::over(*name, file)
    }

    /// Removes a bucket's files: everything in it has expired and its keys are destroyed.
    pub fn unlink(&self, name: &BucketName) -> Result<(), StoreError> {
        let path = self.path(name);
        for suffix in ["", "-wal", "-shm"] {
            let mut file = path.clone().into_os_string();
            file.push(suffix);
            match fs::remove_file(&file) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(StoreError::Io { path, operation: "unlink", detail: error.to_string() });
                }
            }
        }
        sync_directory(&self.directory)
    }
}

/// One open bucket.
#[derive(Debug)]
pub struct RecordBucket {
    name: BucketName,
    pub(crate) file: File,
    /// What is read of a record: a bucket that is only read may have been written before there was a workspace.
    columns: String,
    /// The highest sequence number that was ever given out, as far as known.
    last_sequence: i64,
}

impl RecordBucket {
    fn over(name: BucketName, file: File) -> Result<Self, StoreError> {
        let columns = if file.version()? < WORKSPACE_SINCE {
            RECORD_COLUMNS.replace("workspace", "NULL")
        } else {
            RECORD_COLUMNS.to_owned()
        };
        Ok(Self { name, file, columns, last_sequence: 0 })
    }

    /// Its name.
    pub fn name(&self) -> &BucketName {
        &self.name
    }

    /// Numbers new records above `sequence`, also when the newest records were deleted: `sequence` is the mark up to
    /// which the index has seen this bucket, and a record numbered at or below it would never be indexed after a crash.
    pub fn number_after(&mut self, sequence: i64) {
        self.last_sequence = self.last_sequence.max(sequence);
    }

    /// Files records of the journal's groups up to `group`, durably, all or none, and notes that they are filed. A record
    /// whose id is there already is left as it is, so that repeating it changes nothing.
    ///
    /// Gives the highest sequence number in use.
    pub fn file(&mut self, group: u64, records: &[&StoredRecord]) -> Result<i64, StoreError> {
        // INVARIANT: a sequence number is never given out twice, though SQLite itself would reuse those of deleted rows.
        let mut last = self.last_sequence;
        self.file.write("file", |tx| {
            last = last.max(highest_sequence(tx)?);
            last = insert_records(tx, records, last)?;
            tx.prepare_cached(
                "INSERT INTO filed (one, journal_group) VALUES (1, ?1)
                 ON CONFLICT (one) DO UPDATE SET journal_group = max(journal_group, ?1)",
            )?
            .execute([group])
            .map(drop)
        })?;
        self.last_sequence = last;
        Ok(last)
    }

    /// Up to which of the journal's groups this bucket has its records; 0 when there was none.
    pub fn filed_up_to(&self) -> Result<u64, StoreError> {
        self.file.read("filed_up_to", |connection| {
            connection
                .prepare_cached("SELECT coalesce(max(journal_group), 0) FROM filed")?
                .query_row([], |row| row.get(0))
        })
    }

    /// Takes in records of another bucket that must outlast it, durably, all or none. Repeating it changes nothing. Gives
    /// the highest sequence number in use.
    pub fn adopt(&mut self, records: &[&StoredRecord]) -> Result<i64, StoreError> {
        let mut last = self.last_sequence;
        self.file.write("adopt", |tx| {
            last = insert_records(tx, records, last.max(highest_sequence(tx)?))?;
            Ok(())
        })?;
        self.last_sequence = last;
        Ok(last)
    }

    /// One record by id.
    pub fn record(&self, id: RecordId) -> Result<Option<StoredRecord>, StoreError> {
        self.file.read("record", |connection| {
            let found = connection
                .prepare_cached(&format!("SELECT {} FROM records WHERE id = ?1", self.columns))?
                .query_row([id.as_bytes()], record)
                .optional()?;
            found.map(|record| with_held(connection, record)).transpose()
        })
    }

    /// Runs several reads on one state of the bucket, which takes its lock once.
    pub fn in_snapshot<T>(&self, body: impl FnOnce(&Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.begin_snapshot()?;
        let read = body(self);
        self.end_snapshot()?;
        read
    }

    /// As [`Self::in_snapshot`], for reads between which other things are done: until [`Self::end_snapshot`].
    pub fn begin_snapshot(&self) -> Result<(), StoreError> {
        self.file.begin_snapshot()
    }

    /// Ends what [`Self::begin_snapshot`] began.
    pub fn end_snapshot(&self) -> Result<(), StoreError> {
        self.file.end_snapshot()
    }

    /// Records that a ground beside service and safety window holds, after `after` (a record's id), at most `limit`.
    pub fn held_records(&self, after: Option<RecordId>, limit: u32) -> Result<Vec<StoredRecord>, StoreError> {
        self.file.read("held_records", |connection| {
            let after = after.map_or([0; 16], |id| *id.as_bytes());
            connection
                .prepare_cached(&format!(
                    "SELECT {} FROM records WHERE id IN (
                        SELECT DISTINCT record FROM held WHERE record > ?1 ORDER BY record LIMIT ?2) ORDER BY id",
                    self.columns
                ))?
                .query_map(params![after, limit], record)?
                .map(|found| found.and_then(|record| with_held(connection, record)))
                .collect()
        })
    }

    /// Adds wraps for further grounds, durably, all or none. A wrap that is there already is left as it is. Gives how many
    /// were added.
    pub fn hold(&mut self, wraps: &[(RecordId, StoredWrap)]) -> Result<u64, StoreError> {
        self.file.write("hold", |tx| {
            let mut insert = tx.prepare_cached(INSERT_HELD)?;
            let mut added = 0;
            for (id, wrap) in wraps {
                added += insert.execute(params![id.as_bytes(), wrap.parent.as_bytes(), wrap.wrap])?;
            }
            Ok(u64::try_from(added).unwrap_or(u64::MAX))
        })
    }

    /// A conversation's records in order of capture, after `after` (a sequence number; 0 to begin), with their
    /// sequence numbers. At most `limit` of them, and no more once [`STEP_BYTES_MAX`] bytes of ciphertext are read:
    /// go on after the last one until there are none.
    pub fn conversation(
        &self,
        conversation: ConversationId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, StoredRecord)>, StoreError> {
        self.file.read("conversation_records", |connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT {} FROM records WHERE conversation = ?1 AND sequence > ?2
                     ORDER BY sequence LIMIT ?3",
                    self.columns
                ))?
                .query_map(params![conversation.as_bytes(), after, limit], |row| {
                    Ok((row.get(SEQUENCE)?, record(row)?))
                })?
                .scan(0, |bytes_read, found: rusqlite::Result<(i64, StoredRecord)>| {
                    let enough = *bytes_read >= STEP_BYTES_MAX;
                    *bytes_read += found.as_ref().map_or(0, |(_, record)| record.ciphertext.len());
                    (!enough).then_some(found)
                })
                .map(|found| {
                    let (sequence, record) = found?;
                    Ok((sequence, with_held(connection, record)?))
                })
                .collect()
        })
    }

    /// Bytes of ciphertext of a conversation.
    pub fn bytes_of(&self, conversation: ConversationId) -> Result<u64, StoreError> {
        self.file.read("bytes_of", |connection| {
            connection
                .prepare_cached(
                    "SELECT coalesce(sum(length(ciphertext)), 0) FROM records WHERE conversation = ?1",
                )?
                .query_row([conversation.as_bytes()], |row| row.get(0))
        })
    }

    /// Records after a sequence number, without their ciphertext: what the index needs.
    pub fn unindexed(&self, after: i64, limit: u32) -> Result<Vec<(i64, StoredRecord)>, StoreError> {
        self.file.read("unindexed", |connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT {} FROM records WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
                    self.columns.replace("ciphertext", "x''")
                ))?
                .query_map(params![after, limit], |row| Ok((row.get(SEQUENCE)?, record(row)?)))?
                .collect()
        })
    }

    /// Whether a record is there.
    pub fn has(&self, id: RecordId) -> Result<bool, StoreError> {
        self.file.read("has_record", |connection| {
            connection.prepare_cached("SELECT 1 FROM records WHERE id = ?1")?.exists([id.as_bytes()])
        })
    }

    /// A conversation's records without their ciphertext, in order of capture, after `after` (a sequence number; 0 to
    /// begin), at most `limit`: what another ground's wraps are made from.
    pub fn wraps_of(
        &self,
        conversation: ConversationId,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, StoredRecord)>, StoreError> {
        self.file.read("wraps_of", |connection| {
            connection
                .prepare_cached(&format!(
                    "SELECT {} FROM records WHERE conversation = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3",
                    self.columns.replace("ciphertext", "x''")
                ))?
                .query_map(params![conversation.as_bytes(), after, limit], |row| {
                    Ok((row.get(SEQUENCE)?, record(row)?))
                })?
                .map(|found| {
                    let (sequence, record) = found?;
                    Ok((sequence, with_held(connection, record)?))
                })
                .collect()
        })
    }

    /// The highest sequence number.
    pub fn last_sequence(&self) -> Result<i64, StoreError> {
        self.file.read("last_sequence", highest_sequence)
    }

    /// How many records, and bytes of ciphertext.
    pub fn size(&self) -> Result<(u64, u64), StoreError> {
        self.file.read("size", |connection| {
            connection.query_row(
                "SELECT count(*), coalesce(sum(length(ciphertext)), 0) FROM records",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        })
    }

    /// How many records it holds of each organisation.
    pub fn census(&self) -> Result<Vec<(OrganizationId, u64)>, StoreError> {
        self.file.read("census", |connection| {
            connection
                .prepare("SELECT organization, count(*) FROM records GROUP BY organization")?
                .query_map([], |row| Ok((OrganizationId::from_bytes(bytes16(row, 0)?), row.get(1)?)))?
                .collect()
        })
    }

    /// Overwrites what moved rows left behind in at most `limit` pages after page `after` (0 to begin).
    pub fn scrub(&mut self, after: u32, limit: u32) -> Result<Scrubbed, StoreError> {
        self.file.scrub(after, limit)
    }

    /// Empties the write-ahead log.
    pub fn empty_wal(&self) -> Result<(), StoreError> {
        self.file.empty_wal()
    }

    /// SQLite's own check of the file.
    pub fn problem(&self) -> Result<Option<String>, StoreError> {
        self.file.problem()
    }
}

fn highest_sequence(connection: &rusqlite::Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT coalesce(max(sequence), 0) FROM records")?
        .query_row([], |row| row.get(0))
}

const INSERT_HELD: &str =
    "INSERT INTO held (record, parent, wrap) VALUES (?1, ?2, ?3) ON CONFLICT (record, parent) DO NOTHING";

/// Inserts records that are not there yet, numbered after `last`. Gives the last number given out.
fn insert_records(
    tx: &rusqlite::Transaction<'_>,
    records: &[&StoredRecord],
    mut last: i64,
) -> rusqlite::Result<i64> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO records (id, exchange, kind, organization, subject, conversation, created_at, wire, model,
            status, answer_id, position, prefix, alias, schema_version, key_version, commitment, record_hash, batch,
            service_parent, service_wrap, safety_parent, safety_wrap, class, policy, covered, ciphertext, sequence, workspace)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
            ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29)
         ON CONFLICT (id) DO NOTHING",
    )?;
    let mut hold = tx.prepare_cached(INSERT_HELD)?;
    for record in records {
        if insert_record(&mut insert, record, last + 1)? {
            last += 1;
            for wrap in &record.held {
                hold.execute(params![record.id.as_bytes(), wrap.parent.as_bytes(), wrap.wrap])?;
            }
        }
    }
    Ok(last)
}

/// The record with its wraps for further grounds.
fn with_held(connection: &rusqlite::Connection, mut record: StoredRecord) -> rusqlite::Result<StoredRecord> {
    record.held = connection
        .prepare_cached("SELECT parent, wrap FROM held WHERE record = ?1")?
        .query_map([record.id.as_bytes()], |row| {
            Ok(StoredWrap { parent: KeyId::from_bytes(bytes16(row, 0)?), wrap: row.get(1)? })
        })?
        .collect::<rusqlite::Result<_>>()?;
    Ok(record)
}

/// Gives whether the record is new.
fn insert_record(
    insert: &mut rusqlite::CachedStatement<'_>,
    record: &StoredRecord,
    sequence: i64,
) -> rusqlite::Result<bool> {
    let parent = |wrap: &Option<StoredWrap>| wrap.as_ref().map(|wrap| *wrap.parent.as_bytes());
    insert
        .execute(params![
            record.id.as_bytes(),
            record.exchange.as_bytes(),
            record.kind.code(),
            record.organization.as_bytes(),
            record.subject.as_bytes(),
            record.conversation.as_bytes(),
            record.created_at.as_microsecond(),
            record.wire,
            record.model,
            record.status,
            record.answer_id,
            record.position,
            record.prefix,
            record.alias,
            record.schema_version,
            record.key_version,
            record.commitment,
            record.record_hash,
            record.batch.as_bytes(),
            parent(&record.service),
            record.service.as_ref().map(|wrap| &wrap.wrap),
            parent(&record.safety),
            record.safety.as_ref().map(|wrap| &wrap.wrap),
            record.terms.class.name(),
            record.terms.policy.0,
            record.terms.covered,
            record.ciphertext,
            sequence,
            record.workspace.map(|id| *id.as_bytes()),
        ])
        .map(|inserted| inserted > 0)
}

fn record(row: &rusqlite::Row<'_>) -> rusqlite::Result<StoredRecord> {
    let kind: u8 = row.get(2)?;
    let kind = RecordKind::parse(kind).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(
            2,
            rusqlite::types::Type::Integer,
            "unknown kind of record".into(),
        )
    })?;
    let wrap = |parent: usize| -> rusqlite::Result<Option<StoredWrap>> {
        let id: Option<[u8; 16]> = row.get(parent)?;
        id.map(|id| Ok(StoredWrap { parent: KeyId::from_bytes(id), wrap: row.get(parent + 1)? })).transpose()
    };
    Ok(StoredRecord {
        id: RecordId::from_bytes(bytes16(row, 0)?),
        exchange: ExchangeId::from_bytes(bytes16(row, 1)?),
        kind,
        organization: OrganizationId::from_bytes(bytes16(row, 3)?),
        subject: SubjectId::from_bytes(bytes16(row, 4)?),
        conversation: ConversationId::from_bytes(bytes16(row, 5)?),
        workspace: optional_bytes16(row, WORKSPACE)?.map(WorkspaceId::from_bytes),
        created_at: instant(row, 6)?,
        wire: row.get(7)?,
        model: row.get(8)?,
        status: row.get(9)?,
        answer_id: row.get(10)?,
        position: row.get(11)?,
        prefix: row.get(12)?,
        alias: row.get(13)?,
        schema_version: row.get(14)?,
        key_version: row.get(15)?,
        commitment: fixed(row, 16)?,
        record_hash: fixed(row, 17)?,
        batch: ExchangeId::from_bytes(bytes16(row, 18)?),
        service: wrap(19)?,
        safety: wrap(21)?,
        held: Vec::new(),
        terms: CaptureTerms {
            class: named(row, 23)?,
            policy: PolicyVersion(row.get(24)?),
            covered: row.get(25)?,
        },
        ciphertext: row.get(26)?,
    })
}
