//! Cosignatures: a witness says that it saw a checkpoint, and when (C2SP tlog-cosignature, version 1).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fiducia_policy::{Randomness, Timestamp};
use zeroize::Zeroizing;

use crate::error::LedgerError;
use crate::hash::{from_hex, sha256, to_hex};
use crate::note::{Note, SEED_BYTES, SIGNATURE_PREFIX, checked_name, verifier_of};

/// Signature type of an Ed25519 cosignature with its time.
const ALGORITHM_COSIGNATURE: u8 = 0x04;
/// A time in big-endian seconds, and an Ed25519 signature.
const COSIGNATURE_BYTES: usize = 8 + 64;
/// What the text of a secret key begins with.
const SECRET_PREFIX: &str = "PRIVATE+KEY+";

fn key_id(name: &str, public: &[u8; 32]) -> [u8; 4] {
    let [a, b, c, d, ..] = sha256(&[name.as_bytes(), b"\n", &[ALGORITHM_COSIGNATURE], public]);
    [a, b, c, d]
}

/// What a witness signs: the time, and the checkpoint's text.
fn signed_text(seconds: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}

/// The secret key of a witness.
#[derive(Clone)]
pub struct WitnessKey {
    name: String,
    pair: Arc<Ed25519KeyPair>,
}

impl WitnessKey {
    /// The key of this seed under the witness's name. The seed is overwritten when this returns.
    ///
    /// # Errors
    /// When the name has white space or `+`, or the library refuses the seed.
    pub fn from_seed(name: &str, seed: Zeroizing<[u8; SEED_BYTES]>) -> Result<Self, LedgerError> {
        let name = checked_name(name)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_slice())
            .map_err(|_| LedgerError::InvalidKey { reason: "the seed was refused" })?;
        drop(seed);
        Ok(Self { name, pair: Arc::new(pair) })
    }

    /// The secret text of a new key: `PRIVATE+KEY+name+hex(key id)+base64(0x04 || seed)`, the form in which the Go tools keep theirs.
    /// It is overwritten when it is dropped.
    ///
    /// # Errors
    /// When the name has white space or `+`, or there is no randomness.
    pub fn create(name: &str, randomness: &dyn Randomness) -> Result<Zeroizing<String>, LedgerError> {
        let mut seed = Zeroizing::new([0_u8; SEED_BYTES]);
        randomness
            .fill(&mut *seed)
            .map_err(|_| LedgerError::InvalidKey { reason: "there is no randomness to make it of" })?;
        let key = Self::from_seed(name, seed.clone())?;
        let mut secret = Zeroizing::new(vec![ALGORITHM_COSIGNATURE]);
        secret.extend_from_slice(&*seed);
        let encoded = Zeroizing::new(STANDARD.encode(&*secret));
        Ok(Zeroizing::new(format!(
            "{SECRET_PREFIX}{}+{}+{}\n",
            key.name,
            to_hex(&key.verifier().key_id()),
            *encoded
        )))
    }

    /// Reads the secret text of a key.
    ///
    /// # Errors
    /// When it does not have that form, or its id is another key's.
    pub fn read(text: &str) -> Result<Self, LedgerError> {
        let invalid = |reason| LedgerError::InvalidKey { reason };
        let form = || invalid("expected PRIVATE+KEY+name+key id+base64");
        let text = text.trim_end().strip_prefix(SECRET_PREFIX).ok_or_else(form)?;
        let (name, rest) = text.split_once('+').ok_or_else(form)?;
        let (id, secret) = rest.split_once('+').ok_or_else(form)?;
        let secret = Zeroizing::new(STANDARD.decode(secret).map_err(|_| invalid("the key is not base64"))?);
        let seed = match secret.split_first() {
            Some((&ALGORITHM_COSIGNATURE, seed)) => <[u8; SEED_BYTES]>::try_from(seed).map_err(|_| form())?,
            _ => return Err(invalid("a witness's key has algorithm 4")),
        };
        let key = Self::from_seed(name, Zeroizing::new(seed))?;
        if from_hex(id) != Some(key.verifier().key_id()) {
            return Err(invalid("the key id does not belong to this name and key"));
        }
        Ok(key)
    }

    /// The public half, for whoever verifies.
    pub fn verifier(&self) -> CosignerKey {
        let mut public = [0_u8; 32];
        // An Ed25519 public key always has 32 bytes.
        for (to, from) in public.iter_mut().zip(self.pair.public_key().as_ref()) {
            *to = *from;
        }
        CosignerKey { name: self.name.clone(), public }
    }

    /// The line that says that this witness saw a checkpoint with this text at `now`, with its newline.
    pub(crate) fn cosign(&self, text: &str, now: Timestamp) -> String {
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let verifier = self.verifier();
        let mut signature = verifier.key_id().to_vec();
        signature.extend_from_slice(&seconds.to_be_bytes());
        signature.extend_from_slice(self.pair.sign(signed_text(seconds, text).as_bytes()).as_ref());
        format!("{SIGNATURE_PREFIX}{} {}\n", self.name, STANDARD.encode(signature))
    }
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WitnessKey").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The public key of a witness. Its text form is `name+hex(key id)+base64(0x04 || key)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CosignerKey {
    name: String,
    public: [u8; 32],
}

impl CosignerKey {
    /// The witness's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The four bytes that tell keys of the same name apart.
    pub fn key_id(&self) -> [u8; 4] {
        key_id(&self.name, &self.public)
    }

    /// When this witness cosigned a checkpoint: the latest of its lines. Lines by others are ignored; every line by this key must
    /// fit.
    ///
    /// # Errors
    /// When the note is malformed, not cosigned by this key, or has a line of it that does not fit.
    pub fn cosigned_at(&self, note: &[u8]) -> Result<Timestamp, LedgerError> {
        let note = Note::parse(note)?;
        let mut latest = None;
        for signature in note.signatures_of(&self.name, self.key_id()) {
            let at = self
                .accepted(note.text, signature)
                .ok_or_else(|| LedgerError::BadSignature { key: self.name.clone() })?;
            latest = latest.max(Some(at));
        }
        latest.ok_or_else(|| LedgerError::NotSigned { key: self.name.clone() })
    }

    fn accepted(&self, text: &str, signature: &[u8]) -> Option<Timestamp> {
        let signature: &[u8; COSIGNATURE_BYTES] = signature.try_into().ok()?;
        let (time, signature) = signature.split_first_chunk::<8>()?;
        let seconds = u64::from_be_bytes(*time);
        UnparsedPublicKey::new(&ED25519, self.public)
            .verify(signed_text(seconds, text).as_bytes(), signature)
            .ok()?;
        Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
    }
}

impl fmt::Display for CosignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ALGORITHM_COSIGNATURE];
        key.extend_from_slice(&self.public);
        write!(f, "{}+{}+{}", self.name, to_hex(&self.key_id()), STANDARD.encode(key))
    }
}

impl FromStr for CosignerKey {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Self, LedgerError> {
        const OTHER: &str = "only Ed25519 cosignature keys (algorithm 4) are supported for witnesses";
        let (name, public) = verifier_of(text, (ALGORITHM_COSIGNATURE, OTHER), key_id)?;
        Ok(Self { name, public })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::note::SigningKey;

    fn witness(seed: u8) -> WitnessKey {
        WitnessKey::from_seed("witness.example/w", Zeroizing::new([seed; 32])).unwrap()
    }

    fn note() -> String {
        let key = SigningKey::from_seed("log.example/a", Zeroizing::new([1; 32])).unwrap();
        key.sign("log.example/a\n1\nCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n")
    }

    fn text(note: &str) -> &str {
        note.split("\n\n").next().unwrap()
    }

    #[test]
    fn a_cosigned_checkpoint_says_when_and_by_whom() {
        let at = Timestamp::from_second(1_700_000_000).unwrap();
        let later = Timestamp::from_second(1_700_000_060).unwrap();
        let key = witness(2);
        let body = format!("{}\n", text(&note()));
        let cosigned = note() + &key.cosign(&body, at) + &key.cosign(&body, later);
        assert_eq!(key.verifier().cosigned_at(cosigned.as_bytes()).unwrap(), later);
        assert!(matches!(
            witness(3).verifier().cosigned_at(cosigned.as_bytes()),
            Err(LedgerError::NotSigned { .. })
        ));
        assert!(matches!(key.verifier().cosigned_at(note().as_bytes()), Err(LedgerError::NotSigned { .. })));
        let altered = cosigned.replacen("\n1\n", "\n2\n", 1);
        assert!(matches!(
            key.verifier().cosigned_at(altered.as_bytes()),
            Err(LedgerError::BadSignature { .. })
        ));
    }

    #[test]
    fn keys_are_read_as_they_are_written_and_log_keys_are_none() {
        let key = witness(4).verifier();
        assert_eq!(key.to_string().parse::<CosignerKey>().unwrap(), key);
        let log = SigningKey::from_seed("witness.example/w", Zeroizing::new([4; 32])).unwrap().verifier();
        assert!(log.to_string().parse::<CosignerKey>().is_err());
        assert_ne!(log.key_id(), key.key_id(), "the same key as a log is another key");
        assert!(!format!("{:?}", witness(5)).contains("pair"));
    }

    struct Sevens;

    impl Randomness for Sevens {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), fiducia_policy::RandomnessUnavailable> {
            bytes.fill(7);
            Ok(())
        }
    }

    #[test]
    fn a_secret_key_is_read_as_it_is_written() {
        let text = WitnessKey::create("witness.example/w", &Sevens).unwrap();
        let key = WitnessKey::read(&text).unwrap();
        assert_eq!(key.verifier(), witness(7).verifier());
        for bad in ["", "PRIVATE+KEY+a+b", &text.replace("witness.example", "other.example")] {
            assert!(WitnessKey::read(bad).is_err(), "{bad:?}");
        }
    }
}
