//! What a crash or a failure left to be done before anything new is taken in: journaled groups that are not filed, records
//! that are not indexed, facts that the ledger does not have.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use fiducia_ledger::Ledger;
use fiducia_policy::OrganizationId;
use fiducia_store::{Announcement, BucketName, DataDirectory, Journal, JournalGroup, StoreError};

use crate::filing::{by_bucket, index_entry};
use crate::open_error::OpenError;
use crate::scribe::{Delivery, Fact, Source, event_id};
use crate::writer::{Files, Writer};

/// Records indexed in one step.
const RECORDS_PER_STEP: u32 = 1_000;
/// Outbox rows drained in one step.
const OUTBOX_ROWS_PER_STEP: u32 = 1_000;
/// Facts of the journal looked for in the ledger in one step.
const FACTS_PER_STEP: usize = 1_000;
/// How far back in a log an undelivered fact may lie: more than ever waits at once.
const RECENT_EVENTS: usize = 20_000;

/// Files what the journal holds and the buckets do not, and gives every group to `each`. Gives the number of the last
/// group there ever was, as far as known.
pub(crate) fn file_journal(files: &mut Files, mut each: impl FnMut(JournalGroup)) -> Result<u64, StoreError> {
    let mut marks: HashMap<BucketName, u64> = HashMap::new();
    for name in files.place.names()? {
        let mark = files.bucket(&name)?.filed_up_to()?;
        marks.insert(name, mark);
    }
    let mut last = marks.values().copied().max().unwrap_or(0);
    let directory = DataDirectory::journal(&files.root);
    Journal::groups(&directory, |group| {
        last = last.max(group.number);
        for (name, records) in by_bucket(&group.records) {
            if group.number > marks.get(name).copied().unwrap_or(0) {
                files.bucket(name)?.file(group.number, &records)?;
            }
        }
        each(group);
        Ok::<(), StoreError>(())
    })?;
    Ok(last)
}

impl Writer {
    /// Indexes records beyond each bucket's mark: what a crash left out.
    pub(crate) fn index_what_is_behind(&mut self) -> Result<(), StoreError> {
        for name in self.files.place.names()? {
            loop {
                let mark = self.files.control.indexed_up_to(&name)?;
                let records = self.files.bucket(&name)?.unindexed(mark, RECORDS_PER_STEP)?;
                let Some((last, _)) = records.last() else { break };
                let entries: Vec<_> = records.iter().map(|(_, record)| index_entry(record)).collect();
                self.files.control.index(&name, *last, &entries)?;
            }
        }
        Ok(())
    }
}

/// Appends those of the journal's and the control outbox's facts that the ledger does not have, publishes, and empties
/// the outbox.
pub(crate) fn log_facts(
    files: &mut Files,
    ledger: &mut Ledger,
    from_journal: &[Announcement],
) -> Result<(), OpenError> {
    let mut known = HashMap::new();
    for step in from_journal.chunks(FACTS_PER_STEP) {
        log_missing(ledger, &mut known, step, "journal")?;
    }
    loop {
        let rows = files.control.outbox(OUTBOX_ROWS_PER_STEP)?;
        if rows.is_empty() {
            break;
        }
        log_missing(ledger, &mut known, &rows, "control.db")?;
        let done: Vec<_> = rows.iter().map(|row| row.id).collect();
        files.control.forget_delivered(&done)?;
    }
    ledger.publish().map_err(fiducia_ledger::LedgerError::from)?;
    Ok(())
}

fn log_missing(
    ledger: &mut Ledger,
    known: &mut HashMap<OrganizationId, HashSet<String>>,
    facts: &[Announcement],
    place: &str,
) -> Result<(), OpenError> {
    let mut leaves = Vec::new();
    for announced in facts {
        let fact: Fact =
            serde_json::from_slice(&announced.event).map_err(|_| OpenError::Outbox(place.to_owned()))?;
        let logged = match known.entry(announced.organization) {
            Entry::Occupied(set) => set.into_mut(),
            Entry::Vacant(vacant) => {
                let recent = ledger.recent_event_ids(announced.organization, RECENT_EVENTS)?;
                vacant.insert(recent.into_iter().map(|id| id.as_str().to_owned()).collect())
            }
        };
        if !logged.contains(event_id(announced.id)?.as_str()) {
            let (id, organization) = (announced.id, announced.organization);
            let delivery = Delivery { source: Source::Control, id, organization, fact };
            leaves.push((organization, delivery.leaf()?));
        }
    }
    if !leaves.is_empty() {
        tracing::info!(facts = leaves.len(), "logging facts that a crash kept from the ledger");
        ledger.append(&leaves)?;
    }
    Ok(())
}
