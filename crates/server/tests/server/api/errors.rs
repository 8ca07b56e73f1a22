//! Who is not recognised, what is not permitted, what is too large or too often: each with its problem.

use fiducia_custody::{AccountCommand, AccountReply};
use serde_json::json;

use super::{Stand, Token, no, yes};

#[test]
fn whoever_is_not_recognised_is_told_so_and_nothing_else() {
    let stand = Stand::new();
    let ada = stand.person("ada");
    let wrong = [
        String::new(),
        "Bearer".to_owned(),
        "Bearer fia_".to_owned(),
        format!("Bearer fia_{}", "0".repeat(64)),
        format!("Bearer fia_{}", "0".repeat(1_000)),
        format!("Basic {}", ada.secret),
        format!("Bearer {}", &ada.secret[4..]),
        format!("Bearer {}0", ada.secret),
    ];
    for line in &wrong {
        let answer = stand.call("GET", "/consents", &[("authorization", line)], "").is(401);
        assert_eq!(answer.problem(), "unauthenticated", "{line}");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
        assert!(!answer.text().contains("fia_"), "{}", answer.text());
    }
    assert_eq!(stand.call("GET", "/consents", &[], "").is(401).problem(), "unauthenticated");
    stand.call("GET", "/openapi.json", &[], "").is(200);
}

#[test]
fn a_token_ends_with_its_time_its_revocation_and_its_account() {
    let stand = Stand::new();
    let account = stand.account(stand.shop, "ada@example.org", "person", Some("ada"));
    let (first, second, third) = (
        stand.token_of(&account, "read"),
        stand.token_of(&account, "read write"),
        stand.token_of(&account, "read"),
    );
    let list = stand.get(&second, "/account/tokens?limit=2").is(200).json();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    assert!(list["next"].is_string() && !list.to_string().contains("fia_"));
    // Revoked by its owner while it is in use; the others go on.
    stand.get(&first, "/consents").is(200);
    stand.post(&second, &format!("/account/tokens/{}/revocation", first.id), &json!({})).is(200);
    stand.get(&first, "/consents").is(401);
    let again = stand.post(&second, &format!("/account/tokens/{}/revocation", first.id), &json!({})).is(409);
    assert_eq!(again.problem(), "conflict");
    stand.get(&second, "/consents").is(200);
    let ben = stand.person("ben");
    stand.post(&ben, &format!("/account/tokens/{}/revocation", second.id), &json!({})).is(404);
    // Disabled and enabled again.
    stand.administer(AccountCommand::SetState { account: account.id, enabled: false });
    stand.get(&second, "/consents").is(401);
    stand.administer(AccountCommand::SetState { account: account.id, enabled: true });
    stand.get(&second, "/consents").is(200);
    // Used lately, to the minute.
    let AccountReply::Tokens(rows) =
        stand.administer(AccountCommand::ListTokens { organization: None, account: Some(account.id) })
    else {
        panic!("reply")
    };
    assert!(rows.iter().find(|row| row.id == second.id).unwrap().last_used_at.is_some());
    assert!(rows.iter().find(|row| row.id == third.id).unwrap().last_used_at.is_none());
    stand.app.clock.advance(30 * 86_400 - 1);
    stand.get(&second, "/consents").is(200);
    stand.app.clock.advance(1);
    stand.get(&second, "/consents").is(401);
    assert!(!stand.app.holds(&second.secret), "a token lies in a file");
}

#[test]
fn guessing_is_slowed_down_and_hurts_nobody_else() {
    let stand = Stand::new();
    let ada = stand.person("ada");
    let guess = |number: u32| {
        let line = format!("Bearer fia_{number:064x}");
        stand.call("GET", "/consents", &[("authorization", &line)], "")
    };
    for number in 0..60 {
        assert_eq!(guess(number).status, 401);
    }
    let throttled = guess(60).is(429);
    assert_eq!((throttled.problem().as_str(), throttled.header("retry-after")), ("too-many", Some("900")));
    stand.get(&ada, "/consents").is(200);
    stand.app.clock.advance(901);
    guess(61).is(401);
}

#[test]
fn a_token_permits_what_it_says() {
    let stand = Stand::new();
    let account = stand.account(stand.shop, "ada@example.org", "person", Some("ada"));
    let (reads, writes) = (stand.token_of(&account, "read"), stand.token_of(&account, "write"));
    stand.get(&reads, "/consents").is(200);
    assert_eq!(stand.post(&reads, "/consents/choices", &yes()).is(403).problem(), "permission");
    assert_eq!(stand.get(&writes, "/consents").is(403).problem(), "permission");
    stand.post(&writes, "/consents/choices", &yes()).is(201);
    let auditor = stand.staff("auditor");
    assert_eq!(stand.get(&auditor, "/consents").is(403).problem(), "no-person");
    assert_eq!(stand.get(&reads, "/people").is(403).problem(), "no-staff");
    assert_eq!(stand.get(&auditor, "/people").is(403).problem(), "forbidden");
    let shown = stand.get(&reads, "/account").is(200).json();
    assert_eq!((&shown["token_permits"], &shown["form_token"]), (&json!(["read"]), &json!(null)));
}

#[test]
fn bodies_methods_and_places_that_do_not_fit_are_refused() {
    let stand = Stand::new();
    let ada = stand.person("ada");
    let bearer = ada.bearer();
    let send = |method: &str, path: &str, kind: &str, body: &str| {
        stand.call(method, path, &[("authorization", &bearer), ("content-type", kind)], body)
    };
    let path = "/consents/choices";
    let plain = send("POST", path, "text/plain", "{}").is(415);
    assert_eq!(plain.problem(), "media-type");
    assert_eq!(send("POST", path, "application/x-ndjson", "{}").is(415).problem(), "media-type");
    let large = format!("{{\"purpose\": \"{}\"}}", "x".repeat(70_000));
    let answer = send("POST", path, "application/json", &large).is(413);
    assert_eq!(answer.problem(), "too-large");
    assert_eq!(send("POST", path, "application/json", "{").is(400).problem(), "invalid");
    assert_eq!(send("POST", path, "application/json", "\u{feff}{}").is(400).problem(), "invalid");
    for method in ["DELETE", "PUT", "PATCH"] {
        let answer = send(method, "/consents", "application/json", "").is(405);
        assert_eq!(answer.problem(), "method");
        assert!(answer.header("allow").unwrap().contains("GET"), "{answer:?}");
    }
    for nowhere in
        ["", "/", "/nothing", "/consents/", "/consents/choices/x", "/conversations/conv_1", "/requests/x"]
    {
        let answer = stand.get(&ada, nowhere).is(404);
        assert_eq!(answer.problem(), "not-found", "{nowhere}");
    }
    // Deep nesting is refused, not recursed into.
    let deep = format!("{{\"purpose\":{}", "[".repeat(30_000));
    send("POST", path, "application/json", &deep).is(400);
    // A page is still a page.
    let page = crate::client::send(stand.app.console.unwrap(), "DELETE", "/account", &[], b"");
    assert_eq!((page.status, page.header("content-type").unwrap().starts_with("text/html")), (405, true));
}

#[test]
fn whoever_asks_too_often_is_told_to_wait() {
    let stand = Stand::new();
    let (ada, ben) = (stand.person("ada"), stand.person("ben"));
    let statuses: Vec<u16> = (0..201).map(|_| stand.get(&ada, "/account").status).collect();
    assert!(statuses[..200].iter().all(|status| *status == 200), "{statuses:?}");
    assert_eq!(statuses[200], 429);
    let answer = stand.get(&ada, "/account").is(429);
    assert_eq!((answer.problem().as_str(), answer.header("retry-after")), ("too-many", Some("1")));
    stand.get(&ben, "/account").is(200);
    stand.app.clock.advance(1);
    stand.get(&ada, "/account").is(200);
}

#[test]
fn a_session_reads_and_changes_only_from_the_consoles_own_pages() {
    let stand = Stand::new();
    let account = stand.account(stand.shop, "ada@example.org", "person", Some("ada"));
    let cookie = stand.sign_in(&account);
    let shown = stand.call("GET", "/account", &[("cookie", &cookie)], "").is(200).json();
    let token = shown["form_token"].as_str().unwrap().to_owned();
    assert_eq!(shown["token_permits"], json!(null));
    let send = |more: &[(&str, &str)]| {
        let mut headers = vec![("cookie", cookie.as_str())];
        headers.extend_from_slice(more);
        stand.call("POST", "/consents/choices", &headers, &no().to_string())
    };
    assert_eq!(send(&[]).is(403).problem(), "foreign");
    assert_eq!(send(&[("fiducia-form", "AAAA")]).is(403).problem(), "foreign");
    assert_eq!(
        send(&[("fiducia-form", &token), ("origin", "https://evil.example")]).is(403).problem(),
        "foreign"
    );
    assert_eq!(
        send(&[("fiducia-form", &token), ("sec-fetch-site", "cross-site")]).is(403).problem(),
        "foreign"
    );
    let yes_first =
        [("cookie", cookie.as_str()), ("fiducia-form", token.as_str()), ("origin", "http://localhost:4102")];
    stand.call("POST", "/consents/choices", &yes_first, &yes().to_string()).is(201);
    assert_eq!(send(&[("fiducia-form", &token)]).is(201).json()["state"], "withdrawn");
    // A session that is over is nobody's.
    stand.app.clock.advance(1_801);
    let over = stand.call("GET", "/consents", &[("cookie", &cookie)], "").is(401);
    assert_eq!(over.problem(), "unauthenticated");
    assert_eq!(send(&[("fiducia-form", &token)]).is(401).problem(), "unauthenticated");
}

#[test]
fn a_session_does_not_name_people() {
    let stand = Stand::new();
    let account = stand.account(stand.shop, "root@shop.example", "tenant-admin", None);
    let cookie = stand.sign_in(&account);
    let headers = [("cookie", cookie.as_str()), ("fiducia-subject", "ada")];
    assert_eq!(stand.call("GET", "/consents", &headers, "").is(403).problem(), "permission");
    let ordinary: Token = stand.token_of(&account, "read write");
    let bearer = ordinary.bearer();
    let headers = [("authorization", bearer.as_str()), ("fiducia-subject", "ada")];
    assert_eq!(stand.call("GET", "/consents", &headers, "").is(403).problem(), "permission");
}
