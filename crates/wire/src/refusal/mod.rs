//! Refusals of the gateway's own, as answers: in the shape that each wire has for a model that declines, so that clients
//! need nothing new to understand them, and with a mark, so that nobody takes them for the provider's.
//!
//! The mark is the member `fiducia`. It stands beside what says the refusal and never in what clients send back with the
//! next turn: within `stop_details` on the Messages wire, at the top of a completion, of a chunk and of a response elsewhere.
//! Its `category` has the program's own words; `stop_details.category` has the provider's closed list and nothing else.
//! The reasons are in `docs/decisions/0062-marks-of-our-own-answers.md`.

mod chat;
mod messages;
mod responses;

use fiducia_policy::SafetyCategory;

use crate::object::{Object, Writer};
use crate::{Usage, Wire};

pub(crate) use chat::Chunks;
pub(crate) use messages::refusal_delta;
pub(crate) use responses::ResponseEvents;

/// The member by which the gateway's own words in an answer are known.
pub const OWN_MARK: &str = "fiducia";

/// What was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The request: no model was asked.
    Request,
    /// The answer: a model gave one, and it is withheld, in whole or from here on.
    Answer,
}

/// A refusal of the gateway's own.
#[derive(Clone, Copy)]
pub struct OwnRefusal<'a> {
    /// What was refused.
    pub refused: Refused,
    /// What it was refused for; `None` for a limit or another rule that is no category.
    pub category: Option<SafetyCategory>,
    /// For people: what happened and what they can do.
    pub explanation: &'a str,
    /// The exchange's id, by which a person can contest the decision.
    pub exchange: &'a str,
    /// A model that would have answered in its place and was too busy, to be called directly.
    pub recommended_model: Option<&'a str>,
}

/// The explanation may tell of the request, and belongs into no log.
impl std::fmt::Debug for OwnRefusal<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("OwnRefusal")
            .field("refused", &self.refused)
            .field("category", &self.category)
            .field("exchange", &self.exchange)
            .finish_non_exhaustive()
    }
}

/// The frame of an answer that no model gave.
#[derive(Debug, Clone, Copy)]
pub struct AnswerFrame<'a> {
    /// The answer's id, in the wire's form: `msg_…`, `chatcmpl-…` or `resp_…`.
    pub id: &'a str,
    /// The id of the one output item, `msg_…`. The Responses wire alone has it.
    pub item_id: &'a str,
    /// The model that was asked for, as the client named it.
    pub model: &'a str,
    /// When the answer was made, in seconds since 1970. The OpenAI wires alone have it.
    pub created: u64,
    /// Tokens, as far as they are known. What is not known counts as 0 where the wire demands a number.
    pub usage: Usage,
    /// Whether the client asked for usage in a stream of chunks (`stream_options.include_usage`).
    pub include_usage: bool,
}

/// What the Messages API calls a category: one of its closed list, or `None`, which is written `null` and is a value of
/// its own there. Instructions hidden in data, personal data, secrets and leaks are no use that a provider's list names.
pub const fn stop_category(category: SafetyCategory) -> Option<&'static str> {
    match category {
        SafetyCategory::CyberMisuse => Some("cyber"),
        SafetyCategory::BiologicalMisuse => Some("bio"),
        SafetyCategory::FrontierModelDevelopment => Some("frontier_llm"),
        SafetyCategory::ReasoningExtraction => Some("reasoning_extraction"),
        SafetyCategory::Violence
        | SafetyCategory::Hate
        | SafetyCategory::SelfHarm
        | SafetyCategory::Sexual
        | SafetyCategory::ChildSafety
        | SafetyCategory::BiometricIdentification
        | SafetyCategory::GeneralHarm => Some("general_harms"),
        SafetyCategory::PromptInjection
        | SafetyCategory::PersonalData
        | SafetyCategory::Secrets
        | SafetyCategory::SystemPromptLeakage
        | SafetyCategory::OutputAnomaly => None,
    }
}

/// The refusal as a whole answer, for HTTP status 200. `None` for embeddings, which have no shape for it: an error is sent.
pub fn refusal_body(wire: Wire, refusal: &OwnRefusal<'_>, frame: &AnswerFrame<'_>) -> Option<Vec<u8>> {
    match wire {
        Wire::AnthropicMessages => Some(messages::body(refusal, frame)),
        Wire::OpenAiChat => Some(chat::body(refusal, frame)),
        Wire::OpenAiResponses => Some(responses::body(refusal, frame)),
        Wire::OpenAiEmbeddings => None,
    }
}

/// The refusal as a whole stream of events. `None` for embeddings.
pub fn refusal_stream(wire: Wire, refusal: &OwnRefusal<'_>, frame: &AnswerFrame<'_>) -> Option<Vec<u8>> {
    match wire {
        Wire::AnthropicMessages => Some(messages::stream(refusal, frame)),
        Wire::OpenAiChat => Some(chat::stream(refusal, frame)),
        Wire::OpenAiResponses => Some(responses::stream(refusal, frame)),
        Wire::OpenAiEmbeddings => None,
    }
}

/// What the gateway says of itself in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnMark {
    /// `refused` or `rerouted`.
    pub decision: String,
    /// The category in the program's own words, where there is one.
    pub category: Option<String>,
    /// The exchange's id.
    pub exchange: Option<String>,
}

/// The gateway's mark in a whole answer; `None`: whatever the answer says, its provider says it.
pub fn own_mark(wire: Wire, answer: &[u8]) -> Option<OwnMark> {
    let answer = Object::from_bytes(answer)?;
    let within = |holder: &Object<'_>| {
        let mark = holder.object(OWN_MARK)?;
        let text = |name| mark.text(name).map(std::borrow::Cow::into_owned);
        Some(OwnMark { decision: text("decision")?, category: text("category"), exchange: text("exchange") })
    };
    let refused = match wire {
        Wire::AnthropicMessages => answer.object("stop_details").as_ref().and_then(within),
        _ => None,
    };
    refused.or_else(|| within(&answer))
}

/// The mark's value.
pub(crate) fn mark(decision: &str, category: Option<SafetyCategory>, exchange: &str) -> Vec<u8> {
    let mut mark = Writer::new();
    mark.text("decision", decision);
    mark.text_or_null("category", category.map(SafetyCategory::name));
    mark.text("exchange", exchange);
    mark.end()
}

impl OwnRefusal<'_> {
    pub(crate) fn mark(&self) -> Vec<u8> {
        mark("refused", self.category, self.exchange)
    }
}
