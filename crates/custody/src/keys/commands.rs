//! The commands on organisations' keys, and their replies.

use fiducia_policy::{OrganizationId, Timestamp};

/// A command on the key of an organisation or of the installation.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "action")]
pub enum OrganizationKeyCommand {
    /// Wraps an organisation's key by a service of its own, after a throw-away key went there and back.
    Set {
        /// Whose.
        organization: OrganizationId,
        /// The service, as the configuration calls it.
        service: String,
        /// The name of the key there.
        key: String,
        /// Who orders it.
        actor: String,
    },
    /// Says how things stand.
    Show {
        /// Whose; `None` for the installation.
        organization: Option<OrganizationId>,
    },
    /// Hangs an organisation's key from the installation's again.
    Clear {
        /// Whose.
        organization: OrganizationId,
        /// Who orders it.
        actor: String,
    },
    /// Sends a throw-away key to the service and back.
    Validate {
        /// Whose; `None` for the installation.
        organization: Option<OrganizationId>,
        /// Who orders it; `None` for an examination that leaves no entry in the log.
        actor: Option<String>,
    },
    /// Wraps keys anew: under the newest versions, and the installation's by the service that the configuration names.
    Rotate {
        /// Whose; `None` for the installation's and all that have services of their own.
        organization: Option<OrganizationId>,
        /// Who orders it.
        actor: String,
    },
}

/// A reply.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", tag = "reply", content = "value")]
pub enum OrganizationKeyReply {
    /// How things stand with one key.
    Key(OrganizationKeyRow),
    /// How it went with each key.
    Rotated(Vec<OrganizationKeyRow>),
}

/// How things stand with the key of an organisation, or of the installation.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OrganizationKeyRow {
    /// Whose; `None` for the installation.
    pub organization: Option<OrganizationId>,
    /// Whether it is wrapped by a service of its own, not under the installation's key.
    pub is_own: bool,
    /// The service, as the configuration calls it; `keyfile` for the installation's file.
    pub service: String,
    /// The name of the key there.
    pub key: String,
    /// Which version of it wrapped, where the service says so.
    pub version: String,
    /// Wrapped when.
    pub wrapped_at: Timestamp,
    /// Whether what it protects can be read and added to now.
    pub is_open: bool,
    /// Until when, if the service opened it no more. `None` for a keyfile, and while it is not open.
    pub open_until: Option<Timestamp>,
    /// What the service said last, when it failed: what happened, what it means, what to do.
    pub problem: Option<String>,
}
