//! Files that are newer, damaged, full or not writable, and the data directory's lock.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fiducia_store::{
    Bucket, BucketName, ControlStore, DataDirectory, DirectoryError, Journal, KeyStore, StoreError,
};

use crate::journal::{journaled, numbers};
use crate::samples::{conversation, key, record};

/// A page of a bucket's file, in bytes.
const PAGE_BYTES: usize = 16_384;
/// Tells the test that works on a full disk where to.
const FULL_DISK_FOLDER: &str = "FIDUCIA_STORE_FULL_DISK_FOLDER";

fn set_version(path: &Path, version: i64) {
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.pragma_update(None, "user_version", version).unwrap();
}

#[test]
fn a_newer_schema_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.db");
    KeyStore::open(&path).unwrap().add(&[key(1)]).unwrap();
    set_version(&path, 99);
    let before = std::fs::read(&path).unwrap();
    for refused in [KeyStore::open(&path).map(drop), KeyStore::open_for_reading(&path).map(drop)] {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, StoreError::NewerSchema { found: 99, known: 3, .. }), "{refused}");
        assert!(refused.to_string().contains("nothing was changed"), "{refused}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before, "not a byte was changed");
    set_version(&path, 3);
    assert!(KeyStore::open(&path).unwrap().node(key(1).0.id).unwrap().is_some());
}

#[test]
fn a_file_that_is_no_database_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.db");
    std::fs::write(&path, "not a database at all, and long enough to have a header".repeat(20)).unwrap();
    let refused = ControlStore::open(&path).unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused}");
    assert!(refused.to_string().contains("control.db is damaged"), "{refused}");
}

#[test]
fn a_damaged_page_is_an_error_that_names_the_file_and_the_check_finds_it() {
    let folder = tempfile::tempdir().unwrap();
    let place = Bucket::in_directory(folder.path().to_owned());
    let name = BucketName::account();
    let mut bucket = place.open(&name).unwrap();
    let records: Vec<_> = (1..=100).map(|number| record(number, 1)).collect();
    bucket.file(1, &records.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(bucket.problem().unwrap(), None);
    bucket.empty_wal().unwrap();
    drop(bucket);
    let path = folder.path().join("account.db");
    let mut bytes = std::fs::read(&path).unwrap();
    assert!(bytes.len() > 3 * PAGE_BYTES);
    bytes[PAGE_BYTES..].fill(0x5a);
    std::fs::write(&path, bytes).unwrap();
    let damaged = place.open(&name).unwrap();
    let refused = damaged.conversation(conversation(1), 0, 500).unwrap_err();
    assert!(matches!(refused, StoreError::Corrupt { .. }), "{refused}");
    assert!(refused.needs_reopening());
    assert!(refused.to_string().contains("account.db is damaged"), "{refused}");
    assert!(damaged.problem().map_or(true, |problem| problem.is_some()), "the check sees it too");
}

/// Runs in a process whose files may not grow, as on a full disk; alone it has nothing to do.
#[test]
fn work_on_a_full_disk() {
    let Some(folder) = std::env::var_os(FULL_DISK_FOLDER) else { return };
    let bucket_folder = std::path::PathBuf::from(folder);
    let place = Bucket::in_directory(bucket_folder.clone());
    let mut bucket = place.open(&BucketName::account()).unwrap();
    bucket.file(1, &[&record(1, 1)]).unwrap();
    let mut large = record(2, 1);
    large.ciphertext = vec![1; 32 * 1024 * 1024];
    let full = bucket.file(2, &[&record(3, 1), &large]).unwrap_err();
    assert!(matches!(full, StoreError::Io { .. } | StoreError::Full { .. }), "{full}");
    assert!(full.needs_reopening());
    assert!(full.to_string().contains("rolled back"), "{full}");
    drop(bucket);
    let mut bucket = place.open(&BucketName::account()).unwrap();
    assert_eq!(bucket.size().unwrap().0, 1, "all of the batch was rolled back");
    assert_eq!(bucket.filed_up_to().unwrap(), 1, "and it does not count as filed");
    bucket.file(3, &[&record(4, 1)]).unwrap();
    let mut journal = Journal::open(&DataDirectory::journal(bucket_folder.as_ref()), 3).unwrap();
    journal.append(&journaled(&[record(5, 1)]), &[]).unwrap();
    let full = journal.append(&journaled(&[record(6, 1), large]), &[]).unwrap_err();
    assert!(matches!(full, StoreError::Io { .. } | StoreError::Full { .. }), "{full}");
    assert_eq!(journal.append(&journaled(&[record(7, 1)]), &[]).unwrap(), 5, "a smaller one still fits");
}

#[test]
fn a_batch_that_the_disk_cannot_take_is_rolled_back_whole_and_smaller_ones_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let output = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8000; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "files::work_on_a_full_disk", "--nocapture"])
        .env(FULL_DISK_FOLDER, folder.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let bucket = Bucket::in_directory(folder.path().to_owned()).open(&BucketName::account()).unwrap();
    assert_eq!(bucket.size().unwrap().0, 2, "the first and the last, and nothing of the one that failed");
    assert_eq!(bucket.problem().unwrap(), None);
    assert_eq!(numbers(&DataDirectory::journal(folder.path())), [4, 5], "the one that failed left nothing");
}

#[test]
fn a_connection_for_reading_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.db");
    KeyStore::open(&path).unwrap();
    let refused = KeyStore::open_for_reading(&path).unwrap().add(&[key(1)]).unwrap_err();
    assert!(matches!(refused, StoreError::ReadOnly { .. }), "{refused}");
    assert!(KeyStore::open_for_reading(&folder.path().join("missing.db")).is_err(), "and makes no file");
    assert!(!folder.path().join("missing.db").exists());
}

#[test]
fn a_data_directory_has_one_holder_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("data");
    let held = DataDirectory::lock(&root).unwrap();
    assert_eq!(std::fs::metadata(&root).unwrap().permissions().mode() & 0o777, 0o700);
    let refused = DataDirectory::lock(&root).unwrap_err().to_string();
    assert!(refused.contains(&format!("process {}", std::process::id())), "{refused}");
    drop(held);
    drop(DataDirectory::lock(&root).unwrap());
    std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o750)).unwrap();
    assert!(matches!(DataDirectory::lock(&root), Err(DirectoryError::Exposed { mode: 0o750, .. })));
}
