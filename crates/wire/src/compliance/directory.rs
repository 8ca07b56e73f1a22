//! Organisations, people, roles and settings.

use serde::{Deserialize, Serialize};

use super::OtherFields;

/// An organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Its bare UUID.
    pub uuid: String,
    /// Its name.
    pub name: String,
    /// Created when, RFC 3339.
    pub created_at: String,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Its id.
    pub id: String,
    /// The name; null where none is known.
    pub full_name: Option<String>,
    /// The address by which the person signs in; null where none is known.
    pub email: Option<String>,
    /// What the person may be; null where that is nothing but a person.
    pub organization_role: Option<String>,
    /// Known since when, RFC 3339.
    pub created_at: String,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// What a role permits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// What is done.
    pub action: String,
    /// To what kind of thing.
    pub resource: String,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// The settings in force. A missing row means that there is nothing to set, not that it is off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectiveSettings {
    /// Always `effective_organization_settings`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The settings.
    pub settings: Vec<Setting>,
    /// Keys of the public Console; this installation has none.
    pub api_keys: Vec<serde_json::Value>,
}

/// One setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// What kind of value it has.
    #[serde(rename = "type")]
    pub kind: String,
    /// The enforced value.
    pub value: SettingValue,
}

/// A setting's value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SettingValue {
    /// Yes or no.
    Flag(bool),
    /// A text.
    Text(String),
    /// How long each kind of thing is kept.
    Periods(std::collections::BTreeMap<String, RetentionPeriod>),
    /// Any other.
    Other(serde_json::Value),
}

/// How long something is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum RetentionPeriod {
    /// For a span.
    Fixed(FixedPeriod),
    /// Until somebody deletes it.
    Indefinite {},
}

/// A span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixedPeriod {
    /// `day` or `month`.
    pub timescale: String,
    /// How many of them.
    pub duration: u64,
}
