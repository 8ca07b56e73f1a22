//! The steps of `cargo xtask test`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::process::{Log, run as run_process};
use crate::report::{StepOutcome, clock, complain, say, table};
use crate::{TaskError, install, licences, tally};

/// Every step, in the order in which they run: cheap ones first, so that a slip is told early.
pub(crate) const STEP_NAMES: [&str; 9] =
    ["install", "format", "lints", "licences", "documents", "crates", "crashes", "program", "end-to-end"];

/// How many lines of a failed step's log are shown.
const TAIL_LINES: usize = 60;

/// Runs the named steps, or all; prints the table. False when something failed.
pub(crate) fn run(root: &Path, only: &[String]) -> Result<bool, TaskError> {
    let mut outcomes = Vec::new();
    for name in STEP_NAMES {
        if only.is_empty() || only.iter().any(|wanted| wanted == name) {
            outcomes.push(step(root, name)?);
        }
    }
    say(&table(&outcomes, &conversations_in_use(root)));
    Ok(outcomes.iter().all(|outcome| outcome.failures == 0))
}

/// Runs only the crash tests, at the length asked for, with their output shown at the end.
pub(crate) fn crash(root: &Path, rounds: u32, requests: u32) -> Result<bool, TaskError> {
    let mut log = Log::create(root, "crash")?;
    say(&format!("crash: {rounds} rounds of {requests} requests; log in target/xtask/crash.log"));
    let mut command = cargo(root, &["test", "--package", "fiducia-end-to-end", "--test", "end_to_end"]);
    command.args(["--", "crash::", "--nocapture", "--test-threads", "1"]);
    command.env("FIDUCIA_CRASH_ROUNDS", rounds.to_string());
    command.env("FIDUCIA_CRASH_REQUESTS", requests.to_string());
    let outcome = run_process("crash", &mut command, &mut log);
    let output = log.read()?;
    say(&tail(&output));
    let counted = tally::count(&output);
    if let Err(error) = &outcome {
        complain(&error.to_string());
    }
    let failed = counted.failed.max(u64::from(outcome.is_err() || counted.passed == 0));
    say(&format!("{} passed, {failed} failed", counted.passed));
    Ok(failed == 0)
}

fn step(root: &Path, name: &'static str) -> Result<StepOutcome, TaskError> {
    say(&format!("----  {name}"));
    let began = Instant::now();
    let mut log = Log::create(root, name)?;
    let result = perform(root, name, &mut log);
    let took = began.elapsed();
    let output = log.read()?;
    let counted = if runs_tests(name) { tally::count(&output) } else { tally::Tally::default() };
    let error = match result {
        Err(error) => Some(error.to_string()),
        Ok(()) if runs_tests(name) && counted.passed == 0 => Some("no test ran".to_owned()),
        Ok(()) if counted.ignored > 0 => Some(format!("{} tests are ignored; none may be", counted.ignored)),
        Ok(()) => None,
    };
    match &error {
        None => say(&format!("  ok  {name} {}", clock(took))),
        Some(reason) => {
            log.line(reason)?;
            say(&tail(&output));
            complain(&format!("{name}: {reason}"));
        }
    }
    let failures = counted.failed.max(u64::from(error.is_some()));
    Ok(StepOutcome {
        name,
        tests_passed: counted.passed,
        failures,
        took,
        error,
        figures: tally::figures(&output),
    })
}

fn runs_tests(name: &str) -> bool {
    matches!(name, "crates" | "crashes" | "end-to-end")
}

fn perform(root: &Path, name: &str, log: &mut Log) -> Result<(), TaskError> {
    let mut command = match name {
        "install" => return install_logged(root, log),
        "licences" => return licences::check(root, log),
        "format" => cargo(root, &["fmt", "--all", "--check"]),
        "lints" => cargo(root, &["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"]),
        "documents" => {
            let mut command = cargo(root, &["doc", "--workspace", "--no-deps"]);
            command.env("RUSTDOCFLAGS", "--deny warnings");
            command
        }
        "crates" => {
            cargo(root, &["test", "--workspace", "--exclude", "fiducia-end-to-end", "--no-fail-fast"])
        }
        // The seeded simulation of crashes needs faults that no release has compiled in.
        "crashes" => cargo(
            root,
            &[
                "test",
                "--package",
                "fiducia-custody",
                "--features",
                "fault-injection",
                "--test",
                "custody",
                "--",
                "crashes::",
                "interrupted::",
            ],
        ),
        // The end-to-end tests build the program too; a step of its own tells a compile error from a failed test.
        "program" => cargo(root, &["build", "--package", "fiducia"]),
        "end-to-end" => {
            cargo(root, &["test", "--package", "fiducia-end-to-end", "--no-fail-fast", "--", "--nocapture"])
        }
        other => return Err(TaskError::Usage(format!("there is no step `{other}`"))),
    };
    run_process(name, &mut command, log)
}

fn install_logged(root: &Path, log: &mut Log) -> Result<(), TaskError> {
    let mut lines = Vec::new();
    let outcome = install::everything(root, false, &mut |line| lines.push(line.to_owned()));
    for line in &lines {
        log.line(line)?;
    }
    outcome
}

fn cargo(root: &Path, arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root).args(arguments);
    // The variables of the outer `cargo run` describe this package, not the ones that the step builds.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR") {
            command.env_remove(&name);
        }
    }
    command
}

fn tail(output: &str) -> String {
    let lines: Vec<&str> = output.lines().collect();
    let from = lines.len().saturating_sub(TAIL_LINES);
    lines.into_iter().skip(from).collect::<Vec<_>>().join("\n")
}

/// Which conversations the end-to-end tests read, by the same rule as they do.
fn conversations_in_use(root: &Path) -> String {
    let named = std::env::var_os("FIDUCIA_CONVERSATIONS").map(PathBuf::from);
    let beside = root.join("../shared/data/conversations/hh-harmless.jsonl.gz");
    match named {
        Some(path) => format!("{} (FIDUCIA_CONVERSATIONS)", path.display()),
        None if beside.is_file() => "hh-harmless.jsonl.gz beside the checkout".to_owned(),
        None => "a small invented set (hh-harmless.jsonl.gz is not beside the checkout)".to_owned(),
    }
}
