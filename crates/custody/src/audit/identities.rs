//! Whether every entry has an event id of its own, in bounded memory however long the log is.
//!
//! Ids are known by eight bytes of their digest. They are sorted in parts: each pass over the log keeps those of one part.
//! What two ids share by chance is told from a repeated id by a last pass over the few that are alike.

use std::collections::{HashMap, HashSet};

use fiducia_ledger::{LogReader, LoggedLeaf};

use super::comparison::{AuditError, Notes};
use super::finding::AuditFinding;
use crate::staging::sha256;

/// Ids that look alike and are compared in full.
const ALIKE_MAX: usize = 10_000;

/// The ids of one log.
#[derive(Debug)]
pub(super) struct Identities {
    parts: u64,
    /// The part that is kept in this pass.
    part: u64,
    kept: Vec<u64>,
    alike: HashSet<u64>,
}

impl Identities {
    /// For a log of `size` entries, of which a pass keeps at most `pass_ids_max`.
    pub(super) fn of(size: u64, pass_ids_max: u64) -> Self {
        let parts = size.div_ceil(pass_ids_max.max(1)).max(1);
        Self { parts, part: 0, kept: Vec::new(), alike: HashSet::new() }
    }

    /// Takes an entry's id in the pass under way.
    pub(super) fn take(&mut self, logged: &LoggedLeaf) {
        let digest = short(logged);
        if digest % self.parts == self.part {
            self.kept.push(digest);
        }
    }

    /// Sorts what the pass kept, and begins the next one. Whether there is one.
    fn next_pass(&mut self) -> bool {
        self.kept.sort_unstable();
        for pair in self.kept.windows(2) {
            if let [one, next] = pair
                && one == next
                && self.alike.len() < ALIKE_MAX
            {
                self.alike.insert(*one);
            }
        }
        self.kept.clear();
        self.part += 1;
        self.part < self.parts
    }

    /// Makes the passes that are left over the log, and names the events that are there twice.
    ///
    /// # Errors
    /// When the log cannot be read, or `go_on` says to stop.
    pub(super) fn finish(
        mut self,
        log: &LogReader,
        notes: &mut Notes,
        mut go_on: impl FnMut(u64) -> bool,
    ) -> Result<(), AuditError> {
        let mut each = |log: &LogReader, look: &mut dyn FnMut(u64, &LoggedLeaf)| -> Result<(), AuditError> {
            for entry in log.entries(0) {
                let (index, bytes) = entry?;
                if !go_on(index) {
                    return Err(AuditError::Stopped);
                }
                if let Ok(logged) = LoggedLeaf::parse(&bytes) {
                    look(index, &logged);
                }
            }
            Ok(())
        };
        while self.next_pass() {
            each(log, &mut |_, logged| self.take(logged))?;
        }
        if self.alike.is_empty() {
            return Ok(());
        }
        let mut first: HashMap<String, u64> = HashMap::new();
        let alike = self.alike;
        each(log, &mut |index, logged| {
            if alike.contains(&short(logged)) {
                let event = logged.leaf.id.to_string();
                match first.get(&event) {
                    Some(first) => notes.find(AuditFinding::Repeated { event, first: *first, again: index }),
                    None => {
                        first.insert(event, index);
                    }
                }
            }
        })
    }
}

/// Eight bytes of the digest of an entry's id.
fn short(logged: &LoggedLeaf) -> u64 {
    let digest = sha256(&[logged.leaf.id.as_str().as_bytes()]);
    digest.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
