//! Power cuts and failing disks at every file operation.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use fiducia_policy::{Clock, OrganizationId, Timestamp};
use zeroize::Zeroizing;

use crate::error::LedgerError;
use crate::event::Event;
use crate::leaf::{EventId, Leaf};
use crate::ledger::Ledger;
use crate::note::SigningKey;
use crate::reader::LogReader;
use crate::storage::{AppendFile, Disk, Fault, Storage};
use crate::verify::{verify_log, verify_pending};

const PREFIX: &str = "log.example";

struct Noon;
impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_795_000_000).unwrap()
    }
}

fn signer() -> SigningKey {
    SigningKey::from_seed(PREFIX, Zeroizing::new([5; 32])).unwrap()
}

fn organization(number: u8) -> OrganizationId {
    OrganizationId::from_bytes([number; 16])
}

fn leaf(number: usize) -> Leaf {
    Leaf {
        id: EventId::new(&format!("event_{number}")).unwrap(),
        at: Noon.now(),
        event: Event::OrganizationCreated {},
    }
}

fn batch(number: u8, range: std::ops::Range<usize>) -> Vec<(OrganizationId, Leaf)> {
    range.map(|event| (organization(number), leaf(event))).collect()
}

fn open(storage: Arc<dyn Storage>, root: &Path) -> Result<Ledger, LedgerError> {
    Ledger::open_on(storage, root, PREFIX, signer().into(), Arc::new(Noon))
}

/// How to take a change of names back that was not flushed.
enum Undo {
    Remove(PathBuf),
    Restore(PathBuf, Vec<u8>),
}

#[derive(Default)]
struct State {
    /// Operations that still succeed; `None` for all.
    left: Option<usize>,
    /// By folder, oldest first.
    names: Vec<(PathBuf, Undo)>,
    /// Flushed and written length of files that grow.
    lengths: HashMap<PathBuf, (u64, u64)>,
    fail_sync: bool,
    fail_append: bool,
    fail_cut: bool,
}

/// A disk that stops at a given operation and, at a power cut, forgets what was not flushed.
#[derive(Clone, Default)]
struct FaultyDisk(Arc<Mutex<State>>);

fn stopped() -> io::Error {
    io::Error::other("the power is off")
}

impl FaultyDisk {
    fn stopping_after(operations: usize) -> Self {
        let disk = Self::default();
        disk.0.lock().unwrap().left = Some(operations);
        disk
    }

    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.lock().unwrap());
    }

    /// Whether one more operation succeeds.
    fn operate(&self) -> io::Result<()> {
        match &mut self.0.lock().unwrap().left {
            None => Ok(()),
            Some(0) => Err(stopped()),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    fn remember(&self, path: &Path, undo: Undo) {
        self.0.lock().unwrap().names.push((path.parent().unwrap().to_owned(), undo));
    }

    fn stopped(&self) -> bool {
        self.0.lock().unwrap().left == Some(0)
    }

    fn cut_power(&self) {
        let state = std::mem::take(&mut *self.0.lock().unwrap());
        for (path, (flushed, _)) in state.lengths {
            if let Ok(file) = fs::OpenOptions::new().write(true).open(&path) {
                file.set_len(flushed).unwrap();
            }
        }
        for (_, undo) in state.names.into_iter().rev() {
            match undo {
                Undo::Remove(path) if path.is_dir() => fs::remove_dir_all(path).unwrap(),
                Undo::Remove(path) => drop(fs::remove_file(path)),
                Undo::Restore(path, bytes) => fs::write(path, bytes).unwrap(),
            }
        }
    }
}

impl Storage for FaultyDisk {
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.operate()?;
        if !path.exists() {
            self.remember(path, Undo::Remove(path.to_owned()));
        }
        Disk.create_directory(path)
    }

    fn write_durably(&self, path: &Path, bytes: &[u8]) -> Result<(), Fault> {
        if let Err(error) = self.operate() {
            fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
            return Err(Fault::Failed(error));
        }
        Disk.write_durably(path, bytes)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.operate()?;
        let undo = fs::read(to).map_or(Undo::Remove(to.to_owned()), |old| Undo::Restore(to.to_owned(), old));
        self.remember(to, undo);
        Disk.rename(from, to)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        self.operate()?;
        self.0.lock().unwrap().names.retain(|(folder, _)| folder != path);
        Disk.sync_directory(path)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.operate()?;
        Disk.remove_file(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        self.operate()?;
        Disk.remove_directory(path)
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn AppendFile>> {
        self.operate()?;
        let bytes = fs::metadata(path).map_or(0, |metadata| metadata.len());
        if !path.exists() {
            self.remember(path, Undo::Remove(path.to_owned()));
        }
        self.0.lock().unwrap().lengths.insert(path.to_owned(), (bytes, bytes));
        Ok(Box::new(FaultyFile { disk: self.clone(), path: path.to_owned(), file: Disk.open_append(path)? }))
    }
}

struct FaultyFile {
    disk: FaultyDisk,
    path: PathBuf,
    file: Box<dyn AppendFile>,
}

impl FaultyFile {
    fn lengths(&self, change: impl FnOnce(&mut (u64, u64))) {
        change(self.disk.0.lock().unwrap().lengths.get_mut(&self.path).unwrap());
    }
}

impl AppendFile for FaultyFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let full = self.disk.0.lock().unwrap().fail_append;
        if full || self.disk.operate().is_err() {
            self.file.append(&bytes[..bytes.len() / 2])?;
            return Err(stopped());
        }
        self.lengths(|(_, written)| *written += bytes.len() as u64);
        self.file.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.disk.operate()?;
        if self.disk.0.lock().unwrap().fail_sync {
            return Err(io::Error::other("the disk lost a page"));
        }
        self.lengths(|(flushed, written)| *flushed = *written);
        self.file.sync()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.disk.operate()?;
        if self.disk.0.lock().unwrap().fail_cut {
            return Err(stopped());
        }
        self.lengths(|(flushed, written)| (*flushed, *written) = ((*flushed).min(length), length));
        self.file.cut(length)
    }
}

/// What the outside world was told: organisation, index, event number.
type Acknowledged = Vec<(u8, u64, usize)>;

fn append(
    ledger: &mut Ledger,
    number: u8,
    range: std::ops::Range<usize>,
    told: &mut Acknowledged,
) -> Result<(), LedgerError> {
    let appended = ledger.append(&batch(number, range.clone()))?;
    told.extend(range.zip(appended).map(|(event, appended)| (number, appended.index, event)));
    Ok(())
}

/// Appends and publishes across the boundary of a tile, on a disk that may stop.
fn work(
    disk: &FaultyDisk,
    root: &Path,
    checkpoint_first: bool,
    told: &mut Acknowledged,
) -> Result<(), LedgerError> {
    let mut ledger = open(Arc::new(disk.clone()), root)?;
    append(&mut ledger, 1, 250..260, told)?;
    append(&mut ledger, 2, 0..3, told)?;
    let mut publication = ledger.prepare_publication()?.unwrap();
    publication.checkpoint_first = checkpoint_first;
    let written = publication.write();
    append(&mut ledger, 1, 260..262, told)?;
    ledger.finish_publication(written)?;
    append(&mut ledger, 2, 3..4, told)?;
    ledger.publish()?;
    Ok(())
}

/// What is promised must hold as the files lie, and everything acknowledged must come back.
fn check(root: &Path, told: &Acknowledged, published_before: u64) -> Result<(), String> {
    let log = |number| (root.join(organization(number).uuid()), organization(number));
    let key = |organization: OrganizationId| {
        signer().verifier().renamed(&format!("{PREFIX}/{}", organization.uuid())).unwrap()
    };
    for number in [1, 2] {
        let (directory, organization) = log(number);
        if directory.join("checkpoint").exists() {
            let report =
                verify_log(&directory, &key(organization)).map_err(|findings| format!("{findings:?}"))?;
            if number == 1 && report.size < published_before {
                return Err("the checkpoint went back".to_owned());
            }
        }
    }
    let mut ledger = open(Arc::new(Disk), root).map_err(|error| error.to_string())?;
    ledger.publish().map_err(|error| error.to_string())?;
    for number in [1, 2] {
        let (directory, organization) = log(number);
        let told: Vec<_> = told.iter().filter(|(to, _, _)| *to == number).collect();
        if told.is_empty() {
            continue;
        }
        verify_log(&directory, &key(organization)).map_err(|findings| format!("{findings:?}"))?;
        let mut reader =
            LogReader::open(&directory, &key(organization)).map_err(|error| error.to_string())?;
        for (_, index, event) in told {
            let entry = reader.entry(*index).map_err(|error| error.to_string())?;
            if entry != leaf(*event).to_entry(organization).unwrap() {
                return Err(format!("entry {index} is another"));
            }
        }
        reader
            .consistency_proof(if number == 1 { published_before } else { 0 })
            .map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Stops at every operation in turn; gives the first failure, or how many stops there were.
fn stop_everywhere(power_cut: bool, checkpoint_first: bool) -> Result<usize, String> {
    for operations in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let mut told = Acknowledged::new();
        let mut ledger = open(Arc::new(Disk), folder.path()).unwrap();
        append(&mut ledger, 1, 0..250, &mut told).unwrap();
        ledger.publish().unwrap();
        drop(ledger);
        let disk = FaultyDisk::stopping_after(operations);
        let outcome = work(&disk, folder.path(), checkpoint_first, &mut told);
        let stopped = disk.stopped();
        if power_cut {
            disk.cut_power();
        }
        check(folder.path(), &told, 250).map_err(|reason| format!("stopped after {operations}: {reason}"))?;
        if outcome.is_ok() && !stopped {
            assert_eq!(told.len(), 250 + 10 + 3 + 2 + 1);
            return Ok(operations);
        }
    }
    Err("never finished".to_owned())
}

#[test]
fn a_process_may_die_at_any_operation() {
    assert!(stop_everywhere(false, false).unwrap() > 40);
}

#[test]
fn the_power_may_fail_at_any_operation() {
    assert!(stop_everywhere(true, false).unwrap() > 40);
}

#[test]
fn a_checkpoint_written_before_its_tiles_is_caught() {
    let reason = stop_everywhere(false, true).unwrap_err();
    assert!(reason.contains("Missing") || reason.contains("missing"), "{reason}");
    assert!(stop_everywhere(true, true).is_err());
}

#[test]
fn a_flush_that_is_not_confirmed_poisons_until_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let mut ledger = open(Arc::new(disk.clone()), folder.path()).unwrap();
    let mut told = Acknowledged::new();
    append(&mut ledger, 1, 0..2, &mut told).unwrap();
    disk.set(|state| state.fail_sync = true);
    assert!(matches!(ledger.append(&batch(1, 2..4)), Err(LedgerError::NotConfirmed { .. })));
    disk.set(|state| state.fail_sync = false);
    assert!(
        matches!(ledger.append(&batch(1, 2..4)), Err(LedgerError::Poisoned)),
        "a second flush proves nothing"
    );
    assert!(matches!(ledger.publish().unwrap_err().error, LedgerError::Poisoned));
    drop(ledger);
    disk.cut_power();
    let mut ledger = open(Arc::new(Disk), folder.path()).unwrap();
    assert_eq!(ledger.entries_waiting(), 2, "only what was acknowledged");
    append(&mut ledger, 1, 2..4, &mut told).unwrap();
    drop(ledger);
    check(folder.path(), &told, 0).unwrap();
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room_again() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let mut ledger = open(Arc::new(disk.clone()), folder.path()).unwrap();
    let mut told = Acknowledged::new();
    append(&mut ledger, 1, 0..2, &mut told).unwrap();
    disk.set(|state| state.fail_append = true);
    assert!(matches!(ledger.append(&batch(1, 2..4)), Err(LedgerError::Io { .. })));
    disk.set(|state| state.fail_append = false);
    append(&mut ledger, 1, 4..6, &mut told).unwrap();
    assert_eq!(told[2..], [(1, 2, 4), (1, 3, 5)], "refused entries took no index");
    disk.set(|state| (state.fail_append, state.fail_cut) = (true, true));
    assert!(ledger.append(&batch(1, 6..7)).is_err());
    disk.set(|state| (state.fail_append, state.fail_cut) = (false, false));
    assert!(
        matches!(ledger.append(&batch(1, 6..7)), Err(LedgerError::Poisoned)),
        "half a group could not be removed"
    );
    drop(ledger);
    verify_pending(folder.path()).unwrap_err();
    check(folder.path(), &told, 0).unwrap();
    verify_pending(folder.path()).unwrap();
}

#[test]
fn a_full_disk_gives_nobody_of_a_group_a_receipt() {
    let folder = tempfile::tempdir().unwrap();
    let disk = FaultyDisk::default();
    let mut ledger = open(Arc::new(disk.clone()), folder.path()).unwrap();
    let accesses = |numbers: std::ops::Range<u8>| -> Vec<crate::AccessEntry> {
        numbers
            .map(|number| crate::AccessEntry {
                id: EventId::new(&format!("access_{number}")).unwrap(),
                organization: organization(1),
                actor: fiducia_policy::PersonId::from_bytes([1; 16]),
                reason: fiducia_policy::AccessReason::SafetyReview,
                ticket: Some("T-1".to_owned()),
                records: vec![fiducia_policy::RecordId::from_bytes([number; 16])],
                ground: fiducia_policy::GroundKind::SafetyWindow,
                expires_at: Timestamp::from_second(1_795_000_600).unwrap(),
                look: None,
                by: crate::AccessBy::TheirOwn,
            })
            .collect()
    };
    disk.set(|state| state.fail_append = true);
    assert!(matches!(ledger.append_accesses(accesses(0..3)), Err(LedgerError::Io { .. })));
    disk.set(|state| state.fail_append = false);
    let receipts = ledger.append_accesses(accesses(3..6)).unwrap();
    let indices: Vec<u64> = receipts.iter().map(|receipt| receipt.proof().index).collect();
    assert_eq!(indices, [0, 1, 2], "the refused ones took no index");
    for (receipt, number) in receipts.iter().zip(3..6) {
        for other in 0..6 {
            let record = fiducia_policy::RecordId::from_bytes([other; 16]);
            let covers = fiducia_policy::ReleaseAuthority::covers(receipt, record);
            assert_eq!(covers, other == number, "each receipt is for its own record");
        }
    }
    // One that would have ended already keeps the whole group from the log; the scribe asks for each beforehand.
    let mut late = accesses(6..8);
    late[1].expires_at = Noon.now();
    assert!(late[0].check(Noon.now()).is_ok() && late[1].check(Noon.now()).is_err());
    assert!(matches!(ledger.append_accesses(late), Err(LedgerError::AccessRefused { .. })));
    assert_eq!(ledger.entries_waiting(), 3);
}

/// A root with three acknowledged groups that wait, and its only segment.
fn waiting_root() -> (tempfile::TempDir, PathBuf, Vec<u64>) {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = open(Arc::new(Disk), folder.path()).unwrap();
    let segment = fs::read_dir(folder.path().join("pending")).unwrap().next().unwrap().unwrap().path();
    let mut ends = Vec::new();
    for event in [0..1, 1..3, 3..4] {
        ledger.append(&batch(1, event)).unwrap();
        ends.push(fs::metadata(&segment).unwrap().len());
    }
    (folder, segment, ends)
}

#[test]
fn pending_entries_cut_at_any_byte_keep_every_whole_group() {
    let (folder, segment, ends) = waiting_root();
    let bytes = fs::read(&segment).unwrap();
    let name = segment.file_name().unwrap();
    for cut in 0..=bytes.len() {
        let copy = tempfile::tempdir_in(folder.path()).unwrap();
        fs::create_dir(copy.path().join("pending")).unwrap();
        fs::write(copy.path().join("pending").join(name), &bytes[..cut]).unwrap();
        let mut ledger = open(Arc::new(Disk), copy.path()).unwrap();
        let whole = ends.iter().filter(|end| **end <= cut as u64).count();
        let ids = ledger.recent_event_ids(organization(1), 10).unwrap();
        let expected: Vec<_> = (0..[0, 1, 3, 4][whole]).map(|event| leaf(event).id).collect();
        assert_eq!(ids, expected, "cut at {cut}");
        let start = if whole == 0 { 0 } else { ends[whole - 1] };
        assert_eq!(ledger.recovery().bytes_cut, cut as u64 - start);
    }
}

#[test]
fn damage_before_intact_groups_stops_the_start_and_is_named() {
    let (folder, segment, ends) = waiting_root();
    let mut bytes = fs::read(&segment).unwrap();
    let place = usize::try_from(ends[0]).unwrap() + 30;
    bytes[place] ^= 1;
    fs::write(&segment, bytes).unwrap();
    match open(Arc::new(Disk), folder.path()) {
        Err(LedgerError::PendingDamaged { path, offset }) => assert_eq!((path, offset), (segment, ends[0])),
        other => panic!("{other:?}"),
    }
}

#[test]
fn lost_segments_are_noticed() {
    let (folder, _, _) = waiting_root();
    let mut ledger = open(Arc::new(Disk), folder.path()).unwrap();
    ledger.publish().unwrap();
    drop(ledger);
    // The log starts anew while the pending entries go on.
    let directory = folder.path().join(organization(1).uuid());
    let mut ledger = open(Arc::new(Disk), folder.path()).unwrap();
    ledger.append(&batch(1, 4..5)).unwrap();
    drop(ledger);
    fs::remove_dir_all(&directory).unwrap();
    match open(Arc::new(Disk), folder.path()) {
        Err(LedgerError::PendingGap { expected, found, .. }) => assert_eq!((expected, found), (0, 4)),
        other => panic!("{other:?}"),
    }
}

/// Wherever a publication fails, the error names exactly the logs whose new checkpoint is there to be read.
#[test]
fn a_publication_that_fails_half_way_names_what_it_published() {
    let mut halves = 0;
    for operations in 0.. {
        let folder = tempfile::tempdir().unwrap();
        let disk = FaultyDisk::default();
        let mut ledger = open(Arc::new(disk.clone()), folder.path()).unwrap();
        for number in 1..=4 {
            ledger.append(&batch(number, 0..3)).unwrap();
        }
        disk.set(|state| state.left = Some(operations));
        let outcome = ledger.publish();
        disk.set(|state| state.left = None);
        let shown = |number: u8| {
            let key = ledger.verifier(organization(number)).unwrap();
            let log = LogReader::open(&ledger.log_directory(organization(number)), &key);
            log.is_ok_and(|log| log.checkpoint().size == 3)
        };
        let expected: Vec<_> = (1..=4).filter(|number| shown(*number)).map(organization).collect();
        let failed = match outcome {
            Ok(all) => {
                assert_eq!(all.len(), 4);
                break;
            }
            Err(failed) => failed,
        };
        let named: Vec<_> = failed.published.iter().map(|published| published.organization).collect();
        assert_eq!(named, expected, "after {operations} operations: {}", failed.error);
        halves += usize::from(!named.is_empty() && named.len() < 4);
        if !matches!(failed.error, LedgerError::NotConfirmed { .. }) {
            let rest = ledger.publish().unwrap();
            assert_eq!(named.len() + rest.len(), 4, "the others come with the next publication");
        }
    }
    assert!(halves >= 3, "between any two checkpoints: {halves}");
}
