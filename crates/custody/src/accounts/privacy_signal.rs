//! The Global Privacy Control signal: noted with the person whose browser or application sends it.
//!
//! The first sight of it ends every yes that was given before; later sights only move the date on which it was seen last, so
//! they are noted once a day.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use fiducia_policy::{SubjectId, Timestamp};
use lru::LruCache;
use tokio::sync::oneshot;

use super::commands::AccountCommand;
use super::signing_in::SignedIn;
use crate::mailbox::Message;
use crate::{AdminCommand, AdminError, Caller, Custody};

/// A privacy signal is noted again after this many seconds.
const SIGNAL_SECONDS: i64 = 86_400;
/// People remembered. Of whoever is forgotten the signal is noted once more than it need be.
const PEOPLE_MAX: NonZeroUsize = NonZeroUsize::MIN.saturating_add(65_535);

/// Whose signal was noted lately, and when, in seconds.
#[derive(Debug)]
pub(crate) struct PrivacySignals(Mutex<LruCache<SubjectId, i64>>);

impl Default for PrivacySignals {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(PEOPLE_MAX)))
    }
}

impl PrivacySignals {
    fn is_recent(&self, subject: SubjectId, now: Timestamp) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.get(&subject).is_some_and(|at| now.as_second().saturating_sub(*at) < SIGNAL_SECONDS)
    }

    fn noted(&self, subject: SubjectId, now: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).put(subject, now.as_second());
    }
}

impl Custody {
    /// Notes that a signed-in person's browser asks for privacy, at most once a day. Blocks.
    ///
    /// # Errors
    /// When it could not be recorded.
    pub fn note_privacy_signal(&self, signed_in: &SignedIn) -> Result<(), AdminError> {
        let Some(subject) = signed_in.account.subject else { return Ok(()) };
        let now = self.0.clock.now().as_second();
        let is_recent = signed_in
            .privacy_signal
            .is_some_and(|signal| now - signal.last_seen_at.as_second() < SIGNAL_SECONDS);
        if is_recent {
            return Ok(());
        }
        self.change_account(AccountCommand::RecordPrivacySignal { subject }).map(drop)
    }

    /// Notes that a request on behalf of a person carries the signal, at most once a day. When this returns, no yes of theirs
    /// from before counts any more.
    ///
    /// # Errors
    /// When it could not be recorded.
    pub async fn note_privacy_signal_of(&self, caller: &Caller) -> Result<(), AdminError> {
        let (subject, now) = (caller.subject, self.0.clock.now());
        if self.0.signals.is_recent(subject, now) {
            return Ok(());
        }
        let stopped = || AdminError::Storage("the store's writer has stopped".to_owned());
        let (reply, receiver) = oneshot::channel();
        let command = AdminCommand::Account(AccountCommand::RecordPrivacySignal { subject });
        self.0.handle.send(Message::Administer(Box::new(command), reply)).await.map_err(|_| stopped())?;
        receiver.await.map_err(|_| stopped())??;
        self.0.signals.noted(subject, now);
        Ok(())
    }
}
