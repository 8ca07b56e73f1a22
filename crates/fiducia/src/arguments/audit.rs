//! `audit`: what this installation can show for each promise.

use std::path::PathBuf;

use clap::Subcommand;

use super::DataOptions;

/// `audit`
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Ask the data, the keys, the log and the policies for every promise, and write down what they show
    #[command(
        after_help = "Writes three files: a page (HTML), a document for archives (PDF/A, tagged), and the signed report with \
        the proof of its entry in the log (JSON), which `fiducia audit verify` checks anywhere. Each promise is shown, partly \
        shown, not shown, or contradicted by a check; nothing is taken from an earlier report. Reading a long log takes a \
        while.\n\nExit code 1 says that a check contradicted a promise.\n\nExamples:\n  fiducia audit report --organization \
        hospital --out /srv/audits\n  fiducia audit report --organization hospital --json | jq '.promises[] | select(.standing \
        == \"contradicted\")'"
    )]
    Report {
        /// About which organisation: its name or id
        #[arg(long, value_name = "NAME|ID")]
        organization: String,
        /// Write the files into this folder, which is made when it does not exist
        #[arg(long, value_name = "FOLDER", default_value = ".")]
        out: PathBuf,
        #[command(flatten)]
        data: DataOptions,
    },
    /// List reports, newest first
    #[command(after_help = "Example:\n  fiducia audit list --organization hospital")]
    List {
        /// About which organisation: its name or id
        #[arg(long, value_name = "NAME|ID")]
        organization: String,
        /// At most this many rows
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Write the files of an earlier report again
    #[command(after_help = "Example:\n  fiducia audit show FA-2026-7KQ4-M0XA-93TD-ZZ1B --out /srv/audits")]
    Show {
        /// Its reference number
        reference: String,
        /// Write the files into this folder, which is made when it does not exist
        #[arg(long, value_name = "FOLDER", default_value = ".")]
        out: PathBuf,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Check a report's file with a verifier key that you kept; needs no data and no network
    #[command(
        after_help = "Checks that the file is byte for byte as issued, who signed it, and that the log's signed checkpoint \
        covers its entry.\n\nExample:\n  fiducia audit verify FA-2026-7KQ4-M0XA-93TD-ZZ1B.json --verifier-key \
        'ledger.example.org/…+…+…'"
    )]
    Verify {
        /// The report's JSON file
        file: PathBuf,
        /// A verifier key (`name+hash+base64`) that you keep elsewhere, such as the one `fiducia organizations create`
        /// printed; repeatable
        #[arg(long = "verifier-key", visible_alias = "key", value_name = "VKEY", required = true)]
        verifier_keys: Vec<String>,
        /// Print JSON for machines instead of text for people
        #[arg(long)]
        json: bool,
    },
}
