//! The Chat Completions and Embeddings wires.

use http::Response;
use serde_json::{Value, json};

use super::body::ScriptedBody;
use super::{
    Ask, CREATED_SECONDS, Line, Scene, event_stream, faults, json_response, last_user_text, model_name,
    text_of, tokens, whole_or_broken, words,
};

/// `POST /v1/chat/completions`.
pub(super) fn answer(scene: &Scene, ask: &Ask, number: u64) -> Response<ScriptedBody> {
    let text = last_user_text(ask.body.get("messages").unwrap_or(&Value::Null));
    if let Some(error) = faults::asked_error(&ask.model, &text, false) {
        return error;
    }
    let broken = faults::breaks(&ask.model, &text);
    let tool = ask.body.pointer("/tools/0/function/name").and_then(Value::as_str);
    let line = scene.line(&text, tool);
    let completion =
        Completion { id: format!("chatcmpl-scripted-{number:08}"), model: model_name(&ask.model), line };
    let usage = usage(&text, &completion.line);
    if !ask.stream {
        return whole_or_broken(&completion.whole(&usage), broken);
    }
    let with_usage = ask.body.pointer("/stream_options/include_usage").and_then(Value::as_bool) == Some(true);
    event_stream(completion.frames(with_usage.then_some(&usage)), broken, &ask.model)
}

fn usage(text: &str, line: &Line) -> Value {
    let input = tokens(text);
    let output = if let Line::Text(text) = line { tokens(text) } else { 1 };
    json!({ "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
        "prompt_tokens_details": { "cached_tokens": 0 }, "completion_tokens_details": { "reasoning_tokens": 0 } })
}

struct Completion {
    id: String,
    model: String,
    line: Line,
}

impl Completion {
    fn whole(&self, usage: &Value) -> Value {
        let (message, reason) = match &self.line {
            Line::Text(text) => {
                (json!({ "role": "assistant", "content": text, "refusal": null, "annotations": [] }), "stop")
            }
            Line::Tool { name } => (
                json!({ "role": "assistant", "content": null, "tool_calls": [self.call(name)] }),
                "tool_calls",
            ),
            Line::Refusal => (
                json!({ "role": "assistant", "content": null, "refusal": "the script says to refuse" }),
                "stop",
            ),
        };
        json!({
            "id": self.id, "object": "chat.completion", "created": CREATED_SECONDS, "model": self.model,
            "system_fingerprint": "fp_scripted", "service_tier": "default",
            "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": reason }],
            "usage": usage,
        })
    }

    fn call(&self, name: &str) -> Value {
        json!({ "id": format!("call_{}", self.id), "type": "function",
            "function": { "name": name, "arguments": "{\"query\":\"scripted\"}" } })
    }

    fn frames(&self, usage: Option<&Value>) -> Vec<String> {
        let mut deltas = vec![(json!({ "role": "assistant", "content": "" }), Value::Null)];
        let reason = match &self.line {
            Line::Text(text) => {
                deltas.extend(words(text).map(|word| (json!({ "content": word }), Value::Null)));
                "stop"
            }
            Line::Tool { name } => {
                let call = json!([{ "index": 0, "id": format!("call_{}", self.id), "type": "function",
                    "function": { "name": name, "arguments": "" } }]);
                deltas.push((json!({ "tool_calls": call }), Value::Null));
                for part in ["{\"query\":", "\"scripted\"}"] {
                    let call = json!([{ "index": 0, "function": { "arguments": part } }]);
                    deltas.push((json!({ "tool_calls": call }), Value::Null));
                }
                "tool_calls"
            }
            Line::Refusal => {
                deltas.push((json!({ "refusal": "the script says to refuse" }), Value::Null));
                "stop"
            }
        };
        deltas.push((json!({}), Value::from(reason)));
        let mut frames: Vec<String> = deltas
            .into_iter()
            .map(|(delta, reason)| {
                let choice = json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": reason });
                self.chunk(&json!([choice]), usage.map(|_| &Value::Null))
            })
            .collect();
        if let Some(usage) = usage {
            frames.push(self.chunk(&json!([]), Some(usage)));
        }
        frames.push("data: [DONE]\n\n".to_owned());
        frames
    }

    fn chunk(&self, choices: &Value, usage: Option<&Value>) -> String {
        let mut chunk = json!({
            "id": self.id, "object": "chat.completion.chunk", "created": CREATED_SECONDS, "model": self.model,
            "system_fingerprint": "fp_scripted", "service_tier": "default", "choices": choices,
        });
        if let (Some(usage), Some(members)) = (usage, chunk.as_object_mut()) {
            members.insert("usage".to_owned(), usage.clone());
        }
        format!("data: {chunk}\n\n")
    }
}

/// `POST /v1/embeddings`: numbers that depend only on the text's bytes.
pub(super) fn embeddings(ask: &Ask) -> Response<ScriptedBody> {
    let input = ask.body.get("input").unwrap_or(&Value::Null);
    let text = text_of(input);
    if let Some(error) = faults::asked_error(&ask.model, &text, false) {
        return error;
    }
    let texts: Vec<&str> = match input {
        Value::String(text) => vec![text],
        Value::Array(texts) => texts.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .map(|(index, text)| json!({ "object": "embedding", "index": index, "embedding": vector(text) }))
        .collect();
    let count: u64 = texts.iter().map(|text| tokens(text)).sum();
    let usage = json!({ "prompt_tokens": count, "total_tokens": count });
    json_response(&json!({ "object": "list", "data": data, "model": model_name(&ask.model), "usage": usage }))
}

/// Eight numbers between 0 and 1.
fn vector(text: &str) -> Vec<f64> {
    let mut sums = [0_u32; 8];
    for (position, byte) in text.bytes().enumerate() {
        if let Some(sum) = sums.get_mut(position % 8) {
            *sum = (*sum * 31 + u32::from(byte)) % 1_000;
        }
    }
    sums.iter().map(|sum| f64::from(*sum) / 1_000.0).collect()
}
