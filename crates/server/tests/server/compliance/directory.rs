//! Organisations, people, roles, settings: both the shapes and who may see them.

use fiducia_custody::{AccountCommand, AdminCommand, ComplianceReach, NewAccount};
use fiducia_policy::{ComplianceScope, Role};
use serde_json::{Value, json};

use super::{Api, check_refusal};

fn get(api: &Api, path: &str) -> Value {
    let answer = api.get(path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

fn make_account(api: &Api, login: &str, name: &str, subject: Option<&str>, role: Role) {
    let new = NewAccount {
        organization: api.app.organization,
        login: login.to_owned(),
        name: name.to_owned(),
        subject: subject.map(str::to_owned),
        roles: [role].into_iter().collect(),
    };
    api.app.custody.administer(AdminCommand::Account(AccountCommand::Create(new))).unwrap();
}

#[test]
fn an_organisation_is_shown_with_its_people_roles_and_settings() {
    let api = Api::start();
    let uuid = api.app.organization.uuid();
    let all = get(&api, "/organizations");
    assert_eq!(all["data"][0]["uuid"], uuid);
    assert_eq!((&all["data"][0]["name"], &all["has_more"], &all["next_page"]), (&json!("test"), &json!(false), &Value::Null));
    api.app.clock.advance(1);
    make_account(&api, "anna@example.org", "Anna", Some("analyst"), Role::Person);
    api.app.clock.advance(1);
    make_account(&api, "boss", "Boss", None, Role::TenantAdmin);
    let first = get(&api, &format!("/organizations/{uuid}/users?limit=1"));
    let anna = &first["data"][0];
    assert_eq!((&anna["full_name"], &anna["email"], &anna["organization_role"]), (&json!("Anna"), &json!("anna@example.org"), &json!("person")));
    assert!(anna["id"].as_str().unwrap().starts_with("user_") && first["has_more"] == true);
    let next = first["next_page"].as_str().unwrap();
    let second = get(&api, &format!("/organizations/{uuid}/users?limit=1&page={next}"));
    assert_eq!((&second["data"][0]["email"], &second["data"][0]["organization_role"]), (&Value::Null, &json!("tenant-admin")));
    assert_eq!((&second["has_more"], &second["next_page"]), (&json!(false), &Value::Null));
    let roles = get(&api, &format!("/organizations/{uuid}/roles"));
    assert_eq!(roles["data"].as_array().unwrap().len(), Role::ALL.len());
    let role = get(&api, &format!("/organizations/{uuid}/roles/role_auditor"));
    assert_eq!(role["name"], "auditor");
    let permitted = get(&api, &format!("/organizations/{uuid}/roles/role_tenant-admin/permissions"));
    assert!(permitted["data"].as_array().unwrap().contains(&json!({ "action": "govern", "resource": "accounts" })), "{permitted}");
    let settings = get(&api, &format!("/organizations/{uuid}/settings"));
    assert_eq!((&settings["type"], &settings["api_keys"]), (&json!("effective_organization_settings"), &json!([])));
    let periods = &settings["settings"][0];
    assert_eq!((&periods["name"], &periods["type"]), (&json!("data_retention_periods"), &json!("data_retention_periods")));
    assert!(["fixed", "indefinite"].contains(&periods["value"]["chat"]["type"].as_str().unwrap()), "{periods}");
    assert_eq!(get(&api, "/groups"), json!({ "data": [], "has_more": false, "next_page": null }));
}

#[test]
fn what_is_anothers_is_answered_as_what_is_not_there() {
    let api = Api::start();
    let other = api.make_organization("other").uuid();
    let unknown = "01999999-9999-7999-8999-999999999999";
    for path in ["users", "roles", "roles/role_auditor", "roles/role_auditor/permissions", "settings"] {
        let texts = [other.as_str(), unknown, "nonsense"].map(|uuid| {
            check_refusal(&api.get(&format!("/organizations/{uuid}/{path}")), 404, "not_found_error")
        });
        assert!(texts.iter().all(|text| *text == texts[0]), "{path}: {texts:?}");
    }
    check_refusal(&api.get(&format!("/organizations/{}/roles/role_king", api.app.organization.uuid())), 404, "not_found_error");
    check_refusal(&api.get("/groups/group_1"), 404, "not_found_error");
    check_refusal(&api.get("/organizations?limit=1001"), 400, "invalid_request_error");
    check_refusal(&api.get("/organizations?page=1"), 400, "invalid_request_error");
    check_refusal(&api.get("/groups?page=1"), 400, "invalid_request_error");
    let all = api.make_key(ComplianceReach::Installation, &[ComplianceScope::ReadOrganizationData]);
    let first = api.get_with(&all.secret, "/organizations?limit=1").json();
    let next = first["next_page"].as_str().unwrap();
    let second = api.get_with(&all.secret, &format!("/organizations?limit=1&page={next}")).json();
    assert_eq!((&first["has_more"], &second["data"][0]["uuid"], &second["has_more"]), (&json!(true), &json!(other), &json!(false)));
    check_refusal(&api.get_with(&all.secret, &format!("/organizations/{other}/users")), 403, "permission_error");
}
