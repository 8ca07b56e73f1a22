//! What a witness checks before it cosigns (C2SP tlog-witness), without I/O.
//!
//! A witness remembers for each log the last checkpoint that it cosigned, and cosigns another only if it extends that one.
//! So a history that was rewritten and signed anew finds no witness.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fiducia_policy::Timestamp;

use crate::checkpoint::{Checkpoint, parse_decimal, parse_hash};
use crate::cosignature::{CosignerKey, WitnessKey};
use crate::error::LedgerError;
use crate::hash::{EMPTY_ROOT, Hash};
use crate::merkle::verify_consistency;
use crate::note::{NOTE_BYTES_MAX, Note, VerifierKey};
use crate::reader::LogReader;

/// Most hashes of a consistency proof: 63 suffice for any size.
const PROOF_HASHES_MAX: usize = 63;
/// Longest request that is read: a note, and a proof before it.
pub const ADD_CHECKPOINT_BYTES_MAX: usize = 64 * 1024 + 8 * 1024;

/// What a log asks of a witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size of the checkpoint that the log believes to be the witness's last.
    pub old_size: u64,
    /// How the new tree extends that one.
    pub proof: Vec<Hash>,
    /// The new checkpoint, a signed note.
    pub note: String,
}

impl AddCheckpoint {
    /// Reads a request's body.
    ///
    /// # Errors
    /// [`WitnessRefusal::Malformed`].
    pub fn parse(body: &[u8]) -> Result<Self, WitnessRefusal> {
        if body.len() > ADD_CHECKPOINT_BYTES_MAX {
            return Err(WitnessRefusal::Malformed("it is too long"));
        }
        let text = std::str::from_utf8(body).map_err(|_| WitnessRefusal::Malformed("it is not UTF-8"))?;
        let (head, note) =
            text.split_once("\n\n").ok_or(WitnessRefusal::Malformed("it has no checkpoint"))?;
        let mut lines = head.split('\n');
        let old_size = lines
            .next()
            .and_then(|line| line.strip_prefix("old "))
            .and_then(parse_decimal)
            .ok_or(WitnessRefusal::Malformed("its first line is not `old <size>`"))?;
        let mut proof = Vec::new();
        for line in lines {
            let hash =
                parse_hash(line).ok_or(WitnessRefusal::Malformed("a hash is not 32 bytes in base64"))?;
            if proof.len() == PROOF_HASHES_MAX {
                return Err(WitnessRefusal::Malformed("its proof has more than 63 hashes"));
            }
            proof.push(hash);
        }
        Ok(Self { old_size, proof, note: note.to_owned() })
    }
}

impl std::fmt::Display for AddCheckpoint {
    /// The request's body.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(formatter, "old {}", self.old_size)?;
        for hash in &self.proof {
            writeln!(formatter, "{}", STANDARD.encode(hash))?;
        }
        write!(formatter, "\n{}", self.note)
    }
}

/// What to send to a witness that holds `held` entries of a log.
///
/// # Errors
/// When the witness holds more than the log has ([`LedgerError::Beyond`]): the log was cut back or replaced. When a tile is damaged.
pub fn request_for(log: &mut LogReader, held: u64) -> Result<AddCheckpoint, LedgerError> {
    let size = log.checkpoint().size;
    let proof = match held {
        0 => Vec::new(),
        _ if held == size => Vec::new(),
        _ => log.consistency_proof(held)?.1,
    };
    Ok(AddCheckpoint { old_size: held, proof, note: log.checkpoint_note().to_owned() })
}

/// A checkpoint with a witness's line, once that is seen to fit. Lines of the same witness that were there are replaced.
///
/// # Errors
/// When the line is not this witness's cosignature of this checkpoint.
pub fn with_cosignature(note: &str, line: &str, witness: &CosignerKey) -> Result<String, LedgerError> {
    let is_theirs = |line: &str| {
        let name = line.strip_prefix(crate::note::SIGNATURE_PREFIX).and_then(|rest| rest.split(' ').next());
        name == Some(witness.name())
    };
    let line = line.split('\n').find(|line| is_theirs(line)).unwrap_or_default();
    let (text, lines) = note
        .split_once("\n\n")
        .ok_or(LedgerError::MalformedNote { what: "checkpoint", reason: "it has no signatures" })?;
    let mut cosigned = format!("{text}\n\n");
    for kept in lines.split_terminator('\n').filter(|line| !is_theirs(line)) {
        cosigned.push_str(kept);
        cosigned.push('\n');
    }
    cosigned.push_str(line);
    cosigned.push('\n');
    witness.cosigned_at(cosigned.as_bytes())?;
    Ok(cosigned)
}

/// Why a witness does not cosign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WitnessRefusal {
    /// The request is not what the protocol asks for.
    #[error("the request cannot be read: {0}")]
    Malformed(&'static str),
    /// The witness does not know this log.
    #[error("this witness does not know the log `{0}`; its operator adds it")]
    UnknownLog(String),
    /// No key that the witness trusts for the log signed the checkpoint.
    #[error("no trusted key of the log signed this checkpoint")]
    Unsigned,
    /// The old size is larger than the checkpoint's.
    #[error("the old size {old} is larger than the checkpoint's, {new}")]
    Shrinks {
        /// What was said to be held.
        old: u64,
        /// The checkpoint's.
        new: u64,
    },
    /// The witness holds a checkpoint of another size.
    #[error("this witness holds a checkpoint of size {held}")]
    OtherSize {
        /// The size.
        held: u64,
    },
    /// The new tree does not extend the one that is held, or has the same size and another root.
    #[error(
        "this checkpoint does not extend the one of size {held} that this witness cosigned: one of two histories is false"
    )]
    Forked {
        /// The size that is held.
        held: u64,
    },
}

impl WitnessRefusal {
    /// The HTTP status that the protocol gives it.
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) | Self::Shrinks { .. } => 400,
            Self::Unsigned => 403,
            Self::UnknownLog(_) => 404,
            Self::OtherSize { .. } => 409,
            Self::Forked { .. } => 422,
        }
    }
}

/// What a witness holds of a log: the last checkpoint that it cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its size.
    pub size: u64,
    /// Its root.
    pub root: Hash,
    /// The signed note, with the cosignature.
    pub note: String,
}

impl Held {
    /// Reads what a witness had stored, and checks again that one of its log's keys signed it.
    ///
    /// # Errors
    /// When it is not a checkpoint signed by one of `keys`.
    pub fn read(note: &str, keys: &(impl AsRef<[VerifierKey]> + ?Sized)) -> Result<Self, LedgerError> {
        let checkpoint = Checkpoint::verify(note.as_bytes(), keys)?;
        Ok(Self { size: checkpoint.size, root: checkpoint.root, note: note.to_owned() })
    }

    /// As [`Held::read`]; of a checkpoint that only keys signed which are trusted no more, `own` cosignature is the proof that it
    /// was trusted when it was stored. So whoever takes a retired key away loses nothing of what the witness remembers.
    ///
    /// # Errors
    /// When neither one of `keys` nor `own` signed it, or a signature is false.
    pub fn read_own(note: &str, keys: &[VerifierKey], own: &CosignerKey) -> Result<Self, LedgerError> {
        match Self::read(note, keys) {
            Err(LedgerError::NotSigned { .. }) => {
                own.cosigned_at(note.as_bytes())?;
                let checkpoint = Checkpoint::of_verified(note.as_bytes())?;
                Ok(Self { size: checkpoint.size, root: checkpoint.root, note: note.to_owned() })
            }
            read => read,
        }
    }
}

/// The logs that a witness knows, each with every key that may sign it: those that sign now, that are announced, that did.
#[derive(Debug, Clone, Default)]
pub struct TrustedLogs {
    exact: BTreeMap<String, Vec<VerifierKey>>,
    /// Keys that sign a log for each organisation: the origin's beginning, before the last `/`.
    families: BTreeMap<String, Vec<VerifierKey>>,
}

impl TrustedLogs {
    /// Adds a key of one log, whose origin is the key's name. Keys of the same name stand beside each other.
    pub fn add(&mut self, key: VerifierKey) {
        add_to(&mut self.exact, key);
    }

    /// Adds a key of every log whose origin is the key's name, `/` and an organisation's UUID. The key of one of these logs stands for
    /// all of them: its name counts up to the UUID.
    pub fn add_family(&mut self, key: VerifierKey) {
        let family = family_of(key.name()).and_then(|family| key.renamed(family).ok());
        add_to(&mut self.families, family.unwrap_or(key));
    }

    /// The keys of a log, of which one must have signed; none when the witness does not know it.
    pub fn keys(&self, origin: &str) -> Vec<VerifierKey> {
        let mut keys = self.exact.get(origin).cloned().unwrap_or_default();
        let of_family = family_of(origin).and_then(|family| self.families.get(family));
        for key in of_family.into_iter().flatten().filter_map(|key| key.renamed(origin).ok()) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }
}

/// What stands before an organisation's UUID in a log's origin.
fn family_of(origin: &str) -> Option<&str> {
    let (family, organization) = origin.rsplit_once('/')?;
    let is_organization = organization.len() == 36
        && organization
            .bytes()
            .all(|byte| byte == b'-' || byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    is_organization.then_some(family)
}

fn add_to(keys: &mut BTreeMap<String, Vec<VerifierKey>>, key: VerifierKey) {
    let present = keys.entry(key.name().to_owned()).or_default();
    if !present.contains(&key) {
        present.push(key);
    }
}

/// What a witness does with a request it accepts: store `held`, durably, and only then answer with `cosignature`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a cosignature may leave only when what is held is durable"]
pub struct Cosigning {
    /// Which log.
    pub origin: String,
    /// What is held from now on.
    pub held: Held,
    /// The line of the answer.
    pub cosignature: String,
}

/// The log that a request is about.
///
/// # Errors
/// [`WitnessRefusal::Malformed`] when its checkpoint has no origin.
pub fn origin_of(request: &AddCheckpoint) -> Result<&str, WitnessRefusal> {
    let origin = request.note.split('\n').next().filter(|origin| !origin.is_empty() && origin.len() <= 255);
    origin.ok_or(WitnessRefusal::Malformed("its checkpoint has no origin"))
}

/// Checks a request against what is held, and cosigns.
///
/// # Errors
/// A refusal, in the order that the protocol gives: unknown log, unsigned, shrinking, another size, a false history.
pub fn cosign(
    witness: &WitnessKey,
    logs: &TrustedLogs,
    held: Option<&Held>,
    request: &AddCheckpoint,
    now: Timestamp,
) -> Result<Cosigning, WitnessRefusal> {
    let origin = origin_of(request)?;
    let keys = logs.keys(origin);
    if keys.is_empty() {
        return Err(WitnessRefusal::UnknownLog(origin.to_owned()));
    }
    if u64::try_from(request.note.len()).is_ok_and(|length| length > NOTE_BYTES_MAX) {
        return Err(WitnessRefusal::Malformed("its checkpoint is longer than 64 KiB"));
    }
    let checkpoint = Checkpoint::verify(request.note.as_bytes(), &keys).map_err(|error| match error {
        LedgerError::NotSigned { .. } | LedgerError::BadSignature { .. } => WitnessRefusal::Unsigned,
        _ => WitnessRefusal::Malformed("its checkpoint is malformed"),
    })?;
    if request.old_size > checkpoint.size {
        return Err(WitnessRefusal::Shrinks { old: request.old_size, new: checkpoint.size });
    }
    let held_size = held.map_or(0, |held| held.size);
    if request.old_size != held_size {
        return Err(WitnessRefusal::OtherSize { held: held_size });
    }
    let held_root = held.map_or(EMPTY_ROOT, |held| held.root);
    let extends = if held_size == checkpoint.size {
        request.proof.is_empty() && held_root == checkpoint.root
    } else if held_size == 0 {
        request.proof.is_empty()
    } else {
        verify_consistency(held_size, &held_root, checkpoint.size, &checkpoint.root, &request.proof)
    };
    if !extends {
        return Err(WitnessRefusal::Forked { held: held_size });
    }
    // The note was parsed above, so it has this form.
    let note = Note::parse(request.note.as_bytes()).map_err(|_| WitnessRefusal::Unsigned)?;
    let cosignature = witness.cosign(note.text, now);
    // Other signatures are not kept: nobody checked them.
    let mut signatures = String::new();
    for line in keys.iter().filter_map(|key| note.line_of(key)) {
        signatures.push_str(&line);
        signatures.push('\n');
    }
    let held = Held {
        size: checkpoint.size,
        root: checkpoint.root,
        note: format!("{}\n{signatures}{cosignature}", note.text),
    };
    Ok(Cosigning { origin: origin.to_owned(), held, cosignature })
}

#[cfg(test)]
mod tests;
