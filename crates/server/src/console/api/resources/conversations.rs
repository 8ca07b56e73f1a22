//! `/conversations`: what is kept of a person, why, and what they wish with it. What was said is not here: people get a copy upon
//! a request, and read single conversations in the console.

use fiducia_custody::{
    AdminReply, ConversationRow, ConversationWish, PersonalCommand, RecordExplanation, RecordRow,
    RetentionReply,
};
use fiducia_policy::{ConversationId, GroundKind, RecordId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::call::{Call, unexpected};
use super::super::caller::Who;
use super::super::endpoint::{Endpoint, Nothing};
use super::super::problem::Problem;
use super::super::reply::{Done, Found, Listed};

pub(super) fn endpoints() -> Vec<Endpoint> {
    const ONE: &str = "/conversations/{conversation}";
    vec![
        Endpoint::get(
            "/conversations",
            "list-conversations",
            "The person's conversations, newest first.",
            Who::Person,
            list,
        ),
        Endpoint::get(
            ONE,
            "show-conversation",
            "One conversation, without what was said.",
            Who::Person,
            show,
        ),
        Endpoint::get(
            "/conversations/{conversation}/explanation",
            "explain-conversation",
            "Why it is still here: what keeps it, until when, and what would end that.",
            Who::Person,
            explain,
        ),
        Endpoint::get(
            "/conversations/{conversation}/records",
            "list-records",
            "The records of a conversation, without what was said.",
            Who::Person,
            records,
        ),
        Endpoint::post(
            "/conversations/{conversation}/wishes",
            "wish",
            "Deletes a conversation, restores it, keeps it beyond its end or lets it go.",
            Who::Person,
            wish,
        )
        .changes(ONE),
    ]
}

/// A conversation.
#[derive(Serialize, JsonSchema)]
struct Conversation {
    id: ConversationId,
    created_at: Timestamp,
    /// Last turn when.
    last_active_at: Timestamp,
    /// Sealed records in it.
    records: u64,
    /// Deleted when: it is hidden, and destroyed at its end.
    deleted_at: Option<Timestamp>,
    /// Marked to be kept when.
    kept_at: Option<Timestamp>,
    /// When the last key for the person's own use is destroyed, as things stand; null while only an event ends it, and when
    /// nothing is kept for that.
    ends_at: Option<Timestamp>,
    /// Its end was announced when.
    warned_at: Option<Timestamp>,
    destroyed_at: Option<Timestamp>,
}

impl From<ConversationRow> for Conversation {
    fn from(row: ConversationRow) -> Self {
        Self {
            id: row.id,
            created_at: row.created_at,
            last_active_at: row.last_active_at,
            records: row.records,
            deleted_at: row.deleted_at,
            kept_at: row.starred_at,
            ends_at: row.ends_at,
            warned_at: row.warned_at,
            destroyed_at: row.destroyed_at,
        }
    }
}

/// Which conversations.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ConversationsAsked {
    /// Also those that were deleted; not when absent.
    deleted: Option<bool>,
    /// What `next` said.
    after: Option<String>,
    /// At most this many rows, 1 to 500; 100 when absent.
    limit: Option<u32>,
}

fn list(call: &Call<'_>, _: Nothing, asked: ConversationsAsked) -> Result<Listed<Conversation>, Problem> {
    let rows = Call::rows(asked.limit)?;
    let after = call.after(asked.after.as_deref())?;
    let deleted = asked.deleted.unwrap_or(false);
    let command = PersonalCommand::Conversations { deleted, limit: rows + 1, after };
    let AdminReply::Conversations(found) = call.personally(command)? else { return Err(unexpected()) };
    Ok(call.listed(found, rows, |row: &ConversationRow| row.id.to_string()))
}

/// Which conversation.
#[derive(Deserialize, JsonSchema)]
struct OneConversation {
    /// The conversation.
    conversation: ConversationId,
}

fn found(call: &Call<'_>, conversation: ConversationId) -> Result<Conversation, Problem> {
    let AdminReply::Conversations(rows) = call.personally(PersonalCommand::Conversation { conversation })?
    else {
        return Err(unexpected());
    };
    rows.into_iter().next().map(Conversation::from).ok_or(Problem::NotFound)
}

fn show(call: &Call<'_>, one: OneConversation, _: Nothing) -> Result<Found<Conversation>, Problem> {
    found(call, one.conversation).map(Found)
}

/// A record, without what was said.
#[derive(Serialize, JsonSchema)]
struct Record {
    id: RecordId,
    /// `request` or `answer`.
    kind: String,
    model: String,
    created_at: Timestamp,
    /// Bytes of ciphertext.
    sealed_bytes: u64,
    grounds: Vec<GroundOfRecord>,
}

/// A ground that holds.
#[derive(Serialize, JsonSchema)]
struct GroundOfRecord {
    ground: GroundKind,
    /// Until when; null while only an event ends it.
    until: Option<Timestamp>,
}

impl From<RecordRow> for Record {
    fn from(row: RecordRow) -> Self {
        let grounds = row.grounds.into_iter().map(|(ground, until)| GroundOfRecord { ground, until });
        Self {
            id: row.id,
            kind: row.kind,
            model: row.model,
            created_at: row.created_at,
            sealed_bytes: row.sealed_bytes,
            grounds: grounds.collect(),
        }
    }
}

/// Where a list goes on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RecordsPart {
    /// What `next` said.
    after: Option<String>,
    /// At most this many rows, 1 to 500; 100 when absent.
    limit: Option<u32>,
}

fn records(call: &Call<'_>, one: OneConversation, part: RecordsPart) -> Result<Listed<Record>, Problem> {
    let rows = Call::rows(part.limit)?;
    let after = call.after(part.after.as_deref())?;
    let command = PersonalCommand::Records { conversation: one.conversation };
    let AdminReply::Records(found) = call.personally(command)? else { return Err(unexpected()) };
    call.part(found, (after, rows), |row| row.id.to_string())
}

/// Why a conversation is kept: for each of the ways in which its records are kept, the newest of them explained.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Explanation")]
struct ConversationExplained {
    items: Vec<RecordExplained>,
}

/// Why a record is kept.
#[derive(Serialize, JsonSchema)]
struct RecordExplained {
    record: RecordId,
    /// The policy version it was captured under.
    policy_at_capture: u32,
    /// The policy version in force.
    policy_in_force: u32,
    paths: Vec<PathExplained>,
    /// What the policy in force says, rule by rule.
    rules: String,
}

/// A path from a ground to a record.
#[derive(Serialize, JsonSchema)]
struct PathExplained {
    ground: GroundKind,
    /// Whether the key can still be reached.
    is_open: bool,
    /// When it ends by itself.
    until: Option<Timestamp>,
    /// What it hangs from: a hold, a case, a day.
    because: String,
}

impl From<RecordExplanation> for RecordExplained {
    fn from(explanation: RecordExplanation) -> Self {
        let paths = explanation.paths.into_iter().map(|path| PathExplained {
            ground: path.ground,
            is_open: path.is_open,
            until: path.until,
            because: path.because,
        });
        Self {
            record: explanation.record,
            policy_at_capture: explanation.policies.0.0,
            policy_in_force: explanation.policies.1.0,
            paths: paths.collect(),
            rules: explanation.rules,
        }
    }
}

fn explain(
    call: &Call<'_>,
    one: OneConversation,
    _: Nothing,
) -> Result<Found<ConversationExplained>, Problem> {
    let command = PersonalCommand::Explain { conversation: one.conversation };
    let AdminReply::Governed(RetentionReply::Explanations(found)) = call.personally(command)? else {
        return Err(unexpected());
    };
    Ok(Found(ConversationExplained { items: found.into_iter().map(RecordExplained::from).collect() }))
}

/// A wish.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewWish {
    wish: Wish,
}

/// What a person wishes with a conversation.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Wish {
    /// Delete it: it is hidden at once and destroyed when the policy says.
    Delete,
    /// Take the deletion back, as long as the keys are there.
    Restore,
    /// Keep it beyond its end, where the plan allows that.
    Keep,
    /// Do not keep it beyond its end.
    LetGo,
}

fn wish(call: &Call<'_>, one: OneConversation, new: NewWish) -> Result<Done<Conversation>, Problem> {
    let wish = match new.wish {
        Wish::Delete => ConversationWish::Delete,
        Wish::Restore => ConversationWish::Restore,
        Wish::Keep => ConversationWish::Keep,
        Wish::LetGo => ConversationWish::LetGo,
    };
    call.personally(PersonalCommand::Wish { conversation: one.conversation, wish })?;
    found(call, one.conversation).map(Done)
}
