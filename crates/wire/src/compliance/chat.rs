//! Chats: lists, messages, deletions.

use serde::{Deserialize, Serialize};

use super::OtherFields;

/// Whose a chat is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatUser {
    /// Who.
    pub id: String,
    /// The address by which the person signs in, where one is known.
    pub email_address: Option<String>,
}

/// A chat, without what was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chat {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Began when, RFC 3339.
    pub created_at: String,
    /// Last turn when.
    pub updated_at: String,
    /// Deleted by its person when; it stays readable until its retention ends.
    pub deleted_at: Option<String>,
    /// Where people open it.
    pub href: Option<String>,
    /// The model that answered last.
    pub model: Option<String>,
    /// In which organisation (deprecated there in favour of the UUID).
    pub organization_id: String,
    /// The same as a bare UUID.
    pub organization_uuid: String,
    /// In which project.
    pub project_id: Option<String>,
    /// Whose; null once the person was erased.
    pub user: Option<ChatUser>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// A chat with its messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatMessages {
    /// The chat.
    #[serde(flatten)]
    pub chat: Chat,
    /// What was said, in the order that was asked for.
    pub chat_messages: Vec<Message>,
    /// Whether there are more in the direction that was asked for.
    pub has_more: bool,
    /// What `before_id` takes; null when there are no messages.
    pub first_id: Option<String>,
    /// What `after_id` takes; null when there are no messages.
    pub last_id: Option<String>,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// `user`, `assistant` or another role of the wire.
    pub role: String,
    /// When it was captured, RFC 3339.
    pub created_at: String,
    /// What it says.
    pub content: Vec<ContentBlock>,
    /// Files that came with it; null where none are kept.
    pub files: Option<Vec<serde_json::Value>>,
    /// Files that were made; null where none are kept.
    pub generated_files: Option<Vec<serde_json::Value>>,
    /// Artifacts; null where none are kept.
    pub artifacts: Option<Vec<serde_json::Value>>,
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ContentBlock {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// Whether a model's thinking was left out.
        thinking_redacted: bool,
        /// Whether the text was cut.
        truncated: bool,
    },
    /// A model's use of a tool.
    ToolUse {
        /// The use's id.
        id: String,
        /// The tool's name.
        name: String,
        /// The arguments, as JSON in a text.
        input: String,
        /// Always null: connectors are not known here.
        integration_name: Option<String>,
        /// Always null: servers of tools are not known here.
        mcp_server_url: Option<String>,
        /// Whether the arguments were cut.
        truncated: bool,
    },
    /// What a tool gave.
    ToolResult {
        /// For which use.
        tool_use_id: String,
        /// The tool's name; null where the wire does not repeat it.
        name: Option<String>,
        /// The texts it gave.
        content: Vec<ToolResultText>,
        /// Whether it failed.
        is_error: bool,
        /// Whether the texts were cut.
        truncated: bool,
    },
}

/// A text that a tool gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolResultText {
    /// The text.
    pub text: String,
}

/// What was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deleted {
    /// Its id.
    pub id: String,
    /// What it was: `claude_chat_deleted`.
    #[serde(rename = "type")]
    pub kind: String,
}
