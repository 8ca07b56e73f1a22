//! What governs retention: legal holds and published policies. There are few of them, so they are kept in memory.

use std::collections::HashSet;

use fiducia_ledger::Event;
use fiducia_policy::{HoldId, Timestamp};
use fiducia_store::ControlStore;

use super::comparison::{AuditError, Comparison, Entry, Notes, Unlogged, Whose};
use super::finding::{AuditFinding, ComparedKind};

/// Compares legal holds.
#[derive(Debug)]
pub(super) struct Holds {
    organization: Whose,
    placed: HashSet<HoldId>,
    released: HashSet<HoldId>,
}

impl Holds {
    pub(super) fn of(organization: Whose) -> Self {
        Self { organization, placed: HashSet::new(), released: HashSet::new() }
    }
}

impl Comparison for Holds {
    fn entry(
        &mut self,
        control: &ControlStore,
        Entry { index, logged, .. }: Entry<'_>,
        notes: &mut Notes,
    ) -> Result<(), AuditError> {
        const KIND: ComparedKind = ComparedKind::Hold;
        let (hold, is_release) = match &logged.leaf.event {
            Event::HoldPlaced { hold, .. } => (*hold, false),
            Event::HoldReleased { hold, .. } => (*hold, true),
            _ => return Ok(()),
        };
        notes.count(KIND);
        if is_release {
            self.released.insert(hold);
        } else {
            self.placed.insert(hold);
        }
        match control.hold(hold)? {
            None => notes.find(AuditFinding::NotKnown { kind: KIND, index, name: hold.to_string() }),
            Some(row) if row.organization != self.organization => {
                notes.find(AuditFinding::Differs { kind: KIND, index, what: "organisation" });
            }
            Some(row) if is_release && row.released_at.is_none() => {
                notes.find(AuditFinding::Differs { kind: KIND, index, what: "release" });
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn rest(&mut self, control: &ControlStore, _notes: &mut Notes) -> Result<Vec<Unlogged>, AuditError> {
        let mut found = Vec::new();
        for row in control.holds()?.into_iter().filter(|row| row.organization == self.organization) {
            let mut missing = |what: &str| {
                found.push(Unlogged {
                    kind: ComparedKind::Hold,
                    name: format!("{} ({what})", row.id),
                    event: None,
                    unconfirmed: false,
                });
            };
            if !self.placed.contains(&row.id) {
                missing("placed");
            }
            if row.released_at.is_some() && !self.released.contains(&row.id) {
                missing("released");
            }
        }
        Ok(found)
    }
}

/// Compares policies. A policy is in the log of every organisation that was there when it was published.
#[derive(Debug)]
pub(super) struct Policies {
    since: Timestamp,
    seen: HashSet<u64>,
}

impl Policies {
    pub(super) fn since(created_at: Timestamp) -> Self {
        Self { since: created_at, seen: HashSet::new() }
    }
}

impl Comparison for Policies {
    fn entry(
        &mut self,
        control: &ControlStore,
        Entry { index, logged, .. }: Entry<'_>,
        notes: &mut Notes,
    ) -> Result<(), AuditError> {
        const KIND: ComparedKind = ComparedKind::Policy;
        let Event::PolicyPublished { version, name, policy, actor } = &logged.leaf.event else {
            return Ok(());
        };
        notes.count(KIND);
        self.seen.insert(*version);
        let found = control.policies()?.into_iter().find(|row| u64::from(row.version.0) == *version);
        let Some(row) = found else {
            notes.find(AuditFinding::NotKnown { kind: KIND, index, name: version.to_string() });
            return Ok(());
        };
        let text = crate::staging::sha256(&[row.source.as_bytes()]);
        let checks = [
            (row.digest == policy.0 && text == policy.0, "text"),
            (row.name == *name, "name"),
            (row.published_by == *actor, "person who published"),
        ];
        if let Some((_, what)) = checks.iter().find(|(agrees, _)| !agrees) {
            notes.find(AuditFinding::Differs { kind: KIND, index, what });
        }
        Ok(())
    }

    fn rest(&mut self, control: &ControlStore, _notes: &mut Notes) -> Result<Vec<Unlogged>, AuditError> {
        let rows = control.policies()?.into_iter();
        let missing = rows
            .filter(|row| row.published_at >= self.since && !self.seen.contains(&u64::from(row.version.0)));
        Ok(missing
            .map(|row| Unlogged {
                kind: ComparedKind::Policy,
                name: row.version.to_string(),
                event: None,
                unconfirmed: false,
            })
            .collect())
    }
}
