//! An application that speaks for many people.

use fiducia_custody::AccountCommand;
use serde_json::{Value, json};

use super::{Stand, Token, yes};
use crate::client::Answer;

fn speaking(stand: &Stand, token: &Token, method: &str, path: &str, person: &str, body: &Value) -> Answer {
    let bearer = token.bearer();
    let headers = [("authorization", bearer.as_str()), ("fiducia-subject", person)];
    let body = if method == "GET" { String::new() } else { body.to_string() };
    stand.call(method, path, &headers, &body)
}

#[test]
fn an_application_signs_people_up_and_says_that_it_did() {
    let stand = Stand::new();
    let shop = stand.application();
    let nothing = json!({});
    // Reading makes nobody known; choosing does.
    speaking(&stand, &shop, "GET", "/consents", "ada", &nothing).is(404);
    let mut sign_up = yes();
    sign_up["channel"] = "sign-up".into();
    let made = speaking(&stand, &shop, "POST", "/consents/choices", "ada", &sign_up).is(201).json();
    let history = speaking(&stand, &shop, "GET", "/consents/choices", "ada", &nothing).is(200).json();
    assert_eq!(history["items"][0]["channel"], "sign-up");
    assert_eq!(history["items"][0]["entity"], format!("subject by {}", shop.id));
    let receipt = format!("/consents/choices/{}/receipt", made["id"].as_str().unwrap());
    let shown = speaking(&stand, &shop, "GET", &receipt, "ada", &nothing).is(200).json();
    assert!(shown["file"].as_str().unwrap().contains(&format!("subject by {}", shop.id)));
    // The person who signs in sees the same.
    let ada = stand.person("ada");
    assert_eq!(stand.get(&ada, "/consents/choices").json()["items"], history["items"]);
    // Another person of the same application is another person.
    speaking(&stand, &shop, "POST", "/consents/choices", "ben", &yes()).is(201);
    speaking(&stand, &shop, "GET", &receipt, "ben", &nothing).is(404);
}

#[test]
fn the_same_key_for_two_people_is_two_requests() {
    let stand = Stand::new();
    let shop = stand.application();
    let bearer = shop.bearer();
    let send = |person: &str| {
        let headers =
            [("authorization", bearer.as_str()), ("fiducia-subject", person), ("idempotency-key", "1")];
        stand.call("POST", "/consents/choices", &headers, &yes().to_string()).is(201).json()
    };
    let (ada, ben) = (send("ada"), send("ben"));
    assert_ne!(ada["id"], ben["id"]);
    assert_eq!(send("ada")["id"], ada["id"]);
}

#[test]
fn an_application_reaches_choices_and_requests_and_no_conversation() {
    let stand = Stand::new();
    let shop = stand.application();
    stand.conversation("ada", "what only ada knows");
    let nothing = json!({});
    for path in ["/conversations", "/people", "/account/tokens", "/campaigns"] {
        let answer = speaking(&stand, &shop, "GET", path, "ada", &nothing).is(403);
        assert_eq!(answer.problem(), "not-for-people", "{path}");
    }
    // A list that is for applications too, in a role that is not theirs.
    let staff = speaking(&stand, &shop, "GET", "/certificates", "ada", &nothing).is(403);
    assert_eq!(staff.problem(), "forbidden");
    for name in ["", "two words", &"x".repeat(129)] {
        let answer = speaking(&stand, &shop, "GET", "/consents", name, &nothing);
        assert!(answer.status == 400 || answer.status == 404, "{name}: {answer:?}");
    }
    let opened =
        speaking(&stand, &shop, "POST", "/requests", "ada", &json!({"kind": "access"})).is(201).json();
    assert_eq!(opened["is_identified"], false, "an application's word is no proof of who asks");
    let path = format!("/requests/{}", opened["id"].as_str().unwrap());
    speaking(&stand, &shop, "GET", &path, "ada", &nothing).is(200);
    speaking(&stand, &shop, "GET", &path, "ben", &nothing).is(404);
    speaking(&stand, &shop, "POST", &format!("{path}/withdrawal"), "ben", &nothing).is(404);
    let withdrawn =
        speaking(&stand, &shop, "POST", &format!("{path}/withdrawal"), "ada", &nothing).is(200).json();
    assert_eq!(withdrawn["request"]["state"], "withdrawn");
}

#[test]
fn the_permission_ends_with_the_role_that_it_rests_on() {
    let stand = Stand::new();
    let account = stand.account(stand.shop, "settings@shop.example", "tenant-admin", None);
    let shop = stand.token_of(&account, "read write act-for-people");
    speaking(&stand, &shop, "POST", "/consents/choices", "ada", &yes()).is(201);
    let roles = "support".parse().unwrap();
    stand.administer(AccountCommand::SetRoles { account: account.id, roles });
    let answer = speaking(&stand, &shop, "GET", "/consents", "ada", &json!({})).is(403);
    assert_eq!(answer.problem(), "permission");
}

#[test]
fn the_privacy_signal_is_passed_on_and_takes_every_yes_back() {
    let stand = Stand::new();
    let shop = stand.application();
    speaking(&stand, &shop, "POST", "/consents/choices", "ada", &yes()).is(201);
    let before = speaking(&stand, &shop, "GET", "/privacy-signal", "ada", &json!({})).is(200).json();
    assert_eq!(before["is_honoured"], false);
    let after = speaking(&stand, &shop, "POST", "/privacy-signal", "ada", &json!({})).is(200).json();
    assert_eq!(after["is_honoured"], true);
    let standings = speaking(&stand, &shop, "GET", "/consents", "ada", &json!({})).json();
    assert!(standings["items"].as_array().unwrap().iter().all(|row| row["permits"] == false), "{standings}");
    // As a header on any other request, for somebody else.
    speaking(&stand, &shop, "POST", "/consents/choices", "ben", &yes()).is(201);
    let bearer = shop.bearer();
    let headers = [("authorization", bearer.as_str()), ("fiducia-subject", "ben"), ("sec-gpc", "1")];
    let standings = stand.call("GET", "/consents", &headers, "").is(200).json();
    assert!(standings["items"].as_array().unwrap().iter().all(|row| row["permits"] == false), "{standings}");
    // A yes that comes with the signal is a later word.
    let made = stand.call("POST", "/consents/choices", &headers, &yes().to_string()).is(201).json();
    assert_eq!(made["state"], "given");
}

#[test]
fn what_is_refused_makes_nobody_known() {
    let stand = Stand::new();
    let (shop, admin) = (stand.application(), stand.staff("tenant-admin"));
    let known = || stand.get(&admin, "/people").is(200).json()["items"].as_array().unwrap().len();
    let before = known();
    let ghost = "/requests/request_00000000-0000-0000-0000-000000000000/withdrawal";
    speaking(&stand, &shop, "POST", ghost, "ghost-1", &json!({})).is(404);
    let without_notice = json!({"purpose": "batch-training", "act": "give"});
    assert!(speaking(&stand, &shop, "POST", "/consents/choices", "ghost-2", &without_notice).status >= 400);
    let bearer = shop.bearer();
    let headers = [("authorization", bearer.as_str()), ("fiducia-subject", "ghost-3"), ("sec-gpc", "1")];
    stand.call("POST", "/consents/choices", &headers, "{").is(400);
    assert_eq!(known(), before);
}

#[test]
fn a_token_that_may_only_read_takes_no_yes_back() {
    let stand = Stand::new();
    let shop = stand.application();
    speaking(&stand, &shop, "POST", "/consents/choices", "ada", &yes()).is(201);
    let account = stand.account(stand.shop, "reader@shop.example", "tenant-admin", None);
    let reader = stand.token_of(&account, "read act-for-people").bearer();
    let headers = [("authorization", reader.as_str()), ("fiducia-subject", "ada"), ("sec-gpc", "1")];
    let read = stand.call("GET", "/consents", &headers, "").is(200).json();
    let of = |read: &Value| {
        let rows = read["items"].as_array().unwrap().clone();
        rows.into_iter().find(|row| row["purpose"] == "batch-training").unwrap()["permits"].clone()
    };
    assert_eq!(of(&read), json!(true), "{read}");
    let bearer = shop.bearer();
    let headers = [("authorization", bearer.as_str()), ("fiducia-subject", "ada"), ("sec-gpc", "1")];
    let read = stand.call("GET", "/requests", &headers, "").is(200);
    drop(read);
    let after = speaking(&stand, &shop, "GET", "/consents", "ada", &json!({})).is(200).json();
    assert_eq!(of(&after), json!(false), "the signal counts on every list of the person's: {after}");
}

#[test]
fn a_kept_answer_goes_with_the_person_it_was_about() {
    let stand = Stand::new();
    let shop = stand.application();
    let bearer = shop.bearer();
    let headers =
        [("authorization", bearer.as_str()), ("fiducia-subject", "ada"), ("idempotency-key", "once")];
    let send =
        || stand.call("POST", "/requests", &headers, &json!({"kind": "complaint"}).to_string()).is(201);
    let first = send();
    assert_eq!(send().header("idempotency-replayed"), Some("true"));
    let admin = stand.staff("tenant-admin");
    let person = stand.get(&admin, "/people").json()["items"][0]["id"].as_str().unwrap().to_owned();
    let erase = fiducia_custody::AdminCommand::Destroy {
        scope: fiducia_custody::DestructionScope::Subject(person.parse().unwrap()),
        actor: "tester".to_owned(),
    };
    stand.app.custody.administer(erase).unwrap();
    let again = send();
    assert_eq!(again.header("idempotency-replayed"), None, "who was erased is somebody new");
    assert_ne!(again.json()["id"], first.json()["id"]);
}
