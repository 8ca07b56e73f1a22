//! The Responses wire.

use http::Response;
use serde_json::{Value, json};

use super::body::ScriptedBody;
use super::{
    Ask, CREATED_SECONDS, Line, Scene, event_stream, faults, last_user_text, model_name, tokens,
    whole_or_broken, words,
};

/// `POST /v1/responses`.
pub(super) fn answer(scene: &Scene, ask: &Ask, number: u64) -> Response<ScriptedBody> {
    let text = match ask.body.get("input") {
        Some(Value::String(text)) => text.clone(),
        Some(input) => last_user_text(input),
        None => String::new(),
    };
    if let Some(error) = faults::asked_error(&ask.model, &text, false) {
        return error;
    }
    let broken = faults::breaks(&ask.model, &text);
    let tool = ask.body.pointer("/tools/0/name").and_then(Value::as_str);
    let line = scene.line(&text, tool);
    let output = match &line {
        Line::Text(text) => tokens(text),
        Line::Tool { .. } | Line::Refusal => 1,
    };
    let usage = json!({
        "input_tokens": tokens(&text), "input_tokens_details": { "cached_tokens": 0 }, "output_tokens": output,
        "output_tokens_details": { "reasoning_tokens": 0 }, "total_tokens": tokens(&text) + output,
    });
    let item = item(&line, number);
    let object = |status: &str, output: &Value, usage: &Value| {
        json!({
            "id": format!("resp_scripted_{number:08}"), "object": "response", "created_at": CREATED_SECONDS,
            "status": status, "model": model_name(&ask.model), "output": output, "error": null,
            "incomplete_details": null, "instructions": ask.body.get("instructions"), "metadata": {},
            "parallel_tool_calls": true, "previous_response_id": null, "temperature": 1.0, "top_p": 1.0,
            "tool_choice": "auto", "tools": ask.body.get("tools").cloned().unwrap_or_else(|| json!([])),
            "store": ask.body.get("store").and_then(Value::as_bool).unwrap_or(true), "usage": usage,
        })
    };
    let whole = object("completed", &json!([item]), &usage);
    if !ask.stream {
        return whole_or_broken(&whole, broken);
    }
    let begun = object("in_progress", &json!([]), &Value::Null);
    event_stream(frames(&begun, &whole, &item, &line), broken, &ask.model)
}

fn item(line: &Line, number: u64) -> Value {
    let id = format!("item_scripted_{number:08}");
    match line {
        Line::Text(text) => json!({
            "type": "message", "id": id, "role": "assistant", "status": "completed",
            "content": [{ "type": "output_text", "text": text, "annotations": [] }],
        }),
        Line::Refusal => json!({
            "type": "message", "id": id, "role": "assistant", "status": "completed",
            "content": [{ "type": "refusal", "refusal": "the script says to refuse" }],
        }),
        Line::Tool { name } => json!({
            "type": "function_call", "id": id, "call_id": format!("call_scripted_{number:08}"), "status": "completed",
            "name": name, "arguments": "{\"query\":\"scripted\"}",
        }),
    }
}

/// Numbers events as they are added.
#[derive(Default)]
struct Events {
    frames: Vec<String>,
}

impl Events {
    fn add(&mut self, kind: &str, members: &Value) {
        let mut data = json!({ "type": kind, "sequence_number": self.frames.len() });
        if let (Some(data), Some(members)) = (data.as_object_mut(), members.as_object()) {
            data.extend(members.clone());
        }
        self.frames.push(format!("event: {kind}\ndata: {data}\n\n"));
    }
}

fn frames(begun: &Value, whole: &Value, item: &Value, line: &Line) -> Vec<String> {
    let mut events = Events::default();
    events.add("response.created", &json!({ "response": begun }));
    events.add("response.in_progress", &json!({ "response": begun }));
    let mut added = item.clone();
    if let Some(added) = added.as_object_mut() {
        added.insert("status".to_owned(), json!("in_progress"));
        let (emptied, value) =
            if matches!(line, Line::Tool { .. }) { ("arguments", json!("")) } else { ("content", json!([])) };
        added.insert(emptied.to_owned(), value);
    }
    events.add("response.output_item.added", &json!({ "output_index": 0, "item": added }));
    let id = item.get("id");
    let place = json!({ "item_id": id, "output_index": 0, "content_index": 0 });
    let with = |members: Value| {
        let mut joined = place.clone();
        if let (Some(joined), Some(members)) = (joined.as_object_mut(), members.as_object()) {
            joined.extend(members.clone());
        }
        joined
    };
    match line {
        Line::Text(text) => {
            let part =
                |text: &str| json!({ "part": { "type": "output_text", "text": text, "annotations": [] } });
            events.add("response.content_part.added", &with(part("")));
            for word in words(text) {
                events.add("response.output_text.delta", &with(json!({ "delta": word, "logprobs": [] })));
            }
            events.add("response.output_text.done", &with(json!({ "text": text, "logprobs": [] })));
            events.add("response.content_part.done", &with(part(text)));
        }
        Line::Refusal => {
            let refusal = "the script says to refuse";
            let part = |text: &str| json!({ "part": { "type": "refusal", "refusal": text } });
            events.add("response.content_part.added", &with(part("")));
            events.add("response.refusal.delta", &with(json!({ "delta": refusal })));
            events.add("response.refusal.done", &with(json!({ "refusal": refusal })));
            events.add("response.content_part.done", &with(part(refusal)));
        }
        Line::Tool { .. } => {
            for part in ["{\"query\":", "\"scripted\"}"] {
                let delta = json!({ "item_id": id, "output_index": 0, "delta": part });
                events.add("response.function_call_arguments.delta", &delta);
            }
            let (arguments, name) = (item.get("arguments"), item.get("name"));
            let done = json!({ "item_id": id, "output_index": 0, "arguments": arguments, "name": name });
            events.add("response.function_call_arguments.done", &done);
        }
    }
    events.add("response.output_item.done", &json!({ "output_index": 0, "item": item }));
    events.add("response.completed", &json!({ "response": whole }));
    events.frames
}
