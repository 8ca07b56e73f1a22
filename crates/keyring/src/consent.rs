//! Paths that exist while consent is given: from the root of a purpose to a subject's key, and down from there.
//!
//! The wrap of a subject's key under the root of a purpose has a label of its own, so that no other wrap of the key graph
//! can be taken for one. A [`ConsentedKey`] comes from such a wrap and from nothing else; only with it can a record be
//! opened for a purpose that people are asked about. INVARIANT: without a consent edge there is no [`ConsentedKey`].

use fiducia_policy::{KeyId, Randomness};
use zeroize::Zeroizing;

use crate::record::open_wrapped;
use crate::symmetric::{KEY_LABEL, binding};
use crate::{KeyringError, RecordBinding, SealedRecord, SymmetricKey, Wrap};

const CONSENT_LABEL: &[u8] = b"fiducia/wrap/consent/v1";

/// Wraps a subject's key for a purpose: under the purpose's root. This is what consent opens.
///
/// # Errors
/// When the random source fails.
pub fn wrap_for_consent(
    root: (KeyId, &SymmetricKey),
    child: (KeyId, &SymmetricKey),
    randomness: &dyn Randomness,
) -> Result<Wrap, KeyringError> {
    root.1.wrap(&binding(CONSENT_LABEL, root.0, child.0.as_bytes()), child.1.bytes(), randomness)
}

/// A key that was reached from the root of a purpose through an edge of consent. It opens records for that purpose and
/// does nothing else. It must not outlive the lock under which it was made: a withdrawal waits for that.
#[derive(Debug)]
pub struct ConsentedKey {
    id: KeyId,
    key: SymmetricKey,
}

impl ConsentedKey {
    /// The subject's key `child`, from its wrap under the root of a purpose.
    ///
    /// # Errors
    /// When the wrap is not one of consent, was altered, or belongs to other ids.
    pub fn through(root: (KeyId, &SymmetricKey), child: KeyId, wrap: &[u8]) -> Result<Self, KeyringError> {
        let key =
            root.1.unwrap(&binding(CONSENT_LABEL, root.0, child.as_bytes()), wrap, "an edge of consent")?;
        Ok(Self { id: child, key })
    }

    /// The key `child` below this one, from its ordinary wrap.
    ///
    /// # Errors
    /// When the wrap was altered or belongs to other ids.
    pub fn descend(&self, child: KeyId, wrap: &[u8]) -> Result<Self, KeyringError> {
        let key = self.key.unwrap(&binding(KEY_LABEL, self.id, child.as_bytes()), wrap, "a wrapped key")?;
        Ok(Self { id: child, key })
    }

    /// Opens a record whose data key is wrapped under this key. The plaintext is zeroised when dropped.
    ///
    /// # Errors
    /// When the wrap, the commitment or the ciphertext does not match.
    pub fn open(
        &self,
        wrap: &[u8],
        binding: &RecordBinding,
        sealed: &SealedRecord,
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        open_wrapped((self.id, &self.key), wrap, binding, sealed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use fiducia_policy::{OrganizationId, Pseudonym, RandomnessUnavailable, RecordId};

    use super::*;
    use crate::FreshDataKey;

    struct Counting(AtomicU8);

    impl Randomness for Counting {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable> {
            bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
            Ok(())
        }
    }

    fn id(number: u8) -> KeyId {
        KeyId::from_bytes([number; 16])
    }

    #[test]
    fn only_a_wrap_made_for_consent_leads_from_the_root_of_a_purpose_to_a_record() {
        let randomness = Counting(AtomicU8::new(1));
        let [root, subject, conversation] =
            std::array::from_fn(|_| SymmetricKey::generate(&randomness).unwrap());
        let edge = wrap_for_consent((id(1), &root), (id(2), &subject), &randomness).unwrap();
        let below = subject.wrap_key(id(2), id(3), &conversation, &randomness).unwrap();
        let record = RecordId::from_bytes([9; 16]);
        let bound = RecordBinding {
            organization: OrganizationId::from_bytes([1; 16]),
            pseudonym: Pseudonym::from_bytes([2; 16]),
            record,
            schema_version: 1,
            key_version: RecordBinding::KEY_VERSION,
        };
        let data_key = FreshDataKey::generate(&randomness).unwrap();
        let wrap = data_key.wrap_under(id(3), &conversation, record, &randomness).unwrap();
        let sealed = data_key.seal(&bound, b"said".to_vec()).unwrap();
        let path = ConsentedKey::through((id(1), &root), id(2), &edge).unwrap();
        let path = path.descend(id(3), &below).unwrap();
        assert_eq!(path.open(&wrap, &bound, &sealed).unwrap().as_slice(), b"said");

        let ordinary = root.wrap_key(id(1), id(2), &subject, &randomness).unwrap();
        assert!(ConsentedKey::through((id(1), &root), id(2), &ordinary).is_err(), "an ordinary wrap");
        assert!(ConsentedKey::through((id(1), &subject), id(2), &edge).is_err(), "another root");
        assert!(ConsentedKey::through((id(1), &root), id(4), &edge).is_err(), "another person");
        assert!(root.unwrap_key(id(1), id(2), &edge).is_err(), "nor is it an ordinary wrap");
    }
}
