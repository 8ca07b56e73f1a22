//! `flags add`, `flags list`, `feedback give`

use fiducia_custody::{FlagRow, RetentionCommand, RetentionReply};
use fiducia_policy::ConversationId;

use super::done;
use crate::arguments::{DataOptions, FeedbackCommand, FlagsCommand};
use crate::edge::operating_system_user;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, escape_line, instant, instant_or};
use crate::session::Session;

pub(super) fn run(command: FlagsCommand) -> Result<ExitStatus, Failure> {
    match command {
        FlagsCommand::Add { content, category, score, data } => {
            let actor = operating_system_user();
            add(RetentionCommand::Flag { content, category, score, actor }, &data)
        }
        FlagsCommand::List { conversation, data } => list(conversation, &data),
    }
}

/// `feedback give`
///
/// # Errors
/// When custody refused or failed.
pub(super) fn feedback(command: FeedbackCommand) -> Result<ExitStatus, Failure> {
    let FeedbackCommand::Give(given) = command;
    let session = Session::open(&given.data)?;
    let conversation = given.conversation;
    let said =
        format!("{conversation} is kept for the feedback on it, as it is now and as long as the policy says");
    let command = RetentionCommand::GiveFeedback { conversation };
    done::report(session, command, "give-feedback", &said, &given.data)
}

fn add(command: RetentionCommand, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let RetentionReply::Flag(row) = session.govern(command)? else {
        return Err(Failure::UnexpectedReply("flag"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&row)?;
    } else {
        output.line(format_args!("finding         {}", row.id))?;
        output.line(format_args!("category        {}", escape_line(&row.category)))?;
        let until = row.content_until.as_deref().unwrap_or("not kept for it");
        output.line(format_args!("content until   {until}"))?;
        output.line(format_args!(
            "finding until   {}",
            instant_or(row.score_ends_at, "the policy sets no end")
        ))?;
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn list(conversation: Option<ConversationId>, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let RetentionReply::Flags(rows) = session.govern(RetentionCommand::ListFlags { conversation })? else {
        return Err(Failure::UnexpectedReply("list-flags"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    output.list(&rows, "no findings", table)?;
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn table(rows: &[FlagRow]) -> Table {
    let mut table = Table::new(&[
        ("FINDING", Align::Left),
        ("OF", Align::Left),
        ("CATEGORY", Align::Left),
        ("SCORE", Align::Right),
        ("FOUND", Align::Left),
        ("CONTENT UNTIL", Align::Left),
        ("FINDING UNTIL", Align::Left),
    ]);
    for row in rows {
        table.row([
            row.id.to_string(),
            row.record.map_or_else(|| row.conversation.to_string(), |record| record.to_string()),
            row.category.clone(),
            row.score.map_or_else(|| "-".to_owned(), |score| format!("{score:.2}")),
            instant(row.flagged_at),
            row.content_until.clone().unwrap_or_else(|| "-".to_owned()),
            instant_or(row.score_ends_at, "-"),
        ]);
    }
    table
}
