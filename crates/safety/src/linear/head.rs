//! What the linear model is asked about.

use fiducia_policy::{Provenance, SafetyCategory};

/// One question. The model answers all of them in one pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Head {
    /// Words of a person that lift the rules of a model.
    Injection,
    /// Instructions in what a tool answered or a document says.
    IndirectInjection,
    /// Asking for the instructions of those who deployed the model.
    InstructionExtraction,
    /// Asking for help with attacks on systems.
    CyberMisuse,
    /// Asking for help with biological or chemical weapons and poisons.
    BiologicalMisuse,
    /// Asking for help with rival models, or collecting answers to copy one.
    FrontierModelDevelopment,
    /// Asking for hidden reasoning.
    ReasoningExtraction,
    /// Threats and help with violence.
    Violence,
    /// Contempt for people because of what they are.
    Hate,
    /// Suicide, self-injury, disordered eating.
    SelfHarm,
    /// Sexual content.
    Sexual,
    /// Children in danger.
    ChildSafety,
    /// Telling who somebody is by features of the body.
    BiometricIdentification,
    /// Requests for harm of any kind.
    GeneralHarm,
    /// Insults and abuse. No category of its own: scored so that figures on such sets can be told apart from those on hate.
    Abuse,
    /// Answers that help with harm.
    HarmfulAnswer,
}

impl Head {
    /// Every head, in the order of the model's columns.
    pub const ALL: [Self; HEADS] = [
        Self::Injection,
        Self::IndirectInjection,
        Self::InstructionExtraction,
        Self::CyberMisuse,
        Self::BiologicalMisuse,
        Self::FrontierModelDevelopment,
        Self::ReasoningExtraction,
        Self::Violence,
        Self::Hate,
        Self::SelfHarm,
        Self::Sexual,
        Self::ChildSafety,
        Self::BiometricIdentification,
        Self::GeneralHarm,
        Self::Abuse,
        Self::HarmfulAnswer,
    ];

    /// Its name in the files of models and in what evaluations print.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Injection => "injection",
            Self::IndirectInjection => "indirect-injection",
            Self::InstructionExtraction => "instruction-extraction",
            Self::CyberMisuse => "cyber-misuse",
            Self::BiologicalMisuse => "biological-misuse",
            Self::FrontierModelDevelopment => "frontier-model-development",
            Self::ReasoningExtraction => "reasoning-extraction",
            Self::Violence => "violence",
            Self::Hate => "hate",
            Self::SelfHarm => "self-harm",
            Self::Sexual => "sexual",
            Self::ChildSafety => "child-safety",
            Self::BiometricIdentification => "biometric-identification",
            Self::GeneralHarm => "general-harm",
            Self::Abuse => "abuse",
            Self::HarmfulAnswer => "harmful-answer",
        }
    }

    /// The head of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|head| head.name() == name)
    }

    /// What a finding of this head is about.
    pub const fn category(self) -> Option<SafetyCategory> {
        Some(match self {
            Self::Injection | Self::IndirectInjection | Self::InstructionExtraction => {
                SafetyCategory::PromptInjection
            }
            Self::CyberMisuse => SafetyCategory::CyberMisuse,
            Self::BiologicalMisuse => SafetyCategory::BiologicalMisuse,
            Self::FrontierModelDevelopment => SafetyCategory::FrontierModelDevelopment,
            Self::ReasoningExtraction => SafetyCategory::ReasoningExtraction,
            Self::Violence => SafetyCategory::Violence,
            Self::Hate => SafetyCategory::Hate,
            Self::SelfHarm => SafetyCategory::SelfHarm,
            Self::Sexual => SafetyCategory::Sexual,
            Self::ChildSafety => SafetyCategory::ChildSafety,
            Self::BiometricIdentification => SafetyCategory::BiometricIdentification,
            Self::GeneralHarm | Self::HarmfulAnswer => SafetyCategory::GeneralHarm,
            Self::Abuse => return None,
        })
    }

    /// Whether the question makes sense for a text of this provenance. Instructions of those who deployed the model are theirs to give.
    pub const fn is_asked_of(self, provenance: Provenance) -> bool {
        match self {
            Self::Injection | Self::InstructionExtraction => {
                matches!(provenance, Provenance::Person | Provenance::ToolResult | Provenance::Document)
            }
            Self::IndirectInjection => provenance.is_data(),
            Self::HarmfulAnswer => matches!(provenance, Provenance::Answer | Provenance::EarlierAnswer),
            Self::CyberMisuse
            | Self::BiologicalMisuse
            | Self::FrontierModelDevelopment
            | Self::ReasoningExtraction
            | Self::BiometricIdentification
            | Self::GeneralHarm => matches!(provenance, Provenance::Person),
            Self::Violence | Self::Hate | Self::SelfHarm | Self::Sexual | Self::ChildSafety => {
                !matches!(provenance, Provenance::SystemPrompt)
            }
            Self::Abuse => false,
        }
    }
}

/// How many heads there are: sixteen weights of one byte are one load.
pub const HEADS: usize = 16;
