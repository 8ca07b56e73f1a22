//! `config check`

use crate::arguments::ConfigCommand;
use crate::configuration::Extent;
use crate::failure::{ExitStatus, Failure};
use crate::output::Output;
use crate::session;

pub(super) fn run(command: &ConfigCommand) -> Result<ExitStatus, Failure> {
    let ConfigCommand::Check { file, config } = command;
    let file = file.as_ref().unwrap_or(&config.config);
    let configuration = session::load(file, Extent::Server)?;
    let mut output = Output::standard(false);
    output.line(format_args!("{}: no problems found", file.display()))?;
    output.line(format_args!("  gateway     {}", configuration.gateway.listen))?;
    match &configuration.operations {
        Some(operations) => output.line(format_args!("  operations  {}", operations.listen))?,
        None => output.line("  operations  off: no health, metrics or ledger files are served")?,
    }
    let providers: Vec<&str> = configuration.providers.keys().map(String::as_str).collect();
    output.line(format_args!("  providers   {}", providers.join(", ")))?;
    output.line(format_args!("  data        {}", configuration.data.directory.display()))?;
    if !configuration.gateway.listen.ip().is_loopback() {
        output.line(
            "  note        the gateway listens beyond this machine and speaks plain HTTP; put TLS in front of it",
        )?;
    }
    output.finish()?;
    Ok(ExitStatus::Success)
}
