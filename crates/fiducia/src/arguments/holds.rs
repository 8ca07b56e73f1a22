//! `cases`, `holds`: what is kept for investigations and for matters in law.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use fiducia_custody::ContentScope;
use fiducia_policy::{AccessReason, CaseId, HoldId, HoldScope, SubjectId, Timestamp};

use super::DataOptions;
use super::values::{content, instant, one_required, reason};

/// `cases`
#[derive(Debug, Subcommand)]
pub(crate) enum CasesCommand {
    /// Open an investigation
    #[command(after_help = "Example:\n  fiducia cases open hospital 'credential theft, November'")]
    Open {
        /// Whose data: the organisation's name or id
        #[arg(value_name = "ORGANIZATION")]
        organization: String,
        /// What to call it, 1 to 128 characters
        name: String,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Take a conversation or a record into an investigation: it is kept for it until the case ends
    #[command(
        after_help = "A conversation is taken in as it is now; turns that follow are taken in by running the command \
        again.\n\nExample:\n  fiducia cases add case_0199… conv_0199…"
    )]
    Add {
        /// The case, as `cases list` shows it
        case: CaseId,
        /// A conversation (conv_…) or one record (rec_…)
        #[arg(value_parser = content)]
        content: ContentScope,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Close an investigation: what was kept for it ends when the policy says
    #[command(after_help = "Example:\n  fiducia cases close case_0199…")]
    Close {
        /// The case
        case: CaseId,
        #[command(flatten)]
        data: DataOptions,
    },
    /// List investigations
    #[command(after_help = "Example:\n  fiducia cases list")]
    List {
        #[command(flatten)]
        data: DataOptions,
    },
}

/// What a hold covers. What is left out does not narrow.
#[derive(Debug, Clone, Args)]
pub(crate) struct ScopeOptions {
    /// Only this person, repeatable
    #[arg(long = "subject", value_name = "SUBJECT")]
    subjects: Vec<SubjectId>,
    /// Only what was captured at or after this instant, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = instant)]
    from: Option<Timestamp>,
    /// Only what was captured before this instant, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = instant)]
    until: Option<Timestamp>,
    /// Only this model, repeatable; a trailing `*` stands for any ending
    #[arg(long = "model", value_name = "MODEL")]
    models: Vec<String>,
    /// Only conversations with this tag, repeatable
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
}

impl From<ScopeOptions> for HoldScope {
    fn from(options: ScopeOptions) -> Self {
        let ScopeOptions { subjects, from, until, models, tags } = options;
        Self { subjects, from, until, models, tags }
    }
}

/// `holds`
#[derive(Debug, Subcommand)]
pub(crate) enum HoldsCommand {
    /// Place a legal hold: what it covers is not destroyed, whatever else ends
    #[command(
        after_help = "It is in force when the command returns, also for what is captured later. What is there already gets \
        its own key path from the next sweep on; until then nothing of the organisation ends.\n\nThe names of custodians \
        and reviewers stay in the store; the ledger gets a digest of the scope only.\n\nExamples:\n  fiducia holds place \
        hospital --matter 'Doe v. Roe' --authority 'District court, 7 C 12/26' --subject subject_0199… --from \
        2026-01-01T00:00:00Z --custodian 'ward manager' --reviewer counsel\n  fiducia holds place hospital --matter audit \
        --authority regulator --model 'claude-*'"
    )]
    Place {
        /// Whose data: the organisation's name or id
        #[arg(value_name = "ORGANIZATION")]
        organization: String,
        /// The matter, 1 to 128 characters
        #[arg(long)]
        matter: String,
        /// Who obliges, such as a court with its reference, 1 to 128 characters
        #[arg(long)]
        authority: String,
        #[command(flatten)]
        scope: ScopeOptions,
        /// Who must be told not to destroy anything, repeatable
        #[arg(long = "custodian", value_name = "NAME")]
        custodians: Vec<String>,
        /// Who may export what is held, repeatable
        #[arg(long = "reviewer", value_name = "NAME")]
        reviewers: Vec<String>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Widen a hold. It never lets go of anything: a list that is left out stops narrowing
    #[command(
        after_help = "The wider scope covers what the old one covers and what is named here. A kind of limit that either \
        of the two does not name no longer limits: a hold on one person that is widened with --model 'm' and no --subject \
        covers every person.\n\nExample:\n  fiducia holds widen hold_0199… --subject subject_0199…"
    )]
    Widen {
        /// The hold, as `holds list` shows it
        hold: HoldId,
        #[command(flatten)]
        scope: ScopeOptions,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Release a hold: its key is destroyed after the days of grace, and with it what nothing else keeps
    #[command(
        after_help = "Examples:\n  fiducia holds release hold_0199…\n  fiducia holds release hold_0199… --grace-days 90"
    )]
    Release {
        /// The hold
        hold: HoldId,
        /// Days until the key is destroyed, 0 to 365; as long as the policy in force says when absent
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(0..=365))]
        grace_days: Option<u32>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Note that a custodian has confirmed a hold
    #[command(after_help = "Example:\n  fiducia holds acknowledge hold_0199… --custodian 'ward manager'")]
    Acknowledge {
        /// The hold
        hold: HoldId,
        /// The custodian, named as when the hold was placed
        #[arg(long, value_name = "NAME")]
        custodian: String,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Write what a hold holds to a file for counsel, with a manifest and proofs
    #[command(group = one_required("sealing", ["recipients", "unsealed"]))]
    #[command(
        after_help = "The reviewer must be named in the hold. Before anything is decrypted the ledger names the reviewer, the \
        reason and the records, at most 1,000 in an entry; afterwards it has the digest of the manifest.\n\nThe file is a ZIP \
        with one JSON file for each conversation, the ledger's entries with proofs that stand alone, and manifest.json with the \
        SHA-256 of each. It is encrypted for the recipients (age v1): `age --decrypt --identity key.txt file.zip.age`.\n\nThe \
        process that holds the data writes the file: with a running server that is the server.\n\nExamples:\n  fiducia holds \
        export hold_0199… --reviewer counsel --reason legal_obligation --recipient age1… --out doe.zip.age\n  fiducia holds \
        export hold_0199… --reviewer counsel --reason legal_obligation --ticket 7-C-12 --unsealed --out doe.zip"
    )]
    Export {
        /// The hold
        hold: HoldId,
        /// For whom: a reviewer, named as when the hold was placed
        #[arg(long, value_name = "NAME")]
        reviewer: String,
        /// Why it is read; `records show --help` lists the reasons
        #[arg(long, value_parser = reason)]
        reason: AccessReason,
        /// A case or ticket number: 1 to 64 of A-Z a-z 0-9 . _ -
        #[arg(long)]
        ticket: Option<String>,
        /// Encrypt it for this public key, repeatable
        #[arg(long = "recipient", value_name = "age1…")]
        recipients: Vec<String>,
        /// Do not encrypt it: whoever has the file can read it
        #[arg(long)]
        unsealed: bool,
        /// The new file; an existing one is never overwritten
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        data: DataOptions,
    },
    /// List holds
    #[command(after_help = "Example:\n  fiducia holds list")]
    List {
        #[command(flatten)]
        data: DataOptions,
    },
}
