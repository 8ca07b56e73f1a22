//! `witness`

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fiducia_ledger::{TrustedLogs, VerifierKey, WitnessFolder, WitnessKey};
use fiducia_server::{RunningWitness, Witness};
use zeroize::Zeroizing;

use crate::arguments::{WitnessCommand, WitnessServeArguments};
use crate::edge::{SystemClock, SystemRandomness};
use crate::failure::{ExitStatus, Failure};
use crate::interrupt::Interrupts;
use crate::output::Output;

/// The most bytes of a key's file.
const KEY_BYTES_MAX: u64 = 1_024;

pub(super) fn run(command: &WitnessCommand) -> Result<ExitStatus, Failure> {
    match command {
        WitnessCommand::Create { name, key } => create(name, key),
        WitnessCommand::Key { key } => print(&read(key)?),
        WitnessCommand::Serve(arguments) => serve(arguments),
    }
}

fn create(name: &str, path: &Path) -> Result<ExitStatus, Failure> {
    let unfit = |error: fiducia_ledger::LedgerError| Failure::Argument(format!("{error}; nothing was made"));
    let text = WitnessKey::create(name, &SystemRandomness).map_err(unfit)?;
    let failed = |doing| move |cause| Failure::File { doing, path: path.to_owned(), cause };
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.map_err(failed("create"))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed("write"))?;
    print(&WitnessKey::read(&text).map_err(unfit)?)
}

fn print(key: &WitnessKey) -> Result<ExitStatus, Failure> {
    let mut output = Output::standard(false);
    output.line(format_args!("{}", key.verifier()))?;
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn read(path: &Path) -> Result<WitnessKey, Failure> {
    let failed = |doing| move |cause| Failure::File { doing, path: path.to_owned(), cause };
    let file = File::open(path).map_err(failed("open"))?;
    let mode = file.metadata().map_err(failed("examine"))?.mode();
    if mode & 0o077 != 0 {
        return Err(Failure::Argument(format!(
            "{} may be read by others (mode {:04o}); run `chmod 600` on it",
            path.display(),
            mode & 0o7777
        )));
    }
    let mut text = Zeroizing::new(String::new());
    file.take(KEY_BYTES_MAX).read_to_string(&mut text).map_err(failed("read"))?;
    WitnessKey::read(&text).map_err(|error| Failure::Argument(format!("{}: {error}", path.display())))
}

fn serve(arguments: &WitnessServeArguments) -> Result<ExitStatus, Failure> {
    let interrupts = Interrupts::listen()?;
    let key = read(&arguments.key)?;
    let mut logs = TrustedLogs::default();
    for log in &arguments.log {
        logs.add(parse(log)?);
    }
    for family in &arguments.logs {
        logs.add_family(parse(family)?);
    }
    let folder =
        WitnessFolder::open(&arguments.directory).map_err(|error| Failure::Ledger(error.to_string()))?;
    let verifier = key.verifier();
    let running =
        RunningWitness::start(arguments.listen, Witness { key, folder, logs, clock: Arc::new(SystemClock) })?;
    let mut output = Output::standard(false);
    output.line(format_args!("witnessing at http://{} as {verifier}", running.address()))?;
    output.finish()?;
    while !interrupts.wait(Duration::from_hours(1)) {}
    drop(running);
    Ok(ExitStatus::Success)
}

fn parse(key: &str) -> Result<VerifierKey, Failure> {
    key.parse()
        .map_err(|error| Failure::Argument(format!("`{key}` is not the verifier key of a log: {error}")))
}
