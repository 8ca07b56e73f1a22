//! `requests`: what people ask about their data.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use fiducia_policy::{
    ConversationId, ExtensionReason, GroundKind, IdentityMethod, RefusalReason, Regime, RequestKind,
    RightsRequestId, SubjectId, Timestamp,
};

use super::DataOptions;
use super::values::{
    extension_reason, ground, identity_method, instant, one_required, refusal_reason, regime, request_kind,
};

/// Who asks for another person.
#[derive(Debug, Clone, Args)]
pub(crate) struct AgentOptions {
    /// Somebody else asks for the person: their name
    #[arg(long, value_name = "NAME", requires = "mandate")]
    pub(crate) agent: Option<String>,
    /// The mandate that the agent showed; its SHA-256 is kept, not the file
    #[arg(
        long,
        value_name = "FILE",
        requires = "agent",
        requires = "mandate_from",
        requires = "mandate_covers"
    )]
    pub(crate) mandate: Option<PathBuf>,
    /// What the mandate covers, repeatable
    #[arg(long, value_name = "KIND", requires = "mandate", value_parser = request_kind())]
    pub(crate) mandate_covers: Vec<RequestKind>,
    /// The mandate is valid from this instant on, RFC 3339
    #[arg(long, value_name = "TIME", requires = "mandate", value_parser = instant)]
    pub(crate) mandate_from: Option<Timestamp>,
    /// The mandate is valid until this instant, RFC 3339
    #[arg(long, value_name = "TIME", requires = "mandate", value_parser = instant)]
    pub(crate) mandate_until: Option<Timestamp>,
}

/// What every step takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct StepOptions {
    /// The request, as `requests list` shows it
    pub(crate) request: RightsRequestId,
    /// A note for the staff, at most 512 characters; nothing that was shown as a proof of identity
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
    #[command(flatten)]
    pub(crate) data: DataOptions,
}

/// `requests`
#[expect(clippy::large_enum_variant, reason = "one is read from the command line, and none is kept")]
#[derive(Debug, Subcommand)]
pub(crate) enum RequestsCommand {
    /// Take a request in: its clock starts with its arrival
    #[command(
        after_help = "Kinds: access and export (a copy), correction, restriction (kept, not used), objection (to uses that rest on \
        a legitimate interest), erasure, opt-out (of sale, sharing and training), complaint.\n\nOf several laws the earliest clock \
        counts; without --regime those of the policy apply. The policy's table [rights] holds every number.\n\nThe same \
        --submission with the same content makes one request, however often the command is run.\n\nExamples:\n  fiducia requests \
        open subject_0199… access --regime gdpr --submission letter-4711 --received 2026-03-02T09:00:00Z\n  fiducia requests open \
        subject_0199… correction --conversation conv_0199… --statement statement.txt\n  fiducia requests open subject_0199… \
        erasure --agent 'Ann Agent' --mandate mandate.pdf --mandate-covers erasure --mandate-from 2026-01-01T00:00:00Z"
    )]
    Open {
        /// About whom, as `subjects list` shows them
        subject: SubjectId,
        /// What is asked
        #[arg(value_parser = request_kind())]
        kind: RequestKind,
        /// The law, repeatable; those of the policy when absent
        #[arg(long = "regime", value_name = "LAW", value_parser = regime())]
        regimes: Vec<Regime>,
        /// The sender's own key for this submission, 1 to 128 visible ASCII characters; each run makes a request when absent
        #[arg(long, value_name = "KEY")]
        submission: Option<String>,
        /// When it arrived, RFC 3339; now when absent
        #[arg(long, value_name = "TIME", value_parser = instant)]
        received: Option<Timestamp>,
        #[command(flatten)]
        agent: AgentOptions,
        /// For a correction: the conversation it is about
        #[arg(long, value_name = "CONVERSATION")]
        conversation: Option<ConversationId>,
        /// For a correction: a file with the person's own words, `-` for standard input; they are sealed
        #[arg(long, value_name = "FILE")]
        statement: Option<PathBuf>,
        /// For a correction: the name by which the application knows the person from now on
        #[arg(long, value_name = "NAME")]
        new_name: Option<String>,
        /// For an objection: to this ground, repeatable; to all that rest on a legitimate interest when absent
        #[arg(long = "ground", value_name = "GROUND", value_parser = ground())]
        grounds: Vec<GroundKind>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// List open requests in the order in which to work on them
    #[command(
        after_help = "The earliest due date comes first. People on paid plans are moved forward as long as that makes nobody \
        late; the policy's `paid_first` turns that off.\n\nExamples:\n  fiducia requests list --organization hospital\n  fiducia \
        requests list --closed --json"
    )]
    List {
        /// Only to this organisation: its name or id
        #[arg(long, value_name = "ORGANIZATION")]
        organization: Option<String>,
        /// Also those that are closed, behind the open ones
        #[arg(long)]
        closed: bool,
        /// At most this many
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Show one request: its clock, its audit, what is in the way, and what was done
    #[command(after_help = "Example:\n  fiducia requests show request_0199…")]
    Show {
        /// The request, as `requests list` shows it
        request: RightsRequestId,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Note that the person was told that the request arrived
    #[command(after_help = "Example:\n  fiducia requests confirm request_0199…")]
    Confirm {
        #[command(flatten)]
        step: StepOptions,
    },
    /// Note that it is known who asks, or that they were asked to show it
    #[command(group = one_required("identity", ["method", "asked"]))]
    #[command(
        after_help = "How, when and by whom is kept; what was shown never is. The clock runs on meanwhile: no law counts on us to be \
        slow.\n\nExamples:\n  fiducia requests identify request_0199… --asked\n  fiducia requests identify request_0199… --method \
        signed-in"
    )]
    Identify {
        #[command(flatten)]
        step: StepOptions,
        /// How it was made sure
        #[arg(long, value_parser = identity_method())]
        method: Option<IdentityMethod>,
        /// They were asked to show who they are
        #[arg(long)]
        asked: bool,
    },
    /// Note that somebody works on it
    #[command(after_help = "Example:\n  fiducia requests begin request_0199…")]
    Begin {
        #[command(flatten)]
        step: StepOptions,
    },
    /// Put the due date off, once, where every law that applies permits it
    #[command(
        after_help = "It counts only if the person was told of it, with the reason, inside the first period.\n\nExample:\n  fiducia \
        requests extend request_0199… --reason complexity --told 2026-03-20T10:00:00Z"
    )]
    Extend {
        #[command(flatten)]
        step: StepOptions,
        /// Why
        #[arg(long, value_parser = extension_reason())]
        reason: ExtensionReason,
        /// When the person was told, RFC 3339; now when absent
        #[arg(long, value_name = "TIME", value_parser = instant)]
        told: Option<Timestamp>,
    },
    /// Refuse it, with a reason and the ways to complain
    #[command(after_help = "Example:\n  fiducia requests refuse request_0199… --reason manifestly-unfounded")]
    Refuse {
        #[command(flatten)]
        step: StepOptions,
        /// Why
        #[arg(long, value_parser = refusal_reason())]
        reason: RefusalReason,
    },
    /// Carry it out, and say what was done
    #[command(
        after_help = "An erasure destroys keys and records at once and for good. What a legal hold or another ground keeps stays, and \
        the report says until when and why. A copy must have been made with `requests export` first.\n\nExamples:\n  fiducia \
        requests fulfil request_0199…\n  fiducia requests fulfil request_0199… --yes"
    )]
    Fulfil {
        #[command(flatten)]
        step: StepOptions,
        /// What was left undone and why, for the person
        #[arg(long, value_name = "TEXT")]
        left_undone: Option<String>,
        /// Do not ask before something is destroyed
        #[arg(long)]
        yes: bool,
    },
    /// Note that the person took it back
    #[command(after_help = "Example:\n  fiducia requests withdraw request_0199…")]
    Withdraw {
        #[command(flatten)]
        step: StepOptions,
    },
    /// End a restriction, after the person was told
    #[command(after_help = "Example:\n  fiducia requests lift request_0199… --told 2026-03-20T10:00:00Z")]
    Lift {
        #[command(flatten)]
        step: StepOptions,
        /// When the person was told that it ends, RFC 3339
        #[arg(long, value_name = "TIME", value_parser = instant)]
        told: Timestamp,
    },
    /// Write what is kept of the person to a file for them
    #[command(group = one_required("sealing", ["recipients", "unsealed"]))]
    #[command(
        after_help = "A ZIP that opens offline: index.html, JSON with a schema, why each record is kept, who looked at it, \
        certificates, checksums and proofs. The ledger names the records before they are opened.\n\nMany conversations make several \
        files, to be unpacked into one folder. A run that was cut off goes on behind the last whole file.\n\nWithout --out the \
        files lie in the data directory, encrypted (age v1), and go when the person is erased. The process that holds the data \
        writes them: with a running server that is the server.\n\nExamples:\n  fiducia requests export request_0199… --recipient \
        age1…\n  fiducia requests export request_0199… --unsealed --out /media/stick"
    )]
    Export {
        /// The request
        request: RightsRequestId,
        /// Encrypt it for this public key, repeatable
        #[arg(long = "recipient", value_name = "age1…")]
        recipients: Vec<String>,
        /// Do not encrypt it: whoever has the file can read it
        #[arg(long, requires = "out")]
        unsealed: bool,
        /// A folder outside of the data directory
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
        /// Conversations in one file
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
        per_file: Option<u32>,
        #[command(flatten)]
        data: DataOptions,
    },
}
