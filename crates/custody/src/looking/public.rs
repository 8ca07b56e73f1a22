//! What an access is about: which records of whom, and which model answers the public log names.

use fiducia_ledger::{AccessBy, AnswerRead};
use fiducia_policy::{ConversationId, ExchangeId, RecordId, SubjectId, WorkspaceId};
use fiducia_store::{RecordKind, StoredRecord};

/// A record that is about to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ToRead {
    pub(crate) record: RecordId,
    /// The exchange it is part of; `None` for what is no part of one.
    pub(crate) exchange: Option<ExchangeId>,
    pub(crate) is_answer: bool,
    /// The provider's id of the answer.
    pub(crate) answer_id: Option<String>,
    /// The workspace of the key it came by, where it is known.
    pub(crate) workspace: Option<WorkspaceId>,
    pub(crate) subject: SubjectId,
    /// Its conversation, where the person is to be told which it was.
    pub(crate) conversation: Option<ConversationId>,
}

impl From<&StoredRecord> for ToRead {
    fn from(record: &StoredRecord) -> Self {
        Self {
            record: record.id,
            exchange: Some(record.exchange),
            is_answer: record.kind == RecordKind::Answer,
            answer_id: record.answer_id.clone(),
            workspace: record.workspace,
            subject: record.subject,
            conversation: Some(record.conversation),
        }
    }
}

/// Whose look it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LookBy {
    /// The person reads what is their own, signed in as themself.
    TheirOwn,
    /// A program of their organisation, by a key to the Compliance API.
    TheirOrganization,
    /// Somebody else, in this role or department where it is known.
    Staff { department: Option<String> },
}

/// What one access is about with regard to one person and conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LookOf {
    pub(crate) subject: SubjectId,
    pub(crate) conversation: Option<ConversationId>,
    /// How many records.
    pub(crate) records: u64,
    /// How many public events, which lie in the log in the order of these parts.
    pub(crate) public: u64,
}

/// Divides an access by person and conversation, and names the answers that its public events are about: one for each exchange, by
/// the provider's id of the answer, else by our id of the answer's record, else by that of the first record.
///
/// Records of one person and conversation must come together.
pub(crate) fn divided(records: &[ToRead], by: LookBy) -> (AccessBy, Vec<LookOf>) {
    let (mut answers, mut parts) = (Vec::new(), Vec::new());
    for part in
        records.chunk_by(|one, next| (one.subject, one.conversation) == (next.subject, next.conversation))
    {
        let Some(first) = part.first() else { continue };
        let named = match by {
            LookBy::TheirOwn | LookBy::TheirOrganization => Vec::new(),
            LookBy::Staff { .. } => named_answers(part),
        };
        parts.push(LookOf {
            subject: first.subject,
            conversation: first.conversation,
            records: count(part.len()),
            public: count(named.len()),
        });
        answers.extend(named);
    }
    let by = match by {
        LookBy::TheirOwn => AccessBy::TheirOwn,
        LookBy::TheirOrganization => AccessBy::TheirOrganization,
        LookBy::Staff { department } => AccessBy::Staff { department, answers },
    };
    (by, parts)
}

fn count(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

fn named_answers(part: &[ToRead]) -> Vec<AnswerRead> {
    // How good a name is: the provider's id, then the answer's record, then any.
    let rank = |one: &ToRead| (one.answer_id.is_none(), !one.is_answer);
    let mut best: Vec<&ToRead> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for one in part {
        let known = one.exchange.and_then(|exchange| match places.entry(exchange) {
            std::collections::hash_map::Entry::Occupied(place) => Some(*place.get()),
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(best.len());
                None
            }
        });
        match known.and_then(|place: usize| best.get_mut(place)) {
            Some(present) if rank(one) < rank(present) => *present = one,
            Some(_) => {}
            None => best.push(one),
        }
    }
    let name = |one: &ToRead| one.answer_id.clone().unwrap_or_else(|| one.record.to_string());
    best.into_iter().map(|one| AnswerRead { resource: name(one), workspace: one.workspace }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(id: u8, exchange: u8, answer_id: Option<&str>, is_answer: bool, whose: u8) -> ToRead {
        ToRead {
            record: RecordId::from_bytes([id; 16]),
            exchange: Some(ExchangeId::from_bytes([exchange; 16])),
            is_answer,
            answer_id: answer_id.map(str::to_owned),
            workspace: Some(WorkspaceId::from_bytes([exchange; 16])),
            subject: SubjectId::from_bytes([whose; 16]),
            conversation: Some(ConversationId::from_bytes([whose; 16])),
        }
    }

    fn check(records: &[ToRead], expect: &[&str], parts: &[(u64, u64)]) {
        let (by, of) = divided(records, LookBy::Staff { department: None });
        let AccessBy::Staff { answers, .. } = by else { panic!("{by:?}") };
        let names: Vec<&str> = answers.iter().map(|answer| answer.resource.as_str()).collect();
        assert_eq!(names, expect);
        assert!(answers.iter().all(|answer| answer.workspace.is_some()), "{answers:?}");
        assert_eq!(of.iter().map(|part| (part.records, part.public)).collect::<Vec<_>>(), parts);
        let (own, of) = divided(records, LookBy::TheirOwn);
        assert_eq!(own, AccessBy::TheirOwn);
        assert!(of.iter().all(|part| part.public == 0));
    }

    #[test]
    fn each_exchange_is_named_once_by_the_best_name_it_has() {
        let third = RecordId::from_bytes([3; 16]).to_string();
        let fifth = RecordId::from_bytes([5; 16]).to_string();
        check(
            &[
                record(1, 1, None, false, 1),
                record(2, 1, Some("msg_1"), true, 1),
                record(3, 2, None, false, 1),
                record(4, 3, None, false, 1),
                record(5, 3, None, true, 1),
                record(6, 4, Some("resp_9"), true, 2),
            ],
            &["msg_1", &third, &fifth, "resp_9"],
            &[(5, 3), (1, 1)],
        );
        check(&[], &[], &[]);
    }

    #[test]
    fn what_is_no_part_of_an_exchange_is_named_each() {
        let alone = |id| ToRead { exchange: None, ..record(id, 0, None, false, 1) };
        let names = [1, 2].map(|id| RecordId::from_bytes([id; 16]).to_string());
        check(&[alone(1), alone(2)], &[&names[0], &names[1]], &[(2, 2)]);
    }
}
