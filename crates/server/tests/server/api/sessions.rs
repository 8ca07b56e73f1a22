//! Sessions of reading: asked for, agreed to, looked in and ended by programs, as far as roles permit.

use serde_json::json;

use super::Stand;

const SECRET: &str = "what only support was shown";

#[test]
fn support_looks_at_what_an_administrator_agreed_to_and_at_nothing_else() {
    let stand = Stand::new();
    let (ada, admin, support) = (stand.person("ada"), stand.staff("tenant-admin"), stand.staff("support"));
    let research = stand.staff("research");
    let ids = || -> Vec<String> {
        let listed = stand.get(&ada, "/conversations").is(200).json();
        listed["items"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    // One after the other: conversations of one instant are in no order that says which is which.
    stand.conversation("ada", SECRET);
    let mine = ids().remove(0);
    stand.conversation("ada", "another matter");
    let other = ids().into_iter().find(|id| *id != mine).unwrap();
    let wanted = json!({
        "scope": {"conversation": mine}, "reason": "customer_support", "ticket": "T-17", "seconds": 600,
    });
    assert_eq!(stand.post(&research, "/access/sessions", &wanted).is(403).problem(), "forbidden");
    for bad in [
        json!({"scope": {"conversation": mine}, "reason": "curiosity", "ticket": "T-17"}),
        json!({"scope": {"conversation": mine}, "reason": "customer_support", "ticket": "a person's name"}),
        json!({"scope": {"conversation": mine}, "reason": "customer_support", "ticket": "T-17", "seconds": 1}),
        json!({"scope": {"everything": true}, "reason": "customer_support", "ticket": "T-17"}),
    ] {
        stand.post(&support, "/access/sessions", &bad).is(400);
    }
    let made = stand.post(&support, "/access/sessions", &wanted).is(201).json();
    assert_eq!((&made["state"], &made["needs"]), (&json!("asked"), &json!("customer-approval")));
    let path = format!("/access/sessions/{}", made["id"].as_str().unwrap());
    let content = format!("{path}/content");
    stand.get(&support, &content).is(409);
    let steps = format!("{path}/steps");
    let approve = json!({"step": "approve"});
    stand.post(&support, &steps, &approve).is(403);
    assert_eq!(stand.get(&admin, "/access/notices").is(200).json()["items"][0]["kind"], "approval-asked");
    assert_eq!(stand.post(&admin, &steps, &approve).is(200).json()["state"], "open");
    let shown = stand.get(&support, &content).is(200);
    assert!(shown.text().contains(SECRET));
    assert!(shown.json()["ledger_index"].is_u64());
    stand.get(&admin, &content).is(403);
    stand.get(&support, &format!("{content}?conversation={other}")).is(403);
    let blurred = stand.get(&support, &format!("{content}?sight=blurred")).is(200);
    assert!(!blurred.text().contains(SECRET) && blurred.text().contains("xxxx xxxx xxxxxxx xxx xxxxx"));
    let detail = stand.get(&support, &path).is(200).json();
    assert_eq!((&detail["session"]["looks"], &detail["conversations"]), (&json!(2), &json!([mine])));
    assert_eq!(stand.post(&support, &steps, &json!({"step": "end"})).is(200).json()["end"], "reader");
    stand.get(&support, &content).is(409);
    assert_eq!(detail["remarks"], json!([]), "nothing was said");
    // The person is told, by the same entries.
    let looks = stand.get(&ada, "/accesses").is(200).json();
    let tickets: Vec<_> =
        looks["items"].as_array().unwrap().iter().map(|row| row["ticket"].clone()).collect();
    assert_eq!(tickets, [json!("T-17"), json!("T-17")]);
    let own = stand.get(&support, "/access/sessions").is(200).json();
    assert_eq!(own["items"].as_array().unwrap().len(), 1);
    assert_eq!(stand.get(&research, "/access/sessions").is(200).json()["items"], json!([]));
}

#[test]
fn a_no_says_why_and_what_waits_is_taken_back() {
    let stand = Stand::new();
    let (ada, admin, support) = (stand.person("ada"), stand.staff("tenant-admin"), stand.staff("support"));
    stand.conversation("ada", SECRET);
    let listed = stand.get(&ada, "/conversations").is(200).json();
    let wanted = json!({
        "scope": {"conversation": listed["items"][0]["id"]}, "reason": "customer_support", "ticket": "T-17", "seconds": 600,
    });
    let ask = || {
        let made = stand.post(&support, "/access/sessions", &wanted).is(201).json();
        format!("/access/sessions/{}", made["id"].as_str().unwrap())
    };
    let refused = ask();
    let steps = format!("{refused}/steps");
    let too_long = "x".repeat(501);
    for bad in [
        json!({"step": "deny"}),
        json!({"step": "deny", "remark": " "}),
        json!({"step": "deny", "remark": too_long}),
        json!({"step": "review", "justified": true}),
        json!({"step": "withdraw", "remark": "why"}),
    ] {
        stand.post(&admin, &steps, &bad).is(400);
    }
    let no = json!({"step": "deny", "remark": "Ada has solved it"});
    assert_eq!(stand.post(&admin, &steps, &no).is(200).json()["state"], "denied");
    let said = stand.get(&support, &refused).is(200).json()["remarks"].clone();
    assert_eq!((&said[0]["answer"], &said[0]["text"]), (&json!("denied"), &json!("Ada has solved it")));
    assert_eq!(said[0]["salt"].as_str().unwrap().len(), 32);
    let taken_back = ask();
    let steps = format!("{taken_back}/steps");
    stand.post(&admin, &steps, &json!({"step": "withdraw"})).is(409);
    assert_eq!(
        stand.post(&support, &steps, &json!({"step": "withdraw"})).is(200).json()["state"],
        "withdrawn"
    );
    stand.post(&admin, &steps, &json!({"step": "approve", "remark": "fine"})).is(409);
    let detail = stand.get(&support, &taken_back).is(200).json();
    assert_eq!(detail["remarks"], json!([]), "what was refused left nothing behind");
}

#[test]
fn a_lockbox_is_an_administrators_to_close_and_open() {
    let stand = Stand::new();
    let (admin, legal) = (stand.staff("tenant-admin"), stand.staff("legal"));
    assert_eq!(stand.get(&legal, "/access/lockbox").is(200).json()["enabled"], false);
    stand.post(&legal, "/access/lockbox", &json!({"enabled": true})).is(403);
    assert_eq!(
        stand.post(&admin, "/access/lockbox", &json!({"enabled": true})).is(200).json()["enabled"],
        true
    );
    assert_eq!(stand.get(&legal, "/access/lockbox").is(200).json()["enabled"], true);
}

/// By command the same look takes a token that may change something; and it does: the log.
#[test]
fn a_token_that_only_reads_opens_nothing_of_others() {
    let stand = Stand::new();
    let (ada, admin) = (stand.person("ada"), stand.staff("tenant-admin"));
    stand.conversation("ada", SECRET);
    let listed = stand.get(&ada, "/conversations").is(200).json();
    let mine = listed["items"][0]["id"].clone();
    let account = stand.account(stand.shop, "support@shop.example", "support", None);
    let (full, reads) = (stand.token_of(&account, "read write"), stand.token_of(&account, "read"));
    let wanted = json!({"scope": {"conversation": mine}, "reason": "customer_support", "ticket": "T-17"});
    let made = stand.post(&full, "/access/sessions", &wanted).is(201).json();
    let path = format!("/access/sessions/{}", made["id"].as_str().unwrap());
    stand.post(&admin, &format!("{path}/steps"), &json!({"step": "approve"})).is(200);
    let content = format!("{path}/content");
    let refused = stand.get(&reads, &content).is(403);
    assert_eq!(refused.problem(), "permission");
    assert!(refused.text().contains("write") && !refused.text().contains(SECRET));
    assert_eq!(stand.get(&ada, "/accesses").is(200).json()["items"], json!([]), "nothing was opened");
    assert_eq!(stand.get(&reads, &path).is(200).json()["session"]["looks"], 0);
    assert!(stand.get(&full, &content).is(200).text().contains(SECRET));
}
