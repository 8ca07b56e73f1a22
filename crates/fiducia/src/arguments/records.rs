//! `records`, `conversations`: what is kept.

use clap::{Args, Subcommand};
use fiducia_custody::{ContentScope, DestructionScope};
use fiducia_policy::{AccessReason, ConversationId, GroundKind, RecordId, SubjectId, WarningId};

use super::DataOptions;
use super::values::{content, ground, readable, reason, reasons_help};

/// `records`
#[derive(Debug, Subcommand)]
pub(crate) enum RecordsCommand {
    /// Say why a record is kept, until when and by which rules, and whether each path to it is still there
    #[command(
        after_help = "Reads no content and needs no reason.\n\nExample:\n  fiducia records explain rec_0199…"
    )]
    Explain {
        /// The record, as `records list` shows it
        record: RecordId,
        #[command(flatten)]
        data: DataOptions,
    },
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
        /// For which ground's purpose you read; the closest that goes with the reason when absent
        #[arg(long, value_parser = ground())]
        ground: Option<GroundKind>,
        /// Show as it is what was flagged, once you saw it blurred under the same ticket within a day. The log has this look too
        #[arg(long)]
        reveal: bool,
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
        /// Also those that their person deleted, which are hidden otherwise
        #[arg(long)]
        deleted: bool,
        /// At most this many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        /// Continue after this conversation
        #[arg(long, value_name = "CONVERSATION")]
        after: Option<ConversationId>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Delete a conversation as its person: hidden now, destroyed when the policy says
    #[command(
        after_help = "Says when. Until then `conversations restore` takes it back. To destroy at once use `records \
        delete`.\n\nExample:\n  fiducia conversations delete conv_0199…"
    )]
    Delete(WishArguments),
    /// Take a deletion back, as long as the keys are there
    #[command(after_help = "Example:\n  fiducia conversations restore conv_0199…")]
    Restore(WishArguments),
    /// Keep a conversation beyond its end, where the plan lets its person do that
    #[command(after_help = "Example:\n  fiducia conversations keep conv_0199…")]
    Keep(WishArguments),
    /// Keep every conversation that a warning was about, as its person answered
    #[command(
        after_help = "The number stands in the mail. What went on, was kept or was deleted since is left alone.\n\nExample:\n  \
        fiducia conversations keep-warned warning_0199…"
    )]
    KeepWarned {
        /// The warning
        warning: WarningId,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Do not keep a conversation beyond its end any more
    #[command(after_help = "Example:\n  fiducia conversations let-go conv_0199…")]
    LetGo(WishArguments),
    /// Give a conversation a tag, or take it away; legal holds can name tags
    #[command(
        after_help = "Taking a tag away lets go of nothing that a hold has taken in.\n\nExamples:\n  fiducia conversations \
        tag conv_0199… 'project aurora'\n  fiducia conversations tag conv_0199… 'project aurora' --remove"
    )]
    Tag {
        /// The conversation
        conversation: ConversationId,
        /// The tag, 1 to 128 characters
        tag: String,
        /// Take it away
        #[arg(long)]
        remove: bool,
        #[command(flatten)]
        data: DataOptions,
    },
}

/// A conversation its person wishes something with.
#[derive(Debug, Clone, Args)]
pub(crate) struct WishArguments {
    /// The conversation, as `conversations list` shows it
    pub(crate) conversation: ConversationId,
    #[command(flatten)]
    pub(crate) data: DataOptions,
}

/// `flags`
#[derive(Debug, Subcommand)]
pub(crate) enum FlagsCommand {
    /// Note that content violates a rule: it is kept for that as long as the policy says
    #[command(
        after_help = "Examples:\n  fiducia flags add conv_0199… --category spam\n  fiducia flags add rec_0199… --category \
        malware --score 0.97"
    )]
    Add {
        /// A conversation (conv_…) or one record (rec_…)
        #[arg(value_parser = content)]
        content: ContentScope,
        /// What was found, 1 to 128 characters. It goes into the ledger: no personal data
        #[arg(long)]
        category: String,
        /// How sure a classifier is, 0 to 1
        #[arg(long)]
        score: Option<f64>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// List findings
    #[command(after_help = "Example:\n  fiducia flags list conv_0199…")]
    List {
        /// Only in this conversation
        conversation: Option<ConversationId>,
        #[command(flatten)]
        data: DataOptions,
    },
}

/// `feedback`
#[derive(Debug, Subcommand)]
pub(crate) enum FeedbackCommand {
    /// Note that its person gave feedback on a conversation, which is kept for it as long as the policy says
    #[command(after_help = "Example:\n  fiducia feedback give conv_0199…")]
    Give(WishArguments),
}
