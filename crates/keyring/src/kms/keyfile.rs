//! The key management service for small installations: a file.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fiducia_policy::Randomness;
use zeroize::Zeroizing;

use super::{KeyManagementService, KmsError, KmsProblem, RootBinding, RootWrap};
use crate::KeyringError;
use crate::symmetric::SymmetricKey;

/// The KMS for small installations: a root key in a file that only its owner may read, kept apart from the data.
///
/// Format: one line, `fiducia-keyfile-v1 ` and 32 random bytes in base64. Who has this file and the data directory
/// can read everything; who has only one of them can read nothing.
#[derive(Debug)]
pub struct KeyfileKms {
    root: SymmetricKey,
}

const KEYFILE_HEADER: &str = "fiducia-keyfile-v1 ";
const KEYFILE_BYTES_MAX: u64 = 256;

impl KeyfileKms {
    /// Writes a new keyfile with mode 0600 and forces it to disk.
    ///
    /// # Errors
    /// When a file is there already (it is never overwritten: that would make all data unreadable) or cannot be
    /// written.
    pub fn create(path: &Path, randomness: &dyn Randomness) -> Result<(), KeyringError> {
        let failed = |problem: String| KeyringError::Keyfile { path: path.to_owned(), problem };
        let key = SymmetricKey::generate(randomness)?;
        let line = Zeroizing::new(format!("{KEYFILE_HEADER}{}\n", STANDARD.encode(key.bytes())));
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(|error| {
                if error.kind() == std::io::ErrorKind::AlreadyExists {
                    failed("exists already; it was left alone, because overwriting it would make all data unreadable".into())
                } else {
                    failed(format!("could not be created: {error}"))
                }
            })?;
        file.write_all(line.as_bytes())
            .and_then(|()| file.sync_all())
            .and_then(|()| sync_parent(path))
            .map_err(|error| failed(format!("could not be written: {error}")))
    }

    /// Opens a keyfile.
    ///
    /// # Errors
    /// When it is missing, readable by others than its owner, or not a keyfile.
    pub fn open(path: &Path) -> Result<Self, KeyringError> {
        let failed = |problem: String| KeyringError::Keyfile { path: path.to_owned(), problem };
        let file = File::open(path).map_err(|error| {
            failed(format!("could not be opened: {error}; create one with `fiducia keyfile create`"))
        })?;
        let metadata = file.metadata().map_err(|error| failed(format!("could not be examined: {error}")))?;
        if metadata.mode() & 0o077 != 0 {
            return Err(failed(format!(
                "may be read by others (mode {:04o}); run `chmod 600` on it",
                metadata.mode() & 0o7777
            )));
        }
        let mut text = Zeroizing::new(String::new());
        file.take(KEYFILE_BYTES_MAX)
            .read_to_string(&mut text)
            .map_err(|error| failed(format!("could not be read: {error}")))?;
        let encoded = text.strip_prefix(KEYFILE_HEADER).map(str::trim_end);
        let bytes = encoded
            .and_then(|encoded| STANDARD.decode(encoded).ok().map(Zeroizing::new))
            .ok_or_else(|| failed("is not a keyfile of this program".into()))?;
        Ok(Self { root: SymmetricKey::from_bytes(&bytes, "the keyfile's key")? })
    }

    /// Opens a root that an earlier version of the program wrapped with the file's key directly.
    ///
    /// # Errors
    /// When the wrap is not of this file, or of another organisation or key.
    pub fn unwrap_direct(&self, binding: RootBinding, wrap: &[u8]) -> Result<SymmetricKey, KeyringError> {
        self.root.unwrap(&binding.authenticated_data(), wrap, "a tenant's root key")
    }

    fn failed(detail: &str) -> KmsError {
        let key = String::new();
        KmsError {
            service: "the keyfile".to_owned(),
            key,
            problem: KmsProblem::WrongKey,
            detail: detail.to_owned(),
        }
    }
}

impl KeyManagementService for KeyfileKms {
    fn wrap_root(
        &self,
        binding: RootBinding,
        key: &SymmetricKey,
        randomness: &dyn Randomness,
    ) -> Result<RootWrap, KmsError> {
        let wrap = self.root.wrap(&binding.authenticated_data(), key.bytes(), randomness);
        let bytes = wrap.map_err(|error| Self::failed(&error.to_string()))?.to_vec();
        Ok(RootWrap { version: String::new(), bytes })
    }

    fn unwrap_root(&self, binding: RootBinding, wrap: &RootWrap) -> Result<SymmetricKey, KmsError> {
        self.unwrap_direct(binding, &wrap.bytes)
            .map_err(|_| Self::failed("it is not the one the data was written with, or the wrap was altered"))
    }

    fn is_local(&self) -> bool {
        true
    }
}

fn sync_parent(path: &Path) -> std::io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use fiducia_policy::{KeyId, OrganizationId, RandomnessUnavailable};

    use super::*;

    struct Fixed(u8);
    impl Randomness for Fixed {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomnessUnavailable> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn a_keyfile_wraps_per_tenant_and_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        KeyfileKms::create(&path, &Fixed(7)).unwrap();
        assert!(KeyfileKms::create(&path, &Fixed(8)).unwrap_err().to_string().contains("left alone"));

        let kms = KeyfileKms::open(&path).unwrap();
        let key = SymmetricKey::generate(&Fixed(3)).unwrap();
        let id = KeyId::from_bytes([5; 16]);
        let of = |tenant: u8| RootBinding { organization: OrganizationId::from_bytes([tenant; 16]), id };
        let wrap = kms.wrap_root(of(1), &key, &Fixed(1)).unwrap();
        assert_eq!(kms.unwrap_root(of(1), &wrap).unwrap().bytes(), key.bytes());
        assert!(kms.unwrap_root(of(2), &wrap).is_err(), "bound to its tenant");
    }

    #[test]
    fn a_keyfile_others_can_read_is_refused_with_the_fix() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        KeyfileKms::create(&path, &Fixed(7)).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(KeyfileKms::open(&path).unwrap_err().to_string().contains("chmod 600"));
    }

    #[test]
    fn something_else_is_not_taken_for_a_keyfile() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.key");
        std::fs::write(&path, "hello").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(KeyfileKms::open(&path).unwrap_err().to_string().contains("not a keyfile"));
    }
}
