//! The scribe: the one thread that writes the ledger.
//!
//! Facts arrive from the writer after the commit that made them true, which also keeps them: in the journal, or in the
//! outbox of `control.db`. When the ledger has them durably, they are handed back as delivered. A person's read waits here for its entry.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fiducia_ledger::{
    AccessEntry, AccessReceipt, BATCH_ENTRIES_MAX, Event, EventId, Leaf, Ledger, LedgerError, LogKeys,
};
use fiducia_policy::{OrganizationId, Timestamp};
use fiducia_store::{Announcement, BeginLook, ControlStore, LookRefused};

use crate::compliance::Feed;
use crate::looking::Gate;
use crate::witness_gate::WitnessGate;

/// Facts that may wait for the ledger before the writer waits too.
const QUEUE_FACTS_MAX: usize = 4_096;
/// Entries that one append takes at most.
const APPEND_ENTRIES_MAX: usize = 1_024;
/// How long facts that nobody waits for wait for others to share their append, in milliseconds. Until then they are safe
/// in their outboxes.
const GATHERING_MS: u64 = 20;
/// How long the scribe waits for more before it publishes a checkpoint, in milliseconds.
const PUBLISH_IDLE_MS: u64 = 50;
/// How old the published checkpoint may be while facts keep coming, in milliseconds.
const PUBLISH_AGE_MS_MAX: u64 = 1_000;
/// After how long a ledger that could not be written is tried again, in milliseconds.
const RETRY_MS: u64 = 250;

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

/// Where a fact is kept until the ledger has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The group of this number in the journal.
    Journal(u64),
    /// The outbox of `control.db`.
    Control,
}

/// A fact on its way into the ledger.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) source: Source,
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

/// A person's request to read.
pub(crate) struct Look {
    /// Whose records it is about, for the index by which people see who looked, and the session that must permit it.
    pub(crate) begin: BeginLook,
    /// What is logged.
    pub(crate) entry: AccessEntry,
}

/// Why there is no receipt, so that nothing was decrypted.
#[derive(Debug)]
pub(crate) enum AccessFailed {
    /// The session or the limits do not permit the look.
    Refused(LookRefused),
    /// The log could not be written.
    NotLogged(String),
    /// It waits for witnesses; why, and what that means.
    Unwitnessed(String),
}

type AccessReply = SyncSender<Result<AccessReceipt, AccessFailed>>;

enum Message {
    Append(Vec<Delivery>),
    AppendAndWait(Box<Delivery>, SyncSender<Result<u64, String>>),
    Access(Box<Look>, AccessReply),
    Keys(Box<LogKeys>, SyncSender<Result<(), String>>),
    Settle(SyncSender<()>),
    Stop,
}

/// The event id of an outbox row.
pub(crate) fn event_id(id: [u8; 16]) -> Result<EventId, LedgerError> {
    EventId::new(&format!("event_{}", fiducia_policy::ExchangeId::from_bytes(id).uuid()))
}

/// What the writer, the readers and the scribe share.
#[derive(Debug, Default)]
pub(crate) struct ScribeState {
    delivered_from_control: Mutex<Vec<[u8; 16]>>,
    delivered_up_to: AtomicU64,
    down: AtomicBool,
    entries: AtomicU64,
}

impl ScribeState {
    fn control_ids(&self) -> std::sync::MutexGuard<'_, Vec<[u8; 16]>> {
        self.delivered_from_control.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The handle to the scribe.
#[derive(Debug, Clone)]
pub(crate) struct Scribe {
    sender: SyncSender<Message>,
    state: Arc<ScribeState>,
    witnesses: WitnessGate,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Message")
    }
}

impl Scribe {
    /// Starts the thread. The ledger's own lock lasts until its last write, also when the handles are gone earlier.
    /// `control` is for the index of accesses alone.
    pub(crate) fn start(
        ledger: Ledger,
        control: ControlStore,
        feed: Feed,
        gate: Arc<Gate>,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (sender, receiver) = sync_channel(QUEUE_FACTS_MAX);
        let state = Arc::new(ScribeState::default());
        let thread_state = Arc::clone(&state);
        let thread = std::thread::Builder::new()
            .name("fiducia-scribe".to_owned())
            .spawn(move || Pen::new(ledger, (control, gate), feed, thread_state).run(&receiver))?;
        Ok((Self { sender, state, witnesses: WitnessGate::default() }, thread))
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
        self.ask(|reply| Message::AppendAndWait(Box::new(fact), reply))
    }

    /// Asks for an access entry. The receipt exists only once the entry is durable, and so is whose records it is about; and,
    /// where that is the rule, once witnesses have cosigned it. Blocks until then.
    pub(crate) fn access(&self, look: Look) -> Result<AccessReceipt, AccessFailed> {
        let organization = look.entry.organization;
        self.witnesses.admit(organization).map_err(AccessFailed::Unwitnessed)?;
        let (reply, answer) = sync_channel(1);
        let stopped = || AccessFailed::NotLogged("the ledger's writer has stopped".to_owned());
        self.sender.send(Message::Access(Box::new(look), reply)).map_err(|_| stopped())?;
        let receipt = answer.recv().map_err(|_| stopped())??;
        if self.witnesses.waits() {
            // Witnesses cosign what is published.
            self.settle();
            self.witnesses.confirm(organization, receipt.proof().index).map_err(AccessFailed::Unwitnessed)?;
        }
        Ok(receipt)
    }

    /// What reading waits for while witnesses are away.
    pub(crate) fn witnesses(&self) -> &WitnessGate {
        &self.witnesses
    }

    /// Gives the ledger its keys as they are from now on, and waits until every log's latest checkpoint is signed by the present pair.
    pub(crate) fn take_keys(&self, keys: LogKeys) -> Result<(), String> {
        self.ask(|reply| Message::Keys(Box::new(keys), reply))
    }

    fn ask<T>(&self, message: impl FnOnce(SyncSender<Result<T, String>>) -> Message) -> Result<T, String> {
        let (reply, answer) = sync_channel(1);
        let stopped = || "the ledger's writer has stopped; nothing was logged".to_owned();
        self.sender.send(message(reply)).map_err(|_| stopped())?;
        answer.recv().map_err(|_| stopped())?
    }

    /// Ids in the control outbox whose facts are durably in the ledger, under a published checkpoint. Each is given once.
    pub(crate) fn delivered_from_control(&self) -> Vec<[u8; 16]> {
        std::mem::take(&mut *self.state.control_ids())
    }

    /// Takes ids back that could not be removed from the outbox.
    pub(crate) fn give_back(&self, mut ids: Vec<[u8; 16]>) {
        self.state.control_ids().append(&mut ids);
    }

    /// The journal's last group whose facts are durably in the ledger, under a published checkpoint, with all before it.
    pub(crate) fn delivered_up_to(&self) -> u64 {
        self.state.delivered_up_to.load(Ordering::Acquire)
    }

    /// Waits until everything handed over so far is published, or was found not to be.
    pub(crate) fn settle(&self) {
        let (reply, done) = sync_channel(1);
        if self.sender.send(Message::Settle(reply)).is_ok() {
            // An error means that the thread has ended, and with it all that waited.
            let _ = done.recv();
        }
    }

    /// Asks the thread to publish what it has and end.
    pub(crate) fn stop(&self) {
        // An error means that the thread has ended already.
        let _ = self.sender.send(Message::Stop);
    }
}

/// The thread's own.
struct Pen {
    ledger: Ledger,
    control: ControlStore,
    /// Is told what is published.
    feed: Feed,
    gate: Arc<Gate>,
    state: Arc<ScribeState>,
    /// Facts that are in the ledger but not yet under a published checkpoint, oldest first.
    appended: Vec<(Source, [u8; 16])>,
    /// Facts that an error kept from the ledger, oldest first. While there are any, nothing new is captured.
    backlog: Vec<Delivery>,
    unpublished_since: Option<Instant>,
}

impl Pen {
    fn new(
        ledger: Ledger,
        (control, gate): (ControlStore, Arc<Gate>),
        feed: Feed,
        state: Arc<ScribeState>,
    ) -> Self {
        Self {
            ledger,
            control,
            feed,
            gate,
            state,
            appended: Vec::new(),
            backlog: Vec::new(),
            unpublished_since: None,
        }
    }

    fn run(mut self, receiver: &Receiver<Message>) {
        loop {
            let message = self.next(receiver);
            let idle = message.is_none();
            let stop = message.is_some_and(|message| self.take(receiver, message));
            if idle && self.state.down.load(Ordering::Acquire) {
                self.recover();
            }
            self.publish_when_due(idle || stop);
            if stop {
                return;
            }
        }
    }

    /// Waits for a message; `None` when something else is due.
    fn next(&self, receiver: &Receiver<Message>) -> Option<Message> {
        let patience = if self.state.down.load(Ordering::Acquire) {
            RETRY_MS
        } else if self.unpublished_since.is_some() {
            PUBLISH_IDLE_MS
        } else {
            return Some(receiver.recv().unwrap_or(Message::Stop));
        };
        match receiver.recv_timeout(Duration::from_millis(patience)) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Message::Stop),
        }
    }

    fn publish_when_due(&mut self, now: bool) {
        if self.ledger.entries_waiting() == 0 {
            self.unpublished_since = None;
            return;
        }
        let since = *self.unpublished_since.get_or_insert_with(Instant::now);
        if !now && since.elapsed() < Duration::from_millis(PUBLISH_AGE_MS_MAX) {
            return;
        }
        self.unpublished_since = None;
        match self.publish() {
            Ok(()) => self.hand_back(),
            Err(error) => self.fail(&error),
        }
    }

    /// Publishes what waits. The feed is told of every log that got its checkpoint, also when others did not: nothing else
    /// would say so before these logs grow again.
    fn publish(&mut self) -> Result<(), LedgerError> {
        let (published, outcome) = match self.ledger.publish() {
            Ok(published) => (published, Ok(())),
            Err(failed) => (failed.published, Err(failed.error)),
        };
        self.feed.published(published.into_iter().map(|published| published.organization).collect());
        outcome
    }

    /// Hands facts back that lie under a published checkpoint. Until then they stay in journal and outbox, so that even
    /// damage to the ledger's pending entries loses none.
    fn hand_back(&mut self) {
        // A group whose facts came half way is not delivered: its others are the first in the backlog.
        let unfinished = self.backlog.iter().find_map(|delivery| match delivery.source {
            Source::Journal(group) => Some(group),
            Source::Control => None,
        });
        let mut control_ids = self.state.control_ids();
        for (source, id) in self.appended.drain(..) {
            match source {
                Source::Control => control_ids.push(id),
                Source::Journal(group) if unfinished.is_none_or(|unfinished| group < unfinished) => {
                    self.state.delivered_up_to.fetch_max(group, Ordering::AcqRel);
                }
                // Recognised by its id when the data is opened again.
                Source::Journal(_) => {}
            }
        }
    }

    /// Notes that the ledger cannot be written. Said once, not at every attempt.
    fn fail(&self, error: &LedgerError) {
        if !self.state.down.swap(true, Ordering::AcqRel) {
            tracing::error!(%error, "the ledger could not be written; no more is captured or read until it can");
        }
    }

    /// Tries whether the ledger can be written again. After a write that was not confirmed it refuses until the program
    /// is started anew.
    fn recover(&mut self) {
        if self.catch_up().and_then(|()| self.publish()).is_ok() {
            self.hand_back();
            self.state.down.store(false, Ordering::Release);
            self.feed.look_everywhere();
            tracing::info!("the ledger can be written again and has everything that was captured meanwhile");
        }
    }

    /// Deals with one message and whatever else waits; gives whether to stop.
    fn take(&mut self, receiver: &Receiver<Message>, first: Message) -> bool {
        let mut batch: Vec<Delivery> = Vec::new();
        let mut waiting: Vec<(usize, SyncSender<Result<u64, String>>)> = Vec::new();
        let mut looks: Vec<(Look, AccessReply)> = Vec::new();
        let mut next = Some(first);
        let mut stop = false;
        let mut until = Instant::now() + Duration::from_millis(GATHERING_MS);
        while let Some(message) = next.take() {
            if !matches!(message, Message::Append(_)) {
                until = Instant::now();
            }
            match message {
                Message::Append(facts) => batch.extend(facts),
                Message::AppendAndWait(fact, reply) => {
                    waiting.push((batch.len(), reply));
                    batch.push(*fact);
                }
                // Whoever else asks to read meanwhile shares the flush.
                Message::Access(look, reply) => looks.push((*look, reply)),
                Message::Keys(keys, reply) => {
                    self.append(std::mem::take(&mut batch), std::mem::take(&mut waiting));
                    self.access(std::mem::take(&mut looks));
                    self.publish_when_due(true);
                    self.ledger.set_keys(*keys);
                    let renewed = self.ledger.renew_checkpoints().map(drop);
                    if let Err(error) = &renewed {
                        tracing::error!(%error, "checkpoints could not be signed anew; it is tried again");
                    }
                    // Whoever changes keys may have gone away; what is signed stays so.
                    let _ = reply.send(renewed.map_err(|error| error.to_string()));
                }
                Message::Settle(reply) => {
                    self.append(std::mem::take(&mut batch), std::mem::take(&mut waiting));
                    self.access(std::mem::take(&mut looks));
                    self.publish_when_due(true);
                    // Whoever asked may have gone away; what is published stays so.
                    let _ = reply.send(());
                }
                Message::Stop => stop = true,
            }
            if batch.len().max(looks.len()) < APPEND_ENTRIES_MAX && !stop {
                next = receiver.recv_timeout(until.saturating_duration_since(Instant::now())).ok();
            }
        }
        self.append(batch, waiting);
        self.access(looks);
        stop
    }

    /// Logs accesses by one flush. INVARIANT: the index of accesses knows of every access entry in the log, and each session
    /// of every look in it, because both are durable before the entries are written.
    fn access(&mut self, looks: Vec<(Look, AccessReply)>) {
        if looks.is_empty() {
            return;
        }
        let (mut begins, mut asked) = (Vec::with_capacity(looks.len()), Vec::with_capacity(looks.len()));
        for (look, reply) in looks {
            // One that cannot be logged must not keep the others from it.
            match look.entry.check(look.begin.at) {
                _ if look.begin.rows.is_empty() => {
                    answer(&reply, Err("an access names nobody whose records are read".to_owned()));
                }
                Ok(()) => {
                    begins.push(look.begin);
                    asked.push((look.entry, reply));
                }
                Err(error) => answer(&reply, Err(error.to_string())),
            }
        }
        let begun = match self.control.begin_looks(&begins, &self.gate.limits) {
            Ok(begun) => begun,
            Err(error) => {
                return asked.iter().for_each(|(_, reply)| answer(reply, Err(error.to_string())));
            }
        };
        let (mut entries, mut events, mut replies) = (Vec::new(), Vec::new(), Vec::new());
        let mut leaves = 0;
        for (((entry, reply), begun), begin) in asked.into_iter().zip(begun).zip(&begins) {
            match begun {
                Ok(()) => {
                    // A look at many answers has as many public events, and what the ledger takes at once is bounded.
                    if leaves + entry.leaves() > BATCH_ENTRIES_MAX {
                        let replies = std::mem::take(&mut replies);
                        self.log_accesses(
                            std::mem::take(&mut entries),
                            &std::mem::take(&mut events),
                            &replies,
                        );
                        leaves = 0;
                    }
                    leaves += entry.leaves();
                    entries.push(entry);
                    events.extend(begin.rows.first().map(|row| row.event));
                    replies.push(reply);
                }
                Err(refused) => {
                    // The reader may have gone away; nothing was opened.
                    let _ = reply.send(Err(AccessFailed::Refused(refused)));
                }
            }
        }
        self.log_accesses(entries, &events, &replies);
    }

    fn log_accesses(&mut self, entries: Vec<AccessEntry>, events: &[[u8; 16]], replies: &[AccessReply]) {
        if entries.is_empty() {
            return;
        }
        match self.ledger.append_accesses(entries) {
            Ok(receipts) => {
                let count: usize = receipts.iter().map(|receipt| 1 + receipt.public_entries().len()).sum();
                let count = u64::try_from(count).unwrap_or(0);
                self.state.entries.fetch_add(count, Ordering::Relaxed);
                let indices = receipts.iter().map(|receipt| receipt.proof().index);
                let places: Vec<_> = events.iter().copied().zip(indices).collect();
                if let Err(error) = self.control.place_accesses(&places) {
                    tracing::warn!(%error, "the place of an access entry was not noted; it is looked for when it is asked for");
                }
                for (receipt, reply) in receipts.into_iter().zip(replies) {
                    // The reader may have gone away; the entry stands all the same.
                    let _ = reply.send(Ok(receipt));
                }
            }
            Err(error) => {
                if let Err(error) = self.control.drop_accesses(events) {
                    tracing::warn!(%error, "an access that was refused stays in the index without a place in the log");
                }
                for reply in replies {
                    answer(reply, Err(error.to_string()));
                }
            }
        }
    }

    fn append(&mut self, batch: Vec<Delivery>, waiting: Vec<(usize, SyncSender<Result<u64, String>>)>) {
        if batch.is_empty() {
            return;
        }
        // Facts that were kept from the ledger come first: it has them in the order in which they became true.
        match self.catch_up().and_then(|()| self.write(&batch)) {
            Ok(indices) => {
                for (place, reply) in waiting {
                    let index = indices.get(place).copied();
                    let _ =
                        reply.send(index.ok_or_else(|| "the ledger lost count of its entries".to_owned()));
                }
                self.appended.extend(batch.into_iter().map(|delivery| (delivery.source, delivery.id)));
            }
            Err(error) => {
                self.fail(&error);
                self.backlog.extend(batch);
                for (_, reply) in waiting {
                    let _ = reply.send(Err(error.to_string()));
                }
            }
        }
    }

    /// Appends the backlog, as far as it goes.
    fn catch_up(&mut self) -> Result<(), LedgerError> {
        while !self.backlog.is_empty() {
            let step: Vec<_> = self.backlog.drain(..self.backlog.len().min(APPEND_ENTRIES_MAX)).collect();
            if let Err(error) = self.write(&step) {
                self.backlog.splice(0..0, step);
                return Err(error);
            }
            self.appended.extend(step.into_iter().map(|delivery| (delivery.source, delivery.id)));
        }
        Ok(())
    }

    /// Appends facts durably and gives their indices.
    fn write(&mut self, batch: &[Delivery]) -> Result<Vec<u64>, LedgerError> {
        let leaves: Result<Vec<_>, LedgerError> =
            batch.iter().map(|delivery| Ok((delivery.organization, delivery.leaf()?))).collect();
        let appended = self.ledger.append(&leaves?)?;
        self.state.entries.fetch_add(u64::try_from(appended.len()).unwrap_or(0), Ordering::Relaxed);
        Ok(appended.into_iter().map(|appended| appended.index).collect())
    }
}

/// Tells a reader why there is no receipt. One that has gone away reads nothing.
fn answer(reply: &AccessReply, failed: Result<AccessReceipt, String>) {
    let _ = reply.send(failed.map_err(AccessFailed::NotLogged));
}
