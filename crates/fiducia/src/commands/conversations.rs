//! `conversations list`, and what a person wishes with one: `delete`, `restore`, `keep`, `let-go`, `tag`.

use fiducia_custody::{
    AdminCommand, AdminReply, ConversationRow, ConversationWish, RetentionCommand, RetentionReply,
};
use fiducia_policy::WarningId;

use super::done;
use crate::arguments::{ConversationsCommand, DataOptions, WishArguments};
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, instant, instant_or};
use crate::session::Session;

pub(super) fn run(command: ConversationsCommand) -> Result<ExitStatus, Failure> {
    match command {
        ConversationsCommand::List { organization, subject, deleted, limit, after, data } => {
            let session = Session::open(&data)?;
            let organization = session.organization_if(organization.as_deref())?;
            list(
                session,
                AdminCommand::ListConversations { organization, subject, deleted, limit, after },
                limit,
                &data,
            )
        }
        ConversationsCommand::Delete(whose) => wish(&whose, ConversationWish::Delete),
        ConversationsCommand::Restore(whose) => wish(&whose, ConversationWish::Restore),
        ConversationsCommand::Keep(whose) => wish(&whose, ConversationWish::Keep),
        ConversationsCommand::KeepWarned { warning, data } => keep_warned(warning, &data),
        ConversationsCommand::LetGo(whose) => wish(&whose, ConversationWish::LetGo),
        ConversationsCommand::Tag { conversation, tag, remove, data } => {
            let said = if remove {
                format!("{conversation} has the tag `{tag}` no longer; no hold lets go of what it took in")
            } else {
                format!("{conversation} has the tag `{tag}`; a hold that names it has taken it in")
            };
            let command = RetentionCommand::Tag { conversation, tag, present: !remove };
            done::report(Session::open(&data)?, command, "tag", &said, &data)
        }
    }
}

fn list(
    session: Session,
    command: AdminCommand,
    limit: u32,
    data: &DataOptions,
) -> Result<ExitStatus, Failure> {
    let AdminReply::Conversations(rows) = session.send(command)? else {
        return Err(Failure::UnexpectedReply("list-conversations"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    output.list(&rows, "no conversations", table)?;
    output.finish()?;
    let full = u32::try_from(rows.len()).is_ok_and(|length| length >= limit);
    if let (true, Some(last)) = (full && !data.json, rows.last()) {
        crate::output::remark(format_args!("there may be more: add --after {}", last.id));
    }
    Ok(ExitStatus::Success)
}

/// Keeps what a warning was about, some at a time, until nothing is left of it.
fn keep_warned(warning: WarningId, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let mut kept = Vec::new();
    loop {
        let RetentionReply::Kept(more) = session.govern(RetentionCommand::KeepWarned { warning })? else {
            return Err(Failure::UnexpectedReply("keep-warned"));
        };
        if more.is_empty() {
            break;
        }
        kept.extend(more);
    }
    session.close();
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&serde_json::json!({ "kept": kept }))?;
    } else if kept.is_empty() {
        output.line("nothing is left to be kept: all of it was kept, went on or was deleted before")?;
    } else {
        for conversation in &kept {
            output.line(format_args!("{conversation} is kept"))?;
        }
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

/// Carries a wish out, then says when the conversation ends now.
fn wish(whose: &WishArguments, wish: ConversationWish) -> Result<ExitStatus, Failure> {
    let conversation = whose.conversation;
    let session = Session::open(&whose.data)?;
    let index = done::carry_out(&session, RetentionCommand::Wish { conversation, wish }, "wish")?;
    let AdminReply::Conversations(rows) = session.send(AdminCommand::FindConversation { conversation })?
    else {
        return Err(Failure::UnexpectedReply("find-conversation"));
    };
    session.close();
    let Some(row) = rows.first() else { return Err(Failure::UnexpectedReply("find-conversation")) };
    let mut output = Output::standard(whose.data.json);
    if output.json() {
        output.value(&serde_json::json!({ "ledger_index": index, "conversation": row }))?;
    } else {
        output.line(said(row, wish))?;
        if let Some(index) = index {
            output.line(format_args!("ledger entry  {index}"))?;
        }
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn said(row: &ConversationRow, wish: ConversationWish) -> String {
    let id = row.id;
    let ends = match row.ends_at {
        Some(at) => format!("it ends at {}", instant(at)),
        None => "nothing that has happened so far ends it".to_owned(),
    };
    match (wish, row.ends_at) {
        (ConversationWish::Delete, Some(at)) => format!(
            "{id} is hidden now and destroyed with the first sweep after {}; `conversations restore` takes it back until then",
            instant(at)
        ),
        (ConversationWish::Delete, None) => {
            format!("{id} is hidden now; nothing of it was kept for the person's own use")
        }
        (ConversationWish::Restore, _) => format!("{id} is there again; {ends}"),
        (ConversationWish::Keep, _) => format!("{id} is kept beyond its end; {ends}"),
        (ConversationWish::LetGo, _) => format!("{id} is not kept beyond its end; {ends}"),
    }
}

fn table(rows: &[ConversationRow]) -> Table {
    let mut table = Table::new(&[
        ("CONVERSATION", Align::Left),
        ("SUBJECT", Align::Left),
        ("RECORDS", Align::Right),
        ("BEGAN", Align::Left),
        ("LAST ACTIVE", Align::Left),
        ("DELETED", Align::Left),
        ("ENDS", Align::Left),
        ("DESTROYED", Align::Left),
    ]);
    for row in rows {
        table.row([
            row.id.to_string(),
            row.subject.to_string(),
            // What a destroyed conversation had is counted still, but nothing of it is there.
            if row.destroyed_at.is_some() { "-".into() } else { row.records.to_string() },
            instant(row.created_at),
            instant(row.last_active_at),
            instant_or(row.deleted_at, "-"),
            ending(row),
            instant_or(row.destroyed_at, "-"),
        ]);
    }
    table
}

fn ending(row: &ConversationRow) -> String {
    if row.destroyed_at.is_some() {
        return "-".to_owned();
    }
    let announced = if row.warned_at.is_some() { ", announced" } else { "" };
    row.ends_at.map_or_else(|| "-".to_owned(), |at| format!("{}{announced}", instant(at)))
}
