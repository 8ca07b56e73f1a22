//! Sealing records and releasing their keys.

use aws_lc_rs::aead::{Aad, NONCE_LEN, Nonce};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hkdf;
use fiducia_policy::{KeyId, OrganizationId, Pseudonym, Randomness, RecordId, ReleaseAuthority};
use zeroize::{Zeroize, Zeroizing};

use crate::KeyringError;
use crate::symmetric::{DATA_KEY_LABEL, SymmetricKey, Wrap, binding, push_part};

/// What a ciphertext is bound to: moving it to another tenant, subject, record or version makes it unreadable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordBinding {
    /// The tenant.
    pub organization: OrganizationId,
    /// The ledger's name for the subject.
    pub pseudonym: Pseudonym,
    /// The record.
    pub record: RecordId,
    /// Version of the plaintext's layout.
    pub schema_version: u16,
    /// Version of the sealing scheme (this module: 1).
    pub key_version: u16,
}

impl RecordBinding {
    /// The sealing scheme of this module.
    pub const KEY_VERSION: u16 = 1;

    fn aad(&self) -> Vec<u8> {
        let mut aad = Vec::with_capacity(96);
        push_part(&mut aad, b"fiducia/record/v1");
        push_part(&mut aad, self.organization.as_bytes());
        push_part(&mut aad, self.pseudonym.as_bytes());
        push_part(&mut aad, self.record.as_bytes());
        push_part(&mut aad, &self.schema_version.to_be_bytes());
        push_part(&mut aad, &self.key_version.to_be_bytes());
        aad
    }
}

/// A sealed record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedRecord {
    /// AES-256-GCM ciphertext with its 16-byte tag at the end.
    pub ciphertext: Vec<u8>,
    /// HKDF-SHA-256 of the data key. GCM does not commit to its key, so this is checked before opening.
    pub commitment: [u8; 32],
}

/// A data key that was just made: it can seal and be wrapped, not open.
#[derive(Debug)]
pub struct FreshDataKey(SymmetricKey);

impl FreshDataKey {
    /// A fresh random data key.
    ///
    /// # Errors
    /// When the random source fails.
    pub fn generate(randomness: &dyn Randomness) -> Result<Self, KeyringError> {
        SymmetricKey::generate(randomness).map(Self)
    }

    /// Wraps this data key for one ground: under `parent`, the last key on the ground's path.
    ///
    /// # Errors
    /// When the random source fails.
    pub fn wrap_under(
        &self,
        parent_id: KeyId,
        parent: &SymmetricKey,
        record: RecordId,
        randomness: &dyn Randomness,
    ) -> Result<Wrap, KeyringError> {
        parent.wrap(&binding(DATA_KEY_LABEL, parent_id, record.as_bytes()), self.0.bytes(), randomness)
    }

    /// Seals `plaintext`, using up the key: one key, one message, so the nonce may be constant.
    ///
    /// # Errors
    /// When the plaintext is too large for one message.
    pub fn seal(self, binding: &RecordBinding, mut plaintext: Vec<u8>) -> Result<SealedRecord, KeyringError> {
        let commitment = commitment(&self.0, binding.record)?;
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        // Room for the tag, so that appending it cannot leave a copy of the plaintext behind in freed memory.
        if plaintext.capacity() < plaintext.len() + 16 {
            let mut roomy = Vec::with_capacity(plaintext.len() + 16);
            roomy.extend_from_slice(&plaintext);
            plaintext.zeroize();
            plaintext = roomy;
        }
        if self.0.aead()?.seal_in_place_append_tag(nonce, Aad::from(binding.aad()), &mut plaintext).is_err() {
            plaintext.zeroize();
            return Err(KeyringError::TooLarge);
        }
        Ok(SealedRecord { ciphertext: plaintext, commitment })
    }
}

/// A released data key: it opens its record.
#[derive(Debug)]
pub struct DataKey {
    key: SymmetricKey,
    record: RecordId,
}

/// Releases the data key of `record` from its wrap under `parent`.
///
/// This is the only way to a [`DataKey`]; what a person consented to is opened without one, by a
/// [`ConsentedKey`](crate::ConsentedKey). INVARIANT: the authority is the ledger's access receipt, so the access entry
/// is durable before this function can be called.
///
/// # Errors
/// When the authority does not cover the record, or the wrap does not open.
pub fn release(
    authority: &dyn ReleaseAuthority,
    record: RecordId,
    parent_id: KeyId,
    parent: &SymmetricKey,
    wrap: &[u8],
) -> Result<DataKey, KeyringError> {
    if !authority.covers(record) {
        return Err(KeyringError::NotCovered(record));
    }
    Ok(DataKey { key: unwrap_data_key(record, parent_id, parent, wrap)?, record })
}

/// Moves the wrap of a record's data key from one parent to another without opening the record: for the survivors when
/// a neighbour is destroyed together with the parent they shared.
///
/// # Errors
/// When the wrap does not open under `from`, or the random source fails.
pub fn rewrap(
    record: RecordId,
    from: (KeyId, &SymmetricKey),
    wrap: &[u8],
    to: (KeyId, &SymmetricKey),
    randomness: &dyn Randomness,
) -> Result<Wrap, KeyringError> {
    let key = unwrap_data_key(record, from.0, from.1, wrap)?;
    to.1.wrap(&binding(DATA_KEY_LABEL, to.0, record.as_bytes()), key.bytes(), randomness)
}

/// Whether a record can still be opened by this path: the read-back after a destruction. The plaintext does not leave
/// this function.
pub fn still_opens(
    parent_id: KeyId,
    parent: &SymmetricKey,
    wrap: &[u8],
    binding: &RecordBinding,
    sealed: &SealedRecord,
) -> bool {
    open_wrapped((parent_id, parent), wrap, binding, sealed).is_ok()
}

/// Opens a record from the wrap of its data key, for the automated needs of this crate.
pub(crate) fn open_wrapped(
    parent: (KeyId, &SymmetricKey),
    wrap: &[u8],
    binding: &RecordBinding,
    sealed: &SealedRecord,
) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
    let key = unwrap_data_key(binding.record, parent.0, parent.1, wrap)?;
    DataKey { key, record: binding.record }.open(binding, sealed)
}

fn unwrap_data_key(
    record: RecordId,
    parent_id: KeyId,
    parent: &SymmetricKey,
    wrap: &[u8],
) -> Result<SymmetricKey, KeyringError> {
    parent.unwrap(&binding(DATA_KEY_LABEL, parent_id, record.as_bytes()), wrap, "a wrapped data key")
}

impl DataKey {
    /// Opens the record. The plaintext is zeroised when dropped.
    ///
    /// # Errors
    /// When the commitment or the ciphertext does not match.
    pub fn open(
        &self,
        binding: &RecordBinding,
        sealed: &SealedRecord,
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let expected = commitment(&self.key, binding.record)?;
        if binding.record != self.record || verify_slices_are_equal(&expected, &sealed.commitment).is_err() {
            return Err(KeyringError::Commitment(binding.record));
        }
        let mut buffer = Zeroizing::new(sealed.ciphertext.clone());
        let nonce = Nonce::assume_unique_for_key([0; NONCE_LEN]);
        let length = self
            .key
            .aead()?
            .open_in_place(nonce, Aad::from(binding.aad()), &mut buffer)
            .map_err(|_| KeyringError::Unauthentic { what: "a record" })?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

fn commitment(key: &SymmetricKey, record: RecordId) -> Result<[u8; 32], KeyringError> {
    struct Length;
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            32
        }
    }
    let mut out = [0_u8; 32];
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"fiducia/commitment/v1")
        .extract(key.bytes())
        .expand(&[record.as_bytes()], Length)
        .and_then(|okm| okm.fill(&mut out))
        .map_err(|_| KeyringError::Commitment(record))?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use fiducia_policy::{EntryProof, RandomnessUnavailable};
    use proptest::prelude::*;

    use super::*;

    struct Counting(AtomicU8);
    impl Randomness for Counting {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable> {
            for byte in bytes {
                *byte = self.0.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        }
    }

    /// An authority for these tests over every record, or none.
    struct Over(bool);
    impl ReleaseAuthority for Over {
        fn covers(&self, _record: RecordId) -> bool {
            self.0
        }
        fn entry(&self) -> EntryProof {
            EntryProof { index: 0, leaf_hash: [0; 32] }
        }
    }

    fn binding_of(record: u8) -> RecordBinding {
        RecordBinding {
            organization: OrganizationId::from_bytes([1; 16]),
            pseudonym: Pseudonym::from_bytes([2; 16]),
            record: RecordId::from_bytes([record; 16]),
            schema_version: 1,
            key_version: RecordBinding::KEY_VERSION,
        }
    }

    fn sealed(plaintext: &[u8]) -> (SymmetricKey, KeyId, Wrap, SealedRecord) {
        let randomness = Counting(AtomicU8::new(0));
        let parent = SymmetricKey::generate(&randomness).unwrap();
        let parent_id = KeyId::from_bytes([9; 16]);
        let data = FreshDataKey::generate(&randomness).unwrap();
        let wrap = data.wrap_under(parent_id, &parent, binding_of(3).record, &randomness).unwrap();
        let sealed = data.seal(&binding_of(3), plaintext.to_vec()).unwrap();
        (parent, parent_id, wrap, sealed)
    }

    proptest! {
        #[test]
        fn what_is_sealed_opens_to_the_same_bytes_and_not_after_any_flip(
            plaintext in proptest::collection::vec(any::<u8>(), 0..600),
            place in any::<proptest::sample::Index>(),
            bit in 0_u8..8,
        ) {
            let (parent, parent_id, wrap, mut record) = sealed(&plaintext);
            let key = release(&Over(true), binding_of(3).record, parent_id, &parent, &wrap).unwrap();
            let opened = key.open(&binding_of(3), &record).unwrap();
            prop_assert_eq!(opened.as_slice(), plaintext.as_slice());

            let index = place.index(record.ciphertext.len());
            record.ciphertext[index] ^= 1 << bit;
            prop_assert!(key.open(&binding_of(3), &record).is_err());

            let mut bad_wrap = wrap;
            let index = place.index(bad_wrap.len());
            bad_wrap[index] ^= 1 << bit;
            prop_assert!(release(&Over(true), binding_of(3).record, parent_id, &parent, &bad_wrap).is_err());
        }
    }

    #[test]
    fn a_record_is_bound_to_tenant_subject_record_and_versions() {
        let (parent, parent_id, wrap, record) = sealed(b"text");
        let key = release(&Over(true), binding_of(3).record, parent_id, &parent, &wrap).unwrap();
        let good = binding_of(3);
        let altered = [
            RecordBinding { organization: OrganizationId::from_bytes([7; 16]), ..good },
            RecordBinding { pseudonym: Pseudonym::from_bytes([7; 16]), ..good },
            RecordBinding { schema_version: 2, ..good },
            RecordBinding { key_version: 2, ..good },
            binding_of(4),
        ];
        for binding in altered {
            assert!(key.open(&binding, &record).is_err(), "{binding:?}");
        }
        assert!(key.open(&good, &record).is_ok());
    }

    #[test]
    fn a_wrong_commitment_is_noticed_before_opening() {
        let (parent, parent_id, wrap, mut record) = sealed(b"text");
        let key = release(&Over(true), binding_of(3).record, parent_id, &parent, &wrap).unwrap();
        record.commitment[0] ^= 1;
        assert!(matches!(key.open(&binding_of(3), &record), Err(KeyringError::Commitment(_))));
    }

    #[test]
    fn an_authority_that_does_not_cover_the_record_releases_nothing() {
        let (parent, parent_id, wrap, _) = sealed(b"text");
        let released = release(&Over(false), binding_of(3).record, parent_id, &parent, &wrap);
        assert!(matches!(released, Err(KeyringError::NotCovered(_))));
    }

    #[test]
    fn a_rewrapped_key_opens_under_the_new_parent_only() {
        let randomness = Counting(AtomicU8::new(77));
        let (parent, parent_id, wrap, record) = sealed(b"text");
        let new_parent = SymmetricKey::generate(&randomness).unwrap();
        let new_id = KeyId::from_bytes([8; 16]);
        let id = binding_of(3).record;
        let moved = rewrap(id, (parent_id, &parent), &wrap, (new_id, &new_parent), &randomness).unwrap();
        assert!(still_opens(new_id, &new_parent, &moved, &binding_of(3), &record));
        assert!(!still_opens(parent_id, &parent, &moved, &binding_of(3), &record));
        assert!(!still_opens(new_id, &new_parent, &wrap, &binding_of(3), &record));
    }

    #[test]
    fn a_wrap_opens_only_under_its_own_ids() {
        let randomness = Counting(AtomicU8::new(0));
        let parent = SymmetricKey::generate(&randomness).unwrap();
        let child = SymmetricKey::generate(&randomness).unwrap();
        let (own, id, other) =
            (KeyId::from_bytes([1; 16]), KeyId::from_bytes([2; 16]), KeyId::from_bytes([3; 16]));
        let wrap = parent.wrap_key(own, id, &child, &randomness).unwrap();
        assert_eq!(parent.unwrap_key(own, id, &wrap).unwrap().bytes(), child.bytes());
        assert!(parent.unwrap_key(own, other, &wrap).is_err());
        assert!(parent.unwrap_key(other, id, &wrap).is_err());
        assert!(child.unwrap_key(own, id, &wrap).is_err());
    }

    #[test]
    fn debug_shows_no_key_material() {
        let randomness = Counting(AtomicU8::new(200));
        let key = SymmetricKey::generate(&randomness).unwrap();
        assert_eq!(format!("{key:?}"), "SymmetricKey(redacted)");
        assert!(!format!("{:?}", FreshDataKey::generate(&randomness).unwrap()).contains("bytes"));
    }
}
