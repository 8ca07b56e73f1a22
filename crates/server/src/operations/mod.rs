//! The listener for the people who run the server: is it alive, is it ready, what does it count, and the ledger's
//! public files. It serves no content and no names of people.

mod ledger_files;
mod scrape;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::gateway::Gateway;

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct OperationsState {
    gateway: Arc<Gateway>,
    ledger_directory: Option<Arc<PathBuf>>,
}

/// The routes of the operations listener.
pub(crate) fn router(gateway: Arc<Gateway>, ledger_directory: Option<PathBuf>) -> Router {
    let state = OperationsState { gateway, ledger_directory: ledger_directory.map(Arc::new) };
    Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(readiness))
        .route("/metrics", get(metrics))
        .route("/ledger/{organization}/{*file}", get(ledger_files::serve))
        .with_state(state)
}

/// `GET /healthz`: the process runs.
async fn health() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: exchanges can be recorded, hence answered; 503 with the reason when not.
async fn readiness(State(state): State<OperationsState>) -> Response {
    match state.gateway.custody.is_ready() {
        Ok(()) => "ready\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")).into_response(),
    }
}

/// `GET /metrics`: OpenMetrics text.
async fn metrics(State(state): State<OperationsState>) -> Response {
    match scrape::scrape(&state.gateway) {
        Ok(text) => {
            let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be written\n").into_response(),
    }
}
