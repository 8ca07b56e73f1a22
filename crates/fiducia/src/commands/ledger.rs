//! `ledger verify`, `ledger prove`, `ledger check`, `ledger checkpoint`, `ledger tail`: on the log's files alone.

mod keys;

use std::path::{Path, PathBuf};
use std::time::Duration;

use fiducia_ledger::{
    EventId, Finding, LogReader, LoggedLeaf, PROOF_BYTES_MAX, ProofFile, VerifierKey, verify_log,
    verify_pending,
};
use fiducia_policy::OrganizationId;

use crate::arguments::{LedgerCommand, LogOptions};
use crate::configuration;
use crate::failure::{ExitStatus, Failure};
use crate::interrupt::Interrupts;
use crate::output::{Output, count_of, escape_line, remark};
use crate::verifier_keys;

/// How often `tail --follow` looks for a new checkpoint.
const FOLLOW_INTERVAL: Duration = Duration::from_millis(500);

/// Entries that `tail` begins with when it is not told where.
const TAIL_ENTRIES: u64 = 20;

pub(super) fn run(command: LedgerCommand) -> Result<ExitStatus, Failure> {
    match command {
        LedgerCommand::Verify(options) => verify(&options),
        LedgerCommand::Audit(arguments) => super::audit::run(&arguments),
        LedgerCommand::Status(options) => super::ledger_status::run(&options),
        LedgerCommand::Prove { log, index, event, out } => {
            prove(&log, index, event.as_deref(), out.as_deref())
        }
        LedgerCommand::Check { proof, key, json } => check(&proof, &key, json),
        LedgerCommand::Checkpoint(options) => checkpoint(&options),
        LedgerCommand::Tail { log, from, follow } => tail(&log, from, follow),
        LedgerCommand::Key(command) => keys::run(command),
    }
}

/// One organisation's log, with the key it is checked by.
pub(super) struct Log {
    pub(super) organization: OrganizationId,
    pub(super) directory: PathBuf,
    /// Of which any may have signed the checkpoint.
    pub(super) keys: Vec<VerifierKey>,
}

impl Log {
    /// Its origin, by which its keys are named; empty without a key.
    pub(super) fn origin(&self) -> &str {
        self.keys.first().map_or("", VerifierKey::name)
    }
}

/// The logs that the options select.
pub(super) struct Selection {
    pub(super) root: PathBuf,
    pub(super) logs: Vec<Log>,
    /// Whether the key came from the command line rather than from beside the log.
    pub(super) pinned: bool,
}

pub(super) fn select(options: &LogOptions) -> Result<Selection, Failure> {
    let (root, stored) = match (&options.directory, &options.key) {
        (Some(directory), Some(_)) => (directory.clone(), None),
        (Some(_), None) => {
            return Err(Failure::Argument(
                "a copy of a log is checked with a key that is kept elsewhere; add --key with the verifier key that \
                 `fiducia organizations create` printed"
                    .into(),
            ));
        }
        (None, _) => {
            let configuration = configuration::load(&options.data.file.config)?;
            (configuration.ledger_directory(), Some(configuration.data.directory))
        }
    };
    let pinned = options.key.as_deref().map(parse_key).transpose()?;
    let organizations = match options.organization {
        Some(organization) => vec![organization],
        None => logs_in(&root)?,
    };
    if organizations.is_empty() {
        return Err(Failure::Ledger(format!(
            "there is no log in {}; a new organisation's log is published within moments",
            root.display()
        )));
    }
    let kept = match (&pinned, &stored) {
        (None, Some(data)) => verifier_keys::read(data)?,
        _ => Vec::new(),
    };
    let mut logs = Vec::new();
    for organization in organizations {
        let keys = match &pinned {
            Some(key) => vec![pinned_for(key, organization)?],
            None => stored_for(&kept, organization)?,
        };
        logs.push(Log { organization, directory: root.join(organization.uuid()), keys });
    }
    Ok(Selection { root, logs, pinned: pinned.is_some() })
}

pub(super) fn parse_key(text: &str) -> Result<VerifierKey, Failure> {
    text.trim().parse().map_err(|error| Failure::Argument(format!("--key cannot be used: {error}")))
}

/// One key signs all logs of an installation, each under the log's own name, so a key pinned for one of them serves
/// for its siblings.
pub(super) fn pinned_for(key: &VerifierKey, organization: OrganizationId) -> Result<VerifierKey, Failure> {
    let name = match key.name().rsplit_once('/') {
        Some((prefix, _)) => format!("{prefix}/{}", organization.uuid()),
        None => key.name().to_owned(),
    };
    key.renamed(&name).map_err(|error| Failure::Argument(error.to_string()))
}

pub(super) fn stored_for(
    kept: &[VerifierKey],
    organization: OrganizationId,
) -> Result<Vec<VerifierKey>, Failure> {
    let suffix = format!("/{}", organization.uuid());
    let found: Vec<VerifierKey> = kept.iter().filter(|key| key.name().ends_with(&suffix)).cloned().collect();
    if found.is_empty() {
        return Err(Failure::Argument(format!(
            "no verifier key of {organization} is stored; add --key with the one that `fiducia organizations create` printed"
        )));
    }
    Ok(found)
}

/// The logs in a ledger's root: folders that are named by a UUID.
pub(super) fn logs_in(root: &Path) -> Result<Vec<OrganizationId>, Failure> {
    let failed = |cause| Failure::File { doing: "read the ledger directory", path: root.to_owned(), cause };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if let Some(organization) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            found.push(organization);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// What verification found in one log, for machines.
#[derive(serde::Serialize)]
struct Verified {
    organization: OrganizationId,
    entries: Option<u64>,
    root: Option<String>,
    files_checked: Option<u64>,
    key_pinned: bool,
    findings: Vec<String>,
}

fn verify(options: &LogOptions) -> Result<ExitStatus, Failure> {
    let selection = select(options)?;
    let mut results: Vec<Verified> =
        selection.logs.iter().map(|log| verify_one(log, selection.pinned)).collect();
    // Pending entries are shared by all logs; a selection of one log does not speak about them.
    let pending = if options.organization.is_none() && options.directory.is_none() {
        settled(|| verify_pending(&selection.root)).err().unwrap_or_default()
    } else {
        Vec::new()
    };
    let mut output = Output::standard(options.data.json);
    if output.json() {
        output.value(&serde_json::json!({ "logs": results, "pending_findings": pending }))?;
    } else {
        for result in &mut results {
            print_verified(&mut output, result)?;
        }
        for finding in &pending {
            output.line(format_args!("pending entries: {finding}"))?;
        }
    }
    output.finish()?;
    let findings = results.iter().map(|result| result.findings.len()).sum::<usize>() + pending.len();
    if findings > 0 {
        let count = count_of(u64::try_from(findings).unwrap_or(u64::MAX), "finding");
        return Err(Failure::Finding(format!(
            "{count}: the ledger is not what was signed. Keep these files as they are for whoever investigates, and \
             restore the named ones from a copy"
        )));
    }
    if !selection.pinned {
        remark(
            "The key came from beside the log, so whoever can rewrite the log could have replaced both. Pin the key you \
             keep elsewhere with --key.",
        );
    }
    Ok(ExitStatus::Success)
}

fn verify_one(log: &Log, key_pinned: bool) -> Verified {
    let organization = log.organization;
    match settled(|| verify_log(&log.directory, &log.keys)) {
        Ok(report) => Verified {
            organization,
            entries: Some(report.size),
            root: Some(hex(&report.root)),
            files_checked: Some(report.files_checked),
            key_pinned,
            findings: Vec::new(),
        },
        Err(findings) => {
            Verified { organization, entries: None, root: None, files_checked: None, key_pinned, findings }
        }
    }
}

/// Repeats a check that found something, and keeps what is found each time: a server that publishes or appends just
/// then moves files under a reader's feet, damage stays where it is.
pub(super) fn settled<T>(check: impl Fn() -> Result<T, Vec<Finding>>) -> Result<T, Vec<String>> {
    const CHECKS_MAX: usize = 5;
    const PAUSE: Duration = Duration::from_millis(100);
    let mut lasting: Option<Vec<String>> = None;
    for _ in 0..CHECKS_MAX {
        let found: Vec<String> = match check() {
            Ok(report) => return Ok(report),
            Err(findings) => findings.iter().map(Finding::to_string).collect(),
        };
        lasting = Some(match lasting {
            None => found,
            Some(before) => before.into_iter().filter(|finding| found.contains(finding)).collect(),
        });
        // Nobody unparks this thread, so it waits for the whole pause.
        std::thread::park_timeout(PAUSE);
    }
    // A log that never held still was never seen whole, which is not the same as sound.
    match lasting {
        Some(findings) if !findings.is_empty() => Err(findings),
        _ => Err(vec!["its files changed each time they were read; stop the server or verify a copy".into()]),
    }
}

fn print_verified(output: &mut Output, result: &Verified) -> Result<(), Failure> {
    if let (Some(entries), Some(root), Some(files)) = (result.entries, &result.root, result.files_checked) {
        let entries = if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") };
        output.line(format_args!(
            "{}: verified, {entries}, {}",
            result.organization,
            count_of(files, "file")
        ))?;
        return output.line(format_args!("  root {root}"));
    }
    let count = count_of(u64::try_from(result.findings.len()).unwrap_or(u64::MAX), "finding");
    output.line(format_args!("{}: NOT verified, {count}", result.organization))?;
    result.findings.iter().try_for_each(|finding| output.line(format_args!("  {finding}")))
}

fn one(options: &LogOptions) -> Result<Log, Failure> {
    let mut logs = select(options)?.logs;
    match (logs.pop(), logs.is_empty()) {
        (Some(log), true) => Ok(log),
        _ => Err(Failure::Argument(
            "there are several logs; choose one with --organization (`fiducia organizations list` shows the ids)".into(),
        )),
    }
}

fn open(log: &Log) -> Result<LogReader, Failure> {
    LogReader::open(&log.directory, &log.keys).map_err(|error| Failure::Ledger(error.to_string()))
}

fn prove(
    options: &LogOptions,
    index: Option<u64>,
    event: Option<&str>,
    out: Option<&Path>,
) -> Result<ExitStatus, Failure> {
    let log = one(options)?;
    let mut reader = open(&log)?;
    let failed = |error: fiducia_ledger::LedgerError| Failure::Ledger(error.to_string());
    let index = match (index, event) {
        (Some(index), _) => index,
        (None, Some(event)) => {
            let id = EventId::new(event).map_err(|error| Failure::Argument(error.to_string()))?;
            let found = reader.locate(&id).map_err(failed)?;
            found.map(|(index, _)| index).ok_or_else(|| {
                Failure::Finding(format!(
                    "no entry with the id {event} is in the published log of {}",
                    log.organization
                ))
            })?
        }
        (None, None) => return Err(Failure::Argument("say which entry: --index or --event".into())),
    };
    let size = reader.checkpoint().size;
    match witnessed_reader(options, &log)? {
        Witnesses::None => {}
        Witnesses::Cosigned(cosigned) if index < cosigned.checkpoint().size => reader = *cosigned,
        _ if index < size => remark(format_args!(
            "no quorum of witnesses has cosigned entry {index} yet; the proof stands by the log's own signature alone"
        )),
        _ => {}
    }
    if index >= size {
        return Err(Failure::Argument(format!(
            "there is no entry {index} in the published log, which has {size} entries, counted from 0. An entry that was \
             just written is published within moments"
        )));
    }
    let size = reader.checkpoint().size;
    let proof = reader.proof_file(index).map_err(failed)?.to_string();
    let proof = if options.data.json {
        let value = serde_json::json!({
            "organization": log.organization, "index": index, "size": size, "proof": proof,
        });
        format!("{value}\n")
    } else {
        proof
    };
    match out {
        Some(path) => {
            std::fs::write(path, proof).map_err(|cause| Failure::File {
                doing: "write the proof to",
                path: path.to_owned(),
                cause,
            })?;
            remark(format_args!("wrote {}: entry {index} of {size}", path.display()));
        }
        None => {
            let mut output = Output::standard(false);
            output.text(&proof)?;
            output.finish()?;
        }
    }
    Ok(ExitStatus::Success)
}

/// How far witnesses have come with a log.
enum Witnesses {
    /// None is configured, or this is a copy of a log.
    None,
    /// None has cosigned.
    Absent,
    /// The log under the last checkpoint that a quorum cosigned.
    Cosigned(Box<LogReader>),
}

fn witnessed_reader(options: &LogOptions, log: &Log) -> Result<Witnesses, Failure> {
    if options.directory.is_some() {
        return Ok(Witnesses::None);
    }
    let Some(settings) = configuration::load(&options.data.file.config)?.witnessing() else {
        return Ok(Witnesses::None);
    };
    let note = super::ledger_status::cosigned_note(&settings.directory, log);
    let reader = note.and_then(|note| LogReader::under(&log.directory, &log.keys, note.as_bytes()).ok());
    Ok(reader.map_or(Witnesses::Absent, |reader| Witnesses::Cosigned(Box::new(reader))))
}

/// Checks a proof that holds its entry, and says what the entry says.
fn check(path: &Path, key: &str, json: bool) -> Result<ExitStatus, Failure> {
    let read = |cause| Failure::File { doing: "read the proof", path: path.to_owned(), cause };
    let length = std::fs::metadata(path).map_err(read)?.len();
    if length > u64::try_from(PROOF_BYTES_MAX).unwrap_or(u64::MAX) {
        return Err(Failure::Argument(format!("{} is too long for a proof", path.display())));
    }
    let text = std::fs::read_to_string(path).map_err(read)?;
    let key = parse_key(key)?;
    let unfit = |error: fiducia_ledger::LedgerError| {
        Failure::Finding(format!("{} proves nothing: {error}", path.display()))
    };
    let proof: ProofFile = text.parse().map_err(unfit)?;
    let entry = proof.extra.as_deref().ok_or_else(|| {
        Failure::Argument(format!(
            "{} does not hold its entry; nothing was checked. Proofs from the console do",
            path.display()
        ))
    })?;
    let checkpoint = proof.verify(entry, &key).map_err(unfit)?;
    let says = entry.get(1..).map(String::from_utf8_lossy).unwrap_or_default();
    let mut output = Output::standard(json);
    if output.json() {
        output.value(&serde_json::json!({
            "origin": checkpoint.origin,
            "index": proof.index,
            "size": checkpoint.size,
            "root": hex(&checkpoint.root),
            "leaf_hash": hex(&fiducia_ledger::leaf_hash(entry)),
            "entry": says,
        }))?;
    } else {
        output.line(format_args!(
            "verified: entry {} of {} in the log {}",
            proof.index,
            checkpoint.size,
            escape_line(&checkpoint.origin)
        ))?;
        output.line(format_args!("  leaf hash {}", hex(&fiducia_ledger::leaf_hash(entry))))?;
        output.line(format_args!("  root      {}", hex(&checkpoint.root)))?;
        output.foreign(&says)?;
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn checkpoint(options: &LogOptions) -> Result<ExitStatus, Failure> {
    let selection = select(options)?;
    let mut output = Output::standard(options.data.json);
    for log in &selection.logs {
        let reader = open(log)?;
        let checkpoint = reader.checkpoint();
        if output.json() {
            output.value(&serde_json::json!({
                "organization": log.organization,
                "origin": checkpoint.origin,
                "size": checkpoint.size,
                "root": hex(&checkpoint.root),
                "note": reader.checkpoint_note(),
            }))?;
        } else {
            output.text(reader.checkpoint_note())?;
        }
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn tail(options: &LogOptions, from: Option<u64>, follow: bool) -> Result<ExitStatus, Failure> {
    let log = one(options)?;
    let interrupts = if follow { Some(Interrupts::listen()?) } else { None };
    let mut output = Output::standard(options.data.json);
    let mut next = from;
    loop {
        let reader = open(&log)?;
        let size = reader.checkpoint().size;
        let start = next.unwrap_or_else(|| size.saturating_sub(TAIL_ENTRIES));
        for entry in reader.entries(start) {
            let (index, bytes) = entry.map_err(|error| Failure::Ledger(error.to_string()))?;
            print_entry(&mut output, index, &bytes)?;
        }
        if start >= size && next.is_some() && !follow {
            remark(format_args!(
                "there is nothing from {start} on: the published log has {size} entries, counted from 0"
            ));
        }
        next = Some(start.max(size));
        output.flush()?;
        match &interrupts {
            Some(interrupts) if !interrupts.wait(FOLLOW_INTERVAL) => {}
            _ => break,
        }
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn print_entry(output: &mut Output, index: u64, bytes: &[u8]) -> Result<(), Failure> {
    let (_, json) = bytes.split_first().unwrap_or((&0, &[]));
    let fields = serde_json::from_slice::<serde_json::Value>(json).unwrap_or(serde_json::Value::Null);
    if output.json() {
        return output.value(&serde_json::json!({ "index": index, "entry": fields }));
    }
    let Ok(logged) = LoggedLeaf::parse(bytes) else {
        return output.line(format_args!(
            "{index:>8}  (an entry that this version cannot read, {} bytes)",
            bytes.len()
        ));
    };
    let own = ["type", "id", "at", "org", "created_at", "organization_id", "organization_uuid"];
    let rest: Vec<String> = fields
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| !own.contains(&name.as_str()))
        .map(|(name, value)| match value.as_str() {
            Some(text) => format!("{name}={text}"),
            None => format!("{name}={value}"),
        })
        .collect();
    let leaf = &logged.leaf;
    let at = crate::output::instant(leaf.at);
    let line =
        format!("{index:>8}  {at}  {:<22}  {}  {}", leaf.event.kind(), leaf.id.as_str(), rest.join(" "));
    output.line(escape_line(line.trim_end()))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn finding(name: &str) -> Finding {
        Finding::Unexpected { path: name.into() }
    }

    #[test]
    fn only_what_is_found_each_time_is_damage() {
        let round = Cell::new(0);
        let found = settled(|| -> Result<(), _> {
            round.set(round.get() + 1);
            Err(vec![finding("damaged"), finding(&format!("moving-{}", round.get()))])
        });
        let found = found.unwrap_err();
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("damaged"));
    }

    #[test]
    fn a_check_that_passes_later_passes() {
        let round = Cell::new(0);
        let found = settled(|| {
            round.set(round.get() + 1);
            if round.get() < 3 { Err(vec![finding("moving")]) } else { Ok(round.get()) }
        });
        assert_eq!(found, Ok(3));
    }

    #[test]
    fn a_log_that_never_holds_still_is_not_called_sound() {
        let round = Cell::new(0);
        let found = settled(|| -> Result<(), _> {
            round.set(round.get() + 1);
            Err(vec![finding(&format!("moving-{}", round.get()))])
        });
        assert!(found.unwrap_err()[0].contains("changed each time"));
    }

    #[test]
    fn a_pinned_key_serves_for_the_sibling_logs() {
        let one = OrganizationId::from_bytes([1; 16]);
        let other = OrganizationId::from_bytes([2; 16]);
        let name = format!("ledger.example/{}", one.uuid());
        let key = fiducia_ledger::SigningKey::from_seed(&name, [7; 32].into()).unwrap().verifier();
        assert_eq!(pinned_for(&key, one).unwrap(), key);
        assert_eq!(pinned_for(&key, other).unwrap().name(), format!("ledger.example/{}", other.uuid()));
    }
}
