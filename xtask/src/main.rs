//! Project tasks, run as `cargo xtask TASK`.
//!
//! `test` is the one command that a change must pass: it installs what is missing, runs every check and ends in one
//! table. This program depends on no other crate of the project, so that it builds in seconds.

mod arguments;
mod install;
mod licences;
mod process;
mod report;
mod steps;
mod tally;
mod training;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use arguments::Task;

/// What can go wrong in a task, in words for the person who ran it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    /// The command line is wrong.
    #[error("{0}\nRun `cargo xtask --help` for what there is.")]
    Usage(String),
    /// A file could not be read or written.
    #[error("{action} {path}: {source}", path = path.display())]
    File {
        /// What was tried, for example `reading`.
        action: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A program could not be started.
    #[error("`{program}` could not be started: {source}")]
    Start {
        /// Which program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// A program ran and failed.
    #[error("`{command}` failed: {reason}")]
    Failed {
        /// The whole command.
        command: String,
        /// Exit status or signal.
        reason: String,
    },
    /// Something is missing and cannot be installed from here.
    #[error("{0}")]
    Missing(String),
    /// A file or an output has another form than expected.
    #[error("{0}")]
    Form(String),
}

/// The project's folder: the parent of this package.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = arguments::parse(&arguments).and_then(|task| carry_out(&task));
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            report::complain(&error.to_string());
            if matches!(error, TaskError::Usage(_)) { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// Runs `task`; `Ok(false)` means that it ran and something in it failed.
fn carry_out(task: &Task) -> Result<bool, TaskError> {
    let root = root();
    match task {
        Task::Help => {
            report::say(arguments::HELP);
            Ok(true)
        }
        Task::Install { with_bench } => {
            install::everything(&root, *with_bench, &mut |line| report::say(line))?;
            Ok(true)
        }
        Task::Test { only } => steps::run(&root, only),
        Task::TrainSafety { arguments } => training::run(&root, arguments),
        Task::Crash { rounds, requests } => steps::crash(&root, *rounds, *requests),
    }
}
