//! The command line for the Compliance API: the keys that programs present to it.

use clap::Subcommand;
use fiducia_policy::{ComplianceKeyId, ComplianceScope};

use super::DataOptions;
use super::values::{compliance_scope, one_required};

/// `compliance`
#[derive(Debug, Subcommand)]
pub(crate) enum ComplianceCommand {
    /// Keys that audit and security programs present to the Compliance API
    #[command(subcommand)]
    Keys(ComplianceKeysCommand),
}

/// `compliance keys`
#[derive(Debug, Subcommand)]
pub(crate) enum ComplianceKeysCommand {
    /// Create a key; its secret is shown once, on standard output
    #[command(group = one_required("reach", ["organization", "installation"]))]
    #[command(
        after_help = "What a key reaches and permits never changes, and it does not expire: to change either, create another \
        key, switch to it and delete the old one. Cursors that a program keeps go on working, because they belong to what is \
        read and not to the key.\n\nEach organisation that the key reaches finds its making in its own ledger, and every \
        request with it in the activity feed.\n\nScopes:\n  \
        read:compliance_activities    the activity feed and the transparency log\n  \
        read:compliance_user_data     conversations with their messages, and people\n  \
        read:compliance_org_data      organisations, roles and the settings in force\n  \
        delete:compliance_user_data   destroy conversations\n\nExamples:\n  fiducia compliance keys create --organization \
        hospital --name siem --scope read:compliance_activities\n  fiducia compliance keys create --installation --name \
        discovery --scope read:compliance_user_data --scope read:compliance_org_data"
    )]
    Create {
        /// Reaches this organisation alone: its name or id
        #[arg(long, value_name = "NAME|ID")]
        organization: Option<String>,
        /// Reaches every organisation, also those that are made later
        #[arg(long)]
        installation: bool,
        /// What to call it, for lists
        #[arg(long)]
        name: String,
        /// What it permits, repeatable
        #[arg(long = "scope", value_name = "SCOPE", required = true, value_parser = compliance_scope())]
        scopes: Vec<ComplianceScope>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// List keys, deleted ones too; secrets are not stored and not shown
    #[command(after_help = "Example:\n  fiducia compliance keys list --organization hospital")]
    List {
        /// Only those that reach this organisation: its name or id
        #[arg(long, value_name = "NAME|ID")]
        organization: Option<String>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Delete a key: requests with it are refused at once, and it cannot be brought back
    #[command(after_help = "Example:\n  fiducia compliance keys delete apikey_0199…")]
    Delete {
        /// Its id, as `compliance keys list` shows it
        key: ComplianceKeyId,
        #[command(flatten)]
        data: DataOptions,
    },
}
