//! `/requests/{id}/copy`: the next file of a copy, made while it is sent. It is written nowhere here.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::response::Response;
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
/// The size of a part, and how many wait for the browser.
const PART_BYTES: usize = 64 * 1024;
const PARTS_WAITING_MAX: usize = 8;

static TURNS: tokio::sync::Semaphore = tokio::sync::Semaphore::const_new(COPIES_MAX);

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
    let Ok(Ok(turn)) = tokio::time::timeout(TURN_PATIENCE, TURNS.acquire()).await else {
        return Err(Refusal::Unavailable);
    };
    // What forbids it is said before the first byte; afterwards only the connection can break.
    console.ask(move |custody| custody.may_hand_over(&who, request)).await??;
    let (sender, receiver) = mpsc::channel(PARTS_WAITING_MAX);
    let custody = console.custody.clone();
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let mut parts = Parts { sender, runtime, part: Vec::with_capacity(PART_BYTES) };
        if let Err(error) = custody.hand_over(&who, request, &mut parts) {
            tracing::warn!(%error, "a copy was not handed over in whole");
            parts.break_off();
        }
        drop(turn);
    });
    let name = format!("fiducia-{}.zip", request.uuid());
    attachment(&name, "application/zip", Body::new(PartBody(receiver)))
}

/// The parts in order, as the answer's body.
struct PartBody(mpsc::Receiver<io::Result<Bytes>>);

impl http_body::Body for PartBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, io::Error>>> {
        self.0.poll_recv(context).map(|part| part.map(|part| part.map(http_body::Frame::data)))
    }
}

/// What is written becomes parts of the answer; whoever writes waits for the browser.
struct Parts {
    sender: mpsc::Sender<io::Result<Bytes>>,
    runtime: Handle,
    part: Vec<u8>,
}

impl Parts {
    fn send(&mut self) -> io::Result<()> {
        if self.part.is_empty() {
            return Ok(());
        }
        let part = Bytes::from(std::mem::replace(&mut self.part, Vec::with_capacity(PART_BYTES)));
        let sent = async { tokio::time::timeout(PART_PATIENCE, self.sender.send(Ok(part))).await };
        match self.runtime.block_on(sent) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the browser went away")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the browser took no more")),
        }
    }

    /// Ends the answer so that the browser knows it is not whole.
    fn break_off(&self) {
        let broken = io::Error::other("the copy could not be made in whole");
        // A browser that went away has no need to know.
        let _unheard = self.sender.try_send(Err(broken));
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

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}
