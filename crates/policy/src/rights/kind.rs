//! The closed lists: what people may ask for, under which law, and why something was put off or refused.

use crate::edge::Timestamp;
use crate::named::named;

named! {
    /// What a person may ask for.
    RequestKind, "a kind of request" {
        /// To be told what is kept, why, and who looked at it, with a copy (GDPR article 15).
        Access = "access",
        /// To be given the data in a form that other programs read (GDPR article 20).
        Export = "export",
        /// To have something put right (GDPR article 16).
        Correction = "correction",
        /// To have it kept but not used (GDPR article 18).
        Restriction = "restriction",
        /// To object to uses that rest on a legitimate interest (GDPR article 21).
        Objection = "objection",
        /// To have it destroyed (GDPR article 17).
        Erasure = "erasure",
        /// To opt out of sale and sharing, and of training (CCPA section 1798.120).
        OptOut = "opt-out",
        /// To complain about how data or a request was handled.
        Complaint = "complaint",
    }
}

impl RequestKind {
    /// Whether it is carried out only for a person whose identity was confirmed. An opt-out must not be made to depend on
    /// that (CCPA regulations section 7026(d)), and whoever complains need not prove who they are to be heard.
    pub const fn needs_identity(self) -> bool {
        !matches!(self, Self::OptOut | Self::Complaint)
    }

    /// Whether the answer is a copy of the data.
    pub const fn is_copy(self) -> bool {
        matches!(self, Self::Access | Self::Export)
    }
}

named! {
    /// The laws whose clocks are known.
    Regime, "a legal regime" {
        /// General Data Protection Regulation (EU) 2016/679.
        Gdpr = "gdpr",
        /// California Consumer Privacy Act, with its regulations.
        Ccpa = "ccpa",
        /// Lei Geral de Proteção de Dados, Brazil.
        Lgpd = "lgpd",
        /// Personal Information Protection and Electronic Documents Act, Canada.
        Pipeda = "pipeda",
        /// Personal Information Protection Law, China.
        Pipl = "pipl",
    }
}

named! {
    /// Why more time is taken.
    ExtensionReason, "a reason for an extension" {
        /// The request is complex.
        Complexity = "complexity",
        /// The person made many requests.
        NumberOfRequests = "number-of-requests",
        /// Others must be consulted first (PIPEDA section 8(4)(a)(ii)).
        Consultation = "consultation",
        /// It must be converted into another form (PIPEDA section 8(4)(b)).
        Conversion = "conversion",
    }
}

named! {
    /// Why a request is refused.
    RefusalReason, "a reason for a refusal" {
        /// It is manifestly unfounded.
        ManifestlyUnfounded = "manifestly-unfounded",
        /// It is excessive, in particular because it repeats another.
        Excessive = "excessive",
        /// Who asks could not be told.
        IdentityNotConfirmed = "identity-not-confirmed",
        /// Whoever asks for another has no mandate that covers it.
        NoMandate = "no-mandate",
        /// A law obliges to keep or to go on.
        LegalObligation = "legal-obligation",
        /// It is needed to establish, exercise or defend claims in law.
        LegalClaims = "legal-claims",
        /// Compelling grounds override the person's interests (GDPR article 21(1)).
        OverridingGrounds = "overriding-grounds",
        /// It would harm the rights and freedoms of others.
        RightsOfOthers = "rights-of-others",
        /// The law that was named gives no such right here.
        NotApplicable = "not-applicable",
    }
}

impl RefusalReason {
    /// The reason as a sentence for the person.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::ManifestlyUnfounded => "The request is manifestly unfounded.",
            Self::Excessive => "The request is excessive, in particular because it repeats another.",
            Self::IdentityNotConfirmed => "We could not confirm that the data is about whoever asks.",
            Self::NoMandate => "Whoever asks for you showed no mandate that covers this request.",
            Self::LegalObligation => "A law obliges us to keep the data, or to go on using it.",
            Self::LegalClaims => "The data is needed to establish, exercise or defend claims in law.",
            Self::OverridingGrounds => "Compelling grounds override your interests in this case.",
            Self::RightsOfOthers => "What you ask for would harm the rights and freedoms of others.",
            Self::NotApplicable => "The law that was named gives no such right for this data.",
        }
    }
}

named! {
    /// How it was made sure who asks. What was shown is never kept, only how, when and by whom.
    IdentityMethod, "a way to confirm an identity" {
        /// They were signed in to their account.
        SignedIn = "signed-in",
        /// They answered a message to the address of the account.
        AccountMessage = "account-message",
        /// A document was looked at and given back or destroyed.
        DocumentSeen = "document-seen",
        /// They knew what only the person of the account knows.
        Knowledge = "knowledge",
        /// The organisation vouches for them.
        Organization = "organization",
    }
}

/// Where a person can go who is not content with an answer.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ComplaintRoute {
    /// The law.
    pub regime: Regime,
    /// The body that takes complaints, with the provision that says so.
    pub body: String,
    /// The way to a court, with the provision that says so.
    pub court: String,
}

/// Why a mandate does not permit to ask for another person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MandateProblem {
    /// None was shown.
    #[error("no mandate was shown")]
    Absent,
    /// It does not name this kind of request.
    #[error("the mandate does not cover this kind of request")]
    OutOfScope,
    /// It begins later.
    #[error("the mandate is not valid yet")]
    NotYet,
    /// It ended.
    #[error("the mandate has ended")]
    Ended,
}

impl MandateProblem {
    /// Whether a mandate that covers `covers`, from `from` until before `until`, permits a request of this kind at `at`.
    ///
    /// # Errors
    /// With why not.
    pub fn check(
        covers: &[RequestKind],
        (from, until): (Timestamp, Option<Timestamp>),
        kind: RequestKind,
        at: Timestamp,
    ) -> Result<(), Self> {
        if !covers.contains(&kind) {
            return Err(Self::OutOfScope);
        }
        if at < from {
            return Err(Self::NotYet);
        }
        if until.is_some_and(|until| until <= at) {
            return Err(Self::Ended);
        }
        Ok(())
    }
}
