//! `retention preview`, `retention status`

use fiducia_custody::{CaseRow, HoldRow, PolicyRow, RetentionCommand, RetentionProgress, RetentionReply};

use super::sweep;
use crate::arguments::{DataOptions, RetentionArguments};
use crate::failure::{ExitStatus, Failure};
use crate::output::{Output, count_of, escape_line};
use crate::session::Session;

pub(super) fn run(command: RetentionArguments) -> Result<ExitStatus, Failure> {
    match command {
        RetentionArguments::Preview { data } => preview(&data),
        RetentionArguments::Status { data } => status(&data),
    }
}

fn preview(data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let would = previewed(&session)?;
    session.close();
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&would)?;
    } else {
        output.line("A sweep now would do this; nothing was done.")?;
        for line in sweep::lines(&would) {
            output.line(line)?;
        }
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn previewed(session: &Session) -> Result<RetentionProgress, Failure> {
    match session.govern(RetentionCommand::Preview)? {
        RetentionReply::Progress(would) => Ok(would),
        _ => Err(Failure::UnexpectedReply("preview")),
    }
}

/// What decides and what waits.
#[derive(serde::Serialize)]
struct Status {
    policy: Option<PolicyRow>,
    due: RetentionProgress,
    holds_in_force: u64,
    holds_incomplete: u64,
    holds_released: u64,
    cases_open: u64,
    cases_closed: u64,
}

fn status(data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let status = gathered(&session)?;
    session.close();
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&status)?;
    } else {
        for line in lines(&status) {
            output.line(line)?;
        }
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn gathered(session: &Session) -> Result<Status, Failure> {
    let RetentionReply::Policies(policies) = session.govern(RetentionCommand::ListPolicies)? else {
        return Err(Failure::UnexpectedReply("list-policies"));
    };
    let RetentionReply::Holds(holds) = session.govern(RetentionCommand::ListHolds)? else {
        return Err(Failure::UnexpectedReply("list-holds"));
    };
    let RetentionReply::Cases(cases) = session.govern(RetentionCommand::ListCases)? else {
        return Err(Failure::UnexpectedReply("list-cases"));
    };
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let held = |is: fn(&HoldRow) -> bool| count(holds.iter().filter(|row| is(row)).count());
    let investigated = |is: fn(&CaseRow) -> bool| count(cases.iter().filter(|row| is(row)).count());
    Ok(Status {
        policy: policies.into_iter().max_by_key(|row| row.version),
        due: previewed(session)?,
        holds_in_force: held(|row| row.released_at.is_none()),
        holds_incomplete: held(|row| row.released_at.is_none() && !row.is_complete),
        holds_released: held(|row| row.released_at.is_some() && row.ended_at.is_none()),
        cases_open: investigated(|row| row.closed_at.is_none() && row.ended_at.is_none()),
        cases_closed: investigated(|row| row.closed_at.is_some() && row.ended_at.is_none()),
    })
}

fn lines(status: &Status) -> Vec<String> {
    let policy = status
        .policy
        .as_ref()
        .map_or_else(|| "none".to_owned(), |row| format!("{} `{}`", row.version, escape_line(&row.name)));
    vec![
        format!("policy in force  {policy}"),
        format!(
            "due now          {}, {} to remove",
            count_of(status.due.keys_destroyed, "key"),
            count_of(status.due.buckets_dropped, "file")
        ),
        format!(
            "legal holds      {} in force, {} of them not complete before the next sweep, {} in their days of grace",
            status.holds_in_force, status.holds_incomplete, status.holds_released
        ),
        format!(
            "investigations   {} open, {} closed and kept until their end",
            status.cases_open, status.cases_closed
        ),
    ]
}
