//! `/certificates`: proof of what was destroyed.

use fiducia_custody::{
    AdminCommand, AdminReply, CertificateCommand, CertificateReference, CertificateReply, CertificateRow,
    CertificateStage, PersonalCommand,
};
use fiducia_policy::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::call::{Acting, Call, RoleAsked, unexpected};
use super::super::caller::Who;
use super::super::endpoint::{Endpoint, Nothing};
use super::super::problem::Problem;
use super::super::reply::{Found, Listed};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(
            "/certificates",
            "list-certificates",
            "Certificates of what was destroyed: of the person, or of the organisation.",
            Who::PersonOrStaff,
            list,
        ),
        Endpoint::get(
            "/certificates/{reference}",
            "show-certificate",
            "One certificate, with the keys by which anybody can check it.",
            Who::PersonOrStaff,
            show,
        ),
    ]
}

/// A certificate of destruction.
#[derive(Serialize, JsonSchema)]
struct Certificate {
    /// Its reference number.
    reference: String,
    stage: Stage,
    issued_at: Timestamp,
    /// The rule: `deletion`, `erasure` or `retention`.
    rule: String,
    /// Conversations that ended.
    conversations: u64,
    /// Records whose bytes were purged.
    records: u64,
    keys_destroyed_at: Timestamp,
    purged_at: Option<Timestamp>,
    /// Where its entry lies in the organisation's log, once that is known.
    ledger_index: Option<u64>,
}

/// How far a destruction went.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Stage {
    /// Keys were destroyed; the bytes are purged later.
    KeyDestruction,
    /// Bytes were purged whose keys were destroyed earlier.
    Purge,
    /// Both.
    KeyDestructionAndPurge,
}

impl From<CertificateRow> for Certificate {
    fn from(row: CertificateRow) -> Self {
        let certificate = row.certificate;
        Self {
            reference: certificate.reference.as_str().to_owned(),
            stage: match certificate.stage {
                CertificateStage::KeyDestruction => Stage::KeyDestruction,
                CertificateStage::Purge => Stage::Purge,
                CertificateStage::KeyDestructionAndPurge => Stage::KeyDestructionAndPurge,
            },
            issued_at: certificate.issued_at,
            rule: certificate.order.rule,
            conversations: certificate.destroyed.conversations,
            records: certificate.destroyed.records,
            keys_destroyed_at: certificate.keys_destroyed_at,
            purged_at: certificate.purged_at,
            ledger_index: row.ledger_index,
        }
    }
}

/// Which certificates.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct CertificatesAsked {
    /// As what the caller acts who has an account of both kinds; as a person when absent.
    #[serde(rename = "as")]
    role: Option<Acting>,
    /// What `next` said.
    after: Option<String>,
    /// At most this many rows, 1 to 500; 100 when absent.
    limit: Option<u32>,
}

fn list(call: &Call<'_>, _: Nothing, asked: CertificatesAsked) -> Result<Listed<Certificate>, Problem> {
    let rows = Call::rows(asked.limit)?;
    let after: Option<CertificateReference> = call.after(asked.after.as_deref())?;
    let limit = rows + 1;
    let reply = match call.acting(asked.role) {
        Acting::Person => call.personally(PersonalCommand::Certificates { limit, after })?,
        Acting::Staff => {
            let command = CertificateCommand::List { organization: None, limit, after };
            call.as_staff(AdminCommand::Certify(command))?
        }
    };
    let AdminReply::Certified(CertificateReply::Certificates(found)) = reply else {
        return Err(unexpected());
    };
    Ok(call.listed(found, rows, |row: &CertificateRow| row.certificate.reference.as_str().to_owned()))
}

/// Which certificate.
#[derive(Deserialize, JsonSchema)]
struct OneCertificate {
    /// Its reference number, such as `FC-2026-7KQ4-M0XA-93TD-ZZ1B`.
    reference: String,
}

/// A certificate's file.
#[derive(Serialize, JsonSchema)]
struct CertificateFile {
    /// The file, to be kept as it is.
    file: String,
    /// The keys by which it is checked. Keep them elsewhere.
    verifier_keys: Vec<String>,
}

fn show(call: &Call<'_>, one: OneCertificate, asked: RoleAsked) -> Result<Found<CertificateFile>, Problem> {
    let reference: CertificateReference = one.reference.parse().map_err(|_| Problem::NotFound)?;
    let reply = match call.acting(asked.role) {
        Acting::Person => call.personally(PersonalCommand::Certificate { reference })?,
        Acting::Staff => call.as_staff(AdminCommand::Certify(CertificateCommand::Show { reference }))?,
    };
    let AdminReply::Certified(CertificateReply::File { text, verifier_keys }) = reply else {
        return Err(unexpected());
    };
    Ok(Found(CertificateFile { file: text, verifier_keys }))
}
