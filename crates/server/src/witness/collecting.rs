//! A log's side of the witness protocol: sending checkpoints to witnesses, and keeping their cosignatures.
//!
//! A history that was rewritten and signed anew passes every check that a log can make of itself. A witness of another owner
//! remembers, so what it says is compared before the server takes anything: a witness that holds more than the log has, or
//! another history, stops the start.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use fiducia_custody::{AdminCommand, AdminReply, Custody, OrganizationRow, WhenShort, WitnessGate};
use fiducia_ledger::{
    Checkpoint, CosignerKey, LogReader, VerifierKey, origin_digest, request_for, with_cosignature,
};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::watch;

use crate::{StartError, tls};

/// Within which a witness answers.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer that is read: a checkpoint with its signatures.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// A witness that is asked.
#[derive(Debug, Clone)]
pub struct WitnessAddress {
    /// What stands before `/add-checkpoint`.
    pub url: String,
    /// Its key.
    pub key: CosignerKey,
    /// Authorities to trust for it besides the system's.
    pub ca_file: Option<PathBuf>,
}

/// How logs are witnessed.
#[derive(Debug, Clone)]
pub struct WitnessingSettings {
    /// Which witnesses are asked.
    pub witnesses: Vec<WitnessAddress>,
    /// How many must have cosigned for a checkpoint to count as witnessed.
    pub quorum: usize,
    /// How often checkpoints are sent.
    pub interval: Duration,
    /// What happens to reading while fewer than the quorum cosign.
    pub when_short: WhenShort,
    /// Whether the server starts while fewer witnesses than the quorum can be asked what they hold.
    pub starts_unwitnessed: bool,
    /// Where the logs lie.
    pub ledger_directory: PathBuf,
    /// Where witnessed checkpoints are kept, one file for each log.
    pub directory: PathBuf,
}

/// What became of one log's checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// Which log.
    pub origin: String,
    /// How many entries it has.
    pub size: u64,
    /// How many witnesses cosigned that.
    pub cosignatures: usize,
}

/// Why a witness gave no cosignature. None of these is a secret.
#[derive(Debug, thiserror::Error)]
enum NotWitnessed {
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it answered {0}")]
    Refused(StatusCode),
    #[error(
        "it holds {held} entries, and this log has {size}: entries are missing here. Restore a later backup, or find out who cut the log"
    )]
    Ahead { held: u64, size: u64 },
    #[error(
        "it cosigned another history of this log: one of the two is false. Compare with a checkpoint that somebody kept, before anything else is done"
    )]
    Forked,
    #[error("its answer cannot be used: {0}")]
    Unusable(String),
}

impl NotWitnessed {
    /// Whether it says something about the log rather than about the witness.
    const fn accuses(&self) -> bool {
        matches!(self, Self::Ahead { .. } | Self::Forked)
    }
}

struct Asked {
    address: WitnessAddress,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    /// What it holds of each log, as far as is known.
    held: HashMap<String, u64>,
}

/// Sends checkpoints to witnesses.
pub struct Witnessing {
    settings: WitnessingSettings,
    witnesses: Vec<Asked>,
    custody: Custody,
}

impl std::fmt::Debug for Witnessing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Witnessing").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Witnessing {
    /// Prepares; asks nobody yet.
    ///
    /// # Errors
    /// When a setting cannot be used.
    pub fn new(settings: WitnessingSettings, custody: Custody) -> Result<Self, StartError> {
        let unfit = |reason: String| StartError::Setting { setting: "witnesses", reason };
        if settings.quorum == 0 || settings.quorum > settings.witnesses.len() {
            return Err(unfit(format!(
                "the quorum is {} of {} witnesses; at least one, and not more than there are",
                settings.quorum,
                settings.witnesses.len()
            )));
        }
        let witnesses = settings.witnesses.iter().map(|address| {
            let client = client(address).map_err(unfit)?;
            Ok(Asked { address: address.clone(), client, held: HashMap::new() })
        });
        let witnesses = witnesses.collect::<Result<_, StartError>>()?;
        custody.witness_gate().require(settings.when_short);
        Ok(Self { settings, witnesses, custody })
    }

    /// Compares every log with what the witnesses hold of it.
    ///
    /// # Errors
    /// When a witness holds more of a log than there is, or another history; and, unless the settings say otherwise, when fewer
    /// witnesses than the quorum can be asked.
    pub async fn compare(&mut self) -> Result<(), StartError> {
        let refuse = StartError::Unwitnessed;
        for keys in self.logs().map_err(refuse)? {
            let origin = origin_of_keys(&keys);
            // A log that has no checkpoint here is as long as nothing: a witness may know better.
            let mut log = self.log(&keys);
            let mut asked = 0;
            for witness in &mut self.witnesses {
                match witness.compare(log.as_mut(), &keys).await {
                    Ok(()) => asked += 1,
                    Err(error) if error.accuses() => {
                        return Err(refuse(format!(
                            "the witness {} contradicts the log {origin}: {error}",
                            witness.address.key.name()
                        )));
                    }
                    Err(error) => {
                        tracing::warn!(witness = witness.address.key.name(), log = origin, %error, "a witness was not heard");
                    }
                }
            }
            if asked < self.settings.quorum && !self.settings.starts_unwitnessed {
                return Err(refuse(format!(
                    "{asked} of the {} witnesses that are needed could be asked what they hold of {origin}. Try again when they are up, or set `starts_unwitnessed = true`",
                    self.settings.quorum
                )));
            }
        }
        Ok(())
    }

    /// Sends every log's checkpoint to every witness that has not cosigned it, and keeps what comes back.
    ///
    /// # Errors
    /// When the logs cannot be listed, as text. What one witness refuses is logged and does not keep the others waiting.
    pub async fn round(&mut self) -> Result<Vec<Witnessed>, String> {
        let mut all = Vec::new();
        for keys in self.logs()? {
            let Some(mut log) = self.log(&keys) else { continue };
            let (origin, size) = (origin_of_keys(&keys), log.checkpoint().size);
            let path = witnessed_checkpoint(&self.settings.directory, &origin);
            let mut note = current_note(&path, &log, &keys);
            let mut cosignatures = 0;
            for witness in &mut self.witnesses {
                if witness.address.key.cosigned_at(note.as_bytes()).is_ok() {
                    cosignatures += 1;
                    continue;
                }
                match witness.cosign(&mut log, &origin, &note).await {
                    Ok(cosigned) => {
                        note = cosigned;
                        cosignatures += 1;
                    }
                    Err(error) if error.accuses() => {
                        tracing::error!(witness = witness.address.key.name(), log = origin, %error, "a witness accuses this log");
                    }
                    Err(error) => {
                        tracing::warn!(witness = witness.address.key.name(), log = origin, %error, "a checkpoint was not cosigned");
                    }
                }
            }
            if cosignatures >= self.settings.quorum {
                keep(&self.settings.directory, &path, &note)
                    .map_err(|error| format!("a witnessed checkpoint cannot be kept: {error}"))?;
            }
            self.tell_gate(&origin, size, cosignatures);
            all.push(Witnessed { origin, size, cosignatures });
        }
        Ok(all)
    }

    /// Tells whoever waits to read what became of a log's checkpoint.
    fn tell_gate(&self, origin: &str, size: u64, cosignatures: usize) {
        if let Some(organization) = origin.rsplit('/').next().and_then(|uuid| uuid.parse().ok()) {
            let is_witnessed = cosignatures >= self.settings.quorum;
            self.gate().found(organization, size, is_witnessed, self.custody.now());
        }
    }

    fn gate(&self) -> &WitnessGate {
        self.custody.witness_gate()
    }

    /// The keys of every log, those that sign now first in each.
    fn logs(&self) -> Result<Vec<Vec<VerifierKey>>, String> {
        match self.custody.administer(AdminCommand::ListOrganizations) {
            Ok(AdminReply::Organizations(rows)) => {
                let keys = |row: &OrganizationRow| {
                    row.ledger_verifier_keys.iter().filter_map(|key| key.parse().ok()).collect::<Vec<_>>()
                };
                Ok(rows.iter().map(keys).filter(|keys| !keys.is_empty()).collect())
            }
            Ok(_) => Err("the store gave an answer to another question".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// A log as it is published; `None` while it has no checkpoint.
    fn log(&self, keys: &[VerifierKey]) -> Option<LogReader> {
        let organization = keys.first()?.name().rsplit('/').next()?;
        LogReader::open(&self.settings.ledger_directory.join(organization), keys).ok()
    }
}

fn client(address: &WitnessAddress) -> Result<Client<HttpsConnector<HttpConnector>, Full<Bytes>>, String> {
    let mut roots = tls::native_roots();
    if let Some(path) = &address.ca_file {
        tls::add_authorities(&mut roots, path)?;
    }
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls::client(roots)?)
        .https_or_http()
        .enable_http1()
        .build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

impl Asked {
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<(StatusCode, String), NotWitnessed> {
        let unreachable = |error: &dyn std::fmt::Display| NotWitnessed::Unreachable(error.to_string());
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address.url.trim_end_matches('/')))
            .header(http::header::CONTENT_TYPE, "text/plain; charset=utf-8")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| unreachable(&error))?;
        let answered = async {
            let (head, body) =
                self.client.request(request).await.map_err(|error| unreachable(&error))?.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|_| NotWitnessed::Unusable("it broke off or is too long".to_owned()))?;
            let text = String::from_utf8(body.to_bytes().to_vec());
            Ok((head.status, text.map_err(|_| NotWitnessed::Unusable("it is not text".to_owned()))?))
        };
        let timed_out = || NotWitnessed::Unreachable("it did not answer in time".to_owned());
        tokio::time::timeout(ANSWER_TIMEOUT, answered).await.unwrap_or_else(|_| Err(timed_out()))
    }

    /// What this witness holds of a log.
    async fn held(&self, keys: &[VerifierKey]) -> Result<Option<Checkpoint>, NotWitnessed> {
        let unusable = |error: &dyn std::fmt::Display| NotWitnessed::Unusable(error.to_string());
        let path = format!("/{}/checkpoint", origin_digest(&origin_of_keys(keys)));
        let (status, note) = self.send(Method::GET, &path, String::new()).await?;
        if status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if status != StatusCode::OK {
            return Err(NotWitnessed::Refused(status));
        }
        self.address.key.cosigned_at(note.as_bytes()).map_err(|error| unusable(&error))?;
        Checkpoint::verify(note.as_bytes(), keys).map(Some).map_err(|error| unusable(&error))
    }

    /// Compares the log with what this witness holds of it.
    async fn compare(
        &mut self,
        log: Option<&mut LogReader>,
        keys: &[VerifierKey],
    ) -> Result<(), NotWitnessed> {
        let unusable = |error: &dyn std::fmt::Display| NotWitnessed::Unusable(error.to_string());
        let origin = origin_of_keys(keys);
        let Some(held) = self.held(keys).await? else {
            self.held.insert(origin, 0);
            return Ok(());
        };
        let size = log.as_ref().map_or(0, |log| log.checkpoint().size);
        if held.size > size {
            return Err(NotWitnessed::Ahead { held: held.size, size });
        }
        if let Some(log) = log {
            let (root, _) = log.consistency_proof(held.size).map_err(|error| unusable(&error))?;
            if root != held.root {
                return Err(NotWitnessed::Forked);
            }
        }
        self.held.insert(origin, held.size);
        Ok(())
    }

    /// Gets this witness's cosignature of the log's checkpoint.
    async fn cosign(
        &mut self,
        log: &mut LogReader,
        origin: &str,
        note: &str,
    ) -> Result<String, NotWitnessed> {
        let unusable = |error: &dyn std::fmt::Display| NotWitnessed::Unusable(error.to_string());
        let size = log.checkpoint().size;
        let mut held = self.held.get(origin).copied().unwrap_or(0);
        // Once more, when the witness says that it holds another checkpoint than was thought.
        for _ in 0..2 {
            if held > size {
                return Err(NotWitnessed::Ahead { held, size });
            }
            let request = request_for(log, held).map_err(|error| unusable(&error))?;
            let (status, text) = self.send(Method::POST, "/add-checkpoint", request.to_string()).await?;
            match status {
                StatusCode::OK => {
                    let cosigned =
                        with_cosignature(note, &text, &self.address.key).map_err(|error| unusable(&error))?;
                    self.held.insert(origin.to_owned(), size);
                    return Ok(cosigned);
                }
                StatusCode::CONFLICT => {
                    held = text.trim_end().parse().map_err(|_| unusable(&"a conflict names no size"))?;
                    self.held.insert(origin.to_owned(), held);
                }
                StatusCode::UNPROCESSABLE_ENTITY => return Err(NotWitnessed::Forked),
                other => return Err(NotWitnessed::Refused(other)),
            }
        }
        Err(NotWitnessed::Unusable("it says another size each time".to_owned()))
    }
}

/// Asks a witness what it holds of a log; `None` when it has cosigned nothing of it. Blocks until it answers, for ten seconds at
/// most.
///
/// # Errors
/// Why it could not be asked, or that its answer is not signed as it must be.
pub fn held_by_witness(address: &WitnessAddress, keys: &[VerifierKey]) -> Result<Option<Checkpoint>, String> {
    let asked = Asked { address: address.clone(), client: client(address)?, held: HashMap::new() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(asked.held(keys)).map_err(|error| error.to_string())
}

/// The origin that the keys of one log carry as their name.
fn origin_of_keys(keys: &[VerifierKey]) -> String {
    keys.first().map(|key| key.name().to_owned()).unwrap_or_default()
}

/// The note that is kept, if it is of the log's present checkpoint and signed by the keys that sign now; else the log's own.
fn current_note(path: &Path, log: &LogReader, keys: &[VerifierKey]) -> String {
    let signing = keys.get(..1).unwrap_or_default();
    let kept = std::fs::read_to_string(path).ok().filter(|kept| {
        Checkpoint::verify(kept.as_bytes(), signing).is_ok_and(|checkpoint| checkpoint == *log.checkpoint())
    });
    kept.unwrap_or_else(|| log.checkpoint_note().to_owned())
}

/// Where the last checkpoint of a log that a quorum cosigned is kept.
pub fn witnessed_checkpoint(directory: &Path, origin: &str) -> PathBuf {
    directory.join(format!("{}.checkpoint", origin.rsplit('/').next().unwrap_or_default()))
}

/// Replaces the file as a whole. Losing it loses nothing: witnesses cosign anew.
fn keep(directory: &Path, path: &Path, note: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, note)?;
    std::fs::rename(fresh, path)
}

/// The thread that sends checkpoints. Dropping it stops it.
#[derive(Debug)]
pub struct WitnessingThread {
    stop: watch::Sender<bool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl WitnessingThread {
    /// Compares the logs with what the witnesses hold, then sends checkpoints until it is stopped. Returns once the comparison
    /// is done. Blocks until then.
    ///
    /// # Errors
    /// As [`Witnessing::compare`].
    pub fn start(mut witnessing: Witnessing) -> Result<Self, StartError> {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Thread)?;
        runtime.block_on(witnessing.compare())?;
        let (stop, mut stops) = watch::channel(false);
        let interval = witnessing.settings.interval;
        let gate = witnessing.gate().clone();
        let thread = std::thread::Builder::new()
            .name("witnessing".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    loop {
                        if let Err(error) = witnessing.round().await {
                            tracing::error!(%error, "checkpoints were not sent to the witnesses");
                        }
                        // A reader who waits does not wait for the interval to end.
                        let waiting = gate.wanted();
                        let pause = async {
                            tokio::select! {
                                () = tokio::time::sleep(interval) => {}
                                () = waiting => {}
                            }
                        };
                        tokio::select! {
                            _ = stops.wait_for(|stop| *stop) => return,
                            () = pause => {}
                        }
                    }
                });
            })
            .map_err(StartError::Thread)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for WitnessingThread {
    fn drop(&mut self) {
        // A receiver that is gone has stopped already.
        let _ = self.stop.send(true);
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that asks witnesses ended by a panic");
        }
    }
}
