//! `/v1/compliance/apps/chats`: conversations as chats, their messages, their destruction.

use axum::Json;
use fiducia_custody::{ChatQuery, MessagePlace, MessageQuery};
use fiducia_policy::{ComplianceScope, ConversationId, RecordId};
use fiducia_wire::compliance::{Chat, ChatMessages, CursorPage, Deleted, ToolLimits};

use super::caller::Call;
use super::cursor::{List, place_of};
use super::failure::Failure;

/// Chats of a page when nobody says.
const CHATS_DEFAULT: u32 = 100;
/// Chats, and messages, of a page at most.
const LIMIT_MAX: u32 = 1_000;
/// People that may be named.
const USERS_MAX: usize = 10;

/// Chats, oldest first.
pub(super) async fn list(mut call: Call) -> Result<Json<CursorPage<Chat>>, Failure> {
    call.require(ComplianceScope::ReadUserData)?;
    let reach = call.caller.key.reach;
    let users = call.users("user_ids")?;
    let projects = call.query.take_all("project_ids")?;
    let organizations = call.organizations()?;
    let created = call.query.range("created_at")?;
    let updated = call.query.range("updated_at")?;
    let is_by_update = match call.query.take("order_by")?.as_deref() {
        None | Some("created_at") => false,
        Some("updated_at") => true,
        Some(_) => return Err(invalid("order_by: expected `created_at` or `updated_at`")),
    };
    if users.len() > USERS_MAX {
        return Err(invalid("user_ids[]: expected 1 to 10 ids"));
    }
    if users.is_empty() && !projects.is_empty() {
        return Err(invalid("project_ids[]: can only be used with user_ids[]"));
    }
    if !users.is_empty() && (is_by_update || !updated.is_open()) {
        return Err(invalid("order_by: with user_ids[] chats are ordered and filtered by created_at only"));
    }
    let (range, other) = if is_by_update { (updated, created) } else { (created, updated) };
    if !other.is_open() {
        return Err(invalid("order_by: must be the time that is filtered by"));
    }
    let endpoint = if is_by_update { "chats by update" } else { "chats" };
    let list = List { endpoint, reach, named: "" };
    let limit = call.query.limit(CHATS_DEFAULT, LIMIT_MAX)?;
    let cursor = call.row_cursor(list)?;
    if users.is_empty() && matches!(cursor, Some(fiducia_custody::PageCursor::Before(_))) {
        return Err(invalid("before_id: can only be used with user_ids[]"));
    }
    std::mem::take(&mut call.query).finish()?;
    let query = ChatQuery {
        organizations,
        // Nothing is in a project here, so nobody's chats are in the named ones.
        users: if projects.is_empty() { (!users.is_empty()).then_some(users) } else { Some(Vec::new()) },
        from: range.from,
        until: range.until,
        is_by_update,
        cursor,
        limit,
    };
    let named = query.organizations.clone();
    let page = call.ask(move |custody| custody.chats(reach, &query)).await?;
    call.touches(named.into_iter().chain(page.organizations));
    let written =
        |key: fiducia_custody::ActivityKey| call.shared.cursors.write(list, &place_of(key.at, &key.id));
    let (first_id, last_id) = page.ends.map(|(first, last)| (written(first), written(last))).unzip();
    Ok(Json(CursorPage { data: page.data, has_more: page.has_more, first_id, last_id }))
}

/// What was said in a chat.
pub(super) async fn messages(mut call: Call) -> Result<Json<ChatMessages>, Failure> {
    call.require(ComplianceScope::ReadUserData)?;
    let id: ConversationId = call.named(0)?;
    let named = id.uuid();
    let list = List { endpoint: "messages", reach: call.caller.key.reach, named: &named };
    let query = message_query(&mut call, list)?;
    std::mem::take(&mut call.query).finish()?;
    let key = call.caller.key.clone();
    let page = call.ask(move |custody| custody.chat_messages(&key, id, &query)).await?;
    call.touches([page.organization]);
    let written = |place: MessagePlace| {
        let bytes = [&place.record.as_bytes()[..], &place.number.to_be_bytes()].concat();
        call.shared.cursors.write(list, &bytes)
    };
    let (first_id, last_id) = page.ends.map(|(first, last)| (written(first), written(last))).unzip();
    let (chat, chat_messages, has_more) = (page.chat, page.messages, page.has_more);
    Ok(Json(ChatMessages { chat, chat_messages, has_more, first_id, last_id }))
}

fn message_query(call: &mut Call, list: List<'_>) -> Result<MessageQuery, Failure> {
    let is_newest_first = !call.is_oldest_first(true)?;
    let range = call.query.range("created_at")?;
    let limit = match call.query.take("limit")? {
        None => None,
        Some(text) => {
            let given = text.parse::<u32>().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
            Some(given.ok_or_else(|| invalid("limit: expected a number from 1 to 1000"))?)
        }
    };
    let tools = ToolLimits {
        input: characters(call, "tool_use_input_max_chars")?,
        result: characters(call, "tool_result_max_chars")?,
    };
    let (after, before) = (call.query.take("after_id")?, call.query.take("before_id")?);
    if after.is_some() && before.is_some() {
        return Err(invalid("after_id and before_id cannot be used together"));
    }
    let place = |parameter: &str, text: Option<String>| -> Result<Option<MessagePlace>, Failure> {
        let Some(text) = text else { return Ok(None) };
        let refused = || invalid(&format!("{parameter}: this is no cursor of this list"));
        let bytes = call.shared.cursors.read(list, parameter, &text)?;
        let (record, number) = bytes.split_at_checked(16).ok_or_else(refused)?;
        let record = RecordId::from_bytes(record.try_into().map_err(|_| refused())?);
        let number = u32::from_be_bytes(number.try_into().map_err(|_| refused())?);
        Ok(Some(MessagePlace { record, number }))
    };
    Ok(MessageQuery {
        is_newest_first,
        from: range.from,
        until: range.until,
        after: place("after_id", after)?,
        before: place("before_id", before)?,
        limit,
        tools,
    })
}

/// How many characters are shown; -1 for all.
fn characters(call: &mut Call, parameter: &str) -> Result<Option<usize>, Failure> {
    let refused = || invalid(&format!("{parameter}: expected a number from 0 on, or -1 for all"));
    match call.query.take(parameter)?.as_deref() {
        None | Some("-1") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| refused()),
    }
}

/// Destroys a chat.
pub(super) async fn delete(mut call: Call) -> Result<Json<Deleted>, Failure> {
    call.require(ComplianceScope::DeleteUserData)?;
    let id: ConversationId = call.named(0)?;
    std::mem::take(&mut call.query).finish()?;
    let key = call.caller.key.clone();
    let (organization, _) = call.ask(move |custody| custody.delete_chat(&key, id)).await?;
    call.touches([organization]);
    Ok(Json(Deleted { id: id.to_string(), kind: "claude_chat_deleted".to_owned() }))
}

/// Files, artifacts and projects: none are kept, so none is found.
pub(super) async fn nothing(call: Call) -> Result<Json<Deleted>, Failure> {
    call.require(ComplianceScope::ReadUserData)?;
    Err(Failure::NotFound)
}

/// Deletes a file: there is none, so that none is found, for a key that might have.
pub(super) async fn delete_nothing(call: Call) -> Result<Json<Deleted>, Failure> {
    call.require(ComplianceScope::DeleteUserData)?;
    Err(Failure::NotFound)
}

fn invalid(text: &str) -> Failure {
    Failure::Invalid(text.to_owned())
}
