//! A site's log as files, the programs of others that read it, and what only the owner of its key can do to it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use fiducia_keyring::{KeyManagementService, KeyfileKms, RootBinding, RootWrap};
use fiducia_ledger::{Leaf, Ledger, LogReader, LoggedLeaf, SigningKey, VerifierKey};
use fiducia_policy::{Clock, OrganizationId, Timestamp};
use fiducia_store::{DataDirectory, KeyKind, KeyStore};

use super::site::{LEDGER_ORIGIN, Site, Tenant, list, text};

/// One organisation's log.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    /// The organisation's UUID, which names the folder.
    pub(crate) uuid: String,
    /// The verifier key.
    pub(crate) key: String,
}

impl Log {
    /// The log of a tenant.
    pub(crate) fn of(site: &Site, tenant: &Tenant) -> Self {
        let rows = list(&site.json(&["organizations", "list"]));
        let row = rows.iter().find(|row| text(row, "id") == tenant.organization).unwrap();
        let uuid = tenant.organization.rsplit('_').next().unwrap().to_owned();
        Self { uuid, key: text(row, "ledger_verifier_key") }
    }

    /// Its folder in a data directory.
    pub(crate) fn folder(&self, data: &Path) -> PathBuf {
        data.join("ledger").join(&self.uuid)
    }

    /// How many entries are published in a data directory.
    pub(crate) fn size(&self, data: &Path) -> u64 {
        let note = std::fs::read_to_string(self.folder(data).join("checkpoint")).unwrap_or_default();
        note.lines().nth(1).and_then(|line| line.parse().ok()).unwrap_or(0)
    }

    /// Reads it with the Go project's packages; more arguments are proofs and kept checkpoints.
    pub(crate) fn read_with_go(&self, data: &Path, more: &[&Path]) -> Output {
        Command::new(installed("go/reader"))
            .arg(self.folder(data))
            .arg(&self.key)
            .args(more)
            .output()
            .unwrap()
    }

    /// Reads it with the package aics-tlog; more arguments as above.
    pub(crate) fn read_with_python(&self, data: &Path, more: &[&Path]) -> Output {
        python("read.py").arg(self.folder(data)).arg(&self.key).args(more).output().unwrap()
    }

    /// Does what only who has the data directory and the keyfile can do: writes the log of a data directory anew from its first
    /// entry, each as `edit` gives it back, and signs it with the log's own key.
    pub(crate) fn rewrite(&self, data: &Path, keyfile: &Path, mut edit: impl FnMut(Leaf) -> Option<Leaf>) {
        let organization: OrganizationId = self.uuid.parse().unwrap();
        let key: VerifierKey = self.key.parse().unwrap();
        let reader = LogReader::open(&self.folder(data), &key).unwrap();
        let leaves: Vec<(OrganizationId, Leaf)> = reader
            .entries(0)
            .map(|entry| LoggedLeaf::parse(&entry.unwrap().1).unwrap().leaf)
            .filter_map(|leaf| Some((organization, edit(leaf)?)))
            .collect();
        let elsewhere = tempfile::tempdir().unwrap();
        let root = elsewhere.path().join("ledger");
        let mut ledger =
            Ledger::open(&root, LEDGER_ORIGIN, signing_key(data, keyfile), Arc::new(NoClock)).unwrap();
        for batch in leaves.chunks(1_000) {
            ledger.append(batch).unwrap();
        }
        ledger.publish().unwrap();
        drop(ledger);
        std::fs::remove_dir_all(self.folder(data)).unwrap();
        copy(&root.join(&self.uuid), &self.folder(data));
    }
}

/// The key that signs an installation's logs, opened as the program opens it.
fn signing_key(data: &Path, keyfile: &Path) -> SigningKey {
    let keys = KeyStore::open_for_reading(&DataDirectory::keys(data)).unwrap();
    let program = OrganizationId::from_bytes([0; 16]);
    let node = keys.root(program, KeyKind::LedgerSigning, "").unwrap().unwrap();
    let edge = keys.edge(node.id).unwrap().unwrap();
    let above = edge.parent.unwrap();
    let wrap = keys.service_wrap(above).unwrap().unwrap();
    let wrap = RootWrap { version: wrap.version, bytes: wrap.wrap };
    let binding = RootBinding { organization: program, id: above };
    let key = KeyfileKms::open(keyfile).unwrap().unwrap_root(binding, &wrap).unwrap();
    let key = key.unwrap_key(above, node.id, &edge.wrap).unwrap();
    SigningKey::from_seed(LEDGER_ORIGIN, key.signing_seed()).unwrap()
}

/// Publishing asks for no time.
struct NoClock;

impl Clock for NoClock {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }
}

/// Something that `cargo xtask install` brings.
pub(crate) fn installed(path: &str) -> PathBuf {
    let path = root().join("target/xtask").join(path);
    assert!(path.exists(), "{} is not there; `cargo xtask install` brings it", path.display());
    path
}

/// One of the programs in `tests/readers/python`.
pub(crate) fn python(program: &str) -> Command {
    let mut command = Command::new(installed("readers/bin/python"));
    command.arg(root().join("tests/readers/python").join(program));
    command
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Copies a folder; sockets are left out.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    std::fs::set_permissions(to, std::fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else if path.is_file() {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}
