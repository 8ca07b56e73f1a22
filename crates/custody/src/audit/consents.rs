//! Consents: the history that decides, and what the log says of it.

use fiducia_ledger::{ConsentChanged, Event};
use fiducia_store::{ConsentRecord, ControlStore};

use super::comparison::{
    AuditError, Comparison, Entry, Notes, PAGE_ROWS, Rows, Unlogged, Whose, stored_event, unseen,
};
use super::finding::{AuditFinding, ComparedKind};

const KIND: ComparedKind = ComparedKind::Consent;

/// Compares consents.
#[derive(Debug)]
pub(super) struct Consents {
    organization: Whose,
    seen: Rows,
}

impl Consents {
    pub(super) fn of(organization: Whose) -> Self {
        Self { organization, seen: Rows::default() }
    }
}

impl Comparison for Consents {
    fn entry(
        &mut self,
        control: &ControlStore,
        Entry { index, logged, .. }: Entry<'_>,
        notes: &mut Notes,
    ) -> Result<(), AuditError> {
        let Event::ConsentChanged(changed) = &logged.leaf.event else { return Ok(()) };
        notes.count(KIND);
        let stored = match stored_event(logged) {
            Some(event) => control.consent_of_event(event)?,
            None => None,
        };
        match stored {
            None => {
                notes.find(AuditFinding::NotKnown { kind: KIND, index, name: logged.leaf.id.to_string() });
            }
            Some(record) => {
                self.seen.insert(record.sequence);
                if let Some(what) = difference(&record, self.organization, changed) {
                    notes.find(AuditFinding::Differs { kind: KIND, index, what });
                }
            }
        }
        Ok(())
    }

    fn rest(&mut self, control: &ControlStore, _notes: &mut Notes) -> Result<Vec<Unlogged>, AuditError> {
        unseen(KIND, &self.seen, false, |after| control.audited_consents(self.organization, after, PAGE_ROWS))
    }
}

fn difference(record: &ConsentRecord, organization: Whose, changed: &ConsentChanged) -> Option<&'static str> {
    let notice = record.notice.as_ref().map(|(_, hash)| *hash);
    let checks = [
        (record.organization == organization, "organisation"),
        (record.purpose == changed.purpose, "purpose"),
        (record.state == changed.state, "state"),
        (record.kind == changed.kind, "kind"),
        (record.channel == changed.channel, "channel"),
        (notice == changed.notice.map(|digest| digest.0), "notice"),
    ];
    checks.iter().find(|(agrees, _)| !agrees).map(|(_, what)| *what)
}
