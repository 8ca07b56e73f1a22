//! Pages of the activity feed over very many rows, beside a bare range of the file's primary key: the two take turns on one file.

use std::time::{Duration, Instant};

use fiducia_policy::{ActivityId, OrganizationId, Timestamp};
use fiducia_store::{ActivityFilter, ActivityKey, ActivityRecord, ActivityStore};
use rusqlite::{Connection, OpenFlags, params};

use crate::consent::say;
use crate::failure::Failure;
use crate::report;
use crate::retention::refused;

/// Rows of a page.
const PAGE_ROWS: u32 = 1_000;
/// How often each page is asked for.
const TIMED: u64 = 40;
/// Rows of one commit while the file is built.
const COMMIT_ROWS: u64 = 50_000;
const ORGANIZATIONS: u64 = 4;
const KINDS: u64 = 40;
const ACTORS: u64 = 1_000;
/// Microseconds between two rows.
const STEP: i64 = 250_000;
const BEGAN: i64 = 1_760_000_000_000_000;

/// `feed`
///
/// # Errors
/// When the store refuses something.
pub(crate) fn measure(records: u64) -> Result<(), Failure> {
    let folder = tempfile::tempdir()
        .map_err(|cause| Failure::System { doing: "make a temporary directory", cause })?;
    let path = folder.path().join("activities.db");
    let begun = Instant::now();
    build(&path, records)?;
    report::line(format!(
        "{records} rows of {ORGANIZATIONS} organisations, {KINDS} types and {ACTORS} people, entered in {:.0} s; pages of {PAGE_ROWS}, \
         the target is 50 ms",
        begun.elapsed().as_secs_f64()
    ));
    let store = ActivityStore::open_for_reading(&path).map_err(refused)?;
    let bare = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(refused)?;
    for (name, filter) in filters() {
        let (mut pages, mut ranges) = (Vec::new(), Vec::new());
        for number in 0..TIMED {
            let at = at(records.saturating_mul(number) / TIMED);
            ranges.push(range(&bare, at)?);
            pages.push(page(&store, &filter, at)?);
        }
        let ratio = middle(&pages).as_secs_f64() / middle(&ranges).as_secs_f64().max(1e-9);
        say(name, pages);
        report::line(format!("{:<44} {ratio:>9.2} times a bare range of the primary key", "  beside it"));
    }
    Ok(())
}

/// Enters the rows through the store, and makes the indexes once they are all there: the same file, without moving the pages of
/// five indexes around for each commit. What entering costs is not measured here.
fn build(path: &std::path::Path, records: u64) -> Result<(), Failure> {
    let mut store = ActivityStore::open(path).map_err(refused)?;
    let bare = Connection::open(path).map_err(refused)?;
    let indexes: Vec<(String, String)> = bare
        .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        .and_then(|mut found| found.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
        .map_err(refused)?;
    for (name, _) in &indexes {
        bare.execute_batch(&format!("DROP INDEX {name}")).map_err(refused)?;
    }
    let mut next = 0;
    while next < records {
        let end = records.min(next.saturating_add(COMMIT_ROWS));
        let rows: Vec<ActivityRecord> = (next..end).map(row).collect();
        store.enter(&rows, None).map_err(refused)?;
        next = end;
    }
    bare.execute_batch("PRAGMA cache_size = -1000000; PRAGMA temp_store = FILE").map_err(refused)?;
    for (_, sql) in &indexes {
        bare.execute_batch(sql).map_err(refused)?;
    }
    bare.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(refused)
}

fn row(number: u64) -> ActivityRecord {
    // Spread as splitmix64 spreads, so that types and people do not come in turns.
    let mut spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    spread = (spread ^ (spread >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    spread ^= spread >> 27;
    ActivityRecord {
        id: ActivityId::from_bytes(((u128::from(number) << 64) | u128::from(spread)).to_be_bytes()),
        created_at: Timestamp::from_microsecond(at(number)).unwrap_or(Timestamp::UNIX_EPOCH),
        organization: Some(organization(spread % ORGANIZATIONS)),
        kind: kind((spread >> 8) % KINDS),
        actor: Some(actor((spread >> 16) % ACTORS)),
        body: format!(
            "{{\"actor\":{{\"type\":\"user_actor\",\"user_id\":\"psn_{spread:032x}\"}},\"details\":{{\"ledger_index\":{number}}}}}"
        )
        .into_bytes(),
    }
}

fn at(number: u64) -> i64 {
    BEGAN.saturating_add(i64::try_from(number).unwrap_or(0).saturating_mul(STEP))
}

fn organization(number: u64) -> OrganizationId {
    OrganizationId::from_bytes(u128::from(number + 1).to_be_bytes())
}

fn kind(number: u64) -> String {
    format!("fiducia_kind_{number}")
}

fn actor(number: u64) -> [u8; 16] {
    u128::from(number + 1).to_be_bytes()
}

fn filters() -> Vec<(&'static str, ActivityFilter)> {
    let one =
        || ActivityFilter { organizations: Some(vec![Some(organization(1))]), ..ActivityFilter::default() };
    let kinds = |count: u64| Some((0..count).map(kind).collect());
    vec![
        ("no filter", ActivityFilter::default()),
        ("an organisation", one()),
        ("a type", ActivityFilter { kinds: kinds(1), ..one() }),
        ("five types", ActivityFilter { kinds: kinds(5), ..one() }),
        ("all types but one", ActivityFilter { excluded_kinds: vec![kind(3)], ..one() }),
        ("a person", ActivityFilter { actors: Some(vec![actor(5)]), ..one() }),
        ("ten people", ActivityFilter { actors: Some((0..10).map(actor).collect()), ..one() }),
        (
            "ten people and five types",
            ActivityFilter { actors: Some((0..10).map(actor).collect()), kinds: kinds(5), ..one() },
        ),
        (
            "every organisation and five types",
            ActivityFilter { kinds: kinds(5), ..ActivityFilter::default() },
        ),
    ]
}

fn page(store: &ActivityStore, filter: &ActivityFilter, at: i64) -> Result<Duration, Failure> {
    let filter = ActivityFilter { after: ActivityKey::before(at), ..filter.clone() };
    let begun = Instant::now();
    let page = store.page(&filter, false, PAGE_ROWS).map_err(refused)?;
    let took = begun.elapsed();
    page.map(|_| took).ok_or_else(|| refused("too many streams"))
}

fn range(bare: &Connection, at: i64) -> Result<Duration, Failure> {
    let begun = Instant::now();
    let mut statement = bare
        .prepare_cached(
            "SELECT id, body FROM activities WHERE created_at >= ?1 ORDER BY created_at, id LIMIT ?2",
        )
        .map_err(refused)?;
    let rows = statement
        .query_map(params![at, PAGE_ROWS], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(refused)?;
    let took = begun.elapsed();
    if rows.is_empty() { Err(refused("the range is empty")) } else { Ok(took) }
}

fn middle(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
