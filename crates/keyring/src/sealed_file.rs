//! Files sealed for people outside, who open them with a key that was never here.
//!
//! The format is age v1 (age-encryption.org/v1) for X25519 recipients, so that `age --decrypt` and its kin open them.
//! A fresh key for each file is drawn inside of that library, from the system's generator.

use std::io::{self, Write};
use std::str::FromStr;

use crate::KeyringError;

/// Most people a file is sealed for.
pub const FILE_RECIPIENTS_MAX: usize = 100;

/// Somebody a file can be sealed for: an `age1…` public key.
#[derive(Debug, Clone)]
pub struct FileRecipient(age::x25519::Recipient);

impl FromStr for FileRecipient {
    type Err = KeyringError;

    fn from_str(text: &str) -> Result<Self, KeyringError> {
        age::x25519::Recipient::from_str(text).map(Self).map_err(|_| KeyringError::NoRecipient)
    }
}

/// Seals what is written to it for its recipients, with flat memory. Nothing of it can be opened before
/// [`SealedFile::finish`].
pub struct SealedFile<W: Write>(age::stream::StreamWriter<W>);

impl<W: Write> SealedFile<W> {
    /// Begins a file for these people: each of them can open it alone.
    ///
    /// # Errors
    /// When there is nobody, or are too many, or `sink` cannot be written.
    pub fn begin(recipients: &[FileRecipient], sink: W) -> io::Result<Self> {
        let invalid = |reason: &str| io::Error::new(io::ErrorKind::InvalidInput, reason.to_owned());
        if recipients.len() > FILE_RECIPIENTS_MAX {
            return Err(invalid("a file is sealed for at most 100 people"));
        }
        let recipients = recipients.iter().map(|recipient| &recipient.0 as &dyn age::Recipient);
        let encryptor = age::Encryptor::with_recipients(recipients).map_err(|error| match error {
            age::EncryptError::Io(error) => error,
            other => invalid(&other.to_string()),
        })?;
        encryptor.wrap_output(sink).map(Self)
    }

    /// Writes the last part and gives the sink back.
    ///
    /// # Errors
    /// When the sink cannot be written; the file is incomplete then and cannot be opened.
    pub fn finish(self) -> io::Result<W> {
        self.0.finish()
    }
}

impl<W: Write> Write for SealedFile<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn sealed(recipients: &[&age::x25519::Identity], text: &[u8]) -> Vec<u8> {
        let recipients: Vec<FileRecipient> =
            recipients.iter().map(|identity| identity.to_public().to_string().parse().unwrap()).collect();
        let mut file = SealedFile::begin(&recipients, Vec::new()).unwrap();
        file.write_all(text).unwrap();
        file.finish().unwrap()
    }

    fn opened(file: &[u8], identity: &age::x25519::Identity) -> Option<Vec<u8>> {
        let decryptor = age::Decryptor::new(file).ok()?;
        let mut text = Vec::new();
        decryptor
            .decrypt(std::iter::once(identity as &dyn age::Identity))
            .ok()?
            .read_to_end(&mut text)
            .ok()?;
        Some(text)
    }

    #[test]
    fn every_recipient_opens_it_and_nobody_else() {
        let people = [0; 3].map(|_| age::x25519::Identity::generate());
        let text = vec![7; 200_000];
        let file = sealed(&[&people[0], &people[1]], &text);
        assert!(opened(&file, &people[0]).is_some_and(|found| found == text));
        assert!(opened(&file, &people[1]).is_some_and(|found| found == text));
        assert_eq!(opened(&file, &people[2]), None);
        assert!(file.windows(32).all(|window| window != [7; 32]));
    }

    #[test]
    fn a_file_that_was_cut_or_changed_does_not_open() {
        let person = age::x25519::Identity::generate();
        let file = sealed(&[&person], &vec![7; 200_000]);
        assert_eq!(opened(&file[..file.len() - 1], &person), None);
        assert_eq!(opened(&file[..file.len() - 70_000], &person), None);
        let mut changed = file;
        let middle = changed.len() / 2;
        changed[middle] ^= 1;
        assert_eq!(opened(&changed, &person), None);
    }

    #[test]
    fn what_is_no_recipient_is_refused() {
        let secret = age::x25519::Identity::generate();
        for text in
            ["", "age1", "ssh-ed25519 AAAA", age::secrecy::ExposeSecret::expose_secret(&secret.to_string())]
        {
            let refused = text.parse::<FileRecipient>().unwrap_err().to_string();
            assert!(refused.contains("age1") && !refused.contains("SECRET"), "{refused}");
        }
        assert!(SealedFile::begin(&[], Vec::new()).is_err(), "a file for nobody could never be opened");
    }
}
