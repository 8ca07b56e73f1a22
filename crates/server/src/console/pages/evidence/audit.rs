//! `/evidence`: how the mechanisms behind the promises stand, each figure with the place where it can be checked.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use fiducia_custody::{AuditFigures, EvidenceCommand, EvidenceReply};
use fiducia_policy::AccessReason;
use http::StatusCode;

use super::sheet::sheet;
use super::{EVIDENCE, Reach, ask, staff, text_or_name};
use crate::console::Console;
use crate::console::centre::attachment;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::{Member, Shared, Visitor};
use crate::drawing::{Bar, Drawing, bars};

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new().route("/evidence", get(show)).route("/evidence/figures.csv", get(export))
}

/// Looks for one reason.
struct ReasonRow {
    reason: String,
    oneself: u64,
    others: u64,
    /// By role, in words.
    roles: String,
}

#[derive(Template)]
#[template(path = "console/evidence_audit.html")]
struct AuditPage<'a> {
    frame: &'a Frame,
    reach: Reach,
    figures: &'a AuditFigures,
    reasons: Vec<ReasonRow>,
    accesses: Drawing,
    due: Drawing,
    witnessed: Option<String>,
}

async fn figures(console: &Console, visitor: &Visitor) -> Result<AuditFigures, Refusal> {
    let staff = staff(visitor)?;
    let organization = staff.organization();
    match ask(console, &staff, EvidenceCommand::Figures { organization }).await? {
        EvidenceReply::Figures(figures) => Ok(*figures),
        _ => Err(Refusal::Unavailable),
    }
}

async fn show(State(console): Shared, member: Member) -> Result<Response, Refusal> {
    let figures = figures(&console, &member.visitor).await?;
    let frame = Frame::new(&console, &member.visitor, EVIDENCE.path);
    let reasons = reasons(&frame, &figures);
    let page = AuditPage {
        reach: Reach::of(&staff(&member.visitor)?),
        accesses: accesses_drawn(&frame, &reasons),
        due: due_drawn(&frame, &figures),
        witnessed: figures.witnesses.as_ref().and_then(|witnesses| {
            let minutes = (figures.seen_at.as_second() - witnesses.quorum_at?.as_second()).max(0) / 60;
            Some(age(&frame, minutes))
        }),
        reasons,
        figures: &figures,
        frame: &frame,
    };
    Ok(frame.show(StatusCode::OK, &page))
}

/// A time that passed, in the largest unit of which there are two.
fn age(frame: &Frame, minutes: i64) -> String {
    match minutes {
        ..120 => frame.text_counting("evidence-age-minutes", "count", minutes),
        120..2_880 => frame.text_counting("evidence-age-hours", "count", minutes / 60),
        _ => frame.text_counting("evidence-age-days", "count", minutes / 1_440),
    }
}

fn reasons(frame: &Frame, figures: &AuditFigures) -> Vec<ReasonRow> {
    let row = |reason: AccessReason| {
        let mine = || figures.accesses.iter().filter(move |access| access.reason == reason);
        let sum = |oneself: bool| {
            mine()
                .filter(|access| (access.role == "oneself") == oneself)
                .map(|access| access.entries)
                .sum::<u64>()
        };
        let roles = mine().map(|access| format!("{}: {}", role(frame, &access.role), access.entries));
        ReasonRow {
            reason: frame.text(&format!("evidence-reason-{}", reason.name().replace('_', "-"))),
            oneself: sum(true),
            others: sum(false),
            roles: roles.collect::<Vec<_>>().join(", "),
        }
    };
    AccessReason::ALL.into_iter().map(row).collect()
}

/// A role, or several, in words.
fn role(frame: &Frame, role: &str) -> String {
    match role {
        "oneself" | "operator" | "unknown" => frame.text_of("evidence-role", role),
        roles => {
            let names: Vec<String> =
                roles.split_whitespace().map(|role| text_or_name(frame, "role", role)).collect();
            names.join(" + ")
        }
    }
}

fn accesses_drawn(frame: &Frame, reasons: &[ReasonRow]) -> Drawing {
    let all: Vec<Bar> = reasons
        .iter()
        .filter(|row| row.others > 0 || row.oneself > 0)
        .map(|row| Bar { name: row.reason.clone(), first: row.others, other: row.oneself })
        .collect();
    bars(("accesses", frame.text("evidence-accesses"), frame.text("evidence-accesses-drawn")), &all)
}

fn due_drawn(frame: &Frame, figures: &AuditFigures) -> Drawing {
    let all: Vec<Bar> = figures
        .requests
        .due
        .iter()
        .map(|due| Bar { name: frame.text_of("evidence-due", &due.within), first: due.requests, other: 0 })
        .collect();
    bars(("due", frame.text("evidence-requests"), frame.text("evidence-requests-drawn")), &all)
}

async fn export(State(console): Shared, member: Member) -> Result<Response, Refusal> {
    let figures = figures(&console, &member.visitor).await?;
    let day = figures.seen_at.strftime("%Y-%m-%d").to_string();
    attachment(&format!("figures-{day}.csv"), "text/csv; charset=utf-8", sheet(&figures))
}
