//! The demo's directory.

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use fiducia_keyring::KeyfileKms;

use crate::arguments::DemoArguments;
use crate::edge::SystemRandomness;
use crate::failure::Failure;

const FIRST_LINE: &str = "# Written by `fiducia demo`; written anew by each run.";

/// A directory that is the demo's own.
pub(super) struct Place {
    directory: PathBuf,
}

impl Place {
    /// Makes the directory and its keyfile, or takes up those of an earlier demo.
    ///
    /// # Errors
    /// When the directory is something else's, or cannot be written.
    pub(super) fn prepare(directory: &Path) -> Result<Self, Failure> {
        let failed =
            |cause| Failure::File { doing: "make the demo directory", path: directory.to_owned(), cause };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(failed)?;
        let place = Self { directory: directory.canonicalize().map_err(failed)? };
        let is_empty = std::fs::read_dir(&place.directory).map_err(failed)?.next().is_none();
        let is_ours =
            std::fs::read_to_string(place.configuration()).is_ok_and(|text| text.starts_with(FIRST_LINE));
        if !is_empty && !is_ours {
            return Err(Failure::Argument(format!(
                "{} holds something that is no demo; it was left alone. Name another place with --directory",
                directory.display()
            )));
        }
        if !is_ours {
            // The mark comes first: whatever interrupts the rest, the directory is known again as a demo's, and a
            // directory with a keyfile and no mark is a real installation whose configuration must not be replaced.
            let path = place.configuration();
            std::fs::write(&path, format!("{FIRST_LINE}\n")).map_err(|cause| Failure::File {
                doing: "write the demo's configuration to",
                path,
                cause,
            })?;
        }
        if !place.keyfile().exists() {
            KeyfileKms::create(&place.keyfile(), &SystemRandomness).map_err(Failure::Keyfile)?;
        }
        Ok(place)
    }

    /// The directory, absolute.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The demo's configuration file.
    pub(super) fn configuration(&self) -> PathBuf {
        self.directory.join("fiducia.toml")
    }

    /// The samples of one person.
    pub(super) fn samples(&self, person: &str) -> PathBuf {
        self.directory.join(format!("samples-{person}.jsonl"))
    }

    fn keyfile(&self) -> PathBuf {
        self.directory.join("root.key")
    }

    /// Writes the configuration of this run.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write_configuration(
        &self,
        arguments: &DemoArguments,
        model: SocketAddr,
    ) -> Result<(), Failure> {
        let text = format!(
            r#"{FIRST_LINE}

[data]
directory = "data"
keyfile = "root.key"
ledger_origin = "demo.invalid/fiducia"

[gateway]
listen = "{gateway}"
default_anthropic = "scripted"
default_openai = "scripted"

# A model that only knows its script; no real provider is contacted.
[providers.scripted]
kind = "compatible"
base_url = "http://{model}"

[operations]
listen = "{operations}"

[log]
filter = "warn"
"#,
            gateway = arguments.listen,
            operations = arguments.operations,
        );
        let path = self.configuration();
        std::fs::write(&path, text).map_err(|cause| Failure::File {
            doing: "write the demo's configuration to",
            path,
            cause,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_with_other_things_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("letter.txt"), "dear").unwrap();
        assert!(Place::prepare(folder.path()).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_real_installation_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (keyfile, configuration) = (folder.path().join("root.key"), folder.path().join("fiducia.toml"));
        KeyfileKms::create(&keyfile, &SystemRandomness).unwrap();
        assert!(Place::prepare(folder.path()).is_err(), "a keyfile alone does not make a demo");
        std::fs::write(&configuration, "[data]\n").unwrap();
        assert!(Place::prepare(folder.path()).is_err());
        assert_eq!(std::fs::read_to_string(&configuration).unwrap(), "[data]\n");
    }

    #[test]
    fn a_demo_that_was_interrupted_at_once_is_taken_up_again() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::prepare(folder.path()).unwrap();
        std::fs::remove_file(place.keyfile()).unwrap();
        Place::prepare(folder.path()).unwrap();
        assert!(place.keyfile().exists());
    }

    #[test]
    fn a_demo_is_taken_up_again_with_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("demo");
        let first = Place::prepare(&directory).unwrap();
        let key = std::fs::read(first.keyfile()).unwrap();
        Place::prepare(&directory).unwrap();
        assert_eq!(std::fs::read(first.keyfile()).unwrap(), key);
    }
}
