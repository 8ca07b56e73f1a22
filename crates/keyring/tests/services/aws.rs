//! AWS KMS: what is asked, and what its errors mean.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fiducia_keyring::{
    AwsCredentials, AwsKms, KeyManagementService, KmsProblem, KmsTransport, RemoteKms, TransportProblem,
};
use serde_json::json;

use crate::recorded::{
    Counting, Pauses, Recorded, Time, a_key, binding, header, json, response, secret, surroundings,
};

const ARN: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn stand() -> (Arc<Recorded>, RemoteKms<AwsKms>) {
    let (wire, time) = (Arc::new(Recorded::default()), Time::new());
    let adapter = AwsKms {
        region: "eu-central-1".to_owned(),
        endpoint: "https://kms.eu-central-1.amazonaws.com".to_owned(),
        key: "alias/fiducia".to_owned(),
        credentials: AwsCredentials {
            access_key_id: secret("AKIDEXAMPLE"),
            secret_access_key: secret("very-secret"),
            session_token: Some(secret("session")),
        },
        transport: Arc::clone(&wire) as Arc<dyn KmsTransport>,
        clock: time.clone(),
    };
    (wire, RemoteKms::new("aws", "alias/fiducia", adapter, surroundings(&time, &Arc::new(Pauses::default()))))
}

#[test]
fn requests_are_signed_bound_and_name_the_key_that_wrapped() {
    let (wire, kms) = stand();
    wire.says(200, &json!({ "KeyId": ARN, "CiphertextBlob": STANDARD.encode("sealed"), "EncryptionAlgorithm": "SYMMETRIC_DEFAULT" }).to_string());
    let wrap = kms.wrap_root(binding(1), &a_key(), &Counting::default()).unwrap();
    assert_eq!(wrap.version, ARN);
    let asked = wire.asked();
    let (plaintext, body) = (json(&asked[0])["Plaintext"].clone(), json(&asked[0]));
    assert_eq!(asked[0].url, "https://kms.eu-central-1.amazonaws.com/");
    assert_eq!(header(&asked[0], "x-amz-target"), "TrentService.Encrypt");
    assert!(header(&asked[0], "authorization").contains(
        "Credential=AKIDEXAMPLE/20270115/eu-central-1/kms/aws4_request, \
         SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature="
    ));
    assert_eq!(body["KeyId"], "alias/fiducia");
    assert_eq!(body["EncryptionContext"]["fiducia:organization"], binding(1).organization.uuid());
    assert_eq!(body["EncryptionContext"]["fiducia:key"], binding(1).id.uuid());
    assert!(
        !format!("{:?}", asked[0]).contains("very-secret") && !format!("{kms:?}").contains("very-secret")
    );

    wire.says(200, &json!({ "KeyId": ARN, "Plaintext": plaintext }).to_string());
    assert!(kms.unwrap_root(binding(1), &wrap).unwrap().is(&a_key()));
    let body = json(&wire.asked()[1]);
    assert_eq!((&body["KeyId"], &body["CiphertextBlob"]), (&json!(ARN), &json!(STANDARD.encode("sealed"))));
}

#[test]
fn every_error_of_the_reference_is_told_apart() {
    let check = |status: u16, kind: &str, message: &str, expect: KmsProblem| {
        let (wire, kms) = stand();
        let body = json!({ "__type": kind, "message": message }).to_string();
        for _ in 0..3 {
            wire.says(status, &body);
        }
        let error = kms.wrap_root(binding(1), &a_key(), &Counting::default()).unwrap_err();
        assert_eq!(error.problem, expect, "{kind}: {error}");
    };
    check(400, "DisabledException", "arn is disabled.", KmsProblem::Disabled);
    check(400, "KMSInvalidStateException", "arn is pending deletion.", KmsProblem::Destroyed);
    check(400, "KMSInvalidStateException", "arn is unavailable.", KmsProblem::Disabled);
    check(400, "NotFoundException", "Key 'arn' does not exist", KmsProblem::NotFound);
    check(400, "AccessDeniedException", "User is not authorized", KmsProblem::Denied);
    check(400, "com.amazonaws.kms#IncorrectKeyException", "", KmsProblem::WrongKey);
    check(400, "InvalidCiphertextException", "", KmsProblem::WrongKey);
    check(400, "ThrottlingException", "Rate exceeded", KmsProblem::Throttled);
    check(500, "DependencyTimeoutException", "", KmsProblem::Unreachable);
    check(500, "", "", KmsProblem::Unreachable);
    check(400, "SomethingNew", "", KmsProblem::Malformed);
}

#[test]
fn answers_that_make_no_sense_and_none_at_all_are_problems_too() {
    let (wire, kms) = stand();
    let check = |answer: Result<&'static str, TransportProblem>, expect: KmsProblem| {
        for _ in 0..3 {
            let answer = answer.clone();
            wire.then(move |_| answer.clone().map(|body| response(200, body)));
        }
        let before = wire.asked().len();
        let error = kms.wrap_root(binding(1), &a_key(), &Counting::default()).unwrap_err();
        assert_eq!(error.problem, expect, "{error}");
        // What was not asked for is not kept for the next case.
        for _ in wire.asked().len() - before..3 {
            let _ = wire.exchange(&wire.asked()[0]);
        }
    };
    check(Ok("{}"), KmsProblem::Malformed);
    check(Ok("<html>"), KmsProblem::Malformed);
    check(Ok(r#"{"KeyId": "k", "CiphertextBlob": "*"}"#), KmsProblem::Malformed);
    check(Err(TransportProblem::TooLong), KmsProblem::Malformed);
    check(Err(TransportProblem::TimedOut), KmsProblem::Slow);
}
