//! `organizations create`, `organizations list`

use fiducia_custody::{AdminCommand, AdminReply, OrganizationRow, Retention};

use crate::arguments::{DataOptions, OrganizationsCommand, RetentionArgument};
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, instant};
use crate::session::Session;

pub(super) fn run(command: OrganizationsCommand) -> Result<ExitStatus, Failure> {
    match command {
        OrganizationsCommand::Create {
            name,
            retention,
            safety_window_days,
            safety_window_survives_deletion,
            data,
        } => {
            let retention = match retention {
                RetentionArgument::Kept => Retention::Kept,
                RetentionArgument::Zero => Retention::Zero,
            };
            let command = AdminCommand::CreateOrganization {
                name,
                retention,
                safety_window_days,
                safety_window_survives_deletion,
            };
            create(command, &data)
        }
        OrganizationsCommand::List { data } => list(&data),
    }
}

fn create(command: AdminCommand, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open_or_create(data)?;
    let AdminReply::Organization(created) = session.send(command)? else {
        return Err(Failure::UnexpectedReply("create-organization"));
    };
    session.keep_verifier_keys();
    session.close();
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&created)?;
    } else {
        output.line(format_args!("organisation  {}", created.id))?;
        output.line(format_args!("workspace     {}", created.workspace))?;
        output.line(format_args!("ledger        {}", created.ledger_origin))?;
        output.line(format_args!("verifier key  {}", created.ledger_verifier_key))?;
        output.line("")?;
        output
            .line("Keep the verifier key outside of this machine; `fiducia ledger verify --key` takes it.")?;
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn list(data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let AdminReply::Organizations(rows) = session.send(AdminCommand::ListOrganizations)? else {
        return Err(Failure::UnexpectedReply("list-organizations"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    output.list(&rows, "no organisations yet; create one with `fiducia organizations create NAME`", table)?;
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn table(rows: &[OrganizationRow]) -> Table {
    let mut table = Table::new(&[
        ("ORGANISATION", Align::Left),
        ("NAME", Align::Left),
        ("RETENTION", Align::Left),
        ("SAFETY WINDOW", Align::Left),
        ("CREATED", Align::Left),
    ]);
    for row in rows {
        let retention = match row.retention {
            Retention::Kept => "kept",
            Retention::Zero => "zero",
        };
        let survives = if row.safety_window_survives_deletion { ", survives deletion" } else { "" };
        let window = match row.safety_window_days {
            0 => "none".to_owned(),
            days => format!("{days} days{survives}"),
        };
        table.row([row.id.to_string(), row.name.clone(), retention.into(), window, instant(row.created_at)]);
    }
    table
}
