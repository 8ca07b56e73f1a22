//! The profile of receipts: which fields of ISO/IEC TS 27560 stand where in the terms of the DPV.
//!
//! Neither the standard's schema nor the vocabulary's shapes are at hand; this list was written from the standard's published
//! list of fields, and says so.

use serde_json::Value;

/// (field of the standard, where it stands, whether it must be one of these beginnings)
const FIELDS: [(&str, &str, &[&str]); 38] = [
    ("schema version", "/dct:hasVersion", &["fiducia/consent-receipt/v1"]),
    ("record id", "/dpv:hasIdentifier", &["consent_"]),
    ("receipt id", "/fiducia:hasReceiptIdentifier", &["receipt:"]),
    ("principal id", "/dpv:hasDataSubject", &["psn_"]),
    ("privacy notice", "/dpv:hasNotice/dct:title", &[]),
    ("notice type", "/dpv:hasNotice/@type", &["dpv:PrivacyNotice"]),
    ("language", "/dpv:hasNotice/dct:language", &[]),
    ("purpose", "/dpv:hasPurpose/dct:title", &[]),
    ("purpose type", "/dpv:hasPurpose/@type", &["dpv:", "ai:"]),
    ("lawful basis", "/dpv:hasPurpose/dpv:hasLegalBasis", &["eu-gdpr:A6-1-a"]),
    ("data", "/dpv:hasPersonalData/0", &[]),
    ("data type", "/fiducia:hasDataType", &["dpv:PersonalData", "dpv:SpecialCategoryPersonalData"]),
    ("collection method", "/fiducia:hasCollectionMethod", &[]),
    ("processing method", "/dpv:hasProcessing/0", &[]),
    ("processing location", "/fiducia:hasProcessingLocation/0", &[]),
    ("storage locations", "/dpv:hasStorageCondition/dpv:hasLocation/0", &[]),
    ("retention period", "/dpv:hasStorageCondition/dpv:hasDuration", &[]),
    ("geographic restriction", "/fiducia:hasGeographicRestriction/0", &[]),
    ("jurisdiction", "/dpv:hasJurisdiction/0", &[]),
    ("third-party recipients", "/dpv:hasRecipient/0", &[]),
    ("withdrawal method", "/fiducia:hasWithdrawalMethod", &[]),
    ("rights", "/dpv:hasRight/0", &[]),
    ("authority", "/dpv:hasAuthority", &[]),
    ("party id", "/dpv:hasDataController/0/dpv:hasIdentifier", &[]),
    ("party name", "/dpv:hasDataController/0/dpv:hasName", &[]),
    ("party address", "/dpv:hasDataController/0/dpv:hasAddress", &[]),
    ("party contact", "/dpv:hasDataController/0/dpv:hasContact", &[]),
    ("party type", "/dpv:hasDataController/0/@type", &["controller", "joint-controller", "processor"]),
    ("event time", "/dct:hasPart/dct:date", &["20"]),
    ("validity", "/dct:hasPart/fiducia:validUntil", &[]),
    ("entity id", "/dct:hasPart/dpv:hasEntity", &[]),
    ("event type", "/dct:hasPart/fiducia:eventType", &[]),
    ("event state", "/dct:hasPart/fiducia:eventState", &[]),
    ("status", "/dpv:hasConsentStatus", &["dpv:Consent", "dpv:RenewedConsentGiven"]),
    ("status of the event", "/dct:hasPart/@type/0", &["dpv:Consent", "dpv:RenewedConsentGiven"]),
    ("kind of consent", "/dct:hasPart/@type/1", &["dpv:", "fiducia:"]),
    ("log", "/fiducia:entry/origin", &[]),
    ("entry", "/fiducia:entry/event", &[]),
];

/// The fields that a receipt lacks or that are not what they must be.
fn faults(receipt: &Value) -> Vec<&'static str> {
    let is_there = |(_, place, beginnings): &&(&str, &str, &[&str])| {
        receipt.pointer(place).and_then(Value::as_str).is_some_and(|text| {
            !text.is_empty()
                && (beginnings.is_empty() || beginnings.iter().any(|beginning| text.starts_with(beginning)))
        })
    };
    FIELDS.iter().filter(|field| !is_there(field)).map(|(name, ..)| *name).collect()
}

pub(crate) fn check(receipt: &Value) {
    assert_eq!(faults(receipt), Vec::<&str>::new(), "{receipt:#}");
    assert_eq!(receipt["dpv:hasConsentStatus"], receipt["dct:hasPart"]["@type"][0]);
    let context = receipt["@context"].as_object().unwrap();
    for key in receipt.as_object().unwrap().keys().filter(|key| !key.starts_with('@')) {
        let prefix = key.split_once(':').unwrap().0;
        assert!(context.contains_key(prefix), "the context explains {key}");
    }
}

pub(crate) fn check_that_each_field_is_needed(receipt: &Value) {
    for (name, place, _) in FIELDS {
        let mut without = receipt.clone();
        *without.pointer_mut(place).unwrap() = Value::Null;
        assert!(faults(&without).contains(&name), "{name} is not looked for");
    }
}
