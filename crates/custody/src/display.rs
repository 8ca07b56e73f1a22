//! What a stored record says, as (role, text) for people to read. The record's raw bytes are beside it and are what
//! counts; this is a courtesy that shows the text parts and names the others.

use fiducia_store::RecordKind;
use serde_json::Value;

use crate::import::IMPORT_WIRE;

/// The texts of a record in the order they were said.
pub(crate) fn texts(wire: &str, kind: RecordKind, raw: &[u8]) -> Vec<(String, String)> {
    let Ok(value) = serde_json::from_slice::<Value>(raw) else { return Vec::new() };
    let mut said = Vec::new();
    match (&value, kind) {
        (Value::Array(messages), _) if wire == IMPORT_WIRE => {
            messages.iter().for_each(|one| message(one, &mut said))
        }
        (Value::Object(_), RecordKind::Answer) => answer(&value, &mut said),
        (Value::Object(_), _) => request(&value, &mut said),
        _ => {}
    }
    said
}

fn request(body: &Value, said: &mut Vec<(String, String)>) {
    for (field, role) in [("system", "system"), ("instructions", "system")] {
        say(role, body.get(field), said);
    }
    for field in ["messages", "input"] {
        match body.get(field) {
            Some(Value::Array(messages)) => {
                for one in messages {
                    message(one, said);
                }
            }
            text @ Some(Value::String(_)) => say("user", text, said),
            _ => {}
        }
    }
}

fn answer(body: &Value, said: &mut Vec<(String, String)>) {
    if body.get("content").is_some() {
        say(body.get("role").and_then(Value::as_str).unwrap_or("assistant"), body.get("content"), said);
    }
    for choice in body.get("choices").and_then(Value::as_array).into_iter().flatten() {
        if let Some(one) = choice.get("message") {
            message(one, said);
        }
    }
    for item in body.get("output").and_then(Value::as_array).into_iter().flatten() {
        message(item, said);
    }
    if let Some(error) = body.get("error").filter(|error| !error.is_null()) {
        said.push((
            "error".to_owned(),
            error.get("message").and_then(Value::as_str).unwrap_or_default().to_owned(),
        ));
    }
}

fn message(one: &Value, said: &mut Vec<(String, String)>) {
    if let Value::String(text) = one {
        said.push(("user".to_owned(), text.clone()));
        return;
    }
    let role = one.get("role").or_else(|| one.get("type")).and_then(Value::as_str).unwrap_or("unknown");
    say(role, one.get("content"), said);
    for call in one.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
        said.push((role.to_owned(), tool(call.get("function"))));
    }
    if one.get("type").and_then(Value::as_str) == Some("function_call") {
        said.push(("assistant".to_owned(), tool(Some(one))));
    }
}

fn tool(function: Option<&Value>) -> String {
    let field =
        |name| function.and_then(|function| function.get(name)).and_then(Value::as_str).unwrap_or_default();
    format!("[calls {} {}]", field("name"), field("arguments"))
}

fn say(role: &str, content: Option<&Value>, said: &mut Vec<(String, String)>) {
    match content {
        Some(Value::String(text)) => said.push((role.to_owned(), text.clone())),
        Some(Value::Array(parts)) => said.extend(parts.iter().map(|part| (role.to_owned(), part_text(part)))),
        _ => {}
    }
}

fn part_text(part: &Value) -> String {
    let kind = part.get("type").and_then(Value::as_str).unwrap_or("part");
    for field in ["text", "thinking", "refusal"] {
        if let Some(text) = part.get(field).and_then(Value::as_str) {
            return text.to_owned();
        }
    }
    match kind {
        "tool_use" | "server_tool_use" => {
            let name = part.get("name").and_then(Value::as_str).unwrap_or_default();
            format!("[calls {name} {}]", part.get("input").map(Value::to_string).unwrap_or_default())
        }
        "tool_result" => {
            let mut said = Vec::new();
            say("", part.get("content"), &mut said);
            let texts: Vec<_> = said.into_iter().map(|(_, text)| text).collect();
            format!("[result] {}", texts.join("\n"))
        }
        other => format!("[{other}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wire: &str, kind: RecordKind, raw: &str, expected: &[(&str, &str)]) {
        let found = texts(wire, kind, raw.as_bytes());
        let found: Vec<_> = found.iter().map(|(role, text)| (role.as_str(), text.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn each_wire_shows_what_was_said() {
        check(
            "anthropic-messages",
            RecordKind::Request,
            r#"{"system":"be kind","messages":[{"role":"user","content":[{"type":"text","text":"hi"},{"type":"image"}]}]}"#,
            &[("system", "be kind"), ("user", "hi"), ("user", "[image]")],
        );
        check(
            "anthropic-messages",
            RecordKind::Answer,
            r#"{"role":"assistant","content":[{"type":"tool_use","name":"f","input":{"a":1}}]}"#,
            &[("assistant", r#"[calls f {"a":1}]"#)],
        );
        check(
            "openai-chat",
            RecordKind::Answer,
            r#"{"choices":[{"message":{"role":"assistant","content":"hello"}}]}"#,
            &[("assistant", "hello")],
        );
        check(
            "openai-responses",
            RecordKind::Answer,
            r#"{"output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"hello"}]}],"error":null}"#,
            &[("assistant", "hello")],
        );
        check("import", RecordKind::Turn, r#"[{"role":"user","content":"x"}]"#, &[("user", "x")]);
        check("openai-chat", RecordKind::Answer, "not json", &[]);
    }
}
