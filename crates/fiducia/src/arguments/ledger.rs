//! `ledger`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::DataOptions;

/// Which log.
#[derive(Debug, Clone, Args)]
pub(crate) struct LogOptions {
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// Read a copy of the log files in this directory instead of the configured data directory
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) directory: Option<PathBuf>,
    /// The organisation's id; every log when absent
    #[arg(long, value_name = "ID")]
    pub(crate) organization: Option<fiducia_policy::OrganizationId>,
    /// The verifier key (`name+hash+base64`) that you keep elsewhere. Without it the key stored beside the log is used,
    /// which proves less
    #[arg(long, value_name = "VKEY")]
    pub(crate) key: Option<String>,
}

/// `ledger`
#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Recompute every hash and signature of the log, and name the place of anything that does not fit
    #[command(
        after_help = "Examples:\n  fiducia ledger verify\n  fiducia ledger verify --directory ./copy --key \
        'ledger.example.org/…+…+…'"
    )]
    Verify(LogOptions),
    /// Write a proof that an entry is in the log, which anyone can check without this program
    #[command(
        after_help = "The file follows c2sp.org/tlog-proof@v1.\n\nExample:\n  fiducia ledger prove --index 7 --out 7.tlog-proof"
    )]
    Prove {
        #[command(flatten)]
        log: LogOptions,
        /// The entry's index, from 0
        #[arg(long, conflicts_with = "event", required_unless_present = "event")]
        index: Option<u64>,
        /// The entry's event id
        #[arg(long)]
        event: Option<String>,
        /// Write to this file instead of standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Print the signed checkpoint, to keep elsewhere: a log cannot be rewritten unseen past a checkpoint someone kept
    Checkpoint(LogOptions),
    /// Print the log's entries
    #[command(after_help = "Example:\n  fiducia ledger tail --from 100 --follow --json")]
    Tail {
        #[command(flatten)]
        log: LogOptions,
        /// Begin with this entry; with the last 20 when absent
        #[arg(long, value_name = "INDEX")]
        from: Option<u64>,
        /// Go on printing entries as they are published, until Ctrl-C
        #[arg(long)]
        follow: bool,
    },
    /// The keys that sign the logs
    #[command(subcommand)]
    Key(LogKeyCommand),
}

/// `ledger key`
#[derive(Debug, Subcommand)]
pub(crate) enum LogKeyCommand {
    /// Show the keys of an organisation's log: those that sign, those that were announced, those that did
    Show {
        /// The organisation: its name or id
        organization: String,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Announce the next pair of keys
    #[command(
        after_help = "The new keys are listed at once and sign from their day on, every log's latest checkpoint included. The old ones \
        stay listed. Publish the new fingerprints where verifiers look for them.\n\nExamples:\n  fiducia ledger key rotate\n  \
        fiducia ledger key rotate --from 2027-02-01T00:00:00Z\n  fiducia ledger key rotate --compromised"
    )]
    Rotate {
        /// From when the new keys sign, at least 30 days ahead; in 30 days when absent
        #[arg(long, value_name = "INSTANT", value_parser = super::values::instant)]
        from: Option<fiducia_policy::Timestamp>,
        /// A present key is in the wrong hands: keep no notice. The new keys sign at once unless --from says later
        #[arg(long)]
        compromised: bool,
        #[command(flatten)]
        data: DataOptions,
    },
}
