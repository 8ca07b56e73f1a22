//! `consent`, `notices`, `campaigns`: what people are asked, and what they chose.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use fiducia_policy::{
    CampaignId, ConsentId, ConsentKind, ConsentPurpose, Meanwhile, RetentionSpan, SubjectId, Timestamp,
};

use super::DataOptions;
use super::values::{instant, one_of};

fn purpose() -> impl clap::builder::TypedValueParser<Value = ConsentPurpose> {
    one_of(ConsentPurpose::ALL.map(ConsentPurpose::name))
}

fn kind() -> impl clap::builder::TypedValueParser<Value = ConsentKind> {
    one_of(ConsentKind::ALL.map(ConsentKind::name))
}

fn meanwhile() -> impl clap::builder::TypedValueParser<Value = Meanwhile> {
    one_of(Meanwhile::ALL.map(Meanwhile::name))
}

/// What every choice takes.
#[derive(Debug, Args)]
pub(crate) struct ChoiceOptions {
    /// Whose choice
    pub(crate) subject: SubjectId,
    /// About what
    #[arg(long, value_parser = purpose())]
    pub(crate) purpose: ConsentPurpose,
    /// Language of the notice that was shown, such as `en`
    #[arg(long, requires = "notice_version")]
    pub(crate) language: Option<String>,
    /// Version of the notice that was shown
    #[arg(long, value_name = "NUMBER", requires = "language")]
    pub(crate) notice_version: Option<u32>,
    /// In which way it came about
    #[arg(long, value_parser = kind(), default_value = "explicit")]
    pub(crate) kind: ConsentKind,
    /// Where the person was: the code of a country or a part of one, such as DE or US-CA
    #[arg(long)]
    pub(crate) region: Option<String>,
    /// Which variant of the screen was shown
    #[arg(long)]
    pub(crate) screen: Option<String>,
    /// The emergency that a retroactive consent is about: its case number
    #[arg(long)]
    pub(crate) emergency: Option<String>,
    /// A key of your own by which the same request is recognised when it comes again
    #[arg(long, value_name = "KEY")]
    pub(crate) request: Option<String>,
    #[command(flatten)]
    pub(crate) data: DataOptions,
}

/// `consent`
#[derive(Debug, Subcommand)]
pub(crate) enum ConsentCommand {
    /// Enter that a person said yes; your name stands beside it
    #[command(
        after_help = "A yes names the notice that was shown: the newest in its language. It opens the key path of that purpose \
        alone, for past and future conversations, incognito never.\n\nExample:\n  fiducia consent give subject_0199… \
        --purpose batch-training --language en --notice-version 1"
    )]
    Give(ChoiceOptions),
    /// Enter that a person said no
    #[command(after_help = "Example:\n  fiducia consent refuse subject_0199… --purpose research")]
    Refuse(ChoiceOptions),
    /// Enter that a person took a yes back: when this returns nothing more can be read for the purpose
    #[command(after_help = "Example:\n  fiducia consent withdraw subject_0199… --purpose batch-training")]
    Withdraw(ChoiceOptions),
    /// Where a person stands about every purpose
    #[command(after_help = "Example:\n  fiducia consent show subject_0199…")]
    Show {
        /// Who
        subject: SubjectId,
        #[command(flatten)]
        data: DataOptions,
    },
    /// What a person chose, newest first
    #[command(after_help = "Example:\n  fiducia consent history subject_0199… --limit 20")]
    History {
        /// Who
        subject: SubjectId,
        /// Only about this purpose
        #[arg(long, value_parser = purpose())]
        purpose: Option<ConsentPurpose>,
        /// Continue before this entry, by its sequence number
        #[arg(long, value_name = "NUMBER")]
        before: Option<u64>,
        /// At most this many rows
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Write a choice's receipt: JSON-LD with its signature and the proof of its entry in the log
    #[command(
        after_help = "Whoever gets the file checks it with `fiducia consent verify`, without this installation.\n\n\
        Example:\n  fiducia consent receipt consent_0199… --out receipt.json"
    )]
    Receipt {
        /// The choice, as `consent history` shows it
        id: ConsentId,
        /// Write to this file instead of standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Check a receipt with a verifier key that you kept; needs no data and no network
    #[command(
        after_help = "Example:\n  fiducia consent verify receipt.json --verifier-key 'ledger.example.org/…+…+…'"
    )]
    Verify {
        /// The receipt's file
        file: PathBuf,
        /// A verifier key (`name+hash+base64`) that you keep elsewhere; repeatable
        #[arg(long = "verifier-key", visible_alias = "key", value_name = "VKEY", required = true)]
        verifier_keys: Vec<String>,
        /// Print JSON for machines instead of text for people
        #[arg(long)]
        json: bool,
    },
    /// Enter many choices from a file of JSON lines; your name stands beside them
    #[command(
        after_help = "Each line is `{\"subject\": \"NAME\", \"purpose\": \"batch-training\", \"act\": \"give\", \"notice\": \
        {\"language\": \"en\", \"version\": 1}, \"request\": \"KEY\", \"at\": \"2026-01-10T12:00:00Z\"}`; `act` is give, refuse or \
        withdraw. With a `request` of its own on every line, the file can be imported again after an \
        interruption: what was entered is recognised.\n\nExample:\n  fiducia consent import choices.jsonl --organization shop"
    )]
    Import {
        /// The file
        file: PathBuf,
        /// Whose people: the organisation's name or id
        #[arg(long, value_name = "NAME|ID")]
        organization: String,
        #[command(flatten)]
        data: DataOptions,
    },
}

/// `notices`
#[derive(Debug, Subcommand)]
pub(crate) enum NoticesCommand {
    /// Publish a notice: what people are shown when they are asked. It never changes afterwards
    #[command(
        after_help = "The file is TOML; `policies/notices/batch-training.en.toml` is one to start from.\n\nExample:\n  fiducia \
        notices publish batch-training.en.toml"
    )]
    Publish {
        /// The notice's file
        file: PathBuf,
        #[command(flatten)]
        data: DataOptions,
    },
    /// List the notices that were published
    #[command(after_help = "Example:\n  fiducia notices list --purpose batch-training")]
    List {
        /// Only on this purpose
        #[arg(long, value_parser = purpose())]
        purpose: Option<ConsentPurpose>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Show a notice as it was published, and how hard it is to read
    #[command(after_help = "Example:\n  fiducia notices show batch-training en 1")]
    Show {
        /// On what
        #[arg(value_parser = purpose())]
        purpose: ConsentPurpose,
        /// In which language
        language: String,
        /// Which version
        version: u32,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Show in plain words what changed between two versions
    #[command(after_help = "Example:\n  fiducia notices diff batch-training en 1 2")]
    Diff {
        /// On what
        #[arg(value_parser = purpose())]
        purpose: ConsentPurpose,
        /// In which language
        language: String,
        /// The older version
        before: u32,
        /// The newer version
        after: u32,
        #[command(flatten)]
        data: DataOptions,
    },
}

/// `campaigns`
#[derive(Debug, Subcommand)]
pub(crate) enum CampaignsCommand {
    /// Ask an organisation's people, with a date by which silence is a no
    #[command(
        after_help = "The worker asks page by page. People on plans without a question are not asked, nor is who said yes to \
        this version, nor who said no within the last 12 months where the law says so or where the region is unknown.\n\n\
        Example:\n  fiducia campaigns open shop --purpose batch-training --notice-version 2 --deadline 2026-10-08T00:00:00Z \
        --reason 'policy 2' --reminder '14 days' --reminder '1 day'"
    )]
    Open {
        /// Whose people: the organisation's name or id
        #[arg(value_name = "ORGANIZATION")]
        organization: String,
        /// About what
        #[arg(long, value_parser = purpose())]
        purpose: ConsentPurpose,
        /// Which version of the notice they are shown
        #[arg(long, value_name = "NUMBER")]
        notice_version: u32,
        /// When silence becomes a no
        #[arg(long, value_parser = instant)]
        deadline: Timestamp,
        /// Why they are asked, such as the number of the new policy
        #[arg(long)]
        reason: String,
        /// What a standing yes is worth until the deadline
        #[arg(long, value_parser = meanwhile(), default_value = "continue")]
        meanwhile: Meanwhile,
        /// How long before the deadline people are reminded, such as '7 days'; repeatable
        #[arg(long = "reminder", value_name = "SPAN")]
        reminders: Vec<RetentionSpan>,
        /// Where nobody is asked again soon after a no; repeatable
        #[arg(long = "quiet-region", value_name = "REGION", default_value = "US-CA")]
        quiet_regions: Vec<String>,
        /// For how long, there
        #[arg(long, value_name = "SPAN", default_value = "12 months")]
        quiet: RetentionSpan,
        #[command(flatten)]
        data: DataOptions,
    },
    /// List campaigns, newest first
    #[command(after_help = "Example:\n  fiducia campaigns list")]
    List {
        #[command(flatten)]
        data: DataOptions,
    },
    /// How a campaign stands, by region and language
    #[command(after_help = "Example:\n  fiducia campaigns show campaign_0199…")]
    Show {
        /// Which
        campaign: CampaignId,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Who must be reminded now; whoever is listed counts as reminded
    #[command(after_help = "Example:\n  fiducia campaigns remind campaign_0199… --json")]
    Remind {
        /// Which
        campaign: CampaignId,
        /// At most this many people
        #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000))]
        limit: u32,
        #[command(flatten)]
        data: DataOptions,
    },
    /// End a campaign before its date: whoever has not answered has said no
    #[command(after_help = "Example:\n  fiducia campaigns close campaign_0199…")]
    Close {
        /// Which
        campaign: CampaignId,
        #[command(flatten)]
        data: DataOptions,
    },
}
