//! Why a measurement could not be made.

use std::path::{Path, PathBuf};

/// A measurement stopped; nothing it printed before is wrong.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The system refused.
    #[error("could not {doing}: {cause}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A file could not be read or written.
    #[error("could not {doing} {}: {cause}", path.display())]
    File {
        /// What was tried.
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// A program could not be started.
    #[error("could not start {program}: {cause}; {advice}")]
    Start {
        /// Which one.
        program: String,
        /// What the system said.
        cause: std::io::Error,
        /// What to do.
        advice: &'static str,
    },
    /// A program ended with an error or printed something else than expected.
    #[error("{program} failed:\n{output}")]
    Program {
        /// Which one.
        program: String,
        /// What it printed.
        output: String,
    },
    /// A program did not answer in time.
    #[error("{program} did not become ready within a minute:\n{log}")]
    NotReady {
        /// Which one.
        program: &'static str,
        /// The end of its log.
        log: String,
    },
    /// An answer is not the one that the scripted provider gave.
    #[error("a wrong answer came through {subject}: {what}")]
    Answer {
        /// Through whom.
        subject: String,
        /// What is wrong with it.
        what: String,
    },
    /// Nothing happened for too long.
    #[error("{0} answers were outstanding and nothing happened for ten seconds")]
    Stalled(usize),
}

impl Failure {
    /// Makes a closure for `map_err`.
    pub(crate) fn system(doing: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |cause| Self::System { doing, cause }
    }

    /// As [`Failure::system`], for the numbered errors of system calls.
    pub(crate) fn call(doing: &'static str) -> impl FnOnce(rustix::io::Errno) -> Self {
        move |cause| Self::System { doing, cause: cause.into() }
    }

    /// Makes a closure for `map_err`.
    pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |cause| Self::File { doing, path: path.to_owned(), cause }
    }
}
