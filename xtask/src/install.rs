//! Installing what the tests need: Debian packages through apt-get, the official SDKs, the browser tests' packages and programs
//! of others that read a log, under `target/`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::TaskError;
use crate::process::output_of;

/// A program that the tests call, and the Debian package that holds it.
struct Tool {
    program: &'static str,
    package: &'static str,
}

/// Programs that the tests call. Python's `venv` and pip are looked for apart: they are no programs.
const TEST_TOOLS: &[Tool] = &[
    Tool { program: "strace", package: "strace" },
    Tool { program: "curl", package: "curl" },
    Tool { program: "fiu-run", package: "fiu-utils" },
    Tool { program: "python3", package: "python3" },
    Tool { program: "softhsm2-util", package: "softhsm2" },
    Tool { program: "npm", package: "npm" },
    Tool { program: "go", package: "golang-go" },
    Tool { program: "chromium", package: "chromium" },
    Tool { program: "chromedriver", package: "chromium-driver" },
];

/// Programs that only the benchmarks call.
const BENCH_TOOLS: [Tool; 1] = [Tool { program: "nginx", package: "nginx" }];

/// Installs what is missing and says each thing that it did.
pub(crate) fn everything(root: &Path, with_bench: bool, say: &mut dyn FnMut(&str)) -> Result<(), TaskError> {
    packages(with_bench, say)?;
    for set in PYTHON_SETS {
        python(root, set, say)?;
    }
    go(root, say)?;
    for set in NODE_SETS {
        node(root, &set, say)?;
    }
    Ok(())
}

fn packages(with_bench: bool, say: &mut dyn FnMut(&str)) -> Result<(), TaskError> {
    let bench: &[Tool] = if with_bench { &BENCH_TOOLS } else { &[] };
    let mut missing: Vec<&str> = TEST_TOOLS
        .iter()
        .chain(bench)
        .filter(|tool| find(tool.program).is_none())
        .map(|tool| tool.package)
        .collect();
    if !python_makes_environments() {
        missing.push("python3-venv");
    }
    if !Path::new(GO_MODULES).join("golang.org/x/mod/sumdb/tlog").is_dir() {
        missing.push("golang-golang-x-mod-dev");
    }
    if missing.is_empty() {
        say("every Debian package is there");
        return Ok(());
    }
    say(&format!("installing Debian packages: {}", missing.join(" ")));
    let mut prefix = apt_prefix(&missing)?;
    prefix.push("apt-get");
    apt(&prefix, &["update", "--quiet"])?;
    let mut arguments = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
    arguments.extend(&missing);
    apt(&prefix, &arguments)
}

/// Nothing as root, else `sudo`; an error that says what to install when neither will do.
fn apt_prefix(missing: &[&str]) -> Result<Vec<&'static str>, TaskError> {
    let by_hand = format!("install these Debian packages by hand: {}", missing.join(" "));
    if find("apt-get").is_none() {
        return Err(TaskError::Missing(format!("there is no apt-get here; {by_hand} (or their like)")));
    }
    if output_of(Command::new("id").arg("-u"))?.trim() == "0" {
        return Ok(Vec::new());
    }
    if output_of(Command::new("sudo").args(["-n", "true"])).is_ok() {
        return Ok(vec!["sudo", "-n"]);
    }
    Err(TaskError::Missing(format!("this is not root and sudo asks for a password; {by_hand}")))
}

fn apt(prefix: &[&str], arguments: &[&str]) -> Result<(), TaskError> {
    let mut words = prefix.iter();
    let program = words.next().copied().unwrap_or("apt-get");
    let mut command = Command::new(program);
    command.args(words).args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    output_of(&mut command).map(drop)
}

fn python_makes_environments() -> bool {
    output_of(Command::new("python3").args(["-c", "import venv, ensurepip"])).is_ok()
}

/// Packages of Python, pinned.
struct PythonSet {
    /// What it holds, for people.
    what: &'static str,
    /// The file that names them.
    pins: &'static str,
    /// Where they are installed.
    folder: &'static str,
    /// What pip is told besides.
    options: &'static [&'static str],
}

const PYTHON_SETS: &[PythonSet] = &[
    // The official SDKs, a mail server and a judge of OpenAPI documents.
    PythonSet {
        what: "the Python SDKs",
        pins: "tests/sdk/python/requirements.txt",
        folder: "target/xtask/python",
        options: &[],
    },
    // OpenBao's own program, and moto in the place of AWS.
    PythonSet {
        what: "the key management services",
        pins: "tests/key_services/python/requirements.txt",
        folder: "target/xtask/key-services",
        options: &[],
    },
    // A reader and a witness of logs by others. They ask for Python 3.12 and use nothing that 3.11 lacks, which the tests show;
    // their own requirements are all pinned.
    PythonSet {
        what: "other readers of logs in Python",
        pins: "tests/readers/python/requirements.txt",
        folder: "target/xtask/readers",
        options: &["--ignore-requires-python", "--no-deps"],
    },
];

fn python(root: &Path, set: &PythonSet, say: &mut dyn FnMut(&str)) -> Result<(), TaskError> {
    let folder = root.join(set.folder);
    let pins = root.join(set.pins);
    if is_current(&folder, &[&pins])? {
        say(&format!("{} are there", set.what));
        return Ok(());
    }
    say(&format!("installing {}", set.what));
    remove(&folder)?;
    output_of(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
    pip.args(set.options).arg("--requirement").arg(&pins);
    output_of(&mut pip)?;
    mark_current(&folder, &[&pins])
}

/// Where Debian's packages put the sources of Go modules.
const GO_MODULES: &str = "/usr/share/gocode/src";

/// Builds the reader of logs in Go against Debian's copy of the Go project's own packages: nothing is downloaded.
fn go(root: &Path, say: &mut dyn FnMut(&str)) -> Result<(), TaskError> {
    let folder = root.join("target/xtask/go");
    let source = root.join("tests/readers/go/main.go");
    if is_current(&folder, &[&source])? {
        say("the reader of logs in Go is there");
        return Ok(());
    }
    say("building the reader of logs in Go");
    remove(&folder)?;
    create(&folder)?;
    let above = Path::new(GO_MODULES).parent().unwrap_or(Path::new("/"));
    let mut go = Command::new("go");
    go.current_dir(&folder).args(["build", "-o"]).arg(folder.join("reader")).arg(&source);
    go.env("GO111MODULE", "off").env("GOPATH", above).env("GOFLAGS", "").env("CGO_ENABLED", "0");
    go.env("GOCACHE", folder.join("cache"));
    output_of(&mut go)?;
    remove(&folder.join("cache"))?;
    mark_current(&folder, &[&source])
}

/// Packages of Node, pinned by a lock file.
struct NodeSet {
    /// What it holds, for people.
    what: &'static str,
    /// Where its manifest and lock lie.
    pins: &'static str,
    /// Where it is installed.
    folder: &'static str,
}

const NODE_SETS: [NodeSet; 2] = [
    // The official SDKs and the Node that they ask for.
    NodeSet { what: "the Node SDKs", pins: "tests/sdk/node", folder: "target/xtask/node" },
    // What the browser tests need: a checker of accessibility and an identity provider.
    NodeSet {
        what: "the browser tests' packages",
        pins: "tests/browser/node",
        folder: "target/xtask/browser",
    },
];

fn node(root: &Path, set: &NodeSet, say: &mut dyn FnMut(&str)) -> Result<(), TaskError> {
    let folder = root.join(set.folder);
    let manifest = root.join(set.pins).join("package.json");
    let lock = root.join(set.pins).join("package-lock.json");
    if is_current(&folder, &[&manifest, &lock])? {
        say(&format!("{} are there", set.what));
        return Ok(());
    }
    say(&format!("installing {}", set.what));
    remove(&folder)?;
    create(&folder)?;
    copy(&manifest, &folder.join("package.json"))?;
    copy(&lock, &folder.join("package-lock.json"))?;
    let mut npm = Command::new("npm");
    npm.current_dir(&folder).args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    output_of(&mut npm)?;
    mark_current(&folder, &[&manifest, &lock])
}

/// Whether `folder` was filled from files with the same contents as `sources` have now.
fn is_current(folder: &Path, sources: &[&Path]) -> Result<bool, TaskError> {
    let wanted = contents(sources)?;
    Ok(std::fs::read(folder.join("installed-from")).is_ok_and(|found| found == wanted))
}

fn mark_current(folder: &Path, sources: &[&Path]) -> Result<(), TaskError> {
    let path = folder.join("installed-from");
    std::fs::write(&path, contents(sources)?).map_err(|source| TaskError::File {
        action: "writing",
        path,
        source,
    })
}

fn contents(sources: &[&Path]) -> Result<Vec<u8>, TaskError> {
    let mut all = Vec::new();
    for path in sources {
        let bytes = std::fs::read(path).map_err(|source| TaskError::File {
            action: "reading",
            path: path.to_path_buf(),
            source,
        })?;
        all.extend(bytes);
    }
    Ok(all)
}

fn remove(folder: &Path) -> Result<(), TaskError> {
    match std::fs::remove_dir_all(folder) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(TaskError::File { action: "removing", path: folder.to_path_buf(), source })
        }
        _ => Ok(()),
    }
}

fn create(folder: &Path) -> Result<(), TaskError> {
    std::fs::create_dir_all(folder).map_err(|source| TaskError::File {
        action: "creating",
        path: folder.to_path_buf(),
        source,
    })
}

fn copy(from: &Path, to: &Path) -> Result<(), TaskError> {
    std::fs::copy(from, to).map(drop).map_err(|source| TaskError::File {
        action: "copying",
        path: from.to_path_buf(),
        source,
    })
}

/// Where `program` is, as a shell would find it, with the folders of system programs looked in too.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}
