//! What people are asked to agree to, and in which way they agree.

use crate::named::named;

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
