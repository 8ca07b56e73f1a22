//! `api schema`

use crate::arguments::ApiCommand;
use crate::failure::{ExitStatus, Failure};
use crate::output::Output;

pub(super) fn run(command: &ApiCommand) -> Result<ExitStatus, Failure> {
    let ApiCommand::Schema = command;
    let mut output = Output::standard(false);
    output.text(&fiducia_server::api_document())?;
    output.finish()?;
    Ok(ExitStatus::Success)
}
