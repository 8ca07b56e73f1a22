//! `keyfile create`

use fiducia_keyring::KeyfileKms;

use crate::arguments::KeyfileCommand;
use crate::edge::SystemRandomness;
use crate::failure::{ExitStatus, Failure};
use crate::output::Output;

pub(super) fn run(command: &KeyfileCommand) -> Result<ExitStatus, Failure> {
    let KeyfileCommand::Create { path } = command;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder.filter(|folder| !folder.exists()) {
        return Err(Failure::Argument(format!(
            "there is no directory {folder} for the keyfile; nothing was made. Make it with `mkdir -p {folder}`",
            folder = folder.display()
        )));
    }
    KeyfileKms::create(path, &SystemRandomness).map_err(Failure::Keyfile)?;
    let mut output = Output::standard(false);
    output.line(format_args!("created {}, readable by you alone", path.display()))?;
    output.line(
        "Keep a copy apart from the data and its backups: without this file nothing can be read any more,",
    )?;
    output.line("and who has it together with the data can read everything.")?;
    output.finish()?;
    Ok(ExitStatus::Success)
}
