//! How commands fail, and with which exit code.

use std::path::PathBuf;

use fiducia_custody::AdminError;

use crate::configuration::ConfigurationError;

/// The exit codes of the program, as `fiducia --help` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// Done, nothing found wrong.
    Success,
    /// A check found something, or the command was not carried out.
    Finding,
    /// The command line or the configuration cannot be used.
    Usage,
    /// The data directory, the store or a file failed.
    Storage,
    /// Stopped by Ctrl-C or the service manager before it was done.
    Interrupted,
}

impl ExitStatus {
    /// The number the shell sees.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Finding => 1,
            Self::Usage => 2,
            Self::Storage => 3,
            Self::Interrupted => 130,
        }
    }
}

/// Why a command failed. The texts say what happened, what it means for the data and what to do; none holds content
/// or secrets.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The configuration cannot be used.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
    /// An argument does not fit the others or what exists.
    #[error("{0}")]
    Argument(String),
    /// Custody refused or failed.
    #[error("{0}")]
    Administration(#[from] AdminError),
    /// Custody answered with something that does not belong to the command.
    #[error(
        "the running server answered {0} with another kind of reply; use the same version of fiducia for both"
    )]
    UnexpectedReply(&'static str),
    /// The data directory does not exist.
    #[error(
        "there is no data directory at {path}; `fiducia serve` or `fiducia organizations create` makes it, or correct `data.directory`",
        path = .0.display()
    )]
    NoData(PathBuf),
    /// The data could not be opened.
    #[error("{0}")]
    Open(String),
    /// Another process holds the data and does not answer.
    #[error(
        "{holder}\nIts admin socket {socket} does not answer either ({cause}). Nothing was changed. If that process is a \
         server that is starting or stopping, try again shortly; if it is another command, let it finish first",
        socket = socket.display()
    )]
    HeldAndSilent {
        /// What the lock says.
        holder: String,
        /// The socket that was tried.
        socket: PathBuf,
        /// What happened there.
        cause: String,
    },
    /// A server answered, but not usefully.
    #[error("the running server could not be asked over {socket}: {cause}; it is unknown whether the command was carried out, so look before you repeat it", socket = socket.display())]
    Unanswered {
        /// The socket.
        socket: PathBuf,
        /// What happened there.
        cause: String,
    },
    /// The keyfile cannot be made or used.
    #[error("{0}")]
    Keyfile(fiducia_keyring::KeyringError),
    /// The demo's samples cannot be used.
    #[error(transparent)]
    Samples(#[from] crate::commands::SamplesUnreadable),
    /// The server did not start.
    #[error(transparent)]
    Start(#[from] fiducia_server::StartError),
    /// A file of the command failed.
    #[error("cannot {doing} {path}: {cause}", path = path.display())]
    File {
        /// What was being done, as a verb.
        doing: &'static str,
        /// To which file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The system refused something that has no file.
    #[error("cannot {doing}: {cause}")]
    System {
        /// What was being done, as a verb.
        doing: &'static str,
        /// What the system said.
        cause: std::io::Error,
    },
    /// Standard output cannot be written.
    #[error("cannot write to standard output: {0}")]
    Output(std::io::Error),
    /// A check found something; it has been printed already.
    #[error("{0}")]
    Finding(String),
    /// The ledger could not be read.
    #[error("{0}")]
    Ledger(String),
    /// Logs or traces could not be set up.
    #[error("telemetry could not be set up: {0}; correct [log] or [telemetry] in the configuration")]
    Telemetry(String),
    /// The person answered no.
    #[error("not confirmed; nothing was destroyed")]
    Unconfirmed,
    /// Stopped on request; the text says how to go on.
    #[error("{0}")]
    Interrupted(String),
}

impl Failure {
    /// The exit code that scripts see.
    pub(crate) fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Configuration(_)
            | Self::Argument(_)
            | Self::Keyfile(_)
            | Self::Start(_)
            | Self::Telemetry(_)
            | Self::Administration(AdminError::Invalid(_)) => ExitStatus::Usage,
            Self::Administration(AdminError::Storage(_) | AdminError::KeyClosed(_))
            | Self::NoData(_)
            | Self::Open(_)
            | Self::HeldAndSilent { .. }
            | Self::Unanswered { .. }
            | Self::UnexpectedReply(_)
            | Self::File { .. }
            | Self::System { .. }
            | Self::Output(_)
            | Self::Samples(_)
            | Self::Ledger(_) => ExitStatus::Storage,
            Self::Administration(_) | Self::Finding(_) | Self::Unconfirmed => ExitStatus::Finding,
            Self::Interrupted(_) => ExitStatus::Interrupted,
        }
    }

    /// Whether the reader of standard output went away, as `| head` does. That is no failure of the command.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(cause) if cause.kind() == std::io::ErrorKind::BrokenPipe)
    }
}
