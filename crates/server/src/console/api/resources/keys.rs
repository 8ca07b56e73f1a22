//! `/conversations/{conversation}/keys`, `/records/{record}/keys`: from which keys something hangs, and from which it hung.

use fiducia_custody::{
    AdminCommand, AdminReply, EvidenceCommand, EvidenceReply, KeyEnd, KeyGraph, KeyGraphTarget,
    PersonalCommand,
};
use fiducia_policy::{ConsentPurpose, ConversationId, GroundKind, KeyId, RecordId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::call::{Acting, Call, RoleAsked, unexpected};
use super::super::caller::Who;
use super::super::endpoint::{Endpoint, Nothing};
use super::super::problem::Problem;
use super::super::reply::Found;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/conversations/{conversation}/keys",
            "show-conversation-keys",
            "From which keys a conversation hangs, which are gone, and what tells of that.",
            Who::PersonOrStaff,
            of_conversation,
        ),
        Endpoint::get(
            "/records/{record}/keys",
            "show-record-keys",
            "From which keys a record hangs, which are gone, and what tells of that.",
            Who::Staff,
            of_record,
        ),
    ]
}

/// From which keys something hangs, and from which it hung.
#[derive(Serialize, JsonSchema)]
struct Keys {
    conversation: ConversationId,
    /// The record, where it is about one.
    record: Option<RecordId>,
    /// How many sealed records there are.
    records: u64,
    /// Whether any way to it is whole.
    readable: bool,
    /// Whether there were more keys; the oldest are left out.
    cut: bool,
    /// Keys from the roots down, and at the end the content.
    nodes: Vec<KeyNode>,
    /// What opens what.
    edges: Vec<KeyEdge>,
}

/// A key, or the content.
#[derive(Serialize, JsonSchema)]
struct KeyNode {
    /// Null for the content.
    key: Option<KeyId>,
    /// `root`, `person`, `conversation` or `content`.
    layer: String,
    /// What it is for, such as `safety-day`.
    kind: String,
    ground: Option<GroundKind>,
    purpose: Option<ConsentPurpose>,
    /// What tells it from others of its kind: a day, a case, a hold.
    label: String,
    created_at: Option<Timestamp>,
    /// When it is looked at next, because its ground may end then.
    ends_at: Option<Timestamp>,
    ended: Option<Ended>,
    /// The rule of the policy that decides, with its term.
    rule: Option<String>,
}

/// A key that opens another, or the content.
#[derive(Serialize, JsonSchema)]
struct KeyEdge {
    /// The place of the key among the nodes, from 0.
    from: usize,
    /// The place of what it opens.
    to: usize,
    ended: Option<Ended>,
    /// Whether it is concluded from the kind of the key, because the wrap is overwritten.
    concluded: bool,
}

/// An end, and what proves it.
#[derive(Serialize, JsonSchema)]
struct Ended {
    /// `destroyed`, `replaced` or `consent-ended`.
    how: String,
    at: Timestamp,
    reason: Option<String>,
    /// Where the entry that tells of it lies in the organisation's log.
    ledger_index: Option<u64>,
    /// The number of the certificate about it.
    certificate: Option<String>,
}

impl From<KeyEnd> for Ended {
    fn from(end: KeyEnd) -> Self {
        Self {
            how: end.how.name().to_owned(),
            at: end.at,
            reason: end.reason,
            ledger_index: end.entry,
            certificate: end.certificate,
        }
    }
}

impl From<KeyGraph> for Keys {
    fn from(graph: KeyGraph) -> Self {
        let readable = graph.is_readable();
        let nodes = graph.nodes.into_iter().map(|node| KeyNode {
            key: node.key,
            layer: node.layer.name().to_owned(),
            kind: node.kind,
            ground: node.ground,
            purpose: node.purpose,
            label: node.label,
            created_at: node.created_at,
            ends_at: node.ends_at,
            ended: node.ended.map(Ended::from),
            rule: node.clause.map(|clause| format!("{}: {}", clause.rule, clause.term)),
        });
        let edges = graph.edges.into_iter().map(|edge| KeyEdge {
            from: edge.from,
            to: edge.to,
            ended: edge.ended.map(Ended::from),
            concluded: edge.is_concluded,
        });
        Self {
            conversation: graph.conversation,
            record: graph.record,
            records: graph.records,
            readable,
            cut: graph.is_cut,
            nodes: nodes.collect(),
            edges: edges.collect(),
        }
    }
}

/// Which conversation.
#[derive(Deserialize, JsonSchema)]
struct OneConversation {
    conversation: ConversationId,
}

/// Which record.
#[derive(Deserialize, JsonSchema)]
struct OneRecord {
    record: RecordId,
}

fn found(reply: AdminReply) -> Result<Found<Keys>, Problem> {
    match reply {
        AdminReply::Evidence(EvidenceReply::KeyGraph(graph)) => Ok(Found(Keys::from(*graph))),
        _ => Err(unexpected()),
    }
}

fn of_conversation(call: &Call<'_>, one: OneConversation, asked: RoleAsked) -> Result<Found<Keys>, Problem> {
    let conversation = one.conversation;
    found(match call.acting(asked.role) {
        Acting::Person => call.personally(PersonalCommand::KeyGraph { conversation })?,
        Acting::Staff => {
            let target = KeyGraphTarget::Conversation(conversation);
            call.as_staff(AdminCommand::Evidence(EvidenceCommand::KeyGraph { target }))?
        }
    })
}

fn of_record(call: &Call<'_>, one: OneRecord, _: Nothing) -> Result<Found<Keys>, Problem> {
    let target = KeyGraphTarget::Record(one.record);
    found(call.as_staff(AdminCommand::Evidence(EvidenceCommand::KeyGraph { target }))?)
}
