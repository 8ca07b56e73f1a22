//! Signed notes and their Ed25519 keys (C2SP signed-note).

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::error::LedgerError;
use crate::hash::{from_hex, sha256, to_hex};

/// Signature type of an Ed25519 log key.
const ALGORITHM_ED25519: u8 = 0x01;

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
        VerifierKey { name: self.name.clone(), public }
    }

    /// The signed note over `text`, which must end in a newline.
    pub fn sign(&self, text: &str) -> String {
        let verifier = self.verifier();
        let mut signature = key_id(&self.name, &verifier.public).to_vec();
        signature.extend_from_slice(self.pair.sign(text.as_bytes()).as_ref());
        format!("{text}\n{SIGNATURE_PREFIX}{} {}\n", self.name, STANDARD.encode(signature))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A public log key. Its text form is the `vkey` that other tools take: `name+hex(key id)+base64(0x01 || key)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    public: [u8; 32],
}

impl VerifierKey {
    /// The name that signature lines carry: the log's origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same key under another name, as for the log of another organisation.
    pub fn renamed(&self, name: &str) -> Result<Self, LedgerError> {
        Ok(Self { name: checked_name(name)?, public: self.public })
    }

    /// The four bytes that tell keys of the same name apart.
    pub fn key_id(&self) -> [u8; 4] {
        key_id(&self.name, &self.public)
    }

    fn accepts(&self, text: &str, signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.public).verify(text.as_bytes(), signature).is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ALGORITHM_ED25519];
        key.extend_from_slice(&self.public);
        write!(f, "{}+{}+{}", self.name, to_hex(&self.key_id()), STANDARD.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Self, LedgerError> {
        const OTHER: &str = "only Ed25519 log keys (algorithm 1) are supported";
        let (name, public) = verifier_of(text, (ALGORITHM_ED25519, OTHER), key_id)?;
        Ok(Self { name, public })
    }
}

/// Reads `name+hex(key id)+base64(algorithm || key)`, the form of keys of logs and of witnesses. `other` says what is wrong with a key of
/// another algorithm.
pub(crate) fn verifier_of(
    text: &str,
    (algorithm, other): (u8, &'static str),
    id_of: fn(&str, &[u8; 32]) -> [u8; 4],
) -> Result<(String, [u8; 32]), LedgerError> {
    let invalid = |reason| LedgerError::InvalidKey { reason };
    let form = || invalid("expected name+key id+base64");
    let (name, rest) = text.split_once('+').ok_or_else(form)?;
    let (id, key) = rest.split_once('+').ok_or_else(form)?;
    let name = checked_name(name)?;
    let key = STANDARD.decode(key).map_err(|_| invalid("the key is not base64"))?;
    let public = match key.split_first() {
        Some((found, public)) if *found == algorithm => <[u8; 32]>::try_from(public).map_err(|_| form())?,
        _ => return Err(invalid(other)),
    };
    if from_hex(id) != Some(id_of(&name, &public)) {
        return Err(invalid("the key id does not belong to this name and key"));
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
        let bytes = [key.key_id().as_slice(), signature].concat();
        Some(format!("{SIGNATURE_PREFIX}{} {}", key.name, STANDARD.encode(bytes)))
    }

    /// Checks that `key` signed the text. Lines by other keys are ignored; every line by this key must fit.
    pub(crate) fn verify(&self, key: &VerifierKey) -> Result<(), LedgerError> {
        let mut lines = self
            .signatures
            .iter()
            .filter(|line| line.name == key.name && line.key_id == key.key_id())
            .peekable();
        if lines.peek().is_none() {
            return Err(LedgerError::NotSigned { key: key.name.clone() });
        }
        if lines.all(|line| key.accepts(self.text, &line.signature)) {
            Ok(())
        } else {
            Err(LedgerError::BadSignature { key: key.name.clone() })
        }
    }
}

/// The text of a signed note, with its last newline, once `key` is seen to have signed it.
///
/// # Errors
/// When the note is malformed, or not signed by `key`.
pub fn verify_note<'a>(note: &'a [u8], key: &VerifierKey) -> Result<&'a str, LedgerError> {
    let note = Note::parse(note)?;
    note.verify(key)?;
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
        Note::parse(note.as_bytes()).unwrap().verify(&key).unwrap();
        let altered = note.replace("answer", "Answer");
        assert!(matches!(
            Note::parse(altered.as_bytes()).unwrap().verify(&key),
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
        Note::parse(many.as_bytes()).unwrap().verify(&signer.verifier()).unwrap();
        let stranger = key("log.example/a", 2);
        assert!(matches!(
            Note::parse(note.as_bytes()).unwrap().verify(&stranger.verifier()),
            Err(LedgerError::NotSigned { .. })
        ));
    }

    #[test]
    fn a_false_signature_by_the_known_key_rejects_the_note_even_beside_a_good_one() {
        let signer = key("log.example/a", 1);
        let other = signer.sign("other\n");
        let note = signer.sign("text\n") + other.strip_prefix("other\n\n").unwrap();
        assert!(matches!(
            Note::parse(note.as_bytes()).unwrap().verify(&signer.verifier()),
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
