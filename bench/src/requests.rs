//! How long the file of everything that is kept of one person takes, and how much memory, through custody's own interface and
//! on real files.

use std::time::Instant;

use fiducia_custody::{
    AdminCommand, AdminReply, NewRequest, RightsAction, RightsCommand, RightsExport, RightsReply,
};
use fiducia_policy::{IdentityMethod, RequestKind, RightsRequestId};

use crate::failure::Failure;
use crate::processor::memory;
use crate::report;
use crate::retention::{TURNS_EACH, World, figure, refused};

const BYTES_PER_MB: f64 = 1e6;

/// `requests`
///
/// # Errors
/// When custody refuses something.
#[expect(clippy::cast_precision_loss, reason = "counts and bytes are far below 2^52")]
pub(crate) fn measure(records: u64) -> Result<(), Failure> {
    let world = World::new()?;
    world.import(records)?;
    let request = identified(&world)?;
    let folder = tempfile::tempdir().map_err(|cause| Failure::System { doing: "make a folder", cause })?;
    let (before, _) = memory(std::process::id())?;
    let begun = Instant::now();
    let export = RightsExport {
        request,
        actor: "bench".to_owned(),
        recipients: Vec::new(),
        out: Some(folder.path().to_owned()),
        conversations_per_file: None,
    };
    let RightsReply::Exported(report) = send(&world, RightsCommand::Export(export))? else {
        return Err(refused("another reply"));
    };
    let seconds = begun.elapsed().as_secs_f64();
    let (_, highest) = memory(std::process::id())?;
    report::line(format_args!(
        "{} conversations of one person with {TURNS_EACH} exchanges each, in {} file(s)",
        report.conversations,
        report.files.len()
    ));
    figure("the file is there after", seconds, "s", "60 s for 10,000");
    figure("  conversations written in a second", report.conversations as f64 / seconds, "", "");
    figure("memory before the export", before as f64 / BYTES_PER_MB, "MB", "");
    figure("memory at its highest, the import included", highest as f64 / BYTES_PER_MB, "MB", "flat");
    world.custody.close();
    Ok(())
}

/// A request for a copy by the person that was imported.
fn identified(world: &World) -> Result<RightsRequestId, Failure> {
    let list = AdminCommand::ListSubjects { organization: world.organization };
    let AdminReply::Subjects(subjects) = world.custody.administer(list).map_err(refused)? else {
        return Err(refused("another reply"));
    };
    let subject = subjects.first().ok_or_else(|| refused("nobody was imported"))?.id;
    let request = NewRequest {
        subject,
        kind: RequestKind::Access,
        regimes: Vec::new(),
        submission: "bench".to_owned(),
        received_at: None,
        agent: None,
        conversation: None,
        statement: None,
        new_name: None,
        grounds: Vec::new(),
        actor: "bench".to_owned(),
    };
    let RightsReply::Opened { request, .. } =
        send(world, RightsCommand::Open { request: Box::new(request) })?
    else {
        return Err(refused("another reply"));
    };
    let step = RightsAction::Identify { method: IdentityMethod::SignedIn };
    let command = RightsCommand::Act { request: request.id, step, note: None, actor: "bench".to_owned() };
    send(world, command)?;
    Ok(request.id)
}

fn send(world: &World, command: RightsCommand) -> Result<RightsReply, Failure> {
    match world.custody.administer(AdminCommand::Rights(command)).map_err(refused)? {
        AdminReply::Rights(reply) => Ok(reply),
        _ => Err(refused("another reply")),
    }
}
