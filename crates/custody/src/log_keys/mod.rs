//! The keys that sign logs: their seeds, how logs are named and verified, and the change from one pair to the next.

mod changing;
mod commands;
mod seeds;

use std::sync::{Arc, PoisonError, RwLock};

use fiducia_ledger::{LedgerError, LogKeyDates, LogVerifiers, VerifierKey};
use fiducia_policy::{Clock, OrganizationId};

pub(crate) use changing::log_key_rows;
pub use commands::{LogKeyCommand, LogKeyReply, LogKeyRow, LogKeys};
pub(crate) use seeds::log_keys;

/// How logs are named and verified.
#[derive(Clone)]
pub(crate) struct LedgerNames {
    pub(crate) origin: String,
    /// The installation's key for documents: policies, certificates, receipts. It is the first Ed25519 key of the logs too and, unlike
    /// those, does not change.
    pub(crate) documents: VerifierKey,
    logs: Arc<RwLock<LogVerifiers>>,
    clock: Arc<dyn Clock>,
}

impl LedgerNames {
    pub(crate) fn new(
        origin: String,
        documents: VerifierKey,
        logs: LogVerifiers,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { origin, documents, logs: Arc::new(RwLock::new(logs)), clock }
    }

    /// Takes the keys as they are from now on.
    fn set(&self, logs: LogVerifiers) {
        *self.logs.write().unwrap_or_else(PoisonError::into_inner) = logs;
    }

    /// An organisation's origin.
    pub(crate) fn origin_of(&self, organization: OrganizationId) -> String {
        format!("{}/{}", self.origin, organization.uuid())
    }

    /// The pairs of keys of an organisation's log with their dates: the one that signs now, then the others, newest first; ECDSA
    /// before Ed25519.
    ///
    /// # Errors
    /// When signed notes cannot carry the origin.
    pub(crate) fn listed(
        &self,
        organization: OrganizationId,
    ) -> Result<Vec<(LogKeyDates, Vec<VerifierKey>)>, LedgerError> {
        let logs = self.logs.read().unwrap_or_else(PoisonError::into_inner);
        logs.listed_at(&self.origin_of(organization), self.clock.now())
    }

    /// All keys of an organisation's log: any of them may have signed what is on disk, when keys change just now.
    ///
    /// # Errors
    /// When signed notes cannot carry the origin.
    pub(crate) fn keys_of(&self, organization: OrganizationId) -> Result<Vec<VerifierKey>, LedgerError> {
        Ok(self.listed(organization)?.into_iter().flat_map(|(_, keys)| keys).collect())
    }

    /// All keys of an organisation's log as text, the ones that sign first.
    pub(crate) fn key_texts(&self, organization: OrganizationId) -> Vec<String> {
        let keys = self.keys_of(organization).unwrap_or_default();
        keys.iter().map(VerifierKey::to_string).collect()
    }

    /// The key of this algorithm that signs an organisation's log now.
    fn signing(&self, organization: OrganizationId, algorithm: &str) -> Option<VerifierKey> {
        let (_, pair) = self.listed(organization).ok()?.into_iter().next()?;
        pair.into_iter().find(|key| key.algorithm() == algorithm)
    }

    /// The Ed25519 key that signs an organisation's log now.
    ///
    /// # Errors
    /// When signed notes cannot carry the origin.
    pub(crate) fn ed25519_of(&self, organization: OrganizationId) -> Result<VerifierKey, LedgerError> {
        match self.signing(organization, "ed25519") {
            Some(key) => Ok(key),
            None => self.documents.renamed(&self.origin_of(organization)),
        }
    }

    /// An organisation's Ed25519 verifier key as text.
    pub(crate) fn verifier_of(&self, organization: OrganizationId) -> String {
        self.ed25519_of(organization).map(|key| key.to_string()).unwrap_or_default()
    }

    /// An organisation's ECDSA P-256 verifier key as text: what tools of the Access Transparency format take.
    pub(crate) fn ecdsa_of(&self, organization: OrganizationId) -> String {
        self.signing(organization, "ecdsa_p256_sha256").map(|key| key.to_string()).unwrap_or_default()
    }
}

impl std::fmt::Debug for LedgerNames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LedgerNames").field("origin", &self.origin).finish_non_exhaustive()
    }
}
