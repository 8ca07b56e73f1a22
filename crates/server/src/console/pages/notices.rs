//! `/notices`: what people were shown when they were asked, every version, and how it changed.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use fiducia_custody::{AdminCommand, AdminReply, ConsentCommand, ConsentReply, NoticeRow, PersonalCommand};
use fiducia_policy::{ConsentPurpose, WordChange, change_in_words};
use http::StatusCode;

use super::choices::paragraphs;
use super::{Page, nobody};
use crate::console::Console;
use crate::console::centre::{Own, unexpected};
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::Shared;

/// Entries of the history in which notices that were shown are looked for.
const HISTORY_ROWS: u32 = 1_000;

pub(super) const PAGE: Page = Page {
    path: "/notices",
    title: "centre-notices-title",
    is_for: nobody,
    routes: || {
        Router::<Arc<Console>>::new()
            .route("/notices", get(list))
            .route("/notices/{purpose}/{language}/{version}", get(show))
    },
};

/// A notice in words.
struct Line {
    path: String,
    use_name: String,
    title: String,
    lang: String,
    version: u32,
    published: String,
    machine_published: String,
    was_shown: bool,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "console/centre_notices.html")]
struct NoticesPage<'a> {
    frame: &'a Frame,
    lines: Vec<Line>,
}

/// Which notices a person was shown: purpose, language and version.
type Shown = Vec<(ConsentPurpose, String, u32)>;

async fn published(console: &Console, own: &Own) -> Result<(Vec<NoticeRow>, Shown), Refusal> {
    let all = console.ask(|custody| {
        custody.administer(AdminCommand::Consent(ConsentCommand::ListNotices { purpose: None }))
    });
    let AdminReply::Consented(ConsentReply::Notices(all)) = all.await?? else { return Err(unexpected()) };
    let command = PersonalCommand::Choices { purpose: None, before: None, limit: HISTORY_ROWS };
    let AdminReply::Consented(ConsentReply::History(entries)) = console.personally(&own.who, command).await?
    else {
        return Err(unexpected());
    };
    let shown = entries.into_iter().filter_map(|entry| {
        let (language, version) = entry.notice?;
        Some((entry.purpose, language, version))
    });
    Ok((all, shown.collect()))
}

async fn list(State(console): Shared, own: Own) -> Result<Response, Refusal> {
    let frame = Frame::new(&console, &own.visitor, "/notices");
    let (mut all, shown) = published(&console, &own).await?;
    all.sort_by(|one, other| {
        let key = |row: &NoticeRow| {
            (row.notice.purpose, row.notice.language.clone(), u32::MAX - row.notice.version)
        };
        key(one).cmp(&key(other))
    });
    let lines = all.iter().map(|row| {
        let notice = &row.notice;
        Line {
            path: format!("/notices/{}/{}/{}", notice.purpose, notice.language, notice.version),
            use_name: frame.text(&format!("centre-purpose-{}", notice.purpose)),
            title: notice.title.clone(),
            lang: notice.language.clone(),
            version: notice.version,
            published: frame.instant(&row.published_at),
            machine_published: frame.machine_instant(&row.published_at),
            was_shown: is_among(&shown, row),
            is_current: !row.superseded,
        }
    });
    let lines = lines.collect();
    Ok(frame.show(StatusCode::OK, &NoticesPage { frame: &frame, lines }))
}

fn is_among(shown: &Shown, row: &NoticeRow) -> bool {
    let notice = &row.notice;
    shown.iter().any(|(purpose, language, version)| {
        *purpose == notice.purpose && *language == notice.language && *version == notice.version
    })
}

/// A sentence of a text beside the other's.
struct Sentence {
    text: String,
    is_changed: bool,
}

/// Two versions side by side.
struct Comparison {
    before: u32,
    old: Vec<Sentence>,
    new: Vec<Sentence>,
}

#[derive(Template)]
#[template(path = "console/centre_notice.html")]
struct NoticePage<'a> {
    frame: &'a Frame,
    use_name: String,
    row: &'a NoticeRow,
    paragraphs: Vec<String>,
    published: String,
    was_shown: bool,
    comparison: Option<Comparison>,
}

async fn show(
    State(console): Shared,
    Path((purpose, language, version)): Path<(String, String, u32)>,
    own: Own,
) -> Result<Response, Refusal> {
    let purpose: ConsentPurpose = purpose.parse().map_err(|_| Refusal::NotFound)?;
    let (all, shown) = published(&console, &own).await?;
    let same = |row: &&NoticeRow| row.notice.purpose == purpose && row.notice.language == language;
    let row = all.iter().filter(same).find(|row| row.notice.version == version).ok_or(Refusal::NotFound)?;
    let before = all
        .iter()
        .filter(same)
        .filter(|row| row.notice.version < version)
        .max_by_key(|row| row.notice.version);
    let path = format!("/notices/{purpose}/{language}/{version}");
    let frame = Frame::new(&console, &own.visitor, &path);
    let page = NoticePage {
        frame: &frame,
        use_name: frame.text(&format!("centre-purpose-{purpose}")),
        row,
        paragraphs: paragraphs(&row.notice.text),
        published: frame.instant(&row.published_at),
        was_shown: is_among(&shown, row),
        comparison: before.map(|before| comparison(before, row)),
    };
    Ok(frame.show(StatusCode::OK, &page))
}

fn comparison(before: &NoticeRow, after: &NoticeRow) -> Comparison {
    // What it says of how long things are kept is part of what people answered.
    let whole =
        |row: &NoticeRow| format!("{}\n\n{}\n\n{}", row.notice.title, row.notice.text, row.notice.retention);
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for change in change_in_words(&whole(before), &whole(after)) {
        let sentence = |text: String, is_changed| Sentence { text, is_changed };
        match change {
            WordChange::Same(text) => {
                old.push(sentence(text.clone(), false));
                new.push(sentence(text, false));
            }
            WordChange::Removed(text) => old.push(sentence(text, true)),
            WordChange::Added(text) => new.push(sentence(text, true)),
        }
    }
    Comparison { before: before.notice.version, old, new }
}
