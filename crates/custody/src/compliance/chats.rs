//! Conversations as chats: lists without content, messages after an access entry, destruction with a certificate.

use std::collections::BTreeSet;

use fiducia_policy::{ConversationId, OrganizationId, SubjectId};
use fiducia_store::{ActivityKey, ControlStore, ConversationOrder, ConversationRecord, StoredRecord};
use fiducia_wire::Wire;
use fiducia_wire::compliance::{Chat, ChatUser, Message, OtherFields, SaidMessage, ToolLimits, said};

use super::activities::{PageCursor, outside, rfc3339, user_id};
use super::commands::{ComplianceKey, ComplianceReach};
use super::paging::{MessagePlace, PageTerms, Walked, walk};
use crate::administration::RecordContent;
use crate::{AdminCommand, AdminError, AdminReply, Custody, DestructionReport, DestructionScope};

/// Records that one call may open.
const RECORDS_MAX: usize = 1_000;

/// Which chats are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChatQuery {
    /// Only of these organisations; of all that the key reaches when empty.
    pub organizations: Vec<OrganizationId>,
    /// Only of these people; of all when absent.
    pub users: Option<Vec<[u8; 16]>>,
    /// From this microsecond on, of the time by which they are ordered.
    pub from: Option<i64>,
    /// Before this microsecond.
    pub until: Option<i64>,
    /// By their last turn rather than by when they began. Not with people.
    pub is_by_update: bool,
    /// Where to go on.
    pub cursor: Option<PageCursor>,
    /// At most this many.
    pub limit: u32,
}

/// A page of chats, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatPage {
    /// The chats.
    pub data: Vec<Chat>,
    /// Whose they are.
    pub organizations: BTreeSet<OrganizationId>,
    /// Whether there are more in the direction that was asked for.
    pub has_more: bool,
    /// Where the first and the last stand.
    pub ends: Option<(ActivityKey, ActivityKey)>,
}

/// Which messages are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MessageQuery {
    /// Newest first rather than oldest first.
    pub is_newest_first: bool,
    /// Captured from this microsecond on.
    pub from: Option<i64>,
    /// Captured before this microsecond.
    pub until: Option<i64>,
    /// Behind this message.
    pub after: Option<MessagePlace>,
    /// The page that ends before this message.
    pub before: Option<MessagePlace>,
    /// At most this many; as many as one call may open when absent.
    pub limit: Option<u32>,
    /// How much of tools is shown.
    pub tools: ToolLimits,
}

/// A chat with a page of its messages.
#[derive(Clone, PartialEq)]
pub struct MessagePage {
    /// The chat.
    pub chat: Chat,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The messages, in the order that was asked for.
    pub messages: Vec<Message>,
    /// Whether there are more in the direction that was asked for.
    pub has_more: bool,
    /// Where the first and the last stand. An empty page has them too when there are more.
    pub ends: Option<(MessagePlace, MessagePlace)>,
}

impl std::fmt::Debug for MessagePage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MessagePage").field("chat", &self.chat.id).finish_non_exhaustive()
    }
}

impl Custody {
    /// Chats within what the key reaches, without what was said. Blocks.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] for an organisation that the key does not reach, and when the store cannot be read.
    pub fn chats(&self, reach: ComplianceReach, query: &ChatQuery) -> Result<ChatPage, AdminError> {
        self.caught_up()?;
        let _reading = self.reader().reading();
        let control = self.reader().control()?;
        let mut after = query.from.map_or(ActivityKey::FIRST, ActivityKey::before);
        let mut before = query.until.map_or(ActivityKey::LAST, ActivityKey::from);
        let is_backwards = match query.cursor {
            None => false,
            Some(PageCursor::After(key)) => {
                after = after.max(key);
                false
            }
            Some(PageCursor::Before(key)) => {
                before = before.min(key);
                true
            }
        };
        let mut rows = Vec::new();
        for order in orders(&control, reach, query)? {
            let most = query.limit.saturating_add(1);
            rows.extend(control.conversations_between(order, (after, before), is_backwards, most)?);
        }
        let key = |row: &ConversationRecord| row.key(query.is_by_update);
        rows.sort_by_key(key);
        if is_backwards {
            rows.reverse();
        }
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        if is_backwards {
            rows.reverse();
        }
        let ends = rows.first().zip(rows.last()).map(|(first, last)| (key(first), key(last)));
        let data = rows.iter().map(|row| chat(&control, row, None)).collect::<Result<_, _>>()?;
        let organizations = rows.iter().map(|row| row.organization).collect();
        Ok(ChatPage { data, organizations, has_more, ends })
    }

    /// What was said in a chat. First an access entry names the records that are opened, with the key as the one who reads; records
    /// are opened until the page is full, each time after an entry of its own. Blocks.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is no such chat within the key's reach or its keys were destroyed,
    /// [`AdminError::Invalid`] for a place that is no longer there, [`AdminError::Conflict`] while its person has it restricted,
    /// [`AdminError::TooMuch`] once the key has opened what it may open within a day.
    pub fn chat_messages(
        &self,
        key: &ComplianceKey,
        id: ConversationId,
        query: &MessageQuery,
    ) -> Result<MessagePage, AdminError> {
        self.caught_up()?;
        let (conversation, records) = {
            let _reading = self.reader().reading();
            let conversation = self.own_chat(key, id)?;
            (conversation, self.reader().conversation_records(id)?)
        };
        let model = records.last().map(|record| record.model.clone());
        let shown = {
            let control = self.reader().control()?;
            chat(&control, &conversation, model)?
        };
        // Moving on in the one order is moving back in the other.
        let is_against = query.before.is_some();
        let terms = PageTerms {
            after: query.after.or(query.before),
            is_towards_older: query.is_newest_first != is_against,
            messages_max: query.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX),
            records_max: RECORDS_MAX,
        };
        let walked = walk(
            readable(records, query),
            |record| record.id,
            terms,
            |batch| {
                let content = self.read_as_program(key, &conversation, batch)?;
                let opened = content.records.iter();
                Ok::<_, AdminError>(
                    opened.map(|record| (record.row.id, messages_of(record, query.tools))).collect(),
                )
            },
        )?;
        let Walked { messages, has_more, ends } = walked
            .ok_or_else(|| AdminError::Invalid("the cursor's message is no longer there".to_owned()))?;
        let mut messages: Vec<_> =
            messages.into_iter().map(|(place, message)| identified(place, message)).collect();
        if is_against {
            messages.reverse();
        }
        let ends = ends.map(|(near, far)| if is_against { (far, near) } else { (near, far) });
        Ok(MessagePage { chat: shown, organization: conversation.organization, messages, has_more, ends })
    }

    /// Destroys a chat's keys and what no other ground keeps, and issues a certificate. Gives whose it was. Blocks.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when there is no such chat within the key's reach or it was destroyed before.
    pub fn delete_chat(
        &self,
        key: &ComplianceKey,
        id: ConversationId,
    ) -> Result<(OrganizationId, DestructionReport), AdminError> {
        self.caught_up()?;
        let conversation = {
            let _reading = self.reader().reading();
            self.own_chat(key, id)?
        };
        let scope = DestructionScope::Conversation(id);
        match self.administer(AdminCommand::Destroy { scope, actor: key.id.to_string() })? {
            AdminReply::Destroyed(report) => Ok((conversation.organization, report)),
            _ => Err(AdminError::Storage("the store gave an answer to another question".to_owned())),
        }
    }

    fn own_chat(&self, key: &ComplianceKey, id: ConversationId) -> Result<ConversationRecord, AdminError> {
        let found = self.reader().control()?.living_conversation(id)?;
        found.filter(|found| key.reach.covers(found.organization)).ok_or_else(outside)
    }
}

/// The ranges of conversations that a query takes.
fn orders(
    control: &ControlStore,
    reach: ComplianceReach,
    query: &ChatQuery,
) -> Result<Vec<ConversationOrder>, AdminError> {
    let known: Vec<OrganizationId> =
        control.organizations()?.into_iter().map(|known| known.id).filter(|id| reach.covers(*id)).collect();
    if !query.organizations.iter().all(|id| known.contains(id)) {
        return Err(outside());
    }
    let mut wanted = if query.organizations.is_empty() { known } else { query.organizations.clone() };
    wanted.sort_unstable();
    wanted.dedup();
    let Some(users) = &query.users else {
        let by_time = |id| {
            if query.is_by_update { ConversationOrder::Updated(id) } else { ConversationOrder::Created(id) }
        };
        return Ok(wanted.into_iter().map(by_time).collect());
    };
    let mut users = users.clone();
    users.sort_unstable();
    users.dedup();
    let mut orders = Vec::new();
    for user in users {
        let subject = control.subject(SubjectId::from_bytes(user))?;
        if let Some(subject) = subject.filter(|subject| wanted.contains(&subject.organization)) {
            orders.push(ConversationOrder::OfSubject(subject.id));
        }
    }
    Ok(orders)
}

fn chat(
    control: &ControlStore,
    conversation: &ConversationRecord,
    model: Option<String>,
) -> Result<Chat, AdminError> {
    let subject = control.subject(conversation.subject)?.filter(|subject| subject.erased_at.is_none());
    let user = match subject {
        None => None,
        Some(subject) => Some(ChatUser {
            id: user_id(subject.id.as_bytes()),
            email_address: control.logins_of(subject.id)?.into_iter().find(|login| login.contains('@')),
        }),
    };
    Ok(Chat {
        id: conversation.id.to_string(),
        // Titles are not kept.
        name: None,
        created_at: rfc3339(conversation.created_at),
        updated_at: rfc3339(conversation.last_active_at),
        deleted_at: conversation.deleted_at.map(rfc3339),
        href: None,
        model,
        organization_id: conversation.organization.to_string(),
        organization_uuid: conversation.organization.uuid(),
        project_id: None,
        user,
        other: OtherFields::new(),
    })
}

/// The records that are the organisation's to read and within the times that are asked for.
fn readable(records: Vec<StoredRecord>, query: &MessageQuery) -> Vec<StoredRecord> {
    let is_within = |record: &StoredRecord| {
        let at = record.created_at.as_microsecond();
        query.from.is_none_or(|from| from <= at) && query.until.is_none_or(|until| at < until)
    };
    // What is kept for another ground alone is not the organisation's to read here.
    records.into_iter().filter(|record| record.service.is_some() && is_within(record)).collect()
}

/// The messages that a record itself brought: of a request what it newly said, wherever its head and tail are kept.
fn messages_of(record: &RecordContent, tools: ToolLimits) -> Vec<Message> {
    let wire = record.row.wire.parse().unwrap_or(Wire::AnthropicMessages);
    let raw = if record.raw_is_text { record.raw.as_str() } else { "" };
    let message = |said: SaidMessage| Message {
        id: String::new(),
        role: said.role,
        created_at: rfc3339(record.row.created_at),
        content: said.content,
        files: None,
        generated_files: None,
        artifacts: None,
    };
    said(wire, raw, tools).into_iter().map(message).collect()
}

/// The message with its id, which is its place.
fn identified(place: MessagePlace, message: Message) -> Message {
    Message { id: format!("msg_{}_{}", place.record.uuid(), place.number), ..message }
}
