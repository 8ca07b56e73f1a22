//! Features and models that agreements rule out: refused by name before anything is sent, and everything else passes
//! byte for byte.

use fiducia_policy::{Eligibility, Feature};
use fiducia_server::ModelRoute;

use crate::app::{App, AppSettings};
use crate::client::{Answer, send};
use crate::upstream::{Act, Upstream, answer, chunk, last_chunk, stream_head};

const VERSION: (&str, &str) = ("anthropic-version", "2023-06-01");
const MESSAGES: &str = "/v1/messages";
const CHAT: &str = "/v1/chat/completions";
const RESPONSES: &str = "/v1/responses";
const EMBEDDINGS: &str = "/v1/embeddings";

/// What was agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agreement {
    Ordinary,
    ZeroRetention,
    Hipaa,
}

fn app(agreement: Agreement, upstream: &Upstream) -> App {
    let mut settings = AppSettings::new(upstream.address);
    match agreement {
        Agreement::Ordinary => {}
        Agreement::ZeroRetention => settings.agreement = fiducia_policy::Agreement::ZeroRetention,
        Agreement::Hipaa => settings.agreement = fiducia_policy::Agreement::Hipaa,
    }
    settings.start()
}

/// A provider that answers every request.
fn answering(requests: usize) -> Upstream {
    Upstream::start((0..requests).map(|_| vec![Act::Say(answer("200 OK", &[], b"{}"))]).collect())
}

/// A request on a wire with more members.
fn request(path: &str, members: &str) -> String {
    let rest = match path {
        MESSAGES => r#""max_tokens":9,"messages":[{"role":"user","content":"canary-8d1f"}]"#,
        CHAT => r#""messages":[{"role":"user","content":"canary-8d1f"}]"#,
        _ => r#""input":"canary-8d1f""#,
    };
    format!("{{ \"model\":\"model-x\" ,{members} {rest}}}")
}

/// Each feature that a request body can ask for, with members that do.
const ROWS: [(Feature, &str, &str); 37] = [
    (Feature::FineGrainedToolStreaming, MESSAGES, r#""tools":[{"name":"t","eager_input_streaming":true}],"#),
    (Feature::MemoryTool, MESSAGES, r#""tools":[{"type":"memory_20250818"}],"#),
    (Feature::BashTool, MESSAGES, r#""tools":[{"type":"bash_20250124"}],"#),
    (Feature::TextEditorTool, MESSAGES, r#""tools":[{"type":"text_editor_20250728"}],"#),
    (Feature::ComputerUse, MESSAGES, r#""tools":[{"type":"computer_20251124"}],"#),
    (Feature::WebSearch, MESSAGES, r#""tools":[{"type":"web_search_20250305"}],"#),
    (
        Feature::WebSearch,
        MESSAGES,
        r#""tools":[{"type":"web_search_20260209","allowed_callers":["direct"]}],"#,
    ),
    (
        Feature::StructuredOutputs,
        MESSAGES,
        r#""output_config":{"format":{"type":"json_schema","schema":{}}},"#,
    ),
    (Feature::StrictTools, MESSAGES, r#""tools":[{"name":"t","strict":true}],"#),
    (Feature::CacheDiagnostics, MESSAGES, r#""diagnostics":{},"#),
    (Feature::AdvisorTool, MESSAGES, r#""tools":[{"type":"advisor_20260301","model":"model-y"}],"#),
    (
        Feature::ContextEditing,
        MESSAGES,
        r#""context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]},"#,
    ),
    (Feature::Compaction, MESSAGES, r#""compaction":{"type":"summarize"},"#),
    (Feature::ToolSearch, MESSAGES, r#""tools":[{"type":"tool_search_tool_regex_20251119"}],"#),
    (Feature::WebFetch, MESSAGES, r#""tools":[{"type":"web_fetch_20250910"}],"#),
    (Feature::BrowserUse, MESSAGES, r#""tools":[{"type":"browser_toolset_20260801"}],"#),
    (Feature::WebSearchDynamicFiltering, MESSAGES, r#""tools":[{"type":"web_search_20260318"}],"#),
    (Feature::WebFetchDynamicFiltering, MESSAGES, r#""tools":[{"type":"web_fetch_20260309"}],"#),
    (
        Feature::Files,
        RESPONSES,
        r#""store":false,"prompt":{"id":"p","variables":{"page":{"type":"input_file","file_id":"file-1"}}},"#,
    ),
    (Feature::CodeExecution, MESSAGES, r#""tools":[{"type":"code_execution_20250825"}],"#),
    (Feature::CodeExecution, MESSAGES, r#""container":"container_1","#),
    (
        Feature::ProgrammaticToolCalling,
        MESSAGES,
        r#""tools":[{"name":"t","allowed_callers":["code_execution_20260120"]}],"#,
    ),
    (Feature::Skills, MESSAGES, r#""container":{"skills":[{"type":"anthropic","skill_id":"pptx"}]},"#),
    (
        Feature::McpConnector,
        MESSAGES,
        r#""mcp_servers":[{"type":"url","url":"https://m.example","name":"m"}],"#,
    ),
    (Feature::ManagedAgents, MESSAGES, r#""tools":[{"type":"agent_toolset_20260401"}],"#),
    (Feature::Threads, MESSAGES, r#""thread":{"type":"create"},"#),
    (Feature::StoredResponses, RESPONSES, ""),
    (Feature::PreviousResponses, RESPONSES, r#""store":false,"previous_response_id":"resp_1","#),
    (Feature::BackgroundResponses, RESPONSES, r#""store":false,"background":true,"#),
    (Feature::Conversations, RESPONSES, r#""store":false,"conversation":{"id":"conv_1"},"#),
    (
        Feature::CodeInterpreter,
        RESPONSES,
        r#""store":false,"tools":[{"type":"code_interpreter","container":"c"}],"#,
    ),
    (Feature::HostedShell, RESPONSES, r#""store":false,"tools":[{"type":"shell"}],"#),
    (Feature::FileSearch, RESPONSES, r#""store":false,"tools":[{"type":"file_search"}],"#),
    (
        Feature::RemoteMcp,
        RESPONSES,
        r#""store":false,"tools":[{"type":"mcp","server_url":"https://m.example"}],"#,
    ),
    (Feature::LiveWebSearch, CHAT, r#""web_search_options":{},"#),
    (Feature::StoredCompletions, CHAT, r#""store":true,"#),
    (Feature::AudioOutput, CHAT, r#""modalities":["text","audio"],"#),
];

/// The error's message in the shape of its wire.
fn refused(got: &Answer, path: &str, code: &str) -> String {
    assert_eq!((got.status, got.header("x-should-retry")), (400, Some("false")), "{got:?}");
    let body = got.json();
    let error = &body["error"];
    assert_eq!(error["type"], "invalid_request_error", "{got:?}");
    if path.starts_with(MESSAGES) || path.starts_with("/v1/files") {
        assert_eq!(
            (&body["type"], &error["details"]["error_code"]),
            (&"error".into(), &code.into()),
            "{got:?}"
        );
        assert_eq!(got.header("request-id"), body["request_id"].as_str());
    } else {
        assert_eq!(error["code"], code, "{got:?}");
        assert!(got.header("x-request-id").is_some(), "{got:?}");
    }
    assert!(!got.text().contains("canary"), "{got:?}");
    error["message"].as_str().unwrap().to_owned()
}

fn ask(app: &App, path: &str, body: &str) -> Answer {
    app.post(path, if path == MESSAGES { &[VERSION] } else { &[] }, body.as_bytes())
}

#[test]
fn ineligible_features_are_refused_by_name_and_reach_nobody() {
    for (agreement, code) in [
        (Agreement::ZeroRetention, "zero_retention_feature"),
        (Agreement::Hipaa, "hipaa_feature_unavailable"),
    ] {
        let upstream = Upstream::start(Vec::new());
        let app = app(agreement, &upstream);
        let is_refused = |feature: Feature| match agreement {
            Agreement::ZeroRetention => feature.zero_retention() == Eligibility::No,
            _ => feature.is_blocked_for_hipaa(),
        };
        let mut expected = 0;
        for (feature, path, members) in ROWS.into_iter().filter(|(feature, ..)| is_refused(*feature)) {
            for stream in ["", r#""stream":true,"#] {
                let got = ask(&app, path, &request(path, &format!("{stream}{members}")));
                let message = refused(&got, path, code);
                assert!(message.contains(feature.name()), "{feature}: {message}");
                expected += 1;
            }
        }
        assert!(expected > 30);
        assert!(upstream.got().is_empty(), "{agreement:?}");
        assert_eq!(app.custody.metrics().records, 0);
        assert!(!app.holds("canary-8d1f"), "nothing of a refused request is kept");
        let scrape = send(app.operations, "GET", "/metrics", &[], b"");
        assert!(scrape.text().contains(&format!("gateway_refusals_total{{code=\"{code}\"}} {expected}\n")));
        assert!(scrape.text().contains("gateway_refused_features_total{feature=\"remote MCP servers\"} 2\n"));
        let notices = app.into_notices();
        assert_eq!(notices.len(), expected);
        assert!(notices.iter().all(|(code, ..)| code == "feature-refused"), "{notices:?}");
        assert!(notices.iter().any(|(_, asked, _)| asked == "threads"), "{notices:?}");
    }
}

#[test]
fn eligible_features_pass_byte_for_byte() {
    for agreement in [Agreement::Ordinary, Agreement::ZeroRetention, Agreement::Hipaa] {
        let is_accepted = |feature: Feature| match agreement {
            Agreement::Ordinary => true,
            Agreement::ZeroRetention => feature.zero_retention() != Eligibility::No,
            Agreement::Hipaa => !feature.is_blocked_for_hipaa(),
        };
        let accepted: Vec<_> = ROWS.into_iter().filter(|(feature, ..)| is_accepted(*feature)).collect();
        let upstream = answering(accepted.len());
        let app = app(agreement, &upstream);
        let mut sent = Vec::new();
        for (feature, path, members) in accepted {
            let body = request(path, members);
            let got = ask(&app, path, &body);
            assert_eq!((got.status, got.text()), (200, "{}"), "{agreement:?} {feature}: {got:?}");
            let is_noticed = agreement == Agreement::Hipaa && feature == Feature::BrowserUse;
            assert_eq!(
                got.header("fiducia-notice").is_some(),
                is_noticed,
                "{agreement:?} {feature}: {got:?}"
            );
            sent.push(body);
        }
        let reached: Vec<String> =
            upstream.got().into_iter().map(|got| String::from_utf8(got.body).unwrap()).collect();
        assert_eq!(reached, sent, "{agreement:?}");
    }
}

#[test]
fn streams_without_ineligible_features_pass_byte_for_byte() {
    let events = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"content\":[]}}\n\n\
                  event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    for agreement in [Agreement::ZeroRetention, Agreement::Hipaa] {
        let script =
            vec![Act::Say(stream_head()), Act::Say(chunk(events.as_bytes())), Act::Say(last_chunk())];
        let upstream = Upstream::start(vec![script]);
        let app = app(agreement, &upstream);
        let body = request(MESSAGES, r#""stream":true,"tools":[{"type":"bash_20250124"}],"#);
        let got = ask(&app, MESSAGES, &body);
        assert_eq!((got.status, got.whole, got.text()), (200, true, events), "{agreement:?}");
        assert_eq!(upstream.got()[0].body, body.as_bytes());
    }
}

#[test]
fn every_refused_feature_is_named_at_once() {
    let upstream = Upstream::start(Vec::new());
    let members = r#""container":"c","mcp_servers":[{}],"tools":[{"type":"bash_20250124"}],"#;
    let message = refused(
        &ask(&app(Agreement::Hipaa, &upstream), MESSAGES, &request(MESSAGES, members)),
        MESSAGES,
        "hipaa_feature_unavailable",
    );
    let listed = "The requested features are not available for HIPAA-regulated organizations: code execution, MCP connector";
    assert!(message.ends_with(listed), "{message}");
    let message = refused(
        &ask(&app(Agreement::ZeroRetention, &upstream), MESSAGES, &request(MESSAGES, members)),
        MESSAGES,
        "zero_retention_feature",
    );
    assert!(message.contains("code execution (") && message.contains("MCP connector ("), "{message}");
    assert!(!message.contains("bash"), "{message}");
    let got = ask(&app(Agreement::ZeroRetention, &upstream), CHAT, &request(CHAT, r#""store":true,"#));
    assert_eq!(got.json()["error"]["param"], "store");
}

#[test]
fn files_in_messages_and_hidden_names_are_found() {
    let upstream = Upstream::start(Vec::new());
    let app = app(Agreement::ZeroRetention, &upstream);
    let check = |path: &str, body: &str| {
        let message = refused(&ask(&app, path, body), path, "zero_retention_feature");
        assert!(message.contains("files ("), "{message}");
    };
    let message =
        |part: &str| format!(r#"{{"model":"m","messages":[{{"role":"user","content":[{part}]}}]}}"#);
    check(MESSAGES, &message(r#"{"type":"document","source":{"type":"file","file_id":"file_1"}}"#));
    check(MESSAGES, &message(r#"{"type":"image","source":{"type":"file","fil\u0065_id":"file_1"}}"#));
    check(MESSAGES, &message(r#"{"type":"container_upload","file_id":"file_1"}"#));
    check(CHAT, &message(r#"{"type":"file","file":{"file_id":"file-1"}}"#));
    let input = r#"{"model":"m","store":false,"input":[{"role":"user","content":[{"type":"input_file","file_id":"f"}]}]}"#;
    check(RESPONSES, input);
    assert!(upstream.got().is_empty());
}

#[test]
fn beta_headers_that_switch_a_feature_on_count_and_others_do_not() {
    let upstream = answering(1);
    let app = app(Agreement::ZeroRetention, &upstream);
    let body = request(MESSAGES, "");
    let tunnels = ("anthropic-beta", "files-api-2025-04-14, mcp-tunnels-2026-06-22");
    let got = app.post(MESSAGES, &[VERSION, tunnels], body.as_bytes());
    assert!(refused(&got, MESSAGES, "zero_retention_feature").contains("MCP tunnels"));
    let permits = ("anthropic-beta", "files-api-2025-04-14,code-execution-2025-08-25");
    assert_eq!(app.post(MESSAGES, &[VERSION, permits], body.as_bytes()).status, 200);
    assert_eq!(upstream.got()[0].header("anthropic-beta"), Some(permits.1));
}

#[test]
fn what_can_be_read_in_two_ways_is_refused_only_where_it_matters() {
    let body = request(MESSAGES, r#""tools":[{"type":"code_execution_20250825"}],"tools":[],"#);
    let upstream = answering(1);
    let strict = app(Agreement::ZeroRetention, &upstream);
    let message = refused(&ask(&strict, MESSAGES, &body), MESSAGES, "invalid_request_body");
    assert!(message.contains("\"tools\" appears more than once"), "{message}");
    assert!(upstream.got().is_empty());
    assert_eq!(ask(&app(Agreement::Ordinary, &upstream), MESSAGES, &body).status, 200);
    assert_eq!(upstream.got()[0].body, body.as_bytes());
}

#[test]
fn token_counts_are_held_to_the_same() {
    let upstream = answering(1);
    let path = "/v1/messages/count_tokens";
    let hipaa = app(Agreement::Hipaa, &upstream);
    let got = hipaa.post(path, &[VERSION], request(MESSAGES, r#""container":"c","#).as_bytes());
    assert!(refused(&got, path, "hipaa_feature_unavailable").ends_with(": code execution"));
    let browser = request(MESSAGES, r#""tools":[{"type":"browser_toolset_20260801"}],"#);
    let got = hipaa.post(path, &[VERSION], browser.as_bytes());
    assert_eq!(got.status, 200);
    assert!(got.header("fiducia-notice").unwrap().starts_with("feature-uncovered; asked=\"browser use\""));
    let zero = app(Agreement::ZeroRetention, &upstream);
    let covered = request(MESSAGES, "").replace("model-x", "claude-fable-5");
    refused(&zero.post(path, &[VERSION], covered.as_bytes()), path, "data_retention_required");
    assert_eq!(upstream.got().len(), 1);
    let notices = hipaa.into_notices();
    assert_eq!(notices[1].0, "feature-uncovered", "{notices:?}");
}

#[test]
fn files_and_batches_can_be_listed_and_deleted_but_not_made_or_read() {
    for (agreement, code) in [
        (Agreement::ZeroRetention, "zero_retention_feature"),
        (Agreement::Hipaa, "hipaa_feature_unavailable"),
    ] {
        let upstream = answering(7);
        let app = app(agreement, &upstream);
        let check = |method: &str, path: &str, feature: &str| {
            let message = refused(&app.send(method, path, &[VERSION], b""), path, code);
            assert!(message.contains(feature) && message.contains("DELETE /v1/"), "{message}");
        };
        check("POST", "/v1/files", "files");
        check("GET", "/v1/files/file_1/content", "files");
        check("POST", "/v1/messages/batches", "message batches");
        check("GET", "/v1/messages/batches/msgbatch_1/results", "message batches");
        assert!(upstream.got().is_empty(), "{agreement:?}");
        for (method, path) in [
            ("GET", "/v1/files"),
            ("GET", "/v1/files/file_1"),
            ("DELETE", "/v1/files/file_1"),
            ("GET", "/v1/messages/batches"),
            ("GET", "/v1/messages/batches/msgbatch_1"),
            ("POST", "/v1/messages/batches/msgbatch_1/cancel"),
            ("DELETE", "/v1/messages/batches/msgbatch_1"),
        ] {
            assert_eq!(app.send(method, path, &[VERSION], b"").status, 200, "{method} {path}");
        }
        assert_eq!(upstream.got().len(), 7);
    }
}

fn route(model: &str, provider: &str, upstream_model: Option<&str>) -> ModelRoute {
    ModelRoute {
        model: model.to_owned(),
        provider: provider.to_owned(),
        upstream_model: upstream_model.map(str::to_owned),
    }
}

#[test]
fn covered_models_are_refused_by_any_way_that_leads_to_them() {
    let upstream = answering(1);
    let mut settings = AppSettings::new(upstream.address);
    settings.agreement = fiducia_policy::Agreement::ZeroRetention;
    settings.models = vec![
        route("house", "anthropic", Some("claude-mythos-5-1")),
        route("big", "openai", Some("claude-fable-5")),
    ];
    let app = settings.start();
    let check = |path: &str, body: &str, name: &str| {
        let message = refused(&ask(&app, path, body), path, "data_retention_required");
        assert!(message.contains("Data retention must be enabled"), "{message}");
        assert!(message.contains(name), "{message}");
    };
    let message = |model: &str, members: &str| {
        format!(r#"{{"model":"{model}",{members}"messages":[{{"role":"user","content":"canary-8d1f"}}]}}"#)
    };
    check(MESSAGES, &message("claude-fable-5", ""), "claude-fable-5");
    check(MESSAGES, &message("claude-fable-5", r#""stream":true,"#), "claude-fable-5");
    check(MESSAGES, &message("house", ""), "claude-mythos-5-1");
    check(
        MESSAGES,
        &message("m", r#""fallbacks":[{"model":"n"},{"model":"claude-fable-5-1"}],"#),
        "claude-fable-5-1",
    );
    check(MESSAGES, &message("m", r#""fallbacks":"default","#), "fallbacks");
    check(
        MESSAGES,
        &message("m", r#""tools":[{"type":"advisor_20260301","model":"claude-mythos-5"}],"#),
        "claude-mythos-5",
    );
    check(CHAT, &message("big", ""), "claude-fable-5");
    check(RESPONSES, r#"{"model":"anthropic/claude-fable-5","store":false,"input":"x"}"#, "claude-fable-5");
    check(EMBEDDINGS, r#"{"model":"claude-fable-5","input":"x"}"#, "claude-fable-5");
    assert!(upstream.got().is_empty());
    assert_eq!(ask(&app, MESSAGES, &message("claude-opus-5", "")).status, 200);
    assert!(!app.holds("canary-8d1f"));
    let notices = app.into_notices();
    assert_eq!(notices.len(), 9);
    assert!(notices.iter().all(|(code, ..)| code == "covered-model-refused"), "{notices:?}");
}

#[test]
fn covered_models_are_for_everyone_who_keeps_something_and_the_list_is_a_setting() {
    let upstream = answering(3);
    let fable = request(MESSAGES, "").replace("model-x", "claude-fable-5");
    for agreement in [Agreement::Ordinary, Agreement::Hipaa] {
        assert_eq!(ask(&app(agreement, &upstream), MESSAGES, &fable).status, 200, "{agreement:?}");
    }
    let mut settings = AppSettings::new(upstream.address);
    settings.agreement = fiducia_policy::Agreement::ZeroRetention;
    settings.eligibility.covered_models = vec!["model-*".to_owned()];
    let app = settings.start();
    assert_eq!(ask(&app, MESSAGES, &fable).status, 200);
    refused(&ask(&app, MESSAGES, &request(MESSAGES, "")), MESSAGES, "data_retention_required");
}

#[test]
fn a_refusal_that_the_ledger_cannot_take_says_so() {
    let upstream = Upstream::start(Vec::new());
    let app = app(Agreement::ZeroRetention, &upstream);
    app.custody.close();
    let got = ask(&app, MESSAGES, &request(MESSAGES, r#""container":"c","#));
    assert_eq!(got.status, 503, "{got:?}");
    assert!(got.text().contains("store_unavailable"), "{got:?}");
    assert!(upstream.got().is_empty());
}
