//! `organizations key set|show|validate|clear` and `keys rotate`

use fiducia_custody::{
    AdminCommand, AdminReply, OrganizationKeyCommand, OrganizationKeyReply, OrganizationKeyRow,
};

use crate::arguments::{DataOptions, OrganizationKeyArguments};
use crate::edge::operating_system_user;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, instant, instant_or};
use crate::session::Session;

pub(super) fn run(command: OrganizationKeyArguments) -> Result<ExitStatus, Failure> {
    let actor = operating_system_user();
    match command {
        OrganizationKeyArguments::Set { organization, provider, key, data } => {
            let session = Session::open(&data)?;
            let organization = session.organization(&organization)?;
            let command = OrganizationKeyCommand::Set { organization, service: provider, key, actor };
            one(session, command, "the organisation's key is wrapped by its own service from now on", &data)
        }
        OrganizationKeyArguments::Show { organization, data } => {
            let session = Session::open(&data)?;
            let organization = Some(session.organization(&organization)?);
            one(session, OrganizationKeyCommand::Show { organization }, "", &data)
        }
        OrganizationKeyArguments::Validate { organization, data } => {
            let session = Session::open(&data)?;
            let organization = Some(session.organization(&organization)?);
            let command = OrganizationKeyCommand::Validate { organization, actor: Some(actor) };
            one(session, command, "a throw-away key went to the service and came back unchanged", &data)
        }
        OrganizationKeyArguments::Clear { organization, data } => {
            let session = Session::open(&data)?;
            let organization = session.organization(&organization)?;
            let command = OrganizationKeyCommand::Clear { organization, actor };
            one(session, command, "the organisation's key hangs from the installation's again", &data)
        }
    }
}

/// `keys rotate`
pub(super) fn rotate(organization: Option<&str>, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let organization = session.organization_if(organization)?;
    let command = OrganizationKeyCommand::Rotate { organization, actor: operating_system_user() };
    let AdminReply::OrganizationKey(OrganizationKeyReply::Rotated(rows)) =
        session.send(AdminCommand::OrganizationKey(command))?
    else {
        return Err(Failure::UnexpectedReply("organization-key"));
    };
    session.close();
    let failed = rows.iter().filter(|row| row.problem.is_some()).count();
    let mut output = Output::standard(data.json);
    output.list(&rows, "there are no keys", table)?;
    if !output.json() {
        for row in &rows {
            if let Some(problem) = &row.problem {
                output.line(format_args!("{}: {problem}", whose(row)))?;
            }
        }
    }
    output.finish()?;
    match failed {
        0 => Ok(ExitStatus::Success),
        failed => Err(Failure::Finding(format!(
            "{failed} of {} keys could not be wrapped anew and stay as they were; run this again when that is mended",
            rows.len()
        ))),
    }
}

fn one(
    session: Session,
    command: OrganizationKeyCommand,
    said: &str,
    data: &DataOptions,
) -> Result<ExitStatus, Failure> {
    let AdminReply::OrganizationKey(OrganizationKeyReply::Key(row)) =
        session.send(AdminCommand::OrganizationKey(command))?
    else {
        return Err(Failure::UnexpectedReply("organization-key"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&row)?;
    } else {
        if !said.is_empty() {
            output.line(said)?;
        }
        output.line(format_args!("wrapped by  {}", wrapped_by(&row)))?;
        output.line(format_args!("wrapped at  {}", instant(row.wrapped_at)))?;
        output.line(format_args!("can be used {}", state(&row)))?;
        if let Some(problem) = &row.problem {
            output.line(problem)?;
        }
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn whose(row: &OrganizationKeyRow) -> String {
    row.organization.map_or_else(|| "the installation".to_owned(), |id| id.to_string())
}

fn wrapped_by(row: &OrganizationKeyRow) -> String {
    let place = match (row.key.as_str(), row.version.as_str()) {
        ("", _) => row.service.clone(),
        (key, "") => format!("{key} at {}", row.service),
        (key, version) => format!("{key} at {}, version {version}", row.service),
    };
    if row.is_own || row.organization.is_none() { place } else { format!("the installation's key ({place})") }
}

fn state(row: &OrganizationKeyRow) -> String {
    match (row.is_open, row.open_until) {
        (false, _) => "no".to_owned(),
        (true, None) => "yes".to_owned(),
        (true, until) => format!("yes; until {} if its service falls silent", instant_or(until, "-")),
    }
}

fn table(rows: &[OrganizationKeyRow]) -> Table {
    let mut table = Table::new(&[
        ("KEY OF", Align::Left),
        ("WRAPPED BY", Align::Left),
        ("WRAPPED", Align::Left),
        ("CAN BE USED", Align::Left),
    ]);
    for row in rows {
        table.row([whose(row), wrapped_by(row), instant(row.wrapped_at), state(row)]);
    }
    table
}
