//! Every event has one spelling.

use fiducia_policy::OrganizationId;

use super::*;
use crate::leaf::{EventId, Leaf, LoggedLeaf};

const ORGANIZATION: &str = "org_01010101-0101-0101-0101-010101010101";

fn leaf(event: Event) -> Leaf {
    Leaf { id: EventId::new("event_1").unwrap(), at: "2026-11-21T04:15:23.0000019Z".parse().unwrap(), event }
}

fn check(event: &Event, json: &str) {
    let organization = OrganizationId::from_bytes([1; 16]);
    let entry = leaf(event.clone()).to_entry(organization).unwrap();
    let expected = json.replace("ORG", ORGANIZATION).replace("AT", "2026-11-21T04:15:23.000001Z");
    assert_eq!(std::str::from_utf8(&entry[1..]).unwrap(), expected);
    assert_eq!(entry[0], 0x80);
    let read = LoggedLeaf::parse(&entry).unwrap();
    assert_eq!((read.organization, &read.leaf.event), (organization, event));
    let kind = read.leaf.event.kind().to_owned();
    assert!(Event::is_known(&kind) && expected.contains(&format!("\"type\":\"{kind}\"")));
}

#[test]
fn each_event_has_exactly_one_spelling() {
    let zeros = "00000000-0000-0000-0000-000000000000";
    let hex = "07".repeat(32);
    check(
        &Event::LogOpened { origin: "log.example/a".to_owned() },
        r#"{"at":"AT","id":"event_1","org":"ORG","origin":"log.example/a","type":"log_opened"}"#,
    );
    check(
        &Event::CaptureBatch { batch: "b".to_owned(), root: Digest([7; 32]), count: 3 },
        &r#"{"at":"AT","batch":"b","count":3,"id":"event_1","org":"ORG","root":"HEX","type":"capture_batch"}"#
            .replace("HEX", &hex),
    );
    check(
        &Event::RecordAccess(RecordAccess {
            actor: PersonId::from_bytes([0; 16]),
            reason: AccessReason::SubjectRequest,
            ticket: Some("T \"1\"\n".to_owned()),
            records: vec![RecordId::from_bytes([0; 16])],
            ground: GroundKind::SafetyWindow,
            expires_at: "2026-11-21T05:00:00Z".parse().unwrap(),
            look: None,
        }),
        &r#"{"actor":"person_0","at":"AT","expires_at":"2026-11-21T05:00:00.000000Z","ground":"safety-window","id":"event_1","org":"ORG","reason":"subject_request","records":["rec_0"],"ticket":"T \"1\"\n","type":"record_access"}"#
            .replace("person_0", &format!("person_{zeros}"))
            .replace("rec_0", &format!("rec_{zeros}")),
    );
    check(
        &Event::KeysDestroyed {
            keys: 1,
            kinds: vec!["conversation".to_owned()],
            reason: "subject_request".to_owned(),
            conversations: 1,
            records: 4,
            actor: Some(PersonId::from_bytes([0; 16])),
            pseudonym: None,
            certificate: Some(Digest([7; 32])),
        },
        &r#"{"actor":"person_0","at":"AT","certificate":"HEX","conversations":1,"id":"event_1","keys":1,"kinds":["conversation"],"org":"ORG","reason":"subject_request","records":4,"type":"keys_destroyed"}"#
            .replace("person_0", &format!("person_{zeros}"))
            .replace("HEX", &hex),
    );
    check(
        &Event::ImportFinished { count: 4620, digest: Digest([7; 32]) },
        &r#"{"at":"AT","count":4620,"digest":"HEX","id":"event_1","org":"ORG","type":"import_finished"}"#
            .replace("HEX", &hex),
    );
    check(
        &Event::RoutingNotice {
            exchange: ExchangeId::from_bytes([0; 16]),
            code: "alias".to_owned(),
            asked: "é".to_owned(),
            served: "b".to_owned(),
        },
        &r#"{"asked":"é","at":"AT","code":"alias","exchange":"exch_0","id":"event_1","org":"ORG","served":"b","type":"routing_notice"}"#
            .replace("exch_0", &format!("exch_{zeros}")),
    );
    check(
        &Event::VirtualKeyCreated { key: VirtualKeyId::from_bytes([0; 16]), workspace: WorkspaceId::from_bytes([0; 16]) },
        &r#"{"at":"AT","id":"event_1","key":"vkey_0","org":"ORG","type":"virtual_key_created","workspace":"wrkspc_0"}"#
            .replace("vkey_0", &format!("vkey_{zeros}"))
            .replace("wrkspc_0", &format!("wrkspc_{zeros}")),
    );
    check(
        &Event::VirtualKeyRevoked { key: VirtualKeyId::from_bytes([0; 16]) },
        &r#"{"at":"AT","id":"event_1","key":"vkey_0","org":"ORG","type":"virtual_key_revoked"}"#
            .replace("vkey_0", &format!("vkey_{zeros}")),
    );
    check(
        &Event::OrganizationCreated {},
        r#"{"at":"AT","id":"event_1","org":"ORG","type":"organization_created"}"#,
    );
}

#[test]
fn each_event_about_external_keys_has_exactly_one_spelling() {
    let zeros = "00000000-0000-0000-0000-000000000000";
    let external = ExternalKey {
        key: KeyId::from_bytes([0; 16]),
        service: "vault".to_owned(),
        actor: PersonId::from_bytes([0; 16]),
    };
    for (event, kind) in [
        (Event::OrgExternalKeyCreated(external.clone()), "org_external_key_created"),
        (Event::OrgExternalKeyUpdated(external.clone()), "org_external_key_updated"),
        (Event::OrgExternalKeyDeleted(external.clone()), "org_external_key_deleted"),
        (Event::OrgExternalKeyValidated(external.clone()), "org_external_key_validated"),
        (Event::InstallationKeyRewrapped(external), "installation_key_rewrapped"),
    ] {
        let actor = PersonId::from_bytes([0; 16]);
        check(
            &event,
            &format!(
                r#"{{"actor":"{actor}","at":"AT","id":"event_1","key":"key_{zeros}","org":"ORG","service":"vault","type":"{kind}"}}"#
            ),
        );
    }
}

#[test]
fn each_event_about_people_has_exactly_one_spelling() {
    let zeros = "00000000-0000-0000-0000-000000000000";
    let hex = "07".repeat(32);
    check(
        &Event::ConsoleAccountCreated {
            account: AccountId::from_bytes([0; 16]),
            roles: vec!["auditor".to_owned()],
        },
        &r#"{"account":"acct_0","at":"AT","id":"event_1","org":"ORG","roles":["auditor"],"type":"console_account_created"}"#
            .replace("acct_0", &format!("acct_{zeros}")),
    );
    check(
        &Event::PrivacySignalReceived { pseudonym: Pseudonym::from_bytes([0; 16]) },
        &r#"{"at":"AT","id":"event_1","org":"ORG","pseudonym":"psn_0","type":"privacy_signal_received"}"#
            .replace("psn_0", &format!("psn_{zeros}")),
    );
    check(
        &Event::ConsentChanged(ConsentChanged {
            pseudonym: fiducia_policy::Pseudonym::from_bytes([0; 16]),
            purpose: fiducia_policy::ConsentPurpose::BatchTraining,
            state: fiducia_policy::ConsentState::Given,
            kind: fiducia_policy::ConsentKind::Explicit,
            channel: fiducia_policy::ConsentChannel::Settings,
            notice: Some(Digest([7; 32])),
            receipt: Digest([7; 32]),
            actor: None,
        }),
        &r#"{"at":"AT","channel":"settings","id":"event_1","kind":"explicit","notice":"HEX","org":"ORG","pseudonym":"psn_0","purpose":"batch-training","receipt":"HEX","state":"given","type":"consent_changed"}"#
            .replace("psn_0", &format!("psn_{zeros}"))
            .replace("HEX", &hex),
    );
    check(
        &Event::ComplianceKeyCreated {
            key: ComplianceKeyId::from_bytes([0; 16]),
            reach: "organization".to_owned(),
            scopes: vec!["read:compliance_activities".to_owned()],
            actor: PersonId::from_bytes([0; 16]),
        },
        &r#"{"actor":"person_0","at":"AT","id":"event_1","key":"apikey_0","org":"ORG","reach":"organization","scopes":["read:compliance_activities"],"type":"compliance_key_created"}"#
            .replace("person_0", &format!("person_{zeros}"))
            .replace("apikey_0", &format!("apikey_{zeros}")),
    );
    check(
        &Event::ComplianceKeyDeleted { key: ComplianceKeyId::from_bytes([0; 16]), actor: PersonId::from_bytes([0; 16]) },
        &r#"{"actor":"person_0","at":"AT","id":"event_1","key":"apikey_0","org":"ORG","type":"compliance_key_deleted"}"#
            .replace("person_0", &format!("person_{zeros}"))
            .replace("apikey_0", &format!("apikey_{zeros}")),
    );
    check(
        &Event::WebhookChanged {
            webhook: fiducia_policy::WebhookId::from_bytes([0; 16]),
            what: "disabled".to_owned(),
            reason: Some("gone".to_owned()),
            actor: None,
        },
        &r#"{"at":"AT","id":"event_1","org":"ORG","reason":"gone","type":"webhook_changed","webhook":"webhook_0","what":"disabled"}"#
            .replace("webhook_0", &format!("webhook_{zeros}")),
    );
    check(
        &Event::SafetyWindowClosed { day: "2026-10-22".parse().unwrap() },
        r#"{"at":"AT","day":"2026-10-22","id":"event_1","org":"ORG","type":"safety_window_closed"}"#,
    );
    check(
        &Event::WarningGiven {
            pseudonym: Pseudonym::from_bytes([0; 16]),
            conversations: 3,
            first_ends_at: "2026-11-28T05:00:00Z".parse().unwrap(),
            by: "mail".to_owned(),
        },
        &r#"{"at":"AT","by":"mail","conversations":3,"first_ends_at":"2026-11-28T05:00:00.000000Z","id":"event_1","org":"ORG","pseudonym":"psn_0","type":"warning_given"}"#
            .replace("psn_0", &format!("psn_{zeros}")),
    );
}

fn parse(json: &str) -> Result<LoggedLeaf, crate::LedgerError> {
    let mut entry = vec![0x80];
    let json = json.replace("ORG", ORGANIZATION).replace("AT", "2026-11-21T04:15:23.000001Z");
    entry.extend_from_slice(json.as_bytes());
    LoggedLeaf::parse(&entry)
}

#[test]
fn an_unknown_event_is_kept_whole_but_cannot_be_appended() {
    let read = parse(r#"{"at":"AT","id":"e","novel":[1],"org":"ORG","type":"from_the_future"}"#).unwrap();
    let Event::Unknown { kind, raw } = &read.leaf.event else { panic!("{read:?}") };
    assert_eq!(kind, "from_the_future");
    assert!(raw.contains(r#""novel":[1]"#));
    assert!(read.leaf.to_entry(read.organization).is_err());
}

#[test]
fn anything_but_the_canonical_spelling_is_refused() {
    for json in [
        "",
        "[]",
        r#"{"at":"AT","id":"e","org":"ORG"}"#,
        r#"{"at":"AT","id":"e","org":"ORG","type":"organization_created"} "#,
        r#"{"at": "AT","id":"e","org":"ORG","type":"organization_created"}"#,
        r#"{"id":"e","at":"AT","org":"ORG","type":"organization_created"}"#,
        r#"{"at":"AT","id":"e","id":"e","org":"ORG","type":"organization_created"}"#,
        r#"{"at":"AT","extra":1,"id":"e","org":"ORG","type":"organization_created"}"#,
        r#"{"at":"2026-11-21T04:15:23Z","id":"e","org":"ORG","type":"organization_created"}"#,
        r#"{"at":"AT","id":"has space","org":"ORG","type":"organization_created"}"#,
        r#"{"at":"AT","id":"e","org":"01010101-0101-0101-0101-010101010101","type":"organization_created"}"#,
    ] {
        assert!(parse(json).is_err(), "{json}");
    }
    assert!(LoggedLeaf::parse(b"").is_err());
    assert!(LoggedLeaf::parse(b"\x01{}").is_err(), "no event of the public form");
    assert!(LoggedLeaf::parse(b"\x02{}").is_err(), "another version byte");
}

#[test]
fn a_sessions_steps_and_looks_have_exactly_one_spelling() {
    use fiducia_policy::{AccessEnd, AccessNeeds, AccessSessionId, Sight};

    use crate::session::{AccessSessionStep, AccessWithdrawal, LookTerms, SessionStep};

    let zeros = "00000000-0000-0000-0000-000000000000";
    let named = |json: &str| {
        json.replace("person_0", &format!("person_{zeros}")).replace("access_0", &format!("access_{zeros}"))
    };
    let session = AccessSessionId::from_bytes([0; 16]);
    check(
        &Event::AccessSession(AccessSessionStep {
            session,
            step: SessionStep::Ended,
            actor: PersonId::from_bytes([0; 16]),
            reason: AccessReason::SafetyReview,
            ticket: Some("CASE-7".to_owned()),
            ground: GroundKind::Violation,
            needs: AccessNeeds::TwoOthers,
            seconds: 40,
            looks: 2,
            records: 7,
            end: Some(AccessEnd::Reader),
            alert: None,
            policies: Vec::new(),
            remark: None,
        }),
        &named(
            r#"{"actor":"person_0","at":"AT","end":"reader","ground":"violation","id":"event_1","looks":2,"needs":"two-others","org":"ORG","reason":"safety_review","records":7,"seconds":40,"session":"access_0","step":"ended","ticket":"CASE-7","type":"access_session"}"#,
        ),
    );
    check(
        &Event::RecordAccess(RecordAccess {
            actor: PersonId::from_bytes([0; 16]),
            reason: AccessReason::SafetyReview,
            ticket: None,
            records: Vec::new(),
            ground: GroundKind::Violation,
            expires_at: "2026-11-21T05:00:00Z".parse().unwrap(),
            look: Some(LookTerms {
                session: Some(session),
                sight: Sight::Blurred,
                policies: vec!["a".to_owned()],
            }),
        }),
        &named(
            r#"{"actor":"person_0","at":"AT","expires_at":"2026-11-21T05:00:00.000000Z","ground":"violation","id":"event_1","look":{"policies":["a"],"session":"access_0","sight":"blurred"},"org":"ORG","reason":"safety_review","records":[],"type":"record_access"}"#,
        ),
    );
    check(
        &Event::AccessSession(AccessSessionStep {
            session,
            step: SessionStep::Denied,
            actor: PersonId::from_bytes([0; 16]),
            reason: AccessReason::CustomerSupport,
            ticket: Some("T-7".to_owned()),
            ground: GroundKind::Service,
            needs: AccessNeeds::CustomerApproval,
            seconds: 900,
            looks: 0,
            records: 0,
            end: None,
            alert: None,
            policies: vec!["a".to_owned()],
            remark: Some(Digest([7; 32])),
        }),
        &named(
            r#"{"actor":"person_0","at":"AT","ground":"service","id":"event_1","looks":0,"needs":"customer-approval","org":"ORG","policies":["a"],"reason":"customer_support","records":0,"remark":"HEX","seconds":900,"session":"access_0","step":"denied","ticket":"T-7","type":"access_session"}"#,
        )
        .replace("HEX", &"07".repeat(32)),
    );
    check(
        &Event::AccessRequestWithdrawn(AccessWithdrawal {
            session,
            actor: PersonId::from_bytes([0; 16]),
            reason: AccessReason::CustomerSupport,
            ticket: "T-7".to_owned(),
            ground: GroundKind::Service,
            needs: AccessNeeds::CustomerApproval,
        }),
        &named(
            r#"{"actor":"person_0","at":"AT","ground":"service","id":"event_1","needs":"customer-approval","org":"ORG","reason":"customer_support","session":"access_0","ticket":"T-7","type":"access_request_withdrawn"}"#,
        ),
    );
    check(
        &Event::LockboxChanged { enabled: true, actor: PersonId::from_bytes([0; 16]) },
        &named(
            r#"{"actor":"person_0","at":"AT","enabled":true,"id":"event_1","org":"ORG","type":"lockbox_changed"}"#,
        ),
    );
    check(
        &Event::AccessPolicyChanged { policy: Digest([7; 32]) },
        &r#"{"at":"AT","id":"event_1","org":"ORG","policy":"HEX","type":"access_policy_changed"}"#
            .replace("HEX", &"07".repeat(32)),
    );
}

#[test]
fn limits_on_texts_counts_and_entries_hold() {
    let organization = OrganizationId::from_bytes([1; 16]);
    let encode = |event| leaf(event).to_entry(organization);
    assert!(encode(Event::LogOpened { origin: "x".repeat(TEXT_BYTES_MAX) }).is_ok());
    assert!(encode(Event::LogOpened { origin: "x".repeat(TEXT_BYTES_MAX + 1) }).is_err());
    assert!(encode(Event::ImportFinished { count: COUNT_MAX, digest: Digest([0; 32]) }).is_ok());
    assert!(encode(Event::ImportFinished { count: COUNT_MAX + 1, digest: Digest([0; 32]) }).is_err());
    let kinds = vec!["x".repeat(TEXT_BYTES_MAX); 300];
    let huge = Event::KeysDestroyed {
        keys: 1,
        kinds,
        reason: String::new(),
        conversations: 0,
        records: 0,
        actor: None,
        pseudonym: None,
        certificate: None,
    };
    assert!(matches!(encode(huge), Err(crate::LedgerError::EntryTooLarge { .. })));
}
