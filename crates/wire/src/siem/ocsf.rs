//! Open Cybersecurity Schema Framework, version 1.6.0. Written from the public schema.

use serde_json::{Map, Value, json};

use super::activity::{Activity, Actor};
use super::mapping::{Mapping, OcsfClass, mapping_of};

/// The version of the schema.
const VERSION: &str = "1.6.0";
/// `severity_id` of everything: informational. What deserves an alarm is for the rules of whoever watches.
const INFORMATIONAL: u64 = 1;
const SUCCESS: u64 = 1;
const FAILURE: u64 = 2;
/// `user.type_id`.
const USER: u64 = 1;
const SYSTEM: u64 = 3;
const OTHER: u64 = 99;
/// `database.type_id`: a relational database is what records lie in.
const RELATIONAL: u64 = 1;
/// `type_id` of datastore activity: a database.
const DATABASE: u64 = 1;

/// The activity as an event of its class.
pub(super) fn event(activity: &Activity) -> Value {
    let mapping = mapping_of(&activity.kind);
    let class = mapping.class;
    let succeeded = activity.succeeded();
    let mut event = json!({
        "activity_id": mapping.activity,
        "activity_name": class.activity_name(mapping.activity),
        "category_uid": class.category().0,
        "category_name": class.category().1,
        "class_uid": class.uid(),
        "class_name": class.name(),
        "type_uid": class.uid() * 100 + mapping.activity,
        "type_name": format!("{}: {}", class.name(), class.activity_name(mapping.activity)),
        "time": activity.at.as_millisecond(),
        "severity_id": INFORMATIONAL,
        "severity": "Informational",
        "status_id": if succeeded { SUCCESS } else { FAILURE },
        "status": if succeeded { "Success" } else { "Failure" },
        "message": activity.kind,
        "metadata": metadata(activity),
    });
    let mut rest = activity.rest.clone();
    let mut put = |name: &str, value: Value| {
        if let Some(event) = event.as_object_mut() {
            event.insert(name.to_owned(), value);
        }
    };
    if !activity.actor.kind.is_empty() || class.needs_actor() {
        put("actor", json!({ "user": user(&activity.actor), "app_name": "Fiducia" }));
    }
    if activity.actor.address.is_some() || class.needs_source() {
        put("src_endpoint", source(&activity.actor));
    }
    if let Some(request) = http_request(activity, &mut rest) {
        put("http_request", request);
    }
    if let Some(code) = activity.status_code() {
        put("http_response", json!({ "code": code }));
        rest.remove("status_code");
    }
    for (name, value) in own_attributes(activity, mapping, &mut rest) {
        put(name, value);
    }
    let mut unmapped = rest;
    if !activity.actor.rest.is_empty() {
        unmapped.insert("actor".to_owned(), Value::Object(activity.actor.rest.clone()));
    }
    if !unmapped.is_empty() {
        put("unmapped", Value::Object(unmapped));
    }
    event
}

fn metadata(activity: &Activity) -> Value {
    let mut metadata = json!({
        "version": VERSION,
        "uid": activity.id,
        "event_code": activity.kind,
        "original_time": activity.at_text,
        "log_name": "activities",
        "product": { "vendor_name": "Fiducia", "name": "Fiducia", "version": env!("CARGO_PKG_VERSION") },
    });
    if let (Some(organization), Some(metadata)) = (&activity.organization, metadata.as_object_mut()) {
        metadata.insert("tenant_uid".to_owned(), Value::from(organization.as_str()));
    }
    metadata
}

/// Who did it. The schema asks for at least a name or an id.
fn user(actor: &Actor) -> Value {
    if actor.is_system() {
        let name = actor.id.as_deref().unwrap_or("Fiducia");
        return json!({ "name": name, "type_id": SYSTEM, "type": "System" });
    }
    let (type_id, kind) =
        if actor.kind == "user_actor" { (USER, "User") } else { (OTHER, actor.kind.as_str()) };
    let mut user = Map::new();
    user.insert("type_id".to_owned(), Value::from(type_id));
    user.insert("type".to_owned(), Value::from(kind));
    match &actor.id {
        Some(id) => user.insert("uid".to_owned(), Value::from(id.as_str())),
        None => user.insert("name".to_owned(), Value::from(actor.kind.as_str())),
    };
    if let Some(email) = &actor.email {
        user.insert("email_addr".to_owned(), Value::from(email.as_str()));
    }
    Value::Object(user)
}

/// From where. The schema asks for at least a name or an address, and most activities record none.
fn source(actor: &Actor) -> Value {
    match &actor.address {
        Some(address) => json!({ "ip": address }),
        None => json!({ "name": "not recorded" }),
    }
}

fn http_request(activity: &Activity, rest: &mut Map<String, Value>) -> Option<Value> {
    let mut request = Map::new();
    if let Some(agent) = &activity.actor.user_agent {
        request.insert("user_agent".to_owned(), Value::from(agent.as_str()));
    }
    if let Some(method) = activity.text("request_method") {
        request.insert("http_method".to_owned(), Value::from(method));
        rest.remove("request_method");
    }
    if let Some(path) = activity.text("url") {
        request.insert("url".to_owned(), json!({ "path": path }));
        rest.remove("url");
    }
    if let Some(id) = activity.text("request_id") {
        request.insert("uid".to_owned(), Value::from(id));
        rest.remove("request_id");
    }
    (!request.is_empty()).then_some(Value::Object(request))
}

/// What the class of an event asks for besides.
fn own_attributes(
    activity: &Activity,
    mapping: Mapping,
    rest: &mut Map<String, Value>,
) -> Vec<(&'static str, Value)> {
    let target = mapping.target.and_then(|name| match rest.remove(name) {
        Some(Value::String(id)) => Some(id),
        Some(other) => {
            rest.insert(name.to_owned(), other);
            None
        }
        None => None,
    });
    match mapping.class {
        OcsfClass::Base => Vec::new(),
        OcsfClass::AccountChange => vec![("user", account(activity, target))],
        OcsfClass::Authentication => {
            vec![("user", account(activity, target)), ("service", json!({ "name": "Fiducia" }))]
        }
        OcsfClass::EntityManagement => {
            let kind = mapping.entity;
            let entity = match target {
                Some(id) => json!({ "uid": id, "type": kind }),
                None => json!({ "name": kind, "type": kind }),
            };
            vec![("entity", entity)]
        }
        OcsfClass::ApiActivity => {
            let operation = match (activity.text("request_method"), activity.text("url")) {
                (Some(method), Some(path)) => {
                    format!("{method} {}", path.split('?').next().unwrap_or_default())
                }
                _ => activity.kind.clone(),
            };
            vec![("api", json!({ "operation": operation, "service": { "name": "Fiducia" } }))]
        }
        OcsfClass::DatastoreActivity => {
            let name = mapping.entity;
            let mut database = json!({ "name": name, "type_id": RELATIONAL, "type": "Relational" });
            if let (Some(id), Some(database)) = (target, database.as_object_mut()) {
                database.insert("uid".to_owned(), Value::from(id));
            }
            vec![
                ("database", database),
                ("type_id", Value::from(DATABASE)),
                ("type", Value::from("Database")),
            ]
        }
    }
}

/// The account that an event is about: the one it names, else the one that acts.
fn account(activity: &Activity, target: Option<String>) -> Value {
    match target {
        Some(id) => json!({ "uid": id, "type_id": USER, "type": "User" }),
        None => user(&activity.actor),
    }
}
