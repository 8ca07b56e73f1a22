//! A file of lines, ended by size and by day. A file that somebody moved away is begun anew, so that `logrotate` may do the same
//! without a signal.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use fiducia_policy::Timestamp;

use super::{Line, SiemFileSettings};

/// How far back a line is looked for that a crash cut off.
const TORN_BYTES_MAX: u64 = 1024 * 1024;
const SECONDS_PER_DAY: i64 = 86_400;

/// A file of lines.
pub(super) struct FileTarget {
    settings: SiemFileSettings,
    open: Option<Open>,
}

struct Open {
    file: File,
    length: u64,
    /// On which day it was written last, counted from 1970 in UTC.
    day: i64,
}

impl FileTarget {
    pub(super) fn new(settings: SiemFileSettings) -> Self {
        Self { settings, open: None }
    }

    /// Appends lines and waits until they are on the disk. After an error the file is as it was.
    pub(super) fn write(&mut self, lines: &[Line], now: Timestamp) -> io::Result<()> {
        let text: String = lines.iter().flat_map(|line| [line.text.as_str(), "\n"]).collect();
        let added = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let day = now.as_second().div_euclid(SECONDS_PER_DAY);
        let mut open = match self.open.take() {
            Some(open) if is_at(&open.file, &self.settings.path) => open,
            _ => open_file(&self.settings.path)?,
        };
        let is_full = open.length.saturating_add(added) > self.settings.rotate_bytes;
        let is_of_another_day = self.settings.rotate_daily && open.day != day;
        if open.length > 0 && (is_full || is_of_another_day) {
            drop(open);
            end_file(&self.settings, now)?;
            open = open_file(&self.settings.path)?;
        }
        let written = open.file.write_all(text.as_bytes()).and_then(|()| open.file.sync_data());
        if let Err(error) = written {
            // A line that is half written would be read as damage. Should this fail too, opening it again sees to it.
            let _ = open.file.set_len(open.length);
            return Err(error);
        }
        open.length = open.length.saturating_add(added);
        open.day = day;
        self.open = Some(open);
        Ok(())
    }
}

/// Whether the path still leads to the open file.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Opens the file, or begins it, and cuts off what a crash left of a line.
fn open_file(path: &Path) -> io::Result<Open> {
    let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
    let metadata = file.metadata()?;
    let length = whole_lines(&mut file, metadata.len())?;
    if length < metadata.len() {
        file.set_len(length)?;
    }
    Ok(Open { file, length, day: metadata.mtime().div_euclid(SECONDS_PER_DAY) })
}

/// How many bytes of the file are whole lines.
fn whole_lines(file: &mut File, length: u64) -> io::Result<u64> {
    let from = length.saturating_sub(TORN_BYTES_MAX);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.take(TORN_BYTES_MAX).read_to_end(&mut tail)?;
    let kept = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
    Ok(from.saturating_add(u64::try_from(kept).unwrap_or(0)))
}

/// Moves the file aside under the time of its end, and removes the oldest beyond those that are kept.
fn end_file(settings: &SiemFileSettings, now: Timestamp) -> io::Result<()> {
    let path = &settings.path;
    let stamp = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let ended = (0_u32..1_000)
        .map(|number| beside(path, &format!("{stamp}-{number:03}")))
        .find(|candidate| !candidate.exists())
        .ok_or_else(|| io::Error::other("a thousand files were ended within one second"))?;
    std::fs::rename(path, ended)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()?;
    let mut ended = ended_files(folder, path)?;
    ended.sort_unstable();
    let surplus = ended.len().saturating_sub(settings.keep_files);
    for file in ended.into_iter().take(surplus) {
        std::fs::remove_file(file)?;
    }
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// The files that were ended before, by their names: `NAME.20261121T041523Z-000`.
fn ended_files(folder: &Path, path: &Path) -> io::Result<Vec<PathBuf>> {
    let Some(name) = path.file_name().and_then(std::ffi::OsStr::to_str) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let candidate = entry.file_name();
        let ending = candidate.to_str().and_then(|text| text.strip_prefix(name)?.strip_prefix('.'));
        let is_stamp = |ending: &str| {
            let pattern = b"########T######Z-###";
            ending.len() == pattern.len()
                && ending.bytes().zip(pattern).all(|(byte, wanted)| match wanted {
                    b'#' => byte.is_ascii_digit(),
                    other => byte == *other,
                })
        };
        if ending.is_some_and(is_stamp) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn lines(texts: &[&str]) -> Vec<Line> {
        let now = at("2026-11-21T00:00:00Z");
        texts.iter().map(|text| Line { at: now, kind: "k".to_owned(), text: (*text).to_owned() }).collect()
    }

    fn target(folder: &Path, rotate_bytes: u64, rotate_daily: bool) -> FileTarget {
        let path = folder.join("siem.jsonl");
        FileTarget::new(SiemFileSettings { path, rotate_bytes, rotate_daily, keep_files: 2 })
    }

    fn files(folder: &Path) -> Vec<(String, String)> {
        let mut found: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                (name, std::fs::read_to_string(path).unwrap())
            })
            .collect();
        found.sort();
        found
    }

    #[test]
    fn a_file_is_ended_when_it_is_full_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("siem.jsonl.backup"), "somebody else's").unwrap();
        let mut target = target(folder.path(), 8, false);
        for (number, text) in ["aaa", "bbb", "ccc", "ddd", "eee", "fff", "ggg"].iter().enumerate() {
            target.write(&lines(&[text]), at(&format!("2026-11-21T00:00:0{number}Z"))).unwrap();
        }
        let expect = [
            ("siem.jsonl", "ggg\n"),
            ("siem.jsonl.20261121T000004Z-000", "ccc\nddd\n"),
            ("siem.jsonl.20261121T000006Z-000", "eee\nfff\n"),
            ("siem.jsonl.backup", "somebody else's"),
        ];
        assert_eq!(files(folder.path()), expect.map(|(name, text)| (name.to_owned(), text.to_owned())));
    }

    #[test]
    fn a_day_ends_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut target = target(folder.path(), 1_000, true);
        // The file's own time is the machine's; the first batch after opening sets the day.
        target.write(&lines(&["a"]), at("2099-11-21T23:59:59Z")).unwrap();
        target.write(&lines(&["b"]), at("2099-11-21T23:59:59Z")).unwrap();
        target.write(&lines(&["c"]), at("2099-11-22T00:00:00Z")).unwrap();
        let found = files(folder.path());
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0].1, "c\n");
        assert_eq!(found[1], ("siem.jsonl.20991122T000000Z-000".to_owned(), "a\nb\n".to_owned()));
    }

    #[test]
    fn a_file_that_was_moved_away_is_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        let mut target = target(folder.path(), 1_000, false);
        target.write(&lines(&["a"]), at("2026-11-21T00:00:00Z")).unwrap();
        std::fs::rename(folder.path().join("siem.jsonl"), folder.path().join("moved")).unwrap();
        target.write(&lines(&["b"]), at("2026-11-21T00:00:01Z")).unwrap();
        let found = files(folder.path());
        assert_eq!(
            found,
            [("moved".to_owned(), "a\n".to_owned()), ("siem.jsonl".to_owned(), "b\n".to_owned())]
        );
    }

    #[test]
    fn a_line_that_a_crash_cut_off_is_taken_back() {
        for (torn, expect) in [("", ""), ("a\nb", "a\n"), ("a\n", "a\n"), ("half", "")] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("siem.jsonl"), torn).unwrap();
            target(folder.path(), 1_000, false).write(&lines(&["c"]), at("2026-11-21T00:00:00Z")).unwrap();
            assert_eq!(files(folder.path())[0].1, format!("{expect}c\n"), "{torn:?}");
        }
    }

    #[test]
    fn a_disk_that_takes_nothing_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/dev/full", folder.path().join("siem.jsonl")).unwrap();
        let refused = target(folder.path(), 1_000, false).write(&lines(&["a"]), at("2026-11-21T00:00:00Z"));
        assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::StorageFull);
    }
}
