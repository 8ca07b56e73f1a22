//! The command line of `policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use fiducia_policy::{Agreement, Plan, RecordClass, RetentionSpan, Tier, Timestamp};

/// `policy`
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyFileCommand {
    /// Report everything that is wrong with a policy: the line, the rules, and an input that breaks it
    #[command(
        after_help = "Examples:\n  fiducia policy check policy.toml\n  fiducia policy check new.toml --replaces old.toml\n  \
        fiducia policy check anthropic-2026"
    )]
    Check {
        /// A file, or the name of a policy that comes with the program
        #[arg(value_name = POLICY)]
        policy: String,
        /// The policy in force: also check that no locked rule of it is loosened
        #[arg(long, value_name = POLICY)]
        replaces: Option<String>,
    },
    /// Say in plain words what changes from one policy to another, for whom, and by how much
    #[command(
        after_help = "A census is a file of JSON lines that count records which are alike:\n  {\"plan\": \"free\", \"tier\": \
        \"restricted\", \"class\": \"chat\", \"training\": true, \"created\": \"2026-01-10\",\n   \"people\": 12, \"records\": 340, \
        \"bytes\": 99000}\n\nExamples:\n  fiducia policy diff old.toml new.toml --census census.jsonl\n  fiducia policy diff \
        consumer anthropic-2026"
    )]
    Diff {
        /// The policy in force: a file, or the name of one that comes with the program
        #[arg(value_name = "OLD")]
        old: String,
        /// The policy that would replace it
        #[arg(value_name = "NEW")]
        new: String,
        /// Count the people and records concerned
        #[arg(long, value_name = "FILE.jsonl")]
        census: Option<PathBuf>,
        /// Print JSON for machines instead of text for people
        #[arg(long)]
        json: bool,
    },
    /// Explain for one record which grounds hold, until when, by which clause, and what would end them
    #[command(
        after_help = "Dates are instants or days: `2026-01-31T08:00:00Z`, or `2026-01-31` for its start in UTC.\n\nExample:\n  \
        fiducia policy explain consumer --plan free --class chat --created 2026-01-10 --deleted 2026-01-12"
    )]
    Explain(Box<ExplainArguments>),
    /// Replay a census under a policy and draw the bytes that each ground keeps
    #[command(
        after_help = "The picture is an SVG that reads on light and dark grounds.\n\nExample:\n  fiducia policy simulate \
        policy.toml --census census.jsonl --from 2026-01-01 --replay --svg kept.svg"
    )]
    Simulate {
        /// A file, or the name of a policy that comes with the program
        #[arg(value_name = POLICY)]
        policy: String,
        /// What there is: JSON lines, as `policy diff --help` shows them
        #[arg(long, value_name = "FILE.jsonl")]
        census: PathBuf,
        /// The first day; today when absent
        #[arg(long, value_name = "DATE", value_parser = fiducia_policy::instant)]
        from: Option<Timestamp>,
        /// How many days
        #[arg(long, value_name = "NUMBER", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36_600))]
        days: u32,
        /// Capture again what was captured in the year before, with all that happened to it
        #[arg(long)]
        replay: bool,
        /// Where to write the picture
        #[arg(long, value_name = "FILE.svg")]
        svg: Option<PathBuf>,
        /// Print JSON for machines instead of text for people
        #[arg(long)]
        json: bool,
    },
    /// Try the cases beside a policy: what it promises, as examples
    #[command(
        after_help = "The cases of `policy.toml` stand in `policy.cases.toml`.\n\nExamples:\n  fiducia policy test \
        policy.toml\n  fiducia policy test anthropic-2026"
    )]
    Test {
        /// A file, or the name of a policy that comes with the program
        #[arg(value_name = POLICY)]
        policy: String,
        /// The case file, where it stands elsewhere
        #[arg(long, value_name = "FILE.cases.toml")]
        cases: Option<PathBuf>,
    },
    /// Print the JSON Schema with which editors complete and check a policy
    #[command(after_help = "Example:\n  fiducia policy schema > policy.schema.json")]
    Schema {
        /// The schema of case files instead
        #[arg(long)]
        cases: bool,
    },
    /// Print a policy that comes with the program, to start one of your own
    #[command(after_help = "Example:\n  fiducia policy shipped enterprise > policy.toml")]
    Shipped {
        /// Its name
        #[arg(value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(fiducia_policy::BUILT_IN_NAMES))]
        name: String,
        /// Its case file instead
        #[arg(long)]
        cases: bool,
    },
    /// Print who may do what to which data: a matrix of roles and kinds of data, and the policies in words
    #[command(
        after_help = "With --against, the cells of the matrix in which a file of your own permits more or less than what comes \
        with the program. The file is named in the configuration ([access] policies); what the policies that come with \
        the program forbid stays forbidden.\n\nExamples:\n  fiducia policy access\n  fiducia policy access --cedar > access.cedar\n  \
        fiducia policy access --file access.cedar\n  fiducia policy access --against access.cedar"
    )]
    Access {
        /// The Cedar policies themselves instead
        #[arg(long)]
        cedar: bool,
        /// The Cedar schema that they fit instead
        #[arg(long, conflicts_with = "cedar")]
        schema: bool,
        /// The matrix of this file of policies
        #[arg(long, value_name = "FILE", conflicts_with_all = ["cedar", "schema"])]
        file: Option<PathBuf>,
        /// What this file of policies permits more, and less, than what comes with the program
        #[arg(long, value_name = "FILE", conflicts_with_all = ["cedar", "schema", "file"])]
        against: Option<PathBuf>,
    },
}

const POLICY: &str = "FILE|NAME";

/// `policy explain`
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line, and any may stand with any"
)]
pub(crate) struct ExplainArguments {
    /// A file, or the name of a policy that comes with the program
    #[arg(value_name = POLICY)]
    pub(crate) policy: String,
    /// The plan under which the record was captured
    #[arg(long)]
    pub(crate) plan: Plan,
    /// What the record is
    #[arg(long)]
    pub(crate) class: RecordClass,
    /// The governance tier; the plan's own when absent
    #[arg(long)]
    pub(crate) tier: Option<Tier>,
    /// What was agreed
    #[arg(long, default_value_t = Agreement::Standard)]
    pub(crate) agreement: Agreement,
    /// The agreed period, for the agreement `custom`, as in `6 months`
    #[arg(long, value_name = "SPAN")]
    pub(crate) custom: Option<RetentionSpan>,
    /// The answering model; the policy knows whether it is covered
    #[arg(long, conflicts_with = "covered")]
    pub(crate) model: Option<String>,
    /// A covered model answered, in a workspace that opted in
    #[arg(long)]
    pub(crate) covered: bool,
    /// The person's consent to training is given
    #[arg(long)]
    pub(crate) training: bool,
    /// Capture; now when absent
    #[arg(long, value_name = "DATE", value_parser = fiducia_policy::instant)]
    pub(crate) created: Option<Timestamp>,
    /// The last turn of its conversation
    #[arg(long, value_name = "DATE", value_parser = fiducia_policy::instant)]
    pub(crate) last_active: Option<Timestamp>,
    /// The person deleted it
    #[arg(long, value_name = "DATE", value_parser = fiducia_policy::instant)]
    pub(crate) deleted: Option<Timestamp>,
    /// The account was closed
    #[arg(long, value_name = "DATE", value_parser = fiducia_policy::instant)]
    pub(crate) closed: Option<Timestamp>,
    /// It was flagged as a violation
    #[arg(long, value_name = "DATE", value_parser = fiducia_policy::instant)]
    pub(crate) flagged: Option<Timestamp>,
    /// It was sent in as feedback
    #[arg(long, value_name = "DATE", value_parser = fiducia_policy::instant)]
    pub(crate) feedback: Option<Timestamp>,
    /// A case took it in
    #[arg(long, value_name = "DATE", value_parser = fiducia_policy::instant)]
    pub(crate) case_opened: Option<Timestamp>,
    /// The case ended
    #[arg(long, value_name = "DATE", value_parser = fiducia_policy::instant)]
    pub(crate) case_closed: Option<Timestamp>,
    /// The person asked for erasure
    #[arg(long, value_name = "DATE", value_parser = fiducia_policy::instant)]
    pub(crate) erasure_requested: Option<Timestamp>,
    /// A legal hold covers it
    #[arg(long)]
    pub(crate) held: bool,
    /// The last legal hold was released
    #[arg(long, value_name = "DATE", value_parser = fiducia_policy::instant)]
    pub(crate) released: Option<Timestamp>,
    /// The day of the question; now when absent
    #[arg(long, value_name = "DATE", value_parser = fiducia_policy::instant)]
    pub(crate) at: Option<Timestamp>,
    /// Print JSON for machines instead of text for people
    #[arg(long)]
    pub(crate) json: bool,
}
