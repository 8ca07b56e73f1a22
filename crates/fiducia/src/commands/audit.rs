//! `ledger audit`: every entry of every log, against the databases and against what others remember.

use std::collections::BTreeSet;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use fiducia_custody::{
    AuditError, AuditFinding, AuditSettings, AuditedLog, LogAuditReport, RememberedCheckpoint, audit,
    audited_organizations,
};
use fiducia_ledger::{Checkpoint, Finding, verify_log, verify_pending};
use fiducia_policy::{Clock as _, OrganizationId};
use fiducia_server::{WitnessAddress, held_by_witness};
use fiducia_store::DataDirectory;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::ledger::{parse_key, pinned_for, settled, stored_for};
use crate::arguments::AuditArguments;
use crate::configuration;
use crate::edge::SystemClock;
use crate::failure::{ExitStatus, Failure};
use crate::interrupt::Interrupts;
use crate::output::{Output, count_of, remark};
use crate::verifier_keys;

/// Longest file that can be a checkpoint.
const CHECKPOINT_BYTES_MAX: u64 = 64 * 1024;
/// Most checkpoints and witnesses that are compared.
const REMEMBERED_MAX: usize = 1_000;
const DRAWS_PER_SECOND: u8 = 5;

pub(super) fn run(arguments: &AuditArguments) -> Result<ExitStatus, Failure> {
    let place = Place::find(arguments)?;
    let interrupts = Interrupts::listen()?;
    let mut incomplete = Vec::new();
    let mut remembered = kept_checkpoints(&arguments.checkpoint, &place.logs)?;
    for witness in &place.witnesses {
        ask(witness, &place.logs, &mut remembered, &mut incomplete);
    }
    if remembered.len() > REMEMBERED_MAX {
        return Err(Failure::Argument(format!(
            "at most {REMEMBERED_MAX} checkpoints and answers of witnesses are compared at a time"
        )));
    }
    let settings = AuditSettings {
        data_directory: place.data.clone(),
        tolerance_seconds: arguments.tolerance_seconds,
        now: SystemClock.now(),
        pass_ids_max: AuditSettings::PASS_IDS_MAX,
    };
    let mut reports = Vec::new();
    for log in &place.logs {
        reports.push(one(&settings, log, &remembered, &interrupts)?);
    }
    let pending = waiting(arguments, &place.data);
    print(arguments, &reports, &pending, &incomplete)?;
    if !place.pinned {
        remark(
            "The key came from beside the log, so whoever can rewrite the log could have replaced both. Pin the key you keep \
             elsewhere with --key.",
        );
    }
    conclude(&reports, &pending, &incomplete)
}

/// What is audited.
struct Place {
    data: PathBuf,
    logs: Vec<AuditedLog>,
    pinned: bool,
    witnesses: Vec<WitnessAddress>,
}

impl Place {
    fn find(arguments: &AuditArguments) -> Result<Self, Failure> {
        let pinned = arguments.key.as_deref().map(parse_key).transpose()?;
        let (data, mut witnesses) = match &arguments.copy {
            Some(copy) if pinned.is_some() => (copy.clone(), Vec::new()),
            Some(_) => {
                return Err(Failure::Argument(
                    "a copy is audited with a key that is kept elsewhere; add --key with the verifier key that `fiducia \
                     organizations create` printed"
                        .into(),
                ));
            }
            None => {
                let configuration = configuration::load(&arguments.data.file.config)?;
                let witnesses =
                    configuration.witnessing().map(|settings| settings.witnesses).unwrap_or_default();
                (configuration.data.directory, witnesses)
            }
        };
        if !data.exists() {
            return Err(Failure::NoData(data));
        }
        if arguments.offline {
            witnesses.clear();
        }
        for pair in arguments.witness.chunks(2) {
            let [url, key] = pair else { continue };
            let key = key.parse().map_err(|error| {
                Failure::Argument(format!("--witness {url}: its key cannot be used: {error}"))
            })?;
            witnesses.push(WitnessAddress { url: url.clone(), key, ca_file: None });
        }
        let organizations = match arguments.organization {
            Some(organization) => vec![organization],
            None => audited_organizations(&data).map_err(incomplete_because)?,
        };
        let kept = if pinned.is_some() { Vec::new() } else { verifier_keys::read(&data)? };
        let mut logs = Vec::new();
        for organization in organizations {
            let keys = match &pinned {
                Some(key) => vec![pinned_for(key, organization)?],
                None => stored_for(&kept, organization)?,
            };
            logs.push(AuditedLog { organization, keys });
        }
        if logs.is_empty() {
            return Err(Failure::Ledger(format!(
                "there is no organisation and no log in {}",
                data.display()
            )));
        }
        Ok(Self { data, logs, pinned: pinned.is_some(), witnesses })
    }
}

fn incomplete_because(error: AuditError) -> Failure {
    match error {
        AuditError::Stopped => Failure::Interrupted(error.to_string()),
        other => Failure::Ledger(format!("the audit could not be completed: {other}")),
    }
}

/// The checkpoints that somebody kept, each for the log that it names.
fn kept_checkpoints(files: &[PathBuf], logs: &[AuditedLog]) -> Result<Vec<RememberedCheckpoint>, Failure> {
    files
        .iter()
        .map(|path| {
            let failed = |cause| Failure::File { doing: "read the checkpoint", path: path.clone(), cause };
            let mut note = Vec::new();
            let file = std::fs::File::open(path).map_err(failed)?;
            file.take(CHECKPOINT_BYTES_MAX + 1).read_to_end(&mut note).map_err(failed)?;
            let origin = note.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let log = logs.iter().find(|log| log.origin().as_bytes() == origin);
            let log = log.ok_or_else(|| {
                Failure::Argument(format!(
                    "{} is no checkpoint of a log that is audited here",
                    path.display()
                ))
            })?;
            let checkpoint = Checkpoint::verify(&note, &log.keys)
                .map_err(|error| Failure::Argument(format!("{}: {error}", path.display())))?;
            Ok(RememberedCheckpoint { by: path.display().to_string(), checkpoint })
        })
        .collect()
}

/// Asks one witness what it holds of each log. What cannot be asked is said, and makes the audit incomplete.
fn ask(
    witness: &WitnessAddress,
    logs: &[AuditedLog],
    remembered: &mut Vec<RememberedCheckpoint>,
    incomplete: &mut Vec<String>,
) {
    let name = witness.key.name();
    for log in logs {
        match held_by_witness(witness, &log.keys) {
            Ok(Some(checkpoint)) => {
                remembered.push(RememberedCheckpoint { by: format!("the witness {name}"), checkpoint });
            }
            Ok(None) => {
                incomplete.push(format!("the witness {name} holds nothing of {}", log.origin()));
            }
            Err(error) => {
                incomplete.push(format!("the witness {name} was not heard about {}: {error}", log.origin()));
            }
        }
    }
}

/// Audits one log, with the entries counted on a terminal.
fn one(
    settings: &AuditSettings,
    log: &AuditedLog,
    remembered: &[RememberedCheckpoint],
    interrupts: &Interrupts,
) -> Result<LogAuditReport, Failure> {
    let folder = DataDirectory::ledger(&settings.data_directory).join(log.organization.uuid());
    let verified = if folder.exists() {
        settled(|| verify_log(&folder, &log.keys)).err().unwrap_or_default()
    } else {
        Vec::new()
    };
    let of_this_log: Vec<RememberedCheckpoint> =
        remembered.iter().filter(|kept| kept.checkpoint.origin == log.origin()).cloned().collect();
    let bar = bar(log.organization);
    let report = audit(settings, log, &of_this_log, verified, &mut |done, of| {
        bar.set_length(of);
        bar.set_position(done);
        !interrupts.requested()
    });
    bar.finish_and_clear();
    report.map_err(incomplete_because)
}

fn bar(organization: OrganizationId) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr_with_hz(DRAWS_PER_SECOND)
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(None, target).with_message(organization.to_string());
    if let Ok(style) =
        ProgressStyle::with_template("{msg}  {human_pos} of {human_len} entries  {elapsed}  {eta} left")
    {
        bar.set_style(style);
    }
    bar
}

/// What is wrong with entries that wait; they belong to no log alone.
fn waiting(arguments: &AuditArguments, data: &Path) -> Vec<String> {
    let ledger = DataDirectory::ledger(data);
    if arguments.organization.is_some() || !ledger.join("pending").exists() {
        return Vec::new();
    }
    let check = || verify_pending(&ledger).map_err(|found: Vec<Finding>| found);
    settled(check).err().unwrap_or_default()
}

/// One log's report for machines.
#[derive(serde::Serialize)]
struct Printed<'a> {
    organization: OrganizationId,
    origin: &'a str,
    entries: u64,
    compared: &'a std::collections::BTreeMap<fiducia_custody::ComparedKind, u64>,
    confirmed_by: &'a [String],
    pending: u64,
    unconfirmed: u64,
    findings: Vec<PrintedFinding>,
    not_compared: &'a [String],
}

#[derive(serde::Serialize)]
struct PrintedFinding {
    code: &'static str,
    found: String,
    means: &'static str,
    advice: &'static str,
}

impl From<&AuditFinding> for PrintedFinding {
    fn from(finding: &AuditFinding) -> Self {
        Self {
            code: finding.code(),
            found: finding.to_string(),
            means: finding.meaning(),
            advice: finding.advice(),
        }
    }
}

fn print(
    arguments: &AuditArguments,
    reports: &[LogAuditReport],
    pending: &[String],
    incomplete: &[String],
) -> Result<(), Failure> {
    let mut output = Output::standard(arguments.data.json);
    if output.json() {
        let logs: Vec<Printed<'_>> = reports
            .iter()
            .map(|report| Printed {
                organization: report.organization,
                origin: &report.origin,
                entries: report.entries,
                compared: &report.compared,
                confirmed_by: &report.confirmed_by,
                pending: report.pending,
                unconfirmed: report.unconfirmed,
                findings: report.findings.iter().map(PrintedFinding::from).collect(),
                not_compared: &report.not_compared,
            })
            .collect();
        output.value(&serde_json::json!({
            "logs": logs, "pending_findings": pending, "incomplete": incomplete,
        }))?;
        return output.finish();
    }
    for report in reports {
        for line in lines(report) {
            output.line(line)?;
        }
    }
    for finding in pending {
        output.line(format_args!("entries that wait: {finding}"))?;
    }
    for what in incomplete {
        output.line(format_args!("not completed: {what}"))?;
    }
    output.finish()
}

/// One log's report for people.
fn lines(report: &LogAuditReport) -> Vec<String> {
    let mut compared: Vec<String> =
        report.compared.iter().map(|(kind, count)| format!("{count} about {}", kind.plural())).collect();
    compared.insert(0, count_of(report.entries, "entry").replace("entrys", "entries") + " replayed");
    let verdict = match report.findings.len() {
        0 => "nothing is wrong".to_owned(),
        count => count_of(u64::try_from(count).unwrap_or(u64::MAX), "finding"),
    };
    let mut lines = vec![format!("{}: {verdict}", report.organization), format!("  {}", compared.join(", "))];
    if !report.confirmed_by.is_empty() {
        lines.push(format!("  the same history is remembered by: {}", report.confirmed_by.join(", ")));
    }
    if report.pending > 0 {
        lines.push(format!("  on their way into the log or the activity feed: {}", report.pending));
    }
    if report.unconfirmed > 0 {
        lines.push(format!(
            "  accesses that were begun and never logged, so that no key was released: {}",
            report.unconfirmed
        ));
    }
    // Many findings of one kind need their explanation once.
    let mut explained = BTreeSet::new();
    for finding in &report.findings {
        lines.push(format!("  FOUND  {finding}"));
        if explained.insert((finding.meaning(), finding.advice())) {
            lines.push(format!("    means: {}", finding.meaning()));
            lines.push(format!("    do:    {}", finding.advice()));
        }
    }
    lines.extend(report.not_compared.iter().map(|what| format!("  not compared: {what}")));
    lines
}

fn conclude(
    reports: &[LogAuditReport],
    pending: &[String],
    incomplete: &[String],
) -> Result<ExitStatus, Failure> {
    let findings = reports.iter().map(|report| report.findings.len()).sum::<usize>() + pending.len();
    if findings > 0 {
        let count = count_of(u64::try_from(findings).unwrap_or(u64::MAX), "finding");
        return Err(Failure::Finding(format!(
            "{count}. Change nothing in this directory before whoever investigates has a copy of it"
        )));
    }
    if incomplete.is_empty() {
        Ok(ExitStatus::Success)
    } else {
        Err(Failure::Ledger(format!(
            "nothing is wrong with what was audited, but {} could not be done",
            count_of(u64::try_from(incomplete.len()).unwrap_or(u64::MAX), "comparison")
        )))
    }
}
