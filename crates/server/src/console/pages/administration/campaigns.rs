//! `/administration/campaigns`: every campaign, and opening one after seeing whom it would ask.

use std::sync::Arc;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use fiducia_custody::{
    AdminCommand, CampaignRow, CampaignTally, ConsentCommand, ConsentReply, NoticeRow, Staff,
};
use fiducia_policy::{CampaignTerms, ConsentPurpose, Meanwhile, OrganizationId, RetentionSpan};
use http::StatusCode;

use super::notices::published;
use super::{CAMPAIGNS, as_problem, consent, day, staff};
use crate::console::Console;
use crate::console::form::Posted;
use crate::console::frame::Frame;
use crate::console::refusal::Refusal;
use crate::console::visitor::{Member, Shared};

pub(super) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/administration/campaigns", get(list))
        .route("/administration/campaigns/new", get(begin).post(go_on))
}

#[derive(Template)]
#[template(path = "console/administration_campaigns.html")]
struct CampaignsPage<'a> {
    frame: &'a Frame,
    rows: &'a [CampaignRow],
    may_open: bool,
}

impl CampaignsPage<'_> {
    #[expect(clippy::unused_self, reason = "templates call it as a method")]
    fn share(&self, row: &CampaignRow) -> (u64, u64) {
        let progress = Progress::of(&row.tally);
        (progress.answered(), progress.asked())
    }
}

/// How far a campaign has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) given: u64,
    pub(super) refused: u64,
    pub(super) open: u64,
    pub(super) silent: u64,
    pub(super) not_asked: u64,
}

impl Progress {
    pub(super) fn of<'a>(tally: impl IntoIterator<Item = &'a CampaignTally>) -> Self {
        let mut progress = Self::default();
        for count in tally {
            let into = match count.outcome.as_str() {
                "given" | "renewed" => &mut progress.given,
                "refused" | "withdrawn" => &mut progress.refused,
                "open" => &mut progress.open,
                "silence" => &mut progress.silent,
                _ => &mut progress.not_asked,
            };
            *into = into.saturating_add(count.people);
        }
        progress
    }

    pub(super) const fn answered(&self) -> u64 {
        self.given.saturating_add(self.refused)
    }

    pub(super) const fn asked(&self) -> u64 {
        self.answered().saturating_add(self.open).saturating_add(self.silent)
    }
}

fn may_open(staff: &Staff) -> bool {
    let purpose = ConsentPurpose::BatchTraining;
    let organization = OrganizationId::from_bytes([0; 16]);
    let terms = CampaignTerms {
        purpose,
        version: 1,
        deadline: fiducia_policy::Timestamp::UNIX_EPOCH,
        meanwhile: Meanwhile::Continue,
        reminders: Vec::new(),
        quiet_regions: Vec::new(),
        quiet: RetentionSpan::months(12),
    };
    staff.may(&AdminCommand::Consent(ConsentCommand::PreviewCampaign { organization, terms }))
}

async fn list(State(console): Shared, member: Member) -> Result<Response, Refusal> {
    let staff = staff(&member.visitor)?;
    let ConsentReply::Campaigns(rows) = consent(&console, &staff, ConsentCommand::ListCampaigns).await?
    else {
        return Err(Refusal::Unavailable);
    };
    let frame = Frame::new(&console, &member.visitor, CAMPAIGNS.path);
    let page = CampaignsPage { frame: &frame, rows: &rows, may_open: may_open(&staff) };
    Ok(frame.show(StatusCode::OK, &page))
}

#[derive(serde::Deserialize)]
struct Typed {
    /// A purpose and a version with a dot between them.
    #[serde(default)]
    notice: String,
    #[serde(default)]
    deadline: String,
    #[serde(default = "go_on_meanwhile")]
    meanwhile: String,
    #[serde(default)]
    reminders: String,
    #[serde(default)]
    quiet_regions: String,
    #[serde(default)]
    quiet: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    act: String,
}

fn go_on_meanwhile() -> String {
    Meanwhile::Continue.name().to_owned()
}

impl Typed {
    fn fresh(notice: Option<String>) -> Self {
        Self {
            notice: notice.unwrap_or_default(),
            deadline: String::new(),
            meanwhile: go_on_meanwhile(),
            reminders: "14 days\n3 days".to_owned(),
            quiet_regions: "US-CA".to_owned(),
            quiet: "12 months".to_owned(),
            reason: String::new(),
            act: String::new(),
        }
    }

    /// The terms that were typed, or the name of the text that says what they lack.
    fn terms(&self) -> Result<CampaignTerms, &'static str> {
        let (purpose, version) = self.notice.split_once('.').ok_or("admin-campaign-notice-missing")?;
        let entries = |text: &str| -> Vec<String> {
            let parts = text.split(['\n', ',', ';']).map(str::trim).filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect()
        };
        let spans = entries(&self.reminders).iter().map(|text| text.parse()).collect::<Result<Vec<_>, _>>();
        let quiet_regions = entries(&self.quiet_regions);
        let quiet = match self.quiet.trim() {
            // Without a region it means nothing.
            "" if quiet_regions.is_empty() => RetentionSpan::months(12),
            text => text.parse().map_err(|_| "admin-campaign-span-unfit")?,
        };
        Ok(CampaignTerms {
            purpose: purpose.parse().map_err(|_| "admin-campaign-notice-missing")?,
            version: version.parse().map_err(|_| "admin-campaign-notice-missing")?,
            deadline: day(&self.deadline).ok_or("admin-campaign-deadline-missing")?,
            meanwhile: self.meanwhile.parse().map_err(|_| "admin-campaign-meanwhile-missing")?,
            reminders: spans.map_err(|_| "admin-campaign-span-unfit")?,
            quiet_regions,
            quiet,
        })
    }
}

#[derive(Template)]
#[template(path = "console/administration_campaign_new.html")]
struct NewCampaignPage<'a> {
    frame: &'a Frame,
    typed: &'a Typed,
    notices: Vec<(String, String)>,
    preview: Option<Preview>,
    problem: Option<String>,
}

/// Whom a campaign would ask.
struct Preview {
    asked: u64,
    /// Why the others are not asked, and how many they are.
    not_asked: Vec<(String, u64)>,
    /// Those who are asked, by region and language.
    rows: Vec<CampaignTally>,
}

impl Preview {
    fn of(tally: Vec<CampaignTally>) -> Self {
        let mut not_asked: Vec<(String, u64)> = Vec::new();
        let (rows, others): (Vec<_>, Vec<_>) = tally.into_iter().partition(|count| count.outcome == "open");
        for count in others {
            match not_asked.iter_mut().find(|(outcome, _)| *outcome == count.outcome) {
                Some((_, people)) => *people = people.saturating_add(count.people),
                None => not_asked.push((count.outcome, count.people)),
            }
        }
        let asked = rows.iter().fold(0_u64, |sum, count| sum.saturating_add(count.people));
        Self { asked, not_asked, rows }
    }
}

#[derive(Default, serde::Deserialize)]
struct About {
    notice: Option<String>,
}

async fn begin(
    State(console): Shared,
    Query(about): Query<About>,
    member: Member,
) -> Result<Response, Refusal> {
    let staff = staff(&member.visitor)?;
    if !may_open(&staff) {
        return Err(Refusal::NotFound);
    }
    let frame = Frame::new(&console, &member.visitor, CAMPAIGNS.path);
    let rows = published(&console, &staff, None).await?;
    Ok(page(&frame, &rows, &Typed::fresh(about.notice), StatusCode::OK, (None, None)))
}

fn page(
    frame: &Frame,
    rows: &[NoticeRow],
    typed: &Typed,
    status: StatusCode,
    (preview, problem): (Option<Preview>, Option<String>),
) -> Response {
    let mut versions: Vec<(ConsentPurpose, u32)> =
        rows.iter().map(|row| (row.notice.purpose, row.notice.version)).collect();
    versions.sort_by_key(|(purpose, version)| (*purpose, std::cmp::Reverse(*version)));
    versions.dedup();
    let named = |(purpose, version): (ConsentPurpose, u32)| {
        let name = frame.text(&format!("admin-purpose-{purpose}"));
        let said = [("purpose", name.into()), ("version", version.into())];
        (format!("{purpose}.{version}"), frame.language.text_with("admin-campaign-notice-option", &said))
    };
    let notices = versions.into_iter().map(named).collect();
    frame.show(status, &NewCampaignPage { frame, typed, notices, preview, problem })
}

async fn go_on(State(console): Shared, posted: Posted<Typed>) -> Result<Response, Refusal> {
    let Posted { visitor, fields } = posted;
    let staff = staff(&visitor)?;
    let frame = Frame::new(&console, &visitor, CAMPAIGNS.path);
    let rows = published(&console, &staff, None).await?;
    let again =
        |preview, problem| page(&frame, &rows, &fields, StatusCode::BAD_REQUEST, (preview, Some(problem)));
    let terms = match fields.terms() {
        Ok(terms) => terms,
        Err(name) => return Ok(again(None, frame.text(name))),
    };
    let organization = staff.organization();
    let command = ConsentCommand::PreviewCampaign { organization, terms: terms.clone() };
    let preview = match consent(&console, &staff, command).await {
        Ok(ConsentReply::Preview(tally)) => Preview::of(tally),
        Ok(_) => return Err(Refusal::Unavailable),
        Err(refusal) => return Ok(again(None, problem(&frame, refusal)?)),
    };
    if fields.act != "open" {
        return Ok(page(&frame, &rows, &fields, StatusCode::OK, (Some(preview), None)));
    }
    let reason = fields.reason.trim().to_owned();
    let command = ConsentCommand::OpenCampaign { organization, terms, reason, actor: String::new() };
    match consent(&console, &staff, command).await {
        Ok(ConsentReply::Campaign(row)) => {
            Ok(Redirect::to(&format!("/administration/campaigns/{}?done=opened", row.id)).into_response())
        }
        Ok(_) => Err(Refusal::Unavailable),
        Err(refusal) => Ok(again(Some(preview), problem(&frame, refusal)?)),
    }
}

/// A notice that was never published is something typed wrong here, not a page that does not exist.
fn problem(frame: &Frame, refusal: Refusal) -> Result<String, Refusal> {
    match refusal {
        Refusal::NotFound => Ok(frame.text("admin-campaign-notice-missing")),
        other => as_problem(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(outcome: &str, people: u64) -> CampaignTally {
        CampaignTally { region: None, language: None, outcome: outcome.to_owned(), people }
    }

    #[test]
    fn everybody_is_counted_once() {
        let tally = [
            count("given", 3),
            count("renewed", 1),
            count("refused", 2),
            count("open", 5),
            count("quiet", 7),
        ];
        let progress = Progress::of(&tally);
        assert_eq!((progress.answered(), progress.asked(), progress.not_asked), (6, 11, 7));
        let preview = Preview::of(tally.to_vec());
        assert_eq!(preview.asked, 5);
        assert_eq!(preview.not_asked.iter().map(|(_, people)| people).sum::<u64>(), 13);
    }

    #[test]
    fn terms_are_read_as_they_are_typed() {
        let typed = Typed {
            notice: "research.2".to_owned(),
            deadline: "2026-10-08".to_owned(),
            ..Typed::fresh(None)
        };
        let terms = typed.terms().unwrap();
        assert_eq!((terms.purpose, terms.version, terms.reminders.len()), (ConsentPurpose::Research, 2, 2));
        assert_eq!(terms.quiet_regions, ["US-CA"]);
        for (wrong, expect) in [
            (Typed { notice: "research".to_owned(), ..Typed::fresh(None) }, "admin-campaign-notice-missing"),
            (
                Typed { deadline: "soon".to_owned(), ..Typed::fresh(Some("research.2".to_owned())) },
                "admin-campaign-deadline-missing",
            ),
        ] {
            assert_eq!(wrong.terms().unwrap_err(), expect);
        }
    }
}
