//! Stored messages as blocks of chats.

use serde_json::Value;

use super::{ContentBlock, ToolResultText};
use crate::{Wire, texts};

/// How much of tools is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ToolLimits {
    /// Characters of a tool's arguments; all when absent.
    pub input: Option<usize>,
    /// Characters of each text that a tool gave; all when absent.
    pub result: Option<usize>,
}

/// What was said, by whom. Its `Debug` shows the role alone.
#[derive(Clone, PartialEq, Eq)]
pub struct SaidMessage {
    /// Who.
    pub role: String,
    /// What.
    pub content: Vec<ContentBlock>,
}

impl std::fmt::Debug for SaidMessage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("SaidMessage").field("role", &self.role).finish_non_exhaustive()
    }
}

/// The messages in the stored bytes of a record: a request's body, messages without the brackets around them, or an answer. Of the
/// Messages API tools keep their form; on other wires, and where the bytes cannot be read so, every text is a block. Bytes that hold no
/// text give none.
pub fn said(wire: Wire, raw: &str, limits: ToolLimits) -> Vec<SaidMessage> {
    let parsed = serde_json::from_str::<Value>(raw).or_else(|_| serde_json::from_str(&format!("[{raw}]")));
    let blocks = match (wire, &parsed) {
        (Wire::AnthropicMessages, Ok(value)) => messages_of(value, limits),
        _ => None,
    };
    blocks.unwrap_or_else(|| plain(wire, raw))
}

fn messages_of(value: &Value, limits: ToolLimits) -> Option<Vec<SaidMessage>> {
    let list = match value {
        Value::Array(list) => list.iter().collect::<Vec<_>>(),
        Value::Object(fields) => match fields.get("messages") {
            Some(Value::Array(list)) => list.iter().collect(),
            _ => vec![value],
        },
        _ => return None,
    };
    list.into_iter()
        .map(|message| {
            let role = message.get("role")?.as_str()?.to_owned();
            let content = match message.get("content")? {
                Value::String(text) => vec![text_block(text)],
                Value::Array(blocks) => blocks.iter().filter_map(|block| block_of(block, limits)).collect(),
                _ => return None,
            };
            Some(SaidMessage { role, content })
        })
        .collect()
}

fn block_of(block: &Value, limits: ToolLimits) -> Option<ContentBlock> {
    let text = |name: &str| block.get(name).and_then(Value::as_str);
    match text("type")? {
        "text" => Some(text_block(text("text")?)),
        // What a model thought is kept and not handed out here.
        "thinking" | "redacted_thinking" => {
            Some(ContentBlock::Text { text: String::new(), thinking_redacted: true, truncated: false })
        }
        "tool_use" | "server_tool_use" => {
            let (input, truncated) = cut(&block.get("input")?.to_string(), limits.input);
            Some(ContentBlock::ToolUse {
                id: text("id")?.to_owned(),
                name: text("name")?.to_owned(),
                input,
                integration_name: None,
                mcp_server_url: None,
                truncated,
            })
        }
        "tool_result" => {
            let texts: Vec<&str> = match block.get("content") {
                Some(Value::String(text)) => vec![text],
                Some(Value::Array(parts)) => {
                    parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect()
                }
                _ => Vec::new(),
            };
            let cut: Vec<(String, bool)> = texts.into_iter().map(|text| cut(text, limits.result)).collect();
            Some(ContentBlock::ToolResult {
                tool_use_id: text("tool_use_id")?.to_owned(),
                name: None,
                truncated: cut.iter().any(|(_, is_cut)| *is_cut),
                content: cut.into_iter().map(|(text, _)| ToolResultText { text }).collect(),
                is_error: block.get("is_error").and_then(Value::as_bool).unwrap_or(false),
            })
        }
        _ => None,
    }
}

fn plain(wire: Wire, raw: &str) -> Vec<SaidMessage> {
    let found = texts(wire, raw.as_bytes()).or_else(|_| texts(wire, format!("[{raw}]").as_bytes()));
    let said = |text: crate::Text| SaidMessage {
        role: text.role.name().to_owned(),
        content: vec![text_block(&text.text)],
    };
    found.unwrap_or_default().into_iter().map(said).collect()
}

fn text_block(text: &str) -> ContentBlock {
    ContentBlock::Text { text: text.to_owned(), thinking_redacted: false, truncated: false }
}

fn cut(text: &str, characters_max: Option<usize>) -> (String, bool) {
    match characters_max.and_then(|most| text.char_indices().nth(most)) {
        Some((end, _)) => (text.get(..end).unwrap_or_default().to_owned(), true),
        None => (text.to_owned(), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wire: Wire, raw: &str, limits: ToolLimits, expected: &str) {
        let said: Vec<Value> = said(wire, raw, limits)
            .into_iter()
            .map(|message| serde_json::json!([message.role, message.content]))
            .collect();
        assert_eq!(Value::Array(said), serde_json::from_str::<Value>(expected).unwrap());
    }

    #[test]
    fn tools_keep_their_form_and_are_cut_where_asked() {
        let raw = r#"{"model":"m","messages":[{"role":"user","content":"héllo"},{"role":"assistant","content":[
            {"type":"thinking","thinking":"hidden","signature":"s"},{"type":"tool_use","id":"t1","name":"look","input":{"q":"abc"}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"éé12"}]},{"type":"image"}]}]}"#;
        check(
            Wire::AnthropicMessages,
            raw,
            ToolLimits { input: Some(4), result: Some(3) },
            r#"[["user",[{"type":"text","text":"héllo","thinking_redacted":false,"truncated":false}]],
                ["assistant",[{"type":"text","text":"","thinking_redacted":true,"truncated":false},
                    {"type":"tool_use","id":"t1","name":"look","input":"{\"q\"","integration_name":null,"mcp_server_url":null,"truncated":true}]],
                ["user",[{"type":"tool_result","tool_use_id":"t1","name":null,"content":[{"text":"éé1"}],"is_error":false,"truncated":true}]]]"#,
        );
    }

    #[test]
    fn messages_without_brackets_and_other_wires_are_read_too() {
        let one = r#"[["user",[{"type":"text","text":"hi","thinking_redacted":false,"truncated":false}]]]"#;
        let message = r#"{"role":"user","content":"hi"}"#;
        check(Wire::AnthropicMessages, message, ToolLimits::default(), one);
        check(Wire::AnthropicMessages, &format!("[{message}]"), ToolLimits::default(), one);
        check(
            Wire::OpenAiChat,
            &format!(r#"{{"model":"m","messages":[{message}]}}"#),
            ToolLimits::default(),
            one,
        );
        check(Wire::AnthropicMessages, "not JSON", ToolLimits::default(), "[]");
    }
}
