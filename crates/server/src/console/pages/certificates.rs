//! `/certificates`: what of one's own was destroyed, with certificates that anyone can check.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use fiducia_custody::{
    AdminReply, CertificateReference, CertificateReply, PersonalCommand, VerifiedCertificate,
    verify_certificate,
};
use http::StatusCode;

use super::{Page, nobody};
use crate::console::Console;
use crate::console::centre::{Own, ROWS_PER_PAGE, attachment, hex, unexpected};
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::Shared;

pub(super) const PAGE: Page = Page {
    path: "/certificates",
    title: "centre-certificates-title",
    is_for: nobody,
    routes: || {
        Router::<Arc<Console>>::new()
            .route("/certificates", get(list))
            .route("/certificates/{reference}", get(show))
            .route("/certificates/{reference}/file", get(file))
    },
};

/// A certificate in words.
struct Line {
    reference: String,
    issued: String,
    machine_issued: String,
    what: String,
}

#[derive(Template)]
#[template(path = "console/centre_certificates.html")]
struct CertificatesPage<'a> {
    frame: &'a Frame,
    lines: Vec<Line>,
    next: Option<String>,
    is_first: bool,
}

#[derive(Default, serde::Deserialize)]
struct Asked {
    after: Option<String>,
}

async fn list(State(console): Shared, Query(asked): Query<Asked>, own: Own) -> Result<Response, Refusal> {
    let frame = Frame::new(&console, &own.visitor, "/certificates");
    let after: Option<CertificateReference> =
        asked.after.as_deref().map(str::parse).transpose().map_err(|_| Refusal::NotFound)?;
    let is_first = after.is_none();
    let command = PersonalCommand::Certificates { limit: ROWS_PER_PAGE + 1, after };
    let AdminReply::Certified(CertificateReply::Certificates(mut rows)) =
        console.personally(&own.who, command).await?
    else {
        return Err(unexpected());
    };
    let shown = usize::try_from(ROWS_PER_PAGE).unwrap_or(usize::MAX);
    let is_more = rows.len() > shown;
    rows.truncate(shown);
    let lines = rows.iter().map(|row| {
        let certificate = &row.certificate;
        let records = i64::try_from(certificate.destroyed.records).unwrap_or(i64::MAX);
        Line {
            reference: certificate.reference.to_string(),
            issued: frame.instant(&certificate.issued_at),
            machine_issued: frame.machine_instant(&certificate.issued_at),
            what: frame.text_counting("centre-destroyed-records", "count", records),
        }
    });
    let page = CertificatesPage {
        frame: &frame,
        lines: lines.collect(),
        next: rows.last().filter(|_| is_more).map(|row| row.certificate.reference.to_string()),
        is_first,
    };
    Ok(frame.show(StatusCode::OK, &page))
}

#[derive(Template)]
#[template(path = "console/centre_certificate.html")]
struct CertificatePage<'a> {
    frame: &'a Frame,
    reference: String,
    facts: Vec<(String, String)>,
    kept: Vec<String>,
    index: u64,
    size: u64,
    root: String,
    origin: String,
    key: String,
}

/// The text of the certificate's file and the keys, if it is the person's.
async fn certificate(
    console: &Console,
    own: &Own,
    reference: &str,
) -> Result<(String, Vec<String>), Refusal> {
    let reference: CertificateReference = reference.parse().map_err(|_| Refusal::NotFound)?;
    match console.personally(&own.who, PersonalCommand::Certificate { reference }).await? {
        AdminReply::Certified(CertificateReply::File { text, verifier_keys }) => Ok((text, verifier_keys)),
        _ => Err(unexpected()),
    }
}

async fn show(State(console): Shared, Path(reference): Path<String>, own: Own) -> Result<Response, Refusal> {
    let (text, keys) = certificate(&console, &own, &reference).await?;
    let frame = Frame::new(&console, &own.visitor, &format!("/certificates/{reference}"));
    let parsed: Vec<_> = keys.iter().filter_map(|key| key.parse().ok()).collect();
    let verified = verify_certificate(text.as_bytes(), &parsed).map_err(|error| {
        tracing::error!(%error, "a certificate that was given out does not verify");
        Refusal::Unavailable
    })?;
    let page = CertificatePage {
        frame: &frame,
        reference,
        facts: facts(&frame, &verified),
        kept: kept(&frame, &verified),
        index: verified.ledger_index,
        size: verified.checkpoint.size,
        root: hex(&verified.checkpoint.root),
        origin: verified.checkpoint.origin.clone(),
        key: keys.last().cloned().unwrap_or_default(),
    };
    Ok(frame.show(StatusCode::OK, &page))
}

fn facts(frame: &Frame, verified: &VerifiedCertificate) -> Vec<(String, String)> {
    let certificate = &verified.certificate;
    let named = |name: &str, value: String| (frame.text(&format!("centre-certificate-{name}")), value);
    let keys: u64 = certificate.destroyed.keys.values().sum();
    let tried = certificate.verification.result.attempts;
    let mut facts = vec![
        named("issued", frame.instant(&certificate.issued_at)),
        named("keys", format!("{keys} · {}", frame.instant(&certificate.keys_destroyed_at))),
        named("conversations", certificate.destroyed.conversations.to_string()),
        named("records", certificate.destroyed.records.to_string()),
        named(
            "tried",
            frame.text_counting(
                "centre-certificate-tried-what",
                "count",
                i64::try_from(tried).unwrap_or(i64::MAX),
            ),
        ),
    ];
    if let Some(purged) = certificate.purged_at {
        facts.push(named("purged", frame.instant(&purged)));
    }
    facts.push(named(
        "backups",
        match certificate.backups {
            fiducia_custody::Backups::NoneStated {} => frame.text("centre-certificate-no-backups"),
            fiducia_custody::Backups::Until { at, .. } => {
                frame.text_with("centre-until", "date", frame.instant(&at))
            }
        },
    ));
    facts
}

fn kept(frame: &Frame, verified: &VerifiedCertificate) -> Vec<String> {
    let parts = verified.certificate.kept.iter();
    let line = |part: &fiducia_custody::KeptPart| {
        let ground = frame.text(&format!("centre-ground-{}", part.ground.name()));
        let until = part.until.map_or_else(
            || frame.text("centre-until-event"),
            |until| frame.text_with("centre-until", "date", frame.instant(&until)),
        );
        format!("{ground}: {until}")
    };
    parts.map(line).collect()
}

async fn file(State(console): Shared, Path(reference): Path<String>, own: Own) -> Result<Response, Refusal> {
    let (text, _) = certificate(&console, &own, &reference).await?;
    attachment(&format!("{reference}.certificate.json"), "application/json", text)
}
