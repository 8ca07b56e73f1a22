//! `/choices/receipts/{id}`: a receipt, checked step by step, and its file.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use fiducia_custody::{AdminReply, ConsentReply, PersonalCommand, VerifiedReceipt, verify_receipt};
use http::StatusCode;

use crate::console::Console;
use crate::console::centre::{Own, attachment, hex, unexpected};
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::Shared;

#[derive(Template)]
#[template(path = "console/centre_receipt.html")]
struct ReceiptPage<'a> {
    frame: &'a Frame,
    id: String,
    /// Name and value.
    facts: Vec<(String, String)>,
    index: u64,
    size: u64,
    root: String,
    origin: String,
    /// The key that the log and the receipt are signed with, to be kept elsewhere.
    key: String,
}

/// The text of the receipt's file and the keys, if it is the person's.
async fn receipt(console: &Console, own: &Own, id: &str) -> Result<(String, Vec<String>), Refusal> {
    let id = id.parse().map_err(|_| Refusal::NotFound)?;
    match console.personally(&own.who, PersonalCommand::Receipt { id }).await? {
        AdminReply::Consented(ConsentReply::Receipt { text, verifier_keys }) => Ok((text, verifier_keys)),
        _ => Err(unexpected()),
    }
}

pub(super) async fn show(
    State(console): Shared,
    Path(id): Path<String>,
    own: Own,
) -> Result<Response, Refusal> {
    let (text, keys) = receipt(&console, &own, &id).await?;
    let frame = Frame::new(&console, &own.visitor, &format!("/choices/receipts/{id}"));
    let parsed: Vec<_> = keys.iter().filter_map(|key| key.parse().ok()).collect();
    let verified = verify_receipt(text.as_bytes(), &parsed).map_err(|error| {
        tracing::error!(%error, "a receipt that was given out does not verify");
        Refusal::Unavailable
    })?;
    let page = ReceiptPage {
        frame: &frame,
        facts: facts(&frame, &verified),
        id,
        index: verified.ledger_index,
        size: verified.checkpoint.size,
        root: hex(&verified.checkpoint.root),
        origin: verified.checkpoint.origin.clone(),
        key: keys.last().cloned().unwrap_or_default(),
    };
    Ok(frame.show(StatusCode::OK, &page))
}

fn facts(frame: &Frame, verified: &VerifiedReceipt) -> Vec<(String, String)> {
    let facts = &verified.facts;
    let named = |name: &str, value: String| (frame.text(&format!("centre-receipt-{name}")), value);
    vec![
        named("purpose", frame.text(&format!("centre-purpose-{}", facts.purpose))),
        named("state", frame.text(&format!("centre-word-{}", facts.state))),
        named("recorded", frame.instant(&facts.recorded_at)),
        named("channel", frame.text(&format!("centre-channel-{}", facts.channel))),
        named("pseudonym", facts.pseudonym.to_string()),
        named("id", facts.id.clone()),
    ]
}

pub(super) async fn file(
    State(console): Shared,
    Path(id): Path<String>,
    own: Own,
) -> Result<Response, Refusal> {
    let (text, _) = receipt(&console, &own, &id).await?;
    attachment(&format!("{id}.receipt.json"), "application/json", text)
}
