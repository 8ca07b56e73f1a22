//! The filing thread: it takes committed groups from the journal into their buckets and into the index.
//!
//! A group is durable once it is journaled, so nobody who waits for an acknowledgement waits for this. Records of many
//! groups go into one transaction, and then their entries into the index in `control.db`. Whoever reads or changes
//! records or index asks for the filing to catch up first.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fiducia_store::{
    Bucket, BucketName, ControlStore, DataDirectory, IndexEntry, KeyStore, RecordBucket, StoreError,
    StoredRecord,
};

use crate::faults;

/// Groups that may wait before the writer waits too.
const QUEUE_GROUPS_MAX: usize = 4_096;
/// Bytes of records that may wait, also those in the transaction under way, before the writer waits too.
const WAITING_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Records after which a transaction is not made larger.
const RECORDS_PER_TRANSACTION: usize = 2_048;
/// Bytes of records after which a transaction is not made larger.
const BYTES_PER_TRANSACTION: usize = 4 * 1024 * 1024;
/// Index entries that are gathered before they go in: sorted, many of them share a page.
const ENTRIES_PER_TRANSACTION: usize = 8_192;
/// What a record takes beside its ciphertext, in bytes.
const RECORD_BYTES: usize = 1_024;
/// How long the first group waits for others to share its transaction, in milliseconds.
const GATHERING_MS: u64 = 500;
/// How far the filing stands back behind threads that requests wait for (`nice`, 0 to 19).
const FILING_NICENESS: i32 = 5;
/// After how long without a group the writer is asked to empty the journal, in milliseconds.
const IDLE_MS: u64 = 3_000;

/// The records of one committed group.
#[derive(Debug)]
pub(crate) struct Group {
    /// Its number in the journal.
    pub(crate) number: u64,
    pub(crate) records: Vec<(BucketName, StoredRecord)>,
    /// Whether keys were stored for it.
    pub(crate) with_keys: bool,
}

impl Group {
    fn bytes(&self) -> usize {
        self.records.iter().map(|(_, record)| record.ciphertext.len() + RECORD_BYTES).sum()
    }
}

enum Message {
    File(Group),
    CatchUp(SyncSender<()>),
    LetGo(BucketName, SyncSender<()>),
    Stop,
}

/// What the thread and its handles share.
#[derive(Debug, Default)]
struct Shared {
    behind: AtomicBool,
    filed: AtomicU64,
    waiting_bytes: Mutex<usize>,
    room: Condvar,
}

/// The handle to the filing thread.
#[derive(Debug, Clone)]
pub(crate) struct Filing {
    sender: SyncSender<Message>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Message")
    }
}

impl Filing {
    /// Starts the thread for the data under `root`. It calls `idle` when nothing was committed for a while.
    pub(crate) fn start(
        root: PathBuf,
        filed: u64,
        idle: impl Fn() + Send + 'static,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (sender, receiver) = sync_channel(QUEUE_GROUPS_MAX);
        let shared = Arc::new(Shared { filed: AtomicU64::new(filed), ..Shared::default() });
        let thread = Thread { root, files: None, receiver, shared: Arc::clone(&shared), idle };
        let thread =
            std::thread::Builder::new().name("fiducia-filing".to_owned()).spawn(move || thread.run())?;
        Ok((Self { sender, shared }, thread))
    }

    /// Hands a group over; waits when too much waits already.
    pub(crate) fn file(&self, group: Group) {
        let bytes = group.bytes();
        let waiting = self.shared.waiting_bytes.lock().unwrap_or_else(PoisonError::into_inner);
        // A group larger than the limit goes in alone.
        let full = |waiting: &mut usize| *waiting > 0 && waiting.saturating_add(bytes) > WAITING_BYTES_MAX;
        let mut waiting = self.shared.room.wait_while(waiting, full).unwrap_or_else(PoisonError::into_inner);
        *waiting += bytes;
        drop(waiting);
        if self.sender.send(Message::File(group)).is_err() {
            self.shared.behind.store(true, Ordering::Release);
        }
    }

    /// Waits until everything handed over so far is filed, or was found not to go in.
    pub(crate) fn catch_up(&self) {
        let (reply, done) = sync_channel(1);
        if self.sender.send(Message::CatchUp(reply)).is_ok() {
            // An error means that the thread has ended, and with it all that waited.
            let _ = done.recv();
        }
    }

    /// Closes a bucket that is about to be removed.
    pub(crate) fn let_go(&self, name: BucketName) {
        let (reply, done) = sync_channel(1);
        if self.sender.send(Message::LetGo(name, reply)).is_ok() {
            // An error means that the thread has ended, and its files are closed.
            let _ = done.recv();
        }
    }

    /// The last group whose records are in their buckets durably, with all groups before it.
    pub(crate) fn filed(&self) -> u64 {
        self.shared.filed.load(Ordering::Acquire)
    }

    /// Whether something could not be filed. From then on nothing is, until [`Filing::resume`].
    pub(crate) fn is_behind(&self) -> bool {
        self.shared.behind.load(Ordering::Acquire)
    }

    /// Goes on after the writer has filed everything up to `group` itself.
    pub(crate) fn resume(&self, group: u64) {
        self.shared.filed.fetch_max(group, Ordering::AcqRel);
        self.shared.behind.store(false, Ordering::Release);
    }

    /// Asks the thread to finish what it has and end.
    pub(crate) fn stop(&self) {
        // An error means that the thread has ended already.
        let _ = self.sender.send(Message::Stop);
    }
}

/// The thread's own connections, so that its transactions and the writer's do not mix.
struct FilingFiles {
    place: Bucket,
    buckets: BTreeMap<BucketName, RecordBucket>,
    index: ControlStore,
    keys: KeyStore,
    /// Entries of filed records that are not in the index yet, with the last sequence number they stand for. Should they
    /// be lost, the records tell them again.
    unindexed: BTreeMap<BucketName, (i64, Vec<IndexEntry>)>,
}

impl FilingFiles {
    fn open(root: &std::path::Path) -> Result<Self, StoreError> {
        Ok(Self {
            place: Bucket::in_directory(DataDirectory::records(root)),
            buckets: BTreeMap::new(),
            index: ControlStore::open_for_indexing(&DataDirectory::control(root))?,
            keys: KeyStore::open(&DataDirectory::keys(root))?,
            unindexed: BTreeMap::new(),
        })
    }

    fn file(&mut self, gathered: &[Group], last: u64) -> Result<(), StoreError> {
        for (name, records) in by_bucket(gathered.iter().flat_map(|group| &group.records)) {
            let bucket = match self.buckets.entry(*name) {
                Entry::Occupied(open) => open.into_mut(),
                Entry::Vacant(place) => {
                    let mut bucket = self.place.open(name)?;
                    bucket.number_after(self.index.indexed_up_to(name)?);
                    place.insert(bucket)
                }
            };
            let sequence = bucket.file(last, &records)?;
            faults::reached("records-filed");
            let (up_to, entries) = self.unindexed.entry(*name).or_default();
            *up_to = sequence;
            entries.extend(records.into_iter().map(index_entry));
        }
        if gathered.iter().any(|group| group.with_keys) {
            self.keys.fold()?;
        }
        Ok(())
    }

    fn index(&mut self) -> Result<(), StoreError> {
        for (name, (sequence, entries)) in std::mem::take(&mut self.unindexed) {
            self.index.index(&name, sequence, &entries)?;
            faults::reached("records-indexed");
        }
        Ok(())
    }

    fn entries_waiting(&self) -> usize {
        self.unindexed.values().map(|(_, entries)| entries.len()).sum()
    }
}

struct Thread<F> {
    root: PathBuf,
    files: Option<FilingFiles>,
    receiver: Receiver<Message>,
    shared: Arc<Shared>,
    idle: F,
}

impl<F: Fn()> Thread<F> {
    fn run(mut self) {
        step_back();
        let mut settled = true;
        loop {
            let first = if settled {
                self.receiver.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                self.receiver.recv_timeout(Duration::from_millis(IDLE_MS))
            };
            settled = false;
            match first {
                Ok(first) => {
                    let (gathered, last) = self.gather(first);
                    self.file(gathered);
                    match last {
                        Some(Message::CatchUp(reply)) => {
                            self.index();
                            // Whoever asked may have gone away.
                            let _ = reply.send(());
                        }
                        Some(Message::LetGo(name, reply)) => {
                            self.index();
                            if let Some(files) = self.files.as_mut() {
                                files.buckets.remove(&name);
                            }
                            let _ = reply.send(());
                        }
                        Some(Message::Stop) => return self.index(),
                        Some(Message::File(_)) | None => {}
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    self.index();
                    (self.idle)();
                    settled = true;
                }
                Err(RecvTimeoutError::Disconnected) => return self.index(),
            }
        }
    }

    /// Takes messages in until there are enough, time is up, or one of them is something else than a group.
    fn gather(&self, first: Message) -> (Vec<Group>, Option<Message>) {
        let until = Instant::now() + Duration::from_millis(GATHERING_MS);
        let (mut gathered, mut records, mut bytes) = (Vec::new(), 0, 0);
        let mut message = first;
        loop {
            match message {
                Message::File(group) => {
                    records += group.records.len();
                    bytes += group.bytes();
                    gathered.push(group);
                }
                other => return (gathered, Some(other)),
            }
            if records >= RECORDS_PER_TRANSACTION || bytes >= BYTES_PER_TRANSACTION {
                return (gathered, None);
            }
            message = match self.receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(next) => next,
                Err(RecvTimeoutError::Timeout) => return (gathered, None),
                Err(RecvTimeoutError::Disconnected) => return (gathered, Some(Message::Stop)),
            };
        }
    }

    fn file(&mut self, gathered: Vec<Group>) {
        let Some(last) = gathered.last().map(|group| group.number) else { return };
        let bytes: usize = gathered.iter().map(Group::bytes).sum();
        // INVARIANT: groups are filed in the order of their numbers, without a gap: a bucket's mark says that everything
        // up to it is in. Hence after a failure nothing is filed until the writer has filled the gap from the journal.
        if let Some(()) = self.attempt(|files| files.file(&gathered, last)) {
            self.shared.filed.store(last, Ordering::Release);
        }
        drop(gathered);
        *self.shared.waiting_bytes.lock().unwrap_or_else(PoisonError::into_inner) -= bytes;
        self.shared.room.notify_all();
        if self.files.as_ref().is_some_and(|files| files.entries_waiting() >= ENTRIES_PER_TRANSACTION) {
            self.index();
        }
    }

    fn index(&mut self) {
        if self.files.is_some() {
            self.attempt(FilingFiles::index);
        }
    }

    /// Does something with the files unless something failed before. After a failure nothing more is done until the
    /// writer has filled the gap.
    fn attempt(&mut self, work: impl FnOnce(&mut FilingFiles) -> Result<(), StoreError>) -> Option<()> {
        if self.shared.behind.load(Ordering::Acquire) {
            self.files = None;
            return None;
        }
        let files = match self.files.as_mut() {
            Some(files) => Ok(files),
            None => FilingFiles::open(&self.root).map(|files| self.files.insert(files)),
        };
        match files.and_then(work) {
            Ok(()) => Some(()),
            Err(error) => {
                self.files = None;
                self.shared.behind.store(true, Ordering::Release);
                tracing::warn!(%error, "records could not be filed; they stay in the journal until they can");
                None
            }
        }
    }
}

/// Lets the threads that requests wait for go first. Nobody waits for the filing until it is far behind.
fn step_back() {
    let own = rustix::thread::gettid();
    // Without this nothing fails; requests wait a little longer at times.
    let _ = rustix::process::setpriority_process(Some(own), FILING_NICENESS);
}

/// Sorts records by bucket, in the order in which they came.
pub(crate) fn by_bucket<'a>(
    records: impl IntoIterator<Item = &'a (BucketName, StoredRecord)>,
) -> BTreeMap<&'a BucketName, Vec<&'a StoredRecord>> {
    let mut sorted: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (name, record) in records {
        sorted.entry(name).or_default().push(record);
    }
    sorted
}

/// What a record adds to the index.
pub(crate) fn index_entry(record: &StoredRecord) -> IndexEntry {
    IndexEntry {
        conversation: record.conversation,
        organization: record.organization,
        subject: record.subject,
        at: record.created_at,
        prefix: record.prefix,
        alias: record.alias,
        position: record.position,
        terms: record.terms,
    }
}
