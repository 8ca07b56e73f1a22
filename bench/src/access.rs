//! How long a look takes in a session that is open, entry included, for one reader and for many at once, through custody's own
//! interface and on real files.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fiducia_custody::{
    AccessActor, AccessCommand, AccessReply, AccessRequest, AccessSettings, AdminCommand, AdminReply,
    CaptureLimits, Custody, CustodySettings, ImportOutcome, LookTarget,
};
use fiducia_keyring::KeyfileKms;
use fiducia_policy::{
    AccessBounds, AccessLimits, AccessReason, AccessScope, AccessSessionId, Agreement, ConversationId,
    OrganizationId, Plan,
};

use crate::consent::say;
use crate::failure::Failure;
use crate::report;
use crate::retention::{Simulated, SystemRandomness, refused};

/// Looks of each reader.
const LOOKS: usize = 200;
/// Readers at once.
const READERS: [usize; 4] = [1, 8, 32, 64];

/// Measures looks.
///
/// # Errors
/// When custody refuses something.
pub(crate) fn measure() -> Result<(), Failure> {
    let (custody, _folder) = opened()?;
    let conversation = prepared(&custody)?;
    for readers in READERS {
        let begun = Instant::now();
        let times = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..readers)
                .map(|number| {
                    let custody = &custody;
                    scope.spawn(move || one_reader(custody, conversation, &format!("reader-{number}")))
                })
                .collect();
            let mut times: Vec<Duration> = Vec::with_capacity(readers * LOOKS);
            for thread in threads {
                times.extend(thread.join().map_err(|_| refused("a reader panicked"))??);
            }
            Ok::<_, Failure>(times)
        })?;
        let rate = f64::from(u32::try_from(times.len()).unwrap_or(u32::MAX)) / begun.elapsed().as_secs_f64();
        say(&format!("{readers} readers, {rate:.0} looks a second, each with its entry durable"), times);
    }
    custody.close();
    report::line("goal: 2,000 looks a second, p99 below 15 ms");
    Ok(())
}

fn one_reader(custody: &Custody, conversation: ConversationId, name: &str) -> Result<Vec<Duration>, Failure> {
    let session = ask(custody, conversation, name)?;
    let mut times = Vec::with_capacity(LOOKS);
    for _ in 0..LOOKS {
        let begun = Instant::now();
        let command = AccessCommand::Look { session, target: LookTarget::default(), sight: None };
        match access(custody, name, command)? {
            AccessReply::Content(content) if !content.content.records.is_empty() => {}
            _ => return Err(refused("nothing was shown")),
        }
        times.push(begun.elapsed());
    }
    Ok(times)
}

fn access(custody: &Custody, name: &str, command: AccessCommand) -> Result<AccessReply, Failure> {
    let actor = AccessActor::Operator(name.to_owned());
    match custody.administer(AdminCommand::Access { actor, command }).map_err(refused)? {
        AdminReply::Access(reply) => Ok(*reply),
        _ => Err(refused("another reply")),
    }
}

fn ask(custody: &Custody, conversation: ConversationId, name: &str) -> Result<AccessSessionId, Failure> {
    let request = AccessRequest {
        scope: AccessScope::Conversation(conversation),
        reason: AccessReason::IncidentResponse,
        ticket: "BENCH-1".to_owned(),
        ground: None,
        seconds: Some(3_600),
        break_glass: false,
    };
    match access(custody, name, AccessCommand::Ask { request })? {
        AccessReply::Session(session) => Ok(session.id),
        _ => Err(refused("another reply")),
    }
}

fn opened() -> Result<(Custody, tempfile::TempDir), Failure> {
    let failed = |cause| Failure::System { doing: "make a folder", cause };
    let folder = match std::env::var_os("FIDUCIA_BENCH_DIRECTORY") {
        Some(place) => tempfile::tempdir_in(place).map_err(failed)?,
        None => tempfile::tempdir().map_err(failed)?,
    };
    let randomness = Arc::new(SystemRandomness::new());
    let keyfile = folder.path().join("root.key");
    KeyfileKms::create(&keyfile, &*randomness).map_err(refused)?;
    // What is measured is the way of a look, not the limits.
    let limits = AccessLimits {
        records_per_session_max: u64::MAX,
        records_per_hour_max: u64::MAX,
        records_per_day_max: u64::MAX,
        bounds: AccessBounds {
            alert_records_per_day: u64::MAX,
            stop_records_per_day: u64::MAX,
            ..AccessBounds::default()
        },
        ..AccessLimits::default()
    };
    let settings = CustodySettings {
        data_directory: folder.path().join("data"),
        keyfile: Some(keyfile),
        key_services: fiducia_custody::KeyServices::default(),
        witnesses: None,
        ledger_origin: "ledger.bench".to_owned(),
        limits: CaptureLimits::default(),
        certificates: fiducia_custody::CertificateSettings::default(),
        access: AccessSettings { limits, ..AccessSettings::default() },
    };
    let custody = Custody::open(&settings, Arc::new(Simulated::new()), randomness).map_err(refused)?;
    Ok((custody, folder))
}

/// An organisation with one conversation.
fn prepared(custody: &Custody) -> Result<ConversationId, Failure> {
    let created = custody.administer(AdminCommand::CreateOrganization {
        name: "shop".to_owned(),
        plan: Plan::Enterprise,
        tier: None,
        agreement: Agreement::Standard,
        custom_retention: None,
    });
    let AdminReply::Organization(created) = created.map_err(refused)? else {
        return Err(refused("another reply"));
    };
    import(custody, created.id)?;
    let list = AdminCommand::ListConversations {
        organization: None,
        subject: None,
        deleted: false,
        limit: 1,
        after: None,
    };
    match custody.administer(list).map_err(refused)? {
        AdminReply::Conversations(rows) => {
            rows.first().map(|row| row.id).ok_or_else(|| refused("nothing was imported"))
        }
        _ => Err(refused("another reply")),
    }
}

fn import(custody: &Custody, organization: OrganizationId) -> Result<ImportOutcome, Failure> {
    let begin = AdminCommand::BeginImport {
        organization,
        subject: "ada".to_owned(),
        source: "bench".to_owned(),
        digest: [7; 32],
    };
    let AdminReply::Import(job) = custody.administer(begin).map_err(refused)? else {
        return Err(refused("another reply"));
    };
    let line = r#"{"id":"one","messages":[{"role":"user","content":"How do I descale a kettle?"},{"role":"assistant","content":"With vinegar."}]}"#;
    custody.import_lines(job.job, 1, &[line]).and_then(fiducia_custody::PendingImport::wait).map_err(refused)
}
