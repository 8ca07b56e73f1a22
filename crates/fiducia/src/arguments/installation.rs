//! `demo`, `config`, `keyfile`, `doctor`, `import`: what is done with an installation.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ConfigOption, DataOptions};

/// `demo`
#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArguments {
    /// Where the demo keeps its data. A demo that is there already continues with what it holds
    #[arg(long, value_name = "DIRECTORY", default_value = "demo-data")]
    pub(crate) directory: PathBuf,
    /// Address of the gateway, on this machine only. Port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4100")]
    pub(crate) listen: SocketAddr,
    /// Address of health, metrics and ledger files, on this machine only. Port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4101")]
    pub(crate) operations: SocketAddr,
    /// How many invented conversations to import
    #[arg(long, value_name = "NUMBER", default_value_t = 200, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(crate) conversations: u32,
}

/// `config`
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Report everything that is wrong with a configuration file, without starting anything
    #[command(after_help = "Example:\n  fiducia config check /etc/fiducia/fiducia.toml")]
    Check {
        /// The configuration file, as `--config` names it elsewhere
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        config: ConfigOption,
    },
}

/// `keyfile`
#[derive(Debug, Subcommand)]
pub(crate) enum KeyfileCommand {
    /// Write 32 random bytes to a new file that only you may read
    #[command(
        after_help = "Keep it apart from the data directory and from its backups, and keep a copy in a safe place: \
        who has both can read everything, who loses it can read nothing any more. An existing file is never overwritten.\
        \n\nExample:\n  fiducia keyfile create /etc/fiducia/root.key"
    )]
    Create {
        /// Where to write it
        #[arg(value_name = "PATH")]
        path: PathBuf,
    },
}

/// `doctor`
#[derive(Debug, Clone, Args)]
pub(crate) struct DoctorArguments {
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// Also connect to each provider (TCP only; no request is sent)
    #[arg(long)]
    pub(crate) online: bool,
}

/// `import`
#[derive(Debug, Clone, Args)]
pub(crate) struct ImportArguments {
    /// A file of JSON lines, plain or gzip
    #[arg(value_name = "FILE.jsonl[.gz]")]
    pub(crate) file: PathBuf,
    /// Into which organisation: its name or id
    #[arg(long, value_name = "NAME|ID")]
    pub(crate) organization: String,
    /// The subject whose conversations these are, by your own name for it
    #[arg(long, default_value = "import")]
    pub(crate) subject: String,
    /// Write the rejected lines' numbers and reasons to this file instead of standard error; never their content
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// Exit with 0 even when lines were rejected
    #[arg(long)]
    pub(crate) allow_rejects: bool,
    #[command(flatten)]
    pub(crate) data: DataOptions,
}
