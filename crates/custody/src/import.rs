//! Importing conversations that took place elsewhere.

use fiducia_policy::{ExchangeId, OrganizationId, RecordId, SubjectId, Timestamp};
use fiducia_store::{ImportJob, RecordKind};
use fiducia_wire::{ImportedConversation, conversation_line};

use crate::payload::{self, Header};
use crate::staging::{Batch, Draft, StagingError, sha256};
use crate::writer::Writer;

/// The name under which imported turns are stored, beside the wire formats'.
pub(crate) const IMPORT_WIRE: &str = "import";

/// Imported conversations of which is remembered that they are journaled, before the filing is made to catch up.
pub(crate) const UNFILED_IMPORTS_MAX: usize = 65_536;

/// A line that could not be taken in.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RejectedLine {
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong with it; never its content.
    pub reason: String,
}

/// What became of a chunk of lines. When this arrives, the chunk is durable.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ImportOutcome {
    /// The job.
    pub job: [u8; 16],
    /// Lines of the source dealt with so far.
    pub lines_done: u64,
    /// Conversations of this chunk that are stored.
    pub accepted: u64,
    /// Records that this chunk added.
    pub records: u64,
    /// Lines of this chunk that were rejected.
    pub rejected: Vec<RejectedLine>,
}

impl ImportOutcome {
    pub(crate) fn rejected_count(&self) -> u64 {
        u64::try_from(self.rejected.len()).unwrap_or(u64::MAX)
    }
}

/// An import as the operator sees it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ImportProgress {
    /// The job.
    pub job: [u8; 16],
    /// Lines that are durably dealt with: go on after them.
    pub lines_done: u64,
    /// Conversations stored so far.
    pub accepted: u64,
    /// Lines rejected so far.
    pub rejected: u64,
    /// Whether it was finished before.
    pub finished: bool,
}

impl From<&ImportJob> for ImportProgress {
    fn from(job: &ImportJob) -> Self {
        Self {
            job: job.id,
            lines_done: job.lines_done,
            accepted: job.accepted,
            rejected: job.rejected,
            finished: job.finished_at.is_some(),
        }
    }
}

/// Parsed lines on their way to the writer.
#[derive(Debug)]
pub(crate) struct ImportChunk {
    pub(crate) job: ImportJob,
    pub(crate) conversations: Vec<(u64, ImportedConversation)>,
    pub(crate) rejected: Vec<RejectedLine>,
    pub(crate) lines_done: u64,
    pub(crate) bytes: usize,
}

impl ImportChunk {
    /// Parses lines, the first of which has number `first_line` (from 1).
    pub(crate) fn parse<L: AsRef<[u8]>>(job: ImportJob, first_line: u64, lines: &[L]) -> Self {
        let mut chunk = Self {
            job,
            conversations: Vec::with_capacity(lines.len()),
            rejected: Vec::new(),
            lines_done: first_line - 1,
            bytes: 0,
        };
        for line in lines {
            chunk.lines_done += 1;
            let line = line.as_ref();
            chunk.bytes += line.len();
            if line.trim_ascii().is_empty() {
                continue;
            }
            match conversation_line(line) {
                Ok(conversation) => chunk.conversations.push((chunk.lines_done, conversation)),
                Err(error) => {
                    chunk.rejected.push(RejectedLine { line: chunk.lines_done, reason: error.to_string() });
                }
            }
        }
        chunk
    }
}

/// The job's id: the same source for the same subject is the same import.
pub(crate) fn job_id(organization: OrganizationId, subject: SubjectId, digest: &[u8; 32]) -> [u8; 16] {
    first_half(&sha256(&[b"fiducia/import-job/v1", organization.as_bytes(), subject.as_bytes(), digest]))
}

/// The id of a turn's exchange and record, the same whenever the line is imported again within its job.
///
/// Ids of one job sort by line and turn, so that what belongs together lies together in the store: six bytes of the job's
/// id, five of the line, two of the turn, three of a hash of all three.
fn turn_id(job: [u8; 16], line: u64, turn: u64) -> [u8; 16] {
    let (line, turn) = (line.to_be_bytes(), turn.to_be_bytes());
    let hash = sha256(&[b"fiducia/import-turn/v2", &job, &line, &turn]);
    let bytes = job.iter().take(6).chain(line.iter().skip(3)).chain(turn.iter().skip(6)).chain(&hash);
    let mut id = [0; 16];
    for (place, byte) in id.iter_mut().zip(bytes) {
        *place = *byte;
    }
    id
}

/// When a line counts as captured: the job's beginning and a microsecond for each line, so that ids that sort by time sort
/// by line too. An import takes longer than that, so it is never ahead of the clock.
fn captured_at(job: &ImportJob, line: u64) -> Timestamp {
    let microseconds = job.started_at.as_microsecond().saturating_add(i64::try_from(line).unwrap_or(0));
    Timestamp::from_microsecond(microseconds).unwrap_or(job.started_at)
}

fn first_half(hash: &[u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(hash.get(..16).unwrap_or(&[0; 16]));
    half
}

impl Writer {
    /// Stages a chunk: one record for each turn of each conversation.
    pub(crate) fn stage_import(
        &mut self,
        batch: &mut Batch,
        chunk: &ImportChunk,
    ) -> Result<ImportOutcome, StagingError> {
        let before = batch.records.len();
        for (line, conversation) in &chunk.conversations {
            if let Err(error) = self.stage_conversation(batch, &chunk.job, *line, conversation) {
                // All of the chunk or nothing: a conversation whose first turn is stored counts as stored whole.
                batch.records.truncate(before);
                for (line, _) in &chunk.conversations {
                    self.imported.remove(&RecordId::from_bytes(turn_id(chunk.job.id, *line, 0)));
                }
                return Err(error);
            }
        }
        if let Some(staged) = self.new_imports.get_mut(&chunk.job.id) {
            *staged = (*staged).max(chunk.lines_done);
        }
        Ok(ImportOutcome {
            job: chunk.job.id,
            lines_done: chunk.lines_done,
            accepted: u64::try_from(chunk.conversations.len()).unwrap_or(0),
            records: u64::try_from(batch.records.len() - before).unwrap_or(0),
            rejected: chunk.rejected.clone(),
        })
    }

    fn stage_conversation(
        &mut self,
        batch: &mut Batch,
        job: &ImportJob,
        line: u64,
        imported: &ImportedConversation,
    ) -> Result<(), StagingError> {
        let first = RecordId::from_bytes(turn_id(job.id, line, 0));
        let is_new = self.new_imports.get(&job.id).is_some_and(|staged| line > *staged);
        if !is_new && (self.imported.contains(&first) || self.is_stored(first)?) {
            return Ok(());
        }
        self.imported.insert(first);
        let at = captured_at(job, line);
        let keys = self.subject_keys(batch, job.organization, job.subject, at)?;
        let conversation = self.new_conversation(at)?;
        let terms = self.callers.terms(job.organization).ok_or(StagingError::UnknownOrganization)?;
        let class = self.governance.default_class(terms, keys.person);
        for (turn, exchange) in imported.exchanges().into_iter().enumerate() {
            let id = turn_id(job.id, line, u64::try_from(turn).unwrap_or(0));
            let record = RecordId::from_bytes(id);
            let draft = Draft {
                exchange: ExchangeId::from_bytes(id),
                kind: RecordKind::Turn,
                organization: job.organization,
                subject: job.subject,
                conversation,
                workspace: None,
                at,
                wire: IMPORT_WIRE,
                model: String::new(),
                status: 0,
                answer_id: None,
                position: u64::try_from(exchange.messages.end).unwrap_or(0),
                prefix: Some(keys.matching.digest(&[b"prefix", &exchange.prefix_after])),
                alias: None,
                class,
                covered: false,
            };
            let plaintext = payload::encode(&Header::Turn {}, &[&exchange.body]);
            self.seal(batch, &keys, record, draft, plaintext)?;
        }
        Ok(())
    }
}

impl Writer {
    /// Whether a record is in any bucket.
    fn is_stored(&mut self, id: RecordId) -> Result<bool, StagingError> {
        for name in self.files.place.names()? {
            if self.files.bucket(&name)?.has(id)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// An import job to be begun now.
pub(crate) fn new_job(
    organization: OrganizationId,
    subject: SubjectId,
    source: String,
    digest: &[u8; 32],
    now: Timestamp,
) -> ImportJob {
    ImportJob {
        id: job_id(organization, subject, digest),
        organization,
        subject,
        source,
        started_at: now,
        lines_done: 0,
        accepted: 0,
        rejected: 0,
        finished_at: None,
    }
}
