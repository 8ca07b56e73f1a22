//! The text of a stored message or answer, for a person who may read it and for comparing content.

use crate::fingerprint::MEMBERS_MAX;
use crate::object::{Object, elements_of, text_of};
use crate::{RequestError, Role, Wire};

/// One piece of text and who said it.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    /// Who speaks.
    pub role: Role,
    /// The text, decoded, byte for byte. Lone surrogates are shown as U+FFFD.
    pub text: String,
}

/// Content must not reach logs by way of a debug format.
impl std::fmt::Debug for Text {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Text")
            .field("role", &self.role)
            .field("bytes", &self.text.len())
            .finish_non_exhaustive()
    }
}

/// Members whose strings are said or shown, within a message, part or item.
const TEXT_MEMBERS: [&str; 9] =
    ["text", "thinking", "refusal", "arguments", "transcript", "cited_text", "title", "context", "output"];

/// Members that hold more messages, parts or items.
const NESTED_MEMBERS: [&str; 13] = [
    "messages",
    "content",
    "parts",
    "output",
    "summary",
    "tool_calls",
    "function",
    "function_call",
    "custom",
    "audio",
    "message",
    "choices",
    "source",
];

/// The texts in `bytes`, in order: a message, an item, an array of them, a whole request body, or a whole answer.
/// Text within tool calls is included, a tool's `input` object as its JSON text; opaque data (images, signatures,
/// encrypted content) is not.
///
/// # Errors
/// A [`RequestError`] when the bytes are not JSON.
pub fn texts(wire: Wire, bytes: &[u8]) -> Result<Vec<Text>, RequestError> {
    let mut cursor = crate::json::Cursor::new(bytes)?;
    let raw = cursor.raw()?;
    cursor.end()?;
    let mut found = Vec::new();
    let role = if raw.starts_with('"') { Role::User } else { Role::Item };
    collect(wire, raw, &role, &mut found);
    Ok(found)
}

/// Recursion is bounded: the text was read with the cursor's depth limit before.
fn collect(wire: Wire, raw: &str, role: &Role, found: &mut Vec<Text>) {
    if found.len() >= MEMBERS_MAX {
        return;
    }
    if let Some(text) = text_of(raw) {
        found.push(Text { role: role.clone(), text: text.into_owned() });
    } else if raw.starts_with('[') {
        for element in elements_of(raw) {
            collect(wire, element, role, found);
        }
    } else if let Some(object) = Object::from_text(raw) {
        collect_object(wire, &object, role, found);
    }
}

fn collect_object(wire: Wire, object: &Object<'_>, role: &Role, found: &mut Vec<Text>) {
    let role = match object.text("role") {
        Some(name) => Role::from_name(&name),
        None => role.clone(),
    };
    for (name, raw) in &object.members {
        let is_string = raw.starts_with('"');
        match &**name {
            // A Responses request: its input is what was said. Elsewhere a tool's input.
            "input" if wire == Wire::OpenAiResponses && !is_string => collect(wire, raw, &role, found),
            "input" if wire == Wire::OpenAiResponses && object.raw("model").is_some() => {
                collect(wire, raw, &Role::User, found);
            }
            "input" if is_string => collect(wire, raw, &role, found),
            "input" => found.push(Text { role: role.clone(), text: (*raw).to_owned() }),
            "system" | "instructions" => collect(wire, raw, &Role::System, found),
            // Of a source only its plain text is text; base64 is opaque.
            "data" if is_string && object.text("type").is_some_and(|kind| kind == "text") => {
                collect(wire, raw, &role, found);
            }
            name if is_string && (TEXT_MEMBERS.contains(&name) || name == "content") => {
                collect(wire, raw, &role, found);
            }
            name if !is_string && NESTED_MEMBERS.contains(&name) => collect(wire, raw, &role, found),
            _ => {}
        }
    }
}
