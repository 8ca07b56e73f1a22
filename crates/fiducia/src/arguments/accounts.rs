//! `accounts`: who signs in to the console.

use clap::Subcommand;
use fiducia_policy::{ApiScope, ApiTokenId, Role};

use super::DataOptions;
use super::values::{api_scope, role};

/// `accounts`
#[derive(Debug, Subcommand)]
pub(crate) enum AccountsCommand {
    /// Create an account
    #[command(
        after_help = "The login is what its owner types, best an e-mail address: a provider that vouches for it can then sign \
        them in. `accounts password` gives it a password; without one its owner signs in at a provider.\n\nExamples:\n  \
        fiducia accounts create ada@hospital.example --organization hospital --name 'Ada' --role person --subject ada\n  \
        fiducia accounts create audit@hospital.example --organization hospital --name 'Audit' --role auditor"
    )]
    Create {
        /// What its owner types to sign in, 1 to 128 characters
        login: String,
        /// The organisation's name or id
        #[arg(long, value_name = "ORGANIZATION")]
        organization: String,
        /// What the console calls its owner
        #[arg(long)]
        name: String,
        /// What its owner may be; several times for several
        #[arg(long = "role", value_name = "ROLE", value_parser = role(), required = true)]
        roles: Vec<Role>,
        /// The application's own name for the person whose conversations its owner governs; needed for the role `person`
        #[arg(long)]
        subject: Option<String>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// List accounts
    List {
        /// Only of this organisation: its name or id
        #[arg(long, value_name = "ORGANIZATION")]
        organization: Option<String>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Set an account's password, read from the terminal or the first line of standard input
    #[command(
        after_help = "Every browser is signed out of the account.\n\nExamples:\n  fiducia accounts password \
        ada@hospital.example\n  fiducia accounts password ada@hospital.example < first-password.txt"
    )]
    Password {
        /// The account's login or id
        account: String,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Give an account these roles and no others; every browser is signed out of it
    Roles {
        /// The account's login or id
        account: String,
        /// What its owner may be; several times for several
        #[arg(long = "role", value_name = "ROLE", value_parser = role(), required = true)]
        roles: Vec<Role>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Let nobody sign in to an account any more, and sign every browser out of it
    Disable {
        /// The account's login or id
        account: String,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Let the owner of a disabled account sign in again
    Enable {
        /// The account's login or id
        account: String,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Let somebody whom an identity provider knows sign in to an account
    Link {
        /// The account's login or id
        account: String,
        /// The provider's issuer URL, as in the configuration
        #[arg(long, value_name = "URL")]
        issuer: String,
        /// The provider's own id of the person, its `sub`
        #[arg(long, value_name = "SUB")]
        external: String,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Sign every browser out of an account
    SignOut {
        /// The account's login or id
        account: String,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Tokens for the JSON API
    #[command(subcommand)]
    Token(TokenCommand),
}

/// `accounts token`
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Create a token for an account; its secret is shown once
    #[command(
        after_help = "A token permits no more than the roles of its account do at the time it is used. With \
        `act-for-people` an application may name a person of the organisation in the header `fiducia-subject` and enter \
        that person's choices and requests; it takes an account with the role `tenant-admin`.\n\nExamples:\n  \
        fiducia accounts token create ada@hospital.example --name laptop --scope read --days 30\n  \
        fiducia accounts token create settings@hospital.example --name 'settings page' --scope read --scope write \
        --scope act-for-people"
    )]
    Create {
        /// The account's login or id
        account: String,
        /// What to call it
        #[arg(long)]
        name: String,
        /// What it permits; several times for several
        #[arg(long = "scope", value_name = "SCOPE", value_parser = api_scope(), required = true)]
        scopes: Vec<ApiScope>,
        /// For how many days it works
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=366))]
        days: u32,
        #[command(flatten)]
        data: DataOptions,
    },
    /// List tokens (never their secrets)
    List {
        /// Only of this account: its login or id
        #[arg(long, value_name = "ACCOUNT")]
        account: Option<String>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Revoke a token at once
    Revoke {
        /// The token's id
        token: ApiTokenId,
        #[command(flatten)]
        data: DataOptions,
    },
}
