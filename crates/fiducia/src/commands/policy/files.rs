//! The commands of `policy` that work on files, without a server and without data.

use std::io::Read;
use std::path::{Path, PathBuf};

use fiducia_policy::{
    AccessPolicy, CensusRow, Clock, Policy, Timestamp, access_changes, access_matrix, run_cases,
};

use super::arguments::PolicyFileCommand;
use super::{explain, report};
use crate::edge::SystemClock;
use crate::failure::{ExitStatus, Failure};
use crate::output::Output;

/// The most bytes that are read of a file that the command line names.
const FILE_BYTES_MAX: u64 = 512 << 20;

pub(super) fn run(command: PolicyFileCommand) -> Result<ExitStatus, Failure> {
    match command {
        PolicyFileCommand::Check { policy, replaces } => check(&policy, replaces.as_deref()),
        PolicyFileCommand::Diff { old, new, census, json } => diff(&old, &new, census.as_deref(), json),
        PolicyFileCommand::Explain(arguments) => explain::run(&arguments),
        PolicyFileCommand::Simulate { policy, census, from, days, replay, svg, json } => {
            let from = from.unwrap_or_else(|| SystemClock.now());
            let policy = load(&policy)?;
            let census = read_census(&census, from)?;
            let simulation = fiducia_policy::simulate(&policy, &census, from, days, replay);
            if let Some(path) = &svg {
                let picture =
                    fiducia_policy::chart(&simulation, &format!("Bytes kept under {}", policy.name()));
                write(path, &picture)?;
            }
            report::simulation(&simulation, svg.as_deref(), json)
        }
        PolicyFileCommand::Test { policy, cases } => test(&policy, cases.as_deref()),
        PolicyFileCommand::Schema { cases } => {
            let schema = if cases { fiducia_policy::cases_schema() } else { fiducia_policy::policy_schema() };
            print(&format!("{schema:#}\n"))
        }
        PolicyFileCommand::Shipped { name, cases } => {
            let text = if cases { Policy::built_in_cases(&name) } else { Policy::built_in_text(&name) };
            print(text.unwrap_or_default())
        }
        PolicyFileCommand::Access { cedar: true, .. } => print(AccessPolicy::built_in_text()),
        PolicyFileCommand::Access { schema: true, .. } => print(AccessPolicy::schema_text()),
        PolicyFileCommand::Access { against: Some(file), .. } => compare(&file),
        PolicyFileCommand::Access { file: Some(file), .. } => print(&access_matrix(&own_policies(&file)?)),
        PolicyFileCommand::Access { .. } => {
            let policy = AccessPolicy::built_in().map_err(|error| Failure::Finding(error.to_string()))?;
            print(&access_matrix(&policy))
        }
    }
}

/// An installation's own policies on access, with what is always forbidden.
fn own_policies(path: &Path) -> Result<AccessPolicy, Failure> {
    let refused = |text: String| Failure::Finding(format!("{}: {text}", path.display()));
    let text = crate::configuration::access::read(path).map_err(refused)?;
    AccessPolicy::of_installation(&text).map_err(|error| refused(error.to_string()))
}

/// Says in which cells a file permits more or less than what comes with the program.
fn compare(path: &Path) -> Result<ExitStatus, Failure> {
    let built_in = AccessPolicy::built_in().map_err(|error| Failure::Finding(error.to_string()))?;
    let changes = access_changes(&built_in, &own_policies(path)?);
    let mut output = Output::standard(false);
    for change in &changes {
        let cell = format!("{} {} {}", change.who, change.action, change.kind);
        for (what, circumstances) in [("wider", &change.widened), ("narrower", &change.narrowed)] {
            if !circumstances.is_empty() {
                output.line(format_args!("{what}: {cell}: {}", circumstances.join("; ")))?;
            }
        }
    }
    if changes.is_empty() {
        output.line("no cell of the matrix differs from what comes with the program")?;
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn check(name: &str, replaces: Option<&str>) -> Result<ExitStatus, Failure> {
    let policy = load(name)?;
    if let Some(old) = replaces {
        policy
            .may_replace(&load(old)?)
            .map_err(|problems| Failure::Finding(format!("{name}: {problems}")))?;
    }
    let mut output = Output::standard(false);
    output.line(format_args!("{name}: no problems found"))?;
    output.line(format_args!("  {}: {}", policy.name(), policy.title()))?;
    let plans: Vec<&str> = policy.plans().iter().map(|plan| plan.plan.name()).collect();
    output.line(format_args!("  plans   {}", plans.join(", ")))?;
    let locked = policy.rules().iter().filter(|rule| rule.locked).count();
    output.line(format_args!("  rules   {}, {locked} of them locked", policy.rules().len()))?;
    let covered = policy.models().iter().filter(|model| model.covered).count();
    output.line(format_args!("  models  {}, {covered} of them covered", policy.models().len()))?;
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn diff(old: &str, new: &str, census: Option<&Path>, json: bool) -> Result<ExitStatus, Failure> {
    let census = census.map(|path| read_census(path, SystemClock.now())).transpose()?;
    let (old, new) = (load(old)?, load(new)?);
    let difference = fiducia_policy::diff(&old, &new, census.as_deref());
    report::difference(&difference, json)
}

fn test(name: &str, cases: Option<&Path>) -> Result<ExitStatus, Failure> {
    let policy = load(name)?;
    let (label, text) = match cases {
        Some(path) => (path.display().to_string(), read(path)?),
        None => cases_of(name)?,
    };
    let outcomes =
        run_cases(&policy, &text).map_err(|error| Failure::Finding(format!("{label}: {error}")))?;
    let mut output = Output::standard(false);
    let mut broken = 0_usize;
    for outcome in &outcomes {
        let word = if outcome.failures.is_empty() { "kept  " } else { "BROKEN" };
        output.line(format_args!("{word}  {}", outcome.name))?;
        broken += usize::from(!outcome.failures.is_empty());
        for failure in &outcome.failures {
            output.line(format_args!("        line {}: {failure}", outcome.line))?;
        }
    }
    output.line(format_args!("{label}: {} cases, {broken} broken", outcomes.len()))?;
    output.finish()?;
    Ok(if broken == 0 { ExitStatus::Success } else { ExitStatus::Finding })
}

/// The policy in a file, or one that comes with the program.
pub(super) fn load(name: &str) -> Result<Policy, Failure> {
    let text = match Policy::built_in_text(name) {
        Some(text) if !Path::new(name).exists() => text.to_owned(),
        _ => read(Path::new(name))?,
    };
    Policy::parse(&text).map_err(|problems| Failure::Finding(format!("{name}: {problems}")))
}

fn cases_of(name: &str) -> Result<(String, String), Failure> {
    if let (Some(text), false) = (Policy::built_in_cases(name), Path::new(name).exists()) {
        return Ok((format!("{name}.cases.toml"), text.to_owned()));
    }
    let path = PathBuf::from(name).with_extension("cases.toml");
    Ok((path.display().to_string(), read(&path)?))
}

fn read_census(path: &Path, now: Timestamp) -> Result<Vec<CensusRow>, Failure> {
    fiducia_policy::read_census(&read(path)?, now)
        .map_err(|error| Failure::Argument(format!("{}: {error}", path.display())))
}

fn read(path: &Path) -> Result<String, Failure> {
    let failed = |cause| Failure::File { doing: "read", path: path.to_owned(), cause };
    let mut text = String::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text))
        .map_err(failed)?;
    Ok(text)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|cause| Failure::File { doing: "write", path: path.to_owned(), cause })
}

fn print(text: &str) -> Result<ExitStatus, Failure> {
    let mut output = Output::standard(false);
    output.text(text)?;
    output.finish()?;
    Ok(ExitStatus::Success)
}
