//! What people do with what is theirs, and that nobody reaches what is another's.

use fiducia_custody::{AdminCommand, AdminReply, DestructionScope};
use fiducia_policy::AccessReason;
use serde_json::json;

use super::{Stand, yes};

#[test]
fn a_person_sees_why_something_is_kept_and_says_what_becomes_of_it() {
    let stand = Stand::new();
    let ada = stand.person("ada");
    for text in ["first words of ada", "second words of ada", "third words of ada"] {
        stand.conversation("ada", text);
    }
    let list = stand.get(&ada, "/conversations?limit=2").is(200);
    assert!(!list.text().contains("words of ada"), "a list holds what was said");
    let list = list.json();
    let next = list["next"].as_str().unwrap();
    let rest = stand.get(&ada, &format!("/conversations?limit=2&after={next}")).is(200).json();
    assert_eq!((list["items"].as_array().unwrap().len(), rest["items"].as_array().unwrap().len()), (2, 1));
    assert_eq!(rest["next"], json!(null));
    let path = format!("/conversations/{}", list["items"][0]["id"].as_str().unwrap());
    let records = stand.get(&ada, &format!("{path}/records")).is(200).json();
    assert!(!records["items"].as_array().unwrap().is_empty());
    let explained = stand.get(&ada, &format!("{path}/explanation")).is(200).json();
    assert!(explained["items"][0]["rules"].as_str().unwrap().contains("service"), "{explained}");
    let tag = stand.get(&ada, &path).is(200).header("etag").unwrap().to_owned();
    let wish = |wish: &str, more: &[(&str, &str)]| {
        stand.post_with(&ada, &format!("{path}/wishes"), more, &json!({"wish": wish}))
    };
    let deleted = wish("delete", &[("if-match", &tag)]).is(200).json();
    assert!(deleted["deleted_at"].is_string());
    wish("restore", &[("if-match", &tag)]).is(412);
    assert_eq!(stand.get(&ada, "/conversations").json()["items"].as_array().unwrap().len(), 2);
    assert_eq!(stand.get(&ada, "/conversations?deleted=true").json()["items"].as_array().unwrap().len(), 3);
    assert_eq!(wish("restore", &[]).is(200).json()["deleted_at"], json!(null));
    wish("sell", &[]).is(400);
}

#[test]
fn a_person_sees_who_looked_and_pages_through_it() {
    let stand = Stand::new();
    let (ada, ben) = (stand.person("ada"), stand.person("ben"));
    stand.conversation("ada", "what staff will look at");
    let conversation =
        stand.get(&ada, "/conversations").json()["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(stand.get(&ada, "/accesses").is(200).json()["items"], json!([]));
    for ticket in ["CASE-1", "CASE-2", "CASE-3"] {
        let look = AdminCommand::ShowRecords {
            target: DestructionScope::Conversation(conversation.parse().unwrap()),
            actor: "grace".to_owned(),
            reason: AccessReason::CustomerSupport,
            ticket: Some(ticket.to_owned()),
            ground: None,
            reveal: false,
        };
        assert!(matches!(stand.app.custody.administer(look).unwrap(), AdminReply::Content(_)));
    }
    let first = stand.get(&ada, "/accesses?limit=2").is(200).json();
    let tickets = |page: &serde_json::Value| -> Vec<String> {
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["ticket"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(tickets(&first), ["CASE-3", "CASE-2"], "newest first");
    let next = first["next"].as_str().unwrap();
    let rest = stand.get(&ada, &format!("/accesses?limit=2&after={next}")).is(200).json();
    assert_eq!((tickets(&rest), &rest["next"]), (vec!["CASE-1".to_owned()], &json!(null)));
    assert_eq!(rest["items"][0]["reason"], "customer_support");
    assert!(rest["items"][0]["staff"].as_str().unwrap().starts_with("person_"));
    assert_eq!(
        stand.get(&ben, "/accesses").is(200).json()["items"],
        json!([]),
        "nobody sees looks at another's"
    );
}

#[test]
fn what_is_another_persons_does_not_exist() {
    let stand = Stand::new();
    let (ada, ben) = (stand.person("ada"), stand.person("ben"));
    stand.conversation("ada", "what only ada knows");
    let conversation =
        stand.get(&ada, "/conversations").json()["items"][0]["id"].as_str().unwrap().to_owned();
    let choice = stand.post(&ada, "/consents/choices", &yes()).json()["id"].as_str().unwrap().to_owned();
    let request =
        stand.post(&ada, "/requests", &json!({"kind": "access"})).json()["id"].as_str().unwrap().to_owned();
    let paths = [
        format!("/conversations/{conversation}"),
        format!("/conversations/{conversation}/records"),
        format!("/conversations/{conversation}/explanation"),
        format!("/consents/choices/{choice}/receipt"),
        format!("/requests/{request}"),
        format!("/requests/{request}/files/1"),
        "/certificates/FC-2026-AAAA-AAAA-AAAA-AAAA".to_owned(),
    ];
    for path in &paths {
        let theirs = stand.get(&ben, path).is(404);
        assert_eq!(theirs.problem(), "not-found", "{path}");
        assert!(!theirs.text().contains("ada"), "{}", theirs.text());
    }
    let nothing = json!({"wish": "delete"});
    stand.post(&ben, &format!("/conversations/{conversation}/wishes"), &nothing).is(404);
    stand.post(&ben, &format!("/requests/{request}/withdrawal"), &json!({})).is(404);
    let about = json!({"kind": "correction", "statement": "mine", "conversation": conversation});
    stand.post(&ben, "/requests", &about).is(404);
    for path in ["/conversations", "/consents/choices", "/requests", "/certificates"] {
        assert_eq!(stand.get(&ben, path).is(200).json()["items"], json!([]), "{path}");
    }
    let kept = stand.get(&ada, &format!("/conversations/{conversation}")).is(200).json();
    assert_eq!(kept["deleted_at"], json!(null), "another's wish counted");
}

#[test]
fn notices_are_shown_compared_and_never_changed() {
    let stand = Stand::new();
    let (ada, admin) = (stand.person("ada"), stand.staff("tenant-admin"));
    let path = "/notices/batch-training/en";
    let first = stand.get(&ada, &format!("{path}/1")).is(200);
    assert!(first.header("etag").is_some());
    let source = super::NOTICE.replacen("version = 1", "version = 2", 1);
    let source = source.replacen("nothing", "everything", 1);
    let made = stand.post(&admin, "/notices", &json!({"source": source}));
    // An installation that asks people of one organisation lets its staff publish; else the command line does.
    if made.status == 201 {
        let changes = stand.get(&ada, &format!("{path}/2/changes?against=1")).is(200).json();
        let items = changes["items"].as_array().unwrap();
        assert!(items.iter().any(|row| row["change"] == "same"), "{changes}");
        let list = stand.get(&ada, "/notices?purpose=batch-training&limit=1").is(200).json();
        assert!(list["next"].is_string());
        let superseded = stand.get(&ada, &format!("{path}/1")).is(200).json();
        assert_eq!(superseded["superseded"], true);
    } else {
        panic!("{}", made.text());
    }
    stand.get(&ada, &format!("{path}/9")).is(404);
    stand.get(&ada, "/notices/advertising/en/1").is(404);
    stand.get(&ada, &format!("{path}/2/changes?against=9")).is(404);
    stand.post(&admin, "/notices", &json!({"source": "title = 1"})).is(400);
}

#[test]
fn what_was_destroyed_has_a_certificate_that_its_person_can_fetch() {
    let stand = Stand::new();
    let account = stand.account(stand.shop, "ada@example.org", "person", Some("ada"));
    let ada = stand.token_of(&account, "read");
    stand.conversation("ada", "what only ada knows");
    let id = stand.get(&ada, "/conversations").json()["items"][0]["id"].as_str().unwrap().to_owned();
    let scope = fiducia_custody::DestructionScope::Conversation(id.parse().unwrap());
    let destroy = fiducia_custody::AdminCommand::Destroy { scope, actor: "test".to_owned() };
    stand.app.custody.administer(destroy).unwrap();
    let list = stand.get(&ada, "/certificates").is(200).json();
    let reference = list["items"][0]["reference"].as_str().unwrap();
    let file = stand.get(&ada, &format!("/certificates/{reference}")).is(200).json();
    let keys: Vec<_> = file["verifier_keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key.as_str().unwrap().parse().unwrap())
        .collect();
    let verified = fiducia_custody::verify_certificate(file["file"].as_str().unwrap().as_bytes(), &keys);
    assert!(verified.is_ok(), "{verified:?}");
    let auditor = stand.staff("auditor");
    assert_eq!(stand.get(&auditor, "/certificates").is(200).json()["items"][0]["reference"], reference);
    stand.get(&auditor, &format!("/certificates/{reference}")).is(200);
    // What the safety window keeps is explained until it is over; then there is nothing left to explain.
    stand.get(&ada, &format!("/conversations/{id}/explanation")).is(200);
    stand.app.clock.advance(40 * 86_400);
    stand.app.custody.administer(fiducia_custody::AdminCommand::Sweep { limit: None }).unwrap();
    let ada = stand.token_of(&account, "read");
    let explained = stand.get(&ada, &format!("/conversations/{id}/explanation")).is(410);
    assert_eq!(explained.problem(), "destroyed");
}
