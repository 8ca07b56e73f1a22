//! Signed notes and their keys (C2SP signed-note): Ed25519 to sign with, Ed25519 and ECDSA P-256 to verify with.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::ecdsa::EcdsaPublicKey;
use crate::error::LedgerError;
use crate::hash::{from_hex, sha256, to_hex};

/// Signature type of an Ed25519 log key.
const ALGORITHM_ED25519: u8 = 0x01;

/// Signature type of an ECDSA P-256 log key.
const ALGORITHM_ECDSA: u8 = 0x02;

/// What stands before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410, section 4).
const ED25519_SPKI_PREFIX: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// Longest note that is read.
pub(crate) const NOTE_BYTES_MAX: u64 = 64 * 1024;

/// Most signature lines that are read; the specification asks for at least 16.
const SIGNATURES_MAX: usize = 100;

/// Seed of an Ed25519 key (RFC 8032, section 5.1.5).
pub const SEED_BYTES: usize = 32;

/// What a signature line starts with: an em dash and a space.
pub(crate) const SIGNATURE_PREFIX: &str = "\u{2014} ";

/// Whether signed notes can carry this key name.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

pub(crate) fn checked_name(name: &str) -> Result<String, LedgerError> {
    if is_name(name) { Ok(name.to_owned()) } else { Err(LedgerError::InvalidName { name: name.to_owned() }) }
}

/// First four bytes of `SHA-256(name || 0x0A || algorithm || key)`.
fn key_id(name: &str, public: &[u8; 32]) -> [u8; 4] {
    let [a, b, c, d, ..] = sha256(&[name.as_bytes(), b"\n", &[ALGORITHM_ED25519], public]);
    [a, b, c, d]
}

/// The secret key that signs checkpoints. One key signs the logs of all organisations; its name, and so its key id,
/// is each log's origin.
#[derive(Clone)]
pub struct SigningKey {
    name: String,
    pair: Arc<Ed25519KeyPair>,
}

impl SigningKey {
    /// The key of this seed under `name`. The seed is overwritten when this returns; drawing and keeping it is the
    /// caller's task.
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

    /// The same key under another name, with the key id that follows from it.
    pub fn renamed(&self, name: &str) -> Result<Self, LedgerError> {
        Ok(Self { name: checked_name(name)?, pair: Arc::clone(&self.pair) })
    }

    /// The public half, for whoever verifies.
    pub fn verifier(&self) -> VerifierKey {
        let mut public = [0_u8; 32];
        // An Ed25519 public key always has 32 bytes.
        for (to, from) in public.iter_mut().zip(self.pair.public_key().as_ref()) {
            *to = *from;
        }
        VerifierKey { name: self.name.clone(), public: PublicKey::Ed25519(public) }
    }

    /// The signed note over `text`, which must end in a newline.
    pub fn sign(&self, text: &str) -> String {
        format!("{text}\n{}", self.signature_line(text))
    }

    /// This key's line under a note over `text`, with its newline.
    pub(crate) fn signature_line(&self, text: &str) -> String {
        let signature = self.pair.sign(text.as_bytes());
        line_with(&self.name, self.verifier().key_id(), signature.as_ref())
    }
}

/// `— name base64(key id || signature)` with its newline.
pub(crate) fn line_with(name: &str, key_id: [u8; 4], signature: &[u8]) -> String {
    let bytes = [key_id.as_slice(), signature].concat();
    format!("{SIGNATURE_PREFIX}{name} {}\n", STANDARD.encode(bytes))
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The bytes of a public key, by its algorithm.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum PublicKey {
    Ed25519([u8; 32]),
    EcdsaP256(EcdsaPublicKey),
}

/// A public log key. Its text form is the `vkey` that other tools take: `name+hex(key id)+base64(0x01 || key)` for Ed25519 and
/// `name+hex(key id)+base64(0x02 || DER SubjectPublicKeyInfo)` for ECDSA P-256.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: String,
    public: PublicKey,
}

impl VerifierKey {
    /// An ECDSA P-256 key under a name.
    ///
    /// # Errors
    /// When signed notes cannot carry the name.
    pub fn ecdsa(name: &str, public: EcdsaPublicKey) -> Result<Self, LedgerError> {
        Ok(Self { name: checked_name(name)?, public: PublicKey::EcdsaP256(public) })
    }

    /// The name that signature lines carry: the log's origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same key under another name, as for the log of another organisation.
    pub fn renamed(&self, name: &str) -> Result<Self, LedgerError> {
        Ok(Self { name: checked_name(name)?, public: self.public.clone() })
    }

    /// The four bytes that tell keys of the same name apart. Those of an ECDSA key do not depend on the name.
    pub fn key_id(&self) -> [u8; 4] {
        match &self.public {
            PublicKey::Ed25519(public) => key_id(&self.name, public),
            PublicKey::EcdsaP256(public) => public.key_id(),
        }
    }

    /// What other formats call the algorithm.
    pub const fn algorithm(&self) -> &'static str {
        match self.public {
            PublicKey::Ed25519(_) => "ed25519",
            PublicKey::EcdsaP256(_) => "ecdsa_p256_sha256",
        }
    }

    /// The key as DER SubjectPublicKeyInfo (RFC 8410, RFC 5480).
    pub fn spki(&self) -> Vec<u8> {
        match &self.public {
            PublicKey::Ed25519(public) => [ED25519_SPKI_PREFIX.as_slice(), public].concat(),
            PublicKey::EcdsaP256(public) => public.spki(),
        }
    }

    /// SHA-256 of [`VerifierKey::spki`]: what is published elsewhere to compare the key with.
    pub fn fingerprint(&self) -> [u8; 32] {
        sha256(&[&self.spki()])
    }

    fn accepts(&self, text: &str, signature: &[u8]) -> bool {
        match &self.public {
            PublicKey::Ed25519(public) => {
                UnparsedPublicKey::new(&ED25519, public).verify(text.as_bytes(), signature).is_ok()
            }
            PublicKey::EcdsaP256(public) => public.accepts(text.as_bytes(), signature),
        }
    }
}

/// One key serves where several may.
impl AsRef<[VerifierKey]> for VerifierKey {
    fn as_ref(&self) -> &[VerifierKey] {
        std::slice::from_ref(self)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = match &self.public {
            PublicKey::Ed25519(public) => [&[ALGORITHM_ED25519], public.as_slice()].concat(),
            PublicKey::EcdsaP256(public) => [&[ALGORITHM_ECDSA], public.spki().as_slice()].concat(),
        };
        write!(f, "{}+{}+{}", self.name, to_hex(&self.key_id()), STANDARD.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Self, LedgerError> {
        let invalid = |reason| LedgerError::InvalidKey { reason };
        let (name, id, key) = key_parts(text)?;
        let public = match key.split_first() {
            Some((&ALGORITHM_ED25519, public)) => {
                PublicKey::Ed25519(public.try_into().map_err(|_| invalid(KEY_FORM))?)
            }
            Some((&ALGORITHM_ECDSA, spki)) => PublicKey::EcdsaP256(EcdsaPublicKey::from_spki(spki)?),
            _ => {
                return Err(invalid(
                    "only Ed25519 (algorithm 1) and ECDSA P-256 (algorithm 2) log keys are supported",
                ));
            }
        };
        let key = Self { name, public };
        if id == Some(key.key_id()) { Ok(key) } else { Err(invalid(KEY_ID_OTHER)) }
    }
}

const KEY_FORM: &str = "expected name+key id+base64";
const KEY_ID_OTHER: &str = "the key id does not belong to this name and key";

/// Name, key id where it has one, and decoded key.
type KeyParts = (String, Option<[u8; 4]>, Vec<u8>);

/// Name, key id and decoded key of `name+hex(key id)+base64(key)`.
fn key_parts(text: &str) -> Result<KeyParts, LedgerError> {
    let invalid = |reason| LedgerError::InvalidKey { reason };
    let form = || invalid(KEY_FORM);
    let (name, rest) = text.split_once('+').ok_or_else(form)?;
    let (id, key) = rest.split_once('+').ok_or_else(form)?;
    let key = STANDARD.decode(key).map_err(|_| invalid("the key is not base64"))?;
    Ok((checked_name(name)?, from_hex(id), key))
}

/// Reads `name+hex(key id)+base64(algorithm || key)`, the form of keys of logs and of witnesses. `other` says what is wrong with a key of
/// another algorithm.
pub(crate) fn verifier_of(
    text: &str,
    (algorithm, other): (u8, &'static str),
    id_of: fn(&str, &[u8; 32]) -> [u8; 4],
) -> Result<(String, [u8; 32]), LedgerError> {
    let invalid = |reason| LedgerError::InvalidKey { reason };
    let (name, id, key) = key_parts(text)?;
    let public = match key.split_first() {
        Some((found, public)) if *found == algorithm => {
            <[u8; 32]>::try_from(public).map_err(|_| invalid(KEY_FORM))?
        }
        _ => return Err(invalid(other)),
    };
    if id != Some(id_of(&name, &public)) {
        return Err(invalid(KEY_ID_OTHER));
    }
    Ok((name, public))
}

/// A note taken apart. Nothing about it is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note<'a> {
    /// What was signed, with its last newline.
    pub(crate) text: &'a str,
    signatures: Vec<NoteSignature<'a>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct NoteSignature<'a> {
    name: &'a str,
    key_id: [u8; 4],
    signature: Vec<u8>,
}

impl<'a> Note<'a> {
    /// Takes a note apart.
    pub(crate) fn parse(note: &'a [u8]) -> Result<Self, LedgerError> {
        let malformed = |reason| LedgerError::MalformedNote { what: "signed note", reason };
        if u64::try_from(note.len()).is_ok_and(|length| length > NOTE_BYTES_MAX) {
            return Err(malformed("it is longer than 64 KiB"));
        }
        let note = std::str::from_utf8(note).map_err(|_| malformed("it is not UTF-8"))?;
        if note.chars().any(|c| c.is_ascii_control() && c != '\n') {
            return Err(malformed("it has control characters"));
        }
        let blank = note.rfind("\n\n").ok_or_else(|| malformed("it has no signatures"))?;
        let (text, lines) = note.split_at(blank + 1);
        let lines = lines.strip_prefix('\n').and_then(|lines| lines.strip_suffix('\n'));
        let lines = lines.ok_or_else(|| malformed("its last line is not complete"))?;
        let signatures: Option<Vec<_>> =
            lines.split('\n').take(SIGNATURES_MAX + 1).map(signature_line).collect();
        let signatures = signatures.ok_or_else(|| malformed("a signature line is malformed"))?;
        if signatures.len() > SIGNATURES_MAX {
            return Err(malformed("it has more than 100 signatures"));
        }
        Ok(Self { text, signatures })
    }

    /// The signatures under a name and key id, without the id.
    pub(crate) fn signatures_of(&self, name: &str, key_id: [u8; 4]) -> impl Iterator<Item = &[u8]> {
        self.signatures
            .iter()
            .filter(move |line| line.name == name && line.key_id == key_id)
            .map(|line| line.signature.as_slice())
    }

    /// The first line by a key, without its newline.
    pub(crate) fn line_of(&self, key: &VerifierKey) -> Option<String> {
        let signature = self.signatures_of(&key.name, key.key_id()).next()?;
        Some(line_with(&key.name, key.key_id(), signature).trim_end().to_owned())
    }

    /// Checks that one of `keys` signed the text. Lines by other keys are ignored; every line by one of these must fit.
    pub(crate) fn verify(&self, keys: &[VerifierKey]) -> Result<(), LedgerError> {
        let mut signed = false;
        for key in keys {
            for signature in self.signatures_of(&key.name, key.key_id()) {
                if !key.accepts(self.text, signature) {
                    return Err(LedgerError::BadSignature { key: key.name.clone() });
                }
                signed = true;
            }
        }
        if signed {
            return Ok(());
        }
        let key = keys.first().map(|key| key.name.clone()).unwrap_or_default();
        Err(LedgerError::NotSigned { key })
    }
}

/// The text of a signed note, with its last newline, once one of `keys` is seen to have signed it and none of them falsely.
///
/// # Errors
/// When the note is malformed, or not signed by any of `keys`.
pub fn verify_note<'a>(
    note: &'a [u8],
    keys: &(impl AsRef<[VerifierKey]> + ?Sized),
) -> Result<&'a str, LedgerError> {
    let note = Note::parse(note)?;
    note.verify(keys.as_ref())?;
    Ok(note.text)
}

/// Who is said to have signed a note. Nothing is verified by this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSigner {
    /// The name.
    pub name: String,
    /// The four bytes that tell keys of the same name apart.
    pub key_id: [u8; 4],
}

/// Who is said to have signed a note, line by line, for those who want to know whose signatures to look for.
///
/// # Errors
/// When the note is malformed.
pub fn signers_of(note: &[u8]) -> Result<Vec<NoteSigner>, LedgerError> {
    let note = Note::parse(note)?;
    let signer = |line: &NoteSignature<'_>| NoteSigner { name: line.name.to_owned(), key_id: line.key_id };
    Ok(note.signatures.iter().map(signer).collect())
}

/// `— name base64(key id || signature)`, without its newline.
fn signature_line(line: &str) -> Option<NoteSignature<'_>> {
    let (name, encoded) = line.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
    let bytes = STANDARD.decode(encoded).ok()?;
    let (key_id, signature) = bytes.split_first_chunk::<4>()?;
    (is_name(name) && !signature.is_empty()).then(|| NoteSignature {
        name,
        key_id: *key_id,
        signature: signature.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, seed: u8) -> SigningKey {
        SigningKey::from_seed(name, Zeroizing::new([seed; 32])).unwrap()
    }

    /// The example key of the Go documentation of signed notes.
    #[test]
    fn a_published_verifier_key_reads_and_writes() {
        let text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
        let key: VerifierKey = text.parse().unwrap();
        assert_eq!((key.name(), key.to_string().as_str()), ("PeterNeumann", text));
        for bad in ["", "a+b", "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"] {
            assert!(bad.parse::<VerifierKey>().is_err(), "{bad}");
        }
    }

    /// The signed example that goes with that key.
    #[test]
    fn a_published_note_verifies() {
        let key: VerifierKey =
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW".parse().unwrap();
        let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
        let signature =
            "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
        let note = format!("{text}\n\u{2014} PeterNeumann {signature}\n");
        Note::parse(note.as_bytes()).unwrap().verify(key.as_ref()).unwrap();
        let altered = note.replace("answer", "Answer");
        assert!(matches!(
            Note::parse(altered.as_bytes()).unwrap().verify(key.as_ref()),
            Err(LedgerError::BadSignature { .. })
        ));
    }

    #[test]
    fn unknown_signatures_are_ignored_and_sixteen_and_more_are_read() {
        let signer = key("log.example/a", 1);
        let note = signer.sign("text\n");
        let mut many = note.clone();
        for number in 0..40 {
            let other = key(&format!("witness{number}"), 7).sign("text\n");
            many.push_str(other.strip_prefix("text\n\n").unwrap());
        }
        Note::parse(many.as_bytes()).unwrap().verify(signer.verifier().as_ref()).unwrap();
        let stranger = key("log.example/a", 2);
        assert!(matches!(
            Note::parse(note.as_bytes()).unwrap().verify(stranger.verifier().as_ref()),
            Err(LedgerError::NotSigned { .. })
        ));
    }

    #[test]
    fn a_false_signature_by_the_known_key_rejects_the_note_even_beside_a_good_one() {
        let signer = key("log.example/a", 1);
        let other = signer.sign("other\n");
        let note = signer.sign("text\n") + other.strip_prefix("other\n\n").unwrap();
        assert!(matches!(
            Note::parse(note.as_bytes()).unwrap().verify(signer.verifier().as_ref()),
            Err(LedgerError::BadSignature { .. })
        ));
    }

    #[test]
    fn malformed_notes_are_refused() {
        for note in [
            "",
            "text\n",
            "text\n\n",
            "text\n\nno dash\n",
            "text\n\n\u{2014} name AAAA\n",
            "a\rb\n\n\u{2014} n AAAAAAA=\n",
        ] {
            assert!(Note::parse(note.as_bytes()).is_err(), "{note:?}");
        }
        let good = key("name", 1).sign("text\n");
        assert!(Note::parse(good.trim_end().as_bytes()).is_err(), "last newline missing");
    }

    #[test]
    fn names_without_form_are_refused_and_debug_shows_no_secret() {
        for name in ["", "a b", "a+b", "a\u{a0}b"] {
            assert!(SigningKey::from_seed(name, Zeroizing::new([0; 32])).is_err(), "{name:?}");
        }
        assert_eq!(format!("{:?}", key("n", 3)), "SigningKey { name: \"n\", .. }");
    }
}
