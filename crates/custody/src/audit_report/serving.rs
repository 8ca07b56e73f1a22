//! Reports for whoever asks: made, listed and given out beside the writer.

use fiducia_ledger::{LogReader, VerifierKey};
use fiducia_policy::OrganizationId;
use fiducia_store::{AuditReportRecord, DataDirectory};

use super::commands::{AuditCommand, AuditReply, AuditReportRow};
use super::file::{AuditFile, AuditRejected, verify_audit_file};
use super::report::{AuditReport, PromiseStanding, digest, signer_name};
use crate::mailbox::Message;
use crate::reading::Reader;
use crate::scribe::event_id;
use crate::{AdminError, Custody};

const LIST_ROWS_MAX: u32 = 1_000;

impl Custody {
    pub(crate) fn audit(&self, command: AuditCommand) -> Result<AuditReply, AdminError> {
        let reader = self.reader();
        match command {
            AuditCommand::Report { organization } => {
                self.caught_up()?;
                let facts = Box::new(reader.audit_facts(organization, &self.0.feed)?);
                let waiting = self.0.handle.ask(|reply| Message::IssueAuditReport(facts, reply))?;
                let (reference, ledger_index) = waiting.blocking_recv().unwrap_or_else(|_| {
                    Err(AdminError::Storage(
                        "the store's writer has stopped; no report was issued".to_owned(),
                    ))
                })?;
                Ok(AuditReply::Issued { reference, ledger_index })
            }
            AuditCommand::List { organization, limit } => reader.audit_report_rows(organization, limit),
            AuditCommand::Show { reference } => reader.audit_file(&reference),
        }
    }
}

impl Reader {
    fn audit_report_rows(&self, organization: OrganizationId, limit: u32) -> Result<AuditReply, AdminError> {
        if limit == 0 || limit > LIST_ROWS_MAX {
            return Err(AdminError::Invalid(format!("a list has 1 to {LIST_ROWS_MAX} rows")));
        }
        let _reading = self.reading();
        let records = self.control()?.audit_reports(organization, limit)?;
        let rows: Result<Vec<_>, AdminError> = records
            .into_iter()
            .map(|record| {
                let report = document(&record)?;
                Ok(AuditReportRow {
                    standings: PromiseStanding::ALL
                        .map(|standing| u64::try_from(report.count(standing)).unwrap_or(u64::MAX)),
                    reference: record.reference,
                    organization: record.organization,
                    issued_at: record.issued_at,
                    ledger_index: record.ledger_index,
                })
            })
            .collect();
        Ok(AuditReply::Reports(rows?))
    }

    /// The file of a report, checked before it is given out.
    pub(crate) fn audit_file(&self, reference: &str) -> Result<AuditReply, AdminError> {
        // The entry is in the log when the report is there; now it comes under a checkpoint too.
        self.scribe.settle();
        let _reading = self.reading();
        let record = self
            .control()?
            .audit_report(reference)?
            .ok_or_else(|| AdminError::NotFound(format!("there is no audit report {reference}")))?;
        let report = document(&record)?;
        let keys = self.audit_keys(record.organization)?;
        let damaged = |error: &dyn std::fmt::Display| {
            AdminError::Storage(format!("{reference} is stored, but cannot be given out: {error}"))
        };
        let log = DataDirectory::ledger(&self.root).join(record.organization.uuid());
        let log_keys = self.names.keys_of(record.organization).map_err(|error| damaged(&error))?;
        let mut reader = LogReader::open(&log, &log_keys).map_err(|error| damaged(&error))?;
        let index = match record.ledger_index {
            Some(index) => index,
            None => {
                // The program ended between the entry and the note of its place.
                let id = event_id(record.event).map_err(|error| damaged(&error))?;
                let found = reader.locate(&id).map_err(|error| damaged(&error))?;
                found
                    .map(|(index, _)| index)
                    .ok_or_else(|| damaged(&"its entry is not published; try again shortly"))?
            }
        };
        let mut proof = reader.proof_file(index).map_err(|error| damaged(&error))?;
        let signing = self.names.ed25519_of(record.organization).map_err(|error| damaged(&error))?;
        proof.signed_by_only(&signing).map_err(|error| damaged(&error))?;
        proof.extra = Some(report.entry(digest(&record.json)).map_err(|error| damaged(&error))?);
        let text = AuditFile::text(&record.json, &record.note, &proof).map_err(|error| damaged(&error))?;
        verify_audit_file(text.as_bytes(), &keys).map_err(|error: AuditRejected| damaged(&error))?;
        let verifier_keys = keys.iter().map(VerifierKey::to_string).collect();
        Ok(AuditReply::File { text, verifier_keys })
    }

    /// The keys that sign reports and the log of an organisation.
    fn audit_keys(&self, organization: OrganizationId) -> Result<Vec<VerifierKey>, AdminError> {
        let unnamed = |error: fiducia_ledger::LedgerError| AdminError::Storage(error.to_string());
        let documents = self.names.documents.renamed(&signer_name(&self.names.origin)).map_err(unnamed)?;
        Ok(vec![documents, self.names.ed25519_of(organization).map_err(unnamed)?])
    }
}

fn document(record: &AuditReportRecord) -> Result<AuditReport, AdminError> {
    serde_json::from_str(&record.json).map_err(|error| {
        AdminError::Storage(format!("the stored report {} cannot be read: {error}", record.reference))
    })
}
