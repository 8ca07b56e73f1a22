//! Certificates for whoever asks: read beside the writer.

use std::sync::PoisonError;

use fiducia_ledger::{LogReader, VerifierKey};
use fiducia_policy::{OrganizationId, SubjectId};
use fiducia_store::{CertificateRecord, ControlStore, DataDirectory, MailKey};

use super::commands::{CertificateReply, CertificateRow};
use super::document::{digest, signer_name};
use super::file::{CertificateFile, verify_certificate};
use super::{Certificate, CertificateReference};
use crate::mail::state_of;
use crate::reading::Reader;
use crate::scribe::event_id;
use crate::{AdminError, AdminReply};

const LIST_ROWS_MAX: u32 = 1_000;

impl Reader {
    /// Certificates, newest first.
    pub(crate) fn certificates(
        &self,
        organization: Option<OrganizationId>,
        limit: u32,
        after: Option<&CertificateReference>,
    ) -> Result<AdminReply, AdminError> {
        check_limit(limit)?;
        let _reading = self.readers.read().unwrap_or_else(PoisonError::into_inner);
        let control = self.control()?;
        let after = after
            .map(|reference| {
                let found = control.certificate(reference.as_str())?;
                found.ok_or_else(|| AdminError::NotFound(format!("there is no certificate {reference}")))
            })
            .transpose()?;
        let before = after.as_ref().map(|last| (last.issued_at, last.reference.as_str()));
        certificate_rows(&control, &control.certificates(organization, before, limit)?)
    }

    /// Certificates about a person, in the order of their numbers.
    pub(crate) fn certificates_about(
        &self,
        subject: SubjectId,
        limit: u32,
        after: Option<&CertificateReference>,
    ) -> Result<AdminReply, AdminError> {
        check_limit(limit)?;
        let _reading = self.reading();
        let control = self.control()?;
        let after = after.map_or("", CertificateReference::as_str);
        certificate_rows(&control, &control.certificates_of(subject, after, limit)?)
    }

    /// The file of a certificate, checked before it is given out.
    pub(crate) fn certificate_file(
        &self,
        reference: &CertificateReference,
    ) -> Result<AdminReply, AdminError> {
        // The entry is in the log when the certificate is there; now it comes under a checkpoint too.
        self.scribe.settle();
        let _reading = self.readers.read().unwrap_or_else(PoisonError::into_inner);
        let record = self
            .control()?
            .certificate(reference.as_str())?
            .ok_or_else(|| AdminError::NotFound(format!("there is no certificate {reference}")))?;
        let certificate = document(&record)?;
        let keys = self.certificate_keys(record.organization)?;
        let proof = self.certificate_proof(&record, &certificate)?;
        let damaged = |error: super::CertificateRejected| {
            AdminError::Storage(format!("{reference} is stored, but cannot be given out: {error}"))
        };
        let text = CertificateFile::text(&record.json, &record.note, &proof).map_err(damaged)?;
        verify_certificate(text.as_bytes(), &keys).map_err(damaged)?;
        let verifier_keys = keys.iter().map(VerifierKey::to_string).collect();
        Ok(AdminReply::Certified(CertificateReply::File { text, verifier_keys }))
    }

    /// The keys that sign certificates and the log of an organisation.
    fn certificate_keys(&self, organization: OrganizationId) -> Result<Vec<VerifierKey>, AdminError> {
        let unnamed = |error: fiducia_ledger::LedgerError| AdminError::Storage(error.to_string());
        let documents = self.names.documents.renamed(&signer_name(&self.names.origin)).map_err(unnamed)?;
        Ok(vec![documents, self.names.ed25519_of(organization).map_err(unnamed)?])
    }

    fn certificate_proof(
        &self,
        record: &CertificateRecord,
        certificate: &Certificate,
    ) -> Result<fiducia_ledger::ProofFile, AdminError> {
        let unproven = |error: &dyn std::fmt::Display| {
            AdminError::Storage(format!(
                "{} is stored and signed, but its entry in the log cannot be proven yet: {error}",
                record.reference
            ))
        };
        let keys = self.names.keys_of(record.organization).map_err(|error| unproven(&error))?;
        let log = DataDirectory::ledger(&self.root).join(record.organization.uuid());
        let mut reader = LogReader::open(&log, &keys).map_err(|error| unproven(&error))?;
        let index = match record.ledger_index {
            Some(index) => index,
            None => {
                // The program ended between the entry and the note of its place.
                let id = event_id(record.event).map_err(|error| unproven(&error))?;
                let found = reader.locate(&id).map_err(|error| unproven(&error))?;
                found
                    .map(|(index, _)| index)
                    .ok_or_else(|| unproven(&"it is not published; try again shortly"))?
            }
        };
        let mut proof = reader.proof_file(index).map_err(|error| unproven(&error))?;
        let signing = self.names.ed25519_of(record.organization).map_err(|error| unproven(&error))?;
        proof.signed_by_only(&signing).map_err(|error| unproven(&error))?;
        let entry = certificate.entry(digest(&record.json)).map_err(|error| unproven(&error))?;
        proof.extra = Some(entry);
        Ok(proof)
    }
}

fn check_limit(limit: u32) -> Result<(), AdminError> {
    if limit == 0 || limit > LIST_ROWS_MAX {
        return Err(AdminError::Invalid(format!("a list has 1 to {LIST_ROWS_MAX} rows; page with --after")));
    }
    Ok(())
}

fn document(record: &CertificateRecord) -> Result<Certificate, AdminError> {
    serde_json::from_str(&record.json)
        .map_err(|error| AdminError::Storage(format!("{} cannot be read: {error}", record.reference)))
}

fn certificate_rows(control: &ControlStore, records: &[CertificateRecord]) -> Result<AdminReply, AdminError> {
    let rows = records.iter().map(|record| {
        let mail = control.mail(&MailKey::Certificate(record.reference.clone()))?;
        Ok(CertificateRow {
            certificate: document(record)?,
            ledger_index: record.ledger_index,
            mail: state_of(mail.as_ref()),
        })
    });
    rows.collect::<Result<_, AdminError>>()
        .map(|rows| AdminReply::Certified(CertificateReply::Certificates(rows)))
}
