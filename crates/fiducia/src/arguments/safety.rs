//! `safety`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use fiducia_policy::Provenance;

/// `safety`
#[derive(Debug, Subcommand)]
pub(crate) enum SafetyCommand {
    /// Measure the detectors on labelled texts of your own
    #[command(
        after_help = "Each line of a file is `{\"text\": \"…\", \"labels\": [\"injection\", …]}`, plain or gzip; further fields are passed \
        over. Labels are names of heads or categories, or the short names injection, sysleak, unsafe, cyber, cbrn, frontier, reasoning, violence, hate, \
        selfharm, sexual, csae, biometric, toxic and out_harm. A text without labels is a negative of every label in its file; in a file \
        without any label it is benign, and whatever is found in it is a false alarm. Nothing is kept, sent or logged, and no \
        text is printed.\n\nExamples:\n  fiducia safety eval texts.jsonl.gz\n  fiducia safety eval attacks.jsonl benign.jsonl --plot curves.svg \
        --json"
    )]
    Eval(EvaluationArguments),
}

/// `safety eval`
#[derive(Debug, Args)]
pub(crate) struct EvaluationArguments {
    /// Files of labelled texts
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Whose words the texts are: person, tool-result, document, answer, earlier-answer or system-prompt
    #[arg(long, value_name = "PROVENANCE", default_value_t = Provenance::Person)]
    pub(crate) provenance: Provenance,
    /// Draw precision over recall into this SVG file
    #[arg(long, value_name = "FILE")]
    pub(crate) plot: Option<PathBuf>,
    /// How many samples the confidence intervals are drawn from
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(20..=10_000))]
    pub(crate) samples: u32,
    /// Print JSON for machines instead of text for people
    #[arg(long)]
    pub(crate) json: bool,
}
