//! The audit: every entry of a log from the first, against the log's files, against what others remember of it, and against
//! the databases and the activity feed, in both directions. Reads only, beside a running server or on a copy.

mod accesses;
mod activities;
mod certificates;
mod comparison;
mod consents;
mod finding;
mod governing;
mod identities;
mod public_events;
mod sessions;
mod unpublished;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use fiducia_ledger::{Checkpoint, LogReader, LoggedLeaf, VerifierKey, replay_log};
use fiducia_policy::{OrganizationId, Timestamp};
use fiducia_store::{ActivityStore, ControlStore, DataDirectory, OrganizationRecord};

use self::activities::Activities;
pub use self::comparison::AuditError;
use self::comparison::{Comparison, Entry, Notes};
pub use self::finding::{AuditFinding, ComparedKind};
use self::identities::Identities;
use self::unpublished::Unpublished;

/// Every how many entries progress is told.
const PROGRESS_ENTRIES: u64 = 4_096;

/// What is compared with one organisation's log: one line for each kind of fact.
fn comparisons(organization: &OrganizationRecord, feed: Option<Activities>) -> Vec<Box<dyn Comparison>> {
    let mut all: Vec<Box<dyn Comparison>> = vec![
        Box::new(accesses::Accesses::of(organization.id)),
        Box::new(certificates::Certificates::of(organization.id)),
        Box::new(consents::Consents::of(organization.id)),
        Box::new(governing::Holds::of(organization.id)),
        Box::new(governing::Policies::since(organization.created_at)),
        Box::new(public_events::PublicEvents::of(organization.id)),
        Box::new(sessions::Sessions::of(organization.id)),
    ];
    if let Some(feed) = feed {
        all.push(Box::new(feed));
    }
    all
}

/// What the log alone can say: nothing in the databases names each of these events.
const NOT_COMPARED: [&str; 4] = [
    "capture batches with the stored records: records leave when their time is over, and the batches stay",
    "destroyed keys and steps of requests, which leave nothing behind that names their entry",
    "which records an access named, where those were purged since",
    "rows of the activity feed that no entry stands behind: signing in and out, and calls of the Compliance API",
];

/// A log that is audited.
#[derive(Debug, Clone)]
pub struct AuditedLog {
    /// Whose.
    pub organization: OrganizationId,
    /// The keys it is checked by, at least one and all of this log's origin: any of them may have signed its checkpoint.
    pub keys: Vec<VerifierKey>,
}

impl AuditedLog {
    /// Its origin, by which its keys are named; empty without a key.
    pub fn origin(&self) -> &str {
        self.keys.first().map_or("", VerifierKey::name)
    }
}

/// What somebody remembers of a log.
#[derive(Debug, Clone)]
pub struct RememberedCheckpoint {
    /// Who, for people: a file, or a witness's name.
    pub by: String,
    /// What, with its signature checked.
    pub checkpoint: Checkpoint,
}

/// What to audit.
#[derive(Debug, Clone)]
pub struct AuditSettings {
    /// The data directory, or a copy of it.
    pub data_directory: PathBuf,
    /// By how many seconds an entry may be dated before one that stands before it.
    pub tolerance_seconds: i64,
    /// What time it is: rows of the activity feed are kept for six years.
    pub now: Timestamp,
    /// How many events' ids one pass over the log compares, 8 bytes each. A longer log takes more passes.
    pub pass_ids_max: u64,
}

impl AuditSettings {
    /// Ids that a pass compares unless somebody wishes otherwise: 32 MiB of them.
    pub const PASS_IDS_MAX: u64 = 4 << 20;
}

/// What was found about one log.
#[derive(Debug, Clone)]
pub struct LogAuditReport {
    /// Whose.
    pub organization: OrganizationId,
    /// Which log.
    pub origin: String,
    /// Entries that were replayed.
    pub entries: u64,
    /// Entries that were compared with a database, by kind.
    pub compared: BTreeMap<ComparedKind, u64>,
    /// Checkpoints of others that lie on this history.
    pub confirmed_by: Vec<String>,
    /// Facts whose entries are on their way into the log, and entries that are on their way into the activity feed.
    pub pending: u64,
    /// Accesses that were begun and that the log never confirmed: no key was released for them.
    pub unconfirmed: u64,
    /// What is wrong.
    pub findings: Vec<AuditFinding>,
    /// What could not be compared, and why.
    pub not_compared: Vec<String>,
}

/// The organisations that a data directory knows of: by its database, by its logs, or both.
///
/// # Errors
/// When the database or the folder of logs cannot be read.
pub fn audited_organizations(data_directory: &Path) -> Result<Vec<OrganizationId>, AuditError> {
    let mut found = BTreeSet::new();
    if let Some(control) = control(data_directory)? {
        found.extend(control.organizations()?.into_iter().map(|row| row.id));
    }
    found.extend(fiducia_ledger::logs_under(&DataDirectory::ledger(data_directory))?);
    Ok(found.into_iter().collect())
}

/// Audits one log. `verified` is what [`fiducia_ledger::verify_log`] found wrong with its files; `progress` is told how many
/// entries of how many were replayed, and says whether to go on.
///
/// # Errors
/// When log or database cannot be read, or `progress` says to stop. What is wrong with them is in the report.
pub fn audit(
    settings: &AuditSettings,
    log: &AuditedLog,
    remembered: &[RememberedCheckpoint],
    verified: Vec<String>,
    progress: &mut dyn FnMut(u64, u64) -> bool,
) -> Result<LogAuditReport, AuditError> {
    let ledger = DataDirectory::ledger(&settings.data_directory);
    let mut report = LogAuditReport {
        organization: log.organization,
        origin: log.origin().to_owned(),
        entries: 0,
        compared: BTreeMap::new(),
        confirmed_by: Vec::new(),
        pending: 0,
        unconfirmed: 0,
        findings: verified.into_iter().map(|found| AuditFinding::File { found }).collect(),
        not_compared: Vec::new(),
    };
    let control = control(&settings.data_directory)?;
    let known = match &control {
        Some(control) => control.organizations()?.into_iter().find(|row| row.id == log.organization),
        None => None,
    };
    let is_damaged = !report.findings.is_empty();
    let folder = ledger.join(log.organization.uuid());
    let reader = match LogReader::open(&folder, &log.keys) {
        Ok(reader) => reader,
        // Verification has named what is wrong with the checkpoint, or there is no log at all.
        Err(_) if is_damaged || !folder.exists() => {
            report.findings.extend((!is_damaged).then_some(AuditFinding::NoLog));
            report.not_compared.push("anything: the log's checkpoint cannot be read".to_owned());
            return Ok(report);
        }
        Err(error) => return Err(error.into()),
    };
    let sources = match (&control, &known) {
        (Some(control), Some(organization)) => {
            let feed = feed(settings, organization.id)?;
            if feed.is_none() {
                report
                    .not_compared
                    .push("the activity feed: there is no activities.db beside this log".to_owned());
            }
            Some((control, comparisons(organization, feed)))
        }
        _ => {
            report.not_compared.push(
                "the databases: there is no control.db beside this log, or it does not know the organisation"
                    .to_owned(),
            );
            None
        }
    };
    let mut replay = Replay { notes: Notes::default(), latest: None, sources, settings };
    match replay.run(&reader, log, remembered, &mut report, progress) {
        // Damaged files end the replay where verification has named them already.
        Err(AuditError::Ledger(error)) if is_damaged => {
            report.not_compared.push(format!("entries behind the damage: {error}"));
        }
        Err(error) => return Err(error),
        Ok(()) => replay.conclude(&reader, log, &ledger, &mut report, progress)?,
    }
    report.findings.append(&mut replay.notes.findings);
    report.compared = replay.notes.compared;
    report.not_compared.extend(NOT_COMPARED.map(str::to_owned));
    Ok(report)
}

/// The control database, where there is one.
fn control(data_directory: &Path) -> Result<Option<ControlStore>, AuditError> {
    let path = DataDirectory::control(data_directory);
    Ok(if path.exists() { Some(ControlStore::open_for_reading(&path)?) } else { None })
}

/// The activity feed, where there is one.
fn feed(settings: &AuditSettings, organization: OrganizationId) -> Result<Option<Activities>, AuditError> {
    let path = DataDirectory::activities(&settings.data_directory);
    if !path.exists() {
        return Ok(None);
    }
    let store = ActivityStore::open_for_reading(&path)?;
    Activities::of(organization, store, settings.now).map(Some)
}

/// One log's replay.
struct Replay<'a> {
    notes: Notes,
    /// The latest time that an entry so far has.
    latest: Option<Timestamp>,
    sources: Option<(&'a ControlStore, Vec<Box<dyn Comparison>>)>,
    settings: &'a AuditSettings,
}

impl Replay<'_> {
    fn run(
        &mut self,
        reader: &LogReader,
        log: &AuditedLog,
        remembered: &[RememberedCheckpoint],
        report: &mut LogAuditReport,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<(), AuditError> {
        let size = reader.checkpoint().size;
        let sizes: BTreeSet<u64> = remembered.iter().map(|kept| kept.checkpoint.size).collect();
        let mut identities = Identities::of(size, self.settings.pass_ids_max);
        let roots = replay_log(reader, &sizes, |index, bytes| {
            report.entries = index + 1;
            if index % PROGRESS_ENTRIES == 0 && !progress(index, size) {
                return Err(AuditError::Stopped);
            }
            self.entry(log.organization, index, bytes, &mut identities)
        })?;
        for kept in remembered {
            let (by, held) = (kept.by.clone(), kept.checkpoint.size);
            match roots.get(&held) {
                None => self.notes.find(AuditFinding::Shorter { remembered_by: by, size: held, found: size }),
                Some(root) if *root == kept.checkpoint.root => report.confirmed_by.push(by),
                Some(_) => self.notes.find(AuditFinding::Forked { remembered_by: by, size: held }),
            }
        }
        if roots.get(&size) != Some(&reader.checkpoint().root) && report.findings.is_empty() {
            let found = "the entries do not give the root that the checkpoint signs".to_owned();
            self.notes.find(AuditFinding::File { found });
        }
        identities
            .finish(reader, &mut self.notes, |index| index % PROGRESS_ENTRIES != 0 || progress(index, size))
    }

    fn entry(
        &mut self,
        organization: OrganizationId,
        index: u64,
        bytes: &[u8],
        identities: &mut Identities,
    ) -> Result<(), AuditError> {
        let logged = match LoggedLeaf::parse(bytes) {
            Ok(logged) => logged,
            Err(error) => {
                self.notes.find(AuditFinding::Unreadable { index, reason: error.to_string() });
                return Ok(());
            }
        };
        if logged.organization != organization {
            self.notes.find(AuditFinding::Foreign { index, says: logged.organization });
        }
        identities.take(&logged);
        let at = logged.leaf.at;
        let back = self.latest.map_or(0, |latest| latest.as_second().saturating_sub(at.as_second()));
        if back > self.settings.tolerance_seconds {
            self.notes.find(AuditFinding::RunsBack { index, seconds: back });
        }
        self.latest = self.latest.max(Some(at));
        if let Some((control, comparisons)) = &mut self.sources {
            for comparison in comparisons {
                comparison.entry(control, Entry { index, bytes, logged: &logged }, &mut self.notes)?;
            }
        }
        Ok(())
    }

    /// Looks at the facts that had no entry: on their way, never confirmed, or missing.
    fn conclude(
        &mut self,
        reader: &LogReader,
        log: &AuditedLog,
        ledger: &Path,
        report: &mut LogAuditReport,
        progress: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<(), AuditError> {
        let size = reader.checkpoint().size;
        progress(size, size);
        let Some((control, comparisons)) = &mut self.sources else { return Ok(()) };
        let mut unlogged = Vec::new();
        for comparison in comparisons {
            unlogged.extend(comparison.rest(control, &mut self.notes)?);
        }
        report.pending += self.notes.pending;
        if unlogged.is_empty() {
            return Ok(());
        }
        let waiting = Unpublished::gather(control, ledger, log.organization, &log.keys, size)?;
        for fact in unlogged {
            if waiting.holds(&fact) {
                report.pending += 1;
            } else if fact.unconfirmed {
                report.unconfirmed += 1;
            } else {
                self.notes.find(AuditFinding::NotLogged { kind: fact.kind, name: fact.name });
            }
        }
        Ok(())
    }
}
