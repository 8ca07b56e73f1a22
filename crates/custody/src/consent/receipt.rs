//! Receipt files: a receipt with its signature and the proof of its entry, checkable by anyone who kept the installation's
//! verifier key. No data, no network, no clock.

use fiducia_ledger::{Checkpoint, ConsentChanged, Digest, Event, Leaf, LedgerError, ProofFile, VerifierKey};
use fiducia_policy::{
    ConsentChannel, ConsentKind, ConsentPurpose, ConsentState, OrganizationId, PersonId, Pseudonym, Timestamp,
};
use serde_json::Value;

use super::profile::{RECEIPT_FORMAT, commitment};
use crate::administer::hex;
use crate::attestation::{Attestation, Unattested};
use crate::certificate::installation;
use crate::scribe::event_id;

/// Longest receipt file that is read.
pub const RECEIPT_FILE_BYTES_MAX: usize = 512 * 1024;

/// The layout of files that this version writes and reads.
const FILE_FORMAT: &str = "fiducia/consent-receipt-file/v1";

/// A file, as it is written: canonical JSON and a newline.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReceiptFile {
    format: String,
    /// The receipt, JSON-LD.
    receipt: Value,
    /// What blinds the log's commitment, hex.
    salt: String,
    /// The signed note over its number and digest.
    note: String,
    /// A `.tlog-proof` of the entry that commits to it. Its extra data is the entry.
    proof: String,
    /// The names of the keys that signed the note and the checkpoint.
    verifier_keys: Vec<String>,
}

/// What a verified receipt shows.
#[derive(Debug, Clone)]
pub struct VerifiedReceipt {
    /// What it says about the choice.
    pub facts: ReceiptFacts,
    /// The whole receipt, JSON-LD.
    pub receipt: Value,
    /// Where its entry lies in the log.
    pub ledger_index: u64,
    /// The checkpoint that covers the entry.
    pub checkpoint: Checkpoint,
}

/// What a receipt says about the choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptFacts {
    /// Its number.
    pub id: String,
    /// Whose, as the log calls the person.
    pub pseudonym: Pseudonym,
    /// To what.
    pub purpose: ConsentPurpose,
    /// Where the choice led.
    pub state: ConsentState,
    /// In which way it came about.
    pub kind: ConsentKind,
    /// By which way it came.
    pub channel: ConsentChannel,
    /// SHA-256 of the notice that was shown, where one was.
    pub notice: Option<Digest>,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Whose organisation.
    pub organization: OrganizationId,
    /// The installation.
    pub ledger_origin: String,
    event: [u8; 16],
    actor: Option<PersonId>,
}

/// Why a receipt file shows nothing. Each text says what is wrong and what that means.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptRejected {
    /// It is too long, or no receipt file.
    #[error("this is no receipt file ({reason}); it shows nothing. Ask the service for the file again")]
    NotAFile {
        /// What is wrong with it.
        reason: String,
    },
    /// It is not byte for byte what was written.
    #[error(
        "the file is not in the form in which it was issued: something was added, removed or formatted anew. Use the \
         original file, or ask the service for it again"
    )]
    Reformatted,
    /// No key belongs to the installation that the receipt names.
    #[error(
        "none of the keys is of `{origin}`, which the receipt names as its issuer: either the key is missing, or the receipt \
         is somebody else's"
    )]
    NoKey {
        /// The installation.
        origin: String,
    },
    /// The signature does not hold, or is over something else.
    #[error(
        "the signature over the receipt does not hold: {0}. It was not issued by this installation as it stands"
    )]
    Signature(String),
    /// The log's entry is not of this receipt.
    #[error("the proof of the entry in the log does not hold: {0}. The log may never have held this choice")]
    Proof(String),
}

/// The name under which an installation signs receipts.
pub(super) fn signer_name(ledger_origin: &str) -> String {
    format!("{ledger_origin}/consents")
}

/// The text that is signed: what it is, which receipt, and its digest.
pub(super) fn note_text(id: &str, receipt: &str) -> String {
    format!("{RECEIPT_FORMAT}\n{id}\n{}\n", hex(&crate::staging::sha256(&[receipt.as_bytes()])))
}

impl ReceiptFile {
    /// The file as text.
    pub(super) fn text(
        receipt: &str,
        salt: &[u8; 16],
        note: &str,
        proof: &ProofFile,
    ) -> Result<String, ReceiptRejected> {
        let value: Value = serde_json::from_str(receipt).map_err(|error| not_a_file(&error))?;
        let facts = ReceiptFacts::read(&value)?;
        let file = Self {
            format: FILE_FORMAT.to_owned(),
            salt: hex(salt),
            note: note.to_owned(),
            proof: proof.to_string(),
            verifier_keys: vec![signer_name(&facts.ledger_origin), facts.log()],
            receipt: value,
        };
        let mut text = serde_json_canonicalizer::to_string(&file).map_err(|error| not_a_file(&error))?;
        text.push('\n');
        Ok(text)
    }
}

impl ReceiptFacts {
    /// Reads what a receipt says, and refuses one that contradicts itself.
    pub(super) fn read(receipt: &Value) -> Result<Self, ReceiptRejected> {
        let text = |pointer: &str| {
            receipt
                .pointer(pointer)
                .and_then(Value::as_str)
                .ok_or_else(|| ReceiptRejected::NotAFile { reason: format!("it has no {pointer}") })
        };
        if text("/dct:hasVersion")? != RECEIPT_FORMAT {
            return Err(ReceiptRejected::NotAFile {
                reason: "its layout is unknown to this version".to_owned(),
            });
        }
        let event = text("/fiducia:entry/event")?.parse::<fiducia_policy::ExchangeId>();
        let notice = receipt
            .pointer("/dpv:hasNotice/fiducia:sha256")
            .map(|hash| serde_json::from_value::<Digest>(hash.clone()).map_err(|error| not_a_file(&error)));
        let facts = Self {
            id: text("/dpv:hasIdentifier")?.to_owned(),
            pseudonym: named(text("/dpv:hasDataSubject")?)?,
            purpose: named(text("/dpv:hasPurpose/dct:title")?)?,
            state: named(text("/dct:hasPart/fiducia:eventState")?)?,
            kind: named(text("/dct:hasPart/fiducia:kind")?)?,
            channel: named(text("/fiducia:hasCollectionMethod")?)?,
            notice: notice.transpose()?,
            recorded_at: named(text("/dct:hasPart/fiducia:recordedAt")?)?,
            organization: named(text("/fiducia:entry/organization")?)?,
            ledger_origin: text("/fiducia:entry/origin")?.to_owned(),
            event: *event.map_err(|error| not_a_file(&error))?.as_bytes(),
            actor: text("/dct:hasPart/dpv:hasEntity")?.parse().ok(),
        };
        let says_so = text("/dpv:hasConsentStatus")? == facts.state.dpv_term()
            && text("/dpv:hasPurpose/@type")? == facts.purpose.dpv_term();
        if says_so {
            Ok(facts)
        } else {
            Err(ReceiptRejected::NotAFile { reason: "its status or purpose contradicts itself".to_owned() })
        }
    }

    fn log(&self) -> String {
        format!("{}/{}", self.ledger_origin, self.organization.uuid())
    }

    /// The entry that commits to the receipt.
    pub(super) fn entry(&self, commitment: Digest) -> Result<Vec<u8>, LedgerError> {
        let event = Event::ConsentChanged(ConsentChanged {
            pseudonym: self.pseudonym,
            purpose: self.purpose,
            state: self.state,
            kind: self.kind,
            channel: self.channel,
            notice: self.notice,
            receipt: commitment,
            actor: self.actor,
        });
        Leaf { id: event_id(self.event)?, at: self.recorded_at, event }.to_entry(self.organization)
    }
}

/// Checks a receipt file against verifier keys that were kept elsewhere. One key of an installation serves for all its logs and
/// for its receipts, whichever of its names it comes under.
///
/// # Errors
/// When anything about the file is not as it was issued.
pub fn verify_receipt(file: &[u8], keys: &[VerifierKey]) -> Result<VerifiedReceipt, ReceiptRejected> {
    let file = parse(file)?;
    let facts = ReceiptFacts::read(&file.receipt)?;
    let text = serde_json_canonicalizer::to_string(&file.receipt).map_err(|error| not_a_file(&error))?;
    let salt = salt_of(&file.salt)?;
    if file.verifier_keys != [signer_name(&facts.ledger_origin), facts.log()] {
        return Err(ReceiptRejected::NotAFile { reason: "it was put together from parts".to_owned() });
    }
    let own: Vec<&VerifierKey> = keys.iter().filter(|key| installation(key) == facts.ledger_origin).collect();
    if own.is_empty() {
        return Err(ReceiptRejected::NoKey { origin: facts.ledger_origin });
    }
    let (ledger_index, checkpoint) = signed_and_logged(&facts, (&text, &salt), &file, &own)?;
    Ok(VerifiedReceipt { facts, receipt: file.receipt, ledger_index, checkpoint })
}

fn parse(bytes: &[u8]) -> Result<ReceiptFile, ReceiptRejected> {
    if bytes.len() > RECEIPT_FILE_BYTES_MAX {
        return Err(ReceiptRejected::NotAFile { reason: "it is longer than 512 KiB".to_owned() });
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|error| not_a_file(&error))?;
    let mut canonical = serde_json_canonicalizer::to_vec(&value).map_err(|error| not_a_file(&error))?;
    canonical.push(b'\n');
    let file: ReceiptFile = serde_json::from_value(value).map_err(|error| not_a_file(&error))?;
    if file.format != FILE_FORMAT {
        return Err(ReceiptRejected::NotAFile { reason: "its layout is unknown to this version".to_owned() });
    }
    if canonical == bytes { Ok(file) } else { Err(ReceiptRejected::Reformatted) }
}

fn signed_and_logged(
    facts: &ReceiptFacts,
    (text, salt): (&str, &[u8; 16]),
    file: &ReceiptFile,
    keys: &[&VerifierKey],
) -> Result<(u64, Checkpoint), ReceiptRejected> {
    let attestation = Attestation {
        note: &file.note,
        proof: &file.proof,
        text: &note_text(&facts.id, text),
        signer: &signer_name(&facts.ledger_origin),
        log: &facts.log(),
    };
    attestation.check(keys, || facts.entry(commitment(salt, text))).map_err(|unattested| match unattested {
        Unattested::Signature(error) => ReceiptRejected::Signature(error.to_string()),
        Unattested::OtherText => ReceiptRejected::Signature("it is over another receipt".to_owned()),
        Unattested::Proof(error) => ReceiptRejected::Proof(error.to_string()),
        Unattested::OtherEntry => ReceiptRejected::Proof("it is of another entry".to_owned()),
    })
}

fn salt_of(hex: &str) -> Result<[u8; 16], ReceiptRejected> {
    let bad = || ReceiptRejected::NotAFile { reason: "its salt is not 16 bytes in hexadecimal".to_owned() };
    let digits = hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    if hex.len() != 32 || !digits {
        return Err(bad());
    }
    u128::from_str_radix(hex, 16).map(u128::to_be_bytes).map_err(|_| bad())
}

fn named<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, ReceiptRejected> {
    text.parse().map_err(|error: T::Err| not_a_file(&error))
}

pub(super) fn not_a_file(error: &dyn std::fmt::Display) -> ReceiptRejected {
    ReceiptRejected::NotAFile { reason: error.to_string() }
}
