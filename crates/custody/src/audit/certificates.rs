//! Certificates of destruction: those that were given, and their entries.

use std::collections::HashSet;

use fiducia_ledger::Event;
use fiducia_store::{CertificateRecord, ControlStore};

use super::comparison::{
    AuditError, CANDIDATES_MAX, Comparison, Entry, Notes, PAGE_ROWS, Unlogged, Whose, event_name,
    stored_event,
};
use super::finding::{AuditFinding, ComparedKind};
use crate::staging::sha256;

const KIND: ComparedKind = ComparedKind::Certificate;

/// Compares certificates. Remembers the event of each, 16 bytes.
#[derive(Debug)]
pub(super) struct Certificates {
    organization: Whose,
    seen: HashSet<[u8; 16]>,
}

impl Certificates {
    pub(super) fn of(organization: Whose) -> Self {
        Self { organization, seen: HashSet::new() }
    }
}

impl Comparison for Certificates {
    fn entry(
        &mut self,
        control: &ControlStore,
        Entry { index, logged, .. }: Entry<'_>,
        notes: &mut Notes,
    ) -> Result<(), AuditError> {
        let Event::CertificateIssued { reference, certificate } = &logged.leaf.event else { return Ok(()) };
        notes.count(KIND);
        let Some(row) = control.certificate(reference)? else {
            notes.find(AuditFinding::NotKnown { kind: KIND, index, name: reference.clone() });
            return Ok(());
        };
        let checks = [
            (row.organization == self.organization, "organisation"),
            (stored_event(logged) == Some(row.event), "event"),
            (row.ledger_index.is_none_or(|place| place == index), "place"),
            (sha256(&[row.json.as_bytes()]) == certificate.0, "text"),
        ];
        self.seen.insert(row.event);
        if let Some((_, what)) = checks.iter().find(|(agrees, _)| !agrees) {
            notes.find(AuditFinding::Differs { kind: KIND, index, what });
        }
        Ok(())
    }

    fn rest(&mut self, control: &ControlStore, _notes: &mut Notes) -> Result<Vec<Unlogged>, AuditError> {
        let mut found = Vec::new();
        let mut before: Option<CertificateRecord> = None;
        loop {
            let place = before.as_ref().map(|row| (row.issued_at, row.reference.as_str()));
            let rows = control.certificates(Some(self.organization), place, PAGE_ROWS)?;
            for row in rows.iter().filter(|row| !self.seen.contains(&row.event)) {
                if found.len() < CANDIDATES_MAX {
                    found.push(Unlogged {
                        kind: KIND,
                        name: row.reference.clone(),
                        event: Some(event_name(row.event)),
                        unconfirmed: false,
                    });
                }
            }
            match rows.into_iter().next_back() {
                Some(last) => before = Some(last),
                None => return Ok(found),
            }
        }
    }
}
