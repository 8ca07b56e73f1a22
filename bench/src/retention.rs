//! How long ends, holds and purges take, through custody's own interface and on real files, in simulated time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Instant;

use fiducia_custody::{
    AdminCommand, AdminReply, CaptureLimits, Custody, CustodySettings, NewHold, RetentionCommand,
    RetentionProgress, RetentionReply,
};
use fiducia_keyring::KeyfileKms;
use fiducia_policy::{
    Agreement, Clock, HoldScope, OrganizationId, Plan, Randomness, RandomnessUnavailable, Timestamp,
};

use crate::failure::Failure;
use crate::processor::memory;
use crate::report;

/// 2026-01-10T12:00:00Z, in microseconds.
const START: i64 = 1_768_046_400_000_000;
const MICROSECONDS_PER_DAY: i64 = 86_400_000_000;
pub(super) const TURNS_EACH: u64 = 4;
const LINES_PER_CHUNK: usize = 500;
const BYTES_PER_MB: f64 = 1e6;

/// The time that passes, and the days it was advanced by. What is captured in one go must not seem to come from one
/// instant: ids sort by time, and what was captured together lies together.
pub(crate) struct Simulated {
    began: Instant,
    start: AtomicI64,
}

impl Simulated {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), start: AtomicI64::new(START) }
    }
}

impl Clock for Simulated {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.began.elapsed().as_micros()).unwrap_or(0);
        let now = self.start.load(Ordering::Relaxed) + passed;
        Timestamp::from_microsecond(now).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

pub(crate) struct SystemRandomness(AtomicU64);

impl SystemRandomness {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }
}

impl Randomness for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable> {
        self.0.fetch_add(1, Ordering::Relaxed);
        rustix::rand::getrandom(&mut *bytes, rustix::rand::GetRandomFlags::empty())
            .ok()
            .filter(|read| *read == bytes.len())
            .map(drop)
            .ok_or(RandomnessUnavailable)
    }
}

pub(super) struct World {
    pub(super) custody: Custody,
    pub(super) clock: Arc<Simulated>,
    pub(super) organization: OrganizationId,
    _folder: tempfile::TempDir,
}

pub(crate) fn refused(error: impl std::fmt::Display) -> Failure {
    Failure::Program { program: "custody".to_owned(), output: error.to_string() }
}

impl World {
    pub(super) fn new() -> Result<Self, Failure> {
        let failed = |cause| Failure::System { doing: "make a folder", cause };
        let folder = match std::env::var_os("FIDUCIA_BENCH_DIRECTORY") {
            Some(place) => tempfile::tempdir_in(place).map_err(failed)?,
            None => tempfile::tempdir().map_err(failed)?,
        };
        let randomness = Arc::new(SystemRandomness::new());
        let clock = Arc::new(Simulated::new());
        let keyfile = folder.path().join("root.key");
        KeyfileKms::create(&keyfile, &*randomness).map_err(refused)?;
        let settings = CustodySettings {
            data_directory: folder.path().join("data"),
            keyfile: Some(keyfile),
            key_services: fiducia_custody::KeyServices::default(),
            ledger_origin: "ledger.bench".to_owned(),
            limits: CaptureLimits::default(),
            certificates: fiducia_custody::CertificateSettings::default(),
            witnesses: None,
            access: fiducia_custody::AccessSettings::default(),
        };
        let custody =
            Custody::open(&settings, Arc::clone(&clock) as Arc<dyn Clock>, randomness).map_err(refused)?;
        let created = custody.administer(AdminCommand::CreateOrganization {
            name: "bench".to_owned(),
            plan: Plan::Enterprise,
            tier: None,
            agreement: Agreement::Custom,
            custom_retention: "60 days".parse().ok(),
        });
        let AdminReply::Organization(created) = created.map_err(refused)? else {
            return Err(refused("another reply"));
        };
        Ok(Self { custody, clock, organization: created.id, _folder: folder })
    }

    pub(super) fn import(&self, records: u64) -> Result<(), Failure> {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&records.to_be_bytes());
        let begin = AdminCommand::BeginImport {
            organization: self.organization,
            subject: "person".to_owned(),
            source: "bench".to_owned(),
            digest,
        };
        let AdminReply::Import(job) = self.custody.administer(begin).map_err(refused)? else {
            return Err(refused("another reply"));
        };
        let mut lines = (0..records / TURNS_EACH).map(line);
        let mut first = 1;
        loop {
            // A chunk at a time: what is measured next must not find the memory of all lines.
            let chunk: Vec<String> = lines.by_ref().take(LINES_PER_CHUNK).collect();
            if chunk.is_empty() {
                return Ok(());
            }
            let pending = self.custody.import_lines(job.job, first, &chunk).map_err(refused)?;
            pending.wait().map_err(refused)?;
            first += u64::try_from(chunk.len()).unwrap_or(0);
        }
    }

    fn advance(&self, days: i64) {
        self.clock.start.fetch_add(days * MICROSECONDS_PER_DAY, Ordering::Relaxed);
    }

    /// One step of the worker, and the seconds it took.
    fn step(&self) -> Result<(RetentionProgress, f64), Failure> {
        let begun = Instant::now();
        let reply = self.custody.administer(AdminCommand::Govern(RetentionCommand::Step)).map_err(refused)?;
        let AdminReply::Governed(RetentionReply::Progress(progress)) = reply else {
            return Err(refused("another reply"));
        };
        Ok((progress, begun.elapsed().as_secs_f64()))
    }

    /// Steps until nothing is left. Gives what was done, the seconds it took and those of the longest step.
    fn sweep(&self) -> Result<(RetentionProgress, f64, f64), Failure> {
        let (mut total, mut seconds, mut longest) = (RetentionProgress::default(), 0.0, 0.0_f64);
        loop {
            let (progress, took) = self.step()?;
            (seconds, longest) = (seconds + took, longest.max(took));
            total.add(progress);
            if total.is_done {
                return Ok((total, seconds, longest));
            }
        }
    }

    fn govern(&self, command: RetentionCommand) -> Result<RetentionReply, Failure> {
        match self.custody.administer(AdminCommand::Govern(command)).map_err(refused)? {
            AdminReply::Governed(reply) => Ok(reply),
            _ => Err(refused("another reply")),
        }
    }
}

/// A conversation whose turns are of the size that turns have.
fn line(number: u64) -> String {
    let turns: Vec<String> = (0..TURNS_EACH)
        .map(|turn| {
            let words = "what is said takes about half a kilobyte, as it does in real conversations ".repeat(3);
            format!(
                r#"{{"role":"user","content":"{number} {turn} {words}"}},{{"role":"assistant","content":"{turn} {words}"}}"#
            )
        })
        .collect();
    format!(r#"{{"id":"{number}","messages":[{}]}}"#, turns.join(","))
}

/// `retention`
///
/// # Errors
/// When custody refuses something.
#[expect(clippy::cast_precision_loss, reason = "counts and bytes are far below 2^52")]
pub(crate) fn measure(records: u64) -> Result<(), Failure> {
    let world = World::new()?;
    world.import(records)?;
    world.sweep()?;
    let (before, _) = memory(std::process::id())?;
    report::line(format_args!("{records} records of one organisation, {TURNS_EACH} in each conversation"));

    let hold = NewHold {
        organization: world.organization,
        matter: "matter".to_owned(),
        authority: "court".to_owned(),
        scope: HoldScope::default(),
        custodians: Vec::new(),
        reviewers: Vec::new(),
    };
    let begun = Instant::now();
    let placed = world.govern(RetentionCommand::PlaceHold { hold, actor: "bench".to_owned() })?;
    let placing = begun.elapsed().as_secs_f64();
    let RetentionReply::Hold(hold) = placed else { return Err(refused("another reply")) };
    let (wrapped, seconds, longest) = world.sweep()?;
    figure("a hold is in force after", placing * 1e3, "ms", "");
    figure("everything there is wrapped for it after", seconds, "s", "60 s for 1,000,000");
    figure("  records wrapped in a second", wrapped.held as f64 / seconds, "", "");
    figure("  longest a capture waits for a step", longest * 1e3, "ms", "");
    world.govern(RetentionCommand::ReleaseHold {
        hold: hold.id,
        grace_days: Some(0),
        actor: "bench".to_owned(),
    })?;
    world.sweep()?;

    // Nothing but the root of the day's safety windows is due.
    world.advance(32);
    let (ended, took) = world.step()?;
    report::line(format_args!("  keys that ended in that step: {}", ended.keys_destroyed));
    figure("a day's safety windows end in", took * 1e3, "ms", "10 ms");
    let (_, seconds, _) = world.sweep()?;
    figure("  and their wraps are gone after", seconds, "s", "");

    world.advance(60);
    let (purged, seconds, longest) = world.sweep()?;
    figure("records purged in a second", purged.records_purged as f64 / seconds, "", "20,000");
    report::line(format_args!("  records purged: {}", purged.records_purged));
    figure("  longest a capture waits for a step", longest * 1e3, "ms", "");
    let (_, highest) = memory(std::process::id())?;
    figure("memory before the hold", before as f64 / BYTES_PER_MB, "MB", "");
    figure("memory at its highest, the import included", highest as f64 / BYTES_PER_MB, "MB", "flat");
    world.custody.close();
    Ok(())
}

pub(super) fn figure(name: &str, value: f64, unit: &str, target: &str) {
    let target = if target.is_empty() { String::new() } else { format!("  target {target}") };
    report::line(format_args!("{name:<44} {value:>12.2} {unit:<3}{target}"));
}
