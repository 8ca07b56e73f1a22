//! Reading the project's own files.

use std::path::{Path, PathBuf};

/// Folders that hold what was built or downloaded, not what was written.
const SKIPPED_FOLDERS: [&str; 4] = ["target", ".git", "node_modules", "demo-data"];

/// A file of the project.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// Path from the project's folder, with `/`.
    pub(super) path: String,
    /// Contents.
    pub(super) text: String,
}

/// The project's folder.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Every file under `folder` whose name ends with one of `endings`, in a stable order.
pub(super) fn files(folder: &str, endings: &[&str]) -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    let mut waiting = vec![root.join(folder)];
    while let Some(current) = waiting.pop() {
        for entry in std::fs::read_dir(&current).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                if !SKIPPED_FOLDERS.contains(&name.as_str()) {
                    waiting.push(path);
                }
            } else if endings.iter().any(|ending| name.ends_with(ending)) {
                let relative = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
                found.push(Source { path: relative, text });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(!found.is_empty(), "no file under {folder:?} ends with {endings:?}");
    found
}

/// Every Rust file of the product: `crates/`, without the tests.
pub(super) fn product_sources() -> Vec<Source> {
    files("crates", &[".rs"]).into_iter().filter(|source| !is_test_file(&source.path)).collect()
}

fn is_test_file(path: &str) -> bool {
    let segments: Vec<&str> = path.split('/').collect();
    let in_test_folder = segments.iter().skip(2).any(|segment| matches!(*segment, "tests" | "benches"));
    in_test_folder || path.ends_with("/tests.rs") || path.ends_with("_tests.rs")
}

/// The lines of `text` outside of comments and of the test module at its end, with their numbers from 1.
pub(super) fn product_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines: Vec<&str> = text.lines().collect();
    let begins_tests =
        |pair: &[&str]| pair[0] == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{');
    let end = lines.windows(2).position(begins_tests).unwrap_or(lines.len());
    let product: Vec<&str> = lines.into_iter().take(end).collect();
    product
        .into_iter()
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(index, line)| (index + 1, line))
}
