//! The command line. The help texts here are the manual: each command says what it does to the data and shows
//! examples that work.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use fiducia_custody::{DestructionScope, Scope};
use fiducia_policy::{
    AccessReason, ConversationId, GroundKind, RecordId, SubjectId, Timestamp, VirtualKeyId,
};

use crate::commands::PolicyCommand;

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
    /// Virtual keys: what applications present to the gateway
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Sealed records: list, read with a reason, destroy
    #[command(subcommand)]
    Records(RecordsCommand),
    /// Conversations, without their content
    #[command(subcommand)]
    Conversations(ConversationsCommand),
    /// The people whose conversations are kept
    #[command(subcommand)]
    Subjects(SubjectsCommand),
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
    /// Policies: what is kept, why and until when. Works on files, without a server
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Close safety windows that have ended and purge what nothing keeps any more
    #[command(
        after_help = "`serve` does this by itself (data.sweep_interval_minutes); run it by hand after downtime.\n\n\
        Example:\n  fiducia sweep --json"
    )]
    Sweep(DataOptions),
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

/// `demo`
#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArguments {
    /// Where the demo keeps its data. A demo that is there already continues with what it holds
    #[arg(long, value_name = "DIRECTORY", default_value = "demo-data")]
    pub(crate) directory: PathBuf,
    /// Address of the gateway, on this machine only. Port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4100")]
    pub(crate) listen: SocketAddr,
    /// Address of health, metrics and ledger files, on this machine only. Port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4101")]
    pub(crate) operations: SocketAddr,
    /// How many invented conversations to import
    #[arg(long, value_name = "NUMBER", default_value_t = 200, value_parser = clap::value_parser!(u32).range(0..=10_000))]
    pub(crate) conversations: u32,
}

/// `config`
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Report everything that is wrong with a configuration file, without starting anything
    #[command(after_help = "Example:\n  fiducia config check /etc/fiducia/fiducia.toml")]
    Check {
        /// The configuration file, as `--config` names it elsewhere
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        #[command(flatten)]
        config: ConfigOption,
    },
}

/// `keyfile`
#[derive(Debug, Subcommand)]
pub(crate) enum KeyfileCommand {
    /// Write 32 random bytes to a new file that only you may read
    #[command(
        after_help = "Keep it apart from the data directory and from its backups, and keep a copy in a safe place: \
        who has both can read everything, who loses it can read nothing any more. An existing file is never overwritten.\
        \n\nExample:\n  fiducia keyfile create /etc/fiducia/root.key"
    )]
    Create {
        /// Where to write it
        #[arg(value_name = "PATH")]
        path: PathBuf,
    },
}

/// `doctor`
#[derive(Debug, Clone, Args)]
pub(crate) struct DoctorArguments {
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// Also connect to each provider (TCP only; no request is sent)
    #[arg(long)]
    pub(crate) online: bool,
}

/// `organizations`
#[derive(Debug, Subcommand)]
pub(crate) enum OrganizationsCommand {
    /// Create an organisation, its keys and its ledger
    #[command(
        after_help = "Prints the ledger's verifier key. Keep it outside of this machine: a log that is checked with a key \
        from the same disk proves less.\n\nExamples:\n  fiducia organizations create hospital\n  fiducia organizations create \
        school --safety-window-days 30 --safety-window-survives-deletion\n  fiducia organizations create bank --retention zero"
    )]
    Create {
        /// Its name, unique, 1 to 128 characters
        name: String,
        /// Whether conversations are kept, or no content is written anywhere
        #[arg(long, value_enum, default_value_t = RetentionArgument::Kept)]
        retention: RetentionArgument,
        /// Days for which records are kept to look for misuse; 0 for none
        #[arg(long, value_name = "DAYS", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=3_650))]
        safety_window_days: u32,
        /// Keep records within the safety window even when the person deletes them
        #[arg(long)]
        safety_window_survives_deletion: bool,
        #[command(flatten)]
        data: DataOptions,
    },
    /// List organisations
    List {
        #[command(flatten)]
        data: DataOptions,
    },
}

/// Whether conversations are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RetentionArgument {
    /// Exchanges are kept under their grounds.
    Kept,
    /// No content is written anywhere.
    Zero,
}

/// `keys`
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Create a virtual key; its secret is shown once, on standard output
    #[command(
        after_help = "Examples:\n  fiducia keys create --organization hospital --subject ward-7\n  fiducia keys create \
        --organization hospital --subject portal --scope inference --scope act-for-subjects --expires-at 2027-01-01T00:00:00Z"
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
        /// When it stops working, RFC 3339; never when absent
        #[arg(long, value_name = "TIME", value_parser = parse_instant)]
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

/// `records`
#[derive(Debug, Subcommand)]
pub(crate) enum RecordsCommand {
    /// List records without their content: of one conversation, or of the latest ones
    List {
        /// The conversation; the latest ones when absent
        conversation: Option<ConversationId>,
        /// How many of the latest conversations, when none is named
        #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        conversations: u32,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Read records. Who, what and why is in the ledger, durably, before anything is decrypted
    #[command(after_help = reasons_help())]
    Show {
        /// A conversation (conv_…) or one record (rec_…)
        #[arg(value_parser = parse_readable)]
        target: DestructionScope,
        /// Why you read. The list stands below
        #[arg(long, value_parser = parse_reason)]
        reason: Option<AccessReason>,
        /// A case or ticket number: 1 to 64 of A-Z a-z 0-9 . _ -
        #[arg(long)]
        ticket: Option<String>,
        /// For which ground's purpose you read
        #[arg(long, value_enum, default_value_t = GroundArgument::Service)]
        ground: GroundArgument,
        /// Print the stored bytes instead of the messages. Control characters are shown as escapes; `--json` is exact
        #[arg(long)]
        raw: bool,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Destroy the keys of a conversation or record, purge its bytes, and read back that it is gone
    #[command(
        after_help = "What another ground still keeps is listed with its date. There is no undo.\n\nExample:\n  \
        fiducia records delete conv_0199… --yes"
    )]
    Delete {
        /// A conversation (conv_…) or one record (rec_…)
        #[arg(value_parser = parse_readable)]
        target: DestructionScope,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        data: DataOptions,
    },
}

/// The grounds on which people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GroundArgument {
    /// The conversation is kept for the person who has it.
    Service,
    /// The record is kept for misuse detection.
    SafetyWindow,
}

impl From<GroundArgument> for GroundKind {
    fn from(argument: GroundArgument) -> Self {
        match argument {
            GroundArgument::Service => Self::Service,
            GroundArgument::SafetyWindow => Self::SafetyWindow,
        }
    }
}

/// `conversations`
#[derive(Debug, Subcommand)]
pub(crate) enum ConversationsCommand {
    /// List conversations, newest first
    List {
        /// Only of this organisation: its name or id
        #[arg(long, value_name = "NAME|ID")]
        organization: Option<String>,
        /// Only of this subject
        #[arg(long)]
        subject: Option<SubjectId>,
        /// At most this many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        /// Continue after this conversation
        #[arg(long, value_name = "CONVERSATION")]
        after: Option<ConversationId>,
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

/// `import`
#[derive(Debug, Clone, Args)]
pub(crate) struct ImportArguments {
    /// A file of JSON lines, plain or gzip
    #[arg(value_name = "FILE.jsonl[.gz]")]
    pub(crate) file: PathBuf,
    /// Into which organisation: its name or id
    #[arg(long, value_name = "NAME|ID")]
    pub(crate) organization: String,
    /// The subject whose conversations these are, by your own name for it
    #[arg(long, default_value = "import")]
    pub(crate) subject: String,
    /// Write the rejected lines' numbers and reasons to this file instead of standard error; never their content
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// Exit with 0 even when lines were rejected
    #[arg(long)]
    pub(crate) allow_rejects: bool,
    #[command(flatten)]
    pub(crate) data: DataOptions,
}

/// Which log.
#[derive(Debug, Clone, Args)]
pub(crate) struct LogOptions {
    #[command(flatten)]
    pub(crate) data: DataOptions,
    /// Read a copy of the log files in this directory instead of the configured data directory
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) directory: Option<PathBuf>,
    /// The organisation's id; every log when absent
    #[arg(long, value_name = "ID")]
    pub(crate) organization: Option<fiducia_policy::OrganizationId>,
    /// The verifier key (`name+hash+base64`) that you keep elsewhere. Without it the key stored beside the log is used,
    /// which proves less
    #[arg(long, value_name = "VKEY")]
    pub(crate) key: Option<String>,
}

/// `ledger`
#[derive(Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Recompute every hash and signature of the log, and name the place of anything that does not fit
    #[command(
        after_help = "Examples:\n  fiducia ledger verify\n  fiducia ledger verify --directory ./copy --key \
        'ledger.example.org/…+…+…'"
    )]
    Verify(LogOptions),
    /// Write a proof that an entry is in the log, which anyone can check without this program
    #[command(
        after_help = "The file follows c2sp.org/tlog-proof@v1.\n\nExample:\n  fiducia ledger prove --index 7 --out 7.tlog-proof"
    )]
    Prove {
        #[command(flatten)]
        log: LogOptions,
        /// The entry's index, from 0
        #[arg(long, conflicts_with = "event", required_unless_present = "event")]
        index: Option<u64>,
        /// The entry's event id
        #[arg(long)]
        event: Option<String>,
        /// Write to this file instead of standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Print the signed checkpoint, to keep elsewhere: a log cannot be rewritten unseen past a checkpoint someone kept
    Checkpoint(LogOptions),
    /// Print the log's entries
    #[command(after_help = "Example:\n  fiducia ledger tail --from 100 --follow --json")]
    Tail {
        #[command(flatten)]
        log: LogOptions,
        /// Begin with this entry; with the last 20 when absent
        #[arg(long, value_name = "INDEX")]
        from: Option<u64>,
        /// Go on printing entries as they are published, until Ctrl-C
        #[arg(long)]
        follow: bool,
    },
}

fn parse_readable(text: &str) -> Result<DestructionScope, String> {
    let by_record = || text.parse::<RecordId>().map(DestructionScope::Record);
    let by_conversation = || text.parse::<ConversationId>().map(DestructionScope::Conversation);
    let parsed = if text.starts_with(RecordId::PREFIX) {
        by_record()
    } else if text.starts_with(ConversationId::PREFIX) {
        by_conversation()
    } else {
        return Err("expected a conversation (conv_…) or a record (rec_…)".into());
    };
    parsed.map_err(|error| error.to_string())
}

fn parse_reason(text: &str) -> Result<AccessReason, String> {
    text.parse::<AccessReason>().map_err(|error| error.to_string())
}

fn parse_instant(text: &str) -> Result<Timestamp, String> {
    text.parse().map_err(|_| "this is no instant; write one such as 2027-01-01T00:00:00Z".to_owned())
}

/// The reasons for reading, one a line, for the help and for the error when none was given.
pub(crate) fn reasons_list() -> String {
    let line = |reason: &AccessReason| format!("  {:<32}{}", reason.name(), explain(*reason));
    AccessReason::ALL.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn reasons_help() -> String {
    format!(
        "Reasons:\n{}\n\nExample:\n  fiducia records show conv_0199… --reason customer_support --ticket CASE-1042",
        reasons_list()
    )
}

const fn explain(reason: AccessReason) -> &'static str {
    match reason {
        AccessReason::SafetyReview => "viewed in a policy or safety investigation",
        AccessReason::IncidentResponse => "viewed while handling an incident that affects the organisation",
        AccessReason::PolicyViolationInvestigation => "looked at as part of a case about a violation",
        AccessReason::CsaeReport => "evidence of child sexual abuse or exploitation",
        AccessReason::SubjectRequest => "answering a request of the person the data is about",
        AccessReason::CustomerSupport => "the customer asked for help with this record",
        AccessReason::LegalObligation => "a court order or another duty in law",
    }
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

    #[test]
    fn targets_are_told_apart_by_their_prefix() {
        let uuid = "01990000-0000-7000-8000-000000000000";
        assert!(matches!(parse_readable(&format!("rec_{uuid}")), Ok(DestructionScope::Record(_))));
        assert!(matches!(parse_readable(&format!("conv_{uuid}")), Ok(DestructionScope::Conversation(_))));
        assert!(parse_readable(uuid).unwrap_err().contains("conv_"));
        assert!(parse_readable("rec_nonsense").is_err());
    }

    #[test]
    fn every_reason_stands_in_the_help() {
        assert!(AccessReason::ALL.iter().all(|reason| reasons_help().contains(reason.name())));
    }
}
