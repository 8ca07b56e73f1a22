//! Azure Key Vault, by its REST reference (7.4).

use std::sync::Arc;

use fiducia_keyring::{
    AzureCredentials, AzureKeyVault, KeyManagementService, KmsProblem, KmsTransport, RemoteKms,
};
use serde_json::json;

use crate::recorded::{Counting, Pauses, Recorded, Time, a_key, binding, header, json, secret, surroundings};

const VAULT: &str = "https://myvault.vault.azure.net";
const TOKEN: &str =
    r#"{"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": "eyJ0"}"#;

fn stand(key: &str) -> (Arc<Recorded>, Arc<Time>, RemoteKms<AzureKeyVault>) {
    let (wire, time) = (Arc::new(Recorded::default()), Time::new());
    let credentials = AzureCredentials {
        authority: "https://login.microsoftonline.com".to_owned(),
        tenant: "contoso".to_owned(),
        client_id: "app".to_owned(),
        client_secret: secret("p+w/d="),
        scope: "https://vault.azure.net/.default".to_owned(),
    };
    let transport = Arc::clone(&wire) as Arc<dyn KmsTransport>;
    let adapter = AzureKeyVault::new(VAULT.to_owned(), key.to_owned(), credentials, transport, time.clone());
    let kms = RemoteKms::new("azure", key, adapter, surroundings(&time, &Arc::new(Pauses::default())));
    (wire, time, kms)
}

#[test]
fn the_newest_version_wraps_and_the_one_that_wrapped_unwraps() {
    let (wire, time, kms) = stand("ours");
    wire.says(200, TOKEN);
    wire.says(200, &json!({ "key": { "kid": format!("{VAULT}/keys/ours/v2"), "kty": "RSA" } }).to_string());
    wire.says(200, &json!({ "kid": format!("{VAULT}/keys/ours/v2"), "value": "c2VhbGVk" }).to_string());
    let wrap = kms.wrap_root(binding(1), &a_key(), &Counting::default()).unwrap();
    assert_eq!(wrap.version, "v2");
    let asked = wire.asked();
    assert_eq!(asked[0].url, "https://login.microsoftonline.com/contoso/oauth2/v2.0/token");
    assert_eq!(
        String::from_utf8(asked[0].body.to_vec()).unwrap(),
        "grant_type=client_credentials&client_id=app&client_secret=p%2Bw%2Fd%3D&\
         scope=https%3A%2F%2Fvault.azure.net%2F.default"
    );
    assert_eq!(
        (asked[1].method, asked[1].url.as_str()),
        ("GET", "https://myvault.vault.azure.net/keys/ours?api-version=7.4")
    );
    assert_eq!(asked[2].url, "https://myvault.vault.azure.net/keys/ours/v2/wrapkey?api-version=7.4");
    assert_eq!(header(&asked[2], "authorization"), "Bearer eyJ0");
    assert_eq!(json(&asked[2])["alg"], "RSA-OAEP-256");

    wire.says(
        200,
        &json!({ "kid": format!("{VAULT}/keys/ours/v2"), "value": json(&asked[2])["value"] }).to_string(),
    );
    assert!(kms.unwrap_root(binding(1), &wrap).unwrap().is(&a_key()));
    let unwrapped = &wire.asked()[3];
    assert_eq!(unwrapped.url, "https://myvault.vault.azure.net/keys/ours/v2/unwrapkey?api-version=7.4");
    assert_eq!(json(unwrapped)["value"], "c2VhbGVk");
    // The token is asked for again shortly before it ends.
    time.advance(3_500);
    wire.says(200, TOKEN);
    wire.says(403, r#"{"error": {"code": "Forbidden", "message": "denied", "innererror": {"code": "ForbiddenByPolicy"}}}"#);
    assert_eq!(kms.unwrap_root(binding(1), &wrap).unwrap_err().problem, KmsProblem::Denied);
}

#[test]
fn every_error_of_the_reference_is_told_apart() {
    let check = |status: u16, body: &str, expect: KmsProblem| {
        let (wire, _, kms) = stand("ours/v1");
        wire.says(200, TOKEN);
        for _ in 0..3 {
            wire.says(status, body);
        }
        let error = kms.wrap_root(binding(1), &a_key(), &Counting::default()).unwrap_err();
        assert_eq!(error.problem, expect, "{error}");
    };
    let error = |code: &str, inner: &str, message: &str| {
        json!({ "error": { "code": code, "message": message, "innererror": { "code": inner } } }).to_string()
    };
    let disabled = "Operation wrapKey is not allowed on a disabled key.";
    check(403, &error("Forbidden", "KeyDisabled", disabled), KmsProblem::Disabled);
    check(403, &error("Forbidden", "", disabled), KmsProblem::Disabled);
    check(403, &error("Forbidden", "ForbiddenByRbac", "Caller is not authorized"), KmsProblem::Denied);
    check(409, &error("Conflict", "ObjectIsDeletedButRecoverable", ""), KmsProblem::Destroyed);
    check(404, &error("KeyNotFound", "", "A key with (name/id) ours/v1 was not found"), KmsProblem::NotFound);
    check(429, &error("Throttled", "", ""), KmsProblem::Throttled);
    check(503, "", KmsProblem::Unreachable);
    let (wire, _, kms) = stand("ours");
    wire.says(
        401,
        r#"{"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret"}"#,
    );
    let refused = kms.wrap_root(binding(1), &a_key(), &Counting::default()).unwrap_err();
    assert!(
        refused.problem == KmsProblem::Denied && refused.to_string().contains("AADSTS7000215"),
        "{refused}"
    );
}
