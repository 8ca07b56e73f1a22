//! Which models had a part in an answer, as the answer says it: what a policy on models is asked about afterwards.

use std::borrow::Cow;

use crate::object::Object;
use crate::sse::Events;
use crate::{AnswerError, Wire};

/// The most hops and iterations of one answer that are kept; an answer with more says nothing new by them.
const NAMED_MAX: usize = 1_000;

/// The models that an answer names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnsweringModels {
    /// `model`. When a model declined amid a stream this still names the one that was asked.
    pub model: Option<String>,
    /// `usage.iterations`, in order.
    pub iterations: Vec<Iteration>,
    /// The `fallback` blocks, in order.
    pub hops: Vec<Hop>,
    /// `stop_reason`, where it is known.
    pub stop: Option<String>,
}

/// One attempt that an answer accounts for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Iteration {
    /// What kind.
    pub kind: IterationKind,
    /// The model, where the entry names one.
    pub model: Option<String>,
}

/// The kinds of attempts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IterationKind {
    /// A model that declined, or a step before the last.
    Message,
    /// The last attempt of a fallback model.
    FallbackMessage,
    /// Any other, such as `compaction` or `advisor_message`.
    Other(String),
}

/// One handing over from a model that declined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The model that declined.
    pub from: Option<String>,
    /// The model that went on.
    pub to: Option<String>,
    /// `trigger.category`.
    pub category: Option<String>,
}

impl AnsweringModels {
    /// Every model that is named, each once.
    pub fn named(&self) -> Vec<&str> {
        let hops = self.hops.iter().flat_map(|hop| [&hop.from, &hop.to]);
        let all =
            std::iter::once(&self.model).chain(self.iterations.iter().map(|one| &one.model)).chain(hops);
        let mut named = Vec::new();
        for model in all.flatten() {
            if !named.contains(&model.as_str()) {
                named.push(model.as_str());
            }
        }
        named
    }

    /// Whether a fallback model served the answer: the one test that holds for turns without a block too.
    pub fn is_served_by_fallback(&self) -> bool {
        let tried = self.iterations.iter().any(|one| one.kind == IterationKind::FallbackMessage);
        tried && self.stop.as_deref() != Some("refusal")
    }

    fn usage(&mut self, usage: &Object<'_>) {
        let entries = usage.elements("iterations").into_iter().take(NAMED_MAX);
        let read: Vec<Iteration> =
            entries.filter_map(Object::from_text).map(|entry| iteration(&entry)).collect();
        // Usage is cumulative: a later list takes the place of an earlier one.
        if !read.is_empty() {
            self.iterations = read;
        }
    }

    fn block(&mut self, block: &Object<'_>) {
        if block.text("type").as_deref() != Some("fallback") || self.hops.len() >= NAMED_MAX {
            return;
        }
        let model = |name| block.object(name)?.text("model").map(Cow::into_owned);
        let category =
            block.object("trigger").and_then(|trigger| Some(trigger.text("category")?.into_owned()));
        self.hops.push(Hop { from: model("from"), to: model("to"), category });
    }

    fn answer(&mut self, answer: &Object<'_>) {
        self.model = answer.text("model").map(Cow::into_owned).or(self.model.take());
        self.stop = answer.text("stop_reason").map(Cow::into_owned).or(self.stop.take());
        if let Some(usage) = answer.object("usage") {
            self.usage(&usage);
        }
        for block in answer.elements("content").into_iter().filter_map(Object::from_text) {
            self.block(&block);
        }
    }
}

fn iteration(entry: &Object<'_>) -> Iteration {
    let kind = match entry.text("type").as_deref() {
        Some("message") => IterationKind::Message,
        Some("fallback_message") => IterationKind::FallbackMessage,
        other => IterationKind::Other(other.unwrap_or_default().to_owned()),
    };
    Iteration { kind, model: entry.text("model").map(Cow::into_owned) }
}

/// The models that a whole answer names, also one that was put together of a stream. `None` when it is no JSON object.
pub fn answering_models(answer: &[u8]) -> Option<AnsweringModels> {
    let mut models = AnsweringModels::default();
    models.answer(&Object::from_bytes(answer)?);
    Some(models)
}

/// Watches a stream for models, so that one which may not answer is known before its first word passes.
pub struct ModelWatch {
    wire: Wire,
    events: Events,
    models: AnsweringModels,
}

impl std::fmt::Debug for ModelWatch {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ModelWatch").field("models", &self.models).finish_non_exhaustive()
    }
}

impl ModelWatch {
    /// Nothing has come yet.
    pub fn new(wire: Wire) -> Self {
        let events = Events::new(matches!(wire, Wire::OpenAiChat | Wire::OpenAiEmbeddings));
        Self { wire, events, models: AnsweringModels::default() }
    }

    /// Takes the next bytes, in pieces of any size.
    ///
    /// # Errors
    /// When an event is too large.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), AnswerError> {
        let Self { wire, events, models } = self;
        events.push(bytes, |name, data| {
            match wire {
                Wire::AnthropicMessages => message_event(models, name, data),
                Wire::OpenAiChat | Wire::OpenAiEmbeddings => {
                    if models.model.is_none()
                        && let Some(chunk) = Object::from_bytes(data)
                    {
                        models.model = chunk.text("model").map(Cow::into_owned);
                    }
                }
                Wire::OpenAiResponses => response_event(models, name, data),
            }
            false
        })
    }

    /// What is known so far.
    pub fn models(&self) -> &AnsweringModels {
        &self.models
    }
}

fn message_event(models: &mut AnsweringModels, name: &[u8], data: &[u8]) {
    if name == b"content_block_delta" {
        return;
    }
    let Some(event) = Object::from_bytes(data) else { return };
    match event.text("type").as_deref() {
        Some("message_start") => {
            if let Some(message) = event.object("message") {
                models.answer(&message);
            }
        }
        Some("content_block_start") => {
            if let Some(block) = event.object("content_block") {
                models.block(&block);
            }
        }
        Some("message_delta") => {
            if let Some(usage) = event.object("usage") {
                models.usage(&usage);
            }
            let stop = event.object("delta").and_then(|delta| Some(delta.text("stop_reason")?.into_owned()));
            models.stop = stop.or(models.stop.take());
        }
        _ => {}
    }
}

fn response_event(models: &mut AnsweringModels, name: &[u8], data: &[u8]) {
    // The frequent events name no model.
    if name.ends_with(b".delta") || name.ends_with(b".done") || name.ends_with(b".added") {
        return;
    }
    let response = Object::from_bytes(data).and_then(|event| {
        event.object("response").and_then(|response| Some(response.text("model")?.into_owned()))
    });
    models.model = response.or(models.model.take());
}
