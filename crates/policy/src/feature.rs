//! What providers offer besides an answer, and whether it may be used where nothing may be kept or health data flows.
//!
//! The rows for the Messages API follow the provider's public table of feature eligibility (*API and data retention*,
//! copy of 2026-08-22). The rows that only OpenAI's interfaces have follow *Data controls in the OpenAI platform*
//! (late 2026); where that page leaves a case open, the stricter reading stands here. Contracts override both.

use std::fmt;
use std::str::FromStr;

/// Whether a feature fits an arrangement with the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Eligibility {
    /// It does.
    Yes,
    /// It does, within the limits that [`Feature::reason`] names.
    Qualified,
    /// It does not.
    No,
}

use Eligibility::{No, Qualified, Yes};

/// One row of the table.
struct Row {
    name: &'static str,
    zero_retention: Eligibility,
    hipaa: Eligibility,
    reason: &'static str,
}

const fn row(
    name: &'static str,
    zero_retention: Eligibility,
    hipaa: Eligibility,
    reason: &'static str,
) -> Row {
    Row { name, zero_retention, hipaa, reason }
}

/// A feature that keeps nothing and is covered everywhere.
const fn plain(name: &'static str) -> Row {
    row(name, Yes, Yes, "the provider keeps nothing of it after the answer")
}

/// Writes the enumeration and its table from one list, so that no feature is without a row.
macro_rules! features {
    ($($(#[$meaning:meta])* $feature:ident = $row:expr;)*) => {
        /// Something that a provider offers besides an answer.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Feature {
            $($(#[$meaning])* $feature,)*
        }

        impl Feature {
            /// Every feature, in the order of the table.
            pub const ALL: [Self; [$(Self::$feature),*].len()] = [$(Self::$feature),*];

            const fn row(self) -> Row {
                match self {
                    $(Self::$feature => $row,)*
                }
            }
        }
    };
}

features! {
    /// Asking a model on the Messages API.
    Messages = plain("messages");
    /// Counting the tokens of a request.
    TokenCounting = plain("token counting");
    /// A context of a million tokens.
    LongContext = plain("1M context");
    /// Extended and adaptive thinking.
    Thinking = plain("thinking");
    /// Choosing the model's effort.
    Effort = plain("effort");
    /// Faster inference.
    FastMode = plain("fast mode");
    /// Citations in answers.
    Citations = plain("citations");
    /// PDF documents within the request.
    PdfInput = plain("PDF input");
    /// Search results within the request.
    SearchResults = plain("search results");
    /// Choosing where inference runs.
    DataResidency = plain("data residency");
    /// Caching of prompts in memory.
    PromptCaching = plain("prompt caching");
    /// System messages amid a conversation.
    MidConversationSystem = plain("mid-conversation system messages");
    /// Streaming of tool inputs before they are whole.
    FineGrainedToolStreaming = plain("fine-grained tool streaming");
    /// The memory tool, whose files the client keeps.
    MemoryTool = plain("memory tool");
    /// The bash tool, which the client runs.
    BashTool = plain("bash tool");
    /// The text editor tool, which the client runs.
    TextEditorTool = plain("text editor tool");
    /// Computer use, which the client carries out.
    ComputerUse = plain("computer use");
    /// Web search by the provider, without dynamic filtering or, with OpenAI, without live access to the web.
    WebSearch = plain("web search");
    /// Answers in the form of a JSON schema.
    StructuredOutputs = row(
        "structured outputs", Qualified, Yes,
        "the schema is kept for up to 24 hours after its last use; no health data belongs in it",
    );
    /// Tools whose inputs must follow their schema.
    StrictTools = row(
        "strict tools", Qualified, Yes,
        "the tool's schema is kept for up to 24 hours after its last use; no health data belongs in it",
    );
    /// Telling why a prompt cache was not used.
    CacheDiagnostics =
        row("cache diagnostics", Qualified, No, "hashes and token estimates of the request are kept for a short time");
    /// Another model that advises the one that answers.
    AdvisorTool = row("advisor tool", Yes, No, "it is not covered by the agreement about health data");
    /// Clearing old tool results or thinking on the server.
    ContextEditing = row("context editing", Yes, No, "it is not covered by the agreement about health data");
    /// Summaries that stand for a long conversation.
    Compaction = row("compaction", Yes, No, "it is not covered by the agreement about health data");
    /// Searching among many tools.
    ToolSearch = row("tool search", Yes, No, "it is not covered by the agreement about health data");
    /// Fetching web pages by the provider, without dynamic filtering.
    WebFetch = row("web fetch", Yes, No, "it is not covered by the agreement about health data");
    /// A browser that the client drives. The provider accepts it from health organisations and does not cover it.
    BrowserUse = row("browser use", Yes, No, "it is not covered by the agreement about health data");
    /// Web search whose results are filtered by code in a container.
    WebSearchDynamicFiltering = row(
        "web search with dynamic filtering", No, No,
        "the results are filtered in a container that is kept for up to 30 days; set \"allowed_callers\": [\"direct\"]",
    );
    /// Web fetch whose results are filtered by code in a container.
    WebFetchDynamicFiltering = row(
        "web fetch with dynamic filtering", No, No,
        "the results are filtered in a container that is kept for up to 30 days; set \"allowed_callers\": [\"direct\"]",
    );
    /// Batches of requests that are answered later.
    MessageBatches =
        row("message batches", No, No, "requests and results are kept for 29 days, or until the batch is deleted");
    /// Files that are uploaded once and named in requests.
    Files = row("files", No, No, "files are kept until they are deleted; send the content in the request");
    /// Code that runs in the provider's containers.
    CodeExecution = row("code execution", No, No, "the container and its files are kept for up to 30 days");
    /// Tools that code in the provider's containers calls.
    ProgrammaticToolCalling =
        row("programmatic tool calling", No, No, "tools are called from a container that is kept for up to 30 days");
    /// Skills that are loaded into a container.
    Skills = row("skills", No, No, "skills and the container that loads them are kept by the provider");
    /// MCP servers that the provider speaks to.
    McpConnector =
        row("MCP connector", No, No, "what passes to and from the servers is kept, by the servers on terms of their own");
    /// MCP servers that the provider reaches through a tunnel.
    McpTunnels = row("MCP tunnels", No, No, "what passes through the tunnel is kept by the provider");
    /// Agents and their sessions at the provider.
    ManagedAgents = row("managed agents", No, No, "sessions and their transcripts are kept until they are deleted");
    /// Conversations whose earlier turns stay with the provider.
    Threads = row("threads", No, No, "earlier turns stay with the provider; send the history in the request");
    /// OpenAI: responses that can be fetched and continued later.
    StoredResponses = row(
        "stored responses", No, No,
        "responses are kept for at least 30 days unless the request says \"store\": false; send that",
    );
    /// OpenAI: chat completions kept for distillation and evaluation.
    StoredCompletions =
        row("stored completions", No, No, "\"store\": true keeps the completion; leave it out or send false");
    /// OpenAI: continuing a response that is kept.
    PreviousResponses = row(
        "previous responses", No, No,
        "earlier responses exist only where they were kept; send the history in the request",
    );
    /// OpenAI: responses that are worked on after the connection has ended.
    BackgroundResponses =
        row("background responses", No, No, "the response is written to the provider's disks until it is fetched");
    /// OpenAI: conversation objects.
    Conversations =
        row("conversations", No, No, "conversations are kept until they are deleted; send the history in the request");
    /// OpenAI: Python in the provider's containers.
    CodeInterpreter = row("code interpreter", No, No, "the container and its files are kept until it expires");
    /// OpenAI: a shell in the provider's containers.
    HostedShell = row(
        "hosted shell", No, No,
        "the container and its files are kept until it expires; a shell with a local environment keeps nothing there",
    );
    /// OpenAI: search in vector stores.
    FileSearch = row("file search", No, No, "vector stores and their files are kept until they are deleted");
    /// OpenAI: MCP servers and connectors that the provider speaks to.
    RemoteMcp =
        row("remote MCP servers", No, No, "what passes to the servers is kept by them, on terms of their own");
    /// OpenAI: web search with live access to the web.
    LiveWebSearch = row(
        "live web search", Yes, No,
        "live access to the web is not covered by the agreement about health data; set \"external_web_access\": false",
    );
    /// OpenAI: spoken answers.
    AudioOutput =
        row("audio output", No, No, "spoken answers are kept for an hour, so that a conversation can refer to them");
    /// OpenAI: prompt caches that outlive memory.
    ExtendedPromptCache = row(
        "extended prompt cache", Qualified, Qualified,
        "encrypted intermediate values of the prompt lie on the provider's disks for up to 24 hours",
    );
}

impl Feature {
    /// The words that errors, logs and the ledger show. They never change.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Whether it may be used where the provider keeps nothing after the answer.
    pub const fn zero_retention(self) -> Eligibility {
        self.row().zero_retention
    }

    /// Whether an agreement about health data (HIPAA) covers it.
    pub const fn hipaa(self) -> Eligibility {
        self.row().hipaa
    }

    /// Whether requests with it are refused under HIPAA. Browser use alone is accepted although it is not covered.
    pub const fn is_blocked_for_hipaa(self) -> bool {
        matches!(self.hipaa(), Eligibility::No) && !matches!(self, Self::BrowserUse)
    }

    /// Why it is eligible or not, and what to do instead where there is something: half a sentence for people.
    pub const fn reason(self) -> &'static str {
        self.row().reason
    }

    const fn bit(self) -> u64 {
        1 << (self as u64)
    }
}

// A set of features is one word.
const _: () = assert!(Feature::ALL.len() <= 64);

impl fmt::Display for Feature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A feature that this build does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{given}\" is not a feature that this build knows; nothing was changed. Features: {}", names())]
pub struct UnknownFeature {
    /// What was given instead.
    pub given: String,
}

fn names() -> String {
    Feature::ALL.map(Feature::name).join(", ")
}

impl FromStr for Feature {
    type Err = UnknownFeature;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|feature| feature.name() == text)
            .ok_or_else(|| UnknownFeature { given: text.to_owned() })
    }
}

/// A set of features.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct FeatureSet(u64);

impl FeatureSet {
    /// The set without features.
    pub const EMPTY: Self = Self(0);

    /// Adds a feature.
    pub const fn insert(&mut self, feature: Feature) {
        self.0 |= feature.bit();
    }

    /// Whether `feature` is in the set.
    pub const fn contains(self, feature: Feature) -> bool {
        self.0 & feature.bit() != 0
    }

    /// Whether the set has no features.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The features in the order of [`Feature::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Feature> {
        Feature::ALL.into_iter().filter(move |feature| self.contains(*feature))
    }

    /// What of the set may not be used under zero retention.
    #[must_use]
    pub fn ineligible_under_zero_retention(self) -> Self {
        self.iter().filter(|feature| feature.zero_retention() == Eligibility::No).collect()
    }

    /// What of the set is refused under HIPAA.
    #[must_use]
    pub fn blocked_for_hipaa(self) -> Self {
        self.iter().filter(|feature| feature.is_blocked_for_hipaa()).collect()
    }

    /// What of the set is accepted under HIPAA although the agreement does not cover it.
    #[must_use]
    pub fn uncovered_under_hipaa(self) -> Self {
        let is_uncovered =
            |feature: &Feature| feature.hipaa() == Eligibility::No && !feature.is_blocked_for_hipaa();
        self.iter().filter(is_uncovered).collect()
    }
}

impl FromIterator<Feature> for FeatureSet {
    fn from_iter<I: IntoIterator<Item = Feature>>(features: I) -> Self {
        let mut set = Self::EMPTY;
        features.into_iter().for_each(|feature| set.insert(feature));
        set
    }
}

impl fmt::Debug for FeatureSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter().map(Feature::name)).finish()
    }
}

impl fmt::Display for FeatureSet {
    /// The names, separated by commas.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, feature) in self.iter().enumerate() {
            formatter.write_str(if index == 0 { "" } else { ", " })?;
            formatter.write_str(feature.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(features: &[Feature]) -> FeatureSet {
        features.iter().copied().collect()
    }

    #[test]
    fn the_table_is_the_public_one() {
        let check = |zero_retention, hipaa, names: &str| {
            let rows = Feature::ALL.into_iter().take_while(|feature| *feature != Feature::Threads);
            let found: FeatureSet = rows
                .filter(|feature| (feature.zero_retention(), feature.hipaa()) == (zero_retention, hipaa))
                .collect();
            assert_eq!(found.to_string(), names);
        };
        check(
            Yes,
            Yes,
            "messages, token counting, 1M context, thinking, effort, fast mode, citations, PDF input, search results, \
             data residency, prompt caching, mid-conversation system messages, fine-grained tool streaming, memory tool, \
             bash tool, text editor tool, computer use, web search",
        );
        check(Qualified, Yes, "structured outputs, strict tools");
        check(Qualified, No, "cache diagnostics");
        check(Yes, No, "advisor tool, context editing, compaction, tool search, web fetch, browser use");
        check(
            No,
            No,
            "web search with dynamic filtering, web fetch with dynamic filtering, message batches, files, code execution, \
             programmatic tool calling, skills, MCP connector, MCP tunnels, managed agents",
        );
        for pair in [(Yes, Qualified), (Qualified, Qualified), (No, Yes), (No, Qualified)] {
            check(pair.0, pair.1, "");
        }
    }

    #[test]
    fn browser_use_alone_is_accepted_although_uncovered() {
        let all = set(&Feature::ALL);
        assert_eq!(all.uncovered_under_hipaa(), set(&[Feature::BrowserUse]));
        assert!(!all.blocked_for_hipaa().contains(Feature::BrowserUse));
        assert!(all.blocked_for_hipaa().contains(Feature::CacheDiagnostics));
        assert!(!all.ineligible_under_zero_retention().contains(Feature::CacheDiagnostics));
    }

    #[test]
    fn names_round_trip_and_are_short_enough_for_the_ledger() {
        for feature in Feature::ALL {
            assert_eq!(feature.name().parse(), Ok(feature));
            assert!(feature.name().len() <= 64 && !feature.name().contains(','), "{feature}");
            assert!(!feature.reason().is_empty() && !feature.reason().ends_with('.'), "{feature}");
        }
        let error = "Files".parse::<Feature>().unwrap_err();
        assert!(error.to_string().contains("message batches, files"), "{error}");
    }

    proptest! {
        #[test]
        fn sets_are_sets(one in proptest::sample::subsequence(&Feature::ALL[..], 0..Feature::ALL.len()),
                         other in proptest::sample::subsequence(&Feature::ALL[..], 0..Feature::ALL.len())) {
            let union = set(&one).union(set(&other));
            for feature in Feature::ALL {
                prop_assert_eq!(union.contains(feature), one.contains(&feature) || other.contains(&feature));
            }
            prop_assert_eq!(union.iter().collect::<FeatureSet>(), union);
            prop_assert_eq!(union.is_empty(), one.is_empty() && other.is_empty());
            // What may not be used is decided feature by feature.
            let parts = set(&one).blocked_for_hipaa().union(set(&other).blocked_for_hipaa());
            prop_assert_eq!(union.blocked_for_hipaa(), parts);
        }
    }
}
