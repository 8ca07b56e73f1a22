//! People's requests by the API: made, followed, worked on, and handed over.

use serde_json::{Value, json};

use super::{Stand, Token};

/// A key that nobody needs to hold here.
const RECIPIENT: &str = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

fn open(stand: &Stand, token: &Token, kind: &str) -> String {
    let made = stand.post(token, "/requests", &json!({ "kind": kind })).is(201);
    made.header("location").unwrap().strip_prefix("/api/v1").unwrap().to_owned()
}

fn step(stand: &Stand, token: &Token, path: &str, step: &Value) -> crate::client::Answer {
    stand.post(token, &format!("{path}/steps"), step)
}

#[test]
fn a_request_goes_its_way_and_both_sides_see_what_is_theirs_to_see() {
    let stand = Stand::new();
    let (ada, legal) = (stand.person("ada"), stand.staff("legal"));
    let path = open(&stand, &ada, "access");
    step(&stand, &legal, &path, &json!({"step": "confirm", "note": "called back"})).is(200);
    step(&stand, &legal, &path, &json!({"step": "begin"})).is(200);
    let refused =
        step(&stand, &legal, &path, &json!({"step": "lift", "told_at": "2026-09-21T00:00:00Z"})).is(409);
    assert_eq!(refused.problem(), "conflict");
    step(&stand, &legal, &path, &json!({"step": "sell"})).is(400);
    let own = stand.get(&ada, &path).is(200).json();
    assert_eq!(own["request"]["state"], "in-progress");
    assert!(!own.to_string().contains("called back") && own["steps"][0]["by"].is_null(), "{own}");
    let theirs = stand.get(&legal, &path).is(200).json();
    assert!(theirs.to_string().contains("called back") && theirs["steps"][0]["by"].is_string(), "{theirs}");
    let queue = stand.get(&legal, "/requests").is(200).json();
    assert_eq!(queue["items"].as_array().unwrap().len(), 1);
    stand.post(&ada, &format!("{path}/withdrawal"), &json!({})).is(200);
    assert_eq!(stand.get(&legal, "/requests").json()["items"], json!([]));
    assert_eq!(stand.get(&ada, "/requests?closed=true").json()["items"].as_array().unwrap().len(), 1);
}

#[test]
fn a_submission_that_comes_twice_makes_one_request() {
    let stand = Stand::new();
    let ada = stand.person("ada");
    let send = || {
        let key = [("idempotency-key", "form-1")];
        stand.post_with(&ada, "/requests", &key, &json!({"kind": "erasure"})).is(201).json()["id"].clone()
    };
    assert_eq!(send(), send());
    // A day later the answer is forgotten, and the request is recognised all the same.
    let first = send();
    stand.app.clock.advance(86_401);
    assert_eq!(send(), first);
    assert_eq!(stand.get(&ada, "/requests").json()["items"].as_array().unwrap().len(), 1);
    // Without a key each is a request of its own.
    open(&stand, &ada, "access");
    open(&stand, &ada, "access");
    assert_eq!(stand.get(&ada, "/requests?limit=2").json()["items"].as_array().unwrap().len(), 2);
}

#[test]
fn an_agent_without_a_mandate_is_refused() {
    let stand = Stand::new();
    let (_ada, legal) = (stand.person("ada"), stand.staff("legal"));
    let people = stand.get(&legal, "/people").is(200).json();
    let path = format!("/people/{}/requests", people["items"][0]["id"].as_str().unwrap());
    let send = |mandate: Value| {
        let agent = json!({"name": "Law firm", "mandate": mandate});
        stand.post(&legal, &path, &json!({"request": {"kind": "access"}, "agent": agent}))
    };
    let mandate = |covers: Value, until: Value| {
        let evidence = "ab".repeat(32);
        json!({"evidence_sha256": evidence, "covers": covers, "from": "2026-01-01T00:00:00Z", "until": until})
    };
    for (given, name) in [
        (Value::Null, "none"),
        (mandate(json!(["erasure"]), Value::Null), "for something else"),
        (mandate(json!(["access"]), json!("2026-02-01T00:00:00Z")), "ended"),
    ] {
        assert_eq!(send(given).is(409).problem(), "conflict", "{name}");
    }
    let made = send(mandate(json!(["access"]), Value::Null)).is(201).json();
    assert_eq!((&made["by_agent"], &made["is_identified"]), (&true.into(), &false.into()));
}

#[test]
fn a_copy_is_made_sealed_and_fetched_in_parts() {
    let stand = Stand::new();
    let (ada, legal) = (stand.person("ada"), stand.staff("legal"));
    for number in 0..5 {
        stand.conversation("ada", &format!("{number} {}", "what only ada knows ".repeat(9_000)));
    }
    let path = open(&stand, &ada, "access");
    step(&stand, &legal, &path, &json!({"step": "begin"})).is(200);
    let unsealed = stand.post(&legal, &format!("{path}/files"), &json!({"recipients": []}));
    assert!((400..500).contains(&unsealed.status), "a file for nobody lies in the data directory");
    let made =
        stand.post(&legal, &format!("{path}/files"), &json!({"recipients": [RECIPIENT]})).is(200).json();
    assert_eq!((&made["items"][0]["volume"], &made["items"][0]["is_here"]), (&1.into(), &true.into()));
    let file = format!("{path}/files/1");
    let bearer = ada.bearer();
    let ask = |more: &[(&str, &str)]| {
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend_from_slice(more);
        stand.call("GET", &file, &headers, "")
    };
    let whole = ask(&[]).is(200);
    assert!(whole.body.len() > 1_000 && whole.whole, "{}", whole.body.len());
    assert!(whole.body.starts_with(b"age-encryption.org/v1"), "it is not sealed");
    assert!(whole.header("content-disposition").unwrap().starts_with("attachment; filename="));
    let part = ask(&[("range", "bytes=100-299")]).is(206);
    assert_eq!(part.body, whole.body[100..300]);
    assert_eq!(part.header("content-range").unwrap(), format!("bytes 100-299/{}", whole.body.len()));
    let rest = ask(&[("range", "bytes=300-"), ("if-range", whole.header("etag").unwrap())]).is(206);
    assert_eq!(rest.body, whole.body[300..]);
    assert_eq!(
        ask(&[("range", "bytes=300-"), ("if-range", "\"other\"")]).is(200).body.len(),
        whole.body.len()
    );
    assert_eq!(ask(&[("range", "bytes=99999999-")]).is(416).problem(), "range");
    assert_eq!(ask(&[("if-none-match", whole.header("etag").unwrap())]).is(304).body.len(), 0);
    stand.get(&stand.person("ben"), &file).is(404);
    stand.get(&ada, &format!("{path}/files/2")).is(404);
    assert_eq!(
        stand.get(&legal, &file).is(403).problem(),
        "no-person",
        "staff hand it over, they do not fetch it"
    );
}
