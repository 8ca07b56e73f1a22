//! One page of the feed: streams merged by time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use fiducia_policy::{ActivityId, OrganizationId, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::{ActivityRecord, ActivityStore, known, organization_bytes};
use crate::StoreError;
use crate::connection::{bytes16, instant};

/// Streams that one page may be merged of: organisations times types times actors that are asked for.
pub const STREAMS_MAX: usize = 4_096;
/// Fewest keys that a stream reads at a time.
const CHUNK_MIN: usize = 16;

/// Where a row stands in the order of the feed: its time, then its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActivityKey {
    /// Microseconds since 1970.
    pub at: i64,
    /// The row's id.
    pub id: [u8; 16],
}

impl ActivityKey {
    /// Before everything.
    pub const FIRST: Self = Self { at: i64::MIN, id: [0; 16] };
    /// After everything.
    pub const LAST: Self = Self { at: i64::MAX, id: [0xff; 16] };

    /// The last key before all rows of an instant.
    pub const fn before(at: i64) -> Self {
        Self { at: at.saturating_sub(1), id: [0xff; 16] }
    }

    /// The first key that no row of an earlier instant reaches.
    pub const fn from(at: i64) -> Self {
        Self { at, id: [0; 16] }
    }
}

impl ActivityRecord {
    /// Where it stands in the order of the feed.
    pub fn key(&self) -> ActivityKey {
        ActivityKey { at: self.created_at.as_microsecond(), id: *self.id.as_bytes() }
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityFilter {
    /// Of these organisations, `None` among them for the installation itself; every one when absent.
    pub organizations: Option<Vec<Option<OrganizationId>>>,
    /// Of these types; all when absent.
    pub kinds: Option<Vec<String>>,
    /// Of none of these types.
    pub excluded_kinds: Vec<String>,
    /// By these actors; by whomever, and by nobody, when absent.
    pub actors: Option<Vec<[u8; 16]>>,
    /// Rows behind this key.
    pub after: ActivityKey,
    /// Rows before this key.
    pub before: ActivityKey,
}

impl Default for ActivityFilter {
    fn default() -> Self {
        Self {
            organizations: None,
            kinds: None,
            excluded_kinds: Vec::new(),
            actors: None,
            after: ActivityKey::FIRST,
            before: ActivityKey::LAST,
        }
    }
}

/// A range of one index. What it does not fix is whatever it is.
#[derive(Debug, Clone, Copy, Default)]
struct Fixed {
    organization: Option<i64>,
    kind: Option<i64>,
    actor: Option<i64>,
}

impl ActivityStore {
    /// The first rows that a filter lets through: from the oldest on, or from the newest back. At most `limit`. `None` when
    /// more than [`STREAMS_MAX`] streams are asked for.
    pub fn page(
        &self,
        filter: &ActivityFilter,
        is_newest_first: bool,
        limit: u32,
    ) -> Result<Option<Vec<ActivityRecord>>, StoreError> {
        self.file.begin_snapshot()?;
        let page = self.page_within(filter, is_newest_first, limit);
        self.file.end_snapshot()?;
        page
    }

    /// The row at this place.
    pub fn activity(&self, key: ActivityKey) -> Result<Option<ActivityRecord>, StoreError> {
        self.file.read("activity", |connection| row(connection, key).optional())
    }

    fn page_within(
        &self,
        filter: &ActivityFilter,
        is_newest_first: bool,
        limit: u32,
    ) -> Result<Option<Vec<ActivityRecord>>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let streams = self.file.read("activity_streams", |connection| streams(connection, filter))?;
        if streams.len() > STREAMS_MAX {
            return Ok(None);
        }
        self.file.read("page_activities", |connection| {
            let chunk = (limit / streams.len().max(1)).saturating_add(1).max(CHUNK_MIN);
            let mut merge = Merge::new(connection, filter, is_newest_first, chunk);
            for fixed in streams {
                merge.add(fixed)?;
            }
            let mut rows = Vec::with_capacity(limit.min(8_192));
            while rows.len() < limit {
                let Some(key) = merge.next()? else { break };
                rows.push(row(connection, key)?);
            }
            Ok(Some(rows))
        })
    }
}

/// The streams that a filter takes.
fn streams(connection: &Connection, filter: &ActivityFilter) -> rusqlite::Result<Vec<Fixed>> {
    let organizations = match &filter.organizations {
        None if filter.kinds.is_none() && filter.excluded_kinds.is_empty() && filter.actors.is_none() => {
            return Ok(vec![Fixed::default()]);
        }
        None => numbers(connection, "SELECT number FROM organizations")?,
        Some(wanted) => {
            let bytes = wanted.iter().map(|id| Value::Blob(organization_bytes(*id)));
            known_numbers(connection, "organizations", "id", bytes)?
        }
    };
    let kinds = match (&filter.kinds, filter.excluded_kinds.is_empty()) {
        (None, true) => vec![None],
        (None, false) => {
            let excluded = filter.excluded_kinds.iter().map(|name| Value::Text(name.clone()));
            let excluded = known_numbers(connection, "kinds", "name", excluded)?;
            let all = numbers(connection, "SELECT number FROM kinds")?;
            all.into_iter().filter(|kind| !excluded.contains(kind)).map(Some).collect()
        }
        (Some(wanted), _) => {
            let wanted = wanted.iter().filter(|name| !filter.excluded_kinds.contains(name));
            let names = wanted.map(|name| Value::Text(name.clone()));
            known_numbers(connection, "kinds", "name", names)?.into_iter().map(Some).collect()
        }
    };
    let actors = match &filter.actors {
        None => vec![None],
        Some(wanted) => {
            let ids = wanted.iter().map(|id| Value::Blob(id.to_vec()));
            known_numbers(connection, "actors", "id", ids)?.into_iter().map(Some).collect()
        }
    };
    let mut streams = Vec::new();
    for organization in &organizations {
        for kind in &kinds {
            for actor in &actors {
                if streams.len() > STREAMS_MAX {
                    return Ok(streams);
                }
                streams.push(Fixed { organization: Some(*organization), kind: *kind, actor: *actor });
            }
        }
    }
    Ok(streams)
}

fn numbers(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<i64>> {
    connection.prepare_cached(sql)?.query_map([], |row| row.get(0))?.collect()
}

/// The numbers of those names that have one, each once.
fn known_numbers(
    connection: &Connection,
    table: &str,
    column: &str,
    names: impl Iterator<Item = Value>,
) -> rusqlite::Result<Vec<i64>> {
    let mut found = Vec::new();
    for name in names {
        found.extend(known(connection, table, column, &name)?);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// Keys of one stream that were read and not given yet.
struct Stream {
    fixed: Fixed,
    ready: VecDeque<ActivityKey>,
    /// The last key that was read.
    last: ActivityKey,
    is_over: bool,
}

/// Streams in one order. The heap holds the first key of each.
struct Merge<'a> {
    connection: &'a Connection,
    streams: Vec<Stream>,
    oldest: BinaryHeap<Reverse<(ActivityKey, usize)>>,
    newest: BinaryHeap<(ActivityKey, usize)>,
    after: ActivityKey,
    before: ActivityKey,
    is_newest_first: bool,
    chunk: usize,
}

impl<'a> Merge<'a> {
    fn new(connection: &'a Connection, filter: &ActivityFilter, is_newest_first: bool, chunk: usize) -> Self {
        Self {
            connection,
            streams: Vec::new(),
            oldest: BinaryHeap::new(),
            newest: BinaryHeap::new(),
            after: filter.after,
            before: filter.before,
            is_newest_first,
            chunk,
        }
    }

    fn add(&mut self, fixed: Fixed) -> rusqlite::Result<()> {
        let last = if self.is_newest_first { self.before } else { self.after };
        self.streams.push(Stream { fixed, ready: VecDeque::new(), last, is_over: false });
        self.advance(self.streams.len() - 1)
    }

    fn next(&mut self) -> rusqlite::Result<Option<ActivityKey>> {
        let first = if self.is_newest_first {
            self.newest.pop()
        } else {
            self.oldest.pop().map(|Reverse(first)| first)
        };
        let Some((key, place)) = first else { return Ok(None) };
        self.advance(place)?;
        Ok(Some(key))
    }

    /// Puts the next key of a stream into the heap.
    fn advance(&mut self, place: usize) -> rusqlite::Result<()> {
        let Some(stream) = self.streams.get_mut(place) else { return Ok(()) };
        if stream.ready.is_empty() && !stream.is_over {
            let (after, before) =
                if self.is_newest_first { (self.after, stream.last) } else { (stream.last, self.before) };
            let keys = read(self.connection, stream.fixed, after, before, self.is_newest_first, self.chunk)?;
            stream.is_over = keys.len() < self.chunk;
            stream.last = keys.last().copied().unwrap_or(stream.last);
            stream.ready.extend(keys);
        }
        if let Some(key) = stream.ready.pop_front() {
            if self.is_newest_first {
                self.newest.push((key, place));
            } else {
                self.oldest.push(Reverse((key, place)));
            }
        }
        Ok(())
    }
}

/// The next keys of a stream between two keys, both left out.
fn read(
    connection: &Connection,
    fixed: Fixed,
    after: ActivityKey,
    before: ActivityKey,
    is_newest_first: bool,
    chunk: usize,
) -> rusqlite::Result<Vec<ActivityKey>> {
    let mut values: Vec<Value> = Vec::with_capacity(8);
    let mut conditions = String::new();
    // What is fixed names the index whose range this is: the planner is told, since its statistics may be of another day.
    let index = match (fixed.organization, fixed.actor, fixed.kind) {
        (None, ..) => "NOT INDEXED",
        (Some(_), None, None) => "INDEXED BY activities_organization",
        (Some(_), None, Some(_)) => "INDEXED BY activities_kind",
        (Some(_), Some(_), None) => "INDEXED BY activities_actor",
        (Some(_), Some(_), Some(_)) => "INDEXED BY activities_actor_kind",
    };
    let columns = [("organization", fixed.organization), ("actor", fixed.actor), ("kind", fixed.kind)];
    for (column, value) in columns {
        if let Some(value) = value {
            values.push(Value::Integer(value));
            conditions.push_str(column);
            conditions.push_str(" = ? AND ");
        }
    }
    for key in [after, before] {
        values.push(Value::Integer(key.at));
        values.push(Value::Blob(key.id.to_vec()));
    }
    values.push(Value::Integer(i64::try_from(chunk).unwrap_or(i64::MAX)));
    let order = if is_newest_first { "DESC" } else { "ASC" };
    connection
        .prepare_cached(&format!(
            "SELECT created_at, id FROM activities {index} WHERE {conditions}
             (created_at, id) > (?, ?) AND (created_at, id) < (?, ?)
             ORDER BY created_at {order}, id {order} LIMIT ?"
        ))?
        .query_map(params_from_iter(values), |row| Ok(ActivityKey { at: row.get(0)?, id: bytes16(row, 1)? }))?
        .collect()
}

fn row(connection: &Connection, key: ActivityKey) -> rusqlite::Result<ActivityRecord> {
    connection
        .prepare_cached(
            "SELECT a.created_at, a.id, o.id, k.name, c.id, a.body FROM activities a
             JOIN organizations o ON o.number = a.organization JOIN kinds k ON k.number = a.kind
             LEFT JOIN actors c ON c.number = a.actor WHERE a.created_at = ?1 AND a.id = ?2",
        )?
        .query_row(params![key.at, key.id], |row| {
            let organization = row.get_ref(2)?.as_blob()?;
            let organization = <[u8; 16]>::try_from(organization).ok().map(OrganizationId::from_bytes);
            let actor = match row.get_ref(4)? {
                rusqlite::types::ValueRef::Null => None,
                _ => Some(bytes16(row, 4)?),
            };
            let created_at: Timestamp = instant(row, 0)?;
            let id = ActivityId::from_bytes(bytes16(row, 1)?);
            Ok(ActivityRecord { id, created_at, organization, kind: row.get(3)?, actor, body: row.get(5)? })
        })
}
