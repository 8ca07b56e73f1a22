//! `/requests/{id}/copy`: the next file of a copy, made while it is sent. It is written nowhere here.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::response::Response;
use fiducia_policy::SubjectId;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::one::named;
use crate::console::centre::{attachment, oneself};
use crate::console::form::Posted;
use crate::console::refusal::Refusal;
use crate::console::visitor::Shared;

/// Copies that are handed over at a time: each keeps a thread.
const COPIES_MAX: usize = 4;
/// How long a copy waits for its turn.
const TURN_PATIENCE: Duration = Duration::from_secs(5);
/// How long a browser may take to accept the next part.
const PART_PATIENCE: Duration = Duration::from_mins(1);
/// What somebody is told to wait whose other copy is still under way.
const PART_PATIENCE_SECONDS: i64 = 60;
/// The size of a part, and how many wait for the browser.
const PART_BYTES: usize = 64 * 1024;
const PARTS_WAITING_MAX: usize = 8;

static TURNS: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(COPIES_MAX);
/// Whose copies are being handed over: one of each person at a time, so that nobody holds all turns.
static PEOPLE: Mutex<BTreeSet<SubjectId>> = Mutex::new(BTreeSet::new());

/// That a person's copy is being handed over, until it is dropped.
struct Alone(SubjectId);

impl Alone {
    fn new(subject: SubjectId) -> Option<Self> {
        PEOPLE.lock().unwrap_or_else(PoisonError::into_inner).insert(subject).then_some(Self(subject))
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        PEOPLE.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

#[derive(serde::Deserialize)]
pub(super) struct Nothing {}

/// Sends the file. A form rather than a link: what is read for it is entered into the log.
pub(super) async fn fetch(
    State(console): Shared,
    Path(id): Path<String>,
    posted: Posted<Nothing>,
) -> Result<Response, Refusal> {
    let Nothing {} = posted.fields;
    let who = oneself(&posted.visitor)?;
    let request = named(&id)?;
    let alone = Alone::new(who.subject()).ok_or(Refusal::TooMany(PART_PATIENCE_SECONDS))?;
    let Ok(Ok(turn)) = tokio::time::timeout(TURN_PATIENCE, TURNS.acquire()).await else {
        return Err(Refusal::Unavailable);
    };
    // What forbids it is said before the first byte; afterwards only the connection can break.
    console.ask(move |custody| custody.may_hand_over(&who, request)).await??;
    let (sender, receiver) = mpsc::channel(PARTS_WAITING_MAX);
    let whole = Arc::new(AtomicBool::new(false));
    let body = PartBody { parts: receiver, whole: Arc::clone(&whole) };
    let custody = console.custody.clone();
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let mut parts = Parts { sender, runtime, part: Vec::with_capacity(PART_BYTES) };
        match custody.hand_over(&who, request, &mut parts) {
            Ok(()) => whole.store(true, Ordering::Release),
            Err(error) => tracing::warn!(%error, "a copy was not handed over in whole"),
        }
        // The end of the answer last: whoever has read it may ask for the next.
        drop(alone);
        drop(turn);
        drop(parts);
    });
    let name = format!("fiducia-{}.zip", request.uuid());
    attachment(&name, "application/zip", Body::new(body))
}

/// The parts in order, as the answer's body. It ends well only when the copy was made in whole: whatever else happens to whoever
/// makes it, the browser sees a download that broke off.
struct PartBody {
    parts: mpsc::Receiver<Bytes>,
    whole: Arc<AtomicBool>,
}

impl http_body::Body for PartBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, io::Error>>> {
        self.parts.poll_recv(context).map(|part| match part {
            Some(part) => Some(Ok(http_body::Frame::data(part))),
            None if self.whole.load(Ordering::Acquire) => None,
            None => Some(Err(io::Error::other("the copy could not be made in whole"))),
        })
    }
}

/// What is written becomes parts of the answer; whoever writes waits for the browser.
struct Parts {
    sender: mpsc::Sender<Bytes>,
    runtime: Handle,
    part: Vec<u8>,
}

impl Parts {
    fn send(&mut self) -> io::Result<()> {
        if self.part.is_empty() {
            return Ok(());
        }
        let part = Bytes::from(std::mem::replace(&mut self.part, Vec::with_capacity(PART_BYTES)));
        let sent = async { tokio::time::timeout(PART_PATIENCE, self.sender.send(part)).await };
        match self.runtime.block_on(sent) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the browser went away")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the browser took no more")),
        }
    }

    /// Waits until the connection has taken every part: when all places of the queue are free.
    fn drained(&self) -> io::Result<()> {
        let all = self.sender.max_capacity();
        let taken = async { tokio::time::timeout(PART_PATIENCE, self.sender.reserve_many(all)).await };
        match self.runtime.block_on(taken) {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the browser went away")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the browser took no more")),
        }
    }
}

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.part.extend_from_slice(bytes);
        if self.part.len() >= PART_BYTES {
            self.send()?;
        }
        Ok(bytes.len())
    }

    /// The end of the file: only what the connection has taken counts as handed over.
    fn flush(&mut self) -> io::Result<()> {
        self.send()?;
        self.drained()
    }
}
