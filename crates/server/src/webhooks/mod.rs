//! Sending activities to webhooks: one thread beside everything else. No request waits for it.

mod addresses;
mod sending;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use fiducia_custody::{AdminError, Custody, OutgoingWebhook, WebhookRoom};
use fiducia_policy::{AttemptOutcome, WebhookId};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};

pub use addresses::{AddressRange, AddressRangeError};
use sending::WebhookClient;

use crate::StartError;

/// Attempts under way at a time, over all endpoints.
const UNDER_WAY_MAX: u32 = 64;
/// Attempts under way at a time for one endpoint.
const UNDER_WAY_EACH_MAX: u32 = 4;
/// Parts that are taken from the feed before attempts are begun again.
const PARTS_MAX: usize = 64;

/// How deliveries are sent.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// Ranges of addresses that deliveries may go to besides those of the open Internet. A range with this machine's own addresses
    /// permits `http://` to them as well.
    pub allow_networks: Vec<AddressRange>,
    /// Authorities to trust besides the system's, PEM.
    pub ca_file: Option<PathBuf>,
    /// Within which an endpoint answers.
    pub timeout: Duration,
    /// How often the feed is looked at while nothing is under way.
    pub interval: Duration,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            allow_networks: Vec::new(),
            ca_file: None,
            timeout: Duration::from_secs(15),
            interval: Duration::from_secs(1),
        }
    }
}

/// An attempt that ended.
type Ended = (WebhookId, String, AttemptOutcome);

/// Sends deliveries.
#[derive(Debug)]
pub struct Webhooks {
    custody: Custody,
    client: WebhookClient,
    interval: Duration,
    under_way: HashMap<WebhookId, u32>,
    attempts: JoinSet<Ended>,
}

impl Webhooks {
    /// Prepares; sends nothing yet.
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub fn new(settings: &WebhookSettings, custody: Custody) -> Result<Self, StartError> {
        let unfit = |reason| StartError::Setting { setting: "webhooks", reason };
        let client = WebhookClient::new(settings).map_err(unfit)?;
        let interval = settings.interval;
        Ok(Self { custody, client, interval, under_way: HashMap::new(), attempts: JoinSet::new() })
    }

    /// Takes what the feed has and begins what is due, as far as there is room.
    ///
    /// # Errors
    /// When the store fails.
    async fn begin(&mut self) -> Result<(), AdminError> {
        let more_max = UNDER_WAY_MAX.saturating_sub(u32::try_from(self.attempts.len()).unwrap_or(u32::MAX));
        let under_way = self.under_way.clone();
        let room = WebhookRoom { under_way, each_max: UNDER_WAY_EACH_MAX, more_max };
        let custody = self.custody.clone();
        let begun = blocking(move || {
            for _ in 0..PARTS_MAX {
                if custody.take_for_webhooks()? == 0 {
                    break;
                }
            }
            custody.begin_webhook_attempts(room)
        });
        for outgoing in begun.await? {
            self.spawn(outgoing);
        }
        Ok(())
    }

    fn spawn(&mut self, outgoing: OutgoingWebhook) {
        *self.under_way.entry(outgoing.webhook).or_default() += 1;
        let (client, now) = (self.client.clone(), self.custody.now());
        self.attempts.spawn(async move {
            let outcome = client.send(&outgoing, now).await;
            (outgoing.webhook, outgoing.message, outcome)
        });
    }

    /// Notes what came of an attempt.
    async fn end(&mut self, (webhook, message, outcome): Ended) {
        if let Some(count) = self.under_way.get_mut(&webhook) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.under_way.remove(&webhook);
            }
        }
        let custody = self.custody.clone();
        let noted = blocking(move || custody.end_webhook_attempt(webhook, message, outcome)).await;
        if let Err(error) = noted {
            // The attempt was noted when it began, so the same is sent once more.
            tracing::error!(%webhook, %error, "what came of a delivery could not be noted");
        }
    }

    /// Deals with an attempt that is over, however that came about.
    async fn joined(&mut self, joined: Result<Ended, JoinError>) {
        match joined {
            Ok(ended) => self.end(ended).await,
            Err(error) => {
                tracing::error!(%error, "an attempt at a delivery was cut off; it is made again");
                // Whose it was is not known any more. Counting anew lets a few more begin at most.
                self.under_way.clear();
            }
        }
    }

    /// Sends until nothing is due any more and every attempt has ended; for tests with simulated time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn settle(&mut self) -> Result<u64, AdminError> {
        let mut attempts = 0;
        loop {
            self.begin().await?;
            if self.attempts.is_empty() {
                return Ok(attempts);
            }
            while let Some(joined) = self.attempts.join_next().await {
                attempts += 1;
                self.joined(joined).await;
            }
        }
    }

    async fn run(mut self, mut stops: watch::Receiver<bool>) {
        let mut failing = false;
        loop {
            match self.begin().await {
                Ok(()) => failing = false,
                // Said once, not every second.
                Err(error) if !failing => {
                    failing = true;
                    tracing::error!(%error, "webhooks cannot be served; nothing is lost, it is tried again");
                }
                Err(_) => {}
            }
            tokio::select! {
                _ = stops.wait_for(|stop| *stop) => break,
                () = tokio::time::sleep(self.interval) => {}
                Some(joined) = next(&mut self.attempts) => {
                    self.joined(joined).await;
                    while let Some(joined) = self.attempts.try_join_next() {
                        self.joined(joined).await;
                    }
                }
            }
        }
        // What is under way has its time; what is cut off is sent once more under the same id.
        while let Some(joined) = self.attempts.join_next().await {
            self.joined(joined).await;
        }
    }
}

/// The next attempt that is over; never, while none is under way.
async fn next(attempts: &mut JoinSet<Ended>) -> Option<Result<Ended, JoinError>> {
    if attempts.is_empty() { std::future::pending().await } else { attempts.join_next().await }
}

/// Does what waits for the store, where waiting holds up nobody.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AdminError> + Send + 'static,
) -> Result<T, AdminError> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(AdminError::Storage(format!("a step for webhooks was cut off: {error}"))))
}

/// The thread that sends deliveries. Dropping it stops it, once what is under way has ended.
#[derive(Debug)]
pub struct WebhookThread {
    stop: watch::Sender<bool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl WebhookThread {
    /// Sends until it is stopped.
    ///
    /// # Errors
    /// When the thread cannot be made.
    pub fn start(webhooks: Webhooks) -> Result<Self, StartError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Thread)?;
        let (stop, stops) = watch::channel(false);
        let thread = std::thread::Builder::new()
            .name("webhooks".to_owned())
            .spawn(move || runtime.block_on(webhooks.run(stops)))
            .map_err(StartError::Thread)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for WebhookThread {
    fn drop(&mut self) {
        // A receiver that is gone has stopped already.
        let _ = self.stop.send(true);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that sends to webhooks ended by a panic");
        }
    }
}
