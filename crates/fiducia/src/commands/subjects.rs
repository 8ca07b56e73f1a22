//! `subjects list`, `subjects plan`, `subjects training`, `subjects contact`, `subjects close`, `subjects erase`

use fiducia_custody::{AdminCommand, AdminReply, DestructionScope, RetentionCommand, SubjectRow};

use super::{destruction, done};
use crate::arguments::{DataOptions, SubjectsCommand};
use crate::edge::operating_system_user;
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, instant, instant_or};
use crate::session::Session;

pub(super) fn run(command: SubjectsCommand) -> Result<ExitStatus, Failure> {
    match command {
        SubjectsCommand::List { organization, data } => list(&organization, &data),
        // The flag stands for the absence of a plan.
        SubjectsCommand::Plan { subject, plan, organization_plan: _, data } => {
            let plan_name =
                plan.map_or_else(|| "the organisation's plan".to_owned(), |plan| format!("the plan {plan}"));
            let said = format!("{subject} is on {plan_name}; the next sweep gives what is there its new end");
            let command = RetentionCommand::SetPersonPlan { subject, plan };
            done::report(Session::open(&data)?, command, "set-person-plan", &said, &data)
        }
        SubjectsCommand::Training { subject, allow: allowed, refuse: _, data } => {
            let said = format!("{subject} {} training", if allowed { "allows" } else { "refuses" });
            let actor = operating_system_user();
            let command = RetentionCommand::SetTraining { subject, allowed, actor };
            done::report(Session::open(&data)?, command, "set-training", &said, &data)
        }
        // The flag stands for the absence of an address.
        SubjectsCommand::Contact { subject, mail: address, none: _, data } => {
            let said = if address.is_some() {
                format!(
                    "{subject} is warned by mail before conversations end; the address is sealed under the person's key"
                )
            } else {
                format!("{subject} has no address; the mark in the list of conversations is the warning")
            };
            let command = RetentionCommand::SetContact { subject, address };
            done::report(Session::open(&data)?, command, "set-contact", &said, &data)
        }
        SubjectsCommand::Close { subject, data } => {
            let said = format!(
                "the account of {subject} is closed; its keys work no longer, and what is kept ends when the policy says"
            );
            done::report(
                Session::open(&data)?,
                RetentionCommand::CloseAccount { subject },
                "close-account",
                &said,
                &data,
            )
        }
        SubjectsCommand::Erase { subject, yes, data } => {
            destruction::destroy(DestructionScope::Subject(subject), yes, &data)
        }
    }
}

fn list(organization: &str, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let session = Session::open(data)?;
    let organization = session.organization(organization)?;
    let AdminReply::Subjects(rows) = session.send(AdminCommand::ListSubjects { organization })? else {
        return Err(Failure::UnexpectedReply("list-subjects"));
    };
    session.close();
    let mut output = Output::standard(data.json);
    output.list(&rows, "no subjects yet; the first request or key of a person makes one", table)?;
    output.finish()?;
    Ok(ExitStatus::Success)
}

fn table(rows: &[SubjectRow]) -> Table {
    let mut table = Table::new(&[
        ("SUBJECT", Align::Left),
        ("CONVERSATIONS", Align::Right),
        ("PLAN", Align::Left),
        ("TRAINING", Align::Left),
        ("WARNED BY", Align::Left),
        ("FIRST SEEN", Align::Left),
        ("CLOSED", Align::Left),
        ("ERASED", Align::Left),
    ]);
    for row in rows {
        table.row([
            row.id.to_string(),
            row.conversations.to_string(),
            row.plan.map_or_else(|| "the organisation's".to_owned(), |plan| plan.to_string()),
            if row.training_allowed { "allowed" } else { "refused" }.to_owned(),
            if row.has_contact { "mail" } else { "list" }.to_owned(),
            instant(row.created_at),
            instant_or(row.closed_at, "-"),
            instant_or(row.erased_at, "-"),
        ]);
    }
    table
}
