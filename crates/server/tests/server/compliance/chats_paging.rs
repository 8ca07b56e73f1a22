//! Messages over many records: pages that are full, ids that stay, and how much one key reads within a day.

use fiducia_custody::{AccessActor, AccessCommand, AccessNoticeRow, AccessReply, AdminCommand, AdminReply};
use fiducia_policy::{AccessLimits, AccessNoticeKind, ComplianceScope, OrganizationId};
use serde_json::{Value, json};

use super::chats::{answered, exchange, get, texts, user};
use super::{Api, ComplianceReach, check_refusal};

fn assistant(text: &str) -> Value {
    json!({ "role": "assistant", "content": text })
}

/// A chat with an answer that failed, a history that was sent again, and a request with a head and tail of its own.
fn with_gaps(api: &Api) -> String {
    exchange(api, &json!([user("one")]), "two");
    api.app.clock.advance(1);
    let turns = json!([user("one"), assistant("two"), user("three")]);
    let failed = json!({ "type": "error", "error": { "type": "overloaded_error", "message": "later" } });
    for _ in 0..3 {
        answered(api, &turns, (529, &failed), Vec::new());
        api.app.clock.advance(1);
    }
    exchange(api, &turns, "four");
    let chats = get(api, "/apps/chats");
    assert_eq!(chats["data"].as_array().unwrap().len(), 1, "{chats}");
    chats["data"][0]["id"].as_str().unwrap().to_owned()
}

fn ids(page: &Value) -> Vec<String> {
    let messages = page["chat_messages"].as_array().unwrap();
    messages.iter().map(|message| message["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_page_is_full_and_every_walk_gives_the_same_messages_with_the_same_ids() {
    let api = Api::start();
    let id = with_gaps(&api);
    let all = get(&api, &format!("/apps/chats/{id}/messages"));
    assert_eq!(texts(&all), ["one", "two", "three", "four"]);
    for order in ["asc", "desc"] {
        for limit in 1..=5 {
            let path = format!("/apps/chats/{id}/messages?order={order}&limit={limit}");
            let (mut found, mut pages, mut cursor) = (Vec::new(), Vec::new(), String::new());
            loop {
                let page = get(&api, &format!("{path}{cursor}"));
                let is_whole = page["chat_messages"].as_array().unwrap().len() == limit;
                assert!(is_whole || page["has_more"] == false, "{order} {limit}: {page}");
                found.extend(ids(&page));
                cursor = format!("&after_id={}", page["last_id"].as_str().unwrap_or_default());
                let has_more = page["has_more"] == true;
                pages.push(page);
                if !has_more {
                    break;
                }
            }
            let mut expected = ids(&all);
            if order == "desc" {
                expected.reverse();
            }
            assert_eq!(found, expected, "{order} {limit}");
            // And back: what lies before the first message of the last page, page by page.
            let last = pages.pop().unwrap();
            let mut before = Vec::new();
            let mut first = last["first_id"].clone();
            for _ in 0..pages.len() {
                let page = get(&api, &format!("{path}&before_id={}", first.as_str().unwrap()));
                before.splice(0..0, ids(&page));
                first = page["first_id"].clone();
            }
            assert_eq!(before, expected[..expected.len() - ids(&last).len()], "{order} {limit}");
        }
    }
}

fn notices(api: &Api, organization: OrganizationId) -> Vec<AccessNoticeRow> {
    let command = AccessCommand::Notices { organization, limit: 10, seen_up_to: None };
    let actor = AccessActor::Operator("tester".to_owned());
    match api.app.custody.administer(AdminCommand::Access { actor, command }).unwrap() {
        AdminReply::Access(reply) => match *reply {
            AccessReply::Notices(rows) => rows,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_key_reads_so_much_a_day_and_the_administrators_are_told_once() {
    let limits = AccessLimits { program_records_per_day_max: 7, ..AccessLimits::default() };
    let api = Api::with_limits(limits);
    exchange(&api, &json!([user("one")]), "two");
    api.app.clock.advance(1);
    exchange(&api, &json!([user("one"), assistant("two"), user("three")]), "four");
    let id = get(&api, "/apps/chats")["data"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/apps/chats/{id}/messages");
    let organization = api.app.organization;
    assert_eq!(texts(&get(&api, &path)).len(), 4);
    assert_eq!(notices(&api, organization), []);
    for _ in 0..2 {
        let refused = api.get(&path);
        let text = check_refusal(&refused, 429, "rate_limit_error");
        assert!(text.contains("at most 7 records within a day, and 4 were opened"), "{text}");
        assert_eq!(refused.header("retry-after"), Some("3600"));
        assert_eq!(refused.header("x-should-retry"), Some("false"));
    }
    let told = notices(&api, organization);
    assert_eq!((told.len(), told[0].kind, told[0].session), (1, AccessNoticeKind::ProgramLimit, None));
    assert_eq!(told[0].key, Some(api.key.key.id));
    // What still fits is read, and another key has its own count.
    assert_eq!(texts(&get(&api, &format!("{path}?limit=1"))), ["one"]);
    let second = api.make_key(ComplianceReach::Organization(organization), &ComplianceScope::ALL);
    assert_eq!(api.get_with(&second.secret, &path).status, 200);
    api.app.clock.advance(86_401);
    assert_eq!(texts(&get(&api, &path)).len(), 4, "a day later it may go on");
}

#[test]
fn who_reads_everywhere_is_found_by_each_organisation_whose_data_was_read_and_by_no_other() {
    let api = Api::start();
    exchange(&api, &json!([user("a question")]), "an answer");
    let other = api.make_organization("other");
    let theirs = api.make_key(ComplianceReach::Organization(other), &ComplianceScope::ALL);
    let all = api.make_key(ComplianceReach::Installation, &ComplianceScope::ALL);
    let calls = |secret: &str| -> Vec<String> {
        api.app.custody.settle_feed();
        let rows =
            api.get_with(secret, "/activities?activity_types[]=compliance_api_accessed&order=asc").json();
        let rows = rows["data"].as_array().unwrap().clone();
        let by_it = rows.into_iter().filter(|row| row["actor"]["api_key_id"] == all.key.id.to_string());
        let mut urls: Vec<String> =
            by_it.map(|row| row["url"].as_str().unwrap().replace("/v1/compliance", "")).collect();
        // Rows of one instant have no order.
        urls.sort_unstable();
        urls
    };
    let own = api.app.organization.uuid();
    let id = api.get_with(&all.secret, "/apps/chats").json()["data"][0]["id"].as_str().unwrap().to_owned();
    let messages = format!("/apps/chats/{id}/messages");
    let users = format!("/organizations/{own}/users");
    for path in [&messages, &users] {
        assert_eq!(api.get_with(&all.secret, path).status, 200);
    }
    assert_eq!(
        api.get_with(&all.secret, &format!("/apps/chats?organization_ids[]={}", other.uuid())).status,
        200
    );
    // Refused, and of nobody: told to neither.
    assert_eq!(
        api.get_with(&all.secret, "/organizations/01999999-9999-7999-8999-999999999999/users").status,
        404
    );
    assert_eq!(calls(&api.key.secret), ["/apps/chats", &messages, &users]);
    assert_eq!(calls(&theirs.secret), ["/apps/chats"]);
    // The installation's own feed has each of these calls, and those that came to nobody's data.
    let everywhere = calls(&all.secret);
    assert_eq!(everywhere.len(), 5, "{everywhere:?}");
}
