//! On what authority a data key is released.
//!
//! INVARIANT: content is decrypted for a person only on an authority that a durable ledger entry gave. Releasing a data
//! key takes a [`ReleaseAuthority`]; its only implementor is the ledger's access receipt, which nothing but a durable
//! append constructs. A test of the workspace fails when another implementor appears.

use crate::ground::{GroundKind, Purpose};
use crate::id::RecordId;

/// Why a person asks to read, from the closed lists of the public access-transparency formats plus the rights of
/// the person concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessReason {
    /// Viewed in a policy or safety investigation.
    SafetyReview,
    /// Viewed while handling an incident that affects the organisation.
    IncidentResponse,
    /// Looked at as part of a case about a violation.
    PolicyViolationInvestigation,
    /// Evidence of child sexual abuse or exploitation.
    CsaeReport,
    /// Answering a request of the person the data is about.
    SubjectRequest,
    /// The customer asked for help with this record.
    CustomerSupport,
    /// A court order or another duty in law.
    LegalObligation,
    /// The organisation's own compliance program reads, by a key that the organisation was given.
    OrganizationCompliance,
}

/// A reason that is not in the list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a reason for reading; nothing was decrypted. Reasons: {}", AccessReason::names().join(", "))]
pub struct UnknownReason {
    /// What was given instead.
    pub given: String,
}

impl AccessReason {
    /// Every reason, in the order in which help texts show them.
    pub const ALL: [Self; 8] = [
        Self::SafetyReview,
        Self::IncidentResponse,
        Self::PolicyViolationInvestigation,
        Self::CsaeReport,
        Self::SubjectRequest,
        Self::CustomerSupport,
        Self::LegalObligation,
        Self::OrganizationCompliance,
    ];

    /// The name in the ledger and on command lines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SafetyReview => "safety_review",
            Self::IncidentResponse => "incident_response",
            Self::PolicyViolationInvestigation => "policy_violation_investigation",
            Self::CsaeReport => "csae_report",
            Self::SubjectRequest => "subject_request",
            Self::CustomerSupport => "customer_support",
            Self::LegalObligation => "legal_obligation",
            Self::OrganizationCompliance => "organization_compliance",
        }
    }

    /// What reading for this reason is for, in the terms of the Data Privacy Vocabulary.
    pub const fn dpv_term(self) -> &'static str {
        match self {
            Self::SafetyReview | Self::PolicyViolationInvestigation | Self::CsaeReport => {
                "MisusePreventionAndDetection"
            }
            Self::IncidentResponse => "EnforceSecurity",
            Self::SubjectRequest => "RightsFulfilment",
            Self::CustomerSupport => "CustomerCare",
            Self::LegalObligation => "LegalCompliance",
            Self::OrganizationCompliance => "OrganisationComplianceManagement",
        }
    }

    /// On which grounds something may be kept that is read for this reason, the closest first. What is kept on other grounds alone
    /// is not opened for it. What a person sent in as feedback, and the scores of classifiers, no reason opens.
    pub const fn grounds(self) -> &'static [GroundKind] {
        use GroundKind::{Investigation, LegalHold, SafetyWindow, Service, Violation};
        match self {
            Self::SafetyReview | Self::PolicyViolationInvestigation | Self::CsaeReport => {
                &[Violation, SafetyWindow, Investigation]
            }
            Self::IncidentResponse => &[SafetyWindow, Service, Investigation],
            Self::SubjectRequest | Self::CustomerSupport | Self::OrganizationCompliance => &[Service],
            Self::LegalObligation => &[LegalHold, Service],
        }
    }

    /// Whether what is kept for a purpose may be read for this reason. The access policies say the same in their own words, and a
    /// test holds them to it.
    pub fn serves(self, purpose: Purpose) -> bool {
        self.grounds().iter().any(|ground| ground.purpose() == purpose)
    }

    /// Whether what is restricted may still be read for this reason: for the person, for claims in law, and to protect
    /// others (GDPR article 18(2)).
    pub const fn reads_restricted(self) -> bool {
        matches!(self, Self::SubjectRequest | Self::LegalObligation | Self::CsaeReport)
    }

    /// All names, for help and errors.
    pub fn names() -> Vec<&'static str> {
        Self::ALL.iter().map(|reason| reason.name()).collect()
    }
}

impl std::str::FromStr for AccessReason {
    type Err = UnknownReason;

    fn from_str(text: &str) -> Result<Self, UnknownReason> {
        Self::ALL
            .into_iter()
            .find(|reason| reason.name() == text)
            .ok_or_else(|| UnknownReason { given: text.to_owned() })
    }
}

/// Where in which log the entry lies that gave an authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryProof {
    /// Zero-based index of the leaf in the organisation's log.
    pub index: u64,
    /// RFC 6962 leaf hash of the entry.
    pub leaf_hash: [u8; 32],
}

/// Something that permits the release of the data key of certain records to a person.
pub trait ReleaseAuthority {
    /// Whether `record` is within what was authorised.
    fn covers(&self, record: RecordId) -> bool;
    /// The ledger entry behind the authority.
    fn entry(&self) -> EntryProof;
}
