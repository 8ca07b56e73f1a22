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

/// `ledger audit`
#[derive(Debug, Clone, Args)]
pub(crate) struct AuditArguments {
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// Audit a copy of a data directory instead of the configured one; needs --key
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) copy: Option<PathBuf>,
    /// The organisation's id; every log when absent
    #[arg(long, value_name = "ID")]
    pub(crate) organization: Option<fiducia_policy::OrganizationId>,
    /// The verifier key that you keep elsewhere
    #[arg(long, value_name = "VKEY")]
    pub(crate) key: Option<String>,
    /// A checkpoint that was kept: the log must continue it. May be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) checkpoint: Vec<PathBuf>,
    /// Ask this witness too what it holds, besides those in the configuration. May be given several times
    #[arg(long, num_args = 2, value_names = ["URL", "VKEY"])]
    pub(crate) witness: Vec<String>,
    /// Ask no witness, not even those in the configuration
    #[arg(long, conflicts_with = "witness")]
    pub(crate) offline: bool,
    /// By how many seconds an entry may be dated before one that stands before it
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(i64).range(0..=31_536_000))]
    pub(crate) tolerance_seconds: i64,
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
    /// Replay every entry and compare it with the databases, with checkpoints that were kept and with witnesses
    #[command(
        after_help = "Finds an access without an entry, an entry without an access, a gap, a fork, a repeated or re-dated entry; each \
        with what it means and what to do. Reads only, beside a running server or on a copy.\n\nExit codes: 0 nothing is wrong, \
        1 something is, 2 the command line cannot be used, 3 the audit or a part of it could not be completed.\n\nExamples:\n  \
        fiducia ledger audit\n  fiducia ledger audit --checkpoint kept.checkpoint --json\n  fiducia ledger audit --copy ./backup \
        --key 'ledger.example.org/…+…+…' --offline"
    )]
    Audit(AuditArguments),
    /// Print for each log how far it was published and how far witnesses cosigned it
    #[command(after_help = "Example:\n  fiducia ledger status --json")]
    Status(LogOptions),
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
    /// Check a proof alone: that the entry in it lies in the log whose key you kept. Needs no data and no network
    #[command(
        after_help = "The proof holds its entry, as the console hands it out.\n\nExample:\n  fiducia ledger check 7.tlog-proof \
        --key 'ledger.example.org/…+…+…'"
    )]
    Check {
        /// The file
        proof: PathBuf,
        /// The verifier key of the log (`name+hash+base64`) that you keep elsewhere
        #[arg(long, value_name = "VKEY")]
        key: String,
        /// Print JSON for machines instead of text for people
        #[arg(long)]
        json: bool,
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
