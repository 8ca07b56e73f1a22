//! A copy that is handed over while it is made: straight to the person who asked and is signed in, and written nowhere.

use std::io::Write;

use fiducia_ledger::{Digest, Event};
use fiducia_policy::{PersonId, Randomness, RightsRequestId};
use fiducia_store::ExportVolume;

use super::export::{CONVERSATIONS_PER_FILE_MAX, ExportNote};
use crate::AdminError;
use crate::looking::Sitting;
use crate::reading::Reader;
use crate::scribe::Fact;

/// For how long after its request was carried out the last file can be fetched again: a week.
const REPEAT_SECONDS: i64 = 7 * 86_400;
/// What stands where a file's place would: whoever has it decides.
const HANDED_OVER: &str = "handed over to the person, signed in";

impl Reader {
    /// Whether the next file of a request may be handed over now.
    pub(crate) fn may_be_handed_over(&self, id: RightsRequestId, sitting: Sitting) -> Result<(), AdminError> {
        self.exportable_until(id, sitting, REPEAT_SECONDS).map(drop)
    }

    /// Writes the next file of a copy into `sink` and notes that it was handed over; gives whether it was the last.
    pub(crate) fn hand_over(
        &self,
        id: RightsRequestId,
        (actor, sitting): (PersonId, Sitting),
        sink: impl Write,
        randomness: &dyn Randomness,
        note: &dyn Fn(ExportNote) -> Result<(), AdminError>,
    ) -> Result<bool, AdminError> {
        let exported = self.exportable_until(id, sitting, REPEAT_SECONDS)?;
        let mut before: Vec<ExportVolume> = self.control()?.export_volumes(id)?;
        // Whether the last file arrived only the person knows: for some days it is made again. It was noted already.
        let repeats = before.pop_if(|last| last.is_final).is_some();
        let written = self.fill_volume(&exported, &before, randomness, CONVERSATIONS_PER_FILE_MAX, sink)?;
        let mut sink = written.sink;
        sink.flush().map_err(|error| {
            AdminError::Storage(format!("the copy did not arrive: {error}; it can be fetched again"))
        })?;
        if repeats {
            return Ok(!exported.request.standing.state.is_closed());
        }
        let volume = ExportVolume { file: HANDED_OVER.to_owned(), ..written.volume };
        let event = Event::RightsExported {
            request: id,
            pseudonym: exported.pseudonym,
            volume: u64::from(volume.volume),
            manifest: Digest(volume.manifest),
            records: volume.records,
            actor,
        };
        let fact = Fact { at: volume.finished_at, event };
        let is_final = volume.is_final;
        note(ExportNote::Finished(Box::new(volume), Box::new(fact)))?;
        Ok(is_final)
    }
}
