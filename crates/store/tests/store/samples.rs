//! Things to store, and a search through everything that lies in a folder.

use std::path::{Path, PathBuf};

use fiducia_policy::{
    Agreement, ConversationId, ExchangeId, KeyId, OrganizationId, Plan, PolicyVersion, Pseudonym,
    RecordClass, RecordId, SubjectId, Tier, Timestamp, WorkspaceId,
};
use fiducia_store::{
    Announcement, CaptureTerms, ControlStore, Edge, KeyKind, KeyNode, NewOrganization, OrganizationRecord,
    OrganizationTerms, RecordKind, StoredRecord, StoredWrap,
};

pub(crate) const ORGANIZATION: OrganizationId = OrganizationId::from_bytes([1; 16]);
pub(crate) const SUBJECT: SubjectId = SubjectId::from_bytes([2; 16]);
pub(crate) const TERMS: CaptureTerms =
    CaptureTerms { class: RecordClass::Chat, policy: PolicyVersion(0), covered: false };

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_768_046_400).unwrap()
}

pub(crate) fn conversation(number: u8) -> ConversationId {
    ConversationId::from_bytes([number; 16])
}

/// The parent of every service wrap of a conversation's records.
pub(crate) fn service_key(conversation: u8) -> KeyId {
    KeyId::from_bytes([conversation | 0x40; 16])
}

/// The parent of every safety wrap of a conversation's records.
pub(crate) fn safety_key(conversation: u8) -> KeyId {
    KeyId::from_bytes([conversation | 0x80; 16])
}

/// A record whose bytes can be found again in a file.
pub(crate) fn record(number: u8, of: u8) -> StoredRecord {
    let wrap = |parent, what: &str| Some(StoredWrap { parent, wrap: needle(what, number) });
    StoredRecord {
        id: RecordId::from_bytes([number; 16]),
        exchange: ExchangeId::from_bytes([number; 16]),
        kind: RecordKind::Request,
        organization: ORGANIZATION,
        subject: SUBJECT,
        conversation: conversation(of),
        workspace: None,
        created_at: now(),
        wire: "anthropic-messages".to_owned(),
        model: "scripted".to_owned(),
        status: 0,
        answer_id: None,
        position: 1,
        prefix: Some([number; 32]),
        alias: None,
        schema_version: 1,
        key_version: 1,
        commitment: [3; 32],
        ciphertext: needle("ciphertext", number).repeat(4),
        record_hash: [4; 32],
        batch: ExchangeId::from_bytes([5; 16]),
        service: wrap(service_key(of), "service"),
        safety: wrap(safety_key(of), "safety"),
        held: Vec::new(),
        terms: TERMS,
    }
}

/// Bytes that occur nowhere by chance.
pub(crate) fn needle(what: &str, number: u8) -> Vec<u8> {
    format!("<needle {what} {number:03}>").into_bytes()
}

pub(crate) fn announcement(number: u8) -> Announcement {
    Announcement { id: [number; 16], organization: ORGANIZATION, event: needle("event", number) }
}

/// A root key whose wrap can be found again in a file.
pub(crate) fn key(number: u8) -> (KeyNode, Edge) {
    let id = KeyId::from_bytes([number; 16]);
    let node = KeyNode {
        id,
        kind: KeyKind::Conversation,
        organization: ORGANIZATION,
        subject: Some(SUBJECT),
        conversation: Some(conversation(number)),
        label: "account".to_owned(),
        created_at: now(),
        ends_at: None,
        destroyed_at: None,
        replaced_by: None,
    };
    (node, Edge { child: id, parent: None, wrap: needle("wrap", number) })
}

/// Makes the organisation and the subject.
pub(crate) fn people(control: &mut ControlStore) {
    let organization = OrganizationRecord {
        id: ORGANIZATION,
        name: "tenant".to_owned(),
        terms: OrganizationTerms {
            plan: Plan::Enterprise,
            tier: Tier::Private,
            agreement: Agreement::Standard,
            custom_retention: None,
        },
        created_at: now(),
    };
    let new = NewOrganization { organization, workspace: WorkspaceId::from_bytes([6; 16]) };
    control.create_organization(&new, &announcement(200)).unwrap();
    let pseudonym = Pseudonym::from_bytes(*b"<pseudonym 0001>");
    let digest = *b"<digest of the name of a person>";
    let subject = fiducia_store::NewSubject {
        id: SUBJECT,
        organization: ORGANIZATION,
        pseudonym,
        name_digest: digest,
        created_at: now(),
    };
    control.create_subjects(&[subject]).unwrap();
}

/// The first file under `folder` that holds `needle`.
pub(crate) fn find(folder: &Path, needle: &[u8]) -> Option<PathBuf> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| std::fs::read(path).unwrap().windows(needle.len()).any(|window| window == needle))
}
