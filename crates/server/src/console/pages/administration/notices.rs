//! `/administration/notices`: every notice that was published, and one as people see it.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use fiducia_custody::{AdminCommand, ConsentCommand, ConsentReply, NoticeRow, Staff};
use fiducia_policy::{ConsentPurpose, NoticeIdentity, WordChange};
use http::StatusCode;

use super::draft::{Draft, Score};
use super::editor::score_in_words;
use super::{NOTICES, consent, staff};
use crate::console::Console;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::{Member, Shared};

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/administration/notices", get(list))
        .route("/administration/notices/{purpose}/{language}/{version}", get(show))
}

#[derive(Template)]
#[template(path = "console/administration_notices.html")]
struct NoticesPage<'a> {
    frame: &'a Frame,
    /// Each purpose with its notices, the newest first.
    purposes: Vec<(ConsentPurpose, Vec<&'a NoticeRow>)>,
    may_publish: bool,
}

#[derive(Template)]
#[template(path = "console/administration_notice.html")]
struct NoticePage<'a> {
    frame: &'a Frame,
    row: &'a NoticeRow,
    /// The versions in the same language, the newest first.
    versions: Vec<&'a NoticeRow>,
    score: Option<Score>,
    /// What changed since the version before.
    compared: Vec<super::draft::Compared>,
    may_publish: bool,
}

impl NoticePage<'_> {
    fn score_said(&self) -> String {
        score_in_words(self.frame, self.score.as_ref())
    }
}

/// Whether somebody may publish notices.
pub(super) fn may_publish(staff: &Staff) -> bool {
    let command = ConsentCommand::PublishNotice { source: String::new(), actor: String::new() };
    staff.may(&AdminCommand::Consent(command))
}

/// The notices on a purpose, or all.
pub(super) async fn published(
    console: &Console,
    staff: &Staff,
    purpose: Option<ConsentPurpose>,
) -> Result<Vec<NoticeRow>, Refusal> {
    match consent(console, staff, ConsentCommand::ListNotices { purpose }).await? {
        ConsentReply::Notices(rows) => Ok(rows),
        _ => Err(Refusal::Unavailable),
    }
}

async fn list(State(console): Shared, member: Member) -> Result<Response, Refusal> {
    let staff = staff(&member.visitor)?;
    let rows = published(&console, &staff, None).await?;
    let frame = Frame::new(&console, &member.visitor, NOTICES.path);
    let of = |purpose: ConsentPurpose| {
        let mut rows: Vec<&NoticeRow> = rows.iter().filter(|row| row.notice.purpose == purpose).collect();
        rows.sort_by_key(|row| {
            (row.superseded, std::cmp::Reverse(row.notice.version), row.notice.language.clone())
        });
        (purpose, rows)
    };
    let page = NoticesPage {
        frame: &frame,
        purposes: ConsentPurpose::ALL.into_iter().map(of).collect(),
        may_publish: may_publish(&staff),
    };
    Ok(frame.show(StatusCode::OK, &page))
}

async fn show(
    State(console): Shared,
    Path((purpose, language, version)): Path<(String, String, String)>,
    member: Member,
) -> Result<Response, Refusal> {
    let staff = staff(&member.visitor)?;
    let purpose = purpose.parse().map_err(|_| Refusal::NotFound)?;
    let version = version.parse().map_err(|_| Refusal::NotFound)?;
    let identity = NoticeIdentity { purpose, language, version };
    let rows = published(&console, &staff, Some(purpose)).await?;
    let row = rows.iter().find(|row| row.notice.identity() == identity).ok_or(Refusal::NotFound)?;
    let mut versions: Vec<_> =
        rows.iter().filter(|other| other.notice.language == identity.language).collect();
    versions.sort_by_key(|other| std::cmp::Reverse(other.notice.version));
    let before = versions.iter().find(|other| other.notice.version < version);
    let compared = before.map(|before| Draft::of(&row.notice).compared(&before.notice)).unwrap_or_default();
    let frame = Frame::new(&console, &member.visitor, NOTICES.path);
    let page = NoticePage {
        frame: &frame,
        row,
        score: Score::of(&row.notice.language, &row.notice.text),
        versions,
        compared,
        may_publish: may_publish(&staff),
    };
    Ok(frame.show(StatusCode::OK, &page))
}
