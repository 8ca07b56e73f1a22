//! `access request`, `list`, `show`, `approve`, `deny`, `withdraw`, `read`, `reveal`, `end`, `review`, `lockbox`, `notices`

use std::path::Path;

use fiducia_custody::{
    AccessActor, AccessCommand, AccessNoticeRow, AccessReply, AccessRequest, AdminCommand, AdminReply,
    LookTarget, SessionContent,
};
use fiducia_policy::{AccessReview, AccessScope, AccessSession, Sight};

use super::records;
use crate::arguments::{AccessCommands, AccessOptions, AskArguments, LookArguments};
use crate::edge::operating_system_user;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, escape_line, instant, instant_or};
use crate::session::Session;

/// Where the token of an account may stand.
const TOKEN_VARIABLE: &str = "FIDUCIA_TOKEN";
/// Longest file with a token, in bytes.
const TOKEN_BYTES_MAX: usize = 1_024;

pub(super) fn run(command: AccessCommands) -> Result<ExitStatus, Failure> {
    match command {
        AccessCommands::Request(arguments) => request(arguments),
        AccessCommands::List { organization, live, limit, options } => {
            let session = Session::open(&options.data)?;
            let organization = session.organization_if(organization.as_deref())?;
            let command = AccessCommand::List { organization, live_only: live, limit, before: None };
            let AccessReply::Sessions(rows) = send(session, command, &options)? else {
                return Err(Failure::UnexpectedReply("access list"));
            };
            let mut output = Output::standard(options.data.json);
            output.list(&rows, "no sessions", table)?;
            output.finish()?;
            Ok(ExitStatus::Success)
        }
        AccessCommands::Show(arguments) => show(&arguments.options, arguments.session),
        AccessCommands::Approve { remark, arguments } => {
            step(AccessCommand::Approve { session: arguments.session, remark }, &arguments.options)
        }
        AccessCommands::Deny { remark, arguments } => {
            step(AccessCommand::Deny { session: arguments.session, remark }, &arguments.options)
        }
        AccessCommands::Withdraw(arguments) => {
            step(AccessCommand::Withdraw { session: arguments.session }, &arguments.options)
        }
        AccessCommands::Read(arguments) => look(arguments, None),
        AccessCommands::Reveal(arguments) => look(arguments, Some(Sight::Plain)),
        AccessCommands::End(arguments) => {
            step(AccessCommand::End { session: arguments.session }, &arguments.options)
        }
        AccessCommands::Review { justified, not_justified: _, remark, arguments } => {
            step(AccessCommand::Review { session: arguments.session, justified, remark }, &arguments.options)
        }
        AccessCommands::Lockbox { organization, on, off, options } => {
            lockbox(&organization, (on || off).then_some(on), &options)
        }
        AccessCommands::Notices { organization, limit, options } => notices(&organization, limit, &options),
    }
}

/// Who gives the command: the account of the token, else whoever works at this machine.
fn actor(options: &AccessOptions) -> Result<AccessActor, Failure> {
    let token = match &options.token_file {
        Some(path) => Some(token_in(path)?),
        None => std::env::var(TOKEN_VARIABLE).ok(),
    };
    Ok(token.map_or_else(
        || AccessActor::Operator(operating_system_user()),
        |token| AccessActor::Token(token.trim().to_owned()),
    ))
}

fn token_in(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::Argument(format!("{}: the token cannot be read: {error}", path.display()))
    })?;
    if text.len() > TOKEN_BYTES_MAX {
        return Err(Failure::Argument(format!("{}: this is no token", path.display())));
    }
    Ok(text)
}

fn send(session: Session, command: AccessCommand, options: &AccessOptions) -> Result<AccessReply, Failure> {
    let reply = session.send(AdminCommand::Access { actor: actor(options)?, command })?;
    session.close();
    match reply {
        AdminReply::Access(reply) => Ok(*reply),
        _ => Err(Failure::UnexpectedReply("access")),
    }
}

fn request(arguments: AskArguments) -> Result<ExitStatus, Failure> {
    let AskArguments {
        conversation,
        records,
        case,
        hold,
        reason,
        ticket,
        ground,
        minutes,
        break_glass,
        options,
    } = arguments;
    let scope = match (conversation, case, hold) {
        (Some(id), ..) => AccessScope::Conversation(id),
        (_, Some(id), _) => AccessScope::Case(id),
        (.., Some(id)) => AccessScope::Hold(id),
        _ => AccessScope::Records(records),
    };
    let seconds = Some(minutes.saturating_mul(60));
    let request = AccessRequest { scope, reason, ticket, ground, seconds, break_glass };
    step(AccessCommand::Ask { request }, &options)
}

fn step(command: AccessCommand, options: &AccessOptions) -> Result<ExitStatus, Failure> {
    let AccessReply::Session(session) = send(Session::open(&options.data)?, command, options)? else {
        return Err(Failure::UnexpectedReply("access"));
    };
    let mut output = Output::standard(options.data.json);
    if output.json() {
        output.value(&session)?;
    } else {
        print(&mut output, &session)?;
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn print(output: &mut Output, session: &AccessSession) -> Result<(), Failure> {
    output.line(format_args!("session  {}", session.id))?;
    output.line(format_args!("state    {}", session.state))?;
    output.line(format_args!("about    {}", scope_of(session)))?;
    output.line(format_args!("why      {}, {}", session.reason.name(), session.ticket))?;
    output.line(format_args!("reads    for the ground {}", session.ground.name()))?;
    if session.due_at().is_some() && session.opened_at.is_none() {
        output.line(format_args!("waits    for {}, until {}", session.needs, instant(session.answer_by)))?;
    }
    if let Some(end) = session.expires_at {
        output.line(format_args!("until    {}", instant(end)))?;
    }
    output.line(format_args!("looks    {} at {} records", session.looks, session.records))?;
    if let (Some(at), Some(end)) = (session.ended_at, session.end) {
        output.line(format_args!("ended    {} by {end}", instant(at)))?;
    }
    match session.review {
        Some(AccessReview::Due { by }) => output.line(format_args!("review   due by {}", instant(by))),
        Some(AccessReview::Done { at, justified, .. }) => {
            let found = if justified { "justified" } else { "not justified" };
            output.line(format_args!("review   {} at {}", found, instant(at)))
        }
        None => Ok(()),
    }
}

fn scope_of(session: &AccessSession) -> String {
    match &session.scope {
        AccessScope::Records(records) => format!("{} records", records.len()),
        AccessScope::Conversation(id) => id.to_string(),
        AccessScope::Case(id) => id.to_string(),
        AccessScope::Hold(id) => id.to_string(),
        AccessScope::Request(id) => id.to_string(),
    }
}

fn table(rows: &[AccessSession]) -> Table {
    let mut table = Table::new(&[
        ("OF", Align::Left),
        ("STATE", Align::Left),
        ("READER", Align::Left),
        ("WHY", Align::Left),
        ("TICKET", Align::Left),
        ("ASKED", Align::Left),
        ("UNTIL", Align::Left),
        ("RECORDS", Align::Right),
    ]);
    for row in rows {
        table.row([
            row.id.to_string(),
            row.state.to_string(),
            row.reader.person.to_string(),
            row.reason.name().to_owned(),
            row.ticket.clone(),
            instant(row.asked_at),
            instant_or(row.ended_at.or(row.due_at()), "-"),
            row.records.to_string(),
        ]);
    }
    table
}

fn show(options: &AccessOptions, session: fiducia_policy::AccessSessionId) -> Result<ExitStatus, Failure> {
    let reply = send(Session::open(&options.data)?, AccessCommand::Show { session }, options)?;
    let AccessReply::Detail(detail) = reply else { return Err(Failure::UnexpectedReply("access show")) };
    let mut output = Output::standard(options.data.json);
    if output.json() {
        output.value(&detail)?;
    } else {
        print(&mut output, &detail.session)?;
        for approval in &detail.session.approvals {
            output.line(format_args!("agreed   {} at {}", approval.by.person, instant(approval.at)))?;
        }
        for conversation in &detail.conversations {
            output.line(format_args!("has      {conversation}"))?;
        }
        for remark in &detail.remarks {
            let said = remark.text.as_deref().unwrap_or("the key to what was said cannot be used now");
            output.line(format_args!(
                "said     {} {}: {}",
                instant(remark.at),
                remark.answer,
                escape_line(said)
            ))?;
        }
        for look in &detail.looks {
            output.line(format_args!(
                "looked   {} at {} records, entry {} of the log",
                instant(look.at),
                look.records,
                look.ledger_index
            ))?;
        }
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn look(arguments: LookArguments, sight: Option<Sight>) -> Result<ExitStatus, Failure> {
    let LookArguments { session, conversation, records, after, options } = arguments;
    let target = LookTarget { conversation, records, after };
    let reply =
        send(Session::open(&options.data)?, AccessCommand::Look { session, target, sight }, &options)?;
    let AccessReply::Content(content) = reply else { return Err(Failure::UnexpectedReply("access read")) };
    let mut output = Output::standard(options.data.json);
    if output.json() {
        output.value(&content)?;
    } else {
        print_content(&mut output, &content)?;
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn print_content(output: &mut Output, content: &SessionContent) -> Result<(), Failure> {
    output.line(format_args!("session       {}, {}", content.session, content.sight))?;
    records::print(output, &content.content, false, false)?;
    if content.has_more {
        let last = content.content.records.last().map(|record| record.row.id.to_string());
        output.line("")?;
        output.line(format_args!("There is more: go on with --after {}", last.unwrap_or_default()))?;
    }
    Ok(())
}

fn lockbox(name: &str, enabled: Option<bool>, options: &AccessOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(&options.data)?;
    let organization = session.organization(name)?;
    let reply = send(session, AccessCommand::Lockbox { organization, enabled }, options)?;
    let AccessReply::Lockbox(enabled) = reply else { return Err(Failure::UnexpectedReply("access lockbox")) };
    let mut output = Output::standard(options.data.json);
    if output.json() {
        output.value(&serde_json::json!({ "organization": organization, "lockbox": enabled }))?;
    } else if enabled {
        output.line("on: an administrator must agree to each session before it opens")?;
    } else {
        output.line("off: the access policies alone decide")?;
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn notices(name: &str, limit: u32, options: &AccessOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(&options.data)?;
    let organization = session.organization(name)?;
    let command = AccessCommand::Notices { organization, limit, seen_up_to: None };
    let AccessReply::Notices(rows) = send(session, command, options)? else {
        return Err(Failure::UnexpectedReply("access notices"));
    };
    let mut output = Output::standard(options.data.json);
    output.list(&rows, "nothing to tell", notice_table)?;
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn notice_table(rows: &[AccessNoticeRow]) -> Table {
    let columns =
        [("AT", Align::Left), ("WHAT", Align::Left), ("SESSION", Align::Left), ("SEEN", Align::Left)];
    let mut table = Table::new(&columns);
    for row in rows {
        table.row([
            instant(row.at),
            row.kind.to_string(),
            row.session.map(|id| id.to_string()).or(row.key.map(|id| id.to_string())).unwrap_or_default(),
            instant_or(row.seen_at, "-"),
        ]);
    }
    table
}
