//! The OpenAPI 3.1 document, made of the endpoints themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::SchemaGenerator;
use schemars::generate::{Contract, SchemaSettings};
use serde_json::{Map, Value, json};

use super::caller::{SUBJECT_HEADER, Who};
use super::endpoint::Endpoint;
use super::problem::{KINDS, ProblemView};
use super::reply::Shape;
use super::{DOCUMENT_PATH, ROOT, idempotency};

/// The document as text, the same for the same endpoints.
pub(super) fn text(endpoints: &[Arc<Endpoint>]) -> String {
    let mut text = serde_json::to_string_pretty(&sorted(document(endpoints))).unwrap_or_default();
    text.push('\n');
    text
}

/// Two generators: what is taken in and what is given out differ in what may be absent.
struct Schemas {
    taken: SchemaGenerator,
    given: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let generator = |contract: Contract| {
            let settings = SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
                settings.contract = contract;
            });
            settings.into_generator()
        };
        Self { taken: generator(Contract::Deserialize), given: generator(Contract::Serialize) }
    }

    fn definitions(mut self) -> Map<String, Value> {
        let mut all = self.given.take_definitions(true);
        all.extend(self.taken.take_definitions(true));
        all
    }
}

fn document(endpoints: &[Arc<Endpoint>]) -> Value {
    let mut schemas = Schemas::new();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for endpoint in endpoints {
        let operation = operation(endpoint, &mut schemas);
        let path = paths.entry(endpoint.path.to_owned()).or_default();
        path.insert(endpoint.method.as_str().to_ascii_lowercase(), operation);
    }
    paths.entry(DOCUMENT_PATH.to_owned()).or_default().insert("get".to_owned(), own_operation());
    let problem = schemas.given.subschema_for::<ProblemView>().to_value();
    let mut definitions = schemas.definitions();
    name_problems(&mut definitions);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Fiducia",
            "version": "1",
            "summary": "What people chose, what is kept of them and why, and what they may ask for.",
            "description": "docs/api.md explains authentication, problems, cursors, idempotency keys and tags.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": ROOT, "description": "The console's own address." }],
        "security": [{ "token": [] }, { "session": [] }],
        "tags": tags(endpoints),
        "paths": paths,
        "components": {
            "schemas": definitions,
            "responses": { "Problem": {
                "description": "It was not done, and why.",
                "content": { "application/problem+json": { "schema": problem } },
            } },
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "A token of an account." },
                "session": {
                    "type": "apiKey", "in": "cookie", "name": "fiducia-session",
                    "description": "A session of the console; with TLS the name begins with `__Host-`. Changes need the header \
                                    `fiducia-form` too.",
                },
            },
        },
    })
}

/// Names every type of a problem.
fn name_problems(definitions: &mut Map<String, Value>) {
    let types: Vec<Value> = KINDS.iter().map(|kind| Value::from(kind.uri())).collect();
    let field = definitions.get_mut("Problem").and_then(|view| view.pointer_mut("/properties/type"));
    if let Some(fields) = field.and_then(Value::as_object_mut) {
        fields.insert("enum".to_owned(), Value::Array(types));
    }
}

fn tags(endpoints: &[Arc<Endpoint>]) -> Value {
    let mut names: Vec<&str> = endpoints.iter().map(|endpoint| tag(endpoint.path)).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| json!({ "name": name })).collect()
}

fn tag(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap_or_default()
}

fn operation(endpoint: &Endpoint, schemas: &mut Schemas) -> Value {
    let mut parameters = Vec::new();
    let path = (endpoint.path_schema)(&mut schemas.taken).to_value();
    let query = (endpoint.query_schema)(&mut schemas.taken).to_value();
    add_parameters(&mut parameters, "path", &path);
    add_parameters(&mut parameters, "query", &query);
    add_headers(&mut parameters, endpoint);
    let mut operation = json!({
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": described(endpoint),
        "tags": [tag(endpoint.path)],
        "parameters": parameters,
        "responses": responses(endpoint, schemas),
    });
    if let (Some(schema), Some(fields)) = (endpoint.body_schema, operation.as_object_mut()) {
        let schema = schema(&mut schemas.taken).to_value();
        let mut content = json!({ "application/json": { "schema": schema } });
        if let (true, Some(content)) = (endpoint.takes_lines, content.as_object_mut()) {
            let lines =
                json!({ "schema": { "type": "string", "description": "One element of the array a line." } });
            content.insert("application/x-ndjson".to_owned(), lines);
        }
        fields.insert("requestBody".to_owned(), json!({ "content": content }));
    }
    operation
}

fn described(endpoint: &Endpoint) -> String {
    let whom = for_whom(endpoint.who);
    if endpoint.opens_content {
        return format!("{whom} A token needs the permission `write`: each look is an entry in the log.");
    }
    whom.to_owned()
}

const fn for_whom(who: Who) -> &'static str {
    match who {
        Who::Anyone => "For whoever is recognised.",
        Who::Person => "For people, about what is theirs.",
        Who::PersonOrApplication => {
            "For people, about what is theirs, and for applications that speak for them."
        }
        Who::Staff => "For staff, as far as their roles permit, about what is their organisation's.",
        Who::PersonOrStaff => {
            "For people, about what is theirs, for applications that speak for them, and for staff, as far as their roles permit, \
             about what is their organisation's."
        }
    }
}

fn add_parameters(parameters: &mut Vec<Value>, place: &str, schema: &Value) {
    let required = schema.get("required").and_then(Value::as_array);
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    for (name, schema) in properties {
        let is_required = required.is_some_and(|all| all.iter().any(|other| other == name));
        let mut schema = without_null(schema.clone());
        let description = schema.as_object_mut().and_then(|fields| fields.remove("description"));
        parameters.push(json!({
            "name": name, "in": place, "required": is_required, "schema": schema,
            "description": description.unwrap_or_else(|| Value::from("Which.")),
        }));
    }
}

/// A parameter is absent rather than null.
fn without_null(mut schema: Value) -> Value {
    let is_null = |value: &Value| value == "null" || value.get("type").is_some_and(|kind| kind == "null");
    let Some(fields) = schema.as_object_mut() else { return schema };
    if let Some(Value::Array(kinds)) = fields.get_mut("type") {
        kinds.retain(|kind| !is_null(kind));
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            fields.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(ways)) = fields.get_mut("anyOf") {
        ways.retain(|way| !is_null(way));
    }
    schema
}

fn add_headers(parameters: &mut Vec<Value>, endpoint: &Endpoint) {
    let mut add = |name: &str, schema: Value, description: &str| {
        parameters.push(json!({
            "name": name, "in": "header", "required": false, "schema": schema, "description": description,
        }));
    };
    let text = || json!({ "type": "string" });
    if endpoint.body_schema.is_some() && !endpoint.shows_secret {
        let key = json!({ "type": "string", "minLength": 1, "maxLength": 128 });
        add(
            idempotency::HEADER,
            key,
            "The same request with the same key is carried out once and answered the same for a day.",
        );
    }
    if matches!(endpoint.who, Who::PersonOrApplication | Who::PersonOrStaff) {
        let name = json!({ "type": "string", "minLength": 1, "maxLength": 128 });
        add(SUBJECT_HEADER, name, "The application's own name for the person it speaks for.");
    }
    if endpoint.changes.is_some() {
        add("if-match", text(), "The tag of what is changed, as the caller knows it; else 412.");
    }
    if matches!(endpoint.shape, Shape::Tagged | Shape::File) {
        add("if-none-match", text(), "The tag of what the caller has; 304 when it is still the same.");
    }
    if endpoint.shape == Shape::File {
        add("range", text(), "One range of bytes.");
    }
}

fn responses(endpoint: &Endpoint, schemas: &mut Schemas) -> Value {
    let mut responses = Map::new();
    let tag = json!({ "ETag": { "description": "A strong tag of it.", "schema": { "type": "string" } } });
    let file = json!({ "application/octet-stream": {} });
    let done = match endpoint.shape {
        Shape::File => json!({ "description": "The file.", "headers": tag, "content": file }),
        shape => {
            let schema = (endpoint.answer_schema)(&mut schemas.given)
                .map_or(Value::Bool(true), schemars::Schema::to_value);
            let mut done = json!({
                "description": "It was done.", "content": { "application/json": { "schema": schema } },
            });
            if let Some(fields) = done.as_object_mut() {
                let place = json!({ "Location": { "description": "Where it lies.", "schema": { "type": "string" } } });
                match shape {
                    Shape::Tagged => fields.insert("headers".to_owned(), tag),
                    Shape::Made => fields.insert("headers".to_owned(), place),
                    Shape::Json | Shape::File => None,
                };
            }
            done
        }
    };
    responses.insert(endpoint.status.to_string(), done);
    if endpoint.shape == Shape::File {
        responses.insert("206".to_owned(), json!({ "description": "A part of the file.", "content": file }));
    }
    if matches!(endpoint.shape, Shape::Tagged | Shape::File) {
        responses.insert("304".to_owned(), json!({ "description": "It is still the same." }));
    }
    responses.insert("default".to_owned(), json!({ "$ref": "#/components/responses/Problem" }));
    Value::Object(responses)
}

fn own_operation() -> Value {
    json!({
        "operationId": "show-document",
        "summary": "This document.",
        "description": "For everybody.",
        "security": [],
        "tags": [tag(DOCUMENT_PATH)],
        "responses": {
            "200": { "description": "The document.", "content": { "application/json": { "schema": { "type": "object" } } } },
            "default": { "$ref": "#/components/responses/Problem" },
        },
    })
}

/// The same with the members of every object in alphabetical order.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(String, Value)> = fields.into_iter().collect();
            fields.sort_by(|one, other| one.0.cmp(&other.0));
            Value::Object(fields.into_iter().map(|(name, value)| (name, sorted(value))).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::resources::endpoints;
    use super::*;

    #[test]
    fn the_document_beside_the_documentation_is_that_of_the_code() {
        let known = include_str!("../../../../../docs/openapi.json");
        let endpoints: Vec<_> = endpoints().into_iter().map(Arc::new).collect();
        assert!(text(&endpoints) == known, "run `fiducia api schema > docs/openapi.json`");
    }

    #[test]
    fn what_is_taken_in_and_given_out_share_no_name_with_two_meanings() {
        let mut schemas = Schemas::new();
        for endpoint in endpoints() {
            operation(&endpoint, &mut schemas);
        }
        let (taken, given) = (schemas.taken.take_definitions(true), schemas.given.take_definitions(true));
        for (name, schema) in taken {
            assert!(given.get(&name).is_none_or(|other| *other == schema), "{name} means two things");
        }
    }

    #[test]
    fn every_endpoint_has_a_name_of_its_own_and_every_change_a_resource_with_a_tag() {
        let all = endpoints();
        for (place, endpoint) in all.iter().enumerate() {
            let again = all.iter().skip(place + 1).any(|other| {
                other.name == endpoint.name
                    || (other.path == endpoint.path && other.method == endpoint.method)
            });
            assert!(!again, "{} comes twice", endpoint.name);
            if let Some(path) = endpoint.changes {
                let shown = all.iter().find(|other| other.path == path && other.method == "GET");
                assert!(shown.is_some_and(|shown| shown.shape == Shape::Tagged), "{}", endpoint.name);
            }
        }
        assert!(all.len() > 30, "only {} endpoints", all.len());
    }
}
