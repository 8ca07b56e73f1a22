//! Elastic Common Schema, version 8.17. Written from the public schema.

use serde_json::{Map, Value, json};

use super::activity::Activity;
use super::mapping::mapping_of;

const VERSION: &str = "8.17.0";

/// The activity as an ECS document. What ECS has no field for lies under `fiducia.activity`.
pub(super) fn event(activity: &Activity) -> Value {
    let mapping = mapping_of(&activity.kind);
    let actor = &activity.actor;
    let mut rest = activity.rest.clone();
    let mut document = Map::new();
    let mut put = |name: &str, value: Value| {
        document.insert(name.to_owned(), value);
    };
    put("@timestamp", Value::from(activity.at_text.as_str()));
    put("ecs", json!({ "version": VERSION }));
    put("message", Value::from(activity.kind.as_str()));
    put(
        "event",
        json!({
            "id": activity.id,
            "kind": "event",
            "category": mapping.ecs_category,
            "type": mapping.ecs_type,
            "action": activity.kind,
            "outcome": if activity.succeeded() { "success" } else { "failure" },
            "provider": "fiducia",
            "module": "fiducia",
            "dataset": "fiducia.activity",
        }),
    );
    if let Some(organization) = &activity.organization {
        put("organization", json!({ "id": organization }));
    }
    let mut user = Map::new();
    if let Some(id) = &actor.id {
        user.insert("id".to_owned(), Value::from(id.as_str()));
    }
    if let Some(email) = &actor.email {
        user.insert("email".to_owned(), Value::from(email.as_str()));
    }
    let mut related = Map::new();
    if let Some(id) = &actor.id {
        related.insert("user".to_owned(), json!([id]));
    }
    if let Some(address) = &actor.address {
        related.insert("ip".to_owned(), json!([address]));
        put("source", json!({ "ip": address }));
    }
    if !user.is_empty() {
        put("user", Value::Object(user));
    }
    if !related.is_empty() {
        put("related", Value::Object(related));
    }
    if let Some(agent) = &actor.user_agent {
        put("user_agent", json!({ "original": agent }));
    }
    if let Some(http) = http(activity, &mut rest) {
        put("http", http);
    }
    if let Some(path) = activity.text("url") {
        put("url", json!({ "original": path }));
        rest.remove("url");
    }
    let mut own = rest;
    let mut who = actor.rest.clone();
    if !actor.kind.is_empty() {
        who.insert("type".to_owned(), Value::from(actor.kind.as_str()));
    }
    if !who.is_empty() {
        own.insert("actor".to_owned(), Value::Object(who));
    }
    if !own.is_empty() {
        put("fiducia", json!({ "activity": own }));
    }
    Value::Object(document)
}

fn http(activity: &Activity, rest: &mut Map<String, Value>) -> Option<Value> {
    let mut http = Map::new();
    let mut request = Map::new();
    if let Some(method) = activity.text("request_method") {
        request.insert("method".to_owned(), Value::from(method));
        rest.remove("request_method");
    }
    if let Some(id) = activity.text("request_id") {
        request.insert("id".to_owned(), Value::from(id));
        rest.remove("request_id");
    }
    if !request.is_empty() {
        http.insert("request".to_owned(), Value::Object(request));
    }
    if let Some(code) = activity.status_code() {
        http.insert("response".to_owned(), json!({ "status_code": code }));
        rest.remove("status_code");
    }
    (!http.is_empty()).then_some(Value::Object(http))
}
