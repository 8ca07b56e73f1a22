//! `/people`: the people of the organisation, for staff.

use fiducia_custody::{AdminCommand, AdminReply, SubjectRow};
use fiducia_policy::{Plan, SubjectId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::call::{Call, unexpected};
use super::super::caller::Who;
use super::super::endpoint::{Endpoint, Nothing};
use super::super::problem::Problem;
use super::super::reply::{Found, Listed};
use super::consents::OnePerson;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/people",
            "list-people",
            "The people of the organisation, without names.",
            Who::Staff,
            list,
        ),
        Endpoint::get("/people/{person}", "show-person", "One person of the organisation.", Who::Staff, show),
    ]
}

/// A person whose conversations are kept.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Person")]
struct PersonShown {
    id: SubjectId,
    /// Seen first when.
    created_at: Timestamp,
    /// A plan of their own; null for the organisation's.
    plan: Option<Plan>,
    /// Whether there is an address to which warnings go.
    has_contact: bool,
    /// The account was closed when.
    closed_at: Option<Timestamp>,
    erased_at: Option<Timestamp>,
    /// How many conversations there are.
    conversations: u64,
}

impl From<SubjectRow> for PersonShown {
    fn from(row: SubjectRow) -> Self {
        Self {
            id: row.id,
            created_at: row.created_at,
            plan: row.plan,
            has_contact: row.has_contact,
            closed_at: row.closed_at,
            erased_at: row.erased_at,
            conversations: row.conversations,
        }
    }
}

fn people(call: &Call<'_>) -> Result<Vec<SubjectRow>, Problem> {
    let organization = call.caller.account().organization;
    match call.as_staff(AdminCommand::ListSubjects { organization })? {
        AdminReply::Subjects(rows) => Ok(rows),
        _ => Err(unexpected()),
    }
}

/// Where a list goes on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PeoplePart {
    /// What `next` said.
    after: Option<String>,
    /// At most this many rows, 1 to 500; 100 when absent.
    limit: Option<u32>,
}

fn list(call: &Call<'_>, _: Nothing, part: PeoplePart) -> Result<Listed<PersonShown>, Problem> {
    let rows = Call::rows(part.limit)?;
    let after = call.after(part.after.as_deref())?;
    call.part(people(call)?, (after, rows), |row| row.id.to_string())
}

fn show(call: &Call<'_>, one: OnePerson, _: Nothing) -> Result<Found<PersonShown>, Problem> {
    let found = people(call)?.into_iter().find(|row| row.id == one.person);
    found.map(|row| Found(row.into())).ok_or(Problem::NotFound)
}
