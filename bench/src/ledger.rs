//! What the log can carry: durable entries a second by group commits with tiles derived behind them, held against raw appends of the
//! same bytes with as many flushes; and proofs from a long log.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use fiducia_ledger::{
    Digest, Event, EventId, Leaf, Ledger, LedgerError, LogReader, Publication, SigningKey, WrittenPublication,
};
use fiducia_policy::{Clock, OrganizationId, Timestamp};

use crate::failure::Failure;
use crate::report;
use crate::retention::refused;
use crate::statistics::percentile;

const ORGANIZATION: OrganizationId = OrganizationId::from_bytes([1; 16]);
/// Entries of one round.
const ROUND: u64 = 65_536;
/// Sizes of the groups that share a flush.
const GROUPS: [u64; 3] = [32, 256, 1_024];
/// Entries that one append takes while a long log is made.
const STEP: u64 = 4_000;
/// How old what is published may become while entries keep coming, as in the program.
const PUBLISH_AGE: Duration = Duration::from_secs(1);
/// Proofs that are timed, of each kind.
const PROOFS: u64 = 2_000;

/// Publishing asks for no time.
struct Epoch;

impl Clock for Epoch {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

/// Measures appends in `rounds`, then proofs from a log of `entries`.
///
/// # Errors
/// When the ledger or the disk refuses something.
pub(crate) fn measure(rounds: u32, entries: u64) -> Result<(), Failure> {
    for group in GROUPS {
        let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let folder = folder()?;
        let mut ledger = open(&folder.path().join("ledger"))?;
        for round in 0..rounds {
            let leaves = leaves(u64::from(round) * ROUND)?;
            let raw = rate(raw(folder.path(), &leaves, group)?);
            let appended = rate(grouped(&mut ledger, &leaves, group)?);
            ours.push(appended);
            theirs.push(raw);
            ratios.push(appended / raw);
        }
        report::target(&format!("durable entries, groups of {group}"), &ours, "/s", "20000 /s");
        report::median(&format!("raw appends of them, groups of {group}"), &theirs, "/s");
        report::median("  ratio", &ratios, "");
    }
    proofs(entries)
}

#[expect(clippy::cast_precision_loss, reason = "a rate to print")]
fn rate(took: Duration) -> f64 {
    ROUND as f64 / took.as_secs_f64()
}

fn folder() -> Result<tempfile::TempDir, Failure> {
    let failed = |cause| Failure::System { doing: "make a folder", cause };
    match std::env::var_os("FIDUCIA_BENCH_DIRECTORY") {
        Some(place) => tempfile::tempdir_in(place).map_err(failed),
        None => tempfile::tempdir().map_err(failed),
    }
}

fn open(root: &Path) -> Result<Ledger, Failure> {
    let signer = SigningKey::from_seed("ledger.bench", [5; 32].into()).map_err(refused)?;
    Ledger::open(root, "ledger.bench", signer, Arc::new(Epoch)).map_err(refused)
}

/// A round's entries, from this number on: leaves of capture batches.
fn leaves(from: u64) -> Result<Vec<(OrganizationId, Leaf)>, Failure> {
    some_leaves(from, ROUND).map_err(refused)
}

fn some_leaves(from: u64, count: u64) -> Result<Vec<(OrganizationId, Leaf)>, LedgerError> {
    let leaf = |number: u64| {
        let event = Event::CaptureBatch { batch: format!("{number:032x}"), root: Digest([7; 32]), count: 32 };
        Ok((
            ORGANIZATION,
            Leaf { id: EventId::new(&format!("event_{number:036}"))?, at: Timestamp::UNIX_EPOCH, event },
        ))
    };
    (from..from + count).map(leaf).collect()
}

fn groups(leaves: &[(OrganizationId, Leaf)], group: u64) -> std::slice::Chunks<'_, (OrganizationId, Leaf)> {
    leaves.chunks(usize::try_from(group).unwrap_or(1).max(1))
}

/// Appends the entries in groups while a second thread writes tiles and checkpoints; the time until all are durable and published.
fn grouped(ledger: &mut Ledger, leaves: &[(OrganizationId, Leaf)], group: u64) -> Result<Duration, Failure> {
    let (publications, wanted) = channel::<Publication>();
    let (written, done) = channel::<WrittenPublication>();
    let publisher = std::thread::spawn(move || {
        for publication in wanted {
            if written.send(publication.write()).is_err() {
                return;
            }
        }
    });
    let began = Instant::now();
    let mut last = began;
    for group in groups(leaves, group) {
        ledger.append(group).map_err(refused)?;
        if let Ok(written) = done.try_recv() {
            ledger.finish_publication(written).map_err(refused)?;
        }
        if last.elapsed() < PUBLISH_AGE {
            continue;
        }
        last = Instant::now();
        if let Some(publication) = ledger.prepare_publication().map_err(refused)?
            && publications.send(publication).is_err()
        {
            break;
        }
    }
    drop(publications);
    while let Ok(written) = done.recv() {
        ledger.finish_publication(written).map_err(refused)?;
    }
    ledger.publish().map_err(refused)?;
    let took = began.elapsed();
    // The thread ends when nobody sends any more; a panic of it has shown in the channel.
    drop(publisher.join());
    Ok(took)
}

/// The bytes of the same entries in raw appends, each group with one flush.
fn raw(folder: &Path, leaves: &[(OrganizationId, Leaf)], group: u64) -> Result<Duration, Failure> {
    let mut pieces = Vec::new();
    for group in groups(leaves, group) {
        let mut piece = Vec::new();
        for (organization, leaf) in group {
            piece.extend(leaf.to_entry(*organization).map_err(refused)?);
        }
        pieces.push(piece);
    }
    let path = folder.join("raw");
    let mut file = File::create(&path).map_err(Failure::file("create", &path))?;
    let began = Instant::now();
    for piece in pieces {
        file.write_all(&piece).and_then(|()| file.sync_data()).map_err(Failure::file("append to", &path))?;
    }
    Ok(began.elapsed())
}

/// Times proofs at places all over a log of this many entries.
fn proofs(entries: u64) -> Result<(), Failure> {
    let folder = folder()?;
    let mut ledger = open(&folder.path().join("ledger"))?;
    for from in (0..entries).step_by(usize::try_from(STEP).unwrap_or(1)) {
        let count = STEP.min(entries - from);
        ledger.append(&some_leaves(from, count).map_err(refused)?).map_err(refused)?;
        if from % (STEP * 10) == 0 {
            ledger.publish().map_err(refused)?;
        }
    }
    ledger.publish().map_err(refused)?;
    let key = ledger.verifier(ORGANIZATION).map_err(refused)?;
    let directory = ledger.log_directory(ORGANIZATION);
    let mut number = 12_345_u64;
    let mut next = || {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        1 + (number >> 20) % (entries - 1)
    };
    let mut one =
        |name: &str, prove: &mut dyn FnMut(u64) -> Result<(), LedgerError>| -> Result<(), Failure> {
            let mut milliseconds = Vec::new();
            for _ in 0..PROOFS {
                let place = next();
                let began = Instant::now();
                prove(place).map_err(refused)?;
                milliseconds.push(began.elapsed().as_secs_f64() * 1_000.0);
            }
            let (middle, late) = (percentile(&mut milliseconds, 50), percentile(&mut milliseconds, 99));
            report::line(format_args!(
                "{name:<44} {middle:>9.3} ms   at the median, {late:.3} ms at the 99th percentile"
            ));
            Ok(())
        };
    report::line(format_args!("of a log of {entries} entries, target below 1 ms:"));
    one("inclusion, opened anew each time", &mut |place| {
        LogReader::open(&directory, &key)?.proof_file(place).map(drop)
    })?;
    let mut reader = LogReader::open(&directory, &key).map_err(refused)?;
    one("inclusion", &mut |place| reader.inclusion_proof(place).map(drop))?;
    let mut reader = LogReader::open(&directory, &key).map_err(refused)?;
    one("consistency with an earlier log", &mut |place| reader.consistency_proof(place).map(drop))
}
