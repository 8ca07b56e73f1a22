//! Every type is written as its class asks for. The rules are those of the public schemas, written here a second time: required
//! attributes, lists of values, and where at least one of several must be there.

use serde_json::{Value, json};

use super::mapping::{OcsfClass, mapped_kinds, mapping_of};
use super::{Activity, SiemFormat};

/// What OCSF 1.6.0 asks of a class: its category, its `activity_id`s, its required attributes, and sets of which one must be there.
struct Rule {
    category: u64,
    activities: &'static [u64],
    required: &'static [&'static str],
    one_of: &'static [&'static [&'static str]],
}

fn rule(class: u64) -> Rule {
    let crud: &[u64] = &[0, 1, 2, 3, 4, 99];
    match class {
        0 => Rule { category: 0, activities: &[0, 99], required: &[], one_of: &[] },
        3001 => Rule {
            category: 3,
            activities: &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 99],
            required: &["user"],
            one_of: &[],
        },
        3002 => Rule {
            category: 3,
            activities: &[0, 1, 2, 3, 4, 5, 99],
            required: &["user"],
            one_of: &[&["service", "dst_endpoint"]],
        },
        3004 => Rule { category: 3, activities: crud, required: &["entity"], one_of: &[] },
        6003 => {
            Rule { category: 6, activities: crud, required: &["actor", "api", "src_endpoint"], one_of: &[] }
        }
        6005 => Rule {
            category: 6,
            activities: &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 99],
            required: &["actor", "src_endpoint"],
            one_of: &[&["database", "databucket", "table"]],
        },
        other => panic!("no rule for class {other}"),
    }
}

fn has_one(object: &Value, names: &[&str]) -> bool {
    names.iter().any(|name| object.get(name).is_some_and(|value| !value.is_null()))
}

/// What is wrong with an event, by the rules of the schema.
fn faults(event: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let number = |name: &str| event[name].as_u64();
    for name in ["activity_id", "category_uid", "class_uid", "severity_id", "type_uid", "time", "metadata"] {
        if event.get(name).is_none_or(Value::is_null) {
            found.push(format!("{name} is missing"));
        }
    }
    let Some(class) = number("class_uid") else { return found };
    let rule = rule(class);
    if number("category_uid") != Some(rule.category) {
        found.push("category_uid is of another class".to_owned());
    }
    let activity = number("activity_id").unwrap_or(u64::MAX);
    if !rule.activities.contains(&activity) {
        found.push(format!("activity_id {activity} is none of class {class}"));
    }
    if number("type_uid") != Some((class * 100).saturating_add(activity)) {
        found.push("type_uid is not class_uid * 100 + activity_id".to_owned());
    }
    if !number("severity_id").is_some_and(|severity| severity <= 6 || severity == 99) {
        found.push("severity_id is none".to_owned());
    }
    if !number("status_id").is_some_and(|status| status <= 2 || status == 99) {
        found.push("status_id is none".to_owned());
    }
    let metadata = &event["metadata"];
    if !metadata["version"].is_string() || !has_one(&metadata["product"], &["name", "uid"]) {
        found.push("metadata lacks its version or product".to_owned());
    }
    for name in rule.required {
        if !event[*name].is_object() {
            found.push(format!("{name} is missing"));
        }
    }
    for names in rule.one_of {
        if !has_one(event, names) {
            found.push(format!("none of {names:?} is there"));
        }
    }
    for user in [&event["user"], &event["actor"]["user"]] {
        if user.is_object() {
            let types = [0, 1, 2, 3, 99];
            if !has_one(user, &["account", "name", "uid"])
                || !types.contains(&user["type_id"].as_u64().unwrap_or(7))
            {
                found.push("a user has no name or no kind".to_owned());
            }
        }
    }
    let source = &event["src_endpoint"];
    if source.is_object() && !has_one(source, &["ip", "uid", "name", "hostname", "svc_name", "domain"]) {
        found.push("src_endpoint names nothing".to_owned());
    }
    if event["entity"].is_object() && !has_one(&event["entity"], &["name", "uid"]) {
        found.push("entity names nothing".to_owned());
    }
    if event["api"].is_object() && !event["api"]["operation"].is_string() {
        found.push("api names no operation".to_owned());
    }
    let database = &event["database"];
    if database.is_object() && (!has_one(database, &["name", "uid"]) || !database["type_id"].is_u64()) {
        found.push("database names nothing or no kind".to_owned());
    }
    found
}

/// What ECS 8.17 lets `event.type` be in each `event.category`.
fn ecs_types(category: &str) -> &'static [&'static str] {
    match category {
        "api" => &[
            "access", "admin", "allowed", "change", "creation", "deletion", "denied", "end", "info", "start",
            "user",
        ],
        "authentication" => &["start", "end", "info"],
        "configuration" => &["access", "change", "creation", "deletion", "info"],
        "database" => &["access", "change", "info", "error"],
        "iam" => &["admin", "change", "creation", "deletion", "group", "info", "user"],
        "web" => &["access", "error", "info"],
        other => panic!("{other} is no category that is used"),
    }
}

fn activity(kind: &str, actor: &Value) -> Activity {
    let body = json!({
        "id": "activity_1", "type": kind, "created_at": "2026-11-21T04:15:23.500000Z",
        "organization_id": "org_1", "organization_uuid": "1", "actor": actor, "api_key_id": "key_1", "novel": {"a": [1]},
    });
    Activity::parse(&body.to_string()).unwrap()
}

fn actors() -> Vec<Value> {
    vec![
        Value::Null,
        json!({"type": "system_actor", "service": "fiducia"}),
        json!({"type": "anthropic_actor", "email_address": null}),
        json!({"type": "user_actor", "user_id": "user_1", "email_address": "ada@example.org", "ip_address": "192.0.2.1", "user_agent": "x/1"}),
        json!({"type": "api_actor", "api_key_id": "apikey_1", "ip_address": null, "user_agent": null}),
        json!({"type": "federated_actor", "provider": {"type": "gcp", "project_number": "1"}}),
    ]
}

#[test]
fn every_type_is_an_event_as_its_class_asks_for() {
    for kind in mapped_kinds().chain(["a_type_of_tomorrow"]) {
        for actor in actors() {
            let event: Value = serde_json::from_str(&SiemFormat::Ocsf.line(&activity(kind, &actor))).unwrap();
            assert_eq!(faults(&event), Vec::<String>::new(), "{event:#}");
            assert_eq!(event["metadata"]["uid"], "activity_1");
            assert_eq!(event["metadata"]["event_code"], kind);
            assert_eq!(event["metadata"]["tenant_uid"], "1");
            assert_eq!(event["time"], 1_795_234_523_500_u64);
            assert_eq!(event["unmapped"]["novel"], json!({"a": [1]}), "{kind}");
            for name in ["activity_name", "class_name", "category_name", "type_name"] {
                assert!(
                    event[name].as_str().is_some_and(|name| !name.contains("Unknown")),
                    "{kind} {name}: {event}"
                );
            }
        }
    }
    let unknown = mapping_of("a_type_of_tomorrow");
    assert_eq!((unknown.class, unknown.activity), (OcsfClass::Base, 99));
}

#[test]
fn the_check_catches_what_is_missing() {
    let whole: Value =
        serde_json::from_str(&SiemFormat::Ocsf.line(&activity("compliance_api_accessed", &Value::Null)))
            .unwrap();
    for name in ["activity_id", "metadata", "severity_id", "time", "type_uid", "actor", "api", "src_endpoint"]
    {
        let mut damaged = whole.clone();
        damaged.as_object_mut().unwrap().remove(name);
        assert!(!faults(&damaged).is_empty(), "{name} may be missing");
    }
    for (name, value) in [("activity_id", 77), ("category_uid", 3), ("severity_id", 7), ("type_uid", 1)] {
        let mut damaged = whole.clone();
        damaged[name] = value.into();
        assert!(!faults(&damaged).is_empty(), "{name} may be {value}");
    }
}

#[test]
fn every_type_is_a_document_as_ecs_asks_for() {
    for kind in mapped_kinds().chain(["a_type_of_tomorrow"]) {
        for actor in actors() {
            let document: Value =
                serde_json::from_str(&SiemFormat::Ecs.line(&activity(kind, &actor))).unwrap();
            let event = &document["event"];
            assert_eq!(document["@timestamp"], "2026-11-21T04:15:23.500000Z");
            assert_eq!(document["ecs"]["version"], "8.17.0");
            assert_eq!((&event["kind"], &event["id"]), (&"event".into(), &"activity_1".into()));
            assert_eq!(event["action"], kind);
            let category = event["category"][0].as_str().unwrap();
            let types = event["type"].as_array().unwrap();
            assert!(!types.is_empty());
            assert!(
                types.iter().all(|kind| ecs_types(category).contains(&kind.as_str().unwrap())),
                "{document}"
            );
            assert!(["success", "failure"].contains(&event["outcome"].as_str().unwrap()));
            assert_eq!(document["fiducia"]["activity"]["novel"], json!({"a": [1]}), "{kind}");
        }
    }
}

#[test]
fn a_call_of_the_compliance_api_is_written_whole() {
    let body = r#"{"id":"activity_01X","type":"compliance_api_accessed","created_at":"2026-11-01T00:00:00Z","organization_id":null,
        "organization_uuid":null,"actor":{"type":"api_actor","api_key_id":"apikey_01K","ip_address":"192.0.2.9","user_agent":"siem/1"},
        "request_id":"req_01","request_method":"GET","url":"/v1/compliance/activities","status_code":403,"request_body":null}"#;
    let activity = Activity::parse(body).unwrap();
    let ocsf: Value = serde_json::from_str(&SiemFormat::Ocsf.line(&activity)).unwrap();
    let expect = json!({
        "activity_id": 2, "activity_name": "Read", "category_uid": 6, "category_name": "Application Activity",
        "class_uid": 6003, "class_name": "API Activity", "type_uid": 600_302, "type_name": "API Activity: Read",
        "time": 1_793_491_200_000_u64, "severity_id": 1, "severity": "Informational", "status_id": 2, "status": "Failure",
        "message": "compliance_api_accessed",
        "metadata": {
            "version": "1.6.0", "uid": "activity_01X", "event_code": "compliance_api_accessed",
            "original_time": "2026-11-01T00:00:00Z", "log_name": "activities",
            "product": {"vendor_name": "Fiducia", "name": "Fiducia", "version": env!("CARGO_PKG_VERSION")},
        },
        "actor": {"user": {"type_id": 99, "type": "api_actor", "uid": "apikey_01K"}, "app_name": "Fiducia"},
        "src_endpoint": {"ip": "192.0.2.9"},
        "http_request": {"user_agent": "siem/1", "http_method": "GET", "url": {"path": "/v1/compliance/activities"}, "uid": "req_01"},
        "http_response": {"code": 403},
        "api": {"operation": "GET /v1/compliance/activities", "service": {"name": "Fiducia"}},
    });
    assert_eq!(ocsf, expect);
    let ecs: Value = serde_json::from_str(&SiemFormat::Ecs.line(&activity)).unwrap();
    let expect = json!({
        "@timestamp": "2026-11-01T00:00:00Z", "ecs": {"version": "8.17.0"}, "message": "compliance_api_accessed",
        "event": {
            "id": "activity_01X", "kind": "event", "category": ["web"], "type": ["access"], "action": "compliance_api_accessed",
            "outcome": "failure", "provider": "fiducia", "module": "fiducia", "dataset": "fiducia.activity",
        },
        "user": {"id": "apikey_01K"}, "related": {"user": ["apikey_01K"], "ip": ["192.0.2.9"]}, "source": {"ip": "192.0.2.9"},
        "user_agent": {"original": "siem/1"},
        "http": {"request": {"method": "GET", "id": "req_01"}, "response": {"status_code": 403}},
        "url": {"original": "/v1/compliance/activities"},
        "fiducia": {"activity": {"actor": {"type": "api_actor"}}},
    });
    assert_eq!(ecs, expect);
}

#[test]
fn the_table_in_the_documents_is_the_one_that_is_used() {
    let document = include_str!("../../../../docs/siem.md");
    let shown: Vec<&str> = document.lines().filter(|line| line.starts_with("| `")).collect();
    let used: Vec<String> = mapped_kinds()
        .map(|kind| {
            let mapping = mapping_of(kind);
            let (class, activity) = (mapping.class, mapping.class.activity_name(mapping.activity));
            let (category, types) = (mapping.ecs_category.join(", "), mapping.ecs_type.join(", "));
            format!("| `{kind}` | {} ({}): {activity} | {category}: {types} |", class.name(), class.uid())
        })
        .collect();
    assert_eq!(shown, used);
}
