//! `organizations`, `keys`, `subjects`: whose data it is.

use clap::Subcommand;
use fiducia_custody::Scope;
use fiducia_policy::{Agreement, Plan, RecordClass, RetentionSpan, SubjectId, Tier, Timestamp, VirtualKeyId};

use super::DataOptions;
use super::values::{agreement, class, instant, plan, tier};

/// `organizations`
#[derive(Debug, Subcommand)]
pub(crate) enum OrganizationsCommand {
    /// Create an organisation, its keys and its ledger
    #[command(
        after_help = "The plan and the agreement say how long conversations are kept; `fiducia policy show` prints the rules. \
        The tier is the plan's own unless another is named.\n\nPrints the ledger's verifier key. Keep it outside of this \
        machine: a log that is checked with a key from the same disk proves less.\n\nExamples:\n  fiducia organizations \
        create hospital\n  fiducia organizations create school --plan education\n  fiducia organizations create bank \
        --agreement zero-retention\n  fiducia organizations create archive --agreement custom --custom-retention '90 days'"
    )]
    Create {
        /// Its name, unique, 1 to 128 characters
        name: String,
        /// Its plan
        #[arg(long, value_parser = plan(), default_value_t = Plan::Enterprise)]
        plan: Plan,
        /// Its governance tier; the plan's own when absent
        #[arg(long, value_parser = tier())]
        tier: Option<Tier>,
        /// What was agreed on retention; the plan's standard terms when absent
        #[arg(long, value_parser = agreement())]
        agreement: Option<Agreement>,
        /// How long conversations are kept under a custom agreement: `90 days`, `1 year 6 months`
        #[arg(long, value_name = "SPAN")]
        custom_retention: Option<RetentionSpan>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// List organisations
    List {
        #[command(flatten)]
        data: DataOptions,
    },
}

/// `keys`
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Create a virtual key; its secret is shown once, on standard output
    #[command(
        after_help = "Examples:\n  fiducia keys create --organization hospital --subject ward-7\n  fiducia keys create \
        --organization hospital --subject portal --scope inference --scope act-for-subjects --expires-at \
        2027-01-01T00:00:00Z\n  fiducia keys create --organization hospital --subject build-server --class coding-session"
    )]
    Create {
        /// Whose: the organisation's name or id
        #[arg(long, value_name = "NAME|ID")]
        organization: String,
        /// The workspace it belongs to, made when new; `default` when absent
        #[arg(long)]
        workspace: Option<String>,
        /// Your own name for the person the key speaks for; only a keyed digest of it is kept
        #[arg(long)]
        subject: String,
        /// What it permits, repeatable: inference, models, batches, files, act-for-subjects. Inference and models when absent
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<Scope>,
        /// What it captures: the class of its records, which decides how long they are kept; the plan's own when absent
        #[arg(long, value_parser = class())]
        class: Option<RecordClass>,
        /// When it stops working, RFC 3339; never when absent
        #[arg(long, value_name = "TIME", value_parser = instant)]
        expires_at: Option<Timestamp>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// List virtual keys; secrets are not stored and not shown
    List {
        /// Only of this organisation: its name or id
        #[arg(long, value_name = "NAME|ID")]
        organization: Option<String>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Make a virtual key stop working at once
    Revoke {
        /// Its id, as `keys list` shows it
        key: VirtualKeyId,
        #[command(flatten)]
        data: DataOptions,
    },
}

/// `subjects`
#[derive(Debug, Subcommand)]
pub(crate) enum SubjectsCommand {
    /// List subjects
    List {
        /// Whose: the organisation's name or id
        #[arg(long, value_name = "NAME|ID")]
        organization: String,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Destroy everything of one person, the pseudonym included
    #[command(
        after_help = "What another ground still keeps is listed with its date. There is no undo.\n\nExample:\n  fiducia \
        subjects erase subject_0199… --yes"
    )]
    Erase {
        /// The subject, as `subjects list` shows it
        subject: SubjectId,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        data: DataOptions,
    },
}
