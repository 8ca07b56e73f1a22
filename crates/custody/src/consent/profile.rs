//! What a receipt says: the fields of ISO/IEC TS 27560 in the terms of the Data Privacy Vocabulary (JSON-LD).
//!
//! A receipt follows from the history's entry and the notice, so that nothing is stored twice. The log holds a salted
//! commitment to it: whoever has the receipt and its salt can show which entry it is, nobody else can tell whose it was.

use fiducia_ledger::Digest;
use fiducia_policy::{Notice, Pseudonym};
use fiducia_store::ConsentRecord;
use serde_json::{Value, json};

use super::choosing::unwritable;
use crate::AdminError;
use crate::administer::hex;
use crate::staging::sha256;

/// The layout of receipts that this version writes and reads.
pub const RECEIPT_FORMAT: &str = "fiducia/consent-receipt/v1";

/// What stands where a notice was not shown: a person said no by a signal, or nobody had published any.
const NOT_SHOWN: &str = "none was shown";

/// The receipt of an entry, as JSON-LD.
///
/// The mandatory fields of ISO/IEC TS 27560 are all there, and those that it leaves open but the GDPR needs. `event` is the id
/// of the entry in the organisation's log; times are in UTC, in whole microseconds.
fn receipt_document(
    record: &ConsentRecord,
    pseudonym: Pseudonym,
    notice: Option<&Notice>,
    ledger_origin: &str,
) -> Value {
    let purpose = record.purpose;
    let list = |from: fn(&Notice) -> &Vec<String>| {
        notice.map_or_else(|| vec![NOT_SHOWN.to_owned()], |notice| from(notice).clone())
    };
    let line = |from: fn(&Notice) -> &String| notice.map_or(NOT_SHOWN, |notice| from(notice).as_str());
    let evidence: Value =
        record.evidence.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
    let recipients = notice.map_or(&[] as &[String], |notice| &notice.recipients);
    json!({
        "@context": {
            "dct": "http://purl.org/dc/terms/",
            "dpv": "https://w3id.org/dpv#",
            "ai": "https://w3id.org/dpv/ai#",
            "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
            "fiducia": "urn:fiducia:consent:v1#",
        },
        "@id": format!("urn:uuid:{}", record.id.uuid()),
        "@type": ["dpv:ConsentRecord", "fiducia:ConsentReceipt"],
        "dct:conformsTo": "ISO/IEC TS 27560:2023",
        "dct:hasVersion": RECEIPT_FORMAT,
        "dpv:hasIdentifier": record.id.to_string(),
        "fiducia:hasReceiptIdentifier": format!("receipt:{}", record.id.uuid()),
        "dpv:hasDataSubject": pseudonym.to_string(),
        "dpv:hasConsentStatus": record.state.dpv_term(),
        "dpv:hasNotice": notice_part(record, notice),
        "dpv:hasPurpose": {
            "@type": purpose.dpv_term(),
            "dct:title": purpose.name(),
            "dpv:hasLegalBasis": purpose.legal_basis().dpv_term(),
        },
        "dpv:hasPersonalData": list(|notice| &notice.data),
        "fiducia:hasDataType": if notice.is_some_and(|notice| notice.special_categories) {
            "dpv:SpecialCategoryPersonalData"
        } else {
            "dpv:PersonalData"
        },
        "fiducia:hasCollectionMethod": record.channel.name(),
        "dpv:hasProcessing": list(|notice| &notice.processing),
        "fiducia:hasProcessingLocation": list(|notice| &notice.processing_locations),
        "dpv:hasStorageCondition": {
            "dpv:hasLocation": list(|notice| &notice.storage_locations),
            "dpv:hasDuration": line(|notice| &notice.retention),
        },
        "fiducia:hasGeographicRestriction": list(|notice| &notice.storage_locations),
        "dpv:hasJurisdiction": list(|notice| &notice.jurisdictions),
        "dpv:hasRecipient": if recipients.is_empty() { vec!["none".to_owned()] } else { recipients.to_vec() },
        "fiducia:hasWithdrawalMethod": line(|notice| &notice.withdrawal),
        "dpv:hasRight": list(|notice| &notice.rights),
        "dpv:hasAuthority": line(|notice| &notice.authority),
        "dpv:hasDataController": controllers(notice),
        "dct:hasPart": {
            "@type": [record.state.dpv_term(), record.kind.dpv_term()],
            "dct:date": instant(record.event_at),
            "fiducia:recordedAt": instant(record.recorded_at),
            "fiducia:validUntil": record
                .valid_until
                .map_or_else(|| "until it is taken back".to_owned(), instant),
            "dpv:hasEntity": record.entity,
            "fiducia:eventType": record.act.name(),
            "fiducia:eventState": record.state.name(),
            "fiducia:kind": record.kind.name(),
            "fiducia:region": record.region.as_deref().unwrap_or("unknown"),
            "fiducia:evidence": evidence,
        },
        "fiducia:entry": {
            "origin": ledger_origin,
            "organization": record.organization,
            "event": fiducia_policy::ExchangeId::from_bytes(record.event).uuid(),
        },
    })
}

fn notice_part(record: &ConsentRecord, notice: Option<&Notice>) -> Value {
    match (&record.notice, notice) {
        (Some((identity, hash)), Some(notice)) => json!({
            "@type": "dpv:PrivacyNotice",
            "@id": format!("urn:fiducia:notice:{}:{}:{}", identity.purpose, identity.language, identity.version),
            "dct:title": notice.title,
            "dct:language": identity.language,
            "dct:hasVersion": identity.version,
            "fiducia:sha256": hex(hash),
        }),
        _ => json!({ "@type": "dpv:PrivacyNotice", "dct:title": NOT_SHOWN, "dct:language": "und" }),
    }
}

fn controllers(notice: Option<&Notice>) -> Vec<Value> {
    let Some(notice) = notice else {
        return vec![json!({
            "@type": "controller", "dpv:hasIdentifier": NOT_SHOWN, "dpv:hasName": NOT_SHOWN,
            "dpv:hasAddress": NOT_SHOWN, "dpv:hasContact": NOT_SHOWN,
        })];
    };
    let one = |controller: &fiducia_policy::Controller| {
        json!({
            "@type": controller.role,
            "dpv:hasIdentifier": controller.id,
            "dpv:hasName": controller.name,
            "dpv:hasAddress": controller.address,
            "dpv:hasContact": controller.contact,
        })
    };
    notice.controllers.iter().map(one).collect()
}

fn instant(at: fiducia_policy::Timestamp) -> String {
    format!("{at:.6}")
}

/// The receipt in canonical form (RFC 8785).
pub(super) fn receipt_text(
    record: &ConsentRecord,
    pseudonym: Pseudonym,
    notice: Option<&Notice>,
    ledger_origin: &str,
) -> Result<String, AdminError> {
    let mut document = receipt_document(record, pseudonym, notice, ledger_origin);
    // An import makes thousands of receipts a second, and canonicalising is a third of its work. With its members sorted, what
    // serde_json writes is canonical already: names are ASCII, there are no fractions, and strings are escaped alike.
    document.sort_all_objects();
    serde_json::to_string(&document).map_err(|error| unwritable(&error))
}

/// What the log holds of a receipt: `SHA-256(domain || salt || receipt)`.
pub(super) fn commitment(salt: &[u8; 16], receipt: &str) -> Digest {
    Digest(sha256(&[b"fiducia/consent/receipt/v1\n", salt, receipt.as_bytes()]))
}

#[cfg(test)]
mod tests {
    use fiducia_policy::{
        ConsentAct, ConsentChannel, ConsentId, ConsentKind, ConsentPurpose, ConsentState, OrganizationId,
        SubjectId, Timestamp,
    };

    use super::*;

    #[test]
    fn a_receipt_is_written_in_canonical_form_whatever_the_notice_says() {
        let mut notice =
            Notice::parse(include_str!("../../../../policies/notices/batch-training.en.toml")).unwrap();
        notice.retention = "\u{0}\u{1}\u{7f}\u{8}\t\n\u{c}\r\"\\/<\u{2028}\u{feff}é\u{1f600}".to_owned();
        let record = ConsentRecord {
            sequence: 1,
            id: ConsentId::from_bytes([1; 16]),
            organization: OrganizationId::from_bytes([2; 16]),
            subject: Some(SubjectId::from_bytes([3; 16])),
            purpose: ConsentPurpose::BatchTraining,
            act: ConsentAct::Give,
            state: ConsentState::Given,
            kind: ConsentKind::Explicit,
            channel: ConsentChannel::Settings,
            notice: Some((notice.identity(), [4; 32])),
            region: Some("DE".to_owned()),
            evidence: Some(r#"{"screen":"a-1"}"#.to_owned()),
            entity: "subject".to_owned(),
            event_at: Timestamp::UNIX_EPOCH,
            recorded_at: Timestamp::UNIX_EPOCH,
            valid_until: None,
            event: [5; 16],
            salt: Some([6; 16]),
            request: None,
            content: None,
        };
        for notice in [Some(&notice), None] {
            let (pseudonym, origin) = (Pseudonym::from_bytes([7; 16]), "ledger.example");
            let document = receipt_document(&record, pseudonym, notice, origin);
            assert_eq!(
                receipt_text(&record, pseudonym, notice, origin).unwrap(),
                serde_json_canonicalizer::to_string(&document).unwrap()
            );
        }
    }
}
