//! What is signed, byte for byte: whoever verifies an old certificate must find the same bytes.

use fiducia_ledger::{EventId, SigningKey, verify_note};
use fiducia_policy::{ConversationId, GroundKind, OrganizationId, PersonId, Pseudonym};
use zeroize::Zeroizing;

use super::document::{digest, note_text, signer_name};
use super::*;
use crate::MailState;
use crate::administration::ReadBack;

fn specimen() -> Certificate {
    let at = |text: &str| text.parse().unwrap();
    Certificate {
        format: document::FORMAT.to_owned(),
        reference: "FC-2026-05AF-MSY3-8DJQ-W16B".parse().unwrap(),
        stage: CertificateStage::KeyDestructionAndPurge,
        organization: OrganizationId::from_bytes([1; 16]),
        issuer: Issuer {
            ledger_origin: "ledger.example".to_owned(),
            log: "ledger.example/01010101-0101-0101-0101-010101010101".to_owned(),
            event: EventId::new("event_1").unwrap(),
            region: Some("eu-central".to_owned()),
            contact: None,
            tool: "fiducia".to_owned(),
            version: "0.1.0".to_owned(),
        },
        issued_at: at("2026-03-04T05:06:07.123456Z"),
        order: Order { rule: "deletion".to_owned(), by: Some(PersonId::from_bytes([2; 16])), policy: 3 },
        destroyed: Destroyed {
            scope: CertifiedScope::Conversation {
                conversation: ConversationId::from_bytes([3; 16]),
                pseudonym: Some(Pseudonym::from_bytes([4; 16])),
            },
            keys: [("conversation".to_owned(), 1)].into(),
            conversations: 1,
            records: 2,
            buckets: 0,
            stores: vec!["records".to_owned()],
            fields: vec!["answers".to_owned()],
        },
        confidentiality: Confidentiality { before: "sealed".to_owned(), after: "gone".to_owned() },
        method: Method { keys: "erased".to_owned(), bytes: "overwritten".to_owned() },
        verification: Verification {
            method: "tried".to_owned(),
            result: ReadBack { attempts: 2, opened: 0, rows_found: 0 },
        },
        keys_destroyed_at: at("2026-03-04T05:06:06Z"),
        purged_at: Some(at("2026-03-04T05:06:07Z")),
        backups: Backups::Until { days: 35, at: at("2026-04-08T05:06:06Z") },
        kept: vec![KeptPart {
            ground: GroundKind::SafetyWindow,
            until: Some(at("2026-04-04T00:00:00Z")),
            records: Some(2),
            conversations: None,
            at_least: false,
        }],
    }
}

const JSON: &str = include_str!("golden.json");
const NOTE: &str = include_str!("golden.note");

#[test]
fn a_certificate_and_its_note_are_written_as_ever() {
    let certificate = specimen();
    let json = certificate.canonical().unwrap();
    assert_eq!(json, JSON.trim_end());
    assert_eq!(serde_json::from_str::<Certificate>(&json).unwrap(), certificate);
    let signer = SigningKey::from_seed(&signer_name("ledger.example"), Zeroizing::new([7; 32])).unwrap();
    let text = note_text(&certificate.reference, digest(&json));
    let note = signer.sign(&text);
    assert_eq!(note, NOTE);
    assert_eq!(verify_note(NOTE.as_bytes(), &signer.verifier()).unwrap(), text);
    // SHA-256 over the golden file's one line, as any tool computes it.
    assert!(text.contains(&format!("{:?}", digest(JSON.trim_end()))));
}

#[test]
fn a_field_that_is_not_known_is_refused() {
    let json = JSON.replacen('{', "{\"also\":1,", 1);
    assert!(serde_json::from_str::<Certificate>(&json).is_err());
}

#[test]
fn commands_read_back_as_they_were_sent() {
    let reference: CertificateReference = "FC-2026-05AF-MSY3-8DJQ-W16B".parse().unwrap();
    for command in [
        crate::AdminCommand::Certify(CertificateCommand::Show { reference }),
        crate::AdminCommand::Govern(crate::RetentionCommand::Step),
    ] {
        let json = serde_json::to_string(&command).unwrap();
        let read: crate::AdminCommand = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
    }
}

#[test]
fn replies_read_back_as_they_were_sent() {
    let row = CertificateRow {
        certificate: specimen(),
        ledger_index: Some(7),
        mail: MailState::Waiting {
            next_attempt_at: "2026-03-04T05:06:07Z".parse().unwrap(),
            failure: Some("no answer".to_owned()),
        },
    };
    let reply = crate::AdminReply::Certified(CertificateReply::Certificates(vec![row.clone()]));
    let json = serde_json::to_string(&reply).unwrap();
    match serde_json::from_str(&json) {
        Ok(crate::AdminReply::Certified(CertificateReply::Certificates(rows))) => assert_eq!(rows, [row]),
        other => panic!("{other:?}"),
    }
}
