//! `records list`, `records show`, `records explain`, `records delete`

use fiducia_custody::{
    AdminCommand, AdminReply, ConversationContent, ConversationRow, DestructionScope, RecordContent,
    RecordRow, RetentionCommand, RetentionReply,
};
use fiducia_policy::{AccessReason, ConversationId, GroundKind, RecordId, Sight};

use super::destruction;
use crate::arguments::{DataOptions, RecordsCommand, reasons_list};
use crate::edge::operating_system_user;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, bytes_of, count_of, escape_line, instant, instant_or};
use crate::session::Session;

pub(super) fn run(command: RecordsCommand) -> Result<ExitStatus, Failure> {
    match command {
        RecordsCommand::List { conversation, conversations, data } => {
            list(conversation, conversations, &data)
        }
        RecordsCommand::Show { target, reason, ticket, ground, reveal, raw, data } => {
            show(Reading { target, reason, ticket, ground, reveal, raw }, &data)
        }
        RecordsCommand::Explain { record, data } => explain(record, &data),
        RecordsCommand::Delete { target, yes, data } => destruction::destroy(target, yes, &data),
    }
}

/// A record with the conversation it is part of, as lists show it.
#[derive(serde::Serialize)]
struct Listed {
    conversation: ConversationId,
    #[serde(flatten)]
    record: RecordRow,
}

fn list(
    conversation: Option<ConversationId>,
    latest: u32,
    data: &DataOptions,
) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let conversations = match conversation {
        Some(conversation) => vec![conversation],
        None => latest_conversations(&session, latest)?,
    };
    let mut rows = Vec::new();
    for conversation in conversations {
        let AdminReply::Records(records) = session.send(AdminCommand::ListRecords { conversation })? else {
            return Err(Failure::UnexpectedReply("list-records"));
        };
        rows.extend(records.into_iter().map(|record| Listed { conversation, record }));
    }
    session.close();
    let mut output = Output::standard(data.json);
    output.list(&rows, "no records", table)?;
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn latest_conversations(session: &Session, limit: u32) -> Result<Vec<ConversationId>, Failure> {
    let command = AdminCommand::ListConversations {
        organization: None,
        subject: None,
        deleted: false,
        limit,
        after: None,
    };
    let AdminReply::Conversations(rows) = session.send(command)? else {
        return Err(Failure::UnexpectedReply("list-conversations"));
    };
    let alive = |row: &ConversationRow| row.destroyed_at.is_none();
    Ok(rows.into_iter().filter(alive).map(|row| row.id).collect())
}

fn table(rows: &[Listed]) -> Table {
    let mut table = Table::new(&[
        ("CONVERSATION", Align::Left),
        ("RECORD", Align::Left),
        ("KIND", Align::Left),
        ("WIRE", Align::Left),
        ("MODEL", Align::Left),
        ("CAPTURED", Align::Left),
        ("SEALED", Align::Right),
        ("KEPT BY", Align::Left),
    ]);
    for Listed { conversation, record } in rows {
        let grounds: Vec<String> = record
            .grounds
            .iter()
            .map(|(ground, until)| match until {
                Some(until) => format!("{} until {}", ground.name(), instant(*until)),
                None => ground.name().to_owned(),
            })
            .collect();
        table.row([
            conversation.to_string(),
            record.id.to_string(),
            record.kind.clone(),
            record.wire.clone(),
            if record.model.is_empty() { "-".into() } else { record.model.clone() },
            instant(record.created_at),
            bytes_of(record.sealed_bytes),
            grounds.join(", "),
        ]);
    }
    table
}

fn explain(record: RecordId, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let RetentionReply::Explanation(explanation) = session.govern(RetentionCommand::Explain { record })?
    else {
        return Err(Failure::UnexpectedReply("explain"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&explanation)?;
    } else {
        let (captured, current) = explanation.policies;
        output.line(format_args!("record   {}", explanation.record))?;
        output.line(format_args!("policy   captured under {captured}, {current} is in force"))?;
        output.line("")?;
        output.line("Paths to it:")?;
        for path in &explanation.paths {
            let state = if path.is_open { "key is there" } else { "key is gone" };
            let until = instant_or(path.until, "an event ends it");
            output.line(format_args!(
                "  {}: {state}, until {until}, for {}",
                path.ground.name(),
                escape_line(&path.because)
            ))?;
        }
        if explanation.paths.is_empty() {
            output.line("  none: nobody can read it")?;
        }
        output.line("")?;
        output.line(format_args!("What policy {current} says:"))?;
        output.foreign(explanation.rules.trim_end())?;
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

/// What is to be read, and why.
struct Reading {
    target: DestructionScope,
    reason: Option<AccessReason>,
    ticket: Option<String>,
    ground: Option<GroundKind>,
    reveal: bool,
    raw: bool,
}

fn show(reading: Reading, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let Some(reason) = reading.reason else {
        return Err(Failure::Argument(format!(
            "reading needs a reason, which goes into the ledger before anything is decrypted; nothing was read. \
             Add --reason with one of:\n{}",
            reasons_list()
        )));
    };
    let session = Session::open(data)?;
    let command = AdminCommand::ShowRecords {
        target: reading.target,
        actor: operating_system_user(),
        reason,
        ticket: reading.ticket,
        ground: reading.ground,
        reveal: reading.reveal,
    };
    let AdminReply::Content(content) = session.send(command)? else {
        return Err(Failure::UnexpectedReply("show-records"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&content)?;
    } else {
        let whole = matches!(reading.target, DestructionScope::Conversation(_));
        print(&mut output, &content, whole, reading.raw)?;
        if content.sight == Sight::Blurred {
            output.line("")?;
            output.line("This was flagged, so it is blurred at first: add --reveal to see it as it is")?;
        }
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

/// Prints what was read; `whole` says that it is a whole conversation rather than one record of it.
pub(super) fn print(
    output: &mut Output,
    content: &ConversationContent,
    whole: bool,
    raw: bool,
) -> Result<(), Failure> {
    output.line(format_args!("conversation  {}", content.conversation))?;
    output.line(format_args!(
        "ledger entry  {}, durable before anything was decrypted",
        content.ledger_index
    ))?;
    output.line(format_args!("leaf hash     {}", content.ledger_leaf_hash))?;
    for record in &content.records {
        let row = &record.row;
        output.line("")?;
        output.line(format_args!("{} {} {} {}", row.id, row.kind, row.wire, instant(row.created_at)))?;
        if !row.model.is_empty() {
            output.line(format_args!("model {}", escape_line(&row.model)))?;
        }
        if let Some(status) = record.status {
            let outcome = record.outcome.and_then(|outcome| serde_json::to_value(outcome).ok());
            let outcome = outcome.as_ref().and_then(serde_json::Value::as_str).unwrap_or("complete");
            output.line(format_args!("status {status}, {outcome}"))?;
        }
        for (ground, until) in &row.grounds {
            let until = instant_or(*until, "something ends it: `fiducia records explain` says what");
            output.line(format_args!("kept by {} until {until}", ground.name()))?;
        }
        if record.messages_elided > 0 {
            let elided = count_of(record.messages_elided, "earlier message");
            output.line(format_args!("({elided} came again; stored once, in an earlier record)"))?;
        }
        body(output, record, raw)?;
        if row.kind == "request" && whole && !answered(content, record) {
            output.line("(no answer to this request is stored)")?;
        }
    }
    Ok(())
}

fn body(output: &mut Output, record: &RecordContent, raw: bool) -> Result<(), Failure> {
    if !raw && record.texts.is_empty() && record.messages_elided > 0 {
        return output.line("(nothing else was said; --raw shows the parameters that were sent)");
    }
    if raw || record.texts.is_empty() {
        return output.foreign(&record.raw);
    }
    for (role, text) in &record.texts {
        // What an embedding is made of has no role.
        let role = if role.is_empty() { "input" } else { role };
        output.line(format_args!("[{}]", escape_line(role)))?;
        output.foreign(text)?;
    }
    Ok(())
}

fn answered(content: &ConversationContent, request: &RecordContent) -> bool {
    let of_same = |record: &&RecordContent| record.row.exchange == request.row.exchange;
    content.records.iter().filter(of_same).any(|record| record.row.kind == "answer")
}
