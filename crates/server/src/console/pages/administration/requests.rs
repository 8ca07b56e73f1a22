//! `/administration/requests`: people's requests in the order in which to work on them.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use fiducia_custody::{RequestRow, RightsCommand, RightsReply};
use fiducia_policy::{Regime, RequestKind, RequestState, Timestamp};
use http::StatusCode;

use super::timeline::days_left;
use super::{REQUESTS, rights, staff};
use crate::console::Console;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::{Member, Shared};

/// Requests that are looked through for a page.
const LOOKED_THROUGH_MAX: u32 = 1_000;
/// Requests on the page.
const SHOWN_MAX: usize = 200;

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new().route("/administration/requests", get(list))
}

#[derive(Template)]
#[template(path = "console/administration_requests.html")]
struct RequestsPage<'a> {
    frame: &'a Frame,
    rows: Vec<&'a RequestRow>,
    filter: &'a Filter,
    overdue: i64,
    more: i64,
    now: Timestamp,
    may_take_in: bool,
}

impl RequestsPage<'_> {
    fn due(&self, row: &RequestRow) -> String {
        due_in_words(self.frame, row, self.now)
    }

    #[expect(clippy::unused_self, reason = "templates call it as a method")]
    fn kinds(&self) -> [RequestKind; 8] {
        RequestKind::ALL
    }

    #[expect(clippy::unused_self, reason = "templates call it as a method")]
    fn states(&self) -> [RequestState; 9] {
        RequestState::ALL
    }

    #[expect(clippy::unused_self, reason = "templates call it as a method")]
    fn regimes(&self) -> [Regime; 5] {
        Regime::ALL
    }
}

/// How long there is until an answer is due, or since when it is late.
pub(super) fn due_in_words(frame: &Frame, row: &RequestRow, now: Timestamp) -> String {
    if row.closed_at.is_some() {
        return frame.text("admin-request-closed");
    }
    let (days, is_over) = days_left(row.due, now);
    frame.text_counting(if is_over { "admin-request-late" } else { "admin-request-left" }, "days", days)
}

/// What is asked for; names that are none leave the filter open.
#[derive(Default, serde::Deserialize)]
struct Filter {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    state: String,
    #[serde(default)]
    law: String,
    #[serde(default)]
    closed: String,
}

impl Filter {
    fn lets_through(&self, row: &RequestRow) -> bool {
        let is = |asked: &str, known: bool, name: bool| asked.is_empty() || !known || name;
        is(&self.kind, self.kind.parse::<RequestKind>().is_ok(), row.kind.name() == self.kind)
            && is(&self.state, self.state.parse::<RequestState>().is_ok(), row.state.name() == self.state)
            && self.law.parse::<Regime>().map_or(true, |law| row.regimes.contains(&law))
    }
}

async fn list(
    State(console): Shared,
    Query(filter): Query<Filter>,
    member: Member,
) -> Result<Response, Refusal> {
    let staff = staff(&member.visitor)?;
    let command =
        RightsCommand::List { organization: None, closed: filter.closed == "yes", limit: LOOKED_THROUGH_MAX };
    let RightsReply::Requests(rows) = rights(&console, &staff, command).await? else {
        return Err(Refusal::Unavailable);
    };
    let frame = Frame::new(&console, &member.visitor, REQUESTS.path);
    let mut shown: Vec<&RequestRow> = rows.iter().filter(|row| filter.lets_through(row)).collect();
    let more = i64::try_from(shown.len().saturating_sub(SHOWN_MAX)).unwrap_or(i64::MAX);
    shown.truncate(SHOWN_MAX);
    let overdue = rows.iter().filter(|row| row.is_overdue).count();
    let page = RequestsPage {
        frame: &frame,
        rows: shown,
        filter: &filter,
        overdue: i64::try_from(overdue).unwrap_or(i64::MAX),
        more,
        now: console.now(),
        may_take_in: super::taking_in::may_take_in(&staff),
    };
    Ok(frame.show(StatusCode::OK, &page))
}
