//! `policy`: what decides how long things are kept.

mod arguments;
mod explain;
mod files;
mod published;
mod report;

pub(crate) use arguments::PolicyFileCommand;

use crate::arguments::PolicyCommand;
use crate::failure::{ExitStatus, Failure};

pub(super) fn run(command: PolicyCommand) -> Result<ExitStatus, Failure> {
    match command {
        PolicyCommand::Publish { file, shipped, data } => {
            published::publish(file.as_deref(), shipped.as_deref(), &data)
        }
        PolicyCommand::List { data } => published::list(&data),
        PolicyCommand::Show { version, data } => published::show(version, &data),
        PolicyCommand::Census { data } => published::census(&data),
        PolicyCommand::Files(command) => files::run(command),
    }
}
