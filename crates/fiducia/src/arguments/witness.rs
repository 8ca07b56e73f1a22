//! `witness`

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `witness`
#[derive(Debug, Subcommand)]
pub(crate) enum WitnessCommand {
    /// Make a witness's key: the secret into a file that only you may read, the verifier key on standard output
    #[command(after_help = "Example:\n  fiducia witness create witness.example.org/w1 witness.key")]
    Create {
        /// What the witness is called, such as a host name and a path; without spaces and `+`
        #[arg(value_name = "NAME")]
        name: String,
        /// Where to write the secret key; an existing file is never overwritten
        #[arg(value_name = "FILE")]
        key: PathBuf,
    },
    /// Print the verifier key of a witness, for those who trust it
    #[command(after_help = "Example:\n  fiducia witness key witness.key")]
    Key {
        /// The file of the secret key
        #[arg(value_name = "FILE")]
        key: PathBuf,
    },
    /// Cosign the checkpoints of logs that only grow, over the C2SP witness protocol
    #[command(
        after_help = "Run it on another machine, under another's control than the log: a history that its owner rewrites and signs \
        anew passes every check but a witness's. Put a TLS proxy in front.\n\nExamples:\n  fiducia witness serve --key \
        witness.key --directory ./witness --logs 'ledger.example.org+…+…'\n  fiducia witness serve --key witness.key \
        --directory ./witness --log 'ledger.example.org/…+…+…'\n\nWhen a log announces its next keys (`fiducia ledger key rotate`), name \
        the next key beside the present one and start the witness again before the day on which it signs:\n  fiducia witness serve \
        --key witness.key --directory ./witness --logs 'ledger.example.org/…+PRESENT' --logs 'ledger.example.org/…+NEXT'\nLeave the \
        present one out after that day. What was cosigned stays remembered."
    )]
    Serve(WitnessServeArguments),
}

/// `witness serve`
#[derive(Debug, Args)]
pub(crate) struct WitnessServeArguments {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7180")]
    pub(crate) listen: SocketAddr,
    /// The file of the secret key
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,
    /// Where to keep what was cosigned. Lost, the witness would cosign a rewritten history
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) directory: PathBuf,
    /// A verifier key of one log to cosign; repeat it for other logs, and for the next key of the same log
    #[arg(long, value_name = "VKEY")]
    pub(crate) log: Vec<String>,
    /// A verifier key of an installation, named by its ledger origin or by one of its logs: the logs of all of its organisations;
    /// repeat it for other installations, and for the next key of the same one
    #[arg(long, value_name = "VKEY", required_unless_present = "log")]
    pub(crate) logs: Vec<String>,
}
