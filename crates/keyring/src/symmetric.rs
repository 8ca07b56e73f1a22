//! Random 256-bit keys that wrap other keys.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use fiducia_policy::{KeyId, Randomness};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::KeyringError;

/// Length of a wrap: 12 bytes nonce, 32 bytes ciphertext, 16 bytes tag.
pub const WRAP_BYTES: usize = NONCE_LEN + 32 + 16;

/// A child key encrypted under a parent key.
pub type Wrap = [u8; WRAP_BYTES];

/// A random 256-bit key. Zeroised on drop; its `Debug` shows nothing of it.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SymmetricKey {
    bytes: [u8; 32],
}

impl std::fmt::Debug for SymmetricKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SymmetricKey(redacted)")
    }
}

impl SymmetricKey {
    /// A fresh random key.
    ///
    /// # Errors
    /// When the random source fails.
    pub fn generate(randomness: &dyn Randomness) -> Result<Self, KeyringError> {
        let mut key = Self { bytes: [0; 32] };
        randomness.fill(&mut key.bytes)?;
        Ok(key)
    }

    pub(crate) fn from_bytes(bytes: &[u8], what: &'static str) -> Result<Self, KeyringError> {
        let bytes: [u8; 32] =
            bytes.try_into().map_err(|_| KeyringError::Length { what, found: bytes.len(), expected: 32 })?;
        Ok(Self { bytes })
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    pub(crate) fn aead(&self) -> Result<LessSafeKey, KeyringError> {
        UnboundKey::new(&AES_256_GCM, &self.bytes)
            .map(LessSafeKey::new)
            .map_err(|_| KeyringError::Unauthentic { what: "a key" })
    }

    /// Whether both are the same key, compared in constant time.
    pub fn is(&self, other: &Self) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(&self.bytes, &other.bytes).is_ok()
    }

    /// The key's bytes as the seed of a signing key, which this crate does not know how to use.
    pub fn signing_seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.bytes)
    }

    /// Wraps the key `child` (known as `child_id`) under this key (known as `own_id`).
    ///
    /// The nonce is random: a key may wrap 2^32 children before the chance of a repeated nonce reaches 2^-32
    /// (NIST SP 800-38D, section 8.3), far above the conversations of one tenant and day.
    ///
    /// # Errors
    /// When the random source fails.
    pub fn wrap_key(
        &self,
        own_id: KeyId,
        child_id: KeyId,
        child: &Self,
        randomness: &dyn Randomness,
    ) -> Result<Wrap, KeyringError> {
        self.wrap(&binding(KEY_LABEL, own_id, child_id.as_bytes()), &child.bytes, randomness)
    }

    /// Opens what [`Self::wrap_key`] made.
    ///
    /// # Errors
    /// When the wrap was altered or belongs to other ids.
    pub fn unwrap_key(&self, own_id: KeyId, child_id: KeyId, wrap: &[u8]) -> Result<Self, KeyringError> {
        self.unwrap(&binding(KEY_LABEL, own_id, child_id.as_bytes()), wrap, "a wrapped key")
    }

    pub(crate) fn wrap(
        &self,
        aad: &[u8],
        secret: &[u8; 32],
        randomness: &dyn Randomness,
    ) -> Result<Wrap, KeyringError> {
        let mut wrap = [0_u8; WRAP_BYTES];
        let (nonce, rest) = wrap.split_at_mut(NONCE_LEN);
        let (ciphertext, tag_place) = rest.split_at_mut(32);
        randomness.fill(nonce)?;
        ciphertext.copy_from_slice(secret);
        let nonce = Nonce::try_assume_unique_for_key(nonce)
            .map_err(|_| KeyringError::Unauthentic { what: "a nonce" })?;
        let sealed = self.aead()?.seal_in_place_separate_tag(nonce, Aad::from(aad), ciphertext);
        let Ok(tag) = sealed else {
            // The secret must not stay behind in a buffer that is returned to nobody.
            wrap.zeroize();
            return Err(KeyringError::Unauthentic { what: "a key" });
        };
        tag_place.copy_from_slice(tag.as_ref());
        Ok(wrap)
    }

    pub(crate) fn unwrap(&self, aad: &[u8], wrap: &[u8], what: &'static str) -> Result<Self, KeyringError> {
        if wrap.len() != WRAP_BYTES {
            return Err(KeyringError::Length { what, found: wrap.len(), expected: WRAP_BYTES });
        }
        let (nonce, sealed) = wrap.split_at(NONCE_LEN);
        let nonce =
            Nonce::try_assume_unique_for_key(nonce).map_err(|_| KeyringError::Unauthentic { what })?;
        let mut buffer = [0_u8; 48];
        buffer.copy_from_slice(sealed);
        let opened = self.aead()?.open_in_place(nonce, Aad::from(aad), &mut buffer);
        let key = match opened {
            Ok(plain) => Self::from_bytes(plain, what),
            Err(_) => Err(KeyringError::Unauthentic { what }),
        };
        buffer.zeroize();
        key
    }
}

pub(crate) const KEY_LABEL: &[u8] = b"fiducia/wrap/key/v1";
pub(crate) const DATA_KEY_LABEL: &[u8] = b"fiducia/wrap/data-key/v1";

/// The additional authenticated data of a wrap: label, parent id and child id, each with its length in front.
pub(crate) fn binding(label: &[u8], parent: KeyId, child: &[u8]) -> Vec<u8> {
    let mut aad = Vec::with_capacity(64);
    for part in [label, parent.as_bytes().as_slice(), child] {
        push_part(&mut aad, part);
    }
    aad
}

/// Appends `part` with its length as a big-endian u32, so that no two lists of parts give the same bytes.
pub(crate) fn push_part(aad: &mut Vec<u8>, part: &[u8]) {
    let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
    aad.extend_from_slice(&length.to_be_bytes());
    aad.extend_from_slice(part);
}

/// A key for keyed digests (HMAC-SHA-256) by which re-sent histories and names are found again without storing them.
/// Destroying it makes every digest made with it meaningless.
pub struct MatchingKey(hmac::Key);

impl std::fmt::Debug for MatchingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MatchingKey(redacted)")
    }
}

impl MatchingKey {
    /// The matching key whose random bytes are `key`.
    pub fn new(key: &SymmetricKey) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &key.bytes))
    }

    /// The keyed digest of `parts`, each bound with its length.
    pub fn digest(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
            context.update(&length.to_be_bytes());
            context.update(part);
        }
        let mut digest = [0_u8; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }
}
