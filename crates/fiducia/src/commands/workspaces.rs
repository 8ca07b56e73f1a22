//! `workspaces covered-models`

use fiducia_custody::RetentionCommand;

use super::done;
use crate::arguments::WorkspacesCommand;
use crate::failure::{ExitStatus, Failure};
use crate::session::Session;

pub(super) fn run(command: WorkspacesCommand) -> Result<ExitStatus, Failure> {
    // The two flags exclude each other, and one of them is there.
    let WorkspacesCommand::CoveredModels { organization, workspace, enable: enabled, disable: _, data } =
        command;
    let session = Session::open(&data)?;
    let organization = session.organization(&organization)?;
    let said = if enabled {
        format!(
            "the workspace `{workspace}` agrees: prompts to covered models and their answers are kept for safety from now on, \
             for 30 days unless the policy says otherwise, even under zero retention"
        )
    } else {
        format!(
            "the workspace `{workspace}` agrees no longer: nothing new is kept for covered models beyond what was agreed. \
             What is kept already ends when it was going to"
        )
    };
    let command = RetentionCommand::SetCoveredModels { organization, workspace, enabled };
    done::report(session, command, "set-covered-models", &said, &data)
}
