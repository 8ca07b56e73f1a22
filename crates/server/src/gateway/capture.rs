//! The side copy of an answer, and the guard that hands it to custody whatever happens to the connection.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use fiducia_custody::{AnswerOutcome, CaptureFailed, CapturedAnswer, OpenExchange};
use fiducia_wire::{AnswerOutline, Terminal};

use super::Gateway;
use super::account::Account;
use super::budget::Reservation;

/// The answer cannot be kept whole, so it cannot be given: it is larger than a record may be, or memory is short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CannotKeep;

/// An exchange whose answer is arriving.
///
/// INVARIANT: whoever drops this before [`Capture::commit`] (the client went away, a task panicked) leaves no
/// received byte unkept: `drop` hands over what had arrived, in a task of its own.
pub(crate) struct Capture {
    gateway: Arc<Gateway>,
    exchange: Option<OpenExchange>,
    /// The account of the exchange, closed with it.
    pub(crate) account: Account,
    status: u16,
    received: Received,
    share: Reservation,
}

/// Bytes received so far. One piece is kept as it came; more are copied together, which also lets the transport reuse
/// its read buffer.
#[derive(Debug, Default)]
struct Received {
    single: Option<Bytes>,
    gathered: Vec<u8>,
}

impl Received {
    fn len(&self) -> usize {
        self.single.as_ref().map_or(self.gathered.len(), Bytes::len)
    }

    fn push(&mut self, bytes: &Bytes, expected: Option<usize>) {
        if self.len() == 0 && expected.is_some_and(|expected| bytes.len() >= expected) {
            self.single = Some(bytes.clone());
            return;
        }
        if let Some(single) = self.single.take() {
            self.gathered.extend_from_slice(&single);
        } else if self.gathered.is_empty() {
            self.gathered.reserve(expected.unwrap_or(0).min(GATHER_RESERVE_BYTES_MAX));
        }
        self.gathered.extend_from_slice(bytes);
    }

    fn as_slice(&self) -> &[u8] {
        self.single.as_deref().unwrap_or(&self.gathered)
    }

    fn take(&mut self) -> Bytes {
        self.single.take().unwrap_or_else(|| Bytes::from(std::mem::take(&mut self.gathered)))
    }
}

/// What is reserved at most on the word of a `content-length`.
const GATHER_RESERVE_BYTES_MAX: usize = 1024 * 1024;

impl Capture {
    /// Begins with an answer's head.
    pub(crate) fn new(
        gateway: Arc<Gateway>,
        exchange: OpenExchange,
        account: Account,
        status: u16,
        share: Reservation,
    ) -> Self {
        Self { gateway, exchange: Some(exchange), account, status, received: Received::default(), share }
    }

    /// Waits until the request part is durable.
    ///
    /// # Errors
    /// When it could not be stored.
    pub(crate) async fn request_durable(&mut self) -> Result<(), CaptureFailed> {
        match &mut self.exchange {
            Some(exchange) => exchange.request_durable().await,
            None => Ok(()),
        }
    }

    /// Takes a copy of the next piece. `expected` is the length of the whole answer where that is known, `Some(1)` to
    /// keep a first piece as it is in the hope that it is the only one, `None` to gather from the start.
    ///
    /// # Errors
    /// When the answer cannot be kept whole; nothing of `bytes` was taken.
    pub(crate) fn take_in(&mut self, bytes: &Bytes, expected: Option<usize>) -> Result<(), CannotKeep> {
        let limit = self.gateway.settings.limits.answer_bytes_max;
        if self.received.len().saturating_add(bytes.len()) > limit {
            return Err(CannotKeep);
        }
        self.share.grow(bytes.len()).map_err(|_| CannotKeep)?;
        self.received.push(bytes, expected);
        Ok(())
    }

    /// Bytes taken in so far.
    pub(crate) fn len(&self) -> usize {
        self.received.len()
    }

    /// The bytes taken in so far.
    pub(crate) fn received(&self) -> &[u8] {
        self.received.as_slice()
    }

    /// Takes the bytes out, to commit them at once: nothing else may be taken in after this.
    pub(crate) fn take_received(&mut self) -> Bytes {
        self.received.take()
    }

    /// Hands the answer to custody, whatever happens to the caller; awaiting the commit tells whether the answer is
    /// durable. `None` when it was handed over before.
    pub(crate) fn commit(
        &mut self,
        outcome: AnswerOutcome,
        received: Bytes,
        outline: Option<AnswerOutline>,
    ) -> Option<Commit> {
        let exchange = self.exchange.take()?;
        let mut answer = CapturedAnswer {
            status: self.status,
            completed_at: self.gateway.clock.now(),
            outcome,
            body: received,
            assembled: false,
            answer_id: None,
            served_model: None,
            assistant_fingerprints: Vec::new(),
            notices: Vec::new(),
        };
        if let Some(outline) = outline {
            answer.answer_id = outline.id;
            answer.served_model = outline.model;
            if outcome == AnswerOutcome::Complete && outline.terminal == Terminal::Clean {
                answer.assistant_fingerprints = outline.fingerprints;
                if let Some(message) = outline.message {
                    answer.body = Bytes::from(message);
                    answer.assembled = true;
                }
            }
        }
        let in_flight = self.gateway.in_flight.enter();
        Some(Commit(Some(Box::pin(async move {
            let result = exchange.answered(answer).await;
            if let Err(failed) = &result {
                tracing::error!(cause = %failed, "an answer could not be recorded");
            }
            drop(in_flight);
            result
        }))))
    }
}

/// An answer on its way to the disk.
///
/// INVARIANT: a commit that is dropped before its end goes on in a task of its own. While somebody waits it needs none,
/// which is the usual case and costs less.
pub(crate) struct Commit(Option<Committing>);

type Committing = Pin<Box<dyn Future<Output = Result<(), CaptureFailed>> + Send>>;

impl Future for Commit {
    type Output = Result<(), CaptureFailed>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(committing) = &mut self.0 else { return Poll::Ready(Err(CaptureFailed::WriterGone)) };
        let polled = committing.as_mut().poll(context);
        if polled.is_ready() {
            self.0 = None;
        }
        polled
    }
}

impl Drop for Commit {
    fn drop(&mut self) {
        // Without an event loop nothing can go on; custody then takes the exchange for unanswered.
        if let Some(committing) = self.0.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(committing);
        }
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        if self.exchange.is_some() {
            let received = self.received.take();
            self.account.outcome("client-gone");
            drop(self.commit(AnswerOutcome::ClientGone, received, None));
        }
    }
}
