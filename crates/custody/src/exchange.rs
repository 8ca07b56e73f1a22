//! One exchange through the gateway: opened, answered, durable.

use bytes::Bytes;
use fiducia_policy::{ExchangeId, Timestamp};
use fiducia_wire::{Outline, Wire};
use tokio::sync::oneshot;

use crate::Caller;

/// Something that policy changed or refused, which the wire and the ledger must both say.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Notice {
    /// Stable code, for example `model-alias`.
    pub code: String,
    /// What the client asked for (a model name, a host).
    pub asked: String,
    /// What it got instead, or why nothing.
    pub served: String,
}

/// The request part of an exchange, handed to custody before it is sent upstream.
pub struct ExchangeOpening {
    /// Who asks.
    pub caller: Caller,
    /// Which wire format the body has.
    pub wire: Wire,
    /// When the request arrived.
    pub received_at: Timestamp,
    /// The request body, byte for byte as received from the client.
    pub body: Bytes,
    /// What [`fiducia_wire::outline`] read in `body`.
    pub outline: Outline,
    /// Whether it may reach a covered model that the caller's workspace has agreed to use.
    pub covered: bool,
    /// What policy changed before sending on.
    pub notices: Vec<Notice>,
}

/// Content must not reach logs by way of a debug format.
impl std::fmt::Debug for ExchangeOpening {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ExchangeOpening")
            .field("caller", &self.caller)
            .field("wire", &self.wire)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerOutcome {
    /// The provider's answer, whole; also refusals and provider errors.
    Complete,
    /// The upstream broke off; what had arrived is kept.
    UpstreamBroken,
    /// The client went away; what had been received for it is kept.
    ClientGone,
    /// Nothing was reached upstream; there is no answer.
    Unanswered,
}

/// The answer part of an exchange.
pub struct CapturedAnswer {
    /// HTTP status sent to the client.
    pub status: u16,
    /// When the last upstream byte arrived.
    pub completed_at: Timestamp,
    /// How it ended.
    pub outcome: AnswerOutcome,
    /// What to keep: the raw body for JSON, the assembled message for a cleanly assembled stream, else the raw
    /// stream.
    pub body: Bytes,
    /// Whether `body` is the assembled form of a stream rather than the bytes on the wire.
    pub assembled: bool,
    /// The provider's id of the answer (`msg_…`, `chatcmpl-…`, `resp_…`).
    pub answer_id: Option<String>,
    /// The model that answered, as the provider named it.
    pub served_model: Option<String>,
    /// Canonical fingerprints of the assistant's messages, so that a history re-sent by the client matches.
    pub assistant_fingerprints: Vec<[u8; 32]>,
    /// Notices that arose after the opening.
    pub notices: Vec<Notice>,
}

/// As for [`ExchangeOpening`]: the body is content.
impl std::fmt::Debug for CapturedAnswer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("CapturedAnswer")
            .field("status", &self.status)
            .field("outcome", &self.outcome)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Why an exchange could not be opened. Answer 503; nothing was sent upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CaptureRefused {
    /// The bounded queue is full.
    #[error("the store is behind: its queue is full; nothing was sent to the provider, try again shortly")]
    QueueFull,
    /// The writer stopped after a storage failure.
    #[error("the store cannot write; nothing was sent to the provider until the operator has repaired it")]
    StoreDown,
    /// The key that protects the organisation's data cannot be used.
    #[error(
        "the key that protects this organisation's data cannot be used ({}); nothing was sent to the provider and nothing is \
         lost: the key's owner must make it usable again",
        .0.code()
    )]
    Key(fiducia_keyring::KmsProblem),
    /// The program is shutting down.
    #[error("this server is shutting down; nothing was sent to the provider")]
    Closing,
}

/// A part of an exchange could not be made durable. Answer 503 if nothing was sent yet, else break the answer off.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CaptureFailed {
    /// The store reported an error; the text is for the operator's log and holds no content.
    #[error("the exchange could not be stored: {0}")]
    Store(String),
    /// The writer is gone.
    #[error("the store's writer stopped before it acknowledged")]
    WriterGone,
}

pub(crate) type Acknowledgement = oneshot::Sender<Result<(), CaptureFailed>>;

/// An exchange under way. Dropping it without an answer leaves the request part stored and marks it unanswered.
#[derive(Debug)]
pub struct OpenExchange {
    pub(crate) id: ExchangeId,
    pub(crate) request: Option<oneshot::Receiver<Result<(), CaptureFailed>>>,
    pub(crate) writer: Option<crate::mailbox::WriterHandle>,
}

impl OpenExchange {
    /// The exchange's id, also sent to the client in `fiducia-exchange`.
    pub fn id(&self) -> ExchangeId {
        self.id
    }

    /// Waits until the request part is durable, and sees to it that this is soon. Resolves at once for zero retention. May
    /// be called again.
    ///
    /// # Errors
    /// When the request part could not be stored.
    pub async fn request_durable(&mut self) -> Result<(), CaptureFailed> {
        let is_under_way = self.request.as_ref().is_some_and(oneshot::Receiver::is_empty);
        if let Some(writer) = self.writer.as_ref().filter(|_| is_under_way) {
            writer.hurry();
        }
        self.request_settled().await
    }

    /// Waits until the request part is durable, without hurrying it: it may wait a few milliseconds for others to share its
    /// commit. For whoever waits for something else meanwhile.
    ///
    /// # Errors
    /// When the request part could not be stored.
    pub async fn request_settled(&mut self) -> Result<(), CaptureFailed> {
        match self.request.as_mut() {
            None => Ok(()),
            Some(receiver) => {
                let outcome = receiver.await.unwrap_or(Err(CaptureFailed::WriterGone));
                self.request = None;
                outcome
            }
        }
    }

    /// Hands the answer over; resolves when it is durable (at once for zero retention). The caller must hold the last
    /// byte back until then.
    ///
    /// # Errors
    /// When the answer could not be stored: the last byte must not be sent.
    pub async fn answered(mut self, answer: CapturedAnswer) -> Result<(), CaptureFailed> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        // The answer is queued behind the request part without waiting for it, so that one commit can take both. An
        // answer whose request part could not be stored is refused by the writer.
        let answered = writer.answer(self.id, answer).await;
        self.request_settled().await?;
        answered
    }
}

impl Drop for OpenExchange {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            // In this order: a writer that has not seen the request yet finds that nobody waits for it.
            self.request = None;
            writer.abandon(self.id);
        }
    }
}
