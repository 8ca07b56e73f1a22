//! `organizations create`, `organizations change`, `organizations list`

use fiducia_custody::{AdminCommand, AdminReply, OrganizationRow, RetentionCommand, TermsChange};
use fiducia_policy::{Agreement, RetentionSpan};

use super::done;
use crate::arguments::{DataOptions, OrganizationsCommand, TermsOptions};
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, instant};
use crate::session::Session;

pub(super) fn run(command: OrganizationsCommand) -> Result<ExitStatus, Failure> {
    match command {
        OrganizationsCommand::Create { name, plan, tier, agreement, custom_retention, data } => {
            let agreement = agreed(agreement, custom_retention)?.unwrap_or(Agreement::Standard);
            create(AdminCommand::CreateOrganization { name, plan, tier, agreement, custom_retention }, &data)
        }
        OrganizationsCommand::Change { organization, change, data } => {
            let session = Session::open(&data)?;
            let id = session.organization(&organization)?;
            let TermsOptions { plan, tier, agreement, custom_retention } = change;
            let agreement = agreed(agreement, custom_retention)?;
            let change = TermsChange { plan, tier, agreement, custom_retention };
            let said = format!(
                "the terms of `{organization}` were changed. They count for what is captured from now on; the next sweep gives \
                 what is there its new end"
            );
            let command = RetentionCommand::ChangeTerms { organization: id, change };
            done::report(session, command, "change-terms", &said, &data)
        }
        OrganizationsCommand::Key(command) => super::organization_keys::run(command),
        OrganizationsCommand::List { data } => list(&data),
    }
}

/// The agreement that was named, or that a length of its own implies.
fn agreed(
    agreement: Option<Agreement>,
    custom_retention: Option<RetentionSpan>,
) -> Result<Option<Agreement>, Failure> {
    match (agreement, custom_retention) {
        (None, Some(_)) => Ok(Some(Agreement::Custom)),
        (Some(agreement), Some(_)) if agreement != Agreement::Custom => Err(Failure::Argument(format!(
            "--custom-retention goes with --agreement custom only, not with {agreement}; nothing was changed"
        ))),
        (agreement, _) => Ok(agreement),
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
        output.line(format_args!("ECDSA key     {}", created.ledger_ecdsa_verifier_key))?;
        output.line("")?;
        output.line(
            "Keep the verifier keys outside of this machine; `fiducia ledger verify --key` takes either.",
        )?;
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
        ("PLAN", Align::Left),
        ("TIER", Align::Left),
        ("AGREEMENT", Align::Left),
        ("CREATED", Align::Left),
    ]);
    for row in rows {
        let agreement = match row.custom_retention {
            Some(span) => format!("{}, {span}", row.agreement),
            None => row.agreement.to_string(),
        };
        table.row([
            row.id.to_string(),
            row.name.clone(),
            row.plan.to_string(),
            row.tier.to_string(),
            agreement,
            instant(row.created_at),
        ]);
    }
    table
}
