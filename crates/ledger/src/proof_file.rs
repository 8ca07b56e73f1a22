//! Proof files that stand alone (C2SP tlog-proof).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::checkpoint::{Checkpoint, parse_decimal, parse_hash};
use crate::error::LedgerError;
use crate::hash::{Hash, leaf_hash};
use crate::merkle::verify_inclusion;
use crate::note::{Note, VerifierKey};

/// First line of the file.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Longest file that is read.
pub const PROOF_BYTES_MAX: usize = 1024 * 1024;

/// Longest path: the tree has at most 2^64 leaves.
const HASHES_MAX: usize = 64;

/// That one entry is in a log, with the checkpoint that says so. [`fmt::Display`] writes the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofFile {
    /// Data beside the proof. Nothing authenticates it.
    pub extra: Option<Vec<u8>>,
    /// Index of the entry.
    pub index: u64,
    /// From the leaf's sibling to the root.
    pub hashes: Vec<Hash>,
    /// The signed note, its cosignatures included.
    pub checkpoint: String,
}

impl ProofFile {
    /// Leaves no signature line but those by `key`. For documents of which every byte is to be checked by whoever has that key: lines by
    /// keys that a verifier does not know are passed over, altered ones too.
    ///
    /// # Errors
    /// When the checkpoint is malformed or has no line by `key`.
    pub fn signed_by_only(&mut self, key: &VerifierKey) -> Result<(), LedgerError> {
        let note = Note::parse(self.checkpoint.as_bytes())?;
        let line = note.line_of(key).ok_or_else(|| LedgerError::NotSigned { key: key.name().to_owned() })?;
        self.checkpoint = format!("{}\n{line}\n", note.text);
        Ok(())
    }

    /// Checks that `entry` is in the log at [`ProofFile::index`], by a checkpoint that one of `keys` signed.
    ///
    /// # Errors
    /// When the checkpoint is not signed by any of `keys`, or the path does not lead from the entry to its root.
    pub fn verify(
        &self,
        entry: &[u8],
        keys: &(impl AsRef<[VerifierKey]> + ?Sized),
    ) -> Result<Checkpoint, LedgerError> {
        let checkpoint = Checkpoint::verify(self.checkpoint.as_bytes(), keys)?;
        if verify_inclusion(&leaf_hash(entry), self.index, checkpoint.size, &self.hashes, &checkpoint.root) {
            Ok(checkpoint)
        } else {
            Err(malformed("its hashes do not lead from this entry to the checkpoint"))
        }
    }
}

fn malformed(reason: &'static str) -> LedgerError {
    LedgerError::MalformedNote { what: "log proof", reason }
}

impl fmt::Display for ProofFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.index)?;
        for hash in &self.hashes {
            writeln!(f, "{}", STANDARD.encode(hash))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for ProofFile {
    type Err = LedgerError;

    fn from_str(text: &str) -> Result<Self, LedgerError> {
        if text.len() > PROOF_BYTES_MAX {
            return Err(malformed("it is longer than 1 MiB"));
        }
        let (head, checkpoint) = text.split_once("\n\n").ok_or_else(|| malformed("it has no checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEADER) {
            return Err(malformed("its first line is not c2sp.org/tlog-proof@v1"));
        }
        let extra = match lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            Some(encoded) => {
                Some(STANDARD.decode(encoded).map_err(|_| malformed("its extra data is not base64"))?)
            }
            None => None,
        };
        if extra.is_some() {
            lines.next();
        }
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(parse_decimal);
        let index = index.ok_or_else(|| malformed("it has no index"))?;
        let hashes: Option<Vec<Hash>> = lines.take(HASHES_MAX + 1).map(parse_hash).collect();
        let hashes = hashes.ok_or_else(|| malformed("a hash is not 32 bytes in base64"))?;
        if hashes.len() > HASHES_MAX {
            return Err(malformed("it has more than 64 hashes"));
        }
        Ok(Self { extra, index, hashes, checkpoint: checkpoint.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_read_back_as_written() {
        for (extra, hashes) in [(None, vec![]), (Some(b"salt".to_vec()), vec![[1; 32], [2; 32]])] {
            let proof =
                ProofFile { extra, index: 7, hashes, checkpoint: "o\n8\nr\n\n\u{2014} o AAAA\n".to_owned() };
            assert_eq!(proof.to_string().parse::<ProofFile>().unwrap(), proof);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let hash = STANDARD.encode([1; 32]);
        for text in [
            String::new(),
            format!("{HEADER}\nindex 1\n{hash}\n"),
            format!("c2sp.org/tlog-proof@v2\nindex 1\n{hash}\n\nx"),
            format!("{HEADER}\nindex 01\n{hash}\n\nx"),
            format!("{HEADER}\n{hash}\n\nx"),
            format!("{HEADER}\nindex 1\nAAAA\n\nx"),
            format!("{HEADER}\nindex 1\n{}\n\nx", vec![hash.clone(); 65].join("\n")),
        ] {
            assert!(text.parse::<ProofFile>().is_err(), "{text}");
        }
    }
}
