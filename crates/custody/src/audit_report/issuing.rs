//! Issuing: signed, stored and announced in one transaction, as certificates are.

use fiducia_policy::PROMISES;
use fiducia_store::AuditReportRecord;

use super::evidence;
use super::facts::Facts;
use super::report::{AuditReport, AuditedOrganization, FORMAT, LogState, digest, note_text};
use crate::AdminError;
use crate::certificate::in_microseconds;
use crate::certificate::random_groups;
use crate::scribe::{Fact, event_id};
use crate::writer::Writer;

impl Writer {
    /// Issues a report from the facts; gives its reference number and where its entry lies.
    pub(crate) fn issue_audit_report(&mut self, facts: &Facts) -> Result<(String, u64), AdminError> {
        let unwritable = |error: fiducia_ledger::LedgerError| AdminError::Storage(error.to_string());
        let now = in_microseconds(self.clock.now());
        let event = self.event_id()?;
        let organization = facts.organization.id;
        let report = AuditReport {
            format: FORMAT.to_owned(),
            reference: format!("{}{}", now.strftime("FA-%Y"), random_groups(&*self.randomness)?),
            organization: AuditedOrganization {
                id: organization,
                name: facts.organization.name.clone(),
                plan: facts.organization.terms.plan,
                tier: facts.organization.terms.tier,
                agreement: facts.organization.terms.agreement,
                region: self.certificates.region.clone(),
                policy: (facts.policy.0.0, facts.policy.1.name().to_owned(), facts.policy_digest),
            },
            ledger_origin: self.ledger_names.origin.clone(),
            event: event_id(event).map_err(unwritable)?,
            made_at: now,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            log: LogState {
                origin: self.ledger_names.origin_of(organization),
                size: facts.log.size,
                checkpoint: facts.log.checkpoint.clone(),
                findings: facts.log.findings.clone(),
                witnesses: facts.witnesses.clone(),
            },
            promises: PROMISES.iter().map(|promise| evidence::about(promise, facts)).collect(),
        };
        let json = report.canonical().map_err(unwritable)?;
        let digest = digest(&json);
        let fact = Fact { at: now, event: report.announcement(digest) };
        let record = AuditReportRecord {
            note: self.audit_signing.sign(&note_text(&report.reference, digest)),
            reference: report.reference,
            organization,
            event,
            issued_at: now,
            json,
            ledger_index: None,
        };
        self.files.control.issue_audit_report(&record, &fact.announcement(event, organization))?;
        let index = self.deliver_control(event, organization, fact)?;
        self.files.control.place_audit_report(&record.reference, index)?;
        tracing::info!(reference = record.reference, %organization, "audit report issued");
        Ok((record.reference, index))
    }
}
