//! `holds place`, `holds widen`, `holds release`, `holds acknowledge`, `holds list`

use fiducia_custody::{HoldRow, NewHold, RetentionCommand, RetentionReply};
use fiducia_policy::HoldScope;

use super::done;
use crate::arguments::{DataOptions, HoldsCommand};
use crate::edge::operating_system_user;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, count_of, escape_line, instant};
use crate::session::Session;

pub(super) fn run(command: HoldsCommand) -> Result<ExitStatus, Failure> {
    let actor = operating_system_user();
    match command {
        HoldsCommand::Place { organization, matter, authority, scope, custodians, reviewers, data } => {
            let session = Session::open(&data)?;
            let organization = session.organization(&organization)?;
            let scope = scope.into();
            let hold = NewHold { organization, matter, authority, scope, custodians, reviewers };
            change(session, RetentionCommand::PlaceHold { hold, actor }, &data)
        }
        HoldsCommand::Widen { hold, scope, data } => {
            let scope = scope.into();
            change(Session::open(&data)?, RetentionCommand::WidenHold { hold, scope, actor }, &data)
        }
        HoldsCommand::Release { hold, grace_days, data } => {
            change(Session::open(&data)?, RetentionCommand::ReleaseHold { hold, grace_days, actor }, &data)
        }
        HoldsCommand::Acknowledge { hold, custodian, data } => {
            let said = format!("`{custodian}` has confirmed {hold}");
            let command = RetentionCommand::AcknowledgeHold { hold, custodian };
            done::report(Session::open(&data)?, command, "acknowledge-hold", &said, &data)
        }
        HoldsCommand::List { data } => list(&data),
    }
}

fn change(session: Session, command: RetentionCommand, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let RetentionReply::Hold(row) = session.govern(command)? else {
        return Err(Failure::UnexpectedReply("hold"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&row)?;
    } else {
        for line in lines(&row) {
            output.line(line)?;
        }
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn lines(row: &HoldRow) -> Vec<String> {
    let mut lines = vec![
        format!("hold       {}", row.id),
        format!("matter     {}", escape_line(&row.matter)),
        format!("authority  {}", escape_line(&row.authority)),
        format!("covers     {}", escape_line(&covered(&row.scope))),
        format!("held       {}", held(row)),
    ];
    for (role, name, confirmed) in &row.people {
        let confirmed = if *confirmed { ", confirmed" } else { "" };
        lines.push(format!("{role:<9}  {}{confirmed}", escape_line(name)));
    }
    if let Some(why) = &row.out_of_scope {
        lines.push(format!("not held   {why}"));
    }
    if let Some(end) = row.ends_at {
        lines.push(format!("released   its key is destroyed at {}", instant(end)));
    }
    lines
}

/// How much of what was there before the hold has its key path.
fn held(row: &HoldRow) -> String {
    let records = count_of(row.records, "record");
    if row.is_complete || row.released_at.is_some() {
        records
    } else {
        format!("{records} so far; nothing ends until the next sweep has been through all")
    }
}

/// A scope in words.
fn covered(scope: &HoldScope) -> String {
    let mut parts = Vec::new();
    if !scope.subjects.is_empty() {
        let people: Vec<_> = scope.subjects.iter().map(ToString::to_string).collect();
        parts.push(format!("of {}", people.join(" or ")));
    }
    parts.extend(scope.from.map(|from| format!("from {}", instant(from))));
    parts.extend(scope.until.map(|until| format!("before {}", instant(until))));
    if !scope.models.is_empty() {
        parts.push(format!("with model {}", scope.models.join(" or ")));
    }
    if !scope.tags.is_empty() {
        parts.push(format!("tagged {}", scope.tags.join(" or ")));
    }
    if parts.is_empty() { "everything the organisation keeps".to_owned() } else { parts.join(", ") }
}

fn list(data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let RetentionReply::Holds(rows) = session.govern(RetentionCommand::ListHolds)? else {
        return Err(Failure::UnexpectedReply("list-holds"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    output.list(&rows, "no holds", table)?;
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn table(rows: &[HoldRow]) -> Table {
    let mut table = Table::new(&[
        ("HOLD", Align::Left),
        ("MATTER", Align::Left),
        ("AUTHORITY", Align::Left),
        ("COVERS", Align::Left),
        ("HELD", Align::Right),
        ("PLACED", Align::Left),
        ("STATE", Align::Left),
    ]);
    for row in rows {
        let state = match (row.ended_at, row.ends_at) {
            (Some(at), _) => format!("ended {}", instant(at)),
            (None, Some(at)) => format!("released, ends {}", instant(at)),
            (None, None) if row.is_complete => "in force".to_owned(),
            (None, None) => "in force, not complete".to_owned(),
        };
        table.row([
            row.id.to_string(),
            row.matter.clone(),
            row.authority.clone(),
            covered(&row.scope),
            row.records.to_string(),
            instant(row.placed_at),
            state,
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_reads_as_a_sentence() {
        let check = |scope: HoldScope, expect: &str| assert_eq!(covered(&scope), expect);
        check(HoldScope::default(), "everything the organisation keeps");
        let scope = HoldScope {
            from: Some("2026-01-01T00:00:00Z".parse().unwrap()),
            models: vec!["a".to_owned(), "b*".to_owned()],
            tags: vec!["x".to_owned()],
            ..HoldScope::default()
        };
        check(scope, "from 2026-01-01T00:00:00Z, with model a or b*, tagged x");
    }
}
