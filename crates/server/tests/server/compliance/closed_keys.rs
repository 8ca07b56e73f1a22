//! What is protected by a key whose owner closed it: refused by the code, and only that.

use fiducia_keyring::KmsProblem;

use super::{Api, check_refusal};
use crate::key_service::check_discreet;

#[test]
fn messages_beneath_a_closed_key_are_refused_by_its_code_and_come_back_with_it() {
    let api = Api::with_upstream();
    let answer = api.app.post(
        "/v1/messages",
        &[("anthropic-version", "2023-06-01")],
        br#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hello"}]}"#,
    );
    assert_eq!(answer.status, 200, "{answer:?}");
    api.app.await_records(2);
    api.app.set_own_key(api.app.organization);
    let chats = api.get("/apps/chats").json();
    let path = format!("/apps/chats/{}/messages", chats["data"][0]["id"].as_str().unwrap());
    assert_eq!(api.get(&path).status, 200);
    for (problem, retry) in
        [(KmsProblem::Disabled, "false"), (KmsProblem::Destroyed, "false"), (KmsProblem::Denied, "false")]
    {
        api.app.service_says(Some(problem));
        let refused = api.get(&path);
        let said = check_refusal(&refused, 503, "api_error");
        assert!(said.contains(problem.code()) && said.contains("nothing of it is lost"), "{said}");
        assert_eq!(refused.json()["error"]["details"]["error_code"], problem.code());
        assert_eq!(refused.header("x-should-retry"), Some(retry));
        check_discreet(refused.text());
        // What holds no content needs no key.
        assert_eq!(api.get("/apps/chats").status, 200);
        assert_eq!(api.get("/activities").status, 200);
        api.app.service_says(None);
        assert_eq!(api.get(&path).status, 200, "it goes on by itself");
    }
    // A service that is away closes it when the last success is too long ago, and asking again helps.
    api.app.service_says(Some(KmsProblem::Unreachable));
    assert_eq!(api.get(&path).status, 200);
    api.app.clock.advance(3_000);
    api.app.service_says(Some(KmsProblem::Unreachable));
    let refused = api.get(&path);
    check_refusal(&refused, 503, "api_error");
    assert_eq!(refused.json()["error"]["details"]["error_code"], "key_service_unreachable");
    assert_eq!(refused.header("x-should-retry"), Some("true"));
}
