//! Grounds: why a record may be kept, for which purpose, on which legal basis.

use crate::edge::Timestamp;
use crate::named::named;

named! {
    /// What data may be used for, in the terms of the Data Privacy Vocabulary (DPV).
    ///
    /// The list is closed on purpose: there is no variant for selling, advertising, profiling or biometric
    /// identification, so no policy can ask for them.
    Purpose, "a purpose" {
        /// `dpv:RequestedServiceProvision`: giving the conversation back to the person who had it.
        RequestedServiceProvision = "requested-service-provision",
        /// `dpv:MisusePreventionAndDetection`: looking for violations, and keeping what was found.
        MisusePreventionAndDetection = "misuse-prevention-and-detection",
        /// `dpv:EnforceSecurity`: working on a case.
        EnforceSecurity = "enforce-security",
        /// `dpv:ImproveExistingProductsAndServices`: using what a person sent in as feedback.
        ImproveExistingProductsAndServices = "improve-existing-products-and-services",
        /// `dpv:LegalCompliance`: obeying an order or a duty in law.
        LegalCompliance = "legal-compliance",
    }
}

impl Purpose {
    /// The term's IRI suffix in DPV.
    pub const fn dpv_term(self) -> &'static str {
        match self {
            Self::RequestedServiceProvision => "RequestedServiceProvision",
            Self::MisusePreventionAndDetection => "MisusePreventionAndDetection",
            Self::EnforceSecurity => "EnforceSecurity",
            Self::ImproveExistingProductsAndServices => "ImproveExistingProductsAndServices",
            Self::LegalCompliance => "LegalCompliance",
        }
    }
}

named! {
    /// The legal basis of a ground (GDPR article 6(1); DPV `eu-gdpr:A6-1-*`).
    LegalBasis, "a legal basis" {
        /// Article 6(1)(a): consent.
        Consent = "consent",
        /// Article 6(1)(b): performance of a contract.
        Contract = "contract",
        /// Article 6(1)(c): a legal obligation.
        LegalObligation = "legal-obligation",
        /// Article 6(1)(d): vital interests of a person.
        VitalInterests = "vital-interests",
        /// Article 6(1)(e): a task in the public interest.
        PublicTask = "public-task",
        /// Article 6(1)(f): legitimate interest.
        LegitimateInterest = "legitimate-interest",
    }
}

impl LegalBasis {
    /// The term in the DPV extension for the GDPR.
    pub const fn dpv_term(self) -> &'static str {
        match self {
            Self::Consent => "eu-gdpr:A6-1-a",
            Self::Contract => "eu-gdpr:A6-1-b",
            Self::LegalObligation => "eu-gdpr:A6-1-c",
            Self::VitalInterests => "eu-gdpr:A6-1-d",
            Self::PublicTask => "eu-gdpr:A6-1-e",
            Self::LegitimateInterest => "eu-gdpr:A6-1-f",
        }
    }
}

named! {
    /// The kinds of ground that exist. Each is a root of the key graph.
    GroundKind, "a ground" {
        /// The record is kept for the person who has it. Opens with the capture.
        Service = "service",
        /// The record is kept for misuse detection during a window that starts on the day of capture.
        SafetyWindow = "safety-window",
        /// Content that was flagged as a violation. Opens with the flag.
        Violation = "violation",
        /// The scores of classifiers about content that was flagged. Opens with the flag.
        SafetyScore = "safety-score",
        /// A safety investigation. Opens with the case.
        Investigation = "investigation",
        /// What a person sent in as feedback. Opens with the sending.
        Feedback = "feedback",
        /// A court order or another duty to preserve. Opens when the hold is placed.
        LegalHold = "legal-hold",
    }
}

impl GroundKind {
    /// The only purpose this ground permits.
    pub const fn purpose(self) -> Purpose {
        match self {
            Self::Service => Purpose::RequestedServiceProvision,
            Self::SafetyWindow | Self::Violation | Self::SafetyScore => Purpose::MisusePreventionAndDetection,
            Self::Investigation => Purpose::EnforceSecurity,
            Self::Feedback => Purpose::ImproveExistingProductsAndServices,
            Self::LegalHold => Purpose::LegalCompliance,
        }
    }

    /// The basis this ground rests on unless a policy names another.
    pub const fn legal_basis(self) -> LegalBasis {
        match self {
            Self::Service => LegalBasis::Contract,
            Self::SafetyWindow | Self::Violation | Self::SafetyScore | Self::Investigation => {
                LegalBasis::LegitimateInterest
            }
            Self::Feedback => LegalBasis::Consent,
            Self::LegalHold => LegalBasis::LegalObligation,
        }
    }

    /// Whether one key serves an organisation for a whole day, so that the ground can end at 00:00 UTC only.
    pub const fn has_key_per_day(self) -> bool {
        matches!(self, Self::SafetyWindow | Self::Violation | Self::SafetyScore | Self::Feedback)
    }
}

/// A ground that holds for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Ground {
    /// Which kind.
    pub kind: GroundKind,
    /// When it opened: the capture of the record, or the event that opened it later.
    pub opened_at: Timestamp,
    /// When it ends by itself; `None` means with the account or by the person's deletion.
    pub ends_at: Option<Timestamp>,
}
