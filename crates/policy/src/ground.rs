//! Grounds: why a record may be kept, for which purpose, on which legal basis.

use crate::edge::Timestamp;

/// What data may be used for, in the terms of the Data Privacy Vocabulary (DPV).
///
/// The list is closed on purpose: there is no variant for selling, advertising, profiling or biometric
/// identification, so no policy can ask for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// `dpv:RequestedServiceProvision`: giving the conversation back to the person who had it.
    RequestedServiceProvision,
    /// `dpv:MisusePreventionAndDetection`: looking for violations within the safety window.
    MisusePreventionAndDetection,
}

impl Purpose {
    /// The term's IRI suffix in DPV.
    pub const fn dpv_term(self) -> &'static str {
        match self {
            Self::RequestedServiceProvision => "RequestedServiceProvision",
            Self::MisusePreventionAndDetection => "MisusePreventionAndDetection",
        }
    }
}

/// The legal basis of a ground (GDPR article 6(1); DPV `eu-gdpr:A6-1-*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LegalBasis {
    /// Article 6(1)(b): performance of a contract.
    Contract,
    /// Article 6(1)(f): legitimate interest.
    LegitimateInterest,
}

/// The kinds of ground that exist. Each is a root of the key graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroundKind {
    /// The conversation is kept for the person who has it.
    Service,
    /// The record is kept for misuse detection during a window that starts on the day of capture.
    SafetyWindow,
}

impl GroundKind {
    /// The only purpose this ground permits.
    pub const fn purpose(self) -> Purpose {
        match self {
            Self::Service => Purpose::RequestedServiceProvision,
            Self::SafetyWindow => Purpose::MisusePreventionAndDetection,
        }
    }

    /// The basis this ground rests on unless a policy names another.
    pub const fn legal_basis(self) -> LegalBasis {
        match self {
            Self::Service => LegalBasis::Contract,
            Self::SafetyWindow => LegalBasis::LegitimateInterest,
        }
    }

    /// The stable name in databases, the ledger and command lines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::SafetyWindow => "safety-window",
        }
    }
}

/// A ground that holds for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Ground {
    /// Which kind.
    pub kind: GroundKind,
    /// When it opened: the capture of the record.
    pub opened_at: Timestamp,
    /// When it ends by itself; `None` means with the account or by the person's deletion.
    pub ends_at: Option<Timestamp>,
}
