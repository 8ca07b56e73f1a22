//! Who speaks to the gateway: virtual keys and what they permit.

use fiducia_policy::{OrganizationId, RecordClass, SubjectId, VirtualKeyId, WorkspaceId};

/// What a virtual key permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Asking models: messages, chat completions, responses, embeddings, token counting.
    Inference,
    /// Listing models.
    Models,
    /// Message batches.
    Batches,
    /// Uploading, listing, downloading and deleting files at the provider.
    Files,
    /// Naming the subject of each request in the `fiducia-subject` header.
    ActForSubjects,
}

/// A scope that does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a scope; scopes are inference, models, batches, files, act-for-subjects")]
pub struct UnknownScope(
    /// What was given instead.
    pub String,
);

impl Scope {
    /// All scopes, in the order help texts show them.
    pub const ALL: [Self; 5] =
        [Self::Inference, Self::Models, Self::Batches, Self::Files, Self::ActForSubjects];

    /// The name in databases and on command lines.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inference => "inference",
            Self::Models => "models",
            Self::Batches => "batches",
            Self::Files => "files",
            Self::ActForSubjects => "act-for-subjects",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Inference => 1,
            Self::Models => 2,
            Self::Batches => 4,
            Self::Files => 8,
            Self::ActForSubjects => 16,
        }
    }
}

impl std::str::FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL.into_iter().find(|scope| scope.name() == text).ok_or_else(|| UnknownScope(text.to_owned()))
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u8);

impl Scopes {
    /// Whether `scope` is in the set.
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// The scopes of the set, in the order of [`Scope::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

/// What an organisation lets be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retention {
    /// Exchanges are kept under their grounds.
    Kept,
    /// No content is written anywhere.
    Zero,
}

/// What an organisation's agreements say about the use of providers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EligibilityTerms {
    /// Providers may keep nothing after the answer.
    pub zero_retention: bool,
    /// Health data flows under an agreement (HIPAA) that covers only some features.
    pub hipaa: bool,
    /// Models whose prompts and answers are kept for safety may be used although nothing else is kept.
    pub covered_models_enabled: bool,
}

/// An authenticated caller.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The key that was presented.
    pub key: VirtualKeyId,
    /// Whose data this is.
    pub organization: OrganizationId,
    /// The workspace the key belongs to.
    pub workspace: WorkspaceId,
    /// The person the key speaks for, unless the request names another and may.
    pub subject: SubjectId,
    /// What the key permits.
    pub scopes: Scopes,
    /// Whether exchanges are kept at all.
    pub retention: Retention,
    /// Which features and models of providers may be used.
    pub eligibility: EligibilityTerms,
    /// The class of what is captured, where it is not the plan's own.
    pub class: Option<RecordClass>,
}

/// Why a credential was not accepted. The texts never contain the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialRefused {
    /// No such key.
    #[error("this key is not known here; create one with `fiducia keys create`")]
    Unknown,
    /// The key was revoked.
    #[error("this key was revoked; ask your administrator for a new one")]
    Revoked,
    /// The key is past its expiry.
    #[error("this key has expired; ask your administrator for a new one")]
    Expired,
    /// `fiducia-subject` names no valid subject (1 to 128 visible ASCII characters).
    #[error("the `fiducia-subject` header must hold 1 to 128 visible ASCII characters")]
    SubjectInvalid,
    /// The key may not name subjects.
    #[error("this key may not act for other people; it lacks the scope act-for-subjects")]
    SubjectNotPermitted,
    /// Naming a new subject failed because the store cannot take it.
    #[error("the subject could not be recorded, so the request was not sent on; try again later")]
    StoreUnavailable,
}
