//! The activity feed: what is in it, who sees it, how it is walked.

use std::collections::BTreeSet;

use fiducia_custody::ComplianceReach;
use fiducia_policy::ComplianceScope;
use fiducia_wire::compliance::{Activity, CursorPage};

use super::{Api, check_refusal};

fn page(api: &Api, query: &str) -> CursorPage<Activity> {
    page_with(api, &api.key.secret, query)
}

fn page_with(api: &Api, secret: &str, query: &str) -> CursorPage<Activity> {
    api.app.custody.settle_feed();
    let answer = api.get_with(secret, &format!("/activities{query}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

fn kinds(page: &CursorPage<Activity>) -> Vec<&str> {
    page.data.iter().map(|activity| activity.kind.as_str()).collect()
}

#[test]
fn the_feed_tells_what_the_ledger_has_and_who_read_the_feed() {
    let api = Api::start();
    let first = page(&api, "?order=asc");
    let mut told = kinds(&first);
    assert_eq!(told.pop(), Some("api_key_created"));
    told.sort_unstable();
    assert_eq!(told, ["platform_api_key_created", "platform_organization_created"]);
    assert!(!first.has_more);
    let made = &first.data[2];
    let organization = api.app.organization;
    assert_eq!(made.organization_id.as_deref(), Some(organization.to_string().as_str()));
    assert_eq!(made.organization_uuid, Some(organization.uuid()));
    assert_eq!(made.details["api_key_id"], api.key.key.id.to_string());
    assert_eq!(made.details["ledger_index"], 2);
    let actor = serde_json::to_value(&made.actor).unwrap();
    assert_eq!(actor["type"], "user_actor");
    assert!(actor["user_id"].as_str().unwrap().starts_with("user_"), "{actor}");
    // The second page was entered before it was answered; the first finds itself in it.
    let calls = page(&api, "?activity_types[]=compliance_api_accessed&order=asc");
    let call = serde_json::to_value(&calls.data[0]).unwrap();
    assert_eq!(
        (&call["organization_id"], &call["organization_uuid"], &call["request_body"], &call["status_code"]),
        (&serde_json::Value::Null, &serde_json::Value::Null, &serde_json::Value::Null, &200.into())
    );
    assert_eq!((&call["url"], &call["request_method"]), (&"/v1/compliance/activities".into(), &"GET".into()));
    assert_eq!(call["actor"]["type"], "api_actor");
    assert_eq!(call["actor"]["api_key_id"], api.key.key.id.to_string());
    assert_eq!(call["actor"]["ip_address"], "127.0.0.1");
    assert!(call["request_id"].as_str().unwrap().starts_with("req_"));
}

#[test]
fn refused_calls_of_a_known_key_are_in_the_feed_without_what_they_named() {
    let api = Api::start();
    let narrow = api.make_key(
        ComplianceReach::Organization(api.app.organization),
        &[ComplianceScope::ReadOrganizationData],
    );
    let refused = check_refusal(&api.get_with(&narrow.secret, "/activities"), 403, "permission_error");
    assert_eq!(
        refused,
        "Missing required scopes. Got: ['read:compliance_org_data'] Needed: ['read:compliance_activities']"
    );
    api.app.clock.advance(1);
    check_refusal(&api.get("/activities?activity_types[]=anna"), 400, "invalid_request_error");
    api.app.clock.advance(1);
    check_refusal(&api.get("/people/anna@example.org"), 404, "not_found_error");
    let calls = page(&api, "?activity_types[]=compliance_api_accessed&order=asc");
    let told: Vec<_> = calls
        .data
        .iter()
        .map(|call| (call.details["status_code"].clone(), call.details["url"].clone()))
        .collect();
    assert_eq!(
        told,
        [
            (403.into(), "/v1/compliance/activities".into()),
            (400.into(), "/v1/compliance/activities".into()),
            (404.into(), "(no such path)".into()),
        ]
    );
}

#[test]
fn organisations_see_their_own_and_the_installation_sees_all() {
    let api = Api::start();
    let other = api.make_organization("other");
    let theirs = api.make_key(ComplianceReach::Organization(other), &ComplianceScope::ALL);
    let all = api.make_key(ComplianceReach::Installation, &ComplianceScope::ALL);
    let own: BTreeSet<String> = page(&api, "").data.into_iter().map(|row| row.id).collect();
    let foreign: BTreeSet<String> =
        page_with(&api, &theirs.secret, "").data.into_iter().map(|row| row.id).collect();
    let everything: BTreeSet<String> =
        page_with(&api, &all.secret, "").data.into_iter().map(|row| row.id).collect();
    assert!(own.is_disjoint(&foreign) && everything.is_superset(&own) && everything.is_superset(&foreign));
    let named = page_with(&api, &all.secret, &format!("?organization_ids[]={}", other.uuid()));
    assert!(named.data.iter().all(|row| foreign.contains(&row.id) || row.kind == "compliance_api_accessed"));
    // An organisation that is not within reach is answered as one that is not there.
    let unknown = "org_01999999-9999-7999-8999-999999999999".to_owned();
    let texts = [other.to_string(), unknown].map(|id| {
        let answer = api.get(&format!("/activities?organization_ids[]={id}"));
        check_refusal(&answer, 404, "not_found_error")
    });
    assert_eq!(texts[0], texts[1]);
    // Nor does a cursor lead there.
    let cursor = page_with(&api, &theirs.secret, "?limit=1").last_id.unwrap();
    check_refusal(&api.get(&format!("/activities?after_id={cursor}")), 400, "invalid_request_error");
    check_refusal(
        &api.get_with(&all.secret, &format!("/activities?before_id={cursor}")),
        400,
        "invalid_request_error",
    );
}

#[test]
fn a_walk_meets_every_row_once_in_both_orders_and_directions() {
    let api = Api::start();
    for number in 0..7 {
        api.app.clock.advance(number % 2);
        api.app.create_key(&[fiducia_custody::Scope::Inference]);
    }
    let filter = "exclude_activity_types[]=compliance_api_accessed";
    for order in ["asc", "desc"] {
        let whole = page(&api, &format!("?order={order}&{filter}"));
        let (mut walked, mut cursor) = (Vec::new(), String::new());
        loop {
            let step = page(&api, &format!("?order={order}&{filter}&limit=3{cursor}"));
            walked.extend(step.data.clone());
            cursor = format!("&after_id={}", step.last_id.clone().unwrap());
            if !step.has_more {
                break;
            }
        }
        assert_eq!(walked, whole.data, "{order}");
        let (mut back, mut cursor) = (Vec::new(), format!("&before_id={}", whole.last_id.unwrap()));
        loop {
            let step = page(&api, &format!("?order={order}&{filter}&limit=3{cursor}"));
            back.splice(0..0, step.data.clone());
            if !step.has_more {
                break;
            }
            cursor = format!("&before_id={}", step.first_id.unwrap());
        }
        assert_eq!(back, whole.data[..whole.data.len() - 1], "{order}");
    }
}

#[test]
fn what_is_not_acceptable_is_refused_and_said_by_name() {
    let api = Api::start();
    let cursor = page(&api, "?limit=1").last_id.unwrap();
    let mut forged = cursor.clone().into_bytes();
    forged[30] = if forged[30] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    for (query, named) in [
        ("limit=0", "limit"),
        ("limit=5001", "limit"),
        ("limit=1e3", "limit"),
        ("order=up", "order"),
        ("created_at.gte=2026-11-01", "created_at.gte"),
        ("created_at.lt=2026-11-01T00:00:00", "created_at.lt"),
        ("created_at=2026-11-01T00:00:00Z", "created_at"),
        ("activity_types[]=Anthropic_access", "activity_types[]"),
        (
            "activity_types[]=anthropic_access&exclude_activity_types[]=cmek_preserve",
            "exclude_activity_types[]",
        ),
        ("actor_ids[]=person_1", "actor_ids[]"),
        ("actor_ids[]=user_nobody", "actor_ids[]"),
        ("organization_ids[]=acme", "organization_ids[]"),
        ("after_id=activity_1", "after_id"),
        ("page=1", "page"),
        (&format!("after_id={forged}"), "after_id"),
        (&format!("after_id={cursor}&before_id={cursor}"), "before_id"),
    ] {
        let text = check_refusal(&api.get(&format!("/activities?{query}")), 400, "invalid_request_error");
        assert!(text.contains(named), "{query}: {text}");
    }
    for query in [
        "limit=5000",
        "activity_types[]=anthropic_access&activity_types[]=cmek_preserve",
        "user_ids[]=user_01999999-9999-7999-8999-999999999999",
    ] {
        assert_eq!(api.get(&format!("/activities?{query}")).status, 200, "{query}");
    }
    check_refusal(
        &api.send("POST", "/activities", &[("x-api-key", &api.key.secret)]),
        405,
        "invalid_request_error",
    );
}

#[test]
fn people_are_found_by_their_ids_and_times_by_their_bounds() {
    let api = Api::start();
    let made = &page(&api, "?activity_types[]=api_key_created").data[0];
    let actor = serde_json::to_value(&made.actor).unwrap();
    let user = actor["user_id"].as_str().unwrap();
    for parameter in ["actor_ids", "user_ids"] {
        let found = page(&api, &format!("?{parameter}[]={user}"));
        assert_eq!(kinds(&found), ["api_key_created"]);
    }
    let at = &made.created_at;
    let count = |query: &str| page(&api, &format!("?activity_types[]=api_key_created&{query}")).data.len();
    assert_eq!(count(&format!("created_at.gte={at}&created_at.lte={at}")), 1);
    assert_eq!((count(&format!("created_at.gt={at}")), count(&format!("created_at.lt={at}"))), (0, 0));
}
