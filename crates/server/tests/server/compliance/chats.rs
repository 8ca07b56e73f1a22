//! Conversations as chats: lists, messages after an access entry, destruction.

use bytes::Bytes;
use fiducia_custody::{AnswerOutcome, CapturedAnswer, ExchangeOpening};
use fiducia_policy::ComplianceScope;
use fiducia_wire::{Role, Wire, fingerprint::text_fingerprint, outline};
use serde_json::{Value, json};

use super::{Api, ComplianceReach, check_refusal};

/// An exchange of the app's key, without the gateway before it.
pub(super) fn exchange(api: &Api, messages: &Value, answer: &str) {
    let said = json!({ "id": "msg_1", "type": "message", "role": "assistant", "content": [{ "type": "text", "text": answer }] });
    answered(api, messages, (200, &said), vec![text_fingerprint(&Role::Assistant, answer)]);
}

/// An exchange with whatever answer, and what is remembered of it.
pub(super) fn answered(
    api: &Api,
    messages: &Value,
    (status, answer): (u16, &Value),
    assistant_fingerprints: Vec<[u8; 32]>,
) {
    let body = json!({ "model": "scripted", "max_tokens": 10, "messages": messages }).to_string();
    let custody = &api.app.custody;
    let opening = ExchangeOpening {
        caller: custody.authenticate(&api.app.key).unwrap(),
        covered: false,
        wire: Wire::AnthropicMessages,
        received_at: custody.now(),
        outline: outline(Wire::AnthropicMessages, body.as_bytes()).unwrap(),
        body: Bytes::from(body),
        notices: Vec::new(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut open = custody.begin(opening).unwrap();
        open.request_durable().await.unwrap();
        let answer = CapturedAnswer {
            status,
            completed_at: custody.now(),
            outcome: AnswerOutcome::Complete,
            body: Bytes::from(answer.to_string()),
            assembled: false,
            answer_id: Some("msg_1".to_owned()),
            served_model: Some("scripted".to_owned()),
            assistant_fingerprints,
            notices: Vec::new(),
        };
        open.answered(answer).await.unwrap();
    });
}

pub(super) fn user(text: &str) -> Value {
    json!({ "role": "user", "content": text })
}

pub(super) fn get(api: &Api, path: &str) -> Value {
    let answer = api.get(path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

pub(super) fn texts(page: &Value) -> Vec<&str> {
    let messages = page["chat_messages"].as_array().unwrap();
    messages.iter().map(|message| message["content"][0]["text"].as_str().unwrap()).collect()
}

#[test]
fn a_chat_is_listed_read_with_an_entry_first_and_destroyed_once() {
    let api = Api::start();
    exchange(&api, &json!([user("first question")]), "first answer");
    api.app.clock.advance(5);
    let turns = json!([user("first question"), { "role": "assistant", "content": "first answer" }, user("second question")]);
    exchange(&api, &turns, "second answer");
    let list = get(&api, "/apps/chats");
    let chat = &list["data"][0];
    let id = chat["id"].as_str().unwrap();
    assert_eq!(
        (list["data"].as_array().unwrap().len(), &chat["name"], &chat["deleted_at"]),
        (1, &Value::Null, &Value::Null)
    );
    assert_eq!(chat["organization_uuid"], api.app.organization.uuid());
    let page = get(&api, &format!("/apps/chats/{id}/messages"));
    assert_eq!(texts(&page), ["first question", "first answer", "second question", "second answer"]);
    let roles: Vec<&Value> =
        page["chat_messages"].as_array().unwrap().iter().map(|message| &message["role"]).collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant"]);
    assert_eq!(
        (&page["id"], &page["model"], &page["has_more"]),
        (&json!(id), &json!("scripted"), &json!(false))
    );
    // The feed has the entry, with the key as the one who read; the entry names every record.
    api.app.custody.settle_feed();
    let read = get(&api, "/activities?activity_types[]=fiducia_record_access");
    let row = &read["data"][0];
    assert_eq!(
        (&row["reason"], row["records"].as_array().unwrap().len()),
        (&json!("organization_compliance"), 4)
    );
    // Both ways through the messages, in pages.
    for (order, expected) in [
        ("asc", ["first question", "first answer", "second question", "second answer"]),
        ("desc", ["second answer", "second question", "first answer", "first question"]),
    ] {
        let path = format!("/apps/chats/{id}/messages?order={order}&limit=3");
        let first = get(&api, &path);
        assert_eq!((texts(&first), &first["has_more"]), (expected[..3].to_vec(), &json!(true)));
        let rest = get(&api, &format!("{path}&after_id={}", first["last_id"].as_str().unwrap()));
        assert_eq!((texts(&rest), &rest["has_more"]), (expected[3..].to_vec(), &json!(false)));
        let back = get(&api, &format!("{path}&before_id={}", rest["first_id"].as_str().unwrap()));
        assert_eq!((texts(&back), &back["has_more"]), (expected[..3].to_vec(), &json!(false)));
    }
    let secret = api.key.secret.as_str();
    let deleted = api.send("DELETE", &format!("/apps/chats/{id}"), &[("x-api-key", secret)]);
    assert_eq!((deleted.status, deleted.json()), (200, json!({ "id": id, "type": "claude_chat_deleted" })));
    check_refusal(
        &api.send("DELETE", &format!("/apps/chats/{id}"), &[("x-api-key", secret)]),
        404,
        "not_found_error",
    );
    check_refusal(&api.get(&format!("/apps/chats/{id}/messages")), 404, "not_found_error");
    assert_eq!(get(&api, "/apps/chats")["data"], json!([]));
    api.app.custody.settle_feed();
    let told = get(
        &api,
        "/activities?activity_types[]=fiducia_certificate_issued&activity_types[]=fiducia_keys_destroyed",
    );
    assert_eq!(told["data"].as_array().unwrap().len(), 2, "{told}");
}

#[test]
fn chats_are_walked_by_either_time_and_by_person() {
    let api = Api::start();
    for number in 0..5 {
        exchange(&api, &json!([user(&format!("question {number}"))]), "answer");
        api.app.clock.advance(10);
    }
    // The first one goes on, so that the two orders differ.
    let turns = json!([user("question 0"), { "role": "assistant", "content": "answer" }, user("more")]);
    exchange(&api, &turns, "answer");
    let ids = |page: &Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|chat| chat["id"].as_str().unwrap().to_owned()).collect()
    };
    let by_creation = ids(&get(&api, "/apps/chats"));
    let by_update = ids(&get(&api, "/apps/chats?order_by=updated_at"));
    assert_eq!(by_creation.len(), 5);
    assert_eq!(by_update, [&by_creation[1..], &by_creation[..1]].concat());
    for (query, all) in [("", &by_creation), ("&order_by=updated_at", &by_update)] {
        let first = get(&api, &format!("/apps/chats?limit=3{query}"));
        let rest =
            get(&api, &format!("/apps/chats?limit=3{query}&after_id={}", first["last_id"].as_str().unwrap()));
        assert_eq!([ids(&first), ids(&rest)].concat(), **all);
        assert_eq!((&first["has_more"], &rest["has_more"]), (&json!(true), &json!(false)));
    }
    let person = get(&api, "/apps/chats")["data"][0]["user"]["id"].as_str().unwrap().to_owned();
    let theirs = get(&api, &format!("/apps/chats?user_ids[]={person}&limit=4"));
    assert_eq!(ids(&theirs), by_creation[..4]);
    let back = get(
        &api,
        &format!("/apps/chats?user_ids[]={person}&limit=2&before_id={}", theirs["last_id"].as_str().unwrap()),
    );
    assert_eq!((ids(&back), &back["has_more"]), (by_creation[1..3].to_vec(), &json!(true)));
    assert_eq!(
        ids(&get(&api, "/apps/chats?user_ids[]=user_01999999-9999-7999-8999-999999999999")),
        Vec::<String>::new()
    );
    assert_eq!(
        ids(&get(&api, &format!("/apps/chats?user_ids[]={person}&project_ids[]=p"))),
        Vec::<String>::new()
    );
    let began = get(&api, "/apps/chats")["data"][2]["created_at"].as_str().unwrap().to_owned();
    assert_eq!(
        ids(&get(&api, &format!("/apps/chats?created_at.gte={began}&created_at.lte={began}"))),
        by_creation[2..3]
    );
    let last = theirs["last_id"].as_str().unwrap();
    for (query, named) in [
        ("limit=1001".to_owned(), "limit"),
        ("order_by=name".to_owned(), "order_by"),
        (format!("created_at.gte={began}&order_by=updated_at"), "order_by"),
        (format!("updated_at.gte={began}"), "order_by"),
        (format!("user_ids[]={person}&order_by=updated_at"), "order_by"),
        ("project_ids[]=p".to_owned(), "project_ids[]"),
        (format!("before_id={last}"), "before_id"),
        (format!("order_by=updated_at&after_id={last}"), "after_id"),
        (vec![format!("user_ids[]={person}"); 11].join("&"), "user_ids[]"),
    ] {
        let text = check_refusal(&api.get(&format!("/apps/chats?{query}")), 400, "invalid_request_error");
        assert!(text.contains(named), "{query}: {text}");
    }
}

#[test]
fn other_organisations_chats_are_answered_as_chats_that_are_not_there() {
    let api = Api::start();
    exchange(&api, &json!([user("a question")]), "an answer");
    let id = get(&api, "/apps/chats")["data"][0]["id"].as_str().unwrap().to_owned();
    let other = api.make_organization("other");
    let theirs = api.make_key(ComplianceReach::Organization(other), &ComplianceScope::ALL);
    let foreign = api.get_with(&theirs.secret, "/apps/chats").json();
    assert_eq!((&foreign["data"], &foreign["first_id"]), (&json!([]), &Value::Null));
    let unknown = "conv_01999999-9999-7999-8999-999999999999";
    for path in ["/messages", ""] {
        let texts = [id.as_str(), unknown, "claude_chat_1"].map(|id| {
            let method = if path.is_empty() { "DELETE" } else { "GET" };
            let answer =
                api.send(method, &format!("/apps/chats/{id}{path}"), &[("x-api-key", &theirs.secret)]);
            check_refusal(&answer, 404, "not_found_error")
        });
        assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    }
    let reader =
        api.make_key(ComplianceReach::Organization(api.app.organization), &[ComplianceScope::ReadUserData]);
    let answer = api.send("DELETE", &format!("/apps/chats/{id}"), &[("x-api-key", &reader.secret)]);
    check_refusal(&answer, 403, "permission_error");
    assert_eq!(texts(&get(&api, &format!("/apps/chats/{id}/messages"))), ["a question", "an answer"]);
    check_refusal(&api.get("/apps/chats/files/file_1/content"), 404, "not_found_error");
    // Files can be asked to be deleted, by who may delete; there is none.
    let delete = |secret: &str| api.send("DELETE", "/apps/chats/files/file_1", &[("x-api-key", secret)]);
    check_refusal(&delete(&api.key.secret), 404, "not_found_error");
    let refused = check_refusal(&delete(&reader.secret), 403, "permission_error");
    assert!(refused.contains("Needed: ['delete:compliance_user_data']"), "{refused}");
    check_refusal(&api.get(&format!("/apps/chats/{id}/messages?limit=1001")), 400, "invalid_request_error");
    check_refusal(
        &api.get(&format!("/apps/chats/{id}/messages?tool_result_max_chars=-2")),
        400,
        "invalid_request_error",
    );
}
