//! Consent for whoever asks: read beside the writer.

use fiducia_ledger::{LogReader, VerifierKey};
use fiducia_policy::{CampaignId, ConsentId, ConsentPurpose, ConsentState, NoticeIdentity, SubjectId};
use fiducia_store::{ConsentRecord, ControlStore, DataDirectory, NoticeRecord};

use super::campaigns::campaign_row;
use super::commands::{ConsentEntry, ConsentReply, ConsentRow, NoticeRow};
use super::notices;
use super::profile::{commitment, receipt_text};
use super::receipt::{ReceiptFacts, ReceiptFile, ReceiptRejected, note_text, signer_name, verify_receipt};
use crate::AdminError;
use crate::reading::Reader;
use crate::retention::governance::PersonTerms;
use crate::scribe::event_id;

const LIST_ROWS_MAX: u32 = 1_000;

impl Reader {
    /// The notices that were published.
    pub(crate) fn notices(&self, purpose: Option<ConsentPurpose>) -> Result<ConsentReply, AdminError> {
        let _reading = self.reading();
        let all = self.control()?.notices(purpose)?;
        let rows: Result<Vec<NoticeRow>, AdminError> =
            all.iter().map(|notice| notices::row(notice, is_superseded(notice, &all))).collect();
        Ok(ConsentReply::Notices(rows?))
    }

    /// One notice.
    pub(crate) fn notice(&self, identity: &NoticeIdentity) -> Result<ConsentReply, AdminError> {
        let _reading = self.reading();
        let all = self.control()?.notices(Some(identity.purpose))?;
        let found = all
            .iter()
            .find(|notice| notice.identity == *identity)
            .ok_or_else(|| AdminError::NotFound(format!("{identity} was never published")))?;
        notices::row(found, is_superseded(found, &all)).map(|row| ConsentReply::Notice(Box::new(row)))
    }

    /// Where a person stands about every purpose.
    pub(crate) fn standings(&self, subject: SubjectId) -> Result<ConsentReply, AdminError> {
        let _reading = self.reading();
        let control = self.control()?;
        let row = control
            .subject(subject)?
            .filter(|row| row.erased_at.is_none())
            .ok_or_else(|| AdminError::NotFound(format!("there is no {subject}")))?;
        let terms = self
            .callers
            .terms(row.organization)
            .ok_or_else(|| AdminError::NotFound(format!("there is no {}", row.organization)))?;
        let standings = control.consent_standings(subject)?;
        let now = self.clock.now();
        let rows = ConsentPurpose::ALL.into_iter().map(|purpose| {
            let standing = standings.iter().find(|standing| standing.purpose == purpose);
            let is_asked = self.governance.is_asked(terms, PersonTerms::from(&row), purpose);
            ConsentRow {
                purpose,
                state: standing.map_or(ConsentState::Unknown, |standing| standing.state),
                permits: is_asked && standing.is_some_and(|standing| standing.permits(now)),
                is_asked,
                since: standing.map(|standing| standing.since),
                notice: standing.and_then(|standing| standing.notice.clone()),
                valid_until: standing.and_then(|standing| standing.valid_until),
                lapses_at: standing.and_then(|standing| standing.lapses_at),
            }
        });
        Ok(ConsentReply::Standings(rows.collect()))
    }

    /// What a person chose, newest first.
    pub(crate) fn consent_history(
        &self,
        subject: SubjectId,
        purpose: Option<ConsentPurpose>,
        before: Option<u64>,
        limit: u32,
    ) -> Result<ConsentReply, AdminError> {
        if limit == 0 || limit > LIST_ROWS_MAX {
            return Err(AdminError::Invalid(format!("a list has 1 to {LIST_ROWS_MAX} rows")));
        }
        let _reading = self.reading();
        let records = self.control()?.consent_history(subject, purpose, before, limit)?;
        Ok(ConsentReply::History(records.into_iter().map(entry).collect()))
    }

    /// The file of a receipt, checked before it is given out.
    pub(crate) fn receipt(&self, id: ConsentId) -> Result<ConsentReply, AdminError> {
        // The entry is in the log when the choice is there; now it comes under a checkpoint too.
        self.scribe.settle();
        let _reading = self.reading();
        let control = self.control()?;
        let record =
            control.consent(id)?.ok_or_else(|| AdminError::NotFound(format!("there is no choice {id}")))?;
        let (Some(subject), Some(salt)) = (record.subject, record.salt) else {
            return Err(AdminError::Destroyed(format!(
                "{id} was the choice of a person who was erased: nothing leads to them any more, and a receipt that they kept \
                 can still be verified"
            )));
        };
        let pseudonym = control.subject(subject)?.and_then(|subject| subject.pseudonym).ok_or_else(|| {
            AdminError::Destroyed("the person was erased; no receipt can be made".to_owned())
        })?;
        let notice = shown(&control, &record)?;
        let receipt =
            receipt_text(&record, pseudonym, notice.as_ref().map(|notice| &notice.0), &self.names.origin)?;
        let note = self.consent_signing.sign(&note_text(&record.id.to_string(), &receipt));
        let keys = self.receipt_keys(&record)?;
        let proof = self.receipt_proof(&control, &record, (&receipt, &salt))?;
        let damaged = |error: ReceiptRejected| {
            AdminError::Storage(format!("{id} is stored, but its receipt cannot be given out: {error}"))
        };
        let text = ReceiptFile::text(&receipt, &salt, &note, &proof).map_err(damaged)?;
        verify_receipt(text.as_bytes(), &keys).map_err(damaged)?;
        let verifier_keys = keys.iter().map(VerifierKey::to_string).collect();
        Ok(ConsentReply::Receipt { text, verifier_keys })
    }

    fn receipt_keys(&self, record: &ConsentRecord) -> Result<Vec<VerifierKey>, AdminError> {
        let unnamed = |error: fiducia_ledger::LedgerError| AdminError::Storage(error.to_string());
        let documents = self.names.documents.renamed(&signer_name(&self.names.origin)).map_err(unnamed)?;
        Ok(vec![documents, self.names.ed25519_of(record.organization).map_err(unnamed)?])
    }

    fn receipt_proof(
        &self,
        control: &ControlStore,
        record: &ConsentRecord,
        (receipt, salt): (&str, &[u8; 16]),
    ) -> Result<fiducia_ledger::ProofFile, AdminError> {
        let unproven = |error: &dyn std::fmt::Display| {
            AdminError::Storage(format!(
                "{} counts, but its entry in the log cannot be proven yet: {error}",
                record.id
            ))
        };
        let keys = self.names.keys_of(record.organization).map_err(|error| unproven(&error))?;
        let log = DataDirectory::ledger(&self.root).join(record.organization.uuid());
        let mut reader = LogReader::open(&log, &keys).map_err(|error| unproven(&error))?;
        let index = match control.consent_place(record.sequence)? {
            Some(index) => index,
            None => {
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
        let value: serde_json::Value = serde_json::from_str(receipt).map_err(|error| unproven(&error))?;
        let facts = ReceiptFacts::read(&value).map_err(|error| unproven(&error))?;
        let entry = facts.entry(commitment(salt, receipt)).map_err(|error| unproven(&error))?;
        proof.extra = Some(entry);
        Ok(proof)
    }

    /// Campaigns, newest first.
    pub(crate) fn campaigns(&self) -> Result<ConsentReply, AdminError> {
        let _reading = self.reading();
        let control = self.control()?;
        let rows: Result<Vec<_>, AdminError> =
            control.campaigns(false)?.into_iter().map(|campaign| campaign_row(&control, campaign)).collect();
        Ok(ConsentReply::Campaigns(rows?))
    }

    /// One campaign.
    pub(crate) fn campaign(&self, id: CampaignId) -> Result<ConsentReply, AdminError> {
        let _reading = self.reading();
        let control = self.control()?;
        let found = control.campaign(id)?.ok_or_else(|| AdminError::NotFound(format!("there is no {id}")))?;
        campaign_row(&control, found).map(|row| ConsentReply::Campaign(Box::new(row)))
    }
}

fn shown(
    control: &ControlStore,
    record: &ConsentRecord,
) -> Result<Option<super::choosing::KnownNotice>, AdminError> {
    let Some((identity, hash)) = &record.notice else { return Ok(None) };
    let stored = control
        .notice(identity)?
        .filter(|notice| notice.hash == *hash)
        .ok_or_else(|| AdminError::Storage(format!("{identity} is gone from control.db")))?;
    notices::known(&stored).map(Some)
}

fn is_superseded(notice: &NoticeRecord, all: &[NoticeRecord]) -> bool {
    let identity = &notice.identity;
    all.iter().any(|other| {
        let other = &other.identity;
        other.purpose == identity.purpose
            && other.language == identity.language
            && other.version > identity.version
    })
}

fn entry(record: ConsentRecord) -> ConsentEntry {
    ConsentEntry {
        id: record.id,
        sequence: record.sequence,
        purpose: record.purpose,
        act: record.act,
        state: record.state,
        kind: record.kind,
        channel: record.channel,
        notice: record.notice.map(|(identity, _)| (identity.language, identity.version)),
        region: record.region,
        entity: record.entity,
        at: record.event_at,
    }
}
