//! `access`: reading what is others', in sessions.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use fiducia_policy::{
    AccessReason, AccessRemark, AccessSessionId, CaseId, ConversationId, GroundKind, HoldId, RecordId,
};

use super::DataOptions;
use super::values::{ground, one_required, reason};

/// Who gives the command, and where the data is.
#[derive(Debug, Clone, Args)]
pub(crate) struct AccessOptions {
    /// A file with the token of your account; without one, and without FIDUCIA_TOKEN, you act as the operator of this machine
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataOptions,
}

/// A session and who gives the command.
#[derive(Debug, Clone, Args)]
pub(crate) struct SessionArguments {
    /// The session, as `access list` shows it
    pub(crate) session: AccessSessionId,
    #[command(flatten)]
    pub(crate) options: AccessOptions,
}

/// `access request`
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("scope").args(["conversation", "records", "case", "hold"]).required(true).multiple(false))]
pub(crate) struct AskArguments {
    /// Read this conversation
    #[arg(long, value_name = "CONVERSATION")]
    pub(crate) conversation: Option<ConversationId>,
    /// Read this record, repeatable
    #[arg(long = "record", value_name = "RECORD")]
    pub(crate) records: Vec<RecordId>,
    /// Read what was taken into this investigation
    #[arg(long)]
    pub(crate) case: Option<CaseId>,
    /// Read what this legal hold holds
    #[arg(long)]
    pub(crate) hold: Option<HoldId>,
    /// Why you read; `records show --help` lists the reasons
    #[arg(long, value_parser = reason)]
    pub(crate) reason: AccessReason,
    /// The case or ticket number: 1 to 64 of A-Z a-z 0-9 . _ -
    #[arg(long)]
    pub(crate) ticket: String,
    /// For which ground's purpose; what goes with the reason when absent
    #[arg(long, value_parser = ground())]
    pub(crate) ground: Option<GroundKind>,
    /// For how many minutes, from the opening on
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=1_440))]
    pub(crate) minutes: u32,
    /// This is an emergency: two others must agree, administrators are told at once, and it is reviewed afterwards
    #[arg(long)]
    pub(crate) break_glass: bool,
    #[command(flatten)]
    pub(crate) options: AccessOptions,
}

/// What of a session's scope is looked at.
#[derive(Debug, Args)]
pub(crate) struct LookArguments {
    /// The session, as `access list` shows it
    pub(crate) session: AccessSessionId,
    /// At this conversation of what the session is about
    #[arg(long, value_name = "CONVERSATION")]
    pub(crate) conversation: Option<ConversationId>,
    /// At this record, repeatable
    #[arg(long = "record", value_name = "RECORD")]
    pub(crate) records: Vec<RecordId>,
    /// At the records after this one
    #[arg(long, value_name = "RECORD")]
    pub(crate) after: Option<RecordId>,
    #[command(flatten)]
    pub(crate) options: AccessOptions,
}

/// `access`
#[derive(Debug, Subcommand)]
pub(crate) enum AccessCommands {
    /// Ask to read. The session opens at once where nobody else must agree
    #[command(
        after_help = "The access policies decide (`fiducia policy access`). Where they, or the organisation's lockbox, want an \
        administrator to agree, the session waits for that for 12 hours; no answer is a no. In an emergency \
        (--break-glass) two others must agree, the session opens one conversation or at most 20 records for at most an hour, \
        the administrators are told at once, and somebody who took no part reviews it within three days.\n\nExamples:\n  \
        fiducia access request --case case_0199… --reason safety_review --ticket CASE-1042\n  fiducia access request \
        --conversation conv_0199… --reason customer_support --ticket T-17 --minutes 30 --token-file me.token"
    )]
    Request(AskArguments),
    /// List sessions, newest first
    #[command(after_help = "Example:\n  fiducia access list --live")]
    List {
        /// Only of this organisation: its name or id
        #[arg(long, value_name = "NAME|ID")]
        organization: Option<String>,
        /// Only those that wait, are open or are to be reviewed
        #[arg(long)]
        live: bool,
        /// At most this many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        #[command(flatten)]
        options: AccessOptions,
    },
    /// Show a session, and the conversations that it is about
    #[command(after_help = "Example:\n  fiducia access show access_0199…")]
    Show(SessionArguments),
    /// Agree to somebody else's session
    #[command(
        after_help = "Nobody agrees to their own, and in an emergency nobody agrees twice. It takes the token of an account whose \
        role may: whoever works at the machine agrees to nothing.\n\nExample:\n  fiducia access approve access_0199… --token-file \
        me.token"
    )]
    Approve {
        /// Why: 1 to 500 characters. Kept sealed, and shown to whoever may see the session
        #[arg(long, value_name = "TEXT")]
        remark: Option<AccessRemark>,
        #[command(flatten)]
        arguments: SessionArguments,
    },
    /// Say no to somebody else's session, and why
    #[command(
        after_help = "Example:\n  fiducia access deny access_0199… --remark 'the ticket is closed' --token-file me.token"
    )]
    Deny {
        /// Why: 1 to 500 characters. Kept sealed, and shown to whoever may see the session
        #[arg(long, value_name = "TEXT")]
        remark: AccessRemark,
        #[command(flatten)]
        arguments: SessionArguments,
    },
    /// Take your own session back while it waits
    #[command(after_help = "Example:\n  fiducia access withdraw access_0199… --token-file me.token")]
    Withdraw(SessionArguments),
    /// Look in an open session of yours. The entry is durable before anything is decrypted
    #[command(
        after_help = "What was flagged is shown blurred first: every letter and digit replaced. `access reveal` shows it as it \
        is, which is an entry of its own.\n\nExample:\n  fiducia access read access_0199… --conversation conv_0199…"
    )]
    Read(LookArguments),
    /// Show as it is what was looked at blurred
    #[command(after_help = "Example:\n  fiducia access reveal access_0199… --record rec_0199…")]
    Reveal(LookArguments),
    /// End a session: yours, or as an administrator another's
    #[command(after_help = "Example:\n  fiducia access end access_0199…")]
    End(SessionArguments),
    /// Review an emergency that you took no part in
    #[command(group = one_required("finding", ["justified", "not_justified"]))]
    #[command(
        after_help = "Example:\n  fiducia access review access_0199… --justified --remark 'a child was in danger' --token-file \
        me.token"
    )]
    Review {
        /// The emergency justified what was read
        #[arg(long)]
        justified: bool,
        /// It did not
        #[arg(long)]
        not_justified: bool,
        /// Why it did or did not: 1 to 500 characters. Kept sealed, and shown to whoever may see the session
        #[arg(long, value_name = "TEXT")]
        remark: AccessRemark,
        #[command(flatten)]
        arguments: SessionArguments,
    },
    /// Say whether the organisation wants to agree to looks at what is its own, or change that
    #[command(
        after_help = "An administrator's token is needed to change it.\n\nExamples:\n  fiducia access lockbox hospital\n  fiducia \
        access lockbox hospital --on --token-file admin.token"
    )]
    Lockbox {
        /// The organisation's name or id
        #[arg(value_name = "ORGANIZATION")]
        organization: String,
        /// From now on an administrator must agree to each session
        #[arg(long, conflicts_with = "off")]
        on: bool,
        /// From now on the access policies alone decide
        #[arg(long)]
        off: bool,
        #[command(flatten)]
        options: AccessOptions,
    },
    /// What the organisation's administrators are told about sessions, newest first
    #[command(after_help = "Example:\n  fiducia access notices hospital --token-file admin.token")]
    Notices {
        /// The organisation's name or id
        #[arg(value_name = "ORGANIZATION")]
        organization: String,
        /// At most this many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        #[command(flatten)]
        options: AccessOptions,
    },
}
