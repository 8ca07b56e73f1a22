//! `certificate`: what was destroyed, proven.

use std::path::PathBuf;

use clap::Subcommand;
use fiducia_custody::CertificateReference;

use super::DataOptions;

/// `certificate`
#[derive(Debug, Subcommand)]
pub(crate) enum CertificateCommand {
    /// List certificates, newest first
    #[command(after_help = "Example:\n  fiducia certificate list --organization hospital --limit 20")]
    List {
        /// Only of this organisation: its name or id
        #[arg(long, value_name = "NAME|ID")]
        organization: Option<String>,
        /// At most this many rows
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        /// Continue after this certificate
        #[arg(long, value_name = "REFERENCE")]
        after: Option<CertificateReference>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Write a certificate's file: the certificate, its signature and the proof of its entry in the log
    #[command(
        after_help = "Whoever gets the file checks it with `fiducia certificate verify`, without this installation.\n\n\
        Example:\n  fiducia certificate show FC-2026-7KQ4-M0XA-93TD-ZZ1B --out certificate.json"
    )]
    Show {
        /// Its reference number
        reference: CertificateReference,
        /// Write to this file instead of standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Write a certificate as a page to read, print and file
    #[command(
        after_help = "The page is one HTML file without scripts; the proof is in the file that `certificate show` writes.\n\n\
        Example:\n  fiducia certificate page FC-2026-7KQ4-M0XA-93TD-ZZ1B --out certificate.html"
    )]
    Page {
        /// Its reference number
        reference: CertificateReference,
        /// Write to this file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Check a certificate's file with a verifier key that you kept; needs no data and no network
    #[command(
        after_help = "Checks that the file is byte for byte as issued, who signed it, and that the log's signed checkpoint \
        covers its entry.\n\nExample:\n  fiducia certificate verify certificate.json --verifier-key 'ledger.example.org/…+…+…'"
    )]
    Verify {
        /// The certificate's file
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
