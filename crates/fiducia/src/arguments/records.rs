//! `records`, `conversations`: what is kept.

use clap::Subcommand;
use fiducia_custody::DestructionScope;
use fiducia_policy::{AccessReason, ConversationId, GroundKind, SubjectId};

use super::DataOptions;
use super::values::{ground, readable, reason, reasons_help};

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
        #[arg(value_parser = readable)]
        target: DestructionScope,
        /// Why you read. The list stands below
        #[arg(long, value_parser = reason)]
        reason: Option<AccessReason>,
        /// A case or ticket number: 1 to 64 of A-Z a-z 0-9 . _ -
        #[arg(long)]
        ticket: Option<String>,
        /// For which ground's purpose you read
        #[arg(long, value_parser = ground(), default_value_t = GroundKind::Service)]
        ground: GroundKind,
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
        #[arg(value_parser = readable)]
        target: DestructionScope,
        /// Do not ask for confirmation
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        data: DataOptions,
    },
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
