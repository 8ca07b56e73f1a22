//! ECDSA P-256 log keys, as the public Access Transparency log has them: SHA-256, DER signatures, and a key id that is the beginning
//! of the digest of the key's SubjectPublicKeyInfo.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::agreement::{self, ECDH_P256};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};
use zeroize::Zeroizing;

use crate::error::LedgerError;
use crate::hash::sha256;
use crate::note::{VerifierKey, checked_name, line_with};

/// Length of the secret scalar.
pub const SCALAR_BYTES: usize = 32;

/// Length of an uncompressed point.
const POINT_BYTES: usize = 65;

/// What stands before the point in the SubjectPublicKeyInfo of a P-256 key (RFC 5480).
const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The public half.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EcdsaPublicKey([u8; POINT_BYTES]);

impl EcdsaPublicKey {
    /// Reads a DER SubjectPublicKeyInfo with an uncompressed point on the curve.
    ///
    /// # Errors
    /// For anything else.
    pub fn from_spki(spki: &[u8]) -> Result<Self, LedgerError> {
        let invalid =
            || LedgerError::InvalidKey { reason: "it is not a SubjectPublicKeyInfo of an ECDSA P-256 key" };
        let point = spki.strip_prefix(&SPKI_PREFIX).ok_or_else(invalid)?;
        let point: [u8; POINT_BYTES] = point.try_into().map_err(|_| invalid())?;
        // The library looks at the point only where it is used; one that is not on the curve is no key.
        aws_lc_rs::signature::ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).map_err(|_| invalid())?;
        Ok(Self(point))
    }

    /// The DER SubjectPublicKeyInfo.
    pub fn spki(&self) -> Vec<u8> {
        [SPKI_PREFIX.as_slice(), &self.0].concat()
    }

    /// The first four bytes of the SHA-256 of [`Self::spki`]. They do not depend on a name.
    pub fn key_id(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = sha256(&[&SPKI_PREFIX, &self.0]);
        [a, b, c, d]
    }

    pub(crate) fn accepts(&self, text: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, self.0).verify(text, signature).is_ok()
    }
}

impl fmt::Debug for EcdsaPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::hash::to_hex(&self.key_id()))
    }
}

/// The secret key. One signs the logs of all organisations.
#[derive(Clone)]
pub struct EcdsaKey {
    pair: Arc<EcdsaKeyPair>,
    public: EcdsaPublicKey,
}

impl EcdsaKey {
    /// The key of this secret scalar, big-endian. The scalar is overwritten when this returns; drawing and keeping it is the
    /// caller's task.
    ///
    /// # Errors
    /// When the number is 0 or not below the order of the curve, which of 2^32 random ones about one is: draw again.
    pub fn from_scalar(scalar: Zeroizing<[u8; SCALAR_BYTES]>) -> Result<Self, LedgerError> {
        let invalid = || LedgerError::InvalidKey { reason: "the secret number is out of range" };
        let public = agreement::PrivateKey::from_private_key(&ECDH_P256, scalar.as_slice())
            .and_then(|private| Ok(private.compute_public_key()?))
            .map_err(|_| invalid())?;
        let point: [u8; POINT_BYTES] = public.as_ref().try_into().map_err(|_| invalid())?;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P256_SHA256_ASN1_SIGNING,
            scalar.as_slice(),
            &point,
        )
        .map_err(|_| invalid())?;
        drop(scalar);
        Ok(Self { pair: Arc::new(pair), public: EcdsaPublicKey(point) })
    }

    /// The public half.
    pub fn public(&self) -> &EcdsaPublicKey {
        &self.public
    }

    /// The public half under a name, for whoever verifies.
    ///
    /// # Errors
    /// When signed notes cannot carry the name.
    pub fn verifier(&self, name: &str) -> Result<VerifierKey, LedgerError> {
        VerifierKey::ecdsa(name, self.public.clone())
    }

    /// This key's line under a note over `text`, with its newline.
    pub(crate) fn signature_line(&self, name: &str, text: &str) -> Result<String, LedgerError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the library draws the secret number of each signature itself and looks away from this argument"
        )]
        let source = SystemRandom::new();
        let signature = self
            .pair
            .sign(&source, text.as_bytes())
            .map_err(|_| LedgerError::InvalidKey { reason: "the library could not sign with it" })?;
        Ok(line_with(&checked_name(name)?, self.public.key_id(), signature.as_ref()))
    }
}

impl fmt::Debug for EcdsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EcdsaKey").field("public", &self.public).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::note::verify_note;

    fn key(seed: u8) -> EcdsaKey {
        EcdsaKey::from_scalar(Zeroizing::new([seed; 32])).unwrap()
    }

    #[test]
    fn keys_read_back_and_their_id_is_that_of_the_key_alone() {
        let verifier = key(7).verifier("log.example/a").unwrap();
        let text = verifier.to_string();
        assert_eq!(text.parse::<VerifierKey>().unwrap(), verifier);
        assert_eq!(verifier.key_id(), verifier.renamed("log.example/b").unwrap().key_id());
        assert_eq!(verifier.key_id(), verifier.fingerprint()[..4]);
        let (_, base64) = text.rsplit_once('+').unwrap();
        let bytes = STANDARD.decode(base64).unwrap();
        assert_eq!((bytes[0], bytes.len()), (2, 1 + 91));
        let mut off_curve = bytes[1..].to_vec();
        *off_curve.last_mut().unwrap() ^= 1;
        assert!(EcdsaPublicKey::from_spki(&off_curve).is_err());
        assert!(EcdsaPublicKey::from_spki(&bytes[1..91]).is_err());
    }

    #[test]
    fn numbers_out_of_range_are_no_keys() {
        for seed in [0x00, 0xff] {
            assert!(EcdsaKey::from_scalar(Zeroizing::new([seed; 32])).is_err(), "{seed:x}");
        }
        assert!(!format!("{:?}", key(7)).contains("0707"), "no secret is shown");
    }

    #[test]
    fn a_line_verifies_under_its_key_and_over_its_text_alone() {
        let text = "log.example/a\n1\nroot\n";
        let note = format!("{text}\n{}", key(7).signature_line("log.example/a", text).unwrap());
        let verifier = key(7).verifier("log.example/a").unwrap();
        assert_eq!(verify_note(note.as_bytes(), &verifier).unwrap(), text);
        let other = key(8).verifier("log.example/a").unwrap();
        assert!(matches!(verify_note(note.as_bytes(), &other), Err(LedgerError::NotSigned { .. })));
        assert!(
            verify_note(note.as_bytes(), &[other, verifier.clone()][..]).is_ok(),
            "one of several suffices"
        );
        let altered = note.replacen("\n1\n", "\n2\n", 1);
        assert!(matches!(verify_note(altered.as_bytes(), &verifier), Err(LedgerError::BadSignature { .. })));
    }

    /// A signature that `openssl dgst -sha256 -sign` made.
    #[test]
    fn another_implementation_s_signature_verifies() {
        let spki = STANDARD
            .decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAERnA/CwbDEvIUPXLYm5jGf8bnuw9b4o31RfjdemsfoMFdICn6XZJBmk5vZsT9UuQHJK4MdFw4ZszSMm1VV7B0Aw==")
            .unwrap();
        let signature = STANDARD
            .decode("MEUCIQDY9s9EvLm7DxG2Q7YlYukusbfxEegHQC5CiAGsZUSHRQIgcWL5x1bT/SA0idJd4Dtkt+36+HXOOC09mz/JPoYo9+w=")
            .unwrap();
        let public = EcdsaPublicKey::from_spki(&spki).unwrap();
        assert_eq!(public.spki(), spki);
        assert!(public.accepts(b"log.example/a\n1\nroot\n", &signature));
        assert!(!public.accepts(b"log.example/a\n2\nroot\n", &signature));
    }

    /// The key that the public Access Transparency log has signed with since 2026-08-17, and what its page says of it.
    #[test]
    fn the_public_log_s_key_has_its_published_fingerprint() {
        let spki = STANDARD
            .decode("MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEv+om+waG3qNuK1X6+lE2646npTSO5xKfJOAvmlnfKPjuQEhvVDT387p5U71LWZYzrrBM+gioeaLI56reiD8xjA==")
            .unwrap();
        let name = "axt.anthropic.com/11111111-2222-4333-8444-555555555555";
        let key = VerifierKey::ecdsa(name, EcdsaPublicKey::from_spki(&spki).unwrap()).unwrap();
        let fingerprint = "1dff5fe420d49743fe444a04fc17f818eea856699dec2ebbc24df15602c74a58";
        assert_eq!(crate::hash::to_hex(&key.fingerprint()), fingerprint);
        assert!(key.to_string().starts_with(&format!("{name}+1dff5fe4+")));
    }
}
