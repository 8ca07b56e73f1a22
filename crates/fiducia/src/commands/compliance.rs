//! `compliance keys create`, `list`, `delete`

use fiducia_custody::{
    AdminCommand, AdminReply, ComplianceCommand, ComplianceKeyRow, ComplianceReach, ComplianceReply,
    NewComplianceKey,
};

use crate::arguments::{ComplianceCommand as Arguments, ComplianceKeysCommand};
use crate::edge::operating_system_user;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, escape_line, instant, instant_or};
use crate::session::Session;

pub(super) fn run(command: Arguments) -> Result<ExitStatus, Failure> {
    let Arguments::Keys(command) = command;
    match command {
        ComplianceKeysCommand::Create { organization, name, scopes, data, .. } => {
            let session = Session::open(&data)?;
            let organization = session.organization_if(organization.as_deref())?;
            let reach = organization.map_or(ComplianceReach::Installation, ComplianceReach::Organization);
            let scopes = scopes.into_iter().collect();
            let new = NewComplianceKey { reach, name, scopes, actor: operating_system_user() };
            let ComplianceReply::Key(created) = send(&session, ComplianceCommand::CreateKey(new))? else {
                return Err(Failure::UnexpectedReply("create-compliance-key"));
            };
            session.close();
            let mut output = Output::standard(data.json);
            if output.json() {
                output.value(&created)?;
            } else {
                output.line(format_args!("key      {}", created.key.id))?;
                output.line(format_args!("reaches  {}", reach_in_words(created.key.reach)))?;
                output.line(format_args!("permits  {}", created.key.scopes))?;
                output.line(format_args!("secret   {}", created.secret))?;
                output.line("")?;
                output
                    .line("The secret is shown this once; only its digest is stored. Programs send it as")?;
                output.line("`x-api-key`. It works until `fiducia compliance keys delete`.")?;
            }
            output.finish()?;
            Ok(ExitStatus::Success)
        }
        ComplianceKeysCommand::List { organization, data } => {
            let session = Session::open(&data)?;
            let organization = session.organization_if(organization.as_deref())?;
            let command = ComplianceCommand::ListKeys { organization };
            let ComplianceReply::Keys(rows) = send(&session, command)? else {
                return Err(Failure::UnexpectedReply("list-compliance-keys"));
            };
            session.close();
            let mut output = Output::standard(data.json);
            output.list(&rows, "no keys yet; create one with `fiducia compliance keys create`", table)?;
            output.finish()?;
            Ok(ExitStatus::Success)
        }
        ComplianceKeysCommand::Delete { key, data } => {
            let session = Session::open(&data)?;
            send(&session, ComplianceCommand::DeleteKey { key, actor: operating_system_user() })?;
            session.close();
            let mut output = Output::standard(data.json);
            if output.json() {
                output.value(&serde_json::json!({ "deleted": key }))?;
            } else {
                output.line(format_args!("{key} was deleted; requests with it are refused from now on"))?;
            }
            output.finish()?;
            Ok(ExitStatus::Success)
        }
    }
}

fn send(session: &Session, command: ComplianceCommand) -> Result<ComplianceReply, Failure> {
    match session.send(AdminCommand::Compliance(command))? {
        AdminReply::Compliance(reply) => Ok(reply),
        _ => Err(Failure::UnexpectedReply("compliance")),
    }
}

fn reach_in_words(reach: ComplianceReach) -> String {
    match reach {
        ComplianceReach::Installation => "every organisation".to_owned(),
        ComplianceReach::Organization(id) => id.to_string(),
    }
}

fn table(rows: &[ComplianceKeyRow]) -> Table {
    let mut table = Table::new(&[
        ("KEY", Align::Left),
        ("NAME", Align::Left),
        ("REACHES", Align::Left),
        ("PERMITS", Align::Left),
        ("CREATED", Align::Left),
        ("DELETED", Align::Left),
    ]);
    for row in rows {
        table.row([
            row.id.to_string(),
            escape_line(&row.name),
            reach_in_words(row.reach),
            row.scopes.to_string(),
            instant(row.created_at),
            instant_or(row.deleted_at, "-"),
        ]);
    }
    table
}
