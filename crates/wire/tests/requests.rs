//! Requests: outlines, and when two messages are the same message.

#![expect(clippy::unwrap_used, reason = "a failed test says which line broke")]

use std::fmt::Write as _;

use fiducia_wire::fingerprint::{EMPTY_PREFIX, extend_prefix, message_fingerprint, text_fingerprint};
use fiducia_wire::{
    AnswerReader, DEPTH_MAX, Fallbacks, MESSAGES_MAX, Outline, RequestError, Role, Wire, batch_requests,
    conversation_line, outline, read_answer, results_urls, rewrite_model, splice_string, texts,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn fingerprint(message: &str) -> [u8; 32] {
    message_fingerprint(message.as_bytes()).unwrap()
}

fn read(wire: Wire, body: &str) -> Outline {
    outline(wire, body.as_bytes()).unwrap()
}

#[test]
fn an_outline_tells_places_and_parameters() {
    let body = r#" {"model" : "claude-x","stream":true, "max_tokens":64,"system":"Be brief.",
        "metadata":{"user_id":"u-1"},"unknown":{"model":"inner"},"fallbacks":[{"model":"claude-y"}],
        "messages":[ {"role":"user","content":"Hi"} , {"content":[],"role":"assistant"}]}"#;
    let read = read(Wire::AnthropicMessages, body);
    assert_eq!((read.model.as_str(), &body[read.model_span.clone()]), ("claude-x", "\"claude-x\""));
    assert!(read.stream);
    assert_eq!((read.max_tokens, read.end_user.as_deref()), (Some(64), Some("u-1")));
    assert_eq!(&body[read.system_span.unwrap()], "\"Be brief.\"");
    assert_eq!(read.fallbacks, Fallbacks::Models(vec!["claude-y".to_owned()]));
    assert_eq!(&body[read.messages[0].span.clone()], r#"{"role":"user","content":"Hi"}"#);
    assert_eq!(&body[read.messages[1].span.clone()], r#"{"content":[],"role":"assistant"}"#);
    assert_eq!(read.messages[1].role, Role::Assistant);
    let span = read.messages_span.unwrap();
    assert!(body[span.clone()].starts_with("[ {") && body[span].ends_with("}]"));
    let mut prefix = EMPTY_PREFIX;
    for message in &read.messages {
        assert_eq!(message.fingerprint, fingerprint(&body[message.span.clone()]));
        prefix = extend_prefix(&prefix, &message.fingerprint);
        assert_eq!(message.prefix, prefix);
    }
}

#[test]
fn responses_and_embeddings_have_their_own_fields() {
    let read_one = read(
        Wire::OpenAiResponses,
        r#"{"model":"gpt-x","input":"Hi","store":false,"previous_response_id":"resp_1","conversation":{"id":"c1"},
            "max_output_tokens":9,"user":"old","safety_identifier":"new","background":true,"instructions":"x"}"#,
    );
    assert_eq!(read_one.messages.len(), 1);
    assert_eq!(read_one.messages[0].fingerprint, text_fingerprint(&Role::User, "Hi"));
    assert_eq!(read_one.previous_response.as_deref(), Some("resp_1"));
    assert_eq!(read_one.provider_conversation.as_deref(), Some("c1"));
    assert_eq!((read_one.store, read_one.background), (Some(false), true));
    assert_eq!((read_one.max_tokens, read_one.end_user.as_deref()), (Some(9), Some("new")));
    let stored_prompt = read(Wire::OpenAiResponses, r#"{"model":"gpt-x","prompt":{"id":"p"}}"#);
    assert_eq!((stored_prompt.messages.len(), stored_prompt.messages_span), (0, None));
    let vectors = read(Wire::OpenAiEmbeddings, r#"{"input":[[1,2],[3]],"model":"embed-x"}"#);
    assert_eq!((vectors.messages.len(), vectors.messages_span), (0, Some(9..20)));
    let thread = r#"{"model":"m","thread":{"type":"continue","previous_message_id":"msg_1"},"messages":[]}"#;
    assert_eq!(read(Wire::AnthropicMessages, thread).previous_response.as_deref(), Some("msg_1"));
}

#[test]
fn what_could_be_understood_in_two_ways_is_refused() {
    let check = |body: &str, expected: RequestError| {
        assert_eq!(outline(Wire::AnthropicMessages, body.as_bytes()), Err(expected), "{body}");
    };
    let duplicate = |field| RequestError::Duplicate { field };
    check(r#"{"model":"a","messages":[],"model":"b"}"#, duplicate("model"));
    check(r#"{"model":"a","messages":[],"m\u006fdel":"b"}"#, duplicate("model"));
    check(r#"{"model":"a","messages":[],"messages":null}"#, duplicate("messages"));
    check(r#"{"model":"a","messages":[{"role":"user","role":"system"}]}"#, duplicate("role"));
    check(r#"{"model":"a","messages":[{"role":"user","content":"a","content":"b"}]}"#, duplicate("content"));
    check(
        r#"{"model":"a","messages":[{"role":"user","content":[{"type":"text","text":"a","text":"b"}]}]}"#,
        duplicate("text"),
    );
    check(
        r#"{"model":"a","metadata":{"user_id":"1","user_id":"2"},"messages":[]}"#,
        duplicate("metadata.user_id"),
    );
    check(r#"{"messages":[]}"#, RequestError::Missing { field: "model" });
    check(r#"{"model":"","messages":[]}"#, RequestError::Missing { field: "model" });
    check(r#"{"model":"a"}"#, RequestError::Missing { field: "messages" });
    check(r#"{"model":null,"messages":[]}"#, RequestError::Missing { field: "model" });
    let wrong = |field, expected| RequestError::WrongType { field, expected };
    check(r#"{"model":7,"messages":[]}"#, wrong("model", "a string of Unicode text"));
    check(r#"{"model":"\ud800","messages":[]}"#, wrong("model", "a string of Unicode text"));
    check(r#"{"model":"a","messages":{}}"#, wrong("messages", "an array of objects"));
    check(r#"{"model":"a","messages":["x"]}"#, wrong("messages", "an array of objects"));
    check(r#"{"model":"a","messages":[],"stream":"yes"}"#, wrong("stream", "true or false"));
    check("[]", wrong("(the body)", "a JSON object"));
    check(
        "{\"model\":\"a\",\"messages\":[]} x",
        RequestError::Malformed { position: 28, reason: "nothing may follow the JSON value" },
    );
    assert_eq!(
        outline(Wire::OpenAiChat, b"{\"model\":\"\xff\"}"),
        Err(RequestError::NotUtf8 { position: 10 })
    );
}

#[test]
fn fallbacks_are_understood_whole_or_refused() {
    let check = |fallbacks: &str, expected: Result<&[&str], RequestError>| {
        let body = format!(r#"{{"messages":[],"fallbacks":{fallbacks},"model":"a"}}"#);
        let read = outline(Wire::AnthropicMessages, body.as_bytes());
        let named = read.as_ref().map(|outline| outline.reachable_models().named);
        assert_eq!(named, expected.as_ref().map(|named| named.to_vec()), "{fallbacks}");
    };
    let count = || RequestError::FallbackCount { fallbacks_max: 3 };
    check("null", Ok(&["a"]));
    check(r#""default""#, Ok(&["a"]));
    check(r#"[{"model":"b"},{"model":"c","max_tokens":9,"thinking":null}]"#, Ok(&["a", "b", "c"]));
    check(r#"[{"model":"b","output_config":{"effort":"low"},"speed":"fast"}]"#, Ok(&["a", "b"]));
    check("[]", Err(count()));
    check(r#"[{"model":"b"},{"model":"c"},{"model":"d"},{"model":"e"}]"#, Err(count()));
    check(r#"[{"model":"b"},{"model":"b"}]"#, Err(RequestError::FallbackRepeated));
    check(r#"[{"model":"\u0061"}]"#, Err(RequestError::FallbackRepeated));
    check(r#"[{"model":"b","system":"x"}]"#, Err(RequestError::FallbackMember));
    check(r#"[{"model":"b","model":"c"}]"#, Err(RequestError::Duplicate { field: "fallbacks[].model" }));
    check(r#"[{"max_tokens":3}]"#, Err(RequestError::Missing { field: "fallbacks[].model" }));
    check(r#"["b"]"#, Err(RequestError::WrongType { field: "fallbacks[]", expected: "an object" }));
    let wrong =
        RequestError::WrongType { field: "fallbacks", expected: "\"default\" or an array of objects" };
    check(r#""any""#, Err(wrong));
    let chosen = read(Wire::AnthropicMessages, r#"{"model":"a","messages":[],"fallbacks":"default"}"#);
    assert!(chosen.reachable_models().provider_chooses);
}

#[test]
fn fields_that_are_not_read_are_not_judged() {
    let odd = r#"{"model":"a","messages":[{"role":"user","content":[{"type":"tool_use","input":{"a":1,"a":2}}]}],
        "temperature":1e999,"tools":"none","x":"\ud800","x":2,"user":{"not":"read here"}}"#;
    assert_eq!(read(Wire::AnthropicMessages, odd).messages.len(), 1);
}

#[test]
fn limits_hold() {
    let many = |count: usize| format!(r#"{{"model":"a","messages":[{}{{}}]}}"#, "{},".repeat(count - 1));
    assert_eq!(read(Wire::OpenAiChat, &many(MESSAGES_MAX)).messages.len(), MESSAGES_MAX);
    assert_eq!(
        outline(Wire::OpenAiChat, many(MESSAGES_MAX + 1).as_bytes()),
        Err(RequestError::TooManyMessages { messages_max: MESSAGES_MAX })
    );
    let deep = |depth: usize| {
        let input = "[".repeat(depth) + &"]".repeat(depth);
        format!(r#"{{"model":"a","messages":[{{"role":"user","input":{input}}}]}}"#)
    };
    assert_eq!(read(Wire::OpenAiChat, &deep(DEPTH_MAX - 3)).messages.len(), 1);
    assert!(matches!(
        outline(Wire::OpenAiChat, deep(DEPTH_MAX - 2).as_bytes()),
        Err(RequestError::TooDeep { .. })
    ));
}

#[test]
fn only_the_model_is_rewritten() {
    let body = "{ \"x\": {\"model\":\"no\"},\t\"model\" : \"al\\u0069as\" ,\"messages\":[]}\n".as_bytes();
    let expected =
        "{ \"x\": {\"model\":\"no\"},\t\"model\" : \"claude-\\\"x\" ,\"messages\":[]}\n".as_bytes();
    assert_eq!(rewrite_model(body, "claude-\"x").unwrap(), expected);
    let span = outline(Wire::AnthropicMessages, body).unwrap().model_span;
    assert_eq!(splice_string(body, &span, "claude-\"x").unwrap(), expected);
    let twice = rewrite_model(b"{\"model\":\"a\",\"model\":\"b\"}", "c");
    assert_eq!(twice, Err(RequestError::Duplicate { field: "model" }));
}

#[test]
fn echoes_equal_what_was_answered() {
    let same = |one: &str, other: &str| assert_eq!(fingerprint(one), fingerprint(other), "{one} {other}");
    let plain = r#"{"role":"assistant","content":"Six."}"#;
    same(
        plain,
        r#"{"content":[{"text":"Six.","type":"text","cache_control":{"type":"ephemeral"}}],"role":"assistant"}"#,
    );
    same(
        plain,
        r#"{"role":"assistant","content":"S\u0069x.","refusal":null,"annotations":[],"tool_calls":[]}"#,
    );
    same(
        plain,
        r#"{"id":"msg_1","type":"message","status":"completed","role":"assistant",
            "content":[{"type":"output_text","text":"Six.","annotations":[],"logprobs":[]}]}"#,
    );
    same(
        plain,
        r#"{"role":"assistant","content":[{"type":"text","text":"Six.","citations":null},{"type":"text","text":""}]}"#,
    );
    same(
        r#"{"role":"assistant","refusal":"No."}"#,
        r#"{"role":"assistant","content":[{"type":"refusal","refusal":"No."}]}"#,
    );
    same(
        r#"{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]}"#,
        r#"{"role":"assistant","content":"","tool_calls":[{"function":{"arguments":"{}","name":"f"},"type":"function","id":"c1"}]}"#,
    );
    same(
        r#"{"role":"assistant","audio":{"id":"a1","data":"AAAA","transcript":"hi","expires_at":1}}"#,
        r#"{"role":"assistant","audio":{"id":"a1"}}"#,
    );
    same(
        r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"ok"}]}"#,
        r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"ok"}]}]}"#,
    );
    same(
        r#"{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"x","status":null}"#,
        r#"{"type":"reasoning","encrypted_content":"x","id":"rs_2"}"#,
    );
}

#[test]
fn different_messages_differ() {
    let all = [
        r#"{"role":"user","content":"a"}"#,
        r#"{"role":"assistant","content":"a"}"#,
        r#"{"role":"system","content":"a"}"#,
        r#"{"role":"developer","content":"a"}"#,
        r#"{"role":"user","content":"a","name":"b"}"#,
        r#"{"role":"user","content":"a "}"#,
        r#"{"role":"user"}"#,
        r#"{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#,
        r#"{"role":"user","content":[{"type":"text","text":"b"},{"type":"text","text":"a"}]}"#,
        r#"{"role":"user","content":[{"type":"text","text":"ab"}]}"#,
        r#"{"role":"user","content":[{"type":"thinking","thinking":"a","signature":"s"}]}"#,
        r#"{"role":"user","content":[{"type":"thinking","thinking":"s","signature":"a"}]}"#,
        r#"{"role":"user","content":[{"type":"tool_use","id":"1","input":{}}]}"#,
        r#"{"role":"user","content":[{"type":"tool_use","id":"2","input":{}}]}"#,
        r#"{"role":"user","content":[{"type":"tool_use","id":"1","input":{"a":null}}]}"#,
        r#"{"role":"user","content":[{"type":"tool_use","id":"1","input":{"a":[]}}]}"#,
        r#"{"role":"user","content":[{"type":"tool_use","id":"1","input":{"a":1}}]}"#,
        r#"{"role":"user","content":[{"type":"tool_use","id":"1","input":{"a":1.0}}]}"#,
        r#"{"role":"user","content":[{"type":"tool_use","id":"1","input":{"a":"1"}}]}"#,
        r#"{"role":"user","content":[{"type":"tool_use","id":"1","input":{"a":[1]}}]}"#,
        r#"{"role":"user","content":"\ud800"}"#,
        r#"{"role":"user","content":"\ud801"}"#,
        r#"{"role":"user","content":"\ufffd"}"#,
        r#"{"role":"user","refusal":"a"}"#,
        r#"{"type":"function_call_output","call_id":"1","output":"a"}"#,
        r#"{"type":"custom_tool_call_output","call_id":"1","output":"a"}"#,
        r#"{"type":"item_reference","id":"msg_1"}"#,
        r#"{"type":"item_reference","id":"msg_2"}"#,
    ];
    for (at, one) in all.iter().enumerate() {
        for other in &all[at + 1..] {
            assert_ne!(fingerprint(one), fingerprint(other), "{one} {other}");
        }
    }
}

#[test]
fn a_long_text_has_the_same_fingerprint_however_it_is_gathered() {
    let long = "a\nb\"é".repeat(2_000);
    let expected = text_fingerprint(&Role::User, &long);
    assert_eq!(fingerprint(&json!({"role": "user", "content": long}).to_string()), expected);
    let parts = json!({"content": [{"type": "input_text", "text": long}], "role": "user"});
    assert_eq!(fingerprint(&parts.to_string()), expected);
}

#[test]
fn a_conversation_goes_on_across_wires_and_imports() {
    let messages = r#"[{"role":"user","content":"When?"},{"role":"assistant","content":"Six."},{"role":"user","content":"Sure?"}]"#;
    let prefixes = |wire, member: &str| -> Vec<[u8; 32]> {
        let body = format!(r#"{{"model":"m","{member}":{messages}}}"#);
        read(wire, &body).messages.iter().map(|message| message.prefix).collect()
    };
    let anthropic = prefixes(Wire::AnthropicMessages, "messages");
    assert_eq!(anthropic, prefixes(Wire::OpenAiChat, "messages"));
    assert_eq!(anthropic, prefixes(Wire::OpenAiResponses, "input"));
    let imported = conversation_line(format!(r#"{{"id":"c1","messages":{messages}}}"#).as_bytes()).unwrap();
    assert_eq!(anthropic, imported.messages.iter().map(|message| message.prefix).collect::<Vec<_>>());
    let exchanges = imported.exchanges();
    assert_eq!(exchanges.len(), 2);
    assert_eq!((exchanges[0].messages.clone(), exchanges[0].answers), (0..2, 1));
    assert_eq!((exchanges[0].prefix_before, exchanges[0].prefix_after), (EMPTY_PREFIX, anthropic[1]));
    assert_eq!((exchanges[1].messages.clone(), exchanges[1].answers), (2..3, 0));
    assert_eq!((exchanges[1].prefix_before, exchanges[1].prefix_after), (anthropic[1], anthropic[2]));
    let body: Value = serde_json::from_slice(&exchanges[0].body).unwrap();
    assert_eq!(body, json!([{"role":"user","content":"When?"},{"role":"assistant","content":"Six."}]));
}

#[test]
fn a_streamed_answer_continues_the_prefix_when_it_is_echoed() {
    let stream = include_bytes!("golden/tools-and-thinking.anthropic.sse");
    let mut reader = AnswerReader::new(Wire::AnthropicMessages, true);
    reader.push(stream).unwrap();
    let answered = reader.finish();
    let message: Value = serde_json::from_slice(&answered.message.unwrap()).unwrap();
    // The number in the tool's input is written 1.50, so the echo is made from the text and not from the value.
    let content = message["content"].to_string().replace("1.5", "1.50");
    let echo = format!(r#"{{"content":{content},"role":"assistant"}}"#);
    assert_eq!(answered.fingerprints, [fingerprint(&echo)]);
    let items = include_bytes!("golden/plain.openai-responses.json");
    let answered = read_answer(Wire::OpenAiResponses, items);
    let response: Value = serde_json::from_slice(items).unwrap();
    let request = json!({"model": "m", "input": response["output"]}).to_string();
    let echoed: Vec<_> =
        read(Wire::OpenAiResponses, &request).messages.iter().map(|item| item.fingerprint).collect();
    assert_eq!(answered.fingerprints, echoed);
}

#[test]
fn batches_are_read_item_by_item() {
    let body = r#"{"requests":[{"custom_id":"a","params":{"model":"m","messages":[{"role":"user","content":"Hi"}]}}]}"#;
    let items = batch_requests(body.as_bytes()).unwrap();
    assert_eq!((items.len(), items[0].custom_id.as_str(), items[0].outline.model.as_str()), (1, "a", "m"));
    assert_eq!(
        &body[items[0].params_span.clone()],
        r#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#
    );
    assert_eq!(&body[items[0].outline.model_span.clone()], "\"m\"");
    assert_eq!(
        batch_requests(br#"{"requests":[{"custom_id":"a","params":{"messages":[]}}]}"#),
        Err(RequestError::Missing { field: "model" })
    );
    assert_eq!(batch_requests(b"{}"), Err(RequestError::Missing { field: "requests" }));
}

#[test]
fn result_addresses_can_be_rewritten_in_place() {
    let one = br#"{"id":"msgbatch_1","results_url":"https:\/\/api.example\/r","x":{"results_url":"no"}}"#;
    let found = results_urls(one);
    assert_eq!((found.len(), found[0].url.as_str()), (1, "https://api.example/r"));
    let rewritten = splice_string(one, &found[0].span, "http://here/r").unwrap();
    assert_eq!(rewritten, br#"{"id":"msgbatch_1","results_url":"http://here/r","x":{"results_url":"no"}}"#);
    let list =
        br#"{"data":[{"results_url":null},{"results_url":"https://a/1"},{"results_url":"https://a/2"}]}"#;
    assert_eq!(
        results_urls(list).iter().map(|place| place.url.as_str()).collect::<Vec<_>>(),
        ["https://a/1", "https://a/2"]
    );
    assert!(results_urls(b"{\"results_url\":\"x\"").is_empty());
}

#[test]
fn texts_are_shown_with_their_speakers() {
    let check = |wire, bytes: &str, expected: &[(Role, &str)]| {
        let found = texts(wire, bytes.as_bytes()).unwrap();
        let found: Vec<_> = found.iter().map(|text| (text.role.clone(), text.text.as_str())).collect();
        assert_eq!(found, expected, "{bytes}");
    };
    check(
        Wire::AnthropicMessages,
        r#"[{"role":"user","content":"H\u00e9"},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},
            {"type":"text","text":"a\nb"},{"type":"tool_use","id":"1","name":"f","input":{"x": 1}},
            {"type":"image","source":{"type":"base64","data":"AAAA"}},
            {"type":"document","source":{"type":"text","data":"page"}}]}]"#,
        &[
            (Role::User, "Hé"),
            (Role::Assistant, "t"),
            (Role::Assistant, "a\nb"),
            (Role::Assistant, r#"{"x": 1}"#),
            (Role::Assistant, "page"),
        ],
    );
    check(
        Wire::OpenAiChat,
        r#"{"choices":[{"message":{"role":"assistant","content":"Six","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]}}]}"#,
        &[(Role::Assistant, "Six"), (Role::Assistant, "{}")],
    );
    check(
        Wire::OpenAiResponses,
        r#"{"model":"m","instructions":"Be brief","input":"Hi","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Yo"}]}]}"#,
        &[(Role::System, "Be brief"), (Role::User, "Hi"), (Role::Assistant, "Yo")],
    );
    assert!(texts(Wire::OpenAiChat, b"{").is_err());
}

#[test]
fn import_lines_are_refused_when_something_would_be_lost() {
    let check = |line: &str, expected: &str| {
        let error = conversation_line(line.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{line}: {error}");
    };
    check("nonsense", "not valid JSON");
    check(r#"{"messages":[{"role":"user","content":"a"}]}"#, "\"id\" is required");
    check(r#"{"id":"a","messages":[]}"#, "is empty");
    check(r#"{"id":"","messages":[{"role":"user","content":"a"}]}"#, "1 to 256");
    check(r#"{"id":"a","messages":[{"role":"tool","content":"a"}]}"#, "message 0 (from 0) has a role");
    check(r#"{"id":"a","messages":[{"role":"user","content":[{"type":"image"}]}]}"#, "not text");
    check(r#"{"id":"a","messages":[{"role":"user"}]}"#, "\"content\" is required");
    check(r#"{"id":"a","id":"b","messages":[]}"#, "more than once");
    check(r#"{"id":"a","messages":[{"role":"user","content":"\ud800"}]}"#, "Unicode");
    let parts = r#"{"id":"a","extra":1,"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]}"#;
    assert_eq!(conversation_line(parts.as_bytes()).unwrap().messages[0].text, "ab");
}

#[test]
fn debug_formats_hold_no_content() {
    let line = br#"{"id":"a","messages":[{"role":"user","content":"canary-7731"}]}"#;
    let imported = conversation_line(line).unwrap();
    let shown = format!("{imported:?} {:?} {:?}", imported.exchanges(), texts(Wire::OpenAiChat, line));
    assert!(!shown.contains("canary"));
    let mut reader = AnswerReader::new(Wire::OpenAiChat, true);
    reader
        .push(b"data: {\"choices\":[{\"delta\":{\"content\":\"canary-7731\"}}]}\n\ndata: [DONE]\n\n")
        .unwrap();
    let shown = format!("{reader:?}");
    assert!(!shown.contains("canary") && !format!("{:?}", reader.finish()).contains("canary"));
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 1..5).prop_map(Value::from),
            proptest::collection::btree_map("[a-z\u{e9}\"]{1,4}", inner, 0..5)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Writes a value with members in reverse order, spaces everywhere and every character escaped.
fn write_oddly(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => escape_all(text, out),
        Value::Array(elements) => {
            out.push_str("[ ");
            for (at, element) in elements.iter().enumerate() {
                out.push_str(if at == 0 { "" } else { "\t, " });
                write_oddly(element, out);
            }
            out.push_str(" ]");
        }
        Value::Object(members) => {
            out.push_str("{\n");
            for (at, (name, member)) in members.iter().rev().enumerate() {
                out.push_str(if at == 0 { "" } else { " ,\r\n" });
                escape_all(name, out);
                out.push_str(" : ");
                write_oddly(member, out);
            }
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
}

fn escape_all(text: &str, out: &mut String) {
    out.push('"');
    for unit in text.encode_utf16() {
        write!(out, "\\u{unit:04X}").unwrap();
    }
    out.push('"');
}

proptest! {
    #[test]
    fn spelling_does_not_matter(text in any::<String>(), input in json_value(), extra in json_value()) {
        let message = json!({
            "role": "assistant",
            "content": [
                {"type": "text", "text": text},
                {"type": "tool_use", "id": "t", "input": input},
                {"type": "new_kind", "payload": extra},
            ],
        });
        let mut odd = String::new();
        write_oddly(&message, &mut odd);
        prop_assert_eq!(fingerprint(&message.to_string()), fingerprint(&odd));
    }

    #[test]
    fn different_texts_differ(one in any::<String>(), other in any::<String>()) {
        prop_assert_eq!(one == other, text_fingerprint(&Role::User, &one) == text_fingerprint(&Role::User, &other));
    }

    #[test]
    fn different_inputs_differ(one in json_value(), other in json_value()) {
        let message = |input: &Value| json!({"role":"user","content":[{"type":"tool_use","input":{"v":input}}]});
        let equal = fingerprint(&message(&one).to_string()) == fingerprint(&message(&other).to_string());
        prop_assert_eq!(one == other, equal);
    }
}
