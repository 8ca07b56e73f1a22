//! The texts of requests: whose words they are, and replacing parts of them.

#![expect(clippy::unwrap_used, reason = "a failed test says which line broke")]

use std::borrow::Cow;

use fiducia_policy::Provenance::{self, Document, EarlierAnswer, Person, SystemPrompt, ToolResult};
use fiducia_wire::{Replacement, ReplacementError, RequestError, RequestTexts, Wire, texts};
use proptest::prelude::*;
use serde_json::{Value, json};

const WIRES: [Wire; 3] = [Wire::AnthropicMessages, Wire::OpenAiChat, Wire::OpenAiResponses];

fn check(wire: Wire, body: &Value, expected: &[(Provenance, &str, bool)]) {
    let body = body.to_string();
    let found = RequestTexts::find(wire, body.as_bytes()).unwrap();
    let mut seen: Vec<(Provenance, &str, bool)> =
        found.texts().iter().map(|text| (text.provenance, &*text.text, text.is_sealed)).collect();
    let mut expected = expected.to_vec();
    // The order of members is that of the library that wrote the body.
    seen.sort_unstable();
    expected.sort_unstable();
    assert_eq!(seen, expected, "{wire}");
}

#[test]
fn texts_are_known_by_whose_words_they_are() {
    check(
        Wire::AnthropicMessages,
        &json!({"model": "m", "system": [{"type": "text", "text": "be kind"}], "stop_sequences": ["x"],
            "tools": [{"name": "t", "description": "finds", "input_examples": [{"q": "ex"}],
                "input_schema": {"properties": {"q": {"description": "query", "enum": ["a"]}}}}],
            "messages": [
                {"role": "user", "content": "hello"},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "sig"},
                    {"type": "redacted_thinking", "data": "opaque"},
                    {"type": "text", "text": "sure", "citations": [{"cited_text": "quote", "document_index": 0}]},
                    {"type": "tool_use", "id": "1", "name": "t", "input": {"to": ["a@b", {"n": 5}], "k": "v"}},
                    {"type": "web_search_tool_result", "content": [{"type": "web_search_result", "title": "page", "encrypted_content": "e"}]}]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": "found"},
                        {"type": "document", "source": {"type": "text", "data": "in it"}}]},
                    {"type": "document", "title": "T", "context": "C", "source": {"type": "text", "media_type": "text/plain", "data": "D"}},
                    {"type": "document", "source": {"type": "base64", "data": "AAAA"}},
                    {"type": "image", "source": {"type": "base64", "data": "BBBB"}}]},
                {"role": "system", "content": "amid"}]}),
        &[
            (SystemPrompt, "be kind", false),
            (SystemPrompt, "finds", false),
            (SystemPrompt, "ex", false),
            (SystemPrompt, "query", false),
            (Person, "hello", false),
            (EarlierAnswer, "hm", true),
            (EarlierAnswer, "sure", false),
            (EarlierAnswer, "quote", false),
            (EarlierAnswer, "a@b", false),
            (EarlierAnswer, "v", false),
            (ToolResult, "page", true),
            (ToolResult, "found", false),
            (ToolResult, "in it", false),
            (Document, "T", false),
            (Document, "C", false),
            (Document, "D", false),
            (SystemPrompt, "amid", false),
        ],
    );
    check(
        Wire::OpenAiChat,
        &json!({"model": "m", "prediction": {"type": "content", "content": "guess"}, "messages": [
            {"role": "developer", "content": "be kind"},
            {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "data:x"}}]},
            {"role": "assistant", "content": null, "refusal": "no", "tool_calls": [{"id": "c", "type": "function",
                "function": {"name": "f", "arguments": "{\"to\":\"a@b\"}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": "result"}]}),
        &[
            (Person, "guess", false),
            (SystemPrompt, "be kind", false),
            (Person, "hi", false),
            (EarlierAnswer, "no", false),
            (EarlierAnswer, "{\"to\":\"a@b\"}", false),
            (ToolResult, "result", false),
        ],
    );
    check(
        Wire::OpenAiResponses,
        &json!({"model": "m", "instructions": "be kind", "prompt": {"variables": {"city": "Rome"}}, "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "hi"}]},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "thought"}], "encrypted_content": "x"},
            {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "c"},
            {"type": "function_call_output", "call_id": "c", "output": "result"},
            {"type": "custom_tool_call", "input": "run", "call_id": "d"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "yes", "annotations": []}]}]}),
        &[
            (SystemPrompt, "be kind", false),
            (Person, "Rome", false),
            (Person, "hi", false),
            (EarlierAnswer, "thought", true),
            (EarlierAnswer, "{}", false),
            (ToolResult, "result", false),
            (EarlierAnswer, "run", false),
            (EarlierAnswer, "yes", false),
        ],
    );
    check(Wire::OpenAiResponses, &json!({"model": "m", "input": "hi"}), &[(Person, "hi", false)]);
    check(
        Wire::OpenAiEmbeddings,
        &json!({"model": "m", "input": ["one", [1, 2]]}),
        &[(Person, "one", false)],
    );
}

fn replacement(text: usize, range: std::ops::Range<usize>, with: &str) -> Replacement<'_> {
    Replacement { text, range, with: Cow::Borrowed(with) }
}

fn replaced(body: &str, all: &[Replacement<'_>]) -> Result<String, ReplacementError> {
    let found = RequestTexts::find(Wire::AnthropicMessages, body.as_bytes()).unwrap();
    found.replace(all).map(|bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn only_the_named_bytes_change() {
    let body = r#" { "messages" : [ {"content":"caf\u00e9: a\u0040b.c \"q\" \ud83d\ude00!" , "role":"user"} ],"x": 1.0,"x":"é" } "#;
    // é is two bytes and 😀 four.
    let changed = replaced(body, &[replacement(0, 21..22, "?"), replacement(0, 7..12, "[\"E\"\n]")]).unwrap();
    assert_eq!(
        changed,
        r#" { "messages" : [ {"content":"caf\u00e9: [\"E\"\n] \"q\" \ud83d\ude00?" , "role":"user"} ],"x": 1.0,"x":"é" } "#
    );
    assert_eq!(replaced(body, &[]).unwrap(), body);
    assert_eq!(replaced(body, &[replacement(0, 0..0, "")]).unwrap(), body);
}

#[test]
fn what_cannot_be_replaced_is_left_whole() {
    let body = r#"{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"abc","signature":"s"},{"type":"text","text":"é\ud83dx\ude00"}]}]}"#;
    let check = |all: &[Replacement<'_>], expected| assert_eq!(replaced(body, all), Err(expected), "{all:?}");
    check(&[replacement(0, 0..1, "")], ReplacementError::Sealed { text: 0 });
    check(&[replacement(2, 0..1, "")], ReplacementError::NoSuchText { text: 2 });
    for (start, end) in [(1, 2), (0, 1), (0, 99), (2, 4)] {
        check(&[replacement(1, start..end, "")], ReplacementError::Range { text: 1 });
    }
    check(&[replacement(1, 0..2, "a"), replacement(1, 0..2, "b")], ReplacementError::Range { text: 1 });
    // Without the letter between them, two halves would become a character that nobody wrote.
    check(&[replacement(1, 5..6, "")], ReplacementError::ChangesMore { text: 1 });
    assert!(replaced(body, &[replacement(1, 5..6, "y")]).is_ok());
}

#[test]
fn arguments_stay_json() {
    let body =
        r#"{"messages":[{"role":"assistant","tool_calls":[{"function":{"arguments":"{\"to\":\"a@b\"}"}}]}]}"#;
    let found = RequestTexts::find(Wire::OpenAiChat, body.as_bytes()).unwrap();
    assert!(found.texts()[0].is_json);
    let changed = found.replace(&[replacement(0, 7..10, "\"E\"")]).unwrap();
    let changed: Value = serde_json::from_slice(&changed).unwrap();
    let arguments =
        changed["messages"][0]["tool_calls"][0]["function"]["arguments"].as_str().unwrap().to_owned();
    assert_eq!(serde_json::from_str::<Value>(&arguments).unwrap(), json!({"to": "\"E\""}));
    let broken = found.replace(&[replacement(0, 5..10, "x")]);
    assert_eq!(broken, Err(ReplacementError::ChangesMore { text: 0 }));
}

#[test]
fn too_many_texts_are_refused_and_not_overlooked() {
    let many = |count: usize| {
        format!(r#"{{"messages":[{{"role":"user","content":[{}"x"]}}]}}"#, "\"x\",".repeat(count - 1))
    };
    let find =
        |count| RequestTexts::find(Wire::OpenAiChat, many(count).as_bytes()).map(|found| found.texts().len());
    assert_eq!(find(100_000), Ok(100_000));
    assert_eq!(find(100_001), Err(RequestError::TooManyTexts { texts_max: 100_000 }));
}

/// A JSON string of any text in any spelling.
fn json_string() -> impl Strategy<Value = String> {
    let raw = r#"([ -!#-\[\]-~é漢😀]|\\[nrt"\\/bf]|\\u00(41|e9|0a|00)|\\ud83d\\ude00|\\ud800|\\udc00){0,12}"#;
    proptest::string::string_regex(raw).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_replacement_is_read_as_it_was_meant(
        strings in proptest::collection::vec(json_string(), 1..4),
        wire in proptest::sample::select(&WIRES),
        cuts in proptest::collection::vec((any::<proptest::sample::Index>(), any::<proptest::sample::Index>(), any::<String>()), 0..3),
    ) {
        let messages: Vec<String> =
            strings.iter().map(|raw| format!(r#"{{"role":"user","content" :"{raw}"}}"#)).collect();
        let member = if wire == Wire::OpenAiResponses { "input" } else { "messages" };
        let body = format!(r#"{{"{member}":[{}] ,"other":"\u0041"}}"#, messages.join(" , "));
        let found = RequestTexts::find(wire, body.as_bytes()).unwrap();
        let mut meant: Vec<String> = found.texts().iter().map(|text| text.text.clone().into_owned()).collect();
        let mut all = Vec::new();
        for (number, (one, other, with)) in cuts.iter().enumerate().take(meant.len()) {
            let bounds: Vec<usize> = (0..=meant[number].len()).filter(|at| meant[number].is_char_boundary(*at)).collect();
            let (one, other) = (bounds[one.index(bounds.len())], bounds[other.index(bounds.len())]);
            let range = one.min(other)..one.max(other);
            meant[number].replace_range(range.clone(), with);
            all.push(Replacement { text: number, range, with: Cow::Borrowed(with) });
        }
        match found.replace(&all) {
            Ok(changed) => {
                let again = RequestTexts::find(wire, &changed).unwrap();
                let read: Vec<String> = again.texts().iter().map(|text| text.text.clone().into_owned()).collect();
                // A text that became empty is none.
                meant.retain(|text| !text.is_empty());
                prop_assert_eq!(read, meant);
                let tail_stays = changed.ends_with(br#"] ,"other":"\u0041"}"#);
                prop_assert!(tail_stays);
                prop_assert_eq!(found.replace(&all).unwrap(), changed);
            }
            // Two halves of a character that would join.
            Err(error) => prop_assert!(body.contains("\\ud") && matches!(error, ReplacementError::ChangesMore { .. }), "{}", error),
        }
    }

    #[test]
    fn every_text_that_people_may_read_is_found(strings in proptest::collection::vec("[a-z]{1,8}", 6)) {
        let body = json!({"model": "m", "system": strings[0], "messages": [
            {"role": "user", "content": [{"type": "text", "text": strings[1]}]},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": strings[2], "signature": "s"}]},
            {"role": "user", "content": [{"type": "tool_result", "content": strings[3]},
                {"type": "document", "title": strings[4], "source": {"type": "text", "data": strings[5]}}]}]});
        let body = body.to_string();
        let found = RequestTexts::find(Wire::AnthropicMessages, body.as_bytes()).unwrap();
        let shown: Vec<String> = texts(Wire::AnthropicMessages, body.as_bytes()).unwrap().into_iter().map(|text| text.text).collect();
        let located: Vec<String> = found.texts().iter().map(|text| text.text.clone().into_owned()).collect();
        prop_assert_eq!(located, shown);
    }

    #[test]
    fn damaged_requests_never_panic(at in any::<proptest::sample::Index>(), byte in any::<u8>()) {
        let mut body = br#"{"messages":[{"role":"user","content":[{"type":"text","text":"a\u00e9b"},{"type":"tool_use","input":{"a":["b"]}}]}],"tools":[{"description":"d"}]}"#.to_vec();
        let at = at.index(body.len());
        body[at] = byte;
        for wire in Wire::ALL {
            if let Ok(found) = RequestTexts::find(wire, &body) {
                for number in 0..found.texts().len() {
                    let _ = found.replace(&[replacement(number, 0..1, "\"")]);
                }
            }
        }
    }
}
