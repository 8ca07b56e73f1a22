//! What makes a document checkable by anyone who kept a verifier key: a signed note over it, and the proof of the entry that
//! announces it in an organisation's log. Certificates of destruction, receipts of consent and audit reports are all attested
//! in this way. No data, no network, no clock.

use fiducia_ledger::{Checkpoint, LedgerError, ProofFile, VerifierKey, verify_note};

/// An attestation, and what it must say.
pub(crate) struct Attestation<'a> {
    /// The signed note.
    pub(crate) note: &'a str,
    /// The `.tlog-proof` of the entry, whose extra data is the entry.
    pub(crate) proof: &'a str,
    /// The text that must have been signed.
    pub(crate) text: &'a str,
    /// Under which name.
    pub(crate) signer: &'a str,
    /// The origin of the log.
    pub(crate) log: &'a str,
}

/// Why an attestation proves nothing.
pub(crate) enum Unattested {
    /// The signature does not hold.
    Signature(LedgerError),
    /// It is over another text.
    OtherText,
    /// The proof is malformed, or its checkpoint is not signed.
    Proof(LedgerError),
    /// The proof is of another entry.
    OtherEntry,
}

impl Attestation<'_> {
    /// Checks signature and proof with keys of the installation, whichever of its names they come under: the key of documents and
    /// those of logs are the same at first and part when the logs' keys change. One of them must have signed the note, one the
    /// checkpoint. Gives the index of the entry and the checkpoint that covers it.
    ///
    /// # Errors
    /// When anything is not as it was issued; `entry` is asked for only when the signature holds.
    pub(crate) fn check(
        &self,
        keys: &[&VerifierKey],
        entry: impl FnOnce() -> Result<Vec<u8>, LedgerError>,
    ) -> Result<(u64, Checkpoint), Unattested> {
        let named = |name: &str| -> Result<Vec<VerifierKey>, LedgerError> {
            keys.iter().map(|key| key.renamed(name)).collect()
        };
        let signer = named(self.signer).map_err(Unattested::Signature)?;
        let said = verify_note(self.note.as_bytes(), &signer).map_err(Unattested::Signature)?;
        if said != self.text {
            return Err(Unattested::OtherText);
        }
        let proof: ProofFile = self.proof.parse().map_err(Unattested::Proof)?;
        let entry = entry().map_err(Unattested::Proof)?;
        if proof.extra.as_deref() != Some(entry.as_slice()) || proof.to_string() != self.proof {
            return Err(Unattested::OtherEntry);
        }
        let log = named(self.log).map_err(Unattested::Proof)?;
        let checkpoint = proof.verify(&entry, &log).map_err(Unattested::Proof)?;
        Ok((proof.index, checkpoint))
    }
}
