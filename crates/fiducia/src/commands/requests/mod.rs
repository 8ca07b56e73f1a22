//! `requests`: people's requests about their data.

mod lines;
mod opening;

use std::path::PathBuf;

use fiducia_custody::{
    AdminCommand, AdminReply, RequestRow, RightsAction, RightsCommand, RightsExport, RightsExportReport,
    RightsReply,
};
use fiducia_policy::{RequestKind, RightsRequestId};

use super::destruction::confirmed;
use crate::arguments::{DataOptions, RequestsCommand, StepOptions};
use crate::edge::operating_system_user;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, count_of, instant};
use crate::session::Session;

pub(super) fn run(command: RequestsCommand) -> Result<ExitStatus, Failure> {
    match command {
        RequestsCommand::Open {
            subject,
            kind,
            regimes,
            submission,
            received,
            agent,
            conversation,
            statement,
            new_name,
            grounds,
            data,
        } => {
            let asked = opening::Asked {
                subject,
                kind,
                regimes,
                submission,
                received,
                conversation,
                statement,
                new_name,
                grounds,
            };
            opening::run(asked, agent, &data)
        }
        RequestsCommand::List { organization, closed, limit, data } => {
            list(organization.as_deref(), closed, limit, &data)
        }
        RequestsCommand::Show { request, data } => {
            let session = Session::open(&data)?;
            detail(session, RightsCommand::Show { request }, &data)
        }
        RequestsCommand::Confirm { step } => act(step, RightsAction::Confirm {}),
        RequestsCommand::Identify { step, method, asked: _ } => {
            act(step, method.map_or(RightsAction::AskIdentity {}, |method| RightsAction::Identify { method }))
        }
        RequestsCommand::Begin { step } => act(step, RightsAction::Begin {}),
        RequestsCommand::Extend { step, reason, told } => {
            act(step, RightsAction::Extend { reason, told_at: told })
        }
        RequestsCommand::Refuse { step, reason } => act(step, RightsAction::Refuse { reason }),
        RequestsCommand::Fulfil { step, left_undone, yes } => fulfil(step, left_undone, yes),
        RequestsCommand::Withdraw { step } => act(step, RightsAction::Withdraw {}),
        RequestsCommand::Lift { step, told } => act(step, RightsAction::Lift { told_at: told }),
        // Without recipients it is unsealed, which was asked for.
        RequestsCommand::Export { request, recipients, unsealed: _, out, per_file, data } => {
            export(request, recipients, out, per_file, &data)
        }
    }
}

/// Sends a command on requests.
fn send(session: &Session, command: RightsCommand) -> Result<RightsReply, Failure> {
    match session.send(AdminCommand::Rights(command))? {
        AdminReply::Rights(reply) => Ok(reply),
        _ => Err(Failure::UnexpectedReply("rights")),
    }
}

fn act(step: StepOptions, action: RightsAction) -> Result<ExitStatus, Failure> {
    let session = Session::open(&step.data)?;
    act_in(session, step, action)
}

fn act_in(session: Session, step: StepOptions, action: RightsAction) -> Result<ExitStatus, Failure> {
    let StepOptions { request, note, data } = step;
    let command = RightsCommand::Act { request, step: action, note, actor: operating_system_user() };
    detail(session, command, &data)
}

/// Carries a command out whose reply is a request with everything about it.
fn detail(session: Session, command: RightsCommand, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let RightsReply::Request(found) = send(&session, command)? else {
        return Err(Failure::UnexpectedReply("rights"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&found)?;
    } else {
        for line in lines::detail(&found) {
            output.line(line)?;
        }
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn fulfil(step: StepOptions, left_undone: Option<String>, yes: bool) -> Result<ExitStatus, Failure> {
    // Opened first, so that nobody confirms a destruction that cannot take place.
    let session = Session::open(&step.data)?;
    if !yes {
        let RightsReply::Request(found) = send(&session, RightsCommand::Show { request: step.request })?
        else {
            return Err(Failure::UnexpectedReply("rights"));
        };
        if matches!(found.row.kind, RequestKind::Erasure | RequestKind::Objection) {
            let whose = found.row.subject.map_or_else(String::new, |subject| subject.to_string());
            let what = if found.row.kind == RequestKind::Erasure {
                "everything of"
            } else {
                "what is kept against the wish of"
            };
            confirmed(what, &whose)?;
        }
    }
    act_in(session, step, RightsAction::Fulfil { left_undone })
}

fn list(
    organization: Option<&str>,
    closed: bool,
    limit: u32,
    data: &DataOptions,
) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let organization = session.organization_if(organization)?;
    let RightsReply::Requests(rows) = send(&session, RightsCommand::List { organization, closed, limit })?
    else {
        return Err(Failure::UnexpectedReply("rights"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    output.list(&rows, "no requests are open; `fiducia requests open` takes one in", table)?;
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn table(rows: &[RequestRow]) -> Table {
    let mut table = Table::new(&[
        ("REQUEST", Align::Left),
        ("KIND", Align::Left),
        ("STATE", Align::Left),
        ("DUE BEFORE", Align::Left),
    ]);
    for row in rows {
        let due = match (row.closed_at, row.is_overdue) {
            (Some(_), _) => "-".to_owned(),
            (None, true) => format!("OVERDUE {}", day(row)),
            (None, false) => day(row),
        };
        table.row([row.id.to_string(), row.kind.to_string(), row.state.to_string(), due]);
    }
    table
}

/// The due date and the law, short enough for a line of a hundred columns.
fn day(row: &RequestRow) -> String {
    let short: String = instant(row.due).chars().take(16).collect();
    format!("{} {}", short.replace('T', " "), row.decided_by)
}

fn export(
    request: RightsRequestId,
    recipients: Vec<String>,
    out: Option<PathBuf>,
    conversations_per_file: Option<u32>,
    data: &DataOptions,
) -> Result<ExitStatus, Failure> {
    // A server has another working directory.
    let absolute = |out: PathBuf| {
        std::path::absolute(&out).map_err(|cause| Failure::File {
            doing: "find the place of",
            path: out,
            cause,
        })
    };
    let out = out.map(absolute).transpose()?;
    let session = Session::open(data)?;
    let export =
        RightsExport { request, actor: operating_system_user(), recipients, out, conversations_per_file };
    let RightsReply::Exported(report) = send(&session, RightsCommand::Export(export))? else {
        return Err(Failure::UnexpectedReply("rights"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&report)?;
    } else {
        for line in exported(&report) {
            output.line(line)?;
        }
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn exported(report: &RightsExportReport) -> Vec<String> {
    let mut lines = vec![
        format!("request         {}", report.request),
        format!("conversations   {}", report.conversations),
        format!("records         {}", report.records),
    ];
    if report.records_listed_only > 0 {
        lines.push(format!(
            "listed only     {}: kept for another purpose than the person's own use",
            count_of(report.records_listed_only, "record")
        ));
    }
    if report.resumed > 0 {
        lines.push(format!("made before     {}", count_of(u64::from(report.resumed), "file")));
    }
    for file in &report.files {
        lines.extend(lines::file(file));
    }
    lines
}
