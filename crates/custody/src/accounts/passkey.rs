//! Verifying passkeys: the relying party's side of WebAuthn level 3, sections 7.1 and 7.2, without attestation.
//!
//! Nothing is read from CBOR: browsers hand out the authenticator's data and the public key as a SubjectPublicKeyInfo
//! (section 5.2.1.1), and what an attestation would say about the authenticator's make is not asked for. Signatures are
//! verified by the one provider of cryptography.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The longest id of a credential, in bytes (section 5.1).
const CREDENTIAL_BYTES_MAX: usize = 1_023;
/// The longest public key, in bytes: RSA with 8,192 bits and its frame.
const PUBLIC_KEY_BYTES_MAX: usize = 1_100;
/// The shortest authenticator data: hash, flags and counter.
const HEAD_BYTES: usize = 37;

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const ATTESTED_CREDENTIAL: u8 = 0x40;

/// COSE algorithms that are asked for, the preferred first: ES256, EdDSA, RS256.
pub const ALGORITHMS: [i64; 3] = [-7, -8, -257];

/// Why a passkey's answer was not accepted. Nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyRefused {
    /// A part is missing or cannot be read.
    #[error("the browser's answer cannot be read ({0})")]
    Unreadable(&'static str),
    /// It answers another question than the one that was asked.
    #[error("the answer does not belong to this sign-in ({0})")]
    Mismatch(&'static str),
    /// The device did not check who used it.
    #[error("the device did not check who is using it")]
    NotVerified,
    /// The signature or the counter is wrong.
    #[error("the signature is not that of the passkey")]
    Forged,
}

/// Who asks: this console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    /// The host name of the console's public URL.
    pub id: String,
    /// The origin of the console's public URL.
    pub origin: String,
}

/// What a browser answers when it made a passkey. Binary parts are base64url without padding.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registration {
    /// The credential's id.
    pub id: String,
    /// What the browser signed or would have signed, as JSON.
    #[serde(rename = "clientDataJSON")]
    pub client_data: String,
    /// The authenticator's data.
    pub authenticator_data: String,
    /// The public key.
    pub public_key: String,
    /// Its COSE algorithm.
    pub public_key_algorithm: i64,
}

/// What a browser answers when a passkey signs in. Binary parts are base64url without padding.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Assertion {
    /// The credential's id.
    pub id: String,
    /// What the browser signed, as JSON.
    #[serde(rename = "clientDataJSON")]
    pub client_data: String,
    /// The authenticator's data.
    pub authenticator_data: String,
    /// The signature.
    pub signature: String,
}

/// A passkey that was verified and can be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VerifiedPasskey {
    pub(crate) credential: Vec<u8>,
    pub(crate) algorithm: i64,
    pub(crate) public_key: Vec<u8>,
    pub(crate) sign_count: u32,
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
}

/// Verifies the answer to a question for a new passkey.
pub(crate) fn verify_registration(
    answer: &Registration,
    party: &RelyingParty,
    challenge: &[u8],
) -> Result<VerifiedPasskey, PasskeyRefused> {
    check_client(&decoded(&answer.client_data, "client data")?, "webauthn.create", party, challenge)?;
    let data = decoded(&answer.authenticator_data, "authenticator data")?;
    let sign_count = check_head(&data, party, ATTESTED_CREDENTIAL)?;
    let credential = decoded(&answer.id, "id")?;
    // After the head: 16 bytes that name the make, two of length, the id, the key in COSE form.
    let length = data.get(HEAD_BYTES + 16..HEAD_BYTES + 18).ok_or(PasskeyRefused::Unreadable("length"))?;
    let length = length.iter().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte));
    let attested = data.get(HEAD_BYTES + 18..HEAD_BYTES + 18 + length);
    if credential.is_empty() || credential.len() > CREDENTIAL_BYTES_MAX || attested != Some(&*credential) {
        return Err(PasskeyRefused::Mismatch("id"));
    }
    let public_key = decoded(&answer.public_key, "public key")?;
    if public_key.len() > PUBLIC_KEY_BYTES_MAX {
        return Err(PasskeyRefused::Unreadable("public key"));
    }
    parsed(answer.public_key_algorithm, &public_key)?;
    Ok(VerifiedPasskey { credential, algorithm: answer.public_key_algorithm, public_key, sign_count })
}

/// Verifies the answer of a passkey that signs in; gives its new counter.
pub(crate) fn verify_assertion(
    answer: &Assertion,
    party: &RelyingParty,
    challenge: &[u8],
    algorithm: i64,
    public_key: &[u8],
    sign_count: u32,
) -> Result<u32, PasskeyRefused> {
    let client = decoded(&answer.client_data, "client data")?;
    check_client(&client, "webauthn.get", party, challenge)?;
    let mut signed = decoded(&answer.authenticator_data, "authenticator data")?;
    let count = check_head(&signed, party, 0)?;
    signed.extend_from_slice(digest(&SHA256, &client).as_ref());
    let signature = decoded(&answer.signature, "signature")?;
    parsed(algorithm, public_key)?.verify_sig(&signed, &signature).map_err(|_| PasskeyRefused::Forged)?;
    // A counter that does not grow belongs to a copy; authenticators without one always say 0.
    if (count > 0 || sign_count > 0) && count <= sign_count {
        return Err(PasskeyRefused::Forged);
    }
    Ok(count)
}

/// The id of the credential that answers.
pub(crate) fn credential_of(answer: &Assertion) -> Result<Vec<u8>, PasskeyRefused> {
    decoded(&answer.id, "id")
}

fn decoded(text: &str, part: &'static str) -> Result<Vec<u8>, PasskeyRefused> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| PasskeyRefused::Unreadable(part))
}

fn parsed(algorithm: i64, public_key: &[u8]) -> Result<ParsedPublicKey, PasskeyRefused> {
    let verification: &'static dyn VerificationAlgorithm = match algorithm {
        -7 => &ECDSA_P256_SHA256_ASN1,
        -8 => &ED25519,
        -257 => &RSA_PKCS1_2048_8192_SHA256,
        _ => return Err(PasskeyRefused::Unreadable("algorithm")),
    };
    ParsedPublicKey::new(verification, public_key).map_err(|_| PasskeyRefused::Unreadable("public key"))
}

fn check_client(
    client: &[u8],
    kind: &str,
    party: &RelyingParty,
    challenge: &[u8],
) -> Result<(), PasskeyRefused> {
    let client: ClientData =
        serde_json::from_slice(client).map_err(|_| PasskeyRefused::Unreadable("client data"))?;
    if client.r#type != kind {
        return Err(PasskeyRefused::Mismatch("type"));
    }
    let answered = decoded(&client.challenge, "challenge")?;
    verify_slices_are_equal(&answered, challenge).map_err(|_| PasskeyRefused::Mismatch("challenge"))?;
    if client.origin != party.origin || client.cross_origin {
        return Err(PasskeyRefused::Mismatch("origin"));
    }
    Ok(())
}

/// Checks what begins all authenticator data; gives the counter.
fn check_head(data: &[u8], party: &RelyingParty, needed: u8) -> Result<u32, PasskeyRefused> {
    let head: &[u8; HEAD_BYTES] =
        data.first_chunk().ok_or(PasskeyRefused::Unreadable("authenticator data"))?;
    let (hash, rest) = head.split_at(32);
    verify_slices_are_equal(hash, digest(&SHA256, party.id.as_bytes()).as_ref())
        .map_err(|_| PasskeyRefused::Mismatch("host"))?;
    let flags = rest.first().copied().unwrap_or_default();
    if flags & needed != needed {
        return Err(PasskeyRefused::Unreadable("credential"));
    }
    if flags & (USER_PRESENT | USER_VERIFIED) != USER_PRESENT | USER_VERIFIED {
        return Err(PasskeyRefused::NotVerified);
    }
    Ok(rest.iter().skip(1).fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}

#[cfg(test)]
#[path = "passkey_tests.rs"]
mod tests;
