//! The indexer: the thread that lets the index in `control.db` follow the records.
//!
//! The records are the truth and the index can be rebuilt from them, so nobody who waits for a record waits for its
//! index entry. Entries of many commits go into one transaction, with a file handle of the indexer's own. Whoever reads
//! or changes the index asks for it to catch up first.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fiducia_store::{BucketName, ControlStore, IndexEntry, StoreError};

/// Commits whose entries may wait before the writer waits too.
const QUEUE_COMMITS_MAX: usize = 512;
/// Entries that one transaction takes at most, so that it is short.
const ENTRIES_PER_TRANSACTION_MAX: usize = 512;
/// How long the first entry waits for others to share its transaction, in milliseconds.
const GATHERING_MS: u64 = 100;

/// The index entries of one commit.
#[derive(Debug)]
pub(crate) struct Indexable {
    pub(crate) bucket: BucketName,
    /// The last sequence number of the bucket that the commit wrote.
    pub(crate) sequence: i64,
    pub(crate) entries: Vec<IndexEntry>,
}

enum Message {
    Index(Indexable),
    CatchUp(SyncSender<()>),
    Stop,
}

/// The handle to the indexer.
#[derive(Debug, Clone)]
pub(crate) struct Indexer {
    sender: SyncSender<Message>,
    behind: Arc<AtomicBool>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Message")
    }
}

impl Indexer {
    /// Starts the thread.
    pub(crate) fn start(control: PathBuf) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (sender, receiver) = sync_channel(QUEUE_COMMITS_MAX);
        let behind = Arc::new(AtomicBool::new(false));
        let thread = Thread { control, store: None, receiver, behind: Arc::clone(&behind) };
        let thread =
            std::thread::Builder::new().name("fiducia-indexer".to_owned()).spawn(move || thread.run())?;
        Ok((Self { sender, behind }, thread))
    }

    /// Hands a commit's entries over; waits when too many wait already.
    pub(crate) fn index(&self, indexable: Indexable) {
        if self.sender.send(Message::Index(indexable)).is_err() {
            self.behind.store(true, Ordering::Release);
        }
    }

    /// Waits until everything handed over so far is in the index, or was found not to go in.
    pub(crate) fn catch_up(&self) {
        let (reply, done) = sync_channel(1);
        if self.sender.send(Message::CatchUp(reply)).is_ok() {
            // An error means that the thread has ended, and with it all that waited.
            let _ = done.recv();
        }
    }

    /// Whether the index missed something. From then on it takes nothing in until [`Indexer::resume`].
    pub(crate) fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Acquire)
    }

    /// Goes on after the writer has indexed what was missed.
    pub(crate) fn resume(&self) {
        self.behind.store(false, Ordering::Release);
    }

    /// Asks the thread to finish what it has and end.
    pub(crate) fn stop(&self) {
        // An error means that the thread has ended already.
        let _ = self.sender.send(Message::Stop);
    }
}

struct Thread {
    control: PathBuf,
    store: Option<ControlStore>,
    receiver: Receiver<Message>,
    behind: Arc<AtomicBool>,
}

impl Thread {
    fn run(mut self) {
        while let Ok(first) = self.receiver.recv() {
            let (gathered, last) = self.gather(first);
            self.index(gathered);
            match last {
                Some(Message::CatchUp(reply)) => drop(reply.send(())),
                Some(Message::Stop) => return,
                Some(Message::Index(_)) | None => {}
            }
        }
    }

    /// Takes messages in until there are enough, time is up, or one of them is something else than entries.
    fn gather(&self, first: Message) -> (Vec<Indexable>, Option<Message>) {
        let until = Instant::now() + Duration::from_millis(GATHERING_MS);
        let (mut gathered, mut count) = (Vec::new(), 0);
        let mut message = first;
        loop {
            match message {
                Message::Index(indexable) => {
                    count += indexable.entries.len();
                    gathered.push(indexable);
                }
                other => return (gathered, Some(other)),
            }
            if count >= ENTRIES_PER_TRANSACTION_MAX {
                return (gathered, None);
            }
            message = match self.receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(next) => next,
                Err(RecvTimeoutError::Timeout) => return (gathered, None),
                Err(RecvTimeoutError::Disconnected) => return (gathered, Some(Message::Stop)),
            };
        }
    }

    fn index(&mut self, gathered: Vec<Indexable>) {
        // INVARIANT: entries go in in the order of their commits, without a gap: a bucket's mark says that everything
        // up to it is in. Hence after a failure nothing goes in until the writer has filled the gap.
        if gathered.is_empty() || self.behind.load(Ordering::Acquire) {
            return;
        }
        if let Err(error) = self.try_index(gathered) {
            self.store = None;
            self.behind.store(true, Ordering::Release);
            tracing::warn!(%error, "the index could not follow the records; it is rebuilt before it is used again");
        }
    }

    fn try_index(&mut self, gathered: Vec<Indexable>) -> Result<(), StoreError> {
        let store = match self.store.as_mut() {
            Some(store) => store,
            None => self.store.insert(ControlStore::open(&self.control)?),
        };
        for joined in joined_by_bucket(gathered) {
            store.index(&joined.bucket, joined.sequence, &joined.entries)?;
        }
        Ok(())
    }
}

/// Joins commits to one bucket that follow each other.
fn joined_by_bucket(gathered: Vec<Indexable>) -> Vec<Indexable> {
    let mut joined: Vec<Indexable> = Vec::new();
    for mut next in gathered {
        match joined.last_mut() {
            Some(last) if last.bucket == next.bucket => {
                last.sequence = last.sequence.max(next.sequence);
                last.entries.append(&mut next.entries);
            }
            _ => joined.push(next),
        }
    }
    joined
}
