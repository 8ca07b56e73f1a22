//! What the writer can be asked, and how.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fiducia_policy::{AccessSession, ExchangeId, OrganizationId};
use tokio::sync::{mpsc, oneshot};

use crate::audit_report::Facts;
use crate::consent::ChoiceRequest;
use crate::exchange::Acknowledgement;
use crate::import::{ImportChunk, ImportOutcome};
use crate::keys::KeyChange;
use crate::looking::AccessChange;
use crate::rights::ExportNote;
use crate::{
    AdminCommand, AdminError, AdminReply, CaptureFailed, CapturedAnswer, ConsentOutcome, ExchangeOpening,
    Notice,
};

/// What the writer can be asked.
pub(crate) enum Message {
    Request(Box<ExchangeOpening>, ExchangeId, Acknowledgement),
    Answer(ExchangeId, Box<CapturedAnswer>, Acknowledgement),
    Import(Box<ImportChunk>, oneshot::Sender<Result<ImportOutcome, AdminError>>),
    Announce(OrganizationId, ExchangeId, Vec<Notice>),
    Administer(Box<AdminCommand>, oneshot::Sender<Result<AdminReply, AdminError>>),
    /// A choice by the person whom an application speaks for.
    Choose(Box<ChoiceRequest>, oneshot::Sender<Result<ConsentOutcome, AdminError>>),
    CatchUp(oneshot::Sender<Result<(), AdminError>>),
    /// A file for a person was finished, or is to be made anew.
    NoteExport(Box<ExportNote>, oneshot::Sender<Result<(), AdminError>>),
    /// An audit report is to be issued from these facts.
    IssueAuditReport(Box<Facts>, oneshot::Sender<Result<(String, u64), AdminError>>),
    /// The path to a key is to be another.
    ChangeKey(Box<KeyChange>, oneshot::Sender<Result<(), AdminError>>),
    /// A session of reading changes.
    Access(Box<AccessChange>, oneshot::Sender<Result<Option<AccessSession>, AdminError>>),
    /// Somebody waits for what is staged.
    Hurry,
    /// Nothing was committed for a while: what the journal still holds can leave it.
    Idle,
    Stop,
}

impl Message {
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Request(opening, ..) => opening.body.len(),
            Self::Answer(_, answer, _) => answer.body.len(),
            Self::Import(chunk, _) => chunk.bytes,
            Self::Announce(..)
            | Self::Administer(..)
            | Self::Choose(..)
            | Self::CatchUp(_)
            | Self::NoteExport(..)
            | Self::IssueAuditReport(..)
            | Self::ChangeKey(..)
            | Self::Access(..)
            | Self::Hurry
            | Self::Idle
            | Self::Stop => 0,
        }
    }
}

/// What the writer shares with its handles.
#[derive(Debug, Default)]
pub(crate) struct WriterState {
    pub(crate) queued_parts: AtomicUsize,
    pub(crate) queued_bytes: AtomicUsize,
    /// The files could not be opened again after a failure.
    pub(crate) down: AtomicBool,
    /// The last group could not be committed, for example because the disk is full.
    pub(crate) failing: AtomicBool,
    pub(crate) closing: AtomicBool,
    pub(crate) batches: AtomicU64,
    pub(crate) records: AtomicU64,
    pub(crate) failures: AtomicU64,
    pub(crate) open_exchanges: AtomicUsize,
    pub(crate) certificates: AtomicU64,
    pub(crate) ended_keys: AtomicU64,
    pub(crate) purged_records: AtomicU64,
    pub(crate) ends_late_seconds: AtomicU64,
    pub(crate) training_records: AtomicU64,
    pub(crate) purges_late_seconds: AtomicU64,
    pub(crate) mails_failed: AtomicU64,
    pub(crate) mails_given_up: AtomicU64,
    pub(crate) access_alerts: AtomicU64,
    /// Up to which place in the feed every endpoint has what it asks for; 0 when that is not known.
    pub(crate) webhooks_have_up_to: AtomicI64,
    pub(crate) webhooks_waiting: AtomicU64,
    pub(crate) webhooks_dead: AtomicU64,
    pub(crate) webhooks_oldest_seconds: AtomicU64,
    pub(crate) webhooks_delivered: AtomicU64,
    pub(crate) webhooks_failed: AtomicU64,
    pub(crate) siem_written: AtomicU64,
    pub(crate) siem_failures: AtomicU64,
    pub(crate) siem_late_seconds: AtomicU64,
    pub(crate) requests_open: AtomicU64,
    pub(crate) requests_overdue: AtomicU64,
    pub(crate) requests_due_soon: AtomicU64,
    pub(crate) abandoned: Mutex<Vec<ExchangeId>>,
}

/// A handle to the writer.
#[derive(Debug, Clone)]
pub(crate) struct WriterHandle {
    pub(crate) sender: mpsc::Sender<Message>,
    pub(crate) state: Arc<WriterState>,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Message")
    }
}

impl WriterHandle {
    /// Counts a message in before it is sent.
    pub(crate) fn count_in(&self, message: &Message) {
        self.state.queued_parts.fetch_add(1, Ordering::Relaxed);
        self.state.queued_bytes.fetch_add(message.bytes(), Ordering::Relaxed);
    }

    fn count_out(&self, message: &Message) {
        self.state.queued_parts.fetch_sub(1, Ordering::Relaxed);
        self.state.queued_bytes.fetch_sub(message.bytes(), Ordering::Relaxed);
    }

    /// Queues the answer, waiting for room, and waits until it is durable.
    pub(crate) async fn answer(&self, id: ExchangeId, answer: CapturedAnswer) -> Result<(), CaptureFailed> {
        let (acknowledgement, receiver) = oneshot::channel();
        self.send(Message::Answer(id, Box::new(answer), acknowledgement)).await?;
        receiver.await.unwrap_or(Err(CaptureFailed::WriterGone))
    }

    /// Queues a message, waiting for room. Room comes first: who gives up waiting never counts.
    pub(crate) async fn send(&self, message: Message) -> Result<(), CaptureFailed> {
        let permit = self.sender.reserve().await.map_err(|_| CaptureFailed::WriterGone)?;
        self.count_in(&message);
        permit.send(message);
        Ok(())
    }

    /// Says that somebody waits for what is staged. When the queue is full, more than that is on its way.
    pub(crate) fn hurry(&self) {
        if let Ok(permit) = self.sender.try_reserve() {
            self.count_in(&Message::Hurry);
            permit.send(Message::Hurry);
        }
    }

    /// Notes that an exchange will have no answer.
    pub(crate) fn abandon(&self, id: ExchangeId) {
        self.state.abandoned.lock().unwrap_or_else(PoisonError::into_inner).push(id);
    }

    /// Sends a message from a thread that may block and waits for the reply.
    pub(crate) fn ask<T>(
        &self,
        message: impl FnOnce(oneshot::Sender<Result<T, AdminError>>) -> Message,
    ) -> Result<oneshot::Receiver<Result<T, AdminError>>, AdminError> {
        let (reply, receiver) = oneshot::channel();
        let message = message(reply);
        self.count_in(&message);
        self.sender.blocking_send(message).map_err(|refused| {
            self.count_out(&refused.0);
            AdminError::Storage("the store's writer has stopped; nothing was changed".to_owned())
        })?;
        Ok(receiver)
    }
}
