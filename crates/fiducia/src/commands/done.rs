//! Saying that a change was made, and which ledger entry records it.

use fiducia_custody::{RetentionCommand, RetentionReply};

use crate::arguments::DataOptions;
use crate::failure::{ExitStatus, Failure};
use crate::output::Output;
use crate::session::Session;

/// Carries a change out and says `said`; for machines, the index of its ledger entry where it has one.
///
/// # Errors
/// When custody refused or failed.
pub(super) fn report(
    session: Session,
    command: RetentionCommand,
    name: &'static str,
    said: &str,
    data: &DataOptions,
) -> Result<ExitStatus, Failure> {
    let index = carry_out(&session, command, name)?;
    session.close();
    print(index, said, data)
}

/// Carries a change out; gives the index of its ledger entry, where it has one.
///
/// # Errors
/// When custody refused or failed.
pub(super) fn carry_out(
    session: &Session,
    command: RetentionCommand,
    name: &'static str,
) -> Result<Option<u64>, Failure> {
    match session.govern(command)? {
        RetentionReply::Done(index) => Ok(index),
        _ => Err(Failure::UnexpectedReply(name)),
    }
}

/// Says what was done.
///
/// # Errors
/// When standard output cannot be written.
pub(super) fn print(index: Option<u64>, said: &str, data: &DataOptions) -> Result<ExitStatus, Failure> {
    let mut output = Output::standard(data.json);
    if output.json() {
        output.value(&serde_json::json!({ "ledger_index": index }))?;
    } else {
        output.line(crate::output::escape_line(said))?;
        if let Some(index) = index {
            output.line(format_args!("ledger entry  {index}"))?;
        }
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}
