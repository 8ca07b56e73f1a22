//! Signing anew what is published, after the log's keys changed.

use std::sync::Arc;

use fiducia_policy::OrganizationId;

use crate::checkpoint::Checkpoint;
use crate::error::LedgerError;
use crate::layout::CHECKPOINT;
use crate::ledger::{Ledger, TEMPORARY_FOLDER, organizations};
use crate::log_keys::LogKeys;
use crate::note::{NOTE_BYTES_MAX, Note};
use crate::publication::{Published, flush_folder, replace};
use crate::storage::read_bounded;

impl Ledger {
    /// Takes the keys as they are from now on: with a pair that was announced, or one that began to sign.
    pub fn set_keys(&mut self, keys: LogKeys) {
        self.keys = keys;
    }

    /// Signs the latest checkpoint of every log that the present pair of keys has not signed, also of logs that have not grown. The
    /// trees stay as they are. Gives the logs that were signed anew.
    ///
    /// # Errors
    /// When a checkpoint does not fit its tiles, cannot be written, or a publication is under way. Logs that were signed before that
    /// stay so; it can be tried again.
    pub fn renew_checkpoints(&mut self) -> Result<Vec<Published>, LedgerError> {
        self.check_usable()?;
        let mut renewed = Vec::new();
        for organization in organizations(&self.root)? {
            match self.renew(organization) {
                Ok(published) => renewed.extend(published),
                Err(error) => {
                    self.note_fault(&error);
                    return Err(error);
                }
            }
            self.forget_idle_logs();
        }
        Ok(renewed)
    }

    fn renew(&mut self, organization: OrganizationId) -> Result<Option<Published>, LedgerError> {
        let signer = self.keys.signing_at(self.clock.now()).clone();
        let (storage, temporary) = (Arc::clone(&self.storage), self.root.join(TEMPORARY_FOLDER));
        let publishing = self.publishing;
        let log = self.log(organization)?;
        let Some(present) = &log.checkpoint else { return Ok(None) };
        let note = Note::parse(present)?;
        if signer.verifiers(&log.origin)?.iter().all(|key| note.line_of(key).is_some()) {
            return Ok(None);
        }
        let path = log.directory.join(CHECKPOINT);
        if publishing || read_bounded(&path, NOTE_BYTES_MAX)?.as_ref() != Some(present) {
            return Err(LedgerError::CheckpointChanged { path });
        }
        // The edge was checked against the checkpoint when the log was loaded, so this says nothing that was not signed before.
        let (size, root) = (log.edge.size(), log.edge.root());
        let checkpoint = Checkpoint { origin: log.origin.clone(), size, root };
        let note = checkpoint.sign_with(&signer)?.into_bytes();
        replace(storage.as_ref(), &temporary, &path, &note)?;
        flush_folder(storage.as_ref(), &log.directory)?;
        log.checkpoint = Some(note);
        Ok(Some(Published { organization, size, root }))
    }
}
