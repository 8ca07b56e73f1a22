//! The program under test, built from the current sources.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The program as users get it.
pub(crate) fn plain() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build("plain", &[]))
}

/// The program with planted faults, which the environment variable `FIDUCIA_FAULT` switches on. It shows that the
/// harnesses would notice.
pub(crate) fn faulty() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build("faulty", &["--features", "fault-injection"]))
}

/// Builds into a folder of its own, so that the two programs do not overwrite each other; what they share is compiled
/// once because the folder for intermediate files is the workspace's.
fn build(name: &str, arguments: &[&str]) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let target = root.join("target");
    let folder = target.join("end-to-end").join(name);
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root).args(["build", "--quiet", "--package", "fiducia"]).args(arguments);
    command.env("CARGO_BUILD_BUILD_DIR", &target).env("CARGO_TARGET_DIR", &folder);
    for (variable, _) in std::env::vars_os() {
        if variable
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR")
        {
            command.env_remove(&variable);
        }
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "building fiducia:\n{}", String::from_utf8_lossy(&output.stderr));
    folder.join("debug/fiducia")
}

/// Whether the program has this chain of subcommands.
pub(crate) fn knows_subcommands(words: &[&str]) -> bool {
    let output = Command::new(plain()).args(words).arg("--help").output().unwrap();
    let usage = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success() && usage.contains(&format!("Usage: fiducia {}", words.join(" ")))
}
