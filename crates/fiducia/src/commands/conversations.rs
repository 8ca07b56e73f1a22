//! `conversations list`

use fiducia_custody::{AdminCommand, AdminReply, ConversationRow};

use crate::arguments::ConversationsCommand;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, instant, instant_or};
use crate::session::Session;

pub(super) fn run(command: ConversationsCommand) -> Result<ExitStatus, Failure> {
    let ConversationsCommand::List { organization, subject, limit, after, data } = command;
    let session = Session::open(&data)?;
    let organization = session.organization_if(organization.as_deref())?;
    let command = AdminCommand::ListConversations { organization, subject, limit, after };
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

fn table(rows: &[ConversationRow]) -> Table {
    let mut table = Table::new(&[
        ("CONVERSATION", Align::Left),
        ("SUBJECT", Align::Left),
        ("RECORDS", Align::Right),
        ("BEGAN", Align::Left),
        ("LAST ACTIVE", Align::Left),
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
            instant_or(row.destroyed_at, "-"),
        ]);
    }
    table
}
