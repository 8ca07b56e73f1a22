//! `transparency_log/…`: an organisation's log, with proofs, for verifiers outside.
//!
//! Format: the public page "Verify Access Transparency events with the transparency log" of the Claude documentation; tiles as in C2SP
//! tlog-tiles.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::middleware::map_response;
use axum::response::Response;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fiducia_custody::{AdminError, ComplianceReach, TransparencyLog};
use fiducia_ledger::{Hash, TileAddress};
use fiducia_policy::{ComplianceScope, OrganizationId};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::Compliance;
use super::caller::Call;
use super::failure::Failure;

/// What never changes may be kept by whoever asked, for a week.
const KEPT: HeaderValue = HeaderValue::from_static("private, max-age=604800, immutable");
/// All else, errors too, is not kept: a stale checkpoint hides the size of the log.
const NOT_KEPT: HeaderValue = HeaderValue::from_static("private, no-store");

/// The endpoints.
pub(super) fn routes() -> Router<Arc<Compliance>> {
    Router::new()
        .route("/transparency_log/checkpoint", get(checkpoint))
        .route("/transparency_log/keys", get(keys))
        .route("/transparency_log/inclusion", get(inclusion))
        .route("/transparency_log/consistency", get(consistency))
        .route("/transparency_log/tile/{*address}", get(tile))
        .layer(map_response(private))
}

/// Says on every answer who may keep it. A log that cannot be read just now is worth another attempt, which verifiers make on 503.
async fn private(mut response: Response) -> Response {
    if response.status() == StatusCode::INTERNAL_SERVER_ERROR {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(NOT_KEPT);
    headers.insert(header::VARY, HeaderValue::from_static("x-api-key"));
    response
}

async fn checkpoint(mut call: Call) -> Result<Response, Failure> {
    let note = answered(&mut call, |log| Ok(log.checkpoint().to_owned())).await?;
    Ok(with_body("text/plain; charset=utf-8", note))
}

async fn keys(mut call: Call) -> Result<Response, Failure> {
    let document = answered(&mut call, |log| {
        let keys = log.keys();
        let row = |row: &fiducia_custody::LogKeyRow| {
            json!({
                "verifier_key": row.verifier_key, "key_hash": row.key_hash, "fingerprint": row.fingerprint,
                "algorithm": row.algorithm, "public_key": row.public_key,
            })
        };
        let rows: Vec<Value> = keys.keys.iter().map(row).collect();
        Ok(json!({ "type": "transparency_log_keys", "origin": keys.origin, "log_keys": rows }))
    });
    Ok(with_body("application/json", document.await?.to_string()))
}

async fn inclusion(mut call: Call) -> Result<Response, Failure> {
    let index = number(&mut call, "leaf_index")?;
    let document = answered(&mut call, move |log| {
        let hashes = encoded(&log.inclusion(index)?);
        Ok(json!({
            "type": "transparency_log_inclusion_proof", "leaf_index": index, "hashes": hashes, "checkpoint": log.checkpoint(),
        }))
    });
    Ok(with_body("application/json", document.await?.to_string()))
}

async fn consistency(mut call: Call) -> Result<Response, Failure> {
    let from = number(&mut call, "from")?;
    let document = answered(&mut call, move |log| {
        let hashes = encoded(&log.consistency(from)?);
        Ok(json!({
            "type": "transparency_log_consistency_proof", "hashes": hashes, "checkpoint": log.checkpoint(),
        }))
    });
    Ok(with_body("application/json", document.await?.to_string()))
}

async fn tile(mut call: Call) -> Result<Response, Failure> {
    let named: String = call.named(0)?;
    let address = TileAddress::parse(&format!("tile/{named}")).ok_or_else(|| {
        Failure::Invalid(
            "this is no address of a tile: see c2sp.org/tlog-tiles for how they are written".to_owned(),
        )
    })?;
    let bytes = answered(&mut call, move |log| log.tile(address)).await?;
    let mut response = with_body("application/octet-stream", bytes);
    if address.is_full() {
        response.headers_mut().insert(header::CACHE_CONTROL, KEPT);
    }
    Ok(response)
}

/// A required parameter that is a bare number.
fn number(call: &mut Call, name: &str) -> Result<u64, Failure> {
    let refused = || Failure::Invalid(format!("{name}: expected a whole number that is not negative"));
    let text = call.query.take(name)?.ok_or_else(refused)?;
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(refused());
    }
    text.parse().map_err(|_| refused())
}

/// What the log of the organisation that is asked for answers. No parameter may be left.
async fn answered<T: Send + 'static>(
    call: &mut Call,
    question: impl FnOnce(&mut TransparencyLog) -> Result<T, AdminError> + Send + 'static,
) -> Result<T, Failure> {
    call.require(ComplianceScope::ReadActivities)?;
    let named: Option<OrganizationId> = call.query.parse("organization_id", "the id of an organisation")?;
    std::mem::take(&mut call.query).finish()?;
    let organization = match (call.caller.key.reach, named) {
        (reach, Some(named)) if reach.covers(named) => named,
        // Not told apart from an organisation that is not there, or that has no log yet.
        (_, Some(_)) => return Err(Failure::NotFound),
        (ComplianceReach::Organization(own), None) => own,
        (ComplianceReach::Installation, None) => {
            return Err(Failure::Invalid(
                "organization_id: this key reaches every organisation; say whose log".to_owned(),
            ));
        }
    };
    let answer = call.ask(move |custody| question(&mut custody.transparency_log(organization)?)).await?;
    call.touches([organization]);
    Ok(answer)
}

fn encoded(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| STANDARD.encode(hash)).collect()
}

fn with_body(content_type: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
