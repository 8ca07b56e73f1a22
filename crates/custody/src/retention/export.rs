//! Exporting what a hold holds, for a reviewer: one file, after durable access entries, with what proves them.
//!
//! Only the hold's own key path is walked. Records are named in access entries of at most [`ACCESS_RECORDS_MAX`] and are
//! decrypted a few at a time; in memory is a list of the files, not what is in them.

use std::io::Write;
use std::path::PathBuf;

use fiducia_keyring::{FILE_RECIPIENTS_MAX, FileRecipient};
use fiducia_ledger::{ACCESS_RECORDS_MAX, AccessReceipt, Digest, Event, LogReader, LoggedLeaf};
use fiducia_policy::{
    AccessReason, ConversationId, ExchangeId, HoldId, HoldScope, OrganizationId, PersonId, Randomness,
    RecordId, SubjectId, Timestamp,
};
use fiducia_store::{BucketName, ConversationRecord, DataDirectory, HoldRecord, HoldRole, RecordBucket};

use super::archive::{Archive, ArchivedFile, NewFile};
use super::commands::HoldExportReport;
use super::holds::scope_of;
use crate::AdminError;
use crate::administer::hex;
use crate::looking::{Sitting, ToRead};
use crate::reading::{Envelopes, ReadPath, Reader, wrap_for};
use crate::scribe::{Delivery, Fact, Source};

/// Conversations looked at in one step.
const CONVERSATIONS_PER_STEP: u32 = 500;
/// Records of a conversation looked at in one step.
const RECORDS_PER_STEP: u32 = 64;
/// Records decrypted in one step, and about how many bytes of ciphertext.
const DECRYPTED_RECORDS_MAX: usize = 64;
const DECRYPTED_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Conversations of one export: the list of files is held in memory.
const CONVERSATIONS_MAX: u64 = 250_000;
const MANIFEST_FORMAT: &str = "fiducia-hold-export/1";

/// Who exports what, and why.
pub(crate) struct ExportRequest {
    pub(crate) hold: HoldRecord,
    /// Who runs the export.
    pub(crate) actor: PersonId,
    /// For whom: the access entries name this person.
    pub(crate) reviewer: PersonId,
    pub(crate) reason: AccessReason,
    pub(crate) ticket: Option<String>,
    /// In what its looks are taken.
    pub(crate) sitting: Sitting,
}

/// What an export holds.
struct Exported {
    conversations: u64,
    records: u64,
    records_unreadable: u64,
    access_entries: Vec<u64>,
    manifest: [u8; 32],
}

/// The last file of an export: what is in it, and what proves it.
#[derive(serde::Serialize)]
struct Manifest<'a> {
    format: &'static str,
    hold: HoldId,
    organization: OrganizationId,
    matter: &'a str,
    authority: &'a str,
    scope: HoldScope,
    placed_at: Timestamp,
    exported_at: Timestamp,
    reviewer: PersonId,
    exported_by: PersonId,
    reason: AccessReason,
    ticket: Option<&'a str>,
    conversations: u64,
    records: u64,
    /// Records whose person's pseudonym or key was gone when they were to be read.
    records_unreadable: u64,
    ledger_origin: String,
    ledger_verifier_key: String,
    /// Indexes of the entries that place and widen the hold.
    hold_entries: &'a [u64],
    /// Indexes of the entries that permitted this reading.
    access_entries: &'a [u64],
    files: &'a [ArchivedFile],
}

/// A held record, before it is read.
struct Reference {
    conversation: ConversationId,
    subject: SubjectId,
    bucket: BucketName,
    id: RecordId,
    created_at: Timestamp,
    sealed_bytes: usize,
    read: ToRead,
}

impl Reader {
    /// The hold, if this reviewer may have it exported now.
    pub(crate) fn exportable(&self, id: HoldId, reviewer: &str) -> Result<HoldRecord, AdminError> {
        let control = self.control()?;
        let hold = control
            .hold(id)?
            .ok_or_else(|| AdminError::NotFound(format!("there is no {id}; nothing was exported")))?;
        let is_reviewer = control
            .hold_people(id)?
            .iter()
            .any(|person| person.role == HoldRole::Reviewer.name() && person.name == reviewer);
        if !is_reviewer {
            return Err(AdminError::Conflict(format!(
                "`{reviewer}` is no reviewer of {id}; nothing was exported. Reviewers are named when a hold is placed"
            )));
        }
        if let Some(at) = hold.ended_at {
            return Err(AdminError::Destroyed(format!(
                "the key of {id} was destroyed at {at}; nothing is held for it any more"
            )));
        }
        if hold.released_at.is_none() && !hold.is_complete {
            return Err(AdminError::Conflict(format!(
                "not everything that {id} covers has its key path yet; nothing was exported. Run `fiducia sweep` first"
            )));
        }
        Ok(hold)
    }

    /// Exports to a new file. When it is there the log says so; when anything failed it is not there.
    pub(crate) fn export_to_file(
        &self,
        request: &ExportRequest,
        recipients: &[String],
        out: PathBuf,
        randomness: &dyn Randomness,
    ) -> Result<HoldExportReport, AdminError> {
        let recipients: Result<Vec<FileRecipient>, _> = recipients.iter().map(|text| text.parse()).collect();
        let recipients = recipients.map_err(|error| AdminError::Invalid(error.to_string()))?;
        if recipients.len() > FILE_RECIPIENTS_MAX {
            return Err(AdminError::Invalid(format!(
                "an export is sealed for at most {FILE_RECIPIENTS_MAX} people; nothing was exported"
            )));
        }
        let (file, sink) = NewFile::create(&out, &recipients)?;
        let (exported, sink) = self.export(request, randomness, Archive::new(sink))?;
        sink.finish()?;
        let ledger_index = self.say_exported(request, &exported, randomness)?;
        file.keep();
        Ok(HoldExportReport {
            hold: request.hold.id,
            file: out,
            recipients: u64::try_from(recipients.len()).unwrap_or(u64::MAX),
            conversations: exported.conversations,
            records: exported.records,
            records_unreadable: exported.records_unreadable,
            access_entries: exported.access_entries,
            manifest_sha256: hex(&exported.manifest),
            ledger_index,
        })
    }

    /// Writes a hold's records into an archive, which is complete when this returns.
    fn export<W: Write>(
        &self,
        request: &ExportRequest,
        randomness: &dyn Randomness,
        archive: Archive<W>,
    ) -> Result<(Exported, W), AdminError> {
        let mut export = Export {
            reader: self,
            request,
            randomness,
            archive,
            envelopes: Envelopes::default(),
            current: None,
            conversations: 0,
            records: 0,
            records_unreadable: 0,
            access_entries: Vec::new(),
        };
        export.gather()?;
        export.finish()
    }

    /// Says in the log that an export was made.
    fn say_exported(
        &self,
        request: &ExportRequest,
        exported: &Exported,
        randomness: &dyn Randomness,
    ) -> Result<u64, AdminError> {
        let (now, organization) = (self.clock.now(), request.hold.organization);
        let event = Event::HoldExported {
            hold: request.hold.id,
            manifest: Digest(exported.manifest),
            records: exported.records,
            actor: request.actor,
        };
        let id = *ExchangeId::generate(now, randomness)?.as_bytes();
        let fact = Fact { at: now, event };
        self.scribe.deliver_and_wait(Delivery { source: Source::Control, id, organization, fact }).map_err(
            |error| {
                AdminError::Storage(format!("the export could not be logged, so it was removed: {error}"))
            },
        )
    }
}

struct Export<'a, W: Write> {
    reader: &'a Reader,
    request: &'a ExportRequest,
    randomness: &'a dyn Randomness,
    archive: Archive<W>,
    /// Of the conversation that is being written.
    envelopes: Envelopes,
    current: Option<ConversationId>,
    conversations: u64,
    records: u64,
    records_unreadable: u64,
    access_entries: Vec<u64>,
}

impl<W: Write> Export<'_, W> {
    fn gather(&mut self) -> Result<(), AdminError> {
        let (mut batch, mut after) = (Vec::new(), None);
        loop {
            let conversations = self.reader.control()?.conversations_in_order(
                Some(self.request.hold.organization),
                None,
                after,
                CONVERSATIONS_PER_STEP,
            )?;
            let Some(last) = conversations.last() else { break };
            after = Some(last.id);
            for conversation in &conversations {
                for reference in self.references(conversation)? {
                    batch.push(reference);
                    if batch.len() == ACCESS_RECORDS_MAX {
                        self.read_batch(&std::mem::take(&mut batch))?;
                    }
                }
            }
        }
        self.read_batch(&batch)?;
        self.end_conversation()
    }

    /// The held records of a conversation, in order of time.
    fn references(&self, conversation: &ConversationRecord) -> Result<Vec<Reference>, AdminError> {
        let _reading = self.reader.reading();
        let (place, keys) = (self.reader.place(), self.reader.keys()?);
        let mut found = Vec::new();
        for name in place.names()?.into_iter().filter(|name| conversation.buckets.contains(name)) {
            let bucket = place.open_for_reading(&name)?;
            let mut after = 0;
            loop {
                let step = bucket.conversation(conversation.id, after, RECORDS_PER_STEP)?;
                let Some((last, _)) = step.last() else { break };
                after = *last;
                for (_, record) in &step {
                    if wrap_for(record, self.path(), &keys)?.is_some() {
                        found.push(Reference {
                            conversation: conversation.id,
                            subject: conversation.subject,
                            bucket: name,
                            id: record.id,
                            created_at: record.created_at,
                            sealed_bytes: record.ciphertext.len(),
                            read: ToRead::from(record),
                        });
                    }
                }
            }
        }
        // Stable: records of one instant stay in the order in which they were committed.
        found.sort_by_key(|reference| reference.created_at);
        Ok(found)
    }

    const fn path(&self) -> ReadPath {
        ReadPath::Hold(self.request.hold.root)
    }

    /// First the entry, then the records it names.
    fn read_batch(&mut self, batch: &[Reference]) -> Result<(), AdminError> {
        if batch.is_empty() {
            return Ok(());
        }
        let now = self.reader.clock.now();
        let event = ExchangeId::generate(now, self.randomness)?;
        let to_read: Vec<ToRead> = batch.iter().map(|reference| reference.read.clone()).collect();
        let receipt = self.reader.enter(&self.request.sitting, *event.as_bytes(), &to_read)?;
        self.access_entries.push(receipt.proof().index);
        for part in batch.chunk_by(|one, next| one.conversation == next.conversation) {
            let mut rest = part;
            while !rest.is_empty() {
                let (step, later) = rest.split_at(step_of(rest));
                self.read_step(&receipt, step)?;
                rest = later;
            }
        }
        Ok(())
    }

    /// Decrypts a few records of one conversation and writes them.
    fn read_step(&mut self, receipt: &AccessReceipt, step: &[Reference]) -> Result<(), AdminError> {
        let Some(first) = step.first() else { return Ok(()) };
        if self.current != Some(first.conversation) {
            self.begin_conversation(first)?;
        }
        let contents = {
            let _reading = self.reader.reading();
            let pseudonym = self.reader.control()?.subject(first.subject)?.and_then(|row| row.pseudonym);
            let records = self.stored(step)?;
            match pseudonym {
                Some(pseudonym) => {
                    self.reader.open(receipt, &records, pseudonym, self.path(), &mut self.envelopes)?
                }
                None => Vec::new(),
            }
        };
        let count = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
        self.records += count(contents.len());
        self.records_unreadable += count(step.len().saturating_sub(contents.len()));
        for content in &contents {
            self.archive.element(content)?;
        }
        Ok(())
    }

    fn stored(&self, step: &[Reference]) -> Result<Vec<fiducia_store::StoredRecord>, AdminError> {
        let place = self.reader.place();
        let mut open: Option<(BucketName, RecordBucket)> = None;
        let mut records = Vec::with_capacity(step.len());
        for reference in step {
            if open.as_ref().is_none_or(|(name, _)| *name != reference.bucket) {
                open = Some((reference.bucket, place.open_for_reading(&reference.bucket)?));
            }
            if let Some((_, bucket)) = &open {
                records.extend(bucket.record(reference.id)?);
            }
        }
        Ok(records)
    }

    fn begin_conversation(&mut self, first: &Reference) -> Result<(), AdminError> {
        self.end_conversation()?;
        self.conversations += 1;
        if self.conversations > CONVERSATIONS_MAX {
            return Err(AdminError::Invalid(format!(
                "one export has at most {CONVERSATIONS_MAX} conversations; nothing was exported. Place narrower holds \
                 for the matter and export each"
            )));
        }
        self.current = Some(first.conversation);
        self.archive.begin(format!("conversations/{}.json", first.conversation))?;
        self.archive.write(b"{\"conversation\":")?;
        self.archive.value(&first.conversation)?;
        self.archive.write(b",\"subject\":")?;
        self.archive.value(&first.subject)?;
        self.archive.write(b",\"records\":[")
    }

    fn end_conversation(&mut self) -> Result<(), AdminError> {
        // Other requests' envelopes are of no use to the next conversation.
        self.envelopes = Envelopes::default();
        if self.current.take().is_some() {
            self.archive.write(b"]}\n")?;
            self.archive.end()?;
        }
        Ok(())
    }

    /// Adds what proves the entries, then the manifest.
    fn finish(mut self) -> Result<(Exported, W), AdminError> {
        let hold_entries = self.add_proofs()?;
        let (hold, names) = (&self.request.hold, &self.reader.names);
        let manifest = Manifest {
            format: MANIFEST_FORMAT,
            hold: hold.id,
            organization: hold.organization,
            matter: &hold.matter,
            authority: &hold.authority,
            scope: scope_of(hold)?,
            placed_at: hold.placed_at,
            exported_at: self.reader.clock.now(),
            reviewer: self.request.reviewer,
            exported_by: self.request.actor,
            reason: self.request.reason,
            ticket: self.request.ticket.as_deref(),
            conversations: self.conversations,
            records: self.records,
            records_unreadable: self.records_unreadable,
            ledger_origin: names.origin_of(hold.organization),
            ledger_verifier_key: names.verifier_of(hold.organization),
            hold_entries: &hold_entries,
            access_entries: &self.access_entries,
            files: self.archive.files(),
        };
        let text = serde_json::to_vec_pretty(&manifest)
            .map_err(|error| AdminError::Storage(format!("the manifest could not be written: {error}")))?;
        self.archive.begin("manifest.json".to_owned())?;
        self.archive.write(&text)?;
        let manifest = self.archive.end()?;
        let exported = Exported {
            conversations: self.conversations,
            records: self.records,
            records_unreadable: self.records_unreadable,
            access_entries: self.access_entries,
            manifest,
        };
        Ok((exported, self.archive.finish()?))
    }

    /// Adds the entries of the hold and of this reading, each with a proof that stands alone. Gives the hold's indexes.
    fn add_proofs(&mut self) -> Result<Vec<u64>, AdminError> {
        let unproved = |error: fiducia_ledger::LedgerError| {
            AdminError::Storage(format!("the log gives no proof: {error}"))
        };
        // A proof needs a checkpoint over its entry.
        self.reader.scribe.settle();
        let organization = self.request.hold.organization;
        let keys = self.reader.names.keys_of(organization).map_err(unproved)?;
        let log = DataDirectory::ledger(&self.reader.root).join(organization.uuid());
        let mut log = LogReader::open(&log, &keys).map_err(unproved)?;
        let mut hold_entries = Vec::new();
        for entry in log.entries(0) {
            let (index, bytes) = entry.map_err(unproved)?;
            let event = LoggedLeaf::parse(&bytes).map(|logged| logged.leaf.event);
            if let Ok(Event::HoldPlaced { hold, .. } | Event::HoldWidened { hold, .. }) = event
                && hold == self.request.hold.id
            {
                hold_entries.push(index);
            }
        }
        for index in hold_entries.iter().chain(&self.access_entries) {
            let proof = log.proof_file(*index).map_err(unproved)?.to_string();
            self.archive.file(format!("ledger/{index}.entry"), &log.entry(*index).map_err(unproved)?)?;
            self.archive.file(format!("ledger/{index}.tlog-proof"), proof.as_bytes())?;
        }
        Ok(hold_entries)
    }
}

/// How many records are decrypted together: at least one.
fn step_of(references: &[Reference]) -> usize {
    let mut bytes = 0_usize;
    let fitting = references.iter().take(DECRYPTED_RECORDS_MAX).take_while(|reference| {
        bytes = bytes.saturating_add(reference.sealed_bytes);
        bytes <= DECRYPTED_BYTES_MAX
    });
    fitting.count().max(1)
}
