//! What requests change for people, and what was handed over to them.

use fiducia_policy::{ConversationId, GroundKind, KeyId, RecordId, RightsRequestId, SubjectId, Timestamp};
use rusqlite::{OptionalExtension, Transaction, params};

use crate::connection::{bytes16, fixed, instant};
use crate::control::named;
use crate::rights::RightsRecord;
use crate::{ControlStore, StoreError};

/// What a step of a request changes for the person, in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RightsEffect {
    /// Nothing.
    None,
    /// What is kept of the person may not be used.
    Restrict,
    /// It may be used again.
    Lift,
    /// These grounds do not open for the person any more.
    Object(Vec<GroundKind>),
    /// The person opted out, and is not asked again before then.
    OptOut {
        /// When.
        ask_again_at: Timestamp,
    },
    /// The account has another name from now on, by its keyed digest.
    Rename([u8; 32]),
}

/// What a person wrote to correct a record: sealed as a record is, under the person's own key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RightsStatement {
    /// Of which request.
    pub request: RightsRequestId,
    /// Whose.
    pub subject: SubjectId,
    /// The id that it is sealed and read under.
    pub record: RecordId,
    /// The key that its data key is wrapped under: the person's.
    pub parent: KeyId,
    /// The wrapped data key.
    pub wrap: Vec<u8>,
    /// Commitment of the data key.
    pub commitment: [u8; 32],
    /// Ciphertext.
    pub ciphertext: Vec<u8>,
}

/// A person whose data may be kept and not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restriction {
    /// By which request.
    pub request: RightsRequestId,
    /// Since when.
    pub since: Timestamp,
}

/// A person who opted out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptOut {
    /// By which request.
    pub request: RightsRequestId,
    /// Since when.
    pub since: Timestamp,
    /// Not asked again before then.
    pub ask_again_at: Timestamp,
}

/// A file that was handed over, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportVolume {
    /// Of which request.
    pub request: RightsRequestId,
    /// Its number, from 1.
    pub volume: u32,
    /// Where it was written. Empty once the person is erased.
    pub file: String,
    /// For which public keys it is sealed; empty when it is not.
    pub recipients: String,
    /// The last conversation in it and in those before it.
    pub last: Option<ConversationId>,
    /// Conversations in it.
    pub conversations: u64,
    /// Records in it.
    pub records: u64,
    /// SHA-256 of its manifest.
    pub manifest: [u8; 32],
    /// When it was finished.
    pub finished_at: Timestamp,
    /// Whether nothing comes after it.
    pub is_final: bool,
}

pub(crate) fn apply(
    tx: &Transaction<'_>,
    request: &RightsRecord,
    effect: &RightsEffect,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let Some(subject) = request.subject else { return Ok(()) };
    let (subject, id, at) = (subject.as_bytes(), request.id.as_bytes(), at.as_microsecond());
    match effect {
        RightsEffect::None => Ok(()),
        RightsEffect::Restrict => tx
            .execute(
                "INSERT INTO restrictions (subject, request, since) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![subject, id, at],
            )
            .map(drop),
        RightsEffect::Lift => {
            tx.execute("DELETE FROM restrictions WHERE subject = ?1", params![subject]).map(drop)
        }
        RightsEffect::Object(grounds) => {
            for ground in grounds {
                tx.execute(
                    "INSERT INTO objections (subject, ground, request, since) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT DO NOTHING",
                    params![subject, ground.name(), id, at],
                )?;
            }
            Ok(())
        }
        RightsEffect::OptOut { ask_again_at } => {
            tx.execute(
                "INSERT INTO opt_outs (subject, request, since, ask_again_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (subject) DO UPDATE SET request = ?2, since = ?3, ask_again_at = ?4",
                params![subject, id, at, ask_again_at.as_microsecond()],
            )?;
            Ok(())
        }
        RightsEffect::Rename(digest) => tx
            .execute("UPDATE subjects SET name_digest = ?2 WHERE id = ?1", params![subject, digest])
            .map(drop),
    }
}

pub(crate) fn keep_statement(tx: &Transaction<'_>, statement: &RightsStatement) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO rights_statements (request, subject, record, parent, wrap, commitment, ciphertext)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            statement.request.as_bytes(),
            statement.subject.as_bytes(),
            statement.record.as_bytes(),
            statement.parent.as_bytes(),
            statement.wrap,
            statement.commitment,
            statement.ciphertext,
        ],
    )
    .map(drop)
}

impl ControlStore {
    /// Whether what is kept of a person may not be used.
    pub fn restriction(&self, subject: SubjectId) -> Result<Option<Restriction>, StoreError> {
        self.file.read("restriction", |connection| {
            connection
                .prepare_cached("SELECT request, since FROM restrictions WHERE subject = ?1")?
                .query_row([subject.as_bytes()], |row| {
                    Ok(Restriction {
                        request: RightsRequestId::from_bytes(bytes16(row, 0)?),
                        since: instant(row, 1)?,
                    })
                })
                .optional()
        })
    }

    /// The grounds that a person objected to, with since when they do not open any more.
    pub fn objections(&self, subject: SubjectId) -> Result<Vec<(GroundKind, Timestamp)>, StoreError> {
        self.file.read("objections", |connection| {
            connection
                .prepare_cached("SELECT ground, since FROM objections WHERE subject = ?1 ORDER BY ground")?
                .query_map([subject.as_bytes()], |row| Ok((named(row, 0)?, instant(row, 1)?)))?
                .collect()
        })
    }

    /// Whether a person opted out.
    pub fn opt_out(&self, subject: SubjectId) -> Result<Option<OptOut>, StoreError> {
        self.file.read("opt_out", |connection| {
            connection
                .prepare_cached("SELECT request, since, ask_again_at FROM opt_outs WHERE subject = ?1")?
                .query_row([subject.as_bytes()], |row| {
                    Ok(OptOut {
                        request: RightsRequestId::from_bytes(bytes16(row, 0)?),
                        since: instant(row, 1)?,
                        ask_again_at: instant(row, 2)?,
                    })
                })
                .optional()
        })
    }

    /// What a person wrote to correct records, the first first, at most `limit`.
    pub fn statements(&self, subject: SubjectId, limit: u32) -> Result<Vec<RightsStatement>, StoreError> {
        self.file.read("statements", |connection| {
            connection
                .prepare_cached(
                    "SELECT request, subject, record, parent, wrap, commitment, ciphertext FROM rights_statements
                     WHERE subject = ?1 ORDER BY request LIMIT ?2",
                )?
                .query_map(params![subject.as_bytes(), limit], |row| {
                    Ok(RightsStatement {
                        request: RightsRequestId::from_bytes(bytes16(row, 0)?),
                        subject: SubjectId::from_bytes(bytes16(row, 1)?),
                        record: RecordId::from_bytes(bytes16(row, 2)?),
                        parent: KeyId::from_bytes(bytes16(row, 3)?),
                        wrap: row.get(4)?,
                        commitment: fixed(row, 5)?,
                        ciphertext: row.get(6)?,
                    })
                })?
                .collect()
        })
    }

    /// Notes a file, or a part of one, that was handed over.
    pub fn add_export_volume(&mut self, volume: &ExportVolume) -> Result<(), StoreError> {
        self.file.write("add_export_volume", |tx| {
            tx.execute(
                "INSERT INTO rights_exports (request, volume, file, recipients, last, conversations, records, manifest,
                    finished_at, is_final) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    volume.request.as_bytes(),
                    volume.volume,
                    volume.file,
                    volume.recipients,
                    volume.last.as_ref().map(ConversationId::as_bytes),
                    volume.conversations,
                    volume.records,
                    volume.manifest,
                    volume.finished_at.as_microsecond(),
                    volume.is_final,
                ],
            )
            .map(drop)
        })
    }

    /// Forgets the parts of an export from this one on, so that they are made anew.
    pub fn forget_export_volumes(&mut self, request: RightsRequestId, from: u32) -> Result<(), StoreError> {
        self.file.write("forget_export_volumes", |tx| {
            tx.execute(
                "DELETE FROM rights_exports WHERE request = ?1 AND volume >= ?2",
                params![request.as_bytes(), from],
            )
            .map(drop)
        })
    }

    /// The finished parts of an export, the first first.
    pub fn export_volumes(&self, request: RightsRequestId) -> Result<Vec<ExportVolume>, StoreError> {
        self.file.read("export_volumes", |connection| {
            connection
                .prepare_cached(
                    "SELECT request, volume, file, recipients, last, conversations, records, manifest, finished_at, is_final
                     FROM rights_exports WHERE request = ?1 ORDER BY volume",
                )?
                .query_map([request.as_bytes()], |row| {
                    let last: Option<[u8; 16]> = row.get(4)?;
                    Ok(ExportVolume {
                        request: RightsRequestId::from_bytes(bytes16(row, 0)?),
                        volume: row.get(1)?,
                        file: row.get(2)?,
                        recipients: row.get(3)?,
                        last: last.map(ConversationId::from_bytes),
                        conversations: row.get(5)?,
                        records: row.get(6)?,
                        manifest: fixed(row, 7)?,
                        finished_at: instant(row, 8)?,
                        is_final: row.get(9)?,
                    })
                })?
                .collect()
        })
    }

    /// Requests closed before `before` that have files in `folder`, at most `limit`.
    pub fn requests_with_old_files(
        &self,
        before: Timestamp,
        folder: &str,
        limit: u32,
    ) -> Result<Vec<RightsRequestId>, StoreError> {
        self.file.read("requests_with_old_files", |connection| {
            connection
                .prepare_cached(
                    "SELECT id FROM rights_requests r WHERE closed_at <= ?1 AND EXISTS (
                        SELECT 1 FROM rights_exports e WHERE e.request = r.id AND substr(e.file, 1, length(?2)) = ?2)
                     ORDER BY id LIMIT ?3",
                )?
                .query_map(params![before.as_microsecond(), folder, limit], |row| {
                    Ok(RightsRequestId::from_bytes(bytes16(row, 0)?))
                })?
                .collect()
        })
    }

    /// Notes that a request's files in `folder` are gone.
    pub fn forget_files(&mut self, request: RightsRequestId, folder: &str) -> Result<(), StoreError> {
        self.file.write("forget_files", |tx| {
            tx.execute(
                "UPDATE rights_exports SET file = '', recipients = ''
                 WHERE request = ?1 AND substr(file, 1, length(?2)) = ?2",
                params![request.as_bytes(), folder],
            )
            .map(drop)
        })
    }

    /// Whether this installation's store has any place for training data sets, in which a person could be mentioned.
    pub fn keeps_datasets(&self) -> Result<bool, StoreError> {
        self.file.read("keeps_datasets", |connection| {
            connection.query_row(
                "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name LIKE '%dataset%')",
                [],
                |row| row.get(0),
            )
        })
    }
}
