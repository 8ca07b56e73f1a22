//! `/.well-known/gpc.json`: that the Global Privacy Control signal is honoured, for programs.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderValue, header};

use super::{Page, nobody};
use crate::console::Console;
use crate::console::visitor::Shared;

pub(super) const PAGE: Page = Page {
    path: "/.well-known/gpc.json",
    title: "privacy-control-title",
    is_for: nobody,
    routes: || Router::<Arc<Console>>::new().route("/.well-known/gpc.json", get(show)),
};

async fn show(State(console): Shared) -> Response {
    let since = &console.settings.privacy_control_since;
    let mut response = Json(serde_json::json!({ "gpc": true, "lastUpdate": since })).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=86400"));
    response
}
