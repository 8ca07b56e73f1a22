//! The Messages wire.

use http::Response;
use serde_json::{Value, json};

use super::body::ScriptedBody;
use super::{
    Ask, Line, Scene, event_stream, faults, last_user_text, model_name, text_of, tokens, whole_or_broken,
    words,
};

/// A rough count of a request's tokens.
pub(super) fn input_tokens(body: &Value) -> u64 {
    let system = text_of(body.get("system").unwrap_or(&Value::Null));
    let messages = body.get("messages").and_then(Value::as_array);
    let texts =
        messages.into_iter().flatten().map(|message| text_of(message.get("content").unwrap_or(&Value::Null)));
    tokens(&system) + texts.map(|text| tokens(&text)).sum::<u64>()
}

/// The content of a message that says `line`.
fn content(line: &Line, number: u64) -> Vec<Value> {
    match line {
        Line::Text(text) => vec![json!({ "type": "text", "text": text })],
        Line::Tool { name } => {
            let id = format!("toolu_scripted_{number:08}");
            vec![json!({ "type": "tool_use", "id": id, "name": name, "input": { "query": "scripted" } })]
        }
        Line::Refusal => Vec::new(),
    }
}

fn stop(line: &Line) -> (&'static str, Value) {
    match line {
        Line::Text(_) => ("end_turn", Value::Null),
        Line::Tool { .. } => ("tool_use", Value::Null),
        Line::Refusal => (
            "refusal",
            json!({ "type": "refusal", "category": null, "explanation": "the script says to refuse" }),
        ),
    }
}

/// The whole message to a request.
pub(super) fn message(scene: &Scene, body: &Value, model: &str, number: u64) -> Value {
    let text = last_user_text(body.get("messages").unwrap_or(&Value::Null));
    let tool = body.pointer("/tools/0/name").and_then(Value::as_str);
    let line = scene.line(&text, tool);
    let (reason, details) = stop(&line);
    let output = if let Line::Text(text) = &line { tokens(text) } else { 1 };
    json!({
        "id": format!("msg_scripted_{number:08}"), "type": "message", "role": "assistant",
        "model": model_name(model), "content": content(&line, number),
        "stop_reason": reason, "stop_sequence": null, "stop_details": details,
        "usage": { "input_tokens": input_tokens(body), "output_tokens": output,
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0 },
    })
}

/// `POST /v1/messages`.
pub(super) fn answer(scene: &Scene, ask: &Ask, number: u64) -> Response<ScriptedBody> {
    let text = last_user_text(ask.body.get("messages").unwrap_or(&Value::Null));
    if let Some(error) = faults::asked_error(&ask.model, &text, true) {
        return error;
    }
    let broken = faults::breaks(&ask.model, &text);
    let message = message(scene, &ask.body, &ask.model, number);
    if ask.stream {
        event_stream(frames(&message), broken, &ask.model)
    } else {
        whole_or_broken(&message, broken)
    }
}

fn frame(data: &Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data.get("type").and_then(Value::as_str).unwrap_or_default())
}

/// The events that a whole message streams as.
fn frames(message: &Value) -> Vec<String> {
    let mut start = message.clone();
    if let Some(start) = start.as_object_mut() {
        start.insert("content".to_owned(), json!([]));
        start.insert("stop_reason".to_owned(), Value::Null);
        start.insert("stop_details".to_owned(), Value::Null);
    }
    let mut frames =
        vec![frame(&json!({ "type": "message_start", "message": start })), frame(&json!({ "type": "ping" }))];
    let blocks = message.get("content").and_then(Value::as_array);
    for (index, block) in blocks.into_iter().flatten().enumerate() {
        block_frames(index, block, &mut frames);
    }
    let delta = json!({
        "stop_reason": message.get("stop_reason"), "stop_sequence": null, "stop_details": message.get("stop_details"),
    });
    let usage = message.get("usage");
    frames.push(frame(&json!({ "type": "message_delta", "delta": delta, "usage": usage })));
    frames.push(frame(&json!({ "type": "message_stop" })));
    frames
}

fn block_frames(index: usize, block: &Value, frames: &mut Vec<String>) {
    let (start, deltas) = match block.get("text").and_then(Value::as_str) {
        Some(text) => {
            let deltas: Vec<Value> =
                words(text).map(|word| json!({ "type": "text_delta", "text": word })).collect();
            (json!({ "type": "text", "text": "" }), deltas)
        }
        None => {
            let input = block.get("input").map(Value::to_string).unwrap_or_default();
            let (first, second) = input.split_at(input.len() / 2);
            let deltas = ["", first, second]
                .map(|part| json!({ "type": "input_json_delta", "partial_json": part }))
                .to_vec();
            let (id, name) = (block.get("id"), block.get("name"));
            (json!({ "type": "tool_use", "id": id, "name": name, "input": {} }), deltas)
        }
    };
    frames.push(frame(&json!({ "type": "content_block_start", "index": index, "content_block": start })));
    for delta in deltas {
        frames.push(frame(&json!({ "type": "content_block_delta", "index": index, "delta": delta })));
    }
    frames.push(frame(&json!({ "type": "content_block_stop", "index": index })));
}
