//! A service that answers what a test says, and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fiducia_keyring::{
    Credential, KmsRequest, KmsResponse, KmsSurroundings, KmsTransport, Pause, RootBinding, SymmetricKey,
    TransportProblem,
};
use fiducia_policy::{Clock, KeyId, OrganizationId, Randomness, RandomnessUnavailable, Timestamp};
use zeroize::Zeroizing;

type Answer = Box<dyn Fn(&KmsRequest) -> Result<KmsResponse, TransportProblem> + Send>;

/// Carries requests nowhere: each takes the next answer.
#[derive(Default)]
pub(crate) struct Recorded {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<KmsRequest>>,
}

impl std::fmt::Debug for Recorded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recorded")
    }
}

impl Recorded {
    pub(crate) fn then(
        &self,
        answer: impl Fn(&KmsRequest) -> Result<KmsResponse, TransportProblem> + Send + 'static,
    ) {
        self.answers.lock().unwrap().push_back(Box::new(answer));
    }

    pub(crate) fn says(&self, status: u16, body: &str) {
        let body = body.to_owned();
        self.then(move |_| Ok(response(status, &body)));
    }

    pub(crate) fn asked(&self) -> Vec<KmsRequest> {
        self.asked.lock().unwrap().clone()
    }
}

pub(crate) fn response(status: u16, body: &str) -> KmsResponse {
    KmsResponse { status, body: Zeroizing::new(body.as_bytes().to_vec()) }
}

impl KmsTransport for Recorded {
    fn exchange(&self, request: &KmsRequest) -> Result<KmsResponse, TransportProblem> {
        self.asked.lock().unwrap().push(request.clone());
        let answer = self.answers.lock().unwrap().pop_front();
        answer.unwrap()(request)
    }
}

/// The body of a request as JSON.
pub(crate) fn json(request: &KmsRequest) -> serde_json::Value {
    serde_json::from_slice(&request.body).unwrap()
}

/// A header of a request.
pub(crate) fn header<'a>(request: &'a KmsRequest, name: &str) -> &'a str {
    request.headers.iter().find(|(found, _)| *found == name).map_or("", |(_, value)| value.as_str())
}

/// Time that a test moves.
#[derive(Debug)]
pub(crate) struct Time(AtomicI64);

impl Time {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(1_800_000_000)))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// Bytes that count up: never the same key twice.
#[derive(Debug, Default)]
pub(crate) struct Counting(AtomicU8);

impl Randomness for Counting {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable> {
        bytes.fill(self.0.fetch_add(1, Ordering::SeqCst));
        Ok(())
    }
}

/// Waits for nothing and remembers for how long it should have.
#[derive(Debug, Default)]
pub(crate) struct Pauses(pub(crate) Mutex<Vec<Duration>>);

impl Pause for Pauses {
    fn pause(&self, duration: Duration) {
        self.0.lock().unwrap().push(duration);
    }
}

pub(crate) fn surroundings(time: &Arc<Time>, pauses: &Arc<Pauses>) -> KmsSurroundings {
    KmsSurroundings {
        clock: Arc::clone(time) as Arc<dyn Clock>,
        randomness: Arc::new(Counting::default()),
        pause: Arc::clone(pauses) as Arc<dyn Pause>,
    }
}

pub(crate) fn secret(text: &'static str) -> Credential {
    Credential::new(move || Ok(Zeroizing::new(text.to_owned())))
}

pub(crate) fn binding(organization: u8) -> RootBinding {
    RootBinding {
        organization: OrganizationId::from_bytes([organization; 16]),
        id: KeyId::from_bytes([7; 16]),
    }
}

pub(crate) fn a_key() -> SymmetricKey {
    SymmetricKey::generate(&Counting(AtomicU8::new(99))).unwrap()
}
