//! What a world leaves behind: its log, its files.

use std::path::{Path, PathBuf};

use fiducia_custody::{AuditSettings, AuditedLog, LogAuditReport, audit};
use fiducia_ledger::{Event, LogReader, LoggedLeaf, VerifierKey, verify_log};

use super::World;

impl World {
    fn log_directory(&self) -> PathBuf {
        self.data().join("ledger").join(self.organization.uuid())
    }

    pub(crate) fn verify_ledger(&mut self) {
        let open = self.custody.is_some();
        self.close();
        let key: VerifierKey = self.verifier.parse().unwrap();
        let verified = verify_log(&self.log_directory(), &key);
        assert!(verified.is_ok(), "{verified:?}");
        if open {
            self.reopen();
        }
    }

    /// What an audit of the organisation's log against the databases and the feed finds. Closes custody.
    pub(crate) fn audited(&mut self) -> LogAuditReport {
        if let Some(custody) = &self.custody {
            custody.settle_feed();
        }
        let open = self.custody.is_some();
        self.close();
        let log = AuditedLog { organization: self.organization, keys: vec![self.verifier_key()] };
        let settings = AuditSettings {
            data_directory: self.data(),
            tolerance_seconds: 300,
            now: self.now(),
            pass_ids_max: AuditSettings::PASS_IDS_MAX,
        };
        let report = audit(&settings, &log, &[], Vec::new(), &mut |_, _| true).unwrap();
        if open {
            self.reopen();
        }
        report
    }

    /// The kinds of all entries of the organisation's log. Closes custody, so that everything is published.
    pub(crate) fn ledger_kinds(&mut self) -> Vec<String> {
        self.ledger_events().iter().map(|event| event.kind().to_owned()).collect()
    }

    /// All entries of the organisation's log. Closes custody, so that everything is published.
    pub(crate) fn ledger_events(&mut self) -> Vec<Event> {
        let open = self.custody.is_some();
        self.close();
        let key: VerifierKey = self.verifier.parse().unwrap();
        let reader = LogReader::open(&self.log_directory(), &key).unwrap();
        let events =
            reader.entries(0).map(|entry| LoggedLeaf::parse(&entry.unwrap().1).unwrap().leaf.event).collect();
        if open {
            self.reopen();
        }
        events
    }

    /// The first file of the data directory that holds `needle`.
    pub(crate) fn find(&self, needle: &str) -> Option<PathBuf> {
        fn search(folder: &Path, needle: &[u8]) -> Option<PathBuf> {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let found = if path.is_dir() {
                    search(&path, needle)
                } else {
                    let bytes = std::fs::read(&path).unwrap();
                    bytes.windows(needle.len()).any(|window| window == needle).then(|| path.clone())
                };
                if found.is_some() {
                    return found;
                }
            }
            None
        }
        search(&self.data(), needle.as_bytes())
    }

    pub(crate) fn assert_absent(&self, canaries: &[&str]) {
        for canary in canaries {
            assert_eq!(self.find(canary), None, "a canary lies in the open");
        }
    }

    pub(crate) fn copy_of_data(&self) -> PathBuf {
        let copy = self.folder.join("copy");
        copy_folder(&self.data(), &copy);
        copy
    }

    pub(crate) fn replace_data(&self, copy: PathBuf) {
        std::fs::remove_dir_all(self.data()).unwrap();
        std::fs::rename(&copy, self.data()).unwrap();
        *self.replaced.lock().unwrap() = Some(copy);
    }
}

fn copy_folder(from: &Path, to: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir(to).unwrap();
    std::fs::set_permissions(to, std::fs::Permissions::from_mode(0o700)).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}
