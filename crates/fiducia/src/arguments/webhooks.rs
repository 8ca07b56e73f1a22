//! The command line for webhooks.

use clap::Subcommand;
use fiducia_policy::WebhookId;

use super::DataOptions;

/// `webhooks`
#[derive(Debug, Subcommand)]
pub(crate) enum WebhooksCommand {
    /// Add an endpoint; its secret is shown once, on standard output
    #[command(
        after_help = "The endpoint gets what happens in the organisation from now on: each activity of the feed as a POST with a \
        signature by Standard Webhooks. Only an answer of 2xx counts. What fails is tried ten times within three days, and then is \
        a dead letter, which `webhooks redeliver` sends again. docs/webhooks.md shows how to check the signature.\n\nThe address \
        begins with https:// and must be one of the open Internet, unless webhooks.allow_networks in the configuration lets \
        others through. Put no secret into it: the address is shown in lists, the signature is what proves the sender.\n\n\
        Examples:\n  fiducia webhooks create https://siem.example.org/fiducia --organization hospital --description siem\n  \
        fiducia webhooks create https://tickets.example.org/in --organization hospital --description tickets \
        --type 'claude_chat_*' --type user_logged_out"
    )]
    Create {
        /// Where deliveries go
        url: String,
        /// The organisation's name or id
        #[arg(long, value_name = "ORGANIZATION")]
        organization: String,
        /// What to call it
        #[arg(long)]
        description: String,
        /// Which types of activity: a name, or its beginning and a `*`; several times for several, all when absent
        #[arg(long = "type", value_name = "TYPE")]
        types: Vec<String>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// List endpoints; secrets are not shown
    List {
        /// Only of this organisation: its name or id
        #[arg(long, value_name = "ORGANIZATION")]
        organization: Option<String>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Show one endpoint, and whether it takes what it is sent
    Show {
        /// Its id
        webhook: WebhookId,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Give an endpoint another secret, shown once; the present one signs too for a while
    #[command(
        after_help = "During the overlap every delivery has two signatures, so the receiver can change over without losing one. \
        After a leak say --overlap-hours 0.\n\nExample:\n  fiducia webhooks rotate webhook_0199… --overlap-hours 24"
    )]
    Rotate {
        /// The endpoint's id
        webhook: WebhookId,
        /// For how many hours the present secret signs too
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(0..=168))]
        overlap_hours: u32,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Send an endpoint nothing until it is enabled; what happens meanwhile is not lost
    Disable {
        /// The endpoint's id
        webhook: WebhookId,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Send a disabled endpoint activities again, from where it stopped
    #[command(
        after_help = "An endpoint is disabled by `webhooks disable`, by answering 410, or by five days of nothing but failure; \
        `webhooks show` says which.\n\nExample:\n  fiducia webhooks enable webhook_0199… --skip"
    )]
    Enable {
        /// The endpoint's id
        webhook: WebhookId,
        /// Leave out what happened meanwhile
        #[arg(long)]
        skip: bool,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Delete an endpoint: its secrets can be read by nobody any more, and what waited for it is dropped
    Delete {
        /// The endpoint's id
        webhook: WebhookId,
        /// Really delete it
        #[arg(long, required = true)]
        yes: bool,
        #[command(flatten)]
        data: DataOptions,
    },
    /// List deliveries to an endpoint, the last queued first
    Deliveries {
        /// The endpoint's id
        webhook: WebhookId,
        /// Only dead letters
        #[arg(long)]
        dead: bool,
        /// At most this many rows
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Go on after this delivery, by its id
        #[arg(long, value_name = "ID")]
        after: Option<String>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Send dead letters of an endpoint again, or one delivery whatever became of it
    #[command(
        after_help = "The id stays the same, so a receiver that has it already can tell.\n\nExamples:\n  \
        fiducia webhooks redeliver webhook_0199…\n  fiducia webhooks redeliver webhook_0199… --delivery activity_0199…"
    )]
    Redeliver {
        /// The endpoint's id
        webhook: WebhookId,
        /// Only this delivery, by its id
        #[arg(long, value_name = "ID")]
        delivery: Option<String>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Drop dead letters of an endpoint: they are not sent any more. The feed still has what they told of
    Discard {
        /// The endpoint's id
        webhook: WebhookId,
        /// Only this dead letter, by its id
        #[arg(long, value_name = "ID")]
        delivery: Option<String>,
        #[command(flatten)]
        data: DataOptions,
    },
    /// Send an endpoint something that did not happen, to try it out
    #[command(
        after_help = "It is sent by the running server, with the type fiducia_webhook_test. See what came of it with \
        `webhooks deliveries`."
    )]
    Test {
        /// The endpoint's id
        webhook: WebhookId,
        #[command(flatten)]
        data: DataOptions,
    },
}
