//! The logs' verifier keys in a file beside the ledger, so that `ledger` commands need neither the data's lock nor a
//! server. Public keys; a convenience, and no proof against whoever can rewrite the disk.

use std::io::Write;
use std::path::{Path, PathBuf};

use fiducia_ledger::VerifierKey;

use crate::failure::Failure;

const FILE_NAME: &str = "ledger-verifier-keys";

fn path(data_directory: &Path) -> PathBuf {
    data_directory.join(FILE_NAME)
}

/// The keys kept in the data directory.
///
/// # Errors
/// When the file cannot be read or holds something else.
pub(crate) fn read(data_directory: &Path) -> Result<Vec<VerifierKey>, Failure> {
    let path = path(data_directory);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(Failure::File { doing: "read the verifier keys in", path, cause }),
    };
    let lines = text.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| {
            line.parse().map_err(|error| Failure::Ledger(format!("{}: {error}; use --key", path.display())))
        })
        .collect()
}

/// Keeps `keys` in the data directory, replacing what was there in one step.
///
/// # Errors
/// When the directory cannot be written.
pub(crate) fn write(data_directory: &Path, keys: &[String]) -> Result<(), Failure> {
    let path = path(data_directory);
    let text = keys.join("\n") + "\n";
    if std::fs::read_to_string(&path).is_ok_and(|present| present == text) {
        return Ok(());
    }
    let fresh = path.with_extension(format!("new-{}", std::process::id()));
    let written = std::fs::File::create(&fresh)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&fresh, &path));
    written.map_err(|cause| Failure::File { doing: "keep the verifier keys in", path, cause })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_and_a_missing_file_holds_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap().is_empty());
        let signer = fiducia_ledger::SigningKey::from_seed("ledger.example/one", [7; 32].into()).unwrap();
        write(folder.path(), &[signer.verifier().to_string()]).unwrap();
        assert_eq!(read(folder.path()).unwrap(), vec![signer.verifier()]);
        write(folder.path(), &["nonsense".to_owned()]).unwrap();
        assert!(read(folder.path()).unwrap_err().to_string().contains("--key"));
    }
}
