//! Who is let in, and what everybody else is told.

use fiducia_custody::{
    AdminCommand, AdminError, AdminReply, ComplianceCommand, ComplianceReach, ComplianceReply,
};
use fiducia_policy::ComplianceScope;

use super::{Api, check_refusal};

#[test]
fn a_missing_key_and_an_unknown_one_are_told_the_same() {
    let api = Api::start();
    let missing = check_refusal(&api.send("GET", "/nothing", &[]), 401, "authentication_error");
    for wrong in ["", "fic_", "fic_0000", api.app.key.as_str(), &"f".repeat(4_000)] {
        let refused = check_refusal(&api.get_with(wrong, "/nothing"), 401, "authentication_error");
        assert_eq!(refused, missing, "{wrong}");
    }
    let secret = api.key.secret.as_str();
    let twice = api.send("GET", "/nothing", &[("x-api-key", secret), ("x-api-key", secret)]);
    assert_eq!(check_refusal(&twice, 401, "authentication_error"), missing);
    let (bearer, basic) = (format!("Bearer {secret}"), format!("Basic {secret}"));
    for headers in [
        &[("x-api-key", secret), ("authorization", bearer.as_str())][..],
        &[("authorization", &bearer), ("authorization", &bearer)],
        &[("authorization", &basic)],
        &[("authorization", secret)],
        &[("authorization", "Bearer fic_0000")],
    ] {
        let refused = check_refusal(&api.send("GET", "/nothing", headers), 401, "authentication_error");
        assert_eq!(refused, missing, "{headers:?}");
    }
    // As the official SDKs send it. What a proxy in front wants for itself is in nobody's way.
    let by_bearer = api.send("GET", "/nothing", &[("authorization", &bearer)]);
    check_refusal(&by_bearer, 404, "not_found_error");
    let vary: Vec<_> = by_bearer.headers.iter().filter(|(name, _)| name == "vary").collect();
    assert_eq!(vary.len(), 2, "{vary:?}");
    let proxied = api.send("GET", "/nothing", &[("x-api-key", secret), ("authorization", &basic)]);
    check_refusal(&proxied, 404, "not_found_error");
    // Whoever is let in learns what is there.
    check_refusal(&api.get("/nothing"), 404, "not_found_error");
    check_refusal(&api.send("GET", "/", &[("x-api-key", secret)]), 404, "not_found_error");
}

#[test]
fn a_key_works_from_its_making_until_it_is_deleted_and_is_shown_once() {
    let api = Api::start();
    let other = api.make_key(ComplianceReach::Installation, &[ComplianceScope::ReadActivities]);
    assert_eq!(api.get_with(&other.secret, "/nothing").status, 404);
    let administer = |command| api.app.custody.administer(AdminCommand::Compliance(command));
    let list = administer(ComplianceCommand::ListKeys { organization: Some(api.app.organization) }).unwrap();
    let AdminReply::Compliance(ComplianceReply::Keys(rows)) = list else { panic!("{list:?}") };
    assert!(
        rows.len() == 2
            && [api.key.key.id, other.key.id].iter().all(|id| rows.iter().any(|row| row.id == *id))
    );
    let delete = || ComplianceCommand::DeleteKey { key: other.key.id, actor: "tester".to_owned() };
    administer(delete()).unwrap();
    assert_eq!(api.get_with(&other.secret, "/nothing").status, 401);
    assert_eq!(api.get("/nothing").status, 404);
    assert!(matches!(administer(delete()), Err(AdminError::Conflict(_))));
    assert!(!api.app.holds(&other.secret) && !api.app.holds(&api.key.secret), "only digests are kept");
}

#[test]
fn all_keys_of_an_organisation_share_its_pace() {
    let api = Api::start();
    let second =
        api.make_key(ComplianceReach::Organization(api.app.organization), &[ComplianceScope::ReadActivities]);
    for _ in 0..20 {
        check_refusal(&api.send("GET", "/nothing", &[]), 401, "authentication_error");
    }
    let first = api.get("/nothing");
    assert_eq!(first.header("anthropic-ratelimit-requests-limit"), Some("600"));
    assert_eq!(
        first.header("anthropic-ratelimit-requests-remaining"),
        Some("599"),
        "refused callers cost nothing"
    );
    assert!(first.header("anthropic-ratelimit-requests-reset").unwrap().ends_with('Z'));
    for _ in 0..599 {
        assert_eq!(api.get("/nothing").status, 404);
    }
    let refused = api.get_with(&second.secret, "/nothing");
    check_refusal(&refused, 429, "rate_limit_error");
    assert_eq!(refused.header("retry-after"), Some("1"));
    let wider = api.make_key(ComplianceReach::Installation, &[ComplianceScope::ReadActivities]);
    assert_eq!(api.get_with(&wider.secret, "/nothing").status, 404, "another reach");
    api.app.clock.advance(1);
    assert_eq!(api.get_with(&second.secret, "/nothing").status, 404);
}
