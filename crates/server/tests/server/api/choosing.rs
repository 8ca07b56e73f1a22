//! Choosing: what people say, what is kept of it, and that saying it twice enters it once.

use fiducia_custody::verify_receipt;
use serde_json::{Value, json};

use super::{Stand, no, yes};

/// Where somebody stands about training.
fn training(standings: &Value) -> &Value {
    standings["items"].as_array().unwrap().iter().find(|row| row["purpose"] == "batch-training").unwrap()
}

#[test]
fn a_person_chooses_sees_it_and_can_prove_it() {
    let stand = Stand::new();
    let ada = stand.person("ada");
    let before = stand.get(&ada, "/consents").is(200).json();
    assert_eq!(training(&before)["state"], "unknown");
    let made = stand.post(&ada, "/consents/choices", &yes()).is(201);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location").unwrap(), format!("/api/v1/consents/choices/{id}/receipt"));
    assert_eq!((&made.json()["state"], &made.json()["repeated"]), (&"given".into(), &false.into()));
    let after = stand.get(&ada, "/consents").is(200).json();
    assert_eq!((&training(&after)["permits"], &training(&after)["state"]), (&true.into(), &"given".into()));
    stand.post(&ada, "/consents/choices", &no()).is(201);
    let history = stand.get(&ada, "/consents/choices").is(200).json();
    let acts: Vec<&str> =
        history["items"].as_array().unwrap().iter().map(|row| row["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["withdraw", "give"]);
    assert_eq!(history["items"][0]["channel"], "api");
    assert!(history["items"][0]["entity"].as_str().unwrap().starts_with("subject by acct_"));
    let receipt = stand.get(&ada, &format!("/consents/choices/{id}/receipt")).is(200).json();
    let keys: Vec<_> = receipt["verifier_keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key.as_str().unwrap().parse().unwrap())
        .collect();
    let verified = verify_receipt(receipt["file"].as_str().unwrap().as_bytes(), &keys);
    assert!(verified.is_ok(), "{verified:?}");
}

#[test]
fn a_choice_that_does_not_count_says_why_and_changes_nothing() {
    let stand = Stand::new();
    let ada = stand.person("ada");
    let check = |body: Value, status: u16, kind: &str| {
        let answer = stand.post(&ada, "/consents/choices", &body).is(status);
        assert_eq!(answer.problem(), kind, "{body}");
    };
    check(json!({"purpose": "batch-training", "act": "give"}), 400, "invalid");
    check(json!({"purpose": "advertising", "act": "give"}), 400, "invalid");
    check(json!({"purpose": "batch-training"}), 400, "invalid");
    check(json!({"purpose": "batch-training", "act": "refuse", "subject": "ben"}), 400, "invalid");
    check(json!({"purpose": "batch-training", "act": "refuse", "channel": "admin"}), 400, "invalid");
    check(json!([]), 400, "invalid");
    let forged = json!({
        "purpose": "batch-training", "act": "give",
        "notice": {"language": "en", "version": 1, "hash": "00".repeat(32)},
    });
    let answer = stand.post(&ada, "/consents/choices", &forged);
    assert!(answer.status == 400 || answer.status == 409, "{answer:?}");
    let old = json!({"purpose": "batch-training", "act": "refuse", "at": "2001-01-01T00:00:00Z"});
    stand.post(&ada, "/consents/choices", &yes()).is(201);
    check(old, 409, "conflict");
    let history = stand.get(&ada, "/consents/choices").json();
    assert_eq!(history["items"].as_array().unwrap().len(), 1, "{history}");
}

#[test]
fn the_same_key_is_carried_out_once_and_answered_the_same() {
    let stand = Stand::new();
    let (ada, ben) = (stand.person("ada"), stand.person("ben"));
    let key = [("idempotency-key", "one")];
    let send = |token, body: &Value| stand.post_with(token, "/consents/choices", &key, body);
    let first = send(&ada, &yes()).is(201);
    assert_eq!(first.header("idempotency-replayed"), None);
    stand.post(&ada, "/consents/choices", &no()).is(201);
    let again = send(&ada, &yes()).is(201);
    assert_eq!((again.header("idempotency-replayed"), &again.body), (Some("true"), &first.body));
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(send(&ada, &no()).is(422).problem(), "idempotency-mismatch");
    let theirs = send(&ben, &yes()).is(201);
    assert_ne!(theirs.json()["id"], first.json()["id"], "another's key is another key");
    let history = stand.get(&ada, "/consents/choices").json();
    assert_eq!(history["items"].as_array().unwrap().len(), 2, "{history}");
    // A day later the answer is forgotten; that the choice was entered is not.
    stand.app.clock.advance(86_401);
    let late = send(&ada, &yes()).is(201);
    assert_eq!(late.header("idempotency-replayed"), None);
    assert_eq!((&late.json()["id"], &late.json()["repeated"]), (&first.json()["id"], &true.into()));
    assert_eq!(send(&ben, &no()).is(409).problem(), "conflict");
    for bad in ["", "two words", &"x".repeat(129)] {
        let answer = stand.post_with(&ada, "/consents/choices", &[("idempotency-key", bad)], &no()).is(400);
        assert_eq!(answer.problem(), "idempotency-key", "{bad:?}");
    }
}

#[test]
fn a_refused_request_is_tried_anew_under_its_key() {
    let stand = Stand::new();
    let ada = stand.person("ada");
    let key = [("idempotency-key", "one")];
    let wrong = json!({"purpose": "batch-training", "act": "give"});
    stand.post_with(&ada, "/consents/choices", &key, &wrong).is(400);
    stand.post_with(&ada, "/consents/choices", &key, &yes()).is(201);
}

#[test]
fn many_who_send_the_same_at_once_enter_it_once() {
    let stand = Stand::new();
    let ada = stand.person("ada");
    let answers: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (stand, ada) = (&stand, &ada);
                scope.spawn(move || {
                    let key = [("idempotency-key", "at-once")];
                    stand.post_with(ada, "/consents/choices", &key, &yes())
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let made: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(!made.is_empty());
    assert!(made.iter().all(|answer| answer.body == made[0].body), "one entry, one answer");
    for waiting in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!((waiting.status, waiting.problem().as_str()), (409, "in-progress"));
        assert_eq!(waiting.header("retry-after"), Some("1"));
    }
    let history = stand.get(&ada, "/consents/choices").json();
    assert_eq!(history["items"].as_array().unwrap().len(), 1, "{history}");
}

#[test]
fn a_batch_enters_each_choice_for_itself() {
    let stand = Stand::new();
    let admin = stand.staff("tenant-admin");
    let one = |person: &str, act: &str| {
        let notice = json!({"language": "en", "version": 1});
        json!({"person": person, "key": format!("{person}-{act}"),
            "choice": {"purpose": "batch-training", "act": act, "notice": notice}})
    };
    let batch = json!([one("ada", "give"), one("two words", "give"), one("ben", "refuse")]);
    let report = stand.post(&admin, "/consents/imports", &batch).is(200).json();
    assert_eq!((&report["entered"], &report["repeated"]), (&2.into(), &0.into()));
    assert_eq!(report["refused"][0]["place"], 1);
    assert_eq!(report["refused"][0]["type"], "urn:fiducia:problem:invalid");
    let lines = format!("{}\n{}\n", one("ada", "give"), one("cleo", "give"));
    let headers = [("authorization", admin.bearer()), ("content-type", "application/x-ndjson".to_owned())];
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let report = stand.call("POST", "/consents/imports", &headers, &lines).is(200).json();
    assert_eq!((&report["entered"], &report["repeated"]), (&1.into(), &1.into()));
    let broken = stand.call("POST", "/consents/imports", &headers, "{}\n1],[2\n").is(400);
    assert!(broken.json()["detail"].as_str().unwrap().contains("line 2"), "{}", broken.text());
    let many: Vec<Value> = (0..4_097).map(|number| one(&format!("p{number}"), "give")).collect();
    stand.post(&admin, "/consents/imports", &json!(many)).is(400);
    let ada = stand.person("ada");
    let history = stand.get(&ada, "/consents/choices").json();
    assert_eq!(history["items"].as_array().unwrap().len(), 1);
    assert_eq!(history["items"][0]["channel"], "admin");
}
