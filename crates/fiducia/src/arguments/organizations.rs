//! `organizations`, `keys`, `subjects`: whose data it is.

use clap::{Args, Subcommand};
use fiducia_custody::{DestructionScope, MailAddress, Scope};
use fiducia_policy::{Agreement, Plan, RecordClass, RetentionSpan, SubjectId, Tier, Timestamp, VirtualKeyId};

use super::DataOptions;
use super::values::{agreement, class, instant, one_required, plan, readable, tier};

/// `organizations`
#[derive(Debug, Subcommand)]
pub(crate) enum OrganizationsCommand {
    /// Create an organisation, its keys and its ledger
    #[command(
        after_help = "The plan and the agreement say how long conversations are kept; `fiducia policy show` prints the rules. \
        The tier is the plan's own unless another is named.\n\nPrints the ledger's verifier key. Keep it outside of this \
        machine: a log that is checked with a key from the same disk proves less.\n\nExamples:\n  fiducia organizations \
        create hospital\n  fiducia organizations create ward-7 --plan team\n  fiducia organizations create bank \
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
    /// Change an organisation's plan, tier or agreement: what is not named stays
    #[command(
        after_help = "What is kept already gets its new end at the next sweep; what is captured from now on has it at once. \
        A HIPAA agreement cannot be taken back.\n\nExamples:\n  fiducia organizations change hospital --agreement hipaa\n  \
        fiducia organizations change archive --custom-retention '1 year'"
    )]
    Change {
        /// The organisation's name or id
        #[arg(value_name = "ORGANIZATION")]
        organization: String,
        #[command(flatten)]
        change: TermsOptions,
        #[command(flatten)]
        data: DataOptions,
    },
    /// An organisation's own key at a key management service
    #[command(subcommand)]
    Key(OrganizationKeyArguments),
    /// List organisations
    List {
        #[command(flatten)]
        data: DataOptions,
    },
}

/// `organizations key`
#[derive(Debug, Subcommand)]
pub(crate) enum OrganizationKeyArguments {
    /// Put an organisation under a key of its own, or under another
    #[command(
        after_help = "The service is one that the configuration names under [key_services]. A throw-away key goes there and \
        back first; then the organisation's key is wrapped there, opened again, read back from the disk, and only then the \
        former wrap is overwritten. Whoever disables or destroys the key at the service closes the organisation: within an hour \
        nothing of it is read or added to.\n\nExamples:\n  fiducia organizations key set hospital --provider vault --key \
        hospital\n  fiducia organizations key set bank --provider aws --key arn:aws:kms:eu-central-1:111122223333:alias/fiducia"
    )]
    Set {
        /// The organisation's name or id
        #[arg(value_name = "ORGANIZATION")]
        organization: String,
        /// The service, by its name under `[key_services]`
        #[arg(long, value_name = "NAME")]
        provider: String,
        /// The name of the key there
        #[arg(long, value_name = "KEY")]
        key: String,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Show who wraps an organisation's key, and whether it can be used now
    Show {
        /// The organisation's name or id
        #[arg(value_name = "ORGANIZATION")]
        organization: String,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Send a throw-away key to the organisation's service and back
    Validate {
        /// The organisation's name or id
        #[arg(value_name = "ORGANIZATION")]
        organization: String,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Put an organisation under the installation's key again
    #[command(
        after_help = "The organisation's service must open its key once more.\n\nExample:\n  fiducia organizations key \
        clear hospital"
    )]
    Clear {
        /// The organisation's name or id
        #[arg(value_name = "ORGANIZATION")]
        organization: String,
        #[command(flatten)]
        data: DataOptions,
    },
}

/// What to change about an organisation's terms.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct TermsOptions {
    /// Another plan
    #[arg(long, value_parser = plan())]
    pub(crate) plan: Option<Plan>,
    /// Another governance tier
    #[arg(long, value_parser = tier())]
    pub(crate) tier: Option<Tier>,
    /// Another agreement on retention
    #[arg(long, value_parser = agreement())]
    pub(crate) agreement: Option<Agreement>,
    /// How long conversations are kept under a custom agreement: `90 days`, `1 year 6 months`
    #[arg(long, value_name = "SPAN")]
    pub(crate) custom_retention: Option<RetentionSpan>,
}

/// `workspaces`
#[derive(Debug, Subcommand)]
pub(crate) enum WorkspacesCommand {
    /// Agree, for a workspace, to what covered models need; or no longer
    #[command(group = one_required("whether", ["enable", "disable"]))]
    #[command(
        after_help = "Covered models are those that the policy names as such: they are so capable that what is asked of \
        them and answered must be examined for misuse. Where a workspace agrees, prompts to covered models and their \
        answers are kept for 30 days for safety, even under zero retention; all else stays as it was agreed. Without \
        that agreement an organisation with zero retention keeps nothing of them either.\n\nExamples:\n  fiducia workspaces \
        covered-models hospital default --enable\n  fiducia workspaces covered-models hospital default --disable"
    )]
    CoveredModels {
        /// The organisation's name or id
        #[arg(value_name = "ORGANIZATION")]
        organization: String,
        /// Name of the workspace
        workspace: String,
        /// Agree: prompts to covered models are kept 30 days for safety from now on
        #[arg(long)]
        enable: bool,
        /// Agree no longer; what is kept already ends when it was going to
        #[arg(long)]
        disable: bool,
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
    /// Wrap the keys of organisations and of the installation anew, under the newest versions of their services' keys
    #[command(
        after_help = "Nothing that is kept is sealed anew: only the few keys above it are wrapped again. The installation's goes to \
        the service that the configuration names, so moving from a keyfile to a service, or to another, is this command. Each new \
        wrap is opened by its service and read back before the former one goes; cut off, it can be run again.\n\nExamples:\n  \
        fiducia keys rotate\n  fiducia keys rotate --organization hospital"
    )]
    Rotate {
        /// Only that of this organisation, which has a key of its own: its name or id
        #[arg(long, value_name = "NAME|ID")]
        organization: Option<String>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Show from which keys a conversation or a record hangs, which are gone, and what tells of that
    #[command(
        after_help = "These are the keys that seal what is kept, not the virtual keys above. Nothing is opened.\n\nExamples:\n  \
        fiducia keys graph conv_0199…\n  fiducia keys graph rec_0199… --svg keys.svg"
    )]
    Graph {
        /// A conversation (conv_…) or one record (rec_…)
        #[arg(value_parser = readable)]
        target: DestructionScope,
        /// Also draw it into this file, as SVG
        #[arg(long, value_name = "FILE")]
        svg: Option<std::path::PathBuf>,
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
    /// Give a person a plan of their own, or the organisation's again
    #[command(group = one_required("which", ["plan", "organization_plan"]))]
    #[command(
        after_help = "How long the person's conversations are kept follows the plan, from the next sweep on.\n\nExamples:\n  \
        fiducia subjects plan subject_0199… team\n  fiducia subjects plan subject_0199… --organization-plan"
    )]
    Plan {
        /// The subject, as `subjects list` shows it
        subject: SubjectId,
        /// The plan
        #[arg(value_parser = plan())]
        plan: Option<Plan>,
        /// Take the person's own plan away: the organisation's counts
        #[arg(long)]
        organization_plan: bool,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Note whether a person allows training; plans that never train refuse it
    #[command(group = one_required("choice", ["allow", "refuse"]))]
    #[command(after_help = "Example:\n  fiducia subjects training subject_0199… --refuse")]
    Training {
        /// The subject
        subject: SubjectId,
        /// The person allows it
        #[arg(long)]
        allow: bool,
        /// The person does not allow it
        #[arg(long)]
        refuse: bool,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Say where a person is warned by mail before conversations end, or that no mail goes
    #[command(group = one_required("where", ["mail", "none"]))]
    #[command(
        after_help = "The address is sealed under a key of the person: erasing the person destroys it. It is in no list, log or \
        ledger. Mails go where [mail] is configured; without an address the mark in `conversations list` is the \
        warning.\n\nExamples:\n  fiducia subjects contact subject_0199… --mail anna@example.org\n  fiducia subjects contact \
        subject_0199… --none"
    )]
    Contact {
        /// The subject, as `subjects list` shows it
        subject: SubjectId,
        /// The address
        #[arg(long, value_name = "ADDRESS")]
        mail: Option<MailAddress>,
        /// No address: a former one is destroyed
        #[arg(long)]
        none: bool,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Close a person's account: everything of it ends when the policy says
    #[command(
        after_help = "The person's keys stop working at once. To destroy everything now use `subjects erase`.\n\nExample:\n  \
        fiducia subjects close subject_0199…"
    )]
    Close {
        /// The subject
        subject: SubjectId,
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
