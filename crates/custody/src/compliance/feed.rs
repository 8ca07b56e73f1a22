//! The thread that writes the activity feed: leaf first, then feed.
//!
//! It reads what the ledger has published and enters a row for each leaf, in order, with the index that it reached, in one commit.
//! INVARIANT: for each organisation the feed is the projection of its log up to some published index, whatever crashes: a start goes on
//! at the index that was reached last. An entry that this version cannot show holds its log's rows up at its index, and no other log's: they
//! are late until a version that can show it goes on there, and nothing is left out. Rows that no leaf stands behind, such as a look into the feed itself, are entered here too, and
//! whoever hands one over waits until it is durable.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use fiducia_ledger::{LedgerError, LogReader};
use fiducia_policy::{OrganizationId, Timestamp};
use fiducia_store::{ActivityRecord, ActivityStore, ControlStore, DataDirectory, StoreError};

use super::projection::project;
use crate::log_keys::LedgerNames;

/// Messages that may wait. When there are more, every log is looked at instead.
const QUEUE_MAX: usize = 1_024;
/// Rows that one commit takes at most.
const ROWS_MAX: usize = 2_000;
/// Rows of the outbox that one commit takes at most.
const OUTBOX_ROWS_MAX: u32 = 500;
/// After how long a log or a file that could not be used is tried again, in milliseconds.
const RETRY_MS: u64 = 1_000;
/// After how long an entry that could not be shown is tried again, in milliseconds, unless its log grows before.
const RETRY_HELD_UP_MS: u64 = 60_000;
/// Rows that are dropped in one commit.
const DROPPED_MAX: u32 = 5_000;

/// What an entry is in the feed; `None` when this version cannot say.
type Projection = fn(OrganizationId, u64, &[u8]) -> Option<ActivityRecord>;

enum Message {
    Published(Vec<OrganizationId>),
    Enter(Vec<ActivityRecord>, SyncSender<Result<(), String>>),
    Drop(Timestamp, SyncSender<Result<u64, String>>),
    Settle(SyncSender<()>),
    Stop,
}

/// The handle to the feed's thread.
#[derive(Clone)]
pub(crate) struct Feed {
    sender: SyncSender<Message>,
    /// Whether a message did not fit into the queue: all logs are looked at.
    is_behind: Arc<AtomicBool>,
    /// Logs whose rows are held up by an entry that cannot be shown.
    held_up: Arc<AtomicU64>,
}

impl Feed {
    /// Starts the thread, which enters first what an earlier run left out.
    pub(crate) fn start(
        root: &Path,
        names: LedgerNames,
        store: ActivityStore,
        control: ControlStore,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        Self::start_with(project, root, names, store, control)
    }

    fn start_with(
        projection: Projection,
        root: &Path,
        names: LedgerNames,
        store: ActivityStore,
        control: ControlStore,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (sender, receiver) = sync_channel(QUEUE_MAX);
        let is_behind = Arc::new(AtomicBool::new(true));
        let held_up = Arc::new(AtomicU64::new(0));
        let writer = FeedWriter {
            projection,
            root: root.to_owned(),
            names,
            store,
            control,
            is_behind: Arc::clone(&is_behind),
            behind: BTreeSet::new(),
            held_up: BTreeMap::new(),
            held_up_count: Arc::clone(&held_up),
            is_down: false,
        };
        let thread = std::thread::Builder::new()
            .name("fiducia-feed".to_owned())
            .spawn(move || writer.run(&receiver))?;
        Ok((Self { sender, is_behind, held_up }, thread))
    }

    /// How many logs have an entry that cannot be shown: what comes behind it is not in the feed yet.
    pub(crate) fn held_up(&self) -> u64 {
        self.held_up.load(Ordering::Relaxed)
    }

    /// Says that logs have grown. Does not wait.
    pub(crate) fn published(&self, organizations: Vec<OrganizationId>) {
        if !organizations.is_empty() && self.sender.try_send(Message::Published(organizations)).is_err() {
            self.is_behind.store(true, Ordering::Release);
        }
    }

    /// Says that any log may have grown without a word. Does not wait.
    pub(crate) fn look_everywhere(&self) {
        self.is_behind.store(true, Ordering::Release);
        self.look();
    }

    /// Says that the outbox of `control.db` may hold activities. Does not wait.
    pub(crate) fn look(&self) {
        if self.sender.try_send(Message::Published(Vec::new())).is_err() {
            self.is_behind.store(true, Ordering::Release);
        }
    }

    /// Enters rows that no leaf stands behind, all or none. They are durable when this returns.
    pub(crate) fn enter(&self, rows: Vec<ActivityRecord>) -> Result<(), String> {
        self.ask(|reply| Message::Enter(rows, reply))
    }

    /// Drops rows from before `before`; gives how many.
    pub(crate) fn drop_before(&self, before: Timestamp) -> Result<u64, String> {
        self.ask(|reply| Message::Drop(before, reply))
    }

    fn ask<T>(&self, message: impl FnOnce(SyncSender<Result<T, String>>) -> Message) -> Result<T, String> {
        let (reply, answer) = sync_channel(1);
        let stopped = || "the feed's writer has stopped; nothing was entered".to_owned();
        self.sender.send(message(reply)).map_err(|_| stopped())?;
        answer.recv().map_err(|_| stopped())?
    }

    /// Waits until everything that is published is entered, or was found not to be.
    pub(crate) fn settle(&self) {
        let (reply, done) = sync_channel(1);
        if self.sender.send(Message::Settle(reply)).is_ok() {
            // An error means that the thread has ended, and with it all that waited.
            let _ = done.recv();
        }
    }

    /// Asks the thread to enter what is published and end.
    pub(crate) fn stop(&self) {
        // An error means that the thread has ended already.
        let _ = self.sender.send(Message::Stop);
    }
}

/// Why a log's rows were not entered.
#[derive(Debug, thiserror::Error)]
enum NotEntered {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How far one step brought a log's rows.
enum Progress {
    /// To the end of what is published.
    AtTheEnd,
    /// As far as one commit goes.
    Further,
    /// To an entry that this version cannot show.
    HeldUp(u64),
}

/// The thread's own.
struct FeedWriter {
    projection: Projection,
    root: PathBuf,
    names: LedgerNames,
    store: ActivityStore,
    /// For the outbox of activities alone.
    control: ControlStore,
    is_behind: Arc<AtomicBool>,
    /// Organisations whose logs were not entered to their end.
    behind: BTreeSet<OrganizationId>,
    /// Organisations whose logs have an entry that cannot be shown, and its index.
    held_up: BTreeMap<OrganizationId, u64>,
    held_up_count: Arc<AtomicU64>,
    is_down: bool,
}

impl FeedWriter {
    fn run(mut self, receiver: &Receiver<Message>) {
        loop {
            match self.next(receiver) {
                Message::Published(organizations) => {
                    self.behind.extend(organizations);
                    self.catch_up();
                }
                Message::Enter(rows, reply) => {
                    let entered = self.store.enter(&rows, None).map_err(|error| error.to_string());
                    // Whoever handed them over may have gone away; the rows stand.
                    let _ = reply.send(entered);
                }
                Message::Drop(before, reply) => {
                    // Whoever asked may have gone away; what is dropped stays so.
                    let _ = reply.send(self.drop_before(before).map_err(|error| error.to_string()));
                }
                Message::Settle(reply) => {
                    self.behind.extend(self.held_up.keys());
                    self.catch_up();
                    while !self.behind.is_empty() && !self.is_down {
                        self.catch_up();
                    }
                    // Whoever asked may have gone away.
                    let _ = reply.send(());
                }
                Message::Stop => {
                    self.catch_up();
                    return;
                }
            }
        }
    }

    /// Waits for a message, or until something is to be tried again.
    fn next(&self, receiver: &Receiver<Message>) -> Message {
        let is_behind = !self.behind.is_empty() || self.is_behind.load(Ordering::Acquire);
        let (patience, again) = match (is_behind, self.held_up.is_empty()) {
            (false, true) => return receiver.recv().unwrap_or(Message::Stop),
            (false, false) => (RETRY_HELD_UP_MS, self.held_up.keys().copied().collect()),
            // Whoever hands a row over waits for one step of catching up at most.
            (true, _) => (if self.is_down { RETRY_MS } else { 0 }, Vec::new()),
        };
        match receiver.recv_timeout(Duration::from_millis(patience)) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => Message::Published(again),
            Err(RecvTimeoutError::Disconnected) => Message::Stop,
        }
    }

    fn drop_before(&mut self, before: Timestamp) -> Result<u64, StoreError> {
        let mut total = 0_u64;
        loop {
            let dropped = self.store.drop_before(before, DROPPED_MAX)?;
            total = total.saturating_add(dropped);
            if dropped < u64::from(DROPPED_MAX) {
                return Ok(total);
            }
        }
    }

    /// Enters one step of each log that is behind. What is left then is behind still.
    fn catch_up(&mut self) {
        if let Err(error) = self.enter_outbox() {
            self.is_behind.store(true, Ordering::Release);
            return self.fail(&error.into());
        }
        let mut failed = false;
        if self.is_behind.swap(false, Ordering::AcqRel) {
            match self.control.organizations() {
                Ok(all) => self.behind.extend(all.into_iter().map(|organization| organization.id)),
                Err(error) => {
                    failed = true;
                    self.is_behind.store(true, Ordering::Release);
                    self.fail(&error.into());
                }
            }
        }
        for organization in std::mem::take(&mut self.behind) {
            match self.enter_log(organization) {
                Ok(progress) => self.note(organization, &progress),
                Err(error) => {
                    failed = true;
                    self.behind.insert(organization);
                    self.fail(&error);
                }
            }
        }
        if !failed && self.is_down {
            self.is_down = false;
            tracing::info!("the activity feed can be written again and catches up with the ledger");
        }
    }

    /// Notes how far a log's rows came. An entry that holds them up is said once.
    fn note(&mut self, organization: OrganizationId, progress: &Progress) {
        if matches!(progress, Progress::Further) {
            self.behind.insert(organization);
        }
        if let Progress::HeldUp(index) = progress {
            if self.held_up.insert(organization, *index) != Some(*index) {
                tracing::error!(
                    %organization,
                    index,
                    "this version cannot show an entry of the log: the activity feed of this organisation is held up there; use the version \
                     that wrote it"
                );
            }
        } else if self.held_up.remove(&organization).is_some() {
            tracing::info!(%organization, "the activity feed of this organisation goes on");
        }
        self.held_up_count.store(u64::try_from(self.held_up.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Enters what the outbox of `control.db` holds.
    fn enter_outbox(&mut self) -> Result<(), StoreError> {
        while let Some((last, rows)) = self.control.waiting_activities(OUTBOX_ROWS_MAX)? {
            self.store.enter(&rows, None)?;
            self.control.forget_activities(last)?;
        }
        Ok(())
    }

    /// Enters published leaves of one log behind the index that was reached.
    fn enter_log(&mut self, organization: OrganizationId) -> Result<Progress, NotEntered> {
        let keys = self.names.keys_of(organization)?;
        let directory = DataDirectory::ledger(&self.root).join(organization.uuid());
        let log = match LogReader::open(&directory, &keys) {
            Ok(log) => log,
            // Nothing is published yet.
            Err(LedgerError::CheckpointMissing { .. }) => return Ok(Progress::AtTheEnd),
            Err(error) => return Err(error.into()),
        };
        let (mut rows, mut next) = (Vec::new(), self.store.reached(organization)?);
        let mut held_up = None;
        for entry in log.entries(next) {
            let (index, bytes) = entry?;
            let Some(row) = (self.projection)(organization, index, &bytes) else {
                held_up = Some(index);
                break;
            };
            rows.push(row);
            next = index + 1;
            if rows.len() >= ROWS_MAX {
                break;
            }
        }
        if !rows.is_empty() {
            self.store.enter(&rows, Some((organization, next)))?;
        }
        Ok(match held_up {
            Some(index) => Progress::HeldUp(index),
            None if next >= log.checkpoint().size => Progress::AtTheEnd,
            None => Progress::Further,
        })
    }

    /// Notes that the feed cannot be written. Said once, not at every attempt.
    fn fail(&mut self, error: &NotEntered) {
        if !std::mem::replace(&mut self.is_down, true) {
            tracing::error!(%error, "the activity feed lags behind the ledger; this is tried again");
        }
    }
}

#[cfg(test)]
mod tests;
