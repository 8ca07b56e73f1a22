//! `/administration/campaigns/{id}`: how a campaign stands, reminding, and ending it early after being asked whether one means it.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use fiducia_custody::{AdminCommand, CampaignRow, CampaignTally, ConsentCommand, ConsentReply, Staff};
use fiducia_policy::CampaignId;
use http::StatusCode;

use super::campaigns::Progress;
use super::{CAMPAIGNS, as_problem, consent, staff};
use crate::console::Console;
use crate::console::form::Posted;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::{Member, Shared, Visitor};

/// The width of a bar, in its own units.
const BAR_WIDTH: u64 = 200;
/// People who are reminded at once.
const REMINDED_MAX: u32 = 1_000;

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/administration/campaigns/{id}", get(show))
        .route("/administration/campaigns/{id}/remind", post(remind))
        .route("/administration/campaigns/{id}/close", get(consider).post(close))
}

/// People of one region and language.
struct Group {
    region: Option<String>,
    language: Option<String>,
    progress: Progress,
    bar: Bar,
}

/// A stacked bar: for each part where it begins and how wide it is.
struct Bar {
    given: (u64, u64),
    refused: (u64, u64),
    rest: (u64, u64),
}

impl Bar {
    fn of(progress: &Progress) -> Self {
        let all = progress.asked().max(1);
        let width = |part: u64| part.saturating_mul(BAR_WIDTH).checked_div(all).unwrap_or(0);
        let (given, refused) = (width(progress.given), width(progress.refused));
        let rest =
            if progress.asked() == 0 { 0 } else { BAR_WIDTH.saturating_sub(given.saturating_add(refused)) };
        let begins = given.saturating_add(refused);
        Self { given: (0, given), refused: (given, refused), rest: (begins, rest) }
    }
}

#[derive(Template)]
#[template(path = "console/administration_campaign.html")]
struct CampaignPage<'a> {
    frame: &'a Frame,
    row: &'a CampaignRow,
    total: Group,
    groups: Vec<Group>,
    /// Why people are not asked, and how many.
    not_asked: Vec<(String, u64)>,
    may_act: bool,
    /// Whether the page asks if the campaign is really to end now.
    closing: bool,
    done: Option<String>,
    problem: Option<String>,
}

#[derive(Default, serde::Deserialize)]
struct Asked {
    done: Option<String>,
    people: Option<u32>,
}

fn may_act(staff: &Staff, id: CampaignId) -> bool {
    staff.may(&AdminCommand::Consent(ConsentCommand::Remind { id, limit: 1 }))
}

async fn show(
    State(console): Shared,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    member: Member,
) -> Result<Response, Refusal> {
    let id = id.parse().map_err(|_| Refusal::NotFound)?;
    let frame = Frame::new(&console, &member.visitor, CAMPAIGNS.path);
    let done = match asked.done.as_deref() {
        Some(done @ ("opened" | "closed")) => Some(frame.text(&format!("admin-campaign-done-{done}"))),
        Some("reminded") => {
            let people = i64::from(asked.people.unwrap_or(0));
            Some(frame.text_counting("admin-campaign-done-reminded", "people", people))
        }
        _ => None,
    };
    page(&console, &member.visitor, id, (StatusCode::OK, false, done, None)).await
}

async fn consider(
    State(console): Shared,
    Path(id): Path<String>,
    member: Member,
) -> Result<Response, Refusal> {
    let id = id.parse().map_err(|_| Refusal::NotFound)?;
    page(&console, &member.visitor, id, (StatusCode::OK, true, None, None)).await
}

async fn page(
    console: &Console,
    visitor: &Visitor,
    id: CampaignId,
    (status, closing, done, problem): (StatusCode, bool, Option<String>, Option<String>),
) -> Result<Response, Refusal> {
    let staff = staff(visitor)?;
    let ConsentReply::Campaign(row) = consent(console, &staff, ConsentCommand::ShowCampaign { id }).await?
    else {
        return Err(Refusal::Unavailable);
    };
    let frame = Frame::new(console, visitor, CAMPAIGNS.path);
    let may_act = may_act(&staff, id) && row.closed_at.is_none();
    let page = CampaignPage {
        frame: &frame,
        total: group(None, None, &row.tally.iter().collect::<Vec<_>>()),
        groups: groups(&row.tally),
        not_asked: not_asked(&row.tally),
        row: &row,
        may_act,
        closing: closing && may_act,
        done,
        problem,
    };
    Ok(frame.show(status, &page))
}

fn group(region: Option<String>, language: Option<String>, tally: &[&CampaignTally]) -> Group {
    let progress = Progress::of(tally.iter().copied());
    Group { region, language, bar: Bar::of(&progress), progress }
}

fn groups(tally: &[CampaignTally]) -> Vec<Group> {
    let mut keys: Vec<(Option<String>, Option<String>)> =
        tally.iter().map(|count| (count.region.clone(), count.language.clone())).collect();
    keys.sort_unstable();
    keys.dedup();
    let of = |(region, language): (Option<String>, Option<String>)| {
        let mine: Vec<_> =
            tally.iter().filter(|count| count.region == region && count.language == language).collect();
        group(region, language, &mine)
    };
    keys.into_iter().map(of).filter(|group| group.progress.asked() > 0).collect()
}

fn not_asked(tally: &[CampaignTally]) -> Vec<(String, u64)> {
    let mut found: Vec<(String, u64)> = Vec::new();
    for count in tally {
        if Progress::of([count]).not_asked == 0 {
            continue;
        }
        match found.iter_mut().find(|(outcome, _)| *outcome == count.outcome) {
            Some((_, people)) => *people = people.saturating_add(count.people),
            None => found.push((count.outcome.clone(), count.people)),
        }
    }
    found
}

#[derive(serde::Deserialize)]
struct Nothing {}

async fn remind(
    State(console): Shared,
    Path(id): Path<String>,
    posted: Posted<Nothing>,
) -> Result<Response, Refusal> {
    let id: CampaignId = id.parse().map_err(|_| Refusal::NotFound)?;
    let Nothing {} = posted.fields;
    let staff = staff(&posted.visitor)?;
    match consent(&console, &staff, ConsentCommand::Remind { id, limit: REMINDED_MAX }).await {
        Ok(ConsentReply::Reminders(people)) => {
            let to = format!("/administration/campaigns/{id}?done=reminded&people={}", people.len());
            Ok(Redirect::to(&to).into_response())
        }
        Ok(_) => Err(Refusal::Unavailable),
        Err(refusal) => again(&console, &posted.visitor, id, refusal).await,
    }
}

async fn close(
    State(console): Shared,
    Path(id): Path<String>,
    posted: Posted<Nothing>,
) -> Result<Response, Refusal> {
    let id: CampaignId = id.parse().map_err(|_| Refusal::NotFound)?;
    let Nothing {} = posted.fields;
    let staff = staff(&posted.visitor)?;
    match consent(&console, &staff, ConsentCommand::CloseCampaign { id, actor: String::new() }).await {
        Ok(_) => Ok(Redirect::to(&format!("/administration/campaigns/{id}?done=closed")).into_response()),
        Err(refusal) => again(&console, &posted.visitor, id, refusal).await,
    }
}

async fn again(
    console: &Console,
    visitor: &Visitor,
    id: CampaignId,
    refusal: Refusal,
) -> Result<Response, Refusal> {
    let problem = Some(as_problem(refusal)?);
    page(console, visitor, id, (StatusCode::CONFLICT, false, None, problem)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_wide_as_everybody_who_was_asked() {
        let progress = Progress { given: 1, refused: 1, open: 1, silent: 0, not_asked: 9 };
        let bar = Bar::of(&progress);
        assert_eq!(bar.given.1 + bar.refused.1 + bar.rest.1, BAR_WIDTH);
        assert_eq!(bar.rest.0, bar.given.1 + bar.refused.1);
        let nobody = Bar::of(&Progress::default());
        assert_eq!((nobody.given.1, nobody.refused.1, nobody.rest.1), (0, 0, 0));
    }
}
