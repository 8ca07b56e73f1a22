//! A mail server on loopback, started by a test: what it takes lies in a folder.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A mail server that was started by a test.
pub(crate) struct MailServer(Child);

impl MailServer {
    /// Starts it on a port that was free.
    pub(crate) fn start(folder: &Path, port: u16) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().parent().unwrap();
        let python = root.join("target/xtask/python/bin/python");
        assert!(python.exists(), "{} is not there; `cargo xtask install` brings it", python.display());
        let mut child = Command::new(python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/program/mail_server.py"))
            .arg(folder)
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "ready\n");
        Self(child)
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // Its standard input closes, and it ends.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// The mails it took.
pub(crate) fn kept_mails(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "eml")).collect()
}
