//! Proofs as people see them: each hash with the entries that it stands for, and who signed the head they lead to.

use fiducia_ledger::{
    Checkpoint, LeafRange, LogReader, VerifierKey, consistency_parts, inclusion_steps, leaf_hash, node_hash,
    signers_of,
};
use fiducia_policy::{OrganizationId, Timestamp};

use super::EntryRow;
use crate::AdminError;
use crate::administer::hex;
use crate::reading::Reader;

/// The longest file of a witnessed checkpoint that is read.
const NOTE_BYTES_MAX: u64 = 64 * 1024;

/// What a signature on a checkpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignatureKind {
    /// The log's own; it was verified.
    Log,
    /// That of a witness that is configured here; it was verified.
    Witness,
    /// Somebody else's: nothing here can say whether it holds.
    Unknown,
}

/// A signature on a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct NamedSignature {
    /// Whose, by the name of the key.
    pub name: String,
    /// What it is.
    pub kind: SignatureKind,
    /// By which algorithm, where the key is known: `ed25519` or `ecdsa_p256_sha256`.
    pub algorithm: Option<String>,
    /// When a witness cosigned.
    pub at: Option<Timestamp>,
}

/// A checkpoint with its signatures.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ShownCheckpoint {
    /// Which log.
    pub origin: String,
    /// How many entries.
    pub size: u64,
    /// Its root, hex.
    pub root: String,
    /// Who signed it.
    pub signatures: Vec<NamedSignature>,
    /// The signed note, with every signature that is kept here.
    pub note: String,
}

/// A step of a proof, from the leaf upwards.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ShownStep {
    /// The entries that the proof's hash stands for.
    pub sibling: LeafRange,
    /// The hash, hex.
    pub sibling_hash: String,
    /// Whether these entries lie before those that are known.
    pub sibling_is_left: bool,
    /// The entries that both stand for together.
    pub joined: LeafRange,
    /// The hash over both, hex.
    pub joined_hash: String,
}

/// An entry with its bytes and its proof.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EntryProofShown {
    /// The entry, taken apart.
    pub row: EntryRow,
    /// Its bytes, hex.
    pub bytes: String,
    /// Its bytes behind the first as text, where they are text.
    pub text: Option<String>,
    /// The steps from its leaf hash to the root.
    pub steps: Vec<ShownStep>,
    /// The signed head that they lead to.
    pub checkpoint: ShownCheckpoint,
    /// A `.tlog-proof` (c2sp.org/tlog-proof) whose extra data is the entry.
    pub proof: String,
    /// The verifier key of the log, to be kept elsewhere.
    pub verifier_key: String,
}

/// That a log of one size is the beginning of the same log at another.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Consistency {
    /// The smaller size, in entries.
    pub from: u64,
    /// Its root, hex.
    pub from_root: String,
    /// The larger size.
    pub to: u64,
    /// Its root, hex.
    pub to_root: String,
    /// The hashes of the proof in their order, hex, each with the entries that it stands for.
    pub parts: Vec<(LeafRange, String)>,
    /// The hashes that lead from the larger size to the last checkpoint's, hex, in their order; none where it is that size.
    pub to_checkpoint: Vec<String>,
    /// The last checkpoint.
    pub checkpoint: ShownCheckpoint,
    /// The verifier key of the log.
    pub verifier_key: String,
}

fn unproven(error: &fiducia_ledger::LedgerError) -> AdminError {
    AdminError::Storage(format!("the log gives no proof: {error}"))
}

impl Reader {
    /// One entry with its proof.
    pub(super) fn entry_proof(
        &self,
        organization: OrganizationId,
        index: u64,
    ) -> Result<EntryProofShown, AdminError> {
        self.scribe.settle();
        let (mut log, key) = self.log_of(organization)?;
        let size = log.checkpoint().size;
        if index >= size {
            return Err(AdminError::NotFound(format!(
                "there is no entry {index}: the log has {size}, counted from 0"
            )));
        }
        let entry = log.entry(index).map_err(|error| unproven(&error))?;
        let mut proof = log.proof_file(index).map_err(|error| unproven(&error))?;
        let mut known = leaf_hash(&entry);
        let steps = inclusion_steps(index, size).into_iter().zip(&proof.hashes).map(|(step, hash)| {
            known = if step.sibling_is_left { node_hash(hash, &known) } else { node_hash(&known, hash) };
            ShownStep {
                sibling: step.sibling,
                sibling_hash: hex(hash),
                sibling_is_left: step.sibling_is_left,
                joined: step.joined,
                joined_hash: hex(&known),
            }
        });
        let steps = steps.collect();
        let checkpoint = self.shown_checkpoint(&log, (organization, &key))?;
        proof.checkpoint.clone_from(&checkpoint.note);
        proof.extra = Some(entry.clone());
        Ok(EntryProofShown {
            row: EntryRow::of(index, &entry),
            bytes: hex(&entry),
            text: entry.get(1..).and_then(|rest| std::str::from_utf8(rest).ok()).map(str::to_owned),
            steps,
            checkpoint,
            proof: proof.to_string(),
            verifier_key: key.to_string(),
        })
    }

    /// That a log of one size is the beginning of the same log at another.
    pub(super) fn consistency(
        &self,
        organization: OrganizationId,
        from: u64,
        to: Option<u64>,
    ) -> Result<Consistency, AdminError> {
        self.scribe.settle();
        let (mut log, key) = self.log_of(organization)?;
        let size = log.checkpoint().size;
        let to = to.unwrap_or(size);
        if from == 0 || from > to || to > size {
            return Err(AdminError::Invalid(format!(
                "compare a smaller size with a larger one: both from 1 to {size}, the published log's"
            )));
        }
        let (from_root, to_root, path) =
            log.consistency_between(from, to).map_err(|error| unproven(&error))?;
        let (_, to_checkpoint) = log.consistency_proof(to).map_err(|error| unproven(&error))?;
        let hashes = path.iter().map(|hash| hex(hash));
        Ok(Consistency {
            from,
            from_root: hex(&from_root),
            to,
            to_root: hex(&to_root),
            parts: consistency_parts(from, to).into_iter().zip(hashes).collect(),
            to_checkpoint: to_checkpoint.iter().map(|hash| hex(hash)).collect(),
            checkpoint: self.shown_checkpoint(&log, (organization, &key))?,
            verifier_key: key.to_string(),
        })
    }

    /// The checkpoint of a log, with the witnesses' signatures where those that are kept are of the same one.
    pub(super) fn shown_checkpoint(
        &self,
        log: &LogReader,
        (organization, key): (OrganizationId, &VerifierKey),
    ) -> Result<ShownCheckpoint, AdminError> {
        let checkpoint = log.checkpoint();
        let same =
            |kept: &String| Checkpoint::verify(kept.as_bytes(), key).is_ok_and(|kept| kept == *checkpoint);
        let note = self.witnessed_note(key).filter(same);
        let note = note.unwrap_or_else(|| log.checkpoint_note().to_owned());
        let keys = self.names.keys_of(organization).map_err(|error| unproven(&error))?;
        Ok(ShownCheckpoint {
            origin: checkpoint.origin.clone(),
            size: checkpoint.size,
            root: hex(&checkpoint.root),
            signatures: self.signatures(&note, &keys)?,
            note,
        })
    }

    /// The last checkpoint of a log that enough witnesses cosigned, as it is kept here.
    pub(super) fn witnessed_note(&self, key: &VerifierKey) -> Option<String> {
        let terms = self.witnesses.as_ref()?;
        let name = format!("{}.checkpoint", key.name().rsplit('/').next()?);
        let path = terms.directory.join(name);
        let length = std::fs::metadata(&path).ok()?.len();
        (length <= NOTE_BYTES_MAX).then(|| std::fs::read_to_string(&path).ok()).flatten()
    }

    /// Whose signatures a note carries, and which of them hold.
    fn signatures(&self, note: &str, keys: &[VerifierKey]) -> Result<Vec<NamedSignature>, AdminError> {
        let signers = signers_of(note.as_bytes()).map_err(|error| unproven(&error))?;
        let witnesses = self.witnesses.as_ref().map_or(&[][..], |terms| terms.keys.as_slice());
        let named = signers.into_iter().map(|signer| {
            let (name, id) = (signer.name, signer.key_id);
            if let Some(key) = keys.iter().find(|key| name == key.name() && id == key.key_id()) {
                let algorithm = Some(key.algorithm().to_owned());
                return NamedSignature { name, kind: SignatureKind::Log, algorithm, at: None };
            }
            let witness = witnesses.iter().find(|witness| witness.name() == name && witness.key_id() == id);
            let at = witness.and_then(|witness| witness.cosigned_at(note.as_bytes()).ok());
            let kind = if at.is_some() { SignatureKind::Witness } else { SignatureKind::Unknown };
            // Cosignatures are of this algorithm alone.
            let algorithm = at.is_some().then(|| "ed25519".to_owned());
            NamedSignature { name, kind, algorithm, at }
        });
        Ok(named.collect())
    }
}
