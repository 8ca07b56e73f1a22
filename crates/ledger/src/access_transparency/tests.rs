//! The published vectors, what is refused, and the algebra of writing and reading.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::hash::{leaf_hash, node_hash};

const A: &str = r#"{"accessed_at":"2026-11-02T09:00:00.120Z","accessor_department":"Sécurité \"A\"\n","actor":{"email_address":null,"type":"anthropic_actor"},"created_at":"2026-11-02T10:15:30.000450Z","id":"activity_01TestVectorAlpha0000001","organization_id":"org_01TestOrg000000000000001","organization_uuid":"11111111-2222-4333-8444-555555555555","reason_code":"incident_response","resource_details":{"id":"msg_01TestMessage0001","parent":null,"type":"message"},"type":"anthropic_access","workspace_id":null}"#;
const B: &str = r#"{"accessed_at":null,"accessor_department":null,"actor":{"email_address":null,"type":"anthropic_actor"},"created_at":"2026-11-03T00:00:00Z","id":"activity_01TestVectorBeta00000002","organization_id":"org_01TestOrg000000000000001","organization_uuid":"11111111-2222-4333-8444-555555555555","reason_code":"csae_report","resource_details":null,"type":"cmek_preserve","workspace_id":""}"#;

/// A feed's row in another order, with members that no leaf holds.
fn check(served: &str, expect_json: &str, bytes: usize, hash: &str) {
    let read = AccessTransparencyEvent::from_served(served.as_bytes()).unwrap();
    let entry = read.event.to_entry().unwrap();
    assert_eq!(std::str::from_utf8(&entry[1..]).unwrap(), expect_json);
    assert_eq!((entry[0], entry.len()), (1, bytes));
    assert_eq!(STANDARD.encode(leaf_hash(&entry)), hash);
    assert_eq!(AccessTransparencyEvent::from_entry(&entry).unwrap(), read.event);
    assert_eq!(read.leaf_index, Some(17));
}

#[test]
fn the_vectors_give_their_bytes_hashes_and_root() {
    let served = r#"{"type":"anthropic_access","workspace_uuid":"x","transparency_log_leaf_index":17,
        "id":"activity_01TestVectorAlpha0000001","created_at":"2026-11-02T10:15:30.000450Z","accessed_at":"2026-11-02T09:00:00.120Z",
        "actor":{"type":"anthropic_actor","email_address":"a@example.com"},"accessor_department":"S\u00e9curit\u00e9 \"A\"\u000a",
        "reason_code":"incident_response","resource_details":{"type":"message","id":"msg_01TestMessage0001","parent":"p"},
        "organization_id":"org_01TestOrg000000000000001","organization_uuid":"11111111-2222-4333-8444-555555555555"}"#;
    check(served, A, 495, "MACN/e9++FN1yGyukkwMCNl1e8wtQ2upAMIKvlAVTKQ=");
    let served = B.replace(r#""workspace_id""#, r#""transparency_log_leaf_index":17,"workspace_id""#);
    check(&served, B, 382, "wZtoKgTxiHu0JD9Yb/mrT3pUTWe4DCw+o3EVpzUhSQg=");
    let [a, b] = [A, B].map(|json| leaf_hash(&[&[1], json.as_bytes()].concat()));
    assert_eq!(STANDARD.encode(node_hash(&a, &b)), "Dh0EAYU7iBeKbWiBgFdjnIPtYesPd0zPvVP52QlEqAQ=");
}

/// The worked example of the public page.
#[test]
fn the_worked_example_of_the_documentation_gives_its_hash() {
    let served = r#"{
      "id": "activity_01GPXmAhizavrUuoXNn3tzeA", "type": "anthropic_access",
      "created_at": "2025-07-08T18:40:00Z", "accessed_at": "2025-07-08T18:39:58Z",
      "organization_id": "org_015gtSHLz269eTwgrH8NX5yk", "organization_uuid": "25f6429a-3293-49bf-afed-cb312911554b",
      "workspace_id": "wrkspc_01PaGUP2rbg1XDh7Z9W1CEpd", "workspace_uuid": "b6ce2143-1083-d4a7-247c-17530f55a076",
      "accessor_department": "Trust & Safety", "reason_code": "safety_review",
      "actor": {"type": "anthropic_actor", "email_address": null},
      "resource_details": {"type": "message", "id": "msg_01HXAMPLE12345678"}, "transparency_log_leaf_index": 17
    }"#;
    let read = AccessTransparencyEvent::from_served(served.as_bytes()).unwrap();
    let hash = STANDARD.encode(leaf_hash(&read.event.to_entry().unwrap()));
    assert_eq!(hash, "6ro7vTcFq+sYDZiiGvZaFetUIoMSLig3DGDrCKK1HFU=");
}

#[test]
fn absent_and_null_are_one_and_strings_are_written_as_the_canonical_form_asks() {
    for served in [
        r#"{"type":"cmek_preserve"}"#,
        r#"{"type":"cmek_preserve","id":null,"actor":null,"resource_details":null,"transparency_log_leaf_index":null}"#,
    ] {
        let read = AccessTransparencyEvent::from_served(served.as_bytes()).unwrap();
        let entry = read.event.to_entry().unwrap();
        let expect = r#"{"accessed_at":null,"accessor_department":null,"actor":null,"created_at":null,"id":null,"organization_id":null,"organization_uuid":null,"reason_code":null,"resource_details":null,"type":"cmek_preserve","workspace_id":null}"#;
        assert_eq!(std::str::from_utf8(&entry[1..]).unwrap(), expect);
        assert_eq!(read.leaf_index, None);
    }
    let served = "{\"type\":\"anthropic_access\",\"accessor_department\":\"q\\\" bs\\\\ nl\\n tab\\t bel\\u0007 vt\\u000B ls\\u2028 <>& \\u00e9 sl\\/ \\u007f\"}";
    let entry = AccessTransparencyEvent::from_served(served.as_bytes()).unwrap().event.to_entry().unwrap();
    let text = String::from_utf8(entry).unwrap();
    let expect = "\"q\\\" bs\\\\ nl\\n tab\\t bel\\u0007 vt\\u000b ls\u{2028} <>& \u{e9} sl/ \u{7f}\"";
    assert!(text.contains(expect), "{text}");
}

#[test]
fn what_two_readers_could_understand_differently_is_refused() {
    for served in [
        r#"[{"type":"anthropic_access"}]"#,
        r#"{"id":"activity_x"}"#,
        r#"{"type":7}"#,
        r#"{"type":"anthropic_access","reason_code":3}"#,
        r#"{"type":"anthropic_access","actor":"anthropic_actor"}"#,
        r#"{"type":"anthropic_access","resource_details":{"id":1}}"#,
        r#"{"type":"anthropic_access","transparency_log_leaf_index":-1}"#,
        r#"{"type":"anthropic_access","transparency_log_leaf_index":1.5}"#,
        r#"{"type":"anthropic_access","transparency_log_leaf_index":1e3}"#,
        r#"{"type":"anthropic_access","transparency_log_leaf_index":"3"}"#,
        r#"{"type":"anthropic_access","transparency_log_leaf_index":9223372036854775808}"#,
        r#"{"type":"anthropic_access"} x"#,
        r#"{"type":"anthropic_access","reason_code":"a","reason_code":"b"}"#,
        "{\"type\":\"anthropic_access\",\"id\":\"activity_a\",\"\\u0069d\":\"activity_b\"}",
        r#"{"type":"anthropic_access","actor":{"type":"a","type":"b"}}"#,
        r#"{"type":"anthropic_access","resource_details":{"id":"a","id":"b"}}"#,
        "{\"type\":\"anthropic_access\",\"reason_code\":\"\\ud800ab\"}",
        "{\"type\":\"anthropic_access\",\"reason_code\":\"\\udc00\"}",
        r#"{"type":"anthropic_access","Reason_Code":"csae_report"}"#,
        r#"{"type":"anthropic_access","rea\u017fon_code":"csae_report"}"#,
        r#"{"type":"anthropic_access","actor":{"Type":"anthropic_actor"}}"#,
        r#"{"type":"anthropic_access","resource_details":{"ID":"msg_1"}}"#,
        r#"{"type":"anthropic_access","Transparency_Log_Leaf_Index":3}"#,
        r#"{"type":"anthropic_access_v2"}"#,
    ] {
        let read = AccessTransparencyEvent::from_served(served.as_bytes());
        assert!(matches!(read, Err(NotServed::Refused { .. })), "{served}: {read:?}");
    }
    let broken = b"{\"type\":\"anthropic_access\",\"reason_code\":\"\xff\"}";
    assert!(matches!(AccessTransparencyEvent::from_served(broken), Err(NotServed::Refused { .. })));
}

#[test]
fn rows_of_other_kinds_are_passed_over_and_look_alikes_are_not() {
    for other in ["user_login", "api_key_created", "workspace_created"] {
        let read = AccessTransparencyEvent::from_served(format!(r#"{{"type":"{other}","id":7}}"#).as_bytes());
        assert_eq!(read, Err(NotServed::OtherType { kind: other.to_owned() }));
    }
    for claim in [
        "anthropic_access",
        "cmek_preserve",
        "Anthropic_Access",
        "anthropic-access",
        "anthropic access",
        "anthropic_acces",
        "anthropic_acce\u{17f}s",
        "anthropic_access_v2",
        "",
    ] {
        assert!(AccessTransparencyKind::is_claimed_by(claim), "{claim}");
    }
}

#[test]
fn entries_with_other_members_orders_or_spaces_are_refused() {
    let good = [&[1], A.as_bytes()].concat();
    AccessTransparencyEvent::from_entry(&good).unwrap();
    for bad in [
        [&[0x80], A.as_bytes()].concat(),
        [&[2], A.as_bytes()].concat(),
        Vec::new(),
        [&[1], A.replace(",\"id\"", ", \"id\"").as_bytes()].concat(),
        [&[1], A.replace("\"workspace_id\":null", "\"workspace_id\":null,\"x\":null").as_bytes()].concat(),
        [&[1], A.replace(",\"workspace_id\":null", "").as_bytes()].concat(),
        [&[1], A.replace("\"email_address\":null", "\"email_address\":\"a\"").as_bytes()].concat(),
        [&[1], A.replace("é", "\\u00e9").as_bytes()].concat(),
        [good.as_slice(), b" "].concat(),
    ] {
        assert!(AccessTransparencyEvent::from_entry(&bad).is_err(), "{}", String::from_utf8_lossy(&bad));
    }
}

#[test]
fn times_have_the_digits_that_the_format_asks_for() {
    for (at, recorded, accessed) in [
        ("2026-11-02T10:15:30Z", "2026-11-02T10:15:30Z", "2026-11-02T10:15:30Z"),
        ("2026-11-02T10:15:30.00045Z", "2026-11-02T10:15:30.000450Z", "2026-11-02T10:15:30.000450Z"),
        ("2026-11-02T09:00:00.12Z", "2026-11-02T09:00:00.120000Z", "2026-11-02T09:00:00.120Z"),
        ("2026-11-02T09:00:00.123456789Z", "2026-11-02T09:00:00.123456Z", "2026-11-02T09:00:00.123456789Z"),
        ("2026-11-02T09:00:00.000000999Z", "2026-11-02T09:00:00Z", "2026-11-02T09:00:00.000000999Z"),
        ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.500000Z", "1969-12-31T23:59:59.500Z"),
    ] {
        let at: Timestamp = at.parse().unwrap();
        assert_eq!((recorded_text(at).as_str(), accessed_text(at).as_str()), (recorded, accessed));
    }
}

fn scalar() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(any::<String>())
}

prop_compose! {
    fn event()(
        kind in proptest::sample::select(AccessTransparencyKind::ALL.to_vec()),
        (id, created_at, accessed_at, accessor_department, reason_code) in (scalar(), scalar(), scalar(), scalar(), scalar()),
        (organization_id, organization_uuid, workspace_id) in (scalar(), scalar(), scalar()),
        actor in proptest::option::of(scalar()),
        resource in proptest::option::of((scalar(), scalar())),
    ) -> AccessTransparencyEvent {
        AccessTransparencyEvent {
            kind, id, created_at, accessed_at, accessor_department, reason_code, organization_id, organization_uuid,
            workspace_id,
            actor: actor.map(|kind| EventActor { kind }),
            resource: resource.map(|(id, kind)| EventResource { id, kind }),
        }
    }
}

proptest! {
    /// Writing is injective, reading undoes it, and the canonical text is itself a served form of the event.
    #[test]
    fn entries_read_back_as_written(one in event(), other in event()) {
        let entry = one.to_entry().unwrap();
        prop_assert_eq!(&AccessTransparencyEvent::from_entry(&entry).unwrap(), &one);
        let served = AccessTransparencyEvent::from_served(&entry[1..]).unwrap();
        prop_assert_eq!(&served.event, &one);
        prop_assert_eq!(served.leaf_index, None);
        prop_assert_eq!(entry == other.to_entry().unwrap(), one == other);
        let carried = serde_json::to_string(&one).unwrap();
        prop_assert_eq!(&serde_json::from_str::<AccessTransparencyEvent>(&carried).unwrap(), &one);
    }

    /// Names in any order and with any white space give the same leaf.
    #[test]
    fn the_order_of_members_does_not_matter(one in event(), seed in any::<u64>()) {
        let entry = one.to_entry().unwrap();
        let serde_json::Value::Object(members) = serde_json::from_slice(&entry[1..]).unwrap() else { unreachable!() };
        let mut members: Vec<_> = members.into_iter().collect();
        members.sort_by_key(|(name, _)| name.bytes().fold(seed, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte))));
        let text: Vec<String> = members.iter().map(|(name, value)| format!(" \"{name}\" :\n{value}")).collect();
        let served = format!("{{{}, \"workspace_uuid\": null}}", text.join(","));
        prop_assert_eq!(AccessTransparencyEvent::from_served(served.as_bytes()).unwrap().event, one);
    }

    /// No byte string makes the readers panic, and what they accept is canonical.
    #[test]
    fn arbitrary_entries_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(event) = AccessTransparencyEvent::from_entry(&bytes) {
            prop_assert_eq!(event.to_entry().unwrap(), bytes.clone());
        }
        drop(AccessTransparencyEvent::from_served(&bytes));
    }
}
