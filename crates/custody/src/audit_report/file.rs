//! Report files: a report with its signature and the proof of its entry, checkable by anyone who kept the installation's
//! verifier key. No data, no network, no clock.

use fiducia_ledger::{Checkpoint, LedgerError, ProofFile, VerifierKey};
use serde_json::Value;

use super::report::{AuditReport, FORMAT, digest, note_text, signer_name};
use crate::attestation::{Attestation, Unattested};

/// Longest report file that is read.
pub const AUDIT_FILE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The layout of files that this version writes and reads.
const FILE_FORMAT: &str = "fiducia/audit-file/v1";

/// A file, as it is written: canonical JSON and a newline.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditFile {
    format: String,
    /// The report.
    report: Value,
    /// The signed note over its reference number and digest.
    note: String,
    /// A `.tlog-proof` of the entry that announces it. Its extra data is the entry.
    proof: String,
}

/// What a verified file proves.
#[derive(Debug, Clone)]
pub struct VerifiedAuditReport {
    /// The report.
    pub report: AuditReport,
    /// SHA-256 of its canonical form, hex.
    pub digest: String,
    /// Where its entry lies in the log.
    pub ledger_index: u64,
    /// The checkpoint that covers the entry.
    pub checkpoint: Checkpoint,
}

/// Why a report file proves nothing. Each text says what is wrong and what that means.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditRejected {
    /// It is no report file.
    #[error("this is no audit report ({reason}); it proves nothing. Ask whoever made it for the file again")]
    NotAFile {
        /// What is wrong with it.
        reason: String,
    },
    /// It was written by a newer version.
    #[error(
        "the report has the layout `{found}`, which this version does not know; verify it with a newer version"
    )]
    NewerFormat {
        /// Its layout.
        found: String,
    },
    /// It is not byte for byte what was written.
    #[error(
        "the file is not in the form in which it was issued: something was added, removed or formatted anew. Use the \
         original file"
    )]
    Reformatted,
    /// No key belongs to the installation that the report names.
    #[error(
        "none of the keys is of `{origin}`, which the report names as its installation. Take the verifier key that you kept"
    )]
    NoKey {
        /// The installation.
        origin: String,
    },
    /// The signature does not hold, or is over something else.
    #[error(
        "the signature over the report does not hold: {0}. It was not issued by this installation as it stands"
    )]
    Signature(String),
    /// The proof does not hold, or is of something else.
    #[error("the proof of the report's entry in the log does not hold: {0}. The log may never have held it")]
    Proof(String),
}

impl AuditFile {
    /// The file of a stored report, as text.
    ///
    /// # Errors
    /// When what is stored cannot be a report.
    pub(super) fn text(json: &str, note: &str, proof: &ProofFile) -> Result<String, AuditRejected> {
        let report = serde_json::from_str(json).map_err(|error| not_a_file(&error))?;
        let file =
            Self { format: FILE_FORMAT.to_owned(), report, note: note.to_owned(), proof: proof.to_string() };
        let mut text = serde_json_canonicalizer::to_string(&file).map_err(|error| not_a_file(&error))?;
        text.push('\n');
        Ok(text)
    }
}

/// Checks a report's file against verifier keys that were kept elsewhere. One key of an installation serves for all its logs
/// and for its reports, whichever of its names it comes under, until the logs' keys change: then the newer one is needed too.
///
/// # Errors
/// When anything about the file is not as it was issued.
pub fn verify_audit_file(bytes: &[u8], keys: &[VerifierKey]) -> Result<VerifiedAuditReport, AuditRejected> {
    let file = parse(bytes)?;
    let report: AuditReport =
        serde_json::from_value(file.report.clone()).map_err(|error| not_a_file(&error))?;
    let canonical = report.canonical().map_err(|error| not_a_file(&error))?;
    let digest = digest(&canonical);
    let origin = &report.ledger_origin;
    if report.log.origin != format!("{origin}/{}", report.organization.id.uuid()) {
        return Err(not_a_file(&"it names another organisation's log than its own"));
    }
    let attestation = Attestation {
        note: &file.note,
        proof: &file.proof,
        text: &note_text(&report.reference, digest),
        signer: &signer_name(origin),
        log: &report.log.origin,
    };
    let of_installation = |key: &&VerifierKey| crate::certificate::installation(key) == origin;
    let keys: Vec<&VerifierKey> = keys.iter().filter(of_installation).collect();
    if keys.is_empty() {
        return Err(AuditRejected::NoKey { origin: origin.clone() });
    }
    let (ledger_index, checkpoint) = attestation.check(&keys, || report.entry(digest))?;
    Ok(VerifiedAuditReport { digest: format!("{digest:?}"), report, ledger_index, checkpoint })
}

impl From<Unattested> for AuditRejected {
    fn from(unattested: Unattested) -> Self {
        let said = |error: LedgerError| error.to_string();
        match unattested {
            Unattested::Signature(error) => Self::Signature(said(error)),
            Unattested::OtherText => Self::Signature("it is over another report".to_owned()),
            Unattested::Proof(error) => Self::Proof(said(error)),
            Unattested::OtherEntry => Self::Proof("it is of another entry".to_owned()),
        }
    }
}

fn parse(bytes: &[u8]) -> Result<AuditFile, AuditRejected> {
    if bytes.len() > AUDIT_FILE_BYTES_MAX {
        return Err(not_a_file(&"it is longer than 4 MiB"));
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|error| not_a_file(&error))?;
    let layouts = [(value.get("format"), FILE_FORMAT), (value.pointer("/report/format"), FORMAT)];
    for (found, known) in layouts {
        match found.and_then(Value::as_str) {
            Some(format) if format == known => {}
            Some(format) => return Err(AuditRejected::NewerFormat { found: format.to_owned() }),
            None => return Err(not_a_file(&"it names no layout")),
        }
    }
    let mut canonical = serde_json_canonicalizer::to_vec(&value).map_err(|error| not_a_file(&error))?;
    canonical.push(b'\n');
    if canonical != bytes {
        return Err(AuditRejected::Reformatted);
    }
    serde_json::from_value(value).map_err(|error| not_a_file(&error))
}

fn not_a_file(error: &dyn std::fmt::Display) -> AuditRejected {
    AuditRejected::NotAFile { reason: error.to_string() }
}
