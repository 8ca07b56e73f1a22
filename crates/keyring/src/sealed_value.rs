//! Short values sealed under a key of their own, such as the address a person is written to.
//!
//! No ledger entry is needed to open one: what is sealed here is no content of a conversation, and is read by the program
//! for the person it belongs to. What is **not** protected is the value's length; whoever seals pads it.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce};
use fiducia_policy::{KeyId, Randomness};
use zeroize::{Zeroize, Zeroizing};

use crate::KeyringError;
use crate::symmetric::{SymmetricKey, binding};

const VALUE_LABEL: &[u8] = b"fiducia/seal/value/v1";
/// Longest value, in bytes. Content is sealed as records, not here.
pub const SEALED_VALUE_BYTES_MAX: usize = 4_096;

/// Seals `value` under `key`, bound to the key's id and to `owner`, the thing that it belongs to.
///
/// # Errors
/// When the value is longer than [`SEALED_VALUE_BYTES_MAX`], or the random source fails.
pub fn seal_value(
    (key_id, key): (KeyId, &SymmetricKey),
    owner: &[u8; 16],
    value: &[u8],
    randomness: &dyn Randomness,
) -> Result<Vec<u8>, KeyringError> {
    if value.len() > SEALED_VALUE_BYTES_MAX {
        return Err(KeyringError::TooLarge);
    }
    let mut nonce = [0_u8; NONCE_LEN];
    randomness.fill(&mut nonce)?;
    let mut sealed = Vec::with_capacity(NONCE_LEN + value.len() + AES_256_GCM.tag_len());
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(value);
    let failed = KeyringError::Unauthentic { what: "a value" };
    let Some(text) = sealed.get_mut(NONCE_LEN..) else { return Err(failed) };
    let aad = Aad::from(binding(VALUE_LABEL, key_id, owner));
    let nonce = Nonce::assume_unique_for_key(nonce);
    let Ok(tag) = key.aead()?.seal_in_place_separate_tag(nonce, aad, text) else {
        sealed.zeroize();
        return Err(failed);
    };
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// Opens what [`seal_value`] made.
///
/// # Errors
/// When it was altered, or belongs to another key or owner.
pub fn open_value(
    (key_id, key): (KeyId, &SymmetricKey),
    owner: &[u8; 16],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
    const WHAT: &str = "a sealed value";
    let failed = || KeyringError::Unauthentic { what: WHAT };
    let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>().ok_or_else(failed)?;
    let mut text = Zeroizing::new(text.to_vec());
    let aad = Aad::from(binding(VALUE_LABEL, key_id, owner));
    let length = key
        .aead()?
        .open_in_place(Nonce::assume_unique_for_key(*nonce), aad, &mut text)
        .map(|opened| opened.len())
        .map_err(|_| failed())?;
    text.truncate(length);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use fiducia_policy::RandomnessUnavailable;

    use super::*;

    struct Fixed(u8);
    impl Randomness for Fixed {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn a_value_opens_for_its_key_and_owner_only_and_only_unaltered() {
        let (id, other) = (KeyId::from_bytes([1; 16]), KeyId::from_bytes([2; 16]));
        let key = SymmetricKey::generate(&Fixed(3)).unwrap();
        let stranger = SymmetricKey::generate(&Fixed(4)).unwrap();
        let sealed = seal_value((id, &key), &[5; 16], b"anna@example.org", &Fixed(6)).unwrap();
        assert!(!sealed.windows(4).any(|part| part == b"anna"));
        assert_eq!(open_value((id, &key), &[5; 16], &sealed).unwrap().as_slice(), b"anna@example.org");
        assert!(open_value((other, &key), &[5; 16], &sealed).is_err());
        assert!(open_value((id, &stranger), &[5; 16], &sealed).is_err());
        assert!(open_value((id, &key), &[7; 16], &sealed).is_err());
        for place in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[place] ^= 1;
            assert!(open_value((id, &key), &[5; 16], &altered).is_err(), "{place}");
            assert!(open_value((id, &key), &[5; 16], &sealed[..place]).is_err(), "{place}");
        }
        let long = vec![0; SEALED_VALUE_BYTES_MAX + 1];
        assert!(matches!(seal_value((id, &key), &[5; 16], &long, &Fixed(6)), Err(KeyringError::TooLarge)));
    }
}
