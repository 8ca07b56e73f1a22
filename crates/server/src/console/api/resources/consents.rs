//! `/consents`: where a person stands about every use they are asked about.

use fiducia_custody::{AdminCommand, AdminReply, ConsentCommand, ConsentReply, ConsentRow, PersonalCommand};
use fiducia_policy::{ConsentPurpose, ConsentState, SubjectId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::call::{Call, unexpected};
use super::super::caller::Who;
use super::super::endpoint::{Endpoint, Nothing};
use super::super::problem::Problem;
use super::super::reply::Found;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/consents",
            "show-standings",
            "Where the person stands about every purpose.",
            Who::PersonOrApplication,
            own,
        ),
        Endpoint::get(
            "/people/{person}/consents",
            "show-standings-of-person",
            "Where a person of the organisation stands about every purpose.",
            Who::Staff,
            of_person,
        ),
    ]
}

/// Where a person stands about every purpose.
#[derive(Serialize, JsonSchema)]
struct Standings {
    items: Vec<Standing>,
}

/// Where a person stands about one purpose.
#[derive(Serialize, JsonSchema)]
struct Standing {
    purpose: ConsentPurpose,
    state: ConsentState,
    /// Whether anything may be used for it now.
    permits: bool,
    /// Whether there is a question at all for this person.
    is_asked: bool,
    since: Option<Timestamp>,
    /// The notice that was shown last.
    notice: Option<NoticeOfStanding>,
    /// Until when a yes counts.
    valid_until: Option<Timestamp>,
    /// When silence becomes a no.
    lapses_at: Option<Timestamp>,
}

/// Which text was shown.
#[derive(Serialize, JsonSchema)]
pub(super) struct NoticeOfStanding {
    /// In which language.
    pub(super) language: String,
    pub(super) version: u32,
}

impl From<ConsentRow> for Standing {
    fn from(row: ConsentRow) -> Self {
        Self {
            purpose: row.purpose,
            state: row.state,
            permits: row.permits,
            is_asked: row.is_asked,
            since: row.since,
            notice: row.notice.map(|(language, version)| NoticeOfStanding { language, version }),
            valid_until: row.valid_until,
            lapses_at: row.lapses_at,
        }
    }
}

fn standings(reply: AdminReply) -> Result<Found<Standings>, Problem> {
    let AdminReply::Consented(ConsentReply::Standings(rows)) = reply else { return Err(unexpected()) };
    Ok(Found(Standings { items: rows.into_iter().map(Standing::from).collect() }))
}

fn own(call: &Call<'_>, _: Nothing, _: Nothing) -> Result<Found<Standings>, Problem> {
    standings(call.personally(PersonalCommand::Standings)?)
}

/// Which person.
#[derive(Deserialize, JsonSchema)]
pub(super) struct OnePerson {
    /// The person.
    pub(super) person: SubjectId,
}

fn of_person(call: &Call<'_>, one: OnePerson, _: Nothing) -> Result<Found<Standings>, Problem> {
    let command = ConsentCommand::Show { subject: one.person };
    standings(call.as_staff(AdminCommand::Consent(command))?)
}
