//! `serve`

use std::sync::Arc;
use std::time::Duration;

use fiducia_custody::{AdminCommand, AdminReply, Custody};
use fiducia_server::{
    RunningServer, Server, ServerSettings, Siem, SiemThread, StartError, WebhookThread, Webhooks, Witnessing,
    WitnessingThread,
};

use crate::arguments::ConfigOption;
use crate::configuration::{Configuration, Extent};
use crate::edge::{SystemClock, SystemRandomness};
use crate::failure::{ExitStatus, Failure};
use crate::interrupt::Interrupts;
use crate::mail::MailSender;
use crate::session::{self, Session};
use crate::telemetry::Telemetry;

pub(super) fn run(file: &ConfigOption) -> Result<ExitStatus, Failure> {
    let configuration = session::load(&file.config, Extent::Server)?;
    let telemetry = Telemetry::start(&configuration.log, &configuration.telemetry)?;
    let outcome = serve(&configuration);
    telemetry.finish();
    outcome
}

fn serve(configuration: &Configuration) -> Result<ExitStatus, Failure> {
    let interrupts = Interrupts::listen()?;
    let custody = open(configuration)?;
    Session::borrowing(&custody, &configuration.data.directory).keep_verifier_keys();
    let started = witnessed(configuration, &custody)
        .and_then(|witnessing| Ok((witnessing, start(&configuration.server(), &custody)?)));
    let (witnessing, running) = match started {
        Ok(started) => started,
        Err(error) => {
            custody.close();
            return Err(error);
        }
    };
    let addresses = running.addresses();
    let operations = addresses.operations.map(|address| address.to_string()).unwrap_or_default();
    let console = addresses.console.map(|address| address.to_string()).unwrap_or_default();
    let compliance = addresses.compliance.map(|address| address.to_string()).unwrap_or_default();
    tracing::info!(
        gateway = %addresses.gateway,
        operations,
        console,
        compliance,
        process = std::process::id(),
        version = env!("CARGO_PKG_VERSION"),
        "serving"
    );
    let mail = configuration
        .mail
        .as_ref()
        .map(|section| {
            let contact = configuration.certificates.contact.clone();
            let console = configuration.console.as_ref().map(|console| console.public_url.clone());
            MailSender::start(section, (contact, console), custody.clone())
        })
        .transpose();
    let mail = match mail {
        Ok(mail) => mail,
        Err(error) => {
            stop(running, &custody);
            return Err(error);
        }
    };
    let outgoing = match outgoing(configuration, &custody) {
        Ok(outgoing) => outgoing,
        Err(error) => {
            stop(running, &custody);
            return Err(error);
        }
    };
    let interval = Duration::from_secs(u64::from(configuration.data.sweep_interval_minutes) * 60);
    while !interrupts.wait(interval) {
        sweep(&custody);
    }
    if let Some(mail) = mail {
        mail.stop();
    }
    drop(outgoing);
    drop(witnessing);
    stop(running, &custody);
    Ok(ExitStatus::Success)
}

/// Begins to send activities to webhooks, and to write them to a log system where one is configured.
fn outgoing(
    configuration: &Configuration,
    custody: &Custody,
) -> Result<(WebhookThread, Option<SiemThread>), Failure> {
    let webhooks = Webhooks::new(&configuration.webhook_settings(), custody.clone())?;
    let siem =
        configuration.siem_settings().map(|settings| Siem::new(&settings, custody.clone())).transpose()?;
    Ok((WebhookThread::start(webhooks)?, siem.map(SiemThread::start).transpose()?))
}

/// Compares the logs with what the witnesses hold of them, before anything is served, and goes on asking for cosignatures.
fn witnessed(configuration: &Configuration, custody: &Custody) -> Result<Option<WitnessingThread>, Failure> {
    let Some(settings) = configuration.witnessing() else { return Ok(None) };
    let witnessing = Witnessing::new(settings, custody.clone())?;
    // What a witness says is about the data, not about a mistake in the configuration.
    WitnessingThread::start(witnessing).map(Some).map_err(|error| match error {
        StartError::Unwitnessed(_) => Failure::Ledger(error.to_string()),
        other => other.into(),
    })
}

/// Opens the data for a server.
///
/// # Errors
/// When another process has it or it cannot be used.
pub(super) fn open(configuration: &Configuration) -> Result<Custody, Failure> {
    Custody::open(&configuration.custody(), Arc::new(SystemClock), Arc::new(SystemRandomness))
        .map_err(|error| Failure::Open(error.to_string()))
}

/// Starts the server.
///
/// # Errors
/// When a listener, provider or thread cannot be used.
pub(super) fn start(settings: &ServerSettings, custody: &Custody) -> Result<RunningServer, Failure> {
    Ok(Server::start(settings, custody.clone(), Arc::new(SystemClock), Arc::new(SystemRandomness))?)
}

/// Lets exchanges in flight finish, then puts everything on disk.
pub(super) fn stop(running: RunningServer, custody: &Custody) {
    tracing::info!("stopping; exchanges in flight finish first, a second signal ends it at once");
    running.shutdown();
    custody.close();
    tracing::info!("stopped");
}

fn sweep(custody: &Custody) {
    match custody.administer(AdminCommand::Sweep { limit: None }) {
        Ok(AdminReply::Swept(progress)) => tracing::info!(
            keys_destroyed = progress.keys_destroyed,
            records_purged = progress.records_purged,
            buckets_dropped = progress.buckets_dropped,
            held = progress.held,
            warned = progress.warned,
            people_warned = progress.people_warned,
            certificates = progress.certificates.len(),
            "swept"
        ),
        Ok(_) => tracing::error!("the sweep was answered with another kind of reply"),
        // The next interval tries again; a promised deletion is late until then.
        Err(error) => {
            tracing::error!(%error, "the sweep failed; deletions that are due wait for the next one");
        }
    }
}
