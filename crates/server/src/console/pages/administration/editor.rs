//! `/administration/notices/edit`: writing a notice. The draft lives in the form: checking shows how hard it is to read, what is
//! missing, what changed and how people will see it; publishing makes a version that never changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use fiducia_custody::{ConsentCommand, ConsentReply, NoticeRow};
use fiducia_policy::{ConsentPurpose, Notice, WordChange};
use http::StatusCode;

use super::draft::{Compared, Draft, Lack, Score};
use super::notices::{may_publish, published};
use super::{NOTICES, as_problem, consent, staff};
use crate::console::Console;
use crate::console::form::{Posted, PostedJson};
use crate::console::frame::{Count, Frame};
use crate::console::refusal::Refusal;
use crate::console::visitor::{Member, Shared};

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/administration/notices/edit", get(begin).post(go_on))
        .route("/administration/notices/score", post(score))
}

#[derive(Template)]
#[template(path = "console/administration_editor.html")]
struct EditorPage<'a> {
    frame: &'a Frame,
    draft: &'a Draft,
    /// Notices to begin with: where they come from, and what they are called.
    beginnings: Vec<(String, String)>,
    /// What a check found; `None` before one.
    checked: Option<Checked>,
    problem: Option<String>,
    score: Option<Score>,
}

struct Checked {
    notice: Option<Notice>,
    lacks: Vec<String>,
    compared: Vec<Compared>,
    /// The version in force in the same language.
    before: Option<u32>,
}

impl EditorPage<'_> {
    fn score_said(&self) -> String {
        score_in_words(self.frame, self.score.as_ref())
    }

    fn controller(&self, place: impl Count, part: &str) -> &str {
        self.draft.controller(usize::try_from(place.count()).unwrap_or_default(), part)
    }

    /// Whether a check found nothing amiss: only then is publishing offered.
    fn is_publishable(&self) -> bool {
        self.checked.as_ref().is_some_and(|checked| checked.notice.is_some())
    }

    #[expect(clippy::unused_self, reason = "templates call it as a method")]
    fn purposes(&self) -> [ConsentPurpose; 6] {
        ConsentPurpose::ALL
    }

    #[expect(clippy::unused_self, reason = "templates call it as a method")]
    fn roles(&self) -> [&'static str; 3] {
        ["controller", "joint-controller", "processor"]
    }
}

#[derive(Default, serde::Deserialize)]
struct Beginning {
    purpose: Option<String>,
    /// `published` or `shipped`, a dot, and the language.
    from: Option<String>,
}

async fn begin(
    State(console): Shared,
    Query(asked): Query<Beginning>,
    member: Member,
) -> Result<Response, Refusal> {
    let staff = staff(&member.visitor)?;
    if !may_publish(&staff) {
        return Err(Refusal::NotFound);
    }
    let purpose: ConsentPurpose =
        asked.purpose.as_deref().unwrap_or("batch-training").parse().map_err(|_| Refusal::NotFound)?;
    let rows = published(&console, &staff, Some(purpose)).await?;
    let frame = Frame::new(&console, &member.visitor, NOTICES.path);
    let from = asked.from.unwrap_or_else(|| usual_beginning(&rows, frame.language.tag()));
    let draft = beginning(&rows, purpose, &from).ok_or(Refusal::NotFound)?;
    Ok(page(&frame, &rows, &draft, (StatusCode::OK, None, None)))
}

/// The newest published notice in the reader's language, else the one that comes with the program.
fn usual_beginning(rows: &[NoticeRow], language: &str) -> String {
    let is_published = rows.iter().any(|row| row.notice.language == language);
    format!("{}.{language}", if is_published { "published" } else { "shipped" })
}

fn beginning(rows: &[NoticeRow], purpose: ConsentPurpose, from: &str) -> Option<Draft> {
    let (kind, language) = from.split_once('.')?;
    let mut draft = match kind {
        "published" => Draft::of(&in_force(rows, language)?.notice),
        "shipped" => {
            let shipped = Notice::shipped().ok()?;
            let of = |notice: &&Notice| notice.purpose == purpose && notice.language == language;
            Draft::of(shipped.iter().find(of)?)
        }
        _ => return None,
    };
    draft.set("version", next_version(rows, language).to_string());
    Some(draft)
}

fn in_force<'a>(rows: &'a [NoticeRow], language: &str) -> Option<&'a NoticeRow> {
    let same = rows.iter().filter(|row| row.notice.language == language);
    same.max_by_key(|row| row.notice.version)
}

/// The version that comes next in a language. A language that lags behind catches up with the others first.
fn next_version(rows: &[NoticeRow], language: &str) -> u32 {
    let own = in_force(rows, language).map_or(0, |row| row.notice.version);
    let highest = rows.iter().map(|row| row.notice.version).max().unwrap_or(0);
    highest.max(own.saturating_add(1))
}

async fn go_on(
    State(console): Shared,
    posted: Posted<BTreeMap<String, String>>,
) -> Result<Response, Refusal> {
    let Posted { visitor, mut fields } = posted;
    let staff = staff(&visitor)?;
    if !may_publish(&staff) {
        return Err(Refusal::NotFound);
    }
    let publishes = fields.remove("act").as_deref() == Some("publish");
    let draft = Draft::typed(fields);
    let purpose = draft.get("purpose").parse().map_err(|_| Refusal::NotFound)?;
    let rows = published(&console, &staff, Some(purpose)).await?;
    let frame = Frame::new(&console, &visitor, NOTICES.path);
    let checked = check(&frame, &rows, &draft);
    let Some(notice) = checked.notice.as_ref().filter(|_| publishes) else {
        let status = if publishes { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        return Ok(page(&frame, &rows, &draft, (status, Some(checked), None)));
    };
    let source = notice.to_toml().map_err(|error| Refusal::Invalid(error.to_string()))?;
    let command = ConsentCommand::PublishNotice { source, actor: String::new() };
    match consent(&console, &staff, command).await {
        Ok(ConsentReply::Notice(row)) => {
            let Notice { purpose, language, version, .. } = &row.notice;
            let to = format!("/administration/notices/{purpose}/{language}/{version}");
            Ok(Redirect::to(&to).into_response())
        }
        Ok(_) => Err(Refusal::Unavailable),
        Err(Refusal::Forbidden(said)) => {
            Ok(page(&frame, &rows, &draft, (StatusCode::FORBIDDEN, Some(checked), Some(said))))
        }
        Err(refusal) => {
            let said = as_problem(refusal)?;
            Ok(page(&frame, &rows, &draft, (StatusCode::BAD_REQUEST, Some(checked), Some(said))))
        }
    }
}

fn check(frame: &Frame, rows: &[NoticeRow], draft: &Draft) -> Checked {
    let before = in_force(rows, draft.get("language").trim());
    let (notice, lacks) = match draft.notice() {
        Ok(notice) => (Some(notice), Vec::new()),
        Err(lacks) => (None, lacks),
    };
    let field = |name: &str| frame.text(&format!("admin-notice-{}", name.replace('_', "-")));
    let said = lacks.into_iter().map(|lack| match lack {
        Lack::Missing(name) => frame.text_with("admin-notice-missing", "field", field(name)),
        Lack::InBrackets(name) => frame.text_with("admin-notice-in-brackets", "field", field(name)),
        Lack::Rule(said) => said,
    });
    Checked {
        notice,
        lacks: said.collect(),
        compared: before.map(|before| draft.compared(&before.notice)).unwrap_or_default(),
        before: before.map(|before| before.notice.version),
    }
}

fn page(
    frame: &Frame,
    rows: &[NoticeRow],
    draft: &Draft,
    (status, checked, problem): (StatusCode, Option<Checked>, Option<String>),
) -> Response {
    let mut languages: Vec<&str> = rows.iter().map(|row| row.notice.language.as_str()).collect();
    languages.sort_unstable();
    languages.dedup();
    let mut beginnings: Vec<(String, String)> = Vec::new();
    for language in languages {
        beginnings.push((
            format!("published.{language}"),
            frame.text_with("admin-notice-from-published", "language", language),
        ));
    }
    for language in ["en", "de"] {
        beginnings.push((
            format!("shipped.{language}"),
            frame.text_with("admin-notice-from-shipped", "language", language),
        ));
    }
    frame.show(status, &EditorPage { frame, draft, beginnings, checked, problem, score: draft.score() })
}

#[derive(serde::Deserialize)]
struct Scored {
    language: String,
    text: String,
}

/// The score of what is being typed, by the same formula as the page's own.
async fn score(State(console): Shared, posted: PostedJson<Scored>) -> Result<Response, Refusal> {
    let staff = staff(&posted.visitor)?;
    if !may_publish(&staff) {
        return Err(Refusal::NotFound);
    }
    let frame = Frame::new(&console, &posted.visitor, NOTICES.path);
    let score = Score::of(posted.body.language.trim(), &posted.body.text);
    let answer = serde_json::json!({ "text": score_in_words(&frame, score.as_ref()), "fits": score.is_none_or(|score| score.fits()) });
    Ok(Json(answer).into_response())
}

/// What a score means, as a sentence.
pub(super) fn score_in_words(frame: &Frame, score: Option<&Score>) -> String {
    let Some(score) = score else { return frame.text("admin-notice-no-formula") };
    let name = if score.fits() { "admin-notice-grade-fits" } else { "admin-notice-grade-high" };
    let values = [("grade", score.shown().into()), ("formula", score.formula.name().into())];
    frame.language.text_with(name, &values)
}
