//! What staff reach: as far as their roles permit, in their own organisation.

use fiducia_policy::Role;
use serde_json::{Value, json};

use super::{Stand, Token, yes};

/// The shop's ids that requests of this file are about.
struct Ids {
    person: String,
    choice: String,
    campaign: String,
    request: String,
    webhook: String,
}

fn prepared(stand: &Stand) -> Ids {
    let (ada, admin) = (stand.person("ada"), stand.staff("tenant-admin"));
    let text = |value: &Value| value["id"].as_str().unwrap().to_owned();
    let choice = text(&stand.post(&ada, "/consents/choices", &yes()).is(201).json());
    let request = text(&stand.post(&ada, "/requests", &json!({"kind": "access"})).is(201).json());
    let person = text(&stand.get(&admin, "/people").is(200).json()["items"][0]);
    let campaign = json!({
        "purpose": "batch-training", "version": 1, "deadline": "2027-01-31T00:00:00Z",
        "reminders": ["14 days"], "quiet_regions": ["US-CA"], "reason": "policy 1",
    });
    let campaign = text(&stand.post(&admin, "/campaigns", &campaign).is(201).json());
    let webhook = json!({"url": "https://siem.example.org/in", "description": "siem", "types": ["user_*"]});
    let webhook = text(&stand.post(&admin, "/webhooks", &webhook).is(201).json()["webhook"]);
    Ids { person, choice, campaign, request, webhook }
}

/// Each thing staff read, and the roles that may.
fn reads(ids: &Ids) -> Vec<(String, &'static [Role])> {
    use Role::{Auditor, Legal, Partner, Research, Support, TenantAdmin};
    vec![
        ("/people".to_owned(), &[TenantAdmin, Legal, Support]),
        (format!("/people/{}", ids.person), &[TenantAdmin, Legal, Support]),
        (format!("/people/{}/consents", ids.person), &[TenantAdmin, Legal, Support]),
        (format!("/people/{}/consents/choices", ids.person), &[TenantAdmin, Legal]),
        (format!("/consents/choices/{}/receipt?as=staff", ids.choice), &[TenantAdmin, Legal]),
        ("/campaigns".to_owned(), &[TenantAdmin, Legal, Auditor, Research, Partner]),
        (format!("/campaigns/{}", ids.campaign), &[TenantAdmin, Legal, Auditor, Research, Partner]),
        ("/requests?as=staff".to_owned(), &[TenantAdmin, Legal, Support, Auditor]),
        (format!("/requests/{}?as=staff", ids.request), &[TenantAdmin, Legal, Support, Auditor]),
        ("/certificates?as=staff".to_owned(), &[TenantAdmin, Legal, Auditor]),
        ("/webhooks".to_owned(), &[TenantAdmin]),
        (format!("/webhooks/{}", ids.webhook), &[TenantAdmin]),
        (format!("/webhooks/{}/deliveries", ids.webhook), &[TenantAdmin]),
    ]
}

/// Each thing staff change, and the roles that may.
fn writes(ids: &Ids) -> Vec<(String, Value, &'static [Role])> {
    use Role::{Legal, Support, TenantAdmin};
    const DECIDING: &[Role] = &[TenantAdmin, Legal];
    const SERVING: &[Role] = &[TenantAdmin, Legal, Support];
    const GOVERNING: &[Role] = &[TenantAdmin];
    let webhook = |act: &str| format!("/webhooks/{}/{act}", ids.webhook);
    let refuse = json!({"purpose": "research", "act": "refuse"});
    vec![
        (
            "/webhooks".to_owned(),
            json!({"url": "https://siem.example.org/", "description": "two"}),
            GOVERNING,
        ),
        (webhook("rotation"), json!({"overlap_hours": 1}), GOVERNING),
        (webhook("tests"), json!({}), GOVERNING),
        (webhook("redeliveries"), json!({}), GOVERNING),
        (webhook("discards"), json!({}), GOVERNING),
        (format!("/people/{}/consents/choices", ids.person), refuse, DECIDING),
        ("/consents/imports".to_owned(), json!([]), DECIDING),
        (format!("/campaigns/{}/reminders", ids.campaign), json!({}), DECIDING),
        (format!("/people/{}/requests", ids.person), json!({"request": {"kind": "complaint"}}), SERVING),
        (format!("/requests/{}/steps", ids.request), json!({"step": "begin"}), SERVING),
        (
            format!("/requests/{}/steps", ids.request),
            json!({"step": "refuse", "reason": "excessive"}),
            DECIDING,
        ),
    ]
}

#[test]
fn every_role_reaches_what_is_its_own_and_nothing_else() {
    let stand = Stand::new();
    let ids = prepared(&stand);
    for role in Role::ALL.into_iter().filter(|role| *role != Role::Person) {
        let account = stand.account(stand.shop, &format!("matrix-{role}@shop.example"), role.name(), None);
        let token = stand.token_of(&account, "read write");
        for (path, may) in reads(&ids) {
            let answer = stand.get(&token, &path);
            assert_eq!(answer.status == 403, !may.contains(&role), "{role} {path}: {}", answer.text());
            assert!(answer.status == 403 || answer.status == 200, "{role} {path}: {}", answer.text());
        }
        for (path, body, may) in writes(&ids) {
            let answer = stand.post(&token, &path, &body);
            assert_eq!(answer.status == 403, !may.contains(&role), "{role} {path}: {}", answer.text());
            if answer.status == 403 {
                assert_eq!(answer.problem(), "forbidden");
            }
        }
        for path in ["/consents", "/conversations", "/privacy-signal"] {
            assert_eq!(stand.get(&token, path).is(403).problem(), "no-person", "{role} {path}");
        }
    }
    let ada: Token = stand.person("ben");
    for (path, _) in reads(&ids) {
        let answer = stand.get(&ada, &path);
        assert_eq!((answer.status, answer.problem().as_str()), (403, "no-staff"), "{path}");
    }
}

#[test]
fn what_is_another_organisations_does_not_exist() {
    let stand = Stand::new();
    let ids = prepared(&stand);
    let elsewhere = stand.organization("elsewhere");
    let account = stand.account(elsewhere, "root@elsewhere.example", "tenant-admin legal", None);
    let token = stand.token_of(&account, "read write act-for-people");
    for (path, _) in reads(&ids) {
        let answer = stand.get(&token, &path);
        let names_one = path.contains('_');
        assert_eq!(answer.status, if names_one { 404 } else { 200 }, "{path}: {}", answer.text());
        if !names_one {
            assert_eq!(answer.json()["items"], json!([]), "{path}");
        }
    }
    for (path, body, _) in writes(&ids).into_iter().filter(|(path, ..)| path.contains('_')) {
        assert_eq!(stand.post(&token, &path, &body).is(404).problem(), "not-found", "{path}");
    }
    stand.post(&token, &format!("/campaigns/{}/closing", ids.campaign), &json!({})).is(404);
    // The same name is another person there.
    let bearer = token.bearer();
    let headers = [("authorization", bearer.as_str()), ("fiducia-subject", "ada")];
    stand.call("GET", "/consents", &headers, "").is(404);
    let receipt = format!("/consents/choices/{}/receipt", ids.choice);
    stand.call("GET", &receipt, &headers, "").is(404);
}

#[test]
fn a_campaign_asks_shows_how_it_stands_and_is_closed_once() {
    let stand = Stand::new();
    let ids = prepared(&stand);
    let legal = stand.staff("legal");
    let path = format!("/campaigns/{}", ids.campaign);
    let shown = stand.get(&legal, &path).is(200);
    let tag = shown.header("etag").unwrap().to_owned();
    assert_eq!(shown.json()["reminders"], json!(["14 days"]));
    stand.post(&legal, &format!("{path}/reminders"), &json!({"limit": 10})).is(200);
    stand.post_with(&legal, &format!("{path}/closing"), &[("if-match", "\"old\"")], &json!({})).is(412);
    let closed = stand.post_with(&legal, &format!("{path}/closing"), &[("if-match", &tag)], &json!({}));
    assert!(closed.is(200).json()["closed_at"].is_string());
    let bad =
        json!({"purpose": "batch-training", "version": 1, "deadline": "2001-01-01T00:00:00Z", "reason": "x"});
    assert!((400..500).contains(&stand.post(&legal, "/campaigns", &bad).status));
    let list = stand.get(&legal, "/campaigns?limit=1").is(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[test]
fn whoever_is_both_acts_as_a_person_and_as_staff_when_asked() {
    let stand = Stand::new();
    let account = stand.account(stand.shop, "both@shop.example", "person legal", Some("both"));
    let token = stand.token_of(&account, "read write");
    let ada = stand.person("ada");
    stand.post(&ada, "/requests", &json!({"kind": "access"})).is(201);
    assert_eq!(stand.get(&token, "/requests").is(200).json()["items"], json!([]));
    assert_eq!(stand.get(&token, "/requests?as=staff").is(200).json()["items"].as_array().unwrap().len(), 1);
    stand.get(&token, "/requests?as=root").is(400);
    // A step depends on what staff see, which is another side of the request than the person's.
    let path =
        format!("/requests/{}", stand.get(&ada, "/requests").json()["items"][0]["id"].as_str().unwrap());
    let tag = stand.get(&token, &format!("{path}?as=staff")).is(200).header("etag").unwrap().to_owned();
    let step = || {
        stand.post_with(&token, &format!("{path}/steps"), &[("if-match", &tag)], &json!({"step": "begin"}))
    };
    step().is(200);
    step().is(412);
}

#[test]
fn a_webhook_is_added_disabled_enabled_and_deleted_and_its_secret_is_shown_once() {
    let stand = Stand::new();
    let admin = stand.staff("tenant-admin");
    let new = json!({"url": "https://siem.example.org/in", "description": "siem"});
    // Its answer holds a secret, which is not kept to be given again.
    stand.post_with(&admin, "/webhooks", &[("idempotency-key", "one")], &new).is(400);
    let made = stand.post(&admin, "/webhooks", &new).is(201);
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    let path = format!("/webhooks/{}", made.json()["webhook"]["id"].as_str().unwrap());
    assert!(made.header("location").unwrap().ends_with(&path));
    let shown = stand.get(&admin, &path).is(200);
    assert!(secret.starts_with("whsec_") && !shown.text().contains(&secret), "{}", shown.text());
    let tag = shown.header("etag").unwrap().to_owned();
    let rotated =
        stand.post_with(&admin, &format!("{path}/rotation"), &[("if-match", &tag)], &json!({})).is(200);
    assert_ne!(rotated.json()["secret"], secret.as_str());
    stand.post_with(&admin, &format!("{path}/disabling"), &[("if-match", &tag)], &json!({})).is(412);
    assert_eq!(
        stand.post(&admin, &format!("{path}/disabling"), &json!({})).is(200).json()["disabled_because"],
        "asked"
    );
    stand.post(&admin, &format!("{path}/disabling"), &json!({})).is(409);
    stand.post(&admin, &format!("{path}/tests"), &json!({})).is(409);
    let enabled = stand.post(&admin, &format!("{path}/enabling"), &json!({"skip": true})).is(200).json();
    assert_eq!(enabled["disabled_at"], json!(null));
    let queued = stand.post(&admin, &format!("{path}/tests"), &json!({})).is(200).json();
    let list = stand.get(&admin, &format!("{path}/deliveries?limit=1")).is(200).json();
    assert_eq!(
        (&list["items"][0]["id"], &list["items"][0]["state"]),
        (&queued["delivery"], &"waiting".into())
    );
    for wrong in ["http://siem.example.org/", "ftp://x", "https://a:b@c/", "https://"] {
        stand.post(&admin, "/webhooks", &json!({"url": wrong, "description": "x"})).is(400);
    }
    stand
        .post(&admin, "/webhooks", &json!({"url": "https://x/", "description": "x", "types": ["A-Z"]}))
        .is(400);
    assert!(!stand.app.holds(&secret), "the secret lies somewhere readable");
    stand.post(&admin, &format!("{path}/deletion"), &json!({})).is(200);
    stand.get(&admin, &path).is(404);
}
