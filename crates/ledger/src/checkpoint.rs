//! Checkpoints: what the log promises about its entries (C2SP tlog-checkpoint).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::LedgerError;
use crate::hash::Hash;
use crate::log_keys::LogSigner;
use crate::note::{Note, VerifierKey, is_name};

/// A tree head of one log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log: `<prefix>/<organisation uuid>`.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// RFC 6962 tree head over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The three lines that are signed. We write no extension lines.
    fn body(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root))
    }

    /// The note signed with one key.
    #[cfg(test)]
    pub(crate) fn sign(&self, key: &crate::note::SigningKey) -> String {
        key.sign(&self.body())
    }

    /// The note signed with all keys of a pair. Callers must have made the tiles durable first.
    pub(crate) fn sign_with(&self, keys: &LogSigner) -> Result<String, LedgerError> {
        keys.sign(&self.origin, &self.body())
    }

    /// Reads a checkpoint and checks that one of `keys` signed it, none of them falsely, and that its origin is their name.
    /// Extension lines and signatures by unknown keys are tolerated.
    ///
    /// # Errors
    /// When the note is malformed, not signed by any of `keys`, or of another log; also when there is no key.
    pub fn verify(note: &[u8], keys: &(impl AsRef<[VerifierKey]> + ?Sized)) -> Result<Self, LedgerError> {
        let note = Note::parse(note)?;
        let checkpoint = Self::parse_body(note.text)?;
        let keys = keys.as_ref();
        if let Some(other) = keys.iter().find(|key| key.name() != checkpoint.origin) {
            return Err(LedgerError::OtherOrigin {
                expected: other.name().to_owned(),
                found: checkpoint.origin,
            });
        }
        note.verify(keys)?;
        Ok(checkpoint)
    }

    /// Reads a checkpoint whose signatures the caller has verified.
    pub(crate) fn of_verified(note: &[u8]) -> Result<Self, LedgerError> {
        Self::parse_body(Note::parse(note)?.text)
    }

    fn parse_body(text: &str) -> Result<Self, LedgerError> {
        let malformed = |reason| LedgerError::MalformedNote { what: "checkpoint", reason };
        let mut lines = text.lines();
        let origin = lines
            .next()
            .filter(|origin| is_name(origin))
            .ok_or_else(|| malformed("its origin is not a name"))?;
        let size =
            lines.next().and_then(parse_decimal).ok_or_else(|| malformed("its size is not a number"))?;
        let root = lines
            .next()
            .and_then(parse_hash)
            .ok_or_else(|| malformed("its root is not 32 bytes in base64"))?;
        if lines.any(str::is_empty) {
            return Err(malformed("an extension line is empty"));
        }
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

/// A decimal number in its only spelling.
pub(crate) fn parse_decimal(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// A hash in base64.
pub(crate) fn parse_hash(text: &str) -> Option<Hash> {
    STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok())
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::note::SigningKey;

    fn key() -> SigningKey {
        SigningKey::from_seed("log.example/a", Zeroizing::new([1; 32])).unwrap()
    }

    fn check(body: &str, expect: Option<u64>) {
        let note = key().sign(body);
        let size =
            Checkpoint::verify(note.as_bytes(), &key().verifier()).ok().map(|checkpoint| checkpoint.size);
        assert_eq!(size, expect, "{body}");
    }

    #[test]
    fn a_signed_checkpoint_reads_back() {
        let checkpoint = Checkpoint { origin: "log.example/a".to_owned(), size: 7, root: [9; 32] };
        let note = checkpoint.sign(&key());
        assert_eq!(Checkpoint::verify(note.as_bytes(), &key().verifier()).unwrap(), checkpoint);
    }

    #[test]
    fn bodies_are_read_strictly_and_extensions_tolerated() {
        let root = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";
        check(&format!("log.example/a\n7\n{root}\n"), Some(7));
        check(&format!("log.example/a\n7\n{root}\nextension 1\nextension 2\n"), Some(7));
        check(&format!("log.example/a\n07\n{root}\n"), None);
        check(&format!("log.example/a\n+7\n{root}\n"), None);
        check(&format!("log.example/a\n-7\n{root}\n"), None);
        check(&format!("log.example/b\n7\n{root}\n"), None);
        check("log.example/a\n7\nCQkJ\n", None);
        check("log.example/a\n7\n", None);
    }
}
