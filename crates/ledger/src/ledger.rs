//! The writer: opens, recovers, appends, publishes.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fiducia_policy::{Clock, OrganizationId};

use crate::error::LedgerError;
use crate::hash::{Hash, leaf_hash};
use crate::layout::{CHECKPOINT, TILE_WIDTH};
use crate::leaf::{EventId, Leaf, LoggedLeaf};
use crate::log::OrganizationLog;
use crate::log_keys::LogKeys;
use crate::note::{VerifierKey, is_name};
use crate::pending::{CommitFault, PendingLog, PendingRecord, read_segment, segment_numbers, segment_path};
use crate::publication::{
    KnownFolders, LogPublication, Publication, PublicationFailed, Published, WrittenPublication,
};
use crate::storage::{Disk, Fault, Storage};
use crate::tiles::TileReader;

/// Most entries in one call of [`Ledger::append`].
pub const BATCH_ENTRIES_MAX: usize = 4_096;

/// Most bytes of entries that may wait for publication.
pub const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Most logs whose state stays in memory; others are read back when they are next appended to.
const LOADED_LOGS_MAX: usize = 1_024;

/// Most event ids that [`Ledger::recent_event_ids`] reads back.
pub const RECENT_IDS_MAX: usize = 100_000;

/// Folder of pending segments within the root.
const PENDING_FOLDER: &str = "pending";

/// Folder of files that have no name yet, within the root.
pub(crate) const TEMPORARY_FOLDER: &str = "temporary";

/// File whose lock keeps a second writer out.
const LOCK_FILE: &str = "lock";

/// Where an entry lies in its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Zero-based index.
    pub index: u64,
    /// RFC 6962 leaf hash.
    pub leaf_hash: Hash,
}

/// What opening found, for the start-up report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Logs on disk.
    pub logs: usize,
    /// Acknowledged entries that no checkpoint covers yet.
    pub entries_waiting: usize,
    /// Bytes of an interrupted, never acknowledged write that were cut off.
    pub bytes_cut: u64,
}

/// The one writer of all organisations' logs under a root folder.
///
/// `<root>/<organisation uuid>/` has the exact layout of C2SP tlog-tiles and can be served as static files.
pub struct Ledger {
    pub(crate) root: PathBuf,
    origin_prefix: String,
    pub(crate) keys: LogKeys,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) storage: Arc<dyn Storage>,
    logs: HashMap<OrganizationId, OrganizationLog>,
    pending: PendingLog,
    waiting_bytes: usize,
    known: KnownFolders,
    recovery: Recovery,
    poisoned: bool,
    pub(crate) publishing: bool,
    _lock: File,
}

impl Ledger {
    /// Opens the ledger, checks every log's checkpoint against its right edge and replays what was acknowledged but
    /// not published. Full tiles left of the edge are not read; [`crate::verify_log`] does that.
    ///
    /// # Errors
    /// When another process has it open, a checkpoint is not signed by one of `keys`, checkpoint and tiles disagree, or
    /// pending entries are damaged or missing. Nothing is changed then, so that it can be looked into.
    pub fn open(
        root: &Path,
        origin_prefix: &str,
        keys: impl Into<LogKeys>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LedgerError> {
        Self::open_on(Arc::new(Disk), root, origin_prefix, keys.into(), clock)
    }

    pub(crate) fn open_on(
        storage: Arc<dyn Storage>,
        root: &Path,
        origin_prefix: &str,
        keys: LogKeys,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, LedgerError> {
        if !is_name(origin_prefix) {
            return Err(LedgerError::InvalidName { name: origin_prefix.to_owned() });
        }
        let lock = prepare_folders(storage.as_ref(), root)?;
        let load = |organization| OrganizationLog::load(root, organization, origin_prefix, &keys);
        let mut recovery = Recovery::default();
        let mut logs = HashMap::new();
        let mut without_checkpoint = Vec::new();
        for organization in organizations(root)? {
            let log = load(organization)?;
            recovery.logs += 1;
            if log.checkpoint.is_none() && log.directory.join("tile").exists() {
                without_checkpoint.push((organization, log.directory.join(CHECKPOINT)));
            }
        }
        let folder = root.join(PENDING_FOLDER);
        let numbers = segment_numbers(&folder)?;
        recovery.bytes_cut = replay(storage.as_ref(), &folder, &numbers, &mut logs, &load)?;
        logs.retain(|_, log: &mut OrganizationLog| !log.waiting.is_empty());
        for (organization, path) in without_checkpoint {
            // An interrupted first publication leaves tiles without a checkpoint, but then the entries still wait.
            if !logs.contains_key(&organization) {
                return Err(LedgerError::CheckpointMissing { path });
            }
        }
        let waiting = || logs.values().flat_map(|log: &OrganizationLog| &log.waiting);
        recovery.entries_waiting = waiting().count();
        let waiting_bytes = waiting().map(|waiting| waiting.entry.len()).sum();
        let next = numbers.last().map_or(0, |last| last + 1);
        let mut pending = PendingLog::start(Arc::clone(&storage), folder, next, Vec::new())?;
        secure_replayed(&mut pending, &logs)?;
        pending.drop_retired(&numbers)?;
        let known = KnownFolders::new();
        Ok(Self {
            root: root.to_owned(),
            origin_prefix: origin_prefix.to_owned(),
            keys,
            clock,
            storage,
            logs,
            pending,
            waiting_bytes,
            known,
            recovery,
            poisoned: false,
            publishing: false,
            _lock: lock,
        })
    }

    /// What opening found.
    pub fn recovery(&self) -> Recovery {
        self.recovery
    }

    /// The folder of an organisation's log.
    pub fn log_directory(&self, organization: OrganizationId) -> PathBuf {
        self.root.join(organization.uuid())
    }

    /// The Ed25519 key that an organisation's checkpoints are signed with now.
    pub fn verifier(&self, organization: OrganizationId) -> Result<VerifierKey, LedgerError> {
        let signer = self.keys.signing_at(self.clock.now());
        signer.ed25519.verifier().renamed(&crate::log::origin(&self.origin_prefix, organization))
    }

    /// All keys of an organisation's log: those that sign, that will, and that did.
    pub fn verifiers(&self, organization: OrganizationId) -> Result<Vec<VerifierKey>, LedgerError> {
        self.keys.verifiers(&crate::log::origin(&self.origin_prefix, organization))
    }

    /// Acknowledged entries that no checkpoint covers yet, in all logs.
    pub fn entries_waiting(&self) -> usize {
        self.logs.values().map(|log| log.waiting.len()).sum()
    }

    /// Appends entries to their logs. When this returns they are durable, by one flush for all of them.
    ///
    /// # Errors
    /// On any error none of them is acknowledged. After a flush that was not confirmed the ledger takes no more
    /// entries until it is opened again.
    pub fn append(&mut self, batch: &[(OrganizationId, Leaf)]) -> Result<Vec<Appended>, LedgerError> {
        self.check_usable()?;
        if batch.len() > BATCH_ENTRIES_MAX {
            return Err(LedgerError::BatchTooLarge { entries: batch.len(), entries_max: BATCH_ENTRIES_MAX });
        }
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let mut next = HashMap::new();
        let mut records = Vec::with_capacity(batch.len());
        for (organization, leaf) in batch {
            let entry = leaf.to_entry(*organization)?;
            let index = match next.get(organization) {
                Some(index) => *index,
                None => self.log(*organization)?.next_index(),
            };
            next.insert(*organization, index + 1);
            records.push(PendingRecord { organization: *organization, index, entry });
        }
        let bytes: usize = records.iter().map(|record| record.entry.len()).sum();
        let waiting = self.waiting_bytes.saturating_add(bytes);
        if waiting > WAITING_BYTES_MAX {
            return Err(LedgerError::Backlog { waiting, bytes_max: WAITING_BYTES_MAX });
        }
        self.pending.commit(&records).map_err(|fault| match fault {
            CommitFault::NotWritten(error) => error,
            CommitFault::Untrusted(error) => {
                self.poisoned = true;
                error
            }
        })?;
        self.waiting_bytes = waiting;
        let mut appended = Vec::with_capacity(records.len());
        for record in records {
            let leaf_hash = leaf_hash(&record.entry);
            appended.push(Appended { index: record.index, leaf_hash });
            // Every log was loaded above to learn its next index.
            if let Some(log) = self.logs.get_mut(&record.organization) {
                log.push(record.entry, leaf_hash);
            }
        }
        Ok(appended)
    }

    /// Publishes everything that waits: derives and flushes tiles, then signs and writes checkpoints.
    ///
    /// # Errors
    /// Nothing acknowledged is lost on an error, which names the logs that were published before it. Publishing can be tried
    /// again unless a flush was not confirmed; then the ledger must be opened again.
    pub fn publish(&mut self) -> Result<Vec<Published>, PublicationFailed> {
        match self.prepare_publication()? {
            Some(publication) => {
                let written = publication.write();
                self.finish_publication(written)
            }
            None => Ok(Vec::new()),
        }
    }

    /// The first third of [`Ledger::publish`], for writing on another thread while entries are appended. `None` when
    /// nothing waits or a publication is not finished yet.
    ///
    /// # Errors
    /// When the ledger is poisoned or a new segment for pending entries cannot be made.
    pub fn prepare_publication(&mut self) -> Result<Option<Publication>, LedgerError> {
        self.check_usable()?;
        if self.publishing || self.logs.values().all(|log| log.waiting.is_empty()) {
            return Ok(None);
        }
        let segments = self.pending.rotate().inspect_err(|error| self.note_fault(error))?;
        let mut logs: Vec<_> = self
            .logs
            .iter()
            .filter(|(_, log)| !log.waiting.is_empty())
            .map(|(organization, log)| LogPublication::of(*organization, log))
            .collect();
        logs.sort_by_key(|log| log.organization);
        self.publishing = true;
        Ok(Some(Publication {
            storage: Arc::clone(&self.storage),
            temporary: self.root.join(TEMPORARY_FOLDER),
            root: self.root.clone(),
            signer: self.keys.signing_at(self.clock.now()).clone(),
            logs,
            segments,
            known: std::mem::take(&mut self.known),
            #[cfg(test)]
            checkpoint_first: false,
        }))
    }

    /// The last third of [`Ledger::publish`]: takes note of what was written and drops pending segments that are
    /// published as a whole.
    ///
    /// # Errors
    /// What writing ran into, with the logs that got their checkpoint before that: these are published nevertheless.
    pub fn finish_publication(
        &mut self,
        written: WrittenPublication,
    ) -> Result<Vec<Published>, PublicationFailed> {
        self.publishing = false;
        self.known = written.known;
        let mut published = Vec::new();
        for publication in written.logs {
            let (Some(note), Some(log)) = (publication.note, self.logs.get_mut(&publication.organization))
            else {
                continue;
            };
            let (size, root) = (publication.edge.size(), publication.edge.root());
            published.push(Published { organization: publication.organization, size, root });
            log.edge = publication.edge;
            log.bundle = publication.bundle;
            log.checkpoint = Some(note);
            let covered = log.waiting.drain(..publication.entries.min(log.waiting.len()));
            self.waiting_bytes -=
                covered.map(|waiting| waiting.entry.len()).sum::<usize>().min(self.waiting_bytes);
        }
        if let Err(error) = written.outcome {
            self.note_fault(&error);
            return Err(PublicationFailed { published, error });
        }
        if let Err(error) = self.pending.drop_retired(&written.segments) {
            return Err(PublicationFailed { published, error });
        }
        self.forget_idle_logs();
        Ok(published)
    }

    /// The ids of the last `last_n` events of a log, oldest first, published or not. What drains an outbox compares
    /// with them after a crash, so that each event is logged exactly once.
    ///
    /// # Errors
    /// When tiles cannot be read or hold something that is not a leaf.
    pub fn recent_event_ids(
        &mut self,
        organization: OrganizationId,
        last_n: usize,
    ) -> Result<Vec<EventId>, LedgerError> {
        let last_n = last_n.min(RECENT_IDS_MAX);
        let log = self.log(organization)?;
        let id_of = |entry: &[u8]| LoggedLeaf::parse(entry).map(|logged| logged.leaf.id);
        let mut ids = Vec::new();
        for waiting in log.waiting.iter().rev().take(last_n) {
            ids.push(id_of(&waiting.entry)?);
        }
        let size = log.edge.size();
        let reader = TileReader::new(&log.directory, size);
        let mut bundle = size.div_ceil(TILE_WIDTH);
        while ids.len() < last_n && bundle > 0 {
            bundle -= 1;
            for entry in reader.entries(bundle)?.iter().rev().take(last_n - ids.len()) {
                ids.push(id_of(entry)?);
            }
        }
        ids.reverse();
        Ok(ids)
    }

    /// Keeps the memory bounded: what is published can be read back.
    pub(crate) fn forget_idle_logs(&mut self) {
        if self.logs.len() > LOADED_LOGS_MAX {
            self.logs.retain(|_, log| !log.waiting.is_empty());
        }
    }

    pub(crate) fn check_usable(&self) -> Result<(), LedgerError> {
        if self.poisoned { Err(LedgerError::Poisoned) } else { Ok(()) }
    }

    pub(crate) fn note_fault(&mut self, error: &LedgerError) {
        self.poisoned |= matches!(error, LedgerError::NotConfirmed { .. });
    }

    /// The state of a log, read back when it is not in memory.
    pub(crate) fn log(&mut self, organization: OrganizationId) -> Result<&mut OrganizationLog, LedgerError> {
        match self.logs.entry(organization) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let log = OrganizationLog::load(&self.root, organization, &self.origin_prefix, &self.keys)?;
                Ok(entry.insert(log))
            }
        }
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger")
            .field("root", &self.root)
            .field("poisoned", &self.poisoned)
            .finish_non_exhaustive()
    }
}

/// Makes the folders, takes the lock and removes what interrupted writes left without a name.
fn prepare_folders(storage: &dyn Storage, root: &Path) -> Result<File, LedgerError> {
    let temporary = root.join(TEMPORARY_FOLDER);
    let flush = |folder: &Path| {
        storage.sync_directory(folder).map_err(|error| Fault::NotConfirmed(error).on("flush", folder))
    };
    std::fs::create_dir_all(root).map_err(LedgerError::io("create", root))?;
    let lock_path = root.join(LOCK_FILE);
    let lock = File::create(&lock_path).map_err(LedgerError::io("create", &lock_path))?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => LedgerError::InUse { path: lock_path.clone() },
        TryLockError::Error(source) => LedgerError::io("lock", &lock_path)(source),
    })?;
    for folder in [&root.join(PENDING_FOLDER), &temporary] {
        storage.create_directory(folder).map_err(LedgerError::io("create", folder))?;
    }
    flush(root)?;
    if let Some(above) = root.parent().filter(|above| !above.as_os_str().is_empty()) {
        flush(above)?;
    }
    let list = || LedgerError::io("list", &temporary);
    for entry in std::fs::read_dir(&temporary).map_err(list())? {
        let path = entry.map_err(list())?.path();
        storage.remove_file(&path).map_err(LedgerError::io("remove", &path))?;
    }
    Ok(lock)
}

/// The organisations that have a log under a ledger's root; none when there is no such folder.
///
/// # Errors
/// When the folder cannot be listed.
pub fn logs_under(root: &Path) -> Result<Vec<OrganizationId>, LedgerError> {
    if root.exists() { organizations(root) } else { Ok(Vec::new()) }
}

/// The organisations that have a folder. Names that are not a lower-case UUID are not ours.
pub(crate) fn organizations(root: &Path) -> Result<Vec<OrganizationId>, LedgerError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root).map_err(LedgerError::io("list", root))? {
        let name = entry.map_err(LedgerError::io("list", root))?.file_name();
        let organization = name.to_str().and_then(|name| {
            let organization: OrganizationId = name.parse().ok()?;
            (organization.uuid() == name).then_some(organization)
        });
        found.extend(organization);
    }
    Ok(found)
}

/// Reads all pending segments into `logs`. Returns how many bytes of an interrupted write were cut off the last one.
fn replay(
    storage: &dyn Storage,
    folder: &Path,
    numbers: &[u64],
    logs: &mut HashMap<OrganizationId, OrganizationLog>,
    load: &dyn Fn(OrganizationId) -> Result<OrganizationLog, LedgerError>,
) -> Result<u64, LedgerError> {
    let mut bytes_cut = 0;
    for number in numbers {
        let path = segment_path(folder, *number);
        let segment = read_segment(folder, *number)?;
        let damaged = segment.intact_bytes < segment.bytes;
        if damaged && (segment.damaged_before_intact || numbers.last() != Some(number)) {
            return Err(LedgerError::PendingDamaged { path, offset: segment.intact_bytes });
        }
        for group in segment.groups {
            for record in group.records {
                let organization = record.organization;
                let log = match logs.entry(organization) {
                    Entry::Occupied(entry) => entry.into_mut(),
                    Entry::Vacant(entry) => entry.insert(load(organization)?),
                };
                log.replay(record.index, record.entry).map_err(|expected| LedgerError::PendingGap {
                    path: path.clone(),
                    offset: group.offset,
                    organization,
                    expected,
                    found: record.index,
                })?;
            }
        }
        if damaged {
            // Cut for good before a newer segment exists, or the next start would take the rest for damage.
            let mut file = storage.open_append(&path).map_err(LedgerError::io("open", &path))?;
            file.cut(segment.intact_bytes).map_err(LedgerError::io("cut", &path))?;
            file.sync().map_err(|error| Fault::NotConfirmed(error).on("flush", &path))?;
            bytes_cut = segment.bytes - segment.intact_bytes;
        }
    }
    Ok(bytes_cut)
}

/// Writes replayed entries into the new segment. After a flush that was not confirmed what was read back may have
/// come from the page cache alone, so it counts as durable only once it is written anew.
fn secure_replayed(
    pending: &mut PendingLog,
    logs: &HashMap<OrganizationId, OrganizationLog>,
) -> Result<(), LedgerError> {
    let ordered: BTreeMap<_, _> = logs.iter().collect();
    let mut records = Vec::new();
    for (organization, log) in ordered {
        for (index, waiting) in (log.edge.size()..).zip(&log.waiting) {
            records.push(PendingRecord { organization: *organization, index, entry: waiting.entry.clone() });
        }
    }
    if records.is_empty() {
        return Ok(());
    }
    pending.commit(&records).map_err(|fault| match fault {
        CommitFault::NotWritten(error) | CommitFault::Untrusted(error) => error,
    })
}
