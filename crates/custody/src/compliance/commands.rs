//! The commands on the Compliance API, and their replies.

use fiducia_policy::{ComplianceKeyId, ComplianceScope, ComplianceScopes, OrganizationId, Timestamp};

/// What a key reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ComplianceReach {
    /// Every organisation of the installation, also those that are made later.
    Installation,
    /// One organisation.
    Organization(OrganizationId),
}

impl ComplianceReach {
    /// Whether an organisation is within it.
    pub fn covers(self, organization: OrganizationId) -> bool {
        match self {
            Self::Installation => true,
            Self::Organization(own) => own == organization,
        }
    }

    /// The name in the ledger.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Installation => "installation",
            Self::Organization(_) => "organization",
        }
    }
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NewComplianceKey {
    /// What it reaches.
    pub reach: ComplianceReach,
    /// What to call it: 1 to 128 characters.
    pub name: String,
    /// What it permits, at least one thing.
    pub scopes: ComplianceScopes,
    /// Who makes it: the operating-system user or the signed-in person.
    pub actor: String,
}

/// A command on the Compliance API.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "action")]
pub enum ComplianceCommand {
    /// Makes a key. It works until it is deleted.
    CreateKey(NewComplianceKey),
    /// Lists keys, oldest first, deleted ones too.
    ListKeys {
        /// Only those that reach this organisation.
        organization: Option<OrganizationId>,
    },
    /// Deletes a key: requests with it are refused from then on.
    DeleteKey {
        /// Which.
        key: ComplianceKeyId,
        /// Who deletes it.
        actor: String,
    },
}

/// A key in a list. It holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ComplianceKeyRow {
    /// Its id, by which the feed and the ledger name it.
    pub id: ComplianceKeyId,
    /// What its owner calls it.
    pub name: String,
    /// What it reaches.
    pub reach: ComplianceReach,
    /// What it permits.
    pub scopes: ComplianceScopes,
    /// Created when.
    pub created_at: Timestamp,
    /// Deleted when.
    pub deleted_at: Option<Timestamp>,
}

/// A new key with its secret.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CreatedComplianceKey {
    /// The key.
    pub key: ComplianceKeyRow,
    /// The secret, shown once; only its digest is stored.
    pub secret: String,
}

impl std::fmt::Debug for CreatedComplianceKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedComplianceKey").field("key", &self.key).finish_non_exhaustive()
    }
}

/// Whoever presents a key that works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ComplianceKey {
    /// Its id.
    pub id: ComplianceKeyId,
    /// What it reaches.
    pub reach: ComplianceReach,
    /// What it permits.
    pub scopes: ComplianceScopes,
}

impl ComplianceKey {
    /// Whether it permits `scope`.
    pub fn may(&self, scope: ComplianceScope) -> bool {
        self.scopes.contains(scope)
    }
}

/// A reply to a [`ComplianceCommand`].
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reply", content = "value")]
pub enum ComplianceReply {
    /// A new key. The only time the secret is shown.
    Key(Box<CreatedComplianceKey>),
    /// Keys.
    Keys(Vec<ComplianceKeyRow>),
    /// It was deleted.
    Deleted,
}
