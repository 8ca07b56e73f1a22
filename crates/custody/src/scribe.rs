//! The scribe: the one thread that writes the ledger.
//!
//! Facts arrive from the writer after the transaction that made them true, with their outbox rows still in place.
//! When the ledger has them durably, the rows are handed back as delivered. A person's read waits here for its entry.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fiducia_ledger::{AccessEntry, AccessReceipt, Event, EventId, Leaf, Ledger, LedgerError};
use fiducia_policy::{OrganizationId, Timestamp};
use fiducia_store::{Announcement, BucketName, DataDirectory};

/// Facts that may wait for the ledger before the writer waits too.
const QUEUE_FACTS_MAX: usize = 4_096;
/// Entries that one append takes at most.
const APPEND_ENTRIES_MAX: usize = 1_024;
/// How long the scribe waits for more before it publishes a checkpoint, in milliseconds.
const PUBLISH_IDLE_MS: u64 = 50;
/// How old the published checkpoint may be while facts keep coming, in milliseconds.
const PUBLISH_AGE_MS_MAX: u64 = 1_000;

/// A fact as it lies in an outbox.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Fact {
    pub(crate) at: Timestamp,
    pub(crate) event: Event,
}

impl Fact {
    /// The outbox row of this fact.
    pub(crate) fn announcement(&self, id: [u8; 16], organization: OrganizationId) -> Announcement {
        // A fact is made of ids, numbers and short texts: serialising it cannot fail; an empty row would be
        // reported as damaged when it is drained.
        Announcement { id, organization, event: serde_json::to_vec(self).unwrap_or_default() }
    }
}

/// Which outbox a fact came from: a bucket's, or the control file's.
pub(crate) type OutboxSource = Option<BucketName>;

/// A fact on its way into the ledger.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) source: OutboxSource,
    pub(crate) id: [u8; 16],
    pub(crate) organization: OrganizationId,
    pub(crate) fact: Fact,
}

impl Delivery {
    /// The leaf of this fact.
    pub(crate) fn leaf(&self) -> Result<Leaf, LedgerError> {
        Ok(Leaf { id: event_id(self.id)?, at: self.fact.at, event: self.fact.event.clone() })
    }
}

enum Message {
    Append(Vec<Delivery>),
    AppendAndWait(Delivery, SyncSender<Result<u64, String>>),
    Access(Box<AccessEntry>, SyncSender<Result<AccessReceipt, String>>),
    Stop,
}

/// The event id of an outbox row.
pub(crate) fn event_id(id: [u8; 16]) -> Result<EventId, LedgerError> {
    EventId::new(&format!("event_{}", fiducia_policy::ExchangeId::from_bytes(id).uuid()))
}

/// What the writer, the readers and the scribe share.
#[derive(Debug, Default)]
pub(crate) struct ScribeState {
    delivered: Mutex<Vec<(OutboxSource, [u8; 16])>>,
    down: AtomicBool,
    entries: AtomicU64,
}

impl ScribeState {
    /// Hands rows back whose facts lie under a published checkpoint. Until then they stay in the outbox, so that even
    /// damage to the ledger's pending entries loses none.
    fn mark_delivered(&self, appended: &mut Appended) {
        self.delivered.lock().unwrap_or_else(std::sync::PoisonError::into_inner).append(appended);
    }
}

/// The handle to the scribe.
#[derive(Debug, Clone)]
pub(crate) struct Scribe {
    sender: SyncSender<Message>,
    state: Arc<ScribeState>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Message")
    }
}

impl Scribe {
    /// Starts the thread, which holds the data directory's lock until its last write.
    pub(crate) fn start(ledger: Ledger, lock: Arc<DataDirectory>) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (sender, receiver) = sync_channel(QUEUE_FACTS_MAX);
        let state = Arc::new(ScribeState::default());
        let thread_state = Arc::clone(&state);
        let thread = std::thread::Builder::new().name("fiducia-scribe".to_owned()).spawn(move || {
            run(ledger, &receiver, &thread_state);
            drop(lock);
        })?;
        Ok((Self { sender, state }, thread))
    }

    /// Whether the ledger refuses to be written.
    pub(crate) fn is_down(&self) -> bool {
        self.state.down.load(Ordering::Acquire)
    }

    /// Entries appended since the start.
    pub(crate) fn entries(&self) -> u64 {
        self.state.entries.load(Ordering::Relaxed)
    }

    /// Hands facts over; waits when the queue is full. The outbox rows stay until they are delivered.
    pub(crate) fn deliver(&self, facts: Vec<Delivery>) {
        if !facts.is_empty() && self.sender.send(Message::Append(facts)).is_err() {
            self.state.down.store(true, Ordering::Release);
        }
    }

    /// Hands one fact over and waits for its index.
    pub(crate) fn deliver_and_wait(&self, fact: Delivery) -> Result<u64, String> {
        self.ask(|reply| Message::AppendAndWait(fact, reply))
    }

    /// Asks for an access entry. The receipt exists only once the entry is durable.
    pub(crate) fn access(&self, entry: AccessEntry) -> Result<AccessReceipt, String> {
        self.ask(|reply| Message::Access(Box::new(entry), reply))
    }

    fn ask<T>(&self, message: impl FnOnce(SyncSender<Result<T, String>>) -> Message) -> Result<T, String> {
        let (reply, answer) = sync_channel(1);
        let stopped = || "the ledger's writer has stopped; nothing was logged".to_owned();
        self.sender.send(message(reply)).map_err(|_| stopped())?;
        answer.recv().map_err(|_| stopped())?
    }

    /// Outbox rows whose facts are durably in the ledger, under a published checkpoint.
    pub(crate) fn take_delivered(&self) -> Vec<(OutboxSource, [u8; 16])> {
        let mut delivered = self.state.delivered.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        std::mem::take(&mut *delivered)
    }

    /// Asks the thread to publish what it has and end.
    pub(crate) fn stop(&self) {
        // An error means that the thread has ended already.
        let _ = self.sender.send(Message::Stop);
    }
}

fn run(mut ledger: Ledger, receiver: &Receiver<Message>, state: &ScribeState) {
    let mut unpublished_since: Option<Instant> = None;
    let mut appended = Vec::new();
    loop {
        let message = if unpublished_since.is_some() {
            match receiver.recv_timeout(Duration::from_millis(PUBLISH_IDLE_MS)) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => Some(Message::Stop),
            }
        } else {
            Some(receiver.recv().unwrap_or(Message::Stop))
        };
        let idle = message.is_none();
        let stop = message.is_some_and(|message| take(&mut ledger, receiver, state, &mut appended, message));
        let unpublished = ledger.entries_waiting() > 0;
        let since = unpublished.then(|| *unpublished_since.get_or_insert_with(Instant::now));
        unpublished_since = since;
        let old = since.is_some_and(|since| since.elapsed() >= Duration::from_millis(PUBLISH_AGE_MS_MAX));
        if unpublished && (idle || old || stop) {
            match ledger.publish() {
                Ok(_) => state.mark_delivered(&mut appended),
                Err(error) => {
                    state.down.store(true, Ordering::Release);
                    tracing::error!(%error, "the ledger could not publish a checkpoint; no more is captured or read");
                }
            }
            unpublished_since = None;
        }
        if stop {
            return;
        }
    }
}

/// Facts that are in the ledger but not yet under a published checkpoint.
type Appended = Vec<(OutboxSource, [u8; 16])>;

/// Deals with one message and whatever else waits; gives whether to stop.
fn take(
    ledger: &mut Ledger,
    receiver: &Receiver<Message>,
    state: &ScribeState,
    appended: &mut Appended,
    first: Message,
) -> bool {
    let mut batch: Vec<Delivery> = Vec::new();
    let mut waiting: Vec<(usize, SyncSender<Result<u64, String>>)> = Vec::new();
    let mut next = Some(first);
    let mut stop = false;
    while let Some(message) = next.take() {
        match message {
            Message::Append(facts) => batch.extend(facts),
            Message::AppendAndWait(fact, reply) => {
                waiting.push((batch.len(), reply));
                batch.push(fact);
            }
            Message::Access(entry, reply) => {
                append(ledger, state, appended, std::mem::take(&mut batch), std::mem::take(&mut waiting));
                let receipt = ledger.append_access(*entry).map_err(|error| error.to_string());
                if receipt.is_ok() {
                    state.entries.fetch_add(1, Ordering::Relaxed);
                }
                // The reader may have gone away; the entry stands all the same.
                let _ = reply.send(receipt);
            }
            Message::Stop => stop = true,
        }
        if batch.len() < APPEND_ENTRIES_MAX && !stop {
            next = receiver.try_recv().ok();
        }
    }
    append(ledger, state, appended, batch, waiting);
    stop
}

fn append(
    ledger: &mut Ledger,
    state: &ScribeState,
    unpublished: &mut Appended,
    batch: Vec<Delivery>,
    waiting: Vec<(usize, SyncSender<Result<u64, String>>)>,
) {
    if batch.is_empty() {
        return;
    }
    let leaves: Result<Vec<_>, LedgerError> =
        batch.iter().map(|delivery| Ok((delivery.organization, delivery.leaf()?))).collect();
    match leaves.and_then(|leaves| ledger.append(&leaves)) {
        Ok(appended) => {
            state.entries.fetch_add(u64::try_from(appended.len()).unwrap_or(0), Ordering::Relaxed);
            for (place, reply) in waiting {
                let index = appended.get(place).map(|appended| appended.index);
                let _ = reply.send(index.ok_or_else(|| "the ledger lost count of its entries".to_owned()));
            }
            unpublished.extend(batch.into_iter().map(|delivery| (delivery.source, delivery.id)));
        }
        Err(error) => {
            state.down.store(true, Ordering::Release);
            tracing::error!(%error, "the ledger could not be written; no more is captured or read until it can");
            for (_, reply) in waiting {
                let _ = reply.send(Err(error.to_string()));
            }
        }
    }
}
