//! `keys create`, `keys list`, `keys rotate`, `keys revoke`; `keys graph` lies beside

use fiducia_custody::{AdminCommand, AdminReply, Scope, VirtualKeyRow};

use crate::arguments::{DataOptions, KeysCommand};
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, instant, instant_or};
use crate::session::Session;

pub(super) fn run(command: KeysCommand) -> Result<ExitStatus, Failure> {
    match command {
        KeysCommand::Create { organization, workspace, subject, scopes, class, expires_at, data } => {
            let session = Session::open(&data)?;
            let scopes = if scopes.is_empty() { vec![Scope::Inference, Scope::Models] } else { scopes };
            let organization = session.organization(&organization)?;
            let command = AdminCommand::CreateVirtualKey {
                organization,
                workspace,
                subject,
                scopes,
                class,
                expires_at,
            };
            create(session, command, &data)
        }
        KeysCommand::List { organization, data } => list(organization.as_deref(), &data),
        KeysCommand::Rotate { organization, data } => {
            super::organization_keys::rotate(organization.as_deref(), &data)
        }
        KeysCommand::Graph { target, svg, data } => super::key_graph::run(target, svg.as_deref(), &data),
        KeysCommand::Revoke { key, data } => {
            let session = Session::open(&data)?;
            let AdminReply::Revoked = session.send(AdminCommand::RevokeVirtualKey { key })? else {
                return Err(Failure::UnexpectedReply("revoke-virtual-key"));
            };
            session.close();
            let mut output = Output::standard(data.json);
            if output.json() {
                output.value(&serde_json::json!({ "revoked": key }))?;
            } else {
                output.line(format_args!("{key} was revoked; requests with it are refused from now on"))?;
            }
            output.finish()?;
            Ok(ExitStatus::Success)
        }
    }
}

fn create(session: Session, command: AdminCommand, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let AdminReply::VirtualKey(created) = session.send(command)? else {
        return Err(Failure::UnexpectedReply("create-virtual-key"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&created)?;
    } else {
        output.line(format_args!("key      {}", created.id))?;
        output.line(format_args!("subject  {}", created.subject))?;
        output.line(format_args!("secret   {}", created.secret))?;
        output.line("")?;
        output.line(
            "The secret is shown this once; only its hash is stored. Applications send it as `x-api-key` or",
        )?;
        output.line("as `Authorization: Bearer`.")?;
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn list(organization: Option<&str>, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let organization = session.organization_if(organization)?;
    let AdminReply::VirtualKeys(rows) = session.send(AdminCommand::ListVirtualKeys { organization })? else {
        return Err(Failure::UnexpectedReply("list-virtual-keys"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    output.list(&rows, "no virtual keys yet; create one with `fiducia keys create`", table)?;
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn table(rows: &[VirtualKeyRow]) -> Table {
    let mut table = Table::new(&[
        ("KEY", Align::Left),
        ("WORKSPACE", Align::Left),
        ("SUBJECT", Align::Left),
        ("SCOPES", Align::Left),
        ("CLASS", Align::Left),
        ("CREATED", Align::Left),
        ("EXPIRES", Align::Left),
        ("REVOKED", Align::Left),
    ]);
    for row in rows {
        let scopes: Vec<&str> = row.scopes.iter().map(|scope| scope.name()).collect();
        table.row([
            row.id.to_string(),
            row.workspace.clone(),
            row.subject.to_string(),
            scopes.join(","),
            row.class.map_or_else(|| "the plan's".to_owned(), |class| class.to_string()),
            instant(row.created_at),
            instant_or(row.expires_at, "never"),
            instant_or(row.revoked_at, "-"),
        ]);
    }
    table
}
