//! Batches and files, in memory: enough to show that they pass through the gateway.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, header};
use serde_json::{Value, json};

use super::body::ScriptedBody;
use super::{CREATED_TEXT, Scene, faults, json_response, messages};

/// The most batches and files that are remembered; the oldest are forgotten.
const OBJECTS_MAX: usize = 1_000;

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct Stored {
    batches: Mutex<BTreeMap<String, StoredBatch>>,
    files: Mutex<BTreeMap<String, StoredFile>>,
}

#[derive(Debug, Clone)]
struct StoredBatch {
    items: usize,
    results: String,
}

#[derive(Debug, Clone)]
struct StoredFile {
    name: String,
    kind: String,
    bytes: Bytes,
}

fn remember<T>(objects: &Mutex<BTreeMap<String, T>>, id: &str, object: T) {
    let mut objects = objects.lock().unwrap_or_else(PoisonError::into_inner);
    if objects.len() >= OBJECTS_MAX {
        objects.pop_first();
    }
    objects.insert(id.to_owned(), object);
}

fn recall<T: Clone>(objects: &Mutex<BTreeMap<String, T>>, id: &str) -> Option<T> {
    objects.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
}

/// Answers what is about batches and files; `None` for everything else.
pub(super) fn answer(
    scene: &Scene,
    method: &Method,
    path: &str,
    host: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Option<Response<ScriptedBody>> {
    if let Some(rest) = path.strip_prefix("/v1/messages/batches") {
        return Some(batch(scene, method, rest, host, body));
    }
    path.strip_prefix("/v1/files").map(|rest| file(scene, method, rest, headers, body))
}

fn batch(scene: &Scene, method: &Method, rest: &str, host: &str, body: &Bytes) -> Response<ScriptedBody> {
    let not_found = || faults::error(404, true);
    let object = |id: &str, batch: &StoredBatch| {
        json!({
            "id": id, "type": "message_batch", "processing_status": "ended",
            "request_counts": { "processing": 0, "succeeded": batch.items, "errored": 0, "canceled": 0, "expired": 0 },
            "created_at": CREATED_TEXT, "expires_at": CREATED_TEXT, "ended_at": CREATED_TEXT, "archived_at": null,
            "cancel_initiated_at": null, "results_url": format!("http://{host}/v1/messages/batches/{id}/results"),
        })
    };
    let batches = &scene.stored.batches;
    match (method, rest.trim_start_matches('/').split_once('/')) {
        (&Method::POST, None) if rest.is_empty() => {
            let Ok(request) = serde_json::from_slice::<Value>(body) else { return faults::error(400, true) };
            let id = format!("msgbatch_scripted_{:08}", scene.number());
            let batch = worked(scene, &request);
            let response = json_response(&object(&id, &batch));
            remember(batches, &id, batch);
            response
        }
        (&Method::GET, None) if rest.is_empty() => {
            let batches = batches.lock().unwrap_or_else(PoisonError::into_inner);
            let data: Vec<Value> = batches.iter().map(|(id, batch)| object(id, batch)).collect();
            json_response(&json!({ "data": data, "has_more": false, "first_id": null, "last_id": null }))
        }
        (&Method::GET, None) => {
            let id = rest.trim_start_matches('/');
            recall(batches, id).map_or_else(not_found, |batch| json_response(&object(id, &batch)))
        }
        (&Method::DELETE, None) => {
            let id = rest.trim_start_matches('/');
            let found = batches.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
            found.map_or_else(not_found, |_| {
                json_response(&json!({ "id": id, "type": "message_batch_deleted" }))
            })
        }
        (&Method::POST, Some((id, "cancel"))) => {
            recall(batches, id).map_or_else(not_found, |batch| json_response(&object(id, &batch)))
        }
        (&Method::GET, Some((id, "results"))) => recall(batches, id).map_or_else(not_found, |batch| {
            let mut response = Response::new(ScriptedBody::whole(Bytes::from(batch.results)));
            response
                .headers_mut()
                .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-jsonl"));
            response
        }),
        _ => not_found(),
    }
}

/// Answers every item at once.
fn worked(scene: &Scene, request: &Value) -> StoredBatch {
    let items = request.get("requests").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut results = String::new();
    for item in items {
        let params = item.get("params").unwrap_or(&Value::Null);
        let model = params.get("model").and_then(Value::as_str).unwrap_or_default();
        let message = messages::message(scene, params, model, scene.number());
        let custom_id = item.get("custom_id");
        let line = json!({ "custom_id": custom_id, "result": { "type": "succeeded", "message": message } });
        results.push_str(&line.to_string());
        results.push('\n');
    }
    StoredBatch { items: items.len(), results }
}

fn file(
    scene: &Scene,
    method: &Method,
    rest: &str,
    headers: &HeaderMap,
    body: &Bytes,
) -> Response<ScriptedBody> {
    let not_found = || faults::error(404, true);
    let object = |id: &str, file: &StoredFile| {
        json!({
            "id": id, "type": "file", "filename": file.name, "mime_type": file.kind, "size_bytes": file.bytes.len(),
            "created_at": CREATED_TEXT, "downloadable": true,
        })
    };
    let files = &scene.stored.files;
    match (method, rest.trim_start_matches('/').split_once('/')) {
        (&Method::POST, None) if rest.is_empty() => {
            let Some(file) = uploaded(headers, body) else { return faults::error(400, true) };
            let id = format!("file_scripted_{:08}", scene.number());
            let response = json_response(&object(&id, &file));
            remember(files, &id, file);
            response
        }
        (&Method::GET, None) if rest.is_empty() => {
            let files = files.lock().unwrap_or_else(PoisonError::into_inner);
            let data: Vec<Value> = files.iter().map(|(id, file)| object(id, file)).collect();
            json_response(&json!({ "data": data, "has_more": false, "next_page": null }))
        }
        (&Method::GET, None) => {
            let id = rest.trim_start_matches('/');
            recall(files, id).map_or_else(not_found, |file| json_response(&object(id, &file)))
        }
        (&Method::DELETE, None) => {
            let id = rest.trim_start_matches('/');
            let found = files.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
            found.map_or_else(not_found, |_| json_response(&json!({ "id": id, "type": "file_deleted" })))
        }
        (&Method::GET, Some((id, "content"))) => recall(files, id).map_or_else(not_found, |file| {
            let mut response = Response::new(ScriptedBody::whole(file.bytes));
            let kind = HeaderValue::try_from(file.kind)
                .unwrap_or(HeaderValue::from_static("application/octet-stream"));
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }),
        _ => not_found(),
    }
}

/// The part named `file` of a multipart body (RFC 7578), without a general parser: one part, its name and its type.
fn uploaded(headers: &HeaderMap, body: &Bytes) -> Option<StoredFile> {
    let content_type = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    let boundary = content_type.split_once("boundary=")?.1.trim_matches('"');
    let opening = format!("--{boundary}\r\n");
    let closing = format!("\r\n--{boundary}");
    let position = |needle: &[u8], from: usize| {
        let found = body.get(from..)?.windows(needle.len()).position(|window| window == needle)?;
        Some(from + found)
    };
    let mut from = position(opening.as_bytes(), 0)? + opening.len();
    loop {
        let start = position(b"\r\n\r\n", from)? + 4;
        let end = position(closing.as_bytes(), start)?;
        let head = std::str::from_utf8(body.get(from..start)?).ok()?;
        if head.contains("name=\"file\"") {
            let after = |mark: &str, until: char| {
                head.split_once(mark)
                    .and_then(|(_, rest)| rest.split_once(until))
                    .map(|(value, _)| value.trim().to_owned())
            };
            let name = after("filename=\"", '"').unwrap_or_else(|| "unnamed".to_owned());
            let kind = after("Content-Type: ", '\r').or_else(|| after("content-type: ", '\r'));
            let kind = kind.unwrap_or_else(|| "application/octet-stream".to_owned());
            return Some(StoredFile { name, kind, bytes: body.slice(start..end) });
        }
        from = end + closing.len() + 2;
    }
}
