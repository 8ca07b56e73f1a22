//! `policy`, `retention`, `sweep`: what decides how long things are kept, and what carries it out.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use fiducia_policy::BUILT_IN_NAMES;

use crate::commands::PolicyFileCommand;

use super::DataOptions;
use super::values::one_required;

/// `policy`
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Publish a policy: it is numbered, signed, announced in every log and decides from then on
    #[command(group = one_required("text", ["file", "shipped"]))]
    #[command(
        after_help = "A policy is refused when it has mistakes, when it takes back what the one in force has locked, or when \
        the terms of an organisation do not exist in it. No new policy alone makes what is there already last longer.\n\n\
        Examples:\n  fiducia policy publish retention.toml\n  fiducia policy publish --shipped education"
    )]
    Publish {
        /// The policy's file
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// Publish a policy that comes with the program
        #[arg(long, value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(BUILT_IN_NAMES))]
        shipped: Option<String>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// List the policies that were published here, with the built-in one
    #[command(after_help = "Example:\n  fiducia policy list")]
    List {
        #[command(flatten)]
        data: DataOptions,
    },
    /// Print the text of a policy
    #[command(after_help = "Examples:\n  fiducia policy show\n  fiducia policy show 2 > retention-2.toml")]
    Show {
        /// Its version; the one in force when absent, 0 for the built-in one
        version: Option<u32>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Count what is kept in each situation a policy tells apart
    #[command(
        after_help = "Counts people, conversations and records by plan, tier, class and agreement, without reading any.\n\n\
        Examples:\n  fiducia policy census\n  fiducia policy census --json > census.jsonl\n  fiducia policy simulate enterprise --census \
        census.jsonl --svg kept.svg"
    )]
    Census {
        #[command(flatten)]
        data: DataOptions,
    },
    /// The commands that work on files.
    #[command(flatten)]
    Files(PolicyFileCommand),
}

/// `retention`
#[derive(Debug, Subcommand)]
pub(crate) enum RetentionArguments {
    /// Say what a sweep would destroy now, without destroying anything
    #[command(
        after_help = "What has fallen due and lasts longer all the same, because its conversation went on, is not \
        counted.\n\nExample:\n  fiducia retention preview"
    )]
    Preview {
        #[command(flatten)]
        data: DataOptions,
    },
    /// Say which policy is in force, and what waits for a sweep, a hold or a case
    #[command(after_help = "Example:\n  fiducia retention status --json")]
    Status {
        #[command(flatten)]
        data: DataOptions,
    },
}

/// `sweep`
#[derive(Debug, Clone, Args)]
pub(crate) struct SweepArguments {
    /// Stop after about this many keys and records
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
    #[command(flatten)]
    pub(crate) data: DataOptions,
}
