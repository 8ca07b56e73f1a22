//! Who asks key management services: for each service one asker at a time, on a thread of its own that nobody joins.
//!
//! A library of others may never return. Then its one thread waits for good, its service is not asked again until it does, and
//! nobody else waits for it: not the keeper, not other services, not the start or the end of the program, not whoever orders a change.

use std::collections::HashMap;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fiducia_keyring::{KeyManagementService, KmsError, KmsProblem};

use super::services::{Connections, ServiceKey};

/// For how long whoever needs an answer waits for one: somewhat longer than an adapter takes that tries three times.
pub(crate) const ANSWERS_WITHIN: Duration = Duration::from_secs(20);

/// Which services are being asked.
#[derive(Debug, Default)]
pub(crate) struct Asking {
    /// Each with when whoever asks it began.
    services: Mutex<HashMap<String, Instant>>,
    ended: Condvar,
}

/// The right to ask one service. Another has it when this is dropped.
pub(super) struct Turn {
    asking: Arc<Asking>,
    service: String,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.asking.services().remove(&self.service);
        self.asking.ended.notify_all();
    }
}

impl Asking {
    fn services(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the turn, unless the service is being asked.
    pub(super) fn begin(self: &Arc<Self>, service: &str) -> Option<Turn> {
        self.begin_within(service, Duration::ZERO)
    }

    /// Takes the turn, once the service has answered whoever asks it now. `None` when that takes longer than `patience`, from when
    /// that began: of a service that hangs nobody hopes anew each time.
    fn begin_within(self: &Arc<Self>, service: &str, patience: Duration) -> Option<Turn> {
        let services = self.services();
        let spent = services.get(service).map_or(Duration::ZERO, Instant::elapsed);
        let waiting = self.ended.wait_timeout_while(services, patience.saturating_sub(spent), |services| {
            services.contains_key(service)
        });
        let (mut services, _) = waiting.unwrap_or_else(PoisonError::into_inner);
        if services.contains_key(service) {
            return None;
        }
        services.insert(service.to_owned(), Instant::now());
        drop(services);
        Some(Turn { asking: Arc::clone(self), service: service.to_owned() })
    }

    /// Waits until none of `services` is being asked, for `patience` at most.
    pub(super) fn wait(&self, services: &[String], patience: Duration) {
        let is_asked =
            |asked: &mut HashMap<String, Instant>| services.iter().any(|service| asked.contains_key(service));
        // Whether the time ran out is seen by whoever looks what was answered.
        drop(self.ended.wait_timeout_while(self.services(), patience, is_asked));
    }

    /// The services that are being asked.
    pub(super) fn asked(&self) -> Vec<String> {
        self.services().keys().cloned().collect()
    }

    /// Asks a service one thing, and waits for the answer for `patience` at most; whoever asks it now has had as long.
    ///
    /// # Errors
    /// What the service said; [`KmsProblem::Slow`] when there was no answer in time. What was asked may still come about then.
    pub(super) fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        connections: &Connections,
        place: &ServiceKey,
        patience: Duration,
        question: impl FnOnce(&dyn KeyManagementService) -> Result<T, KmsError> + Send + 'static,
    ) -> Result<T, KmsError> {
        let service = connections.connect(place)?;
        let turn = self.begin_within(&place.service, patience).ok_or_else(|| unanswered(place, EARLIER))?;
        let (reply, answer) = sync_channel(1);
        let ask = move || {
            // Whoever asked may have gone away.
            let _ = reply.send(question(&*service));
            drop(turn);
        };
        spawn(ask).map_err(|error| unanswered(place, &error.to_string()))?;
        answer.recv_timeout(patience).unwrap_or_else(|_| Err(unanswered(place, "there is no answer")))
    }
}

/// What is said of a service that has not answered an earlier question.
pub(super) const EARLIER: &str = "it has not answered an earlier question; if its library never returns, the program must be started again";

/// No answer in time.
pub(super) fn unanswered(place: &ServiceKey, detail: &str) -> KmsError {
    KmsError {
        service: place.service.clone(),
        key: place.key.clone(),
        problem: KmsProblem::Slow,
        detail: detail.to_owned(),
    }
}

/// Runs an asker.
pub(super) fn spawn(ask: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    std::thread::Builder::new().name("fiducia-key-asker".to_owned()).spawn(ask).map(drop)
}
