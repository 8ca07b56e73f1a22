//! What a comparison between a log and a database is, and what the comparisons share.

use std::collections::HashSet;

use fiducia_ledger::{LedgerError, LoggedLeaf};
use fiducia_policy::OrganizationId;
use fiducia_store::{ControlStore, StoreError};

use super::finding::{AuditFinding, ComparedKind};

/// Most findings that are listed of one log.
const FINDINGS_MAX: usize = 1_000;
/// Most facts whose entries may still be on their way; beyond that they are findings all the same.
pub(super) const CANDIDATES_MAX: usize = 100_000;
/// Rows that are read at a time.
pub(super) const PAGE_ROWS: u32 = 1_000;

/// Why an audit could not be completed.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The log cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A database cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was stopped.
    #[error("stopped before it was done; nothing was changed")]
    Stopped,
}

/// An entry of the log as it is replayed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'a> {
    pub(super) index: u64,
    /// Its bytes, as they lie in the log.
    pub(super) bytes: &'a [u8],
    /// What they say.
    pub(super) logged: &'a LoggedLeaf,
}

/// Compares one kind of fact with one organisation's log, in both directions. Entries come in their order, once.
///
/// A new kind of fact is a new implementation and one line in [`super::comparisons`].
pub(super) trait Comparison {
    /// Looks at an entry; does nothing with those of other kinds.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn entry(
        &mut self,
        control: &ControlStore,
        entry: Entry<'_>,
        notes: &mut Notes,
    ) -> Result<(), AuditError>;

    /// After the last entry: gives the facts that had none. Some of them may be on their way into the log.
    ///
    /// # Errors
    /// When the database cannot be read.
    fn rest(&mut self, control: &ControlStore, notes: &mut Notes) -> Result<Vec<Unlogged>, AuditError>;
}

/// A fact without an entry, unless the entry is on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unlogged {
    pub(super) kind: ComparedKind,
    pub(super) name: String,
    /// What its entry is known by; `None` where the database does not keep that.
    pub(super) event: Option<String>,
    /// Whether the database itself says that the log never confirmed it.
    pub(super) unconfirmed: bool,
}

/// What comparing writes down: findings, and how much was compared.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) findings: Vec<AuditFinding>,
    pub(super) compared: std::collections::BTreeMap<ComparedKind, u64>,
    /// Entries that have not reached everything that is made of the log.
    pub(super) pending: u64,
}

impl Notes {
    /// Adds a finding, as long as the list is not full.
    pub(super) fn find(&mut self, finding: AuditFinding) {
        match self.findings.len() {
            count if count < FINDINGS_MAX => self.findings.push(finding),
            FINDINGS_MAX => self.findings.push(AuditFinding::More),
            _ => {}
        }
    }

    /// Counts an entry that was compared.
    pub(super) fn count(&mut self, kind: ComparedKind) {
        *self.compared.entry(kind).or_default() += 1;
    }
}

/// A set of small numbers in one bit each: which rows of a table have their entry.
#[derive(Debug, Default)]
pub(super) struct Rows(Vec<u64>);

impl Rows {
    /// Highest row that fits: two GiB of bits.
    const ROW_MAX: u64 = 1 << 34;

    pub(super) fn insert(&mut self, row: u64) {
        let Ok(word) = usize::try_from(row.min(Self::ROW_MAX) / 64) else { return };
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= 1 << (row % 64);
        }
    }

    pub(super) fn contains(&self, row: u64) -> bool {
        let word = usize::try_from(row.min(Self::ROW_MAX) / 64).ok().and_then(|word| self.0.get(word));
        word.is_some_and(|bits| bits >> (row % 64) & 1 == 1)
    }
}

/// The id of an entry's event as databases store it; `None` for an id of another form.
pub(super) fn stored_event(logged: &LoggedLeaf) -> Option<[u8; 16]> {
    let uuid = logged.leaf.id.as_str().strip_prefix("event_")?;
    uuid.parse::<fiducia_policy::ExchangeId>().ok().map(|id| *id.as_bytes())
}

/// The id of an entry's event from how databases store it.
pub(super) fn event_name(event: [u8; 16]) -> String {
    format!("event_{}", fiducia_policy::ExchangeId::from_bytes(event).uuid())
}

/// Reads pages of facts, and gives those whose row is not among `seen`, at most [`CANDIDATES_MAX`].
pub(super) fn unseen(
    kind: ComparedKind,
    seen: &Rows,
    unplaced_is_unconfirmed: bool,
    mut page: impl FnMut(u64) -> Result<Vec<fiducia_store::AuditedFact>, StoreError>,
) -> Result<Vec<Unlogged>, AuditError> {
    let (mut after, mut found) = (0, Vec::new());
    let mut named = HashSet::new();
    loop {
        let rows = page(after)?;
        let Some(last) = rows.last() else { return Ok(found) };
        after = last.sequence;
        for row in rows.into_iter().filter(|row| !seen.contains(row.sequence)) {
            // One entry may be about several people, each with a row.
            if found.len() < CANDIDATES_MAX && named.insert(row.event) {
                found.push(Unlogged {
                    kind,
                    name: event_name(row.event),
                    event: Some(event_name(row.event)),
                    unconfirmed: unplaced_is_unconfirmed && row.ledger_index.is_none(),
                });
            }
        }
    }
}

/// Which organisation a comparison is about.
pub(super) type Whose = OrganizationId;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_remember_exactly_what_was_put_in(rows in prop::collection::hash_set(0_u64..5_000, 0..200), asked in 0_u64..6_000) {
            let mut set = Rows::default();
            for row in &rows {
                set.insert(*row);
            }
            prop_assert_eq!(set.contains(asked), rows.contains(&asked));
        }
    }

    #[test]
    fn names_of_events_come_back() {
        let name = event_name([7; 16]);
        assert!(name.starts_with("event_"), "{name}");
        assert_eq!(name.len(), 42);
    }
}
