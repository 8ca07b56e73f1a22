//! The writer: the one thread that changes the store.
//!
//! It takes whatever waits, stages it, commits it as one group and only then acknowledges. The order of commits makes
//! every crash point safe: keys, then the journal with records and facts, then the acknowledgement, then the buckets and
//! the index.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use fiducia_ledger::{Digest, Event, SigningKey, capture_batch_root};
use fiducia_policy::{
    Clock, ExchangeId, KeyId, OrganizationId, Randomness, RecordId, RetentionSpan, Timestamp,
};
use fiducia_store::{
    Bucket, BucketName, ControlStore, DataDirectory, Journal, KeyStore, PrefixHit, RecordBucket, StoreError,
    StoredRecord,
};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Duration, Instant, timeout_at};

use crate::exchange::Acknowledgement;
use crate::faults;
use crate::filing::{Filing, Group};
use crate::import::{ImportOutcome, UNFILED_IMPORTS_MAX};
use crate::keychain::Keychain;
use crate::mailbox::{Message, WriterState};
use crate::recovery::file_journal;
use crate::retention::governance::Governance;
use crate::retention::{Ended, Forgetting, Holds, Scrubbing};
use crate::scribe::{Delivery, Fact, Scribe, Source};
use crate::staging::{Batch, Caches, OpenState, StagingError};
use crate::{AdminCommand, AdminError, CaptureFailed, CaptureLimits, CertificateSettings};

/// How long a request part that nobody waits for waits to share its commit with others, in milliseconds. Providers take
/// longer.
const REQUEST_LINGERS_MS: u64 = 4;
/// Why nothing is taken in while the files cannot be opened.
const DOWN: &str = "its files could not be opened again after a failure";

/// The writer's open files.
#[derive(Debug)]
pub(crate) struct Files {
    pub(crate) root: std::path::PathBuf,
    pub(crate) control: ControlStore,
    pub(crate) keys: KeyStore,
    pub(crate) place: Bucket,
    pub(crate) buckets: HashMap<BucketName, RecordBucket>,
}

impl Files {
    pub(crate) fn open(root: &std::path::Path) -> Result<Self, StoreError> {
        Ok(Self {
            root: root.to_owned(),
            control: ControlStore::open(&DataDirectory::control(root))?,
            keys: KeyStore::open(&DataDirectory::keys(root))?,
            place: Bucket::in_directory(DataDirectory::records(root)),
            buckets: HashMap::new(),
        })
    }

    /// An open bucket, opened or created when needed.
    pub(crate) fn bucket(&mut self, name: &BucketName) -> Result<&mut RecordBucket, StoreError> {
        match self.buckets.entry(*name) {
            std::collections::hash_map::Entry::Occupied(open) => Ok(open.into_mut()),
            std::collections::hash_map::Entry::Vacant(place) => {
                let mut bucket = self.place.open(name)?;
                bucket.number_after(self.control.indexed_up_to(name)?);
                Ok(place.insert(bucket))
            }
        }
    }
}

/// The writer.
pub(crate) struct Writer {
    pub(crate) root: std::path::PathBuf,
    pub(crate) files: Files,
    pub(crate) keychain: Keychain,
    pub(crate) access: Arc<crate::keys::KeyAccess>,
    /// Up to which change of what services opened this has followed.
    pub(crate) epoch: u64,
    pub(crate) scribe: Scribe,
    pub(crate) filing: Filing,
    pub(crate) journal: Journal,
    pub(crate) caches: Caches,
    /// First turns of imported conversations that are journaled and perhaps not filed yet.
    pub(crate) imported: HashSet<RecordId>,
    /// Imports begun since the files were opened, with the last line that was staged of each: what comes behind it cannot
    /// be stored yet.
    pub(crate) new_imports: HashMap<[u8; 16], u64>,
    pub(crate) open: HashMap<ExchangeId, OpenState>,
    pub(crate) callers: Arc<crate::callers::Callers>,
    pub(crate) governance: Governance,
    /// Who may read, and how much.
    pub(crate) gate: Arc<crate::looking::Gate>,
    pub(crate) holds: Holds,
    pub(crate) scrubbing: Scrubbing,
    /// What is being forgotten of many conversations that ended at once.
    pub(crate) forgetting: Forgetting,
    pub(crate) consents: crate::consent::ConsentMemory,
    /// Signs published policies.
    pub(crate) signing: SigningKey,
    /// Signs certificates of destruction.
    pub(crate) certificate_signing: SigningKey,
    /// Signs audit reports.
    pub(crate) audit_signing: SigningKey,
    pub(crate) certificates: CertificateSettings,
    /// What the worker has ended since its last certificates.
    pub(crate) ended: Ended,
    /// For each time before an end at which people are warned: up to which end, and among those of one instant up to which
    /// key, was looked. Emptied whenever an end may have come nearer.
    pub(crate) warned_up_to: Vec<(RetentionSpan, (Timestamp, KeyId))>,
    pub(crate) readers: Arc<std::sync::RwLock<()>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) randomness: Arc<dyn Randomness>,
    pub(crate) ledger_names: crate::log_keys::LedgerNames,
    pub(crate) handle: Arc<WriterState>,
    pub(crate) limits: CaptureLimits,
}

enum Waiting {
    Capture(ExchangeId, bool, Acknowledgement),
    Import(ImportOutcome, oneshot::Sender<Result<ImportOutcome, AdminError>>),
}

/// What a commit leaves to be done: facts for the ledger, and records to be filed.
type Committed = (Vec<Delivery>, Group);

/// What is staged and not committed yet.
#[derive(Default)]
struct Staged {
    batch: Batch,
    waiting: Vec<Waiting>,
    parts: usize,
    bytes: usize,
    /// Somebody waits for it.
    is_urgent: bool,
    /// When it is committed although nobody waits for it.
    commit_by: Option<Instant>,
}

impl Writer {
    /// Serves messages until told to stop. `timer` is for this thread alone.
    pub(crate) fn run(mut self, timer: &Runtime, receiver: &mut mpsc::Receiver<Message>) {
        let mut staged = Staged::default();
        loop {
            let next = match staged.commit_by {
                None => Ok(timer.block_on(receiver.recv())),
                Some(due) => timer.block_on(async { timeout_at(due, receiver.recv()).await }),
            };
            match next {
                Ok(Some(first)) => {
                    // Whoever else is about to hand something over, and only waits for this core, may do so first: then
                    // one commit takes both. When nobody waits for the core this returns at once.
                    std::thread::yield_now();
                    if !self.turn(&mut staged, first, receiver) {
                        break;
                    }
                }
                Ok(None) => break,
                Err(_) => self.commit_staged(&mut staged),
            }
            self.handle.open_exchanges.store(self.open.len(), Ordering::Relaxed);
        }
        // What was queued behind the stop is answered by its dropped acknowledgement: not stored, and said so.
        self.commit_staged(&mut staged);
        self.settle_journal();
        self.filing.stop();
    }

    /// One turn: everything that waits, up to the limits, as one group. Gives whether to go on.
    fn turn(&mut self, staged: &mut Staged, first: Message, receiver: &mut mpsc::Receiver<Message>) -> bool {
        self.drop_abandoned();
        if self.access.epoch() != self.epoch {
            self.commit_staged(staged);
            self.follow_access();
        }
        if self.is_down() || self.filing.is_behind() {
            // What is staged must not outlive what is remembered of it.
            self.commit_staged(staged);
            self.reopen();
        }
        let mut next = Some(first);
        while let Some(message) = next.take() {
            self.handle.queued_parts.fetch_sub(1, Ordering::Relaxed);
            self.handle.queued_bytes.fetch_sub(message.bytes(), Ordering::Relaxed);
            staged.bytes += message.bytes();
            staged.parts += 1;
            // Nobody waits for a request part by itself: it has until its answer comes, or until somebody asks.
            staged.is_urgent |= !matches!(message, Message::Request(..));
            if !self.take(staged, message) {
                return false;
            }
            if self.is_down() {
                // Who comes next may find the files again: that is another turn.
                break;
            }
            if staged.parts < self.limits.batch_parts_max && staged.bytes < self.limits.batch_bytes_max {
                next = receiver.try_recv().ok();
            } else {
                staged.is_urgent = true;
            }
        }
        if staged.is_urgent {
            self.commit_staged(staged);
        } else if staged.commit_by.is_none() {
            staged.commit_by = Some(Instant::now() + Duration::from_millis(REQUEST_LINGERS_MS));
        }
        true
    }

    fn commit_staged(&mut self, staged: &mut Staged) {
        let Staged { batch, waiting, .. } = std::mem::take(staged);
        self.commit(batch, waiting);
    }

    /// Stages one message, or does at once what it asks for. Gives whether to go on.
    fn take(&mut self, staged: &mut Staged, message: Message) -> bool {
        match message {
            // What could be journaled now could not be filed: the journal would grow without end.
            Message::Request(_, _, reply) | Message::Answer(_, _, reply) if self.is_down() => {
                let _ = reply.send(Err(CaptureFailed::Store(DOWN.to_owned())));
            }
            Message::Import(_, reply) if self.is_down() => {
                let _ = reply.send(Err(AdminError::Storage(DOWN.to_owned())));
            }
            Message::Request(opening, id, reply) => {
                let outcome = self.stage_request(&mut staged.batch, id, &opening);
                Self::wait_or_refuse(&mut staged.waiting, outcome, id, true, reply);
            }
            Message::Answer(id, answer, reply) => {
                let outcome = self.stage_answer(&mut staged.batch, id, &answer);
                Self::wait_or_refuse(&mut staged.waiting, outcome, id, false, reply);
            }
            Message::Import(chunk, reply) => match self.stage_import(&mut staged.batch, &chunk) {
                Ok(outcome) => staged.waiting.push(Waiting::Import(outcome, reply)),
                Err(error) => {
                    let _ = reply.send(Err(AdminError::Storage(error.to_string())));
                }
            },
            Message::Announce(organization, exchange, notices) => {
                Self::note(&mut staged.batch, organization, exchange, &notices, self.clock.now());
            }
            Message::Hurry => {}
            Message::Administer(command, reply) => {
                // Commands see and change committed state only.
                self.commit_staged(staged);
                // Requests wait for new names, which no record concerns.
                // Nor does a choice concern any: its keys are in the key store as soon as they are committed.
                if !matches!(
                    *command,
                    AdminCommand::NameSubject { .. }
                        | AdminCommand::NamePerson { .. }
                        | AdminCommand::Consent(_)
                ) {
                    self.catch_up();
                }
                let _ = reply.send(self.administer(*command));
            }
            Message::Access(change, reply) => {
                let _ = reply.send(self.change_access(*change));
            }
            Message::NoteExport(note, reply) => {
                let _ = reply.send(self.note_export(*note));
            }
            Message::IssueAuditReport(facts, reply) => {
                let _ = reply.send(self.issue_audit_report(&facts));
            }
            Message::ChangeKey(change, reply) => {
                self.commit_staged(staged);
                self.catch_up();
                let _ = reply.send(self.change_key(*change));
            }
            Message::Choose(request, reply) => {
                self.commit_staged(staged);
                let _ = reply.send(self.choose(&request));
            }
            Message::CatchUp(reply) => {
                self.commit_staged(staged);
                self.catch_up();
                // A reader that is gone reads nothing.
                let _ = reply.send(Ok(()));
            }
            Message::Idle => {
                self.commit_staged(staged);
                self.settle_journal();
            }
            Message::Stop => {
                self.commit_staged(staged);
                return false;
            }
        }
        true
    }

    /// Forgets every key after a service opened one or one was given up, and names of organisations whose keys are closed.
    fn follow_access(&mut self) {
        self.catch_up();
        self.keychain.forget();
        self.caches.clear();
        self.epoch = self.access.epoch();
        if let Err(error) = crate::opening::load_names(&self.files, &mut self.keychain, &self.callers) {
            tracing::error!(%error, "the names of organisations could not be read");
        }
        // What was withdrawn while an organisation was closed has no path before anything else is done in it.
        loop {
            match self.follow_consents(self.clock.now()) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::error!(%error, "keys could not follow what people chose; the worker tries again");
                    break;
                }
            }
        }
    }

    fn is_down(&self) -> bool {
        self.handle.down.load(Ordering::Acquire)
    }

    fn wait_or_refuse(
        waiting: &mut Vec<Waiting>,
        staged: Result<(), StagingError>,
        id: ExchangeId,
        is_request: bool,
        reply: Acknowledgement,
    ) {
        match staged {
            Ok(()) => waiting.push(Waiting::Capture(id, is_request, reply)),
            Err(error) => {
                let _ = reply.send(Err(CaptureFailed::Store(error.to_string())));
            }
        }
    }

    fn drop_abandoned(&mut self) {
        let abandoned =
            std::mem::take(&mut *self.handle.abandoned.lock().unwrap_or_else(PoisonError::into_inner));
        for id in abandoned {
            self.open.remove(&id);
        }
    }

    /// Commits the group and acknowledges, or fails all of it.
    fn commit(&mut self, batch: Batch, waiting: Vec<Waiting>) {
        // Keys are stored also when what they were made for was refused: they are remembered, and the next part uses them.
        if waiting.is_empty() && batch.new_keys.is_empty() && batch.notices.is_empty() {
            return;
        }
        let mut waiting = waiting;
        if faults::is_planted("acknowledge-before-commit") {
            drop(acknowledge(std::mem::take(&mut waiting)));
            faults::linger();
        }
        if faults::is_planted("acknowledge-without-commit") {
            return drop(acknowledge(waiting));
        }
        match self.commit_records(batch) {
            Ok((deliveries, group)) => {
                self.handle.batches.fetch_add(1, Ordering::Relaxed);
                self.handle.failing.store(false, Ordering::Release);
                self.advance_imports(&waiting);
                for abandoned in acknowledge(waiting) {
                    self.open.remove(&abandoned);
                }
                faults::reached("acknowledged");
                self.scribe.deliver(deliveries);
                faults::reached("delivered");
                self.file(group);
                if self.imported.len() >= UNFILED_IMPORTS_MAX {
                    self.catch_up();
                }
            }
            Err(error) => self.fail(&error, waiting),
        }
    }

    fn fail(&mut self, error: &StoreError, waiting: Vec<Waiting>) {
        self.handle.failures.fetch_add(1, Ordering::Relaxed);
        self.handle.failing.store(true, Ordering::Release);
        tracing::error!(%error, parts = waiting.len(), "a group could not be committed; none of it was acknowledged");
        // First, so that who is refused finds the store as it will be for the next request.
        self.reopen();
        for part in waiting {
            match part {
                Waiting::Capture(id, is_request, reply) => {
                    if is_request {
                        self.open.remove(&id);
                    }
                    let _ = reply.send(Err(CaptureFailed::Store(error.to_string())));
                }
                Waiting::Import(_, reply) => {
                    let _ = reply.send(Err(AdminError::Storage(error.to_string())));
                }
            }
        }
    }

    /// Closes and opens all files after a failure: their state, and that of the caches, is not known. What the journal
    /// holds is filed before anything else.
    pub(crate) fn reopen(&mut self) {
        self.caches.clear();
        self.imported.clear();
        self.new_imports.clear();
        self.consents = crate::consent::ConsentMemory::default();
        self.keychain.forget();
        // What the filing thread still holds must not go in a second time.
        self.filing.catch_up();
        let reopened = Files::open(&self.root).and_then(|files| {
            self.files = files;
            file_journal(&mut self.files, |_| {})?;
            self.index_what_is_behind()
        });
        match &reopened {
            Ok(()) => self.filing.resume(self.journal.last_group()),
            Err(error) => {
                tracing::error!(%error, "the store could not be opened again; captures are refused until it can");
            }
        }
        self.handle.down.store(reopened.is_err(), Ordering::Release);
    }

    fn commit_records(&mut self, batch: Batch) -> Result<Committed, StoreError> {
        let with_keys = !batch.new_keys.is_empty();
        if with_keys {
            self.files.keys.add(&batch.new_keys)?;
            faults::reached("keys-committed");
        }
        self.forget_delivered()?;
        self.journal.release(self.settled());
        let now = self.clock.now();
        let batch_id = ExchangeId::generate(now, &*self.randomness).map_err(|_| self.no_randomness())?;
        let mut records = batch.records;
        for (_, record) in &mut records {
            record.batch = batch_id;
        }
        let mut facts = capture_facts(records.iter().map(|(_, record)| record), batch_id, now);
        facts.extend(batch.notices);
        let mut announcements = Vec::with_capacity(facts.len());
        for (organization, fact) in &facts {
            announcements.push(fact.announcement(self.event_id()?, *organization));
        }
        if records.is_empty() && facts.is_empty() {
            let number = self.journal.last_group();
            return Ok((Vec::new(), Group { number, records, with_keys }));
        }
        let number = self.journal.append(&records, &announcements)?;
        faults::reached("records-journaled");
        self.handle.records.fetch_add(u64::try_from(records.len()).unwrap_or(0), Ordering::Relaxed);
        let source = Source::Journal(number);
        let deliveries = facts.into_iter().zip(announcements).map(|((organization, fact), announced)| {
            Delivery { source, id: announced.id, organization, fact }
        });
        Ok((deliveries.collect(), Group { number, records, with_keys }))
    }

    /// The last group that is filed and whose facts are in the ledger, with all before it.
    fn settled(&self) -> u64 {
        self.filing.filed().min(self.scribe.delivered_up_to())
    }

    /// Takes the rows out of the control outbox that the ledger has.
    fn forget_delivered(&mut self) -> Result<(), StoreError> {
        let delivered = self.scribe.delivered_from_control();
        if delivered.is_empty() {
            return Ok(());
        }
        let forgotten = self.files.control.forget_delivered(&delivered);
        if forgotten.is_err() {
            self.scribe.give_back(delivered);
        }
        forgotten
    }

    /// Lets everything leave the journal that can, so that no byte of it stays there. Without this only the next groups
    /// would push it out. What cannot leave yet stays: it is found again when the data is opened.
    pub(crate) fn settle_journal(&mut self) {
        self.catch_up();
        self.scribe.settle();
        let settled = self.forget_delivered().and_then(|()| self.journal.release_all(self.settled()));
        if let Err(error) = settled {
            tracing::warn!(%error, "the journal could not be emptied; this is tried again");
        }
    }

    fn no_randomness(&self) -> StoreError {
        StoreError::Refused {
            path: self.root.clone(),
            operation: "capture",
            detail: "the source of randomness failed".to_owned(),
        }
    }

    /// A fresh event id.
    pub(crate) fn event_id(&self) -> Result<[u8; 16], StoreError> {
        ExchangeId::generate(self.clock.now(), &*self.randomness)
            .map(|id| *id.as_bytes())
            .map_err(|_| self.no_randomness())
    }

    /// Remembers what the next requests may continue and hands the group to the filing thread.
    fn file(&mut self, group: Group) {
        for (_, record) in &group.records {
            for digest in record.prefix.into_iter().chain(record.alias) {
                let hit = PrefixHit { conversation: record.conversation, position: record.position };
                self.caches.prefixes.put(digest, hit);
            }
        }
        self.filing.file(group);
    }

    /// Waits until records and index hold everything that is committed.
    pub(crate) fn catch_up(&mut self) {
        self.filing.catch_up();
        if self.filing.is_behind() {
            self.reopen();
        }
        self.imported.clear();
    }

    fn advance_imports(&mut self, waiting: &[Waiting]) {
        for part in waiting {
            if let Waiting::Import(outcome, _) = part {
                let (job, done) = (outcome.job, outcome.lines_done);
                let advanced =
                    self.files.control.advance_import(job, done, outcome.accepted, outcome.rejected_count());
                if let Err(error) = advanced {
                    // The chunk is durable; without its mark it will be sent again and found to be there.
                    tracing::warn!(%error, "an import's progress could not be noted");
                }
            }
        }
    }
}

/// Tells everybody that their part is durable. Gives the exchanges whose request nobody waited for any more: they were
/// abandoned before they were opened, so nobody will say so again.
fn acknowledge(waiting: Vec<Waiting>) -> Vec<ExchangeId> {
    let mut abandoned = Vec::new();
    for part in waiting {
        match part {
            Waiting::Capture(id, is_request, reply) => {
                if reply.send(Ok(())).is_err() && is_request {
                    abandoned.push(id);
                }
            }
            // A receiver that is gone no longer waits for the news.
            Waiting::Import(outcome, reply) => drop(reply.send(Ok(outcome))),
        }
    }
    abandoned
}

/// One capture leaf for each organisation in the group.
fn capture_facts<'a>(
    records: impl IntoIterator<Item = &'a StoredRecord>,
    batch: ExchangeId,
    now: fiducia_policy::Timestamp,
) -> Vec<(OrganizationId, Fact)> {
    let mut hashes: BTreeMap<OrganizationId, Vec<[u8; 32]>> = BTreeMap::new();
    for record in records {
        hashes.entry(record.organization).or_default().push(record.record_hash);
    }
    hashes
        .into_iter()
        .map(|(organization, hashes)| {
            let event = Event::CaptureBatch {
                batch: batch.uuid(),
                root: Digest(capture_batch_root(&hashes)),
                count: u64::try_from(hashes.len()).unwrap_or(0),
            };
            (organization, Fact { at: now, event })
        })
        .collect()
}
