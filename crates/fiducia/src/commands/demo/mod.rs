//! `demo`: everything on this machine, with invented data and a scripted model.

mod guide;
mod place;
mod samples;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use fiducia_custody::{AdminCommand, AdminReply, ConversationRow, Custody, Scope};
use fiducia_policy::{Agreement, OrganizationId};
use fiducia_server::scripted::ScriptedModel;

use super::import::{self, Plan, Rejects};
use super::serve;
use crate::arguments::DemoArguments;
use crate::configuration::{self, Configuration, Extent};
use crate::failure::{ExitStatus, Failure};
use crate::interrupt::Interrupts;
use crate::output::{Output, remark};
use crate::session::Session;
use crate::telemetry::Telemetry;
use guide::Guide;
use place::Place;
use samples::Samples;

pub(crate) use samples::SamplesUnreadable;

const ORGANIZATION: &str = "demo";
/// Longer than anyone waits; the demo ends by a signal.
const FOREVER: Duration = Duration::from_hours(100 * 365 * 24);

pub(super) fn run(arguments: &DemoArguments) -> Result<ExitStatus, Failure> {
    for (flag, address) in [("--listen", arguments.listen), ("--operations", arguments.operations)] {
        if !address.ip().is_loopback() {
            return Err(Failure::Argument(format!(
                "{flag} {address} is reachable from other machines; a demo listens on this machine only, for example 127.0.0.1:4100"
            )));
        }
    }
    let interrupts = Interrupts::listen()?;
    let samples = Samples::read()?;
    let count = usize::try_from(arguments.conversations).unwrap_or(0);
    let place = Place::prepare(&arguments.directory)?;
    let any_port = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    let model =
        ScriptedModel { answers: samples.script(count), ..ScriptedModel::default() }.start(any_port)?;
    place.write_configuration(arguments, model.address())?;
    let configuration = configuration::load(&place.configuration())?;
    configuration::require(&configuration, Extent::Server, &place.configuration())?;
    let telemetry = Telemetry::start(&configuration.log, &configuration.telemetry)?;
    let outcome = serve_demo(&configuration, &place, &samples, count, &interrupts);
    model.shutdown();
    telemetry.finish();
    outcome
}

fn serve_demo(
    configuration: &Configuration,
    place: &Place,
    samples: &Samples,
    count: usize,
    interrupts: &Interrupts,
) -> Result<ExitStatus, Failure> {
    let custody = serve::open(configuration)?;
    let outcome = with_custody(configuration, &custody, place, samples, count, interrupts);
    custody.close();
    outcome
}

fn with_custody(
    configuration: &Configuration,
    custody: &Custody,
    place: &Place,
    samples: &Samples,
    count: usize,
    interrupts: &Interrupts,
) -> Result<ExitStatus, Failure> {
    let session = Session::borrowing(custody, &configuration.data.directory);
    let organization = organization(&session)?;
    session.keep_verifier_keys();
    import_samples(&session, organization, place, samples, count, interrupts)?;
    let secret = fresh_key(&session, organization)?;
    // Everything is in place before anything listens, so that what is printed works at once.
    let running = serve::start(&configuration.server(), custody)?;
    await_checkpoint(&configuration.ledger_directory().join(organization.uuid()), interrupts);
    let mut output = Output::standard(false);
    let guide = Guide {
        addresses: running.addresses(),
        secret: &secret,
        configuration: &place.configuration(),
        directory: place.directory(),
        organization,
        conversations: &latest(&session, organization)?,
    };
    output.text(&guide.to_string())?;
    output.finish()?;
    interrupts.wait(FOREVER);
    remark("stopping; exchanges in flight finish first");
    running.shutdown();
    remark(format_args!(
        "stopped. The demo's data stays in {}; delete it to be rid of it",
        place.directory().display()
    ));
    Ok(ExitStatus::Success)
}

/// Waits a moment for the log's first checkpoint, so that what is printed about the ledger works at once.
fn await_checkpoint(log: &Path, interrupts: &Interrupts) {
    const LOOKS_MAX: u32 = 100;
    const LOOK_INTERVAL: Duration = Duration::from_millis(50);
    for _ in 0..LOOKS_MAX {
        if log.join("checkpoint").exists() || interrupts.wait(LOOK_INTERVAL) {
            return;
        }
    }
}

fn organization(session: &Session) -> Result<OrganizationId, Failure> {
    let AdminReply::Organizations(rows) = session.send(AdminCommand::ListOrganizations)? else {
        return Err(Failure::UnexpectedReply("list-organizations"));
    };
    if let Some(row) = rows.into_iter().find(|row| row.name == ORGANIZATION) {
        return Ok(row.id);
    }
    let command = AdminCommand::CreateOrganization {
        name: ORGANIZATION.to_owned(),
        plan: fiducia_policy::Plan::Enterprise,
        tier: None,
        agreement: Agreement::Standard,
        custom_retention: None,
    };
    match session.send(command)? {
        AdminReply::Organization(created) => Ok(created.id),
        _ => Err(Failure::UnexpectedReply("create-organization")),
    }
}

fn import_samples(
    session: &Session,
    organization: OrganizationId,
    place: &Place,
    samples: &Samples,
    count: usize,
    interrupts: &Interrupts,
) -> Result<(), Failure> {
    let people = samples.people();
    let mut conversations = 0;
    for (position, person) in people.iter().enumerate() {
        // The first people get one more each when the number does not divide.
        let share = count / people.len() + usize::from(position < count % people.len());
        if share == 0 {
            continue;
        }
        let file = place.samples(person);
        samples.write(person, share, &file).map_err(|cause| Failure::File {
            doing: "write the samples to",
            path: file.clone(),
            cause,
        })?;
        let plan = Plan { file: &file, organization, subject: person };
        conversations += import::import(session, &plan, Rejects::open(None)?, interrupts)?.conversations;
    }
    remark(format_args!(
        "{conversations} invented conversations of {} are sealed and in the ledger",
        people.join(", ")
    ));
    Ok(())
}

/// A new key for this run. Keys of earlier runs are revoked, because their secrets stand in old terminals.
fn fresh_key(session: &Session, organization: OrganizationId) -> Result<String, Failure> {
    let command = AdminCommand::ListVirtualKeys { organization: Some(organization) };
    let AdminReply::VirtualKeys(rows) = session.send(command)? else {
        return Err(Failure::UnexpectedReply("list-virtual-keys"));
    };
    for row in rows.into_iter().filter(|row| row.revoked_at.is_none()) {
        session.send(AdminCommand::RevokeVirtualKey { key: row.id })?;
    }
    let command = AdminCommand::CreateVirtualKey {
        organization,
        workspace: None,
        subject: "analyst".to_owned(),
        scopes: Scope::ALL.to_vec(),
        class: None,
        expires_at: None,
    };
    match session.send(command)? {
        AdminReply::VirtualKey(created) => Ok(created.secret),
        _ => Err(Failure::UnexpectedReply("create-virtual-key")),
    }
}

fn latest(session: &Session, organization: OrganizationId) -> Result<Vec<ConversationRow>, Failure> {
    const ENOUGH: u32 = 20;
    let command = AdminCommand::ListConversations {
        organization: Some(organization),
        subject: None,
        deleted: false,
        limit: ENOUGH,
        after: None,
    };
    let AdminReply::Conversations(rows) = session.send(command)? else {
        return Err(Failure::UnexpectedReply("list-conversations"));
    };
    Ok(rows.into_iter().filter(|row| row.destroyed_at.is_none()).collect())
}
