//! Accesses: the entries by which people were permitted to read, and the index by which people see who looked.

use fiducia_ledger::{Event, RecordAccess};
use fiducia_policy::Timestamp;
use fiducia_store::{AccessRecord, ControlStore};

use super::comparison::{
    AuditError, Comparison, Entry, Notes, PAGE_ROWS, Rows, Unlogged, Whose, stored_event, unseen,
};
use super::finding::{AuditFinding, ComparedKind};

const KIND: ComparedKind = ComparedKind::Access;
/// The row is dated before the entry by as long as making the row durable takes.
const DATED_APART_SECONDS_MAX: i64 = 60;

/// Compares accesses.
#[derive(Debug)]
pub(super) struct Accesses {
    organization: Whose,
    seen: Rows,
    forgotten_seen: Rows,
}

impl Accesses {
    pub(super) fn of(organization: Whose) -> Self {
        Self { organization, seen: Rows::default(), forgotten_seen: Rows::default() }
    }
}

impl Comparison for Accesses {
    fn entry(
        &mut self,
        control: &ControlStore,
        Entry { index, logged, .. }: Entry<'_>,
        notes: &mut Notes,
    ) -> Result<(), AuditError> {
        let Event::RecordAccess(access) = &logged.leaf.event else { return Ok(()) };
        notes.count(KIND);
        let unknown = || AuditFinding::NotKnown { kind: KIND, index, name: logged.leaf.id.to_string() };
        let Some(event) = stored_event(logged) else {
            notes.find(unknown());
            return Ok(());
        };
        let rows = control.accesses_of_event(event)?;
        let forgotten = control.forgotten_accesses_of_event(event)?;
        if rows.is_empty() && forgotten.is_empty() {
            notes.find(unknown());
            return Ok(());
        }
        for row in &rows {
            self.seen.insert(row.sequence);
            if let Some(what) = difference(row, self.organization, index, logged.leaf.at, access) {
                notes.find(AuditFinding::Differs { kind: KIND, index, what });
            }
        }
        let mut records: u64 = rows.iter().map(|row| row.records).sum();
        for row in &forgotten {
            self.forgotten_seen.insert(row.sequence);
            records = records.saturating_add(row.records);
            if row.ledger_index.is_some_and(|place| place != index) {
                notes.find(AuditFinding::Differs { kind: KIND, index, what: "place" });
            }
        }
        if records != u64::try_from(access.records.len()).unwrap_or(u64::MAX) {
            notes.find(AuditFinding::Differs { kind: KIND, index, what: "number of records" });
        }
        Ok(())
    }

    fn rest(&mut self, control: &ControlStore, _notes: &mut Notes) -> Result<Vec<Unlogged>, AuditError> {
        // A row without a place is of an access that the log did not confirm: no key was released then.
        let mut found = unseen(KIND, &self.seen, true, |after| {
            control.audited_accesses(self.organization, after, PAGE_ROWS)
        })?;
        found.extend(unseen(KIND, &self.forgotten_seen, true, |after| {
            control.audited_forgotten_accesses(self.organization, after, PAGE_ROWS)
        })?);
        Ok(found)
    }
}

/// In what the row and the entry differ, if in anything.
fn difference(
    row: &AccessRecord,
    organization: Whose,
    index: u64,
    at: Timestamp,
    access: &RecordAccess,
) -> Option<&'static str> {
    let apart = at.as_second().saturating_sub(row.at.as_second()).abs();
    let checks = [
        (row.organization == organization, "organisation"),
        (row.ledger_index.is_none_or(|place| place == index), "place"),
        (row.actor == access.actor, "person who read"),
        (row.reason == access.reason, "reason"),
        (row.ticket == access.ticket, "ticket"),
        (row.ground == access.ground, "ground"),
        (row.expires_at.as_second() == access.expires_at.as_second(), "end"),
        (row.session == access.look.as_ref().and_then(|look| look.session), "session"),
        (row.sight == access.look.as_ref().map(|look| look.sight), "way of showing"),
        (apart <= DATED_APART_SECONDS_MAX, "time"),
    ];
    checks.iter().find(|(agrees, _)| !agrees).map(|(_, what)| *what)
}
