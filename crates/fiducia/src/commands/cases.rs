//! `cases open`, `cases add`, `cases close`, `cases list`

use fiducia_custody::{CaseRow, RetentionCommand, RetentionReply};

use super::done;
use crate::arguments::{CasesCommand, DataOptions};
use crate::edge::operating_system_user;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, escape_line, instant, instant_or};
use crate::session::Session;

pub(super) fn run(command: CasesCommand) -> Result<ExitStatus, Failure> {
    let actor = operating_system_user();
    match command {
        CasesCommand::Open { organization, name, data } => {
            let session = Session::open(&data)?;
            let organization = session.organization(&organization)?;
            change(session, RetentionCommand::OpenCase { organization, name, actor }, &data)
        }
        CasesCommand::Add { case, content, data } => {
            let said = format!("taken into {case}, as it is now, and kept for it until the case ends");
            let command = RetentionCommand::ExtendCase { case, content, actor };
            done::report(Session::open(&data)?, command, "extend-case", &said, &data)
        }
        CasesCommand::Close { case, data } => {
            change(Session::open(&data)?, RetentionCommand::CloseCase { case, actor }, &data)
        }
        CasesCommand::List { data } => list(&data),
    }
}

fn change(session: Session, command: RetentionCommand, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let RetentionReply::Case(row) = session.govern(command)? else {
        return Err(Failure::UnexpectedReply("case"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&row)?;
    } else {
        output.line(format_args!("case    {}", row.id))?;
        output.line(format_args!("name    {}", escape_line(&row.name)))?;
        output.line(format_args!("opened  {}", instant(row.opened_at)))?;
        if let Some(at) = row.closed_at {
            output.line(format_args!("closed  {}", instant(at)))?;
        }
        let end = instant_or(row.ends_at, "the policy sets no end while it is open");
        output.line(format_args!("ends    {end}"))?;
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn list(data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let RetentionReply::Cases(rows) = session.govern(RetentionCommand::ListCases)? else {
        return Err(Failure::UnexpectedReply("list-cases"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    output.list(&rows, "no investigations", table)?;
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn table(rows: &[CaseRow]) -> Table {
    let mut table = Table::new(&[
        ("CASE", Align::Left),
        ("NAME", Align::Left),
        ("OPENED", Align::Left),
        ("CLOSED", Align::Left),
        ("ENDS", Align::Left),
        ("ENDED", Align::Left),
    ]);
    for row in rows {
        table.row([
            row.id.to_string(),
            row.name.clone(),
            instant(row.opened_at),
            instant_or(row.closed_at, "-"),
            instant_or(row.ends_at, "-"),
            instant_or(row.ended_at, "-"),
        ]);
    }
    table
}
