//! The thread that writes the activity feed: leaf first, then feed.
//!
//! It reads what the ledger has published and enters a row for each leaf, in order, with the index that it reached, in one commit.
//! INVARIANT: for each organisation the feed is the projection of its log up to some published index, whatever crashes: a start goes on
//! at the index that was reached last. Rows that no leaf stands behind, such as a look into the feed itself, are entered here too, and
//! whoever hands one over waits until it is durable.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
/// Rows that are dropped in one commit.
const DROPPED_MAX: u32 = 5_000;

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
}

impl Feed {
    /// Starts the thread, which enters first what an earlier run left out.
    pub(crate) fn start(
        root: &Path,
        names: LedgerNames,
        store: ActivityStore,
        control: ControlStore,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (sender, receiver) = sync_channel(QUEUE_MAX);
        let is_behind = Arc::new(AtomicBool::new(true));
        let writer = FeedWriter {
            root: root.to_owned(),
            names,
            store,
            control,
            is_behind: Arc::clone(&is_behind),
            behind: BTreeSet::new(),
            is_down: false,
        };
        let thread = std::thread::Builder::new()
            .name("fiducia-feed".to_owned())
            .spawn(move || writer.run(&receiver))?;
        Ok((Self { sender, is_behind }, thread))
    }

    /// Says that logs have grown. Does not wait.
    pub(crate) fn published(&self, organizations: Vec<OrganizationId>) {
        if !organizations.is_empty() && self.sender.try_send(Message::Published(organizations)).is_err() {
            self.is_behind.store(true, Ordering::Release);
        }
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

/// The thread's own.
struct FeedWriter {
    root: PathBuf,
    names: LedgerNames,
    store: ActivityStore,
    /// For the outbox of activities alone.
    control: ControlStore,
    is_behind: Arc<AtomicBool>,
    /// Organisations whose logs were not entered to their end.
    behind: BTreeSet<OrganizationId>,
    is_down: bool,
}

impl FeedWriter {
    fn run(mut self, receiver: &Receiver<Message>) {
        loop {
            let message = if self.behind.is_empty() && !self.is_behind.load(Ordering::Acquire) {
                receiver.recv().unwrap_or(Message::Stop)
            } else {
                // Whoever hands a row over waits for one step of catching up at most.
                let patience = if self.is_down { RETRY_MS } else { 0 };
                match receiver.recv_timeout(Duration::from_millis(patience)) {
                    Ok(message) => message,
                    Err(RecvTimeoutError::Timeout) => Message::Published(Vec::new()),
                    Err(RecvTimeoutError::Disconnected) => Message::Stop,
                }
            };
            match message {
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
                Ok(true) => {}
                Ok(false) => {
                    self.behind.insert(organization);
                }
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

    /// Enters what the outbox of `control.db` holds.
    fn enter_outbox(&mut self) -> Result<(), StoreError> {
        while let Some((last, rows)) = self.control.waiting_activities(OUTBOX_ROWS_MAX)? {
            self.store.enter(&rows, None)?;
            self.control.forget_activities(last)?;
        }
        Ok(())
    }

    /// Enters published leaves of one log behind the index that was reached. Whether it came to the end.
    fn enter_log(&mut self, organization: OrganizationId) -> Result<bool, NotEntered> {
        let keys = self.names.keys_of(organization)?;
        let directory = DataDirectory::ledger(&self.root).join(organization.uuid());
        let log = match LogReader::open(&directory, &keys) {
            Ok(log) => log,
            // Nothing is published yet.
            Err(LedgerError::CheckpointMissing { .. }) => return Ok(true),
            Err(error) => return Err(error.into()),
        };
        let (mut rows, mut next) = (Vec::new(), self.store.reached(organization)?);
        for entry in log.entries(next) {
            let (index, bytes) = entry?;
            match project(organization, index, &bytes) {
                Some(row) => rows.push(row),
                None => {
                    tracing::error!(%organization, index, "an entry of the log cannot be shown in the feed");
                }
            }
            next = index + 1;
            if rows.len() >= ROWS_MAX {
                break;
            }
        }
        if !rows.is_empty() {
            self.store.enter(&rows, Some((organization, next)))?;
        }
        Ok(next >= log.checkpoint().size)
    }

    /// Notes that the feed cannot be written. Said once, not at every attempt.
    fn fail(&mut self, error: &NotEntered) {
        if !std::mem::replace(&mut self.is_down, true) {
            tracing::error!(%error, "the activity feed lags behind the ledger; this is tried again");
        }
    }
}
