//! The shapes of the public Compliance API, without HTTP: what it is asked, and what it answers, field for field.
//!
//! Fields that this version does not know survive reading and writing. Texts that are closed lists elsewhere are texts here, since the
//! public lists grow: they are checked where somebody filters by them, never where something is read.

mod activity;
mod actor;
mod chat;
mod content;
mod directory;
mod page;
mod query;
mod types;

pub use activity::Activity;
pub use actor::{Actor, ActorSource};
pub use chat::{Chat, ChatMessages, ChatUser, ContentBlock, Deleted, Message, ToolResultText};
pub use content::{SaidMessage, ToolLimits, said};
pub use directory::{
    EffectiveSettings, FixedPeriod, Organization, Permission, RetentionPeriod, Role, Setting, SettingValue,
    User,
};
pub use page::{CursorPage, TokenPage};
pub use query::{ComplianceQuery, QueryRefused, TimeRange};
pub use types::{ACTIVITY_TYPES, is_activity_type};

/// Fields that this version does not know.
pub type OtherFields = serde_json::Map<String, serde_json::Value>;
