//! What people are asked to agree to, and in which way they agree.

mod campaign;
mod grade;
mod notice;
mod state;
mod words;

pub use campaign::{Asked, CampaignError, CampaignTerms, LastNo, Meanwhile, NotAsked, is_in_region};
pub use grade::{german_reading_grade, reading_grade};
pub use notice::{Controller, NOTICE_BYTES_MAX, Notice, NoticeError, NoticeIdentity, is_language, is_region};
pub use state::{ConsentAct, ConsentChannel, ConsentState, UnlawfulAct, transition};
pub use words::{WordChange, change_in_words};

use crate::ground::LegalBasis;
use crate::named::named;
use crate::retention::RecordClass;

named! {
    /// A use of conversations that people are asked about, each for itself.
    ///
    /// One answer never stands for another. The list is closed: there is no variant for selling, advertising, profiling or
    /// biometric identification, so nobody can be asked for them.
    ConsentPurpose, "a purpose of consent" {
        /// Conversations become part of data sets that models are trained on.
        BatchTraining = "batch-training",
        /// Single conversations are chosen, because a model did badly on them, to be labelled and learned from.
        ActiveLearning = "active-learning",
        /// Conversations train the classifiers that recognise misuse.
        SafetyTraining = "safety-training",
        /// What a person sends in as feedback improves the service.
        Feedback = "feedback",
        /// Partners receive what they were promised: aggregates, or sets for training made for them.
        PartnerUse = "partner-use",
        /// Scientific research.
        Research = "research",
    }
}

named! {
    /// In which way a consent came about.
    ConsentKind, "a kind of consent" {
        /// By an act that says it without words, such as sending feedback in.
        Implicit = "implicit",
        /// By an answer to the question.
        Explicit = "explicit",
        /// By an answer given after the use, which an emergency had made necessary.
        Retroactive = "retroactive",
    }
}

impl ConsentPurpose {
    /// The term of the Data Privacy Vocabulary (DPV 2) for the purpose.
    pub const fn dpv_term(self) -> &'static str {
        match self {
            Self::BatchTraining => "ai:ModelTraining",
            Self::ActiveLearning => "ai:ModelFineTuning",
            Self::SafetyTraining => "dpv:MisusePreventionAndDetection",
            Self::Feedback => "dpv:ImproveExistingProductsAndServices",
            Self::PartnerUse => "dpv:EstablishContractualAgreement",
            Self::Research => "dpv:ScientificResearch",
        }
    }

    /// The basis on which the use rests. There is no other: what people are asked about rests on their answer.
    pub const fn legal_basis(self) -> LegalBasis {
        LegalBasis::Consent
    }

    /// Whether records of a class may be used for this purpose at all, consent given.
    ///
    /// What a person wanted forgotten never is, and what was sent in as feedback only as feedback.
    pub const fn admits(self, class: RecordClass) -> bool {
        match class {
            RecordClass::Feedback => matches!(self, Self::Feedback),
            _ => class.may_train(),
        }
    }

    /// Whether this is the choice on which the promised length of retention rests.
    pub const fn moves_retention(self) -> bool {
        matches!(self, Self::BatchTraining)
    }
}

impl ConsentKind {
    /// The term of the DPV for the kind; retroactive consent has none there, so it has one of our own beside it.
    pub const fn dpv_term(self) -> &'static str {
        match self {
            Self::Implicit => "dpv:ImpliedConsent",
            Self::Explicit => "dpv:ExplicitlyExpressedConsent",
            Self::Retroactive => "fiducia:RetroactiveConsent",
        }
    }
}
