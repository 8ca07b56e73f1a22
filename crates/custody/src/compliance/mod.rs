//! The Compliance API's use cases: keys and what they reach, the activity feed.

mod activities;
mod chats;
mod commands;
mod directory;
mod feed;
mod keys;
mod paging;
mod projection;
mod sign_ins;
mod transparency;

pub(crate) use activities::kept_since;
pub use activities::{ActivityPage, ActivityQuery, ComplianceCall, PageCursor};
pub use chats::{ChatPage, ChatQuery, MessagePage, MessageQuery};
pub use commands::{
    ComplianceCommand, ComplianceKey, ComplianceKeyRow, ComplianceReach, ComplianceReply,
    CreatedComplianceKey, NewComplianceKey,
};
pub use directory::Listed;
pub(crate) use feed::Feed;
pub use paging::MessagePlace;
pub use projection::activity_names;
pub(crate) use projection::{ActivityBody, is_without_leaf, project};
pub use transparency::TransparencyLog;
