//! Issuing: signed, stored and announced in one transaction.

use std::collections::BTreeMap;
use std::time::Duration;

use fiducia_policy::{ConversationId, OrganizationId, PersonId, SubjectId, Timestamp};
use fiducia_store::{CertificateRecord, KeyNode};

use super::document::{FORMAT, commitment, digest, in_microseconds, note_text};
use super::{
    Backups, Certificate, CertificateReference, CertificateStage, CertifiedScope, Confidentiality, Destroyed,
    Issuer, KeptPart, Method, Order, Verification,
};
use crate::AdminError;
use crate::administer::hex;
use crate::administration::{DestructionReport, KeptBecause, ReadBack};
use crate::destruction::Plan;
use crate::faults;
use crate::scribe::{Fact, event_id};
use crate::writer::Writer;

/// Conversations that one certificate commits to.
const COMMITMENTS_MAX: usize = 1_000;

/// What a certificate is about, before it has a number and a signature.
pub(crate) struct Draft {
    pub(crate) organization: OrganizationId,
    /// Whose data it was, where the certificate may be found by that.
    pub(crate) subject: Option<SubjectId>,
    pub(crate) rule: &'static str,
    pub(crate) by: Option<PersonId>,
    pub(crate) scope: CertifiedScope,
    pub(crate) keys: BTreeMap<String, u64>,
    pub(crate) conversations: u64,
    pub(crate) records: u64,
    pub(crate) buckets: u64,
    pub(crate) read_back: ReadBack,
    pub(crate) keys_destroyed_at: Timestamp,
    pub(crate) purged_at: Option<Timestamp>,
    pub(crate) kept: Vec<KeptPart>,
}

impl Draft {
    fn stage(&self) -> CertificateStage {
        match (self.keys.is_empty(), self.purged_at) {
            (true, Some(_)) => CertificateStage::Purge,
            (_, None) => CertificateStage::KeyDestruction,
            (false, Some(_)) => CertificateStage::KeyDestructionAndPurge,
        }
    }
}

impl Writer {
    /// Issues a certificate; gives its reference number. INVARIANT: nobody gets one for what could still be opened.
    pub(crate) fn issue(&mut self, draft: Draft) -> Result<(CertificateReference, u64), AdminError> {
        if draft.read_back.opened > 0 {
            return Err(AdminError::Storage("what could still be opened gets no certificate".to_owned()));
        }
        let now = in_microseconds(self.clock.now());
        let event = self.event_id()?;
        let (organization, subject) = (draft.organization, draft.subject);
        let certificate = self.certificate(draft, event, now)?;
        let unwritable = |error: fiducia_ledger::LedgerError| AdminError::Storage(error.to_string());
        let json = certificate.canonical().map_err(unwritable)?;
        let digest = digest(&json);
        let note = self.certificate_signing.sign(&note_text(&certificate.reference, digest));
        let fact = Fact { at: now, event: certificate.event(digest) };
        let record = CertificateRecord {
            reference: certificate.reference.to_string(),
            organization,
            subject,
            event,
            issued_at: now,
            json,
            note,
            ledger_index: None,
        };
        let mail_at = self.certificates.mail.map(|_| now);
        self.files.control.issue_certificate(&record, mail_at, &fact.announcement(event, organization))?;
        self.handle.certificates.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        faults::reached("certificate-issued");
        let index = self.deliver_control(event, organization, fact)?;
        self.files.control.place_certificate(&record.reference, index)?;
        tracing::info!(reference = record.reference, %organization, "certificate of destruction issued");
        Ok((certificate.reference, index))
    }

    /// Issues the certificate of a destruction whose read-back opened nothing, and names it in the report.
    pub(crate) fn certified(
        &mut self,
        plan: &Plan,
        scope: CertifiedScope,
        keys_destroyed_at: Timestamp,
        mut report: DestructionReport,
    ) -> Result<DestructionReport, AdminError> {
        let names_person = matches!(scope, CertifiedScope::Person { .. });
        // Rows that no ground keeps should not be there. The certificate tells of the keys alone then.
        let is_purged = !report.kept.is_empty() || report.read_back.rows_found == 0;
        let has_purged = report.records_purged > 0 || report.kept.is_empty();
        let draft = Draft {
            organization: plan.organization,
            // An erasure leaves no thread from anything to the person.
            subject: (!names_person).then_some(plan.subject),
            rule: if names_person { "erasure" } else { "deletion" },
            by: Some(plan.actor),
            scope,
            keys: keys_by_kind(&plan.destroy),
            conversations: report.conversations,
            records: report.records_purged,
            buckets: 0,
            read_back: report.read_back.clone(),
            keys_destroyed_at,
            purged_at: (is_purged && has_purged).then(|| self.clock.now()),
            kept: kept_parts(&report.kept, plan.is_cut()),
        };
        let (reference, index) = self.issue(draft).map_err(|error| {
            AdminError::Storage(format!(
                "the destruction was carried out and is in the log, but its certificate was not finished: {error}"
            ))
        })?;
        report.ledger.push((plan.organization, index));
        report.certificate = Some(reference);
        Ok(report)
    }

    fn certificate(&self, draft: Draft, event: [u8; 16], now: Timestamp) -> Result<Certificate, AdminError> {
        let unwritable = |error: fiducia_ledger::LedgerError| AdminError::Storage(error.to_string());
        Ok(Certificate {
            format: FORMAT.to_owned(),
            reference: CertificateReference::generate(now, &*self.randomness)?,
            stage: draft.stage(),
            organization: draft.organization,
            issuer: Issuer {
                ledger_origin: self.ledger_names.origin.clone(),
                log: self.ledger_names.origin_of(draft.organization),
                event: event_id(event).map_err(unwritable)?,
                region: self.certificates.region.clone(),
                contact: self.certificates.contact.clone(),
                tool: "fiducia".to_owned(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
            },
            issued_at: now,
            order: Order { rule: draft.rule.to_owned(), by: draft.by, policy: self.governance.current().0.0 },
            confidentiality: confidentiality(&draft.kept),
            method: method(),
            verification: Verification { method: VERIFICATION.to_owned(), result: draft.read_back },
            keys_destroyed_at: in_microseconds(draft.keys_destroyed_at),
            purged_at: draft.purged_at.map(in_microseconds),
            backups: self.backups(draft.keys_destroyed_at),
            destroyed: Destroyed {
                scope: draft.scope,
                keys: draft.keys,
                conversations: draft.conversations,
                records: draft.records,
                buckets: draft.buckets,
                stores: STORES.map(str::to_owned).to_vec(),
                fields: FIELDS.map(str::to_owned).to_vec(),
            },
            kept: draft.kept,
        })
    }

    fn backups(&self, keys_destroyed_at: Timestamp) -> Backups {
        let until = |days: u32| {
            let kept_for = Duration::from_secs(86_400 * u64::from(days));
            Some(Backups::Until { days, at: in_microseconds(keys_destroyed_at.checked_add(kept_for).ok()?) })
        };
        self.certificates.backup_days.and_then(until).unwrap_or(Backups::NoneStated {})
    }

    /// A scope that commits to conversations without naming whose they were.
    pub(crate) fn person_scope(
        &self,
        conversations: &[ConversationId],
    ) -> Result<CertifiedScope, AdminError> {
        let mut salt = [0_u8; 16];
        self.randomness.fill(&mut salt)?;
        let salt = hex(&salt);
        let mut commitments: Vec<_> =
            conversations.iter().take(COMMITMENTS_MAX).map(|id| commitment(&salt, *id)).collect();
        // In the order of their digests, which tells nothing about that of the conversations.
        commitments.sort_unstable();
        Ok(CertifiedScope::Person { salt, conversations: commitments })
    }
}

const STORES: [&str; 4] = [
    "key store (keys.db)",
    "records (records/*.db)",
    "recognition digests (control.db)",
    "journal of captures (journal/)",
];
const FIELDS: [&str; 3] =
    ["requests with prompts, attachments and tool results", "answers", "imported turns of conversations"];
const VERIFICATION: &str = "Ciphertext that was held back in memory was tried with every key path that was destroyed, \
     read anew from the key store; then its rows were looked for in the store.";

fn method() -> Method {
    Method {
        keys: "Cryptographic erase: the random 256-bit keys (AES-256-GCM) were deleted from the key store, its pages \
               overwritten and its write-ahead log truncated; no key is derived from another."
            .to_owned(),
        bytes: "Rows deleted with SQLite's secure_delete, write-ahead logs truncated; files of which everything had ended \
                were unlinked. What SQLite may leave in a page that it reorganised is ciphertext without a key."
            .to_owned(),
    }
}

fn confidentiality(kept: &[KeptPart]) -> Confidentiality {
    let after = if kept.is_empty() {
        "Readable by nobody here: no key is left in this installation."
    } else {
        "Readable by nobody here for the grounds that ended; what another ground keeps is listed."
    };
    Confidentiality {
        before: "Sealed record by record; readable through the keys of its grounds only.".to_owned(),
        after: after.to_owned(),
    }
}

/// How many keys there are of each kind.
pub(crate) fn keys_by_kind(nodes: &[KeyNode]) -> BTreeMap<String, u64> {
    let mut kinds = BTreeMap::new();
    for node in nodes {
        *kinds.entry(node.kind.name().to_owned()).or_insert(0) += 1;
    }
    kinds
}

/// One line for each ground, from what each key keeps.
pub(crate) fn kept_parts(kept: &[KeptBecause], at_least: bool) -> Vec<KeptPart> {
    let mut parts: BTreeMap<&'static str, KeptPart> = BTreeMap::new();
    for one in kept {
        let until = one.until.map(in_microseconds);
        parts
            .entry(one.ground.name())
            .and_modify(|part| {
                // The later end counts, and none is the latest.
                part.until = part.until.zip(until).map(|(a, b)| a.max(b));
                part.records = part.records.map(|records| records.saturating_add(one.records));
            })
            .or_insert(KeptPart {
                ground: one.ground,
                until,
                records: Some(one.records),
                conversations: None,
                at_least,
            });
    }
    parts.into_values().collect()
}
