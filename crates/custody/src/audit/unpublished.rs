//! Entries on their way: in the outbox, in the ledger's pending segments, or published since the audit began.

use std::collections::HashSet;
use std::path::Path;

use fiducia_ledger::{Event, LogReader, LoggedLeaf, VerifierKey, waiting_entries};
use fiducia_policy::OrganizationId;
use fiducia_store::ControlStore;

use super::comparison::{AuditError, Unlogged, event_name};
use super::sessions::{looks_name, step_name};
use crate::scribe::Fact;

/// Facts of the outbox that are looked at.
const OUTBOX_FACTS_MAX: u32 = 100_000;

/// What is on its way into one log, by the ids of events and, where the database keeps none, by names.
#[derive(Debug, Default)]
pub(super) struct Unpublished(HashSet<String>);

impl Unpublished {
    /// Looks where entries wait, in the order in which they move, so that none is missed while it moves.
    ///
    /// # Errors
    /// When outbox, segments or the log cannot be read.
    pub(super) fn gather(
        control: &ControlStore,
        ledger: &Path,
        organization: OrganizationId,
        keys: &[VerifierKey],
        replayed: u64,
    ) -> Result<Self, AuditError> {
        let mut found = Self::default();
        for waiting in control.outbox(OUTBOX_FACTS_MAX)? {
            if waiting.organization == organization {
                found.0.insert(event_name(waiting.id));
                if let Ok(fact) = serde_json::from_slice::<Fact>(&waiting.event) {
                    found.0.extend(name_of(&fact.event));
                }
            }
        }
        for waiting in waiting_entries(ledger)? {
            if waiting.organization == organization && waiting.index >= replayed {
                found.take(&waiting.entry);
            }
        }
        let log = ledger.join(organization.uuid());
        if log.exists() {
            for entry in LogReader::open(&log, keys)?.entries(replayed) {
                found.take(&entry?.1);
            }
        }
        Ok(found)
    }

    fn take(&mut self, entry: &[u8]) {
        if let Ok(logged) = LoggedLeaf::parse(entry) {
            self.0.insert(logged.leaf.id.to_string());
            self.0.extend(name_of(&logged.leaf.event));
        }
    }

    /// Whether the entry of this fact is on its way.
    pub(super) fn holds(&self, fact: &Unlogged) -> bool {
        self.0.contains(fact.event.as_ref().unwrap_or(&fact.name))
    }
}

/// By what facts are known whose row keeps no event's id.
fn name_of(event: &Event) -> Option<String> {
    match event {
        Event::HoldPlaced { hold, .. } => Some(format!("{hold} (placed)")),
        Event::HoldReleased { hold, .. } => Some(format!("{hold} (released)")),
        Event::PolicyPublished { version, .. } => Some(version.to_string()),
        Event::AccessSession(step) => Some(step_name(step.session, step.step)),
        Event::RecordAccess(access) => access.look.as_ref().and_then(|look| look.session).map(looks_name),
        _ => None,
    }
}
