//! Who did what an activity tells of.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::OtherFields;

/// From where something was done. Both are null where nobody noted it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorSource {
    /// The network address.
    pub ip_address: Option<String>,
    /// What the program called itself.
    pub user_agent: Option<String>,
}

/// An actor, by its `type`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Actor {
    /// A person.
    UserActor {
        /// Who.
        user_id: String,
        /// The address by which the person signs in, where one is known.
        email_address: Option<String>,
        /// From where.
        #[serde(flatten)]
        source: ActorSource,
        /// Fields that this version does not know.
        #[serde(flatten)]
        other: OtherFields,
    },
    /// A key, of the gateway or of the Compliance API.
    ApiActor {
        /// Which.
        api_key_id: String,
        /// From where.
        #[serde(flatten)]
        source: ActorSource,
        /// Fields that this version does not know.
        #[serde(flatten)]
        other: OtherFields,
    },
    /// Somebody of the operator's staff, who is not named.
    AnthropicActor {
        /// Always null.
        email_address: Option<String>,
    },
    /// The program itself.
    SystemActor {
        /// Which part of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        service: Option<String>,
    },
    /// Any other.
    #[serde(untagged)]
    Other(Value),
}
