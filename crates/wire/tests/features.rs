//! Which features requests use: whole requests with what must be read in them, and what holds of any request.
//!
//! `features/<case>.<wire>.json` are invented requests; `.snap` beside each holds what must be found. After a wanted
//! change, run with `GOLDEN_WRITE=1` and review the difference.

#![expect(clippy::unwrap_used, reason = "a failed test says which line broke")]

use fiducia_policy::{Feature, FeatureSet};
use fiducia_wire::{
    ADVISOR_MODELS_MAX, DEPTH_MAX, Features, RequestError, Wire, batch_requests, features, outline,
};
use proptest::prelude::*;
use serde_json::{Value, json};

fn read(wire: Wire, body: &str) -> Features {
    features(wire, body.as_bytes()).unwrap()
}

/// Checks what a Messages request with these members beside `model` and `messages` uses.
fn check(members: &str, expected: &str) {
    let body = format!(r#"{{"model":"m",{members},"messages":[]}}"#);
    assert_eq!(read(Wire::AnthropicMessages, &body).set.to_string(), expected, "{members}");
}

/// As [`check`], of one tool.
fn check_tool(wire: Wire, tool: &str, expected: &str) {
    let body = match wire {
        Wire::OpenAiResponses => format!(r#"{{"model":"m","store":false,"tools":[{tool}],"input":"x"}}"#),
        _ => format!(r#"{{"model":"m","tools":[{tool}],"messages":[]}}"#),
    };
    let read = read(wire, &body);
    assert_eq!((read.set.to_string().as_str(), read.ambiguity), (expected, None), "{tool}");
}

#[test]
fn requests_read_as_written_down() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/features");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut cases = 0;
    for path in paths.iter().filter(|path| path.extension().is_some_and(|ending| ending == "json")) {
        let wire = path.file_stem().unwrap().to_str().unwrap().split('.').nth(1).unwrap().parse().unwrap();
        let read = read(wire, &std::fs::read_to_string(path).unwrap());
        let lines: Vec<&str> = read.set.iter().map(Feature::name).collect();
        let rendered = format!("{}\nadvisors {:?}\n", lines.join("\n"), read.advisor_models);
        let snapshot = path.with_added_extension("snap");
        if std::env::var_os("GOLDEN_WRITE").is_some() {
            std::fs::write(&snapshot, &rendered).unwrap();
        }
        assert_eq!(rendered, std::fs::read_to_string(&snapshot).unwrap_or_default(), "{}", path.display());
        assert_eq!(read.ambiguity, None, "{}", path.display());
        cases += 1;
    }
    assert!(cases > 0, "the cases were not found");
}

#[test]
fn web_tools_are_told_by_version_and_callers() {
    let check = |tool: &str, expected: &str| check_tool(Wire::AnthropicMessages, tool, expected);
    check(r#"{"type":"web_search_20250305"}"#, "web search");
    check(r#"{"type":"web_search_20260209"}"#, "web search with dynamic filtering");
    check(r#"{"type":"web_search_20260209","allowed_callers":[]}"#, "web search with dynamic filtering");
    check(r#"{"type":"web_search_20260209","allowed_callers":null}"#, "web search with dynamic filtering");
    check(
        r#"{"type":"web_search_20260209","allowed_callers":"direct"}"#,
        "web search with dynamic filtering",
    );
    check(r#"{"type":"web_search_20260209","allowed_callers":["direct"]}"#, "web search");
    check(r#"{"allowed_callers":["direct"],"type":"web_fetch_29990101"}"#, "web fetch");
    check(
        r#"{"type":"web_fetch_20260209","allowed_callers":["direct","code_execution_20260120"]}"#,
        "web fetch with dynamic filtering",
    );
    check(
        r#"{"type":"web_fetch_20250910","allowed_callers":["code_execution_20260120"]}"#,
        "web fetch, programmatic tool calling",
    );
    check(r#"{"type":"web\u005fsearch_20260209"}"#, "web search with dynamic filtering");
    check(r#"{"typ\u0065":"web_fetch_20260209"}"#, "web fetch with dynamic filtering");
}

#[test]
fn tools_of_versions_to_come_are_what_they_are() {
    let check = |tool: &str, expected: &str| check_tool(Wire::AnthropicMessages, tool, expected);
    check(r#"{"type":"code_execution_20991231"}"#, "code execution");
    check(r#"{"type":"tool_search_tool_semantic_20991231"}"#, "tool search");
    check(r#"{"type":"browser_toolset_20991231"}"#, "browser use");
    check(r#"{"type":"mcp_toolset_reference"}"#, "MCP connector");
    check(r#"{"type":"agent_toolset_20260401"}"#, "managed agents");
    check(r#"{"type":"never_heard_of_20991231"}"#, "");
    check(r#"{"type":"custom","name":"advisor"}"#, "");
    check(r#"{"type":["code_execution_20250825"]}"#, "");
    let check = |tool: &str, expected: &str| check_tool(Wire::OpenAiResponses, tool, expected);
    check(r#"{"type":"web_search_2099_01_01"}"#, "live web search");
    check(r#"{"type":"web_search","external_web_access":false}"#, "web search");
    check(r#"{"type":"web_search","external_web_access":"false"}"#, "live web search");
    check(r#"{"type":"shell"}"#, "hosted shell");
    check(r#"{"type":"shell","environment":{"type":"local"}}"#, "");
    check(r#"{"type":"computer"}"#, "computer use");
    check(
        r#"{"type":"mcp","allowed_callers":["programmatic"]}"#,
        "programmatic tool calling, remote MCP servers",
    );
    check(r#"{"type":"code_interpreter","container":"cntr_1"}"#, "code interpreter");
}

#[test]
fn members_are_features_when_they_say_something() {
    check(r#""container":"container_1""#, "code execution");
    check(r#""container":{"skills":[]}"#, "code execution");
    check(r#""container":{"skills":[{}]}"#, "code execution, skills");
    check(r#""c\u006fntainer":{}"#, "code execution");
    check(r#""mcp_servers":[]"#, "");
    check(r#""mcp_servers":{"a":1}"#, "MCP connector");
    check(r#""diagnostics":{}"#, "cache diagnostics");
    check(r#""context_management":{}"#, "context editing");
    check(r#""context_management":{"edits":[{"type":"compact_20260112"}]}"#, "compaction");
    check(r#""context_management":{"edits":[{"type":"clear_thinking_20251015"}]}"#, "context editing");
    check(r#""compaction":{"type":"summarize"}"#, "compaction");
    check(r#""thread":{"type":"create"}"#, "threads");
    check(r#""thread":"new""#, "threads");
    check(r#""output_format":{"type":"json_schema","schema":{}}"#, "structured outputs");
    check(r#""output_config":{"effort":"low"}"#, "");
    check(r#""store":true,"background":true"#, "");
}

#[test]
fn responses_are_stored_unless_they_say_otherwise() {
    let check = |wire, body: &str, expected: &str| {
        assert_eq!(read(wire, body).set.to_string(), expected, "{body}");
    };
    check(Wire::OpenAiResponses, r#"{"model":"m","input":"x"}"#, "stored responses");
    check(Wire::OpenAiResponses, r#"{"model":"m","input":"x","store":null}"#, "stored responses");
    check(Wire::OpenAiResponses, r#"{"model":"m","input":"x","store":true}"#, "stored responses");
    check(Wire::OpenAiResponses, r#"{"model":"m","input":"x","store":false}"#, "");
    check(Wire::OpenAiChat, r#"{"model":"m","messages":[]}"#, "");
    check(Wire::OpenAiChat, r#"{"model":"m","messages":[],"store":true}"#, "stored completions");
}

#[test]
fn names_that_hide_in_escapes_are_found() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image","source":{"type":"file","file\u005fid":"f"}}]}]}"#;
    assert_eq!(read(Wire::AnthropicMessages, body).set.to_string(), "files");
    let body = r#"{"model":"m","messages":[{"role":"user","content":[{"type":"container\u005fupload"}]}]}"#;
    assert_eq!(read(Wire::AnthropicMessages, body).set.to_string(), "files, code execution");
}

#[test]
fn what_appears_twice_is_reported_and_still_passes() {
    let check = |members: &str, field: &'static str| {
        let body = format!(r#"{{"model":"m",{members},"messages":[]}}"#);
        assert_eq!(
            read(Wire::AnthropicMessages, &body).ambiguity,
            Some(RequestError::Duplicate { field }),
            "{members}"
        );
    };
    check(r#""container":null,"container":null"#, "container");
    check(r#""tools":[{"type":"code_execution_20250825"}],"tools":[]"#, "tools");
    check(r#""tools":[{"type":"code_execution_20250825","type":"custom"}]"#, "tools[].type");
    check(
        r#""tools":[{"type":"web_fetch_20260209","allowed_callers":["direct"],"allowed_callers":["x"]}]"#,
        "tools[].allowed_callers",
    );
    check(r#""tools":[{"type":"advisor_20260301","model":"a","model":"b"}]"#, "tools[].model");
    // Once each in different tools is not twice.
    let body = r#"{"model":"m","tools":[{"type":"custom"},{"type":"custom"}],"messages":[]}"#;
    assert_eq!(read(Wire::AnthropicMessages, body).ambiguity, None);
}

#[test]
fn advisors_are_collected_once_each_and_up_to_a_limit() {
    let body = |models: usize| {
        let tools: Vec<Value> = (0..models * 2)
            .map(|n| json!({"type":"advisor_20260301","model":format!("m{}", n % models)}))
            .collect();
        json!({"model":"m","tools":tools,"messages":[]}).to_string()
    };
    let read_one = read(Wire::AnthropicMessages, &body(ADVISOR_MODELS_MAX));
    assert_eq!((read_one.advisor_models.len(), read_one.ambiguity), (ADVISOR_MODELS_MAX, None));
    let read_more = read(Wire::AnthropicMessages, &body(ADVISOR_MODELS_MAX + 1));
    assert_eq!(read_more.advisor_models.len(), ADVISOR_MODELS_MAX);
    assert!(matches!(read_more.ambiguity, Some(RequestError::WrongType { field: "tools[].model", .. })));
}

#[test]
fn items_of_a_batch_have_their_own_features() {
    let body = r#"{"requests":[{"custom_id":"a","params":{"model":"m","messages":[]}},
        {"custom_id":"b","params":{"model":"m","container":"c","messages":[{"role":"user","content":[
            {"type":"document","source":{"type":"file","file_id":"f"}}]}]}}]}"#;
    let items = batch_requests(body.as_bytes()).unwrap();
    let sets: Vec<String> = items.iter().map(|item| item.outline.features.set.to_string()).collect();
    assert_eq!(sets, ["", "files, code execution"]);
}

#[test]
fn nesting_is_bounded_wherever_features_are_looked_for() {
    let nested = |depth: usize| format!("{}{}{}", r#"[{"tools":"#.repeat(depth), 1, "}]".repeat(depth));
    let body = |depth| format!(r#"{{"model":"m","tools":{},"messages":[]}}"#, nested(depth));
    assert_eq!(read(Wire::AnthropicMessages, &body(DEPTH_MAX / 2 - 1)).set, FeatureSet::EMPTY);
    let deep = features(Wire::AnthropicMessages, body(100_000).as_bytes());
    assert!(matches!(deep, Err(RequestError::TooDeep { .. })), "{deep:?}");
    let many = format!(r#"{{"model":"m","tools":[{}{{}}],"messages":[]}}"#, "{},".repeat(200_000));
    assert_eq!(read(Wire::AnthropicMessages, &many).set, FeatureSet::EMPTY);
}

/// A value with names that are looked for among others.
fn anything() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        Just("file_id"),
        Just("container_upload"),
        Just("code_execution_20250825"),
        Just("web_search_20260209"),
        Just("direct"),
        Just("local"),
        Just("plain")
    ];
    let leaf = prop_oneof![
        text.prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
        any::<u8>().prop_map(Value::from)
    ];
    let name = proptest::sample::select(vec![
        "type",
        "source",
        "file_id",
        "tools",
        "definition",
        "allowed_callers",
        "container",
        "skills",
        "input",
        "model",
        "function",
        "environment",
        "content",
        "edits",
        "format",
        "x",
    ]);
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::vec((name.clone(), inner), 0..5).prop_map(|members| {
                let named = members.into_iter().map(|(name, value)| (name.to_owned(), value));
                named.collect::<Value>()
            }),
        ]
    })
}

proptest! {
    /// Whatever the members hold, reading them refuses nothing that passing over them would not.
    #[test]
    fn odd_members_never_refuse_a_request(value in anything(), content in anything()) {
        for (wire, messages) in
            [(Wire::AnthropicMessages, "messages"), (Wire::OpenAiChat, "messages"), (Wire::OpenAiResponses, "input")]
        {
            for field in ["tools", "container", "mcp_servers", "context_management", "output_config", "text", "prompt",
                          "modalities", "response_format", "prompt_cache_retention"] {
                let mut body = json!({"model":"m", messages: [{"role":"user","x":content}]});
                body[field] = value.clone();
                let body = body.to_string();
                let read = outline(wire, body.as_bytes());
                prop_assert!(read.is_ok(), "{wire} {body} {read:?}");
            }
        }
    }

    /// Neither the order of members nor how strings are escaped changes what is found.
    #[test]
    fn escapes_and_space_change_nothing(value in anything(), content in anything()) {
        let body = json!({"model":"m","tools":value,"messages":[{"role":"user","content":[content]}]});
        let plain = body.to_string();
        let spaced = serde_json::to_string_pretty(&body).unwrap();
        // Every `e` and `_` of the names that are looked for, escaped.
        let escaped = plain
            .replace("file_id", r"fil\u0065\u005fid")
            .replace("container_upload", r"container\u005fupload")
            .replace("code_execution", r"cod\u0065_execution")
            .replace("type\"", "typ\\u0065\"");
        let expected = features(Wire::AnthropicMessages, plain.as_bytes()).unwrap();
        for other in [spaced, escaped] {
            prop_assert_eq!(features(Wire::AnthropicMessages, other.as_bytes()).unwrap(), expected.clone());
        }
    }

    /// Searching for names first finds what reading everything finds.
    #[test]
    fn the_search_before_reading_misses_nothing(content in anything()) {
        let message = json!({"role":"user","content":[content]}).to_string();
        let quick = format!(r#"{{"model":"m","messages":[{message}]}}"#);
        // An escape of an ASCII character makes the reader look at every member.
        let thorough = format!(r#"{{"model":"m","messages":[{message},{{"role":"user","content":"\u0041"}}]}}"#);
        let known = |set: FeatureSet| {
            [Feature::Files, Feature::CodeExecution].map(|feature| set.contains(feature))
        };
        // A definition or a list of tools counts only in blocks whose name is searched for.
        prop_assume!(!message.contains("\"tools\"") && !message.contains("\"definition\""));
        prop_assert_eq!(
            known(read(Wire::AnthropicMessages, &quick).set),
            known(read(Wire::AnthropicMessages, &thorough).set)
        );
    }

    #[test]
    fn features_of_parts_are_features_of_the_whole(one in anything(), other in anything()) {
        let tools = |tools: &[&Value]| {
            let body = json!({"model":"m","tools":tools,"messages":[]}).to_string();
            read(Wire::AnthropicMessages, &body).set
        };
        prop_assert_eq!(tools(&[&one, &other]), tools(&[&one]).union(tools(&[&other])));
    }
}
