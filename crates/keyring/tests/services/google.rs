//! Google Cloud KMS, by its REST reference.

use std::sync::Arc;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{self, KeyPair as _, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use fiducia_keyring::{
    Credential, GoogleCloudKms, GoogleCredentials, KeyManagementService, KmsProblem, KmsTransport, RemoteKms,
};
use serde_json::json;
use zeroize::Zeroizing;

use crate::recorded::{Counting, Pauses, Recorded, Time, a_key, binding, header, json, surroundings};

const KEY: &str = "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/ours";
const TOKEN: &str = r#"{"access_token": "ya29", "expires_in": 3599, "token_type": "Bearer"}"#;

fn stand(credentials: GoogleCredentials) -> (Arc<Recorded>, RemoteKms<GoogleCloudKms>) {
    let (wire, time) = (Arc::new(Recorded::default()), Time::new());
    let transport = Arc::clone(&wire) as Arc<dyn KmsTransport>;
    let endpoint = "https://cloudkms.googleapis.com".to_owned();
    let adapter = GoogleCloudKms::new(endpoint, KEY.to_owned(), credentials, transport, time.clone());
    (wire, RemoteKms::new("google", KEY, adapter, surroundings(&time, &Arc::new(Pauses::default()))))
}

fn machine() -> GoogleCredentials {
    GoogleCredentials::Machine("http://metadata.google.internal".to_owned())
}

fn encrypted(checksum: u32) -> String {
    json!({
        "name": format!("{KEY}/cryptoKeyVersions/3"), "ciphertext": STANDARD.encode("sealed"),
        "ciphertextCrc32c": checksum.to_string(), "verifiedPlaintextCrc32c": true,
        "verifiedAdditionalAuthenticatedDataCrc32c": true, "protectionLevel": "HSM",
    })
    .to_string()
}

/// CRC-32C, bit by bit, as another than the adapter's would work it out.
fn crc(bytes: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    !crc
}

#[test]
fn requests_carry_checksums_and_what_they_are_bound_to() {
    assert_eq!(crc(b"123456789"), 0xe306_9283, "the check value of CRC-32C");
    let (wire, kms) = stand(machine());
    wire.says(200, TOKEN);
    wire.says(200, &encrypted(crc(b"sealed")));
    let wrap = kms.wrap_root(binding(1), &a_key(), &Counting::default()).unwrap();
    assert_eq!(wrap.version, format!("{KEY}/cryptoKeyVersions/3"));
    let asked = wire.asked();
    assert_eq!(
        (asked[0].url.as_str(), header(&asked[0], "metadata-flavor")),
        (
            "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token",
            "Google"
        )
    );
    assert_eq!(asked[1].url, format!("https://cloudkms.googleapis.com/v1/{KEY}:encrypt"));
    assert_eq!(header(&asked[1], "authorization"), "Bearer ya29");
    let body = json(&asked[1]);
    let decoded = |name: &str| STANDARD.decode(body[name].as_str().unwrap()).unwrap();
    let (plaintext, data) = (decoded("plaintext"), decoded("additionalAuthenticatedData"));
    assert_eq!(body["plaintextCrc32c"], crc(&plaintext).to_string());
    assert_eq!(body["additionalAuthenticatedDataCrc32c"], crc(&data).to_string());
    let organization = binding(1).organization.uuid();
    assert!(String::from_utf8(data).unwrap().contains(&organization));

    wire.says(
        200,
        &json!({ "plaintext": body["plaintext"], "plaintextCrc32c": body["plaintextCrc32c"] }).to_string(),
    );
    assert!(kms.unwrap_root(binding(1), &wrap).unwrap().is(&a_key()));
    wire.says(200, &json!({ "plaintext": body["plaintext"], "plaintextCrc32c": "1" }).to_string());
    assert_eq!(kms.unwrap_root(binding(1), &wrap).unwrap_err().problem, KmsProblem::Malformed);
    wire.says(200, &encrypted(1));
    let damaged = kms.wrap_root(binding(1), &a_key(), &Counting::default()).unwrap_err();
    assert_eq!(damaged.problem, KmsProblem::Malformed);
}

#[test]
fn a_service_account_signs_for_its_token() {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key).unwrap();
    let pem = format!(
        "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
        STANDARD.encode(der.as_ref())
    );
    let file = json!({
        "type": "service_account", "client_email": "fiducia@p.iam.gserviceaccount.com", "private_key": pem,
        "private_key_id": "kid-1", "token_uri": "https://oauth2.googleapis.com/token",
    })
    .to_string();
    let (wire, kms) =
        stand(GoogleCredentials::ServiceAccount(Credential::new(move || Ok(Zeroizing::new(file.clone())))));
    wire.says(200, TOKEN);
    wire.says(200, &encrypted(crc(b"sealed")));
    kms.wrap_root(binding(1), &a_key(), &Counting::default()).unwrap();
    let asked = wire.asked();
    assert_eq!(asked[0].url, "https://oauth2.googleapis.com/token");
    let body = String::from_utf8(asked[0].body.to_vec()).unwrap();
    let (_, assertion) = body.split_once("&assertion=").unwrap();
    let parts: Vec<&str> = assertion.split('.').collect();
    let claims: serde_json::Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[1]).unwrap()).unwrap();
    assert_eq!(claims["iss"], "fiducia@p.iam.gserviceaccount.com");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
    UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, key.public_key())
        .verify(format!("{}.{}", parts[0], parts[1]).as_bytes(), &URL_SAFE_NO_PAD.decode(parts[2]).unwrap())
        .unwrap();
}

#[test]
fn every_error_of_the_reference_is_told_apart() {
    let check = |status: u16, kind: &str, message: &str, expect: KmsProblem| {
        let (wire, kms) = stand(machine());
        wire.says(200, TOKEN);
        for _ in 0..3 {
            wire.says(
                status,
                &json!({ "error": { "code": status, "message": message, "status": kind } }).to_string(),
            );
        }
        let error = kms.wrap_root(binding(1), &a_key(), &Counting::default()).unwrap_err();
        assert_eq!(error.problem, expect, "{error}");
    };
    let state = |state: &str| format!("{KEY}/cryptoKeyVersions/3 is not enabled, current state is: {state}.");
    check(400, "FAILED_PRECONDITION", &state("DISABLED"), KmsProblem::Disabled);
    check(400, "FAILED_PRECONDITION", &state("DESTROY_SCHEDULED"), KmsProblem::Destroyed);
    check(400, "FAILED_PRECONDITION", &state("DESTROYED"), KmsProblem::Destroyed);
    check(400, "INVALID_ARGUMENT", "Decryption failed: the ciphertext is invalid.", KmsProblem::WrongKey);
    check(403, "PERMISSION_DENIED", "Permission denied", KmsProblem::Denied);
    check(404, "NOT_FOUND", "not found", KmsProblem::NotFound);
    check(429, "RESOURCE_EXHAUSTED", "Quota exceeded", KmsProblem::Throttled);
    check(504, "DEADLINE_EXCEEDED", "", KmsProblem::Slow);
    check(503, "UNAVAILABLE", "", KmsProblem::Unreachable);
}
