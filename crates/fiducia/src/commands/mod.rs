//! One file for each command. A command parses nothing and decides nothing: it calls one use case and prints.

mod access;
mod accounts;
mod api;
mod audit;
mod audit_reports;
mod campaigns;
mod cases;
pub(crate) mod certificates;
mod compliance;
mod configuration;
mod consent;
mod conversations;
mod demo;
mod destruction;
mod doctor;
mod done;
mod flags;
mod holds;
mod import;
mod kept_file;
mod key_graph;
mod keyfile;
mod keys;
mod ledger;
mod ledger_status;
mod notices;
mod organization_keys;
mod organizations;
mod policy;
mod records;
mod requests;
mod retention;
mod safety;
mod serve;
mod subjects;
mod sweep;
mod tokens;
mod webhooks;
mod witness;
mod workspaces;

pub(crate) use demo::SamplesUnreadable;
pub(crate) use policy::PolicyFileCommand;

use crate::arguments::Command;
use crate::failure::{ExitStatus, Failure};

/// Runs a command.
///
/// # Errors
/// When it could not be carried out; what it found wrong while it was is an [`ExitStatus`].
pub(crate) fn run(command: Command) -> Result<ExitStatus, Failure> {
    match command {
        Command::Serve(file) => serve::run(&file),
        Command::Demo(arguments) => demo::run(&arguments),
        Command::Config(command) => configuration::run(&command),
        Command::Keyfile(command) => keyfile::run(&command),
        Command::Safety(command) => safety::run(&command),
        Command::Witness(command) => witness::run(&command),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Organizations(command) => organizations::run(command),
        Command::Workspaces(command) => workspaces::run(command),
        Command::Keys(command) => keys::run(command),
        Command::Accounts(command) => accounts::run(command),
        Command::Api(command) => api::run(&command),
        Command::Compliance(command) => compliance::run(command),
        Command::Webhooks(command) => webhooks::run(command),
        Command::Records(command) => records::run(command),
        Command::Access(command) => access::run(command),
        Command::Conversations(command) => conversations::run(command),
        Command::Subjects(command) => subjects::run(command),
        Command::Requests(command) => requests::run(command),
        Command::Consent(command) => consent::run(command),
        Command::Notices(command) => notices::run(command),
        Command::Campaigns(command) => campaigns::run(command),
        Command::Flags(command) => flags::run(command),
        Command::Feedback(command) => flags::feedback(command),
        Command::Cases(command) => cases::run(command),
        Command::Holds(command) => holds::run(command),
        Command::Policy(command) => policy::run(command),
        Command::Retention(command) => retention::run(command),
        Command::Import(arguments) => import::run(&arguments),
        Command::Ledger(command) => ledger::run(command),
        Command::Audit(command) => audit_reports::run(command),
        Command::Certificate(command) => certificates::run(command),
        Command::Sweep(arguments) => sweep::run(&arguments),
    }
}
