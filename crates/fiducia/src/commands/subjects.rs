//! `subjects list`, `subjects erase`

use fiducia_custody::{AdminCommand, AdminReply, DestructionScope, SubjectRow};

use super::destruction;
use crate::arguments::{DataOptions, SubjectsCommand};
use crate::failure::{ExitStatus, Failure};
use crate::output::{Align, Output, Table, instant, instant_or};
use crate::session::Session;

pub(super) fn run(command: SubjectsCommand) -> Result<ExitStatus, Failure> {
    match command {
        SubjectsCommand::List { organization, data } => list(&organization, &data),
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
        ("FIRST SEEN", Align::Left),
        ("ERASED", Align::Left),
    ]);
    for row in rows {
        table.row([
            row.id.to_string(),
            row.conversations.to_string(),
            instant(row.created_at),
            instant_or(row.erased_at, "-"),
        ]);
    }
    table
}
