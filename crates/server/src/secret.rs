//! Secrets that the configuration points at.

use std::fmt;
use std::path::PathBuf;

use zeroize::Zeroizing;

/// The longest secret that is read, from a file or the environment.
pub const SECRET_BYTES_MAX: u64 = 16 * 1024;

/// Where a secret is read from. The configuration never holds the secret itself.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum SecretSource {
    /// A file whose whole content is the secret; white space around it is dropped.
    File(PathBuf),
    /// The name of an environment variable.
    Environment(String),
}

/// Why a secret could not be read. The texts never contain the secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretUnreadable {
    /// The file could not be read.
    #[error("the secret file {} cannot be read: {cause}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The file is too large to be a key.
    #[error("the secret file {} has more than {SECRET_BYTES_MAX} bytes; it should hold one key and nothing else", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
    },
    /// The environment variable is not set.
    #[error(
        "the environment variable {name} is not set; export it with the provider's key, or name a file instead"
    )]
    NotSet {
        /// Which variable.
        name: String,
    },
    /// The secret is empty or holds bytes that no HTTP header may carry.
    #[error(
        "the secret in {place} is empty or holds characters that are not visible ASCII; it should hold one key"
    )]
    NotAKey {
        /// Where it was read.
        place: String,
    },
}

/// A secret text: overwritten when dropped, never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes `text` as a secret.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Reads the secret that `source` points at.
    ///
    /// # Errors
    /// When it cannot be read or is not one line of visible ASCII.
    pub fn read(source: &SecretSource) -> Result<Self, SecretUnreadable> {
        let (text, place) = match source {
            SecretSource::File(path) => {
                let unreadable = |cause| SecretUnreadable::File { path: path.clone(), cause };
                let length = std::fs::metadata(path).map_err(unreadable)?.len();
                if length > SECRET_BYTES_MAX {
                    return Err(SecretUnreadable::TooLarge { path: path.clone() });
                }
                (
                    Zeroizing::new(std::fs::read_to_string(path).map_err(unreadable)?),
                    path.display().to_string(),
                )
            }
            SecretSource::Environment(name) => match std::env::var(name) {
                Ok(text) => (Zeroizing::new(text), format!("the environment variable {name}")),
                Err(_) => return Err(SecretUnreadable::NotSet { name: name.clone() }),
            },
        };
        let trimmed = text.trim();
        if trimmed.is_empty() || !trimmed.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SecretUnreadable::NotAKey { place });
        }
        Ok(Self::new(trimmed.to_owned()))
    }

    /// The secret itself. Do not store or log what this returns.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gives_its_content_without_the_line_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        std::fs::write(&path, "sk-test-1\n").unwrap();
        let secret = Secret::read(&SecretSource::File(path)).unwrap();
        assert_eq!(secret.expose(), "sk-test-1");
        assert_eq!(format!("{secret:?}"), "Secret(redacted)");
    }

    #[test]
    fn empty_missing_and_oversized_files_are_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        let read = || Secret::read(&SecretSource::File(path.clone())).unwrap_err().to_string();
        assert!(read().contains("cannot be read"));
        std::fs::write(&path, " \n").unwrap();
        assert!(read().contains("is empty"));
        std::fs::write(&path, "two words").unwrap();
        assert!(read().contains("not visible ASCII"));
        std::fs::write(&path, vec![b'a'; 20_000]).unwrap();
        assert!(read().contains("more than"));
    }
}
