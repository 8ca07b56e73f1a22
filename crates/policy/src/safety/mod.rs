//! The words of safeguards: what a detector may find, where the text came from, and how sure it is; what a policy says
//! about them, and what is done. Pure.

mod action;
mod change;
mod decide;
mod score;
mod terms;
#[cfg(test)]
mod tests;

pub use action::{LimitKind, SafetyAction, SandboxKind, SandboxOtherwise};
pub(crate) use change::changes as safety_changes;
pub use decide::{
    SafetyCircumstances, SafetyDecision, SafetyFinding, SafetyObligation, SafetyOutcome, SafetyReason,
};
pub use score::{Score, ScoreOutOfRange};
pub use terms::{
    LimitRule, NotPermitted, SafeguardRule, SafetyScope, SafetyStep, SafetyTerms, SandboxRule, TokenLimit,
    TrustedAccess, TrustedParty,
};

use crate::named::named;

named! {
    /// What a detector may find.
    SafetyCategory, "a safety category" {
        /// Text that tries to make a model disregard those it works for: instructions hidden in data, role-play that
        /// lifts rules, requests wrapped so that rules do not see them.
        PromptInjection = "prompt-injection",
        /// Help with breaking into systems, or with making malicious code.
        CyberMisuse = "cyber-misuse",
        /// Help with biological or chemical weapons.
        BiologicalMisuse = "biological-misuse",
        /// Help with building models that rival the provider's, or with copying a model from its answers.
        FrontierModelDevelopment = "frontier-model-development",
        /// Asking for a model's hidden reasoning in its answer.
        ReasoningExtraction = "reasoning-extraction",
        /// Threats, praise of violence, and help with it.
        Violence = "violence",
        /// Contempt for people because of what they are.
        Hate = "hate",
        /// Suicide, self-injury and disordered eating: somebody who may need help, or praise of it.
        SelfHarm = "self-harm",
        /// Sexual content.
        Sexual = "sexual",
        /// Sexual exploitation or endangering of children.
        ChildSafety = "child-safety",
        /// Telling who somebody is, or what they are, by face, voice, gait or other features of the body.
        BiometricIdentification = "biometric-identification",
        /// Requests for harm that no other category names: crime, fraud, disinformation, intrusion into private life.
        GeneralHarm = "general-harm",
        /// Data about an identifiable person.
        PersonalData = "personal-data",
        /// Passwords, tokens and keys.
        Secrets = "secrets",
        /// An answer that gives away the instructions of those who deployed the model.
        SystemPromptLeakage = "system-prompt-leakage",
        /// An answer that is no language: endless repetition, noise, an unusual amount.
        OutputAnomaly = "output-anomaly",
    }
}

named! {
    /// Whose words a text is, as far as the request says so.
    Provenance, "a provenance" {
        /// Instructions of those who deployed the model.
        SystemPrompt = "system-prompt",
        /// What a person wrote.
        Person = "person",
        /// What a tool answered: words of nobody in the conversation.
        ToolResult = "tool-result",
        /// A document or page that was brought along: words of nobody in the conversation.
        Document = "document",
        /// An earlier answer of a model, as the request tells it.
        EarlierAnswer = "earlier-answer",
        /// The answer that is being given.
        Answer = "answer",
    }
}

impl Provenance {
    /// Whether instructions in such a text are nobody's whom the model works for.
    pub const fn is_data(self) -> bool {
        matches!(self, Self::ToolResult | Self::Document)
    }
}
