//! Certificate files: a certificate with its signature and the proof of its entry, checkable by anyone who kept the
//! installation's verifier key. No data, no network, no clock.

use fiducia_ledger::{Checkpoint, LedgerError, ProofFile, VerifierKey};
use serde_json::Value;

use super::Certificate;
use super::document::{FORMAT, digest, note_text, signer_name};
use crate::attestation::{Attestation, Unattested};

/// Longest certificate file that is read.
pub const CERTIFICATE_FILE_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The layout of files that this version writes and reads.
const FILE_FORMAT: &str = "fiducia/certificate-file/v1";

/// A file, as it is written: canonical JSON and a newline.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CertificateFile {
    format: String,
    /// The certificate.
    certificate: Value,
    /// The signed note over its reference number and digest.
    note: String,
    /// A `.tlog-proof` of the entry that announces it. Its extra data is the entry.
    proof: String,
    /// The names of the keys that signed the note and the checkpoint. The keys themselves must come from elsewhere.
    verifier_keys: Vec<String>,
}

/// What a verified file proves.
#[derive(Debug, Clone)]
pub struct VerifiedCertificate {
    /// The certificate.
    pub certificate: Certificate,
    /// SHA-256 of its canonical form, hex.
    pub digest: String,
    /// Where its entry lies in the log.
    pub ledger_index: u64,
    /// The checkpoint that covers the entry.
    pub checkpoint: Checkpoint,
    /// The signed note over its reference number and digest.
    pub note: String,
    /// The `.tlog-proof` of its entry, whose extra data is the entry.
    pub proof: String,
}

/// Why a certificate file proves nothing. Each text says what is wrong and what that means.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateRejected {
    /// It is too long.
    #[error("the file is longer than 2 MiB, which no certificate file is; it was not read")]
    TooLong,
    /// It is no certificate file.
    #[error("this is no certificate file ({reason}); it proves nothing. Ask the issuer for the file again")]
    NotAFile {
        /// What is wrong with it.
        reason: String,
    },
    /// It was written by a newer version.
    #[error(
        "the {what} has the layout `{found}`, which this version does not know; verify it with a newer version"
    )]
    NewerFormat {
        /// What.
        what: &'static str,
        /// Its layout.
        found: String,
    },
    /// It is not byte for byte what was written.
    #[error(
        "the file is not in the form in which it was issued: something was added, removed or formatted anew, so that what was \
         signed cannot be told. Use the original file, or ask the issuer for it again"
    )]
    Reformatted,
    /// No key belongs to the installation that the certificate names.
    #[error(
        "none of the keys is of `{origin}`, which the certificate names as its issuer: either the key is missing, or the \
         certificate is somebody else's. Take the verifier key that you kept when the organisation was created"
    )]
    NoKey {
        /// The installation.
        origin: String,
    },
    /// The names in the file are not those of the issuer's keys.
    #[error("the file names other keys than the certificate's issuer has; it was put together from parts")]
    OtherNames,
    /// The signature does not hold.
    #[error(
        "the signature over the certificate does not hold: {0}. It was not issued by this installation as it stands"
    )]
    Signature(LedgerError),
    /// The signature is over something else.
    #[error(
        "what was signed is not this certificate: the certificate was changed after it was signed, or signature and \
         certificate are of two different files"
    )]
    OtherCertificate,
    /// The certificate contradicts itself.
    #[error("the certificate is signed, but says that {0}; such a certificate is never issued")]
    Contradiction(&'static str),
    /// The proof is malformed or its checkpoint is not signed.
    #[error(
        "the proof of the entry in the log does not hold: {0}. The log may never have held this certificate"
    )]
    Proof(LedgerError),
    /// The proof is of another entry.
    #[error(
        "the proof is of another entry of the log: it does not show that this certificate was announced there"
    )]
    OtherEntry,
}

impl CertificateFile {
    /// The file of a stored certificate, as text.
    ///
    /// # Errors
    /// When what is stored cannot be a certificate.
    pub(crate) fn text(json: &str, note: &str, proof: &ProofFile) -> Result<String, CertificateRejected> {
        let value: Value = serde_json::from_str(json).map_err(|error| not_a_file(&error))?;
        let certificate = certificate(&value)?;
        let file = Self {
            format: FILE_FORMAT.to_owned(),
            note: note.to_owned(),
            proof: proof.to_string(),
            verifier_keys: key_names(&certificate),
            certificate: value,
        };
        let mut text = serde_json_canonicalizer::to_string(&file).map_err(|error| not_a_file(&error))?;
        text.push('\n');
        Ok(text)
    }
}

/// Checks a certificate file against verifier keys that were kept elsewhere. One key of an installation serves for all its
/// logs and for its certificates, whichever of its names it comes under.
///
/// # Errors
/// When anything about the file is not as it was issued.
pub fn verify_certificate(
    file: &[u8],
    keys: &[VerifierKey],
) -> Result<VerifiedCertificate, CertificateRejected> {
    let file = parse(file)?;
    let certificate = certificate(&file.certificate)?;
    let canonical =
        serde_json_canonicalizer::to_string(&file.certificate).map_err(|error| not_a_file(&error))?;
    let digest = digest(&canonical);
    if file.verifier_keys != key_names(&certificate) {
        return Err(CertificateRejected::OtherNames);
    }
    let origin = &certificate.issuer.ledger_origin;
    let own: Vec<&VerifierKey> = keys.iter().filter(|key| installation(key) == *origin).collect();
    if own.is_empty() {
        return Err(CertificateRejected::NoKey { origin: origin.clone() });
    }
    let (ledger_index, checkpoint) = signed_and_logged(&certificate, digest, &file, &own)?;
    contradiction(&certificate)?;
    let digest = format!("{digest:?}");
    let CertificateFile { note, proof, .. } = file;
    Ok(VerifiedCertificate { certificate, digest, ledger_index, checkpoint, note, proof })
}

fn parse(bytes: &[u8]) -> Result<CertificateFile, CertificateRejected> {
    if bytes.len() > CERTIFICATE_FILE_BYTES_MAX {
        return Err(CertificateRejected::TooLong);
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|error| not_a_file(&error))?;
    refuse_newer("file", &value, FILE_FORMAT)?;
    let mut canonical = serde_json_canonicalizer::to_vec(&value).map_err(|error| not_a_file(&error))?;
    canonical.push(b'\n');
    if canonical != bytes {
        return Err(CertificateRejected::Reformatted);
    }
    serde_json::from_value(value).map_err(|error| not_a_file(&error))
}

fn certificate(value: &Value) -> Result<Certificate, CertificateRejected> {
    refuse_newer("certificate", value, FORMAT)?;
    serde_json::from_value(value.clone()).map_err(|error| not_a_file(&error))
}

fn refuse_newer(what: &'static str, value: &Value, known: &str) -> Result<(), CertificateRejected> {
    match value.get("format").and_then(Value::as_str) {
        Some(format) if format == known => Ok(()),
        Some(format) => Err(CertificateRejected::NewerFormat { what, found: format.to_owned() }),
        None => Err(CertificateRejected::NotAFile { reason: format!("the {what} names no layout") }),
    }
}

fn signed_and_logged(
    certificate: &Certificate,
    digest: fiducia_ledger::Digest,
    file: &CertificateFile,
    keys: &[&VerifierKey],
) -> Result<(u64, Checkpoint), CertificateRejected> {
    let attestation = Attestation {
        note: &file.note,
        proof: &file.proof,
        text: &note_text(&certificate.reference, digest),
        signer: &signer_name(&certificate.issuer.ledger_origin),
        log: &certificate.issuer.log,
    };
    attestation.check(keys, || certificate.entry(digest)).map_err(|unattested| match unattested {
        Unattested::Signature(error) => CertificateRejected::Signature(error),
        Unattested::OtherText => CertificateRejected::OtherCertificate,
        Unattested::Proof(error) => CertificateRejected::Proof(error),
        Unattested::OtherEntry => CertificateRejected::OtherEntry,
    })
}

/// What no issuer of ours would sign.
fn contradiction(certificate: &Certificate) -> Result<(), CertificateRejected> {
    let issuer = &certificate.issuer;
    let log = format!("{}/{}", issuer.ledger_origin, certificate.organization.uuid());
    let said = if certificate.verification.result.opened > 0 {
        "what it calls destroyed could still be opened"
    } else if issuer.log != log {
        "its entry is in another organisation's log"
    } else if certificate.purged_at.is_some_and(|at| at < certificate.keys_destroyed_at) {
        "bytes were purged before their keys were destroyed"
    } else {
        return Ok(());
    };
    Err(CertificateRejected::Contradiction(said))
}

/// The names under which the issuer signs: certificates first, then the log's checkpoints.
fn key_names(certificate: &Certificate) -> Vec<String> {
    let issuer = &certificate.issuer;
    vec![signer_name(&issuer.ledger_origin), issuer.log.clone()]
}

/// The installation a key belongs to: its name without what tells logs and certificates apart.
pub(crate) fn installation(key: &VerifierKey) -> &str {
    key.name().rsplit_once('/').map_or(key.name(), |(installation, _)| installation)
}

fn not_a_file(error: &impl std::fmt::Display) -> CertificateRejected {
    CertificateRejected::NotAFile { reason: error.to_string() }
}
