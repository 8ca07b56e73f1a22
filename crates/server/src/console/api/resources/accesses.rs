//! `/accesses`: who looked at what is kept of a person.

use fiducia_custody::{AdminReply, LookRow, Looker, PersonalCommand};
use fiducia_policy::{ConversationId, GroundKind, PersonId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::call::{Call, unexpected};
use super::super::caller::Who;
use super::super::endpoint::{Endpoint, Nothing};
use super::super::problem::Problem;
use super::super::reply::Listed;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![Endpoint::get(
        "/accesses",
        "list-accesses",
        "Who looked at what is kept of the person, newest first, also at what was purged since.",
        Who::Person,
        list,
    )]
}

/// A look at what is kept of a person.
#[derive(Serialize, JsonSchema)]
struct Access {
    at: Timestamp,
    /// When the permission ended.
    until: Timestamp,
    /// The member of staff, as the log knows them; null where it was the person.
    staff: Option<PersonId>,
    /// Why, such as `subject_request`.
    reason: String,
    /// The case or request it belongs to.
    ticket: Option<String>,
    ground: GroundKind,
    /// At which conversation, where it was one.
    conversation: Option<ConversationId>,
    /// At how many records.
    records: u64,
    /// Where its entry lies in the organisation's log.
    ledger_index: u64,
    /// Where the first public event about it lies in that log; each names one answer that was read.
    public_index: u64,
    /// How many public events there are, behind each other; none where the person read what is their own.
    public_count: u64,
}

impl From<LookRow> for Access {
    fn from(row: LookRow) -> Self {
        Self {
            at: row.at,
            until: row.until,
            staff: match row.who {
                Looker::Oneself {} => None,
                Looker::Staff { person, .. } => Some(person),
            },
            reason: row.reason.name().to_owned(),
            ticket: row.ticket,
            ground: row.ground,
            conversation: row.conversation,
            records: row.records,
            ledger_index: row.ledger_index,
            public_index: row.public.first,
            public_count: row.public.count,
        }
    }
}

/// Where a list goes on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AccessesPart {
    /// What `next` said.
    after: Option<String>,
    /// At most this many rows, 1 to 500; 100 when absent.
    limit: Option<u32>,
}

fn list(call: &Call<'_>, _: Nothing, part: AccessesPart) -> Result<Listed<Access>, Problem> {
    let rows = Call::rows(part.limit)?;
    let before = call.after(part.after.as_deref())?;
    let AdminReply::Accesses(found) =
        call.personally(PersonalCommand::Accesses { before, limit: rows + 1 })?
    else {
        return Err(unexpected());
    };
    Ok(call.listed(found, rows, |row: &LookRow| row.sequence.to_string()))
}
