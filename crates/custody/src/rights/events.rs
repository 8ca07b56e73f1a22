//! What the ledger says about a person's records: the entries, as data, as pages, and each with a proof that stands alone.

use std::collections::HashSet;
use std::io::Write;

use fiducia_ledger::{Event, LogReader, LoggedLeaf};
use fiducia_policy::ConsentPurpose;
use fiducia_store::DataDirectory;

use super::document::{EventDocument, EventsDocument, ExportDocument, FORMAT};
use super::gathering::{Volume, time};
use super::pages::{EventsPage, page};
use crate::AdminError;

/// Entries of the ledger about the person's choices: what each is about, and its index.
pub(super) type Choices = Vec<(ConsentPurpose, u64)>;

/// Ledger entries on one page.
const EVENTS_PER_PAGE: usize = 1_000;

impl<W: Write> Volume<'_, W> {
    /// Adds the ledger's entries about the records in this file and, in the last one, about the person: as data, as pages,
    /// and each with a proof that stands alone. Gives the indexes of those about the person's choices.
    pub(super) fn add_events(&mut self, is_final: bool) -> Result<Choices, AdminError> {
        let unproved = |error: fiducia_ledger::LedgerError| {
            AdminError::Storage(format!("the log gives no proof: {error}"))
        };
        // A proof needs a checkpoint over its entry.
        self.reader.scribe.settle();
        let organization = self.exported.request.organization;
        let keys = self.reader.names.keys_of(organization).map_err(unproved)?;
        let folder = DataDirectory::ledger(&self.reader.root).join(organization.uuid());
        let mut log = LogReader::open(&folder, &keys).map_err(unproved)?;
        let public =
            if is_final { self.reader.public_looks(self.exported.subject.id)? } else { HashSet::new() };
        self.ids.sort_unstable();
        let pseudonym = self.exported.pseudonym.to_string();
        let (mut indexes, mut choices) = (Vec::new(), Choices::new());
        for entry in log.entries(0) {
            let (index, bytes) = entry.map_err(unproved)?;
            let Ok(logged) = LoggedLeaf::parse(&bytes) else { continue };
            let is_mine = match &logged.leaf.event {
                Event::RecordAccess(access) => {
                    access.records.iter().any(|record| self.ids.binary_search(record).is_ok())
                }
                Event::AccessTransparency(_) => public.contains(&index),
                _ => is_final && String::from_utf8_lossy(&bytes).contains(&pseudonym),
            };
            if is_mine {
                indexes.push(index);
            }
            if is_mine && let Event::ConsentChanged(changed) = &logged.leaf.event {
                choices.push((changed.purpose, index));
            }
        }
        self.write_events(&log, &indexes)?;
        for index in &indexes {
            let proof = log.proof_file(*index).map_err(unproved)?.to_string();
            self.archive.file(format!("ledger/{index}.entry"), &log.entry(*index).map_err(unproved)?)?;
            self.archive.file(format!("ledger/{index}.tlog-proof"), proof.as_bytes())?;
        }
        Ok(choices)
    }

    fn write_events(&mut self, log: &LogReader, indexes: &[u64]) -> Result<(), AdminError> {
        let organization = self.exported.request.organization;
        let pages = indexes.chunks(EVENTS_PER_PAGE).map(<[u64]>::to_vec);
        let pages: Vec<Vec<u64>> = pages.collect();
        let none = [Vec::new()];
        let pages = if pages.is_empty() { none.as_slice() } else { pages.as_slice() };
        for (number, indexes) in (1_usize..).zip(pages) {
            let events: Result<Vec<EventDocument>, AdminError> =
                indexes.iter().map(|index| event_document(log, *index)).collect();
            let document = EventsDocument {
                format: FORMAT,
                log: self.reader.names.origin_of(organization),
                verifier_key: self.reader.names.verifier_of(organization),
                events: events?,
            };
            let text = page(&EventsPage {
                volume: self.number,
                number,
                has_next: number < pages.len(),
                rows: &document.events,
            })?;
            self.archive.begin(format!("ledger/events-{}-{number}.json", self.number))?;
            self.archive.value(&ExportDocument::Events(&document))?;
            self.archive.end()?;
            self.archive.file(format!("pages/events-{}-{number}.html", self.number), text.as_bytes())?;
        }
        Ok(())
    }
}

fn event_document(log: &LogReader, index: u64) -> Result<EventDocument, AdminError> {
    let unread = |error: &dyn std::fmt::Display| {
        AdminError::Storage(format!("entry {index} of the log cannot be read: {error}"))
    };
    let bytes = log.entry(index).map_err(|error| unread(&error))?;
    let logged = LoggedLeaf::parse(&bytes).map_err(|error| unread(&error))?;
    // The first byte is the leaf's version.
    let entry = serde_json::from_slice(bytes.get(1..).unwrap_or_default()).map_err(|error| unread(&error))?;
    Ok(EventDocument { index, at: time(logged.leaf.at), kind: logged.leaf.event.kind().to_owned(), entry })
}
