//! An authenticator made of a key pair, and everything that must not pass.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

use super::*;

const CHALLENGE: &[u8] = &[5; 32];
const ID: &[u8] = b"credential-1";

struct Device {
    pair: EcdsaKeyPair,
    flags: u8,
    count: u32,
}

fn party() -> RelyingParty {
    RelyingParty { id: "console.example".to_owned(), origin: "https://console.example".to_owned() }
}

fn client(kind: &str, challenge: &[u8], origin: &str) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(challenge);
    let json = serde_json::json!({
        "type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false, "other": 1
    });
    URL_SAFE_NO_PAD.encode(json.to_string())
}

impl Device {
    fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        Self { pair, flags: USER_PRESENT | USER_VERIFIED, count: 1 }
    }

    fn head(&self, host: &str, more: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, host.as_bytes()).as_ref().to_vec();
        data.push(self.flags | more);
        data.extend(self.count.to_be_bytes());
        data
    }

    fn register(&self) -> Registration {
        let mut data = self.head("console.example", ATTESTED_CREDENTIAL);
        data.extend([0; 16]);
        data.extend(u16::try_from(ID.len()).unwrap().to_be_bytes());
        data.extend(ID);
        data.extend(b"the key in COSE form is not read");
        let key = self.pair.public_key().as_der().unwrap();
        Registration {
            id: URL_SAFE_NO_PAD.encode(ID),
            client_data: client("webauthn.create", CHALLENGE, "https://console.example"),
            authenticator_data: URL_SAFE_NO_PAD.encode(data),
            public_key: URL_SAFE_NO_PAD.encode(key.as_ref()),
            public_key_algorithm: -7,
        }
    }

    fn sign_in(&self, host: &str, client_data: String) -> Assertion {
        let data = self.head(host, 0);
        let mut signed = data.clone();
        signed.extend_from_slice(digest(&SHA256, &URL_SAFE_NO_PAD.decode(&client_data).unwrap()).as_ref());
        #[expect(
            clippy::disallowed_methods,
            reason = "this test stands for a device with randomness of its own"
        )]
        let signature = self.pair.sign(&SystemRandom::new(), &signed).unwrap();
        Assertion {
            id: URL_SAFE_NO_PAD.encode(ID),
            client_data,
            authenticator_data: URL_SAFE_NO_PAD.encode(data),
            signature: URL_SAFE_NO_PAD.encode(signature.as_ref()),
        }
    }
}

fn check(answer: &Assertion, passkey: &VerifiedPasskey, known: u32) -> Result<u32, PasskeyRefused> {
    verify_assertion(answer, &party(), CHALLENGE, passkey.algorithm, &passkey.public_key, known)
}

fn good_client() -> String {
    client("webauthn.get", CHALLENGE, "https://console.example")
}

#[test]
fn a_passkey_registers_and_signs_in() {
    let mut device = Device::new();
    let passkey = verify_registration(&device.register(), &party(), CHALLENGE).unwrap();
    assert_eq!((&*passkey.credential, passkey.sign_count), (ID, 1));
    device.count = 2;
    let answer = device.sign_in("console.example", good_client());
    assert_eq!(check(&answer, &passkey, 1), Ok(2));
    assert_eq!(check(&answer, &passkey, 2), Err(PasskeyRefused::Forged), "the counter stood still");
    device.count = 0;
    let uncounted = device.sign_in("console.example", good_client());
    assert_eq!(check(&uncounted, &passkey, 0), Ok(0), "authenticators without a counter say 0");
}

#[test]
fn answers_to_other_questions_places_and_people_are_refused() {
    let device = Device::new();
    let passkey = verify_registration(&device.register(), &party(), CHALLENGE).unwrap();
    for (client_data, part) in [
        (client("webauthn.create", CHALLENGE, "https://console.example"), "type"),
        (client("webauthn.get", &[6; 32], "https://console.example"), "challenge"),
        (client("webauthn.get", CHALLENGE, "https://console.example.evil"), "origin"),
    ] {
        let answer = device.sign_in("console.example", client_data);
        assert_eq!(check(&answer, &passkey, 0), Err(PasskeyRefused::Mismatch(part)));
    }
    let elsewhere = device.sign_in("evil.example", good_client());
    assert_eq!(check(&elsewhere, &passkey, 0), Err(PasskeyRefused::Mismatch("host")));
    let stranger = Device::new().sign_in("console.example", good_client());
    assert_eq!(check(&stranger, &passkey, 0), Err(PasskeyRefused::Forged));
    let unverified =
        Device { flags: USER_PRESENT, ..Device::new() }.sign_in("console.example", good_client());
    assert_eq!(check(&unverified, &passkey, 0), Err(PasskeyRefused::NotVerified));
}

#[test]
fn any_flipped_bit_of_a_signed_answer_is_refused() {
    let device = Device::new();
    let passkey = verify_registration(&device.register(), &party(), CHALLENGE).unwrap();
    let good = device.sign_in("console.example", good_client());
    let data = URL_SAFE_NO_PAD.decode(&good.authenticator_data).unwrap();
    for bit in 0..data.len() * 8 {
        let mut flipped = data.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let answer = Assertion { authenticator_data: URL_SAFE_NO_PAD.encode(flipped), ..good.clone() };
        assert!(check(&answer, &passkey, 0).is_err(), "bit {bit}");
    }
}

#[test]
fn registrations_that_do_not_fit_together_are_refused() {
    let device = Device::new();
    let good = device.register();
    let check = |answer: &Registration, expect: PasskeyRefused| {
        assert_eq!(verify_registration(answer, &party(), CHALLENGE), Err(expect));
    };
    let other = URL_SAFE_NO_PAD.encode("credential-2");
    check(&Registration { id: other, ..good.clone() }, PasskeyRefused::Mismatch("id"));
    check(
        &Registration { public_key_algorithm: -8, ..good.clone() },
        PasskeyRefused::Unreadable("public key"),
    );
    check(
        &Registration { public_key_algorithm: -65_535, ..good.clone() },
        PasskeyRefused::Unreadable("algorithm"),
    );
    let short = URL_SAFE_NO_PAD.encode(device.head("console.example", ATTESTED_CREDENTIAL));
    check(&Registration { authenticator_data: short, ..good.clone() }, PasskeyRefused::Unreadable("length"));
    let unattested = URL_SAFE_NO_PAD.encode(device.head("console.example", 0));
    check(&Registration { authenticator_data: unattested, ..good }, PasskeyRefused::Unreadable("credential"));
}
