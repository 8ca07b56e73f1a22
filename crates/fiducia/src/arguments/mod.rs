//! The command line. The help texts here are the manual: each command says what it does to the data and shows
//! examples that work.

mod access;
mod accounts;
mod audit;
mod certificates;
mod compliance;
mod consent;
mod holds;
mod installation;
mod ledger;
mod organizations;
mod policy;
mod records;
mod requests;
mod safety;
mod values;
mod webhooks;
mod witness;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use access::{AccessCommands, AccessOptions, AskArguments, LookArguments};
pub(crate) use accounts::{AccountsCommand, TokenCommand};
pub(crate) use audit::AuditCommand;
pub(crate) use certificates::CertificateCommand;
pub(crate) use compliance::{ComplianceCommand, ComplianceKeysCommand};
pub(crate) use consent::{CampaignsCommand, ChoiceOptions, ConsentCommand, NoticesCommand};
pub(crate) use holds::{CasesCommand, HoldsCommand};
pub(crate) use installation::{
    ConfigCommand, DemoArguments, DoctorArguments, ImportArguments, KeyfileCommand,
};
pub(crate) use ledger::{AuditArguments, LedgerCommand, LogKeyCommand, LogOptions};
pub(crate) use organizations::{
    KeysCommand, OrganizationKeyArguments, OrganizationsCommand, SubjectsCommand, TermsOptions,
    WorkspacesCommand,
};
pub(crate) use policy::{PolicyCommand, RetentionArguments, SweepArguments};
pub(crate) use records::{
    ConversationsCommand, FeedbackCommand, FlagsCommand, RecordsCommand, WishArguments,
};
pub(crate) use requests::{AgentOptions, RequestsCommand, StepOptions};
pub(crate) use safety::{EvaluationArguments, SafetyCommand};
pub(crate) use values::reasons_list;
pub(crate) use webhooks::WebhooksCommand;
pub(crate) use witness::{WitnessCommand, WitnessServeArguments};

const EXIT_CODES: &str = "Exit codes:
  0    done, and nothing was found wrong
  1    a check found something, input lines were rejected, or the command was refused
  2    the command line or the configuration cannot be used
  3    the data directory, a file or the ledger could not be read or written
  130  stopped by Ctrl-C before it was done; nothing that was acknowledged is lost

Start here:
  fiducia demo                        everything on this machine, with invented data
  fiducia keyfile create root.key     the key that protects a real installation
  fiducia config check fiducia.toml   what is wrong with a configuration, and how to fix it
  fiducia serve --config fiducia.toml";

/// Keeps the promises made about conversations with language models, and proves it.
#[derive(Debug, Parser)]
#[command(name = "fiducia", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway
    #[command(
        after_help = "Stops gracefully on SIGTERM or Ctrl-C: exchanges in flight finish first. A second signal ends it \
        at once; what was answered is kept even then.\n\nExamples:\n  fiducia serve --config /etc/fiducia/fiducia.toml\n  \
        FIDUCIA_CONFIG=/etc/fiducia/fiducia.toml fiducia serve"
    )]
    Serve(ConfigOption),
    /// Run everything on this machine with invented data and a scripted model, to try it out
    #[command(
        after_help = "Needs no configuration, no API key and no network. Everything it makes lies in the demo \
        directory; delete that directory to be rid of it.\n\nExample:\n  fiducia demo --conversations 50"
    )]
    Demo(DemoArguments),
    /// Check a configuration file
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Make the key that protects the data
    #[command(subcommand)]
    Keyfile(KeyfileCommand),
    /// Examine the configuration, the machine and the data, line by line, each with its fix
    #[command(after_help = "Example:\n  fiducia doctor --config /etc/fiducia/fiducia.toml --online")]
    Doctor(DoctorArguments),
    /// Organisations: tenants with keys and a ledger of their own
    #[command(subcommand)]
    Organizations(OrganizationsCommand),
    /// Workspaces: parts of an organisation with settings of their own
    #[command(subcommand)]
    Workspaces(WorkspacesCommand),
    /// Virtual keys: what applications present to the gateway
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Accounts: who signs in to the console, and what they may be there
    #[command(subcommand)]
    Accounts(AccountsCommand),
    /// The JSON API
    #[command(subcommand)]
    Api(ApiCommand),
    /// The Compliance API, for audit and security programs
    #[command(subcommand)]
    Compliance(ComplianceCommand),
    /// Webhooks: endpoints to which what happens in an organisation is sent
    #[command(subcommand)]
    Webhooks(WebhooksCommand),
    /// Sealed records: list, read with a reason, destroy
    #[command(subcommand)]
    Records(RecordsCommand),
    /// Read what is others' in sessions: ask, agree, look, end, review
    #[command(subcommand)]
    Access(AccessCommands),
    /// Conversations, without their content: list, and what their person wishes with them
    #[command(subcommand)]
    Conversations(ConversationsCommand),
    /// The people whose conversations are kept
    #[command(subcommand)]
    Subjects(SubjectsCommand),
    /// People's requests about their data: access, erasure and the others, with their legal clocks
    #[command(subcommand)]
    Requests(RequestsCommand),
    /// What people chose about the uses they are asked about, and their receipts
    #[command(subcommand)]
    Consent(ConsentCommand),
    /// Notices: what people are shown when they are asked
    #[command(subcommand)]
    Notices(NoticesCommand),
    /// Campaigns: a question to many people, with a date by which silence is a no
    #[command(subcommand)]
    Campaigns(CampaignsCommand),
    /// Findings of misuse, for which content is kept
    #[command(subcommand)]
    Flags(FlagsCommand),
    /// Feedback of people, for which a conversation is kept
    #[command(subcommand)]
    Feedback(FeedbackCommand),
    /// Investigations, for which content is kept
    #[command(subcommand)]
    Cases(CasesCommand),
    /// Legal holds: what must not be destroyed
    #[command(subcommand)]
    Holds(HoldsCommand),
    /// The policy that decides how long things are kept
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// The worker that destroys what has ended
    #[command(subcommand)]
    Retention(RetentionArguments),
    /// Audit reports: what this installation can show for each promise, signed and in the log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// The detectors of the safeguards
    #[command(subcommand)]
    Safety(SafetyCommand),
    /// Witness the logs of others, so that a rewritten history is seen
    #[command(subcommand)]
    Witness(WitnessCommand),
    /// Import conversations from a file of JSON lines
    #[command(
        after_help = "Each line is `{\"id\": \"…\", \"messages\": [{\"role\": \"user\", \"content\": \"…\"}, …]}`; plain or \
        gzip. Memory stays bounded however large the file is.\n\nCtrl-C finishes the piece in flight; the same command then \
        continues where it stopped, also after a crash: an import is known by the digest of its file.\n\nExamples:\n  \
        fiducia import conversations.jsonl.gz --organization hospital\n  fiducia import chats.jsonl --organization hospital \
        --rejects rejected.txt --allow-rejects"
    )]
    Import(ImportArguments),
    /// Check and read the transparency log; needs files only, no server and no keys
    #[command(subcommand)]
    Ledger(LedgerCommand),
    /// Certificates of destruction: list, hand out, verify
    #[command(subcommand)]
    Certificate(CertificateCommand),
    /// Destroy the keys of what has ended, and purge what nothing keeps any more
    #[command(
        after_help = "`serve` does this by itself (data.sweep_interval_minutes); run it by hand after downtime. `fiducia \
        retention preview` says beforehand what it would do.\n\nCtrl-C stops after the step in hand; the next sweep goes \
        on there.\n\nExamples:\n  fiducia sweep\n  fiducia sweep --limit 100000 --json"
    )]
    Sweep(SweepArguments),
}

/// `api`
#[derive(Debug, Subcommand)]
pub(crate) enum ApiCommand {
    /// Print the OpenAPI document, the same that a server gives at `/api/v1/openapi.json`
    #[command(after_help = "Example:\n  fiducia api schema > openapi.json")]
    Schema,
}

/// Where the configuration is.
#[derive(Debug, Clone, Args)]
pub(crate) struct ConfigOption {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "FIDUCIA_CONFIG", default_value = "fiducia.toml")]
    pub(crate) config: PathBuf,
}

/// What every command on data takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct DataOptions {
    #[command(flatten)]
    pub(crate) file: ConfigOption,
    /// Print JSON for machines instead of text for people
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_tree_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_has_help_for_itself_and_its_arguments() {
        fn visit(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{} has no help", command.get_name());
            for argument in command.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{} {} has no help",
                    command.get_name(),
                    argument.get_id()
                );
            }
            command.get_subcommands().for_each(visit);
        }
        visit(&Arguments::command());
    }
}
