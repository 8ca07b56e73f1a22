//! An organisation's log as the transparency endpoints of the Compliance API give it.

use std::path::Path;

use fiducia_ledger::{Hash, LedgerError, LogReader, TileAddress};
use fiducia_policy::OrganizationId;
use fiducia_store::DataDirectory;

use crate::log_keys::log_key_rows;
use crate::{AdminError, Custody, LogKeys};

/// A log under its latest checkpoint.
#[derive(Debug)]
pub struct TransparencyLog {
    log: LogReader,
    keys: LogKeys,
}

impl Custody {
    /// The log of an organisation as it is published. Blocks.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when nothing of it is published yet.
    pub fn transparency_log(&self, organization: OrganizationId) -> Result<TransparencyLog, AdminError> {
        let reader = self.reader();
        let folder = DataDirectory::ledger(&reader.root).join(organization.uuid());
        let listed = reader.names.listed(organization).map_err(|error| unread(&error))?;
        let origin = reader.names.origin_of(organization);
        let keys: Vec<_> = listed.iter().flat_map(|(_, keys)| keys.clone()).collect();
        let log = open(&folder, &keys)?;
        Ok(TransparencyLog { log, keys: LogKeys { origin, keys: log_key_rows(&listed) } })
    }
}

fn open(folder: &Path, keys: &[fiducia_ledger::VerifierKey]) -> Result<LogReader, AdminError> {
    LogReader::open(folder, keys).map_err(|error| match error {
        LedgerError::CheckpointMissing { .. } => AdminError::NotFound("there is no readable log".to_owned()),
        other => unread(&other),
    })
}

impl TransparencyLog {
    /// The signed checkpoint.
    pub fn checkpoint(&self) -> &str {
        self.log.checkpoint_note()
    }

    /// How many entries it covers.
    pub fn size(&self) -> u64 {
        self.log.checkpoint().size
    }

    /// The keys of the log, ECDSA first and among those the one that signs now.
    pub fn keys(&self) -> &LogKeys {
        &self.keys
    }

    /// The path from an entry to the root of the checkpoint.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when the checkpoint does not cover the entry.
    pub fn inclusion(&mut self, index: u64) -> Result<Vec<Hash>, AdminError> {
        self.log.inclusion_proof(index).map_err(|error| refused(&error))
    }

    /// The path from an earlier tree of `from` entries to this one.
    ///
    /// # Errors
    /// [`AdminError::Invalid`] when `from` is 0 or larger than the tree.
    pub fn consistency(&mut self, from: u64) -> Result<Vec<Hash>, AdminError> {
        if from == 0 || from > self.size() {
            return Err(AdminError::Invalid(format!(
                "from: expected the size of an earlier tree, from 1 to {}",
                self.size()
            )));
        }
        self.log.consistency_proof(from).map(|(_, path)| path).map_err(|error| refused(&error))
    }

    /// The bytes of a tile or an entry bundle.
    ///
    /// # Errors
    /// [`AdminError::NotFound`] when the checkpoint does not cover it, or a full one took the place of this partial one.
    pub fn tile(&self, address: TileAddress) -> Result<Vec<u8>, AdminError> {
        let found = self.log.file(address).map_err(|error| refused(&error))?;
        found.ok_or_else(|| AdminError::NotFound("the log has no such tile".to_owned()))
    }
}

fn refused(error: &LedgerError) -> AdminError {
    match error {
        LedgerError::Beyond { .. } => AdminError::NotFound("the checkpoint does not cover it".to_owned()),
        other => unread(other),
    }
}

fn unread(error: &LedgerError) -> AdminError {
    AdminError::Storage(format!("the log cannot be read: {error}"))
}
