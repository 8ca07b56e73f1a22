//! Files of what is kept of a person, for that person.
//!
//! An export is one ZIP, or several where there are many conversations. Each is written beside its place and moved there when
//! it is whole; then the store notes how far it reaches. An export that was cut off goes on behind the last whole file.

use std::collections::HashSet;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use fiducia_keyring::{FILE_RECIPIENTS_MAX, FileRecipient};
use fiducia_ledger::{Digest, Event};
use fiducia_policy::{AccessReason, PersonId, Randomness, RequestState, RightsRequestId};
use fiducia_store::{DataDirectory, ExportVolume};

use super::commands::{RightsExport, RightsExportReport};
use super::document::{ExportDocument, FORMAT, FileDocument, ManifestDocument, rights_export_schema};
use super::events::Choices;
use super::gathering::{CONVERSATIONS_PER_PAGE, Exported, Volume, time};
use super::pages::{IndexPage, page};
use super::queue::file_row;
use crate::AdminError;
use crate::looking::Sitting;
use crate::reading::Reader;
use crate::retention::archive::{Archive, NewFile};
use crate::scribe::Fact;
use crate::writer::Writer;

/// Conversations in one file, unless fewer are asked for: the list of files is held in memory.
pub(super) const CONVERSATIONS_PER_FILE_MAX: u32 = 10_000;
/// Files of one export.
const FILES_MAX: u32 = 10_000;

/// What the store notes about an export.
#[derive(Debug)]
pub(crate) enum ExportNote {
    /// A file is whole.
    Finished(Box<ExportVolume>, Box<Fact>),
    /// Files from this one on are made anew.
    Again(RightsRequestId, u32),
}

/// The exports under way: one request's files are made by one at a time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Exporting(Arc<Mutex<HashSet<RightsRequestId>>>);

/// While it lives, nobody else makes files for the request.
#[derive(Debug)]
pub(crate) struct Alone(Exporting, RightsRequestId);

impl Exporting {
    pub(crate) fn enter(&self, request: RightsRequestId) -> Result<Alone, AdminError> {
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !under_way.insert(request) {
            return Err(AdminError::Conflict(format!(
                "an export for {request} is under way; wait for it, and nothing is made twice"
            )));
        }
        Ok(Alone(self.clone(), request))
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.1);
    }
}

impl Writer {
    /// Notes what became of an export's file.
    pub(crate) fn note_export(&mut self, note: ExportNote) -> Result<(), AdminError> {
        match note {
            ExportNote::Again(request, from) => {
                Ok(self.files.control.forget_export_volumes(request, from)?)
            }
            ExportNote::Finished(volume, fact) => {
                let request = self.files.control.request(volume.request)?;
                let organization = request.map(|request| request.organization).ok_or_else(|| {
                    AdminError::NotFound(format!("there is no {}; nothing was noted", volume.request))
                })?;
                let event = self.event_id()?;
                self.files.control.announce(&fact.announcement(event, organization))?;
                self.deliver_control(event, organization, *fact)?;
                Ok(self.files.control.add_export_volume(&volume)?)
            }
        }
    }
}

/// Where and for whom files are written.
struct Place {
    folder: PathBuf,
    recipients: Vec<FileRecipient>,
    recipients_text: String,
    per_file: u32,
}

impl Place {
    fn file(&self, request: RightsRequestId, volume: u32) -> PathBuf {
        let end = if self.recipients.is_empty() { "zip" } else { "zip.age" };
        self.folder.join(format!("fiducia-{}-{volume:03}.{end}", request.uuid()))
    }
}

impl Reader {
    /// Writes what is kept of a person to files, going on behind those that are whole.
    pub(crate) fn export_for_person(
        &self,
        asked: &RightsExport,
        (actor, sitting): (PersonId, Sitting),
        randomness: &dyn Randomness,
        note: &dyn Fn(ExportNote) -> Result<(), AdminError>,
    ) -> Result<RightsExportReport, AdminError> {
        let exported = self.exportable_until(asked.request, sitting, 0)?;
        let place = self.place_of(asked)?;
        let mut volumes = self.control()?.export_volumes(asked.request)?;
        let whole = volumes
            .iter()
            .take_while(|volume| {
                Path::new(&volume.file) == place.file(asked.request, volume.volume)
                    && volume.recipients == place.recipients_text
                    && Path::new(&volume.file).is_file()
            })
            .count();
        if whole < volumes.len() {
            volumes.truncate(whole);
            note(ExportNote::Again(
                asked.request,
                u32::try_from(whole).unwrap_or(u32::MAX).saturating_add(1),
            ))?;
        }
        let resumed = u32::try_from(whole).unwrap_or(u32::MAX);
        let mut listed_only = 0;
        while !volumes.last().is_some_and(|last| last.is_final) {
            if u32::try_from(volumes.len()).unwrap_or(u32::MAX) >= FILES_MAX {
                return Err(AdminError::Invalid(format!(
                    "one export has at most {FILES_MAX} files; ask for more conversations in each"
                )));
            }
            let (volume, closed) = self.write_volume(&exported, &place, &volumes, randomness)?;
            listed_only += closed;
            let event = Event::RightsExported {
                request: asked.request,
                pseudonym: exported.pseudonym,
                volume: u64::from(volume.volume),
                manifest: Digest(volume.manifest),
                records: volume.records,
                actor,
            };
            let fact = Fact { at: volume.finished_at, event };
            note(ExportNote::Finished(Box::new(volume.clone()), Box::new(fact)))?;
            volumes.push(volume);
        }
        Ok(RightsExportReport {
            request: asked.request,
            files: volumes.iter().map(file_row).collect(),
            resumed,
            conversations: volumes.iter().map(|volume| volume.conversations).sum(),
            records: volumes.iter().map(|volume| volume.records).sum(),
            records_listed_only: listed_only,
        })
    }

    /// Whose data it is, if it may be handed over now, or until so many seconds after the request was carried out.
    pub(super) fn exportable_until(
        &self,
        id: RightsRequestId,
        sitting: Sitting,
        seconds_after: i64,
    ) -> Result<Exported, AdminError> {
        let _reading = self.reading();
        let control = self.control()?;
        let request = control
            .request(id)?
            .ok_or_else(|| AdminError::NotFound(format!("there is no {id}; nothing was exported")))?;
        let refused = |why: &str| AdminError::Conflict(format!("{id} {why}; nothing was exported"));
        if !request.kind.is_copy() {
            return Err(refused("asks for no copy"));
        }
        let now = self.clock.now().as_second();
        let is_fresh = request.standing.state == RequestState::Fulfilled
            && request.closed_at.is_some_and(|at| now.saturating_sub(at.as_second()) < seconds_after);
        if request.standing.state.is_closed() && !is_fresh {
            return Err(refused("is closed"));
        }
        if !request.standing.is_identified {
            return Err(refused("has no confirmed identity, and data is handed to nobody who is not known"));
        }
        let subject = request.subject.map(|subject| control.subject(subject)).transpose()?.flatten();
        match subject {
            Some(subject) if subject.erased_at.is_none() => {
                let pseudonym = subject.pseudonym.ok_or_else(|| refused("is about nobody who is known"))?;
                Ok(Exported { request, subject, pseudonym, sitting })
            }
            _ => Err(AdminError::Destroyed(format!(
                "the person of {id} was erased; nothing is left to hand over"
            ))),
        }
    }

    fn place_of(&self, asked: &RightsExport) -> Result<Place, AdminError> {
        let recipients: Result<Vec<FileRecipient>, _> =
            asked.recipients.iter().map(|text| text.parse()).collect();
        let recipients = recipients.map_err(|error| AdminError::Invalid(error.to_string()))?;
        if recipients.len() > FILE_RECIPIENTS_MAX {
            return Err(AdminError::Invalid(format!(
                "an export is sealed for at most {FILE_RECIPIENTS_MAX} people; nothing was exported"
            )));
        }
        let per_file = asked.conversations_per_file.unwrap_or(CONVERSATIONS_PER_FILE_MAX);
        if !(1..=CONVERSATIONS_PER_FILE_MAX).contains(&per_file) {
            return Err(AdminError::Invalid(format!(
                "one file has 1 to {CONVERSATIONS_PER_FILE_MAX} conversations; nothing was exported"
            )));
        }
        let exports = DataDirectory::exports(&self.root);
        let folder = match &asked.out {
            Some(folder) => folder.clone(),
            None => exports.join(asked.request.uuid()),
        };
        let unmade = |error: std::io::Error| {
            AdminError::Invalid(format!("{} cannot be used: {error}; nothing was exported", folder.display()))
        };
        if asked.out.is_none() {
            if recipients.is_empty() {
                return Err(AdminError::Invalid(
                    "nothing readable lies in the data directory; name a recipient's public key, or a folder elsewhere. \
                     Nothing was exported"
                        .to_owned(),
                ));
            }
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(unmade)?;
        }
        let folder = folder.canonicalize().map_err(unmade)?;
        let data = self.root.canonicalize().map_err(unmade)?;
        if asked.out.is_some() && folder.starts_with(&data) {
            return Err(AdminError::Invalid(
                "files are written into the data directory only without a folder, sealed; nothing was exported".to_owned(),
            ));
        }
        let mut texts = asked.recipients.clone();
        texts.sort_unstable();
        Ok(Place { folder, recipients, recipients_text: texts.join(" "), per_file })
    }

    /// Writes the next file; gives it and how many records in it were listed only.
    fn write_volume(
        &self,
        exported: &Exported,
        place: &Place,
        before: &[ExportVolume],
        randomness: &dyn Randomness,
    ) -> Result<(ExportVolume, u64), AdminError> {
        let number = u32::try_from(before.len()).unwrap_or(u32::MAX).saturating_add(1);
        let whole = place.file(exported.request.id, number);
        let mut under_way = whole.clone().into_os_string();
        under_way.push(".part");
        let under_way = PathBuf::from(under_way);
        // Nobody else makes files for this request: what lies here is what a crash left.
        if let Err(error) = std::fs::remove_file(&under_way)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(AdminError::Storage(format!(
                "{} cannot be removed: {error}; nothing more was exported",
                under_way.display()
            )));
        }
        let (file, sink) = NewFile::create(&under_way, &place.recipients)?;
        let written = self.fill_volume(exported, before, randomness, place.per_file, sink)?;
        written.sink.finish()?;
        file.keep();
        let moved =
            std::fs::rename(&under_way, &whole).and_then(|()| std::fs::File::open(&place.folder)?.sync_all());
        moved.map_err(|error| {
            AdminError::Storage(format!("{} cannot be put in its place: {error}", whole.display()))
        })?;
        let (mut volume, listed_only) = (written.volume, written.listed_only);
        volume.file = whole.display().to_string();
        volume.recipients.clone_from(&place.recipients_text);
        volume.finished_at = self.clock.now();
        Ok((volume, listed_only))
    }

    /// Writes the file that comes after `before` into `sink`.
    pub(super) fn fill_volume<W: Write>(
        &self,
        exported: &Exported,
        before: &[ExportVolume],
        randomness: &dyn Randomness,
        conversations_max: u32,
        sink: W,
    ) -> Result<Written<W>, AdminError> {
        let number = u32::try_from(before.len()).unwrap_or(u32::MAX).saturating_add(1);
        let mut volume = Volume::new(self, exported, randomness, Archive::new(sink), number)?;
        let after = before.last().and_then(|last| last.last);
        let filled = volume.fill(after, conversations_max)?;
        let choices = volume.add_events(filled.is_final)?;
        if filled.is_final {
            add_person(&mut volume, before, &choices)?;
        }
        let manifest = add_manifest(&mut volume, filled.is_final)?;
        let row = ExportVolume {
            request: exported.request.id,
            volume: number,
            file: String::new(),
            recipients: String::new(),
            last: filled.last.or(after),
            conversations: volume.conversations,
            records: volume.records,
            manifest,
            finished_at: self.clock.now(),
            is_final: filled.is_final,
        };
        let listed_only = volume.listed_only;
        Ok(Written { sink: volume.archive.finish()?, volume: row, listed_only })
    }
}

/// A file that was written, before anything else holds what it is.
pub(super) struct Written<W> {
    pub(super) sink: W,
    /// Its row, which does not say yet where it is.
    pub(super) volume: ExportVolume,
    pub(super) listed_only: u64,
}

/// The last file has what is known beside conversations, the page to start from, and the schema.
fn add_person<W: Write>(
    volume: &mut Volume<'_, W>,
    before: &[ExportVolume],
    choices: &Choices,
) -> Result<(), AdminError> {
    let person = volume.person_document(choices)?;
    let pages = |conversations: u64| conversations.div_ceil(u64::from(CONVERSATIONS_PER_PAGE));
    let mut volumes: Vec<(u32, u64)> =
        before.iter().map(|volume| (volume.volume, pages(volume.conversations))).collect();
    volumes.push((volume.number, pages(volume.conversations)));
    let sum = |own: u64, of: fn(&ExportVolume) -> u64| own + before.iter().map(of).sum::<u64>();
    let index = page(&IndexPage {
        person: &person,
        made_at: &time(volume.reader.clock.now()),
        conversations: sum(volume.conversations, |volume| volume.conversations),
        records: sum(volume.records, |volume| volume.records),
        listed_only: volume.listed_only,
        volumes: &volumes,
    })?;
    volume.archive.begin("person.json".to_owned())?;
    volume.archive.value(&ExportDocument::Person(&person))?;
    volume.archive.end()?;
    volume.archive.file("index.html".to_owned(), index.as_bytes())?;
    volume.archive.begin("schema.json".to_owned())?;
    volume.archive.value(&rights_export_schema())?;
    volume.archive.end()?;
    let names = &volume.reader.names;
    let organization = volume.exported.request.organization;
    let readme = README
        .replace("{log}", &names.origin_of(organization))
        .replace("{key}", &names.verifier_of(organization));
    volume.archive.file("README.txt".to_owned(), readme.as_bytes())
}

/// What is in the file, and a list that `sha256sum --check` reads.
fn add_manifest<W: Write>(volume: &mut Volume<'_, W>, is_final: bool) -> Result<[u8; 32], AdminError> {
    let document = ManifestDocument {
        format: FORMAT,
        request: volume.exported.request.id.to_string(),
        subject: volume.exported.subject.id.to_string(),
        volume: volume.number,
        is_final,
        made_at: time(volume.reader.clock.now()),
        purpose: AccessReason::SubjectRequest.dpv_term(),
        conversations: volume.conversations,
        records: volume.records,
        records_listed_only: volume.listed_only,
        access_entries: volume.access_entries.clone(),
        files: volume
            .archive
            .files()
            .iter()
            .map(|file| FileDocument {
                path: file.path.clone(),
                bytes: file.bytes,
                sha256: file.sha256.clone(),
            })
            .collect(),
    };
    volume.archive.begin(format!("manifest-{:03}.json", volume.number))?;
    volume.archive.value(&ExportDocument::Manifest(&document))?;
    let digest = volume.archive.end()?;
    let mut sums = String::new();
    for file in volume.archive.files() {
        sums.extend([
            file.sha256.as_str(),
            "  ",
            &file.path,
            "
",
        ]);
    }
    volume.archive.file(format!("SHA256SUMS-{:03}", volume.number), sums.as_bytes())?;
    Ok(digest)
}

const README: &str = "This folder holds what is kept about you. Open index.html in a browser; nothing is loaded from elsewhere.

If there are several files, unpack them all into this folder.

To check that nothing was changed:    sha256sum --check SHA256SUMS-*
To check an entry of the ledger:      its bytes are ledger/NUMBER.entry and its proof is ledger/NUMBER.tlog-proof
                                      (c2sp.org/tlog-proof), for the log {log}
                                      with the verifier key {key}
To read it with a program:            person.json, conversations/*.json and ledger/events-*.json; schema.json describes them
";
