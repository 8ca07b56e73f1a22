//! Answers of the gateway's own: refusals, streams that end in one, and answers that say that another model gave them.
//!
//! `own/<case>.<wire>.snap` holds what is sent. After a wanted change, run with `GOLDEN_WRITE=1` and review the difference.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed test says which line broke")]

use std::collections::BTreeMap;
use std::path::Path;

use fiducia_policy::SafetyCategory;
use fiducia_wire::{
    Announced, AnswerFrame, AnswerOutline, AnswerReader, Delivered, EndingError, ModelWatch, OwnRefusal,
    Refused, Reroute, RerouteStream, Terminal, Usage, Wire, answering_models, own_mark, read_answer,
    refusal_body, refusal_stream, rerouted_body, stop_category,
};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

const WIRES: [Wire; 3] = [Wire::AnthropicMessages, Wire::OpenAiChat, Wire::OpenAiResponses];

const REFUSAL: OwnRefusal<'_> = OwnRefusal {
    refused: Refused::Request,
    category: Some(SafetyCategory::CyberMisuse),
    explanation: "This looks like a \"working exploit\".\nYou can contest it.",
    exchange: "exc_1",
    recommended_model: None,
};

const FRAME: AnswerFrame<'_> = AnswerFrame {
    id: "own_1",
    item_id: "msg_own_1",
    model: "asked-model",
    created: 1_790_000_000,
    usage: Usage { input_tokens: Some(12), output_tokens: Some(0) },
    include_usage: true,
};

const REROUTE: Reroute<'_> = Reroute {
    from: "asked-model",
    to: "lesser-model",
    category: Some(SafetyCategory::BiologicalMisuse),
    exchange: "exc_2",
    announced: Announced::Hop,
};

fn value(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn read(wire: Wire, stream: &[u8]) -> AnswerOutline {
    let mut reader = AnswerReader::new(wire, true);
    reader.push(stream).unwrap();
    reader.finish()
}

/// The invented streams of providers.
fn streams() -> Vec<(String, Wire, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "sse"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let wire = match name.split('.').nth(1).unwrap() {
                "anthropic" => Wire::AnthropicMessages,
                other => other.parse().unwrap(),
            };
            (name, wire, std::fs::read(path).unwrap())
        })
        .collect();
    found.sort();
    assert!(found.len() > 12, "{}", found.len());
    found
}

/// The data of every event, with its name.
fn events(stream: &[u8]) -> Vec<(String, Value)> {
    let text = std::str::from_utf8(stream).unwrap().replace("\r\n", "\n").replace('\r', "\n");
    text.split("\n\n")
        .filter_map(|event| {
            let field =
                |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
            let data = field("data:")?;
            let data = serde_json::from_str(data).unwrap_or_else(|_| json!(data));
            Some((field("event:").unwrap_or_default().to_owned(), data))
        })
        .collect()
}

/// Compares what is sent with what is written down.
fn check_snapshot(name: &str, rendered: &str) {
    let path = format!("{}/tests/own/{name}.snap", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("GOLDEN_WRITE").is_some() {
        std::fs::write(&path, rendered).unwrap();
    }
    let expected = std::fs::read_to_string(Path::new(&path)).unwrap_or_default();
    assert_eq!(rendered, expected, "{path}");
}

/// Streams that stand for their wire.
const TYPICAL: [&str; 3] =
    ["tools-and-thinking.anthropic.sse", "tools.openai-chat.sse", "text.openai-responses.sse"];

#[test]
fn endings_and_reroutes_are_sent_as_written_down() {
    let refusal = OwnRefusal { refused: Refused::Answer, ..REFUSAL };
    for (_, wire, stream) in streams().into_iter().filter(|(name, ..)| TYPICAL.contains(&name.as_str())) {
        // After half of the events, which in each of them is within something that has to be closed.
        let bounds: Vec<usize> = (0..stream.len()).filter(|at| stream[..*at].ends_with(b"\n\n")).collect();
        let delivered = &stream[..bounds[bounds.len() / 2]];
        let mut tracker = Delivered::new(wire);
        tracker.push(delivered).unwrap();
        let ending = tracker.end_with(&refusal, &FRAME).unwrap();
        let ended = [delivered, b": refused from here on\n\n", &ending].concat();
        check_snapshot(&format!("ended.{wire}"), std::str::from_utf8(&ended).unwrap());
        let rerouted = rerouted(wire, REROUTE, &stream, &[]);
        check_snapshot(&format!("rerouted.{wire}"), std::str::from_utf8(&rerouted).unwrap());
    }
}

#[test]
fn refusals_are_sent_as_written_down() {
    for wire in WIRES {
        for (case, refusal) in [
            ("refused-request", REFUSAL),
            (
                "refused-answer",
                OwnRefusal {
                    refused: Refused::Answer,
                    category: Some(SafetyCategory::SystemPromptLeakage),
                    recommended_model: Some("other-model"),
                    ..REFUSAL
                },
            ),
        ] {
            let body = refusal_body(wire, &refusal, &FRAME).unwrap();
            let stream = refusal_stream(wire, &refusal, &FRAME).unwrap();
            let rendered =
                format!("{}\n\n{}", String::from_utf8(body).unwrap(), String::from_utf8(stream).unwrap());
            check_snapshot(&format!("{case}.{wire}"), &rendered);
        }
    }
    assert_eq!(refusal_body(Wire::OpenAiEmbeddings, &REFUSAL, &FRAME), None);
    assert_eq!(refusal_stream(Wire::OpenAiEmbeddings, &REFUSAL, &FRAME), None);
}

#[test]
fn a_refusal_reads_the_same_whole_and_streamed_and_is_known_as_ours() {
    for wire in WIRES {
        for category in SafetyCategory::ALL.into_iter().map(Some).chain([None]) {
            for refused in [Refused::Request, Refused::Answer] {
                let refusal = OwnRefusal { refused, category, ..REFUSAL };
                let body = refusal_body(wire, &refusal, &FRAME).unwrap();
                let whole = read_answer(wire, &body);
                let streamed = read(wire, &refusal_stream(wire, &refusal, &FRAME).unwrap());
                let message = streamed.message.clone().unwrap();
                assert_eq!(streamed.terminal, Terminal::Clean);
                assert_eq!(AnswerOutline { message: None, ..streamed }, whole, "{wire} {category:?}");
                let expected = match (wire, refused) {
                    (Wire::AnthropicMessages, _) => "refusal",
                    (Wire::OpenAiChat, Refused::Request) => "stop",
                    (Wire::OpenAiChat, Refused::Answer) => "content_filter",
                    (_, Refused::Request) => "completed",
                    (_, Refused::Answer) => "incomplete:content_filter",
                };
                assert_eq!(whole.stop.as_deref(), Some(expected));
                for answer in [&body, &message] {
                    let mark = own_mark(wire, answer).unwrap();
                    assert_eq!(
                        (mark.decision.as_str(), mark.exchange.as_deref()),
                        ("refused", Some("exc_1"))
                    );
                    assert_eq!(mark.category.as_deref(), category.map(SafetyCategory::name));
                }
            }
        }
    }
}

#[test]
fn providers_refusals_are_not_taken_for_ours() {
    for (name, wire, stream) in streams() {
        if let Some(message) = read(wire, &stream).message {
            assert_eq!(own_mark(wire, &message), None, "{name}");
        }
    }
}

#[test]
fn the_category_on_the_messages_wire_is_one_of_the_closed_list() {
    const CLOSED: [&str; 5] = ["cyber", "bio", "frontier_llm", "reasoning_extraction", "general_harms"];
    for category in SafetyCategory::ALL {
        let body = value(
            &refusal_body(
                Wire::AnthropicMessages,
                &OwnRefusal { category: Some(category), ..REFUSAL },
                &FRAME,
            )
            .unwrap(),
        );
        let said = &body["stop_details"]["category"];
        assert_eq!(said.as_str(), stop_category(category));
        assert!(said.is_null() || CLOSED.contains(&said.as_str().unwrap()), "{said}");
    }
}

/// What must be true of a stream that was ended by a refusal.
fn check_ended(name: &str, wire: Wire, delivered: &[u8], ending: &[u8]) {
    let stream = [delivered, ending].concat();
    let outline = read(wire, &stream);
    assert_eq!(outline.terminal, Terminal::Clean, "{name}: {}", String::from_utf8_lossy(&stream));
    let expected = match wire {
        Wire::AnthropicMessages => "refusal",
        Wire::OpenAiChat => "content_filter",
        _ => "incomplete:content_filter",
    };
    // The outline tells of the first choice, which may have ended before.
    if wire != Wire::OpenAiChat {
        assert_eq!(outline.stop.as_deref(), Some(expected), "{name}");
    }
    assert!(String::from_utf8_lossy(ending).contains(expected.trim_start_matches("incomplete:")), "{name}");
    let all = events(&stream);
    match wire {
        Wire::AnthropicMessages => check_blocks(name, &all),
        Wire::OpenAiChat => {
            assert_eq!(all.last().unwrap().1, "[DONE]");
            let choices = all.iter().filter_map(|(_, chunk)| chunk["choices"].as_array()).flatten();
            let mut ended: BTreeMap<u64, bool> = BTreeMap::new();
            for choice in choices {
                *ended.entry(choice["index"].as_u64().unwrap()).or_default() |=
                    !choice["finish_reason"].is_null();
            }
            assert!(ended.values().all(|ended| *ended), "{name}");
        }
        _ => check_response(name, &all),
    }
    if let Some(message) = outline.message {
        assert_eq!(own_mark(wire, &message).unwrap().decision, "refused", "{name}");
    }
}

/// Every block that starts stops, once, and none is within another.
fn check_blocks(name: &str, all: &[(String, Value)]) {
    let mut open = None;
    for (kind, event) in all {
        match kind.as_str() {
            "content_block_start" => assert_eq!(open.replace(event["index"].clone()), None, "{name}"),
            "content_block_stop" => assert_eq!(open.take().as_ref(), Some(&event["index"]), "{name}"),
            "message_delta" | "message_stop" => assert_eq!(open, None, "{name}"),
            _ => {}
        }
    }
    assert_eq!(all.last().unwrap().0, "message_stop");
}

/// Numbers rise, what is added is done, and what is repeated was delivered.
fn check_response(name: &str, all: &[(String, Value)]) {
    let numbers: Vec<u64> = all.iter().filter_map(|(_, event)| event["sequence_number"].as_u64()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{name}: {numbers:?}");
    let mut texts: BTreeMap<(u64, u64), String> = BTreeMap::new();
    let mut open: Vec<u64> = Vec::new();
    for (kind, event) in all {
        let output = event["output_index"].as_u64().unwrap_or_default();
        let place = (output, event["content_index"].as_u64().unwrap_or_default());
        match kind.as_str() {
            "response.output_item.added" => open.push(output),
            "response.output_item.done" => open.retain(|one| *one != output),
            "response.output_text.delta" | "response.refusal.delta" => {
                texts.entry(place).or_default().push_str(event["delta"].as_str().unwrap());
            }
            "response.output_text.done" => {
                assert_eq!(
                    event["text"].as_str(),
                    texts.get(&place).map(String::as_str).or(Some("")),
                    "{name}"
                );
            }
            "response.refusal.done" => assert_eq!(event["refusal"], texts[&place].as_str(), "{name}"),
            "response.incomplete" => {
                assert_eq!(open, [0_u64; 0], "{name}");
                let last = event["response"]["output"].as_array().unwrap().last().unwrap();
                assert_eq!(last["content"][0]["type"], "refusal", "{name}");
            }
            _ => {}
        }
    }
}

#[test]
fn a_stream_ends_rightly_wherever_it_stands() {
    let refusal = OwnRefusal { refused: Refused::Answer, ..REFUSAL };
    let mut endings = 0;
    for (name, wire, stream) in streams() {
        for length in 0..=stream.len() {
            let delivered = &stream[..length];
            let mut tracker = Delivered::new(wire);
            tracker.push(delivered).unwrap();
            match tracker.end_with(&refusal, &FRAME) {
                Ok(ending) => {
                    // A lone carriage return may still become a line end of two bytes; what follows begins a line either way.
                    check_ended(&format!("{name} at {length}"), wire, delivered, &ending);
                    endings += 1;
                }
                Err(EndingError::WithinEvent) => assert!(!delivered.ends_with(b"\n\n"), "{name} at {length}"),
                Err(EndingError::Ended) => assert_ne!(read(wire, delivered).terminal, Terminal::Truncated),
                Err(EndingError::NoStream) => panic!("{name}"),
            }
        }
    }
    assert!(endings > 100, "{endings}");
    let nothing = Delivered::new(Wire::OpenAiEmbeddings).end_with(&refusal, &FRAME);
    assert_eq!(nothing, Err(EndingError::NoStream));
}

#[test]
fn a_tool_call_that_is_cut_off_ends_incomplete() {
    let stream = concat!(
        "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"r\",\"object\":\"response\",\"status\":\"in_progress\",\"output\":[]}}\n\n",
        "event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"sequence_number\":1,\"output_index\":0,\"item\":{\"id\":\"f\",\"type\":\"function_call\",\"status\":\"in_progress\",\"name\":\"go\",\"arguments\":\"\",\"call_id\":\"c\"}}\n\n",
        "event: response.function_call_arguments.delta\ndata: {\"type\":\"response.function_call_arguments.delta\",\"sequence_number\":2,\"output_index\":0,\"item_id\":\"f\",\"delta\":\"{\\\"to\\\":\"}\n\n",
    );
    let mut tracker = Delivered::new(Wire::OpenAiResponses);
    tracker.push(stream.as_bytes()).unwrap();
    let ending = tracker.end_with(&REFUSAL, &FRAME).unwrap();
    let all = events(&ending);
    assert_eq!(all[0].0, "response.output_item.done");
    assert_eq!(all[0].1["item"]["status"], "incomplete");
    assert_eq!(all[0].1["item"]["arguments"], "{\"to\":");
    assert_eq!(all[0].1["sequence_number"], 3);
    let response = &all.last().unwrap().1["response"];
    assert_eq!((&response["id"], &response["output"][0]["status"]), (&json!("r"), &json!("incomplete")));
    assert_eq!(response["incomplete_details"], json!({"reason": "content_filter"}));
    // No event says that the arguments are whole.
    assert!(all.iter().all(|(kind, _)| kind != "response.function_call_arguments.done"));
}

fn rerouted(wire: Wire, reroute: Reroute<'_>, stream: &[u8], cuts: &[usize]) -> Vec<u8> {
    let mut bounds = cuts.to_vec();
    bounds.extend([0, stream.len()]);
    bounds.sort_unstable();
    let mut writer = RerouteStream::new(wire, reroute);
    let mut out = Vec::new();
    for pair in bounds.windows(2) {
        out.extend(writer.push(&stream[pair[0]..pair[1]]).unwrap());
    }
    out.extend(writer.finish());
    out
}

#[test]
fn a_rerouted_stream_is_the_rerouted_answer() {
    for (name, wire, stream) in streams() {
        let Some(message) = read(wire, &stream).message else { continue };
        for announced in [Announced::Hop, Announced::Sticky, Announced::MarkAlone] {
            let reroute = Reroute { announced, ..REROUTE };
            let whole = rerouted_body(wire, &reroute, &message).unwrap();
            let streamed = read(wire, &rerouted(wire, reroute, &stream, &[])).message.unwrap();
            assert_eq!(value(&whole), value(&streamed), "{name} {announced:?}");
            let mark = own_mark(wire, &whole).unwrap();
            assert_eq!(
                (mark.decision.as_str(), mark.category.as_deref()),
                ("rerouted", Some("biological-misuse"))
            );
            // What the model said is what it said.
            let said = |answer: &[u8]| {
                let texts = fiducia_wire::texts(wire, answer).unwrap();
                texts.into_iter().map(|text| text.text).collect::<Vec<_>>()
            };
            assert_eq!(said(&whole), said(&message), "{name}");
        }
    }
}

#[test]
fn a_hop_has_the_shape_of_the_messages_api() {
    let answer = br#"{"id":"m","type":"message","role":"assistant","model":"lesser-model-2","content":[{"type":"text","text":"Hi"}],"stop_reason":"end_turn","usage":{"input_tokens":5,"output_tokens":7,"cache_read_input_tokens":3}}"#;
    let hop = value(&rerouted_body(Wire::AnthropicMessages, &REROUTE, answer).unwrap());
    assert_eq!(
        hop["content"][0],
        json!({"type": "fallback", "from": {"model": "asked-model"}, "to": {"model": "lesser-model-2"},
            "trigger": {"type": "refusal", "category": "bio"}})
    );
    assert_eq!(hop["model"], "lesser-model-2");
    let entry = |kind: &str, model: &str, input: u64, output: u64, cached: u64| {
        json!({"type": kind, "model": model, "input_tokens": input, "output_tokens": output,
            "cache_creation_input_tokens": 0, "cache_read_input_tokens": cached})
    };
    let served = entry("fallback_message", "lesser-model-2", 5, 7, 3);
    assert_eq!(hop["usage"]["iterations"], json!([entry("message", "asked-model", 0, 0, 0), served]));
    let models = answering_models(hop.to_string().as_bytes()).unwrap();
    assert!(models.is_served_by_fallback());
    assert_eq!(models.named(), ["lesser-model-2", "asked-model"]);

    let sticky = Reroute { announced: Announced::Sticky, ..REROUTE };
    let sticky = value(&rerouted_body(Wire::AnthropicMessages, &sticky, answer).unwrap());
    assert_eq!(sticky["content"][0]["type"], "text");
    assert_eq!(sticky["usage"]["iterations"], json!([served]));
    assert!(answering_models(sticky.to_string().as_bytes()).unwrap().is_served_by_fallback());

    let unasked = Reroute { announced: Announced::MarkAlone, ..REROUTE };
    let unasked = value(&rerouted_body(Wire::AnthropicMessages, &unasked, answer).unwrap());
    assert_eq!(
        (&unasked["usage"]["iterations"], &unasked["content"][0]["type"]),
        (&Value::Null, &json!("text"))
    );
    assert_eq!(unasked["fiducia"]["decision"], "rerouted");

    let error = br#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#;
    assert_eq!(rerouted_body(Wire::AnthropicMessages, &REROUTE, error), None);
}

#[test]
fn a_provider_s_own_hops_stay() {
    let answer = br#"{"type":"message","model":"c","content":[{"type":"fallback","from":{"model":"b"},"to":{"model":"c"},"trigger":{"type":"refusal","category":null}}],"stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":2,"iterations":[{"type":"message","model":"b","input_tokens":1,"output_tokens":0},{"type":"fallback_message","model":"c","input_tokens":1,"output_tokens":2}]}}"#;
    let hop = value(&rerouted_body(Wire::AnthropicMessages, &REROUTE, answer).unwrap());
    let kinds = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|one| one["type"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(&hop["usage"]["iterations"]), ["message", "message", "fallback_message"]);
    assert_eq!(kinds(&hop["content"]), ["fallback", "fallback"]);
    let models = answering_models(hop.to_string().as_bytes()).unwrap();
    assert_eq!(models.hops.len(), 2);
    assert_eq!(models.named(), ["c", "asked-model", "b"]);
}

#[test]
fn a_watched_stream_names_the_models_of_its_answer() {
    for (name, wire, stream) in streams() {
        let Some(message) = read(wire, &stream).message else { continue };
        let mut watch = ModelWatch::new(wire);
        for byte in &stream {
            watch.push(std::slice::from_ref(byte)).unwrap();
        }
        let mut whole = answering_models(&message).unwrap();
        if wire != Wire::AnthropicMessages {
            whole.stop = None;
        }
        assert_eq!(*watch.models(), whole, "{name}");
    }
}

proptest! {
    #[test]
    fn any_chunking_reroutes_the_same(cuts in proptest::collection::vec(any::<Index>(), 0..12)) {
        for (name, wire, stream) in streams() {
            let cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len())).collect();
            prop_assert_eq!(
                rerouted(wire, REROUTE, &stream, &cuts),
                rerouted(wire, REROUTE, &stream, &[]),
                "{}", name
            );
        }
    }

    #[test]
    fn any_explanation_is_told_as_it_is(explanation in any::<String>()) {
        for wire in WIRES {
            let refusal = OwnRefusal { explanation: &explanation, ..REFUSAL };
            let message = read(wire, &refusal_stream(wire, &refusal, &FRAME).unwrap()).message.unwrap();
            let message = value(&message);
            let told = match wire {
                Wire::AnthropicMessages => &message["stop_details"]["explanation"],
                Wire::OpenAiChat => &message["choices"][0]["message"]["refusal"],
                _ => &message["output"][0]["content"][0]["refusal"],
            };
            prop_assert_eq!(told.as_str(), Some(explanation.as_str()));
        }
    }

    #[test]
    fn damaged_streams_never_panic(at in any::<Index>(), byte in any::<u8>()) {
        for (_, wire, mut stream) in streams() {
            let at = at.index(stream.len());
            stream[at] = byte;
            let mut tracker = Delivered::new(wire);
            let _ = tracker.push(&stream);
            let _ = tracker.end_with(&REFUSAL, &FRAME);
            let mut writer = RerouteStream::new(wire, REROUTE);
            let _ = writer.push(&stream);
            let mut watch = ModelWatch::new(wire);
            let _ = watch.push(&stream);
        }
    }

    #[test]
    fn a_stream_that_is_only_marked_keeps_every_other_byte(cuts in proptest::collection::vec(any::<Index>(), 0..6)) {
        let reroute = Reroute { announced: Announced::MarkAlone, ..REROUTE };
        for (name, wire, stream) in streams() {
            if wire != Wire::AnthropicMessages || !stream.starts_with(b"event: message_start\ndata: ") {
                continue;
            }
            let cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len())).collect();
            let out = rerouted(wire, reroute, &stream, &cuts);
            let tail = |bytes: &[u8]| {
                let at = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(0);
                bytes[at..].to_vec()
            };
            prop_assert_eq!(tail(&out), tail(&stream), "{}", name);
        }
    }
}
